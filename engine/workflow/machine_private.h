/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_MACHINE_PRIVATE_H
#define SIGNALBOX_WORKFLOW_MACHINE_PRIVATE_H

/*
 * What the table (machine.c), its guards and its actions (action.c) share. Private to the
 * machine. An action may name the event that follows at once; machine_step then goes on
 * with it, so that a state without steps is passed through in the same transaction.
 */

#include "engine/workflow/machine.h"

struct turn {
    struct workflow *workflow;
    const struct machine_input *input;
    const struct machine_limits *limits;
    struct wall now;
    struct rng *rng;
    struct machine_output *out;
    enum machine_event event;  /* the one in hand; differs from input's when chained */
    enum workflow_state to;    /* of the row found */
    enum machine_event follow; /* set by an action: goes on with this event */
    char *text;                /* sentence of the event in hand */
    size_t text_cap;
};

typedef bool (*guard_function)(const struct turn *turn);
typedef void (*action_function)(struct turn *turn);

/* Pseudo targets of a row. */
enum { TO_SAME = STATE_COUNT, TO_RESUME, TO_CHECKPOINT, TO_PLAN };

bool stage_is_pending(const struct workflow *workflow, int step); /* has such a step */

/* Guards, named as sentences. */
bool in_flight(const struct turn *turn);
bool more_steps(const struct turn *turn);
bool plan_asks(const struct turn *turn);
bool merge_asks(const struct turn *turn);
bool waits_plan(const struct turn *turn);
bool waits_merge(const struct turn *turn);
bool waits_operator(const struct turn *turn);
bool waits_window(const struct turn *turn);
bool window_is_shut(const struct turn *turn); /* the merge is next, and not now */
bool window_is_shut_again(
    const struct turn *turn);                  /* the merge is tried again, not now */
bool release_is_shut(const struct turn *turn); /* the same, its service is back */
bool waits_slot_in_flight(const struct turn *turn);
bool waits_slot_held(const struct turn *turn);
bool waits_slot(const struct turn *turn);
bool waits_service(const struct turn *turn);
bool waits_revert(const struct turn *turn);
bool undo_waits(const struct turn *turn); /* a rollback, for a service */
bool is_adopted(const struct turn *turn);
bool iterations_left_plan(const struct turn *turn);  /* waits_plan and iterations left */
bool iterations_left_merge(const struct turn *turn); /* waits_merge and iterations left */
bool merges(const struct turn *turn);
bool cancel_waits(const struct turn *turn);
bool iterations_left(const struct turn *turn);
bool retries_left(const struct turn *turn);
bool over_budget(const struct turn *turn);
bool over_budget_fails(const struct turn *turn); /* and nobody is asked */
bool spent_for_now(const struct turn *turn); /* input->spent, and an agent run is next */
bool wall_is_left(const struct turn *turn);
bool wall_fails(const struct turn *turn); /* none is, and nobody is asked */
bool waits_budget(const struct turn *turn);
bool has_budget(const struct turn *turn);      /* one that the input extends */
bool has_budget_left(const struct turn *turn); /* the same, and nothing is undone */
bool may_skip(const struct turn *turn);
bool undoing(const struct turn *turn);
bool not_undoing(const struct turn *turn);
bool is_merged(const struct turn *turn);
bool may_retry(const struct turn *turn);
bool parked_without_decision(const struct turn *turn);
bool may_skip_blocked(const struct turn *turn); /* waits_service, and a step to skip */

/* What the plan says, within the bounds of the machine. */
bool plan_retries(const struct turn *turn);
bool plan_waits(const struct turn *turn);
bool plan_goes_back(const struct turn *turn);
bool plan_iterates(const struct turn *turn);
bool plan_escalates(const struct turn *turn);
/* One of the others, which a person is asked for first. */
bool plan_asks_first(const struct turn *turn);
bool waits_recovery(const struct turn *turn);
/* waits_recovery, and the plan that was approved says so. */
bool approves_wait(const struct turn *turn);
bool approves_retry(const struct turn *turn);
bool approves_going_back(const struct turn *turn);
bool approves_iteration(const struct turn *turn);
/* The table would try again, but a person is asked. */
bool retry_asks(const struct turn *turn);
bool rework_asks(const struct turn *turn);

/* Is a budget used up that a retry from where the input says would need? Then ret_text,
 * of at least BUDGET_TEXT_MAX - 2 bytes, says which. */
#define BUDGET_TEXT_MAX 128
bool budget_spent(const struct turn *turn, char *ret_text);

/* What actions are made of (action.c). */
void say(struct turn *turn, const char *format, ...)
    PRINTF_LIKE(2, 3); /* the event's text */
struct workflow_row *row_of(struct turn *turn);
void set_reason(struct turn *turn, const char *reason);
void begin_state(struct turn *turn,
                 enum workflow_state state); /* all anew but the clock */
void ask_for(struct turn *turn, struct stage_step step, struct wall deadline);
void ask_beside(struct turn *turn, enum effect_kind kind, const char *name);
void ask_undo(struct turn *turn);
void skip_step(struct turn *turn);
void stop_in_flight(struct turn *turn, enum effect_status status);
void stop_clock(struct turn *turn, bool is_kept); /* kept: time_left is what was left */
void start_clock(struct turn *turn);
void set_service(struct turn *turn, const char *service); /* NULL: waits for none */
void end(struct turn *turn, enum workflow_state state);
const char *cause(const struct turn *turn); /* one line: why it failed */
const char *present_step_name(const struct turn *turn);
void hand_on_errors(struct turn *turn); /* error context for the next attempt */

/* Actions. */
void enter(struct turn *turn);       /* first step of turn->to, keeping the slot */
void queue_entry(struct turn *turn); /* first step of turn->to, once a slot is free */
void next(struct turn *turn);        /* the step after this one */
void ask(struct turn *turn);         /* the present step */
void go_on(struct turn *turn);       /* its effect is still in flight */
void replay(struct turn *turn);      /* the outcome held while parked */
void wait_plan(struct turn *turn);
void wait_merge(struct turn *turn);
void wait_window(struct turn *turn);       /* until merges begin by themselves again */
void wait_window_again(struct turn *turn); /* the same, for another try of the merge */
void merge_now(struct turn *turn);         /* once a slot is free */
void wait_operator(struct turn *turn);
void wait_person(struct turn *turn);   /* the same: nothing is done by itself */
void wait_recovery(struct turn *turn); /* until what the plan says is approved */
void refuse_recovery(struct turn *turn);
void requeue(struct turn *turn);    /* present step again, once a slot is free */
void queue_step(struct turn *turn); /* present step, first time, once a slot is free */
void iterate(struct turn *turn);    /* PLANNING again, with the error context */
void backoff(struct turn *turn);
void wait_quietly(struct turn *turn); /* as backoff, without using up a retry */
void go_back_to(struct turn *turn);   /* first step of the checkpoint, all made anew */
void fail(struct turn *turn);
void fail_iterations(struct turn *turn);
void fail_retries(struct turn *turn);
void fail_budget(struct turn *turn);
void fail_wall(struct turn *turn);
void finish(struct turn *turn);
void park(struct turn *turn);
void unpark(struct turn *turn);
void hold(struct turn *turn);
void cancel(struct turn *turn);
void cancel_after(struct turn *turn);
void cancel_late(struct turn *turn);
void retry_from(struct turn *turn);
void skip(struct turn *turn);
void skip_parked(struct turn *turn);
void undo(struct turn *turn);
void undone(struct turn *turn);
void undo_failed(struct turn *turn);
void keep_merge(struct turn *turn); /* action_merged.c */
/* Budgets (budget.c). */
void wait_budget(struct turn *turn);
void wait_day(struct turn *turn); /* for the budget of another day */
void warn_wall(struct turn *turn);
void extend(struct turn *turn);
void extend_and_go(struct turn *turn);
void budget_learn(struct workflow *workflow, const struct effect_result *result);
/* Waiting for a service (action_service.c). */
void defer(struct turn *turn);
void defer_parked(struct turn *turn);
void defer_undo(struct turn *turn);
void let_go(struct turn *turn);
void park_over(struct turn *turn);
void skip_blocked(struct turn *turn);
void undo_again(struct turn *turn);
void undo_given_up(struct turn *turn);

#endif
