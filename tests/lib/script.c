/* SPDX-License-Identifier: MIT */
#include "tests/lib/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"

struct play {
    struct script *script;
    const struct op_class *class;
    void *op;
    struct rng rng;
    const struct script_line *lines;
    size_t n, at;
};

/* A literal for a struct's char *, which nobody writes to or frees here. */
static char *text(const char *literal)
{
    union {
        const char *in;
        char *out;
    } cast = {.in = literal};
    return cast.out;
}

void script_init(struct script *script, enum effect_kind kind)
{
    *script = (struct script){
        .order = {.workflow = 12,
                  .seq = 3,
                  .kind = kind,
                  .iteration = 1,
                  .attempt = 1,
                  .asked_at = {1700000000000},
                  .name = text("step"),
                  .repo = text("acme/pay"),
                  .base = text("main"),
                  .title = text("Pay faster"),
                  .submitter = text("ann"),
                  .branch = text("signalbox/wf-12"),
                  .base_sha = text(""),
                  .head_sha = text(SCRIPT_HEAD),
                  .merge_sha = text(""),
                  .pr_number = 7,
                  .forge = {.provider = text("github_api"),
                            .repository = text("acme/pay")}},
        .service = {.name = text("github_api"),
                  .kind = SERVICE_GITHUB,
                  .url = text("https://api.github.com"),
                  .hook = text("")},
        .task = "Make it faster.",
        .plan = "",
        .now = {1700000000000  },
    };
}

static struct op_input input_of(struct script *script)
{
    return (struct op_input){.order = &script->order,
                             .service = &script->service,
                             .task = script->task,
                             .plan = script->plan,
                             .errors = "",
                             .memo = script->memo,
                             .keep = ""};
}

static void open_op(struct play *play)
{
    struct err err = ERR_INIT;
    struct op_input input = input_of(play->script);
    play->op = play->class->open(&input, &err);
    if (play->op == NULL) {
        fail_msg("%s cannot be opened: %s", play->class->name, err.msg);
    }
}

const char *script_refusal(struct script *script)
{
    static struct err err;
    err = ERR_INIT;
    const struct op_class *class = op_find(script->service.kind, script->order.kind);
    assert_non_null(class);
    struct op_input input = input_of(script);
    void *op = class->open(&input, &err);
    if (op != NULL) {
        class->close(op);
    }
    return err.msg;
}

static struct http_response *answer_of(const struct script_line *line)
{
    struct http_response *response =
        http_response_new(line->fault, line->fault == HTTP_FINE ? line->status : 0);
    const char *headers = line->headers != NULL ? line->headers : "";
    while (*headers != '\0') {
        size_t name = strcspn(headers, ":"), end = strcspn(headers, "\n");
        http_response_header(response, headers, name, headers + name + 2, end - name - 2);
        headers += end + (headers[end] == '\n');
    }
    free(response->body);
    response->body = mem_str(line->body != NULL ? line->body : "");
    response->body_len = strlen(response->body);
    return response;
}

/* The call that the op makes is the one of the line. */
static void check_call(const struct play *play, const struct script_line *line,
                       const struct http_request *request)
{
    AUTO_FREE char *call =
        mem_printf("%s %s", http_method_word(request->method), request->url);
    if (strcmp(call, line->call) != 0) {
        fail_msg("line %zu: it calls '%s', not '%s'", play->at, call, line->call);
    }
    if (line->has != NULL &&
        (request->body == NULL || strstr(request->body, line->has) == NULL)) {
        fail_msg("line %zu: %s\nhas no %s", play->at,
                 request->body != NULL ? request->body : "(no body)", line->has);
    }
    assert_true(request->workflow == play->script->order.workflow);
    play->script->was_foreign = request->is_foreign;
    play->script->had_etag = request->has_etag;
}

static void keep_side(struct script *script, struct op_step *step)
{
    if (step->memo != NULL) {
        (void)snprintf(script->memo, sizeof(script->memo), "%s", step->memo);
    }
    if (step->log != NULL) {
        size_t len = strlen(script->log);
        (void)snprintf(script->log + len, sizeof(script->log) - len, "%s", step->log);
    }
    script->is_reconciled = script->is_reconciled || step->is_reconciled;
    free(step->memo);
    free(step->keep);
    free(step->log);
}

static struct op_step after_sleep(struct play *play, const struct script_line *line,
                                  struct span sleep)
{
    struct script *script = play->script;
    assert_true(sleep.ms > 0);
    if (strcmp(line->call, "hint") == 0) {
        return play->class->wake(play->op, line->event, script->now, &play->rng);
    }
    if (strcmp(line->call, "sleep") != 0) {
        fail_msg("line %zu: it sleeps, and does not call '%s'", play->at, line->call);
    }
    script->slept_ms += sleep.ms;
    script->now = wall_add(script->now, sleep);
    return play->class->wake(play->op, NULL, script->now, &play->rng);
}

static struct op_step after_call(struct play *play, const struct script_line *line,
                                 const struct http_request *request)
{
    struct script *script = play->script;
    check_call(play, line, request);
    script->now.ms += 100;
    struct http_response *response = answer_of(line);
    struct op_step step =
        play->class->answer(play->op, response, script->now, &play->rng);
    http_response_free(response);
    return step;
}

struct effect_result *script_run(struct script *script, const struct script_line *lines,
                                 size_t n)
{
    struct play play = {
        .script = script,
        .class = op_find(script->service.kind, script->order.kind),
        .lines = lines,
        .n = n,
    };
    assert_non_null(play.class);
    rng_init(&play.rng, 1);
    open_op(&play);
    struct op_step step = play.class->begin(play.op, script->now, &play.rng);
    keep_side(script, &step);
    for (; step.turn != OP_DONE; play.at++) {
        if (play.at == n) {
            fail_msg("the script is over, and the op %s",
                     step.turn == OP_CALL ? step.request->url : "sleeps");
        }
        const struct script_line *line = &lines[play.at];
        struct http_request *request = step.request;
        if (strcmp(line->call, "crash") == 0) {
            play.class->close(play.op);
            open_op(&play);
            step = play.class->begin(play.op, script->now, &play.rng);
        } else if (step.turn == OP_CALL) {
            step = after_call(&play, line, request);
        } else {
            step = after_sleep(&play, line, step.sleep);
        }
        http_request_free(request);
        keep_side(script, &step);
    }
    if (play.at != n) {
        fail_msg("done (%s) after %zu of %zu lines", step.result->summary, play.at, n);
    }
    play.class->close(play.op);
    assert_true(step.result->workflow == script->order.workflow);
    assert_true(step.result->seq == script->order.seq);
    return step.result;
}
