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
 * Faults. Reads are repeated by the desk; what an op sees has been tried enough:
 *
 *   class        what came of it in the end                    what the op gets
 *   any          an answer below 500 that is no limit          HTTP_FINE
 *   any          breaker open, line full, 429 or a limit that  HTTP_BLOCKED
 *                lasts long, no connection: nothing was done
 *   read         no answer, or 5xx, or lost: nobody learned    HTTP_BLOCKED
 *   write        5xx                                           HTTP_FINE with that status
 *   write        lost or no answer in time                     HTTP_LOST, HTTP_TIMEOUT
 *   any          the token cannot be had; too large            HTTP_NO_TOKEN, _TOO_LARGE
 *
 * So 429 is never seen, and a 403 only when it is no limit. With HTTP_BLOCKED (text says
 * why) an op asks itself whether it has begun something outside: if not, it ends with
 * STATUS_DEFERRED and BLAME_SERVICE (op_deferred); then the desk tries the next provider,
 * or the workflow is parked without losing an attempt. If so, it sleeps (until
 * response->until when that is set, else some seconds) and looks again. With HTTP_LOST,
 * HTTP_TIMEOUT and 5xx of a write it looks whether it was done. While the breaker is not
 * closed the op's deadline does not run.
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
    const struct span
        *poll; /* longest pause between two looks, as it is set at that moment;
                                NULL = one minute; outlives the op */
};

/* OP_RUN: a runner does the part of this effect that needs this machine, with the service
 * as provider of its order; what became of it comes to ran(). */
enum op_turn { OP_CALL, OP_SLEEP, OP_DONE, OP_RUN };

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
    /* hint NULL: the sleep is over. A hint that is not for this op: any sleep; it ends when
     * the one before would have ended. */
    struct op_step (*wake)(void *op, const struct forge_event *hint, struct wall now,
                           struct rng *rng);
    /* After OP_RUN. NULL where that is never asked for. */
    struct op_step (*ran)(void *op, const struct effect_result *result, struct wall now,
                          struct rng *rng);
    /* Nobody waits any more: last calls (ban, delete), then OP_DONE, within a minute. No
     * call is under way: a write was waited for, and a read given up, which answer() was
     * told as HTTP_STOPPED; what answer() wanted next was dropped, but for its memo. */
    struct op_step (*stop)(void *op, struct wall now, struct rng *rng);
    void (*close)(void *op);
};

/* Rows of an adapter: `const struct op_table github_ops` in its header, added to the list in
 * op.c. */
struct op_row {
    enum service_kind service;
    enum effect_kind effect;
    const struct op_class *class;
};
struct op_table {
    const struct op_row *rows;
    size_t n;
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
