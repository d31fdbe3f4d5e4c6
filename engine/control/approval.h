/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_APPROVAL_H
#define SIGNALBOX_CONTROL_APPROVAL_H

/*
 * Approval: what waits for a person, kept true by the control thread; part of the batch.
 *
 * A workflow that begins to wait for its plan, its merge, a revert or a budget, a recovery that is
 * asked for, and a proposal that may not be applied by itself each have one approval, made in the
 * transaction that makes them wait. After each step of the workflow the effect is made anew: when
 * its digest is another one, the approval has drifted and is asked again. When nothing waits any
 * more, it is withdrawn.
 *
 * Autonomy: how much of a class of actions is done without a person (LEVEL_LIST of
 * store/approval.h), by repository: the level that was set for a time, else the configured one,
 * else the default of the class.
 */

#include "engine/approval/approval.h"
#include "engine/approval/effect.h"
#include "engine/approval/risk.h"
#include "engine/control/control_private.h"

/* What is asked for. Texts are copied. */
struct approval_draft {
    struct risk_facts facts; /* repo and environment too; is_novel is found here */
    int64_t workflow, recovery, optimization;
    const char *target;    /* what is typed to confirm */
    const char *title;     /* one clean line: what is done */
    const char *requester; /* "engine" or a user */
    const struct effect_field *fields;
    size_t n_fields;
    const char *card; /* JSON object, see struct approval_row; "" = {} */
};

/* By the configured and the built-in rules; facts->is_novel is found here. */
enum risk approval_judge(struct control *control, struct risk_facts *facts,
                         char ret_rule[RISK_RULE_TEXT]);
/* Puts the approval; its id. At LEVEL_SUGGEST and below it is only listed. */
int64_t approval_ask(struct control *control, const struct approval_draft *draft,
                     struct wall now);
/* What it was for is over without a decision. 0 = the one of none: nothing. */
void approval_withdraw(struct control *control, int64_t id, const char *why,
                       struct wall now);
/* Of a recovery or an optimization; 0 = none waits. */
int64_t approval_of_recovery(const struct control *control, int64_t recovery);
int64_t approval_of_optimization(const struct control *control, int64_t optimization);

enum autonomy_level control_level(const struct control *control, enum act action,
                                  const char *repo, struct wall now);

/* After a step of the machine. */
void approval_follow(struct control *control, struct live *live, struct wall now);
void approval_tick(struct control *control, struct wall now);
struct wall approval_wake_at(const struct control *control); /* unset: never */
NODISCARD bool approval_load(struct control *control, struct wall now, struct err *err);
void approval_init(struct control *control);
void approval_fini(struct control *control);

/* approve, reject, snooze, delegate, claim */
bool is_approval_verb(const char *verb);
void control_approval_verb(struct control *control, const struct command_row *command,
                           const struct json *args, enum user_role role, struct wall now,
                           struct answer *answer);
/* seen */
void control_seen_verb(struct control *control, const struct json *args, struct wall now,
                       struct answer *answer);
/* Something of this class was done by itself: counted with the level that allows it. */
void autonomy_done(struct control *control, enum act action, const char *repo);
/* autonomy */
void control_autonomy_verb(struct control *control, const struct command_row *command,
                           const struct json *args, struct wall now,
                           struct answer *answer);

#endif
