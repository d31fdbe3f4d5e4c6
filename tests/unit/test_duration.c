/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/predict/duration.h"

struct world {
    struct duration_model *model;
    struct rng rng;
    uint64_t id;
};

static void begin(struct world *world)
{
    *world = (struct world){.model = duration_new()};
    rng_init(&world->rng, 1);
}

static struct duration_answer ask(struct world *world, const char *job, double jobs)
{
    struct failure_context context;
    struct duration_answer answer;
    failure_context_init(&context, ++world->id, (struct wall){1});
    failure_context_text(&context, "job", FAILURE_KIND, job);
    failure_context_number(&context, "jobs", FAILURE_NUMBER, jobs);
    duration_predict(world->model, &context, &answer);
    return answer;
}

/* Ask, and let it take `usual` times e to the power of a uniform error. */
static struct duration_answer run(struct world *world, const char *job, double jobs,
                                  double usual, double error, double *ret_took)
{
    struct duration_answer answer = ask(world, job, jobs);
    *ret_took = usual * exp(error * (2 * rng_unit(&world->rng) - 1));
    assert_true(duration_observe(world->model, world->id, false, *ret_took));
    return answer;
}

static void kinds_take_what_they_take(void **state)
{
    (void)state;
    struct world world;
    double took;
    begin(&world);
    for (int i = 0; i < 60; i++) {
        (void)run(&world, "short", 1, 10, 0.1, &took);
        (void)run(&world, "long", 1, 1000, 0.1, &took);
    }
    double p = ask(&world, "short", 1).p50, q = ask(&world, "long", 1).p50;
    assert_true(p > 9 && p < 11);
    assert_true(q > 900 && q < 1100);
    duration_free(world.model);
}

static void a_number_that_decides_is_found(void **state)
{
    (void)state;
    struct world world;
    double took;
    begin(&world);
    for (int i = 0; i < 200; i++) {
        double jobs = (double)(1 + rng_below(&world.rng, 4));
        (void)run(&world, "build", jobs, 60 * jobs, 0.05, &took);
    }
    assert_true(fabs(ask(&world, "build", 1).p50 / 60 - 1) < 0.1);
    assert_true(fabs(ask(&world, "build", 4).p50 / 240 - 1) < 0.1);
    duration_free(world.model);
}

static void a_new_level_is_followed(void **state)
{
    (void)state;
    struct world world;
    double took;
    begin(&world);
    for (int i = 0; i < 100; i++) {
        (void)run(&world, "build", 1, 100, 0.05, &took);
    }
    for (int i = 0; i < 8; i++) {
        (void)run(&world, "build", 1, 300, 0.05, &took);
    }
    assert_true(fabs(ask(&world, "build", 1).p50 / 300 - 1) < 0.1);
    duration_free(world.model);
}

static void intervals_hold_as_often_as_they_say(void **state)
{
    (void)state;
    struct world world;
    double took, in = 0, below80 = 0, n = 0;
    begin(&world);
    for (int i = 0; i < 2200; i++) {
        struct duration_answer answer =
            run(&world, i % 3 == 0 ? "a" : "b", 1, 100, 0.7, &took);
        if (i >= 200) {
            assert_true(answer.p10 <= answer.p50 && answer.p50 <= answer.p80 &&
                        answer.p80 <= answer.p90);
            in += took >= answer.p10 && took <= answer.p90;
            below80 += took <= answer.p80;
            n++;
        }
    }
    assert_true(in / n > 0.76 && in / n < 0.86);
    assert_true(below80 / n > 0.76 && below80 / n < 0.85);
    duration_free(world.model);
}

static void only_what_ended_well_teaches(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    struct duration_answer answer = ask(&world, "build", 1);
    assert_true(isnan(answer.p50) && isnan(answer.p90) && answer.n == 0);
    assert_true(duration_observe(world.model, world.id, true, 3));
    assert_false(duration_observe(world.model, world.id, false, 3)); /* told already */
    static const double none[] = {0, -1, (double)NAN, (double)INFINITY};
    for (int i = 0; i < 4; i++) {
        (void)ask(&world, "build", 1);
        assert_true(duration_observe(world.model, world.id, false, none[i]));
    }
    assert_true(isnan(ask(&world, "build", 1).p50));
    duration_forget(world.model, world.id);
    assert_false(duration_observe(world.model, world.id, false, 50));
    (void)ask(&world, "build", 1);
    assert_true(duration_observe(world.model, world.id, false, 50));
    answer = ask(&world, "other", 1); /* backs off to all */
    assert_true(fabs(answer.p50 - 50) < 0.01 && answer.n == 1);
    duration_free(world.model);
}

static void a_restored_model_goes_on_exactly(void **state)
{
    (void)state;
    struct world one, two;
    struct err err = ERR_INIT;
    double took;
    begin(&one);
    begin(&two);
    for (int i = 0; i < 300; i++) {
        (void)run(&one, i % 2 ? "a" : "b", i % 3, 100, 0.5, &took);
        (void)run(&two, i % 2 ? "a" : "b", i % 3, 100, 0.5, &took);
        if (i == 150) {
            struct duration_model *copy =
                duration_restore(two.model, duration_bytes(), &err);
            assert_non_null(copy);
            duration_free(two.model);
            two.model = copy;
        }
    }
    assert_memory_equal(one.model, two.model, duration_bytes());
    assert_null(duration_restore(one.model, 7, &err));
    memset(one.model, 0, 4);
    assert_null(duration_restore(one.model, duration_bytes(), &err));
    duration_free(one.model);
    duration_free(two.model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_take_what_they_take),
        cmocka_unit_test(a_number_that_decides_is_found),
        cmocka_unit_test(a_new_level_is_followed),
        cmocka_unit_test(intervals_hold_as_often_as_they_say),
        cmocka_unit_test(only_what_ended_well_teaches),
        cmocka_unit_test(a_restored_model_goes_on_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
