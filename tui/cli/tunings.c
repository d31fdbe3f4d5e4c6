/* SPDX-License-Identifier: MIT */

/* signalbox tunings: settings in force in place of what is configured. */
#include "store/approval.h"
#include "store/store.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"
#include "tui/widget/look.h"

static void write_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_str(w, key, wall_is_set(at) ? wall_format(at, true, text) : NULL);
}

static void write_row(struct jsonw *w, const void *user)
{
    const struct tuning_row *row = user;
    jsonw_str(w, "setting", row->setting);
    jsonw_str(w, "scope", row->scope[0] != '\0' ? row->scope : NULL);
    jsonw_str(w, "value", row->value);
    jsonw_str(w, "was", row->was[0] != '\0' ? row->was : NULL);
    write_wall(w, "since", row->since);
    write_wall(w, "until", row->until);
    jsonw_str(w, "actor", row->actor);
    jsonw_str(w, "reason", row->reason);
    if (row->optimization > 0) {
        jsonw_int(w, "optimization", row->optimization);
    } else {
        jsonw_null(w, "optimization");
    }
}

static void print_people(struct cli *cli, const struct tuning_row *rows, size_t n,
                         struct wall now)
{
    static const struct column titles[] = {
        {"SETTING", false, false},
        {"SCOPE",   false, false},
        {"VALUE",   false, false},
        {"WAS",     false, false},
        {"SINCE",   true,  false},
        {"UNTIL",   false, false},
        {"BY",      false, false},
        {"WHY",     false, true },
    };
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < n; i++) {
        const struct tuning_row *row = &rows[i];
        char text[CLOCK_TEXT_MAX];
        columns_cell(table, "%s", row->setting);
        columns_cell(table, "%s", row->scope[0] != '\0' ? row->scope : "engine");
        columns_cell(table, "%s", row->value);
        columns_cell(table, "%s", row->was[0] != '\0' ? row->was : "configured");
        columns_cell(table, "%s", look_age(now, row->since, text));
        columns_cell(table, "%s",
                     wall_is_set(row->until) ? wall_format(row->until, false, text)
                                             : "taken back");
        columns_cell(table, "%s", row->actor);
        columns_cell(table, "%s%s", row->optimization > 0 ? "learned: " : "",
                     row->reason);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    const struct tuning_row *rows = NULL;
    size_t n = 0;
    if (!reader_tunings(cli->reader, cli->arena, &rows, &n, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < n; i++) {
            recovery_print_json(write_row, &rows[i]);
        }
        return CLI_OK;
    }
    if (n == 0 && !cli_has(cli, "plain")) {
        puts("no setting is tuned: all is as configured");
        return CLI_OK;
    }
    print_people(cli, rows, n, wall_now());
    return CLI_OK;
}

const struct cli_command cli_tunings = {
    .name = "tunings",
    .args = "",
    .access = ACCESS_READ,
    .help = "list the settings that were changed while the engine ran",
    .more =
        "A line for each setting in force in place of what is configured: its value, "
        "what "
        "it replaced, since when and until when, who set it and why. 'signalbox tune' "
        "changes one, 'signalbox untune' takes it back.",
    .run = run,
};
