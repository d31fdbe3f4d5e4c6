/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_METRIC_CHUNK_H
#define SIGNALBOX_STORE_METRIC_CHUNK_H

/*
 * Metric chunk: points as few bytes.
 *
 * Times as differences of differences, values as the bits that differ from the value before:
 * Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", PVLDB 8(12),
 * 2015. Times are whole milliseconds here, so a difference of differences that does not fit
 * 20 bits takes 64. Every value comes back bit for bit.
 *
 * A block holds the chunks, or the intervals, of some of METRIC_BLOCK series:
 * for each (series in the block: 1 byte)(length: varint)(bytes).
 *
 * Pure; the writer's memory is fixed. Readers bear any bytes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "store/metric_store.h"

#define CHUNK_BYTES 176 /* at 1 Hz and the worst of values more than 15 s */

struct chunk {
    int64_t first_ms, last_ms, step_ms;
    uint64_t last_bits;
    uint16_t n_bits;     /* used of `bytes` */
    uint16_t n;          /* points */
    uint8_t lead, width; /* of the window of bits that differ; width 0 = none yet */
    uint8_t bytes[CHUNK_BYTES];
};

void chunk_clear(struct chunk *chunk); /* or all zero */
/* False: full, nothing changed. */
NODISCARD bool chunk_add(struct chunk *chunk, struct wall at, double value);
static inline size_t chunk_len(const struct chunk *chunk)
{
    return ((size_t)chunk->n_bits + 7) / 8;
}

/* Reading. The number of points is the first byte pair of a stored chunk (chunk_format). */
struct chunk_reader {
    const uint8_t *bytes;
    size_t n_bits, at;
    uint32_t left; /* points */
    int64_t last_ms, step_ms;
    uint64_t last_bits;
    uint8_t lead, width;
    bool is_first, is_bad;
};
/* Bytes of a chunk as stored; <= CHUNK_BYTES + 3. */
size_t chunk_format(const struct chunk *chunk, uint8_t out[CHUNK_BYTES + 3]);
void chunk_reader_init(struct chunk_reader *reader, const uint8_t *bytes, size_t len);
/* False at the end, or where the bytes make no sense. */
NODISCARD bool chunk_next(struct chunk_reader *reader, struct wall *ret_at,
                          double *ret_value);

/* An interval: n, min, max, sum, last and a sketch. */
#define INTERVAL_BYTES 64 /* at most, without the sketch */
size_t interval_format(const struct metric_point *point, uint8_t out[INTERVAL_BYTES]);
/* The sketch points into bytes. */
NODISCARD bool interval_parse(const uint8_t *bytes, size_t len, struct metric_point *ret);

/* Walk a block: false at the end or where it is damaged. */
struct block_reader {
    const uint8_t *bytes;
    size_t len, at;
};
NODISCARD bool block_next(struct block_reader *reader, int *ret_member,
                          const uint8_t **ret_bytes, size_t *ret_len);

#endif
