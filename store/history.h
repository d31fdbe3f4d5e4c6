/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_HISTORY_H
#define SIGNALBOX_STORE_HISTORY_H

/*
 * History: all rows of one workflow, as the engine reads them back to learn from it. As committed:
 * what waits in the batch is not in it. Rows in arena.
 */

#include "store/recovery.h"

struct workflow_history {
    struct workflow_row workflow;
    const struct event_row *events; /* by seq */
    size_t n_events;
    const struct effect_row *effects; /* by seq */
    size_t n_effects;
    const struct failure_row *failures; /* by id */
    size_t n_failures;
};

#define HISTORY_EVENTS_MAX   2000 /* of one workflow; the first */
#define HISTORY_FAILURES_MAX 200

enum found store_load_history(struct store *store, struct arena *arena, int64_t workflow,
                              struct workflow_history *ret_history, struct err *err);
/* Ids of the workflows that ended last, at most max of them, oldest first by when they ended. Returns
 * how many; 0 also when the store cannot be read. */
size_t store_load_ended(struct store *store, int64_t *ret_ids, size_t max);

#endif
