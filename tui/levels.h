/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_LEVELS_H
#define SIGNALBOX_TUI_LEVELS_H

/*
 * Levels: how much the engine does by itself, class by class, as it is now: what is configured,
 * and what an operator set in its place, for all repositories or for one, until when, and why.
 *
 * Pure: rows and a moment in, lines in the arena out.
 */

#include "engine/base/mem.h"
#include "store/approval.h"

struct level_line {
    enum act act;
    const char *repo; /* "" = of all */
    enum autonomy_level level, configured;
    const struct autonomy_row
        *row; /* who set it, until when, why; NULL = as configured */
};

/* configured: the setting LEVELS_SETTING, "" = not said: as the classes are by default.
 * One line for each class, and below it one for each repository that has a level of its own.
 * A row that is over by `now` counts no more. */
const struct level_line *levels_list(struct arena *arena, const struct autonomy_row *rows,
                                     size_t n, const char *configured, struct wall now,
                                     size_t *ret_n);

/* "until 14:03, by ada: release week"; "as configured". Returns text. */
const char *level_why(const struct level_line *line, struct wall now, char *text,
                      size_t cap);

#endif
