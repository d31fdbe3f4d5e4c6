/* SPDX-License-Identifier: MIT */

/* signalbox serve: the engine alone, in the foreground. */
#include <unistd.h>

#include "tui/cli/rows.h"
#include "tui/headless.h"

static int run(struct cli *cli)
{
    if (cli_has(cli, "read-only")) {
        return cli_complain(cli,
                            "--read-only is for the console and for single commands");
    }
    bool is_service = getenv("NOTIFY_SOCKET") != NULL || getenv("INVOCATION_ID") != NULL;
    bool is_verbose = cli_has(cli, "verbose") || (!is_service && !cli_has(cli, "quiet"));
    return headless_serve(cli->config, is_verbose, cli_has(cli, "json"));
}

static const struct cli_option options[] = {
    {"verbose", 'v', NULL, "a line for each transition, also under a service manager"},
    {"quiet",     'q', NULL, "no lines"},
    {0        },
};

const struct cli_command cli_serve = {
    .name = "serve",
    .args = "",
    .options = options,
    .access = ACCESS_CONFIG,
    .help = "run the engine alone, for a service manager",
    .more =
        "Ends cleanly on SIGTERM and SIGINT; what runs goes on under its runners and is "
        "taken up by the next engine. SIGHUP is ignored. Refuses to start when another "
        "engine has the store.",
    .run = run,
};
