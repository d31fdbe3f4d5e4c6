/* SPDX-License-Identifier: MIT */
#include "engine/resilience/latency.h"

#include <stdbool.h>

void latency_init(struct latency *latency)
{
    memset(latency, 0, sizeof(*latency));
}

/* 0..15 have a bucket each; from there on eight to an octave. */
static int bucket_of(int64_t ms)
{
    if (ms < 16) {
        return ms < 0 ? 0 : (int)ms;
    }
    int octave = 63 - __builtin_clzll((unsigned long long)ms); /* >= 4 */
    int bucket = octave * 8 - 16 + (int)(ms >> (octave - 3) & 7);
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* Highest value that falls into it. */
static int64_t bucket_top(int bucket)
{
    if (bucket < 16) {
        return bucket;
    }
    int octave = (bucket + 16) / 8;
    int64_t step = (bucket + 16) % 8;
    return ((8 + step + 1) << (octave - 3)) - 1;
}

void latency_record(struct latency *latency, struct span took, struct wall now)
{
    int64_t at = now.ms / LATENCY_SLICE.ms;
    for (int64_t i = latency->slice_at; i < at && i < latency->slice_at + LATENCY_SLICES;
         i++) {
        latency->place = (latency->place + 1) % LATENCY_SLICES;
        memset(latency->counts[latency->place], 0, sizeof(latency->counts[0]));
    }
    latency->slice_at = at > latency->slice_at ? at : latency->slice_at;
    latency->counts[latency->place][bucket_of(took.ms)]++;
}

struct latency_sum latency_sum(const struct latency *latency, struct wall now)
{
    static const int quantiles[] = {50, 95, 99};
    struct latency_sum sum = {0, -1, -1, -1};
    int64_t *out[] = {&sum.p50, &sum.p95, &sum.p99};
    int64_t total[LATENCY_BUCKETS] = {0};
    int64_t behind = now.ms / LATENCY_SLICE.ms - latency->slice_at;
    for (int age = 0; age + behind < LATENCY_SLICES && age < LATENCY_SLICES; age++) {
        int slice = (latency->place - age + LATENCY_SLICES) % LATENCY_SLICES;
        for (int i = 0; i < LATENCY_BUCKETS; i++) {
            total[i] += latency->counts[slice][i];
            sum.n += latency->counts[slice][i];
        }
    }
    int64_t seen = 0;
    unsigned next = 0;
    for (int i = 0; i < LATENCY_BUCKETS && sum.n > 0; i++) {
        seen += total[i];
        while (next < 3 && seen * 100 >= sum.n * quantiles[next]) {
            *out[next++] = bucket_top(i);
        }
    }
    return sum;
}
