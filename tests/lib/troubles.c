/* SPDX-License-Identifier: MIT */
#include "tests/lib/troubles.h"

#include "tests/lib/cases.h"

#define MINUTE  60000
#define DAY     (24 * 60 * INT64_C(60000))
#define HOSTILE "| a \033[2Jb `c` <b>d</b> [e](http://f) @ada #1 \342\200\256g *h* _i_"

static struct wall ago(struct wall now, int64_t ms)
{
    return (struct wall){now.ms - ms};
}

static void put_incidents(struct store *store, struct wall now)
{
    struct incident_row rows[] = {
        {.id = 12,
         .severity = SEVERITY_HIGH,
         .cause = "service:github_api",
         .text = "github_api: 30% of the calls fail",
         .opened_at = ago(now,                        6 * DAY),
         .closed_at = ago(now,                                     6 * DAY - 40 * MINUTE),
         .n_anomalies = 2,
         .state = INCIDENT_RESOLVED,
         .owner = "grace",
         .note = "their status page was late"},
        {.id = 17,
         .severity = SEVERITY_HIGH,
         .cause = "service:github_api",
         .text = "github_api: 12% of the calls fail (and 1 more)",
         .opened_at = ago(now,                   14 * MINUTE),
         .n_anomalies = 2,
         .n_open = 1,
         .detail = "{\"affected\":[\"engine\",\"state:VALIDATING\"],\"evidence\":["
                   "\"12% of the calls fail\",\"VALIDATING takes 41m\"]}", .state = INCIDENT_ACKED,
         .owner = "ada",
         .note = "waiting for the limit to be reset",
         .claimed_by = "lin",
         .claimed_until = ago(now, -9 * MINUTE),
         .assignee = "grace",
         .links = "[\"wf-2207\",\"https://status.example.org/1\"]",
         .acked_at = ago(now, 11 * MINUTE)},
        {.id = 18,
         .severity = SEVERITY_LOW,
         .cause = "scrape:runner-3",
         .text = "runner-3: node_load1 is 3.1, expected 0.2 to 1.4",
         .opened_at = ago(now, 50 * MINUTE),
         .n_anomalies = 1,
         .n_open = 1,
         .inhibited_by = "silence:1"                                 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct incident_row row = rows[i];
        row.changed_at = row.opened_at;
        row.detail = row.detail != NULL ? row.detail : "{}";
        row.inhibited_by = row.inhibited_by != NULL ? row.inhibited_by : "";
        row.owner = row.owner != NULL ? row.owner : "";
        row.note = row.note != NULL ? row.note : "";
        row.claimed_by = row.claimed_by != NULL ? row.claimed_by : "";
        row.assignee = row.assignee != NULL ? row.assignee : "";
        row.links = row.links != NULL ? row.links : "";
        store_put_incident(store, &row);
        store_put_incident_ack(store, &row);
    }
}

static void put_anomalies(struct store *store, struct wall now)
{
    struct anomaly_row rows[] = {
        {.id = 41,
         .incident = 17,
         .type = ANOMALY_LEVEL_SHIFT,
         .severity = SEVERITY_HIGH,
         .began_at = ago(now,   16 * MINUTE),
         .opened_at = ago(now, 14 * MINUTE),
         .series = "service_error_ratio{service=\"github_api\"}",
         .component = "service:github_api",
         .value = 0.12,
         .low = 0,
         .high = 0.02,
         .score = 0.99,
         .text = "12% of the calls fail",
         .closed_by = ""},
        {.id = 42,
         .incident = 17,
         .type = ANOMALY_SEASONAL,
         .severity = SEVERITY_MEDIUM,
         .began_at = ago(now,   13 * MINUTE),
         .opened_at = ago(now, 12 * MINUTE),
         .closed_at = ago(now,                                    3 * MINUTE),
         .series = "workflow_time_in_state_seconds{state=\"VALIDATING\"}",
         .component = "state:VALIDATING",
         .value = 2460,
         .low = 720,
         .high = 1500,
         .score = 0.97,
         .text = "VALIDATING takes 41m",
         .closed_by = "recovered"},
        {.id = 43,
         .incident = 18,
         .type = ANOMALY_SPIKE,
         .severity = SEVERITY_LOW,
         .began_at = ago(now, 51 * MINUTE),
         .opened_at = ago(now,  50 * MINUTE),
         .series = "node_load1{instance=\"runner-3\"}",
         .component = "scrape:runner-3",
         .value = 3.1,
         .low = 0.2,
         .high = 1.4,
         .score = 0.8,
         .text = "node_load1 is 3.1",
         .closed_by = ""   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        rows[i].seen_at = rows[i].opened_at;
        rows[i].rule = "";
        rows[i].detail = "{}";
        store_put_anomaly(store, &rows[i]);
    }
}

static void put_workflows(struct store *store, struct wall now)
{
    static const struct {
        int64_t id;
        const char *repo;
        enum workflow_state state;
    } rows[] = {
        {2207, "payments-api", STATE_VALIDATING},
        {2209, "payments-api", STATE_PARKED    },
        {2210, "billing-api",  STATE_PARKED    },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        store_put_workflow(store,
                           &(struct workflow_row){.id = rows[i].id,
                                                  .pipeline = "web",
                                                  .repo = rows[i].repo,
                                                  .title = "Cache the price list lookups",
                                                  .submitter = "ada",
                                                  .priority = 5,
                                                  .state = rows[i].state,
                                                  .resume_state = STATE_PR_CREATED,
                                                  .iteration = 1,
                                                  .attempt = 1,
                                                  .created_at = ago(now, 60 * MINUTE),
                                                  .started_at = ago(now, 59 * MINUTE),
                                                  .state_since = ago(now, 12 * MINUTE),
                                                  .branch = "",
                                                  .base_sha = "",
                                                  .head_sha = "",
                                                  .merge_sha = "",
                                                  .reason = "",
                                                  .service = ""});
    }
}

static void put_events(struct store *store, struct wall now)
{
    const struct event_row rows[] = {
        {.at = ago(now,      6 * DAY),
         .kind = "breaker-open",
         .actor = "engine",
         .text = "github_api: long ago"                                 },
        {.at = ago(now,      14 * MINUTE),
         .kind = "breaker-open",
         .actor = "engine",
         .text = "github_api: 12 of 20 calls failed"                    },
        {.at = ago(now,      14 * MINUTE),
         .kind = "incident-opened",
         .actor = "monitor",
         .text = "incident 17 (high): github_api: 12% of the calls fail"},
        {.at = ago(now,      13 * MINUTE),
         .kind = "breaker-open",
         .actor = "engine",
         .text = "github: that is another service"                      },
        {.at = ago(now,      11 * MINUTE),
         .kind = "ack",
         .actor = "ada",
         .text = "incident 17 is looked after by ada"                   },
        {.at = ago(now,      11 * MINUTE),
         .kind = "note",
         .actor = "ada",
         .text = "incident 170: of another one"                         },
        {.at = ago(now,      10 * MINUTE),
         .workflow = 2209,
         .kind = "pause",
         .actor = "ada",
         .from = STATE_PR_CREATED,
         .to = STATE_PARKED,
         .text = "until the limit is reset"},
        {.at = ago(now, 9 * MINUTE),
         .workflow = 99,
         .kind = "pause",
         .actor = "ada",
         .from = STATE_CODING,
         .to = STATE_PARKED,
         .text = "has nothing to do with it"},
        {.at = ago(now,    8 * MINUTE),
         .kind = "breaker",
         .actor = "grace",
         .text = "the breaker of github_api is held open: quota"                            },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)store_add_event(store, &rows[i]);
    }
}

static void put_services(struct store *store, struct wall now)
{
    const struct service_row rows[] = {
        {.name = "github_api",
         .kind = "github",
         .state = BREAKER_FORCED_OPEN,
         .since = ago(now,   8 * MINUTE),
         .until = ago(now, -22 * MINUTE),
         .reason = "grace: quota"},
        {.name = "web_eval",
         .kind = "web_eval",
         .state = BREAKER_CLOSED,
         .since = ago(now, DAY),
         .reason = ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct service_row row = rows[i];
        row.detail = row.memo = "{}";
        row.updated_at = now;
        store_put_service(store, &row);
    }
}

static void put_past(struct store *store, struct wall now)
{
    (void)store_put_problem(store,
                            &(struct problem_row){.id = 1,
                                                  .cause = "service:github_api",
                                                  .class_ = CLASS_QUOTA,
                                                  .severity = SEVERITY_HIGH,
                                                  .text = "github_api: rate limit",
                                                  .opened_at = ago(now, 6 * DAY),
                                                  .seen_at = ago(now, 6 * DAY),
                                                  .closed_at = ago(now, 6 * DAY - 1),
                                                  .n_failures = 4,
                                                  .n_workflows = 3,
                                                  .incident = 12,
                                                  .rung = RUNG_BREAKER,
                                                  .detail = "{}"});
    (void)store_put_recovery(
        store, &(struct recovery_row){.id = 21,
                                      .problem = 1,
                                      .service = "github_api",
                                      .rung = RUNG_BREAKER,
                                      .number = 1,
                                      .status = RECOVERY_PASSED,
                                      .decider = DECIDER_RULES,
                                      .reason = "the limit is reset",
                                      .expected = "calls pass",
                                      .inverse = "",
                                      .outcome = "calls passed again",
                                      .asked_at = ago(now, 6 * DAY),
                                      .started_at = ago(now, 6 * DAY),
                                      .ended_at = ago(now, 6 * DAY - 30 * MINUTE)});
}

void troubles_put(struct store *store, struct arena *arena, struct wall now)
{
    cases_put(store, arena, now);
    put_past(store, now);
    put_incidents(store, now);
    put_anomalies(store, now);
    put_workflows(store, now);
    put_services(store, now);
    put_events(store, now);
    (void)store_put_silence(store,
                            &(struct silence_row){.match = "scrape:runner-*",
                                                  .author = "ada",
                                                  .reason = "it is moved",
                                                  .from = ago(now, 60 * MINUTE),
                                                  .until = ago(now, -MINUTE * 90)});
}

void troubles_put_hostile(struct store *store, struct arena *arena, struct wall now)
{
    struct incident_row row = {.id = 66,
                               .severity = SEVERITY_CRITICAL,
                               .cause = HOSTILE,
                               .text = HOSTILE,
                               .opened_at = ago(now, MINUTE),
                               .changed_at = ago(now, MINUTE),
                               .n_anomalies = 1,
                               .n_open = 1,
                               .inhibited_by = "",
                               .detail = "{\"affected\":[\"| x\",3,null],\"evidence\":7}",
                               .state = INCIDENT_ACKED,
                               .owner = HOSTILE,
                               .note = HOSTILE,
                               .claimed_by = HOSTILE,
                               .claimed_until = ago(now, -MINUTE),
                               .assignee = HOSTILE,
                               .links = "[\"| x\",3,\"<b>\"]",
                               .acked_at = now};
    (void)arena;
    store_put_incident(store, &row);
    store_put_incident_ack(store, &row);
    (void)store_put_problem(store, &(struct problem_row){.id = 66,
                                                         .cause = HOSTILE,
                                                         .class_ = CLASS_UNKNOWN,
                                                         .severity = SEVERITY_HIGH,
                                                         .text = HOSTILE,
                                                         .opened_at = now,
                                                         .seen_at = now,
                                                         .n_failures = 1,
                                                         .n_workflows = 1,
                                                         .incident = 66,
                                                         .rung = RUNG_COUNT,
                                                         .detail = "[]"});
    (void)store_put_failure(store, &(struct failure_row){.id = 66,
                                                         .at = now,
                                                         .workflow = 66,
                                                         .problem = 66,
                                                         .step = HOSTILE,
                                                         .repo = HOSTILE,
                                                         .provider = HOSTILE,
                                                         .text = HOSTILE,
                                                         .rule = HOSTILE,
                                                         .cause = HOSTILE,
                                                         .labelled_by = "",
                                                         .detail = "not json"});
}
