/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_OPTIMIZATIONS_IMPL_H
#define SIGNALBOX_TUI_VIEW_OPTIMIZATIONS_IMPL_H

/* Optimizations, private: the list in groups, and how its lines are drawn. */

#include "tui/view/approval.h"
#include "tui/view/chosen.h"

/* A line of the list: a row, the title of a group, or nothing (both NULL). */
struct optimization_line {
    const struct optimization_row *row;
    const char *title;
    size_t n;
};
struct optimization_page {
    struct optimization_line lines[FRAME_APPROVALS + 2 * OPT_STATUS_COUNT];
    size_t n;
};

/* Groups in the order in which they ask for attention: what a person decides, what is watched, what
 * became of the rest; the newest first. Borrowed from data. */
void optimization_page(const struct frame_optimizations *data,
                       struct optimization_page *ret_page);
/* Heading in row `head`, lines below it; the cursor's is the line `at`. */
void optimization_lines(const struct canvas *canvas, int head,
                        const struct optimization_page *page, size_t at,
                        const struct view *view);

#define OPTIMIZATION_COLUMNS 6
extern const struct column optimization_columns[OPTIMIZATION_COLUMNS];

#endif
