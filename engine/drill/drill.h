/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DRILL_DRILL_H
#define SIGNALBOX_DRILL_DRILL_H

/*
 * Drill: a fleet of workflows lives through the faults of a profile, in virtual time.
 *
 * The control center, the machine, the store, the desk with its gates, routes, recovery and
 * decisions are the real ones. Played are: what steps do and print, what services answer, the
 * operator who is asked, and crashes of the engine. The engine sees what it would see in earnest
 * (status, exit status, text, headers, times) and never the truth of the profile. The report says
 * how well it did against that truth. The same profile, number and seed give the same report,
 * byte for byte.
 *
 * A case is a fault that has hit one workflow: from the first outcome that it spoilt until that
 * step has passed, or the workflow has ended. It is
 *   recovered   the step has passed, and no person had to act on this workflow since
 *   helped      a person acted, then the step passed
 *   lost        the workflow ended without it
 * A person is asked when a workflow waits for an operator or has failed. That was right when the
 * fault needs a person or can never be recovered, or when each rung that would have helped with a
 * chance of at least 10 % was tried; else wrong.
 *
 * Availability is the share of virtual minutes, from the first submission to the last, that are
 * good, less the time in which the engine was away after a crash. A minute is bad when
 * something should have gone on and nothing did: no step passed, nothing that runs is going to
 * pass, and either steps failed or no slot is free for new work.
 *
 * Regret of a choice among rungs: the chance of the best rung (by the truth, for this fault)
 * less the chance of the one chosen. To ask a person has the chance 1 when that is right by the
 * nature of the fault, else 0.
 */

#include "engine/drill/profile.h"

struct drill_options {
    const struct drill_profile *profile;
    int n_workflows; /* 1.. */
    uint64_t seed;
    const char *folder; /* of its own, for the store; removed before and after */
    bool is_kept;       /* not removed after */
};

struct drill_class {
    int64_t n, n_recoverable, n_recovered, n_asked, n_choices;
    double mean_regret; /* per choice */
    double best, worst; /* chance of the best and of the worst fixed rung; NAN unknown */
    enum rung best_rung;
    double mean_chance, oracle;
    double
        regret_500; /* of the first 500 choices, by the worst fixed rung's; NAN: fewer */
    int64_t
        found_after; /* choices after the drift until the new best is used; -1 never */
};

struct drill_report {
    char failure[400]; /* "" when it came to its end and every invariant held */
    int64_t n_workflows, n_completed, n_failed, n_cancelled, n_rolled_back;
    int64_t n_cases, n_recoverable, n_recovered, n_helped, n_lost, n_never;
    int64_t n_asked_rightly, n_asked_wrongly;
    int64_t n_tries, n_wasted;
    int64_t
        n_over_bound; /* cases that can never be recovered, tried more than their bound */
    int64_t n_repeated; /* side effects that happened twice */
    int64_t n_crashes, n_parked;
    int64_t n_calls;
    struct span recover_p50, recover_p95;
    struct span took; /* virtual */
    double availability;
    double regret,
        regret_fixed; /* mean per choice: ours; of the best fixed rung per class */
    struct drill_class classes[CLASS_COUNT];
    char wrong[5][200]; /* examples of what went wrong, for whoever wants to know why */
    size_t n_wrong;
};

/* Share of the recoverable cases that were recovered without a person; 1 when there were none. */
double drill_recovered(const struct drill_report *report);
/* Share of the times a person was asked that were right; 1 when nobody was asked. */
double drill_asked_rightly(const struct drill_report *report);
/* Does it meet the goals: recovered >= 95 %, asked rightly >= 90 %, availability >= 99.9 %,
 * nothing repeated, nothing over its bound? */
bool drill_is_good(const struct drill_report *report);

void drill_run(const struct drill_options *options, struct drill_report *ret_report);

#endif
