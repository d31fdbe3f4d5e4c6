/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_TERM_H
#define SIGNALBOX_TUI_TERM_H

/*
 * Term: the operator's terminal, and leaving it as it was.
 *
 * terminfo (curses' library) says what the terminal can do, ECMA-48 how it is said; paint.h
 * makes the bytes of a frame, and one frame is one write. Input and output go through a file
 * description of our own, opened without blocking, so that neither a slow line nor a stopped
 * terminal (Ctrl-S) ever holds the ui thread, and the shell's own flags stay untouched.
 *
 * Every way out gives the terminal back: term_close, the handlers of deadly signals (they put
 * it back and die of the same signal), and for what no handler sees (kill -9) the parent
 * process. For that the parent calls term_save before it forks, and term_restore when the
 * console has ended: a flag in shared memory says whether anything is left to be done, so
 * that doing it twice is harmless.
 *
 * While the screen is up, what is written to standard error is kept and shown afterwards.
 *
 * Threads: ui thread; term_restore from anywhere, signal handlers included.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "tui/call.h"
#include "tui/canvas.h"
#include "tui/input.h"
#include "tui/theme.h"

#define TERM_MIN_W 60
#define TERM_MIN_H 16

/* Remember how the terminal on standard input and output is now, and how it is put back. In
 * the parent before the fork; term_open does it itself when nobody did. */
void term_save(void);
/* Put the terminal back if the console has it. Async-signal-safe; any process that shares
 * term_save. */
void term_restore(void);

/* Does the line behind this descriptor take bytes, now or within two seconds? Whoever must not wait
 * for a line that is stuck asks before he writes. Async-signal-safe. */
bool term_takes(int fd);

struct term;

struct term_options {
    bool wants_ascii, wants_utf8; /* neither: by locale and TERM */
    bool wants_mouse; /* the wheel scrolls; then the terminal selects with Shift */
};

/* Needs a terminal on standard input and output that can place its cursor: ERR_USAGE names
 * what is missing. */
NODISCARD bool term_open(const struct term_options *options, struct term **ret_term,
                         struct err *err);
void term_close(struct term *term); /* accepts NULL */

bool term_is_ascii(const struct term *term);
enum colour_depth term_depth(const struct term *term); /* after NO_COLOR */
void term_size(const struct term *term, int *ret_w, int *ret_h);
/* Ask the system for the size (after SIGWINCH); true when it changed. */
bool term_resize(struct term *term);

/* For poll: one descriptor, readable and, while term_is_busy, writable. */
int term_fd(const struct term *term);
/* Read what is there. False: the terminal is gone (end of file, hang-up, error). */
NODISCARD bool term_read(struct term *term);
/* Next key or paste of what was read; the caller frees event->text. */
NODISCARD bool term_next(struct term *term, struct input_event *ret_event);
/* Milliseconds until term_expire has to be called, -1 = not at all. */
int term_timeout(const struct term *term);
void term_expire(struct term *term);

/* A frame, or bytes before it, still wait for the line. Do not make another one. */
bool term_is_busy(const struct term *term);
/* Write what waits. False: the terminal is gone. */
NODISCARD bool term_flush(struct term *term);
/* Make the terminal show `surface`; writes at once what the line takes. Not while busy.
 * Returns how many cells changed. */
size_t term_show(struct term *term, const struct surface *surface,
                 const struct theme *theme);
/* Paint everything at the next term_show. */
void term_forget(struct term *term);
/* The terminal answers (INPUT_STATUS) when it has shown everything so far. */
void term_ask_status(struct term *term);
/* Text to the clipboard of the operator's own terminal (OSC 52; passed through tmux and
 * screen). False when it is longer than terminals take. */
bool term_copy(struct term *term, const char *text, size_t len);

/* Call the operator (tui/call.h); one clean line. */
void term_call(struct term *term, enum call_mode mode, const char *text);

/* Give the terminal back, stop like any job (Ctrl-Z), and take it again after `fg`. */
void term_suspend(struct term *term);

uint64_t term_bytes(const struct term *term); /* written since term_open */

#endif
