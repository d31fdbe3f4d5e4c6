/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_STATISTIC_H
#define SIGNALBOX_LEARNING_STATISTIC_H

/*
 * Statistic: the methods that the learning engine rests on, each with its source.
 *
 * Pure; no allocation unless said. Not known is NAN.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/rng.h"

/* A value with its 90 % interval. */
struct estimate {
    double value, low, high;
};

/* Standard normal distribution: below x, and the x below which a share p of (0, 1) lies (by
 * bisection to 1e-9). */
double normal_below(double x);
double normal_quantile(double p);

/* Sorts, and gives the value at rank q * (n - 1), interpolated; NAN of none. */
double stat_quantile(double *values, size_t n, double q);
double stat_sorted_quantile(const double *values, size_t n, double q);

/* Share of k in n with the Jeffreys interval (Brown, Cai and DasGupta, "Interval Estimation for a
 * Binomial Proportion", Statistical Science 16, 2001); level: 0.9 gives 5 % on each side. */
struct estimate stat_share(double k, double n, double level);

/* Mean of values, its interval by the bootstrap of percentiles (Efron 1979) over blocks of so many
 * neighbours (Kunsch 1989; 1 = all are independent of each other). NAN when n is below 2. */
struct estimate stat_mean(const double *values, size_t n, size_t block, struct rng *rng);

/* Fisher's exact test of the table {{a, b}, {c, d}}, two-sided. */
double stat_fisher(long a, long b, long c, long d);

/* Benjamini and Hochberg, "Controlling the False Discovery Rate", J. R. Statist. Soc. B 57, 1995: p
 * values become adjusted ones. Allocates. */
void stat_adjust(double *p, size_t n);

/* Median of the slopes between all pairs (Theil 1950; Sen 1968), and the chance of a tendency as
 * clear by accident (Mann 1945; Kendall 1975, corrected for ties). n up to a few hundred: the cost is
 * n^2. ret_p may be NULL. Allocates. */
double stat_slope(const double *x, const double *y, size_t n, double *ret_p);

/*
 * A change of level: the place k (the first value after it) that divides the values best by ranks,
 * and the chance of that by accident (A. N. Pettitt, "A non-parametric approach to the change-point
 * problem", Applied Statistics 28, 1979; its
 * variance corrected for ties). Allocates. 0: n is below 8.
 */
size_t stat_change(const double *values, size_t n, double *ret_p);

/* One of the times until something was done; is_cut: it was ended before, at that time. */
struct lifetime {
    double time;
    bool is_cut;
};
/* Share that takes longer than `time` (E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53, 1958).
 * Sorts by time. NAN of none. */
double stat_survival(struct lifetime *lives, size_t n, double time);

/* Lognormal and Weibull distributions fitted by maximum likelihood to times some of which were cut. */
struct lifetime_fit {
    double mu, sigma;    /* of the logarithm */
    double shape, scale; /* Weibull */
    size_t n, n_cut;
};
/* False: fewer than 8 that were not cut, or all the same. */
bool lifetime_fit(const struct lifetime *lives, size_t n, struct lifetime_fit *ret_fit);
/* Share longer than `time`, by either. */
double lifetime_beyond_lognormal(const struct lifetime_fit *fit, double time);
double lifetime_beyond_weibull(const struct lifetime_fit *fit, double time);

#endif
