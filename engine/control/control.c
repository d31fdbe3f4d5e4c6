/* SPDX-License-Identifier: MIT */
#include "engine/control/control.h"

#include <stdarg.h>

#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/approval.h"
#include "engine/control/control_private.h"
#include "engine/control/guarding.h"
#include "engine/control/optimization.h"
#include "engine/control/tuning.h"
#include "engine/workflow/merged.h"

#define PRUNE_EVERY      span_s(3600)
#define PRUNE_MAX        500
#define PRUNE_DELIVERIES 5000
#define PRUNE_FINDINGS   5000

struct control *control_new(const struct control_options *options, struct store *store)
{
    struct control *control = mem_alloc(sizeof(*control));
    control->options = *options;
    control->store = store;
    control->queue = queue_new();
    control->out = mem_alloc(sizeof(*control->out));
    control->trace_arena = arena_new();
    control->proactive = proactive_new();
    tuning_init(control);
    approval_init(control);
    guarding_init(control);
    optimization_init(control);
    ramp_init(control);
    rng_init(&control->rng, options->seed);
    control->recovery = options->recovery.is_on ? recovery_new(control) : NULL;
    return control;
}

static void live_free(struct live *live)
{
    while (live->pending != NULL) {
        struct pending *next = live->pending->next;
        pending_free(live->pending);
        live->pending = next;
    }
    workflow_free(live->workflow);
    free(live);
}

void control_free(struct control *control)
{
    if (control == NULL) {
        return;
    }
    size_t iter = 0;
    void *item;
    while ((item = idmap_next(&control->live, &iter)) != NULL) {
        recovery_forget(control, item);
        live_free(item);
    }
    iter = 0;
    while ((item = idmap_next(&control->pipelines, &iter)) != NULL) {
        pipeline_free(item);
    }
    idmap_fini(&control->live);
    idmap_fini(&control->pipelines);
    heap_fini(&control->timers);
    heap_fini(&control->again);
    heap_fini(&control->looks);
    ramp_fini(control);
    place_fini(control);
    intake_fini(control);
    halt_fini(control);
    tuning_fini(control);
    optimization_fini(control);
    guarding_fini(control);
    recovery_free(control);
    approval_fini(control);
    proactive_free(control->proactive);
    queue_free(control->queue);
    arena_free(control->trace_arena);
    free(control->releases);
    free(control->out);
    free(control);
}

/* ---- workflows in memory --------------------------------------------------------------
 */

const struct pipeline *control_pipeline(struct control *control, int64_t id,
                                        struct err *err)
{
    struct pipeline *pipeline = idmap_get(&control->pipelines, id);
    if (pipeline != NULL) {
        return pipeline;
    }
    struct arena *arena = arena_new();
    const char *name = "", *text = "";
    size_t len = 0;
    enum found found =
        store_load_pipeline(control->store, arena, id, &name, &text, &len, err);
    if (found == FOUND) {
        struct findings findings;
        findings_init(&findings);
        pipeline = pipeline_parse(name, text, len, &findings);
        if (pipeline == NULL) {
            (void)err_set(err, ERR_CORRUPT, "stored pipeline %lld does not parse: %s",
                          (long long)id, findings.n > 0 ? findings.rows[0].text : "");
        } else {
            idmap_put(&control->pipelines, id, pipeline);
        }
        findings_fini(&findings);
    } else if (found == MISSING) {
        (void)err_set(err, ERR_CORRUPT, "pipeline %lld is missing", (long long)id);
    }
    arena_free(arena);
    return pipeline;
}

struct live *control_add(struct control *control, const struct workflow_row *row,
                         const struct pipeline *pipeline)
{
    struct live *live = mem_alloc(sizeof(*live));
    live->workflow = workflow_new(row, pipeline);
    live->queued.repo = queue_repo(control->queue, row->repo);
    live->queued.priority = row->priority;
    idmap_put(&control->live, row->id, live);
    return live;
}

struct live *control_find(struct control *control, int64_t id, struct err *err)
{
    struct live *live = idmap_get(&control->live, id);
    if (live != NULL) {
        return live;
    }
    struct arena *arena = arena_new();
    struct workflow_row row;
    enum found found = id > 0 && id <= control->last_workflow
                           ? store_load_workflow(control->store, arena, id, &row, err)
                           : MISSING;
    if (found == FOUND) {
        const struct pipeline *pipeline = control_pipeline(control, row.pipeline_id, err);
        live = pipeline != NULL ? control_add(control, &row, pipeline) : NULL;
        if (live != NULL) {
            recovery_remember(control, live);
        }
    } else if (found == MISSING) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no workflow wf-%lld", (long long)id);
    }
    arena_free(arena);
    return live;
}

void control_forget(struct control *control, struct live *live)
{
    const struct workflow_row *row = &live->workflow->row;
    if (state_is_final(row->state) && live->pending == NULL) {
        heap_remove(&control->ramp, &live->ramp);
        recovery_forget(control, live);
        if (live->has_ended) {
            optimization_ended(control, row->id);
        }
        (void)idmap_take(&control->live, row->id);
        live_free(live);
    }
}

static void count(struct control *control, const struct workflow_row *row, int by)
{
    control->totals.by_state[row->state] += by;
    control->totals.by_wait[row->wait] += by;
    control->has_new_totals = true;
}

static void count_hour(struct control *control, const struct workflow_row *before,
                       const struct workflow_row *row, struct wall now)
{
    bool is_new = before->id == 0;
    if (!is_new && before->state == row->state) {
        return;
    }
    int64_t hour = now.ms / 3600000;
    if (control->hour.hour != hour) {
        if (control->has_new_hour) {
            store_put_hour(control->store, &control->hour);
        }
        struct err err;
        if (!store_load_hour(control->store, hour, &control->hour, &err)) {
            control->hour = (struct hour_row){0};
        }
        control->hour.hour = hour;
    }
    control->hour.submitted += is_new;
    control->hour.failed += row->state == STATE_FAILED;
    control->hour.cancelled += row->state == STATE_CANCELLED;
    if (row->state == STATE_COMPLETED && before->state != STATE_RECOVERING) {
        control->hour.completed++;
        control->hour.duration_ms += row->finished_at.ms - row->created_at.ms;
    }
    control->has_new_hour = true;
}

static void set_slot(struct control *control, struct live *live)
{
    bool holds = machine_holds_slot(live->workflow);
    if (holds != live->has_slot) {
        live->has_slot = holds;
        control->n_running += holds ? 1 : -1;
        queue_count_running(live->queued.repo, holds ? 1 : -1);
    }
    if (live->workflow->row.wait == WAIT_SLOT) {
        if (live->queued.node.place == 0) {
            queue_add(control->queue, &live->queued, live->workflow->row.id);
        }
    } else {
        queue_remove(control->queue, &live->queued);
    }
}

static void set_timer(struct control *control, struct live *live)
{
    struct wall at = machine_wake_at(live->workflow, &live->timer_event);
    if (wall_is_set(at)) {
        heap_put(&control->timers, &live->timer, at.ms, live->workflow->row.id);
    } else {
        heap_remove(&control->timers, &live->timer);
    }
}

void control_settle(struct control *control, struct live *live,
                    const struct workflow_row *before, struct wall now)
{
    const struct workflow_row *row = &live->workflow->row;
    if (before->id != 0) {
        count(control, before, -1);
    }
    count(control, row, 1);
    count_hour(control, before, row, now);
    set_slot(control, live);
    set_timer(control, live);
    ramp_settle(control, live, before, now);
    live->has_ended = live->has_ended || (before->id != 0 && state_is_final(row->state) &&
                                          !state_is_final(before->state));
    place_settle(control, live);
    store_put_workflow(control->store, row);
    approval_follow(control, live, now);
}

void control_note(struct control *control, const struct event_row *event)
{
    control->totals.last_event = store_add_event(control->store, event);
}

void control_tell(struct control *control, struct wall now, const char *kind,
                  int64_t workflow, const char *format, ...)
{
    char text[400], clean[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct event_row event = {.at = now,
                              .workflow = workflow,
                              .kind = kind,
                              .actor = "engine",
                              .text = text_clean_into(clean, sizeof(clean), text)};
    const struct live *live =
        workflow > 0 ? idmap_get(&control->live, workflow) : NULL; /* 0 is no key */
    if (live != NULL) {
        const struct workflow_row *row = &live->workflow->row;
        event.from = event.to = row->state;
        event.wait = row->wait;
        event.iteration = row->iteration;
        event.attempt = row->attempt;
    }
    control_note(control, &event);
}

enum machine_verdict control_step(struct control *control, struct live *live,
                                  const struct machine_input *input, struct wall now)
{
    struct workflow_row *row = &live->workflow->row;
    struct machine_output *out = control->out;
    struct trace_before before;
    char spent[BUDGET_LINE_MAX];
    struct machine_input with = *input;
    with.asks_retry = control_level(control, ACT_RETRY, row->repo, now) < LEVEL_AUTO;
    with.asks_rework = control_level(control, ACT_REWORK, row->repo, now) < LEVEL_AUTO;
    with.asks_plan = control_level(control, ACT_PLAN, row->repo, now) < LEVEL_AUTO;
    with.asks_merge = live->workflow->pipeline->merge_mode == MERGE_AUTO &&
                      control_level(control, ACT_MERGE, row->repo, now) < LEVEL_AUTO;
    budget_look(control, live, &with, spent, now);
    trace_begin(&before, row);
    enum machine_verdict verdict = machine_step(
        live->workflow, &with, &control->options.limits, now, &control->rng, out);
    if (verdict != MACHINE_DONE) {
        control->stats.n_refused += verdict == MACHINE_REFUSED;
        control->stats.n_ignored += verdict == MACHINE_IGNORED;
        trace_end(&before);
        return verdict;
    }
    for (int i = 0; i < out->n_events; i++) {
        control->totals.last_event = store_add_event(control->store, &out->events[i]);
    }
    if (out->has_errors) {
        store_append_doc(control->store, row->id, DOC_ERRORS, out->errors,
                         strlen(out->errors));
    }
    if (out->is_stopped) {
        outbox_stop(control, live, &before.row, out->stop_effect, out->stop_status, now);
    }
    budget_count(control, live, now);
    for (int i = 0; i < out->n_effects; i++) {
        store_put_effect(control->store, &out->effects[i]);
        (void)pending_add(live, &out->effects[i]);
        audit_effect(control, &out->effects[i], now);
        if (effect_with(&out->effects[i]) != 0) {
            continue; /* another one is performed for it */
        }
        outbox_add(control, false, out->effects[i].workflow, out->effects[i].seq);
        decision_provider(control, live, &out->effects[i], now);
        if (out->effects[i].kind == EFFECT_MERGE && input->event == EV_PASSED) {
            autonomy_done(control, ACT_MERGE, row->repo);
        }
    }
    if (out->n_effects > 0 && out->effects[0].kind == EFFECT_REVERT) {
        merged_stop(control, live, now);
    }
    merged_settle(control, &before.row, row, now);
    trace_change(control, &before, row);
    control_settle(control, live, &before.row, now);
    recovery_follow(control, live, &before.row, input, now);
    trace_end(&before);
    return verdict;
}

/* ---- inputs
 * ----------------------------------------------------------------------------- */

/* The outcome of CLOSE or CLEANUP: nobody waits for it, but what it found counts. */
static void note_beside(struct control *control, struct live *live,
                        const struct effect_result *result, struct wall now)
{
    struct workflow_row *row = &live->workflow->row;
    if (result->merge_sha == NULL || row->merge_sha[0] != '\0') {
        return;
    }
    workflow_set(&row->merge_sha, result->merge_sha);
    control_note(control, &(struct event_row){.at = now,
                                              .workflow = row->id,
                                              .kind = "merged-before",
                                              .actor = "engine",
                                              .from = row->state,
                                              .to = row->state,
                                              .wait = row->wait,
                                              .iteration = row->iteration,
                                              .attempt = row->attempt,
                                              .effect = result->seq,
                                              .ended = result->seq,
                                              .text = "the merge had happened already"});
    store_put_workflow(control->store, row);
}

/* The row of the effect; of checks side by side, that of each. */
static void put_outcomes(struct control *control, struct live *live,
                         const struct pending *pending,
                         const struct effect_result *result, struct wall now)
{
    const struct workflow_row *row = &live->workflow->row;
    if (!effect_is_beside(&pending->row)) {
        outbox_put_outcome(control, row, pending->row, result, now);
        return;
    }
    struct effect_result part;
    struct pending *other;
    while ((other = beside_take(control, live, pending)) != NULL) {
        part = beside_part(result, other->row.seq);
        outbox_put_outcome(control, row, other->row, &part, now);
        pending_free(other);
    }
    part = beside_part(result, pending->row.seq);
    outbox_put_outcome(control, row, pending->row, &part, now);
}

void control_result(struct control *control, struct effect_result *result,
                    struct wall now)
{
    control->stats.n_results++;
    struct live *live = idmap_get(&control->live, result->workflow);
    if (live == NULL || pending_find(live, result->seq) == NULL) {
        control->stats.n_ignored++;
        effect_result_free(result);
        return;
    }
    if (halt_defers(control, result)) {
        return;
    }
    const struct workflow_row *row = &live->workflow->row;
    bool is_awaited = row->is_active && row->effect_seq == result->seq;
    enum machine_event event = event_of_result(result);
    if (!is_awaited && event == EV_SERVICE) {
        outbox_defer(control, live, result->seq, result, now);
        effect_result_free(result);
        return;
    }
    struct pending *pending = pending_take(control, live, result->seq);
    if (is_awaited) {
        machine_arrive(live->workflow, result);
        recovery_mark(control, live, result, now);
    }
    put_outcomes(control, live, pending, result, now);
    outbox_put_docs(control, result);
    budget_ended(control, row, &pending->row, result, now);
    merged_over(control, pending, now);
    if (is_awaited) {
        struct machine_input input = {
            .event = event, .actor = "engine", .result = result};
        live->n_deferrals = input.event == EV_SERVICE ? live->n_deferrals : 0;
        decision_performed(control, live, &pending->row, result, now);
        input.plan = recovery_plan(control, live, &input, now);
        admission_result(control, live, result);
        (void)control_step(control, live, &input, now);
    } else {
        note_beside(control, live, result, now);
        merged_result(control, live, &pending->row, result, now);
        restart_result(control, row, &pending->row, result, now);
        scale_result(control, row, &pending->row, result, now);
    }
    pending_free(pending);
    effect_result_free(result);
    control_forget(control, live);
}

static void run_timers(struct control *control, struct wall now)
{
    struct heap_node *first;
    while ((first = heap_first(&control->timers)) != NULL && first->key <= now.ms) {
        struct live *live = HEAP_ITEM(first, struct live, timer);
        struct machine_input input = {.event = live->timer_event, .actor = "engine"};
        input.plan = recovery_plan(control, live, &input, now);
        if (control_step(control, live, &input, now) != MACHINE_DONE) {
            heap_remove(&control->timers, first); /* nobody waits for it */
        } else {
            control_forget(control, live);
        }
    }
}

static void fill_slots(struct control *control, struct wall now)
{
    while (!control->is_draining && control->n_running < prepared_slots(control)) {
        struct queue_entry *entry = queue_take(control->queue);
        if (entry == NULL) {
            break;
        }
        struct live *live = HEAP_ITEM(entry, struct live, queued);
        struct machine_input input = {.event = EV_START, .actor = "engine"};
        (void)control_step(control, live, &input, now);
        control_forget(control, live);
    }
}

static bool prunes(const struct control *control)
{
    const struct control_options *options = &control->options;
    return options->history_keep.ms > 0 || options->deliveries_keep.ms > 0 ||
           options->bodies_keep.ms > 0;
}

static struct wall before(struct wall now, struct span keep)
{
    return (struct wall){keep.ms > 0 ? now.ms - keep.ms : 0};
}

/* True: there is more. */
static bool prune(struct control *control, struct wall now)
{
    const struct control_options *options = &control->options;
    size_t n = 0, n_deliveries, n_findings, n_recovery, n_approvals, n_commands;
    if (options->history_keep.ms > 0) {
        n = store_prune(control->store, before(now, options->history_keep), PRUNE_MAX);
    }
    n_deliveries =
        store_prune_deliveries(control->store, before(now, options->deliveries_keep),
                               before(now, options->bodies_keep), PRUNE_DELIVERIES);
    n_findings = store_prune_findings(control->store, now,
                                      before(now, options->history_keep), PRUNE_FINDINGS);
    n_recovery = store_prune_recovery(control->store, before(now, options->history_keep),
                                      PRUNE_FINDINGS);
    n_approvals = store_prune_approvals(
        control->store, before(now, options->history_keep), PRUNE_FINDINGS);
    n_commands = store_prune_commands(control->store, before(now, options->history_keep),
                                      PRUNE_FINDINGS);
    return n == PRUNE_MAX || n_deliveries == PRUNE_DELIVERIES ||
           n_findings == PRUNE_FINDINGS || n_recovery == PRUNE_FINDINGS ||
           n_approvals == PRUNE_FINDINGS || n_commands == PRUNE_FINDINGS;
}

void control_tick(struct control *control, struct wall now)
{
    silence_tick(control, now);
    if (!control->halt.is_on) {
        tuning_tick(control, now);
        guarding_tick(control, now);
        run_timers(control, now);
        ramp_tick(control, now);
        outbox_tick(control, now);
        recovery_tick(control, now);
        approval_tick(control, now);
        prepared_tick(control, now);
        optimization_tick(control, now);
        admission_tick(control, now);
        fill_slots(control, now);
    }
    if (prunes(control) && control->next_prune.ms <= now.ms) {
        bool is_more = prune(control, now);
        control->next_prune = is_more ? now : wall_add(now, PRUNE_EVERY);
    }
}

static void sooner(struct wall *at, struct wall other)
{
    if (wall_is_set(other) && (!wall_is_set(*at) || other.ms < at->ms)) {
        *at = other;
    }
}

struct wall control_wake_at(const struct control *control)
{
    struct wall at = prunes(control) ? control->next_prune : (struct wall){0};
    const struct heap_node *first = heap_first(&control->timers);
    sooner(&at, silence_wake_at(control));
    if (control->halt.is_on) {
        return at;
    }
    if (first != NULL) {
        sooner(&at, (struct wall){first->key});
    }
    sooner(&at, tuning_wake_at(control));
    sooner(&at, guarding_wake_at(control));
    sooner(&at, ramp_wake_at(control));
    sooner(&at, outbox_wake_at(control));
    sooner(&at, recovery_wake_at(control));
    sooner(&at, approval_wake_at(control));
    sooner(&at, prepared_wake_at(control));
    sooner(&at, control_admission_wake_at(control));
    sooner(&at, optimization_wake_at(control));
    return at;
}

void control_save(struct control *control)
{
    optimization_save(control);
}

bool control_commit(struct control *control, const struct executor *executor,
                    struct err *err)
{
    if (control->has_new_totals) {
        store_put_totals(control->store, &control->totals);
        control->has_new_totals = false;
    }
    if (control->has_new_hour) {
        store_put_hour(control->store, &control->hour);
        control->has_new_hour = false;
    }
    finding_put_number(control);
    recovery_put(control);
    optimization_put(control);
    if (!store_commit(control->store, err)) {
        return false;
    }
    control->stats.n_commits++;
    optimization_committed(control);
    halt_release(control);
    outbox_release(control, executor);
    intake_release(control);
    return true;
}

/* ---- start
 * -------------------------------------------------------------------------------- */

struct loading {
    struct control *control;
    struct err *err;
    bool is_ok;
};

static void on_live(void *user, const struct workflow_row *row)
{
    struct loading *loading = user;
    struct control *control = loading->control;
    if (!loading->is_ok) {
        return;
    }
    const struct pipeline *pipeline =
        control_pipeline(control, row->pipeline_id, loading->err);
    if (pipeline == NULL) {
        loading->is_ok = false;
        return;
    }
    struct live *live = control_add(control, row, pipeline);
    set_slot(control, live);
    set_timer(control, live);
    place_settle(control, live);
}

static void on_pending(void *user, const struct effect_row *row)
{
    struct loading *loading = user;
    if (!loading->is_ok) {
        return;
    }
    struct live *live = control_find(loading->control, row->workflow, loading->err);
    if (live == NULL) {
        loading->is_ok = false;
        return;
    }
    struct pending *pending = pending_add(live, row);
    if (merged_is_look(row->kind)) {
        merged_perform(loading->control, pending, row->asked_at);
    } else if (effect_with(row) == 0) {
        outbox_add(loading->control, false, row->workflow, row->seq);
    }
}

bool control_load(struct control *control, struct wall now, struct err *err)
{
    struct loading loading = {.control = control, .err = err, .is_ok = true};
    if (!store_load_counters(control->store, &control->last_workflow, &control->totals,
                             err) ||
        !store_load_hour(control->store, now.ms / 3600000, &control->hour, err) ||
        !store_load_live(control->store, on_live, &loading, err) || !loading.is_ok ||
        !store_load_pending(control->store, on_pending, &loading, err) ||
        !loading.is_ok || !tuning_load(control, err) || !guarding_load(control, err) ||
        !optimization_load(control, err) || !ramp_load(control, now, err) ||
        !order_load(control, err) || !finding_load(control, now, err) ||
        !halt_load(control, err) || !prepared_load(control, err) ||
        !admission_load(control, now, err) || !recovery_load(control, now, err) ||
        !approval_load(control, now, err)) {
        return false;
    }
    control->hour.hour = now.ms / 3600000;
    control->next_prune = wall_add(now, span_s(60));
    return true;
}

/* ---- questions
 * ----------------------------------------------------------------------------- */

void control_drain(struct control *control, bool is_draining)
{
    control->is_draining = is_draining;
}

int control_max_running(const struct control *control)
{
    return control->options.max_running;
}

int control_admitted(const struct control *control)
{
    return prepared_slots(control);
}

bool control_is_idle(const struct control *control)
{
    return control->n_running == 0 && control->n_releases == 0;
}

bool control_is_pending(const struct control *control, int64_t workflow, int64_t seq)
{
    const struct live *live = idmap_get(&control->live, workflow);
    return live != NULL && pending_find(live, seq) != NULL;
}

void control_stats(const struct control *control, struct control_stats *ret_stats)
{
    *ret_stats = control->stats;
    ret_stats->n_live = (int64_t)control->live.n;
    ret_stats->n_running = control->n_running;
    ret_stats->n_queued = (int64_t)queue_len(control->queue);
}

const struct workflow *control_next_live(const struct control *control, size_t *iter)
{
    const struct live *live = idmap_next(&control->live, iter);
    return live != NULL ? live->workflow : NULL;
}
