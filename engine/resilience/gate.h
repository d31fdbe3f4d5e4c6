/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_GATE_H
#define SIGNALBOX_RESILIENCE_GATE_H

/*
 * Gate: everything that stands between signalbox and one service, behind three functions.
 *
 *   gate_admit ─► breaker ─► rate (hold, quota, limits, write pause) ─► bulkhead ─► GO
 *   gate_record ─► breaker, adaptive limit, latency, retry budget, bulkhead
 *   gate_tick ─► what happens by the clock
 *
 * The gate only judges: who has to wait stands in the desk's line, which asks again at
 * `until`. Every GO is recorded once. Pure; one thread (the io thread's), so there is no
 * lock in it: a call costs what the arithmetic costs (make bench, breaker.*).
 */

#include "engine/resilience/breaker.h"
#include "engine/resilience/bulkhead.h"
#include "engine/resilience/latency.h"
#include "engine/resilience/limit.h"
#include "engine/resilience/mesh.h"
#include "engine/resilience/rate.h"
#include "engine/resilience/retry.h"

struct gate {
    struct gate_settings settings;
    struct breaker breaker;
    struct rate rate;
    struct bulkhead bulkhead;
    struct limit limit;
    struct retry retry;
    struct latency latency;
    struct rng rng;
    int healthy_percent; /* of the hosts, as the mesh says; MESH_UNKNOWN */
};

enum gate_answer {
    GATE_GO,
    GATE_FULL,  /* no place: until one is left, nobody knows when */
    GATE_LATER, /* a limit: at `until` */
    GATE_CLOSED /* the breaker: at `until` at the earliest, unset: nobody knows */
};

struct gate_verdict {
    enum gate_answer answer;
    struct wall until;
    uint32_t ticket; /* GO */
};

/* has_retries false: a mesh repeats, and this side does not. */
void gate_init(struct gate *gate, const struct gate_settings *settings, bool has_retries,
               uint64_t seed, struct wall now);
/* What may change while it lives: concurrency, poll, failures of the breaker and its stay in
 * open are taken from these settings; what was counted and what is under way stays. */
void gate_tune(struct gate *gate, const struct gate_settings *settings);
struct gate_verdict gate_admit(struct gate *gate, const struct rate_call *call,
                               struct wall now);
/* A runner for a step, or a probe: neither rate nor quota; a probe needs no place and no
 * breaker, and is not recorded but told with breaker_probed. */
struct gate_verdict gate_admit_work(struct gate *gate, struct wall now);
/* Is it worth choosing this service for something new? Not while its breaker refuses, nor
 * when it asked to wait for longer than calls may wait in line. */
bool gate_is_open_to(const struct gate *gate, struct wall now);
/* took: latency of the answer. is_overload: timeout, 503, 429. */
void gate_record(struct gate *gate, uint32_t ticket, enum breaker_outcome outcome,
                 bool is_overload, struct span took, struct wall now);
/* What the headers of an answer say; see rate_told. Holds the breaker, too. */
bool gate_told(struct gate *gate, const struct rate_answer *answer, struct wall now);
void gate_tick(struct gate *gate, struct wall now);

/* Outcome of an answer with this status; see breaker.h. */
enum breaker_outcome gate_judge(int status);

/* Members of an open JSON object, and back. */
void gate_save(const struct gate *gate, struct jsonw *w);
void gate_restore(struct gate *gate, const struct json *memo, struct wall now);

#endif
