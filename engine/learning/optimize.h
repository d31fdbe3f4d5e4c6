/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_OPTIMIZE_H
#define SIGNALBOX_LEARNING_OPTIMIZE_H

/*
 * Optimize: from what was recorded to proposals: changes of one setting that would have helped.
 *
 * One generator for each kind (optimize.c has the table). A generator looks at the runs that were
 * made under the settings in force, computes for each of them what the metric would have been
 * under another value (the dry run), and proposes the best value when
 *   - there are enough runs, and enough of what the kind rests on (its own rule, in its file),
 *   - the change helps with at least OPTIMIZE_CONFIDENCE,
 *   - it is worth it: OPTIMIZE_WORTH of the metric at least.
 * The interval is of the mean change per workflow: the spread of the dry run over the runs
 * (bootstrap), widened by what the model does not know (said by the generator).
 *
 * Pure; random numbers come in. Bounded: at most OPTIMIZE_RUNS_MAX runs are looked at.
 */

#include "engine/learning/feature.h"
#include "engine/learning/statistic.h"
#include "store/approval.h"

#define OPTIMIZE_RUNS_MAX   4096
#define OPTIMIZE_CONFIDENCE 0.97
#define OPTIMIZE_WORTH      0.01 /* of the metric's mean */

/* A setting as it is in force. */
struct setting_now {
    char value[400]; /* as in YAML */
    double least,
        most; /* of numbers, durations (seconds) and sizes (MiB); NAN: no bound */
    struct wall since; /* runs created before were made under another one; unset: none */
};
/* False: there is no such setting at this scope, or it is not to be changed. */
typedef bool setting_lookup(void *user, const char *setting, const char *scope,
                            struct setting_now *ret_now);

/* What speaks for the tier of risk; the rules of risk judge. */
enum proposal_trait {
    PROPOSAL_REVERSIBLE = 1, /* the old value puts all back as it was */
    PROPOSAL_JUDGES = 2,     /* touches what decides about merges: never of low risk */
    PROPOSAL_SPENDS = 4,     /* uses more of machines, money or a service */
    PROPOSAL_STRICTER = 8    /* what passed may be ended or refused */
};

struct proposal {
    enum optimization_kind kind;
    enum run_metric metric;
    unsigned traits;
    char setting[160], scope[160];
    char from[400], to[400]; /* as in YAML */
    char fingerprint[FINGERPRINT_WORD];
    /* Change of the metric per workflow of the scope, 90 % interval. */
    struct estimate expected;
    double confidence;  /* 0..1 that it helps at all */
    int64_t n_evidence; /* runs that were looked at */
    char title[160], reason[300], if_wrong[200];
    char evidence[1600]; /* JSON object: "evidence":[..], "dry_run":[text..] */
};

/* A configured command that adds machines (engine/service/scale.h). */
struct scale_choice {
    const char *name, *service; /* "" = they are slots of the engine */
    int adds;                   /* places or slots, with one "up"; 0 = not known */
    bool has_down;
};

/* The breaker of a service (a word) as it changed. */
struct service_change {
    uint16_t service;
    uint8_t state; /* enum breaker_state: OPEN, HALF_OPEN, CLOSED */
    struct wall at;
};

/* What generators work on. */
struct optimize_input {
    const struct words *words;
    const struct run_features *const *runs; /* oldest first by end */
    size_t n_runs;                          /* up to OPTIMIZE_RUNS_MAX */
    setting_lookup *lookup;
    void *user;
    double processors; /* of the machine on which checks run; NAN unknown */
    struct wall now;
    struct wall open_since;               /* learning_world */
    const struct service_change *changes; /* oldest first */
    size_t n_changes;
    const struct scale_choice *scales;
    size_t n_scales;
};

/* All proposals that the runs support, each kind and scope once, best first by share of the
 * metric; at most max. Allocates while it works. */
size_t optimize(const struct optimize_input *input, struct rng *rng, struct proposal *out,
                size_t max);
/* Only of one kind, for tests and for spreading the work. */
size_t optimize_kind(const struct optimize_input *input, enum optimization_kind kind,
                     struct rng *rng, struct proposal *out, size_t max);

#endif
