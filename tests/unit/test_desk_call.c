/* SPDX-License-Identifier: MIT */
/* Calls of the desk: repetition, hedging, limits, probes, mesh, deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/resilience/retry.h"
#include "store/service_detail.h"
#include "tests/lib/room.h"

static void perform(struct room *room, int64_t workflow, const char *memo)
{
    struct desk_task *task = room_task(workflow, EFFECT_CODE, "agent_a", NULL);
    if (memo != NULL) {
        task->memo = mem_str(memo);
        task->memo_provider = mem_str("agent_a");
    }
    desk_perform(room->desk, task, room->now);
}

static const char made[] = "{\"phase\":\"made\"}";

static void expect_nothing(struct room *room)
{
    struct desk_out out = room_next(room);
    assert_int_equal(out.kind, DESK_NONE);
}

static const char *header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

static void reads_are_repeated_and_writes_are_not(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room.services[0].gate.retries = 2;
    room.services[0].gate.breaker.failures = 9;
    room_open_desk(&room);
    perform(&room, 1, made);
    for (int i = 0; i < 3; i++) { /* and the third is the last */
        room_serve(&room, "things.get", i == 1 ? HTTP_LOST : HTTP_FINE, 503, "");
        expect_nothing(&room);
        room_tick(&room, 1000);
    }
    expect_nothing(&room); /* its op sleeps */
    assert_int_equal(desk_len(room.desk), 1);
    perform(&room, 2, NULL);
    room_serve(&room, "things.create", HTTP_TIMEOUT, 0, "");
    room_tick(&room, 1000);
    expect_nothing(&room); /* perhaps it was done: the op looks when it wakes */
    perform(&room, 3, NULL);
    room_serve(&room, "things.create", HTTP_UNREACHED, 0, "");
    room_tick(&room, 1000);
    room_serve(&room, "things.create", HTTP_FINE, 201, ""); /* it was not sent at all */
    room_close(&room);
}

static void repetitions_have_a_budget(void **state)
{
    (void)state;
    struct room room;
    int n = 0;
    room_open(&room);
    room.services[0].gate.retries = 20;
    room.services[0].gate.retry_max.ms = 1;
    room.services[0].gate.retry_min.ms = 1;
    room.services[0].gate.breaker.failures = 0; /* the breaker is off */
    room_open_desk(&room);
    perform(&room, 1, made);
    for (struct desk_out out = room_next(&room); out.kind == DESK_CALL;
         out = room_next(&room)) {
        int64_t call = out.call;
        room_out_free(&out);
        room_answer(&room, call, HTTP_LOST, 0, "");
        room_tick(&room, 1);
        n++;
    }
    assert_int_equal(n, 1 + RETRY_FLOOR);
    room_close(&room);
}

static void a_mesh_that_repeats_is_left_alone(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room.services[0].gate.retries = 5;
    room.services[0].mesh.retries = MESH_RETRIES_MESH;
    room.services[0].mesh.sends_headers = true;
    room_open_desk(&room);
    perform(&room, 1, made);
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_CALL);
    assert_int_equal(out.time.ms, 10000);
    assert_string_equal(header(out.request, "x-envoy-upstream-rq-timeout-ms"), "10000");
    const char *trace = header(out.request, "traceparent");
    assert_non_null(trace);
    assert_int_equal(strlen(trace), 55);
    int64_t call = out.call;
    room_out_free(&out);
    room_answer(&room, call, HTTP_FINE, 503, "");
    room_tick(&room, 5000);
    expect_nothing(&room);
    room_close(&room);
}

static void a_slow_read_is_hedged(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room.services[0].gate.hedge.ms = 500;
    room_open_desk(&room);
    perform(&room, 1, made);
    int64_t first = room_call(&room, "things.get");
    room_tick(&room, 499);
    expect_nothing(&room);
    room_tick(&room, 1);
    int64_t second = room_call(&room, "things.get");
    assert_true(second != first);
    room_answer(&room, second, HTTP_FINE, 200, "done");
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_CANCEL);
    assert_int_equal(out.call, first);
    effect_result_free(room_result(&room));
    room_answer(&room, first, HTTP_FINE, 200, "done"); /* too late, and harmless */
    /* one fails, its twin is waited for */
    perform(&room, 2, made);
    first = room_call(&room, "things.get");
    room_tick(&room, 500);
    second = room_call(&room, "things.get");
    room_answer(&room, first, HTTP_LOST, 0, "");
    expect_nothing(&room);
    room_tick(&room, 16000); /* which the shell has forgotten */
    out = room_next(&room);
    assert_int_equal(out.kind, DESK_CANCEL);
    assert_int_equal(out.call, second);
    perform(&room, 3, NULL); /* a write never */
    (void)room_call(&room, "things.create");
    room_tick(&room, 600);
    expect_nothing(&room);
    room_close(&room);
}

static void writes_keep_apart(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room.services[0].gate.write_pause.ms = 1000;
    room_open_desk(&room);
    perform(&room, 1, NULL);
    perform(&room, 2, NULL);
    perform(&room, 3, made);
    (void)room_call(&room, "things.create");
    (void)room_call(&room, "things.get"); /* the read behind it does not wait */
    expect_nothing(&room);
    struct wall wake = desk_wake_at(room.desk);
    assert_true(wake.ms <= room_at(1000).ms);
    room_tick(&room, 1000);
    expect_nothing(&room); /* both places are taken */
    room_close(&room);
}

static void a_probe_closes_the_breaker(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room.services[0].gate.breaker.probe.ms = 5000;
    room_open_desk(&room);
    perform(&room, 1, made);
    for (int i = 0; i < 3; i++) {
        room_serve(&room, "things.get", HTTP_UNREACHED, 0, "");
        if (i < 2) {
            room_tick(&room, 10000);
        }
    }
    room_tick(&room, 5000);
    room_serve(&room, "probe", HTTP_UNREACHED, 0, ""); /* still ill */
    room_tick(&room, 5000);
    room_serve(&room, "probe", HTTP_FINE, 200, "<p>back soon</p>"); /* of a proxy */
    room_tick(&room, 5000);
    int64_t probe = room_call(&room, "probe");
    room_answer(&room, probe, HTTP_FINE, 401, ""); /* it lives, whatever it says */
    room_tick(&room, 10000);
    room_serve(&room, "things.get", HTTP_FINE, 200, "done");
    effect_result_free(room_result(&room));
    room_close(&room);
}

/* Something in front of the service is in maintenance, and says so with 200. */
static void a_page_is_no_answer(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room.services[0].gate.retries = 0;
    room.services[0].gate.breaker.probe.ms = 5000;
    room_open_desk(&room);
    perform(&room, 1, made);
    for (int i = 0; i < 3; i++) {
        room_serve(&room, "things.get", HTTP_FINE, 200, "<html>back soon</html>");
        room_tick(&room, i < 2 ? 10000 : 5000);
    }
    (void)room_call(&room, "probe"); /* the breaker is open */
    expect_nothing(&room);
    room_close(&room);
}

static void an_operator_probes(void **state)
{
    (void)state;
    struct room room;
    struct desk_out out;
    char name[] = "agent_a", box[] = "box", ann[] = "ann";
    bool is_told = false;
    room_open(&room);
    room_open_desk(&room);
    struct service_order order = {.service = name, .is_probe = true, .actor = ann};
    desk_order(room.desk, &order, room.now);
    room_serve(&room, "probe", HTTP_FINE, 200, "");
    while (desk_next(room.desk, &out)) {
        if (out.kind == DESK_REPORT && strcmp(out.report->event, "service-probe") == 0) {
            is_told = strcmp(out.report->actor, "ann") == 0;
        }
        room_out_free(&out);
    }
    assert_true(is_told);
    order.service = box; /* nothing to probe: said, and no call */
    desk_order(room.desk, &order, room.now);
    expect_nothing(&room);
    room_close(&room);
}

/* What the report of a probe's answer says of the end of the token; -1: nothing. */
static int64_t token_end_of(struct room *room, const char *said)
{
    static const char name[] = "github-authentication-token-expiration";
    char service[] = "agent_a";
    struct service_order order = {.service = service, .is_probe = true};
    struct desk_out out;
    int64_t end = -1;
    desk_order(room->desk, &order, room->now);
    struct desk_out call = room_next(room);
    assert_int_equal(call.kind, DESK_CALL);
    struct http_response *response = http_response_new(HTTP_FINE, 200);
    if (said != NULL) {
        http_response_header(response, name, strlen(name), said, strlen(said));
    }
    desk_answer(room->desk, call.call, response, room->now);
    room_out_free(&call);
    while (desk_next(room->desk, &out)) {
        if (out.kind == DESK_REPORT) {
            struct arena *arena = arena_new();
            struct service_detail detail;
            service_detail_parse(arena, out.report->row.detail, &detail);
            end = wall_is_set(detail.token_end) ? detail.token_end.ms : -1;
            arena_free(arena);
        }
        room_out_free(&out);
    }
    return end;
}

static void a_token_that_ends(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        int64_t end;
    } cases[] = {
        {NULL,                         -1           },
        {"2026-12-01 10:00:00 UTC",    1796119200000},
        {"2026-12-01 10:00:00 +0130",  1796113800000},
        {"2026-12-01 10:00:00 -0700",  1796144400000},
        {"",                           -1           },
        {"2026-12-01",                 -1           },
        {"2026-12-01 10:00:00 +07",    -1           },
        {"next year or so, perhaps",   -1           },
        {"0000000000000000000000 1 2", -1           },
    };
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(token_end_of(&room, cases[i].said), cases[i].end);
    }
    room_close(&room);
}

static void the_mesh_is_believed(void **state)
{
    (void)state;
    struct room room;
    char admin[] = "http://127.0.0.1:9901", prometheus[] = "http://127.0.0.1:9090",
         query[] = "up{a=\"b\"}";
    room_open(&room);
    room.services[0].mesh.envoy_admin = admin;
    room.services[0].mesh.interval.ms = 15000;
    room.services[1].mesh.prometheus = prometheus;
    room.services[1].mesh.query = query;
    room.services[1].mesh.interval.ms = 15000;
    room_open_desk(&room);
    room_tick(&room, 0);
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_CALL);
    assert_string_equal(out.request->url, "http://127.0.0.1:9901/clusters?format=json");
    assert_true(out.request->is_foreign); /* no token goes there */
    int64_t call = out.call;
    room_out_free(&out);
    room_answer(&room, call, HTTP_FINE, 200,
                "{\"cluster_statuses\":[{\"name\":\"agent_a\",\"host_statuses\":[{"
                "\"health_status\":{\"failed_outlier_check\":true}}]}]}");
    out = room_next(&room);
    assert_string_equal(out.request->url,
                        "http://127.0.0.1:9090/api/v1/query?query=up%7Ba%3D%22b%22%7D");
    room_out_free(&out);
    perform(&room, 1, NULL);
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_DEFERRED);
    effect_result_free(result);
    room_close(&room);
}

/* The deadline of an op stands still while its service is down. */
static void deadlines(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    for (int64_t i = 1; i <= 2; i++) {
        struct desk_task *task = room_task(i, EFFECT_CODE, "agent_a", NULL);
        task->memo = mem_str(made);
        task->memo_provider = mem_str("agent_a");
        task->order->deadline_at = room_at(60000);
        desk_perform(room.desk, task, room.now);
        room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    }
    desk_stop(room.desk, 2, 7, room.now);
    effect_result_free(room_result(&room));
    for (int i = 0; i < 3; i++) {
        room_tick(&room, 10000);
        room_serve(&room, "things.get", HTTP_LOST, 0, "");
    }
    room_tick(&room, 29999); /* open since 30 s; past no deadline yet */
    expect_nothing(&room);
    room_tick(&room, 1); /* half-open: its probe */
    room_serve(&room, "probe", HTTP_FINE, 200, "");
    room_tick(&room, 9999);
    room_serve(&room, "things.get", HTTP_FINE, 200, "works"); /* at 60 s and not ended */
    room_tick(&room, 10000);
    room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    room_tick(&room, 10000);
    room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    room_tick(&room, 10001); /* 60 s of the service's own time are over */
    struct desk_out out = room_next(&room);
    while (out.kind == DESK_CALL || out.kind == DESK_CANCEL) {
        room_out_free(&out);
        out = room_next(&room);
    }
    assert_int_equal(out.kind, DESK_RESULT);
    assert_int_equal(out.result->status, STATUS_TIMED_OUT);
    room_out_free(&out);
    room_close(&room);
}

static void a_cleanup_has_two_halves(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    struct desk_task *task = room_task(1, EFFECT_CLEANUP, "agent_a", NULL);
    task->then_local = true;
    desk_perform(room.desk, task, room.now);
    room_serve(&room, "things.create", HTTP_UNREACHED, 0, "");
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_RUN);
    assert_string_equal(out.order->provider, "local");
    struct effect_result *result = effect_result_new(1, 7);
    result->status = STATUS_PASSED;
    result->summary = mem_str("removed");
    desk_result(room.desk, result, room.now);
    result = room_result(&room);
    assert_int_equal(result->status, STATUS_PASSED);
    assert_non_null(strstr(result->summary, "removed; at agent_a: "));
    effect_result_free(result);
    room_close(&room);
}

static void a_limit_without_end_is_blocked(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    perform(&room, 1, NULL);
    int64_t call = room_call(&room, "things.create");
    struct http_response *response = http_response_new(HTTP_FINE, 403);
    http_response_header(response, "Retry-After", 11, "3600", 4);
    desk_answer(room.desk, call, response, room.now);
    room_tick(&room, 10);
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_DEFERRED);
    effect_result_free(result);
    perform(&room, 2, NULL); /* nobody chooses it for an hour */
    result = room_result(&room);
    assert_int_equal(result->status, STATUS_DEFERRED);
    effect_result_free(result);
    room_close(&room);
}

/* An op that cannot be opened is a wrong setting, not a failure of the service. */
static void what_cannot_be_opened_is_refused(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    struct desk_task *task = room_task(1, EFFECT_CODE, "agent_a", "agent_b");
    free(task->order->name);
    task->order->name = mem_str("refuse");
    desk_perform(room.desk, task, room.now);
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_REFUSED);
    assert_int_equal(result->blame, BLAME_SETUP);
    effect_result_free(result);
    room_close(&room);
}

static void a_runner_that_opens_the_breaker_costs_no_retry(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room.services[2].gate.concurrency = 8;
    room_open_desk(&room);
    for (int i = 1; i <= 4; i++) {
        desk_perform(room.desk, room_task(i, EFFECT_SANDBOX, "box", NULL), room.now);
    }
    room_skip(&room);
    for (int i = 1; i <= 4; i++) {
        struct effect_result *result = effect_result_new(i, 7);
        result->status = STATUS_LOST;
        result->blame = BLAME_WORLD;
        desk_result(room.desk, result, room.now);
        result = room_result(&room);
        assert_int_equal(result->status, i < 3 ? STATUS_LOST : STATUS_DEFERRED);
        effect_result_free(result);
    }
    room_close(&room);
}

static void an_adopted_runner_keeps_its_provider(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    struct desk_task *task = room_task(1, EFFECT_SANDBOX, "box", "local");
    task->is_adopted = true;
    task->memo_provider = mem_str("local");
    desk_perform(room.desk, task, room.now);
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_RUN);
    assert_string_equal(out.order->provider, "local");
    struct effect_result *result = effect_result_new(1, 7);
    result->status = STATUS_PASSED;
    desk_result(room.desk, result, room.now);
    result = room_result(&room);
    assert_string_equal(result->provider, "local");
    assert_true(result->is_fallback);
    effect_result_free(result);
    room_close(&room);
}

/* A hint wakes an op of its repository; others do not put off its sleep's end. */
static void hints(void **state)
{
    (void)state;
    struct room room;
    char repo[] = "Acme/Pay", other[] = "acme/other", none[] = "";
    struct forge_event event = {.kind = FORGE_PUSH, .repository = repo};
    event.action = event.branch = event.base = event.sha = event.before = none;
    event.name = event.status = event.conclusion = event.actor = event.url = none;
    event.merge_sha = none;
    room_open(&room);
    room_open_desk(&room);
    perform(&room, 1, made);
    desk_hint(room.desk, &event, room.now); /* while it asks: it asks once more */
    room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    expect_nothing(&room);
    desk_hint(room.desk, &event, room.now);
    room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    event.repository = other;
    desk_hint(room.desk, &event, room.now);
    expect_nothing(&room);
    event.repository = repo;
    event.kind = FORGE_OTHER;
    for (int i = 0; i < 3; i++) {
        room_tick(&room, 3000);
        desk_hint(room.desk, &event, room.now);
        expect_nothing(&room);
    }
    room_tick(&room, 1000);
    room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    room_close(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_are_repeated_and_writes_are_not),
        cmocka_unit_test(repetitions_have_a_budget),
        cmocka_unit_test(a_mesh_that_repeats_is_left_alone),
        cmocka_unit_test(a_slow_read_is_hedged),
        cmocka_unit_test(writes_keep_apart),
        cmocka_unit_test(a_probe_closes_the_breaker),
        cmocka_unit_test(a_page_is_no_answer),
        cmocka_unit_test(an_operator_probes),
        cmocka_unit_test(a_token_that_ends),
        cmocka_unit_test(the_mesh_is_believed),
        cmocka_unit_test(deadlines),
        cmocka_unit_test(a_cleanup_has_two_halves),
        cmocka_unit_test(a_limit_without_end_is_blocked),
        cmocka_unit_test(what_cannot_be_opened_is_refused),
        cmocka_unit_test(a_runner_that_opens_the_breaker_costs_no_retry),
        cmocka_unit_test(an_adopted_runner_keeps_its_provider),
        cmocka_unit_test(hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
