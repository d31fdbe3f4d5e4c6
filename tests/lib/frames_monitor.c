/* SPDX-License-Identifier: MIT */
#include "tests/lib/frames.h"

#include <math.h>

#include "engine/monitor/cards.h"
#include "engine/monitor/health.h"
#include "tui/health_read.h"

#define MINUTE 60000

static struct wall ago(int64_t ms)
{
    return (struct wall){frames_now().ms - ms};
}

static const struct incident_row incidents[] = {
    {.id = 17,
     .severity = SEVERITY_HIGH,
     .cause = "service:github",
     .text = "github: 12% of the calls fail, expected 0% to 2%",
     .n_anomalies = 3,
     .n_open = 2,
     .inhibited_by = "",
     .detail =
         "{\"affected\":[\"service:github\",\"engine\"],\"evidence\":[\"errors rose "
         "at 13:41\",\"VALIDATING takes longer\"]}", .state = INCIDENT_ACKED,
     .owner = "ada",
     .note = "their status page is yellow"},
    {.id = 18,
     .severity = SEVERITY_LOW,
     .cause = "scrape:runner-3",
     .text = "runner-3: node_load1 is 3.1, expected 0.2 to 1.4",
     .n_anomalies = 1,
     .n_open = 1,
     .inhibited_by = "silence:4",
     .detail = "{}",
     .state = INCIDENT_OPEN,
     .owner = "",
     .note = ""                           },
};

static const struct anomaly_row anomalies[] = {
    {.id = 41,
     .incident = 17,
     .type = ANOMALY_LEVEL_SHIFT,
     .severity = SEVERITY_HIGH,
     .series = "service_error_ratio{service=\"github\"}",
     .component = "service:github",
     .value = 0.12,
     .low = 0,
     .high = 0.02,
     .score = 0.99,
     .text = "12% of the calls fail",
     .rule = "",
     .closed_by = "",
     .detail =
         "{\"contributing\":[{\"series\":\"service_latency_seconds{service=\\\"github"
         "\\\"}\",\"score\":0.9,\"value\":4.2}],\"similar\":[{\"id\":12,\"at\":\"2026-11-"
         "15T"
         "08:02:11Z\",\"text\":\"\",\"closed_by\":\"recovered\",\"lasted_s\":1260}],"
         "\"actions\":[\"look at the status page of the service\",\"signalbox breaker "
         "github open --for 10m\"]}"},
    {.id = 40,
     .incident = 17,
     .type = ANOMALY_SEASONAL,
     .severity = SEVERITY_MEDIUM,
     .series = "workflow_time_in_state_seconds{state=\"VALIDATING\"}",
     .component = "state:VALIDATING",
     .value = 2460,
     .low = 720,
     .high = 1500,
     .score = 0.97,
     .text = "VALIDATING takes 41m",
     .rule = "",
     .closed_by = "recovered",
     .detail = "{}"                 },
};

static const struct health_outlook predictions[] = {
    {.what = "wf-2210 fails",
     .text = "same branch failed last; change is large",
     .unit = "ratio",
     .value = 0.81,
     .is_trusted = true,
     .n = 214,
     .skill = 0.31,
     .verdict = "trusted"                                },
    {.what = "wf-2207 fails unit tests",
     .text = "this step failed 3 of the last 10 times",
     .unit = "ratio",
     .value = 0.34,
     .is_trusted = false,
     .n = 38,
     .skill = -0.05,
     .verdict = "not trusted yet: fewer than 50 outcomes"},
};

static const struct health_outlook forecasts[] = {
    {.what = "disk_used_ratio{folder=\"/var\"}",
     .text = "within",
     .unit = "days",
     .value = 6.2,
     .low = 4,
     .high = 9.1,
     .p_within = 0.92,
     .limit = 1,
     .used = 0.91,
     .is_trusted = true,
     .n = 812,
     .skill = 0.2,
     .verdict = "trusted"                                },
    {.what = "limit_used_ratio{limit=\"max_running\"}",
     .text = "beyond",
     .unit = "days",
     .value = (double)INFINITY,
     .low = (double)INFINITY,
     .high = (double)INFINITY,
     .p_within = 0.03,
     .limit = 1,
     .used = 0.4,
     .is_trusted = false,
     .n = 12,
     .skill = -0.1,
     .verdict = "not trusted yet: fewer than 50 outcomes"},
};

static struct health_metric metrics[] = {
    {FAMILY_WORKFLOW,
     "workflow_active",                "",
     "engine",           "",
     11,   4,
     20,          {0},
     HEALTH_METRIC_OK       },
    {FAMILY_WORKFLOW,
     "workflow_time_in_state_seconds", "state=\"VALIDATING\"",
     "state:VALIDATING", "seconds",
     2460, 720,
     1500,        {0},
     HEALTH_METRIC_ANOMALOUS},
    {FAMILY_RESOURCE,
     "host_memory_used_ratio",         "",
     "host",             "ratio",
     0.62, (double)NAN,
     (double)NAN,
     {0},
     HEALTH_METRIC_OK       },
    {FAMILY_RESOURCE,
     "host_pressure_ratio",            "kind=\"some\",resource=\"cpu\"",
     "host",             "ratio",
     0.04, (double)NAN,
     (double)NAN,
     {0},
     HEALTH_METRIC_STALE    },
};

static const char *reasons[] = {"incident 17, high: github: 12% of the calls fail"};

static struct health_advice advice[] = {
    {SEVERITY_HIGH,   "service:github", "look at the status page of the service",
     "github: 12% of the calls fail, expected 0% to 2%",                                              17},
    {SEVERITY_MEDIUM, "host",           "make room on /var within 4 days",        "full in 6.2 days", 0 },
};

static struct health *make_health(struct arena *arena)
{
    struct health *health = arena_alloc(arena, sizeof *health);
    struct incident_row *rows = arena_array(arena, ARRAY_LEN(incidents), sizeof *rows);
    struct health_metric *levels = arena_array(arena, ARRAY_LEN(metrics), sizeof *levels);
    for (size_t i = 0; i < ARRAY_LEN(incidents); i++) {
        rows[i] = incidents[i];
        rows[i].claimed_by = rows[i].assignee = rows[i].links = "";
        rows[i].opened_at = ago((int64_t)(i + 1) * 21 * MINUTE);
    }
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        levels[i] = metrics[i];
        levels[i].at = ago(i == 3 ? 25 * MINUTE : 4000);
    }
    *health = (struct health){
        .at = frames_now(),
        .metrics = levels,
        .n_metrics = ARRAY_LEN(metrics),
        .incidents = rows,
        .n_incidents = ARRAY_LEN(incidents),
        .predictions = predictions,
        .n_predictions = ARRAY_LEN(predictions),
        .forecasts = forecasts,
        .n_forecasts = ARRAY_LEN(forecasts),
        .has_engine = true,
        .engine_fault = "",
        .monitor_at = ago(4000),
        .n_series = 1204,
        .status = HEALTH_DEGRADED,
        .reasons = reasons,
        .n_reasons = ARRAY_LEN(reasons),
        .advice = advice,
        .n_advice = ARRAY_LEN(advice),
    };
    return health;
}

static struct monitor_cards *make_cards(struct arena *arena)
{
    struct monitor_cards *cards = arena_alloc(arena, sizeof *cards);
    cards->max_running = 50;
    cards->history = (struct queueing_history){
        .n = 240,
        .load = {.arrival_rate = 61.0 / 3600,
                 .service = 2460,
                 .scv_arrival = 1.2,
                 .scv_service = 0.8},
        .wait = 190,
        .wait_p90 = 600,
    };
    for (int i = 0; i < 120; i++) {
        bool has_failed = i % 5 == 0;
        scorecard_add(&cards->cards[MODEL_WORKFLOW], has_failed ? 0.6 : 0.1, has_failed);
        scorecard_add_duration(&cards->cards[MODEL_WORKFLOW], 100, 60, 140,
                               i % 6 == 0 ? 150 : 100);
    }
    for (int i = 0; i < 38; i++)
        scorecard_add(&cards->cards[MODEL_STEP], 0.3, i % 4 == 0);
    return cards;
}

const struct frame *frames_monitor(void)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_busy();
    struct arena *arena = frame_arena(frame);
    struct health *health = make_health(arena);
    struct frame_incident *one = arena_alloc(arena, sizeof *one);
    struct anomaly_row *rows = arena_array(arena, ARRAY_LEN(anomalies), sizeof *rows);
    for (size_t i = 0; i < ARRAY_LEN(anomalies); i++) {
        rows[i] = anomalies[i];
        rows[i].began_at = rows[i].opened_at = ago((int64_t)(i + 21) * MINUTE);
        if (i > 0)
            rows[i].closed_at = ago(5 * MINUTE);
    }
    one->row = health->incidents[0];
    one->has_row = true;
    one->anomalies = rows;
    one->n_anomalies = ARRAY_LEN(anomalies);
    frame->health = health;
    frame->cards = make_cards(arena);
    frame->incident = one;
    struct frame_overview *over = (struct frame_overview *)(uintptr_t)frame->overview;
    over->incidents = health->incidents;
    over->n_incidents = health->n_incidents;
    const struct health_outlook *near[FRAME_COMING_MAX];
    struct health_outlook *coming = arena_array(arena, FRAME_COMING_MAX, sizeof *coming);
    over->n_coming = health_coming(health, near, FRAME_COMING_MAX);
    for (size_t i = 0; i < over->n_coming; i++)
        coming[i] = *near[i];
    over->coming = coming;
    return frame;
}

const struct frame *frames_coming(void)
{
    struct frame *frame = (struct frame *)(uintptr_t)frames_monitor();
    struct frame_overview *over = (struct frame_overview *)(uintptr_t)frame->overview;
    over->n_incidents = 0;
    over->needs.n = over->wrong.n = 0;
    return frame;
}
