/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_DESK_PRIVATE_H
#define SIGNALBOX_SERVICE_DESK_PRIVATE_H

/*
 * Inside of the desk.
 *
 *   desk.c         inputs, choice of the provider, timers
 *   desk_effect.c  an effect in hand: steps of its op, stop, outcome
 *   desk_errand.c  a call: line, sending, who waits for the answer
 *   desk_answer.c  what came of an attempt: repetition, hedge, what the op is told
 *   desk_house.c   calls of the desk's own: probes and looks at the mesh; orders
 *   desk_report.c  what the store and the screens are told
 *   desk_halt.c    everything stands still
 *
 * An *errand* is one call that somebody wants answered; an *attempt* is one request on the
 * wire. An errand has as many attempts as it takes, two at once when it is hedged, and
 * as many waiting effects as asked for the same read.
 */

#include "engine/base/heap.h"
#include "engine/base/idmap.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/resilience/gate.h"
#include "engine/service/desk.h"

#define DESK_ENDPOINTS     24 /* kinds of calls that are counted, per service */
#define DESK_ERRORS        8
#define DESK_ERROR_MAX     160
#define DESK_STEPS_MAX     32                     /* of one op without a pause */
#define DESK_STOP_TIME     ((struct span){60000}) /* for last calls */
#define DESK_PATIENCE      ((struct span){300000}) /* for a limit that ends; else BLOCKED */
#define DESK_ATTEMPT_GRACE ((struct span){5000})  /* after it the shell has lost a call */
#define DESK_DOWN_LOOK     ((struct span){10000}) /* deadline while its service is down */

enum timer_kind { TIMER_WAKE, TIMER_DEADLINE, TIMER_ERRAND };
struct timer {
    struct heap_node node;
    enum timer_kind kind;
    struct wall held_at; /* its time, while everything is halted; unset: it is not held */
};

enum effect_stage {
    STAGE_CALLING,  /* waits for its errand */
    STAGE_SLEEPING, /* its op sleeps */
    STAGE_LINE,     /* waits for a place for a runner */
    STAGE_RUNNING   /* a runner has it */
};

struct desk_effect {
    struct desk_task *task;
    struct order *order; /* task's */
    int64_t key, number;
    enum effect_stage stage;
    size_t at;                    /* place of the provider in the chain */
    struct desk_service *service; /* NULL = local */
    const struct op_class *class; /* NULL = a runner */
    void *op;
    struct errand *errand;    /* STAGE_CALLING */
    struct desk_effect *next; /* in the list of those who wait for the errand, or
                                      in line for a place */
    struct timer wake, deadline;
    struct wall begun_at, deadline_at;
    struct forge_event *hint; /* came while it was calling */
    uint32_t ticket;
    bool has_ticket, has_memo;
    bool is_stopping; /* nobody waits any more */
    bool is_ending;   /* and its op was told so */
    bool is_late;     /* because of its deadline */
    char *note;       /* of the first half of a cleanup */
};

enum errand_stage { ERRAND_LINE, ERRAND_PAUSE, ERRAND_FLIGHT, ERRAND_HELD };
enum errand_house { HOUSE_NONE, HOUSE_PROBE, HOUSE_ENVOY, HOUSE_PROMETHEUS };

struct attempt {
    int64_t call; /* 0 = none */
    uint32_t ticket;
    bool has_ticket;
    struct wall at, lost_at;
};

struct errand {
    int64_t number;
    struct desk_service *service;
    struct http_request *request;
    enum errand_stage stage;
    enum errand_house house;
    struct desk_effect *waiters;
    struct errand *prev, *next;           /* all of the service */
    struct errand *line_prev, *line_next; /* ERRAND_LINE */
    struct attempt attempts[2];
    struct timer timer;
    struct wall due;     /* in line for a limit: when to ask again */
    struct wall sent_at; /* first time; unset: never */
    struct span pause;
    int n_retries;
    bool has_hedged, is_in_line, is_full; /* is_full: waits for a place */
};

struct endpoint {
    const char *name; /* the request's */
    int64_t n_calls, n_errors;
    struct latency *latency;
};

struct service_error {
    struct wall at;
    char call[64];
    char text[DESK_ERROR_MAX];
};

struct desk_service {
    const struct service_spec *spec;
    struct gate gate;
    struct errand *errands; /* newest first */
    struct errand *line_first, *line_last;
    struct desk_effect *work_first, *work_last; /* wait for a place for a runner */
    struct wall down_since;                     /* unset while calls go through */
    /* house */
    struct wall probe_at, envoy_at, prometheus_at; /* unset: never */
    bool is_probing;
    char *prober; /* operator who asked for the probe under way, or NULL */
    struct wall probed_at;
    bool probed_ok;
    struct span
        expected; /* x-envoy-expected-rq-timeout-ms of the last answer; 0 = none */
    struct wall token_end; /* of the credential that was used last; unset: not said */
    /* figures */
    struct endpoint endpoints[DESK_ENDPOINTS];
    size_t n_endpoints;
    struct service_error errors[DESK_ERRORS]; /* newest first */
    size_t n_errors;
    char fallback_to[SERVICE_NAME_MAX + 1];
    struct wall fallback_since;
    int64_t n_fallback;
    bool is_changed;       /* figures are newer than the last report */
    bool is_moved;         /* changes of the breaker, or places, are to be looked at */
    struct wall report_at; /* not before */
};

struct out_node {
    struct desk_out out;
    struct out_node *next;
};

struct desk {
    struct desk_options options;
    struct desk_service *services;
    size_t n_services;
    struct rng rng;
    struct idmap effects; /* by key */
    struct idmap calls;   /* errands by the number of their attempts */
    struct heap timers;
    struct out_node *out_first, *out_last;
    int64_t last_number, last_call;
    bool is_halted;
    struct wall halted_at;
};

/* ---- desk.c ---- */
int64_t desk_key(int64_t workflow, int64_t seq);
struct desk_service *desk_service_find(struct desk *desk, const char *name);
void desk_put(struct desk *desk, const struct desk_out *out);
void desk_timer_set(struct desk *desk, struct timer *timer, struct wall at);
void desk_timer_stop(struct desk *desk, struct timer *timer);
/* Something happened at its gate: at the end of this input changes become reports and free
 * places are filled. */
void desk_touch(struct desk_service *service);

/* ---- desk_effect.c ---- */
/* Give it to the first provider from place `from` on that takes it. */
void desk_effect_choose(struct desk *desk, struct desk_effect *effect, size_t from,
                        struct wall now);
void desk_effect_adopt(struct desk *desk, struct desk_effect *effect, struct wall now);
/* The errand was answered; the response stays the caller's. */
/* A runner has done what its op asked for (OP_RUN). Takes the result. */
void desk_effect_ran(struct desk *desk, struct desk_effect *effect,
                     struct effect_result *result, struct wall now);
void desk_effect_answer(struct desk *desk, struct desk_effect *effect,
                        const struct http_response *response, struct wall now);
void desk_effect_wake(struct desk *desk, struct desk_effect *effect,
                      const struct forge_event *hint, struct wall now);
void desk_effect_late(struct desk *desk, struct desk_effect *effect, struct wall now);
void desk_effect_stop(struct desk *desk, struct desk_effect *effect, struct wall now);
void desk_effect_result(struct desk *desk, struct desk_effect *effect,
                        struct effect_result *result, struct wall now); /* takes */
void desk_effect_free(struct desk *desk, struct desk_effect *effect);
/* Those who wait for a place for a runner. */
void desk_work_pump(struct desk *desk, struct desk_service *service, struct wall now);

static inline bool errand_is_read(const struct errand *errand)
{
    return errand->request->class == CALL_READ;
}
static inline bool errand_has_attempt(const struct errand *errand)
{
    return errand->attempts[0].call != 0 || errand->attempts[1].call != 0;
}

/* ---- desk_errand.c ---- */
/* Takes the request. NULL: the effect waits; else the answer is there already (the
 * caller's). */
struct http_response *desk_errand_begin(struct desk *desk, struct desk_effect *effect,
                                        struct http_request *request, struct wall now);
/* Nobody answers that effect any more. */
void desk_errand_leave(struct desk *desk, struct desk_effect *effect, struct wall now);
bool desk_errand_is_risky(const struct errand *errand); /* a write is under way */
/* Once more through the gate. NULL: sent, or in line; else why not. */
struct http_response *desk_errand_try(struct desk *desk, struct errand *errand,
                                      struct wall now);
void desk_errand_send(struct desk *desk, struct errand *errand, uint32_t ticket,
                      bool has_ticket, struct wall now);
void desk_attempt_end(struct desk *desk, struct errand *errand, struct attempt *attempt,
                      enum breaker_outcome outcome, bool is_overload, struct span took,
                      struct wall now);
/* The answer, at last, to everybody who waits; takes it, and the errand is gone. */
void desk_errand_deliver(struct desk *desk, struct errand *errand,
                         struct http_response *response, struct wall now);
struct rate_call desk_rate_call(const struct http_request *request);
/* No service that is spoken to here answers a call with a page of HTML: something in front
 * of it does (maintenance, a sign-in), at times with 200. It is down, whatever the status. */
bool desk_is_page(const struct http_response *response);
struct http_response *desk_blocked(struct wall until, const char *text);
void desk_errand_pump(struct desk *desk, struct desk_service *service, struct wall now);
/* The desk's own: sent at once, past the gate. Takes the request. */
void desk_errand_house(struct desk *desk, struct desk_service *service,
                       enum errand_house house, struct http_request *request,
                       struct wall now);
void desk_errand_free(struct desk *desk, struct errand *errand);

/* ---- desk_answer.c ---- */
void desk_errand_answer(struct desk *desk, struct errand *errand, int64_t call,
                        struct http_response *response, struct wall now); /* takes */
void desk_errand_timer(struct desk *desk, struct errand *errand, struct wall now);

/* ---- desk_house.c ---- */
void desk_house_tick(struct desk *desk, struct desk_service *service, struct wall now);
struct wall desk_house_wake_at(const struct desk_service *service);
void desk_house_answer(struct desk *desk, struct desk_service *service,
                       enum errand_house house, const struct http_response *response,
                       struct wall now);
void desk_probe(struct desk *desk, struct desk_service *service, const char *actor,
                struct wall now);
void desk_obey(struct desk *desk, struct desk_service *service,
               const struct service_order *order, struct wall now);

/* ---- desk_halt.c ---- */
void desk_halt_set(struct desk *desk, bool is_halted, struct wall now);
/* Must this call wait for the release? And this timer? */
bool desk_halt_holds(const struct desk *desk, const struct errand *errand);
bool desk_halt_stands(const struct desk *desk, struct timer *timer);

/* ---- desk_report.c ---- */
void desk_count(struct desk_service *service, const struct http_request *request,
                const struct http_response *response, bool is_error, struct wall now);
void desk_error(struct desk_service *service, const char *call, const char *text,
                struct wall now);
/* event "" = figures only */
void desk_report(struct desk *desk, struct desk_service *service, const char *event,
                 const char *cause, const char *actor, struct wall now);
void desk_fallback(struct desk *desk, struct desk_service *service, const char *to,
                   struct wall now); /* to NULL: itself again */
/* Nobody stands in: what happens to those who need it. At a forge whose events come, those
 * stand in for its answers (forge_event.h) before a workflow is parked. */
const char *desk_last_resort(const struct desk *desk, const struct desk_service *service);

#endif
