/* SPDX-License-Identifier: MIT */
/* Calls of the desk's own: probes and looks at the mesh; what operators order. */
#include "engine/service/desk_private.h"

/* ---- probes ----------------------------------------------------------------------------
 */

/* A cheap read that needs nothing but a service that lives, or NULL: only real work can
 * tell. GitHub's is free of the quota (docs.github.com, "Get rate limit status"). */
static struct http_request *probe_request(const struct service_spec *spec)
{
    const char *url = NULL;
    switch (spec->kind) {
    case SERVICE_GITHUB:
        url = "/rate_limit";
        break;
    case SERVICE_CODEGEN:
        url = "/v1/users/me";
        break;
    case SERVICE_DAYTONA:
        url = "/sandbox?limit=1";
        break;
    case SERVICE_E2B:
        url = "/v2/sandboxes?limit=1";
        break;
    default:
        return NULL;
    }
    return http_request_new("probe", CALL_PROBE, HTTP_GET, mem_str(url));
}

void desk_probe(struct desk *desk, struct desk_service *service, const char *actor,
                struct wall now)
{
    const struct rate_call call = {.is_operators = actor != NULL};
    struct http_request *request = probe_request(service->spec);
    if (request == NULL || service->is_probing) {
        if (request == NULL && actor != NULL) {
            desk_report(desk, service, "service-probe",
                        "only real work can tell whether it lives", actor, now);
        }
        http_request_free(request);
        return;
    }
    free(service->prober);
    service->prober = mem_str(actor);
    service->is_probing = true;
    rate_take(&service->gate.rate, &call, now);
    desk_errand_house(desk, service, HOUSE_PROBE, request, now);
}

static void probe_answered(struct desk *desk, struct desk_service *service,
                           const struct http_response *response, struct wall now)
{
    char text[DESK_ERROR_MAX];
    bool is_told = response->fault == HTTP_FINE;
    bool is_ok = is_told && response->status < 500 && !desk_is_page(response);
    bool says_nothing = response->fault == HTTP_NO_TOKEN ||
                        response->fault == HTTP_STOPPED ||
                        (is_told && response->status == 429);
    service->is_probing = false;
    service->probed_at = now;
    service->probed_ok = is_ok;
    if (!says_nothing) {
        breaker_probed(&service->gate.breaker, is_ok, now);
    }
    desk_touch(service);
    if (service->prober == NULL) {
        return;
    }
    if (is_told) {
        (void)snprintf(text, sizeof(text), "answered HTTP %d%s after %lld ms",
                       response->status,
                       desk_is_page(response) ? ", a page of HTML," : "",
                       (long long)response->took.ms);
    } else {
        (void)snprintf(text, sizeof(text), "%s %.100s", http_fault_word(response->fault),
                       response->text != NULL ? response->text : "");
    }
    desk_report(desk, service, "service-probe", text, service->prober, now);
    free(TAKE(service->prober));
}

/* ---- mesh ------------------------------------------------------------------------------
 */

static struct http_request *mesh_request(const struct mesh_spec *mesh,
                                         enum errand_house house)
{
    char *url = NULL;
    if (house == HOUSE_ENVOY) {
        url = mem_printf("%s/clusters?format=json", mesh->envoy_admin);
    } else {
        char *query = http_escape(mesh->query != NULL ? mesh->query : "");
        url = mem_printf("%s/api/v1/query?query=%s", mesh->prometheus, query);
        free(query);
    }
    struct http_request *request = http_request_new(
        house == HOUSE_ENVOY ? "mesh.clusters" : "mesh.query", CALL_PROBE, HTTP_GET, url);
    request->is_foreign = true; /* no token of the service goes there */
    return request;
}

static void mesh_answered(struct desk_service *service, enum errand_house house,
                          const struct http_response *response, struct wall now)
{
    const struct service_spec *spec = service->spec;
    const char *cluster = spec->mesh.cluster;
    cluster = cluster != NULL && cluster[0] != '\0' ? cluster : spec->name;
    int percent = MESH_UNKNOWN;
    if (response->fault == HTTP_FINE && response->status == 200 &&
        response->body != NULL) {
        percent = house == HOUSE_ENVOY
                      ? mesh_envoy_percent(response->body, response->body_len, cluster)
                      : mesh_prometheus_percent(response->body, response->body_len);
    }
    service->gate.healthy_percent = percent;
    breaker_evidence(&service->gate.breaker, percent, now);
    desk_touch(service);
}

void desk_house_answer(struct desk *desk, struct desk_service *service,
                       enum errand_house house, const struct http_response *response,
                       struct wall now)
{
    if (house == HOUSE_PROBE) {
        probe_answered(desk, service, response, now);
    } else {
        mesh_answered(service, house, response, now);
    }
}

/* ---- clock -----------------------------------------------------------------------------
 */

static bool wants_probe(const struct desk_service *service)
{
    const struct breaker *breaker = &service->gate.breaker;
    /* A call under way in half-open will tell. */
    return wall_is_set(service->probe_at) && !service->is_probing &&
           (breaker->state == BREAKER_OPEN ||
            (breaker->state == BREAKER_HALF_OPEN && breaker->n_trial == 0));
}

/* Not before the service wants to be asked. */
static struct wall probe_due(const struct desk_service *service)
{
    struct wall hold = service->gate.breaker.hold;
    return service->probe_at.ms > hold.ms ? service->probe_at : hold;
}

static struct wall earliest(struct wall a, struct wall b)
{
    return !wall_is_set(a) || (wall_is_set(b) && b.ms < a.ms) ? b : a;
}

struct wall desk_house_wake_at(const struct desk_service *service)
{
    struct wall at = earliest(service->envoy_at, service->prometheus_at);
    return wants_probe(service) ? earliest(at, probe_due(service)) : at;
}

void desk_house_tick(struct desk *desk, struct desk_service *service, struct wall now)
{
    const struct mesh_spec *mesh = &service->spec->mesh;
    if (wants_probe(service) && probe_due(service).ms <= now.ms) {
        struct span every = service->spec->gate.breaker.probe;
        service->probe_at.ms = every.ms > 0 ? now.ms + every.ms : 0;
        desk_probe(desk, service, NULL, now);
    }
    if (wall_is_set(service->envoy_at) && service->envoy_at.ms <= now.ms) {
        service->envoy_at = wall_add(now, mesh->interval);
        desk_errand_house(desk, service, HOUSE_ENVOY, mesh_request(mesh, HOUSE_ENVOY),
                          now);
    }
    if (wall_is_set(service->prometheus_at) && service->prometheus_at.ms <= now.ms) {
        service->prometheus_at = wall_add(now, mesh->interval);
        desk_errand_house(desk, service, HOUSE_PROMETHEUS,
                          mesh_request(mesh, HOUSE_PROMETHEUS), now);
    }
}

/* ---- operators -------------------------------------------------------------------------
 */

static enum breaker_state state_of(enum service_force force)
{
    switch (force) {
    case FORCE_OPEN:
        return BREAKER_FORCED_OPEN;
    case FORCE_CLOSED:
        return BREAKER_FORCED_CLOSED;
    case FORCE_DISABLED:
        return BREAKER_DISABLED;
    case FORCE_METRICS:
        return BREAKER_METRICS;
    default:
        return BREAKER_CLOSED;
    }
}

static void tune(struct desk_service *service, const struct service_tuning *tuning)
{
    struct gate_settings settings = service->spec->gate;
    if (tuning->concurrency >= 0) {
        settings.concurrency = tuning->concurrency;
    }
    if (tuning->failures >= 0) {
        settings.breaker.failures = tuning->failures;
    }
    if (tuning->open.ms >= 0) {
        settings.breaker.open = tuning->open;
    }
    if (tuning->poll.ms >= 0) {
        settings.poll = tuning->poll;
    }
    gate_tune(&service->gate, &settings);
}

void desk_obey(struct desk *desk, struct desk_service *service,
               const struct service_order *order, struct wall now)
{
    const char *actor = order->actor != NULL ? order->actor : "operator";
    const char *reason = order->reason != NULL ? order->reason : "";
    if (order->is_reset) {
        breaker_reset(&service->gate.breaker, actor, reason, now);
        service->gate.rate.hold.ms = 0;
    }
    if (order->has_force) {
        breaker_force(&service->gate.breaker, state_of(order->force), order->until, actor,
                      reason, now);
    }
    if (order->is_probe) {
        desk_probe(desk, service, actor, now);
    }
    if (order->has_tuning) {
        tune(service, &order->tuning);
    }
    desk_touch(service);
}
