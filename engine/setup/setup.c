/* SPDX-License-Identifier: MIT */
#include "engine/setup/setup.h"

#include <ctype.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/setup/probe.h"

#define TEXT_MAX       (64 * 1024)
#define NAME_MAX_CELLS 64

/* ---- GitHub ---- */

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* After the host: "acme/payments.git" or "acme/payments/". */
static char *owner_and_name(const char *path)
{
    size_t owner = 0;
    while (is_name_char(path[owner])) {
        owner++;
    }
    if (owner == 0 || path[owner] != '/') {
        return NULL;
    }
    size_t name = 0;
    while (is_name_char(path[owner + 1 + name])) {
        name++;
    }
    const char *rest = path + owner + 1 + name;
    if (name >= 4 && memcmp(rest - 4, ".git", 4) == 0) {
        name -= 4;
    }
    if (name == 0 || owner > 100 || name > 100 ||
        (*rest != '\0' && strcmp(rest, "/") != 0)) {
        return NULL;
    }
    return mem_strn(path, owner + 1 + name);
}

char *setup_github_name(const char *url)
{
    static const char *const schemes[] = {"https://", "http://", "ssh://", "git://"};
    const char *host = url;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(url, schemes[i], len) == 0) {
            host = url + len;
        }
    }
    size_t end = strcspn(host, "/:");
    const char *at = memchr(host, '@', strcspn(host, "/"));
    if (at != NULL) { /* a user, and perhaps a password, stand before it */
        host = at + 1;
        end = strcspn(host, "/:");
    }
    bool is_github = end == strlen("github.com") && strncmp(host, "github.com", end) == 0;
    return is_github && host[end] != '\0' ? owner_and_name(host + end + 1) : NULL;
}

/* ---- facts ---- */

static void say(struct setup *setup, const char *label, bool is_found, const char *text)
{
    char clean[400];
    (void)text_clean_into(clean, sizeof(clean), text);
    setup->facts[setup->n_facts++] = (struct setup_fact){
        .label = label, .value = mem_str(clean), .is_found = is_found};
}

static void say_what_was_found(struct setup *setup, const struct probe *probe)
{
    const struct probe_test *test = probe->test;
    say(setup, "repository", probe->top != NULL,
        probe->top != NULL ? probe->top
                           : "none found: start it in one, or name one with each task");
    if (probe->top != NULL) {
        AUTO_FREE char *how =
            test != NULL ? mem_printf("%s  (because of %s)", test->command, test->file)
                         : NULL;
        say(setup, "base branch", true, probe->branch);
        say(setup, "tests", test != NULL,
            how != NULL ? how : "none found: put your command into the pipeline");
        say(setup, "GitHub", probe->github != NULL,
            probe->github != NULL ? probe->github
                                  : "no remote there: branches and merges stay here");
    }
    if (probe->github != NULL) {
        AUTO_FREE char *from = probe->token_variable != NULL
                                   ? mem_printf("variable %s", probe->token_variable)
                               : probe->has_gh
                                   ? mem_str("gh auth token  (gh is logged in)")
                                   : NULL;
        say(setup, "GitHub token", from != NULL,
            from != NULL ? from : "none found: set GITHUB_TOKEN, or run 'gh auth login'");
    }
    say(setup, "agent", probe->agent != NULL,
        probe->agent != NULL ? probe->agent->program
                             : "none found: put yours in place of ./agent.sh");
    if (probe->others.len > 0) {
        say(setup, "also there", true, probe->others.data);
    }
}

/* ---- the files ---- */

/* In single quotes, as YAML 1.2 7.3.2 has it. The text holds no control character. */
static void put_quoted(struct buf *out, const char *text)
{
    (void)buf_char(out, '\'');
    for (; *text != '\0'; text++) {
        (void)buf_str(out, *text == '\'' ? "''" : (const char[]){*text, '\0'});
    }
    (void)buf_char(out, '\'');
}

static bool has_forge(const struct probe *probe)
{
    return probe->github != NULL && (probe->token_variable != NULL || probe->has_gh);
}

static char *config_text(const struct probe *probe)
{
    AUTO_BUF struct buf out;
    buf_init(&out, TEXT_MAX);
    (void)buf_str(&out,
                  "# Written by signalbox init. signalbox.yaml(5) explains every field.\n"
                  "# Shown in the top line; prod... looks like production.\n"
                  "environment: development\n"
                  "max_running: 4\n");
    if (has_forge(probe)) {
        (void)buf_str(&out, "services:\n  - name: github\n    kind: github\n    token: ");
        if (probe->token_variable != NULL) {
            (void)buf_printf(&out, "{env: %s}\n", probe->token_variable);
        } else {
            (void)buf_str(&out, "{command: [gh, auth, token]}\n");
        }
    }
    return buf_take(&out, NULL);
}

/* Letters, digits and . _ - of the folder's name. */
static char *pipeline_name(const char *top)
{
    const char *slash = strrchr(top, '/');
    const char *base = slash != NULL ? slash + 1 : top;
    char name[NAME_MAX_CELLS + 1];
    size_t n = 0;
    for (; *base != '\0' && n < NAME_MAX_CELLS; base++) {
        bool is_first_bad = n == 0 && !isalnum((unsigned char)*base);
        if (is_name_char(*base) && !is_first_bad) {
            name[n++] = *base;
        }
    }
    name[n] = '\0';
    return mem_str(n > 0 ? name : "main");
}

static void put_step(struct buf *out, const char *name, const char *command)
{
    (void)buf_printf(out, "  - name: %s\n    command: ", name);
    put_quoted(out, command);
    (void)buf_char(out, '\n');
}

static char *pipeline_text(const struct probe *probe, const char *name)
{
    AUTO_BUF struct buf out;
    buf_init(&out, TEXT_MAX);
    (void)buf_printf(
        &out,
        "# Written by signalbox init. signalbox.yaml(5) explains every field.\n"
        "name: %s\n",
        name);
    if (!has_forge(probe)) { /* else the forge says where it is */
        (void)buf_str(&out, "repository: ");
        put_quoted(&out, probe->top);
        (void)buf_char(&out, '\n');
    }
    (void)buf_str(&out, "base: ");
    put_quoted(&out, probe->branch);
    (void)buf_str(&out,
                  "\n# Gets the task on its standard input and edits the files of its "
                  "folder.\nagent: ");
    put_quoted(&out, probe->agent != NULL ? probe->agent->command : "./agent.sh");
    (void)buf_str(&out, "\nplan: auto\n");
    if (probe->test != NULL && probe->test->setup != NULL) {
        (void)buf_str(&out, "setup:\n");
        put_step(&out, "prepare", probe->test->setup);
    }
    if (probe->test != NULL) {
        (void)buf_str(&out, "validate:\n");
        put_step(&out, "tests", probe->test->command);
    } else {
        (void)buf_str(&out,
                      "# Nothing is checked yet, such as: [make test]\nvalidate: []\n");
    }
    if (has_forge(probe)) {
        (void)buf_printf(&out, "forge:\n  provider: github\n  repository: %s\n",
                         probe->github);
    }
    (void)buf_str(&out,
                  "# A validated change waits for your approval; auto merges at once.\n"
                  "merge: ask\n");
    return buf_take(&out, NULL);
}

struct setup *setup_new(const struct setup_world *world, const char *folder,
                        const char *config)
{
    struct setup *setup = mem_alloc(sizeof(*setup));
    struct probe probe;
    probe_look(&probe, world, folder);
    say_what_was_found(setup, &probe);
    setup->repository = mem_str(probe.top);
    setup->github = mem_str(probe.github);
    setup->files[SETUP_CONFIG] = (struct setup_file){
        mem_str(config), config_text(&probe), world->has_file(world->user, config)};
    if (probe.top != NULL) {
        AUTO_FREE char *name = pipeline_name(probe.top);
        char *path =
            mem_printf("%s/signalbox/pipelines/%s.yaml", world->config_home, name);
        setup->files[SETUP_PIPELINE] = (struct setup_file){
            path, pipeline_text(&probe, name), world->has_file(world->user, path)};
    }
    probe_fini(&probe);
    return setup;
}

void setup_free(struct setup *setup)
{
    if (setup == NULL) {
        return;
    }
    for (size_t i = 0; i < setup->n_facts; i++) {
        free(setup->facts[i].value);
    }
    for (size_t i = 0; i < SETUP_FILES; i++) {
        free(setup->files[i].path);
        free(setup->files[i].text);
    }
    free(setup->repository);
    free(setup->github);
    free(setup);
}

static bool is_missing(const struct setup_file *file)
{
    return file->path != NULL && !file->exists;
}

size_t setup_missing(const struct setup *setup)
{
    size_t n = 0;
    for (size_t i = 0; i < SETUP_FILES; i++) {
        n += is_missing(&setup->files[i]);
    }
    return n;
}

bool setup_write(const struct setup *setup, struct err *err)
{
    for (size_t i = 0; i < SETUP_FILES; i++) {
        const struct setup_file *file = &setup->files[i];
        if (!is_missing(file) || file_exists(file->path)) {
            continue; /* also one that came meanwhile is somebody's work */
        }
        const char *slash = strrchr(file->path, '/');
        AUTO_FREE char *folder =
            mem_strn(file->path, slash != NULL ? (size_t)(slash - file->path) : 0);
        if ((folder[0] != '\0' && !file_make_dirs(folder, err)) ||
            !file_write(file->path, file->text, strlen(file->text), err)) {
            return false;
        }
    }
    return true;
}
