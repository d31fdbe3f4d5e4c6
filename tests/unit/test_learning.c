/* SPDX-License-Identifier: MIT */

/* What the learning engine keeps: features, models, proposals that are not made twice, labels, and
 * all of it over a restart. Whether it finds what is wrong is tests/sim/test_learning.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/learning/feature_size.h"
#include "engine/learning/learning.h"
#include "tests/lib/fleet.h"

#define MS(s) (INT64_C(1790000000000) + (int64_t)(s)*1000)
#define AT(s)                                                                            \
    {                                                                                    \
        MS(s)                                                                            \
    }

/* ---- features ----------------------------------------------------------------------------- */

/* Waits 10 s, plans 20 s, is killed in CODING after 100 s, waits 30 s, codes 90 s, a check fails,
 * passes again, merges. */
static const struct event_row events[] = {
    {.seq = 1,                .at = AT(0),       .kind = "submitted",      .to = STATE_IDLE,                                         .wait = WAIT_SLOT},
    {.seq = 2,                       .at = AT(10),                                 .kind = "start",                       .to = STATE_PLANNING                               },
    {.seq = 3,                       .at = AT(30),                                 .kind = "passed",                       .to = STATE_CODING},
    {.seq = 4,
     .at = AT(130),
     .kind = "deadline",
     .to = STATE_RECOVERING,
     .wait = WAIT_RETRY},
    {.seq = 5,      .at = AT(160),                       .kind = "timer",                                        .to = STATE_CODING                                                                             },
    {.seq = 6,     .at = AT(250),                      .kind = "passed",.to = STATE_PR_CREATED},
    {.seq = 7, .at = AT(252),                  .kind = "passed",                                    .to = STATE_VALIDATING                                                                                                                     },
    {.seq = 8,
     .at = AT(300),
     .kind = "passed",
     .to = STATE_VALIDATING,
     .wait = WAIT_MERGE},
    {.seq = 9,  .at = AT(400),                         .kind = "approve",                                                 .to = STATE_VALIDATING                                                                                                 },
    {.seq = 10,      .at = AT(410),.kind = "passed",.to = STATE_COMPLETED},
};
#define EFFECT(n, k, s, i, a, ask, begin, end, label)                                    \
    {                                                                                    \
        .workflow = 7, .seq = (n), .kind = (k), .status = (s), .name = (label),          \
        .iteration = (i), .attempt = (a), .asked_at = AT(ask), .started_at = AT(begin),  \
        .finished_at = AT(end), .cpu_ms = -1, .peak_rss_kib = 2048, .provider = "local"  \
    }
static const struct effect_row effects[] = {
    EFFECT(1, EFFECT_PLAN, STATUS_PASSED, 1, 1, 10, 10, 30, "plan"),
    EFFECT(2, EFFECT_CODE, STATUS_TIMED_OUT, 1, 1, 30, 35, 130, "agent"),
    EFFECT(3, EFFECT_CODE, STATUS_PASSED, 1, 2, 160, 160, 250, "agent"),
    EFFECT(4, EFFECT_CHECK, STATUS_FAILED, 1, 1, 252, 252, 270, "unit tests"),
    EFFECT(5, EFFECT_CHECK, STATUS_FLAKY, 1, 2, 270, 270, 300, "unit tests"),
    EFFECT(6, EFFECT_MERGE, STATUS_PASSED, 1, 1, 400, 400, 410, "merge"),
};
static const struct failure_row failures[] = {
    {.id = 1,
     .at = AT(130),
     .effect = 2,
     .class_ = CLASS_TIMEOUT,
     .fingerprint = "00000000000000ab"},
};
static const struct workflow_row row = {.id = 7,
                                        .pipeline = "web",
                                        .repo = "/srv/git/web",
                                        .title = "",
                                        .submitter = "ada",
                                        .state = STATE_COMPLETED,
                                        .iteration = 1,
                                        .agent_runs = 2,
                                        .created_at = AT(0),
                                        .started_at = AT(10),
                                        .finished_at = AT(410),
                                        .reason = "",
                                        .service = ""};
static const struct feature_source source = {.workflow = &row,
                                             .events = events,
                                             .n_events = ARRAY_LEN(events),
                                             .effects = effects,
                                             .n_effects = ARRAY_LEN(effects),
                                             .failures = failures,
                                             .n_failures = 1,
                                             .diff_lines = 42};

static void check_features(const struct run_features *run)
{
    assert_int_equal(run->n_visits, 5);
    assert_int_equal(run->visits[1].end, VISIT_DEADLINE);
    assert_true(fabsf(run->visits[1].active - 100) < 0.01f);
    assert_int_equal(run->visits[2].end, VISIT_DONE);
    assert_true(fabsf(run->visits[2].active - 90) < 0.01f);
    assert_true(fabsf(run->visits[4].active - 58) < 0.01f); /* without the approval */
    assert_true(fabsf(run->wait[WAIT_MERGE] - 100) < 0.01f);
    assert_true(fabsf(run->wait[WAIT_SLOT] - 10) < 0.01f);
    assert_int_equal(run->n_steps, 6);
    assert_int_equal(run->steps[1].class_, CLASS_TIMEOUT);
    assert_true(fabsf(run->steps[1].wait - 5) < 0.01f);
    assert_true(fabsf(run->steps[2].pause - 30) < 0.01f);
    assert_true(fabsf(run->steps[4].pause) < 0.01f);
    assert_true(isnan(run->steps[3].pause));
    assert_int_equal(run->fingerprint, 0xab);
    assert_false(run->has_human); /* an approval is no help */
    assert_true(fabs(run_measure(run, RUN_MINUTES) - 410.0 / 60) < 1e-6);
    assert_true(fabs(run_measure(run, RUN_WORK) - 295.0 / 60) < 1e-3);
    assert_true(fabs(run_measure(run, RUN_WASTED) - (95 + 30 + 18) / 60.0) < 1e-3);
    assert_true(fabs(run_measure(run, RUN_LINE) - 5.0 / 60) < 1e-3);
    assert_true(run_measure(run, RUN_COMPLETED) > 0.5);
    assert_true(run_measure(run, RUN_MERGE_FAILURES) < 0.5);
}

static void rows_become_features(void **state)
{
    (void)state;
    struct words *words = words_new();
    struct run_features *run = features_of(words, &source);
    assert_non_null(run);
    check_features(run);
    assert_string_equal(words_name(words, run->steps[3].name), "unit tests");
    struct buf out;
    buf_init(&out, 100000);
    features_save(run, &out);
    assert_true(out.len < 400);
    for (size_t len = 0; len <= out.len; len++) {
        struct blob blob = {(const uint8_t *)out.data, len, false};
        struct run_features *again = features_load(&blob, words_count(words));
        assert_true((again != NULL) == (len == out.len));
        if (again != NULL) {
            check_features(again);
        }
        free(again);
    }
    buf_fini(&out);
    free(run);
    words_free(words);
}

static double size_of_diff(const char *text)
{
    return feature_size_of_diff(text, strlen(text));
}

/* As git says it, and counted: a removed line that reads "-- x" is no name of a file. */
static void a_change_has_a_size(void **state)
{
    (void)state;
    struct effect_row steps[] = {
        {.kind = EFFECT_COMMIT,
         .status = STATUS_PASSED,
         .summary = "1 file changed, 9 insertions(+)"                          },
        {.kind = EFFECT_COMMIT,
         .status = STATUS_PASSED,
         .summary = "3 files changed, 10 insertions(+), 2 deletions(-)"        },
        {.kind = EFFECT_COMMIT, .status = STATUS_FAILED, .summary = "no change"},
        {.kind = EFFECT_CHECK,
         .status = STATUS_PASSED,
         .summary = "1 file changed, 9 insertions(+)"                          },
    };
    assert_true(feature_size_of_steps(steps, 4) > 11.9 &&
                feature_size_of_steps(steps, 4) < 12.1);
    assert_true(feature_size_of_steps(steps, 1) > 8.9 &&
                feature_size_of_steps(steps, 1) < 9.1);
    assert_true(isnan(feature_size_of_steps(steps, 0)));
    steps[0].summary = "committed";
    assert_true(isnan(feature_size_of_steps(steps, 1)));
    steps[0].summary = "2 files changed";
    assert_true(fabs(feature_size_of_steps(steps, 1)) < 0.1);
    static const char diff[] = "diff --git a/q.sql b/q.sql\n--- a/q.sql\n+++ b/q.sql\n"
                               "@@ -1,3 +1,3 @@\n-- x\n-- y\n+++ z\n one\n+two\n"
                               "@@ -9 +9 @@ f\n-a\n+b\n\\ No newline at end of file\n"
                               "diff --git a/b b/b\nBinary files a/b and b/b differ\n";
    assert_true(fabs(size_of_diff(diff) - 6) < 0.1);
    assert_true(fabs(size_of_diff("")) < 0.1);
    assert_true(isnan(size_of_diff("no diff at all")));
    for (size_t len = 5; len < sizeof(diff); len++) {
        assert_true(feature_size_of_diff(diff, len) <= 6);
    }
}

/* How many processes were wanted nobody knows: the limit is doubled, and the interval is wide. */
static bool look_up_processes(void *user, const char *setting, const char *scope,
                              struct setting_now *now)
{
    (void)user;
    (void)snprintf(now->value, sizeof(now->value), "512");
    return strcmp(setting, "limits.processes") == 0 && strcmp(scope, "pipeline:web") == 0;
}

static void a_sandbox_without_processes_gets_more(void **state)
{
    (void)state;
    struct learning *learning = learning_new(1);
    struct pipeline pipeline = {.bounds = {.processes = 512}};
    struct proposal made[4];
    size_t n = 0;
    for (int64_t id = 1; id <= 160; id++) {
        struct workflow_row run = row;
        bool is_killed = id % 4 == 0;
        const struct effect_row tries[] = {
            EFFECT(1, EFFECT_CHECK, is_killed ? STATUS_FAILED : STATUS_PASSED, 1, 1, 20,
                   20, 80, "unit tests"),
            EFFECT(2, EFFECT_CHECK, STATUS_PASSED, 1, 2, 110, 110, 190, "unit tests"),
        };
        const struct failure_row failure = {.id = id,
                                            .at = AT(80),
                                            .effect = 1,
                                            .class_ = CLASS_RESOURCE,
                                            .rule = "too-many-processes",
                                            .fingerprint = "00000000000000ab"};
        run.id = id;
        run.created_at.ms += id * 1000000;
        run.started_at.ms += id * 1000000;
        run.finished_at.ms += id * 1000000;
        const struct feature_source one = {.workflow = &run,
                                           .effects = tries,
                                           .n_effects = is_killed ? 2 : 1,
                                           .failures = &failure,
                                           .n_failures = is_killed ? 1 : 0,
                                           .pipeline = &pipeline,
                                           .diff_lines = 1};
        assert_true(learning_add(learning, &one));
    }
    const struct learning_world world = {.lookup = look_up_processes,
                                         .processors = (double)NAN};
    for (int kind = 0; kind < OPTIMIZATION_KIND_COUNT; kind++) {
        n += learning_propose(learning, &world, (struct wall){MS(170000000)}, made + n,
                              4 - n);
    }
    assert_int_equal(n, 1);
    assert_string_equal(made[0].setting, "limits.processes");
    assert_string_equal(made[0].from, "512");
    assert_string_equal(made[0].to, "1024");
    assert_true(made[0].expected.low < 1.4 * made[0].expected.value);
    assert_true(made[0].expected.high < 0);
    learning_free(learning);
}

static void what_never_began_teaches_nothing(void **state)
{
    (void)state;
    struct words *words = words_new();
    struct workflow_row other = row;
    struct feature_source none = source;
    none.workflow = &other;
    other.started_at.ms = 0;
    assert_null(features_of(words, &none));
    other = row;
    other.state = STATE_CODING;
    assert_null(features_of(words, &none));
    words_free(words);
}

/* ---- models ------------------------------------------------------------------------------- */

static void a_model_forgets_what_was_before_a_change(void **state)
{
    (void)state;
    struct model model, again;
    struct rng rng;
    rng_init(&rng, 1);
    model_init(&model);
    for (int i = 0; i < 120; i++) {
        double value = (i < 60 ? 100 : 200) * (0.9 + 0.2 * rng_unit(&rng));
        model_add(&model, (struct wall)AT(i * 3600), value, i % 4 == 0);
    }
    struct model_view view = model_see(&model);
    assert_true(view.p50 > 190 && view.p50 < 210 && view.p10 > 170);
    assert_true(view.before > 90 && view.before < 110);
    assert_in_range(view.changed_at.ms, MS(58 * 3600), MS(62 * 3600));
    assert_true(view.failed.low < 0.25 && view.failed.high > 0.25);
    assert_true(view.slope_p > 0.01);
    struct buf out;
    buf_init(&out, 100000);
    model_save(&model, &out);
    struct blob blob = {(const uint8_t *)out.data, out.len, false};
    assert_true(model_load(&again, &blob) && blob_is_done(&blob));
    struct model_view same = model_see(&again);
    assert_memory_equal(&same.p50, &view.p50, sizeof(view.p50));
    assert_int_equal(same.n, view.n);
    buf_fini(&out);
}

static void a_model_sees_a_tendency(void **state)
{
    (void)state;
    struct model model;
    model_init(&model);
    for (int i = 0; i < 20; i++) {
        model_add(&model, (struct wall)AT(i * 86400), 100 + 5 * i + (i % 3), false);
    }
    struct model_view view = model_see(&model);
    assert_true(view.slope > 4.5 && view.slope < 5.5 && view.slope_p < 0.001);
}

/* ---- proposals ---------------------------------------------------------------------------- */

struct school {
    struct fleet *fleet;
    struct learning *learning;
    struct wall now;
    size_t n;
    struct proposal made[40];
};

static bool lookup(void *user, const char *setting, const char *scope,
                   struct setting_now *now)
{
    return fleet_get(user, setting, scope, now->value, sizeof(now->value));
}

static void tell(void *user, const struct feature_source *run)
{
    struct school *school = user;
    assert_true(learning_add(school->learning, run));
    assert_false(learning_add(school->learning, run)); /* told twice, learned once */
    school->now = run->workflow->finished_at;
}

static void look(struct school *school)
{
    struct learning_world world = {
        .lookup = lookup, .user = school->fleet, .processors = FLEET_PROCESSORS};
    school->n = 0;
    for (int kind = 0; kind < OPTIMIZATION_KIND_COUNT; kind++) {
        school->n += learning_propose(school->learning, &world, school->now,
                                      school->made + school->n, 40 - school->n);
    }
}

static struct school *school_new(unsigned flaws)
{
    struct school *school = mem_alloc(sizeof(*school));
    school->fleet = fleet_new(2, flaws);
    school->learning = learning_new(1);
    fleet_run(school->fleet, 1, 1500, tell, school);
    return school;
}

static void school_free(struct school *school)
{
    learning_free(school->learning);
    fleet_free(school->fleet);
    free(school);
}

static struct optimization_row row_of(const struct proposal *proposal)
{
    struct optimization_row made = {.kind = proposal->kind,
                                    .setting = proposal->setting,
                                    .scope = proposal->scope,
                                    .from = proposal->from,
                                    .to = proposal->to,
                                    .metric = run_metric_word(proposal->metric),
                                    .expected = proposal->expected.value,
                                    .expected_low = proposal->expected.low,
                                    .expected_high = proposal->expected.high,
                                    .n_evidence = proposal->n_evidence};
    (void)snprintf(made.fingerprint, sizeof(made.fingerprint), "%s",
                   proposal->fingerprint);
    return made;
}

static void nothing_is_proposed_twice(void **state)
{
    (void)state;
    struct school *school = school_new(1u << FLAW_EVALUATOR);
    look(school);
    assert_int_equal(school->n, 1);
    assert_int_equal(school->made[0].kind, OPT_EVALUATOR);
    assert_true((school->made[0].traits & PROPOSAL_JUDGES) != 0);
    struct optimization_row made = row_of(&school->made[0]);
    look(school);
    assert_int_equal(school->n, 0); /* it is open */
    learning_verdict(school->learning, &made, OPT_WITHDRAWN, school->now);
    look(school);
    assert_int_equal(school->n, 0); /* no new evidence */
    fleet_run(school->fleet, 2001, 1500, tell, school);
    look(school);
    assert_int_equal(school->n, 1); /* as much again */
    school_free(school);
}

static void a_rejection_is_a_label(void **state)
{
    (void)state;
    struct school *school = school_new(1u << FLAW_EVALUATOR);
    look(school);
    assert_int_equal(school->n, 1);
    struct optimization_row made = row_of(&school->made[0]);
    assert_true(learning_acceptance(school->learning, OPT_EVALUATOR, made.scope,
                                    school->now) > 0.99);
    for (int i = 0; i < 3; i++) {
        learning_verdict(school->learning, &made, OPT_REJECTED, school->now);
    }
    double here =
        learning_acceptance(school->learning, OPT_EVALUATOR, made.scope, school->now);
    double there = learning_acceptance(school->learning, OPT_EVALUATOR, "pipeline:other",
                                       school->now);
    double other =
        learning_acceptance(school->learning, OPT_ORDER, made.scope, school->now);
    assert_true(here < ACCEPTANCE_LEAST && there > here && there < 0.8 && other > 0.99);
    struct wall later = wall_add(school->now, span_s(90 * 86400));
    assert_true(learning_acceptance(school->learning, OPT_EVALUATOR, made.scope, later) >
                0.7);
    fleet_run(school->fleet, 2001, 1500, tell, school);
    look(school);
    assert_int_equal(school->n, 0); /* new evidence, but nobody wants it */
    school_free(school);
}

/* A check was flaky, and is mended: what it was like does not count any more, although on the
 * whole it fails often enough for a proposal. */
static void what_was_before_a_change_does_not_count(void **state)
{
    (void)state;
    struct school *school = school_new(1u << FLAW_QUARANTINE);
    struct fleet *mended = fleet_new(2, 0);
    fleet_run(mended, 5001, 1200, tell, school);
    look(school);
    assert_int_equal(school->n, 0);
    fleet_free(mended);
    school_free(school);
    school = school_new(1u << FLAW_QUARANTINE);
    look(school);
    assert_int_equal(school->n, 1);
    assert_int_equal(school->made[0].kind, OPT_QUARANTINE);
    school_free(school);
}

/* The author of the pipeline has raised the deadline since: what was killed before is no evidence. */
static void runs_under_another_limit_do_not_count(void **state)
{
    (void)state;
    struct school *school = school_new(1u << FLAW_DEADLINE);
    const char *scope = fleet_flaw_scope(school->fleet, FLAW_DEADLINE);
    char now[32], raised[32];
    assert_true(fleet_get(school->fleet, "limits.coding", scope, now, sizeof(now)));
    (void)snprintf(raised, sizeof(raised), "%lds", strtol(now, NULL, 10) * 6 / 5);
    assert_true(fleet_set(school->fleet, "limits.coding", scope, raised));
    fleet_run(school->fleet, 5001, 120, tell, school);
    look(school);
    assert_int_equal(school->n, 0);
    school_free(school);
}

static void evidence_is_json(void **state)
{
    (void)state;
    struct school *school = school_new((1u << FLAW_COUNT) - 1);
    look(school);
    assert_true(school->n >= 8);
    for (size_t i = 0; i < school->n; i++) {
        struct err err = ERR_INIT;
        const char *text = school->made[i].evidence;
        struct json *json = json_parse(text, strlen(text), &err);
        assert_non_null(json);
        assert_true(json_len(json_get(json, "evidence")) > 0);
        assert_true(json_len(json_get(json, "dry_run")) > 0);
        json_free(json);
    }
    school_free(school);
}

/* Another learner, loaded from what this one saved, says the same. */
static void a_restart_changes_nothing(void **state)
{
    (void)state;
    struct school *school = school_new(1u << FLAW_ORDER | 1u << FLAW_DEADLINE);
    struct buf out, twice;
    buf_init(&out, LEARNING_BLOB_MAX);
    buf_init(&twice, LEARNING_BLOB_MAX);
    assert_true(learning_save(school->learning, &out));
    struct school other = {.fleet = school->fleet,
                           .learning = learning_load(out.data, out.len),
                           .now = school->now};
    assert_non_null(other.learning);
    assert_true(learning_save(other.learning, &twice));
    assert_int_equal(out.len, twice.len);
    assert_memory_equal(out.data, twice.data, out.len);
    look(school);
    look(&other);
    assert_int_equal(school->n, 2);
    assert_int_equal(other.n, school->n);
    for (size_t i = 0; i < other.n; i++) {
        assert_string_equal(other.made[i].title, school->made[i].title);
        /* times are kept to the millisecond */
        assert_true(fabs(other.made[i].expected.low - school->made[i].expected.low) <
                    0.01);
    }
    for (size_t len = 0; len < out.len; len += 1 + out.len / 97) {
        assert_null(learning_load(out.data, len));
    }
    learning_free(other.learning);
    buf_fini(&out);
    buf_fini(&twice);
    school_free(school);
}

static void models_are_listed(void **state)
{
    (void)state;
    struct school *school = school_new(0);
    struct arena *arena = arena_new();
    const struct model_row *rows;
    size_t n = learning_models(school->learning, arena, &rows), n_steps = 0;
    for (size_t i = 0; i < n; i++) {
        n_steps += rows[i].of == MODEL_STEP && strcmp(rows[i].name, "lint") == 0 ? 1 : 0;
        if (rows[i].of == MODEL_STEP && strcmp(rows[i].name, "lint") == 0) {
            assert_true(rows[i].view.p50 > 20 && rows[i].view.p50 < 80);
        }
    }
    assert_int_equal(n_steps, FLEET_PIPELINES);
    arena_free(arena);
    school_free(school);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_features),
        cmocka_unit_test(a_change_has_a_size),
        cmocka_unit_test(a_sandbox_without_processes_gets_more),
        cmocka_unit_test(what_never_began_teaches_nothing),
        cmocka_unit_test(a_model_forgets_what_was_before_a_change),
        cmocka_unit_test(a_model_sees_a_tendency),
        cmocka_unit_test(nothing_is_proposed_twice),
        cmocka_unit_test(a_rejection_is_a_label),
        cmocka_unit_test(what_was_before_a_change_does_not_count),
        cmocka_unit_test(runs_under_another_limit_do_not_count),
        cmocka_unit_test(evidence_is_json),
        cmocka_unit_test(a_restart_changes_nothing),
        cmocka_unit_test(models_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
