/* SPDX-License-Identifier: MIT */
/* Inputs, outputs and timers. See desk_private.h for the parts. */
#include "engine/service/desk_private.h"

#include <strings.h>

/* ---- values ----------------------------------------------------------------------------
 */

void desk_task_free(struct desk_task *task)
{
    if (task == NULL) {
        return;
    }
    order_free(task->order);
    for (size_t i = 0; i < task->n_chain; i++) {
        free(task->chain[i]);
    }
    free(task->chain);
    free(task->task);
    free(task->plan);
    free(task->errors);
    free(task->memo);
    free(task->keep);
    free(task->memo_provider);
    free(task->keep_provider);
    free(task);
}

void service_order_free(struct service_order *order)
{
    if (order == NULL) {
        return;
    }
    free(order->service);
    free(order->actor);
    free(order->reason);
    free(order);
}

void service_report_free(struct service_report *report)
{
    if (report == NULL) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(report->text); i++) {
        free(report->text[i]);
    }
    free(report->event);
    free(report->cause);
    free(report->actor);
    free(report);
}

/* A workflow has one effect in flight, and perhaps one that is being stopped. */
int64_t desk_key(int64_t workflow, int64_t seq)
{
    return (int64_t)((uint64_t)workflow << 24 ^ (uint64_t)seq);
}

struct desk_service *desk_service_find(struct desk *desk, const char *name)
{
    for (size_t i = 0; name != NULL && i < desk->n_services; i++) {
        if (strcmp(desk->services[i].spec->name, name) == 0) {
            return &desk->services[i];
        }
    }
    return NULL;
}

/* ---- outputs ---------------------------------------------------------------------------
 */

void desk_put(struct desk *desk, const struct desk_out *out)
{
    struct out_node *node = mem_alloc(sizeof(*node));
    node->out = *out;
    if (desk->out_last != NULL) {
        desk->out_last->next = node;
    } else {
        desk->out_first = node;
    }
    desk->out_last = node;
}

bool desk_next(struct desk *desk, struct desk_out *ret_out)
{
    struct out_node *node = desk->out_first;
    if (node == NULL) {
        *ret_out = (struct desk_out){.kind = DESK_NONE};
        return false;
    }
    desk->out_first = node->next;
    if (desk->out_first == NULL) {
        desk->out_last = NULL;
    }
    *ret_out = node->out;
    free(node);
    return true;
}

static void out_free(struct desk_out *out)
{
    http_request_free(out->request);
    effect_result_free(out->result);
    service_report_free(out->report);
    free(out->text);
}

/* ---- timers ----------------------------------------------------------------------------
 */

void desk_timer_set(struct desk *desk, struct timer *timer, struct wall at)
{
    timer->held_at.ms = 0;
    if (desk_halt_stands(desk, timer)) {
        heap_remove(&desk->timers, &timer->node);
        timer->held_at = at;
        return;
    }
    heap_put(&desk->timers, &timer->node, at.ms, ++desk->last_number);
}

void desk_timer_stop(struct desk *desk, struct timer *timer)
{
    heap_remove(&desk->timers, &timer->node);
    timer->held_at.ms = 0;
}

static void fire(struct desk *desk, struct timer *timer, struct wall now)
{
    desk_timer_stop(desk, timer);
    switch (timer->kind) {
    case TIMER_WAKE:
        desk_effect_wake(desk, HEAP_ITEM(timer, struct desk_effect, wake), NULL, now);
        break;
    case TIMER_DEADLINE:
        desk_effect_late(desk, HEAP_ITEM(timer, struct desk_effect, deadline), now);
        break;
    case TIMER_ERRAND:
        desk_errand_timer(desk, HEAP_ITEM(timer, struct errand, timer), now);
        break;
    }
}

static struct wall earliest(struct wall a, struct wall b)
{
    return !wall_is_set(a) || (wall_is_set(b) && b.ms < a.ms) ? b : a;
}

/* When somebody in line may go on for a reason that only the clock knows. */
static struct wall line_wake_at(const struct desk_service *service)
{
    struct wall at = {0};
    for (const struct errand *errand = service->line_first; errand != NULL;
         errand = errand->line_next) {
        at = earliest(at, errand->due);
    }
    return at;
}

struct wall desk_wake_at(const struct desk *desk)
{
    const struct heap_node *first = heap_first(&desk->timers);
    struct wall at = {first != NULL ? (first->key > 0 ? first->key : 1) : 0};
    for (size_t i = 0; i < desk->n_services; i++) {
        const struct desk_service *service = &desk->services[i];
        at = earliest(at, breaker_wake_at(&service->gate.breaker));
        at = earliest(at, desk_house_wake_at(service));
        at = earliest(at, line_wake_at(service));
        if (service->is_changed) {
            at = earliest(
                at, (struct wall){service->report_at.ms > 0 ? service->report_at.ms : 1});
        }
    }
    return at;
}

/* ---- services --------------------------------------------------------------------------
 */

/* Do calls go through, as far as the breaker says? */
static bool is_down(enum breaker_state state)
{
    return state == BREAKER_OPEN || state == BREAKER_HALF_OPEN ||
           state == BREAKER_FORCED_OPEN;
}

/* While the service was down, deadlines did not run. */
static void give_back_time(struct desk *desk, struct desk_service *service,
                           struct wall now)
{
    size_t iter = 0;
    struct desk_effect *effect = NULL;
    while ((effect = idmap_next(&desk->effects, &iter)) != NULL) {
        if (effect->service != service || effect->op == NULL || effect->is_stopping ||
            !wall_is_set(effect->deadline_at)) {
            continue;
        }
        struct wall from = effect->begun_at.ms > service->down_since.ms
                               ? effect->begun_at
                               : service->down_since;
        effect->deadline_at.ms += now.ms - from.ms;
        desk_timer_set(desk, &effect->deadline, effect->deadline_at);
    }
}

static void tell_change(struct desk *desk, struct desk_service *service,
                        const struct breaker_change *change, struct wall now)
{
    char event[64];
    bool is_would = change->from == change->to && change->to == BREAKER_METRICS;
    (void)snprintf(event, sizeof(event), "breaker-%s",
                   is_would ? "would-open" : breaker_state_word(change->to));
    if (is_down(change->to) && !wall_is_set(service->down_since)) {
        service->down_since = now;
    } else if (!is_down(change->to) && wall_is_set(service->down_since)) {
        give_back_time(desk, service, now);
        service->down_since.ms = 0;
    }
    if (change->to == BREAKER_HALF_OPEN) {
        service->probe_at = now;
    } else if (change->to == BREAKER_OPEN && service->spec->gate.breaker.probe.ms > 0) {
        service->probe_at = wall_add(now, service->spec->gate.breaker.probe);
    }
    desk_report(desk, service, event, change->cause, change->actor, now);
    if (change->to == BREAKER_OPEN && service->spec->kind == SERVICE_GITHUB) {
        desk_fallback(desk, service, desk_last_resort(desk, service), now);
    } else if (change->to == BREAKER_CLOSED && service->spec->kind == SERVICE_GITHUB) {
        desk_fallback(desk, service, NULL, now);
    }
}

void desk_touch(struct desk_service *service)
{
    service->is_moved = service->is_changed = true;
}

static void settle_one(struct desk *desk, struct desk_service *service, struct wall now)
{
    struct breaker_change change;
    while (breaker_take_change(&service->gate.breaker, &change)) {
        tell_change(desk, service, &change, now);
    }
    desk_errand_pump(desk, service, now);
    desk_work_pump(desk, service, now);
}

/* At the end of every input. Filling a place may move another service, so until nothing
 * moves; each turn takes somebody out of a line or a change out of a breaker. */
static void settle(struct desk *desk, struct wall now)
{
    for (bool is_still = false; !is_still;) {
        is_still = true;
        for (size_t i = 0; i < desk->n_services; i++) {
            if (desk->services[i].is_moved) {
                desk->services[i].is_moved = false;
                is_still = false;
                settle_one(desk, &desk->services[i], now);
                desk->services[i].is_moved |=
                    desk->services[i].gate.breaker.n_changes > 0;
            }
        }
    }
}

static void service_init(struct desk *desk, struct desk_service *service,
                         const struct service_spec *spec, struct wall now)
{
    struct gate_settings settings = spec->gate;
    service->spec = spec;
    if (service_kind_way(spec->kind) == WAY_RUNNER) {
        /* How long a step works says nothing about the service. */
        settings.breaker.slow.ms = 0;
        settings.is_adaptive = false;
    }
    gate_init(&service->gate, &settings, spec->mesh.retries != MESH_RETRIES_MESH,
              rng_next(&desk->rng), now);
    if (spec->mesh.interval.ms > 0 && spec->mesh.envoy_admin != NULL &&
        spec->mesh.envoy_admin[0] != '\0') {
        service->envoy_at = now;
    }
    if (spec->mesh.interval.ms > 0 && spec->mesh.prometheus != NULL &&
        spec->mesh.prometheus[0] != '\0') {
        service->prometheus_at = now;
    }
    /* It is in the store soon, but not before what an earlier engine left of it has been
     * restored: for a moment it would be closed, and a crash then would make that last. */
    service->is_changed = true;
    service->report_at = wall_add(now, desk->options.report_every);
}

struct desk *desk_new(const struct desk_options *options, struct wall now)
{
    struct desk *desk = mem_alloc(sizeof(*desk));
    desk->options = *options;
    if (desk->options.find_op == NULL) {
        desk->options.find_op = op_find;
    }
    if (desk->options.report_every.ms <= 0) {
        desk->options.report_every.ms = 1000;
    }
    rng_init(&desk->rng, options->seed);
    desk->n_services = options->n_services;
    desk->services = mem_array(options->n_services, sizeof(*desk->services));
    for (size_t i = 0; i < desk->n_services; i++) {
        service_init(desk, &desk->services[i], &options->services[i], now);
    }
    return desk;
}

void desk_free(struct desk *desk)
{
    if (desk == NULL) {
        return;
    }
    size_t iter = 0;
    struct desk_effect *effect = NULL;
    while ((effect = idmap_next(&desk->effects, &iter)) != NULL) {
        desk_effect_free(desk, effect);
    }
    for (size_t i = 0; i < desk->n_services; i++) {
        struct desk_service *service = &desk->services[i];
        while (service->errands != NULL) {
            desk_errand_free(desk, service->errands);
        }
        for (size_t k = 0; k < service->n_endpoints; k++) {
            free(service->endpoints[k].latency);
        }
        free(service->prober);
    }
    struct desk_out out;
    while (desk_next(desk, &out)) {
        out_free(&out);
    }
    idmap_fini(&desk->effects);
    idmap_fini(&desk->calls);
    heap_fini(&desk->timers);
    free(desk->services);
    free(desk);
}

void desk_restore(struct desk *desk, const struct service_row *row, struct wall now)
{
    struct err err = ERR_INIT;
    struct desk_service *service = desk_service_find(desk, row->name);
    const char *memo = row->memo != NULL ? row->memo : "";
    struct json *root = service != NULL ? json_parse(memo, strlen(memo), &err) : NULL;
    if (root == NULL) {
        return; /* no such service any more, or nothing kept: it begins anew */
    }
    gate_restore(&service->gate, root, now);
    const struct json *fallback = json_get(root, "fallback");
    (void)text_clean_into(service->fallback_to, sizeof(service->fallback_to),
                          json_str(fallback, "to", ""));
    service->fallback_since.ms = json_int(fallback, "since", 0);
    service->n_fallback = json_int(fallback, "n", 0);
    json_free(root);
    if (is_down(service->gate.breaker.state)) {
        service->down_since = now;
        if (service->spec->gate.breaker.probe.ms > 0) {
            service->probe_at = wall_add(now, service->spec->gate.breaker.probe);
        }
    }
    service->is_changed = true;
}

/* ---- inputs ----------------------------------------------------------------------------
 */

void desk_perform(struct desk *desk, struct desk_task *task, struct wall now)
{
    int64_t key = desk_key(task->order->workflow, task->order->seq);
    if (idmap_get(&desk->effects, key) != NULL) {
        desk_task_free(task); /* it is in hand already */
        return;
    }
    struct desk_effect *effect = mem_alloc(sizeof(*effect));
    effect->task = task;
    effect->order = task->order;
    effect->key = key;
    effect->number = ++desk->last_number;
    effect->begun_at = now;
    effect->wake.kind = TIMER_WAKE;
    effect->deadline.kind = TIMER_DEADLINE;
    idmap_put(&desk->effects, key, effect);
    if (task->is_adopted) {
        desk_effect_adopt(desk, effect, now);
    } else {
        desk_effect_choose(desk, effect, 0, now);
    }
    settle(desk, now);
}

void desk_stop(struct desk *desk, int64_t workflow, int64_t seq, struct wall now)
{
    struct desk_effect *effect = idmap_get(&desk->effects, desk_key(workflow, seq));
    if (effect != NULL && !effect->is_stopping) {
        desk_effect_stop(desk, effect, now);
        settle(desk, now);
    }
}

void desk_answer(struct desk *desk, int64_t call, struct http_response *response,
                 struct wall now)
{
    struct errand *errand = idmap_get(&desk->calls, call);
    if (errand == NULL) { /* given up meanwhile */
        http_response_free(response);
        return;
    }
    desk_errand_answer(desk, errand, call, response, now);
    settle(desk, now);
}

void desk_result(struct desk *desk, struct effect_result *result, struct wall now)
{
    struct desk_effect *effect =
        idmap_get(&desk->effects, desk_key(result->workflow, result->seq));
    if (effect != NULL && effect->op != NULL && effect->stage == STAGE_RUNNING) {
        desk_effect_ran(desk, effect, result, now);
        settle(desk, now);
        return;
    }
    if (effect == NULL || effect->op != NULL) {
        desk_put(desk, &(struct desk_out){.kind = DESK_RESULT,
                                          .workflow = result->workflow,
                                          .seq = result->seq,
                                          .result = result});
        return;
    }
    desk_effect_result(desk, effect, result, now);
    settle(desk, now);
}

/* An op may move others (a place becomes free), so those who are told are listed first. */
void desk_hint(struct desk *desk, const struct forge_event *event, struct wall now)
{
    size_t n = 0, iter = 0;
    struct desk_effect *effect = NULL;
    int64_t *keys = mem_array(desk->effects.n + 1, sizeof(*keys));
    while ((effect = idmap_next(&desk->effects, &iter)) != NULL) {
        const char *repo = effect->order->repo != NULL ? effect->order->repo : "";
        if (effect->op != NULL && !effect->is_stopping &&
            strcasecmp(repo, event->repository) == 0) {
            keys[n++] = effect->key;
        }
    }
    for (size_t i = 0; i < n; i++) {
        effect = idmap_get(&desk->effects, keys[i]);
        if (effect == NULL) {
            continue;
        }
        if (effect->stage == STAGE_SLEEPING && !desk->is_halted) {
            desk_effect_wake(desk, effect, event, now);
        } else {
            forge_event_free(effect->hint);
            effect->hint = forge_event_copy(event);
        }
    }
    free(keys);
    settle(desk, now);
}

void desk_order(struct desk *desk, const struct service_order *order, struct wall now)
{
    struct desk_service *service = desk_service_find(desk, order->service);
    if (service != NULL) {
        desk_obey(desk, service, order, now);
        settle(desk, now);
    }
}

void desk_halt(struct desk *desk, bool is_halted, struct wall now)
{
    desk_halt_set(desk, is_halted, now);
    settle(desk, now);
}

void desk_tick(struct desk *desk, struct wall now)
{
    struct heap_node *first = NULL;
    /* What is set while this runs is in the future, or for a turn that begins anew. */
    int64_t last = ++desk->last_number;
    while ((first = heap_first(&desk->timers)) != NULL && first->key <= now.ms &&
           first->tie <= last) {
        fire(desk, HEAP_ITEM(first, struct timer, node), now);
    }
    for (size_t i = 0; i < desk->n_services; i++) {
        struct desk_service *service = &desk->services[i];
        gate_tick(&service->gate, now);
        service->is_moved = service->is_moved || service->gate.breaker.n_changes > 0 ||
                            service->line_first != NULL || service->work_first != NULL;
    }
    settle(desk, now);
    for (size_t i = 0; i < desk->n_services; i++) {
        struct desk_service *service = &desk->services[i];
        desk_house_tick(desk, service, now); /* half-open may just have begun */
        if (service->is_changed && now.ms >= service->report_at.ms) {
            desk_report(desk, service, "", "", "", now);
        }
    }
}

size_t desk_len(const struct desk *desk)
{
    return desk->effects.n;
}
