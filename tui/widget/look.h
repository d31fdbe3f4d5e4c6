/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_WIDGET_LOOK_H
#define SIGNALBOX_TUI_WIDGET_LOOK_H

/*
 * Look: how the words of the domain look on a screen.
 *
 * Every state and status has a glyph, a word and a role, so that no colour stands alone.
 * Text from the store is cleaned here once more before it reaches a canvas. Times are
 * written for people, as coarse as a decision needs, so that a screen full of ages stands
 * still.
 */

#include "engine/base/clock.h"
#include "store/model.h"
#include "tui/canvas.h"

#define LOOK_TEXT_MAX 512 /* bytes of one line from the store on a screen */

enum glyph look_state_glyph(enum workflow_state state);
enum theme_role look_state_role(enum workflow_state state);
enum glyph look_status_glyph(enum effect_status status);
enum theme_role look_status_role(enum effect_status status);
/* Of a workflow as a whole: what it waits for counts before its state. */
enum glyph look_row_glyph(const struct workflow_row *row);
enum theme_role look_row_role(const struct workflow_row *row);
/* "VALIDATING"; PARKED and RECOVERING as they are. For 11 cells. */
const char *look_state_word(enum workflow_state state);

/* One line from the store, cleaned. Returns the cells used. */
int look_text(const struct canvas *canvas, int x, int y, int width, enum theme_role role,
              const char *text);
int look_right(const struct canvas *canvas, int x, int y, int width, enum theme_role role,
               const char *text);
/* Title of a panel: upper case as given, dim; `note` follows after two cells when not "".
 */
int look_title(const struct canvas *canvas, int x, int y, int width, const char *title,
               const char *note);

/* "40s" below two minutes in steps of 5 s, then "12m", "3h05m", "6d". Negative is "0s".
 */
const char *look_span(struct span span, char text[CLOCK_TEXT_MAX]);
/* What is left, rounded up: "15s", "13m". */
const char *look_left(struct span span, char text[CLOCK_TEXT_MAX]);
/* Age of `then`; "–" when it is not set. */
const char *look_age(struct wall now, struct wall then, char text[CLOCK_TEXT_MAX]);
/* Next moment after now at which look_age of `then` changes while it is young enough to
 * change within a minute; unset when it is older. */
struct wall look_age_change(struct wall now, struct wall then);
/* Earlier of two moments, unset counting as never. */
struct wall look_sooner(struct wall a, struct wall b);
/* "12m of 1h" of a running state, "9m left" ... Writes "" without a deadline. */
const char *look_deadline(const struct workflow_row *row, struct wall now, char *text,
                          size_t cap);
/* Last part of a path or URL, without ".git" and trailing slashes. */
const char *look_repo(const char *repo, char *text, size_t cap);
/* "1,234"; "–" when negative (not known). */
const char *look_count(int64_t n, char text[CLOCK_TEXT_MAX]);
/* "611 MiB"; "–" when negative. */
const char *look_bytes(int64_t bytes, char text[CLOCK_TEXT_MAX]);

#endif
