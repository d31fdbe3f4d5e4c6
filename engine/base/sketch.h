/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_SKETCH_H
#define SIGNALBOX_BASE_SKETCH_H

/*
 * Sketch: quantiles of many measurements in little, fixed memory.
 *
 * A histogram with buckets (g^(i-1), g^i], so that every quantile is known with a relative
 * error of at most e where g = (1 + e) / (1 - e): DDSketch (Masson, Rim and Lee, "DDSketch: A
 * fast and fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12(12),
 * 2019). It starts with e = 1 %. When the measurements span more than SKETCH_BUCKETS buckets,
 * pairs of buckets become one and e about doubles (Epicoco et al., "UDDSketch", IEEE Access
 * 8, 2020): 1 % up to a span of 1:165, 2 % to 1:28000, 4 % to 1:700 million. sketch_error
 * says what holds. Merging gives the same sketch as adding everything to one.
 *
 * Measurements are not negative. Pure values without pointers; no allocation.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

#define SKETCH_BUCKETS  256
#define SKETCH_ERROR    0.01 /* to begin with */
#define SKETCH_TINY     1e-9 /* what is smaller counts as 0 */
#define SKETCH_BLOB_MAX (SKETCH_BUCKETS * 6 + 64)

struct sketch {
    int64_t n, n_zero;
    double min, max, sum;
    int32_t level;  /* how often pairs were joined */
    int32_t offset; /* index of buckets[0] */
    int32_t used;   /* buckets from 0 on that may be other than 0 */
    uint32_t buckets[SKETCH_BUCKETS];
};

void sketch_init(struct sketch *sketch); /* or all zero */
/* Negative and not finite values are not taken: false. */
bool sketch_add(struct sketch *sketch, double value);
void sketch_merge(struct sketch *to, const struct sketch *from);
/* The measurement below which a share q of [0, 1] lies, by nearest rank; NAN of none. The
 * smallest and the largest are exact. */
double sketch_quantile(const struct sketch *sketch, double q);
/* The relative error that quantiles have at most. */
double sketch_error(const struct sketch *sketch);
/* Compact bytes, the same on every machine. Returns their number, <= SKETCH_BLOB_MAX. */
size_t sketch_format(const struct sketch *sketch, uint8_t out[SKETCH_BLOB_MAX]);
/* False when the bytes are no sketch. */
NODISCARD bool sketch_parse(const uint8_t *bytes, size_t len, struct sketch *ret_sketch);

#endif
