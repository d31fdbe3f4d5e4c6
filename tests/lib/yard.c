/* SPDX-License-Identifier: MIT */
#include "tests/lib/yard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

static void on_perform(void *self, const struct effect_row *effect)
{
    struct yard *yard = self;
    assert_true((size_t)yard->n_asked < ARRAY_LEN(yard->asked));
    struct asked *asked = &yard->asked[yard->n_asked++];
    *asked = (struct asked){.workflow = effect->workflow,
                            .seq = effect->seq,
                            .kind = effect->kind,
                            .step = effect->step,
                            .attempt = effect->attempt};
    (void)snprintf(asked->params, sizeof(asked->params), "%s", effect->params);
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct yard *yard = self;
    (void)workflow;
    (void)seq;
    yard->n_stopped++;
}

static void open_both(struct yard *yard)
{
    struct err err = ERR_INIT;
    yard->store = store_open(yard->path, STORE_OFF, &err);
    assert_non_null(yard->store);
    yard->control = control_new(&yard->options, yard->store);
    assert_true(control_load(yard->control, yard->now, &err));
}

static void close_both(struct yard *yard)
{
    control_free(yard->control);
    store_close(yard->store);
}

struct yard *yard_new(const struct control_options *options)
{
    struct yard *yard = mem_alloc(sizeof(*yard));
    (void)snprintf(yard->folder, sizeof(yard->folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(yard->folder));
    yard->path = file_join(yard->folder, "s.db");
    yard->now = YARD_BEGIN;
    yard->options = *options;
    open_both(yard);
    return yard;
}

void yard_free(struct yard *yard)
{
    struct err err = ERR_INIT;
    close_both(yard);
    (void)file_remove_tree(yard->folder, &err);
    free(yard->path);
    free(yard);
}

void yard_turn(struct yard *yard)
{
    struct err err = ERR_INIT;
    struct executor executor = {yard, on_perform, on_stop};
    assert_true(control_commands(yard->control, 100, yard->now, &err) >= 0);
    control_tick(yard->control, yard->now);
    assert_true(control_commit(yard->control, &executor, &err));
}

void yard_restart(struct yard *yard)
{
    close_both(yard);
    yard->n_asked = 0;
    open_both(yard);
    yard_turn(yard);
}

void yard_send(struct yard *yard, const char *verb, int64_t workflow, const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = yard->now,
                              .actor = "anna",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    assert_true(command_send(yard->path, &row, &err) > 0);
    yard_turn(yard);
}

void yard_submit(struct yard *yard, const char *pipeline)
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
    yard_send(yard, "submit", 0, args.data);
}

const struct asked *yard_last(const struct yard *yard)
{
    assert_true(yard->n_asked > 0);
    return &yard->asked[yard->n_asked - 1];
}

struct effect_result *yard_result(const struct asked *asked, enum effect_status status,
                                  enum blame blame)
{
    struct effect_result *result = effect_result_new(asked->workflow, asked->seq);
    result->status = status;
    result->blame = blame;
    result->summary = mem_str(status == STATUS_PASSED ? "fine" : "broken");
    result->head_sha = asked->kind == EFFECT_COMMIT ? mem_str("aaaa") : NULL;
    result->pr_number = asked->kind == EFFECT_PULL_REQUEST ? asked->workflow : 0;
    return result;
}

void yard_answer(struct yard *yard, struct effect_result *result)
{
    control_result(yard->control, result, yard->now);
    yard_turn(yard);
}

void yard_expect_event(const struct yard *yard, const char *kind, const char *part)
{
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(yard->path, &err);
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
