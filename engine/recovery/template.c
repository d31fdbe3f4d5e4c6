/* SPDX-License-Identifier: MIT */

/*
 * The book. A row is what Drain calls a log group: lines of one class, one number of tokens and
 * one first token. A group has at most one wildcard, and only where the token is a variable to
 * the eye: quoted, or with a mask in it. Names of tests are what tells test failures apart, so
 * for them quotes do not make a variable.
 */

#include "engine/recovery/template.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"

#define TEMPLATES_MAX 4096
#define BOOK_FORMAT   1
#define NO_WILDCARD   (-1)
#define MASKED_MAX    2048 /* bytes of a masked line that are looked at */
#define LINE_MAX_SEEN 4096 /* bytes of a line; what is longer is not one any more */
#define FNV_START     UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME     UINT64_C(0x100000001b3)

struct row {
    uint64_t fingerprint; /* 0 = free */
    uint64_t hash;        /* of the masked line that came first */
    uint64_t used;        /* turn of the book when it was last seen */
    uint64_t variables;   /* bit per token that is a variable to the eye */
    int32_t kind, n_tokens, wildcard, unused;
    uint32_t tokens[TEMPLATE_TOKENS];
};

struct head {
    int32_t format, row_bytes, n_rows, unused;
    uint64_t turn;
};

struct template_book {
    struct head head;
    struct row rows[TEMPLATES_MAX];
};

static void begin(struct template_book *book)
{
    book->head.format = BOOK_FORMAT;
    book->head.row_bytes = (int32_t)sizeof(struct row);
}

struct template_book *template_book_new(void)
{
    struct template_book *book = mem_alloc(sizeof(*book));
    begin(book);
    return book;
}

void template_book_free(struct template_book *book)
{
    free(book);
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * FNV_PRIME;
    }
    return hash;
}

static bool is_variable(const char *token, size_t len, enum failure_class kind)
{
    if (memchr(token, '#', len) != NULL || memchr(token, '<', len) != NULL) {
        return true;
    }
    return kind != CLASS_TEST && len > 2 &&
           (token[0] == '\'' || token[0] == '"' || token[0] == '`');
}

/* Cuts the masked line into tokens; what is beyond the last counts into it. */
static void cut(struct row *row, const char *masked)
{
    const char *at = masked;
    while (*at != '\0') {
        size_t n = row->n_tokens + 1 < TEMPLATE_TOKENS ? strcspn(at, " ") : strlen(at);
        row->tokens[row->n_tokens] = (uint32_t)(hash_bytes(FNV_START, at, n) >> 16);
        if (is_variable(at, n, (enum failure_class)row->kind)) {
            row->variables |= UINT64_C(1) << row->n_tokens;
        }
        row->n_tokens++;
        at += n + (at[n] == ' ');
    }
}

static bool is_joined(const struct row *row, const struct row *line,
                      int32_t *ret_wildcard)
{
    if (row->fingerprint == 0 || row->kind != line->kind ||
        row->n_tokens != line->n_tokens || line->n_tokens < 3) {
        return false;
    }
    int32_t wildcard = row->wildcard;
    for (int32_t i = 0; i < line->n_tokens; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (row->tokens[i] == line->tokens[i]) {
            continue;
        }
        if (i == 0 || (wildcard != NO_WILDCARD && wildcard != i) ||
            (row->variables & line->variables & bit) == 0) {
            return false;
        }
        wildcard = i;
    }
    *ret_wildcard = wildcard;
    return true;
}

/* Its own row first: a line that was there before a join keeps its fingerprint. */
static struct row *find(struct template_book *book, const struct row *line)
{
    struct row *joined = NULL;
    int32_t wildcard = NO_WILDCARD, its_wildcard = NO_WILDCARD;
    for (int32_t i = 0; i < book->head.n_rows; i++) {
        struct row *row = &book->rows[i];
        if (row->hash == line->hash && row->kind == line->kind && row->fingerprint != 0) {
            return row;
        }
        if (joined == NULL && is_joined(row, line, &wildcard)) {
            joined = row;
            its_wildcard = wildcard;
        }
    }
    if (joined != NULL) {
        joined->wildcard = its_wildcard;
    }
    return joined;
}

static struct row *room(struct template_book *book)
{
    if (book->head.n_rows < TEMPLATES_MAX) {
        return &book->rows[book->head.n_rows++];
    }
    struct row *oldest = &book->rows[0];
    for (size_t i = 1; i < TEMPLATES_MAX; i++) {
        if (book->rows[i].used < oldest->used) {
            oldest = &book->rows[i];
        }
    }
    return oldest;
}

void template_fingerprint(struct template_book *book, enum failure_class kind,
                          const char *line, size_t len, char ret[FINGERPRINT_WORD])
{
    char masked[MASKED_MAX];
    struct row seen = {.kind = (int32_t)kind, .wildcard = NO_WILDCARD};
    len = len < LINE_MAX_SEEN ? len : LINE_MAX_SEEN;
    seen.hash = template_mask(line, len, masked, sizeof(masked));
    const char *word = class_word(kind);
    seen.fingerprint = hash_bytes(seen.hash, word, strlen(word));
    seen.fingerprint += seen.fingerprint == 0; /* 0 says "free" */
    cut(&seen, masked);
    struct row *row = find(book, &seen);
    if (row == NULL) {
        row = room(book);
        *row = seen;
    }
    row->used = ++book->head.turn;
    (void)snprintf(ret, FINGERPRINT_WORD, "%016llx",
                   (unsigned long long)row->fingerprint);
}

char *template_book_save(const struct template_book *book, size_t *ret_len)
{
    *ret_len = sizeof(book->head) + (size_t)book->head.n_rows * sizeof(book->rows[0]);
    char *bytes = mem_alloc(*ret_len);
    (void)memcpy(bytes, book, *ret_len);
    return bytes;
}

static bool is_sound(const struct row *row)
{
    return row->kind >= 0 && row->kind < CLASS_COUNT && row->n_tokens >= 0 &&
           row->n_tokens <= TEMPLATE_TOKENS && row->fingerprint != 0 &&
           row->wildcard >= NO_WILDCARD && row->wildcard < TEMPLATE_TOKENS;
}

static bool is_whole(const struct template_book *book, size_t len)
{
    const struct head *head = &book->head;
    if (head->format != BOOK_FORMAT || head->row_bytes != (int32_t)sizeof(struct row) ||
        head->n_rows < 0 || head->n_rows > TEMPLATES_MAX ||
        len != sizeof(*head) + (size_t)head->n_rows * sizeof(book->rows[0])) {
        return false;
    }
    for (int32_t i = 0; i < head->n_rows; i++) {
        if (!is_sound(&book->rows[i])) {
            return false;
        }
    }
    return true;
}

bool template_book_load(struct template_book *book, const void *data, size_t len)
{
    bool is_good = len >= sizeof(book->head) && len <= sizeof(*book);
    if (is_good) {
        (void)memcpy(book, data, len);
        is_good = is_whole(book, len);
    }
    if (!is_good) {
        (void)memset(book, 0, sizeof(*book));
        begin(book);
    }
    return is_good;
}
