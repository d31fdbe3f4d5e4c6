/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/monitor/detect.h"

#define STEP INT64_C(300000) /* ms */

struct series {
    struct detector detector;
    struct rng rng;
    int64_t n;
};

static void begin(struct series *series, uint64_t seed)
{
    detect_init(&series->detector);
    rng_init(&series->rng, seed);
    series->n = 0;
}

/* Mean 100, deviation 5, roughly normal. */
static double calm(struct series *series)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += (double)rng_below(&series->rng, 1000000) / 1e6;
    }
    return 100 + 5 * (sum - 6);
}

static struct detect_result put(struct series *series, double value)
{
    return detect_step(&series->detector,
                       (struct wall){INT64_C(1700000000000) + series->n++ * STEP}, value);
}

static int count_alarms(struct series *series, int n)
{
    int alarms = 0;
    for (int i = 0; i < n; i++) {
        alarms += put(series, calm(series)).is_alarm;
    }
    return alarms;
}

/* Points until an alarm, at most n; -1 = none. */
static int delay_of(struct series *series, double (*value)(struct series *series), int n,
                    enum detect_kind *ret_kind)
{
    for (int i = 0; i < n; i++) {
        struct detect_result result = put(series, value(series));
        if (result.is_alarm) {
            *ret_kind = result.kind;
            return i;
        }
    }
    return -1;
}

static double spike(struct series *series)
{
    return calm(series) + 200;
}

static double step(struct series *series)
{
    return calm(series) + 25;
}

static double noise(struct series *series)
{
    return 100 + 8 * (calm(series) - 100);
}

static double flat(struct series *series)
{
    (void)series;
    return 100;
}

static void test_peace_is_quiet(void **state)
{
    (void)state;
    int alarms = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct series series;
        begin(&series, seed);
        alarms += count_alarms(&series, 4000); /* two weeks */
    }
    assert_true(alarms <= 20 * 14); /* one a day */
}

static void test_each_trouble_is_found(void **state)
{
    (void)state;
    static const struct {
        double (*value)(struct series *series);
        int within;
    } troubles[] = {
        {spike, 1 },
        {step,  8 },
        {noise, 8 },
        {flat,  20},
    };
    for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
        int found = 0;
        for (uint64_t seed = 1; seed <= 20; seed++) {
            struct series series;
            enum detect_kind kind;
            begin(&series, seed);
            (void)count_alarms(&series, 3000);
            series.detector.alarm_at = 0; /* no event goes on */
            int delay = delay_of(&series, troubles[i].value, troubles[i].within, &kind);
            found += delay >= 0;
        }
        assert_true(found >= 19);
    }
}

static double daily(struct series *series)
{
    double hour = (double)(series->n % 288) / 12;
    return calm(series) + 100 * sin(hour * 3.14159265 / 12);
}

/* A value that is usual at noon is none at midnight. */
static void test_the_hour_counts(void **state)
{
    (void)state;
    struct series series;
    enum detect_kind kind = DETECT_NONE;
    begin(&series, 5);
    for (int i = 0; i < 288 * 21; i++) {
        (void)put(&series, daily(&series));
    }
    series.detector.alarm_at = 0;
    while (series.n % 288 != 216) { /* the lowest hour */
        (void)put(&series, daily(&series));
    }
    series.detector.alarm_at = 0;
    assert_true(delay_of(&series, spike, 2, &kind) >= 0);
    assert_true(kind != DETECT_NONE);
}

/* A flat series, and one that has died, cannot stay anomalous for ever. */
static void test_it_gets_used_to_things(void **state)
{
    (void)state;
    struct series series;
    struct detect_result result = {0};
    begin(&series, 9);
    (void)count_alarms(&series, 2000);
    for (int i = 0; i < 3000; i++) {
        result = put(&series, 400);
    }
    assert_true(result.surprise < DETECT_ALARM);
    begin(&series, 9);
    for (int i = 0; i < 2000; i++) {
        result = put(&series, 7);
        assert_true(result.surprise < DETECT_ALARM);
        assert_true(isfinite(result.score));
    }
}

/* Whatever comes, the score is a number between 0 and 1, and the band is a band. */
static void test_odd_values(void **state)
{
    (void)state;
    static const double odd[] = {0,
                                 -0.0,
                                 1e300,
                                 -1e300,
                                 1e-300,
                                 5,
                                 (double)NAN,
                                 (double)INFINITY,
                                 -(double)INFINITY,
                                 5};
    struct series series;
    begin(&series, 3);
    for (int i = 0; i < 5000; i++) {
        double value = rng_below(&series.rng, 20) == 0
                           ? odd[(size_t)rng_below(&series.rng, ARRAY_LEN(odd))]
                           : calm(&series);
        struct detect_result result = put(&series, value);
        assert_true(result.score >= 0 && result.score <= 1);
        assert_true(!isnan(result.surprise));
    }
    assert_false(detect_step(&series.detector, (struct wall){1}, (double)NAN).is_alarm);
}

/* The same points give the same scores, from a copy too: a detector is a plain value. */
static void test_a_copy_goes_on_alike(void **state)
{
    (void)state;
    struct series series;
    begin(&series, 11);
    (void)count_alarms(&series, 500);
    struct series copy = series;
    for (int i = 0; i < 500; i++) {
        double value = calm(&series);
        struct detect_result a = put(&series, value), b = put(&copy, value);
        assert_true(a.score == b.score && a.kind == b.kind);
        (void)calm(&copy);
    }
    assert_true(sizeof(struct detector) <= DETECTOR_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peace_is_quiet),
        cmocka_unit_test(test_each_trouble_is_found),
        cmocka_unit_test(test_the_hour_counts),
        cmocka_unit_test(test_it_gets_used_to_things),
        cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_a_copy_goes_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
