/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TRACE_SPAN_H
#define SIGNALBOX_TRACE_SPAN_H

/*
 * Span: what happened with a workflow, as a trace of spans. Pure.
 *
 *   workflow                  one trace; from its submission to its end
 *   ├─ state, recovery        from entering to leaving it; recovery = RECOVERING
 *   │  └─ step                an effect, from its start to its outcome
 *   │     └─ call             one request to a service, on the wire
 *   └─ step                   whose state was left while it ran (paused, recovered)
 *
 * Ids are *derived*, not drawn: a trace's from what a workflow keeps for ever (its number,
 * the moment of its creation, its repository), a span's from its trace and what makes it
 * that one. So they are known before the span ends (a step passes its own on as
 * TRACEPARENT), are the same after a crash, and anyone who reads the store can compute
 * them. The number alone would not do: a store that was put back from a backup gives the
 * same numbers again, to other workflows. SHA-256 makes them as good as random, which is
 * what W3C Trace Context asks of a trace id (www.w3.org/TR/trace-context/ 3.2.2.3).
 *
 * Attributes follow the OpenTelemetry semantic conventions (cicd.pipeline.*, vcs.*,
 * http.*, server.address, error.type; opentelemetry.io/docs/specs/semconv/), what they
 * have no word for begins with "signalbox.". Of a URL only scheme, host and path are
 * kept: a query may hold a secret. Texts are cut at SPAN_TEXT_MAX.
 *
 * Ownership: texts of a span_row are in the arena that is given, or static.
 */

#include "engine/base/mem.h"
#include "store/finding.h"

#define TRACE_MAX       33 /* 32 hexadecimal digits and NUL */
#define SPAN_MAX        17 /* 16 and NUL */
#define TRACEPARENT_MAX 56 /* "00-<trace>-<span>-01" and NUL */
#define SPAN_TEXT_MAX   200

#define SPAN_WORKFLOW "workflow"
#define SPAN_STATE    "state"
#define SPAN_STEP     "step"
#define SPAN_CALL     "call"
#define SPAN_RECOVERY "recovery"

enum span_status { SPAN_UNSET, SPAN_OK, SPAN_ERROR }; /* those of OTLP */

/* Where in a trace somebody is. trace "" = nowhere. */
struct trace_context {
    char trace[TRACE_MAX], span[SPAN_MAX];
    bool is_sampled;
};

/* ---- ids -------------------------------------------------------------------------- */

/* At the span of the workflow. Uses id, created_at and repo only. */
struct trace_context trace_of_workflow(const struct workflow_row *workflow);
/* At the span of the state that it is in: state, state_since, iteration. */
struct trace_context trace_of_state(const struct workflow_row *workflow);
/* At the span of its effect `seq`. */
struct trace_context trace_of_step(const struct workflow_row *workflow, int64_t seq);
/* A call inside `parent`; number and moment make it this one. Without a parent (a call of
 * the house: a probe) it begins a trace of its own. */
struct trace_context trace_of_call(const struct trace_context *parent,
                                   const char *service, int64_t number, struct wall at);

/* ---- traceparent, www.w3.org/TR/trace-context/ 3.2 --------------------------------- */

/* Version 00; returns text, "" without a trace. */
const char *traceparent_format(const struct trace_context *context,
                               char text[TRACEPARENT_MAX]);
/* Any version but ff, of a later one what version 00 knows of it. Exactly: lower case,
 * no blanks, no ids of zeros. False: ret is untouched. */
NODISCARD bool traceparent_parse(const char *text, size_t len,
                                 struct trace_context *ret_context);

/* ---- spans ------------------------------------------------------------------------- */

/* The whole workflow: ended when its state is final, else open. */
struct span_row span_of_workflow(struct arena *arena,
                                 const struct workflow_row *workflow);
/* The state in which `workflow` is (as it was before the change, when it was left at
 * `left_at`); unset: it is still in it. Final states have none: do not ask. */
struct span_row span_of_state(struct arena *arena, const struct workflow_row *workflow,
                              struct wall left_at);
/* An effect; open while it is pending. `workflow` as it was before the outcome was
 * applied, so that the state that asked for it is the parent. */
struct span_row span_of_step(struct arena *arena, const struct workflow_row *workflow,
                             const struct effect_row *effect);

/* One request on the wire and what came of it. */
struct span_call {
    int64_t workflow, seq; /* whose; 0 = the house's */
    struct trace_context context;
    char parent[SPAN_MAX];
    const char *service, *kind;    /* "github_api", "github" */
    const char *name;              /* "pulls.merge" */
    const char *method;            /* "GET" */
    const char *url;               /* absolute */
    int64_t start_us, end_us;      /* since 1970 */
    int attempt;                   /* 1.. */
    int status;                    /* of HTTP; 0 = no answer */
    const char *fault;             /* "" or what became of it: "timeout" */
    int64_t sent_bytes, got_bytes; /* of the bodies; -1 unknown */
    bool is_cached;
};
struct span_row span_of_call(struct arena *arena, const struct span_call *call);

#endif
