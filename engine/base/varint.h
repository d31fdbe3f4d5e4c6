/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_VARINT_H
#define SIGNALBOX_BASE_VARINT_H

/* Varint: numbers of variable length, 7 bits a byte, low ones first, and doubles as 8 bytes;
 * the same on every machine. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MAX 10 /* bytes */

/* Bytes written. */
static inline size_t varint_put(uint8_t *out, uint64_t number)
{
    size_t len = 0;
    while (number >= 0x80) {
        out[len++] = (uint8_t)(number | 0x80);
        number >>= 7;
    }
    out[len++] = (uint8_t)number;
    return len;
}

/* Bytes read, 0 when there is no whole number. */
static inline size_t varint_get(const uint8_t *bytes, size_t len, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len && i < VARINT_MAX; i++) {
        number |= (uint64_t)(bytes[i] & 0x7F) << (7 * i);
        if (bytes[i] < 0x80) {
            *ret_number = number;
            return i + 1;
        }
    }
    return 0;
}

/* Numbers with sign: small ones of both signs become small ones. */
static inline uint64_t varint_fold(int64_t number)
{
    uint64_t twice = (uint64_t)number << 1;
    return number < 0 ? ~twice : twice;
}
static inline int64_t varint_unfold(uint64_t number)
{
    return (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
}

static inline size_t double_put(uint8_t *out, double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    for (size_t i = 0; i < 8; i++) {
        out[i] = (uint8_t)(bits >> (8 * i));
    }
    return 8;
}
/* Of 8 bytes. */
static inline double double_get(const uint8_t *bytes)
{
    uint64_t bits = 0;
    double number;
    for (size_t i = 0; i < 8; i++) {
        bits |= (uint64_t)bytes[i] << (8 * i);
    }
    memcpy(&number, &bits, sizeof(number));
    return number;
}

#endif
