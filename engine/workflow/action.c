/* SPDX-License-Identifier: MIT */

/*
 * Actions of the transition table. Each changes the workflow and writes down what
 * follows; none looks at a clock or does anything outside.
 */

#include <inttypes.h>
#include <stdarg.h>

#include "engine/base/err.h"
#include "engine/base/json.h"
#include "engine/workflow/machine_private.h"

#define CLEANUP_DEADLINE span_s(600)

void say(struct turn *turn, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vsnprintf(turn->text, turn->text_cap, format, args) < 0) {
        turn->text[0] = '\0';
    }
    va_end(args);
}

struct workflow_row *row_of(struct turn *turn)
{
    return &turn->workflow->row;
}

static struct span deadline_of(const struct pipeline *pipeline, enum workflow_state state)
{
    switch (state) {
    case STATE_PLANNING:
        return pipeline->planning;
    case STATE_CODING:
        return pipeline->coding;
    default:
        return pipeline->validation;
    }
}

/* What makes this effect this effect, as JSON: an approval is bound to it. */
static const char *params_of(struct turn *turn, enum effect_kind kind)
{
    const struct workflow_row *row = row_of(turn);
    const struct pipeline *pipeline = turn->workflow->pipeline;
    char *out = turn->out->params;
    size_t cap = sizeof(turn->out->params);
    switch (kind) {
    case EFFECT_MERGE:
        (void)snprintf(out, cap,
                       "{\"head\":\"%.64s\",\"base\":\"%.128s\",\"method\":\"%s\"}",
                       row->head_sha, pipeline->base,
                       pipeline->merge_method == METHOD_SQUASH ? "squash" : "merge");
        return out;
    case EFFECT_PULL_REQUEST:
    case EFFECT_SANDBOX:
    case EFFECT_FORGE_CHECKS:
        (void)snprintf(out, cap, "{\"head\":\"%.64s\"}", row->head_sha);
        return out;
    case EFFECT_REVERT:
        (void)snprintf(out, cap, "{\"merge\":\"%.64s\",\"base\":\"%.128s\"}",
                       row->merge_sha, pipeline->base);
        return out;
    default:
        return "{}";
    }
}

void ask_for(struct turn *turn, struct stage_step step, struct wall deadline)
{
    struct workflow_row *row = row_of(turn);
    if (turn->out->n_effects == MACHINE_EFFECTS_MAX) {
        BUG("more effects than a step can ask for");
    }
    turn->out->effects[turn->out->n_effects++] = (struct effect_row){
        .workflow = row->id,
        .seq = ++row->effect_seq,
        .kind = step.kind,
        .status = STATUS_PENDING,
        .step = step.index,
        .name = step.name,
        .iteration = row->iteration,
        .attempt = row->attempt,
        .asked_at = turn->now,
        .deadline_at = deadline,
        .params = params_of(turn, step.kind),
        .summary = "",
        .log = "",
        .provider = "",
        .exit_status = -1,
        .cpu_ms = -1,
        .peak_rss_kib = -1,
        .out_bytes = -1,
    };
}

/* All checks that are left; the last one is performed for them. */
static void ask_together(struct turn *turn, int n)
{
    struct workflow_row *row = row_of(turn);
    struct machine_output *out = turn->out;
    (void)snprintf(out->with, sizeof(out->with), EFFECT_PARAMS_WITH "%" PRId64 "}",
                   row->effect_seq + n);
    for (int i = 0; i < n; i++) {
        ask_for(turn, stage_step(turn->workflow->pipeline, row->state, row->step + i),
                row->deadline_at);
        out->effects[out->n_effects - 1].params = out->with;
    }
    (void)snprintf(out->params, sizeof(out->params), EFFECT_PARAMS_ALL "%d}", n);
    out->effects[out->n_effects - 1].params = out->params;
}

/* Ask for the present step, or go on when the state has none. */
static void ask_step(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    struct stage_step step = stage_step(turn->workflow->pipeline, row->state, row->step);
    row->wait = WAIT_NONE;
    if (step.kind == EFFECT_NONE) {
        turn->follow = EV_PASSED;
        return;
    }
    if (step.kind == EFFECT_CODE) {
        row->agent_runs++;
    }
    int n = stage_together(turn->workflow->pipeline, row->state, row->step);
    if (n > 1) {
        ask_together(turn, n);
    } else {
        ask_for(turn, step, row->deadline_at);
    }
    row->is_active = true;
}

void stop_in_flight(struct turn *turn, enum effect_status status)
{
    struct workflow_row *row = row_of(turn);
    if (row->is_active) {
        turn->out->is_stopped = true;
        turn->out->stop_effect = row->effect_seq;
        turn->out->stop_status = status;
        row->is_active = false;
    }
}

void stop_clock(struct turn *turn, bool is_kept)
{
    struct workflow_row *row = row_of(turn);
    if (is_kept && !wall_is_set(row->deadline_at)) {
        return; /* it stands already */
    }
    row->time_left.ms = 0;
    if (is_kept && wall_is_set(row->deadline_at) && row->deadline_at.ms > turn->now.ms) {
        row->time_left = wall_since(row->deadline_at, turn->now);
    }
    row->deadline_at.ms = 0;
}

void start_clock(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    struct span limit = row->time_left.ms > 0
                            ? row->time_left
                            : deadline_of(turn->workflow->pipeline, row->state);
    row->deadline_at = wall_add(turn->now, limit);
    row->time_left.ms = 0;
}

void set_reason(struct turn *turn, const char *reason)
{
    workflow_set(&row_of(turn)->reason, reason);
}

void set_service(struct turn *turn, const char *service)
{
    workflow_set(&row_of(turn)->service, service);
}

void begin_state(struct turn *turn, enum workflow_state state)
{
    struct workflow_row *row = row_of(turn);
    set_service(turn, NULL);
    row->is_degraded = false; /* each state begins with what has to be validated again */
    row->state = state;
    row->resume_state = STATE_IDLE;
    row->resume_wait = WAIT_NONE;
    row->step = 0;
    row->attempt = 1;
    row->retries = 0;
    row->held = EV_NONE;
    row->retry_at.ms = 0;
    row->time_left.ms = 0;
}

/* What the outcome, the operator or the clock says of the failure; one line. */
const char *cause(const struct turn *turn)
{
    const struct machine_input *input = turn->input;
    if (input->result != NULL && input->result->summary != NULL) {
        return input->result->summary;
    }
    if (input->reason != NULL && turn->event != EV_APPROVE) {
        return input->reason;
    }
    if (turn->event == EV_DEADLINE) {
        return "the deadline of the state passed";
    }
    return turn->workflow->row.reason; /* held while parked */
}

const char *present_step_name(const struct turn *turn)
{
    const struct workflow_row *row = &turn->workflow->row;
    enum workflow_state state =
        row->state == STATE_PARKED ? row->resume_state : row->state;
    const char *name = stage_step(turn->workflow->pipeline, state, row->step).name;
    return name[0] != '\0' ? name : state_name(state);
}

static const char *planned(const struct turn *turn)
{
    const struct machine_plan *plan = turn->input->plan;
    return plan != NULL && plan->words != NULL ? plan->words : "";
}

/* A line about what else has failed beside it, into text; "" when nothing has. */
static void also_failed(const struct turn *turn, char *text, size_t cap)
{
    const struct effect_result *result = turn->input->result;
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; result != NULL && i < result->n_parts; i++) {
        const struct effect_result *part = result->parts[i];
        if (part->seq != effect_result_of(result) && part->summary != NULL &&
            event_of_result(part) == EV_CHANGE && used < cap) {
            int n = snprintf(text + used, cap - used, "%s%.120s",
                             used == 0 ? "\nBeside it: " : "; ", part->summary);
            used += n > 0 ? (size_t)n : 0;
        }
    }
}

/* Error context: what the next attempt should know. */
void hand_on_errors(struct turn *turn)
{
    const struct machine_input *input = turn->input;
    struct machine_output *out = turn->out;
    const struct workflow_row *row = &turn->workflow->row;
    const char *excerpt = input->result != NULL && input->result->excerpt != NULL
                              ? input->result->excerpt
                              : "";
    out->has_errors = true;
    if (input->event == EV_REJECT) {
        (void)snprintf(out->errors, sizeof(out->errors),
                       "## Iteration %d: %s was rejected by %s\n\n%s\n\n", row->iteration,
                       row->state == STATE_PLANNING ? "the plan" : "the merge",
                       input->actor, cause(turn));
        return;
    }
    bool is_later = input->plan != NULL && input->plan->is_asked;
    const char *advice = input->plan != NULL && !is_later ? input->plan->advice : "";
    if (turn->event == EV_APPROVE) { /* what failed was handed on when it did */
        out->has_errors = advice[0] != '\0';
        (void)snprintf(out->errors, sizeof(out->errors),
                       "## Iteration %d: %s\n\n%.400s\n", row->iteration,
                       present_step_name(turn), advice);
        return;
    }
    const char *fence = excerpt[0] != '\0' ? "\n```\n" : "";
    char beside[300];
    also_failed(turn, beside, sizeof(beside));
    (void)snprintf(out->errors, sizeof(out->errors),
                   "## Iteration %d: %s\n\n%s\n%s%.*s%s%s%s%s%.400s\n", row->iteration,
                   present_step_name(turn), cause(turn), fence, EXCERPT_MAX, excerpt,
                   fence, beside, beside[0] != '\0' ? "\n" : "",
                   advice[0] != '\0' ? "\n" : "", advice);
}

void enter(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    if (row->state == STATE_IDLE) {
        row->started_at = turn->now;
        row->iteration = 1;
    }
    begin_state(turn, turn->to);
    set_reason(turn, NULL);
    start_clock(turn);
    ask_step(turn);
}

void queue_entry(struct turn *turn)
{
    begin_state(turn, turn->to);
    set_reason(turn, NULL);
    stop_clock(turn, false);
    row_of(turn)->wait = WAIT_SLOT;
    if (turn->input->event == EV_APPROVE) {
        say(turn, "plan approved%s%s", turn->input->reason != NULL ? ": " : "",
            turn->input->reason != NULL ? turn->input->reason : "");
    }
}

void next(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->step++;
    row->attempt = 1;
    set_reason(turn, NULL);
    if (turn->input->result != NULL && turn->input->result->summary != NULL) {
        say(turn, "%s", turn->input->result->summary);
    }
    ask_step(turn);
}

void ask(struct turn *turn)
{
    set_reason(turn, NULL);
    start_clock(turn);
    ask_step(turn);
}

void go_on(struct turn *turn)
{
    row_of(turn)->wait = WAIT_NONE;
    set_reason(turn, NULL);
    start_clock(turn);
}

void replay(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    turn->follow = (enum machine_event)row->held;
    row->held = EV_NONE;
    row->wait = WAIT_NONE;
    start_clock(turn);
}

void wait_plan(struct turn *turn)
{
    row_of(turn)->wait = WAIT_PLAN;
    stop_clock(turn, false);
    set_reason(turn, "the plan waits for approval");
    say(turn, "the plan waits for approval");
}

void wait_merge(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->step++;
    row->attempt = 1;
    row->wait = WAIT_MERGE;
    stop_clock(turn, false);
    const struct effect_result *result = turn->input->result;
    if (result != NULL && result->is_degraded && result->summary != NULL) {
        say(turn, "validation is degraded: %s; the merge waits for approval",
            result->summary);
    } else if (row->is_degraded) {
        say(turn, "validation is degraded: a fallback judged it, or nobody; the merge "
                  "waits for approval");
    } else if (turn->input->plan != NULL) {
        say(turn, "%s; the merge waits for approval", planned(turn));
    } else {
        say(turn, "all checks passed; the merge waits for approval");
    }
    set_reason(turn, turn->text);
}

static void stand_until_window(struct turn *turn, const char *what)
{
    struct workflow_row *row = row_of(turn);
    char at[CLOCK_TEXT_MAX], span[CLOCK_TEXT_MAX];
    row->wait = WAIT_WINDOW;
    row->retry_at = hours_next(turn->workflow->pipeline->merge_window, turn->now);
    stop_clock(turn, false);
    say(turn, "%s at %s, in %s", what, wall_format_time(row->retry_at, false, at),
        span_format(wall_since(row->retry_at, turn->now), span));
    set_reason(turn, turn->text);
}

void wait_window(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->step++;
    row->attempt = 1;
    stand_until_window(turn, "all checks passed; merges");
}

void wait_window_again(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->attempt += row->state == STATE_RECOVERING;
    row->state = turn->to;
    row->resume_state = STATE_IDLE;
    set_service(turn, NULL);
    stand_until_window(turn, "the merge window is shut; merges again");
}

void merge_now(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->wait = WAIT_SLOT;
    row->retry_at.ms = 0;
    set_reason(turn, NULL);
    if (turn->event == EV_TIMER) {
        say(turn, "the merge window is open");
    } else {
        say(turn, "%s merges outside of the merge window%s%s", turn->input->actor,
            turn->input->reason != NULL ? ": " : "",
            turn->input->reason != NULL ? turn->input->reason : "");
    }
}

void wait_operator(struct turn *turn)
{
    row_of(turn)->wait = WAIT_OPERATOR;
    stop_clock(turn, false);
    say(turn, "%s", cause(turn));
    if (turn->input->plan != NULL) {
        hand_on_errors(turn);
        stop_in_flight(turn, STATUS_TIMED_OUT);
        say(turn, "%s%s%s", cause(turn), planned(turn)[0] != '\0' ? "; " : "",
            planned(turn));
    }
    set_reason(turn, turn->text);
}

/* It could not begin: what the steps before it made may be gone. */
static void begin_anew(struct turn *turn)
{
    const struct effect_result *result = turn->input->result;
    if (result != NULL && result->status == STATUS_REFUSED) {
        row_of(turn)->step = 0;
        row_of(turn)->is_degraded = false;
    }
}

void wait_person(struct turn *turn)
{
    char reason[300];
    (void)snprintf(reason, sizeof(reason), "%s", cause(turn));
    hand_on_errors(turn);
    stop_in_flight(turn, STATUS_TIMED_OUT);
    begin_anew(turn);
    row_of(turn)->wait = WAIT_OPERATOR;
    stop_clock(turn, false);
    set_reason(turn, reason);
    say(turn, "%s; nothing is tried again without a person", reason);
}

void wait_recovery(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    char reason[300];
    (void)snprintf(reason, sizeof(reason), "%s", cause(turn));
    hand_on_errors(turn);
    stop_in_flight(turn, STATUS_TIMED_OUT);
    begin_anew(turn);
    row->wait = WAIT_RECOVERY;
    stop_clock(turn, false);
    set_reason(turn, reason);
    say(turn, "%s; %s; waits for approval", reason, planned(turn));
}

void refuse_recovery(struct turn *turn)
{
    row_of(turn)->wait = WAIT_OPERATOR;
    say(turn, "%s; what was to be done is rejected by %s%s%s", row_of(turn)->reason,
        turn->input->actor, turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
    set_reason(turn, turn->text);
}

void requeue(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->state = turn->to;
    row->wait = WAIT_SLOT;
    row->attempt++;
    row->retry_at.ms = 0;
    stop_clock(turn, false);
    say(turn, "%s again, attempt %d", present_step_name(turn), row->attempt);
}

void queue_step(struct turn *turn)
{
    row_of(turn)->wait = WAIT_SLOT;
    say(turn, "merge approved%s%s", turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
}

void iterate(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    char reason[300];
    hand_on_errors(turn);
    stop_in_flight(turn, STATUS_TIMED_OUT);
    (void)snprintf(reason, sizeof(reason), "%s", cause(turn));
    bool has_slot = row->wait == WAIT_NONE;
    begin_state(turn, STATE_PLANNING);
    row->iteration++;
    set_reason(turn, reason);
    say(turn, "iteration %d: %s%s%s", row->iteration, reason,
        planned(turn)[0] != '\0' ? "; " : "", planned(turn));
    stop_clock(turn, false);
    if (has_slot) {
        start_clock(turn);
        ask_step(turn);
    } else {
        row->wait = WAIT_SLOT;
    }
}

/* Exponential with jitter: half of the pause is fixed, half is drawn (AWS Architecture
 * Blog, "Exponential Backoff And Jitter", 2015: equal jitter). */
static struct span pause_before(const struct turn *turn, int retries)
{
    int64_t ms = turn->limits->backoff.ms;
    for (int i = 1; i < retries && ms < turn->limits->backoff_max.ms; i++) {
        ms *= 2;
    }
    if (ms > turn->limits->backoff_max.ms) {
        ms = turn->limits->backoff_max.ms;
    }
    int64_t half = ms / 2;
    return (struct span){ms - half + (int64_t)rng_below(turn->rng, (uint64_t)half + 1)};
}

/* RECOVERING until `pause` is over. */
static void pause_for(struct turn *turn, struct span pause)
{
    struct workflow_row *row = row_of(turn);
    hand_on_errors(turn);
    stop_in_flight(turn, STATUS_TIMED_OUT);
    row->resume_state = row->state;
    row->state = STATE_RECOVERING;
    row->wait = WAIT_RETRY;
    begin_anew(turn);
    row->retry_at = wall_add(turn->now, pause);
    stop_clock(turn, false);
}

void backoff(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    const struct machine_plan *plan = turn->input->plan;
    char pause[CLOCK_TEXT_MAX];
    char reason[300];
    (void)snprintf(reason, sizeof(reason), "%s", cause(turn));
    row->retries++;
    struct span span = pause_before(turn, row->retries);
    if (plan != NULL && plan->pause.ms > 0) {
        span = plan->pause;
    }
    pause_for(turn, span);
    set_reason(turn, reason);
    say(turn, "%s; retry %d of %d in %s%s%s", reason, row->retries,
        turn->workflow->pipeline->max_retries, span_format(span, pause),
        planned(turn)[0] != '\0' ? "; " : "", planned(turn));
}

void wait_quietly(struct turn *turn)
{
    char pause[CLOCK_TEXT_MAX];
    char reason[300];
    const struct machine_plan *plan = turn->input->plan;
    (void)snprintf(reason, sizeof(reason), "%s", cause(turn));
    pause_for(turn, plan->pause);
    set_reason(turn, reason);
    say(turn, "%s; waits at most %s: %s", reason, span_format(plan->pause, pause),
        planned(turn));
}

void go_back_to(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    char reason[300];
    int retries = row->retries;
    (void)snprintf(reason, sizeof(reason), "%s", cause(turn));
    hand_on_errors(turn);
    stop_in_flight(turn, STATUS_TIMED_OUT);
    begin_state(turn, turn->to);
    row->retries = retries + 1;
    set_reason(turn, reason);
    stop_clock(turn, false);
    row->wait = WAIT_SLOT;
    say(turn, "%s; again from %s%s%s", reason, state_name(turn->to),
        planned(turn)[0] != '\0' ? ": " : "", planned(turn));
}

void end(struct turn *turn, enum workflow_state state)
{
    struct workflow_row *row = row_of(turn);
    row->state = state;
    row->wait = WAIT_NONE;
    row->resume_wait = WAIT_NONE;
    set_service(turn, NULL);
    row->held = EV_NONE;
    row->retry_at.ms = 0;
    row->finished_at = turn->now;
    stop_clock(turn, false);
}

static void fail_with(struct turn *turn, const char *prefix)
{
    struct workflow_row *row = row_of(turn);
    char reason[360];
    enum workflow_state state =
        row->state == STATE_RECOVERING ? row->resume_state : row->state;
    (void)snprintf(reason, sizeof(reason), "%s%s", prefix, cause(turn));
    if (turn->event != EV_BUDGET && turn->event != EV_START) {
        hand_on_errors(turn);
    }
    stop_in_flight(turn, STATUS_TIMED_OUT);
    end(turn, STATE_FAILED);
    row->resume_state = state;
    set_reason(turn, reason);
    say(turn, "%s", reason);
}

void fail(struct turn *turn)
{
    fail_with(turn, "");
}

void fail_iterations(struct turn *turn)
{
    char prefix[64];
    (void)snprintf(prefix, sizeof(prefix),
                   "iteration %d of %d: ", row_of(turn)->iteration,
                   turn->workflow->pipeline->max_iterations);
    fail_with(turn, prefix);
}

void fail_retries(struct turn *turn)
{
    char prefix[64];
    (void)snprintf(prefix, sizeof(prefix), "after %d retries: ", row_of(turn)->retries);
    fail_with(turn, prefix);
}

void fail_budget(struct turn *turn)
{
    char reason[96];
    char usage[BUDGET_LINE_MAX];
    int runs = budget_runs(turn->workflow);
    bool is_runs = runs > 0 && row_of(turn)->agent_runs >= runs;
    if (!is_runs && budget_is_used(turn->workflow, usage)) {
        (void)snprintf(reason, sizeof(reason), "budget: %.70s are used", usage);
    } else {
        (void)snprintf(reason, sizeof(reason), "budget: %d of %d agent runs are used up",
                       row_of(turn)->agent_runs, runs);
    }
    set_reason(turn, reason);
    end(turn, STATE_FAILED);
    row_of(turn)->resume_state = STATE_CODING;
    row_of(turn)->step = 0;
    say(turn, "%s", reason);
}

void fail_wall(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    char span[CLOCK_TEXT_MAX];
    char reason[96];
    (void)snprintf(reason, sizeof(reason), "budget: %s of wall time are used up",
                   span_format(budget_wall(turn->workflow), span));
    enum workflow_state state =
        row->state == STATE_RECOVERING ? row->resume_state : row->state;
    stop_in_flight(turn, STATUS_TIMED_OUT);
    end(turn, STATE_FAILED);
    row->resume_state = state;
    set_reason(turn, reason);
    say(turn, "%s", reason);
}

void ask_beside(struct turn *turn, enum effect_kind kind, const char *name)
{
    ask_for(turn, (struct stage_step){kind, 0, name},
            wall_add(turn->now, CLEANUP_DEADLINE));
}

void finish(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    end(turn, STATE_COMPLETED);
    set_reason(turn, NULL);
    if (row->merge_sha[0] != '\0') {
        say(turn, "merged as %.12s", row->merge_sha);
    } else if (row->pr_number > 0) {
        say(turn, "pull request %lld is ready; the pipeline merges nothing",
            (long long)row->pr_number);
    }
    ask_beside(turn, EFFECT_CLEANUP, "cleanup");
}
