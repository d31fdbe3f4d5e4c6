/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_FORECAST_H
#define SIGNALBOX_PREDICT_FORECAST_H

/*
 * Forecast: how does a series go on, and how sure is that?
 *
 * Pure: values in, a value and two intervals per step out; no clock, no state between calls, the
 * same answer for the same values. What an engine has to keep is the history alone (its rollup
 * per hour or day).
 *
 * Several models forecast from the same origins of the past (rolling backtest); each is weighted
 * by how well it did there, on the average over steps and near each step, and the weighted mean
 * is the answer. Seasons are found when none is given. The intervals are quantiles of the errors
 * that the combination made at those origins, per distance, scaled by how much the series
 * varied then (split conformal prediction; Lei et al., "Distribution-Free Predictive Inference for
 * Regression", JASA 2018).
 *
 * A value may be NAN: unknown. It is bridged from its neighbours and its season for the models,
 * and never counts as an outcome.
 *
 * Memory: the caller's arena; 1,000 hours, 48 steps ahead, take 6 MB, the longest history and
 * horizon 64. Cost: 5 to 20 ms for 1,000 values (make bench); one series a call, so
 * that a thread can do something else between two.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/mem.h"

#define FORECAST_POINTS_MIN  4    /* known values; with less nothing is said */
#define FORECAST_POINTS_MAX  4096 /* of a longer history the newest count */
#define FORECAST_HORIZON_MAX 1024 /* steps */
#define FORECAST_SEASON_MAX  1024 /* points */

/* Models. X(identifier, word, help) */
#define FORECAST_LIST(X)                                                                 \
    X(FORECAST_NAIVE, "naive", "the last value")                                         \
    X(FORECAST_SEASONAL, "seasonal", "the value of a season ago")                        \
    X(FORECAST_PROFILE, "profile", "mean of the same place in the last seasons")         \
    X(FORECAST_MEDIAN, "median", "median of the same place in the last seasons")         \
    X(FORECAST_SMOOTH, "smooth", "exponential smoothing with up to two seasons")         \
    X(FORECAST_TREND, "trend", "the same with a damped trend")                           \
    X(FORECAST_LAGS, "lags", "regression on earlier values")                             \
    X(FORECAST_COMBINED, "combined", "all of them, weighted by their backtest")
enum forecast_model {
#define X(id, word, help) id,
    FORECAST_LIST(X)
#undef X
        FORECAST_MODEL_COUNT
};
const char *forecast_word(enum forecast_model model);
const char *forecast_help(enum forecast_model model);

struct forecast_task {
    const double *values; /* oldest first, at equal distances; NAN = unknown */
    size_t n;
    int season;      /* points of the season, 1 = none, 0 = find it; longer ones that
                  * contain it (a week of hours) are looked for as well */
    int horizon;     /* steps wanted, 1 to FORECAST_HORIZON_MAX */
    unsigned models; /* bits 1u << FORECAST_*: only these; 0 = all */
};

struct forecast_step {
    double value;
    double lo80, hi80, lo95, hi95;
};

/* How a model did in the backtest. */
struct forecast_trial {
    size_t n;    /* outcomes it was measured by; 0 = not tried */
    double mase; /* mean absolute error; 1 = that of the seasonal naive inside the history
                    * (Hyndman and Koehler 2006) */
    double weight; /* of it in the answer, 0 to 1 */
};

struct forecast_report {
    int season, season_long; /* 1 = none */
    size_t n_known;          /* values that count */
    size_t n_origins; /* of the backtest; 0: too short for one, intervals are a guess */
    struct forecast_trial trials[FORECAST_MODEL_COUNT];
    enum forecast_model best; /* with the least error, without the combination */
    double
        skill; /* 1 - error / error of the seasonal naive, in the backtest; NAN = unknown */
};

/* Steps 1 to horizon after the last value. False: fewer than FORECAST_POINTS_MIN values are known,
 * nothing is written. A series that never was below zero (above it) is not forecast below (above)
 * it. */
NODISCARD bool forecast_run(const struct forecast_task *task, struct arena *arena,
                            struct forecast_step *ret_steps,
                            struct forecast_report *ret_report);

/* The season of a series in points, 1 = none: the highest peak of the autocorrelation that is
 * beyond chance. */
int forecast_find_season(const double *values, size_t n, struct arena *arena);

#endif
