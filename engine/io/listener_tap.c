/* SPDX-License-Identifier: MIT */
#include "engine/io/listener_tap.h"

bool tap_take(struct tap_bucket *bucket, struct mono now, struct span each, int burst)
{
    int64_t each_ns = each.ms * 1000000;
    int64_t passed = now.ns - bucket->at.ns;
    if (bucket->at.ns == 0 || passed >= bucket->spent_ns) {
        bucket->spent_ns = 0;
    } else if (passed > 0) {
        bucket->spent_ns -= passed;
    }
    bucket->at = now;
    if (bucket->spent_ns + each_ns > each_ns * burst) {
        return false;
    }
    bucket->spent_ns += each_ns;
    return true;
}

/* FNV-1a, Fowler, Noll and Vo (RFC 9923). */
size_t tap_place(const uint8_t *address, size_t len)
{
    uint32_t hash = 2166136261U;
    size_t n = len > 8 ? 8 : len;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ address[i]) * 16777619U;
    }
    return (hash ^ hash >> 16) % TAP_PLACES;
}
