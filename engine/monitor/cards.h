/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_CARDS_H
#define SIGNALBOX_MONITOR_CARDS_H

/*
 * Cards: how good the monitor's models were, and how work came in, as the metrics file has it.
 * A value, for readers in any process.
 */

#include "engine/predict/queueing.h"
#include "engine/predict/scorecard.h"
#include "store/metric_store.h"

/* What is judged by what came of it. X(identifier, key, words) */
#define MODEL_LIST(X)                                                                    \
    X(MODEL_WORKFLOW, "workflow", "whether and when a workflow ends well")               \
    X(MODEL_STEP, "step", "whether and when a step ends well")                           \
    X(MODEL_SERVICE, "service", "whether a breaker opens within the hour")               \
    X(MODEL_LEVEL, "level", "where a level stands in an hour")
enum model {
#define X(id, key, words) id,
    MODEL_LIST(X)
#undef X
        MODEL_COUNT
};
const char *model_key(enum model model);
const char *model_words(enum model model);

struct monitor_cards {
    int32_t format;
    struct scorecard cards[MODEL_COUNT];
    struct queueing_history history; /* of slots; n 0: not known */
    int32_t max_running;
};
/* All zero when there are none yet. */
NODISCARD bool monitor_read_cards(struct metric_reader *reader, struct arena *arena,
                                  struct monitor_cards *ret_cards, struct err *err);

#endif
