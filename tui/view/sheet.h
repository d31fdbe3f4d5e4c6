/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_SHEET_H
#define SIGNALBOX_TUI_VIEW_SHEET_H

/*
 * Sheet: lines of text with a role each, made anew for each drawing, for a pager. Some begin a
 * section, to which a key leads. What is beyond the bounds is left out. ui thread.
 */

#include "engine/base/text.h"
#include "tui/widget/pager.h"

#define SHEET_LINES_MAX    2000
#define SHEET_SECTIONS_MAX 16

struct sheet {
    struct buf text;
    size_t starts[SHEET_LINES_MAX];
    enum theme_role roles[SHEET_LINES_MAX];
    int64_t n;
    int64_t sections[SHEET_SECTIONS_MAX]; /* index of their titles */
    int n_sections;
};

NODISCARD struct sheet *sheet_new(void);
void sheet_free(struct sheet *sheet); /* accepts NULL */
void sheet_put(struct sheet *sheet, enum theme_role role, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A blank line, unless it is the first, and the title. */
void sheet_section(struct sheet *sheet, const char *title);
/* For pager_draw; user is the sheet. */
bool sheet_line(const void *user, int64_t index, struct pager_line *ret_line,
                char *scratch);
/* Scrolls, or goes to the next or previous section. False: the action means neither. */
bool sheet_action(const struct sheet *sheet, struct pager *pager, enum action action,
                  int height);

#endif
