/* SPDX-License-Identifier: MIT */

/* signalbox __run: the process that performs one local effect. The engine starts it. */
#include "engine/engine.h"
#include "tui/cli/rows.h"

static int run(struct cli *cli)
{
    return engine_run_effect(cli->args[0]);
}

const struct cli_command cli_run_effect = {
    .name = "__run",
    .args = "FOLDER",
    .min_args = 1,
    .max_args = 1,
    .access = ACCESS_NONE,
    .is_hidden = true,
    .help = "perform one effect",
    .more = "",
    .run = run,
};

static int hold(struct cli *cli)
{
    return engine_hold_sandbox(cli->args[0]);
}

const struct cli_command cli_hold_sandbox = {
    .name = "__hold",
    .args = "FOLDER",
    .min_args = 1,
    .max_args = 1,
    .access = ACCESS_NONE,
    .is_hidden = true,
    .help = "keep the bridge of a sandbox alive",
    .more = "",
    .run = hold,
};
