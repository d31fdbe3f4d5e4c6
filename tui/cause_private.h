/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CAUSE_PRIVATE_H
#define SIGNALBOX_TUI_CAUSE_PRIVATE_H

/* Inside of the causes, shared by its files only. */

#include "tui/cause.h"

#define NEAR_MS (30 * 60 * 1000) /* as the monitor groups: engine/monitor/incident.h */

struct cause_facts {
    bool needs_human, is_recovering, is_held;
};

struct gather {
    struct reader *reader;
    struct arena *arena;
    struct wall now;
    bool has_all;
    struct err *err;
    struct cause_row *rows; /* CAUSES_MAX */
    struct cause_facts *facts;
    size_t n;
    bool has_more;
    const struct anomaly_row *anomalies; /* newest first */
    const struct problem_row *problems;
    const struct failure_row *failures;
    const struct recovery_row *recoveries; /* asked or running */
    size_t n_anomalies, n_problems, n_failures, n_recoveries;
    struct cause_row **of_problem, **of_failure; /* NULL = of none */
};

/* A new row; NULL: there are too many. */
struct cause_row *cause_group(struct gather *g, const struct story_subject *subject);
/* The row of this component at that time (to unset: until now); NULL. */
struct cause_row *cause_find(struct gather *g, const char *node, struct wall from,
                             struct wall to);
void cause_add(struct gather *g, struct cause_row *row, const struct cause_part *part);

/* cause_gather.c: rows and parts. False: err. */
bool cause_gather(struct gather *g);

#endif
