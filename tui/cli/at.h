/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_AT_H
#define SIGNALBOX_CLI_AT_H

/* At: --at TIME of the commands that read, the store as it was then (store/past.h). */

#include "engine/base/json.h"
#include "store/past.h"
#include "tui/cli/cli.h"

#define AT_OPTION                                                                        \
    {                                                                                    \
        "at", 0, "TIME", "as it was then: " MOMENT_HELP                                  \
    }

struct at {
    bool is_past;
    struct wall now; /* for ages: then, or now */
    struct moment moment;
};

/* What --at says; with it cli->reader is opened and pinned until the end. Returns CLI_OK, or
 * the exit status when it is no moment, after a complaint. */
int at_begin(struct cli *cli, struct at *ret_at);
/* "as of 2026-11-22T03:12:00Z, after event #1204 (check-passed of wf-7)"; nothing when it is
 * now. */
void at_print(const struct at *at);
/* Member "as_of": {"at", "event"}; nothing when it is now. */
void at_json(const struct at *at, struct jsonw *w);

#endif
