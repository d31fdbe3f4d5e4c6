/* SPDX-License-Identifier: MIT */
/* What the sandbox op asks: the call of each phase, its memo, and what is launched. */
#include "engine/base/base64.h"
#include "engine/service/sandbox_op_private.h"

#define MEMO_MAX   8192
#define FILL_TIME  ((struct span){300000}) /* for unpacking */
#define ANSWER_MAX (4 * 1024 * 1024)

static const char *const phase_words[] = {"old",     "pack",  "find",   "create",
                                          "connect", "start", "upload", "launch",
                                          "watch",   "remove"};

struct http_request *sandbox_request(const char *name, enum call_class class,
                                     enum http_method method, char *url, struct buf *body)
{
    struct http_request *request = http_request_new(name, class, method, url);
    size_t len = 0;
    if (body != NULL) {
        char *bytes = buf_take(body, &len);
        http_request_body(request, bytes, len);
    }
    request->answer_max = ANSWER_MAX;
    return request;
}

void sandbox_op_mark(char *mark, size_t len, struct rng *rng)
{
    for (size_t i = 0; i < len; i++) {
        mark[i] = "0123456789abcdef"[rng_next(rng) >> 60];
    }
    mark[len] = '\0';
}

bool sandbox_op_is_step(const struct sandbox_op *op)
{
    return op->order->kind == EFFECT_SETUP || op->order->kind == EFFECT_CHECK;
}

void sandbox_op_bound(struct sandbox_op *op, struct wall now)
{
    const struct order *order = op->order;
    int64_t most = sandbox_op_is_step(op) ? order->command.timeout.ms : FILL_TIME.ms;
    if (wall_is_set(order->deadline_at)) {
        int64_t left = wall_since(order->deadline_at, now).ms;
        left = left > 0 ? left : 1;
        most = most > 0 && most < left ? most : left;
    }
    op->bound = (struct span){most};
}

char *sandbox_op_memo(const struct sandbox_op *op)
{
    struct buf text;
    struct jsonw w;
    buf_init(&text, MEMO_MAX);
    jsonw_init(&w, &text);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "phase", phase_words[op->phase]);
    jsonw_str(&w, "uid", op->box.uid);
    jsonw_str(&w, "id", op->box.id);
    jsonw_str(&w, "mark", op->mark);
    jsonw_int(&w, "try", op->try);
    jsonw_int(&w, "offset", op->offset);
    jsonw_int(&w, "at", op->launched_at.ms);
    jsonw_close(&w, '}');
    return buf_take(&text, NULL);
}

/* Every step leaves through here: with the log that has gathered. */
struct op_step sandbox_op_leave(struct sandbox_op *op, struct op_step step)
{
    step.log = TAKE(op->log);
    return step;
}

struct op_step sandbox_op_end(struct sandbox_op *op, enum effect_status status,
                              enum blame blame, const char *text)
{
    return sandbox_op_leave(op, op_done(op->order, status, blame, "%s", text));
}

/* ---- the call of a phase --------------------------------------------------------------
 */

/* Name of the files of what is launched, new for each try. */
static char *run_name(const struct sandbox_op *op)
{
    return mem_printf(".signalbox-%lld-%d", (long long)op->order->seq, op->try);
}

static bool is_name(const char *text)
{
    return text[0] != '\0' &&
           strspn(text,
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") ==
               strlen(text);
}

char *sandbox_op_script(const struct sandbox_op *op)
{
    AUTO_BUF struct buf text;
    buf_init(&text, 2 * SANDBOX_SCRIPT_MAX);
    if (!sandbox_op_is_step(op)) {
        return sandbox_unpack(SANDBOX_ARCHIVE_NAME, op->mark);
    }
    for (size_t i = 0; i < op->n_env; i++) {
        if (is_name(op->env[i].name)) {
            (void)buf_printf(&text, "export %s=", op->env[i].name);
            sandbox_quote(&text, op->env[i].value);
            (void)buf_str(&text, "; ");
        }
    }
    AUTO_FREE char *script = sandbox_script(op->order, op->mark, op->bound, NULL);
    (void)buf_str(&text, script);
    return buf_take(&text, NULL);
}

static struct http_request *launch(const struct sandbox_op *op)
{
    AUTO_FREE char *name = run_name(op);
    AUTO_FREE char *script = sandbox_op_script(op);
    AUTO_BUF struct buf coded;
    buf_init(&coded, 4 * SANDBOX_SCRIPT_MAX);
    (void)base64_encode(&coded, script, strlen(script));
    /* only when the name is new: a call that is repeated launches nothing twice */
    AUTO_FREE char *command = mem_printf(
        "if mkdir %s 2>/dev/null; then echo '%s' | base64 -d > %s/run && : > %s/out && "
        "( setsid sh %s/run > %s/out 2>&1 < /dev/null & ) ; fi; test -d %s",
        name, coded.data, name, name, name, name, name);
    return op->vendor->exec(&op->box, command);
}

static struct http_request *watch(const struct sandbox_op *op)
{
    AUTO_FREE char *name = run_name(op);
    AUTO_FREE char *command = mem_printf(
        "test -e %s/out || exit 66; tail -c +%lld %s/out | head -c %d | base64", name,
        (long long)op->offset + (long long)op->tail.len + 1, name, SANDBOX_PIECE);
    return op->vendor->exec(&op->box, command);
}

struct op_step sandbox_op_call(struct sandbox_op *op, struct wall now)
{
    struct http_request *request = NULL;
    struct op_step step = {.turn = OP_RUN};
    const struct sandbox_vendor *vendor = op->vendor;
    switch (op->phase) {
    case PHASE_OLD:
    case PHASE_REMOVE:
        request = vendor->remove(&op->box);
        break;
    case PHASE_PACK:
        break;
    case PHASE_FIND:
        request = vendor->find(&op->box);
        break;
    case PHASE_CREATE:
        request = vendor->create(&op->box);
        break;
    case PHASE_CONNECT:
        request = vendor->connect(&op->box);
        break;
    case PHASE_START:
        request = vendor->start(&op->box);
        break;
    case PHASE_UPLOAD:
        request = vendor->upload(&op->box);
        break;
    case PHASE_LAUNCH:
        if (!wall_is_set(op->launched_at)) {
            op->launched_at = now;
        }
        request = launch(op);
        break;
    case PHASE_WATCH:
        request = watch(op);
        break;
    }
    if (request != NULL) {
        step = op_call(request);
    }
    if (op->phase != PHASE_OLD && op->phase != PHASE_REMOVE && op->phase != PHASE_FIND) {
        step.memo = sandbox_op_memo(op);
    }
    return sandbox_op_leave(op, step);
}
