/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_BLOB_H
#define SIGNALBOX_DECISION_BLOB_H

/*
 * Blob: numbers written one after the other and read back, the same on every machine.
 *
 * Reading never fails in the middle: what is missing or no finite number reads as 0 and sets
 * is_bad, which the reader looks at when it has read everything, and where it would loop.
 */

#include <math.h>

#include "engine/base/buf.h"
#include "engine/base/varint.h"

static inline void blob_put_count(struct buf *out, uint64_t number)
{
    uint8_t bytes[VARINT_MAX];
    (void)buf_add(out, bytes, varint_put(bytes, number)); /* shows in out->is_cut */
}
static inline void blob_put_number(struct buf *out, double number)
{
    uint8_t bytes[8];
    (void)buf_add(out, bytes, double_put(bytes, number)); /* as above */
}
/* A float takes 4 bytes. */
static inline void blob_put_float(struct buf *out, float number)
{
    uint32_t bits;
    uint8_t bytes[4];
    memcpy(&bits, &number, sizeof(bits));
    for (size_t i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(bits >> (8 * i));
    }
    (void)buf_add(out, bytes, sizeof(bytes)); /* as above */
}

struct blob_reader {
    const uint8_t *at;
    size_t left;
    bool is_bad;
};

static inline uint64_t blob_count(struct blob_reader *reader)
{
    uint64_t number = 0;
    size_t used = varint_get(reader->at, reader->left, &number);
    reader->is_bad = reader->is_bad || used == 0;
    reader->at += used;
    reader->left -= used;
    return number;
}
/* At most `max`; more is bad and reads as 0. */
static inline uint64_t blob_count_to(struct blob_reader *reader, uint64_t max)
{
    uint64_t number = blob_count(reader);
    reader->is_bad = reader->is_bad || number > max;
    return number > max ? 0 : number;
}
static inline double blob_number(struct blob_reader *reader)
{
    double number = reader->left < 8 ? (double)NAN : double_get(reader->at);
    size_t used = reader->left < 8 ? reader->left : 8;
    reader->at += used;
    reader->left -= used;
    reader->is_bad = reader->is_bad || !isfinite(number);
    return isfinite(number) ? number : 0;
}
static inline float blob_float(struct blob_reader *reader)
{
    uint32_t bits = 0;
    float number;
    if (reader->left < 4) {
        reader->is_bad = true;
        return 0;
    }
    for (size_t i = 0; i < 4; i++) {
        bits |= (uint32_t)reader->at[i] << (8 * i);
    }
    memcpy(&number, &bits, sizeof(number));
    reader->at += 4;
    reader->left -= 4;
    reader->is_bad = reader->is_bad || !isfinite(number);
    return isfinite(number) ? number : 0;
}

#endif
