/* SPDX-License-Identifier: MIT */

/*
 * Halt: everything that is done by itself stands still, in its place. What is on the wire
 * comes to its end, and its answer is told to the op; the call that the op wants next is held,
 * outside of the line, and so are sleeps and deadlines. An effect that was told to stop still
 * has its last calls, for a person has asked for that; so have probes, which only look.
 */
#include "engine/service/desk_private.h"

bool desk_halt_holds(const struct desk *desk, const struct errand *errand)
{
    if (!desk->is_halted || errand->house != HOUSE_NONE) {
        return false;
    }
    for (const struct desk_effect *e = errand->waiters; e != NULL; e = e->next) {
        if (e->is_stopping) {
            return false;
        }
    }
    return true;
}

bool desk_halt_stands(const struct desk *desk, struct timer *timer)
{
    if (!desk->is_halted) {
        return false;
    }
    switch (timer->kind) {
    case TIMER_WAKE:
        return !HEAP_ITEM(timer, struct desk_effect, wake)->is_stopping;
    case TIMER_DEADLINE:
        return !HEAP_ITEM(timer, struct desk_effect, deadline)->is_stopping;
    case TIMER_ERRAND:
        break; /* what it leads to is held */
    }
    return false;
}

/* ---- begin ---- */

static void hold_timer(struct desk *desk, struct timer *timer)
{
    if (timer->node.place != 0) {
        desk_timer_set(desk, timer, (struct wall){timer->node.key});
    }
}

static void hold_line(struct desk *desk, struct desk_service *service, struct wall now)
{
    for (struct errand *errand = service->line_first, *next; errand != NULL;
         errand = next) {
        next = errand->line_next;
        if (desk_halt_holds(desk, errand)) {
            (void)desk_errand_try(desk, errand, now); /* it is held: no answer */
        }
    }
}

static void begin(struct desk *desk, struct wall now)
{
    size_t iter = 0;
    struct desk_effect *effect = NULL;
    desk->is_halted = true;
    desk->halted_at = now;
    while ((effect = idmap_next(&desk->effects, &iter)) != NULL) {
        if (!effect->is_stopping) {
            hold_timer(desk, &effect->wake);
            hold_timer(desk, &effect->deadline);
        }
    }
    for (size_t i = 0; i < desk->n_services; i++) {
        hold_line(desk, &desk->services[i], now);
    }
}

/* ---- end ---- */

static void move(struct wall *at, int64_t by)
{
    at->ms += wall_is_set(*at) ? by : 0;
}

static void go_on_timer(struct desk *desk, struct timer *timer, int64_t by)
{
    if (wall_is_set(timer->held_at)) {
        desk_timer_set(desk, timer, (struct wall){timer->held_at.ms + by});
    }
}

static struct errand *first_held(const struct desk_service *service)
{
    struct errand *first = NULL;
    for (struct errand *errand = service->errands; errand != NULL;
         errand = errand->next) {
        bool is_sooner = first == NULL || errand->number < first->number;
        first = errand->stage == ERRAND_HELD && is_sooner ? errand : first;
    }
    return first;
}

/* In the order in which they were asked for. */
static void go_on_calls(struct desk *desk, struct desk_service *service, struct wall now)
{
    struct errand *errand = NULL;
    while ((errand = first_held(service)) != NULL) {
        struct http_response *response = desk_errand_try(desk, errand, now);
        if (response != NULL) {
            desk_errand_deliver(desk, errand, response, now);
        }
    }
}

/* Events that came for those who sleep. Telling one may end another, so by number. */
static void tell_hints(struct desk *desk, struct wall now)
{
    size_t n = 0, iter = 0;
    struct desk_effect *effect = NULL;
    int64_t *keys = mem_array(desk->effects.n + 1, sizeof(*keys));
    while ((effect = idmap_next(&desk->effects, &iter)) != NULL) {
        if (effect->hint != NULL && effect->stage == STAGE_SLEEPING) {
            keys[n++] = effect->key;
        }
    }
    for (size_t i = 0; i < n; i++) {
        effect = idmap_get(&desk->effects, keys[i]);
        if (effect != NULL && effect->hint != NULL) {
            struct forge_event *hint = TAKE(effect->hint);
            desk_effect_wake(desk, effect, hint, now);
            forge_event_free(hint);
        }
    }
    free(keys);
}

static void end(struct desk *desk, struct wall now)
{
    size_t iter = 0;
    struct desk_effect *effect = NULL;
    int64_t by = wall_since(now, desk->halted_at).ms;
    desk->is_halted = false;
    while ((effect = idmap_next(&desk->effects, &iter)) != NULL) {
        if (!effect->is_stopping) {
            move(&effect->deadline_at, by);
            move(&effect->order->deadline_at, by);
            go_on_timer(desk, &effect->wake, by);
            go_on_timer(desk, &effect->deadline, by);
        }
    }
    for (size_t i = 0; i < desk->n_services; i++) {
        go_on_calls(desk, &desk->services[i], now);
        desk_touch(&desk->services[i]);
    }
    tell_hints(desk, now);
}

void desk_halt_set(struct desk *desk, bool is_halted, struct wall now)
{
    if (is_halted && !desk->is_halted) {
        begin(desk, now);
    } else if (!is_halted && desk->is_halted) {
        end(desk, now);
    }
}
