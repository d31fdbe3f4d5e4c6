/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/lib/room.h"

struct wall room_at(int64_t ms)
{
    return (struct wall){ROOM_BEGIN + ms};
}

struct gate_settings room_settings(void)
{
    return (struct gate_settings){
        .breaker = {.window = BREAKER_CONSECUTIVE,
                    .failures = 3,
                    .open = {30000},
                    .open_max = {300000},
                    .half_open_calls = 1,
                    .half_open_max = {60000}},
        .concurrency = 2,
        .queue = 4,
        .queue_time = {30000              },
        .attempt_time = {10000         },
        .call_time = {60000                            },
        .retries = 0,
        .retry_percent = 20,
        .retry_min = {100              },
        .retry_max = {1000                   },
        .ramp = {10000}
    };
}

void room_open(struct room *room)
{
    static char names[][8] = {"agent_a", "agent_b", "box"};
    static const enum service_kind kinds[] = {SERVICE_CODEGEN, SERVICE_CODEGEN,
                                              SERVICE_GRAINCHAIN};
    *room = (struct room){.now = room_at(0)};
    for (int i = 0; i < 3; i++) {
        room->services[i] = (struct service_spec){
            .name = names[i], .kind = kinds[i], .gate = room_settings()};
    }
}

void room_open_desk(struct room *room)
{
    const struct desk_options options = {.services = room->services,
                                         .n_services = 3,
                                         .seed = 1,
                                         .report_every = {1000},
                                         .has_listener = true,
                                         .find_op = model_op};
    room->desk = desk_new(&options, room->now);
}

void room_out_free(struct desk_out *out)
{
    http_request_free(out->request);
    effect_result_free(out->result);
    service_report_free(out->report);
    free(out->text);
    *out = (struct desk_out){0};
}

/* The next output that is no report and no memo. */
struct desk_out room_next(struct room *room)
{
    struct desk_out out;
    while (desk_next(room->desk, &out)) {
        if (out.kind != DESK_REPORT && out.kind != DESK_MEMO && out.kind != DESK_NOTE) {
            return out;
        }
        room_out_free(&out);
    }
    return (struct desk_out){.kind = DESK_NONE};
}

void room_skip(struct room *room)
{
    struct desk_out out;
    while (desk_next(room->desk, &out)) {
        room_out_free(&out);
    }
}

struct desk_task *room_task(int64_t workflow, enum effect_kind kind, const char *first,
                            const char *second)
{
    struct desk_task *task = mem_alloc(sizeof(*task));
    task->order = mem_alloc(sizeof(*task->order));
    task->order->workflow = workflow;
    task->order->seq = 7;
    task->order->kind = kind;
    task->order->name = mem_str("step");
    task->order->repo = mem_str("acme/pay");
    task->chain = mem_array(2, sizeof(char *));
    task->chain[task->n_chain++] = mem_str(first);
    if (second != NULL) {
        task->chain[task->n_chain++] = mem_str(second);
    }
    return task;
}

void room_answer(struct room *room, int64_t call, enum http_fault fault, int status,
                 const char *body)
{
    struct http_response *response = http_response_new(fault, status);
    free(response->body);
    response->body = mem_str(body);
    response->body_len = strlen(body);
    response->took.ms = 20;
    if (body[0] == '<') {
        http_response_header(response, "content-type", 12, "text/html; charset=utf-8",
                             24);
    }
    desk_answer(room->desk, call, response, room->now);
}

void room_tick(struct room *room, int64_t ms)
{
    room->now.ms += ms;
    desk_tick(room->desk, room->now);
}

/* Takes one call and gives it this answer. */
void room_serve(struct room *room, const char *name, enum http_fault fault, int status,
                const char *body)
{
    struct desk_out out = room_next(room);
    assert_int_equal(out.kind, DESK_CALL);
    assert_string_equal(out.request->name, name);
    int64_t call = out.call;
    room_out_free(&out);
    room_answer(room, call, fault, status, body);
}

struct effect_result *room_result(struct room *room)
{
    struct desk_out out = room_next(room);
    assert_int_equal(out.kind, DESK_RESULT);
    return out.result;
}

void room_close(struct room *room)
{
    desk_free(room->desk);
}

int64_t room_call(struct room *room, const char *name)
{
    struct desk_out out = room_next(room);
    assert_int_equal(out.kind, DESK_CALL);
    assert_string_equal(out.request->name, name);
    int64_t call = out.call;
    room_out_free(&out);
    return call;
}
