/* SPDX-License-Identifier: MIT */
#include "store/metric_chunk.h"

#include <string.h>

#include "engine/base/varint.h"

/* The longest that one point takes: 4 + 64 bits of time, 2 + 6 + 6 + 64 of value. */
#define POINT_BITS_MAX 146
#define TIME_BITS      48 /* of the first time: 4400 years of milliseconds */

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static double value_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* ---- writing -------------------------------------------------------------------------- */

void chunk_clear(struct chunk *chunk)
{
    chunk->n_bits = chunk->n = 0;
    chunk->width = 0;
}

/* The analyzer does not see that `take` is in [1, 8] here, and n in [1, 64] below. */
// NOLINTBEGIN(clang-analyzer-core.UndefinedBinaryOperatorResult)

/* The low n bits of `bits`, high ones first. The bytes beyond n_bits are not clean. */
static void put(struct chunk *chunk, uint64_t bits, unsigned n)
{
    while (n > 0) {
        unsigned used = chunk->n_bits & 7u, room = 8 - used;
        unsigned take = n < room ? n : room;
        uint8_t part = (uint8_t)((bits >> (n - take)) & ((1u << take) - 1));
        uint8_t *byte = &chunk->bytes[chunk->n_bits / 8];
        uint8_t kept = used == 0 ? 0 : *byte;
        *byte = (uint8_t)(kept | part << (room - take));
        chunk->n_bits = (uint16_t)(chunk->n_bits + take);
        n -= take;
    }
}

// NOLINTEND(clang-analyzer-core.UndefinedBinaryOperatorResult)

/* Sizes of a difference of differences: prefix, its bits, bits of the number. */
static const struct {
    uint8_t prefix, n_prefix, n;
} sizes[] = {
    {0x2, 2, 7 },
    {0x6, 3, 12},
    {0xE, 4, 20},
    {0xF, 4, 64},
};

static void put_time(struct chunk *chunk, int64_t off)
{
    if (off == 0) {
        put(chunk, 0, 1);
        return;
    }
    size_t i = 0;
    while (sizes[i].n < 64 && (off < -(INT64_C(1) << (sizes[i].n - 1)) ||
                               off >= INT64_C(1) << (sizes[i].n - 1))) {
        i++;
    }
    put(chunk, sizes[i].prefix, sizes[i].n_prefix);
    put(chunk, (uint64_t)off, sizes[i].n);
}

static void put_value(struct chunk *chunk, uint64_t off)
{
    if (off == 0) {
        put(chunk, 0, 1);
        return;
    }
    unsigned lead = (unsigned)__builtin_clzll(off),
             trail = (unsigned)__builtin_ctzll(off);
    unsigned old_trail = 64u - chunk->lead - chunk->width;
    if (chunk->width > 0 && lead >= chunk->lead && trail >= old_trail) {
        put(chunk, 2, 2);
    } else {
        chunk->lead = (uint8_t)lead;
        chunk->width = (uint8_t)(64 - lead - trail);
        old_trail = trail;
        put(chunk, 3, 2);
        put(chunk, lead, 6);
        put(chunk, chunk->width - 1u, 6);
    }
    put(chunk, off >> old_trail, chunk->width);
}

bool chunk_add(struct chunk *chunk, struct wall at, double value)
{
    uint64_t bits = bits_of(value);
    if (chunk->n_bits + POINT_BITS_MAX > CHUNK_BYTES * 8 || chunk->n == UINT16_MAX) {
        return false;
    }
    if (chunk->n == 0) {
        put(chunk, (uint64_t)at.ms, TIME_BITS);
        put(chunk, bits, 64);
        chunk->step_ms = 0;
        chunk->first_ms = at.ms;
    } else {
        int64_t step = at.ms - chunk->last_ms;
        put_time(chunk, step - chunk->step_ms);
        put_value(chunk, bits ^ chunk->last_bits);
        chunk->step_ms = step;
    }
    chunk->last_ms = at.ms;
    chunk->last_bits = bits;
    chunk->n++;
    return true;
}

size_t chunk_format(const struct chunk *chunk, uint8_t out[CHUNK_BYTES + 3])
{
    size_t len = varint_put(out, chunk->n);
    memcpy(out + len, chunk->bytes, chunk_len(chunk));
    return len + chunk_len(chunk);
}

/* ---- reading -------------------------------------------------------------------------- */

void chunk_reader_init(struct chunk_reader *reader, const uint8_t *bytes, size_t len)
{
    uint64_t n = 0;
    size_t used = varint_get(bytes, len, &n);
    *reader = (struct chunk_reader){.is_first = true};
    if (used == 0 || n > UINT16_MAX) {
        reader->is_bad = true;
        return;
    }
    reader->bytes = bytes + used;
    reader->n_bits = (len - used) * 8;
    reader->left = (uint32_t)n;
}

// NOLINTBEGIN(clang-analyzer-core.UndefinedBinaryOperatorResult): as above
static uint64_t get(struct chunk_reader *reader, unsigned n)
{
    uint64_t bits = 0;
    if (reader->n_bits - reader->at < n) {
        reader->is_bad = true;
        return 0;
    }
    while (n > 0) {
        unsigned used = (unsigned)reader->at & 7u, room = 8 - used;
        unsigned take = n < room ? n : room;
        unsigned byte = reader->bytes[reader->at / 8];
        bits = bits << take | ((byte >> (room - take)) & ((1u << take) - 1));
        reader->at += take;
        n -= take;
    }
    return bits;
}

/* The low n bits as a number with sign. */
static int64_t extend(uint64_t bits, unsigned n)
{
    uint64_t sign = UINT64_C(1) << (n - 1);
    return n == 64 ? (int64_t)bits : (int64_t)((bits ^ sign) - sign);
}

// NOLINTEND(clang-analyzer-core.UndefinedBinaryOperatorResult)

static int64_t get_time(struct chunk_reader *reader)
{
    unsigned ones = 0;
    while (ones < 4 && get(reader, 1) == 1) {
        ones++;
    }
    if (ones == 0 || reader->is_bad) {
        return 0;
    }
    unsigned n = sizes[ones - 1].n;
    return extend(get(reader, n), n);
}

static uint64_t get_value(struct chunk_reader *reader)
{
    if (get(reader, 1) == 0) {
        return 0;
    }
    if (get(reader, 1) == 1) {
        reader->lead = (uint8_t)get(reader, 6);
        reader->width = (uint8_t)(get(reader, 6) + 1);
    }
    if (reader->width == 0 || reader->lead + reader->width > 64) {
        reader->is_bad = true;
        return 0;
    }
    return get(reader, reader->width) << (64 - reader->lead - reader->width);
}

bool chunk_next(struct chunk_reader *reader, struct wall *ret_at, double *ret_value)
{
    if (reader->left == 0 || reader->is_bad) {
        return false;
    }
    if (reader->is_first) {
        reader->last_ms = extend(get(reader, TIME_BITS), TIME_BITS);
        reader->last_bits = get(reader, 64);
        reader->is_first = false;
    } else {
        /* unsigned: bytes that are no chunk may overflow */
        reader->step_ms =
            (int64_t)((uint64_t)reader->step_ms + (uint64_t)get_time(reader));
        reader->last_ms =
            (int64_t)((uint64_t)reader->last_ms + (uint64_t)reader->step_ms);
        reader->last_bits ^= get_value(reader);
    }
    if (reader->is_bad) {
        return false;
    }
    reader->left--;
    ret_at->ms = reader->last_ms;
    *ret_value = value_of(reader->last_bits);
    return true;
}

/* ---- intervals ------------------------------------------------------------------------ */

/* What an interval has beside min: three numbers, of which each may be the same as min. */
enum { HAS_MAX = 1, HAS_SUM = 2, HAS_LAST = 4 };

/* The start is kept by the row, in units of the level. */
size_t interval_format(const struct metric_point *point, uint8_t out[INTERVAL_BYTES])
{
    size_t len = varint_put(out, (uint64_t)point->n);
    uint8_t *has = &out[len++];
    len += double_put(out + len, point->min);
    *has = 0;
    if (bits_of(point->max) != bits_of(point->min)) {
        *has |= HAS_MAX;
        len += double_put(out + len, point->max);
    }
    if (bits_of(point->sum) != bits_of(point->min)) {
        *has |= HAS_SUM;
        len += double_put(out + len, point->sum);
    }
    if (bits_of(point->last) != bits_of(point->min)) {
        *has |= HAS_LAST;
        len += double_put(out + len, point->last);
    }
    return len;
}

static bool get_some(const uint8_t *bytes, size_t len, size_t *at, bool is_there,
                     double *number)
{
    if (!is_there) {
        return true;
    }
    if (len - *at < 8) {
        return false;
    }
    *number = double_get(bytes + *at);
    *at += 8;
    return true;
}

bool interval_parse(const uint8_t *bytes, size_t len, struct metric_point *ret)
{
    uint64_t n = 0;
    size_t at = varint_get(bytes, len, &n);
    struct metric_point point = {0};
    if (at == 0 || n > INT64_MAX || at >= len) {
        return false;
    }
    uint8_t has = bytes[at++];
    if (!get_some(bytes, len, &at, true, &point.min)) {
        return false;
    }
    point.n = (int64_t)n;
    point.max = point.sum = point.last = point.min;
    if (!get_some(bytes, len, &at, (has & HAS_MAX) != 0, &point.max) ||
        !get_some(bytes, len, &at, (has & HAS_SUM) != 0, &point.sum) ||
        !get_some(bytes, len, &at, (has & HAS_LAST) != 0, &point.last)) {
        return false;
    }
    point.sketch = at < len ? bytes + at : NULL;
    point.sketch_len = len - at;
    *ret = point;
    return true;
}

bool block_next(struct block_reader *reader, int *ret_member, const uint8_t **ret_bytes,
                size_t *ret_len)
{
    uint64_t len = 0;
    if (reader->len - reader->at < 2 || reader->bytes[reader->at] >= METRIC_BLOCK) {
        return false;
    }
    size_t used =
        varint_get(reader->bytes + reader->at + 1, reader->len - reader->at - 1, &len);
    size_t begin = reader->at + 1 + used;
    if (used == 0 || len > reader->len - begin) {
        return false;
    }
    *ret_member = reader->bytes[reader->at];
    *ret_bytes = reader->bytes + begin;
    *ret_len = (size_t)len;
    reader->at = begin + (size_t)len;
    return true;
}
