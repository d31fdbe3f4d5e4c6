/* SPDX-License-Identifier: MIT */
/* Store: services, webhook deliveries, and stores that were written before there were any. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "store/sqlite_private.h"
#include "tests/lib/place.h"

static struct delivery_row sample_delivery(const char *guid, int64_t at)
{
    static const char body[] = "{\"zen\":\"\\u0000\0 kept raw\"}";
    return (struct delivery_row){
        .at = {at},
        .guid = guid,
        .event = "pull_request",
        .action = "opened",
        .repository = "acme/payments",
        .pull = 7,
        .sha = "C0FFEE00",
        .workflow = 12,
        .status = DELIVERY_ACCEPTED,
        .text = "opened #7",
        .body = body,
        .body_len = sizeof(body) - 1,
    };
}

static int64_t total(struct reader *reader, enum delivery_status status)
{
    struct err err = ERR_INIT;
    struct totals totals;
    if (!reader_totals(reader, &totals, &err)) {
        fail_msg("%s", err.msg);
    }
    return totals.by_delivery[status];
}

static size_t count(struct reader *reader, struct arena *arena,
                    struct delivery_query query, int64_t *ret_newest)
{
    struct err err = ERR_INIT;
    const struct delivery_row *rows = NULL;
    size_t n = 0;
    query.max = query.max > 0 ? query.max : 100;
    if (!reader_deliveries(reader, arena, &query, &rows, &n, &err)) {
        fail_msg("%s", err.msg);
    }
    if (ret_newest != NULL) {
        *ret_newest = n > 0 ? rows[0].seq : 0;
    }
    return n;
}

static void test_a_delivery_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct delivery_row row = sample_delivery("g-1", 100), seen;
    bool is_new = false;
    store_add_delivery(store, &row, &is_new);
    must_commit(store);
    assert_true(is_new);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_delivery(reader, place->arena, 1, &seen, &err), FOUND);
    assert_int_equal(seen.seq, 1);
    assert_int_equal(seen.at.ms, 100);
    assert_string_equal(seen.guid, row.guid);
    assert_string_equal(seen.event, row.event);
    assert_string_equal(seen.action, row.action);
    assert_string_equal(seen.repository, row.repository);
    assert_string_equal(seen.sha, row.sha);
    assert_string_equal(seen.text, row.text);
    assert_int_equal(seen.pull, 7);
    assert_int_equal(seen.workflow, 12);
    assert_int_equal(seen.status, DELIVERY_ACCEPTED);
    assert_int_equal(seen.repeats, 0);
    assert_int_equal(seen.body_len, row.body_len);
    assert_memory_equal(seen.body, row.body, row.body_len);
    assert_int_equal(reader_delivery(reader, place->arena, 2, &seen, &err), MISSING);

    /* Without a body, its length is known all the same. */
    row = sample_delivery("g-2", 200);
    row.body = NULL;
    row.body_len = 26000000;
    store_add_delivery(store, &row, NULL);
    must_commit(store);
    assert_int_equal(reader_delivery(reader, place->arena, 2, &seen, &err), FOUND);
    assert_null(seen.body);
    assert_int_equal(seen.body_len, 26000000);
    reader_close(reader);
    store_close(store);
}

static void test_the_same_guid_counts_once(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct delivery_row row = sample_delivery("g-1", 100), seen;
    bool first = false, second = true, third = true, other = false;
    store_add_delivery(store, &row, &first);
    store_add_delivery(store, &row, &second); /* in one batch */
    must_commit(store);
    assert_true(first);
    assert_false(second);
    store_close(store);

    store = place_store(place); /* and after a restart */
    row.at.ms = 999;
    row.text = "again";
    store_add_delivery(store, &row, &third);
    row.guid = "G-1"; /* another one: letters are not folded */
    store_add_delivery(store, &row, &other);
    store_count_rejected(store, 5);
    store_count_rejected(store, 2);
    must_commit(store);
    assert_false(third);
    assert_true(other);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_delivery(reader, place->arena, 1, &seen, &err), FOUND);
    assert_int_equal(seen.repeats, 2);
    assert_int_equal(seen.at.ms, 100);
    assert_string_equal(seen.text, "opened #7");
    assert_int_equal(total(reader, DELIVERY_ACCEPTED), 2);
    assert_int_equal(total(reader, DELIVERY_DUPLICATE), 2);
    assert_int_equal(total(reader, DELIVERY_REJECTED), 7);

    /* What was reconciled has no guid, and is never a duplicate. */
    struct delivery_row healed = {.at = {5},
                                  .guid = "",
                                  .event = "check_run",
                                  .status = DELIVERY_RECONCILED,
                                  .text = "checks are green"};
    store_add_delivery(store, &healed, &first);
    store_add_delivery(store, &healed, &second);
    /* Totals of workflows leave those of deliveries alone. */
    store_put_totals(store, &(struct totals){.n_workflows = 3});
    must_commit(store);
    assert_true(first && second);
    assert_int_equal(total(reader, DELIVERY_RECONCILED), 2);
    assert_int_equal(total(reader, DELIVERY_ACCEPTED), 2);
    struct totals totals;
    int64_t last = 0;
    assert_true(store_load_counters(store, &last, &totals, &err));
    assert_int_equal(totals.by_delivery[DELIVERY_REJECTED], 7);
    assert_int_equal(totals.n_workflows, 3);
    reader_close(reader);
    store_close(store);
}

static void test_deliveries_are_found(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    for (int i = 1; i <= 6; i++) {
        char guid[24];
        (void)snprintf(guid, sizeof(guid), "guid-%d", i);
        struct delivery_row row = sample_delivery(guid, 100 * i);
        row.workflow = i % 3;
        row.action = i == 4 ? "" : "opened";
        row.repository = i == 5 ? "" : "acme/payments";
        row.status = i <= 2 ? DELIVERY_IGNORED : DELIVERY_ACCEPTED;
        store_add_delivery(store, &row, NULL);
    }
    struct delivery_row again = sample_delivery("guid-2", 900);
    store_add_delivery(store, &again, NULL);
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct arena *arena = place->arena;
    int64_t newest;
    assert_int_equal(count(reader, arena, (struct delivery_query){0}, &newest), 6);
    assert_int_equal(newest, 6);
    struct delivery_query page = {.before_seq = 5, .max = 2};
    assert_int_equal(count(reader, arena, page, &newest), 2);
    assert_int_equal(newest, 4);
    struct delivery_query ignored = {.statuses = 1u << DELIVERY_IGNORED};
    assert_int_equal(count(reader, arena, ignored, &newest), 2);
    struct delivery_query repeated = {.statuses = 1u << DELIVERY_DUPLICATE};
    assert_int_equal(count(reader, arena, repeated, &newest), 1);
    assert_int_equal(newest, 2);
    struct delivery_query of = {.workflow = 2};
    assert_int_equal(count(reader, arena, of, &newest), 2);
    static const struct {
        const char *text;
        size_t n;
    } texts[] = {
        {"ACME",   5},
        {"Opened", 5},
        {"guid-3", 1},
        {"c0ffee", 6},
        {"pull_",  6},
        {"%",      0},
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct delivery_query query = {.text = texts[i].text};
        assert_int_equal(count(reader, arena, query, NULL), texts[i].n);
    }
    reader_close(reader);
    store_close(store);
}

static void test_old_deliveries_go(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    char guid[24];
    for (int i = 1; i <= 10; i++) {
        (void)snprintf(guid, sizeof(guid), "g-%d", i);
        struct delivery_row row = sample_delivery(guid, 100 * i);
        store_add_delivery(store, &row, NULL);
    }
    must_commit(store);
    /* Before 450: four rows; bodies before 750: seven. At most three at a time. */
    assert_int_equal(
        store_prune_deliveries(store, (struct wall){450}, (struct wall){750}, 3), 3);
    assert_int_equal(
        store_prune_deliveries(store, (struct wall){450}, (struct wall){750}, 3), 0);
    must_commit(store);
    assert_int_equal(
        store_prune_deliveries(store, (struct wall){450}, (struct wall){750}, 100), 1);
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_int_equal(count(reader, place->arena, (struct delivery_query){0}, NULL), 6);
    struct delivery_row seen;
    assert_int_equal(reader_delivery(reader, place->arena, 4, &seen, &err), MISSING);
    assert_int_equal(reader_delivery(reader, place->arena, 7, &seen, &err), FOUND);
    assert_null(seen.body);
    assert_int_equal(reader_delivery(reader, place->arena, 8, &seen, &err), FOUND);
    assert_non_null(seen.body);
    /* The newest stays, so that numbers go on growing. */
    assert_int_equal(
        store_prune_deliveries(store, (struct wall){99999}, (struct wall){99999}, 100),
        5);
    must_commit(store);
    struct delivery_row row = sample_delivery("later", 5000);
    store_add_delivery(store, &row, NULL);
    must_commit(store);
    int64_t newest;
    assert_int_equal(count(reader, place->arena, (struct delivery_query){0}, &newest), 2);
    assert_int_equal(newest, 11);
    assert_int_equal(total(reader, DELIVERY_ACCEPTED), 11);
    reader_close(reader);
    store_close(store);
}

static void keep_state(void *user, const struct service_row *row)
{
    int *sum = user;
    *sum = *sum * 10 + (int)row->state;
}

static void test_services_come_back(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct service_row row = {.name = "github_api",
                              .kind = "github",
                              .state = BREAKER_OPEN,
                              .since = {10},
                              .until = {20},
                              .reason = "3 failures in a row",
                              .detail = "{\"url\":\"\"}",
                              .memo = "{\"n\":1}",
                              .updated_at = {30}};
    store_put_service(store, &row);
    row.name = "codegen_api";
    row.state = BREAKER_CLOSED;
    row.until.ms = 0;
    store_put_service(store, &row);
    row.state = BREAKER_METRICS;
    store_put_service(store, &row); /* the last one counts */
    must_commit(store);
    int sum = 0;
    assert_true(store_load_services(store, keep_state, &sum, &err));
    assert_int_equal(sum, BREAKER_METRICS * 10 + BREAKER_OPEN);
    struct reader *reader = place_reader(place);
    const struct service_row *rows;
    size_t n;
    assert_true(reader_services(reader, place->arena, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].name, "codegen_api");
    assert_string_equal(rows[1].name, "github_api");
    assert_string_equal(rows[1].kind, "github");
    assert_int_equal(rows[1].since.ms, 10);
    assert_int_equal(rows[1].until.ms, 20);
    assert_int_equal(rows[1].updated_at.ms, 30);
    assert_string_equal(rows[1].reason, "3 failures in a row");
    assert_string_equal(rows[1].detail, "{\"url\":\"\"}");
    assert_string_equal(rows[1].memo, "{\"n\":1}");
    reader_close(reader);
    store_close(store);
}

static void test_a_workflow_is_found_by_what_the_forge_calls_it(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    for (int64_t id = 1; id <= 4; id++) {
        struct workflow_row row = sample_workflow(id);
        row.repo = id < 4 ? "acme/payments" : "acme/other";
        row.pr_number = id == 3 ? 0 : 10 + id;
        row.head_sha = id == 2 ? "sha2" : "";
        row.branch = id == 3 ? "topic" : "";
        row.state = id == 1 ? STATE_COMPLETED : STATE_VALIDATING;
        store_put_workflow(store, &row);
    }
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_workflow_of(reader, "acme/payments", 12, "", ""), 2);
    assert_int_equal(reader_workflow_of(reader, "acme/payments", 11, "", ""), 0);
    assert_int_equal(reader_workflow_of(reader, "acme/payments", 0, "sha2", ""), 2);
    assert_int_equal(reader_workflow_of(reader, "acme/payments", 0, "", "topic"), 3);
    assert_int_equal(reader_workflow_of(reader, "acme/payments", 12, "", "topic"), 2);
    assert_int_equal(reader_workflow_of(reader, "acme/payments", 0, "", ""), 0);
    assert_int_equal(reader_workflow_of(reader, "acme/other", 14, "", ""), 4);
    assert_int_equal(reader_workflow_of(reader, "acme/none", 14, "", ""), 0);
    reader_close(reader);
    store_close(store);
}

static void test_who_performed_an_effect(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct effect_row row = {.workflow = 1,
                             .seq = 1,
                             .kind = EFFECT_FORGE_CHECKS,
                             .name = "checks",
                             .params = "{}",
                             .summary = "",
                             .log = "",
                             .provider = ""};
    store_put_effect(store, &row);
    row.seq = 2;
    row.status = STATUS_DEFERRED;
    row.provider = "codegen_eu";
    row.is_fallback = true;
    store_put_effect(store, &row);
    must_commit(store);
    struct reader *reader = place_reader(place);
    const struct effect_row *rows;
    size_t n;
    assert_true(reader_effects(reader, place->arena, 1, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].provider, "");
    assert_false(rows[0].is_fallback);
    assert_string_equal(rows[1].provider, "codegen_eu");
    assert_true(rows[1].is_fallback);
    reader_close(reader);
    store_close(store);
}

/* Rows as schema 1 wrote them. */
static const char *const old_rows[] = {
    "INSERT INTO word VALUES (1, 'payments'), (2, '/srv/git/p'), (3, 'ada'),"
    " (4, 'agent')",
    "INSERT INTO pipeline VALUES (1, 'payments', 5, 'name: payments')",
    "INSERT INTO workflow VALUES (7, 1, 0, 2, 0, 0, 0, 5, 1, 1, 1, 0, 1, 0, 3, 1,"
    " 11, 12, 0, 13, 0, 0, 0, 'signalbox/wf-7', 'b', 'h', '', 'because')",
    "INSERT INTO submission VALUES (7, 1, 1, 2, 3, 10, 'a task')",
    "INSERT INTO effect VALUES (7 << 20 | 3, 3, 0, 0, 4, 1, 1, 11, 0, 0, 13, -1, -1, -1,"
    " -1, '{}', '', '')",
    "INSERT INTO total VALUES (2, 1), (2000, 1)",
};

static void keep_pending(void *user, const struct effect_row *row)
{
    int *n = user;
    assert_int_equal(row->workflow, 7);
    assert_string_equal(row->name, "agent");
    assert_string_equal(row->provider, "");
    assert_false(row->is_fallback);
    ++*n;
}

static void test_a_store_of_schema_1_goes_on(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct database old;
    assert_true(database_open(&old, place->path, DATABASE_CREATE, &err));
    assert_true(schema_migrate_to(&old, 1, &err));
    for (size_t i = 0; i < ARRAY_LEN(old_rows); i++) {
        if (!database_exec(&old, old_rows[i], &err)) {
            fail_msg("%s", err.msg);
        }
    }
    database_close(&old);
    assert_null(reader_open(place->path, &err));
    assert_int_equal(err.code, ERR_REFUSED);

    struct store *store = place_store(place);
    struct workflow_row row;
    assert_int_equal(store_load_workflow(store, place->arena, 7, &row, &err), FOUND);
    assert_string_equal(row.repo, "/srv/git/p");
    assert_string_equal(row.reason, "because");
    assert_string_equal(row.service, "");
    assert_false(row.is_degraded || row.is_adopted);
    int n = 0;
    assert_true(store_load_pending(store, keep_pending, &n, &err));
    assert_int_equal(n, 1);
    row.state = STATE_PARKED;
    row.wait = WAIT_SERVICE;
    row.service = "codegen_api";
    store_put_workflow(store, &row);
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_workflow(reader, place->arena, 7, &row, &err), FOUND);
    assert_string_equal(row.service, "codegen_api");
    assert_int_equal(row.wait, WAIT_SERVICE);
    assert_true(store_verify(place->path, &err));
    reader_close(reader);
    store_close(store);
}

/* The views for people show words. */
static void test_views_read_well(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct workflow_row workflow = sample_workflow(2);
    struct delivery_row delivery = sample_delivery("g", 1);
    workflow.wait = WAIT_SERVICE;
    store_put_workflow(store, &workflow);
    store_add_delivery(store, &delivery, NULL);
    store_put_service(store, &(struct service_row){.name = "github_api",
                                                   .kind = "github",
                                                   .state = BREAKER_HALF_OPEN});
    must_commit(store);
    static const char *const sql[] = {
        "SELECT count(*) FROM workflows WHERE service = 'github_api'"
        " AND wait = 'service' AND is_degraded = 1",
        "SELECT count(*) FROM deliveries WHERE event = 'pull_request'"
        " AND status = 'accepted' AND workflow = 'wf-12' AND repository LIKE 'acme/%'",
        "SELECT count(*) FROM services WHERE state = 'half-open' AND until = ''",
    };
    struct database database;
    assert_true(database_open(&database, place->path, DATABASE_READ, &err));
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        int64_t n = 0;
        if (!database_number(&database, sql[i], &n, &err)) {
            fail_msg("%s", err.msg);
        }
        assert_int_equal(n, 1);
    }
    database_close(&database);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_a_delivery_comes_back_whole),
        PLACE_TEST(test_the_same_guid_counts_once),
        PLACE_TEST(test_deliveries_are_found),
        PLACE_TEST(test_old_deliveries_go),
        PLACE_TEST(test_services_come_back),
        PLACE_TEST(test_a_workflow_is_found_by_what_the_forge_calls_it),
        PLACE_TEST(test_who_performed_an_effect),
        PLACE_TEST(test_a_store_of_schema_1_goes_on),
        PLACE_TEST(test_views_read_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
