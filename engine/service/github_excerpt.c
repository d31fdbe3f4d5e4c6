/* SPDX-License-Identifier: MIT */
/* What a job's log says about its failure. See github_answer.h. */
#include <ctype.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/excerpt.h"
#include "engine/service/github_answer.h"

#define LINE_BYTES 400               /* of one line */
#define LOG_BYTES  ((size_t)8 << 20) /* clean bytes that are looked at */

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
    AUTO_BUF struct buf clean;
    buf_init(&clean, LOG_BYTES);
    if (len > LOG_BYTES / 2) { /* cleaning can make it longer; the end matters most */
        log += len - LOG_BYTES / 2;
        len = LOG_BYTES / 2;
    }
    add_lines(&clean, log, log + len);
    const struct pattern_base *base = clean.len > max ? pattern_builtin() : NULL;
    return excerpt_make(base, clean.data, clean.len, max);
}
