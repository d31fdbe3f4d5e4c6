/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_TEXT_H
#define SIGNALBOX_BASE_TEXT_H

/*
 * Text: UTF-8, terminal cells, and making text from outside harmless.
 *
 * Text from outside (agent output, task texts, file names, branch names) is data. Before it
 * reaches a terminal it goes through text_clean: control bytes, escape sequences, bidi
 * controls and zero-width characters that change other cells are replaced, never executed.
 * Width is in terminal cells after Unicode East Asian Width (UAX #11), ambiguous = 1.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/compiler.h"

#define TEXT_REPLACEMENT 0xFFFD

/* Decode one scalar value at text[0..len): bytes used, or 0 when it is no valid UTF-8
 * (RFC 3629: no surrogates, no overlong forms) or len is 0. */
size_t text_decode(const char *text, size_t len, uint32_t *ret_rune);
/* Encode; returns 1 to 4 bytes written to out. */
size_t text_encode(uint32_t rune, char out[4]);
bool text_is_utf8(const char *text, size_t len);

/* Cells of one character: 0 combining, 1, or 2. Control characters give 0. */
int text_rune_cells(uint32_t rune);
/* Has it no cell of its own, yet changes others or hides (bidi and other format controls), or can no
 * font show it (private use, noncharacters)? text_clean replaces those. */
bool text_rune_is_hidden(uint32_t rune);
/* Cells of clean text. */
int text_cells(const char *text, size_t len);
/* Bytes of the longest prefix of clean text that fits in `cells`, whole characters with their
 * combining marks only. */
size_t text_fit(const char *text, size_t len, int cells);

enum text_lines { TEXT_ONE_LINE, TEXT_KEEP_NEWLINES };

/*
 * Append text[0..len) to out, harmless: whole escape sequences (ECMA-48 CSI, OSC, DCS and the
 * like) are dropped, tabs become spaces up to the next multiple of 8 (one space for
 * TEXT_ONE_LINE), other control characters, bidi controls (UAX #9), zero width characters
 * other than combining marks, line/paragraph separators, private use and unassigned
 * noncharacters become U+FFFD, bad bytes become U+FFFD each. CR before LF is dropped, a lone
 * CR starts the line again (what a terminal would show). Newlines become a space for
 * TEXT_ONE_LINE. At most 8 combining marks follow one character.
 */
void text_clean(struct buf *out, const char *text, size_t len, enum text_lines lines);
/* Same into a fixed buffer, always NUL-terminated, cut at a whole character. */
const char *text_clean_into(char *out, size_t cap, const char *text);

/* Half a character at the end goes, as snprintf(3) leaves one where it ran out of room. Returns text. */
char *text_whole(char *text);
/* Append to the string in out; what has no room is left out, and never half a character. */
void text_add(char *out, size_t cap, const char *format, ...) PRINTF_LIKE(3, 4);

/* Shorten clean text to `cells` with "…" (or "~" when is_ascii) at the end; out holds at least
 * cells * 4 + 4 bytes. Returns out. */
const char *text_ellipsis(char *out, size_t cap, const char *text, int cells,
                          bool is_ascii);

#endif
