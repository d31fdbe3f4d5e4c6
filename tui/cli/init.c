/* SPDX-License-Identifier: MIT */

/* signalbox init: a configuration and a pipeline, made from what is found. */
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/setup/setup.h"
#include "tui/cli/rows.h"

static void print_json(const struct setup *setup, size_t n_written)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "repository", setup->repository);
    jsonw_str(&w, "github", setup->github);
    jsonw_open(&w, "facts", '[');
    for (size_t i = 0; i < setup->n_facts; i++) {
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "label", setup->facts[i].label);
        jsonw_str(&w, "value", setup->facts[i].value);
        jsonw_bool(&w, "is_found", setup->facts[i].is_found);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_open(&w, "files", '[');
    for (size_t i = 0; i < SETUP_FILES && setup->files[i].path != NULL; i++) {
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "path", setup->files[i].path);
        jsonw_bool(&w, "exists", setup->files[i].exists);
        jsonw_str(&w, "text", setup->files[i].text);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    jsonw_int(&w, "written", (int64_t)n_written);
    jsonw_close(&w, '}');
    puts(out.data);
}

static void print_text(const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        AUTO_FREE char *line = mem_strn(text, len);
        fputs("    ", stdout);
        cli_print_clean(stdout, line);
        fputc('\n', stdout);
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}

static void print_setup(const struct setup *setup)
{
    for (size_t i = 0; i < setup->n_facts; i++) {
        printf("%-13s %c ", setup->facts[i].label, setup->facts[i].is_found ? '+' : '-');
        cli_print_clean(stdout, setup->facts[i].value);
        fputc('\n', stdout);
    }
    for (size_t i = 0; i < SETUP_FILES && setup->files[i].path != NULL; i++) {
        fputc('\n', stdout);
        cli_print_clean(stdout, setup->files[i].path);
        puts(setup->files[i].exists ? ": is there already, and stays as it is" : ":");
        if (!setup->files[i].exists) {
            print_text(setup->files[i].text);
        }
    }
}

/* A line from a person at a terminal. */
static bool is_confirmed(size_t n)
{
    char line[16] = "";
    printf("\nWrite %s? Type yes: ", n == 1 ? "this file" : "these files");
    (void)fflush(stdout);
    return fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "yes\n") == 0;
}

static int finish(struct cli *cli, const struct setup *setup)
{
    struct err err = ERR_INIT;
    size_t n = setup_missing(setup);
    bool is_json = cli_has(cli, "json");
    if (!is_json) {
        print_setup(setup);
    }
    bool writes = n > 0 && !cli_has(cli, "print");
    if (writes && !cli_has(cli, "yes") && !is_confirmed(n)) {
        puts("Nothing was written.");
        return CLI_FAILURE;
    }
    if (writes && !setup_write(setup, &err)) {
        return cli_fail(&err);
    }
    if (is_json) {
        print_json(setup, writes ? n : 0);
    } else if (n == 0) {
        puts("\nNothing to write.");
    } else if (writes) {
        puts("\nWritten. 'signalbox' starts the console, 'signalbox submit' takes a "
             "task.");
    }
    return CLI_OK;
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    if (cli_has(cli, "read-only") && !cli_has(cli, "print")) {
        (void)err_set(&err, ERR_REFUSED, "init: refused, read-only");
        return cli_fail(&err);
    }
    bool is_asked = cli_has(cli, "yes") || cli_has(cli, "print");
    if (!is_asked && (cli_has(cli, "json") || !isatty(STDIN_FILENO))) {
        return cli_complain(cli, "nobody is there to confirm; say --print or --yes");
    }
    AUTO_FREE char *folder = file_real(cli->n_args > 0 ? cli->args[0] : ".", &err);
    if (folder == NULL) {
        return cli_fail(&err);
    }
    AUTO_FREE char *config_dir = file_config_dir();
    AUTO_FREE char *usual = file_join(config_dir, "signalbox.yaml");
    const char *config = cli_value(cli, "config");
    struct setup_world world;
    setup_world_real(&world);
    struct setup *setup = setup_new(&world, folder, config != NULL ? config : usual);
    int status = finish(cli, setup);
    setup_free(setup);
    setup_world_fini(&world);
    return status;
}

static const struct cli_option options[] = {
    {"print", 0, NULL, "show what would be written, and write nothing"},
    {"yes",   0, NULL, "write without asking"},
    {0      },
};

const struct cli_command cli_init_command = {
    .name = "init",
    .args = "[FOLDER]",
    .min_args = 0,
    .max_args = 1,
    .options = options,
    .access = ACCESS_NONE,
    .help = "write a configuration and a pipeline for the repository you are in",
    .more =
        "It looks for the git repository, how it is tested, its remote on GitHub, where "
        "a "
        "token could come from and which agent is installed, shows the files it would "
        "write and asks. Files that exist are left as they are. No program is run, and "
        "of "
        "a variable nothing is read but whether it is set.",
    .run = run,
};
