/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_FAILURES_IMPL_H
#define SIGNALBOX_TUI_VIEW_FAILURES_IMPL_H

/* Inside of the lists of failures and decisions: failures.c handles, failures_draw.c draws. */

#include "tui/view/recovery.h"

#define FAILURES_HEAD 3 /* rows above the list */

struct cases {
    struct view view;
    bool has_all; /* also what is settled */
    char text[FRAME_FILTER_MAX];
    enum case_kind kind; /* of the cursor's row */
    int64_t cursor;      /* id, 0 = the first row */
    int64_t before;      /* of the window; 0 = from the newest */
};

bool cases_is_failures(const struct cases *list);

/* Problems come first, then failures; or decisions. */
struct rows {
    const struct frame_failures *failures;
    const struct frame_decisions *decisions;
    size_t n_problems, n;
};
/* False: not read yet. */
bool cases_rows(const struct cases *list, const struct frame *frame,
                struct rows *ret_rows);
/* The cursor's row; when it is gone (settled, filtered), the one that took its place. */
size_t cases_find_cursor(const struct cases *list, const struct rows *rows);
/* The case under the cursor, once it was read; else NULL. */
const struct case_file *cases_selected(const struct cases *list,
                                       const struct frame *frame);
void cases_draw(const struct view *view, const struct frame *frame,
                const struct canvas *all);

#endif
