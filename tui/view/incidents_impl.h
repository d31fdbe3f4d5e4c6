/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_INCIDENTS_IMPL_H
#define SIGNALBOX_TUI_VIEW_INCIDENTS_IMPL_H

/* Inside of the list of incidents, shared by its files only. */

#include "tui/cause.h"
#include "tui/view/monitor.h"

#define INCIDENTS_HEAD  3 /* title, blank, headings */
#define INCIDENTS_MARKS 64

struct incidents {
    struct view view;
    bool has_all;
    char text[FRAME_FILTER_MAX];
    enum cause_sort sort;
    bool is_reversed;
    unsigned columns;            /* bits of those shown; 0 = all that fit */
    char cursor[STORY_ID_MAX];   /* id of the row, "" = the first */
    int part;                    /* of it, -1 = the row itself */
    size_t line;                 /* where it stood, for when it is gone */
    char unfolded[STORY_ID_MAX]; /* whose parts are shown; "" = none */
    char marks[INCIDENTS_MARKS][STORY_ID_MAX];
    size_t n_marks;
};

/* Rows as they are shown: filtered, sorted, the parts of the unfolded one below it. */
struct cause_line {
    const struct cause_row *row;
    int part; /* -1 = the row itself */
};
#define CAUSE_LINES (CAUSES_MAX + CAUSE_PARTS)
struct cause_page {
    struct cause_line lines[CAUSE_LINES];
    size_t n, n_rows, n_over;
};
void incidents_page(const struct incidents *self, const struct causes *causes,
                    struct cause_page *page);
size_t incidents_cursor(const struct incidents *self, const struct cause_page *page);
bool incidents_is_marked(const struct incidents *self, const struct cause_row *row);
/* Names of the columns, lower case; "" has none, NULL at the end. */
const char *incidents_column(size_t index);
void incidents_draw(const struct view *view, const struct frame *frame,
                    const struct canvas *all);
extern const struct view_setting incidents_settings[];

#endif
