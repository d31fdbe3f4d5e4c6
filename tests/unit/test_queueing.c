/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/compiler.h"
#include "engine/base/rng.h"
#include "engine/predict/queueing.h"

static bool is_near(double a, double b, double within)
{
    return fabs(a - b) <= within;
}

/* Values of published Erlang C tables. */
static void test_erlang_c(void **state)
{
    (void)state;
    assert_true(is_near(queueing_erlang_c(.5, 1), .5, 1e-12)); /* M/M/1: rho */
    assert_true(is_near(queueing_erlang_c(1, 2), 1.0 / 3, 1e-12));
    assert_true(is_near(queueing_erlang_c(2, 3), 4.0 / 9, 1e-12));
    assert_true(is_near(queueing_erlang_c(8, 10), .4092, 5e-5));
    assert_true(is_near(queueing_erlang_c(0, 3), 0, 0));
    assert_true(is_near(queueing_erlang_c(3, 3), 1, 0));
    assert_true(is_near(queueing_erlang_c(9, 3), 1, 0));
    double many = queueing_erlang_c(9900, 10000); /* no overflow */
    assert_true(many > 0 && many < 1);
}

static void test_one_server(void **state)
{
    (void)state;
    /* M/M/1: W = rho s / (1 - rho); M/D/1 half of it; M/G/1: Pollaczek and Khinchine. */
    struct queueing_load load = {.08, 10, 1, 1};
    struct queueing_answer answer = queueing_run(&load, 1);
    assert_true(answer.is_known && answer.is_stable);
    assert_true(is_near(answer.utilization, .8, 1e-12));
    assert_true(is_near(answer.wait, 40, 1e-9));
    assert_true(is_near(answer.queue, 3.2, 1e-9));
    assert_true(is_near(answer.throughput, .08, 0) && answer.growth == 0);
    assert_true(
        is_near(answer.wait_p90, 50 * log(8), 1e-9)); /* P(W > t) = rho e^(-t/50) */
    load.scv_service = 0;
    assert_true(is_near(queueing_run(&load, 1).wait, 20, 1e-9));
    load.scv_service = 4;
    assert_true(is_near(queueing_run(&load, 1).wait, 100, 1e-9));
    load.scv_service = load.scv_arrival = (double)NAN; /* counts as 1 */
    assert_true(is_near(queueing_run(&load, 1).wait, 40, 1e-9));
}

static void test_too_much_work(void **state)
{
    (void)state;
    struct queueing_load load = {2, 3, 1, 1}; /* 6 erlangs */
    struct queueing_answer answer = queueing_run(&load, 6);
    assert_true(answer.is_known && !answer.is_stable && isinf(answer.wait));
    answer = queueing_run(&load, 3);
    assert_true(is_near(answer.throughput, 1, 1e-12) && is_near(answer.growth, 1, 1e-12));
    answer = queueing_run(&load, 7);
    assert_true(answer.is_stable && isfinite(answer.wait) && answer.throughput == 2);
}

static void test_no_load_is_unknown(void **state)
{
    (void)state;
    static const double bad[] = {-1, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct queueing_load a = {bad[i], 1, 1, 1}, b = {1, bad[i], 1, 1};
        assert_false(queueing_run(&a, 2).is_known);
        assert_false(queueing_run(&b, 2).is_known);
        assert_true(isnan(queueing_run(&b, 2).wait));
    }
    struct queueing_load none = {0, 5, 1, 1};
    assert_true(queueing_run(&none, 1).wait == 0 && queueing_run(&none, 1).is_known);
    assert_false(queueing_run(&none, 0).is_known);
}

static void test_servers_for(void **state)
{
    (void)state;
    struct queueing_load load = {2, 3, 1, 1.5};
    for (double wait = 10; wait > .001; wait /= 3) {
        int servers = queueing_servers_for(&load, wait, 100);
        assert_in_range(servers, 7, 100);
        assert_true(queueing_run(&load, servers).wait <= wait);
        assert_false(queueing_run(&load, servers - 1).wait <= wait);
    }
    assert_int_equal(queueing_servers_for(&load, .001, 7), 0);
    assert_int_equal(queueing_servers_for(&load, 1, 5), 0);
}

#define JOBS 20000

/* First come, first served, by `servers`: what really happens. */
static void simulate(struct queueing_row *rows, size_t n, int servers, double rate,
                     double service, bool is_even, uint64_t seed)
{
    double free_at[64] = {0}, now = 0;
    struct rng rng;
    rng_init(&rng, seed);
    for (size_t i = 0; i < n; i++) {
        now += -log(1 - rng_unit(&rng)) / rate;
        int first = 0;
        for (int k = 1; k < servers; k++) {
            first = free_at[k] < free_at[first] ? k : first;
        }
        double start = fmax(now, free_at[first]);
        double took = is_even ? service : -service * log(1 - rng_unit(&rng));
        rows[i] = (struct queueing_row){now, start, start + took};
        free_at[first] = start + took;
    }
}

/* The model tells the wait of a simulated history at its limit, and at another one. */
static void test_against_a_simulation(void **state)
{
    (void)state;
    struct queueing_row *rows = calloc(JOBS, sizeof(*rows));
    assert_non_null(rows);
    for (int is_even = 0; is_even <= 1; is_even++) {
        simulate(rows, JOBS, 4, .34, 10, is_even == 1, 5);
        struct queueing_history history = queueing_observe(rows, JOBS);
        assert_true(is_near(history.load.arrival_rate, .34, .01));
        assert_true(is_near(history.load.service, 10, .3));
        assert_true(is_near(history.load.scv_arrival, 1, .1));
        assert_true(is_near(history.load.scv_service, is_even == 1 ? 0 : 1, .1));
        struct queueing_check check = queueing_check(&history, 4);
        assert_true(check.is_known && check.is_credible);
        assert_true(fabs(check.error) < .25);
        struct queueing_answer six = queueing_run(&history.load, 6);
        simulate(rows, JOBS, 6, .34, 10, is_even == 1, 6);
        struct queueing_history other = queueing_observe(rows, JOBS);
        assert_true(fabs(log(six.wait / other.wait)) < .3);
        assert_true(history.wait_p90 >= history.wait &&
                    other.wait_p90 < history.wait_p90);
    }
    free(rows);
}

/* Waits that do not come from the number of servers: the model says that it does not match. */
static void test_a_model_that_does_not_match(void **state)
{
    (void)state;
    struct queueing_row rows[200];
    for (size_t i = 0; i < 200; i++) {
        double at = 100 * (double)i;
        rows[i] =
            (struct queueing_row){at, at + 60, at + 70}; /* held back by something */
    }
    struct queueing_history history = queueing_observe(rows, 200);
    struct queueing_check check = queueing_check(&history, 4);
    assert_true(check.is_known && !check.is_credible && check.error < 0);
    assert_true(is_near(check.observed, 60, 1e-9));
    check = queueing_check(&(struct queueing_history){.n = 5, .load = history.load}, 4);
    assert_false(check.is_known);
    history = queueing_observe(rows, 0);
    assert_true(isnan(history.wait) && isnan(history.load.arrival_rate));
    assert_false(queueing_check(&history, 4).is_known);
    for (size_t i = 0; i < 200; i++) {
        rows[i].started = rows[i].ended = (double)NAN; /* nothing has begun yet */
    }
    history = queueing_observe(rows, 200);
    assert_true(isnan(history.wait) && isnan(history.load.service));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_erlang_c),
        cmocka_unit_test(test_one_server),
        cmocka_unit_test(test_too_much_work),
        cmocka_unit_test(test_no_load_is_unknown),
        cmocka_unit_test(test_servers_for),
        cmocka_unit_test(test_against_a_simulation),
        cmocka_unit_test(test_a_model_that_does_not_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
