/* SPDX-License-Identifier: MIT */

/* signalbox handoff: what the next shift must know. */
#include "tui/handoff.h"
#include "engine/base/text.h"
#include "tui/cli/rows.h"

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct handoff handoff;
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, CLI_JSON_MAX);
    if (!reader_begin(cli->reader, &err)) {
        return cli_fail(&err);
    }
    bool is_read = handoff_read(cli->reader, cli->arena, wall_now(), &handoff, &err);
    reader_end(cli->reader);
    if (!is_read) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '{');
        handoff_json(&handoff, &w);
        jsonw_close(&w, '}');
        (void)buf_char(&out, '\n');
    } else {
        handoff_markdown(&handoff, &out);
    }
    (void)fwrite(out.data, 1, out.len, stdout); /* looked at when stdout is closed */
    return CLI_OK;
}

const struct cli_command cli_handoff = {
    .name = "handoff",
    .args = "",
    .access = ACCESS_READ,
    .help = "write down as Markdown what the next shift must know",
    .more =
        "Open incidents and problems with who has them, what waits for a decision or a "
        "person, silences, overrides and raised autonomy with their end, and changes "
        "that are still watched with their way back.",
    .run = run,
};
