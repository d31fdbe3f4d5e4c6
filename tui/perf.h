/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_PERF_H
#define SIGNALBOX_TUI_PERF_H

/*
 * Perf: what the console costs, measured while it runs.
 *
 * Pure but for the clocks that the caller reads. A window of the last seconds for rates, the
 * newest samples for percentiles.
 */

#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"

#define PERF_KEYS    256 /* samples of key to paint */
#define PERF_SECONDS 10  /* window of the rates */

struct perf_slot {
    int64_t second; /* of CLOCK_MONOTONIC */
    uint64_t bytes;
    uint32_t frames, wakes;
    int64_t cpu_us;
};

struct perf {
    struct perf_slot slots[PERF_SECONDS + 1];
    int64_t key_us[PERF_KEYS];
    size_t n_keys; /* ever */
    int64_t last_cpu_us;
};

void perf_wake(struct perf *perf, struct mono now);
/* cpu_us: process time used so far. */
void perf_frame(struct perf *perf, struct mono now, uint64_t bytes, int64_t cpu_us);
void perf_key(struct perf *perf, int64_t us);
/* One line: "412 B/s  1.2 frames/s  2.0 wakes/s  cpu 0.1%  key p50 0.31 ms p99 1.20 ms". */
void perf_format(const struct perf *perf, struct mono now, char *out, size_t cap);

#endif
