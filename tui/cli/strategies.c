/* SPDX-License-Identifier: MIT */

/* signalbox strategies: what is known of each rung, by class of failure. */
#include <math.h>
#include <string.h>

#include "store/store.h"
#include "tui/case_text.h"
#include "tui/cli/columns.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"

#define RECENT_SHOWN 16

static void write_odds(struct jsonw *w, const void *row)
{
    case_write_odds(w, row);
}

/* The levels that people think in; the finer ones only when they are asked for. */
static bool is_shown(const struct cli *cli, const struct odds_row *row)
{
    const char *wanted = cli_value(cli, "class");
    const char *key = cli_value(cli, "key");
    if (wanted != NULL) {
        return strncmp(row->key, "class:", 6) == 0 && strcmp(row->key + 6, wanted) == 0;
    }
    return key != NULL || cli_has(cli, "all") || strcmp(row->key, "all") == 0 ||
           strncmp(row->key, "class:", 6) == 0 || strcmp(row->key, "all-problems") == 0 ||
           strncmp(row->key, "problem:", 8) == 0;
}

static void print_people(struct cli *cli, const struct odds_row *rows, size_t n)
{
    static const struct column titles[] = {
        {"FOR",    false, true },
        {"RUNG",   false, false},
        {"WORKS",  false, false},
        {"TRIALS", true,  false},
        {"PASSED", true,  false},
        {"TAKES",  true,  false},
        {"RECENT", false, false},
        {"MARK",   false, false},
    };
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    const char *last = "";
    for (size_t i = 0; i < n; i++) {
        const struct odds_row *row = &rows[i];
        char odds[CASE_ODDS_MAX], took[CLOCK_TEXT_MAX], recent[CASE_RECENT_MAX];
        bool is_same = strcmp(last, row->key) == 0 && !cli_has(cli, "plain");
        struct span span = {isfinite(row->cost_s) ? (int64_t)(row->cost_s * 1000) : 0};
        columns_cell(table, "%s", is_same ? "" : row->key);
        columns_cell(table, "%s", row->rung);
        columns_cell(table, "%s", case_odds(row->mean, row->low, row->high, odds));
        columns_cell(table, "%.1f", row->trials);
        columns_cell(table, "%lld of %lld", (long long)row->n_passed, (long long)row->n);
        columns_cell(table, "%s", isfinite(row->cost_s) ? span_format(span, took) : "");
        columns_cell(table, "%s", case_recent(row, RECENT_SHOWN, recent));
        columns_cell(table, "%s%s%s", row->is_killed ? "off" : "",
                     row->is_killed && row->is_demoted ? ", " : "",
                     row->is_demoted ? "demoted" : "");
        last = row->key;
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    const struct odds_row *all;
    const char *wanted = cli_value(cli, "class");
    enum failure_class ignored;
    size_t n_all = 0, n = 0;
    if (wanted != NULL && !class_find(wanted, &ignored)) {
        return cli_complain(cli, "'%.40s' is no class of failure", wanted);
    }
    if (!reader_odds(cli->reader, cli->arena, cli_value(cli, "key"), &all, &n_all,
                     &err)) {
        return cli_fail(&err);
    }
    struct odds_row *rows = arena_array(cli->arena, n_all + 1, sizeof(*rows));
    for (size_t i = 0; i < n_all; i++) {
        if (is_shown(cli, &all[i])) {
            rows[n++] = all[i];
        }
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < n; i++) {
            recovery_print_json(write_odds, &rows[i]);
        }
    } else if (n > 0 || cli_has(cli, "plain")) {
        print_people(cli, rows, n);
    } else {
        puts("nothing was learned yet: the rules decide");
    }
    return CLI_OK;
}

static const struct cli_option options[] = {
    {"all", 'a', NULL, "also what is known of single fingerprints, steps and services"},
    {"class", 'c', "CLASS", "only this class of failure"},
    {"key",     'k', "KEY", "only keys that begin so, such as fingerprint:0a1b"},
    {0 },
};

const struct cli_command cli_strategies = {
    .name = "strategies",
    .args = "",
    .options = options,
    .access = ACCESS_READ,
    .help = "list how well each rung works, by class of failure",
    .more =
        "WORKS is the believed chance of success with its 90 % interval, TRIALS the "
        "evidence behind it (old trials fade), RECENT the newest trials, the last one "
        "right: + passed, - failed. Demoted: did worse than the rules, so learning may "
        "not choose it. Off: a person switched it off.",
    .run = run,
};
