/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_LINEAR_LINE_H
#define SIGNALBOX_CLI_LINEAR_LINE_H

/*
 * Linear line: what a line typed in the linear console means, in words of the command line.
 *
 *   list --state coding      a command as it is
 *   workflows                the name of a view: its command
 *   wf-12, a-3, f-31         the thing itself: show, approvals, why
 *   reject a-3 too risky     what follows the ids is the reason; no quotes are needed
 *   show "wf-12"             quotes keep a word together where they are wanted
 *
 * Pure. Words are in the arena.
 */

#include <stdbool.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

#define LINEAR_WORDS_MAX 256

struct linear_line {
    const char *words[LINEAR_WORDS_MAX + 1]; /* NULL at the end */
    int n;                                   /* 0: nothing was typed */
};

/* ERR_USAGE: a quote without its end, or too many words. */
NODISCARD bool linear_parse(struct arena *arena, const char *text,
                            struct linear_line *ret_line, struct err *err);
/* Is it a command that this front end cannot give: one that never ends, or is no command of
 * people's? Why, or NULL. */
const char *linear_refusal(const struct linear_line *line);
/* Does it change anything? For --read-only. */
bool linear_changes(const struct linear_line *line);

#endif
