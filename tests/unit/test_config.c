/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/yaml.h"
#include "engine/control/config.h"
#include "engine/workflow/pipeline.h"
#include "engine/workflow/schema.h"
#include "tests/lib/shape.h"
#include "tests/lib/wrong.h"

/* A home of its own for each test, so that nothing of the person who runs it is read. */
static int set_up(void **state)
{
    char folder[] = "/tmp/signalbox-config.XXXXXX";
    struct err err = ERR_INIT;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    char *home = file_real(folder, &err);
    if (home == NULL) {
        return -1;
    }
    setenv("HOME", home, 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_DATA_HOME");
    *state = home;
    return 0;
}

static int tear_down(void **state)
{
    AUTO_FREE char *home = *state;
    struct err err = ERR_INIT;
    return file_remove_tree(home, &err) ? 0 : -1;
}

static void put(const char *home, const char *name, const char *text)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(home, name);
    AUTO_FREE char *folder = mem_strn(path, (size_t)(strrchr(path, '/') - path));
    assert_true(file_make_dirs(folder, &err));
    assert_true(file_write(path, text, strlen(text), &err));
}

static void assert_at(const char *path, const char *home, const char *rest)
{
    AUTO_FREE char *expected = mem_printf("%s%s", home, rest);
    assert_string_equal(path, expected);
}

static void assert_defaults(const struct config *c, const char *home)
{
    assert_string_equal(c->environment, "");
    assert_at(c->store, home, "/.local/state/signalbox/signalbox.db");
    assert_int_equal(c->n_pipeline_dirs, 1);
    assert_at(c->pipeline_dirs[0], home, "/.config/signalbox/pipelines");
    assert_int_equal(c->max_running, 50);
    assert_int_equal(c->on_hangup, HANGUP_CONTINUE);
    assert_int_equal(c->log_max_bytes, INT64_C(16) << 20);
    assert_int_equal(c->log_keep.ms, INT64_C(30) * 86400000);
    assert_int_equal(c->history_keep.ms, INT64_C(90) * 86400000);
    assert_int_equal(c->backoff.ms, 5000);
    assert_int_equal(c->backoff_max.ms, 300000);
    assert_string_equal(c->theme, "dark");
    assert_string_equal(c->keys, "");
    assert_int_equal(c->ascii, ASCII_AUTO);
    assert_false(c->has_mouse);
}

static struct config *load(const char *path, const char *expected_finding)
{
    struct findings findings;
    findings_init(&findings);
    struct config *config = config_load(path, &findings);
    assert_true((config == NULL) == (findings.n > 0));
    if (expected_finding == NULL && findings.n > 0) {
        fail_msg("%s:%d: %s: %s", findings.rows[0].file, findings.rows[0].line,
                 findings.rows[0].field, findings.rows[0].text);
    }
    if (expected_finding != NULL) {
        assert_int_equal(findings.n, 1);
        assert_string_equal(findings.rows[0].text, expected_finding);
    }
    findings_fini(&findings);
    return config;
}

static void test_defaults(void **state)
{
    struct config *config = config_default();
    assert_defaults(config, *state);
    config_free(config);
    config_free(NULL);
    config = load(NULL, NULL); /* no file at the usual place */
    assert_defaults(config, *state);
    config_free(config);
    put(*state, ".config/signalbox/signalbox.yaml", "# all as usual\n");
    config = load(NULL, NULL);
    assert_defaults(config, *state);
    config_free(config);
}

static void test_every_field(void **state)
{
    const char *home = *state;
    put(home, "etc/conf.yaml",
        "environment: production\n"
        "max_running: 7\n"
        "store: ../var/box.db\n"
        "pipelines: [pipes, ./more, ~/mine, $HOME/yours, /srv/pipes]\n"
        "on_hangup: drain\n"
        "logs: {max_bytes: 1MiB, keep: 2d}\n"
        "history: {keep: 3d}\n"
        "recovery: {backoff: 250ms, backoff_max: 1m}\n"
        "console: {theme: ./my.theme, ascii: always, mouse: on, keys: my.keys}\n");
    AUTO_FREE char *path = file_join(home, "etc/conf.yaml");
    struct config *c = load(path, NULL);
    assert_string_equal(c->environment, "production");
    assert_true(config_is_production(c));
    assert_string_equal(config_theme(c), c->theme);
    assert_int_equal(c->max_running, 7);
    assert_at(c->store, home, "/etc/../var/box.db");
    assert_int_equal(c->n_pipeline_dirs, 5);
    assert_at(c->pipeline_dirs[0], home, "/etc/pipes");
    assert_at(c->pipeline_dirs[1], home, "/etc/more");
    assert_at(c->pipeline_dirs[2], home, "/mine");
    assert_at(c->pipeline_dirs[3], home, "/yours");
    assert_string_equal(c->pipeline_dirs[4], "/srv/pipes");
    assert_int_equal(c->on_hangup, HANGUP_DRAIN);
    assert_int_equal(c->log_max_bytes, 1 << 20);
    assert_int_equal(c->log_keep.ms, 2 * 86400000);
    assert_int_equal(c->history_keep.ms, 3 * 86400000);
    assert_int_equal(c->backoff.ms, 250);
    assert_int_equal(c->backoff_max.ms, 60000);
    assert_at(c->theme, home, "/etc/my.theme");
    assert_int_equal(c->ascii, ASCII_ALWAYS);
    assert_true(c->has_mouse);
    assert_at(c->keys, home, "/etc/my.keys");
    config_free(c);
    /* Only paths are expanded. */
    put(home, "etc/conf.yaml",
        "environment: $HOME\nconsole: {theme: mono}\npipelines: []\n");
    c = load(path, NULL);
    assert_string_equal(c->environment, "$HOME");
    assert_string_equal(c->theme, "mono");
    assert_int_equal(c->n_pipeline_dirs, 0);
    config_free(c);
}

static void test_unreadable(void **state)
{
    const char *home = *state;
    AUTO_FREE char *path = file_join(home, "none.yaml");
    assert_null(load(path, "cannot be read: No such file or directory"));
    assert_null(load(home, "cannot be read: Is a directory"));
    put(home, "none.yaml", "max_running: 1\n");
    assert_int_equal(chmod(path, 0), 0);
    if (geteuid() != 0) {
        assert_null(load(path, "cannot be read: Permission denied"));
    }
    AUTO_FREE char *large = mem_alloc(YAML_TEXT_MAX + 2);
    memset(large, '#', YAML_TEXT_MAX + 1);
    put(home, "none.yaml", large);
    assert_null(load(path, "cannot be read; expected at most 262144 bytes"));
    /* A wrong file at the usual place is not passed over. */
    put(home, ".config/signalbox/signalbox.yaml", "max_running: none\n");
    assert_null(load(NULL, "'none' is no whole number; expected 1 to 100000"));
}

static void assert_found(const struct config *config, const char *name, const char *repo,
                         const char *expected)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = config_find_pipeline(config, name, repo, &err);
    if (path == NULL) {
        fail_msg("%s", err.msg);
    } else {
        assert_string_equal(path, expected);
    }
}

static void test_find_pipeline(void **state)
{
    const char *home = *state;
    put(home, "one/a.yaml", "");
    put(home, "one/b.yml", "");
    put(home, "two/a.yaml", "");
    put(home, "two/c.yaml", "");
    put(home, "repo/.signalbox/c.yaml", "");
    put(home, "repo/.signalbox/d.yaml", "");
    put(home, "conf.yaml", "pipelines: [one, two]\n");
    AUTO_FREE char *path = file_join(home, "conf.yaml");
    AUTO_FREE char *repo = file_join(home, "repo");
    AUTO_FREE char *a = file_join(home, "one/a.yaml");
    AUTO_FREE char *b = file_join(home, "one/b.yml");
    AUTO_FREE char *c = file_join(home, "two/c.yaml");
    AUTO_FREE char *d = file_join(home, "repo/.signalbox/d.yaml");
    struct config *config = load(path, NULL);
    assert_found(config, "a", NULL, a);
    assert_found(config, "b", repo, b);
    assert_found(config, "c", repo, c);
    assert_found(config, "d", repo, d);
    assert_found(config, "x.yaml", repo, "x.yaml");
    assert_found(config, "x.yml", repo, "x.yml");
    assert_found(config, "sub/x", repo, "sub/x");
    struct err err = ERR_INIT;
    assert_null(config_find_pipeline(config, "d", NULL, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    AUTO_FREE char *message = mem_printf(
        "no pipeline 'd'; looked for d.yaml and d.yml in %s/one, %s/two", home, home);
    assert_string_equal(err.msg, message);
    assert_null(config_find_pipeline(config, "", repo, &err));
    assert_null(config_find_pipeline(config, "\x1b[31m", repo, &err));
    assert_null(strchr(err.msg, '\x1b'));
    config_free(config);
}

static void parse_quietly(const char *file, const char *text, size_t len,
                          struct findings *findings)
{
    struct config *config = config_parse(file, text, len, findings);
    assert_true((config == NULL) == (findings->n > 0));
    config_free(config);
}

static void test_wrong_files(void **state)
{
    (void)state;
    size_t n = 0;
    wrong_check("tests/unit/wrong/config", parse_quietly, &n);
    assert_true(n >= 15);
}

static struct config *parse_good(const char *text)
{
    struct findings findings;
    findings_init(&findings);
    struct config *config = config_parse("p", text, strlen(text), &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_message("# %s\n", line);
    }
    findings_fini(&findings);
    assert_non_null(config);
    return config;
}

static void test_services(void **state)
{
    (void)state;
    struct config *c = parse_good(
        "services:\n"
        "  - {name: codegen_api, kind: codegen, organization: 42,\n"
        "     token: {env: CODEGEN_API_TOKEN}, breaker: {failures: 7}}\n"
        "  - {name: codegen_eu, kind: codegen, organization: 42, url: "
        "\"https://eu.test/\",\n"
        "     token: {file: /run/eu.token}, limits: {creates: 3, creates_per: 10s}}\n"
        "  - {name: github_api, kind: github, token: {command: [gh, auth, token]},\n"
        "     mesh: {headers: true, envoy: \"http://127.0.0.1:9901\"}}\n"
        "  - {name: grainchain, kind: grainchain, command: [python3, bridge.py], "
        "provider: local}\n"
        "  - {name: web_eval_agent, kind: web_eval, command: webEvalAgent, message_max: "
        "1MiB,\n"
        "     env: {OPERATIVE_API_KEY: \"${OPERATIVE_API_KEY}\"}}\n"
        "listener:\n"
        "  port: 9350\n"
        "  webhook_secrets: [{env: A}, {file: /run/b}]\n"
        "  token: {env: T}\n"
        "  origins: [\"https://ops.example.com\"]\n");
    assert_int_equal(c->n_services, 5);
    const struct service_spec *s = c->services;
    assert_string_equal(s[0].url, "https://api.codegen.com");
    assert_string_equal(s[0].token.env, "CODEGEN_API_TOKEN");
    assert_int_equal(s[0].gate.breaker.failures, 7);
    assert_int_equal(s[0].gate.breaker.open.ms, 60000);
    assert_int_equal(s[0].gate.rate, 60);
    assert_int_equal(s[0].gate.rate_time.ms, 30000);
    assert_int_equal(s[0].gate.create_rate, 10);
    assert_string_equal(s[1].url, "https://eu.test");
    assert_int_equal(s[1].gate.breaker.failures, 5);
    assert_int_equal(s[1].gate.create_rate, 3);
    assert_int_equal(s[1].gate.create_time.ms, 10000);
    assert_int_equal(s[2].gate.breaker.failures, 3);
    assert_int_equal(s[2].gate.breaker.open.ms, 30000);
    assert_int_equal(s[2].gate.write_pause.ms, 1000);
    assert_string_equal(s[2].token.command.argv[0], "gh");
    assert_true(s[2].mesh.sends_headers);
    assert_int_equal(s[3].gate.breaker.open.ms, 90000);
    assert_string_equal(s[3].command.argv[1], "bridge.py");
    assert_int_equal(s[4].gate.breaker.failures, 2);
    assert_int_equal(s[4].gate.breaker.open.ms, 120000);
    assert_int_equal(s[4].message_max, 1 << 20);
    assert_string_equal(s[4].env[0].name, "OPERATIVE_API_KEY");
    assert_int_equal(c->listener.port, 9350);
    assert_string_equal(c->listener.address, "127.0.0.1");
    assert_int_equal(c->listener.n_secrets, 2);
    assert_string_equal(c->listener.secrets[0].env, "A");
    assert_string_equal(c->listener.secrets[1].file, "/run/b");
    assert_int_equal(c->listener.body_max, 25000000);
    assert_non_null(service_find(s, 5, "grainchain"));
    assert_null(service_find(s, 5, "local"));
    config_free(c);
    c = parse_good("max_running: 3\n");
    assert_int_equal(c->n_services, 0);
    assert_int_equal(c->listener.port, 0);
    config_free(c);
}

static void test_every_shape_at_every_field(void **state)
{
    (void)state;
    assert_true(shape_check(config_schema(), parse_quietly) > 1000);
}

/* Each row by itself: how it fits to others is none of its business. */
static void parse_one_row(const char *file, const char *text, size_t len,
                          struct findings *findings)
{
    struct config *config = config_default();
    struct yaml_tree *tree = yaml_tree_parse(file, text, len, findings);
    schema_decode(config_schema(), file, "/", tree, config, findings);
    yaml_tree_free(tree);
    config_free(config);
}

static void test_every_row(void **state)
{
    (void)state;
    shape_check_rows(config_schema(), parse_one_row);
}

/* What the manual shows works: each example is a pipeline or a configuration. */
static void test_examples_of_the_manual(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    AUTO_FREE char *page = NULL;
    size_t len = 0, n = 0;
    assert_true(file_read("man/signalbox.yaml.5.in", 1 << 20, &page, &len, &err));
    const char *at = strstr(page, "\n.Sh EXAMPLES\n");
    const char *end = strstr(page, "\n.Sh DIAGNOSTICS\n");
    assert_non_null(at);
    assert_non_null(end);
    while ((at = strstr(at, "\n.Bd ")) != NULL && at < end) {
        const char *text = strchr(at + 1, '\n') + 1;
        const char *stop = strstr(text, ".Ed\n");
        struct findings findings;
        assert_non_null(stop);
        findings_init(&findings);
        struct pipeline *pipeline =
            pipeline_parse("example", text, (size_t)(stop - text), &findings);
        if (pipeline == NULL && strncmp(text, "name:", 5) != 0) {
            findings_fini(&findings);
            config_free(config_parse("example", text, (size_t)(stop - text), &findings));
        }
        for (size_t i = 0; i < findings.n; i++) {
            print_message("# %d: %s: %s\n", findings.rows[i].line, findings.rows[i].field,
                          findings.rows[i].text);
        }
        assert_true(findings_is_empty(&findings));
        pipeline_free(pipeline);
        findings_fini(&findings);
        at = stop;
        n++;
    }
    assert_true(n >= 4);
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    static const char text[] = "store: /a\n"
                               "pipelines: [\"b\\x41\", ~/c]\n"
                               "logs:\n"
                               "  max_bytes: 16MiB\n"
                               "console: {theme: dark, mouse: false}\n";
    shape_check_cut(text, strlen(text), parse_quietly);
}

static void an_environment_has_a_look(void **state)
{
    static const struct {
        const char *environment, *theme;
        bool is_production;
    } rows[] = {
        {"Prod-eu",   "high-contrast", true },
        {"live",      "dark",          true },
        {"liver-lab", "dark",          false},
        {"staging",   "light",         true },
        {"",          "dark",          false},
        {"test",      "dark",          false},
    };
    const char *home = *state;
    AUTO_FREE char *path = file_join(home, "etc/conf.yaml");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *text =
            mem_printf("environment: '%s'\nconsole:\n  environments:\n"
                       "    - {match: 'prod*', theme: high-contrast}\n"
                       "    - {match: 'STAG*', theme: light, production: always}\n"
                       "    - {match: 'staging', theme: mono, production: never}\n"
                       "    - {match: 'liver*', production: never}\n",
                       rows[i].environment);
        put(home, "etc/conf.yaml", text);
        struct config *c = load(path, NULL);
        assert_string_equal(config_theme(c), rows[i].theme);
        assert_int_equal(config_is_production(c), rows[i].is_production);
        config_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_environment_has_a_look, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unreadable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_find_pipeline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_services, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_shape_at_every_field, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_every_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_examples_of_the_manual, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cut_at_every_byte, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
