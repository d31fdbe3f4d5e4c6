/* SPDX-License-Identifier: MIT */

/* JSON: any bytes are parsed or refused, and any text that is written can be read back.
 */
#include "engine/base/json.h"
#include "engine/base/text.h"
#include "tests/fuzz/fuzz.h"

static void check_parse(const char *text, size_t len)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(text, len, &err);
    if (root == NULL) {
        EXPECT(err.msg[0] != '\0');
        return;
    }
    void *iter = NULL;
    const char *key;
    const struct json *value;
    while (json_is_an_object(root) && json_next(root, &iter, &key, &value)) {
        EXPECT(json_get(root, key) == value);
    }
    for (size_t i = 0; i < json_len(root); i++) {
        EXPECT(json_at(root, i) != NULL);
    }
    json_free(root);
}

/* The writer takes any bytes for a text: what is no UTF-8 must not make a broken
 * document. */
static void check_write(const char *text, size_t len)
{
    struct buf AUTO_BUF out = {0};
    struct jsonw w;
    struct err err = ERR_INIT;
    buf_init(&out, 16 * 1024 * 1024);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_strn(&w, "text", text, len);
    jsonw_close(&w, '}');
    struct json *root = json_parse(out.data, out.len, &err);
    EXPECT(root != NULL);
    if (text_is_utf8(text, len) && memchr(text, 0, len) == NULL) {
        const char *again = json_str(root, "text", "");
        EXPECT(strlen(again) == len && memcmp(again, text, len) == 0);
    }
    json_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_parse((const char *)data, size);
    check_write((const char *)data, size);
    return 0;
}
