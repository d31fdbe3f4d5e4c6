/* SPDX-License-Identifier: MIT */

/* What holds work back, on a workflow made by hand and on simulated fleets. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/bottleneck.h"
#include "tests/lib/fleet.h"

#define START INT64_C(1790000000000)

static const struct bottleneck *find(const struct bottleneck *rows, size_t n,
                                     enum bottleneck_kind kind, uint16_t name)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind == kind && (name == 0 || rows[i].name == name)) {
            return &rows[i];
        }
    }
    fail_msg("no %s", bottleneck_word(kind));
    return NULL;
}

static void near(double a, double b)
{
    if (!(fabs(a - b) < 1e-3)) {
        fail_msg("%.9g is not %.9g", a, b);
    }
}

/* 100 s queued, plan 0..50, 10 s in line, agent 200 s fails, 30 s pause, agent 300 s; then two
 * checks side by side, 60 s and 150 s; a person takes 120 s; 20 s are lost somewhere. */
static void a_path_is_cut_into_what_it_waits_for(void **state)
{
    (void)state;
    const float none = (float)NAN;
    struct run_step steps[] = {
        {.name = 1,               .at = 100,      .run = 50, .pause = none,            .status = STATUS_PASSED                                    },
        {.name = 2,
         .provider = 9,
         .at = 150,
         .wait = 10,
         .run = 200,
         .pause = none,
         .status = STATUS_FAILED},
        {.name = 2,
         .provider = 9,
         .at = 390,
         .run = 300,
         .pause = 30,
         .status = STATUS_PASSED},
        {.name = 3,             .at = 690,                 .run = 60,                          .pause = none,                                          .status = STATUS_PASSED                                                                               },
        {.name = 4,          .at = 690, .run = 150,.pause = none,.status = STATUS_PASSED},
    };
    struct run_features run = {.created_at = {START},
                               .started_at = {START + 100000},
                               .finished_at = {START + 980000},
                               .pipeline = 5,
                               .n_steps = ARRAY_LEN(steps),
                               .steps = steps};
    run.wait[WAIT_MERGE] = 120;
    const struct run_features *runs[] = {&run};
    struct bottleneck rows[BOTTLENECKS_MAX];
    size_t n = bottlenecks(runs, 1, 0, (struct wall){0}, rows, BOTTLENECKS_MAX);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += rows[i].share;
        assert_true(i == 0 || rows[i - 1].share >= rows[i].share);
    }
    near(sum, 1);
    assert_int_equal(rows[0].name, 2);
    near(rows[0].share, 500.0 / 980);
    near(rows[0].wasted, 0.4);
    near(rows[0].minutes, 250.0 / 60);
    near(find(rows, n, BOTTLENECK_SLOT, 0)->share, 100.0 / 980);
    near(find(rows, n, BOTTLENECK_LINE, 9)->minutes, 10.0 / 60);
    near(find(rows, n, BOTTLENECK_RETRY, 0)->minutes, 0.5);
    near(find(rows, n, BOTTLENECK_STEP, 4)->minutes, 2.5); /* the slower one counts */
    near(find(rows, n, BOTTLENECK_HUMAN, 0)->minutes, 2);
    near(find(rows, n, BOTTLENECK_ENGINE, 0)->share, 20.0 / 980);
    for (size_t i = 0; i < n; i++) {
        assert_false(rows[i].kind == BOTTLENECK_STEP && rows[i].name == 3);
        near(rows[i].at_once, rows[i].rate * rows[i].minutes / 60);
    }
    assert_int_equal(bottlenecks(runs, 1, 6, (struct wall){0}, rows, BOTTLENECKS_MAX), 0);
    assert_int_equal(
        bottlenecks(runs, 1, 5, (struct wall){START + 1}, rows, BOTTLENECKS_MAX), 0);
    assert_int_equal(bottlenecks(runs, 1, 5, (struct wall){START}, rows, 2), 2);
}

struct history {
    struct words *words;
    struct run_features *runs[2000];
    size_t n;
};

static void keep(void *user, const struct feature_source *source)
{
    struct history *history = user;
    history->runs[history->n++] = features_of(history->words, source);
}

/* L = lambda W holds against what a fleet shows: how many are in a queue, sampled each minute. */
static void littles_law_tells_how_many_wait(void **state)
{
    (void)state;
    AUTO_FREE struct history *history = mem_alloc(sizeof(*history));
    struct fleet *fleet = fleet_new(4, 1u << FLAW_CONCURRENCY);
    struct bottleneck rows[BOTTLENECKS_MAX];
    char text[BOTTLENECK_TEXT_MAX];
    history->words = words_new();
    fleet_run(fleet, 1, 2000, keep, history);
    const struct run_features *const *runs =
        (const struct run_features *const *)history->runs;
    size_t n = bottlenecks(runs, history->n, 0, (struct wall){0}, rows, BOTTLENECKS_MAX);
    const struct bottleneck *slot = find(rows, n, BOTTLENECK_SLOT, 0);
    int64_t first = INT64_MAX, last = 0, sum = 0, n_samples = 0;
    for (size_t i = 0; i < history->n; i++) {
        int64_t from = runs[i]->created_at.ms, to = runs[i]->finished_at.ms;
        first = from < first ? from : first;
        last = to > last ? to : last;
    }
    for (int64_t at = first; at < last; at += 600000, n_samples++) {
        for (size_t i = 0; i < history->n; i++) {
            sum += runs[i]->created_at.ms <= at && runs[i]->started_at.ms > at ? 1 : 0;
        }
    }
    double seen = (double)sum / (double)n_samples;
    assert_true(seen > 0.5);
    assert_true(fabs(slot->at_once / seen - 1) < 0.1);
    assert_non_null(strstr(bottleneck_text(history->words, slot, text), "slot: "));
    for (size_t i = 0; i < history->n; i++) {
        free(history->runs[i]);
    }
    words_free(history->words);
    fleet_free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_cut_into_what_it_waits_for),
        cmocka_unit_test(littles_law_tells_how_many_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
