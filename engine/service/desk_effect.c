/* SPDX-License-Identifier: MIT */
/* An effect in hand: who performs it, the steps of its op, its outcome. */
#include "engine/service/desk_private.h"

/* ---- outcome ---------------------------------------------------------------------------
 */

static void replace(char **text, const char *value)
{
    free(*text);
    *text = mem_str(value);
}

static const char *provider_of(const struct desk_effect *effect)
{
    return effect->service != NULL ? effect->service->spec->name : SERVICE_LOCAL;
}

static struct desk_out out_of(const struct desk_effect *effect, enum desk_out_kind kind)
{
    return (struct desk_out){.kind = kind,
                             .workflow = effect->order->workflow,
                             .seq = effect->order->seq,
                             .service =
                                 effect->service != NULL ? effect->service->spec : NULL};
}

static void close_op(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    if (effect->errand != NULL) {
        desk_errand_leave(desk, effect, now);
    }
    if (effect->op != NULL) {
        effect->class->close(effect->op);
    }
    effect->op = NULL;
    effect->class = NULL;
    desk_timer_stop(desk, &effect->wake);
    desk_timer_stop(desk, &effect->deadline);
}

/* What a runner had of the gate goes back. */
static void leave_gate(struct desk_effect *effect, enum breaker_outcome outcome,
                       struct wall now)
{
    if (effect->has_ticket) {
        gate_record(&effect->service->gate, effect->ticket, outcome, false,
                    wall_since(now, effect->begun_at), now);
        desk_touch(effect->service);
    }
    effect->has_ticket = false;
}

static void leave_line(struct desk_effect *effect)
{
    struct desk_service *service = effect->service;
    struct desk_effect **link = &service->work_first, *before = NULL;
    while (*link != NULL && *link != effect) {
        before = *link;
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return;
    }
    *link = effect->next;
    if (service->work_last == effect) {
        service->work_last = before;
    }
    effect->next = NULL;
    bulkhead_unwait(&service->gate.bulkhead);
    desk_touch(service);
}

void desk_effect_free(struct desk *desk, struct desk_effect *effect)
{
    desk_timer_stop(desk, &effect->wake);
    desk_timer_stop(desk, &effect->deadline);
    if (effect->op != NULL) {
        effect->class->close(effect->op);
    }
    forge_event_free(effect->hint);
    free(effect->note);
    desk_task_free(effect->task);
    free(effect);
}

/* The end of it: the result goes out, the effect is forgotten. */
static void finish(struct desk *desk, struct desk_effect *effect,
                   struct effect_result *result, struct wall now)
{
    close_op(desk, effect, now);
    result->workflow = effect->order->workflow;
    result->seq = effect->order->seq;
    if (!wall_is_set(result->started_at)) {
        result->started_at = effect->begun_at;
    }
    if (!wall_is_set(result->finished_at)) {
        result->finished_at = now;
    }
    if (result->status != STATUS_DEFERRED) {
        replace(&result->provider, provider_of(effect));
        result->is_fallback = effect->at > 0;
        result->is_degraded = result->is_degraded ||
                              (effect->order->kind == EFFECT_EVALUATE && effect->at > 0);
    }
    if (effect->note != NULL) {
        char *both = mem_printf("%s; %s", result->summary != NULL ? result->summary : "",
                                effect->note);
        free(result->summary);
        result->summary = both;
    }
    struct desk_out out = out_of(effect, DESK_RESULT);
    out.result = result;
    desk_put(desk, &out);
    (void)idmap_take(&desk->effects, effect->key);
    desk_effect_free(desk, effect);
}

static struct effect_result *result_of(const struct desk_effect *effect,
                                       enum effect_status status, enum blame blame,
                                       const char *summary)
{
    struct effect_result *result =
        effect_result_new(effect->order->workflow, effect->order->seq);
    result->status = status;
    result->blame = blame;
    result->summary = mem_str(summary);
    return result;
}

static void run(struct desk *desk, struct desk_effect *effect)
{
    effect->stage = STAGE_RUNNING;
    struct desk_out out = out_of(effect, DESK_RUN);
    out.order = effect->order;
    desk_put(desk, &out);
}

static void run_local(struct desk *desk, struct desk_effect *effect)
{
    effect->service = NULL;
    order_set_provider(effect->order, NULL);
    run(desk, effect);
}

/* Nobody in the chain takes it: nothing was begun. */
static void give_up(struct desk *desk, struct desk_effect *effect,
                    struct effect_result *reason, struct wall now)
{
    struct desk_task *task = effect->task;
    const char *first = task->n_chain > 0 ? task->chain[0] : "";
    struct desk_service *service = desk_service_find(desk, first);
    effect->service = NULL;
    if (task->then_local) {
        effect->note = mem_printf("not removed at %s: not available", first);
        effect_result_free(reason);
        run_local(desk, effect);
        return;
    }
    if (effect->order->kind == EFFECT_EVALUATE) {
        effect_result_free(reason);
        reason = result_of(effect, STATUS_PASSED, BLAME_NONE,
                           "not evaluated: no evaluator is available");
        reason->is_degraded = true;
        if (service != NULL) {
            desk_fallback(desk, service, "none", now);
        }
        finish(desk, effect, reason, now);
        return;
    }
    if (reason == NULL) {
        char *text = mem_printf("%s is not available", first);
        reason = result_of(effect, STATUS_DEFERRED, BLAME_SERVICE, text);
        free(text);
    }
    replace(&reason->service, first);
    if (service != NULL && effect->order->workflow > 0) { /* else a chore of the house */
        desk_fallback(desk, service, desk_last_resort(desk, service), now);
    }
    finish(desk, effect, reason, now);
}

/* ---- steps of an op --------------------------------------------------------------------
 */

static void put_text(struct desk *desk, const struct desk_effect *effect,
                     enum desk_out_kind kind, bool is_kept, char *text)
{
    struct desk_out out = out_of(effect, kind);
    out.is_memo_kept = is_kept;
    out.text = text;
    desk_put(desk, &out);
}

/* What must be there before the step is made. */
static void put_side(struct desk *desk, struct desk_effect *effect, struct op_step *step)
{
    if (step->memo != NULL) {
        effect->has_memo = true;
        put_text(desk, effect, DESK_MEMO, false, step->memo);
    }
    if (step->keep != NULL) {
        put_text(desk, effect, DESK_MEMO, true, step->keep);
    }
    if (step->log != NULL) {
        put_text(desk, effect, DESK_LOG, false, step->log);
    }
    if (step->is_reconciled && desk->options.has_listener) {
        const char *text = step->result != NULL && step->result->summary != NULL
                               ? step->result->summary
                               : effect->class->name;
        put_text(desk, effect, DESK_NOTE, false, mem_str(text));
    }
    step->memo = step->keep = step->log = NULL;
}

static void drop_step(struct op_step *step)
{
    http_request_free(step->request);
    effect_result_free(step->result);
    *step = (struct op_step){.turn = OP_SLEEP, .sleep = {1000}};
}

/* The op is done. True: nothing was begun, and the next provider may try. */
static bool conclude(struct desk *desk, struct desk_effect *effect,
                     struct effect_result *result, struct wall now)
{
    bool is_first = desk_service_find(desk, effect->task->chain[0]) == effect->service;
    if (effect->is_late && effect->is_stopping && result->status != STATUS_PASSED) {
        effect_result_free(result);
        result = result_of(effect, STATUS_TIMED_OUT, BLAME_WORLD,
                           "no end before the deadline");
    }
    if (effect->task->then_local && !effect->is_stopping) {
        if (result->status != STATUS_PASSED) {
            effect->note =
                mem_printf("at %s: %s", provider_of(effect),
                           result->summary != NULL ? result->summary : "not removed");
        }
        effect_result_free(result);
        close_op(desk, effect, now);
        run_local(desk, effect);
        return false;
    }
    if (result->status == STATUS_DEFERRED && !effect->is_stopping) {
        close_op(desk, effect, now);
        if (effect->has_memo) {
            put_text(desk, effect, DESK_MEMO, false, mem_str(""));
        }
        effect->has_memo = false;
        effect_result_free(result);
        return true;
    }
    if (is_first && effect->at == 0) {
        desk_fallback(desk, effect->service, NULL, now);
    }
    finish(desk, effect, result, now);
    return false;
}

/* The op says what comes next: do it, and go on as long as there is an answer at once.
 * True: the next provider may try. */
static bool drive(struct desk *desk, struct desk_effect *effect, struct op_step step,
                  struct wall now)
{
    for (int i = 0; i < DESK_STEPS_MAX; i++) {
        put_side(desk, effect, &step);
        if (step.turn == OP_DONE) {
            return conclude(desk, effect, step.result, now);
        }
        if (step.turn == OP_RUN) {
            run(desk, effect);
            return false;
        }
        if (step.turn == OP_SLEEP && effect->hint == NULL) {
            break;
        }
        if (step.turn == OP_SLEEP) {
            struct forge_event *hint = TAKE(effect->hint);
            step = effect->class->wake(effect->op, hint, now, &desk->rng);
            forge_event_free(hint);
            continue;
        }
        struct http_response *response =
            desk_errand_begin(desk, effect, step.request, now);
        if (response == NULL) {
            effect->stage = STAGE_CALLING;
            return false;
        }
        step = effect->class->answer(effect->op, response, now, &desk->rng);
        http_response_free(response);
    }
    if (step.turn != OP_SLEEP) { /* it asks and asks and never waits */
        put_side(desk, effect, &step);
        drop_step(&step);
    }
    effect->stage = STAGE_SLEEPING;
    int64_t pause = step.sleep.ms > 0 ? step.sleep.ms : 1;
    desk_timer_set(desk, &effect->wake, wall_add(now, (struct span){pause}));
    return false;
}

static void go_on(struct desk *desk, struct desk_effect *effect, struct op_step step,
                  struct wall now)
{
    if (drive(desk, effect, step, now)) {
        desk_effect_choose(desk, effect, effect->at + 1, now);
    }
}

static void stop_op(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    desk_timer_stop(desk, &effect->wake);
    desk_timer_set(desk, &effect->deadline, wall_add(now, DESK_STOP_TIME));
    go_on(desk, effect, effect->class->stop(effect->op, now, &desk->rng), now);
}

/* The op goes on, unless it was told to stop meanwhile. */
static void take_step(struct desk *desk, struct desk_effect *effect, struct op_step step,
                      struct wall now)
{
    if (effect->is_stopping && !effect->is_ending && step.turn != OP_DONE) {
        effect->is_ending = true;
        put_side(desk, effect, &step);
        drop_step(&step);
        stop_op(desk, effect, now);
        return;
    }
    go_on(desk, effect, step, now);
}

void desk_effect_answer(struct desk *desk, struct desk_effect *effect,
                        const struct http_response *response, struct wall now)
{
    take_step(desk, effect, effect->class->answer(effect->op, response, now, &desk->rng),
              now);
}

void desk_effect_ran(struct desk *desk, struct desk_effect *effect,
                     struct effect_result *result, struct wall now)
{
    struct op_step step = effect->class->ran(effect->op, result, now, &desk->rng);
    effect_result_free(result);
    take_step(desk, effect, step, now);
}

void desk_effect_wake(struct desk *desk, struct desk_effect *effect,
                      const struct forge_event *hint, struct wall now)
{
    if (effect->op == NULL || effect->stage != STAGE_SLEEPING) {
        return;
    }
    int64_t key = effect->key, before = effect->wake.node.key;
    desk_timer_stop(desk, &effect->wake);
    go_on(desk, effect, effect->class->wake(effect->op, hint, now, &desk->rng), now);
    /* Hints that come and come must not put off the sleep's end. */
    bool is_there = idmap_get(&desk->effects, key) == effect;
    if (hint != NULL && is_there && effect->stage == STAGE_SLEEPING &&
        effect->wake.node.key > before) {
        desk_timer_set(desk, &effect->wake, (struct wall){before});
    }
}

/* Its deadline, or the end of the time for last calls. */
void desk_effect_late(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    if (effect->is_stopping) {
        enum effect_status status = effect->is_late ? STATUS_TIMED_OUT : STATUS_CANCELLED;
        finish(desk, effect,
               result_of(effect, status, BLAME_WORLD, "stopped, and did not end"), now);
        return;
    }
    if (wall_is_set(effect->service->down_since)) {
        desk_timer_set(desk, &effect->deadline, wall_add(now, DESK_DOWN_LOOK));
        return;
    }
    effect->is_late = true;
    desk_effect_stop(desk, effect, now);
}

void desk_effect_stop(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    effect->is_stopping = true;
    if (effect->stage == STAGE_LINE) {
        leave_line(effect);
        finish(desk, effect, result_of(effect, STATUS_CANCELLED, BLAME_NONE, "stopped"),
               now);
        return;
    }
    if (effect->stage == STAGE_RUNNING) {
        struct desk_out out = out_of(effect, DESK_STOP_RUN);
        desk_put(desk, &out);
        return;
    }
    if (effect->stage == STAGE_SLEEPING) {
        effect->is_ending = true;
        stop_op(desk, effect, now);
        return;
    }
    if (desk_errand_is_risky(effect->errand)) { /* its answer is worth knowing */
        desk_timer_set(desk, &effect->deadline, wall_add(now, DESK_STOP_TIME));
        return;
    }
    struct http_response *response = http_response_new(HTTP_STOPPED, 0);
    desk_errand_leave(desk, effect, now);
    desk_effect_answer(desk, effect, response, now);
    http_response_free(response);
}

/* ---- who performs it -------------------------------------------------------------------
 */

static bool open_op(struct desk_effect *effect, struct err *err)
{
    const struct desk_task *task = effect->task;
    const char *owner = task->memo_provider != NULL ? task->memo_provider : "";
    bool is_mine = strcmp(owner, provider_of(effect)) == 0;
    bool is_kept =
        task->keep != NULL && (task->keep_provider == NULL ||
                               strcmp(task->keep_provider, provider_of(effect)) == 0);
    const struct op_input input = {.order = effect->order,
                                   .service = effect->service->spec,
                                   .task = task->task != NULL ? task->task : "",
                                   .plan = task->plan != NULL ? task->plan : "",
                                   .errors = task->errors != NULL ? task->errors : "",
                                   .memo =
                                       is_mine && task->memo != NULL ? task->memo : "",
                                   .keep = is_kept ? task->keep : "",
                                   .poll = &effect->service->gate.settings.poll};
    effect->has_memo = input.memo[0] != '\0';
    effect->op = effect->class->open(&input, err);
    return effect->op != NULL;
}

/* True: the next provider may try. */
static bool begin_op(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    order_set_provider(effect->order, effect->service->spec);
    effect->deadline_at = effect->order->deadline_at;
    if (wall_is_set(effect->deadline_at)) {
        desk_timer_set(desk, &effect->deadline, effect->deadline_at);
    }
    struct err err = ERR_INIT;
    struct op_step step =
        open_op(effect, &err)
            ? effect->class->begin(effect->op, now, &desk->rng)
            : op_done(effect->order, STATUS_REFUSED, BLAME_SETUP, "%s", err.msg);
    return drive(desk, effect, step, now);
}

/* A runner on behalf of a service. False: not this one. */
static bool begin_work(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    struct desk_service *service = effect->service;
    struct gate_verdict verdict = gate_admit_work(&service->gate, now);
    if (verdict.answer == GATE_FULL && bulkhead_wait(&service->gate.bulkhead)) {
        effect->stage = STAGE_LINE;
        if (service->work_last != NULL) {
            service->work_last->next = effect;
        } else {
            service->work_first = effect;
        }
        service->work_last = effect;
        return true;
    }
    if (verdict.answer != GATE_GO) {
        return false;
    }
    effect->ticket = verdict.ticket;
    effect->has_ticket = true;
    effect->begun_at = now;
    order_set_provider(effect->order, service->spec);
    run(desk, effect);
    return true;
}

/* Can it be asked at all? `is_bound`: it was begun there. */
static bool takes(struct desk *desk, struct desk_effect *effect, bool is_bound,
                  struct wall now)
{
    struct desk_service *service = effect->service;
    desk_touch(service);
    if (service_kind_way(service->spec->kind) == WAY_RUNNER) {
        return begin_work(desk, effect, now);
    }
    effect->class = desk->options.find_op(service->spec->kind, effect->order->kind);
    if (effect->class == NULL || (!is_bound && !gate_is_open_to(&service->gate, now))) {
        effect->class = NULL;
        return false;
    }
    return true;
}

static void note_choice(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    struct desk_service *first = desk_service_find(desk, effect->task->chain[0]);
    if (first != NULL && first != effect->service) {
        desk_fallback(desk, first, provider_of(effect), now);
    } else if (first != NULL && effect->class == NULL) {
        desk_fallback(desk, first, NULL, now);
    }
}

/* Place of the provider that began it, or n_chain. */
static size_t bound_place(const struct desk_task *task)
{
    bool has_memo = task->memo != NULL && task->memo[0] != '\0' &&
                    task->memo_provider != NULL && task->memo_provider[0] != '\0';
    for (size_t i = 0; has_memo && i < task->n_chain; i++) {
        if (strcmp(task->chain[i], task->memo_provider) == 0) {
            return i;
        }
    }
    return task->n_chain;
}

void desk_effect_choose(struct desk *desk, struct desk_effect *effect, size_t from,
                        struct wall now)
{
    const struct desk_task *task = effect->task;
    size_t bound = from == 0 ? bound_place(task) : task->n_chain;
    for (size_t i = bound < task->n_chain ? bound : from; i < task->n_chain; i++) {
        effect->at = i;
        effect->service = desk_service_find(desk, task->chain[i]);
        if (effect->service == NULL) {
            if (strcmp(task->chain[i], SERVICE_LOCAL) != 0) {
                continue; /* no such service any more */
            }
            note_choice(desk, effect, now);
            run_local(desk, effect);
            return;
        }
        if (!takes(desk, effect, i == bound, now)) {
            continue;
        }
        note_choice(desk, effect, now);
        if (effect->class == NULL || !begin_op(desk, effect, now)) {
            return; /* and the effect may be gone */
        }
    }
    give_up(desk, effect, NULL, now);
}

/* A runner of an earlier engine has it. */
void desk_effect_adopt(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    const char *owner = effect->task->memo_provider;
    struct desk_service *service = desk_service_find(desk, owner);
    bool is_its = service != NULL && service_kind_way(service->spec->kind) == WAY_RUNNER;
    for (size_t i = 0; i < effect->task->n_chain; i++) {
        bool is_owner =
            strcmp(effect->task->chain[i], is_its ? owner : SERVICE_LOCAL) == 0;
        effect->at = is_owner ? i : effect->at;
    }
    if (is_its) {
        effect->service = service;
        order_set_provider(effect->order, service->spec);
        service->gate.bulkhead.in_flight++; /* it has a place, whatever the limit says */
        effect->ticket = 0;
        effect->has_ticket = true;
        effect->begun_at = now;
        desk_touch(service);
        run(desk, effect);
        return;
    }
    if (service != NULL) { /* the part of an op that needs this machine (OP_RUN) */
        desk_effect_choose(desk, effect, 0, now);
        return;
    }
    run_local(desk, effect);
}

void desk_work_pump(struct desk *desk, struct desk_service *service, struct wall now)
{
    while (service->work_first != NULL) {
        struct desk_effect *effect = service->work_first;
        if (breaker_admits(&service->gate.breaker, now) &&
            !bulkhead_has_place(&service->gate.bulkhead)) {
            return;
        }
        leave_line(effect);
        if (!begin_work(desk, effect, now)) {
            desk_effect_choose(desk, effect, effect->at + 1, now);
        }
    }
}

/* What the outcome of a runner says about its service. */
static enum breaker_outcome judge(const struct effect_result *result)
{
    switch (result->blame) {
    case BLAME_WORLD:
    case BLAME_SERVICE:
        return result->status == STATUS_CANCELLED ? OUTCOME_NEUTRAL : OUTCOME_FAILURE;
    case BLAME_SETUP:
    case BLAME_OPERATOR:
        return OUTCOME_NEUTRAL;
    default:
        return result->status == STATUS_CANCELLED ? OUTCOME_NEUTRAL : OUTCOME_OK;
    }
}

/* What becomes of an effect whose runner failed through its service's fault. What a runner
 * has left in its folder is final, so the next provider of the chain needs another effect:
 * the step's next try, which finds the breaker open. At the end of the chain nobody judges,
 * and anything else waits. */
static void blame_service(struct desk *desk, const struct desk_effect *effect,
                          struct effect_result *result, struct wall now)
{
    if (effect->at + 1 < effect->task->n_chain) {
        result->blame = BLAME_WORLD;
    } else if (effect->order->kind == EFFECT_EVALUATE) {
        char *text = mem_printf("not evaluated: %s",
                                result->summary != NULL ? result->summary : "no result");
        free(result->summary);
        result->summary = text;
        result->status = STATUS_PASSED;
        result->blame = BLAME_NONE;
        result->is_degraded = true;
        desk_fallback(desk, effect->service, "none", now);
    } else {
        result->status = STATUS_DEFERRED;
        result->blame = BLAME_SERVICE;
    }
}

void desk_effect_result(struct desk *desk, struct desk_effect *effect,
                        struct effect_result *result, struct wall now)
{
    if (effect->service != NULL) {
        enum breaker_outcome outcome =
            effect->is_stopping ? OUTCOME_NEUTRAL : judge(result);
        leave_gate(effect, outcome, now);
        if (outcome == OUTCOME_FAILURE) {
            desk_error(effect->service, effect->order->name,
                       result->summary != NULL ? result->summary : "", now);
        }
        /* It opened the breaker, or found it open: the service's fault, not the step's. */
        if (outcome == OUTCOME_FAILURE &&
            effect->service->gate.breaker.state != BREAKER_CLOSED) {
            blame_service(desk, effect, result, now);
        }
        if (result->blame == BLAME_SERVICE && result->service == NULL) {
            result->service = mem_str(provider_of(effect));
        }
    }
    finish(desk, effect, result, now);
}
