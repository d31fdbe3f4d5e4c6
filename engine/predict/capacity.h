/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_CAPACITY_H
#define SIGNALBOX_PREDICT_CAPACITY_H

/*
 * Capacity: when does what is used reach its limit?
 *
 * Disk, inodes, quota, workers, runners, budget: anything with a level and a limit. Growth comes
 * in jumps, so a line through it is a poor answer: the history's own increments are drawn again, a
 * few neighbours at a time (block bootstrap: Kuensch, Annals of Statistics 1989), recent ones more
 * often, at a pace that is not known exactly either. Each such future tells when it reaches
 * the limit first. A level that comes back, as a load does, is no sum of increments: there what lay
 * off its line is drawn. The answer has two parts that are read together:
 *   p_within        how likely the limit is reached within the horizon at all;
 *   at, lo, hi      if so, when: median and interval of the futures that do.
 * "Never within the horizon" is an answer: CAPACITY_BEYOND, with p_within below a half.
 *
 * Pure and deterministic: the draws come from a seed that is made of the values.
 * Cost: some ms. Memory: the caller's arena.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/mem.h"

#define CAPACITY_POINTS_MIN  3
#define CAPACITY_POINTS_MAX  4096 /* of a longer history the newest count */
#define CAPACITY_HORIZON     120  /* where none is given */
#define CAPACITY_HORIZON_MAX 4096 /* steps */

struct capacity_task {
    const double *used; /* oldest first, at equal distances; NAN = unknown */
    size_t n;
    double limit;   /* same unit; full means used >= limit */
    double step;    /* length of a step in the unit of the answer: 1 for days in days,
                      * 1.0 / 24 for hours in days */
    double horizon; /* how far to look, in the unit of the answer; 0 = CAPACITY_HORIZON */
};

enum capacity_verdict {
    CAPACITY_UNKNOWN, /* too few values */
    CAPACITY_FULL,    /* it is full now */
    CAPACITY_WITHIN,  /* more likely than not full within the horizon */
    CAPACITY_BEYOND   /* rather not */
};
const char *capacity_word(enum capacity_verdict verdict);

struct capacity_answer {
    enum capacity_verdict verdict;
    double
        at; /* median of the futures that reach the limit within the horizon; INFINITY =
                    * none does, NAN = unknown */
    double lo, hi; /* 80 of 100 of them */
    double lo95, hi95;
    double p_within; /* chance that it is full within the horizon */
    double rate;     /* recent growth per unit of the answer; may be negative */
    double used;     /* now: the last known value */
};

struct capacity_answer capacity_run(const struct capacity_task *task,
                                    struct arena *arena);

#endif
