/* SPDX-License-Identifier: MIT */
#include "tui/log_scan.h"

#include <ctype.h>

#include "engine/base/text.h"

#define BLOCK  ((size_t)256 * 1024)
#define ESCAPE '\033'

struct log_scan {
    char *text; /* lower case; NULL = failures */
    size_t len;
    int64_t next;         /* line to go on with */
    int64_t gap_from;     /* first line that is not kept, at the last step; 0 = none */
    int64_t gap_to;       /* first one behind them */
    int64_t n_more;       /* hits that are not remembered */
    bool is_open;         /* line next - 1 had no end yet: it is looked at again */
    size_t n_hits, n_cap; /* remembered */
    int64_t *hits;
    struct buf clean;
    char bytes[BLOCK], lower[BLOCK]; /* a block, and what is searched */
};

static int lower_of(char c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

struct log_scan *log_scan_new(const char *text)
{
    struct log_scan *scan = mem_alloc(sizeof *scan);
    scan->next = 1;
    buf_init(&scan->clean, (size_t)8 * SEGMENT_LINE_LONG);
    if (!text)
        return scan;
    scan->text = mem_str(text);
    scan->len = strlen(text);
    for (char *c = scan->text; *c; c++)
        *c = (char)lower_of(*c);
    return scan;
}

void log_scan_free(struct log_scan *scan)
{
    if (!scan)
        return;
    free(scan->text);
    free(scan->hits);
    buf_fini(&scan->clean);
    free(scan);
}

bool log_scan_is_for(const struct log_scan *scan, const char *text)
{
    if (!scan || !scan->text || !text)
        return scan && !scan->text && !text;
    size_t i = 0;
    while (text[i] && lower_of(text[i]) == scan->text[i])
        i++;
    return text[i] == '\0' && scan->text[i] == '\0';
}

const int64_t *log_scan_hits(const struct log_scan *scan, size_t *ret_n)
{
    *ret_n = scan->n_hits;
    return scan->hits;
}

int64_t log_scan_total(const struct log_scan *scan)
{
    return (int64_t)scan->n_hits + scan->n_more;
}

int64_t log_scan_reached(const struct log_scan *scan)
{
    return scan->next - 1;
}

/* ---- one block --------------------------------------------------------------------- */

static void add_hit(struct log_scan *scan, int64_t line)
{
    if (scan->n_hits == LOG_HITS_MAX) {
        scan->n_more++;
        return;
    }
    if (scan->n_hits == scan->n_cap) {
        scan->n_cap = scan->n_cap > 0 ? 2 * scan->n_cap : 64;
        scan->hits = mem_grow(scan->hits, scan->n_cap, sizeof *scan->hits);
    }
    scan->hits[scan->n_hits++] = line;
}

/* A line with escape sequences is searched as it is shown. */
static bool matches_shown(struct log_scan *scan, const char *line, size_t len)
{
    buf_clear(&scan->clean);
    text_clean(&scan->clean, line, len < SEGMENT_LINE_LONG ? len : SEGMENT_LINE_LONG,
               TEXT_KEEP_NEWLINES);
    for (size_t i = 0; i < scan->clean.len; i++)
        scan->clean.data[i] = (char)lower_of(scan->clean.data[i]);
    return scan->clean.len >= scan->len &&
           memmem(scan->clean.data, scan->clean.len, scan->text, scan->len) != NULL;
}

/* Where `what` of n bytes comes next from `from` on, or len. */
static size_t next_of(const struct log_scan *scan, size_t from, size_t len,
                      const char *what, size_t n)
{
    const char *at = memmem(scan->lower + from, len - from, what, n);
    return at ? (size_t)(at - scan->lower) : len;
}

/* Lines are counted between one place that matters (the text, an escape sequence) and the next
 * only. */
static void scan_text(struct log_scan *scan, size_t len, int64_t number)
{
    static const char escape[] = {ESCAPE};
    for (size_t i = 0; i < len; i++)
        scan->lower[i] = (char)lower_of(scan->bytes[i]);
    size_t start = 0, hit = next_of(scan, 0, len, scan->text, scan->len);
    size_t odd = next_of(scan, 0, len, escape, 1);
    while (hit < len || odd < len) {
        size_t at = hit < odd ? hit : odd;
        for (const char *newline;
             (newline = memchr(scan->bytes + start, '\n', at - start)) != NULL;
             start = (size_t)(newline + 1 - scan->bytes))
            number++;
        const char *stop = memchr(scan->bytes + at, '\n', len - at);
        size_t end = stop ? (size_t)(stop - scan->bytes) : len;
        if (odd >= end || matches_shown(scan, scan->bytes + start, end - start))
            add_hit(scan, number);
        number++;
        start = end < len ? end + 1 : len;
        if (hit < start)
            hit = next_of(scan, start, len, scan->text, scan->len);
        if (odd < start)
            odd = next_of(scan, start, len, escape, 1);
    }
}

static void scan_failures(struct log_scan *scan, size_t len, int64_t number)
{
    for (size_t at = 0; at < len; number++) {
        const char *end = memchr(scan->bytes + at, '\n', len - at);
        size_t to = end ? (size_t)(end - scan->bytes) : len;
        size_t n = to - at < SEGMENT_LINE_MAX ? to - at : SEGMENT_LINE_MAX;
        if (segment_is_failure(scan->bytes + at, n))
            add_hit(scan, number);
        at = to + 1;
    }
}

/* ---- the whole log ----------------------------------------------------------------- */

static size_t place_of(const struct log_scan *scan, int64_t line)
{
    size_t low = 0, high = scan->n_hits;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (scan->hits[mid] < line)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* What the ring has turned over is not there any more. */
static void forget_gap(struct log_scan *scan, const struct segment_info *info)
{
    int64_t to = info->cut_lines > 0 ? info->cut_from + info->cut_lines : 0;
    if (to == scan->gap_to)
        return;
    scan->gap_to = to;
    scan->gap_from = info->cut_from;
    size_t from = place_of(scan, info->cut_from), behind = place_of(scan, to);
    if (behind > from)
        memmove(scan->hits + from, scan->hits + behind,
                (scan->n_hits - behind) * sizeof *scan->hits);
    scan->n_hits -= behind - from;
}

static void begin_again(struct log_scan *scan)
{
    scan->next = 1;
    scan->n_hits = 0;
    scan->n_more = 0;
    scan->is_open = false;
}

bool log_scan_step(struct log_scan *scan, struct segment_reader *reader,
                   struct mono until)
{
    struct segment_info info;
    segment_info(reader, &info);
    if (scan->next > info.n_lines + 1)
        begin_again(scan); /* another log under the same name */
    forget_gap(scan, &info);
    if (scan->is_open) {
        scan->next--;
        scan->n_hits = place_of(scan, scan->next);
        scan->is_open = false;
    }
    if (scan->text && scan->len == 0)
        scan->next = info.n_lines + 1;
    while (scan->next <= info.n_lines) {
        int64_t first, n;
        size_t len = segment_block(reader, scan->next, scan->bytes, BLOCK, &first, &n);
        if (len == 0) { /* it was cut off behind our back: nothing more will be read */
            scan->next = info.n_lines + 1;
            break;
        }
        if (scan->text)
            scan_text(scan, len, first);
        else
            scan_failures(scan, len, first);
        scan->next = first + n;
        scan->is_open = scan->next > info.n_lines && scan->bytes[len - 1] != '\n';
        if (mono_now().ns >= until.ns)
            break;
    }
    return scan->next <= info.n_lines;
}

bool log_scan_find(const struct log_scan *scan, int64_t from, int direction, bool is_over,
                   size_t *ret_index)
{
    size_t at = place_of(scan, direction > 0 ? from : from + 1);
    if (scan->n_hits == 0)
        return false;
    if (direction > 0) {
        if (at == scan->n_hits && !is_over)
            return false;
        *ret_index = at < scan->n_hits ? at : 0;
        return true;
    }
    if (!is_over && (at == 0 || scan->next <= from))
        return false;
    *ret_index = at > 0 ? at - 1 : scan->n_hits - 1;
    return true;
}
