/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_METRICS_H
#define SIGNALBOX_CLI_METRICS_H

/* Metrics: what the two files of `signalbox metrics` share. */

#include "store/metric_store.h"
#include "tui/cli/cli.h"

/* What is asked for of each series. */
struct metrics_range {
    struct metric_query query;
    struct wall from, to;
};

/* NAME or NAME{labels}, in the arena. */
const char *metrics_title(struct cli *cli, const struct metric_series *row);
/* A value with its unit, "" when it is unknown; in the arena. */
const char *metrics_value(struct cli *cli, const struct metric_series *row, double value);
/* Points of one series as people, --json or --csv want them. */
NODISCARD bool metrics_print_points(struct cli *cli, struct metric_reader *reader,
                                    const struct metric_series *row,
                                    struct metrics_range *range, struct err *err);

#endif
