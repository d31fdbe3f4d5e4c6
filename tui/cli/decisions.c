/* SPDX-License-Identifier: MIT */

/* signalbox decisions: choices, who made them, and how they turned out. */
#include "store/store.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"

static void write_decision(struct jsonw *w, const void *row)
{
    case_write_decision(w, row);
}

static void print_people(struct cli *cli, const struct decision_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"ID",     true,  false},
        {"AGE",    true,  false},
        {"KIND",   false, false},
        {"FOR",    false, false},
        {"CHOICE", false, false},
        {"BY",     false, false},
        {"SURE",   true,  false},
        {"ENDED",  false, false},
        {"WHY",    false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct decision_row *row = &rows[i];
        char age[CLOCK_TEXT_MAX], id[CASE_ID_MAX];
        columns_cell(table, "%s", case_id(CASE_DECISION, row->id, id));
        columns_cell(table, "%s", span_format(wall_since(now, row->at), age));
        columns_cell(table, "%s", decision_word(row->kind));
        columns_cell(table, "%s", row->subject);
        columns_cell(table, "%s", row->choice);
        columns_cell(table, "%s", decider_word(row->decider));
        columns_cell(table, "%.0f%%", row->confidence * 100);
        columns_cell(table, "%s", verdict_word(row->verdict));
        columns_cell(table, "%s", row->reason);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct recovery_query query;
    const struct decision_row *rows;
    size_t n = 0;
    if (!recovery_parse_query(cli, CASE_DECISION, &query, &err)) {
        return cli_fail(&err);
    }
    query.is_open = cli_has(cli, "open");
    if (!reader_decisions(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < n; i++) {
            recovery_print_json(write_decision, &rows[i]);
        }
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_people(cli, rows, n);
    } else {
        puts("no decision matches");
    }
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"open", 'o', NULL, "only those of which it is not known how they turn out"},
    RECOVERY_OPTIONS_BUT_ALL,
};

const struct cli_command cli_decisions = {
    .name = "decisions",
    .args = "",
    .options = options,
    .access = ACCESS_READ,
    .help = "list what was decided, why, and how it turned out",
    .more =
        "SURE is how likely the choice was the best of those allowed. ENDED: open, good, "
        "bad or unclear. 'signalbox why d-12' shows the ranking behind it.",
    .run = run,
};
