/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_DESK_H
#define SIGNALBOX_SERVICE_DESK_H

/*
 * Desk: where effects meet services. Pure: no I/O, no clock, no thread.
 *
 * The desk gets effects with the chain of providers that may perform them, chooses the
 * first one whose gate (engine/resilience/gate.h) admits it, and drives it: an op over
 * HTTP, or a runner process. It has one gate per service: breaker, bulkhead, rate limits,
 * retry budget. It queues, repeats reads, coalesces equal ones, hedges, obeys Retry-After for
 * all callers, probes, and says what became of it. Inputs are functions; outputs are taken
 * with desk_next until there are none.
 *
 *   effect, stop ──►┐                     ┌──► CALL, CANCEL      (io: libcurl; sim: a model)
 *   answer, result ─┤  desk (gates, ops)  ├──► RUN, STOP_RUN     (io: runner process)
 *   hint, order ────┤                     ├──► MEMO, LOG         (io: files, durable at once)
 *   tick(now) ──────┘                     └──► RESULT, REPORT    (control thread)
 *
 * Order of outputs is order of doing: a MEMO stands before the CALL that it secures.
 * After a restart every pending effect is given again with the memo it left. A MEMO with
 * text "" means: forget it, nothing was begun.
 *
 * Choice. The first of the chain whose gate is open to something new; the provider whose
 * memo there is goes before all. An op that ends DEFERRED has begun nothing, and the next
 * of the chain tries. When none takes it: an evaluation passes, degraded; a cleanup goes
 * on locally; everything else ends DEFERRED with BLAME_SERVICE and result->service, the
 * first of the chain, to be parked.
 *
 * Release of what is parked is the control thread's: on every report of that service whose
 * state lets calls through (not only on the transition: a workflow may be parked because a
 * line was full) some are let go, all within gate.ramp; and when a report says half-open,
 * up to breaker.half_open_calls of them, for a service without a probe learns from nothing
 * else whether it is back. Reports of figures come while something waits or changes.
 *
 * Stop. A runner that is stopped (STOP_RUN) still gives its desk_result. An op gets its
 * time for last calls; its RESULT comes in any case.
 *
 * Events in reports: breaker-open, breaker-half-open, breaker-closed, breaker-forced-open,
 * breaker-forced-closed, breaker-disabled, breaker-metrics-only, breaker-would-open
 * (metrics-only), fallback, fallback-end, service-probe (an operator's).
 */

#include "engine/service/op.h"
#include "engine/trace/span.h"
#include "store/model.h"

struct desk;

/* What an operator or the store says about a service. */
enum service_force {
    FORCE_AUTO,
    FORCE_OPEN,
    FORCE_CLOSED,
    FORCE_DISABLED,
    FORCE_METRICS
};

struct service_tuning {
    int concurrency, failures; /* -1 = as configured */
    struct span open, poll;    /* below 0 = as configured */
};
struct service_order {
    char *service;
    bool is_probe, is_reset; /* ask whether it lives; forget the window and close */
    bool is_renew;           /* fetch its credential anew */
    bool has_force;          /* set `force` until `until` (unset: until told otherwise) */
    enum service_force force;
    struct wall until;
    bool has_tuning; /* settings of its gate, all of them; what was counted stays */
    struct service_tuning tuning;
    char *actor, *reason;
};
void service_order_free(struct service_order *order); /* accepts NULL */

/* A service as seen from outside: for the store, the screens and /metrics. */
struct service_report {
    struct service_row row; /* strings below are its */
    char *text[5];          /* name, kind, reason, detail, memo: owned */
    /* what happened, when this report is about a transition; "" = only new figures */
    char *event; /* "breaker-open" ...; the kind of an event row */
    char *cause; /* one clean line */
    char *actor; /* "engine", or who forced it */
};
void service_report_free(struct service_report *report); /* accepts NULL */

/* An effect and who may perform it. The desk owns it. */
struct desk_task {
    struct order *order; /* of the effect; order->provider is filled in by the desk */
    char **chain;        /* names of services or "local", in order of preference */
    size_t n_chain;
    char *task, *plan, *errors; /* documents, or NULL */
    char *memo, *keep;   /* JSON of an earlier engine and of earlier effects, or "" */
    char *memo_provider; /* whose memo it is; "" = none */
    char *keep_provider; /* whose keep it is: no other one gets it; NULL = anyone's */
    bool is_adopted;   /* a runner has it already: RUN at once, whatever the gate says */
    bool is_operators; /* an operator asked for it */
    bool then_local;   /* cleanup: at the service, then a local runner (route.h) */
};
void desk_task_free(struct desk_task *task); /* accepts NULL */

struct desk_options {
    const struct service_spec *services; /* outlive the desk */
    size_t n_services;
    uint64_t seed;
    struct span report_every; /* figures, while something changes; 1 s */
    bool has_listener; /* events may come: what polling finds first is reconciled */
    /* Where ops come from; NULL: op_find. Simulations bring models of services. */
    const struct op_class *(*find_op)(enum service_kind service, enum effect_kind effect);
};

NODISCARD struct desk *desk_new(const struct desk_options *options, struct wall now);
void desk_free(struct desk *desk); /* accepts NULL */

/* State of a service as stored by an earlier engine (row->memo). Before any effect. */
void desk_restore(struct desk *desk, const struct service_row *row, struct wall now);

/* ---- inputs ---- */
void desk_perform(struct desk *desk, struct desk_task *task, struct wall now); /* takes */
void desk_stop(struct desk *desk, int64_t workflow, int64_t seq, struct wall now);
/* The answer to CALL number `call`; takes it. */
void desk_answer(struct desk *desk, int64_t call, struct http_response *response,
                 struct wall now);
/* The outcome of a RUN; takes it. */
void desk_result(struct desk *desk, struct effect_result *result, struct wall now);
void desk_hint(struct desk *desk, const struct forge_event *event, struct wall now);
void desk_order(struct desk *desk, const struct service_order *order, struct wall now);
/* Everything autonomous is halted, or goes on; may be said again. Halted, no CALL is made but
 * last ones of effects that were told to stop, and probes; what was on the wire is answered.
 * Deadlines and sleeps stand, and are as long as they were. RUNs are the shell's to hold. */
void desk_halt(struct desk *desk, bool is_halted, struct wall now);
void desk_tick(struct desk *desk, struct wall now);
/* When desk_tick has something to do; unset: never. */
struct wall desk_wake_at(const struct desk *desk);

/* ---- outputs ---- */
enum desk_out_kind {
    DESK_NONE,
    DESK_CALL,     /* make this call to the service */
    DESK_CANCEL,   /* give this call up; an answer HTTP_STOPPED may be left out */
    DESK_RUN,      /* start or adopt a runner for this order */
    DESK_STOP_RUN, /* stop it */
    DESK_MEMO,     /* make durable, before anything that follows */
    DESK_LOG,      /* append to the log of the effect */
    DESK_RESULT,   /* to the control thread */
    DESK_REPORT,   /* to the control thread */
    DESK_NOTE      /* to the control thread: polling found what no event told */
};

/* The receiver owns what the pointers lead to, except `service` and `order`, which live
 * until the effect's RESULT. */
struct desk_out {
    enum desk_out_kind kind;
    int64_t workflow, seq; /* of the effect; 0 = of the house */
    int64_t call;          /* CALL, CANCEL: number of the call, never used again */
    const struct service_spec *service;
    const struct order *order;    /* RUN */
    struct http_request *request; /* CALL */
    struct trace_context context; /* CALL: its span */
    char parent[SPAN_MAX];        /* CALL: span of its effect; "" = of the house */
    int attempt;                  /* CALL: 1.. */
    struct span time;             /* CALL: attempt_time, cut by the call's own deadline */
    bool is_memo_kept; /* MEMO: `keep` of the workflow instead of the effect's */
    char *text;        /* MEMO, LOG, NOTE */
    struct effect_result *result;
    struct service_report *report;
};
/* False when nothing is left. */
bool desk_next(struct desk *desk, struct desk_out *ret_out);

/* Effects in hand. */
size_t desk_len(const struct desk *desk);

#endif
