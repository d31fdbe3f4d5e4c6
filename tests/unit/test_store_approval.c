/* SPDX-License-Identifier: MIT */
/* Store: approvals, optimizations, tunings and levels of autonomy. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#include "engine/base/mem.h"
#include "store/approval.h"
#include "store/sqlite_private.h"
#include "tests/lib/place.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct approval_row sample_approval(int64_t id)
{
    return (struct approval_row){
        .id = id,
        .action = ACT_MERGE,
        .status = APPROVAL_OPEN,
        .risk = RISK_HIGH,
        .rule = "environment is production",
        .workflow = 12,
        .recovery = 3,
        .optimization = 4,
        .target = "payments-api",
        .repo = "/srv/git/pay",
        .environment = "production",
        .title = "Merge pull request 482",
        .requester = "engine",
        .assignee = "grace",
        .claimed_by = "ada",
        .claimed_until = {7000},
        .created_at = {1000},
        .shown_at = {1100},
        .expires_at = {9000000},
        .on_expiry = EXPIRY_PARK,
        .snoozed_until = {0},
        .decided_at = {0},
        .decided_by = "",
        .reason = "",
        .n_needed = 2,
        .votes = "[{\"by\":\"ada\"}]",
        .effect = "{\"operation\":\"merge\"}",
        .digest = DIGEST,
        .effect_before = "{\"operation\":\"merge\",\"pr\":1}",
        .n_drifts = 1,
        .card = "{\"why\":[\"because\"]}",
    };
}

static struct optimization_row sample_optimization(int64_t id)
{
    return (struct optimization_row){
        .id = id,
        .kind = OPT_DEADLINE,
        .status = OPT_GUARDED,
        .risk = RISK_MEDIUM,
        .setting = "limits.coding",
        .scope = "pipeline:web",
        .from = "60m",
        .to = "85m",
        .title = "Raise the deadline of coding",
        .metric = "completed",
        .expected = 0.041,
        .expected_low = 0.029,
        .expected_high = 0.053,
        .measured = (double)NAN,
        .measured_low = 0.5,
        .measured_high = (double)NAN,
        .confidence = 0.97,
        .n_evidence = 92,
        .approval = 7,
        .reason = "17 of 92 runs hit it",
        .if_wrong = "1.4 slot-hours a day",
        .outcome = "",
        .actor = "ada",
        .evidence = "{\"dry_run\":[]}",
        .guard = "{\"metric\":\"completed\"}",
        .fingerprint = "0123456789abcdef",
        .proposed_at = {100},
        .applied_at = {200},
        .guard_until = {300},
        .settled_at = {0},
    };
}

static void must_be_approval(const struct approval_row *seen,
                             const struct approval_row *row)
{
    assert_int_equal(seen->id, row->id);
    assert_int_equal(seen->action, row->action);
    assert_int_equal(seen->status, row->status);
    assert_int_equal(seen->risk, row->risk);
    assert_string_equal(seen->rule, row->rule);
    assert_int_equal(seen->workflow, row->workflow);
    assert_int_equal(seen->recovery, row->recovery);
    assert_int_equal(seen->optimization, row->optimization);
    assert_string_equal(seen->target, row->target);
    assert_string_equal(seen->repo, row->repo);
    assert_string_equal(seen->environment, row->environment);
    assert_string_equal(seen->title, row->title);
    assert_string_equal(seen->requester, row->requester);
    assert_string_equal(seen->assignee, row->assignee);
    assert_string_equal(seen->claimed_by, row->claimed_by);
    assert_int_equal(seen->claimed_until.ms, row->claimed_until.ms);
    assert_int_equal(seen->created_at.ms, row->created_at.ms);
    assert_int_equal(seen->shown_at.ms, row->shown_at.ms);
    assert_int_equal(seen->expires_at.ms, row->expires_at.ms);
    assert_int_equal(seen->on_expiry, row->on_expiry);
    assert_int_equal(seen->snoozed_until.ms, row->snoozed_until.ms);
    assert_int_equal(seen->decided_at.ms, row->decided_at.ms);
    assert_string_equal(seen->decided_by, row->decided_by);
    assert_string_equal(seen->reason, row->reason);
    assert_int_equal(seen->n_needed, row->n_needed);
    assert_string_equal(seen->votes, row->votes);
    assert_string_equal(seen->effect, row->effect);
    assert_string_equal(seen->digest, row->digest);
    assert_string_equal(seen->effect_before, row->effect_before);
    assert_int_equal(seen->n_drifts, row->n_drifts);
    assert_string_equal(seen->card, row->card);
}

static void test_an_approval_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct approval_row row = sample_approval(0), seen;
    row.id = store_put_approval(store, &row);
    assert_int_equal(row.id, 1); /* at once */
    assert_int_equal(store_load_approval(store, place->arena, 1, &seen, &err), FOUND);
    must_be_approval(&seen, &row); /* from the batch */
    row.status = APPROVAL_APPROVED;
    row.snoozed_until.ms = 8000;
    row.decided_at.ms = 5000;
    row.decided_by = "ada and grace";
    row.reason = "looks right";
    assert_int_equal(store_put_approval(store, &row), 1);
    assert_int_equal(store_load_approval(store, place->arena, 1, &seen, &err), FOUND);
    must_be_approval(&seen, &row); /* the newer of two */
    must_commit(store);
    assert_int_equal(store_load_approval(store, place->arena, 1, &seen, &err), FOUND);
    must_be_approval(&seen, &row);
    assert_int_equal(store_load_approval(store, place->arena, 2, &seen, &err), MISSING);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_approval(reader, place->arena, 1, &seen, &err), FOUND);
    must_be_approval(&seen, &row);
    assert_int_equal(reader_approval(reader, place->arena, 2, &seen, &err), MISSING);
    reader_close(reader);
    store_close(store);
}

static void must_be_optimization(const struct optimization_row *seen,
                                 const struct optimization_row *row)
{
    assert_int_equal(seen->id, row->id);
    assert_int_equal(seen->kind, row->kind);
    assert_int_equal(seen->status, row->status);
    assert_int_equal(seen->risk, row->risk);
    assert_string_equal(seen->setting, row->setting);
    assert_string_equal(seen->scope, row->scope);
    assert_string_equal(seen->from, row->from);
    assert_string_equal(seen->to, row->to);
    assert_string_equal(seen->title, row->title);
    assert_string_equal(seen->metric, row->metric);
    assert_true(seen->expected == row->expected);
    assert_true(seen->expected_low == row->expected_low);
    assert_true(seen->expected_high == row->expected_high);
    assert_true(isnan(seen->measured) && isnan(seen->measured_high)); /* is not zero */
    assert_true(seen->measured_low == row->measured_low);
    assert_true(seen->confidence == row->confidence);
    assert_int_equal(seen->n_evidence, row->n_evidence);
    assert_int_equal(seen->approval, row->approval);
    assert_string_equal(seen->reason, row->reason);
    assert_string_equal(seen->if_wrong, row->if_wrong);
    assert_string_equal(seen->outcome, row->outcome);
    assert_string_equal(seen->actor, row->actor);
    assert_string_equal(seen->evidence, row->evidence);
    assert_string_equal(seen->guard, row->guard);
    assert_string_equal(seen->fingerprint, row->fingerprint);
    assert_int_equal(seen->proposed_at.ms, row->proposed_at.ms);
    assert_int_equal(seen->applied_at.ms, row->applied_at.ms);
    assert_int_equal(seen->guard_until.ms, row->guard_until.ms);
    assert_int_equal(seen->settled_at.ms, row->settled_at.ms);
}

static void test_an_optimization_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct optimization_row row = sample_optimization(0), seen;
    row.id = store_put_optimization(store, &row);
    assert_int_equal(row.id, 1);
    assert_int_equal(store_load_optimization(store, place->arena, 1, &seen, &err), FOUND);
    must_be_optimization(&seen, &row);
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_optimization(reader, place->arena, 1, &seen, &err), FOUND);
    must_be_optimization(&seen, &row);
    assert_int_equal(reader_optimization(reader, place->arena, 9, &seen, &err), MISSING);
    reader_close(reader);
    store_close(store);
}

static void test_tunings_are_kept_by_setting_and_scope(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct tuning_row row = {.setting = "limits.coding",
                             .scope = "pipeline:web",
                             .value = "85m",
                             .was = "60m",
                             .since = {10},
                             .until = {20},
                             .actor = "ada",
                             .reason = "too short",
                             .optimization = 4};
    store_put_tuning(store, &row);
    row.scope = "repo:/srv/git/pay";
    store_put_tuning(store, &row);
    row.value = "90m"; /* once more: replaces */
    store_put_tuning(store, &row);
    must_commit(store);
    struct reader *reader = place_reader(place);
    const struct tuning_row *rows;
    size_t n;
    assert_true(reader_tunings(reader, place->arena, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].setting, "limits.coding");
    assert_string_equal(rows[0].scope, "pipeline:web");
    assert_string_equal(rows[0].value, "85m");
    assert_string_equal(rows[0].was, "60m");
    assert_int_equal(rows[0].since.ms, 10);
    assert_int_equal(rows[0].until.ms, 20);
    assert_string_equal(rows[0].actor, "ada");
    assert_string_equal(rows[0].reason, "too short");
    assert_int_equal(rows[0].optimization, 4);
    assert_string_equal(rows[1].value, "90m");
    store_drop_tuning(store, "limits.coding", "pipeline:web");
    store_drop_tuning(store, "limits.coding", "nowhere");
    must_commit(store);
    assert_true(reader_tunings(reader, place->arena, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].scope, "repo:/srv/git/pay");
    reader_close(reader);
    store_close(store);
}

static void test_levels_are_kept_by_action_and_repo(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct autonomy_row row = {.action = ACT_TUNE,
                               .repo = "",
                               .level = LEVEL_SUGGEST,
                               .since = {10},
                               .until = {20},
                               .actor = "ada",
                               .reason = "release week",
                               .n_done = 3};
    store_put_autonomy(store, &row);
    row.repo = "/srv/git/pay";
    row.level = LEVEL_OBSERVE;
    store_put_autonomy(store, &row);
    row.level = LEVEL_AUTO; /* once more: replaces */
    store_put_autonomy(store, &row);
    must_commit(store);
    struct reader *reader = place_reader(place);
    const struct autonomy_row *rows;
    size_t n;
    assert_true(reader_autonomy(reader, place->arena, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].action, ACT_TUNE);
    assert_string_equal(rows[0].repo, "");
    assert_int_equal(rows[0].level, LEVEL_SUGGEST);
    assert_int_equal(rows[0].since.ms, 10);
    assert_int_equal(rows[0].until.ms, 20);
    assert_string_equal(rows[0].actor, "ada");
    assert_string_equal(rows[0].reason, "release week");
    assert_int_equal(rows[0].n_done, 3);
    assert_int_equal(rows[1].level, LEVEL_AUTO);
    store_drop_autonomy(store, ACT_TUNE, "");
    store_drop_autonomy(store, ACT_SCALE, "/srv/git/pay");
    must_commit(store);
    assert_true(reader_autonomy(reader, place->arena, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].repo, "/srv/git/pay");
    reader_close(reader);
    store_close(store);
}

/* ---- the queue ---- */

#define NOW     1000000
#define MINUTES 60000

static const struct {
    enum approval_status status;
    enum risk risk;
    int64_t created, expires, snoozed;
} queue[] = {
    {APPROVAL_OPEN,      RISK_LOW,      100, 0,                  0      }, /* 1 */
    {APPROVAL_OPEN,      RISK_HIGH,     300, NOW + 60 * MINUTES, 0      }, /* 2 */
    {APPROVAL_DRIFTED,   RISK_HIGH,     200, 0,                  0      }, /* 3 */
    {APPROVAL_OPEN,      RISK_LOW,      500, NOW + 10 * MINUTES, 0      }, /* 4 soon */
    {APPROVAL_OPEN,      RISK_CRITICAL, 900, 0,                  0      }, /* 5 */
    {APPROVAL_SUGGESTED, RISK_CRITICAL, 50,  0,                  0      }, /* 6 */
    {APPROVAL_OPEN,      RISK_CRITICAL, 40,  0,                  NOW + 1}, /* 7 put off */
    {APPROVAL_OPEN,      RISK_MEDIUM,   60,  0,                  NOW    }, /* 8 is back */
    {APPROVAL_APPROVED,  RISK_CRITICAL, 10,  0,                  0      }, /* 9 */
    {APPROVAL_EXPIRED,   RISK_HIGH,     20,  NOW + 1,            0      }, /* 10 */
    {APPROVAL_OPEN,      RISK_MEDIUM,   700, NOW - 1,            0      }, /* 11 soon */
};

static struct store *fill_queue(const struct place *place)
{
    struct store *store = place_store(place);
    for (size_t i = 0; i < ARRAY_LEN(queue); i++) {
        struct approval_row row = sample_approval(0);
        row.status = queue[i].status;
        row.risk = queue[i].risk;
        row.created_at.ms = queue[i].created;
        row.expires_at.ms = queue[i].expires;
        row.snoozed_until.ms = queue[i].snoozed;
        (void)store_put_approval(store, &row);
    }
    must_commit(store);
    return store;
}

static void must_list(const struct place *place, const struct approval_query *query,
                      const char *want)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(place);
    const struct approval_row *rows;
    size_t n, len = 0;
    char seen[128] = "";
    assert_true(reader_approvals(reader, place->arena, query, &rows, &n, &err));
    for (size_t i = 0; i < n; i++) {
        len += (size_t)snprintf(seen + len, sizeof(seen) - len, "%s%lld",
                                i > 0 ? " " : "", (long long)rows[i].id);
    }
    assert_string_equal(seen, want);
    reader_close(reader);
}

static void test_the_queue_is_in_the_order_of_attention(void **state)
{
    struct place *place = *state;
    struct store *store = fill_queue(place);
    struct approval_query query = {.is_open = true, .now = {NOW}, .max = 100};
    must_list(place, &query, "5 11 4 3 2 8 1 6");
    query.has_snoozed = true; /* what is put off calls nobody, however critical */
    must_list(place, &query, "5 11 4 3 2 8 1 7 6");
    query.max = 3;
    must_list(place, &query, "5 11 4");
    query = (struct approval_query){.is_open = true, .now = {NOW + 2}, .max = 100};
    must_list(place, &query, "7 5 11 4 3 2 8 1 6"); /* and is back by itself */
    query = (struct approval_query){.now = {NOW}, .max = 100};
    must_list(place, &query, "11 10 9 8 7 6 5 4 3 2 1"); /* all, newest first */
    query.before_id = 4;
    must_list(place, &query, "3 2 1");
    store_close(store);
}

static void test_what_is_asked_for(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    for (int i = 0; i < 4; i++) {
        struct approval_row row = sample_approval(0);
        row.workflow = i % 2;
        row.recovery = i == 2 ? 9 : 0;
        row.optimization = i == 3 ? 8 : 0;
        row.action = i == 1 ? ACT_PLAN : ACT_MERGE;
        row.risk = (enum risk)i;
        row.title = i == 0 ? "Restart the Bridge" : "x";
        row.target = i == 1 ? "Payments" : "y";
        row.repo = i == 2 ? "/srv/git/orders" : "z";
        row.requester = i == 3 ? "Lin" : "engine";
        (void)store_put_approval(store, &row);
    }
    must_commit(store);
    const struct {
        struct approval_query query;
        const char *want;
    } cases[] = {
        {{.workflow = 1},                     "4 2"    },
        {{.recovery = 9},                     "3"      },
        {{.optimization = 8},                 "4"      },
        {{.action = ACT_PLAN + 1},            "2"      },
        {{.action = ACT_MERGE + 1},           "4 3 1"  },
        {{.risk = RISK_LOW + 1},              "1"      },
        {{.risk = RISK_CRITICAL + 1},         "4"      },
        {{.text = "the bridge"},              "1"      },
        {{.text = "pAYMENTS"},                "2"      },
        {{.text = "orders"},                  "3"      },
        {{.text = "lin"},                     "4"      },
        {{.text = "a-3"},                     "3"      },
        {{.text = ""},                        "4 3 2 1"},
        {{.text = "engine", .workflow = 1},   "2"      },
        {{.text = "%"},                       ""       },
        {{.workflow = 7},                     ""       },
        {{.is_open = true, .text = "orders"}, "3"      },
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct approval_query query = cases[i].query;
        query.max = 50;
        must_list(place, &query, cases[i].want);
    }
    store_close(store);
}

static void test_totals(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = fill_queue(place);
    for (int i = 0; i < OPT_STATUS_COUNT; i++) {
        struct optimization_row row = sample_optimization(0);
        row.status = (enum optimization_status)i;
        (void)store_put_optimization(store, &row);
    }
    struct optimization_row kept = sample_optimization(0);
    kept.status = OPT_KEPT;
    (void)store_put_optimization(store, &kept);
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct approval_totals totals;
    assert_true(reader_approval_totals(reader, (struct wall){NOW}, &totals, &err));
    assert_int_equal(totals.n_open[RISK_LOW], 2);
    assert_int_equal(totals.n_open[RISK_MEDIUM], 2);
    assert_int_equal(totals.n_open[RISK_HIGH], 2);
    assert_int_equal(totals.n_open[RISK_CRITICAL], 1);
    assert_int_equal(totals.n_snoozed, 1);
    assert_int_equal(totals.n_suggested, 1);
    assert_int_equal(totals.next_expiry.ms, NOW - 1);
    for (int i = 0; i < OPT_STATUS_COUNT; i++) {
        assert_int_equal(totals.n_optimizations[i], i == OPT_KEPT ? 2 : 1);
    }
    assert_true(reader_approval_totals(reader, (struct wall){NOW + 2}, &totals, &err));
    assert_int_equal(totals.n_open[RISK_CRITICAL], 2);
    assert_int_equal(totals.n_snoozed, 0);
    reader_close(reader);
    store_close(store);
}

static void test_totals_of_nothing(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct reader *reader = place_reader(place);
    struct approval_totals totals;
    memset(&totals, 1, sizeof(totals));
    assert_true(reader_approval_totals(reader, (struct wall){NOW}, &totals, &err));
    static const struct approval_totals none;
    assert_memory_equal(&totals, &none, sizeof(none));
    reader_close(reader);
    store_close(store);
}

static void test_optimizations_are_listed(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    for (int i = 0; i < OPT_STATUS_COUNT; i++) {
        struct optimization_row row = sample_optimization(0);
        row.status = (enum optimization_status)i;
        row.scope = i == 2 ? "service:github_api" : "pipeline:web";
        (void)store_put_optimization(store, &row);
    }
    must_commit(store);
    struct reader *reader = place_reader(place);
    const struct optimization_row *rows;
    size_t n;
    struct approval_query query = {.max = 100};
    assert_true(reader_optimizations(reader, place->arena, &query, &rows, &n, &err));
    assert_int_equal(n, OPT_STATUS_COUNT);
    assert_int_equal(rows[0].id, OPT_STATUS_COUNT); /* newest first */
    query.is_open = true;
    assert_true(reader_optimizations(reader, place->arena, &query, &rows, &n, &err));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_false(optimization_is_settled(rows[i].status));
    }
    query = (struct approval_query){.max = 100, .text = "GitHub"};
    assert_true(reader_optimizations(reader, place->arena, &query, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id, 3);
    query = (struct approval_query){.max = 100, .optimization = 5};
    assert_true(reader_optimizations(reader, place->arena, &query, &rows, &n, &err));
    assert_int_equal(n, 1);
    query = (struct approval_query){.max = 100, .workflow = 5};
    assert_true(reader_optimizations(reader, place->arena, &query, &rows, &n, &err));
    assert_int_equal(n, 0);
    reader_close(reader);
    store_close(store);
}

/* ---- at the start ---- */

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

static void see_approval(void *user, const struct approval_row *row)
{
    see(user, "a", row->id);
}

static void see_optimization(void *user, const struct optimization_row *row)
{
    see(user, "o", row->id);
}

static void see_tuning(void *user, const struct tuning_row *row)
{
    see(user, row->setting, row->optimization);
}

static void see_autonomy(void *user, const struct autonomy_row *row)
{
    see(user, act_word(row->action), row->n_done);
}

static void test_what_is_not_settled_is_loaded(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    for (int i = 0; i < APPROVAL_STATUS_COUNT; i++) {
        struct approval_row row = sample_approval(0);
        row.status = (enum approval_status)i;
        (void)store_put_approval(store, &row);
    }
    for (int i = 0; i < OPT_STATUS_COUNT; i++) {
        struct optimization_row row = sample_optimization(0);
        row.status = (enum optimization_status)i;
        (void)store_put_optimization(store, &row);
    }
    struct tuning_row tuning = {"limits.coding", "", "1h", "", {1}, {0}, "ada", "", 5};
    store_put_tuning(store, &tuning);
    struct autonomy_row level = {ACT_MERGE, "", LEVEL_APPROVE, {1}, {0}, "ada", "", 6};
    store_put_autonomy(store, &level);
    must_commit(store);
    struct seen seen = {""};
    const struct approval_sink sink = {&seen, see_approval, see_optimization, see_tuning,
                                       see_autonomy};
    assert_true(store_load_approvals(store, &sink, &err));
    assert_string_equal(seen.text, "a1 a2 a3 o1 o2 o5 limits.coding5 merge6 ");
    const struct approval_sink nobody = {0};
    assert_true(store_load_approvals(store, &nobody, &err));
    store_close(store);
    /* numbers are never given twice */
    store = place_store(place);
    struct approval_row row = sample_approval(0);
    assert_int_equal(store_put_approval(store, &row), APPROVAL_STATUS_COUNT + 1);
    struct optimization_row optimization = sample_optimization(0);
    assert_int_equal(store_put_optimization(store, &optimization), OPT_STATUS_COUNT + 1);
    row.id = 40;
    assert_int_equal(store_put_approval(store, &row), 40);
    row.id = 0;
    assert_int_equal(store_put_approval(store, &row), 41);
    store_close(store);
}

/* ---- pruning ---- */

static int64_t count(const struct place *place, const char *sql)
{
    struct err err = ERR_INIT;
    struct reader *reader = place_reader(place);
    int64_t n = -1;
    assert_true(database_number(&reader->database, sql, &n, &err));
    reader_close(reader);
    return n;
}

static void test_the_old_is_pruned(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    for (int i = 0; i < 10; i++) {
        struct approval_row row = sample_approval(0);
        row.status = i < 3 ? (enum approval_status)i : APPROVAL_REJECTED; /* 3 wait */
        row.decided_at.ms = i < 3 ? 0 : 1000 + i;
        (void)store_put_approval(store, &row);
        struct optimization_row optimization = sample_optimization(0);
        optimization.status = i == 0   ? OPT_PROPOSED
                              : i == 1 ? OPT_GUARDED
                              : i == 2 ? OPT_INCONCLUSIVE
                                       : OPT_KEPT;
        optimization.settled_at.ms = i < 3 ? 0 : 1000 + i;
        (void)store_put_optimization(store, &optimization);
    }
    /* That of number 5 is in force: it can still be taken back. */
    struct tuning_row tuning = {"limits.coding", "", "1h", "", {1}, {0}, "ada", "", 5};
    store_put_tuning(store, &tuning);
    must_commit(store);
    const struct wall before = {1008};
    assert_int_equal(store_prune_approvals(store, before, 2), 2); /* there is more */
    assert_int_equal(store_prune_approvals(store, before, 2), 0); /* once a batch */
    must_commit(store);
    while (store_prune_approvals(store, before, 2) == 2) {
        must_commit(store);
    }
    must_commit(store);
    assert_int_equal(count(place, "SELECT count(*) FROM approval"),
                     5); /* 3 and 2 young */
    assert_int_equal(count(place, "SELECT count(*) FROM approval WHERE status < 3"), 3);
    assert_int_equal(count(place, "SELECT count(*) FROM optimization"), 6);
    assert_int_equal(count(place, "SELECT count(*) FROM optimization WHERE id = 5"), 1);
    (void)store_prune_approvals(store, (struct wall){90000}, 100);
    must_commit(store);
    assert_int_equal(count(place, "SELECT max(id) FROM approval"), 10); /* the newest */
    assert_int_equal(count(place, "SELECT count(*) FROM approval"), 4);
    assert_int_equal(count(place, "SELECT count(*) FROM tuning"), 1);
    store_close(store);
}

static void test_there_is_a_bound(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    struct approval_row row = sample_approval(1);
    row.status = APPROVAL_APPROVED;
    row.decided_at.ms = 500000;
    (void)store_put_approval(store, &row);
    row.id = 2;
    (void)store_put_approval(store, &row);
    row.id = APPROVALS_KEPT + 1;
    (void)store_put_approval(store, &row);
    must_commit(store);
    assert_int_equal(store_prune_approvals(store, (struct wall){0}, 10), 1);
    must_commit(store);
    assert_int_equal(count(place, "SELECT min(id) FROM approval"), 2);
    store_close(store);
}

/* ---- words, views, plans ---- */

static void test_words(void **state)
{
    (void)state;
    enum act act;
    enum autonomy_level level;
    enum risk risk;
    enum optimization_kind kind;
    for (unsigned i = 0; i < ACT_COUNT; i++) {
        assert_true(act_find(act_word((enum act)i), &act));
        assert_int_equal(act, i);
        assert_true(act_help((enum act)i)[0] != '\0');
        assert_true((unsigned)act_level((enum act)i) < AUTONOMY_LEVEL_COUNT);
    }
    for (unsigned i = 0; i < AUTONOMY_LEVEL_COUNT; i++) {
        assert_true(level_find(level_word((enum autonomy_level)i), &level));
        assert_int_equal(level, i);
    }
    for (unsigned i = 0; i < RISK_COUNT; i++) {
        assert_true(risk_find(risk_word((enum risk)i), &risk));
        assert_int_equal(risk, i);
        assert_true(risk_confirmation((enum risk)i)[0] != '\0');
    }
    for (unsigned i = 0; i < OPTIMIZATION_KIND_COUNT; i++) {
        assert_true(
            optimization_find(optimization_word((enum optimization_kind)i), &kind));
        assert_int_equal(kind, i);
        assert_true(optimization_help((enum optimization_kind)i)[0] != '\0');
    }
    assert_false(act_find("?", &act));
    assert_false(level_find("", &level));
    assert_false(risk_find("LOW", &risk));
    assert_false(optimization_find("nothing", &kind));
    /* a newer program's numbers */
    assert_string_equal(act_word(ACT_COUNT), "?");
    assert_int_equal(act_level(ACT_COUNT), LEVEL_APPROVE);
    assert_string_equal(level_word(AUTONOMY_LEVEL_COUNT), "?");
    assert_string_equal(risk_word(RISK_COUNT), "?");
    assert_string_equal(approval_status_word(APPROVAL_STATUS_COUNT), "?");
    assert_string_equal(expiry_word(EXPIRY_COUNT), "?");
    assert_string_equal(optimization_word(OPTIMIZATION_KIND_COUNT), "?");
    assert_string_equal(optimization_status_word(OPT_STATUS_COUNT), "?");
    assert_false(approval_waits(APPROVAL_STATUS_COUNT));
    assert_true(approval_waits(APPROVAL_DRIFTED));
    assert_false(approval_waits(APPROVAL_APPROVED));
    assert_string_equal(approval_status_word(APPROVAL_DRIFTED), "drifted");
    assert_string_equal(expiry_word(EXPIRY_PARK), "parks");
    assert_string_equal(optimization_status_word(OPT_TAKEN_BACK), "taken-back");
    assert_true(optimization_is_settled(OPT_KEPT));
    assert_false(optimization_is_settled(OPT_INCONCLUSIVE));
}

static void test_the_views_say_words(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    struct approval_row row = sample_approval(0);
    (void)store_put_approval(store, &row);
    struct optimization_row optimization = sample_optimization(0);
    (void)store_put_optimization(store, &optimization);
    struct tuning_row tuning = {"limits.coding", "", "1h", "", {1}, {0}, "ada", "", 5};
    store_put_tuning(store, &tuning);
    struct autonomy_row level = {ACT_MERGE, "", LEVEL_APPROVE, {1}, {0}, "ada", "", 6};
    store_put_autonomy(store, &level);
    must_commit(store);
    assert_int_equal(count(place, "SELECT count(*) FROM approvals WHERE approval = 'a-1'"
                                  " AND status = 'open' AND action = 'merge' AND risk ="
                                  " 'high' AND on_expiry = 'parks' AND workflow = 'wf-12'"
                                  " AND recovery = 'r-3' AND optimization = 'o-4'"),
                     1);
    assert_int_equal(count(place, "SELECT count(*) FROM optimizations WHERE status ="
                                  " 'guarded' AND kind = 'deadline' AND risk = 'medium'"
                                  " AND approval = 'a-7' AND settled_at = ''"),
                     1);
    assert_int_equal(count(place,
                           "SELECT count(*) FROM tunings WHERE optimization = 'o-5'"
                           " AND until = ''"),
                     1);
    assert_int_equal(count(place, "SELECT count(*) FROM autonomy WHERE action = 'merge'"
                                  " AND level = 'approve'"),
                     1);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_an_approval_comes_back_whole),
        PLACE_TEST(test_an_optimization_comes_back_whole),
        PLACE_TEST(test_tunings_are_kept_by_setting_and_scope),
        PLACE_TEST(test_levels_are_kept_by_action_and_repo),
        PLACE_TEST(test_the_queue_is_in_the_order_of_attention),
        PLACE_TEST(test_what_is_asked_for),
        PLACE_TEST(test_totals),
        PLACE_TEST(test_totals_of_nothing),
        PLACE_TEST(test_optimizations_are_listed),
        PLACE_TEST(test_what_is_not_settled_is_loaded),
        PLACE_TEST(test_the_old_is_pruned),
        PLACE_TEST(test_there_is_a_bound),
        cmocka_unit_test(test_words),
        PLACE_TEST(test_the_views_say_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
