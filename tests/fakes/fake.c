/* SPDX-License-Identifier: MIT */

#include "tests/fakes/fake.h"

#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#include "engine/base/mem.h"

void fake_reply_init(struct fake_reply *reply)
{
    *reply =
        (struct fake_reply){.status = 200, .type = "application/json; charset=utf-8"};
    buf_init(&reply->headers, 64 * 1024);
    buf_init(&reply->body, FAKE_BODY_MAX);
}

void fake_reply_fini(struct fake_reply *reply)
{
    buf_fini(&reply->headers);
    buf_fini(&reply->body);
}

static void append(struct buf *buf, const char *format, va_list args) PRINTF_LIKE(2, 0);
static void append(struct buf *buf, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        abort();
    buf_str(buf, text);
    free(text);
}

void fake_reply_header(struct fake_reply *reply, const char *name, const char *format,
                       ...)
{
    va_list args;
    buf_printf(&reply->headers, "%s: ", name);
    va_start(args, format);
    append(&reply->headers, format, args);
    va_end(args);
    buf_str(&reply->headers, "\r\n");
}

const char *fake_request_header(const struct fake_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *fake_unescape(const char *text, size_t len)
{
    char *out = mem_alloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int high, low;
        if (text[i] == '%' && i + 2 < len && (high = hex_digit(text[i + 1])) >= 0 &&
            (low = hex_digit(text[i + 2])) >= 0) {
            out[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out[n++] = text[i];
        }
    }
    out[n] = '\0';
    return out;
}

char *fake_request_param(const struct fake_request *request, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *at = request->query; *at != '\0';) {
        size_t len = strcspn(at, "&");
        if (len > name_len && strncmp(at, name, name_len) == 0 && at[name_len] == '=')
            return fake_unescape(at + name_len + 1, len - name_len - 1);
        at += len;
        if (*at == '&')
            at++;
    }
    return NULL;
}

int64_t fake_number(const char *text, int64_t fallback)
{
    if (text == NULL || *text == '\0')
        return fallback;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return *end != '\0' || errno != 0 ? fallback : (int64_t)number;
}

int64_t fake_request_number(const struct fake_request *request, const char *name,
                            int64_t fallback)
{
    AUTO_FREE char *text = fake_request_param(request, name);
    return fake_number(text, fallback);
}

void fake_put_time(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    if (wall_is_set(at))
        jsonw_str(w, key, wall_format(at, false, text));
    else
        jsonw_null(w, key);
}

void fake_put(struct jsonw *w, const char *key, const char *format, ...)
{
    struct buf AUTO_BUF text;
    va_list args;
    buf_init(&text, FAKE_BODY_MAX);
    va_start(args, format);
    append(&text, format, args);
    va_end(args);
    jsonw_str(w, key, text.data);
}

void fake_keep(char **text, const char *value)
{
    char *copy = mem_str(value);
    free(*text);
    *text = copy;
}

bool fake_window_take(struct fake_window *window, int64_t max, struct span time,
                      struct wall now)
{
    size_t old = 0;
    while (old < window->n && window->at[old] <= now.ms - time.ms)
        old++;
    if (old > 0) {
        window->n -= old;
        memmove(window->at, window->at + old, window->n * sizeof *window->at);
    }
    if (max > 0 && (int64_t)window->n >= max)
        return false;
    *FAKE_ADD(window->at, window->n) = now.ms;
    return true;
}

void fake_window_fini(struct fake_window *window)
{
    free(window->at);
}
