/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_APPROVAL_H
#define SIGNALBOX_TUI_VIEW_APPROVAL_H

/*
 * Approval views: the queue, one card, optimizations, and levels of autonomy.
 */

#include "tui/card.h"
#include "tui/view/common.h"

extern const struct view_class approvals_class, approval_class, optimizations_class,
    optimization_class, bottlenecks_class, autonomy_class;

/* Lines of a card from line `top` on. */
void card_draw(const struct canvas *canvas, const struct card_line *lines, size_t n,
               size_t top);
/* The page of the evidence: which one the cursor is on (from 0), with cursor keys moved and drawn,
 * and opened: a log, diff, plan, event, case or workflow. workflow: of the card, 0 = none. */
bool evidence_move(const struct card *card, enum action action, int *at);
void evidence_mark(const struct canvas *canvas, const struct card_line *lines, size_t n,
                   size_t top, int at);
void evidence_open(const struct card *card, int at, int64_t workflow,
                   struct reply *reply);
/* Take o-12 back, after a confirmation that says what comes of it. */
void begin_undo(struct reply *reply, int64_t optimization, const char *why);
/* The whole card, made to fit. */
void card_beside(const struct canvas *canvas, const struct frame_approval *one,
                 struct wall now);
/* One line of the queue: glyph and word of the risk, what, age, what is left, owner. Where
 * there is room for two, why in the second. */
#define ASK_X_TITLE 14
void ask_line(const struct canvas *canvas, int y, const struct approval_row *row,
              const char *why, struct wall now);
/* The age or what is left of it change then; unset = not within the minute. */
struct wall ask_next_change(const struct approval_row *row, struct wall now);
/* For view_class.subjects. */
void subject_of(const struct approval_row *row, struct view_subject *ret_subject);

/* Tell how much waits: "5 wait, 1 critical, next expires in 8m". Returns text. */
const char *ask_summary(const struct approval_totals *totals, struct wall now, char *text,
                        size_t cap);

/* Start of a page that scrolls, after `action`; false when the action is no scrolling. */
bool page_scroll(int *top, enum action action, int n_lines, int height);

#endif
