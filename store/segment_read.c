/* SPDX-License-Identifier: MIT */
/* The reading side of a log, in any process, also while it is written. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/segment.h"
#include "store/segment_file.h"

#define WINDOW_BYTES  65536
#define INDEX_AT_ONCE ((int64_t)4 << 20)
#define TRIES         64 /* to read what a fast writer leaves alone long enough */

struct segment_reader {
    int log, index; /* index -1: `entries` is ours, made from the bytes */
    char *index_name;
    struct segment_header header;
    int64_t *entries;
    int64_t to_index; /* bytes that our own index is to reach */
    bool is_patient;  /* it may come little by little */
    size_t line_max;
    /* bytes of the log at logical offset `at` */
    int64_t at;
    size_t n;
    char bytes[WINDOW_BYTES];
    int64_t gap_end;    /* first whole line behind the gap; 0 = nothing is cut */
    int64_t seen_total; /* at the last refresh */
    int64_t touched;    /* lowest offset in the ring that this call has used */
    /* where a line starts, from the last call */
    int64_t known_line, known_offset;
};

/* ---- an index of our own, when there is none ------------------------------------------
 */

/* Begin with the index of what the file has now. */
static bool remake_begin(struct segment_reader *reader)
{
    struct stat st;
    if (fstat(reader->log, &st) != 0) {
        return false;
    }
    segment_header_init(&reader->header, st.st_size + 8 * SEGMENT_STRIDE);
    free(reader->entries);
    reader->entries =
        mem_array((size_t)(st.st_size / SEGMENT_STRIDE) + 2, sizeof(int64_t));
    reader->to_index = st.st_size;
    reader->n = 0;
    reader->gap_end = reader->known_line = 0;
    return true;
}

/* The lines that end in bytes[0..n), which follow header->total. A line that began before is
 * judged by its end. */
static void count_bytes(struct segment_reader *reader, const char *bytes, size_t n)
{
    struct segment_header *header = &reader->header;
    const char *at = bytes, *end = bytes + n;
    for (const char *newline; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL;
         at = newline + 1) {
        header->newlines++;
        header->line_start = header->total + (newline + 1 - bytes);
        if (header->first_failure == 0 &&
            segment_is_failure(at, (size_t)(newline - at))) {
            header->first_failure = header->newlines;
        }
    }
    header->total += (int64_t)n;
    if (header->total % SEGMENT_STRIDE == 0) {
        reader->entries[header->total / SEGMENT_STRIDE] = header->newlines;
    }
}

/* At most max bytes more; true: there is more to do. */
static bool remake_more(struct segment_reader *reader, int64_t max)
{
    struct segment_header *header = &reader->header;
    int64_t until = header->total + max;
    reader->n = 0;
    while (header->total < reader->to_index && header->total < until) {
        size_t want = SEGMENT_STRIDE - (size_t)(header->total % SEGMENT_STRIDE);
        int64_t left = reader->to_index - header->total;
        want = left < (int64_t)want ? (size_t)left : want;
        ssize_t n = pread(reader->log, reader->bytes, want, (off_t)header->total);
        if (n <= 0) {
            reader->to_index = header->total;
            break;
        }
        count_bytes(reader, reader->bytes, (size_t)n);
    }
    header->reserved = header->total;
    return header->total < reader->to_index;
}

static bool remake(struct segment_reader *reader)
{
    if (!remake_begin(reader)) {
        return false;
    }
    while (remake_more(reader, INDEX_AT_ONCE) && !reader->is_patient) {
    }
    return true;
}

bool segment_index_more(struct segment_reader *reader)
{
    return reader->index < 0 && reader->header.total < reader->to_index &&
           remake_more(reader, INDEX_AT_ONCE);
}

static int64_t entry(const struct segment_reader *reader, int64_t k)
{
    if (reader->entries != NULL) {
        return reader->entries[k];
    }
    int64_t newlines = 0;
    if (k > 0 &&
        pread(reader->index, &newlines, sizeof(newlines),
              (off_t)segment_entry_place(&reader->header, k)) != sizeof(newlines)) {
        return 0;
    }
    /* The header is sealed, the entries are not: a crash of the machine may leave anything. */
    if (newlines < 0) {
        return 0;
    }
    return newlines < reader->header.newlines ? newlines : reader->header.newlines;
}

/*
 * Take a new picture of the log. The entry at the end of the gap is a ring's, too: it counts
 * only when the ring has not turned on meanwhile.
 */
static bool take_picture(struct segment_reader *reader)
{
    struct segment_header header, after;
    for (int i = 0; i < TRIES; i++) {
        if (!segment_header_read(reader->index, &header)) {
            return false;
        }
        bool is_cut = segment_is_cut(&header);
        int64_t stride = is_cut ? segment_window_stride(&header) : 0;
        reader->header = header;
        reader->gap_end = is_cut ? entry(reader, stride) + 2 : 0;
        if (!is_cut || (segment_header_read(reader->index, &after) &&
                        segment_window_stride(&after) == stride)) {
            return true;
        }
    }
    return false;
}

/* ---- opening --------------------------------------------------------------------------
 */

/* Use the writer's index. False: there is none that fits, and nothing has changed. */
static bool use_index(struct segment_reader *reader)
{
    struct stat st;
    struct segment_header header = reader->header;
    int64_t *entries = reader->entries, gap_end = reader->gap_end;
    reader->entries = NULL;
    reader->index = open(reader->index_name, O_RDONLY | O_CLOEXEC);
    if (reader->index >= 0 && take_picture(reader) && fstat(reader->log, &st) == 0 &&
        (segment_is_cut(&reader->header) || reader->header.total <= st.st_size)) {
        free(entries);
        reader->n = 0;
        reader->known_line = 0;
        return true;
    }
    if (reader->index >= 0) {
        (void)close(reader->index); /* only read */
        reader->index = -1;
    }
    reader->header = header;
    reader->gap_end = gap_end;
    reader->entries = entries;
    return false;
}

static struct segment_reader *open_reader(const char *path, bool is_patient,
                                          struct err *err)
{
    AUTO_FREE char *log_name = mem_printf("%s.log", path);
    int log = open(log_name, O_RDONLY | O_CLOEXEC);
    if (log < 0) {
        err_sys(err, "%s", log_name);
        return NULL;
    }
    struct segment_reader *reader = mem_alloc(sizeof(*reader));
    reader->log = log;
    reader->is_patient = is_patient;
    reader->line_max = SEGMENT_LINE_MAX;
    reader->index_name = mem_printf("%s.idx", path);
    if (!use_index(reader) && !remake(reader)) {
        err_sys(err, "%s", log_name);
        segment_free(reader);
        return NULL;
    }
    reader->seen_total = reader->header.total;
    return reader;
}

struct segment_reader *segment_open(const char *path, struct err *err)
{
    return open_reader(path, false, err);
}

struct segment_reader *segment_open_now(const char *path, struct err *err)
{
    return open_reader(path, true, err);
}

void segment_set_line_max(struct segment_reader *reader, size_t max)
{
    reader->line_max = max < SEGMENT_LINE_LONG ? max : SEGMENT_LINE_LONG;
}

void segment_free(struct segment_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    (void)close(reader->log); /* only read */
    if (reader->index >= 0) {
        (void)close(reader->index); /* only read */
    }
    free(reader->entries);
    free(reader->index_name);
    free(reader);
}

bool segment_refresh(struct segment_reader *reader)
{
    if (reader->index < 0 && !use_index(reader)) { /* it may be there by now */
        struct stat st;
        return fstat(reader->log, &st) == 0 && st.st_size != reader->to_index &&
               remake(reader);
    }
    struct segment_header before = reader->header;
    if (!take_picture(reader) || reader->header.total == reader->seen_total) {
        return false;
    }
    reader->seen_total = reader->header.total;
    if (reader->header.total < before.total) { /* begun again */
        reader->n = 0;
        reader->known_line = 0;
    }
    return true;
}

/* ---- lines ----------------------------------------------------------------------------
 */

static int64_t n_lines(const struct segment_header *header)
{
    return header->newlines + (header->line_start < header->total ? 1 : 0);
}

void segment_info(const struct segment_reader *reader, struct segment_info *ret_info)
{
    const struct segment_header *header = &reader->header;
    *ret_info = (struct segment_info){.n_lines = n_lines(header),
                                      .n_bytes = header->total,
                                      .first_failure = header->first_failure};
    if (reader->gap_end > 0) {
        ret_info->cut_from = entry(reader, header->head / SEGMENT_STRIDE) + 1;
        int64_t cut = reader->gap_end - ret_info->cut_from;
        ret_info->cut_lines = cut > 0 ? cut : 0;
    }
}

/* Make bytes from logical offset on available; false at the end. */
static bool hold(struct segment_reader *reader, int64_t offset)
{
    if (offset >= reader->header.head && offset < reader->touched) {
        reader->touched = offset;
    }
    if (offset >= reader->at && offset < reader->at + (int64_t)reader->n) {
        return true;
    }
    if (offset >= reader->header.total) {
        return false;
    }
    int64_t whole;
    int64_t place = segment_place(&reader->header, offset, &whole);
    int64_t left = reader->header.total - offset;
    whole = whole < left ? whole : left;
    size_t want = whole < WINDOW_BYTES ? (size_t)whole : WINDOW_BYTES;
    ssize_t n = pread(reader->log, reader->bytes, want, (off_t)place);
    reader->at = offset;
    reader->n = n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* Logical offset behind the next n-th newline from `offset`, at most to `end`, or -1. */
static int64_t skip_newlines(struct segment_reader *reader, int64_t offset, int64_t n,
                             int64_t end)
{
    while (n > 0) {
        if (offset >= end || !hold(reader, offset)) {
            return -1;
        }
        const char *from = reader->bytes + (offset - reader->at);
        size_t len = reader->n - (size_t)(offset - reader->at);
        const char *newline = memchr(from, '\n', len);
        if (newline == NULL) {
            offset += (int64_t)len;
            continue;
        }
        offset += newline + 1 - from;
        n--;
    }
    return offset;
}

/* Logical offset of the start of a line that is there, or -1. */
static int64_t find_line(struct segment_reader *reader, int64_t number)
{
    const struct segment_header *header = &reader->header;
    if (number == 1) {
        return 0;
    }
    if (number == reader->known_line) {
        return reader->known_offset;
    }
    int64_t low = 0, high = header->total / SEGMENT_STRIDE, n_before = number - 1;
    if (segment_is_cut(header)) {
        int64_t last_of_head = header->head / SEGMENT_STRIDE;
        if (n_before <= entry(reader, last_of_head)) {
            high = last_of_head;
        } else {
            low = segment_window_stride(header);
        }
    }
    /* the newline number n_before lies in the last stride with fewer newlines before it
     */
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (entry(reader, middle) < n_before) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    /* An index that lies must not send us through the ring for ever: it is this stride or
     * none. */
    int64_t end = (low + 1) * SEGMENT_STRIDE;
    return skip_newlines(reader, low * SEGMENT_STRIDE, n_before - entry(reader, low),
                         end < header->total ? end : header->total);
}

/* Copy the line at offset into arena; *ret_next is the offset behind it, or -1 when it
 * goes on beyond what is wanted of it. */
static bool copy_line(struct segment_reader *reader, struct arena *arena, int64_t offset,
                      struct segment_line *line, int64_t *ret_next)
{
    char text[SEGMENT_LINE_LONG];
    size_t len = 0, max = reader->line_max;
    *ret_next = -1;
    while (len < max) {
        if (!hold(reader, offset)) {
            *ret_next = offset;
            break;
        }
        const char *from = reader->bytes + (offset - reader->at);
        size_t left = reader->n - (size_t)(offset - reader->at);
        size_t want = max - len < left ? max - len : left;
        const char *newline = memchr(from, '\n', want);
        size_t n = newline != NULL ? (size_t)(newline - from) : want;
        memcpy(text + len, from, n);
        len += n;
        offset += (int64_t)n;
        if (newline != NULL) {
            *ret_next = offset + 1;
            break;
        }
    }
    if (*ret_next < 0 && hold(reader, offset) &&
        reader->bytes[offset - reader->at] == '\n') {
        *ret_next = offset + 1; /* it was just as long */
    }
    if (len == 0 && *ret_next == offset && offset >= reader->header.total) {
        return false;
    }
    line->text = arena_strn(arena, text, len);
    line->len = len;
    line->is_failure = segment_is_failure(text, len);
    line->is_cut = *ret_next < 0;
    return true;
}

static size_t read_lines(struct segment_reader *reader, struct arena *arena,
                         int64_t first, size_t max, struct segment_line *ret_lines)
{
    size_t n = 0;
    int64_t number = first > 1 ? first : 1, offset = -1;
    struct segment_info info;
    segment_info(reader, &info);
    while (n < max && number <= info.n_lines) {
        if (info.cut_lines > 0 && number >= info.cut_from &&
            number < info.cut_from + info.cut_lines) {
            number = info.cut_from + info.cut_lines;
            offset = -1;
            continue;
        }
        if (offset < 0 && (offset = find_line(reader, number)) < 0) {
            break;
        }
        int64_t next;
        if (!copy_line(reader, arena, offset, &ret_lines[n], &next)) {
            break;
        }
        ret_lines[n++].number = number++;
        offset = next;
    }
    if (n > 0 && offset >= 0 && number <= info.n_lines) {
        reader->known_line = number;
        reader->known_offset = offset;
    }
    return n;
}

/* Bytes from logical offset on, at most cap. Returns how many. */
static size_t copy_bytes(struct segment_reader *reader, int64_t offset, char *bytes,
                         size_t cap)
{
    size_t n = 0;
    while (n < cap && hold(reader, offset)) {
        size_t left = reader->n - (size_t)(offset - reader->at);
        size_t want = cap - n < left ? cap - n : left;
        memcpy(bytes + n, reader->bytes + (offset - reader->at), want);
        n += want;
        offset += (int64_t)want;
    }
    return n;
}

/* Bytes of bytes[0..len) that are its first `max` lines, or all; *ret_n: how many lines. */
static size_t count_lines(const char *bytes, size_t len, int64_t max, int64_t *ret_n)
{
    size_t at = 0;
    *ret_n = 0;
    while (*ret_n < max && at < len) {
        const char *newline = memchr(bytes + at, '\n', len - at);
        if (newline == NULL) {
            break;
        }
        at = (size_t)(newline + 1 - bytes);
        ++*ret_n;
    }
    return at;
}

static size_t read_block(struct segment_reader *reader, int64_t first, char *bytes,
                         size_t cap, int64_t *ret_first, int64_t *ret_n)
{
    struct segment_info info;
    segment_info(reader, &info);
    int64_t number = first > 1 ? first : 1, last = info.n_lines;
    if (info.cut_lines > 0 && number >= info.cut_from &&
        number < info.cut_from + info.cut_lines) {
        number = info.cut_from + info.cut_lines;
    } else if (info.cut_lines > 0 && number < info.cut_from) {
        last = info.cut_from - 1;
    }
    int64_t offset = number <= last ? find_line(reader, number) : -1;
    if (offset < 0) {
        return 0;
    }
    int64_t to_gap = reader->header.head - offset;
    if (last < info.n_lines && to_gap < (int64_t)cap) {
        cap =
            (size_t)to_gap; /* what follows in the file is of the other side of the gap */
    }
    size_t n = copy_bytes(reader, offset, bytes, cap);
    size_t len = count_lines(bytes, n, last - number + 1, ret_n);
    *ret_first = number;
    if (len == 0 ||
        (n < cap && *ret_n <= last - number)) { /* one that is cut, or the end */
        len = n;
        ++*ret_n;
    }
    if (n == 0 || number + *ret_n > info.n_lines || bytes[len - 1] != '\n') {
        return n == 0 ? 0 : len;
    }
    reader->known_line = number + *ret_n;
    reader->known_offset = offset + (int64_t)len;
    return len;
}

/* Has the ring turned over bytes that were used since `touched` was set? */
static bool is_overwritten(const struct segment_reader *reader)
{
    struct segment_header now;
    return reader->index >= 0 && reader->touched < INT64_MAX &&
           (!segment_header_read(reader->index, &now) ||
            (segment_is_cut(&now) &&
             reader->touched < segment_window_stride(&now) * SEGMENT_STRIDE));
}

size_t segment_lines(struct segment_reader *reader, struct arena *arena, int64_t first,
                     size_t max, struct segment_line *ret_lines)
{
    for (int i = 0; i < TRIES; i++) {
        reader->touched = INT64_MAX;
        size_t n = read_lines(reader, arena, first, max, ret_lines);
        if (!is_overwritten(reader)) {
            return n;
        }
        reader->n = 0;
        reader->known_line = 0;
        if (!take_picture(reader)) {
            break;
        }
    }
    return 0;
}

size_t segment_block(struct segment_reader *reader, int64_t first, char *bytes,
                     size_t cap, int64_t *ret_first, int64_t *ret_n)
{
    for (int i = 0; i < TRIES; i++) {
        reader->touched = INT64_MAX;
        size_t n = read_block(reader, first, bytes, cap, ret_first, ret_n);
        if (!is_overwritten(reader)) {
            return n;
        }
        reader->n = 0;
        reader->known_line = 0;
        if (!take_picture(reader)) {
            break;
        }
    }
    return 0;
}
