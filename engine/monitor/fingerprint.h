/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_FINGERPRINT_H
#define SIGNALBOX_MONITOR_FINGERPRINT_H

/*
 * Fingerprint: is this failure one that was seen before?
 *
 * What changes from run to run is masked (template.h), what stays is hashed. The book remembers the fingerprints of failures, when each was first
 * and last seen and how often; the one that was not seen for longest makes room. Pure and flat:
 * a plain value that can be saved and loaded as it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"

#define FINGERPRINT_TEXT 120 /* bytes of a masked text that are kept */
#define FINGERPRINTS_MAX 256
/* Silent for so long and seen again: it has returned. */
#define FINGERPRINT_RETURN_MS (INT64_C(24) * 3600 * 1000)

struct fingerprint {
    uint64_t hash; /* 0 = free */
    struct wall first_at, last_at;
    struct wall
        returned_at; /* last time that it came back after a silence; unset: never */
    int64_t n;
    char text[FINGERPRINT_TEXT];
};

struct fingerprint_book {
    struct fingerprint prints[FINGERPRINTS_MAX];
};

enum fingerprint_age { FINGERPRINT_KNOWN, FINGERPRINT_NEW, FINGERPRINT_RETURNED };

/* A failure with this text; *ret_print (may be NULL) points into the book. */
enum fingerprint_age fingerprint_add(struct fingerprint_book *book, const char *text,
                                     struct wall at,
                                     const struct fingerprint **ret_print);

/* How many were seen first, and how many came back, within `span` before now. */
void fingerprint_count(const struct fingerprint_book *book, struct wall now,
                       struct span span, int64_t *ret_new, int64_t *ret_returned);

#endif
