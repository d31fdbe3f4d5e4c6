/* SPDX-License-Identifier: MIT */
#include "tui/widget/pager.h"

#include <ctype.h>
#include <inttypes.h>

#include "engine/base/text.h"
#include "tui/widget/look.h"

#define SIDE_STEP 16 /* cells per step to the side */

void pager_init(struct pager *pager)
{
    *pager = (struct pager){.mark = -1};
}

/* ---- finding
 * --------------------------------------------------------------------------------------
 */

static int lower(char c)
{
    return tolower((unsigned char)c);
}

/* Offset of `what` in text[0..len) from `from` on, or len. */
static size_t find_in(const char *text, size_t len, size_t from, const char *what)
{
    size_t n = strlen(what);
    for (size_t at = from; n > 0 && at + n <= len; at++) {
        size_t i = 0;
        while (i < n && lower(text[at + i]) == lower(what[i]))
            i++;
        if (i == n)
            return at;
    }
    return len;
}

int64_t pager_find(const struct pager *pager, int64_t from, int direction,
                   int64_t n_lines, pager_line_fn *line, const void *user)
{
    char scratch[PAGER_LINE_MAX];
    if (pager->find[0] == '\0')
        return -1;
    for (int64_t done = 0; done < n_lines; done++) {
        int64_t index = (from + direction * done) % n_lines;
        if (index < 0)
            index += n_lines;
        struct pager_line at;
        if (line(user, index, &at, scratch) &&
            find_in(at.text, at.len, 0, pager->find) < at.len)
            return index;
    }
    return -1;
}

/* ---- drawing
 * --------------------------------------------------------------------------------------
 */

/* Marks every match in a clean text of which cells [skip, skip + width) stand at (x, y).
 */
static void mark_matches(const struct canvas *canvas, int x, int y, int width, int skip,
                         const char *text, size_t len, const char *what)
{
    size_t n = strlen(what);
    for (size_t at = find_in(text, len, 0, what); at < len;
         at = find_in(text, len, at + n, what)) {
        int cell = text_cells(text, at) - skip;
        int cells = text_cells(text + at, n);
        if (cell < 0) {
            cells += cell;
            cell = 0;
        }
        if (cell + cells > width)
            cells = width - cell;
        if (cells > 0)
            canvas_ground(canvas, (struct rect){x + cell, y, cells, 1}, ROLE_MATCH);
    }
}

static int number_width(const struct pager *pager, int64_t n_lines)
{
    int width = 3;
    if (pager->number_max > n_lines)
        n_lines = pager->number_max;
    for (int64_t n = n_lines; n >= 1000; n /= 10)
        width++;
    return width;
}

/* Cells in front of the text of a line. */
static int text_start(const struct pager_line *line, int digits)
{
    return 2 + (line->number != 0 ? digits + 2 : 0) + (line->sign != '\0' ? 2 : 0);
}

/* Bytes of clean text that one row takes. */
static size_t row_of(const char *text, size_t len, int width)
{
    size_t fit = text_fit(text, len, width);
    return fit > 0 ? fit : len; /* not even one character fits */
}

static void mark_both(const struct canvas *canvas, int x, int y, int width, int skip,
                      const struct pager *pager, const char *text, size_t len)
{
    mark_matches(canvas, x, y, width, skip, text, len, pager->also);
    mark_matches(canvas, x, y, width, skip, text, len, pager->find);
}

/* Draws one line from row y on, without its first `above` rows, and returns the rows that it
 * took. */
static int draw_line(const struct canvas *canvas, int x, int y, const struct pager *pager,
                     const struct pager_line *line, struct buf *clean, int above)
{
    int width = canvas->w - x;
    buf_clear(clean);
    text_clean(clean, line->text, line->len, TEXT_KEEP_NEWLINES);
    const char *text = clean->data;
    size_t len = clean->len;
    if (!pager->is_wrapped) {
        canvas_scrolled(canvas, x, y, width, pager->skip, line->role, text, len);
        mark_both(canvas, x, y, width, pager->skip, pager, text, len);
        return 1;
    }
    int rows = 0;
    do {
        size_t fit = row_of(text, len, width);
        if (above-- <= 0) {
            canvas_textn(canvas, x, y + rows, width, line->role, text, fit);
            mark_both(canvas, x, y + rows, width, 0, pager, text, fit);
            rows++;
        }
        text += fit;
        len -= fit;
    } while (len > 0 && y + rows < canvas->h);
    return rows;
}

void pager_draw(const struct canvas *canvas, const struct pager *pager, int64_t n_lines,
                pager_line_fn *line, const void *user)
{
    char scratch[PAGER_LINE_MAX];
    AUTO_BUF struct buf clean = {0};
    buf_init(&clean, 4 * PAGER_LINE_MAX);
    int digits = number_width(pager, n_lines);
    for (int y = 0, i = 0; y < canvas->h && pager->top + i < n_lines; i++) {
        struct pager_line at = {.role = ROLE_TEXT};
        if (!line(user, pager->top + i, &at, scratch)) {
            y++;
            continue;
        }
        int x = text_start(&at, digits), above = i == 0 ? pager->inner : 0;
        if (at.number > 0 && above == 0)
            canvas_right_printf(canvas, 2, y, digits, ROLE_LOG_STAMP, "%" PRId64,
                                at.number);
        if (at.sign != '\0')
            canvas_textn(canvas, x - 2, y, 1, at.role, &at.sign, 1);
        if (at.len > PAGER_LINE_MAX)
            at.len = PAGER_LINE_MAX;
        if (pager->top + i == pager->mark)
            canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
        y += draw_line(canvas, x, y, pager, &at, &clean, above);
    }
}

/* ---- measuring ----------------------------------------------------------------------- */

struct ruler {
    int w, digits;
    pager_line_fn *line;
    const void *user;
    struct buf clean;
    char scratch[PAGER_LINE_MAX];
};

static int rows_of(struct ruler *ruler, int64_t index)
{
    struct pager_line at = {.role = ROLE_TEXT};
    if (!ruler->line(ruler->user, index, &at, ruler->scratch))
        return 1;
    int width = ruler->w - text_start(&at, ruler->digits), rows = 0;
    buf_clear(&ruler->clean);
    text_clean(&ruler->clean, at.text, at.len < PAGER_LINE_MAX ? at.len : PAGER_LINE_MAX,
               TEXT_KEEP_NEWLINES);
    const char *text = ruler->clean.data;
    size_t len = ruler->clean.len;
    do {
        size_t fit = row_of(text, len, width);
        text += fit;
        len -= fit;
        rows++;
    } while (len > 0);
    return rows;
}

/* Whole lines from `index` on (by -1: backwards) that fit into rows; at least one. */
static int lines_in(struct ruler *ruler, int64_t index, int by, int64_t n_lines, int rows)
{
    int n = 0;
    for (; index >= 0 && index < n_lines && rows > 0; index += by) {
        rows -= rows_of(ruler, index);
        n += rows >= 0;
    }
    return n > 0 ? n : 1;
}

void pager_measure(struct pager *pager, int w, int height, int64_t n_lines,
                   pager_line_fn *line, const void *user)
{
    struct pager_measure *measure = &pager->measure;
    *measure = (struct pager_measure){0};
    if (!pager->is_wrapped || n_lines == 0) {
        pager->inner = 0;
        return;
    }
    struct ruler *ruler = mem_alloc(sizeof *ruler);
    ruler->w = w;
    ruler->digits = number_width(pager, n_lines);
    ruler->line = line;
    ruler->user = user;
    buf_init(&ruler->clean, 4 * PAGER_LINE_MAX);
    int left = height;
    while (left > 0 && measure->tail < n_lines)
        left -= rows_of(ruler, n_lines - ++measure->tail);
    measure->hide = left < 0 ? -left : 0;
    measure->rows = pager->top < n_lines ? rows_of(ruler, pager->top) : 1;
    measure->page = lines_in(ruler, pager->top, 1, n_lines, height + pager->inner);
    measure->back = lines_in(ruler, pager->top - 1, -1, n_lines, height);
    measure->before = pager->top > 0 ? rows_of(ruler, pager->top - 1) : 0;
    buf_fini(&ruler->clean);
    free(ruler);
}

/* ---- scrolling
 * -------------------------------------------------------------------------------------
 */

void pager_clamp(struct pager *pager, int64_t n_lines, int height)
{
    bool is_measured = pager->is_wrapped && pager->measure.tail > 0;
    int64_t last = n_lines - (is_measured ? pager->measure.tail : height);
    int hide = is_measured ? pager->measure.hide : 0;
    if (pager->top > last || pager->is_at_end ||
        (pager->top == last && pager->inner > hide)) {
        pager->top = last;
        pager->inner = hide;
    }
    if (pager->top < 0)
        pager->top = 0;
    if (pager->skip < 0)
        pager->skip = 0;
}

/* Down within the line at the top, when it is taller than the screen; false: to the next. */
static bool move_inside(struct pager *pager, int rows, int height)
{
    int most = pager->measure.rows - height;
    if (!pager->is_wrapped || most <= 0)
        return false;
    if (rows > 0 ? pager->inner >= most : pager->inner <= 0)
        return false;
    pager->inner += rows;
    pager->inner = pager->inner > most ? most : pager->inner < 0 ? 0 : pager->inner;
    return true;
}

static void move(struct pager *pager, int by, int page, int height)
{
    if (move_inside(pager, by * page, height))
        return;
    const struct pager_measure *measure = &pager->measure;
    bool is_measured = pager->is_wrapped && measure->tail > 0;
    if (page > 1 && is_measured)
        page = by > 0 ? measure->page : measure->back;
    pager->top += (int64_t)by * page;
    pager->inner = 0;
    if (by < 0 && is_measured && page == 1 && measure->before > height)
        pager->inner = measure->before - height;
}

bool pager_action(struct pager *pager, enum action action, int64_t n_lines, int height)
{
    int page = height > 2 ? height - 1 : 1;
    bool was_at_end = pager->is_at_end;
    pager->is_at_end = false;
    switch (action) {
    case ACTION_ROW_DOWN:
        move(pager, 1, 1, height);
        break;
    case ACTION_ROW_UP:
        move(pager, -1, 1, height);
        break;
    case ACTION_PAGE_DOWN:
        move(pager, 1, page, height);
        break;
    case ACTION_PAGE_UP:
        move(pager, -1, page, height);
        break;
    case ACTION_TOP:
        pager->top = 0;
        pager->inner = 0;
        break;
    case ACTION_END:
        pager->is_at_end = true;
        break;
    case ACTION_LEFT:
        pager->skip -= SIDE_STEP;
        pager->is_at_end = was_at_end;
        break;
    case ACTION_RIGHT:
        if (!pager->is_wrapped && pager->skip < PAGER_LINE_MAX)
            pager->skip += SIDE_STEP;
        pager->is_at_end = was_at_end;
        break;
    case ACTION_WRAP:
        pager->is_wrapped = !pager->is_wrapped;
        pager->is_at_end = was_at_end;
        pager->skip = 0;
        pager->inner = 0;
        pager->measure = (struct pager_measure){0};
        break;
    default:
        pager->is_at_end = was_at_end;
        return false;
    }
    pager_clamp(pager, n_lines, height);
    return true;
}

void pager_show(struct pager *pager, int64_t index, int64_t n_lines, int height)
{
    pager->mark = index;
    pager->is_at_end = false;
    pager->inner = 0;
    int page =
        pager->is_wrapped && pager->measure.page > 0 ? pager->measure.page : height;
    if (index < pager->top || index >= pager->top + page)
        pager->top = index - page / 3;
    pager_clamp(pager, n_lines, height);
}

/* Row of a wrapped clean text in which the byte `at` stands. */
static int row_with(const char *text, size_t len, size_t at, int width)
{
    int row = 0;
    for (size_t fit = row_of(text, len, width); fit <= at && fit < len;
         fit = row_of(text, len, width)) {
        text += fit;
        len -= fit;
        at -= fit;
        row++;
    }
    return row;
}

static void reveal(struct pager *pager, int width, int height, const struct buf *clean,
                   size_t at)
{
    int cell = text_cells(clean->data, at);
    int cells = text_cells(clean->data + at, strlen(pager->find));
    if (pager->is_wrapped) {
        int row = row_with(clean->data, clean->len, at, width);
        if (row >= height) {
            pager->top = pager->mark;
            pager->inner = row - height / 3;
        }
    } else if (cell < pager->skip || cell + cells > pager->skip + width) {
        int skip = cell + cells > width ? cell - width / 3 : 0;
        pager->skip = (skip > 0 ? skip : 0) / SIDE_STEP * SIDE_STEP;
    }
}

bool pager_reveal(struct pager *pager, int w, int height, int64_t n_lines,
                  pager_line_fn *line, const void *user)
{
    AUTO_FREE char *scratch = mem_alloc(PAGER_LINE_MAX);
    AUTO_BUF struct buf clean = {0};
    struct pager_line at = {.role = ROLE_TEXT};
    if (pager->mark < 0 || pager->find[0] == '\0')
        return true;
    if (!line(user, pager->mark, &at, scratch))
        return false;
    buf_init(&clean, 4 * PAGER_LINE_MAX);
    text_clean(&clean, at.text, at.len < PAGER_LINE_MAX ? at.len : PAGER_LINE_MAX,
               TEXT_KEEP_NEWLINES);
    int width = w - text_start(&at, number_width(pager, n_lines)) - 1; /* the ellipsis */
    size_t found = find_in(clean.data, clean.len, 0, pager->find);
    if (found < clean.len)
        reveal(pager, width, height, &clean, found);
    return true;
}

const char *pager_position(const struct pager *pager, int64_t n_lines, int height,
                           char *text, size_t cap)
{
    char last[CLOCK_TEXT_MAX], all[CLOCK_TEXT_MAX];
    int shown =
        pager->is_wrapped && pager->measure.page > 0 ? pager->measure.page : height;
    int64_t end = pager->top + shown < n_lines ? pager->top + shown : n_lines;
    (void)snprintf(text, cap, "%s of %s %s", look_count(end, last),
                   look_count(n_lines, all), n_lines == 1 ? "line" : "lines");
    return text;
}
