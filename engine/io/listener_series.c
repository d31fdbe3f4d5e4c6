/* SPDX-License-Identifier: MIT */

/*
 * What /metrics says beside the totals: the newest value of each series of the monitor, from
 * its file, and how long spans took, with an exemplar for each bucket, from the store.
 */
#include <math.h>

#include "engine/base/mem.h"
#include "engine/base/sketch.h"
#include "engine/io/listener_series.h"
#include "engine/monitor/metric.h"
#include "store/finding.h"
#include "store/metric_store.h"

#define STALE_MS   600000 /* a series that says nothing for so long is unknown */
#define SUMMARIES  256    /* whose quantiles are looked up in one answer */
#define HOUR_MS    3600000
#define SPAN_CHUNK 2000
#define SPAN_LOOKS 20   /* chunks in one answer: the rest comes with the next */
#define SPAN_BACK  5000 /* spans before the first look that may be of this engine */

static const double bounds[] = {0.005, 0.025, 0.1, 0.5, 1,    5,
                                15,    60,    300, 900, 3600, 14400};
#define BUCKETS (ARRAY_LEN(bounds) + 1)

static const char *const kinds[] = {"workflow", "state", "step", "call", "recovery"};

/* Of one kind of span. */
struct durations {
    int64_t counts[BUCKETS];
    double sum;
    struct openmetrics_exemplar exemplars[BUCKETS]; /* the newest of each */
};

struct listener_series {
    char *path; /* of the metrics file */
    struct metric_reader *reader;
    int64_t span; /* newest one that is counted; -1 = not looked yet */
    struct wall since;
    struct durations durations[ARRAY_LEN(kinds)];
};

struct listener_series *listener_series_new(const char *store)
{
    struct listener_series *series = mem_alloc(sizeof(*series));
    series->path = metric_store_path(store);
    series->span = -1;
    series->since = wall_now();
    return series;
}

void listener_series_free(struct listener_series *series)
{
    if (series != NULL) {
        metric_reader_close(series->reader);
        free(series->path);
        free(series);
    }
}

/* ---- the monitor's series -------------------------------------------------------------
 */

static int compare_names(const void *a, const void *b)
{
    const struct metric_series *one = a, *other = b;
    int by_name = strcmp(one->name, other->name);
    return by_name != 0 ? by_name : strcmp(one->labels, other->labels);
}

/* "workflow_submitted_total" is kept as its rate: "..._submitted_per_second". */
static void rate_name(const char *name, char *out, size_t cap)
{
    size_t len = strlen(name);
    static const char suffix[] = "_total";
    bool has_suffix =
        len > strlen(suffix) && strcmp(name + len - strlen(suffix), suffix) == 0;
    (void)snprintf(out, cap, "signalbox_%.*s_per_second",
                   (int)(has_suffix ? len - strlen(suffix) : len), name);
}

/* Quantiles of what was measured in this hour and the one before. */
static void put_quantiles(struct openmetrics *m, struct metric_reader *reader,
                          const struct metric_series *row, struct wall now)
{
    static const struct {
        double q;
        const char *text;
    } quantiles[] = {
        {0.5,  "0.5" },
        {0.95, "0.95"},
        {0.99, "0.99"},
    };
    struct err err = ERR_INIT;
    struct arena *arena = arena_new();
    struct metric_point *points = NULL;
    size_t n = 0;
    struct sketch all;
    const struct metric_query query = {
        .series = row->id, .level = LEVEL_HOUR, .from = {now.ms - 2 * HOUR_MS}, .max = 3};
    sketch_init(&all);
    if (metric_reader_points(reader, arena, &query, &points, &n, &err)) {
        for (size_t i = 0; i < n; i++) {
            struct sketch one;
            if (points[i].sketch != NULL &&
                sketch_parse(points[i].sketch, points[i].sketch_len, &one)) {
                sketch_merge(&all, &one);
            }
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(quantiles) && all.n > 0; i++) {
        AUTO_FREE char *labels =
            mem_printf("%s%squantile=\"%s\"", row->labels,
                       row->labels[0] != '\0' ? "," : "", quantiles[i].text);
        openmetrics_sample_text(m, labels, sketch_quantile(&all, quantiles[i].q));
    }
    arena_free(arena);
}

static void put_family(struct openmetrics *m, const struct metric_series *row,
                       const struct metric *metric)
{
    char name[OPENMETRICS_NAME_MAX], help[300];
    switch (metric->kind) {
    case KIND_COUNTER:
        rate_name(row->name, name, sizeof(name));
        (void)snprintf(help, sizeof(help), "%s; per second", metric->help);
        openmetrics_family(m, name, OPENMETRICS_GAUGE, "", help);
        break;
    case KIND_SUMMARY:
        (void)snprintf(name, sizeof(name), "signalbox_%s", row->name);
        openmetrics_family(m, name, OPENMETRICS_SUMMARY, metric->unit, metric->help);
        break;
    default:
        (void)snprintf(name, sizeof(name), "signalbox_%s", row->name);
        openmetrics_family(m, name, OPENMETRICS_GAUGE, metric->unit, metric->help);
        break;
    }
}

static void put_rows(struct openmetrics *m, struct metric_reader *reader,
                     const struct metric_series *rows, size_t n, struct wall now)
{
    const char *last = "";
    int n_summaries = 0;
    for (size_t i = 0; i < n; i++) {
        enum metric_id id;
        if (!metric_find(rows[i].name, &id) || now.ms - rows[i].newest_at.ms > STALE_MS ||
            isnan(rows[i].newest)) {
            continue; /* scraped: its own exporter tells it; or unknown */
        }
        struct metric metric = metric_get(id);
        if (strcmp(last, rows[i].name) != 0) {
            put_family(m, &rows[i], &metric);
            last = rows[i].name;
        }
        if (metric.kind != KIND_SUMMARY) {
            openmetrics_sample_text(m, rows[i].labels, rows[i].newest);
        } else if (n_summaries++ < SUMMARIES) {
            put_quantiles(m, reader, &rows[i], now);
        }
    }
}

static void put_series(struct listener_series *series, struct openmetrics *m,
                       struct wall now)
{
    struct err err = ERR_INIT;
    struct metric_series *rows = NULL;
    size_t n = 0;
    if (series->reader == NULL) {
        series->reader = metric_reader_open(series->path, &err);
    }
    if (series->reader == NULL) {
        return; /* no monitor has run yet */
    }
    struct arena *arena = arena_new();
    if (metric_reader_series(series->reader, arena, &rows, &n, &err)) {
        qsort(rows, n, sizeof(*rows), compare_names);
        put_rows(m, series->reader, rows, n, now);
    } else { /* replaced, or damaged: the next answer looks anew */
        metric_reader_close(series->reader);
        series->reader = NULL;
    }
    arena_free(arena);
}

/* ---- spans ----------------------------------------------------------------------------
 */

static void count_span(struct listener_series *series, const struct span_row *span)
{
    size_t kind = 0, bucket = 0;
    double seconds = (double)(span->end_us - span->start_us) / 1e6;
    while (kind < ARRAY_LEN(kinds) && strcmp(kinds[kind], span->kind) != 0) {
        kind++;
    }
    if (kind == ARRAY_LEN(kinds) || span->end_us / 1000 < series->since.ms) {
        return; /* of an engine before this one */
    }
    while (bucket < ARRAY_LEN(bounds) && seconds > bounds[bucket]) {
        bucket++;
    }
    struct durations *durations = &series->durations[kind];
    struct openmetrics_exemplar *exemplar = &durations->exemplars[bucket];
    durations->counts[bucket]++;
    durations->sum += seconds;
    memcpy(exemplar->trace, span->trace, sizeof(exemplar->trace));
    memcpy(exemplar->span, span->span, sizeof(exemplar->span));
    exemplar->value = seconds;
    exemplar->at.ms = span->end_us / 1000;
}

static void follow_spans(struct listener_series *series, struct reader *reader)
{
    struct err err = ERR_INIT;
    if (series->span < 0) {
        int64_t last = reader_last_span(reader);
        series->span = last > SPAN_BACK ? last - SPAN_BACK : 0;
    }
    struct arena *arena = arena_new();
    size_t n = SPAN_CHUNK;
    for (int i = 0; i < SPAN_LOOKS && n == SPAN_CHUNK; i++) {
        const struct span_row *rows = NULL;
        arena_reset(arena);
        if (!reader_spans(reader, arena, 0, series->span, SPAN_CHUNK, &rows, &n, &err)) {
            break;
        }
        for (size_t k = 0; k < n; k++) {
            count_span(series, &rows[k]);
            series->span = rows[k].seq;
        }
    }
    arena_free(arena);
}

static void put_spans(const struct listener_series *series, struct openmetrics *m)
{
    openmetrics_family(m, "signalbox_span_duration_seconds", OPENMETRICS_HISTOGRAM,
                       "seconds", "How long spans took, since the engine started.");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct durations *durations = &series->durations[i];
        openmetrics_histogram(m, METRIC_LABELS("kind", kinds[i]), bounds,
                              durations->counts, ARRAY_LEN(bounds), durations->sum,
                              durations->exemplars);
    }
}

void listener_series_put(struct listener_series *series, struct openmetrics *m,
                         struct reader *reader)
{
    follow_spans(series, reader);
    put_spans(series, m);
    put_series(series, m, wall_now());
}
