/* SPDX-License-Identifier: MIT */

/*
 * Regression on earlier values (autoregression with seasonal lags), by ridge regression: Hoerl and
 * Kennard, Technometrics 1970. Fitted anew at each origin, applied step after step to its own
 * forecasts.
 */
#include "engine/predict/forecast_private.h"

#include <math.h>
#include <string.h>

#define LAGS_MAX 24

struct lags {
    size_t lag[LAGS_MAX];
    size_t n, longest;
};

static void add_lag(struct lags *lags, size_t lag, size_t longest)
{
    for (size_t i = 0; i < lags->n; i++) {
        if (lags->lag[i] == lag) {
            return;
        }
    }
    if (lag > 0 && lag <= longest && lags->n < LAGS_MAX) {
        lags->lag[lags->n++] = lag;
        lags->longest = lag > lags->longest ? lag : lags->longest;
    }
}

static struct lags choose_lags(const struct forecast_series *series)
{
    struct lags lags = {0};
    size_t season = (size_t)series->season, week = (size_t)series->season_long;
    size_t longest = series->origins[0] / 2;
    for (size_t i = 1; i <= 3; i++) {
        add_lag(&lags, i, longest);
    }
    for (size_t k = 1; k <= 3 && season > 1; k++) {
        for (size_t i = k == 1 ? 2 : 1; i > 0; i--) {
            add_lag(&lags, k * season - 1 + i, longest);
        }
        add_lag(&lags, k * season - 1, longest);
    }
    for (size_t k = 1; k <= 2 && week > 1; k++) {
        add_lag(&lags, k * week, longest);
        add_lag(&lags, k * week + 1, longest);
        add_lag(&lags, k * week - 1, longest);
    }
    return lags;
}

/* Solve a x = b in place by Cholesky; a is n by n with rows of LAGS_MAX, positive definite. */
static void solve(double a[LAGS_MAX][LAGS_MAX], double *b, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t k = 0; k < j; k++) {
            a[j][j] -= a[j][k] * a[j][k];
        }
        a[j][j] = sqrt(a[j][j] > 1e-12 ? a[j][j] : 1e-12);
        for (size_t i = j + 1; i < n; i++) {
            for (size_t k = 0; k < j; k++) {
                a[i][j] -= a[i][k] * a[j][k];
            }
            a[i][j] /= a[j][j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            b[i] -= a[i][k] * b[k];
        }
        b[i] /= a[i][i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) {
            b[i] -= a[k][i] * b[k];
        }
        b[i] /= a[i][i];
    }
}

static void apply(const struct lags *lags, const double *slopes, double mean, double low,
                  double high, double *y, size_t origin, size_t horizon, double *row)
{
    for (size_t h = 0; h < horizon; h++) {
        size_t t = origin + h;
        double sum = mean;
        for (size_t i = 0; i < lags->n; i++) {
            sum += slopes[i] * (y[t - lags->lag[i]] - mean);
        }
        y[t] = fmin(fmax(sum, low), high);
        row[h] = y[t];
    }
}

void forecast_lags(const struct forecast_series *series, double ridge,
                   struct arena *arena, double *ret_rows)
{
    struct lags lags = choose_lags(series);
    size_t horizon = (size_t)series->horizon;
    double *y = arena_array(arena, series->n + horizon, sizeof(double));
    double sums[LAGS_MAX][LAGS_MAX], products[LAGS_MAX];
    memset(sums, 0, sizeof(sums));
    memset(products, 0, sizeof(products));
    double mean = 0, low = series->y[0], high = series->y[0];
    for (size_t t = 0; t < series->origins[0]; t++) {
        mean += series->y[t] / (double)series->origins[0];
    }
    size_t t = lags.longest;
    for (size_t i = 0; i < t; i++) {
        low = fmin(low, series->y[i]);
        high = fmax(high, series->y[i]);
    }
    /* The sums grow from origin to origin. */
    for (size_t o = 0; o < series->n_origins; o++) {
        for (; t < series->origins[o]; t++) {
            double x[LAGS_MAX], value = series->y[t] - mean;
            low = fmin(low, series->y[t]);
            high = fmax(high, series->y[t]);
            for (size_t i = 0; i < lags.n; i++) {
                x[i] = series->y[t - lags.lag[i]] - mean;
            }
            for (size_t i = 0; i < lags.n; i++) {
                products[i] += x[i] * value;
                for (size_t k = 0; k <= i; k++) {
                    sums[i][k] += x[i] * x[k];
                }
            }
        }
        double a[LAGS_MAX][LAGS_MAX], slopes[LAGS_MAX];
        memcpy(a, sums, sizeof(a));
        memcpy(slopes, products, sizeof(slopes));
        for (size_t i = 0; i < lags.n; i++) {
            a[i][i] += ridge * sums[i][i] + 1e-9;
        }
        solve(a, slopes, lags.n);
        memcpy(y, series->y, series->origins[o] * sizeof(double));
        double room = .25 * (high - low);
        apply(&lags, slopes, mean, low - room, high + room, y, series->origins[o],
              horizon, ret_rows + o * horizon);
    }
}
