/* SPDX-License-Identifier: MIT */

/* Series of the monitor and durations of spans, as /metrics tells them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/io/listener_series.h"
#include "engine/monitor/series.h"
#include "store/finding.h"

static char folder[64], path[96];
static struct store *store;
static struct reader *reader;

static int setup(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    (void)snprintf(folder, sizeof(folder), "/tmp/test_series.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s.db", folder);
    store = store_open(path, STORE_OFF, &err);
    assert_non_null(store);
    reader = reader_open(path, &err);
    assert_non_null(reader);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    reader_close(reader);
    store_close(store);
    return file_remove_tree(folder, &err) ? 0 : 1;
}

static void add_span(const char *kind, int64_t start_us, int64_t took_us, int number)
{
    struct err err = ERR_INIT;
    struct span_row row = {.workflow = 1,
                           .trace = "0af7651916cd43dd8448eb211c80319c",
                           .kind = kind,
                           .name = "x",
                           .start_us = start_us,
                           .end_us = start_us + took_us,
                           .attributes = "{}"};
    (void)snprintf(row.span, sizeof(row.span), "%016x", (unsigned)number);
    (void)store_add_span(store, &row);
    assert_true(store_commit(store, &err));
}

static char *say(struct listener_series *series, enum openmetrics_format format)
{
    struct buf out;
    struct openmetrics m;
    buf_init(&out, 1 << 20);
    openmetrics_begin(&m, &out, format);
    openmetrics_family(&m, "signalbox_service_in_flight", OPENMETRICS_GAUGE, "", "Ours.");
    listener_series_put(series, &m, reader);
    openmetrics_end(&m);
    return buf_take(&out, NULL);
}

static void must_have(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        fail_msg("no %s in\n%s", line, text);
    }
}

static void spans_are_counted(void **state)
{
    (void)state;
    int64_t now = wall_now().ms * 1000;
    add_span("call", 1000000, 1, 1); /* of an engine long ago */
    struct listener_series *series = listener_series_new(path);
    add_span("call", now + 1000000, 20000, 2);
    add_span("call", now + 1000000, 24000, 3);
    add_span("step", now + 1000000, 70000000, 4);
    AUTO_FREE char *first = say(series, OPENMETRICS_1_0);
    must_have(first, "# TYPE signalbox_span_duration_seconds histogram\n");
    must_have(first, "_bucket{kind=\"call\",le=\"0.005\"} 0\n");
    must_have(first, "_bucket{kind=\"call\",le=\"0.025\"} 2 # {trace_id=\""
                     "0af7651916cd43dd8448eb211c80319c\",span_id=\"0000000000000003\"} ");
    must_have(first, "_count{kind=\"call\"} 2\n");
    must_have(first, "_bucket{kind=\"step\",le=\"60.0\"} 0\n");
    must_have(first, "_bucket{kind=\"step\",le=\"300.0\"} 1 # {");
    must_have(first, "_sum{kind=\"step\"} 70\n");
    add_span("call", now + 1000000, 1000, 5);
    AUTO_FREE char *second = say(series, OPENMETRICS_TEXT_0_0_4);
    must_have(second, "_count{kind=\"call\"} 3\n"); /* none twice */
    assert_null(strstr(second, "trace_id"));
    listener_series_free(series);
}

static void put(struct series_set *set, enum metric_id id, const char *key,
                const char *value, struct wall at, double number)
{
    const struct series_label label = {key, value};
    struct series_signal signal;
    int32_t one = series_open(set, id, &label, key != NULL, "host");
    assert_true(one != SERIES_NONE);
    (void)series_push(set, one, at, number, &signal);
}

/* Rows as the monitor leaves them. */
static void series_are_told(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct wall now = wall_now(), before = {now.ms - 3600000};
    char *broken = NULL;
    AUTO_FREE char *file = metric_store_path(path);
    struct listener_series *series = listener_series_new(path);
    AUTO_FREE char *none = say(series, OPENMETRICS_1_0); /* no file yet */
    assert_null(strstr(none, "signalbox_disk"));
    struct metric_store *metrics = metric_store_open(file, now, &broken, &err);
    assert_non_null(metrics);
    struct series_set *set = series_set_new(100);
    struct series_signal signal;
    put(set, METRIC_HOST_CPU, NULL, NULL, now, 0.25);
    put(set, METRIC_SERVICE_IN_FLIGHT, "service", "github_api", now, 7);
    put(set, METRIC_DISK_USED, "path", "/srv \"x\"", now, 0.5);
    put(set, METRIC_ENGINE_MEMORY, NULL, NULL, before, 99);
    put(set, METRIC_DISK_USED, "path", "/", now, 0.75);
    put(set, METRIC_WORKFLOW_SUBMITTED, NULL, NULL, (struct wall){now.ms - 8000}, 10);
    put(set, METRIC_WORKFLOW_SUBMITTED, NULL, NULL, now, 11);
    for (int i = 1; i <= 100; i++) {
        struct wall at = {now.ms - 120000 + i * 10};
        put(set, METRIC_SERVICE_LATENCY, "service", "a", at, i / 100.0);
    }
    for (int32_t iter = 0; series_next_due(set, now, &iter, &signal);) {
    }
    int32_t other = series_open_scraped(set, "up", KIND_GAUGE, "", "scrape=\"o\"", "x");
    (void)series_push(set, other, now, 1, &signal);
    metric_store_begin(metrics);
    series_save(set, metrics, true);
    assert_true(metric_store_commit(metrics, &err));
    AUTO_FREE char *text = say(series, OPENMETRICS_1_0);
    must_have(text, "# TYPE signalbox_host_cpu_used_ratio gauge\n"
                    "# UNIT signalbox_host_cpu_used_ratio ratio\n"
                    "# HELP signalbox_host_cpu_used_ratio busy share of all processors\n"
                    "signalbox_host_cpu_used_ratio 0.25\n");
    must_have(text, "signalbox_disk_used_ratio{path=\"/\"} 0.75\n"
                    "signalbox_disk_used_ratio{path=\"/srv \\\"x\\\"\"} 0.5\n");
    must_have(text, "# TYPE signalbox_workflow_submitted_per_second gauge\n");
    must_have(text, "signalbox_workflow_submitted_per_second 0.125\n");
    must_have(text, "# TYPE signalbox_service_latency_seconds summary\n");
    must_have(text, "signalbox_service_latency_seconds{service=\"a\",quantile=\"0.5\"} ");
    assert_null(strstr(text, "engine_memory"));     /* an hour old: unknown */
    assert_null(strstr(text, "in_flight{service")); /* the listener's own family */
    assert_null(strstr(text, "scrape="));
    listener_series_free(series);
    series_set_free(set);
    metric_store_close(metrics);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(spans_are_counted), TEST(series_are_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
