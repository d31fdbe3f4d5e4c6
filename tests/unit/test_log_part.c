/* SPDX-License-Identifier: MIT */
/* What reads a whole log for the log view: blocks, scan, rows, comparison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "tui/log_compare.h"
#include "tui/log_scan.h"

static const struct mono at_once = {0};
static char *folder;

static int setup(void **state)
{
    (void)state;
    char name[] = "/tmp/log-part-XXXXXX";
    folder = mem_str(mkdtemp(name));
    return folder ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    struct err err;
    bool done = file_remove_tree(folder, &err);
    free(folder);
    return done ? 0 : -1;
}

static struct segment_writer *create(const char *name, int64_t max)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(folder, name);
    struct segment_writer *writer = segment_create(path, max, &err);
    if (!writer)
        fail_msg("%s", err.msg);
    return writer;
}

static void put(struct segment_writer *writer, const char *text, size_t len)
{
    struct err err = ERR_INIT;
    assert_true(segment_write(writer, text, len, &err));
}

static struct segment_reader *open_log(const char *name)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(folder, name);
    struct segment_reader *reader = segment_open(path, &err);
    if (!reader)
        fail_msg("%s", err.msg);
    return reader;
}

static struct segment_reader *log_of(const char *name, const char *text)
{
    struct segment_writer *writer = create(name, 1 << 20);
    put(writer, text, strlen(text));
    segment_close(writer);
    return open_log(name);
}

static void scan_all(struct log_scan *scan, struct segment_reader *reader)
{
    for (int i = 0; log_scan_step(scan, reader, at_once); i++)
        assert_true(i < 100000);
}

static void assert_hits(const struct log_scan *scan, size_t n, ...)
{
    size_t n_hits;
    const int64_t *hits = log_scan_hits(scan, &n_hits);
    va_list args;
    assert_int_equal(n_hits, n);
    va_start(args, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(hits[i], va_arg(args, int));
    va_end(args);
}

/* ---- scan -------------------------------------------------------------------------- */

static void test_scan_finds_what_is_shown(void **state)
{
    (void)state;
    struct segment_reader *reader =
        log_of("shown", "one Needle\n\nNEE\033[1mDLE in colour\nneed\nle\n"
                        "\033[31mnothing\033[0m\nx needle needle\nlast needl\xff"
                        "e needle");
    struct log_scan *scan = log_scan_new("nEEdle");
    scan_all(scan, reader);
    assert_hits(scan, 4, 1, 3, 7, 8);
    assert_int_equal(log_scan_reached(scan), 8);
    assert_true(log_scan_is_for(scan, "NEEDLE"));
    assert_false(log_scan_is_for(scan, "needles"));
    assert_false(log_scan_is_for(scan, "need"));
    assert_false(log_scan_is_for(scan, NULL));
    log_scan_free(scan);
    scan = log_scan_new("31m"); /* is not shown */
    scan_all(scan, reader);
    assert_hits(scan, 0);
    log_scan_free(scan);
    segment_free(reader);
}

static void test_scan_finds_failures(void **state)
{
    (void)state;
    struct segment_reader *reader =
        log_of("failures", "fine\na.c:3: error: bad\n0 errors\n\nSegmentation fault");
    struct log_scan *scan = log_scan_new(NULL);
    scan_all(scan, reader);
    assert_hits(scan, 2, 2, 5);
    assert_true(log_scan_is_for(scan, NULL));
    log_scan_free(scan);
    segment_free(reader);
}

/* A line whose end has not come is looked at again, and counts once. */
static void test_scan_follows(void **state)
{
    (void)state;
    struct segment_writer *writer = create("grows", 1 << 20);
    put(writer, "a needle\nnee", 12);
    struct segment_reader *reader = open_log("grows");
    struct log_scan *scan = log_scan_new("needle");
    scan_all(scan, reader);
    assert_hits(scan, 1, 1);
    put(writer, "dle", 3);
    assert_true(segment_refresh(reader));
    scan_all(scan, reader);
    assert_hits(scan, 2, 1, 2);
    put(writer, " and more\nneedle\n", 17);
    assert_true(segment_refresh(reader));
    scan_all(scan, reader);
    assert_hits(scan, 3, 1, 2, 3);
    log_scan_free(scan);
    segment_free(reader);
    segment_close(writer);
}

/* Somebody cuts the file off while it is read: the scan ends all the same. */
static void test_scan_of_a_file_that_shrinks(void **state)
{
    (void)state;
    struct segment_reader *reader = log_of("shrinks", "a needle\nb\nneedle\n");
    AUTO_FREE char *path = file_join(folder, "shrinks.log");
    assert_int_equal(truncate(path, 0), 0);
    struct log_scan *scan = log_scan_new("needle");
    scan_all(scan, reader);
    assert_hits(scan, 0);
    assert_int_equal(log_scan_reached(scan), 3);
    log_scan_free(scan);
    segment_free(reader);
}

static void test_scan_goes_round(void **state)
{
    (void)state;
    struct segment_reader *reader = log_of("round", "x\nhit\nx\nhit\nx\nhit\nx\n");
    struct log_scan *scan = log_scan_new("hit");
    size_t index = 9;
    assert_false(log_scan_find(scan, 1, 1, false, &index));
    scan_all(scan, reader);
    assert_true(log_scan_find(scan, 3, 1, false, &index));
    assert_int_equal(index, 1);
    assert_true(log_scan_find(scan, 4, 1, true, &index));
    assert_int_equal(index, 1);
    assert_false(log_scan_find(scan, 7, 1, false, &index)); /* more may come */
    assert_true(log_scan_find(scan, 7, 1, true, &index));
    assert_int_equal(index, 0);
    assert_true(log_scan_find(scan, 5, -1, true, &index));
    assert_int_equal(index, 1);
    assert_true(log_scan_find(scan, 1, -1, true, &index));
    assert_int_equal(index, 2);
    log_scan_free(scan);
    segment_free(reader);
}

/* A log of some blocks, with long lines, and with a middle that is not kept: every line that is
 * there is looked at once, whatever the size of the steps. */
static void scan_random(const char *name, int64_t max, uint64_t seed)
{
    struct rng rng;
    rng_init(&rng, seed);
    struct segment_writer *writer = create(name, max);
    AUTO_BUF struct buf line = {0};
    buf_init(&line, 1 << 20);
    for (int64_t number = 1; number <= 24000; number++) {
        size_t len = rng_below(&rng, 4000) == 0 ? 300000 : rng_below(&rng, 90);
        buf_clear(&line);
        if (number % 97 == 0)
            (void)buf_str(&line, "NeeDle");
        while (line.len < len)
            (void)buf_char(&line, (char)('a' + (int)rng_below(&rng, 4)));
        (void)buf_char(&line, '\n');
        put(writer, line.data, line.len);
    }
    segment_close(writer);
    struct segment_reader *reader = open_log(name);
    struct segment_info info;
    segment_info(reader, &info);
    assert_int_equal(info.n_lines, 24000);
    assert_int_equal(info.cut_lines > 0, max < 1 << 22);
    struct log_scan *scan = log_scan_new("needle");
    scan_all(scan, reader);
    size_t n, k = 0;
    const int64_t *hits = log_scan_hits(scan, &n);
    for (int64_t number = 97; number <= 24000; number += 97) {
        if (number >= info.cut_from && number < info.cut_from + info.cut_lines)
            continue;
        assert_true(k < n);
        assert_int_equal(hits[k++], number);
    }
    assert_int_equal(k, n);
    log_scan_free(scan);
    segment_free(reader);
}

static void test_scan_of_a_large_log(void **state)
{
    (void)state;
    scan_random("whole", 1 << 24, 7);
    scan_random("cut", 3 << 18, 8); /* a block would reach beyond its first half */
}

/* ---- rows -------------------------------------------------------------------------- */

/* Rows as text: "1-3", "..4" for a gap of 4, "g0" for an entry of the other log. */
static void assert_rows(const struct log_rows *rows, int64_t n_lines,
                        const char *expected)
{
    AUTO_BUF struct buf text = {0};
    buf_init(&text, 4096);
    int64_t n = log_rows_count(rows, n_lines);
    struct log_row row;
    for (int64_t i = 0; i < n; i++) {
        assert_true(log_rows_get(rows, n_lines, i, &row));
        if (row.kind == LOG_ROW_GAP)
            (void)buf_printf(&text, " ..%d", (int)row.n);
        else
            (void)buf_printf(&text, " %s%d", row.kind == LOG_ROW_GONE ? "g" : "",
                             (int)row.number);
    }
    assert_false(log_rows_get(rows, n_lines, n, &row));
    assert_false(log_rows_get(rows, n_lines, -1, &row));
    assert_string_equal(text.len > 0 ? text.data + 1 : "", expected);
}

static void test_rows_leave_out(void **state)
{
    (void)state;
    bool is_shown;
    struct log_rows *rows = log_rows_new(1);
    assert_rows(rows, 0, "");
    assert_rows(rows, 9, "..9");
    log_rows_add(rows, 1);
    assert_rows(rows, 9, "1 2 ..7");
    log_rows_add(rows, 4);
    assert_rows(rows, 9, "1 2 3 4 5 ..4");
    log_rows_add(rows, 9);
    assert_rows(rows, 9, "1 2 3 4 5 ..2 8 9");
    assert_rows(rows, 10, "1 2 3 4 5 ..2 8 9 10");
    assert_rows(rows, 12, "1 2 3 4 5 ..2 8 9 10 ..2");
    assert_int_equal(log_rows_find(rows, 12, 4, &is_shown), 3);
    assert_true(is_shown);
    assert_int_equal(log_rows_find(rows, 12, 7, &is_shown), 5);
    assert_false(is_shown);
    assert_int_equal(log_rows_find(rows, 12, 8, &is_shown), 6);
    assert_int_equal(log_rows_find(rows, 12, 12, &is_shown), 9);
    assert_false(is_shown);
    log_rows_free(rows);
}

static void test_rows_of_another_log(void **state)
{
    (void)state;
    struct log_rows *rows = log_rows_new(1);
    log_rows_add_gone(rows, 0, 0, 1);
    log_rows_add_gone(rows, 0, 1, 1);
    log_rows_add(rows, 3);
    log_rows_add_gone(rows, 3, 2, 1);
    log_rows_add_gone(rows, 8, 3, 2);
    assert_rows(rows, 9, "g0 g1 1 2 3 g2 4 ..3 8 g3 g4 9");
    log_rows_free(rows);
    rows = log_rows_new(0);
    log_rows_add_gone(rows, 4, 0, 1);
    log_rows_add(rows, 5);
    log_rows_add_gone(rows, 6, 1, 1);
    assert_rows(rows, 6, "..4 g0 5 ..1 g1");
    assert_rows(rows, 8, "..4 g0 5 ..1 g1 ..2");
    log_rows_free(rows);
}

/* Against rows made the simple way. */
static void test_rows_at_random(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 41);
    for (int round = 0; round < 300; round++) {
        int n_lines = 1 + (int)rng_below(&rng, 60), around = (int)rng_below(&rng, 4);
        struct log_rows *rows = log_rows_new(around);
        bool is_in[64] = {false};
        for (int line = 1; line <= n_lines; line++) {
            if (rng_below(&rng, 8) != 0)
                continue;
            log_rows_add(rows, line);
            for (int k = line - around; k <= line + around; k++)
                if (k >= 1 && k <= n_lines)
                    is_in[k] = true;
        }
        AUTO_BUF struct buf text = {0};
        buf_init(&text, 4096);
        for (int line = 1, gap = 0; line <= n_lines + 1; line++) {
            bool is_gap = line <= n_lines && !is_in[line];
            if (!is_gap && gap > 0)
                (void)buf_printf(&text, " ..%d", gap);
            if (!is_gap && line <= n_lines)
                (void)buf_printf(&text, " %d", line);
            gap = is_gap ? gap + 1 : 0;
        }
        assert_rows(rows, n_lines, text.data + 1);
        log_rows_free(rows);
    }
}

/* ---- comparison -------------------------------------------------------------------- */

static struct log_compare *compare(const char *green, const char *ours)
{
    struct segment_reader *a = log_of("green", green), *b = log_of("ours", ours);
    struct log_compare *compare = log_compare_new();
    int i = 0;
    while (log_compare_step(compare, b, a, at_once))
        assert_true(i++ < 100 && log_compare_percent(compare) <= 100);
    assert_int_equal(log_compare_percent(compare), 100);
    segment_free(a);
    segment_free(b);
    const char *const names[] = {"green.log", "green.idx", "ours.log", "ours.idx"};
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        AUTO_FREE char *path = file_join(folder, names[k]);
        assert_int_equal(unlink(path), 0);
    }
    return compare;
}

static void assert_compared(const char *green, const char *ours, int around, int n_lines,
                            const char *expected)
{
    struct log_compare *compared = compare(green, ours);
    struct log_rows *rows = log_compare_rows(compared, around);
    assert_rows(rows, n_lines, expected);
    assert_false(log_compare_is_bounded(compared));
    log_rows_free(rows);
    log_compare_free(compared);
}

static void test_compare(void **state)
{
    (void)state;
    /* times, numbers, paths and ids are not news */
    assert_compared("10:00:01 start /tmp/a7/x in 3 ms\nbuild 12\nend\n",
                    "11:30:09 start /tmp/b9/x in 17 ms\nbuild 13\nend\n", 0, 3, "..3");
    /* new and gone, each in its place */
    assert_compared("begin\ncache is warm\nlink\nend\n",
                    "begin\nlink\nlib is missing\nend\n", 0, 4, "..1 g0 ..1 3 ..1");
    /* what says that it failed is not what says that nothing did */
    assert_compared("tests: 0 failed\n", "tests: 3 failed\n", 0, 1, "g0 1");
    /* order and repetition do not count; empty lines neither */
    assert_compared("a\nb\n\nb\nc\n", "c\n\n\nb\na\na\n", 0, 6, "..6");
    assert_compared("", "a\nb\n", 0, 2, "1 2");
    assert_compared("a\nb\n", "", 0, 0, "g0 g1");
    /* among lines that repeat the place is counted */
    assert_compared("t 1 ok\nt 2 ok\nt 3 ok\nwarm\nt 4 ok\n",
                    "t 1 ok\nodd\nt 2 ok\nt 3 ok\nt 4 ok\n", 0, 5, "..1 2 ..2 g0 ..1");
}

static void test_compare_is_bounded(void **state)
{
    (void)state;
    AUTO_BUF struct buf ours = {0};
    buf_init(&ours, 1 << 22);
    for (int i = 0; i < LOG_COMPARE_ROWS + 10; i++)
        (void)buf_printf(&ours, "fresh %c%c%c%c\n", 'a' + i % 26, 'a' + i / 26 % 26,
                         'a' + i / 676 % 26, 'a' + i / 17576);
    struct log_compare *compared = compare("end\n", ours.data);
    size_t n;
    (void)log_compare_new_lines(compared, &n);
    assert_int_equal(n, LOG_COMPARE_ROWS);
    assert_true(log_compare_is_bounded(compared));
    assert_true(log_compare_is_new(compared, LOG_COMPARE_ROWS));
    assert_false(log_compare_is_new(compared, LOG_COMPARE_ROWS + 1));
    log_compare_free(compared);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_scan_finds_what_is_shown),
        LOG_TEST(test_scan_finds_failures),
        LOG_TEST(test_scan_follows),
        LOG_TEST(test_scan_of_a_file_that_shrinks),
        LOG_TEST(test_scan_goes_round),
        LOG_TEST(test_scan_of_a_large_log),
        cmocka_unit_test(test_rows_leave_out),
        cmocka_unit_test(test_rows_of_another_log),
        cmocka_unit_test(test_rows_at_random),
        LOG_TEST(test_compare),
        LOG_TEST(test_compare_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
