/* SPDX-License-Identifier: MIT */

/*
 * Notices and the thread that sends them, against a server that is busy, slow, or not there:
 * each one arrives, none twice, also over restarts; what piled up comes as one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/io/notify.h"
#include "store/store.h"
#include "tests/lib/web.h"

#define WAIT_S 60
#define NOW    ((struct wall){1767225600000})

/* ---- the server -----------------------------------------------------------------------
 */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t came;
    const char *statuses[16]; /* by number of the request; NULL: 200 */
    int n;
    char head[64][2048], body[64][2048];
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};

static enum web_after serve(void *user, const struct web_request *request,
                            struct buf *answer)
{
    (void)user;
    (void)pthread_mutex_lock(&seen.lock);
    const char *status = seen.n < 16 ? seen.statuses[seen.n] : NULL;
    int at = seen.n++ % 64;
    (void)snprintf(seen.head[at], sizeof(seen.head[at]), "%s", request->head);
    (void)snprintf(seen.body[at], sizeof(seen.body[at]), "%.*s", (int)request->body_len,
                   request->body);
    (void)pthread_cond_broadcast(&seen.came);
    (void)pthread_mutex_unlock(&seen.lock);
    bool is_busy = status != NULL && strncmp(status, "429", 3) == 0;
    web_answer(answer, status != NULL ? status : "200 OK",
               is_busy ? "Retry-After: 1\r\n" : "", "ok", 2);
    return WEB_KEEP;
}

static void wait_seen(int n)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    (void)pthread_mutex_lock(&seen.lock);
    while (seen.n < n && pthread_cond_timedwait(&seen.came, &seen.lock, &until) == 0) {
    }
    int got = seen.n;
    (void)pthread_mutex_unlock(&seen.lock);
    if (got < n) {
        fail_msg("%d requests of %d", got, n);
    }
}

/* ---- the fixture ----------------------------------------------------------------------
 */

static char folder[64], *path, url[64];
static struct store *store;
static struct web *web;
static char no_text[] = "", name[] = "phone";

static int set_up(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    memset(seen.statuses, 0, sizeof(seen.statuses));
    seen.n = 0;
    (void)snprintf(folder, sizeof(folder), "/tmp/signalbox-test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    path = file_join(folder, "s.db");
    store = store_open(path, STORE_OFF, &err);
    assert_non_null(store);
    web = web_start(serve, NULL);
    assert_non_null(web);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/topic", web_port(web));
    return 0;
}

static int tear_down(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    web_stop(web);
    store_close(store);
    (void)file_remove_tree(folder, &err);
    free(path);
    return 0;
}

static struct notify_spec spec_of(enum notify_format format)
{
    return (struct notify_spec){
        .name = name,
        .url = url,
        .url_from = {.env = no_text, .file = no_text},
        .token = {.env = no_text, .file = no_text},
        .format = format,
        .click = no_text
    };
}

static struct notify *start(const struct notify_spec *spec)
{
    struct err err = ERR_INIT;
    const struct notify_options options = {.store = path,
                                           .environment = "prod",
                                           .specs = spec,
                                           .n_specs = 1,
                                           .pause_first = {20}};
    struct notify *notify = notify_start(&options, &err);
    if (notify == NULL) {
        fail_msg("%s", err.msg);
    }
    return notify;
}

static void commit(void)
{
    struct err err = ERR_INIT;
    if (!store_commit(store, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void add(const char *kind, int64_t workflow, enum workflow_state from,
                enum workflow_state to, enum workflow_wait wait, const char *text)
{
    (void)store_add_event(store, &(struct event_row){.at = NOW,
                                                     .workflow = workflow,
                                                     .kind = kind,
                                                     .actor = "ada",
                                                     .from = from,
                                                     .to = to,
                                                     .wait = wait,
                                                     .text = text});
}

static void put_workflow(int64_t id, enum workflow_state state, enum workflow_wait wait)
{
    store_put_workflow(store, &(struct workflow_row){.id = id,
                                                     .pipeline = "p",
                                                     .repo = "/srv/pay",
                                                     .title = "Pay in crowns",
                                                     .submitter = "ada",
                                                     .state = state,
                                                     .wait = wait,
                                                     .branch = "",
                                                     .base_sha = "",
                                                     .head_sha = "",
                                                     .merge_sha = "",
                                                     .service = "",
                                                     .reason = "unit tests fail"});
}

/* The target is known, and has looked at what is there. */
static void begin(const struct notify_spec *spec)
{
    add("engine-start", 0, 0, 0, WAIT_NONE, "");
    commit();
    struct notify *notify = start(spec);
    AUTO_FREE char *state = mem_printf("%s-notify", path);
    for (int i = 0; i < WAIT_S * 100 && !file_exists(state); i++) {
        (void)usleep(10000);
    }
    notify_stop(notify);
    assert_int_equal(seen.n, 0); /* nothing old is told */
}

/* ---- the thread -------------------------------------------------------------------------
 */

static void it_is_told_once_over_restarts(void **state)
{
    (void)state;
    static struct notify_spec spec;
    spec = spec_of(NOTIFY_NTFY);
    (void)setenv("NOTIFY_TEST_TOKEN", "tk_very-secret", 1);
    static char env[] = "NOTIFY_TEST_TOKEN";
    spec.token.env = env;
    begin(&spec);
    put_workflow(7, STATE_FAILED, WAIT_NONE);
    add("change-failed", 7, STATE_VALIDATING, STATE_FAILED, WAIT_NONE, "no more tries");
    commit();
    struct notify *notify = start(&spec); /* what came while no engine lived */
    wait_seen(1);
    assert_non_null(strstr(seen.head[0], "POST /topic"));
    assert_non_null(strstr(seen.head[0], "Authorization: Bearer tk_very-secret"));
    assert_non_null(strstr(seen.head[0], "Title: wf-7: failed - prod"));
    assert_non_null(strstr(seen.head[0], "Priority: 4"));
    assert_non_null(strstr(seen.head[0], "Tags: x"));
    assert_string_equal(seen.body[0],
                        "Pay in crowns: unit tests fail\nsignalbox show wf-7\n");
    add("halted", 0, 0, 0, WAIT_NONE, "everything autonomous stands still: fire");
    commit();
    notify_look(notify);
    wait_seen(2);
    assert_non_null(strstr(seen.head[1], "Title: HALTED by ada - prod"));
    notify_stop(notify);
    notify = start(&spec);
    add("thread-silent", 0, 0, 0, WAIT_NONE, "the io thread has not been heard of");
    commit();
    notify_look(notify);
    wait_seen(3); /* the third is new, not one of the others again */
    assert_non_null(strstr(seen.head[2], "Priority: 5"));
    notify_stop(notify);
    AUTO_FREE char *file = mem_printf("%s-notify", path);
    AUTO_FREE char *text = NULL;
    struct err err = ERR_INIT;
    size_t len;
    assert_true(file_read(file, 4096, &text, &len, &err));
    assert_null(strstr(text, "secret"));
}

static void who_is_busy_is_asked_again(void **state)
{
    (void)state;
    struct notify_spec spec = spec_of(NOTIFY_SLACK);
    begin(&spec);
    seen.statuses[0] = "429 Too Many Requests";
    seen.statuses[1] = "503 Busy";
    seen.statuses[2] = "400 Bad Request";
    struct mono before = mono_now();
    struct notify *notify = start(&spec);
    add("halted", 0, 0, 0, WAIT_NONE, "a <b> & c");
    add("released", 0, 0, 0, WAIT_NONE, "on");
    commit();
    notify_look(notify);
    wait_seen(4); /* busy, busy, refused; and the next one */
    assert_true(mono_now().ns - before.ns >= 1000000000); /* Retry-After was kept */
    assert_string_equal(seen.body[0], seen.body[1]);
    assert_string_equal(seen.body[0], seen.body[2]);
    assert_non_null(strstr(seen.body[0], "{\"text\":\"*HALTED by ada* (prod"));
    assert_non_null(strstr(seen.body[0], "a &lt;b&gt; &amp; c"));
    assert_non_null(strstr(seen.body[3], "released by ada"));
    struct notify_figures figures;
    notify_stop(notify);
    notify = start(&spec);
    notify_figures(notify, &figures);
    assert_int_equal(figures.sent, 0);
    notify_stop(notify);
    assert_int_equal(seen.n, 4);
}

static void who_is_not_there_gets_a_sum_later(void **state)
{
    (void)state;
    struct notify_spec spec = spec_of(NOTIFY_JSON);
    begin(&spec);
    char dead[] = "http://127.0.0.1:9/topic"; /* discard: nobody listens */
    struct notify_spec away = spec;
    away.url = dead;
    struct notify *notify = start(&away);
    for (int64_t id = 1; id <= 9; id++) {
        put_workflow(id, STATE_FAILED, WAIT_NONE);
        add("change-failed", id, STATE_CODING, STATE_FAILED, WAIT_NONE, "no");
    }
    commit();
    notify_look(notify);
    struct notify_figures figures = {0};
    for (int i = 0; i < WAIT_S * 100 && figures.failed < 2; i++) {
        (void)usleep(10000);
        notify_figures(notify, &figures);
    }
    assert_true(figures.failed >= 2);
    notify_stop(notify);
    notify = start(&spec);
    wait_seen(1);
    struct err err = ERR_INIT;
    struct json *root = json_parse(seen.body[0], strlen(seen.body[0]), &err);
    assert_string_equal(json_str(root, "title", ""), "9 things to look at");
    assert_string_equal(json_str(root, "text", ""), "9 failed");
    assert_string_equal(json_str(root, "command", ""), "signalbox status");
    json_free(root);
    notify_stop(notify);
    assert_int_equal(seen.n, 1);
}

static void what_is_over_is_not_told(void **state)
{
    (void)state;
    struct notify_spec spec = spec_of(NOTIFY_JSON);
    char approval[] = "approval", *on[] = {approval};
    spec.on = on;
    spec.n_on = 1;
    spec.min_risk = RISK_MEDIUM;
    begin(&spec);
    put_workflow(1, STATE_VALIDATING, WAIT_NONE); /* it was approved meanwhile */
    add("passed", 1, STATE_VALIDATING, STATE_VALIDATING, WAIT_MERGE, "waits");
    put_workflow(2, STATE_VALIDATING, WAIT_MERGE);
    add("passed", 2, STATE_VALIDATING, STATE_VALIDATING, WAIT_MERGE, "waits");
    add("priority", 2, STATE_VALIDATING, STATE_VALIDATING, WAIT_MERGE, "priority 3");
    put_workflow(3, STATE_FAILED, WAIT_NONE); /* not asked for */
    add("change-failed", 3, STATE_CODING, STATE_FAILED, WAIT_NONE, "no");
    put_workflow(4, STATE_VALIDATING, WAIT_MERGE);
    add("passed", 4, STATE_VALIDATING, STATE_VALIDATING, WAIT_MERGE, "waits");
    const struct approval_row row = {.action = ACT_MERGE,
                                     .status = APPROVAL_OPEN,
                                     .risk = RISK_HIGH,
                                     .rule = "",
                                     .workflow = 4,
                                     .target = "",
                                     .repo = "",
                                     .environment = "",
                                     .title = "merge wf-4 into main",
                                     .requester = "",
                                     .assignee = "",
                                     .claimed_by = "",
                                     .decided_by = "",
                                     .reason = "",
                                     .votes = "[]",
                                     .effect = "{}",
                                     .effect_before = "",
                                     .card = "{}",
                                     .created_at = NOW};
    int64_t id = store_put_approval(store, &row);
    put_workflow(5, STATE_VALIDATING, WAIT_MERGE);
    struct approval_row low = row;
    low.workflow = 5;
    low.risk = RISK_LOW; /* too low */
    (void)store_put_approval(store, &low);
    add("passed", 5, STATE_VALIDATING, STATE_VALIDATING, WAIT_MERGE, "waits");
    commit();
    struct notify *notify = start(&spec);
    wait_seen(2);
    notify_stop(notify);
    AUTO_FREE char *command =
        mem_printf("\"command\":\"signalbox approvals a-%lld\"", (long long)id);
    assert_int_equal(seen.n, 2);
    assert_non_null(
        strstr(seen.body[0], "\"title\":\"wf-2: merge approval, medium risk\""));
    assert_non_null(strstr(seen.body[1], command));
    assert_non_null(strstr(seen.body[1], "\"risk\":\"high\""));
    assert_non_null(strstr(seen.body[1], "\"text\":\"merge wf-4 into main\""));
}

/* An address that is a secret: never in the log. */
static void an_address_may_be_a_secret(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct notify_spec spec = spec_of(NOTIFY_SLACK);
    AUTO_FREE char *address = mem_printf("%s/T00/hook-secret", url);
    AUTO_FREE char *log = file_join(folder, "engine.log");
    char env[] = "NOTIFY_TEST_URL";
    (void)setenv(env, address, 1);
    spec.url = no_text;
    spec.url_from.env = env;
    assert_true(log_open(&(struct log_options){.path = log, .level = LOG_INFO}, &err));
    begin(&spec);
    seen.statuses[0] = "404 Not Found";
    add("halted", 0, 0, 0, WAIT_NONE, "x");
    add("released", 0, 0, 0, WAIT_NONE, "y");
    commit();
    struct notify *notify = start(&spec);
    wait_seen(2);
    notify_stop(notify);
    log_close();
    assert_non_null(strstr(seen.head[1], "POST /topic/T00/hook-secret"));
    AUTO_FREE char *text = NULL;
    size_t len;
    assert_true(file_read(log, 65536, &text, &len, &err));
    assert_non_null(strstr(text, "refused: dropped"));
    assert_null(strstr(text, "hook-secret"));
}

/* ---- words ------------------------------------------------------------------------------
 */

static void headers_are_ascii(void **state)
{
    (void)state;
    struct notify_spec spec = spec_of(NOTIFY_NTFY);
    char click[] = "https://ops.example.com/";
    spec.click = click;
    const struct notice notice = {.kind = NOTICE_HALTED,
                                  .risk = RISK_HIGH,
                                  .title = "HALTED by J\xc3\xb6rg\r\nX-Evil: 1",
                                  .text = "t",
                                  .command = "signalbox status"};
    struct http_request *request =
        http_request_new("notify", CALL_WRITE, HTTP_POST, mem_str("/"));
    notice_put(&spec, &notice, "", "", request);
    assert_int_equal(request->n_headers, 4);
    for (size_t i = 0; i < request->n_headers; i++) {
        assert_null(strpbrk(request->headers[i].value, "\r\n\xc3"));
    }
    assert_memory_equal(request->headers[0].value, "=?UTF-8?B?", 10);
    assert_string_equal(request->headers[3].value, click);
    http_request_free(request);
}

static void names_in_events(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t id;
    } cases[] = {
        {"a-3 merge wf-1", 3 },
        {"a-12: x",        12},
        {"a-",             0 },
        {"a-3x",           0 },
        {"",               0 },
        {"b-3",            0 },
        {"a--3",           0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct event_row event = {.kind = "", .text = cases[i].text};
        assert_int_equal(notice_approval_of(&event), cases[i].id);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_told_once_over_restarts),     TEST(who_is_busy_is_asked_again),
        TEST(who_is_not_there_gets_a_sum_later), TEST(what_is_over_is_not_told),
        TEST(an_address_may_be_a_secret),        cmocka_unit_test(headers_are_ascii),
        cmocka_unit_test(names_in_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
