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

static int number_width(int64_t n_lines)
{
    int width = 3;
    for (int64_t n = n_lines; n >= 1000; n /= 10)
        width++;
    return width;
}

/* Draws one line from row y on and returns the rows that it took. */
static int draw_line(const struct canvas *canvas, int x, int y, const struct pager *pager,
                     const struct pager_line *line, struct buf *clean)
{
    int width = canvas->w - x;
    buf_clear(clean);
    text_clean(clean, line->text, line->len, TEXT_KEEP_NEWLINES);
    const char *text = clean->data;
    size_t len = clean->len;
    if (!pager->is_wrapped) {
        canvas_scrolled(canvas, x, y, width, pager->skip, line->role, text, len);
        mark_matches(canvas, x, y, width, pager->skip, text, len, pager->find);
        return 1;
    }
    int rows = 0;
    do {
        size_t fit = text_fit(text, len, width);
        if (fit == 0)
            fit = len; /* not even one character fits */
        canvas_textn(canvas, x, y + rows, width, line->role, text, fit);
        mark_matches(canvas, x, y + rows, width, 0, text, fit, pager->find);
        text += fit;
        len -= fit;
        rows++;
    } while (len > 0 && y + rows < canvas->h);
    return rows;
}

void pager_draw(const struct canvas *canvas, const struct pager *pager, int64_t n_lines,
                pager_line_fn *line, const void *user)
{
    char scratch[PAGER_LINE_MAX];
    AUTO_BUF struct buf clean = {0};
    buf_init(&clean, 4 * PAGER_LINE_MAX);
    int digits = number_width(n_lines);
    for (int y = 0, i = 0; y < canvas->h && pager->top + i < n_lines; i++) {
        struct pager_line at = {.role = ROLE_TEXT};
        if (!line(user, pager->top + i, &at, scratch)) {
            y++;
            continue;
        }
        int x = 2;
        if (at.number > 0) {
            canvas_right_printf(canvas, x, y, digits, ROLE_LOG_STAMP, "%" PRId64,
                                at.number);
            x += digits + 2;
        }
        if (at.len > PAGER_LINE_MAX)
            at.len = PAGER_LINE_MAX;
        if (pager->top + i == pager->mark)
            canvas_glyph(canvas, 0, y, ROLE_TEXT_STRONG, GLYPH_CURSOR);
        y += draw_line(canvas, x, y, pager, &at, &clean);
    }
}

/* ---- scrolling
 * -------------------------------------------------------------------------------------
 */

void pager_clamp(struct pager *pager, int64_t n_lines, int height)
{
    int64_t last = n_lines - height;
    if (pager->top > last)
        pager->top = last;
    if (pager->top < 0)
        pager->top = 0;
    if (pager->skip < 0)
        pager->skip = 0;
}

bool pager_action(struct pager *pager, enum action action, int64_t n_lines, int height)
{
    int page = height > 2 ? height - 1 : 1;
    switch (action) {
    case ACTION_ROW_DOWN:
        pager->top++;
        break;
    case ACTION_ROW_UP:
        pager->top--;
        break;
    case ACTION_PAGE_DOWN:
        pager->top += page;
        break;
    case ACTION_PAGE_UP:
        pager->top -= page;
        break;
    case ACTION_TOP:
        pager->top = 0;
        break;
    case ACTION_END:
        pager->top = n_lines;
        break;
    case ACTION_LEFT:
        pager->skip -= SIDE_STEP;
        break;
    case ACTION_RIGHT:
        if (!pager->is_wrapped && pager->skip < PAGER_LINE_MAX)
            pager->skip += SIDE_STEP;
        break;
    case ACTION_WRAP:
        pager->is_wrapped = !pager->is_wrapped;
        pager->skip = 0;
        break;
    default:
        return false;
    }
    pager_clamp(pager, n_lines, height);
    return true;
}

void pager_show(struct pager *pager, int64_t index, int64_t n_lines, int height)
{
    pager->mark = index;
    if (index < pager->top || index >= pager->top + height)
        pager->top = index - height / 3;
    pager_clamp(pager, n_lines, height);
}

const char *pager_position(const struct pager *pager, int64_t n_lines, int height,
                           char *text, size_t cap)
{
    char last[CLOCK_TEXT_MAX], all[CLOCK_TEXT_MAX];
    int64_t end = pager->top + height < n_lines ? pager->top + height : n_lines;
    (void)snprintf(text, cap, "%s of %s %s", look_count(end, last),
                   look_count(n_lines, all), n_lines == 1 ? "line" : "lines");
    return text;
}
