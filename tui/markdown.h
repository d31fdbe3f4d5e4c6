/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_MARKDOWN_H
#define SIGNALBOX_TUI_MARKDOWN_H

/*
 * Markdown: text from outside as text in a Markdown document.
 *
 * What is written is clean (engine/base/text.h) and one line, and each character that could mean
 * something to a renderer stands behind a backslash (CommonMark 0.30, 2.4: any ASCII punctuation
 * may). So a name with a bar does not end a cell of a table, and HTML is not HTML. Forges take
 * "@name", "#12" and "http://" for people, issues and links: an empty comment stands inside.
 */

#include "engine/base/text.h"

/* Bytes of one text that are written; the rest is cut, with "...". */
#define MARKDOWN_TEXT_MAX 600

void markdown_text(struct buf *out, const char *text);
/* "| a | b |" and a line end: n cells, each as markdown_text. */
void markdown_row(struct buf *out, const char *const *cells, size_t n);
/* Title cells and the line below them. Titles are ours: not escaped. */
void markdown_titles(struct buf *out, const char *const *titles, size_t n);

#endif
