/* SPDX-License-Identifier: MIT */

/* A log of any bytes: lines that are in it, each once; and fingerprints that need no history. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/recovery/locate.h"
#include "engine/recovery/template.h"
#include "tests/fuzz/fuzz.h"

static void check_line(const char *text, size_t size, const struct located *line)
{
    MUST(line->at <= size && line->len <= size - line->at);
    MUST(line->at == 0 || text[line->at - 1] == '\n');
    MUST(line->at + line->len == size || text[line->at + line->len] == '\n');
    MUST(line->score >= 0 && line->score <= 1);
}

static void check_mask(const char *text, size_t size)
{
    char small[16], large[4096];
    uint64_t hash = template_mask(text, size, small, sizeof(small));
    MUST(hash != 0);
    MUST(hash == template_mask(text, size, large, sizeof(large)));
    MUST(strncmp(small, large, strlen(small)) == 0);
    MUST(strchr(large, '\n') == NULL && strchr(large, 0x1b) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct arena *arena = arena_new();
    struct located lines[LOCATE_LINES];
    size_t n = locate(pattern_builtin(), text, size, arena, lines, LOCATE_LINES);
    MUST(n <= LOCATE_LINES);
    for (size_t i = 0; i < n; i++) {
        check_line(text, size, &lines[i]);
        for (size_t j = 0; j < i; j++) {
            MUST(lines[j].line != lines[i].line);
        }
    }
    check_mask(text, size);
    struct template_book *book = template_book_new(), *copy = template_book_new();
    char one[FINGERPRINT_WORD], two[FINGERPRINT_WORD];
    size_t len;
    template_fingerprint(book, CLASS_TEST, text, size, one);
    char *saved = template_book_save(book, &len);
    MUST(template_book_load(copy, saved, len));
    template_fingerprint(copy, CLASS_TEST, text, size, two);
    MUST(strcmp(one, two) == 0);
    (void)!template_book_load(copy, text, size);
    template_fingerprint(copy, CLASS_TEST, text, size, two);
    free(saved);
    template_book_free(book);
    template_book_free(copy);
    arena_free(arena);
    return 0;
}
