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
#include "engine/control/control_private.h"
#include "tests/lib/flow.h"

#define NOW ((struct wall){1767225600000})

static char name[] = "agents";
static const struct service_spec services[] = {
    {.name = name, .kind = SERVICE_CODEGEN}
};

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
        .services = services,
        .n_services = 1,
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

/* ---- beside a workflow ---- */

static void it_stands_beside_one_with_nothing_in_flight(void **state)
{
    struct fixture *f = *state;
    assert_false(restart_begin(f->control, name, f->now)); /* there is none */
    submit(f);
    assert_false(
        restart_begin(f->control, name, f->now));     /* its own effect would be lost */
    answer(f, STATUS_FAILED, BLAME_WORLD, span_s(1)); /* now it waits */
    int n = f->n_asked;
    assert_true(restart_begin(f->control, name, f->now));
    turn(f);
    assert_int_equal(f->n_asked, n + 1);
    assert_int_equal(last(f)->kind, EFFECT_RESTART);
    assert_string_equal(last(f)->params, "{\"service\":\"agents\"}");
    restart(f); /* killed: asked for again under the same number */
    assert_int_equal(f->n_asked, 1);
    assert_int_equal(last(f)->kind, EFFECT_RESTART);
    answer(f, STATUS_PASSED, BLAME_NONE, span_s(1));
    expect_event(f, "restart-begun", "the restart command of agents runs");
    expect_event(f, "restart-passed", "agents: fine");
}

static void a_failure_is_told(void **state)
{
    struct fixture *f = *state;
    submit(f);
    answer(f, STATUS_FAILED, BLAME_WORLD, span_s(1));
    assert_true(restart_begin(f->control, name, f->now));
    turn(f);
    answer(f, STATUS_FAILED, BLAME_WORLD, span_s(1));
    expect_event(f, "restart-failed", "agents: broken");
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
