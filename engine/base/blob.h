/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_BLOB_H
#define SIGNALBOX_BASE_BLOB_H

/*
 * Blob: state as bytes: numbers of variable length and texts with their length, no padding, the
 * same on every machine, equal bytes for equal states.
 *
 * Reading trusts nothing: after the first number out of its range, text that is not clean, or end of
 * the bytes, is_bad is set for good and everything that is taken is the lowest value or "".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"

void blob_put(struct buf *out, int64_t number);
void blob_put_key(struct buf *out, uint64_t key);
void blob_put_double(struct buf *out, double number);
void blob_put_text(struct buf *out, const char *text);

struct blob {
    const uint8_t *bytes;
    size_t len;
    bool is_bad;
};
int64_t blob_take(struct blob *blob, int64_t low, int64_t high);
uint64_t blob_take_key(struct blob *blob);
/* In [low, high]; NAN is out of every range. */
double blob_take_double(struct blob *blob, double low, double high);
/* 0 or later, and such that spans can be added. */
struct wall blob_take_wall(struct blob *blob);
/* At most cap - 1 bytes of UTF-8 without control characters; NUL-terminated. */
void blob_take_text(struct blob *blob, char *out, size_t cap);
/* Everything was good and nothing is left. */
bool blob_is_done(const struct blob *blob);

#endif
