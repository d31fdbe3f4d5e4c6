/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_OPTIMIZATION_H
#define SIGNALBOX_CONTROL_OPTIMIZATION_H

/*
 * Optimization: what was learned becomes a proposal, and a proposal a setting; control thread; part
 * of the batch.
 *
 * A workflow that has ended, and whose merge nobody looks at any more, is read back after its commit
 * and learned from (engine/learning/learning.h). When OPTIMIZE_RUNS more were learned, all kinds of
 * optimization are searched, four in a second. What is found is an optimization row:
 *
 *   level observe     the row alone
 *   level suggest     an approval that is only listed
 *   level approve     an approval
 *   level auto        applied at once when its risk is low; else an approval
 *
 * Applied: the setting is put in force (tuning.h) and watched (guarding.h), which keeps it or takes it
 * back. A person may answer, and undo, at any time. What became of it is told to the learner.
 *
 * What was learned stands in the setting LEARNING_SETTING, saved every OPTIMIZE_SAVE; which ones were
 * learned since, and which wait, in LEARNED_SETTING, always as committed: a crash forgets nothing, and
 * nothing is learned twice (learned.c). Without a state (of this version) the last LEARNING_RUNS that
 * ended are read from their rows. Off unless control_options.is_learning.
 */

#include "engine/control/control_private.h"
#include "store/approval.h"

#define LEARNING_SETTING "learning_state" /* base64 of learning_save */
#define LEARNED_SETTING                                                                  \
    "learning_since" /* JSON: searched, turns, kind, learned, waiting */
#define OPTIMIZE_RUNS  20
#define OPTIMIZE_PAUSE 250 /* ms between two kinds, each of which takes up to ten */
#define OPTIMIZE_SAVE  600 /* seconds */

/* A person (or time) decided about it. A proposal: applied, or rejected. One whose guard ended
 * without a verdict: kept, or taken back. */
void optimization_answer(struct control *control, int64_t id, bool is_approved,
                         const char *actor, const char *reason, struct wall now,
                         struct answer *answer);
/* undo: takes back what was applied, exactly; any time. */
bool is_optimization_verb(const char *verb);
void control_optimization_verb(struct control *control, const struct command_row *command,
                               const struct json *args, struct wall now,
                               struct answer *answer);

/* The command of a scale that was put in force has failed: its optimization did not happen. */
void optimization_scale_failed(struct control *control, const char *name,
                               const char *direction, const char *reason,
                               struct wall now);

/* The breaker of a service has changed. */
void optimization_breaker(struct control *control, const char *service,
                          enum breaker_state state, struct wall now);
/* The workflow leaves the memory; it has ended since it came. */
void optimization_ended(struct control *control, int64_t workflow);
void optimization_committed(struct control *control); /* after a commit */
void optimization_tick(struct control *control, struct wall now);
struct wall optimization_wake_at(const struct control *control); /* unset: never */
void optimization_init(struct control *control);
void optimization_fini(struct control *control);
NODISCARD bool optimization_load(struct control *control, struct err *err);
/* Before the end, and now and then. Into the batch. */
void optimization_save(struct control *control);
/* Before each commit: which ones are learned. */
void optimization_put(struct control *control);

#endif
