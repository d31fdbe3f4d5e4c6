/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/decision/beta.h"

#define TRIES_MAX 32 /* the chance to need more is below 1e-40 */
#define STEPS_MAX 24
#define TERMS_MAX 200
#define TINY      1e-30

/* A normal variate (Box and Muller 1958); the second one is not kept, so that draws do not
 * depend on what was drawn before. */
static double draw_normal(struct rng *rng)
{
    double u = 1 - rng_unit(rng), v = rng_unit(rng);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* The logarithm of a gamma variate, so that small shapes do not vanish. */
static double draw_log_gamma(double shape, struct rng *rng)
{
    double boost = 0;
    if (shape < 1) {
        boost = log(1 - rng_unit(rng)) / shape;
        shape += 1;
    }
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d), v = 1;
    for (int i = 0; i < TRIES_MAX; i++) {
        double x = draw_normal(rng);
        v = 1 + c * x;
        v = v * v * v;
        if (v > 0 && log(1 - rng_unit(rng)) < 0.5 * x * x + d - d * v + d * log(v)) {
            break;
        }
        v = 1;
    }
    return log(d * v) + boost;
}

static double least(double x)
{
    return x > BETA_LEAST ? x : BETA_LEAST;
}

double beta_draw(const struct beta *beta, struct rng *rng)
{
    double x = draw_log_gamma(least(beta->a), rng);
    double y = draw_log_gamma(least(beta->b), rng);
    return 1 / (1 + exp(y - x));
}

static double away_from_zero(double x)
{
    return fabs(x) < TINY ? TINY : x;
}

/* The continued fraction; converges fast for x < (a + 1) / (a + b + 2). */
static double fraction(double a, double b, double x)
{
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m <= TERMS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        h *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1) < 1e-9) {
            break;
        }
    }
    return h;
}

/* lgamma writes signgam, which other threads may read; this one does not. */
static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

static double log_norm(double a, double b)
{
    return log_gamma(a + b) - log_gamma(a) - log_gamma(b);
}

static double below(double a, double b, double x, double norm)
{
    if (x <= 0 || x >= 1) {
        return x <= 0 ? 0 : 1;
    }
    double front = exp(norm + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) {
        return front * fraction(a, b, x) / a;
    }
    return 1 - front * fraction(b, a, 1 - x) / b;
}

double beta_below(const struct beta *beta, double x)
{
    double a = least(beta->a), b = least(beta->b);
    return below(a, b, x, log_norm(a, b));
}

double beta_quantile(const struct beta *beta, double share)
{
    double a = least(beta->a), b = least(beta->b), norm = log_norm(a, b);
    double low = 0, high = 1, x = a / (a + b);
    for (int i = 0; i < STEPS_MAX; i++) {
        double off = below(a, b, x, norm) - share;
        if (fabs(off) < 1e-5) {
            break;
        }
        if (off > 0) {
            high = x;
        } else {
            low = x;
        }
        double density = exp(norm + (a - 1) * log(x) + (b - 1) * log1p(-x));
        double next = x - off / density;
        /* Written so that a next that is no number takes the middle. */
        x = next > low && next < high ? next : (low + high) / 2;
    }
    return x;
}
