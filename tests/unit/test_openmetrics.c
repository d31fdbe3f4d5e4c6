/* SPDX-License-Identifier: MIT */

/* OpenMetrics text: exact bytes, escapes, numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/io/openmetrics.h"

static void exact_text(void **state)
{
    (void)state;
    AUTO_BUF struct buf out;
    struct openmetrics m;
    buf_init(&out, 10000);
    openmetrics_begin(&m, &out);
    openmetrics_family(&m, "x_events", OPENMETRICS_COUNTER, "", "What \"happened\"\nhere.");
    openmetrics_sample(&m, NULL, 3);
    openmetrics_family(&m, "x_seconds", OPENMETRICS_GAUGE, "seconds", "Time.");
    openmetrics_sample(&m, METRIC_LABELS("a", "b\\c\"d\ne\xff", "f", "\xc3\xa4"), 0.25);
    openmetrics_sample(&m, METRIC_LABELS("a", ""), (double)NAN);
    openmetrics_sample(&m, METRIC_LABELS("a", "i"), (double)INFINITY);
    openmetrics_sample(&m, METRIC_LABELS("a", "j"), -(double)INFINITY);
    openmetrics_sample(&m, METRIC_LABELS("a", "k"), 1e15);
    openmetrics_sample(&m, METRIC_LABELS("a", "l"), -7);
    openmetrics_family(&m, "x_state", METRIC_STATESET, "", "S.");
    openmetrics_sample(&m, METRIC_LABELS("x_state", "open"), 1);
    openmetrics_end(&m);
    assert_string_equal(
        out.data, "# TYPE x_events counter\n"
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
                  "# EOF\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exact_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
