/* SPDX-License-Identifier: MIT */

/* signalbox autonomy: how much is done without a person, and whether everything stands still. */
#include "store/halt.h"
#include "tui/cli/card.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"
#include "tui/levels.h"
#include "tui/widget/look.h"

static void write_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_str(w, key, wall_is_set(at) ? wall_format(at, true, text) : NULL);
}

static void write_line(struct jsonw *w, const void *user)
{
    const struct level_line *line = user;
    const struct autonomy_row *row = line->row;
    jsonw_str(w, "action", act_word(line->act));
    jsonw_str(w, "repo", line->repo[0] != '\0' ? line->repo : NULL);
    jsonw_str(w, "level", level_word(line->level));
    jsonw_str(w, "configured", level_word(line->configured));
    jsonw_str(w, "actor", row != NULL ? row->actor : NULL);
    jsonw_str(w, "reason", row != NULL ? row->reason : NULL);
    write_wall(w, "since", row != NULL ? row->since : (struct wall){0});
    write_wall(w, "until", row != NULL ? row->until : (struct wall){0});
    jsonw_int(w, "n_done", row != NULL ? row->n_done : 0);
}

static void write_halt(struct jsonw *w, const void *user)
{
    const struct halt_row *halt = user;
    jsonw_bool(w, "is_halted", halt->is_on);
    jsonw_str(w, "by", halt->is_on ? halt->by : NULL);
    jsonw_str(w, "reason", halt->is_on ? halt->reason : NULL);
    write_wall(w, "at", halt->at);
}

static void print_halt(const struct halt_row *halt, struct wall now)
{
    char age[CLOCK_TEXT_MAX];
    if (!halt->is_on) {
        puts("not halted");
        return;
    }
    fputs("HALTED by ", stdout);
    cli_print_clean(stdout, halt->by);
    printf(" %s ago", look_age(now, halt->at, age));
    if (halt->reason[0] != '\0') {
        fputs(": ", stdout);
        cli_print_clean(stdout, halt->reason);
    }
    puts("\nNothing is done without a person until 'signalbox release'.");
}

static void print_people(struct cli *cli, const struct level_line *lines, size_t n,
                         struct wall now)
{
    static const struct column titles[] = {
        {"ACTION",     false, false},
        {"REPO",       false, false},
        {"LEVEL",      false, false},
        {"CONFIGURED", false, false},
        {"DONE",       true,  false},
        {"WHY",        false, true },
    };
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        char why[400];
        columns_cell(table, "%s", act_word(lines[i].act));
        columns_cell(table, "%s", lines[i].repo[0] != '\0' ? lines[i].repo : "all");
        columns_cell(table, "%s", level_word(lines[i].level));
        columns_cell(table, "%s", level_word(lines[i].configured));
        columns_cell(table, "%lld",
                     (long long)(lines[i].row != NULL ? lines[i].row->n_done : 0));
        columns_cell(table, "%s", level_why(&lines[i], now, why, sizeof(why)));
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct wall now = wall_now();
    const struct autonomy_row *rows = NULL;
    struct halt_row halt;
    size_t n = 0;
    if (!reader_autonomy(cli->reader, cli->arena, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    reader_halt(cli->reader, cli->arena, &halt);
    const struct level_line *lines = levels_list(cli->arena, rows, n, now, &n);
    if (cli_has(cli, "json")) {
        recovery_print_json(write_halt, &halt);
        for (size_t i = 0; i < n; i++) {
            recovery_print_json(write_line, &lines[i]);
        }
        return CLI_OK;
    }
    if (!cli_has(cli, "plain")) {
        print_halt(&halt, now);
        putchar('\n');
    }
    print_people(cli, lines, n, now);
    return CLI_OK;
}

const struct cli_command cli_autonomy = {
    .name = "autonomy",
    .args = "",
    .access = ACCESS_READ,
    .help = "show how much is done without a person, and whether all is halted",
    .more =
        "A line for each class of actions, and for each repository with a level of its "
        "own: observe (nothing is done or asked), suggest (it is listed), approve (a "
        "person is asked), auto. LEVEL is what is in force; who set it, for how long and "
        "why stands behind. DONE counts what was done by itself because of it.",
    .run = run,
};
