/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/recovery/locate.h"

static struct located lines[LOCATE_LINES];

static size_t find(struct arena *arena, const char *log)
{
    return locate(pattern_builtin(), log, strlen(log), arena, lines, LOCATE_LINES);
}

/* The best line says this. */
static void check_best(const char *log, const char *expected)
{
    struct arena *arena = arena_new();
    size_t n = find(arena, log);
    assert_true(n > 0);
    char *best = arena_strn(arena, log + lines[0].at, lines[0].len);
    if (strstr(best, expected) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", best, expected);
    }
    arena_free(arena);
}

static void names_the_error_not_its_echo(void **state)
{
    (void)state;
    check_best("$ make\n"
               "  cc   src/a.c\n"
               "  cc   src/b.c\n"
               "src/b.c: In function 'main':\n"
               "src/b.c:12:5: error: 'answer' undeclared (first use in this function)\n"
               "   12 |     answer();\n"
               "      |     ^~~~~~\n"
               "make: *** [Makefile:10: src/b.o] Error 1\n"
               "The command \"make\" exited with 2.\n"
               "store build cache\n"
               "Done. Your build exited with 1.\n",
               "error: 'answer' undeclared");
    check_best("> app@1.0.0 test\n"
               "> mocha\n"
               "\n"
               "  sums\n"
               "    \xe2\x9c\x93 adds\n"
               "    1) takes\n"
               "\n"
               "  1 passing (8ms)\n"
               "  1 failing\n"
               "\n"
               "  1) sums\n"
               "       takes:\n"
               "     AssertionError: expected 3 to equal 4\n"
               "      at Context.<anonymous> (test/sums.js:9:14)\n"
               "\n"
               "npm ERR! Test failed.  See above for more details.\n"
               "The command \"npm test\" exited with 1.\n",
               "expected 3 to equal 4");
}

static bool is_within(const char *log, const char *part, size_t rank)
{
    const char *at = strstr(log, part);
    size_t from = (size_t)(at - log);
    return lines[rank].at <= from && from < lines[rank].at + lines[rank].len + 1;
}

static void lines_are_where_they_say(void **state)
{
    (void)state;
    static const char log[] = "one\n\nerror: two\r\nthree";
    struct arena *arena = arena_new();
    size_t n = find(arena, log);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        size_t number = 0;
        for (size_t c = 0; c < lines[i].at; c++) {
            number += log[c] == '\n';
        }
        assert_int_equal(lines[i].line, number);
        assert_null(memchr(log + lines[i].at, '\n', lines[i].len));
        assert_true(lines[i].score >= 0 && lines[i].score <= 1);
        assert_true(i == 0 || lines[i].line != lines[0].line);
    }
    assert_true(is_within(log, "error: two", 0) || is_within(log, "error: two", 1));
    arena_free(arena);
}

static void colour_and_time_change_nothing(void **state)
{
    (void)state;
    check_best("12:00:01 building\n12:00:02 building more\n"
               "\x1b[31;1merror\x1b[0m: cannot find module 'left'\n"
               "12:00:03 done\n",
               "cannot find module");
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    assert_int_equal(find(arena, ""), 0);
    assert_int_equal(find(arena, "\n\n\n"), 0);
    assert_int_equal(locate(pattern_builtin(), "error", 5, arena, lines, 0), 0);
    assert_int_equal(locate(NULL, "error: no", 9, arena, lines, 1), 1);
    assert_int_equal(lines[0].line, 0);
    arena_free(arena);
}

static void odd_logs_are_bounded(void **state)
{
    (void)state;
    size_t len = 3000000;
    char *log = mem_alloc(len);
    static const char fill[] = "e\n\x1b\r: 1*";
    struct arena *arena = arena_new();
    for (size_t i = 0; i < sizeof(fill) - 1; i++) {
        (void)memset(log, fill[i], len);
        size_t n = locate(pattern_builtin(), log, len, arena, lines, LOCATE_LINES);
        assert_true(n <= LOCATE_LINES);
        arena_reset(arena);
    }
    for (size_t i = 0; i < len; i++) { /* no byte is too strange */
        log[i] = (char)(i * 2654435761u >> 13);
    }
    (void)!locate(pattern_builtin(), log, len, arena, lines, LOCATE_LINES);
    arena_free(arena);
    free(log);
}

/* Of a log beyond the bounds, the beginning and the end are looked at, with their numbers. */
static void long_logs_keep_their_numbers(void **state)
{
    (void)state;
    struct buf log;
    buf_init(&log, (size_t)64 << 20);
    size_t n_lines = LOCATE_LINES_MAX * 2;
    for (size_t i = 0; i < n_lines; i++) {
        (void)buf_str(&log, i == n_lines - 5 ? "fatal error: it broke here\n"
                                             : "all is well so far\n");
    }
    struct arena *arena = arena_new();
    size_t n = locate(pattern_builtin(), log.data, log.len, arena, lines, LOCATE_LINES);
    assert_true(n > 0);
    assert_int_equal(lines[0].line, n_lines - 5);
    assert_memory_equal(log.data + lines[0].at, "fatal error", 11);
    arena_free(arena);
    buf_fini(&log);
}

static void same_log_same_answer(void **state)
{
    (void)state;
    static const char log[] = "a\nerror: b\nc failed\n  at d\nerror: e\nexited with 1\n";
    struct arena *arena = arena_new();
    size_t n = find(arena, log);
    struct located first[LOCATE_LINES];
    (void)memcpy(first, lines, sizeof(lines));
    assert_int_equal(find(arena, log), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(first[i].line, lines[i].line);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_error_not_its_echo),
        cmocka_unit_test(lines_are_where_they_say),
        cmocka_unit_test(colour_and_time_change_nothing),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(odd_logs_are_bounded),
        cmocka_unit_test(long_logs_keep_their_numbers),
        cmocka_unit_test(same_log_same_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
