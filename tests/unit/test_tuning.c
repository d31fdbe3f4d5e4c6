/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/learning/tuning.h"
#include "engine/workflow/schema.h"

static const char text[] = "name: web\n"
                           "agent: {provider: fast, backups: [slow, local], command: a}\n"
                           "forge: {provider: hub, repository: a/b}\n"
                           "validate:\n"
                           "  - {name: lint, command: make lint}\n"
                           "  - {name: 'unit: tests \"x\"', command: make test}\n"
                           "  - make docs\n"
                           "evaluator: ./judge.sh\n"
                           "limits: {coding: 40m}\n"
                           "after_merge: {watch: checks, checks: [lint]}\n";

static const struct wall now = {1732284000000}; /* 2024-11-22T14:00:00Z */

static struct pipeline *parse(const char *from, struct findings *findings)
{
    findings_init(findings);
    return pipeline_parse("web.yaml", from, strlen(from), findings);
}

static struct pipeline *parse_good(const char *from)
{
    struct findings findings;
    struct pipeline *pipeline = parse(from, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_message("# %s\n", line);
    }
    findings_fini(&findings);
    assert_non_null(pipeline);
    return pipeline;
}

static const char *normal(const char *setting, const char *scope, const char *value)
{
    static char out[512];
    struct err err = ERR_INIT;
    AUTO_BUF struct buf buf;
    buf_init(&buf, sizeof(out) - 1);
    bool is_good = tuning_check(setting, scope, value, &buf, &err);
    (void)snprintf(out, sizeof(out), "%s%s", is_good ? "" : "! ",
                   is_good ? buf.data : err.msg);
    return out;
}

/* Every row stands for a field that exists, and can be found by its key. */
static void every_setting_is_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_tuning_specs; i++) {
        const struct tuning_spec *spec = &tuning_specs[i];
        char setting[128], name[TUNING_NAME_MAX];
        const char *star = strchr(spec->key, '*');
        (void)snprintf(setting, sizeof(setting), "%.*s%s%s",
                       star != NULL ? (int)(star - spec->key) : (int)strlen(spec->key),
                       spec->key, star != NULL ? "a.b/c" : "",
                       star != NULL ? star + 1 : "");
        assert_ptr_equal(tuning_find(setting), spec);
        assert_string_equal(tuning_name(setting, name), star != NULL ? "a.b/c" : "");
        assert_true((tuning_field(spec) == NULL) == (spec->field[0] == '\0'));
        assert_true(spec->kind < OPTIMIZATION_KIND_COUNT);
        assert_true(spec->help[strlen(spec->help) - 1] == '.');
    }
    assert_null(tuning_find("limits.iterations"));
    assert_null(tuning_find("checks/.retries"));
    assert_null(tuning_find("checks/x.command"));
    assert_null(tuning_find(""));
}

static void values_are_checked(void **state)
{
    (void)state;
    assert_string_equal(normal("limits.coding", "pipeline:web", "90m"), "1h30m");
    assert_string_equal(normal("limits.memory", "pipeline:web", "2048MiB"), "2GiB");
    assert_string_equal(normal("limits.retries", "pipeline:web", "007"), "7");
    assert_string_equal(normal("evaluator.use", "pipeline:web", "no"), "false");
    assert_string_equal(normal("merge.window", "pipeline:web", "6:00-20:00"),
                        "06:00-20:00");
    assert_string_equal(
        normal("checks/lint.quarantine", "pipeline:web", "2026-12-01T00:00:00+01:00"),
        "2026-11-30T23:00:00Z");
    assert_string_equal(normal("checks.order", "pipeline:web", "[lint, 'a \"b\"']"),
                        "[\"lint\",\"a \\\"b\\\"\"]");
    assert_string_equal(normal("max_running", "", "8"), "8");
    assert_string_equal(normal("breaker.open", "service:hub", "45s"), "45s");

    assert_string_equal(normal("max_running", "pipeline:web", "8"),
                        "! max_running is of the engine; expected no scope beside it");
    assert_string_equal(normal("limits.coding", "web", "1h"),
                        "! limits.coding is of a pipeline; expected its name, like "
                        "pipeline:NAME");
    assert_string_equal(normal("limits.codnig", "pipeline:web", "1h"),
                        "! no setting 'limits.codnig' can be changed while the engine "
                        "runs");
    assert_string_equal(normal("max_running", "", "0"),
                        "! max_running: '0' is out of range; expected 1 to 100000");
    assert_string_equal(normal("limits.coding", "pipeline:web", "soon"),
                        "! limits.coding: 'soon' is no duration; expected like 90s, 10m, "
                        "1h30m");
    assert_non_null(strstr(normal("merge.window", "pipeline:web", "6-20"), "! "));
    assert_non_null(strstr(normal("merge.window", "pipeline:web", "06:00-25:00"), "! "));
    assert_non_null(strstr(normal("merge.window", "pipeline:web", "06:00-06:00"), "! "));
    assert_non_null(strstr(normal("checks.order", "pipeline:web", "[a, a]"), "! "));
    assert_non_null(strstr(normal("checks.order", "pipeline:web", "lint"), "! "));
    assert_non_null(strstr(normal("checks.order", "pipeline:web", "[{a: b}]"), "! "));
    assert_non_null(strstr(normal("agent.provider", "pipeline:web", "a;b"), "! "));
}

static void numbers_go_both_ways(void **state)
{
    (void)state;
    double number = 0;
    char value[64];
    assert_true(tuning_number("limits.coding", "1h30m", &number));
    assert_true(number == 5400000.0);
    assert_true(tuning_from_number("limits.coding", 1234567, value));
    assert_string_equal(value, "21m");
    assert_true(tuning_from_number("limits.coding", 1, value));
    assert_string_equal(value, "1s");
    assert_true(tuning_from_number("limits.memory", 3e9, value));
    assert_string_equal(value, "2862MiB");
    assert_true(tuning_from_number("limits.retries", 1e9, value));
    assert_string_equal(value, "100");
    assert_true(tuning_from_number("evaluator.use", 0, value));
    assert_string_equal(value, "false");
    assert_false(tuning_from_number("merge.window", 1, value));
    assert_false(tuning_number("agent.provider", "fast", &number));
    assert_true(tuning_is_same("limits.coding", "90m", "1h30m"));
    assert_false(tuning_is_same("limits.coding", "90m", "1h31m"));
    assert_true(tuning_is_riskier("limits.coding", "1h", "30m"));
    assert_false(tuning_is_riskier("limits.coding", "30m", "1h"));
    assert_false(tuning_is_riskier("limits.memory", "1GiB", "0")); /* no bound */
    assert_true(tuning_is_riskier("limits.memory", "0", "1GiB"));
    assert_true(tuning_is_riskier("agent.provider", "a", "b"));
    assert_false(tuning_is_riskier("agent.provider", "a", "a"));
}

#define ROW(key, text)                                                                   \
    {                                                                                    \
        .setting = (key), .scope = "pipeline:web", .value = (text), .was = "",           \
        .actor = "ada"                                                                   \
    }

/* What the overlay says is what the pipeline then has, and nothing else changes. */
static void an_overlay_is_what_is_run(void **state)
{
    (void)state;
    const struct tuning_row rows[] = {
        ROW("limits.coding", "20m"),
        ROW("limits.retries", "2"),
        ROW("checks/unit: tests \"x\".timeout", "5m"),
        ROW("checks/unit: tests \"x\".retries", "1"),
        ROW("checks/make docs.quarantine", "2026-12-01T00:00:00Z"),
        ROW("checks.order", "[\"make docs\",\"gone\",\"unit: tests \\\"x\\\"\"]"),
        ROW("agent.provider", "slow"),
        ROW("evaluator.use", "false"),
        ROW("merge.window", "22:00-06:00"),
        ROW("checks/gone.retries", "3"),
        {.setting = "limits.cpu", .scope = "pipeline:other", .value = "5m"},
        { .setting = "limits.planning",
                                      .scope = "pipeline:web",
                                      .value = "5m",
                                      .until = {1732284000000}},
    };
    struct pipeline *before = parse_good(text);
    AUTO_BUF struct buf out, value;
    buf_init(&out, 65536);
    buf_init(&value, 4096);
    (void)buf_str(&out, text);
    assert_int_equal(tuning_overlay(before, rows, ARRAY_LEN(rows), now, &out), 9);
    struct pipeline *after = parse_good(out.data);
    assert_int_equal(after->coding.ms, 1200000);
    assert_int_equal(after->planning.ms, 1800000);
    assert_int_equal(after->max_retries, 2);
    assert_int_equal(after->bounds.cpu.ms, 0);
    assert_string_equal(after->checks[0].name, "make docs");
    assert_string_equal(after->checks[1].name, "unit: tests \"x\"");
    assert_string_equal(after->checks[2].name, "lint");
    assert_int_equal(after->checks[1].timeout.ms, 300000);
    assert_int_equal(after->checks[1].retries, 1);
    assert_int_equal(after->checks[0].quarantine.ms, 1796083200000);
    assert_int_equal(after->after.checks, 4); /* lint, where it is now */
    assert_string_equal(after->agent_chain.first, "slow");
    assert_string_equal(after->agent_chain.backups[0], "fast");
    assert_string_equal(after->agent_chain.backups[1], "local");
    assert_true(pipeline_has_evaluator(before));
    assert_false(pipeline_has_evaluator(after));
    assert_true(tuning_of_pipeline(after, "merge.window", &value));
    assert_string_equal(value.data, "22:00-06:00");
    assert_true(tuning_of_pipeline(after, "checks.order", &value));
    assert_string_equal(value.data, "[\"make docs\",\"unit: tests \\\"x\\\"\",\"lint\"]");
    assert_true(tuning_of_pipeline(after, "checks/lint.retries", &value));
    assert_string_equal(value.data, "0");
    assert_false(tuning_of_pipeline(after, "checks/gone.retries", &value));
    assert_false(tuning_of_pipeline(after, "max_running", &value));

    /* The exact inverse: what it was, laid over again, is what it was. */
    for (size_t i = 0; i < n_tuning_specs; i++) {
        AUTO_BUF struct buf was, again;
        buf_init(&was, 4096);
        buf_init(&again, 4096);
        if (tuning_specs[i].scope != TUNING_PIPELINE ||
            strchr(tuning_specs[i].key, '*') != NULL ||
            !tuning_of_pipeline(before, tuning_specs[i].key, &was) || was.len == 0) {
            continue;
        }
        const struct tuning_row inverse = ROW(tuning_specs[i].key, was.data);
        AUTO_BUF struct buf whole;
        buf_init(&whole, 65536);
        (void)buf_str(&whole, text);
        assert_int_equal(tuning_overlay(before, &inverse, 1, now, &whole), 1);
        struct pipeline *same = parse_good(whole.data);
        assert_true(tuning_of_pipeline(same, tuning_specs[i].key, &again));
        assert_string_equal(again.data, was.data);
        pipeline_free(same);
    }
    pipeline_free(before);
    pipeline_free(after);
}

static void no_tuning_no_overlay(void **state)
{
    (void)state;
    struct pipeline *pipeline = parse_good(text);
    AUTO_BUF struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(tuning_overlay(pipeline, NULL, 0, now, &out), 0);
    assert_int_equal(out.len, 0);
    pipeline_free(pipeline);
}

static void expect_finding(const char *overlay, const char *line)
{
    struct findings findings;
    AUTO_FREE char *whole = mem_printf("%s%s\n%s", text, OVERLAY_MARK, overlay);
    assert_null(parse(whole, &findings));
    assert_true(findings.n > 0);
    AUTO_FREE char *first = finding_format(&findings.rows[0]);
    assert_string_equal(first, line);
    findings_fini(&findings);
}

/* Lines are those of the whole text, paths those of the overlay. */
static void a_wrong_overlay_is_told(void **state)
{
    (void)state;
    expect_finding("limits: {coding: soon}\n",
                   "web.yaml:12: limits.coding: 'soon' is no duration; expected like "
                   "90s, 10m, 1h30m");
    expect_finding("limits:\n  iterations: 3\n",
                   "web.yaml:13: limits.iterations: cannot stand in an overlay");
    expect_finding("name: x\n",
                   "web.yaml:12: name: cannot stand in an overlay; expected limits, "
                   "agent, evaluator, merge, order or steps");
    expect_finding("order: [lint, gone]\n",
                   "web.yaml:12: order[1]: validate has no such step");
    expect_finding("order: [lint, lint]\n",
                   "web.yaml:12: order[1]: names a step twice; expected each one once");
    expect_finding("steps:\n  gone: {retries: 1}\n",
                   "web.yaml:13: steps.gone: validate has no such step");
    expect_finding("steps: {lint: {command: rm}}\n",
                   "web.yaml:12: steps.lint.command: cannot stand in an overlay");
    expect_finding("- a\n", "web.yaml:12: is no map; expected limits, agent, evaluator, "
                            "merge, order or steps behind --- # tuned");
}

static void hours_go_over_midnight(void **state)
{
    (void)state;
    const struct hours day = {360, 1200}, night = {1320, 360}, all = {0, 0};
    struct wall six = {1732255200000}; /* 2024-11-22T06:00:00Z */
    assert_true(hours_have(day, six));
    assert_false(hours_have(day, (struct wall){six.ms - 1}));
    assert_false(hours_have(day, (struct wall){six.ms + 14 * 3600000}));
    assert_false(hours_have(night, six));
    assert_true(hours_have(night, (struct wall){six.ms - 1}));
    assert_true(hours_have(night, (struct wall){six.ms + 16 * 3600000}));
    assert_true(hours_have(all, six));
    assert_int_equal(hours_next(day, (struct wall){six.ms - 1}).ms, six.ms);
    assert_int_equal(hours_next(day, six).ms, six.ms);
    assert_int_equal(hours_next(day, (struct wall){six.ms + 14 * 3600000}).ms,
                     six.ms + 24 * 3600000);
    assert_int_equal(hours_next(night, six).ms, six.ms + 16 * 3600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_one),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(numbers_go_both_ways),
        cmocka_unit_test(an_overlay_is_what_is_run),
        cmocka_unit_test(no_tuning_no_overlay),
        cmocka_unit_test(a_wrong_overlay_is_told),
        cmocka_unit_test(hours_go_over_midnight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
