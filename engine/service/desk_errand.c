/* SPDX-License-Identifier: MIT */
/* A call that somebody wants answered: line, attempts, repetition, hedge. */
#include "engine/service/desk_private.h"

/* ---- values ----------------------------------------------------------------------------
 */

static bool is_read(const struct errand *errand)
{
    return errand->request->class == CALL_READ;
}

static struct rate_call rate_call_of(const struct http_request *request)
{
    return (struct rate_call){.resource = rate_resource_of(request->url),
                              .is_write = request->class == CALL_WRITE ||
                                          request->class == CALL_CREATE,
                              .is_create = request->class == CALL_CREATE,
                              .is_operators = request->is_operators};
}

static struct http_response *blocked(struct wall until, const char *text)
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

static bool has_attempt(const struct errand *errand)
{
    return errand->attempts[0].call != 0 || errand->attempts[1].call != 0;
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

/* envoyproxy.io "Router" filter; W3C Trace Context. */
static void add_mesh_headers(struct desk *desk, struct errand *errand,
                             struct http_request *request, struct span time)
{
    char text[MESH_TRACEPARENT_MAX], ms[24];
    if (!errand->service->spec->mesh.sends_headers || request->is_foreign) {
        return;
    }
    (void)snprintf(ms, sizeof(ms), "%lld", (long long)time.ms);
    http_request_header(request, "traceparent",
                        mesh_traceparent(errand->trace, &desk->rng, text));
    http_request_header(request, "x-envoy-upstream-rq-timeout-ms", ms);
}

static void send_attempt(struct desk *desk, struct errand *errand, uint32_t ticket,
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
    struct http_request *request = http_request_copy(errand->request);
    add_mesh_headers(desk, errand, request, time);
    struct desk_out out = {.kind = DESK_CALL,
                           .call = attempt->call,
                           .service = errand->service->spec,
                           .request = request,
                           .time = time};
    if (errand->waiters != NULL) {
        out.workflow = errand->waiters->order->workflow;
        out.seq = errand->waiters->order->seq;
    }
    desk_put(desk, &out);
    struct wall at = attempt->lost_at;
    struct span hedge = errand->service->gate.settings.hedge;
    if (hedge.ms > 0 && is_read(errand) && !errand->has_hedged && hedge.ms < time.ms) {
        at = wall_add(now, hedge);
    }
    desk_timer_set(desk, &errand->timer, at);
}

/* Once more through the gate. NULL: sent, or in line. */
static struct http_response *try_send(struct desk *desk, struct errand *errand,
                                      struct wall now)
{
    struct desk_service *service = errand->service;
    struct rate_call call = rate_call_of(errand->request);
    struct gate_verdict verdict = gate_admit(&service->gate, &call, now);
    char text[BREAKER_CAUSE_MAX + 64];
    desk_touch(service);
    if (verdict.answer == GATE_GO) {
        line_leave(errand);
        send_attempt(desk, errand, verdict.ticket, true, now);
        return NULL;
    }
    if (verdict.answer == GATE_CLOSED) {
        (void)snprintf(text, sizeof(text), "%s: %s",
                       breaker_state_word(service->gate.breaker.state),
                       service->gate.breaker.cause);
        return blocked(verdict.until, text);
    }
    bool is_full = verdict.answer == GATE_FULL;
    if (!is_full && verdict.until.ms > now.ms + DESK_PATIENCE.ms) {
        return blocked(verdict.until, "a limit of the service is reached");
    }
    if (!errand->is_in_line) {
        if (!line_enter(errand)) {
            return blocked((struct wall){0}, "the line of waiting calls is full");
        }
        desk_timer_stop(desk, &errand->timer);
    }
    errand->due = is_full ? (struct wall){0} : verdict.until;
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
            errand->house == HOUSE_NONE && other->class == CALL_READ &&
            other->method == HTTP_GET && other->body == NULL &&
            other->follows == request->follows &&
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
    errand->trace[0] = effect->trace[0];
    errand->trace[1] = effect->trace[1];
    errand->waiters = effect;
    effect->next = NULL;
    effect->errand = errand;
    struct http_response *response = try_send(desk, errand, now);
    effect->trace[0] = errand->trace[0]; /* all calls of an effect are one trace */
    effect->trace[1] = errand->trace[1];
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
    send_attempt(desk, errand, 0, false, now);
}

/* ---- ends ------------------------------------------------------------------------------
 */

static void attempt_end(struct desk *desk, struct errand *errand, struct attempt *attempt,
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
            attempt_end(desk, errand, attempt, OUTCOME_NEUTRAL, false, (struct span){0},
                        now);
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
    return !is_read(errand) && has_attempt(errand);
}

/* The answer, at last: to everybody who waits. Takes the response. */
static void deliver(struct desk *desk, struct errand *errand,
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

/* ---- answers ---------------------------------------------------------------------------
 */

static enum breaker_outcome judge(const struct http_response *response)
{
    switch (response->fault) {
    case HTTP_FINE:
        return gate_judge(response->status);
    case HTTP_UNREACHED:
    case HTTP_LOST:
    case HTTP_TIMEOUT:
        return OUTCOME_FAILURE;
    case HTTP_TOO_LARGE:
        return OUTCOME_OK; /* it answers, only too much */
    default:
        return OUTCOME_NEUTRAL;
    }
}

/* What the headers say. True: "not now", the call was not performed. */
static bool told(struct errand *errand, const struct http_response *response,
                 struct wall now)
{
    struct gate *gate = &errand->service->gate;
    if (response->fault != HTTP_FINE || errand->request->is_foreign) {
        return false;
    }
    if (response->is_cached) { /* 304 takes nothing of the quota of GitHub */
        rate_give_back(&gate->rate, rate_resource_of(errand->request->url));
        return false;
    }
    struct span expected = {0};
    if (mesh_expected(http_header_of(response, "x-envoy-expected-rq-timeout-ms"),
                      &expected)) {
        errand->service->expected = expected;
    }
    const struct rate_answer answer = {
        .status = response->status,
        .limit = http_header_of(response, "x-ratelimit-limit"),
        .remaining = http_header_of(response, "x-ratelimit-remaining"),
        .reset = http_header_of(response, "x-ratelimit-reset"),
        .resource = http_header_of(response, "x-ratelimit-resource"),
        .retry_after = http_header_of(response, "retry-after"),
        .body = response->body};
    return gate_told(gate, &answer, now);
}

/* May it be sent again? Not what may have been done already. */
static bool may_repeat(struct desk *desk, struct errand *errand, bool is_limited,
                       const struct http_response *response, struct wall now)
{
    struct gate *gate = &errand->service->gate;
    bool was_not_done =
        is_limited || response->fault == HTTP_UNREACHED || is_read(errand);
    if (errand->house != HOUSE_NONE || !was_not_done || errand->waiters == NULL ||
        errand->service->spec->mesh.retries == MESH_RETRIES_MESH) {
        return false;
    }
    if (is_limited) { /* costs nothing but the wait, which the gate sees to */
        errand->pause.ms = 1;
        return errand->n_retries++ < 10;
    }
    if (errand->n_retries >= gate->settings.retries) {
        return false;
    }
    errand->pause = backoff_next(errand->pause, gate->settings.retry_min,
                                 gate->settings.retry_max, &desk->rng);
    bool is_late =
        gate->settings.call_time.ms > 0 &&
        now.ms + errand->pause.ms >= errand->sent_at.ms + gate->settings.call_time.ms;
    if (is_late || !breaker_admits(&gate->breaker, now) ||
        !retry_take(&gate->retry, now)) {
        return false;
    }
    errand->n_retries++;
    return true;
}

/* What nobody learned anything from becomes "blocked"; see op.h. */
static struct http_response *to_blocked(const struct errand *errand,
                                        struct http_response *response, bool is_limited,
                                        enum breaker_outcome outcome)
{
    bool is_nothing = is_limited || response->fault == HTTP_UNREACHED ||
                      (is_read(errand) && outcome == OUTCOME_FAILURE);
    if (!is_nothing || errand->house != HOUSE_NONE) {
        return response;
    }
    char text[DESK_ERROR_MAX];
    const char *detail = text_or_empty(response->text);
    if (response->fault == HTTP_FINE) {
        (void)snprintf(text, sizeof(text), "%s: HTTP %d", errand->request->name,
                       response->status);
    } else {
        (void)snprintf(text, sizeof(text), "%s: %s%s%.100s", errand->request->name,
                       http_fault_word(response->fault), detail[0] != '\0' ? ": " : "",
                       detail);
    }
    const struct gate *gate = &errand->service->gate;
    struct wall until = gate->rate.hold.ms > gate->breaker.until.ms ? gate->rate.hold
                                                                    : gate->breaker.until;
    http_response_free(response);
    return blocked(until, text);
}

static void note_outcome(struct errand *errand, const struct http_response *response,
                         enum breaker_outcome outcome, bool is_limited, struct wall now)
{
    char text[DESK_ERROR_MAX];
    bool is_error = outcome == OUTCOME_FAILURE || is_limited ||
                    (response->fault != HTTP_FINE && response->fault != HTTP_STOPPED) ||
                    response->status >= 400;
    desk_count(errand->service, errand->request, response, is_error, now);
    if (!is_error || (outcome == OUTCOME_OK && response->status == 404)) {
        return; /* 404 is an answer that ops ask for */
    }
    if (response->fault == HTTP_FINE) {
        (void)snprintf(text, sizeof(text), "HTTP %d%s", response->status,
                       is_limited ? ", a rate limit" : "");
    } else {
        (void)snprintf(text, sizeof(text), "%s %.120s", http_fault_word(response->fault),
                       text_or_empty(response->text));
    }
    desk_error(errand->service, errand->request->name, text, now);
}

void desk_errand_answer(struct desk *desk, struct errand *errand, int64_t call,
                        struct http_response *response, struct wall now)
{
    struct attempt *attempt = &errand->attempts[errand->attempts[1].call == call];
    bool is_limited = told(errand, response, now);
    enum breaker_outcome outcome = is_limited ? OUTCOME_NEUTRAL : judge(response);
    bool is_overload = is_limited || response->fault == HTTP_TIMEOUT ||
                       (response->fault == HTTP_FINE && response->status == 503);
    note_outcome(errand, response, outcome, is_limited, now);
    /* Another host's illness (a log in a blob store) is not this service's. */
    bool is_ours = !errand->request->is_foreign;
    attempt_end(desk, errand, attempt, is_ours ? outcome : OUTCOME_NEUTRAL,
                is_ours && is_overload, response->took, now);
    bool is_good = !is_limited && outcome == OUTCOME_OK;
    if (!is_good && has_attempt(errand)) { /* its twin may do better */
        const struct attempt *twin = &errand->attempts[errand->attempts[0].call == 0];
        desk_timer_set(desk, &errand->timer, twin->lost_at);
        http_response_free(response);
        return;
    }
    if (!is_good && may_repeat(desk, errand, is_limited, response, now)) {
        http_response_free(response);
        errand->stage = ERRAND_PAUSE;
        desk_timer_set(desk, &errand->timer, wall_add(now, errand->pause));
        return;
    }
    deliver(desk, errand, to_blocked(errand, response, is_limited, outcome), now);
}

/* ---- clock and line --------------------------------------------------------------------
 */

/* A second try beside the first: only with a place and a repetition left. */
static void hedge(struct desk *desk, struct errand *errand, struct wall now)
{
    struct gate *gate = &errand->service->gate;
    struct rate_call call = rate_call_of(errand->request);
    errand->has_hedged = true;
    struct wall lost_at = errand->attempts[0].call != 0 ? errand->attempts[0].lost_at
                                                        : errand->attempts[1].lost_at;
    desk_timer_set(desk, &errand->timer, lost_at);
    bool may = gate->breaker.state == BREAKER_CLOSED &&
               bulkhead_has_place(&gate->bulkhead) && gate->bulkhead.waiting == 0 &&
               rate_at(&gate->rate, &call, now).ms <= now.ms &&
               retry_take(&gate->retry, now);
    if (!may) {
        return;
    }
    struct gate_verdict verdict = gate_admit(gate, &call, now);
    if (verdict.answer == GATE_GO) {
        send_attempt(desk, errand, verdict.ticket, true, now);
    }
}

/* The shell lost a call: nobody can wait for it for ever. */
static void lose(struct desk *desk, struct errand *errand, struct wall now)
{
    for (size_t i = 0; i < ARRAY_LEN(errand->attempts); i++) {
        struct attempt *attempt = &errand->attempts[i];
        if (attempt->call == 0 || attempt->lost_at.ms > now.ms) {
            continue;
        }
        struct http_response *response = http_response_new(HTTP_TIMEOUT, 0);
        struct desk_out out = {
            .kind = DESK_CANCEL, .call = attempt->call, .service = errand->service->spec};
        response->took = wall_since(now, attempt->at);
        desk_put(desk, &out);
        desk_errand_answer(desk, errand, attempt->call, response, now);
        return; /* the errand may be gone */
    }
    struct wall at = errand->attempts[errand->attempts[0].call == 0].lost_at;
    desk_timer_set(desk, &errand->timer, at);
}

void desk_errand_timer(struct desk *desk, struct errand *errand, struct wall now)
{
    struct http_response *response = NULL;
    switch (errand->stage) {
    case ERRAND_LINE:
        if (errand->is_full) {
            errand->service->gate.bulkhead.n_refused++;
            deliver(desk, errand,
                    blocked((struct wall){0}, "no place became free in time"), now);
        }
        break;
    case ERRAND_PAUSE:
        response = try_send(desk, errand, now);
        if (response != NULL) {
            deliver(desk, errand, response, now);
        }
        break;
    case ERRAND_FLIGHT:
        if (!errand->has_hedged && is_read(errand) &&
            errand->service->gate.settings.hedge.ms > 0 &&
            now.ms < errand->attempts[errand->attempts[0].call == 0].lost_at.ms) {
            hedge(desk, errand, now);
        } else {
            lose(desk, errand, now);
        }
        break;
    }
}

/* Those in line, in order. A write that has to wait does not keep back a read behind it. */
void desk_errand_pump(struct desk *desk, struct desk_service *service, struct wall now)
{
    struct errand *next = NULL;
    for (struct errand *errand = service->line_first; errand != NULL; errand = next) {
        next = errand->line_next;
        struct wall due = errand->due;
        if (breaker_admits(&service->gate.breaker, now)) {
            if (!errand->is_full && due.ms > now.ms) {
                continue;
            }
            if (!bulkhead_has_place(&service->gate.bulkhead)) {
                return;
            }
        }
        bool was_moved = service->is_moved;
        struct http_response *response = try_send(desk, errand, now);
        service->is_moved = was_moved;
        if (response != NULL) {
            deliver(desk, errand, response, now);
            next = service->line_first; /* whoever that woke may have left the line */
        }
    }
}
