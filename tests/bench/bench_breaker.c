/* SPDX-License-Identifier: MIT */

/*
 * What a call pays at the door, a JSON line each, nanoseconds:
 *
 *   breaker.closed   clock, admission, the call, its outcome in a window of 100 calls
 *   breaker.open     clock, and the refusal
 *   gate.closed      the same through the whole gate: breaker, quota, limits, bulkhead,
 *                    latency, retry budget
 *   gate.open        its refusal
 *
 * "bare" beside them is what cannot be left out where threads share a breaker: a mutex
 * around each half, a clock, and a ring of 100 outcomes. Ours has no lock: every service's
 * gate belongs to the io thread alone, so there is no figure for two threads. The median
 * of seven rounds; the two take turns.
 */

#include <inttypes.h>
#include <pthread.h>

#include "engine/base/clock.h"
#include "engine/resilience/gate.h"

#define ROUNDS 7
#define CALLS  2000000

static volatile int sink;
static __attribute__((noinline)) int call(int x)
{
    return x + 1;
}

/* ---- the yardstick --------------------------------------------------------------------
 */

struct bare {
    pthread_mutex_t lock;
    int state;
    struct wall open_until;
    uint8_t ring[128];
    unsigned pos, n, failed;
};

static bool bare_admit(struct bare *bare, struct wall now)
{
    (void)pthread_mutex_lock(&bare->lock);
    bool is_ok = bare->state == 0 || (bare->state == 1 && now.ms >= bare->open_until.ms);
    (void)pthread_mutex_unlock(&bare->lock);
    return is_ok;
}

static void bare_record(struct bare *bare, bool has_failed)
{
    (void)pthread_mutex_lock(&bare->lock);
    if (bare->n == 100) {
        bare->failed -= bare->ring[bare->pos];
    } else {
        bare->n++;
    }
    bare->ring[bare->pos] = has_failed;
    bare->failed += has_failed;
    if (++bare->pos == 100) {
        bare->pos = 0;
    }
    if (bare->n >= 100 && bare->failed * 2 > bare->n) {
        bare->state = 1;
    }
    (void)pthread_mutex_unlock(&bare->lock);
}

static double per_call(struct mono begin)
{
    return (double)(mono_now().ns - begin.ns) / CALLS;
}

static double bare_round(bool is_open)
{
    struct bare bare = {.state = is_open, .open_until = {INT64_MAX}};
    (void)pthread_mutex_init(&bare.lock, NULL);
    struct mono begin = mono_now();
    for (int i = 0; i < CALLS; i++) {
        if (bare_admit(&bare, wall_now())) {
            sink = call(i);
            bare_record(&bare, false);
        }
    }
    double ns = per_call(begin);
    (void)pthread_mutex_destroy(&bare.lock);
    return ns;
}

/* ---- ours ------------------------------------------------------------------------------
 */

static struct gate_settings settings(void)
{
    return (struct gate_settings){
        .breaker = {.window = BREAKER_COUNT,
                    .failure_percent = 50,
                    .min_calls = 100,
                    .window_calls = 100,
                    .slow = {10000},
                    .slow_percent = 80,
                    .open = {3600000},
                    .open_max = {3600000},
                    .half_open_calls = 1,
                    .half_open_max = {60000}},
        .concurrency = 100,
        .queue = 100,
        .retry_percent = 20
    };
}

static double breaker_round(bool is_open)
{
    struct gate_settings set = settings();
    struct breaker breaker;
    breaker_init(&breaker, &set.breaker, 1, wall_now());
    if (is_open) {
        breaker_evidence(&breaker, 0, wall_now());
    }
    struct mono begin = mono_now();
    for (int i = 0; i < CALLS; i++) {
        struct wall now = wall_now();
        uint32_t ticket = breaker_admit(&breaker, now);
        if (ticket != 0) {
            sink = call(i);
            breaker_record(&breaker, ticket, OUTCOME_OK, (struct span){1}, now);
        }
    }
    return per_call(begin);
}

static double gate_round(bool is_open)
{
    static struct gate gate;
    const struct rate_call kind = {0};
    struct gate_settings set = settings();
    gate_init(&gate, &set, true, 1, wall_now());
    if (is_open) {
        breaker_evidence(&gate.breaker, 0, wall_now());
    }
    struct mono begin = mono_now();
    for (int i = 0; i < CALLS; i++) {
        struct wall now = wall_now();
        struct gate_verdict verdict = gate_admit(&gate, &kind, now);
        if (verdict.answer == GATE_GO) {
            sink = call(i);
            gate_record(&gate, verdict.ticket, OUTCOME_OK, false, (struct span){1}, now);
        }
    }
    return per_call(begin);
}

/* ---- figures ---------------------------------------------------------------------------
 */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), compare);
    return values[ROUNDS / 2];
}

static void figure(const char *name, const char *who, double value, double goal)
{
    (void)printf("{\"fig\":\"%s\",\"who\":\"%s\",\"value\":%.4g,\"unit\":\"ns\"", name,
                 who, value);
    if (goal > 0) {
        (void)printf(",\"goal\":%g", goal);
    }
    (void)printf("}\n");
    (void)fflush(stdout);
}

int main(void)
{
    for (int is_open = 0; is_open < 2; is_open++) {
        double bare[ROUNDS], ours[ROUNDS], gate[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            bare[i] = bare_round(is_open);
            ours[i] = breaker_round(is_open);
            gate[i] = gate_round(is_open);
        }
        const char *name = is_open ? "breaker.open" : "breaker.closed";
        figure(name, "bare", median(bare), 0);
        figure(name, "signalbox", median(ours), is_open ? 45 : 80);
        figure(is_open ? "gate.open" : "gate.closed", "signalbox", median(gate), 0);
    }
    return 0;
}
