/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_FAILURE_STREAM_H
#define SIGNALBOX_PREDICT_FAILURE_STREAM_H

/*
 * Failure stream: the models of failure and duration as a protocol of JSON lines.
 *
 *   {"op":"predict","id":ID,"started_at":TIME,FIELD:VALUE,...}
 *      -> {"p_fail":0.21,"duration_s":312.4,...}          one line, at once
 *   {"op":"observe","id":ID,"failed":0|1,"duration_s":N}   outcome of a run; no answer
 *   {"op":"forget","id":ID}                                it will have none; no answer
 *
 * ID is a text or a whole number. TIME is RFC 3339 or seconds since 1970; without one the time of
 * the line before counts, and an outcome without "finished_at" came at the last time seen. All
 * other fields of a predict line say something of the run, as text or number (roles:
 * engine/predict/failure_context.h); null, objects and lists say nothing. "set" and
 * "series" only name the stream and are left out.
 *
 * Pure: bytes in, bytes out. Ownership: the caller's struct; failure_stream_fini frees what
 * it holds. Threads: none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/predict/duration.h"
#include "engine/predict/failure.h"
#include "engine/predict/scorecard.h"

#define FAILURE_STREAM_LINE_MAX 65536 /* bytes of a line */

struct failure_stream_said {
    uint64_t id;
    double p, low, p50, high; /* as answered */
};

struct failure_stream {
    struct failure_model *failure;
    struct duration_model *duration;
    struct scorecard card;
    struct failure_stream_said *said; /* ring, to score what was said */
    uint64_t n_said;
    struct wall clock;  /* latest time seen */
    uint64_t n_unknown; /* outcomes of runs that were not remembered */
    bool has_reasons;   /* answers say why */
};

void failure_stream_init(struct failure_stream *stream);
void failure_stream_fini(struct failure_stream *stream);
/* One line without its newline. The answer with its newline is appended to `out`; nothing when
 * there is none. False: ERR_USAGE or ERR_CORRUPT says what is wrong with the line; nothing was
 * learned and the stream can go on. */
NODISCARD bool failure_stream_line(struct failure_stream *stream, const char *line,
                                   size_t len, struct buf *out, struct err *err);
/* The scorecard so far, as one line of JSON. */
void failure_stream_score(const struct failure_stream *stream, struct buf *out);

#endif
