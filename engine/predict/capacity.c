/* SPDX-License-Identifier: MIT */
#include "engine/predict/capacity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/rng.h"

#define N_PATHS 512
#define BLOCK   8.0 /* mean length of a block, in steps */
#define MEMORY_LOW                                                                       \
    30.0 /* steps; how far back a future draws from: between these, log-uniform */
#define MEMORY_HIGH 365.0
#define SPREAD      .5 /* of a future's growth, as a standard deviation of its logarithm */

const char *capacity_word(enum capacity_verdict verdict)
{
    static const char *const words[] = {"unknown", "full", "within", "beyond"};
    return (unsigned)verdict < ARRAY_LEN(words) ? words[verdict] : "";
}

struct growth {
    double *steps; /* n of them, oldest first */
    size_t n;
    double used; /* last known */
};

/* Increments between neighbours; over a gap the change is spread evenly. */
static bool take_growth(const struct capacity_task *task, struct arena *arena,
                        struct growth *growth)
{
    size_t skip = task->n > CAPACITY_POINTS_MAX ? task->n - CAPACITY_POINTS_MAX : 0;
    size_t last = 0, n_known = 0;
    growth->steps = arena_array(arena, task->n - skip + 1, sizeof(double));
    for (size_t t = skip; t < task->n; t++) {
        double value = task->used[t];
        if (!isfinite(value)) {
            continue;
        }
        for (size_t i = last + 1; n_known > 0 && i <= t; i++) {
            growth->steps[growth->n++] = (value - growth->used) / (double)(t - last);
        }
        growth->used = value;
        last = t;
        n_known++;
    }
    return n_known >= CAPACITY_POINTS_MIN;
}

static uint64_t seed_of(const struct capacity_task *task, const struct growth *growth)
{
    uint64_t bits[2], seed = 0x9e3779b97f4a7c15u;
    memcpy(&bits[0], &task->limit, sizeof(bits[0]));
    memcpy(&bits[1], &growth->used, sizeof(bits[1]));
    return (seed ^ bits[0]) * 0xff51afd7ed558ccdu ^ bits[1] ^ growth->n;
}

/* Standard normal, by Box and Muller. */
static double draw_normal(struct rng *rng)
{
    double radius = sqrt(-2 * log(1 - rng_unit(rng)));
    return radius * cos(2 * acos(-1.0) * rng_unit(rng));
}

/* One future: the step at which the limit is reached, or n_steps + 1. */
static double walk(const struct growth *growth, double room, size_t n_steps,
                   struct rng *rng)
{
    double memory = MEMORY_LOW * pow(MEMORY_HIGH / MEMORY_LOW, rng_unit(rng));
    double factor = exp(SPREAD * draw_normal(rng));
    double reach = 1 - exp(-(double)growth->n / memory);
    size_t at = growth->n;
    double grown = 0;
    for (size_t step = 1; step <= n_steps; step++) {
        if (at >= growth->n || rng_unit(rng) * BLOCK < 1) {
            double age = -memory * log(1 - rng_unit(rng) * reach);
            size_t back = (size_t)age < growth->n ? (size_t)age : growth->n - 1;
            at = growth->n - 1 - back;
        }
        grown += factor * growth->steps[at++];
        if (grown >= room) {
            return (double)step;
        }
    }
    return (double)n_steps + 1;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The time of the share p of the futures; INFINITY when they do not reach the limit. */
static double quantile(const double *sorted, size_t n, double p, size_t n_steps,
                       double step)
{
    double at = p * (double)(n - 1);
    size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;
    double rest = at - (double)below;
    if (sorted[above] > (double)n_steps) {
        return (double)INFINITY;
    }
    return step * exp(log(sorted[below]) * (1 - rest) + log(sorted[above]) * rest);
}

struct capacity_answer capacity_run(const struct capacity_task *task, struct arena *arena)
{
    double unknown = (double)NAN;
    struct capacity_answer answer = {
        .at = unknown,
        .lo = unknown,
        .hi = unknown,
        .lo95 = unknown,
        .hi95 = unknown,
        .p_within = unknown,
        .rate = unknown,
        .used = unknown,
    };
    struct growth growth = {0};
    if (!(task->step > 0) || isnan(task->limit) || !take_growth(task, arena, &growth)) {
        return answer;
    }
    answer.used = growth.used;
    double weight = 1, weights = 0, sum = 0;
    for (size_t i = growth.n; i-- > 0; weight *= 1 - 1 / MEMORY_LOW) {
        sum += weight * growth.steps[i];
        weights += weight;
    }
    answer.rate = sum / weights / task->step;
    double room = task->limit - growth.used;
    if (room <= 0) {
        answer.verdict = CAPACITY_FULL;
        answer.at = answer.lo = answer.hi = answer.lo95 = answer.hi95 = 0;
        answer.p_within = 1;
        return answer;
    }
    double horizon = task->horizon > 0 ? task->horizon : 365;
    double wanted = fmin(fmax(ceil(horizon / task->step), 1), CAPACITY_HORIZON_MAX);
    size_t n_steps = (size_t)wanted;
    struct rng rng;
    rng_init(&rng, seed_of(task, &growth));
    double *days = arena_array(arena, N_PATHS, sizeof(double));
    size_t n_within = 0;
    for (size_t i = 0; i < N_PATHS; i++) {
        days[i] = walk(&growth, room, n_steps, &rng);
        n_within += days[i] <= (double)n_steps ? 1 : 0;
    }
    qsort(days, N_PATHS, sizeof(double), compare);
    answer.at = quantile(days, N_PATHS, .5, n_steps, task->step);
    answer.lo = quantile(days, N_PATHS, .1, n_steps, task->step);
    answer.hi = quantile(days, N_PATHS, .9, n_steps, task->step);
    answer.lo95 = quantile(days, N_PATHS, .025, n_steps, task->step);
    answer.hi95 = quantile(days, N_PATHS, .975, n_steps, task->step);
    answer.p_within = (double)n_within / (double)N_PATHS;
    answer.verdict = isinf(answer.at) ? CAPACITY_BEYOND : CAPACITY_WITHIN;
    return answer;
}
