/* SPDX-License-Identifier: MIT */

/* signalbox recoveries: rungs of the ladder that were tried, and how they ended. */
#include "store/store.h"
#include "tui/case_text.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"

static void write_recovery(struct jsonw *w, const void *row)
{
    case_write_recovery(w, row);
}

static const char *subject_of(const struct recovery_row *row, char text[CASE_ID_MAX])
{
    return row->workflow != 0  ? case_id(CASE_WORKFLOW, row->workflow, text)
           : row->problem != 0 ? case_id(CASE_PROBLEM, row->problem, text)
                               : row->service;
}

static void print_people(struct cli *cli, const struct recovery_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"ID",      true,  false},
        {"STATUS",  false, false},
        {"RUNG",    false, false},
        {"FOR",     false, false},
        {"FAILURE", true,  false},
        {"ODDS",    false, false},
        {"BY",      false, false},
        {"AGE",     true,  false},
        {"WHAT",    false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct recovery_row *row = &rows[i];
        char age[CLOCK_TEXT_MAX], id[CASE_ID_MAX], odds[CASE_ODDS_MAX];
        columns_cell(table, "%s", case_id(CASE_RECOVERY, row->id, id));
        columns_cell(table, "%s", recovery_status_word(row->status));
        columns_cell(table, "%d. %s", row->number, rung_word(row->rung));
        columns_cell(table, "%s", subject_of(row, id));
        columns_cell(table, "%s", case_id(CASE_FAILURE, row->failure, id));
        columns_cell(table, "%s",
                     case_odds(row->odds, row->odds_low, row->odds_high, odds));
        columns_cell(table, "%s", decider_word(row->decider));
        columns_cell(table, "%s", span_format(wall_since(now, row->asked_at), age));
        columns_cell(table, "%s", row->outcome[0] != '\0' ? row->outcome : row->expected);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct recovery_query query;
    const struct recovery_row *rows;
    size_t n = 0;
    if (!recovery_parse_query(cli, CASE_RECOVERY, &query, &err) ||
        !reader_recoveries(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < n; i++) {
            recovery_print_json(write_recovery, &rows[i]);
        }
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_people(cli, rows, n);
    } else {
        puts(cli_has(cli, "all") ? "no recovery matches" : "no recovery is under way");
    }
    return CLI_OK;
}

static const struct cli_option options[] = {RECOVERY_OPTIONS};

const struct cli_command cli_recoveries = {
    .name = "recoveries",
    .args = "",
    .options = options,
    .access = ACCESS_READ,
    .help = "list what is being done about failures",
    .more =
        "A recovery is one rung of the ladder, tried once: ODDS are what was believed of "
        "it when it was chosen, with the 90 % interval; WHAT is how it ended, else what "
        "is looked for. Asked: it waits for a person.",
    .run = run,
};
