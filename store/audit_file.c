/* SPDX-License-Identifier: MIT */
#include "store/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"

#define LINE_MAX  (20 + 1 + 2 * DIGEST_LEN + 1 + CLOCK_TEXT_MAX + 1)
#define EVERY     span_s(1)
#define THIN_FROM (512 * 1024) /* bytes; below this nothing is thinned out */
#define THIN_EACH (256 * 1024) /* bytes more, until it is again */
#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    (24 * HOUR_MS)

struct audit_file {
    char *path;
    int fd;               /* -1: not open */
    struct audit_mark at; /* in the newest line */
    struct wall noted_at; /* when that was written */
    bool has_new;         /* a newer head waits for its second */
    int64_t size, thin_at;
};

struct audit_file *audit_file_new(const char *store_path)
{
    struct audit_file *file = mem_alloc(sizeof(*file));
    file->path = mem_printf("%s-audit", store_path);
    file->fd = -1;
    file->thin_at = THIN_FROM;
    return file;
}

static void shut(struct audit_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd); /* each write has said whether it went well */
    }
    file->fd = -1;
}

void audit_file_free(struct audit_file *file)
{
    if (file != NULL) {
        shut(file);
        free(file->path);
        free(file);
    }
}

struct wall audit_file_wake_at(const struct audit_file *file)
{
    return file->has_new ? wall_add(file->noted_at, EVERY) : (struct wall){0};
}

/* ---- lines ----------------------------------------------------------------------------- */

struct line {
    struct audit_mark mark;
    struct wall at;
};

static bool parse_line(const char *text, size_t len, struct line *ret_line)
{
    struct line line = {0};
    char at[CLOCK_TEXT_MAX];
    size_t i = 0;
    for (; i < len && i < 18 && text[i] >= '0' && text[i] <= '9'; i++) {
        line.mark.n = line.mark.n * 10 + (text[i] - '0');
    }
    size_t hash = i + 1, time = hash + (size_t)2 * DIGEST_LEN + 1;
    if (line.mark.n == 0 || time >= len || len - time >= sizeof(at) || text[i] != ' ' ||
        text[time - 1] != ' ' ||
        !digest_parse(text + hash, (size_t)2 * DIGEST_LEN, line.mark.hash) ||
        memchr(text + time, '\0', len - time) != NULL) {
        return false;
    }
    memcpy(at, text + time, len - time);
    at[len - time] = '\0';
    if (!wall_parse(at, &line.at)) {
        return false;
    }
    *ret_line = line;
    return true;
}

static size_t format_line(const struct line *line, char text[LINE_MAX])
{
    char hex[DIGEST_TEXT_MAX], at[CLOCK_TEXT_MAX];
    int len =
        snprintf(text, LINE_MAX, "%lld %s %s\n", (long long)line->mark.n,
                 digest_format(line->mark.hash, hex), wall_format(line->at, false, at));
    return len > 0 ? (size_t)len : 0;
}

/* Lines of data[0..len); malloc'd. The last one counts only with its end: the machine may
 * have stopped while it was written. */
static struct line *parse_lines(const char *data, size_t len, size_t *ret_n,
                                size_t *ret_n_bad)
{
    struct line *lines = NULL;
    size_t n = 0, cap = 0, n_bad = 0;
    const char *end;
    for (const char *p = data; (end = memchr(p, '\n', len - (size_t)(p - data))) != NULL;
         p = end + 1) {
        struct line line;
        if (!parse_line(p, (size_t)(end - p), &line)) {
            n_bad++;
            continue;
        }
        if (n == cap) {
            cap = cap > 0 ? cap * 2 : 64;
            lines = mem_grow(lines, cap, sizeof(*lines));
        }
        lines[n++] = line;
    }
    *ret_n = n;
    *ret_n_bad = n_bad;
    return lines;
}

void audit_notes_parse(const char *data, size_t len, struct audit_notes *ret_notes)
{
    struct audit_notes notes = {0};
    size_t n = 0;
    AUTO_FREE struct line *lines = parse_lines(data, len, &n, &notes.n_bad);
    if (n > 0) {
        notes.marks = mem_array(n, sizeof(*notes.marks));
        notes.last = lines[n - 1].at;
    }
    for (notes.n = 0; notes.n < n; notes.n++) {
        notes.marks[notes.n] = lines[notes.n].mark;
    }
    *ret_notes = notes;
}

enum found audit_file_read(const char *store_path, struct audit_notes *ret_notes,
                           struct err *err)
{
    AUTO_FREE char *path = mem_printf("%s-audit", store_path);
    AUTO_FREE char *data = NULL;
    size_t len = 0;
    if (!file_read(path, AUDIT_FILE_MAX, &data, &len, err)) {
        return err->sys == ENOENT ? MISSING : FOUND_FAILED;
    }
    audit_notes_parse(data, len, ret_notes);
    return FOUND;
}

void audit_notes_fini(struct audit_notes *notes)
{
    free(notes->marks);
    *notes = (struct audit_notes){0};
}

/* ---- thinning out -------------------------------------------------------------------------- */

/* Lines of one age group and period stand for each other. */
static int64_t period_of(const struct line *line, struct wall now)
{
    int64_t age = wall_since(now, line->at).ms;
    return age < HOUR_MS  ? -line->at.ms /* of its own */
           : age < DAY_MS ? line->at.ms / HOUR_MS
                          : line->at.ms / DAY_MS;
}

/* Both sides of a place where the numbers went back: so it is one for ever. */
static bool is_kept(const struct line *lines, size_t n, size_t i, struct wall now)
{
    const struct line *line = &lines[i];
    return i + 1 == n || lines[i + 1].mark.n <= line->mark.n ||
           (i > 0 && lines[i - 1].mark.n >= line->mark.n) ||
           period_of(line, now) != period_of(&lines[i + 1], now);
}

/* What cannot be thinned out now (an append-only file) is another time. */
static void thin(struct audit_file *file, struct wall now)
{
    AUTO_BUF struct buf kept;
    AUTO_FREE char *data = NULL;
    struct err err = ERR_INIT;
    size_t len = 0, n = 0, n_bad = 0;
    char text[LINE_MAX];
    file->thin_at = file->size + THIN_EACH;
    if (!file_read(file->path, AUDIT_FILE_MAX, &data, &len, &err)) {
        return;
    }
    AUTO_FREE struct line *lines = parse_lines(data, len, &n, &n_bad);
    buf_init(&kept, AUDIT_FILE_MAX);
    for (size_t i = 0; i < n; i++) {
        if (is_kept(lines, n, i, now)) {
            (void)buf_add(&kept, text, format_line(&lines[i], text));
        }
    }
    if (kept.len < len && !kept.is_cut &&
        file_write(file->path, kept.data, kept.len, &err)) {
        file->thin_at = (int64_t)kept.len + THIN_EACH;
        file->thin_at = file->thin_at > THIN_FROM ? file->thin_at : THIN_FROM;
        shut(file); /* it is another file now */
    }
}

/* ---- writing ------------------------------------------------------------------------------- */

/* A line that was torn is ended, so that it cannot spoil the next one. */
static bool open_file(struct audit_file *file, struct err *err)
{
    struct stat st;
    char last = '\n';
    if (file->fd >= 0) {
        return true;
    }
    file->fd =
        open(file->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file->fd < 0 || fstat(file->fd, &st) != 0) {
        return err_sys(err, "%s", file->path);
    }
    file->size = st.st_size;
    if (st.st_size > 0 && pread(file->fd, &last, 1, st.st_size - 1) == 1 &&
        last != '\n' && write(file->fd, "\n", 1) != 1) {
        return err_sys(err, "%s", file->path);
    }
    return true;
}

/* Opened anew before each line that begins a new second of news: it may have been moved
 * away, to be kept elsewhere. */
static bool has_moved(const struct audit_file *file)
{
    struct stat here, there;
    return file->fd >= 0 &&
           (stat(file->path, &there) != 0 || fstat(file->fd, &here) != 0 ||
            here.st_ino != there.st_ino || here.st_dev != there.st_dev);
}

bool audit_file_note(struct audit_file *file, const struct audit_mark *head,
                     struct wall now, bool is_last, struct err *err)
{
    char text[LINE_MAX];
    int64_t age = wall_since(now, file->noted_at).ms;
    if (head->n == 0 || head->n == file->at.n) {
        file->has_new = false;
        return true;
    }
    if (!is_last && age >= 0 && age < EVERY.ms) {
        file->has_new = true;
        return true;
    }
    file->noted_at = now; /* a failure too is tried again after a second only */
    file->has_new = true;
    if (has_moved(file)) {
        shut(file);
    }
    if (!open_file(file, err)) {
        shut(file);
        return false;
    }
    size_t len = format_line(&(struct line){*head, now}, text);
    ssize_t written = write(file->fd, text, len);
    if (written != (ssize_t)len) {
        bool is_short = written >= 0;
        shut(file); /* what is there of the line is ended when it is opened again */
        return is_short ? err_set(err, ERR_FULL, "%s: no space left to write", file->path)
                        : err_sys(err, "%s", file->path);
    }
    file->at = *head;
    file->has_new = false;
    file->size += (int64_t)len;
    if (file->size >= file->thin_at) {
        thin(file, now);
    }
    return true;
}
