/* SPDX-License-Identifier: MIT */

/* Text from outside: what text_clean gives can do nothing to a terminal, cleaning it
 * again changes nothing, and it can be measured and cut. */
#include "tests/fuzz/fuzz.h"

#define OUT_MAX (4 * 1024 * 1024)

static void check_lines(const char *text, size_t len, enum text_lines lines)
{
    AUTO_BUF struct buf once, twice;
    buf_init(&once, OUT_MAX);
    buf_init(&twice, OUT_MAX);
    text_clean(&once, text, len, lines);
    text_clean(&twice, once.data, once.len, lines);
    MUST(!once.is_cut);
    MUST(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    MUST(memchr(once.data, '\0', once.len) == NULL);
    for (char *c = once.data; lines == TEXT_KEEP_NEWLINES && *c != '\0'; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    MUST(is_harmless(once.data));
    int cells = text_cells(once.data, once.len);
    MUST(cells >= 0 && (size_t)cells <= once.len);
    int wanted = len > 0 ? (unsigned char)text[0] % 81 : 0;
    size_t fit = text_fit(once.data, once.len, wanted);
    MUST(fit <= once.len && text_is_utf8(once.data, fit));
    MUST(text_cells(once.data, fit) <= wanted);
    char out[81 * 40];
    for (int is_ascii = 0; is_ascii < 2; is_ascii++) {
        const char *cut =
            text_ellipsis(out, sizeof(out), once.data, wanted, is_ascii != 0);
        MUST(text_is_utf8(cut, strlen(cut)));
        MUST(text_cells(cut, strlen(cut)) <= wanted);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    if (size > 64 * 1024) {
        return 0;
    }
    check_lines(text, size, TEXT_ONE_LINE);
    check_lines(text, size, TEXT_KEEP_NEWLINES);
    char *copy = malloc(size + 1);
    MUST(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    for (size_t cap = 1; cap < 40; cap += 6) {
        char *out =
            malloc(cap); /* exact, so that a sanitizer sees a write past the end */
        MUST(out != NULL);
        MUST(text_clean_into(out, cap, copy) == out);
        MUST(strlen(out) < cap && is_harmless(out));
        free(out);
    }
    free(copy);
    for (size_t i = 0; i < size;) {
        uint32_t rune = 0;
        char encoded[4];
        size_t used = text_decode(text + i, size - i, &rune);
        MUST(used <= size - i);
        MUST(used == 0 || (text_encode(rune, encoded) == used &&
                           memcmp(encoded, text + i, used) == 0));
        MUST(used == 0 || (text_rune_cells(rune) >= 0 && text_rune_cells(rune) <= 2));
        i += used > 0 ? used : 1;
    }
    return 0;
}
