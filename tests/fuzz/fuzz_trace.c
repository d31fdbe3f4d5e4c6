/* SPDX-License-Identifier: MIT */

/* traceparent headers, answers of collectors, Accept headers, and what a log may not show.
 * Input: all of them as one text. */
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/io/openmetrics.h"
#include "engine/io/otlp.h"
#include "engine/trace/span.h"
#include "tests/fuzz/fuzz.h"

static void check_traceparent(const char *text, size_t len)
{
    struct trace_context context = {.trace = ""}, again = {.trace = ""};
    char out[TRACEPARENT_MAX];
    if (!traceparent_parse(text, len, &context)) {
        MUST(context.trace[0] == '\0');
        return;
    }
    MUST(strlen(context.trace) == 32 && strlen(context.span) == 16);
    (void)traceparent_format(&context, out);
    MUST(strlen(out) == 55 && traceparent_parse(out, 55, &again));
    MUST(strcmp(context.trace, again.trace) == 0 &&
         strcmp(context.span, again.span) == 0);
    MUST(context.is_sampled == again.is_sampled);
}

static void check_answer(const char *text, size_t len)
{
    struct http_response *response = http_response_new(HTTP_FINE, 200);
    free(response->body);
    response->body = mem_strn(text, len);
    response->body_len = len;
    http_response_header(response, "retry-after", 11, text, len < 40 ? len : 40);
    struct otlp_answer answer = otlp_judge(response, (struct wall){1000});
    MUST(answer.verdict == OTLP_TAKEN && answer.rejected >= 0);
    MUST(is_harmless(answer.text));
    response->status = 503;
    answer = otlp_judge(response, (struct wall){1000});
    MUST(answer.verdict == OTLP_AGAIN && answer.pause.ms >= 0);
    http_response_free(response);
}

/* A span whose texts come from outside is still JSON, and its secrets are not in it. */
static void check_span(const char *text)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    AUTO_FREE char *url =
        mem_printf("https://%s@host.example:1/%s?key=%s", text, text, text);
    const struct span_call call = {
        .context = {.trace = "0af7651916cd43dd8448eb211c80319c",
                    .span = "b7ad6b7169203331"},
        .service = "s",
        .kind = "k",
        .name = "n",
        .method = "GET",
        .url = url,
        .start_us = 1,
        .end_us = 2,
        .attempt = 1,
        .status = 200,
        .fault = ""
    };
    struct span_row row = span_of_call(arena, &call);
    struct json *root = json_parse(row.attributes, strlen(row.attributes), &err);
    MUST(root != NULL);
    MUST(strchr(json_str(root, "url.full", ""), '?') == NULL);
    json_free(root);
    AUTO_BUF struct buf out;
    buf_init(&out, OTLP_BODY_MAX);
    const struct otlp_resource resource = {.service = "s", .version = text};
    MUST(otlp_encode(&out, &resource, &row, 1) == 1);
    root = json_parse(out.data, out.len, &err);
    MUST(root != NULL);
    json_free(root);
    arena_free(arena);
}

static void check_redaction(const char *text, size_t len)
{
    static const char secret[] = "a-secret-that-was-told";
    AUTO_BUF struct buf out, again;
    AUTO_BUF struct buf with;
    buf_init(&with, len + 100);
    buf_init(&out, 20 * len + 400);
    buf_init(&again, 20 * len + 400);
    log_hide(secret, strlen(secret));
    (void)buf_add(&with, text, len / 2);
    (void)buf_str(&with, secret);
    (void)buf_add(&with, text + len / 2, len - len / 2);
    log_redact(&out, with.data, with.len);
    MUST(memmem(out.data, out.len, secret, strlen(secret)) == NULL);
    log_redact(&again, text, len);
    MUST(!out.is_cut && !again.is_cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = mem_strn((const char *)data, size);
    check_traceparent(text, size);
    check_answer(text, size);
    check_span(text);
    check_redaction(text, size);
    enum openmetrics_format format = openmetrics_accept(text);
    MUST(format == OPENMETRICS_1_0 || format == OPENMETRICS_TEXT_0_0_4);
    return 0;
}
