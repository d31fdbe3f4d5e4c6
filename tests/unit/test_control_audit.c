/* SPDX-License-Identifier: MIT */
/*
 * What the control center writes into the audit: each command with its answer, each effect
 * that others see; no secrets, no long texts; one transaction with what it tells of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/control/control.h"
#include "store/audit.h"

#define NOW ((struct wall){1767225600000})

static const char text[] = "name: p\nrepository: /srv/p\nbase: main\n"
                           "agent: {command: agent}\nvalidate: []\nmerge: {mode: ask}\n";

struct fixture {
    char folder[64];
    char *path;
    struct store *store;
    struct control *control;
    struct arena *arena;
    struct wall now;
    int64_t last_workflow, last_seq;
    enum effect_kind last_kind;
    struct audit_row *rows; /* oldest first, as last looked at */
    size_t n;
};

static void on_perform(void *self, const struct effect_row *effect)
{
    struct fixture *f = self;
    f->last_workflow = effect->workflow;
    f->last_seq = effect->seq;
    f->last_kind = effect->kind;
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    (void)self;
    (void)workflow;
    (void)seq;
}

static int set_up(void **state)
{
    struct err err = ERR_INIT;
    struct fixture *f = mem_alloc(sizeof(*f));
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = file_join(f->folder, "s.db");
    f->now = NOW;
    f->arena = arena_new();
    f->store = store_open(f->path, STORE_OFF, &err);
    assert_non_null(f->store);
    struct control_options options = {
        .max_running = 2, .limits = {span_s(5), span_s(300)},
             .seed = 1
    };
    f->control = control_new(&options, f->store);
    assert_true(control_load(f->control, f->now, &err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    control_free(f->control);
    store_close(f->store);
    arena_free(f->arena);
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

static void send(struct fixture *f, const char *verb, int64_t workflow, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = f->now,
                              .actor = "ada",
                              .account = "signalbox",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    assert_true(command_send(f->path, &row, &err) > 0);
    turn(f);
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

static bool on_row(void *user, const struct audit_row *row)
{
    struct fixture *f = user;
    struct audit_row *copy = &f->rows[f->n++];
    *copy = *row;
    copy->actor = arena_str(f->arena, row->actor);
    copy->origin = arena_str(f->arena, row->origin);
    copy->act = arena_str(f->arena, row->act);
    copy->subject = arena_str(f->arena, row->subject);
    copy->outcome = arena_str(f->arena, row->outcome);
    copy->detail = arena_str(f->arena, row->detail);
    return f->n < 100;
}

/* All rows; and the chain is whole. */
static void look(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(f->path, &err);
    assert_non_null(reader);
    f->rows = arena_array(f->arena, 100, sizeof(*f->rows));
    f->n = 0;
    assert_true(reader_audit_each(reader, &(struct audit_query){0}, on_row, f, &err));
    struct audit_check *check = audit_check_new(NULL, 0);
    assert_int_equal(audit_check_step(check, reader, 1000, &err), AUDIT_END);
    assert_int_equal(audit_check_verdict(check)->good.n, f->n);
    audit_check_free(check);
    reader_close(reader);
}

static void must_be(const struct fixture *f, size_t i, const char *wanted)
{
    const struct audit_row *row = &f->rows[i];
    assert_true(i < f->n);
    AUTO_FREE char *line =
        mem_printf("%s %s %s %s", row->actor, row->act, row->subject, row->outcome);
    assert_string_equal(line, wanted);
    struct err err = ERR_INIT;
    struct json *detail = json_parse(row->detail, strlen(row->detail), &err);
    assert_true(json_is_an_object(detail));
    json_free(detail);
}

static void submit(struct fixture *f, const char *task)
{
    AUTO_BUF struct buf args;
    struct jsonw w;
    buf_init(&args, 100000);
    jsonw_init(&w, &args);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "pipeline", "p");
    jsonw_str(&w, "text", text);
    jsonw_str(&w, "task", task);
    jsonw_raw(&w, "metadata", "{\"k\":\"hush-hush\"}", 17);
    jsonw_close(&w, '}');
    send(f, "submit", 0, args.data);
}

static void a_workflow_leaves_its_trail(void **state)
{
    struct fixture *f = *state;
    submit(f, "do it");
    while (f->last_kind != EFFECT_PULL_REQUEST) {
        pass(f);
    }
    for (int i = 0; i < 2; i++) {
        pass(f);
    }
    send(f, "approve", 1, "{\"effect\":5,\"reason\":\"looks\\tgood\"}");
    assert_int_equal(f->last_kind, EFFECT_MERGE);
    pass(f);
    look(f);
    must_be(f, 0, "ada submit wf-1 done");
    must_be(f, 1, "engine pull-request wf-1 asked");
    must_be(f, 2, "engine pull-request wf-1 passed");
    must_be(f, 3, "ada approve wf-1 done");
    must_be(f, 4, "engine merge wf-1 asked");
    must_be(f, 5, "engine merge wf-1 passed");
    assert_string_equal(f->rows[4].origin, "engine");
    assert_int_equal(f->rows[4].at.ms, NOW.ms);
    assert_non_null(strstr(f->rows[3].detail, "\"reason\":\"looks good\""));
    assert_non_null(strstr(f->rows[3].detail, "\"account\":\"signalbox\""));
    assert_non_null(strstr(f->rows[3].detail, "\"effect\":5"));
    assert_non_null(strstr(f->rows[4].detail, "\"effect\":\"wf-1."));
    assert_non_null(strstr(f->rows[4].detail, "\"params\":{\"bytes\":"));
}

static void refusals_and_nonsense_are_rows_too(void **state)
{
    struct fixture *f = *state;
    send(f, "pause", 99, "{}");
    send(f, "cancle", 0, "{\"x\":1}");
    send(f, "pause", 1, "no json, but password=hunter2hunter2");
    send(f, "probe", 0, "{\"service\":\"github_api\",\"reason\":\"why\"}");
    send(f, "ack", 0, "{\"incident\":3}");
    send(f, "audit-read", 0, "{\"what\":\"export\",\"filter\":\"--actor ada\"}");
    send(f, "\x1b[31mx", 0, "{}");
    look(f);
    must_be(f, 0, "ada pause wf-99 refused");
    must_be(f, 1, "ada cancle  malformed");
    must_be(f, 2, "ada pause wf-1 malformed");
    must_be(f, 3, "ada probe service:github_api refused");
    must_be(f, 4, "ada ack incident-3 refused");
    must_be(f, 5, "ada audit-read audit:export done");
    assert_non_null(strstr(f->rows[0].detail, "there is no workflow wf-99"));
    assert_non_null(strstr(f->rows[5].detail, "--actor ada"));
    assert_null(strstr(f->rows[2].detail, "hunter2"));
    assert_null(strchr(f->rows[6].act, '\x1b'));
}

/* Long arguments are a digest, what looks like a secret is hidden, the size is bounded. */
static void texts_are_short_and_without_secrets(void **state)
{
    struct fixture *f = *state;
    char *task = mem_alloc(50001);
    memset(task, 't', 50000);
    submit(f, task);
    AUTO_FREE char *long_reason = mem_printf(
        "{\"reason\":\"token ghp_0123456789abcdefghijABCDEFGHIJ012345 %.3000s\"}", task);
    send(f, "pause", 1, long_reason);
    look(f);
    must_be(f, 0, "ada submit wf-1 done");
    must_be(f, 1, "ada pause wf-1 done");
    assert_null(strstr(f->rows[0].detail, "tttt"));
    assert_null(strstr(f->rows[0].detail, "hush"));
    assert_non_null(strstr(f->rows[0].detail, "\"task\":{\"bytes\":50000,\"sha256\":\""));
    assert_null(strstr(f->rows[1].detail, "ghp_"));
    assert_non_null(strstr(f->rows[1].detail, "[hidden]"));
    assert_true(strlen(f->rows[1].detail) < 1200);
    free(task);
}

/* A row is there when what it tells of is, and not before. */
static void a_failed_commit_leaves_no_row(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct executor executor = {f, on_perform, on_stop};
    submit(f, "do it");
    AUTO_FREE char *away = mem_printf("%s.away", f->path);
    struct command_row row = {.at = f->now,
                              .actor = "ada",
                              .verb = "pause",
                              .workflow = 1,
                              .args = "{}",
                              .message = ""};
    assert_true(command_send(f->path, &row, &err) > 0);
    assert_int_equal(control_commands(f->control, 100, f->now, &err), 1);
    assert_int_equal(rename(f->path, away), 0);
    assert_false(control_commit(f->control, &executor, &err));
    assert_int_equal(rename(away, f->path), 0);
    look(f);
    assert_int_equal(f->n, 1);
    assert_true(control_commit(f->control, &executor, &err));
    look(f);
    assert_int_equal(f->n, 2);
    must_be(f, 1, "ada pause wf-1 done");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_workflow_leaves_its_trail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_and_nonsense_are_rows_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(texts_are_short_and_without_secrets, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_failed_commit_leaves_no_row, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
