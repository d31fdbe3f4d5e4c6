/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "engine/workflow/merged.h"
#include "tests/lib/yard.h"

#define PIPELINE(after)                                                                  \
    "name: p\nrepository: /srv/p\nbase: main\nagent: {command: agent}\nvalidate:\n"      \
    "  - {name: unit tests, command: u}\n  - {name: lint, command: l}\n"                 \
    "  - {name: nice, command: n, allow_failure: true}\nafter_merge: " after "\n"

static int set_up(void **state)
{
    const struct control_options options = {
        .max_running = 2,
        .limits = {span_s(5), span_s(300)},
        .revert_per_hour = 1,
        .revert_per_day = 6,
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

static void answer(struct yard *f, const struct asked *asked, enum effect_status status,
                   enum blame blame, uint64_t red)
{
    struct effect_result *result = yard_result(asked, status, blame);
    result->red = (int64_t)red;
    if (asked->kind == EFFECT_MERGE) {
        result->merge_sha = mem_str("bbbb");
    } else if (asked->kind == EFFECT_WATCH) {
        result->head_sha = mem_str("bbbb");
    }
    yard_answer(f, result);
}

static void green(struct yard *f)
{
    answer(f, yard_last(f), STATUS_PASSED, BLAME_NONE, 0);
}

static void red(struct yard *f, uint64_t checks)
{
    answer(f, yard_last(f), STATUS_FAILED, BLAME_CHANGE, checks);
}

/* From submit to the look at the base. */
static void to_watch(struct yard *f, const char *pipeline)
{
    yard_submit(f, pipeline);
    for (int i = 0; i < 20 && yard_last(f)->kind != EFFECT_WATCH; i++) {
        green(f);
    }
    assert_int_equal(yard_last(f)->kind, EFFECT_WATCH);
    assert_non_null(
        strstr(yard_last(f)->params, "\"watch_checks\":\"3\"")); /* nice may fail */
}

static void expect_row(struct yard *f, int64_t id, enum workflow_state state,
                       enum workflow_wait wait, const char *reason)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    struct workflow_row row;
    assert_non_null(reader);
    assert_int_equal(reader_workflow(reader, arena, id, &row, &err), FOUND);
    assert_string_equal(state_name(row.state), state_name(state));
    assert_string_equal(wait_word(row.wait), wait_word(wait));
    if (strstr(row.reason, reason) == NULL) {
        fail_msg("'%s' is not in '%s'", reason, row.reason);
    }
    arena_free(arena);
    reader_close(reader);
}

static void expect_decision(struct yard *f, int64_t workflow, const char *choice,
                            enum decider decider, enum verdict verdict)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    const struct decision_row *rows = NULL;
    size_t n = 0;
    assert_non_null(reader);
    assert_true(reader_decisions(
        reader, arena, &(struct recovery_query){.workflow = workflow, .max = 10}, &rows,
        &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].kind, DECISION_REVERT);
    assert_string_equal(rows[0].choice, choice);
    assert_int_equal(rows[0].decider, decider);
    assert_string_equal(verdict_word(rows[0].verdict), verdict_word(verdict));
    arena_free(arena);
    reader_close(reader);
}

/* ---- */

static void culprit_red_and_parent_green_is_taken_back(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    yard_expect_event(f, "watch-begun", "'unit tests', 'lint' run once more, on main");
    red(f, 3);
    assert_int_equal(yard_last(f)->kind, EFFECT_CONFIRM);
    assert_int_equal(yard_last(f)->step, 0);
    assert_non_null(strstr(yard_last(f)->params, "\"watch_commit\":\"bbbb\""));
    assert_non_null(strstr(yard_last(f)->params, "\"watch_parent\":false"));
    red(f, 1); /* lint was a whim */
    assert_int_equal(yard_last(f)->kind, EFFECT_CONFIRM);
    assert_int_equal(yard_last(f)->step, 1);
    assert_non_null(strstr(yard_last(f)->params, "\"watch_checks\":\"1\""));
    assert_non_null(strstr(yard_last(f)->params, "\"watch_parent\":true"));
    green(f);
    yard_expect_event(
        f, "watch-confirmed",
        "the merge broke 'unit tests' on main; its parent passes; reverting");
    assert_int_equal(yard_last(f)->kind, EFFECT_REVERT);
    expect_row(f, 1, STATE_RECOVERING, WAIT_NONE, "rolled back by engine: it broke");
    expect_decision(f, 1, "revert", DECIDER_RULES, VERDICT_OPEN);
    yard_restart(f);
    green(f);
    expect_row(f, 1, STATE_ROLLED_BACK, WAIT_NONE, "");
    expect_decision(f, 1, "revert", DECIDER_RULES, VERDICT_GOOD);
}

static void a_well_base_is_left_alone(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("checks"));
    int n = f->n_asked;
    green(f);
    assert_int_equal(f->n_asked, n);
    yard_expect_event(f, "watch-passed", "main is well after the merge");
    expect_row(f, 1, STATE_COMPLETED, WAIT_NONE, "");
}

static void a_flaky_check_and_a_broken_parent_veto(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    red(f, 2);
    int n = f->n_asked;
    green(f); /* the culprit passes */
    assert_int_equal(f->n_asked, n);
    yard_expect_event(f, "watch-flaky",
                      "'lint' failed after the merge and passes on the same");
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    red(f, 2);
    red(f, 2);
    n = f->n_asked;
    red(f, 2); /* and so does its parent fail */
    assert_int_equal(f->n_asked, n);
    yard_expect_event(f, "watch-innocent",
                      "'lint' fails on the commit before the merge as well");
    expect_row(f, 1, STATE_COMPLETED, WAIT_NONE, "");
    expect_row(f, 2, STATE_COMPLETED, WAIT_NONE, "");
}

static void confirm(struct yard *f)
{
    red(f, 1);
    red(f, 1);
    green(f);
}

static void ask_waits_for_a_person(void **state)
{
    struct yard *f = *state;
    for (int64_t id = 1; id <= 2; id++) {
        to_watch(f, PIPELINE("{watch: checks}"));
        int n = f->n_asked;
        confirm(f);
        assert_int_equal(f->n_asked, n + 2);
        expect_row(f, id, STATE_COMPLETED, WAIT_REVERT, "approve to take it back");
        yard_restart(f);
        char digest[DIGEST_HEX], args[128];
        assert_true(control_digest(f->control, id, digest));
        (void)snprintf(args, sizeof(args), "{\"digest\":\"%s\"}", digest);
        yard_send(f, id == 1 ? "reject" : "approve", id,
                  id == 1 ? "{\"reason\":\"known\"}" : args);
    }
    expect_row(f, 1, STATE_COMPLETED, WAIT_NONE, "");
    assert_int_equal(yard_last(f)->kind, EFFECT_REVERT);
    green(f);
    expect_row(f, 2, STATE_ROLLED_BACK, WAIT_NONE, "");
    expect_decision(f, 1, "ask", DECIDER_RULES, VERDICT_BAD);
    expect_decision(f, 2, "ask", DECIDER_RULES, VERDICT_GOOD);
}

static void never_only_tells(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("{watch: checks, revert: never}"));
    confirm(f);
    yard_expect_event(f, "watch-confirmed", "the pipeline reverts nothing");
    expect_decision(f, 1, "keep", DECIDER_RULES, VERDICT_UNCLEAR);
    expect_row(f, 1, STATE_COMPLETED, WAIT_NONE, "");
}

static void the_cap_makes_it_ask(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    confirm(f);
    assert_int_equal(yard_last(f)->kind, EFFECT_REVERT);
    green(f);
    yard_restart(f); /* the count holds */
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    confirm(f);
    assert_int_not_equal(yard_last(f)->kind, EFFECT_REVERT);
    expect_row(f, 2, STATE_COMPLETED, WAIT_REVERT, "limit of 1 reverts an hour");
    expect_decision(f, 2, "ask", DECIDER_LIMIT, VERDICT_OPEN);
    f->now = wall_add(f->now, span_s(3601));
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    confirm(f);
    assert_int_equal(yard_last(f)->kind, EFFECT_REVERT);
}

static void a_revert_is_not_reverted(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    red(f, 1);
    red(f, 1);
    struct effect_result *result = effect_result_new(1, yard_last(f)->seq);
    result->status = STATUS_PASSED;
    result->is_revert = true;
    control_result(f->control, result, f->now);
    yard_turn(f);
    expect_row(f, 1, STATE_COMPLETED, WAIT_REVERT, "it is a revert itself");
}

static void a_look_that_says_nothing_is_repeated_once(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    answer(f, yard_last(f), STATUS_LOST, BLAME_WORLD, 0);
    assert_int_equal(yard_last(f)->kind, EFFECT_WATCH);
    assert_int_equal(yard_last(f)->attempt, 2);
    int n = f->n_asked;
    answer(f, yard_last(f), STATUS_LOST, BLAME_WORLD, 0);
    assert_int_equal(f->n_asked, n);
    yard_expect_event(f, "watch-unclear", "nobody knows whether main is well");
    expect_row(f, 1, STATE_COMPLETED, WAIT_NONE, "");
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    red(f, 1);
    answer(f, yard_last(f), STATUS_TIMED_OUT, BLAME_WORLD, 0);
    expect_row(f, 2, STATE_COMPLETED, WAIT_REVERT, "main is red after the merge");
}

/* Killed after each commit: each look is asked for again under its own number, and the
 * revert once. */
static void every_crash_in_between(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    static const enum effect_kind kinds[] = {EFFECT_WATCH, EFFECT_CONFIRM, EFFECT_CONFIRM,
                                             EFFECT_REVERT};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        int64_t seq = yard_last(f)->seq;
        yard_restart(f);
        assert_int_equal(f->n_asked, 1);
        assert_int_equal(yard_last(f)->kind, kinds[i]);
        assert_int_equal(yard_last(f)->seq, seq);
        if (i < 2) {
            red(f, 1);
        } else {
            green(f);
        }
    }
    expect_row(f, 1, STATE_ROLLED_BACK, WAIT_NONE, "");
}

static void an_operators_rollback_stops_the_look(void **state)
{
    struct yard *f = *state;
    to_watch(f, PIPELINE("{watch: checks, revert: auto}"));
    struct asked look = *yard_last(f);
    yard_send(f, "rollback", 1, "{}");
    assert_int_equal(f->n_stopped, 1);
    assert_int_equal(yard_last(f)->kind, EFFECT_REVERT);
    green(f);
    expect_row(f, 1, STATE_ROLLED_BACK, WAIT_NONE, "");
    int n = f->n_asked;
    answer(f, &look, STATUS_FAILED, BLAME_CHANGE, 1); /* late */
    assert_int_equal(f->n_asked, n);
}

/* No more looks at once than slots; the next one begins when one is over. */
static void looks_take_turns(void **state)
{
    struct yard *f = *state;
    for (int i = 0; i < 2; i++) {
        to_watch(f, PIPELINE("{watch: checks}"));
    }
    struct asked first = *yard_last(f);
    yard_submit(f, PIPELINE("{watch: checks}"));
    for (int i = 0; i < 20 && yard_last(f)->kind != EFFECT_CLEANUP; i++) {
        green(f);
    }
    int n = f->n_asked;
    green(f); /* the cleanup: its look waits */
    assert_int_equal(f->n_asked, n);
    yard_restart(f);
    assert_int_equal(f->n_asked, 2);
    f->now = wall_add(f->now, span_s(60));
    answer(f, &first, STATUS_PASSED, BLAME_NONE, 0);
    assert_int_equal(f->n_asked, 3);
    assert_int_equal(yard_last(f)->kind, EFFECT_WATCH);
    assert_int_equal(yard_last(f)->workflow, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(culprit_red_and_parent_green_is_taken_back),
        TEST(a_well_base_is_left_alone),
        TEST(a_flaky_check_and_a_broken_parent_veto),
        TEST(ask_waits_for_a_person),
        TEST(never_only_tells),
        TEST(the_cap_makes_it_ask),
        TEST(a_revert_is_not_reverted),
        TEST(a_look_that_says_nothing_is_repeated_once),
        TEST(every_crash_in_between),
        TEST(an_operators_rollback_stops_the_look),
        TEST(looks_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
