/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_TUNING_H
#define SIGNALBOX_CONTROL_TUNING_H

/*
 * Tuning: settings of engine/learning/tuning.h in force, put there and taken back. Control
 * thread; part of the batch.
 *
 * A setting that replaces another one lies on top of it. Taken back, the one below is in force
 * again, exactly; one from the middle goes without a change of what is in force, and who lay on
 * it then lies on what it had lain on. The one on top is the row in the store (its `was`: the
 * value below, "" = as configured); those below stand in the setting TUNINGS_BELOW.
 *
 * A tuning with an end is taken back when it is over. After a restart all are in force again.
 */

#include "engine/control/control_private.h"
#include "store/approval.h"

#define TUNINGS_BELOW "tunings_below" /* JSON array, oldest first */
#define TUNINGS_MAX   2000            /* in force and below */

/* Put row->setting of row->scope to row->value from now on (until row->until when that is set),
 * because of row->actor, row->reason, row->optimization; since and was are found here. The
 * value's normal form is kept. Its event is "tuned". False with err: no such setting, no such
 * value, a service that is not configured; then nothing is changed. */
NODISCARD bool tuning_apply(struct control *control, const struct tuning_row *row,
                            struct wall now, struct err *err);
/* Take back what `optimization` has set (0: what is on top, whoever set it). Its event is
 * "tuned-back". ERR_NOT_FOUND: it is not there. */
NODISCARD bool tuning_drop(struct control *control, const char *setting,
                           const char *scope, int64_t optimization, const char *actor,
                           const char *reason, struct wall now, struct err *err);
/* What is in force: the row on top, or NULL (as configured). Borrowed until the next change. */
const struct tuning_row *tuning_in_force(const struct control *control,
                                         const char *setting, const char *scope);
/* Value in force of a setting of a service or of the engine, tuned or configured, in normal
 * form. False: a setting of pipelines (their text says it), or no such service. */
NODISCARD bool tuning_present(const struct control *control, const char *setting,
                              const char *scope, struct buf *ret_value);

/* Places at a service ("": slots of the engine) that scale commands in force have added. */
int tuning_scaled(const struct control *control, const char *service);
/* The command of a scale that was put in force has failed: it is taken out, and nothing is run. The
 * optimization whose it was; 0 = a person's, or there is none. */
int64_t tuning_scale_failed(struct control *control, const char *setting,
                            const char *direction, const char *reason, struct wall now);

/* The text to be stored with a new workflow: as submitted, with the overlay of the tunings in
 * force. A text that has an overlay already is left alone, and a tuning that this pipeline
 * cannot have is left out, as told by is_fit (never NULL). malloc'd; NULL: nothing to add. */
typedef bool tuning_fit(const struct control *control, const struct pipeline *pipeline);
NODISCARD char *tuning_lay_over(const struct control *control,
                                const struct pipeline *pipeline, const char *text,
                                tuning_fit *is_fit, struct wall now);

void tuning_init(struct control *control); /* remembers what is configured */
void tuning_fini(struct control *control);
/* After a start. */
NODISCARD bool tuning_load(struct control *control, struct err *err);
void tuning_tick(struct control *control, struct wall now);
struct wall tuning_wake_at(const struct control *control); /* unset: never */

/* A scope for people: "engine" for "". */
const char *tuning_scope_shown(const char *scope);
/* tune and untune (tuning_verb.c) */
bool is_tuning_verb(const char *verb);
void control_tuning_verb(struct control *control, const struct command_row *command,
                         const struct json *args, struct wall now, struct answer *answer);

#endif
