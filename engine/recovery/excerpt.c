/* SPDX-License-Identifier: MIT */
#include "engine/recovery/excerpt.h"

#include <string.h>

#include "engine/base/buf.h"
#include "engine/recovery/locate.h"

#define PLACES      8  /* located lines that are shown, as far as there is room */
#define BEFORE      6  /* lines before one of them */
#define AFTER       20 /* and behind it */
#define STEP_MAX    ((size_t)4 << 20) /* bytes of a step's log that are looked at */
#define MARKER_ROOM 32                /* "[... N lines ...]" */

/* Bytes of the text that are shown: whole lines, unless one is too long. */
struct range {
    size_t from, to;
};

struct ranges {
    struct range all[PLACES + 1]; /* in order, apart from each other */
    size_t n;
};

static size_t bytes_of(const struct ranges *ranges)
{
    size_t sum = 0;
    for (size_t i = 0; i < ranges->n; i++) {
        sum += ranges->all[i].to - ranges->all[i].from + MARKER_ROOM;
    }
    return sum;
}

/* With this range, too; those that touch become one. */
static struct ranges with(const struct ranges *ranges, struct range range)
{
    struct ranges joined = {.n = 0};
    bool is_in = false;
    for (size_t i = 0; i < ranges->n; i++) {
        struct range other = ranges->all[i];
        if (other.to < range.from) {
            joined.all[joined.n++] = other;
        } else if (range.to < other.from) {
            if (!is_in) {
                joined.all[joined.n++] = range;
                is_in = true;
            }
            joined.all[joined.n++] = other;
        } else {
            range.from = other.from < range.from ? other.from : range.from;
            range.to = other.to > range.to ? other.to : range.to;
        }
    }
    if (!is_in) {
        joined.all[joined.n++] = range;
    }
    return joined;
}

/* Of a character of UTF-8, not its first byte. */
static bool is_inside(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t line_before(const char *text, size_t from)
{
    const char *newline = from > 1 ? memrchr(text, '\n', from - 1) : NULL;
    return newline != NULL ? (size_t)(newline + 1 - text) : 0;
}

static size_t line_behind(const char *text, size_t len, size_t to)
{
    const char *newline = to < len ? memchr(text + to, '\n', len - to) : NULL;
    return newline != NULL ? (size_t)(newline + 1 - text) : len;
}

/* The line with what surrounds it, as many whole lines as go into room: more of what follows,
 * which is the explanation, than of what led to it. */
static struct range around(const char *text, size_t len, const struct located *line,
                           size_t room)
{
    struct range range = {line->at, line_behind(text, len, line->at)};
    if (range.to - range.from > room) {
        range.to = range.from + room;
        while (range.to > range.from && is_inside(text[range.to])) {
            range.to--;
        }
        return range;
    }
    for (int i = 0; i < AFTER; i++) {
        size_t to = line_behind(text, len, range.to);
        if (to - range.from <= room) {
            range.to = to;
        }
        size_t from = i < BEFORE ? line_before(text, range.from) : range.from;
        if (range.to - from <= room) {
            range.from = from;
        }
    }
    return range;
}

static struct range tail(const char *text, size_t len, size_t room)
{
    size_t from = len - room;
    const char *newline = memchr(text + from, '\n', room - 1);
    while (newline == NULL && from < len && is_inside(text[from])) {
        from++;
    }
    return (struct range){newline != NULL ? (size_t)(newline + 1 - text) : from, len};
}

static void add_gap(struct buf *out, const char *text, struct range gap)
{
    size_t n = 0;
    for (size_t i = gap.from; i < gap.to; i++) {
        n += text[i] == '\n';
    }
    if (out->len > 0 && out->data[out->len - 1] != '\n') {
        (void)buf_char(out, '\n');
    }
    if (n > 0) {
        (void)buf_printf(out, "[... %zu lines ...]\n", n);
    }
}

static struct ranges choose(const struct pattern_base *base, const char *text, size_t len,
                            size_t max)
{
    struct arena *arena = arena_new();
    struct located lines[PLACES];
    struct ranges ranges = {.all = {tail(text, len, max / 4)}, .n = 1};
    size_t n = locate(base, text, len, arena, lines, PLACES);
    for (size_t i = 0; i < n; i++) {
        size_t room = i == 0 ? max / 3 : max / 8;
        struct ranges more = with(&ranges, around(text, len, &lines[i], room));
        if (bytes_of(&more) <= max) {
            ranges = more;
        }
    }
    arena_free(arena);
    return ranges;
}

/* The text of a result ends at its first NUL. */
static char *take_text(struct buf *out)
{
    size_t len;
    char *text = buf_take(out, &len);
    for (size_t i = 0; i < len; i++) {
        text[i] = text[i] == '\0' ? ' ' : text[i];
    }
    return text;
}

char *excerpt_make(const struct pattern_base *base, const char *text, size_t len,
                   size_t max)
{
    AUTO_BUF struct buf out;
    buf_init(&out, max);
    if (len <= max || max < 4 * (size_t)MARKER_ROOM) {
        (void)buf_add(&out, text, len); /* cut at max, as told */
        return take_text(&out);
    }
    struct ranges ranges = choose(base, text, len, max);
    size_t shown = 0;
    for (size_t i = 0; i < ranges.n; i++) {
        struct range range = ranges.all[i];
        add_gap(&out, text, (struct range){shown, range.from});
        (void)buf_add(&out, text + range.from, range.to - range.from);
        shown = range.to;
    }
    return take_text(&out);
}

char *excerpt_of_step(struct segment_writer *log, size_t max)
{
    size_t len;
    AUTO_FREE char *text = segment_text(log, STEP_MAX, &len);
    const struct pattern_base *base = len > max ? pattern_builtin() : NULL;
    return excerpt_make(base, text, len, max);
}
