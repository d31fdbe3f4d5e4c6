/* SPDX-License-Identifier: MIT */
#include "engine/base/text.h"

#include <stdarg.h>

#define MARKS_MAX 8

#define ESC      0x1Bu
#define BEL      0x07u
#define TAB_STOP 8

size_t text_decode(const char *text, size_t len, uint32_t *ret_rune)
{
    /* RFC 3629 section 4: the second byte's range shuts out surrogates, overlong forms
     * and what is above U+10FFFF. */
    const unsigned char *s = (const unsigned char *)text;
    if (len == 0) {
        return 0;
    }
    if (s[0] < 0x80) {
        *ret_rune = s[0];
        return 1;
    }
    size_t n;
    uint32_t rune;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        n = 2;
        rune = s[0] & 0x1Fu;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        n = 3;
        rune = s[0] & 0x0Fu;
        low = s[0] == 0xE0 ? 0xA0 : low;
        high = s[0] == 0xED ? 0x9F : high;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        n = 4;
        rune = s[0] & 0x07u;
        low = s[0] == 0xF0 ? 0x90 : low;
        high = s[0] == 0xF4 ? 0x8F : high;
    } else {
        return 0;
    }
    if (len < n || s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0u) != 0x80u) {
            return 0;
        }
        rune = rune << 6 | (s[i] & 0x3Fu);
    }
    *ret_rune = rune;
    return n;
}

size_t text_encode(uint32_t rune, char out[4])
{
    if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) {
        rune = TEXT_REPLACEMENT;
    }
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    if (rune < 0x800) {
        out[0] = (char)(0xC0u | rune >> 6);
        out[1] = (char)(0x80u | (rune & 0x3Fu));
        return 2;
    }
    if (rune < 0x10000) {
        out[0] = (char)(0xE0u | rune >> 12);
        out[1] = (char)(0x80u | (rune >> 6 & 0x3Fu));
        out[2] = (char)(0x80u | (rune & 0x3Fu));
        return 3;
    }
    out[0] = (char)(0xF0u | rune >> 18);
    out[1] = (char)(0x80u | (rune >> 12 & 0x3Fu));
    out[2] = (char)(0x80u | (rune >> 6 & 0x3Fu));
    out[3] = (char)(0x80u | (rune & 0x3Fu));
    return 4;
}

bool text_is_utf8(const char *text, size_t len)
{
    uint32_t rune;
    for (size_t at = 0; at < len;) {
        size_t n = text_decode(text + at, len - at, &rune);
        if (n == 0) {
            return false;
        }
        at += n;
    }
    return true;
}

/* One character of text that should be clean: a bad byte counts as U+FFFD. */
static size_t decode_any(const char *text, size_t len, uint32_t *ret_rune)
{
    size_t n = text_decode(text, len, ret_rune);
    if (n == 0) {
        *ret_rune = TEXT_REPLACEMENT;
        n = 1;
    }
    return n;
}

int text_cells(const char *text, size_t len)
{
    int cells = 0;
    for (size_t at = 0; at < len;) {
        uint32_t rune;
        at += decode_any(text + at, len - at, &rune);
        cells += text_rune_cells(rune);
    }
    return cells;
}

size_t text_fit(const char *text, size_t len, int cells)
{
    int used = 0;
    size_t at = 0;
    while (at < len) {
        uint32_t rune;
        size_t n = decode_any(text + at, len - at, &rune);
        used += text_rune_cells(rune);
        if (used > cells) {
            break;
        }
        at += n;
    }
    return at;
}

/* Format controls that have no cell of their own but change others, or hide: bidi (UAX
 * #9), joiners, fillers, tags, annotation, separators; and what no font can show: private
 * use and noncharacters (Unicode 23.7). */
bool text_rune_is_hidden(uint32_t rune)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00AD,  0x00AD  },
        {0x034F,  0x034F  },
        {0x061C,  0x061C  },
        {0x115F,  0x1160  },
        {0x17B4,  0x17B5  },
        {0x180B,  0x180F  },
        {0x200B,  0x200F  },
        {0x2028,  0x202E  },
        {0x2060,  0x206F  },
        {0x3164,  0x3164  },
        {0xE000,  0xF8FF  },
        {0xFDD0,  0xFDEF  },
        {0xFEFF,  0xFEFF  },
        {0xFFA0,  0xFFA0  },
        {0xFFF0,  0xFFFB  },
        {0x13430, 0x1345F },
        {0x1BCA0, 0x1BCA3 },
        {0x1D173, 0x1D17A },
        {0xE0000, 0xE0FFF },
        {0xF0000, 0x10FFFF},
    };
    if ((rune & 0xFFFEu) == 0xFFFEu) {
        return true;
    }
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (rune >= ranges[i].first && rune <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* ---- escape sequences (ECMA-48 5.4, 5.6) ---- */

/* Bytes of a control string after its introducer (OSC, DCS, SOS, PM, APC), terminator
 * included, or 0 when it does not end before another control: then it is no sequence, and
 * what follows stays visible. */
static size_t skip_string(const char *text, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        unsigned char c = (unsigned char)text[at];
        if (c == BEL) {
            return at + 1;
        }
        if (c == ESC) {
            return at + 1 < len && text[at + 1] == '\\' ? at + 2 : 0;
        }
        if (c == 0xC2 && at + 1 < len && (unsigned char)text[at + 1] == 0x9C) {
            return at + 2; /* ST as U+009C */
        }
        if ((c < 0x20 && c != '\t') || c == 0x7F) {
            return 0;
        }
        if (c == 0xC2 && at + 1 < len && (unsigned char)text[at + 1] < 0xA0) {
            return 0; /* another C1 control */
        }
    }
    return 0;
}

/* Bytes of CSI parameters, intermediates and final byte; 0 when malformed. */
static size_t skip_csi(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && text[at] >= 0x30 && text[at] <= 0x3F) {
        at++;
    }
    while (at < len && text[at] >= 0x20 && text[at] <= 0x2F) {
        at++;
    }
    return at < len && text[at] >= 0x40 && text[at] <= 0x7E ? at + 1 : 0;
}

/* `kind` is the 7-bit form of the C1 control: '[' for CSI. Bytes after it, 0 = malformed.
 */
static bool skip_kind(char kind, const char *text, size_t len, size_t *ret_n)
{
    switch (kind) {
    case '[':
        *ret_n = skip_csi(text, len);
        return *ret_n > 0;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
        *ret_n = skip_string(text, len);
        return *ret_n > 0;
    default:
        *ret_n = 0;
        return true;
    }
}

/* Bytes of the sequence that starts with ESC at text[0]; 0 when it is none. */
static size_t skip_escape(const char *text, size_t len)
{
    size_t at = 1;
    while (at < len && text[at] >= 0x20 && text[at] <= 0x2F) {
        at++; /* nF: designations such as ESC ( B */
    }
    if (at >= len || text[at] < 0x30 || text[at] > 0x7E) {
        return 0;
    }
    size_t n = 0;
    if (at == 1 && !skip_kind(text[1], text + 2, len - 2, &n)) {
        return 0;
    }
    return at + 1 + n;
}

/* ---- cleaning ---- */

struct cleaner {
    struct buf *out;
    enum text_lines lines;
    size_t line_start; /* in out */
    int column;        /* cells since line_start */
    int n_marks;       /* on the last character; -1 = there is no character yet */
    int last_cells;
    bool has_cr; /* the line starts again with the next visible character */
    bool is_full;
};

static void put_bytes(struct cleaner *c, const char *bytes, size_t len)
{
    if (c->out->max - c->out->len < len) {
        c->out->is_cut = true;
        c->is_full = true; /* never half of a character */
        return;
    }
    (void)buf_add(c->out, bytes, len); /* fits */
}

static void before_visible(struct cleaner *c)
{
    if (c->has_cr) {
        c->has_cr = false;
        c->out->len = c->line_start;
        c->out->data[c->out->len] = '\0';
        c->column = 0;
        c->n_marks = -1;
    }
}

static void put_rune(struct cleaner *c, uint32_t rune, int cells)
{
    char bytes[4];
    before_visible(c);
    put_bytes(c, bytes, text_encode(rune, bytes));
    c->column += cells;
    c->last_cells = cells;
    c->n_marks = 0;
}

static void put_mark(struct cleaner *c, uint32_t rune)
{
    char bytes[4];
    if (c->n_marks < 0 || c->has_cr) {
        put_rune(c, TEXT_REPLACEMENT, 1);
    } else if (c->n_marks < MARKS_MAX) {
        c->n_marks++;
        put_bytes(c, bytes, text_encode(rune, bytes));
    }
}

static void put_newline(struct cleaner *c)
{
    if (c->lines == TEXT_ONE_LINE) {
        c->has_cr = false;
        put_rune(c, ' ', 1);
        c->line_start = c->out->len;
    } else {
        c->has_cr = false;
        put_bytes(c, "\n", 1);
        c->line_start = c->out->len;
        c->column = 0;
    }
    c->n_marks = -1;
}

static void put_tab(struct cleaner *c)
{
    before_visible(c);
    int n = c->lines == TEXT_ONE_LINE ? 1 : TAB_STOP - c->column % TAB_STOP;
    for (int i = 0; i < n; i++) {
        put_rune(c, ' ', 1);
    }
}

/* Printable ASCII at text[0..len): how much of it. The common case, in one piece. */
static size_t put_plain(struct cleaner *c, const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && text[n] >= 0x20 && text[n] <= 0x7E) {
        n++;
    }
    if (n > 0) {
        before_visible(c);
        size_t room = c->out->max - c->out->len;
        if (n > room) {
            put_bytes(c, text, room);
            c->out->is_cut = true;
            c->is_full = true;
        } else {
            put_bytes(c, text, n);
        }
        c->column += (int)(n % (1u << 20));
        c->last_cells = 1;
        c->n_marks = 0;
    }
    return n;
}

static void put_visible(struct cleaner *c, uint32_t rune)
{
    if (rune >= 0xFE00 && rune <= 0xFE0F) {
        return; /* variation selectors: terminals disagree about the width they make */
    }
    if (rune == 0x200D && c->last_cells == 2 && c->n_marks >= 0) {
        return; /* joiner between emoji: shown as the emoji it joins */
    }
    if (text_rune_is_hidden(rune) || rune == 0x7F) {
        put_rune(c, TEXT_REPLACEMENT, 1);
        return;
    }
    int cells = text_rune_cells(rune);
    if (cells == 0) {
        put_mark(c, rune);
    } else {
        put_rune(c, rune, cells);
    }
}

/* A control character, or a byte that is no text, at text[0]; how many bytes it takes. */
static size_t put_control(struct cleaner *c, const char *text, size_t len, bool is_c1)
{
    size_t n;
    if (is_c1) { /* as UTF-8, two bytes: some terminals obey it */
        char kind = (char)((unsigned char)text[1] - 0x40u);
        if (skip_kind(kind, text + 2, len - 2, &n) && n > 0) {
            return 2 + n;
        }
        put_rune(c, TEXT_REPLACEMENT, 1);
        return 2;
    }
    switch (text[0]) {
    case '\n':
        put_newline(c);
        return 1;
    case '\r':
        c->has_cr = true;
        return 1;
    case '\t':
        put_tab(c);
        return 1;
    case ESC:
        n = skip_escape(text, len);
        if (n > 0) {
            return n;
        }
        break;
    default:
        break;
    }
    put_rune(c, TEXT_REPLACEMENT, 1);
    return 1;
}

void text_clean(struct buf *out, const char *text, size_t len, enum text_lines lines)
{
    struct cleaner c = {
        .out = out, .lines = lines, .line_start = out->len, .n_marks = -1};
    for (size_t at = 0; at < len && !c.is_full;) {
        size_t n = put_plain(&c, text + at, len - at);
        at += n;
        if (n > 0 || at >= len) {
            continue;
        }
        uint32_t rune;
        n = text_decode(text + at, len - at, &rune);
        bool is_c1 = n == 2 && rune < 0xA0;
        if (n == 0 || rune < 0x20 || is_c1) {
            at += put_control(&c, text + at, len - at, is_c1);
        } else {
            put_visible(&c, rune);
            at += n;
        }
    }
}

const char *text_clean_into(char *out, size_t cap, const char *text)
{
    AUTO_BUF struct buf buf;
    buf_init(&buf, cap - 1);
    text_clean(&buf, text, strlen(text), TEXT_ONE_LINE);
    memcpy(out, buf.data, buf.len);
    out[buf.len] = '\0';
    return out;
}

char *text_whole(char *text)
{
    size_t len = strlen(text);
    size_t back = 0; /* bytes of the last character, as far as they are there */
    while (back < len && back < 4) {
        back++;
        if (((unsigned char)text[len - back] & 0xC0) != 0x80) {
            break;
        }
    }
    uint32_t rune;
    if (back > 0 && (unsigned char)text[len - back] >= 0xC2 &&
        text_decode(text + len - back, back, &rune) == 0) {
        text[len - back] = '\0';
    }
    return text;
}

void text_add(char *out, size_t cap, const char *format, ...)
{
    size_t len = strlen(out);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out + len, cap - len, format, args);
    va_end(args);
    (void)text_whole(out);
}

const char *text_ellipsis(char *out, size_t cap, const char *text, int cells,
                          bool is_ascii)
{
    const char *mark = is_ascii ? "~" : "…";
    size_t len = strlen(text);
    if (cells <= 0 || cap < 8) {
        out[0] = '\0';
        return out;
    }
    size_t whole = text_fit(text, len, cells);
    bool is_cut = whole < len || whole >= cap;
    size_t n = is_cut ? text_fit(text, len, cells - 1) : whole;
    size_t room = cap - 1 - (is_cut ? strlen(mark) : 0);
    while (n > room || (n > 0 && n < len && ((unsigned char)text[n] & 0xC0u) == 0x80u)) {
        n--; /* a small buffer: cut at a whole character */
    }
    memcpy(out, text, n);
    (void)snprintf(out + n, cap - n, "%s", is_cut ? mark : "");
    return out;
}
