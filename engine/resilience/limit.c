/* SPDX-License-Identifier: MIT */
#include "engine/resilience/limit.h"

#include <math.h>

void limit_init(struct limit *limit, int min, int max)
{
    /* Begins in the middle: slow enough to be kind, fast enough to be of use. */
    int begin = max / 2 > min ? max / 2 : min;
    *limit = (struct limit){.min = min, .max = max, .value = (double)begin};
}

static double clamp(double value, double min, double max)
{
    return value < min ? min : value > max ? max : value;
}

void limit_record(struct limit *limit, struct span took, int in_flight, bool is_overload)
{
    if (is_overload) {
        limit->value = clamp(limit->value * 0.9, limit->min, limit->max);
        return;
    }
    double ms = took.ms > 0 ? (double)took.ms : 0.5;
    if (limit->long_ms <= 0) {
        limit->long_ms = ms;
    }
    if (limit->n < LIMIT_LONG) {
        limit->n++;
    }
    limit->long_ms += (ms - limit->long_ms) / (double)limit->n;
    /* After a bad time the average is far too long: let it fall faster than it would. */
    if (limit->long_ms > 2 * ms) {
        limit->long_ms *= 0.95;
    }
    if (in_flight * 2 < (int)limit->value) {
        return;
    }
    double gradient = clamp(LIMIT_TOLERANCE * limit->long_ms / ms, 0.5, 1.0);
    double next = limit->value * gradient + sqrt(limit->value);
    next = limit->value * (1 - LIMIT_SMOOTHING) + next * LIMIT_SMOOTHING;
    limit->value = clamp(next, limit->min, limit->max);
}

int limit_get(const struct limit *limit)
{
    return (int)limit->value;
}
