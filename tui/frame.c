/* SPDX-License-Identifier: MIT */
#include "tui/frame.h"

#include <stdatomic.h>
#include <string.h>

/* The public part comes first, so that a frame is also a pointer to its box. */
struct frame_box {
    struct frame frame;
    atomic_int refs;           /* atomic */
    struct arena *arena;       /* immutable after new */
    const struct frame *older; /* maker only until shared: owner of borrowed parts */
};

static struct frame_box *box_of(const struct frame *frame)
{
    /* The box is ours and was never const; only what its readers see is. */
    return (struct frame_box *)(uintptr_t)frame;
}

struct frame *frame_new(void)
{
    struct frame_box *box = mem_alloc(sizeof *box);
    box->arena = arena_new();
    atomic_init(&box->refs, 1);
    box->frame.trouble_text = "";
    box->frame.store_path = "";
    box->frame.engine.version = "";
    box->frame.engine.fault = "";
    return &box->frame;
}

struct arena *frame_arena(struct frame *frame)
{
    return box_of(frame)->arena;
}

const struct frame *frame_ref(const struct frame *frame)
{
    atomic_fetch_add_explicit(&box_of(frame)->refs, 1, memory_order_relaxed);
    return frame;
}

void frame_unref(const struct frame *frame)
{
    /* A borrowed frame never borrows itself (frame_borrow), so this ends after two. */
    while (frame) {
        struct frame_box *box = box_of(frame);
        if (atomic_fetch_sub_explicit(&box->refs, 1, memory_order_acq_rel) != 1)
            return;
        frame = box->older;
        arena_free(box->arena);
        free(box);
    }
}

void frame_borrow(struct frame *frame, const struct frame *older)
{
    struct frame_box *box = box_of(frame);
    const struct frame *owner = box_of(older)->older ? box_of(older)->older : older;
    box->older = frame_ref(owner);
    frame->has_totals = older->has_totals;
    frame->totals = older->totals;
    frame->overview = older->overview;
    frame->list = older->list;
    frame->detail = older->detail;
    frame->submit = older->submit;
    frame->services = older->services;
    frame->deliveries = older->deliveries;
    frame->audit = older->audit;
    frame->failures = older->failures;
    frame->incident = older->incident;
    frame->handoff = older->handoff;
    frame->causes = older->causes;
    frame->decisions = older->decisions;
    frame->strategies = older->strategies;
    frame->case_ = older->case_;
    frame->asks = older->asks;
    frame->halt = older->halt;
    frame->approvals = older->approvals;
    frame->approval = older->approval;
    frame->optimizations = older->optimizations;
    frame->optimization = older->optimization;
    frame->autonomy = older->autonomy;
    frame->insight = older->insight;
    frame->pipelines = older->pipelines;
    frame->n_pipelines = older->n_pipelines;
    frame->read_at = older->read_at;
    frame->is_past = older->is_past;
    frame->moment = older->moment;
}

struct frame_rows frame_copy_rows(struct arena *arena, const struct frame_rows *rows)
{
    struct frame_rows copy = *rows;
    if (rows->n == 0)
        return copy;
    struct workflow_row *to = arena_array(arena, rows->n, sizeof *to);
    for (size_t i = 0; i < rows->n; i++) {
        to[i] = rows->rows[i];
        const char **texts[] = {&to[i].pipeline, &to[i].repo,      &to[i].title,
                                &to[i].branch,   &to[i].submitter, &to[i].base_sha,
                                &to[i].head_sha, &to[i].merge_sha, &to[i].reason};
        for (size_t k = 0; k < ARRAY_LEN(texts); k++)
            *texts[k] = arena_str(arena, *texts[k]);
    }
    copy.rows = to;
    return copy;
}

const char *engine_health_word(enum engine_health health)
{
    static const char *const words[] = {
#define X(id, word) [id] = word,
        ENGINE_HEALTH_LIST(X)
#undef X
    };
    return words[health];
}

const char *trouble_word(enum trouble trouble)
{
    static const char *const words[] = {
#define X(id, word) [id] = word,
        TROUBLE_LIST(X)
#undef X
    };
    return words[trouble];
}

int64_t frame_needs_human(const struct frame *frame)
{
    if (!frame->has_totals)
        return -1;
    int64_t n = 0;
    for (int w = 0; w < WAIT_COUNT; w++)
        if (wait_needs_human((enum workflow_wait)w))
            n += frame->totals.by_wait[w];
    return n;
}

/* A workflow that waits for a decision and its approval are one thing; where a workflow of
 * an older engine has none, it counts itself. What is snoozed calls nobody. */
int64_t frame_attention(const struct frame *frame)
{
    static const enum workflow_wait asking[] = {WAIT_PLAN, WAIT_MERGE, WAIT_REVERT,
                                                WAIT_BUDGET, WAIT_RECOVERY};
    int64_t others = frame_needs_human(frame), n_asked = 0, n_open = 0;
    if (others < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(asking); i++)
        n_asked += frame->totals.by_wait[asking[i]];
    for (int i = 0; i < RISK_COUNT; i++)
        n_open += frame->asks.n_open[i];
    others -= n_asked;
    n_asked -= frame->asks.n_snoozed;
    return others + (n_open > n_asked ? n_open : n_asked);
}

/* Whoever waits gives its slot back, whatever its state; what is final waits for nothing.
 */
int64_t frame_failures_for_person(const struct frame_overview *overview)
{
    const struct recovery_totals *totals = &overview->recovery.totals;
    return overview->has_recovery ? totals->by_status[FAILURE_ESCALATED] + totals->n_asked
                                  : 0;
}

int64_t frame_running(const struct frame *frame)
{
    if (!frame->has_totals)
        return -1;
    int64_t n = frame->totals.by_wait[WAIT_NONE];
    for (int s = 0; s < STATE_COUNT; s++)
        if (state_is_final((enum workflow_state)s))
            n -= frame->totals.by_state[s];
    return n > 0 ? n : 0;
}

int64_t frame_queued(const struct frame *frame)
{
    return frame->has_totals ? frame->totals.by_wait[WAIT_SLOT] : -1;
}

const struct frame_pipeline *frame_find_pipeline(const struct frame *frame, int64_t id)
{
    for (size_t i = 0; i < frame->n_pipelines; i++)
        if (frame->pipelines[i].id == id)
            return &frame->pipelines[i];
    return NULL;
}

/* The order of steps as engine/workflow/stage.c has it; unit tests hold the two together.
 */
static const char *validating_step(const struct frame_pipeline *pipeline, size_t step)
{
    if (step == 0)
        return "sandbox";
    step--;
    if (step < pipeline->n_setup)
        return pipeline->setup[step];
    step -= pipeline->n_setup;
    if (step < pipeline->n_checks)
        return pipeline->checks[step];
    step -= pipeline->n_checks;
    if (pipeline->has_evaluator && step == 0)
        return pipeline->evaluator;
    if (pipeline->has_evaluator)
        step--;
    return step == 0 && !pipeline->never_merges ? "merge" : "";
}

const char *frame_step_name(const struct frame_pipeline *pipeline,
                            enum workflow_state state, int step)
{
    static const char *const coding[] = {"workspace", "agent", "commit"};
    if (!pipeline || step < 0)
        return "";
    switch (state) {
    case STATE_PLANNING:
        return pipeline->has_plan && step == 0 ? "plan" : "";
    case STATE_CODING:
        return (size_t)step < ARRAY_LEN(coding) ? coding[step] : "";
    case STATE_PR_CREATED:
        return step == 0 ? "pull request" : "";
    case STATE_VALIDATING:
        return validating_step(pipeline, (size_t)step);
    default:
        return "";
    }
}

/* ---- stays in states --------------------------------------------------------------- */

static bool is_on_track(enum workflow_state state)
{
    return state >= STATE_IDLE && state <= STATE_COMPLETED;
}

/* Leaving forwards is a pass; going back, or off the track, is not. */
static enum span_end end_of(enum workflow_state from, enum workflow_state to)
{
    if (to == STATE_FAILED)
        return SPAN_FAILED;
    if (to == STATE_CANCELLED || to == STATE_PARKED)
        return SPAN_STOPPED;
    if (to == STATE_RECOVERING)
        return from == STATE_PARKED ? SPAN_PASSED : SPAN_FAILED;
    if (is_on_track(from) && is_on_track(to) && to < from)
        return SPAN_FAILED;
    return SPAN_PASSED;
}

static enum span_end end_when_final(enum workflow_state state)
{
    switch (state) {
    case STATE_FAILED:
        return SPAN_FAILED;
    case STATE_CANCELLED:
        return SPAN_STOPPED;
    default:
        return SPAN_PASSED;
    }
}

size_t frame_spans(struct arena *arena, const struct event_row *events, size_t n,
                   const struct workflow_row *row, const struct state_span **ret_spans)
{
    struct state_span *spans = arena_array(arena, n + 1, sizeof *spans);
    size_t n_spans = 0;
    for (size_t i = 0; i < n; i++) {
        const struct event_row *event = &events[i];
        struct state_span *last = n_spans > 0 ? &spans[n_spans - 1] : NULL;
        /* The same state in a new iteration is a new stay: a plan made again. */
        if (last && event->to == last->state &&
            (event->iteration == last->iteration || event->iteration == 0)) {
            continue;
        }
        if (last) {
            last->to = event->at;
            last->end = end_of(last->state, event->to);
            last->text = event->text;
        }
        spans[n_spans++] = (struct state_span){
            .state = event->to,
            .iteration = event->iteration > 0 ? event->iteration : 1,
            .from = event->at,
            .text = "",
        };
    }
    if (n_spans > 0) {
        struct state_span *last = &spans[n_spans - 1];
        /* Why it ended stands on the row before already. */
        bool is_said = n_spans > 1 && strcmp(spans[n_spans - 2].text, row->reason) == 0;
        last->text = is_said ? "" : row->reason;
        if (state_is_final(last->state)) {
            last->to = last->from;
            last->end = end_when_final(last->state);
        }
    }
    *ret_spans = spans;
    return n_spans;
}

/* ---- documents --------------------------------------------------------------------- */

static void count_diff_line(struct frame_text *doc, bool *is_hunk, const char *line,
                            size_t len)
{
    if (len >= 5 && memcmp(line, "diff ", 5) == 0) {
        *is_hunk = false;
        doc->n_files++;
    } else if (len >= 2 && memcmp(line, "@@", 2) == 0) {
        *is_hunk = true;
    } else if (*is_hunk && len > 0 && line[0] == '+') {
        doc->n_added++;
    } else if (*is_hunk && len > 0 && line[0] == '-') {
        doc->n_removed++;
    }
}

const struct frame_text *frame_text(struct arena *arena, const char *text, size_t len,
                                    bool is_diff)
{
    struct frame_text *doc = arena_alloc(arena, sizeof *doc);
    doc->text = text;
    doc->len = len;
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    n += len > 0 && text[len - 1] != '\n';
    uint32_t *starts = arena_array(arena, n + 1, sizeof *starts);
    bool is_hunk = false;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        starts[i] = (uint32_t)at;
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end ? (size_t)(end - (text + at)) : len - at;
        if (is_diff)
            count_diff_line(doc, &is_hunk, text + at, line_len);
        at += line_len + (end ? 1 : 0);
    }
    starts[n] = (uint32_t)len;
    doc->starts = starts;
    doc->n_lines = n;
    return doc;
}

/* ---- which log --------------------------------------------------------------------- */

static bool has_failed(enum effect_status status)
{
    return status == STATUS_FAILED || status == STATUS_TIMED_OUT ||
           status == STATUS_LOST || status == STATUS_REFUSED;
}

size_t frame_pick_log(const struct effect_row *effects, size_t n)
{
    size_t with_log = n, failed = n, running = n;
    for (size_t i = n; i-- > 0;) {
        const struct effect_row *effect = &effects[i];
        bool is_pending = effect->status == STATUS_PENDING;
        if (is_pending && effect->log[0] != '\0')
            return i;
        /* What runs is worth looking at before it says anything; git's work says nothing. Of
         * checks side by side some may not have begun. */
        if (is_pending && running == n && strcmp(effect_port(effect->kind), "forge") != 0)
            running = i;
        if (effect->log[0] == '\0')
            continue;
        if (with_log == n)
            with_log = i;
        if (failed == n && has_failed(effect->status) &&
            effect->iteration == effects[n - 1].iteration)
            failed = i;
    }
    return running < n ? running : failed < n ? failed : with_log;
}
