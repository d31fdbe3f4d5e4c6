/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_CSV_H
#define SIGNALBOX_BASE_CSV_H

/*
 * Csv: lines of values between commas (RFC 4180, without line breaks inside of quotes), a line at a
 * time, for files that are read as streams.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"

#define CSV_LINE_MAX  (1024 * 1024) /* bytes; a longer line is an error */
#define CSV_CELLS_MAX 64            /* cells of a line that are looked at */

struct csv {
    FILE *file; /* borrowed */
    long line;  /* number of the line in `cells`, 1.. */
    char *text; /* of that line; cells point into it */
    size_t cap;
    char *cells[CSV_CELLS_MAX]; /* without quotes and surrounding blanks */
    size_t n_cells;
};

void csv_init(struct csv *csv, FILE *file);
void csv_fini(struct csv *csv);
/* The next line that is not empty. False at the end, or with err: ERR_TOO_LARGE, ERR_IO. */
NODISCARD bool csv_next(struct csv *csv, struct err *err);
/* Number of the column of that name in the line in hand (case ignored), or -1. */
int csv_find(const struct csv *csv, const char *name);

/* "2014-04-01 00:05:00", RFC 3339, or seconds since 1970 (with a fraction, or as
 * milliseconds when they are too many for seconds). Without zone it is UTC. */
NODISCARD bool csv_time(const char *text, struct wall *ret_at);
/* A number; "" and "nan" give NAN. */
NODISCARD bool csv_number(const char *text, double *ret_number);

#endif
