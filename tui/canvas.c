/* SPDX-License-Identifier: MIT */
#include "tui/canvas.h"

#include <stdarg.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

struct surface {
    int w, h;
    bool is_ascii;
    bool has_cursor;
    int cursor_x, cursor_y;
    bool is_watched; /* for text drawn over text */
    int n_covers, cover_x, cover_y;
    struct cell *cells; /* w * h */
};

struct glyph_row {
    const char *utf8;
    char ascii[2];
};

/* clang-format off */
static const struct glyph_row glyphs[GLYPH_COUNT] = {
#define X(id, utf8, ascii, help) [id] = {utf8, {ascii, '\0'}},
    GLYPH_LIST(X)
#undef X
};
/* clang-format on */

static const struct cell blank = {.rune = ' '};

const char *glyph_utf8(enum glyph glyph)
{
    return glyphs[glyph].utf8;
}

char glyph_ascii(enum glyph glyph)
{
    return glyphs[glyph].ascii[0];
}

const char *glyph_text(enum glyph glyph, bool is_ascii)
{
    return is_ascii ? glyphs[glyph].ascii : glyphs[glyph].utf8;
}

static uint32_t glyph_rune(enum glyph glyph)
{
    uint32_t rune = TEXT_REPLACEMENT;
    (void)text_decode(glyphs[glyph].utf8, 4, &rune); /* a literal of this file */
    return rune;
}

char rune_ascii(uint32_t rune)
{
    if (rune < 0x7F) {
        return rune < 0x20 ? '?' : (char)rune;
    }
    for (int i = 0; i < GLYPH_COUNT; i++) {
        if (glyph_rune((enum glyph)i) == rune) {
            return glyphs[i].ascii[0];
        }
    }
    if (rune == 0x2018 || rune == 0x2019) {
        return '\'';
    }
    if (rune == 0x201C || rune == 0x201D) {
        return '"';
    }
    if (rune >= 0x2010 && rune <= 0x2015) {
        return '-';
    }
    if (rune == 0xA0) {
        return ' ';
    }
    if (rune >= 0x2500 && rune <= 0x257F) {
        return '+'; /* other box drawing, in output of programs */
    }
    return rune == 0x2022 ? '*' : '?';
}

/* ---- surface ---- */

struct surface *surface_new(int w, int h, bool is_ascii)
{
    struct surface *surface = mem_alloc(sizeof(*surface));
    surface->is_ascii = is_ascii;
    surface_resize(surface, w, h);
    return surface;
}

void surface_free(struct surface *surface)
{
    if (surface != NULL) {
        free(surface->cells);
        free(surface);
    }
}

void surface_resize(struct surface *surface, int w, int h)
{
    surface->w = w > 0 ? w : 0;
    surface->h = h > 0 ? h : 0;
    free(surface->cells);
    surface->cells =
        mem_array((size_t)surface->w * (size_t)surface->h + 1, sizeof(blank));
    surface_clear(surface);
}

void surface_clear(struct surface *surface)
{
    size_t n = (size_t)surface->w * (size_t)surface->h;
    for (size_t i = 0; i < n; i++) {
        surface->cells[i] = blank;
    }
    surface->has_cursor = false;
}

int surface_width(const struct surface *surface)
{
    return surface->w;
}

int surface_height(const struct surface *surface)
{
    return surface->h;
}

bool surface_is_ascii(const struct surface *surface)
{
    return surface->is_ascii;
}

void surface_watch_covers(struct surface *surface)
{
    surface->is_watched = true;
    surface->n_covers = 0;
}

int surface_covers(const struct surface *surface, int *ret_x, int *ret_y)
{
    *ret_x = surface->cover_x;
    *ret_y = surface->cover_y;
    return surface->n_covers;
}

static struct cell *row_of(const struct surface *surface, int y)
{
    return surface->cells + (size_t)y * (size_t)surface->w;
}

const struct cell *surface_row(const struct surface *surface, int y)
{
    return row_of(surface, y);
}

bool surface_cursor(const struct surface *surface, int *ret_x, int *ret_y)
{
    if (surface->has_cursor) {
        *ret_x = surface->cursor_x;
        *ret_y = surface->cursor_y;
    }
    return surface->has_cursor;
}

/* ---- canvas ---- */

struct canvas canvas_of(struct surface *surface)
{
    return (struct canvas){.surface = surface, .w = surface->w, .h = surface->h};
}

/* [*at, *at + *len) cut to [0, max). */
static void clip(int *at, int *len, int max)
{
    if (*len < 0) {
        *len = 0;
    }
    if (*at < 0) {
        *len = *len > -*at ? *len + *at : 0;
        *at = 0;
    }
    if (*at > max) {
        *at = max;
    }
    if (*len > max - *at) {
        *len = max - *at;
    }
}

static void clip_rect(const struct canvas *canvas, struct rect *rect)
{
    clip(&rect->x, &rect->w, canvas->w);
    clip(&rect->y, &rect->h, canvas->h);
}

struct canvas canvas_sub(const struct canvas *canvas, struct rect rect)
{
    clip_rect(canvas, &rect);
    return (struct canvas){.surface = canvas->surface,
                           .x0 = canvas->x0 + rect.x,
                           .y0 = canvas->y0 + rect.y,
                           .w = rect.w,
                           .h = rect.h};
}

bool canvas_is_ascii(const struct canvas *canvas)
{
    return canvas->surface->is_ascii;
}

void canvas_put_cursor(const struct canvas *canvas, int x, int y)
{
    if (x >= 0 && x < canvas->w && y >= 0 && y < canvas->h) {
        canvas->surface->has_cursor = true;
        canvas->surface->cursor_x = canvas->x0 + x;
        canvas->surface->cursor_y = canvas->y0 + y;
    }
}

/* Before cell x of a row gets new content: no half of a wide character may stay behind.
 */
static void part_wide(const struct surface *surface, struct cell *row, int x)
{
    if (row[x].rune == 0 && x > 0) {
        row[x - 1].rune = ' ';
        row[x].rune = ' ';
    } else if (x + 1 < surface->w && row[x + 1].rune == 0) {
        row[x + 1].rune = ' ';
    }
}

static bool is_alnum(uint32_t rune)
{
    return (rune >= '0' && rune <= '9') || (rune >= 'A' && rune <= 'Z') ||
           (rune >= 'a' && rune <= 'z') || text_rune_cells(rune) == 2;
}

static void note_cover(struct surface *surface, int x, int y, uint32_t rune)
{
    uint32_t old = row_of(surface, y)[x].rune;
    if (old == rune || rune == 0x2026 || !is_alnum(old)) { /* "…": cut on purpose */
        return;
    }
    if (surface->n_covers++ == 0) {
        surface->cover_x = x;
        surface->cover_y = y;
    }
}

/* One character at (x, y) of the canvas, which the caller knows to be inside. */
static void put(const struct canvas *canvas, int x, int y, enum theme_role role,
                uint32_t rune, int cells)
{
    const struct surface *surface = canvas->surface;
    struct cell *row = row_of(surface, canvas->y0 + y);
    int at = canvas->x0 + x;
    if (surface->is_ascii) {
        rune = (unsigned char)rune_ascii(rune);
    } else if (cells == 2 && x + 1 >= canvas->w) {
        rune = ' '; /* no room for the other half */
    }
    if (surface->is_watched) {
        note_cover(canvas->surface, at, canvas->y0 + y, rune);
    }
    for (int i = 0; i < cells && x + i < canvas->w; i++) {
        part_wide(surface, row, at + i);
        uint8_t ground = row[at + i].ground;
        row[at + i] = blank;
        row[at + i].role = (uint8_t)role;
        row[at + i].ground = ground;
    }
    row[at].rune = rune;
    if (cells == 2 && rune != ' ' && !surface->is_ascii) {
        row[at + 1].rune = 0;
    }
}

static void put_mark(const struct canvas *canvas, int x, int y, uint32_t mark)
{
    struct cell *cell = row_of(canvas->surface, canvas->y0 + y) + canvas->x0 + x;
    if (canvas->surface->is_ascii) {
        return;
    }
    for (int i = 0; i < CELL_MARKS; i++) {
        if (cell->marks[i] == 0) {
            cell->marks[i] = mark;
            return;
        }
    }
}

/* Bytes of a character of which the end is missing, 0 = it is none: clean text was cut there to
 * fit into something. */
static size_t cut_len(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];
    size_t whole = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    size_t n = 1;
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    while (n < len && n < whole && ((unsigned char)text[n] & 0xC0) == 0x80) {
        n++;
    }
    return n < whole ? n : 0;
}

/* Next character of text; a bad byte or control character becomes U+FFFD, half a character "…". */
static size_t next_rune(const char *text, size_t len, uint32_t *ret_rune, int *ret_cells)
{
    size_t n = text_decode(text, len, ret_rune);
    if (n == 0) {
        n = cut_len(text, len);
        *ret_rune = n > 0 ? 0x2026 : TEXT_REPLACEMENT;
        n = n > 0 ? n : 1;
    } else if (*ret_rune < 0x20 || (*ret_rune >= 0x7F && *ret_rune < 0xA0)) {
        *ret_rune = TEXT_REPLACEMENT;
    } else if (*ret_rune >= 0xAD && (*ret_rune < 0x2070 || *ret_rune > 0x3163) &&
               text_rune_is_hidden(*ret_rune)) { /* not between: nearly all of ours are */
        *ret_rune = TEXT_REPLACEMENT;
    }
    *ret_cells = text_rune_cells(*ret_rune);
    return n;
}

/* Draw whole characters that fit in `width` cells; those left of the canvas are skipped.
 * Returns the cells passed over. */
static int put_text(const struct canvas *canvas, int x, int y, int width,
                    enum theme_role role, const char *text, size_t len)
{
    int used = 0;
    int last = -1; /* where a mark belongs */
    for (size_t at = 0; at < len;) {
        uint32_t rune;
        int cells;
        at += next_rune(text + at, len - at, &rune, &cells);
        if (used + cells > width) {
            break;
        }
        int here = x + used;
        if (cells == 0) {
            if (last >= 0) {
                put_mark(canvas, last, y, rune);
            }
        } else {
            last = -1;
            if (here >= 0 && here < canvas->w) {
                put(canvas, here, y, role, rune, cells);
                last = here;
            } else if (here == -1 && cells == 2) {
                put(canvas, 0, y, role, ' ', 1);
            }
        }
        used += cells;
    }
    return used;
}

/* Cells of text, but no more than needed to know that it is wider than `limit`. */
static int cells_up_to(const char *text, size_t len, int limit)
{
    int used = 0;
    for (size_t at = 0; at < len && used <= limit;) {
        uint32_t rune;
        int cells;
        at += next_rune(text + at, len - at, &rune, &cells);
        used += cells;
    }
    return used;
}

static size_t line_len(const char *text, size_t len)
{
    const char *end = memchr(text, '\n', len);
    return end != NULL ? (size_t)(end - text) : len;
}

int canvas_textn(const struct canvas *canvas, int x, int y, int width,
                 enum theme_role role, const char *text, size_t len)
{
    if (x >= canvas->w || y < 0 || y >= canvas->h || width <= 0 || x < -CANVAS_REST) {
        return 0;
    }
    if (width > canvas->w - x) {
        width = canvas->w - x;
    }
    len = line_len(text, len);
    if (cells_up_to(text, len, width) <= width) {
        return put_text(canvas, x, y, width, role, text, len);
    }
    int used = put_text(canvas, x, y, width - 1, role, text, len);
    canvas_glyph(canvas, x + used, y, role, GLYPH_ELLIPSIS);
    return used + 1;
}

int canvas_text(const struct canvas *canvas, int x, int y, int width,
                enum theme_role role, const char *text)
{
    return canvas_textn(canvas, x, y, width, role, text, strlen(text));
}

#define PRINTF_MAX 1024 /* bytes of one formatted line; more is wider than a screen */

int canvas_printf(const struct canvas *canvas, int x, int y, int width,
                  enum theme_role role, const char *format, ...)
{
    char text[PRINTF_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return len < 0 ? 0 : canvas_text(canvas, x, y, width, role, text);
}

int canvas_right(const struct canvas *canvas, int x, int y, int width,
                 enum theme_role role, const char *text)
{
    if (width <= 0) {
        return 0;
    }
    int cells = cells_up_to(text, strlen(text), width);
    int start = cells < width ? width - cells : 0;
    return canvas_text(canvas, x + start, y, width - start, role, text);
}

int canvas_right_printf(const struct canvas *canvas, int x, int y, int width,
                        enum theme_role role, const char *format, ...)
{
    char text[PRINTF_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return len < 0 ? 0 : canvas_right(canvas, x, y, width, role, text);
}

int canvas_scrolled(const struct canvas *canvas, int x, int y, int width, int skip,
                    enum theme_role role, const char *text, size_t len)
{
    if (width > canvas->w - x) {
        width = canvas->w - x;
    }
    if (width <= 0 || y < 0 || y >= canvas->h) {
        return 0;
    }
    len = line_len(text, len);
    size_t from = skip > 0 ? text_fit(text, len, skip) : 0;
    int passed = skip > 0 ? text_cells(text, from) : 0;
    struct canvas window = canvas_sub(canvas, (struct rect){x, y, width, 1});
    /* A wide character may stand across the edge: it starts one cell before the window.
     */
    int used = canvas_textn(&window, passed - (skip > 0 ? skip : 0), 0, CANVAS_REST, role,
                            text + from, len - from);
    if (skip > 0 && len > 0) {
        canvas_glyph(&window, 0, 0, role, GLYPH_ELLIPSIS);
    }
    return used < width ? used : width;
}

/* Bytes of the next line when text is broken at spaces; *ret_next is where the one after
 * it starts. */
static size_t break_line(const char *text, size_t len, int width, size_t *ret_next)
{
    size_t line = line_len(text, len);
    size_t fit = text_fit(text, line, width);
    if (fit == line) {
        *ret_next = line < len ? line + 1 : len;
        return line;
    }
    size_t space = fit;
    while (space > 0 && text[space] != ' ') {
        space--;
    }
    if (space == 0) { /* one word is wider than the line */
        if (fit == 0) {
            uint32_t rune;
            int cells;
            fit = next_rune(text, len, &rune, &cells);
        }
        *ret_next = fit;
        return fit;
    }
    *ret_next = space;
    while (*ret_next < line && text[*ret_next] == ' ') {
        (*ret_next)++;
    }
    return space;
}

int canvas_paragraph(const struct canvas *canvas, struct rect rect, enum theme_role role,
                     const char *text)
{
    struct canvas part = canvas_sub(canvas, rect);
    size_t len = strlen(text);
    int rows = 0;
    if (rect.w <= 0) {
        return 0;
    }
    for (size_t at = 0; at < len;) {
        size_t next;
        size_t n = break_line(text + at, len - at, rect.w, &next);
        if (rows == part.h - 1 && at + next < len) {
            int used = put_text(&part, 0, rows, part.w - 1, role, text + at, n);
            canvas_glyph(&part, used, rows, role, GLYPH_ELLIPSIS);
        } else {
            (void)canvas_textn(&part, 0, rows, part.w, role, text + at, n);
        }
        rows++;
        at += next;
    }
    return rows;
}

void canvas_glyph(const struct canvas *canvas, int x, int y, enum theme_role role,
                  enum glyph glyph)
{
    if (x >= 0 && x < canvas->w && y >= 0 && y < canvas->h) {
        put(canvas, x, y, role, glyph_rune(glyph), 1);
    }
}

void canvas_line(const struct canvas *canvas, int x, int y, int n, enum theme_role role,
                 enum glyph glyph)
{
    clip(&x, &n, canvas->w);
    for (int i = 0; i < n; i++) {
        canvas_glyph(canvas, x + i, y, role, glyph);
    }
}

void canvas_fill(const struct canvas *canvas, struct rect rect, enum theme_role role)
{
    bool is_watched = canvas->surface->is_watched;
    canvas->surface->is_watched = false; /* it is cleared on purpose */
    clip_rect(canvas, &rect);
    for (int y = rect.y; y < rect.y + rect.h; y++) {
        struct cell *row = row_of(canvas->surface, canvas->y0 + y) + canvas->x0;
        for (int x = rect.x; x < rect.x + rect.w; x++) {
            row[x].ground = ROLE_TEXT;
            put(canvas, x, y, role, ' ', 1);
        }
    }
    canvas->surface->is_watched = is_watched;
}

void canvas_ground(const struct canvas *canvas, struct rect rect, enum theme_role ground)
{
    clip_rect(canvas, &rect);
    for (int y = rect.y; y < rect.y + rect.h; y++) {
        struct cell *row = row_of(canvas->surface, canvas->y0 + y) + canvas->x0;
        for (int x = rect.x; x < rect.x + rect.w; x++) {
            row[x].ground = (uint8_t)ground;
        }
    }
}

struct canvas canvas_popup(const struct canvas *canvas, struct rect rect,
                           const char *title)
{
    canvas_fill(canvas, rect, ROLE_POPUP);
    canvas_ground(canvas, rect, ROLE_POPUP);
    int right = rect.x + rect.w - 1;
    int bottom = rect.y + rect.h - 1;
    canvas_line(canvas, rect.x, rect.y, rect.w, ROLE_POPUP_BORDER, GLYPH_LINE);
    canvas_line(canvas, rect.x, bottom, rect.w, ROLE_POPUP_BORDER, GLYPH_LINE);
    for (int y = rect.y; y <= bottom; y++) {
        canvas_glyph(canvas, rect.x, y, ROLE_POPUP_BORDER, GLYPH_VLINE);
        canvas_glyph(canvas, right, y, ROLE_POPUP_BORDER, GLYPH_VLINE);
    }
    canvas_glyph(canvas, rect.x, rect.y, ROLE_POPUP_BORDER, GLYPH_CORNER_TL);
    canvas_glyph(canvas, right, rect.y, ROLE_POPUP_BORDER, GLYPH_CORNER_TR);
    canvas_glyph(canvas, rect.x, bottom, ROLE_POPUP_BORDER, GLYPH_CORNER_BL);
    canvas_glyph(canvas, right, bottom, ROLE_POPUP_BORDER, GLYPH_CORNER_BR);
    if (title[0] != '\0' && rect.w > 8) {
        int used =
            canvas_text(canvas, rect.x + 3, rect.y, rect.w - 6, ROLE_POPUP_TITLE, title);
        (void)canvas_text(canvas, rect.x + 2, rect.y, 1, ROLE_POPUP_TITLE, " ");
        (void)canvas_text(canvas, rect.x + 3 + used, rect.y, 1, ROLE_POPUP_TITLE, " ");
    }
    return canvas_sub(canvas,
                      (struct rect){rect.x + 2, rect.y + 1, rect.w - 4, rect.h - 2});
}

void canvas_bar(const struct canvas *canvas, int x, int y, enum theme_role role,
                int eighths)
{
    int whole = eighths / 8;
    canvas_line(canvas, x, y, whole, role, GLYPH_BAR8);
    if (eighths % 8 > 0) {
        canvas_glyph(canvas, x + whole, y, role,
                     (enum glyph)(GLYPH_LEFT1 + eighths % 8 - 1));
    }
}
