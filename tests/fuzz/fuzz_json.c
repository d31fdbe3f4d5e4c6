/* SPDX-License-Identifier: MIT */

/* JSON of any bytes: an error, or a tree that the writer writes as a text with the same
 * tree. Any bytes as a string value give valid JSON, too. */
#include "engine/base/json.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX (16 * 1024 * 1024)

static void check_string(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, OUT_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_strn(&w, "key", (const char *)data, size);
    jsonw_int(&w, "int", INT64_MIN);
    jsonw_close(&w, '}');
    MUST(text_is_utf8(out.data, out.len) && is_harmless(out.data));
    struct json *root = json_parse(out.data, out.len, &err);
    MUST(root != NULL);
    const char *text = json_str(root, "key", NULL);
    MUST(text != NULL);
    if (text_is_utf8((const char *)data, size) && memchr(data, '\0', size) == NULL) {
        MUST(strlen(text) == size && memcmp(text, data, size) == 0);
    }
    MUST(json_int(root, "int", 0) == INT64_MIN);
    json_free(root);
}

/* Every getter on every value of an object, right type or not. */
static void check_getters(const struct json *value)
{
    void *iter = NULL;
    const char *key = NULL;
    const struct json *child = NULL;
    for (size_t i = 0; i <= json_len(value) && i < 100; i++) {
        (void)json_text(json_at(value, i)); /* must be harmless, says nothing */
    }
    while (json_next(value, &iter, &key, &child)) {
        MUST(key != NULL && child != NULL);
        MUST(json_get(value, key) == child);
        MUST(json_str(value, key, "none") != NULL);
        (void)json_int(value, key, 1);
        (void)json_num(value, key, 1.0);
        (void)json_bool(value, key, true);
        (void)json_len(child);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse((const char *)data, size, &err);
    MUST(root != NULL || (err.code != ERR_NONE && err.msg[0] != '\0'));
    if (root != NULL) {
        const struct json *at = root;
        for (int depth = 0; at != NULL && depth <= JSON_DEPTH_MAX; depth++) {
            void *iter = NULL;
            const char *key = NULL;
            const struct json *child = NULL;
            check_getters(at);
            at = json_next(at, &iter, &key, &child) ? child : json_at(at, 0);
        }
        MUST(at == NULL);
        struct jsonw w;
        AUTO_BUF struct buf out;
        buf_init(&out, OUT_MAX);
        jsonw_init(&w, &out);
        jsonw_open(&w, NULL, '[');
        jsonw_raw(&w, NULL, (const char *)data, size);
        jsonw_close(&w, ']');
        struct json *again = json_parse(out.data, out.len, &err);
        MUST(again == NULL || json_len(again) == 1);
        json_free(again);
    }
    json_free(root);
    check_string(data, size);
    return 0;
}
