/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_EDIT_H
#define SIGNALBOX_TUI_EDIT_H

/*
 * Edit: one line of text under the operator's fingers.
 *
 * Clean UTF-8, whole characters with their marks, at most EDIT_MAX bytes. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "tui/action.h"
#include "tui/canvas.h"

#define EDIT_MAX 4096 /* bytes */

struct edit {
    char text[EDIT_MAX + 1];
    size_t len;
    size_t at; /* cursor, in bytes */
};

void edit_set(struct edit *edit, const char *text); /* cursor at the end */
/* Insert at the cursor; control characters and newlines become spaces. What does not fit is
 * left out whole. */
void edit_insert(struct edit *edit, const char *text, size_t len);
/* One of the edit- actions; true when the text changed. *ret_is_known false: none of them. */
bool edit_action(struct edit *edit, enum action action, bool *ret_is_known);
/* Draw in `width` cells, scrolled so that the cursor is seen, and put the cursor there. */
void edit_draw(const struct edit *edit, const struct canvas *canvas, int x, int y,
               int width, enum theme_role role);

#endif
