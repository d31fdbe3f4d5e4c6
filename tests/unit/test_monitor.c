/* SPDX-License-Identifier: MIT */
/*
 * The monitor over a restart: whenever it is killed, what it knows afterwards is what one knows
 * that was never killed, and nothing is counted twice.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/control/message.h"
#include "engine/monitor/monitor.h"

#define START_MS INT64_C(1795356907000)
#define RUNS     80

/* A made-up log: workflows one after the other, each with one step that now and then fails. */
struct script {
    struct event_row events[RUNS * 2];
    struct effect_row effects[RUNS];
    struct workflow_row rows[RUNS];
    size_t n_events;
};

static void make_script(struct script *script)
{
    struct rng rng = {0};
    rng_init(&rng, 7);
    for (int64_t i = 0; i < RUNS; i++) {
        int64_t id = i + 1, at = START_MS + i * 60000;
        bool has_failed = rng_below(&rng, 4) == 0;
        script->rows[i] = (struct workflow_row){.id = id,
                                                .pipeline = i % 2 ? "build" : "site",
                                                .repo = "/srv/app",
                                                .submitter = "ann",
                                                .created_at = {at - 500}};
        script->events[2 * i] = (struct event_row){.seq = 2 * i + 1,
                                                   .at = {at},
                                                   .workflow = id,
                                                   .kind = "start",
                                                   .actor = "engine",
                                                   .from = STATE_IDLE,
                                                   .to = STATE_VALIDATING,
                                                   .text = ""};
        script->events[2 * i + 1] =
            (struct event_row){.seq = 2 * i + 2,
                               .at = {at + 20000},
                               .workflow = id,
                               .kind = "passed",
                               .actor = "engine",
                               .from = STATE_VALIDATING,
                               .to = has_failed ? STATE_FAILED : STATE_COMPLETED,
                               .text = "the tests failed"};
        script->effects[i] =
            (struct effect_row){.workflow = id,
                                .seq = 1,
                                .kind = EFFECT_CHECK,
                                .status = has_failed ? STATUS_FAILED : STATUS_PASSED,
                                .name = "tests",
                                .asked_at = {at},
                                .started_at = {at},
                                .finished_at = {at + 15000},
                                .summary = "3 of 9 failed",
                                .provider = "local",
                                .cpu_ms = 100,
                                .peak_rss_kib = 1000};
    }
    script->n_events = (size_t)RUNS * 2;
}

struct bench {
    char folder[64], path[96];
    struct metric_store *file;
    struct monitor *monitor;
};

static void open_bench(struct bench *bench)
{
    static const struct monitor_options options = {.max_running = 50};
    struct err err = ERR_INIT;
    char *broken = NULL;
    bench->monitor = monitor_new(&options);
    bench->file = metric_store_open(bench->path, (struct wall){START_MS}, &broken, &err);
    assert_non_null(bench->file);
    assert_null(broken);
    assert_true(monitor_load(bench->monitor, bench->file, &err));
}

static void close_bench(struct bench *bench)
{
    monitor_free(bench->monitor);
    metric_store_close(bench->file);
}

static void flush(struct bench *bench, struct wall now, bool is_all)
{
    struct err err = ERR_INIT;
    metric_store_begin(bench->file);
    monitor_save(bench->monitor, bench->file, now, is_all);
    assert_true(metric_store_commit(bench->file, &err));
    monitor_saved(bench->monitor, now);
}

/* Tells the events from the one that it wants next, up to and including number `last`; the
 * effects as they are by then. */
static void tell(struct bench *bench, const struct script *script, int64_t last)
{
    for (int64_t seq = monitor_seq(bench->monitor) + 1; seq <= last; seq++) {
        const struct event_row *event = &script->events[seq - 1];
        int64_t at = event->workflow - 1;
        struct effect_row effect = script->effects[at];
        bool is_over = seq % 2 == 0;
        if (!is_over) {
            effect.status = STATUS_PENDING;
            effect.finished_at.ms = 0;
        }
        monitor_event(bench->monitor, event, &script->rows[at]);
        monitor_effects(bench->monitor, event->workflow, &effect, 1);
    }
}

static void tick(struct bench *bench, int64_t last)
{
    struct totals totals = {0};
    monitor_tick(bench->monitor, (struct wall){START_MS + last * 30000 + 25000}, &totals);
    (void)monitor_gather(bench->monitor);
}

static void begin(struct bench *bench, const char *name)
{
    (void)snprintf(bench->folder, sizeof(bench->folder), "/tmp/signalbox-%s-XXXXXX",
                   name);
    assert_non_null(mkdtemp(bench->folder));
    (void)snprintf(bench->path, sizeof(bench->path), "%s/metrics", bench->folder);
    open_bench(bench);
}

static void end(struct bench *bench)
{
    struct err err = ERR_INIT;
    close_bench(bench);
    assert_true(file_remove_tree(bench->folder, &err));
}

/* slack: share by which the sums may differ. */
static void assert_same(const struct bench *a, const struct bench *b, double slack)
{
    assert_int_equal(monitor_seq(a->monitor), monitor_seq(b->monitor));
    for (int m = 0; m < MODEL_COUNT; m++) {
        const struct scorecard *x = monitor_scorecard(a->monitor, (enum model)m);
        const struct scorecard *y = monitor_scorecard(b->monitor, (enum model)m);
        assert_int_equal(x->n, y->n);
        assert_int_equal(x->failed, y->failed);
        assert_true(fabs(x->brier - y->brier) <= slack * x->brier + 1e-12);
        assert_int_equal(x->held, y->held);
    }
}

static size_t count_predictions(struct bench *bench, bool is_scored_only)
{
    struct arena *arena = arena_new();
    struct metric_prediction *rows;
    struct metric_prediction_query query = {.is_scored_only = is_scored_only,
                                            .max = 1000};
    struct err err = ERR_INIT;
    size_t n;
    assert_true(metric_reader_predictions(metric_store_reader(bench->file), arena, &query,
                                          &rows, &n, &err));
    arena_free(arena);
    return n;
}

/* Killed after some events: after a flush with models, after one without, and between two
 * unless is_flushed. */
static void kill_now_and_then(bool is_flushed, double slack)
{
    struct script *script = mem_alloc(sizeof(*script));
    struct bench whole, killed;
    struct rng rng = {0};
    rng_init(&rng, 42);
    make_script(script);
    begin(&whole, "whole");
    begin(&killed, "killed");
    for (int64_t last = 1; last <= (int64_t)script->n_events; last++) {
        struct wall now = {START_MS + last * 30000 + 25000};
        tell(&whole, script, last);
        tick(&whole, last);
        tell(&killed, script, last);
        tick(&killed, last);
        if (is_flushed || rng_below(&rng, 3) > 0) {
            flush(&killed, now, rng_below(&rng, 4) == 0);
        }
        if (rng_below(&rng, 10) == 0) {
            close_bench(&killed);
            open_bench(&killed);
            tell(&killed, script, last);
        }
    }
    assert_same(&whole, &killed, slack);
    assert_int_equal(monitor_scorecard(whole.monitor, MODEL_STEP)->n, RUNS);
    flush(&whole, (struct wall){START_MS}, true);
    flush(&killed, (struct wall){START_MS}, true);
    assert_int_equal(count_predictions(&whole, false), 2 * RUNS);
    assert_int_equal(count_predictions(&killed, false), 2 * RUNS);
    assert_int_equal(count_predictions(&killed, true), 2 * RUNS);
    end(&killed);
    end(&whole);
    free(script);
}

static void killed_is_as_never_killed(void **state)
{
    (void)state;
    kill_now_and_then(true, 0);
}

/* What the host's levels were since the last flush is lost, and with it a little of what was
 * known when a prediction was made; no outcome is. */
static void killed_between_flushes_loses_no_outcome(void **state)
{
    (void)state;
    kill_now_and_then(false, 0.01);
}

static void outbox_text_and_back(void **state)
{
    struct arena *arena = arena_new();
    const struct anomaly_row row = {.id = 3,
                                    .incident = 2,
                                    .type = ANOMALY_DRIFT,
                                    .severity = SEVERITY_HIGH,
                                    .began_at = {1},
                                    .opened_at = {2},
                                    .seen_at = {3},
                                    .series = "a{b=\"c\"}",
                                    .component = "host",
                                    .value = 1.5,
                                    .low = (double)NAN,
                                    .high = 2,
                                    .score = 0.5,
                                    .text = "it \"drifts\"",
                                    .rule = "",
                                    .closed_by = "",
                                    .detail = "{\"actions\":[]}"};
    struct discovery back;
    (void)state;
    AUTO_FREE char *json = discovery_format(&(struct discovery){.anomaly = &row});
    assert_true(discovery_parse(arena, json, &back));
    assert_null(back.incident);
    assert_int_equal(back.anomaly->id, 3);
    assert_int_equal(back.anomaly->type, ANOMALY_DRIFT);
    assert_string_equal(back.anomaly->series, row.series);
    assert_string_equal(back.anomaly->text, row.text);
    assert_string_equal(back.anomaly->detail, row.detail);
    assert_true(isnan(back.anomaly->low));
    assert_true(fabs(back.anomaly->high - 2) < 1e-9);
    AUTO_FREE char *again = discovery_format(&back);
    assert_string_equal(json, again);
    assert_false(discovery_parse(arena, "{\"anomaly\":{\"id\":0}}", &back));
    assert_false(discovery_parse(arena, "{\"anomaly\":{\"id\":1,\"type\":99}}", &back));
    assert_false(discovery_parse(arena, "nonsense", &back));
    arena_free(arena);
}

static const struct service_detail no_detail = {.fallback_to = ""};

/* A breaker that opens within the hour is what the prediction was about. */
static void services_are_scored_by_the_hour(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench, "services");
    for (int64_t minute = 0; minute < 6 * 60; minute += 5) {
        int64_t hour = minute / 60;
        bool is_open = hour == 3 && minute % 60 == 30;
        struct service_row row = {.name = "github",
                                  .kind = "github",
                                  .state = is_open ? BREAKER_OPEN : BREAKER_CLOSED};
        int64_t start = START_MS - START_MS % 3600000;
        monitor_services(bench.monitor, (struct wall){start + minute * 60000}, &row,
                         &no_detail, 1);
    }
    assert_int_equal(monitor_scorecard(bench.monitor, MODEL_SERVICE)->n, 5);
    assert_int_equal(monitor_scorecard(bench.monitor, MODEL_SERVICE)->failed, 1);
    end(&bench);
}

/* The omen of this subject; p NAN: none. Texts are gone. */
static struct omen omen_of(struct bench *bench, const char *subject, struct wall now)
{
    struct omen found = {.p = (double)NAN};
    struct omen_batch *batch = monitor_omens(bench->monitor, now);
    for (size_t i = 0; batch != NULL && i < batch->n; i++) {
        assert_true(batch->omens[i].p >= 0 && batch->omens[i].p <= 1);
        assert_true(batch->omens[i].text[0] != '\0');
        if (strcmp(batch->omens[i].subject, subject) == 0) {
            found = batch->omens[i];
        }
    }
    omen_batch_free(batch);
    return found;
}

/* Hours with many errors are those in which the breaker opens: that can be learned. */
static void outages_are_foreseen(void **state)
{
    struct bench bench;
    struct rng rng;
    int64_t start = START_MS - START_MS % 3600000;
    int right = 0, asked = 0;
    (void)state;
    begin(&bench, "omens");
    rng_init(&rng, 3);
    assert_null(monitor_omens(bench.monitor, (struct wall){start}));
    for (int64_t hour = 0; hour < 300; hour++) {
        bool is_bad = rng_below(&rng, 4) == 0;
        struct service_detail detail = no_detail;
        detail.failure_percent = is_bad ? 45 : 1;
        detail.token_end.ms = start + 400 * INT64_C(3600000);
        for (int64_t minute = 0; minute < 60; minute += 10) {
            struct wall now = {start + hour * 3600000 + minute * 60000};
            struct service_row row = {.name = "github",
                                      .kind = "github",
                                      .state = is_bad && minute == 30 ? BREAKER_OPEN
                                                                      : BREAKER_CLOSED};
            monitor_services(bench.monitor, now, &row, &detail, 1);
            struct omen omen = omen_of(&bench, "service:github", now);
            assert_int_equal(omen.kind, OMEN_OUTAGE);
            assert_true(hour > 20 || !omen.is_trusted); /* too few, and it says so */
            if (hour > 250 && minute == 0) {
                asked++;
                right += omen.is_trusted && (omen.p >= 0.5) == is_bad &&
                         omen.due.ms == now.ms + 3600000;
            }
            if (is_bad && minute >= 30) {
                assert_true(omen.p < 1e-9); /* it has come */
            }
        }
    }
    assert_true(right * 10 >= asked * 9);
    struct omen omen =
        omen_of(&bench, "credential:github", (struct wall){start + 300 * 3600000L});
    assert_true(omen.is_measured && omen.p > 0.99);
    assert_int_equal(omen.due.ms, start + 400 * INT64_C(3600000));
    end(&bench);
}

static void limits_are_foreseen(void **state)
{
    struct bench bench;
    (void)state;
    begin(&bench, "limits");
    struct series_set *set = monitor_series(bench.monitor);
    static const struct series_label label = {"folder", "/var"};
    int32_t id = series_open(set, METRIC_DISK_USED, &label, 1, "host");
    struct wall now = {START_MS};
    struct series_signal signal;
    struct omen omen;
    for (int i = 0; i < 300; i++) { /* 0.5 to 0.8: a thousandth a minute */
        now.ms += 60000;
        (void)series_push(set, id, now, 0.5 + i * 0.001, &signal);
    }
    const char *subject = "disk:folder=\"/var\"";
    omen = omen_of(&bench, subject, now);
    assert_true(omen.p < 1e-9); /* nobody has looked ahead yet */
    flush(&bench, now, true);
    monitor_level(bench.monitor, now, bench.file);
    omen = omen_of(&bench, subject, now);
    assert_int_equal(omen.kind, OMEN_DISK);
    assert_true(omen.p > 0.8);
    assert_false(omen.is_trusted); /* nothing has been scored */
    assert_false(omen.is_measured);
    assert_in_range(omen.due.ms - now.ms, 100 * 60000, 400 * 60000);
    now.ms += 60000;
    (void)series_push(set, id, now, 0.93, &signal); /* full already */
    omen = omen_of(&bench, subject, now);
    assert_true(omen.is_measured && omen.p > 0.99);
    now.ms += 60000;
    (void)series_push(set, id, now, 0.88, &signal); /* neither full nor safe */
    omen = omen_of(&bench, subject, now);
    assert_true(omen.is_measured && omen.p > 0.4 && omen.p < 0.6);
    now.ms += 3600000; /* nothing was measured lately: nothing is said */
    assert_true(isnan(omen_of(&bench, subject, now).p));
    end(&bench);
}

static void scrape_that_fails_is_down(void **state)
{
    struct bench bench;
    struct scrape_spec spec = {.name = (char *)(uintptr_t) "depot"};
    struct wall at;
    double value;
    (void)state;
    begin(&bench, "scrape");
    struct series_set *set = monitor_series(bench.monitor);
    static const char body[] = "wagons 3\n";
    monitor_scrape(bench.monitor, &spec, (struct wall){START_MS}, body, sizeof(body) - 1,
                   NULL);
    assert_true(
        series_newest(set, series_find(set, "wagons", "scrape=\"depot\""), &at, &value));
    assert_true(fabs(value - 3) < 1e-9);
    assert_true(
        series_newest(set, series_find(set, "up", "scrape=\"depot\""), &at, &value));
    assert_true(fabs(value - 1) < 1e-9);
    monitor_scrape(bench.monitor, &spec, (struct wall){START_MS + 1000}, NULL, 0,
                   "connection refused");
    assert_true(
        series_newest(set, series_find(set, "up", "scrape=\"depot\""), &at, &value));
    assert_true(value < 0.5);
    end(&bench);
}

static void review_counts_once(void **state)
{
    struct bench bench;
    struct delivery_row row = {.seq = 9,
                               .at = {START_MS},
                               .event = "pull_request_review",
                               .text = "#7 submitted approved"};
    struct wall at;
    double value;
    (void)state;
    begin(&bench, "review");
    monitor_delivery(bench.monitor, &row);
    tick(&bench, 1);
    row.seq = 10;
    monitor_delivery(bench.monitor, &row);
    flush(&bench, (struct wall){START_MS}, true);
    close_bench(&bench);
    open_bench(&bench);
    assert_int_equal(monitor_delivery_seq(bench.monitor), 10);
    tick(&bench, 2); /* one more in 30 s */
    struct series_set *set = monitor_series(bench.monitor);
    assert_true(series_newest(
        set, series_find(set, "review_total", "outcome=\"approved\""), &at, &value));
    assert_true(fabs(value - 1.0 / 30) < 1e-9);
    end(&bench);
}

/* New failures for years do not use up the places of series. */
static void fingerprints_share_a_series_in_the_end(void **state)
{
    struct bench bench;
    char text[40] = "failure aaa";
    (void)state;
    begin(&bench, "prints");
    struct workflow_row row = {.pipeline = "p", .repo = "r", .submitter = "s"};
    for (int64_t i = 1; i <= 3000; i++) {
        text[8] = (char)('g' + i % 20);
        text[9] = (char)('g' + i / 20 % 20);
        text[10] = (char)('g' + i / 400 % 20);
        row.id = i;
        monitor_event(bench.monitor,
                      &(struct event_row){.seq = i,
                                          .at = {START_MS + i},
                                          .workflow = i,
                                          .kind = "world-failed",
                                          .actor = "engine",
                                          .from = STATE_CODING,
                                          .to = STATE_FAILED,
                                          .text = text},
                      &row);
        monitor_effects(bench.monitor, i, NULL, 0);
    }
    assert_in_range(series_count(monitor_series(bench.monitor)), 1000, 1100);
    assert_true(series_find(monitor_series(bench.monitor), "error_fingerprint_total",
                            "fingerprint=\"other\"") != SERIES_NONE);
    end(&bench);
}

/* A rule sees every metric, also those that no detector judges. */
static void rule_on_what_is_not_judged(void **state)
{
    static const char text[] =
        "rules:\n  - {name: big, metric: limit_size, above: 10, for: 0s}\n";
    struct findings findings;
    (void)state;
    findings_init(&findings);
    struct rule_set *set = rule_set_parse("r", text, sizeof(text) - 1, &findings);
    assert_non_null(set);
    struct monitor *monitor = monitor_new(&(struct monitor_options){
        .rules = &set->rules[set->n - 1], .n_rules = 1, .max_running = 50});
    struct totals totals = {0};
    bool has_found = false;
    for (int64_t i = 0; i < 5; i++) {
        monitor_tick(monitor, (struct wall){START_MS + i * 5000}, &totals);
        has_found = monitor_gather(monitor) || has_found;
    }
    assert_true(has_found);
    monitor_free(monitor);
    rule_set_free(set);
    findings_fini(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_is_as_never_killed),
        cmocka_unit_test(killed_between_flushes_loses_no_outcome),
        cmocka_unit_test(outbox_text_and_back),
        cmocka_unit_test(services_are_scored_by_the_hour),
        cmocka_unit_test(outages_are_foreseen),
        cmocka_unit_test(limits_are_foreseen),
        cmocka_unit_test(scrape_that_fails_is_down),
        cmocka_unit_test(review_counts_once),
        cmocka_unit_test(rule_on_what_is_not_judged),
        cmocka_unit_test(fingerprints_share_a_series_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
