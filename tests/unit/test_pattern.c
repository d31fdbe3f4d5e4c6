/* SPDX-License-Identifier: MIT */

/* Rules that recognise failures: their format, their search, and every shipped one. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/asset.h"
#include "engine/base/mem.h"
#include "engine/base/yaml.h"
#include "engine/recovery/pattern.h"

#define HITS_MAX 64

/* ---- the shipped rules ----------------------------------------------------------------- */

/* Calls f for each line under `field` of each shipped rule. */
static void each_line(const char *field,
                      void (*f)(const struct pattern *rule, const char *line, size_t len))
{
    const struct pattern_base *base = pattern_builtin();
    size_t n = 0;
    for (size_t i = 0; i < n_assets; i++) {
        if (strncmp(assets[i].name, "patterns/", 9) != 0) {
            continue;
        }
        struct findings findings;
        findings_init(&findings);
        struct yaml_tree *tree =
            yaml_tree_parse(assets[i].name, assets[i].data, assets[i].len, &findings);
        const struct yaml_item *list = yaml_item_get(tree->root, "patterns");
        assert_non_null(list);
        for (const struct yaml_item *rule = list->first; rule != NULL;
             rule = rule->next) {
            const struct yaml_item *lines = yaml_item_get(rule, field);
            const struct pattern *pattern =
                pattern_find(base, yaml_item_get(rule, "id")->text);
            assert_non_null(pattern);
            for (const struct yaml_item *line = lines != NULL ? lines->first : NULL;
                 line != NULL; line = line->next) {
                f(pattern, line->text, line->len);
                n++;
            }
        }
        yaml_tree_free(tree);
        findings_fini(&findings);
    }
    assert_true(n > 0);
}

static bool is_hit(const struct pattern *rule, const char *line, size_t len)
{
    struct pattern_hit hits[HITS_MAX];
    size_t n = pattern_scan(pattern_builtin(), line, len, hits, HITS_MAX);
    assert_true(n <= HITS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (hits[i].pattern == rule) {
            return true;
        }
    }
    return false;
}

static void shipped_files_have_no_mistake(void **state)
{
    (void)state;
    struct findings findings;
    findings_init(&findings);
    struct pattern_base *base = pattern_base_join(NULL, 0, true, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_error("%s\n", line);
    }
    assert_int_equal(findings.n, 0);
    assert_non_null(base);
    for (size_t i = 0; i < pattern_count(base); i++) {
        assert_ptr_equal(pattern_find(base, pattern_at(base, i)->id),
                         pattern_at(base, i));
    }
    pattern_base_free(base);
    findings_fini(&findings);
}

static void must_hit(const struct pattern *rule, const char *line, size_t len)
{
    if (!is_hit(rule, line, len)) {
        fail_msg("%s is not found in its example: %s", rule->id, line);
    }
    /* the same as a runner prints it, in colour, with Windows' line end */
    AUTO_FREE char *dressed = mem_printf(
        "2026-01-02T03:04:05.1234567Z \x1b[31;1m%.*s\x1b[0m\r\n", (int)len, line);
    if (!is_hit(rule, dressed, strlen(dressed))) {
        fail_msg("%s is not found in its example with time and colour: %s", rule->id,
                 line);
    }
}

static void every_example_is_found(void **state)
{
    (void)state;
    each_line("examples", must_hit);
}

static void must_miss(const struct pattern *rule, const char *line, size_t len)
{
    if (is_hit(rule, line, len)) {
        fail_msg("%s is found in what it must not match: %s", rule->id, line);
    }
}

static void no_counterexample_is_found(void **state)
{
    (void)state;
    each_line("not", must_miss);
}

static int n_conflicts;

/* A line that a rule calls its own must not be called something else with more weight. */
static void must_win(const struct pattern *rule, const char *line, size_t len)
{
    const struct pattern *best = pattern_line(pattern_builtin(), line, len);
    assert_non_null(best);
    if (best->class_ != rule->class_) {
        print_error("%s (%s %g) loses to %s (%s %g): %s\n", rule->id,
                    class_word(rule->class_), rule->weight, best->id,
                    class_word(best->class_), best->weight, line);
        n_conflicts++;
    }
}

static void no_example_belongs_to_another_class(void **state)
{
    (void)state;
    each_line("examples", must_win);
    assert_int_equal(n_conflicts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_files_have_no_mistake),
        cmocka_unit_test(every_example_is_found),
        cmocka_unit_test(no_counterexample_is_found),
        cmocka_unit_test(no_example_belongs_to_another_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
