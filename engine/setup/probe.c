/* SPDX-License-Identifier: MIT */
#include "engine/setup/probe.h"

#include <ctype.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define DEPTH_MAX 64 /* folders above the one that is looked at */

static char *read_in(const struct setup_world *world, const char *folder,
                     const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/%s", folder, name);
    return world->read(world->user, path);
}

static bool has_in(const struct setup_world *world, const char *folder, const char *name)
{
    AUTO_FREE char *path = mem_printf("%s/%s", folder, name);
    return world->has_file(world->user, path);
}

/* ---- git ---- */

/* The folder itself, or the next one above it, that has a .git. NULL: none. */
static char *find_top(const struct setup_world *world, const char *folder)
{
    size_t len = strlen(folder);
    for (int i = 0; i < DEPTH_MAX && len > 0 && folder[0] == '/'; i++) {
        char *at = mem_strn(folder, len);
        if (has_in(world, at, ".git")) {
            return at;
        }
        free(at);
        while (len > 0 && folder[len - 1] != '/') {
            len--;
        }
        len -= len > 0 ? 1 : 0;
    }
    return NULL;
}

static void cut_line(char *text)
{
    text[strcspn(text, "\r\n")] = '\0';
}

/* Where the repository keeps its own files: .git, or what it points to (gitrepository-layout(5)):
 * a work tree has HEAD in one folder, and the configuration in another. */
static void find_git_folders(const struct setup_world *world, const char *top,
                             char **ret_own, char **ret_common)
{
    AUTO_FREE char *pointer = read_in(world, top, ".git");
    *ret_own = mem_printf("%s/.git", top);
    if (pointer != NULL && strncmp(pointer, "gitdir: ", 8) == 0) {
        cut_line(pointer);
        free(*ret_own);
        *ret_own = pointer[8] == '/' ? mem_str(pointer + 8)
                                     : mem_printf("%s/%s", top, pointer + 8);
    }
    AUTO_FREE char *common = read_in(world, *ret_own, "commondir");
    if (common == NULL) {
        *ret_common = mem_str(*ret_own);
        return;
    }
    cut_line(common);
    *ret_common =
        common[0] == '/' ? mem_str(common) : mem_printf("%s/%s", *ret_own, common);
}

/* Branch names go into a file: letters, digits and a few signs only. */
static char *branch_of(const struct setup_world *world, const char *git)
{
    AUTO_FREE char *head = read_in(world, git, "HEAD");
    static const char start[] = "ref: refs/heads/";
    if (head == NULL || strncmp(head, start, strlen(start)) != 0) {
        return mem_str("main");
    }
    cut_line(head);
    const char *name = head + strlen(start);
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                              "0123456789._-/");
    return len > 0 && name[len] == '\0' && len < 200 ? mem_str(name) : mem_str("main");
}

/* Value of `url` in the section of remote origin (git-config(1), CONFIGURATION FILE). */
static char *github_of(const struct setup_world *world, const char *common)
{
    AUTO_FREE char *config = read_in(world, common, "config");
    bool is_origin = false;
    char *state = NULL;
    char *line = config != NULL ? strtok_r(config, "\r\n", &state) : NULL;
    for (; line != NULL; line = strtok_r(NULL, "\r\n", &state)) {
        line += strspn(line, " \t");
        if (line[0] == '[') {
            is_origin = strncmp(line, "[remote \"origin\"]", 17) == 0;
        } else if (is_origin && strncmp(line, "url", 3) == 0) {
            line += 3 + strspn(line + 3, " \t");
            if (*line == '=') {
                line += 1 + strspn(line + 1, " \t");
                return setup_github_name(line);
            }
        }
    }
    return NULL;
}

/* ---- tests ---- */

static bool always(const char *text)
{
    (void)text;
    return true;
}

/* Is there a rule "target:" in a makefile? */
static bool has_target(const char *text, const char *target)
{
    size_t len = strlen(target);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, target, len) == 0) {
            const char *rest = line + len + strspn(line + len, " \t");
            if (rest[0] == ':' && rest[1] != '=') {
                return true;
            }
        }
    }
    return false;
}

static bool has_target_test(const char *text)
{
    return has_target(text, "test");
}

static bool has_target_check(const char *text)
{
    return has_target(text, "check");
}

/* npm init writes a test that does nothing but fail. */
static bool has_script_test(const char *text)
{
    struct err err = ERR_INIT;
    struct json *json = json_parse(text, strlen(text), &err);
    const char *test = json_str(json_get(json, "scripts"), "test", "");
    bool is_one = test[0] != '\0' && strstr(test, "no test specified") == NULL;
    json_free(json);
    return is_one;
}

static bool names_pytest(const char *text)
{
    return strstr(text, "pytest") != NULL;
}

/* The first that holds. `beside` must be there as well, when it is given. */
static const struct {
    struct probe_test test;
    bool (*is_it)(const char *text);
    const char *beside;
} tests[] = {
    {{"Makefile", NULL, "make test"},                                 has_target_test,  NULL               },
    {{"GNUmakefile", NULL, "make test"},                              has_target_test,  NULL               },
    {{"makefile", NULL, "make test"},                                 has_target_test,  NULL               },
    {{"Makefile", NULL, "make check"},                                has_target_check, NULL               },
    {{"GNUmakefile", NULL, "make check"},                             has_target_check, NULL               },
    {{"makefile", NULL, "make check"},                                has_target_check, NULL               },
    {{"package.json", "pnpm install --frozen-lockfile", "pnpm test"},
     has_script_test,                                                                   "pnpm-lock.yaml"   },
    {{"package.json", "yarn install --frozen-lockfile", "yarn test"},
     has_script_test,                                                                   "yarn.lock"        },
    {{"package.json", "npm ci", "npm test"},                          has_script_test,  "package-lock.json"},
    {{"package.json", "npm install", "npm test"},                     has_script_test,  NULL               },
    {{"Cargo.toml", NULL, "cargo test"},                              always,           NULL               },
    {{"go.mod", NULL, "go test ./..."},                               always,           NULL               },
    {{"pytest.ini", NULL, "python3 -m pytest"},                       always,           NULL               },
    {{"conftest.py", NULL, "python3 -m pytest"},                      always,           NULL               },
    {{"pyproject.toml", NULL, "python3 -m pytest"},                   names_pytest,     NULL               },
    {{"setup.cfg", NULL, "python3 -m pytest"},                        names_pytest,     NULL               },
    {{"tox.ini", NULL, "python3 -m pytest"},                          names_pytest,     NULL               },
    {{"meson.build", "meson setup build", "meson test -C build"},     always,           NULL               },
    {{"CMakeLists.txt", "cmake -S . -B build && cmake --build build",
      "ctest --test-dir build --output-on-failure"},
     always,                                                                            NULL               },
};

static const struct probe_test *find_test(const struct setup_world *world,
                                          const char *top)
{
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        AUTO_FREE char *text = read_in(world, top, tests[i].test.file);
        bool has_beside = tests[i].beside == NULL || has_in(world, top, tests[i].beside);
        if (text != NULL && has_beside && tests[i].is_it(text)) {
            return &tests[i].test;
        }
    }
    return NULL;
}

/* ---- agents and credentials ---- */

static const struct probe_agent agents[] = {
    {"claude", "claude -p --permission-mode acceptEdits"},
    {"codex",  "codex exec --full-auto -"               },
};

static const char *const token_variables[] = {"GITHUB_TOKEN", "GH_TOKEN"};
static const char *const other_variables[] = {"CODEGEN_API_TOKEN", "DAYTONA_API_KEY",
                                              "E2B_API_KEY"};

static void find_credentials(struct probe *probe, const struct setup_world *world)
{
    for (size_t i = 0; i < ARRAY_LEN(token_variables); i++) {
        if (probe->token_variable == NULL &&
            world->has_variable(world->user, token_variables[i])) {
            probe->token_variable = token_variables[i];
        }
    }
    AUTO_FREE char *hosts = mem_printf("%s/gh/hosts.yml", world->config_home);
    probe->has_gh =
        world->has_program(world->user, "gh") && world->has_file(world->user, hosts);
    for (size_t i = 0; i < ARRAY_LEN(other_variables); i++) {
        if (world->has_variable(world->user, other_variables[i])) {
            (void)buf_printf(&probe->others, "%svariable %s",
                             probe->others.len > 0 ? ", " : "", other_variables[i]);
        }
    }
}

static bool is_writable_text(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7F) {
            return false;
        }
    }
    return text_is_utf8(text, strlen(text));
}

void probe_look(struct probe *probe, const struct setup_world *world, const char *folder)
{
    *probe = (struct probe){0};
    buf_init(&probe->others, 1000);
    probe->top = find_top(world, folder);
    if (probe->top != NULL && !is_writable_text(probe->top)) {
        free(probe->top); /* a name that no file could hold */
        probe->top = NULL;
    }
    if (probe->top != NULL) {
        AUTO_FREE char *own = NULL;
        AUTO_FREE char *common = NULL;
        find_git_folders(world, probe->top, &own, &common);
        probe->branch = branch_of(world, own);
        probe->github = github_of(world, common);
        probe->test = find_test(world, probe->top);
    }
    for (size_t i = 0; i < ARRAY_LEN(agents) && probe->agent == NULL; i++) {
        if (world->has_program(world->user, agents[i].program)) {
            probe->agent = &agents[i];
        }
    }
    find_credentials(probe, world);
}

void probe_fini(struct probe *probe)
{
    free(probe->top);
    free(probe->branch);
    free(probe->github);
    buf_fini(&probe->others);
}
