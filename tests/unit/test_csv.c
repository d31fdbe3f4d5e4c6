/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/csv.h"
#include "engine/base/mem.h"

static FILE *open_text(const char *text)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    rewind(file);
    return file;
}

static void test_cells(void **state)
{
    (void)state;
    FILE *file =
        open_text("Timestamp, value ,label\r\n\n\"a,b\",\"say \"\"hi\"\"\",\n x\n");
    struct err err = ERR_INIT;
    struct csv csv;
    csv_init(&csv, file);
    assert_true(csv_next(&csv, &err));
    assert_int_equal(csv.n_cells, 3);
    assert_int_equal(csv_find(&csv, "timestamp"), 0);
    assert_int_equal(csv_find(&csv, "value"), 1);
    assert_int_equal(csv_find(&csv, "nothing"), -1);
    assert_true(csv_next(&csv, &err)); /* the empty line is passed over */
    assert_int_equal(csv.line, 3);
    assert_int_equal(csv.n_cells, 3);
    assert_string_equal(csv.cells[0], "a,b");
    assert_string_equal(csv.cells[1], "say \"hi\"");
    assert_string_equal(csv.cells[2], "");
    assert_true(csv_next(&csv, &err));
    assert_string_equal(csv.cells[0], "x");
    assert_false(csv_next(&csv, &err));
    assert_int_equal(err.code, ERR_NONE);
    csv_fini(&csv);
    (void)fclose(file); /* only read */
}

static void test_a_line_without_end(void **state)
{
    (void)state;
    AUTO_FREE char *text = mem_alloc(CSV_LINE_MAX + 100);
    memset(text, 'x', CSV_LINE_MAX + 50);
    FILE *file = open_text(text);
    struct err err = ERR_INIT;
    struct csv csv;
    csv_init(&csv, file);
    assert_false(csv_next(&csv, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    csv_fini(&csv);
    (void)fclose(file); /* only read */
    AUTO_FREE char *commas = mem_alloc(2000);
    memset(commas, ',', 1000);
    file = open_text(commas);
    csv_init(&csv, file);
    assert_true(csv_next(&csv, &err));
    assert_int_equal(csv.n_cells, CSV_CELLS_MAX);
    csv_fini(&csv);
    (void)fclose(file); /* only read */
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {
        {"2014-04-01 00:05:00",       1396310700000},
        {"2014-04-01 00:05",          1396310700000},
        {"2014-04-01T00:05:00Z",      1396310700000},
        {"2014-04-01T02:05:00+02:00", 1396310700000},
        {"1396310700",                1396310700000},
        {"1396310700.25",             1396310700250},
        {"1396310700000",             1396310700000},
    };
    static const char *const bad[] = {
        "",           "now",
        "2014-04-01", "2014-13-01 00:00:00",
        "1e99",       "2014-04-01 00:05:00 and more than fits in here at all"};
    struct wall at;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(csv_time(good[i].text, &at));
        assert_int_equal(at.ms, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(csv_time(bad[i], &at));
    }
}

static void test_numbers(void **state)
{
    (void)state;
    double number;
    assert_true(csv_number("-1.5e3", &number) && number == -1500);
    assert_true(csv_number("", &number) && isnan(number));
    assert_true(csv_number("NaN", &number) && isnan(number));
    assert_true(csv_number("1e-400", &number)); /* too small is nearly nothing */
    assert_false(csv_number("1e400", &number));
    assert_false(csv_number("12 apples", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_a_line_without_end),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
