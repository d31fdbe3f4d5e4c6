/* SPDX-License-Identifier: MIT */

/* A log as lines: which of them are looked at, and what they have in common. */
#include <string.h>

#include "engine/recovery/locate_private.h"

enum { SLOTS = 1 << 16 };

static uint32_t slot_of(const struct locate_line *line, bool is_head)
{
    uint32_t hash = is_head ? line->head : line->shape;
    return (hash ^ (hash >> 16)) % SLOTS;
}

/* How often a shape (or a first word) comes, and how often it came before. */
static void count_same(const struct locate_log *log, bool is_head, uint8_t *counts,
                       uint8_t *seen, struct arena *arena)
{
    uint8_t *table = arena_array(arena, SLOTS, 1);
    for (size_t i = 0; i < log->n_lines; i++) {
        uint8_t *count = &table[slot_of(&log->lines[i], is_head)];
        seen[i] = *count;
        *count = (uint8_t)(*count + (*count < 255));
    }
    for (size_t i = 0; i < log->n_lines; i++) {
        counts[i] = table[slot_of(&log->lines[i], is_head)];
    }
}

static void count_shapes(struct locate_log *log, struct arena *arena)
{
    log->shape_counts = arena_array(arena, log->n_lines, 1);
    log->shape_seen = arena_array(arena, log->n_lines, 1);
    log->head_counts = arena_array(arena, log->n_lines, 1);
    log->head_seen = arena_array(arena, log->n_lines, 1);
    count_same(log, false, log->shape_counts, log->shape_seen, arena);
    count_same(log, true, log->head_counts, log->head_seen, arena);
}

/* Where the n-th line from the front ends, at most `most` bytes on. */
static size_t forward(const char *text, size_t len, size_t n, size_t most)
{
    size_t at = 0;
    while (at < len && at < most && n-- > 0) {
        const char *newline = memchr(text + at, '\n', len - at);
        at = newline != NULL ? (size_t)(newline + 1 - text) : len;
    }
    return at;
}

/* Where the n-th line from the end begins, at most `most` bytes before it, not before `from`. */
static size_t backward(const char *text, size_t from, size_t len, size_t n, size_t most)
{
    size_t at = len;
    while (at > from && len - at < most && n-- > 0) {
        const char *newline =
            at - from > 1 ? memrchr(text + from, '\n', at - from - 1) : NULL;
        at = newline != NULL ? (size_t)(newline + 1 - text) : from;
    }
    return at;
}

static size_t count_newlines(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        n += text[i] == '\n';
    }
    return n;
}

static size_t read_lines(struct locate_log *log, const struct locate_words *words,
                         size_t from, size_t to, size_t at)
{
    for (; from < to; at++) {
        const char *newline = memchr(log->text + from, '\n', to - from);
        size_t stop = newline != NULL ? (size_t)(newline - log->text) : to;
        log->lines[at].at = from;
        log->lines[at].len = stop - from;
        locate_look(words, &log->lines[at], log->text);
        from = stop + 1;
    }
    return at;
}

void locate_read(struct locate_log *log, const char *text, size_t len,
                 struct arena *arena)
{
    const struct locate_words *words = locate_words_new(arena);
    size_t head = forward(text, len, LOCATE_LINES_MAX / 8, LOCATE_TEXT_MAX / 8);
    size_t tail =
        backward(text, head, len, LOCATE_LINES_MAX / 8 * 7, LOCATE_TEXT_MAX / 8 * 7);
    size_t n_head = count_newlines(text, head) + (head == len), n_tail = 1;
    n_tail += count_newlines(text + tail, len - tail);
    *log = (struct locate_log){.text = text, .n_head = n_head};
    log->lines = arena_array(arena, n_head + n_tail, sizeof(*log->lines));
    log->n_head = read_lines(log, words, 0, head, 0);
    log->n_lines = read_lines(log, words, tail, len, log->n_head);
    log->n_skipped = count_newlines(text + head, tail - head);
    count_shapes(log, arena);
}

size_t locate_number(const struct locate_log *log, size_t line)
{
    return line < log->n_head ? line : line + log->n_skipped;
}
