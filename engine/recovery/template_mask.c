/* SPDX-License-Identifier: MIT */

/*
 * A line is cut at white space and at marks that enclose or list values into chunks; a chunk is
 * judged as a whole (URL, path, address, id), and only when it is none of them are its numbers
 * replaced. Marks stay, so that the shape of the line is still seen. Ids and numbers get one mask:
 * a short commit name of digits alone looks like a number.
 */

#include "engine/recovery/template.h"

#include <string.h>

#define FNV_START  UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)
#define ID_MIN     7  /* a shorter word of hex digits is a word: "face", "added" */
#define TOKEN_MIN  16 /* letters and digits at random, as in keys and names of pods */
#define SUFFIX_LEN 5  /* what Kubernetes appends to the id of a pod */

struct out {
    char *text;
    size_t n, cap;
    uint64_t hash;
};

/* The locale of the program must not matter: bytes beyond ASCII are letters of a word. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
    return is_digit(c) || is_letter(c);
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool is_mark(char c)
{
    return c != '\0' && strchr("\"'`()[]{}<>,;!?=|", c) != NULL;
}

static void put(struct out *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out->hash = (out->hash ^ (unsigned char)text[i]) * FNV_PRIME;
        if (out->n + 1 < out->cap) {
            out->text[out->n++] = text[i];
        }
    }
}

static void put_word(struct out *out, const char *word)
{
    put(out, word, strlen(word));
}

/* ---- kinds of chunks ---- */

/* Hex digits with at least one decimal among them, UUIDs included. */
static bool is_id(const char *word, size_t len)
{
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_hex(word[i]) && word[i] != '-') {
            return false;
        }
        n_digits += is_digit(word[i]);
    }
    return len >= ID_MIN && n_digits > 0;
}

/* Digits come and go inside it: no word of a language and no name of a test looks so. */
static bool is_random(const char *word, size_t len)
{
    size_t n_digits = 0, n_runs = 0;
    for (size_t i = 0; i < len; i++) {
        if (!is_word(word[i])) {
            return false;
        }
        n_digits += is_digit(word[i]);
        n_runs += i > 0 && is_digit(word[i]) != is_digit(word[i - 1]);
    }
    return len >= TOKEN_MIN && n_digits >= 4 && n_runs >= 5;
}

static size_t count(const char *text, size_t len, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        n += text[i] == c;
    }
    return n;
}

/* "TS2345", "E0308", "SC2086": the number is the message. */
static bool is_code(const char *word, size_t len)
{
    size_t n_letters = 0;
    while (n_letters < len && word[n_letters] >= 'A' && word[n_letters] <= 'Z') {
        n_letters++;
    }
    for (size_t i = n_letters; i < len; i++) {
        if (!is_digit(word[i])) {
            return false;
        }
    }
    return n_letters >= 1 && n_letters <= 4 && len - n_letters >= 3 &&
           len - n_letters <= 5;
}

static bool is_fraction(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(word[i]) && word[i] != '/' && word[i] != '.') {
            return false;
        }
    }
    return true;
}

static bool is_path(const char *word, size_t len)
{
    size_t n_slashes = count(word, len, '/');
    if (word[0] == '@' && n_slashes == 1) {
        return false; /* a package of a scope: its name is what matters */
    }
    return len > 1 && (n_slashes > 0 || count(word, len, '\\') > 1);
}

static bool is_address6(const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_hex(word[i]) && word[i] != ':' && word[i] != '.' && word[i] != '%') {
            return false;
        }
    }
    return count(word, len, ':') >= 2 && len >= 3 && memmem(word, len, "::", 2) != NULL;
}

/* ---- numbers ---- */

static bool joins_numbers(char c)
{
    return c == '.' || c == ':' || c == '-' || c == '_' || c == '+';
}

/* One number with all that belongs to it: versions, addresses, dates, times. */
static size_t number_len(const char *word, size_t len)
{
    size_t i = 0;
    while (i < len) {
        if (is_digit(word[i])) {
            i++;
        } else if (i + 1 < len && joins_numbers(word[i]) && is_digit(word[i + 1])) {
            i++;
        } else if (i + 1 < len && word[i] == 'T' && is_digit(word[i + 1]) && i == 10) {
            i++; /* ISO 8601 */
        } else {
            break;
        }
    }
    return i;
}

/* "31.5s" and "900ms" are the same thing. */
static size_t unit_len(const char *word, size_t len)
{
    static const char *const units[] = {
        "ns", "us", "ms", "s",  "sec", "secs", "m",   "min", "h", "d", "B",
        "kB", "KB", "MB", "GB", "KiB", "MiB",  "GiB", "k",   "M", "G", "Z"};
    size_t n = 0;
    while (n < len && is_letter(word[n])) {
        n++;
    }
    if (n == 0 || n > 4) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i]) == n && memcmp(units[i], word, n) == 0) {
            return n;
        }
    }
    return 0;
}

static bool is_masked(const char *run, size_t len, bool is_after_id)
{
    bool is_hexed = len > 2 && run[0] == '0' && (run[1] | 0x20) == 'x';
    return is_hexed || is_id(run, len) || is_random(run, len) ||
           (is_after_id && len == SUFFIX_LEN);
}

/* One run of letters and digits. */
static void put_run(struct out *out, const char *run, size_t len)
{
    for (size_t i = 0; i < len;) {
        if (is_digit(run[i])) {
            i += number_len(run + i, len - i);
            i += unit_len(run + i, len - i);
            put_word(out, "#");
        } else {
            put(out, run + i, 1);
            i++;
        }
    }
}

/* Runs of letters and digits, one after the other; what stands between them stays. */
static void put_runs(struct out *out, const char *word, size_t len)
{
    bool was_id = false;
    for (size_t i = 0; i < len;) {
        size_t n = 0;
        while (i + n < len && is_word(word[i + n])) {
            n++;
        }
        if (n == 0) {
            put(out, word + i, 1);
            i++;
        } else if (is_masked(word + i, n, was_id)) {
            put_word(out, "#");
            was_id = true;
            i += n;
        } else if (is_code(word + i, n)) {
            put(out, word + i, n);
            i += n;
        } else {
            size_t number = is_digit(word[i]) ? number_len(word + i, len - i) : 0;
            if (number > n) { /* with points and colons in it */
                n = number + unit_len(word + i + number, len - i - number);
                put_word(out, "#");
            } else {
                put_run(out, word + i, n);
            }
            i += n;
        }
    }
}

/* ---- chunks ---- */

static void put_path(struct out *out, const char *chunk, size_t len)
{
    put_word(out, "<path>");
    const char *test = memmem(chunk, len, "::", 2); /* FILE::TEST, as pytest has it */
    if (test != NULL) {
        put_runs(out, test, (size_t)(chunk + len - test));
    }
}

static void mask_chunk(struct out *out, const char *chunk, size_t len)
{
    size_t tail = len;
    while (tail > 1 && (chunk[tail - 1] == '.' || chunk[tail - 1] == ':')) {
        tail--;
    }
    if (is_id(chunk, tail) || is_random(chunk, tail)) {
        put_word(out, "#");
    } else if (is_address6(chunk, tail)) {
        put_word(out, "<addr>");
    } else if (memchr(chunk, '/', tail) != NULL && is_fraction(chunk, tail) && tail > 1) {
        put_word(out, "#");
    } else if (is_path(chunk, tail)) {
        put_path(out, chunk, tail);
    } else if (tail > 2 && memchr(chunk + 1, '@', tail - 2) != NULL &&
               memchr(chunk, '.', tail) != NULL && is_letter(chunk[tail - 1])) {
        put_word(out, "<mail>");
    } else {
        put_runs(out, chunk, tail);
    }
    put(out, chunk + tail, len - tail);
}

/* To the end of the URL at text, or 0 when there is none. */
static size_t url_len(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len && i < 16 && (is_word(text[i]) || text[i] == '+' || text[i] == '-')) {
        i++;
    }
    if (i == 0 || i + 3 > len || memcmp(text + i, "://", 3) != 0) {
        return 0;
    }
    while (i < len && !is_space(text[i]) && strchr("\"'`<>)]}|", text[i]) == NULL) {
        i++;
    }
    while (i > 0 && strchr(".,:;!?", text[i - 1]) != NULL) {
        i--;
    }
    return i;
}

/* ECMA-48: an escape sequence, its length. */
static size_t escape_len(const char *text, size_t len)
{
    size_t i = 2;
    if (len < 2) {
        return len;
    }
    if (text[1] == '[') {
        while (i < len && (unsigned char)text[i] >= 0x20 &&
               (unsigned char)text[i] < 0x40) {
            i++;
        }
        return i < len ? i + 1 : len;
    }
    if (text[1] == ']') {
        while (i < len && text[i] != '\a' && text[i] != 0x1b) {
            i++;
        }
        return i < len ? i + 1 : len;
    }
    return 2;
}

/* The time that a runner or logger puts before each line is not part of what was said. */
static size_t stamp_len(const char *line, size_t len)
{
    size_t i = 0, n_digits = 0, n_colons = 0;
    while (i < len && (is_digit(line[i]) || strchr("[]()-:.,/TZ+ ", line[i]) != NULL) &&
           line[i] != '\0') {
        n_digits += is_digit(line[i]);
        n_colons += line[i] == ':';
        i++;
    }
    while (i > 0 && line[i - 1] != ' ' && line[i - 1] != ']') {
        i--;
    }
    return n_colons >= 2 && n_digits >= 5 ? i : 0;
}

uint64_t template_mask(const char *line, size_t len, char *out_text, size_t cap)
{
    struct out out = {.text = out_text, .cap = cap, .hash = FNV_START};
    bool has_text = false, is_spaced = false;
    size_t i = stamp_len(line, len);
    while (i < len) {
        size_t n;
        if (line[i] == 0x1b) {
            i += escape_len(line + i, len - i);
            continue;
        }
        if (is_space(line[i])) {
            is_spaced = has_text;
            i++;
            continue;
        }
        if (is_spaced) {
            put(&out, " ", 1);
            is_spaced = false;
        }
        has_text = true;
        if (is_mark(line[i])) {
            put(&out, line + i, 1);
            i++;
        } else if ((n = url_len(line + i, len - i)) > 0) {
            put_word(&out, "<url>");
            i += n;
        } else {
            for (n = 1; i + n < len && !is_space(line[i + n]) && !is_mark(line[i + n]);) {
                n++;
            }
            mask_chunk(&out, line + i, n);
            i += n;
        }
    }
    if (cap > 0) {
        out_text[out.n] = '\0';
    }
    return out.hash != 0 ? out.hash : 1;
}
