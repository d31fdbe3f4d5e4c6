/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_PAINT_H
#define SIGNALBOX_TUI_PAINT_H

/*
 * Paint: the fewest bytes that turn what the terminal shows into a surface.
 *
 * Pure: cells in, bytes out (ECMA-48), so that it is tested against a terminal emulator in
 * memory. It remembers what the terminal shows, in which style it writes and where its cursor
 * stands. After a character whose width terminals disagree about, and after the last column,
 * the cursor is placed anew, so that one wrong width cannot shift the rest of a row.
 *
 * Why not curses' own refresh: it writes in pieces of at most 2,800 bytes, so that a frame
 * is several writes, knows neither synchronized output nor 24-bit colour without another
 * TERM, and needs more bytes (see tests/unit/test_paint.c).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "tui/canvas.h"
#include "tui/theme.h"

#define PAINT_FRAME_MAX (4 * 1024 * 1024) /* bytes of one frame */

/* What the terminal can do, as far as it changes the bytes. */
struct paint_caps {
    enum colour_depth depth;
    uint8_t attrs;        /* ATTR_ bits that it knows */
    bool has_bce;         /* erased cells take the background colour */
    bool has_ech;         /* CSI n X */
    bool wraps_late;      /* xenl: the last cell of the screen can be written */
    bool has_cursor_mode; /* DECTCEM: the cursor can be hidden */
    bool has_sync;        /* DECSET 2026: a frame appears at once */
};

struct painter;
NODISCARD struct painter *painter_new(void);
void painter_free(struct painter *painter); /* accepts NULL */
/* Nothing is known of what the terminal shows: the next frame clears it. */
void painter_forget(struct painter *painter);
/* Append the bytes of one frame to out (nothing when nothing changed). Returns how many cells
 * changed. theme: already degraded to caps->depth. */
size_t painter_show(struct painter *painter, const struct surface *surface,
                    const struct theme *theme, const struct paint_caps *caps,
                    struct buf *out);

#endif
