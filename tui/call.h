/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CALL_H
#define SIGNALBOX_TUI_CALL_H

/*
 * Call: when and how a console calls an operator who looks elsewhere (console.notify).
 *
 * When more needs a person than before, when everything is halted, when the engine is in
 * trouble: not for what was there when the console opened, and at most once in CALL_EVERY;
 * what happens meanwhile is told together.
 *
 * How: BEL; OSC 9 (iTerm2, documented at iterm2.com/documentation-escape-codes.html; also
 * WezTerm, Windows Terminal, kitty); OSC 777 "notify" (urxvt, foot, Ghostty). Inside of tmux in
 * the passthrough of tmux(1), inside of GNU screen in its own.
 *
 * Pure: counts and a moment in, bytes out.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/control/config.h"

#define CALL_EVERY    ((struct span){10000})
#define CALL_TEXT_MAX 160

/* What a frame says. */
struct call_facts {
    int64_t n_needs; /* things that need a person; < 0 = not known */
    bool is_halted;
    const char *halted_by;
    const char *trouble; /* of the engine; "" = none */
};

/* Zeroed at the start. */
struct call {
    bool has_seen; /* n_needs is known */
    int64_t n_needs;
    bool is_halted, is_in_trouble;
    struct mono called_at;    /* 0 = never */
    char text[CALL_TEXT_MAX]; /* waits to be told; "" = nothing */
};

void call_look(struct call *call, const struct call_facts *facts);
/* What is to be told now, one clean line, or NULL. Told then. */
const char *call_take(struct call *call, struct mono now);
/* When something that waits may be told; 0 = nothing waits. */
struct mono call_next(const struct call *call);

enum call_wrap { CALL_PLAIN, CALL_TMUX, CALL_SCREEN };
/* The bytes for the terminal. Nothing with CALL_OFF. */
void call_put(struct buf *out, enum call_mode mode, enum call_wrap wrap,
              const char *text);

#endif
