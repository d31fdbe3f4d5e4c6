/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_WIDGET_SIGNAL_H
#define SIGNALBOX_TUI_WIDGET_SIGNAL_H

/*
 * Signal: a service as a railway signal: a lamp, a word, and what an operator asks next.
 */

#include "store/service_detail.h"
#include "tui/canvas.h"
#include "tui/frame.h"

enum glyph signal_glyph(enum breaker_state state);
enum theme_role signal_role(enum breaker_state state);
/* What comes next: "tries in 56s", "until 14:20Z", ""; clean. */
const char *signal_next(const struct service_row *row, struct wall now, char *text,
                        size_t cap);
/* When signal_next changes; unset = not within the minute. */
struct wall signal_next_change(const struct service_row *row, struct wall now);
/* "1.8s", "240ms", "2m10s"; "–" when it is not known. */
const char *signal_ms(int64_t ms, char *text, size_t cap);
/* Percent with one digit where it matters, "–" when it is not known. */
const char *signal_percent(int64_t percent, char *text, size_t cap);
/* "412 of 600", "–". */
const char *signal_quota(const struct service_detail *detail, char *text, size_t cap);

/* One line of a short list: lamp, name, word, then what fits; for the overview. */
void signal_line(const struct canvas *canvas, int y, const struct frame_service *service,
                 struct wall now);
/* Everything about one service into all of the canvas, from line `scroll` on. Returns the
 * lines that it would need. */
int signal_draw(const struct canvas *canvas, const struct frame_service *service,
                struct wall now, int scroll);

#endif
