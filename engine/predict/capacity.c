/* SPDX-License-Identifier: MIT */
#include "engine/predict/capacity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/rng.h"

/* Chosen by cross-validation over the growth of whole repositories; flat around the optimum. A future
 * draws from the last steps of the history; how far back lies between two memories. */
#define MEMORY_LOW  30.0 /* steps */
#define MEMORY_HIGH 365.0
#define BLOCK       2.0 /* mean length of a block, in steps: busy days stand together */
#define N_PATHS     1000
#define STEPS_MAX   400 /* of a future; for longer ones steps are put together */
#define SPREAD      .22 /* of a future's pace: scale of its logarithm */
#define LEAN        .3 /* futures count as step^-LEAN: who asks has a near limit in mind */

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

/* Put `by` steps together, the newest ones whole. */
static void coarsen(struct growth *growth, size_t by)
{
    size_t n = growth->n / by, skip = growth->n - n * by;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < by; k++) {
            sum += growth->steps[skip + i * by + k];
        }
        growth->steps[i] = sum;
    }
    growth->n = n;
}

static uint64_t seed_of(const struct capacity_task *task, const struct growth *growth)
{
    uint64_t bits[2], seed = 0x9e3779b97f4a7c15u;
    memcpy(&bits[0], &task->limit, sizeof(bits[0]));
    memcpy(&bits[1], &growth->used, sizeof(bits[1]));
    return (seed ^ bits[0]) * 0xff51afd7ed558ccdu ^ bits[1] ^ growth->n;
}

/* Logistic, of scale 1: a normal one's middle with heavier tails. */
static double draw_logistic(struct rng *rng)
{
    double share = rng_unit(rng) + 0x1p-54;
    return log(share / (1 - share));
}

/* One future: the step at which the limit is reached, or n_steps + 1. */
static double walk(const struct growth *growth, double room, size_t n_steps,
                   struct rng *rng)
{
    double memory = MEMORY_LOW * pow(MEMORY_HIGH / MEMORY_LOW, rng_unit(rng));
    double factor = exp(SPREAD * draw_logistic(rng));
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

/* A future that reaches the limit at `step`, and what it counts. */
struct passage {
    double step, weight;
};

static int compare(const void *a, const void *b)
{
    double left = ((const struct passage *)a)->step;
    double right = ((const struct passage *)b)->step;
    return (left > right) - (left < right);
}

/* The step at which the share p of all weight is reached; between two on the log scale. */
static double quantile(const struct passage *sorted, size_t n, double total, double p)
{
    double before = 0, last = sorted[0].step;
    for (size_t i = 0; i < n; i++) {
        double middle = before + sorted[i].weight / 2;
        if (middle >= p * total) {
            return sorted[i].step;
        }
        before += sorted[i].weight;
        last = sorted[i].step;
    }
    return last;
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
    double horizon = task->horizon > 0 ? task->horizon : CAPACITY_HORIZON;
    double wanted = fmin(fmax(ceil(horizon / task->step), 1), CAPACITY_HORIZON_MAX);
    size_t n_steps = (size_t)wanted, by = (n_steps + STEPS_MAX - 1) / STEPS_MAX;
    double step_length = task->step * (double)by;
    if (by > 1 && growth.n >= 2 * by) {
        coarsen(&growth, by);
        n_steps = (n_steps + by - 1) / by;
    } else {
        step_length = task->step;
    }
    struct rng rng;
    rng_init(&rng, seed_of(task, &growth));
    struct passage *passages = arena_array(arena, N_PATHS, sizeof(*passages));
    size_t n_within = 0;
    double total = 0;
    for (size_t i = 0; i < (size_t)N_PATHS; i++) {
        double step = walk(&growth, room, n_steps, &rng);
        if (step > (double)n_steps) {
            continue;
        }
        passages[n_within] = (struct passage){step, pow(step, -LEAN)};
        total += passages[n_within++].weight;
    }
    answer.p_within = (double)n_within / (double)N_PATHS;
    if (n_within == 0) {
        answer.verdict = CAPACITY_BEYOND;
        answer.at = answer.lo = answer.hi = answer.lo95 = answer.hi95 = (double)INFINITY;
        return answer;
    }
    qsort(passages, n_within, sizeof(*passages), compare);
    answer.at = quantile(passages, n_within, total, .5) * step_length;
    answer.lo = quantile(passages, n_within, total, .1) * step_length;
    answer.hi = quantile(passages, n_within, total, .9) * step_length;
    answer.lo95 = quantile(passages, n_within, total, .025) * step_length;
    answer.hi95 = quantile(passages, n_within, total, .975) * step_length;
    answer.verdict = answer.p_within < .5 ? CAPACITY_BEYOND : CAPACITY_WITHIN;
    return answer;
}
