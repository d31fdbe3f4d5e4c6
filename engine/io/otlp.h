/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_OTLP_H
#define SIGNALBOX_IO_OTLP_H

/*
 * Otlp: spans as a request of OTLP/HTTP in JSON, and what the answer means. Pure.
 *
 * https://opentelemetry.io/docs/specs/otlp/ 1.x, "OTLP/HTTP" and "JSON Protobuf Encoding":
 * names in lowerCamelCase, traceId and spanId as hexadecimal, 64-bit integers as text,
 * enums as numbers. Messages: opentelemetry/proto/collector/trace/v1/trace_service.proto,
 * trace/v1/trace.proto, common/v1/common.proto of opentelemetry-proto.
 */

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/service/http.h"
#include "store/finding.h"

#define OTLP_BODY_MAX (32 * 1024 * 1024) /* bytes of one request */

/* Who sends. "" = left out. */
struct otlp_resource {
    const char *service;     /* service.name */
    const char *version;     /* service.version */
    const char *instance;    /* service.instance.id */
    const char *host;        /* host.name */
    const char *environment; /* deployment.environment.name */
};

/* ExportTraceServiceRequest. Spans that have not ended are left out. Returns how many of
 * the rows are in it, from the first on: fewer when `out` is full. */
size_t otlp_encode(struct buf *out, const struct otlp_resource *resource,
                   const struct span_row *rows, size_t n);

enum otlp_verdict {
    OTLP_TAKEN,   /* all, or all but `rejected` */
    OTLP_AGAIN,   /* later: after `pause` */
    OTLP_SMALLER, /* 413: fewer at once */
    OTLP_REFUSED  /* never: the specification forbids to repeat it */
};
struct otlp_answer {
    enum otlp_verdict verdict;
    int64_t rejected;  /* of a partial success */
    struct span pause; /* what the collector asks for; 0: it did not say */
    char text[200];    /* one clean line: why; "" = nothing to say */
};
struct otlp_answer otlp_judge(const struct http_response *response, struct wall now);

/* Pause before try number `n` (1..) is repeated: doubles from a second up to `max`, less a
 * part that `draw` in [0, 1) takes of its second half, so that many do not come at once. */
struct span otlp_pause(int n, struct span max, double draw);

#endif
