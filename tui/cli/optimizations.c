/* SPDX-License-Identifier: MIT */

/* signalbox optimizations: settings that were found to run better, and what became of them. */
#include "store/store.h"
#include "tui/cli/card.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"
#include "tui/widget/look.h"

static int show_replay(struct cli *cli, const struct optimization_row *row)
{
    struct err err = ERR_INIT;
    struct card_list lines;
    char id[CASE_ID_MAX];
    if (!card_replay(cli, NULL, row, &lines, &err)) {
        return cli_fail(&err);
    }
    card_print_replay(cli, case_id(CASE_OPTIMIZATION, row->id, id), &lines);
    return CLI_OK;
}

static int show_one(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct optimization_row row;
    int64_t id = 0;
    if (!recovery_parse_id(cli->args[0], CASE_OPTIMIZATION, &id, &err)) {
        return cli_fail(&err);
    }
    enum found found = reader_optimization(cli->reader, cli->arena, id, &row, &err);
    if (found == MISSING) {
        (void)err_set(&err, ERR_NOT_FOUND, "there is no o-%lld, or not any more",
                      (long long)id);
    }
    if (found != FOUND) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "dry-run")) {
        return show_replay(cli, &row);
    }
    if (cli_has(cli, "json")) {
        recovery_print_json(card_write_optimization, &row);
        return CLI_OK;
    }
    struct card card;
    size_t n, n_less;
    card_parse(cli->arena, row.evidence, &card);
    const struct card_line *lines = card_of_optimization(
        cli->arena, &row, &card, CARD_WHOLE, wall_now(), card_width(), 0, &n, &n_less);
    card_print(lines, n);
    return CLI_OK;
}

static void print_people(struct cli *cli, const struct optimization_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"ID",        true,  false},
        {"STATUS",    false, false},
        {"SETTING",   false, false},
        {"SCOPE",     false, false},
        {"FROM",      false, false},
        {"TO",        false, false},
        {"PREDICTED", false, false},
        {"MEASURED",  false, false},
        {"AGE",       true,  false},
        {"WHAT",      false, true },
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct optimization_row *row = &rows[i];
        char id[CASE_ID_MAX], age[CLOCK_TEXT_MAX], effect[CARD_EFFECT_MAX];
        columns_cell(table, "%s", case_id(CASE_OPTIMIZATION, row->id, id));
        columns_cell(table, "%s", optimization_status_word(row->status));
        columns_cell(table, "%s", row->setting);
        columns_cell(table, "%s", row->scope);
        columns_cell(table, "%s", row->from);
        columns_cell(table, "%s", row->to);
        columns_cell(table, "%s",
                     card_effect(row->metric, row->expected, row->expected_low,
                                 row->expected_high, effect));
        columns_cell(table, "%s",
                     card_effect(row->metric, row->measured, row->measured_low,
                                 row->measured_high, effect));
        columns_cell(table, "%s", look_age(now, row->proposed_at, age));
        columns_cell(table, "%s", row->title);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    const struct optimization_row *rows = NULL;
    size_t n = 0;
    int64_t limit;
    if (cli->n_args > 0) {
        return show_one(cli);
    }
    if (cli_has(cli, "dry-run")) {
        return cli_complain(cli,
                            "--dry-run: of which one? 'optimizations o-3 --dry-run'");
    }
    struct approval_query query = {.is_open = cli_has(cli, "open"),
                                   .now = wall_now(),
                                   .text = cli_value(cli, "text")};
    if (!cli_number(cli, "limit", 1, RECOVERY_LIMIT_MAX, RECOVERY_LIMIT_DEFAULT, &limit,
                    &err)) {
        return cli_fail(&err);
    }
    query.max = (size_t)limit;
    if (!reader_optimizations(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < n; i++) {
            recovery_print_json(card_write_optimization, &rows[i]);
        }
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_people(cli, rows, n);
    } else {
        puts("nothing was found that would run better");
    }
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"open",                                   'o', NULL, "only what is proposed, guarded or inconclusive"},
    {"text",                                    't', "TEXT", "only rows with this text, of any case"},
    {"limit",                                        'n', "N", "at most N rows (100)"},
    {"dry-run",  'x', NULL, "with ID: what would have happened on recorded history"},
    {0},
};

const struct cli_command cli_optimizations = {
    .name = "optimizations",
    .args = "[ID]",
    .max_args = 1,
    .options = options,
    .access = ACCESS_READ,
    .help = "list what was found to run better, and what became of it",
    .more = "Newest first: proposed, guarded (applied, and watched against what was "
            "expected), kept, taken back, rejected, undone. PREDICTED and MEASURED are "
            "the change of the metric with its 90 % interval. With ID (o-3) everything "
            "about one, with evidence and dry run; --dry-run replays the recorded "
            "workflows once more, now, with the setting as proposed.",
    .run = run,
};
