/* SPDX-License-Identifier: MIT */

/* The rows of a waterfall: order, what is open, the critical path, bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/trace/waterfall.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct workflow_row workflow(enum workflow_state state, int64_t since)
{
    return (struct workflow_row){.id = 1,
                                 .pipeline = "p",
                                 .repo = "/r",
                                 .title = "",
                                 .submitter = "",
                                 .state = state,
                                 .iteration = 1,
                                 .created_at = {1000},
                                 .state_since = {since},
                                 .finished_at = {state_is_final(state) ? since : 0},
                                 .branch = "",
                                 .base_sha = "",
                                 .head_sha = "",
                                 .merge_sha = "",
                                 .reason = "",
                                 .service = ""};
}

static struct effect_row effect(int64_t seq, int64_t from, int64_t to)
{
    return (struct effect_row){.workflow = 1,
                               .seq = seq,
                               .kind = EFFECT_CHECK,
                               .status = to > 0 ? STATUS_PASSED : STATUS_PENDING,
                               .name = "check",
                               .asked_at = {from},
                               .started_at = {from},
                               .finished_at = {to},
                               .params = "{}",
                               .summary = "",
                               .log = "",
                               .provider = ""};
}

static struct span_row call(int number, const char *parent, int64_t from, int64_t to)
{
    struct span_row row = {.workflow = 1,
                           .kind = SPAN_CALL,
                           .name = "call",
                           .start_us = from,
                           .end_us = to,
                           .attributes = "{}",
                           .seq = number};
    (void)snprintf(row.span, sizeof(row.span), "%016d", number);
    (void)snprintf(row.parent, sizeof(row.parent), "%s", parent);
    return row;
}

/* A workflow that runs, of which nothing is stored yet. */
static void only_rows(void **state)
{
    (void)state;
    struct workflow_row row = workflow(STATE_VALIDATING, 4000);
    struct effect_row effects[] = {effect(1, 2000, 3000), effect(2, 4000, 5000),
                                   effect(3, 5000, 0)};
    struct waterfall fall =
        waterfall_build(arena, &row, effects, 3, NULL, 0, (struct wall){7000});
    static const struct {
        const char *kind;
        int depth;
        bool is_open;
    } expected[] = {
        {"workflow", 0, true },
        {"step",     1, false}, /* its state has left no span */
        {"state",    1, true },
        {"step",     2, false},
        {"step",     2, true },
    };
    assert_int_equal(fall.n, 5);
    for (size_t i = 0; i < fall.n; i++) {
        assert_string_equal(fall.rows[i].span.kind, expected[i].kind);
        assert_int_equal(fall.rows[i].depth, expected[i].depth);
        assert_int_equal(fall.rows[i].is_open, expected[i].is_open);
        assert_true(fall.rows[i].is_critical); /* one after the other */
    }
    assert_int_equal(fall.start_us, 1000000);
    assert_int_equal(fall.end_us, 7000000);
    assert_int_equal(fall.rows[4].end_us, 7000000);
}

/* The same, stored: nothing is there twice. */
static void stored_and_rows(void **state)
{
    (void)state;
    struct workflow_row row = workflow(STATE_VALIDATING, 4000);
    struct effect_row done = effect(2, 4000, 5000);
    struct span_row spans[6];
    size_t n = 0;
    spans[n++] = span_of_step(arena, &row, &done);
    spans[n++] = span_of_state(arena, &row, (struct wall){6000});
    const char *step = spans[0].span;
    spans[n++] = call(1, step, 4100000, 4900000);
    spans[n++] = call(2, step, 4100000, 4300000); /* beside it, and shorter */
    spans[n++] = call(3, "ffffffffffffffff", 5500000, 5600000); /* nobody's child */
    row.state = STATE_FAILED; /* an end that was none: it was retried */
    row.finished_at.ms = 4500;
    spans[n++] = span_of_workflow(arena, &row);
    row.state = STATE_COMPLETED;
    row.state_since = row.finished_at = (struct wall){6000};
    struct waterfall fall =
        waterfall_build(arena, &row, &done, 1, spans, n, (struct wall){99000});
    assert_int_equal(fall.n, 6);
    assert_string_equal(fall.rows[0].span.kind, "workflow");
    assert_string_equal(fall.rows[1].span.kind, "state");
    assert_string_equal(fall.rows[2].span.kind, "step");
    assert_int_equal(fall.rows[3].span.seq, 1);
    assert_int_equal(fall.rows[3].depth, 3);
    assert_true(fall.rows[3].is_critical);
    assert_int_equal(fall.rows[4].span.seq, 2);
    assert_false(fall.rows[4].is_critical);
    assert_int_equal(fall.rows[5].depth, 1);
    assert_int_equal(fall.end_us, 6000000);
}

/* Ids that lead in a circle, or to themselves, end nowhere and hang nothing. */
static void circles(void **state)
{
    (void)state;
    struct workflow_row row = workflow(STATE_COMPLETED, 9000);
    struct span_row spans[] = {call(1, "0000000000000002", 1, 2),
                               call(2, "0000000000000001", 1, 2),
                               call(3, "0000000000000003", 1, 2)};
    struct waterfall fall =
        waterfall_build(arena, &row, NULL, 0, spans, 3, (struct wall){9000});
    assert_int_equal(fall.n, 2); /* the workflow and the one that names itself */
}

static void bars(void **state)
{
    (void)state;
    int first = -1, n = -1;
    assert_true(waterfall_bar(0, 100, 0, 100, 10, &first, &n));
    assert_int_equal(first, 0);
    assert_int_equal(n, 10);
    assert_true(waterfall_bar(95, 95, 0, 100, 10, &first, &n));
    assert_int_equal(first, 9);
    assert_int_equal(n, 1);
    assert_true(waterfall_bar(100, 100, 0, 100, 10, &first, &n));
    assert_int_equal(first, 9);
    assert_true(waterfall_bar(-50, 15, 0, 100, 10, &first, &n)); /* clipped */
    assert_int_equal(first, 0);
    assert_int_equal(n, 2);
    assert_false(waterfall_bar(-50, -1, 0, 100, 10, &first, &n));
    assert_false(waterfall_bar(101, 110, 0, 100, 10, &first, &n));
    assert_false(waterfall_bar(0, 100, 0, 100, 0, &first, &n));
    assert_true(waterfall_bar(5, 5, 5, 5, 10, &first, &n));
    assert_int_equal(n, 1);
    for (int64_t from = -20; from < 120; from += 3) {
        for (int64_t to = from; to < 130; to += 7) {
            for (int cells = 1; cells < 40; cells += 4) {
                if (waterfall_bar(from, to, 0, 100, cells, &first, &n)) {
                    assert_true(first >= 0 && n >= 1 && first + n <= cells);
                }
            }
        }
    }
}

static void times(void **state)
{
    (void)state;
    char text[WATERFALL_TEXT_MAX];
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {-5,          "0us"  },
        {340,         "340us"},
        {1234,        "1.2ms"},
        {9949,        "9.9ms"},
        {9950,        "10ms" },
        {999499,      "999ms"},
        {999500,      "1.0s" },
        {4100000,     "4.1s" },
        {99949000,    "99.9s"},
        {123000000,   "2m03s"},
        {18600000000, "5h10m"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(waterfall_time(cases[i].us, text), cases[i].text);
        assert_true(strlen(text) <= 6);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(only_rows), TEST(stored_and_rows), TEST(circles), TEST(bars), TEST(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
