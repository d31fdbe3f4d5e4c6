/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_CLASSIFY_MODEL_H
#define SIGNALBOX_RECOVERY_CLASSIFY_MODEL_H

/*
 * Classify, model: multinomial logistic regression over the features of classify_text.h.
 * Private to classify*.c and to its trainer.
 *
 * Each group of features is weighted by how few texts have a feature (idf) and brought to the
 * length `scale` of its group; then logit of class k = bias[k] + sum of weight * value. The
 * model file (engine/recovery/classify.model) is text, so that a change shows in review:
 *
 *     signalbox-text-model 1                   one model after the other, each:
 *     model category 12 1.234 0.02             name, classes, softness of the logits, doubt
 *     class test -0.12                         word and bias, one line for each class
 *     scale 1 1 0.7 0.5 2 0.3                  length of each group
 *     step 0.01 0.01 0.02 0.02 0.1 0.01        weight of one step, for each group
 *     17 45 ~~}}mnop...                        bucket, idf in 1/16, one character of '#'..'}'
 *                                              for each class: steps above 'P'
 *     end
 */

#include "engine/base/err.h"
#include "engine/recovery/classify_text.h"

#define MODEL_CLASSES   16
#define MODEL_NAME      24
#define MODEL_FILE_MAX  (2 * 1024 * 1024)
#define MODEL_IDF_UNIT  16.0F /* steps of one */
#define MODEL_STEPS     45    /* on each side of 0 */
#define MODEL_ZERO_CHAR 'P'

struct text_model {
    size_t n_classes;
    char classes[MODEL_CLASSES][MODEL_NAME];
    float bias[MODEL_CLASSES];
    float softness; /* logits are divided by it, and */
    float doubt;    /* this share is spread over all classes: so is it calibrated */
    float scale[GROUP_COUNT];
    float step[GROUP_COUNT]; /* a weight is so many steps of its group's */
    float idf[TEXT_BUCKETS]; /* 0 = the feature is not used */
    int8_t steps[TEXT_BUCKETS][MODEL_CLASSES];
    /* Rows that were learned since: of a bucket, its place in `rows` + 1; 0 = as in the file. */
    uint16_t learned[TEXT_BUCKETS];
    size_t n_rows, cap_rows;
    float (*rows)[MODEL_CLASSES];
};

/* Where a job's log says whether it is flaky: its last bytes. */
#define MODEL_TAIL 3000

/* The model `name` of a model file; NULL when it is not there or malformed. */
NODISCARD struct text_model *text_model_load(const char *text, size_t len,
                                             const char *name, struct err *err);
void text_model_free(struct text_model *model); /* accepts NULL */
/* Bring features into the form that weights apply to, in place. */
void text_model_scale(const float idf[TEXT_BUCKETS], const float scale[GROUP_COUNT],
                      struct text_feature *features, size_t n);
/* One step of gradient descent towards class `label`; no weight grows beyond `most`. */
void text_model_learn(struct text_model *model, const struct text_feature *features,
                      size_t n, size_t label, float rate, float most);
/* p[0..n_classes) of scaled features, sums to 1. */
void text_model_apply(const struct text_model *model, const struct text_feature *features,
                      size_t n, double p[MODEL_CLASSES]);

#endif
