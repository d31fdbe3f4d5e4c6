/* SPDX-License-Identifier: MIT */

/*
 * Each of the four services is down for ten minutes while 200 workflows need it: nothing
 * fails, hardly a call reaches it, and when it is back all go on and are completed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <inttypes.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "tests/lib/outage.h"

#define N 200

static struct outage_report run(enum outage_service down, enum model_fault fault,
                                struct span crash_every, bool has_backups)
{
    static const char *const names[] = {"codegen_api", "github_api", "grainchain",
                                        "web_eval_agent", "none"};
    const char *base = getenv("TMPDIR");
    char *folder = mem_printf("%s/signalbox-outage.%ld", base != NULL ? base : "/tmp",
                              (long)getpid());
    const struct outage_options options = {.folder = folder,
                                           .n_workflows = N,
                                           .max_running = 50,
                                           .down = down,
                                           .begin = {6 * 60000},
                                           .length = {10 * 60000},
                                           .fault = fault,
                                           .crash_every = crash_every,
                                           .seed = 1,
                                           .has_backups = has_backups};
    struct outage_report report;
    outage_run(&options, &report);
    free(folder);
    print_message("%s: %" PRId64 " completed, %" PRId64 " failed, %" PRId64
                  " retries, %" PRId64 " waited at once; while down %" PRId64
                  " calls (%" PRId64 " probes), opened %" PRId64 ", half-open %" PRId64
                  ", repeats %" PRId64 "; twice %" PRId64 ", fallback %" PRId64
                  ", degraded %" PRId64 ", crashes %" PRId64 "; busiest second %" PRId64
                  ", all took %" PRId64 " min %s\n",
                  names[down], report.n_completed, report.n_failed, report.n_retries,
                  report.n_parked_peak, report.n_down, report.n_down_probes,
                  report.n_opened, report.n_half_open, report.n_repeats, report.n_twice,
                  report.n_fallback, report.n_degraded, report.n_crashes,
                  report.peak_second, report.took.ms / 60000, report.failure);
    return report;
}

static void check_end(const struct outage_report *report)
{
    assert_string_equal(report->failure, "");
    assert_int_equal(report->n_completed, N);
    assert_int_equal(report->n_failed, 0);
    assert_int_equal(report->n_twice, 0);
}

/* A call reaches the service while it is down only if it was let go before anybody could
 * know (the places of the bulkhead, 16), as a repetition within the budget, as a probe, or
 * as the one trial of a half-open. */
static void check_few_calls(const struct outage_report *report)
{
    assert_true(report->n_opened > 0);
    assert_true(report->n_down <=
                16 + report->n_repeats + report->n_down_probes + report->n_half_open);
    assert_true(report->n_down <= 60);
    assert_true(report->peak_second <= 50); /* and nobody rushes in when it is back */
}

static void without_outage(void **state)
{
    (void)state;
    struct outage_report report =
        run(OUTAGE_NONE, MODEL_UNREACHED, (struct span){0}, false);
    check_end(&report);
    assert_int_equal(report.n_retries, 0);
}

static void codegen_is_away(void **state)
{
    (void)state;
    struct outage_report report =
        run(OUTAGE_CODEGEN, MODEL_UNREACHED, (struct span){0}, false);
    check_end(&report);
    check_few_calls(&report);
    assert_int_equal(report.n_retries, 0);
    assert_true(report.n_parked_peak > 0);
}

static void github_is_away(void **state)
{
    (void)state;
    struct outage_report report =
        run(OUTAGE_GITHUB, MODEL_ANSWERS_503, (struct span){0}, false);
    check_end(&report);
    check_few_calls(&report);
    assert_int_equal(report.n_retries, 0);
}

static void grainchain_is_away(void **state)
{
    (void)state;
    struct outage_report report =
        run(OUTAGE_GRAINCHAIN, MODEL_UNREACHED, (struct span){0}, false);
    check_end(&report);
    check_few_calls(&report);
}

static void web_eval_is_away(void **state)
{
    (void)state;
    struct outage_report report =
        run(OUTAGE_WEB_EVAL, MODEL_UNREACHED, (struct span){0}, false);
    check_end(&report);
    check_few_calls(&report);
    assert_true(report.n_degraded > 0);
}

static void it_hangs_or_loses_answers(void **state)
{
    (void)state;
    struct outage_report report =
        run(OUTAGE_CODEGEN, MODEL_HANGS, (struct span){0}, false);
    check_end(&report);
    check_few_calls(&report);
    report = run(OUTAGE_GITHUB, MODEL_LOSES, (struct span){0}, false);
    check_end(&report);
    check_few_calls(&report);
}

static void the_engine_crashes_meanwhile(void **state)
{
    (void)state;
    struct outage_report report =
        run(OUTAGE_GITHUB, MODEL_LOSES, (struct span){97000}, false);
    check_end(&report);
    assert_true(report.n_crashes > 5);
    report = run(OUTAGE_CODEGEN, MODEL_HANGS, (struct span){61000}, false);
    check_end(&report);
}

static void backups_stand_in(void **state)
{
    (void)state;
    struct outage_report report =
        run(OUTAGE_CODEGEN, MODEL_UNREACHED, (struct span){0}, true);
    check_end(&report);
    check_few_calls(&report);
    assert_true(report.n_fallback > 0);
    report = run(OUTAGE_GRAINCHAIN, MODEL_UNREACHED, (struct span){0}, true);
    check_end(&report);
    assert_true(report.n_fallback > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_outage),
        cmocka_unit_test(codegen_is_away),
        cmocka_unit_test(github_is_away),
        cmocka_unit_test(grainchain_is_away),
        cmocka_unit_test(web_eval_is_away),
        cmocka_unit_test(it_hangs_or_loses_answers),
        cmocka_unit_test(the_engine_crashes_meanwhile),
        cmocka_unit_test(backups_stand_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
