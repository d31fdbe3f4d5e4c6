/* SPDX-License-Identifier: MIT */

/*
 * From a history to a forecast: clean the values, find the seasons, let the candidates (a model
 * with settings, on one of two scales) forecast from all origins, weight them by how they did,
 * add up, and take the intervals from the errors of that sum.
 */
#include "engine/predict/forecast_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Chosen by cross-validation over whole series; the answer changes little around them. */
#define SHARPNESS      12.0 /* how much less a candidate counts for being worse */
#define ORIGINS        32
#define CELLS          4096 /* origins times steps, so that memory stays small */
#define BEGIN          .25  /* of the history is no part of the backtest */
#define BEST           40   /* candidates in the answer */
#define LATEST         20   /* origins of which the errors make the intervals */
#define NEARNESS       .5   /* of the recent variation in that of an interval */
#define TAILS          1.1  /* few origins show the far errors too seldom */
#define ERRORS_MIN     8    /* for quantiles */
#define ORIGINS_MAX    64
#define CANDIDATES_MAX 768

const char *forecast_word(enum forecast_model model)
{
    static const char *const words[] = {
#define X(id, word, help) word,
        FORECAST_LIST(X)
#undef X
    };
    return (unsigned)model < FORECAST_MODEL_COUNT ? words[model] : "";
}

const char *forecast_help(enum forecast_model model)
{
    static const char *const helps[] = {
#define X(id, word, help) help,
        FORECAST_LIST(X)
#undef X
    };
    return (unsigned)model < FORECAST_MODEL_COUNT ? helps[model] : "";
}

enum scale { SCALE_PLAIN, SCALE_LOG, SCALE_COUNT };

struct candidate {
    enum forecast_model model;
    enum scale scale;
    double *rows; /* n_origins * horizon, on the plain scale */
    double mase;
    double weight;
};

struct work {
    struct arena *arena;
    const struct forecast_task *task;
    size_t n;       /* values that count */
    double *values; /* as given; NAN = unknown */
    double *y[SCALE_COUNT];
    bool has_log;
    double shift;     /* log(value + shift) */
    double low, high; /* what a forecast may be */
    double change;    /* mean absolute difference over a season */
    double size;      /* the same to divide by: 1 where nothing changes */
    int season, season_long;
    size_t origins[ORIGINS_MAX];
    size_t n_origins; /* with the end */
    struct candidate candidates[CANDIDATES_MAX];
    size_t n_candidates;
};

/* Unknown values become those a season before, or lie on the line between their neighbours. */
static void bridge(double *y, size_t n, int season)
{
    size_t first = 0;
    while (first < n && isnan(y[first])) {
        first++;
    }
    for (size_t t = 0; t < first; t++) {
        y[t] = y[first];
    }
    for (size_t t = first; t < n; t++) {
        if (!isnan(y[t])) {
            continue;
        }
        size_t end = t;
        while (end < n && isnan(y[end])) {
            end++;
        }
        double from = y[t - 1], to = end < n ? y[end] : from,
               length = (double)(end - t + 1);
        for (size_t i = t; i < end; i++) {
            bool has_season = season > 1 && end - t > 2 && i >= (size_t)season;
            y[i] = has_season ? y[i - (size_t)season]
                              : from + (to - from) * (double)(i - t + 1) / length;
        }
        t = end;
    }
}

static size_t take_values(struct work *work)
{
    const struct forecast_task *task = work->task;
    size_t skip = task->n > FORECAST_POINTS_MAX ? task->n - FORECAST_POINTS_MAX : 0,
           n_known = 0;
    while (skip < task->n && !isfinite(task->values[skip])) {
        skip++;
    }
    work->n = task->n - skip;
    work->values = arena_array(work->arena, work->n + 1, sizeof(double));
    work->low = (double)INFINITY;
    work->high = -(double)INFINITY;
    for (size_t t = 0; t < work->n; t++) {
        double value = task->values[skip + t];
        work->values[t] = isfinite(value) ? value : (double)NAN;
        if (isfinite(value)) {
            n_known++;
            work->low = fmin(work->low, value);
            work->high = fmax(work->high, value);
        }
    }
    return n_known;
}

static void choose_season(struct work *work)
{
    int season = work->task->season;
    if (season <= 0) {
        season = forecast_find_season(work->values, work->n, work->arena);
    }
    if (season > FORECAST_SEASON_MAX || (size_t)season * 2 > work->n) {
        season = 1;
    }
    work->season = season;
}

static void prepare(struct work *work)
{
    size_t bytes = work->n * sizeof(double);
    work->y[SCALE_PLAIN] = arena_array(work->arena, work->n, sizeof(double));
    memcpy(work->y[SCALE_PLAIN], work->values, bytes);
    bridge(work->y[SCALE_PLAIN], work->n, work->season);
    work->season_long =
        forecast_find_long_season(work->y[SCALE_PLAIN], work->n, work->season);
    double difference = 0;
    size_t back = (size_t)work->season, n = 0;
    for (size_t t = back; t < work->n; t++) {
        double change = fabs(work->values[t] - work->values[t - back]);
        if (!isnan(change)) {
            difference += change;
            n++;
        }
    }
    work->change = n > 0 ? difference / (double)n : 0;
    work->size = work->change > 0 ? work->change : 1;
    work->has_log = work->low >= 0 && work->high > work->low;
    if (work->has_log) {
        work->shift = work->low > .02 * work->size ? 0 : .5 * work->size;
        work->y[SCALE_LOG] = arena_array(work->arena, work->n, sizeof(double));
        for (size_t t = 0; t < work->n; t++) {
            work->y[SCALE_LOG][t] = log(work->y[SCALE_PLAIN][t] + work->shift);
        }
    }
    double range = work->high - work->low;
    work->low = work->low >= 0 ? 0 : work->low - range;
    work->high = work->high <= 0 ? 0 : work->high + range;
}

/* Origins a season apart, so that each has the phase of the end; the last is the end. */
static void choose_origins(struct work *work)
{
    size_t horizon = (size_t)work->task->horizon, season = (size_t)work->season;
    size_t least = work->season_long > 1 ? 2 * (size_t)work->season_long : 3 * season;
    least = least < 8 ? 8 : least;
    size_t begin = (size_t)(BEGIN * (double)work->n);
    least = least < begin ? begin : least;
    size_t step = season > 1 ? season : (horizon + 1) / 2;
    size_t n = 0, most = CELLS / horizon;
    most = most < 4 ? 4 : most < ORIGINS ? most : ORIGINS;
    while (n + 1 < most && n + 1 < ORIGINS_MAX && work->n >= least + horizon + n * step) {
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        work->origins[i] = work->n - horizon - (n - 1 - i) * step;
    }
    work->origins[n] = work->n;
    work->n_origins = n + 1;
}

static double clamp(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

static double from_log(const struct work *work, double y)
{
    return exp(fmin(y, 700)) - work->shift;
}

/* Room for a candidate's rows; NULL: not wanted. */
static struct candidate *add(struct work *work, enum forecast_model model,
                             enum scale scale)
{
    if (work->n_candidates == CANDIDATES_MAX ||
        (work->task->models != 0 && (work->task->models & (1u << model)) == 0)) {
        return NULL;
    }
    struct candidate *candidate = &work->candidates[work->n_candidates++];
    *candidate = (struct candidate){.model = model, .scale = scale};
    candidate->rows = arena_array(
        work->arena, work->n_origins * (size_t)work->task->horizon, sizeof(double));
    return candidate;
}

static void finish(struct work *work, struct candidate *candidate)
{
    size_t n = work->n_origins * (size_t)work->task->horizon;
    for (size_t i = 0; i < n; i++) {
        double value = candidate->rows[i];
        value = candidate->scale == SCALE_LOG ? from_log(work, value) : value;
        candidate->rows[i] = clamp(value, work->low, work->high);
    }
}

static void try_smooth(struct work *work, const struct forecast_series *series,
                       enum scale scale)
{
    static const double levels[] = {0, .02, .05, .1, .2, .4, .8};
    static const double seasons[] = {.02, .1, .3};
    static const double carries[] = {0, .5, .9};
    size_t n_seasons = series->season > 1 ? 3 : 1,
           n_long = series->season_long > 1 ? 3 : 1;
    size_t n_carries = series->season > 1 ? 3 : 1;
    for (size_t i = 0; i < ARRAY_LEN(levels) * n_seasons * n_long * n_carries; i++) {
        struct forecast_smooth settings = {
            .level = levels[i % ARRAY_LEN(levels)],
            .season = seasons[i / ARRAY_LEN(levels) % n_seasons],
            .season_long = seasons[i / ARRAY_LEN(levels) / n_seasons % n_long],
            .carry = carries[i / ARRAY_LEN(levels) / n_seasons / n_long],
            .damping = 1,
        };
        struct candidate *candidate = add(work, FORECAST_SMOOTH, scale);
        if (candidate != NULL) {
            forecast_smooth(series, &settings, work->arena, candidate->rows);
            finish(work, candidate);
        }
    }
    static const double trends[] = {.02, .1, .3};
    for (size_t i = 0; i < 3 * 3; i++) {
        struct forecast_smooth settings = {
            .level = levels[3 + i % 3],
            .trend = trends[i / 3],
            .damping = .97,
            .season = .15,
            .season_long = .15,
        };
        struct candidate *candidate = add(work, FORECAST_TREND, scale);
        if (candidate != NULL) {
            forecast_smooth(series, &settings, work->arena, candidate->rows);
            finish(work, candidate);
        }
    }
}

static void try_simple(struct work *work, const struct forecast_series *series,
                       enum scale scale)
{
    int seasons[] = {series->season, series->season_long};
    for (size_t i = 0; i < ARRAY_LEN(seasons); i++) {
        struct candidate *candidate;
        if (i == 1 && seasons[i] == 1) {
            break;
        }
        if (scale == SCALE_PLAIN &&
            (candidate = add(work, FORECAST_SEASONAL, scale)) != NULL) {
            forecast_naive(series, seasons[i], candidate->rows);
            finish(work, candidate);
        }
        static const double decays[] = {.5, .8, .95, 1};
        for (size_t k = 0; k < ARRAY_LEN(decays); k++) {
            if ((candidate = add(work, FORECAST_PROFILE, scale)) != NULL) {
                forecast_profile(series, seasons[i], decays[k], candidate->rows);
                finish(work, candidate);
            }
        }
        static const int counts[] = {3, 5, 9, 16, 28};
        for (size_t k = 0; k < ARRAY_LEN(counts) && scale == SCALE_PLAIN; k++) {
            if ((candidate = add(work, FORECAST_MEDIAN, scale)) != NULL) {
                forecast_median(series, seasons[i], counts[k], candidate->rows);
                finish(work, candidate);
            }
        }
    }
    if (scale == SCALE_PLAIN) {
        struct candidate *candidate = add(work, FORECAST_NAIVE, scale);
        if (candidate != NULL) {
            forecast_naive(series, 1, candidate->rows);
            finish(work, candidate);
        }
    }
}

static void try_all(struct work *work)
{
    for (enum scale scale = SCALE_PLAIN;
         scale <= (work->has_log ? SCALE_LOG : SCALE_PLAIN); scale++) {
        struct forecast_series series = {
            .y = work->y[scale],
            .n = work->n,
            .season = work->season,
            .season_long = work->season_long,
            .origins = work->origins,
            .n_origins = work->n_origins,
            .horizon = work->task->horizon,
        };
        try_simple(work, &series, scale);
        try_smooth(work, &series, scale);
        if (work->task->season <= 0 && work->season > 1) { /* found, perhaps by chance */
            struct forecast_series plain = series;
            plain.season = plain.season_long = 1;
            try_simple(work, &plain, scale);
            try_smooth(work, &plain, scale);
        }
        static const double ridges[] = {.0003, .01, .1};
        for (size_t i = 0; i < ARRAY_LEN(ridges); i++) {
            struct candidate *candidate = add(work, FORECAST_LAGS, scale);
            if (candidate != NULL) {
                forecast_lags(&series, ridges[i], work->arena, candidate->rows);
                finish(work, candidate);
            }
        }
    }
}

/* Mean absolute error over the backtest, in sizes; n outcomes. */
static double measure(const struct work *work, const double *rows, size_t *ret_n)
{
    double sum = 0;
    size_t n = 0, horizon = (size_t)work->task->horizon;
    for (size_t o = 0; o + 1 < work->n_origins; o++) {
        for (size_t h = 0; h < horizon; h++) {
            double outcome = work->values[work->origins[o] + h];
            if (!isnan(outcome)) {
                sum += fabs(outcome - rows[o * horizon + h]);
                n++;
            }
        }
    }
    *ret_n = n;
    return n > 0 ? sum / (double)n / work->size : (double)NAN;
}

/* Of the seasonal naive, whatever models were asked for. */
static double naive_mase(const struct work *work)
{
    size_t n;
    struct forecast_series series = {
        .y = work->y[SCALE_PLAIN],
        .n = work->n,
        .origins = work->origins,
        .n_origins = work->n_origins,
        .horizon = work->task->horizon,
    };
    double *rows = arena_array(work->arena, work->n_origins * (size_t)series.horizon,
                               sizeof(double));
    forecast_naive(&series, work->season, rows);
    double mase = measure(work, rows, &n);
    return mase > 0 ? mase : (double)NAN;
}

static int by_mase(const void *a, const void *b)
{
    double left = ((const struct candidate *)a)->mase,
           right = ((const struct candidate *)b)->mase;
    return (left > right) - (left < right);
}

static void weigh(struct work *work, struct forecast_report *report)
{
    size_t n = 0;
    for (size_t i = 0; i < work->n_candidates; i++) {
        struct candidate *candidate = &work->candidates[i];
        candidate->mase = measure(work, candidate->rows, &n);
        struct forecast_trial *trial = &report->trials[candidate->model];
        if (trial->n == 0 || candidate->mase < trial->mase) {
            *trial = (struct forecast_trial){.n = n, .mase = candidate->mase};
        }
    }
    qsort(work->candidates, work->n_candidates, sizeof(work->candidates[0]), by_mase);
    double least = work->candidates[0].mase, sum = 0;
    size_t n_best = BEST < work->n_candidates ? BEST : work->n_candidates;
    for (size_t i = 0; i < n_best; i++) {
        struct candidate *candidate = &work->candidates[i];
        double behind = least > 0 ? candidate->mase / least - 1 : 0;
        candidate->weight = isnan(behind) ? 1 : exp(-SHARPNESS * behind);
        sum += candidate->weight;
    }
    for (size_t i = 0; i < n_best; i++) {
        work->candidates[i].weight /= sum;
        report->trials[work->candidates[i].model].weight += work->candidates[i].weight;
    }
    report->best = work->candidates[0].model;
}

static double *combine(struct work *work)
{
    size_t n = work->n_origins * (size_t)work->task->horizon;
    double *rows = arena_array(work->arena, n, sizeof(double));
    for (size_t i = 0; i < work->n_candidates; i++) {
        const struct candidate *candidate = &work->candidates[i];
        for (size_t k = 0; candidate->weight > 0 && k < n; k++) {
            rows[k] += candidate->weight * candidate->rows[k];
        }
    }
    return rows;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double quantile(const double *sorted, size_t n, double p)
{
    double at = clamp(p * ((double)n + 1) - 1, 0, (double)n - 1);
    size_t below = (size_t)at;
    double rest = at - (double)below;
    return below + 1 < n ? sorted[below] * (1 - rest) + sorted[below + 1] * rest
                         : sorted[n - 1];
}

/* How much the series varied before an origin: changes over a season, recent ones and all. */
static double variation(const struct work *work, size_t origin)
{
    size_t season = (size_t)work->season, n = 0;
    size_t span = season > 1 ? 4 * season : 2 * (size_t)work->task->horizon;
    double sum = 0;
    for (size_t t = origin > span + season ? origin - span : season; t < origin; t++) {
        double change = fabs(work->values[t] - work->values[t - season]);
        if (!isnan(change)) {
            sum += change;
            n++;
        }
    }
    double recent = n > 0 ? sum / (double)n : work->size;
    return NEARNESS * recent + (1 - NEARNESS) * work->size;
}

/* Errors of the backtest near step h, in units of how much the series varied then. */
static size_t errors_near(const struct work *work, const double *rows,
                          const double *varied, size_t h, double *ret_errors)
{
    size_t horizon = (size_t)work->task->horizon, n = 0, near = horizon / 8 + 1;
    size_t first = work->n_origins > LATEST + 1 ? work->n_origins - 1 - LATEST : 0;
    size_t begin = h > near ? h - near : 0,
           end = h + near < horizon ? h + near + 1 : horizon;
    for (size_t o = first; o + 1 < work->n_origins; o++) {
        for (size_t k = begin; k < end; k++) {
            double outcome = work->values[work->origins[o] + k];
            if (!isnan(outcome)) {
                ret_errors[n++] = (outcome - rows[o * horizon + k]) / varied[o];
            }
        }
    }
    return n;
}

/* Without a backtest: as wide as the changes were, growing as those of a random walk. */
static void guess(const struct work *work, size_t h, struct forecast_step *step)
{
    double width = work->change * sqrt((double)h + 1);
    step->lo80 = step->value - 1.3 * width;
    step->hi80 = step->value + 1.3 * width;
    step->lo95 = step->value - 2 * width;
    step->hi95 = step->value + 2 * width;
}

static void bound(struct work *work, const double *rows, struct forecast_step *steps)
{
    size_t horizon = (size_t)work->task->horizon, last = work->n_origins - 1;
    double *errors = arena_array(work->arena, last * horizon + 1, sizeof(double));
    double *varied = arena_array(work->arena, work->n_origins, sizeof(double));
    for (size_t o = 0; o <= last; o++) {
        varied[o] = variation(work, work->origins[o]);
    }
    for (size_t h = 0; h < horizon; h++) {
        double value = clamp(rows[last * horizon + h], work->low, work->high),
               scale = varied[last];
        struct forecast_step *step = &steps[h];
        *step = (struct forecast_step){.value = value};
        size_t n = errors_near(work, rows, varied, h, errors);
        if (n < ERRORS_MIN) {
            guess(work, h, step);
        } else {
            qsort(errors, n, sizeof(double), compare);
            step->lo80 = value + scale * fmin(0, quantile(errors, n, .1));
            step->hi80 = value + scale * fmax(0, quantile(errors, n, .9));
            step->lo95 = value + TAILS * scale * fmin(0, quantile(errors, n, .025));
            step->hi95 = value + TAILS * scale * fmax(0, quantile(errors, n, .975));
        }
        step->lo80 = clamp(step->lo80, work->low, work->high);
        step->hi80 = clamp(step->hi80, work->low, work->high);
        step->lo95 = clamp(step->lo95, work->low, work->high);
        step->hi95 = clamp(step->hi95, work->low, work->high);
    }
}

bool forecast_run(const struct forecast_task *task, struct arena *arena,
                  struct forecast_step *ret_steps, struct forecast_report *ret_report)
{
    struct work *work = arena_alloc(arena, sizeof(*work));
    work->arena = arena;
    work->task = task;
    size_t n_known = take_values(work);
    if (n_known < FORECAST_POINTS_MIN) {
        return false;
    }
    choose_season(work);
    prepare(work);
    choose_origins(work);
    try_all(work);
    struct forecast_report report = {.season = work->season,
                                     .season_long = work->season_long,
                                     .n_known = n_known,
                                     .n_origins = work->n_origins - 1};
    weigh(work, &report);
    double *rows = combine(work);
    struct forecast_trial *trial = &report.trials[FORECAST_COMBINED];
    trial->mase = measure(work, rows, &trial->n);
    trial->weight = 1;
    report.skill = 1 - trial->mase / naive_mase(work);
    bound(work, rows, ret_steps);
    *ret_report = report;
    return true;
}
