/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_DECIDE_PRIVATE_H
#define SIGNALBOX_DECISION_DECIDE_PRIVATE_H

/* Decide, inside: arms (an option at one level), what is believed of an option, the guard. */

#include "engine/decision/beta.h"
#include "engine/decision/decide.h"
#include "engine/decision/outlook.h"

#define DECIDE_LEVELS   4
#define DECIDE_KEY_MAX  96 /* bytes with NUL; a longer one is cut and gets a hash */
#define DECIDE_WORD_MAX 48

/* ---- decide_arm.c: what was seen ---- */

struct decide_arm {
    uint64_t hash; /* of the key: the options of a key are in one chain */
    char key[DECIDE_KEY_MAX], option[DECIDE_WORD_MAX];
    double passed, failed;  /* decayed trials of this level alone */
    double low, mean, high; /* as last believed, with the level above */
    double cost_s;          /* NAN unknown */
    int64_t n, n_passed;
    uint64_t recent;
    int n_recent;
    struct wall updated_at;
    int32_t next; /* in its chain, -1 = last */
    bool is_demoted, is_killed, is_changed;
};

struct decide_arms {
    struct decide_arm *rows;
    size_t n, cap;
    int32_t heads[DECIDE_KEYS_MAX]; /* chains by hash, -1 = empty */
};

void decide_arms_init(struct decide_arms *arms);
void decide_arms_fini(struct decide_arms *arms);
/* Borrowed until the next decide_arm_make. NULL: never seen. */
struct decide_arm *decide_arm_find(const struct decide_arms *arms, const char *key,
                                   const char *option);
/* Made when missing; when all are taken the one that learned nothing for longest goes, and
 * those that an operator switched off last of all. */
struct decide_arm *decide_arm_make(struct decide_arms *arms, const char *key,
                                   const char *option);
/* Walk the options of a key: NULL at first, NULL at the end. */
struct decide_arm *decide_arm_next(const struct decide_arms *arms, const char *key,
                                   const struct decide_arm *before);
/* One trial of weight `weight` and half-life `half_life` in trials. True: what recently
 * happened contradicts what was before, and only the recent counts now. */
bool decide_arm_add(struct decide_arm *arm, double success, double weight,
                    double half_life);
/* Forget all but `share` of the evidence. */
void decide_arm_fade(struct decide_arm *arm, double share);
static inline double decide_arm_trials(const struct decide_arm *arm)
{
    return arm->passed + arm->failed;
}

/* ---- decide_belief.c: what is believed ---- */

/* What is left of an arm's evidence when the world has changed at its key, or at a coarser one,
 * after it was gathered: a share. */
#define DECIDE_AFTER_CHANGE 5 /* trials at most */
double decide_share_left(const struct decide_arm *arm, int64_t changed_ms);

/* How much the level above may weigh, in trials: learned, one grid for each kind of decision
 * and level. */
#define DECIDE_WEIGHTS 4
struct decide_shrink {
    double loss[DECIDE_WEIGHTS]; /* log loss of each weight, fading */
};

struct decide_view {
    struct beta beta; /* finest level */
    double trials;    /* at the level that counts most */
    int level;        /* index in the question; -1 prior only */
    double cost_s;    /* NAN unknown */
    bool is_killed, is_demoted;
    double means[DECIDE_LEVELS];       /* of the level above each one: its prior */
    int64_t changed_ms[DECIDE_LEVELS]; /* last change at each level or above */
};

/* By the levels alone. */
struct decide_view decide_view(const struct decide *decide,
                               const struct decide_question *question, int option);
/* What the factors say besides: changes view->beta. ret_sight may be NULL. */
void decide_view_factors(const struct decide *decide,
                         const struct decide_question *question, int option,
                         struct decide_view *view, struct outlook_sight *ret_sight);
uint64_t decide_hash(const char *text);
/* The same for the same kind, levels and factors; and for the same option of it. */
uint64_t decide_question_id(const struct decide_question *question);
uint64_t decide_case_id(const struct decide_question *question, const char *option);
double decide_value(const struct decide_question *question, int option, double p,
                    double cost_s);
/* Log loss of each weight for an outcome at a level; before the arm takes it in. */
void decide_shrink_learn(struct decide_shrink *shrink, const struct decide_arm *arm,
                         double above, double success);

/* ---- decide_guard.c: may learning act ---- */

/* How learning did at a place against the rules there; option "" = in its shadow. */
struct decide_record {
    uint64_t hash; /* 0 = free */
    int64_t used_ms;
    double n, gain, square; /* decayed number, sum and sum of squares of the gains */
};
#define DECIDE_RECORDS 512

const struct decide_record *decide_record_find(const struct decide *decide,
                                               const char *key, const char *option);
void decide_record_add(struct decide *decide, const char *key, const char *option,
                       double gain, struct wall now);
/* One trial went by at the place in which it was not asked. */
void decide_record_fade(struct decide *decide, const char *key, const char *option);
/* Outcomes of an option at this key contradict what was before. */
void decide_change_note(struct decide *decide, const char *key, struct wall now);
int64_t decide_change_ms(const struct decide *decide, const char *key); /* or INT64_MIN */
/* The 90 % lower bound of the mean gain; -INFINITY without two of them. */
double decide_record_low(const struct decide_record *record);
/* The level that shadow and demotion are about: the finest but one. */
const char *decide_scope(const struct decide_question *question);

/* What was asked, until its outcome is told with less than was asked. */
struct decide_asked {
    uint64_t id;                             /* of the question; 0 = free */
    uint64_t rules, learned;                 /* hashes of the names of options; 0 none */
    double value_of_rules, value_of_learned; /* on average */
};

struct decide {
    struct decide_settings settings;
    struct outlook *outlook;
    struct decide_asked *asked; /* ring of settings.open_cases */
    uint64_t n_asked;
    struct decide_arms arms;
    struct decide_shrink shrink[DECISION_KIND_COUNT][DECIDE_LEVELS];
    struct decide_record records[DECIDE_RECORDS];
};

/* May the option be taken by the engine, and if not, why. */
const char *decide_why_not(const struct decide_question *question, int option,
                           bool is_killed);
void decide_reason(const struct decide_question *question,
                   const struct decide_view *views, struct decide_answer *answer,
                   const char *note);

#endif
