/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_RNG_H
#define SIGNALBOX_BASE_RNG_H

/*
 * Rng: a seeded random source that pure components get as an argument.
 *
 * SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA
 * 2014). Not for secrets. The same seed gives the same numbers on every machine.
 */

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline void rng_init(struct rng *rng, uint64_t seed)
{
    rng->state = seed;
}

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* [0, n); n > 0. Multiply-shift (Lemire 2019); bias below 2^-32 for n < 2^32. */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)rng_next(rng) * n) >> 64);
}

/* [0, 1) */
static inline double rng_unit(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1.0p-53;
}

#endif
