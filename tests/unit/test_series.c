/* SPDX-License-Identifier: MIT */
/* Series: what is judged, what is kept, and that a restart changes nothing. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/base/sketch.h"
#include "engine/monitor/series.h"
#include "tests/lib/place.h"

#define BEGIN INT64_C(1763800000000)

static const struct wall begin = {BEGIN};

static struct wall after_s(double seconds)
{
    return (struct wall){BEGIN + (int64_t)(seconds * 1000)};
}

static char *metrics_path(const struct place *place)
{
    return metric_store_path(place->path);
}

static struct metric_store *open_store(const struct place *place)
{
    AUTO_FREE char *path = metrics_path(place);
    struct err err = ERR_INIT;
    char *broken = NULL;
    struct metric_store *store = metric_store_open(path, begin, &broken, &err);
    if (store == NULL) {
        fail_msg("%s", err.msg);
    }
    assert_null(broken);
    return store;
}

static void flush(struct series_set *set, struct metric_store *store, bool is_all)
{
    struct err err = ERR_INIT;
    metric_store_begin(store);
    series_save(set, store, is_all);
    if (!metric_store_commit(store, &err)) {
        fail_msg("%s", err.msg);
    }
    series_saved(set);
}

static struct series_set *load(struct metric_store *store)
{
    struct err err = ERR_INIT;
    struct series_set *set = series_set_new(SERIES_MAX);
    if (!series_load(set, store, &err)) {
        fail_msg("%s", err.msg);
    }
    return set;
}

static int32_t open_gauge(struct series_set *set, const char *name)
{
    return series_open_scraped(set, name, KIND_GAUGE, "", "", "test");
}

/* ---- what is judged ------------------------------------------------------------------- */

static void test_labels(void **state)
{
    (void)state;
    char text[SERIES_LABELS_MAX];
    const struct series_label two[] = {
        {"state", "CODING"           },
        {"repo",  "a\"b\\c\n\x1b[31m"}
    };
    assert_true(series_labels(two, 2, text));
    assert_string_equal(text, "repo=\"a\\\"b\\\\c \",state=\"CODING\"");
    const struct series_label twice[] = {
        {"a", "1"},
        {"a", "2"}
    };
    assert_false(series_labels(twice, 2, text));
    const struct series_label bad[] = {
        {"9a", "1"}
    };
    assert_false(series_labels(bad, 1, text));
    char large[SERIES_LABELS_MAX + 1];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    const struct series_label wide[] = {
        {"a", large}
    };
    assert_false(series_labels(wide, 1, text));
    assert_true(series_labels(NULL, 0, text));
    assert_string_equal(text, "");
}

static void test_open(void **state)
{
    (void)state;
    struct series_set *set = series_set_new(100);
    const struct series_label coding = {"state", "CODING"},
                              planning = {"state", "PLANNING"};
    int32_t a = series_open(set, METRIC_WORKFLOW_STATE_TIME, &coding, 1, "state:CODING");
    int32_t b =
        series_open(set, METRIC_WORKFLOW_STATE_TIME, &planning, 1, "state:PLANNING");
    assert_int_equal(a, 0);
    assert_int_equal(b, 1);
    assert_int_equal(series_open(set, METRIC_WORKFLOW_STATE_TIME, &coding, 1, "x"), a);
    assert_int_equal(
        series_find(set, "workflow_time_in_state_seconds", "state=\"CODING\""), a);
    assert_int_equal(series_find(set, "nothing", ""), SERIES_NONE);
    const struct series_info *info = series_get(set, a);
    assert_string_equal(info->component, "state:CODING");
    assert_string_equal(info->unit, "seconds");
    assert_int_equal(info->kind, KIND_SUMMARY);
    assert_int_equal(info->metric, METRIC_WORKFLOW_STATE_TIME);
    for (int i = 2; i < 120; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "gauge_%d", i);
        assert_int_equal(open_gauge(set, name), i < 100 ? i : SERIES_NONE);
    }
    assert_int_equal(series_counts(set).refused, 20);
    assert_string_equal(series_get(set, a)->name, info->name); /* it stays where it is */
    series_set_free(set);
}

static void test_push(void **state)
{
    (void)state;
    struct series_set *set = series_set_new(10);
    struct series_signal signal;
    struct wall at;
    double value;
    int32_t gauge = open_gauge(set, "g");
    int32_t counter = series_open(set, METRIC_WORKFLOW_SUBMITTED, NULL, 0, "engine");
    assert_true(series_push(set, gauge, begin, 5, &signal));
    assert_true(signal.value == 5 && signal.series->id == gauge);
    assert_false(
        series_push(set, gauge, (struct wall){BEGIN - 1}, 6, &signal)); /* late */
    assert_false(series_push(set, gauge, after_s(1), (double)NAN, &signal));
    assert_int_equal(series_counts(set).late, 1);
    assert_true(series_newest(set, gauge, &at, &value));
    assert_true(at.ms == BEGIN && value == 5);

    assert_false(series_push(set, counter, begin, 100, &signal)); /* no rate yet */
    assert_false(series_newest(set, counter, &at, &value));
    assert_true(series_push(set, counter, after_s(10), 150, &signal));
    assert_true(signal.value == 5);
    assert_true(series_push(set, counter, after_s(20), 30, &signal)); /* was reset */
    assert_true(signal.value == 3);
    assert_false(
        series_push(set, counter, after_s(20), 31, &signal)); /* no time passed */

    assert_false(series_push(set, 99, begin, 1, &signal));
    assert_false(series_push(set, -1, begin, 1, &signal));
    /* only rules look at a breaker */
    int32_t breaker = series_open(set, METRIC_SERVICE_BREAKER, NULL, 0, "service:x");
    assert_true(series_push(set, breaker, begin, 1, &signal)); /* for rules */
    assert_true(signal.result.surprise < 1e-9 && isnan(signal.result.low));
    assert_true(series_newest(set, breaker, &at, &value) && value == 1);
    series_set_free(set);
}

static void test_summary(void **state)
{
    (void)state;
    struct series_set *set = series_set_new(10);
    struct series_signal signal;
    int32_t iter = 0, id = series_open(set, METRIC_SERVICE_LATENCY, NULL, 0, "service:x");
    int64_t minute = BEGIN - BEGIN % 60000 + 60000;
    for (int i = 1; i <= 100; i++) {
        assert_false(series_push(set, id, (struct wall){minute + i * 500}, i, &signal));
    }
    assert_false(series_next_due(set, (struct wall){minute + 59999}, &iter, &signal));
    iter = 0;
    assert_true(series_next_due(set, (struct wall){minute + 60000}, &iter, &signal));
    assert_true(fabs(signal.value - 95) < 1 && signal.at.ms == minute);
    assert_false(series_next_due(set, (struct wall){minute + 60000}, &iter, &signal));
    /* the next measurement closes a minute too */
    assert_false(series_push(set, id, (struct wall){minute + 60000}, 7, &signal));
    assert_true(series_push(set, id, (struct wall){minute + 180000}, 8, &signal));
    assert_true(signal.value == 7 && signal.at.ms == minute + 60000);
    /* one that comes late counts in the minute that goes on */
    assert_false(series_push(set, id, (struct wall){minute + 170000}, 9, &signal));
    assert_true(series_push(set, id, (struct wall){minute + 240000}, 1, &signal));
    assert_true(signal.value == 9);
    assert_int_equal(series_counts(set).late, 0);
    series_set_free(set);
}

/* ---- what is kept --------------------------------------------------------------------- */

static struct metric_point *query(struct series_set *set, struct metric_store *store,
                                  struct place *place, int32_t id,
                                  enum metric_level level, struct wall from,
                                  struct wall to, size_t *ret_n)
{
    struct err err = ERR_INIT;
    struct metric_point *points = NULL;
    struct metric_query asked = {.series = id, .level = level, .from = from, .to = to};
    if (!series_query(set, store, &asked, place->arena, &points, ret_n, &err)) {
        fail_msg("%s", err.msg);
    }
    return points;
}

/* Three hours at 5 s, one point's value its number: every level against the sums by hand,
 * part of it in the file and part in memory. */
static void test_levels(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct series_set *set = series_set_new(10);
    struct series_signal signal;
    int32_t other = open_gauge(set, "other"), id = open_gauge(set, "g");
    int64_t hour = BEGIN - BEGIN % 3600000 + 3600000;
    int n = 3 * 720 + 7;
    for (int i = 0; i < n; i++) {
        struct wall at = {hour + i * 5000};
        (void)series_push(set, id, at, i, &signal);
        (void)series_push(set, other, at, -i, &signal);
        if (i % 2 == 0 && i < n - 3) {
            flush(set, store, false);
        }
    }
    size_t n_points;
    struct metric_point *points = query(set, store, place, id, LEVEL_RAW,
                                        (struct wall){hour}, (struct wall){0}, &n_points);
    assert_int_equal(n_points, n);
    for (int i = 0; i < n; i++) {
        assert_true(points[i].at.ms == hour + i * 5000 && points[i].last == i);
    }
    static const int per[] = {0, 12, 720, 17280};
    for (int level = LEVEL_MINUTE; level <= LEVEL_HOUR; level++) {
        points = query(set, store, place, id, (enum metric_level)level,
                       (struct wall){hour}, (struct wall){0}, &n_points);
        assert_int_equal(n_points, (n + per[level] - 1) / per[level]);
        for (size_t i = 0; i < n_points; i++) {
            int first = (int)i * per[level], last = first + per[level] - 1;
            last = last < n ? last : n - 1;
            assert_int_equal(points[i].at.ms, hour + first * 5000);
            assert_int_equal(points[i].n, last - first + 1);
            assert_true(points[i].min == first && points[i].max == last);
            assert_true(points[i].last == last);
            assert_true(points[i].sum == (first + last) * 0.5 * (last - first + 1));
        }
    }
    points = query(set, store, place, id, LEVEL_MINUTE, (struct wall){hour + 60000},
                   (struct wall){hour + 180000}, &n_points);
    assert_int_equal(n_points, 2);
    assert_true(points[0].min == 12);
    points = query(set, store, place, id, LEVEL_DAY, (struct wall){hour},
                   (struct wall){0}, &n_points);
    assert_true(n_points >= 1 && points[n_points - 1].last == n - 1);
    series_set_free(set);
    metric_store_close(store);
}

static void test_summary_levels(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct series_set *set = series_set_new(10);
    struct series_signal signal;
    int32_t id = series_open(set, METRIC_STEP_TIME, NULL, 0, "step:x");
    int64_t hour = BEGIN - BEGIN % 3600000 + 3600000;
    for (int i = 0; i < 7200; i++) { /* two hours, a measurement a second */
        (void)series_push(set, id, (struct wall){hour + i * 1000}, 1 + i % 100, &signal);
        if (i % 10 == 9) {
            flush(set, store, false);
            if (i % 1000 == 999) { /* and a restart now and then */
                series_set_free(set);
                set = load(store);
            }
        }
    }
    static const int n_expected[] = {0, 120, 2, 1};
    for (int level = LEVEL_MINUTE; level < LEVEL_DAY; level++) {
        size_t n;
        struct metric_point *points =
            query(set, store, place, id, (enum metric_level)level, (struct wall){hour},
                  (struct wall){0}, &n);
        assert_int_equal(n, n_expected[level]);
        int64_t sum = 0;
        for (size_t i = 0; i < n; i++) {
            struct sketch sketch;
            assert_true(sketch_parse(points[i].sketch, points[i].sketch_len, &sketch));
            assert_int_equal(sketch.n, points[i].n);
            sum += points[i].n;
            if (level == LEVEL_HOUR) {
                assert_true(fabs(sketch_quantile(&sketch, 0.5) - 50) < 1.1);
                assert_true(fabs(sketch_quantile(&sketch, 0.99) - 99) < 2.1);
            }
        }
        assert_int_equal(sum, 7200);
    }
    series_set_free(set);
    metric_store_close(store);
}

static void test_counter_levels(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct series_set *set = series_set_new(10);
    struct series_signal signal;
    int32_t id = series_open(set, METRIC_WORKFLOW_SUBMITTED, NULL, 0, "engine");
    int64_t hour = BEGIN - BEGIN % 3600000 + 3600000;
    double count = 0;
    for (int i = 0; i < 400; i++) { /* 2 a second, a reset at 200 */
        count = i == 200 ? 20 : count + 20;
        (void)series_push(set, id, (struct wall){hour + i * 10000}, count, &signal);
        if (i % 3 == 0) {
            flush(set, store, false);
        }
    }
    size_t n;
    struct metric_point *points = query(set, store, place, id, LEVEL_RAW,
                                        (struct wall){hour}, (struct wall){0}, &n);
    assert_int_equal(n, 399);
    for (size_t i = 0; i < n; i++) {
        assert_true(points[i].last == 2 &&
                    points[i].at.ms == hour + 10000 * ((int)i + 1));
    }
    points = query(set, store, place, id, LEVEL_HOUR, (struct wall){hour},
                   (struct wall){0}, &n);
    assert_int_equal(n, 2);
    assert_true(points[0].n + points[1].n == 399 && points[1].max == 2);
    series_set_free(set);
    metric_store_close(store);
}

/* ---- restart -------------------------------------------------------------------------- */

#define LIVE 150 /* more than two blocks */

/* A value of a world that has noise, steps and seasons; the same for the same seed. */
static double world(int32_t id, int t)
{
    uint64_t x = ((uint64_t)id * 1000003 + (uint64_t)t) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 31;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    double noise = (double)(x >> 40) / 16777216.0;
    return id % 3 == 0   ? 100 * sin(t / 500.0) + noise
           : id % 3 == 1 ? (double)t * 3 + noise /* a counter */
                         : noise * 40;
}

static void open_world(struct series_set *set)
{
    for (int i = 0; i < LIVE; i++) {
        char name[32];
        static const enum metric_kind kinds[] = {KIND_GAUGE, KIND_COUNTER, KIND_SUMMARY};
        (void)snprintf(name, sizeof(name), "series_%d", i);
        assert_int_equal(
            series_open_scraped(set, name, kinds[i % 3], "", "a=\"b\"", "scrape:test"),
            i);
    }
}

static void push_world(struct series_set *set, int t)
{
    struct series_signal signal;
    int32_t iter = 0;
    for (int32_t i = 0; i < series_count(set); i++) {
        if ((t + i) % (1 + i % 7) == 0) { /* not all come each second */
            (void)series_push(set, i, after_s(t), world(i, t), &signal);
        }
    }
    while (series_next_due(set, after_s(t), &iter, &signal)) {
    }
}

static void assert_same(struct series_set *a, struct series_set *b)
{
    assert_int_equal(series_count(a), series_count(b));
    for (int32_t i = 0; i < series_count(a); i++) {
        struct wall at_a, at_b;
        double value_a, value_b;
        if (memcmp(series_detector(a, i), series_detector(b, i),
                   sizeof(struct detector)) != 0) {
            fail_msg("detector of series %d differs", i);
        }
        assert_true(series_newest(a, i, &at_a, &value_a) ==
                    series_newest(b, i, &at_b, &value_b));
        assert_true(at_a.ms == at_b.ms && value_a == value_b);
        assert_string_equal(series_get(a, i)->name, series_get(b, i)->name);
        assert_string_equal(series_get(a, i)->component, series_get(b, i)->component);
        assert_int_equal(series_get(a, i)->kind, series_get(b, i)->kind);
    }
}

/* A runs straight through. B is dropped without a word at random moments, and goes on from
 * what it had flushed, with the points since then pushed again. */
static void test_restart(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct series_set *a = series_set_new(SERIES_MAX), *b = series_set_new(SERIES_MAX);
    struct rng rng;
    int flushed = 0, n_kills = 0;
    rng_init(&rng, 42);
    open_world(a);
    open_world(b);
    for (int t = 0; t < 3000; t++) {
        push_world(a, t);
    }
    for (int t = 0; t < 3000; t++) {
        push_world(b, t);
        if (t % 10 == 9) {
            flush(b, store, rng_below(&rng, 50) == 0);
            flushed = t + 1;
        }
        if (rng_below(&rng, 100) == 0) {
            series_set_free(b);
            metric_store_close(store);
            store = open_store(place);
            b = load(store);
            if (flushed == 0) {
                open_world(b);
            }
            t = flushed - 1;
            n_kills++;
        }
    }
    printf("%d restarts\n", n_kills);
    assert_true(n_kills > 10);
    assert_same(a, b);
    /* what is kept is the same as well */
    flush(b, store, true);
    size_t n_b;
    for (int32_t i = 0; i < LIVE; i += 7) {
        struct metric_point *points =
            query(b, store, place, i, LEVEL_MINUTE, begin, (struct wall){0}, &n_b);
        int64_t sum = 0, expected = 0;
        for (size_t k = 0; k < n_b; k++) {
            sum += points[k].n;
        }
        for (int t = 0; t < 3000; t++) {
            expected += (t + i) % (1 + i % 7) == 0;
        }
        assert_int_equal(sum, expected - (i % 3 == 1)); /* n points have n - 1 rates */
    }
    series_set_free(a);
    series_set_free(b);
    metric_store_close(store);
}

/* The same with a real kill -9 of another process in the middle of it. */
static void test_kill(void **state)
{
    struct place *place = *state;
    struct series_set *a = series_set_new(SERIES_MAX);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct metric_store *store = open_store(place);
        struct series_set *b = series_set_new(SERIES_MAX);
        open_world(b);
        for (int t = 0;; t++) { /* until it is killed */
            push_world(b, t);
            if (t % 10 == 9) {
                flush(b, store, false);
                (void)!write(ready[1], "x", 1);
            }
        }
    }
    char c;
    for (int i = 0; i < 130; i++) { /* more than two rounds of saved states */
        assert_int_equal(read(ready[0], &c, 1), 1);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct metric_store *store = open_store(place);
    struct series_set *b = load(store);
    int n = (int)(metric_store_flush_number(store) - 1) * 10;
    assert_true(n >= 1300);
    open_world(a);
    for (int t = 0; t < n; t++) {
        push_world(a, t);
    }
    assert_same(a, b);
    (void)close(ready[0]);
    (void)close(ready[1]);
    series_set_free(a);
    series_set_free(b);
    metric_store_close(store);
}

/* A flush that fails loses nothing; a file that was replaced gets all of it. */
static void test_failed_flush(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct series_set *a = series_set_new(SERIES_MAX), *b = series_set_new(SERIES_MAX);
    struct err err = ERR_INIT;
    open_world(a);
    open_world(b);
    for (int t = 0; t < 700; t++) {
        push_world(a, t);
        push_world(b, t);
        if (t % 10 == 9 && (t / 100) % 2 == 0) {
            flush(b, store, false);
        } else if (t % 10 == 9) { /* for 100 s the disk is full */
            metric_store_begin(store);
            series_save(b, store, false);
            metric_store_put_interval(store, LEVEL_MINUTE, begin, 0, NULL,
                                      0); /* no bytes: refused */
            assert_false(metric_store_commit(store, &err));
        }
    }
    /* afterwards the states go in rounds again */
    struct metric_series *rows = NULL;
    size_t n_rows = 0;
    int n_saved = 0;
    assert_true(metric_reader_series(metric_store_reader(store), place->arena, &rows,
                                     &n_rows, &err));
    for (size_t i = 0; i < n_rows; i++) {
        n_saved += rows[i].kind != KIND_SUMMARY &&
                   rows[i].state_flush == metric_store_flush_number(store) - 1;
    }
    assert_true(n_saved <= LIVE / SERIES_SAVE_ROUNDS + 1);
    series_set_free(b);
    metric_store_close(store);
    /* points that had no place while it was full: the states were saved instead */
    store = open_store(place);
    b = load(store);
    assert_same(a, b);

    AUTO_FREE char *broken = NULL;
    assert_true(metric_store_renew(store, begin, &broken, &err));
    assert_non_null(strstr(broken, ".broken-"));
    assert_int_equal(access(broken, F_OK), 0);
    series_unsaved(b);
    flush(b, store, false);
    series_set_free(b);
    b = load(store);
    assert_same(a, b);
    series_set_free(a);
    series_set_free(b);
    metric_store_close(store);
}

/* The clock is set back by an hour: a few points are lost, and a restart changes nothing. */
static void test_clock(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct series_set *a = series_set_new(10), *b = series_set_new(10);
    struct series_signal signal;
    int n_judged = 0;
    open_gauge(a, "g");
    open_gauge(b, "g");
    (void)series_open(a, METRIC_WORKFLOW_SUBMITTED, NULL, 0, "engine");
    (void)series_open(b, METRIC_WORKFLOW_SUBMITTED, NULL, 0, "engine");
    for (int t = 0; t < 800; t++) {
        struct wall at = after_s(t < 400 ? 7200 + t : 3600 + t);
        for (int32_t i = 0; i < 2; i++) {
            n_judged += series_push(a, i, at, 5 + t * i, &signal);
            (void)series_push(b, i, at, 5 + t * i, &signal);
        }
        if (t % 10 == 9) {
            flush(b, store, false);
        }
    }
    assert_int_equal(series_counts(a).late, 2 * SERIES_LATE_MAX);
    assert_int_equal(n_judged, 2 * 800 - 2 * SERIES_LATE_MAX - 2);
    series_set_free(b);
    b = load(store);
    assert_same(a, b);
    size_t n;
    struct metric_point *points =
        query(b, store, place, 0, LEVEL_RAW, after_s(4000), after_s(4400), &n);
    assert_int_equal(n, 400 - SERIES_LATE_MAX);
    assert_true(points[n - 1].at.ms == after_s(4399).ms);
    series_set_free(a);
    series_set_free(b);
    metric_store_close(store);
}

/* The disk is full for a while: said, and afterwards all is there. */
static void test_full_disk(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct series_set *a = series_set_new(SERIES_MAX), *b = series_set_new(SERIES_MAX);
    struct err err = ERR_INIT;
    struct rlimit all, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    open_world(a);
    open_world(b);
    int n_failed = 0;
    for (int t = 0; t < 400; t++) {
        push_world(a, t);
        push_world(b, t);
        if (t == 100) {
            small = all;
            small.rlim_cur = 200000; /* a write beyond that fails, as on a full disk */
            assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        } else if (t == 300) {
            assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
        }
        if (t % 10 == 9) {
            metric_store_begin(store);
            series_save(b, store, false);
            if (metric_store_commit(store, &err)) {
                series_saved(b);
            } else {
                n_failed++;
                assert_int_equal(err.code, ERR_FULL);
            }
        }
    }
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_true(n_failed > 0);
    series_set_free(b);
    metric_store_close(store);
    store = open_store(place);
    b = load(store);
    assert_same(a, b);
    series_set_free(a);
    series_set_free(b);
    metric_store_close(store);
}

/* Damage in the middle of the file shows when it is read, and is no end of anything. */
static void test_damage(void **state)
{
    struct place *place = *state;
    struct metric_store *store = open_store(place);
    struct series_set *a = series_set_new(SERIES_MAX);
    AUTO_FREE char *path = metrics_path(place);
    struct err err = ERR_INIT;
    char garbage[4096], *broken = NULL;
    open_world(a);
    for (int t = 0; t < 300; t++) {
        push_world(a, t);
        if (t % 10 == 9) {
            flush(a, store, t == 299);
        }
    }
    metric_store_close(store);
    memset(garbage, 0x5a, sizeof(garbage));
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    for (off_t at = 16384; at + 4096 < size; at += 16384) { /* all but the first page */
        assert_int_equal(pwrite(fd, garbage, sizeof(garbage), at), sizeof(garbage));
    }
    assert_int_equal(close(fd), 0);
    store = metric_store_open(path, begin, &broken, &err);
    if (store != NULL && broken == NULL) { /* the first page says nothing of it */
        struct series_set *b = series_set_new(SERIES_MAX);
        assert_false(series_load(b, store, &err));
        assert_int_equal(err.code, ERR_CORRUPT);
        series_set_free(b);
        assert_true(metric_store_renew(store, begin, &broken, &err));
    }
    assert_non_null(store);
    assert_non_null(broken);
    free(broken);
    series_unsaved(a);
    flush(a, store, false);
    struct series_set *b = load(store);
    assert_same(a, b);
    series_set_free(b);
    /* somebody removes it while it is open */
    assert_int_equal(unlink(path), 0);
    metric_store_begin(store);
    series_save(a, store, false);
    assert_false(metric_store_commit(store, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    assert_true(metric_store_renew(store, begin, &broken, &err));
    assert_null(broken);
    series_unsaved(a);
    flush(a, store, false);
    b = load(store);
    assert_same(a, b);
    series_set_free(a);
    series_set_free(b);
    metric_store_close(store);
}

static void test_metric_table(void **state)
{
    (void)state;
    for (int i = METRIC_SCRAPED + 1; i < METRIC_COUNT; i++) {
        struct metric row = metric_get((enum metric_id)i);
        enum metric_id found;
        assert_true(metric_find(row.name, &found) && (int)found == i);
        assert_true(row.help[0] != '\0' && row.unit != NULL && row.labels != NULL);
        /* https://prometheus.io/docs/practices/naming/ */
        size_t len = strlen(row.name);
        bool ends_in_total = len > 6 && strcmp(row.name + len - 6, "_total") == 0;
        assert_int_equal(ends_in_total, row.kind == KIND_COUNTER);
        if (row.unit[0] != '\0') {
            assert_non_null(strstr(row.name, row.unit));
        }
        assert_true(!row.has_limit || row.is_judged);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric_table),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_push),
        cmocka_unit_test(test_summary),
        PLACE_TEST(test_levels),
        PLACE_TEST(test_summary_levels),
        PLACE_TEST(test_counter_levels),
        PLACE_TEST(test_restart),
        PLACE_TEST(test_kill),
        PLACE_TEST(test_failed_flush),
        PLACE_TEST(test_clock),
        PLACE_TEST(test_full_disk),
        PLACE_TEST(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
