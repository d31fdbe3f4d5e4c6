/* SPDX-License-Identifier: MIT */
/* Store: failures, problems, recoveries, decisions, odds and labels. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#include "engine/base/mem.h"
#include "store/recovery.h"
#include "store/sqlite_private.h"
#include "tests/lib/place.h"

static struct failure_row sample_failure(int64_t id)
{
    return (struct failure_row){
        .id = id,
        .at = {1000 + id},
        .workflow = 12,
        .effect = 3,
        .problem = 2,
        .state = STATE_VALIDATING,
        .step = "unit tests",
        .repo = "payments-api",
        .provider = "local",
        .class_ = CLASS_TEST,
        .category = CATEGORY_WORKFLOW,
        .severity = SEVERITY_MEDIUM,
        .complexity = 2,
        .confidence = 0.875,
        .is_flaky = true,
        .fingerprint = "0123456789abcdef",
        .text = "AssertionError: 3 != 4",
        .rule = "pytest-assert",
        .cause = "step:unit tests",
        .detail = "{\"lines\":[]}",
        .status = FAILURE_OPEN,
        .n_rungs = 1,
        .labelled_by = "ada",
        .was_class = CLASS_FLAKY,
    };
}

static struct problem_row sample_problem(int64_t id)
{
    return (struct problem_row){
        .id = id,
        .cause = "service:github_api",
        .class_ = CLASS_QUOTA,
        .fingerprint = "fedcba9876543210",
        .severity = SEVERITY_HIGH,
        .text = "github_api: rate limit",
        .opened_at = {100},
        .seen_at = {200},
        .n_failures = 40,
        .n_workflows = 38,
        .incident = 4,
        .rung = RUNG_COUNT,
        .detail = "{}",
    };
}

static struct recovery_row sample_recovery(int64_t id, int64_t failure)
{
    return (struct recovery_row){
        .id = id,
        .failure = failure,
        .problem = 2,
        .workflow = 12,
        .decision = 7,
        .service = "github_api",
        .rung = RUNG_HAND_BACK,
        .number = 2,
        .status = RECOVERY_RUNNING,
        .decider = DECIDER_LEARNED,
        .odds = 0.71,
        .odds_low = 0.5,
        .odds_high = (double)NAN,
        .trials = 14.5,
        .reason = "worked 10 of 14 times here",
        .expected = "unit tests pass",
        .inverse = "",
        .outcome = "",
        .asked_at = {10},
        .started_at = {20},
        .window_end = {30},
        .cost_s = 312,
    };
}

static struct decision_row sample_decision(int64_t id, int64_t failure)
{
    return (struct decision_row){
        .id = id,
        .at = {500},
        .kind = DECISION_RECOVERY,
        .workflow = 12,
        .failure = failure,
        .subject = "wf-12",
        .choice = "hand_back",
        .confidence = 0.9,
        .risk = 0.125,
        .decider = DECIDER_RULES,
        .reason = "rules first: a test fails for a reason",
        .alternatives = "[]",
        .context = "{}",
        .shadow = "retry",
        .reward = (double)NAN,
        .outcome = "",
    };
}

static struct odds_row sample_odds(const char *key, const char *rung, double mean)
{
    return (struct odds_row){
        .key = key,
        .rung = rung,
        .alpha = 3.5,
        .beta = 1.5,
        .low = mean - 0.1,
        .mean = mean,
        .high = mean + 0.1,
        .trials = 5,
        .n = 9,
        .n_passed = 6,
        .cost_s = (double)NAN,
        .recent = UINT64_C(0xf00000000000000d),
        .n_recent = 64,
        .updated_at = {77},
        .is_demoted = true,
    };
}

static void must_be_failure(const struct failure_row *seen, const struct failure_row *row)
{
    assert_int_equal(seen->id, row->id);
    assert_int_equal(seen->at.ms, row->at.ms);
    assert_int_equal(seen->workflow, row->workflow);
    assert_int_equal(seen->effect, row->effect);
    assert_int_equal(seen->problem, row->problem);
    assert_int_equal(seen->state, row->state);
    assert_string_equal(seen->step, row->step);
    assert_string_equal(seen->repo, row->repo);
    assert_string_equal(seen->provider, row->provider);
    assert_int_equal(seen->class_, row->class_);
    assert_int_equal(seen->category, row->category);
    assert_int_equal(seen->severity, row->severity);
    assert_int_equal(seen->complexity, row->complexity);
    assert_true(seen->confidence == row->confidence);
    assert_int_equal(seen->is_flaky, row->is_flaky);
    assert_string_equal(seen->fingerprint, row->fingerprint);
    assert_string_equal(seen->text, row->text);
    assert_string_equal(seen->rule, row->rule);
    assert_string_equal(seen->cause, row->cause);
    assert_string_equal(seen->detail, row->detail);
    assert_int_equal(seen->status, row->status);
    assert_int_equal(seen->settled_at.ms, row->settled_at.ms);
    assert_int_equal(seen->n_rungs, row->n_rungs);
    assert_string_equal(seen->labelled_by, row->labelled_by);
    assert_int_equal(seen->was_class, row->was_class);
}

static void test_a_failure_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct failure_row row = sample_failure(0), seen;
    row.id = store_put_failure(store, &row);
    assert_int_equal(row.id, 1); /* at once */
    assert_int_equal(store_load_failure(store, place->arena, 1, &seen, &err), FOUND);
    must_be_failure(&seen, &row); /* from the batch */
    row.status = FAILURE_RECOVERED;
    row.settled_at.ms = 5000;
    assert_int_equal(store_put_failure(store, &row), 1);
    assert_int_equal(store_load_failure(store, place->arena, 1, &seen, &err), FOUND);
    must_be_failure(&seen, &row); /* the newer of two */
    must_commit(store);
    assert_int_equal(store_load_failure(store, place->arena, 1, &seen, &err), FOUND);
    must_be_failure(&seen, &row);
    assert_int_equal(store_load_failure(store, place->arena, 2, &seen, &err), MISSING);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_failure(reader, place->arena, 1, &seen, &err), FOUND);
    must_be_failure(&seen, &row);
    assert_int_equal(reader_failure(reader, place->arena, 2, &seen, &err), MISSING);
    reader_close(reader);
    store_close(store);
}

static void test_a_problem_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct problem_row row = sample_problem(0), seen;
    assert_int_equal(store_put_problem(store, &row), 1);
    assert_int_equal(store_load_problem(store, place->arena, 1, &seen, &err), FOUND);
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_problem(reader, place->arena, 1, &seen, &err), FOUND);
    assert_string_equal(seen.cause, row.cause);
    assert_int_equal(seen.class_, row.class_);
    assert_string_equal(seen.fingerprint, row.fingerprint);
    assert_int_equal(seen.severity, row.severity);
    assert_string_equal(seen.text, row.text);
    assert_int_equal(seen.opened_at.ms, 100);
    assert_int_equal(seen.seen_at.ms, 200);
    assert_false(wall_is_set(seen.closed_at));
    assert_int_equal(seen.n_failures, 40);
    assert_int_equal(seen.n_workflows, 38);
    assert_int_equal(seen.incident, 4);
    assert_int_equal(seen.rung, RUNG_COUNT);
    assert_string_equal(seen.detail, "{}");
    reader_close(reader);
    store_close(store);
}

static void test_a_recovery_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct recovery_row row = sample_recovery(0, 1), seen;
    assert_int_equal(store_put_recovery(store, &row), 1);
    assert_int_equal(store_load_recovery(store, place->arena, 1, &seen, &err), FOUND);
    assert_string_equal(seen.expected, row.expected);
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_recovery(reader, place->arena, 1, &seen, &err), FOUND);
    assert_int_equal(seen.failure, 1);
    assert_int_equal(seen.problem, 2);
    assert_int_equal(seen.workflow, 12);
    assert_int_equal(seen.decision, 7);
    assert_string_equal(seen.service, row.service);
    assert_int_equal(seen.rung, RUNG_HAND_BACK);
    assert_int_equal(seen.number, 2);
    assert_int_equal(seen.status, RECOVERY_RUNNING);
    assert_int_equal(seen.decider, DECIDER_LEARNED);
    assert_true(seen.odds == 0.71 && seen.odds_low == 0.5 && seen.trials == 14.5);
    assert_true(isnan(seen.odds_high)); /* unknown is not zero */
    assert_string_equal(seen.reason, row.reason);
    assert_string_equal(seen.inverse, "");
    assert_string_equal(seen.outcome, "");
    assert_int_equal(seen.asked_at.ms, 10);
    assert_int_equal(seen.started_at.ms, 20);
    assert_int_equal(seen.window_end.ms, 30);
    assert_int_equal(seen.ended_at.ms, 0);
    assert_true(seen.cost_s == 312);
    reader_close(reader);
    store_close(store);
}

static void test_a_decision_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct decision_row row = sample_decision(0, 3), seen;
    assert_int_equal(store_put_decision(store, &row), 1);
    assert_int_equal(store_load_decision(store, place->arena, 1, &seen, &err), FOUND);
    assert_string_equal(seen.context, "{}");
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_decision(reader, place->arena, 1, &seen, &err), FOUND);
    assert_int_equal(seen.at.ms, 500);
    assert_int_equal(seen.kind, DECISION_RECOVERY);
    assert_int_equal(seen.workflow, 12);
    assert_int_equal(seen.failure, 3);
    assert_int_equal(seen.problem, 0);
    assert_string_equal(seen.subject, "wf-12");
    assert_string_equal(seen.choice, "hand_back");
    assert_true(seen.confidence == 0.9 && seen.risk == 0.125);
    assert_int_equal(seen.decider, DECIDER_RULES);
    assert_string_equal(seen.reason, row.reason);
    assert_string_equal(seen.alternatives, "[]");
    assert_string_equal(seen.shadow, "retry");
    assert_int_equal(seen.verdict, VERDICT_OPEN);
    assert_true(isnan(seen.reward));
    assert_string_equal(seen.outcome, "");
    assert_int_equal(seen.settled_at.ms, 0);
    reader_close(reader);
    store_close(store);
}

static void test_odds_are_kept_by_key_and_rung(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    static const struct {
        const char *key, *rung;
        double mean;
    } all[] = {
        {"class:test", "retry",     0.25},
        {"all",        "retry",     0.5 },
        {"class:test", "hand_back", 0.75},
        {"class:auth", "escalate",  0.5 },
        {"class:test", "retry",     0.3 }, /* once more: replaces */
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct odds_row row = sample_odds(all[i].key, all[i].rung, all[i].mean);
        store_put_odds(store, &row);
    }
    must_commit(store);
    struct reader *reader = place_reader(place);
    const struct odds_row *rows;
    size_t n;
    assert_true(reader_odds(reader, place->arena, NULL, &rows, &n, &err));
    assert_int_equal(n, 4);
    assert_string_equal(rows[0].key, "all");
    assert_string_equal(rows[1].key, "class:auth");
    assert_string_equal(rows[2].rung, "hand_back"); /* the best first */
    assert_string_equal(rows[3].rung, "retry");
    assert_true(rows[3].mean == 0.3);
    assert_true(rows[3].alpha == 3.5 && rows[3].beta == 1.5 && rows[3].trials == 5);
    assert_true(isnan(rows[3].cost_s));
    assert_int_equal(rows[3].n, 9);
    assert_int_equal(rows[3].n_passed, 6);
    assert_true(rows[3].recent == UINT64_C(0xf00000000000000d));
    assert_int_equal(rows[3].n_recent, 64);
    assert_int_equal(rows[3].updated_at.ms, 77);
    assert_true(rows[3].is_demoted);
    assert_false(rows[3].is_killed);
    assert_true(reader_odds(reader, place->arena, "class:t", &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_true(reader_odds(reader, place->arena, "all", &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_true(reader_odds(reader, place->arena, "fingerprint:", &rows, &n, &err));
    assert_int_equal(n, 0);
    reader_close(reader);
    store_close(store);
}

static void test_labels(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct label_row row = {.at = {9},
                            .fingerprint = "0123456789abcdef",
                            .class_ = CLASS_INFRA,
                            .author = "ada",
                            .text = "the runner"};
    assert_int_equal(store_put_label(store, &row), 1);
    row.class_ = CLASS_AUTH;
    assert_int_equal(store_put_label(store, &row), 2);
    must_commit(store);
    struct reader *reader = place_reader(place);
    const struct label_row *rows;
    size_t n;
    assert_true(reader_labels(reader, place->arena, 10, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].id, 2);
    assert_int_equal(rows[0].class_, CLASS_AUTH);
    assert_string_equal(rows[1].fingerprint, "0123456789abcdef");
    assert_int_equal(rows[1].at.ms, 9);
    assert_string_equal(rows[1].author, "ada");
    assert_string_equal(rows[1].text, "the runner");
    assert_true(reader_labels(reader, place->arena, 1, &rows, &n, &err));
    assert_int_equal(n, 1);
    reader_close(reader);
    store_close(store);
}

struct seen {
    char text[256];
};

static void see(void *user, const char *what, int64_t id)
{
    struct seen *seen = user;
    size_t len = strlen(seen->text);
    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%s%lld ", what,
                   (long long)id);
}

static void see_failure(void *user, const struct failure_row *row)
{
    see(user, "f", row->id);
}

static void see_problem(void *user, const struct problem_row *row)
{
    see(user, "p", row->id);
}

static void see_recovery(void *user, const struct recovery_row *row)
{
    see(user, "r", row->id);
}

static void see_odds(void *user, const struct odds_row *row)
{
    see(user, row->rung, row->n);
}

static void see_label(void *user, const struct label_row *row)
{
    see(user, "l", row->id);
}

static void see_decision(void *user, const struct decision_row *row)
{
    see(user, "d", row->id);
}

/* After a start the engine learns of what is not settled, and of all that was learned. */
static void test_the_open_is_loaded(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    for (int i = 0; i < FAILURE_STATUS_COUNT; i++) {
        struct failure_row row = sample_failure(0);
        row.status = (enum failure_status)i;
        (void)store_put_failure(store, &row);
    }
    for (int i = 0; i < RECOVERY_STATUS_COUNT; i++) {
        struct recovery_row row = sample_recovery(0, i == RECOVERY_PASSED ? 1 : 2);
        row.status = (enum recovery_status)i;
        (void)store_put_recovery(store, &row);
    }
    struct problem_row problem = sample_problem(0);
    (void)store_put_problem(store, &problem);
    problem.closed_at.ms = 300;
    (void)store_put_problem(store, &problem);
    struct odds_row odds = sample_odds("all", "retry", 0.5);
    store_put_odds(store, &odds);
    (void)store_put_label(store, &(struct label_row){.author = "", .text = ""});
    struct decision_row decision = sample_decision(0, 3);
    decision.verdict = VERDICT_OPEN;
    (void)store_put_decision(store, &decision);
    decision.verdict = VERDICT_GOOD;
    (void)store_put_decision(store, &decision);
    /* r3 is over, but its failure is not; r4 and those after it are done with. */
    struct seen seen = {""};
    struct recovery_sink sink = {&seen,    see_failure, see_problem, see_recovery,
                                 see_odds, see_label,   see_decision};
    assert_true(store_load_recoveries(store, &sink, &err));
    assert_string_equal(seen.text, ""); /* as committed */
    must_commit(store);
    assert_true(store_load_recoveries(store, &sink, &err));
    assert_string_equal(seen.text, "f1 f3 p1 r1 r2 r3 retry9 l1 d1 ");
    store_close(store);
}

static void fill(struct store *store)
{
    for (int64_t id = 1; id <= 4; id++) {
        struct failure_row row = sample_failure(id);
        row.workflow = id <= 2 ? 12 : 13;
        row.problem = id == 4 ? 2 : 0;
        row.class_ = id == 3 ? CLASS_QUOTA : CLASS_TEST;
        row.status = id == 1 ? FAILURE_RECOVERED : FAILURE_OPEN;
        row.text = id == 3 ? "100% used" : "plain";
        row.fingerprint[0] = id == 2 ? 'a' : 'b';
        (void)store_put_failure(store, &row);
        struct recovery_row recovery = sample_recovery(id, id);
        recovery.problem = id == 4 ? 2 : 0;
        recovery.workflow = row.workflow;
        recovery.status = id == 1 ? RECOVERY_PASSED : RECOVERY_ASKED;
        recovery.rung = id == 3 ? RUNG_BREAKER : RUNG_RETRY;
        (void)store_put_recovery(store, &recovery);
        struct decision_row decision = sample_decision(id, id);
        decision.workflow = row.workflow;
        decision.verdict = id == 1 ? VERDICT_GOOD : VERDICT_OPEN;
        (void)store_put_decision(store, &decision);
        struct problem_row problem = sample_problem(id);
        problem.closed_at.ms = id == 1 ? 900 : 0;
        (void)store_put_problem(store, &problem);
    }
}

/* What each query gives of the lists of fill, as digits. */
static void test_lists_are_filtered(void **state)
{
    static const struct {
        struct recovery_query query;
        const char *failures, *problems, *recoveries, *decisions;
    } cases[] = {
        {{.max = 10},                                                                  "4321", "4321", "4321", "4321"},
        {{.max = 2},                                                                   "43",   "43",   "43",   "43"  },
        {{.max = 10, .before_id = 3},                                                  "21",   "21",   "21",   "21"  },
        {{.max = 10, .is_open = true},                                                 "432",  "432",  "432",  "432" },
        {{.max = 10, .workflow = 13},                                                  "43",   "2",    "43",   "43"  },
        {{.max = 10, .failure = 4},                                                    "4",    "2",    "4",    "4"   },
        {{.max = 10, .problem = 2},                                                    "4",    "2",    "4",    ""    },
        {{.max = 10, .fingerprint = "a123456789abcdef"},                               "2",    "",     "2",    "2"   },
        {{.max = 10, .class_ = CLASS_QUOTA + 1},                                       "3",    "4321", "3",    "3"   },
        {{.max = 10, .text = "QUOTA"},                                                 "3",    "4321", "",     ""    },
        {{.max = 10, .text = "100%"},                                                  "3",    "",     "",     ""    },
        {{.max = 10, .text = "breaker"},                                               "",     "",     "3",    ""    },
        {{.max = 10, .text = "hand_back"},                                             "",     "",     "",     "4321"},
        {{.max = 10, .text = ""},                                                      "4321", "4321", "4321", "4321"},
        {{.max = 10, .text = "nothing"},                                               "",     "",     "",     ""    },
        {{.max = 10, .text = "test", .workflow = 12, .is_open = true, .before_id = 9},
         "2",                                                                                  "",
         "2",                                                                                                  "2"   },
    };
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    fill(store);
    must_commit(store);
    struct reader *reader = place_reader(place);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct recovery_query *query = &cases[i].query;
        const struct failure_row *failures;
        const struct problem_row *problems;
        const struct recovery_row *recoveries;
        const struct decision_row *decisions;
        size_t n;
        char got[4][16] = {{0}};
        assert_true(reader_failures(reader, place->arena, query, &failures, &n, &err));
        for (size_t k = 0; k < n; k++) {
            got[0][k] = (char)('0' + failures[k].id);
        }
        assert_true(reader_problems(reader, place->arena, query, &problems, &n, &err));
        for (size_t k = 0; k < n; k++) {
            got[1][k] = (char)('0' + problems[k].id);
        }
        assert_true(
            reader_recoveries(reader, place->arena, query, &recoveries, &n, &err));
        for (size_t k = 0; k < n; k++) {
            got[2][k] = (char)('0' + recoveries[k].id);
        }
        assert_true(reader_decisions(reader, place->arena, query, &decisions, &n, &err));
        for (size_t k = 0; k < n; k++) {
            got[3][k] = (char)('0' + decisions[k].id);
        }
        if (strcmp(got[0], cases[i].failures) != 0 ||
            strcmp(got[1], cases[i].problems) != 0 ||
            strcmp(got[2], cases[i].recoveries) != 0 ||
            strcmp(got[3], cases[i].decisions) != 0) {
            fail_msg("case %zu: %s %s %s %s", i, got[0], got[1], got[2], got[3]);
        }
    }
    reader_close(reader);
    store_close(store);
}

static int64_t number_of(const char *path, const char *sql)
{
    struct err err = ERR_INIT;
    struct database database;
    int64_t n = -1;
    if (!database_open(&database, path, DATABASE_READ, &err) ||
        !database_number(&database, sql, &n, &err)) {
        fail_msg("%s", err.msg);
    }
    database_close(&database);
    return n;
}

static void test_old_rows_go(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    for (int64_t id = 1; id <= 6; id++) {
        struct failure_row failure = sample_failure(0);
        struct recovery_row recovery = sample_recovery(0, id);
        struct problem_row problem = sample_problem(0);
        struct decision_row decision = sample_decision(0, id);
        failure.status = id == 1   ? FAILURE_OPEN
                         : id == 2 ? FAILURE_ESCALATED
                                   : FAILURE_RECOVERED;
        failure.settled_at.ms = id <= 2 ? 0 : id * 1000;
        recovery.status = id == 1 ? RECOVERY_ASKED : RECOVERY_PASSED;
        recovery.ended_at.ms = id == 1 ? 0 : id * 1000;
        problem.closed_at.ms = id == 1 ? 0 : id * 1000;
        decision.at.ms = id * 1000;
        (void)store_put_failure(store, &failure);
        (void)store_put_recovery(store, &recovery);
        (void)store_put_problem(store, &problem);
        (void)store_put_decision(store, &decision);
    }
    must_commit(store);
    struct wall before = {5000};
    assert_int_equal(store_prune_recovery(store, before, 1), 1); /* there is more */
    assert_int_equal(store_prune_recovery(store, before, 1), 0);
    must_commit(store);
    while (store_prune_recovery(store, before, 1) == 1) {
        must_commit(store);
    }
    assert_int_equal(number_of(place->path, "SELECT sum(id) FROM failure"),
                     1 + 2 + 5 + 6);
    assert_int_equal(number_of(place->path, "SELECT sum(id) FROM recovery"), 1 + 5 + 6);
    assert_int_equal(number_of(place->path, "SELECT sum(id) FROM problem"), 1 + 5 + 6);
    assert_int_equal(number_of(place->path, "SELECT sum(id) FROM decision"), 5 + 6);
    /* However old, the newest stays, so that no number comes twice. */
    (void)store_prune_recovery(store, (struct wall){90000}, 100);
    must_commit(store);
    store_close(store);
    store = place_store(place);
    struct failure_row next = sample_failure(0);
    assert_int_equal(store_put_failure(store, &next), 7);
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct recovery_totals totals;
    assert_true(reader_recovery_totals(reader, &totals, &err));
    assert_int_equal(totals.by_status[FAILURE_RECOVERED], 4); /* those that went too */
    assert_int_equal(totals.by_status[FAILURE_OPEN], 2);
    reader_close(reader);
    store_close(store);
}

static void test_tables_are_bounded(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    for (int64_t id = 1; id <= PROBLEMS_KEPT + 3; id++) {
        struct problem_row row = sample_problem(0);
        row.closed_at.ms = id == 2 ? 0 : 1000;
        (void)store_put_problem(store, &row);
    }
    must_commit(store);
    assert_int_equal(store_prune_recovery(store, (struct wall){0}, 10), 2);
    must_commit(store);
    assert_int_equal(number_of(place->path, "SELECT count(*) FROM problem"),
                     PROBLEMS_KEPT + 1);
    assert_int_equal(number_of(place->path, "SELECT min(id) FROM problem"), 2);
    store_close(store);
}

static void test_totals_follow_each_failure(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    fill(store);
    must_commit(store);
    struct failure_row row = sample_failure(2);
    row.status = FAILURE_ESCALATED;
    (void)store_put_failure(store, &row);
    row.status = FAILURE_HELPED; /* twice in one batch */
    row.settled_at.ms = 2000;
    (void)store_put_failure(store, &row);
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct recovery_totals totals;
    assert_true(reader_recovery_totals(reader, &totals, &err));
    assert_int_equal(totals.by_status[FAILURE_OPEN], 2);
    assert_int_equal(totals.by_status[FAILURE_RECOVERED], 1);
    assert_int_equal(totals.by_status[FAILURE_ESCALATED], 0);
    assert_int_equal(totals.by_status[FAILURE_HELPED], 1);
    assert_int_equal(totals.n_problems_open, 3);
    assert_int_equal(totals.n_asked, 3);
    int64_t settled[FAILURE_STATUS_COUNT];
    assert_true(reader_settled_since(reader, (struct wall){2000}, settled, &err));
    assert_int_equal(settled[FAILURE_HELPED], 1);
    assert_int_equal(settled[FAILURE_RECOVERED], 0);
    assert_true(reader_settled_since(reader, (struct wall){2001}, settled, &err));
    assert_int_equal(settled[FAILURE_HELPED], 0);
    reader_close(reader);
    store_close(store);
}

static void test_a_store_of_schema_3_goes_on(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct database old;
    assert_true(database_open(&old, place->path, DATABASE_CREATE, &err));
    assert_true(schema_migrate_to(&old, 3, &err));
    assert_true(database_exec(&old,
                              "INSERT INTO incident VALUES (5, 3, 'c', 't', 1, 2, 0, 1,"
                              " 1, '', '{}', 0, '', '', 0)",
                              &err));
    database_close(&old);
    struct store *store = place_store(place);
    struct incident_row incident;
    assert_int_equal(store_load_incident(store, place->arena, 5, &incident, &err), FOUND);
    struct failure_row row = sample_failure(0);
    assert_int_equal(store_put_failure(store, &row), 1);
    must_commit(store);
    assert_true(store_verify(place->path, &err));
    store_close(store);
}

/* The views for people show words and the ids that people see. */
static void test_views_read_well(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    struct failure_row failure = sample_failure(3);
    struct problem_row problem = sample_problem(2);
    struct recovery_row recovery = sample_recovery(4, 3);
    struct decision_row decision = sample_decision(5, 3);
    struct odds_row odds = sample_odds("all", "retry", 0.5);
    (void)store_put_failure(store, &failure);
    (void)store_put_problem(store, &problem);
    (void)store_put_recovery(store, &recovery);
    (void)store_put_decision(store, &decision);
    (void)store_put_label(
        store, &(struct label_row){.class_ = CLASS_AUTH, .author = "ada", .text = ""});
    store_put_odds(store, &odds);
    must_commit(store);
    static const char *const sql[] = {
        "SELECT count(*) FROM failures WHERE failure = 'f-3' AND status = 'open'"
        " AND workflow = 'wf-12' AND state = 'VALIDATING' AND class = 'test'"
        " AND category = 'workflow_failure' AND severity = 'medium'",
        "SELECT count(*) FROM problems WHERE problem = 'p-2' AND class = 'quota'"
        " AND severity = 'high' AND rung = '' AND closed_at = ''",
        "SELECT count(*) FROM recoveries WHERE recovery = 'r-4' AND failure = 'f-3'"
        " AND rung = 'hand_back' AND status = 'running' AND decider = 'learned'"
        " AND odds_high IS NULL",
        "SELECT count(*) FROM decisions WHERE decision = 'd-5' AND kind = 'recovery'"
        " AND decider = 'rules' AND verdict = 'open' AND reward IS NULL",
        "SELECT count(*) FROM strategies WHERE key = 'all' AND is_demoted = 1",
        "SELECT count(*) FROM labels WHERE class = 'auth' AND author = 'ada'",
    };
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        assert_int_equal(number_of(place->path, sql[i]), 1);
    }
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_a_failure_comes_back_whole),
        PLACE_TEST(test_a_problem_comes_back_whole),
        PLACE_TEST(test_a_recovery_comes_back_whole),
        PLACE_TEST(test_a_decision_comes_back_whole),
        PLACE_TEST(test_odds_are_kept_by_key_and_rung),
        PLACE_TEST(test_labels),
        PLACE_TEST(test_the_open_is_loaded),
        PLACE_TEST(test_lists_are_filtered),
        PLACE_TEST(test_old_rows_go),
        PLACE_TEST(test_tables_are_bounded),
        PLACE_TEST(test_totals_follow_each_failure),
        PLACE_TEST(test_a_store_of_schema_3_goes_on),
        PLACE_TEST(test_views_read_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
