/* SPDX-License-Identifier: MIT */

/* signalbox patterns: what distinguishes workflows that pass from those that do not. */
#include <math.h>

#include "tui/cli/columns.h"
#include "tui/cli/insight.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"

static void write_row(struct jsonw *w, const void *user)
{
    const struct insight_pattern *one = user;
    const struct success_row *row = &one->row;
    jsonw_str(w, "what", one->what);
    jsonw_str(w, "of", insight_success_word(one->of));
    jsonw_int(w, "n", row->n);
    jsonw_num(w, "share", row->share.value);
    jsonw_num(w, "low", row->share.low);
    jsonw_num(w, "high", row->share.high);
    jsonw_num(w, "others", row->others);
    jsonw_num(w, "lift", row->lift);
    jsonw_num(w, "p", row->p);
}

static void print_people(struct cli *cli, const struct insight *insight)
{
    static const struct column titles[] = {
        {"WITH",   false, true },
        {"PASSED", false, false},
        {"SHARE",  false, false},
        {"OTHERS", true,  false},
        {"RUNS",   true,  false},
        {"P",      true,  false},
    };
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < insight->n_patterns; i++) {
        const struct success_row *row = &insight->patterns[i].row;
        columns_cell(table, "%s", insight->patterns[i].what);
        columns_cell(table, "%s", insight_success_word(insight->patterns[i].of));
        columns_cell(table, "%.0f%% (%.0f to %.0f)", 100 * row->share.value,
                     100 * row->share.low, 100 * row->share.high);
        columns_cell(table, "%.0f%%", 100 * row->others);
        columns_cell(table, "%lld", (long long)row->n);
        columns_cell(table, "%.1g", row->p);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct insight insight;
    if (!insight_read(cli, &insight, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < insight.n_patterns; i++) {
            recovery_print_json(write_row, &insight.patterns[i]);
        }
        return CLI_OK;
    }
    if (!cli_has(cli, "plain")) {
        insight_print_head(&insight);
    }
    if (insight.n_patterns > 0) {
        print_people(cli, &insight);
    } else if (!cli_has(cli, "plain") && insight.n_runs > 0) {
        puts("nothing distinguishes those that pass beyond what chance explains");
    }
    return CLI_OK;
}

static const struct cli_option options[] = {INSIGHT_OPTIONS};

const struct cli_command cli_patterns = {
    .name = "patterns",
    .args = "",
    .options = options,
    .access = ACCESS_READ,
    .help = "list what distinguishes workflows that pass",
    .more =
        "Of the workflows that have ended, those WITH something in common (one thing or "
        "two) are compared with the others: which SHARE of them PASSED, with its 90 % "
        "interval, and which of the OTHERS. PASSED is completed (without a human), first "
        "(completed in its first iteration) or merge (the base was good after it). P is "
        "the "
        "chance of such a difference by accident, corrected for how many were tried "
        "(Fisher's exact test; Benjamini and Hochberg); what is above 0.05, or fewer "
        "than "
        "25 runs, is not listed.",
    .run = run,
};
