/* SPDX-License-Identifier: MIT */

/* Any lines as a stream of runs: an answer of one line of JSON with a chance in (0, 1) to each
 * good predict line, an error that can be shown to each bad line, nothing to all others. */
#include <math.h>

#include "engine/base/json.h"
#include "engine/predict/failure_stream.h"
#include "tests/fuzz/fuzz.h"

#define LINES_MAX 40

static void check_answer(const struct buf *out)
{
    struct err err = ERR_INIT;
    MUST(out->data[out->len - 1] == '\n' && !out->is_cut);
    MUST(memchr(out->data, '\n', out->len) == out->data + out->len - 1);
    struct json *root = json_parse(out->data, out->len, &err);
    MUST(root != NULL);
    double p = json_num(root, "p_fail", -1), took = json_num(root, "duration_s", 1);
    MUST(p > 0 && p < 1);
    MUST(took > 0 && isfinite(took));
    MUST(json_num(root, "low_s", took) <= took * 1.000001);
    MUST(json_num(root, "high_s", took) >= took * 0.999999);
    json_free(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure_stream stream;
    AUTO_BUF struct buf out;
    const char *at = (const char *)data, *end = at + size;
    failure_stream_init(&stream);
    stream.has_reasons = true;
    buf_init(&out, 65536);
    for (int i = 0; i < LINES_MAX && at < end; i++) {
        struct err err = ERR_INIT;
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        buf_clear(&out);
        bool is_good = failure_stream_line(&stream, at, len, &out, &err);
        MUST(is_good == (err.code == ERR_NONE));
        MUST(is_good || (out.len == 0 && err.msg[0] != '\0'));
        if (out.len > 0) {
            check_answer(&out);
        }
        at += len + 1;
    }
    buf_clear(&out);
    failure_stream_score(&stream, &out);
    MUST(out.data[out.len - 1] == '\n');
    failure_stream_fini(&stream);
    return 0;
}
