/* SPDX-License-Identifier: MIT */

/*
 * Guards of the transition table: each one sentence about a workflow, without effect.
 */

#include "engine/workflow/machine_private.h"

bool stage_is_pending(const struct workflow *workflow, int step)
{
    return stage_step(workflow->pipeline, workflow->row.state, step).kind != EFFECT_NONE;
}

bool in_flight(const struct turn *turn)
{
    return turn->workflow->row.is_active;
}

bool more_steps(const struct turn *turn)
{
    return stage_is_pending(turn->workflow, turn->workflow->row.step + 1);
}

/* A plan is asked about until the agent has begun on one, and again when there is a new one. */
bool plan_asks(const struct turn *turn)
{
    const struct pipeline *pipeline = turn->workflow->pipeline;
    return (pipeline->plan_mode == PLAN_ASK || turn->input->asks_plan) &&
           (pipeline->plan.argv != NULL || turn->workflow->row.agent_runs == 0);
}

bool merge_asks(const struct turn *turn)
{
    const struct workflow *workflow = turn->workflow;
    const struct effect_result *result = turn->input->result;
    struct stage_step step =
        stage_step(workflow->pipeline, workflow->row.state, workflow->row.step + 1);
    bool is_degraded =
        workflow->row.is_degraded || (result != NULL && result->is_degraded);
    return step.kind == EFFECT_MERGE &&
           (workflow->pipeline->merge_mode == MERGE_ASK || turn->input->asks_merge ||
            is_degraded || plan_escalates(turn));
}

bool waits_plan(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_PLAN;
}

bool waits_merge(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_MERGE;
}

/* Who was asked has said when. */
bool window_is_shut(const struct turn *turn)
{
    const struct workflow *workflow = turn->workflow;
    const struct pipeline *pipeline = workflow->pipeline;
    return stage_step(pipeline, workflow->row.state, workflow->row.step + 1).kind ==
               EFFECT_MERGE &&
           !hours_have(pipeline->merge_window, turn->now);
}

/* The same when what was begun or should have begun earlier goes on by itself. */
bool window_is_shut_again(const struct turn *turn)
{
    const struct workflow *workflow = turn->workflow;
    const struct pipeline *pipeline = workflow->pipeline;
    return pipeline->merge_mode == MERGE_AUTO &&
           stage_step(pipeline, workflow->row.resume_state, workflow->row.step).kind ==
               EFFECT_MERGE &&
           !hours_have(pipeline->merge_window, turn->now);
}

bool release_is_shut(const struct turn *turn)
{
    return waits_service(turn) && window_is_shut_again(turn);
}

bool waits_window(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_WINDOW;
}

bool waits_operator(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_OPERATOR;
}

bool waits_slot(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_SLOT;
}

bool waits_service(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_SERVICE;
}

bool waits_revert(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_REVERT;
}

bool undo_waits(const struct turn *turn)
{
    return undoing(turn) && waits_service(turn);
}

bool is_adopted(const struct turn *turn)
{
    return turn->workflow->row.is_adopted;
}

bool waits_slot_in_flight(const struct turn *turn)
{
    return waits_slot(turn) && in_flight(turn);
}

bool waits_slot_held(const struct turn *turn)
{
    return waits_slot(turn) && turn->workflow->row.held != EV_NONE;
}

/* A merge cannot be stopped half way, and nobody knows yet whether it has happened. A
 * second cancel does not wait for it. */
bool merges(const struct turn *turn)
{
    const struct workflow_row *row = &turn->workflow->row;
    enum workflow_state state =
        row->state == STATE_PARKED ? row->resume_state : row->state;
    return in_flight(turn) && !cancel_waits(turn) &&
           stage_step(turn->workflow->pipeline, state, row->step).kind == EFFECT_MERGE;
}

bool cancel_waits(const struct turn *turn)
{
    return turn->workflow->row.held == EV_CANCEL;
}

bool iterations_left(const struct turn *turn)
{
    return turn->workflow->row.iteration < turn->workflow->pipeline->max_iterations;
}

bool iterations_left_plan(const struct turn *turn)
{
    return waits_plan(turn) && iterations_left(turn);
}

bool iterations_left_merge(const struct turn *turn)
{
    return waits_merge(turn) && iterations_left(turn);
}

bool retries_left(const struct turn *turn)
{
    return turn->workflow->row.retries < turn->workflow->pipeline->max_retries;
}

static bool plan_is(const struct turn *turn, unsigned rungs)
{
    const struct machine_plan *plan = turn->input->plan;
    return plan != NULL && plan->rung < RUNG_COUNT && (rungs & (1u << plan->rung)) != 0;
}

bool plan_retries(const struct turn *turn)
{
    return plan_is(turn, 1u << RUNG_RETRY | 1u << RUNG_FALLBACK) && retries_left(turn);
}

bool plan_waits(const struct turn *turn)
{
    return plan_is(turn, 1u << RUNG_WAIT);
}

/* A checkpoint before the pull request begins a new iteration. */
bool plan_goes_back(const struct turn *turn)
{
    return plan_is(turn, 1u << RUNG_CHECKPOINT) && retries_left(turn);
}

bool plan_iterates(const struct turn *turn)
{
    return plan_is(turn, 1u << RUNG_HAND_BACK | 1u << RUNG_OTHER_AGENT |
                             1u << RUNG_SMALLER_TASK | 1u << RUNG_OTHER_ORDER) &&
           iterations_left(turn);
}

bool plan_escalates(const struct turn *turn)
{
    return plan_is(turn, 1u << RUNG_ESCALATE);
}

bool plan_asks_first(const struct turn *turn)
{
    return turn->input->plan != NULL && turn->input->plan->is_asked &&
           (plan_waits(turn) || plan_retries(turn) || plan_goes_back(turn) ||
            plan_iterates(turn));
}

bool waits_recovery(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_RECOVERY;
}

bool approves_wait(const struct turn *turn)
{
    return waits_recovery(turn) && plan_waits(turn);
}

bool approves_retry(const struct turn *turn)
{
    return waits_recovery(turn) && plan_retries(turn);
}

bool approves_going_back(const struct turn *turn)
{
    return waits_recovery(turn) && plan_goes_back(turn);
}

bool approves_iteration(const struct turn *turn)
{
    return waits_recovery(turn) && plan_iterates(turn);
}

bool retry_asks(const struct turn *turn)
{
    return turn->input->asks_retry && retries_left(turn);
}

bool rework_asks(const struct turn *turn)
{
    return turn->input->asks_rework && iterations_left(turn);
}

/* Where a retry begins. */
static enum workflow_state retry_state(const struct turn *turn)
{
    const struct workflow_row *row = &turn->workflow->row;
    if (turn->input->checkpoint != STATE_COUNT) {
        return turn->input->checkpoint;
    }
    return state_is_final(row->state) && row->state != STATE_FAILED ? STATE_PLANNING
           : row->state >= STATE_PLANNING && row->state <= STATE_VALIDATING
               ? row->state
               : row->resume_state;
}

bool budget_spent(const struct turn *turn, char *ret_text)
{
    const struct workflow_row *row = &turn->workflow->row;
    char span[CLOCK_TEXT_MAX], usage[BUDGET_LINE_MAX];
    int runs = budget_runs(turn->workflow);
    struct span wall = budget_wall(turn->workflow);
    if (runs > 0 && row->agent_runs >= runs && retry_state(turn) <= STATE_CODING) {
        (void)snprintf(ret_text, BUDGET_TEXT_MAX - 2,
                       "budget: %d of %d agent runs are used up; extend it",
                       row->agent_runs, runs);
        return true;
    }
    if (retry_state(turn) <= STATE_CODING && budget_is_used(turn->workflow, usage)) {
        (void)snprintf(ret_text, BUDGET_TEXT_MAX - 2, "budget: %.80s are used; extend it",
                       usage);
        return true;
    }
    if (wall.ms > 0 && wall_is_set(row->started_at) &&
        row->started_at.ms + wall.ms <= turn->now.ms) {
        (void)snprintf(ret_text, BUDGET_TEXT_MAX - 2,
                       "budget: %s of wall time are used up; extend it",
                       span_format(wall, span));
        return true;
    }
    return false;
}

bool undoing(const struct turn *turn)
{
    return turn->workflow->row.state == STATE_RECOVERING &&
           turn->workflow->row.resume_state == STATE_ROLLED_BACK;
}

bool not_undoing(const struct turn *turn)
{
    return !undoing(turn);
}

bool is_merged(const struct turn *turn)
{
    return turn->workflow->row.merge_sha[0] != '\0';
}

/* Steps that make the place where later steps work cannot have been done by hand. */
bool may_skip(const struct turn *turn)
{
    const struct workflow_row *row = &turn->workflow->row;
    if (undoing(turn) || merges(turn) || row->wait == WAIT_PLAN ||
        row->wait == WAIT_MERGE || row->wait == WAIT_WINDOW) {
        return false;
    }
    enum workflow_state state =
        row->state == STATE_RECOVERING || row->state == STATE_FAILED ? row->resume_state
                                                                     : row->state;
    enum effect_kind kind = stage_step(turn->workflow->pipeline, state, row->step).kind;
    return kind != EFFECT_NONE && kind != EFFECT_WORKSPACE && kind != EFFECT_SANDBOX &&
           kind != EFFECT_PULL_REQUEST;
}

bool parked_without_decision(const struct turn *turn)
{
    const struct workflow_row *row = &turn->workflow->row;
    enum effect_kind kind =
        stage_step(turn->workflow->pipeline, row->resume_state, row->step).kind;
    return !merges(turn) && !wait_needs_human(row->resume_wait) &&
           row->resume_wait != WAIT_WINDOW && kind != EFFECT_NONE &&
           kind != EFFECT_WORKSPACE && kind != EFFECT_SANDBOX &&
           kind != EFFECT_PULL_REQUEST;
}

bool may_skip_blocked(const struct turn *turn)
{
    return waits_service(turn) && parked_without_decision(turn);
}

/* Merged work is not made again; what was taken back starts from a plan; and a checkpoint
 * needs what the states before it made. */
bool may_retry(const struct turn *turn)
{
    const struct workflow_row *row = &turn->workflow->row;
    enum workflow_state from = turn->input->checkpoint;
    char spent[BUDGET_TEXT_MAX];
    if (undoing(turn) || budget_spent(turn, spent)) {
        return false;
    }
    if (row->state == STATE_ROLLED_BACK) {
        return from == STATE_COUNT || from == STATE_PLANNING;
    }
    if (row->state == STATE_PARKED && row->resume_state == STATE_IDLE) {
        return false;
    }
    if (is_merged(turn)) {
        return false;
    }
    bool has_head = row->head_sha[0] != '\0';
    switch (from) {
    case STATE_PR_CREATED:
        return has_head || row->is_adopted;
    case STATE_VALIDATING:
        return has_head && row->pr_number > 0;
    default:
        return true;
    }
}
