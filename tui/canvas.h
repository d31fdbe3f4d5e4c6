/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CANVAS_H
#define SIGNALBOX_TUI_CANVAS_H

/*
 * Canvas: a window into a grid of cells, and the only thing that views draw on.
 *
 * A surface owns the cells. A canvas is a rectangle of it, a plain value: canvas_sub gives a
 * part with its own origin, and nothing can be drawn outside it. Coordinates are cells, (0, 0)
 * is the upper left; what lies outside is clipped, never an error. Drawing is pure: no
 * terminal, no clock, no allocation.
 *
 * Text is expected to be clean (text_clean in engine/base/text.h) when it comes from outside;
 * as a last defence a control character (of format and direction too) or a byte that is no UTF-8 is shown as U+FFFD; half a
 * character, where clean text was cut to fit into something, as "…". On an
 * ASCII surface every glyph of GLYPH_LIST is drawn as its twin, and any other character that
 * is not ASCII as "?", so that views write "→" and need not know.
 *
 * A cell has a role (what it is) and a ground (what lies under it: cursor row, mark, match,
 * popup). The theme makes colours of both.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/compiler.h"
#include "tui/theme.h"

#define CELL_MARKS 3 /* combining marks kept on one character */

struct cell {
    uint32_t rune;              /* 0 = right half of the wide character on the left */
    uint32_t marks[CELL_MARKS]; /* combining marks, 0 = none */
    uint8_t role;               /* enum theme_role */
    uint8_t ground;             /* enum theme_role; ROLE_TEXT = none */
    uint8_t pad[2];             /* zero, so that cells compare with memcmp */
};

/* Glyphs. X(identifier, UTF-8, ASCII twin, help). All are one cell wide on every terminal. */
#define GLYPH_LIST(X)                                                                    \
    X(GLYPH_CURSOR, "▸", '>', "cursor row")                                              \
    X(GLYPH_OK, "✓", '+', "passed")                                                      \
    X(GLYPH_FAIL, "✗", 'x', "failed")                                                    \
    X(GLYPH_RUN, "▶", '>', "runs, or direction")                                         \
    X(GLYPH_TODO, "·", '.', "not yet")                                                   \
    X(GLYPH_CLOSED, "●", '*', "closed, present")                                         \
    X(GLYPH_HALF, "◐", '%', "half-open")                                                 \
    X(GLYPH_OPEN, "○", 'o', "open, absent")                                              \
    X(GLYPH_HIGH, "▲", '^', "high")                                                      \
    X(GLYPH_LOW, "△", '-', "low")                                                        \
    X(GLYPH_BLOCK, "▪", '#', "one workflow")                                             \
    X(GLYPH_LINE, "─", '-', "track")                                                     \
    X(GLYPH_VLINE, "│", '|', "separator")                                                \
    X(GLYPH_CORNER_TL, "┌", '+', "corner")                                               \
    X(GLYPH_CORNER_TR, "┐", '+', "corner")                                               \
    X(GLYPH_CORNER_BL, "└", '+', "corner")                                               \
    X(GLYPH_CORNER_BR, "┘", '+', "corner")                                               \
    X(GLYPH_TEE_L, "├", '+', "tee")                                                      \
    X(GLYPH_TEE_R, "┤", '+', "tee")                                                      \
    X(GLYPH_ARROW_RIGHT, "→", '>', "becomes")                                            \
    X(GLYPH_ARROW_LEFT, "←", '<', "left")                                                \
    X(GLYPH_ARROW_UP, "↑", '^', "up, ascending")                                         \
    X(GLYPH_ARROW_DOWN, "↓", 'v', "down, descending")                                    \
    X(GLYPH_CRUMB, "›", '>', "breadcrumb")                                               \
    X(GLYPH_ELLIPSIS, "…", '~', "text was cut")                                          \
    X(GLYPH_DASH, "–", '-', "unknown value, range")                                      \
    X(GLYPH_PLUSMINUS, "±", '~', "plus or minus")                                        \
    X(GLYPH_TIMES, "×", 'x', "times")                                                    \
    X(GLYPH_BAR1, "▁", '.', "bar 1/8")                                                   \
    X(GLYPH_BAR2, "▂", '.', "bar 2/8")                                                   \
    X(GLYPH_BAR3, "▃", ':', "bar 3/8")                                                   \
    X(GLYPH_BAR4, "▄", ':', "bar 4/8")                                                   \
    X(GLYPH_BAR5, "▅", '|', "bar 5/8")                                                   \
    X(GLYPH_BAR6, "▆", '|', "bar 6/8")                                                   \
    X(GLYPH_BAR7, "▇", '#', "bar 7/8")                                                   \
    X(GLYPH_BAR8, "█", '#', "bar 8/8")                                                   \
    X(GLYPH_LEFT1, "▏", '|', "bar from the left 1/8")                                    \
    X(GLYPH_LEFT2, "▎", '|', "bar from the left 2/8")                                    \
    X(GLYPH_LEFT3, "▍", '|', "bar from the left 3/8")                                    \
    X(GLYPH_LEFT4, "▌", '|', "bar from the left 4/8")                                    \
    X(GLYPH_LEFT5, "▋", '#', "bar from the left 5/8")                                    \
    X(GLYPH_LEFT6, "▊", '#', "bar from the left 6/8")                                    \
    X(GLYPH_LEFT7, "▉", '#', "bar from the left 7/8")                                    \
    X(GLYPH_RIGHT1, "▕", '|', "edge on the right")                                       \
    X(GLYPH_BAD, "\xEF\xBF\xBD", '?', "byte that is no text")

enum glyph {
#define X(id, utf8, ascii, help) id,
    GLYPH_LIST(X)
#undef X
        GLYPH_COUNT
};
const char *glyph_utf8(enum glyph glyph);
char glyph_ascii(enum glyph glyph);
/* The glyph's text for this canvas's kind of terminal. */
const char *glyph_text(enum glyph glyph, bool is_ascii);
/* ASCII character that stands for `rune`: itself, a glyph's twin, else '?'. */
char rune_ascii(uint32_t rune);

struct rect {
    int x, y, w, h;
};

struct surface; /* owns the cells */
NODISCARD struct surface *surface_new(int w, int h, bool is_ascii);
void surface_free(struct surface *surface);                 /* accepts NULL */
void surface_resize(struct surface *surface, int w, int h); /* contents are cleared */
void surface_clear(struct surface *surface); /* spaces, ROLE_TEXT, cursor hidden */
int surface_width(const struct surface *surface);
int surface_height(const struct surface *surface);
bool surface_is_ascii(const struct surface *surface);
const struct cell *surface_row(const struct surface *surface, int y);
/* Where the terminal's cursor shall stand; false = hidden. */
bool surface_cursor(const struct surface *surface, int *ret_x, int *ret_y);
/* For tests: from now on note where a letter or digit is drawn over, with another character. What
 * was filled before (canvas_fill, canvas_popup) is free again. */
void surface_watch_covers(struct surface *surface);
/* How often, and where first; 0 = nowhere. */
int surface_covers(const struct surface *surface, int *ret_x, int *ret_y);
/* For tests: rows as text, right-trimmed, each ended by '\n'; malloc'd. */
NODISCARD char *surface_dump_text(const struct surface *surface);
/* For tests: the roles as a second grid (one letter each, legend below); malloc'd. */
NODISCARD char *surface_dump_roles(const struct surface *surface);

struct canvas {
    struct surface *surface;
    int x0, y0; /* origin on the surface */
    int w, h;
};

struct canvas canvas_of(struct surface *surface); /* all of it */
/* Part of a canvas, clipped to it; may be empty (w or h 0). */
struct canvas canvas_sub(const struct canvas *canvas, struct rect rect);
bool canvas_is_ascii(const struct canvas *canvas);

#define CANVAS_REST (1 << 20) /* width: up to the right edge */

/*
 * Draw one line of text at (x, y) in at most `width` cells. Longer text is cut and ends in
 * "…". Returns the cells used, so that a caller can go on at x + result. A newline ends it.
 */
int canvas_text(const struct canvas *canvas, int x, int y, int width,
                enum theme_role role, const char *text);
int canvas_textn(const struct canvas *canvas, int x, int y, int width,
                 enum theme_role role, const char *text, size_t len);
int canvas_printf(const struct canvas *canvas, int x, int y, int width,
                  enum theme_role role, const char *format, ...) PRINTF_LIKE(6, 7);
/* Text that ends at cell x + width (exclusive): numbers. Cut at the left edge with "…". */
int canvas_right(const struct canvas *canvas, int x, int y, int width,
                 enum theme_role role, const char *text);
int canvas_right_printf(const struct canvas *canvas, int x, int y, int width,
                        enum theme_role role, const char *format, ...) PRINTF_LIKE(6, 7);
/* Text from cell `skip` on (horizontal scrolling): marks what is cut on both sides. */
int canvas_scrolled(const struct canvas *canvas, int x, int y, int width, int skip,
                    enum theme_role role, const char *text, size_t len);
/* Text broken at spaces into rect; newlines are kept. Returns the rows that it needs, which
 * may be more than rect.h (then the last row drawn ends in "…"). */
int canvas_paragraph(const struct canvas *canvas, struct rect rect, enum theme_role role,
                     const char *text);
void canvas_glyph(const struct canvas *canvas, int x, int y, enum theme_role role,
                  enum glyph glyph);
/* `n` times the same glyph to the right. */
void canvas_line(const struct canvas *canvas, int x, int y, int n, enum theme_role role,
                 enum glyph glyph);
/* Spaces with this role. */
void canvas_fill(const struct canvas *canvas, struct rect rect, enum theme_role role);
/* Change only what lies under: cursor row, mark, match, popup. */
void canvas_ground(const struct canvas *canvas, struct rect rect, enum theme_role ground);
/* Frame of something that floats, and its cleared inside; returns the inside. */
struct canvas canvas_popup(const struct canvas *canvas, struct rect rect,
                           const char *title);
/* Horizontal bar of `eighths` / 8 cells; ASCII: '#'. */
void canvas_bar(const struct canvas *canvas, int x, int y, enum theme_role role,
                int eighths);
void canvas_put_cursor(const struct canvas *canvas, int x, int y);

#endif
