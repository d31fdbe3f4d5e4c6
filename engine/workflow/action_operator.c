/* SPDX-License-Identifier: MIT */

/*
 * Actions that an operator asks for: pause and resume, cancel, retry, skip, rollback.
 */

#include "engine/workflow/machine_private.h"

#define UNDO_DEADLINE span_s(600)

void park(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    if (row->state == STATE_RECOVERING) {
        row->resume_wait = WAIT_SLOT;
        row->attempt++;
    } else {
        row->resume_state = row->state;
        row->resume_wait = row->wait;
    }
    row->state = STATE_PARKED;
    row->wait = WAIT_PAUSE;
    row->retry_at.ms = 0;
    stop_clock(turn, true);
    say(turn, "paused by %s%s%s", turn->input->actor,
        turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
    set_reason(turn, turn->text);
}

void unpark(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->state = turn->to;
    row->wait = wait_needs_human(row->resume_wait) ? row->resume_wait : WAIT_SLOT;
    if (row->resume_wait == WAIT_WINDOW) { /* it was paused, nobody said to merge */
        row->wait = WAIT_WINDOW;
        row->retry_at = hours_next(turn->workflow->pipeline->merge_window, turn->now);
    }
    row->resume_state = STATE_IDLE;
    row->resume_wait = WAIT_NONE;
    set_service(turn, NULL);
    if (row->held == EV_NONE || row->held == EV_PASSED) {
        set_reason(turn, NULL);
    }
    say(turn, "resumed by %s", turn->input->actor);
}

void hold(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->held = (int)turn->event;
    if (turn->event != EV_PASSED) {
        hand_on_errors(turn);
        set_reason(turn, cause(turn));
    }
    say(turn, "kept until it goes on: %s", cause(turn));
}

static void end_cancelled(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    bool has_started = wall_is_set(row->started_at);
    stop_in_flight(turn, STATUS_CANCELLED);
    end(turn, STATE_CANCELLED);
    if (row->pr_number > 0 && !row->is_adopted) { /* else it is somebody's own */
        ask_beside(turn, EFFECT_CLOSE, "close pull request");
    }
    if (has_started) {
        ask_beside(turn, EFFECT_CLEANUP, "cleanup");
    }
}

static void say_cancelled(struct turn *turn)
{
    say(turn, "cancelled by %s%s%s", turn->input->actor,
        turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
    set_reason(turn, turn->text);
}

void cancel(struct turn *turn)
{
    end_cancelled(turn);
    say_cancelled(turn);
}

void cancel_after(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    if (row->state == STATE_PARKED) {
        row->state = turn->to;
        row->wait = row->resume_wait = WAIT_NONE;
        row->resume_state = STATE_IDLE;
        start_clock(turn);
    }
    row->held = EV_CANCEL;
    say_cancelled(turn);
    say(turn, "%s; the merge is under way, what becomes of it decides", row->reason);
}

void cancel_late(struct turn *turn)
{
    end_cancelled(turn);
    say(turn, "%s", row_of(turn)->reason);
}

void retry_from(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    enum workflow_state to = turn->to;
    stop_in_flight(turn, STATUS_CANCELLED);
    if (row->state == STATE_CANCELLED && to == STATE_VALIDATING) {
        to = STATE_PR_CREATED; /* its pull request was closed */
    }
    if (row->state == STATE_ROLLED_BACK ||
        (to == STATE_PLANNING && row->iteration > 0 && row->state != STATE_PLANNING)) {
        row->iteration++;
    }
    if (row->iteration < 1) {
        row->iteration = 1;
    }
    workflow_set(&row->merge_sha, NULL);
    begin_state(turn, to);
    row->finished_at.ms = 0;
    if (!wall_is_set(row->started_at)) {
        row->started_at = turn->now;
    }
    row->state_since = turn->now;
    stop_clock(turn, false);
    row->wait = WAIT_SLOT;
    set_reason(turn, NULL);
    say(turn, "again from %s, asked by %s%s%s", state_name(to), turn->input->actor,
        turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
}

void skip_step(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    stop_in_flight(turn, STATUS_SKIPPED);
    say(turn, "%s skipped by %s%s%s", present_step_name(turn), turn->input->actor,
        turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
    row->held = EV_PASSED;
}

void skip(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->state = turn->to;
    skip_step(turn);
    row->wait = WAIT_SLOT;
    row->retry_at.ms = 0;
    row->finished_at.ms = 0;
    stop_clock(turn, true);
}

void skip_parked(struct turn *turn)
{
    skip_step(turn);
}

void ask_undo(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->wait = WAIT_NONE;
    row->deadline_at = wall_add(turn->now, UNDO_DEADLINE);
    ask_for(turn, (struct stage_step){EFFECT_REVERT, 0, "revert"}, row->deadline_at);
    row->is_active = true;
}

void undo(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->state = STATE_RECOVERING;
    row->resume_state = STATE_ROLLED_BACK;
    row->finished_at.ms = 0;
    row->attempt = 1;
    ask_undo(turn);
    say(turn, "rolled back by %s%s%s", turn->input->actor,
        turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
    set_reason(turn, turn->text);
}

void undone(struct turn *turn)
{
    end(turn, STATE_ROLLED_BACK);
    row_of(turn)->resume_state = STATE_IDLE;
    say(turn, "%s", cause(turn));
}

void undo_failed(struct turn *turn)
{
    char reason[300];
    (void)snprintf(reason, sizeof(reason), "rollback failed: %s", cause(turn));
    stop_in_flight(turn, STATUS_TIMED_OUT);
    end(turn, STATE_COMPLETED);
    row_of(turn)->resume_state = STATE_IDLE;
    set_reason(turn, reason);
    say(turn, "%s", reason);
}
