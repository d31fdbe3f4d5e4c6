/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_INSIGHT_H
#define SIGNALBOX_CLI_INSIGHT_H

/*
 * Insight, on the command line: what `bottlenecks` and `patterns` have in common.
 */

#include "tui/cli/cli.h"
#include "tui/insight.h"

#define INSIGHT_OPTIONS                                                                  \
    {"repo", 'r', "TEXT", "only repositories with this in their name"},                  \
        {"pipeline", 'p', "TEXT", "only pipelines with this in their name"},             \
        {"since", 's', "LENGTH", "only what was submitted in the last LENGTH, like 7d"}, \
        {"runs", 'n', "N", "at most N workflows, the newest (3000)"},                    \
    {                                                                                    \
        0                                                                                \
    }

/* All recorded runs of the store that is open; list borrowed until runs_free. False with err. */
NODISCARD bool insight_read_runs(struct cli *cli, struct runs **ret_runs,
                                 struct run_list *ret_list, struct err *err);
/* What the options ask for. False with err. */
NODISCARD bool insight_read(struct cli *cli, struct insight *ret_insight,
                            struct err *err);
/* "1,832 workflows ended since 2026-11-01, ..." as a line. */
void insight_print_head(const struct insight *insight);

#endif
