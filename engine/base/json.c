/* SPDX-License-Identifier: MIT */
#include "engine/base/json.h"

#include <jansson.h>
#include <math.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

/* struct json is jansson's json_t under our name; it is never defined. */
static json_t *theirs(const struct json *value)
{
    union {
        const struct json *in;
        json_t *out;
    } cast = {.in = value};
    return cast.out;
}

static struct json *ours(json_t *value)
{
    union {
        json_t *in;
        struct json *out;
    } cast = {.in = value};
    return cast.out;
}

static bool is_too_deep(const char *text, size_t len)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        if (in_string) {
            if (text[i] == '\\') {
                i++;
            } else if (text[i] == '"') {
                in_string = false;
            }
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > JSON_DEPTH_MAX) {
                return true;
            }
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return false;
}

struct json *json_parse(const char *text, size_t len, struct err *err)
{
    json_error_t problem;
    if (is_too_deep(text, len)) {
        err_set(err, ERR_PROTOCOL, "JSON deeper than %d levels", JSON_DEPTH_MAX);
        return NULL;
    }
    json_t *root =
        json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (root == NULL) {
        char near[JSON_ERROR_TEXT_LENGTH]; /* it quotes what it stumbled over */
        err_set(err, ERR_PROTOCOL, "JSON line %d column %d: %s", problem.line,
                problem.column, text_clean_into(near, sizeof(near), problem.text));
        return NULL;
    }
    return ours(root);
}

void json_free(struct json *root)
{
    json_decref(theirs(root));
}

const struct json *json_get(const struct json *object, const char *key)
{
    return ours(json_object_get(theirs(object), key));
}

const char *json_str(const struct json *object, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(theirs(object), key));
    return text != NULL ? text : fallback;
}

int64_t json_int(const struct json *object, const char *key, int64_t fallback)
{
    const json_t *value = json_object_get(theirs(object), key);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

double json_num(const struct json *object, const char *key, double fallback)
{
    const json_t *value = json_object_get(theirs(object), key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

bool json_bool(const struct json *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(theirs(object), key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

size_t json_len(const struct json *array)
{
    return json_array_size(theirs(array));
}

const struct json *json_at(const struct json *array, size_t index)
{
    return ours(json_array_get(theirs(array), index));
}

bool json_is_an_object(const struct json *value)
{
    return json_is_object(theirs(value));
}

const char *json_text(const struct json *value)
{
    return json_string_value(theirs(value));
}

bool json_is_same(const struct json *a, const struct json *b)
{
    return a != NULL && b != NULL && json_equal(theirs(a), theirs(b)) == 1;
}

char *json_format(const struct json *value)
{
    char *text = json_dumps(theirs(value), JSON_COMPACT | JSON_ENCODE_ANY);
    return text != NULL ? text : mem_str("null");
}

bool json_next(const struct json *object, void **iter, const char **ret_key,
               const struct json **ret_value)
{
    json_t *walked = theirs(object);
    *iter =
        *iter == NULL ? json_object_iter(walked) : json_object_iter_next(walked, *iter);
    if (*iter == NULL) {
        return false;
    }
    *ret_key = json_object_iter_key(*iter);
    *ret_value = ours(json_object_iter_value(*iter));
    return true;
}

void jsonw_init(struct jsonw *w, struct buf *buf)
{
    *w = (struct jsonw){.buf = buf};
}

/* DEL, the C1 controls (a terminal may take them for escape sequences), line separators
 * and bidi controls: RFC 8259 lets them stand, but what is printed may meet a terminal.
 */
static bool is_risky(uint32_t rune)
{
    return (rune >= 0x7F && rune < 0xA0) || (rune >= 0x2028 && rune <= 0x202E) ||
           (rune >= 0x2066 && rune <= 0x2069);
}

static void write_escaped(struct buf *buf, const char *text, size_t len)
{
    size_t plain = 0; /* start of the run not yet written */
    (void)buf_char(buf, '"');
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
            i++;
            continue;
        }
        uint32_t rune = 0;
        size_t n = text_decode(text + i, len - i, &rune);
        if (c >= 0x80 && n > 0 && !is_risky(rune)) {
            i += n;
            continue;
        }
        (void)buf_add(buf, text + plain, i - plain);
        if (n > 0 && is_risky(rune)) {
            (void)buf_printf(buf, "\\u%04x", (unsigned)rune);
            i += n - 1;
        } else if (c >= 0x80 || c == 0) {
            /* No parser that gives C strings takes \u0000 back. */
            (void)buf_str(buf, "\xef\xbf\xbd");
        } else if (c == '"' || c == '\\') {
            (void)buf_char(buf, '\\');
            (void)buf_char(buf, (char)c);
        } else if (c == '\n') {
            (void)buf_str(buf, "\\n");
        } else if (c == '\t') {
            (void)buf_str(buf, "\\t");
        } else {
            (void)buf_printf(buf, "\\u%04x", c);
        }
        i++;
        plain = i;
    }
    (void)buf_add(buf, text + plain, len - plain);
    (void)buf_char(buf, '"');
}

static void write_key(struct jsonw *w, const char *key)
{
    if (w->needs_comma) {
        (void)buf_char(w->buf, ',');
    }
    w->needs_comma = true;
    if (key != NULL) {
        write_escaped(w->buf, key, strlen(key));
        (void)buf_char(w->buf, ':');
    }
}

void jsonw_open(struct jsonw *w, const char *key, char bracket)
{
    write_key(w, key);
    (void)buf_char(w->buf, bracket);
    w->needs_comma = false;
}

void jsonw_close(struct jsonw *w, char bracket)
{
    (void)buf_char(w->buf, bracket);
    w->needs_comma = true;
}

void jsonw_strn(struct jsonw *w, const char *key, const char *text, size_t len)
{
    write_key(w, key);
    write_escaped(w->buf, text, len);
}

void jsonw_str(struct jsonw *w, const char *key, const char *text)
{
    if (text == NULL) {
        jsonw_null(w, key);
    } else {
        jsonw_strn(w, key, text, strlen(text));
    }
}

void jsonw_int(struct jsonw *w, const char *key, int64_t number)
{
    write_key(w, key);
    (void)buf_printf(w->buf, "%lld", (long long)number);
}

void jsonw_num(struct jsonw *w, const char *key, double number)
{
    if (!isfinite(number)) {
        jsonw_null(w, key);
        return;
    }
    write_key(w, key);
    (void)buf_printf(w->buf, "%.10g", number);
}

void jsonw_bool(struct jsonw *w, const char *key, bool value)
{
    write_key(w, key);
    (void)buf_str(w->buf, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
    write_key(w, key);
    (void)buf_str(w->buf, "null");
}

void jsonw_raw(struct jsonw *w, const char *key, const char *json, size_t len)
{
    write_key(w, key);
    (void)buf_add(w->buf, json, len);
}

const char *json_library(void)
{
    return "jansson " JANSSON_VERSION;
}
