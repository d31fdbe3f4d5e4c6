/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/recovery/classify_text.h"

#define TOKEN_MAX 64  /* bytes of a masked token */
#define RAW_MAX   400 /* bytes of a token that are looked at */
#define HITS_MAX  256

static const uint32_t sizes[GROUP_COUNT] = {TEXT_CHARS,  TEXT_WORDS, TEXT_PAIRS,
                                            TEXT_STARTS, TEXT_RULES, TEXT_SHAPE};
static const uint32_t starts[GROUP_COUNT] = {
    0,
    TEXT_CHARS,
    TEXT_CHARS + TEXT_WORDS,
    TEXT_CHARS + TEXT_WORDS + TEXT_PAIRS,
    TEXT_CHARS + TEXT_WORDS + TEXT_PAIRS + TEXT_STARTS,
    TEXT_CHARS + TEXT_WORDS + TEXT_PAIRS + TEXT_STARTS + TEXT_RULES,
};

enum text_group text_group_of(uint32_t bucket)
{
    int group = GROUP_COUNT - 1;
    while (group > 0 && bucket < starts[group]) {
        group--;
    }
    return (enum text_group)group;
}

/* FNV-1a, 32 bits, with a last mix so that its low bits are good. */
#define FNV_START 2166136261u

static uint32_t fnv(uint32_t hash, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    }
    return hash;
}

static uint32_t mix(uint32_t hash)
{
    hash ^= hash >> 16;
    hash *= 0x7feb352du;
    hash ^= hash >> 15;
    hash *= 0x846ca68bu;
    return hash ^ (hash >> 16);
}

static void see_bucket(struct text_reader *reader, uint32_t bucket, float by)
{
    if (reader->sum[bucket] == 0) {
        reader->touched[reader->n_touched++] = bucket;
    }
    reader->sum[bucket] += by;
}

static void see(struct text_reader *reader, enum text_group group, uint32_t hash)
{
    see_bucket(reader, starts[group] + mix(hash) % sizes[group], 1);
}

/* ---- tokens ------------------------------------------------------------------------ */

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

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Bytes of an escape sequence at text[0]: CSI, or its rest when ESC got lost ("[31m"). */
static size_t escape_len(const char *text, size_t len)
{
    size_t i = text[0] == 27;
    if (i >= len || text[i] != '[') {
        return i;
    }
    size_t at = i + 1;
    while (at < len && (is_digit(text[at]) || text[at] == ';')) {
        at++;
    }
    bool is_csi = at < len && (i == 1 ? is_letter(text[at]) : text[at] == 'm' && at > 1);
    return is_csi ? at + 1 : i;
}

/* Hex digits in a row that are no word: at least 7, one of them a number. */
static size_t hex_run(const char *text, size_t len)
{
    size_t n = 0;
    bool has_digit = false;
    while (n < len && is_hex(text[n])) {
        has_digit = has_digit || is_digit(text[n]);
        n++;
    }
    bool is_word = n < len && is_letter(text[n]);
    return n >= 7 && has_digit && !is_word ? n : 0;
}

/* Where a path at the beginning of a token ends its folders: behind the last '/', 0 = none. */
static size_t folders_len(const char *text, size_t len)
{
    size_t end = 0;
    for (size_t i = 0; i < len && text[i] != ':' && text[i] != '(' && text[i] != '=';
         i++) {
        if (text[i] == '/' || text[i] == '\\') {
            end = i + 1;
        }
    }
    return end;
}

/* Lower case with numbers as 0, hex as 0x, folders as "/". Returns its length. */
static size_t mask_token(const char *raw, size_t len, char out[TOKEN_MAX])
{
    size_t n = 0, i = 0;
    if (memmem(raw, len, "://", 3) != NULL) {
        static const char url[] = {'<', 'u', 'r', 'l', '>'};
        memcpy(out, url, sizeof(url));
        return sizeof(url);
    }
    while (i < len && !is_letter(raw[i]) && raw[i] != '/' && raw[i] != '.' && n < 8 &&
           !is_digit(raw[i])) {
        out[n++] = raw[i++]; /* quotes and brackets before a path */
    }
    size_t folders = folders_len(raw + i, len - i);
    if (folders > 0) {
        i += folders;
        out[n++] = '/';
        size_t dot = i;
        while (dot < len && raw[dot] != '.' && raw[dot] != ':') {
            dot++;
        }
        i = dot < len && raw[dot] == '.' ? dot : i; /* only how the file name ends */
    }
    while (i < len && n < TOKEN_MAX - 2) {
        size_t hex = hex_run(raw + i, len - i);
        if (hex > 0) {
            out[n++] = '0';
            out[n++] = 'x';
            i += hex;
        } else if (is_digit(raw[i])) {
            out[n++] = '0';
            while (i < len && is_digit(raw[i])) {
                i++;
            }
        } else {
            out[n++] = lower(raw[i++]);
        }
    }
    return n;
}

static void see_chars(struct text_reader *reader, const char *token, size_t len)
{
    char padded[TOKEN_MAX + 2];
    padded[0] = ' ';
    memcpy(padded + 1, token, len);
    padded[len + 1] = ' ';
    for (size_t n = 3; n <= 5; n++) {
        for (size_t i = 0; i + n <= len + 2; i++) {
            see(reader, GROUP_CHARS, fnv(FNV_START + (uint32_t)n, padded + i, n));
        }
    }
}

/* ---- words ------------------------------------------------------------------------- */

struct word_state {
    uint32_t last; /* hash of the word before in this line; 0 = none */
};

static uint32_t lower_hash(const char *text, size_t len)
{
    uint32_t hash = FNV_START;
    for (size_t i = 0; i < len; i++) {
        char c = lower(text[i]);
        hash = fnv(hash, &c, 1);
    }
    return hash;
}

/* "ConnectionRefusedError" is also "connection", "refused" and "error". */
static void see_parts(struct text_reader *reader, const char *word, size_t len)
{
    size_t start = 0;
    for (size_t i = 1; i <= len; i++) {
        bool is_cut = i == len || (word[i] >= 'A' && word[i] <= 'Z' &&
                                   (word[i - 1] >= 'a' && word[i - 1] <= 'z'));
        if (is_cut && i - start >= 2 && i - start < len) {
            see(reader, GROUP_WORDS, lower_hash(word + start, i - start));
        }
        start = is_cut ? i : start;
    }
}

static void see_word(struct text_reader *reader, struct word_state *state,
                     const char *word, size_t len)
{
    uint32_t hash = lower_hash(word, len);
    see(reader, GROUP_WORDS, hash);
    if (len >= 3 && word[1] >= 'A' && word[1] <= 'Z') {
        see(reader, GROUP_WORDS, fnv(FNV_START ^ 0x5bd1e995u, word, len)); /* SHOUTED */
    }
    see_parts(reader, word, len);
    if (state->last != 0) {
        see(reader, GROUP_PAIRS, state->last * 31u + hash);
    }
    state->last = hash;
}

static void see_words(struct text_reader *reader, struct word_state *state,
                      const char *raw, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = 0;
        while (i + n < len && is_letter(raw[i + n])) {
            n++;
        }
        if (n >= 2) {
            see_word(reader, state, raw + i, n);
        }
        i += n + 1;
    }
}

/* ---- lines ------------------------------------------------------------------------- */

/* The next token of a line into raw without escape sequences; its length, 0 at the end. */
static size_t next_token(const char *line, size_t len, size_t *at, char raw[RAW_MAX])
{
    size_t n = 0;
    while (*at < len) {
        size_t escape = escape_len(line + *at, len - *at);
        if (escape > 0) {
            *at += escape;
        } else if (is_blank(line[*at])) {
            ++*at;
            if (n > 0) {
                break;
            }
        } else {
            if (n < RAW_MAX) {
                raw[n++] = line[*at];
            }
            ++*at;
        }
    }
    return n;
}

static bool is_of_time(const char *masked, size_t len)
{
    bool has_number = false;
    for (size_t i = 0; i < len; i++) {
        has_number = has_number || masked[i] == '0';
        if (is_letter(masked[i]) && masked[i] != 't' && masked[i] != 'z') {
            return false;
        }
    }
    return has_number && len >= 5 && memmem(masked, len, "0:0", 3) != NULL;
}

static void see_line(struct text_reader *reader, const char *line, size_t len)
{
    char raw[RAW_MAX], masked[TOKEN_MAX];
    struct word_state words = {0};
    size_t at = 0, n, n_tokens = 0;
    uint32_t start = FNV_START;
    while ((n = next_token(line, len, &at, raw)) > 0) {
        size_t n_masked = mask_token(raw, n, masked);
        if (n_tokens == 0 && is_of_time(masked, n_masked)) {
            continue;
        }
        see_chars(reader, masked, n_masked);
        see_words(reader, &words, raw, n);
        if (n_tokens < 2) {
            start = fnv(fnv(start, masked, n_masked), " ", 1);
            see(reader, GROUP_STARTS, start);
        }
        n_tokens++;
    }
}

static void see_rules(struct text_reader *reader, const struct pattern_base *base,
                      const char *text, size_t len)
{
    struct pattern_hit hits[HITS_MAX];
    float of_class[CLASS_COUNT] = {0};
    uint32_t first = starts[GROUP_RULES];
    size_t n = pattern_scan(base, text, len, hits, HITS_MAX);
    for (size_t i = 0; i < n && i < HITS_MAX; i++) {
        const struct pattern *pattern = hits[i].pattern;
        uint32_t hash = fnv(FNV_START, pattern->id, strlen(pattern->id));
        uint32_t bucket = first + CLASS_COUNT + mix(hash) % (TEXT_RULES - CLASS_COUNT);
        if (reader->sum[bucket] == 0) {
            see_bucket(reader, bucket, (float)pattern->weight);
        }
        /* of_class: chance that one of them is right, as if they were independent */
        float *p = &of_class[pattern->class_];
        if ((float)pattern->weight > *p) {
            *p = (float)pattern->weight;
        }
    }
    for (uint32_t i = 0; i < CLASS_COUNT; i++) {
        if (of_class[i] > 0) {
            see_bucket(reader, first + i, of_class[i]);
        }
    }
}

static void see_shape(struct text_reader *reader, size_t n_lines, size_t len)
{
    uint32_t first = starts[GROUP_SHAPE];
    uint32_t lines = 0, bytes = 0;
    for (size_t n = n_lines; n > 1 && lines < 9; n /= 2) {
        lines++;
    }
    for (size_t n = len / 32; n > 1 && bytes < 9; n /= 2) {
        bytes++;
    }
    see_bucket(reader, first + lines, 1);
    see_bucket(reader, first + 10 + bytes, 1);
}

size_t text_features(struct text_reader *reader, const struct pattern_base *base,
                     const char *text, size_t len, struct text_feature *ret)
{
    size_t n_lines = 0;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end == NULL ? len - at : (size_t)(end - (text + at));
        see_line(reader, text + at, n);
        n_lines++;
        at += n + 1;
    }
    see_shape(reader, n_lines, len);
    if (base != NULL) {
        see_rules(reader, base, text, len);
    }
    size_t n = reader->n_touched;
    for (size_t i = 0; i < n; i++) {
        uint32_t bucket = reader->touched[i];
        float sum = reader->sum[bucket];
        bool is_count = text_group_of(bucket) != GROUP_RULES;
        ret[i] = (struct text_feature){bucket, is_count ? 1 + logf(sum) : sum};
        reader->sum[bucket] = 0;
    }
    reader->n_touched = 0;
    return n;
}
