/* SPDX-License-Identifier: MIT */
/* The metrics file: what goes in comes out, what is too much goes, what is broken is replaced. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/varint.h"
#include "store/metric_chunk.h"
#include "store/metric_store.h"
#include "tests/lib/place.h"

static const struct wall begin = {1763800000000};

static struct metric_store *open_store(const struct place *place)
{
    AUTO_FREE char *path = metric_store_path(place->path);
    struct err err = ERR_INIT;
    char *broken = NULL;
    struct metric_store *store = metric_store_open(path, begin, &broken, &err);
    if (store == NULL) {
        fail_msg("%s", err.msg);
    }
    assert_null(broken);
    return store;
}

static void commit(struct metric_store *store)
{
    struct err err = ERR_INIT;
    if (!metric_store_commit(store, &err)) {
        fail_msg("%s", err.msg);
    }
}

static struct metric_reader *open_reader(const struct place *place)
{
    AUTO_FREE char *path = metric_store_path(place->path);
    struct err err = ERR_INIT;
    struct metric_reader *reader = metric_reader_open(path, &err);
    if (reader == NULL) {
        fail_msg("%s", err.msg);
    }
    return reader;
}

static void test_chunk(void **state)
{
    (void)state;
    static const double values[] = {0,     1,       1,      -1,  0.1,   0.2,
                                    1e308, -1e-308, 5e-324, 3.5, 3.625, 100,
                                    1000,  1e9,     1e10,   7,   7,     7};
    static const int64_t steps[] = {0,    1000, 1000, 1001, 64,      -5, 3600000,      0,
                                    1000, 1,    0,    0,    5000000, 1,  2000000000000};
    struct chunk chunk = {0};
    struct chunk_reader reader;
    uint8_t bytes[CHUNK_BYTES + 3];
    struct wall at = begin, got_at;
    double got;
    size_t n = 0;
    int64_t times[400];
    while (n < 400) {
        at.ms += steps[n % ARRAY_LEN(steps)];
        times[n] = at.ms;
        if (!chunk_add(&chunk, at, values[n % ARRAY_LEN(values)])) {
            break;
        }
        n++;
    }
    assert_true(n > 10 && n < 400);
    size_t len = chunk_format(&chunk, bytes);
    assert_true(len <= sizeof(bytes));
    chunk_reader_init(&reader, bytes, len);
    for (size_t i = 0; i < n; i++) {
        assert_true(chunk_next(&reader, &got_at, &got));
        assert_int_equal(got_at.ms, times[i]);
        assert_memory_equal(&got, &values[i % ARRAY_LEN(values)], sizeof(got));
    }
    assert_false(chunk_next(&reader, &got_at, &got));
    for (size_t cut = 0; cut < len; cut++) { /* half of it gives half of it */
        uint8_t *part = mem_alloc(cut);
        memcpy(part, bytes, cut);
        size_t k = 0;
        chunk_reader_init(&reader, part, cut);
        while (chunk_next(&reader, &got_at, &got)) {
            assert_int_equal(got_at.ms, times[k++]);
        }
        assert_true(k < n);
        free(part);
    }
    chunk_clear(&chunk);
    for (n = 0; n < 15; n++) { /* at 1 Hz the worst of values has room for 15 s */
        double noise = sin((double)n * 77.7) * 1e5;
        assert_true(
            chunk_add(&chunk, (struct wall){begin.ms + (int64_t)n * 1000}, noise));
    }
}

static void test_rows(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct err err = ERR_INIT;
    metric_store_begin(store);
    metric_store_put_setting(store, "watermark", 12345);
    metric_store_put_model(store, "failure", 3, "abc\0def", 7);
    metric_store_put_finding(store, &(struct metric_finding){1, 7, "{}"});
    metric_store_put_finding(store, &(struct metric_finding){2, 8, "{\"a\":1}"});
    metric_store_put_prediction(store,
                                &(struct metric_prediction){.id = 5,
                                                            .workflow = 12,
                                                            .kind = "workflow",
                                                            .subject = "pipeline:x",
                                                            .at = begin,
                                                            .p = 0.25,
                                                            .base = (double)NAN,
                                                            .n = 9,
                                                            .q10 = 1,
                                                            .q50 = 2,
                                                            .q90 = 3,
                                                            .outcome = (double)NAN,
                                                            .detail = ""});
    metric_store_put_forecast(store,
                              &(struct metric_forecast){"disk", begin, {60000}, "{1}"});
    metric_store_put_forecast(store,
                              &(struct metric_forecast){"disk", begin, {60000}, "{2}"});
    metric_store_put_forecast(store,
                              &(struct metric_forecast){"cpu", begin, {60000}, "{3}"});
    struct metric_reader *reader = open_reader(place); /* sees nothing of it yet */
    int64_t number = 0;
    assert_true(metric_reader_setting(reader, "watermark", -1, &number, &err));
    assert_int_equal(number, -1);
    commit(store);
    assert_true(metric_reader_setting(reader, "watermark", -1, &number, &err));
    assert_int_equal(number, 12345);

    int format = 0;
    const void *bytes = NULL;
    size_t len = 0, n = 0;
    assert_true(metric_reader_model(reader, place->arena, "failure", &format, &bytes,
                                    &len, &err));
    assert_int_equal(format, 3);
    assert_int_equal(len, 7);
    assert_memory_equal(bytes, "abc\0def", 7);
    assert_true(
        metric_reader_model(reader, place->arena, "none", &format, &bytes, &len, &err));
    assert_null(bytes);

    struct metric_finding *findings = NULL;
    assert_true(metric_reader_findings(reader, place->arena, 1, 10, &findings, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(findings[0].kind, 8);
    struct metric_prediction *rows = NULL;
    struct metric_prediction_query open = {.kind = "workflow", .is_open_only = true};
    assert_true(metric_reader_predictions(reader, place->arena, &open, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_true(rows[0].p == 0.25 && isnan(rows[0].base) && isnan(rows[0].outcome));
    struct metric_forecast *forecasts = NULL;
    assert_true(
        metric_reader_forecasts(reader, place->arena, NULL, false, &forecasts, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(forecasts[1].json, "{2}"); /* the newest of "disk" */
    assert_true(metric_reader_forecasts(reader, place->arena, "disk", true, &forecasts,
                                        &n, &err));
    assert_int_equal(n, 2);

    metric_store_begin(store);
    metric_store_score_prediction(store, 5, 1, begin);
    metric_store_score_prediction(store, 6, 1, begin); /* never was */
    metric_store_drop_findings(store, 1);
    metric_store_drop_model(store, "failure");
    commit(store);
    assert_true(metric_reader_predictions(reader, place->arena, &open, &rows, &n, &err));
    assert_int_equal(n, 0);
    struct metric_prediction_query of = {.workflow = 12, .is_scored_only = true};
    assert_true(metric_reader_predictions(reader, place->arena, &of, &rows, &n, &err));
    assert_true(n == 1 && rows[0].outcome == 1);
    assert_true(metric_reader_findings(reader, place->arena, 0, 10, &findings, &n, &err));
    assert_int_equal(n, 1);
    metric_reader_close(reader);
    metric_store_close(store);
    struct stat st;
    AUTO_FREE char *path = metric_store_path(place->path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* Blocks of one interval from several flushes stand together, byte for byte. */
static void test_join(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct metric_query query = {.series = 3, .level = LEVEL_HOUR, .from = {0}};
    struct metric_point *points = NULL;
    struct err err = ERR_INIT;
    size_t n = 0;
    int64_t hour = begin.ms - begin.ms % 3600000;
    for (int i = 0; i < 3; i++) {
        uint8_t bytes[INTERVAL_BYTES + 2];
        struct metric_point point = {
            .n = 2, .min = i, .max = i + 0.5, .sum = 2 * i + 0.5, .last = i};
        size_t len = interval_format(&point, bytes + 2);
        bytes[0] = (uint8_t)(i == 2 ? 9 : 3); /* twice series 3, once another */
        bytes[1] = (uint8_t)len;
        metric_store_begin(store);
        metric_store_put_interval(store, LEVEL_HOUR, (struct wall){hour}, 0, bytes,
                                  len + 2);
        commit(store);
    }
    assert_true(metric_reader_points(metric_store_reader(store), place->arena, &query,
                                     &points, &n, &err));
    assert_int_equal(n, 1);
    assert_true(points[0].at.ms == hour && points[0].n == 4 && points[0].min == 0);
    assert_true(points[0].max == 1.5 && points[0].sum == 3 && points[0].last == 1);
    query.series = 9;
    assert_true(metric_reader_points(metric_store_reader(store), place->arena, &query,
                                     &points, &n, &err));
    assert_true(n == 1 && points[0].min == 2);
    metric_store_close(store);
}

static int64_t count_raw(struct metric_store *store, struct place *place,
                         int64_t *ret_first)
{
    struct metric_query query = {.series = 0, .level = LEVEL_RAW};
    struct metric_point *points = NULL;
    struct err err = ERR_INIT;
    size_t n = 0;
    assert_true(metric_reader_points(metric_store_reader(store), place->arena, &query,
                                     &points, &n, &err));
    *ret_first = n > 0 ? points[0].at.ms : 0;
    return (int64_t)n;
}

/* One flush a minute, padded to some kilobytes, and the same minute as an interval. */
static void fill(struct metric_store *store, int n)
{
    static uint8_t bytes[4096];
    for (int i = 0; i < n; i++) {
        struct chunk chunk = {0};
        uint8_t out[CHUNK_BYTES + 3];
        struct wall at = {begin.ms + i * 60000};
        assert_true(chunk_add(&chunk, at, i));
        size_t len = chunk_format(&chunk, out);
        bytes[0] = 0;
        bytes[1] = (uint8_t)len;
        memcpy(bytes + 2, out, len);
        bytes[2 + len] = 1; /* another series takes the rest */
        varint_put(bytes + 3 + len, sizeof(bytes) - len - 5);
        metric_store_begin(store);
        metric_store_put_raw(store, 0, bytes, sizeof(bytes));
        metric_store_put_flush(store, at, at);
        metric_store_put_interval(store, LEVEL_MINUTE, at, 0, bytes, 500);
        commit(store);
    }
}

static void test_trim(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct metric_bounds bounds = metric_bounds_default();
    struct err err = ERR_INIT;
    struct stat st;
    int64_t first, size;
    AUTO_FREE char *path = metric_store_path(place->path);
    fill(store, 1000);
    struct wall now = {begin.ms + 1000 * 60000};
    assert_int_equal(count_raw(store, place, &first), 1000);
    bounds.kept[LEVEL_RAW] = span_s(6 * 3600);
    assert_true(metric_store_trim(store, &bounds, now, &err));
    assert_int_equal(count_raw(store, place, &first), 360);
    assert_int_equal(first, now.ms - 6 * 3600000);
    /* the size: the oldest raw values first, and the file shrinks */
    bounds.bytes = 1500000;
    assert_true(metric_store_trim(store, &bounds, now, &err));
    assert_true(metric_reader_size(metric_store_reader(store), &size, &err));
    assert_true(size <= bounds.bytes && size > bounds.bytes / 2);
    int64_t n = count_raw(store, place, &first);
    assert_true(n > 100 && n < 360 && first == now.ms - n * 60000);
    bounds.bytes = 450000; /* now minutes too; some with each call */
    for (int i = 0; i < 3; i++) {
        assert_true(metric_store_trim(store, &bounds, now, &err));
    }
    assert_int_equal(count_raw(store, place, &first), 0);
    assert_true(metric_reader_size(metric_store_reader(store), &size, &err));
    assert_true(size <= bounds.bytes);
    metric_store_close(store); /* and with it the log goes */
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= bounds.bytes + 100000);
}

static void test_bound_rows(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct metric_bounds bounds = metric_bounds_default();
    struct err err = ERR_INIT;
    struct metric_prediction *rows = NULL;
    struct metric_forecast *forecasts = NULL;
    struct metric_prediction_query all = {0};
    size_t n = 0;
    metric_store_begin(store);
    for (int i = 1; i <= 50; i++) {
        metric_store_put_prediction(
            store, &(struct metric_prediction){
                       .id = i, .kind = "k", .subject = "", .detail = ""});
        metric_store_put_forecast(
            store,
            &(struct metric_forecast){i % 5 == 0 ? "rare" : "often", begin, {1}, "{}"});
    }
    commit(store);
    bounds.predictions = 20;
    bounds.forecasts = 12;
    assert_true(metric_store_trim(store, &bounds, begin, &err));
    struct metric_reader *reader = metric_store_reader(store);
    assert_true(metric_reader_predictions(reader, place->arena, &all, &rows, &n, &err));
    assert_true(n == 20 && rows[0].id == 50 && rows[19].id == 31);
    assert_true(metric_reader_forecasts(reader, place->arena, "often", true, &forecasts,
                                        &n, &err));
    assert_int_equal(n, 12);
    assert_true(metric_reader_forecasts(reader, place->arena, "rare", true, &forecasts,
                                        &n, &err));
    assert_int_equal(n, 10);
    metric_store_close(store);
}

static void test_broken(void **state)
{
    struct place *place = *state;
    AUTO_FREE char *path = metric_store_path(place->path);
    AUTO_FREE char *broken = NULL;
    struct err err = ERR_INIT;
    struct metric_reader *none = metric_reader_open(path, &err);
    assert_null(none);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    char garbage[8192];
    memset(garbage, 'x', sizeof(garbage));
    assert_true(file_write(path, garbage, sizeof(garbage), &err));
    struct metric_store *store = metric_store_open(path, begin, &broken, &err);
    assert_non_null(store);
    assert_non_null(broken);
    AUTO_FREE char *expected = mem_printf("%s.broken-20251122T082640Z", path);
    assert_string_equal(broken, expected);
    char *kept = NULL;
    size_t len = 0;
    assert_true(file_read(broken, 100000, &kept, &len, &err));
    assert_int_equal(len, sizeof(garbage));
    free(kept);
    fill(store, 3);
    metric_store_close(store);
    /* the store of the engine is no metrics file, and is not eaten */
    store_close(place_store(place));
    AUTO_FREE char *again = NULL;
    assert_int_equal(rename(place->path, path), 0);
    store = metric_store_open(path, begin, &again, &err);
    assert_non_null(store);
    assert_non_null(again);
    metric_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk), PLACE_TEST(test_rows),
        PLACE_TEST(test_join),        PLACE_TEST(test_trim),
        PLACE_TEST(test_bound_rows),  PLACE_TEST(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
