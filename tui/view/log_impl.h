/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_LOG_IMPL_H
#define SIGNALBOX_TUI_VIEW_LOG_IMPL_H

/* Inside of the log view: log.c handles keys and frames, log_draw.c draws. */

#include <inttypes.h>

#include "tui/view.h"
#include "tui/widget/pager.h"

struct log_view {
    struct view view;
    struct pager pager; /* top is line number - 1, or a row from 0 */
    int64_t effect;     /* seq, 0 = the feed picks */
    bool is_placed;     /* the first window came */
    bool is_following;
    int64_t n_seen;        /* lines there were when following stopped */
    unsigned find_serial;  /* search asked for; 0 = none */
    unsigned found_serial; /* search whose answer was shown */
    int64_t find_from, found_index;
    enum log_target target;
    bool is_find_back;
    bool is_hidden; /* what was found may be beside the screen */

    /* rows instead of lines */
    char filter[FRAME_FILTER_MAX]; /* "" = none */
    bool is_compare;
    int around;
    unsigned rows_serial; /* of what was asked for last */
    int64_t anchor;       /* line that is to be in sight; 0 = top says what is */
    int64_t line;         /* that was in sight before */
};

const struct frame_log *log_of(const struct view *view, const struct frame *frame);
/* Rows, or lines, in all. */
int64_t log_total(const struct frame_log *log);
/* A pager_line_fn over a struct frame_log. */
bool log_text_line(const void *user, int64_t index, struct pager_line *ret,
                   char *scratch);
int log_height(const struct view *view, const struct frame *frame);
void log_draw(const struct view *view, const struct frame *frame,
              const struct canvas *all);

#endif
