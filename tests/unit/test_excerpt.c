/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/text.h"
#include "engine/recovery/excerpt.h"

static struct buf log_text;

static int begin(void **state)
{
    (void)state;
    buf_init(&log_text, (size_t)16 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_fini(&log_text);
    return 0;
}

static void put(const char *line, int n)
{
    for (int i = 0; i < n; i++) {
        (void)buf_str(&log_text, line);
    }
}

static void put_build(void)
{
    put("compiling something long enough to matter\n", 1000);
    put("src/a.c: In function 'main':\n", 1);
    put("src/a.c:10:1: error: expected ';' before '}' token\n", 1);
    put("   10 | }\n", 1);
    put("linking something long enough to matter\n", 1000);
    put("make: done for\n", 1);
}

static void short_log_is_all_of_it(void **state)
{
    (void)state;
    put("a\nb\nFAILED here\nc\nd", 1);
    AUTO_FREE char *text = excerpt_make(NULL, log_text.data, log_text.len, 8192);
    assert_string_equal(text, "a\nb\nFAILED here\nc\nd");
}

static void error_surroundings_and_end(void **state)
{
    (void)state;
    put_build();
    AUTO_FREE char *text = excerpt_make(NULL, log_text.data, log_text.len, 1000);
    size_t len = strlen(text);
    assert_true(len <= 1000 && len > 600);
    const char *before = strstr(text, "In function 'main'");
    const char *error = strstr(text, "src/a.c:10:1: error");
    const char *after = strstr(text, "   10 | }");
    assert_true(before != NULL && error != NULL && after != NULL);
    assert_true(before < error && error < after);
    assert_memory_equal(text, "[... ", 5);
    assert_non_null(strstr(after, "lines ...]\n"));
    assert_string_equal(text + len - 15, "make: done for\n");
}

/* What is left out and what is shown are the whole log. */
static void gaps_are_counted(void **state)
{
    (void)state;
    put_build();
    AUTO_FREE char *text = excerpt_make(NULL, log_text.data, log_text.len, 1000);
    int n_lines = 0;
    for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        int n_out = 0;
        n_lines += sscanf(at, "[... %d lines ...]", &n_out) == 1 ? n_out : 1;
    }
    assert_int_equal(n_lines, 2004);
}

static void odd_logs_are_bounded(void **state)
{
    (void)state;
    static const char fill[] = "e\n\x1b\0";
    for (size_t i = 0; i < sizeof(fill) - 1; i++) {
        buf_clear(&log_text);
        for (int j = 0; j < 300000; j++) {
            (void)buf_char(&log_text, fill[i]);
        }
        AUTO_FREE char *text =
            excerpt_make(pattern_builtin(), log_text.data, log_text.len, 8192);
        assert_true(strlen(text) <= 8192);
        assert_true(strlen(text) > 1000);
    }
    AUTO_FREE char *none = excerpt_make(NULL, "", 0, 100);
    assert_string_equal(none, "");
}

static void characters_stay_whole(void **state)
{
    (void)state;
    put("\xe2\x9c\x97 error \xe2\x9c\x97\xe2\x9c\x97", 1000);
    for (size_t max = 1000; max < 1006; max++) {
        AUTO_FREE char *text = excerpt_make(NULL, log_text.data, log_text.len, max);
        assert_true(text_is_utf8(text, strlen(text)));
    }
}

static void error_far_from_the_end_is_found(void **state)
{
    (void)state;
    put("all is well so far, nothing to see\n", 30000);
    put("fatal error: the disk is on fire\n", 1);
    put("cleaning up quietly after the build\n", 30000);
    AUTO_FREE char *text = excerpt_make(NULL, log_text.data, log_text.len, 4096);
    assert_non_null(strstr(text, "fatal error: the disk is on fire\n"));
}

static void of_a_step(void **state)
{
    (void)state;
    char folder[] = "/tmp/excerpt-XXXXXX";
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = file_join(folder, "log");
    struct err err = ERR_INIT;
    struct segment_writer *writer = segment_create(path, 8 << 20, &err);
    assert_non_null(writer);
    put_build();
    assert_true(segment_write(writer, log_text.data, log_text.len, &err));
    AUTO_FREE char *text = excerpt_of_step(writer, 1000);
    assert_non_null(strstr(text, "src/a.c:10:1: error"));
    assert_non_null(strstr(text, "make: done for\n"));
    segment_close(writer);
    assert_true(file_remove_tree(folder, &err));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(short_log_is_all_of_it),
        TEST(error_surroundings_and_end),
        TEST(gaps_are_counted),
        TEST(odd_logs_are_bounded),
        TEST(characters_stay_whole),
        TEST(error_far_from_the_end_is_found),
        TEST(of_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
