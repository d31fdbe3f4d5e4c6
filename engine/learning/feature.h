/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_FEATURE_H
#define SIGNALBOX_LEARNING_FEATURE_H

/*
 * Feature: what there is to learn from one workflow that has ended.
 *
 * Made from the rows that the store has: the workflow, its events, its effects, its failures, and
 * the pipeline as it was run. What is measured of it (metrics) is computed from the features
 * alone, so that a proposal, its dry run on recorded history and the guard that watches it
 * speak of the same number.
 *
 * Names are words of a book (words.h); features and their book are saved together. Times are
 * seconds; unknown is NAN. One allocation, free() ends it; at most FEATURE_BYTES_MAX.
 *
 * Pure; one thread.
 */

#include "engine/learning/words.h"
#include "engine/workflow/pipeline.h"
#include "store/recovery.h"

#define FEATURE_STEPS_MAX  96 /* tries of steps; what comes later is left out */
#define FEATURE_VISITS_MAX 48 /* of states, likewise */
#define FEATURE_CHECKS_MAX 64

/* What gets better or worse, per workflow. X(identifier, word, unit, more is better, help) */
#define METRIC_OF_RUN_LIST(X)                                                            \
    X(RUN_COMPLETED, "completed", "share", true, "workflows completed without a human")  \
    X(RUN_MINUTES, "minutes", "min", false, "from submitted to ended")                   \
    X(RUN_WORK, "work_minutes", "min", false,                                            \
      "from begun to ended, without waits for slots, places, services and people")       \
    X(RUN_WASTED, "wasted_minutes", "min", false,                                        \
      "tries that did not pass, and the pauses after them")                              \
    X(RUN_QUEUE, "queue_minutes", "min", false, "waited for a slot")                     \
    X(RUN_LINE, "line_minutes", "min", false, "waited for a place at a service")         \
    X(RUN_VALIDATION, "validation_minutes", "min", false, "in VALIDATING")               \
    X(RUN_MERGE_FAILURES, "merge_failures", "share", false,                              \
      "workflows whose merge failed, or whose base was bad after it")                    \
    X(RUN_PARKED, "parked_minutes", "min", false, "waited for a service that was away")
enum run_metric {
#define X(id, word, unit, better, help) id,
    METRIC_OF_RUN_LIST(X)
#undef X
        RUN_METRIC_COUNT
};
const char *run_metric_word(enum run_metric metric);
const char *run_metric_unit(enum run_metric metric);
const char *run_metric_help(enum run_metric metric);
bool run_metric_is_more_better(enum run_metric metric);
NODISCARD bool run_metric_find(const char *word, enum run_metric *ret_metric);

enum run_step_flag {
    STEP_FALLBACK = 1,       /* not the first provider of its chain */
    STEP_OVER_LIMIT = 2,     /* killed at a limit of its sandbox: memory, processes */
    STEP_MAY_FAIL = 4,       /* allow_failure: it does not decide */
    STEP_OVER_CPU = 8,       /* killed at the limit of processor time */
    STEP_OVER_PROCESSES = 16 /* could start no more of them */
};

/* One try of a step. */
struct run_step {
    uint16_t name, provider; /* words */
    uint8_t kind, status;    /* enum effect_kind, effect_status */
    uint8_t position;        /* in the pipeline's list of checks or setups */
    uint8_t iteration, attempt;
    uint8_t class_; /* enum failure_class of its failure; CLASS_COUNT = none */
    uint8_t flags;  /* enum run_step_flag */
    uint8_t hour;   /* of the day at its start, UTC */
    float at;       /* asked for, since the workflow was submitted */
    float wait;     /* in line at the service, before it was begun */
    float run;      /* from begun to ended */
    float pause;    /* between the end of the failed try before it and this; NAN: none */
    float cpu;      /* seconds of processor time */
    float memory;   /* peak, MiB */
    float limit;    /* of a check: its own timeout; NAN: none, or not known */
};

/* How a stay in a state ended. */
enum visit_end { VISIT_DONE, VISIT_DEADLINE, VISIT_BROKEN };

/* One stay in PLANNING, CODING, PR_CREATED or VALIDATING; waiting for people, slots, retries and
 * services does not count, as the clock of the deadline stands then. And each wait for a service
 * that was away, as PARKED. */
struct run_visit {
    uint8_t state, end; /* enum workflow_state, visit_end */
    float at, active;
};

struct run_features {
    int64_t workflow;
    struct wall created_at, started_at, finished_at;
    uint64_t fingerprint;         /* of the last failure; 0 = none */
    uint16_t repo, pipeline;      /* words */
    uint16_t agent;               /* word: who did the first agent run; 0 = none */
    uint8_t state;                /* enum workflow_state at the end */
    uint8_t priority, iterations; /* times through PLANNING */
    bool has_human;   /* a person had to put something right: more than an approval */
    bool is_degraded; /* a fallback validated it */
    uint16_t agent_runs;
    float wait[WAIT_COUNT];     /* by what it waited for */
    float state_s[STATE_COUNT]; /* in each state, waits included */
    float diff_lines;
    /* As it was run. 0 = no bound. */
    float planning, coding, validation; /* deadlines */
    float memory;                       /* MiB */
    float cpu;                          /* of each process */
    uint16_t processes;
    uint8_t retries, parallel, n_checks;
    bool has_evaluator;
    uint8_t check_retries[FEATURE_CHECKS_MAX]; /* by position */
    uint16_t n_steps, n_visits;
    struct run_step *steps; /* in the order in which they were asked for */
    struct run_visit *visits;
};
#define FEATURE_BYTES_MAX                                                                \
    (sizeof(struct run_features) + FEATURE_STEPS_MAX * sizeof(struct run_step) +         \
     FEATURE_VISITS_MAX * sizeof(struct run_visit))

/* All of one workflow. Arrays may be NULL when their number is 0. */
struct feature_source {
    const struct workflow_row *workflow; /* in a final state */
    const struct event_row *events;      /* by seq */
    size_t n_events;
    const struct effect_row *effects; /* by seq */
    size_t n_effects;
    const struct failure_row *failures; /* any order */
    size_t n_failures;
    const struct pipeline *pipeline; /* as it was run, tunings included; NULL = unknown */
    int parallel;      /* checks side by side as it was run; 0 = the pipeline says it */
    double diff_lines; /* NAN unknown */
};
/* NULL when the workflow has not ended or was never begun. Cost: one pass over the rows. */
NODISCARD struct run_features *features_of(struct words *words,
                                           const struct feature_source *source);

/* Of one workflow, in the metric's unit; NAN when it says nothing about it (never merged). */
double run_measure(const struct run_features *run, enum run_metric metric);
/* The try ended and was not what it should have been: failed, timed out, lost, refused. */
bool run_step_has_failed(const struct run_step *step);
bool run_step_has_passed(const struct run_step *step);

/* About 15 bytes for each try. */
void features_save(const struct run_features *run, struct buf *out);
/* NULL when the bytes are none; words must be below n_words. */
NODISCARD struct run_features *features_load(struct blob *blob, size_t n_words);

#endif
