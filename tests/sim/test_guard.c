/* SPDX-License-Identifier: MIT */

/*
 * The guard against planted changes: a harmful one (its size, the fleet, the drift of the
 * surroundings and everything else drawn by seed) is taken back within its window in at least
 * 95 of 100 seeds, a harmless one kept in as many. Runs end in another order than they begin.
 *
 *   test_guard [--seeds N] [--first N]
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/rng.h"
#include "engine/learning/guard.h"

#define OTHERS_MAX 4
#define RUNS_MAX   6000

static int n_seeds = 100;
static uint64_t first_seed = 1;

struct fleet {
    struct rng rng;
    enum guard_kind kind;
    double base[OTHERS_MAX + 1], noise;
    int n_others;
    double drift,
        ramp;    /* of the surroundings: at once when the change came, and by its end */
    double harm; /* of the change */
};

static double gauss(struct rng *rng)
{
    double u = rng_unit(rng), v = rng_unit(rng);
    return sqrt(-2 * log(u + 1e-300)) * cos(6.283185307179586 * v);
}

static double between(struct rng *rng, double low, double high)
{
    return low + (high - low) * rng_unit(rng);
}

/* One run of a pipeline, so far into the window (below 0: before the change). */
static double draw(struct fleet *fleet, int group, double when)
{
    double moved = when < 0 ? 0 : fleet->drift + fleet->ramp * when;
    double harm = group == 0 && when >= 0 ? fleet->harm : 0;
    if (fleet->kind == GUARD_SHARE) {
        return rng_unit(&fleet->rng) < fleet->base[group] + moved - harm ? 1 : 0;
    }
    double amount =
        fleet->base[group] * exp(moved + harm + fleet->noise * gauss(&fleet->rng) -
                                 fleet->noise * fleet->noise / 2);
    if (fleet->kind == GUARD_MEAN && rng_unit(&fleet->rng) < 0.5) {
        return 0; /* of wasted minutes half of the runs have none */
    }
    return amount;
}

static void make_fleet(struct fleet *fleet, enum guard_kind kind, bool has_drift,
                       bool is_harmful, uint64_t seed)
{
    *fleet = (struct fleet){.kind = kind};
    rng_init(&fleet->rng, seed * 7919 + (uint64_t)kind * 31 + (has_drift ? 7 : 0) +
                              (is_harmful ? 3 : 0));
    struct rng *rng = &fleet->rng;
    fleet->n_others = has_drift ? 2 + (int)rng_below(rng, 3) : (int)rng_below(rng, 3);
    fleet->noise = between(rng, 0.15, 0.5);
    for (int i = 0; i <= OTHERS_MAX; i++) {
        fleet->base[i] =
            kind == GUARD_SHARE ? between(rng, 0.80, 0.97) : between(rng, 3, 60);
    }
    if (has_drift) {
        fleet->drift =
            kind == GUARD_SHARE ? between(rng, -0.15, 0.02) : between(rng, -0.4, 0.4);
        fleet->ramp =
            kind == GUARD_SHARE ? between(rng, -0.08, 0) : between(rng, -0.2, 0.2);
    }
    if (is_harmful) {
        fleet->harm = kind == GUARD_SHARE   ? between(rng, 0.2, 0.6)
                      : kind == GUARD_RATIO ? log(between(rng, 1.3, 3))
                                            : log(between(rng, 2, 4));
    }
}

struct open_run {
    int64_t id, ends;
    int group;
    double value;
};

/* The window, run by run; the verdict, and after how many runs of the changed pipeline. */
static struct guard_result watch(struct fleet *fleet, int *ret_n)
{
    struct guard guard;
    struct guard_settings settings =
        guard_defaults(fleet->kind, fleet->kind == GUARD_SHARE);
    struct wall start = {INT64_C(1732284000000)};
    guard_init(&guard, &settings, start);
    int groups[OTHERS_MAX + 1] = {0};
    for (int i = 1; i <= fleet->n_others; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "pipeline:%d", i);
        groups[i] = guard_group(&guard, name);
        assert_int_equal(groups[i], i);
    }
    for (int i = 0; i < 500 * (fleet->n_others + 1); i++) {
        int group = i % (fleet->n_others + 1);
        guard_before(&guard, group, draw(fleet, group, -1));
    }
    struct open_run open[32];
    int n_open = 0;
    struct guard_result result = {.verdict = GUARD_WAITS};
    for (int64_t id = 1; id < RUNS_MAX && result.verdict == GUARD_WAITS; id++) {
        struct wall now = {start.ms + id * 300000};
        int group = (int)rng_below(&fleet->rng, (uint64_t)fleet->n_others + 1);
        double value =
            draw(fleet, group,
                 (double)id / (settings.max_runs * (double)(fleet->n_others + 1)));
        /* What is slow, or fails late, ends late. */
        int64_t length = fleet->kind == GUARD_RATIO
                             ? (int64_t)(6 * value / fleet->base[group])
                             : (int64_t)rng_below(&fleet->rng, 12);
        open[n_open++] =
            (struct open_run){id, id + (length < 30 ? length : 30), group, value};
        int64_t oldest = INT64_MAX;
        for (int i = 0; i < n_open;) {
            if (open[i].ends <= id) {
                guard_end(&guard, groups[open[i].group], open[i].id, open[i].value);
                open[i] = open[--n_open];
                continue;
            }
            oldest = open[i].id < oldest ? open[i].id : oldest;
            i++;
        }
        assert_true(n_open < 31);
        guard_release(&guard, oldest);
        result = guard_look(&guard, now);
    }
    *ret_n = result.n_after;
    return result;
}

static int try(enum guard_kind kind, bool has_drift, bool is_harmful,
               enum guard_verdict wanted, const char *what)
{
    int counts[GUARD_VERDICT_COUNT] = {0}, n_runs = 0, n_covered = 0;
    for (int i = 0; i < n_seeds; i++) {
        struct fleet fleet;
        int n = 0;
        make_fleet(&fleet, kind, has_drift, is_harmful, first_seed + (uint64_t)i);
        struct guard_result result = watch(&fleet, &n);
        double truth = kind == GUARD_SHARE   ? -fleet.harm
                       : kind == GUARD_RATIO ? expm1(fleet.harm)
                                             : fleet.base[0] / 2 * expm1(fleet.harm);
        counts[result.verdict]++;
        n_covered += result.low <= truth && truth <= result.high;
        n_runs += n;
    }
    print_message("# %-34s harm %3d, keep %3d, unclear %3d of %d; %d runs on average; "
                  "%d effects in their interval\n",
                  what, counts[GUARD_HARM], counts[GUARD_KEEP],
                  counts[GUARD_UNCLEAR] + counts[GUARD_WAITS], n_seeds, n_runs / n_seeds,
                  n_covered);
    assert_true(n_covered * 100 >= n_seeds * 90);
    return counts[wanted];
}

static void expect(enum guard_kind kind, bool has_drift, const char *what)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%s, a harmful change", what);
    int n_harm = try(kind, has_drift, true, GUARD_HARM, text);
    (void)snprintf(text, sizeof(text), "%s, a harmless change", what);
    int n_keep = try(kind, has_drift, false, GUARD_KEEP, text);
    assert_true(n_harm * 100 >= n_seeds * 95);
    assert_true(n_keep * 100 >= n_seeds * 95);
}

static void shares(void **state)
{
    (void)state;
    expect(GUARD_SHARE, false, "share");
}

static void shares_that_drift(void **state)
{
    (void)state;
    expect(GUARD_SHARE, true, "share, drift");
}

static void ratios(void **state)
{
    (void)state;
    expect(GUARD_RATIO, false, "ratio");
}

static void ratios_that_drift(void **state)
{
    (void)state;
    expect(GUARD_RATIO, true, "ratio, drift");
}

static void means(void **state)
{
    (void)state;
    expect(GUARD_MEAN, false, "mean");
}

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seeds") == 0) {
            n_seeds = (int)strtol(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--first") == 0) {
            first_seed = strtoull(argv[i + 1], NULL, 10);
        }
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares), cmocka_unit_test(shares_that_drift),
        cmocka_unit_test(ratios), cmocka_unit_test(ratios_that_drift),
        cmocka_unit_test(means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
