/* SPDX-License-Identifier: MIT */
#include "engine/setup/setup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/control/config.h"
#include "engine/workflow/pipeline.h"

/* A machine of a test: files with their text; variables and programs by name. */
#define THINGS_MAX 12
struct machine {
    struct {
        const char *path, *text;
    } files[THINGS_MAX];
    const char *variables[THINGS_MAX], *programs[THINGS_MAX];
};

static const char *find(const struct machine *machine, const char *path)
{
    for (size_t i = 0; i < THINGS_MAX && machine->files[i].path != NULL; i++) {
        if (strcmp(machine->files[i].path, path) == 0) {
            return machine->files[i].text;
        }
    }
    return NULL;
}

static char *read_it(void *user, const char *path)
{
    const char *text = find(user, path);
    return text != NULL && strcmp(text, "/") != 0 ? mem_str(text) : NULL;
}

static bool has_it(void *user, const char *path)
{
    return find(user, path) != NULL;
}

static bool is_in(const char *const *names, const char *name)
{
    for (size_t i = 0; i < THINGS_MAX && names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_variable(void *user, const char *name)
{
    return is_in(((const struct machine *)user)->variables, name);
}

static bool has_program(void *user, const char *name)
{
    return is_in(((const struct machine *)user)->programs, name);
}

static struct setup *look(const struct machine *machine, const char *folder)
{
    struct setup_world world = {.read = read_it,
                                .has_file = has_it,
                                .has_variable = has_variable,
                                .has_program = has_program,
                                .config_home = "/home/ada/.config",
                                .user = (void *)(uintptr_t)machine};
    return setup_new(&world, folder, "/home/ada/.config/signalbox/signalbox.yaml");
}

static const char *value_of(const struct setup *setup, const char *label)
{
    for (size_t i = 0; i < setup->n_facts; i++) {
        if (strcmp(setup->facts[i].label, label) == 0) {
            return setup->facts[i].value;
        }
    }
    return NULL;
}

/* What is proposed is read as it was meant. */
static struct pipeline *read_files(const struct setup *setup)
{
    struct findings findings;
    findings_init(&findings);
    const struct setup_file *file = &setup->files[SETUP_CONFIG];
    struct config *config =
        config_parse(file->path, file->text, strlen(file->text), &findings);
    struct pipeline *pipeline = NULL;
    file = &setup->files[SETUP_PIPELINE];
    if (file->path != NULL) {
        pipeline = pipeline_parse(file->path, file->text, strlen(file->text), &findings);
    }
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_error("%s\n%s\n", line, file->text != NULL ? file->text : "");
    }
    assert_int_equal(findings.n, 0);
    assert_non_null(config);
    config_free(config);
    findings_fini(&findings);
    return pipeline;
}

static void a_repository_on_github_is_found_from_below(void **state)
{
    static const struct machine machine = {
        .files = {{"/srv/pay/.git", "/"},
                  {"/srv/pay/.git/HEAD", "ref: refs/heads/trunk\n"},
                  {"/srv/pay/.git/config",
                   "[core]\n\turl = no\n[remote \"up\"]\n\turl = x\n[remote \"origin\"]\n"
                   "\turl = https://ada:SECRET@github.com/acme/payments.git\n"},
                  {"/srv/pay/Makefile", "all:\n\ttest:\ncheck : all\n"},
                  {"/home/ada/.config/gh/hosts.yml", "github.com:\n"}},
        .variables = {"E2B_API_KEY", "GH_TOKEN"},
        .programs = {"gh",                                         "codex"                          },
    };
    (void)state;
    struct setup *setup = look(&machine, "/srv/pay/src/deep");
    assert_string_equal(setup->repository, "/srv/pay");
    assert_string_equal(setup->github, "acme/payments");
    assert_string_equal(value_of(setup, "base branch"), "trunk");
    assert_string_equal(value_of(setup, "tests"), "make check  (because of Makefile)");
    assert_string_equal(value_of(setup, "also there"), "variable E2B_API_KEY");
    assert_string_equal(setup->files[SETUP_PIPELINE].path,
                        "/home/ada/.config/signalbox/pipelines/pay.yaml");
    assert_int_equal(setup_missing(setup), 2);
    for (size_t i = 0; i < SETUP_FILES; i++) {
        assert_null(strstr(setup->files[i].text, "SECRET"));
    }
    struct pipeline *pipeline = read_files(setup);
    assert_string_equal(pipeline->name, "pay");
    assert_string_equal(pipeline->base, "trunk");
    assert_string_equal(pipeline->forge.provider, "github");
    assert_string_equal(pipeline->forge.repository, "acme/payments");
    assert_int_equal(pipeline->merge_mode, MERGE_ASK);
    assert_string_equal(value_of(setup, "GitHub token"), "variable GH_TOKEN");
    assert_non_null(strstr(setup->files[SETUP_CONFIG].text, "token: {env: GH_TOKEN}"));
    pipeline_free(pipeline);
    setup_free(setup);
}

static void what_a_work_tree_points_to_is_followed(void **state)
{
    static const struct machine machine = {
        .files = {{"/w/it's.here/.git", "gitdir: /srv/main/.git/worktrees/w\n"},
                  {"/srv/main/.git/worktrees/w/commondir", "../..\n"},
                  {"/srv/main/.git/worktrees/w/HEAD", "ref: refs/heads/feat/x\n"},
                  {"/srv/main/.git/worktrees/w/../../config",
                   "[remote \"origin\"]\nurl=git@github.com:acme/pay\n"}},
        .variables = {"GITHUB_TOKEN_OLD"},
    };
    (void)state;
    struct setup *setup = look(&machine, "/w/it's.here");
    assert_string_equal(setup->github, "acme/pay");
    assert_string_equal(value_of(setup, "base branch"), "feat/x");
    assert_non_null(strstr(value_of(setup, "GitHub token"), "none found"));
    struct pipeline *pipeline = read_files(setup);
    assert_string_equal(pipeline->name, "its.here");
    assert_string_equal(pipeline->repository, "/w/it's.here");
    pipeline_free(pipeline);
    setup_free(setup);
}

static void each_way_to_test_is_known(void **state)
{
    static const struct {
        const char *file, *text, *beside, *command;
    } rows[] = {
        {"Makefile",       "test: all\n",                                                  NULL,             "make test"          },
        {"GNUmakefile",    "check:\ntest:\n",                                              NULL,             "make test"          },
        {"Makefile",       "test := no\ncheck:\n",                                         NULL,             "make check"         },
        {"Makefile",       "tests:\n",                                                     NULL,             NULL                 },
        {"package.json",   "{\"scripts\": {\"test\": \"jest\"}}",                          NULL,             "npm test"           },
        {"package.json",   "{\"scripts\": {\"test\": \"jest\"}}",                          "yarn.lock",      "yarn test"          },
        {"package.json",   "{\"scripts\": {\"test\": \"jest\"}}",                          "pnpm-lock.yaml",
         "pnpm test"                                                                                                              },
        {"package.json",
         "{\"scripts\": {\"test\": \"echo \\\"Error: no test specified\\\" && exit 1\"}}", NULL,             NULL                 },
        {"package.json",   "{ broken",                                                     NULL,             NULL                 },
        {"Cargo.toml",     "[package]\n",                                                  NULL,             "cargo test"         },
        {"go.mod",         "module x\n",                                                   NULL,             "go test ./..."      },
        {"pyproject.toml", "[tool.pytest.ini_options]\n",                                  NULL,             "python3 -m pytest"  },
        {"pyproject.toml", "[project]\n",                                                  NULL,             NULL                 },
        {"conftest.py",    "",                                                             NULL,             "python3 -m pytest"  },
        {"meson.build",    "project('x')\n",                                               NULL,             "meson test -C build"},
        {"CMakeLists.txt", "project(x)\n",                                                 NULL,
         "ctest --test-dir build --output-on-failure"                                                                             },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *file = mem_printf("/r/%s", rows[i].file);
        AUTO_FREE char *beside =
            rows[i].beside != NULL ? mem_printf("/r/%s", rows[i].beside) : NULL;
        struct machine machine = {
            .files = {{"/r/.git", "/"}, {file, rows[i].text}, {beside, ""}}
        };
        struct setup *setup = look(&machine, "/r");
        struct pipeline *pipeline = read_files(setup);
        if (rows[i].command == NULL) {
            assert_int_equal(pipeline->n_checks, 0);
        } else {
            assert_int_equal(pipeline->n_checks, 1);
            assert_string_equal(pipeline->checks[0].text, rows[i].command);
        }
        pipeline_free(pipeline);
        setup_free(setup);
    }
}

static void nothing_found_is_said_and_still_starts(void **state)
{
    static const struct machine machine = {
        .files = {{"/home/ada/.config/signalbox/signalbox.yaml", ""}}};
    (void)state;
    struct setup *setup = look(&machine, "/tmp");
    assert_null(setup->repository);
    assert_null(setup->files[SETUP_PIPELINE].path);
    assert_true(setup->files[SETUP_CONFIG].exists);
    assert_int_equal(setup_missing(setup), 0);
    assert_non_null(strstr(value_of(setup, "repository"), "none found"));
    assert_null(read_files(setup));
    setup_free(setup);
    setup_free(NULL);
}

static void names_that_no_file_can_hold_are_left(void **state)
{
    static const struct machine machine = {.files = {{"/a\nb/.git", "/"}}};
    (void)state;
    struct setup *setup = look(&machine, "/a\nb");
    assert_null(setup->repository);
    setup_free(setup);
    static const struct machine odd = {
        .files = {{"/--- #/.git", "/"}, {"/--- #/.git/HEAD", "ref: refs/heads/$(x)\n"}}
    };
    setup = look(&odd, "/--- #");
    struct pipeline *pipeline = read_files(setup);
    assert_string_equal(pipeline->name, "main");
    assert_string_equal(pipeline->base, "main");
    pipeline_free(pipeline);
    setup_free(setup);
}

static void only_github_is_taken_for_github(void **state)
{
    static const struct {
        const char *url, *name;
    } rows[] = {
        {"https://github.com/acme/pay.git",        "acme/pay"},
        {"https://github.com/acme/pay/",           "acme/pay"},
        {"git@github.com:acme/pay.git",            "acme/pay"},
        {"ssh://git@github.com/acme/pay",          "acme/pay"},
        {"https://u:p@github.com/acme/.git",       NULL      },
        {"https://github.com.evil.org/acme/pay",   NULL      },
        {"https://evil.org/github.com/acme/pay",   NULL      },
        {"https://evil.org/x@github.com/acme/pay", NULL      },
        {"https://github.com/acme",                NULL      },
        {"https://github.com/acme/pay;rm",         NULL      },
        {"https://github.com/acme/pay/tree/x",     NULL      },
        {"github.com",                             NULL      },
        {"",                                       NULL      },
        {"/srv/git/pay",                           NULL      },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_FREE char *name = setup_github_name(rows[i].url);
        if (rows[i].name == NULL) {
            assert_null(name);
        } else {
            assert_non_null(name);
            assert_string_equal(name, rows[i].name);
        }
    }
}

static void what_exists_is_never_written(void **state)
{
    char folder[] = "/tmp/signalbox-setup.XXXXXX";
    struct err err = ERR_INIT;
    (void)state;
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *config = mem_printf("%s/new/signalbox.yaml", folder);
    struct setup_world world;
    setup_world_real(&world);
    struct setup *setup = setup_new(&world, folder, config);
    assert_false(setup->files[SETUP_CONFIG].exists);
    assert_true(setup_write(setup, &err));
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    assert_true(file_read(config, 65536, &text, &len, &err));
    assert_string_equal(text, setup->files[SETUP_CONFIG].text);
    assert_true(file_write(config, "mine", 4, &err)); /* came meanwhile */
    assert_true(setup_write(setup, &err));
    free(text);
    text = NULL;
    assert_true(file_read(config, 65536, &text, &len, &err));
    assert_string_equal(text, "mine");
    setup_free(setup);
    setup_world_fini(&world);
    assert_true(file_remove_tree(folder, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repository_on_github_is_found_from_below),
        cmocka_unit_test(what_a_work_tree_points_to_is_followed),
        cmocka_unit_test(each_way_to_test_is_known),
        cmocka_unit_test(nothing_found_is_said_and_still_starts),
        cmocka_unit_test(names_that_no_file_can_hold_are_left),
        cmocka_unit_test(only_github_is_taken_for_github),
        cmocka_unit_test(what_exists_is_never_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
