/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_YEAR_H
#define SIGNALBOX_TESTS_LIB_YEAR_H

/*
 * Year: simulated operation with planted faults, to measure what watches it.
 *
 * YEAR_SERIES series of twelve shapes (latencies, ratios, counts, levels, saw teeth, states),
 * with days and weeks, growth, noise of several distributions, gaps, restarts of the host,
 * small steps at deploys, counters that begin again and clocks that jump: all of that is
 * usual. Faults of fifteen kinds are planted at times and with sizes that the seed hides,
 * after YEAR_QUIET_DAYS. Written from how such series behave, without looking at any
 * detector; figures of sizes stand in year.c.
 *
 * A fault's own time scale is the time from its begin until the series is first three of its
 * usual deviations from what it would have been without, at least one interval of the series;
 * of a change of variance it is twelve intervals, as no fewer points tell a variance.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/rng.h"

#define YEAR_SERIES     200
#define YEAR_QUIET_DAYS 28
#define YEAR_START_MS   INT64_C(1735689600000) /* 2025-01-01, a Wednesday */
#define YEAR_MINUTE_MS  INT64_C(60000)
#define YEAR_FAULTS_MAX 8192

/* X(identifier, word) */
#define FAULT_LIST(X)                                                                    \
    X(FAULT_LATENCY, "latency level shift")                                              \
    X(FAULT_ERRORS, "error spike")                                                       \
    X(FAULT_SILENCE, "silence of a service")                                             \
    X(FAULT_ZERO, "throughput drops to nothing")                                         \
    X(FAULT_VARIANCE, "variance")                                                        \
    X(FAULT_LEAK, "slow leak")                                                           \
    X(FAULT_SEASON, "seasonal deviation")                                                \
    X(FAULT_RARE, "burst of a rare event")                                               \
    X(FAULT_DISK, "disk filling")                                                        \
    X(FAULT_QUOTA, "quota exhaustion")                                                   \
    X(FAULT_QUEUE, "queue stall")                                                        \
    X(FAULT_SUCCESS, "success-rate drop")                                                \
    X(FAULT_FLAPPING, "flapping breaker")                                                \
    X(FAULT_STUCK, "stuck workflow")                                                     \
    X(FAULT_CPU, "cpu saturation")
enum fault_kind {
#define X(id, word) id,
    FAULT_LIST(X)
#undef X
        FAULT_COUNT
};
const char *fault_word(enum fault_kind kind);

enum shape {
    SHAPE_LATENCY,
    SHAPE_ERRORS,
    SHAPE_COUNT,
    SHAPE_SUCCESS,
    SHAPE_CPU,
    SHAPE_MEMORY,
    SHAPE_DISK,
    SHAPE_QUOTA,
    SHAPE_QUEUE,
    SHAPE_RARE,
    SHAPE_BREAKER,
    SHAPE_AGE,
    SHAPES
};

struct fault {
    enum fault_kind kind;
    int series;
    int64_t begin, end; /* minutes since YEAR_START_MS, [begin, end) */
    double size;
    int64_t scale; /* own time scale in minutes; 0 = never three deviations off */
};

struct year_series {
    enum shape shape;
    char name[64], labels[64], component[64];
    int step;  /* minutes between points */
    int phase; /* of the step */
    double base, amplitude, noise, tail, growth, peak_hour, weekend;
    double state[8];   /* of the shape */
    double level;      /* of deploys, in noise */
    double drift;      /* AR(1) */
    double last_count; /* counter as it stands; rates are made of it as from outside */
    int64_t gap_until;
    int fault; /* running now, -1 */
    bool ring[128];
    int ring_at;
};

struct year {
    struct rng rng;
    int64_t minutes;
    struct year_series series[YEAR_SERIES];
    struct fault faults[YEAR_FAULTS_MAX];
    int n_faults;
    int next[YEAR_SERIES]; /* next fault of each series; -1 none */
    int64_t host_gap_until;
    int64_t n_resets, n_jumps, n_deploys, n_gaps; /* what must not alarm */
};

void year_init(struct year *year, uint64_t seed, int days);
/* Once at the begin of each minute. */
void year_minute(struct year *year, int64_t minute);
/* Point of series i at this minute: false when there is none. *ret_ms is the time that the
 * source says, which may be wrong. */
bool year_point(struct year *year, int i, int64_t minute, int64_t *ret_ms,
                double *ret_value);

#endif
