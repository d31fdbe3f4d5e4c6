/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_GUARDING_H
#define SIGNALBOX_CONTROL_GUARDING_H

/*
 * Guarding: optimizations that were applied are watched, and kept or taken back. Control thread;
 * part of the batch.
 *
 * Each is judged by its own metric and by whether workflows still complete (engine/learning/
 * guard.h): harm in either takes it back at once, exactly (tuning_drop); it is kept when neither
 * was harmed; what is open at the end of the window waits for a person (OPT_INCONCLUSIVE), with
 * the setting still in force.
 *
 * A setting of a pipeline is judged by the workflows of that pipeline that were submitted after
 * the change, against those before and against the other pipelines in the meantime; one of a
 * service or of the engine by all workflows that began after it, against those before alone.
 *
 * The state stands in the optimization's row (guard), so that a restart goes on with it. Events:
 * "guard-begun", "guard-kept", "guard-taken-back", "guard-unclear".
 */

#include "engine/control/control_private.h"
#include "engine/learning/learning.h"
#include "store/approval.h"

#define GUARDED_MAX 64 /* at once */
#define GUARDED_BEFORE                                                                   \
    500 /* runs before the change that are compared with, of each pipeline */

/* Its setting was applied a moment ago (tuning_apply with its id): from now on it is watched. The
 * row is put with status OPT_GUARDED, applied_at, guard_until and guard. runs: what is known of
 * workflows that have ended. False with err (ERR_FULL: too many are watched; ERR_USAGE: its metric
 * is none): nothing is changed. */
NODISCARD bool guarding_begin(struct control *control, const struct optimization_row *row,
                              const struct learning_runs *runs, struct wall now,
                              struct err *err);
/* A person took it back, or it is superseded: not watched any more. The row is the caller's. */
void guarding_stop(struct control *control, int64_t optimization);
bool guarding_is_on(const struct control *control, int64_t optimization);
/* A workflow has ended, once for each: what is known of it, and the name of its pipeline. */
void guarding_ended(struct control *control, const struct run_features *run,
                    const char *pipeline, struct wall now);

/* Who wants to know what became of one: called with its row as it is put, status OPT_KEPT,
 * OPT_TAKEN_BACK or OPT_INCONCLUSIVE. */
typedef void guarding_settled(struct control *control, const struct optimization_row *row,
                              struct wall now);
void guarding_on_settled(struct control *control, guarding_settled *settled);

void guarding_init(struct control *control);
void guarding_fini(struct control *control);
NODISCARD bool guarding_load(struct control *control, struct err *err);
void guarding_tick(struct control *control, struct wall now); /* windows that are over */
struct wall guarding_wake_at(const struct control *control);  /* unset: never */

#endif
