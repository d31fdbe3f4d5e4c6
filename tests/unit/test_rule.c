/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/monitor/reading.h"
#include "engine/monitor/rule.h"
#include "tests/lib/wrong.h"

#define MINUTE 60000

static const struct series_info disk = {.id = 3,
                                        .name = "disk_used_ratio",
                                        .labels = "mount=\"/srv\",type=\"a\\\"b\"",
                                        .component = "host"};

static struct rule_set *parse(const char *text)
{
    struct findings findings;
    findings_init(&findings);
    struct rule_set *set = rule_set_parse("r", text, strlen(text), &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_message("# %s\n", line);
    }
    findings_fini(&findings);
    assert_non_null(set);
    return set;
}

/* The user's rule of that name. */
static const struct rule *named(const struct rule_set *set, const char *name)
{
    for (size_t i = 0; i < set->n; i++) {
        if (strcmp(set->rules[i].name, name) == 0) {
            return &set->rules[i];
        }
    }
    fail_msg("no rule %s", name);
    return NULL;
}

static void parse_quietly(const char *file, const char *text, size_t len,
                          struct findings *findings)
{
    rule_set_free(rule_set_parse(file, text, len, findings));
}

static void test_wrong_files(void **state)
{
    (void)state;
    size_t n = 0;
    wrong_check("tests/unit/wrong/rule", parse_quietly, &n);
    assert_true(n >= 9);
}

static void test_every_field(void **state)
{
    (void)state;
    struct rule_set *set = parse("rules:\n"
                                 "  - name: slow\n"
                                 "    metric: workflow_*\n"
                                 "    labels: [state=CODING]\n"
                                 "    of: p95\n"
                                 "    over: 30m\n"
                                 "    above: 2h\n"
                                 "    resolve_below: 90m\n"
                                 "    for: 10m\n"
                                 "    severity: critical\n"
                                 "    summary: '{component} {value} > {threshold}'\n"
                                 "    actions: [one, two]\n");
    const struct rule *rule = named(set, "slow");
    assert_string_equal(rule->metric, "workflow_*");
    assert_int_equal(rule->n_labels, 1);
    assert_int_equal(rule->of, RULE_P95);
    assert_int_equal(rule->over.ms, 30 * MINUTE);
    assert_int_equal(rule->condition, RULE_ABOVE);
    assert_true(fabs(rule->limit - 7200) < 1e-9);
    assert_true(fabs(rule->resolve - 5400) < 1e-9);
    assert_int_equal(rule->hold.ms, 10 * MINUTE);
    assert_int_equal(rule->severity, SEVERITY_CRITICAL);
    assert_int_equal(rule->type, ANOMALY_RULE);
    assert_int_equal(rule->n_actions, 2);
    assert_string_equal(rule->actions[1], "two");
    rule_set_free(set);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number;
    } good[] = {
        {"0.85", 0.85},
        {"85%",  0.85},
        {"-3",   -3  },
        {"90s",  90  },
        {"2h",   7200},
        {"5KiB", 5120},
        {"1e3",  1000}
    };
    static const char *const bad[] = {"",    " 1",  "soon", "nan",   "inf",
                                      "0x1", "1 2", "5 %",  "1e999", "%"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        double number = 0;
        assert_true(rule_number(good[i].text, &number));
        assert_true(fabs(number - good[i].number) < 1e-9);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        double number = 7;
        assert_false(rule_number(bad[i], &number));
        assert_true(fabs(number - 7) < 1e-9);
    }
}

static void test_glob(void **state)
{
    (void)state;
    assert_true(rule_glob("disk_*", "disk_used"));
    assert_true(rule_glob("*", ""));
    assert_true(rule_glob("*a*b", "xaab"));
    assert_true(rule_glob("d?sk", "disk"));
    assert_true(rule_glob("[a-c]x", "bx"));
    assert_true(rule_glob("[!a-c]x", "dx"));
    assert_false(rule_glob("[a-c]x", "dx"));
    assert_false(rule_glob("disk", "disk_used"));
    assert_false(rule_glob("disk?", "disk"));
    assert_true(rule_glob("[", "[")); /* open brackets stand for themselves */
    /* no pattern takes long */
    char text[200];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(rule_glob("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void test_labels(void **state)
{
    (void)state;
    char out[32];
    assert_string_equal(rule_label(disk.labels, "mount", out, sizeof(out)), "/srv");
    assert_string_equal(rule_label(disk.labels, "type", out, sizeof(out)), "a\"b");
    assert_string_equal(rule_label(disk.labels, "typ", out, sizeof(out)), "");
    assert_string_equal(rule_label("", "a", out, sizeof(out)), "");
    assert_string_equal(rule_label("a=\"open", "a", out, sizeof(out)), "open");
    assert_string_equal(rule_label(disk.labels, "mount", out, 3), "/s");
}

static void test_match(void **state)
{
    (void)state;
    struct rule_set *set =
        parse("rules:\n"
              "  - {name: a, metric: 'disk_*', above: 1}\n"
              "  - {name: b, metric: 'disk_*', labels: ['mount=/srv*'], above: 1}\n"
              "  - {name: c, metric: 'disk_*', labels: ['mount!=/srv'], above: 1}\n"
              "  - {name: d, metric: 'cpu', above: 1}\n");
    uint64_t rules = rule_match(set, &disk);
    static const char *const yes[] = {"a", "b", "disk nearly full"};
    static const char *const no[] = {"c", "d", "quota"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(rules >> (named(set, yes[i]) - set->rules) & 1);
        assert_false(rules >> (named(set, no[i]) - set->rules) & 1);
    }
    struct series_info foreign =
        disk; /* somebody else's disk: our rules do not mean it */
    foreign.component = "scrape:node";
    rules = rule_match(set, &foreign);
    assert_false(rules >> (named(set, "disk nearly full") - set->rules) & 1);
    assert_true(rules >> (named(set, "a") - set->rules) & 1);
    rule_set_free(set);
}

static struct wall minute(int n)
{
    return (struct wall){1000000000 + (int64_t)n * MINUTE};
}

static void test_for_and_hysteresis(void **state)
{
    (void)state;
    struct rule_set *set =
        parse("rules: [{name: a, metric: m, above: 0.9, resolve_below: 0.8, for: 2m}]\n");
    const struct rule *rule = named(set, "a");
    struct rule_state s = {0};
    assert_false(rule_step(rule, &s, minute(0), 0.95).is_firing);
    assert_false(rule_step(rule, &s, minute(1), 0.95).is_firing);
    assert_false(rule_step(rule, &s, minute(2), 0.85).is_firing); /* begins anew */
    assert_false(rule_step(rule, &s, minute(3), 0.95).is_firing);
    assert_false(rule_step(rule, &s, minute(4), (double)NAN).is_firing);
    struct rule_result result = rule_step(rule, &s, minute(5), 0.95);
    assert_true(result.has_begun && result.is_firing);
    assert_int_equal(result.since.ms, minute(3).ms);
    result = rule_step(rule, &s, minute(6), 0.85); /* between both limits */
    assert_true(result.is_firing && !result.has_begun && !result.has_ended);
    result = rule_step(rule, &s, minute(7), 0.8);
    assert_true(result.has_ended && !result.is_firing);
    assert_false(rule_step(rule, &s, minute(8), 0.8).has_ended);
    rule_set_free(set);
}

static void test_absent(void **state)
{
    (void)state;
    struct rule_set *set =
        parse("rules: [{name: a, metric: m, absent: true, for: 3m}]\n");
    const struct rule *rule = named(set, "a");
    struct rule_state s = {0};
    assert_false(rule_tick(rule, &s, minute(99)).is_firing); /* never was: unknown */
    assert_false(rule_step(rule, &s, minute(100), 1).is_firing);
    assert_false(rule_tick(rule, &s, minute(102)).is_firing);
    struct rule_result result = rule_tick(rule, &s, minute(103));
    assert_true(result.has_begun);
    assert_int_equal(result.since.ms, minute(100).ms);
    assert_true(rule_tick(rule, &s, minute(104)).is_firing);
    assert_true(rule_step(rule, &s, minute(105), 1).has_ended);
    rule_set_free(set);
}

static void test_window(void **state)
{
    (void)state;
    struct rule_set *set =
        parse("rules:\n"
              "  - {name: rate, metric: m, of: rate, over: 10m, above: 0.5}\n"
              "  - {name: mean, metric: m, of: mean, over: 10m, above: 5}\n"
              "  - {name: p90, metric: m, of: p90, over: 10m, below: 5}\n");
    struct rule_state rate = {0}, mean = {0}, p90 = {0};
    for (int i = 0; i <= 20; i++) {
        /* one more each second; mean 4 with one high value in five */
        struct rule_result r = rule_step(named(set, "rate"), &rate, minute(i), i * 60.0);
        struct rule_result m =
            rule_step(named(set, "mean"), &mean, minute(i), i % 5 == 0 ? 20 : 0);
        struct rule_result p =
            rule_step(named(set, "p90"), &p90, minute(i), i % 5 == 0 ? 20 : 0);
        assert_int_equal(r.is_firing,
                         i >= 5); /* not before half of the window is known */
        assert_true(i < 5 || fabs(r.value - 1) < 1e-6);
        assert_true(i < 10 || (m.value > 3 && m.value < 6));
        assert_true(i < 10 || fabs(p.value - 20) < 1e-6);
        assert_true(i < 10 || !p.is_firing);
    }
    rule_set_free(set);
}

/* Every built-in rule looks at a metric that there is, and fires when it should. */
static void test_builtin(void **state)
{
    (void)state;
    struct rule_set *set = rule_set_new(NULL, 0);
    assert_true(set->n >= 15 && set->n + RULES_USER_MAX <= RULES_MAX);
    for (size_t i = 0; i < set->n; i++) {
        const struct rule *rule = &set->rules[i];
        enum metric_id id;
        struct rule_state s = {0};
        bool is_firing = false;
        char text[RULE_SUMMARY_MAX];
        if (strcmp(rule->metric, "capacity_days_left") != 0 &&
            !metric_find(rule->metric, &id)) {
            fail_msg("no metric %s", rule->metric);
        }
        for (int k = 0; k < 90; k++) {
            double value = rule->of == RULE_RATE           ? k * 600.0
                           : rule->condition == RULE_ABOVE ? rule->limit * 1.05
                                                           : rule->limit * 0.95;
            is_firing = rule_step(rule, &s, minute(k), value).is_firing;
        }
        assert_true(is_firing);
        assert_true(strchr(rule_text(rule, &disk, 0.5, text), '{') == NULL);
    }
    /* as the issue says them */
    assert_true(fabs(named(set, "success rate")->limit - 0.85) < 1e-9);
    assert_int_equal(named(set, "success rate")->type, ANOMALY_DEGRADATION);
    assert_int_equal(named(set, "success rate")->severity, SEVERITY_HIGH);
    assert_true(fabs(named(set, "utilization")->limit - 0.9) < 1e-9);
    assert_int_equal(named(set, "utilization")->type, ANOMALY_EXHAUSTION);
    assert_int_equal(named(set, "utilization")->severity, SEVERITY_CRITICAL);
    rule_set_free(set);
}

static void test_text(void **state)
{
    (void)state;
    char text[RULE_SUMMARY_MAX];
    struct findings findings;
    findings_init(&findings);
    const char *bad = "rules: [{name: a, metric: m, above: 1, summary: '{nothing}'}]\n";
    assert_null(rule_set_parse("r", bad, strlen(bad), &findings));
    findings_fini(&findings);
    struct rule_set *set =
        parse("rules:\n"
              "  - {name: a, metric: m, above: 90%, summary: "
              "'{component} {value} {threshold} {labels} {label:mount}'}\n"
              "  - {name: b, metric: m, below: 5, of: rate}\n");
    assert_string_equal(rule_text(named(set, "a"), &disk, 0.934, text),
                        "host 93.4% 90% /srv, a\"b /srv");
    assert_string_equal(rule_text(named(set, "b"), &disk, 0.1, text),
                        "host: disk_used_ratio is 0.1/s, below 5/s");
    rule_set_free(set);
}

static void test_reading(void **state)
{
    (void)state;
    char out[READING_MAX];
    assert_string_equal(reading_format("a_seconds", 0.0023, out), "2.3ms");
    assert_string_equal(reading_format("a_seconds{x=\"1\"}", 250, out), "4m10s");
    assert_string_equal(reading_format("a_bytes", 1536, out), "1.5KiB");
    assert_string_equal(reading_format("a_ratio", 0.873, out), "87.3%");
    assert_string_equal(reading_format("a_total", 12.4, out), "12.4/s");
    assert_string_equal(reading_format("a", (double)NAN, out), "unknown");
    assert_string_equal(reading_format("a_bytes", (double)INFINITY, out), "without end");
    assert_string_equal(reading_format("a_seconds", 1e300, out), "1e+300s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_glob),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_for_and_hysteresis),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_builtin),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
