/* SPDX-License-Identifier: MIT */

/*
 * The desk's shell with real sockets, files and runners (this program is the runner, too),
 * and a model of a service: `things`, of which one must be made per effect. It forgets
 * nothing and can be asked by the unique id that the maker chose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/io/desk_memo.h"
#include "engine/io/desk_shell.h"
#include "engine/io/runner.h"
#include "store/segment.h"
#include "store/store.h"
#include "tests/lib/lab.h"
#include "tests/lib/web.h"

#define TOKEN  "t0ken-that-nobody-may-see"
#define WAIT_S 90
#define THINGS 256

static struct {
    struct lab lab;
    char *path, *token_path, *url;
    struct store *store;
    int64_t pipeline_id;
    struct web *web;
    struct service_spec services[2];
    size_t n_services;
    /* the shell, in this process */
    struct job_shop shop;
    struct desk_shell *shell;
    int epoll;
    struct effect_result *result; /* newest */
    size_t n_results;
    struct span_batch *spans; /* newest */
    size_t n_spans;           /* of calls, in all */
} lab;

/* ---- the service ----------------------------------------------------------------------
 */

static struct {
    pthread_mutex_t lock;
    char uids[THINGS][64];
    char traceparent[64]; /* of the newest call */
    int n;                /* things made */
    atomic_int n_deleted, n_polls, n_asked, n_bad_tokens;
    atomic_bool holds_creates, is_down, is_done, is_slow;
} things = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int find_thing(const char *uid)
{
    for (int i = 0; i < things.n; i++) {
        if (strcmp(things.uids[i], uid) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static void answer_id(struct buf *answer, int id)
{
    AUTO_FREE char *body = mem_printf("{\"id\":%d,\"done\":%s}", id,
                                      atomic_load(&things.is_done) ? "true" : "false");
    web_answer(answer, id > 0 ? "200 OK" : "404 Not Found", "", body, strlen(body));
}

static enum web_after serve(void *user, const struct web_request *request,
                            struct buf *answer)
{
    (void)user;
    enum web_after after = WEB_KEEP;
    const char *uid = strstr(request->path, "uid=");
    atomic_fetch_add(&things.n_asked, 1);
    const char *trace = strcasestr(request->head, "\r\ntraceparent: ");
    if (trace != NULL) {
        (void)snprintf(things.traceparent, sizeof(things.traceparent), "%.55s",
                       trace + strlen("\r\ntraceparent: "));
    }
    if (strstr(request->head, "\r\nAuthorization: Bearer " TOKEN "\r\n") == NULL) {
        atomic_fetch_add(&things.n_bad_tokens, 1);
    }
    if (atomic_load(&things.is_down)) {
        web_answer(answer, "503 Down", "", "", 0);
        return WEB_KEEP;
    }
    (void)pthread_mutex_lock(&things.lock);
    if (strcmp(request->method, "POST") == 0) {
        (void)snprintf(things.uids[things.n], sizeof(things.uids[0]), "%s", uid + 4);
        answer_id(answer, ++things.n);
        after = atomic_load(&things.holds_creates) ? WEB_HOLD : WEB_KEEP;
    } else if (strcmp(request->method, "DELETE") == 0) {
        atomic_fetch_add(&things.n_deleted, 1);
        answer_id(answer, 1);
    } else if (uid != NULL) {
        answer_id(answer, find_thing(uid + 4));
    } else {
        atomic_fetch_add(&things.n_polls, 1);
        answer_id(answer, 1);
    }
    (void)pthread_mutex_unlock(&things.lock);
    return after;
}

static int n_things(void)
{
    (void)pthread_mutex_lock(&things.lock);
    int n = things.n;
    (void)pthread_mutex_unlock(&things.lock);
    return n;
}

/* ---- its adapter ----------------------------------------------------------------------
 */

enum thing_stage { THING_LOOK, THING_CREATE, THING_POLL, THING_DELETE };

struct thing {
    const struct order *order;
    char uid[64];
    int64_t id;
    bool has_memo;
    enum thing_stage stage;
};

static const struct service_spec *spec_of_thing; /* there is one at a time */

static void *thing_open(const struct op_input *input, struct err *err)
{
    struct thing *thing = mem_alloc(sizeof(*thing));
    spec_of_thing = input->service;
    thing->order = input->order;
    thing->has_memo = input->memo[0] != '\0';
    if (thing->has_memo) {
        struct json *memo = json_parse(input->memo, strlen(input->memo), err);
        assert_non_null(memo);
        (void)snprintf(thing->uid, sizeof(thing->uid), "%s", json_str(memo, "uid", ""));
        thing->id = json_int(memo, "id", 0);
        json_free(memo);
    } else {
        (void)snprintf(thing->uid, sizeof(thing->uid), "wf-%lld.%lld",
                       (long long)input->order->workflow, (long long)input->order->seq);
    }
    return thing;
}

static struct op_step ask(struct thing *thing, enum thing_stage stage)
{
    static const struct {
        enum call_class class;
        enum http_method method;
    } calls[] = {
        [THING_LOOK] = {CALL_READ,   HTTP_GET   },
        [THING_CREATE] = {CALL_CREATE, HTTP_POST  },
        [THING_POLL] = {CALL_READ,   HTTP_GET   },
        [THING_DELETE] = {CALL_WRITE,  HTTP_DELETE},
    };
    bool is_by_id = stage == THING_POLL || stage == THING_DELETE;
    char *url = is_by_id ? mem_printf("/things/%lld", (long long)thing->id)
                         : mem_printf("/things?uid=%s", thing->uid);
    thing->stage = stage;
    return op_call(
        http_request_new("things", calls[stage].class, calls[stage].method, url));
}

static struct op_step thing_begin(void *op, struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct thing *thing = op;
    struct op_step step = ask(thing, thing->id > 0     ? THING_POLL
                                     : thing->has_memo ? THING_LOOK
                                                       : THING_CREATE);
    if (!thing->has_memo) {
        step.memo = mem_printf("{\"uid\":\"%s\"}", thing->uid);
        step.log = mem_printf("about to make %s", thing->uid);
    }
    return step;
}

static struct op_step thing_answer(void *op, const struct http_response *response,
                                   struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct thing *thing = op;
    struct err err = ERR_INIT;
    if (response->fault == HTTP_BLOCKED && thing->stage == THING_CREATE) {
        return op_deferred(thing->order, spec_of_thing, response);
    }
    if (response->fault != HTTP_FINE || response->status >= 500) {
        return thing->stage == THING_CREATE ? ask(thing, THING_LOOK)
                                            : op_sleep((struct span){20});
    }
    if (response->status == 404) {
        return ask(thing, THING_CREATE);
    }
    if (thing->stage == THING_DELETE) {
        return op_done(thing->order, STATUS_CANCELLED, BLAME_NONE, "deleted");
    }
    struct json *body = json_parse(response->body, response->body_len, &err);
    assert_non_null(body);
    bool is_done = json_bool(body, "done", false), is_new = thing->id == 0;
    thing->id = json_int(body, "id", 0);
    json_free(body);
    struct op_step step = op_sleep((struct span){5});
    if (is_done && !is_new) {
        step = op_done(thing->order, STATUS_PASSED, BLAME_NONE, "made %s", thing->uid);
    }
    if (is_new) {
        step.memo =
            mem_printf("{\"uid\":\"%s\",\"id\":%lld}", thing->uid, (long long)thing->id);
        step.keep = mem_printf("{\"thing\":%lld}", (long long)thing->id);
        step.log = mem_printf("made %lld\n", (long long)thing->id);
    }
    return step;
}

static struct op_step thing_wake(void *op, const struct forge_event *hint,
                                 struct wall now, struct rng *rng)
{
    (void)hint;
    (void)now;
    (void)rng;
    struct thing *thing = op;
    return ask(thing, thing->id > 0 ? THING_POLL : THING_LOOK);
}

static struct op_step thing_stop(void *op, struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct thing *thing = op;
    return thing->id > 0 ? ask(thing, THING_DELETE)
                         : op_done(thing->order, STATUS_CANCELLED, BLAME_NONE, "stopped");
}

static const struct op_class thing_class = {
    .name = "things",
    .open = thing_open,
    .begin = thing_begin,
    .answer = thing_answer,
    .wake = thing_wake,
    .stop = thing_stop,
    .close = free,
};

static const struct op_class *find_op(enum service_kind service, enum effect_kind effect)
{
    return service == SERVICE_CODEGEN && effect == EFFECT_CODE ? &thing_class : NULL;
}

/* ---- the shell ------------------------------------------------------------------------
 */

static void take_result(void *user, struct effect_result *result)
{
    (void)user;
    effect_result_free(lab.result);
    lab.result = result;
    lab.n_results++;
}

static void take_spans(void *user, struct span_batch *batch)
{
    (void)user;
    span_batch_free(lab.spans);
    lab.spans = batch;
    lab.n_spans += batch->n;
}

static void take_job_result(void *user, struct effect_result *result)
{
    (void)user;
    desk_shell_result(lab.shell, result);
}

static void open_shell(void)
{
    struct err err = ERR_INIT;
    const struct io_options options = {.store = lab.path,
                                       .work = lab.lab.work,
                                       .logs = lab.lab.logs,
                                       .log_max_bytes = 1 << 20,
                                       .on_result = take_job_result};
    lab.epoll = epoll_create1(EPOLL_CLOEXEC);
    assert_true(job_shop_init(&lab.shop, &options, lab.epoll, &err));
    lab.shell =
        desk_shell_start(&(struct desk_shell_options){.shop = &lab.shop,
                                                      .services = lab.services,
                                                      .n_services = lab.n_services,
                                                      .on_result = take_result,
                                                      .on_spans = take_spans,
                                                      .find_op = find_op},
                         &err);
    if (lab.shell == NULL) {
        fail_msg("%s", err.msg);
    }
}

static void close_shell(void)
{
    desk_shell_stop(lab.shell);
    job_shop_fini(&lab.shop);
    (void)close(lab.epoll);
    lab.shell = NULL;
}

/* One round of the io thread's loop. */
static void turn(void)
{
    struct pollfd wait[2] = {
        {.fd = lab.epoll,                .events = POLLIN},
        {.fd = desk_shell_fd(lab.shell), .events = POLLIN}
    };
    struct mono next[2] = {job_next_time(&lab.shop), desk_shell_next_time(lab.shell)};
    int64_t now = mono_now().ns, left = 100;
    for (size_t i = 0; i < 2; i++) {
        int64_t ms = next[i].ns > now ? (next[i].ns - now) / 1000000 + 1 : 0;
        left = next[i].ns > 0 && ms < left ? ms : left;
    }
    (void)poll(wait, 2, (int)left);
    struct epoll_event events[16];
    int n = epoll_wait(lab.epoll, events, 16, 0);
    for (int i = 0; i < n; i++) {
        job_ended(&lab.shop, events[i].data.ptr);
    }
    desk_shell_look(lab.shell);
    job_run_timers(&lab.shop, mono_now());
    desk_shell_run(lab.shell);
}

static struct mono in_seconds(int seconds)
{
    return (struct mono){mono_now().ns + seconds * INT64_C(1000000000)};
}

#define TURN_UNTIL(condition)                                                            \
    do {                                                                                 \
        struct mono end_ = in_seconds(WAIT_S);                                           \
        while (!(condition)) {                                                           \
            if (mono_now().ns > end_.ns) {                                               \
                fail_msg("not within %d s: %s", WAIT_S, #condition);                     \
            }                                                                            \
            turn();                                                                      \
        }                                                                                \
    } while (0)

static struct effect_row effect_of(int64_t workflow, int64_t seq, enum effect_kind kind)
{
    return (struct effect_row){.workflow = workflow,
                               .seq = seq,
                               .kind = kind,
                               .name = effect_name(kind),
                               .iteration = 1,
                               .attempt = 1,
                               .asked_at = wall_now(),
                               .deadline_at = wall_add(wall_now(), span_s(120)),
                               .params = "{}",
                               .summary = "",
                               .log = "",
                               .provider = ""};
}

static void perform(int64_t seq, enum effect_kind kind)
{
    struct effect_row effect = effect_of(1, seq, kind);
    desk_shell_perform(lab.shell, &effect);
}

static char *in_folder(const char *name)
{
    return mem_printf("%s/wf-1/%s", lab.lab.work, name);
}

static bool is_there(const char *name)
{
    AUTO_FREE char *path = in_folder(name);
    return file_exists(path);
}

static bool is_marked(void)
{
    AUTO_FREE char *path = file_join(lab.lab.work, "live/op-1.1");
    return file_exists(path);
}

/* ---- tests ----------------------------------------------------------------------------
 */

static void expect(enum effect_status status, const char *provider)
{
    if (lab.result->status != status) {
        fail_msg("%s: %s", status_name(lab.result->status), lab.result->summary);
    }
    assert_string_equal(lab.result->provider, provider);
}

static void test_one_thing(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    open_shell();
    perform(1, EFFECT_CODE);
    perform(1, EFFECT_CODE); /* asked for twice: once */
    TURN_UNTIL(atomic_load(&things.n_polls) > 1);
    assert_true(is_marked());
    assert_true(is_there("fx-1/memo.json") && is_there("keep-agent.json"));
    atomic_store(&things.is_done, true);
    TURN_UNTIL(lab.n_results == 1);
    expect(STATUS_PASSED, "things");
    assert_string_equal(lab.result->summary, "made wf-1.1");
    assert_false(lab.result->is_fallback);
    assert_int_equal(n_things(), 1);
    assert_false(is_marked());
    AUTO_FREE char *memo = lab_read(lab.lab.work, "wf-1/fx-1/memo.json");
    AUTO_FREE char *keep = lab_read(lab.lab.work, "wf-1/keep-agent.json");
    assert_string_equal(
        memo, "{\"provider\":\"things\",\"memo\":{\"uid\":\"wf-1.1\",\"id\":1}}");
    assert_string_equal(keep, "{\"provider\":\"things\",\"keep\":{\"thing\":1}}");
    /* the log has a name, and both lines */
    AUTO_FREE char *path = file_join(lab.lab.logs, lab.result->log);
    struct segment_reader *log = segment_open(path, &err);
    struct segment_info info;
    assert_non_null(log);
    segment_info(log, &info);
    assert_int_equal(info.n_lines, 2);
    segment_free(log);
    close_shell();
}

/* Every call of an effect is told whose it is, and comes back as a span of it. */
static void test_calls_are_traced(void **state)
{
    (void)state;
    open_shell();
    perform(1, EFFECT_CODE);
    atomic_store(&things.is_done, true);
    TURN_UNTIL(lab.n_results == 1 && lab.n_spans == (size_t)atomic_load(&things.n_asked));
    struct trace_context told;
    assert_true(traceparent_parse(things.traceparent, strlen(things.traceparent), &told));
    bool is_found = false;
    for (size_t i = 0; i < lab.spans->n; i++) {
        const struct span_row *span = &lab.spans->rows[i];
        assert_string_equal(span->kind, SPAN_CALL);
        assert_int_equal(span->workflow, 1);
        assert_string_equal(span->trace, told.trace);
        assert_int_equal(strlen(span->parent), 16);
        assert_true(span->end_us >= span->start_us);
        assert_null(strstr(span->attributes, TOKEN));
        is_found = is_found || strcmp(span->span, told.span) == 0;
    }
    assert_true(is_found);
    close_shell();
}

/* Until the thing is there, its maker dies again and again. */
static void child(void)
{
    (void)close_range(3, ~0U, 0); /* connections of our server are not ours */
    open_shell();
    perform(1, EFFECT_CODE);
    while (lab.n_results == 0) {
        turn();
    }
    _exit(lab.result->status == STATUS_PASSED ? 0 : 1);
}

static pid_t start_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        child();
    }
    assert_true(pid > 0);
    return pid;
}

static void end_child(pid_t pid, bool is_killed)
{
    int status;
    if (is_killed) {
        assert_int_equal(kill(pid, SIGKILL), 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!is_killed) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void test_killed_while_it_is_made(void **state)
{
    (void)state;
    atomic_store(&things.holds_creates, true);
    pid_t pid = start_child();
    struct mono end = in_seconds(WAIT_S);
    while (web_held(lab.web) == 0) { /* it is made, and the answer does not come */
        assert_true(mono_now().ns < end.ns);
    }
    end_child(pid, true);
    assert_true(is_marked());
    atomic_store(&things.holds_creates, false);
    atomic_store(&things.is_done, true);
    end_child(start_child(), false);
    assert_int_equal(n_things(), 1);
    assert_int_equal(atomic_load(&things.n_bad_tokens), 0);
}

static void test_killed_anywhere(void **state)
{
    (void)state;
    int made = 0;
    for (int i = 0; i < 60; i++) {
        int before = atomic_load(&things.n_asked);
        pid_t pid = start_child();
        struct mono end = {mono_now().ns + i * INT64_C(400000)}; /* 0 to 24 ms */
        while (mono_now().ns < end.ns && atomic_load(&things.n_asked) < before + i % 4) {
        }
        end_child(pid, true);
        made = n_things();
        assert_true(made <= 1);
    }
    atomic_store(&things.is_done, true);
    end_child(start_child(), false);
    assert_int_equal(n_things(), 1);
}

static void test_stop(void **state)
{
    (void)state;
    open_shell();
    perform(1, EFFECT_CODE);
    TURN_UNTIL(atomic_load(&things.n_polls) > 1);
    desk_shell_stop_effect(lab.shell, 1, 1);
    desk_shell_stop_effect(lab.shell, 1, 7); /* nobody's */
    TURN_UNTIL(lab.n_results == 1);
    expect(STATUS_CANCELLED, "things");
    assert_int_equal(atomic_load(&things.n_deleted), 1);
    close_shell();
}

/* Cancelled while no engine lived: what was begun outside is ended all the same. */
static void test_sweep(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    open_shell();
    perform(1, EFFECT_CODE);
    TURN_UNTIL(atomic_load(&things.n_polls) > 1);
    close_shell();
    struct effect_row effect = effect_of(1, 1, EFFECT_CODE);
    effect.status = STATUS_CANCELLED;
    store_put_effect(lab.store, &effect);
    assert_true(store_commit(lab.store, &err));
    open_shell();
    perform(2, EFFECT_CODE); /* one that is asked for is not touched */
    desk_shell_sweep(lab.shell);
    TURN_UNTIL(atomic_load(&things.n_deleted) == 1 && !is_marked());
    assert_int_equal(lab.n_results, 0);
    atomic_store(&things.is_done, true);
    TURN_UNTIL(lab.n_results == 1);
    assert_int_equal(lab.result->seq, 2);
    desk_shell_sweep(lab.shell);
    close_shell();
}

/* No call is made before its memo is durable. */
static void test_memo_first(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_FREE char *folder = in_folder("fx-1");
    AUTO_FREE char *parent = mem_printf("%s/wf-1", lab.lab.work);
    assert_true(file_make_dirs(parent, &err));
    assert_true(file_write(folder, "in the way", 10, &err));
    open_shell();
    perform(1, EFFECT_CODE);
    struct mono until = {mono_now().ns + 1200000000}; /* the second try is in there */
    while (mono_now().ns < until.ns) {
        turn();
    }
    assert_int_equal(atomic_load(&things.n_asked), 0);
    assert_int_equal(unlink(folder), 0);
    atomic_store(&things.is_done, true);
    TURN_UNTIL(lab.n_results == 1);
    expect(STATUS_PASSED, "things");
    close_shell();
}

/* The service takes nothing: the next of the chain does it, a runner. */
static void test_fallback_to_a_runner(void **state)
{
    (void)state;
    atomic_store(&things.is_down, true);
    lab.services[0].gate.breaker.failures = 1;
    lab.services[0].gate.retries = 0;
    open_shell();
    desk_shell_order(lab.shell, &(struct service_order){.service = lab.services[0].name,
                                                        .has_force = true,
                                                        .force = FORCE_OPEN,
                                                        .actor = lab.services[0].name,
                                                        .reason = lab.services[0].name});
    perform(1, EFFECT_CODE);
    TURN_UNTIL(lab.n_results == 1);
    assert_string_equal(lab.result->provider, "local");
    assert_true(lab.result->is_fallback);
    assert_int_equal(n_things(), 0);
    assert_true(is_there("fx-1/result.json"));
    close_shell();
}

/* A runner goes on while the engine is away; the next one adopts it. */
static void test_runner_is_adopted(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_FREE char *box = in_folder("sandbox");
    AUTO_FREE char *go = file_join(lab.lab.root, "go");
    assert_true(file_make_dirs(box, &err));
    open_shell();
    perform(1, EFFECT_CHECK);
    TURN_UNTIL(is_there("sandbox/began"));
    close_shell();
    open_shell();
    perform(1, EFFECT_CHECK);
    turn();
    assert_true(file_write(go, "", 0, &err));
    TURN_UNTIL(lab.n_results == 1);
    expect(STATUS_PASSED, "local");
    AUTO_FREE char *began = lab_read(box, "began");
    assert_string_equal(began, "x\n"); /* it ran once */
    close_shell();
    /* and its outcome is found by one that comes later still */
    open_shell();
    perform(1, EFFECT_CHECK);
    TURN_UNTIL(lab.n_results == 2);
    expect(STATUS_PASSED, "local");
    close_shell();
}

static void test_refusals(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    open_shell();
    lab.services[0].name[0] = 'T'; /* the settings have another service now */
    perform(1, EFFECT_CODE);
    lab.services[0].name[0] = 't';
    assert_int_equal(lab.n_results, 1);
    assert_int_equal(lab.result->status, STATUS_REFUSED);
    assert_int_equal(lab.result->blame, BLAME_SETUP);
    /* a memo that cannot be read is not "nothing was begun" */
    AUTO_FREE char *folder = in_folder("fx-2");
    AUTO_FREE char *memo = in_folder("fx-2/memo.json");
    assert_true(file_make_dirs(folder, &err));
    assert_true(file_write(memo, "{", 1, &err));
    perform(2, EFFECT_CODE);
    perform(3, EFFECT_CODE);
    TURN_UNTIL(atomic_load(&things.n_polls) > 0);
    desk_shell_stop_effect(lab.shell, 1, 2);
    assert_int_equal(lab.result->status, STATUS_CANCELLED);
    perform(2, EFFECT_CODE);
    TURN_UNTIL(lab.n_results == 3);
    assert_int_equal(lab.result->status, STATUS_LOST);
    assert_int_equal(n_things(), 1);
    close_shell();
}

/* ---- the token ------------------------------------------------------------------------
 */

static void grep_file(const char *path, size_t max)
{
    AUTO_FREE char *data = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    if (file_read(path, max, &data, &len, &err) &&
        memmem(data, len, TOKEN, strlen(TOKEN)) != NULL) {
        fail_msg("%s has the token", path);
    }
}

static size_t grep_folder(const char *folder, int depth)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        AUTO_FREE char *path = file_join(folder, entry->d_name);
        struct stat status;
        if (entry->d_name[0] == '.' || lstat(path, &status) != 0 ||
            strcmp(path, lab.token_path) == 0) {
            continue;
        }
        if (S_ISDIR(status.st_mode) && depth < 6) {
            n += grep_folder(path, depth + 1);
        } else if (S_ISREG(status.st_mode)) {
            grep_file(path, 64 * 1024 * 1024);
            n++;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return n;
}

static size_t grep_processes(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
            AUTO_FREE char *line = mem_printf("/proc/%s/cmdline", entry->d_name);
            AUTO_FREE char *environment = mem_printf("/proc/%s/environ", entry->d_name);
            grep_file(line, 1024 * 1024);
            grep_file(environment, 1024 * 1024);
            n++;
        }
    }
    (void)closedir(dir);
    return n;
}

static void test_the_token_is_nowhere(void **state)
{
    (void)state;
    open_shell();
    perform(1, EFFECT_CODE);
    TURN_UNTIL(atomic_load(&things.n_polls) > 1);
    assert_true(grep_folder(lab.lab.root, 0) > 3); /* store, memo, keep, log ... */
    assert_true(grep_processes() > 1);
    atomic_store(&things.is_done, true);
    TURN_UNTIL(lab.n_results == 1);
    perform(2, EFFECT_CHECK);
    TURN_UNTIL(lab.n_results == 2);
    (void)grep_folder(lab.lab.root, 0);
    assert_true(atomic_load(&things.n_asked) > 2);
    assert_int_equal(atomic_load(&things.n_bad_tokens), 0);
    close_shell();
}

/* ---- set-up ---------------------------------------------------------------------------
 */

static void put_rows(void)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *text =
        mem_printf("name: p\nbase: main\n"
                   "forge: {provider: hub, repository: acme/things}\n"
                   "agent: {provider: things, backups: [local], command: /bin/false}\n"
                   "validate:\n- {name: unit, command: \"echo x >>began; until test -e "
                   "../../../go; do sleep 0.01; done\"}\n");
    lab.pipeline_id = store_put_pipeline(lab.store, "p", text, strlen(text));
    const struct workflow_row row = {.id = 1,
                                     .pipeline = "p",
                                     .pipeline_id = lab.pipeline_id,
                                     .repo = lab.lab.repo,
                                     .title = "Make a thing",
                                     .submitter = "ada",
                                     .branch = "",
                                     .base_sha = "",
                                     .head_sha = "",
                                     .merge_sha = "",
                                     .reason = "",
                                     .state = STATE_CODING,
                                     .iteration = 1,
                                     .attempt = 1};
    store_put_workflow(lab.store, &row);
    store_put_doc(lab.store, 1, DOC_TASK, "Make a thing\n", 13);
    if (!store_commit(lab.store, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void put_service(void)
{
    static char name[8];
    struct err err = ERR_INIT;
    (void)snprintf(name, sizeof(name), "things");
    lab.token_path = file_join(lab.lab.root, "token");
    lab.url = mem_printf("http://127.0.0.1:%d", web_port(lab.web));
    assert_true(file_write(lab.token_path, TOKEN "\n", strlen(TOKEN) + 1, &err));
    static char hub[] = "hub";
    lab.n_services = 2;
    lab.services[1] = (struct service_spec){
        .name = hub, .kind = SERVICE_GITHUB, .url = lab.url, .gate.concurrency = 1};
    lab.services[0] = (struct service_spec){
        .name = name,
        .kind = SERVICE_CODEGEN,
        .url = lab.url,
        .token.file = lab.token_path,
        .gate = {.breaker = {.window = BREAKER_CONSECUTIVE,
                             .failures = 5,
                             .min_calls = 5,
                             .open = {1000},
                             .open_max = {5000},
                             .half_open_calls = 1,
                             .half_open_max = {5000}},
                 .concurrency = 10,
                 .queue = 100,
                 .queue_time = {10000},
                 .connect_time = {2000},
                 .attempt_time = {5000},
                 .call_time = {20000},
                 .retries = 2,
                 .retry_percent = 50,
                 .retry_min = {10},
                 .retry_max = {100}}
    };
}

/* ---- chores ---------------------------------------------------------------------------
 */

static atomic_int n_again;

static enum web_after serve_hook(void *user, const struct web_request *request,
                                 struct buf *answer)
{
    static const char list[] = "[{\"id\":9,\"guid\":\"a\",\"status\":\"failed\"}]";
    (void)user;
    if (strcmp(request->path, "/repos/acme/pay/hooks/5/deliveries?per_page=100") == 0) {
        web_answer(answer, "200 OK", "", list, sizeof(list) - 1);
    } else if (strcmp(request->path, "/repos/acme/pay/hooks/5/deliveries/9/attempts") ==
               0) {
        atomic_fetch_add(&n_again, 1);
        web_answer(answer, "202 Accepted", "", "{}", 2);
    } else {
        web_answer(answer, "404 Not Found", "", "{}", 2);
    }
    return WEB_KEEP;
}

static void take_note(void *user, int64_t workflow, char *text)
{
    char *slot = user;
    assert_int_equal(workflow, 0);
    (void)snprintf(slot, 200, "%s", text);
    free(text);
}

/* Failed deliveries are asked for again, without a workflow; nothing is kept of it. */
static void test_chore(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char note[200] = "", name[] = "github_api", hook[] = "acme/pay#5";
    atomic_store(&n_again, 0);
    struct web *web = web_start(serve_hook, NULL);
    AUTO_FREE char *url = mem_printf("http://127.0.0.1:%d", web_port(web));
    struct service_spec service = lab.services[0];
    service.name = name;
    service.kind = SERVICE_GITHUB;
    service.url = url;
    service.hook = hook;
    open_shell();
    desk_shell_stop(lab.shell);
    lab.shell = desk_shell_start(&(struct desk_shell_options){.shop = &lab.shop,
                                                              .services = &service,
                                                              .n_services = 1,
                                                              .has_listener = true,
                                                              .on_result = take_result,
                                                              .on_reconciled = take_note,
                                                              .user = note,
                                                              .chore_first = {1}},
                                 &err);
    assert_non_null(lab.shell);
    struct mono until = in_seconds(WAIT_S);
    while (note[0] == '\0' && mono_now().ns < until.ns) {
        turn();
    }
    assert_string_equal(note, "asked for 1 failed delivery again");
    assert_int_equal(atomic_load(&n_again), 1);
    assert_int_equal(lab.n_results, 0);
    close_shell();
    web_stop(web);
}

static int setup(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    lab_open(&lab.lab);
    lab.path = file_join(lab.lab.root, "s.db");
    lab.store = store_open(lab.path, STORE_OFF, &err);
    assert_non_null(lab.store);
    lab.web = web_start(serve, NULL);
    put_rows();
    put_service();
    things.n = 0;
    atomic_store(&things.n_deleted, 0);
    atomic_store(&things.n_polls, 0);
    atomic_store(&things.n_asked, 0);
    atomic_store(&things.n_bad_tokens, 0);
    atomic_store(&things.holds_creates, false);
    atomic_store(&things.is_down, false);
    atomic_store(&things.is_done, false);
    lab.n_results = lab.n_spans = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    web_stop(lab.web);
    store_close(lab.store);
    effect_result_free(lab.result);
    lab.result = NULL;
    span_batch_free(lab.spans);
    lab.spans = NULL;
    free(lab.path);
    free(lab.token_path);
    free(lab.url);
    lab_close(&lab.lab);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "__run") == 0) {
        return runner_main(argv[2]);
    }
    (void)signal(SIGPIPE, SIG_IGN);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_thing),
        TEST(test_calls_are_traced),
        TEST(test_killed_while_it_is_made),
        TEST(test_killed_anywhere),
        TEST(test_stop),
        TEST(test_sweep),
        TEST(test_memo_first),
        TEST(test_fallback_to_a_runner),
        TEST(test_runner_is_adopted),
        TEST(test_refusals),
        TEST(test_chore),
        TEST(test_the_token_is_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
