/* SPDX-License-Identifier: MIT */

/* signalbox failures: what did not work, and what becomes of it. */
#include <string.h>

#include "store/store.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"

static void write_failure(struct jsonw *w, const void *row)
{
    case_write_failure(w, row);
}

static void write_problem(struct jsonw *w, const void *row)
{
    case_write_problem(w, row);
}

static void print_failures(struct cli *cli, const struct failure_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"ID",     true,  false},
        {"STATUS", false, false},
        {"CLASS",  false, false},
        {"SURE",   true,  false},
        {"FOR",    false, false},
        {"STEP",   false, false},
        {"RUNGS",  true,  false},
        {"AGE",    true,  false},
        {"WHAT",   false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct failure_row *row = &rows[i];
        char age[CLOCK_TEXT_MAX], id[CASE_ID_MAX];
        columns_cell(table, "%s", case_id(CASE_FAILURE, row->id, id));
        columns_cell(table, "%s", failure_status_word(row->status));
        columns_cell(table, "%s%s", class_word(row->class_),
                     row->is_flaky && row->class_ != CLASS_FLAKY ? " (flaky)" : "");
        columns_cell(table, "%.0f%%", row->confidence * 100);
        columns_cell(table, "%s", case_id(CASE_WORKFLOW, row->workflow, id));
        columns_cell(table, "%s", row->step[0] != '\0' ? row->step : row->provider);
        columns_cell(table, "%d", row->n_rungs);
        columns_cell(table, "%s", span_format(wall_since(now, row->at), age));
        columns_cell(table, "%s", row->text);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static void print_problems(struct cli *cli, const struct problem_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"ID",        true,  false},
        {"STATUS",    false, false},
        {"CLASS",     false, false},
        {"CAUSE",     false, false},
        {"FAILURES",  true,  false},
        {"WORKFLOWS", true,  false},
        {"RUNG",      false, false},
        {"SINCE",     true,  false},
        {"WHAT",      false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct problem_row *row = &rows[i];
        char age[CLOCK_TEXT_MAX], id[CASE_ID_MAX];
        columns_cell(table, "%s", case_id(CASE_PROBLEM, row->id, id));
        columns_cell(table, "%s", wall_is_set(row->closed_at) ? "closed" : "open");
        columns_cell(table, "%s", class_word(row->class_));
        columns_cell(table, "%s", row->cause);
        columns_cell(table, "%lld", (long long)row->n_failures);
        columns_cell(table, "%lld", (long long)row->n_workflows);
        columns_cell(table, "%s",
                     (unsigned)row->rung < RUNG_COUNT ? rung_word(row->rung) : "");
        columns_cell(table, "%s", span_format(wall_since(now, row->opened_at), age));
        columns_cell(table, "%s", row->text);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int list_problems(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct recovery_query query;
    const struct problem_row *rows;
    size_t n = 0;
    if (!recovery_parse_query(cli, CASE_PROBLEM, &query, &err) ||
        !reader_problems(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    for (size_t i = 0; cli_has(cli, "json") && i < n; i++) {
        recovery_print_json(write_problem, &rows[i]);
    }
    if (cli_has(cli, "json")) {
        return CLI_OK;
    }
    if (n > 0 || cli_has(cli, "plain")) {
        print_problems(cli, rows, n);
    } else {
        puts(cli_has(cli, "all") ? "no problem so far" : "no problem is open");
    }
    return CLI_OK;
}

/* One line above the table: how it stands. */
static int print_totals(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct recovery_totals totals;
    int64_t settled[FAILURE_STATUS_COUNT];
    struct wall day = {wall_now().ms - 86400000};
    if (!reader_recovery_totals(cli->reader, &totals, &err) ||
        !reader_settled_since(cli->reader, day, settled, &err)) {
        return cli_fail(&err);
    }
    int64_t all = settled[FAILURE_RECOVERED] + settled[FAILURE_HELPED] +
                  settled[FAILURE_LOST] + totals.by_status[FAILURE_ESCALATED];
    printf("%lld recovering, %lld waiting for you, %lld recovered in 24h",
           (long long)totals.by_status[FAILURE_OPEN],
           (long long)totals.by_status[FAILURE_ESCALATED] + (long long)totals.n_asked,
           (long long)settled[FAILURE_RECOVERED]);
    if (all > 0) {
        printf(" (%.0f%%)", 100.0 * (double)settled[FAILURE_RECOVERED] / (double)all);
    }
    printf("%s\n",
           totals.n_problems_open > 0 ? "; problems are open, see --problems" : "");
    return CLI_OK;
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct recovery_query query;
    const struct failure_row *rows;
    size_t n = 0;
    if (cli_has(cli, "problems")) {
        return list_problems(cli);
    }
    if (!recovery_parse_query(cli, CASE_FAILURE, &query, &err) ||
        !reader_failures(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    for (size_t i = 0; cli_has(cli, "json") && i < n; i++) {
        recovery_print_json(write_failure, &rows[i]);
    }
    if (cli_has(cli, "json")) {
        return CLI_OK;
    }
    if (!cli_has(cli, "plain")) {
        int status = print_totals(cli);
        if (status != CLI_OK) {
            return status;
        }
    }
    if (n > 0 || cli_has(cli, "plain")) {
        print_failures(cli, rows, n);
    } else {
        puts(cli_has(cli, "all") ? "no failure matches" : "no failure is open");
    }
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"problems", 'p', NULL, "list problems instead: causes of many failures"},
    RECOVERY_OPTIONS,
};

const struct cli_command cli_failures = {
    .name = "failures",
    .args = "",
    .options = options,
    .access = ACCESS_READ,
    .help = "list what failed and is not settled yet, with its class",
    .more = "Open: being recovered. Escalated: waits for a person. RUNGS counts what was "
            "tried so far. 'signalbox why f-12' tells one whole.",
    .run = run,
};
