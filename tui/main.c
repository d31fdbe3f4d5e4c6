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

#include "engine/control/config.h"
#include "tui/cli/cli.h"
#include "tui/console.h"
#include "tui/host.h"

/* In the console process. */
static int run_console_body(void *user)
{
    const struct cli *cli = user;
    struct err err = ERR_INIT;
    struct console_options options = {
        .config = cli->config,
        .is_ascii = cli_has(cli, "ascii"),
        .is_read_only = cli_has(cli, "read-only"),
        .view = cli_value(cli, "view"),
    };
    switch (console_run(&options, &err)) {
    case CONSOLE_QUIT:
        return CLI_OK;
    case CONSOLE_HANGUP:
    case CONSOLE_SIGNAL:
        return HOST_LOST;
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
    return host_run(cli->config, run_console_body, cli);
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
    cli_init(&cli);
    /* C cannot pass char ** where const char *const * is read; a copy of the pointers
     * can. */
    const char **words = arena_array(cli.arena, (size_t)argc + 1, sizeof(words[0]));
    for (int i = 0; i < argc; i++) {
        words[i] = argv[i];
    }
    int status = cli_close_output(run_program(&cli, argc, words));
    cli_fini(&cli);
    return status;
}
