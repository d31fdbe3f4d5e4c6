/* SPDX-License-Identifier: MIT */

/* The methods of the learning engine against published and computed values. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>

#include "engine/base/compiler.h"
#include "engine/learning/statistic.h"

static void near(double a, double b, double by)
{
    if (!(fabs(a - b) <= by)) {
        fail_msg("%.9g is not %.9g", a, b);
    }
}

static double draw_normal(struct rng *rng)
{
    double u = 1 - rng_unit(rng), v = rng_unit(rng);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static void of_the_normal_distribution(void **state)
{
    (void)state;
    near(normal_below(1.959963985), 0.975, 1e-9);
    near(normal_quantile(0.95), 1.644853627, 1e-8);
    near(normal_quantile(0.001), -3.090232306, 1e-8);
    assert_true(isnan(normal_quantile(1)));
}

static void of_quantiles(void **state)
{
    (void)state;
    double values[] = {4, 1, 3, 2};
    near(stat_quantile(values, 4, 0.5), 2.5, 1e-12);
    near(stat_quantile(values, 4, 1), 4, 1e-12);
    assert_true(isnan(stat_quantile(values, 0, 0.5)));
}

/* Brown, Cai and DasGupta 2001, table of Jeffreys intervals: n = 10, x = 2, 95 %. */
static void of_shares(void **state)
{
    (void)state;
    struct estimate share = stat_share(2, 10, 0.95);
    near(share.low, 0.044, 0.001);
    near(share.high, 0.503, 0.001);
    share = stat_share(0, 300, 0.9);
    near(share.low, 0, 0);
    assert_true(share.high < 0.0101);
    near(stat_share(7, 7, 0.9).high, 1, 0);
}

/* Fisher's lady tasting tea: three of four right. */
static void of_fisher(void **state)
{
    (void)state;
    near(stat_fisher(3, 1, 1, 3), 0.485714286, 1e-8);
    near(stat_fisher(8, 2, 1, 5), 0.034965035, 1e-8);
    near(stat_fisher(5, 5, 5, 5), 1, 1e-12);
    near(stat_fisher(0, 0, 3, 4), 1, 1e-12);
}

static void of_benjamini_and_hochberg(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, 0.03, 0.005};
    stat_adjust(p, 4);
    near(p[0], 0.02, 1e-12);
    near(p[1], 0.04, 1e-12);
    near(p[2], 0.04, 1e-12);
    near(p[3], 0.02, 1e-12);
}

static void of_slopes(void **state)
{
    (void)state;
    double x[] = {1, 2, 3, 4, 5, 6, 7, 8}, y[] = {3, 5, 7, 9, 100, 13, 15, 17}, p;
    near(stat_slope(x, y, 8, &p), 2, 1e-12); /* one wild value does not matter */
    assert_true(p < 0.01);
    double level[] = {1, 2, 1, 2, 1, 2, 1, 2};
    (void)stat_slope(x, level, 8, &p);
    assert_true(p > 0.3);
    assert_true(isnan(stat_slope(x, y, 1, NULL)));
}

static void of_changes(void **state)
{
    (void)state;
    double values[60], p;
    struct rng rng;
    rng_init(&rng, 3);
    for (size_t i = 0; i < 60; i++) {
        values[i] = draw_normal(&rng) + (i >= 40 ? 3 : 0);
    }
    size_t at = stat_change(values, 60, &p);
    assert_in_range(at, 39, 41);
    assert_true(p < 1e-5);
    int n_false = 0;
    for (int k = 0; k < 400; k++) {
        for (size_t i = 0; i < 60; i++) {
            values[i] = draw_normal(&rng);
        }
        (void)stat_change(values, 60, &p);
        n_false += p < 0.05 ? 1 : 0;
    }
    assert_in_range(n_false, 2,
                    24); /* 5 % of 400 are 20; Pettitt's p is a little careful */
    for (size_t i = 0; i < 60; i++) {
        values[i] = i % (i < 30 ? 3 : 12) == 0
                        ? 1
                        : 0; /* a share that fell; nearly all are ties */
    }
    at = stat_change(values, 60, &p);
    assert_in_range(at, 26, 34);
    assert_true(p < 0.07);
    for (size_t i = 0; i < 60; i++) {
        values[i] = 5;
    }
    (void)stat_change(values, 60, &p);
    assert_true(p > 0.99);
    assert_int_equal(stat_change(values, 7, &p), 0);
}

/* Freireich et al., Blood 21, 1963: remission under 6-MP, the usual example. */
static void of_kaplan_and_meier(void **state)
{
    (void)state;
    struct lifetime lives[] = {
        {6,  0},
        {6,  0},
        {6,  0},
        {6,  1},
        {7,  0},
        {9,  1},
        {10, 0},
        {10, 1},
        {11, 1},
        {13, 0},
        {16, 0},
        {17, 1},
        {19, 1},
        {20, 1},
        {22, 0},
        {23, 0},
        {25, 1},
        {32, 1},
        {32, 1},
        {34, 1},
        {35, 1},
    };
    near(stat_survival(lives, ARRAY_LEN(lives), 6), 0.857, 0.0005);
    near(stat_survival(lives, ARRAY_LEN(lives), 10), 0.753, 0.0005);
    near(stat_survival(lives, ARRAY_LEN(lives), 23), 0.448, 0.0005);
    assert_true(isnan(stat_survival(lives, 0, 1)));
}

/* A third was cut, and the fit tells what lies beyond all the same. */
static void of_what_was_cut(void **state)
{
    (void)state;
    struct lifetime lives[3000], whole[3000];
    struct lifetime_fit fit;
    struct rng rng;
    rng_init(&rng, 11);
    for (size_t i = 0; i < 3000; i++) {
        double time = exp(2 + 0.5 * draw_normal(&rng)), limit = exp(2.2);
        lives[i] = (struct lifetime){time < limit ? time : limit, time >= limit};
        double weibull = 10 * pow(-log(1 - rng_unit(&rng)), 1 / 1.7);
        whole[i] = (struct lifetime){weibull < 9 ? weibull : 9, weibull >= 9};
    }
    assert_true(lifetime_fit(lives, 3000, &fit));
    near(fit.mu, 2, 0.03);
    near(fit.sigma, 0.5, 0.03);
    near(lifetime_beyond_lognormal(&fit, exp(2.5)), 0.1587, 0.015);
    assert_true(lifetime_fit(whole, 3000, &fit));
    near(fit.shape, 1.7, 0.1);
    near(fit.scale, 10, 0.4);
    near(lifetime_beyond_weibull(&fit, 10), exp(-1), 0.02);
    assert_false(lifetime_fit(lives, 5, &fit));
}

/* The interval holds the truth about as often as it says. */
static void of_means(void **state)
{
    (void)state;
    int n_held = 0;
    struct rng rng;
    rng_init(&rng, 5);
    for (int k = 0; k < 300; k++) {
        double values[80];
        for (size_t i = 0; i < 80; i++) {
            values[i] = exp(0.8 * draw_normal(&rng));
        }
        struct estimate mean = stat_mean(values, 80, 1, &rng);
        n_held += mean.low <= exp(0.32) && mean.high >= exp(0.32) ? 1 : 0;
    }
    assert_in_range(n_held, 245, 290);
    assert_true(isnan(stat_mean(NULL, 1, 1, &rng).value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_normal_distribution),
        cmocka_unit_test(of_quantiles),
        cmocka_unit_test(of_shares),
        cmocka_unit_test(of_fisher),
        cmocka_unit_test(of_benjamini_and_hochberg),
        cmocka_unit_test(of_slopes),
        cmocka_unit_test(of_changes),
        cmocka_unit_test(of_kaplan_and_meier),
        cmocka_unit_test(of_what_was_cut),
        cmocka_unit_test(of_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
