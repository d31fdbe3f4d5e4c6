/* SPDX-License-Identifier: MIT */
/* The writing side of a log. See segment_file.h for the format, segment_read.c for
 * readers. */
#include "store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "store/segment_file.h"

struct segment_writer {
    char *path;
    int log, index;
    struct segment_header header;
    /* the unfinished line, for the search for the first failure */
    char line[SEGMENT_LINE_MAX];
    size_t line_len;
};

static bool write_at(int fd, const void *bytes, size_t len, int64_t offset)
{
    const char *data = bytes;
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return false;
        }
        data += n;
        len -= (size_t)n;
        offset += n;
    }
    return true;
}

static bool write_header(struct segment_writer *writer)
{
    segment_header_seal(&writer->header);
    return write_at(writer->index, &writer->header, sizeof(writer->header), 0);
}

static void look_for_failure(struct segment_writer *writer, const char *bytes, size_t len,
                             int64_t number)
{
    if (writer->header.first_failure != 0) {
        return;
    }
    if (writer->line_len > 0) {
        size_t room = sizeof(writer->line) - writer->line_len;
        size_t n = len < room ? len : room;
        memcpy(writer->line + writer->line_len, bytes, n);
        bytes = writer->line;
        len = writer->line_len + n;
        writer->line_len = 0;
    }
    if (segment_is_failure(bytes, len < SEGMENT_LINE_MAX ? len : SEGMENT_LINE_MAX)) {
        writer->header.first_failure = number;
    }
}

static void keep_partial(struct segment_writer *writer, const char *bytes, size_t len)
{
    size_t room = sizeof(writer->line) - writer->line_len;
    size_t n = len < room ? len : room;
    memcpy(writer->line + writer->line_len, bytes, n);
    writer->line_len += n;
}

/* Count bytes that are in the file; they do not pass a stride's end. */
static bool absorb(struct segment_writer *writer, const char *bytes, size_t len)
{
    struct segment_header *header = &writer->header;
    const char *at = bytes, *end = bytes + len;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        if (newline == NULL) {
            keep_partial(writer, at, (size_t)(end - at));
            break;
        }
        look_for_failure(writer, at, (size_t)(newline - at), header->newlines + 1);
        writer->line_len = 0;
        header->newlines++;
        at = newline + 1;
        header->line_start = header->total + (at - bytes);
    }
    header->total += (int64_t)len;
    if (header->reserved < header->total) {
        header->reserved = header->total;
    }
    if (header->total % SEGMENT_STRIDE != 0) {
        return true;
    }
    return write_at(writer->index, &header->newlines, sizeof(header->newlines),
                    segment_entry_place(header, header->total / SEGMENT_STRIDE));
}

static size_t piece_of(const struct segment_header *header, size_t len,
                       int64_t *ret_place)
{
    int64_t whole;
    *ret_place = segment_place(header, header->total, &whole);
    int64_t to_stride = SEGMENT_STRIDE - header->total % SEGMENT_STRIDE;
    if (whole > to_stride) {
        whole = to_stride;
    }
    return len < (size_t)whole ? len : (size_t)whole;
}

bool segment_write(struct segment_writer *writer, const void *bytes, size_t len,
                   struct err *err)
{
    struct segment_header *header = &writer->header;
    const char *data = bytes;
    while (len > 0) {
        int64_t place, whole_log = header->head + header->window;
        size_t n = piece_of(header, len, &place);
        int64_t after = header->total + (int64_t)n;
        if (after > whole_log && after > header->reserved) {
            int64_t ahead = header->window / 4;
            header->reserved =
                after + (ahead < 4 * SEGMENT_STRIDE ? ahead : 4 * SEGMENT_STRIDE);
            if (!write_header(writer)) {
                return err_sys(err, "%s.idx", writer->path);
            }
        }
        if (!write_at(writer->log, data, n, place) || !absorb(writer, data, n)) {
            return err_sys(err, "%s.log", writer->path);
        }
        data += n;
        len -= n;
    }
    return write_header(writer) ? true : err_sys(err, "%s.idx", writer->path);
}

/* Count what the file has after header->total, in order, as if written now. */
static bool absorb_file(struct segment_writer *writer, int64_t size)
{
    char chunk[16384];
    while (writer->header.total < size) {
        int64_t place;
        int64_t left = size - writer->header.total;
        size_t want = left < (int64_t)sizeof(chunk) ? (size_t)left : sizeof(chunk);
        size_t n = piece_of(&writer->header, want, &place);
        ssize_t got = pread(writer->log, chunk, n, (off_t)place);
        if (got <= 0 || !absorb(writer, chunk, (size_t)got)) {
            return false;
        }
    }
    return true;
}

/* Continue what is there: take over its index, or make it again from the bytes. */
static bool take_over(struct segment_writer *writer, int64_t max_bytes)
{
    struct segment_header *header = &writer->header;
    struct stat st;
    const int64_t zero = 0;
    if (fstat(writer->log, &st) != 0) {
        return false;
    }
    bool is_known = segment_header_read(writer->index, header);
    if (!is_known || (!segment_is_cut(header) && header->total > st.st_size)) {
        segment_header_init(header, max_bytes > st.st_size ? max_bytes : st.st_size);
        if (!write_at(writer->index, &zero, sizeof(zero),
                      segment_entry_place(header, 0))) {
            return false;
        }
    }
    if (!segment_is_cut(header) && !absorb_file(writer, st.st_size)) {
        return false;
    }
    if (header->line_start < header->total) {
        if (segment_is_cut(header)) {
            struct err ignored;
            return segment_write(writer, "\n", 1, &ignored);
        }
        header->total = header->reserved = header->line_start;
        if (ftruncate(writer->log, (off_t)header->total) != 0) {
            return false;
        }
    }
    writer->line_len = 0;
    return write_header(writer);
}

static int open_part(const char *path, const char *suffix, struct err *err)
{
    AUTO_FREE char *name = mem_printf("%s%s", path, suffix);
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err_sys(err, "%s", name);
    }
    return fd;
}

struct segment_writer *segment_create(const char *path, int64_t max_bytes,
                                      struct err *err)
{
    struct segment_writer *writer = mem_alloc(sizeof(*writer));
    writer->path = mem_str(path);
    writer->index = -1;
    writer->log = open_part(path, ".log", err);
    if (writer->log < 0) {
        goto fail;
    }
    writer->index = open_part(path, ".idx", err);
    if (writer->index < 0) {
        goto fail;
    }
    if (!take_over(writer, max_bytes)) {
        err_sys(err, "%s.log", path);
        goto fail;
    }
    return writer;
fail:
    segment_close(writer);
    return NULL;
}

bool segment_flush(struct segment_writer *writer, struct err *err)
{
    /* Bytes are in the kernel after each write; this is for power loss. */
    if (fdatasync(writer->log) != 0 || fdatasync(writer->index) != 0) {
        return err_sys(err, "%s.log", writer->path);
    }
    return true;
}

int64_t segment_bytes(const struct segment_writer *writer)
{
    return writer->header.total;
}

void segment_close(struct segment_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    struct segment_header *header = &writer->header;
    if (writer->index >= 0 && header->line_start < header->total &&
        header->first_failure == 0) {
        look_for_failure(writer, "", 0, header->newlines + 1);
        (void)write_header(writer); /* the search is a convenience; the bytes are there */
    }
    if (writer->log >= 0) {
        (void)close(writer->log); /* written through; nothing is left to fail */
    }
    if (writer->index >= 0) {
        (void)close(writer->index); /* likewise */
    }
    free(writer->path);
    free(writer);
}

/* ---- the text ---------------------------------------------------------------------- */

#define TEXT_HEAD 2000 /* lines of the beginning of a log that is too long */
#define TEXT_TAIL 20000

static void add_line(struct buf *text, const struct segment_line *line)
{
    (void)buf_add(text, line->text, line->len);
    (void)buf_char(text, '\n');
}

static int64_t add_head(struct segment_reader *reader, struct arena *arena,
                        struct segment_line *lines, size_t max, struct buf *text)
{
    size_t n = segment_lines(reader, arena, 1, TEXT_HEAD, lines);
    int64_t next = 1;
    for (size_t i = 0; i < n && text->len + lines[i].len + 1 <= max; i++) {
        add_line(text, &lines[i]);
        next = lines[i].number + 1;
    }
    return next;
}

char *segment_text(struct segment_writer *writer, size_t max, size_t *ret_len)
{
    struct buf text;
    buf_init(&text, max);
    struct err err = ERR_INIT;
    struct segment_reader *reader = segment_open(writer->path, &err);
    if (reader == NULL) {
        return buf_take(&text, ret_len);
    }
    struct arena *arena = arena_new();
    struct segment_line *lines = mem_array(TEXT_TAIL, sizeof(*lines));
    struct segment_info info;
    segment_info(reader, &info);
    int64_t next = add_head(reader, arena, lines, max / 8, &text);
    int64_t first = info.n_lines - TEXT_TAIL + 1;
    size_t n =
        segment_lines(reader, arena, first > next ? first : next, TEXT_TAIL, lines);
    size_t room = max - text.len > 64 ? max - text.len - 64 : 0, from = n;
    while (from > 0 && lines[from - 1].len + 1 <= room) {
        room -= lines[--from].len + 1;
    }
    if (from < n && lines[from].number > next) {
        (void)buf_printf(&text, "[... %lld lines ...]\n",
                         (long long)(lines[from].number - next));
    }
    for (size_t i = from; i < n; i++) {
        add_line(&text, &lines[i]);
    }
    free(lines);
    arena_free(arena);
    segment_free(reader);
    return buf_take(&text, ret_len);
}
