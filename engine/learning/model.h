/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_MODEL_H
#define SIGNALBOX_LEARNING_MODEL_H

/*
 * Model: how one thing performs (a step, a state, a queue), as it is now.
 *
 * The last MODEL_KEPT values with their times, no older than the last change of level: when the
 * values of a while differ from those before (Pettitt's test by ranks, p below MODEL_CHANGE), those
 * before are forgotten, so that evidence from before a change is not mixed with evidence after it.
 * Quantiles are of what is left; the tendency is the median of slopes (Theil and Sen) with the chance
 * of it by accident (Mann and Kendall); the share of failures is decayed with a half-life of
 * MODEL_HALF_LIFE observations.
 *
 * Pure and flat: may be copied, and saved as a blob. A value costs nothing; every MODEL_LOOK values
 * cost one test over what is kept.
 */

#include "engine/base/blob.h"
#include "engine/learning/statistic.h"

#define MODEL_KEPT      96
#define MODEL_LOOK      8
#define MODEL_CHANGE    1e-4
#define MODEL_HALF_LIFE 50.0

struct model {
    int64_t n;              /* values that ever were */
    struct wall began_at;   /* of the oldest that is kept */
    struct wall changed_at; /* last change of level; unset: none was seen */
    double before;          /* median before it; NAN */
    double failed, trials;  /* decayed */
    uint16_t n_kept, next;
    float values[MODEL_KEPT]; /* a ring; the oldest at next when it is full */
    float times[MODEL_KEPT];  /* hours since began_at of the ring's first value */
    struct wall origin;       /* of times */
};

void model_init(struct model *model);
/* value: NAN when only the outcome is known. has_failed counts towards the share of failures. */
void model_add(struct model *model, struct wall at, double value, bool has_failed);

struct model_view {
    int64_t n;     /* values that ever were */
    size_t n_kept; /* that what follows rests on */
    double p10, p50, p90, mean;
    struct estimate failed; /* share, 90 % */
    double slope, slope_p;  /* per day; chance by accident */
    struct wall since, changed_at;
    double before; /* median before the last change */
};
struct model_view model_see(const struct model *model);

void model_save(const struct model *model, struct buf *out);
NODISCARD bool model_load(struct model *model, struct blob *blob);

#endif
