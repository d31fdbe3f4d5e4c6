/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CASE_TEXT_H
#define SIGNALBOX_TUI_CASE_TEXT_H

/*
 * Case text: one case told in lines, in the order in which an operator asks: what failed, what is
 * done about it, what kind of failure it is and which lines say so, its cause, what it touches, why
 * that was done and not something else, and what happened before. A decision that was asked for
 * comes first.
 *
 * The same lines are printed by `signalbox why` and drawn by the console, so that both can be
 * read by who knows one. A line is a label (upper case, or "" where the label above goes on), a
 * mark, and a text that was cleaned and wrapped to the width. Marks never stand alone: the text
 * says the same in a word.
 *
 * Pure: a case and a moment in, lines in the arena out.
 */

#include "tui/canvas.h"
#include "tui/case_read.h"

#define CASE_LABEL 10 /* cells of the label, with the gap behind it */
#define CASE_MARK  2  /* cells of the mark, with its gap */

struct case_line {
    const char *label;
    enum glyph mark; /* GLYPH_COUNT = none */
    enum theme_role mark_role, role;
    const char *text;
};

/* width: cells of a whole line, label and mark included; at least 40. */
const struct case_line *case_lines(struct arena *arena, const struct case_file *file,
                                   struct wall now, int width, size_t *ret_n);

/* How things of recovery look everywhere. */
enum glyph case_status_glyph(enum failure_status status);
enum theme_role case_status_role(enum failure_status status);
enum glyph case_rung_glyph(enum recovery_status status);
enum theme_role case_rung_role(enum recovery_status status);
enum glyph case_verdict_glyph(enum verdict verdict);
enum theme_role case_verdict_role(enum verdict verdict);
/* "71 % (52 to 86)", "71 %"; "not known". Returns text. */
#define CASE_ODDS_MAX 40
const char *case_odds(double odds, double low, double high, char text[CASE_ODDS_MAX]);

#endif
