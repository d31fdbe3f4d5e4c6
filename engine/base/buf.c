/* SPDX-License-Identifier: MIT */
#include "engine/base/buf.h"

#include <stdarg.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

static char empty[1];

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.data = empty, .max = max};
}

void buf_fini(struct buf *buf)
{
    if (buf->data != empty) {
        free(buf->data);
    }
    *buf = (struct buf){.data = empty, .max = buf->max};
}

void buf_fini_cleanup(struct buf *buf)
{
    buf_fini(buf);
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->is_cut = false;
    if (buf->data != empty) {
        buf->data[0] = '\0';
    }
}

static void reserve(struct buf *buf, size_t total)
{
    if (total < buf->cap) {
        return;
    }
    size_t cap = buf->cap > 0 ? buf->cap : 64;
    while (cap <= total) {
        cap *= 2;
    }
    buf->data = mem_grow(buf->data != empty ? buf->data : NULL, cap, 1);
    buf->cap = cap;
}

bool buf_add(struct buf *buf, const void *bytes, size_t len)
{
    bool is_whole = true;
    if (len > buf->max - buf->len) {
        len = buf->max - buf->len;
        buf->is_cut = true;
        is_whole = false;
    }
    if (len > 0) {
        reserve(buf, buf->len + len);
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
        buf->data[buf->len] = '\0';
    }
    return is_whole;
}

bool buf_str(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

bool buf_char(struct buf *buf, char c)
{
    return buf_add(buf, &c, 1);
}

bool buf_printf(struct buf *buf, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (len < 0) {
        BUG("bad format");
    }
    bool is_whole;
    if ((size_t)len < sizeof(small)) {
        is_whole = buf_add(buf, small, (size_t)len);
    } else {
        char *text = mem_alloc((size_t)len + 1);
        (void)vsnprintf(text, (size_t)len + 1, format, again);
        is_whole = buf_add(buf, text, (size_t)len);
        free(text);
    }
    va_end(again);
    return is_whole;
}

char *buf_take(struct buf *buf, size_t *ret_len)
{
    reserve(buf, buf->len);
    char *data = buf->data;
    data[buf->len] = '\0';
    if (ret_len != NULL) {
        *ret_len = buf->len;
    }
    *buf = (struct buf){.data = empty, .max = buf->max};
    return data;
}
