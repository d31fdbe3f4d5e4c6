/* SPDX-License-Identifier: MIT */
#include "tui/widget/field.h"

#include "engine/base/text.h"

void field_init(struct field *field, size_t max, bool is_multiline)
{
    *field = (struct field){.is_multiline = is_multiline};
    buf_init(&field->text, max);
}

void field_fini(struct field *field)
{
    buf_fini(&field->text);
}

void field_set(struct field *field, const char *text)
{
    buf_clear(&field->text);
    field->cursor = 0;
    (void)field_insert(field, text, strlen(text)); /* what fits */
}

const char *field_text(const struct field *field)
{
    return field->text.data;
}

static void replace(struct field *field, size_t from, size_t to, const char *text,
                    size_t len)
{
    struct buf made;
    buf_init(&made, field->text.max);
    (void)buf_add(&made, field->text.data, from); /* parts of what fitted before */
    (void)buf_add(&made, text, len);
    (void)buf_add(&made, field->text.data + to, field->text.len - to);
    buf_fini(&field->text);
    field->text = made;
    field->cursor = from + len;
}

bool field_insert(struct field *field, const char *text, size_t len)
{
    struct buf clean;
    buf_init(&clean, field->text.max);
    text_clean(&clean, text, len,
               field->is_multiline ? TEXT_KEEP_NEWLINES : TEXT_ONE_LINE);
    bool fits = !clean.is_cut && field->text.len + clean.len <= field->text.max;
    size_t room = field->text.max - field->text.len;
    size_t n = 0;
    while (n < clean.len) { /* whole characters only */
        uint32_t rune;
        size_t used = text_decode(clean.data + n, clean.len - n, &rune);
        if (used == 0 || n + used > room)
            break;
        n += used;
    }
    replace(field, field->cursor, field->cursor, clean.data, n);
    buf_fini(&clean);
    return fits;
}

/* ---- moving
 * -----------------------------------------------------------------------------------------
 */

static uint32_t rune_at(const struct field *field, size_t at, size_t *ret_len)
{
    uint32_t rune = 0;
    *ret_len = text_decode(field->text.data + at, field->text.len - at, &rune);
    if (*ret_len == 0)
        *ret_len = 1; /* cannot be: the field holds clean text */
    return rune;
}

static bool is_mark(uint32_t rune)
{
    return rune >= 0x80 && text_rune_cells(rune) == 0;
}

static size_t next_of(const struct field *field, size_t at)
{
    size_t len = 0;
    if (at >= field->text.len)
        return field->text.len;
    (void)rune_at(field, at, &len);
    at += len;
    while (at < field->text.len && is_mark(rune_at(field, at, &len)))
        at += len;
    return at;
}

static size_t previous_of(const struct field *field, size_t at)
{
    size_t before = 0;
    size_t start = at > 256 ? at - 256 : 0;
    while (start > 0 && ((unsigned char)field->text.data[start] & 0xC0) == 0x80)
        start--;
    for (size_t i = start; i < at; i = next_of(field, i))
        before = i;
    return at == 0 ? 0 : before;
}

static size_t line_start(const struct field *field, size_t at)
{
    while (at > 0 && field->text.data[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const struct field *field, size_t at)
{
    while (at < field->text.len && field->text.data[at] != '\n')
        at++;
    return at;
}

static bool is_space(const struct field *field, size_t at)
{
    return field->text.data[at] == ' ' || field->text.data[at] == '\n' ||
           field->text.data[at] == '/';
}

static size_t word_left(const struct field *field, size_t at)
{
    while (at > 0 && is_space(field, at - 1))
        at--;
    while (at > 0 && !is_space(field, at - 1))
        at--;
    return at;
}

static size_t word_right(const struct field *field, size_t at)
{
    while (at < field->text.len && is_space(field, at))
        at++;
    while (at < field->text.len && !is_space(field, at))
        at++;
    return at;
}

/* The same number of characters into the line above or below. */
static bool move_line(struct field *field, int direction)
{
    size_t start = line_start(field, field->cursor);
    int cells = text_cells(field->text.data + start, field->cursor - start);
    size_t to;
    if (direction < 0) {
        if (start == 0)
            return false;
        to = line_start(field, start - 1);
    } else {
        to = line_end(field, field->cursor);
        if (to >= field->text.len)
            return false;
        to++;
    }
    size_t end = line_end(field, to);
    field->cursor = to + text_fit(field->text.data + to, end - to, cells);
    return true;
}

bool field_action(struct field *field, enum action action)
{
    size_t at = field->cursor;
    switch (action) {
    case ACTION_EDIT_LEFT:
        field->cursor = previous_of(field, at);
        return true;
    case ACTION_EDIT_RIGHT:
        field->cursor = next_of(field, at);
        return true;
    case ACTION_EDIT_WORD_LEFT:
        field->cursor = word_left(field, at);
        return true;
    case ACTION_EDIT_WORD_RIGHT:
        field->cursor = word_right(field, at);
        return true;
    case ACTION_EDIT_HOME:
        field->cursor = line_start(field, at);
        return true;
    case ACTION_EDIT_END:
        field->cursor = line_end(field, at);
        return true;
    case ACTION_EDIT_BACKSPACE:
        replace(field, previous_of(field, at), at, "", 0);
        return true;
    case ACTION_EDIT_DELETE:
        replace(field, at, next_of(field, at), "", 0);
        return true;
    case ACTION_EDIT_KILL_WORD:
        replace(field, word_left(field, at), at, "", 0);
        return true;
    case ACTION_EDIT_KILL_LINE:
        replace(field, line_start(field, at), at, "", 0);
        return true;
    case ACTION_EDIT_KILL_END:
        replace(field, at, line_end(field, at), "", 0);
        field->cursor = at;
        return true;
    case ACTION_EDIT_NEWLINE:
        if (!field->is_multiline)
            return false;
        (void)field_insert(field, "\n", 1); /* a full field stays as it is */
        return true;
    case ACTION_ROW_UP:
        return field->is_multiline && move_line(field, -1);
    case ACTION_ROW_DOWN:
        return field->is_multiline && move_line(field, 1);
    default:
        return false;
    }
}

/* ---- drawing
 * -----------------------------------------------------------------------------------------
 */

size_t field_lines(const struct field *field)
{
    size_t n = 1;
    for (size_t i = 0; i < field->text.len; i++)
        n += field->text.data[i] == '\n';
    return n;
}

void field_draw(const struct canvas *canvas, struct rect rect, const struct field *field,
                bool has_focus, const char *ghost)
{
    struct canvas part = canvas_sub(canvas, rect);
    if (part.w <= 0 || part.h <= 0)
        return;
    size_t start = line_start(field, field->cursor);
    int line = 0;
    for (size_t i = 0; i < start; i++)
        line += field->text.data[i] == '\n';
    int cell = text_cells(field->text.data + start, field->cursor - start);
    int skip = cell >= part.w ? cell - part.w + 1 : 0;
    int top = line >= part.h ? line - part.h + 1 : 0;
    if (field->text.len == 0 && ghost[0] != '\0')
        canvas_text(&part, 0, 0, part.w, ROLE_INPUT_GHOST, ghost);
    size_t at = 0;
    for (int i = 0; i < top + part.h && at <= field->text.len; i++) {
        size_t end = line_end(field, at);
        if (i >= top)
            canvas_scrolled(&part, 0, i - top, part.w, i == line ? skip : 0, ROLE_INPUT,
                            field->text.data + at, end - at);
        at = end + 1;
    }
    if (has_focus)
        canvas_put_cursor(&part, cell - skip, line - top);
}
