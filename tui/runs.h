/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_RUNS_H
#define SIGNALBOX_TUI_RUNS_H

/*
 * Runs: the workflows of a store that have ended, as the learning engine reads them.
 *
 * Bottlenecks, patterns and dry runs are computed from recorded history, and that is the
 * history: workflow, events, effects, failures and pipeline of each, made into features
 * (engine/learning/feature.h). What was read is kept. Reading goes from the newest to the
 * oldest, some at a time, so that who shows it is not kept waiting; a workflow that was begun
 * again and ended again is read again.
 *
 * Cost: about 0.2 ms for each workflow that was not read yet; else a look at the totals.
 * Memory: a few KiB for each. One thread.
 */

#include "engine/base/err.h"
#include "engine/learning/feature.h"
#include "store/store.h"

#define RUNS_MAX 3000 /* the newest count */

struct runs;
NODISCARD struct runs *runs_new(size_t max); /* 1..RUNS_MAX */
void runs_free(struct runs *runs);           /* accepts NULL */

/* Reads at most `some` more. *ret_is_done: all that there is was read. */
NODISCARD bool runs_read(struct runs *runs, struct reader *reader, size_t some,
                         bool *ret_is_done, struct err *err);

/* What was read so far, oldest first by when it ended; borrowed until the next read. */
struct run_list {
    const struct run_features *const *runs;
    size_t n, n_all; /* n_all: that there are to be read, n included */
    const struct words *words;
    uint64_t generation; /* grows with each change */
};
struct run_list runs_list(struct runs *runs);

#endif
