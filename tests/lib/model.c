/* SPDX-License-Identifier: MIT */
#include "tests/lib/model.h"

#include <inttypes.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"

/* ---- the op ----------------------------------------------------------------------------
 */

enum phase { PHASE_NEW, PHASE_LOOK, PHASE_MADE };

struct model {
    struct order order; /* workflow and seq are used */
    const struct service_spec *service;
    enum phase phase;
    bool is_stopping, is_shared;
};

static void *op_open(const struct op_input *input, struct err *err)
{
    if (strcmp(input->order->name, "refuse") == 0) {
        err_set(err, ERR_CONFIG, "no such thing");
        return NULL;
    }
    struct model *model = mem_alloc(sizeof(*model));
    model->order.workflow = input->order->workflow;
    model->order.seq = input->order->seq;
    model->service = input->service;
    model->is_shared = strcmp(input->order->name, "shared") == 0;
    model->phase = strstr(input->memo, "made") != NULL    ? PHASE_MADE
                   : strstr(input->memo, "about") != NULL ? PHASE_LOOK
                                                          : PHASE_NEW;
    return model;
}

static struct op_step ask(const struct model *model)
{
    char *url = model->is_shared ? mem_str("/things/shared")
                                 : mem_printf("/things/wf-%" PRId64 ".%" PRId64,
                                              model->order.workflow, model->order.seq);
    return op_call(http_request_new("things.get", CALL_READ, HTTP_GET, url));
}

static struct op_step make(struct model *model)
{
    char *body =
        mem_printf("wf-%" PRId64 ".%" PRId64, model->order.workflow, model->order.seq);
    struct http_request *request =
        http_request_new("things.create", CALL_CREATE, HTTP_POST, mem_str("/things"));
    http_request_body(request, body, strlen(body));
    struct op_step step = op_call(request);
    step.memo = mem_str("{\"phase\":\"about\"}");
    return step;
}

static struct op_step op_begin(void *op, struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct model *model = op;
    return model->phase == PHASE_NEW ? make(model) : ask(model);
}

static struct op_step op_answer(void *op, const struct http_response *response,
                                struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct model *model = op;
    if (response->fault != HTTP_FINE || response->status >= 500) {
        if (model->is_stopping) {
            return op_done(&model->order, STATUS_CANCELLED, BLAME_NONE, "stopped");
        }
        if (response->fault == HTTP_BLOCKED && model->phase == PHASE_NEW) {
            return op_deferred(&model->order, model->service, response);
        }
        model->phase = model->phase == PHASE_NEW ? PHASE_LOOK : model->phase;
        return op_sleep(MODEL_POLL);
    }
    if (response->status == 404) {
        model->phase = PHASE_NEW;
        return make(model);
    }
    if (model->phase != PHASE_MADE) {
        model->phase = PHASE_MADE;
        struct op_step step = ask(model);
        step.memo = mem_str("{\"phase\":\"made\"}");
        return step;
    }
    if (strcmp(response->body, "done") == 0) {
        struct op_step step = op_done(&model->order, STATUS_PASSED, BLAME_NONE, "done");
        step.is_reconciled = true;
        return step;
    }
    return op_sleep(MODEL_POLL);
}

static struct op_step op_wake(void *op, const struct forge_event *hint, struct wall now,
                              struct rng *rng)
{
    (void)now;
    (void)rng;
    return hint != NULL && hint->kind == FORGE_OTHER ? op_sleep(MODEL_POLL) : ask(op);
}

static struct op_step op_stop(void *op, struct wall now, struct rng *rng)
{
    (void)now;
    (void)rng;
    struct model *model = op;
    model->is_stopping = true;
    return op_done(&model->order, STATUS_CANCELLED, BLAME_NONE, "stopped");
}

static const struct op_class model_class = {.name = "model.thing",
                                            .open = op_open,
                                            .begin = op_begin,
                                            .answer = op_answer,
                                            .wake = op_wake,
                                            .stop = op_stop,
                                            .close = free};

const struct op_class *model_op(enum service_kind service, enum effect_kind effect)
{
    (void)service;
    (void)effect;
    return &model_class;
}

/* ---- the service -----------------------------------------------------------------------
 */

void model_fini(struct model_service *service)
{
    size_t iter = 0;
    void *thing = NULL;
    while ((thing = idmap_next(&service->things, &iter)) != NULL) {
        free(thing);
    }
    idmap_fini(&service->things);
}

bool model_is_down(const struct model_service *service, struct wall now)
{
    return now.ms >= service->down_from.ms && now.ms < service->down_until.ms;
}

static int64_t key_in(const char *text)
{
    int64_t workflow = 0, seq = 0;
    const char *at = strstr(text, "wf-");
    if (at == NULL || sscanf(at, "wf-%" SCNd64 ".%" SCNd64, &workflow, &seq) != 2) {
        return 0;
    }
    return (int64_t)((uint64_t)workflow << 24 ^ (uint64_t)seq);
}

static struct http_response *answer(int status, const char *body)
{
    struct http_response *response = http_response_new(HTTP_FINE, status);
    free(response->body);
    response->body = mem_str(body);
    response->body_len = strlen(body);
    return response;
}

static struct http_response *serve(struct model_service *service,
                                   const struct http_request *request, struct wall now)
{
    if (request->class == CALL_PROBE) {
        return answer(200, "{}");
    }
    bool is_create = request->class == CALL_CREATE;
    int64_t key = key_in(is_create ? request->body : request->url);
    struct model_thing *thing = idmap_get(&service->things, key);
    if (!is_create) {
        return thing == NULL                 ? answer(404, "")
               : now.ms >= thing->done_at.ms ? answer(200, "done")
                                             : answer(200, "works");
    }
    service->n_twice += thing != NULL;
    if (thing == NULL) {
        thing = mem_alloc(sizeof(*thing));
        thing->done_at = wall_add(now, service->work);
        idmap_put(&service->things, key, thing);
        service->n_things++;
    }
    return answer(201, "");
}

static struct http_response *fail(struct model_service *service,
                                  const struct http_request *request, struct span time,
                                  struct wall now, struct span *ret_took)
{
    service->n_down++;
    service->n_down_probes += request->class == CALL_PROBE;
    service->n_down_reads += request->class == CALL_READ;
    service->n_down_writes += request->class == CALL_CREATE;
    *ret_took = (struct span){50};
    switch (service->fault) {
    case MODEL_HANGS:
        *ret_took = time;
        return http_response_new(HTTP_TIMEOUT, 0);
    case MODEL_ANSWERS_503:
        return answer(503, "");
    case MODEL_LOSES: /* it is done, and nobody hears of it */
        http_response_free(serve(service, request, now));
        return http_response_new(HTTP_LOST, 0);
    default:
        return http_response_new(HTTP_UNREACHED, 0);
    }
}

struct http_response *model_answer(struct model_service *service,
                                   const struct http_request *request, struct span time,
                                   struct wall now, struct span *ret_took)
{
    struct http_response *response = NULL;
    service->n_calls++;
    service->n_creates += request->class == CALL_CREATE;
    if (model_is_down(service, now)) {
        response = fail(service, request, time, now, ret_took);
    } else {
        *ret_took = service->latency;
        response = serve(service, request, now);
    }
    response->took = *ret_took;
    return response;
}
