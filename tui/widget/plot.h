/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_WIDGET_PLOT_H
#define SIGNALBOX_TUI_WIDGET_PLOT_H

/*
 * Plot: lines of numbers over time on a canvas, with the band in which values were expected and
 * what is forecast.
 *
 * Time is cut into slots of equal length; two for each cell of the canvas are best. A line goes through the means of its slots and covers
 * all between least and largest value of each, so that no spike is lost however far one zooms
 * out. Every line has a look of its own besides its colour: the first is whole, the others are
 * dashed in three ways and carry their number at the right end.
 *
 * Three ways to draw: braille dots (2 x 4 in a cell), blocks (an area; the first line only),
 * and plain ASCII, which a canvas of that kind gets in place of both.
 *
 * Pure; the caller's slots are only read.
 */

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"

#define PLOT_LINES_MAX 4

/* What is known of a line in one slot. */
struct plot_slot {
    double min, max, mean; /* of its points; mean of a slot to come: what is forecast */
    double low, high; /* where it was expected, or the forecast's interval; NAN unknown */
    int n;            /* points; 0: nothing is known, or it is yet to come */
};

/* X(identifier, word) */
#define PLOT_STYLE_LIST(X)                                                               \
    X(PLOT_DOTS, "dots")                                                                 \
    X(PLOT_BLOCKS, "blocks")
enum plot_style {
#define X(id, word) id,
    PLOT_STYLE_LIST(X)
#undef X
        PLOT_STYLES
};
const char *plot_style_word(enum plot_style style);

struct plot_line {
    const struct plot_slot *slots;
    double lo, hi; /* values at the lower and upper edge; lo < hi */
};

struct plot {
    struct plot_line lines[PLOT_LINES_MAX];
    size_t n_lines;
    size_t n_slots;
    size_t n_past; /* slots that are over or under way; those behind it are forecast */
    size_t
        join; /* a line bridges gaps of so many slots: points may be rarer than slots */
    enum plot_style style;
};

/* Edges for values lo..hi that are round numbers, and the distance of ticks between them,
 * at most max_ticks + 1 of them. Values that are all the same get some room. From 0 when the
 * values lie near it. */
void plot_scale(double lo, double hi, int max_ticks, double *ret_lo, double *ret_hi,
                double *ret_step);
/* Row of a value on a canvas h rows high. */
int plot_row(double value, double lo, double hi, int h);
enum theme_role plot_role(size_t line);
/* Cell of a slot on a canvas w cells wide. */
int plot_cell(const struct plot *plot, size_t slot, int w);
/* On all of the canvas. */
void plot_draw(const struct canvas *canvas, const struct plot *plot);

#endif
