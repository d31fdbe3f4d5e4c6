/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_HISTORY_H
#define SIGNALBOX_CLI_HISTORY_H

/*
 * History: a file of `timestamp,value` read into values at equal distances.
 *
 * The usual distance of two rows is the step; where rows are missing the values are NAN. A table
 * whose first line names no column "timestamp" is taken as time and value in the first two
 * columns.
 *
 * Wrong input is said on stderr as FILE:LINE: FIELD: what is wrong; functions then return false.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/csv.h"
#include "tui/cli/cli.h"

#define HISTORY_POINTS_MAX 100000 /* the newest are kept */
#define HISTORY_LIST_MAX   100000 /* numbers of one cell */

struct history {
    double *values; /* of the arena; oldest first, NAN = unknown */
    size_t n;
    int64_t step_ms; /* 0: fewer than two rows */
};

/* The file of the first argument ("-": standard input), or NULL: `said`. */
NODISCARD FILE *history_open(const struct cli *cli, const char **ret_name);
void history_close(FILE *file);

NODISCARD bool history_read(const char *name, FILE *file, struct arena *arena,
                            struct history *ret_history);

/* A cell in hand: its column by name, or -1 with a message. */
NODISCARD bool history_columns(const char *name, const struct csv *csv,
                               const char *const names[], int *ret_columns, size_t n);
/* Cell of a column of the line in hand, or NULL with a message. */
const char *history_cell(const char *name, const struct csv *csv, int column,
                         const char *field);
/* "1 2.5 nan 4" into the arena. */
NODISCARD bool history_list(const char *name, const struct csv *csv, const char *field,
                            const char *text, struct arena *arena, double **ret_values,
                            size_t *ret_n);
NODISCARD bool history_number(const char *name, const struct csv *csv, const char *field,
                              const char *text, double least, double most,
                              double *ret_number);

#endif
