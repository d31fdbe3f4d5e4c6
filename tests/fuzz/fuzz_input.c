/* SPDX-License-Identifier: MIT */

/* Bytes of a terminal: the same events however they are cut into reads; keys are keys,
 * and what was pasted is harmless text. */
#include "engine/base/buf.h"
#include "tests/fuzz/fuzz.h"
#include "tui/input.h"
#include "tui/keymap.h"

#define EVENTS_MAX (8 * 1024 * 1024)
#define WAITS_MAX  64

static void put_events(struct input *input, struct buf *out)
{
    struct input_event event;
    while (input_next(input, &event)) {
        char key[KEY_TEXT_MAX];
        uint32_t again = 0;
        if (event.kind == INPUT_KEY) {
            key_format(event.key, key);
            MUST(text_is_utf8(key, strlen(key)));
            /* Not each key has a name that a file may bind: Ctrl-i is Tab elsewhere. */
            MUST(!key_parse(key, &again) || (again | 0x20) == (event.key | 0x20));
            (void)buf_printf(out, "%s ", key);
        } else if (event.kind == INPUT_PASTE) {
            MUST(event.text != NULL && event.len <= INPUT_PASTE_MAX * 3);
            MUST(strlen(event.text) == event.len);
            (void)buf_printf(out, "paste(%s) ", event.text);
            for (char *c = event.text; *c != '\0'; c++) {
                *c = *c == '\n' ? ' ' : *c;
            }
            MUST(is_harmless(event.text));
            free(event.text);
        } else {
            MUST(event.kind == INPUT_STATUS);
            (void)buf_str(out, "status ");
        }
    }
}

static void feed(const char *bytes, size_t len, size_t piece, struct buf *out)
{
    struct input *input = input_new();
    for (size_t i = 0; i < len; i += piece) {
        size_t n = len - i < piece ? len - i : piece;
        input_feed(input, bytes + i, n);
        put_events(input, out);
    }
    /* What was cut off is given up after a while, and not later. */
    for (int i = 0; i < WAITS_MAX && input_is_waiting(input); i++) {
        input_expire(input);
    }
    put_events(input, out);
    MUST(!input_is_waiting(input));
    input_free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 16 * 1024) {
        return 0;
    }
    AUTO_BUF struct buf whole, bytewise, piecewise;
    buf_init(&whole, EVENTS_MAX);
    buf_init(&bytewise, EVENTS_MAX);
    buf_init(&piecewise, EVENTS_MAX);
    feed((const char *)data, size, size > 0 ? size : 1, &whole);
    feed((const char *)data, size, 1, &bytewise);
    feed((const char *)data, size, size > 0 ? data[0] % 7 + 2 : 1, &piecewise);
    MUST(whole.len == bytewise.len && memcmp(whole.data, bytewise.data, whole.len) == 0);
    MUST(whole.len == piecewise.len &&
         memcmp(whole.data, piecewise.data, whole.len) == 0);
    return 0;
}
