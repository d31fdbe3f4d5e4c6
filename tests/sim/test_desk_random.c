/* SPDX-License-Identifier: MIT */

/*
 * The desk under anything in any order: effects, stops, answers of every kind, lost and
 * late ones, hints, orders, time. After each input its books must balance: a place taken
 * for each attempt and runner, a line as long as it says, a result for every effect, once.
 * In the end services answer, and everything comes to an end.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>
#include <inttypes.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/desk_private.h"
#include "tests/lib/room.h"

#define HELD_MAX  40
#define CALLS_MAX 400
#define STEPS     3000

struct walk {
    struct room room;
    struct rng rng;
    int64_t calls[CALLS_MAX];
    enum call_class classes[CALLS_MAX];
    size_t n_calls;
    int64_t held[HELD_MAX]; /* workflows whose result is to come */
    bool runs[HELD_MAX], is_stopped[HELD_MAX];
    size_t n_held;
    int64_t last;
    bool has_halts;
};

static size_t pick(struct walk *walk, size_t n)
{
    return (size_t)rng_below(&walk->rng, n);
}

static size_t held_at(const struct walk *walk, int64_t workflow)
{
    for (size_t i = 0; i < walk->n_held; i++) {
        if (walk->held[i] == workflow) {
            return i;
        }
    }
    fail_msg("wf-%" PRId64 " is not in hand", workflow);
    return 0;
}

static void drop_call(struct walk *walk, size_t i)
{
    walk->n_calls--;
    walk->calls[i] = walk->calls[walk->n_calls];
    walk->classes[i] = walk->classes[walk->n_calls];
}

/* Halted, only probes and last calls of those who were stopped leave. */
static void check_halt(const struct walk *walk, int64_t call)
{
    const struct desk *desk = walk->room.desk;
    const struct errand *errand = idmap_get(&desk->calls, call);
    bool may = !desk->is_halted || errand == NULL || errand->house != HOUSE_NONE;
    for (const struct desk_effect *e = errand != NULL ? errand->waiters : NULL; e != NULL;
         e = e->next) {
        may = may || e->is_stopping;
    }
    assert_true(may);
}

static void take_out(struct walk *walk, struct desk_out *out)
{
    size_t i = 0;
    struct err err = ERR_INIT;
    switch (out->kind) {
    case DESK_CALL:
        assert_true(walk->n_calls < CALLS_MAX);
        assert_true(out->time.ms > 0 && out->call > 0);
        check_halt(walk, out->call);
        walk->classes[walk->n_calls] = out->request->class;
        walk->calls[walk->n_calls++] = out->call;
        break;
    case DESK_CANCEL:
        while (i < walk->n_calls && walk->calls[i] != out->call) {
            i++;
        }
        assert_true(i < walk->n_calls); /* what is given up was under way */
        drop_call(walk, i);
        break;
    case DESK_RUN:
        i = held_at(walk, out->workflow);
        assert_false(walk->runs[i]);
        walk->runs[i] = true;
        break;
    case DESK_STOP_RUN:
        assert_true(walk->runs[held_at(walk, out->workflow)]);
        break;
    case DESK_RESULT:
        i = held_at(walk, out->workflow); /* once */
        assert_true(out->result->status != STATUS_PENDING);
        assert_true(out->result->status != STATUS_DEFERRED ||
                    out->result->service != NULL);
        walk->n_held--;
        walk->held[i] = walk->held[walk->n_held];
        walk->runs[i] = walk->runs[walk->n_held];
        walk->is_stopped[i] = walk->is_stopped[walk->n_held];
        break;
    case DESK_REPORT: {
        const char *detail = out->report->row.detail;
        struct json *root = json_parse(detail, strlen(detail), &err);
        assert_non_null(root);
        json_free(root);
        break;
    }
    default:
        break;
    }
    room_out_free(out);
}

static void check_books(const struct walk *walk)
{
    const struct desk *desk = walk->room.desk;
    for (size_t i = 0; i < desk->n_services; i++) {
        const struct desk_service *service = &desk->services[i];
        int n_flying = 0, n_waiting = 0;
        for (const struct errand *errand = service->errands; errand != NULL;
             errand = errand->next) {
            n_flying += errand->attempts[0].has_ticket + errand->attempts[1].has_ticket;
            assert_true(errand->house != HOUSE_NONE || errand->waiters != NULL);
            assert_true(errand->is_in_line == (errand->stage == ERRAND_LINE));
            assert_true((errand->stage == ERRAND_FLIGHT) == errand_has_attempt(errand));
            /* it is never forgotten */
            assert_true(errand->timer.node.place != 0 || wall_is_set(errand->due) ||
                        errand->is_full || errand->stage == ERRAND_HELD);
            assert_true(errand->stage != ERRAND_HELD || desk->is_halted);
        }
        for (const struct errand *errand = service->line_first; errand != NULL;
             errand = errand->line_next) {
            n_waiting++;
        }
        for (const struct desk_effect *effect = service->work_first; effect != NULL;
             effect = effect->next) {
            n_waiting++;
        }
        size_t iter = 0;
        struct desk_effect *effect = NULL;
        while ((effect = idmap_next(&desk->effects, &iter)) != NULL) {
            n_flying += effect->service == service && effect->has_ticket;
            assert_true((effect->errand != NULL) ==
                        (effect->stage == STAGE_CALLING && effect->op != NULL));
            assert_true(effect->stage != STAGE_SLEEPING || effect->wake.node.place != 0 ||
                        (desk->is_halted && wall_is_set(effect->wake.held_at)));
        }
        assert_int_equal(service->gate.bulkhead.in_flight, n_flying);
        assert_int_equal(service->gate.bulkhead.waiting, n_waiting);
        assert_false(service->is_moved);
    }
    assert_int_equal(desk_len(desk), walk->n_held);
    assert_int_equal(desk->calls.n, walk->n_calls);
}

static void settle_outputs(struct walk *walk)
{
    struct desk_out out;
    while (desk_next(walk->room.desk, &out)) {
        take_out(walk, &out);
    }
    check_books(walk);
}

/* ---- inputs ----------------------------------------------------------------------------
 */

static void perform(struct walk *walk)
{
    static const char *const chains[][2] = {
        {"agent_a", "agent_b"},
        {"agent_a", NULL     },
        {"agent_b", "local"  },
        {"box",     "local"  },
        {"box",     NULL     },
        {"local",   NULL     },
        {"nobody",  "agent_a"}
    };
    static const enum effect_kind kinds[] = {EFFECT_CODE, EFFECT_EVALUATE, EFFECT_CLEANUP,
                                             EFFECT_CHECK};
    if (walk->n_held == HELD_MAX) {
        return;
    }
    const char *const *chain = chains[pick(walk, ARRAY_LEN(chains))];
    struct desk_task *task =
        room_task(++walk->last, kinds[pick(walk, ARRAY_LEN(kinds))], chain[0], chain[1]);
    if (pick(walk, 3) == 0) {
        task->memo = mem_str(pick(walk, 2) == 0 ? "{\"phase\":\"made\"}"
                                                : "{\"phase\":\"about\"}");
        task->memo_provider = mem_str(chain[pick(walk, 2)]);
    }
    task->is_adopted = pick(walk, 20) == 0;
    task->is_operators = pick(walk, 4) == 0;
    task->then_local = task->order->kind == EFFECT_CLEANUP &&
                       strcmp(chain[0], "agent_a") == 0 && chain[1] == NULL;
    if (pick(walk, 3) == 0) {
        task->order->deadline_at =
            wall_add(walk->room.now, (struct span){(int64_t)pick(walk, 90000)});
    }
    if (pick(walk, 3) == 0) {
        free(task->order->name);
        task->order->name = mem_str(pick(walk, 9) == 0 ? "refuse" : "shared");
    }
    walk->held[walk->n_held] = walk->last;
    walk->runs[walk->n_held] = walk->is_stopped[walk->n_held] = false;
    walk->n_held++;
    desk_perform(walk->room.desk, task, walk->room.now);
}

static struct http_response *some_response(struct walk *walk, bool is_kind)
{
    static const int statuses[] = {200, 200, 200, 201, 404, 422,
                                   403, 429, 500, 502, 503, 503};
    static const char *const bodies[] = {"works", "done", "", "secondary rate limit"};
    static const char *const waits[] = {"1", "30", "900", "soon", "-4"};
    enum http_fault fault = HTTP_FINE;
    if (!is_kind && pick(walk, 3) == 0) {
        fault = (enum http_fault)(HTTP_NO_TOKEN +
                                  (int)pick(walk, HTTP_FAULT_COUNT - HTTP_NO_TOKEN));
    }
    int status = is_kind              ? 200
                 : fault == HTTP_FINE ? statuses[pick(walk, ARRAY_LEN(statuses))]
                                      : 0;
    struct http_response *response = http_response_new(fault, status);
    free(response->body);
    response->body = mem_str(is_kind ? "done" : bodies[pick(walk, ARRAY_LEN(bodies))]);
    response->body_len = strlen(response->body);
    response->took.ms = (int64_t)pick(walk, 3000);
    if (!is_kind && pick(walk, 8) == 0) {
        const char *wait = waits[pick(walk, ARRAY_LEN(waits))];
        http_response_header(response, "Retry-After", 11, wait, strlen(wait));
    }
    if (!is_kind && pick(walk, 8) == 0) {
        http_response_header(response, "X-RateLimit-Limit", 17, "50", 2);
        http_response_header(response, "X-RateLimit-Remaining", 21,
                             pick(walk, 2) == 0 ? "1" : "9", 1);
        char reset[24];
        (void)snprintf(reset, sizeof(reset), "%lld",
                       (long long)(walk->room.now.ms / 1000 + 20));
        http_response_header(response, "X-RateLimit-Reset", 17, reset, strlen(reset));
    }
    response->is_cached = status == 200 && pick(walk, 10) == 0;
    return response;
}

static void answer(struct walk *walk, bool is_kind)
{
    if (walk->n_calls == 0) {
        return;
    }
    size_t i = pick(walk, walk->n_calls);
    int64_t call = walk->calls[i];
    drop_call(walk, i);
    desk_answer(walk->room.desk, call, some_response(walk, is_kind), walk->room.now);
    if (pick(walk, 50) == 0) { /* twice */
        desk_answer(walk->room.desk, call, some_response(walk, is_kind), walk->room.now);
    }
}

static void end_run(struct walk *walk, bool is_kind)
{
    static const struct {
        enum effect_status status;
        enum blame blame;
    } ends[] = {
        {STATUS_PASSED,    BLAME_NONE   },
        {STATUS_PASSED,    BLAME_NONE   },
        {STATUS_FAILED,    BLAME_CHANGE },
        {STATUS_LOST,      BLAME_WORLD  },
        {STATUS_DEFERRED,  BLAME_SERVICE},
        {STATUS_REFUSED,   BLAME_SETUP  },
        {STATUS_CANCELLED, BLAME_NONE   },
    };
    size_t from = pick(walk, walk->n_held + 1);
    for (size_t k = 0; k < walk->n_held; k++) {
        size_t i = (from + k) % walk->n_held;
        if (walk->runs[i]) {
            size_t end = is_kind ? 0 : pick(walk, ARRAY_LEN(ends));
            struct effect_result *result = effect_result_new(walk->held[i], 7);
            result->status = ends[end].status;
            result->blame = ends[end].blame;
            if (result->status == STATUS_DEFERRED) {
                result->service = mem_str("box");
            }
            desk_result(walk->room.desk, result, walk->room.now);
            return;
        }
    }
}

static void stop(struct walk *walk)
{
    if (walk->n_held > 0) {
        size_t i = pick(walk, walk->n_held);
        walk->is_stopped[i] = true;
        desk_stop(walk->room.desk, walk->held[i], 7, walk->room.now);
    }
}

static void hint(struct walk *walk)
{
    char repo[] = "Acme/Pay", other[] = "a/b", empty[] = "";
    struct forge_event event = {.kind = FORGE_PUSH,
                                .repository = pick(walk, 2) == 0 ? repo : other};
    event.action = event.branch = event.base = event.sha = event.before = empty;
    event.name = event.status = event.conclusion = event.actor = event.url = empty;
    event.merge_sha = empty;
    desk_hint(walk->room.desk, &event, walk->room.now);
}

static void order(struct walk *walk)
{
    char actor[] = "ann", reason[] = "to see";
    struct service_order one = {.service = walk->room.services[pick(walk, 3)].name,
                                .is_probe = pick(walk, 3) == 0,
                                .is_reset = pick(walk, 5) == 0,
                                .has_force = pick(walk, 2) == 0,
                                .force = (enum service_force)pick(walk, 5),
                                .actor = actor,
                                .reason = reason};
    if (pick(walk, 2) == 0) {
        one.until = wall_add(walk->room.now, (struct span){(int64_t)pick(walk, 60000)});
    }
    desk_order(walk->room.desk, &one, walk->room.now);
}

static void pass_time(struct walk *walk)
{
    struct wall wake = desk_wake_at(walk->room.desk);
    int64_t ms = (int64_t)pick(walk, pick(walk, 10) == 0 ? 100000 : 3000);
    if (pick(walk, 2) == 0 && wall_is_set(wake) && wake.ms > walk->room.now.ms) {
        ms = wake.ms - walk->room.now.ms;
    }
    room_tick(&walk->room, ms);
}

static void halt_or_go_on(struct walk *walk)
{
    if (walk->has_halts && pick(walk, 12) == 0) {
        desk_halt(walk->room.desk, pick(walk, 2) == 0, walk->room.now);
        settle_outputs(walk);
    }
}

static void one_step(struct walk *walk)
{
    halt_or_go_on(walk);
    switch (pick(walk, 20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        perform(walk);
        break;
    case 5:
        stop(walk);
        break;
    case 6:
        hint(walk);
        break;
    case 7:
        if (pick(walk, 5) == 0) {
            order(walk);
        }
        break;
    case 8:
    case 9:
    case 10:
    case 11:
        pass_time(walk);
        break;
    case 12:
    case 13:
        end_run(walk, false);
        break;
    default:
        answer(walk, false);
        break;
    }
    settle_outputs(walk);
}

/* From now on everybody is well. */
static void come_to_an_end(struct walk *walk)
{
    desk_halt(walk->room.desk, false, walk->room.now);
    settle_outputs(walk);
    for (size_t i = 0; i < 3; i++) {
        char actor[] = "ann";
        struct service_order one = {.service = walk->room.services[i].name,
                                    .has_force = true,
                                    .force = FORCE_AUTO,
                                    .actor = actor,
                                    .reason = actor};
        desk_order(walk->room.desk, &one, walk->room.now);
        settle_outputs(walk);
    }
    for (int i = 0; i < 20000 && walk->n_held > 0; i++) {
        size_t n = walk->n_calls;
        while (n-- > 0 && walk->n_calls > 0) {
            answer(walk, true);
            settle_outputs(walk);
        }
        for (n = walk->n_held; n > 0 && walk->n_held > 0; n--) {
            end_run(walk, true);
            settle_outputs(walk);
        }
        struct wall wake = desk_wake_at(walk->room.desk);
        assert_true(wall_is_set(wake) || walk->n_held == 0 || walk->n_calls > 0);
        int64_t ms = wake.ms > walk->room.now.ms ? wake.ms - walk->room.now.ms : 1;
        room_tick(&walk->room, ms);
        settle_outputs(walk);
    }
    assert_int_equal(walk->n_held, 0);
}

static void walk_once(uint64_t seed)
{
    struct walk walk = {0};
    char admin[] = "http://127.0.0.1:9901";
    room_open(&walk.room);
    rng_init(&walk.rng, seed);
    struct gate_settings *gate = &walk.room.services[0].gate;
    gate->retries = (int)pick(&walk, 4);
    gate->hedge.ms = pick(&walk, 2) == 0 ? 700 : 0;
    gate->write_pause.ms = pick(&walk, 2) == 0 ? 1000 : 0;
    gate->is_adaptive = pick(&walk, 2) == 0;
    gate->create_rate = pick(&walk, 2) == 0 ? 10 : 0;
    gate->create_time.ms = 60000;
    gate->breaker.window = (enum breaker_window)pick(&walk, 3);
    gate->breaker.window_calls = 20;
    gate->breaker.window_time.ms = 60000;
    gate->breaker.probe.ms = pick(&walk, 2) == 0 ? 5000 : 0;
    gate->breaker.half_open_calls = 1 + (int)pick(&walk, 3);
    walk.room.services[1].mesh.envoy_admin = admin;
    walk.room.services[1].mesh.interval.ms = 15000;
    walk.room.services[2].gate.concurrency = 3;
    walk.has_halts = seed % 3 != 0;
    room_open_desk(&walk.room);
    for (int i = 0; i < STEPS; i++) {
        one_step(&walk);
    }
    if (seed % 2 == 0) {
        come_to_an_end(&walk);
    } /* else: with everything in hand */
    room_close(&walk.room);
}

static void anything_in_any_order(void **state)
{
    (void)state;
    const char *only = getenv("DESK_SEED");
    uint64_t from = only != NULL ? strtoull(only, NULL, 10) : 1;
    uint64_t n = only != NULL ? 1 : 60;
    for (uint64_t seed = from; seed < from + n; seed++) {
        print_message("# DESK_SEED=%" PRIu64 "\n", seed); /* the last one is it */
        walk_once(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(anything_in_any_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
