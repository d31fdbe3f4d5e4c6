/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/lib/room.h"

/* ---- tests ----------------------------------------------------------------------------
 */

static void an_op_from_begin_to_end(void **state)
{
    (void)state;
    struct room room;
    struct desk_out out;
    room_open(&room);
    room_open_desk(&room);
    room_tick(&room, 0);
    room_skip(&room);
    desk_perform(room.desk, room_task(1, EFFECT_CODE, "agent_a", "local"), room.now);
    /* the memo stands before the call that it secures */
    assert_true(desk_next(room.desk, &out));
    assert_int_equal(out.kind, DESK_MEMO);
    assert_non_null(strstr(out.text, "about"));
    room_out_free(&out);
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    assert_int_equal(room_next(&room).kind, DESK_NONE);
    room_tick(&room, 1000); /* figures */
    room_skip(&room);
    assert_int_equal(desk_wake_at(room.desk).ms, room_at(10000).ms);
    room_tick(&room, 9000);
    room_serve(&room, "things.get", HTTP_FINE, 200, "done");
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_PASSED);
    assert_string_equal(result->provider, "agent_a");
    assert_false(result->is_fallback);
    effect_result_free(result);
    assert_int_equal(desk_len(room.desk), 0);
    room_close(&room);
}

static void an_open_breaker_means_the_next_of_the_chain(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    for (int i = 0; i < 3;
         i++) { /* not reached: nothing was begun, so the backup has it */
        desk_perform(room.desk, room_task(i + 1, EFFECT_CODE, "agent_a", "agent_b"),
                     room.now);
        room_serve(&room, "things.create", HTTP_UNREACHED, 0, "");
        struct desk_out out = room_next(&room);
        assert_int_equal(out.kind, DESK_CALL);
        assert_string_equal(out.service->name, "agent_b");
        int64_t call = out.call;
        room_out_free(&out);
        room_answer(&room, call, HTTP_UNREACHED, 0, "");
        struct effect_result *result = room_result(&room);
        assert_int_equal(result->status, STATUS_DEFERRED);
        assert_int_equal(result->blame, BLAME_SERVICE);
        assert_string_equal(result->service, "agent_a");
        effect_result_free(result);
    }
    /* now both are open: no call at all */
    desk_perform(room.desk, room_task(9, EFFECT_CODE, "agent_a", "local"), room.now);
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_RUN);
    assert_string_equal(out.order->provider, "local");
    struct effect_result *result = effect_result_new(9, 7);
    result->status = STATUS_PASSED;
    desk_result(room.desk, result, room.now);
    result = room_result(&room);
    assert_true(result->is_fallback);
    assert_string_equal(result->provider, "local");
    effect_result_free(result);
    /* its time is over: half-open, one call at once, and it closes */
    room_tick(&room, 30000);
    room_skip(&room);
    desk_perform(room.desk, room_task(10, EFFECT_CODE, "agent_a", NULL), room.now);
    desk_perform(room.desk, room_task(11, EFFECT_CODE, "agent_a", NULL), room.now);
    out = room_next(&room);
    assert_int_equal(out.kind, DESK_CALL);
    int64_t call = out.call;
    room_out_free(&out);
    result = room_result(&room); /* the second has to wait for the first's outcome */
    assert_int_equal(result->status, STATUS_DEFERRED);
    effect_result_free(result);
    room_answer(&room, call, HTTP_FINE, 201, "");
    desk_perform(room.desk, room_task(12, EFFECT_CODE, "agent_a", NULL), room.now);
    room_serve(&room, "things.get", HTTP_FINE, 200, "works");
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    room_close(&room);
}

static void what_was_begun_waits_in_place(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    desk_perform(room.desk, room_task(1, EFFECT_CODE, "agent_a", "local"), room.now);
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    for (int i = 0; i < 3; i++) {
        room_serve(&room, "things.get", HTTP_FINE, 502, "");
        room_tick(&room, 10000);
    }
    room_tick(&room, 5000); /* open: it asks, and no call is made */
    assert_int_equal(room_next(&room).kind, DESK_NONE);
    assert_int_equal(desk_len(room.desk), 1);
    room_tick(&room, 60000);
    room_serve(&room, "things.get", HTTP_FINE, 200, "done");
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_PASSED);
    effect_result_free(result);
    room_close(&room);
}

/* A new engine gets the memo of the old one, and goes on where that was. */
static void a_memo_binds(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    struct desk_task *again = room_task(1, EFFECT_CODE, "agent_a", "agent_b");
    again->memo = mem_str("{\"phase\":\"about\"}");
    again->memo_provider = mem_str("agent_b");
    desk_perform(room.desk, again, room.now);
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_CALL);
    assert_string_equal(out.service->name, "agent_b");
    assert_string_equal(out.request->name, "things.get");
    room_out_free(&out);
    room_close(&room);
}

static void equal_reads_are_one_call(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    for (int i = 0; i < 4; i++) {
        struct desk_task *reader = room_task(i + 1, EFFECT_CODE, "agent_a", NULL);
        reader->memo = mem_str("{\"phase\":\"made\"}");
        reader->memo_provider = mem_str("agent_a");
        free(reader->order->name);
        reader->order->name = mem_str("shared");
        desk_perform(room.desk, reader, room.now);
    }
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_CALL);
    int64_t call = out.call;
    room_out_free(&out);
    assert_int_equal(room_next(&room).kind, DESK_NONE);
    desk_stop(room.desk, 1, 7, room.now); /* the others still wait for it */
    out = room_next(&room);
    assert_int_equal(out.kind, DESK_RESULT);
    room_out_free(&out);
    assert_int_equal(room_next(&room).kind, DESK_NONE);
    room_answer(&room, call, HTTP_FINE, 200, "done");
    for (int i = 0; i < 3; i++) {
        struct effect_result *result = room_result(&room);
        assert_int_equal(result->status, STATUS_PASSED);
        effect_result_free(result);
    }
    assert_int_equal(desk_len(room.desk), 0);
    room_close(&room);
}

static void a_full_house_waits_in_a_bounded_line(void **state)
{
    (void)state;
    struct room room;
    int64_t calls[2] = {0};
    int n_deferred = 0;
    room_open(&room);
    room_open_desk(&room);
    for (int i = 0; i < 8; i++) {
        desk_perform(room.desk, room_task(i + 1, EFFECT_CODE, "agent_a", NULL), room.now);
    }
    for (struct desk_out out = room_next(&room); out.kind != DESK_NONE;
         out = room_next(&room)) {
        if (out.kind == DESK_CALL) {
            assert_true(calls[1] == 0); /* two places */
            calls[calls[0] != 0] = out.call;
        } else {
            assert_int_equal(out.kind, DESK_RESULT);
            n_deferred++;
        }
        room_out_free(&out);
    }
    assert_int_equal(n_deferred, 2); /* and four in line */
    room_answer(&room, calls[0], HTTP_FINE, 201, "");
    struct desk_out out =
        room_next(&room); /* the first in line, or the first one's next call */
    assert_int_equal(out.kind, DESK_CALL);
    room_out_free(&out);
    room_tick(&room, 31000); /* the longest wait for a place */
    n_deferred = 0;
    for (out = room_next(&room); out.kind != DESK_NONE; out = room_next(&room)) {
        n_deferred += out.kind == DESK_RESULT;
        room_out_free(&out);
    }
    assert_true(n_deferred >= 3);
    room_close(&room);
}

static void retry_after_holds_all_callers(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    desk_perform(room.desk, room_task(1, EFFECT_CODE, "agent_a", NULL), room.now);
    struct desk_out out = room_next(&room);
    struct http_response *response = http_response_new(HTTP_FINE, 429);
    http_response_header(response, "Retry-After", 11, "20", 2);
    desk_answer(room.desk, out.call, response, room.now);
    room_out_free(&out);
    desk_perform(room.desk, room_task(2, EFFECT_CODE, "agent_a", NULL), room.now);
    room_tick(&room, 100);
    assert_int_equal(room_next(&room).kind,
                     DESK_NONE); /* both wait, neither saw the 429 */
    assert_int_equal(desk_len(room.desk), 2);
    struct wall wake = desk_wake_at(room.desk);
    assert_true(wake.ms <= room_at(20000).ms);
    room_tick(&room, 20000);
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    room_close(&room);
}

static void work_of_runners_has_places_too(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    for (int i = 0; i < 3; i++) {
        desk_perform(room.desk, room_task(i + 1, EFFECT_SANDBOX, "box", NULL), room.now);
    }
    struct desk_out out;
    for (int i = 0; i < 2; i++) {
        out = room_next(&room);
        assert_int_equal(out.kind, DESK_RUN);
        assert_string_equal(out.order->provider, "box");
    }
    assert_int_equal(room_next(&room).kind, DESK_NONE);
    struct effect_result *result = effect_result_new(1, 7);
    result->status = STATUS_LOST;
    result->blame = BLAME_WORLD;
    desk_result(room.desk, result, room.now);
    result = room_result(&room);
    assert_int_equal(result->status, STATUS_LOST);
    effect_result_free(result);
    out = room_next(&room);
    assert_int_equal(out.kind, DESK_RUN);
    assert_int_equal(out.workflow, 3);
    room_close(&room);
}

static void no_evaluator_is_a_degraded_pass(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    desk_order(room.desk,
               &(struct service_order){.service = room.services[2].name,
                                       .has_force = true,
                                       .force = FORCE_OPEN,
                                       .actor = room.services[0].name,
                                       .reason = room.services[0].name},
               room.now);
    desk_perform(room.desk, room_task(1, EFFECT_EVALUATE, "box", NULL), room.now);
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_PASSED);
    assert_true(result->is_degraded);
    effect_result_free(result);
    room_close(&room);
}

static void a_stop_ends_an_op(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    desk_perform(room.desk, room_task(1, EFFECT_CODE, "agent_a", NULL), room.now);
    struct desk_out out = room_next(&room);
    assert_int_equal(out.kind, DESK_CALL);
    int64_t call = out.call;
    room_out_free(&out);
    desk_stop(room.desk, 1, 7, room.now);
    assert_int_equal(room_next(&room).kind,
                     DESK_NONE); /* the answer of a write is waited for */
    room_answer(&room, call, HTTP_FINE, 201, "");
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_CANCELLED);
    effect_result_free(result);
    assert_int_equal(desk_len(room.desk), 0);
    desk_perform(room.desk, room_task(2, EFFECT_CODE, "agent_a", NULL), room.now);
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    out = room_next(&room);
    assert_int_equal(out.kind, DESK_CALL);
    room_out_free(&out);
    desk_stop(room.desk, 2, 7, room.now);
    out = room_next(&room);
    assert_int_equal(out.kind, DESK_CANCEL); /* a read is given up */
    room_out_free(&out);
    effect_result_free(room_result(&room));
    room_close(&room);
}

/* State and forced ends are there again after a restart. */
static void a_report_brings_a_service_back(void **state)
{
    (void)state;
    struct room room;
    struct desk_out out;
    char *memo = NULL;
    room_open(&room);
    room_open_desk(&room);
    desk_order(room.desk,
               &(struct service_order){.service = room.services[0].name,
                                       .has_force = true,
                                       .force = FORCE_OPEN,
                                       .until = room_at(60000),
                                       .actor = room.services[1].name,
                                       .reason = room.services[2].name},
               room.now);
    while (desk_next(room.desk, &out)) {
        if (out.kind == DESK_REPORT && strcmp(out.report->row.name, "agent_a") == 0) {
            free(memo);
            memo = mem_str(out.report->row.memo);
            assert_int_equal(out.report->row.state, BREAKER_FORCED_OPEN);
            assert_string_equal(out.report->event, "breaker-forced-open");
            assert_string_equal(out.report->actor, "agent_b");
            assert_string_equal(out.report->cause, "box");
            struct err err = ERR_INIT;
            struct json *detail =
                json_parse(out.report->row.detail, strlen(out.report->row.detail), &err);
            assert_non_null(detail);
            assert_string_equal(json_str(json_get(detail, "window"), "kind", ""),
                                "consecutive");
            json_free(detail);
        }
        room_out_free(&out);
    }
    desk_free(room.desk);
    room_open_desk(&room);
    const struct service_row row = {.name = "agent_a", .memo = memo};
    desk_restore(room.desk, &row, room.now);
    desk_perform(room.desk, room_task(1, EFFECT_CODE, "agent_a", NULL), room.now);
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_DEFERRED);
    effect_result_free(result);
    room_tick(&room, 60000); /* what was forced is over: it is tried */
    room_serve(&room, "probe", HTTP_FINE, 200, "");
    desk_perform(room.desk, room_task(2, EFFECT_CODE, "agent_a", NULL), room.now);
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    free(memo);
    room_close(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_op_from_begin_to_end),
        cmocka_unit_test(an_open_breaker_means_the_next_of_the_chain),
        cmocka_unit_test(what_was_begun_waits_in_place),
        cmocka_unit_test(a_memo_binds),
        cmocka_unit_test(equal_reads_are_one_call),
        cmocka_unit_test(a_full_house_waits_in_a_bounded_line),
        cmocka_unit_test(retry_after_holds_all_callers),
        cmocka_unit_test(work_of_runners_has_places_too),
        cmocka_unit_test(no_evaluator_is_a_degraded_pass),
        cmocka_unit_test(a_stop_ends_an_op),
        cmocka_unit_test(a_report_brings_a_service_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
