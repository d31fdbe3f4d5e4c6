/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_SUCCESS_H
#define SIGNALBOX_LEARNING_SUCCESS_H

/*
 * Success: what distinguishes runs that pass from runs that do not.
 *
 * A run has factors, each with a value out of few (repository, agent, hour of day in quarters, size of the
 * change in quarters of what is usual, ...). For each value, and for each pair of values of two
 * factors, the runs that have it are compared with those that have not: Fisher's exact test,
 * corrected for how many were tried (Benjamini and Hochberg, false discovery rate SUCCESS_FDR).
 * A pair is only told when it says more than both of its parts: its share lies outside the interval of
 * either.
 *
 * Pure. Cost: runs times pairs of factors.
 */

#include "engine/learning/feature.h"
#include "engine/learning/statistic.h"

#define SUCCESS_FDR        0.05
#define SUCCESS_LEAST      25   /* runs that have it, and that have it not */
#define SUCCESS_LIFT_LEAST 0.05 /* relative: less is true, but of no use */
#define SUCCESS_TEXT_MAX   160

/* X(identifier, word, help) */
#define FACTOR_LIST(X)                                                                   \
    X(FACTOR_PIPELINE, "pipeline", "")                                                   \
    X(FACTOR_REPO, "repository", "")                                                     \
    X(FACTOR_AGENT, "agent", "who did the first agent run")                              \
    X(FACTOR_HOUR, "hour", "of the start, UTC, in quarters of a day")                    \
    X(FACTOR_WEEKEND, "weekend", "begun on a Saturday or Sunday, UTC")                   \
    X(FACTOR_SIZE, "size", "of the change, in quarters of all")                          \
    X(FACTOR_PRIORITY, "priority", "")                                                   \
    X(FACTOR_QUEUED, "queued", "waited for a slot for more than a minute")               \
    X(FACTOR_FALLBACK, "fallback", "a step was done by a backup")                        \
    X(FACTOR_TROUBLE, "trouble", "the surroundings failed in between")
enum factor {
#define X(id, word, help) id,
    FACTOR_LIST(X)
#undef X
        FACTOR_COUNT
};
const char *factor_word(enum factor factor);

/* What counts as passed. X(identifier, word, help) */
#define SUCCESS_LIST(X)                                                                  \
    X(SUCCESS_COMPLETED, "completed", "without a human")                                 \
    X(SUCCESS_FIRST, "first", "completed in its first iteration")                        \
    X(SUCCESS_MERGE, "merge", "the base was good after its merge")
enum success_of {
#define X(id, word, help) id,
    SUCCESS_LIST(X)
#undef X
        SUCCESS_OF_COUNT
};

struct success_row {
    int n_factors; /* 1 or 2 */
    struct {
        enum factor factor;
        uint16_t value; /* a word for pipeline, repository and agent; else a number */
    } is[2];
    int64_t n;             /* support: runs that have it */
    struct estimate share; /* confidence: of them passed, 90 % */
    double others;         /* of the rest passed */
    double lift;           /* share / share of all */
    double p;              /* corrected */
};

/* The surest first; at most max. Runs without verdict (cancelled, never merged) do not count. */
size_t success_find(const struct run_features *const *runs, size_t n, enum success_of of,
                    struct success_row *out, size_t max);
/* Its factors alone: "agent codegen_eu, largest quarter of changes". */
const char *success_what(const struct words *words, const struct success_row *row,
                         char ret_text[SUCCESS_TEXT_MAX]);
/* "agent codegen_eu, size largest quarter: 61 % of 132 (54 to 68), 83 % of the others". */
const char *success_text(const struct words *words, const struct success_row *row,
                         char ret_text[SUCCESS_TEXT_MAX]);

#endif
