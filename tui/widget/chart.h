/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_WIDGET_CHART_H
#define SIGNALBOX_TUI_WIDGET_CHART_H

/*
 * Chart: sparklines, and bars on a common time axis.
 */

#include "engine/base/clock.h"
#include "tui/canvas.h"
#include "tui/frame.h"

struct spark_value {
    double value;
    bool is_known; /* unknown is drawn as a gap, not as zero */
    bool is_bad;   /* drawn as something that failed */
};
/* n values, one cell each, the largest as a full cell. */
void spark_draw(const struct canvas *canvas, int x, int y,
                const struct spark_value *values, size_t n);

/* A stretch of time on `cells` cells. */
struct time_axis {
    struct wall from, to;
    int cells;
};
/* Start cell and length in eighths (at least 1) of [from, to) on the axis, clipped to it.
 */
void axis_place(const struct time_axis *axis, struct wall from, struct wall to,
                int *ret_cell, int *ret_eighths);
/* Clock times under an axis that starts at x; "now" at its end when it ends now. */
void axis_draw(const struct canvas *canvas, int x, int y, const struct time_axis *axis,
               bool ends_now);

/*
 * Timeline: one row per stay in a state: how it ended, for how long, where on the axis,
 * why.
 */
struct timeline_rows {
    size_t first;    /* index of the first span shown */
    size_t n;        /* spans shown */
    size_t n_before; /* spans not shown because there is no room, worth a line */
};
/* Is it worth a row: a short wait for a slot is not. */
bool timeline_shows(const struct state_span *span, struct wall now);
/* Rows that the timeline would like to have, axis not included. */
int timeline_height(const struct frame_detail *detail, struct wall now);
/* Draws into all of the canvas: rows, then the axis in the last row. */
void timeline_draw(const struct canvas *canvas, const struct frame_detail *detail,
                   struct wall now);

#endif
