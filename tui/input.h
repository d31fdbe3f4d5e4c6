/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_INPUT_H
#define SIGNALBOX_TUI_INPUT_H

/*
 * Input: bytes of a terminal in, keys and pastes out.
 *
 * Pure: no file, no clock, no curses. Knows what xterm, tmux, screen, the Linux console, rxvt
 * and the VT100 family send (ECMA-48, xterm ctlseqs), in normal and application mode alike,
 * and lets unknown sequences disappear whole, answers of the terminal (OSC, DCS and the like) with all
 * that is in them: a title is not typed. A paste is one event, so that it can never
 * press a key.
 *
 * A lone ESC byte is a key or the beginning of a sequence: while input_is_waiting, the caller
 * waits INPUT_ESC_MS for more bytes and then calls input_expire; again as long as it waits: an
 * answer of the terminal that was begun gets longer until its end is taken as lost.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"

#define INPUT_ESC_MS    25
#define INPUT_PASTE_MAX (1024 * 1024) /* bytes; the rest of a longer paste is dropped */

enum input_kind {
    INPUT_KEY,
    INPUT_PASTE, /* text: clean UTF-8 with newlines, malloc'd, the caller's */
    INPUT_STATUS /* the terminal has done everything sent before term_ask_status */
};

struct input_event {
    enum input_kind kind;
    uint32_t key; /* INPUT_KEY: see tui/keymap.h */
    char *text;   /* INPUT_PASTE */
    size_t len;
};

struct input;
NODISCARD struct input *input_new(void);
void input_free(struct input *input); /* accepts NULL */
/* Take the wheel of the mouse (xterm ctlseqs, SGR mode 1006) as Up and Down. Off at first: then
 * a report is what a dead session left behind, and disappears. */
void input_take_wheel(struct input *input, bool is_on);
void input_feed(struct input *input, const char *bytes, size_t len);
bool input_is_waiting(const struct input *input);
/* Nothing more came: what is held is what it is. */
void input_expire(struct input *input);
/* Next event; false when there is none. */
NODISCARD bool input_next(struct input *input, struct input_event *ret_event);

#endif
