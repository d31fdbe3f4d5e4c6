/* SPDX-License-Identifier: MIT */
#include "engine/service/sandbox_op.h"

#include "engine/base/base64.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define MEMO_MAX     8192
#define SCRIPT_MAX   (88 * 1024) /* base64 of it is one word of a command line */
#define RECENT_MAX   EXCERPT_MAX
#define LOOK_FIRST   ((struct span){1000})
#define LOOK_LAST    ((struct span){10000})
#define COMING_PAUSE ((struct span){2000})
#define COMING_MAX   150 /* looks at a sandbox that does not come up */
#define ODD_PAUSE    ((struct span){5000})
#define ODD_MAX      12 /* failures in a row of one phase */
#define FILL_TIME    ((struct span){300000})
#define ANSWER_MAX   (4 * 1024 * 1024)

enum phase {
    PHASE_OLD,     /* remove the sandbox of the iteration before */
    PHASE_PACK,    /* a runner packs the files */
    PHASE_FIND,    /* was it created by an earlier engine? */
    PHASE_CREATE,  /* */
    PHASE_CONNECT, /* until it is up */
    PHASE_START,   /* it was stopped */
    PHASE_UPLOAD,
    PHASE_LAUNCH,
    PHASE_WATCH,
    PHASE_REMOVE
};
static const char *const phase_words[] = {"old",     "pack",  "find",   "create",
                                          "connect", "start", "upload", "launch",
                                          "watch",   "remove"};

struct sandbox_op {
    const struct sandbox_vendor *vendor;
    struct order *order; /* what is needed of it */
    struct box box;
    enum phase phase;
    struct span bound; /* of the command; 0 = none */
    struct env_var *env;
    size_t n_env;
    char mark[SANDBOX_MARK_LEN];
    int try;
    int64_t offset; /* of the output: what is in the log */
    struct wall launched_at;
    struct buf tail, recent;
    struct span pause;
    int n_odd, n_coming;
    struct wall now, until; /* of the last input; end of the sleep */
    bool is_stopping;
    char *log; /* for the next step */
};

/* ---- helpers --------------------------------------------------------------------------
 */

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

static void make_mark(char *mark, size_t len, struct rng *rng)
{
    for (size_t i = 0; i < len; i++) {
        mark[i] = "0123456789abcdef"[rng_next(rng) >> 60];
    }
    mark[len] = '\0';
}

static bool is_step(const struct sandbox_op *op)
{
    return op->order->kind == EFFECT_SETUP || op->order->kind == EFFECT_CHECK;
}

static char *make_memo(const struct sandbox_op *op)
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

static void note(struct sandbox_op *op, char *text) /* takes text */
{
    char *both = op->log != NULL ? mem_printf("%s%s", op->log, text) : mem_str(text);
    free(op->log);
    free(text);
    op->log = both;
}

/* Every step leaves through here: with the log that has gathered. */
static struct op_step with_log(struct sandbox_op *op, struct op_step step)
{
    step.log = TAKE(op->log);
    return step;
}

static struct op_step done(struct sandbox_op *op, enum effect_status status,
                           enum blame blame, const char *text)
{
    return with_log(op, op_done(op->order, status, blame, "%s", text));
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

static char *make_script(const struct sandbox_op *op)
{
    AUTO_BUF struct buf text;
    buf_init(&text, 2 * SCRIPT_MAX);
    if (!is_step(op)) {
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
    AUTO_FREE char *script = make_script(op);
    AUTO_BUF struct buf coded;
    buf_init(&coded, 4 * SCRIPT_MAX);
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

static struct op_step call(struct sandbox_op *op, struct wall now)
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
        step.memo = make_memo(op);
    }
    return with_log(op, step);
}

static struct op_step go(struct sandbox_op *op, enum phase phase, struct wall now)
{
    op->phase = phase;
    op->n_odd = 0;
    return call(op, now);
}

static struct op_step sleep_in(struct sandbox_op *op, struct span span)
{
    op->until = wall_add(op->now, span);
    return with_log(op, op_sleep(span));
}

/* ---- what went wrong ------------------------------------------------------------------
 */

static struct op_step gone(struct sandbox_op *op)
{
    return done(op, STATUS_REFUSED, BLAME_WORLD, "the sandbox is gone");
}

static bool has_begun(const struct sandbox_op *op)
{
    return op->phase != PHASE_OLD && op->phase != PHASE_PACK &&
           (op->phase != PHASE_CREATE || op->n_odd > 0) &&
           !(is_step(op) && op->phase == PHASE_CONNECT);
}

/* Once more after a pause; when that was done too often, no more. */
static struct op_step again(struct sandbox_op *op, struct span pause, const char *why)
{
    if (++op->n_odd > ODD_MAX) {
        AUTO_FREE char *text = mem_printf("%s: %s", op->box.service->name, why);
        return done(op, STATUS_FAILED, BLAME_WORLD, text);
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
        return done(op, STATUS_CANCELLED, BLAME_NONE, "stopped");
    }
    if (response->fault == HTTP_NO_TOKEN) {
        return done(op, STATUS_REFUSED, BLAME_SETUP, text);
    }
    if (!has_begun(op) &&
        (response->fault == HTTP_BLOCKED || response->fault == HTTP_UNREACHED)) {
        return with_log(op, op_deferred(op->order, op->box.service, response));
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
                   ? done(op, STATUS_REFUSED, BLAME_SETUP, text)
                   : gone(op);
    case 402:
        return done(op, STATUS_FAILED, BLAME_OPERATOR, text);
    case 400:
    case 401:
    case 403:
    case 422:
        return done(op, STATUS_REFUSED, BLAME_SETUP, text);
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

static void set_bound(struct sandbox_op *op, struct wall now)
{
    const struct order *order = op->order;
    int64_t most = is_step(op) ? order->command.timeout.ms : FILL_TIME.ms;
    if (wall_is_set(order->deadline_at)) {
        int64_t left = wall_since(order->deadline_at, now).ms;
        left = left > 0 ? left : 1;
        most = most > 0 && most < left ? most : left;
    }
    op->bound = (struct span){most};
}

static struct op_step launch_new(struct sandbox_op *op, struct wall now, struct rng *rng)
{
    op->try++;
    op->offset = 0;
    op->launched_at = (struct wall){0};
    op->pause = LOOK_FIRST;
    buf_clear(&op->tail);
    make_mark(op->mark, SANDBOX_MARK_LEN - 1, rng);
    set_bound(op, now);
    return go(op, PHASE_LAUNCH, now);
}

static struct op_step filled(struct sandbox_op *op, int status)
{
    if (status != 0) {
        AUTO_FREE char *text =
            mem_printf("unpacking in the sandbox failed with exit status %d", status);
        return done(op, STATUS_FAILED, BLAME_WORLD, text);
    }
    AUTO_FREE char *text = mem_printf("sandbox %s of %s with %.10s", op->box.id,
                                      op->box.service->name, op->order->head_sha);
    struct op_step step = done(op, STATUS_PASSED, BLAME_NONE, text);
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
    if (!is_step(op)) {
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
    return with_log(op, (struct op_step){.turn = OP_DONE, .result = result});
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
        size_t room = RECENT_MAX - 1;
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
        op->pause = LOOK_FIRST;
    }
    struct span late = {op->bound.ms + SANDBOX_KILL_TIME.ms + SANDBOX_SLACK.ms};
    if (op->bound.ms > 0 && wall_since(now, op->launched_at).ms > late.ms) {
        char text[CLOCK_TEXT_MAX];
        AUTO_FREE char *words = mem_printf("%s did not end in %s", op->order->name,
                                           span_format(op->bound, text));
        return done(op, STATUS_TIMED_OUT, is_step(op) ? BLAME_CHANGE : BLAME_WORLD,
                    words);
    }
    if (is_full) {
        return call(op, now);
    }
    struct op_step step = sleep_in(op, op->pause);
    step.memo = make_memo(op);
    op->pause.ms =
        op->pause.ms * 3 / 2 < LOOK_LAST.ms ? op->pause.ms * 3 / 2 : LOOK_LAST.ms;
    return step;
}

/* ---- answers --------------------------------------------------------------------------
 */

static struct op_step on_box(struct sandbox_op *op, const struct json *value,
                             struct wall now, struct rng *rng)
{
    bool was_known = op->box.id[0] != '\0';
    switch (op->vendor->read(&op->box, value)) {
    case BOX_READY:
        if (wall_is_set(op->launched_at)) {
            return go(op, PHASE_LAUNCH, now); /* by an earlier engine, or not yet */
        }
        return is_step(op) ? launch_new(op, now, rng) : go(op, PHASE_UPLOAD, now);
    case BOX_STOPPED:
        return op->vendor->start != NULL ? go(op, PHASE_START, now) : gone(op);
    case BOX_COMING:
        if (++op->n_coming > COMING_MAX) {
            return done(op, STATUS_FAILED, BLAME_WORLD, "the sandbox does not come up");
        }
        op->phase = PHASE_CONNECT;
        struct op_step step = sleep_in(op, COMING_PAUSE);
        step.memo = was_known ? NULL : make_memo(op);
        return step;
    case BOX_GONE:
        return gone(op);
    case BOX_BROKEN:
        break;
    }
    return done(op, STATUS_FAILED, BLAME_WORLD,
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
    return call(op, now);
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
            return done(op, STATUS_FAILED, BLAME_WORLD, text);
        }
        op->phase = PHASE_WATCH;
        return sleep_in(op, LOOK_FIRST);
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

static struct op_step answer(void *self, const struct http_response *response,
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
        struct op_step step = done(op, STATUS_PASSED, BLAME_NONE, "sandbox removed");
        step.keep = mem_str("{}");
        return step;
    }
    if (is_fine) {
        return on_fine(op, response, now, rng);
    }
    return response->fault != HTTP_FINE ? fault(op, response, now)
                                        : refused(op, response);
}

static struct op_step ran(void *self, const struct effect_result *result, struct wall now,
                          struct rng *rng)
{
    struct sandbox_op *op = self;
    op->now = now;
    if (result->status != STATUS_PASSED) {
        return done(op, result->status, result->blame,
                    result->summary != NULL ? result->summary : "not packed");
    }
    if (result->head_sha != NULL) {
        free(op->order->head_sha);
        op->order->head_sha = mem_str(result->head_sha);
    }
    free(op->box.uid);
    op->box.uid = mem_alloc(SANDBOX_MARK_LEN);
    make_mark(op->box.uid, SANDBOX_MARK_LEN - 1, rng);
    return go(op, PHASE_CREATE, now);
}

/* ---- opening and ending ---------------------------------------------------------------
 */

static struct op_step begin(void *self, struct wall now, struct rng *rng)
{
    struct sandbox_op *op = self;
    (void)rng;
    op->now = now;
    set_bound(op, now);
    if (op->order->kind == EFFECT_CLEANUP) {
        return op->box.id[0] != '\0' ? go(op, PHASE_REMOVE, now)
                                     : done(op, STATUS_PASSED, BLAME_NONE, "no sandbox");
    }
    if (is_step(op) && op->box.id[0] == '\0') {
        return done(op, STATUS_REFUSED, BLAME_WORLD, "there is no sandbox");
    }
    return call(op, now);
}

static struct op_step wake(void *self, const struct forge_event *hint, struct wall now,
                           struct rng *rng)
{
    struct sandbox_op *op = self;
    (void)rng;
    op->now = now;
    if (hint != NULL && wall_since(op->until, now).ms > 0) { /* never for us */
        return with_log(op, op_sleep(wall_since(op->until, now)));
    }
    return call(op, now);
}

static struct op_step stop(void *self, struct wall now, struct rng *rng)
{
    struct sandbox_op *op = self;
    (void)now;
    (void)rng;
    op->is_stopping = true;
    return done(op, STATUS_CANCELLED, BLAME_NONE,
                op->box.id[0] != '\0' ? "stopped; the sandbox stays until the cleanup"
                                      : "stopped");
}

static void close_op(void *self)
{
    struct sandbox_op *op = self;
    order_free(op->order);
    sandbox_env_free(op->env, op->n_env);
    free(op->box.uid);
    free(op->box.id);
    free(op->box.base);
    free(op->box.access);
    free(op->box.body_file);
    free(op->log);
    buf_fini(&op->tail);
    buf_fini(&op->recent);
    free(op);
}

static struct order *copy_order(const struct order *from)
{
    struct order *order = mem_alloc(sizeof(*order));
    size_t n = 0;
    order->workflow = from->workflow;
    order->seq = from->seq;
    order->kind = from->kind;
    order->iteration = from->iteration;
    order->attempt = from->attempt;
    order->deadline_at = from->deadline_at;
    order->name = mem_str(from->name);
    order->branch = mem_str(from->branch);
    order->base = mem_str(from->base);
    order->base_sha = mem_str(from->base_sha);
    order->head_sha = mem_str(from->head_sha);
    order->command.timeout = from->command.timeout;
    order->command.retries = from->command.retries;
    while (from->command.argv != NULL && from->command.argv[n] != NULL) {
        n++;
    }
    if (n > 0) {
        order->command.argv = mem_array(n + 1, sizeof(char *));
        for (size_t i = 0; i < n; i++) {
            order->command.argv[i] = mem_str(from->command.argv[i]);
        }
    }
    return order;
}

static void recall(struct sandbox_op *op, const struct op_input *input)
{
    struct err err = ERR_INIT;
    struct json *memo = input->memo[0] != '\0'
                            ? json_parse(input->memo, strlen(input->memo), &err)
                            : NULL;
    struct json *keep = input->keep[0] != '\0'
                            ? json_parse(input->keep, strlen(input->keep), &err)
                            : NULL;
    const char *phase = json_str(memo, "phase", "");
    const char *kept = json_str(keep, "sandbox", "");
    const char *id = json_str(memo, "id", "");
    op->box.uid = mem_str(json_str(memo, "uid", ""));
    op->try = (int)json_int(memo, "try", 0);
    op->offset = json_int(memo, "offset", 0);
    op->launched_at.ms = json_int(memo, "at", 0);
    (void)snprintf(op->mark, sizeof(op->mark), "%s", json_str(memo, "mark", ""));
    if (op->order->kind != EFFECT_SANDBOX) {
        op->box.id = mem_str(kept);
        op->phase = PHASE_CONNECT;
    } else if (id[0] != '\0') {
        op->box.id = mem_str(id);
        op->phase = PHASE_CONNECT;
    } else if (strcmp(phase, "create") == 0 && op->box.uid[0] != '\0') {
        op->box.id = mem_str("");
        op->phase = PHASE_FIND;
    } else {
        op->box.id = mem_str(strcmp(phase, "pack") != 0 ? kept : "");
        op->phase = op->box.id[0] != '\0' ? PHASE_OLD : PHASE_PACK;
    }
    json_free(memo);
    json_free(keep);
}

static void *open_op(const struct op_input *input, const struct sandbox_vendor *vendor,
                     struct err *err)
{
    const struct order *order = input->order;
    bool runs = order->kind == EFFECT_SETUP || order->kind == EFFECT_CHECK;
    if (runs && order->command.argv == NULL) {
        err_set(err, ERR_CONFIG, "the pipeline has no such command");
        return NULL;
    }
    struct env_var *env = NULL;
    size_t n_env = 0;
    if (runs && !sandbox_env(order, &env, &n_env, err)) {
        return NULL;
    }
    struct sandbox_op *op = mem_alloc(sizeof(*op));
    op->vendor = vendor;
    op->order = copy_order(order);
    op->env = env;
    op->n_env = n_env;
    op->box = (struct box){
        .service = input->service,
        .base = mem_str(""),
        .access = mem_str(""),
        .has_network = order->bounds.has_network,
        .body_file = mem_printf("%s/" SANDBOX_BODY, order->workflow_folder),
    };
    op->pause = LOOK_FIRST;
    buf_init(&op->tail, 4 * SANDBOX_PIECE);
    buf_init(&op->recent, RECENT_MAX);
    (void)buf_str(&op->recent, " "); /* so that it has memory of its own */
    buf_clear(&op->recent);
    recall(op, input);
    AUTO_FREE char *script = runs ? make_script(op) : NULL;
    if (script != NULL && strlen(script) > SCRIPT_MAX) {
        err_set(err, ERR_CONFIG, "the command is longer than %d bytes", SCRIPT_MAX);
        close_op(op);
        return NULL;
    }
    return op;
}

static void *open_daytona(const struct op_input *input, struct err *err)
{
    return open_op(input, &daytona_vendor, err);
}

static void *open_e2b(const struct op_input *input, struct err *err)
{
    return open_op(input, &e2b_vendor, err);
}

#define CLASS(class_name, opens)                                                         \
    {                                                                                    \
        .name = class_name, .open = (opens), .begin = begin, .answer = answer,           \
        .wake = wake, .ran = ran, .stop = stop, .close = close_op                        \
    }
static const struct op_class daytona = CLASS("daytona.sandbox", open_daytona);
static const struct op_class e2b = CLASS("e2b.sandbox", open_e2b);

static const struct op_row rows[] = {
    {SERVICE_DAYTONA, EFFECT_SANDBOX, &daytona},
    {SERVICE_DAYTONA, EFFECT_SETUP,   &daytona},
    {SERVICE_DAYTONA, EFFECT_CHECK,   &daytona},
    {SERVICE_DAYTONA, EFFECT_CLEANUP, &daytona},
    {SERVICE_E2B,     EFFECT_SANDBOX, &e2b    },
    {SERVICE_E2B,     EFFECT_SETUP,   &e2b    },
    {SERVICE_E2B,     EFFECT_CHECK,   &e2b    },
    {SERVICE_E2B,     EFFECT_CLEANUP, &e2b    },
};
const struct op_table sandbox_ops = {rows, ARRAY_LEN(rows)};
