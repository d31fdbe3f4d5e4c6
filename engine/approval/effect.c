/* SPDX-License-Identifier: MIT */
#include "engine/approval/effect.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/digest.h"
#include "engine/base/json.h"

#define CANONICAL_MAX (64 * 1024)
#define SHORT_SHA     9 /* digits of a commit or digest that people are shown */

static int by_name(const void *left, const void *right)
{
    const struct effect_field *a = left, *b = right;
    return strcmp(a->name, b->name);
}

const char *effect_canonical(struct arena *arena, const struct effect_field *fields,
                             size_t n)
{
    struct effect_field sorted[EFFECT_FIELDS_MAX];
    struct jsonw w;
    AUTO_BUF struct buf buf;
    if (n > EFFECT_FIELDS_MAX) {
        BUG("more fields than an effect can have");
    }
    if (n > 0) {
        memcpy(sorted, fields, n * sizeof(sorted[0]));
        qsort(sorted, n, sizeof(sorted[0]), by_name);
    }
    buf_init(&buf, CANONICAL_MAX);
    jsonw_init(&w, &buf);
    jsonw_open(&w, NULL, '{');
    for (size_t i = 0; i < n; i++) {
        if (sorted[i].text != NULL) {
            jsonw_str(&w, sorted[i].name, sorted[i].text);
        } else {
            jsonw_int(&w, sorted[i].name, sorted[i].number);
        }
    }
    jsonw_close(&w, '}');
    if (buf.is_cut) {
        BUG("an effect larger than it can be");
    }
    return arena_strn(arena, buf.data, buf.len);
}

void effect_digest(const char *canonical, char ret_digest[DIGEST_HEX])
{
    uint8_t digest[DIGEST_LEN];
    _Static_assert(DIGEST_HEX == DIGEST_TEXT_MAX, "the same text");
    digest_sha256(canonical, strlen(canonical), digest);
    (void)digest_format(digest, ret_digest);
}

const char *effect_text_digest(struct arena *arena, const char *text, size_t len)
{
    uint8_t digest[DIGEST_LEN];
    char hex[DIGEST_TEXT_MAX];
    digest_sha256(text, len, digest);
    return arena_str(arena, digest_format(digest, hex));
}

/* ---- differences ---- */

static const char *value_text(struct arena *arena, const struct json *value)
{
    if (value == NULL) {
        return "";
    }
    const char *text = json_text(value);
    if (text != NULL) {
        return arena_str(arena, text);
    }
    AUTO_FREE char *whole = json_format(value);
    return arena_str(arena, whole);
}

static void add_change(struct arena *arena, const char *field, const struct json *before,
                       const struct json *after, struct effect_change *ret_changes,
                       size_t max, size_t *n)
{
    const char *was = value_text(arena, before), *is = value_text(arena, after);
    if (*n < max && (strcmp(was, is) != 0 || (before == NULL) != (after == NULL))) {
        ret_changes[(*n)++] = (struct effect_change){arena_str(arena, field), was, is};
    }
}

static int by_field(const void *left, const void *right)
{
    const struct effect_change *a = left, *b = right;
    return strcmp(a->field, b->field);
}

size_t effect_diff(struct arena *arena, const char *before, const char *after,
                   struct effect_change *ret_changes, size_t max)
{
    struct err ignored = ERR_INIT; /* what is no object has no fields */
    struct json *was = json_parse(before, strlen(before), &ignored);
    struct json *is = json_parse(after, strlen(after), &ignored);
    const struct json *value;
    const char *key;
    void *iter = NULL;
    size_t n = 0;
    while (json_next(was, &iter, &key, &value)) {
        add_change(arena, key, value, json_get(is, key), ret_changes, max, &n);
    }
    iter = NULL;
    while (json_next(is, &iter, &key, &value)) {
        if (json_get(was, key) == NULL) {
            add_change(arena, key, NULL, value, ret_changes, max, &n);
        }
    }
    if (n > 1) {
        qsort(ret_changes, n, sizeof(ret_changes[0]), by_field);
    }
    json_free(was);
    json_free(is);
    return n;
}

/* Commits and digests are told by their first digits. */
static int shown(const char *value)
{
    size_t len = strlen(value);
    bool is_hex = len >= 20 && strspn(value, "0123456789abcdef") == len;
    return is_hex ? SHORT_SHA : 60;
}

static const char *or_nothing(const char *value)
{
    return value[0] != '\0' ? value : "nothing";
}

const char *effect_diff_text(const char *before, const char *after,
                             char ret_text[EFFECT_DIFF_TEXT])
{
    struct arena *arena = arena_new();
    struct effect_change changes[EFFECT_FIELDS_MAX];
    size_t n = effect_diff(arena, before, after, changes, EFFECT_FIELDS_MAX);
    size_t len = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < n && len < EFFECT_DIFF_TEXT - 1; i++) {
        const char *was = or_nothing(changes[i].before);
        const char *is = or_nothing(changes[i].after);
        (void)snprintf(ret_text + len, EFFECT_DIFF_TEXT - len, "%s%s %.*s -> %.*s",
                       i > 0 ? ", " : "", changes[i].field, shown(was), was, shown(is),
                       is);
        len = strlen(ret_text);
    }
    arena_free(arena);
    return ret_text;
}
