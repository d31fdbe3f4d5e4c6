/* SPDX-License-Identifier: MIT */
/* Limits, quota, budget, latency, mesh, and the gate that joins them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/resilience/gate.h"

#define BEGIN 1000000000000

static const struct rate_call reading = {0};
static const struct rate_call writing = {.is_write = true};
static const struct rate_call creating = {.is_write = true, .is_create = true};
static const struct rate_call operators = {.is_operators = true};

static struct wall at(int64_t ms)
{
    return (struct wall){BEGIN + ms};
}

static struct gate_settings settings(void)
{
    return (struct gate_settings){
        .breaker = {.failures = 3,
                    .open = {10000},
                    .open_max = {60000},
                    .half_open_calls = 1,
                    .half_open_max = {20000}},
        .concurrency = 2,
        .queue = 2,
        .queue_time = {30000},
        .retry_percent = 20,
        .reserve_percent = 10
    };
}

/* However calls come, no stretch of the window's length holds more than its maximum. */
static void no_stretch_holds_more(void **state)
{
    (void)state;
    struct gate_settings set = settings();
    struct rate rate;
    struct rng rng;
    int64_t taken[4000];
    int n = 0;
    set.rate = 60;
    set.rate_time.ms = 30000;
    rate_init(&rate, &set);
    rng_init(&rng, 7);
    for (int64_t now = 0; now < 600000 && n < 4000;
         now += (int64_t)rng_below(&rng, 700)) {
        for (int burst = (int)rng_below(&rng, 9); burst > 0 && n < 4000; burst--) {
            struct wall when = rate_at(&rate, &reading, at(now));
            if (when.ms <= at(now).ms) {
                rate_take(&rate, &reading, at(now));
                taken[n++] = now;
            } else {
                /* and what it says is true */
                assert_true(rate_at(&rate, &reading, when).ms <= when.ms);
            }
        }
    }
    assert_true(n > 900); /* nor does it allow much less: 1200 is the most */
    for (int i = 60; i < n; i++) {
        assert_true(taken[i] - taken[i - 60] >= 30000);
    }
}

static void creations_and_writes(void **state)
{
    (void)state;
    struct gate_settings set = settings();
    struct rate rate;
    set.create_rate = 2;
    set.create_time.ms = 60000;
    set.write_pause.ms = 1000;
    rate_init(&rate, &set);
    rate_take(&rate, &creating, at(0));
    assert_int_equal(rate_creates_left(&rate, at(0)), 1);
    assert_int_equal(rate_at(&rate, &writing, at(1)).ms, at(1000).ms);
    assert_int_equal(rate_at(&rate, &reading, at(1)).ms, at(1).ms);
    rate_take(&rate, &creating, at(1000));
    assert_int_equal(rate_creates_left(&rate, at(1000)), 0);
    assert_true(rate_at(&rate, &creating, at(2000)).ms >= at(60000).ms);
    assert_int_equal(rate_at(&rate, &writing, at(2000)).ms, at(2000).ms);
}

static void the_quota_keeps_a_reserve(void **state)
{
    (void)state;
    struct gate_settings set = settings();
    struct rate rate;
    rate_init(&rate, &set);
    struct rate_answer answer = {.status = 200,
                                 .limit = "100",
                                 .remaining = "11",
                                 .reset = "1000000060",
                                 .resource = "core"};
    assert_false(rate_told(&rate, &answer, at(0)));
    rate_take(&rate, &reading, at(0));
    assert_int_equal(rate_at(&rate, &reading, at(0)).ms, at(60000).ms); /* 10 are kept */
    assert_int_equal(rate_at(&rate, &operators, at(0)).ms, at(0).ms);
    const struct rate_call graph = {.resource = RATE_GRAPHQL};
    assert_int_equal(rate_at(&rate, &graph, at(0)).ms, at(0).ms);
    rate_give_back(&rate, RATE_CORE); /* it was a 304 */
    assert_int_equal(rate_at(&rate, &reading, at(0)).ms, at(0).ms);
    assert_int_equal(rate_at(&rate, &reading, at(60000)).ms, at(60000).ms);
    rate_take(&rate, &reading, at(60000)); /* a new period */
    assert_int_equal(rate.quotas[RATE_CORE].remaining, 99);
    answer.resource = "code_scanning_upload"; /* of no call of ours */
    answer.remaining = "0";
    (void)rate_told(&rate, &answer, at(60000));
    assert_int_equal(rate.quotas[RATE_CORE].remaining, 99);
    answer.resource = "core"; /* recorded answers have milliseconds */
    answer.reset = "1000000090000";
    (void)rate_told(&rate, &answer, at(60000));
    assert_int_equal(rate.quotas[RATE_CORE].reset_at.ms, at(90000).ms);
}

static void limits_of_the_service(void **state)
{
    (void)state;
    struct gate_settings set = settings();
    struct rate rate;
    struct wall when;
    rate_init(&rate, &set);
    struct rate_answer answer = {.status = 403, .body = "Resource not accessible"};
    assert_false(rate_told(&rate, &answer, at(0))); /* that is a permission */
    answer.retry_after = "30";
    assert_true(rate_told(&rate, &answer, at(0)));
    assert_int_equal(rate_at(&rate, &operators, at(0)).ms, at(30000).ms);
    /* secondary, without a time: a minute, then two */
    rate_init(&rate, &set);
    answer = (struct rate_answer){.status = 403,
                                  .body = "You have exceeded a secondary rate limit."};
    assert_true(rate_told(&rate, &answer, at(0)));
    assert_int_equal(rate.hold.ms, at(60000).ms);
    assert_true(rate_told(&rate, &answer, at(60000)));
    assert_int_equal(rate.hold.ms, at(180000).ms);
    /* primary: the reset, for this resource alone */
    rate_init(&rate, &set);
    answer = (struct rate_answer){.status = 403,
                                  .limit = "60",
                                  .remaining = "0",
                                  .reset = "1000000100",
                                  .resource = "search"};
    assert_true(rate_told(&rate, &answer, at(0)));
    assert_int_equal(rate_at(&rate, &reading, at(0)).ms, at(0).ms);
    const struct rate_call search = {.resource = RATE_SEARCH};
    assert_int_equal(rate_at(&rate, &search, at(0)).ms, at(100000).ms);

    assert_true(rate_retry_after("Sun, 09 Sep 2001 01:47:00 GMT", at(0), &when));
    assert_int_equal(when.ms, at(20000).ms);
    assert_true(rate_retry_after("99999999999", at(0), &when));
    assert_int_equal(when.ms, at(RATE_HOLD_MAX.ms).ms);
    assert_false(rate_retry_after("-1", at(0), &when));
    assert_false(rate_retry_after("soon", at(0), &when));
    assert_false(rate_retry_after("Sun, 09 Xep 2001 01:47:00 GMT", at(0), &when));
    assert_false(rate_retry_after("", at(0), &when));
}

static void a_budget_for_repetitions(void **state)
{
    (void)state;
    struct retry retry;
    int n = 0;
    retry_init(&retry, 20);
    assert_int_equal(retry_left_percent(&retry, at(0)), 100); /* nothing was used yet */
    while (retry_take(&retry, at(0))) {
        n++;
    }
    assert_int_equal(n, RETRY_FLOOR); /* nothing was paid in */
    assert_int_equal(retry_left_percent(&retry, at(0)), 0);
    for (int i = 0; i < 50; i++) {
        retry_succeeded(&retry);
    }
    for (n = 0; retry_take(&retry, at(1)); n++) {
    }
    assert_int_equal(n, 10); /* 20 % of 50 */
    for (int i = 0; i < 100000; i++) {
        retry_succeeded(&retry);
    }
    assert_int_equal(retry_left_percent(&retry, at(20000)), 100);
    for (n = 0; retry_take(&retry, at(20000)); n++) {
    }
    assert_int_equal(n, RETRY_MAX + RETRY_FLOOR);
    retry_init(&retry, 0);
    assert_false(retry_take(&retry, at(0)));
}

static void pauses_are_bounded(void **state)
{
    (void)state;
    struct rng rng;
    struct span pause = {0};
    int64_t most = 0;
    rng_init(&rng, 3);
    for (int i = 0; i < 1000; i++) {
        struct span before = pause;
        pause = backoff_next(pause, (struct span){100}, (struct span){5000}, &rng);
        assert_true(pause.ms >= 100 && pause.ms <= 5000);
        assert_true(pause.ms <= (before.ms > 100 ? before.ms : 100) * 3);
        most = pause.ms > most ? pause.ms : most;
    }
    assert_int_equal(most, 5000);
}

static void quantiles(void **state)
{
    (void)state;
    struct latency latency;
    latency_init(&latency);
    assert_int_equal(latency_sum(&latency, at(0)).p50, -1);
    for (int64_t ms = 1; ms <= 1000; ms++) {
        latency_record(&latency, (struct span){ms}, at(ms));
    }
    struct latency_sum sum = latency_sum(&latency, at(1000));
    assert_int_equal(sum.n, 1000);
    assert_true(sum.p50 >= 500 && sum.p50 <= 563);
    assert_true(sum.p95 >= 950 && sum.p95 <= 1069);
    assert_true(sum.p99 >= 990 && sum.p99 <= 1114);
    assert_int_equal(latency_sum(&latency, at(6 * 60000)).n, 0); /* old */
    latency_record(&latency, (struct span){INT64_MAX}, at(0));
    latency_record(&latency, (struct span){-5}, at(0));
}

static void the_limit_follows_the_latency(void **state)
{
    (void)state;
    struct limit limit;
    limit_init(&limit, 1, 100);
    for (int i = 0; i < 500; i++) {
        limit_record(&limit, (struct span){20}, limit_get(&limit), false);
    }
    assert_int_equal(limit_get(&limit), 100);
    for (int i = 0; i < 100; i++) { /* a queue builds up over there */
        limit_record(&limit, (struct span){400}, limit_get(&limit), false);
    }
    assert_true(limit_get(&limit) < 60);
    for (int i = 0; i < 100; i++) {
        limit_record(&limit, (struct span){0}, 1, true);
    }
    assert_int_equal(limit_get(&limit), 1);
    limit_record(&limit, (struct span){20}, 0, false); /* idle: says nothing */
    for (int i = 0; i < 2000; i++) {
        limit_record(&limit, (struct span){20}, limit_get(&limit), false);
    }
    assert_true(limit_get(&limit) > 50);
}

static int envoy(const char *hosts)
{
    char *body = mem_printf("{\"cluster_statuses\":[{\"name\":\"other\"},{\"name\":\"c\","
                            "\"host_statuses\":[%s]}]}",
                            hosts);
    int percent = mesh_envoy_percent(body, strlen(body), "c");
    free(body);
    return percent;
}

static int prometheus(const char *data)
{
    char *body = mem_printf("{\"status\":\"success\",\"data\":%s}", data);
    int percent = mesh_prometheus_percent(body, strlen(body));
    free(body);
    return percent;
}

static void what_the_mesh_says(void **state)
{
    (void)state;
    struct span span = {0};
    const char *fine = "{\"health_status\":{\"eds_health_status\":\"HEALTHY\"}}";
    assert_int_equal(envoy(""), MESH_UNKNOWN);
    assert_int_equal(envoy(fine), 100);
    assert_int_equal(envoy("{\"health_status\":{\"failed_outlier_check\":true}},"
                           "{\"health_status\":{\"eds_health_status\":\"DRAINING\"}}"),
                     0);
    assert_int_equal(envoy("{\"health_status\":{\"failed_outlier_check\":true}},{}"), 50);
    assert_int_equal(mesh_envoy_percent("[", 1, "c"), MESH_UNKNOWN);
    assert_int_equal(
        prometheus("{\"resultType\":\"vector\",\"result\":[{\"value\":[1,\"0.75\"]},"
                   "{\"value\":[1,\"0.5\"]},{\"value\":[1,\"NaN\"]}]}"),
        50);
    assert_int_equal(prometheus("{\"resultType\":\"scalar\",\"result\":[1,\"0\"]}"), 0);
    assert_int_equal(prometheus("{\"resultType\":\"vector\",\"result\":[]}"),
                     MESH_UNKNOWN);
    assert_int_equal(prometheus("{\"resultType\":\"scalar\",\"result\":[1,\"0.001\"]}"),
                     1);
    assert_true(mesh_expected("1500", &span));
    assert_int_equal(span.ms, 1500);
    assert_false(mesh_expected("0", &span));
    assert_false(mesh_expected("1s", &span));
    assert_false(mesh_expected(NULL, &span));
}

static void the_gate_joins_them(void **state)
{
    (void)state;
    struct gate_settings set = settings();
    struct gate gate;
    gate_init(&gate, &set, true, 1, at(0));
    struct gate_verdict one = gate_admit(&gate, &reading, at(0));
    struct gate_verdict two = gate_admit(&gate, &reading, at(0));
    assert_int_equal(one.answer, GATE_GO);
    assert_int_equal(two.answer, GATE_GO);
    assert_int_equal(gate_admit(&gate, &reading, at(0)).answer, GATE_FULL);
    gate_record(&gate, one.ticket, OUTCOME_OK, false, (struct span){20}, at(20));
    gate_record(&gate, two.ticket, OUTCOME_OK, false, (struct span){20}, at(20));
    const struct rate_answer busy = {.status = 503, .retry_after = "25"};
    assert_false(gate_told(&gate, &busy, at(20)));
    struct gate_verdict three = gate_admit(&gate, &reading, at(30));
    assert_int_equal(three.answer, GATE_LATER);
    assert_int_equal(three.until.ms, at(25020).ms);
    assert_true(gate_is_open_to(&gate, at(30))); /* short enough to wait for */
    for (int i = 0; i < 3; i++) {
        three = gate_admit(&gate, &reading, at(30000));
        gate_record(&gate, three.ticket, gate_judge(502), false, (struct span){1},
                    at(30000));
    }
    assert_int_equal(gate_admit(&gate, &reading, at(30001)).answer, GATE_CLOSED);
    assert_false(gate_is_open_to(&gate, at(30001)));
    assert_int_equal(gate.bulkhead.in_flight, 0);
    assert_int_equal(gate_judge(404), OUTCOME_OK);
    assert_int_equal(gate_judge(429), OUTCOME_NEUTRAL);
}

/* What was counted and what is under way stays; settings back are exactly as before. */
static void a_live_gate_is_tuned(void **state)
{
    (void)state;
    struct gate_settings set = settings();
    struct gate gate;
    gate_init(&gate, &set, true, 1, at(0));
    struct gate_verdict one = gate_admit_work(&gate, at(0));
    struct gate_verdict two = gate_admit_work(&gate, at(0));
    assert_int_equal(gate_admit_work(&gate, at(0)).answer, GATE_FULL);
    gate_record(&gate, one.ticket, OUTCOME_FAILURE, false, (struct span){1}, at(1));
    struct gate_settings tuned = set;
    tuned.concurrency = 3;
    tuned.breaker.failures = 2;
    tuned.breaker.open.ms = 90000;
    gate_tune(&gate, &tuned);
    assert_int_equal(gate.bulkhead.in_flight, 1);
    assert_int_equal(gate_admit_work(&gate, at(2)).answer, GATE_GO);
    assert_int_equal(gate_admit_work(&gate, at(2)).answer, GATE_GO);
    assert_int_equal(gate_admit_work(&gate, at(2)).answer, GATE_FULL);
    /* The failure before counts: with this one there are two. */
    gate_record(&gate, two.ticket, OUTCOME_FAILURE, false, (struct span){1}, at(3));
    assert_int_equal(gate.breaker.state, BREAKER_OPEN);
    assert_int_equal(gate.breaker.until.ms, at(90003).ms);
    gate_tune(&gate, &set);
    assert_int_equal(gate.breaker.settings.open.ms, 10000);
    assert_int_equal(gate.breaker.settings.open_max.ms, 60000);
    assert_int_equal(gate.breaker.settings.failures, 3);
    assert_int_equal(gate.bulkhead.limit, 2);
    assert_int_equal(gate.bulkhead.in_flight, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_stretch_holds_more),
        cmocka_unit_test(creations_and_writes),
        cmocka_unit_test(the_quota_keeps_a_reserve),
        cmocka_unit_test(limits_of_the_service),
        cmocka_unit_test(a_budget_for_repetitions),
        cmocka_unit_test(pauses_are_bounded),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(the_limit_follows_the_latency),
        cmocka_unit_test(what_the_mesh_says),
        cmocka_unit_test(the_gate_joins_them),
        cmocka_unit_test(a_live_gate_is_tuned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
