/* SPDX-License-Identifier: MIT */

/*
 * Series whose truth is known: made of noise of several kinds, with one trouble put in after
 * weeks of peace. Bounds are on many seeds, so that no single draw decides.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/monitor/detect.h"

#define STEP   INT64_C(300000) /* ms */
#define DAY    288             /* points */
#define SEEDS  20
#define PERIOD 6.283185307179586
#define BEGIN  INT64_C(1700000000000)

struct series {
    struct detector detector;
    struct rng rng;
    int64_t n;
    double state; /* of noise that remembers */
};

static void begin(struct series *series, uint64_t seed)
{
    detect_init(&series->detector);
    rng_init(&series->rng, seed);
    series->n = 0;
    series->state = 0;
}

static struct detect_result put(struct series *series, double value)
{
    return detect_step(&series->detector, (struct wall){BEGIN + series->n++ * STEP},
                       value);
}

/* ---- peace ---------------------------------------------------------------------------- */

static double unit_normal(struct series *series)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += rng_unit(&series->rng);
    }
    return sum - 6;
}

static double normal(struct series *series)
{
    return 100 + 5 * unit_normal(series);
}

static double skewed(struct series *series)
{
    return -10 * log(1 - rng_unit(&series->rng));
}

static double heavy(struct series *series)
{
    return pow(1 - rng_unit(&series->rng), -0.4);
}

static double count(struct series *series)
{
    return floor(-3 * log(1 - rng_unit(&series->rng)));
}

static double slow(struct series *series)
{
    series->state = 0.9 * series->state + unit_normal(series);
    return 50 + series->state;
}

static double daily(struct series *series)
{
    return normal(series) + 30 * sin(PERIOD * (double)series->n / DAY);
}

static double weekly(struct series *series)
{
    double day = 100 + 40 * sin(PERIOD * (double)series->n / DAY);
    bool is_weekend = series->n / DAY % 7 >= 5;
    return (is_weekend ? day / 2 : day) + 5 * unit_normal(series);
}

static double log_normal(struct series *series)
{
    return exp(unit_normal(series));
}

/* A gauge that is read in hundredths and hardly moves. */
static double quantum(struct series *series)
{
    return rng_below(&series->rng, 2) == 0 ? 20 : 20.01;
}

static double rare(struct series *series)
{
    return rng_below(&series->rng, 100) == 0;
}

typedef double noise_fn(struct series *series);

static void live(struct series *series, noise_fn *noise, int n)
{
    for (int i = 0; i < n; i++) {
        (void)put(series, noise(series));
    }
}

/* One alarm in 300 points at most, of noise of any kind; and `chance` is what it says. */
static void test_peace_is_quiet(void **state)
{
    (void)state;
    static noise_fn *const noises[] = {normal, skewed, heavy,      count,   slow,
                                       daily,  weekly, log_normal, quantum, rare};
    for (size_t k = 0; k < ARRAY_LEN(noises); k++) {
        int n = 0, alarms = 0, hundredth = 0, thousandth = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct series series;
            begin(&series, seed * 31 + k);
            live(&series, noises[k], 1000);
            for (int i = 0; i < 6000; i++, n++) {
                struct detect_result result = put(&series, noises[k](&series));
                alarms += result.is_alarm;
                hundredth += result.chance < 0.01;
                thousandth += result.chance < 0.001;
                assert_true(result.score >= 0 && result.score < 1);
            }
        }
        assert_true(alarms < n / 300);
        assert_true(hundredth < n / 100 * 3);
        assert_true(thousandth < n / 1000 * 3);
    }
}

/* ---- trouble -------------------------------------------------------------------------- */

/* The value of a series in trouble, i points after it began. */
typedef double trouble_fn(struct series *series, int i);

static double spike(struct series *series, int i)
{
    return normal(series) + (i == 0 ? 45 : 0);
}

static double shift(struct series *series, int i)
{
    (void)i;
    return normal(series) - 25;
}

static double louder(struct series *series, int i)
{
    (void)i;
    return 100 + 20 * unit_normal(series);
}

static double stuck(struct series *series, int i)
{
    (void)series;
    (void)i;
    return 100;
}

static double nothing(struct series *series, int i)
{
    (void)series;
    (void)i;
    return 0;
}

static double drift(struct series *series, int i)
{
    return normal(series) + i / 20.0;
}

static double late(struct series *series, int i)
{
    (void)i;
    return normal(series) + 30 * sin(PERIOD * (double)(series->n + DAY / 4) / DAY);
}

static double never_seen(struct series *series, int i)
{
    (void)series;
    return i % 4 == 0 ? 3 : 0;
}

static double zero(struct series *series)
{
    (void)series;
    return 0;
}

static const struct {
    noise_fn *peace;
    trouble_fn *trouble;
    enum detect_kind kind;
    int within; /* points */
} troubles[] = {
    {normal, spike,      DETECT_SPIKE,   1  },
    {normal, shift,      DETECT_SHIFT,   4  },
    {normal, louder,     DETECT_NOISE,   12 },
    {normal, stuck,      DETECT_FLAT,    16 },
    {normal, nothing,    DETECT_SILENCE, 1  },
    {count,  nothing,    DETECT_SILENCE, 30 },
    {normal, drift,      DETECT_DRIFT,   240},
    {daily,  late,       DETECT_SEASON,  12 },
    {zero,   never_seen, DETECT_RARE,    1  },
};

/* Points until the alarm, -1 = none in time. ret_kind: the word told most often, until then
 * or for the next 40 points. */
static int delay_of(struct series *series, trouble_fn *trouble, int within,
                    enum detect_kind *ret_kind)
{
    int told[DETECT_KIND_COUNT] = {0}, delay = -1;
    for (int i = 0; i < within + 40; i++) {
        struct detect_result result = put(series, trouble(series, i));
        if (delay < 0 && result.is_alarm && i < within) {
            delay = i;
            assert_true(result.is_anomalous);
            assert_true(result.kind != DETECT_NONE);
            assert_true(result.since.ms <= BEGIN + series->n * STEP);
        }
        if (delay >= 0) {
            told[result.kind]++;
        }
    }
    *ret_kind = DETECT_NONE;
    told[DETECT_NONE] = 0;
    for (int k = 0; k < DETECT_KIND_COUNT; k++) {
        *ret_kind = told[k] > told[*ret_kind] ? (enum detect_kind)k : *ret_kind;
    }
    return delay;
}

static void test_each_trouble_is_found_and_named(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(troubles); t++) {
        int found = 0, named = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct series series;
            enum detect_kind kind;
            begin(&series, seed * 977 + t);
            live(&series, troubles[t].peace, 24 * DAY);
            series.detector.alarm_at = 0; /* no event goes on */
            found +=
                delay_of(&series, troubles[t].trouble, troubles[t].within, &kind) >= 0;
            named += kind == troubles[t].kind;
        }
        if (found < SEEDS - 1 || named < SEEDS * 6 / 10) {
            fail_msg("%s: found %d, named %d of %d", detect_word(troubles[t].kind), found,
                     named, SEEDS);
        }
    }
}

/* After six weeks a weekend that looks like a working day is seen, for the day of the week
 * alone tells. */
static void test_the_week_counts(void **state)
{
    (void)state;
    int found = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct series series;
        bool is_found = false;
        begin(&series, seed);
        live(&series, weekly, (6 * 7 + 5) * DAY); /* until Saturday, as it were */
        series.detector.alarm_at = 0;
        series.n -= 2 * DAY; /* the weather of Thursday */
        for (int i = 0; i < DAY; i++) {
            double value = weekly(&series);
            series.n += 2 * DAY;
            is_found |= put(&series, value).is_alarm;
            series.n -= 2 * DAY;
        }
        found += is_found;
    }
    assert_true(found >= SEEDS - 2);
}

/* ---- getting used to it --------------------------------------------------------------- */

/* A series that moved for good is no anomaly for longer than its bound, and the band is where
 * it is now. */
static void test_it_gets_used_to_things(void **state)
{
    (void)state;
    static trouble_fn *const lasting[] = {shift, louder, stuck, nothing};
    for (size_t t = 0; t < ARRAY_LEN(lasting); t++) {
        struct series series;
        struct detect_result result = {0};
        int odd = 0;
        begin(&series, t);
        live(&series, normal, 20 * DAY);
        for (int i = 0; i < DETECT_EVENT_MAX + 200; i++) {
            result = put(&series, lasting[t](&series, i));
        }
        for (int i = 0; i < 500; i++) {
            result = put(&series, lasting[t](&series, i));
            odd += result.is_anomalous;
        }
        assert_true(odd < 25);
        assert_true(result.low < result.expected && result.expected < result.high);
        assert_true(result.value >= result.low - 5 && result.value <= result.high + 5);
    }
}

static void test_a_flat_series_is_none(void **state)
{
    (void)state;
    static const double levels[] = {0, 7, -1e9, 1e-9, 20};
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        struct series series;
        begin(&series, i);
        for (int n = 0; n < 5000; n++) {
            /* as exact as a double is */
            double jitter = (double)rng_below(&series.rng, 3) * 1e-15;
            struct detect_result result = put(&series, levels[i] * (1 + jitter));
            assert_false(result.is_alarm);
            assert_true(isfinite(result.score));
        }
    }
}

/* The same event again and again is told once or twice. */
static void test_what_repeats_is_no_news(void **state)
{
    (void)state;
    struct series series;
    int alarms = 0;
    begin(&series, 4);
    for (int i = 0; i < 60 * DAY; i++) {
        bool is_backup = i % DAY == 30 || i % DAY == 31;
        alarms += put(&series, normal(&series) + (is_backup ? 60 : 0)).is_alarm;
    }
    assert_true(alarms < 30);
}

/* A counter by mistake: it grows, and is reset now and then. */
static void test_a_counter_is_bearable(void **state)
{
    (void)state;
    struct series series;
    int alarms = 0;
    double counter = 0;
    begin(&series, 8);
    for (int i = 0; i < 20 * DAY; i++) {
        counter = i % (2 * DAY) == 0 ? 0 : counter + skewed(&series);
        alarms += put(&series, counter).is_alarm;
    }
    assert_true(alarms < 20);
}

/* ---- time ----------------------------------------------------------------------------- */

static void test_no_points_are_silence(void **state)
{
    (void)state;
    struct detector detector;
    struct wall at = {BEGIN};
    detect_init(&detector);
    assert_false(detect_silence(&detector, at).is_anomalous);
    for (int i = 0; i < 100; i++, at.ms += 60000) {
        (void)detect_step(&detector, at, i % 7);
    }
    int64_t newest = at.ms - 60000;
    assert_false(detect_silence(&detector, (struct wall){newest + 90000}).is_anomalous);
    struct detect_result result =
        detect_silence(&detector, (struct wall){newest + 240000});
    assert_true(result.is_alarm && result.is_anomalous);
    assert_int_equal(result.kind, DETECT_SILENCE);
    assert_true(result.since.ms == newest && isnan(result.value));
    assert_true(detect_silence(&detector, (struct wall){newest + 864000000}).surprise >
                result.surprise);
    assert_false(detect_silence(&detector, (struct wall){newest - 864000000}).is_alarm);
}

/* Arrivals by chance, and none at night: what has been so before is no silence. */
static void test_irregular_points_are_none(void **state)
{
    (void)state;
    int alarms = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct series series;
        struct wall at = {BEGIN};
        begin(&series, seed);
        for (int i = 0; i < 3000; i++) {
            int64_t gap = (int64_t)(60000 * skewed(&series) / 10) + 1;
            bool is_evening = i % 300 == 299;
            gap += is_evening ? INT64_C(36000000) : 0;
            at.ms += gap;
            if (i > 700) {
                alarms += detect_silence(&series.detector, at).is_alarm;
            }
            (void)detect_step(&series.detector, at, normal(&series));
        }
    }
    assert_true(alarms <= SEEDS);
}

/* From a second to a day; a clock that goes back, or stands. */
static void test_any_step_will_do(void **state)
{
    (void)state;
    static const int64_t steps[] = {0, 1, 1000, 60000, 3600000, 86400000, -1000};
    for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
        int alarms = 0, found = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct series series;
            struct wall at = {k % 2 == 0 ? BEGIN : -BEGIN}; /* before 1970 too */
            begin(&series, seed);
            for (int i = 0; i < 3000; i++, at.ms += steps[k]) {
                struct detect_result result =
                    detect_step(&series.detector, at, normal(&series));
                alarms += result.is_alarm && i > 1000;
            }
            series.detector.alarm_at = 0;
            found += detect_step(&series.detector, at, 160).is_alarm;
        }
        assert_true(alarms < SEEDS * 2000 / 300);
        assert_true(found >= SEEDS - 1);
    }
}

/* ---- values --------------------------------------------------------------------------- */

static void check_result(const struct detect_result *result, double value)
{
    assert_true(result->score >= 0 && result->score < 1);
    assert_true(result->surprise >= 0 && isfinite(result->surprise));
    assert_true(result->chance >= 0 && result->chance <= 1);
    assert_true(isfinite(value) ? result->low <= result->high : isnan(result->low));
}

/* Whatever comes, the score is a number and the band is a band; and what came does not blind
 * it for ever. */
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
                                 -(double)INFINITY};
    for (size_t k = 0; k < ARRAY_LEN(odd); k++) {
        struct series series;
        begin(&series, k);
        for (int i = 0; i < 2000; i++) {
            double value = i % 100 == 7 ? odd[k] : normal(&series);
            struct detect_result result = put(&series, value);
            check_result(&result, value);
        }
        live(&series, normal, 60 * DAY);
        series.detector.alarm_at = 0;
        struct detect_result result = put(&series, 400);
        assert_true(result.is_alarm || fabs(odd[k]) > 1e200);
    }
}

/* Nor one that comes first of all, or while the profile is new; no number is spoilt. */
static void test_a_wild_begin_is_forgotten(void **state)
{
    (void)state;
    static const double wild[] = {1e300, -1e300, 1e15, 1e30};
    for (size_t k = 0; k < ARRAY_LEN(wild); k++) {
        struct series series;
        int outside = 0;
        begin(&series, k);
        live(&series, normal, k % 2 == 0 ? 0 : 20);
        (void)put(&series, wild[k]);
        live(&series, normal, 30 * DAY);
        for (int i = 0; i < DAY; i++) {
            struct detect_result result = put(&series, normal(&series));
            check_result(&result, result.value);
            outside += result.value < result.low || result.value > result.high;
        }
        assert_true(outside < DAY / 20);
        for (size_t i = 0; i < DETECT_DAY_SLOTS; i++) {
            assert_true(isfinite(series.detector.day[i].mean));
        }
    }
}

static void test_one_wild_value_does_not_blind(void **state)
{
    (void)state;
    struct series series;
    begin(&series, 2);
    live(&series, normal, 2000);
    series.detector.alarm_at = 0; /* no event goes on */
    assert_true(put(&series, 1e12).is_alarm);
    live(&series, normal, 30 * DAY);
    series.detector.alarm_at = 0;
    assert_true(put(&series, 400).is_alarm);
}

static void test_a_value_that_is_none_changes_nothing(void **state)
{
    (void)state;
    struct series series;
    begin(&series, 3);
    live(&series, normal, 500);
    struct detector before = series.detector;
    struct detect_result result = put(&series, (double)NAN);
    assert_memory_equal(&before, &series.detector, sizeof(before));
    assert_true(!result.is_alarm && result.score == 0 && isnan(result.expected));
}

/* ---- state ---------------------------------------------------------------------------- */

/* A detector is a plain value: saved as bytes and read back it goes on alike, to the bit. */
static void test_saved_bytes_go_on_alike(void **state)
{
    (void)state;
    struct series series;
    uint8_t bytes[sizeof(struct detector)];
    struct detector restored;
    begin(&series, 11);
    live(&series, weekly, 20 * DAY);
    memcpy(bytes, &series.detector, sizeof(bytes));
    memcpy(&restored, bytes, sizeof(bytes));
    for (int i = 0; i < 10 * DAY; i++) {
        struct wall at = {BEGIN + series.n * STEP};
        double value = weekly(&series) + (i % 1000 == 0 ? 500 : 0);
        struct detect_result a = put(&series, value);
        struct detect_result b = detect_step(&restored, at, value);
        assert_true(a.score == b.score && a.surprise == b.surprise && a.kind == b.kind &&
                    a.low == b.low && a.is_alarm == b.is_alarm);
    }
    assert_memory_equal(&restored, &series.detector, sizeof(restored));
}

static void test_all_zero_is_new(void **state)
{
    (void)state;
    static const struct detector zeroed;
    struct detector detector;
    detect_init(&detector);
    assert_memory_equal(&zeroed, &detector, sizeof(detector));
    _Static_assert(sizeof(struct detector) <= DETECTOR_BYTES_MAX, "a series is small");
    for (int k = 1; k < DETECT_KIND_COUNT; k++) {
        assert_true(strlen(detect_word((enum detect_kind)k)) > 0);
        assert_true(strlen(detect_help((enum detect_kind)k)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peace_is_quiet),
        cmocka_unit_test(test_each_trouble_is_found_and_named),
        cmocka_unit_test(test_the_week_counts),
        cmocka_unit_test(test_it_gets_used_to_things),
        cmocka_unit_test(test_a_flat_series_is_none),
        cmocka_unit_test(test_what_repeats_is_no_news),
        cmocka_unit_test(test_a_counter_is_bearable),
        cmocka_unit_test(test_no_points_are_silence),
        cmocka_unit_test(test_irregular_points_are_none),
        cmocka_unit_test(test_any_step_will_do),
        cmocka_unit_test(test_odd_values),
        cmocka_unit_test(test_one_wild_value_does_not_blind),
        cmocka_unit_test(test_a_wild_begin_is_forgotten),
        cmocka_unit_test(test_a_value_that_is_none_changes_nothing),
        cmocka_unit_test(test_saved_bytes_go_on_alike),
        cmocka_unit_test(test_all_zero_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
