/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_FORECAST_PRIVATE_H
#define SIGNALBOX_PREDICT_FORECAST_PRIVATE_H

/*
 * Forecast, inside: a model forecasts from all origins of the backtest, and from the end, in one
 * call, so that a filter needs one pass over the history for all of them.
 */

#include "engine/predict/forecast.h"

/* A history on the scale in which a model sees it. */
struct forecast_series {
    const double *y; /* n of them, without gaps */
    size_t n;
    int season, season_long; /* 1 = none */
    const size_t *origins; /* n_origins numbers of values known, growing; the last is n */
    size_t n_origins;
    int horizon;
};

/* Settings of an exponential smoothing; error correction form. */
struct forecast_smooth {
    double level, trend, damping; /* trend 0: none */
    double season, season_long;
    double carry; /* first-order autocorrelation of the error (Taylor 2003) */
};

/* Each writes n_origins rows of `horizon` values. */
void forecast_naive(const struct forecast_series *series, int season, double *ret_rows);
void forecast_profile(const struct forecast_series *series, int season, double decay,
                      double *ret_rows);
void forecast_median(const struct forecast_series *series, int season, int n_seasons,
                     double *ret_rows);
void forecast_smooth(const struct forecast_series *series,
                     const struct forecast_smooth *settings, struct arena *arena,
                     double *ret_rows);
void forecast_lags(const struct forecast_series *series, double ridge,
                   struct arena *arena, double *ret_rows);

/* Longest season that contains `season` and is worth a model of its own (a week of hours), 1 =
 * none. */
int forecast_find_long_season(const double *y, size_t n, int season);

#endif
