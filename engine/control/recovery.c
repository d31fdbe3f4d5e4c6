/* SPDX-License-Identifier: MIT */

/*
 * Recovery: where failures meet the control center. A step that fails gets a plan; what the machine
 * makes of it, and everything that happens later, settles it.
 */

#include "engine/control/recovery_private.h"

#include <math.h>
#include <string.h>

#include "engine/base/base64.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define SAVE_EVERY      span_s(60)
#define TICK_EVERY      span_s(30)
#define SAVED_MAX       (64u * 1024 * 1024)
#define PROBLEM_SETTING "recovery_problems"

static bool is_on(const struct control *control)
{
    return control->recovery != NULL;
}

/* ---- the list of workflows with open failures ---- */

static void link_troubled(struct control *control, struct live *live)
{
    bool is_troubled = live->troubles != NULL;
    if (is_troubled == live->is_troubled) {
        return;
    }
    live->is_troubled = is_troubled;
    if (is_troubled) {
        live->prev_troubled = NULL;
        live->next_troubled = control->troubled;
        if (control->troubled != NULL) {
            control->troubled->prev_troubled = live;
        }
        control->troubled = live;
        return;
    }
    if (live->next_troubled != NULL) {
        live->next_troubled->prev_troubled = live->prev_troubled;
    }
    if (live->prev_troubled != NULL) {
        live->prev_troubled->next_troubled = live->next_troubled;
    } else {
        control->troubled = live->next_troubled;
    }
    live->next_troubled = live->prev_troubled = NULL;
}

/* ---- a failure ---- */

static bool is_failure(enum machine_event event)
{
    return event == EV_CHANGE || event == EV_WORLD || event == EV_SETUP ||
           event == EV_OPERATOR || event == EV_DEADLINE;
}

static bool is_active(enum workflow_state state)
{
    return state >= STATE_PLANNING && state <= STATE_VALIDATING;
}

/* The step in hand has passed, and the next one is the merge: may it go on by itself? */
static bool asks_merge(struct control *control, struct live *live, struct wall now)
{
    const struct workflow_row *row = &live->workflow->row;
    struct stage_step next =
        stage_step(live->workflow->pipeline, row->state, row->step + 1);
    if (!is_active(row->state) || next.kind != EFFECT_MERGE ||
        !decision_merge_asks(control, live, now)) {
        return false;
    }
    control->recovery->plan = (struct machine_plan){
        .rung = RUNG_ESCALATE,
        .words = control->recovery->answer.reason,
        .advice = "",
    };
    return true;
}

const struct machine_plan *recovery_plan(struct control *control, struct live *live,
                                         const struct machine_input *input,
                                         struct wall now)
{
    static const struct machine_plan none = {
        .rung = RUNG_COUNT, .words = "", .advice = ""};
    const struct workflow_row *row = &live->workflow->row;
    if (!is_on(control)) {
        return NULL;
    }
    enum machine_event event =
        input->result != NULL ? machine_event_here(live->workflow, input->result, now)
                              : input->event;
    struct stage_step step = trouble_step(live->workflow);
    if (event == EV_PASSED && asks_merge(control, live, now)) {
        return &control->recovery->plan;
    }
    if (!is_failure(event) || !is_active(row->state) || row->wait != WAIT_NONE ||
        row->held == EV_CANCEL || step.kind == EFFECT_NONE ||
        (event == EV_DEADLINE && step.kind == EFFECT_MERGE)) {
        return NULL;
    }
    struct recovery *recovery = control->recovery;
    arena_reset(recovery->arena);
    recovery->now = now;
    recovery->plan = none;
    choice_make(control, live, input, now, &recovery->plan);
    link_troubled(control, live);
    return &recovery->plan;
}

/* ---- what became of it ---- */

static enum failure_status end_status(const struct trouble *trouble)
{
    return trouble->is_helped || trouble->row.status == FAILURE_ESCALATED
               ? FAILURE_HELPED
               : FAILURE_RECOVERED;
}

static void tell_end(struct control *control, const struct trouble *trouble,
                     enum failure_status status, struct wall now)
{
    control_tell(control, now, "failure-recovered", trouble->row.workflow,
                 "f-%lld %s: %s%s%s", (long long)trouble->row.id,
                 failure_status_word(status), trouble->step,
                 trouble->rung < RUNG_COUNT ? " passes after " : " passes",
                 trouble->rung < RUNG_COUNT ? rung_strategy(trouble->rung) : "");
}

static void settle_passed(struct control *control, struct live *live,
                          struct trouble *trouble, struct wall now)
{
    enum failure_status status = end_status(trouble);
    tell_end(control, trouble, status, now);
    trouble_settle(control, live, trouble, status, "the step passes", now);
}

/* Who waits for others of a problem goes on, a few more each time that one of them passes. */
static void let_go(struct control *control, const int64_t *ids, size_t n, struct wall now)
{
    struct live *next;
    int n_left = STORM_TRIES * 2;
    for (struct live *live = control->troubled; live != NULL && n_left > 0; live = next) {
        next = live->next_troubled;
        for (struct trouble *t = live->troubles; t != NULL; t = t->next) {
            bool is_one = false;
            for (size_t i = 0; i < n; i++) {
                is_one = is_one || ids[i] == t->row.problem;
            }
            if (is_one && t->rung == RUNG_WAIT &&
                live->workflow->row.wait == WAIT_RETRY) {
                live->wakes_at = now;
                control->recovery->wake_at = now;
                n_left--;
                break;
            }
        }
    }
}

static void count_passed(struct control *control, const struct live *live,
                         const struct effect_result *result, struct stage_step which,
                         struct wall now)
{
    const char *step = which.name, *repo = live->workflow->row.repo;
    char name[GRAPH_NAME];
    int64_t ids[8];
    const char *provider = result->provider != NULL ? result->provider : "";
    remedy_count(control, live->workflow, provider, true, now);
    (void)snprintf(name, sizeof(name), "step:%.80s", step);
    size_t n =
        problem_passed(control->recovery->problems, name, now, ids, ARRAY_LEN(ids));
    let_go(control, ids, n, now);
    if (provider[0] != '\0' && strcmp(provider, SERVICE_LOCAL) != 0) {
        (void)snprintf(name, sizeof(name), "service:%.80s", provider);
        n = problem_passed(control->recovery->problems, name, now, ids, ARRAY_LEN(ids));
        let_go(control, ids, n, now);
    }
    /* Only what the base branch can break says that it is whole. */
    if (which.kind == EFFECT_SETUP || which.kind == EFFECT_CHECK ||
        which.kind == EFFECT_EVALUATE || which.kind == EFFECT_FORGE_CHECKS) {
        passes_note(control->recovery, step, repo, now);
        (void)snprintf(name, sizeof(name), "repo:%.80s", repo);
        n = problem_passed(control->recovery->problems, name, now, ids, ARRAY_LEN(ids));
        let_go(control, ids, n, now);
    }
}

static void step_passed(struct control *control, struct live *live,
                        enum workflow_state state, struct stage_step step,
                        const struct effect_result *result, struct wall now)
{
    struct trouble *trouble = trouble_find(live, state, step.name);
    count_passed(control, live, result, step, now);
    if (trouble != NULL) {
        settle_passed(control, live, trouble, now);
    }
}

/* ---- before the outcome is stored ---- */

static void mark_flaky(const struct live *live, struct stage_step step,
                       struct effect_result *result)
{
    const struct workflow_row *row = &live->workflow->row;
    struct trouble *trouble = trouble_find(live, row->state, step.name);
    if (result->status == STATUS_PASSED && trouble != NULL &&
        (step.kind == EFFECT_CHECK || step.kind == EFFECT_EVALUATE) &&
        strcmp(trouble->failed_head, row->head_sha) == 0) {
        result->status = STATUS_FLAKY;
        trouble->row.is_flaky = true;
    }
}

void recovery_mark(struct control *control, struct live *live,
                   struct effect_result *result, struct wall now)
{
    const struct workflow_row *row = &live->workflow->row;
    int at = 0; /* part that the result speaks of */
    if (!is_on(control)) {
        return;
    }
    mark_flaky(live, trouble_step(live->workflow), result);
    while ((size_t)at < result->n_parts &&
           result->parts[at]->seq != effect_result_of(result)) {
        at++;
    }
    control->recovery->now = now;
    for (int i = 0; (size_t)i < result->n_parts && is_active(row->state); i++) {
        struct effect_result *part = result->parts[i];
        struct stage_step step =
            stage_step(live->workflow->pipeline, row->state, row->step + i - at);
        mark_flaky(live, step, part);
        if (i != at && event_of_result(part) == EV_PASSED &&
            part->status != STATUS_SKIPPED) {
            step_passed(control, live, row->state, step, part, now);
        }
    }
    link_troubled(control, live);
}

/* Is it a person who puts something right? A pause and its end are not. */
static bool helps(const struct workflow_row *before, const struct machine_input *input)
{
    if (strcmp(input->actor, "engine") == 0) {
        return false;
    }
    return input->event == EV_RETRY || input->event == EV_SKIP ||
           (input->event == EV_RESUME && before->state != STATE_PARKED);
}

/* An operator took it in hand: what the engine had begun is over, and what he does is a label. */
static void take_over(struct control *control, struct trouble *trouble,
                      const struct machine_input *input, struct wall now)
{
    enum rung rung =
        input->event == EV_RETRY
            ? input->checkpoint == STATE_PLANNING ? RUNG_HAND_BACK : RUNG_CHECKPOINT
        : input->event == EV_RESUME ? RUNG_RETRY
                                    : RUNG_COUNT;
    char outcome[120];
    trouble->is_helped = true;
    if (rung == RUNG_COUNT) {
        return;
    }
    (void)snprintf(outcome, sizeof(outcome), "%.60s took over: %s", input->actor,
                   event_name(input->event));
    trouble_end_rung(control, trouble, RECOVERY_OBSOLETE, (double)NAN, outcome, now);
    trouble->rung = rung;
    trouble->decider = DECIDER_OPERATOR;
    trouble->began_at = now;
    trouble->window_end.ms = 0;
    trouble->row.n_rungs++;
    const struct recovery_row row = {.failure = trouble->row.id,
                                     .problem = trouble->row.problem,
                                     .workflow = trouble->row.workflow,
                                     .service = "",
                                     .rung = rung,
                                     .number = trouble->row.n_rungs,
                                     .status = RECOVERY_RUNNING,
                                     .decider = DECIDER_OPERATOR,
                                     .odds = (double)NAN,
                                     .odds_low = (double)NAN,
                                     .odds_high = (double)NAN,
                                     .reason = outcome,
                                     .expected = ladder_expected(rung),
                                     .inverse = "",
                                     .outcome = "",
                                     .asked_at = now,
                                     .started_at = now,
                                     .cost_s = (double)NAN};
    trouble->recovery = store_put_recovery(control->store, &row);
    audit_recovery(control, trouble->recovery, &row, now);
    trouble_put(control, trouble);
}

static void settle_all(struct control *control, struct live *live, struct wall now)
{
    enum workflow_state state = live->workflow->row.state;
    struct trouble *next;
    for (struct trouble *t = live->troubles; t != NULL; t = next) {
        next = t->next;
        if (state == STATE_COMPLETED) {
            settle_passed(control, live, t, now);
        } else if (state == STATE_CANCELLED || state == STATE_ROLLED_BACK) {
            trouble_settle(control, live, t, FAILURE_LOST, "the workflow was cancelled",
                           now);
        } else if (state == STATE_FAILED && t->row.status != FAILURE_ESCALATED) {
            trouble_end_rung(control, t, RECOVERY_FAILED, 0, "the workflow failed", now);
            t->row.status = FAILURE_ESCALATED; /* a person may retry it */
            trouble_put(control, t);
        }
    }
}

void recovery_follow(struct control *control, struct live *live,
                     const struct workflow_row *before, const struct machine_input *input,
                     struct wall now)
{
    const struct workflow_row *row = &live->workflow->row;
    if (!is_on(control)) {
        return;
    }
    control->recovery->now = now;
    bool is_new_state = before->state != row->state;
    asked_follow(control, live, before, input, now);
    live->is_goal_gone = live->is_goal_gone && input->event != EV_RETRY; /* who knows */
    if (input->result != NULL && is_active(before->state) &&
        event_of_result(input->result) == EV_PASSED) {
        step_passed(control, live, before->state,
                    stage_step(live->workflow->pipeline, before->state, before->step),
                    input->result, now);
    }
    if (helps(before, input)) {
        for (struct trouble *t = live->troubles; t != NULL; t = t->next) {
            take_over(control, t, input, now);
        }
    }
    if (is_new_state && row->state == STATE_COMPLETED && row->merge_sha[0] != '\0') {
        decision_merged(control, live, true, "merged", now);
    } else if (is_new_state && row->state == STATE_ROLLED_BACK) {
        decision_merged(control, live, false, "taken back", now);
    } else if (is_new_state && row->state == STATE_CANCELLED) {
        decision_forget(control, &live->merge_decision, "the workflow was cancelled",
                        now);
        decision_forget(control, &live->provider_decision, "the workflow was cancelled",
                        now);
    }
    if (is_new_state && (state_is_final(row->state) || row->state == STATE_FAILED)) {
        settle_all(control, live, now);
    }
    link_troubled(control, live);
}

void recovery_forget(struct control *control, struct live *live)
{
    if (!is_on(control)) {
        return;
    }
    struct trouble *troubles = live->troubles;
    live->troubles = NULL;
    link_troubled(control, live);
    if (troubles != NULL) {
        idmap_put(&control->recovery->kept, live->workflow->row.id, troubles);
    }
}

void recovery_remember(struct control *control, struct live *live)
{
    if (is_on(control)) {
        live->troubles = idmap_take(&control->recovery->kept, live->workflow->row.id);
        link_troubled(control, live);
    }
}

void recovery_anomaly(struct control *control, const struct anomaly_row *row)
{
    cause_anomaly(control, row);
}

/* ---- time ---- */

static void end_window(struct control *control, struct trouble *trouble, struct wall now)
{
    control_tell(control, now, "recovery-inconclusive", trouble->row.workflow,
                 "f-%lld: %s of %s had no verdict in its window; look at it",
                 (long long)trouble->row.id, rung_strategy(trouble->rung), trouble->step);
    trouble_end_rung(control, trouble, RECOVERY_INCONCLUSIVE, (double)NAN,
                     "no verdict within its window", now);
    trouble->row.status = FAILURE_ESCALATED;
    trouble_put(control, trouble);
}

/* Nothing is judged while an operator or a service holds the workflow. */
static bool stands(const struct live *live)
{
    const struct workflow_row *row = &live->workflow->row;
    return row->state == STATE_PARKED || wait_needs_human(row->wait) ||
           row->wait == WAIT_SLOT;
}

static void run_windows(struct control *control, struct wall now)
{
    struct live *next;
    for (struct live *live = control->troubled; live != NULL; live = next) {
        next = live->next_troubled;
        for (struct trouble *t = live->troubles; t != NULL; t = t->next) {
            bool is_over = t->recovery != 0 && wall_is_set(t->window_end) &&
                           t->window_end.ms <= now.ms && t->rung != RUNG_ESCALATE;
            if (is_over && stands(live)) {
                t->window_end = wall_add(now, span_s(600));
            } else if (is_over) {
                end_window(control, t, now);
            }
        }
    }
}

static void run_wakes(struct control *control, struct wall now)
{
    struct live *next;
    for (struct live *live = control->troubled; live != NULL; live = next) {
        next = live->next_troubled;
        if (wall_is_set(live->wakes_at) && live->wakes_at.ms <= now.ms) {
            struct machine_input input = {.event = EV_TIMER, .actor = "engine"};
            live->wakes_at.ms = 0;
            if (live->workflow->row.wait == WAIT_RETRY) {
                (void)control_step(control, live, &input, now);
            }
        }
    }
}

void recovery_tick(struct control *control, struct wall now)
{
    struct recovery *recovery = control->recovery;
    if (recovery == NULL) {
        return;
    }
    if (wall_is_set(recovery->wake_at) && recovery->wake_at.ms <= now.ms) {
        recovery->wake_at.ms = 0;
        run_wakes(control, now);
    }
    if (recovery->tick_at.ms <= now.ms) {
        recovery->tick_at = wall_add(now, TICK_EVERY);
        arena_reset(recovery->arena);
        run_windows(control, now);
        remedy_tick(control, now);
    }
}

static void sooner(struct wall *at, struct wall other)
{
    if (wall_is_set(other) && (!wall_is_set(*at) || other.ms < at->ms)) {
        *at = other;
    }
}

struct wall recovery_wake_at(const struct control *control)
{
    const struct recovery *recovery = control->recovery;
    struct wall at = {0};
    if (recovery == NULL) {
        return at;
    }
    at = recovery->wake_at;
    if (control->troubled != NULL || recovery->n_remedies > 0) {
        sooner(&at, recovery->tick_at);
    }
    struct wall closes = problem_wake_at(recovery->problems);
    if (wall_is_set(closes)) {
        sooner(&at, closes.ms > recovery->tick_at.ms ? closes : recovery->tick_at);
    }
    return at;
}

/* ---- saving ---- */

static void put_blob(struct control *control, const char *key, const void *data,
                     size_t len)
{
    AUTO_BUF struct buf text;
    buf_init(&text, SAVED_MAX);
    if (base64_encode(&text, data, len)) {
        store_put_setting(control->store, key, text.data);
    }
}

static void save(struct control *control)
{
    const struct recovery *recovery = control->recovery;
    AUTO_BUF struct buf problems;
    AUTO_BUF struct buf decisions;
    size_t len;
    AUTO_FREE char *templates = template_book_save(recovery->templates, &len);
    put_blob(control, LADDER_SETTING, templates, len);
    buf_init(&problems, SAVED_MAX);
    problem_save(recovery->problems, &problems);
    put_blob(control, PROBLEM_SETTING, problems.data, problems.len);
    buf_init(&decisions, SAVED_MAX);
    decide_save(recovery->decide, &decisions);
    put_blob(control, DECISION_SETTING, decisions.data, decisions.len);
}

/* Rows of odds go with each commit; the books, which are large and can be made again, once a
 * minute while something happens. */
void recovery_put(struct control *control)
{
    struct recovery *recovery = control->recovery;
    const struct odds_row *rows;
    if (recovery == NULL || !recovery->is_dirty) {
        return;
    }
    arena_reset(recovery->arena);
    size_t n = decide_changed(recovery->decide, recovery->arena, &rows);
    for (size_t i = 0; i < n; i++) {
        store_put_odds(control->store, &rows[i]);
    }
    if (recovery->now.ms - recovery->saved_at.ms >= SAVE_EVERY.ms) {
        save(control);
        recovery->saved_at = recovery->now;
    }
    recovery->is_dirty = false;
}

/* ---- start ---- */

struct recovery *recovery_new(const struct control *control)
{
    struct recovery *recovery = mem_alloc(sizeof(*recovery));
    recovery->classifier = classifier_new(control->options.recovery.patterns);
    recovery->templates = classifier_book(recovery->classifier);
    recovery->graph = graph_new();
    recovery->problems = problem_book_new();
    recovery->decide = decide_new(&control->options.recovery.decide);
    recovery->arena = arena_new();
    return recovery;
}

static void free_troubles(struct trouble *trouble)
{
    while (trouble != NULL) {
        struct trouble *next = trouble->next;
        trouble_free(trouble);
        trouble = next;
    }
}

void recovery_free(struct control *control)
{
    struct recovery *recovery = control->recovery;
    size_t iter = 0;
    void *item;
    if (recovery == NULL) {
        return;
    }
    while ((item = idmap_next(&recovery->kept, &iter)) != NULL) {
        free_troubles(item);
    }
    idmap_fini(&recovery->kept);
    classifier_free(recovery->classifier);
    graph_free(recovery->graph);
    problem_book_free(recovery->problems);
    decide_free(recovery->decide);
    arena_free(recovery->arena);
    free(recovery);
    control->recovery = NULL;
}

struct recovery_loading {
    struct control *control;
    struct wall now;
};

static void on_failure(void *user, const struct failure_row *row)
{
    struct recovery_loading *loading = user;
    struct control *control = loading->control;
    struct live *live = idmap_get(&control->live, row->workflow);
    struct live other = {0}; /* of a workflow that is not in memory */
    if (live == NULL) {
        other.troubles = idmap_take(&control->recovery->kept, row->workflow);
    }
    struct trouble *trouble = trouble_add(control, live != NULL ? live : &other);
    trouble->row = *row;
    trouble_set(&trouble->step, &trouble->row.step, row->step);
    trouble_set(&trouble->repo, &trouble->row.repo, row->repo);
    trouble_set(&trouble->provider, &trouble->row.provider, row->provider);
    trouble_set(&trouble->text, &trouble->row.text, row->text);
    trouble_set(&trouble->rule, &trouble->row.rule, row->rule);
    trouble_set(&trouble->cause, &trouble->row.cause, row->cause);
    trouble_set(&trouble->detail, &trouble->row.detail, row->detail);
    trouble_set(&trouble->labelled_by, &trouble->row.labelled_by, row->labelled_by);
    text_restore_ladder(trouble, row->detail);
    if (live == NULL) {
        idmap_put(&control->recovery->kept, row->workflow, other.troubles);
    } else {
        link_troubled(control, live);
    }
}

static struct trouble *trouble_of(const struct control *control,
                                  const struct recovery_row *row)
{
    const struct live *live = idmap_get(&control->live, row->workflow);
    struct trouble *t = live != NULL ? live->troubles
                                     : idmap_get(&control->recovery->kept, row->workflow);
    while (t != NULL && t->row.id != row->failure) {
        t = t->next;
    }
    return t;
}

static void on_recovery(void *user, const struct recovery_row *row)
{
    struct recovery_loading *loading = user;
    struct control *control = loading->control;
    if (row->failure == 0) {
        remedy_restore(control, row);
        return;
    }
    struct trouble *trouble = trouble_of(control, row);
    bool is_asked = row->status == RECOVERY_ASKED;
    if (trouble == NULL || (!is_asked && row->status != RECOVERY_RUNNING)) {
        return;
    }
    trouble->recovery = row->id;
    trouble->decision = row->decision;
    trouble->rung = row->rung;
    trouble->is_asked = is_asked;
    trouble->began_at = is_asked ? row->asked_at : row->started_at;
    trouble->window_end = row->window_end;
    trouble->decider = row->decider;
    trouble->is_helped = row->decider == DECIDER_OPERATOR ||
                         row->started_at.ms > row->asked_at.ms; /* it was approved */
    struct err err = ERR_INIT;
    struct decision_row decision;
    struct arena *arena = arena_new();
    if (store_load_decision(control->store, arena, row->decision, &decision, &err) ==
        FOUND) {
        text_restore(&trouble->question, decision.context);
        trouble->question.kind = decision.kind;
    }
    arena_free(arena);
}

static void on_odds(void *user, const struct odds_row *row)
{
    struct recovery_loading *loading = user;
    decide_restore(loading->control->recovery->decide, row);
}

static void on_label(void *user, const struct label_row *row)
{
    struct recovery_loading *loading = user;
    classifier_label(loading->control->recovery->classifier, row->fingerprint,
                     row->class_, row->text, strlen(row->text));
}

static void on_decision(void *user, const struct decision_row *row)
{
    struct recovery_loading *loading = user;
    decision_restore(loading->control, row, loading->now);
}

static bool get_blob(struct control *control, const char *key, struct buf *out,
                     struct err *err)
{
    struct arena *arena = arena_new();
    const char *text = "";
    bool is_good = store_load_setting(control->store, arena, key, &text, err);
    buf_init(out, SAVED_MAX);
    if (is_good && !base64_decode(out, text, strlen(text))) {
        buf_clear(out);
    }
    arena_free(arena);
    return is_good;
}

/* A book that cannot be read is of another version: it begins anew. */
static void tell_unread(const char *what)
{
    log_line(LOG_WARN, "recovery", "saved state is not readable, it begins anew",
             LOG_FIELDS(LOG_TEXT("what", what)));
}

static bool load_books(struct control *control, struct err *err)
{
    struct recovery *recovery = control->recovery;
    AUTO_BUF struct buf templates;
    AUTO_BUF struct buf problems;
    AUTO_BUF struct buf decisions;
    buf_init(&problems, 1);
    buf_init(&decisions, 1);
    if (!get_blob(control, LADDER_SETTING, &templates, err) ||
        !get_blob(control, PROBLEM_SETTING, &problems, err) ||
        !get_blob(control, DECISION_SETTING, &decisions, err)) {
        return false;
    }
    if (templates.len > 0 &&
        !template_book_load(recovery->templates, templates.data, templates.len)) {
        tell_unread("templates");
    }
    if (problems.len > 0 &&
        !problem_load(recovery->problems, problems.data, problems.len)) {
        tell_unread("problems");
    }
    if (decisions.len > 0 &&
        !decide_load(recovery->decide, decisions.data, decisions.len)) {
        tell_unread("decisions");
    }
    return true;
}

bool recovery_load(struct control *control, struct wall now, struct err *err)
{
    struct recovery_loading loading = {control, now};
    const struct recovery_sink sink = {.user = &loading,
                                       .failure = on_failure,
                                       .recovery = on_recovery,
                                       .odds = on_odds,
                                       .label = on_label,
                                       .decision = on_decision};
    if (!is_on(control)) {
        return true;
    }
    control->recovery->tick_at = now;
    control->recovery->now = now;
    return load_books(control, err) && store_load_recoveries(control->store, &sink, err);
}
