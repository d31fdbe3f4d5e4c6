/* SPDX-License-Identifier: MIT */
#include "tui/edit.h"

#include "engine/base/buf.h"
#include "engine/base/text.h"

void edit_set(struct edit *edit, const char *text)
{
    edit->len = 0;
    edit->at = 0;
    edit->text[0] = '\0';
    edit_insert(edit, text, strlen(text));
}

void edit_insert(struct edit *edit, const char *text, size_t len)
{
    AUTO_BUF struct buf clean;
    buf_init(&clean, EDIT_MAX - edit->len);
    text_clean(&clean, text, len, TEXT_ONE_LINE);
    memmove(edit->text + edit->at + clean.len, edit->text + edit->at,
            edit->len - edit->at);
    memcpy(edit->text + edit->at, clean.data, clean.len);
    edit->at += clean.len;
    edit->len += clean.len;
    edit->text[edit->len] = '\0';
}

static size_t before(const struct edit *edit, size_t at)
{
    while (at > 0) {
        uint32_t rune = 0;
        at--;
        // cppcheck-suppress arrayIndexOutOfBoundsCond
        while (at > 0 && ((unsigned char)edit->text[at] & 0xC0u) == 0x80u) {
            at--;
        }
        if (text_decode(edit->text + at, edit->len - at, &rune) == 0 ||
            text_rune_cells(rune) > 0) {
            break; /* a mark goes with its character */
        }
    }
    return at;
}

static size_t after(const struct edit *edit, size_t at)
{
    bool is_first = true;
    while (at < edit->len) {
        uint32_t rune = 0;
        size_t n = text_decode(edit->text + at, edit->len - at, &rune);
        if (!is_first && text_rune_cells(rune) > 0) {
            break;
        }
        at += n > 0 ? n : 1;
        is_first = false;
    }
    return at;
}

static size_t word_before(const struct edit *edit, size_t at)
{
    while (at > 0 && edit->text[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && edit->text[at - 1] != ' ') {
        at--;
    }
    return at;
}

static size_t word_after(const struct edit *edit, size_t at)
{
    while (at < edit->len && edit->text[at] == ' ') {
        at++;
    }
    while (at < edit->len && edit->text[at] != ' ') {
        at++;
    }
    return at;
}

/* Take [from, to) away; the cursor stands at from afterwards. */
static bool cut(struct edit *edit, size_t from, size_t to)
{
    if (from >= to) {
        return false;
    }
    memmove(edit->text + from, edit->text + to, edit->len - to + 1);
    edit->len -= to - from;
    edit->at = from;
    return true;
}

bool edit_action(struct edit *edit, enum action action, bool *ret_is_known)
{
    *ret_is_known = true;
    switch (action) {
    case ACTION_EDIT_LEFT:
        edit->at = before(edit, edit->at);
        return false;
    case ACTION_EDIT_RIGHT:
        edit->at = after(edit, edit->at);
        return false;
    case ACTION_EDIT_WORD_LEFT:
        edit->at = word_before(edit, edit->at);
        return false;
    case ACTION_EDIT_WORD_RIGHT:
        edit->at = word_after(edit, edit->at);
        return false;
    case ACTION_EDIT_HOME:
        edit->at = 0;
        return false;
    case ACTION_EDIT_END:
        edit->at = edit->len;
        return false;
    case ACTION_EDIT_BACKSPACE:
        return cut(edit, before(edit, edit->at), edit->at);
    case ACTION_EDIT_DELETE:
        return cut(edit, edit->at, after(edit, edit->at));
    case ACTION_EDIT_KILL_WORD:
        return cut(edit, word_before(edit, edit->at), edit->at);
    case ACTION_EDIT_KILL_LINE:
        return cut(edit, 0, edit->at);
    case ACTION_EDIT_KILL_END:
        return cut(edit, edit->at, edit->len);
    default:
        *ret_is_known = false;
        return false;
    }
}

void edit_draw(const struct edit *edit, const struct canvas *canvas, int x, int y,
               int width, enum theme_role role)
{
    int cursor = text_cells(edit->text, edit->at);
    int skip = cursor >= width ? cursor - width + 1 : 0;
    (void)canvas_scrolled(canvas, x, y, width, skip, role, edit->text, edit->len);
    canvas_put_cursor(canvas, x + cursor - skip, y);
}
