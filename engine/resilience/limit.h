/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_LIMIT_H
#define SIGNALBOX_RESILIENCE_LIMIT_H

/*
 * Limit: a concurrency limit that follows the latency of a service.
 *
 * Gradient2 of Netflix's concurrency-limits (github.com/Netflix/concurrency-limits,
 * Gradient2Limit; "Performance Under Load", Netflix Technology Blog 2018): the latency of
 * one call against a long average of it gives a gradient; below 1 a queue builds up at the
 * service and the limit goes down, else it grows by the square root of itself. A call that
 * failed of overload takes a tenth at once (AIMDLimit of the same library). While fewer
 * than half of the places are used the limit says nothing and stays.
 */

#include <stdbool.h>

#include "engine/base/clock.h"

struct limit {
    int min, max;
    double value;
    double long_ms; /* average over about LIMIT_LONG calls; 0 = none yet */
    int n;
};
#define LIMIT_LONG      600
#define LIMIT_TOLERANCE 1.5 /* latency may rise so far before the limit goes down */
#define LIMIT_SMOOTHING 0.2

void limit_init(struct limit *limit, int min, int max);
/* A call ended, with so many under way beside it. */
void limit_record(struct limit *limit, struct span took, int in_flight, bool is_overload);
int limit_get(const struct limit *limit);

#endif
