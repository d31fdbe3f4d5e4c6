/* SPDX-License-Identifier: MIT */

/*
 * The table of subcommands. A new one is a file with a const struct cli_command and one
 * line here; a new verb that acts on a workflow (engine/control/verb.c) needs no line at
 * all.
 */
#include "tui/cli/cli.h"
#include "tui/cli/rows.h"
#include "tui/cli/verb.h"

const char cli_program_help[] =
    "signalbox plans, codes, validates and merges changes by itself, and shows it live.\n"
    "Without a command it opens the console and, when none runs, an engine.\n";

const struct cli_option cli_global_options[] = {
    {"store",                                     0, "FILE", "the store to use, instead of the configured one"},
    {"config",                                     0, "FILE",
     "the configuration to use, instead of "
     "$XDG_CONFIG_HOME/signalbox/signalbox.yaml"},
    {"json",                                           0, NULL, "print JSON; one object per line for lists"},
    {"plain",      0, NULL, "columns between tabs, whole and without titles, for scripts"},
    {"read-only", 0, NULL, "refuse every verb that changes something"},
    {"help",                                      'h', NULL, "explain the command and end"},
    {"version",                                       'V', NULL, "as 'signalbox version'"},
    {0                                          },
};

const struct cli_option cli_console_options[] = {
    {"ascii", 0, NULL, "draw with ASCII only, whatever the locale says"},
    {"linear",   0, NULL, "lines instead of a screen: for screen readers and TERM=dumb"},
    {"view",       0, "VIEW", "begin with this view"},
    {0   },
};

static const struct cli_command *const before_verbs[] = {
    &cli_init_command, &cli_serve,         &cli_submit,     &cli_adopt,
    &cli_list,         &cli_show,          &cli_log,        &cli_engine_log,
    &cli_trace,        &cli_status,        &cli_services,   &cli_metrics,
    &cli_health,       &cli_incidents,     &cli_anomalies,  &cli_report,
    &cli_handoff,      &cli_deliveries,    &cli_events,     &cli_failures,
    &cli_why,          &cli_recoveries,    &cli_strategies, &cli_decisions,
    &cli_approvals,    &cli_optimizations, &cli_autonomy,   &cli_tunings,
    &cli_audit,        &cli_bottlenecks,   &cli_patterns,
};
static const struct cli_command *const after_verbs[] = {
    &cli_detect, &cli_predict,    &cli_forecast,     &cli_backtest, &cli_classify,
    &cli_decide, &cli_drill,      &cli_check,        &cli_backup,   &cli_version,
    &cli_help,   &cli_run_effect, &cli_hold_sandbox, &cli_tables,
};

#define COMMANDS_MAX 96

const struct cli_command *const *cli_commands(size_t *ret_n)
{
    static const struct cli_command *all[COMMANDS_MAX];
    static size_t n; /* 0: not filled yet; only the main thread calls */
    if (n == 0) {
        for (size_t i = 0; i < ARRAY_LEN(before_verbs); i++) {
            all[n++] = before_verbs[i];
        }
        n += cli_verb_commands(&all[n], COMMANDS_MAX - n - ARRAY_LEN(after_verbs));
        for (size_t i = 0; i < ARRAY_LEN(after_verbs); i++) {
            all[n++] = after_verbs[i];
        }
    }
    *ret_n = n;
    return all;
}

const struct cli_command *cli_find_command(const char *name)
{
    size_t n;
    const struct cli_command *const *all = cli_commands(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}
