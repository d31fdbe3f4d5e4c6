/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_BOTTLENECK_H
#define SIGNALBOX_LEARNING_BOTTLENECK_H

/*
 * Bottleneck: what holds work back, in numbers.
 *
 * The time of each workflow from submitted to ended is cut along its critical path: at each moment one
 * thing is what it waits for (a slot, a person, a service, a place in line, a step that runs); of steps
 * that ran side by side, the one that ended last. Summed over workflows that gives each thing's
 * share of the lead time. By Little's law (J. D. C. Little, "A Proof for the Queuing Formula L =
 * lambda W", Operations Research 9, 1961) the number of workflows that are at it at once is the rate
 * at which they come times how long they stay.
 *
 * Pure. Cost: one pass over the runs and their steps.
 */

#include "engine/learning/feature.h"
#include "engine/learning/statistic.h"

/* X(identifier, word, help) */
#define BOTTLENECK_LIST(X)                                                               \
    X(BOTTLENECK_SLOT, "slot", "the queue of workflows")                                 \
    X(BOTTLENECK_HUMAN, "human", "approvals and help")                                   \
    X(BOTTLENECK_SERVICE, "service", "a service that is not available")                  \
    X(BOTTLENECK_LINE, "line", "a place at a service")                                   \
    X(BOTTLENECK_RETRY, "retry", "pauses before retries")                                \
    X(BOTTLENECK_STEP, "step", "a step at work")                                         \
    X(BOTTLENECK_ENGINE, "engine", "between steps")
enum bottleneck_kind {
#define X(id, word, help) id,
    BOTTLENECK_LIST(X)
#undef X
        BOTTLENECK_KIND_COUNT
};
const char *bottleneck_word(enum bottleneck_kind kind);

struct bottleneck {
    enum bottleneck_kind kind;
    uint16_t name;       /* word: the step, or the service of a line; 0 = none */
    uint16_t pipeline;   /* word; 0 = of all that were looked at */
    double share;        /* of the lead time, 0..1 */
    double minutes;      /* W: of those who come to it, each time, in the mean */
    double rate;         /* lambda: how often per hour */
    double at_once;      /* L = lambda W */
    double wasted;       /* share of its time in tries that did not pass */
    struct estimate p90; /* minutes: 90th of 100, with its interval by order statistics */
    int64_t n;
};

#define BOTTLENECKS_MAX 64
/* The greatest share first; at most max. pipeline: word, 0 = all of them. since: only runs
 * created then or later. */
size_t bottlenecks(const struct run_features *const *runs, size_t n, uint16_t pipeline,
                   struct wall since, struct bottleneck *out, size_t max);
/* "agent: 41 % of the lead time; L = 9.8/h x 15.2 min = 2.5 at once". */
#define BOTTLENECK_TEXT_MAX 200
const char *bottleneck_text(const struct words *words, const struct bottleneck *row,
                            char ret_text[BOTTLENECK_TEXT_MAX]);

#endif
