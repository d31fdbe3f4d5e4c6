/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/decision/beta.h"
#include "engine/learning/statistic.h"

#define RESAMPLES 200
#define STEPS     60 /* of a bisection: more than a double has bits */

double normal_below(double x)
{
    return 0.5 * erfc(-x / 1.4142135623730951);
}

double normal_quantile(double p)
{
    double low = -9, high = 9;
    if (!(p > 0 && p < 1)) {
        return (double)NAN;
    }
    for (int i = 0; i < STEPS; i++) {
        double middle = (low + high) / 2;
        if (normal_below(middle) < p) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

double stat_sorted_quantile(const double *values, size_t n, double q)
{
    if (n == 0) {
        return (double)NAN;
    }
    double rank = q * (double)(n - 1);
    size_t below = (size_t)rank;
    size_t above = below + 1 < n ? below + 1 : below;
    return values[below] + (rank - (double)below) * (values[above] - values[below]);
}

double stat_quantile(double *values, size_t n, double q)
{
    if (n > 0) {
        qsort(values, n, sizeof(*values), by_value);
    }
    return stat_sorted_quantile(values, n, q);
}

struct estimate stat_share(double k, double n, double level)
{
    struct beta beta = {k + 0.5, n - k + 0.5};
    double tail = (1 - level) / 2;
    return (struct estimate){
        n > 0 ? k / n : (double)NAN,
        k <= 0 ? 0 : beta_quantile(&beta, tail),
        k >= n ? 1 : beta_quantile(&beta, 1 - tail),
    };
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum / (double)n;
}

struct estimate stat_mean(const double *values, size_t n, size_t block, struct rng *rng)
{
    double means[RESAMPLES];
    if (n < 2) {
        return (struct estimate){(double)NAN, (double)NAN, (double)NAN};
    }
    block = block < 1 ? 1 : block > n ? n : block;
    size_t n_blocks = (n + block - 1) / block;
    for (size_t r = 0; r < RESAMPLES; r++) {
        double sum = 0;
        for (size_t b = 0; b < n_blocks; b++) {
            size_t from = (size_t)rng_below(rng, n);
            for (size_t i = 0; i < block; i++) {
                sum += values[(from + i) % n];
            }
        }
        means[r] = sum / (double)(n_blocks * block);
    }
    qsort(means, RESAMPLES, sizeof(means[0]), by_value);
    return (struct estimate){mean_of(values, n),
                             stat_sorted_quantile(means, RESAMPLES, 0.05),
                             stat_sorted_quantile(means, RESAMPLES, 0.95)};
}

static double log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

double stat_fisher(long a, long b, long c, long d)
{
    double row = (double)(a + b), other = (double)(c + d), column = (double)(a + c);
    double all = log_choose(row + other, column);
    double seen = log_choose(row, (double)a) + log_choose(other, (double)c) - all + 1e-7;
    long least = column > other ? (long)(column - other) : 0;
    long most = column < row ? (long)column : (long)row;
    double p = 0;
    for (long k = least; k <= most; k++) {
        double chance =
            log_choose(row, (double)k) + log_choose(other, column - (double)k) - all;
        p += chance <= seen ? exp(chance) : 0;
    }
    return p < 1 ? p : 1;
}

struct ranked {
    double value;
    size_t at;
};

static int by_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->value < b->value || a->value > b->value) {
        return a->value < b->value ? -1 : 1;
    }
    return a->at < b->at ? -1 : a->at > b->at;
}

static struct ranked *sorted(const double *values, size_t n)
{
    struct ranked *order = mem_array(n + 1, sizeof(*order));
    for (size_t i = 0; i < n; i++) {
        order[i] = (struct ranked){values[i], i};
    }
    qsort(order, n, sizeof(*order), by_ranked);
    return order;
}

void stat_adjust(double *p, size_t n)
{
    AUTO_FREE struct ranked *order = sorted(p, n);
    double least = 1;
    for (size_t i = n; i-- > 0;) {
        double adjusted = order[i].value * (double)n / (double)(i + 1);
        least = adjusted < least ? adjusted : least;
        p[order[i].at] = least;
    }
}

/* Variance of Kendall's S, with ties among the values. */
static double variance_of_s(const double *y, size_t n)
{
    AUTO_FREE struct ranked *order = sorted(y, n);
    double m = (double)n, v = m * (m - 1) * (2 * m + 5);
    for (size_t i = 0; i < n;) {
        size_t j = i + 1;
        while (j < n && !(order[j].value > order[i].value)) {
            j++;
        }
        double t = (double)(j - i);
        v -= t * (t - 1) * (2 * t + 5);
        i = j;
    }
    return v / 18;
}

double stat_slope(const double *x, const double *y, size_t n, double *ret_p)
{
    AUTO_FREE double *slopes = mem_array(n * n / 2 + 1, sizeof(*slopes));
    size_t n_slopes = 0;
    double s = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            double dx = x[j] - x[i], dy = y[j] - y[i];
            if (dx > 0 || dx < 0) {
                slopes[n_slopes++] = dy / dx;
                s += dy / dx > 0 ? 1 : dy / dx < 0 ? -1 : 0;
            }
        }
    }
    if (ret_p != NULL) {
        double v = n > 2 ? variance_of_s(y, n) : 0;
        double z = v > 0 && fabs(s) > 1 ? (fabs(s) - 1) / sqrt(v) : 0;
        *ret_p = 2 * normal_below(-z);
    }
    return stat_quantile(slopes, n_slopes, 0.5);
}

#define CHANGE_LEAST 8

size_t stat_change(const double *values, size_t n, double *ret_p)
{
    *ret_p = 1;
    if (n < CHANGE_LEAST) {
        return 0;
    }
    AUTO_FREE struct ranked *order = sorted(values, n);
    AUTO_FREE double *ranks = mem_array(n, sizeof(*ranks));
    double tied = 0, m = (double)n;
    for (size_t i = 0; i < n;) {
        size_t j = i + 1;
        while (j < n && !(order[j].value > order[i].value)) {
            j++;
        }
        for (size_t k = i; k < j; k++) {
            ranks[order[k].at] = (double)(i + j + 1) / 2;
        }
        tied += pow((double)(j - i), 3) - (double)(j - i);
        i = j;
    }
    double u = 0, most = -1;
    size_t place = 0;
    for (size_t k = 1; k < n; k++) {
        u += 2 * ranks[k - 1];
        double distance = fabs(u - (double)k * (m + 1));
        if (distance > most) {
            most = distance;
            place = k;
        }
    }
    double free = 1 - tied / (m * m * m - m); /* ties leave less to vary */
    double p = free > 0 ? 2 * exp(-6 * most * most / ((m * m * m + m * m) * free)) : 1;
    *ret_p = p < 1 ? p : 1;
    return place;
}

/* ---- lifetimes ------------------------------------------------------------------------ */

static int by_time(const void *left, const void *right)
{
    const struct lifetime *a = left, *b = right;
    if (a->time < b->time || a->time > b->time) {
        return a->time < b->time ? -1 : 1;
    }
    return (int)a->is_cut - (int)b->is_cut; /* what ends at a time was there until then */
}

double stat_survival(struct lifetime *lives, size_t n, double time)
{
    double share = 1;
    if (n == 0) {
        return (double)NAN;
    }
    qsort(lives, n, sizeof(*lives), by_time);
    for (size_t i = 0; i < n && lives[i].time <= time; i++) {
        if (!lives[i].is_cut) {
            share *= 1 - 1 / (double)(n - i);
        }
    }
    return share;
}

#define EM_ROUNDS  200
#define FIT_LEAST  8
#define TIME_LEAST 1e-3

static double log_time(const struct lifetime *life)
{
    return log(life->time > TIME_LEAST ? life->time : TIME_LEAST);
}

/* Hazard of the standard normal: density by what is beyond; its asymptote far out. */
static double mills(double a)
{
    double beyond = normal_below(-a);
    return beyond < 1e-12 ? a + 1 / (a + 1)
                          : 0.3989422804014327 * exp(-a * a / 2) / beyond;
}

/* By expectation and maximization (Dempster, Laird and Rubin 1977). */
static void fit_lognormal(const struct lifetime *lives, size_t n,
                          struct lifetime_fit *fit)
{
    for (int round = 0; round < EM_ROUNDS; round++) {
        double sum = 0, squares = 0, before = fit->mu;
        for (size_t i = 0; i < n; i++) {
            double y = log_time(&lives[i]), a = (y - fit->mu) / fit->sigma;
            double h = lives[i].is_cut ? mills(a) : 0;
            double first = lives[i].is_cut ? fit->mu + fit->sigma * h : y;
            double spread =
                lives[i].is_cut ? fit->sigma * fit->sigma * (1 + a * h - h * h) : 0;
            sum += first;
            squares += first * first + spread;
        }
        fit->mu = sum / (double)n;
        double variance = squares / (double)n - fit->mu * fit->mu;
        fit->sigma = sqrt(variance > 1e-8 ? variance : 1e-8);
        if (fabs(fit->mu - before) < 1e-7) {
            break;
        }
    }
}

/* Falls with the shape; 0 at the most likely one. Times are divided by `unit`. */
static double weibull_score(const struct lifetime *lives, size_t n, double shape,
                            double unit, double mean_log)
{
    double weights = 0, logs = 0;
    for (size_t i = 0; i < n; i++) {
        double y = log_time(&lives[i]) - unit, w = exp(shape * y);
        weights += w;
        logs += w * y;
    }
    return 1 / shape + mean_log - unit - logs / weights;
}

static void fit_weibull(const struct lifetime *lives, size_t n, struct lifetime_fit *fit)
{
    double mean_log = 0, unit = -1e9, low = 0.05, high = 50;
    double n_done = (double)(n - fit->n_cut);
    for (size_t i = 0; i < n; i++) {
        double y = log_time(&lives[i]);
        mean_log += lives[i].is_cut ? 0 : y / n_done;
        unit = y > unit ? y : unit;
    }
    for (int i = 0; i < STEPS; i++) {
        double middle = sqrt(low * high);
        if (weibull_score(lives, n, middle, unit, mean_log) > 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += exp(low * (log_time(&lives[i]) - unit));
    }
    fit->shape = low;
    fit->scale = exp(unit + log(sum / n_done) / low);
}

bool lifetime_fit(const struct lifetime *lives, size_t n, struct lifetime_fit *ret_fit)
{
    struct lifetime_fit fit = {.n = n};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double y = log_time(&lives[i]);
        fit.n_cut += lives[i].is_cut ? 1 : 0;
        sum += y;
        squares += y * y;
    }
    double variance =
        n > 0 ? squares / (double)n - sum * sum / ((double)n * (double)n) : 0;
    if (n - fit.n_cut < FIT_LEAST || variance < 1e-6) {
        return false;
    }
    fit.mu = sum / (double)n;
    fit.sigma = sqrt(variance);
    fit_lognormal(lives, n, &fit);
    fit_weibull(lives, n, &fit);
    *ret_fit = fit;
    return true;
}

double lifetime_beyond_lognormal(const struct lifetime_fit *fit, double time)
{
    return normal_below(-(log(time) - fit->mu) / fit->sigma);
}

double lifetime_beyond_weibull(const struct lifetime_fit *fit, double time)
{
    return exp(-pow(time / fit->scale, fit->shape));
}
