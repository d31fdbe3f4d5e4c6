/* SPDX-License-Identifier: MIT */
#include "engine/monitor/fingerprint.h"

#include <ctype.h>
#include <string.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)
#define ID_MIN    7 /* a shorter word of hex digits is a word: "face", "added" */

struct out {
    char *text;
    size_t n, cap;
    uint64_t hash;
};

static void put(struct out *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out->hash = (out->hash ^ (unsigned char)text[i]) * FNV_PRIME;
        if (out->n + 1 < out->cap) {
            out->text[out->n++] = text[i];
        }
    }
}

static bool is_edge(char c)
{
    return strchr("\"'`()[]{}<>,;:.!?=", c) != NULL;
}

static bool is_id(const char *word, size_t len)
{
    size_t n_digits = 0;
    if (len < ID_MIN) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)word[i];
        if (!isxdigit(c) && c != '-') {
            return false;
        }
        n_digits += isdigit(c) != 0;
    }
    return n_digits > 0;
}

/* Digits become one '#', whatever stands in between stays. */
static void put_word(struct out *out, const char *word, size_t len)
{
    size_t i = 0;
    while (i < len) {
        size_t start = i;
        while (i < len && isdigit((unsigned char)word[i])) {
            i++;
        }
        if (i > start) {
            put(out, "#", 1);
            continue;
        }
        put(out, word + i, 1);
        i++;
    }
}

static void mask_word(struct out *out, const char *word, size_t len)
{
    size_t head = 0, tail = len;
    while (head < tail && is_edge(word[head])) {
        head++;
    }
    while (tail > head && is_edge(word[tail - 1])) {
        tail--;
    }
    const char *core = word + head;
    size_t n = tail - head;
    put(out, word, head);
    if (n > 1 && memchr(core, '/', n) != NULL) {
        put(out, "<path>", 6);
    } else if (n > 2 && core[0] == '0' && (core[1] == 'x' || core[1] == 'X')) {
        put(out, "<id>", 4);
    } else if (is_id(core, n)) {
        put(out, "<id>", 4);
    } else {
        put_word(out, core, n);
    }
    put(out, word + tail, len - tail);
}

uint64_t fingerprint_mask(const char *text, char *out_text, size_t cap)
{
    struct out out = {.text = out_text, .cap = cap, .hash = FNV_START};
    bool has_word = false;
    while (*text != '\0') {
        size_t n = strcspn(text, " \t\r\n");
        if (n > 0) {
            if (has_word) {
                put(&out, " ", 1);
            }
            mask_word(&out, text, n);
            has_word = true;
        }
        text += n;
        text += strspn(text, " \t\r\n");
    }
    if (cap > 0) {
        out.text[out.n] = '\0';
    }
    return out.hash != 0 ? out.hash : 1; /* 0 says "free" */
}

enum fingerprint_age fingerprint_add(struct fingerprint_book *book, const char *text,
                                     struct wall at, const struct fingerprint **ret_print)
{
    char masked[FINGERPRINT_TEXT];
    uint64_t hash = fingerprint_mask(text, masked, sizeof(masked));
    struct fingerprint *print = NULL, *oldest = &book->prints[0];
    for (size_t i = 0; i < FINGERPRINTS_MAX && print == NULL; i++) {
        struct fingerprint *other = &book->prints[i];
        if (other->hash == hash) {
            print = other;
        } else if (other->last_at.ms < oldest->last_at.ms) {
            oldest = other;
        }
    }
    enum fingerprint_age age = FINGERPRINT_KNOWN;
    if (print == NULL) {
        print = oldest;
        *print = (struct fingerprint){.hash = hash, .first_at = at};
        (void)memcpy(print->text, masked, sizeof(masked));
        age = FINGERPRINT_NEW;
    } else if (at.ms - print->last_at.ms > FINGERPRINT_RETURN_MS) {
        age = FINGERPRINT_RETURNED;
        print->returned_at = at;
    }
    print->n++;
    print->last_at = at;
    if (ret_print != NULL) {
        *ret_print = print;
    }
    return age;
}

void fingerprint_count(const struct fingerprint_book *book, struct wall now,
                       struct span span, int64_t *ret_new, int64_t *ret_returned)
{
    *ret_new = *ret_returned = 0;
    for (size_t i = 0; i < FINGERPRINTS_MAX; i++) {
        const struct fingerprint *print = &book->prints[i];
        if (print->hash == 0) {
            continue;
        }
        *ret_new += now.ms - print->first_at.ms < span.ms;
        *ret_returned +=
            wall_is_set(print->returned_at) && now.ms - print->returned_at.ms < span.ms;
    }
}
