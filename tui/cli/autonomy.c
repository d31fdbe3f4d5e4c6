/* SPDX-License-Identifier: MIT */

/* signalbox autonomy: how much is done without a person, and whether everything stands still. */
#include "engine/base/json.h"
#include "engine/control/verb.h"
#include "store/halt.h"
#include "tui/cli/card.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"
#include "tui/cli/send.h"
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

/* signalbox autonomy ACTION LEVEL: through the one gate, as a verb. */
static int change(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct request request = {.verb = "autonomy"};
    const struct verb *verb = verb_find(request.verb);
    static const char *const names[] = {"repo", "for", "reason"};
    AUTO_BUF struct buf out;
    struct jsonw w;
    if (verb == NULL || cli->n_args != 2) {
        return cli_complain(cli, "expected ACTION LEVEL, or nothing to show all");
    }
    buf_init(&out, CLI_JSON_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "action", cli->args[0]);
    jsonw_str(&w, "level", cli->args[1]);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (cli_value(cli, names[i]) != NULL) {
            jsonw_str(&w, names[i], cli_value(cli, names[i]));
        }
    }
    jsonw_close(&w, '}');
    struct json *args = json_parse(out.data, out.len, &err);
    bool is_good = args != NULL && verb_check(verb, args, &err);
    json_free(args);
    if (!is_good) {
        return cli_complain(cli, "%s", err.msg);
    }
    request.args = out.data;
    if (!requests_send(cli, &request, 1, &err)) {
        return cli_fail(&err);
    }
    return requests_report(cli, &request, 1);
}

static int run(struct cli *cli)
{
    if (cli->n_args > 0) {
        return change(cli);
    }
    struct err err = ERR_INIT;
    struct wall now = wall_now();
    const struct autonomy_row *rows = NULL;
    struct halt_row halt;
    size_t n = 0;
    if (!reader_autonomy(cli->reader, cli->arena, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    reader_halt(cli->reader, cli->arena, &halt);
    const struct level_line *lines =
        levels_list(cli->arena, rows, n,
                    reader_setting(cli->reader, cli->arena, LEVELS_SETTING), now, &n);
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

static const struct cli_option options[] = {
    {"repo",  0, "REPO", "only in this repository"},
    {"for", 0, "TIME", "for how long, such as 1h; needed to raise"},
    {"reason",       0, "TEXT", "why; kept with the act"},
    {0     },
};

const struct cli_command cli_autonomy = {
    .name = "autonomy",
    .args = "[ACTION LEVEL]",
    .max_args = 2,
    .options = options,
    .access = ACCESS_READ,
    .help = "show how much is done without a person, and whether all is halted",
    .more =
        "A line for each class of actions, and for each repository with a level of its "
        "own: observe (nothing is done or asked), suggest (it is listed), approve (a "
        "person is asked), auto. LEVEL is what is in force; who set it, for how long and "
        "why stands behind. DONE counts what was done by itself because of it. With "
        "ACTION and LEVEL the level is changed: to raise it, say for how long and why.",
    .run = run,
};
