/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_LOG_ROWS_H
#define SIGNALBOX_TUI_LOG_ROWS_H

/*
 * Rows: what is shown of a log of which most is left out: lines that matter, some around each,
 * and a row in place of what lies between. Lines that only another log has can stand between
 * two lines of this one.
 *
 * Built from the first line to the last by log_rows_add and log_rows_add_gone. A row is found by
 * its number in the time of a binary search; memory is one small piece per run of rows.
 *
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

#define LOG_AROUND_MAX 99

enum log_row_kind {
    LOG_ROW_LINE, /* line `number` of this log */
    LOG_ROW_GONE, /* entry `number` (from 0) of the lines that only the other log has */
    LOG_ROW_GAP   /* `n` lines from `number` on are left out */
};

struct log_row {
    enum log_row_kind kind;
    int64_t number, n;
};

struct log_rows;
NODISCARD struct log_rows *log_rows_new(int around); /* 0..LOG_AROUND_MAX lines */
void log_rows_free(struct log_rows *rows);           /* accepts NULL */
/* Line `line`, and what is around it. Lines rise. */
void log_rows_add(struct log_rows *rows, int64_t line);
/* n entries of the other log from `entry` on, behind line `after` (0 = before the first). Lines
 * do not fall, and nothing behind `after` has been added. */
void log_rows_add_gone(struct log_rows *rows, int64_t after, int64_t entry, int64_t n);

/* Of a log of n_lines. */
int64_t log_rows_count(const struct log_rows *rows, int64_t n_lines);
/* Row `row` (from 0); false: there is none. */
bool log_rows_get(const struct log_rows *rows, int64_t n_lines, int64_t row,
                  struct log_row *ret_row);
/* The row of a line, or of what stands in its place. */
int64_t log_rows_find(const struct log_rows *rows, int64_t n_lines, int64_t line,
                      bool *ret_is_shown);

#endif
