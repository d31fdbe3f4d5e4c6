/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_LEARNING_PRIVATE_H
#define SIGNALBOX_LEARNING_LEARNING_PRIVATE_H

/* Learning, private: the state, for learning.c and learning_save.c. */

#include "engine/learning/learning.h"

#define LABELS_MAX      512
#define NEWS_LEAST_PART 4 /* an effect that has moved counts from so many new runs on */

struct keyed_model {
    uint8_t of;
    uint16_t scope, name;
    struct model model;
};

/* A proposal that was made, by its fingerprint. */
struct proposed {
    char fingerprint[FINGERPRINT_WORD];
    enum optimization_kind kind;
    enum optimization_status status;
    enum run_metric metric;
    struct wall at; /* proposed, or its last verdict */
    int64_t n_evidence;
    struct estimate expected;
    char to[80]; /* its beginning */
};

/* What people and the guard said of a kind at a scope, decayed to `at`. */
struct label_count {
    enum optimization_kind kind;
    char scope[WORD_LEN + 16];
    double n_taken, n_refused;
    struct wall at;
};

struct learning {
    struct words *words;
    uint64_t seed;
    int64_t n_added;
    int next_kind;
    size_t n_runs, n_models, n_proposed, n_labels, n_changes;
    struct service_change changes[LEARNING_CHANGES]; /* oldest first */
    struct run_features *runs[LEARNING_RUNS];        /* oldest first */
    struct keyed_model models[LEARNING_MODELS];
    struct proposed proposed[LEARNING_PROPOSALS];
    struct label_count labels[LABELS_MAX];
};

#endif
