/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_TERM_INFO_H
#define SIGNALBOX_TUI_TERM_INFO_H

/*
 * Term info: what the terminal named by TERM can do, from curses' terminfo database, and by
 * the environment what it is likely to do beyond that. The only user of curses.
 */

#include <stdbool.h>

#include "engine/base/err.h"
#include "tui/paint.h"

struct term_info {
    struct paint_caps paint;
    bool has_alternate_screen;
    bool is_linux_console;
};

/* ERR_USAGE when TERM is unknown or cannot place its cursor after ECMA-48. */
NODISCARD bool term_info_find(struct term_info *ret_info, struct err *err);

/* Name and version of the terminal library, for a bug report. */
const char *term_library(void);

#endif
