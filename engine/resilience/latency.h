/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_LATENCY_H
#define SIGNALBOX_RESILIENCE_LATENCY_H

/*
 * Latency: quantiles over the last minutes in fixed memory.
 *
 * Counts in buckets whose width grows with the value (eight to an octave, so that a
 * quantile is at most 12.5 % too high; the layout of HdrHistogram), in LATENCY_SLICES
 * slices of a minute each, of which the oldest is dropped.
 */

#include <stdint.h>

#include "engine/base/clock.h"

#define LATENCY_SLICES  5
#define LATENCY_SLICE   ((struct span){60000})
#define LATENCY_BUCKETS 160 /* up to 2^22 ms, 70 min */

struct latency {
    int64_t slice_at;
    int place;
    uint32_t counts[LATENCY_SLICES][LATENCY_BUCKETS];
};

struct latency_sum {
    int64_t n;
    int64_t p50, p95, p99; /* ms; -1 = no calls */
};

void latency_init(struct latency *latency);
void latency_record(struct latency *latency, struct span took, struct wall now);
struct latency_sum latency_sum(const struct latency *latency, struct wall now);

#endif
