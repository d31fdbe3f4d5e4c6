/* SPDX-License-Identifier: MIT */

/*
 * The op of a service of a drill: it makes a thing ("POST /things", unique key wf-N.SEQ), then
 * asks how it is ("GET /things/KEY") until it is done, as an agent run or a check does, and obeys
 * the crash rule of op.h.
 */
#include <inttypes.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/drill/world.h"
#include "engine/service/op.h"

#define POLL_MIN 5000
#define POLL_MAX 60000
#define BLOCKED  10000
#define BODY_MAX (4 * EXCERPT_MAX)

enum phase { PHASE_NEW, PHASE_LOOK, PHASE_MADE };

struct thing_op {
    struct order order; /* workflow and seq are used */
    const struct service_spec *service;
    enum phase phase;
    int64_t poll;
    bool is_stopping;
};

static void *op_open(const struct op_input *input, struct err *err)
{
    (void)err;
    struct thing_op *op = mem_alloc(sizeof(*op));
    op->order.workflow = input->order->workflow;
    op->order.seq = input->order->seq;
    op->service = input->service;
    op->poll = POLL_MIN;
    op->phase = strstr(input->memo, "made") != NULL    ? PHASE_MADE
                : strstr(input->memo, "about") != NULL ? PHASE_LOOK
                                                       : PHASE_NEW;
    return op;
}

static struct op_step ask(const struct thing_op *op)
{
    char *url =
        mem_printf("/things/wf-%" PRId64 ".%" PRId64, op->order.workflow, op->order.seq);
    return op_call(http_request_new("things.get", CALL_READ, HTTP_GET, url));
}

static struct op_step make(struct thing_op *op)
{
    char *body = mem_printf("wf-%" PRId64 ".%" PRId64, op->order.workflow, op->order.seq);
    struct http_request *request =
        http_request_new("things.create", CALL_CREATE, HTTP_POST, mem_str("/things"));
    http_request_body(request, body, strlen(body));
    struct op_step step = op_call(request);
    step.memo = mem_str("{\"phase\":\"about\"}");
    return step;
}

static struct op_step op_begin(void *self, struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct thing_op *op = self;
    return op->phase == PHASE_NEW ? make(op) : ask(op);
}

static struct op_step nap(struct thing_op *op)
{
    int64_t ms = op->poll;
    op->poll = ms * 2 < POLL_MAX ? ms * 2 : POLL_MAX;
    return op_sleep((struct span){ms});
}

static struct op_step refused(const struct thing_op *op,
                              const struct http_response *response)
{
    char line[200];
    (void)text_clean_into(line, sizeof(line), response->body);
    struct op_step step = op_done(
        &op->order, STATUS_FAILED,
        response->status == 401 || response->status == 403 ? BLAME_SETUP : BLAME_WORLD,
        "%s: HTTP %d: %s", op->service->name, response->status, line);
    step.result->excerpt =
        mem_printf("HTTP %d from %s\n%s\n", response->status, op->service->name, line);
    return step;
}

/* {"state":"done","status":..,"blame":..,"summary":..,"log":..} */
static struct op_step conclude(struct thing_op *op, const struct http_response *response)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(response->body, response->body_len, &err);
    if (strcmp(json_str(root, "state", ""), "done") != 0) {
        json_free(root);
        return nap(op);
    }
    struct op_step step =
        op_done(&op->order, (enum effect_status)json_int(root, "status", STATUS_PASSED),
                (enum blame)json_int(root, "blame", BLAME_NONE), "%s",
                json_str(root, "summary", ""));
    step.result->exit_status = (int)json_int(root, "exit", -1);
    if (json_get(root, "log") != NULL) {
        step.result->excerpt = mem_str(json_str(root, "log", ""));
    }
    json_free(root);
    return step;
}

char *drill_op_body(const struct effect_result *result)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    buf_init(&out, BODY_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "state", result != NULL ? "done" : "works");
    if (result != NULL) {
        jsonw_int(&w, "status", (int64_t)result->status);
        jsonw_int(&w, "blame", (int64_t)result->blame);
        jsonw_int(&w, "exit", result->exit_status);
        jsonw_str(&w, "summary", result->summary != NULL ? result->summary : "");
        if (result->excerpt != NULL) {
            jsonw_str(&w, "log", result->excerpt);
        }
    }
    jsonw_close(&w, '}');
    return buf_take(&out, NULL);
}

static struct op_step op_answer(void *self, const struct http_response *response,
                                struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct thing_op *op = self;
    if (response->fault != HTTP_FINE || response->status >= 500) {
        if (op->is_stopping || response->fault == HTTP_STOPPED) {
            return op_done(&op->order, STATUS_CANCELLED, BLAME_NONE, "stopped");
        }
        if (response->fault == HTTP_BLOCKED && op->phase == PHASE_NEW) {
            return op_deferred(&op->order, op->service, response);
        }
        op->phase = op->phase == PHASE_NEW ? PHASE_LOOK : op->phase;
        return op_sleep((struct span){BLOCKED});
    }
    if (response->status == 404 && op->phase != PHASE_NEW) {
        op->phase = PHASE_NEW;
        return make(op);
    }
    if (response->status >= 400) {
        return refused(op, response);
    }
    if (op->phase != PHASE_MADE) {
        bool has_looked = op->phase == PHASE_LOOK;
        op->phase = PHASE_MADE;
        struct op_step step = has_looked ? conclude(op, response) : nap(op);
        if (step.memo == NULL) {
            step.memo = mem_str("{\"phase\":\"made\"}");
        }
        return step;
    }
    return conclude(op, response);
}

static struct op_step op_wake(void *self, const struct forge_event *hint, struct wall now,
                              struct rng *rng)
{
    (void)hint;
    (void)now;
    (void)rng;
    return ask(self);
}

static struct op_step op_stop(void *self, struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct thing_op *op = self;
    op->is_stopping = true;
    return op_done(&op->order, STATUS_CANCELLED, BLAME_NONE, "stopped");
}

const struct op_class *drill_op(enum service_kind service, enum effect_kind effect)
{
    static const struct op_class thing_class = {.name = "drill.thing",
                                                .open = op_open,
                                                .begin = op_begin,
                                                .answer = op_answer,
                                                .wake = op_wake,
                                                .stop = op_stop,
                                                .close = free};
    (void)service;
    (void)effect;
    return &thing_class;
}
