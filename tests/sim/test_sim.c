/* SPDX-License-Identifier: MIT */

/*
 * Deterministic simulation. Without arguments (as a test): a few seeds, small. By hand:
 *   test_sim --seed 7 --workflows 10000 --crash 0.01 --operator 0.1 --service 0.5 --print
 * replays one seed; a failing test prints the line to use. `make sim` runs SIM_SEEDS
 * seeds.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <inttypes.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "store/model.h"
#include "tests/lib/flavour.h"
#include "tests/lib/sim.h"

static char *scratch(void)
{
    const char *base = getenv("TMPDIR");
    return mem_printf("%s/signalbox-sim.%ld", base != NULL ? base : "/tmp",
                      (long)getpid());
}

static void run(struct sim_options options, struct sim_report *report)
{
    AUTO_FREE char *folder = scratch();
    options.folder = folder;
    sim_run(&options, report);
    if (report->failure[0] != '\0') {
        print_error(
            "seed %" PRIu64 ": %s\nreplay: test_sim --seed %" PRIu64
            " --workflows %d --crash %g --operator %g --service %g --halt %g --print\n",
            options.seed, report->failure, options.seed, options.n_workflows,
            options.crash_rate, options.operator_rate, options.service_rate,
            options.halt_rate);
    }
}

static void every_workflow_ends(void **state)
{
    (void)state;
    struct sim_report report;
    run((struct sim_options){.seed = 1, .n_workflows = 200, .max_running = 20}, &report);
    assert_string_equal(report.failure, "");
    assert_true(report.n_by_state[STATE_COMPLETED] > 100);
    assert_true(report.n_bad > 5 && report.n_beside > 20);
    assert_true(report.n_confirmed * 10 > report.n_bad * 8); /* some looks say nothing */
    assert_true(report.n_taken_back > 3 && report.n_taken_back <= report.n_confirmed);
}

static void operators_and_crashes_break_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 2; seed < FEWER(8, 3); seed++) {
        struct sim_report report;
        run((struct sim_options){.seed = seed,
                                 .n_workflows = FEWER(150, 60),
                                 .max_running = 10,
                                 .crash_rate = 0.05,
                                 .operator_rate = 0.5},
            &report);
        assert_string_equal(report.failure, "");
        assert_true(report.n_crashes > 10);
    }
}

/* Services come and go: all complete, and nobody asks a closed door again and again. */
static void outages_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = FEWER(1, 3); seed < 4; seed++) {
        struct sim_report report;
        run((struct sim_options){.seed = seed,
                                 .n_workflows = 150,
                                 .max_running = 20,
                                 .crash_rate = 0.02 * (double)(seed - 1),
                                 .service_rate = 0.8},
            &report);
        assert_string_equal(report.failure, "");
        assert_true(report.n_outages > 3);
        assert_true(report.n_deferrals > 20);
        assert_true(report.n_deferrals < 150 * 40);
        assert_true(report.n_degraded > 0);
    }
}

static void operators_crashes_and_outages(void **state)
{
    (void)state;
    for (uint64_t seed = 10; seed < FEWER(12, 11); seed++) {
        struct sim_report report;
        run((struct sim_options){.seed = seed,
                                 .n_workflows = FEWER(150, 60),
                                 .max_running = 10,
                                 .crash_rate = 0.05,
                                 .operator_rate = 0.5,
                                 .service_rate = 0.6},
            &report);
        assert_string_equal(report.failure, "");
        assert_true(report.n_deferrals > 20);
    }
}

/* Halted at random moments, also while it crashes: nothing leaves, nothing is repeated, and all
 * complete after the release. */
static void halts_lose_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = FEWER(20, 22); seed < FEWER(24, 23); seed++) {
        struct sim_report report;
        run((struct sim_options){.seed = seed,
                                 .n_workflows = FEWER(150, 60),
                                 .max_running = 10,
                                 .crash_rate = seed % 2 == 0 ? 0.05 : 0,
                                 .operator_rate = seed > 21 ? 0.3 : 0,
                                 .service_rate = 0.4,
                                 .halt_rate = 0.05},
            &report);
        assert_string_equal(report.failure, "");
        assert_true(report.n_halts > 10);
        assert_true(report.n_by_state[STATE_COMPLETED] > FEWER(50, 20));
    }
}

static void same_seed_same_log(void **state)
{
    (void)state;
    struct sim_report first, second, other;
    struct sim_options options = {.seed = 42,
                                  .n_workflows = FEWER(100, 40),
                                  .max_running = 8,
                                  .crash_rate = 0.03,
                                  .operator_rate = 0.3,
                                  .service_rate = 0.5};
    run(options, &first);
    run(options, &second);
    options.seed = 43;
    run(options, &other);
    assert_string_equal(first.failure, "");
    assert_int_equal(first.n_events, second.n_events);
    assert_true(first.log_hash == second.log_hash);
    assert_true(first.log_hash != other.log_hash);
}

static int replay(int argc, char **argv)
{
    struct sim_options options = {.seed = 1, .n_workflows = 10000, .max_running = 50};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "0";
        if (strcmp(argv[i], "--seed") == 0) {
            options.seed = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--workflows") == 0) {
            options.n_workflows = (int)strtol(value, NULL, 10);
        } else if (strcmp(argv[i], "--running") == 0) {
            options.max_running = (int)strtol(value, NULL, 10);
        } else if (strcmp(argv[i], "--crash") == 0) {
            options.crash_rate = strtod(value, NULL);
        } else if (strcmp(argv[i], "--operator") == 0) {
            options.operator_rate = strtod(value, NULL);
        } else if (strcmp(argv[i], "--service") == 0) {
            options.service_rate = strtod(value, NULL);
        } else if (strcmp(argv[i], "--halt") == 0) {
            options.halt_rate = strtod(value, NULL);
        } else if (strcmp(argv[i], "--print") == 0) {
            options.is_verbose = true;
        }
    }
    struct sim_report report;
    struct mono begin = mono_now();
    run(options, &report);
    double seconds = (double)(mono_now().ns - begin.ns) / 1e9;
    (void)fprintf(stderr,
                  "seed %" PRIu64 ": %d workflows, %" PRId64 " events, %" PRId64
                  " batches, %" PRId64 " crashes, %" PRId64 " commands, %" PRId64
                  " agent starts, %" PRId64 " merges, %" PRId64 " deferrals in %" PRId64
                  " outages, %" PRId64 " degraded, %" PRId64 " broke the base, %" PRId64
                  " found, %" PRId64
                  " taken back, %.1f virtual days, %.1f s, log %016" PRIx64 "\n",
                  options.seed, options.n_workflows, report.n_events, report.n_batches,
                  report.n_crashes, report.n_commands, report.n_agent_starts,
                  report.n_merges, report.n_deferrals, report.n_outages,
                  report.n_degraded, report.n_bad, report.n_confirmed,
                  report.n_taken_back, report.virtual_days, seconds, report.log_hash);
    for (int s = 0; s < STATE_COUNT; s++) {
        if (report.n_by_state[s] > 0) {
            (void)fprintf(stderr, "  %-12s %" PRId64 "\n",
                          state_name((enum workflow_state)s), report.n_by_state[s]);
        }
    }
    return report.failure[0] == '\0' ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return replay(argc, argv);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_workflow_ends),
        cmocka_unit_test(operators_and_crashes_break_nothing),
        cmocka_unit_test(outages_lose_nothing),
        cmocka_unit_test(operators_crashes_and_outages),
        cmocka_unit_test(halts_lose_nothing),
        cmocka_unit_test(same_seed_same_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
