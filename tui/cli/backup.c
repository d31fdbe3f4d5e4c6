/* SPDX-License-Identifier: MIT */

/* signalbox backup: a consistent copy of the store, also while an engine runs. */
#include <sys/stat.h>

#include "engine/base/json.h"
#include "store/store.h"
#include "tui/cli/rows.h"

static int run(struct cli *cli)
{
    const char *copy = cli->args[0];
    struct err err = ERR_INIT;
    struct stat info = {0};
    if (!store_backup(cli->store, copy, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "verify") && !store_verify(copy, &err)) {
        err_wrap(&err, "the copy %s", copy);
        return cli_fail(&err);
    }
    (void)stat(copy, &info); /* for the message only */
    if (cli_has(cli, "json")) {
        struct buf AUTO_BUF out = {0};
        struct jsonw w;
        buf_init(&out, CLI_JSON_MAX);
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "store", cli->store);
        jsonw_str(&w, "copy", copy);
        jsonw_int(&w, "bytes", (int64_t)info.st_size);
        jsonw_close(&w, '}');
        puts(out.data);
    } else {
        printf("%s: %lld bytes\n", copy, (long long)info.st_size);
    }
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"verify", 0, NULL, "read the copy back and check it"},
    {0   },
};

const struct cli_command cli_backup = {
    .name = "backup",
    .args = "FILE",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .access = ACCESS_CONFIG,
    .help = "copy the store into FILE while everything goes on",
    .more = "The copy is the state of one moment. A file that exists is not overwritten. "
            "Logs "
            "and worktrees are not part of it.",
    .run = run,
};
