/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_FAILURE_PRIVATE_H
#define SIGNALBOX_PREDICT_FAILURE_PRIVATE_H

/*
 * Failure, inside: the parts of a model. Everything here is a flat value; float where it is
 * stored, double where it is computed.
 */

#include <math.h>

#include "engine/predict/failure.h"

/* ---- failure_key.c: outcomes by key ---- */

#define FAILURE_DECAYS 4
#define FAILURE_KEYS                                                                     \
    4096 /* rows, in sets of FAILURE_WAYS; the least recently used goes */
#define FAILURE_WAYS    8
#define FAILURE_NO_TIME INT64_MIN

struct failure_key {
    uint64_t hash;                 /* 0: free */
    int64_t last_ms;               /* of the last outcome; only when n > 0 */
    int64_t turned_ms;             /* of the first outcome of the streak */
    uint32_t n, failed;            /* outcomes */
    uint32_t waiting;              /* under way */
    uint32_t history;              /* outcomes, the newest in the lowest bit */
    uint32_t touched;              /* number of the run that used it last */
    float decayed[FAILURE_DECAYS]; /* failures, weighed by age in outcomes */
};

struct failure_rates {
    double p[FAILURE_DECAYS];
};

struct failure_key *failure_key_find(struct failure_key keys[FAILURE_KEYS], uint64_t hash,
                                     uint32_t now); /* makes it when it is missing */
void failure_key_add(struct failure_key *key, bool has_failed, int64_t at_ms);
/* Rates shrunk towards the parent. */
struct failure_rates failure_key_rates(const struct failure_key *key,
                                       const struct failure_rates *parent);
/* How often outcomes changed among the last 16, 0 to 1. */
double failure_key_flips(const struct failure_key *key);
/* Equal outcomes at the end, above 0 for failures; 0 = none yet. */
int failure_key_streak(const struct failure_key *key);

static inline double failure_logit(double p)
{
    double q = p < 1e-4 ? 1e-4 : p > 1 - 1e-4 ? 1 - 1e-4 : p;
    return log(q / (1 - q));
}
static inline double failure_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* ---- failure_input.c: a run as numbers ---- */

#define FAILURE_NUMBERS 16 /* fields that are numbers and are told apart */
#define FAILURE_CLOCKS  2  /* rates that fade with time */

/* X(identifier, text): keys of one run that have a whole block */
#define FAILURE_BLOCK_LIST(X)                                                            \
    X(BLOCK_ALL, "all runs")                                                             \
    X(BLOCK_KIND, "the same kind")                                                       \
    X(BLOCK_LINE, "the same line of work")                                               \
    X(BLOCK_BOTH, "the same kind and line")                                              \
    X(BLOCK_GROUP, "the same group")                                                     \
    X(BLOCK_CONTENT, "a change of the same sizes")                                       \
    X(BLOCK_AGE, "lines of this age")
enum failure_block {
#define X(id, text) id,
    FAILURE_BLOCK_LIST(X)
#undef X
        BLOCK_COUNT
};

enum failure_block_input {
    IN_RATE, /* FAILURE_DECAYS of them */
    IN_LAST = FAILURE_DECAYS,
    IN_STREAK,
    IN_N,
    IN_SINCE,
    IN_WAITING,
    IN_TURNED,
    IN_FLIPS,
    IN_BLOCK_COUNT
};

enum failure_other_input {
    IN_AFTER_ALL = BLOCK_COUNT * IN_BLOCK_COUNT, /* rates after the last outcomes, 2 */
    IN_AFTER_LINE = IN_AFTER_ALL + 2,
    IN_AFTER_BOTH = IN_AFTER_LINE + 2,
    IN_SINGLES = IN_AFTER_BOTH + 2, /* mean and maximum of single fields, two decays */
    IN_HOUR = IN_SINGLES + 4,       /* sine, cosine, weekend */
    IN_GAP = IN_HOUR + 3,           /* since the last start */
    IN_CLOCK,                       /* rate and number, for each clock */
    IN_SIZE = IN_CLOCK + 2 * FAILURE_CLOCKS, /* mean, maximum, share of nothing, sum */
    IN_BEFORE = IN_SIZE + 4, /* mean and sum of sizes of the start before */
    IN_NEAR =
        IN_BEFORE + 2,     /* rates of similar runs, two widths; how many; the nearest */
    IN_SAME = IN_NEAR + 4, /* same content, line, group as the last start */
    IN_SIBLING = IN_SAME + 3,       /* failed, passed of the group */
    FAILURE_SHARED = IN_SIBLING + 2 /* inputs that mean the same everywhere */
};
#define FAILURE_INPUTS (FAILURE_SHARED + FAILURE_NUMBERS)

struct failure_number {
    uint64_t hash; /* of the name; 0: free */
    char name[FAILURE_NAME_MAX];
    double n, mean,
        square; /* of the squeezed values; square: sum of squared deviations */
};

struct failure_clock {
    double failed, n;
    int64_t at_ms;
};

#define FAILURE_NEAR 128 /* last outcomes that are compared by their numbers */

struct failure_near {
    float numbers[FAILURE_NUMBERS]; /* standardised */
    uint64_t kind;
    uint8_t has_failed;
};

#define FAILURE_SINGLES  8
#define FAILURE_KEYS_RUN (BLOCK_COUNT + 3 + FAILURE_SINGLES)

/* All that inputs are made of. */
struct failure_past {
    struct failure_key keys[FAILURE_KEYS];
    struct failure_number numbers[FAILURE_NUMBERS];
    struct failure_clock clocks[FAILURE_CLOCKS];
    int64_t n_started, last_start_ms;
    uint64_t last_content, last_line, last_group;
    float last_sizes[2];
    struct failure_near near[FAILURE_NEAR]; /* ring */
    int64_t n_near;
};

/* A run under way, as it looked when it started. */
struct failure_run {
    uint64_t id;
    int64_t number;                  /* of this start, 1..; 0: free */
    uint64_t keys[FAILURE_KEYS_RUN]; /* 0: none */
    uint64_t kind;
    float inputs[FAILURE_INPUTS];
};

/* Fill run->keys and run->inputs, and note the start. */
void failure_input_start(struct failure_past *past, const struct failure_context *context,
                         struct failure_run *run);
/* Take the outcome into the past; forget: none came. */
void failure_input_end(struct failure_past *past, const struct failure_run *run,
                       bool has_failed, int64_t at_ms);
void failure_input_forget(struct failure_past *past, const struct failure_run *run);

/* ---- failure_net.c: a small net ---- */

#define FAILURE_HIDDEN 16

/* log-odds = bias + direct . x + out . tanh(hidden x + offset), x standardised */
struct failure_net {
    float hidden[FAILURE_HIDDEN][FAILURE_SHARED];
    float offset[FAILURE_HIDDEN];
    float out[FAILURE_HIDDEN];
    float direct[FAILURE_SHARED];
    float bias;
};

struct failure_prior {
    float mean[FAILURE_SHARED], scale[FAILURE_SHARED]; /* of the inputs */
    struct failure_net net;
};
extern const struct failure_prior failure_prior; /* failure_prior.c */

/* The shared inputs against their usual mean and scale, cut at three deviations. */
void failure_standardise(const struct failure_prior *prior, float inputs[FAILURE_INPUTS]);
/* x: standardised inputs; ret_hidden: what the hidden units say. */
double failure_net_say(const struct failure_net *net, const float x[FAILURE_SHARED],
                       float ret_hidden[FAILURE_HIDDEN]);
/* One step down the gradient of the log loss; error: p - outcome. */
void failure_net_learn(struct failure_net *net, const float x[FAILURE_SHARED],
                       const float hidden[FAILURE_HIDDEN], double error, double rate);

/* ---- failure_tree.c: boosted trees over the last runs ---- */

#define FAILURE_ROWS   2048 /* outcomes that trees are fitted to */
#define FAILURE_LEVELS 32   /* that an input is cut into */
#define FAILURE_TREES  40
#define FAILURE_DEPTH  3
#define FAILURE_LEAVES (1 << FAILURE_DEPTH)

struct failure_tree {
    uint8_t input[FAILURE_LEAVES - 1],
        above[FAILURE_LEAVES - 1]; /* right when level > above */
    float leaf[FAILURE_LEAVES];
};

struct failure_forest {
    int64_t n; /* outcomes put in; the ring goes round */
    uint8_t level[FAILURE_INPUTS][FAILURE_ROWS];
    float base[FAILURE_ROWS];   /* log-odds that the trees correct */
    float weight[FAILURE_ROWS]; /* that the row has */
    uint8_t has_failed[FAILURE_ROWS];
    uint32_t n_trees;
    uint32_t n_grown; /* trees ever */
    struct failure_tree trees[FAILURE_TREES];
};

/* Log-odds to add for standardised inputs; 0 before the first fit. */
double failure_forest_say(const struct failure_forest *forest,
                          const float inputs[FAILURE_INPUTS]);
/* Keep a row; every so many rows a tree is grown anew. */
void failure_forest_learn(struct failure_forest *forest,
                          const float inputs[FAILURE_INPUTS], double base, double weight,
                          bool has_failed);

/* ---- failure.c: the experts together ---- */

#define FAILURE_FORMAT      1
#define FAILURE_PENDING_MAX 512 /* runs under way that are remembered */

/* Experts. X(identifier, input that it repeats or -1, first weight as a log) */
#define FAILURE_EXPERT_LIST(X)                                                           \
    X(EXPERT_PRIOR, -1, 0)                                                               \
    X(EXPERT_NET, -1, 0)                                                                 \
    X(EXPERT_LINEAR, -1, 0)                                                              \
    X(EXPERT_TREES, -1, 0)                                                               \
    X(EXPERT_ALL, BLOCK_ALL *IN_BLOCK_COUNT + 1, -3)                                     \
    X(EXPERT_KIND, BLOCK_KIND *IN_BLOCK_COUNT + 2, -3)                                   \
    X(EXPERT_LINE, BLOCK_LINE *IN_BLOCK_COUNT + 1, -3)                                   \
    X(EXPERT_BOTH, BLOCK_BOTH *IN_BLOCK_COUNT + 2, -3)                                   \
    X(EXPERT_CLOCK, IN_CLOCK, -3)                                                        \
    X(EXPERT_BASE, BLOCK_ALL *IN_BLOCK_COUNT + 3, -3)
enum failure_expert {
#define X(id, input, weight) id,
    FAILURE_EXPERT_LIST(X)
#undef X
        EXPERT_COUNT
};

struct failure_pending {
    struct failure_run run;
    float said[EXPERT_COUNT]; /* log-odds */
    float mixed, p;           /* log-odds before calibration; the answer */
};

struct failure_linear {
    float weight[FAILURE_INPUTS + 1], squares[FAILURE_INPUTS + 1];
};

struct failure_model {
    uint32_t format, bytes; /* FAILURE_FORMAT, sizeof(struct failure_model) */
    int64_t n, failed;
    struct failure_prior prior; /* that it began with; a later program may ship another */
    struct failure_past past;
    struct failure_net net;
    struct failure_linear linear;
    struct failure_forest forest;
    double loss[EXPERT_COUNT]; /* log loss, fading */
    double slope, shift;       /* of the calibration, in log-odds */
    struct failure_pending pending[FAILURE_PENDING_MAX];
};

/* ---- failure_reason.c: why ---- */

/* Fill answer->reasons, strongest first. */
void failure_reasons(const struct failure_model *model,
                     const float inputs[FAILURE_INPUTS], struct failure_answer *answer);

#endif
