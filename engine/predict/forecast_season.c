/* SPDX-License-Identifier: MIT */
#include "engine/predict/forecast_private.h"

#include <math.h>

#define CYCLES    4   /* multiples of a lag that are looked at */
#define CHANCE    4.0 /* standard errors */
#define SPIKE     2.0 /* mean absolute changes */
#define FAVOUR    1.3
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

/* Mean correlation at a lag and its multiples, in units of what chance gives at most; people's
 * clocks and calendars make some lags more likely than others. */
static double strength(const double *r, size_t n_lags, size_t n, size_t lag)
{
    static const size_t usual[] = {4, 7, 12, 24, 30, 48, 52, 60, 96, 144, 168, 288, 365};
    double sum = 0, cycles = 0;
    for (size_t at = lag; at <= n_lags && cycles < CYCLES; at += lag) {
        sum += r[at];
        cycles++;
    }
    double chance = CHANCE / sqrt((double)n * cycles);
    double favour = 1;
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        favour = usual[i] == lag ? FAVOUR : favour;
    }
    return favour * sum / cycles / fmax(chance, .05);
}

int forecast_find_season(const double *values, size_t n, struct arena *arena)
{
    size_t kept = 0;
    double *d = arena_array(arena, n + 1, sizeof(double));
    /* Differences, so that a trend is not taken for a season. */
    for (size_t t = 1; t < n; t++) {
        double change = values[t] - values[t - 1];
        d[kept++] = isfinite(change) ? change : 0;
    }
    double usual = 0;
    for (size_t t = 0; t < kept; t++) {
        usual += fabs(d[t]) / (double)kept;
    }
    for (size_t t = 0; t < kept; t++) { /* a few spikes are no rhythm */
        d[t] = fmin(fmax(d[t], -SPIKE * usual), SPIKE * usual);
    }
    double mean, variance;
    if (kept < 8 || !moments(d, kept, &mean, &variance)) {
        return 1;
    }
    size_t longest = kept / 3 < FORECAST_SEASON_MAX ? kept / 3 : FORECAST_SEASON_MAX;
    size_t n_lags = CYCLES * longest < kept / 2 ? CYCLES * longest : kept / 2;
    n_lags = n_lags > longest ? n_lags : longest;
    double *r = arena_array(arena, n_lags + 2, sizeof(double));
    for (size_t lag = 1; lag <= n_lags + 1; lag++) {
        r[lag] = correlation(d, kept, mean, variance, lag);
    }
    double highest = 0;
    for (size_t lag = 2; lag <= longest; lag++) {
        highest = fmax(highest, strength(r, n_lags, kept, lag));
    }
    if (highest < 1) {
        return 1;
    }
    /* The shortest of those nearly as strong: not its multiple. */
    for (size_t lag = 2; lag <= longest; lag++) {
        if (r[lag] >= r[lag - 1] && r[lag] >= r[lag + 1] &&
            strength(r, n_lags, kept, lag) >= NEARLY * highest) {
            return (int)lag;
        }
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
