/* SPDX-License-Identifier: MIT */

/* OpenMetrics text and the older format: exact bytes, escapes, numbers, what is asked for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/io/openmetrics.h"

static void write_all(struct buf *out, enum openmetrics_format format)
{
    static const double bounds[] = {0.5, 1};
    static const int64_t counts[] = {2, 0, 1};
    struct openmetrics_exemplar exemplars[3] = {
        {.trace = "0af7651916cd43dd8448eb211c80319c",
         .span = "b7ad6b7169203331",
         .value = 0.25,
         .at = {1700000000042}}
    };
    struct openmetrics m;
    openmetrics_begin(&m, out, format);
    openmetrics_family(&m, "x_events", OPENMETRICS_COUNTER, "",
                       "What \"happened\"\nhere.");
    openmetrics_sample(&m, NULL, 3);
    openmetrics_family(&m, "x_seconds", OPENMETRICS_GAUGE, "seconds", "Time.");
    openmetrics_sample(&m, METRIC_LABELS("a", "b\\c\"d\ne\xff", "f", "\xc3\xa4"), 0.25);
    openmetrics_sample(&m, METRIC_LABELS("a", ""), (double)NAN);
    openmetrics_sample(&m, METRIC_LABELS("a", "i"), (double)INFINITY);
    openmetrics_sample(&m, METRIC_LABELS("a", "j"), -(double)INFINITY);
    openmetrics_sample(&m, METRIC_LABELS("a", "k"), 1e15);
    openmetrics_sample_text(&m, "a=\"l\"", -7);
    openmetrics_family(&m, "x_state", METRIC_STATESET, "", "S.");
    openmetrics_sample(&m, METRIC_LABELS("x_state", "open"), 1);
    openmetrics_family(&m, "x_took_seconds", OPENMETRICS_HISTOGRAM, "seconds", "H.");
    openmetrics_histogram(&m, METRIC_LABELS("kind", "k"), bounds, counts, 2, 7.5,
                          exemplars);
    openmetrics_family(&m, "x_count", OPENMETRICS_GAUGE, "seconds", "No unit.");
    openmetrics_sample_text(&m, "", 1);
    openmetrics_family(&m, "x_seconds", OPENMETRICS_GAUGE, "seconds", "Twice.");
    openmetrics_sample(&m, NULL, 9);
    openmetrics_histogram(&m, NULL, bounds, counts, 2, 7.5, NULL);
    openmetrics_end(&m);
}

static void exact_text(void **state)
{
    (void)state;
    AUTO_BUF struct buf out;
    buf_init(&out, 10000);
    write_all(&out, OPENMETRICS_1_0);
    assert_string_equal(
        out.data,
        "# TYPE x_events counter\n"
        "# HELP x_events What \\\"happened\\\"\\nhere.\n"
        "x_events_total 3\n"
        "# TYPE x_seconds gauge\n"
        "# UNIT x_seconds seconds\n"
        "# HELP x_seconds Time.\n"
        "x_seconds{a=\"b\\\\c\\\"d\\ne\xEF\xBF\xBD\",f=\"\xc3\xa4\"} 0.25\n"
        "x_seconds{a=\"\"} NaN\n"
        "x_seconds{a=\"i\"} +Inf\n"
        "x_seconds{a=\"j\"} -Inf\n"
        "x_seconds{a=\"k\"} 1000000000000000\n"
        "x_seconds{a=\"l\"} -7\n"
        "# TYPE x_state stateset\n"
        "# HELP x_state S.\n"
        "x_state{x_state=\"open\"} 1\n"
        "# TYPE x_took_seconds histogram\n"
        "# UNIT x_took_seconds seconds\n"
        "# HELP x_took_seconds H.\n"
        "x_took_seconds_bucket{kind=\"k\",le=\"0.5\"} 2 # "
        "{trace_id=\"0af7651916cd43dd8448eb211c80319c\",span_id=\"b7ad6b7169203331\"} "
        "0.25 1700000000.042\n"
        "x_took_seconds_bucket{kind=\"k\",le=\"1.0\"} 2\n"
        "x_took_seconds_bucket{kind=\"k\",le=\"+Inf\"} 3\n"
        "x_took_seconds_sum{kind=\"k\"} 7.5\n"
        "x_took_seconds_count{kind=\"k\"} 3\n"
        "# TYPE x_count gauge\n"
        "# HELP x_count No unit.\n"
        "x_count 1\n"
        "# EOF\n");
}

static void older_text(void **state)
{
    (void)state;
    AUTO_BUF struct buf out;
    buf_init(&out, 10000);
    write_all(&out, OPENMETRICS_TEXT_0_0_4);
    assert_non_null(strstr(out.data, "# TYPE x_events_total counter\n"
                                     "# HELP x_events_total What \"happened\"\\nhere.\n"
                                     "x_events_total 3\n"));
    assert_non_null(strstr(out.data, "# TYPE x_state gauge\n"));
    assert_non_null(strstr(out.data, "x_took_seconds_bucket{kind=\"k\",le=\"0.5\"} 2\n"));
    assert_null(strstr(out.data, "# UNIT"));
    assert_null(strstr(out.data, "# EOF"));
    assert_null(strstr(out.data, "trace_id"));
}

static void what_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum openmetrics_format format;
    } cases[] = {
        {NULL,                                                                     OPENMETRICS_TEXT_0_0_4},
        {"",                                                                       OPENMETRICS_TEXT_0_0_4},
        {"*/*",                                                                    OPENMETRICS_TEXT_0_0_4},
        {"application/openmetrics-text",                                           OPENMETRICS_1_0       },
        {"Application/OpenMetrics-Text; version=1.0.0",                            OPENMETRICS_1_0       },
        {"application/openmetrics-text;q=0",                                       OPENMETRICS_TEXT_0_0_4},
        {"text/plain;version=0.0.4;q=0.5,application/openmetrics-text;q=0.4",
         OPENMETRICS_TEXT_0_0_4                                                                          },
        {"text/plain;q=0.5, application/openmetrics-text ; q=0.5",                 OPENMETRICS_1_0       },
 /* what Prometheus 2.42 sends */
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
         "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPENMETRICS_1_0       },
        {"application/openmetrics-textual",                                        OPENMETRICS_TEXT_0_0_4},
        {",,;;q=,application/openmetrics-text;q=x",                                OPENMETRICS_TEXT_0_0_4},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (openmetrics_accept(cases[i].accept) != cases[i].format) {
            fail_msg("%s", cases[i].accept);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_text),
        cmocka_unit_test(older_text),
        cmocka_unit_test(what_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
