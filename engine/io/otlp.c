/* SPDX-License-Identifier: MIT */
#include "engine/io/otlp.h"

#include <inttypes.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/base/version.h"
#include "engine/resilience/rate.h"

#define TAIL_ROOM 64 /* bytes for the brackets behind the last span */

/* trace.proto, enum SpanKind; flags: the sampled bit of W3C and
 * SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK, for the parent is never remote. */
enum { KIND_INTERNAL = 1, KIND_SERVER = 2, KIND_CLIENT = 3 };
#define FLAGS 0x101

static int kind_of(const char *kind)
{
    return strcmp(kind, "workflow") == 0 ? KIND_SERVER
           : strcmp(kind, "call") == 0   ? KIND_CLIENT
                                         : KIND_INTERNAL;
}

/* ---- common.proto: KeyValue, AnyValue -------------------------------------------------
 */

static void put_text(struct jsonw *w, const char *key, const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return;
    }
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "key", key);
    jsonw_open(w, "value", '{');
    jsonw_str(w, "stringValue", text);
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void put_value(struct jsonw *w, const char *key, const struct json *value)
{
    const char *text = json_text(value);
    if (text != NULL) {
        put_text(w, key, text);
        return;
    }
    AUTO_FREE char *plain = json_format(value);
    bool is_bool = strcmp(plain, "true") == 0 || strcmp(plain, "false") == 0;
    bool is_int = plain[0] != '\0' && strspn(plain, "-0123456789") == strlen(plain);
    bool is_number = strspn(plain, "-+.eE0123456789") == strlen(plain);
    if (!is_bool && !is_number) {
        return; /* ours are flat: nothing else comes */
    }
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "key", key);
    jsonw_open(w, "value", '{');
    if (is_bool) {
        jsonw_bool(w, "boolValue", plain[0] == 't');
    } else if (is_int) {
        jsonw_str(w, "intValue", plain); /* 64 bits: as text */
    } else {
        jsonw_raw(w, "doubleValue", plain, strlen(plain));
    }
    jsonw_close(w, '}');
    jsonw_close(w, '}');
}

static void put_attributes(struct jsonw *w, const struct json *attributes)
{
    void *iter = NULL;
    const char *key;
    const struct json *value;
    jsonw_open(w, "attributes", '[');
    while (json_next(attributes, &iter, &key, &value)) {
        put_value(w, key, value);
    }
    jsonw_close(w, ']');
}

/* ---- trace.proto ----------------------------------------------------------------------
 */

static void put_time(struct jsonw *w, const char *key, int64_t us)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRId64 "000", us > 0 ? us : 0);
    jsonw_str(w, key, us > 0 ? text : "0");
}

static void put_status(struct jsonw *w, const struct span_row *row,
                       const struct json *attributes)
{
    const char *why = json_str(attributes, "error.type", "");
    why = json_str(attributes, "signalbox.reason", why);
    why = json_str(attributes, "signalbox.summary", why);
    jsonw_open(w, "status", '{');
    if (row->status != 0) {
        jsonw_int(w, "code", row->status);
    }
    if (row->status == 2 && why[0] != '\0') { /* only of an error, says the API */
        jsonw_str(w, "message", why);
    }
    jsonw_close(w, '}');
}

static void put_span(struct jsonw *w, const struct span_row *row)
{
    struct err err = ERR_INIT;
    struct json *attributes =
        json_parse(row->attributes, strlen(row->attributes), &err); /* NULL: none */
    jsonw_open(w, NULL, '{');
    jsonw_str(w, "traceId", row->trace);
    jsonw_str(w, "spanId", row->span);
    if (row->parent[0] != '\0') {
        jsonw_str(w, "parentSpanId", row->parent);
    }
    jsonw_int(w, "flags", FLAGS);
    jsonw_str(w, "name", row->name);
    jsonw_int(w, "kind", kind_of(row->kind));
    put_time(w, "startTimeUnixNano", row->start_us);
    put_time(w, "endTimeUnixNano", row->end_us);
    put_attributes(w, attributes);
    put_status(w, row, attributes);
    jsonw_close(w, '}');
    json_free(attributes);
}

static void put_resource(struct jsonw *w, const struct otlp_resource *resource)
{
    jsonw_open(w, "resource", '{');
    jsonw_open(w, "attributes", '[');
    put_text(w, "service.name", resource->service);
    put_text(w, "service.version", resource->version);
    put_text(w, "service.instance.id", resource->instance);
    put_text(w, "host.name", resource->host);
    put_text(w, "deployment.environment.name", resource->environment);
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

size_t otlp_encode(struct buf *out, const struct otlp_resource *resource,
                   const struct span_row *rows, size_t n)
{
    struct jsonw w;
    size_t used = 0;
    jsonw_init(&w, out);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "resourceSpans", '[');
    jsonw_open(&w, NULL, '{');
    put_resource(&w, resource);
    jsonw_open(&w, "scopeSpans", '[');
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "scope", '{');
    jsonw_str(&w, "name", "signalbox");
    jsonw_str(&w, "version", SIGNALBOX_VERSION);
    jsonw_close(&w, '}');
    jsonw_open(&w, "spans", '[');
    for (; used < n; used++) {
        struct jsonw before = w;
        size_t len = out->len;
        if (rows[used].end_us > 0) {
            put_span(&w, &rows[used]);
        }
        if (out->is_cut || out->len + TAIL_ROOM > out->max) {
            w = before; /* whole spans only */
            out->len = len;
            out->data[len] = '\0';
            out->is_cut = false;
            break;
        }
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    return used;
}

/* ---- answers --------------------------------------------------------------------------
 */

/* {"partialSuccess":{"rejectedSpans":"3","errorMessage":"..."}}; the number may be one. */
static void read_partial(const struct http_response *response, struct otlp_answer *answer)
{
    struct err err = ERR_INIT;
    struct json *root = json_parse(response->body, response->body_len, &err);
    const struct json *partial = json_get(root, "partialSuccess");
    const char *text = json_str(partial, "rejectedSpans", NULL);
    answer->rejected =
        text != NULL ? strtoll(text, NULL, 10) : json_int(partial, "rejectedSpans", 0);
    answer->rejected = answer->rejected > 0 ? answer->rejected : 0;
    (void)text_clean_into(answer->text, sizeof(answer->text),
                          json_str(partial, "errorMessage", ""));
    json_free(root);
}

struct otlp_answer otlp_judge(const struct http_response *response, struct wall now)
{
    struct otlp_answer answer = {.verdict = OTLP_AGAIN};
    struct wall at;
    if (response->fault != HTTP_FINE) {
        (void)snprintf(answer.text, sizeof(answer.text), "%s%s%.150s",
                       http_fault_word(response->fault),
                       response->text[0] != '\0' ? ": " : "", response->text);
        /* An answer that is too long came after the spans were taken or refused. */
        answer.verdict = response->fault == HTTP_TOO_LARGE ? OTLP_REFUSED : OTLP_AGAIN;
        return answer;
    }
    int status = response->status;
    if (status >= 200 && status < 300) {
        answer.verdict = OTLP_TAKEN;
        read_partial(response, &answer);
        return answer;
    }
    (void)snprintf(answer.text, sizeof(answer.text), "HTTP %d", status);
    if (status == 413) {
        answer.verdict = OTLP_SMALLER;
    } else if (status != 429 && status != 502 && status != 503 && status != 504) {
        answer.verdict = OTLP_REFUSED;
    } else if (rate_retry_after(http_header_of(response, "retry-after"), now, &at)) {
        answer.pause = wall_since(at, now);
    }
    return answer;
}

struct span otlp_pause(int n, struct span max, double draw)
{
    int64_t ms = 1000;
    for (int i = 1; i < n && ms < max.ms; i++) {
        ms *= 2;
    }
    ms = ms < max.ms ? ms : max.ms;
    return (struct span){ms - (int64_t)((double)(ms / 2) * draw)};
}
