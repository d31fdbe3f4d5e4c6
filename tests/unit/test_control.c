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

static const char text[] = "name: p\nrepository: /srv/p\nbase: main\n"
                           "agent: {command: agent}\nvalidate: []\nmerge: {mode: ask}\n";

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct control *control;
    struct wall now;
    int n_performed, n_stopped;
    int64_t last_workflow, last_seq;
    enum effect_kind last_kind;
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct fixture *f = self;
    f->n_performed++;
    f->last_workflow = effect->workflow;
    f->last_seq = effect->seq;
    f->last_kind = effect->kind;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct fixture *f = self;
    (void)workflow;
    (void)seq;
    f->n_stopped++;
}

static void open_control(struct fixture *f, int max_running)
{
    struct err err = ERR_INIT;
    f->store = store_open(f->path, STORE_OFF, &err);
    assert_non_null(f->store);
    struct control_options options = {
        .max_running = max_running, .limits = {span_s(5), span_s(300)},
             .seed = 1
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

static void submit_runs_and_survives_a_restart(void **state)
{
    struct fixture *f = *state;
    struct arena *arena = arena_new();
    int64_t id = submit(f, 5);
    turn(f);
    expect_answer(f, id, 0, "wf-1 accepted");
    assert_int_equal(f->n_performed, 1);
    assert_int_equal(f->last_kind, EFFECT_WORKSPACE);
    struct workflow_row row = look(f, arena, 1);
    assert_string_equal(row.title, "do it");
    assert_int_equal(row.state, STATE_CODING);

    close_control(f);
    open_control(f, 2);
    turn(f);
    assert_int_equal(f->n_performed, 2); /* asked again under the same key */
    assert_int_equal(f->last_seq, 1);
    assert_int_equal(control_is_pending(f->control, 1, 1), 1);
    arena_free(arena);
}

static void at_most_so_many_run_and_priority_goes_first(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++) {
        (void)submit(f, i == 3 ? 9 : 5);
    }
    turn(f);
    struct control_stats stats;
    control_stats(f->control, &stats);
    assert_int_equal(stats.n_running, 2);
    assert_int_equal(stats.n_queued, 2);
    assert_true(control_is_pending(f->control, 4, 1));
    assert_true(control_is_pending(f->control, 1, 1));
    (void)send(f, "cancel", 1, "{}");
    turn(f);
    assert_int_equal(f->n_stopped, 1);
    assert_true(control_is_pending(f->control, 2, 1));
}

static void wrong_commands_change_nothing(void **state)
{
    struct fixture *f = *state;
    (void)submit(f, 5);
    turn(f);
    const struct {
        const char *verb;
        int64_t workflow;
        const char *args;
        int answer;
        const char *part;
    } wrong[] = {
        {"cancle",   1,  "{}",                                                       2, "no verb 'cancle'"       },
        {"cancel",   99, "{}",                                                       1, "no workflow wf-99"      },
        {"cancel",   1,  "[]",                                                       2, "expected an object"     },
        {"cancel",   1,  "{\"x\":1}",                                                2, "takes no 'x'"           },
        {"cancel",   1,  "nonsense",                                                 2, "JSON line 1"            },
        {"approve",  1,  "{}",                                                       1, "nothing waits"          },
        {"retry",    1,  "{\"from\":\"SLEEPING\"}",                                  2, "no checkpoint"          },
        {"resume",   1,  "{}",                                                       1, "nothing holds it"       },
        {"rollback", 1,  "{}",                                                       1, "only merged work"       },
        {"priority", 1,  "{\"value\":12}",                                           2, "from 0 to 9"            },
        {"reject",   1,  "{}",                                                       2, "needs 'reason'"         },
        {"submit",   0,  "{}",                                                       2, "submit needs 'pipeline'"},
        {"submit",   0,  "{\"pipeline\":\"x\",\"text\":\"name: [\",\"task\":\"t\"}", 2,
         "x:"                                                                                                    },
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        int64_t id = send(f, wrong[i].verb, wrong[i].workflow, wrong[i].args);
        turn(f);
        expect_answer(f, id, wrong[i].answer, wrong[i].part);
    }
    assert_int_equal(f->n_performed, 1);
    struct control_stats stats;
    control_stats(f->control, &stats);
    assert_int_equal(stats.n_live, 1);
}

static void an_approval_is_of_what_was_shown(void **state)
{
    struct fixture *f = *state;
    (void)submit(f, 5);
    turn(f);
    for (int i = 0; i < 5; i++) { /* workspace, agent, commit, pull request, sandbox */
        pass(f);
    }
    struct arena *arena = arena_new();
    struct workflow_row row = look(f, arena, 1);
    assert_int_equal(row.wait, WAIT_MERGE);
    int64_t id = send(f, "approve", 1, "{\"effect\":3}");
    turn(f);
    expect_answer(f, id, 1, "has changed since it was shown");
    id = send(f, "approve", 1, "{\"effect\":5}");
    turn(f);
    expect_answer(f, id, 0, "VALIDATING");
    assert_int_equal(f->last_kind, EFFECT_MERGE);
    pass(f);
    row = look(f, arena, 1);
    assert_int_equal(row.state, STATE_COMPLETED);
    assert_string_equal(row.merge_sha, "m1");
    arena_free(arena);
}

static void an_outcome_counts_once(void **state)
{
    struct fixture *f = *state;
    (void)submit(f, 5);
    turn(f);
    int64_t seq = f->last_seq;
    pass(f);
    int n = f->n_performed;
    struct effect_result *again = effect_result_new(1, seq);
    again->status = STATUS_PASSED;
    control_result(f->control, again, f->now);
    turn(f);
    assert_int_equal(f->n_performed, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(submit_runs_and_survives_a_restart, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(at_most_so_many_run_and_priority_goes_first,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_commands_change_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_approval_is_of_what_was_shown, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_outcome_counts_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
