/* SPDX-License-Identifier: MIT */

/* Any lines as a stream of failures and rewards: an answer of one line of JSON with an action and
 * a chance in (0, 1) to each good decide line, an error that can be shown to each bad line,
 * nothing to all others. And any bytes as saved state: taken whole or not at all. */
#include <math.h>

#include "engine/base/json.h"
#include "engine/decision/decide_stream.h"
#include "tests/fuzz/fuzz.h"

#define LINES_MAX 40

static void check_answer(const struct buf *out)
{
    struct err err = ERR_INIT;
    MUST(out->data[out->len - 1] == '\n' && !out->is_cut);
    MUST(memchr(out->data, '\n', out->len) == out->data + out->len - 1);
    struct json *root = json_parse(out->data, out->len, &err);
    MUST(root != NULL);
    double p = json_num(root, "p_flaky", -1), sure = json_num(root, "confidence", -1);
    const char *action = json_str(root, "action", "");
    MUST(p > 0 && p < 1 && sure >= 0 && sure <= 1);
    MUST(strcmp(action, "retry") == 0 || strcmp(action, "escalate") == 0);
    MUST(json_str(root, "reason", "")[0] != '\0');
    json_free(root);
}

static void check_state(const uint8_t *data, size_t size)
{
    struct decide_settings settings = decide_defaults();
    struct buf before, after;
    struct decide *decide = decide_new(&settings);
    buf_init(&before, 1u << 24);
    buf_init(&after, 1u << 24);
    decide_save(decide, &before);
    bool is_taken = decide_load(decide, data, size);
    decide_save(decide, &after);
    if (!is_taken) {
        MUST(before.len == after.len && memcmp(before.data, after.data, after.len) == 0);
    }
    buf_fini(&before);
    buf_fini(&after);
    decide_free(decide);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct decide_stream stream;
    AUTO_BUF struct buf out;
    const char *at = (const char *)data, *end = at + size;
    decide_stream_init(&stream);
    stream.has_reasons = true;
    buf_init(&out, 65536);
    for (int i = 0; i < LINES_MAX && at < end; i++) {
        struct err err = ERR_INIT;
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        buf_clear(&out);
        bool is_good = decide_stream_line(&stream, at, len, &out, &err);
        MUST(is_good == (err.code == ERR_NONE));
        MUST(is_good || (out.len == 0 && err.msg[0] != '\0'));
        if (out.len > 0) {
            check_answer(&out);
        }
        at += len + 1;
    }
    buf_clear(&out);
    decide_stream_score(&stream, &out);
    MUST(out.data[out.len - 1] == '\n');
    decide_stream_fini(&stream);
    check_state(data, size);
    return 0;
}
