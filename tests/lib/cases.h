/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_CASES_H
#define SIGNALBOX_TESTS_LIB_CASES_H

/*
 * Cases: an afternoon of failures, made up for tests of the command line and of the screens:
 * a test that fails on its second rung (f-31, with two earlier cases of its fingerprint), a
 * problem of many workflows with a rate limit (p-2: f-29, f-30), a restart that waits for approval
 * (f-28), one given to a person (f-27), and what was learned.
 */

#include "store/recovery.h"

/* Rows as of `now`, in arena; each kind newest first. */
struct cases {
    const struct failure_row *failures;
    const struct problem_row *problems;
    const struct recovery_row *recoveries;
    const struct decision_row *decisions;
    const struct odds_row *odds; /* ordered as reader_odds gives them */
    size_t n_failures, n_problems, n_recoveries, n_decisions, n_odds;
};
struct cases cases_make(struct arena *arena, struct wall now);
/* The same into a store's batch. */
void cases_put(struct store *store, struct arena *arena, struct wall now);

#endif
