/* SPDX-License-Identifier: MIT */
/* What the store and the screens are told of a service. */
#include "engine/service/desk_private.h"
#include "engine/service/sandbox.h"

#define DETAIL_MAX 65536

/* ---- figures ---------------------------------------------------------------------------
 */

static struct endpoint *find_endpoint(struct desk_service *service, const char *name)
{
    for (size_t i = 0; i < service->n_endpoints; i++) {
        if (strcmp(service->endpoints[i].name, name) == 0) {
            return &service->endpoints[i];
        }
    }
    if (service->n_endpoints == DESK_ENDPOINTS) {
        return NULL;
    }
    struct endpoint *endpoint = &service->endpoints[service->n_endpoints++];
    endpoint->name = name;
    endpoint->latency = mem_alloc(sizeof(*endpoint->latency));
    latency_init(endpoint->latency);
    return endpoint;
}

void desk_count(struct desk_service *service, const struct http_request *request,
                const struct http_response *response, bool is_error, struct wall now)
{
    struct endpoint *endpoint = find_endpoint(service, request->name);
    if (endpoint != NULL) {
        endpoint->n_calls++;
        endpoint->n_errors += is_error;
        latency_record(endpoint->latency, response->took, now);
    }
}

void desk_error(struct desk_service *service, const char *call, const char *text,
                struct wall now)
{
    memmove(&service->errors[1], &service->errors[0],
            (DESK_ERRORS - 1) * sizeof(service->errors[0]));
    service->n_errors += service->n_errors < DESK_ERRORS;
    struct service_error *error = &service->errors[0];
    error->at = now;
    (void)text_clean_into(error->call, sizeof(error->call), call != NULL ? call : "");
    (void)text_clean_into(error->text, sizeof(error->text), text);
    service->is_changed = true;
}

void desk_fallback(struct desk *desk, struct desk_service *service, const char *to,
                   struct wall now)
{
    if (to == NULL) {
        if (service->fallback_to[0] == '\0') {
            return;
        }
        service->fallback_to[0] = '\0';
        service->n_fallback = 0;
        desk_report(desk, service, "fallback-end", "the service itself again", "engine",
                    now);
        return;
    }
    service->n_fallback++;
    service->is_changed = true;
    if (strcmp(service->fallback_to, to) == 0) {
        return;
    }
    char *cause = mem_printf("in its place: %s", to);
    (void)text_clean_into(service->fallback_to, sizeof(service->fallback_to), to);
    service->fallback_since = now;
    desk_report(desk, service, "fallback", cause, "engine", now);
    free(cause);
}

const char *desk_last_resort(const struct desk *desk, const struct desk_service *service)
{
    bool has_events = service->spec->kind == SERVICE_GITHUB && desk->options.has_listener;
    return has_events ? "webhook events, then park" : "park";
}

/* ---- detail ----------------------------------------------------------------------------
 */

static void write_window(struct jsonw *w, const struct breaker *breaker)
{
    char recent[BREAKER_RECENT + 1];
    for (int i = 0; i < breaker->n_recent; i++) {
        int bit = breaker->n_recent - 1 - i;
        recent[i] = (breaker->recent_failed >> bit & 1u) != 0 ? 'x'
                    : (breaker->recent_slow >> bit & 1u) != 0 ? 's'
                                                              : '.';
    }
    recent[breaker->n_recent] = '\0';
    bool is_row = breaker->settings.window == BREAKER_CONSECUTIVE;
    int failure = breaker_failure_percent(breaker), slow = breaker_slow_percent(breaker);
    jsonw_open(w, "window", '{');
    jsonw_str(w, "kind", breaker_window_word(breaker->settings.window));
    jsonw_int(w, "calls", breaker->n_calls);
    jsonw_int(w, "failures", is_row ? breaker->n_in_a_row : breaker->n_failed);
    jsonw_int(w, "failure_percent", failure < 0 ? 0 : failure);
    jsonw_int(w, "slow_percent", slow < 0 ? 0 : slow);
    jsonw_str(w, "recent", recent);
    jsonw_close(w, '}');
}

static void write_gate(struct jsonw *w, const struct gate *gate, struct wall now)
{
    struct latency_sum sum = latency_sum(&gate->latency, now);
    const struct rate_quota *quota = &gate->rate.quotas[RATE_CORE];
    int creates = rate_creates_left(&gate->rate, now);
    jsonw_open(w, "latency_ms", '{');
    jsonw_int(w, "n", sum.n);
    if (sum.n > 0) {
        jsonw_int(w, "p50", sum.p50);
        jsonw_int(w, "p95", sum.p95);
        jsonw_int(w, "p99", sum.p99);
    }
    jsonw_close(w, '}');
    jsonw_open(w, "bulkhead", '{');
    jsonw_int(w, "limit", gate->bulkhead.limit);
    jsonw_int(w, "in_flight", gate->bulkhead.in_flight);
    jsonw_int(w, "waiting", gate->bulkhead.waiting);
    jsonw_int(w, "refused", gate->bulkhead.n_refused);
    jsonw_close(w, '}');
    jsonw_open(w, "rate", '{');
    if (quota->limit > 0) {
        jsonw_int(w, "limit", quota->limit);
        jsonw_int(w, "remaining", quota->remaining);
        jsonw_int(w, "reset_at", quota->reset_at.ms);
    }
    if (creates >= 0) {
        jsonw_int(w, "creates_left", creates);
    }
    if (gate->rate.hold.ms > now.ms) {
        jsonw_int(w, "hold_until", gate->rate.hold.ms);
    }
    jsonw_close(w, '}');
    jsonw_open(w, "retry", '{');
    jsonw_int(w, "left_percent", retry_left_percent(&gate->retry, now));
    jsonw_int(w, "repeats", gate->retry.n_repeats);
    jsonw_close(w, '}');
}

static void write_fallback(struct jsonw *w, const struct desk_service *service)
{
    if (service->fallback_to[0] == '\0') {
        jsonw_null(w, "fallback");
        return;
    }
    jsonw_open(w, "fallback", '{');
    jsonw_str(w, "to", service->fallback_to);
    jsonw_int(w, "since", service->fallback_since.ms);
    jsonw_int(w, "n", service->n_fallback);
    jsonw_close(w, '}');
}

static void write_lists(struct jsonw *w, const struct desk_service *service,
                        struct wall now)
{
    jsonw_open(w, "endpoints", '[');
    for (size_t i = 0; i < service->n_endpoints; i++) {
        const struct endpoint *endpoint = &service->endpoints[i];
        struct latency_sum sum = latency_sum(endpoint->latency, now);
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "name", endpoint->name);
        jsonw_int(w, "calls", endpoint->n_calls);
        jsonw_int(w, "errors", endpoint->n_errors);
        if (sum.n > 0) {
            jsonw_int(w, "p95_ms", sum.p95);
        }
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_open(w, "errors", '[');
    for (size_t i = 0; i < service->n_errors; i++) {
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "at", service->errors[i].at.ms);
        jsonw_str(w, "call", service->errors[i].call);
        jsonw_str(w, "text", service->errors[i].text);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static char *make_detail(const struct desk_service *service, struct wall now)
{
    struct jsonw w;
    AUTO_BUF struct buf out;
    const struct service_spec *spec = service->spec;
    bool has_url = spec->url != NULL && spec->url[0] != '\0';
    buf_init(&out, DETAIL_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_str(&w, "url", has_url ? spec->url : service_kind_url(spec->kind));
    write_window(&w, &service->gate.breaker);
    write_gate(&w, &service->gate, now);
    write_fallback(&w, service);
    write_lists(&w, service, now);
    jsonw_open(&w, "mesh", '{');
    if (service->gate.healthy_percent == MESH_UNKNOWN) {
        jsonw_null(&w, "healthy_percent");
    } else {
        jsonw_int(&w, "healthy_percent", service->gate.healthy_percent);
    }
    jsonw_close(&w, '}');
    if (wall_is_set(service->probed_at)) {
        jsonw_open(&w, "probe", '{');
        jsonw_int(&w, "at", service->probed_at.ms);
        jsonw_bool(&w, "ok", service->probed_ok);
        jsonw_close(&w, '}');
    } else {
        jsonw_null(&w, "probe");
    }
    if (wall_is_set(service->token_end)) {
        jsonw_int(&w, "token_end", service->token_end.ms);
    }
    jsonw_str(
        &w, "snapshots",
        sandbox_snapshots(spec->kind, spec->provider != NULL ? spec->provider : ""));
    jsonw_close(&w, '}');
    return buf_take(&out, NULL);
}

static char *make_memo(const struct desk_service *service)
{
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, DETAIL_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    gate_save(&service->gate, &w);
    write_fallback(&w, service);
    jsonw_close(&w, '}');
    return buf_take(&out, NULL);
}

void desk_report(struct desk *desk, struct desk_service *service, const char *event,
                 const char *cause, const char *actor, struct wall now)
{
    const struct breaker *breaker = &service->gate.breaker;
    struct service_report *report = mem_alloc(sizeof(*report));
    report->text[0] = mem_str(service->spec->name);
    report->text[1] = mem_str(service_kind_word(service->spec->kind));
    report->text[2] = mem_str(breaker->cause);
    report->text[3] = make_detail(service, now);
    report->text[4] = make_memo(service);
    report->row = (struct service_row){.name = report->text[0],
                                       .kind = report->text[1],
                                       .state = breaker->state,
                                       .since = breaker->since,
                                       .until = breaker->until,
                                       .reason = report->text[2],
                                       .detail = report->text[3],
                                       .memo = report->text[4],
                                       .updated_at = now};
    report->event = mem_str(event);
    report->cause = mem_str(cause);
    report->actor = mem_str(actor);
    service->is_changed = false;
    service->report_at = wall_add(now, desk->options.report_every);
    struct desk_out out = {
        .kind = DESK_REPORT, .service = service->spec, .report = report};
    desk_put(desk, &out);
}
