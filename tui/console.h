/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CONSOLE_H
#define SIGNALBOX_TUI_CONSOLE_H

/*
 * Console: the screen of an operator, from the first frame until the last key.
 *
 * console_run owns the terminal and the ui thread, starts the feed thread, and returns when
 * the operator quits, a signal asks it to end (INT, TERM, HUP, QUIT, PIPE), or the terminal
 * is gone. It talks to the engine through the store only, so that it neither knows nor cares
 * which process the engine lives in.
 *
 * The loop: wait for {terminal, signals, feed, clock}; hand keys to the layer on top (prompt,
 * palette, confirmation, overlay), then to the view; perform what the handlers replied; paint
 * what changed. Keys paint at once, news at most CONSOLE_FRAMES times a second.
 *
 * The parent process calls term_save (tui/term.h) before it forks and term_restore when the
 * console has ended, however it ended.
 */

#include <stdbool.h>

#include "engine/base/err.h"

#define CONSOLE_FRAMES 10

struct config;

struct console_options {
    const struct config
        *config;       /* store, environment, theme, keys, ascii; outlives the run */
    bool is_ascii;     /* --ascii */
    bool is_read_only; /* --read-only: verbs that change something are refused */
    bool
        is_first_run; /* neither configuration nor store yet: begins with the setup view */
    const char *view; /* name of the first view; NULL = overview */
};

enum console_end {
    CONSOLE_QUIT,   /* the operator left */
    CONSOLE_HANGUP, /* the terminal is gone: config->on_hangup says what the engine does */
    CONSOLE_SIGNAL, /* asked to end by a signal */
    CONSOLE_FAILED, /* could not begin: err */
    CONSOLE_AGAIN   /* a configuration was written: start again with it */
};

/* Findings of theme and key files are shown as messages; the defaults are used instead. */
enum console_end console_run(const struct console_options *options, struct err *err);

#endif
