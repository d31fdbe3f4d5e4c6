/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "engine/learning/model.h"

#define MS_PER_HOUR 3600000.0
#define TEST_LEAST  24 /* values */

void model_init(struct model *model)
{
    memset(model, 0, sizeof(*model));
    model->before = (double)NAN;
}

/* Oldest first. Returns how many. */
static size_t unroll(const struct model *model, double *values, double *times)
{
    size_t first = model->n_kept < MODEL_KEPT ? 0 : model->next;
    for (size_t i = 0; i < model->n_kept; i++) {
        size_t at = (first + i) % MODEL_KEPT;
        values[i] = (double)model->values[at];
        times[i] = (double)model->times[at];
    }
    return model->n_kept;
}

static struct wall time_of(const struct model *model, double hours)
{
    return (struct wall){model->origin.ms + (int64_t)(hours * MS_PER_HOUR)};
}

static void forget_before_change(struct model *model)
{
    double values[MODEL_KEPT], times[MODEL_KEPT], p;
    size_t n = unroll(model, values, times);
    size_t change = stat_change(values, n, &p);
    if (p >= MODEL_CHANGE || change == 0) {
        return;
    }
    model->changed_at = time_of(model, times[change]);
    model->before = stat_quantile(values, change, 0.5);
    n = unroll(model, values, times); /* the quantile has sorted them */
    for (size_t i = change; i < n; i++) {
        model->values[i - change] = (float)values[i];
        model->times[i - change] = (float)times[i];
    }
    model->n_kept = (uint16_t)(n - change);
    model->next = model->n_kept;
    model->began_at = model->changed_at;
}

void model_add(struct model *model, struct wall at, double value, bool has_failed)
{
    double keep = exp2(-1 / MODEL_HALF_LIFE);
    model->failed = model->failed * keep + (has_failed ? 1 : 0);
    model->trials = model->trials * keep + 1;
    if (!isfinite(value)) {
        return;
    }
    if (model->n_kept == 0) {
        model->origin = at;
        model->began_at = at;
    }
    model->values[model->next] = (float)value;
    model->times[model->next] = (float)((double)(at.ms - model->origin.ms) / MS_PER_HOUR);
    model->next = (uint16_t)((model->next + 1) % MODEL_KEPT);
    model->n_kept =
        (uint16_t)(model->n_kept < MODEL_KEPT ? model->n_kept + 1 : MODEL_KEPT);
    model->n++;
    if (model->n % MODEL_LOOK == 0 && model->n_kept >= TEST_LEAST) {
        forget_before_change(model);
    }
}

struct model_view model_see(const struct model *model)
{
    double values[MODEL_KEPT], times[MODEL_KEPT], p = (double)NAN;
    size_t n = unroll(model, values, times);
    struct model_view view = {.n = model->n,
                              .n_kept = n,
                              .failed = stat_share(model->failed, model->trials, 0.9),
                              .since = model->began_at,
                              .changed_at = model->changed_at,
                              .before = model->before,
                              .mean = n > 0 ? 0 : (double)NAN};
    if (n > 0) {
        view.since = time_of(model, times[0]);
    }
    for (size_t i = 0; i < n; i++) {
        times[i] /= 24;
        view.mean += values[i] / (double)n;
    }
    view.slope = stat_slope(times, values, n, &p);
    view.slope_p = p;
    view.p50 = stat_quantile(values, n, 0.5);
    view.p10 = stat_sorted_quantile(values, n, 0.1);
    view.p90 = stat_sorted_quantile(values, n, 0.9);
    return view;
}

/* ---- bytes ---------------------------------------------------------------------------- */

#define LARGEST 1e15

static void save_number(struct buf *out, double number)
{
    blob_put(out, isfinite(number) ? 1 : 0);
    blob_put_double(out, isfinite(number) ? number : 0);
}

static double load_number(struct blob *blob)
{
    bool is_known = blob_take(blob, 0, 1) == 1;
    double number = blob_take_double(blob, -LARGEST, LARGEST);
    return is_known ? number : (double)NAN;
}

void model_save(const struct model *model, struct buf *out)
{
    blob_put(out, model->n);
    blob_put(out, model->began_at.ms);
    blob_put(out, model->changed_at.ms);
    blob_put(out, model->origin.ms);
    save_number(out, model->before);
    blob_put_double(out, model->failed);
    blob_put_double(out, model->trials);
    blob_put(out, model->n_kept);
    double values[MODEL_KEPT], times[MODEL_KEPT];
    size_t n = unroll(model, values, times);
    for (size_t i = 0; i < n; i++) {
        blob_put_double(out, values[i]);
        blob_put_double(out, times[i]);
    }
}

bool model_load(struct model *model, struct blob *blob)
{
    model_init(model);
    model->n = blob_take(blob, 0, INT64_MAX);
    model->began_at = blob_take_wall(blob);
    model->changed_at = blob_take_wall(blob);
    model->origin = blob_take_wall(blob);
    model->before = load_number(blob);
    model->failed = blob_take_double(blob, 0, LARGEST);
    model->trials = blob_take_double(blob, 0, LARGEST);
    model->n_kept = (uint16_t)blob_take(blob, 0, MODEL_KEPT);
    for (size_t i = 0; i < model->n_kept; i++) {
        model->values[i] = (float)blob_take_double(blob, -LARGEST, LARGEST);
        model->times[i] = (float)blob_take_double(blob, -LARGEST, LARGEST);
    }
    model->next = (uint16_t)(model->n_kept % MODEL_KEPT);
    return !blob->is_bad;
}
