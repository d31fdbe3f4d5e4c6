/* SPDX-License-Identifier: MIT */
#include "tui/view/sheet.h"

#include <stdarg.h>

#include "engine/base/mem.h"

#define SHEET_BYTES_MAX (512 * 1024)

struct sheet *sheet_new(void)
{
    struct sheet *sheet = mem_alloc(sizeof *sheet);
    buf_init(&sheet->text, SHEET_BYTES_MAX);
    return sheet;
}

void sheet_free(struct sheet *sheet)
{
    if (!sheet)
        return;
    buf_fini(&sheet->text);
    free(sheet);
}

void sheet_put(struct sheet *sheet, enum theme_role role, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    (void)text_whole(line);
    if (sheet->n == SHEET_LINES_MAX)
        return;
    sheet->starts[sheet->n] = sheet->text.len;
    sheet->roles[sheet->n++] = role;
    (void)buf_str(&sheet->text, line);
    (void)buf_char(&sheet->text, '\n');
}

void sheet_section(struct sheet *sheet, const char *title)
{
    if (sheet->n > 0)
        sheet_put(sheet, ROLE_TEXT, "%s", "");
    if (sheet->n_sections < SHEET_SECTIONS_MAX)
        sheet->sections[sheet->n_sections++] = sheet->n;
    sheet_put(sheet, ROLE_TEXT_DIM, "%s", title);
}

bool sheet_line(const void *user, int64_t index, struct pager_line *ret_line,
                char *scratch)
{
    const struct sheet *sheet = user;
    (void)scratch;
    if (index < 0 || index >= sheet->n)
        return false;
    size_t start = sheet->starts[index];
    size_t end = index + 1 < sheet->n ? sheet->starts[index + 1] : sheet->text.len;
    *ret_line = (struct pager_line){.text = sheet->text.data + start,
                                    .len = end > start ? end - start - 1 : 0,
                                    .role = sheet->roles[index]};
    return true;
}

static int64_t next_section(const struct sheet *sheet, int64_t top, int direction)
{
    int64_t found = direction > 0 ? -1 : 0;
    for (int i = 0; i < sheet->n_sections; i++) {
        if (direction > 0 && sheet->sections[i] > top)
            return sheet->sections[i];
        if (direction < 0 && sheet->sections[i] < top)
            found = sheet->sections[i];
    }
    return found;
}

bool sheet_action(const struct sheet *sheet, struct pager *pager, enum action action,
                  int height)
{
    if (action != ACTION_NEXT_PANEL && action != ACTION_PREVIOUS_PANEL)
        return pager_action(pager, action, sheet->n, height);
    int64_t top = next_section(sheet, pager->top, action == ACTION_NEXT_PANEL ? 1 : -1);
    bool is_at_end = sheet->n - pager->top <= height;
    pager->top = top < 0 || (action == ACTION_NEXT_PANEL && is_at_end) ? 0 : top;
    pager_clamp(pager, sheet->n, height);
    return true;
}
