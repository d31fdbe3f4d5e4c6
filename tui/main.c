/* SPDX-License-Identifier: MIT */

/*
 * signalbox: the map of the program.
 *
 *   main.c            reads the command line, then is one of four things:
 *
 *   a subcommand      tui/cli/NAME.c, one row of the table in tui/cli/commands.c. It reads
 *                     the store (store/store.h), or writes one command row into it, rings
 *                     the bell (store/bell.h) and waits for the engine's answer.
 *   the console       no subcommand: tui/host.c forks into guardian, console (tui/console.h:
 *                     ui and feed threads) and, when none runs for this store, engine.
 *   the engine alone  `serve`, for a service manager: the same loop as the console's engine.
 *   a runner          `__run FOLDER`, started by the engine for each local effect: performs
 *                     it, outlives the engine, leaves the outcome in FOLDER.
 *
 * Nothing here talks to the engine directly: front ends and engine meet in the store.
 *
 *   tui/ -> engine/engine.h, store/ -> engine/base/        (includes point down only)
 */
#include <locale.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/control/config.h"
#include "tui/cli/cli.h"
#include "tui/cli/linear.h"
#include "tui/console.h"
#include "tui/host.h"

/* Neither a configuration nor a store: somebody begins, and is asked once. */
static bool is_first_run(const struct cli *cli)
{
    AUTO_FREE char *folder = file_config_dir();
    AUTO_FREE char *config = file_join(folder, "signalbox.yaml");
    return cli_value(cli, "config") == NULL && cli->is_new_store && !file_exists(config);
}

/* In the console process. */
static int run_console_body(void *user)
{
    const struct cli *cli = user;
    struct err err = ERR_INIT;
    if (cli_has(cli, "linear")) {
        return linear_run(user);
    }
    struct console_options options = {
        .config = cli->config,
        .is_ascii = cli_has(cli, "ascii"),
        .is_read_only = cli_has(cli, "read-only"),
        .view = cli_value(cli, "view"),
        .is_first_run = is_first_run(cli),
    };
    switch (console_run(&options, &err)) {
    case CONSOLE_QUIT:
        return CLI_OK;
    case CONSOLE_HANGUP:
    case CONSOLE_SIGNAL:
        return HOST_LOST;
    case CONSOLE_AGAIN:
        return HOST_AGAIN;
    case CONSOLE_FAILED:
        return cli_fail(&err);
    }
    return CLI_FAILURE;
}

static int run_console(struct cli *cli)
{
    int status = cli_open_config(cli);
    if (status != CLI_OK) {
        return status;
    }
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        return cli_complain(cli, "the console needs a terminal; without one there are "
                                 "'signalbox serve', 'status' and 'list'");
    }
    cli->is_new_store = !file_exists(cli->store); /* before an engine makes it */
    return host_run(cli->config, run_console_body, cli);
}

/* The program anew, with the configuration that is there now. */
static int start_again(char *argv[])
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (len > 0) {
        path[len] = '\0';
        (void)execv(path, argv); /* returns only when it fails */
    }
    puts("The configuration is written; start signalbox again.");
    return CLI_OK;
}

static int run_program(struct cli *cli, int argc, const char *const argv[])
{
    struct err err = ERR_INIT;
    if (!cli_parse(cli, argc, argv, &err)) {
        return cli_complain(cli, "%s", err.msg);
    }
    if (cli_has(cli, "help")) {
        cli_print_help(stdout, cli->command);
        return CLI_OK;
    }
    if (cli_has(cli, "version")) {
        cli->command = cli_find_command("version");
    }
    if (cli->command == NULL) {
        return run_console(cli);
    }
    return cli_run(cli);
}

int main(int argc, char *argv[])
{
    struct cli cli;
    /* Only LC_CTYPE: numbers and messages must not depend on who runs it. */
    (void)setlocale(LC_CTYPE, ""); /* NOLINT(concurrency-mt-unsafe): the only thread */
    mem_set_up();
    cli_init(&cli);
    /* C cannot pass char ** where const char *const * is read; a copy of the pointers
     * can. */
    const char **words = arena_array(cli.arena, (size_t)argc + 1, sizeof(words[0]));
    for (int i = 0; i < argc; i++) {
        words[i] = argv[i];
    }
    int status = run_program(&cli, argc, words);
    bool is_again = status == HOST_START_AGAIN;
    status = cli_close_output(is_again ? CLI_OK : status);
    cli_fini(&cli);
    return is_again ? start_again(argv) : status;
}
