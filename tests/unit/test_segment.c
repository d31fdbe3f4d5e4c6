/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "store/segment.h"

static char *folder;
static char *path;

static int setup(void **state)
{
    (void)state;
    char name[] = "/tmp/segment-XXXXXX";
    folder = mem_str(mkdtemp(name));
    path = file_join(folder, "7-unit-tests");
    return folder != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    struct err err;
    bool done = file_remove_tree(folder, &err);
    free(folder);
    free(path);
    return done ? 0 : -1;
}

static struct segment_writer *create(int64_t max)
{
    struct err err = ERR_INIT;
    struct segment_writer *writer = segment_create(path, max, &err);
    if (writer == NULL) {
        fail_msg("%s", err.msg);
    }
    return writer;
}

static void put(struct segment_writer *writer, const char *text)
{
    struct err err = ERR_INIT;
    assert_true(segment_write(writer, text, strlen(text), &err));
}

static struct segment_reader *open_log(void)
{
    struct err err = ERR_INIT;
    struct segment_reader *reader = segment_open(path, &err);
    if (reader == NULL) {
        fail_msg("%s", err.msg);
    }
    return reader;
}

static void test_lines(void **state)
{
    (void)state;
    struct segment_writer *writer = create(1 << 20);
    put(writer, "one\ntwo");
    struct segment_reader *reader = open_log();
    struct arena *arena = arena_new();
    struct segment_line lines[10];
    assert_int_equal(segment_lines(reader, arena, 1, 10, lines), 2);
    assert_string_equal(lines[1].text, "two");
    assert_false(segment_refresh(reader));
    put(writer, " and a half\n\nfoo.c:3: error: bad\nlast");
    assert_true(segment_refresh(reader));
    assert_int_equal(segment_lines(reader, arena, 2, 10, lines), 4);
    assert_string_equal(lines[0].text, "two and a half");
    assert_int_equal(lines[0].number, 2);
    assert_string_equal(lines[1].text, "");
    assert_true(lines[2].is_failure);
    assert_string_equal(lines[3].text, "last");
    assert_int_equal(segment_lines(reader, arena, 6, 10, lines), 0);
    struct segment_info info;
    segment_info(reader, &info);
    assert_int_equal(info.n_lines, 5);
    assert_int_equal(info.first_failure, 4);
    assert_int_equal(info.cut_from, 0);
    assert_int_equal(info.n_bytes, segment_bytes(writer));
    segment_close(writer);
    segment_free(reader);
    arena_free(arena);
}

static void test_missing(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_null(segment_open(path, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_failure_in_last_line_without_newline(void **state)
{
    (void)state;
    struct segment_writer *writer = create(1 << 20);
    put(writer, "fine\nSegmentation");
    put(writer, " fault");
    segment_close(writer);
    struct segment_reader *reader = open_log();
    struct segment_info info;
    segment_info(reader, &info);
    assert_int_equal(info.first_failure, 2);
    segment_free(reader);
}

static void test_long_lines(void **state)
{
    (void)state;
    AUTO_BUF struct buf text = {0};
    buf_init(&text, 1 << 20);
    static const size_t lens[] = {SEGMENT_LINE_MAX, SEGMENT_LINE_MAX + 1,
                                  SEGMENT_LINE_LONG, 2 * SEGMENT_LINE_LONG};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        for (size_t k = 0; k < lens[i]; k++) {
            (void)buf_char(&text, (char)('a' + i));
        }
        (void)buf_char(&text, '\n');
    }
    (void)buf_str(&text, "end\n");
    struct segment_writer *writer = create(1 << 20);
    put(writer, text.data);
    segment_close(writer);
    struct segment_reader *reader = open_log();
    struct arena *arena = arena_new();
    struct segment_line lines[5];
    for (int is_long = 0; is_long < 2; is_long++) {
        size_t max = is_long ? SEGMENT_LINE_LONG : SEGMENT_LINE_MAX;
        segment_set_line_max(reader, max);
        assert_int_equal(segment_lines(reader, arena, 1, 5, lines), 5);
        for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
            assert_int_equal(lines[i].len, lens[i] < max ? lens[i] : max);
            assert_int_equal(lines[i].is_cut, lens[i] > max);
        }
        assert_string_equal(lines[4].text, "end");
    }
    segment_free(reader);
    arena_free(arena);
}

/* Without its index a log that need not be whole at once comes little by little. */
static void test_index_comes_little_by_little(void **state)
{
    (void)state;
    struct segment_writer *writer = create(1 << 26);
    AUTO_BUF struct buf text = {0};
    buf_init(&text, 1 << 24);
    int64_t n_lines = 0;
    for (; text.len < 9 << 20; n_lines++) {
        (void)buf_printf(&text, "line %d and what it says, at some length\n",
                         (int)n_lines + 1);
    }
    (void)buf_str(&text, "error: the last one\n");
    put(writer, text.data);
    segment_close(writer);
    AUTO_FREE char *index = mem_printf("%s.idx", path);
    assert_int_equal(unlink(index), 0);
    struct err err = ERR_INIT;
    struct segment_reader *reader = segment_open_now(path, &err);
    assert_non_null(reader);
    struct segment_info info;
    segment_info(reader, &info);
    assert_true(info.n_lines > 0 && info.n_lines < n_lines);
    assert_int_equal(info.first_failure, 0);
    struct arena *arena = arena_new();
    struct segment_line line;
    assert_int_equal(segment_lines(reader, arena, 5, 1, &line), 1);
    assert_memory_equal(line.text, "line 5 and", 10);
    assert_false(segment_refresh(reader)); /* it does not begin again */
    int steps = 0;
    while (segment_index_more(reader)) {
        assert_true(steps++ < 100);
    }
    assert_true(steps > 0);
    segment_info(reader, &info);
    assert_int_equal(info.n_lines, n_lines + 1);
    assert_int_equal(info.first_failure, n_lines + 1);
    assert_int_equal(segment_lines(reader, arena, n_lines - 7, 1, &line), 1);
    assert_int_equal(strtol(line.text + 5, NULL, 10), n_lines - 7);
    assert_false(segment_index_more(reader));
    segment_free(reader);
    arena_free(arena);
}

/* Line i is "i" and then i % 97 letters; a third of the lines of `wide` are longer. */
static size_t make_line(char *out, size_t cap, int64_t i, size_t wide)
{
    int len = snprintf(out, cap, "%lld ", (long long)i);
    size_t more = (size_t)(i % 97) + (i % 3 == 0 ? wide : 0);
    memset(out + len, 'a' + (int)(i % 26), more);
    out[(size_t)len + more] = '\n';
    return (size_t)len + more + 1;
}

static void check_line(const struct segment_line *line, size_t wide)
{
    static char want[70000];
    size_t len = make_line(want, sizeof(want), line->number, wide) - 1;
    if (len > SEGMENT_LINE_MAX) {
        len = SEGMENT_LINE_MAX;
    }
    if (line->len != len || memcmp(line->text, want, len) != 0) {
        fail_msg("line %lld is '%.40s'", (long long)line->number, line->text);
    }
}

static void write_lines(struct segment_writer *writer, int64_t n, size_t wide,
                        uint64_t seed)
{
    static char line[70000];
    struct buf all;
    struct rng rng;
    struct err err = ERR_INIT;
    rng_init(&rng, seed);
    buf_init(&all, 1 << 20);
    for (int64_t i = 1; i <= n; i++) {
        (void)buf_add(&all, line, make_line(line, sizeof(line), i, wide));
        size_t at = 0;
        while (all.len > 1 << 17 || (i == n && at < all.len)) {
            size_t piece = 1 + rng_below(&rng, 90000);
            piece = piece < all.len - at ? piece : all.len - at;
            assert_true(segment_write(writer, all.data + at, piece, &err));
            at += piece;
            if (at == all.len) {
                buf_clear(&all);
                at = 0;
                break;
            }
        }
    }
    buf_fini(&all);
}

static void test_every_line_of_a_whole_log(void **state)
{
    (void)state;
    struct segment_writer *writer = create(64 << 20);
    write_lines(writer, 20000, 6000, 1);
    segment_close(writer);
    struct segment_reader *reader = open_log();
    struct arena *arena = arena_new();
    struct segment_line lines[100];
    struct rng rng;
    rng_init(&rng, 2);
    for (int64_t first = 1; first <= 20000; first += 100) {
        assert_int_equal(segment_lines(reader, arena, first, 100, lines), 100);
        for (size_t i = 0; i < 100; i++) {
            check_line(&lines[i], 6000);
        }
        arena_reset(arena);
    }
    for (int i = 0; i < 300; i++) {
        int64_t first = 1 + (int64_t)rng_below(&rng, 20000);
        assert_int_equal(segment_lines(reader, arena, first, 1, lines), 1);
        assert_int_equal(lines[0].number, first);
        check_line(&lines[0], 6000);
        arena_reset(arena);
    }
    segment_free(reader);
    arena_free(arena);
}

/* The first half is kept, the newest output is there, and all that is shown is true. */
static void test_bound(void **state)
{
    (void)state;
    static const int64_t bounds[] = {4 * SEGMENT_STRIDE, 9 * SEGMENT_STRIDE + 17,
                                     1 << 21};
    for (size_t b = 0; b < ARRAY_LEN(bounds); b++) {
        const int64_t n_lines = 100000;
        struct segment_writer *writer = create(bounds[b]);
        write_lines(writer, n_lines, 300, b);
        segment_close(writer);
        struct segment_reader *reader = open_log();
        struct arena *arena = arena_new();
        struct segment_line *lines = mem_array((size_t)n_lines, sizeof(*lines));
        struct segment_info info;
        segment_info(reader, &info);
        assert_int_equal(info.n_lines, n_lines);
        assert_true(info.cut_lines > 0);
        size_t n = segment_lines(reader, arena, 1, (size_t)n_lines, lines);
        assert_int_equal((int64_t)n, n_lines - info.cut_lines);
        for (size_t i = 0; i < n; i++) {
            int64_t number = (int64_t)i + 1;
            number += number >= info.cut_from ? info.cut_lines : 0;
            assert_int_equal(lines[i].number, number);
            check_line(&lines[i], 300);
        }
        struct stat st;
        AUTO_FREE char *log = mem_printf("%s.log", path);
        assert_int_equal(stat(log, &st), 0);
        assert_true(st.st_size <= bounds[b]);
        assert_true(info.n_bytes > 10 * st.st_size / 2);
        free(lines);
        arena_free(arena);
        segment_free(reader);
        AUTO_FREE char *index = mem_printf("%s.idx", path);
        assert_int_equal(unlink(log) + unlink(index), 0);
    }
}

/* A reader that follows while the ring turns under it never shows a line that is not one.
 */
static void test_follow_while_the_ring_turns(void **state)
{
    (void)state;
    struct segment_writer *writer = create(4 * SEGMENT_STRIDE);
    static char text[70000];
    struct segment_reader *reader = NULL;
    struct arena *arena = arena_new();
    struct segment_line lines[50];
    struct err err = ERR_INIT;
    for (int64_t i = 1; i <= 30000; i++) {
        assert_true(
            segment_write(writer, text, make_line(text, sizeof(text), i, 50), &err));
        if (i == 1) {
            reader = open_log();
        }
        if (i % 7 == 0) {
            (void)segment_refresh(reader);
        }
        if (i % 5 == 0) {
            size_t n =
                segment_lines(reader, arena, i > 3000 ? i - 1500 : i - 4, 50, lines);
            for (size_t k = 0; k < n; k++) {
                check_line(&lines[k], 50);
            }
            arena_reset(arena);
        }
    }
    arena_free(arena);
    segment_free(reader);
    segment_close(writer);
}

/* The same with a writer in another process that never waits: the reader asks for the oldest
 * lines behind the gap, which are overwritten next. */
static void test_read_while_another_process_writes(void **state)
{
    (void)state;
    struct segment_writer *writer = create(4 * SEGMENT_STRIDE);
    write_lines(writer, 10000, 50, 3);
    pid_t pid = fork();
    if (pid == 0) {
        static char text[70000];
        struct err err = ERR_INIT;
        for (int64_t i = 10001; i <= 600000; i++) {
            if (!segment_write(writer, text, make_line(text, sizeof(text), i, 50),
                               &err)) {
                _exit(1);
            }
        }
        _exit(0);
    }
    struct segment_reader *reader = open_log();
    struct arena *arena = arena_new();
    struct segment_line lines[50];
    int status;
    size_t n_seen = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct segment_info info;
        (void)segment_refresh(reader);
        segment_info(reader, &info);
        size_t n = segment_lines(reader, arena, info.cut_from, 50, lines);
        for (size_t i = 0; i < n; i++) {
            check_line(&lines[i], 50);
        }
        n_seen += n;
        arena_reset(arena);
    }
    assert_int_equal(status, 0);
    assert_true(n_seen > 50);
    arena_free(arena);
    segment_free(reader);
    segment_close(writer);
}

static void spoil(const char *suffix, const char *text, off_t cut)
{
    AUTO_FREE char *name = mem_printf("%s%s", path, suffix);
    AUTO_CLOSE int fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    if (text != NULL) {
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    } else {
        assert_int_equal(ftruncate(fd, cut), 0);
    }
}

static void test_continue_after_a_crash(void **state)
{
    (void)state;
    struct segment_writer *writer = create(1 << 20);
    put(writer, "one\ntwo\n");
    segment_close(writer);
    spoil(".log", "three\nto", 0); /* written, and killed before the header */
    writer = create(1 << 20);
    put(writer, "four\n");
    struct segment_reader *reader = open_log();
    struct arena *arena = arena_new();
    struct segment_line lines[10];
    assert_int_equal(segment_lines(reader, arena, 1, 10, lines), 4);
    assert_string_equal(lines[2].text, "three");
    assert_string_equal(lines[3].text, "four");
    segment_free(reader);
    segment_close(writer);

    spoil(".idx", NULL, 10); /* lost in a power failure */
    reader = open_log();
    assert_int_equal(segment_lines(reader, arena, 1, 10, lines), 4);
    segment_free(reader);
    writer = create(1 << 20);
    put(writer, "five\n");
    reader = open_log();
    assert_int_equal(segment_lines(reader, arena, 1, 10, lines), 5);
    assert_string_equal(lines[4].text, "five");
    segment_free(reader);
    segment_close(writer);
    arena_free(arena);
}

static void test_index_that_comes_later(void **state)
{
    (void)state;
    struct segment_writer *writer = create(4 * SEGMENT_STRIDE);
    put(writer, "one\n");
    AUTO_FREE char *index = mem_printf("%s.idx", path);
    AUTO_FREE char *away = mem_printf("%s.away", path);
    assert_int_equal(rename(index, away), 0);
    struct segment_reader *reader = open_log();
    assert_int_equal(rename(away, index), 0);
    write_lines(writer, 20000, 0, 5);
    struct segment_info info;
    assert_true(segment_refresh(reader));
    segment_info(reader, &info);
    assert_int_equal(info.n_lines, 20001);
    assert_true(info.cut_lines > 0);
    segment_free(reader);
    segment_close(writer);
}

static void test_continue_a_turned_ring(void **state)
{
    (void)state;
    struct segment_writer *writer = create(4 * SEGMENT_STRIDE);
    write_lines(writer, 20000, 0, 5);
    put(writer, "torn");
    segment_close(writer);
    writer = create(4 * SEGMENT_STRIDE);
    put(writer, "new\n");
    segment_close(writer);
    struct segment_reader *reader = open_log();
    struct arena *arena = arena_new();
    struct segment_line lines[3];
    assert_int_equal(segment_lines(reader, arena, 20000, 3, lines), 3);
    check_line(&lines[0], 0);
    assert_string_equal(lines[1].text, "torn");
    assert_string_equal(lines[2].text, "new");
    segment_free(reader);
    arena_free(arena);
}

static void test_any_bytes(void **state)
{
    (void)state;
    struct segment_writer *writer = create(1 << 20);
    struct err err = ERR_INIT;
    assert_true(segment_write(writer, "a\0b\xff\xfe\x1b[31m\n\n", 12, &err));
    segment_close(writer);
    struct segment_reader *reader = open_log();
    struct arena *arena = arena_new();
    struct segment_line lines[3];
    assert_int_equal(segment_lines(reader, arena, 1, 3, lines), 2);
    assert_int_equal(lines[0].len, 10);
    assert_memory_equal(lines[0].text, "a\0b\xff\xfe\x1b[31m", 10);
    segment_free(reader);
    arena_free(arena);
}

static void test_text_of_a_long_log(void **state)
{
    (void)state;
    struct segment_writer *writer = create(1 << 20);
    put(writer, "the beginning\n");
    for (int i = 0; i < 1000; i++) {
        put(writer, "compiling something long enough to matter\n");
    }
    put(writer, "make: done for\n");
    size_t len = 0;
    AUTO_FREE char *text = segment_text(writer, 1000, &len);
    assert_int_equal(len, strlen(text));
    assert_true(len <= 1000 && len > 800);
    assert_memory_equal(text, "the beginning\n", 14);
    assert_non_null(strstr(text, "lines ...]\n"));
    assert_string_equal(text + len - 15, "make: done for\n");
    segment_close(writer);
}

static void test_text_of_a_short_log_is_all_of_it(void **state)
{
    (void)state;
    struct segment_writer *writer = create(1 << 20);
    put(writer, "a\nb\nFAILED here\nc\nd");
    size_t len = 0;
    AUTO_FREE char *text = segment_text(writer, 8192, &len);
    assert_string_equal(text, "a\nb\nFAILED here\nc\nd\n");
    segment_close(writer);
}

static void test_is_failure(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "src/main.c:12:5: error: expected ';' before 'return'",
        "error[E0308]: mismatched types",
        "make: *** [Makefile:10: test] Error 2",
        "make[1]: *** [all] Error 1",
        "Traceback (most recent call last):",
        "FAILED tests/test_a.py::test_b - AssertionError: no",
        "E   assert 1 == 2",
        "--- FAIL: TestFoo (0.00s)",
        "panic: runtime error: index out of range [3] with length 3",
        "thread 'main' panicked at src/main.rs:2:5:",
        "test result: FAILED. 3 passed; 1 failed; 0 ignored",
        "Exception in thread \"main\" java.lang.NullPointerException",
        "[ERROR] Failed to execute goal",
        "npm ERR! Test failed.  See above for more details.",
        "not ok 3 - does a thing",
        "Segmentation fault (core dumped)",
        "a.c:(.text+0x5): undefined reference to `foo'",
        "==123==ERROR: AddressSanitizer: heap-use-after-free",
        "10 failed, 3 passed",
        "  \xe2\x9c\x97 renders the page",
        "TypeError: undefined is not a function",
        "fatal: not a git repository",
        "sh: 1: frobnicate: not found",
        "[  FAILED  ] Suite.Case (0 ms)",
        "a.c:3: Assertion `x == 3' failed.",
    };
    static const char *const no[] = {
        "",
        "gcc -Wall -Werror -c error.c",
        "0 errors, 0 warnings",
        "test result: ok. 5 passed; 0 failed; 0 ignored",
        "# FAIL:  0",
        "Tests: 12 passed, 0 failed",
        "compiling failure_test.c",
        "ok 4 - error handling",
        "Tests run: 5, Failures: 0, Errors: 0, Skipped: 0",
        "PASS: errors_are_reported",
    };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (!segment_is_failure(yes[i], strlen(yes[i]))) {
            fail_msg("not seen: %s", yes[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        if (segment_is_failure(no[i], strlen(no[i]))) {
            fail_msg("wrongly seen: %s", no[i]);
        }
    }
}

static void test_needles_at_every_split(void **state)
{
    (void)state;
    static const char text[] = "ok\nsrc/main.c:12:5: error: expected\nnot ok 1\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        AUTO_FREE char *name = mem_printf("%s-%zu", path, i);
        struct err err = ERR_INIT;
        struct segment_writer *writer = segment_create(name, 1 << 20, &err);
        assert_non_null(writer);
        assert_true(segment_write(writer, text, i, &err));
        assert_true(segment_write(writer, text + i, sizeof(text) - 1 - i, &err));
        segment_close(writer);
        struct segment_reader *reader = segment_open(name, &err);
        struct segment_info info;
        segment_info(reader, &info);
        assert_int_equal(info.first_failure, 2);
        assert_int_equal(info.n_lines, 3);
        segment_free(reader);
    }
}

static void test_missing_folder_is_an_error(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_FREE char *missing = file_join(folder, "missing/7-x");
    assert_null(segment_create(missing, 1 << 20, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lines),
        TEST(test_missing),
        TEST(test_long_lines),
        TEST(test_index_comes_little_by_little),
        TEST(test_failure_in_last_line_without_newline),
        TEST(test_every_line_of_a_whole_log),
        TEST(test_bound),
        TEST(test_follow_while_the_ring_turns),
        TEST(test_read_while_another_process_writes),
        TEST(test_continue_after_a_crash),
        TEST(test_index_that_comes_later),
        TEST(test_continue_a_turned_ring),
        TEST(test_any_bytes),
        TEST(test_text_of_a_long_log),
        TEST(test_text_of_a_short_log_is_all_of_it),
        TEST(test_is_failure),
        TEST(test_needles_at_every_split),
        TEST(test_missing_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
