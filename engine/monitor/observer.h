/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_OBSERVER_H
#define SIGNALBOX_MONITOR_OBSERVER_H

/*
 * Observer: what the event log says about the work, told as points and as runs.
 *
 * Pure. It follows the events of the store in their order. Of each workflow it keeps what the
 * next event of it needs (since when it is in its state, which effects are settled). It tells a
 * sink two kinds of thing: points (how long a state took, that a step failed), and runs: a
 * workflow or a step begins, with what is known at its start, and later ends well or badly or
 * without a verdict. Models of failure and duration live on the runs.
 *
 * Where it stands goes into a blob together with the number of the last event, so that after a
 * restart no event is told twice or left out. At most OBSERVER_LIVE_MAX workflows are followed at
 * a time; of more, only the totals are measured.
 */

#include "engine/base/buf.h"
#include "engine/monitor/fingerprint.h"
#include "engine/monitor/metric.h"
#include "engine/predict/failure_context.h"
#include "engine/predict/queueing.h"
#include "store/model.h"

#define OBSERVER_LIVE_MAX 20000

/* A workflow (effect 0) or one attempt of a step. */
struct observer_run {
    int64_t workflow, effect;
    const char *name; /* step: "unit tests"; workflow: the name of its pipeline */
    const char *repo;
    const struct failure_context *context; /* at its start; NULL in `ended` */
    struct wall at;
};

/* Under which models know a run. */
uint64_t observer_run_id(int64_t workflow, int64_t effect);

enum observer_verdict { OBSERVER_PASSED, OBSERVER_FAILED, OBSERVER_NO_VERDICT };

struct observer_sink {
    void *self;
    /* label: value of the metric's one label, or of the first two; NULL: it has none. */
    void (*point)(void *self, enum metric_id metric, const char *label,
                  const char *label2, struct wall at, double value);
    void (*begun)(void *self, const struct observer_run *run);
    /* seconds: how long it took, NAN unknown. */
    void (*ended)(void *self, const struct observer_run *run,
                  enum observer_verdict verdict, double seconds);
};

/* What else is known when something begins; NAN unknown. */
struct observer_world {
    double queued, running;
    double bad_services; /* breakers that are not closed */
    double anomalies;    /* open */
    int32_t max_running; /* 0 = unknown */
    int32_t unused;      /* so that no saved byte is left unset */
};

struct observer;
NODISCARD struct observer *observer_new(void);
void observer_free(struct observer *observer); /* accepts NULL */

/* Number of the newest event it was told; begin with the next. */
int64_t observer_seq(const struct observer *observer);
/* The log ends before that: it is another one. What comes next is new. */
void observer_rewind(struct observer *observer, int64_t last_seq);
/* An event with the row of its workflow as it is now (NULL: pruned meanwhile, or the
 * event is the engine's own). Only the row's constant fields are used: repository, pipeline,
 * submitter, priority, times of creation. */
void observer_event(struct observer *observer, const struct event_row *event,
                    const struct workflow_row *row, const struct observer_world *world,
                    const struct observer_sink *sink);
/* All effects of a workflow by seq, after its events of this round. */
void observer_effects(struct observer *observer, int64_t workflow,
                      const struct effect_row *rows, size_t n,
                      const struct observer_world *world,
                      const struct observer_sink *sink);
/* Levels at this moment; call once per sample. */
void observer_tick(struct observer *observer, struct wall now,
                   const struct totals *totals, const struct observer_world *world,
                   const struct observer_sink *sink);

/* Arrivals, time that a slot is held and wait for one, over the last finished workflows. */
struct queueing_history observer_history(const struct observer *observer);

/* State as bytes, appended to out; false when it is more than out may hold. */
NODISCARD bool observer_save(const struct observer *observer, struct buf *out);
/* NULL: not a state of this program; begin with observer_new(). */
NODISCARD struct observer *observer_load(const void *bytes, size_t len);

#endif
