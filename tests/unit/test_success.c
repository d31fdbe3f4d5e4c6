/* SPDX-License-Identifier: MIT */

/* What distinguishes runs that pass: found where it is, and not where it is not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/learning/success.h"

#define N     1200
#define START INT64_C(1790000000000)

/* Runs whose chance to pass is up to `chance`. */
struct sample {
    struct run_features all[N];
    const struct run_features *runs[N];
};

static void make(struct sample *sample, uint64_t seed,
                 double chance(const struct run_features *))
{
    struct rng rng;
    rng_init(&rng, seed);
    for (size_t i = 0; i < N; i++) {
        struct run_features *run = &sample->all[i];
        *run = (struct run_features){
            .created_at = {START + (int64_t)i * 1000000},
            .started_at = {START + (int64_t)i * 1000000},
            .finished_at = {START + (int64_t)i * 1000000 + 60000},
            .pipeline = (uint16_t)(1 + rng_below(&rng, 3)),
            .repo = (uint16_t)(10 + rng_below(&rng, 4)),
            .agent = (uint16_t)(20 + rng_below(&rng, 2)),
            .priority = (uint8_t)(4 + rng_below(&rng, 3)),
            .iterations = 1,
            .diff_lines = (float)(1 + rng_below(&rng, 400)),
        };
        bool passes = rng_unit(&rng) < chance(run);
        run->state = passes ? STATE_COMPLETED : STATE_FAILED;
        sample->runs[i] = run;
    }
}

static double same_for_all(const struct run_features *run)
{
    (void)run;
    return 0.8;
}

static double worse_with_agent_21(const struct run_features *run)
{
    return run->agent == 21 ? 0.65 : 0.85;
}

/* Only large changes of repository 12. */
static double worse_for_a_pair(const struct run_features *run)
{
    return run->repo == 12 && run->diff_lines > 300 ? 0.3 : 0.85;
}

static void one_factor_is_found(void **state)
{
    (void)state;
    AUTO_FREE struct sample *sample = mem_alloc(sizeof(*sample));
    struct success_row rows[20];
    make(sample, 1, worse_with_agent_21);
    size_t n = success_find(sample->runs, N, SUCCESS_COMPLETED, rows, 20);
    assert_in_range(n, 2, 3); /* this agent, and the other */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rows[i].n_factors, 1);
        assert_int_equal(rows[i].is[0].factor, FACTOR_AGENT);
        assert_true(rows[i].p < 1e-6);
        bool is_worse = rows[i].is[0].value == 21;
        assert_true(is_worse ? rows[i].lift < 0.95 : rows[i].lift > 1.05);
        assert_true(rows[i].share.low <= (is_worse ? 0.68 : 0.88));
        assert_true(rows[i].share.high >= (is_worse ? 0.62 : 0.82));
    }
}

static void a_pair_is_found(void **state)
{
    (void)state;
    AUTO_FREE struct sample *sample = mem_alloc(sizeof(*sample));
    struct success_row rows[20];
    bool is_found = false;
    make(sample, 2, worse_for_a_pair);
    size_t n = success_find(sample->runs, N, SUCCESS_COMPLETED, rows, 20);
    for (size_t i = 0; i < n; i++) {
        bool is_pair = rows[i].n_factors == 2 && rows[i].is[0].factor == FACTOR_REPO &&
                       rows[i].is[0].value == 12 && rows[i].is[1].factor == FACTOR_SIZE &&
                       rows[i].is[1].value == 3;
        is_found = is_found || (is_pair && rows[i].lift < 0.6);
    }
    assert_true(is_found);
}

/* 30 samples in which nothing matters: hardly any of the thousands that were tried is told. */
static void nothing_is_found_where_nothing_is(void **state)
{
    (void)state;
    AUTO_FREE struct sample *sample = mem_alloc(sizeof(*sample));
    struct success_row rows[20];
    int n_wrong = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        make(sample, seed, same_for_all);
        n_wrong += success_find(sample->runs, N, SUCCESS_COMPLETED, rows, 20) > 0 ? 1 : 0;
    }
    assert_in_range(n_wrong, 0, 3);
}

static void it_says_so_in_words(void **state)
{
    (void)state;
    struct words *words = words_new();
    char text[SUCCESS_TEXT_MAX];
    struct success_row row = {
        .n_factors = 2,
        .is = {{FACTOR_AGENT, words_put(words, "codegen_eu")}, {FACTOR_SIZE, 3}},
        .n = 132,
        .share = { 0.61,                                          0.54,             0.68},
        .others = 0.83
    };
    assert_string_equal(
        success_text(words, &row, text),
        "agent codegen_eu, largest quarter of changes: 61 % of 132 (54 to "
        "68), 83 % of the others");
    words_free(words);
}

static void few_runs_say_nothing(void **state)
{
    (void)state;
    AUTO_FREE struct sample *sample = mem_alloc(sizeof(*sample));
    struct success_row rows[4];
    make(sample, 1, worse_with_agent_21);
    assert_int_equal(success_find(sample->runs, 30, SUCCESS_COMPLETED, rows, 4), 0);
    assert_int_equal(success_find(sample->runs, 0, SUCCESS_COMPLETED, rows, 4), 0);
    assert_int_equal(success_find(sample->runs, N, SUCCESS_MERGE, rows, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_factor_is_found),
        cmocka_unit_test(a_pair_is_found),
        cmocka_unit_test(nothing_is_found_where_nothing_is),
        cmocka_unit_test(it_says_so_in_words),
        cmocka_unit_test(few_runs_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
