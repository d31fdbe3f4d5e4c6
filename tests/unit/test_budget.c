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

#define NOW ((struct wall){1767225600000})

static const char pipeline[] =
    "name: p\nrepository: /srv/p\nbase: main\nagent: {command: agent}\nvalidate: []\n"
    "merge: {mode: never}\nbudget: {attempts: 5, wall: 8h}\n";

struct asked {
    int64_t workflow, seq;
    enum effect_kind kind;
    int step, attempt;
    char params[320];
};

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct control *control;
    struct wall now;
    struct asked asked[64];
    int n_asked, n_stopped;
    int runs_per_day;
    struct span time_per_day;
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct fixture *f = self;
    assert_true((size_t)f->n_asked < ARRAY_LEN(f->asked));
    struct asked *asked = &f->asked[f->n_asked++];
    *asked = (struct asked){.workflow = effect->workflow,
                            .seq = effect->seq,
                            .kind = effect->kind,
                            .step = effect->step,
                            .attempt = effect->attempt};
    (void)snprintf(asked->params, sizeof(asked->params), "%s", effect->params);
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct fixture *f = self;
    (void)workflow;
    (void)seq;
    f->n_stopped++;
}

static void open_control(struct fixture *f)
{
    struct err err = ERR_INIT;
    f->store = store_open(f->path, STORE_OFF, &err);
    assert_non_null(f->store);
    struct control_options options = {
        .max_running = 5,
        .limits = {span_s(5), span_s(300)},
        .runs_per_day = f->runs_per_day,
        .agent_time_per_day = f->time_per_day,
        .seed = 1,
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
    open_control(f);
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

/* As after kill -9: what was committed is all there is, and it is asked for again. */
static void restart(struct fixture *f)
{
    close_control(f);
    f->n_asked = 0;
    open_control(f);
    turn(f);
}

static void send(struct fixture *f, const char *verb, int64_t workflow, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = f->now,
                              .actor = "anna",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    assert_true(command_send(f->path, &row, &err) > 0);
    turn(f);
}

static void submit(struct fixture *f)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 4096);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "p");
    jsonw_str(&w, "text", pipeline);
    jsonw_str(&w, "task", "do it");
    jsonw_close(&w, '}');
    send(f, "submit", 0, args.data);
}

static const struct asked *last(const struct fixture *f)
{
    assert_true(f->n_asked > 0);
    return &f->asked[f->n_asked - 1];
}

/* Of the newest effect; it took so long. */
static void answer(struct fixture *f, enum effect_status status, enum blame blame,
                   struct span took)
{
    const struct asked *asked = last(f);
    struct effect_result *result = effect_result_new(asked->workflow, asked->seq);
    result->status = status;
    result->blame = blame;
    result->summary = mem_str(status == STATUS_PASSED ? "fine" : "broken");
    result->head_sha = asked->kind == EFFECT_COMMIT ? mem_str("aaaa") : NULL;
    result->pr_number = asked->kind == EFFECT_PULL_REQUEST ? asked->workflow : 0;
    result->started_at = f->now;
    f->now = wall_add(f->now, took);
    result->finished_at = f->now;
    control_result(f->control, result, f->now);
    turn(f);
}

static void pass(struct fixture *f, enum effect_kind kind, struct span took)
{
    assert_int_equal(last(f)->kind, kind);
    answer(f, STATUS_PASSED, BLAME_NONE, took);
}

static void expect_row(struct fixture *f, int64_t id, enum workflow_state state,
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

/* Newest event of the kind says so. */
static void expect_event(struct fixture *f, const char *kind, const char *part)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    struct arena *arena = arena_new();
    const struct event_row *rows = NULL;
    size_t n = 0;
    const char *text = NULL;
    assert_non_null(reader);
    assert_true(reader_events(reader, arena, 0, 0, 1000, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].kind, kind) == 0 &&
            (text == NULL || strstr(rows[i].text, part) != NULL)) {
            text = rows[i].text;
        }
    }
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("%s: '%s' is not in '%s'", kind, part, text != NULL ? text : "(none)");
    }
    arena_free(arena);
    reader_close(reader);
}

/* ---- */

/* Submitted, and its agent has run for so long. */
static void one_run(struct fixture *f, struct span took)
{
    submit(f);
    pass(f, EFFECT_WORKSPACE, span_s(1));
    pass(f, EFFECT_CODE, took);
    pass(f, EFFECT_COMMIT, span_s(1));
    assert_int_equal(last(f)->kind, EFFECT_PULL_REQUEST);
}

static void a_day_has_so_many_runs(void **state)
{
    struct fixture *f = *state;
    f->runs_per_day = 2;
    f->now = wall_add(NOW, span_s(22 * 3600)); /* NOW is a midnight */
    restart(f);
    one_run(f, span_s(60));
    one_run(f, span_s(60));
    int n = f->n_asked;
    submit(f);
    assert_int_equal(f->n_asked, n);
    expect_row(f, 3, STATE_RECOVERING, WAIT_RETRY,
               "2 of 2 agent runs of the repository's day");
    restart(f); /* the count holds */
    n = f->n_asked;
    submit(f);
    assert_int_equal(f->n_asked, n);
    expect_row(f, 4, STATE_RECOVERING, WAIT_RETRY, "2 of 2");
    f->now.ms = (f->now.ms / 86400000 + 1) * 86400000;
    turn(f);
    assert_int_equal(last(f)->kind, EFFECT_WORKSPACE);
    expect_row(f, 3, STATE_CODING, WAIT_NONE, "");
}

/* What the run before took decides, before the next one begins. */
static void a_day_has_so_much_time(void **state)
{
    struct fixture *f = *state;
    f->time_per_day = span_s(3600);
    restart(f);
    one_run(f, span_s(1500));
    one_run(f, span_s(1500));
    int n = f->n_asked;
    submit(f); /* 600 s are left */
    assert_int_equal(f->n_asked, n);
    expect_row(f, 3, STATE_RECOVERING, WAIT_RETRY, "50m00s of 1h00m agent time");
}

static void an_operator_extends(void **state)
{
    struct fixture *f = *state;
    submit(f);
    for (int i = 0; i < 3; i++) { /* the agent crashes */
        if (last(f)->kind == EFFECT_WORKSPACE) {
            pass(f, EFFECT_WORKSPACE, span_s(1));
        }
        answer(f, STATUS_FAILED, BLAME_WORLD, span_s(60));
        f->now = wall_add(f->now, span_s(400));
        turn(f);
    }
    expect_event(f, "budget", "4 of 5 agent runs are used");
    send(f, "retry", 1, "{\"from\":\"CODING\"}");
    pass(f, EFFECT_WORKSPACE, span_s(1));
    answer(f, STATUS_FAILED, BLAME_WORLD, span_s(60));
    f->now = wall_add(f->now, span_s(400));
    turn(f);
    expect_row(f, 1, STATE_CODING, WAIT_BUDGET, "BUDGET: 5 of 5 agent runs");
    restart(f);
    assert_int_equal(f->n_asked, 0);
    send(f, "extend", 1, "{\"attempts\":1,\"wall\":\"nonsense\"}");
    assert_int_equal(f->n_asked, 0);
    send(f, "extend", 1, "{\"attempts\":1,\"wall\":\"2h\",\"reason\":\"close\"}");
    expect_event(f, "extend",
                 "anna granted 1 more agent run, 2h00m more wall time: close");
    assert_int_equal(last(f)->kind, EFFECT_CODE);
    restart(f); /* what was granted is kept */
    expect_row(f, 1, STATE_CODING, WAIT_NONE, "");
    pass(f, EFFECT_CODE, span_s(60));
    pass(f, EFFECT_COMMIT, span_s(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        TEST(a_day_has_so_many_runs),
        TEST(a_day_has_so_much_time),
        TEST(an_operator_extends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
