/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_COMMON_H
#define SIGNALBOX_TUI_VIEW_COMMON_H

/*
 * Common: what several views do alike.
 */

#include "tui/frame.h"
#include "tui/view.h"

#define WIDE_COLUMNS 120 /* from here on list and detail stand side by side */
#define SIDE_GAP     3

/* Prompt tokens at or above this belong to common_on_prompt. */
#define TOKEN_COMMON     900
#define TOKEN_RETRY_FROM (TOKEN_COMMON + 0)

extern const struct view_class overview_class, workflows_class, workflow_class, log_class,
    diff_class, context_class, history_class, submit_class, engine_class, services_class,
    service_class, deliveries_class, delivery_class, waterfall_class, audit_class,
    audit_row_class;

/*
 * What is wrong with store or engine, above everything else. Draws nothing when all is
 * well. Returns what is left of the canvas; its height is 0 when there is nothing else to
 * show.
 */
struct canvas notice_draw(const struct canvas *canvas, const struct frame *frame,
                          struct wall now);
/* Rows that it takes of h. */
int notice_height(const struct frame *frame, struct wall now, int h);
/* A sentence or two where data would stand: empty, loading, gone. */
void blank_draw(const struct canvas *canvas, const char *what, const char *next);

/* Actions on the selected workflow that every view knows: log, diff, context, history,
 * retry-from, priority, copy. `row` may be NULL. Sets REPLY_UNUSED when it is none of
 * them. */
void common_action(struct view *view, const struct workflow_row *row, enum action action,
                   struct reply *reply);
void common_on_prompt(struct view *view, const struct frame *frame, int token,
                      const char *text, bool is_final, struct reply *reply);

/* Width of the list beside a detail; the whole width on a narrow screen. */
int list_width(int w);
/* What a row does or waits for, as one phrase: "unit tests", "merge approval", "tries
 * again in 14s", the reason of a failure. Clean. */
const char *row_phrase(const struct frame *frame, const struct workflow_row *row,
                       struct wall now, char *text, size_t cap);
/* When row_phrase or the row's ages change next; unset = not within the minute. */
struct wall row_next_change(const struct workflow_row *row, struct wall now);

/* Columns of one workflow, shared by the detail view and the panel beside a list. */
struct detail_look {
    int step;        /* selected step, -1 = none */
    bool has_cursor; /* draw the cursor mark */
    int log_rows;    /* out of draw: nothing; set by layout */
};
/* The steps shown: newest effect of each step of this iteration, then what is still to
 * come. */
#define STEPS_MAX 96
struct step_row {
    const struct effect_row *effect; /* NULL = not yet */
    const char *name;
    int n_tries;
    int n_retries; /* allowed, -1 unknown */
    bool may_fail;
};
size_t detail_steps(const struct frame_detail *detail, struct step_row *rows, size_t max);
void detail_draw(const struct canvas *canvas, const struct frame *frame, struct wall now,
                 const struct detail_look *look);
struct wall detail_next_change(const struct frame_detail *detail, struct wall now);
/* Lines of log that a detail of this size can show at most, for the query. */
int detail_log_rows(int h);

#endif
