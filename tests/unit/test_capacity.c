/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/predict/capacity.h"

#define DAYS 200

static struct capacity_answer ask(const double *used, size_t n, double limit,
                                  double horizon)
{
    struct arena *arena = arena_new();
    struct capacity_task task = {
        .used = used, .n = n, .limit = limit, .step = 1, .horizon = horizon};
    struct capacity_answer answer = capacity_run(&task, arena);
    arena_free(arena);
    return answer;
}

static void check_order(const struct capacity_answer *answer)
{
    assert_true(answer->lo95 <= answer->lo && answer->lo <= answer->at);
    assert_true(answer->at <= answer->hi && answer->hi <= answer->hi95);
    assert_true(answer->p_within >= 0 && answer->p_within <= 1);
}

static void test_a_line_is_followed(void **state)
{
    (void)state;
    double used[DAYS];
    for (size_t t = 0; t < DAYS; t++) {
        used[t] = 1000 + 10 * (double)t;
    }
    struct capacity_answer answer = ask(used, DAYS, used[DAYS - 1] + 300, 0);
    assert_int_equal(answer.verdict, CAPACITY_WITHIN);
    check_order(&answer);
    assert_true(answer.at > 24 && answer.at < 36); /* 30 days at this pace */
    assert_true(answer.lo > 12 && answer.hi < 60);
    assert_true(fabs(answer.rate - 10) < 1e-9);
    assert_true(answer.p_within > .99);
    assert_true(answer.used == used[DAYS - 1]);
}

static void test_never_is_an_answer(void **state)
{
    (void)state;
    double flat[DAYS], falling[DAYS], slow[DAYS];
    for (size_t t = 0; t < DAYS; t++) {
        flat[t] = 70;
        falling[t] = 500 - (double)t;
        slow[t] = (double)t;
    }
    const double *histories[] = {flat, falling, slow};
    static const double limits[] = {100, 600, 5000};
    for (size_t i = 0; i < ARRAY_LEN(histories); i++) {
        struct capacity_answer answer = ask(histories[i], DAYS, limits[i], 90);
        assert_int_equal(answer.verdict, CAPACITY_BEYOND);
        assert_true(isinf(answer.at) && isinf(answer.lo) && isinf(answer.hi));
        assert_true(answer.p_within < .01);
    }
}

static void test_full_is_now(void **state)
{
    (void)state;
    static const double used[] = {1, 2, 3, 4};
    struct capacity_answer answer = ask(used, 4, 4, 0);
    assert_int_equal(answer.verdict, CAPACITY_FULL);
    assert_true(answer.at == 0 && answer.hi95 == 0 && answer.p_within == 1);
}

static void test_unknown_is_not_zero(void **state)
{
    (void)state;
    double used[] = {1, (double)NAN, (double)NAN, 4, (double)NAN};
    assert_int_equal(ask(used, 5, 10, 0).verdict, CAPACITY_UNKNOWN);
    assert_true(isnan(ask(used, 5, 10, 0).at));
    assert_int_equal(ask(NULL, 0, 10, 0).verdict, CAPACITY_UNKNOWN);
    used[1] = 2;
    struct capacity_answer answer = ask(used, 5, 10, 0);
    assert_int_equal(answer.verdict, CAPACITY_WITHIN);
    assert_true(fabs(answer.rate - 1) < .1); /* the gap is bridged, not a fall to zero */
    assert_int_equal(ask(used, 5, (double)NAN, 0).verdict, CAPACITY_UNKNOWN);
}

/* Growth by jumps, cut at random days: when the limit is reached within the horizon, the interval
 * holds as often as it says, or somewhat more often. */
static void test_jumps(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 21);
    int n = 0, in80 = 0, in95 = 0, n_early = 0;
    for (int round = 0; round < 300; round++) {
        double used[DAYS + 120], sum = 0, size = 1 + 100 * rng_unit(&rng);
        for (size_t t = 0; t < DAYS + 120; t++) {
            sum += rng_below(&rng, 4) == 0 ? -size * log(1 - rng_unit(&rng)) : 0;
            used[t] = sum;
        }
        double limit = used[DAYS + 10 + rng_below(&rng, 100)];
        size_t full = DAYS;
        while (full < DAYS + 119 && used[full] < limit) {
            full++;
        }
        double days = (double)(full - DAYS + 1);
        struct capacity_answer answer = ask(used, DAYS, limit, 0);
        if (answer.verdict == CAPACITY_FULL) {
            continue;
        }
        check_order(&answer);
        n++;
        in80 += days >= answer.lo && days <= answer.hi ? 1 : 0;
        in95 += days >= answer.lo95 && days <= answer.hi95 ? 1 : 0;
        n_early += days < answer.at ? 1 : 0;
    }
    assert_true(n > 250);
    assert_in_range(in80, n * 75 / 100, n * 97 / 100);
    assert_in_range(in95, n * 92 / 100, n);
    assert_in_range(n_early, n * 35 / 100, n * 65 / 100);
}

/* A load that comes and goes is no growth; one whose line rises is; one that touches the limit now
 * and then will do so again. */
static void test_a_load_comes_back(void **state)
{
    (void)state;
    double load[24 * 14], rising[24 * 14];
    struct rng rng;
    rng_init(&rng, 9);
    for (size_t t = 0; t < ARRAY_LEN(load); t++) {
        double wave = sin((double)t * 2 * acos(-1.0) / 24);
        load[t] = .5 + .2 * wave + .05 * (rng_unit(&rng) - .5);
        rising[t] = load[t] + .0005 * (double)t;
    }
    struct capacity_answer answer = ask(load, ARRAY_LEN(load), .9, 336);
    assert_int_equal(answer.verdict, CAPACITY_BEYOND);
    assert_true(answer.p_within < .05);
    answer = ask(load, ARRAY_LEN(load), .7, 336);
    assert_int_equal(answer.verdict, CAPACITY_WITHIN);
    assert_true(answer.at < 48 && answer.p_within > .95);
    /* At the end .67 with its wave up to .89; .0005 a step: a crest reaches 1 after some 250. */
    answer = ask(rising, ARRAY_LEN(rising), 1, 500);
    assert_int_equal(answer.verdict, CAPACITY_WITHIN);
    check_order(&answer);
    assert_true(answer.lo < 260 && answer.hi > 260 && answer.at > 150);
}

/* Half an hour of minutes of a busy host is no reason to say that it will be full. */
static void test_short_noise_is_no_growth(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 4);
    int n_within = 0;
    for (int round = 0; round < 200; round++) {
        double used[24];
        for (size_t t = 0; t < ARRAY_LEN(used); t++) {
            used[t] = .3 + .4 * rng_unit(&rng);
        }
        struct capacity_answer answer = ask(used, ARRAY_LEN(used), .95, 48);
        n_within += answer.verdict == CAPACITY_WITHIN ? 1 : 0;
    }
    assert_true(n_within <= 20);
}

static void test_the_unit_does_not_matter(void **state)
{
    (void)state;
    double used[DAYS];
    struct rng rng;
    rng_init(&rng, 3);
    for (size_t t = 0; t < DAYS; t++) {
        used[t] = (t == 0 ? 0 : used[t - 1]) + 10 * rng_unit(&rng);
    }
    struct arena *arena = arena_new();
    double limit = used[DAYS - 1] + 400;
    struct capacity_task in_days = {used, DAYS, limit, 1, 100};
    struct capacity_task in_hours = {used, DAYS, limit, 24, 2400};
    struct capacity_answer days = capacity_run(&in_days, arena);
    struct capacity_answer hours = capacity_run(&in_hours, arena);
    struct capacity_answer again = capacity_run(&in_days, arena);
    assert_true(fabs(hours.at - 24 * days.at) < 1e-9);
    assert_true(again.at == days.at && again.hi95 == days.hi95 && again.lo == days.lo);
    /* A long horizon in small steps costs no more: steps are put together. */
    struct capacity_task longer = {used, DAYS, limit, 1, 4000};
    struct capacity_answer far = capacity_run(&longer, arena);
    assert_int_equal(far.verdict, CAPACITY_WITHIN);
    assert_true(far.at > days.at / 2 && far.at < days.at * 2);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_followed),
        cmocka_unit_test(test_never_is_an_answer),
        cmocka_unit_test(test_full_is_now),
        cmocka_unit_test(test_unknown_is_not_zero),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_a_load_comes_back),
        cmocka_unit_test(test_short_noise_is_no_growth),
        cmocka_unit_test(test_the_unit_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
