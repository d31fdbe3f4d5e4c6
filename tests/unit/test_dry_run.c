/* SPDX-License-Identifier: MIT */

/* Dry runs: by hand, where each minute is known; and on a fleet with planted flaws, where they must
 * say what the proposals for them say. */

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
#include "engine/learning/dry_run.h"
#include "engine/learning/optimize.h"
#include "tests/lib/fleet.h"

#define START     INT64_C(1790000000000)
#define HAND_RUNS 12
#define FLEET_MAX 2000
#define NONE      ((float)NAN)

/* ---- by hand ------------------------------------------------------------------------------- */

struct hand {
    struct words *words;
    struct run_features runs[HAND_RUNS];
    struct run_visit visits[HAND_RUNS];
    struct run_step steps[HAND_RUNS][2];
    const struct run_features *list[HAND_RUNS];
};

/* Pipeline web, checks slow (600 s) and quick (60 s); coding took i + 1 minutes of 20. */
static void make(struct hand *hand)
{
    *hand = (struct hand){.words = words_new()};
    uint16_t web = words_put(hand->words, "web"), slow = words_put(hand->words, "slow");
    uint16_t quick = words_put(hand->words, "quick");
    for (int i = 0; i < HAND_RUNS; i++) {
        hand->visits[i] = (struct run_visit){
            .state = STATE_CODING, .end = VISIT_DONE, .active = (float)(60 * (i + 1))};
        hand->steps[i][0] = (struct run_step){.name = slow,
                                              .kind = EFFECT_CHECK,
                                              .status = STATUS_PASSED,
                                              .class_ = CLASS_COUNT,
                                              .iteration = 1,
                                              .run = 600,
                                              .pause = NONE,
                                              .cpu = NONE,
                                              .memory = 100};
        hand->steps[i][1] = hand->steps[i][0];
        hand->steps[i][1].name = quick;
        hand->steps[i][1].position = 1;
        hand->steps[i][1].run = 60;
        hand->runs[i] =
            (struct run_features){.workflow = i + 1,
                                  .created_at = {START + i * 60000},
                                  .started_at = {START + i * 60000},
                                  .finished_at = {START + i * 60000 + 1500000},
                                  .pipeline = web,
                                  .state = STATE_COMPLETED,
                                  .iterations = 1,
                                  .coding = 1200,
                                  .parallel = 1,
                                  .n_checks = 2,
                                  .n_steps = 2,
                                  .n_visits = 1,
                                  .steps = hand->steps[i],
                                  .visits = &hand->visits[i]};
        hand->list[i] = &hand->runs[i];
    }
}

static struct dry_run_ask ask_of(enum optimization_kind kind, const char *setting,
                                 const char *from, const char *to)
{
    return (struct dry_run_ask){.kind = kind,
                                .setting = setting,
                                .scope = "pipeline:web",
                                .from = from,
                                .to = to,
                                .processors = (double)NAN};
}

static struct dry_run replay(const struct hand *hand, const struct dry_run_ask *ask)
{
    struct dry_run dry;
    dry_run(ask, hand->list, HAND_RUNS, hand->words, &dry);
    return dry;
}

static void near(double a, double b)
{
    if (!(fabs(a - b) < 1e-3)) {
        fail_msg("%.9g is not %.9g", a, b);
    }
}

/* 10 minutes: those of 11 and 12 would have been killed, and ten minutes lost with each. */
static void a_lower_deadline_counts_what_it_would_have_killed(void **state)
{
    struct hand hand;
    char lines[DRY_RUN_LINES_MAX][DRY_RUN_TEXT];
    (void)state;
    make(&hand);
    struct dry_run_ask ask = ask_of(OPT_DEADLINE, "limits.coding", "20m", "10m");
    struct dry_run dry = replay(&hand, &ask);
    assert_string_equal(dry.why, "");
    assert_int_equal(dry.n_runs, HAND_RUNS);
    assert_int_equal(dry.n_worse, 2);
    assert_int_equal(dry.n_better, 0);
    near(dry.change.value, 2 * 10.0 / HAND_RUNS);
    assert_int_equal(dry.n_cases, 2);
    size_t n = dry_run_tell(&dry, &ask, lines);
    assert_int_equal(n, 7);
    assert_string_equal(lines[5], "2 that ended by themselves would have been killed");
    assert_non_null(strstr(lines[6], "wf-1"));
    words_free(hand.words);
}

/* Hung at 20 minutes: each would have been known ten minutes sooner. */
static void what_hung_is_known_sooner(void **state)
{
    struct hand hand;
    (void)state;
    make(&hand);
    for (int i = 0; i < 3; i++) {
        hand.visits[i].end = VISIT_DEADLINE;
        hand.visits[i].active = 1200;
    }
    struct dry_run_ask ask = ask_of(OPT_DEADLINE, "limits.coding", "20m", "15m");
    struct dry_run dry = replay(&hand, &ask);
    assert_int_equal(dry.n_better, 3);
    near(dry.change.value, -3 * 5.0 / HAND_RUNS);
    ask.to = "30m"; /* some would have ended, the rest would hang longer */
    dry = replay(&hand, &ask);
    assert_string_equal(dry.why, "");
    assert_int_equal(dry.n_better + dry.n_worse, 3);
    words_free(hand.words);
}

/* The quick check fails: ten minutes of the slow one for nothing, each time. */
static void an_order_is_replayed_where_a_check_failed(void **state)
{
    struct hand hand;
    (void)state;
    make(&hand);
    for (int i = 0; i < 4; i++) {
        hand.steps[i][1].status = STATUS_FAILED;
    }
    struct dry_run_ask ask =
        ask_of(OPT_ORDER, "checks.order", "[\"slow\",\"quick\"]", "[\"quick\",\"slow\"]");
    struct dry_run dry = replay(&hand, &ask);
    assert_string_equal(dry.why, "");
    assert_int_equal(dry.n_better, 4);
    near(dry.change.value, -4 * 10.0 / HAND_RUNS);
    words_free(hand.words);
}

static void checks_side_by_side_take_as_long_as_the_longest(void **state)
{
    struct hand hand;
    (void)state;
    make(&hand);
    struct dry_run_ask ask = ask_of(OPT_PARALLEL, "limits.parallel", "1", "2");
    struct dry_run dry = replay(&hand, &ask);
    assert_string_equal(dry.why, "");
    near(dry.change.value, -1);
    ask = ask_of(OPT_PARALLEL, "limits.parallel", "2", "1"); /* and back */
    dry = replay(&hand, &ask);
    near(dry.change.value, 1);
    words_free(hand.words);
}

/* One a minute, 25 minutes each: the same work with ten slots, then with many. */
static void slots_let_the_same_work_arrive_again(void **state)
{
    struct hand hand;
    (void)state;
    make(&hand);
    struct dry_run_ask ask = ask_of(OPT_CONCURRENCY, "max_running", "10", "20");
    ask.scope = "";
    struct dry_run dry = replay(&hand, &ask);
    assert_string_equal(dry.why, "");
    /* with ten, the eleventh and twelfth wait 25 - 10 minutes */
    near(dry.change.value, -2 * 15.0 / HAND_RUNS);
    assert_int_equal(dry.n_better, 2);
    words_free(hand.words);
}

/* Three failures, then good again: a breaker that opens at two spares the third. */
static void a_breaker_is_replayed_call_by_call(void **state)
{
    struct hand hand;
    (void)state;
    make(&hand);
    uint16_t service = words_put(hand.words, "forge");
    for (int i = 0; i < HAND_RUNS; i++) {
        hand.steps[i][0].provider = service;
        hand.steps[i][0].run = 10;
        bool is_bad = i < 3;
        hand.steps[i][0].status = is_bad ? STATUS_FAILED : STATUS_PASSED;
        hand.steps[i][0].class_ = is_bad ? CLASS_NETWORK : CLASS_COUNT;
    }
    struct dry_run_ask ask = ask_of(OPT_BREAKER, "breaker.failures", "5", "2");
    ask.scope = "service:forge";
    struct dry_run dry = replay(&hand, &ask);
    assert_string_equal(dry.why, "");
    /* open for 30 s from the end of the second: the third comes later, nothing is held */
    assert_int_equal(dry.n_better + dry.n_worse, 0);
    hand.runs[2].created_at = hand.runs[1].created_at;
    hand.steps[2][0].at = 20;
    dry = replay(&hand, &ask);
    assert_int_equal(dry.n_better, 1);
    near(dry.change.value, -10.0 / 60 / HAND_RUNS);
    words_free(hand.words);
}

static void what_cannot_be_told_says_why(void **state)
{
    static const struct {
        enum optimization_kind kind;
        const char *setting, *scope, *from, *to;
    } asks[] = {
        {OPT_DEADLINE,            "limits.coding",        "pipeline:other", "20m",   "10m" },
        {OPT_SCALE,               "scale/runners",        "",               "",      "up"  },
        {OPT_RETRIES,             "checks/no.retries",    "pipeline:web",   "2",     "1"   },
        {OPT_RETRIES,             "checks/slow.retries",  "pipeline:web",   "1",     "2"   },
        {OPT_AGENT,               "agent.provider",       "pipeline:web",   "a",     "b"   },
        {OPT_EVALUATOR,           "evaluator.use",        "pipeline:web",   "false", "true"},
        {OPT_MERGE_WINDOW,        "merge.window",         "pipeline:web",   "",      ""    },
        {OPT_LIMITS,              "limits.processes",     "pipeline:web",   "10",    "20"  },
        {OPT_DEADLINE,            "limits.coding",        "pipeline:web",   "x",     ""    },
        {OPT_BACKOFF,             "recovery.backoff",     "",               "30s",   "5s"  },
        {OPT_QUARANTINE,          "checks/no.quarantine", "pipeline:web",   "",
         "2027-01-01T00:00:00Z"                                                            },
        {OPTIMIZATION_KIND_COUNT, "limits.coding",        "pipeline:web",   "20m",   "10m" },
    };
    struct hand hand;
    char lines[DRY_RUN_LINES_MAX][DRY_RUN_TEXT];
    (void)state;
    make(&hand);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        struct dry_run_ask ask =
            ask_of(asks[i].kind, asks[i].setting, asks[i].from, asks[i].to);
        ask.scope = asks[i].scope;
        struct dry_run dry = replay(&hand, &ask);
        if (dry.why[0] == '\0') {
            fail_msg("%s: %s to %s was replayed", ask.setting, ask.from, ask.to);
        }
        assert_int_equal(dry_run_tell(&dry, &ask, lines), 1);
        assert_non_null(strstr(lines[0], "cannot be replayed"));
    }
    struct dry_run_ask early = ask_of(OPT_DEADLINE, "limits.coding", "20m", "10m");
    early.until.ms = START + 150000; /* applied then: what came later had the new one */
    assert_int_equal(replay(&hand, &early).n_runs, 3);
    words_free(hand.words);
}

/* ---- on a fleet ---------------------------------------------------------------------------- */

struct history {
    struct words *words;
    struct run_features *runs[FLEET_MAX];
    size_t n;
};

static void keep(void *user, const struct feature_source *source)
{
    struct history *history = user;
    history->runs[history->n++] = features_of(history->words, source);
}

static bool lookup(void *user, const char *setting, const char *scope,
                   struct setting_now *now)
{
    now->least = now->most = (double)NAN;
    return fleet_get(user, setting, scope, now->value, sizeof(now->value));
}

/* The proposals of the kind, and dry runs of the same changes on the same workflows. Returns how
 * many there were. */
static size_t compare(uint64_t seed, enum fleet_flaw flaw, enum optimization_kind kind)
{
    struct history *history = mem_alloc(sizeof(*history));
    struct fleet *fleet = fleet_new(seed, 1u << flaw);
    struct proposal *made = mem_array(8, sizeof(*made));
    struct rng rng;
    history->words = words_new();
    fleet_run(fleet, 1, FLEET_MAX, keep, history);
    const struct optimize_input input = {
        .words = history->words,
        .runs = (const struct run_features *const *)history->runs,
        .n_runs = history->n,
        .lookup = lookup,
        .user = fleet,
        .processors = FLEET_PROCESSORS,
        .now = history->runs[history->n - 1]->finished_at};
    rng_init(&rng, seed);
    size_t n = optimize_kind(&input, kind, &rng, made, 8);
    for (size_t i = 0; i < n; i++) {
        const struct dry_run_ask ask = {.kind = kind,
                                        .setting = made[i].setting,
                                        .scope = made[i].scope,
                                        .from = made[i].from,
                                        .to = made[i].to,
                                        .processors = FLEET_PROCESSORS};
        struct dry_run dry;
        dry_run(&ask, input.runs, input.n_runs, input.words, &dry);
        double ratio = dry.change.value / made[i].expected.value;
        if (dry.why[0] != '\0' || dry.metric != made[i].metric || dry.n_better == 0 ||
            !(ratio > 0.4 && ratio < 2.5)) {
            fail_msg("%s %s: %g expected, the dry run says %g; %s", ask.setting,
                     ask.scope, made[i].expected.value, dry.change.value, dry.why);
        }
    }
    for (size_t i = 0; i < history->n; i++) {
        free(history->runs[i]);
    }
    words_free(history->words);
    free(history);
    free(made);
    fleet_free(fleet);
    return n;
}

static void it_says_what_the_proposals_say(void **state)
{
    static const enum optimization_kind kinds[] = {
#define X(id, kind, help) [id] = kind,
        FLAW_LIST(X)
#undef X
    };
    int n = 0;
    (void)state;
    for (int flaw = 0; flaw < FLAW_COUNT; flaw++) {
        n += compare(1, (enum fleet_flaw)flaw, kinds[flaw]) > 0 ? 1 : 0;
    }
    assert_true(n >= 9); /* of twelve: a flaw may need more workflows */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lower_deadline_counts_what_it_would_have_killed),
        cmocka_unit_test(what_hung_is_known_sooner),
        cmocka_unit_test(an_order_is_replayed_where_a_check_failed),
        cmocka_unit_test(checks_side_by_side_take_as_long_as_the_longest),
        cmocka_unit_test(slots_let_the_same_work_arrive_again),
        cmocka_unit_test(a_breaker_is_replayed_call_by_call),
        cmocka_unit_test(what_cannot_be_told_says_why),
        cmocka_unit_test(it_says_what_the_proposals_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
