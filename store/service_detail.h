/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_SERVICE_DETAIL_H
#define SIGNALBOX_STORE_SERVICE_DETAIL_H

/*
 * Service detail: the figures of a service, out of service_row.detail.
 *
 * The engine writes them as one JSON object, so that a new figure needs no new column; whoever
 * shows them reads them here. What is not said is -1, "" or an unset moment: unknown is not
 * zero. Everything lives in the arena.
 *
 *   {"url": TEXT,
 *    "window": {"kind": "consecutive|count|time", "calls": N, "failures": N,
 *               "failure_percent": N, "slow_percent": N, "recent": ".x.s"},
 *    "latency_ms": {"n": N, "p50": N, "p95": N, "p99": N},
 *    "bulkhead": {"limit": N, "in_flight": N, "waiting": N, "refused": N},
 *    "rate": {"limit": N, "remaining": N, "reset_at": MS, "creates_left": N},
 *    "retry": {"left_percent": N, "repeats": N},
 *    "fallback": {"to": NAME, "since": MS, "n": N} | null,
 *    "endpoints": [{"name": TEXT, "calls": N, "errors": N, "p95_ms": N}],
 *    "errors": [{"at": MS, "call": TEXT, "text": TEXT}],
 *    "mesh": {"healthy_percent": N | null},
 *    "probe": {"at": MS, "ok": BOOL} | null,
 *    "token_end": MS,
 *    "snapshots": "real|copy|none|"}
 */

#include "engine/base/mem.h"
#include "store/model.h"

#define SERVICE_ENDPOINTS_MAX 64
#define SERVICE_ERRORS_MAX    8

struct service_endpoint {
    const char *name;
    int64_t calls, errors, p95_ms;
};

struct service_error {
    struct wall at;
    const char *call, *text;
};

struct service_detail {
    const char *url;
    const char *window; /* kind */
    int64_t calls, failures, failure_percent, slow_percent;
    const char *recent; /* newest last: '.' fine, 'x' failed, 's' slow */
    int64_t latency_n, p50_ms, p95_ms, p99_ms;
    int64_t limit, in_flight, waiting, refused;
    int64_t rate_limit, rate_remaining, creates_left;
    struct wall rate_reset_at;
    int64_t retry_left_percent, repeats;
    const char *fallback_to; /* "" = none in use */
    struct wall fallback_since;
    int64_t n_fallbacks;
    const struct service_endpoint *endpoints;
    size_t n_endpoints;
    const struct service_error *errors; /* newest first */
    size_t n_errors;
    int64_t healthy_percent;
    struct wall probe_at;
    bool is_probe_fine;
    struct wall
        token_end; /* of the credential; unset: it does not end, or nobody knows */
    const char *snapshots;
};

/* Never fails: what is no such object gives a detail that knows nothing. */
void service_detail_parse(struct arena *arena, const char *json,
                          struct service_detail *ret_detail);

#endif
