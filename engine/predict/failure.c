/* SPDX-License-Identifier: MIT */

/* The model as a whole: runs under way, experts, mixer, calibration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/predict/failure_private.h"

/* Chosen by leaving whole projects out, all at once for all of them. */
#define NET_RATE     0.0025
#define LINEAR_RATE  0.03
#define LINEAR_DECAY 1e-4
#define MIX_ETA      0.3
#define MIX_KEEP     0.002
#define TRIM_RATE    0.002
#define LOGIT_MOST   6.0

static const struct {
    int input;
    double weight;
} experts[EXPERT_COUNT] = {
#define X(id, input, weight) [id] = {input, weight},
    FAILURE_EXPERT_LIST(X)
#undef X
};

struct failure_model *failure_new(void)
{
    struct failure_model *model = mem_alloc(sizeof(*model));
    model->format = FAILURE_FORMAT;
    model->bytes = (uint32_t)sizeof(*model);
    model->prior = failure_prior;
    model->net = model->prior.net;
    for (int i = 0; i <= FAILURE_INPUTS; i++) {
        model->linear.squares[i] = 1;
    }
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

/* Nothing in it leads out of it: what is an index is in range, what counts does not go back. */
static bool is_sound(const struct failure_model *model)
{
    const struct failure_forest *forest = &model->forest;
    if (model->format != FAILURE_FORMAT || model->bytes != sizeof(*model) ||
        model->n < 0 || model->past.n_near < 0 || model->past.n_started < 0 ||
        forest->n < 0 || forest->n_trees > FAILURE_TREES) {
        return false;
    }
    for (uint32_t i = 0; i < forest->n_trees; i++) {
        for (int j = 0; j < FAILURE_LEAVES - 1; j++) {
            if (forest->trees[i].input[j] >= FAILURE_INPUTS) {
                return false;
            }
        }
    }
    for (int i = 0; i < FAILURE_NUMBERS; i++) {
        if (memchr(model->past.numbers[i].name, '\0', FAILURE_NAME_MAX) == NULL) {
            return false;
        }
    }
    return true;
}

struct failure_model *failure_restore(const void *bytes, size_t len, struct err *err)
{
    if (len != sizeof(struct failure_model)) {
        err_set(err, ERR_CORRUPT, "model of failures: %zu bytes instead of %zu", len,
                sizeof(struct failure_model));
        return NULL;
    }
    struct failure_model *model = mem_alloc(sizeof(*model));
    mem_copy_pages(model, bytes, sizeof(*model));
    if (!is_sound(model)) {
        failure_free(model);
        err_set(err, ERR_CORRUPT, "model of failures: not what this program stores");
        return NULL;
    }
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

/* The log-odds that an input was before it was standardised. */
static double raw(const struct failure_prior *prior, const float *inputs, int input)
{
    float scale = prior->scale[input];
    return (double)(scale > 0 ? inputs[input] / scale + prior->mean[input] : 0);
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

/* Weights by what each has cost lately: the exponentially weighted average forecaster
 * (Cesa-Bianchi and Lugosi 2006, 2.1), over log-odds. */
static void weigh(const double loss[EXPERT_COUNT], double ret[EXPERT_COUNT])
{
    double most = -HUGE_VAL, sum = 0;
    for (int i = 0; i < EXPERT_COUNT; i++) {
        ret[i] = experts[i].weight - MIX_ETA * loss[i];
        most = fmax(most, ret[i]);
    }
    for (int i = 0; i < EXPERT_COUNT; i++) {
        ret[i] = exp(ret[i] - most);
        sum += ret[i];
    }
    for (int i = 0; i < EXPERT_COUNT; i++) {
        ret[i] /= sum;
    }
}

static void say(const struct failure_model *model, struct failure_pending *pending)
{
    float hidden[FAILURE_HIDDEN];
    const float *inputs = pending->run.inputs;
    double said[EXPERT_COUNT], weights[EXPERT_COUNT], mixed = 0;
    for (int i = 0; i < EXPERT_COUNT; i++) {
        if (experts[i].input >= 0) {
            said[i] = raw(&model->prior, inputs, experts[i].input);
        }
    }
    said[EXPERT_PRIOR] = failure_net_say(&model->prior.net, inputs, hidden);
    said[EXPERT_NET] = failure_net_say(&model->net, inputs, hidden);
    said[EXPERT_LINEAR] = said[EXPERT_PRIOR] + linear_say(&model->linear, inputs);
    said[EXPERT_TREES] = said[EXPERT_PRIOR] + failure_forest_say(&model->forest, inputs);
    weigh(model->loss, weights);
    for (int i = 0; i < EXPERT_COUNT; i++) {
        pending->said[i] = (float)bounded(said[i]);
        mixed += weights[i] * (double)pending->said[i];
    }
    pending->mixed = (float)mixed;
    pending->p = (float)failure_sigmoid(bounded(model->slope * mixed + model->shift));
}

void failure_predict(struct failure_model *model, const struct failure_context *context,
                     struct failure_answer *ret)
{
    struct failure_pending *pending = place(model, context->id);
    failure_input_start(&model->past, context, &pending->run);
    failure_standardise(&model->prior, pending->run.inputs);
    say(model, pending);
    *ret = (struct failure_answer){
        .p = (double)pending->p,
        .base = model->n > 0 ? (double)model->failed / (double)model->n : (double)NAN,
        .n = model->n,
    };
    failure_reasons(model, pending->run.inputs, ret);
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

/* Outcomes of one group are not independent: together they count as the root of their
 * number. */
static double weight_of(struct failure_model *model, const struct failure_run *run)
{
    if (run->keys[BLOCK_GROUP] == 0) {
        return 1;
    }
    const struct failure_key *group = failure_key_find(
        model->past.keys, run->keys[BLOCK_GROUP], (uint32_t)model->past.n_started);
    return 1 / sqrt((double)group->n + group->waiting + (group->n + group->waiting == 0));
}

static void learn(struct failure_model *model, const struct failure_pending *pending,
                  double weight, bool has_failed)
{
    float hidden[FAILURE_HIDDEN];
    const float *inputs = pending->run.inputs;
    double came = has_failed ? 1 : 0;
    double now = failure_sigmoid(failure_net_say(&model->net, inputs, hidden));
    failure_net_learn(&model->net, inputs, hidden, weight * (now - came), NET_RATE);
    linear_learn(&model->linear, inputs,
                 weight * (failure_sigmoid((double)pending->said[EXPERT_LINEAR]) - came));
    failure_forest_learn(&model->forest, inputs, (double)pending->said[EXPERT_PRIOR],
                         weight, has_failed);
    for (int i = 0; i < EXPERT_COUNT; i++) {
        double said = (double)pending->said[i];
        model->loss[i] +=
            weight * (log1p(exp(has_failed ? -said : said)) - MIX_KEEP * model->loss[i]);
    }
    double error = weight * ((double)pending->p - came);
    model->slope -= TRIM_RATE / 10 * error * (double)pending->mixed;
    model->shift -= TRIM_RATE * error;
}

bool failure_observe(struct failure_model *model, uint64_t id, bool has_failed,
                     struct wall at)
{
    struct failure_pending *pending = find(model, id);
    if (pending == NULL) {
        return false;
    }
    learn(model, pending, weight_of(model, &pending->run), has_failed);
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
