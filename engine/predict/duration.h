/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_DURATION_H
#define SIGNALBOX_PREDICT_DURATION_H

/*
 * Duration: how long will a run take, said at its start?
 *
 * Pure and streaming like engine/predict/failure.h, with the same context. Several experts
 * guess in log seconds: medians of the last successes with the same kinds, the same kinds
 * and line, the same group, with two lengths of window, and a linear correction by the numbers.
 * Each is weighed by its recent absolute error on runs of that kind (exponential
 * weights; Cesa-Bianchi and Lugosi, "Prediction, Learning, and Games", 2006), and the answer
 * is their weighted median. The interval comes from the quantiles of the recent
 * relative errors of the answer itself.
 *
 * Only runs that ended well teach: how long a failure took says when it broke.
 *
 * Memory, threads, restore: as engine/predict/failure.h. Unknown is NAN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/predict/failure_context.h"

struct duration_answer {
    double p10, p50, p80, p90; /* seconds; NAN before the first success */
    int64_t n;                 /* successes that the answer rests on */
};

struct duration_model; /* opaque, flat */

NODISCARD struct duration_model *duration_new(void);
void duration_free(struct duration_model *model); /* accepts NULL */
void duration_predict(struct duration_model *model, const struct failure_context *context,
                      struct duration_answer *ret);
/* The outcome of run `id`; took: seconds, above 0 (anything else is forgotten, as a failure
 * is). False: that run is not remembered. */
bool duration_observe(struct duration_model *model, uint64_t id, bool has_failed,
                      double took);
void duration_forget(struct duration_model *model, uint64_t id);

size_t duration_bytes(void);
NODISCARD struct duration_model *duration_restore(const void *bytes, size_t len,
                                                  struct err *err);

#endif
