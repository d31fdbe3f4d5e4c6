/* SPDX-License-Identifier: MIT */

/* The engine's own log: lines, repeats, rotation, and what must not stand in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"

static char folder[64], path[96];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/test_log.XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/engine.log", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    log_close();
    return file_remove_tree(folder, &err) ? 0 : 1;
}

static void open_log(int64_t file_max, int burst)
{
    struct err err = ERR_INIT;
    const struct log_options options = {
        .path = path, .level = LOG_INFO, .file_max = file_max, .burst = burst};
    assert_true(log_open(&options, &err));
}

static char *content(const char *suffix)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *name = mem_printf("%s%s", path, suffix);
    char *text = NULL;
    size_t len;
    return file_read(name, 64 << 20, &text, &len, &err) ? text : mem_str("");
}

/* Every line is an object; returns how many, and gives the last. */
static int lines(const char *text, struct json **ret_last)
{
    int n = 0;
    while (*text != '\0') {
        struct err err = ERR_INIT;
        size_t len = strcspn(text, "\n");
        assert_true(len < LOG_LINE_MAX);
        struct json *root = json_parse(text, len, &err);
        assert_non_null(root);
        assert_int_equal(strlen(json_str(root, "time", "")), 24);
        if (ret_last != NULL) {
            json_free(*ret_last);
            *ret_last = root;
        } else {
            json_free(root);
        }
        assert_int_equal(text[len], '\n');
        text += len + 1;
        n++;
    }
    return n;
}

static void a_line(void **state)
{
    (void)state;
    struct json *last = NULL;
    struct stat st;
    log_line(LOG_ERROR, "test", "goes nowhere", LOG_NONE);
    open_log(0, 0);
    log_line(LOG_DEBUG, "test", "too mild", LOG_NONE);
    log_line(LOG_WARN, "store", "cannot commit",
             LOG_FIELDS(LOG_TEXT("error", "no \"space\"\x1b[31m\nleft"), LOG_INT("n", 7),
                        LOG_NUM("share", 0.25), LOG_NUM("unknown", (double)NAN),
                        LOG_TEXT("empty", ""),
                        LOG_TRACE("00-0af7651916cd43dd8448eb211c80319c-"
                                  "b7ad6b7169203331-01")));
    AUTO_FREE char *text = content("");
    assert_int_equal(lines(text, &last), 1);
    assert_string_equal(json_str(last, "level", ""), "warn");
    assert_string_equal(json_str(last, "component", ""), "store");
    assert_string_equal(json_str(last, "message", ""), "cannot commit");
    assert_string_equal(json_str(last, "error", ""), "no \"space\" left");
    assert_int_equal(json_int(last, "n", 0), 7);
    assert_true(json_num(last, "share", 0) == 0.25);
    assert_null(json_get(last, "unknown"));
    assert_null(json_get(last, "empty"));
    assert_string_equal(json_str(last, "trace_id", ""),
                        "0af7651916cd43dd8448eb211c80319c");
    assert_string_equal(json_str(last, "span_id", ""), "b7ad6b7169203331");
    assert_true(strlen(json_str(last, "thread", "")) > 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    json_free(last);
}

static void repeats_are_counted(void **state)
{
    (void)state;
    struct json *last = NULL;
    open_log(0, 3);
    for (int i = 0; i < 315; i++) {
        log_line(LOG_INFO, "x", "again", LOG_FIELDS(LOG_INT("i", i)));
    }
    log_line(LOG_INFO, "y", "again", LOG_NONE); /* another component is another line */
    AUTO_FREE char *before = content("");
    assert_int_equal(lines(before, NULL), 4);
    log_close();
    AUTO_FREE char *text = content("");
    assert_int_equal(lines(text, &last), 5);
    assert_int_equal(json_int(last, "repeated", 0), 312);
    assert_string_equal(json_str(last, "message", ""), "again");
    json_free(last);
    /* the window ends by itself */
    struct err err = ERR_INIT;
    const struct log_options options = {
        .path = path, .level = LOG_INFO, .window = {1}, .burst = 1};
    assert_true(log_open(&options, &err));
    log_line(LOG_INFO, "z", "often", LOG_NONE);
    log_line(LOG_INFO, "z", "often", LOG_NONE);
    struct mono end = {mono_now().ns + 2000000};
    while (mono_now().ns < end.ns) {
    }
    log_line(LOG_INFO, "z", "other", LOG_NONE);
    AUTO_FREE char *after = content("");
    assert_non_null(strstr(after, "\"often\",\"repeated\":1}"));
}

static void files_are_bounded(void **state)
{
    (void)state;
    open_log(4000, 1000000);
    AUTO_FREE char *long_text = mem_array(5000, 1);
    memset(long_text, 'a', 4999);
    for (int i = 0; i < 200; i++) {
        log_line(LOG_INFO, "x", "fill", LOG_FIELDS(LOG_INT("i", i)));
    }
    for (int i = 0; i < 3; i++) {
        log_line(LOG_INFO, "x", "long",
                 LOG_FIELDS(LOG_TEXT("a", long_text), LOG_TEXT("b", long_text),
                            LOG_TEXT("c", long_text), LOG_TEXT("d", long_text),
                            LOG_TEXT("e", long_text), LOG_TEXT("f", long_text),
                            LOG_TEXT("g", long_text), LOG_TEXT("h", long_text)));
    }
    static const char *const names[] = {"", ".1", ".2", ".3"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_FREE char *text = content(names[i]);
        assert_true(lines(text, NULL) > 0);
        assert_true(strlen(text) <= LOG_LINE_MAX);
    }
    AUTO_FREE char *none = content(".4");
    AUTO_FREE char *newest = content("");
    assert_string_equal(none, "");
    assert_non_null(strstr(newest, "\"is_cut\":true"));
}

static const char *redacted(const char *text)
{
    static char out[2048];
    AUTO_BUF struct buf buf;
    buf_init(&buf, sizeof(out) - 1);
    log_redact(&buf, text, strlen(text));
    (void)snprintf(out, sizeof(out), "%s", buf.data);
    return out;
}

static void secrets_are_hidden(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"nothing here: task-12, ask-me, desk-lamp-and-chair",
         "nothing here: task-12, ask-me, desk-lamp-and-chair"                                                           },
        {"got ghp_abcdefgh12345 from env",                                         "got [hidden] from env"              },
        {"github_pat_11ABCDEFG0_abcdef!",                                          "[hidden]!"                          },
        {"key sk-proj-abcdefghij1234567890",                                       "key [hidden]"                       },
        {"Authorization: Bearer abc.def-123",                                      "Authorization: Bearer [hidden]"     },
        {"curl -H 'authorization: token 12345678'",
         "curl -H 'authorization: token [hidden]'"                                                                      },
        {"sent Bearer abcdefgh1234 twice",                                         "sent Bearer [hidden] twice"         },
        {"the bearer was late",                                                    "the bearer was late"                },
        {"https://bot:hunter2@git.example.com/a",                                  "https://[hidden]@git.example.com/a" },
        {"GET /a?token=abc&x=1",                                                   "GET /a?token=[hidden]&x=1"          },
        {"{\"password\":\"hunter2\",\"a\":1}",                                     "{\"password\":\"[hidden]\",\"a\":1}"},
        {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",                               "[hidden]"                           },
        {"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nx",
         "[hidden]\nx"                                                                                                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(redacted(cases[i].in), cases[i].out);
    }
    assert_string_equal(redacted("value correct-horse-battery"),
                        "value correct-horse-battery");
    log_hide("correct-horse-battery", 21);
    log_hide("short", 5);
    assert_string_equal(redacted("xcorrect-horse-batteryx short"), "x[hidden]x short");
    open_log(0, 0);
    log_line(LOG_INFO, "x", "y",
             LOG_FIELDS(LOG_TEXT("t", "is correct-horse-battery"),
                        LOG_TEXT("u", "Authorization: Bearer abcdefgh")));
    AUTO_FREE char *text = content("");
    assert_null(strstr(text, "horse"));
    assert_null(strstr(text, "abcdefgh"));
}

/* A disk that is full: lines are lost, counted, and told of. */
static void lost_lines_are_counted(void **state)
{
    (void)state;
    struct json *last = NULL;
    struct rlimit before, none;
    open_log(0, 0);
    log_line(LOG_INFO, "x", "first", LOG_NONE);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    log_line(LOG_INFO, "x", "lost", LOG_NONE);
    log_line(LOG_INFO, "x", "lost too", LOG_NONE);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    log_line(LOG_INFO, "x", "last", LOG_NONE);
    AUTO_FREE char *text = content("");
    assert_int_equal(lines(text, &last), 3);
    assert_string_equal(json_str(last, "message", ""), "last");
    assert_non_null(strstr(text, "\"lost\":"));
    json_free(last);
}

#define WRITERS 4
#define EACH    500

static void *writer(void *user)
{
    (void)user;
    for (int i = 0; i < EACH; i++) {
        log_line(LOG_INFO, "writer", "line", LOG_FIELDS(LOG_INT("i", i)));
    }
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    pthread_t threads[WRITERS];
    open_log(0, WRITERS * EACH);
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, writer, NULL), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    AUTO_FREE char *text = content("");
    assert_int_equal(lines(text, NULL), WRITERS * EACH);
}

int main(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_line),
        TEST(repeats_are_counted),
        TEST(files_are_bounded),
        TEST(secrets_are_hidden),
        TEST(lost_lines_are_counted),
        TEST(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
