/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/findings.h"
#include "engine/base/mem.h"

static void assert_formats(const struct finding *finding, const char *expected)
{
    AUTO_FREE char *line = finding_format(finding);
    assert_string_equal(line, expected);
}

static void test_format(void **state)
{
    (void)state;
    struct findings findings;
    findings_init(&findings);
    assert_true(findings_is_empty(&findings));
    findings_add(&findings, "a.yaml", 7, "x[1].y", "'%s' is %d", "soon", 5);
    findings_add(&findings, "a.yaml", 0, "", "is empty");
    assert_false(findings_is_empty(&findings));
    assert_formats(&findings.rows[0], "a.yaml:7: x[1].y: 'soon' is 5");
    assert_formats(&findings.rows[1], "a.yaml: is empty");
    findings_fini(&findings);
    assert_true(findings_is_empty(&findings));
}

/* What a file says does nothing to a terminal, however long it is and wherever it is cut.
 */
static void test_harmless(void **state)
{
    (void)state;
    struct findings findings;
    AUTO_FREE char *large = mem_alloc(100001);
    memset(large, '\xff', 100000);
    findings_init(&findings);
    findings_add(&findings, "a\x1b[2J", 1, "b\x1b]0;x\x07", "c\n\x9b\xff%s", "\r\x08");
    findings_add(&findings, large, 1, large, "%s", large);
    assert_string_equal(findings.rows[0].file, "a\x1b[2J");
    assert_formats(&findings.rows[0], "a:1: b: c \xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD");
    assert_true(strlen(findings.rows[1].text) % 3 == 0);
    assert_in_range(strlen(findings.rows[1].text), 1000, 20000);
    findings_fini(&findings);
}

static void test_sort(void **state)
{
    (void)state;
    static const int lines[] = {9, 3, 3, 0, 5};
    static const char expected[] = "a0 d1 b3 c3 e5 ";
    struct findings findings;
    findings_init(&findings);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        findings_add(&findings, "f", i == 0 ? 0 : lines[i] + (lines[i] == 0), "", "%c",
                     (int)('a' + i));
    }
    findings_sort(&findings, 1); /* the first row belongs to another file */
    char order[64] = "";
    for (size_t i = 0; i < findings.n; i++) {
        size_t len = strlen(order);
        snprintf(order + len, sizeof(order) - len, "%s%d ", findings.rows[i].text,
                 findings.rows[i].line);
    }
    assert_string_equal(order, expected);
    findings_fini(&findings);
}

static void test_bound(void **state)
{
    (void)state;
    struct findings findings;
    findings_init(&findings);
    for (int i = 0; i < FINDINGS_MAX + 5; i++) {
        findings_add(&findings, "f", i + 1, "", "wrong");
    }
    assert_int_equal(findings.n, FINDINGS_MAX);
    assert_int_equal(findings.n_dropped, 5);
    findings_fini(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_harmless),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
