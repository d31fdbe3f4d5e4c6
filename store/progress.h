/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_PROGRESS_H
#define SIGNALBOX_STORE_PROGRESS_H

/*
 * Progress: the signs of life of a command that runs, from what can be seen from outside
 * alone: output, changes of files in its worktree, processor time. What an agent says of
 * itself counts for nothing.
 *
 * The runner writes them beside its order every few seconds, FILE-work/wf-N/fx-SEQ/progress,
 * for screens to read; the file goes with the folder. It is a hint: written without fsync,
 * and nothing is decided by who reads it.
 */

#include "engine/base/clock.h"
#include "engine/base/err.h"

struct progress {
    struct wall at;         /* written */
    struct wall started_at; /* of the command */
    struct wall output_at, file_at,
        cpu_at; /* the newest sign of each kind; unset: none */
    int64_t cpu_ms, out_bytes;
    struct span stall; /* it is ended after so long without any; 0 = never */
};

/* X(identifier, word, help) */
#define WORKER_LIST(X)                                                                   \
    X(WORKER_STARTING, "starting",                                                       \
      "it began a moment ago, and nothing is seen of it yet")                            \
    X(WORKER_WORKING, "working", "output, files or processor time say so")               \
    X(WORKER_STALLED, "stalled", "no sign for long: it may never end")
enum worker_state {
#define X(id, word, help) id,
    WORKER_LIST(X)
#undef X
        WORKER_STATE_COUNT
};
const char *worker_state_word(enum worker_state state);

#define PROGRESS_GRACE span_s(60) /* at the start */
#define PROGRESS_QUIET                                                                   \
    span_s(600) /* without a sign: stalled, when it is never ended for it */

/* The newest sign; the start when there is none. */
struct wall progress_sign(const struct progress *progress);
/* stalled: no sign for half of the stall limit. */
enum worker_state progress_state(const struct progress *progress, struct wall now);
/* One line: "working: output 3s ago, files 10s ago, cpu 2m". */
#define PROGRESS_TEXT_MAX 200
const char *progress_text(const struct progress *progress, struct wall now,
                          char ret_text[PROGRESS_TEXT_MAX]);

/* folder: of the effect. */
NODISCARD bool progress_write(const char *folder, const struct progress *progress,
                              struct err *err);
/* False: there is none, or it cannot be read. It is only a hint. */
NODISCARD bool progress_read(const char *folder, struct progress *ret_progress);

#endif
