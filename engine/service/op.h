/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_OP_H
#define SIGNALBOX_SERVICE_OP_H

/*
 * Op: one effect at a service that is reached over HTTP, as a small pure machine.
 *
 * An op is asked what to do next and answers with one step: make this call, sleep, or here
 * is the outcome. It knows no clock, no socket and no breaker: `now` comes in, calls go out
 * as values, and the desk (engine/service/desk.h) decides when they are made.
 *
 *   open ─► begin ─► CALL ─► answer ─► CALL ... SLEEP ─► wake ─► CALL ... DONE ─► close
 *
 * Crash rule. An engine may die between any two steps. Then the op is opened again with
 * the memo that it last gave, and begins again. So: before a call that must not happen
 * twice, give a memo that says "I am about to"; after it, one that holds the id; and when
 * begun with the former, look whether it happened before doing it again. A memo is durable
 * before its step's call is made. `keep` is the same for the whole workflow: later effects
 * get it (id of the agent run to resume, of the sandbox).
 *
 * Faults. Reads are repeated by the desk; what an op sees has been tried enough. With
 * HTTP_BLOCKED it asks itself whether it has begun something outside: if not, it ends with
 * STATUS_DEFERRED and BLAME_SERVICE (op_deferred), and its workflow is parked without
 * losing an attempt; if so, it sleeps (until response->until) and looks again. With
 * HTTP_LOST and HTTP_TIMEOUT of a write it looks whether it was done.
 */

#include "engine/base/rng.h"
#include "engine/service/forge_event.h"
#include "engine/service/http.h"
#include "engine/service/order.h"
#include "engine/service/service.h"

/* Everything an op may know. Borrowed for open() only: copy what is needed. */
struct op_input {
    const struct order *order;          /* what to do, for which workflow */
    const struct service_spec *service; /* where */
    const char *task, *plan, *errors;   /* documents; "" when there are none */
    const char *memo; /* JSON object of this effect; "" the first time */
    const char *keep; /* JSON object of this workflow and port; "" none */
};

enum op_turn { OP_CALL, OP_SLEEP, OP_DONE };

/* What comes next. The receiver owns what the pointers lead to. */
struct op_step {
    enum op_turn turn;
    struct http_request *request; /* OP_CALL */
    struct span sleep;            /* OP_SLEEP: at most so long; a hint wakes it earlier */
    struct effect_result *result; /* OP_DONE */
    char *memo, *keep;  /* JSON objects to be made durable first; NULL: as before */
    char *log;          /* clean text for the step's log, NULL: none */
    bool is_reconciled; /* OP_DONE or later: it found by asking what no event had told */
};

struct op_class {
    const char *name; /* "github.merge" */
    /* NULL with err when the order cannot be carried out at all. */
    void *(*open)(const struct op_input *input, struct err *err);
    struct op_step (*begin)(void *op, struct wall now, struct rng *rng);
    struct op_step (*answer)(void *op, const struct http_response *response,
                             struct wall now, struct rng *rng);
    /* hint NULL: the sleep is over. A hint that is not for this op: the same sleep again. */
    struct op_step (*wake)(void *op, const struct forge_event *hint, struct wall now,
                           struct rng *rng);
    /* Nobody waits any more: last calls (ban, delete), then OP_DONE. The op may be in a
     * call; its answer still comes to answer(). */
    struct op_step (*stop)(void *op, struct wall now, struct rng *rng);
    void (*close)(void *op);
};

/* The op that performs this effect at a service of this kind, or NULL. */
const struct op_class *op_find(enum service_kind service, enum effect_kind effect);

/* Steps that every op needs. */
struct op_step op_call(struct http_request *request);
struct op_step op_sleep(struct span span);
/* The result has the effect's key and the times filled in by the desk. */
struct op_step op_done(const struct order *order, enum effect_status status,
                       enum blame blame, const char *format, ...) PRINTF_LIKE(4, 5);
struct op_step op_deferred(const struct order *order, const struct service_spec *service,
                           const struct http_response *response);

#endif
