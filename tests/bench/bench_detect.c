/* SPDX-License-Identifier: MIT */

/*
 * What judging a point costs, a JSON line each, nanoseconds of processor time a
 * point and bytes a series:
 *
 *   detect.ns_per_point   the whole detector, day and week profile warm; 10,000 series that
 *                         take turns, so that each one's state is out of the nearer caches
 *                         when its point comes
 *   detect.bytes          of one series
 *
 * "bare-ewma" beside it is the floor (a mean, a variance and a limit), "ewma-season" an honest
 * small detector (24 slots, warm-up, hysteresis). The median of nine rounds, which take turns.
 */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/monitor/detect.h"

#define SERIES  10000
#define ROUNDS  9
#define TICKS   20 /* points of each series in a round */
#define INPUTS  64
#define WARM    400 /* points of each series before the clock starts */
#define STEP_MS INT64_C(1800000)
#define WARM_MS INT64_C(300000)

struct ewma {
    float mean, variance;
};

struct season {
    double mean, variance, slots[24];
    int64_t n, at;
    unsigned recent;
};

static float inputs[INPUTS][SERIES];
static volatile long flags;

static void make_inputs(void)
{
    struct rng rng;
    rng_init(&rng, 1);
    for (int i = 0; i < INPUTS; i++) {
        for (int s = 0; s < SERIES; s++) {
            double sum = 0;
            for (int k = 0; k < 4; k++) {
                sum += rng_unit(&rng);
            }
            inputs[i][s] = (float)(100 + 10 * (sum - 2));
        }
    }
}

/* Of this thread's processor time: a bench is seldom alone on its machine. */
static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double per_point(int64_t begin, int ticks)
{
    return (double)(now_ns() - begin) / ((double)ticks * SERIES);
}

static double ewma_round(struct ewma *all, int tick, int ticks)
{
    int64_t begin = now_ns();
    for (int t = tick; t < tick + ticks; t++) {
        const float *x = inputs[t % INPUTS];
        long n = 0;
        for (int s = 0; s < SERIES; s++) {
            float off = x[s] - all[s].mean;
            n += off * off > 9 * all[s].variance;
            all[s].mean += 0.05F * off;
            all[s].variance = 0.95F * (all[s].variance + 0.05F * off * off);
        }
        flags += n;
    }
    return per_point(begin, ticks);
}

static double season_round(struct season *all, int tick, int ticks)
{
    int64_t begin = now_ns();
    for (int t = tick; t < tick + ticks; t++) {
        const float *x = inputs[t % INPUTS];
        long n = 0;
        for (int s = 0; s < SERIES; s++) {
            struct season *season = &all[s];
            double rest = (double)x[s] - season->slots[t % 24];
            double off = rest - season->mean;
            double scale = sqrt(season->variance) + 1e-9;
            bool is_hot = season->n > 30 && fabs(off) > 4 * scale;
            season->recent = season->recent << 1 | is_hot;
            n += __builtin_popcount(season->recent & 7) >= 2;
            season->mean += 0.05 * off;
            season->variance = 0.95 * (season->variance + 0.05 * off * off);
            season->slots[t % 24] += 0.02 * rest;
            season->n++;
            season->at = t;
        }
        flags += n;
    }
    return per_point(begin, ticks);
}

static double detect_round(struct detector *all, struct wall *at, int64_t step_ms,
                           int tick, int ticks)
{
    int64_t begin = now_ns();
    for (int t = tick; t < tick + ticks; t++) {
        const float *x = inputs[t % INPUTS];
        long n = 0;
        at->ms += step_ms;
        for (int s = 0; s < SERIES; s++) {
            n += detect_step(&all[s], *at, (double)x[s]).is_alarm;
        }
        flags += n;
    }
    return per_point(begin, ticks);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void figure(const char *who, double *rounds, size_t bytes, double goal)
{
    qsort(rounds, ROUNDS, sizeof(*rounds), compare);
    (void)printf(
        "{\"fig\":\"detect.ns_per_point\",\"who\":\"%s\",\"value\":%.3g,\"unit\":"
        "\"ns\",\"series\":%d",
        who, rounds[ROUNDS / 2], SERIES);
    if (goal > 0) {
        (void)printf(",\"goal\":%g", goal);
    }
    (void)printf(
        "}\n{\"fig\":\"detect.bytes\",\"who\":\"%s\",\"value\":%zu,\"unit\":\"B\"", who,
        bytes);
    if (goal > 0) {
        (void)printf(",\"goal\":%d", DETECTOR_BYTES_MAX);
    }
    (void)printf("}\n");
    (void)fflush(stdout);
}

int main(void)
{
    double ewma[ROUNDS], season[ROUNDS], ours[ROUNDS];
    struct ewma *ewmas = mem_array(SERIES, sizeof(*ewmas));
    struct season *seasons = mem_array(SERIES, sizeof(*seasons));
    struct detector *detectors = mem_array(SERIES, sizeof(*detectors));
    struct wall at = {INT64_C(1700000000000)};
    make_inputs();
    (void)ewma_round(ewmas, 0, WARM);
    (void)season_round(seasons, 0, WARM);
    /* three weeks in steps of half an hour fill every slot; then the step of a monitor */
    (void)detect_round(detectors, &at, STEP_MS, 0, 48 * 21);
    (void)detect_round(detectors, &at, WARM_MS, 0, WARM);
    for (int i = 0, tick = 0; i < ROUNDS; i++, tick += TICKS) {
        ewma[i] = ewma_round(ewmas, tick, TICKS);
        season[i] = season_round(seasons, tick, TICKS);
        ours[i] = detect_round(detectors, &at, WARM_MS, tick, TICKS);
    }
    figure("bare-ewma", ewma, sizeof(struct ewma), 0);
    figure("ewma-season", season, sizeof(struct season), 0);
    figure("signalbox", ours, sizeof(struct detector), 150);
    free(ewmas);
    free(seasons);
    free(detectors);
    return 0;
}
