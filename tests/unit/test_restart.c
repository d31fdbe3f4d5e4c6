/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/control/control_private.h"
#include "tests/lib/flow.h"
#include "tests/lib/yard.h"

static char name[] = "agents";
static const struct service_spec services[] = {
    {.name = name, .kind = SERVICE_CODEGEN}
};

static const char pipeline[] =
    "name: p\nrepository: /srv/p\nbase: main\nagent: {command: agent}\nvalidate: []\n"
    "merge: {mode: never}\nbudget: {attempts: 5, wall: 8h}\n";

static int set_up(void **state)
{
    const struct control_options options = {
        .max_running = 5,
        .limits = {span_s(5), span_s(300)},
        .services = services,
        .n_services = 1,
        .seed = 1,
    };
    *state = yard_new(&options);
    return 0;
}

static int tear_down(void **state)
{
    yard_free(*state);
    return 0;
}

/* Of the newest effect; it took so long. */
static void answer(struct yard *f, enum effect_status status, enum blame blame,
                   struct span took)
{
    struct effect_result *result = yard_result(yard_last(f), status, blame);
    result->started_at = f->now;
    f->now = wall_add(f->now, took);
    result->finished_at = f->now;
    yard_answer(f, result);
}

/* ---- beside a workflow ---- */

static void it_stands_beside_one_with_nothing_in_flight(void **state)
{
    struct yard *f = *state;
    assert_false(restart_begin(f->control, name, f->now)); /* there is none */
    yard_submit(f, pipeline);
    assert_false(
        restart_begin(f->control, name, f->now));     /* its own effect would be lost */
    answer(f, STATUS_FAILED, BLAME_WORLD, span_s(1)); /* now it waits */
    int n = f->n_asked;
    assert_true(restart_begin(f->control, name, f->now));
    yard_turn(f);
    assert_int_equal(f->n_asked, n + 1);
    assert_int_equal(yard_last(f)->kind, EFFECT_RESTART);
    assert_string_equal(yard_last(f)->params, "{\"service\":\"agents\"}");
    yard_restart(f); /* killed: asked for again under the same number */
    assert_int_equal(f->n_asked, 1);
    assert_int_equal(yard_last(f)->kind, EFFECT_RESTART);
    answer(f, STATUS_PASSED, BLAME_NONE, span_s(1));
    yard_expect_event(f, "restart-begun", "the restart command of agents runs");
    yard_expect_event(f, "restart-passed", "agents: fine");
}

static void a_failure_is_told(void **state)
{
    struct yard *f = *state;
    yard_submit(f, pipeline);
    answer(f, STATUS_FAILED, BLAME_WORLD, span_s(1));
    assert_true(restart_begin(f->control, name, f->now));
    yard_turn(f);
    answer(f, STATUS_FAILED, BLAME_WORLD, span_s(1));
    yard_expect_event(f, "restart-failed", "agents: broken");
}

/* ---- the runner ---- */

static void run(int64_t id, const char *text, enum effect_status status,
                const char *summary)
{
    struct flow flow;
    flow_init(&flow, id);
    struct order *order = flow_order(&flow, EFFECT_RESTART);
    lab_command(order, text);
    struct effect_result *result = lab_run(order);
    flow_check(result, status, status == STATUS_PASSED ? BLAME_NONE : BLAME_WORLD);
    assert_string_equal(result->summary, summary);
    effect_result_free(result);
    order_free(order);
    flow_fini(&flow);
}

static void the_command_has_the_operators_environment(void **state)
{
    (void)state;
    run(1, "test -n \"$HOME\" && test -n \"$PATH\"", STATUS_PASSED, "restart passed");
    run(2, "exit 3", STATUS_FAILED, "restart failed with exit status 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(it_stands_beside_one_with_nothing_in_flight),
        TEST(a_failure_is_told),
        FLOW_TEST(the_command_has_the_operators_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
