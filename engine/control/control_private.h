/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CONTROL_PRIVATE_H
#define SIGNALBOX_CONTROL_PRIVATE_H

/*
 * What control.c (workflows, outcomes, time, commit) and submit.c (commands) share.
 */

#include "engine/base/heap.h"
#include "engine/base/idmap.h"
#include "engine/control/control.h"
#include "engine/workflow/queue.h"

/* An effect without outcome. Its strings are owned here: the row goes to the executor
 * after the commit and to the store once more with the outcome. */
struct pending {
    struct pending *next;
    struct effect_row row;
    char *name, *params;
};

/* A workflow in memory: not final yet, or with effects still pending beside it. */
struct live {
    struct workflow *workflow;
    struct heap_node timer;
    enum machine_event timer_event;
    struct queue_entry queued;
    bool has_slot;
    struct pending *pending;
};

/* What leaves after the commit. */
struct release {
    bool is_stop;
    int64_t workflow, seq;
};

struct control {
    struct control_options options;
    struct store *store;
    struct rng rng;
    struct idmap live;      /* id -> struct live */
    struct idmap pipelines; /* id -> struct pipeline */
    struct queue *queue;
    struct heap timers;
    struct totals totals;
    struct hour_row hour;
    bool has_new_totals, has_new_hour;
    int64_t last_workflow, last_command;
    int n_running;
    bool is_draining;
    struct release *releases;
    size_t n_releases, cap_releases;
    struct wall next_prune;
    struct control_stats stats;
    struct machine_output *out; /* large; one at a time */
};

/* Pipeline of a stored id, parsed once; NULL with err. */
const struct pipeline *control_pipeline(struct control *control, int64_t id,
                                        struct err *err);
/* The workflow in memory, or loaded from the store when it is final; NULL with err
 * (ERR_NOT_FOUND). */
struct live *control_find(struct control *control, int64_t id, struct err *err);
struct live *control_add(struct control *control, const struct workflow_row *row,
                         const struct pipeline *pipeline);
/* One step of the machine with all that follows from it. */
enum machine_verdict control_step(struct control *control, struct live *live,
                                  const struct machine_input *input, struct wall now);
/* Row, timer, slot and totals after a change. `before` is the row as it was; before->id
 * 0: a new one. */
void control_settle(struct control *control, struct live *live,
                    const struct workflow_row *before, struct wall now);
/* Drop from memory what is final and waits for nothing. */
void control_forget(struct control *control, struct live *live);

#endif
