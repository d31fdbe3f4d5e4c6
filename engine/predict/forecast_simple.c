/* SPDX-License-Identifier: MIT */

/* The models that need no fit: what was, a season ago, and the middle of what was at that place. */
#include "engine/predict/forecast_private.h"

#include <math.h>
#include <stdlib.h>

void forecast_naive(const struct forecast_series *series, int season, double *ret_rows)
{
    for (size_t o = 0; o < series->n_origins; o++) {
        size_t origin = series->origins[o];
        double *row = ret_rows + o * (size_t)series->horizon;
        size_t back = (size_t)season <= origin ? (size_t)season : 1;
        for (size_t h = 0; h < (size_t)series->horizon; h++) {
            row[h] = series->y[origin - back + h % back];
        }
    }
}

/* Mean of the same place in earlier seasons, each older one weighted by `decay`. */
void forecast_profile(const struct forecast_series *series, int season, double decay,
                      double *ret_rows)
{
    size_t length = (size_t)season;
    for (size_t o = 0; o < series->n_origins; o++) {
        size_t origin = series->origins[o];
        double *row = ret_rows + o * (size_t)series->horizon;
        for (size_t h = 0; h < (size_t)series->horizon && h < length; h++) {
            double sum = 0, weights = 0, weight = 1;
            for (size_t back = length - h; back <= origin; back += length) {
                sum += weight * series->y[origin - back];
                weights += weight;
                weight *= decay;
            }
            row[h] = weights > 0 ? sum / weights : series->y[origin - 1];
        }
        for (size_t h = length; h < (size_t)series->horizon; h++) {
            row[h] = row[h - length];
        }
    }
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

#define MEDIAN_MAX 32

void forecast_median(const struct forecast_series *series, int season, int n_seasons,
                     double *ret_rows)
{
    size_t length = (size_t)season;
    double places[MEDIAN_MAX];
    for (size_t o = 0; o < series->n_origins; o++) {
        size_t origin = series->origins[o];
        double *row = ret_rows + o * (size_t)series->horizon;
        for (size_t h = 0; h < (size_t)series->horizon; h++) {
            size_t n = 0;
            for (size_t back = length - h % length;
                 back <= origin && n < (size_t)n_seasons && n < MEDIAN_MAX;
                 back += length) {
                places[n++] = series->y[origin - back];
            }
            qsort(places, n, sizeof(double), compare);
            row[h] = n == 0 ? series->y[origin - 1]
                            : (places[(n - 1) / 2] + places[n / 2]) / 2;
        }
    }
}
