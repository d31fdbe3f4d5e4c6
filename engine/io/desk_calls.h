/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_DESK_CALLS_H
#define SIGNALBOX_IO_DESK_CALLS_H

/*
 * Desk calls: the requests that are on the wire, and the spans of those that are over.
 *
 * A call that was answered or given up becomes a span (engine/trace/span.h). Spans are
 * collected for DESK_CALLS_WAIT, so that a busy desk costs the control thread one message
 * and not one for each call. What is under way when the engine ends leaves no span.
 *
 * Threads: the io thread only.
 */

#include "engine/base/idmap.h"
#include "engine/service/desk.h"
#include "engine/trace/span_batch.h"

#define DESK_CALLS_WAIT ((struct span){250})

struct desk_calls {
    /* Takes the batch. */
    void (*on_spans)(void *user, struct span_batch *batch);
    void *user;
    struct idmap open;        /* struct desk_call by the number of the call */
    struct span_batch *batch; /* NULL: nothing is collected */
    struct mono send_at;      /* 0: nothing is collected */
};

/* An all-zero one but for on_spans and user is ready. */
void desk_calls_fini(struct desk_calls *calls);
/* A DESK_CALL is about to be sent. */
void desk_calls_begin(struct desk_calls *calls, const struct desk_out *out);
void desk_calls_answer(struct desk_calls *calls, int64_t number,
                       const struct http_response *response);
void desk_calls_cancel(struct desk_calls *calls, int64_t number);
/* Hand over what has waited long enough. */
void desk_calls_run(struct desk_calls *calls, struct mono now);

#endif
