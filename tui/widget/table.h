/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_WIDGET_TABLE_H
#define SIGNALBOX_TUI_WIDGET_TABLE_H

/*
 * Table: which columns fit, and where they stand.
 *
 * Layout is a pure function of the columns and the width: the least important columns go
 * first, what is left over widens the columns that grow, up to their maximum. A table
 * does not stretch over a wide screen.
 */

#include "tui/canvas.h"

#define TABLE_COLUMNS_MAX 16
#define TABLE_GAP         2

struct column {
    const char *title;
    int min, max;   /* cells; min == max does not grow */
    int importance; /* 0 is always there (and must fit), higher ones go first */
    bool is_right;  /* numbers */
    int sort;       /* enum sort_key, or -1 */
};

struct table_layout {
    int x[TABLE_COLUMNS_MAX], w[TABLE_COLUMNS_MAX]; /* w 0: not shown */
    int width;                                      /* of all columns with gaps */
};

/* Columns 0..n of a table that starts at column x0 of something `width` wide. */
struct table_layout table_layout(const struct column *columns, size_t n, int x0,
                                 int width);
/* Headings; the sorted one is marked with its direction. */
void table_draw_heading(const struct canvas *canvas, int y, const struct column *columns,
                        size_t n, const struct table_layout *layout, int sort,
                        bool is_reversed);

/* First row to show so that `cursor` of `n` rows is seen in `height` rows, scrolling from
 * `top` no more than needed. */
int64_t table_scroll(int64_t top, int64_t cursor, int64_t n, int height);

#endif
