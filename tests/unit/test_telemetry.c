/* SPDX-License-Identifier: MIT */

/*
 * The telemetry thread against a collector and exporters that misbehave: every span
 * arrives, none twice, and what is scraped comes as it was, or with a reason.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/io/otlp.h"
#include "engine/io/telemetry.h"
#include "store/finding.h"
#include "tests/lib/web.h"

#define WAIT_S    90
#define SPANS_MAX 4096

static char folder[64], path[96];
static struct store *store;
static struct web *web;
static char endpoint[64];

/* ---- the collector --------------------------------------------------------------------
 */

enum manner { TAKES, IS_BUSY, CUTS, HOLDS, REFUSES, IS_SMALL, TAKES_PART };

static struct {
    pthread_mutex_t lock;
    enum manner manners[64]; /* by number of the request; then it takes */
    int n_requests;
    int seen
        [SPANS_MAX]; /* how often a span came and was taken, by the number in its name */
    int n_taken, n_bad;
    char head[4096]; /* of the newest request */
} collector = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Counts what is in the body; it must be what the specification says. */
static int count_spans(const struct web_request *request, bool is_taken)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(request->body, request->body_len, &err);
    const struct json *scopes =
        json_get(json_at(json_get(root, "resourceSpans"), 0), "scopeSpans");
    const struct json *spans = json_get(json_at(scopes, 0), "spans");
    size_t n = json_len(spans);
    collector.n_bad += n == 0;
    for (size_t i = 0; i < n; i++) {
        const struct json *span = json_at(spans, i);
        long number = strtol(json_str(span, "name", "-1"), NULL, 10);
        bool is_bad = strlen(json_str(span, "traceId", "")) != 32 ||
                      strlen(json_str(span, "spanId", "")) != 16 || number < 0 ||
                      number >= SPANS_MAX;
        collector.n_bad += is_bad;
        if (is_taken && !is_bad) {
            collector.seen[number]++;
            collector.n_taken++;
        }
    }
    json_free(root);
    return (int)n;
}

static void answer_json(struct buf *answer, const char *status, const char *headers,
                        const char *body)
{
    AUTO_FREE char *lines = mem_printf("Content-Type: application/json\r\n%s", headers);
    web_answer(answer, status, lines, body, strlen(body));
}

static enum web_after collect(const struct web_request *request, struct buf *answer)
{
    int number = collector.n_requests++;
    enum manner manner =
        number < (int)ARRAY_LEN(collector.manners) ? collector.manners[number] : TAKES;
    bool is_taken = manner == TAKES || manner == TAKES_PART;
    int n = manner == IS_SMALL ? 0 : count_spans(request, false);
    if (manner == IS_SMALL && (n = count_spans(request, false)) <= 10) {
        is_taken = true;
        manner = TAKES;
    }
    if (is_taken) {
        (void)count_spans(request, true);
    }
    (void)snprintf(collector.head, sizeof(collector.head), "%s", request->head);
    switch (manner) {
    case IS_BUSY:
        answer_json(answer, "503 Busy", "Retry-After: 0\r\n", "{}");
        return WEB_KEEP;
    case REFUSES:
        answer_json(answer, "400 Bad Request", "", "{\"code\":3,\"message\":\"no\"}");
        return WEB_KEEP;
    case IS_SMALL:
        answer_json(answer, "413 Content Too Large", "", "{}");
        return WEB_KEEP;
    case CUTS:
        return WEB_RESET;
    case HOLDS:
        answer_json(answer, "200 OK", "", "{}");
        return WEB_HOLD;
    case TAKES_PART:
        answer_json(answer, "200 OK", "",
                    "{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":"
                    "\"two were bad\"}}");
        return WEB_KEEP;
    case TAKES:
        break;
    }
    answer_json(answer, "200 OK", "", "{\"partialSuccess\":{}}");
    return WEB_KEEP;
}

static enum web_after serve(void *user, const struct web_request *request,
                            struct buf *answer)
{
    (void)user;
    enum web_after after = WEB_KEEP;
    (void)pthread_mutex_lock(&collector.lock);
    if (strcmp(request->path, "/v1/traces") == 0) {
        after = collect(request, answer);
    } else if (strcmp(request->path, "/metrics?x=1") == 0) {
        (void)snprintf(collector.head, sizeof(collector.head), "%s", request->head);
        web_answer(answer, "200 OK", "Content-Type: text/plain\r\n", "up 1\n", 5);
    } else if (strcmp(request->path, "/slow") == 0) {
        web_answer(answer, "200 OK", "", "late 1\n", 7);
        after = WEB_HOLD;
    } else {
        web_answer(answer, "404 Not Found", "", "", 0);
    }
    (void)pthread_mutex_unlock(&collector.lock);
    return after;
}

static int taken(void)
{
    (void)pthread_mutex_lock(&collector.lock);
    int n = collector.n_taken;
    (void)pthread_mutex_unlock(&collector.lock);
    return n;
}

/* Spans whose answer the exporter has read: it is later than the collector that counts. */
static int settled(const struct telemetry *telemetry)
{
    struct telemetry_figures figures;
    telemetry_figures(telemetry, &figures);
    return (int)(figures.spans_exported + figures.spans_rejected + figures.spans_dropped);
}

#define WAIT_UNTIL(condition)                                                            \
    do {                                                                                 \
        int64_t end_ = mono_now().ns + WAIT_S * INT64_C(1000000000);                     \
        while (!(condition)) {                                                           \
            if (mono_now().ns > end_) {                                                  \
                fail_msg("not within %d s: %s", WAIT_S, #condition);                     \
            }                                                                            \
            (void)poll(NULL, 0, 1); /* let the threads work */                           \
        }                                                                                \
    } while (0)

/* ---- spans ----------------------------------------------------------------------------
 */

static int n_spans;

static void add_spans(int n)
{
    struct err err = ERR_INIT;
    for (int i = 0; i < n; i++, n_spans++) {
        char name[16];
        struct span_row row = {.workflow = 1,
                               .trace = "0af7651916cd43dd8448eb211c80319c",
                               .parent = "b7ad6b7169203331",
                               .kind = "step",
                               .name = name,
                               .start_us = 1000000,
                               .end_us = 2000000,
                               .status = 1,
                               .attributes =
                                   "{\"a\":\"b\",\"n\":7,\"t\":true,\"d\":0.5}"};
        (void)snprintf(name, sizeof(name), "%d", n_spans);
        (void)snprintf(row.span, sizeof(row.span), "%016x", (unsigned)n_spans + 1);
        (void)store_add_span(store, &row);
    }
    assert_true(store_commit(store, &err));
}

static void expect_each_once(int n)
{
    (void)pthread_mutex_lock(&collector.lock);
    for (int i = 0; i < n; i++) {
        if (collector.seen[i] != 1) {
            fail_msg("span %d came %d times", i, collector.seen[i]);
        }
    }
    assert_int_equal(collector.n_taken, n);
    assert_int_equal(collector.n_bad, 0);
    (void)pthread_mutex_unlock(&collector.lock);
}

static struct telemetry *start(const struct otlp_spec *spec)
{
    struct err err = ERR_INIT;
    const struct telemetry_options options = {
        .store = path, .environment = "test", .otlps = spec, .n_otlps = 1};
    struct telemetry *telemetry = telemetry_start(&options, &err);
    assert_non_null(telemetry);
    return telemetry;
}

static int setup(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    (void)snprintf(folder, sizeof(folder), "/tmp/test_telemetry.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s.db", folder);
    store = store_open(path, STORE_OFF, &err);
    assert_non_null(store);
    web = web_start(serve, NULL);
    (void)snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d/", web_port(web));
    memset(collector.manners, 0, sizeof(collector.manners));
    memset(collector.seen, 0, sizeof(collector.seen));
    collector.n_requests = collector.n_taken = collector.n_bad = n_spans = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    web_stop(web);
    store_close(store);
    return file_remove_tree(folder, &err) ? 0 : 1;
}

/* ---- export ---------------------------------------------------------------------------
 */

static void every_span_arrives(void **state)
{
    (void)state;
    struct telemetry_figures figures;
    struct otlp_header header = {.name = (char[]){"x-tenant"},
                                 .value = {.env = (char[]){"TENANT_TOKEN"}}};
    const struct otlp_spec spec = {.endpoint = endpoint,
                                   .headers = &header,
                                   .n_headers = 1,
                                   .interval = {50},
                                   .batch = 100};
    assert_int_equal(setenv("TENANT_TOKEN", "tenant-7-secret", 1), 0);
    collector.manners[1] = IS_BUSY;
    collector.manners[2] = CUTS;
    collector.manners[4] = IS_BUSY;
    add_spans(450);
    struct telemetry *telemetry = start(&spec);
    WAIT_UNTIL(taken() == 450);
    add_spans(5);
    telemetry_wake(telemetry);
    WAIT_UNTIL(settled(telemetry) == 455);
    telemetry_stop(telemetry);
    expect_each_once(455);
    assert_non_null(strstr(collector.head, "x-tenant: tenant-7-secret\r\n"));
    assert_non_null(strstr(collector.head, "Content-Type: application/json\r\n"));
    /* the next one knows how far this one was */
    add_spans(3);
    telemetry = start(&spec);
    WAIT_UNTIL(settled(telemetry) == 3);
    telemetry_figures(telemetry, &figures);
    telemetry_stop(telemetry);
    expect_each_once(458);
    assert_int_equal(figures.spans_exported, 3);
}

/* Stopped while an answer is out: the collector has not said that it took it. */
static void a_stop_loses_nothing(void **state)
{
    (void)state;
    const struct otlp_spec spec = {.endpoint = endpoint, .interval = {50}, .batch = 10};
    collector.manners[1] = HOLDS;
    add_spans(30);
    struct telemetry *telemetry = start(&spec);
    WAIT_UNTIL(web_held(web) == 1);
    telemetry_stop(telemetry);
    telemetry = start(&spec);
    WAIT_UNTIL(taken() == 30);
    telemetry_stop(telemetry);
    expect_each_once(30);
}

static void what_a_collector_refuses(void **state)
{
    (void)state;
    struct telemetry_figures figures;
    const struct otlp_spec spec = {.endpoint = endpoint, .interval = {50}, .batch = 40};
    collector.manners[0] = REFUSES; /* 40 are dropped, as the specification asks */
    collector.manners[1] = TAKES_PART;
    collector.manners[2] = collector.manners[3] = collector.manners[4] = IS_SMALL;
    add_spans(120);
    struct telemetry *telemetry = start(&spec);
    WAIT_UNTIL(settled(telemetry) == 120);
    telemetry_stop(telemetry);
    telemetry = start(&spec);
    add_spans(1);
    WAIT_UNTIL(settled(telemetry) == 1);
    telemetry_figures(telemetry, &figures);
    telemetry_stop(telemetry);
    for (int i = 0; i < 121; i++) {
        assert_int_equal(collector.seen[i], i < 40 ? 0 : 1);
    }
    assert_int_equal(figures.spans_exported, 1);
    assert_int_equal(collector.n_bad, 0);
}

static void figures_tell(void **state)
{
    (void)state;
    struct telemetry_figures figures;
    const struct otlp_spec spec = {.endpoint = endpoint, .interval = {50}, .batch = 40};
    collector.manners[0] = REFUSES;
    collector.manners[1] = IS_BUSY;
    collector.manners[2] = TAKES_PART;
    add_spans(80);
    struct telemetry *telemetry = start(&spec);
    WAIT_UNTIL(settled(telemetry) == 80);
    telemetry_figures(telemetry, &figures);
    assert_int_equal(figures.spans_exported, 38);
    assert_int_equal(figures.spans_rejected, 2);
    assert_int_equal(figures.spans_dropped, 40);
    assert_int_equal(figures.export_failures, 1);
    telemetry_stop(telemetry);
}

/* A store that was put back from a backup has fewer spans than were sent. */
static void an_older_store(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_FREE char *file = mem_printf("%s-telemetry", path);
    AUTO_FREE char *text = mem_printf("{\"otlp\":{\"%s\":999}}", endpoint);
    const struct otlp_spec spec = {.endpoint = endpoint, .interval = {20}};
    add_spans(3);
    assert_true(file_write(file, text, strlen(text), &err));
    struct telemetry *telemetry = start(&spec);
    add_spans(2); /* may still count as sent, or come */
    WAIT_UNTIL((add_spans(1), taken() > 0));
    telemetry_stop(telemetry);
    assert_int_equal(collector.seen[0], 0);
    assert_int_equal(collector.n_bad, 0);
}

static void verdicts(void **state)
{
    (void)state;
    struct wall now = {1000000};
    static const struct {
        enum http_fault fault;
        int status;
        enum otlp_verdict verdict;
    } cases[] = {
        {HTTP_FINE,      200, OTLP_TAKEN  },
        {HTTP_FINE,      202, OTLP_TAKEN  },
        {HTTP_FINE,      429, OTLP_AGAIN  },
        {HTTP_FINE,      502, OTLP_AGAIN  },
        {HTTP_FINE,      503, OTLP_AGAIN  },
        {HTTP_FINE,      504, OTLP_AGAIN  },
        {HTTP_FINE,      500, OTLP_REFUSED},
        {HTTP_FINE,      400, OTLP_REFUSED},
        {HTTP_FINE,      401, OTLP_REFUSED},
        {HTTP_FINE,      413, OTLP_SMALLER},
        {HTTP_UNREACHED, 0,   OTLP_AGAIN  },
        {HTTP_LOST,      0,   OTLP_AGAIN  },
        {HTTP_TIMEOUT,   0,   OTLP_AGAIN  },
        {HTTP_TOO_LARGE, 0,   OTLP_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_response *response =
            http_response_new(cases[i].fault, cases[i].status);
        http_response_header(response, "Retry-After", 11, "7", 1);
        struct otlp_answer answer = otlp_judge(response, now);
        assert_int_equal(answer.verdict, cases[i].verdict);
        bool is_told = cases[i].verdict == OTLP_AGAIN && cases[i].status > 0;
        assert_int_equal(answer.pause.ms, is_told ? 7000 : 0);
        http_response_free(response);
    }
    const struct span most = {60000};
    assert_int_equal(otlp_pause(1, most, 0).ms, 1000);
    assert_int_equal(otlp_pause(3, most, 0).ms, 4000);
    assert_int_equal(otlp_pause(100, most, 0).ms, 60000);
    assert_int_equal(otlp_pause(100, most, 0.5).ms, 45000);
}

/* Letter by letter: what opentelemetry.io/docs/specs/otlp/ asks of JSON. */
static void the_encoding(void **state)
{
    (void)state;
    AUTO_BUF struct buf out;
    buf_init(&out, OTLP_BODY_MAX);
    const struct otlp_resource resource = {.service = "signalbox",
                                           .version = "1",
                                           .instance = "i",
                                           .host = "",
                                           .environment = "e"};
    struct span_row rows[] = {
        {.trace = "0af7651916cd43dd8448eb211c80319c",
         .span = "b7ad6b7169203331",
         .kind = "workflow",
         .name = "a \"b\"",
         .start_us = 1700000000000001,
         .end_us = 1700000000000002,
         .status = 2,
         .attributes = "{\"n\":-9007199254740993,\"f\":1.5,\"t\":false,\"s\":\"x\","
                       "\"signalbox.reason\":\"why\"}"},
        {.kind = "call",
         .name = "open",
         .attributes = "{}",
         .start_us = 1}, /* not ended */
    };
    assert_int_equal(otlp_encode(&out, &resource, rows, 2), 2);
    assert_string_equal(
        out.data + (strstr(out.data, "\"spans\"") - out.data),
        "\"spans\":[{\"traceId\":\"0af7651916cd43dd8448eb211c80319c\","
        "\"spanId\":\"b7ad6b7169203331\",\"flags\":257,\"name\":\"a "
        "\\\"b\\\"\",\"kind\":2,"
        "\"startTimeUnixNano\":\"1700000000000001000\","
        "\"endTimeUnixNano\":\"1700000000000002000\",\"attributes\":["
        "{\"key\":\"n\",\"value\":{\"intValue\":\"-9007199254740993\"}},"
        "{\"key\":\"f\",\"value\":{\"doubleValue\":1.5}},"
        "{\"key\":\"t\",\"value\":{\"boolValue\":false}},"
        "{\"key\":\"s\",\"value\":{\"stringValue\":\"x\"}},"
        "{\"key\":\"signalbox.reason\",\"value\":{\"stringValue\":\"why\"}}],"
        "\"status\":{\"code\":2,\"message\":\"why\"}}]}]}]}");
    /* a buffer that is too small takes whole spans only */
    struct span_row many[20];
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = rows[0];
    }
    for (size_t max = 700; max < 6000; max += 37) {
        AUTO_BUF struct buf small;
        struct err err = ERR_INIT;
        buf_init(&small, max);
        size_t n = otlp_encode(&small, &resource, many, ARRAY_LEN(many));
        struct json *root = json_parse(small.data, small.len, &err);
        assert_non_null(root);
        const struct json *scopes =
            json_get(json_at(json_get(root, "resourceSpans"), 0), "scopeSpans");
        assert_int_equal(json_len(json_get(json_at(scopes, 0), "spans")), n);
        json_free(root);
    }
}

/* ---- scrapes --------------------------------------------------------------------------
 */

#define TARGETS 8

static struct {
    pthread_mutex_t lock;
    int n[TARGETS], n_failed[TARGETS];
    char text[TARGETS][64], error[TARGETS][200];
} scraped = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_scrape(void *user, size_t index, struct wall at, char *text, size_t len,
                      const struct err *error)
{
    (void)user;
    (void)at;
    (void)pthread_mutex_lock(&scraped.lock);
    scraped.n[index]++;
    if (error != NULL) {
        scraped.n_failed[index]++;
        (void)snprintf(scraped.error[index], sizeof(scraped.error[0]), "%.190s",
                       error->msg);
        assert_null(text);
    } else {
        (void)snprintf(scraped.text[index], sizeof(scraped.text[0]), "%.*s",
                       (int)(len < 60 ? len : 60), text);
    }
    (void)pthread_mutex_unlock(&scraped.lock);
    free(text);
}

static int least(size_t n)
{
    (void)pthread_mutex_lock(&scraped.lock);
    int all = scraped.n[0];
    for (size_t i = 1; i < n; i++) {
        all = scraped.n[i] < all ? scraped.n[i] : all;
    }
    (void)pthread_mutex_unlock(&scraped.lock);
    return all;
}

static void targets_are_scraped(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char base[TARGETS][80];
    static const char *const paths[] = {"/metrics?x=1", "/slow", "/none"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(base[i], sizeof(base[0]), "http://127.0.0.1:%d%s", web_port(web),
                       paths[i]);
    }
    char *const good[] = {(char[]){"/bin/sh"}, (char[]){"-c"},
                          (char[]){"echo \"jobs $N$M$TENANT_TOKEN\"; sleep 100 &"}, NULL};
    char *const slow[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char[]){"sleep 100"},
                          NULL};
    char *const bad[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char[]){"exit 3"}, NULL};
    char *const none[] = {(char[]){"/no/such/program"}, NULL};
    char *const huge[] = {(char[]){"/bin/sh"}, (char[]){"-c"},
                          (char[]){"head -c 9000000 /dev/zero"}, NULL};
    struct env_var env[] = {
        {(char[]){"N"}, (char[]){"42"}     },
        {(char[]){"M"}, (char[]){"${LENT}"}}
    };
    const struct span often = {300}, brief = {200};
    const struct scrape_spec specs[TARGETS] = {
        {.name = (char[]){"a"}, .url = base[0],                                 .interval = often, .timeout = brief},
        {.name = (char[]){"b"}, .url = base[1],                                 .interval = often, .timeout = brief},
        {.name = (char[]){"c"}, .url = base[2],                                 .interval = often, .timeout = brief},
        {.name = (char[]){"d"},
         .command = {.argv = (char **)(uintptr_t)good, .env = env, .n_env = 2},
         .interval = often,
         .timeout = brief                                                                                          },
        {.name = (char[]){"e"},
         .command = {.argv = (char **)(uintptr_t)slow},
         .interval = often,
         .timeout = brief                                                                                          },
        {.name = (char[]){"f"},
         .command = {.argv = (char **)(uintptr_t)bad},
         .interval = often,
         .timeout = brief                                                                                          },
        {.name = (char[]){"g"},
         .command = {.argv = (char **)(uintptr_t)none},
         .interval = often,
         .timeout = brief                                                                                          },
        {.name = (char[]){"h"},
         .command = {.argv = (char **)(uintptr_t)huge},
         .interval = {3000},
         .timeout = {3000}                                                                                         },
    };
    assert_int_equal(setenv("LENT", "17", 1), 0);
    assert_int_equal(setenv("TENANT_TOKEN", "not for everybody", 1), 0);
    const struct telemetry_options options = {
        .store = path, .scrapes = specs, .n_scrapes = TARGETS, .on_scrape = on_scrape};
    struct telemetry *telemetry = telemetry_start(&options, &err);
    assert_non_null(telemetry);
    WAIT_UNTIL(least(TARGETS) >= 1 && least(7) >= 2);
    telemetry_stop(telemetry);
    web_release(web);
    assert_string_equal(scraped.text[0], "up 1\n");
    assert_string_equal(scraped.text[3], "jobs 4217\n");
    assert_int_equal(scraped.n_failed[0] + scraped.n_failed[3], 0);
    assert_non_null(strstr(collector.head, "application/openmetrics-text"));
    static const struct {
        size_t index;
        const char *error;
    } errors[] = {
        {1, "timeout"                                             },
        {2, "HTTP 404"                                            },
        {4, "it did not end within 200 ms"                        },
        {5, "it ended with exit status 3"                         },
        {6, "starting /no/such/program: No such file or directory"},
        {7, "it printed more than 8388608 bytes"                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        size_t k = errors[i].index;
        if (strncmp(scraped.error[k], errors[i].error, strlen(errors[i].error)) != 0) {
            fail_msg("%zu: %s", k, scraped.error[k]);
        }
        assert_int_equal(scraped.n_failed[k], scraped.n[k]);
    }
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),     cmocka_unit_test(the_encoding),
        TEST(every_span_arrives),       TEST(a_stop_loses_nothing),
        TEST(what_a_collector_refuses), TEST(figures_tell),
        TEST(an_older_store),           TEST(targets_are_scraped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
