/* SPDX-License-Identifier: MIT */

/* signalbox bottlenecks: what holds work back, in numbers. */
#include <math.h>

#include "tui/cli/columns.h"
#include "tui/cli/insight.h"
#include "tui/cli/recovery.h"
#include "tui/cli/rows.h"

static void write_row(struct jsonw *w, const void *user)
{
    const struct insight_bottleneck *one = user;
    const struct bottleneck *row = &one->row;
    jsonw_str(w, "what", one->what);
    jsonw_str(w, "kind", bottleneck_word(row->kind));
    jsonw_num(w, "share", row->share);
    jsonw_num(w, "minutes", row->minutes);
    jsonw_num(w, "per_hour", row->rate);
    jsonw_num(w, "at_once", row->at_once);
    jsonw_num(w, "wasted", row->wasted);
    jsonw_num(w, "p90_minutes", row->p90.value);
    jsonw_num(w, "p90_low", row->p90.low);
    jsonw_num(w, "p90_high", row->p90.high);
    jsonw_int(w, "n", row->n);
}

static const char *minutes(double value, char text[CLOCK_TEXT_MAX])
{
    return isfinite(value) ? span_format((struct span){llround(value * 60) * 1000}, text)
                           : "";
}

static const char *number(double value, char text[CLOCK_TEXT_MAX])
{
    text[0] = '\0';
    if (isfinite(value)) {
        (void)snprintf(text, CLOCK_TEXT_MAX, "%.1f", value);
    }
    return text;
}

static void print_people(struct cli *cli, const struct insight *insight)
{
    static const struct column titles[] = {
        {"WHAT",     false, true },
        {"SHARE",    true,  false},
        {"EACH",     true,  false},
        {"P90",      true,  false},
        {"PER HOUR", true,  false},
        {"AT ONCE",  true,  false},
        {"WASTED",   true,  false},
        {"TIMES",    true,  false},
    };
    struct columns *table = columns_new(cli->arena, titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < insight->n_bottlenecks; i++) {
        const struct bottleneck *row = &insight->bottlenecks[i].row;
        char text[CLOCK_TEXT_MAX];
        columns_cell(table, "%s", insight->bottlenecks[i].what);
        columns_cell(table, "%.1f%%", 100 * row->share);
        columns_cell(table, "%s", minutes(row->minutes, text));
        columns_cell(table, "%s", minutes(row->p90.value, text));
        columns_cell(table, "%s", number(row->rate, text));
        columns_cell(table, "%s", number(row->at_once, text));
        columns_cell(table, "%.0f%%", 100 * row->wasted);
        columns_cell(table, "%lld", (long long)row->n);
    }
    columns_print(table, stdout, cli_has(cli, "plain"), columns_terminal(), 0);
}

static int run(struct cli *cli)
{
    struct err err = ERR_INIT;
    struct insight insight;
    if (!insight_read(cli, &insight, &err)) {
        return cli_fail(&err);
    }
    if (cli_has(cli, "json")) {
        for (size_t i = 0; i < insight.n_bottlenecks; i++) {
            recovery_print_json(write_row, &insight.bottlenecks[i]);
        }
        return CLI_OK;
    }
    if (!cli_has(cli, "plain")) {
        insight_print_head(&insight);
    }
    if (insight.n_runs > 0) {
        print_people(cli, &insight);
    }
    return CLI_OK;
}

static const struct cli_option options[] = {INSIGHT_OPTIONS};

const struct cli_command cli_bottlenecks = {
    .name = "bottlenecks",
    .args = "",
    .options = options,
    .access = ACCESS_READ,
    .help = "list what holds work back, in numbers",
    .more =
        "Of the workflows that have ended: at each moment one thing is what they waited "
        "for, along the critical path. SHARE is its part of the time from submitted to "
        "ended, EACH how long it takes in the mean and P90 in nine of ten times, PER "
        "HOUR how often it comes, AT ONCE how many are at it at a time (Little's law: "
        "PER HOUR times EACH), WASTED how much of it went into tries that did not pass.",
    .run = run,
};
