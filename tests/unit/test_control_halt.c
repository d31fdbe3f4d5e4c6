/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "store/approval.h"

#define NOW ((struct wall){1767225600000})

static const char text[] =
    "name: p\nrepository: /srv/p\nbase: main\n"
    "agent: {command: agent, timeout: 10m}\nvalidate: []\nmerge: {mode: ask}\n"
    "limits: {coding: 30m}\nbudget: {wall: 2h}\n";

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct control *control;
    struct wall now;
    int n_performed, n_stopped;
    int64_t last_workflow, last_seq;
    enum effect_kind last_kind;
    struct wall last_deadline;
    int n_halts, n_releases; /* told to the outlet */
    int n_orders;
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct fixture *f = self;
    f->n_performed++;
    f->last_workflow = effect->workflow;
    f->last_seq = effect->seq;
    f->last_kind = effect->kind;
    f->last_deadline = effect->deadline_at;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct fixture *f = self;
    (void)workflow;
    (void)seq;
    f->n_stopped++;
}

static void on_halt(void *self, bool is_on)
{
    struct fixture *f = self;
    f->n_halts += is_on;
    f->n_releases += !is_on;
}

static void open_control(struct fixture *f, int max_running)
{
    struct err err = ERR_INIT;
    f->store = store_open(f->path, STORE_OFF, &err);
    assert_non_null(f->store);
    struct control_options options = {
        .max_running = max_running,
        .limits = {span_s(5), span_s(300)    },
        .seed = 1,
        .outlet = {.self = f, .halt = on_halt},
    };
    f->control = control_new(&options, f->store);
    assert_true(control_load(f->control, f->now, &err));
}

static void close_control(struct fixture *f)
{
    control_free(f->control);
    store_close(f->store);
}

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof(*f));
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = file_join(f->folder, "s.db");
    f->now = NOW;
    open_control(f, 2);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    close_control(f);
    (void)file_remove_tree(f->folder, &err);
    free(f->path);
    free(f);
    return 0;
}

static void turn(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct executor executor = {f, on_perform, on_stop};
    assert_true(control_commands(f->control, 100, f->now, &err) >= 0);
    control_tick(f->control, f->now);
    assert_true(control_commit(f->control, &executor, &err));
}

static int64_t send(struct fixture *f, const char *verb, int64_t workflow,
                    const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = f->now,
                              .actor = "ops",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    int64_t id = command_send(f->path, &row, &err);
    assert_true(id > 0);
    return id;
}

static int64_t submit(struct fixture *f, int priority)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4096);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "p");
    jsonw_str(&w, "text", text);
    jsonw_str(&w, "task", "\n  do \x1b[31mit\nnow");
    jsonw_int(&w, "priority", priority);
    jsonw_close(&w, '}');
    return send(f, "submit", 0, args.data);
}

static void expect_answer(struct fixture *f, int64_t id, int answer, const char *part)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    struct command_row row;
    assert_non_null(reader);
    assert_int_equal(reader_command(reader, arena, id, &row, &err), FOUND);
    if (row.answer != answer || strstr(row.message, part) == NULL) {
        fail_msg("answer %d '%s', expected %d '%s'", row.answer, row.message, answer,
                 part);
    }
    arena_free(arena);
    reader_close(reader);
}

static struct workflow_row look(struct fixture *f, struct arena *arena, int64_t id)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct workflow_row row = {0};
    assert_non_null(reader);
    assert_int_equal(reader_workflow(reader, arena, id, &row, &err), FOUND);
    reader_close(reader);
    return row;
}

static void pass(struct fixture *f)
{
    struct effect_result *result = effect_result_new(f->last_workflow, f->last_seq);
    result->status = STATUS_PASSED;
    result->head_sha = mem_str("h1");
    result->pr_number = 4;
    if (f->last_kind == EFFECT_MERGE) {
        result->merge_sha = mem_str("m1");
    }
    control_result(f->control, result, f->now);
    turn(f);
}

static const char *halt_setting(struct fixture *f, struct arena *arena)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    assert_non_null(reader);
    const char *value = reader_setting(reader, arena, HALT_SETTING);
    reader_close(reader);
    return value;
}

static void later(struct fixture *f, int64_t seconds)
{
    f->now = wall_add(f->now, span_s(seconds));
}

static void nothing_leaves_until_the_release(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    (void)submit(f, 5);
    turn(f);
    assert_int_equal(f->n_performed, 1);
    int64_t id = send(f, "halt", 0, "{\"reason\":\"look at \\u001b[31mthis\"}");
    turn(f);
    expect_answer(f, id, 0, "nothing begins or goes on");
    assert_int_equal(f->n_halts, 1);
    assert_true(control_is_halted(f->control));
    assert_non_null(strstr(halt_setting(f, arena), "\"by\":\"ops\""));
    assert_non_null(strstr(halt_setting(f, arena), "\"reason\":\"look at this\""));

    pass(f); /* the worktree is made: the agent would be next */
    struct workflow_row row = look(f, arena, 1);
    assert_int_equal(row.effect_seq, 2);
    assert_true(control_is_pending(f->control, 1, 2));
    (void)submit(f, 9); /* and nobody new begins */
    later(f, 86400);
    turn(f);
    assert_int_equal(f->n_performed, 1);
    assert_int_equal(look(f, arena, 2).wait, WAIT_SLOT);
    assert_int_equal(f->n_releases, 0);

    id = send(f, "release", 0, "{}");
    turn(f);
    expect_answer(f, id, 0, "released after 1d");
    assert_int_equal(f->n_releases, 1);
    assert_int_equal(f->n_performed, 3); /* the agent, and the one that waited */
    assert_string_equal(halt_setting(f, arena), "");
    id = send(f, "release", 0, "{}");
    turn(f);
    expect_answer(f, id, 1, "nothing is halted");
    arena_free(arena);
}

static void the_clock_stands(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    (void)submit(f, 5);
    turn(f);
    pass(f); /* the agent runs */
    struct wall before = f->last_deadline;
    struct workflow_row was = look(f, arena, 1);
    assert_true(wall_is_set(was.deadline_at));
    later(f, 60);
    (void)send(f, "halt", 0, "{}");
    turn(f);
    assert_false(wall_is_set(control_wake_at(f->control)));
    later(f, 7200); /* far beyond the deadline of the state and the budget */
    turn(f);
    assert_int_equal(look(f, arena, 1).state, STATE_CODING);
    (void)send(f, "release", 0, "{}");
    turn(f);
    struct workflow_row row = look(f, arena, 1);
    assert_int_equal(row.state, STATE_CODING);
    assert_int_equal(row.deadline_at.ms - was.deadline_at.ms, 7200 * 1000);
    assert_int_equal(row.granted_wall.ms, 7200 * 1000);

    /* the same over a restart, for the effect */
    close_control(f);
    open_control(f, 2);
    turn(f);
    assert_int_equal(f->last_deadline.ms - before.ms, 7200 * 1000);
    later(f, 1800); /* and now it does run out */
    turn(f);
    assert_int_not_equal(look(f, arena, 1).state, STATE_CODING);
    arena_free(arena);
}

static void it_survives_a_restart(void **state)
{
    struct fixture *f = *state;
    (void)submit(f, 5);
    turn(f);
    (void)send(f, "halt", 0, "{}");
    turn(f);
    close_control(f);
    open_control(f, 2);
    assert_true(control_is_halted(f->control));
    turn(f);
    later(f, 60);
    turn(f);
    assert_int_equal(f->n_performed, 1);
    (void)send(f, "release", 0, "{}");
    turn(f);
    assert_int_equal(f->n_performed, 2);
    assert_int_equal(f->last_seq, 1); /* asked again under the same key */
}

static void a_failure_is_answered_after_the_release(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    (void)submit(f, 5);
    turn(f);
    pass(f);
    (void)send(f, "halt", 0, "{}");
    turn(f);
    struct effect_result *result = effect_result_new(1, 2);
    result->status = STATUS_LOST;
    result->blame = BLAME_WORLD;
    control_result(f->control, result, f->now);
    turn(f);
    struct workflow_row row = look(f, arena, 1);
    assert_int_equal(row.wait, WAIT_NONE); /* no attempt is burnt, no pause begun */
    assert_int_equal(row.attempt, 1);
    later(f, 600);
    (void)send(f, "release", 0, "{}");
    turn(f);
    row = look(f, arena, 1);
    assert_int_equal(row.wait, WAIT_RETRY);
    assert_true(row.retry_at.ms > f->now.ms);

    /* a pause stands as well */
    int64_t left = row.retry_at.ms - f->now.ms;
    (void)send(f, "halt", 0, "{}");
    turn(f);
    later(f, 36000);
    (void)send(f, "release", 0, "{}");
    turn(f);
    row = look(f, arena, 1);
    assert_int_equal(row.wait, WAIT_RETRY);
    assert_int_equal(row.retry_at.ms - f->now.ms, left);
    arena_free(arena);
}

static void operators_work_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    (void)submit(f, 5);
    (void)submit(f, 5);
    turn(f);
    (void)send(f, "halt", 0, "{}");
    turn(f);
    (void)send(f, "cancel", 1, "{}");
    (void)send(f, "pause", 2, "{}");
    int64_t id = send(f, "halt", 0, "{\"reason\":\"again\"}");
    turn(f);
    expect_answer(f, id, 0, "halted already, by ops");
    assert_int_equal(f->n_stopped, 1); /* what ran is killed at once */
    assert_int_equal(look(f, arena, 1).state, STATE_CANCELLED);
    assert_int_equal(look(f, arena, 2).state, STATE_PARKED);
    assert_int_equal(f->n_performed, 2); /* but the cleanup waits */
    (void)send(f, "release", 0, "{}");
    turn(f);
    assert_true(f->n_performed > 2);
    arena_free(arena);
}

static void an_approval_is_done_after_the_release(void **state)
{
    struct fixture *f = *state;
    (void)submit(f, 5);
    turn(f);
    for (int i = 0; i < 5; i++) {
        pass(f);
    }
    (void)send(f, "halt", 0, "{}");
    turn(f);
    int n = f->n_performed;
    int64_t id = send(f, "approve", 1, "{\"effect\":5}");
    turn(f);
    expect_answer(f, id, 0, "VALIDATING");
    assert_int_equal(f->n_performed, n);
    (void)send(f, "release", 0, "{}");
    turn(f);
    assert_int_equal(f->last_kind, EFFECT_MERGE);
}

static void time_to_decide_stands(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct approval_row row = {.action = ACT_MERGE,
                               .status = APPROVAL_OPEN,
                               .rule = "",
                               .target = "",
                               .repo = "",
                               .environment = "",
                               .title = "merge",
                               .requester = "",
                               .assignee = "",
                               .claimed_by = "",
                               .decided_by = "",
                               .reason = "",
                               .votes = "[]",
                               .effect = "{}",
                               .effect_before = "",
                               .card = "{}",
                               .created_at = f->now,
                               .expires_at = wall_add(f->now, span_s(600))};
    int64_t id = store_put_approval(f->store, &row);
    row.status = APPROVAL_REJECTED;
    int64_t over = store_put_approval(f->store, &row);
    turn(f);
    later(f, 60);
    (void)send(f, "halt", 0, "{}");
    turn(f);
    later(f, 3600);
    (void)send(f, "release", 0, "{}");
    turn(f);
    struct arena *arena = arena_new();
    struct approval_row now;
    assert_int_equal(store_load_approval(f->store, arena, id, &now, &err), FOUND);
    assert_int_equal(now.expires_at.ms - row.expires_at.ms, 3600 * 1000);
    assert_int_equal(store_load_approval(f->store, arena, over, &now, &err), FOUND);
    assert_int_equal(now.expires_at.ms, row.expires_at.ms);
    arena_free(arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_leaves_until_the_release),
        TEST(the_clock_stands),
        TEST(it_survives_a_restart),
        TEST(a_failure_is_answered_after_the_release),
        TEST(operators_work_meanwhile),
        TEST(an_approval_is_done_after_the_release),
        TEST(time_to_decide_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
