/* SPDX-License-Identifier: MIT */

/*
 * What services and meshes say in headers and JSON, and what an earlier engine left.
 *
 * The first byte chooses the parser. Headers are lines "limit", "remaining", "reset",
 * "resource", "retry-after", "expected", with the status before them. Whatever they say, a
 * hold ends within RATE_HOLD_MAX, a quota is no larger than its limit, a breaker that was
 * restored is not stuck, and percentages are percentages.
 */

#include "engine/base/buf.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/resilience/gate.h"
#include "tests/fuzz/fuzz.h"

#define NOW ((struct wall){1767225600000})

static struct gate_settings settings(void)
{
    return (struct gate_settings){
        .breaker = {.failures = 3,
                    .open = {10000},
                    .open_max = {60000},
                    .half_open_calls = 2,
                    .half_open_max = {20000}},
        .concurrency = 4,
        .queue = 4,
        .queue_time = {1000},
        .retry_percent = 20,
        .reserve_percent = 10
    };
}

static const char *next_line(char **text)
{
    char *line = *text;
    if (line == NULL) {
        return NULL;
    }
    char *end = strchr(line, '\n');
    *text = end != NULL ? end + 1 : NULL;
    if (end != NULL) {
        *end = '\0';
    }
    return line[0] == '-' && line[1] == '\0' ? NULL : line; /* "-": no such header */
}

static void check_headers(const char *data, size_t size)
{
    static struct gate gate;
    struct gate_settings set = settings();
    char *copy = mem_strn(data, size), *text = copy;
    struct wall when = {0};
    struct span span = {0};
    gate_init(&gate, &set, true, 1, NOW);
    for (int i = 0; i < 4 && text != NULL; i++) {
        const char *status = next_line(&text);
        struct rate_answer answer = {
            .status = status != NULL ? (int)strtol(status, NULL, 10) : 200};
        answer.limit = next_line(&text);
        answer.remaining = next_line(&text);
        answer.reset = next_line(&text);
        answer.resource = next_line(&text);
        answer.retry_after = next_line(&text);
        answer.body = next_line(&text);
        (void)gate_told(&gate, &answer, NOW); /* either is right */
        if (mesh_expected(answer.reset, &span)) {
            MUST(span.ms > 0 && span.ms <= (int64_t)24 * 3600 * 1000);
        }
        if (rate_retry_after(answer.retry_after, NOW, &when)) {
            MUST(when.ms >= NOW.ms && when.ms <= NOW.ms + RATE_HOLD_MAX.ms);
        }
        for (int k = 0; k < RATE_RESOURCE_COUNT; k++) {
            const struct rate_quota *quota = &gate.rate.quotas[k];
            const struct rate_call call = {.resource = (enum rate_resource)k};
            MUST(quota->limit >= 0 && quota->remaining >= 0);
            MUST(quota->remaining <= quota->limit);
            MUST(rate_at(&gate.rate, &call, NOW).ms <= NOW.ms + RATE_HOLD_MAX.ms);
            rate_take(&gate.rate, &call, NOW);
            rate_give_back(&gate.rate, (enum rate_resource)k);
            MUST(quota->remaining <= quota->limit);
        }
    }
    free(copy);
}

static void check_memo(const char *data, size_t size)
{
    static struct gate gate, again;
    struct err err = ERR_INIT;
    struct gate_settings set = settings();
    struct json *memo = json_parse(data, size, &err);
    gate_init(&gate, &set, true, 1, NOW);
    gate_restore(&gate, memo, NOW);
    json_free(memo);
    MUST(is_harmless(gate.breaker.cause) && is_harmless(gate.breaker.actor));
    /* what is saved and restored again is the same */
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, 65536);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    gate_save(&gate, &w);
    jsonw_close(&w, '}');
    memo = json_parse(out.data, out.len, &err);
    MUST(memo != NULL);
    gate_init(&again, &set, true, 1, NOW);
    gate_restore(&again, memo, NOW);
    json_free(memo);
    MUST(again.breaker.state == gate.breaker.state);
    MUST(again.breaker.until.ms == gate.breaker.until.ms);
    MUST(again.breaker.recent_failed == gate.breaker.recent_failed);
    if (gate.breaker.state != BREAKER_OPEN) {
        return; /* forced: ends when the operator said */
    }
    struct wall wake = breaker_wake_at(&gate.breaker);
    MUST(wall_is_set(wake) && wake.ms <= NOW.ms + BREAKER_HOLD_MAX.ms);
    struct wall now = wake.ms > NOW.ms ? wake : NOW;
    breaker_tick(&gate.breaker, now);
    MUST(breaker_admit(&gate.breaker, now) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    int percent = 0;
    if (size == 0) {
        return 0;
    }
    switch (data[0]) {
    case 'h':
        check_headers(text, size - 1);
        break;
    case 'e':
        percent = mesh_envoy_percent(text, size - 1, "github_api");
        break;
    case 'p':
        percent = mesh_prometheus_percent(text, size - 1);
        break;
    case 'm':
        check_memo(text, size - 1);
        break;
    default:
        break;
    }
    MUST(percent >= MESH_UNKNOWN && percent <= 100);
    return 0;
}
