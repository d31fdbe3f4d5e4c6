/* SPDX-License-Identifier: MIT */
#include "engine/service/sandbox_op_private.h"

#include "engine/base/base64.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define MEMO_MAX     8192
#define LOOK_LAST    ((struct span){10000})
#define COMING_PAUSE ((struct span){2000})
#define COMING_MAX   150 /* looks at a sandbox that does not come up */
#define ODD_PAUSE    ((struct span){5000})
#define ODD_MAX      12 /* failures in a row of one phase */
#define ANSWER_MAX   (4 * 1024 * 1024)

static void note(struct sandbox_op *op, char *text) /* takes text */
{
    char *both = op->log != NULL ? mem_printf("%s%s", op->log, text) : mem_str(text);
    free(op->log);
    free(text);
    op->log = both;
}

static struct op_step go(struct sandbox_op *op, enum sandbox_phase phase, struct wall now)
{
    op->phase = phase;
    op->n_odd = 0;
    return sandbox_op_call(op, now);
}

static struct op_step sleep_in(struct sandbox_op *op, struct span span)
{
    op->until = wall_add(op->now, span);
    return sandbox_op_leave(op, op_sleep(span));
}

/* ---- what went wrong ------------------------------------------------------------------
 */

static struct op_step gone(struct sandbox_op *op)
{
    return sandbox_op_end(op, STATUS_REFUSED, BLAME_WORLD, "the sandbox is gone");
}

static bool has_begun(const struct sandbox_op *op)
{
    return op->phase != PHASE_OLD && op->phase != PHASE_PACK &&
           (op->phase != PHASE_CREATE || op->n_odd > 0) &&
           !(sandbox_op_is_step(op) && op->phase == PHASE_CONNECT);
}

/* Once more after a pause; when that was done too often, no more. */
static struct op_step again(struct sandbox_op *op, struct span pause, const char *why)
{
    if (++op->n_odd > ODD_MAX) {
        AUTO_FREE char *text = mem_printf("%s: %s", op->box.service->name, why);
        return sandbox_op_end(op, STATUS_FAILED, BLAME_WORLD, text);
    }
    if (op->phase == PHASE_CREATE) {
        op->phase = PHASE_FIND; /* it may have been done */
    }
    return sleep_in(op, pause);
}

static struct op_step fault(struct sandbox_op *op, const struct http_response *response,
                            struct wall now)
{
    const char *text = response->text != NULL ? response->text : "";
    if (response->fault == HTTP_STOPPED) {
        return sandbox_op_end(op, STATUS_CANCELLED, BLAME_NONE, "stopped");
    }
    if (response->fault == HTTP_NO_TOKEN) {
        return sandbox_op_end(op, STATUS_REFUSED, BLAME_OPERATOR, text);
    }
    if (!has_begun(op) &&
        (response->fault == HTTP_BLOCKED || response->fault == HTTP_UNREACHED)) {
        return sandbox_op_leave(op, op_deferred(op->order, op->box.service, response));
    }
    if (response->fault == HTTP_BLOCKED) {
        int64_t left = wall_is_set(response->until) ? wall_since(response->until, now).ms
                                                    : ODD_PAUSE.ms;
        return sleep_in(op, (struct span){left > 0 ? left : 1});
    }
    return again(op, ODD_PAUSE,
                 text[0] != '\0' ? text : http_fault_word(response->fault));
}

/* The service's own words, from {"message"} as both write it. */
static char *words_of(const struct http_response *response)
{
    struct err err = ERR_INIT;
    char text[300];
    struct json *root = json_parse(response->body, response->body_len, &err);
    const char *message = json_str(root, "message", "");
    char *words = mem_printf("%d%s%s", response->status, message[0] != '\0' ? ": " : "",
                             text_clean_into(text, sizeof(text), message));
    json_free(root);
    return words;
}

static struct op_step refused(struct sandbox_op *op, const struct http_response *response)
{
    AUTO_FREE char *words = words_of(response);
    AUTO_FREE char *text = mem_printf("%s answered %s", op->box.service->name, words);
    switch (response->status) {
    case 404:
    case 410:
        return op->phase == PHASE_CREATE || op->phase == PHASE_FIND
                   ? sandbox_op_end(op, STATUS_REFUSED, BLAME_SETUP, text)
                   : gone(op);
    case 402:
        return sandbox_op_end(op, STATUS_FAILED, BLAME_OPERATOR, text);
    case 401: /* a token can be put right, and then it goes on where it stands */
        return sandbox_op_end(op, STATUS_REFUSED, BLAME_OPERATOR, text);
    case 400:
    case 403:
    case 422:
        return sandbox_op_end(op, STATUS_REFUSED, BLAME_SETUP, text);
    default:
        return again(op, ODD_PAUSE, text);
    }
}

/* ---- a step that ended ----------------------------------------------------------------
 */

static bool may_try_again(const struct sandbox_op *op, const struct effect_result *result,
                          struct wall now)
{
    return op->try <= op->order->command.retries && result->blame == BLAME_CHANGE &&
           !op->is_stopping &&
           (!wall_is_set(op->order->deadline_at) || now.ms < op->order->deadline_at.ms);
}

static struct op_step launch_new(struct sandbox_op *op, struct wall now, struct rng *rng)
{
    op->try++;
    op->offset = 0;
    op->launched_at = (struct wall){0};
    op->pause = SANDBOX_LOOK_FIRST;
    buf_clear(&op->tail);
    sandbox_op_mark(op->mark, SANDBOX_MARK_LEN - 1, rng);
    sandbox_op_bound(op, now);
    return go(op, PHASE_LAUNCH, now);
}

static struct op_step filled(struct sandbox_op *op, int status)
{
    if (status != 0) {
        AUTO_FREE char *text =
            mem_printf("unpacking in the sandbox failed with exit status %d", status);
        return sandbox_op_end(op, STATUS_FAILED, BLAME_WORLD, text);
    }
    AUTO_FREE char *text = mem_printf("sandbox %s of %s with %.10s", op->box.id,
                                      op->box.service->name, op->order->head_sha);
    struct op_step step = sandbox_op_end(op, STATUS_PASSED, BLAME_NONE, text);
    AUTO_BUF struct buf keep;
    struct jsonw w;
    buf_init(&keep, MEMO_MAX);
    jsonw_init(&w, &keep);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "sandbox", op->box.id);
    jsonw_close(&w, '}');
    step.keep = mem_str(keep.data);
    step.result->head_sha = mem_str(op->order->head_sha);
    return step;
}

static struct op_step ended(struct sandbox_op *op, int status, struct wall now,
                            struct rng *rng)
{
    if (!sandbox_op_is_step(op)) {
        return filled(op, status);
    }
    struct effect_result *result = effect_result_new(op->order->workflow, op->order->seq);
    sandbox_judge(op->order, status, wall_since(now, op->launched_at), op->bound, result);
    result->tries = op->try;
    int most = op->order->command.retries + 1;
    if (may_try_again(op, result, now)) {
        note(op,
             mem_printf("-- %s; try %d of %d --\n", result->summary, op->try + 1, most));
        effect_result_free(result);
        return launch_new(op, now, rng);
    }
    if (result->status == STATUS_PASSED && op->try > 1) {
        result->status = STATUS_FLAKY;
        free(result->summary);
        result->summary =
            mem_printf("%s passed at try %d of %d", op->order->name, op->try, most);
    }
    if (result->status != STATUS_PASSED && result->status != STATUS_FLAKY) {
        result->excerpt = mem_str(op->recent.data);
    }
    return sandbox_op_leave(op, (struct op_step){.turn = OP_DONE, .result = result});
}

/* Bytes of the output that are certain to be no mark: into log and excerpt. */
static void take_output(struct sandbox_op *op, const char *bytes, size_t len)
{
    struct buf clean;
    buf_init(&clean, 8 * SANDBOX_PIECE);
    text_clean(&clean, bytes, len, TEXT_KEEP_NEWLINES);
    op->offset += (int64_t)len;
    if (clean.len > 0) {
        note(op, mem_str(clean.data));
        size_t room = SANDBOX_RECENT_MAX - 1;
        size_t keep = clean.len < room ? clean.len : room;
        size_t old = op->recent.len + keep > room ? room - keep : op->recent.len;
        memmove(op->recent.data, op->recent.data + (op->recent.len - old), old);
        op->recent.len = old;
        while (keep > 0 && ((unsigned char)clean.data[clean.len - keep] & 0xC0) == 0x80) {
            keep--; /* not from the middle of a character */
        }
        (void)buf_add(&op->recent, clean.data + clean.len - keep, keep);
    }
    buf_fini(&clean);
}

static struct op_step watched(struct sandbox_op *op, const struct buf *piece,
                              struct wall now, struct rng *rng)
{
    int status;
    size_t len, most = strlen(op->mark) + 16;
    if (!base64_decode(&op->tail, piece->data, piece->len)) {
        return again(op, ODD_PAUSE, "output that cannot be read");
    }
    if (sandbox_status(op->tail.data, op->tail.len, op->mark, &status, &len)) {
        take_output(op, op->tail.data, len);
        buf_clear(&op->tail);
        return ended(op, status, now, rng);
    }
    bool is_full = piece->len >= SANDBOX_PIECE; /* in base64: there may be more */
    if (op->tail.len > most) {
        len = op->tail.len - most;
        take_output(op, op->tail.data, len);
        memmove(op->tail.data, op->tail.data + len, most);
        op->tail.len = most;
        op->tail.data[most] = '\0';
        op->pause = SANDBOX_LOOK_FIRST;
    }
    struct span late = {op->bound.ms + SANDBOX_KILL_TIME.ms + SANDBOX_SLACK.ms};
    if (op->bound.ms > 0 && wall_since(now, op->launched_at).ms > late.ms) {
        char text[CLOCK_TEXT_MAX];
        AUTO_FREE char *words = mem_printf("%s did not end in %s", op->order->name,
                                           span_format(op->bound, text));
        return sandbox_op_end(op, STATUS_TIMED_OUT,
                              sandbox_op_is_step(op) ? BLAME_CHANGE : BLAME_WORLD, words);
    }
    if (is_full) {
        return sandbox_op_call(op, now);
    }
    struct op_step step = sleep_in(op, op->pause);
    step.memo = sandbox_op_memo(op);
    op->pause.ms =
        op->pause.ms * 3 / 2 < LOOK_LAST.ms ? op->pause.ms * 3 / 2 : LOOK_LAST.ms;
    return step;
}

/* ---- answers --------------------------------------------------------------------------
 */

static struct op_step wait_for_box(struct sandbox_op *op, bool was_known)
{
    op->phase = PHASE_CONNECT;
    struct op_step step = sleep_in(op, COMING_PAUSE);
    step.memo = was_known ? NULL : sandbox_op_memo(op);
    return step;
}

static struct op_step on_box(struct sandbox_op *op, const struct json *value,
                             struct wall now, struct rng *rng)
{
    bool was_known = op->box.id[0] != '\0';
    switch (op->vendor->read(&op->box, value)) {
    case BOX_READY:
        if (wall_is_set(op->launched_at)) {
            return go(op, PHASE_LAUNCH, now); /* by an earlier engine, or not yet */
        }
        return sandbox_op_is_step(op) ? launch_new(op, now, rng)
                                      : go(op, PHASE_UPLOAD, now);
    case BOX_STOPPED:
        return op->vendor->start != NULL ? go(op, PHASE_START, now) : gone(op);
    case BOX_COMING:
        if (++op->n_coming > COMING_MAX) {
            return sandbox_op_end(op, STATUS_FAILED, BLAME_WORLD,
                                  "the sandbox does not come up");
        }
        return wait_for_box(op, was_known);
    case BOX_GONE:
        return gone(op);
    case BOX_BROKEN:
        break;
    }
    return sandbox_op_end(op, STATUS_FAILED, BLAME_WORLD,
                          "the service has made a sandbox that cannot be used");
}

/* The list is an array, or an object with one. */
static struct op_step on_list(struct sandbox_op *op, const struct json *root,
                              struct wall now)
{
    const struct json *list = json_get(root, "items");
    list = list != NULL ? list : root;
    for (size_t i = 0; i < json_len(list); i++) {
        const struct json *row = json_at(list, i), *labels = json_get(row, "labels");
        labels = labels != NULL ? labels : json_get(row, "metadata");
        if (strcmp(json_str(labels, SANDBOX_LABEL, ""), op->box.uid) == 0 &&
            op->vendor->read(&op->box, row) != BOX_GONE && op->box.id[0] != '\0') {
            return go(op, PHASE_CONNECT, now);
        }
    }
    op->phase = PHASE_CREATE; /* n_odd stays: it counts how often this went round */
    return sandbox_op_call(op, now);
}

static struct op_step on_exec(struct sandbox_op *op, const struct http_response *response,
                              struct wall now, struct rng *rng)
{
    struct err err = ERR_INIT;
    AUTO_BUF struct buf out;
    int status = 0;
    buf_init(&out, ANSWER_MAX);
    if (!op->vendor->read_exec(response, &out, &status, &err)) {
        return again(op, ODD_PAUSE, err.msg);
    }
    op->n_odd = 0;
    if (op->phase == PHASE_LAUNCH) {
        if (status != 0) {
            AUTO_FREE char *text =
                mem_printf("launching in the sandbox failed with exit status %d", status);
            return sandbox_op_end(op, STATUS_FAILED, BLAME_WORLD, text);
        }
        op->phase = PHASE_WATCH;
        return sleep_in(op, SANDBOX_LOOK_FIRST);
    }
    return status != 0 ? gone(op) : watched(op, &out, now, rng);
}

static struct op_step on_fine(struct sandbox_op *op, const struct http_response *response,
                              struct wall now, struct rng *rng)
{
    struct err err = ERR_INIT;
    if (op->phase == PHASE_UPLOAD) {
        return launch_new(op, now, rng);
    }
    if (op->phase == PHASE_LAUNCH || op->phase == PHASE_WATCH) {
        return on_exec(op, response, now, rng);
    }
    if (op->phase == PHASE_START) {
        op->phase = PHASE_CONNECT;
        return sleep_in(op, COMING_PAUSE);
    }
    struct json *root = json_parse(response->body, response->body_len, &err);
    struct op_step step = root == NULL              ? again(op, ODD_PAUSE, err.msg)
                          : op->phase == PHASE_FIND ? on_list(op, root, now)
                                                    : on_box(op, root, now, rng);
    json_free(root);
    return step;
}

struct op_step sandbox_op_answer(void *self, const struct http_response *response,
                                 struct wall now, struct rng *rng)
{
    struct sandbox_op *op = self;
    op->now = now;
    bool is_fine =
        response->fault == HTTP_FINE && response->status >= 200 && response->status < 300;
    bool is_gone = response->fault == HTTP_FINE &&
                   (response->status == 404 || response->status == 410);
    if (op->phase == PHASE_OLD && response->fault != HTTP_BLOCKED) {
        free(op->box.id); /* removed or not: its life is bounded */
        op->box.id = mem_str("");
        return go(op, PHASE_PACK, now);
    }
    if (op->phase == PHASE_REMOVE && (is_fine || is_gone)) {
        struct op_step step =
            sandbox_op_end(op, STATUS_PASSED, BLAME_NONE, "sandbox removed");
        step.keep = mem_str("{}");
        return step;
    }
    if (is_fine) {
        return on_fine(op, response, now, rng);
    }
    return response->fault != HTTP_FINE ? fault(op, response, now)
                                        : refused(op, response);
}

struct op_step sandbox_op_ran(void *self, const struct effect_result *result,
                              struct wall now, struct rng *rng)
{
    struct sandbox_op *op = self;
    op->now = now;
    if (result->status != STATUS_PASSED) {
        return sandbox_op_end(op, result->status, result->blame,
                              result->summary != NULL ? result->summary : "not packed");
    }
    if (result->head_sha != NULL) {
        free(op->order->head_sha);
        op->order->head_sha = mem_str(result->head_sha);
    }
    free(op->box.uid);
    op->box.uid = mem_alloc(SANDBOX_MARK_LEN);
    sandbox_op_mark(op->box.uid, SANDBOX_MARK_LEN - 1, rng);
    return go(op, PHASE_CREATE, now);
}

/* ---- beginning and ending -------------------------------------------------------------
 */

struct op_step sandbox_op_begin(void *self, struct wall now, struct rng *rng)
{
    struct sandbox_op *op = self;
    (void)rng;
    op->now = now;
    sandbox_op_bound(op, now);
    if (op->order->kind == EFFECT_CLEANUP) {
        return op->box.id[0] != '\0'
                   ? go(op, PHASE_REMOVE, now)
                   : sandbox_op_end(op, STATUS_PASSED, BLAME_NONE, "no sandbox");
    }
    if (sandbox_op_is_step(op) && op->box.id[0] == '\0') {
        return sandbox_op_end(op, STATUS_REFUSED, BLAME_WORLD, "there is no sandbox");
    }
    return sandbox_op_call(op, now);
}

struct op_step sandbox_op_wake(void *self, const struct forge_event *hint,
                               struct wall now, struct rng *rng)
{
    struct sandbox_op *op = self;
    (void)rng;
    op->now = now;
    if (hint != NULL && wall_since(op->until, now).ms > 0) { /* never for us */
        return sandbox_op_leave(op, op_sleep(wall_since(op->until, now)));
    }
    return sandbox_op_call(op, now);
}

struct op_step sandbox_op_stop(void *self, struct wall now, struct rng *rng)
{
    struct sandbox_op *op = self;
    (void)now;
    (void)rng;
    op->is_stopping = true;
    return sandbox_op_end(op, STATUS_CANCELLED, BLAME_NONE,
                          op->box.id[0] != '\0'
                              ? "stopped; the sandbox stays until the cleanup"
                              : "stopped");
}
