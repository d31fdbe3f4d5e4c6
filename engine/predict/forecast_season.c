/* SPDX-License-Identifier: MIT */
#include "engine/predict/forecast_private.h"

#include <math.h>

#define CYCLES    4   /* multiples of a lag that are looked at */
#define CHANCE    4.0 /* standard errors */
#define SPIKE     2.0 /* mean absolute changes */
#define FAVOUR    1.3
#define RHYTHM    4.0 /* standard errors */
#define NEARLY    .7
#define WEEK_MORE 1.0 /* standard errors of a correlation */

/* Autocorrelation at `lag`, of y around `mean`. */
static double correlation(const double *y, size_t n, double mean, double variance,
                          size_t lag)
{
    double sum = 0;
    for (size_t t = lag; t < n; t++) {
        sum += (y[t] - mean) * (y[t - lag] - mean);
    }
    return sum / ((double)(n - lag) * variance);
}

static bool moments(const double *y, size_t n, double *ret_mean, double *ret_variance)
{
    double mean = 0, square = 0;
    for (size_t t = 0; t < n; t++) {
        mean += y[t] / (double)n;
    }
    for (size_t t = 0; t < n; t++) {
        square += (y[t] - mean) * (y[t] - mean) / (double)n;
    }
    *ret_mean = mean;
    *ret_variance = square;
    return square > 1e-18 * (1 + mean * mean);
}

/*
 * How much closer values one, two, ... lags apart are than those half a lag off, on the average, in
 * units of what chance gives at most. The difference is blind to trends and to slow wandering.
 * People's clocks and calendars make some lags more likely than others.
 */
static double strength(const double *r, size_t n_lags, size_t n, size_t lag)
{
    static const size_t usual[] = {4, 7, 12, 24, 30, 48, 52, 60, 96, 144, 168, 288, 365};
    double sum = 0, cycles = 0;
    for (size_t at = lag; at <= n_lags && cycles < CYCLES; at += lag) {
        sum += r[at] - (r[at - lag / 2] + r[at - (lag + 1) / 2]) / 2;
        cycles++;
    }
    double chance = CHANCE / sqrt((double)n * cycles);
    double favour = 1;
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        favour = usual[i] == lag ? FAVOUR : favour;
    }
    return favour * sum / cycles / fmax(chance, .05);
}

/* Deviations from the straight line through the known values; what is unknown lies on it. */
static void take_line(const double *values, size_t n, double *ret_off)
{
    double known = 0, t_sum = 0, sum = 0, tt = 0, ty = 0;
    for (size_t t = 0; t < n; t++) {
        if (isfinite(values[t])) {
            known++;
            t_sum += (double)t;
            sum += values[t];
        }
    }
    double middle = known > 0 ? t_sum / known : 0, mean = known > 0 ? sum / known : 0;
    for (size_t t = 0; t < n; t++) {
        if (isfinite(values[t])) {
            tt += ((double)t - middle) * ((double)t - middle);
            ty += ((double)t - middle) * (values[t] - mean);
        }
    }
    double slope = tt > 0 ? ty / tt : 0;
    for (size_t t = 0; t < n; t++) {
        double off = values[t] - mean - slope * ((double)t - middle);
        ret_off[t] = isfinite(off) ? off : 0;
    }
}

/* A few spikes are no rhythm. */
static void cut_spikes(double *y, size_t n)
{
    double usual = 0;
    for (size_t t = 0; t < n; t++) {
        usual += fabs(y[t]) / (double)n;
    }
    for (size_t t = 0; t < n; t++) {
        y[t] = fmin(fmax(y[t], -SPIKE * usual), SPIKE * usual);
    }
}

/* Do the changes repeat after `lag`, too? A level that went up and down once in a while looks like
 * a season, its changes do not. */
static bool has_rhythm(const double *changes, size_t n, size_t lag)
{
    double mean, variance, sum = 0, cycles = 0;
    if (!moments(changes, n, &mean, &variance)) {
        return false;
    }
    for (size_t at = lag; at <= n / 2 && cycles < CYCLES; at += lag) {
        sum += correlation(changes, n, mean, variance, at);
        cycles++;
    }
    return cycles > 0 && sum / cycles > RHYTHM / sqrt((double)n * cycles);
}

static bool is_season(const double *r, size_t n_lags, const double *changes, size_t n,
                      size_t lag)
{
    if (lag < 2) {
        return false;
    }
    double here = strength(r, n_lags, n, lag);
    return here >= 1 && here >= strength(r, n_lags, n, lag - 1) &&
           here >= strength(r, n_lags, n, lag + 1) && has_rhythm(changes, n - 1, lag);
}

int forecast_find_season(const double *values, size_t n, struct arena *arena)
{
    double mean, variance;
    double *y = arena_array(arena, n + 1, sizeof(double));
    take_line(values, n, y);
    cut_spikes(y, n);
    if (n < 8 || !moments(y, n, &mean, &variance)) {
        return 1;
    }
    double *changes = arena_array(arena, n, sizeof(double));
    for (size_t t = 1; t < n; t++) {
        double change = values[t] - values[t - 1];
        changes[t - 1] = isfinite(change) ? change : 0;
    }
    cut_spikes(changes, n - 1);
    size_t longest = n / 3 < FORECAST_SEASON_MAX ? n / 3 : FORECAST_SEASON_MAX;
    size_t n_lags = CYCLES * longest < n / 2 ? CYCLES * longest : n / 2;
    double *r = arena_array(arena, n_lags + 2, sizeof(double));
    for (size_t lag = 0; lag <= n_lags + 1; lag++) {
        r[lag] = correlation(y, n, mean, variance, lag);
    }
    double highest = 1;
    for (size_t lag = 2; lag <= longest; lag++) {
        highest = fmax(highest, strength(r, n_lags, n, lag));
    }
    /* The shortest of those nearly as strong: not its multiple. Of a week of days the day, if it
     * shows: the week is looked for above it. */
    for (size_t lag = 2; lag <= longest; lag++) {
        if (strength(r, n_lags, n, lag) < NEARLY * highest ||
            !is_season(r, n_lags, changes, n, lag)) {
            continue;
        }
        bool has_days = lag % 7 == 0 && is_season(r, n_lags, changes, n, lag / 7);
        return (int)(has_days ? lag / 7 : lag);
    }
    return 1;
}

int forecast_find_long_season(const double *y, size_t n, int season)
{
    size_t one = (size_t)season, week = 7 * one;
    double mean, variance;
    if (season < 2 || week > FORECAST_SEASON_MAX || n < 3 * week ||
        !moments(y, n, &mean, &variance)) {
        return 1;
    }
    /* A week ago tells more than a day less or a day more ago? */
    double here = correlation(y, n, mean, variance, week);
    double around = fmax(correlation(y, n, mean, variance, week - one),
                         correlation(y, n, mean, variance, week + one));
    return here > around + WEEK_MORE / sqrt((double)n) ? (int)week : 1;
}
