/* SPDX-License-Identifier: MIT */
/* Metric read and plot: the list, the chart of what was measured, and that nothing is lost in it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/monitor/series.h"
#include "tests/lib/place.h"
#include "tui/metric_read.h"

#define BEGIN   INT64_C(1763800000000)
#define MINUTES 240

static struct wall at_s(int64_t seconds)
{
    return (struct wall){BEGIN + seconds * 1000};
}

/* Four hours of a wave with a spike at 200 min, a second series, and one without a point. */
static char *make_file(const struct place *place, int32_t ids[2])
{
    char *path = metric_store_path(place->path), *broken = NULL;
    struct err err = ERR_INIT;
    struct series_signal signal;
    struct metric_store *store = metric_store_open(path, at_s(0), &broken, &err);
    assert_non_null(store);
    struct series_set *set = series_set_new(100);
    ids[0] =
        series_open_scraped(set, "wave", KIND_GAUGE, "seconds", "a=\"1\"", "service:x");
    ids[1] = series_open_scraped(set, "flat", KIND_GAUGE, "", "", "host");
    (void)series_open_scraped(set, "never", KIND_GAUGE, "", "", "host");
    for (int64_t s = 0; s < MINUTES * 60; s += 10) {
        double value = 2 + sin((double)s / 900);
        (void)series_push(set, ids[0], at_s(s), s == 12000 ? 9 : value, &signal);
        (void)series_push(set, ids[1], at_s(s), 5, &signal);
        if (s % 60 == 0) {
            metric_store_begin(store);
            series_save(set, store, false);
            assert_true(metric_store_commit(store, &err));
            series_saved(set);
        }
    }
    metric_store_begin(store);
    series_save(set, store, true);
    assert_true(metric_store_commit(store, &err));
    series_saved(set);
    series_set_free(set);
    metric_store_close(store);
    return path;
}

static void test_list(void **state)
{
    struct place *place = *state;
    int32_t ids[2];
    AUTO_FREE char *path = make_file(place, ids);
    struct err err = ERR_INIT;
    struct metric_reader *reader = metric_reader_open(path, &err);
    struct arena *arena = arena_new();
    struct metric_list list;
    const struct anomaly_row odd = {.series = "wave{a=\"1\"}", .text = "odd"};
    struct metric_list_ask ask = {.words = "",
                                  .anomalies = &odd,
                                  .n_anomalies = 1,
                                  .now = at_s(MINUTES * 60),
                                  .n_sparks = 2};
    assert_true(metric_read_list(reader, arena, &ask, &list, &err));
    const struct metric_row *rows = list.rows;
    assert_int_equal(list.n, 3);
    assert_int_equal(list.n_all, 3);
    assert_string_equal(rows[0].title, "flat");
    assert_string_equal(rows[2].title, "wave{a=\"1\"}");
    assert_ptr_equal(rows[2].anomaly, &odd);
    assert_null(rows[0].anomaly);
    assert_float_equal(rows[0].newest, 5, 0);
    assert_true(isnan(rows[1].newest));
    assert_float_equal(rows[0].spark[METRIC_SPARK / 2], 5, 1e-9);
    assert_null(rows[2].spark); /* only the first two were asked for */
    ask.words = "service WA";
    assert_true(metric_read_list(reader, arena, &ask, &list, &err));
    assert_int_equal(list.n, 1);
    ask.words = "host wave";
    assert_true(metric_read_list(reader, arena, &ask, &list, &err));
    assert_int_equal(list.n, 0);
    assert_int_equal(list.n_all, 3);
    metric_reader_close(reader);
    arena_free(arena);
}

/* Every span and width: the spike is in it, slots have the right time, no value is made up. */
static void test_chart(void **state)
{
    static const int64_t minutes[] = {15, 60, 180, 240, 1440, 43200};
    static const size_t widths[] = {16, 120, 297, METRIC_SLOTS_MAX};
    struct place *place = *state;
    int32_t ids[2];
    AUTO_FREE char *path = make_file(place, ids);
    struct err err = ERR_INIT;
    struct metric_reader *reader = metric_reader_open(path, &err);
    for (size_t i = 0; i < ARRAY_LEN(minutes) * ARRAY_LEN(widths); i++) {
        struct arena *arena = arena_new();
        struct metric_chart chart;
        struct metric_ask ask = {
            .ids = {ids[0], ids[1]},
            .n = 2,
            .end = at_s(12000 + 300),
            .span = {minutes[i % ARRAY_LEN(minutes)] * 60000     },
            .n_slots = widths[i / ARRAY_LEN(minutes)]
        };
        assert_true(metric_read_chart(reader, arena, &ask, &chart, &err));
        assert_int_equal(chart.n_lines, 2);
        assert_int_equal(chart.n_slots, ask.n_slots);
        assert_true(chart.from.ms % chart.slot.ms == 0);
        assert_true(chart.to.ms > ask.end.ms &&
                    chart.to.ms - chart.slot.ms <= ask.end.ms);
        double most = 0;
        for (size_t s = 0; s < chart.n_slots; s++) {
            const struct plot_slot *wave = &chart.lines[0].slots[s];
            const struct plot_slot *flat = &chart.lines[1].slots[s];
            if (wave->n > 0) {
                assert_true(wave->min >= 1 - 1e-9 && wave->max <= 9 &&
                            wave->min <= wave->max);
                most = fmax(most, wave->max);
            }
            assert_true(flat->n == 0 || (flat->min == 5 && flat->max == 5));
        }
        if (most < 9)
            fail_msg("span %lld min, %zu slots, %s: %g",
                     (long long)minutes[i % ARRAY_LEN(minutes)], ask.n_slots,
                     metric_level_word(chart.level), most);
        arena_free(arena);
    }
    metric_reader_close(reader);
}

static void test_forecast(void **state)
{
    struct place *place = *state;
    int32_t ids[2];
    AUTO_FREE char *path = make_file(place, ids);
    struct err err = ERR_INIT;
    struct metric_reader *reader = metric_reader_open(path, &err);
    struct arena *arena = arena_new();
    struct metric_chart chart;
    struct metric_ask ask = {
        .ids = {ids[1], 77},
        .n = 2,
        .end = at_s(MINUTES * 60 - 1),
        .span = {3600000     },
        .n_slots = 200,
        .has_forecast = true
    };
    assert_true(metric_read_chart(reader, arena, &ask, &chart, &err));
    assert_int_equal(chart.n_lines, 1); /* there is no 77 */
    assert_true(chart.n_past < chart.n_slots && chart.model[0] != '\0');
    const struct plot_slot *last = &chart.lines[0].slots[chart.n_slots - 2];
    assert_float_equal(last->mean, 5, 1e-6); /* what never changed is expected to stay */
    assert_true(last->low <= 5 + 1e-6 && last->high >= 5 - 1e-6);
    assert_int_equal(last->n, 0);
    ask.ids[0] = -1;
    ask.n = 1;
    assert_true(metric_read_chart(reader, arena, &ask, &chart, &err));
    assert_true(chart.is_missing);
    metric_reader_close(reader);
    arena_free(arena);
}

static void check_text(double value, const char *unit, bool is_rate, const char *expected)
{
    char text[METRIC_TEXT_MAX];
    assert_string_equal(metric_value_text(value, unit, is_rate, text), expected);
}

static void test_texts(void **state)
{
    (void)state;
    char text[METRIC_TEXT_MAX];
    check_text(0, "", false, "0");
    check_text(0.25, "ratio", false, "25 %");
    check_text(1536, "bytes", true, "1.50 KiB/s");
    check_text(0.35, "seconds", false, "350 ms");
    check_text(3.4, "seconds", false, "3.40 s");
    check_text(0.125, "seconds", true, "12.5 %");
    check_text(3600, "seconds", false, "60 min");
    check_text(1234567, "", false, "1.23 M");
    check_text((double)NAN, "", false, "");
    check_text(-2048, "bytes", false, "-2 KiB");
    assert_string_equal(metric_axis_text(0.5, 0.5, 2, "seconds", false, text), "0.5 s");
    assert_string_equal(
        metric_axis_text(60237545472, 1048576, 60238594048, "bytes", false, text),
        "56.1006 GiB");
}

/* Edges are multiples of the step, hold the values, and are not far away. */
static void test_scale(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 7);
    for (int i = 0; i < 20000; i++) {
        double a = (double)rng_below(&rng, 2000001) - 1e6, lo, hi, step;
        double scale = pow(10, (double)rng_below(&rng, 13) - 6);
        double b = a + (double)rng_below(&rng, 1000);
        int ticks = 1 + (int)rng_below(&rng, 12);
        plot_scale(a * scale, b * scale, ticks, &lo, &hi, &step);
        assert_true(lo < hi && step > 0);
        assert_true(lo <= a * scale + step * 1e-6 && hi >= b * scale - step * 1e-6);
        assert_true((hi - lo) / step <= ticks + 2.5);
    }
}

/* A plot of one dot in every slot: all of it is on the canvas, in its column and row. */
static void test_spikes_are_drawn(void **state)
{
    (void)state;
    for (int is_ascii = 0; is_ascii < 2; is_ascii++) {
        struct surface *surface = surface_new(40, 10, is_ascii != 0);
        struct plot_slot slots[80];
        struct canvas canvas = canvas_of(surface);
        for (size_t i = 0; i < 80; i++)
            slots[i] =
                (struct plot_slot){0, 1, 0.5, (double)NAN, (double)NAN, i == 33 ? 1 : 0};
        struct plot plot = {.lines = {{slots, 0, 1}},
                            .n_lines = 1,
                            .n_slots = 80,
                            .n_past = 80,
                            .join = 2};
        plot_draw(&canvas, &plot);
        for (int y = 0; y < 10; y++)
            for (int x = 0; x < 40; x++)
                assert_int_equal(surface_row(surface, y)[x].rune != ' ', x == 33 / 2);
        surface_free(surface);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_list),        PLACE_TEST(test_chart),
        PLACE_TEST(test_forecast),    cmocka_unit_test(test_texts),
        cmocka_unit_test(test_scale), cmocka_unit_test(test_spikes_are_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
