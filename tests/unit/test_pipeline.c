/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/findings.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "engine/workflow/pipeline.h"
#include "engine/workflow/schema.h"
#include "tests/lib/shape.h"
#include "tests/lib/wrong.h"

#define MINIMAL "name: p\nagent: a\nvalidate: []\n"

static struct pipeline *parse_good(const char *text)
{
    struct findings findings;
    findings_init(&findings);
    struct pipeline *pipeline = pipeline_parse("p", text, strlen(text), &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_message("# %s\n", line);
    }
    findings_fini(&findings);
    assert_non_null(pipeline);
    return pipeline;
}

static void parse_quietly(const char *file, const char *text, size_t len,
                          struct findings *findings)
{
    struct pipeline *pipeline = pipeline_parse(file, text, len, findings);
    assert_true((pipeline == NULL) == (findings->n > 0));
    pipeline_free(pipeline);
}

static const char example[] =
    "name: payments\n"
    "repository: /srv/git/payments\n"
    "base: develop\n"
    "agent:\n"
    "  command: ./agent.sh\n"
    "  env: {MODEL: small, EMPTY: '', COUNT: 007}\n"
    "plan: {mode: ask, command: ./plan.sh, timeout: 5m}\n"
    "setup:\n"
    "  - make deps\n"
    "validate:\n"
    "  - {name: unit tests (é), command: make test, timeout: 10m, retries: 1}\n"
    "  - {name: lint, command: [make, it quick, ''], allow_failure: true}\n"
    "  - run: |\n"
    "      make one\n"
    "      make two\n"
    "    continue-on-error: yes\n"
    "  - [make, a]\n"
    "evaluator: {command: ./judge.sh, timeout: 5m, retries: 2}\n"
    "merge: {mode: never, method: squash}\n"
    "limits: {iterations: 9, retries: 0, planning: 10m, coding: 2h, validation: 45,\n"
    "         cpu: 30m, memory: 2GiB, file_size: 1GB, processes: 512, network: false}\n"
    "budget: {attempts: 12, wall: 8h}\n";

static void test_every_field(void **state)
{
    (void)state;
    struct pipeline *p = parse_good(example);
    assert_string_equal(p->name, "payments");
    assert_string_equal(p->repository, "/srv/git/payments");
    assert_string_equal(p->base, "develop");
    assert_string_equal(p->agent.name, "agent");
    assert_string_equal(p->agent.text, "./agent.sh");
    assert_string_equal(p->agent.argv[0], "/bin/sh");
    assert_string_equal(p->agent.argv[1], "-c");
    assert_string_equal(p->agent.argv[2], "./agent.sh");
    assert_null(p->agent.argv[3]);
    assert_int_equal(p->agent.n_env, 3);
    assert_string_equal(p->agent.env[0].name, "MODEL");
    assert_string_equal(p->agent.env[0].value, "small");
    assert_string_equal(p->agent.env[1].value, "");
    assert_string_equal(p->agent.env[2].value, "007");
    assert_int_equal(p->plan_mode, PLAN_ASK);
    assert_string_equal(p->plan.name, "plan");
    assert_string_equal(p->plan.argv[2], "./plan.sh");
    assert_int_equal(p->plan.timeout.ms, 300000);
    assert_int_equal(p->n_setup, 1);
    assert_string_equal(p->setup[0].name, "make deps");
    assert_int_equal(p->n_checks, 4);
    assert_string_equal(p->checks[0].name, "unit tests (é)");
    assert_int_equal(p->checks[0].timeout.ms, 600000);
    assert_int_equal(p->checks[0].retries, 1);
    assert_false(p->checks[0].may_fail);
    assert_string_equal(p->checks[1].argv[0], "make");
    assert_string_equal(p->checks[1].argv[1], "it quick");
    assert_string_equal(p->checks[1].argv[2], "");
    assert_null(p->checks[1].argv[3]);
    assert_string_equal(p->checks[1].text, "make 'it quick' ''");
    assert_true(p->checks[1].may_fail);
    assert_string_equal(p->checks[2].name, "make one");
    assert_string_equal(p->checks[2].text, "make one\nmake two");
    assert_string_equal(p->checks[2].argv[2], "make one\nmake two\n");
    assert_true(p->checks[2].may_fail);
    assert_string_equal(p->checks[3].name, "make a");
    assert_string_equal(p->evaluator.name, "evaluator");
    assert_int_equal(p->evaluator.retries, 2);
    assert_int_equal(p->evaluator.timeout.ms, 300000);
    assert_int_equal(p->merge_mode, MERGE_NEVER);
    assert_int_equal(p->merge_method, METHOD_SQUASH);
    assert_int_equal(p->max_iterations, 9);
    assert_int_equal(p->max_retries, 0);
    assert_int_equal(p->planning.ms, 600000);
    assert_int_equal(p->coding.ms, 7200000);
    assert_int_equal(p->validation.ms, 45000);
    assert_int_equal(p->bounds.cpu.ms, 1800000);
    assert_int_equal(p->bounds.memory, INT64_C(2) << 30);
    assert_int_equal(p->bounds.file_size, 1000000000);
    assert_int_equal(p->bounds.processes, 512);
    assert_false(p->bounds.has_network);
    assert_int_equal(p->max_attempts, 12);
    assert_int_equal(p->max_wall.ms, 28800000);
    pipeline_free(p);
}

static void test_providers(void **state)
{
    (void)state;
    struct pipeline *p = parse_good(
        "name: p\n"
        "agent: {provider: codegen_api, backups: [codegen_eu, local], command: ./a}\n"
        "forge: {provider: github_api, repository: acme/pay.ments, checks: ignore,\n"
        "        clone: /srv/mirror, expected: [ci/build, lint], labels: [bot],\n"
        "        draft: true, update_branch: true}\n"
        "sandbox: grainchain\n"
        "evaluator: {provider: web_eval_agent, url: \"http://localhost:1\", task: look}\n"
        "validate: []\n");
    assert_string_equal(p->agent_chain.first, "codegen_api");
    assert_int_equal(p->agent_chain.n_backups, 2);
    assert_string_equal(p->agent_chain.backups[1], "local");
    assert_true(chain_has(&p->agent_chain, "local"));
    assert_false(chain_has(&p->sandbox_chain, "local"));
    assert_string_equal(p->sandbox_chain.first, "grainchain");
    assert_true(pipeline_is_remote(p));
    assert_string_equal(p->forge.repository, "acme/pay.ments");
    assert_string_equal(p->forge.clone, "/srv/mirror");
    assert_int_equal(p->forge.checks, FORGE_CHECKS_IGNORE);
    assert_int_equal(p->forge.n_expected, 2);
    assert_string_equal(p->forge.expected[0], "ci/build");
    assert_string_equal(p->forge.labels[0], "bot");
    assert_true(p->forge.is_draft && p->forge.updates_branch);
    assert_true(pipeline_has_evaluator(p));
    assert_null(p->evaluator.argv);
    pipeline_free(p);
    p = parse_good(MINIMAL);
    assert_string_equal(p->agent_chain.first, "local");
    assert_string_equal(p->forge.provider, "local");
    assert_false(pipeline_is_remote(p));
    assert_false(pipeline_has_evaluator(p));
    pipeline_free(p);
}

static void test_defaults(void **state)
{
    (void)state;
    struct pipeline *p = parse_good(MINIMAL);
    assert_string_equal(p->repository, "");
    assert_string_equal(p->base, "main");
    assert_int_equal(p->plan_mode, PLAN_AUTO);
    assert_null(p->plan.argv);
    assert_null(p->evaluator.argv);
    assert_int_equal(p->n_setup, 0);
    assert_int_equal(p->n_checks, 0);
    assert_int_equal(p->merge_mode, MERGE_AUTO);
    assert_int_equal(p->merge_method, METHOD_MERGE);
    assert_int_equal(p->max_iterations, 10);
    assert_int_equal(p->max_retries, 3);
    assert_int_equal(p->planning.ms, 1800000);
    assert_int_equal(p->coding.ms, 3600000);
    assert_int_equal(p->validation.ms, 1800000);
    assert_int_equal(p->bounds.cpu.ms, 0);
    assert_int_equal(p->bounds.memory, 0);
    assert_true(p->bounds.has_network);
    assert_int_equal(p->max_attempts, 0);
    assert_int_equal(p->max_wall.ms, 0);
    pipeline_free(p);
}

/* What people may write, and what it means. */
static void test_short_forms(void **state)
{
    (void)state;
    struct pipeline *p = parse_good(
        "\xEF\xBB\xBF%YAML 1.1\r\n---\r\n{\"name\": \"a.b_c-d 1\", agent: [./a, b],\r\n"
        "plan: ask, merge: ask, evaluator: true, repo: ~/x, branch: r/1.2,\r\n"
        "validate: [a, a, {command: a}], limits: {}, budget: {attempts: 0, wall: 0}}\r\n"
        "...\r\n");
    const char *home = getenv("HOME");
    AUTO_FREE char *repo = mem_printf("%s/x", home != NULL ? home : "");
    assert_string_equal(p->name, "a.b_c-d 1");
    assert_string_equal(p->agent.argv[0], "./a");
    assert_int_equal(p->plan_mode, PLAN_ASK);
    assert_int_equal(p->merge_mode, MERGE_ASK);
    assert_string_equal(p->evaluator.argv[2], "true");
    assert_string_equal(p->repository, repo);
    assert_string_equal(p->base, "r/1.2");
    assert_string_equal(p->checks[0].name, "a");
    assert_string_equal(p->checks[1].name, "a (2)");
    assert_string_equal(p->checks[2].name, "a (3)");
    pipeline_free(p);

    p = parse_good(
        "name: p\nagent: a\nvalidate:\n"
        "  - a very long command that goes on and on, and on, and then on again\n"
        "  - \"printf '\\e[31m\\u202Ered'\"\n");
    assert_int_equal(text_cells(p->checks[0].name, strlen(p->checks[0].name)), 40);
    assert_null(strchr(p->checks[1].name, '\x1b'));
    assert_non_null(strchr(p->checks[1].argv[2], '\x1b'));
    pipeline_free(p);
}

static void test_wrong_files(void **state)
{
    (void)state;
    size_t n = 0;
    setenv("HOME", "/home/somebody", 1);
    wrong_check("tests/unit/wrong/pipeline", parse_quietly, &n);
    assert_true(n >= 60);
}

static void test_every_shape_at_every_field(void **state)
{
    (void)state;
    size_t n = shape_check(pipeline_schema(), parse_quietly);
    assert_true(n > 1000);
}

/* Each row by itself: what other rows it needs is none of its business. */
static void parse_one_row(const char *file, const char *text, size_t len,
                          struct findings *findings)
{
    struct pipeline *pipeline = mem_alloc(sizeof(*pipeline));
    struct yaml_tree *tree = yaml_tree_parse(file, text, len, findings);
    schema_init(pipeline_schema(), pipeline);
    schema_decode(pipeline_schema(), file, NULL, tree, pipeline, findings);
    schema_fini(pipeline_schema(), pipeline);
    yaml_tree_free(tree);
    free(pipeline);
}

static void test_every_row(void **state)
{
    (void)state;
    shape_check_rows(pipeline_schema(), parse_one_row);
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    shape_check_cut(example, strlen(example), parse_quietly);
}

/* All 200 findings that are kept, the rest counted, and nothing lost in between. */
static void test_many_findings(void **state)
{
    (void)state;
    AUTO_BUF struct buf text;
    struct findings findings;
    buf_init(&text, PIPELINE_TEXT_MAX);
    buf_str(&text, MINIMAL);
    for (int i = 0; i < 1000; i++) {
        buf_printf(&text, "field%d: 1\n", i);
    }
    findings_init(&findings);
    assert_null(pipeline_parse("p", text.data, text.len, &findings));
    assert_int_equal(findings.n, FINDINGS_MAX);
    assert_int_equal(findings.n_dropped, 1000 - FINDINGS_MAX);
    findings_fini(&findings);
}

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } rows[] = {
        {"0",                   0                 },
        {"4096",                4096              },
        {"512MiB",              INT64_C(512) << 20},
        {"512 mib",             INT64_C(512) << 20},
        {"2GB",                 2000000000        },
        {"1kB",                 1000              },
        {"1K",                  1024              },
        {"3Gi",                 INT64_C(3) << 30  },
        {"1T",                  INT64_C(1) << 40  },
        {"9223372036854775807", -1                },
        {"9223372036854775806", INT64_MAX - 1     },
        {"8388608TiB",          -1                },
        {"",                    -1                },
        {"MiB",                 -1                },
        {"-1",                  -1                },
        {"1.5GiB",              -1                },
        {"1  GiB",              -1                },
        {"1PiB",                -1                },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t bytes = -1;
        assert_int_equal(bytes_parse(rows[i].text, &bytes), rows[i].bytes >= 0);
        assert_int_equal(bytes, rows[i].bytes);
    }
    char text[BYTES_TEXT_MAX];
    assert_string_equal(bytes_format(INT64_C(16) << 20, text), "16MiB");
    assert_string_equal(bytes_format(2000000000, text), "2GB");
    assert_string_equal(bytes_format(1537, text), "1537");
    assert_string_equal(bytes_format(0, text), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_providers),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_short_forms),
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_every_shape_at_every_field),
        cmocka_unit_test(test_every_row),
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_many_findings),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
