/* SPDX-License-Identifier: MIT */

/* The model as a whole: runs under way, experts, mixer, calibration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/predict/failure_private.h"

/* Chosen by leaving whole projects out; see failure_prior.c. */
#define NET_RATE     0.005
#define LINEAR_RATE  0.03
#define LINEAR_DECAY 1e-4
#define MIX_RATE     0.005
#define TRIM_RATE    0.02
#define LOGIT_MOST   7.0
#define INPUT_MOST   3.0f

static const double first_mix[EXPERT_COUNT] = {0.2, 0.5, 0.3, 0};

struct failure_model *failure_new(void)
{
    struct failure_model *model = mem_alloc(sizeof(*model));
    model->format = FAILURE_FORMAT;
    model->bytes = (uint32_t)sizeof(*model);
    model->net = failure_prior.net;
    for (int i = 0; i <= FAILURE_INPUTS; i++) {
        model->linear.squares[i] = 1;
    }
    memcpy(model->mix, first_mix, sizeof(first_mix));
    model->slope = 1;
    return model;
}

void failure_free(struct failure_model *model)
{
    free(model);
}

size_t failure_bytes(void)
{
    return sizeof(struct failure_model);
}

struct failure_model *failure_restore(const void *bytes, size_t len, struct err *err)
{
    uint32_t head[2];
    if (len != sizeof(struct failure_model)) {
        err_set(err, ERR_CORRUPT, "model of failures: %zu bytes instead of %zu", len,
                sizeof(struct failure_model));
        return NULL;
    }
    memcpy(head, bytes, sizeof(head));
    if (head[0] != FAILURE_FORMAT || head[1] != sizeof(struct failure_model)) {
        err_set(err, ERR_CORRUPT, "model of failures: another format");
        return NULL;
    }
    struct failure_model *model = mem_alloc(sizeof(*model));
    memcpy(model, bytes, sizeof(*model));
    return model;
}

/* ---- runs under way ---- */

static struct failure_pending *find(struct failure_model *model, uint64_t id)
{
    for (size_t i = 0; i < FAILURE_PENDING_MAX; i++) {
        struct failure_pending *pending = &model->pending[i];
        if (pending->run.number != 0 && pending->run.id == id) {
            return pending;
        }
    }
    return NULL;
}

static void drop(struct failure_model *model, struct failure_pending *pending)
{
    if (pending->run.number != 0) {
        failure_input_forget(&model->past, &pending->run);
        pending->run.number = 0;
    }
}

/* A free place, or that of the oldest run. */
static struct failure_pending *place(struct failure_model *model, uint64_t id)
{
    struct failure_pending *best = find(model, id);
    if (best == NULL) {
        best = &model->pending[0];
        for (size_t i = 1; i < FAILURE_PENDING_MAX; i++) {
            if (model->pending[i].run.number < best->run.number) {
                best = &model->pending[i];
            }
        }
    }
    drop(model, best);
    return best;
}

/* ---- saying ---- */

static void standardise(float inputs[FAILURE_INPUTS])
{
    for (int i = 0; i < FAILURE_SHARED; i++) {
        float z = (inputs[i] - failure_prior.mean[i]) * failure_prior.scale[i];
        inputs[i] = z > INPUT_MOST ? INPUT_MOST : z < -INPUT_MOST ? -INPUT_MOST : z;
    }
}

static double bounded(double logit)
{
    return logit > LOGIT_MOST ? LOGIT_MOST : logit < -LOGIT_MOST ? -LOGIT_MOST : logit;
}

static double linear_say(const struct failure_linear *linear, const float *inputs)
{
    double sum = (double)linear->weight[FAILURE_INPUTS];
    for (int i = 0; i < FAILURE_INPUTS; i++) {
        sum += (double)(linear->weight[i] * inputs[i]);
    }
    return sum;
}

static void say(const struct failure_model *model, struct failure_pending *pending)
{
    float hidden[FAILURE_HIDDEN];
    const float *inputs = pending->run.inputs;
    double said[EXPERT_COUNT], mixed = 0;
    said[EXPERT_PRIOR] = bounded(failure_net_say(&failure_prior.net, inputs, hidden));
    said[EXPERT_NET] = bounded(failure_net_say(&model->net, inputs, hidden));
    said[EXPERT_LINEAR] =
        bounded(said[EXPERT_PRIOR] + linear_say(&model->linear, inputs));
    said[EXPERT_BIAS] = 1;
    for (int i = 0; i < EXPERT_COUNT; i++) {
        mixed += model->mix[i] * said[i];
        pending->said[i] = (float)said[i];
    }
    pending->p_mixed = (float)failure_sigmoid(bounded(mixed));
    pending->p = (float)failure_sigmoid(bounded(model->slope * mixed + model->shift));
}

void failure_predict(struct failure_model *model, const struct failure_context *context,
                     struct failure_answer *ret)
{
    struct failure_pending *pending = place(model, context->id);
    failure_input_start(&model->past, context, &pending->run);
    standardise(pending->run.inputs);
    say(model, pending);
    *ret = (struct failure_answer){
        .p = (double)pending->p,
        .base = model->n > 0 ? (double)model->failed / (double)model->n : (double)NAN,
        .n = model->n,
    };
}

/* ---- learning ---- */

/* AdaGrad (Duchi, Hazan, Singer, JMLR 2011). */
static void linear_learn(struct failure_linear *linear, const float *inputs, double error)
{
    for (int i = 0; i <= FAILURE_INPUTS; i++) {
        double x = i < FAILURE_INPUTS ? (double)inputs[i] : 1;
        double slope = error * x + LINEAR_DECAY * (double)linear->weight[i];
        double squares = (double)linear->squares[i] + slope * slope;
        linear->squares[i] = (float)squares;
        linear->weight[i] -= (float)(LINEAR_RATE * slope / sqrt(squares));
    }
}

static void learn(struct failure_model *model, const struct failure_pending *pending,
                  bool has_failed)
{
    float hidden[FAILURE_HIDDEN];
    const float *inputs = pending->run.inputs;
    double came = has_failed ? 1 : 0;
    double now = failure_sigmoid(failure_net_say(&model->net, inputs, hidden));
    failure_net_learn(&model->net, inputs, hidden, now - came, NET_RATE, 0,
                      &failure_prior.net);
    linear_learn(&model->linear, inputs,
                 failure_sigmoid((double)pending->said[EXPERT_LINEAR]) - came);
    double error = (double)pending->p_mixed - came;
    for (int i = 0; i < EXPERT_COUNT; i++) {
        model->mix[i] -= MIX_RATE * error * (double)pending->said[i];
    }
    error = (double)pending->p - came;
    model->slope -= TRIM_RATE / 10 * error * failure_logit((double)pending->p_mixed);
    model->shift -= TRIM_RATE * error;
}

bool failure_observe(struct failure_model *model, uint64_t id, bool has_failed,
                     struct wall at)
{
    struct failure_pending *pending = find(model, id);
    if (pending == NULL) {
        return false;
    }
    learn(model, pending, has_failed);
    failure_input_end(&model->past, &pending->run, has_failed, at.ms);
    pending->run.number = 0;
    model->n++;
    model->failed += has_failed;
    return true;
}

void failure_forget(struct failure_model *model, uint64_t id)
{
    struct failure_pending *pending = find(model, id);
    if (pending != NULL) {
        drop(model, pending);
    }
}
