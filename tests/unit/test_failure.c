/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/predict/failure.h"
#include "engine/predict/scorecard.h"

#define MINUTE  INT64_C(60000)
#define PENDING 512

/* A stream of runs with a known chance of failure. */
struct world {
    struct failure_model *model;
    struct rng rng;
    int64_t now_ms;
    uint64_t id;
    struct scorecard card;
};

static void begin(struct world *world, uint64_t seed)
{
    *world = (struct world){
        .model = failure_new(),
        .now_ms = INT64_C(1700000000000),
    };
    rng_init(&world->rng, seed);
}

static void end(struct world *world)
{
    failure_free(world->model);
}

static void start(struct world *world, const char *job, const char *branch,
                  struct failure_answer *ret)
{
    struct failure_context context;
    world->now_ms += 7 * MINUTE;
    failure_context_init(&context, ++world->id, (struct wall){world->now_ms});
    failure_context_text(&context, "job", FAILURE_KIND, job);
    failure_context_text(&context, "branch", FAILURE_LINE, branch);
    failure_predict(world->model, &context, ret);
    assert_true(ret->p > 0 && ret->p < 1);
}

static bool tell(struct world *world, uint64_t id, bool has_failed)
{
    return failure_observe(world->model, id, has_failed, (struct wall){world->now_ms});
}

/* What is said of a run that then fails with that chance. */
static double run(struct world *world, const char *job, const char *branch, double chance)
{
    struct failure_answer answer;
    start(world, job, branch, &answer);
    bool has_failed = rng_unit(&world->rng) < chance;
    assert_true(tell(world, world->id, has_failed));
    scorecard_add(&world->card, answer.p, has_failed);
    return answer.p;
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    struct world world;
    double bad = 0, good = 0;
    begin(&world, 1);
    for (int i = 0; i < 400; i++) {
        double p = run(&world, "bad", "main", 0.8), q = run(&world, "good", "main", 0.05);
        bad += i >= 300 ? p / 100 : 0;
        good += i >= 300 ? q / 100 : 0;
    }
    assert_true(bad > 0.65 && bad < 0.92);
    assert_true(good > 0.01 && good < 0.15);
    assert_true(scorecard_all(&world.card).skill > 0.4);
    assert_true(scorecard_is_trusted(&world.card));
    end(&world);
}

static void what_is_random_is_not_outguessed(void **state)
{
    (void)state;
    struct world world;
    begin(&world, 2);
    for (int i = 0; i < 2000; i++) {
        if (i == 500) {
            world.card = (struct scorecard){0}; /* it may take that long to see it */
        }
        (void)run(&world, "any", "main", 0.3);
    }
    struct scorecard_skill skill = scorecard_all(&world.card);
    assert_true(skill.skill > -0.03);
    assert_true(skill.ece < 0.08);
    end(&world);
}

static void a_line_that_broke_stays_broken(void **state)
{
    (void)state;
    struct world world;
    struct failure_answer broken, fresh;
    begin(&world, 3);
    for (int i = 0; i < 60; i++) {
        char branch[32];
        (void)snprintf(branch, sizeof(branch), "topic-%d", i);
        bool is_broken = i % 2 == 0;
        for (int j = 0; j < 4; j++) {
            (void)run(&world, "build", branch, is_broken ? 0.97 : 0.03);
        }
    }
    for (int i = 0; i < 2; i++) {
        (void)run(&world, "build", "mine", 1);
        (void)run(&world, "build", "yours", 0);
    }
    start(&world, "build", "mine", &broken);
    start(&world, "build", "yours", &fresh);
    assert_true(broken.p > fresh.p + 0.3);
    end(&world);
}

/* Fed with chance 0.9 when the load is high. */
static double with_load(struct world *world, double load)
{
    struct failure_context context;
    struct failure_answer answer;
    world->now_ms += MINUTE;
    failure_context_init(&context, ++world->id, (struct wall){world->now_ms});
    failure_context_number(&context, "load", FAILURE_NUMBER, load);
    failure_predict(world->model, &context, &answer);
    (void)tell(world, world->id, rng_unit(&world->rng) < (load > 50 ? 0.9 : 0.1));
    return answer.p;
}

static void a_number_that_matters_is_found(void **state)
{
    (void)state;
    struct world world;
    double high = 0, low = 0;
    begin(&world, 4);
    for (int i = 0; i < 1200; i++) {
        bool is_high = rng_below(&world.rng, 2) == 0;
        double p = with_load(&world, is_high ? 80 : 10);
        *(is_high ? &high : &low) += i >= 1000 ? p / 100 : 0;
    }
    assert_true(high > low + 0.4);
    end(&world);
}

static void base_and_n_count_outcomes(void **state)
{
    (void)state;
    struct world world;
    struct failure_answer answer;
    begin(&world, 5);
    start(&world, "a", "b", &answer);
    assert_true(isnan(answer.base));
    assert_int_equal(answer.n, 0);
    assert_true(tell(&world, world.id, true));
    start(&world, "a", "b", &answer);
    assert_true(tell(&world, world.id, false));
    start(&world, "a", "b", &answer);
    assert_int_equal(answer.n, 2);
    assert_true(fabs(answer.base - 0.5) < 1e-9);
    end(&world);
}

static void outcomes_belong_to_runs(void **state)
{
    (void)state;
    struct world world;
    struct failure_answer answer;
    begin(&world, 6);
    assert_false(tell(&world, 99, true)); /* never predicted */
    start(&world, "a", "b", &answer);
    assert_true(tell(&world, world.id, true));
    assert_false(tell(&world, world.id, true)); /* told already */
    start(&world, "a", "b", &answer);
    failure_forget(world.model, world.id);
    assert_false(tell(&world, world.id, true));
    uint64_t first = world.id + 1;
    for (int i = 0; i < PENDING + 1; i++) {
        start(&world, "a", "b", &answer);
    }
    assert_false(tell(&world, first, true)); /* displaced */
    for (uint64_t id = first + PENDING; id > first; id--) {
        assert_true(tell(&world, id, false)); /* in any order */
    }
    start(&world, "a", "b", &answer);
    assert_int_equal(answer.n, PENDING + 1);
    end(&world);
}

static void reasons_are_sorted_and_said(void **state)
{
    (void)state;
    struct world world;
    struct failure_answer answer;
    begin(&world, 7);
    for (int i = 0; i < 200; i++) {
        (void)run(&world, i % 2 == 0 ? "bad" : "good", "main", i % 2 == 0 ? 0.9 : 0.1);
    }
    start(&world, "bad", "main", &answer);
    assert_int_equal(answer.n_reasons, FAILURE_REASONS_MAX);
    for (size_t i = 0; i < answer.n_reasons; i++) {
        assert_true(answer.reasons[i].text[0] != '\0');
        assert_true(i == 0 ||
                    fabs(answer.reasons[i].weight) <= fabs(answer.reasons[i - 1].weight));
    }
    end(&world);
}

/* The same seed, the same bytes; stored and taken up again in the middle, too. */
static void a_restored_model_goes_on_exactly(void **state)
{
    (void)state;
    struct world one, two;
    struct err err = ERR_INIT;
    begin(&one, 8);
    begin(&two, 8);
    for (int i = 0; i < 900; i++) {
        const char *job = i % 3 == 0 ? "a" : "b", *branch = i % 5 == 0 ? "main" : "topic";
        double p = run(&one, job, branch, 0.4), q = run(&two, job, branch, 0.4);
        assert_true(p <= q && p >= q);
        if (i % 250 == 100) {
            struct failure_answer answer;
            start(&one, "a", "open", &answer); /* under way while it is stored */
            start(&two, "a", "open", &answer);
            struct failure_model *copy =
                failure_restore(two.model, failure_bytes(), &err);
            assert_non_null(copy);
            failure_free(two.model);
            two.model = copy;
            assert_true(tell(&one, one.id, true));
            assert_true(tell(&two, two.id, true));
        }
    }
    assert_memory_equal(one.model, two.model, failure_bytes());
    end(&one);
    end(&two);
}

static void foreign_bytes_are_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct failure_model *model = failure_new();
    assert_null(failure_restore(model, failure_bytes() - 1, &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    memset((char *)model + 8, 0x7F, failure_bytes() - 8); /* head as it should be */
    assert_null(failure_restore(model, failure_bytes(), &err));
    memset(model, 0x7F, 4);
    err = ERR_INIT;
    assert_null(failure_restore(model, failure_bytes(), &err));
    assert_int_equal(err.code, ERR_CORRUPT);
    failure_free(model);
}

static void strange_values_do_no_harm(void **state)
{
    (void)state;
    static const double numbers[] = {0, -1, 1e300, -1e300, 1e-300, 12.5};
    struct world world;
    struct failure_answer answer;
    begin(&world, 9);
    for (int i = 0; i < 600; i++) {
        struct failure_context context;
        char name[40];
        int64_t at = i % 7 == 0 ? 0 : i % 11 == 0 ? INT64_C(4000000000000) : world.now_ms;
        failure_context_init(&context, ++world.id, (struct wall){at});
        for (int j = 0; j < FAILURE_FIELDS_MAX + 5; j++) {
            (void)snprintf(name, sizeof(name), "number-%d", j);
            failure_context_number(&context, name, j % 2 ? FAILURE_SIZE : FAILURE_NUMBER,
                                   numbers[(i + j) % 6]);
        }
        assert_int_equal(context.n_fields, FAILURE_FIELDS_MAX);
        failure_predict(world.model, &context, &answer);
        assert_true(answer.p > 0 && answer.p < 1);
        assert_true(tell(&world, world.id, i % 3 == 0));
    }
    end(&world);
}

static void fields_have_the_roles_of_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        int role; /* -1: left out */
    } rows[] = {
        {"branch",    "12345678",    FAILURE_LINE  },
        {"run",       "17471820441", FAILURE_GROUP },
        {"job",       "macOS 14",    FAILURE_KIND  },
        {"src_churn", "12",          FAILURE_SIZE  },
        {"queue_s",   "5",           FAILURE_NUMBER},
        {"language",  "c",           FAILURE_KIND  },
        {"version",   "1e5",         FAILURE_KIND  },
        {"load",      "-0.25",       FAILURE_NUMBER},
        {"branch",    "",            -1            },
        {"queue_s",   "",            -1            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct failure_context context;
        failure_context_init(&context, 1, (struct wall){0});
        failure_context_field(&context, rows[i].name, rows[i].text);
        assert_int_equal(context.n_fields, rows[i].role < 0 ? 0 : 1);
        if (rows[i].role >= 0) {
            assert_int_equal(context.fields[0].role, rows[i].role);
            assert_int_equal(context.fields[0].text == NULL,
                             rows[i].role == FAILURE_SIZE ||
                                 rows[i].role == FAILURE_NUMBER);
        }
    }
    struct failure_context context;
    failure_context_init(&context, 1, (struct wall){0});
    failure_context_number(&context, "x", FAILURE_NUMBER, (double)NAN);
    failure_context_text(&context, "x", FAILURE_KIND, NULL);
    assert_int_equal(context.n_fields, 0);
    failure_context_field(&context, "load", "-0.25");
    assert_true(fabs(context.fields[0].number + 0.25) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(what_is_random_is_not_outguessed),
        cmocka_unit_test(a_line_that_broke_stays_broken),
        cmocka_unit_test(a_number_that_matters_is_found),
        cmocka_unit_test(base_and_n_count_outcomes),
        cmocka_unit_test(outcomes_belong_to_runs),
        cmocka_unit_test(reasons_are_sorted_and_said),
        cmocka_unit_test(a_restored_model_goes_on_exactly),
        cmocka_unit_test(foreign_bytes_are_refused),
        cmocka_unit_test(strange_values_do_no_harm),
        cmocka_unit_test(fields_have_the_roles_of_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
