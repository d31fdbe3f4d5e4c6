/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_INSIGHT_H
#define SIGNALBOX_TUI_INSIGHT_H

/*
 * Insight: what holds work back and what distinguishes runs that pass, told from recorded runs;
 * the same rows on the screen and on the command line.
 *
 * Pure: runs in, rows in the arena out. Names in the rows are clean text of one line.
 */

#include "engine/base/mem.h"
#include "engine/learning/bottleneck.h"
#include "engine/learning/success.h"
#include "tui/runs.h"

#define INSIGHT_BOTTLENECKS 40
#define INSIGHT_PATTERNS    40 /* of each kind of success */

struct insight_bottleneck {
    struct bottleneck row;
    const char *what; /* "step unit tests", "waiting for a slot" */
};
struct insight_pattern {
    struct success_row row;
    enum success_of of;
    const char *what; /* "agent codegen_eu, largest quarter of changes" */
};
struct insight {
    size_t n_runs, n_all; /* looked at, and that there are to be read */
    struct wall since;    /* the oldest of them was submitted; unset: none */
    double lead;          /* minutes from submitted to ended, mean; NAN */
    double at_once;       /* workflows under way at once, mean, by Little's law; NAN */
    const struct insight_bottleneck *bottlenecks; /* the greatest share first */
    size_t n_bottlenecks;
    const struct insight_pattern *patterns; /* by kind of success, the surest first */
    size_t n_patterns;
};

/* Which runs: all zero is all of them. */
struct insight_filter {
    const char *repo, *pipeline; /* part of the name, of any case; NULL or "": any */
    const char *text;            /* part of either */
    struct wall since;           /* submitted then or later */
};

void insight_make(struct arena *arena, const struct run_list *list,
                  const struct insight_filter *filter, struct insight *ret_insight);

/* The same in another arena. */
struct insight insight_copy(struct arena *arena, const struct insight *insight);

/* "completed without a person" */
const char *insight_success(enum success_of of);
const char *insight_success_word(enum success_of of); /* "completed" */

#endif
