/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "engine/learning/guard.h"

static const struct wall start = {1732284000000};

static void begin(struct guard *guard, enum guard_kind kind, bool is_more_better)
{
    struct guard_settings settings = guard_defaults(kind, is_more_better);
    guard_init(guard, &settings, start);
    for (int i = 0; i < 200; i++) {
        guard_before(guard, 0, kind == GUARD_SHARE ? i % 10 != 0 : 10 + i % 5);
    }
}

static struct guard_result after_runs(struct guard *guard, int n, int one_of)
{
    struct guard_result result = {.verdict = GUARD_WAITS};
    for (int i = 0; i < n; i++) {
        guard_end(guard, 0, i + 1, i % one_of != 0);
        guard_release(guard, INT64_MAX);
        result = guard_look(guard, wall_add(start, span_s(3600 * (i + 1))));
    }
    return result;
}

static void without_runs_nothing_is_said(void **state)
{
    (void)state;
    struct guard guard;
    struct guard_settings settings = guard_defaults(GUARD_SHARE, true);
    guard_init(&guard, &settings, start);
    struct guard_result result = guard_look(&guard, start);
    assert_int_equal(result.verdict, GUARD_WAITS);
    assert_true(isnan(result.effect) && isnan(result.low) && isnan(result.measured));
    result = guard_look(&guard, wall_add(start, settings.max_time));
    assert_int_equal(result.verdict, GUARD_UNCLEAR);
}

static void a_disaster_is_seen_at_once(void **state)
{
    (void)state;
    struct guard guard;
    begin(&guard, GUARD_SHARE, true);
    struct guard_result result = after_runs(&guard, 10, 1);
    assert_int_equal(result.verdict, GUARD_HARM);
    assert_int_equal(result.n_after, 10);
    assert_true(result.effect < -0.8 && result.high < 0);
    assert_true(fabs(result.expected - 0.9) < 1e-9 && result.measured < 0.01);
    char text[GUARD_TEXT_MAX];
    assert_string_equal(guard_text(&guard, &result, "completed", text),
                        "10 runs: 0 completed, 0.9 expected (-0.9, -1.2 to -0.57); harm");
    /* What was said stays, whatever comes. */
    result = guard_look(&guard, wall_add(start, span_s(1)));
    assert_int_equal(result.verdict, GUARD_HARM);
}

static void no_harm_is_kept(void **state)
{
    (void)state;
    struct guard guard;
    begin(&guard, GUARD_SHARE, true);
    struct guard_result result = after_runs(&guard, 300, 10);
    assert_int_equal(result.verdict, GUARD_KEEP);
    assert_true(guard.decided_at.ms > start.ms + 3600000);
}

/* The others got worse as well: it was not the change. */
static void others_explain_it(void **state)
{
    (void)state;
    for (int has_others = 0; has_others < 2; has_others++) {
        struct guard guard;
        begin(&guard, GUARD_SHARE, true);
        int other = guard_group(&guard, "pipeline:api");
        assert_int_equal(other, 1);
        assert_int_equal(guard_group(&guard, "pipeline:api"), 1);
        for (int i = 0; i < 400 && has_others; i++) {
            guard_before(&guard, other, i % 20 != 0);
        }
        struct guard_result result = {.verdict = GUARD_WAITS};
        for (int i = 0; i < 300 && result.verdict == GUARD_WAITS; i++) {
            for (int k = 0; k < 4 && has_others; k++) {
                guard_end(&guard, other, i * 5 + k, (i * 4 + k) % 10 >= 3);
            }
            guard_end(&guard, 0, i * 5 + 4, i % 10 >= 3);
            guard_release(&guard, INT64_MAX);
            result = guard_look(&guard, wall_add(start, span_s(600 * i)));
        }
        assert_int_equal(result.verdict, has_others ? GUARD_KEEP : GUARD_HARM);
        assert_true(result.has_others == has_others);
        assert_true(has_others ? result.shift < -0.15 : result.shift == 0);
    }
}

/* Runs that end first are short: they wait for those that began before them. */
static void runs_count_in_the_order_in_which_they_began(void **state)
{
    (void)state;
    struct guard guard;
    begin(&guard, GUARD_RATIO, false);
    guard_end(&guard, 0, 9, 1);
    guard_end(&guard, 0, 7, 2);
    guard_end(&guard, 0, 8, 3);
    guard_release(&guard, 5);
    assert_int_equal(guard.after[0].n, 0);
    guard_release(&guard, 8);
    assert_int_equal(guard.after[0].n, 1);
    assert_true(fabs(guard.after[0].sum - log(2)) < 1e-12);
    guard_release(&guard, INT64_MAX);
    assert_int_equal(guard.after[0].n, 3);
    /* One that never ends does not hold back more than there is room for. */
    for (int i = 0; i < GUARD_PENDING + 5; i++) {
        guard_end(&guard, 0, 100 + i, 1);
    }
    assert_int_equal(guard.after[0].n, 8);
    assert_int_equal(guard.n_pending, GUARD_PENDING);
}

static void no_more_groups_than_there_is_room_for(void **state)
{
    (void)state;
    struct guard guard;
    begin(&guard, GUARD_SHARE, true);
    for (int i = 1; i < GUARD_GROUPS; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        assert_int_equal(guard_group(&guard, name), i);
    }
    assert_int_equal(guard_group(&guard, "one more"), -1);
    guard_end(&guard, -1, 1, 1);
    guard_end(&guard, 0, 1, (double)NAN);
    assert_int_equal(guard.n_pending, 0);
}

static void it_is_saved_as_it_is(void **state)
{
    (void)state;
    struct guard guard, back;
    struct err err = ERR_INIT;
    begin(&guard, GUARD_RATIO, false);
    int other = guard_group(&guard, "pipeline:api");
    for (int i = 0; i < 30; i++) {
        guard_before(&guard, other, 1.0 / (i + 3));
        guard_end(&guard, i % 2 == 0 ? 0 : other, i, 7.0 / (i + 1));
    }
    guard_release(&guard, 25);
    (void)guard_look(&guard, start);
    AUTO_BUF struct buf text;
    buf_init(&text, 65536);
    guard_save(&guard, &text);
    memset(&back, 0xff, sizeof(back));
    assert_true(guard_load(&back, text.data, text.len, &err));
    AUTO_BUF struct buf again;
    buf_init(&again, 65536);
    guard_save(&back, &again);
    assert_string_equal(again.data, text.data);
    assert_memory_equal(&guard.before, &back.before,
                        sizeof(guard) - offsetof(struct guard, before));
    /* Cut anywhere it is refused, and nothing is changed. */
    for (size_t len = 0; len < text.len; len++) {
        assert_false(guard_load(&back, text.data, len, &err));
    }
    assert_false(guard_load(&back, "{}", 2, &err));
    buf_clear(&again);
    guard_save(&back, &again);
    assert_string_equal(again.data, text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_runs_nothing_is_said),
        cmocka_unit_test(a_disaster_is_seen_at_once),
        cmocka_unit_test(no_harm_is_kept),
        cmocka_unit_test(others_explain_it),
        cmocka_unit_test(runs_count_in_the_order_in_which_they_began),
        cmocka_unit_test(no_more_groups_than_there_is_room_for),
        cmocka_unit_test(it_is_saved_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
