/* SPDX-License-Identifier: MIT */

/*
 * The listener over real sockets, with a stand-in for the control thread that commits into a
 * real store: what is kept, what is turned away and with which answer, what subscribers hear,
 * and that the slow, the huge and the many do no harm.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "engine/base/buf.h"
#include "engine/base/digest.h"
#include "engine/base/file.h"
#include "store/audit.h"
#include "tests/lib/place.h"
#include "tests/lib/visitor.h"

static struct clerk clerk;

static int set_up(void **state)
{
    int failed = place_set_up(state);
    struct place *place = *state;
    clerk_init(&clerk, place->path);
    return failed;
}

static int tear_down(void **state)
{
    return place_tear_down(state);
}

static void must_open(void)
{
    struct err err = ERR_INIT;
    if (!clerk_open(&clerk, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void must_say(struct reply reply, int status, const char *part)
{
    if (reply.status != status || strstr(reply.body, part) == NULL) {
        fail_msg("wanted %d \"%s\", got %d:\n%s%s", status, part, reply.status,
                 reply.head, reply.body);
    }
    reply_free(&reply);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
static const char ping[] = "{\"zen\":\"Keep it logically awesome.\",\"hook_id\":7,"
                           "\"repository\":{\"full_name\":\"a/b\"}}";

/* ---- webhooks -------------------------------------------------------------------------- */

static size_t count_deliveries(const struct place *place, struct delivery_row *ret_newest)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(place);
    const struct delivery_row *rows = NULL;
    size_t n = 0;
    const struct delivery_query query = {.max = 1000};
    assert_true(reader_deliveries(reader, place->arena, &query, &rows, &n, &err));
    if (n > 0 && ret_newest != NULL) {
        assert_int_equal(
            reader_delivery(reader, place->arena, rows[0].seq, ret_newest, &err), FOUND);
    }
    reader_close(reader);
    return n;
}

static void kept_before_it_is_answered(void **state)
{
    const struct place *place = *state;
    struct delivery_row row = {0};
    must_open();
    must_say(visit_deliver(&clerk, "ping", "guid-1", ping), 200, "kept");
    assert_int_equal(count_deliveries(place, &row), 1);
    assert_string_equal(row.guid, "guid-1");
    assert_string_equal(row.event, "ping");
    assert_string_equal(row.repository, "a/b");
    assert_int_equal(row.body_len, strlen(ping));
    assert_memory_equal(row.body, ping, strlen(ping));
    must_say(visit_deliver(&clerk, "ping", "guid-1", ping), 200, "came before");
    must_say(visit_deliver(&clerk, "fork", "guid-2", "{\"a\":1}"), 202, "nothing here");
    assert_int_equal(count_deliveries(place, NULL), 2);
    atomic_store(&clerk.is_broken, true);
    struct reply reply = visit_deliver(&clerk, "ping", "guid-3", ping);
    assert_non_null(strstr(reply.head, "Retry-After: "));
    must_say(reply, 503, "store");
    assert_int_equal(count_deliveries(place, NULL), 2);
    clerk_close(&clerk);
}

/* docs.github.com, "Validating webhook deliveries": the vector is accepted as signed (and
 * then refused as no JSON object), the same with one bit changed is not. */
static void the_vector_of_github(void **state)
{
    (void)state;
    static const char request[] =
        "POST /webhooks/github HTTP/1.1\r\nHost: h\r\nContent-Length: 13\r\n"
        "X-GitHub-Event: ping\r\nX-GitHub-Delivery: d\r\nX-Hub-Signature-256: "
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e1%c\r\n\r\n"
        "Hello, World!";
    must_open();
    AUTO_FREE char *right = mem_printf(request, '7');
    AUTO_FREE char *wrong = mem_printf(request, '6');
    must_say(visit_once(&clerk, right), 400, "JSON");
    must_say(visit_once(&clerk, wrong), 401, "wrong");
    clerk_close(&clerk);
}

#define SIGNED           "X-Hub-Signature-256: sha256=" ZEROS "\r\n"
#define ZEROS            "0000000000000000000000000000000000000000000000000000000000000000"
#define NAMED            "X-GitHub-Event: ping\r\nX-GitHub-Delivery: d\r\n"
#define POST(more, body) "POST /webhooks/github HTTP/1.1\r\nHost: h\r\n" more "\r\n" body

/* clang-format off */
static const struct {
    int status;
    const char *part, *request;
} refusals[] = {
    {401, "no X-Hub",     POST("Content-Length: 2\r\n" NAMED,                     "{}")},
    {401, "no X-Hub",
     POST("Content-Length: 2\r\n" NAMED "X-Hub-Signature-256: sha256=00\r\n",     "{}")},
    {401, "no X-Hub",
     POST("Content-Length: 2\r\n" NAMED "X-Hub-Signature-256: " ZEROS "\r\n",     "{}")},
    {401, "wrong",        POST("Content-Length: 2\r\n" NAMED SIGNED,              "{}")},
    {400, "Delivery",
     POST("Content-Length: 2\r\n" SIGNED "X-GitHub-Event: ping\r\n",              "{}")},
    {400, "Event",
     POST("Content-Length: 2\r\n" SIGNED "X-GitHub-Delivery: d\r\n",              "{}")},
    {411, "no Content",   POST(NAMED SIGNED,                                      ""  )},
    {400, "no number",    POST("Content-Length: 1x\r\n" NAMED SIGNED,             "{}")},
    {413, "too large",    POST("Content-Length: 26214401\r\n" NAMED SIGNED,       ""  )},
    {413, "too large",    POST("Content-Length: 99999999999999\r\n" NAMED SIGNED, ""  )},
    {501, "not known",    POST("Transfer-Encoding: gzip\r\n" NAMED SIGNED,        "{}")},
    {400, "Content-Leng",
     POST("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n" NAMED SIGNED,     "{}")},
    {400, "chunks",
     POST("Transfer-Encoding: chunked\r\n" NAMED SIGNED,                   "zz\r\n{}" )},
    {415, "application",
     POST("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n" NAMED
              SIGNED,                                                             "{}")},
    {405, "method",       GET("/webhooks/github")                                      },
    {404, "nothing",      GET("/")                                                     },
    {404, "nothing",      GET("/webhooks/github/x")                                    },
    {404, "nothing",      GET("/../etc/passwd")                                        },
    {426, "WebSocket",    GET("/events")                                               },
    {405, "method",       "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
};
/* clang-format on */

static void refused_with_its_reason(void **state)
{
    const struct place *place = *state;
    must_open();
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        must_say(visit_once(&clerk, refusals[i].request), refusals[i].status,
                 refusals[i].part);
    }
    assert_int_equal(count_deliveries(place, NULL), 0);
    for (int i = 0; i < 5000 && atomic_load(&clerk.n_rejected) < 14; i++) {
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(atomic_load(&clerk.n_rejected),
                     14); /* what was no webhook is none */
    assert_true(atomic_load(&clerk.n_reports) <= 4);
    clerk_close(&clerk);
}

static void any_of_the_secrets(void **state)
{
    (void)state;
    struct secret_source sources[] = {{.env = (char *)(uintptr_t) "OLD_SECRET"},
                                      {.env = (char *)(uintptr_t) "VISITOR_SECRET"}};
    (void)setenv("OLD_SECRET", "rotated away", 1);
    clerk.spec.secrets = sources;
    clerk.spec.n_secrets = 2;
    must_open();
    must_say(visit_deliver(&clerk, "ping", "1", ping), 200, "kept");
    char sign[DIGEST_TEXT_MAX + 8];
    AUTO_FREE char *request = mem_printf(
        "POST /webhooks/github HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n"
        "X-GitHub-Event: ping\r\nX-GitHub-Delivery: 2\r\nX-Hub-Signature-256: "
        "%s\r\n\r\n%s",
        strlen(ping), visit_sign("rotated away", ping, strlen(ping), sign), ping);
    must_say(visit_once(&clerk, request), 200, "kept");
    clerk_close(&clerk);
    clerk.spec.n_secrets = 0;
    struct place *place = *state;
    clerk_init(&clerk, place->path);
    clerk.spec.n_secrets = 0; /* nobody can sign */
    must_open();
    must_say(visit_deliver(&clerk, "ping", "3", ping), 401, "wrong");
    clerk_close(&clerk);
}

static void connections_are_kept_alive(void **state)
{
    const struct place *place = *state;
    must_open();
    int fd = visit(&clerk);
    for (int i = 0; i < 50; i++) {
        char guid[32];
        size_t len = 0;
        (void)snprintf(guid, sizeof(guid), "guid-%d", i);
        AUTO_FREE char *request = visit_hook("ping", guid, ping, &len);
        visit_send(fd, request, len);
        must_say(visit_reply(fd), 200, "kept");
        if (i % 5 == 0) { /* an early no leaves the connection in order */
            visit_text(fd, POST("Content-Length: 5\r\n" NAMED, "{   }"));
            must_say(visit_reply(fd), 401, "no X-Hub");
            visit_text(fd, POST("Content-Length: 2\r\n" NAMED SIGNED, "{}"));
            must_say(visit_reply(fd), 401, "wrong");
        }
    }
    (void)close(fd);
    assert_int_equal(count_deliveries(place, NULL), 50);
    clerk_close(&clerk);
}

/* Requests that come before the answer to the one before: that is answered, then the
 * connection ends, whatever stands there. */
static void pipelined_requests(void **state)
{
    const struct place *place = *state;
    size_t len = 0, next_len = 0;
    must_open();
    AUTO_FREE char *first = visit_hook("ping", "first", ping, &len);
    AUTO_FREE char *next = visit_hook("ping", "next", ping, &next_len);
    /* clang-format off */
    const char *const pairs[][2] = {
        {first,                                           next                       },
        {first,                                           "x"                        },
        {first,                                           GET("/healthz")            },
        {GET("/healthz"),                                 next                       },
        {GET("/healthz"),                                 GET("/healthz")            },
        {POST("Content-Length: 2\r\n" NAMED, "{}"),       next                       },
        {POST("Content-Length: 0\r\n" NAMED SIGNED, ""),  next                       },
        {POST("Content-Length: 2\r\n" NAMED SIGNED, "{}"), next                       },
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        AUTO_FREE char *both = mem_printf("%s%s", pairs[i][0], pairs[i][1]);
        int fd = visit(&clerk);
        visit_text(fd, both);
        struct reply reply = visit_reply(fd);
        assert_true(reply.status == 200 || reply.status == 401);
        assert_non_null(strstr(reply.head, "Connection: close"));
        reply_free(&reply);
        assert_true(visit_is_closed(fd));
        (void)close(fd);
        must_say(visit_once(&clerk, GET("/healthz")), 200, "alive");
    }
    assert_int_equal(count_deliveries(place, NULL), 1);
    clerk_close(&clerk);
}

static char *chunked_request(const char *body, size_t step)
{
    char sign[DIGEST_TEXT_MAX + 8];
    struct buf out;
    size_t len = strlen(body);
    buf_init(&out, 1 << 20);
    (void)buf_printf(&out,
                     "POST /webhooks/github HTTP/1.1\r\nHost: h\r\n"
                     "Transfer-Encoding: chunked\r\n" NAMED
                     "X-Hub-Signature-256: %s\r\n\r\n",
                     visit_sign(VISITOR_SECRET, body, len, sign));
    for (size_t at = 0; at < len; at += step) {
        size_t n = len - at < step ? len - at : step;
        (void)buf_printf(&out, "%zX;name=value\r\n", n);
        (void)buf_add(&out, body + at, n);
        (void)buf_str(&out, "\r\n");
    }
    (void)buf_str(&out, "0\r\nX-Trailer: y\r\n\r\n");
    return buf_take(&out, NULL);
}

static void chunks_of_any_size(void **state)
{
    const struct place *place = *state;
    struct delivery_row row = {0};
    must_open();
    for (size_t step = 1; step < 40; step += 7) {
        AUTO_FREE char *request = chunked_request(ping, step);
        struct reply reply = visit_once(&clerk, request);
        must_say(reply, 200, step == 1 ? "kept" : "came before");
    }
    assert_int_equal(count_deliveries(place, &row), 1);
    assert_int_equal(row.body_len, strlen(ping));
    assert_memory_equal(row.body, ping, strlen(ping));
    clerk_close(&clerk);
}

/* Each byte a packet of its own. */
static void byte_by_byte(void **state)
{
    const struct place *place = *state;
    must_open();
    AUTO_FREE char *request = chunked_request(ping, 9);
    size_t len = 0;
    AUTO_FREE char *plain = visit_hook("ping", "plain", ping, &len);
    const char *const texts[] = {request, plain};
    for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
        int fd = visit(&clerk);
        for (size_t i = 0; texts[k][i] != '\0'; i++) {
            visit_send(fd, texts[k] + i, 1);
        }
        must_say(visit_reply(fd), 200, "kept");
        (void)close(fd);
    }
    assert_int_equal(count_deliveries(place, NULL), 2);
    clerk_close(&clerk);
}

static void the_largest_body(void **state)
{
    const struct place *place = *state;
    struct delivery_row row = {0};
    clerk.spec.body_max = 3 * 1024 * 1024;
    must_open();
    size_t len = 3 * 1024 * 1024, n = 0;
    AUTO_FREE char *body = mem_alloc(len + 2);
    memset(body, ' ', len + 1);
    body[0] = '{';
    body[len - 1] = '}';
    body[len] = '\0';
    AUTO_FREE char *request = visit_hook("fork", "big", body, &n);
    int fd = visit(&clerk);
    visit_send(fd, request, n);
    must_say(visit_reply(fd), 202, "kept");
    (void)close(fd);
    assert_int_equal(count_deliveries(place, &row), 1);
    assert_int_equal(row.body_len, len);
    body[len] = ' '; /* one byte more */
    AUTO_FREE char *more = visit_hook("fork", "bigger", body, &n);
    fd = visit(&clerk);
    visit_send(fd, more, n);
    struct reply reply = visit_reply(fd);
    assert_true(reply.status == 413 || reply.status == 0); /* it may be cut off */
    reply_free(&reply);
    (void)close(fd);
    assert_int_equal(count_deliveries(place, NULL), 1);
    clerk_close(&clerk);
}

/* Bodies that are promised take no memory, bodies that come have a bound together. */
static void memory_is_bounded(void **state)
{
    (void)state;
    clerk.limits.bodies_max = 200000;
    must_open();
    int fds[20];
    char part[15000];
    memset(part, '{', sizeof(part));
    int n_full = 0;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = visit(&clerk);
        visit_text(fds[i], POST("Content-Length: 20000000\r\n" NAMED SIGNED, ""));
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        visit_send(fds[i], part, sizeof(part));
    }
    for (int i = 0; i < 1000 && n_full < 17; i++) {
        n_full = 0;
        for (size_t k = 0; k < ARRAY_LEN(fds); k++) {
            struct pollfd one = {.fd = fds[k], .events = POLLIN};
            n_full += poll(&one, 1, 0) > 0 ? 1 : 0;
        }
        (void)poll(NULL, 0, 5);
    }
    assert_int_equal(n_full, 17); /* three have their 64 KiB */
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        (void)close(fds[i]);
    }
    must_say(visit_once(&clerk, GET("/healthz")), 200, "alive");
    clerk_close(&clerk);
}

static void no_room_is_said(void **state)
{
    const struct place *place = *state;
    clerk.limits.webhooks_max = 4;
    atomic_store(&clerk.is_holding, true);
    must_open();
    int fds[6];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        char guid[32];
        size_t len = 0;
        (void)snprintf(guid, sizeof(guid), "guid-%zu", i);
        AUTO_FREE char *request = visit_hook("ping", guid, ping, &len);
        fds[i] = visit(&clerk);
        visit_send(fds[i], request, len);
        if (i >= 4) {
            struct reply reply = visit_reply(fds[i]);
            assert_non_null(strstr(reply.head, "Retry-After: "));
            must_say(reply, 503, "no room");
        } else { /* one after the other, so that it is known who comes too late */
            must_say(visit_once(&clerk, GET("/healthz")), 200, "alive");
        }
    }
    (void)close(fds[0]); /* who has gone is kept all the same */
    atomic_store(&clerk.is_holding, false);
    for (size_t i = 1; i < 4; i++) {
        must_say(visit_reply(fds[i]), 200, "kept");
        (void)close(fds[i]);
    }
    (void)close(fds[4]);
    (void)close(fds[5]);
    assert_int_equal(count_deliveries(place, NULL), 4);
    clerk_close(&clerk);
}

/* ---- the slow and the many -------------------------------------------------------------- */

static void half_requests_end(void **state)
{
    (void)state;
    clerk.limits.header_time = span_s(1);
    clerk.limits.body_time = span_s(1);
    clerk.limits.answer_time = span_s(1);
    clerk.limits.idle_time = span_s(1);
    must_open();
    atomic_store(&clerk.is_holding, true);
    size_t len = 0;
    AUTO_FREE char *request = visit_hook("ping", "late", ping, &len);
    int silent = visit(&clerk), head = visit(&clerk), body = visit(&clerk);
    int done = visit(&clerk), late = visit(&clerk);
    visit_text(head, "POST /webhooks/github HTT");
    visit_text(body, POST("Content-Length: 100\r\n" NAMED SIGNED, "{"));
    visit_text(done, GET("/healthz"));
    visit_send(late, request, len);
    must_say(visit_reply(done), 200, "alive");
    must_say(visit_reply(body), 408, "too long");
    must_say(visit_reply(late), 503, "busy");
    const int all[] = {silent, head, body, done, late};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_true(visit_is_closed(all[i]));
        (void)close(all[i]);
    }
    atomic_store(&clerk.is_holding, false);
    must_say(visit_deliver(&clerk, "ping", "late", ping), 200, "came before");
    clerk_close(&clerk);
}

static void malformed_requests(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GARBAGE GARBAGE GARBAGE\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST http://evil/ HTTP/1.1\r\nHost: h\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\xff",
        "GET /%00%ff%zz HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade, "
        "HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /events HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: door\r\n\r\n",
    };
    must_open();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int fd = visit(&clerk);
        visit_text(fd, texts[i]);
        (void)shutdown(fd, SHUT_WR);
        assert_true(visit_is_closed(fd));
        (void)close(fd);
    }
    size_t len = 1 << 20;
    AUTO_FREE char *huge = mem_alloc(len + 1);
    memset(huge, 'x', len);
    int fd = visit(&clerk);
    visit_text(fd, "GET /healthz HTTP/1.1\r\nX-Huge: ");
    visit_send(fd, huge, len);
    assert_true(visit_is_closed(fd));
    (void)close(fd);
    must_say(visit_once(&clerk, GET("/healthz")), 200, "alive");
    clerk_close(&clerk);
}

/* As many as there are descriptors: the oldest idle ones make room, a webhook gets through. */
static void very_many_connections(void **state)
{
    (void)state;
    struct rlimit limit = {0};
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    clerk.spec.connections = 500;
    must_open();
    int n = limit.rlim_cur > 12000 ? 10000 : (int)limit.rlim_cur - 700;
    n = n > 100 ? n : 100;
    AUTO_FREE int *fds = mem_array((size_t)n, sizeof(int));
    for (int i = 0; i < n; i++) {
        fds[i] = visit(&clerk);
        if (i % 1000 == 999) {
            char guid[32];
            (void)snprintf(guid, sizeof(guid), "guid-%d", i);
            must_say(visit_deliver(&clerk, "ping", guid, ping), 200, "kept");
        }
    }
    must_say(visit_deliver(&clerk, "ping", "last", ping), 200, "kept");
    must_say(visit_once(&clerk, GET("/metrics")), 200, "connections_evicted_total");
    for (int i = 0; i < n; i++) {
        (void)close(fds[i]);
    }
    clerk_close(&clerk);
}

/* All places are busy: a new one hears 503. */
static void no_place_is_said(void **state)
{
    (void)state;
    clerk.spec.connections = 4;
    atomic_store(&clerk.is_holding, true);
    must_open();
    int fds[4];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        char guid[32];
        size_t len = 0;
        (void)snprintf(guid, sizeof(guid), "guid-%zu", i);
        AUTO_FREE char *request = visit_hook("ping", guid, ping, &len);
        fds[i] = visit(&clerk);
        visit_send(fds[i], request, len);
    }
    for (int i = 0; i < 10000 && atomic_load(&clerk.n_got) < 4; i++) {
        (void)poll(NULL, 0, 1);
    }
    int fd = visit(&clerk);
    struct reply reply = visit_reply(fd);
    assert_int_equal(reply.status, 503);
    assert_non_null(strstr(reply.head, "Retry-After: "));
    reply_free(&reply);
    (void)close(fd);
    atomic_store(&clerk.is_holding, false);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        must_say(visit_reply(fds[i]), 200, "kept");
        (void)close(fds[i]);
    }
    must_say(visit_once(&clerk, GET("/healthz")), 200, "alive");
    clerk_close(&clerk);
}

/* ---- events ------------------------------------------------------------------------------ */

static void write_audited(struct store *store)
{
    (void)store_add_audit(store, &(struct audit_row){.at = {1}, .actor = "ada"});
    (void)store_add_event(store, &(struct event_row){.kind = "k", .actor = "ada"});
}

static void must_have_head(int fd, int64_t n)
{
    int code = 0;
    AUTO_FREE char *message = visit_message(fd, &code);
    assert_non_null(message);
    AUTO_FREE char *wanted =
        mem_printf("\"audit\":{\"n\":%lld,\"hash\":\"", (long long)n);
    const char *at = strstr(message, wanted);
    if ((at != NULL) != (n > 0)) {
        fail_msg("no head %lld in %s", (long long)n, message);
    }
    if (at == NULL) {
        assert_null(strstr(message, "\"audit\""));
        return;
    }
    struct err err = ERR_INIT;
    struct reader *reader = reader_open(clerk.path, &err);
    struct arena *arena = arena_new();
    struct audit_row row;
    char hex[DIGEST_TEXT_MAX];
    assert_int_equal(reader_audit_row(reader, arena, n, &row, &err), FOUND);
    assert_memory_equal(at + strlen(wanted), digest_format(row.hash, hex),
                        (size_t)2 * DIGEST_LEN);
    arena_free(arena);
    reader_close(reader);
}

/* Greetings and new events; what is read again from the store has none. */
static void the_head_of_the_audit_is_told(void **state)
{
    (void)state;
    must_open();
    int before = visit_ws(&clerk, "/events", "", &(int){0});
    must_have_head(before, 0);
    (void)close(before);
    clerk.write_event = write_audited;
    clerk_events(&clerk, 3);
    int live = visit_ws(&clerk, "/events", "", &(int){0});
    must_have_head(live, 3);
    clerk_events(&clerk, 1);
    must_have_head(live, 4);
    int old = visit_ws(&clerk, "/events?since=1", "", &(int){0});
    must_have_head(old, 4);
    must_have_head(old, 0);
    (void)close(old);
    (void)close(live);
    clerk_close(&clerk);
}

/* Messages until the event `last`; each number once, in order, from `first` on. */
static void must_hear(int fd, int64_t first, int64_t last, int64_t step)
{
    for (int64_t seq = first; seq <= last; seq += step) {
        int code = 0;
        AUTO_FREE char *message = visit_message(fd, &code);
        assert_non_null(message);
        if (strstr(message, "\"type\":\"event\"") == NULL ||
            message_number(message, "seq") != seq) {
            fail_msg("wanted event %lld, got %s", (long long)seq, message);
        }
    }
}

static void must_be_greeted(int fd, int64_t seq)
{
    int code = 0;
    AUTO_FREE char *message = visit_message(fd, &code);
    assert_non_null(message);
    assert_non_null(strstr(message, "\"type\":\"hello\""));
    assert_int_equal(message_number(message, "seq"), seq);
}

static int must_subscribe(const char *path, const char *more)
{
    int status = 0;
    int fd = visit_ws(&clerk, path, more, &status);
    if (fd < 0) {
        fail_msg("%s: %d", path, status);
    }
    return fd;
}

static void events_live_and_from_before(void **state)
{
    (void)state;
    must_open();
    clerk_events(&clerk, 700);
    int live = must_subscribe("/events", "");
    must_be_greeted(live, 700);
    int old = must_subscribe("/events?since=0", "");
    must_be_greeted(old, 0);
    int middle = must_subscribe("/events?since=650", "");
    must_be_greeted(middle, 650);
    clerk_events(&clerk, 300);
    must_hear(live, 701, 1000, 1);
    must_hear(old, 1, 1000, 1);
    must_hear(middle, 651, 1000, 1);
    /* a second look, from where it ended: no gap, nothing twice */
    (void)close(old);
    clerk_events(&clerk, 5);
    old = must_subscribe("/events?since=1000", "");
    must_be_greeted(old, 1000);
    clerk_events(&clerk, 5);
    must_hear(old, 1001, 1010, 1);
    (void)close(old);
    (void)close(live);
    (void)close(middle);
    clerk_close(&clerk);
}

static void events_that_are_wanted(void **state)
{
    (void)state;
    must_open();
    int odd = must_subscribe("/events?kind=odd", "");
    int first = must_subscribe("/events?workflow=wf-1", "");
    int none = must_subscribe("/events?repo=a%2Fb&kind=odd", "");
    int both = must_subscribe("/events?kind=odd&kind=even&since=0", "");
    must_be_greeted(odd, 0);
    must_be_greeted(first, 0);
    must_be_greeted(none, 0);
    must_be_greeted(both, 0);
    clerk_events(&clerk, 60);
    must_hear(odd, 1, 59, 2);
    must_hear(first, 1, 58, 3);
    must_hear(both, 1, 60, 1);
    struct pollfd one = {.fd = none, .events = POLLIN};
    assert_int_equal(poll(&one, 1, 0), 0);
    (void)close(odd);
    (void)close(first);
    (void)close(none);
    (void)close(both);
    clerk_close(&clerk);
}

static void who_may_listen(void **state)
{
    (void)state;
    struct secret_source token = {.env = (char *)(uintptr_t) "LISTENER_TOKEN"};
    char *origins[] = {(char *)(uintptr_t) "https://ops.example.com"};
    int status = 0;
    (void)setenv("LISTENER_TOKEN", "sesame", 1);
    clerk.spec.token = token;
    clerk.spec.origins = origins;
    clerk.spec.n_origins = 1;
    must_open();
    /* clang-format off */
    static const struct {
        const char *path, *more;
        int status;
    } tries[] = {
        {"/events",         "",                                              401},
        {"/events",         "Authorization: Bearer sesam\r\n",               401},
        {"/events",         "Authorization: Basic sesame\r\n",               401},
        {"/events",         "Sec-WebSocket-Protocol: bearer.sesame\r\n",     400},
        {"/events",         "Sec-WebSocket-Protocol: signalbox.events, bearer.no\r\n", 401},
        {"/events",         "Authorization: Bearer sesame\r\nOrigin: https://x\r\n", 403},
        {"/events?since=x", "Authorization: Bearer sesame\r\n",              400},
        {"/events?what=1",  "Authorization: Bearer sesame\r\n",              400},
        {"/nothing",        "Authorization: Bearer sesame\r\n",              404},
        {"/metrics",        "Authorization: Bearer sesame\r\n",              404},
        {"/events",         "Authorization: Bearer sesame\r\n",              101},
        {"/events",
         "Authorization: bearer sesame\r\nOrigin: https://ops.example.com\r\n", 101},
        {"/events",
         "Sec-WebSocket-Protocol: signalbox.events, bearer.sesame\r\n",      101},
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        int fd = visit_ws(&clerk, tries[i].path, tries[i].more, &status);
        if (status != tries[i].status) {
            fail_msg("%s %s: %d", tries[i].path, tries[i].more, status);
        }
        if (fd >= 0) {
            must_be_greeted(fd, 0);
            (void)close(fd);
        }
    }
    must_say(visit_once(&clerk, GET("/metrics")), 401, "token");
    must_say(visit_once(&clerk, "GET /metrics HTTP/1.1\r\nHost: h\r\n"
                                "Authorization: Bearer sesame\r\n\r\n"),
             200, "signalbox_events_total");
    must_say(visit_once(&clerk, GET("/healthz")), 200, "alive");
    clerk_close(&clerk);
}

/* One that does not read is told what it missed, and costs neither memory nor others. */
static void a_slow_subscriber(void **state)
{
    (void)state;
    clerk.limits.feed_events = 64;
    must_open();
    int size = 4096, status = 0;
    int slow = must_subscribe("/events", "");
    (void)setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    int quick = must_subscribe("/events", "");
    must_be_greeted(quick, 0);
    int64_t heard = 0;
    for (int i = 0; i < 600; i++) {
        clerk_events(&clerk, 32);
        must_hear(quick, heard + 1, heard + 32, 1);
        heard += 32;
    }
    must_be_greeted(slow, 0);
    int64_t last = 0;
    int n_resyncs = 0;
    while (last < heard) {
        AUTO_FREE char *message = visit_message(slow, &status);
        assert_non_null(message);
        int64_t seq = message_number(message, "seq");
        if (strstr(message, "\"type\":\"resync\"") != NULL) {
            assert_int_equal(message_number(message, "from"), last);
            assert_true(seq > last);
            n_resyncs++;
        } else {
            assert_int_equal(seq, last + 1);
        }
        last = seq;
    }
    assert_true(n_resyncs > 0);
    clerk_events(&clerk, 1);
    must_hear(slow, heard + 1, heard + 1, 1);
    (void)close(slow);
    (void)close(quick);
    clerk_close(&clerk);
}

static void numbers_that_are_not_there(void **state)
{
    (void)state;
    int code = 0;
    must_open();
    clerk_events(&clerk, 10);
    int fd = must_subscribe("/events?since=99", "");
    must_be_greeted(fd, 99);
    AUTO_FREE char *message = visit_message(fd, &code);
    assert_non_null(strstr(message, "\"type\":\"resync\""));
    assert_int_equal(message_number(message, "seq"), 10);
    clerk_events(&clerk, 3);
    must_hear(fd, 11, 13, 1);
    (void)close(fd);
    clerk_close(&clerk);
}

/* A ping after a quiet time; who does not answer it is closed. */
static void pings_have_a_bound(void **state)
{
    (void)state;
    int code = 0;
    clerk.limits.ping = span_s(1);
    clerk.limits.pong = span_s(1);
    must_open();
    int fd = must_subscribe("/events", "");
    must_be_greeted(fd, 0);
    assert_null(visit_message(fd, &code)); /* pings are skipped, then it ends */
    (void)close(fd);
    clerk_close(&clerk);
}

/* ---- the rest ---------------------------------------------------------------------------- */

static void health_and_readiness(void **state)
{
    (void)state;
    must_open();
    must_say(visit_once(&clerk, GET("/healthz")), 200, "alive");
    must_say(visit_once(&clerk, GET("/readyz")), 200, "ready");
    listener_fault(clerk.listener, ERR_FULL);
    must_say(visit_once(&clerk, GET("/readyz")), 503, "no space");
    listener_fault(clerk.listener, ERR_NONE);
    must_say(visit_once(&clerk, GET("/readyz")), 200, "ready");
    clerk_close(&clerk);
}

/* Families from the store, each once, its samples together, "# EOF" last. */
static void figures_of_the_store(void **state)
{
    (void)state;
    must_open();
    store_put_service(clerk.store,
                      &(struct service_row){
                          .name = "github_api",
                          .kind = "github",
                          .state = BREAKER_HALF_OPEN,
                          .reason = "",
                          .memo = "{}",
                          .detail = "{\"window\":{\"calls\":9,\"failures\":2},"
                                    "\"latency_ms\":{\"p50\":120,\"p99\":1500},"
                                    "\"rate\":{\"limit\":5000,\"remaining\":4711},"
                                    "\"endpoints\":[{\"name\":\"GET pull\",\"calls\":7,"
                                    "\"errors\":1}]}"});
    clerk_events(&clerk, 3); /* commits the service, too */
    must_say(visit_deliver(&clerk, "ping", "1", ping), 200, "kept");
    static const char *const lines[] = {
        "signalbox_workflows{state=\"IDLE\"} 0\n",
        "signalbox_events_total 3\n",
        "signalbox_deliveries_total{status=\"accepted\"} 1\n",
        "signalbox_service_breaker{service=\"github_api\",signalbox_service_breaker="
        "\"half-open\"} 1\n",
        "signalbox_service_breaker{service=\"github_api\",signalbox_service_breaker="
        "\"closed\"} 0\n",
        "signalbox_service_window_failures{service=\"github_api\"} 2\n",
        "signalbox_service_latency_seconds{service=\"github_api\",quantile=\"0.99\"} "
        "1.5\n",
        "signalbox_service_rate_remaining{service=\"github_api\"} 4711\n",
        "signalbox_service_calls_total{service=\"github_api\",call=\"GET pull\"} 7\n",
        "signalbox_service_errors_total{service=\"github_api\",call=\"GET pull\"} 1\n",
        "signalbox_listener_answers_total{status=\"200\"} 1\n",
        "signalbox_listener_connections 1\n",
    };
    struct reply reply = visit_once(
        &clerk, "GET /metrics HTTP/1.1\r\nHost: h\r\nAccept: "
                "application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n");
    assert_int_equal(reply.status, 200);
    assert_non_null(strstr(reply.head, "Content-Type: application/openmetrics-text; "
                                       "version=1.0.0; charset=utf-8\r\n"));
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (strstr(reply.body, lines[i]) == NULL) {
            fail_msg("no %sin\n%s", lines[i], reply.body);
        }
    }
    assert_null(strstr(reply.body, "quantile=\"0.95\"")); /* unknown is not zero */
    assert_string_equal(reply.body + strlen(reply.body) - 6, "# EOF\n");
    reply_free(&reply);
    reply = visit_once(&clerk, GET("/metrics")); /* who asks for nothing */
    assert_non_null(strstr(reply.head, "Content-Type: text/plain; version=0.0.4; "
                                       "charset=utf-8\r\n"));
    assert_non_null(strstr(reply.body, "# TYPE signalbox_service_breaker gauge\n"));
    assert_null(strstr(reply.body, "# EOF"));
    reply_free(&reply);
    clerk_close(&clerk);
}

/* Of 127.0.0.1, by itself, until 2126. Protects nothing. */
static const char certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBnDCCAUGgAwIBAgIUGtLPji8mAcFMXutGyaueSdU5PFswCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE5MDU0MloYDzIxMjYxMDI5\n"
    "MTkwNTQyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAASBE+vxaevLc9CVu3RGVPcfohgeRcBgodK8g+vZ+8QNBQcnucWU7HG4\n"
    "58RETah0bPt4/Xd9Qo/+63D5UJVuttz2o28wbTAdBgNVHQ4EFgQUt/xnoUal53kL\n"
    "pFH9rN64ulfBmSwwHwYDVR0jBBgwFoAUt/xnoUal53kLpFH9rN64ulfBmSwwDwYD\n"
    "VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI\n"
    "zj0EAwIDSQAwRgIhAOULjSpSPL0BYxso9hZPJBechc7mmX4lLuzIVH3yqZi5AiEA\n"
    "8ZOgOYidH8Mav5Rl24YGbfxGWTPHXkagvp9BzsFzmMw=\n"
    "-----END CERTIFICATE-----\n";
static const char key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgLo5ihmGQqdo2CIa/\n"
    "x8G9TW5CncjzhFDkmXT/7j6hKGChRANCAASBE+vxaevLc9CVu3RGVPcfohgeRcBg\n"
    "odK8g+vZ+8QNBQcnucWU7HG458RETah0bPt4/Xd9Qo/+63D5UJVuttz2\n"
    "-----END PRIVATE KEY-----\n";

static size_t drop(char *bytes, size_t size, size_t n, void *user)
{
    (void)bytes;
    (void)user;
    return size * n;
}

static bool fetch(const char *url, const char *trusted, long *ret_status)
{
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, trusted);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    bool is_there = curl_easy_perform(curl) == CURLE_OK;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    curl_easy_cleanup(curl);
    return is_there;
}

static void over_tls(void **state)
{
    const struct place *place = *state;
    struct err err = ERR_INIT;
    long status = 0;
    AUTO_FREE char *cert_path = file_join(place->folder, "c.pem");
    AUTO_FREE char *key_path = file_join(place->folder, "k.pem");
    assert_true(file_write(cert_path, certificate, strlen(certificate), &err));
    assert_true(file_write(key_path, key, strlen(key), &err));
    clerk.spec.certificate = cert_path;
    clerk.spec.key = key_path;
    must_open();
    AUTO_FREE char *url =
        mem_printf("https://127.0.0.1:%d/readyz", listener_port(clerk.listener));
    assert_true(fetch(url, cert_path, &status));
    assert_int_equal(status, 200);
    int plain = visit(&clerk); /* who does not speak TLS is closed */
    visit_text(plain, GET("/healthz"));
    assert_true(visit_is_closed(plain));
    (void)close(plain);
    int silent = visit(&clerk);
    assert_true(fetch(url, cert_path, &status));
    (void)close(silent);
    clerk_close(&clerk);
}

static void starts_or_says_why_not(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    must_open();
    struct clerk second;
    clerk_init(&second, place->path);
    second.spec.port = listener_port(clerk.listener);
    assert_false(clerk_open(&second, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.msg, "in use"));
    err = ERR_INIT;
    struct secret_source missing = {.env = (char *)(uintptr_t) "NO_SUCH_SECRET"};
    second.spec.port = 0;
    second.spec.secrets = &missing;
    assert_false(clerk_open(&second, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    clerk_init(&second, place->path);
    second.spec.certificate = second.spec.key = place->path;
    assert_false(clerk_open(&second, &err));
    assert_int_equal(err.code, ERR_CONFIG);
    clerk_close(&clerk);
    listener_stop(NULL);
}

#define LISTENER_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LISTENER_TEST(kept_before_it_is_answered),
        LISTENER_TEST(the_vector_of_github),
        LISTENER_TEST(refused_with_its_reason),
        LISTENER_TEST(any_of_the_secrets),
        LISTENER_TEST(connections_are_kept_alive),
        LISTENER_TEST(pipelined_requests),
        LISTENER_TEST(chunks_of_any_size),
        LISTENER_TEST(byte_by_byte),
        LISTENER_TEST(the_largest_body),
        LISTENER_TEST(memory_is_bounded),
        LISTENER_TEST(no_room_is_said),
        LISTENER_TEST(half_requests_end),
        LISTENER_TEST(malformed_requests),
        LISTENER_TEST(very_many_connections),
        LISTENER_TEST(no_place_is_said),
        LISTENER_TEST(events_live_and_from_before),
        LISTENER_TEST(events_that_are_wanted),
        LISTENER_TEST(the_head_of_the_audit_is_told),
        LISTENER_TEST(who_may_listen),
        LISTENER_TEST(a_slow_subscriber),
        LISTENER_TEST(numbers_that_are_not_there),
        LISTENER_TEST(pings_have_a_bound),
        LISTENER_TEST(health_and_readiness),
        LISTENER_TEST(figures_of_the_store),
        LISTENER_TEST(over_tls),
        LISTENER_TEST(starts_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
