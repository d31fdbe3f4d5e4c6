/* SPDX-License-Identifier: MIT */
#include "engine/monitor/observer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/idmap.h"
#include "engine/base/mem.h"

#define OBSERVER_FORMAT 2
#define OBSERVER_BEFORE 1 /* the same, but fingerprints of other masks */
/* Steps in flight of one workflow: one and cleanups, or checks side by side; of more the time is
 * not learned. */
#define OPEN_MAX       20
#define OUTCOMES_MAX   512 /* finished workflows that rates are made of */
#define OUTCOMES_MIN   5
#define OUTCOMES_MS    (6 * HOUR_MS)
#define HOUR_MS        (INT64_C(3600) * 1000)
#define ALL_PIPELINES  "*"
#define FLOWS_MAX      256
#define AGENT_FALLBACK "local"

/* What the next event of a workflow needs. Plain bytes: it is saved as it is. */
struct live {
    int64_t id;
    struct wall created, started; /* started: unset before the first slot */
    struct wall since;            /* in this state */
    struct wall wait_since;
    struct wall held_since; /* a slot; unset: holds none */
    int64_t held_ms;        /* in earlier stays */
    int64_t begun;          /* effects up to this one have begun */
    int64_t open[OPEN_MAX]; /* of them without outcome; 0 = free */
    int32_t state, wait;    /* enum workflow_state, enum workflow_wait */
    int32_t iteration, priority;
    bool is_begun; /* the workflow's own run */
    bool is_over;
    char repo[160], pipeline[80], submitter[48];
};

struct outcome {
    struct wall at;
    int32_t state;
    char pipeline[80];
    int32_t unused; /* so that no saved byte is left unset */
};

/* What is saved beside the live ones. */
struct head {
    int32_t format, live_bytes;
    int64_t seq, n_live;
    struct fingerprint_book book;
    struct outcome outcomes[OUTCOMES_MAX];
    struct queueing_row
        flows[FLOWS_MAX]; /* ring; `ended`: when the slot was given up, without pauses */
    int64_t n_outcomes, n_flows; /* ever */
    double stay[STATE_COUNT];    /* mean number of workflows in a state, decaying */
    struct wall stay_at;
};

struct observer {
    struct head head;
    struct idmap live; /* struct live */
};

/* What a call is given. */
struct turn {
    struct observer *observer;
    const struct observer_world *world;
    const struct observer_sink *sink;
};

struct observer *observer_new(void)
{
    struct observer *observer = mem_alloc(sizeof(*observer));
    observer->head.format = OBSERVER_FORMAT;
    observer->head.live_bytes = (int32_t)sizeof(struct live);
    return observer;
}

void observer_free(struct observer *observer)
{
    if (observer == NULL) {
        return;
    }
    size_t iter = 0;
    for (struct live *live; (live = idmap_next(&observer->live, &iter)) != NULL;) {
        free(live);
    }
    idmap_fini(&observer->live);
    free(observer);
}

int64_t observer_seq(const struct observer *observer)
{
    return observer->head.seq;
}

void observer_rewind(struct observer *observer, int64_t last_seq)
{
    if (observer->head.seq > last_seq) {
        observer->head.seq = last_seq;
    }
}

/* ---- telling ---- */

static void tell(const struct turn *turn, enum metric_id metric, const char *label,
                 const char *label2, struct wall at, double value)
{
    turn->sink->point(turn->sink->self, metric, label, label2, at, value);
}

static double seconds(struct wall from, struct wall to)
{
    return wall_is_set(from) && wall_is_set(to) && to.ms >= from.ms
               ? (double)(to.ms - from.ms) / 1000.0
               : (double)NAN;
}

uint64_t observer_run_id(int64_t workflow, int64_t effect)
{
    return failure_hash_with(failure_hash_with(failure_hash("run"), (uint64_t)workflow),
                             (uint64_t)effect);
}

/* What is known at the start of anything of this workflow. */
static void add_context(const struct turn *turn, const struct live *live,
                        struct failure_context *context)
{
    const struct observer_world *world = turn->world;
    failure_context_text(context, "repository", FAILURE_KIND, live->repo);
    failure_context_text(context, "pipeline", FAILURE_KIND, live->pipeline);
    failure_context_text(context, "author", FAILURE_LINE, live->submitter);
    failure_context_number(context, "priority", FAILURE_NUMBER, live->priority);
    failure_context_number(context, "iteration", FAILURE_NUMBER, live->iteration);
    failure_context_number(context, "queued", FAILURE_NUMBER, world->queued);
    failure_context_number(context, "running", FAILURE_NUMBER, world->running);
    failure_context_number(context, "bad_services", FAILURE_NUMBER, world->bad_services);
    failure_context_number(context, "anomalies", FAILURE_NUMBER, world->anomalies);
}

static void begin_workflow(const struct turn *turn, struct live *live, struct wall at)
{
    struct failure_context context;
    failure_context_init(&context, observer_run_id(live->id, 0), at);
    failure_context_text(&context, "what", FAILURE_KIND, "workflow");
    add_context(turn, live, &context);
    live->is_begun = true;
    turn->sink->begun(turn->sink->self, &(struct observer_run){
                                            .workflow = live->id,
                                            .name = live->pipeline,
                                            .repo = live->repo,
                                            .context = &context,
                                            .at = at,
                                        });
}

static void end_workflow(const struct turn *turn, struct live *live, struct wall at,
                         enum observer_verdict verdict)
{
    if (!live->is_begun) {
        return;
    }
    live->is_begun = false;
    turn->sink->ended(
        turn->sink->self,
        &(struct observer_run){
            .workflow = live->id, .name = live->pipeline, .repo = live->repo, .at = at},
        verdict, seconds(live->started, at));
}

/* ---- events ---- */

static bool holds_slot(int state, int wait)
{
    return state >= STATE_PLANNING && state <= STATE_VALIDATING && wait == WAIT_NONE;
}

static struct live *find_live(struct observer *observer, const struct event_row *event,
                              const struct workflow_row *row)
{
    struct live *live = idmap_get(&observer->live, event->workflow);
    if (live != NULL || row == NULL || observer->live.n >= OBSERVER_LIVE_MAX) {
        return live;
    }
    live = mem_alloc(sizeof(*live));
    live->id = event->workflow;
    live->created = row->created_at;
    live->since = live->wait_since = event->at;
    live->state = (int32_t)event->from;
    live->wait = (int32_t)event->wait;
    live->iteration = event->iteration;
    live->priority = row->priority;
    (void)snprintf(live->repo, sizeof(live->repo), "%s", row->repo);
    (void)snprintf(live->pipeline, sizeof(live->pipeline), "%s", row->pipeline);
    (void)snprintf(live->submitter, sizeof(live->submitter), "%s", row->submitter);
    idmap_put(&observer->live, live->id, live);
    return live;
}

static void add_outcome(const struct turn *turn, const struct live *live, struct wall at,
                        enum workflow_state state)
{
    struct head *head = &turn->observer->head;
    struct outcome *outcome = &head->outcomes[head->n_outcomes++ % OUTCOMES_MAX];
    *outcome = (struct outcome){.at = at, .state = (int32_t)state};
    (void)memcpy(outcome->pipeline, live->pipeline, sizeof(outcome->pipeline));
    tell(turn, METRIC_WORKFLOW_FINISHED, state_name(state), NULL, at, 1);
    tell(turn, METRIC_WORKFLOW_ITERATIONS, live->pipeline, NULL, at, live->iteration);
    if (state == STATE_COMPLETED) {
        tell(turn, METRIC_WORKFLOW_COMPLETION, live->pipeline, NULL, at,
             seconds(live->created, at));
    }
    if (state == STATE_COMPLETED || state == STATE_FAILED) {
        double started = (double)live->started.ms / 1000.0;
        head->flows[head->n_flows++ % FLOWS_MAX] = (struct queueing_row){
            .arrived = (double)live->created.ms / 1000.0,
            .started = started,
            .ended = started + (double)live->held_ms / 1000.0,
        };
    }
}

/* From FAILED and the like it may begin anew; then it is watched again. */
static void finish(const struct turn *turn, struct live *live,
                   const struct event_row *event)
{
    enum observer_verdict verdict = event->to == STATE_COMPLETED ? OBSERVER_PASSED
                                    : event->to == STATE_FAILED  ? OBSERVER_FAILED
                                                                 : OBSERVER_NO_VERDICT;
    end_workflow(turn, live, event->at, verdict);
    add_outcome(turn, live, event->at, event->to);
}

static void count_failure(const struct turn *turn, const char *text, const char *what,
                          struct wall at)
{
    const struct fingerprint *print;
    char name[20];
    tell(turn, METRIC_ERROR_ALL, what, NULL, at, 1);
    if (text[0] != '\0') {
        (void)fingerprint_add(&turn->observer->head.book, text, at, &print);
        (void)snprintf(name, sizeof(name), "%016llx", (unsigned long long)print->hash);
        tell(turn, METRIC_ERROR_FINGERPRINT, name, NULL, at, 1);
    }
}

/* What operators do says what they think of it. X(kind of event, metric, label; "" = the
 * kind) */
#define OPINION_LIST(X)                                                                  \
    X("skip", METRIC_OVERRIDE, "")                                                       \
    X("retry", METRIC_OVERRIDE, "")                                                      \
    X("cancel", METRIC_OVERRIDE, "")                                                     \
    X("rollback", METRIC_OVERRIDE, "")                                                   \
    X("rollback", METRIC_REVERT, NULL)                                                   \
    X("thumbs-up", METRIC_FEEDBACK, "up")                                                \
    X("thumbs-down", METRIC_FEEDBACK, "down")

static void hear_opinion(const struct turn *turn, const struct live *live,
                         const struct event_row *event)
{
    static const struct {
        const char *kind;
        enum metric_id metric;
        const char *label;
    } opinions[] = {
#define X(kind, metric, label) {kind, metric, label},
        OPINION_LIST(X)
#undef X
    };
    if (strcmp(event->actor, "engine") == 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(opinions); i++) {
        if (strcmp(event->kind, opinions[i].kind) == 0) {
            const char *label = opinions[i].label;
            bool is_kind = label != NULL && label[0] == '\0';
            tell(turn, opinions[i].metric, is_kind ? event->kind : label, NULL, event->at,
                 1);
        }
    }
    bool decides =
        strcmp(event->kind, "approve") == 0 || strcmp(event->kind, "reject") == 0;
    if (decides && wait_needs_human((enum workflow_wait)live->wait)) {
        tell(turn, METRIC_APPROVAL_TIME, NULL, NULL, event->at,
             seconds(live->wait_since, event->at));
    }
    if (strcmp(event->kind, "reject") == 0) {
        tell(turn, METRIC_REJECTION, wait_word((enum workflow_wait)live->wait), NULL,
             event->at, 1);
    }
    if (strcmp(event->kind, "retry") == 0 && state_is_final(event->from)) {
        tell(turn, METRIC_REOPENED, NULL, NULL, event->at, 1);
    }
}

static void move_slot(struct live *live, const struct event_row *event)
{
    bool holds = holds_slot((int)event->to, (int)event->wait);
    if (holds && !wall_is_set(live->held_since)) {
        live->held_since = event->at;
    } else if (!holds && wall_is_set(live->held_since)) {
        live->held_ms += event->at.ms - live->held_since.ms;
        live->held_since.ms = 0;
    }
}

static void move_state(const struct turn *turn, struct live *live,
                       const struct event_row *event)
{
    if (event->wait != (enum workflow_wait)live->wait) {
        if (live->wait != WAIT_NONE) {
            tell(turn, METRIC_WORKFLOW_WAIT_TIME,
                 wait_word((enum workflow_wait)live->wait), NULL, event->at,
                 seconds(live->wait_since, event->at));
        }
        live->wait = (int32_t)event->wait;
        live->wait_since = event->at;
    }
    if (event->to != (enum workflow_state)live->state) {
        if (!state_is_final((enum workflow_state)live->state)) {
            tell(turn, METRIC_WORKFLOW_STATE_TIME,
                 state_name((enum workflow_state)live->state), NULL, event->at,
                 seconds(live->since, event->at));
        }
        live->state = (int32_t)event->to;
        live->since = event->at;
    }
}

void observer_event(struct observer *observer, const struct event_row *event,
                    const struct workflow_row *row, const struct observer_world *world,
                    const struct observer_sink *sink)
{
    const struct turn turn = {observer, world, sink};
    observer->head.seq = event->seq;
    struct live *live = event->workflow != 0 ? find_live(observer, event, row) : NULL;
    if (live == NULL) {
        return;
    }
    bool was_final = state_is_final((enum workflow_state)live->state);
    if (strcmp(event->kind, "submit") == 0 || strcmp(event->kind, "adopt") == 0) {
        tell(&turn, METRIC_WORKFLOW_SUBMITTED, NULL, NULL, event->at, 1);
    }
    if (event->to == STATE_RECOVERING && event->from != STATE_RECOVERING) {
        tell(&turn, METRIC_WORKFLOW_RETRIES, state_name(event->from), NULL, event->at, 1);
    }
    hear_opinion(&turn, live, event);
    move_slot(live, event);
    move_state(&turn, live, event);
    live->iteration = event->iteration;
    bool is_final = state_is_final(event->to);
    if (!is_final && event->to != STATE_IDLE && !live->is_begun &&
        (was_final || !wall_is_set(live->started))) {
        live->started = wall_is_set(live->started) ? live->started : event->at;
        begin_workflow(&turn, live, event->at);
    }
    if (is_final && !was_final) {
        finish(&turn, live, event);
    }
    if (event->to == STATE_FAILED && !was_final) {
        count_failure(&turn, event->text, "workflow", event->at);
    }
    live->is_over = is_final;
}

/* ---- effects ---- */

static bool is_judged(enum effect_kind kind)
{
    return kind != EFFECT_NONE && kind != EFFECT_WORKSPACE && kind != EFFECT_CLEANUP &&
           kind != EFFECT_CLOSE && kind != EFFECT_SANDBOX;
}

static enum observer_verdict verdict_of(enum effect_status status)
{
    switch (status) {
    case STATUS_PASSED:
    case STATUS_FLAKY:
        return OBSERVER_PASSED;
    case STATUS_FAILED:
    case STATUS_TIMED_OUT:
    case STATUS_LOST:
    case STATUS_REFUSED:
        return OBSERVER_FAILED;
    case STATUS_PENDING:
    case STATUS_SKIPPED:
    case STATUS_CANCELLED:
    case STATUS_DEFERRED:
    case STATUS_COUNT:
        break;
    }
    return OBSERVER_NO_VERDICT;
}

static void begin_step(const struct turn *turn, const struct live *live,
                       const struct effect_row *row)
{
    struct failure_context context;
    if (!is_judged(row->kind)) {
        return;
    }
    failure_context_init(&context, observer_run_id(row->workflow, row->seq),
                         row->asked_at);
    failure_context_text(&context, "what", FAILURE_KIND, effect_name(row->kind));
    failure_context_text(&context, "step", FAILURE_KIND, row->name);
    failure_context_text(&context, "provider", FAILURE_KIND,
                         row->provider[0] != '\0' ? row->provider : AGENT_FALLBACK);
    failure_context_number(&context, "attempt", FAILURE_NUMBER, row->attempt);
    add_context(turn, live, &context);
    turn->sink->begun(turn->sink->self, &(struct observer_run){
                                            .workflow = row->workflow,
                                            .effect = row->seq,
                                            .name = row->name,
                                            .repo = live->repo,
                                            .context = &context,
                                            .at = row->asked_at,
                                        });
}

static void end_step(const struct turn *turn, const struct live *live,
                     const struct effect_row *row)
{
    enum observer_verdict verdict = verdict_of(row->status);
    double took = seconds(row->started_at, row->finished_at);
    if (verdict != OBSERVER_NO_VERDICT) {
        tell(turn, METRIC_STEP_TIME, row->name, NULL, row->finished_at, took);
        if (row->cpu_ms >= 0) {
            tell(turn, METRIC_STEP_CPU, row->name, NULL, row->finished_at,
                 (double)row->cpu_ms / 1000.0);
        }
        if (row->peak_rss_kib >= 0) {
            tell(turn, METRIC_STEP_MEMORY, row->name, NULL, row->finished_at,
                 (double)row->peak_rss_kib * 1024.0);
        }
    }
    if (row->status == STATUS_FLAKY) {
        tell(turn, METRIC_ERROR_ALL, "flaky", NULL, row->finished_at, 1);
    }
    if (verdict == OBSERVER_FAILED) {
        count_failure(turn, row->summary, effect_name(row->kind), row->finished_at);
    }
    if (is_judged(row->kind)) {
        turn->sink->ended(turn->sink->self,
                          &(struct observer_run){.workflow = row->workflow,
                                                 .effect = row->seq,
                                                 .name = row->name,
                                                 .repo = live->repo,
                                                 .at = row->finished_at},
                          verdict, took);
    }
}

static void add_open(struct live *live, int64_t seq)
{
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (live->open[i] == 0) {
            live->open[i] = seq;
            return;
        }
    }
}

static bool take_open(struct live *live, int64_t seq)
{
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (live->open[i] == seq) {
            live->open[i] = 0;
            return true;
        }
    }
    return false;
}

void observer_effects(struct observer *observer, int64_t workflow,
                      const struct effect_row *rows, size_t n,
                      const struct observer_world *world,
                      const struct observer_sink *sink)
{
    const struct turn turn = {observer, world, sink};
    struct live *live = idmap_get(&observer->live, workflow);
    if (live == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct effect_row *row = &rows[i];
        if (row->seq > live->begun) {
            live->begun = row->seq;
            begin_step(&turn, live, row);
            add_open(live, row->seq);
        }
        if (row->status != STATUS_PENDING && take_open(live, row->seq)) {
            end_step(&turn, live, row);
        }
    }
    if (live->is_over) {
        free(idmap_take(&observer->live, workflow));
    }
}

/* ---- levels ---- */

struct share {
    int n, n_good;
};

/* Of what ended lately, how much was completed; pipeline NULL: of all. */
static struct share success_of(const struct head *head, struct wall now,
                               const char *pipeline)
{
    struct share share = {0};
    for (int i = 0; i < OUTCOMES_MAX && i < head->n_outcomes; i++) {
        const struct outcome *outcome = &head->outcomes[i];
        bool counts = outcome->state == STATE_COMPLETED ||
                      outcome->state == STATE_FAILED ||
                      outcome->state == STATE_ROLLED_BACK;
        if (counts && now.ms - outcome->at.ms <= OUTCOMES_MS &&
            (pipeline == NULL || strcmp(outcome->pipeline, pipeline) == 0)) {
            share.n++;
            share.n_good += outcome->state == STATE_COMPLETED;
        }
    }
    return share;
}

/* Too few outcomes say nothing: no point. */
static void tell_success(const struct turn *turn, struct wall now)
{
    const struct head *head = &turn->observer->head;
    struct share all = success_of(head, now, NULL);
    if (all.n >= OUTCOMES_MIN) {
        tell(turn, METRIC_WORKFLOW_SUCCESS, ALL_PIPELINES, NULL, now,
             (double)all.n_good / all.n);
    }
    int64_t n_hour = 0;
    for (int i = 0; i < OUTCOMES_MAX && i < head->n_outcomes; i++) {
        const struct outcome *outcome = &head->outcomes[i];
        bool is_first = now.ms - outcome->at.ms <= OUTCOMES_MS;
        n_hour += outcome->state == STATE_COMPLETED && now.ms - outcome->at.ms < HOUR_MS;
        for (int j = 0; j < i && is_first; j++) {
            is_first = strcmp(head->outcomes[j].pipeline, outcome->pipeline) != 0 ||
                       now.ms - head->outcomes[j].at.ms > OUTCOMES_MS;
        }
        struct share share =
            is_first ? success_of(head, now, outcome->pipeline) : (struct share){0};
        if (share.n >= OUTCOMES_MIN) {
            tell(turn, METRIC_WORKFLOW_SUCCESS, outcome->pipeline, NULL, now,
                 (double)share.n_good / share.n);
        }
    }
    tell(turn, METRIC_WORKFLOW_THROUGHPUT, NULL, NULL, now, (double)n_hour);
}

/* Share of each state in all the work that is under way, over the last hour or so: by
 * Little's law the share of time that work spends there. */
static void tell_shares(const struct turn *turn, struct wall now,
                        const struct totals *totals)
{
    struct head *head = &turn->observer->head;
    double gone = seconds(head->stay_at, now), sum = 0;
    double keep = isnan(gone) ? 0 : exp(-gone / 3600.0);
    head->stay_at = now;
    for (int state = 0; state < STATE_COUNT; state++) {
        if (!state_is_final((enum workflow_state)state) && state != STATE_FAILED) {
            head->stay[state] =
                keep * head->stay[state] + (1 - keep) * (double)totals->by_state[state];
            sum += head->stay[state];
        }
    }
    for (int state = 0; state < STATE_COUNT && sum > 1e-9; state++) {
        if (!state_is_final((enum workflow_state)state) && state != STATE_FAILED) {
            tell(turn, METRIC_WORKFLOW_BOTTLENECK, state_name((enum workflow_state)state),
                 NULL, now, head->stay[state] / sum);
        }
    }
}

void observer_tick(struct observer *observer, struct wall now,
                   const struct totals *totals, const struct observer_world *world,
                   const struct observer_sink *sink)
{
    const struct turn turn = {observer, world, sink};
    for (int wait = WAIT_NONE + 1; wait < WAIT_COUNT; wait++) {
        tell(&turn, METRIC_WORKFLOW_WAITING, wait_word((enum workflow_wait)wait), NULL,
             now, (double)totals->by_wait[wait]);
    }
    tell(&turn, METRIC_WORKFLOW_ACTIVE, NULL, NULL, now, world->running);
    tell(&turn, METRIC_WORKFLOW_QUEUED, NULL, NULL, now, world->queued);
    if (world->max_running > 0) {
        tell(&turn, METRIC_LIMIT_USED, "max_running", NULL, now,
             world->running / world->max_running);
        tell(&turn, METRIC_LIMIT_SIZE, "max_running", NULL, now, world->max_running);
    }
    int64_t n_new, n_returned;
    fingerprint_count(&observer->head.book, now, (struct span){HOUR_MS}, &n_new,
                      &n_returned);
    tell(&turn, METRIC_ERROR_NEW, NULL, NULL, now, (double)n_new);
    tell(&turn, METRIC_ERROR_RETURNING, NULL, NULL, now, (double)n_returned);
    tell_success(&turn, now);
    tell_shares(&turn, now, totals);
}

/* ---- flow ---- */

static int by_arrival(const void *a, const void *b)
{
    const struct queueing_row *x = a, *y = b;
    return (x->arrived > y->arrived) - (x->arrived < y->arrived);
}

struct queueing_history observer_history(const struct observer *observer)
{
    struct queueing_row rows[FLOWS_MAX];
    const struct head *head = &observer->head;
    size_t n = head->n_flows < FLOWS_MAX ? (size_t)head->n_flows : FLOWS_MAX;
    (void)memcpy(rows, head->flows, n * sizeof(*rows));
    qsort(rows, n, sizeof(*rows), by_arrival);
    return queueing_observe(rows, n);
}

/* ---- saving ---- */

bool observer_save(const struct observer *observer, struct buf *out)
{
    struct head *head = mem_alloc(sizeof(*head));
    size_t iter = 0;
    *head = observer->head;
    head->n_live = (int64_t)observer->live.n;
    bool is_whole = buf_add(out, head, sizeof(*head));
    free(head);
    for (const struct live *live;
         is_whole && (live = idmap_next(&observer->live, &iter)) != NULL;) {
        is_whole = buf_add(out, live, sizeof(*live));
    }
    return is_whole;
}

static void mend(struct live *live)
{
    live->repo[sizeof(live->repo) - 1] = '\0';
    live->pipeline[sizeof(live->pipeline) - 1] = '\0';
    live->submitter[sizeof(live->submitter) - 1] = '\0';
}

static bool is_sound(const struct live *live)
{
    return live->id > 0 && live->state >= 0 && live->state < STATE_COUNT &&
           live->wait >= 0 && live->wait < WAIT_COUNT;
}

struct observer *observer_load(const void *bytes, size_t len)
{
    struct observer *observer = observer_new();
    struct head *head = &observer->head;
    const char *next = (const char *)bytes + sizeof(*head);
    bool is_good = len >= sizeof(*head);
    if (is_good) {
        (void)memcpy(head, bytes, sizeof(*head));
        if (head->format == OBSERVER_BEFORE) {
            head->book = (struct fingerprint_book){0};
            head->format = OBSERVER_FORMAT;
        }
        is_good = head->format == OBSERVER_FORMAT &&
                  head->live_bytes == (int32_t)sizeof(struct live) && head->n_live >= 0 &&
                  head->n_live <= OBSERVER_LIVE_MAX && head->n_outcomes >= 0 &&
                  head->n_flows >= 0 &&
                  len == sizeof(*head) + (size_t)head->n_live * sizeof(struct live);
    }
    for (int64_t i = 0; is_good && i < head->n_live; i++, next += sizeof(struct live)) {
        struct live *live = mem_alloc(sizeof(*live));
        (void)memcpy(live, next, sizeof(*live));
        mend(live);
        is_good = is_sound(live) && idmap_get(&observer->live, live->id) == NULL;
        if (is_good) {
            idmap_put(&observer->live, live->id, live);
        } else {
            free(live);
        }
    }
    if (!is_good) {
        observer_free(observer);
        return NULL;
    }
    return observer;
}
