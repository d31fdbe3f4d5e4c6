/* SPDX-License-Identifier: MIT */

/* The health report: what makes it worse, what is advised first, what the JSON holds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/monitor/health.h"

#define NOW INT64_C(1700000000000)

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* An engine that runs, and nothing else. */
static struct health quiet(void)
{
    return (struct health){.at = {NOW},
                           .has_engine = true,
                           .pid = 7,
                           .engine_fault = "",
                           .monitor_at = {NOW - 1000},
                           .max_running = 50};
}

static struct incident_row incident(enum severity severity)
{
    return (struct incident_row){.id = 3,
                                 .severity = severity,
                                 .cause = "host",
                                 .text = "the disk fills",
                                 .opened_at = {NOW - 60000},
                                 .n_anomalies = 1,
                                 .n_open = 1,
                                 .inhibited_by = "",
                                 .detail = "{}",
                                 .owner = "",
                                 .note = "",
                                 .claimed_by = "",
                                 .assignee = "",
                                 .links = ""};
}

static struct anomaly_row anomaly(enum severity severity)
{
    return (struct anomaly_row){
        .id = 5,
        .incident = 3,
        .type = ANOMALY_EXHAUSTION,
        .severity = severity,
        .series = "disk_used_ratio{mount=\"/\"}",
        .component = "host",
        .value = 0.93,
        .low = (double)NAN,
        .high = 0.9,
        .text = "disk / is used to 93%",
        .rule = "disk nearly full",
        .closed_by = "",
        .detail = "{\"actions\":[\"make room\",\"keep less\",\"third\"]}"};
}

static void test_healthy(void **state)
{
    (void)state;
    struct health health = quiet();
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HEALTHY);
    assert_int_equal(health.n_reasons, 0);
    assert_int_equal(health.n_advice, 0);
    assert_int_equal(health_exit_status(health.status), 0);
}

static void test_engine(void **state)
{
    (void)state;
    struct health health = quiet();
    health.has_engine = false;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HUMAN);
    assert_int_equal(health_exit_status(health.status), 3);
    assert_string_equal(health.advice[0].text, "start the engine: signalbox serve");
    health = quiet();
    health.engine_fault = "no space";
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HUMAN);
    health = quiet();
    health.monitor_at.ms = NOW - HEALTH_STALE_MS - 1;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_DEGRADED);
    assert_int_equal(health_exit_status(health.status), 1);
}

static void test_incidents(void **state)
{
    (void)state;
    struct incident_row row = incident(SEVERITY_LOW);
    struct anomaly_row worst = anomaly(SEVERITY_HIGH);
    struct health health = quiet();
    health.incidents = &row;
    health.n_incidents = 1;
    health.anomalies = &worst;
    health.n_anomalies = 1;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HEALTHY);
    row.severity = SEVERITY_HIGH;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_DEGRADED);
    assert_string_equal(health.reasons[0], "incident 3, high: the disk fills");
    assert_int_equal(health.n_advice, 2); /* two of three actions */
    assert_string_equal(health.advice[0].text, "make room");
    assert_int_equal(health.advice[0].incident, 3);
    row.severity = SEVERITY_CRITICAL;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HUMAN);
    row.state = INCIDENT_ACKED; /* somebody has it */
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_DEGRADED);
    row.inhibited_by = "silence:4";
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HEALTHY);
    assert_int_equal(health.n_advice, 0);
}

static void test_people_and_breakers(void **state)
{
    (void)state;
    struct health health = quiet();
    const struct service_row service = {
        .name = "github", .kind = "github", .state = BREAKER_OPEN, .reason = "timeouts"};
    health.services = &service;
    health.n_services = 1;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_DEGRADED);
    assert_string_equal(health.reasons[0], "the breaker of github is open: timeouts");
    health.totals.by_wait[WAIT_MERGE] = 2;
    health.totals.by_wait[WAIT_SLOT] = 9; /* no human is needed for that */
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HUMAN);
    assert_string_equal(health.reasons[0], "2 workflows wait for a person");
    assert_string_equal(health.advice[0].text,
                        "answer what waits for you: signalbox status");
}

/* What does not beat its baseline is shown, and triggers nothing. */
static void test_trust(void **state)
{
    (void)state;
    struct health_outlook forecast = {.what = "disk /",
                                      .text = "disk /: full in 2 days",
                                      .unit = "days",
                                      .value = 2,
                                      .low = 1,
                                      .high = (double)INFINITY,
                                      .verdict = ""};
    struct health health = quiet();
    health.forecasts = &forecast;
    health.n_forecasts = 1;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HEALTHY);
    assert_int_equal(health.n_advice, 0);
    forecast.is_trusted = true;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_DEGRADED);
    assert_string_equal(health.advice[0].text, "make room before disk / is full");
    forecast.value = 15;
    health_judge(&health, arena);
    assert_int_equal(health.status, HEALTH_HEALTHY);
    assert_int_equal(health.n_advice, 1);
    forecast.value = (double)INFINITY;
    health_judge(&health, arena);
    assert_int_equal(health.n_advice, 0);
}

static void test_order_and_bound(void **state)
{
    (void)state;
    struct incident_row rows[60];
    struct anomaly_row anomalies[60];
    for (int i = 0; i < 60; i++) {
        rows[i] = incident(i % 2 == 0 ? SEVERITY_MEDIUM : SEVERITY_CRITICAL);
        anomalies[i] = anomaly(SEVERITY_HIGH);
        rows[i].id = anomalies[i].incident = i + 1;
        anomalies[i].detail = arena_printf(arena, "{\"actions\":[\"do %d\"]}", i);
    }
    struct health health = quiet();
    health.incidents = rows;
    health.anomalies = anomalies;
    health.n_incidents = health.n_anomalies = 60;
    health_judge(&health, arena);
    assert_int_equal(health.n_advice, HEALTH_RECOMMENDATIONS_MAX);
    assert_int_equal(health.n_reasons, HEALTH_REASONS_MAX);
    for (size_t i = 0; i < health.n_advice; i++) {
        assert_int_equal(health.advice[i].severity, SEVERITY_CRITICAL);
    }
    assert_string_equal(health.advice[0].text, "do 1");
    anomalies[0].detail = anomalies[1].detail = "no JSON";
    health_judge(&health, arena); /* no advice, no harm */
}

static void test_json(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct incident_row row = incident(SEVERITY_CRITICAL);
    struct anomaly_row worst = anomaly(SEVERITY_CRITICAL);
    struct health_metric metrics[] = {
        {.family = FAMILY_RESOURCE,
         .name = "disk_used_ratio",
         .labels = "mount=\"/\"",
         .component = "host",
         .unit = "ratio",
         .value = 0.93,
         .low = (double)NAN,
         .high = (double)NAN,
         .at = {NOW - 1000}},
        {.family = FAMILY_RESOURCE,
         .name = "host_cpu_used_ratio",
         .labels = "",
         .component = "host",
         .unit = "ratio",
         .value = 0.1,
         .low = (double)NAN,
         .high = (double)NAN,
         .at = {NOW - HEALTH_STALE_MS - 1}},
        {.family = FAMILY_WORKFLOW,
         .name = "workflow_queued",
         .labels = "",
         .component = "engine",
         .unit = "",
         .value = (double)NAN,
         .low = (double)NAN,
         .high = (double)NAN}
    };
    struct health health = quiet();
    health.incidents = &row;
    health.anomalies = &worst;
    health.n_incidents = health.n_anomalies = 1;
    health.metrics = metrics;
    health.n_metrics = 3;
    health_judge(&health, arena);
    AUTO_BUF struct buf out;
    buf_init(&out, 1 << 20);
    health_write(&health, &out);
    struct json *root = json_parse(out.data, out.len, &err);
    assert_non_null(root);
    assert_int_equal(json_int(root, "version", 0), HEALTH_VERSION);
    assert_string_equal(json_str(root, "status", ""), "needs a human");
    static const char *const keys[] = {
        "at",        "reasons",  "metrics", "anomalies", "incidents",      "predictions",
        "forecasts", "breakers", "queue",   "engine",    "recommendations"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_non_null(json_get(root, keys[i]));
    }
    const struct json *resources = json_get(json_get(root, "metrics"), "resource_usage");
    assert_int_equal(json_len(resources), 2);
    assert_string_equal(json_str(json_at(resources, 0), "status", ""), "anomalous");
    assert_true(fabs(json_num(json_at(resources, 0), "high", 0) - 0.9) < 1e-9);
    assert_string_equal(json_str(json_at(resources, 1), "status", ""), "stale");
    const struct json *queue =
        json_at(json_get(json_get(root, "metrics"), "workflow_performance"), 0);
    assert_string_equal(json_str(queue, "status", ""), "unknown");
    assert_true(isnan(json_num(queue, "value", (double)NAN))); /* null, not 0 */
    const struct json *one = json_at(json_get(root, "anomalies"), 0);
    assert_string_equal(json_str(one, "type", ""), "resource_exhaustion");
    assert_int_equal(json_len(json_get(json_get(one, "detail"), "actions")), 3);
    assert_string_equal(
        json_str(json_at(json_get(root, "recommendations"), 0), "text", ""), "make room");
    json_free(root);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_healthy),   T(test_engine),
        T(test_incidents), T(test_people_and_breakers),
        T(test_trust),     T(test_order_and_bound),
        T(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
