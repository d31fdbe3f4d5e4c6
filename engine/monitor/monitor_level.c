/* SPDX-License-Identifier: MIT */

/*
 * Levels that have a limit: how they go on, and when the limit is reached. One series at a time,
 * from its history in the file; the value said for an hour later is scored when the hour is
 * over.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/monitor/monitor_private.h"
#include "engine/predict/capacity.h"
#include "engine/predict/forecast.h"

#define HOUR_MS      INT64_C(3600000)
#define DAY_MS       (24 * HOUR_MS)
#define POINTS_MIN   24   /* fewer of a level, and the next finer one is taken */
#define POINTS_MAX   1500 /* 60 days of hours, or a day of minutes */
#define STEPS        48
#define HORIZON_DAYS 90.0
#define JSON_MAX     65536
#define SIGMAS_80    1.2815515655446004 /* half of an 80 % interval of a normal one */

/* A history at equal distances, NAN where nothing is known. */
struct history {
    double *values;
    size_t n;
    struct span width;
};

static bool read_level(struct monitor *monitor, struct metric_store *store, int32_t id,
                       enum metric_level level, struct wall now, struct arena *arena,
                       struct history *ret_history)
{
    struct err ignored = ERR_INIT;
    struct span width = metric_level_width(level);
    struct wall end = {now.ms - now.ms % width.ms}; /* without the one that goes on */
    struct metric_query query = {
        .series = id,
        .level = level,
        .from = {end.ms - POINTS_MAX * width.ms},
        .to = end,
        .max = POINTS_MAX,
    };
    struct metric_point *points;
    size_t n;
    if (!series_query(monitor->series, store, &query, arena, &points, &n, &ignored) ||
        n < POINTS_MIN) {
        return false;
    }
    size_t length = (size_t)((end.ms - points[0].at.ms) / width.ms);
    if (length < n || length > POINTS_MAX) {
        return false;
    }
    ret_history->values = arena_array(arena, length, sizeof(double));
    ret_history->n = length;
    ret_history->width = width;
    for (size_t i = 0; i < length; i++) {
        ret_history->values[i] = (double)NAN;
    }
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)((points[i].at.ms - points[0].at.ms) / width.ms);
        if (at < length && points[i].n > 0) {
            ret_history->values[at] = points[i].sum / (double)points[i].n;
        }
    }
    return true;
}

static struct capacity_answer run_capacity(const struct metric *metric,
                                           const struct history *history,
                                           struct arena *arena)
{
    bool falls = metric->bad == BAD_LOW; /* trouble is at the bottom */
    double *used = arena_array(arena, history->n, sizeof(*used));
    for (size_t i = 0; i < history->n; i++) {
        used[i] = falls ? -history->values[i] : history->values[i];
    }
    struct capacity_task task = {
        .used = used,
        .n = history->n,
        .limit = falls ? -metric->limit : metric->limit,
        .step = (double)history->width.ms / (double)DAY_MS,
        .horizon = fmin(HORIZON_DAYS, (double)history->n * 2 * (double)history->width.ms /
                                          (double)DAY_MS),
    };
    struct capacity_answer answer = capacity_run(&task, arena);
    if (falls) {
        answer.used = -answer.used;
        answer.rate = -answer.rate;
    }
    return answer;
}

enum bound { BOUND_VALUE, BOUND_LO80, BOUND_HI80, BOUND_LO95, BOUND_HI95, BOUNDS };

static double bound_of(const struct forecast_step *step, enum bound bound)
{
    const double bounds[BOUNDS] = {step->value, step->lo80, step->hi80, step->lo95,
                                   step->hi95};
    return bounds[bound];
}

static void write_steps(struct jsonw *w, const struct forecast_step *steps)
{
    static const char *const keys[BOUNDS] = {"values", "lo80", "hi80", "lo95", "hi95"};
    for (int bound = 0; bound < BOUNDS; bound++) {
        jsonw_open(w, keys[bound], '[');
        for (int i = 0; i < STEPS; i++) {
            jsonw_num(w, NULL, bound_of(&steps[i], (enum bound)bound));
        }
        jsonw_close(w, ']');
    }
}

static void write_capacity(struct jsonw *w, const struct metric *metric,
                           const struct capacity_answer *answer)
{
    jsonw_open(w, "capacity", '{');
    jsonw_str(w, "verdict", capacity_word(answer->verdict));
    jsonw_num(w, "limit", metric->limit);
    jsonw_num(w, "used", answer->used);
    jsonw_num(w, "days", answer->at); /* beyond the horizon: null */
    jsonw_num(w, "low", answer->lo);
    jsonw_num(w, "high", answer->hi);
    jsonw_num(w, "p_within", answer->p_within);
    jsonw_num(w, "rate", answer->rate);
    jsonw_close(w, '}');
}

struct view {
    const struct history *history;
    const struct forecast_step *steps;
    const struct forecast_report *report;
    const struct capacity_answer *capacity;
};

/* A document that the screens and `signalbox health` read. */
static void put_forecast(struct monitor *monitor, const char *subject,
                         const struct metric *metric, struct wall now,
                         const struct view *outlook)
{
    AUTO_BUF struct buf buf;
    struct jsonw w;
    buf_init(&buf, JSON_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "step_ms", outlook->history->width.ms);
    jsonw_str(&w, "model", forecast_word(outlook->report->best));
    jsonw_int(&w, "season", outlook->report->season);
    jsonw_num(&w, "skill", outlook->report->skill);
    write_steps(&w, outlook->steps);
    write_capacity(&w, metric, outlook->capacity);
    jsonw_close(&w, '}');
    monitor_put_forecast(monitor, &(struct metric_forecast){
                                      .subject = subject,
                                      .at = now,
                                      .horizon = {STEPS * outlook->history->width.ms},
                                      .json = buf.data,
                                  });
}

/* What is said for an hour later, to be scored then: chance that it stands higher than now. */
static void put_pending(struct monitor *monitor, int32_t id, const char *subject,
                        struct wall now, const struct forecast_step *step)
{
    double value;
    struct wall at;
    int64_t key = (int64_t)(failure_hash(subject) >> 1);
    double sigma = (step->hi80 - step->lo80) / (2 * SIGMAS_80);
    if (!series_newest(monitor->series, id, &at, &value) || !(sigma > 0) ||
        monitor_find_pending(monitor, MODEL_LEVEL, 0, key) != NULL) {
        return;
    }
    double p = 0.5 * erfc(-(step->value - value) / sigma / sqrt(2.0));
    struct pending *pending = monitor_add_pending(monitor, MODEL_LEVEL, 0, key);
    pending->p = fmin(fmax(p, 0.02), 0.98);
    pending->low = step->lo80;
    pending->mid = step->value;
    pending->high = step->hi80;
    pending->since = value;
    pending->series = id;
    pending->due.ms = now.ms + HOUR_MS;
    monitor_put_prediction(monitor, &(struct metric_prediction){
                                        .id = pending->prediction,
                                        .kind = model_key(MODEL_LEVEL),
                                        .subject = subject,
                                        .at = now,
                                        .p = pending->p,
                                        .base = (double)NAN,
                                        .q10 = step->lo80,
                                        .q50 = step->value,
                                        .q90 = step->hi80,
                                        .outcome = (double)NAN,
                                        .detail = "",
                                    });
}

void monitor_score_levels(struct monitor *monitor, struct wall now)
{
    struct scorecard *card = &monitor->memory->cards.cards[MODEL_LEVEL];
    for (size_t i = 0; i < PENDINGS_MAX; i++) {
        struct pending *pending = &monitor->memory->pendings[i];
        double value;
        struct wall at;
        if (pending->prediction == 0 || pending->model != MODEL_LEVEL ||
            pending->due.ms > now.ms) {
            continue;
        }
        bool is_known = series_newest(monitor->series, pending->series, &at, &value) &&
                        now.ms - at.ms < HOUR_MS / 4;
        bool has_moved = value < pending->since || value > pending->since;
        if (is_known && has_moved) { /* what stood still tells nothing of the way */
            scorecard_add(card, pending->p, value > pending->since);
            scorecard_add_duration(card, pending->mid, pending->low, pending->high,
                                   value);
        }
        if (is_known) {
            monitor_put_score(monitor, pending->prediction, now, value);
        }
        pending->prediction = 0;
        monitor->are_models_dirty = true;
    }
}

static void look_ahead(struct monitor *monitor, struct wall now,
                       struct metric_store *store, int32_t id, struct arena *arena)
{
    const struct series_info *info = series_get(monitor->series, id);
    const struct metric metric = metric_get(info->metric);
    struct history history;
    struct forecast_step steps[STEPS];
    struct forecast_report report;
    if (!read_level(monitor, store, id, LEVEL_HOUR, now, arena, &history) &&
        !read_level(monitor, store, id, LEVEL_MINUTE, now, arena, &history)) {
        return;
    }
    struct forecast_task task = {
        .values = history.values, .n = history.n, .horizon = STEPS};
    if (!forecast_run(&task, arena, steps, &report)) {
        return;
    }
    struct capacity_answer capacity = run_capacity(&metric, &history, arena);
    const char *subject = arena_printf(arena, info->labels[0] != '\0' ? "%s{%s}" : "%s%s",
                                       info->name, info->labels);
    monitor_keep_outlook(monitor, id, now, &capacity);
    struct view outlook = {&history, steps, &report, &capacity};
    put_forecast(monitor, subject, &metric, now, &outlook);
    size_t hour = history.width.ms == HOUR_MS ? 0 : STEPS - 1;
    put_pending(monitor, id, subject, now, &steps[hour]);
    if (capacity.verdict == CAPACITY_WITHIN &&
        scorecard_is_trusted(&monitor->memory->cards.cards[MODEL_LEVEL])) {
        monitor_point(monitor, METRIC_CAPACITY_DAYS, subject, NULL, info->component, now,
                      capacity.at);
    }
}

static bool has_limit(const struct monitor *monitor, int32_t id)
{
    return metric_get(series_get(monitor->series, id)->metric).has_limit;
}

struct span monitor_level_pause(const struct monitor *monitor)
{
    int64_t n = 0;
    for (int32_t id = 0; id < series_count(monitor->series); id++) {
        n += has_limit(monitor, id);
    }
    int64_t pause = MONITOR_LEVEL_MS / (n > 0 ? n : 1);
    return (struct span){pause > 1000 ? pause : 1000};
}

void monitor_level(struct monitor *monitor, struct wall now, struct metric_store *store)
{
    int32_t n = series_count(monitor->series);
    int64_t *turn = &monitor->memory->level_turn;
    for (int32_t tried = 0; tried < n; tried++) {
        *turn = *turn + 1 < n ? *turn + 1 : 0;
        if (has_limit(monitor, (int32_t)*turn)) {
            struct arena *arena = arena_new();
            look_ahead(monitor, now, store, (int32_t)*turn, arena);
            arena_free(arena);
            return;
        }
    }
}
