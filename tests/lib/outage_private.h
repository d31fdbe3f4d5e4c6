/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_OUTAGE_PRIVATE_H
#define SIGNALBOX_TESTS_OUTAGE_PRIVATE_H

/*
 * Outage, inside: outage.c has the engine, the people and the course of time,
 * outage_world.c what is outside of the engine.
 */

#include "engine/control/config.h"
#include "engine/control/control.h"
#include "tests/lib/outage.h"

#define N_MODELS 5 /* the fifth is the backup of the first */

/* An answer or an outcome that is on its way. */
struct due {
    struct heap_node node;
    int64_t call; /* 0: an outcome of a runner */
    struct http_response *response;
    struct effect_result *result;
    char *provider;
};

struct memo {
    char *text, *provider;
};

struct world {
    const struct outage_options *options;
    struct outage_report *report;
    struct config *config;
    struct model_service models[N_MODELS];
    struct desk *desk;
    struct control *control;
    struct store *store;
    struct reader *reader;
    char *path;
    struct rng rng;
    struct wall now, up_at, crash_at;
    struct heap due;
    struct idmap memos;   /* by desk key */
    struct idmap runners; /* by desk key: struct due */
    int64_t last, second, n_second;
};

void outage_complain(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
int64_t outage_key(int64_t workflow, int64_t seq);
/* Answers and outcomes that are due go to the desk. */
void outage_deliver(struct world *world);
/* What the desk has to say goes where it belongs. */
void outage_drain(struct world *world);
void outage_due_free(struct due *due);

#endif
