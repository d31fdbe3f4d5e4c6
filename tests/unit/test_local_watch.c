/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/lib/flow.h"

static void add_step(struct order *order, const char *name, const char *text)
{
    struct order_watch *watch = &order->watch;
    watch->steps = mem_grow(watch->steps, watch->n_steps + 1, sizeof(*watch->steps));
    struct command_spec *step = &watch->steps[watch->n_steps++];
    *step = (struct command_spec){.name = mem_str(name), .text = mem_str(text)};
    step->argv = mem_array(4, sizeof(char *));
    step->argv[0] = mem_str("/bin/sh");
    step->argv[1] = mem_str("-c");
    step->argv[2] = mem_str(text);
}

#define SUM "! test -e x" /* the base is well without it */

/* Setup, then the second and the third check of a pipeline of three. */
static struct order *look(struct flow *flow, enum effect_kind kind, bool is_parent,
                          const char *setup)
{
    struct order *order = flow_order(flow, kind);
    if (setup != NULL) {
        add_step(order, "deps", setup);
        order->watch.n_setup = 1;
    }
    add_step(order, "unit tests", SUM);
    add_step(order, "lint", "echo linted; true");
    order->watch.numbers[0] = 1;
    order->watch.numbers[1] = 2;
    order->watch.checks = 6;
    lab_set(&order->watch.commit, kind == EFFECT_CONFIRM ? flow->merge_sha : "");
    order->watch.is_parent = is_parent;
    return order;
}

static void expect(struct order *order, enum effect_status status, int64_t red,
                   const char *words)
{
    struct effect_result *result = lab_run(order);
    flow_check(result, status, status == STATUS_FAILED ? BLAME_CHANGE : BLAME_NONE);
    assert_int_equal(result->red, red);
    if (strstr(result->summary, words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, result->summary);
    }
    AUTO_FREE char *copy = file_join(order->workflow_folder, "watch");
    assert_false(file_exists(copy));
    effect_result_free(result);
    order_free(order);
}

static void to_merge(struct flow *flow, int64_t id, const char *edits)
{
    flow_to_pull(flow, id, edits);
    flow_pass(flow, EFFECT_MERGE);
    flow_pass(flow, EFFECT_CLEANUP);
}

static void test_culprit_is_red_and_its_parent_is_green(void **state)
{
    (void)state;
    for (int id = 1; id <= 2; id++) { /* a merge commit, and a squash */
        struct flow flow;
        flow_to_pull(&flow, id, "echo one > x");
        flow.method = id == 1 ? METHOD_MERGE : METHOD_SQUASH;
        flow_pass(&flow, EFFECT_MERGE);
        flow_pass(&flow, EFFECT_CLEANUP);
        expect(look(&flow, EFFECT_WATCH, false, NULL), STATUS_FAILED, 2,
               "unit tests failed with exit status 1 on main");
        expect(look(&flow, EFFECT_CONFIRM, false, NULL), STATUS_FAILED, 2,
               "on the merge");
        expect(look(&flow, EFFECT_CONFIRM, true, NULL), STATUS_PASSED, 0,
               "2 checks pass on the commit before the merge");
        flow_pass(&flow, EFFECT_REVERT);
        expect(look(&flow, EFFECT_WATCH, false, NULL), STATUS_PASSED, 0,
               "2 checks pass on main");
        flow_fini(&flow);
    }
}

static void test_a_base_that_moved_on(void **state)
{
    (void)state;
    struct flow flow;
    to_merge(&flow, 1, "echo y > y");
    LAB_SH(&flow_lab, "echo one > x; git add x; git commit -q -m later");
    expect(look(&flow, EFFECT_WATCH, false, NULL), STATUS_FAILED, 2, "on main");
    expect(look(&flow, EFFECT_CONFIRM, false, NULL), STATUS_PASSED, 0, "on the merge");
    flow_fini(&flow);
}

static void test_setup_that_fails_makes_every_check_red(void **state)
{
    (void)state;
    struct flow flow;
    to_merge(&flow, 1, "echo one > x");
    expect(look(&flow, EFFECT_WATCH, false, "! test -e x"), STATUS_FAILED, 6,
           "deps failed");
    expect(look(&flow, EFFECT_CONFIRM, true, "! test -e x"), STATUS_PASSED, 0, "pass");
    flow_fini(&flow);
}

static void test_what_says_nothing(void **state)
{
    (void)state;
    struct flow flow;
    to_merge(&flow, 1, "echo one > x");
    struct order *order = look(&flow, EFFECT_WATCH, false, "sleep 30");
    order->deadline_at = wall_add(wall_now(), (struct span){300});
    struct effect_result *result = lab_run(order);
    flow_check(result, STATUS_TIMED_OUT, BLAME_WORLD);
    assert_int_equal(result->red, 0);
    effect_result_free(result);
    order_free(order);
    order = look(&flow, EFFECT_CONFIRM, false, "no-such-program-here");
    result = lab_run(order);
    flow_check(result, STATUS_REFUSED, BLAME_SETUP);
    effect_result_free(result);
    order_free(order);
    order = look(&flow, EFFECT_CONFIRM, false, NULL);
    lab_set(&order->watch.commit, "1234567890123456789012345678901234567890");
    result = lab_run(order);
    flow_check(result, STATUS_FAILED, BLAME_WORLD);
    effect_result_free(result);
    order_free(order);
    flow_fini(&flow);
}

static void test_a_revert_is_seen(void **state)
{
    (void)state;
    struct flow flow;
    LAB_SH(&flow_lab, "echo one > x; git add x; git commit -q -m 'Add x'");
    flow_to_pull(&flow, 1,
                 "git revert --no-edit HEAD -q 2>/dev/null || git revert --no-edit "
                 "HEAD; echo more > y");
    flow_pass(&flow, EFFECT_MERGE);
    struct order *order = look(&flow, EFFECT_CONFIRM, true, NULL);
    struct effect_result *result = lab_run(order);
    assert_true(result->is_revert);
    effect_result_free(result);
    order_free(order);
    flow_fini(&flow);
    to_merge(&flow, 2, "echo more > z");
    order = look(&flow, EFFECT_CONFIRM, true, NULL);
    result = lab_run(order);
    assert_false(result->is_revert);
    effect_result_free(result);
    order_free(order);
    flow_fini(&flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(test_culprit_is_red_and_its_parent_is_green),
        FLOW_TEST(test_a_base_that_moved_on),
        FLOW_TEST(test_setup_that_fails_makes_every_check_red),
        FLOW_TEST(test_what_says_nothing),
        FLOW_TEST(test_a_revert_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
