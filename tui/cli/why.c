/* SPDX-License-Identifier: MIT */

/* signalbox why: one case whole: what failed, why, what was done, and why that. */
#include <string.h>

#include "engine/base/text.h"
#include "store/store.h"
#include "tui/case_text.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"

#define WIDTH     80 /* when stdout is no terminal */
#define WIDTH_MAX 120

static void print_lines(struct cli *cli, const struct case_file *file)
{
    int width = columns_terminal();
    size_t n;
    width = width == 0 ? WIDTH : width > WIDTH_MAX ? WIDTH_MAX : width;
    const struct case_line *lines = case_lines(cli->arena, file, wall_now(), width, &n);
    for (size_t i = 0; i < n; i++) {
        if (lines[i].text[0] == '\0') {
            putchar('\n');
            continue;
        }
        printf("%-*s%-*s", CASE_LABEL, lines[i].label,
               lines[i].mark == GLYPH_COUNT ? CASE_MARK : 0, "");
        if (lines[i].mark != GLYPH_COUNT) {
            printf("%s ", glyph_text(lines[i].mark, columns_is_ascii()));
        }
        cli_print_clean(stdout, lines[i].text);
        putchar('\n');
    }
}

static void write_past(struct jsonw *w, const struct case_file *file)
{
    jsonw_open(w, "past", '[');
    for (size_t i = 0; i < file->n_past; i++) {
        jsonw_open(w, NULL, '{');
        case_write_failure(w, &file->past[i].failure);
        jsonw_str(w, "helped",
                  file->past[i].helped[0] != '\0' ? file->past[i].helped : NULL);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void write_case(struct jsonw *w, const void *user)
{
    const struct case_file *file = user;
    if (file->has_failure) {
        jsonw_open(w, "failure", '{');
        case_write_failure(w, &file->failure);
        jsonw_close(w, '}');
    }
    if (file->has_problem) {
        jsonw_open(w, "problem", '{');
        case_write_problem(w, &file->problem);
        jsonw_close(w, '}');
    }
    jsonw_open(w, "recoveries", '[');
    for (size_t i = 0; i < file->n_recoveries; i++) {
        jsonw_open(w, NULL, '{');
        case_write_recovery(w, &file->recoveries[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_open(w, "decisions", '[');
    for (size_t i = 0; i < file->n_decisions; i++) {
        jsonw_open(w, NULL, '{');
        case_write_decision(w, &file->decisions[i]);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    write_past(w, file);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct case_file file = {0};
    enum case_kind kind = CASE_WORKFLOW;
    int64_t id = 0;
    char text[CASE_ID_MAX];
    if (!case_id_parse(cli->args[0], &kind, &id)) {
        return cli_complain(
            cli,
            "'%.40s' is no workflow (wf-1), failure (f-1), problem (p-1), recovery "
            "(r-1) or decision (d-1)",
            cli->args[0]);
    }
    if (kind == CASE_APPROVAL || kind == CASE_OPTIMIZATION) {
        return cli_complain(cli, "%s tells itself: signalbox %ss %s",
                            case_id(kind, id, text), case_word(kind), text);
    }
    enum found found = case_read(cli->reader, cli->arena, kind, id, &file, &err);
    if (found == MISSING) {
        err_set(&err, ERR_NOT_FOUND,
                kind == CASE_WORKFLOW ? "nothing has failed in %s%s" : "there is no %s%s",
                case_id(kind, id, text),
                kind == CASE_WORKFLOW ? "" : ", or not any more");
    }
    if (found != FOUND) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        recovery_print_json(write_case, &file);
    } else {
        print_lines(cli, &file);
    }
    bool is_waiting = file.has_failure && file.failure.status == FAILURE_ESCALATED;
    return is_waiting ? CLI_HUMAN : CLI_OK;
}

const struct cli_command cli_why = {
    .name = "why",
    .args = "ID",
    .min_args = 1,
    .max_args = 1,
    .access = ACCESS_READ,
    .help = "tell why something failed and why that was done about it",
    .more =
        "ID is a workflow (wf-12: its newest failure), a failure (f-31), a problem "
        "(p-2), a recovery (r-4) or a decision (d-5). Shows the class with the lines "
        "that say so, causes with their weights, what it touches, each rung that was "
        "tried, the ranking behind each decision with odds, 90 % intervals and trials, "
        "what the decider that did not act would have chosen, and earlier cases of the "
        "same fingerprint. Exit status 3: it waits for a person.",
    .run = run,
};
