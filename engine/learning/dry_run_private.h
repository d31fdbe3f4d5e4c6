/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_DRY_RUN_PRIVATE_H
#define SIGNALBOX_LEARNING_DRY_RUN_PRIVATE_H

/* Dry run, private: a replay fills search->delta, one for each of search->runs, and notes. */

#include "engine/learning/dry_run.h"
#include "engine/learning/replay.h"

struct replaying {
    const struct dry_run_ask *ask;
    struct search *search;
    struct dry_run *out;
    double from, to; /* as numbers: seconds, MiB, counts; NAN */
};

/* False: nothing can be told; dry_run_refuse said why. */
typedef bool replay(struct replaying *r);
replay replay_limit, replay_retry_count, replay_backoff, replay_order, replay_parallel,
    replay_slots, replay_places, replay_poll, replay_breaker, replay_agent,
    replay_evaluator, replay_no_verdict, replay_merge_window, replay_nothing;

bool dry_run_refuse(struct replaying *r, const char *format, ...) PRINTF_LIKE(2, 3);
void dry_run_note(struct replaying *r, const char *format, ...) PRINTF_LIKE(2, 3);
/* Word of the check in "checks/NAME.retries"; 0: it was never run. */
uint16_t dry_run_check(const struct replaying *r);

#endif
