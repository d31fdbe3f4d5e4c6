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
#define BLOCK       2.0  /* mean length of a block, in steps: busy days stand together */
#define BLOCK_BACK  12.0 /* the same where the level comes back to a line */
#define BACK_MIN    12   /* steps, to see whether it does */
#define BACK_DOWN   .6   /* of what it went up */
#define BACK_SPREAD 1.6  /* 4 where things pile up, 1 where they do not */
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
    /* Where the level comes back to a line: what lies off it, and the line from `used` on. */
    bool comes_back;
    double *off;         /* n of them */
    double slope, start; /* per step; of the line at the end, less `used` */
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

/* Mean square of the changes over `from` to `to` steps, less their drift. */
static double spread(const struct growth *growth, size_t from, size_t to)
{
    double mean = 0, square = 0, n_square = 0;
    for (size_t i = 0; i < growth->n; i++) {
        mean += growth->steps[i] / (double)growth->n;
    }
    for (size_t by = from; by <= to; by++) {
        double sum = 0;
        for (size_t i = 0; i < growth->n; i++) {
            sum += growth->steps[i] - mean;
            sum -= i >= by ? growth->steps[i - by] - mean : 0;
            square += i + 1 >= by ? sum * sum : 0;
            n_square += i + 1 >= by ? 1 : 0;
        }
    }
    return square / n_square;
}

/*
 * A load goes down as much as up, and lies no further off after a long time than after a short one;
 * what piles up lies the further off the longer (the idea of the variance ratio: Lo and MacKinlay,
 * Review of Financial Studies 1988; over ranges of lengths, since a load has seasons).
 */
static bool comes_back(const struct growth *growth)
{
    double up = 0, down = 0;
    for (size_t i = 0; i < growth->n; i++) {
        up += fmax(growth->steps[i], 0);
        down += fmax(-growth->steps[i], 0);
    }
    if (growth->n < BACK_MIN || down < BACK_DOWN * up) {
        return false;
    }
    size_t n = growth->n, near = n < 32 ? 1 : n / 32, next = n < 16 ? 1 : n / 16;
    return spread(growth, n / 8, n / 4) < BACK_SPREAD * spread(growth, near, next);
}

/* The line through the levels by least squares, and what lies off it. A slope that could be chance
 * counts little: how much chance there is, the number of times the level crosses its line says. */
static void fit_line(struct growth *growth, struct arena *arena)
{
    size_t n = growth->n;
    double level = 0, mean = 0, ty = 0, tt = 0, middle = (double)(n - 1) / 2;
    growth->off = arena_array(arena, n, sizeof(double));
    for (size_t i = n; i-- > 0;) { /* levels, less the last */
        growth->off[i] = level;
        mean += level / (double)n;
        level -= growth->steps[i];
    }
    for (size_t i = 0; i < n; i++) {
        ty += ((double)i - middle) * (growth->off[i] - mean);
        tt += ((double)i - middle) * ((double)i - middle);
    }
    double slope = ty / tt, square = 0, crossings = 1;
    for (size_t i = 0, was_above = 0; i < n; i++) {
        double off = growth->off[i] - mean - slope * ((double)i - middle);
        size_t is_above = off > 0 ? 1 : 0;
        crossings += is_above != was_above ? 1 : 0;
        was_above = is_above;
        square += off * off / (double)n;
    }
    double rise = slope * (double)n, chance = 12 * square / crossings;
    growth->slope = rise * rise > 0 ? slope * rise * rise / (rise * rise + chance) : 0;
    growth->start = mean + growth->slope * middle;
    for (size_t i = 0; i < n; i++) {
        growth->off[i] -= mean + growth->slope * ((double)i - middle);
    }
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
    double block = growth->comes_back ? BLOCK_BACK : BLOCK, grown = 0;
    size_t at = growth->n;
    for (size_t step = 1; step <= n_steps; step++) {
        if (at >= growth->n || rng_unit(rng) * block < 1) {
            double age = -memory * log(1 - rng_unit(rng) * reach);
            size_t back = (size_t)age < growth->n ? (size_t)age : growth->n - 1;
            at = growth->n - 1 - back;
        }
        if (growth->comes_back) {
            double line = growth->start + factor * growth->slope * (double)step;
            grown = line + growth->off[at++];
        } else {
            grown += factor * growth->steps[at++];
        }
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
    growth.comes_back = comes_back(&growth);
    if (growth.comes_back) {
        fit_line(&growth, arena);
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
