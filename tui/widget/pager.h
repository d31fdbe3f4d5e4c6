/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_WIDGET_PAGER_H
#define SIGNALBOX_TUI_WIDGET_PAGER_H

/*
 * Pager: long text on a screen. Log, diff, context and history are shown by it.
 *
 * The text stays where it is: a callback gives one line at a time, so that a line may
 * come from a document, from a window of a large log, or be made up on the spot. Lines
 * are cleaned on the way (escape sequences dropped, tabs expanded), cut or wrapped, and
 * what a search looks for is marked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/frame.h"

#define PAGER_LINE_MAX 16384 /* bytes of one line that are looked at */

struct pager {
    int64_t top;  /* index of the first line shown */
    int64_t mark; /* line under the search, -1 = none */
    int skip;     /* cells scrolled to the right; kept while scrolling up and down */
    bool is_wrapped;
    bool is_at_end; /* stays there when the text grows or is measured anew */
    int inner;      /* wrapped: rows of the line at the top that are above the screen */
    char find[FRAME_FILTER_MAX]; /* what is marked; "" = nothing */
    char also[FRAME_FILTER_MAX]; /* likewise */
    int64_t number_max;          /* the largest number before a line; 0 = n_lines */

    /* what pager_measure() found; all 0 when lines are not wrapped */
    struct pager_measure {
        int tail;   /* lines that fill the screen at the end of the text, >= 1 */
        int hide;   /* rows of the first of them that are above it */
        int page;   /* whole lines on the screen now, >= 1 */
        int back;   /* whole lines that fill the screen above it, >= 1 */
        int rows;   /* of the line at the top */
        int before; /* of the line above it; 0 = there is none */
    } measure;
};

struct pager_line {
    const char *text; /* need not be clean nor NUL-terminated */
    size_t len;
    int64_t
        number; /* shown before the line when > 0; < 0: a line without one among others */
    enum theme_role role;
    char sign; /* shown before the text; 0 = the text has no such column */
};
/* Line `index`, or false when there is none (yet). scratch holds PAGER_LINE_MAX bytes for
 * a line that is made up. */
typedef bool pager_line_fn(const void *user, int64_t index, struct pager_line *ret_line,
                           char *scratch);

void pager_init(struct pager *pager);
void pager_draw(const struct canvas *canvas, const struct pager *pager, int64_t n_lines,
                pager_line_fn *line, const void *user);
/* How tall the lines around the screen are, on a canvas of w cells: before pager_action and
 * pager_clamp, whenever lines may be wrapped. Lines that are not there count as one row. */
void pager_measure(struct pager *pager, int w, int height, int64_t n_lines,
                   pager_line_fn *line, const void *user);
/* Scrolls. Returns false when the action means nothing to a pager. */
bool pager_action(struct pager *pager, enum action action, int64_t n_lines, int height);
/* Keep top within the text. */
void pager_clamp(struct pager *pager, int64_t n_lines, int height);
/* Index of the next line with pager->find from `from` on (direction +1 or -1), going
 * round once; -1 when there is none. ASCII case does not count. */
int64_t pager_find(const struct pager *pager, int64_t from, int direction,
                   int64_t n_lines, pager_line_fn *line, const void *user);
/* Bring a line into view, a third from the top. */
void pager_show(struct pager *pager, int64_t index, int64_t n_lines, int height);
/* Scroll to the side, or within a tall line, when what is found in the marked line is not on the
 * screen. False: the line is not there yet. */
bool pager_reveal(struct pager *pager, int w, int height, int64_t n_lines,
                  pager_line_fn *line, const void *user);

/* "line 120 of 3,400" into text. */
const char *pager_position(const struct pager *pager, int64_t n_lines, int height,
                           char *text, size_t cap);

#endif
