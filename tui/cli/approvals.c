/* SPDX-License-Identifier: MIT */

/* signalbox approvals: what waits for a person, and one card whole. */
#include <stdlib.h>

#include "engine/control/verb.h"
#include "store/store.h"
#include "tui/card_dry_run.h"
#include "tui/cli/card.h"
#include "tui/cli/columns.h"
#include "tui/cli/insight.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"
#include "tui/cli/send.h"
#include "tui/seen.h"
#include "tui/widget/look.h"

#define WIDTH     80 /* when stdout is no terminal */
#define WIDTH_MAX 120

int card_width(void)
{
    int width = columns_terminal();
    return width == 0 ? WIDTH : width > WIDTH_MAX ? WIDTH_MAX : width;
}

/* Eight heights, low to high. */
static void print_values(const struct card_line *line)
{
    double most = 0;
    bool is_ascii = columns_is_ascii();
    for (size_t i = 0; i < line->n_values; i++) {
        most = line->values[i] > most ? line->values[i] : most;
    }
    fputs("  ", stdout);
    for (size_t i = 0; i < line->n_values; i++) {
        double value = line->values[i];
        int step = most > 0 && value > 0 ? (int)(value / most * 7) : 0;
        bool is_known = value == value;
        enum glyph glyph = (enum glyph)((int)GLYPH_BAR1 + (step > 7 ? 7 : step));
        fputs(is_known ? glyph_text(glyph, is_ascii) : " ", stdout);
    }
}

void card_print(const struct card_line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (lines[i].text[0] == '\0') {
            putchar('\n');
            continue;
        }
        printf("%-*s%-*s", lines[i].is_wide ? 0 : CARD_LABEL, lines[i].label,
               lines[i].mark == GLYPH_COUNT ? CARD_MARK : 0, "");
        if (lines[i].mark != GLYPH_COUNT) {
            printf("%s ", glyph_text(lines[i].mark, columns_is_ascii()));
        }
        cli_print_clean(stdout, lines[i].text);
        if (lines[i].n_values > 0) {
            print_values(&lines[i]);
        }
        putchar('\n');
    }
}

enum found card_read_approval(struct cli *cli, const char *text,
                              struct approval_row *ret_row, struct err *err)
{
    int64_t id = 0;
    if (!recovery_parse_id(text, CASE_APPROVAL, &id, err)) {
        return MISSING;
    }
    enum found found = reader_approval(cli->reader, cli->arena, id, ret_row, err);
    if (found == MISSING) {
        (void)err_set(err, ERR_NOT_FOUND, "there is no a-%lld, or not any more",
                      (long long)id);
    }
    return found;
}

void card_print_approval(struct cli *cli, const struct approval_row *row)
{
    struct card card;
    size_t n, n_less;
    card_parse(cli->arena, row->card, &card);
    const struct card_line *lines = card_of_approval(
        cli->arena, row, &card, CARD_WHOLE, wall_now(), card_width(), 0, &n, &n_less);
    card_print(lines, n);
}

bool card_replay(struct cli *cli, const struct approval_row *approval,
                 const struct optimization_row *optimization, struct card_list *ret_lines,
                 struct err *err)
{
    struct runs *runs;
    struct run_list list;
    struct optimization_row row;
    if (optimization == NULL && approval->optimization != 0) {
        enum found found = reader_optimization(cli->reader, cli->arena,
                                               approval->optimization, &row, err);
        if (found == FOUND_FAILED) {
            return false;
        }
        optimization = found == FOUND ? &row : NULL;
    }
    if (!insight_read_runs(cli, &runs, &list, err)) {
        return false;
    }
    *ret_lines = optimization != NULL
                     ? card_dry_run_of_optimization(cli->arena, optimization, &list)
                     : card_dry_run_of_approval(cli->arena, approval, &list);
    runs_free(runs);
    return true;
}

static void write_replay(struct jsonw *w, const void *user)
{
    const struct card_list *lines = user;
    jsonw_open(w, "dry_run", '[');
    for (size_t i = 0; i < lines->n; i++) {
        jsonw_str(w, NULL, lines->texts[i]);
    }
    jsonw_close(w, ']');
}

void card_print_replay(struct cli *cli, const char *id, const struct card_list *lines)
{
    if (cli_has(cli, "json")) {
        recovery_print_json(write_replay, lines);
        return;
    }
    printf("%s, on recorded history:\n", id);
    for (size_t i = 0; i < lines->n; i++) {
        fputs("  ", stdout);
        cli_print_clean(stdout, lines->texts[i]);
        putchar('\n');
    }
}

static int show_replay(struct cli *cli, const struct approval_row *row)
{
    struct err err = ERR_INIT;
    struct card_list lines;
    char id[CASE_ID_MAX];
    if (!card_replay(cli, row, NULL, &lines, &err)) {
        return cli_fail(&err);
    }
    card_print_replay(cli, case_id(CASE_APPROVAL, row->id, id), &lines);
    return approval_waits(row->status) ? CLI_HUMAN : CLI_OK;
}

/* That it could not be said is no reason to complain: who decides says it too. */
static void note_seen(struct cli *cli, const struct approval_row *row)
{
    struct err ignored = ERR_INIT;
    if (!seen_is_due(cli->config, row, cli_has(cli, "read-only"))) {
        return;
    }
    struct request request = {
        .verb = APPROVAL_SEEN,
        .args = arena_printf(cli->arena, "{\"approval\":%lld}", (long long)row->id)};
    (void)!requests_send(cli, &request, 1, &ignored);
}

static int show_one(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct approval_row row;
    if (card_read_approval(cli, cli->args[0], &row, &err) != FOUND) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "dry-run")) {
        return show_replay(cli, &row);
    }
    if (cli_has(cli, "json")) {
        recovery_print_json(card_write_approval, &row);
    } else {
        card_print_approval(cli, &row);
        note_seen(cli, &row);
    }
    return approval_waits(row.status) ? CLI_HUMAN : CLI_OK;
}

static void print_people(struct cli *cli, const struct approval_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"ID",      true,  false},
        {"RISK",    false, false},
        {"STATUS",  false, false},
        {"WHAT",    false, true },
        {"FOR",     false, false},
        {"AGE",     true,  false},
        {"EXPIRES", true,  false},
        {"OWNER",   false, false},
    };
    struct wall now = wall_now();
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct approval_row *row = &rows[i];
        char id[CASE_ID_MAX], age[CLOCK_TEXT_MAX], left[CLOCK_TEXT_MAX];
        bool is_snoozed = approval_waits(row->status) && row->snoozed_until.ms > now.ms;
        columns_cell(table, "%s", case_id(CASE_APPROVAL, row->id, id));
        columns_cell(table, "%s", risk_word(row->risk));
        columns_cell(table, "%s",
                     is_snoozed ? "snoozed" : approval_status_word(row->status));
        columns_cell(table, "%s", row->title);
        columns_cell(table, "%s", row->target);
        columns_cell(table, "%s", look_age(now, row->created_at, age));
        columns_cell(table, "%s", card_expiry(row, now, left));
        columns_cell(table, "%s",
                     approval_waits(row->status) ? card_owner(row, now)
                                                 : row->decided_by);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    const struct approval_row *rows = NULL;
    size_t n = 0;
    int64_t limit;
    bool has_all = cli_has(cli, "all");
    if (cli->n_args > 0) {
        return show_one(cli);
    }
    if (cli_has(cli, "dry-run")) {
        return cli_complain(cli, "--dry-run: of which one? 'approvals a-3 --dry-run'");
    }
    struct approval_query query = {.is_open = !has_all,
                                   .has_snoozed = true,
                                   .now = wall_now(),
                                   .text = cli_value(cli, "text")};
    const char *risk = cli_value(cli, "risk");
    enum risk wanted = RISK_LOW;
    if (risk != NULL && !risk_find(risk, &wanted)) {
        return cli_complain(
            cli, "--risk: '%.40s'; expected low, medium, high or critical", risk);
    }
    query.risk = risk != NULL ? (int)wanted + 1 : 0;
    if (!cli_number(cli, "limit", 1, RECOVERY_LIMIT_MAX, RECOVERY_LIMIT_DEFAULT, &limit,
                    &err)) {
        return cli_fail(&err);
    }
    query.max = (size_t)limit;
    if (!reader_approvals(cli->reader, cli->arena, &query, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < n; i++) {
            recovery_print_json(card_write_approval, &rows[i]);
        }
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_people(cli, rows, n);
    } else {
        puts(has_all ? "nothing was asked" : "nothing waits for a decision");
    }
    return n > 0 && !has_all ? CLI_HUMAN : CLI_OK;
}

static const struct cli_option options[] = {
    {"all",                                 'a', NULL, "also what was decided, newest first"},
    {"risk",                                 'r', "RISK", "only low, medium, high or critical"},
    {"text",                                     't', "TEXT", "only rows with this text, of any case"},
    {"limit",  'n', "N", "at most N rows (100)"},
    {"dry-run", 'x', NULL, "with ID: what would have happened on recorded history"},
    {0                               },
};

const struct cli_command cli_approvals = {
    .name = "approvals",
    .args = "[ID]",
    .max_args = 1,
    .options = options,
    .access = ACCESS_READ,
    .help = "list what waits for a decision, or show one card whole",
    .more =
        "The order is that of attention: critical, then what expires within 10 minutes, "
        "then by risk, the oldest first; what was snoozed or is only suggested comes "
        "last. With ID (a-3) the whole card: why now, what it would do, what it costs to "
        "be wrong, what it touches, how it is taken back, the evidence, earlier "
        "decisions, "
        "a dry run, votes so far, and the digest that a decision is bound to. Exit "
        "status "
        "3: something waits.",
    .run = run,
};
