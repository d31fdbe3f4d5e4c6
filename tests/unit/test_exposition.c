/* SPDX-License-Identifier: MIT */
/* Prometheus 0.0.4, OpenMetrics 1.0 and what commands print, line by line. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/monitor/exposition.h"

static void print_sample(void *context, const struct exposition_sample *sample)
{
    struct buf *out = context;
    (void)buf_printf(out, "%s{%s} %g", sample->name, sample->labels, sample->value);
    (void)buf_printf(out, " %s%s%s", metric_kind_word(sample->kind),
                     sample->unit[0] != '\0' ? " in " : "", sample->unit);
    if (wall_is_set(sample->at)) {
        (void)buf_printf(out, " @%lld", (long long)sample->at.ms);
    }
    (void)buf_char(out, '\n');
}

static struct exposition_report parse(const char *text, const char *bare, char **ret_out)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    struct exposition_report report =
        exposition_parse(text, strlen(text), bare, print_sample, &out);
    *ret_out = buf_take(&out, NULL);
    return report;
}

static void expect(const char *text, const char *expected)
{
    AUTO_FREE char *out = NULL;
    struct exposition_report report = parse(text, NULL, &out);
    assert_string_equal(out, expected);
    assert_int_equal(report.n_wrong, 0);
}

/* The example of the format's own page. */
static void test_prometheus(void **state)
{
    (void)state;
    AUTO_FREE char *out = NULL;
    struct exposition_report report = parse(
        "# HELP http_requests_total The total number of HTTP requests.\n"
        "# TYPE http_requests_total counter\n"
        "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
        "http_requests_total{method=\"post\",code=\"400\"}    3 1395066363000\n"
        "\n"
        "# Escaping in label values:\n"
        "msdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot "
        "find file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9\n"
        "\n"
        "# Minimalistic line:\n"
        "metric_without_timestamp_and_labels 12.47\n"
        "\n"
        "# A weird metric from before the epoch:\n"
        "something_weird{problem=\"division by zero\"} +Inf\n"
        "\n"
        "# TYPE http_request_duration_seconds histogram\n"
        "http_request_duration_seconds_bucket{le=\"0.05\"} 24054\n"
        "http_request_duration_seconds_bucket{le=\"+Inf\"} 144320\n"
        "http_request_duration_seconds_sum 53423\n"
        "http_request_duration_seconds_count 144320\n"
        "\n"
        "# TYPE rpc_duration_seconds summary\n"
        "rpc_duration_seconds{quantile=\"0.01\", } 3102\r\n"
        "rpc_duration_seconds_sum 1.7560473e+07\n"
        "rpc_duration_seconds_count 2693",
        NULL, &out);
    assert_string_equal(
        out,
        "http_requests_total{code=\"200\",method=\"post\"} 1027 counter @1395066363000\n"
        "http_requests_total{code=\"400\",method=\"post\"} 3 counter @1395066363000\n"
        "msdos_file_access_time_seconds{error=\"Cannot find file: "
        "\\\"FILE.TXT\\\"\",path=\"C:\\\\DIR\\\\FILE.TXT\"} 1.45826e+09 gauge\n"
        "metric_without_timestamp_and_labels{} 12.47 gauge\n"
        "something_weird{problem=\"division by zero\"} inf gauge\n"
        "http_request_duration_seconds_sum{} 53423 counter\n"
        "http_request_duration_seconds_count{} 144320 counter\n"
        "rpc_duration_seconds{quantile=\"0.01\"} 3102 gauge\n"
        "rpc_duration_seconds_sum{} 1.75605e+07 counter\n"
        "rpc_duration_seconds_count{} 2693 counter\n");
    assert_int_equal(report.n_samples, 10);
    assert_int_equal(report.n_buckets, 2);
    assert_int_equal(report.n_wrong, 0);
}

static void test_open_metrics(void **state)
{
    (void)state;
    AUTO_FREE char *out = NULL;
    struct exposition_report report = parse(
        "# TYPE acme_http_router_request_seconds summary\n"
        "# UNIT acme_http_router_request_seconds seconds\n"
        "acme_http_router_request_seconds_sum{path=\"/api/v1\",method=\"GET\"} 9036.32\n"
        "acme_http_router_request_seconds_created{path=\"/api/v1\"} 1605281325.0\n"
        "# TYPE go_goroutines gauge\n"
        "go_goroutines 69 1605281325.123\n"
        "# TYPE process_cpu_seconds counter\n"
        "# UNIT process_cpu_seconds seconds\n"
        "process_cpu_seconds_total 4.20072246e+06 # {trace_id=\"KOO5S4vxi0o\"} 0.67\n"
        "# TYPE foo info\n"
        "foo_info{version=\"1}2\"} 1\n"
        "# TYPE s stateset\n"
        "s{s=\"on\"} 1\n"
        "# TYPE gh gaugehistogram\n"
        "gh_bucket{le=\"1\"} 2\n"
        "gh_gsum 5\n"
        "# EOF\n",
        NULL, &out);
    assert_string_equal(
        out,
        "acme_http_router_request_seconds_sum{method=\"GET\",path=\"/api/v1\"} 9036.32 "
        "counter in seconds\n"
        "go_goroutines{} 69 gauge @1605281325123\n"
        "process_cpu_seconds_total{} 4.20072e+06 counter in seconds\n"
        "gh_gsum{} 5 gauge\n");
    assert_int_equal(report.n_skipped, 3);
    assert_int_equal(report.n_buckets, 1);
    assert_int_equal(report.n_wrong, 0);
}

static void test_command(void **state)
{
    (void)state;
    AUTO_FREE char *out = NULL;
    struct exposition_report report =
        parse("3\n-1.5e3\nNaN\nqueue{a=\"b\"} 7\n", "q", &out);
    assert_string_equal(out, "q{} 3 gauge\nq{} -1500 gauge\nq{} nan gauge\n"
                             "queue{a=\"b\"} 7 gauge\n");
    assert_int_equal(report.n_wrong, 0);
    expect("inf 3\n", "inf{} 3 gauge\n");
    expect("a_total 3\nb {} 1\n", "a_total{} 3 counter\nb{} 1 gauge\n");
}

static void test_wrong(void **state)
{
    (void)state;
    static const char *const lines[] = {"a",
                                        "a b",
                                        "a{",
                                        "a{b}",
                                        "a{b=} 1",
                                        "a{b=\"c} 1",
                                        "a{b=\"c\" 1",
                                        "a 1 2 3",
                                        "a{b=\"\\x\"} 1",
                                        "a 0x10",
                                        "a 1_000",
                                        "1",
                                        "a 1 -5",
                                        "a{b=\"1\",b=\"2\"} 1",
                                        "{\"a\"} 1",
                                        "a 1 x",
                                        "a info",
                                        "a{__n:b=\"1\"} 1"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        AUTO_FREE char *out = NULL;
        AUTO_FREE char *text = mem_printf("good 1\n%s\nalso_good 2\n", lines[i]);
        struct exposition_report report = parse(text, NULL, &out);
        if (report.n_wrong != 1) {
            fail_msg("taken: %s gave %s", lines[i], out);
        }
        assert_int_equal(report.first_wrong, 2);
        assert_true(report.why[0] != '\0');
        assert_string_equal(out, "good{} 1 gauge\nalso_good{} 2 gauge\n");
    }
}

static void test_scrape(void **state)
{
    (void)state;
    static const char text[] = "# TYPE n counter\nn_total{scrape=\"own\"} 10\n"
                               "g 5 1000000000500\nlate 5 3000000000000\nbad NaN\n7\n";
    struct series_set *set = series_set_new(4);
    struct wall now = {1000000001000};
    size_t n_refused = 0;
    struct exposition_report report =
        scrape_push(set, "disk-check", text, strlen(text), now, NULL, NULL, &n_refused);
    assert_int_equal(report.n_samples, 5);
    assert_int_equal(n_refused, 0);
    assert_int_equal(series_count(set), 4); /* no series of what was never known */
    int32_t id =
        series_find(set, "n_total", "exported_scrape=\"own\",scrape=\"disk-check\"");
    assert_true(id >= 0 && series_get(set, id)->kind == KIND_COUNTER);
    assert_string_equal(series_get(set, id)->component, "scrape:disk-check");
    struct wall at;
    double value;
    id = series_find(set, "g", "scrape=\"disk-check\"");
    assert_true(series_newest(set, id, &at, &value) && at.ms == 1000000000500 &&
                value == 5);
    id = series_find(set, "late", "scrape=\"disk-check\"");
    assert_true(series_newest(set, id, &at, &value) && at.ms == now.ms);
    assert_true(series_find(set, "disk_check", "scrape=\"disk-check\"") >= 0);
    static const char more[] = "more 1\n";
    (void)scrape_push(set, "x", more, strlen(more), now, NULL, NULL, &n_refused);
    assert_int_equal(n_refused, 1);
    series_set_free(set);
}

/* Names that are ours are not written into, and a flood leaves room. */
static void test_foreign(void **state)
{
    (void)state;
    static const char text[] = "up 0\nup{job=\"a\"} 1\nup{scrape=\"x\"} 0\n";
    struct series_set *set = series_set_new(SERIES_MAX);
    struct wall now = {1000000001000};
    size_t n_refused = 0;
    (void)scrape_push(set, "x", text, strlen(text), now, NULL, NULL, &n_refused);
    assert_int_equal(series_find(set, "up", "scrape=\"x\""), SERIES_NONE);
    assert_true(series_find(set, "exported_up", "scrape=\"x\"") >= 0);
    assert_true(series_find(set, "up", "job=\"a\",scrape=\"x\"") >= 0);
    AUTO_BUF struct buf flood;
    buf_init(&flood, (size_t)1 << 20);
    for (int i = 0; i < SERIES_FOREIGN_MAX; i++) {
        (void)buf_printf(&flood, "m%d 1\n", i);
    }
    (void)scrape_push(set, "x", flood.data, flood.len, now, NULL, NULL, &n_refused);
    assert_int_equal(n_refused, 3);
    assert_int_equal(series_count(set), SERIES_FOREIGN_MAX);
    assert_true(series_open(set, METRIC_WORKFLOW_ACTIVE, NULL, 0, "engine") >= 0);
    series_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prometheus), cmocka_unit_test(test_open_metrics),
        cmocka_unit_test(test_command),    cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_scrape),     cmocka_unit_test(test_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
