/* SPDX-License-Identifier: MIT */

/* Text from outside: what text_clean lets through cannot do anything to a terminal. */
#include "engine/base/text.h"
#include "tests/fuzz/fuzz.h"

/* Nothing that is not UTF-8, and no control character but a newline where it is kept. */
static void expect_harmless(const struct buf *clean, enum text_lines lines)
{
    EXPECT(text_is_utf8(clean->data, clean->len));
    for (size_t at = 0; at < clean->len;) {
        uint32_t rune = 0;
        size_t n = text_decode(clean->data + at, clean->len - at, &rune);
        EXPECT(n > 0);
        EXPECT(rune >= 0x20 || (rune == '\n' && lines == TEXT_KEEP_NEWLINES));
        EXPECT(rune < 0x7F || rune > 0x9F);
        EXPECT(rune < 0x202A || rune > 0x202E); /* bidi overrides */
        EXPECT(rune < 0x2066 || rune > 0x2069);
        at += n;
    }
}

static void check_lines(const char *text, size_t len, enum text_lines lines)
{
    struct buf AUTO_BUF once = {0}, AUTO_BUF twice = {0};
    char shorter[64];
    buf_init(&once, 16 * 1024 * 1024);
    buf_init(&twice, 16 * 1024 * 1024);
    text_clean(&once, text, len, lines);
    expect_harmless(&once, lines);
    text_clean(&twice, once.data, once.len, lines);
    EXPECT(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    if (lines == TEXT_ONE_LINE) {
        size_t fit = text_fit(once.data, once.len, 10);
        EXPECT(fit <= once.len && text_cells(once.data, fit) <= 10);
        EXPECT(text_is_utf8(once.data, fit));
        (void)text_ellipsis(shorter, sizeof(shorter), once.data, 10, false);
        EXPECT(text_cells(shorter, strlen(shorter)) <= 10);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_lines((const char *)data, size, TEXT_ONE_LINE);
    check_lines((const char *)data, size, TEXT_KEEP_NEWLINES);
    return 0;
}
