/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_REPLAY_H
#define SIGNALBOX_LEARNING_REPLAY_H

/* Replay, private: what generators and dry runs share; search.delta is the change of each run. */

#include "engine/learning/optimize_private.h"

/* ---- optimize_retry.c ---- */

/* The surroundings failed, not the change: such tries come again after a pause. */
bool is_world(const struct run_step *step);
/* A check that says that the change is wrong. */
bool has_said_no(const struct run_step *step);
/* The try before this one of the same check on the same commit; NULL: it is the first. */
const struct run_step *try_before(const struct run_features *run, size_t at);

/* Retries number `level` and above of one check. */
struct bought {
    double n, n_passed, cost_s; /* cost: sum of what they took */
    double iteration_s, n_iterations;
};
struct bought count_bought(const struct search *search, uint16_t name, int level);
/* Minutes of one run without the retries from `level` on: what they took is saved, with the troubles
 * that they met; what they bought is lost. */
double replay_retries(const struct run_features *run, uint16_t name, int level,
                      double iteration_s);
/* Minutes that the failures of a check cost: from the end of the first until it has passed; negative. */
double replay_quarantine(const struct run_features *run, uint16_t name);

#define TROUBLE_GRID_A   12
#define TROUBLE_GRID_TAU 40
#define TROUBLE_GRID     (TROUBLE_GRID_A * TROUBLE_GRID_TAU)
struct trouble_model {
    double a[TROUBLE_GRID], tau[TROUBLE_GRID], weight[TROUBLE_GRID];
    double n, n_passed, fail_s; /* mean run of a try that failed */
};
/* optimize_trouble.c: begin with a model that is zero, tell it tries after a pause, end. */
void trouble_begin(struct trouble_model *model);
void trouble_weigh(struct trouble_model *model, double pause, bool is_bad);
void trouble_end(struct trouble_model *model);
/* Seconds that one trouble costs with this first pause. */
typedef double trouble_cost_of(double a, double tau, double first, double fail_s);
/* Change of the cost: mean and 90 % of what is believed. */
struct estimate trouble_gain(const struct trouble_model *model, trouble_cost_of *cost,
                             double from, double to);

/* Into a model that is zero. */
void learn_troubles(const struct search *search, struct trouble_model *model);
/* Change of a trouble's cost, seconds: mean and 90 % of what is believed. */
struct estimate pause_gain(const struct trouble_model *model, double from, double to);
double count_troubles(const struct run_features *run);

/* ---- optimize_queue.c ---- */

/* A piece of work: a workflow that needs a slot, a call that needs a place. Seconds. */
struct work {
    double arrived, waited, took;
    size_t run; /* index in search->runs */
};
int by_arrival(const void *left, const void *right); /* for qsort */
/* Waits with so many servers, first come first served; out[i] of work i. Returns their mean. */
double replay_queue(const struct work *work, size_t n, size_t n_servers, double *out);

/* ---- optimize_check.c: false, nothing can be told ---- */

/* to: JSON array of names; the others follow as they stand. */
bool replay_checks_order(struct search *search, const char *to, size_t *ret_n_failures);
bool replay_checks_lanes(struct search *search, size_t from, size_t to);

/* ---- optimize_choice.c: likewise ---- */

/* Each run of `from` takes as long as those of `to` on changes of like size. counts: of both. */
bool replay_agents(struct search *search, uint16_t from, uint16_t to, size_t counts[2]);

struct window_replay {
    long n[2], n_failed[2]; /* merges outside of the window, and in it */
    double wait_hours;      /* of all those outside, until it opens */
};
/* Merges outside of the window fare as those in it. Hours, UTC. */
bool replay_window(struct search *search, int from, int until, struct window_replay *ret);

#endif
