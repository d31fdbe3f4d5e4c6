/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_WIDGET_FIELD_H
#define SIGNALBOX_TUI_WIDGET_FIELD_H

/*
 * Field: text that a person types, on one line or several.
 *
 * The cursor stands between characters; a character with its combining marks is one. What
 * is typed or pasted is cleaned, so that a field never holds a control character. Long
 * lines scroll to the side.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/buf.h"
#include "tui/action.h"
#include "tui/canvas.h"

struct field {
    struct buf text;
    size_t cursor; /* byte offset */
    bool is_multiline;
};

void field_init(struct field *field, size_t max, bool is_multiline);
void field_fini(struct field *field);
void field_set(struct field *field, const char *text);
const char *field_text(const struct field *field);
/* Insert at the cursor. False when it did not fit whole. */
bool field_insert(struct field *field, const char *text, size_t len);
/* An edit- action (and row-up, row-down in a field of several lines). False: not for it.
 */
bool field_action(struct field *field, enum action action);
/* Draw into rect; has_focus puts the terminal's cursor. `ghost` stands in an empty field.
 */
void field_draw(const struct canvas *canvas, struct rect rect, const struct field *field,
                bool has_focus, const char *ghost);
size_t field_lines(const struct field *field);

#endif
