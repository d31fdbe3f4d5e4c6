/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_WORKFLOWS_IMPL_H
#define SIGNALBOX_TUI_VIEW_WORKFLOWS_IMPL_H

/* Inside of the workflows view, shared by its two files only. */

#include "tui/view/common.h"

#define LIST_HEAD_ROWS 3 /* filter line, blank, headings */

/* Groups that the state filter goes through. */
struct state_group {
    const char *name;
    unsigned states;
    bool needs_human;
};
#define N_GROUPS 8
extern const struct state_group state_groups[N_GROUPS];

struct workflows {
    struct view view;
    size_t group;
    char text[FRAME_FILTER_MAX];
    enum sort_key sort;
    unsigned columns; /* bits of those shown; 0 = all that fit */
    bool is_reversed, is_held, is_from_end;
    int64_t cursor; /* workflow id, 0 = the first row */
    int screen_row; /* line of the screen on which it stands */
    int64_t *marks;
    size_t n_marks;
};

extern const struct view_setting workflows_settings[];
/* For view_class.setting_value. */
const char *workflows_value(const struct view *view, const char *name, size_t i);

/* Index of the cursor's row; where it would be when it is gone: the same line. */
size_t workflows_cursor(const struct workflows *list, const struct frame_list *data);
/* First row on the screen. Not before the start nor past the end, where these are known.
 */
int64_t workflows_top(const struct workflows *list, const struct frame_list *data,
                      size_t at, int h);
/* Names of the columns, lower case; index 0.., NULL at the end; "" has none. */
const char *workflows_column(size_t index);
void workflows_draw(const struct view *view, const struct frame *frame,
                    const struct canvas *all);

#endif
