/* SPDX-License-Identifier: MIT */
/* Store: anomalies, incidents, silences and spans, and stores written before there were any. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#include "engine/base/mem.h"
#include "store/finding.h"
#include "store/sqlite_private.h"
#include "tests/lib/place.h"

static struct anomaly_row sample_anomaly(int64_t id, int64_t incident)
{
    return (struct anomaly_row){
        .id = id,
        .incident = incident,
        .type = ANOMALY_LEVEL_SHIFT,
        .severity = SEVERITY_HIGH,
        .began_at = {100},
        .opened_at = {200},
        .seen_at = {300},
        .series = "service_latency_seconds{service=\"github\"}",
        .component = "service:github",
        .value = 2.5,
        .low = 0.1,
        .high = (double)NAN,
        .score = 0.97,
        .text = "github answers slowly",
        .rule = "",
        .closed_by = "",
        .detail = "{\"affected\":[\"service:github\"]}",
    };
}

static struct incident_row sample_incident(int64_t id)
{
    return (struct incident_row){
        .id = id,
        .severity = SEVERITY_HIGH,
        .cause = "service:github",
        .text = "github is slow",
        .opened_at = {200},
        .changed_at = {300},
        .n_anomalies = 2,
        .n_open = 1,
        .inhibited_by = "",
        .detail = "{}",
    };
}

static struct span_row sample_span(int64_t workflow, int64_t end_us)
{
    return (struct span_row){
        .workflow = workflow,
        .trace = "4bf92f3577b34da6a3ce929d0e0e4736",
        .span = "f0f067aa0ba902b7",
        .parent = "00000000000000ff",
        .kind = "step",
        .name = "unit tests",
        .start_us = end_us - 1500000,
        .end_us = end_us,
        .status = 2,
        .attributes = "{\"attempt\":2}",
    };
}

static void test_words(void **state)
{
    (void)state;
    enum severity severity = SEVERITY_INFO;
    enum anomaly_type type = ANOMALY_SPIKE;
    assert_string_equal(severity_word(SEVERITY_CRITICAL), "critical");
    assert_string_equal(severity_word((enum severity)99), "?");
    assert_true(severity_find("medium", &severity));
    assert_int_equal(severity, SEVERITY_MEDIUM);
    assert_false(severity_find("Medium", &severity));
    assert_true(anomaly_find("rare_event", &type));
    assert_int_equal(type, ANOMALY_RARE);
    assert_false(anomaly_find("", &type));
    assert_string_equal(anomaly_word((enum anomaly_type) - 1), "?");
    assert_string_equal(anomaly_help(ANOMALY_FORECAST), "a limit will be reached");
    assert_string_equal(incident_word(INCIDENT_ACKED), "acked");
    assert_string_equal(incident_word((enum incident_state)3), "?");
}

static void test_an_anomaly_comes_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct anomaly_row row = sample_anomaly(3, 9), seen;
    store_put_anomaly(store, &row);
    assert_int_equal(store_load_anomaly(store, place->arena, 3, &seen, &err), FOUND);
    assert_string_equal(seen.text, row.text); /* in the batch already */
    row.severity = SEVERITY_LOW;
    store_put_anomaly(store, &row);
    must_commit(store);
    struct reader *reader = place_reader(place);
    assert_int_equal(reader_anomaly(reader, place->arena, 3, &seen, &err), FOUND);
    assert_int_equal(seen.incident, 9);
    assert_int_equal(seen.type, ANOMALY_LEVEL_SHIFT);
    assert_int_equal(seen.severity, SEVERITY_LOW);
    assert_int_equal(seen.began_at.ms, 100);
    assert_int_equal(seen.opened_at.ms, 200);
    assert_int_equal(seen.seen_at.ms, 300);
    assert_false(wall_is_set(seen.closed_at));
    assert_string_equal(seen.series, row.series);
    assert_string_equal(seen.component, row.component);
    assert_true(seen.value == 2.5 && seen.low == 0.1 && seen.score == 0.97);
    assert_true(isnan(seen.high)); /* unknown is not zero */
    assert_string_equal(seen.text, row.text);
    assert_string_equal(seen.rule, "");
    assert_string_equal(seen.closed_by, "");
    assert_string_equal(seen.detail, row.detail);
    assert_int_equal(reader_anomaly(reader, place->arena, 4, &seen, &err), MISSING);
    reader_close(reader);
    store_close(store);
}

static size_t count_anomalies(struct reader *reader, struct arena *arena,
                              struct anomaly_query query, int64_t *ret_first)
{
    struct err err = ERR_INIT;
    const struct anomaly_row *rows = NULL;
    size_t n = 0;
    query.max = query.max > 0 ? query.max : 100;
    if (!reader_anomalies(reader, arena, &query, &rows, &n, &err)) {
        fail_msg("%s", err.msg);
    }
    *ret_first = n > 0 ? rows[0].id : 0;
    return n;
}

static void test_anomalies_are_found(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    for (int64_t id = 1; id <= 10; id++) {
        struct anomaly_row row = sample_anomaly(id, id % 2 + 1);
        row.closed_at.ms = id <= 4 ? 500 : 0;
        row.rule = id == 7 ? "too_slow" : "";
        store_put_anomaly(store, &row);
    }
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct arena *arena = place->arena;
    int64_t first;
    assert_int_equal(count_anomalies(reader, arena, (struct anomaly_query){0}, &first),
                     10);
    assert_int_equal(first, 10);
    assert_int_equal(
        count_anomalies(reader, arena, (struct anomaly_query){.is_open = true}, &first),
        6);
    assert_int_equal(
        count_anomalies(reader, arena, (struct anomaly_query){.incident = 1}, &first), 5);
    assert_int_equal(first, 10);
    assert_int_equal(
        count_anomalies(reader, arena,
                        (struct anomaly_query){.incident = 2, .is_open = true}, &first),
        3);
    assert_int_equal(first, 9);
    assert_int_equal(count_anomalies(reader, arena,
                                     (struct anomaly_query){.text = "TOO_slow"}, &first),
                     1);
    assert_int_equal(first, 7);
    assert_int_equal(
        count_anomalies(reader, arena, (struct anomaly_query){.text = "GitHub"}, &first),
        10);
    assert_int_equal(count_anomalies(reader, arena,
                                     (struct anomaly_query){.before_id = 6, .max = 2},
                                     &first),
                     2);
    assert_int_equal(first, 5);
    struct err err = ERR_INIT;
    int64_t anomaly = -1, incident = -1;
    assert_true(reader_finding_ids(reader, &anomaly, &incident, &err));
    assert_int_equal(anomaly, 10);
    assert_int_equal(incident, 0);
    reader_close(reader);
    store_close(store);
}

static void test_the_operators_part_is_kept(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct incident_row row = sample_incident(5), seen;
    row.owner = "nobody"; /* not the monitor's to say */
    row.state = INCIDENT_RESOLVED;
    store_put_incident(store, &row);
    assert_int_equal(store_load_incident(store, place->arena, 5, &seen, &err), FOUND);
    assert_string_equal(seen.owner, "");
    assert_int_equal(seen.state, INCIDENT_OPEN);
    struct incident_row ack = {.id = 5,
                               .state = INCIDENT_ACKED,
                               .owner = "ada",
                               .note = "looking",
                               .acked_at = {400}};
    store_put_incident_ack(store, &ack);
    row.n_open = 7;
    store_put_incident(store, &row);
    assert_int_equal(store_load_incident(store, place->arena, 5, &seen, &err), FOUND);
    assert_string_equal(seen.owner, "ada");
    assert_int_equal(seen.n_open, 7);
    must_commit(store);
    row.n_open = 0;
    row.closed_at.ms = 900;
    store_put_incident(store, &row);
    must_commit(store);
    store_put_incident_ack(store, &(struct incident_row){.id = 6}); /* there is none */
    must_commit(store);

    struct reader *reader = place_reader(place);
    assert_int_equal(reader_incident(reader, place->arena, 5, &seen, &err), FOUND);
    assert_int_equal(seen.state, INCIDENT_ACKED);
    assert_string_equal(seen.owner, "ada");
    assert_string_equal(seen.note, "looking");
    assert_int_equal(seen.acked_at.ms, 400);
    assert_int_equal(seen.n_open, 0);
    assert_int_equal(seen.n_anomalies, 2);
    assert_int_equal(seen.closed_at.ms, 900);
    assert_int_equal(seen.severity, SEVERITY_HIGH);
    assert_string_equal(seen.cause, row.cause);
    assert_string_equal(seen.text, row.text);
    assert_string_equal(seen.detail, "{}");
    assert_int_equal(reader_incident(reader, place->arena, 6, &seen, &err), MISSING);
    assert_int_equal(store_load_incident(store, place->arena, 6, &seen, &err), MISSING);
    reader_close(reader);
    store_close(store);
}

static size_t count_incidents(struct reader *reader, struct arena *arena,
                              struct incident_query query)
{
    struct err err = ERR_INIT;
    const struct incident_row *rows = NULL;
    size_t n = 0;
    query.max = 100;
    if (!reader_incidents(reader, arena, &query, &rows, &n, &err)) {
        fail_msg("%s", err.msg);
    }
    return n;
}

static void test_incidents_are_found(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    for (int64_t id = 1; id <= 4; id++) {
        struct incident_row row = sample_incident(id);
        row.closed_at.ms = id == 1 ? 700 : 0;
        store_put_incident(store, &row);
    }
    store_put_incident_ack(
        store, &(struct incident_row){
                   .id = 2, .state = INCIDENT_RESOLVED, .owner = "Ada", .note = ""});
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct arena *arena = place->arena;
    assert_int_equal(count_incidents(reader, arena, (struct incident_query){0}), 4);
    assert_int_equal(
        count_incidents(reader, arena, (struct incident_query){.is_open = true}), 2);
    assert_int_equal(
        count_incidents(reader, arena, (struct incident_query){.text = "ada"}), 1);
    assert_int_equal(
        count_incidents(reader, arena, (struct incident_query){.before_id = 3}), 2);
    reader_close(reader);
    store_close(store);
}

static void keep_silence(void *user, const struct silence_row *row)
{
    int64_t *sum = user;
    *sum += row->id;
}

static void test_silences(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct silence_row row = {.match = "service:*",
                              .author = "ada",
                              .reason = "moving house",
                              .from = {100},
                              .until = {1000}};
    assert_int_equal(store_put_silence(store, &row), 1);
    assert_int_equal(store_put_silence(store, &row), 2);
    must_commit(store);
    store_close(store);
    store = place_store(place); /* numbers go on */
    assert_int_equal(store_put_silence(store, &row), 3);
    row.id = 2;
    row.is_ended = true;
    assert_int_equal(store_put_silence(store, &row), 2);
    struct silence_row seen;
    assert_int_equal(store_load_silence(store, place->arena, 2, &seen, &err), FOUND);
    assert_true(seen.is_ended);
    must_commit(store);
    int64_t sum = 0;
    assert_true(store_load_silences(store, (struct wall){500}, keep_silence, &sum, &err));
    assert_int_equal(sum, 1 + 3);
    struct reader *reader = place_reader(place);
    const struct silence_row *rows;
    size_t n;
    struct arena *arena = place->arena;
    assert_true(reader_silences(reader, arena, (struct wall){0}, &rows, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(rows[0].id, 3);
    assert_string_equal(rows[0].match, "service:*");
    assert_string_equal(rows[0].author, "ada");
    assert_string_equal(rows[0].reason, "moving house");
    assert_int_equal(rows[0].from.ms, 100);
    assert_int_equal(rows[0].until.ms, 1000);
    assert_true(reader_silences(reader, arena, (struct wall){999}, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_true(reader_silences(reader, arena, (struct wall){1000}, &rows, &n, &err));
    assert_int_equal(n, 0);
    reader_close(reader);
    store_close(store);
}

static void test_spans_come_back_whole(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct store *store = place_store(place);
    struct span_row row = sample_span(12, 1700000000000000);
    assert_int_equal(store_add_span(store, &row), 1);
    row.workflow = 0;
    row.parent[0] = '\0';
    assert_int_equal(store_add_span(store, &row), 2);
    must_commit(store);
    store_close(store);
    store = place_store(place);
    row.workflow = 12;
    assert_int_equal(store_add_span(store, &row), 3);
    must_commit(store);
    struct reader *reader = place_reader(place);
    const struct span_row *rows;
    size_t n;
    assert_int_equal(reader_last_span(reader), 3);
    assert_true(reader_spans(reader, place->arena, 12, 0, 10, &rows, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].seq, 1);
    assert_string_equal(rows[0].trace, row.trace);
    assert_string_equal(rows[0].span, row.span);
    assert_string_equal(rows[0].parent, "00000000000000ff");
    assert_string_equal(rows[0].kind, "step");
    assert_string_equal(rows[0].name, "unit tests");
    assert_int_equal(rows[0].start_us, 1700000000000000 - 1500000);
    assert_int_equal(rows[0].end_us, 1700000000000000);
    assert_int_equal(rows[0].status, 2);
    assert_string_equal(rows[0].attributes, "{\"attempt\":2}");
    assert_int_equal(rows[1].seq, 3);
    assert_string_equal(rows[1].parent, "");
    assert_true(reader_spans(reader, place->arena, 0, 1, 1, &rows, &n, &err));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].seq, 2);
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

static void test_old_findings_go(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    for (int64_t id = 1; id <= 6; id++) {
        struct anomaly_row anomaly = sample_anomaly(id, 1);
        struct incident_row incident = sample_incident(id);
        struct span_row span = sample_span(1, id * 1000000);
        anomaly.closed_at.ms = id == 1 ? 0 : id * 1000;
        incident.closed_at.ms = id == 2 ? 0 : id * 1000;
        store_put_anomaly(store, &anomaly);
        store_put_incident(store, &incident);
        (void)store_add_span(store, &span);
        (void)store_put_silence(store, &(struct silence_row){.until = {id * 1000}});
    }
    must_commit(store);
    struct wall now = {100000}, before = {4000};
    assert_int_equal(store_prune_findings(store, now, before, 2), 2); /* there is more */
    assert_int_equal(store_prune_findings(store, now, before, 2), 0);
    must_commit(store);
    while (store_prune_findings(store, now, before, 2) == 2) {
        must_commit(store);
    }
    must_commit(store);
    assert_int_equal(number_of(place->path, "SELECT count(*) FROM anomaly"), 4);
    assert_int_equal(number_of(place->path, "SELECT min(id) FROM anomaly"), 1); /* open */
    assert_int_equal(number_of(place->path, "SELECT sum(id) FROM incident"),
                     2 + 4 + 5 + 6);
    assert_int_equal(number_of(place->path, "SELECT min(id) FROM silence"), 4);
    assert_int_equal(number_of(place->path, "SELECT min(seq) FROM span"), 4);
    /* However old, the newest of each stays, so that no number comes twice. */
    before.ms = 90000;
    (void)store_prune_findings(store, now, before, 100);
    must_commit(store);
    assert_int_equal(number_of(place->path, "SELECT sum(id) FROM anomaly"), 1 + 6);
    assert_int_equal(number_of(place->path, "SELECT sum(seq) FROM span"), 6);
    assert_int_equal(number_of(place->path, "SELECT sum(id) FROM silence"), 6);
    store_close(store);
}

static void test_findings_are_bounded(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    struct wall now = {100000}, never = {0};
    for (int64_t i = 0; i < SPANS_KEPT + 30; i++) {
        struct span_row span = sample_span(1, 1000000);
        (void)store_add_span(store, &span);
    }
    for (int64_t id = 1; id <= SILENCES_KEPT + 3; id++) {
        bool is_over = id != 2;
        (void)store_put_silence(store,
                                &(struct silence_row){.until = {is_over ? 5 : 500000}});
    }
    for (int64_t id = 1; id <= INCIDENTS_KEPT + 5; id++) {
        struct incident_row incident = sample_incident(id);
        incident.closed_at.ms = 1;
        store_put_incident(store, &incident);
    }
    must_commit(store);
    assert_int_equal(store_prune_findings(store, now, never, 1000), 30);
    must_commit(store);
    assert_int_equal(number_of(place->path, "SELECT count(*) FROM span"), SPANS_KEPT);
    assert_int_equal(number_of(place->path, "SELECT count(*) FROM incident"),
                     INCIDENTS_KEPT);
    assert_int_equal(number_of(place->path, "SELECT count(*) FROM silence"),
                     SILENCES_KEPT + 1); /* and the one in force */
    assert_int_equal(store_prune_findings(store, now, never, 1000), 0);
    store_close(store);
}

/* Rows as schema 2 wrote them. */
static const char *const old_rows[] = {
    "INSERT INTO word VALUES (1, 'payments'), (2, '/srv/git/p'), (3, 'ada'),"
    " (4, 'agent'), (5, 'local'), (6, 'submit')",
    "INSERT INTO pipeline VALUES (1, 'payments', 5, 'name: payments')",
    "INSERT INTO workflow VALUES (7, 1, 0, 2, 0, 0, 0, 5, 1, 1, 1, 0, 1, 0, 3, 1,"
    " 11, 12, 0, 13, 0, 0, 0, 'signalbox/wf-7', 'b', 'h', '', 'because', 0, 1, 0)",
    "INSERT INTO submission VALUES (7, 1, 1, 2, 3, 10, 'a task')",
    "INSERT INTO effect VALUES (7 << 20 | 3, 3, 1, 0, 4, 1, 1, 11, 12, 15, 13, 0, 120,"
    " 4096, 10, '{}', 'done', 'l', 5, 1)",
    "INSERT INTO event VALUES (41, 10, 7, 6, 3, 0, 0, 0, 0, 0, 0, 'a task')",
    "INSERT INTO service VALUES ('github', 'github', 1, 2, 3, 4, 'r', '{}', '{}')",
    "INSERT INTO total VALUES (2, 1), (2000, 1)",
};

static void test_a_store_of_schema_2_goes_on(void **state)
{
    struct place *place = *state;
    struct err err = ERR_INIT;
    struct database old;
    assert_true(database_open(&old, place->path, DATABASE_CREATE, &err));
    assert_true(schema_migrate_to(&old, 2, &err));
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
    assert_string_equal(row.reason, "because");
    assert_true(row.is_degraded);
    struct anomaly_row anomaly = sample_anomaly(1, 1);
    struct span_row span = sample_span(7, 5000000);
    store_put_anomaly(store, &anomaly);
    assert_int_equal(store_add_span(store, &span), 1);
    assert_int_equal(
        store_add_event(store,
                        &(struct event_row){.kind = "k", .actor = "a", .text = ""}),
        42);
    must_commit(store);
    struct reader *reader = place_reader(place);
    struct effect_row effect;
    assert_int_equal(reader_effect(reader, place->arena, 7, 3, &effect, &err), FOUND);
    assert_int_equal(effect.workflow, 7);
    assert_int_equal(effect.seq, 3);
    assert_int_equal(effect.cpu_ms, 120);
    assert_string_equal(effect.provider, "local");
    assert_true(effect.is_fallback);
    assert_int_equal(reader_effect(reader, place->arena, 7, 4, &effect, &err), MISSING);
    assert_int_equal(reader_effect(reader, place->arena, 8, 3, &effect, &err), MISSING);
    assert_int_equal(reader_anomaly(reader, place->arena, 1, &anomaly, &err), FOUND);
    assert_int_equal(reader_last_span(reader), 1);
    assert_true(store_verify(place->path, &err));
    reader_close(reader);
    store_close(store);
}

/* The views for people show words. */
static void test_views_read_well(void **state)
{
    struct place *place = *state;
    struct store *store = place_store(place);
    struct anomaly_row anomaly = sample_anomaly(1, 1);
    struct incident_row incident = sample_incident(1);
    struct span_row span = sample_span(12, 1700000000000000);
    store_put_anomaly(store, &anomaly);
    store_put_incident(store, &incident);
    (void)store_put_silence(store, &(struct silence_row){.match = "x", .until = {1000}});
    (void)store_add_span(store, &span);
    must_commit(store);
    static const char *const sql[] = {
        "SELECT count(*) FROM anomalies WHERE state = 'open' AND severity = 'high'"
        " AND type = 'level_shift' AND closed_at = '' AND high IS NULL",
        "SELECT count(*) FROM incidents WHERE state = 'open' AND severity = 'high'",
        "SELECT count(*) FROM silences WHERE match = 'x'"
        " AND until_at = '1970-01-01 00:00:01'",
        "SELECT count(*) FROM spans WHERE workflow = 'wf-12' AND kind = 'step'"
        " AND trace = '4bf92f3577b34da6a3ce929d0e0e4736'"
        " AND span = 'f0f067aa0ba902b7' AND parent = '00000000000000ff'"
        " AND run_ms = 1500",
    };
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        assert_int_equal(number_of(place->path, sql[i]), 1);
    }
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        PLACE_TEST(test_an_anomaly_comes_back_whole),
        PLACE_TEST(test_anomalies_are_found),
        PLACE_TEST(test_the_operators_part_is_kept),
        PLACE_TEST(test_incidents_are_found),
        PLACE_TEST(test_silences),
        PLACE_TEST(test_spans_come_back_whole),
        PLACE_TEST(test_old_findings_go),
        PLACE_TEST(test_findings_are_bounded),
        PLACE_TEST(test_a_store_of_schema_2_goes_on),
        PLACE_TEST(test_views_read_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
