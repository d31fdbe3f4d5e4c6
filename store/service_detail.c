/* SPDX-License-Identifier: MIT */
#include "store/service_detail.h"

#include <string.h>

#include "engine/base/json.h"

static struct wall moment(const struct json *object, const char *key)
{
    return (struct wall){json_int(object, key, 0)};
}

static void read_endpoints(struct arena *arena, const struct json *list,
                           struct service_detail *detail)
{
    size_t n = json_len(list);
    n = n < SERVICE_ENDPOINTS_MAX ? n : SERVICE_ENDPOINTS_MAX;
    struct service_endpoint *rows = arena_array(arena, n, sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        const struct json *item = json_at(list, i);
        rows[i] = (struct service_endpoint){
            .name = arena_str(arena, json_str(item, "name", "")),
            .calls = json_int(item, "calls", -1),
            .errors = json_int(item, "errors", -1),
            .p95_ms = json_int(item, "p95_ms", -1),
        };
    }
    detail->endpoints = rows;
    detail->n_endpoints = n;
}

static void read_errors(struct arena *arena, const struct json *list,
                        struct service_detail *detail)
{
    size_t n = json_len(list);
    n = n < SERVICE_ERRORS_MAX ? n : SERVICE_ERRORS_MAX;
    struct service_error *rows = arena_array(arena, n, sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        const struct json *item = json_at(list, i);
        rows[i] = (struct service_error){
            .at = moment(item, "at"),
            .call = arena_str(arena, json_str(item, "call", "")),
            .text = arena_str(arena, json_str(item, "text", "")),
        };
    }
    /* The newest first, however they were written. */
    for (size_t i = 1; i < n; i++) {
        struct service_error row = rows[i];
        size_t k = i;
        for (; k > 0 && rows[k - 1].at.ms < row.at.ms; k--) {
            rows[k] = rows[k - 1];
        }
        rows[k] = row;
    }
    detail->errors = rows;
    detail->n_errors = n;
}

void service_detail_parse(struct arena *arena, const char *text,
                          struct service_detail *ret_detail)
{
    struct err ignored = ERR_INIT;
    struct json *root = json_parse(text, strlen(text), &ignored);
    const struct json *window = json_get(root, "window");
    const struct json *latency = json_get(root, "latency_ms");
    const struct json *bulkhead = json_get(root, "bulkhead");
    const struct json *rate = json_get(root, "rate");
    const struct json *retry = json_get(root, "retry");
    const struct json *fallback = json_get(root, "fallback");
    const struct json *probe = json_get(root, "probe");
    *ret_detail = (struct service_detail){
        .url = arena_str(arena, json_str(root, "url", "")),
        .window = arena_str(arena, json_str(window, "kind", "")),
        .calls = json_int(window, "calls", -1),
        .failures = json_int(window, "failures", -1),
        .failure_percent = json_int(window, "failure_percent", -1),
        .slow_percent = json_int(window, "slow_percent", -1),
        .recent = arena_str(arena, json_str(window, "recent", "")),
        .latency_n = json_int(latency, "n", -1),
        .p50_ms = json_int(latency, "p50", -1),
        .p95_ms = json_int(latency, "p95", -1),
        .p99_ms = json_int(latency, "p99", -1),
        .limit = json_int(bulkhead, "limit", -1),
        .in_flight = json_int(bulkhead, "in_flight", -1),
        .waiting = json_int(bulkhead, "waiting", -1),
        .refused = json_int(bulkhead, "refused", -1),
        .rate_limit = json_int(rate, "limit", -1),
        .rate_remaining = json_int(rate, "remaining", -1),
        .creates_left = json_int(rate, "creates_left", -1),
        .rate_reset_at = moment(rate, "reset_at"),
        .retry_left_percent = json_int(retry, "left_percent", -1),
        .repeats = json_int(retry, "repeats", -1),
        .fallback_to = arena_str(arena, json_str(fallback, "to", "")),
        .fallback_since = moment(fallback, "since"),
        .n_fallbacks = json_int(fallback, "n", -1),
        .healthy_percent = json_int(json_get(root, "mesh"), "healthy_percent", -1),
        .probe_at = moment(probe, "at"),
        .token_end = moment(root, "token_end"),
        .is_probe_fine = json_bool(probe, "ok", false),
        .snapshots = arena_str(arena, json_str(root, "snapshots", "")),
    };
    read_endpoints(arena, json_get(root, "endpoints"), ret_detail);
    read_errors(arena, json_get(root, "errors"), ret_detail);
    json_free(root);
}
