/* SPDX-License-Identifier: MIT */
#include "engine/workflow/merged.h"

#include <stdarg.h>

#include "engine/base/json.h"
#include "engine/workflow/machine_private.h"

#define LOOKS_MAX 2 /* of one commit, when the first says nothing */

enum { CULPRIT, PARENT }; /* effect.step of CONFIRM */

static const char *const kinds[] = {
    "watch-begun",     /* a look at the base begins */
    "watch-passed",    /* the base is well */
    "watch-failed",    /* something is red: is it this merge? */
    "watch-confirmed", /* it is */
    "watch-flaky",     /* the merge passes after all */
    "watch-innocent",  /* the commit before it fails as well */
    "watch-unclear",   /* a look said nothing */
};
enum { BEGUN, PASSED, RED, CONFIRMED, FLAKY, INNOCENT, UNCLEAR };

const char *merged_kind(size_t index)
{
    return index < ARRAY_LEN(kinds) ? kinds[index] : NULL;
}

bool merged_is_look(enum effect_kind kind)
{
    return kind == EFFECT_WATCH || kind == EFFECT_CONFIRM;
}

struct view {
    struct workflow *workflow;
    const struct merged_input *input;
    struct wall now;
    struct merged_output *out;
    uint64_t asked; /* checks of the look that ended */
    bool has_moved; /* the base was another commit than the merge */
};

/* ---- what params say ---- */

static void read_params(struct view *view)
{
    struct err ignored = ERR_INIT;
    const char *text = view->input->effect->params;
    struct json *params = json_parse(text, strlen(text), &ignored);
    view->asked = strtoull(json_str(params, "watch_checks", "0"), NULL, 16);
    view->has_moved = json_bool(params, "watch_moved", false);
    json_free(params);
}

static void say_of(struct view *view, int kind, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void say_of(struct view *view, int kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vsnprintf(view->out->text, sizeof(view->out->text), format, args) < 0) {
        view->out->text[0] = '\0';
    }
    va_end(args);
    view->out->has_event = true;
    view->out->kind = kinds[kind];
}

static const char *summary(const struct view *view)
{
    const char *text = view->input->result->summary;
    return text != NULL ? text : "";
}

/* ---- asking ---- */

static void ask_look(struct view *view, enum effect_kind kind, int step, int attempt,
                     uint64_t checks)
{
    static const char *const names[] = {"confirm culprit", "confirm parent"};
    struct workflow_row *row = &view->workflow->row;
    const struct pipeline *pipeline = view->workflow->pipeline;
    struct merged_output *out = view->out;
    if (kind == EFFECT_CONFIRM) {
        (void)snprintf(out->params, sizeof(out->params),
                       "{\"watch_commit\":\"%.64s\",\"watch_parent\":%s,"
                       "\"watch_checks\":\"%llx\",\"watch_moved\":%s}",
                       row->merge_sha, step == PARENT ? "true" : "false",
                       (unsigned long long)checks, view->has_moved ? "true" : "false");
    } else {
        (void)snprintf(out->params, sizeof(out->params),
                       "{\"watch_checks\":\"%llx\",\"head_sha\":\"%.64s\"}",
                       (unsigned long long)checks, row->merge_sha);
    }
    out->has_effect = true;
    out->effect = (struct effect_row){
        .workflow = row->id,
        .seq = ++row->effect_seq,
        .kind = kind,
        .status = STATUS_PENDING,
        .step = step,
        .name = kind == EFFECT_WATCH ? "watch after merge" : names[step],
        .iteration = row->iteration,
        .attempt = attempt,
        .asked_at = view->now,
        .deadline_at = wall_add(view->now, pipeline->after.window),
        .params = out->params,
        .summary = "",
        .log = "",
        .provider = "",
        .exit_status = -1,
        .cpu_ms = -1,
        .peak_rss_kib = -1,
        .out_bytes = -1,
    };
}

static void wait_revert(struct view *view)
{
    struct workflow_row *row = &view->workflow->row;
    row->wait = WAIT_REVERT;
    workflow_set(&row->reason, view->out->text);
}

/* ---- what a look said ---- */

enum saying { SAYS_GREEN, SAYS_RED, SAYS_NOTHING };

static enum saying saying_of(const struct effect_result *result)
{
    switch (result->status) {
    case STATUS_PASSED:
    case STATUS_FLAKY:
        return SAYS_GREEN;
    case STATUS_FAILED:
        return result->blame == BLAME_CHANGE ? SAYS_RED : SAYS_NOTHING;
    default:
        return SAYS_NOTHING;
    }
}

/* What is red: as the look says, which of a forge says nothing of our steps. */
static uint64_t red_of(const struct view *view)
{
    uint64_t red = (uint64_t)view->input->result->red & view->asked;
    return red != 0 ? red : view->asked;
}

static void watch_begins(struct view *view)
{
    const struct pipeline *pipeline = view->workflow->pipeline;
    const struct after_merge *after = &pipeline->after;
    char names[CHECKS_TEXT_MAX], span[CLOCK_TEXT_MAX];
    ask_look(view, EFFECT_WATCH, 0, 1, after->checks);
    if (after->watch == WATCH_FORGE) {
        say_of(view, BEGUN,
               "merged; the forge's checks of %.10s are waited for, at most %s",
               view->workflow->row.merge_sha, span_format(after->window, span));
    } else {
        say_of(view, BEGUN, "merged; %s run once more, on %s",
               pipeline_check_names(pipeline, after->checks, names), pipeline->base);
    }
}

/* A look that said nothing: once more, unless that would be no use. */
static bool looks_again(struct view *view)
{
    const struct effect_row *effect = view->input->effect;
    const struct effect_result *result = view->input->result;
    if (effect->attempt >= LOOKS_MAX || result->status == STATUS_TIMED_OUT ||
        result->status == STATUS_CANCELLED || result->blame != BLAME_WORLD) {
        return false;
    }
    ask_look(view, effect->kind, effect->step, effect->attempt + 1, view->asked);
    say_of(view, UNCLEAR, "%s said nothing (%s); once more", effect->name, summary(view));
    return true;
}

static void watch_ended(struct view *view)
{
    const struct workflow *workflow = view->workflow;
    const struct pipeline *pipeline = workflow->pipeline;
    const struct effect_result *result = view->input->result;
    char names[CHECKS_TEXT_MAX];
    switch (saying_of(result)) {
    case SAYS_GREEN:
        say_of(view, PASSED, "%s is well after the merge: %s", pipeline->base,
               summary(view));
        return;
    case SAYS_NOTHING:
        if (!looks_again(view)) {
            say_of(view, UNCLEAR, "nobody knows whether %s is well after the merge: %s",
                   pipeline->base, summary(view));
        }
        return;
    case SAYS_RED:
        break;
    }
    view->has_moved = result->head_sha != NULL && result->head_sha[0] != '\0' &&
                      strcmp(result->head_sha, workflow->row.merge_sha) != 0;
    uint64_t red = red_of(view);
    if (red == 0) { /* of the forge, and there is no step that could confirm it */
        say_of(view, UNCLEAR,
               "the forge's checks of the merge are red, and validate has no step that "
               "could confirm it: %s",
               summary(view));
        if (pipeline->after.revert != REVERT_NEVER) {
            wait_revert(view);
        }
        return;
    }
    ask_look(view, EFFECT_CONFIRM, CULPRIT, 1, red);
    say_of(view, RED, "%s is red after the merge: %s; %s again, on the merge itself",
           pipeline->base, summary(view), pipeline_check_names(pipeline, red, names));
}

/* Something is red, and nobody can tell why. */
static void confirm_unclear(struct view *view)
{
    const struct pipeline *pipeline = view->workflow->pipeline;
    if (looks_again(view)) {
        return;
    }
    say_of(view, UNCLEAR, "%s is red after the merge, and %s said nothing: %s",
           pipeline->base, view->input->effect->name, summary(view));
    if (pipeline->after.revert != REVERT_NEVER) {
        wait_revert(view);
    }
}

static void culprit_ended(struct view *view)
{
    const struct pipeline *pipeline = view->workflow->pipeline;
    char names[CHECKS_TEXT_MAX];
    switch (saying_of(view->input->result)) {
    case SAYS_GREEN:
        (void)pipeline_check_names(pipeline, view->asked, names);
        if (view->has_moved) {
            say_of(
                view, FLAKY,
                "%s fails on %s and passes on this merge: it is flaky, or broken by what "
                "was merged later; nothing is done",
                names, pipeline->base);
        } else {
            say_of(
                view, FLAKY,
                "%s failed after the merge and passes on the same commit: flaky; nothing "
                "is done",
                names);
        }
        return;
    case SAYS_NOTHING:
        confirm_unclear(view);
        return;
    case SAYS_RED:
        break;
    }
    uint64_t red = red_of(view);
    ask_look(view, EFFECT_CONFIRM, PARENT, 1, red);
    say_of(view, RED, "%s fails on the merge again; now on the commit before it",
           pipeline_check_names(pipeline, red, names));
}

static void confirmed(struct view *view, uint64_t broken)
{
    struct merged_output *out = view->out;
    const struct pipeline *pipeline = view->workflow->pipeline;
    const char *objection = view->input->result->is_revert
                                ? "it is a revert itself" /* that would go on for ever */
                                : view->input->objection;
    char names[CHECKS_TEXT_MAX];
    (void)pipeline_check_names(pipeline, broken, names);
    out->is_confirmed = true;
    if (pipeline->after.revert == REVERT_AUTO && objection[0] == '\0') {
        out->reverts = true;
        (void)snprintf(out->reason, sizeof(out->reason), "it broke %s on %s", names,
                       pipeline->base);
        say_of(view, CONFIRMED, "the merge broke %s on %s; its parent passes; reverting",
               names, pipeline->base);
    } else if (pipeline->after.revert == REVERT_NEVER) {
        say_of(
            view, CONFIRMED,
            "the merge broke %s on %s; its parent passes; the pipeline reverts nothing",
            names, pipeline->base);
    } else {
        say_of(view, CONFIRMED,
               "the merge broke %s on %s; its parent passes; %s%sapprove to take it "
               "back, or "
               "reject",
               names, pipeline->base, objection, objection[0] != '\0' ? ": " : "");
        wait_revert(view);
    }
}

static void parent_ended(struct view *view)
{
    const struct pipeline *pipeline = view->workflow->pipeline;
    char names[CHECKS_TEXT_MAX];
    uint64_t broken = view->asked;
    switch (saying_of(view->input->result)) {
    case SAYS_NOTHING:
        confirm_unclear(view);
        return;
    case SAYS_RED:
        broken &= ~red_of(view);
        break;
    case SAYS_GREEN:
        break;
    }
    if (broken != 0) {
        confirmed(view, broken);
        return;
    }
    say_of(view, INNOCENT,
           "%s fails on the commit before the merge as well: not our change; nothing is "
           "done",
           pipeline_check_names(pipeline, view->asked, names));
}

/* ---- the door ---- */

static bool is_watched(const struct workflow *workflow)
{
    return workflow->row.state == STATE_COMPLETED && workflow->row.merge_sha[0] != '\0' &&
           workflow->pipeline->after.watch != WATCH_NONE;
}

bool merged_may_revert(const struct workflow *workflow, const struct merged_input *input)
{
    return is_watched(workflow) && workflow->pipeline->after.revert == REVERT_AUTO &&
           input->effect->kind == EFFECT_CONFIRM && input->effect->step == PARENT;
}

bool merged_step(struct workflow *workflow, const struct merged_input *input,
                 struct wall now, struct merged_output *out)
{
    *out = (struct merged_output){.kind = ""};
    struct view view = {.workflow = workflow, .input = input, .now = now, .out = out};
    if (!is_watched(workflow) || workflow->row.wait != WAIT_NONE) {
        return false; /* it was taken back, or an operator was asked, meanwhile */
    }
    read_params(&view);
    switch (input->effect->kind) {
    case EFFECT_CLEANUP:
        watch_begins(&view);
        return true;
    case EFFECT_WATCH:
        watch_ended(&view);
        return true;
    case EFFECT_CONFIRM:
        if (input->effect->step == CULPRIT) {
            culprit_ended(&view);
        } else {
            parent_ended(&view);
        }
        return true;
    default:
        return false;
    }
}

/* ---- an operator's word about it ---- */

void keep_merge(struct turn *turn)
{
    struct workflow_row *row = row_of(turn);
    row->wait = WAIT_NONE;
    say(turn, "the merge stays: %s%s%s", turn->input->actor,
        turn->input->reason != NULL ? ": " : "",
        turn->input->reason != NULL ? turn->input->reason : "");
    set_reason(turn, NULL);
}
