/* SPDX-License-Identifier: MIT */
/* Daytona and E2B: their ops against a service that is played here, call by call; commands
 * really run, in a folder. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/base64.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/desk.h"
#include "engine/service/sandbox_op.h"
#include "tests/lib/lab.h"

/* ---- the service ----------------------------------------------------------------------
 */

static struct lab lab;
static struct service_spec service;
static char *home; /* of the sandbox */
static char *label;
static int n_created, n_removed, n_coming, n_execs;
static bool is_up;
static enum http_fault next_fault; /* of the next call; it is done all the same */
static int next_status;            /* of the next call, which is not done */
static struct wall now;
static struct rng rng;

static int begin_play(enum service_kind kind)
{
    lab_open(&lab);
    service = (struct service_spec){.kind = kind};
    service.name = mem_str("boxes");
    service.url = mem_str("");
    service.template = mem_str("python-3");
    home = file_join(lab.root, "home of it");
    n_created = n_removed = n_coming = n_execs = next_status = 0;
    is_up = false;
    next_fault = HTTP_FINE;
    now = wall_now();
    rng_init(&rng, 7);
    return 0;
}

static int setup_e2b(void **state)
{
    (void)state;
    return begin_play(SERVICE_E2B);
}

static int setup_daytona(void **state)
{
    (void)state;
    return begin_play(SERVICE_DAYTONA);
}

static int teardown(void **state)
{
    (void)state;
    free(service.name);
    free(service.url);
    free(service.template);
    free(home);
    free(label);
    label = NULL;
    lab_close(&lab);
    return 0;
}

static struct http_response *say(int status, char *text) /* takes text */
{
    struct http_response *response = http_response_new(HTTP_FINE, status);
    free(response->body);
    response->body = text;
    response->body_len = strlen(text);
    return response;
}

static const char *header_of(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return "";
}

static void take_label(const struct json *labels)
{
    free(label);
    label = mem_str(json_str(labels, SANDBOX_LABEL, ""));
    assert_int_equal(strlen(label), SANDBOX_MARK_LEN - 1);
}

static struct http_response *tell_box(int status)
{
    const char *state = n_coming-- > 0 ? "creating" : "started";
    if (!is_up) {
        return say(404, mem_printf("{\"code\":404,\"message\":\"no %s%s\"}", "box", ""));
    }
    return service.kind == SERVICE_E2B
               ? say(status,
                     mem_printf(
                         "{\"sandboxID\":\"ibox1\",\"envdAccessToken\":\"at-secret\","
                         "\"domain\":null%s%s}",
                         "", ""))
               : say(status,
                     mem_printf("{\"id\":\"ibox1\",\"state\":\"%s\",\"toolboxProxyUrl\":"
                                "\"https://proxy.example.com/toolbox%s\"}",
                                state, "/"));
}

static struct http_response *create(const struct http_request *request)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(request->body, request->body_len, &err);
    assert_non_null(root);
    assert_int_equal(request->class, CALL_CREATE);
    if (service.kind == SERVICE_E2B) {
        assert_string_equal(json_str(root, "templateID", ""), "python-3");
        assert_true(json_bool(root, "secure", false));
        take_label(json_get(root, "metadata"));
    } else {
        assert_string_equal(json_str(root, "snapshot", ""), "python-3");
        take_label(json_get(root, "labels"));
    }
    json_free(root);
    n_created++;
    is_up = true;
    assert_true(file_make_dirs(home, &err));
    return tell_box(service.kind == SERVICE_E2B ? 201 : 200);
}

static struct http_response *list(void)
{
    return !is_up ? say(200, mem_printf("[]%s%s", "", ""))
           : service.kind == SERVICE_E2B
               ? say(200, mem_printf(
                              "[{\"sandboxID\":\"other\",\"metadata\":{}},{\"sandboxID\":"
                              "\"ibox1\",\"metadata\":{\"" SANDBOX_LABEL "\":\"%s\"}}]%s",
                              label, ""))
               : say(200,
                     mem_printf("{\"items\":[{\"id\":\"ibox1\",\"state\":\"creating\","
                                "\"labels\":{\"" SANDBOX_LABEL "\":\"%s\"}}]}%s",
                                label, ""));
}

static struct http_response *upload(const struct http_request *request)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *body = NULL;
    size_t len;
    assert_string_equal(request->content_type,
                        "multipart/form-data; boundary=" SANDBOX_BOUNDARY);
    if (!file_read(request->body_file, 100 << 20, &body, &len, &err)) {
        fail_msg("%s", err.msg);
    }
    char *from = strstr(body, "\r\n\r\n") + 4;
    static const char tail[] = "\r\n--" SANDBOX_BOUNDARY "--\r\n";
    size_t n = len - (size_t)(from - body) - (sizeof(tail) - 1);
    assert_memory_equal(from + n, tail, sizeof(tail) - 1);
    AUTO_FREE char *path = file_join(home, SANDBOX_ARCHIVE_NAME);
    assert_true(file_write(path, from, n, &err));
    return say(200, mem_printf("[]%s%s", "", ""));
}

/* What a shell in the sandbox makes of it. */
static char *run(const char *command, int *ret_status)
{
    int fds[2];
    char chunk[65536];
    struct buf out;
    buf_init(&out, 64 << 20);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir(home) == 0 && dup2(fds[1], 1) >= 0) {
            (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        }
        _exit(127);
    }
    (void)close(fds[1]);
    for (ssize_t n; (n = read(fds[0], chunk, sizeof(chunk))) > 0;) {
        (void)buf_add(&out, chunk, (size_t)n);
    }
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, ret_status, 0), pid);
    *ret_status = WEXITSTATUS(*ret_status);
    return buf_take(&out, NULL);
}

static void envelope(struct buf *out, int flags, const char *json)
{
    size_t len = strlen(json);
    char head[5] = {(char)flags, 0, (char)(len >> 16), (char)(len >> 8), (char)len};
    (void)buf_add(out, head, sizeof(head));
    (void)buf_str(out, json);
}

static struct http_response *execute_e2b(const struct http_request *request)
{
    struct err err = ERR_INIT;
    struct buf stream, coded;
    int status;
    assert_true(request->is_foreign);
    assert_string_equal(header_of(request, "X-Access-Token"), "at-secret");
    assert_string_equal(header_of(request, "E2b-Sandbox-Port"), "49983");
    assert_string_equal(request->content_type, "application/connect+json");
    size_t said = (size_t)(unsigned char)request->body[2] << 16 |
                  (size_t)(unsigned char)request->body[3] << 8 |
                  (size_t)(unsigned char)request->body[4];
    assert_int_equal(request->body_len, 5 + said);
    struct json *root = json_parse(request->body + 5, request->body_len - 5, &err);
    const struct json *args = json_get(json_get(root, "process"), "args");
    AUTO_FREE char *out = run(json_text(json_at(args, 1)), &status);
    json_free(root);
    buf_init(&stream, 16 << 20);
    buf_init(&coded, 16 << 20);
    (void)base64_encode(&coded, out, strlen(out));
    envelope(&stream, 0, "{\"event\":{\"start\":{\"pid\":7}}}");
    envelope(&stream, 0, "{\"event\":{\"keepalive\":{}}}");
    AUTO_FREE char *data =
        mem_printf("{\"event\":{\"data\":{\"stdout\":\"%s\"}}}", coded.data);
    envelope(&stream, 0, data);
    AUTO_FREE char *end =
        status == 0
            ? mem_str("{\"event\":{\"end\":{\"exited\":true}}}")
            : mem_printf("{\"event\":{\"end\":{\"exitCode\":%d,\"exited\":true}}}",
                         status);
    envelope(&stream, 0, end);
    envelope(&stream, 2, "{}");
    struct http_response *response = http_response_new(HTTP_FINE, 200);
    free(response->body);
    response->body = buf_take(&stream, &response->body_len);
    buf_fini(&coded);
    return response;
}

static struct http_response *execute_daytona(const struct http_request *request)
{
    struct err err = ERR_INIT;
    struct buf text;
    struct jsonw w;
    int status;
    struct json *root = json_parse(request->body, request->body_len, &err);
    assert_true(request->is_trusted && !request->is_foreign);
    AUTO_FREE char *out = run(json_str(root, "command", ""), &status);
    json_free(root);
    buf_init(&text, 16 << 20);
    jsonw_init(&w, &text);
    jsonw_open(&w, NULL, '{');
    jsonw_int(&w, "exitCode", status);
    jsonw_str(&w, "result", out);
    jsonw_close(&w, '}');
    struct http_response *response = http_response_new(HTTP_FINE, 200);
    free(response->body);
    response->body = buf_take(&text, &response->body_len);
    return response;
}

static struct http_response *serve(const struct http_request *request)
{
    const char *url = request->url;
    bool is_e2b = service.kind == SERVICE_E2B;
    const char *boxes = is_e2b ? "/sandboxes" : "/sandbox";
    const char *inside = is_e2b ? "https://49983-ibox1.e2b.app"
                                : "https://proxy.example.com/toolbox/ibox1";
    const char *exec = is_e2b ? "/process.Process/Start" : "/process/execute";
    size_t n = strlen(inside);
    if (request->method == HTTP_POST && strcmp(url, boxes) == 0) {
        return create(request);
    }
    if (strstr(url, is_e2b ? "/v2/sandboxes?metadata=" : "/sandbox?labels=") == url) {
        return list();
    }
    if (strncmp(url, inside, n) == 0 && strcmp(url + n, exec) == 0) {
        n_execs++;
        return is_e2b ? execute_e2b(request) : execute_daytona(request);
    }
    if (strncmp(url, inside, n) == 0 && strstr(url + n, "/files") == url + n) {
        return upload(request);
    }
    if (request->method == HTTP_DELETE) {
        n_removed++;
        bool was_up = is_up;
        is_up = false;
        return was_up ? say(204, mem_printf("%s%s", "", "")) : tell_box(404);
    }
    assert_true(strstr(url, "/ibox1") != NULL);
    return tell_box(200);
}

static struct http_response *transmit(const struct http_request *request)
{
    if (next_status != 0) {
        struct http_response *response =
            say(next_status, mem_printf("{\"message\":\"%s%s\"}", "no way", ""));
        next_status = 0;
        return response;
    }
    struct http_response *response = serve(request);
    if (next_fault != HTTP_FINE) {
        http_response_free(response);
        response = http_response_new(next_fault, 0);
        next_fault = HTTP_FINE;
    }
    return response;
}

/* ---- an engine ------------------------------------------------------------------------
 */

static char *memo, *keep, *log_text;
static int die_after; /* calls until the engine dies; 0 = never */
static int n_ran;

static void put(char **field, char *text)
{
    if (text != NULL) {
        free(*field);
        *field = text;
    }
}

static void take_side(struct op_step *step)
{
    put(&memo, step->memo);
    put(&keep, step->keep);
    if (step->log != NULL) {
        char *both = mem_printf("%s%s", log_text, step->log);
        free(step->log);
        put(&log_text, both);
    }
}

static struct op_step pack(const struct op_class *class, void *op, struct order *order)
{
    struct effect_result *packed;
    AUTO_FREE char *again = file_join(order->folder, "result.json");
    if (!file_exists(again)) {
        n_ran++;
    }
    packed = lab_run(order);
    struct op_step step = class->ran(op, packed, now, &rng);
    effect_result_free(packed);
    return step;
}

/* One life of an engine. NULL when it died. */
static struct effect_result *live(struct order *order)
{
    struct err err = ERR_INIT;
    const struct op_class *class = op_find(service.kind, order->kind);
    const struct op_input input = {.order = order,
                                   .service = &service,
                                   .task = "",
                                   .plan = "",
                                   .errors = "",
                                   .memo = memo,
                                   .keep = keep};
    void *op = class->open(&input, &err);
    if (op == NULL) {
        fail_msg("%s", err.msg);
    }
    struct op_step step = class->begin(op, now, &rng);
    for (int n = 0; n < 2000; n++) {
        take_side(&step);
        if (step.turn == OP_DONE) {
            break;
        }
        if (step.turn == OP_SLEEP) {
            struct timespec pause = {.tv_nsec = 2000000};
            (void)nanosleep(&pause, NULL); /* for what runs in the background */
            now = wall_add(now, step.sleep);
            step = class->wake(op, NULL, now, &rng);
            continue;
        }
        if (step.turn == OP_RUN) {
            step = pack(class, op, order);
            continue;
        }
        struct http_response *response = transmit(step.request);
        http_request_free(step.request);
        if (die_after > 0 && --die_after == 0) {
            http_response_free(response);
            class->close(op);
            return NULL;
        }
        step = class->answer(op, response, now, &rng);
        http_response_free(response);
    }
    assert_int_equal(step.turn, OP_DONE);
    class->close(op);
    return step.result;
}

static struct order *order_of(enum effect_kind kind, int64_t seq, const char *command)
{
    struct order *order = lab_order(&lab, 1, seq, kind);
    AUTO_FREE char *sha = lab_sh(&lab, lab.repo, "git rev-parse HEAD");
    lab_set(&order->head_sha, sha);
    lab_command(order, command);
    order->provider = mem_str("boxes");
    order->service_kind = service.kind;
    order->deadline_at = wall_add(now, span_s(1800));
    return order;
}

static void forget(void)
{
    put(&memo, mem_str(""));
    put(&log_text, mem_str(""));
}

static struct effect_result *perform(enum effect_kind kind, int64_t seq,
                                     const char *command, int retries)
{
    struct order *order = order_of(kind, seq, command);
    order->command.retries = retries;
    forget();
    struct effect_result *result = NULL;
    for (int lives = 0; result == NULL && lives < 100; lives++) {
        result = live(order);
    }
    order_free(order);
    return result;
}

static void expect(enum effect_kind kind, int64_t seq, const char *command, int retries,
                   enum effect_status status, enum blame blame, const char *words)
{
    struct effect_result *result = perform(kind, seq, command, retries);
    if (result->status != status || result->blame != blame ||
        strstr(result->summary, words) == NULL) {
        fail_msg("%s/%s: %s\n%s", status_name(result->status), blame_word(result->blame),
                 result->summary, log_text);
    }
    effect_result_free(result);
}

static void make_sandbox(void)
{
    put(&keep, mem_str(""));
    n_ran = die_after = 0;
    expect(EFFECT_SANDBOX, 1, "", 0, STATUS_PASSED, BLAME_NONE,
           "sandbox ibox1 of boxes with ");
    assert_string_equal(keep, "{\"sandbox\":\"ibox1\"}");
}

/* ---- tests ----------------------------------------------------------------------------
 */

static void test_whole_way(void **state)
{
    (void)state;
    n_coming = 3;
    make_sandbox();
    assert_int_equal(n_created, 1);
    expect(EFFECT_SETUP, 2, "echo made > made; cat a.txt", 0, STATUS_PASSED, BLAME_NONE,
           "setup passed");
    assert_string_equal(log_text, "one\ntwo\nthree\n");
    expect(EFFECT_CHECK, 3, "cat made; echo words >&2; test \"$CI\" = true; echo it\\'s",
           0, STATUS_PASSED, BLAME_NONE, "check passed");
    assert_string_equal(log_text, "made\nwords\nit's\n");
    struct effect_result *result =
        perform(EFFECT_CHECK, 4, "echo 'a.c:3: error: bad'; exit 3", 0);
    assert_int_equal(result->status, STATUS_FAILED);
    assert_int_equal(result->blame, BLAME_CHANGE);
    assert_string_equal(result->excerpt, "a.c:3: error: bad\n");
    effect_result_free(result);
    expect(EFFECT_CHECK, 5, "no-such-program", 0, STATUS_REFUSED, BLAME_SETUP,
           "not found");
    expect(EFFECT_CHECK, 6, "echo x >> tries; test $(wc -l < tries) -ge 3", 2,
           STATUS_FLAKY, BLAME_NONE, "passed at try 3 of 3");
    assert_non_null(strstr(log_text, "try 3 of 3"));
    expect(EFFECT_CHECK, 7, "yes 0123456789 | head -n 60000", 0, STATUS_PASSED,
           BLAME_NONE, "");
    assert_int_equal(strlen(log_text), 660000);
    expect(EFFECT_CLEANUP, 8, "", 0, STATUS_PASSED, BLAME_NONE, "sandbox removed");
    assert_int_equal(n_removed, 1);
    assert_null(strstr(keep, "ibox1"));
}

static void test_engine_dies_after_any_call(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    for (int at = 1; at <= 6; at++) {
        n_created = 0;
        is_up = false;
        assert_true(file_remove_tree(home, &err));
        AUTO_FREE char *work = mem_printf("%s/wf-1", lab.work);
        assert_true(file_remove_tree(work, &err));
        put(&keep, mem_str(""));
        die_after = at;
        expect(EFFECT_SANDBOX, 1, "", 0, STATUS_PASSED, BLAME_NONE, "ibox1");
        assert_int_equal(n_created, 1);
        die_after = at;
        expect(EFFECT_CHECK, 2, "echo x >> ../runs; cat a.txt", 0, STATUS_PASSED,
               BLAME_NONE, "");
        assert_string_equal(log_text, "one\ntwo\nthree\n");
        AUTO_FREE char *runs = lab_read(home, "runs");
        assert_string_equal(runs, "x\n"); /* launched once */
        die_after = 0;
    }
}

static void test_answers_that_do_not_come(void **state)
{
    (void)state;
    next_fault = HTTP_TIMEOUT; /* of create: it was done */
    make_sandbox();
    assert_int_equal(n_created, 1);
    next_fault = HTTP_LOST;
    expect(EFFECT_CHECK, 2, "cat a.txt", 0, STATUS_PASSED, BLAME_NONE, "");
    next_status = 503;
    expect(EFFECT_CHECK, 3, "cat a.txt", 0, STATUS_PASSED, BLAME_NONE, "");
}

static void test_nothing_begun_is_deferred(void **state)
{
    (void)state;
    put(&keep, mem_str(""));
    next_fault = HTTP_FINE;
    struct order *order = order_of(EFFECT_SANDBOX, 1, "");
    forget();
    const struct op_class *class = op_find(service.kind, EFFECT_SANDBOX);
    const struct op_input input = {order, &service, "", "", "", "", "", NULL};
    struct err err = ERR_INIT;
    void *op = class->open(&input, &err);
    struct op_step step = class->begin(op, now, &rng);
    assert_int_equal(step.turn, OP_RUN);
    free(step.memo);
    step = pack(class, op, order);
    assert_int_equal(step.turn, OP_CALL);
    http_request_free(step.request);
    free(step.memo);
    struct http_response *response = http_response_new(HTTP_BLOCKED, 0);
    step = class->answer(op, response, now, &rng);
    http_response_free(response);
    assert_int_equal(step.turn, OP_DONE);
    assert_int_equal(step.result->status, STATUS_DEFERRED);
    assert_int_equal(step.result->blame, BLAME_SERVICE);
    effect_result_free(step.result);
    class->close(op);
    order_free(order);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum effect_status want;
        enum blame blame;
    } cases[] = {
        {401, STATUS_REFUSED, BLAME_OPERATOR},
        {403, STATUS_REFUSED, BLAME_SETUP   },
        {400, STATUS_REFUSED, BLAME_SETUP   },
        {402, STATUS_FAILED,  BLAME_OPERATOR},
        {404, STATUS_REFUSED, BLAME_SETUP   },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put(&keep, mem_str(""));
        next_status = cases[i].status;
        expect(EFFECT_SANDBOX, 1, "", 0, cases[i].want, cases[i].blame, "no way");
    }
    assert_int_equal(n_created, 0);
}

static void test_sandbox_that_is_gone(void **state)
{
    (void)state;
    make_sandbox();
    is_up = false;
    expect(EFFECT_CHECK, 2, "true", 0, STATUS_REFUSED, BLAME_WORLD,
           "the sandbox is gone");
    put(&keep, mem_str(""));
    expect(EFFECT_CHECK, 3, "true", 0, STATUS_REFUSED, BLAME_WORLD,
           "there is no sandbox");
    expect(EFFECT_CLEANUP, 4, "", 0, STATUS_PASSED, BLAME_NONE, "no sandbox");
}

static void test_old_sandbox_is_removed(void **state)
{
    (void)state;
    make_sandbox();
    expect(EFFECT_SANDBOX, 11, "", 0, STATUS_PASSED, BLAME_NONE, "ibox1");
    assert_int_equal(n_removed, 1);
    assert_int_equal(n_created, 2);
}

static void test_command_that_hangs(void **state)
{
    (void)state;
    make_sandbox();
    struct order *order = order_of(EFFECT_CHECK, 2, "echo up; sleep 1000");
    order->command.timeout = span_s(1);
    forget();
    struct effect_result *result = live(order);
    assert_int_equal(result->status, STATUS_TIMED_OUT);
    assert_int_equal(result->blame, BLAME_CHANGE);
    assert_non_null(strstr(result->summary, "did not end in 1s"));
    effect_result_free(result);
    order_free(order);
}

static void test_streams_of_envd(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int flags;
        bool is_fine;
        int status;
    } cases[] = {
        {"{\"event\":{\"end\":{\"exited\":true}}}",                        0, true,  0  },
        {"{\"event\":{\"end\":{\"exitCode\":3,\"exited\":true}}}",         0, true,  3  },
        {"{\"event\":{\"end\":{\"exited\":false,\"status\":\"killed\"}}}", 0, true,  255},
        {"{\"error\":{\"code\":\"not_found\",\"message\":\"no user\"}}",   2, false, 0  },
        {"{}",                                                             2, false, 0  },
        {"{\"event\":{\"start\":{\"pid\":1}}}",                            0, false, 0  },
        {"{bad",                                                           0, false, 0  },
        {"{\"event\":{\"end\":{\"exited\":true}}}",                        1, false, 0  },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf stream, out;
        struct err err = ERR_INIT;
        int status = -1;
        buf_init(&stream, 1000);
        buf_init(&out, 1000);
        envelope(&stream, cases[i].flags, cases[i].json);
        assert_int_equal(e2b_read_stream(stream.data, stream.len, &out, &status, &err),
                         cases[i].is_fine);
        assert_true(!cases[i].is_fine || status == cases[i].status);
        assert_true(cases[i].is_fine || err.msg[0] != '\0');
        for (size_t n = 0; n < stream.len; n++) { /* cut anywhere */
            struct err cut = ERR_INIT;
            assert_false(e2b_read_stream(stream.data, n, &out, &status, &cut));
        }
        buf_fini(&stream);
        buf_fini(&out);
    }
}

/* The desk: memo before the runner, the runner's outcome to the op, a call after it; and
 * an engine that comes when the runner has begun asks for it again. */
static void test_desk_runs_the_part_of_this_machine(void **state)
{
    (void)state;
    for (int is_adopted = 0; is_adopted < 2; is_adopted++) {
        const struct desk_options options = {
            .services = &service, .n_services = 1, .seed = 1, .find_op = op_find};
        service.gate.concurrency = 4;
        service.gate.breaker.failures = 3;
        struct desk *desk = desk_new(&options, now);
        struct desk_task *task = mem_alloc(sizeof(*task));
        struct desk_out out;
        task->order = order_of(EFFECT_SANDBOX, 1, "");
        task->chain = mem_array(1, sizeof(char *));
        task->chain[0] = mem_str("boxes");
        task->n_chain = 1;
        task->keep = mem_str("");
        task->memo = mem_str(is_adopted ? "{\"phase\":\"pack\"}" : "");
        task->memo_provider = mem_str(is_adopted ? "boxes" : "");
        task->is_adopted = is_adopted;
        desk_perform(desk, task, now);
        bool has_memo = false;
        while (desk_next(desk, &out) && out.kind != DESK_RUN) {
            has_memo = has_memo || out.kind == DESK_MEMO;
            service_report_free(out.report);
            free(out.text);
        }
        assert_true(has_memo);
        assert_int_equal(out.kind, DESK_RUN);
        assert_string_equal(out.order->provider, "boxes");
        struct effect_result *result = effect_result_new(1, 1);
        result->status = STATUS_PASSED;
        desk_result(desk, result, now);
        while (desk_next(desk, &out) && out.kind != DESK_CALL) {
            assert_int_not_equal(out.kind, DESK_RESULT);
            service_report_free(out.report);
            free(out.text);
        }
        assert_int_equal(out.kind, DESK_CALL);
        assert_int_equal(out.request->class, CALL_CREATE);
        http_request_free(out.request);
        desk_free(desk);
    }
}

int main(void)
{
#define TEST(name)                                                                       \
    cmocka_unit_test_setup_teardown(name, setup_e2b, teardown),                          \
        cmocka_unit_test_setup_teardown(name, setup_daytona, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_whole_way),
        TEST(test_engine_dies_after_any_call),
        TEST(test_answers_that_do_not_come),
        TEST(test_nothing_begun_is_deferred),
        TEST(test_refusals),
        TEST(test_sandbox_that_is_gone),
        TEST(test_old_sandbox_is_removed),
        TEST(test_command_that_hangs),
        TEST(test_desk_runs_the_part_of_this_machine),
        cmocka_unit_test(test_streams_of_envd),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(memo);
    free(keep);
    free(log_text);
    return failed;
}
