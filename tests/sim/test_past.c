/* SPDX-License-Identifier: MIT */
/*
 * Past, in a simulated run: at each point of it, by event and by time, the store as of then
 * is the store that there was. With operators, outages and crashes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "tests/lib/past.h"
#include "tests/lib/sim.h"

/* As it goes: at the end the folder is gone. */
#define CHECKED_EVERY 16 /* commits */
#define CHECKED_MAX   16 /* moments at once, of all so far */

struct run {
    struct past_book *book;
    int64_t n_commits;
    size_t n_checked;
};

static void on_commit(void *user, const char *path, struct wall now)
{
    struct run *run = user;
    past_book_note(run->book, path, now);
    if (++run->n_commits % CHECKED_EVERY == 0) {
        assert_string_equal(
            past_book_check(run->book, path, CHECKED_MAX, &run->n_checked), "");
    }
}

static void live_through(uint64_t seed, int n_workflows, double rate)
{
    struct run run = {.book = past_book_new()};
    const char *base = getenv("TMPDIR"); // NOLINT(concurrency-mt-unsafe)
    AUTO_FREE char *folder =
        mem_printf("%s/signalbox-past.%ld", base != NULL ? base : "/tmp", (long)getpid());
    struct sim_report report;
    sim_run(&(struct sim_options){.seed = seed,
                                  .n_workflows = n_workflows,
                                  .max_running = 6,
                                  .crash_rate = rate / 10,
                                  .operator_rate = rate,
                                  .service_rate = 0.5,
                                  .halt_rate = rate / 20,
                                  .folder = folder,
                                  .on_commit = on_commit,
                                  .user = &run},
            &report);
    past_book_free(run.book);
    assert_string_equal(report.failure, "");
    print_message("%lld commits, %zu moments compared\n", (long long)run.n_commits,
                  run.n_checked);
    assert_true(run.n_checked > 50);
}

static void the_past_is_what_was(void **state)
{
    (void)state;
    live_through(1, 8, 0);
}

static void operators_and_crashes_change_nothing(void **state)
{
    (void)state;
    live_through(2, 8, 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_past_is_what_was),
        cmocka_unit_test(operators_and_crashes_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
