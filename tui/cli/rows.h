/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_ROWS_H
#define SIGNALBOX_CLI_ROWS_H

/* Rows: the subcommands that have a file of their own, each defined in tui/cli/NAME.c. */

#include "tui/cli/cli.h"

extern const struct cli_command cli_adopt, cli_anomalies, cli_approvals, cli_audit,
    cli_autonomy, cli_backtest, cli_backup, cli_bottlenecks, cli_check, cli_classify,
    cli_decide, cli_decisions, cli_deliveries, cli_detect, cli_drill, cli_engine_log,
    cli_events, cli_failures, cli_forecast, cli_handoff, cli_health, cli_help,
    cli_hold_sandbox, cli_incidents, cli_init_command, cli_list, cli_log, cli_metrics,
    cli_optimizations, cli_patterns, cli_predict, cli_recoveries, cli_report,
    cli_run_effect, cli_serve, cli_services, cli_show, cli_status, cli_strategies,
    cli_submit, cli_tables, cli_trace, cli_tunings, cli_version, cli_why;

#endif
