/* SPDX-License-Identifier: MIT */

/*
 * Budgets of a workflow: agent runs, wall time, tokens and money. What is left is looked at before an agent
 * run begins, with what the run before took, so that a run is not cut in the middle; making its
 * work safe (commit, push, pull request) is the reserve, and is never stopped.
 */

#include <string.h>

#include "engine/base/money.h"
#include "engine/workflow/machine_private.h"

#define RESERVE_MAX span_s(600) /* to publish; at most a tenth of the budget */

int budget_runs(const struct workflow *workflow)
{
    int runs = workflow->pipeline->max_attempts;
    return runs > 0 ? runs + workflow->row.granted_runs : 0;
}

struct span budget_wall(const struct workflow *workflow)
{
    int64_t ms = workflow->pipeline->max_wall.ms;
    return (struct span){ms > 0 ? ms + workflow->row.granted_wall.ms : 0};
}

struct usage budget_usage(const struct workflow *workflow)
{
    const struct pipeline *pipeline = workflow->pipeline;
    const struct usage *more = &workflow->row.granted;
    return (struct usage){
        .tokens = pipeline->max_tokens > 0 ? pipeline->max_tokens + more->tokens : 0,
        .micros = pipeline->max_cost > 0 ? pipeline->max_cost + more->micros : 0};
}

static void tokens_text(const struct workflow *workflow, char ret_text[BUDGET_LINE_MAX])
{
    (void)snprintf(ret_text, BUDGET_LINE_MAX, "%lld of %lld tokens",
                   (long long)workflow->row.used.tokens,
                   (long long)budget_usage(workflow).tokens);
}

static void cost_text(const struct workflow *workflow, char ret_text[BUDGET_LINE_MAX])
{
    char used[MONEY_TEXT_MAX], all[MONEY_TEXT_MAX];
    (void)snprintf(ret_text, BUDGET_LINE_MAX, "%s of %s of money",
                   money_format(workflow->row.used.micros, used),
                   money_format(budget_usage(workflow).micros, all));
}

static bool is_short(int64_t used, int64_t last, int64_t all)
{
    return all > 0 && (used >= all || used + last > all);
}

bool budget_is_used(const struct workflow *workflow, char ret_text[BUDGET_LINE_MAX])
{
    const struct workflow_row *row = &workflow->row;
    struct usage all = budget_usage(workflow);
    if (is_short(row->used.tokens, row->last_used.tokens, all.tokens)) {
        tokens_text(workflow, ret_text);
        return true;
    }
    if (is_short(row->used.micros, row->last_used.micros, all.micros)) {
        cost_text(workflow, ret_text);
        return true;
    }
    return false;
}

/* More than 80 %, and not told yet. */
static bool is_near(struct workflow_row *row, int64_t used, int64_t all, int told)
{
    if (all == 0 || used < all / 5 * 4 || (row->budget_told & told) != 0) {
        return false;
    }
    row->budget_told |= told;
    return true;
}

static bool warns_of_usage(struct workflow *workflow, char ret_text[BUDGET_LINE_MAX])
{
    struct workflow_row *row = &workflow->row;
    struct usage all = budget_usage(workflow);
    char text[BUDGET_LINE_MAX];
    if (is_near(row, row->used.tokens, all.tokens, BUDGET_TOLD_TOKENS)) {
        tokens_text(workflow, text);
    } else if (is_near(row, row->used.micros, all.micros, BUDGET_TOLD_COST)) {
        cost_text(workflow, text);
    } else {
        return false;
    }
    (void)snprintf(ret_text, BUDGET_LINE_MAX, "budget: %.100s are used", text);
    return true;
}

bool budget_warns(struct workflow *workflow, char ret_text[BUDGET_LINE_MAX])
{
    struct workflow_row *row = &workflow->row;
    int runs = budget_runs(workflow);
    if (runs == 0 || row->agent_runs * 5 < runs * 4 ||
        (row->budget_told & BUDGET_TOLD_RUNS) != 0) {
        return warns_of_usage(workflow, ret_text);
    }
    row->budget_told |= BUDGET_TOLD_RUNS;
    (void)snprintf(ret_text, BUDGET_LINE_MAX,
                   "budget: %d of %d agent runs are used, the one that begins included",
                   row->agent_runs, runs);
    return true;
}

static struct wall wall_end(const struct workflow *workflow)
{
    return wall_add(workflow->row.started_at, budget_wall(workflow));
}

static bool is_wall_short(const struct turn *turn)
{
    const struct workflow_row *row = &turn->workflow->row;
    struct span wall = budget_wall(turn->workflow);
    if (wall.ms == 0 || !wall_is_set(row->started_at) || row->last_run.ms == 0) {
        return false;
    }
    int64_t reserve = wall.ms / 10 < RESERVE_MAX.ms ? wall.ms / 10 : RESERVE_MAX.ms;
    return turn->now.ms + row->last_run.ms + reserve > wall_end(turn->workflow).ms;
}

bool budget_is_asked(const struct workflow *workflow)
{
    const struct workflow_row *row = &workflow->row;
    return row->state == STATE_PLANNING ||
           (row->state == STATE_CODING &&
            stage_step(workflow->pipeline, row->state, row->step).kind != EFFECT_COMMIT);
}

/* What the last run that was paid for has made is still committed. */
bool over_budget(const struct turn *turn)
{
    int runs = budget_runs(turn->workflow);
    char text[BUDGET_LINE_MAX];
    return budget_is_asked(turn->workflow) &&
           ((runs > 0 && turn->workflow->row.agent_runs >= runs) || is_wall_short(turn) ||
            budget_is_used(turn->workflow, text));
}

bool over_budget_fails(const struct turn *turn)
{
    return turn->workflow->pipeline->budget_end == BUDGET_FAIL && over_budget(turn);
}

bool spent_for_now(const struct turn *turn)
{
    return turn->input->spent != NULL && budget_is_asked(turn->workflow);
}

bool wall_is_left(const struct turn *turn)
{
    return not_undoing(turn) && turn->now.ms < wall_end(turn->workflow).ms;
}

bool wall_fails(const struct turn *turn)
{
    return not_undoing(turn) && turn->workflow->pipeline->budget_end == BUDGET_FAIL;
}

bool waits_budget(const struct turn *turn)
{
    return turn->workflow->row.wait == WAIT_BUDGET && has_budget(turn);
}

bool has_budget(const struct turn *turn)
{
    const struct machine_input *input = turn->input;
    const struct pipeline *pipeline = turn->workflow->pipeline;
    return (input->granted_runs > 0 || input->granted_wall.ms > 0 ||
            input->granted.tokens > 0 || input->granted.micros > 0) &&
           (input->granted_runs == 0 || pipeline->max_attempts > 0) &&
           (input->granted_wall.ms == 0 || pipeline->max_wall.ms > 0) &&
           (input->granted.tokens == 0 || pipeline->max_tokens > 0) &&
           (input->granted.micros == 0 || pipeline->max_cost > 0);
}

bool has_budget_left(const struct turn *turn)
{
    return not_undoing(turn) && has_budget(turn);
}

/* ---- actions ---- */

static void say_usage(struct turn *turn, const char *usage)
{
    const struct usage *last = &row_of(turn)->last_used;
    char cost[MONEY_TEXT_MAX];
    if (strstr(usage, "tokens") != NULL) {
        say(turn, "BUDGET: %s are used, and the last run used %lld; extend it or cancel",
            usage, (long long)last->tokens);
    } else {
        say(turn, "BUDGET: %s are used, and the last run used %s; extend it or cancel",
            usage, money_format(last->micros, cost));
    }
}

static void say_spent(struct turn *turn)
{
    const struct workflow_row *row = row_of(turn);
    int runs = budget_runs(turn->workflow);
    struct span wall = budget_wall(turn->workflow);
    char used[CLOCK_TEXT_MAX], all[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];
    char usage[BUDGET_LINE_MAX];
    if (turn->event != EV_BUDGET && runs > 0 && row->agent_runs >= runs) {
        say(turn, "BUDGET: %d of %d agent runs are used up; extend it or cancel",
            row->agent_runs, runs);
    } else if (turn->event == EV_BUDGET) {
        say(turn, "BUDGET: %s of wall time are used up; extend it or cancel",
            span_format(wall, all));
    } else if (budget_is_used(turn->workflow, usage)) {
        say_usage(turn, usage);
    } else {
        say(turn,
            "BUDGET: %s of %s of wall time are used, and an agent run took %s; extend it "
            "or "
            "cancel",
            span_format(wall_since(turn->now, row->started_at), used),
            span_format(wall, all), span_format(row->last_run, last));
    }
}

void wait_budget(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    say_spent(turn);
    stop_in_flight(turn, STATUS_TIMED_OUT);
    if (row->state == STATE_PLANNING && turn->to == STATE_CODING) {
        begin_state(turn, STATE_CODING);
    } else if (row->state == STATE_RECOVERING) {
        row->state = turn->to;
        row->resume_state = STATE_IDLE;
        row->attempt++;
    }
    row->retry_at.ms = 0;
    row->wait = WAIT_BUDGET;
    stop_clock(turn, false);
    set_reason(turn, turn->text);
}

void wait_day(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    char span[CLOCK_TEXT_MAX];
    if (row->state == STATE_PLANNING) {
        begin_state(turn, STATE_CODING);
    }
    row->state = STATE_RECOVERING;
    row->resume_state = STATE_CODING;
    row->wait = WAIT_RETRY;
    row->retry_at = turn->input->spent_until;
    stop_clock(turn, false);
    say(turn, "%s; goes on in %s", turn->input->spent,
        span_format(wall_since(row->retry_at, turn->now), span));
    set_reason(turn, turn->text);
}

void warn_wall(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    char used[CLOCK_TEXT_MAX], all[CLOCK_TEXT_MAX];
    row->budget_told |= BUDGET_TOLD_WALL;
    say(turn, "budget: %s of %s of wall time are used",
        span_format(wall_since(turn->now, row->started_at), used),
        span_format(budget_wall(turn->workflow), all));
}

static void grant_text(const struct machine_input *input, bool is_more,
                       char ret_text[BUDGET_LINE_MAX])
{
    char cost[MONEY_TEXT_MAX], tokens[48] = "";
    if (input->granted.tokens > 0) {
        (void)snprintf(tokens, sizeof(tokens), "%s %lld more tokens", is_more ? "," : "",
                       (long long)input->granted.tokens);
    }
    (void)snprintf(ret_text, BUDGET_LINE_MAX, "%s", tokens);
    if (input->granted.micros > 0) {
        (void)snprintf(ret_text, BUDGET_LINE_MAX, "%s%s %s more of money", tokens,
                       is_more || tokens[0] != '\0' ? "," : "",
                       money_format(input->granted.micros, cost));
    }
}

void extend(struct turn *turn)
{
    const struct machine_input *input = turn->input;
    struct workflow_row *row = row_of(turn);
    char span[CLOCK_TEXT_MAX], runs[48] = "", wall[CLOCK_TEXT_MAX + 32] = "";
    char usage[BUDGET_LINE_MAX];
    row->granted_runs += input->granted_runs;
    row->granted_wall.ms += input->granted_wall.ms;
    row->granted.tokens += input->granted.tokens;
    row->granted.micros += input->granted.micros;
    row->budget_told = 0;
    if (row->state == STATE_PARKED && row->resume_wait == WAIT_BUDGET) {
        row->resume_wait = WAIT_SLOT;
    }
    if (input->granted_runs > 0) {
        (void)snprintf(runs, sizeof(runs), " %d more agent run%s", input->granted_runs,
                       input->granted_runs == 1 ? "" : "s");
    }
    if (input->granted_wall.ms > 0) {
        (void)snprintf(wall, sizeof(wall), "%s %s more wall time",
                       runs[0] != '\0' ? "," : "",
                       span_format(input->granted_wall, span));
    }
    grant_text(input, runs[0] != '\0' || wall[0] != '\0', usage);
    say(turn, "%s granted%s%s%s%s%s", input->actor, runs, wall, usage,
        input->reason != NULL ? ": " : "", input->reason != NULL ? input->reason : "");
}

void extend_and_go(struct turn *turn)
{
    extend(turn);
    row_of(turn)->wait = WAIT_SLOT;
    set_reason(turn, NULL);
}

void budget_learn(struct workflow *workflow, const struct effect_result *result)
{
    struct workflow_row *row = &workflow->row;
    enum workflow_state state =
        row->state == STATE_PARKED ? row->resume_state : row->state;
    int64_t ms = wall_since(result->finished_at, result->started_at).ms;
    if (result->tokens > 0 || result->micros > 0) {
        row->last_used = (struct usage){result->tokens, result->micros};
        row->used.tokens += result->tokens;
        row->used.micros += result->micros;
    }
    if (stage_step(workflow->pipeline, state, row->step).kind == EFFECT_CODE &&
        wall_is_set(result->started_at) && ms > 0 && result->status != STATUS_DEFERRED &&
        result->status != STATUS_REFUSED) {
        row->last_run.ms = ms;
    }
}
