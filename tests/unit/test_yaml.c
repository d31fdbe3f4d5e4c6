/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/yaml.h"
#include "tests/lib/wrong.h"

static struct yaml_tree *parse(const char *text, struct findings *findings)
{
    findings_init(findings);
    return yaml_tree_parse("f", text, strlen(text), findings);
}

static void assert_path(const struct yaml_item *item, const char *field,
                        const char *expected)
{
    char path[YAML_PATH_MAX];
    assert_string_equal(yaml_item_path(item, field, path), expected);
}

static void test_tree(void **state)
{
    (void)state;
    struct findings findings;
    struct yaml_tree *tree = parse("# c\n"
                                   "a: 1\n"
                                   "b:\n"
                                   "  - x: \"two\\nlines\"\n"
                                   "    y: ~\n"
                                   "  -\n"
                                   "  - 'null'\n"
                                   "\n"
                                   "c: |\n"
                                   "  text\n"
                                   "  more\n"
                                   "d: {}\n",
                                   &findings);
    assert_true(findings_is_empty(&findings));
    assert_false(tree->is_partial);
    assert_int_equal(tree->root->kind, YAML_MAP);
    assert_int_equal(tree->root->n, 4);
    const struct yaml_item *a = yaml_item_get(tree->root, "a");
    assert_int_equal(a->kind, YAML_SCALAR);
    assert_string_equal(a->text, "1");
    assert_int_equal(a->line, 2);
    const struct yaml_item *b = yaml_item_get(tree->root, "b");
    assert_int_equal(b->kind, YAML_LIST);
    assert_int_equal(b->n, 3);
    assert_int_equal(b->key_line, 3);
    const struct yaml_item *x = yaml_item_get(b->first, "x");
    assert_string_equal(x->text, "two\nlines");
    assert_int_equal(x->line, 4);
    assert_path(x, NULL, "b[0].x");
    assert_path(b->first, "zzz", "b[0].zzz");
    assert_path(tree->root, "zzz", "zzz");
    assert_path(tree->root, NULL, "");
    const struct yaml_item *y = yaml_item_get(b->first, "y");
    assert_int_equal(y->kind, YAML_NULL);
    assert_int_equal(y->line, 5);
    assert_int_equal(b->first->next->kind, YAML_NULL);
    assert_int_equal(b->last->kind, YAML_SCALAR); /* in quotes it is text */
    assert_string_equal(b->last->text, "null");
    assert_int_equal(b->last->line, 7);
    assert_int_equal(b->last->index, 2);
    const struct yaml_item *c = yaml_item_get(tree->root, "c");
    assert_string_equal(c->text, "text\nmore\n");
    assert_int_equal(c->len, 10);
    assert_int_equal(yaml_item_get(tree->root, "d")->kind, YAML_MAP);
    assert_null(yaml_item_get(tree->root, "e"));
    assert_null(yaml_item_get(a, "e"));
    assert_null(yaml_item_get(NULL, "e"));
    yaml_tree_free(tree);
    yaml_tree_free(NULL);
    findings_fini(&findings);
}

/* What stands before a syntax error is still there to be checked. */
static void test_partial(void **state)
{
    (void)state;
    struct findings findings;
    struct yaml_tree *tree = parse("a: 1\nb: [x, y\nc: d\n", &findings);
    assert_int_equal(findings.n, 1);
    assert_true(tree->is_partial);
    assert_string_equal(yaml_item_get(tree->root, "a")->text, "1");
    yaml_tree_free(tree);
    findings_fini(&findings);
}

/* Lines are those of an editor, whatever ends them. */
static void test_line_ends(void **state)
{
    (void)state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        const char *e = ends[i];
        struct findings findings;
        AUTO_FREE char *text = mem_printf("a: 1%s%sb: \x01%sb: 2%s", e, e, e, e);
        struct yaml_tree *tree = parse(text, &findings);
        assert_int_equal(findings.n, 2);
        assert_int_equal(findings.rows[0].line, 3);
        assert_int_equal(findings.rows[1].line, 4);
        assert_string_equal(findings.rows[1].text, "given twice; first in line 3");
        yaml_tree_free(tree);
        findings_fini(&findings);
    }
}

static struct yaml_tree *parse_repeated(const char *each, size_t n,
                                        struct findings *findings)
{
    AUTO_BUF struct buf text;
    buf_init(&text, YAML_TEXT_MAX * 2);
    for (size_t i = 0; i < n; i++) {
        buf_str(&text, each);
    }
    return parse(text.data, findings);
}

static void assert_refused(const char *each, size_t n, const char *expected)
{
    struct findings findings;
    struct yaml_tree *tree = parse_repeated(each, n, &findings);
    assert_int_equal(findings.n, 1);
    if (strstr(findings.rows[0].text, expected) == NULL) {
        fail_msg("%s", findings.rows[0].text);
    }
    assert_true(tree->is_partial);
    yaml_tree_free(tree);
    findings_fini(&findings);
}

static void test_bounds(void **state)
{
    (void)state;
    assert_refused("[", 100000, "nested too deep");
    assert_refused("{a: ", 50000, "nested too deep");
    assert_refused("- ", 50000, "nested too deep");
    assert_refused("- a\n", 50000, "too many items");
    assert_refused("# comment\n", 30000, "expected at most 262144");
    struct findings findings;
    struct yaml_tree *tree = parse_repeated("- a\n", YAML_ITEMS_MAX - 1, &findings);
    assert_true(findings_is_empty(&findings));
    assert_int_equal(tree->root->n, YAML_ITEMS_MAX - 1);
    yaml_tree_free(tree);
    findings_fini(&findings);
    /* A binary file: one finding for each line, and not for all of them. */
    tree = parse_repeated("\xff\n", 1000, &findings);
    assert_in_range(findings.n, 10, 30);
    yaml_tree_free(tree);
    findings_fini(&findings);
}

static void test_deep_path_is_cut(void **state)
{
    (void)state;
    struct findings findings;
    AUTO_BUF struct buf text;
    char path[YAML_PATH_MAX];
    buf_init(&text, YAML_TEXT_MAX);
    for (int i = 0; i < YAML_DEPTH_MAX - 1; i++) {
        buf_printf(&text, "{a_rather_long_name_of_a_field_with\\x1b_%d: ", i);
    }
    for (int i = 0; i < YAML_DEPTH_MAX - 1; i++) {
        buf_str(&text, "}");
    }
    struct yaml_tree *tree = parse(text.data, &findings);
    const struct yaml_item *item = tree->root;
    while (item->first != NULL) {
        item = item->first;
    }
    yaml_item_path(item, "field", path);
    assert_int_equal(strlen(path), YAML_PATH_MAX - 1);
    yaml_tree_free(tree);
    findings_fini(&findings);
}

static void test_quote(void **state)
{
    (void)state;
    char out[YAML_QUOTE_MAX];
    assert_string_equal(yaml_quote("soon", 4, out), "'soon'");
    assert_string_equal(yaml_quote("", 0, out), "''");
    assert_string_equal(yaml_quote("a\x1b[31mb\nc", 9, out), "'ab c'");
    AUTO_BUF struct buf text;
    buf_init(&text, 65536);
    for (int i = 0; i < 2000; i++) {
        buf_str(&text,
                "\xE2\x82\xAC\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81");
        yaml_quote(text.data, text.len, out);
        assert_true(strlen(out) < YAML_QUOTE_MAX);
        assert_int_equal(out[strlen(out) - 1], '\'');
    }
}

static void parse_for_findings(const char *file, const char *text, size_t len,
                               struct findings *findings)
{
    yaml_tree_free(yaml_tree_parse(file, text, len, findings));
}

static void test_wrong_files(void **state)
{
    (void)state;
    size_t n = 0;
    wrong_check("tests/unit/wrong/yaml", parse_for_findings, &n);
    assert_true(n >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_partial),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_deep_path_is_cut),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_wrong_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
