/* SPDX-License-Identifier: MIT */
#include "tui/metric_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/sketch.h"
#include "engine/base/text.h"
#include "engine/monitor/detect.h"
#include "engine/monitor/metric.h"
#include "engine/predict/forecast.h"
#include "tui/rank.h"

#define WARM_SPANS     3 /* spans of points before what is shown, for band and forecast */
#define POINTS_MAX     40000 /* of one line */
#define FORECAST_STEPS 48    /* at most, for a quarter of the span */
#define HISTORY_MAX    400   /* values that a forecast is made of */
#define SPARK_MS       INT64_C(3600000)

/* ---- text ------------------------------------------------------------------------------- */

/* A value in the unit that people read, and that unit. */
static double to_read(double value, const char *unit, double size, bool *is_rate,
                      const char **ret_unit)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
    *ret_unit = "";
    if (strcmp(unit, "bytes") == 0) {
        size_t i = 0;
        for (; size >= 1024 && i + 1 < ARRAY_LEN(units); i++) {
            size /= 1024;
            value /= 1024;
        }
        *ret_unit = units[i];
    } else if (strcmp(unit, "ratio") == 0 || (strcmp(unit, "seconds") == 0 && *is_rate)) {
        *ret_unit = " %"; /* seconds in a second are a share too */
        *is_rate = false;
        value *= 100;
    } else if (strcmp(unit, "seconds") == 0) {
        *ret_unit = size > 0 && size < 1 ? " ms" : size < 300 ? " s" : " min";
        value *= size > 0 && size < 1 ? 1000 : size < 300 ? 1 : 1.0 / 60;
    } else if (size >= 1e6) {
        *ret_unit = " M";
        value /= 1e6;
    }
    return value;
}

const char *metric_axis_text(double value, double step, double top, const char *unit,
                             bool is_rate, char text[METRIC_TEXT_MAX])
{
    const char *shown;
    double size = fmax(fabs(top), fabs(step));
    text[0] = '\0';
    if (!isfinite(value))
        return text;
    bool is_step_rate = is_rate;
    double number = to_read(value, unit, size, &is_rate, &shown);
    double apart = fabs(to_read(step, unit, size, &is_step_rate, &shown));
    int digits = apart > 0 && apart < 1 ? (int)ceil(-log10(apart) - 1e-9) : 0;
    (void)snprintf(text, METRIC_TEXT_MAX, "%.*f%s%s", digits < 9 ? digits : 9, number,
                   shown, is_rate ? "/s" : "");
    return text;
}

const char *metric_value_text(double value, const char *unit, bool is_rate,
                              char text[METRIC_TEXT_MAX])
{
    const char *shown;
    text[0] = '\0';
    if (!isfinite(value))
        return text;
    double number = to_read(value, unit, fabs(value), &is_rate, &shown),
           size = fabs(number);
    int digits = size >= 100 || number == floor(number) ? 0
                 : size >= 10                           ? 1
                 : size >= 0.1                          ? 2
                                                        : 4;
    (void)snprintf(text, METRIC_TEXT_MAX, "%.*f%s%s", digits, number, shown,
                   is_rate ? "/s" : "");
    return text;
}

static const char *clean(struct arena *arena, const char *text, size_t max)
{
    char *copy = arena_alloc(arena, max);
    (void)text_clean_into(copy, max, text);
    return copy;
}

static const char *title_of(struct arena *arena, const struct metric_series *row)
{
    const char *text = row->labels[0] == '\0'
                           ? row->name
                           : arena_printf(arena, "%s{%s}", row->name, row->labels);
    return clean(arena, text, strlen(text) + 1);
}

/* ---- points ----------------------------------------------------------------------------- */

/* What a person would call the value of an interval; of a summary what is judged. */
static double figure_of(const struct metric_point *point)
{
    struct sketch sketch;
    if (point->sketch != NULL && sketch_parse(point->sketch, point->sketch_len, &sketch))
        return sketch_quantile(&sketch, METRIC_JUDGED_QUANTILE);
    return point->n > 0 ? point->sum / (double)point->n : (double)NAN;
}

static int64_t interval_of(enum metric_level level)
{
    static const int64_t intervals[] = {
#define X(id, word, ms, days) ms,
        METRIC_LEVEL_LIST(X)
#undef X
    };
    return intervals[level];
}

/* The finest level that keeps all of it and is not ten times finer than a slot. */
static enum metric_level level_for(int64_t span_ms, int64_t slot_ms)
{
    static const int64_t days[] = {
#define X(id, word, ms, kept_days) kept_days,
        METRIC_LEVEL_LIST(X)
#undef X
    };
    enum metric_level level = LEVEL_RAW;
    while (level + 1 < LEVEL_COUNT && (days[level] * INT64_C(86400000) < span_ms ||
                                       interval_of(level + 1) <= slot_ms))
        level++;
    return level;
}

/* ---- list ------------------------------------------------------------------------------- */

static bool has_words(const struct metric_series *row, const char *words)
{
    char word[128];
    for (const char *at = words; *at != '\0';) {
        size_t len = strcspn(at, " ");
        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        if (len > 0 && strcasestr(row->name, word) == NULL &&
            strcasestr(row->labels, word) == NULL &&
            strcasestr(row->component, word) == NULL)
            return false;
        at += len + (at[len] == ' ');
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct metric_series *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->labels, y->labels);
}

static bool read_spark(struct metric_reader *reader, struct arena *arena, struct wall now,
                       struct metric_row *row, struct err *err)
{
    struct metric_point *points = NULL;
    size_t n = 0;
    struct metric_query query = {.series = row->id,
                                 .level = LEVEL_MINUTE,
                                 .from = {now.ms - SPARK_MS},
                                 .to = {now.ms + 60000}};
    double *means = arena_array(arena, METRIC_SPARK, sizeof *means);
    int counts[METRIC_SPARK] = {0};
    if (!metric_reader_points(reader, arena, &query, &points, &n, err))
        return false;
    for (size_t i = 0; i < METRIC_SPARK; i++)
        means[i] = (double)NAN;
    for (size_t i = 0; i < n; i++) {
        int64_t slot = (points[i].at.ms - query.from.ms) * METRIC_SPARK / SPARK_MS;
        double value = figure_of(&points[i]);
        if (slot < 0 || slot >= METRIC_SPARK || !isfinite(value))
            continue;
        double sum = counts[slot] > 0 ? means[slot] * counts[slot] : 0;
        means[slot] = (sum + value) / ++counts[slot];
    }
    row->spark = means;
    return true;
}

static const struct anomaly_row *anomaly_of(const char *title,
                                            const struct anomaly_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!wall_is_set(rows[i].closed_at) && strcmp(rows[i].series, title) == 0)
            return &rows[i];
    return NULL;
}

static struct metric_row row_of(struct arena *arena, const struct metric_series *series,
                                const struct metric_list_ask *ask)
{
    struct metric_row row = {
        .id = series->id,
        .title = title_of(arena, series),
        .component = clean(arena, series->component, 120),
        .unit = clean(arena, series->unit, 24),
        .is_rate = series->kind == KIND_COUNTER,
        .newest_at = series->newest_at,
        .newest = series->newest,
    };
    row.anomaly = anomaly_of(row.title, ask->anomalies, ask->n_anomalies);
    return row;
}

bool metric_read_list(struct metric_reader *reader, struct arena *arena,
                      const struct metric_list_ask *ask, struct metric_list *ret,
                      struct err *err)
{
    struct metric_series *series = NULL;
    size_t n_all = 0, n = 0;
    if (!metric_reader_series(reader, arena, &series, &n_all, err))
        return false;
    for (size_t i = 0; i < n_all; i++)
        if (has_words(&series[i], ask->words))
            series[n++] = series[i];
    if (n > 1)
        qsort(series, n, sizeof *series, compare);
    n = n < METRIC_ROWS_MAX ? n : METRIC_ROWS_MAX;
    struct metric_row *rows = arena_array(arena, n, sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of(arena, &series[i], ask);
    if (ask->order != 0 || ask->is_reversed)
        rank_metrics(rows, n, ask->order, ask->is_reversed);
    for (size_t i = 0; i < n; i++) {
        if (i >= ask->first && i - ask->first < ask->n_sparks &&
            !read_spark(reader, arena, ask->now, &rows[i], err))
            return false;
    }
    *ret = (struct metric_list){rows, n, n_all};
    return true;
}

/* ---- chart ------------------------------------------------------------------------------ */

struct slots {
    struct plot_slot *at;
    size_t n;
    int64_t from_ms, slot_ms;
};

static void clear_slots(struct slots *slots)
{
    for (size_t i = 0; i < slots->n; i++)
        slots->at[i] = (struct plot_slot){.min = (double)NAN,
                                          .max = (double)NAN,
                                          .mean = (double)NAN,
                                          .low = (double)NAN,
                                          .high = (double)NAN};
}

static void add_point(struct slots *slots, const struct metric_point *point, double value,
                      const struct detect_result *result)
{
    int64_t at = (point->at.ms - slots->from_ms) / slots->slot_ms;
    if (point->at.ms < slots->from_ms || at >= (int64_t)slots->n)
        return;
    struct plot_slot *slot = &slots->at[at];
    bool is_summary = point->sketch != NULL;
    double min = is_summary ? value : point->min, max = is_summary ? value : point->max;
    slot->mean = slot->n == 0 ? value : slot->mean + (value - slot->mean) / (slot->n + 1);
    slot->min = slot->n == 0 ? min : fmin(slot->min, min);
    slot->max = slot->n == 0 ? max : fmax(slot->max, max);
    slot->low = result->low;
    slot->high = result->high;
    slot->n++;
}

/* Means of equal steps of everything that was read, for the forecast. */
struct past {
    double *values;
    double *counts;
    size_t n;
    int64_t from_ms, step_ms;
};

static void add_past(struct past *past, int64_t at_ms, double value)
{
    int64_t at = (at_ms - past->from_ms) / past->step_ms;
    if (at < 0 || at >= (int64_t)past->n)
        return;
    double n = past->counts[at]++;
    past->values[at] =
        n > 0 ? past->values[at] + (value - past->values[at]) / (n + 1) : value;
}

static void forecast(const struct past *past, struct slots *slots, size_t n_past,
                     const char **ret_model)
{
    struct arena *arena = arena_new();
    struct forecast_step steps[FORECAST_STEPS + 2];
    struct forecast_report report;
    int64_t to_ms = slots->from_ms + (int64_t)slots->n * slots->slot_ms;
    int64_t now_ms = past->from_ms + (int64_t)past->n * past->step_ms;
    int64_t horizon = (to_ms - now_ms + past->step_ms - 1) / past->step_ms;
    horizon = horizon > FORECAST_STEPS + 2 ? FORECAST_STEPS + 2 : horizon;
    struct forecast_task task = {
        .values = past->values, .n = past->n, .horizon = (int)horizon};
    if (horizon > 0 && forecast_run(&task, arena, steps, &report)) {
        for (size_t i = n_past; i < slots->n; i++) {
            int64_t at = slots->from_ms + (int64_t)i * slots->slot_ms - now_ms;
            int64_t step = at < 0 ? 0 : at / past->step_ms;
            if (step >= horizon)
                break;
            slots->at[i].mean = steps[step].value;
            slots->at[i].low = steps[step].lo80;
            slots->at[i].high = steps[step].hi80;
        }
        *ret_model = forecast_word(report.best);
    }
    arena_free(arena);
}

static struct past past_new(struct arena *arena, int64_t from_ms, int64_t end_ms,
                            int64_t span_ms)
{
    struct past past = {.step_ms = span_ms / 4 / FORECAST_STEPS};
    past.step_ms = past.step_ms < 1000 ? 1000 : past.step_ms;
    past.n = (size_t)((end_ms - from_ms) / past.step_ms);
    past.n = past.n < HISTORY_MAX ? past.n : HISTORY_MAX;
    past.from_ms = end_ms - (int64_t)past.n * past.step_ms;
    past.values = arena_array(arena, past.n, sizeof *past.values);
    past.counts = arena_array(arena, past.n, sizeof *past.counts);
    for (size_t i = 0; i < past.n; i++)
        past.values[i] = (double)NAN;
    return past;
}

static bool read_line(struct metric_reader *reader, struct arena *arena,
                      const struct metric_ask *ask, struct metric_chart *chart,
                      struct metric_line *line, struct err *err)
{
    int64_t end_ms = chart->from.ms + (int64_t)chart->n_past * chart->slot.ms;
    int64_t from_ms = chart->from.ms - WARM_SPANS * ask->span.ms;
    struct slots slots = {.at = arena_array(arena, chart->n_slots, sizeof *slots.at),
                          .n = chart->n_slots,
                          .from_ms = chart->from.ms,
                          .slot_ms = chart->slot.ms};
    struct past past = past_new(arena, from_ms, end_ms, ask->span.ms);
    struct metric_query query = {.series = line->id,
                                 .level = chart->level,
                                 .from = {from_ms},
                                 .to = {end_ms},
                                 .max = POINTS_MAX};
    struct metric_point *points = NULL;
    size_t n = 0;
    struct arena *own = arena_new(); /* many points, few slots */
    struct detector *detector = arena_alloc(own, sizeof *detector);
    clear_slots(&slots);
    detect_init(detector);
    bool is_read = metric_reader_points(reader, own, &query, &points, &n, err);
    for (size_t i = 0; is_read && i < n; i++) {
        double value = figure_of(&points[i]);
        if (!isfinite(value))
            continue;
        struct detect_result result = detect_step(detector, points[i].at, value);
        add_point(&slots, &points[i], value, &result);
        add_past(&past, points[i].at.ms, value);
    }
    arena_free(own);
    if (is_read && ask->has_forecast && line == &chart->lines[0])
        forecast(&past, &slots, chart->n_past, &chart->model);
    line->slots = slots.at;
    return is_read;
}

static bool find_line(const struct metric_series *series, size_t n, int32_t id,
                      struct arena *arena, struct metric_line *ret)
{
    for (size_t i = 0; i < n; i++)
        if (series[i].id == id) {
            *ret = (struct metric_line){.id = id,
                                        .title = title_of(arena, &series[i]),
                                        .unit = clean(arena, series[i].unit, 24),
                                        .is_rate = series[i].kind == KIND_COUNTER,
                                        .newest = series[i].newest,
                                        .newest_at = series[i].newest_at};
            return true;
        }
    return false;
}

/* Slots begin at multiples of their length, and the last of the past holds the end. */
static void lay_out(const struct metric_ask *ask, struct metric_chart *chart)
{
    size_t n = ask->n_slots < 16                 ? 16
               : ask->n_slots > METRIC_SLOTS_MAX ? METRIC_SLOTS_MAX
                                                 : ask->n_slots;
    int64_t slot = (ask->span.ms + (int64_t)n - 1) / (int64_t)n;
    slot = slot < 1 ? 1 : slot;
    int64_t end = (ask->end.ms / slot + 1) * slot;
    chart->slot = (struct span){slot};
    chart->n_slots = n;
    chart->n_past = ask->has_forecast ? n - n / 5 : n;
    chart->from = (struct wall){end - (int64_t)chart->n_past * slot};
    chart->to = (struct wall){chart->from.ms + (int64_t)n * slot};
    chart->level = level_for(ask->span.ms, slot);
    chart->model = "";
}

bool metric_read_chart(struct metric_reader *reader, struct arena *arena,
                       const struct metric_ask *ask, struct metric_chart *ret,
                       struct err *err)
{
    struct metric_series *series = NULL;
    size_t n = 0;
    *ret = (struct metric_chart){0};
    lay_out(ask, ret);
    if (!metric_reader_series(reader, arena, &series, &n, err))
        return false;
    for (size_t i = 0; i < ask->n && i < PLOT_LINES_MAX; i++) {
        struct metric_line *line = &ret->lines[ret->n_lines];
        if (!find_line(series, n, ask->ids[i], arena, line))
            continue;
        if (!read_line(reader, arena, ask, ret, line, err))
            return false;
        ret->n_lines++;
    }
    ret->is_missing = ret->n_lines == 0;
    return true;
}

void metric_chart_anomalies(struct metric_chart *chart, struct arena *arena,
                            const struct anomaly_row *rows, size_t n)
{
    if (chart->n_lines == 0)
        return;
    struct anomaly_row *kept = arena_array(arena, n, sizeof *kept);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].series, chart->lines[0].title) == 0 &&
            rows[i].began_at.ms < chart->to.ms &&
            (!wall_is_set(rows[i].closed_at) || rows[i].closed_at.ms >= chart->from.ms))
            kept[chart->n_anomalies++] = rows[i];
    chart->anomalies = kept;
}
