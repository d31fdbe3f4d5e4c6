/* SPDX-License-Identifier: MIT */
/* A call that somebody wants answered: the line before the gate, sending, who waits. */
#include "engine/service/desk_private.h"

/* ---- values ----------------------------------------------------------------------------
 */

struct rate_call desk_rate_call(const struct http_request *request)
{
    return (struct rate_call){.resource = rate_resource_of(request->url),
                              .is_write = request->class == CALL_WRITE ||
                                          request->class == CALL_CREATE,
                              .is_create = request->class == CALL_CREATE,
                              .is_operators = request->is_operators};
}

struct http_response *desk_blocked(struct wall until, const char *text)
{
    struct http_response *response = http_response_new(HTTP_BLOCKED, 0);
    response->until = until;
    free(response->text);
    response->text = mem_str(text);
    return response;
}

static struct http_response *copy_response(const struct http_response *from)
{
    struct http_response *to = http_response_new(from->fault, from->status);
    for (size_t i = 0; i < from->n_headers; i++) {
        const struct http_header *header = &from->headers[i];
        http_response_header(to, header->name, strlen(header->name), header->value,
                             strlen(header->value));
    }
    free(to->body);
    to->body = mem_strn(from->body != NULL ? from->body : "", from->body_len);
    to->body_len = from->body_len;
    to->is_cached = from->is_cached;
    to->took = from->took;
    to->until = from->until;
    free(to->text);
    to->text = mem_str(from->text != NULL ? from->text : "");
    return to;
}

/* ---- lists -----------------------------------------------------------------------------
 */

static struct errand *errand_new(struct desk *desk, struct desk_service *service,
                                 struct http_request *request)
{
    struct errand *errand = mem_alloc(sizeof(*errand));
    errand->number = ++desk->last_number;
    errand->service = service;
    errand->request = request;
    errand->timer.kind = TIMER_ERRAND;
    errand->next = service->errands;
    if (errand->next != NULL) {
        errand->next->prev = errand;
    }
    service->errands = errand;
    return errand;
}

static void line_leave(struct errand *errand)
{
    struct desk_service *service = errand->service;
    if (!errand->is_in_line) {
        return;
    }
    *(errand->line_prev != NULL ? &errand->line_prev->line_next : &service->line_first) =
        errand->line_next;
    *(errand->line_next != NULL ? &errand->line_next->line_prev : &service->line_last) =
        errand->line_prev;
    errand->line_prev = errand->line_next = NULL;
    errand->is_in_line = errand->is_full = false;
    bulkhead_unwait(&service->gate.bulkhead);
}

/* False: the line is full. */
static bool line_enter(struct errand *errand)
{
    struct desk_service *service = errand->service;
    if (!bulkhead_wait(&service->gate.bulkhead)) {
        return false;
    }
    errand->line_prev = service->line_last;
    *(service->line_last != NULL ? &service->line_last->line_next
                                 : &service->line_first) = errand;
    service->line_last = errand;
    errand->is_in_line = true;
    errand->stage = ERRAND_LINE;
    return true;
}

void desk_errand_free(struct desk *desk, struct errand *errand)
{
    struct desk_service *service = errand->service;
    line_leave(errand);
    desk_timer_stop(desk, &errand->timer);
    for (size_t i = 0; i < ARRAY_LEN(errand->attempts); i++) {
        if (errand->attempts[i].call != 0) {
            (void)idmap_take(&desk->calls, errand->attempts[i].call);
        }
    }
    *(errand->prev != NULL ? &errand->prev->next : &service->errands) = errand->next;
    if (errand->next != NULL) {
        errand->next->prev = errand->prev;
    }
    http_request_free(errand->request);
    free(errand);
}

/* ---- sending ---------------------------------------------------------------------------
 */

static struct span attempt_time(const struct errand *errand, struct wall now)
{
    const struct gate_settings *set = &errand->service->gate.settings;
    int64_t time = set->attempt_time.ms > 0 ? set->attempt_time.ms : 60000;
    if (errand->service->expected.ms > 0 && errand->service->expected.ms < time) {
        time = errand->service->expected.ms;
    }
    if (set->call_time.ms > 0 && wall_is_set(errand->sent_at)) {
        int64_t left = errand->sent_at.ms + set->call_time.ms - now.ms;
        time = left < time ? left : time;
    }
    return (struct span){time > 1 ? time : 1};
}

/* Whoever reads them: W3C Trace Context; the "Router" filter of envoyproxy.io. */
static void add_headers(const struct errand *errand, struct http_request *request,
                        const struct trace_context *context, struct span time)
{
    char text[TRACEPARENT_MAX], ms[24];
    if (request->is_foreign) {
        return;
    }
    http_request_header(request, "traceparent", traceparent_format(context, text));
    if (errand->service->spec->mesh.sends_headers) {
        (void)snprintf(ms, sizeof(ms), "%lld", (long long)time.ms);
        http_request_header(request, "x-envoy-upstream-rq-timeout-ms", ms);
    }
}

/* The call's span is made before it is sent, for the service is told. */
static void put_context(const struct errand *errand, const struct attempt *attempt,
                        struct desk_out *out)
{
    struct trace_context parent = {.trace = ""};
    if (errand->waiters != NULL) {
        const struct order *order = errand->waiters->order;
        const char *text = order->traceparent;
        out->workflow = order->workflow;
        out->seq = order->seq;
        if (text != NULL && traceparent_parse(text, strlen(text), &parent)) {
            memcpy(out->parent, parent.span, sizeof(out->parent));
        }
    }
    out->context =
        trace_of_call(&parent, errand->service->spec->name, attempt->call, attempt->at);
    out->attempt = errand->n_retries + 1;
}

void desk_errand_send(struct desk *desk, struct errand *errand, uint32_t ticket,
                      bool has_ticket, struct wall now)
{
    struct attempt *attempt = &errand->attempts[errand->attempts[0].call != 0];
    if (!wall_is_set(errand->sent_at)) {
        errand->sent_at = now;
    }
    struct span time = attempt_time(errand, now);
    *attempt = (struct attempt){
        .call = ++desk->last_call, .ticket = ticket, .has_ticket = has_ticket, .at = now};
    attempt->lost_at = wall_add(wall_add(now, time), DESK_ATTEMPT_GRACE);
    errand->stage = ERRAND_FLIGHT;
    idmap_put(&desk->calls, attempt->call, errand);
    struct desk_out out = {.kind = DESK_CALL,
                           .call = attempt->call,
                           .service = errand->service->spec,
                           .request = http_request_copy(errand->request),
                           .time = time};
    put_context(errand, attempt, &out);
    add_headers(errand, out.request, &out.context, time);
    desk_put(desk, &out);
    struct wall at = attempt->lost_at;
    struct span hedge = errand->service->gate.settings.hedge;
    if (hedge.ms > 0 && errand_is_read(errand) && !errand->has_hedged &&
        hedge.ms < time.ms) {
        at = wall_add(now, hedge);
    }
    desk_timer_set(desk, &errand->timer, at);
}

/* Once more through the gate. NULL: sent, or in line. */
struct http_response *desk_errand_try(struct desk *desk, struct errand *errand,
                                      struct wall now)
{
    struct desk_service *service = errand->service;
    if (desk_halt_holds(desk, errand)) {
        line_leave(errand);
        desk_timer_stop(desk, &errand->timer);
        errand->stage = ERRAND_HELD;
        return NULL;
    }
    struct rate_call call = desk_rate_call(errand->request);
    struct gate_verdict verdict = gate_admit(&service->gate, &call, now);
    char text[BREAKER_CAUSE_MAX + 64];
    desk_touch(service);
    if (verdict.answer == GATE_GO) {
        line_leave(errand);
        desk_errand_send(desk, errand, verdict.ticket, true, now);
        return NULL;
    }
    if (verdict.answer == GATE_CLOSED) {
        (void)snprintf(text, sizeof(text), "%s: %s",
                       breaker_state_word(service->gate.breaker.state),
                       service->gate.breaker.cause);
        return desk_blocked(verdict.until, text);
    }
    bool is_full = verdict.answer == GATE_FULL;
    if (!is_full && verdict.until.ms > now.ms + DESK_PATIENCE.ms) {
        return desk_blocked(verdict.until, "a limit of the service is reached");
    }
    if (!errand->is_in_line) {
        if (!line_enter(errand)) {
            return desk_blocked((struct wall){0}, "the line of waiting calls is full");
        }
        desk_timer_stop(desk, &errand->timer);
    }
    errand->due.ms = is_full ? 0 : verdict.until.ms;
    if (is_full && !errand->is_full && service->gate.settings.queue_time.ms > 0) {
        desk_timer_set(desk, &errand->timer,
                       wall_add(now, service->gate.settings.queue_time));
    } else if (!is_full) {
        desk_timer_stop(desk, &errand->timer);
    }
    errand->is_full = is_full;
    return NULL;
}

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* The same read by another effect, not answered yet. */
static struct errand *find_same(const struct desk_service *service,
                                const struct http_request *request)
{
    if (request->class != CALL_READ || request->method != HTTP_GET ||
        request->body != NULL) {
        return NULL;
    }
    for (struct errand *errand = service->errands; errand != NULL;
         errand = errand->next) {
        const struct http_request *other = errand->request;
        bool is_same =
            errand->house == HOUSE_NONE && errand->stage != ERRAND_HELD &&
            other->class == CALL_READ && other->method == HTTP_GET &&
            other->body == NULL && other->follows == request->follows &&
            other->is_foreign == request->is_foreign &&
            other->answer_max == request->answer_max &&
            other->n_headers == request->n_headers &&
            strcmp(text_or_empty(other->url), text_or_empty(request->url)) == 0;
        for (size_t i = 0; is_same && i < request->n_headers; i++) {
            is_same = strcmp(other->headers[i].name, request->headers[i].name) == 0 &&
                      strcmp(other->headers[i].value, request->headers[i].value) == 0;
        }
        if (is_same) {
            return errand;
        }
    }
    return NULL;
}

struct http_response *desk_errand_begin(struct desk *desk, struct desk_effect *effect,
                                        struct http_request *request, struct wall now)
{
    struct errand *errand = find_same(effect->service, request);
    request->is_operators = request->is_operators || effect->task->is_operators;
    if (errand != NULL) {
        errand->request->is_operators |= request->is_operators;
        http_request_free(request);
        effect->next = errand->waiters;
        errand->waiters = effect;
        effect->errand = errand;
        return NULL;
    }
    errand = errand_new(desk, effect->service, request);
    errand->waiters = effect;
    effect->next = NULL;
    effect->errand = errand;
    struct http_response *response = desk_errand_try(desk, errand, now);
    if (response != NULL) {
        effect->errand = NULL;
        desk_errand_free(desk, errand);
    }
    return response;
}

void desk_errand_house(struct desk *desk, struct desk_service *service,
                       enum errand_house house, struct http_request *request,
                       struct wall now)
{
    struct errand *errand = errand_new(desk, service, request);
    errand->house = house;
    desk_errand_send(desk, errand, 0, false, now);
}

/* ---- ends ------------------------------------------------------------------------------
 */

void desk_attempt_end(struct desk *desk, struct errand *errand, struct attempt *attempt,
                      enum breaker_outcome outcome, bool is_overload, struct span took,
                      struct wall now)
{
    (void)idmap_take(&desk->calls, attempt->call);
    if (attempt->has_ticket) {
        gate_record(&errand->service->gate, attempt->ticket, outcome, is_overload, took,
                    now);
    }
    desk_touch(errand->service);
    *attempt = (struct attempt){0};
}

static void cancel_attempts(struct desk *desk, struct errand *errand, struct wall now)
{
    for (size_t i = 0; i < ARRAY_LEN(errand->attempts); i++) {
        struct attempt *attempt = &errand->attempts[i];
        if (attempt->call != 0) {
            struct desk_out out = {.kind = DESK_CANCEL,
                                   .call = attempt->call,
                                   .service = errand->service->spec};
            desk_put(desk, &out);
            desk_attempt_end(desk, errand, attempt, OUTCOME_NEUTRAL, false,
                             (struct span){0}, now);
        }
    }
}

void desk_errand_leave(struct desk *desk, struct desk_effect *effect, struct wall now)
{
    struct errand *errand = effect->errand;
    if (errand == NULL) {
        return;
    }
    struct desk_effect **link = &errand->waiters;
    while (*link != NULL && *link != effect) {
        link = &(*link)->next;
    }
    if (*link != NULL) {
        *link = effect->next;
    }
    effect->next = NULL;
    effect->errand = NULL;
    if (errand->waiters == NULL) {
        cancel_attempts(desk, errand, now);
        desk_errand_free(desk, errand);
    }
}

bool desk_errand_is_risky(const struct errand *errand)
{
    return !errand_is_read(errand) && errand_has_attempt(errand);
}

/* The answer, at last: to everybody who waits. Takes the response. */
void desk_errand_deliver(struct desk *desk, struct errand *errand,
                         struct http_response *response, struct wall now)
{
    struct desk_service *service = errand->service;
    enum errand_house house = errand->house;
    struct desk_effect *waiters = errand->waiters;
    cancel_attempts(desk, errand, now);
    errand->waiters = NULL;
    desk_errand_free(desk, errand);
    for (struct desk_effect *effect = waiters; effect != NULL; effect = effect->next) {
        effect->errand = NULL;
    }
    while (waiters != NULL) {
        struct desk_effect *effect = waiters;
        waiters = effect->next;
        effect->next = NULL;
        struct http_response *own = waiters != NULL ? copy_response(response) : response;
        desk_effect_answer(desk, effect, own, now);
        if (own != response) {
            http_response_free(own);
        }
    }
    if (house != HOUSE_NONE) {
        desk_house_answer(desk, service, house, response, now);
    }
    http_response_free(response);
}

/* ---- line ------------------------------------------------------------------------------
 */

/* The first in line for whom there is news. A write that has to wait does not keep back a
 * read behind it. */
static struct errand *first_movable(const struct desk_service *service, struct wall now)
{
    const struct gate *gate = &service->gate;
    bool admits = breaker_admits(&gate->breaker, now);
    bool has_place = bulkhead_has_place(&gate->bulkhead);
    for (struct errand *errand = service->line_first; errand != NULL;
         errand = errand->line_next) {
        if (!admits || (has_place && (errand->is_full || errand->due.ms <= now.ms))) {
            return errand;
        }
    }
    return NULL;
}

/* Each turn takes one out of the line, or learns for how long it has to wait. */
void desk_errand_pump(struct desk *desk, struct desk_service *service, struct wall now)
{
    struct errand *errand = NULL;
    while ((errand = first_movable(service, now)) != NULL) {
        struct http_response *response = desk_errand_try(desk, errand, now);
        if (response != NULL) {
            desk_errand_deliver(desk, errand, response, now);
        }
    }
    service->is_moved = false; /* what was to be moved has been */
}
