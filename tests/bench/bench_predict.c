/* SPDX-License-Identifier: MIT */

/*
 * What a look ahead costs, a JSON line each, milliseconds of processor time and the memory taken:
 *
 *   predict.forecast.week    1,000 hours with a day and a week in them, 48 steps ahead, season to be found
 *   predict.forecast.daily   400 days with a week in them, 14 steps ahead
 *   predict.capacity         a year of days, 120 days ahead
 *   predict.queueing         one what-if, 64 servers
 *
 * "bare" beside them is a single additive Holt-Winters pass over the same values: what one model
 * with given settings costs, without choosing, backtest or intervals. The median of seven
 * rounds.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/rng.h"
#include "engine/predict/capacity.h"
#include "engine/predict/forecast.h"
#include "engine/predict/queueing.h"

#define ROUNDS     7
#define VALUES_MAX 1000

static volatile double sink;

static double processor_ms(void)
{
    struct timespec at;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at) != 0) {
        abort();
    }
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

struct work {
    double values[VALUES_MAX];
    size_t n;
    int season, horizon;
    size_t bytes;
};

static void fill(struct work *work, size_t n, int season, int week)
{
    struct rng rng;
    rng_init(&rng, 1);
    work->n = n;
    for (size_t t = 0; t < n; t++) {
        double turn = (double)t * 2 * acos(-1.0) / season;
        bool is_weekend = week > 1 && t / (size_t)season % 7 >= 5;
        work->values[t] = (is_weekend ? 60 : 100) + 20 * sin(turn) + 10 * rng_unit(&rng);
    }
}

static void bare(struct work *work)
{
    double level = work->values[0], trend = 0, seasons[168] = {0};
    size_t length = work->season > 0 ? (size_t)work->season : 24;
    for (size_t t = 0; t < work->n; t++) {
        double *season = &seasons[t % length];
        double off = work->values[t] - level - trend - *season;
        level += trend + .1 * off;
        trend += .01 * off;
        *season += .1 * off;
    }
    sink = level + trend * work->horizon;
}

static void look_ahead(struct work *work)
{
    struct forecast_step steps[64];
    struct forecast_report report;
    struct arena *arena = arena_new();
    struct forecast_task task = {.values = work->values,
                                 .n = work->n,
                                 .season = work->season,
                                 .horizon = work->horizon};
    if (!forecast_run(&task, arena, steps, &report)) {
        abort();
    }
    sink = steps[0].value;
    work->bytes = arena_bytes(arena);
    arena_free(arena);
}

static void fill_up(struct work *work)
{
    struct arena *arena = arena_new();
    struct capacity_task task = {.used = work->values,
                                 .n = work->n,
                                 .limit = work->values[work->n - 1] + 300,
                                 .step = 1};
    sink = capacity_run(&task, arena).p_within;
    work->bytes = arena_bytes(arena);
    arena_free(arena);
}

static void what_if(struct work *work)
{
    struct queueing_load load = {.arrival_rate = 6, .service = 10, .scv_service = 2};
    sink = queueing_run(&load, 64).wait;
    work->bytes = 0;
}

static double median_ms(void (*run)(struct work *), struct work *work, int times)
{
    double rounds[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double begin = processor_ms();
        for (int k = 0; k < times; k++) {
            run(work);
        }
        rounds[i] = (processor_ms() - begin) / times;
    }
    qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
    return rounds[ROUNDS / 2];
}

static void say(const char *name, void (*run)(struct work *), struct work *work,
                int times)
{
    double ours = median_ms(run, work, times), one = median_ms(bare, work, 1000);
    printf("{\"fig\":\"%s\",\"who\":\"signalbox\",\"value\":%.4g,\"unit\":\"ms\","
           "\"bytes\":%zu}\n",
           name, ours, work->bytes);
    printf("{\"fig\":\"%s\",\"who\":\"bare\",\"value\":%.4g,\"unit\":\"ms\"}\n", name,
           one);
}

int main(void)
{
    static struct work work;
    fill(&work, 1000, 24, 7);
    work.horizon = 48;
    say("predict.forecast.week", look_ahead, &work, 3);
    fill(&work, 400, 7, 1);
    work.season = 7;
    work.horizon = 14;
    say("predict.forecast.daily", look_ahead, &work, 10);
    for (size_t t = 0; t < 365; t++) {
        work.values[t] = (double)(t / 3 * 9); /* by jumps */
    }
    work.n = 365;
    say("predict.capacity", fill_up, &work, 10);
    say("predict.queueing", what_if, &work, 10000);
    return 0;
}
