/* SPDX-License-Identifier: MIT */

/* A line as the tool meant it: without escape sequences, times, and marks of who prints it. */
#include <ctype.h>
#include <string.h>

#include "engine/recovery/pattern.h"

#define ESC '\x1b'

/* Bytes of the escape sequence at text[0] (ECMA-48: CSI up to its final byte, OSC up to BEL or
 * ST, else two bytes). */
static size_t escape_len(const char *text, size_t len)
{
    size_t i = 2;
    if (len < 2) {
        return len;
    }
    if (text[1] == '[') {
        while (i < len && text[i] >= 0x20 && text[i] < 0x40) {
            i++;
        }
        return i < len ? i + 1 : len;
    }
    if (text[1] == ']') {
        while (i < len && text[i] != '\a' && text[i] != ESC) {
            i++;
        }
        return i < len && text[i] == ESC ? (i + 2 < len ? i + 2 : len)
                                         : (i < len ? i + 1 : len);
    }
    return 2;
}

/* Bytes of a colour whose ESC got lost on the way ("[31m", "[1;4m"), or 0; "[m" only where
 * others were before. */
static size_t remnant_len(const char *text, size_t len, bool is_coloured)
{
    size_t i = 1;
    while (i < len && i < 12 && (isdigit((unsigned char)text[i]) || text[i] == ';')) {
        i++;
    }
    if (i == len || text[i] != 'm' || text[1] == ';') {
        return 0;
    }
    bool is_bracket = i + 1 < len && text[i + 1] == ']'; /* "[10m]" is a time */
    return is_coloured || (i > 1 && !is_bracket) ? i + 1 : 0;
}

static bool has_hidden(const char *line, size_t len)
{
    len = len < PATTERN_LINE_MAX ? len : PATTERN_LINE_MAX;
    if (len == 0 || memchr(line, ESC, len) != NULL) {
        return len > 0;
    }
    const char *at = line, *end = line + len;
    while ((at = memchr(at, '[', (size_t)(end - at))) != NULL) {
        if (remnant_len(at, (size_t)(end - at), false) > 0) {
            return true;
        }
        at++;
    }
    return false;
}

static size_t without_hidden(const char *line, size_t len, char room[PATTERN_LINE_MAX])
{
    size_t n = 0;
    bool is_coloured = false;
    for (size_t i = 0; i < len && n < PATTERN_LINE_MAX;) {
        size_t hidden = 0;
        if (line[i] == ESC) {
            hidden = escape_len(line + i, len - i);
        } else if (line[i] == '[') {
            hidden = remnant_len(line + i, len - i, is_coloured);
            is_coloured = is_coloured || hidden > 0;
        }
        if (hidden > 0) {
            i += hidden;
        } else {
            room[n++] = line[i++];
        }
    }
    return n;
}

/* Does text begin like this? 0 stands for a digit, _ for a blank or a T. Bytes used, or 0. */
static size_t skip_shape(const char *text, size_t len, const char *shape)
{
    size_t n = strlen(shape);
    if (n > len) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        bool fits = shape[i] == '0'   ? isdigit((unsigned char)text[i]) != 0
                    : shape[i] == '_' ? text[i] == ' ' || text[i] == 'T'
                                      : text[i] == shape[i];
        if (!fits) {
            return 0;
        }
    }
    return n;
}

static size_t skip_digits(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && isdigit((unsigned char)text[n])) {
        n++;
    }
    return n;
}

/* A time at the beginning: ISO 8601 (RFC 3339) or 12:34:56, with parts of seconds and a zone,
 * in brackets or not, and a "| " after it. */
static size_t skip_time(const char *text, size_t len)
{
    size_t at = len > 0 && text[0] == '[';
    bool is_bracketed = at == 1;
    size_t used = skip_shape(text + at, len - at, "0000-00-00_00:00:00");
    used = used > 0 ? used : skip_shape(text + at, len - at, "00:00:00");
    if (used == 0) {
        return 0;
    }
    at += used;
    if (at < len && (text[at] == '.' || text[at] == ',')) {
        at += 1 + skip_digits(text + at + 1, len - at - 1);
    }
    used = skip_shape(text + at, len - at, "Z");
    used = used > 0 ? used : skip_shape(text + at, len - at, "+00:00");
    at += used;
    if (is_bracketed) {
        if (at == len || text[at] != ']') {
            return 0;
        }
        at++;
    }
    if (at < len && text[at] != ' ' && text[at] != '\t') {
        return 0; /* "12:34:56: error", a number of another kind */
    }
    at += at < len; /* one, for what follows may be indented */
    return at + skip_shape(text + at, len - at, "| ");
}

/* "#12 3.456 " of docker build, "00O " of a GitLab runner, "##[error]" of a GitHub runner. */
static size_t skip_mark(const char *text, size_t len)
{
    static const char *const marks[] = {"##[error]", "##[warning]", "00O ",
                                        "00E ",      "01O ",        "01E "};
    if (len == 0 || (text[0] != '#' && text[0] != '0')) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        size_t n = strlen(marks[i]);
        if (len >= n && memcmp(text, marks[i], n) == 0) {
            return n;
        }
    }
    size_t whole = text[0] == '#' ? skip_digits(text + 1, len - 1) : 0;
    size_t at = 1 + whole;
    if (whole == 0 || at == len || text[at++] != ' ') {
        return 0;
    }
    size_t seconds = skip_digits(text + at, len - at);
    at += seconds;
    if (seconds == 0 || at == len || text[at++] != '.') {
        return 0;
    }
    at += skip_digits(text + at, len - at);
    return at < len && text[at] == ' ' ? at + 1 : 0;
}

const char *pattern_line_clean(const char *line, size_t len, char room[PATTERN_LINE_MAX],
                               size_t *ret_len)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n')) {
        len--;
    }
    const char *again = len > 0 ? memrchr(line, '\r', len) : NULL;
    if (again != NULL) {
        len -= (size_t)(again + 1 - line);
        line = again + 1;
    }
    if (has_hidden(line, len)) {
        len = without_hidden(line, len, room);
        line = room;
    }
    len = len < PATTERN_LINE_MAX ? len : PATTERN_LINE_MAX;
    for (int i = 0; i < 3; i++) { /* a time of the runner, and one of the tool */
        size_t skip = skip_time(line, len);
        skip += skip_mark(line + skip, len - skip);
        line += skip;
        len -= skip;
    }
    *ret_len = len;
    return line;
}
