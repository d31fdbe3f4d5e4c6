/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_RECOVERY_H
#define SIGNALBOX_TUI_VIEW_RECOVERY_H

/*
 * Recovery views: failures, decisions, strategies, and the page of one case.
 */

#include "tui/case_text.h"
#include "tui/view/common.h"

extern const struct view_class failures_class, decisions_class, strategies_class,
    why_class;

/* The page of a case, from line `top` on. Returns how many lines it has; a canvas of no height
 * only counts. */
int case_draw(const struct canvas *canvas, const struct case_file *file, struct wall now,
              int top);

/* Workflow that a case is about; 0 = of none alone. */
int64_t case_workflow(const struct case_file *file);
/* What can be done with a case, in its page and beside a list: correct the class, approve or
 * refuse what waits, go to the workflow and its log. `file` NULL: none is selected. Sets
 * REPLY_UNUSED when the action is none of them. */
void case_action(const struct case_file *file, enum action action, struct reply *reply);
void case_prompt(const struct case_file *file, int token, const char *text, bool is_final,
                 struct reply *reply);

/* "4 recovering   2 waiting for you   12 recovered in 24h (96%)"; "" when nothing failed lately.
 * Returns text. */
const char *recovery_summary(const struct frame_recovery *recovery, char *text,
                             size_t cap);

#endif
