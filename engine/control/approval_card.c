/* SPDX-License-Identifier: MIT */

/*
 * What a workflow that waits for a person asks for: its effect, and the card.
 */

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/money.h"
#include "engine/control/approval_private.h"
#include "engine/control/recovery_private.h"

#define GRANT_WALL_MIN INT64_C(600000) /* less would not be worth a person's time */

bool card_act(const struct live *live, enum act *ret_act)
{
    const struct workflow_row *row = &live->workflow->row;
    const struct trouble *trouble = trouble_asked(live);
    enum workflow_wait wait = row->state == STATE_PARKED ? row->resume_wait : row->wait;
    switch (wait) {
    case WAIT_PLAN:
        *ret_act = ACT_PLAN;
        return true;
    case WAIT_MERGE:
        *ret_act = ACT_MERGE;
        return true;
    case WAIT_REVERT:
        *ret_act = ACT_REVERT;
        return true;
    case WAIT_BUDGET:
        *ret_act = ACT_BUDGET;
        return true;
    case WAIT_RECOVERY:
        *ret_act = trouble != NULL ? rung_act(trouble->rung) : ACT_RETRY;
        return trouble != NULL;
    default:
        return false;
    }
}

/* What is in hand while a draft is made. */
struct drafting {
    struct control *control;
    const struct live *live;
    const struct workflow_row *row;
    const struct pipeline *pipeline;
    struct arena *arena;
    struct approval_draft *draft;
    struct effect_field *fields;
    struct jsonw card;
};

static void field(struct drafting *d, const char *name, const char *text)
{
    d->fields[d->draft->n_fields++] = (struct effect_field){.name = name, .text = text};
}

static void field_number(struct drafting *d, const char *name, int64_t number)
{
    d->fields[d->draft->n_fields++] =
        (struct effect_field){.name = name, .number = number};
}

/* "payments" of "/srv/git/payments.git" */
static const char *short_name(struct arena *arena, const char *repo)
{
    size_t len = strlen(repo);
    while (len > 1 && repo[len - 1] == '/') {
        len--;
    }
    if (len > 4 && strncmp(repo + len - 4, ".git", 4) == 0) {
        len -= 4;
    }
    size_t from = len;
    while (from > 0 && repo[from - 1] != '/') {
        from--;
    }
    return arena_strn(arena, repo + from, len - from);
}

static void evidence(struct drafting *d, int number, const char *text, const char *kind,
                     const char *ref)
{
    char id[8];
    (void)snprintf(id, sizeof(id), "e%d", number);
    jsonw_open(&d->card, NULL, '{');
    jsonw_str(&d->card, "id", id);
    jsonw_str(&d->card, "text", text);
    jsonw_str(&d->card, "kind", kind);
    jsonw_str(&d->card, "ref", ref);
    jsonw_close(&d->card, '}');
}

/* The digest of a document stands for it. */
static const char *doc_digest(struct drafting *d, enum doc_kind doc)
{
    const char *text = "";
    size_t len = 0;
    struct err ignored = ERR_INIT; /* then it counts as empty, and as changed later */
    if (store_load_doc(d->control->store, d->arena, d->row->id, doc, &text, &len,
                       &ignored) == FOUND_FAILED) {
        len = 0;
    }
    return effect_text_digest(d->arena, text, len);
}

static void plan(struct drafting *d)
{
    const struct workflow_row *row = d->row;
    d->draft->target = arena_printf(d->arena, "wf-%" PRId64, row->id);
    d->draft->title = arena_printf(d->arena, "Code wf-%" PRId64 " as planned: %.120s",
                                   row->id, row->title);
    d->draft->facts.is_reversible = true;
    field(d, "operation", "code");
    field_number(d, "workflow", row->id);
    field(d, "repository", row->repo);
    field(d, "base", d->pipeline->base);
    field(d, "plan", doc_digest(d, DOC_PLAN));
    field(d, "task", doc_digest(d, DOC_TASK));
    field(d, "agent", d->pipeline->agent_chain.first);
    jsonw_str(&d->card, "expected", "the agent edits files on a branch of its own");
    jsonw_str(&d->card, "if_wrong", "one agent run; nothing reaches the base branch");
    jsonw_str(&d->card, "undo", "cancel the workflow: its branch and worktree go");
}

static const char *guard_text(struct drafting *d)
{
    static const char *const reverts[] = {
        [REVERT_ASK] = "asks to take it back",
        [REVERT_AUTO] = "takes it back",
        [REVERT_NEVER] = "tells",
    };
    const struct after_merge *after = &d->pipeline->after;
    char window[CLOCK_TEXT_MAX];
    if (after->watch == WATCH_NONE) {
        return "none: the pipeline watches nothing after the merge";
    }
    return arena_printf(d->arena,
                        "%s on the base within %s; when they fail and its parent passes, "
                        "signalbox %s",
                        after->watch == WATCH_CHECKS
                            ? "the checks run again"
                            : "the forge's checks are waited for",
                        span_format(after->window, window), reverts[after->revert]);
}

static void merge(struct drafting *d)
{
    const struct workflow_row *row = d->row;
    const struct pipeline *pipeline = d->pipeline;
    d->draft->target = short_name(d->arena, row->repo);
    d->draft->title =
        arena_printf(d->arena, "Merge wf-%" PRId64 ": %.140s", row->id, row->title);
    d->draft->facts.is_reversible = true;
    d->draft->facts.is_degraded = row->is_degraded;
    field(d, "operation", "merge");
    field(d, "repository", row->repo);
    field(d, "base", pipeline->base);
    field(d, "base_sha", row->base_sha);
    field(d, "head", row->head_sha);
    field(d, "branch", row->branch);
    field(d, "method", pipeline->merge_method == METHOD_SQUASH ? "squash" : "merge");
    field_number(d, "pull", row->pr_number);
    field_number(d, "degraded", row->is_degraded);
    jsonw_str(&d->card, "expected",
              arena_printf(d->arena, "%.60s gets the change of %.12s", pipeline->base,
                           row->head_sha));
    jsonw_str(&d->card, "if_wrong",
              "the base is broken for everybody until the merge is taken back");
    jsonw_str(&d->card, "guard", guard_text(d));
    jsonw_str(&d->card, "undo",
              arena_printf(d->arena, "rollback wf-%" PRId64 ": a revert commit on %.60s",
                           row->id, pipeline->base));
}

static void revert(struct drafting *d)
{
    const struct workflow_row *row = d->row;
    d->draft->target = short_name(d->arena, row->repo);
    d->draft->title = arena_printf(
        d->arena, "Take the merge of wf-%" PRId64 " back from %.60s of %.60s", row->id,
        d->pipeline->base, d->draft->target);
    d->draft->facts.is_reversible = true;
    field(d, "operation", "revert");
    field(d, "repository", row->repo);
    field(d, "base", d->pipeline->base);
    field(d, "merge", row->merge_sha);
    jsonw_str(&d->card, "expected", "the base is as good as before the merge");
    jsonw_str(&d->card, "if_wrong", "a good change is gone until it is merged again");
    jsonw_str(&d->card, "undo", "merge the branch again");
}

static int granted_runs(const struct pipeline *pipeline)
{
    return pipeline->max_attempts > 0 ? (pipeline->max_attempts + 1) / 2 : 0;
}

static int64_t granted_wall(const struct pipeline *pipeline)
{
    int64_t half = pipeline->max_wall.ms / 2;
    return pipeline->max_wall.ms == 0 ? 0 : half > GRANT_WALL_MIN ? half : GRANT_WALL_MIN;
}

static struct usage granted_usage(const struct pipeline *pipeline)
{
    return (struct usage){
        .tokens = pipeline->max_tokens / 2 + pipeline->max_tokens % 2,
        .micros = pipeline->max_cost / 2 + pipeline->max_cost % 2,
    };
}

static void add_grant(char *more, size_t cap, const struct usage *grant)
{
    char cost[MONEY_TEXT_MAX];
    size_t len = strlen(more);
    if (grant->tokens > 0) {
        (void)snprintf(more + len, cap - len, "%s%" PRId64 " tokens", len > 0 ? ", " : "",
                       grant->tokens);
        len = strlen(more);
    }
    if (grant->micros > 0) {
        (void)snprintf(more + len, cap - len, "%s%s of money", len > 0 ? ", " : "",
                       money_format(grant->micros, cost));
    }
}

static void budget(struct drafting *d)
{
    const struct workflow_row *row = d->row;
    int runs = granted_runs(d->pipeline);
    int64_t wall = granted_wall(d->pipeline);
    char more[160] = "", time[CLOCK_TEXT_MAX];
    if (runs > 0) {
        (void)snprintf(more, sizeof(more), "%d agent runs%s", runs, wall > 0 ? ", " : "");
    }
    if (wall > 0) {
        size_t len = strlen(more);
        (void)snprintf(more + len, sizeof(more) - len, "%s of wall time",
                       span_format((struct span){wall}, time));
    }
    struct usage grant = granted_usage(d->pipeline);
    add_grant(more, sizeof(more), &grant);
    d->draft->target = arena_printf(d->arena, "wf-%" PRId64, row->id);
    d->draft->title = arena_printf(d->arena, "Grant wf-%" PRId64 " %s more: %.80s",
                                   row->id, more, row->title);
    d->draft->facts.is_reversible = true; /* what is not used is not spent */
    field(d, "operation", "extend");
    field_number(d, "workflow", row->id);
    field_number(d, "runs", runs);
    field_number(d, "wall_ms", wall);
    field_number(d, "granted_runs", row->granted_runs);
    field_number(d, "granted_wall_ms", row->granted_wall.ms);
    if (grant.tokens > 0) {
        field_number(d, "tokens", grant.tokens);
        field_number(d, "granted_tokens", row->granted.tokens);
    }
    if (grant.micros > 0) {
        field_number(d, "micros", grant.micros);
        field_number(d, "granted_micros", row->granted.micros);
    }
    jsonw_str(&d->card, "expected", "the workflow goes on where it stopped");
    jsonw_str(&d->card, "if_wrong", "that much more is spent on a task that may not end");
    jsonw_str(&d->card, "undo", "cancel the workflow: what is not used is not spent");
}

/* A rung of the ladder for this workflow. */
static void recovery(struct drafting *d)
{
    const struct workflow_row *row = d->row;
    const struct trouble *trouble = trouble_asked(d->live);
    struct recovery_row asked = {.service = "", .reason = "", .odds = (double)NAN};
    struct err ignored = ERR_INIT; /* then less is said */
    (void)!store_load_recovery(d->control->store, d->arena, trouble->recovery, &asked,
                               &ignored);
    const char *inverse = ladder_inverse(trouble->rung);
    d->draft->recovery = trouble->recovery;
    d->draft->requester = "engine";
    d->draft->target = arena_printf(d->arena, "wf-%" PRId64, row->id);
    d->draft->title =
        arena_printf(d->arena, "%s of %.60s in wf-%" PRId64 ": %.120s",
                     rung_strategy(trouble->rung), trouble->step, row->id, trouble->text);
    d->draft->facts.is_reversible = true; /* the branch keeps what is on it */
    d->draft->facts.confidence = asked.odds;
    field(d, "operation", rung_word(trouble->rung));
    field_number(d, "workflow", row->id);
    field(d, "repository", row->repo);
    field(d, "state", state_name(trouble->row.state));
    field(d, "step", trouble->step);
    field(d, "head", row->head_sha);
    field(d, "avoids", asked.service);
    field(d, "goal", d->live->is_goal_gone ? "closed" : "open");
    field_number(d, "iteration", row->iteration);
    jsonw_str(&d->card, "expected", ladder_expected(trouble->rung));
    jsonw_str(&d->card, "if_wrong",
              rung_act(trouble->rung) == ACT_REWORK
                  ? "one more agent run and iteration; nothing reaches the base branch"
                  : "one more try of the step, and the time it takes");
    jsonw_str(&d->card, "undo",
              inverse[0] != '\0' ? inverse : "nothing to take back; cancel ends it");
}

static void put_why(struct drafting *d)
{
    const struct workflow_row *row = d->row;
    jsonw_open(&d->card, "why", '[');
    const struct trouble *trouble = trouble_asked(d->live);
    jsonw_str(&d->card, NULL, row->reason[0] != '\0' ? row->reason : "all checks passed");
    if (trouble != NULL) {
        jsonw_str(&d->card, NULL, class_help(trouble->row.class_));
    }
    if (row->iteration > 1 || row->retries > 0) {
        jsonw_str(&d->card, NULL,
                  arena_printf(d->arena, "iteration %d, %d agent run%s", row->iteration,
                               row->agent_runs, row->agent_runs == 1 ? "" : "s"));
    }
    jsonw_close(&d->card, ']');
}

static void put_touches(struct drafting *d)
{
    const char *environment = d->control->options.environment;
    jsonw_open(&d->card, "touches", '{');
    jsonw_open(&d->card, "repositories", '[');
    jsonw_str(&d->card, NULL, d->row->repo);
    jsonw_close(&d->card, ']');
    jsonw_open(&d->card, "environments", '[');
    if (environment != NULL && environment[0] != '\0') {
        jsonw_str(&d->card, NULL, environment);
    }
    jsonw_close(&d->card, ']');
    jsonw_int(&d->card, "workflows", 1);
    jsonw_int(&d->card, "queued", (int64_t)queue_len(d->control->queue));
    jsonw_close(&d->card, '}');
}

static void put_evidence(struct drafting *d, enum act act)
{
    const struct trouble *trouble = trouble_asked(d->live);
    const char *id = arena_printf(d->arena, "wf-%" PRId64, d->row->id);
    const char *event =
        arena_printf(d->arena, "event %" PRId64, d->control->totals.last_event);
    jsonw_open(&d->card, "evidence", '[');
    if (trouble != NULL) {
        evidence(d, 1, "the failure", "failure",
                 arena_printf(d->arena, "f-%" PRId64, trouble->row.id));
        evidence(d, 2, "logs of its steps", "log", id);
    } else if (act == ACT_PLAN) {
        evidence(d, 1, "the plan", "doc", arena_printf(d->arena, "%s plan", id));
    } else if (act != ACT_BUDGET) {
        evidence(d, 1, "the diff of the pull request", "doc",
                 arena_printf(d->arena, "%s diff", id));
        evidence(d, 2, "logs of its checks", "log", id);
    } else {
        evidence(d, 1, "logs of its runs", "log", id);
    }
    evidence(d, act == ACT_PLAN || act == ACT_BUDGET ? 2 : 3, "why it waits", "event",
             event);
    jsonw_close(&d->card, ']');
}

void card_draft(struct control *control, const struct live *live, enum act act,
                struct arena *arena, struct approval_draft *ret_draft)
{
    static void (*const makers[])(struct drafting *) = {
        [ACT_PLAN] = plan,         [ACT_MERGE] = merge,    [ACT_REVERT] = revert,
        [ACT_BUDGET] = budget,     [ACT_RETRY] = recovery, [ACT_REWORK] = recovery,
        [ACT_FALLBACK] = recovery,
    };
    const struct workflow_row *row = &live->workflow->row;
    AUTO_BUF struct buf buf;
    struct drafting d = {
        .control = control,
        .live = live,
        .row = row,
        .pipeline = live->workflow->pipeline,
        .arena = arena,
        .draft = ret_draft,
        .fields = arena_array(arena, EFFECT_FIELDS_MAX, sizeof(struct effect_field)),
    };
    *ret_draft = (struct approval_draft){
        .facts = {.action = act,
                  .repo = row->repo,
                  .environment = control->options.environment,
                  .confidence = 1,
                  .n_workflows = 1,
                  .n_repos = 1},
        .workflow = row->id,
        .requester = row->submitter,
        .fields = d.fields,
    };
    buf_init(&buf, CARD_MAX);
    jsonw_init(&d.card, &buf);
    jsonw_open(&d.card, NULL, '{');
    put_why(&d);
    makers[act](&d);
    field_number(&d, "policy", EFFECT_POLICY);
    put_touches(&d);
    put_evidence(&d, act);
    jsonw_close(&d.card, '}');
    ret_draft->card = buf.is_cut ? "{}" : arena_strn(arena, buf.data, buf.len);
}
