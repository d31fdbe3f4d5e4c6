/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/recovery/classify_model.h"

_Static_assert(TEXT_BUCKETS < UINT16_MAX, "places of learned rows are 16 bits");
_Static_assert(MODEL_STEPS <= INT8_MAX, "steps are 8 bits");

#define HEADING "signalbox-text-model 1\n"

void text_model_scale(const float idf[TEXT_BUCKETS], const float scale[GROUP_COUNT],
                      struct text_feature *features, size_t n)
{
    float squares[GROUP_COUNT] = {0}, by[GROUP_COUNT];
    for (size_t i = 0; i < n; i++) {
        features[i].value *= idf[features[i].bucket];
        squares[text_group_of(features[i].bucket)] +=
            features[i].value * features[i].value;
    }
    for (int g = 0; g < GROUP_COUNT; g++) {
        by[g] = squares[g] > 0 ? scale[g] / sqrtf(squares[g]) : 0;
    }
    /* Rules say how sure they are: two weak ones are not as good as one strong one. */
    by[GROUP_RULES] = scale[GROUP_RULES];
    for (size_t i = 0; i < n; i++) {
        features[i].value *= by[text_group_of(features[i].bucket)];
    }
}

static void read_weights(const struct text_model *model, uint32_t bucket,
                         float ret[MODEL_CLASSES])
{
    if (model->learned[bucket] != 0) {
        memcpy(ret, model->rows[model->learned[bucket] - 1], sizeof(model->rows[0]));
        return;
    }
    float step = model->step[text_group_of(bucket)];
    for (size_t k = 0; k < MODEL_CLASSES; k++) {
        ret[k] = (float)model->steps[bucket][k] * step;
    }
}

/* The row of a bucket that can be changed. */
static float *learned_row(struct text_model *model, uint32_t bucket)
{
    if (model->learned[bucket] == 0) {
        if (model->n_rows == model->cap_rows) {
            model->cap_rows = model->cap_rows > 0 ? model->cap_rows * 2 : 256;
            model->rows = mem_grow(model->rows, model->cap_rows, sizeof(model->rows[0]));
        }
        read_weights(model, bucket, model->rows[model->n_rows]);
        model->learned[bucket] = (uint16_t)++model->n_rows;
    }
    return model->rows[model->learned[bucket] - 1];
}

void text_model_apply(const struct text_model *model, const struct text_feature *features,
                      size_t n, double p[MODEL_CLASSES])
{
    float logits[MODEL_CLASSES];
    double top = -1e30, sum = 0;
    memcpy(logits, model->bias, sizeof(logits));
    for (size_t i = 0; i < n; i++) {
        float weights[MODEL_CLASSES];
        read_weights(model, features[i].bucket, weights);
        for (size_t k = 0; k < MODEL_CLASSES; k++) {
            logits[k] += weights[k] * features[i].value;
        }
    }
    for (size_t k = 0; k < model->n_classes; k++) {
        p[k] = (double)(logits[k] / model->softness);
        top = p[k] > top ? p[k] : top;
    }
    for (size_t k = 0; k < model->n_classes; k++) {
        p[k] = exp(p[k] - top);
        sum += p[k];
    }
    double doubt = (double)model->doubt;
    for (size_t k = 0; k < model->n_classes; k++) {
        p[k] = (1 - doubt) * p[k] / sum + doubt / (double)model->n_classes;
    }
}

void text_model_learn(struct text_model *model, const struct text_feature *features,
                      size_t n, size_t label, float rate, float most)
{
    double p[MODEL_CLASSES];
    text_model_apply(model, features, n, p);
    for (size_t i = 0; i < n; i++) {
        float *weights = learned_row(model, features[i].bucket);
        for (size_t k = 0; k < model->n_classes; k++) {
            float error = (float)p[k] - (k == label ? 1.0F : 0.0F);
            float next = weights[k] - rate * error * features[i].value;
            weights[k] = next > most ? most : next < -most ? -most : next;
        }
    }
}

/* ---- file -------------------------------------------------------------------------- */

struct reading {
    const char *at, *end;
    int line;
};

/* The next line into out, cut at cap; false at the end. */
static bool read_line(struct reading *r, char *out, size_t cap)
{
    if (r->at >= r->end) {
        return false;
    }
    const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
    size_t len = (size_t)((stop == NULL ? r->end : stop) - r->at);
    size_t n = len < cap - 1 ? len : cap - 1;
    memcpy(out, r->at, n);
    out[n] = '\0';
    r->at += len + (stop != NULL);
    r->line++;
    return true;
}

/* A word and a number for each group. */
static bool read_groups(struct reading *r, const char *word, float ret[GROUP_COUNT])
{
    char line[256];
    size_t len = strlen(word);
    if (!read_line(r, line, sizeof(line)) || strncmp(line, word, len) != 0) {
        return false;
    }
    char *at = line + len;
    for (int g = 0; g < GROUP_COUNT; g++) {
        char *end;
        ret[g] = strtof(at, &end);
        if (end == at || !isfinite(ret[g])) {
            return false;
        }
        at = end;
    }
    return true;
}

static bool read_classes(struct text_model *model, struct reading *r)
{
    char line[256];
    for (size_t k = 0; k < model->n_classes; k++) {
        if (!read_line(r, line, sizeof(line)) ||
            sscanf(line, "class %23s %f", model->classes[k], &model->bias[k]) != 2) {
            return false;
        }
    }
    return read_groups(r, "scale", model->scale);
}

/* "BUCKET IDF CHARACTERS" */
static bool read_row(struct text_model *model, const char *line)
{
    char *at;
    unsigned long bucket = strtoul(line, &at, 10);
    unsigned long idf = strtoul(at, &at, 10);
    if (bucket >= TEXT_BUCKETS || idf == 0 || idf > 1000 || *at != ' ' ||
        strlen(at + 1) != model->n_classes) {
        return false;
    }
    model->idf[bucket] = (float)idf / MODEL_IDF_UNIT;
    for (size_t k = 0; k < model->n_classes; k++) {
        int steps = at[1 + k] - MODEL_ZERO_CHAR;
        if (steps < -MODEL_STEPS || steps > MODEL_STEPS) {
            return false;
        }
        model->steps[bucket][k] = (int8_t)steps;
    }
    return true;
}

static bool read_rows(struct text_model *model, struct reading *r)
{
    char line[256];
    if (!read_groups(r, "step", model->step)) {
        return false;
    }
    while (read_line(r, line, sizeof(line))) {
        if (strcmp(line, "end") == 0) {
            return true;
        }
        if (!read_row(model, line)) {
            return false;
        }
    }
    return false;
}

/* Leaves r behind the line that begins the model. */
static bool find_model(struct reading *r, const char *name, struct text_model *model)
{
    char line[256], found[MODEL_NAME];
    while (read_line(r, line, sizeof(line))) {
        if (strncmp(line, "model ", 6) == 0 && /* few lines are worth the rest */
            sscanf(line, "model %23s %zu %f %f", found, &model->n_classes,
                   &model->softness, &model->doubt) == 4 &&
            strcmp(found, name) == 0) {
            return model->n_classes >= 2 && model->n_classes <= MODEL_CLASSES &&
                   model->softness > 0 && isfinite(model->softness) &&
                   model->doubt >= 0 && model->doubt < 1;
        }
    }
    return false;
}

struct text_model *text_model_load(const char *text, size_t len, const char *name,
                                   struct err *err)
{
    struct reading r = {text, text + len, 0};
    AUTO_FREE struct text_model *model = mem_alloc(sizeof(*model));
    if (len < sizeof(HEADING) - 1 || memcmp(text, HEADING, sizeof(HEADING) - 1) != 0) {
        err_set(err, ERR_PROTOCOL, "no text model");
        return NULL;
    }
    if (!find_model(&r, name, model) || !read_classes(model, &r) ||
        !read_rows(model, &r)) {
        err_set(err, ERR_PROTOCOL, "text model %s: line %d is malformed", name, r.line);
        return NULL;
    }
    return TAKE(model);
}

void text_model_free(struct text_model *model)
{
    if (model != NULL) {
        free(model->rows);
        free(model);
    }
}
