/* SPDX-License-Identifier: MIT */

/* Calls against servers inside the test: what is sent, what is made of what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <arpa/inet.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/version.h"
#include "engine/io/http.h"
#include "tests/lib/web.h"

#define TOKEN    "t0ken-of-the-test"
#define MANY     2000
#define H2_CALLS 90 /* libcurl takes 100 for the bound until the server tells its own */

static char variable[] = "SIGNALBOX_TEST_TOKEN";

static struct {
    struct web *web, *other;
    struct http *http;
    struct service_spec service;
    int64_t last_id;
    struct http_response *answers[MANY + 1];
    int64_t ids[MANY + 1];
    size_t n;
    pthread_mutex_t lock;
    char *seen; /* head of the newest request */
    char *seen_body;
    atomic_int n_posts;
} lab;

/* ---- a name server that does not answer -----------------------------------------------
 */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t released;
    int n_asking;
    bool is_released;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER, .released = PTHREAD_COND_INITIALIZER};

/* In place of the C library's, for libcurl too. */
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    typedef int resolver(const char *, const char *, const struct addrinfo *,
                         struct addrinfo **);
    if (node != NULL && strcmp(node, "hangs.test") == 0) {
        (void)pthread_mutex_lock(&names.lock);
        names.n_asking++;
        while (!names.is_released) {
            (void)pthread_cond_wait(&names.released, &names.lock);
        }
        names.n_asking--;
        (void)pthread_mutex_unlock(&names.lock);
        return EAI_AGAIN;
    }
    resolver *real = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, result);
}

static int n_asking(void)
{
    (void)pthread_mutex_lock(&names.lock);
    int n = names.n_asking;
    (void)pthread_mutex_unlock(&names.lock);
    return n;
}

/* ---- the servers ----------------------------------------------------------------------
 */

static void note(const struct web_request *request)
{
    (void)pthread_mutex_lock(&lab.lock);
    free(lab.seen);
    free(lab.seen_body);
    lab.seen = mem_str(request->head);
    lab.seen_body = mem_strn(request->body, request->body_len);
    (void)pthread_mutex_unlock(&lab.lock);
}

static enum web_after etag(const struct web_request *request, struct buf *answer)
{
    static const char body[] = "{\"n\":1}";
    if (strstr(request->head, "\r\nIf-None-Match: W/\"v1\"\r\n") != NULL) {
        buf_str(answer, "HTTP/1.1 304 Not Modified\r\nETag: W/\"v1\"\r\n"
                        "X-RateLimit-Remaining: 58\r\n\r\n");
    } else {
        web_answer(answer, "200 OK",
                   "ETag: W/\"v1\"\r\nX-RateLimit-Remaining: 59\r\n"
                   "Link: <x>; rel=\"next\"\r\n",
                   body, sizeof(body) - 1);
    }
    return WEB_KEEP;
}

static enum web_after redirect(const struct web_request *request, struct buf *answer)
{
    char line[200];
    int status = 302;
    if (strncmp(request->path, "/to-other", 9) == 0) {
        (void)snprintf(line, sizeof(line), "Location: http://127.0.0.1:%d/see\r\n",
                       web_port(lab.other));
    } else if (strcmp(request->path, "/to-307") == 0) {
        status = 307;
        (void)snprintf(line, sizeof(line), "Location: see?x=1#part\r\n");
    } else if (strcmp(request->path, "/to-file") == 0) {
        (void)snprintf(line, sizeof(line), "Location: file:///etc/passwd\r\n");
    } else if (strcmp(request->path, "/to-self") == 0) {
        (void)snprintf(line, sizeof(line), "Location: /to-self\r\n");
    } else {
        (void)snprintf(line, sizeof(line), "Location: /see\r\n");
    }
    web_answer(answer, status == 302 ? "302 Found" : "307 Temporary Redirect", line,
               "moved", 5);
    return WEB_KEEP;
}

static enum web_after broken(const struct web_request *request, struct buf *answer)
{
    const char *path = request->path;
    if (strcmp(path, "/reset") == 0) {
        return WEB_RESET;
    }
    if (strcmp(path, "/garbage") == 0) {
        buf_str(answer, "\x01\x02garbage without end\r\n\r\n");
    } else if (strcmp(path, "/half") == 0) {
        buf_str(answer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    } else if (strcmp(path, "/half-head") == 0) {
        buf_str(answer, "HTTP/1.1 200 OK\r\nContent-Le");
    } else if (strcmp(path, "/bad-chunk") == 0) {
        buf_str(answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    } else if (strcmp(path, "/long-head") == 0) {
        buf_str(answer, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 200; i++) {
            buf_printf(answer, "X-%d: %0400d\r\n", i, 0);
        }
        buf_str(answer, "\r\n");
    } else if (strcmp(path, "/many-heads") == 0) {
        buf_str(answer, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 1000; i++) {
            buf_str(answer, "X: y\r\n");
        }
        buf_str(answer, "\r\n");
    }
    return WEB_CLOSE;
}

static enum web_after large(const struct web_request *request, struct buf *answer)
{
    AUTO_FREE char *body = mem_alloc(100000);
    memset(body, 'x', 100000);
    if (strcmp(request->path, "/large") == 0) {
        web_answer(answer, "200 OK", "", body, 100000);
        return WEB_KEEP;
    }
    buf_str(answer, "HTTP/1.1 200 OK\r\n\r\n"); /* nobody says how much it will be */
    buf_add(answer, body, 100000);
    return WEB_CLOSE;
}

static enum web_after handle(void *user, const struct web_request *request,
                             struct buf *answer)
{
    (void)user;
    const char *path = request->path;
    note(request);
    if (strcmp(request->method, "POST") == 0) {
        atomic_fetch_add(&lab.n_posts, 1);
    }
    if (strcmp(path, "/post-twice") == 0 && request->n_before > 0) {
        return WEB_CLOSE; /* takes it and dies, on a connection that was used before */
    }
    if (strcmp(path, "/hold") == 0) {
        web_answer(answer, "200 OK", "", "held", 4);
        return WEB_HOLD;
    }
    if (strcmp(path, "/silent") == 0) {
        return WEB_KEEP;
    }
    if (strcmp(path, "/chunked") == 0) {
        buf_str(answer, "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n"
                        "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n"
                        "X-MiXed:   value with spaces \t\r\nX-Empty:\r\n\r\n"
                        "5\r\nhello\r\n7;ext=1\r\n, world\r\n0\r\nTrailer: 1\r\n\r\n");
        return WEB_KEEP;
    }
    if (strcmp(path, "/denied") == 0) {
        web_answer(answer, "401 Unauthorized", "", "{}", 2);
        return WEB_KEEP;
    }
    if (strncmp(path, "/etag", 5) == 0) {
        return etag(request, answer);
    }
    if (strncmp(path, "/to-", 4) == 0) {
        return redirect(request, answer);
    }
    if (strncmp(path, "/large", 6) == 0) {
        return large(request, answer);
    }
    if (strcmp(path, "/see") == 0 || strncmp(path, "/see?", 5) == 0 ||
        strcmp(path, "/ok") == 0 || strcmp(path, "/post-twice") == 0) {
        web_answer(answer, "200 OK", "", "hello", 5);
        return WEB_KEEP;
    }
    return broken(request, answer);
}

/* ---- calling --------------------------------------------------------------------------
 */

static void on_answer(void *user, int64_t call, struct http_response *response)
{
    (void)user;
    assert_true(lab.n <= MANY);
    lab.ids[lab.n] = call;
    lab.answers[lab.n++] = response;
}

static void wait_answers(size_t n, int seconds)
{
    struct mono end = {mono_now().ns + seconds * INT64_C(1000000000)};
    while (lab.n < n) {
        struct pollfd wait = {.fd = http_fd(lab.http), .events = POLLIN};
        if (mono_now().ns > end.ns) {
            fail_msg("%zu of %zu answers after %d s", lab.n, n, seconds);
        }
        (void)poll(&wait, 1, 200);
        http_run(lab.http);
    }
}

static void forget(void)
{
    while (lab.n > 0) {
        http_response_free(lab.answers[--lab.n]);
    }
}

static int64_t send_request(struct http_request *request, int64_t time_ms)
{
    const struct http_call call = {++lab.last_id, &lab.service, request, {time_ms}};
    http_send(lab.http, &call);
    return lab.last_id;
}

static struct http_request *get(const char *path)
{
    return http_request_new("test", CALL_READ, HTTP_GET, mem_str(path));
}

static struct http_request *post(const char *path, const char *body)
{
    struct http_request *request =
        http_request_new("test", CALL_WRITE, HTTP_POST, mem_str(path));
    if (body != NULL) {
        http_request_body(request, mem_str(body), strlen(body));
    }
    return request;
}

/* One call to its end; the answer is the lab's. */
static const struct http_response *answer_to(struct http_request *request,
                                             int64_t time_ms)
{
    forget();
    int64_t id = send_request(request, time_ms);
    wait_answers(1, 20);
    assert_int_equal(lab.ids[0], id);
    assert_int_equal(http_in_flight(lab.http), 0);
    assert_null(strstr(lab.answers[0]->text, TOKEN));
    return lab.answers[0];
}

static void expect_fault(struct http_request *request, enum http_fault fault)
{
    const struct http_response *answer = answer_to(request, 0);
    if (answer->fault != fault) {
        fail_msg("\"%s\" (%s), not \"%s\"", http_fault_word(answer->fault), answer->text,
                 http_fault_word(fault));
    }
    assert_int_equal(answer->status, 0);
    assert_true(answer->text[0] != '\0');
}

static void expect_fine(const struct http_response *answer, int status, const char *body)
{
    if (answer->fault != HTTP_FINE) {
        fail_msg("%s: %s", http_fault_word(answer->fault), answer->text);
    }
    assert_int_equal(answer->status, status);
    assert_int_equal(answer->body_len, strlen(body));
    assert_string_equal(answer->body, body);
}

static bool saw(const char *text)
{
    (void)pthread_mutex_lock(&lab.lock);
    bool is_there = lab.seen != NULL && strstr(lab.seen, text) != NULL;
    (void)pthread_mutex_unlock(&lab.lock);
    return is_there;
}

#define BEARER "\r\nAuthorization: Bearer " TOKEN "\r\n"

/* ---- tests ----------------------------------------------------------------------------
 */

static void test_normal(void **state)
{
    (void)state;
    struct http_request *request = get("/see?a=b%2Fc");
    http_request_header(request, "Accept", "application/vnd.github+json");
    http_request_header(request, "X-Nothing", "");
    expect_fine(answer_to(request, 0), 200, "hello");
    assert_string_equal(http_header_of(lab.answers[0], "content-length"), "5");
    assert_true(saw("GET /see?a=b%2Fc HTTP/1.1\r\n"));
    assert_true(saw("\r\nAccept: application/vnd.github+json\r\n"));
    assert_true(saw("\r\nUser-Agent: signalbox/" SIGNALBOX_VERSION "\r\n"));
    assert_true(saw("\r\nX-Nothing:\r\n"));
    assert_true(saw(BEARER));
    assert_false(saw("Content-Type"));
    expect_fine(answer_to(post("/see", "{\"a\":1}"), 0), 200, "hello");
    assert_true(saw("POST /see HTTP/1.1\r\n"));
    assert_true(saw("\r\nContent-Type: application/json\r\n"));
    assert_true(saw("\r\nContent-Length: 7\r\n"));
    assert_string_equal(lab.seen_body, "{\"a\":1}");
    request = post("/see", NULL);
    request->method = HTTP_PUT;
    expect_fine(answer_to(request, 0), 200, "hello");
    assert_true(saw("PUT /see HTTP/1.1\r\n"));
    assert_true(saw("\r\nContent-Length: 0\r\n"));
    assert_false(saw("Content-Type"));
    request = post("/see", NULL);
    request->method = HTTP_DELETE;
    expect_fine(answer_to(request, 0), 200, "hello");
    assert_true(saw("DELETE /see HTTP/1.1\r\n"));
    assert_false(saw("Content-Length"));
    request = get("/see");
    request->method = HTTP_HEAD;
    expect_fine(answer_to(request, 0), 200, "");
    assert_true(saw("HEAD /see HTTP/1.1\r\n"));
}

static void test_chunks_and_headers(void **state)
{
    (void)state;
    const struct http_response *answer = answer_to(get("/chunked"), 0);
    expect_fine(answer, 200, "hello, world");
    assert_string_equal(http_header_of(answer, "x-mixed"), "value with spaces");
    assert_string_equal(http_header_of(answer, "x-empty"), "");
    assert_null(http_header_of(answer, "x-interim"));
    assert_null(http_header_of(answer, "X-MiXed"));
}

static void test_faults(void **state)
{
    (void)state;
    const struct http_response *answer = answer_to(get("/silent"), 300);
    assert_int_equal(answer->fault, HTTP_TIMEOUT);
    assert_true(answer->took.ms >= 290 && answer->took.ms < 60000);
    expect_fault(get("/reset"), HTTP_LOST);
    expect_fault(post("/reset", "{}"), HTTP_LOST);
    expect_fault(get("/close"), HTTP_LOST);
    expect_fault(get("/garbage"), HTTP_LOST);
    expect_fault(get("/half"), HTTP_LOST);
    expect_fault(get("/half-head"), HTTP_LOST);
    expect_fault(get("/bad-chunk"), HTTP_LOST);
    expect_fault(get("/long-head"), HTTP_TOO_LARGE);
    expect_fault(get("/many-heads"), HTTP_TOO_LARGE);
    struct http_request *request = get("/see");
    http_request_header(request, "X-Evil", "a\r\nX-Other: b");
    expect_fault(request, HTTP_UNREACHED);
    expect_fault(get("gopher://127.0.0.1/x"), HTTP_UNREACHED);
    expect_fault(get("file:///etc/passwd"), HTTP_UNREACHED);
    expect_fault(get("http://[bad"), HTTP_UNREACHED);
    expect_fault(get("http://nowhere.invalid/x"), HTTP_UNREACHED);
}

/* A port where nobody listens, and one where nobody accepts. */
static void test_unreached(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    AUTO_FREE char *url = mem_printf("http://127.0.0.1:%d/x", ntohs(address.sin_port));
    expect_fault(get(url), HTTP_UNREACHED);
    assert_int_equal(listen(fd, 0), 0);
    int fill[8];
    for (size_t i = 0; i < ARRAY_LEN(fill); i++) { /* its queue of connections is full */
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fill[i], (struct sockaddr *)&address, len);
    }
    lab.service.gate.connect_time.ms = 200;
    expect_fault(get(url), HTTP_UNREACHED);
    assert_true(lab.answers[0]->took.ms < 60000);
    lab.service.gate.connect_time.ms = 0;
    for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
        (void)close(fill[i]);
    }
}

/* Neither giving a call up nor stopping waits for a name server. */
static void test_names_that_hang(void **state)
{
    (void)state;
    lab.service.gate.connect_time.ms = 200;
    struct mono before = mono_now();
    expect_fault(get("http://hangs.test/x"), HTTP_UNREACHED);
    int64_t cancelled = send_request(get("http://hangs.test/y"), 0);
    (void)send_request(get("http://hangs.test/z"), 0);
    struct mono end = {mono_now().ns + 20000000000};
    while (n_asking() < 3) {
        assert_true(mono_now().ns < end.ns);
        http_run(lab.http);
    }
    assert_true(http_cancel(lab.http, cancelled));
    http_stop(TAKE(lab.http));
    assert_true(mono_now().ns - before.ns < 60000000000);
    assert_int_equal(n_asking(), 3);
    (void)pthread_mutex_lock(&names.lock);
    names.is_released = true;
    (void)pthread_cond_broadcast(&names.released);
    (void)pthread_mutex_unlock(&names.lock);
    while (n_asking() > 0) {
        assert_true(mono_now().ns < end.ns);
    }
}

static void test_too_large(void **state)
{
    (void)state;
    struct http_request *request = get("/large");
    request->answer_max = 99999;
    expect_fault(request, HTTP_TOO_LARGE);
    request = get("/large-unknown");
    request->answer_max = 99999;
    expect_fault(request, HTTP_TOO_LARGE);
    request = get("/large-unknown");
    request->answer_max = 100000;
    const struct http_response *answer = answer_to(request, 0);
    assert_int_equal(answer->fault, HTTP_FINE);
    assert_int_equal(answer->body_len, 100000);
}

static struct http_request *follow(const char *path)
{
    struct http_request *request = get(path);
    http_request_header(request, "Accept", "text/plain");
    http_request_header(request, "X-Access-Token", "inner");
    request->follows = true;
    return request;
}

static void test_redirects(void **state)
{
    (void)state;
    int before = web_requests(lab.other);
    expect_fine(answer_to(get("/to-here"), 0), 302, "moved");
    expect_fine(answer_to(follow("/to-here"), 0), 200, "hello");
    assert_true(saw("GET /see HTTP") && saw(BEARER) && saw("X-Access-Token"));
    /* elsewhere: neither our token nor what the adapter says in private */
    expect_fine(answer_to(follow("/to-other"), 0), 200, "hello");
    assert_int_equal(web_requests(lab.other), before + 1);
    assert_true(saw("GET /see HTTP") && saw("Accept: text/plain"));
    assert_false(saw(TOKEN) || saw("X-Access-Token"));
    expect_fine(answer_to(follow("/to-file"), 0), 302, "moved");
    expect_fine(answer_to(follow("/to-self"), 0), 302, "moved");
    struct http_request *request = post("/to-307", "body");
    request->follows = true;
    expect_fine(answer_to(request, 0), 200, "hello");
    assert_true(saw("POST /see?x=1 HTTP"));
    assert_string_equal(lab.seen_body, "body");
    request = post("/to-here", "body");
    request->follows = true;
    expect_fine(answer_to(request, 0), 200, "hello");
    assert_true(saw("GET /see HTTP"));
    assert_string_equal(lab.seen_body, "");
}

/* An absolute URL of another origin gets no token, however it came about. */
static void test_foreign(void **state)
{
    (void)state;
    AUTO_FREE char *home = mem_printf("http://127.0.0.1:%d/see", web_port(lab.web));
    AUTO_FREE char *other = mem_printf("http://127.0.0.1:%d/see", web_port(lab.other));
    AUTO_FREE char *name = mem_printf("http://localhost:%d/see", web_port(lab.web));
    expect_fine(answer_to(get(home), 0), 200, "hello");
    assert_true(saw(BEARER));
    expect_fine(answer_to(get(other), 0), 200, "hello");
    assert_false(saw(TOKEN));
    expect_fine(answer_to(get(name), 0), 200, "hello");
    assert_false(saw(TOKEN));
    struct http_request *request = get(home);
    request->is_foreign = true;
    expect_fine(answer_to(request, 0), 200, "hello");
    assert_false(saw(TOKEN));
}

static struct http_request *conditional(const char *path)
{
    struct http_request *request = get(path);
    request->has_etag = true;
    return request;
}

static void test_cache(void **state)
{
    (void)state;
    const struct http_response *answer = answer_to(conditional("/etag"), 0);
    expect_fine(answer, 200, "{\"n\":1}");
    assert_false(answer->is_cached || saw("If-None-Match"));
    answer = answer_to(conditional("/etag"), 0);
    expect_fine(answer, 200, "{\"n\":1}");
    assert_true(answer->is_cached && saw("If-None-Match: W/\"v1\""));
    assert_string_equal(http_header_of(answer, "x-ratelimit-remaining"), "58");
    assert_string_equal(http_header_of(answer, "link"), "<x>; rel=\"next\"");
    /* one that does not ask for it, and another Accept, are not conditional */
    assert_false(answer_to(get("/etag"), 0)->is_cached);
    struct http_request *request = conditional("/etag");
    http_request_header(request, "Accept", "text/plain");
    assert_false(answer_to(request, 0)->is_cached);
    /* another token is another person */
    assert_int_equal(setenv(variable, TOKEN "-2", 1), 0);
    lab.service.token.env = NULL;
    assert_false(answer_to(conditional("/etag"), 0)->is_cached);
    lab.service.token.env = variable;
    assert_int_equal(setenv(variable, TOKEN, 1), 0);
    assert_true(answer_to(conditional("/etag"), 0)->is_cached);
}

static void test_tokens(void **state)
{
    (void)state;
    char text[] = "sleep 0.1; echo " TOKEN, hangs[] = "exit 1", sh[] = "/bin/sh",
         c[] = "-c";
    char *slow[] = {sh, c, text, NULL}, *fails[] = {sh, c, hangs, NULL};
    struct service_spec before = lab.service;
    struct service_spec e2b = before, shell = before, broken_one = before;
    e2b.kind = SERVICE_E2B;
    shell.token = (struct secret_source){.command = {.argv = slow}};
    broken_one.token = (struct secret_source){.command = {.argv = fails}};
    http_send(lab.http, &(struct http_call){++lab.last_id, &e2b, get("/see"), {0}});
    wait_answers(1, 20);
    assert_true(saw("\r\nX-API-KEY: " TOKEN "\r\n"));
    assert_false(saw("Authorization"));
    forget();
    /* those that wait for a token go out when it comes; one of them no longer */
    for (int i = 0; i < 5; i++) {
        http_send(lab.http, &(struct http_call){++lab.last_id, &shell, get("/see"), {0}});
    }
    assert_true(http_cancel(lab.http, lab.last_id - 2));
    wait_answers(4, 20);
    for (size_t i = 0; i < 4; i++) {
        expect_fine(lab.answers[i], 200, "hello");
    }
    assert_true(saw(BEARER));
    forget();
    http_send(lab.http,
              &(struct http_call){++lab.last_id, &broken_one, get("/see"), {0}});
    wait_answers(1, 20);
    assert_int_equal(lab.answers[0]->fault, HTTP_NO_TOKEN);
    assert_string_equal(lab.answers[0]->text,
                        "the command for a secret ended with status 1");
    forget();
    /* answers of http_send never come from inside it */
    http_send(lab.http,
              &(struct http_call){++lab.last_id, &broken_one, get("/see"), {0}});
    assert_int_equal(lab.n, 0);
    wait_answers(1, 20);
}

/* libcurl would send a POST again when a used connection dies: it must not. */
static void test_a_write_is_sent_once(void **state)
{
    (void)state;
    expect_fine(answer_to(get("/ok"), 0), 200, "hello"); /* leaves a connection open */
    atomic_store(&lab.n_posts, 0);
    for (int i = 1; i <= 5; i++) {
        expect_fine(answer_to(post("/post-twice", "{}"), 0), 200, "hello");
        assert_int_equal(atomic_load(&lab.n_posts), i);
    }
    int before = web_connections(lab.web);
    for (int i = 0; i < 10; i++) {
        expect_fine(answer_to(get("/ok"), 0), 200, "hello");
    }
    assert_int_equal(web_connections(lab.web), before); /* reads use them again */
}

static void test_cancel(void **state)
{
    (void)state;
    forget();
    int64_t silent = send_request(get("/silent"), 0);
    int64_t fine = send_request(get("/ok"), 0);
    wait_answers(1, 20);
    assert_int_equal(lab.ids[0], fine);
    assert_int_equal(http_in_flight(lab.http), 1);
    assert_true(http_cancel(lab.http, silent));
    assert_false(http_cancel(lab.http, silent));
    assert_false(http_cancel(lab.http, fine));
    assert_int_equal(http_in_flight(lab.http), 0);
    (void)send_request(get("/silent"), 0); /* left in flight: http_stop ends it */
    struct http_request *bad = get("/ok");
    http_request_header(bad, "x", "\n");
    (void)send_request(bad, 0);
}

/* ---- TLS and HTTP/2, with a server of node's ------------------------------------------
 */

static const char server_js[] =
    "const h = require('http2'), fs = require('fs'); let n = 0;\n"
    "const s = h.createSecureServer({key: fs.readFileSync('key'), cert: "
    "fs.readFileSync('cert')});\n"
    "s.on('session', () => n++);\n"
    "s.on('request', (q, r) => { if (q.url == '/drop') q.stream.session.destroy(); else "
    "r.end(q.httpVersion + ' ' + n); });\n"
    "s.listen(0, '127.0.0.1', () => fs.writeFileSync('port', '' + s.address().port));\n";

#define MAKE_CERTIFICATE                                                                 \
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "         \
    "-keyout key -out cert -days 2 -subj /CN=localhost "                                 \
    "-addext subjectAltName=IP:127.0.0.1 >/dev/null 2>&1 && exec node server.js "        \
    ">/dev/null 2>&1"

static pid_t start_node(const char *folder)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive the test */
        if (chdir(folder) == 0) {
            (void)execl("/bin/sh", "sh", "-c", MAKE_CERTIFICATE, (char *)NULL);
        }
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

/* Text of the file when it is there, waiting for it; NULL when the server has ended. */
static char *port_of(const char *folder, pid_t pid)
{
    AUTO_FREE char *path = file_join(folder, "port");
    struct err err;
    struct mono end = {mono_now().ns + 60000000000};
    while (mono_now().ns < end.ns) {
        char *text = NULL;
        if (file_read(path, 100, &text, NULL, &err) && text[0] != '\0') {
            return text;
        }
        free(text);
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            return NULL;
        }
        (void)poll(NULL, 0, 10);
    }
    return NULL;
}

static void start_http(const char *ca_file)
{
    struct err err = ERR_INIT;
    http_stop(lab.http);
    lab.http = http_start(
        &(struct http_options){.on_answer = on_answer, .ca_file = ca_file}, &err);
    assert_non_null(lab.http);
}

static void test_http2(void **state)
{
    (void)state;
    char folder[] = "/tmp/signalbox-http2.XXXXXX";
    struct err err = ERR_INIT;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *script = file_join(folder, "server.js");
    AUTO_FREE char *cert = file_join(folder, "cert");
    assert_true(file_write(script, server_js, strlen(server_js), &err));
    pid_t pid = start_node(folder);
    AUTO_FREE char *port = port_of(folder, pid);
    if (port == NULL) {
        (void)file_remove_tree(folder, &err); /* only ours */
        print_message("needs node and openssl\n");
        skip();
    }
    AUTO_FREE char *url = mem_printf("https://127.0.0.1:%s", port);
    lab.service.url = url;
    expect_fault(get("/x"), HTTP_UNREACHED); /* nobody trusts it */
    start_http(cert);
    forget();
    for (int i = 0; i < H2_CALLS; i++) {
        (void)send_request(get("/x"), 0);
    }
    wait_answers(H2_CALLS, 20);
    long n_sessions = 0;
    for (size_t i = 0; i < H2_CALLS; i++) {
        assert_int_equal(lab.answers[i]->status, 200);
        assert_memory_equal(lab.answers[i]->body, "2.0 ", 4);
        long n = strtol(lab.answers[i]->body + 4, NULL, 10);
        n_sessions = n > n_sessions ? n : n_sessions;
    }
    print_message("%d calls over %ld sessions\n", H2_CALLS, n_sessions);
    assert_true(n_sessions <= 5); /* many to one, not one each */
    expect_fault(post("/drop", "{}"), HTTP_LOST);
    assert_int_equal(answer_to(get("/x"), 0)->status, 200);
    assert_int_equal(kill(pid, SIGKILL), 0);
    (void)waitpid(pid, NULL, 0);
    assert_true(file_remove_tree(folder, &err));
}

static long rss_kib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void test_thousands(void **state)
{
    (void)state;
    forget();
    long before = rss_kib();
    for (int i = 0; i < MANY; i++) {
        (void)send_request(get("/hold"), 60000);
    }
    struct mono end = {mono_now().ns + 60000000000};
    while (web_held(lab.web) < MANY && lab.n == 0 && mono_now().ns < end.ns) {
        struct pollfd wait = {.fd = http_fd(lab.http), .events = POLLIN};
        (void)poll(&wait, 1, 100);
        http_run(lab.http);
    }
    assert_int_equal(web_held(lab.web), MANY);
    assert_int_equal(http_in_flight(lab.http), MANY);
    long with = rss_kib();
    struct mono start = mono_now();
    web_release(lab.web);
    wait_answers(MANY, 60);
    for (size_t i = 0; i < MANY; i++) {
        expect_fine(lab.answers[i], 200, "held");
    }
    print_message("%d in flight: %ld KiB each, both ends; answered in %lld ms\n", MANY,
                  (with - before) / MANY,
                  (long long)(mono_now().ns - start.ns) / 1000000);
    forget();
    /* one after the other, and 16 at once, over connections that are open */
    for (size_t width = 1; width <= 16; width *= 16) {
        size_t n_sent = 0, n_done = 0, total = 5000;
        start = mono_now();
        while (n_done < total) {
            while (n_sent < total && n_sent - n_done < width) {
                (void)send_request(get("/ok"), 0);
                n_sent++;
            }
            wait_answers(1, 20);
            n_done += lab.n;
            forget();
        }
        print_message("%zu at once: %.0f requests/s\n", width,
                      (double)total * 1e9 / (double)(mono_now().ns - start.ns));
    }
}

static int setup(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    lab.web = web_start(handle, NULL);
    lab.other = web_start(handle, NULL);
    lab.http = http_start(&(struct http_options){.on_answer = on_answer}, &err);
    static char url[64];
    static char name[] = "test";
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d", web_port(lab.web));
    lab.service = (struct service_spec){
        .name = name, .kind = SERVICE_GITHUB, .url = url, .token.env = variable};
    return lab.http != NULL && setenv(variable, TOKEN, 1) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    forget();
    http_stop(lab.http);
    web_stop(lab.web);
    web_stop(lab.other);
    free(lab.seen);
    free(lab.seen_body);
    lab.seen = lab.seen_body = NULL;
    return 0;
}

/* Thirty libraries that a program without services over HTTP does not pay for. Without a
 * setup: it is the first test. */
static void test_library_is_loaded_when_needed(void **state)
{
    struct err err = ERR_INIT;
    (void)state;
    assert_null(dlopen("libcurl.so.4", RTLD_LAZY | RTLD_NOLOAD));
    struct http *http = http_start(&(struct http_options){.user = NULL}, &err);
    assert_non_null(http);
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(library);
    (void)dlclose(library);
    http_stop(http);
}

int main(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* the test says what it misses */
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)pthread_mutex_init(&lab.lock, NULL);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_library_is_loaded_when_needed),
        TEST(test_normal),
        TEST(test_chunks_and_headers),
        TEST(test_faults),
        TEST(test_unreached),
        TEST(test_names_that_hang),
        TEST(test_too_large),
        TEST(test_redirects),
        TEST(test_foreign),
        TEST(test_cache),
        TEST(test_tokens),
        TEST(test_a_write_is_sent_once),
        TEST(test_http2),
        TEST(test_cancel),
        TEST(test_thousands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
