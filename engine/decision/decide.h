/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_DECIDE_H
#define SIGNALBOX_DECISION_DECIDE_H

/*
 * Decide: choose among options by rules and by what worked before.
 *
 * A question has a context (factors: words and numbers) and options, each with the rules' rank,
 * a prior chance of success, a cost and a risk, and maybe a reason why it is not allowed. The
 * rules' choice is the allowed option with the best rank. The learner believes a Beta posterior
 * for each option at each level of the hierarchy (fingerprint, class, all; a level's prior is the
 * posterior of the level above, with bounded weight), decayed so that drift is followed, joined
 * with an online linear model over the factors; it draws (Thompson 1933; Chapelle and Li 2011) a
 * chance for each option and takes the best value
 *     value = p * worth - cost_s / worth_s - (1 - p) * risk * aversion
 * It acts only where it may: enough evidence in shadow, not demoted, risk below the limit.
 *
 * Pure: time and random source come in. Same inputs, same choices. Bounded: DECIDE_KEYS_MAX
 * pairs of key and option, the one that learned nothing for longest goes. State can be saved and
 * loaded exactly: rows of odds and a blob. The order of outcomes matters (that is what decay is).
 */

#include "engine/base/buf.h"
#include "engine/base/rng.h"
#include "store/recovery.h"

#define DECIDE_OPTIONS_MAX 20
#define DECIDE_FACTORS_MAX 24
#define DECIDE_KEYS_MAX    4096

/* A fact that a model may use: a word, or a number (word NULL). */
struct decide_factor {
    const char *name, *word;
    double number;
};

struct decide_option {
    const char *name;    /* word: of a rung, a provider, "merge", "ask", "8" */
    int rank;            /* of the rules: 0 is their first choice */
    double prior;        /* chance of success as the rules see it, 0..1 */
    double prior_weight; /* how many trials that is worth; 2 is little, 20 a lot */
    double cost_s;       /* expected seconds; NAN unknown (learned) */
    double risk;         /* 0..1: harm when it goes wrong */
    double worth;        /* of its success against that of the others; 0 counts as 1 */
    const char *why_not; /* not allowed, and why; NULL = allowed */
    /* The option that would have failed whenever this one succeeds, and the other way round
     * ("retry" and "do not"): one is learned, the other is what is left of 1. NULL = none. */
    const char *opposite;
};

struct decide_question {
    enum decision_kind kind;
    /* Levels of the hierarchy, finest first, e.g. "fingerprint:..", "class:test", "all". */
    const char *levels[4];
    size_t n_levels;
    const struct decide_factor *factors;
    size_t n_factors;
    const struct decide_option *options;
    size_t n_options; /* 1..DECIDE_OPTIONS_MAX */
    double worth_s;   /* how many seconds of work a success is worth */
    double aversion;  /* of risk, 0..1 */
    double risk_max;  /* an option above is not taken without a person */
};

struct decide_belief {
    double p, low, high; /* believed chance of success, 90 % interval */
    double trials;       /* decayed evidence behind it at the level that counts most */
    double value, cost_s;
    const char *level; /* of the question: the finest with evidence; "" = prior only */
};

struct decide_answer {
    int choice;         /* index of the option; -1: none is allowed */
    int rules, learned; /* what each would choose */
    enum decider decider;
    double confidence;             /* chance that the choice is the best allowed one */
    int order[DECIDE_OPTIONS_MAX]; /* best first */
    struct decide_belief beliefs[DECIDE_OPTIONS_MAX]; /* by option */
    char reason[300];                                 /* one line, words and numbers */
};

struct decide_settings {
    bool is_learning_off;    /* rules alone act; the learner stays in shadow */
    double half_life_trials; /* decay; 60 */
    double shadow_trials;    /* at the finest level before learning acts; 8 */
    double demote_margin; /* demoted when its lower bound is this much below the rules */
    size_t factor_keys; /* values of factors that are remembered; a power of two; 8192 */
    size_t open_cases;  /* questions that are remembered until their outcome; 256 */
};
struct decide_settings decide_defaults(void);

struct decide;
NODISCARD struct decide *decide_new(const struct decide_settings *settings);
void decide_free(struct decide *decide); /* accepts NULL */
void decide_ask(struct decide *decide, const struct decide_question *question,
                struct wall now, struct rng *rng, struct decide_answer *ret_answer);
/* What became of option `name` of a question with these levels and factors: success in 0..1
 * (NAN: unclear, nothing is learned but the cost). is_override: a person chose it against the
 * engine; counts as a label. chosen_by: who chose it. */
struct decide_outcome {
    double success, cost_s;
    bool is_override;
    enum decider chosen_by;
};
void decide_learn(struct decide *decide, const struct decide_question *question,
                  int option, const struct decide_outcome *outcome, struct wall now);
/* An operator switches an option off or on, at all levels below key ("class:test", "all"). */
void decide_kill(struct decide *decide, const char *key, const char *option,
                 bool is_killed);

/* Rows that have changed since the last call, for the store; and back after a start. */
size_t decide_changed(struct decide *decide, struct arena *arena,
                      const struct odds_row **ret_rows);
void decide_restore(struct decide *decide, const struct odds_row *row);
/* What odds rows do not hold (linear model, records of shadow), saved and restored. */
void decide_save(const struct decide *decide, struct buf *out);
NODISCARD bool decide_load(struct decide *decide, const void *data, size_t len);

#endif
