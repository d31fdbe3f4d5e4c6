/* SPDX-License-Identifier: MIT */
/* A surface as text, for tests. */
#include "engine/base/buf.h"
#include "engine/base/text.h"
#include "tui/canvas.h"

#define DUMP_MAX (16 * 1024 * 1024)

static void trim_line(struct buf *buf, size_t start, char pad)
{
    while (buf->len > start && buf->data[buf->len - 1] == pad) {
        buf->len--;
    }
    (void)buf_char(buf, '\n'); /* bounded by the surface */
}

char *surface_dump_text(const struct surface *surface)
{
    AUTO_BUF struct buf buf;
    buf_init(&buf, DUMP_MAX);
    for (int y = 0; y < surface_height(surface); y++) {
        size_t start = buf.len;
        const struct cell *row = surface_row(surface, y);
        for (int x = 0; x < surface_width(surface); x++) {
            char bytes[4];
            if (row[x].rune == 0) {
                continue;
            }
            (void)buf_add(&buf, bytes, text_encode(row[x].rune, bytes));
            for (int i = 0; i < CELL_MARKS && row[x].marks[i] != 0; i++) {
                (void)buf_add(&buf, bytes, text_encode(row[x].marks[i], bytes));
            }
        }
        trim_line(&buf, start, ' ');
    }
    return buf_take(&buf, NULL);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

char *surface_dump_roles(const struct surface *surface)
{
    uint16_t seen[sizeof(LETTERS) - 1];
    size_t n = 0;
    AUTO_BUF struct buf buf;
    buf_init(&buf, DUMP_MAX);
    for (int y = 0; y < surface_height(surface); y++) {
        size_t start = buf.len;
        const struct cell *row = surface_row(surface, y);
        for (int x = 0; x < surface_width(surface); x++) {
            uint16_t look = (uint16_t)(row[x].role << 8 | row[x].ground);
            size_t i = 0;
            while (i < n && seen[i] != look) {
                i++;
            }
            if (look != 0 && i == n && n < ARRAY_LEN(seen)) {
                seen[n++] = look;
            }
            (void)buf_char(&buf, look == 0 ? '.' : i < n ? LETTERS[i] : '?');
        }
        trim_line(&buf, start, '.');
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t ground = seen[i] & 0xFFu;
        (void)buf_printf(&buf, "%c %s%s%s\n", LETTERS[i],
                         role_name((enum theme_role)(seen[i] >> 8)),
                         ground != 0 ? " on " : "",
                         ground != 0 ? role_name((enum theme_role)ground) : "");
    }
    return buf_take(&buf, NULL);
}
