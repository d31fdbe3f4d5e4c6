/* SPDX-License-Identifier: MIT */

/*
 * Keys keep the logarithms of the last durations; an expert is the median of the last so many
 * of one key. Logarithms, because an error counts by its share of the duration.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/predict/duration_private.h"

/* Chosen on whole histories, all at once for all of them. */
#define ETA       3.0  /* how fast the better expert is believed */
#define KEEP      0.95 /* of a loss, from one run of the kind to the next */
#define MOST_LOSS 0.2  /* further off is no worse: durations come in clusters */

static const int lengths[DURATION_LENGTHS] = {1, 3, 7, DURATION_WINDOW};

struct duration_model *duration_new(void)
{
    struct duration_model *model = mem_alloc(sizeof(*model));
    model->format = DURATION_FORMAT;
    model->bytes = (uint32_t)sizeof(*model);
    return model;
}

void duration_free(struct duration_model *model)
{
    free(model);
}

size_t duration_bytes(void)
{
    return sizeof(struct duration_model);
}

struct duration_model *duration_restore(const void *bytes, size_t len, struct err *err)
{
    uint32_t head[2];
    if (len != sizeof(struct duration_model)) {
        err_set(err, ERR_CORRUPT, "model of durations: %zu bytes instead of %zu", len,
                sizeof(struct duration_model));
        return NULL;
    }
    memcpy(head, bytes, sizeof(head));
    if (head[0] != DURATION_FORMAT || head[1] != sizeof(struct duration_model)) {
        err_set(err, ERR_CORRUPT, "model of durations: another format");
        return NULL;
    }
    struct duration_model *model = mem_alloc(sizeof(*model));
    mem_copy_pages(model, bytes, sizeof(*model));
    return model;
}

/* ---- keys ---- */

static struct duration_key *find_key(struct duration_model *model, uint64_t hash)
{
    struct duration_key *set =
        &model->keys[hash % (DURATION_KEYS / DURATION_WAYS) * DURATION_WAYS];
    struct duration_key *oldest = set;
    for (int i = 0; i < DURATION_WAYS; i++) {
        if (set[i].hash == hash) {
            set[i].touched = (uint32_t)model->n_started;
            return &set[i];
        }
        if (set[i].touched < oldest->touched) {
            oldest = &set[i];
        }
    }
    memset(oldest, 0, sizeof(*oldest));
    oldest->hash = hash;
    oldest->touched = (uint32_t)model->n_started;
    return oldest;
}

static void sort(float *values, int n)
{
    for (int i = 1; i < n; i++) {
        float value = values[i];
        int at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

/* Between the sorted values; n > 0. So that a further value lies below it with that chance
 * (Hyndman and Fan 1996, definition 6). */
static double quantile(const float *sorted, int n, double share)
{
    double at = fmin(n - 1, fmax(0, share * (n + 1) - 1));
    int low = (int)at;
    int high = low + 1 < n ? low + 1 : low;
    return (double)sorted[low] +
           (at - low) * ((double)sorted[high] - (double)sorted[low]);
}

/* The newest `most` of a ring of `window`, sorted. */
static int newest(const float *ring, uint32_t n, int window, int most, float *ret)
{
    int have = n < (uint32_t)window ? (int)n : window;
    int take = have < most ? have : most;
    for (int i = 0; i < take; i++) {
        ret[i] = ring[(n - 1 - (uint32_t)i) % (uint32_t)window];
    }
    sort(ret, take);
    return take;
}

static double key_median(const struct duration_key *key, int length)
{
    float values[DURATION_WINDOW];
    int n = newest(key->logs, key->n, DURATION_WINDOW, length, values);
    return n == 0 ? (double)NAN : quantile(values, n, 0.5);
}

/* ---- experts ---- */

/* Keys of a run: everything, kind, kind and line, and kind with each number that is no
 * size, as far as there is place: how many jobs a run has decides how long it takes. */
static void keys_of(const struct failure_context *context, uint64_t ret[DURATION_SCOPES])
{
    uint64_t kind = 2, line = 0;
    size_t n = SCOPE_NUMBER;
    memset(ret, 0, DURATION_SCOPES * sizeof(ret[0]));
    for (size_t i = 0; i < context->n_fields; i++) {
        const struct failure_field *field = &context->fields[i];
        uint64_t name = failure_hash(field->name);
        if (field->role == FAILURE_KIND) {
            kind = failure_hash_with(failure_hash_with(kind, name),
                                     failure_hash(field->text));
        } else if (field->role == FAILURE_LINE && line == 0) {
            line = failure_hash_with(name, failure_hash(field->text));
        }
    }
    for (size_t i = 0; i < context->n_fields && n < DURATION_SCOPES; i++) {
        const struct failure_field *field = &context->fields[i];
        if (field->role == FAILURE_NUMBER) {
            double squeezed = copysign(log1p(fabs(field->number)), field->number) * 16;
            ret[n++] = failure_hash_with(
                kind, failure_hash_with(failure_hash(field->name),
                                        (uint64_t)(int64_t)lround(squeezed)));
        }
    }
    ret[SCOPE_ALL] = 1;
    ret[SCOPE_KIND] = kind;
    ret[SCOPE_LINE] = line == 0 ? 0 : failure_hash_with(kind, line);
}

static double answer_of(const struct duration_run *run, const struct duration_key *kind)
{
    double weights[DURATION_EXPERTS], sum = 0, least = HUGE_VAL, below = 0;
    int order[DURATION_EXPERTS] = {0}, n = 0;
    for (int i = 0; i < DURATION_EXPERTS; i++) {
        if (!isnan(run->said[i])) {
            least = fmin(least, (double)kind->loss[i]);
            int at = n++;
            for (; at > 0 && run->said[order[at - 1]] > run->said[i]; at--) {
                order[at] = order[at - 1];
            }
            order[at] = i;
        }
    }
    for (int i = 0; i < n; i++) {
        weights[i] = exp(ETA * (least - (double)kind->loss[order[i]]));
        sum += weights[i];
    }
    for (int i = 0; i < n; i++) {
        below += weights[i];
        if (below >= sum / 2) {
            return (double)run->said[order[i]];
        }
    }
    return (double)NAN;
}

static struct duration_run *find(struct duration_model *model, uint64_t id)
{
    for (size_t i = 0; i < DURATION_PENDING_MAX; i++) {
        if (model->pending[i].number != 0 && model->pending[i].id == id) {
            return &model->pending[i];
        }
    }
    return NULL;
}

/* That of the same id, a free one, or that of the oldest run. */
static struct duration_run *place(struct duration_model *model, uint64_t id)
{
    struct duration_run *best = find(model, id);
    if (best == NULL) {
        best = &model->pending[0];
        for (size_t i = 1; i < DURATION_PENDING_MAX; i++) {
            if (model->pending[i].number < best->number) {
                best = &model->pending[i];
            }
        }
    }
    return best;
}

/* Errors of the kind once there are some, of everything before. */
static void spread(const struct duration_model *model, const struct duration_key *kind,
                   double p50, struct duration_answer *ret)
{
    float errors[DURATION_ERRORS];
    int n = newest(kind->errors, kind->n_errors, DURATION_KIND_ERRORS,
                   DURATION_KIND_ERRORS, errors);
    if (n < DURATION_KIND_ERRORS / 2) {
        n = newest(model->errors, model->n_errors, DURATION_ERRORS, DURATION_ERRORS,
                   errors);
    }
    if (n < 2) {
        return;
    }
    ret->p10 = exp(p50 + fmin(0, quantile(errors, n, 0.10)));
    ret->p80 = exp(p50 + fmax(0, quantile(errors, n, 0.80)));
    ret->p90 = exp(p50 + fmax(0, quantile(errors, n, 0.90)));
}

void duration_predict(struct duration_model *model, const struct failure_context *context,
                      struct duration_answer *ret)
{
    struct duration_run *run = place(model, context->id);
    *ret = (struct duration_answer){(double)NAN, (double)NAN, (double)NAN, (double)NAN,
                                    model->n};
    model->n_started++;
    *run = (struct duration_run){.id = context->id, .number = model->n_started};
    keys_of(context, run->keys);
    for (int scope = 0; scope < DURATION_SCOPES; scope++) {
        struct duration_key none = {0};
        const struct duration_key *key =
            run->keys[scope] == 0 ? &none : find_key(model, run->keys[scope]);
        for (int i = 0; i < DURATION_LENGTHS; i++) {
            run->said[scope * DURATION_LENGTHS + i] = (float)key_median(key, lengths[i]);
        }
    }
    const struct duration_key *kind = find_key(model, run->keys[SCOPE_KIND]);
    double p50 = answer_of(run, kind);
    run->p50 = (float)p50;
    if (!isnan(p50)) {
        ret->p50 = exp(p50);
        spread(model, kind, p50, ret);
    }
}

/* ---- learning ---- */

static void learn(struct duration_model *model, const struct duration_run *run,
                  float took)
{
    struct duration_key *kind = find_key(model, run->keys[SCOPE_KIND]);
    for (int i = 0; i < DURATION_EXPERTS; i++) {
        float off = fabsf(run->said[i] - took);
        double loss = isnan(off) ? MOST_LOSS / 2 : fmin(MOST_LOSS, (double)off);
        kind->loss[i] = (float)(KEEP * (double)kind->loss[i] + loss);
    }
    if (!isnan(run->p50)) {
        kind->errors[kind->n_errors++ % DURATION_KIND_ERRORS] = took - run->p50;
        model->errors[model->n_errors++ % DURATION_ERRORS] = took - run->p50;
    }
    for (int scope = 0; scope < DURATION_SCOPES; scope++) {
        if (run->keys[scope] != 0) {
            struct duration_key *key = find_key(model, run->keys[scope]);
            key->logs[key->n++ % DURATION_WINDOW] = took;
        }
    }
}

bool duration_observe(struct duration_model *model, uint64_t id, bool has_failed,
                      double took)
{
    struct duration_run *run = find(model, id);
    if (run == NULL) {
        return false;
    }
    if (!has_failed && isfinite(took) && took > 0) {
        learn(model, run, (float)log(took));
        model->n++;
    }
    run->number = 0;
    return true;
}

void duration_forget(struct duration_model *model, uint64_t id)
{
    struct duration_run *run = find(model, id);
    if (run != NULL) {
        run->number = 0;
    }
}
