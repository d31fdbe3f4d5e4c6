/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_FAILURE_H
#define SIGNALBOX_PREDICT_FAILURE_H

/*
 * Failure: how likely is it that a run fails, said at its start?
 *
 * Pure and streaming: failure_predict() when a run starts, failure_observe() when its outcome
 * is known; runs may overlap and end in any order. Everything is learned from the outcomes
 * told; nothing is trained beforehand but the first weights of failure_prior.c.
 *
 * How it comes to a number:
 *   1. Keys (failure_key.c). Each value of a field, and some pairs, has a row: outcomes with
 *      four decays, the last 32 in order, when, how many under way. Little evidence is shrunk
 *      towards the parent.
 *   2. Inputs (failure_input.c). About 120 numbers from those rows, from the time and from the
 *      sizes; they mean the same in every repository.
 *   3. Experts (failure_net.c, failure_tree.c): a small neural net whose first weights come from
 *      other projects and which goes on learning, a linear model of this stream alone, and
 *      boosted trees that are fitted again from the last runs.
 *   4. They are weighed by what each has cost lately (exponentially weighted average;
 *      Cesa-Bianchi and Lugosi, "Prediction, Learning, and Games", 2006), together with some
 *      plain rates, in log-odds; the result is calibrated online.
 *
 * Memory:    one flat block of failure_bytes() bytes without pointers, the same at any load:
 *            it can be stored with failure_bytes() and go on exactly there after
 *            failure_restore(). Old keys and runs that never end are displaced.
 * Threads:   none; one owner.
 * Cost:      predict and observe together well below 1 ms on average.
 * Unknown:   before the first outcome p is the shipped prior's guess, base is NAN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/predict/failure_context.h"

#define FAILURE_REASONS_MAX 3

/* One thing that moved the answer. */
struct failure_reason {
    char text[80]; /* "same branch failed last" */
    double weight; /* log-odds that it adds; positive speaks for failure */
};

struct failure_answer {
    double p;    /* of failure, (0, 1) */
    double base; /* share of all outcomes that were failures; NAN before the first */
    int64_t n;   /* outcomes that the answer rests on */
    size_t n_reasons;
    struct failure_reason reasons[FAILURE_REASONS_MAX]; /* strongest first */
};

struct failure_model; /* opaque, flat */

NODISCARD struct failure_model *failure_new(void);
void failure_free(struct failure_model *model); /* accepts NULL */

/* Predict and remember the run until its outcome comes. Predicting the same id again takes the
 * place of the earlier one. */
void failure_predict(struct failure_model *model, const struct failure_context *context,
                     struct failure_answer *ret);
/* The outcome of the run `id` at `at`. False: that run is not remembered (never predicted,
 * told already, or displaced by FAILURE_PENDING_MAX later ones); nothing was learned. */
bool failure_observe(struct failure_model *model, uint64_t id, bool has_failed,
                     struct wall at);
/* The run will have no outcome (cancelled): forget it. */
void failure_forget(struct failure_model *model, uint64_t id);

/* The model as bytes: write failure_bytes() bytes from the pointer `model`. */
size_t failure_bytes(void);
/* A copy of what was stored. NULL, ERR_CORRUPT: other size, other format or not what this
 * program stores; begin with a new one. */
NODISCARD struct failure_model *failure_restore(const void *bytes, size_t len,
                                                struct err *err);

#endif
