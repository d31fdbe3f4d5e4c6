/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_COLUMNS_H
#define SIGNALBOX_CLI_COLUMNS_H

/*
 * Columns: a table on stdout, for people or for scripts.
 *
 * Every cell goes through text_clean, so that nothing from the store reaches the terminal
 * as a command. Widths are cells of the terminal, not bytes. On a terminal the elastic
 * column is shortened so that a row stays on one line; elsewhere nothing is cut. Plain:
 * tabs between cells, no titles, no padding, nothing cut.
 *
 * Ownership: everything lives in the arena.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"

struct column {
    const char *title;
    bool is_right;
    bool is_elastic; /* at most one: takes what is left of the line */
};

struct columns;

NODISCARD struct columns *columns_new(struct arena *arena, const struct column *columns,
                                      size_t n);
/* Next cell, row by row. */
void columns_cell(struct columns *columns, const char *format, ...) PRINTF_LIKE(2, 3);
/* width: cells of the terminal, 0 = unlimited. indent: spaces before each row. */
void columns_print(const struct columns *columns, FILE *file, bool is_plain, int width,
                   int indent);

/* Cells of the terminal on stdout, 0 when it is none. */
int columns_terminal(void);
/* Does the locale's character set lack "…" and the arrows? */
bool columns_is_ascii(void);

#endif
