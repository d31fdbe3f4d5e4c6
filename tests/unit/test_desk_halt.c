/* SPDX-License-Identifier: MIT */
/* The desk while everything autonomous is halted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/lib/model.h"
#include "tests/lib/room.h"

#define HOURS 7200000

static void perform(struct room *room, int64_t workflow)
{
    struct desk_task *task = room_task(workflow, EFFECT_CODE, "agent_a", NULL);
    desk_perform(room->desk, task, room->now);
}

static void expect_nothing(struct room *room)
{
    struct desk_out out = room_next(room);
    assert_int_equal(out.kind, DESK_NONE);
}

static void halt(struct room *room, bool is_halted)
{
    desk_halt(room->desk, is_halted, room->now);
}

static void the_answer_is_heard_and_the_next_call_waits(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    perform(&room, 1);
    int64_t call = room_call(&room, "things.create");
    halt(&room, true);
    halt(&room, true); /* again does no harm */
    room_answer(&room, call, HTTP_FINE, 201, "");
    expect_nothing(&room);
    room_tick(&room, HOURS);
    expect_nothing(&room);
    halt(&room, false);
    room_serve(&room, "things.get", HTTP_FINE, 200, "done");
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_PASSED);
    effect_result_free(result);
    room_close(&room);
}

static void sleeps_and_deadlines_stand(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    struct desk_task *task = room_task(1, EFFECT_CODE, "agent_a", NULL);
    task->order->deadline_at = wall_add(room.now, span_s(60));
    desk_perform(room.desk, task, room.now);
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    room_serve(&room, "things.get", HTTP_FINE, 200, "working");
    expect_nothing(&room); /* it sleeps */
    halt(&room, true);
    room_tick(&room, HOURS);
    expect_nothing(&room);
    halt(&room, false);
    expect_nothing(&room); /* its sleep is as long as it was */
    room_tick(&room, MODEL_POLL.ms);
    room_serve(&room, "things.get", HTTP_FINE, 200, "working");
    room_tick(&room, 39000);
    room_skip(&room);
    assert_int_equal(desk_len(room.desk), 1); /* 49 s of its time, and the halt */
    room_tick(&room, 12000);
    assert_int_equal(desk_len(room.desk), 0); /* its deadline is as far away as it was */
    room_close(&room);
}

static void who_waits_in_line_waits_outside_of_it(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room); /* two calls at once */
    for (int i = 1; i <= 3; i++) {
        perform(&room, i);
    }
    int64_t first = room_call(&room, "things.create");
    int64_t second = room_call(&room, "things.create");
    expect_nothing(&room);
    halt(&room, true);
    room_answer(&room, first, HTTP_FINE, 201, "");
    room_answer(&room, second, HTTP_LOST, 0, "");
    room_tick(&room, HOURS); /* longer than anybody may wait in line */
    expect_nothing(&room);
    assert_int_equal(desk_len(room.desk), 3);
    halt(&room, false);
    room_serve(&room, "things.create", HTTP_FINE, 201, ""); /* the third goes first */
    room_close(&room);
}

static void who_is_stopped_ends(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    perform(&room, 1);
    int64_t call = room_call(&room, "things.create");
    halt(&room, true);
    room_answer(&room, call, HTTP_FINE, 201, "");
    desk_stop(room.desk, 1, 7, room.now);
    struct effect_result *result = room_result(&room);
    assert_int_equal(result->status, STATUS_CANCELLED);
    effect_result_free(result);
    halt(&room, false);
    expect_nothing(&room);
    assert_int_equal(desk_len(room.desk), 0);
    room_close(&room);
}

static void hints_and_new_effects_wait(void **state)
{
    (void)state;
    struct room room;
    room_open(&room);
    room_open_desk(&room);
    struct desk_task *task = room_task(1, EFFECT_CODE, "agent_a", NULL);
    free(task->order->repo);
    task->order->repo = mem_str("acme/things");
    desk_perform(room.desk, task, room.now);
    room_serve(&room, "things.create", HTTP_FINE, 201, "");
    room_serve(&room, "things.get", HTTP_FINE, 200, "working");
    halt(&room, true);
    char repository[] = "acme/things", none[] = "";
    const struct forge_event event = {.kind = FORGE_CHECK_RUN,
                                      .base = none,
                                      .before = none,
                                      .repository = repository,
                                      .action = none,
                                      .branch = none,
                                      .sha = none,
                                      .name = none,
                                      .conclusion = none};
    desk_hint(room.desk, &event, room.now);
    perform(&room, 2);
    expect_nothing(&room);
    halt(&room, false);
    room_serve(&room, "things.create", HTTP_FINE, 201, "");  /* of the new one */
    room_serve(&room, "things.get", HTTP_FINE, 200, "done"); /* of the hint */
    room_close(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_heard_and_the_next_call_waits),
        cmocka_unit_test(sleeps_and_deadlines_stand),
        cmocka_unit_test(who_waits_in_line_waits_outside_of_it),
        cmocka_unit_test(who_is_stopped_ends),
        cmocka_unit_test(hints_and_new_effects_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
