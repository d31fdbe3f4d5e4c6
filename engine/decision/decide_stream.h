/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_DECIDE_STREAM_H
#define SIGNALBOX_DECISION_DECIDE_STREAM_H

/*
 * Decide stream: retry or escalate, as a protocol of JSON lines.
 *
 *   {"op":"decide","id":ID,FIELD:VALUE,...}
 *      -> {"action":"retry"|"escalate","p_flaky":0.83,"confidence":0.97}    one line, at once
 *   {"op":"reward","id":ID,"action":"retry"|"escalate","reward":NUMBER}     no answer
 *
 * A failure was seen; its fields say what is known of it. p_flaky is the chance that a retry
 * passes. A reward above 0 says that the action was right, any other that it was wrong: of the
 * two, one is right where the other is wrong, so that each reward tells what a retry comes to.
 * What the rewards are worth is learned from the rewards. Many decisions may be open at once;
 * rewards may come in any order. An action other than the one answered was a person's.
 *
 * Fields are text, numbers, true or false; null, objects and lists say nothing. "started_at" is
 * the time (RFC 3339). Which text is a number is what engine/predict/failure_context.h says. A
 * text that is a path ("file :: suite > test", "17.2") is known by what it lies in, too. At most
 * DECIDE_FACTORS_MAX of all these count, in the order of the line.
 *
 * Pure: bytes in, bytes out, always the same for the same lines. Bounded: DECIDE_STREAM_OPEN
 * decisions wait for their reward; that of an older one counts as unknown.
 * Ownership: the caller's struct; decide_stream_fini frees what it holds. Threads: none.
 */

#include "engine/base/err.h"
#include "engine/decision/decide.h"

#define DECIDE_STREAM_LINE_MAX 65536 /* bytes of a line */
#define DECIDE_STREAM_OPEN     1024

enum decide_action { ACTION_RETRY, ACTION_ESCALATE, DECIDE_ACTIONS };

struct decide_stream_open; /* a decision without its reward */

struct decide_stream_reward {
    double right, wrong; /* means; NAN none as yet */
    int64_t n_right, n_wrong;
};

struct decide_stream {
    struct decide *decide;
    struct rng rng;
    struct decide_stream_open *open; /* ring */
    uint64_t n_asked;
    struct wall clock; /* latest time seen */
    struct decide_stream_reward rewards[DECIDE_ACTIONS];
    uint64_t n_rewards, n_unknown; /* rewards of decisions that were not remembered */
    double sum;                    /* of all rewards */
    bool has_reasons;              /* answers say why */
};

void decide_stream_init(struct decide_stream *stream);
void decide_stream_fini(struct decide_stream *stream);
/* One line without its newline. The answer with its newline is appended to `out`; nothing when
 * there is none. False: ERR_USAGE or ERR_CORRUPT says what is wrong with the line; nothing was
 * learned and the stream can go on. */
NODISCARD bool decide_stream_line(struct decide_stream *stream, const char *line,
                                  size_t len, struct buf *out, struct err *err);
/* What was decided and earned so far, as one line of JSON. */
void decide_stream_score(const struct decide_stream *stream, struct buf *out);

#endif
