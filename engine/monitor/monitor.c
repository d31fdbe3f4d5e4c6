/* SPDX-License-Identifier: MIT */
#include "engine/monitor/monitor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/monitor/exposition.h"
#include "engine/monitor/monitor_private.h"

#define PREDICTIONS_CAP 4096 /* of one flush; more are not kept as rows */
#define FORECASTS_CAP   256
#define OUTBOX_CAP      4096

static const char *const keys[] = {
#define X(id, key, words) key,
    MODEL_LIST(X)
#undef X
};
static const char *const words[] = {
#define X(id, key, words) words,
    MODEL_LIST(X)
#undef X
};

const char *model_key(enum model model)
{
    return keys[model];
}

const char *model_words(enum model model)
{
    return words[model];
}

struct monitor *monitor_new(const struct monitor_options *options)
{
    struct monitor *monitor = mem_alloc(sizeof(*monitor));
    monitor->options = *options;
    monitor->series = series_set_new(SERIES_MAX);
    monitor->rules = rule_set_new(options->rules, options->n_rules);
    monitor->matches = mem_array(SERIES_MAX, sizeof(*monitor->matches));
    monitor->book = anomaly_book_new();
    monitor->observer = observer_new();
    monitor->failure = failure_new();
    monitor->breaking = failure_new();
    monitor->duration = duration_new();
    monitor->memory = mem_alloc(sizeof(*monitor->memory));
    monitor->memory->cards.format = MONITOR_FORMAT;
    monitor->memory->next_prediction = monitor->memory->next_finding = 1;
    monitor->counters = mem_array(COUNTERS_MAX, sizeof(*monitor->counters));
    monitor->world_arena = arena_new();
    monitor->silence_arena = arena_new();
    monitor->rows_arena = arena_new();
    monitor->predictions = mem_array(PREDICTIONS_CAP, sizeof(*monitor->predictions));
    monitor->scores = mem_array(PREDICTIONS_CAP, sizeof(*monitor->scores));
    monitor->forecasts = mem_array(FORECASTS_CAP, sizeof(*monitor->forecasts));
    monitor->outbox = mem_array(OUTBOX_CAP, sizeof(*monitor->outbox));
    monitor->now = (struct observer_world){
        .queued = (double)NAN,
        .running = (double)NAN,
        .bad_services = (double)NAN,
        .max_running = options->max_running,
    };
    return monitor;
}

void monitor_free(struct monitor *monitor)
{
    if (monitor == NULL) {
        return;
    }
    series_set_free(monitor->series);
    rule_set_free(monitor->rules);
    free(monitor->matches);
    anomaly_book_free(monitor->book);
    observer_free(monitor->observer);
    failure_free(monitor->failure);
    failure_free(monitor->breaking);
    duration_free(monitor->duration);
    free(monitor->memory);
    free(monitor->counters);
    arena_free(monitor->world_arena);
    arena_free(monitor->silence_arena);
    arena_free(monitor->rows_arena);
    free(monitor->predictions);
    free(monitor->scores);
    free(monitor->forecasts);
    free(monitor->outbox);
    free(monitor);
}

int64_t monitor_seq(const struct monitor *monitor)
{
    return observer_seq(monitor->observer);
}

int64_t monitor_span_seq(const struct monitor *monitor)
{
    return monitor->span_seq;
}

struct series_set *monitor_series(struct monitor *monitor)
{
    return monitor->series;
}

const struct scorecard *monitor_scorecard(const struct monitor *monitor, enum model model)
{
    return &monitor->memory->cards.cards[model];
}

/* ---- points ---- */

void monitor_signal(void *context, const struct series_signal *signal)
{
    struct monitor *monitor = context;
    int32_t id = signal->series->id;
    while (monitor->n_matched <= id) { /* ids are dense: each is asked once */
        monitor->matches[monitor->n_matched] =
            rule_match(monitor->rules, series_get(monitor->series, monitor->n_matched));
        monitor->n_matched++;
    }
    anomaly_book_point(monitor->book, monitor->rules, monitor->matches[id], signal);
}

/* Running total of one of our own counters. NULL: no place. */
static struct counter *find_counter(struct monitor *monitor, int32_t series)
{
    for (size_t i = 0; i < monitor->n_counters; i++) {
        if (monitor->counters[i].series == series) {
            return &monitor->counters[i];
        }
    }
    if (monitor->n_counters == COUNTERS_MAX) {
        return NULL;
    }
    struct counter *counter = &monitor->counters[monitor->n_counters++];
    *counter = (struct counter){.series = series};
    return counter;
}

/* "a b" into at most two labels with their values; false: a value is missing. */
static bool make_labels(const char *names, const char *label, const char *label2,
                        char text[64], struct series_label labels[2], size_t *ret_n)
{
    *ret_n = 0;
    (void)snprintf(text, 64, "%s", names);
    for (char *key = text; *key != '\0'; (*ret_n)++) {
        size_t len = strcspn(key, " ");
        bool is_last = key[len] == '\0';
        const char *value = *ret_n == 0 ? label : label2;
        if (*ret_n == 2 || value == NULL) {
            return false;
        }
        key[len] = '\0';
        labels[*ret_n] = (struct series_label){key, value};
        key += len + (is_last ? 0 : 1);
    }
    return true;
}

/* Fingerprints come and go for years; those beyond a number share one series. */
static bool is_one_too_many(const struct monitor *monitor, enum metric_id metric,
                            const struct series_label labels[2])
{
    char text[SERIES_LABELS_MAX];
    return metric == METRIC_ERROR_FINGERPRINT &&
           monitor->n_counters >= FINGERPRINT_SERIES_MAX &&
           series_labels(labels, 1, text) &&
           series_find(monitor->series, metric_get(metric).name, text) == SERIES_NONE;
}

void monitor_point(struct monitor *monitor, enum metric_id metric, const char *label,
                   const char *label2, const char *component, struct wall at,
                   double value)
{
    const struct metric row = metric_get(metric);
    struct series_label labels[2];
    struct series_signal signal;
    char text[64];
    size_t n;
    if (!isfinite(value) || !make_labels(row.labels, label, label2, text, labels, &n)) {
        return; /* unknown is not a point */
    }
    if (is_one_too_many(monitor, metric, labels)) {
        labels[0].value = "other";
    }
    int32_t id = series_open(monitor->series, metric, labels, n, component);
    if (id == SERIES_NONE) {
        return; /* counted by the set */
    }
    if (row.kind == KIND_COUNTER) { /* pushed with the next tick */
        struct counter *counter = find_counter(monitor, id);
        if (counter != NULL) {
            counter->total += value;
        }
    } else if (series_push(monitor->series, id, at, value, &signal)) {
        monitor_signal(monitor, &signal);
    }
}

static void push_counters(struct monitor *monitor, struct wall now)
{
    struct series_signal signal;
    for (size_t i = 0; i < monitor->n_counters; i++) {
        const struct counter *counter = &monitor->counters[i];
        if (series_push(monitor->series, counter->series, now, counter->total, &signal)) {
            monitor_signal(monitor, &signal);
        }
    }
}

/* What a metric of the work is about. */
static const char *component_of(enum metric_id metric, const char *label, char *out,
                                size_t cap)
{
    static const struct {
        enum metric_id metric;
        const char *kind;
    } kinds[] = {
        {METRIC_WORKFLOW_COMPLETION, "pipeline"},
        {METRIC_WORKFLOW_SUCCESS,    "pipeline"},
        {METRIC_WORKFLOW_ITERATIONS, "pipeline"},
        {METRIC_WORKFLOW_STATE_TIME, "state"   },
        {METRIC_WORKFLOW_BOTTLENECK, "state"   },
        {METRIC_WORKFLOW_RETRIES,    "state"   },
        {METRIC_STEP_TIME,           "step"    },
        {METRIC_STEP_CPU,            "step"    },
        {METRIC_STEP_MEMORY,         "step"    },
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].metric == metric && label != NULL) {
            (void)snprintf(out, cap, "%s:%s", kinds[i].kind, label);
            return out;
        }
    }
    return "engine";
}

static void on_point(void *self, enum metric_id metric, const char *label,
                     const char *label2, struct wall at, double value)
{
    struct monitor *monitor = self;
    char component[200];
    if (!monitor->is_sampling &&
        observer_seq(monitor->observer) <= monitor->saved_points_seq) {
        return; /* told again after a restart: the file has it */
    }
    monitor_point(monitor, metric, label, label2,
                  component_of(metric, label, component, sizeof(component)), at, value);
}

/* ---- what is told ---- */

static struct observer_sink sink_of(struct monitor *monitor)
{
    return (struct observer_sink){
        .self = monitor,
        .point = on_point,
        .begun = monitor_on_begun,
        .ended = monitor_on_ended,
    };
}

void monitor_event(struct monitor *monitor, const struct event_row *event,
                   const struct workflow_row *row)
{
    struct observer_sink sink = sink_of(monitor);
    observer_event(monitor->observer, event, row, &monitor->now, &sink);
    if (event->seq > monitor->points_seq) {
        monitor->points_seq = event->seq;
    }
    monitor->are_models_dirty = true;
}

void monitor_effects(struct monitor *monitor, int64_t workflow,
                     const struct effect_row *rows, size_t n)
{
    struct observer_sink sink = sink_of(monitor);
    observer_effects(monitor->observer, workflow, rows, n, &monitor->now, &sink);
    monitor->are_models_dirty = true;
}

void monitor_span(struct monitor *monitor, const struct span_row *span)
{
    monitor->span_seq = span->seq;
    if (strcmp(span->kind, "call") != 0 || span->end_us < span->start_us) {
        return;
    }
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(span->attributes, strlen(span->attributes), &ignored);
    const char *service = json_str(root, "signalbox.service", "");
    if (service[0] != '\0') {
        char component[120];
        struct wall at = {span->end_us / 1000};
        (void)snprintf(component, sizeof(component), "service:%s", service);
        monitor_point(monitor, METRIC_SERVICE_LATENCY, service, NULL, component, at,
                      (double)(span->end_us - span->start_us) / 1e6);
        monitor_point(monitor, METRIC_SERVICE_CALLS, service, NULL, component, at, 1);
    }
    json_free(root);
}

int64_t monitor_delivery_seq(const struct monitor *monitor)
{
    return monitor->delivery_seq;
}

/* Review states of GitHub; docs.github.com, "REST API endpoints for pull request reviews". */
static const char *const review_states[] = {"approved", "changes_requested", "commented",
                                            "dismissed"};

void monitor_delivery(struct monitor *monitor, const struct delivery_row *row)
{
    monitor->delivery_seq = row->seq;
    if (strcmp(row->event, "pull_request_review") != 0) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(review_states); i++) {
        if (strstr(row->text, review_states[i]) != NULL) {
            monitor_point(monitor, METRIC_REVIEW, review_states[i], NULL, "engine",
                          row->at, 1);
            return;
        }
    }
}

static double ratio(int64_t part, int64_t whole)
{
    return part >= 0 && whole > 0 ? (double)part / (double)whole : (double)NAN;
}

static double known(int64_t value)
{
    return value >= 0 ? (double)value : (double)NAN;
}

static double openness(enum breaker_state state)
{
    return state == BREAKER_OPEN || state == BREAKER_FORCED_OPEN ? 1
           : state == BREAKER_HALF_OPEN                          ? 0.5
                                                                 : 0;
}

static void push_service(struct monitor *monitor, struct wall now,
                         const struct service_row *row,
                         const struct service_detail *detail)
{
    const struct {
        enum metric_id metric;
        double value;
    } points[] = {
        {METRIC_SERVICE_BREAKER,         openness(row->state)                       },
        {METRIC_SERVICE_ERROR,           ratio(detail->failure_percent,               100)},
        {METRIC_SERVICE_SLOW,                              ratio(detail->slow_percent,                                                       100)},
        {METRIC_SERVICE_QUOTA,                          known(detail->rate_remaining)              },
        {METRIC_SERVICE_QUOTA_LEFT,ratio(detail->rate_remaining,     detail->rate_limit)},
        {METRIC_SERVICE_PROBE,
         wall_is_set(detail->probe_at) ? (double)detail->is_probe_fine : (double)NAN                                              },
        {METRIC_SERVICE_IN_FLIGHT,           known(detail->in_flight)},
        {METRIC_SERVICE_WAITING,       known(detail->waiting)               },
        {METRIC_SERVICE_FALLBACK,         detail->fallback_to[0] != '\0' ? 1 : 0                       },
    };
    char component[120], limit[120];
    (void)snprintf(component, sizeof(component), "service:%s", row->name);
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        monitor_point(monitor, points[i].metric, row->name, NULL, component, now,
                      points[i].value);
    }
    (void)snprintf(limit, sizeof(limit), "bulkhead:%s", row->name);
    monitor_point(monitor, METRIC_LIMIT_USED, limit, NULL, component, now,
                  ratio(detail->in_flight, detail->limit));
    monitor_point(monitor, METRIC_LIMIT_SIZE, limit, NULL, component, now,
                  known(detail->limit));
}

void monitor_services(struct monitor *monitor, struct wall now,
                      const struct service_row *rows,
                      const struct service_detail *details, size_t n)
{
    arena_reset(monitor->world_arena);
    const char **open = arena_array(monitor->world_arena, n, sizeof(*open));
    size_t n_open = 0, n_bad = 0;
    for (size_t i = 0; i < n; i++) {
        push_service(monitor, now, &rows[i], &details[i]);
        n_bad += rows[i].state != BREAKER_CLOSED;
        if (openness(rows[i].state) >= 1) {
            open[n_open++] = arena_str(monitor->world_arena, rows[i].name);
        }
    }
    monitor->world.open_breakers = open;
    monitor->world.n_open_breakers = n_open;
    monitor->now.bad_services = (double)n_bad;
    struct world_edge *edges = arena_array(monitor->world_arena, n, sizeof(*edges));
    for (size_t i = 0; i < n; i++) { /* work needs the services */
        edges[i] = (struct world_edge){
            "engine", arena_printf(monitor->world_arena, "service:%s", rows[i].name)};
    }
    monitor->world.edges = edges;
    monitor->world.n_edges = n;
    monitor_predict_services(monitor, now, rows, details, n);
    monitor->n_watched = 0;
    for (size_t i = 0; i < n && i < WATCHED_MAX; i++) {
        struct watched *watched = &monitor->watched[monitor->n_watched++];
        (void)snprintf(watched->name, sizeof(watched->name), "%s", rows[i].name);
        watched->token_end = details[i].token_end;
    }
}

void monitor_silences(struct monitor *monitor, const struct silence_row *rows, size_t n)
{
    arena_reset(monitor->silence_arena);
    struct silence_row *copies = arena_array(monitor->silence_arena, n, sizeof(*copies));
    for (size_t i = 0; i < n; i++) {
        copies[i] = rows[i];
        copies[i].match = arena_str(monitor->silence_arena, rows[i].match);
        copies[i].author = arena_str(monitor->silence_arena, rows[i].author);
        copies[i].reason = arena_str(monitor->silence_arena, rows[i].reason);
    }
    monitor->world.silences = copies;
    monitor->world.n_silences = n;
}

void monitor_resolve(struct monitor *monitor, int64_t incident, struct wall now)
{
    (void)anomaly_book_resolve_incident(monitor->book, incident, now);
}

void monitor_scrape(struct monitor *monitor, const struct scrape_spec *spec,
                    struct wall at, const char *text, size_t len, const char *error)
{
    size_t n_refused = 0;
    struct series_signal signal;
    char component[120];
    struct exposition_report report = {0};
    if (error == NULL) {
        report = scrape_push(monitor->series, spec->name, text, len, at, monitor_signal,
                             monitor, &n_refused);
    }
    (void)snprintf(component, sizeof(component), "scrape:%s", spec->name);
    char labels[SERIES_LABELS_MAX];
    struct series_label label = {"scrape", spec->name};
    if (!series_labels(&label, 1, labels)) {
        return;
    }
    int32_t id = series_open_scraped(monitor->series, SCRAPE_UP, KIND_GAUGE, "", labels,
                                     component);
    bool is_up = error == NULL && report.n_samples > 0;
    if (id != SERIES_NONE &&
        series_push(monitor->series, id, at, is_up ? 1 : 0, &signal)) {
        monitor_signal(monitor, &signal);
    }
}

void monitor_tick(struct monitor *monitor, struct wall now, const struct totals *totals)
{
    struct observer_sink sink = sink_of(monitor);
    struct series_signal signal;
    int32_t iter = 0;
    int64_t running = 0;
    for (int state = STATE_PLANNING; state <= STATE_VALIDATING; state++) {
        running += totals->by_state[state];
    }
    monitor->now.queued = (double)totals->by_wait[WAIT_SLOT];
    monitor->now.running = (double)running;
    monitor->now.anomalies = (double)anomaly_book_counts(monitor->book).n_open;
    monitor->is_sampling = true;
    observer_tick(monitor->observer, now, totals, &monitor->now, &sink);
    monitor->is_sampling = false;
    push_counters(monitor, now);
    while (series_next_due(monitor->series, now, &iter, &signal)) {
        monitor_signal(monitor, &signal);
    }
    iter = 0;
    while (series_next_silent(monitor->series, now, &iter, &signal)) {
        monitor_signal(monitor, &signal);
    }
    anomaly_book_tick(monitor->book, monitor->rules, &monitor->world, now);
    monitor_score_levels(monitor, now);
}

/* ---- findings ---- */

static void add_outbox(struct monitor *monitor, const struct discovery *discovery)
{
    if (monitor->n_outbox == OUTBOX_CAP) {
        return; /* not written for long; rows come again when they change */
    }
    AUTO_FREE char *json = discovery_format(discovery);
    monitor->outbox[monitor->n_outbox++] = (struct metric_finding){
        .number = monitor->memory->next_finding++,
        .kind = discovery->incident != NULL,
        .json = arena_str(monitor->rows_arena, json),
    };
}

bool monitor_gather(struct monitor *monitor)
{
    struct anomaly_changes changes;
    struct arena *arena = arena_new();
    anomaly_book_take(monitor->book, monitor->rules, &monitor->world, arena, &changes);
    for (size_t i = 0; i < changes.n_incidents; i++) {
        add_outbox(monitor, &(struct discovery){.incident = &changes.incidents[i]});
    }
    for (size_t i = 0; i < changes.n_anomalies; i++) {
        add_outbox(monitor, &(struct discovery){.anomaly = &changes.anomalies[i]});
    }
    arena_free(arena);
    if (changes.n_incidents + changes.n_anomalies == 0) {
        return false;
    }
    monitor->is_book_dirty = true;
    return true;
}

void monitor_rewind(struct monitor *monitor, int64_t event, int64_t span,
                    int64_t delivery)
{
    observer_rewind(monitor->observer, event);
    monitor->span_seq = monitor->span_seq < span ? monitor->span_seq : span;
    monitor->delivery_seq =
        monitor->delivery_seq < delivery ? monitor->delivery_seq : delivery;
}

bool monitor_ids_taken(struct monitor *monitor, int64_t last_anomaly,
                       int64_t last_incident)
{
    monitor->is_book_dirty = true;
    return anomaly_book_continue(monitor->book, last_anomaly, last_incident);
}

void monitor_stray(struct monitor *monitor, const struct discovery *discovery,
                   struct wall now)
{
    if (discovery->anomaly != NULL) {
        struct anomaly_row row = *discovery->anomaly;
        row.closed_at = now;
        row.closed_by = "silent";
        if (!anomaly_book_has(monitor->book, row.id)) {
            add_outbox(monitor, &(struct discovery){.anomaly = &row});
        }
        return;
    }
    struct incident_row row = *discovery->incident;
    row.closed_at = row.changed_at = now;
    row.n_open = 0;
    if (!anomaly_book_has_incident(monitor->book, row.id)) {
        add_outbox(monitor, &(struct discovery){.incident = &row});
    }
}

void monitor_taken(struct monitor *monitor, int64_t number)
{
    if (monitor->memory->next_finding <= number) {
        monitor->memory->next_finding = number + 1;
    }
}

void monitor_put_prediction(struct monitor *monitor, const struct metric_prediction *row)
{
    struct arena *arena = monitor->rows_arena;
    if (monitor->n_predictions == PREDICTIONS_CAP) {
        return;
    }
    struct metric_prediction *copy = &monitor->predictions[monitor->n_predictions++];
    *copy = *row;
    copy->kind = arena_str(arena, row->kind);
    copy->subject = arena_str(arena, row->subject);
    copy->detail = arena_str(arena, row->detail);
}

void monitor_put_score(struct monitor *monitor, int64_t prediction, struct wall at,
                       double outcome)
{
    if (monitor->n_scores < PREDICTIONS_CAP) {
        monitor->scores[monitor->n_scores++] = (struct score){prediction, at, outcome};
    }
}

void monitor_put_forecast(struct monitor *monitor, const struct metric_forecast *row)
{
    if (monitor->n_forecasts < FORECASTS_CAP) {
        struct metric_forecast *copy = &monitor->forecasts[monitor->n_forecasts++];
        *copy = *row;
        copy->subject = arena_str(monitor->rows_arena, row->subject);
        copy->json = arena_str(monitor->rows_arena, row->json);
    }
}
