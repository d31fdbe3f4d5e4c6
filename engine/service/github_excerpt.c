/* SPDX-License-Identifier: MIT */
/* What a job's log says about its failure. See github_answer.h. */
#include <ctype.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/github_answer.h"

#define BEFORE     15  /* lines shown before an error */
#define LAST       30  /* lines shown when no line is marked as one */
#define LINE_BYTES 400 /* of one line */

struct line {
    const char *at;
    size_t len;
};

/* Each line of Actions begins with a time: "2023-07-01T12:00:00.1234567Z ". */
static struct line strip_time(struct line line)
{
    size_t len = 0;
    while (
        len < line.len && len < 40 &&
        (isdigit((unsigned char)line.at[len]) || strchr("-:.T", line.at[len]) != NULL)) {
        len++;
    }
    if (len >= 19 && len + 1 < line.len && line.at[len] == 'Z' &&
        line.at[len + 1] == ' ') {
        line.at += len + 2;
        line.len -= len + 2;
    }
    return line;
}

/* The line that begins at `at`, without its end; ret_next: the one behind it, or end. */
static struct line line_at(const char *at, const char *end, const char **ret_next)
{
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    stop = stop != NULL ? stop : end;
    *ret_next = stop < end ? stop + 1 : end;
    return strip_time((struct line){at, (size_t)(stop - at)});
}

static bool is_error(struct line line)
{
    return line.len >= 9 && memcmp(line.at, "##[error]", 9) == 0;
}

/* The beginning of the n-th line before `at`. */
static const char *lines_before(const char *log, const char *at, int n)
{
    for (; n > 0 && at > log; n--) {
        at--;
        while (at > log && at[-1] != '\n') {
            at--;
        }
    }
    return at;
}

static void add_lines(struct buf *out, const char *at, const char *end)
{
    while (at < end && !out->is_cut) {
        struct line line = line_at(at, end, &at);
        size_t start = out->len;
        text_clean(out, line.at, line.len < LINE_BYTES ? line.len : LINE_BYTES,
                   TEXT_ONE_LINE);
        if (!buf_char(out, '\n')) { /* a whole line or none */
            out->len = start;
            out->data[start] = '\0';
        }
    }
}

char *github_log_excerpt(const char *log, size_t len, size_t max)
{
    AUTO_BUF struct buf out;
    buf_init(&out, max);
    const char *end = log + len, *shown = log; /* up to here it is in out */
    for (const char *at = log, *next; at < end && !out.is_cut; at = next) {
        if (is_error(line_at(at, end, &next))) {
            const char *from = lines_before(log, at, BEFORE);
            if (from > shown && out.len > 0) {
                (void)buf_str(&out, "...\n");
            }
            add_lines(&out, from > shown ? from : shown, next);
            shown = next;
        }
    }
    if (out.len == 0) {
        add_lines(&out, lines_before(log, end, LAST), end);
    }
    return buf_take(&out, NULL);
}
