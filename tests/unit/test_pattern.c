/* SPDX-License-Identifier: MIT */

/* Rules that recognise failures: their format, their search, and every shipped one. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/asset.h"
#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/base/yaml.h"
#include "engine/recovery/pattern.h"

#define HITS_MAX 64

/* ---- files ----------------------------------------------------------------------------- */

#define RULE(id, match, example)                                                         \
    "  - {id: " id ", tool: t, class: test, weight: 0.5, help: h, match: '" match        \
    "', examples: ['" example "']}\n"

static void expect_findings(const char *text, size_t n, const char *const expected[])
{
    struct findings findings;
    findings_init(&findings);
    struct pattern_base *base =
        pattern_base_new("my.yaml", text, strlen(text), &findings);
    assert_null(base);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        if (i >= n || strcmp(line, expected[i]) != 0) {
            fail_msg("finding %zu: %s", i, line);
        }
    }
    assert_int_equal(findings.n, n);
    findings_fini(&findings);
}

static struct pattern_base *base_of(const char *text)
{
    struct findings findings;
    findings_init(&findings);
    struct pattern_base *base =
        pattern_base_new("my.yaml", text, strlen(text), &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_error("%s\n", line);
    }
    assert_non_null(base);
    findings_fini(&findings);
    return base;
}

static void every_mistake_has_its_line(void **state)
{
    (void)state;
    static const char text[] = "patterns:\n"
                               "  - id: Bad Name\n"
                               "    tool: t\n"
                               "    class: unknown\n"
                               "    weight: 1.5\n"
                               "    severity: huge\n"
                               "    flaky: often\n"
                               "    help: \"two\\nlines\"\n"
                               "    match: 'a(b'\n"
                               "    examples: []\n"
                               "    exampels: [x]\n"
                               "  - just text\n"
                               "  - id: short\n"
                               "    tool: t\n"
                               "    class: test\n"
                               "    weight: 0.5\n"
                               "    help: h\n"
                               "    match: 'foo|\\d+'\n"
                               "  - id: far\n"
                               "    tool: t\n"
                               "    class: test\n"
                               "    weight: 0.5\n"
                               "    help: h\n"
                               "    match: '(?<name>foobar)'\n"
                               "    examples: foobar\n"
                               "  - id: wrong\n"
                               "    tool: t\n"
                               "    class: test\n"
                               "    weight: 0.5\n"
                               "    help: h\n"
                               "    match: 'foobar'\n"
                               "    examples: [fobar]\n"
                               "    not: [a foobar]\n"
                               "more: 1\n";
    static const char *const expected[] = {
        "my.yaml:2: patterns[0].id: 'Bad Name' is no name; expected small letters, "
        "digits "
        "and - _ . +",
        "my.yaml:4: patterns[0].class: 'unknown' is no class; expected test, compile, "
        "lint, "
        "dependency, config, network, timeout, resource, crash, infra, vcs, auth, quota "
        "or "
        "flaky",
        "my.yaml:5: patterns[0].weight: '1.5' is no chance; expected 0 to 1, like 0.85",
        "my.yaml:6: patterns[0].severity: 'huge' is no severity; expected info, low, "
        "medium, "
        "high or critical",
        "my.yaml:7: patterns[0].flaky: 'often' is no chance; expected 0 to 1, like 0.85",
        "my.yaml:8: patterns[0].help: has more than one line; expected one",
        "my.yaml:9: patterns[0].match: missing closing parenthesis at character 4",
        "my.yaml:10: patterns[0].examples: is empty; expected one line or more",
        "my.yaml:11: patterns[0].exampels: there is no such field; expected id, tool, "
        "class, "
        "weight, flaky, severity, help, match, examples or not",
        "my.yaml:12: patterns[1]: is text; expected a map",
        "my.yaml:13: patterns[2].examples: is missing; expected lines that match finds",
        "my.yaml:18: patterns[2].match: not every match holds a text of 3 characters; "
        "expected such a text, so that other lines cost nothing",
        "my.yaml:24: patterns[3].match: uses what patterns do not have; expected no "
        "named "
        "groups, conditions, recursion, \\Q, \\x{} or options other than (?i)",
        "my.yaml:32: patterns[4].examples[0]: match does not find this",
        "my.yaml:33: patterns[4].not[0]: match finds this, which it must not",
        "my.yaml:34: more: there is no such field; expected patterns",
    };
    expect_findings(text, ARRAY_LEN(expected), expected);
}

static void files_without_rules_are_refused(void **state)
{
    (void)state;
    static const char *const nothing[] = {
        "my.yaml: patterns: is missing; expected a list of rules"};
    static const char *const text[] = {
        "my.yaml:1: patterns: is text; expected a list of rules"};
    static const char *const twice[] = {
        "my.yaml:3: patterns[1].id: 'a' is the id of another rule of this file"};
    expect_findings("", 1, nothing);
    expect_findings("- a\n", 1, nothing);
    expect_findings("patterns: none\n", 1, text);
    expect_findings("patterns:\n" RULE("a", "foobar", "foobar")
                        RULE("a", "foobaz", "foobaz"),
                    1, twice);
}

static void later_files_replace_rules(void **state)
{
    (void)state;
    static const char first[] =
        "patterns:\n" RULE("a", "foobar", "foobar") RULE("b", "barfoo", "barfoo");
    static const char second[] = "patterns:\n"
                                 "  - {id: a, tool: t, class: infra, weight: 0.9, flaky: "
                                 "0.25, severity: high, help: h, "
                                 "match: quux, examples: quux}\n"
                                 "  - {id: b, tool: t, class: infra, weight: 0, help: h, "
                                 "match: gone, examples: gone}\n";
    const struct pattern_text texts[] = {
        {"1.yaml", first,  sizeof(first) - 1 },
        {"2.yaml", second, sizeof(second) - 1}
    };
    struct findings findings;
    findings_init(&findings);
    struct pattern_base *base = pattern_base_join(texts, 2, false, &findings);
    assert_non_null(base);
    assert_int_equal(pattern_count(base), 1);
    assert_null(pattern_find(base, "b"));
    const struct pattern *a = pattern_find(base, "a");
    assert_int_equal(a->class_, CLASS_INFRA);
    assert_int_equal(a->severity, SEVERITY_HIGH);
    assert_true(a->flaky > 0.24 && a->flaky < 0.26);
    assert_ptr_equal(pattern_line(base, "a quux", 6), a);
    assert_null(pattern_line(base, "foobar", 6));
    assert_null(pattern_line(base, "gone", 4));
    pattern_base_free(base);

    base = pattern_base_join(texts, 1, true, &findings);
    assert_int_equal(pattern_count(base), pattern_count(pattern_builtin()) + 2);
    pattern_base_free(base);
    findings_fini(&findings);
}

/* ---- lines ----------------------------------------------------------------------------- */

static void lines_are_what_the_tool_said(void **state)
{
    (void)state;
    static const struct {
        const char *line, *clean;
    } cases[] = {
        {"",                                    ""                          },
        {"plain",                               "plain"                     },
        {"windows\r\n",                         "windows"                   },
        {"\x1b[31;1merror\x1b[0m: x",           "error: x"                  },
        {"\x1b]0;title\aerror",                 "error"                     },
        {"\x1b]0;title\x1b\\error",             "error"                     },
        {"[31merror[0m: x",                     "error: x"                  },
        {"[[1;31mERROR[m] x",                   "[ERROR] x"                 },
        {"wait [10m] or [1]",                   "wait [10m] or [1]"         },
        {"10%\r50%\rerror: x",                  "error: x"                  },
        {"2026-01-02T03:04:05.1234567Z error",  "error"                     },
        {"2026-01-02 03:04:05,123 error",       "error"                     },
        {"[2026-01-02T03:04:05+02:00] error",   "error"                     },
        {"[2026-01-02T03:04:05 error",          "[2026-01-02T03:04:05 error"},
        {"2026-01-02 03:04:05.123456 | error",  "error"                     },
        {"03:04:05   indented",                 "  indented"                },
        {"03:04:05: error",                     "03:04:05: error"           },
        {"##[error]error",                      "error"                     },
        {"2026-01-02T03:04:05Z ##[error]error", "error"                     },
        {"#12 3.456 error",                     "error"                     },
        {"#12 error",                           "#12 error"                 },
        {"2026-01-02T03:04:05Z 01O error",      "error"                     },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char room[PATTERN_LINE_MAX];
        size_t len = 0;
        const char *clean =
            pattern_line_clean(cases[i].line, strlen(cases[i].line), room, &len);
        AUTO_FREE char *text = mem_strn(clean, len);
        assert_string_equal(text, cases[i].clean);
    }
}

static void hits_come_in_the_order_of_lines(void **state)
{
    (void)state;
    struct pattern_base *base = base_of("patterns:\n" RULE("a", "^foobar", "foobar")
                                            RULE("b", "(?i)BAZ$", "x baz"));
    static const char text[] = "nothing\nfoobar\r\nfoobar baz\nx foobar\nqux BAZ";
    struct pattern_hit hits[8];
    assert_int_equal(pattern_scan(base, text, sizeof(text) - 1, hits, 8), 4);
    assert_string_equal(hits[0].pattern->id, "a");
    assert_int_equal(hits[0].line, 1);
    assert_int_equal(hits[0].at, 8);
    assert_int_equal(hits[0].len, 6);
    assert_int_equal(hits[1].line, 2);
    assert_int_equal(hits[2].line, 2);
    assert_true(hits[1].pattern != hits[2].pattern);
    assert_string_equal(hits[3].pattern->id, "b");
    assert_int_equal(hits[3].line, 4);
    assert_int_equal(hits[3].at + hits[3].len, sizeof(text) - 1);
    assert_int_equal(pattern_scan(base, text, sizeof(text) - 1, hits, 1), 4);
    assert_int_equal(pattern_scan(base, text, sizeof(text) - 1, NULL, 0), 4);
    assert_int_equal(pattern_scan(base, NULL, 0, NULL, 0), 0);
    assert_null(pattern_line(base, NULL, 0));
    pattern_base_free(base);
}

/* ---- what is too much ------------------------------------------------------------------ */

static void long_lines_are_cut(void **state)
{
    (void)state;
    enum { LEN = 1000000 };
    struct pattern_base *base = base_of("patterns:\n" RULE("a", "needle", "needle"));
    AUTO_FREE char *text = mem_alloc(LEN);
    memset(text, 'n', LEN);
    memcpy(text + PATTERN_LINE_MAX, "needle", 6);
    assert_int_equal(pattern_scan(base, text, LEN, NULL, 0), 0);
    memcpy(text + PATTERN_LINE_MAX - 6, "needle", 6);
    assert_int_equal(pattern_scan(base, text, LEN, NULL, 0), 1);
    memcpy(text + LEN - 7, "\nneedle", 7);
    assert_int_equal(pattern_scan(base, text, LEN, NULL, 0), 2);
    pattern_base_free(base);
}

static void bytes_of_any_kind_do_no_harm(void **state)
{
    (void)state;
    enum { LEN = 200000 };
    AUTO_FREE unsigned char *text = mem_alloc(LEN);
    uint32_t x = 1;
    for (size_t i = 0; i < LEN; i++) {
        x = x * 1664525u + 1013904223u;
        text[i] = (unsigned char)(x >> 24);
    }
    (void)pattern_scan(pattern_builtin(), (const char *)text, LEN, NULL, 0);
    static const char nul[] = "a\0b\nSegmentation fault (core dumped)\n\0\0";
    struct pattern_hit hits[8];
    assert_true(pattern_scan(pattern_builtin(), nul, sizeof(nul) - 1, hits, 8) >= 1);
    assert_int_equal(hits[0].pattern->class_, CLASS_CRASH);
}

/* Nested repetitions need 2^n steps: the limit ends each match, and the fourth ends the rule. */
static void no_expression_takes_forever(void **state)
{
    (void)state;
    enum { LINES = 2000 };
    static const char good[] = "startaba";
    struct pattern_base *base = base_of("patterns:\n" RULE(
        "slow", "start(a+)+(b+)+(a+)+$", "startaba") RULE("quick", "^start", "start"));
    AUTO_BUF struct buf text;
    buf_init(&text, 1024 * 1024);
    for (int i = 0; i < LINES; i++) {
        if (i == PATTERN_GIVE_UPS - 1 || i == PATTERN_GIVE_UPS) {
            assert_int_equal(pattern_scan(base, text.data, text.len, NULL, 0), i);
            size_t len = text.len; /* is the slow one still there? */
            assert_true(buf_str(&text, good));
            assert_int_equal(pattern_scan(base, text.data, text.len, NULL, 0),
                             i + 1 + (i < PATTERN_GIVE_UPS));
            text.len = len;
        }
        assert_true(
            buf_printf(&text, "start%.*s!\n", 120,
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"));
    }
    assert_int_equal(pattern_scan(base, text.data, text.len, NULL, 0), LINES);
    pattern_base_free(base);
}

static void too_many_rules_are_refused(void **state)
{
    (void)state;
    AUTO_FREE char *big = mem_alloc(PATTERN_TEXT_MAX + 2);
    memset(big, '#', PATTERN_TEXT_MAX + 1);
    struct findings findings;
    findings_init(&findings);
    assert_null(pattern_base_new("big.yaml", big, PATTERN_TEXT_MAX + 1, &findings));
    assert_true(findings.n > 0);
    findings_fini(&findings);
}

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
        cmocka_unit_test(every_mistake_has_its_line),
        cmocka_unit_test(files_without_rules_are_refused),
        cmocka_unit_test(later_files_replace_rules),
        cmocka_unit_test(lines_are_what_the_tool_said),
        cmocka_unit_test(hits_come_in_the_order_of_lines),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(bytes_of_any_kind_do_no_harm),
        cmocka_unit_test(no_expression_takes_forever),
        cmocka_unit_test(too_many_rules_are_refused),
        cmocka_unit_test(shipped_files_have_no_mistake),
        cmocka_unit_test(every_example_is_found),
        cmocka_unit_test(no_counterexample_is_found),
        cmocka_unit_test(no_example_belongs_to_another_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
