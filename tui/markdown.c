/* SPDX-License-Identifier: MIT */
#include "tui/markdown.h"

#include <ctype.h>
#include <string.h>

/* ! only makes an image before [, which is escaped; . and - matter at the start of a line only. */
#define SPECIAL "\\`*_{}[]<>#|~&$^="

static void put(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i], next = i + 1 < len ? text[i + 1] : '\0';
        bool is_start = i == 0;
        bool is_number = isdigit((unsigned char)c) && (next == '.' || next == ')');
        bool is_name = c == '@' || c == '#';
        if (strchr(SPECIAL, c) != NULL || (is_start && strchr("-+:!", c) != NULL)) {
            (void)buf_char(out, '\\');
        }
        (void)buf_char(out, c);
        if (is_start && is_number) {
            (void)buf_char(out, '\\'); /* no list begins here */
        } else if ((is_name && isalnum((unsigned char)next)) ||
                   (c == ':' && strncmp(&text[i], "://", 3) == 0)) {
            (void)buf_str(out, "<!-- -->");
        }
    }
}

void markdown_text(struct buf *out, const char *text)
{
    AUTO_BUF struct buf clean;
    buf_init(&clean, 1u << 20);
    text_clean(&clean, text, strlen(text), TEXT_ONE_LINE);
    const char *start = clean.data != NULL ? clean.data : "";
    size_t len = strlen(start);
    while (len > 0 && *start == ' ') {
        start++;
        len--;
    }
    if (len <= MARKDOWN_TEXT_MAX) {
        put(out, start, len);
        return;
    }
    len = MARKDOWN_TEXT_MAX;
    while (len > 0 && ((unsigned char)start[len] & 0xC0u) == 0x80u) {
        len--; /* not in the middle of a character (RFC 3629) */
    }
    put(out, start, len);
    (void)buf_str(out, "...");
}

void markdown_row(struct buf *out, const char *const *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)buf_str(out, "| ");
        markdown_text(out, cells[i]);
        (void)buf_char(out, ' ');
    }
    (void)buf_str(out, "|\n");
}

void markdown_titles(struct buf *out, const char *const *titles, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        (void)buf_printf(out, "| %s ", titles[i]);
    }
    (void)buf_str(out, "|\n");
    for (size_t i = 0; i < n; i++) {
        (void)buf_str(out, "|---");
    }
    (void)buf_str(out, "|\n");
}
