/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <utime.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/stall.h"
#include "tests/lib/flow.h"

/* ---- the judge alone: time and figures come in ---- */

#define T(s) ((struct wall){INT64_C(1767225600000) + (s)*1000})

struct place {
    char *folder, *tree;
};

/* Folders were changed long ago. */
static void calm(const struct place *place)
{
    struct utimbuf times = {T(-50).ms / 1000, T(-50).ms / 1000};
    AUTO_FREE char *a = file_join(place->tree, "a");
    AUTO_FREE char *b = file_join(place->tree, "a/b");
    assert_int_equal(utime(b, &times), 0);
    assert_int_equal(utime(a, &times), 0);
}

static int set_up(void **state)
{
    struct place *place = mem_alloc(sizeof(*place));
    char name[] = "/tmp/signalbox-test.XXXXXX";
    struct err err = ERR_INIT;
    assert_non_null(mkdtemp(name));
    place->folder = mem_str(name);
    place->tree = file_join(name, "tree");
    AUTO_FREE char *deep = file_join(place->tree, "a/b");
    assert_true(file_make_dirs(deep, &err));
    calm(place);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    (void)file_remove_tree(place->folder, &err);
    free(place->folder);
    free(place->tree);
    free(place);
    return 0;
}

static void touch(const struct place *place, const char *name, struct wall at)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(place->tree, name);
    assert_true(file_write(path, "x", 1, &err));
    struct utimbuf times = {at.ms / 1000, at.ms / 1000};
    assert_int_equal(utime(path, &times), 0);
    calm(place);
}

static void no_sign_is_a_stall(void **state)
{
    struct place *place = *state;
    struct stall stall;
    stall_init(&stall, place->folder, place->tree, span_s(600), T(0));
    touch(place, "old", T(-50));
    for (int s = 5; s < 600; s += 5) {
        assert_true(stall_look(&stall, 0, s > 300 ? 10 : 0, T(s))); /* timers only */
    }
    assert_int_equal(progress_state(&stall.progress, T(30)), WORKER_STARTING);
    assert_int_equal(progress_state(&stall.progress, T(100)), WORKER_WORKING);
    assert_int_equal(progress_state(&stall.progress, T(590)), WORKER_STALLED);
    assert_false(stall_look(&stall, 0, 20, T(600)));
}

static void every_kind_of_sign_counts(void **state)
{
    struct place *place = *state;
    struct stall stall;
    struct progress read;
    char text[PROGRESS_TEXT_MAX];
    stall_init(&stall, place->folder, place->tree, span_s(600), T(0));
    assert_true(stall_look(&stall, 1, 0, T(500)));     /* output */
    assert_true(stall_look(&stall, 1, 5000, T(1000))); /* cpu */
    touch(place, "a/b/deep", T(1590));                 /* a file, far down */
    assert_true(stall_look(&stall, 1, 5000, T(1601)));
    assert_true(stall_look(&stall, 1, 5000, T(2189)));
    assert_false(stall_look(&stall, 1, 5000, T(2191)));
    assert_true(progress_read(place->folder, &read));
    assert_int_equal(read.file_at.ms, T(1590).ms);
    assert_int_equal(read.output_at.ms, T(500).ms);
    assert_string_equal(
        progress_text(&read, T(1600), text),
        "working: output 18m ago, files 10s ago, cpu 10m ago; ended after 10m");
}

static void without_a_limit_it_is_only_watched(void **state)
{
    struct place *place = *state;
    struct stall stall;
    stall_init(&stall, place->folder, place->tree, (struct span){0}, T(0));
    assert_true(stall_look(&stall, 0, 0, T(86400)));
    assert_int_equal(progress_state(&stall.progress, T(86400)), WORKER_STALLED);
}

/* ---- real agents ---- */

static void run_agent(const char *text, struct span stall, enum effect_status status,
                      const char *summary)
{
    struct flow flow;
    flow_init(&flow, 1);
    flow_pass(&flow, EFFECT_WORKSPACE);
    struct order *order = flow_order(&flow, EFFECT_CODE);
    lab_command(order, text);
    order->stall = stall;
    struct effect_result *result = lab_run(order);
    flow_check(result, status, status == STATUS_PASSED ? BLAME_NONE : BLAME_WORLD);
    assert_string_equal(result->summary, summary);
    AUTO_FREE char *left = lab_sh(&flow_lab, order->workflow_folder, "cat tree/left");
    assert_string_equal(left, "work");
    effect_result_free(result);
    order_free(order);
    flow_fini(&flow);
}

static void an_agent_that_hangs_is_ended_and_its_work_stays(void **state)
{
    (void)state;
    run_agent("echo work > left; sleep 30", (struct span){1000}, STATUS_TIMED_OUT,
              "stalled: no output, no file change, no cpu for 1s");
}

static void one_that_works_in_silence_is_not(void **state)
{
    (void)state;
    run_agent("echo work > left; end=$(($(date +%s) + 3));"
              "while [ $(date +%s) -lt $end ]; do :; done",
              (struct span){1000}, STATUS_PASSED, "code passed");
    run_agent("echo work > left; for i in 1 2 3 4 5 6; do sleep 0.4; echo $i > f$i; done",
              (struct span){1500}, STATUS_PASSED, "code passed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(no_sign_is_a_stall),
        TEST(every_kind_of_sign_counts),
        TEST(without_a_limit_it_is_only_watched),
        FLOW_TEST(an_agent_that_hangs_is_ended_and_its_work_stays),
        FLOW_TEST(one_that_works_in_silence_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
