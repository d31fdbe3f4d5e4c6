/* SPDX-License-Identifier: MIT */
#include "engine/base/blob.h"

#include <string.h>

#include "engine/base/text.h"
#include "engine/base/varint.h"

void blob_put_key(struct buf *out, uint64_t key)
{
    uint8_t bytes[VARINT_MAX];
    (void)buf_add(out, bytes, varint_put(bytes, key));
}

void blob_put(struct buf *out, int64_t number)
{
    blob_put_key(out, varint_fold(number));
}

void blob_put_double(struct buf *out, double number)
{
    uint8_t bytes[8];
    (void)buf_add(out, bytes, double_put(bytes, number));
}

void blob_put_text(struct buf *out, const char *text)
{
    blob_put(out, (int64_t)strlen(text));
    (void)buf_str(out, text);
}

uint64_t blob_take_key(struct blob *blob)
{
    uint64_t key = 0;
    size_t used = blob->is_bad ? 0 : varint_get(blob->bytes, blob->len, &key);
    if (used == 0) {
        blob->is_bad = true;
        return 0;
    }
    blob->bytes += used;
    blob->len -= used;
    return key;
}

int64_t blob_take(struct blob *blob, int64_t low, int64_t high)
{
    int64_t number = varint_unfold(blob_take_key(blob));
    if (number < low || number > high) {
        blob->is_bad = true;
    }
    return blob->is_bad ? low : number;
}

double blob_take_double(struct blob *blob, double low, double high)
{
    if (blob->is_bad || blob->len < 8) {
        blob->is_bad = true;
        return low;
    }
    double number = double_get(blob->bytes);
    blob->bytes += 8;
    blob->len -= 8;
    if (!(number >= low && number <= high)) {
        blob->is_bad = true;
        return low;
    }
    return number;
}

struct wall blob_take_wall(struct blob *blob)
{
    return (struct wall){blob_take(blob, 0, INT64_MAX / 4)};
}

static bool is_clean(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)text[i] < 0x20 || (uint8_t)text[i] == 0x7F) {
            return false;
        }
    }
    return text_is_utf8(text, len);
}

void blob_take_text(struct blob *blob, char *out, size_t cap)
{
    size_t len = (size_t)blob_take(blob, 0, (int64_t)cap - 1);
    out[0] = '\0';
    if (blob->is_bad || len > blob->len || !is_clean((const char *)blob->bytes, len)) {
        blob->is_bad = true;
        return;
    }
    memcpy(out, blob->bytes, len);
    out[len] = '\0';
    blob->bytes += len;
    blob->len -= len;
}

bool blob_is_done(const struct blob *blob)
{
    return !blob->is_bad && blob->len == 0;
}
