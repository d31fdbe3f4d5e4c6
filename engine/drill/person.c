/* SPDX-License-Identifier: MIT */

/* The operator of a drill, and the look around once a minute. */
#include <inttypes.h>
#include <math.h>

#include "engine/base/mem.h"
#include "engine/drill/world.h"

#define ANSWERS_MAX 6 /* then the workflow is given up */

void drill_send(struct drill_world *world, const char *verb, int64_t workflow,
                const char *args)
{
    struct err err = ERR_INIT;
    struct command_row row = {.at = world->now,
                              .actor = "ops",
                              .verb = verb,
                              .workflow = workflow,
                              .args = args,
                              .message = ""};
    if (command_line_send(world->line, &row, &err) < 0) {
        drill_complain(world, "command: %s", err.msg);
    }
    world->has_commands = true;
}

/* ---- being asked ---- */

/* Would it have gone away by itself, and has not yet? */
static bool is_going_away(const struct drill_world *world, const struct drill_case *c)
{
    const struct drill_fault *fault = &world->profile->faults[c->fault];
    bool is_passing = drill_is_of_calls(fault->what) || fault->what == DRILL_SLOW ||
                      (fault->is_shared && fault->length.ms > 0);
    return is_passing ||
           (fault->lasts.ms > 0 && world->now.ms < c->began_at.ms + fault->lasts.ms);
}

static bool was_all_tried(const struct drill_world *world, const struct drill_case *c)
{
    const struct drill_fault *fault = &world->profile->faults[c->fault];
    for (int rung = 0; rung < RUNG_ESCALATE; rung++) {
        if (drill_helps(fault, (enum rung)rung, c->is_drifted) >= 0.1 &&
            (c->tried >> rung & 1) == 0) {
            return false;
        }
    }
    return !is_going_away(world, c);
}

static void tell_wrong(struct drill_world *world, const struct drill_flow *flow,
                       const char *why)
{
    struct drill_report *report = world->report;
    if (report->n_wrong < ARRAY_LEN(report->wrong)) {
        (void)snprintf(report->wrong[report->n_wrong++], sizeof(report->wrong[0]),
                       "wf-%" PRId64 " asked a person: %.160s", flow->id, why);
    }
}

/* Somebody is asked about this workflow: was that right? */
static void note_asked(struct drill_world *world, struct drill_flow *flow,
                       const char *reason)
{
    bool is_right = false;
    const struct drill_case *first = NULL;
    for (size_t i = 0; i < flow->n_cases; i++) {
        struct drill_case *c = &flow->cases[i];
        if (wall_is_set(c->ended_at) || !wall_is_set(c->began_at)) {
            continue;
        }
        first = first == NULL ? c : first;
        is_right = is_right || !c->is_recoverable || was_all_tried(world, c);
        if (!c->was_asked && !c->is_helped) {
            drill_choose(world, c, RUNG_ESCALATE);
            world->report->classes[world->profile->faults[c->fault].class_].n_asked++;
        }
        c->was_asked = true;
    }
    world->report->n_asked_rightly += is_right;
    world->report->n_asked_wrongly += !is_right;
    if (!is_right) {
        char text[160];
        (void)snprintf(text, sizeof(text), "%s: %.100s",
                       first != NULL ? world->profile->faults[first->fault].name
                                     : "no fault",
                       reason);
        tell_wrong(world, flow, text);
    }
}

static void call_person(struct drill_world *world, struct drill_flow *flow)
{
    struct rng luck = drill_luck(world, flow->id, 21, flow->n_answers);
    (void)rng_next(&luck);
    double mean = (double)world->profile->operator_delay.ms;
    double wait = -mean * log(1 - rng_unit(&luck));
    flow->answer_at.ms = world->now.ms + 1000 + (int64_t)wait;
}

/* ---- answering ---- */

static bool gives_up(const struct drill_world *world, const struct drill_flow *flow)
{
    for (size_t i = 0; i < flow->n_cases; i++) {
        const struct drill_case *c = &flow->cases[i];
        if (!wall_is_set(c->ended_at) && wall_is_set(c->began_at) &&
            world->profile->faults[c->fault].person == DRILL_CANCELS) {
            return true;
        }
    }
    return flow->n_answers > ANSWERS_MAX;
}

static void act(struct drill_world *world, struct drill_flow *flow,
                const struct workflow_row *row)
{
    bool is_failed = row->state == STATE_FAILED;
    flow->n_answers++;
    flow->answer_at = (struct wall){0};
    if (row->wait == WAIT_PLAN || row->wait == WAIT_MERGE || row->wait == WAIT_REVERT) {
        AUTO_FREE char *args =
            mem_printf("{\"effect\":%lld}", (long long)row->effect_seq);
        drill_send(world, "approve", flow->id, args);
        return;
    }
    if (!is_failed && row->wait != WAIT_OPERATOR && row->wait != WAIT_PAUSE) {
        return; /* it went on by itself */
    }
    if (gives_up(world, flow)) {
        drill_send(world, "cancel", flow->id, "{}");
        return;
    }
    drill_mend(world, flow);
    drill_send(world, is_failed ? "retry" : "resume", flow->id, "{}");
}

/* ---- once a minute ---- */

static void see(struct drill_world *world, struct drill_flow *flow,
                const struct workflow_row *row)
{
    bool is_asked = row->wait == WAIT_OPERATOR || row->state == STATE_FAILED;
    bool waits = is_asked || row->wait == WAIT_PLAN || row->wait == WAIT_MERGE ||
                 row->wait == WAIT_PAUSE || row->wait == WAIT_REVERT;
    if (!waits) {
        flow->is_counted = false;
        flow->answer_at = (struct wall){0};
        return;
    }
    if (is_asked && !flow->is_counted) {
        note_asked(world, flow, row->reason);
    }
    flow->is_counted = true;
    if (!wall_is_set(flow->answer_at)) {
        call_person(world, flow);
    } else if (flow->answer_at.ms <= world->now.ms) {
        act(world, flow, row);
    }
}

/* It is not in memory any more: it has ended. True: nothing more comes. */
static bool see_final(struct drill_world *world, struct drill_flow *flow)
{
    struct err err = ERR_INIT;
    struct workflow_row row;
    struct arena *arena = arena_new();
    bool is_gone = false;
    if (store_load_workflow(world->store, arena, flow->id, &row, &err) != FOUND) {
        drill_complain(world, "wf-%" PRId64 " was refused, or is gone: %s", flow->id,
                       err.msg);
        is_gone = true;
    } else if (row.state == STATE_FAILED) {
        see(world, flow, &row);
        if (flow->n_answers > 2 * ANSWERS_MAX) {
            drill_flow_end(world, flow, false);
            is_gone = true;
        }
    } else if (state_is_final(row.state)) {
        drill_flow_end(world, flow, row.state == STATE_COMPLETED);
        is_gone = true;
    }
    arena_free(arena);
    return is_gone;
}

static void count_minute(struct drill_world *world)
{
    if (world->now.ms > world->end_at.ms) {
        return; /* no new work comes any more */
    }
    bool has_slot = world->n_running < world->profile->config->max_running;
    bool is_bad = world->n_passed == 0 && world->n_healthy <= 0 &&
                  (world->n_failed_steps > 0 || !has_slot);
    world->n_minutes++;
    world->n_bad_minutes += is_bad;
    world->n_passed = world->n_failed_steps = 0;
}

void drill_look(struct drill_world *world)
{
    size_t iter = 0, n = 0;
    const struct workflow *live = NULL;
    world->minute++;
    world->n_running = 0;
    while ((live = control_next_live(world->control, &iter)) != NULL) {
        if (live->row.state == STATE_FAILED) {
            continue;
        }
        struct drill_flow *flow = drill_flow_of(world, live->row.id);
        flow->seen = world->minute;
        world->n_running += machine_holds_slot(live);
        see(world, flow, &live->row);
    }
    for (size_t i = 0; i < world->n_active; i++) {
        struct drill_flow *flow = drill_flow_of(world, world->active[i]);
        if (flow->seen == world->minute || !see_final(world, flow)) {
            world->active[n++] = world->active[i];
        }
    }
    world->n_active = n;
    count_minute(world);
}
