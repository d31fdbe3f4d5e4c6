/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_BETA_H
#define SIGNALBOX_DECISION_BETA_H

/*
 * Beta: the distribution of a chance that is not known exactly.
 *
 * Pure. a and b are above 0 (smaller ones count as BETA_LEAST). Draws by two gamma variates
 * (Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000);
 * the share below x by the continued fraction of the incomplete beta function (Lentz's
 * method, as in Press et al., "Numerical Recipes"); quantiles by bisection with Newton steps.
 */

#include "engine/base/rng.h"

#define BETA_LEAST 1e-3

struct beta {
    double a, b;
};

/* [0, 1]; a bounded number of random numbers is used. */
double beta_draw(const struct beta *beta, struct rng *rng);
double beta_below(const struct beta *beta, double x); /* P(X <= x) */
double beta_quantile(const struct beta *beta, double share);
static inline double beta_mean(const struct beta *beta)
{
    return beta->a / (beta->a + beta->b);
}

#endif
