/* SPDX-License-Identifier: MIT */
/* Checks side by side are proposed where they gain something: on a machine that is idle meanwhile,
 * for checks that run on it, with the figures that say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/optimize.h"

#define BEGIN      INT64_C(1767225600000)
#define RUNS       120
#define CHECKS     3
#define CHECK_S    600
#define PROCESSORS 4

struct fixture {
    struct words *words;
    struct run_features runs[2 * RUNS];
    struct run_step steps[2 * RUNS][CHECKS];
    const struct run_features *list[2 * RUNS];
    size_t n;
    const char *now; /* limits.parallel */
};

static bool look_up(void *user, const char *setting, const char *scope,
                    struct setting_now *ret_now)
{
    const struct fixture *f = user;
    if (strcmp(setting, "limits.parallel") != 0 || strcmp(scope, "pipeline:web") != 0) {
        return false;
    }
    *ret_now = (struct setting_now){.least = 1, .most = 16};
    (void)snprintf(ret_now->value, sizeof(ret_now->value), "%s", f->now);
    return true;
}

static struct run_features *add(struct fixture *f, const char *pipeline, int i)
{
    struct run_features *run = &f->runs[f->n];
    *run = (struct run_features){
        .workflow = (int64_t)f->n + 1,
        .created_at = {BEGIN + (int64_t)i * 3600000},
        .started_at = {BEGIN + (int64_t)i * 3600000},
        .finished_at = {BEGIN + (int64_t)i * 3600000 + INT64_C(1800000)},
        .repo = words_put(f->words, "repo"),
        .pipeline = words_put(f->words, pipeline),
        .state = STATE_COMPLETED,
        .iterations = 1,
        .parallel = 1,
        .n_checks = CHECKS,
        .steps = f->steps[f->n],
    };
    run->state_s[STATE_VALIDATING] = CHECKS * CHECK_S;
    f->list[f->n++] = run;
    return run;
}

static struct run_step *add_step(struct fixture *f, struct run_features *run,
                                 const char *name, double at, double took, double busy)
{
    static const char *const names[] = {"unit", "lint", "docs"};
    size_t i = run->n_steps++;
    run->steps[i] = (struct run_step){
        .name = words_put(f->words, name != NULL ? name : names[i]),
        .provider = words_put(f->words, "local"),
        .kind = name != NULL ? EFFECT_CODE : EFFECT_CHECK,
        .status = STATUS_PASSED,
        .position = (uint8_t)i,
        .iteration = 1,
        .attempt = 1,
        .class_ = CLASS_COUNT,
        .at = (float)at,
        .run = (float)took,
        .pause = (float)NAN,
        .cpu = (float)(busy * took),
        .memory = (float)NAN,
    };
    return &run->steps[i];
}

/* An hour each: three checks one after the other, each on one processor. others: processors that
 * an agent of another pipeline keeps busy all the time. */
static void record(struct fixture *f, double others, const char *provider)
{
    *f = (struct fixture){.words = words_new(), .now = "1"};
    for (int i = 0; i < RUNS; i++) {
        struct run_features *run = add(f, "web", i);
        for (int k = 0; k < CHECKS; k++) {
            double took = CHECK_S + (i * 7 + k * 11) % 60;
            add_step(f, run, NULL, k * (CHECK_S + 60), took, 1)->provider =
                words_put(f->words, provider);
        }
        if (others > 0) {
            (void)add_step(f, add(f, "api", i), "agent", 0, CHECKS * (CHECK_S + 60),
                           others);
        }
    }
}

static size_t propose(struct fixture *f, struct proposal *ret_proposal)
{
    struct rng rng;
    rng_init(&rng, 1);
    struct proposal *out = mem_array(8, sizeof(*out));
    const struct optimize_input input = {.words = f->words,
                                         .runs = f->list,
                                         .n_runs = f->n,
                                         .lookup = look_up,
                                         .user = f,
                                         .processors = PROCESSORS,
                                         .now = {BEGIN + INT64_C(200) * 3600000},
                                         .open_since = {BEGIN + INT64_C(200) * 3600000}};
    size_t n = optimize_kind(&input, OPT_PARALLEL, &rng, out, 8);
    *ret_proposal = out[0];
    free(out);
    words_free(f->words);
    return n;
}

static void idle_processors_are_used(void **state)
{
    (void)state;
    struct fixture *f = mem_alloc(sizeof(*f));
    struct proposal proposal;
    record(f, 0, "local");
    assert_int_equal(propose(f, &proposal), 1);
    assert_string_equal(proposal.setting, "limits.parallel");
    assert_string_equal(proposal.scope, "pipeline:web");
    assert_string_equal(proposal.from, "1");
    assert_string_equal(proposal.to, "3");
    assert_int_equal(proposal.metric, RUN_VALIDATION);
    /* thirty minutes become about ten; not less than none */
    assert_true(proposal.expected.low < proposal.expected.value &&
                proposal.expected.value < proposal.expected.high);
    assert_true(proposal.expected.low > -30 && proposal.expected.high < -5);
    assert_non_null(strstr(proposal.evidence, "of 4 processors 3.0 are idle meanwhile"));
    assert_non_null(strstr(proposal.evidence, "unit takes 10."));
    free(f);
}

static void busy_processors_are_not(void **state)
{
    (void)state;
    struct fixture *f = mem_alloc(sizeof(*f));
    struct proposal proposal;
    record(f, 3.5, "local");
    assert_int_equal(propose(f, &proposal), 0);
    record(f, 1, "local"); /* a little is left: fewer at once, or less gained */
    assert_int_equal(propose(f, &proposal), 1);
    assert_non_null(strstr(proposal.evidence, "2.0 are idle meanwhile"));
    record(f, 40, "local"); /* more than one machine has: that one says nothing */
    assert_int_equal(propose(f, &proposal), 1);
    assert_null(strstr(proposal.evidence, "idle meanwhile"));
    free(f);
}

static void what_runs_elsewhere_is_left_alone(void **state)
{
    (void)state;
    struct fixture *f = mem_alloc(sizeof(*f));
    struct proposal proposal;
    record(f, 0, "grainchain");
    assert_int_equal(propose(f, &proposal), 0);
    record(f, 0, "local");
    f->now = "2"; /* somebody has chosen already */
    assert_int_equal(propose(f, &proposal), 0);
    free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_processors_are_used),
        cmocka_unit_test(busy_processors_are_not),
        cmocka_unit_test(what_runs_elsewhere_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
