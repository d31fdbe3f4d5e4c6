/* SPDX-License-Identifier: MIT */
#include "engine/base/sketch.h"

#include <math.h>
#include <string.h>

#include "engine/base/varint.h"

#define FORMAT    1
#define LOG_MAX   710                 /* of the largest double */
#define N_MAX     (UINT64_C(1) << 60) /* more are no measurements: sums must not overflow */
#define LEVEL_MAX 12 /* by then all that a double can hold is in one sketch */

/* ln g of the first level; each further level doubles it. */
static double width_of(int level)
{
    static const double first = 0.020000666706669543; /* ln((1 + .01) / (1 - .01)) */
    return ldexp(first, level);
}

void sketch_init(struct sketch *sketch)
{
    memset(sketch, 0, sizeof(*sketch));
}

double sketch_error(const struct sketch *sketch)
{
    return tanh(width_of(sketch->level) / 2); /* (g - 1) / (g + 1) */
}

static int32_t index_of(double value, int level)
{
    return (int32_t)ceil(log(value) / width_of(level));
}

/* Bucket i of this level is in bucket ceil(i / 2) of the next. */
static int32_t half(int32_t i)
{
    return i > 0 ? (i + 1) / 2 : -(-i / 2);
}

static void join_pairs(struct sketch *sketch)
{
    uint32_t joined[SKETCH_BUCKETS] = {0};
    int32_t first = half(sketch->offset), last = first;
    for (int32_t i = 0; i < sketch->used; i++) {
        last = half(sketch->offset + i);
        joined[last - first] += sketch->buckets[i];
    }
    memcpy(sketch->buckets, joined, sizeof(joined));
    sketch->used = sketch->used > 0 ? last - first + 1 : 0;
    sketch->offset = first;
    sketch->level++;
}

/* Buckets [low, high] of the sketch's level have a place afterwards, at whatever level. */
static void make_room(struct sketch *sketch, int32_t low, int32_t high)
{
    if (sketch->used > 0) {
        int32_t end = sketch->offset + sketch->used - 1;
        low = low < sketch->offset ? low : sketch->offset;
        high = high > end ? high : end;
    }
    while (high - low >= SKETCH_BUCKETS && sketch->level < LEVEL_MAX) {
        join_pairs(sketch);
        low = half(low);
        high = half(high);
    }
    if (sketch->used == 0) {
        sketch->offset = low;
    } else if (low < sketch->offset) {
        size_t by = (size_t)(sketch->offset - low);
        memmove(sketch->buckets + by, sketch->buckets,
                (size_t)sketch->used * sizeof(sketch->buckets[0]));
        memset(sketch->buckets, 0, by * sizeof(sketch->buckets[0]));
        sketch->offset = low;
    }
    sketch->used = high - low + 1;
}

/* The count saturates: four thousand million measurements in one bucket. */
static void count(struct sketch *sketch, int32_t index, uint32_t n)
{
    uint32_t *bucket = &sketch->buckets[index - sketch->offset];
    *bucket = n > UINT32_MAX - *bucket ? UINT32_MAX : *bucket + n;
}

bool sketch_add(struct sketch *sketch, double value)
{
    if (!isfinite(value) || value < 0) {
        return false;
    }
    sketch->min = sketch->n == 0 || value < sketch->min ? value : sketch->min;
    sketch->max = sketch->n == 0 || value > sketch->max ? value : sketch->max;
    sketch->sum += value;
    sketch->n++;
    if (value < SKETCH_TINY) {
        sketch->n_zero++;
        return true;
    }
    int32_t index = index_of(value, sketch->level);
    if (sketch->used == 0 || index < sketch->offset ||
        index >= sketch->offset + sketch->used) {
        make_room(sketch, index, index);
        index = index_of(value, sketch->level);
    }
    count(sketch, index, 1);
    return true;
}

void sketch_merge(struct sketch *to, const struct sketch *from)
{
    if (from->n == 0) {
        return;
    }
    struct sketch other = *from;
    while (to->level < other.level) {
        join_pairs(to);
    }
    while (other.level < to->level) {
        join_pairs(&other);
    }
    if (other.used > 0) {
        make_room(to, other.offset, other.offset + other.used - 1);
        while (other.level < to->level) {
            join_pairs(&other);
        }
    }
    for (int32_t i = 0; i < other.used; i++) {
        if (other.buckets[i] > 0) {
            count(to, other.offset + i, other.buckets[i]);
        }
    }
    to->min = to->n == 0 || other.min < to->min ? other.min : to->min;
    to->max = to->n == 0 || other.max > to->max ? other.max : to->max;
    to->sum += other.sum;
    to->n += other.n;
    to->n_zero += other.n_zero;
}

/* The middle of a bucket, in the sense that both of its ends are as wrong. */
static double value_of(const struct sketch *sketch, int32_t i)
{
    double width = width_of(sketch->level);
    double value = 2 * exp(width * (sketch->offset + i)) / (exp(width) + 1);
    value = value < sketch->min ? sketch->min : value;
    return value > sketch->max ? sketch->max : value;
}

double sketch_quantile(const struct sketch *sketch, double q)
{
    if (sketch->n == 0 || !(q >= 0 && q <= 1)) {
        return (double)NAN;
    }
    int64_t rank = (int64_t)ceil(q * (double)sketch->n); /* 1.. */
    if (rank <= 1) {
        return sketch->min;
    }
    if (rank >= sketch->n) {
        return sketch->max;
    }
    int64_t seen = sketch->n_zero;
    if (rank <= seen) {
        return 0;
    }
    for (int32_t i = 0; i < sketch->used; i++) {
        seen += sketch->buckets[i];
        if (rank <= seen) {
            return value_of(sketch, i);
        }
    }
    return sketch->max;
}

/* ---- bytes ---------------------------------------------------------------------------- */

size_t sketch_format(const struct sketch *sketch, uint8_t out[SKETCH_BLOB_MAX])
{
    size_t len = 0;
    out[len++] = FORMAT;
    out[len++] = (uint8_t)sketch->level;
    len += varint_put(out + len, varint_fold(sketch->offset));
    len += varint_put(out + len, (uint64_t)sketch->used);
    len += varint_put(out + len, (uint64_t)sketch->n);
    len += varint_put(out + len, (uint64_t)sketch->n_zero);
    len += double_put(out + len, sketch->min);
    len += double_put(out + len, sketch->max);
    len += double_put(out + len, sketch->sum);
    for (int32_t i = 0; i < sketch->used;) {
        if (sketch->buckets[i] != 0) {
            len += varint_put(out + len, sketch->buckets[i++]);
            continue;
        }
        uint8_t run = 0; /* 0 and how many of them */
        while (i < sketch->used && sketch->buckets[i] == 0 && run < 100) {
            run++;
            i++;
        }
        out[len++] = 0;
        out[len++] = run;
    }
    return len;
}

static bool get_buckets(struct sketch *sketch, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    for (int32_t i = 0; i < sketch->used;) {
        uint64_t number = 0;
        size_t used = varint_get(bytes + at, len - at, &number);
        at += used;
        if (used == 0 || number > UINT32_MAX) {
            return false;
        }
        if (number != 0) {
            sketch->buckets[i++] = (uint32_t)number;
        } else if (at >= len || bytes[at] == 0 || bytes[at] > sketch->used - i) {
            return false;
        } else {
            i += bytes[at++];
        }
    }
    return at == len;
}

bool sketch_parse(const uint8_t *bytes, size_t len, struct sketch *ret_sketch)
{
    struct sketch sketch = {0};
    uint64_t numbers[4]; /* offset, used, n, n_zero */
    size_t at = 2;
    if (len < 2 || bytes[0] != FORMAT || bytes[1] > LEVEL_MAX) {
        return false;
    }
    sketch.level = bytes[1];
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        size_t used = varint_get(bytes + at, len - at, &numbers[i]);
        if (used == 0) {
            return false;
        }
        at += used;
    }
    if (len - at < 24 || numbers[0] > 1u << 20 || numbers[1] > SKETCH_BUCKETS ||
        numbers[2] > N_MAX || numbers[3] > numbers[2]) {
        return false;
    }
    sketch.offset = (int32_t)varint_unfold(numbers[0]);
    sketch.used = (int32_t)numbers[1];
    int32_t most = (int32_t)(LOG_MAX / width_of(sketch.level)) + 2;
    if (sketch.offset < -most || sketch.offset + sketch.used > most) {
        return false; /* no double is there */
    }
    sketch.n = (int64_t)numbers[2];
    sketch.n_zero = (int64_t)numbers[3];
    sketch.min = double_get(bytes + at);
    sketch.max = double_get(bytes + at + 8);
    sketch.sum = double_get(bytes + at + 16);
    at += 24;
    if (!isfinite(sketch.min) || !isfinite(sketch.max) || sketch.min < 0 ||
        !get_buckets(&sketch, bytes + at, len - at)) {
        return false;
    }
    *ret_sketch = sketch;
    return true;
}
