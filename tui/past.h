/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_PAST_H
#define SIGNALBOX_TUI_PAST_H

/*
 * Past: the console at a moment that is over. Every view asks for that moment, nothing can be
 * done, and a line under the top says so. Pure, but for what it draws.
 */

#include "store/past.h"
#include "tui/canvas.h"
#include "tui/frame.h"
#include "tui/view.h"

/* The moment that is asked for next: `action` from where the screen is (`frame`: of the
 * newest answer, may be of now) and from what was asked before. False: the action is none of
 * the past. `now` bounds it. */
bool past_step(struct past_ask *ask, const struct frame *frame, bool is_answered,
               enum action action, struct wall now);

/* Does the view tell of a moment that is over? The others know of now only. */
bool past_knows(const struct view_class *klass);

/* The words of the banner, most important first; keys: as they are bound. */
struct past_keys {
    const char *event, *minute, *hour, *now; /* ", ." */
};
void past_draw_banner(const struct canvas *canvas, int y, const struct moment *moment,
                      const struct past_keys *keys);
/* In place of a view that knows of now only. */
void past_draw_unknown(const struct canvas *canvas, const char *title,
                       const char *now_key);

#endif
