/* SPDX-License-Identifier: MIT */
#include "engine/resilience/gate.h"

void gate_init(struct gate *gate, const struct gate_settings *settings, bool has_retries,
               uint64_t seed, struct wall now)
{
    memset(gate, 0, sizeof(*gate));
    gate->settings = *settings;
    rng_init(&gate->rng, seed);
    breaker_init(&gate->breaker, &settings->breaker, rng_next(&gate->rng), now);
    rate_init(&gate->rate, settings);
    retry_init(&gate->retry, has_retries ? settings->retry_percent : 0);
    latency_init(&gate->latency);
    int places = settings->concurrency > 0 ? settings->concurrency : 1;
    limit_init(&gate->limit, 1, places);
    gate->bulkhead.limit = settings->is_adaptive ? limit_get(&gate->limit) : places;
    gate->bulkhead.queue = settings->queue > 0 ? settings->queue : 0;
    gate->healthy_percent = MESH_UNKNOWN;
}

void gate_tune(struct gate *gate, const struct gate_settings *settings)
{
    struct breaker_settings *breaker = &gate->breaker.settings;
    int places = settings->concurrency > 0 ? settings->concurrency : 1;
    gate->settings.concurrency = places;
    gate->settings.breaker.failures = breaker->failures = settings->breaker.failures;
    gate->settings.breaker.open = breaker->open = settings->breaker.open;
    gate->settings.poll = settings->poll;
    breaker->open_max = settings->breaker.open_max.ms > breaker->open.ms
                            ? settings->breaker.open_max
                            : breaker->open;
    gate->settings.breaker.open_max = breaker->open_max;
    if (gate->limit.max != places) {
        gate->limit.max = places;
        gate->limit.value =
            gate->limit.value > (double)places ? (double)places : gate->limit.value;
        gate->bulkhead.limit =
            gate->settings.is_adaptive ? limit_get(&gate->limit) : places;
    }
}

static struct gate_verdict refused(const struct gate *gate)
{
    return (struct gate_verdict){.answer = GATE_CLOSED, .until = gate->breaker.until};
}

struct gate_verdict gate_admit_work(struct gate *gate, struct wall now)
{
    if (!breaker_admits(&gate->breaker, now)) {
        return refused(gate);
    }
    if (!bulkhead_enter(&gate->bulkhead)) {
        return (struct gate_verdict){.answer = GATE_FULL};
    }
    uint32_t ticket = breaker_admit(&gate->breaker, now);
    if (ticket == 0) { /* its stay in half-open ended at this very moment */
        bulkhead_leave(&gate->bulkhead);
        return refused(gate);
    }
    return (struct gate_verdict){.answer = GATE_GO, .ticket = ticket};
}

struct gate_verdict gate_admit(struct gate *gate, const struct rate_call *call,
                               struct wall now)
{
    if (!breaker_admits(&gate->breaker, now)) {
        return refused(gate);
    }
    struct wall at = rate_at(&gate->rate, call, now);
    if (at.ms > now.ms) {
        return (struct gate_verdict){.answer = GATE_LATER, .until = at};
    }
    struct gate_verdict verdict = gate_admit_work(gate, now);
    if (verdict.answer == GATE_GO) {
        rate_take(&gate->rate, call, now);
    }
    return verdict;
}

bool gate_is_open_to(const struct gate *gate, struct wall now)
{
    const struct rate_call call = {0};
    struct wall at = rate_at(&gate->rate, &call, now);
    return breaker_admits(&gate->breaker, now) &&
           at.ms <= now.ms + gate->settings.queue_time.ms;
}

void gate_record(struct gate *gate, uint32_t ticket, enum breaker_outcome outcome,
                 bool is_overload, struct span took, struct wall now)
{
    int in_flight = gate->bulkhead.in_flight;
    bulkhead_leave(&gate->bulkhead);
    breaker_record(&gate->breaker, ticket, outcome, took, now);
    if (outcome == OUTCOME_OK) {
        latency_record(&gate->latency, took, now);
        retry_succeeded(&gate->retry);
    }
    if (gate->settings.is_adaptive && (is_overload || outcome == OUTCOME_OK)) {
        limit_record(&gate->limit, took, in_flight, is_overload);
        gate->bulkhead.limit = limit_get(&gate->limit);
    }
}

bool gate_told(struct gate *gate, const struct rate_answer *answer, struct wall now)
{
    bool is_limited = rate_told(&gate->rate, answer, now);
    if (gate->rate.hold.ms > now.ms) {
        breaker_hold(&gate->breaker, gate->rate.hold, now);
    }
    return is_limited;
}

void gate_tick(struct gate *gate, struct wall now)
{
    breaker_tick(&gate->breaker, now);
}

enum breaker_outcome gate_judge(int status)
{
    return status >= 500 ? OUTCOME_FAILURE : status == 429 ? OUTCOME_NEUTRAL : OUTCOME_OK;
}

void gate_save(const struct gate *gate, struct jsonw *w)
{
    jsonw_open(w, "breaker", '{');
    breaker_save(&gate->breaker, w);
    jsonw_close(w, '}');
    jsonw_int(w, "hold", gate->rate.hold.ms);
    jsonw_open(w, "quotas", '[');
    for (int i = 0; i < RATE_RESOURCE_COUNT; i++) {
        const struct rate_quota *quota = &gate->rate.quotas[i];
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "limit", quota->limit);
        jsonw_int(w, "remaining", quota->remaining);
        jsonw_int(w, "reset_at", quota->reset_at.ms);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static int64_t between(int64_t value, int64_t min, int64_t max)
{
    return value < min ? min : value > max ? max : value;
}

void gate_restore(struct gate *gate, const struct json *memo, struct wall now)
{
    int64_t last = now.ms + RATE_HOLD_MAX.ms;
    breaker_restore(&gate->breaker, json_get(memo, "breaker"), now);
    gate->rate.hold.ms = between(json_int(memo, "hold", 0), 0, last);
    const struct json *quotas = json_get(memo, "quotas");
    for (size_t i = 0; i < RATE_RESOURCE_COUNT && i < json_len(quotas); i++) {
        const struct json *from = json_at(quotas, i);
        struct rate_quota *quota = &gate->rate.quotas[i];
        quota->limit = between(json_int(from, "limit", 0), 0, INT32_MAX);
        quota->remaining = between(json_int(from, "remaining", 0), 0, quota->limit);
        quota->reset_at.ms = between(json_int(from, "reset_at", 0), 0, last);
    }
}
