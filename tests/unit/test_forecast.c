/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/predict/forecast.h"

#define STEPS_MAX  1024
#define VALUES_MAX 5000

struct bench {
    struct arena *arena;
    struct rng rng;
    double values[VALUES_MAX];
    size_t n;
    struct forecast_step steps[STEPS_MAX];
    struct forecast_report report;
};

static int set_up(void **state)
{
    struct bench *bench = mem_alloc(sizeof(*bench));
    bench->arena = arena_new();
    rng_init(&bench->rng, 7);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    arena_free(bench->arena);
    free(bench);
    return 0;
}

/* Roughly normal, deviation 1. */
static double noise(struct bench *bench)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += rng_unit(&bench->rng);
    }
    return sum - 6;
}

static bool forecast(struct bench *bench, int season, int horizon)
{
    struct forecast_task task = {
        .values = bench->values, .n = bench->n, .season = season, .horizon = horizon};
    arena_reset(bench->arena);
    return forecast_run(&task, bench->arena, bench->steps, &bench->report);
}

/* Intervals contain the value and one another, and everything is a number. */
static void check_steps(const struct bench *bench, int horizon)
{
    for (int h = 0; h < horizon; h++) {
        const struct forecast_step *step = &bench->steps[h];
        assert_true(isfinite(step->lo95) && isfinite(step->hi95));
        assert_true(step->lo95 <= step->lo80 && step->lo80 <= step->value);
        assert_true(step->value <= step->hi80 && step->hi80 <= step->hi95);
    }
}

static double wave(size_t t, size_t season)
{
    return sin((double)(t % season) * 2 * acos(-1.0) / (double)season);
}

static void test_a_season_is_found(void **state)
{
    struct bench *bench = *state;
    static const int seasons[] = {7, 24, 60, 12};
    for (size_t i = 0; i < ARRAY_LEN(seasons); i++) {
        size_t season = (size_t)seasons[i];
        bench->n = 20 * season;
        for (size_t t = 0; t < bench->n; t++) {
            bench->values[t] = 100 + 20 * wave(t, season) + 3 * noise(bench);
        }
        arena_reset(bench->arena);
        assert_int_equal(forecast_find_season(bench->values, bench->n, bench->arena),
                         seasons[i]);
        assert_true(forecast(bench, 0, 2 * seasons[i]));
        assert_int_equal(bench->report.season, seasons[i]);
        check_steps(bench, 2 * seasons[i]);
        for (size_t h = 0; h < 2 * season; h++) {
            double truth = 100 + 20 * wave(bench->n + h, season);
            assert_true(fabs(bench->steps[h].value - truth) < 6);
        }
        assert_true(bench->report.trials[FORECAST_COMBINED].mase <
                    bench->report.trials[FORECAST_NAIVE].mase);
    }
}

static void test_noise_has_no_season(void **state)
{
    struct bench *bench = *state;
    int n_found = 0;
    for (int round = 0; round < 20; round++) {
        bench->n = 300;
        double level = 0;
        for (size_t t = 0; t < bench->n; t++) {
            level += noise(bench);
            bench->values[t] = round % 2 == 0 ? noise(bench) : level;
        }
        arena_reset(bench->arena);
        n_found +=
            forecast_find_season(bench->values, bench->n, bench->arena) > 1 ? 1 : 0;
    }
    assert_true(n_found <= 2);
}

/* Hours with quiet weekends: the week is seen, and the next weekend is quiet. */
static void test_a_week_of_hours(void **state)
{
    struct bench *bench = *state;
    bench->n = 24 * 7 * 5;
    for (size_t t = 0; t < bench->n; t++) {
        bool is_weekend = t / 24 % 7 >= 5;
        bench->values[t] = (is_weekend ? 20 : 100 + 40 * wave(t, 24)) + 2 * noise(bench);
    }
    assert_true(forecast(bench, 24, 7 * 24));
    assert_int_equal(bench->report.season_long, 168);
    check_steps(bench, 7 * 24);
    assert_true(fabs(bench->steps[5 * 24 + 12].value - 20) < 10);
    assert_true(fabs(bench->steps[2 * 24 + 6].value - 140) < 20);
    assert_true(bench->report.skill > .3);
}

static void test_a_trend_goes_on(void **state)
{
    struct bench *bench = *state;
    bench->n = 200;
    for (size_t t = 0; t < bench->n; t++) {
        bench->values[t] = 1000 + 5 * (double)t + 2 * noise(bench);
    }
    assert_true(forecast(bench, 1, 5));
    check_steps(bench, 5);
    assert_true(fabs(bench->steps[4].value - 2020) < 15);
    assert_true(bench->steps[4].value > bench->steps[0].value);
    struct forecast_task task = {.values = bench->values,
                                 .n = bench->n,
                                 .season = 1,
                                 .horizon = 10,
                                 .models = 1u << FORECAST_TREND};
    assert_true(forecast_run(&task, bench->arena, bench->steps, &bench->report));
    assert_true(bench->steps[9].value > 2020 && bench->steps[9].value < 2060);
}

static void test_what_never_changes_stays(void **state)
{
    struct bench *bench = *state;
    static const double levels[] = {0, 5, -3};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        bench->n = 100;
        for (size_t t = 0; t < bench->n; t++) {
            bench->values[t] = levels[i];
        }
        assert_true(forecast(bench, 0, 10));
        check_steps(bench, 10);
        assert_int_equal(bench->report.season, 1);
        for (size_t h = 0; h < 10; h++) {
            assert_true(fabs(bench->steps[h].value - levels[i]) < 1e-6);
            assert_true(bench->steps[h].hi95 - bench->steps[h].lo95 < 1e-3);
        }
        assert_true(isnan(bench->report.skill)); /* nothing to beat */
    }
}

/* What never was below zero is not forecast there; what was may be. */
static void test_signs(void **state)
{
    struct bench *bench = *state;
    for (int sign = -1; sign <= 1; sign += 2) {
        bench->n = 120;
        for (size_t t = 0; t < bench->n; t++) {
            bench->values[t] = sign * fmax(0, 60 - (double)t + 2 * noise(bench));
        }
        assert_true(forecast(bench, 1, 30));
        check_steps(bench, 30);
        for (size_t h = 0; h < 30; h++) {
            assert_true(sign * bench->steps[h].lo95 >= 0 &&
                        sign * bench->steps[h].hi95 >= 0);
        }
    }
    for (size_t t = 0; t < bench->n; t++) {
        bench->values[t] = noise(bench) - .1;
    }
    assert_true(forecast(bench, 1, 3));
    check_steps(bench, 3);
    assert_true(bench->steps[0].lo80 < 0 && bench->steps[0].hi80 > 0);
}

static void test_too_little_is_not_answered(void **state)
{
    struct bench *bench = *state;
    bench->n = 0;
    assert_false(forecast(bench, 7, 5));
    for (size_t t = 0; t < 50; t++) {
        bench->values[t] = t < 3 ? (double)t : (double)NAN;
    }
    bench->n = 50;
    assert_false(forecast(bench, 0, 5));
    bench->values[30] = 3;
    bench->values[40] = (double)INFINITY; /* unknown as well */
    assert_true(forecast(bench, 0, 5));
    assert_int_equal(bench->report.n_known, 4);
    check_steps(bench, 5);
}

static void test_short_histories(void **state)
{
    struct bench *bench = *state;
    for (size_t n = FORECAST_POINTS_MIN; n < 60; n++) {
        bench->n = n;
        for (size_t t = 0; t < n; t++) {
            bench->values[t] = 10 + wave(t, 7) + .1 * noise(bench);
        }
        for (int season = 0; season < 70; season += 7) {
            assert_true(forecast(bench, season, 20));
            check_steps(bench, 20);
            assert_true(bench->steps[0].value > 5 && bench->steps[0].value < 15);
        }
    }
}

/* A tenth unknown, and a day of it in one piece, changes little. */
static void test_gaps(void **state)
{
    struct bench *bench = *state;
    bench->n = 24 * 20;
    for (size_t t = 0; t < bench->n; t++) {
        bool is_lost = rng_below(&bench->rng, 10) == 0 || (t >= 300 && t < 324);
        double value = 50 + 20 * wave(t, 24) + noise(bench);
        bench->values[t] = is_lost ? (double)NAN : value;
    }
    assert_true(forecast(bench, 0, 24));
    assert_int_equal(bench->report.season, 24);
    check_steps(bench, 24);
    for (size_t h = 0; h < 24; h++) {
        assert_true(fabs(bench->steps[h].value - 50 - 20 * wave(h, 24)) < 3);
    }
}

/* On noise the intervals hold as often as they say. */
static void test_coverage(void **state)
{
    struct bench *bench = *state;
    int n = 0, in80 = 0, in95 = 0;
    for (int round = 0; round < 100; round++) {
        size_t season = round % 2 == 0 ? 1 : 7;
        double size = exp(3 * noise(bench));
        bench->n = 250;
        for (size_t t = 0; t < bench->n + 10; t++) {
            bench->values[t] = size * (20 + 4 * wave(t, season) + noise(bench));
        }
        assert_true(forecast(bench, (int)season, 10));
        for (size_t h = 0; h < 10; h++, n++) {
            double outcome = bench->values[bench->n + h];
            const struct forecast_step *step = &bench->steps[h];
            in80 += outcome >= step->lo80 && outcome <= step->hi80 ? 1 : 0;
            in95 += outcome >= step->lo95 && outcome <= step->hi95 ? 1 : 0;
        }
    }
    assert_in_range(in80, n * 75 / 100, n * 85 / 100);
    assert_in_range(in95, n * 92 / 100, n * 98 / 100);
}

/* The same values, scaled, give the same forecast, scaled; and twice is the same. */
static void test_the_same_again(void **state)
{
    struct bench *bench = *state;
    struct forecast_step first[14];
    bench->n = 200;
    for (size_t t = 0; t < bench->n; t++) {
        bench->values[t] = 30 + 9 * wave(t, 7) + noise(bench);
    }
    assert_true(forecast(bench, 7, 14));
    memcpy(first, bench->steps, sizeof(first));
    assert_true(forecast(bench, 7, 14));
    assert_memory_equal(first, bench->steps, sizeof(first));
    for (size_t t = 0; t < bench->n; t++) {
        bench->values[t] *= 1024;
    }
    assert_true(forecast(bench, 7, 14));
    for (size_t h = 0; h < 14; h++) {
        assert_true(fabs(bench->steps[h].value / 1024 - first[h].value) < 1e-6);
        assert_true(fabs(bench->steps[h].hi95 / 1024 - first[h].hi95) < 1e-6);
    }
}

/* The longest history and horizon stay within some MB; one model alone is that model. */
static void test_bounds(void **state)
{
    struct bench *bench = *state;
    bench->n = VALUES_MAX;
    for (size_t t = 0; t < bench->n; t++) {
        bench->values[t] = 500 + 100 * wave(t, 168) + 9 * noise(bench);
    }
    assert_true(forecast(bench, 24, FORECAST_HORIZON_MAX));
    check_steps(bench, FORECAST_HORIZON_MAX);
    assert_true(arena_bytes(bench->arena) < 64u * 1024 * 1024);
    assert_int_equal(bench->report.n_known, FORECAST_POINTS_MAX);
    struct forecast_task task = {.values = bench->values,
                                 .n = 100,
                                 .season = 1,
                                 .horizon = 2,
                                 .models = 1u << FORECAST_NAIVE};
    assert_true(forecast_run(&task, bench->arena, bench->steps, &bench->report));
    assert_true(bench->steps[1].value == bench->values[99]);
    assert_int_equal(bench->report.best, FORECAST_NAIVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_season_is_found),
        cmocka_unit_test(test_noise_has_no_season),
        cmocka_unit_test(test_a_week_of_hours),
        cmocka_unit_test(test_a_trend_goes_on),
        cmocka_unit_test(test_what_never_changes_stays),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_too_little_is_not_answered),
        cmocka_unit_test(test_short_histories),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_the_same_again),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
