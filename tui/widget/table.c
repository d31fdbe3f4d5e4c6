/* SPDX-License-Identifier: MIT */
#include "tui/widget/table.h"

static int width_of(const struct column *columns, size_t n, const int *w)
{
    int sum = 0;
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        if (w[i] == 0)
            continue;
        sum += w[i] + (is_first ? 0 : TABLE_GAP);
        is_first = false;
    }
    (void)columns;
    return sum;
}

/* The shown column that matters least, or n when only the needed ones are left. */
static size_t least_important(const struct column *columns, size_t n, const int *w)
{
    size_t least = n;
    for (size_t i = 0; i < n; i++)
        if (w[i] > 0 && columns[i].importance > 0 &&
            (least == n || columns[i].importance > columns[least].importance))
            least = i;
    return least;
}

struct table_layout table_layout(const struct column *columns, size_t n, int x0,
                                 int width)
{
    struct table_layout layout = {0};
    int *w = layout.w;
    if (n > TABLE_COLUMNS_MAX)
        n = TABLE_COLUMNS_MAX;
    for (size_t i = 0; i < n; i++)
        w[i] = columns[i].min;
    while (width_of(columns, n, w) > width) {
        size_t least = least_important(columns, n, w);
        if (least == n)
            break;
        w[least] = 0;
    }
    /* One cell each in turn, so that growing columns stay alike. */
    int rest = width - width_of(columns, n, w);
    for (bool has_grown = true; rest > 0 && has_grown;) {
        has_grown = false;
        for (size_t i = 0; i < n && rest > 0; i++) {
            if (w[i] == 0 || w[i] >= columns[i].max)
                continue;
            w[i]++;
            rest--;
            has_grown = true;
        }
    }
    int x = x0;
    for (size_t i = 0; i < n; i++) {
        layout.x[i] = x;
        if (w[i] > 0)
            x += w[i] + TABLE_GAP;
    }
    layout.width = width_of(columns, n, w);
    return layout;
}

void table_draw_heading(const struct canvas *canvas, int y, const struct column *columns,
                        size_t n, const struct table_layout *layout, int sort,
                        bool is_reversed)
{
    for (size_t i = 0; i < n; i++) {
        const struct column *column = &columns[i];
        int x = layout->x[i], w = layout->w[i];
        if (w == 0)
            continue;
        bool is_sorted = column->sort >= 0 && column->sort == sort;
        enum theme_role role = is_sorted ? ROLE_COLUMN_SORTED : ROLE_COLUMN;
        enum glyph arrow = is_reversed ? GLYPH_ARROW_UP : GLYPH_ARROW_DOWN;
        if (column->is_right) {
            int used = canvas_right(canvas, x, y, w, role, column->title);
            if (is_sorted && used + 1 < w)
                canvas_glyph(canvas, x + w - used - 2, y, role, arrow);
        } else {
            int used = canvas_text(canvas, x, y, w, role, column->title);
            if (is_sorted && used + 1 < w)
                canvas_glyph(canvas, x + used + 1, y, role, arrow);
        }
    }
}

int64_t table_scroll(int64_t top, int64_t cursor, int64_t n, int height)
{
    if (height <= 0 || n <= height)
        return 0;
    if (cursor < top)
        top = cursor;
    if (cursor >= top + height)
        top = cursor - height + 1;
    if (top > n - height)
        top = n - height;
    return top > 0 ? top : 0;
}
