/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_ASKS_H
#define SIGNALBOX_TESTS_ASKS_H

/*
 * Asks: a queue of approvals, optimizations of every status, tunings and levels, made up for
 * tests of the command line and of the screens: a raise of a deadline with everything on its card
 * (a-1187), a critical merge that one person approved (a-1190), one that drifted (a-1189), one
 * that somebody claimed and that expires soon (a-1188), a suggestion (a-1185), one that was
 * snoozed (a-1184), and decided ones.
 */

#include "store/approval.h"

struct asks {
    const struct approval_row
        *approvals; /* those that wait first, in order of attention */
    size_t n_approvals, n_waiting;
    const struct optimization_row *optimizations; /* newest first */
    size_t n_optimizations;
    const struct tuning_row *tunings;
    size_t n_tunings;
    const struct autonomy_row *levels;
    size_t n_levels;
};
/* As of `now`, in arena. */
struct asks asks_make(struct arena *arena, struct wall now);
/* The same into a store's batch. */
void asks_put(struct store *store, struct arena *arena, struct wall now);

#endif
