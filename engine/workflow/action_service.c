/* SPDX-License-Identifier: MIT */

/*
 * Actions of a workflow whose service is not available. Nothing was begun, so nothing is
 * used up: attempt, retries, the budget of agent runs and the clock stay as they were.
 */

#include "engine/workflow/machine_private.h"

/* The agent run that was counted when it was asked for did not happen. */
static void give_back(struct turn *turn, enum workflow_state state)
{
    struct workflow_row *row = row_of(turn);
    if (stage_step(turn->workflow->pipeline, state, row->step).kind == EFFECT_CODE &&
        row->agent_runs > 0) {
        row->agent_runs--;
    }
}

static void wait_service(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->wait = WAIT_SERVICE;
    set_service(turn, turn->input->result->service);
    say(turn, "waits for %s: %s", row->service, cause(turn));
    set_reason(turn, turn->text);
}

void defer(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    give_back(turn, row->state);
    row->resume_state = row->state;
    row->resume_wait = WAIT_NONE;
    row->state = turn->to;
    stop_clock(turn, true);
    wait_service(turn);
}

void defer_parked(struct turn *turn)
{
    give_back(turn, row_of(turn)->resume_state);
    say(turn, "not begun: %s", cause(turn));
}

void defer_undo(struct turn *turn)
{
    stop_clock(turn, false);
    wait_service(turn);
}

/* Everything is as it was when the effect was asked for; a slot is waited for. */
static void go_back(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->state = turn->to;
    row->wait = WAIT_SLOT;
    row->resume_state = STATE_IDLE;
    set_service(turn, NULL);
    set_reason(turn, NULL);
}

void let_go(struct turn *turn)
{
    say(turn, "%s is available again", row_of(turn)->service);
    go_back(turn);
}

void skip_blocked(struct turn *turn)
{
    skip_step(turn);
    go_back(turn);
}

/* From now on the operator decides when it goes on. */
void park_over(struct turn *turn)
{
    row_of(turn)->wait = WAIT_PAUSE;
    set_service(turn, NULL);
    say(turn, "paused by %s%s%s", turn->input->actor,
        turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
    set_reason(turn, turn->text);
}

void undo_again(struct turn *turn)
{
    say(turn, "%s%s; the rollback goes on",
        turn->event == EV_RELEASE ? row_of(turn)->service : "resumed by ",
        turn->event == EV_RELEASE ? " is available again" : turn->input->actor);
    set_service(turn, NULL);
    set_reason(turn, NULL);
    ask_undo(turn);
}

void undo_given_up(struct turn *turn)
{
    say(turn, "rollback cancelled by %s%s%s", turn->input->actor,
        turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
    end(turn, STATE_COMPLETED);
    row_of(turn)->resume_state = STATE_IDLE;
    set_reason(turn, turn->text);
}
