/* SPDX-License-Identifier: MIT */
/* What came of an attempt: repetition, hedge, what the op is told. */
#include <strings.h>

#include "engine/service/desk_private.h"

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* ---- answers ---------------------------------------------------------------------------
 */

bool desk_is_page(const struct http_response *response)
{
    const char *type = http_header_of(response, "content-type");
    return response->fault == HTTP_FINE && response->status >= 200 &&
           response->status < 300 && type != NULL &&
           strncasecmp(type, "text/html", strlen("text/html")) == 0;
}

static enum breaker_outcome judge(const struct http_response *response)
{
    switch (response->fault) {
    case HTTP_FINE:
        return desk_is_page(response) ? OUTCOME_FAILURE : gate_judge(response->status);
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

/* When the token that was used ends: "2026-12-01 10:00:00 UTC" or with "-0700" in place of UTC, as
 * GitHub says it with each answer (docs.github.com, "Managing your personal access tokens"; both forms
 * are read by google/go-github). No header: it does not end, or nobody knows. */
static struct wall token_end(const char *text)
{
    char day[11], clock[9], zone[6], line[40];
    struct wall end = {0};
    if (text == NULL || sscanf(text, "%10s %8s %5s", day, clock, zone) != 3) {
        return end;
    }
    if (strcmp(zone, "UTC") == 0) {
        (void)snprintf(line, sizeof(line), "%sT%sZ", day, clock);
    } else {
        (void)snprintf(line, sizeof(line), "%sT%s%.3s:%s", day, clock, zone,
                       strlen(zone) == 5 ? zone + 3 : "");
    }
    return wall_parse(line, &end) ? end : (struct wall){0};
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
    }
    if (!response->is_cached && response->status < 400) {
        errand->service->token_end =
            token_end(http_header_of(response, "github-authentication-token-expiration"));
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
        is_limited || response->fault == HTTP_UNREACHED || errand_is_read(errand);
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
                      (errand_is_read(errand) && outcome == OUTCOME_FAILURE);
    if (!is_nothing || errand->house != HOUSE_NONE) {
        return response;
    }
    char text[DESK_ERROR_MAX];
    const char *detail = text_or_empty(response->text);
    if (response->fault == HTTP_FINE) {
        (void)snprintf(text, sizeof(text), "%s: HTTP %d%s", errand->request->name,
                       response->status,
                       desk_is_page(response) ? ", a page of HTML" : "");
    } else {
        (void)snprintf(text, sizeof(text), "%s: %s%s%.100s", errand->request->name,
                       http_fault_word(response->fault), detail[0] != '\0' ? ": " : "",
                       detail);
    }
    const struct gate *gate = &errand->service->gate;
    struct wall until = gate->rate.hold.ms > gate->breaker.until.ms ? gate->rate.hold
                                                                    : gate->breaker.until;
    http_response_free(response);
    return desk_blocked(until, text);
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
                       is_limited               ? ", a rate limit"
                       : desk_is_page(response) ? ", a page of HTML"
                                                : "");
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
    desk_attempt_end(desk, errand, attempt, is_ours ? outcome : OUTCOME_NEUTRAL,
                     is_ours && is_overload, response->took, now);
    bool is_good = !is_limited && outcome == OUTCOME_OK;
    if (!is_good && errand_has_attempt(errand)) { /* its twin may do better */
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
    desk_errand_deliver(desk, errand, to_blocked(errand, response, is_limited, outcome),
                        now);
}

/* ---- clock -----------------------------------------------------------------------
 */

/* A second try beside the first: only with a place and a repetition left. */
static void hedge(struct desk *desk, struct errand *errand, struct wall now)
{
    struct gate *gate = &errand->service->gate;
    struct rate_call call = desk_rate_call(errand->request);
    errand->has_hedged = true;
    struct wall lost_at = errand->attempts[0].call != 0 ? errand->attempts[0].lost_at
                                                        : errand->attempts[1].lost_at;
    desk_timer_set(desk, &errand->timer, lost_at);
    bool may = !desk->is_halted && gate->breaker.state == BREAKER_CLOSED &&
               bulkhead_has_place(&gate->bulkhead) && gate->bulkhead.waiting == 0 &&
               rate_at(&gate->rate, &call, now).ms <= now.ms &&
               retry_take(&gate->retry, now);
    if (!may) {
        return;
    }
    struct gate_verdict verdict = gate_admit(gate, &call, now);
    if (verdict.answer == GATE_GO) {
        desk_errand_send(desk, errand, verdict.ticket, true, now);
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
            desk_errand_deliver(
                desk, errand,
                desk_blocked((struct wall){0}, "no place became free in time"), now);
        }
        break;
    case ERRAND_HELD: /* has no timer */
        break;
    case ERRAND_PAUSE:
        response = desk_errand_try(desk, errand, now);
        if (response != NULL) {
            desk_errand_deliver(desk, errand, response, now);
        }
        break;
    case ERRAND_FLIGHT:
        if (!errand->has_hedged && errand_is_read(errand) &&
            errand->service->gate.settings.hedge.ms > 0 &&
            now.ms < errand->attempts[errand->attempts[0].call == 0].lost_at.ms) {
            hedge(desk, errand, now);
        } else {
            lose(desk, errand, now);
        }
        break;
    }
}
