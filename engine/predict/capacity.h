/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_CAPACITY_H
#define SIGNALBOX_PREDICT_CAPACITY_H

/*
 * Capacity: when does what is used reach its limit?
 *
 * Disk, inodes, quota, workers, runners, budget: anything with a level and a limit. Growth comes
 * in jumps, so a line through it is a poor answer: the history's own increments are drawn again in
 * blocks, recent ones more often, and each such future tells a day on which it is full (first
 * passage). The answer is the distribution of these days: its median, an interval, and how
 * likely the limit is reached within the horizon at all. "Never within the horizon" is an answer.
 *
 * Pure and deterministic: the draws come from a seed that is made of the values.
 * Cost: some ms for 365 points. Memory: the caller's arena.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/mem.h"

#define CAPACITY_POINTS_MIN  3
#define CAPACITY_POINTS_MAX  4096 /* of a longer history the newest count */
#define CAPACITY_HORIZON_MAX 4096 /* steps */

struct capacity_task {
    const double *used; /* oldest first, at equal distances; NAN = unknown */
    size_t n;
    double limit;   /* same unit; full means used >= limit */
    double step;    /* length of a step in the unit of the answer: 1 for days in days,
                      * 1.0 / 24 for hours in days */
    double horizon; /* how far to look, in the unit of the answer; 0 = 365 */
};

enum capacity_verdict {
    CAPACITY_UNKNOWN, /* too few values */
    CAPACITY_FULL,    /* it is full now */
    CAPACITY_WITHIN,  /* more likely than not full within the horizon */
    CAPACITY_BEYOND   /* rather not: `at` is INFINITY */
};
const char *capacity_word(enum capacity_verdict verdict);

struct capacity_answer {
    enum capacity_verdict verdict;
    double at;     /* median; INFINITY = beyond the horizon; NAN = unknown */
    double lo, hi; /* 80 %; INFINITY likewise */
    double lo95, hi95;
    double p_within; /* chance that it is full within the horizon */
    double rate;     /* recent growth per unit of the answer; may be negative */
    double used;     /* now: the last known value */
};

struct capacity_answer capacity_run(const struct capacity_task *task,
                                    struct arena *arena);

#endif
