/* SPDX-License-Identifier: MIT */

/* What the desk asks for: calls to services, runners; and the answers on their way. */
#include <inttypes.h>

#include "engine/base/mem.h"
#include "engine/drill/world.h"

#define LATENCY 150 /* of a call, ms */

int64_t drill_key(int64_t workflow, int64_t seq)
{
    return (int64_t)((uint64_t)workflow << 24 ^ (uint64_t)seq);
}

static void due_free(struct drill_due *due)
{
    http_response_free(due->response);
    effect_result_free(due->result);
    free(due);
}

static struct drill_due *plan(struct drill_world *world, struct span in)
{
    struct drill_due *due = mem_alloc(sizeof(*due));
    heap_put(&world->due, &due->node, world->now.ms + in.ms, ++world->last_due);
    return due;
}

/* ---- services over HTTP ---- */

static int64_t key_in(const char *text)
{
    int64_t workflow = 0, seq = 0;
    const char *at = text != NULL ? strstr(text, "wf-") : NULL;
    if (at == NULL || sscanf(at, "wf-%" SCNd64 ".%" SCNd64, &workflow, &seq) != 2) {
        return 0;
    }
    return drill_key(workflow, seq);
}

static void thing_free(struct drill_thing *thing)
{
    effect_result_free(thing->result);
    free(thing);
}

static struct http_response *answer(int status, char *body)
{
    struct http_response *response = http_response_new(HTTP_FINE, status);
    free(response->body);
    response->body = body;
    response->body_len = strlen(body);
    return response;
}

static void create(struct drill_world *world, const char *service, int64_t key)
{
    struct drill_job *job = idmap_get(&world->jobs, key);
    struct drill_thing *thing = idmap_get(&world->things, key);
    if (thing != NULL) {
        world->report->n_repeated++; /* the same key, made again */
        return;
    }
    if (job == NULL) {
        return; /* of a workflow that has ended meanwhile */
    }
    thing = mem_alloc(sizeof(*thing));
    struct drill_outcome outcome = drill_begin(world, job, service);
    thing->result = outcome.result;
    thing->is_good = outcome.is_good;
    thing->done_at.ms = outcome.takes.ms >= 0 ? world->now.ms + outcome.takes.ms : 0;
    world->n_healthy += thing->is_good;
    idmap_put(&world->things, key, thing);
}

static struct http_response *look(const struct drill_world *world, int64_t key)
{
    const struct drill_thing *thing = idmap_get(&world->things, key);
    if (thing == NULL) {
        return answer(404, mem_str("{\"message\":\"Not Found\"}"));
    }
    bool is_done = wall_is_set(thing->done_at) && world->now.ms >= thing->done_at.ms;
    return answer(200, drill_op_body(is_done ? thing->result : NULL));
}

static struct http_response *serve(struct drill_world *world, const char *service,
                                   const struct http_request *request)
{
    if (request->class == CALL_PROBE) {
        return answer(200, mem_str("{}"));
    }
    if (request->class == CALL_READ) {
        return look(world, key_in(request->url));
    }
    create(world, service, key_in(request->body));
    return answer(201, drill_op_body(NULL));
}

static void put_header(struct http_response *response, const char *name,
                       const char *value)
{
    http_response_header(response, name, strlen(name), value, strlen(value));
}

static struct http_response *go_wrong(struct drill_world *world, int fault,
                                      const struct desk_out *out, struct span *ret_took)
{
    const struct drill_fault *row = &world->profile->faults[fault];
    struct rng luck = drill_luck(world, out->call, fault, 8);
    struct http_response *response = NULL;
    char seconds[32];
    switch (row->what) {
    case DRILL_SILENT:
        *ret_took = out->time;
        return http_response_new(HTTP_TIMEOUT, 0);
    case DRILL_LOSES:
        if (out->request->class != CALL_READ && out->request->class != CALL_PROBE) {
            http_response_free(serve(world, out->service->name, out->request));
        }
        return http_response_new(HTTP_LOST, 0);
    case DRILL_ANSWERS:
        response = answer(row->http, drill_text(row, &luck));
        if (row->retry_after.ms > 0) {
            (void)snprintf(seconds, sizeof(seconds), "%" PRId64,
                           row->retry_after.ms / 1000);
            put_header(response, "retry-after", seconds);
        }
        return response;
    default:
        return http_response_new(HTTP_UNREACHED, 0);
    }
}

static void on_call(struct drill_world *world, const struct desk_out *out)
{
    const char *service = out->service->name;
    struct rng luck = drill_luck(world, out->call, 11, world->report->n_crashes);
    double times = drill_call_slowness(world, service);
    struct span took = {
        (int64_t)(LATENCY * (0.5 + rng_unit(&luck) + 4 * rng_unit(&luck) * (times - 1)))};
    int fault = drill_call_fault(world, service, out->call);
    struct http_response *response = NULL;
    world->report->n_calls++;
    if (fault >= 0) {
        response = go_wrong(world, fault, out, &took);
    } else if (took.ms > out->time.ms && out->time.ms > 0) {
        took = out->time;
        response = http_response_new(HTTP_TIMEOUT, 0);
    } else {
        response = serve(world, service, out->request);
    }
    response->took = took;
    struct drill_due *due = plan(world, took);
    due->call = out->call;
    due->response = response;
}

/* ---- runners ---- */

static void on_run(struct drill_world *world, const struct order *order)
{
    int64_t key = drill_key(order->workflow, order->seq);
    struct drill_job *job = idmap_get(&world->jobs, key);
    if (job == NULL || job->runner != NULL) {
        return; /* adopted */
    }
    world->report->n_repeated += job->n_starts++ > 0;
    struct drill_outcome outcome;
    int fault = drill_call_fault(world, order->provider, world->last_due);
    if (fault >= 0) {
        outcome = (struct drill_outcome){
            .takes = {world->profile->faults[fault].what == DRILL_SILENT ? 60000 : 5000},
            .result = effect_result_new(order->workflow, order->seq)};
        struct rng luck = drill_luck(world, key, fault, 9);
        outcome.result->status = STATUS_LOST;
        outcome.result->blame = BLAME_WORLD;
        outcome.result->summary = mem_printf("the bridge to %s broke", order->provider);
        outcome.result->excerpt = drill_text(&world->profile->faults[fault], &luck);
    } else {
        outcome = drill_begin(world, job, order->provider);
    }
    world->n_healthy += outcome.is_good;
    job->runner = mem_str(order->provider);
    struct drill_due *due =
        plan(world, (struct span){outcome.takes.ms >= 0 ? outcome.takes.ms
                                                        : INT64_C(30) * 86400000});
    due->key = key;
    due->result = outcome.result;
    due->is_good = outcome.is_good;
}

static void on_stop_run(struct drill_world *world, int64_t workflow, int64_t seq)
{
    int64_t key = drill_key(workflow, seq);
    for (size_t i = 0; i < world->due.n; i++) {
        struct drill_due *due = HEAP_ITEM(world->due.nodes[i], struct drill_due, node);
        if (due->call == 0 && due->key == key) {
            due->result->status = STATUS_CANCELLED;
            due->result->blame = BLAME_WORLD;
            world->n_healthy -= due->is_good;
            due->is_good = false;
            heap_put(&world->due, &due->node, world->now.ms, due->node.tie);
            return;
        }
    }
}

/* ---- what the desk says ---- */

static void on_memo(struct drill_world *world, struct desk_out *out)
{
    struct drill_job *job = idmap_get(&world->jobs, drill_key(out->workflow, out->seq));
    if (out->is_memo_kept || job == NULL) {
        return;
    }
    free(job->memo);
    free(job->memo_provider);
    job->memo = TAKE(out->text);
    job->memo_provider = mem_str(out->service->name);
}

static void remember(struct drill_world *world, const struct drill_job *job,
                     const struct effect_result *result)
{
    struct drill_flow *flow = drill_flow_of(world, job->workflow);
    const struct config *config = world->profile->config;
    const struct service_spec *service =
        service_find(config->services, config->n_services,
                     result->provider != NULL ? result->provider : "");
    if (flow->n_history == flow->cap_history) {
        flow->cap_history = flow->cap_history > 0 ? 2 * flow->cap_history : 16;
        flow->history =
            mem_grow(flow->history, flow->cap_history, sizeof(*flow->history));
    }
    flow->history[flow->n_history++] =
        (struct effect_row){.workflow = job->workflow,
                            .seq = job->seq,
                            .kind = job->kind,
                            .status = result->status,
                            .provider = service != NULL ? service->name : SERVICE_LOCAL};
}

static void job_free(struct drill_job *job)
{
    free(job->memo);
    free(job->memo_provider);
    free(job->runner);
    free(job);
}

static void on_result(struct drill_world *world, struct effect_result *result)
{
    int64_t key = drill_key(result->workflow, result->seq);
    struct drill_job *job = idmap_take(&world->jobs, key);
    struct drill_thing *thing = idmap_take(&world->things, key);
    if (thing != NULL) {
        world->n_healthy -= thing->is_good;
        if (result->status == STATUS_PASSED) { /* what the answers carry no room for */
            struct effect_result *made = thing->result;
            result->branch = TAKE(made->branch);
            result->base_sha = TAKE(made->base_sha);
            result->head_sha = TAKE(made->head_sha);
            result->merge_sha = TAKE(made->merge_sha);
            result->plan = TAKE(made->plan);
            result->pr_number = made->pr_number;
        }
        thing_free(thing);
    }
    if (job != NULL) {
        remember(world, job, result);
        drill_ended(world, job, result);
        job_free(job);
    }
    control_result(world->control, result, world->now);
}

void drill_drain(struct drill_world *world)
{
    struct desk_out out;
    while (desk_next(world->desk, &out)) {
        switch (out.kind) {
        case DESK_CALL:
            on_call(world, &out);
            break;
        case DESK_RUN:
            on_run(world, out.order);
            break;
        case DESK_STOP_RUN:
            on_stop_run(world, out.workflow, out.seq);
            break;
        case DESK_MEMO:
            on_memo(world, &out);
            break;
        case DESK_RESULT:
            on_result(world, TAKE(out.result));
            break;
        case DESK_REPORT:
            control_report(world->control, TAKE(out.report), world->now);
            break;
        default:
            break;
        }
        http_request_free(out.request);
        free(out.text);
    }
}

void drill_deliver(struct drill_world *world)
{
    struct heap_node *first = NULL;
    while ((first = heap_first(&world->due)) != NULL && first->key <= world->now.ms) {
        struct drill_due *due = HEAP_ITEM(first, struct drill_due, node);
        heap_remove(&world->due, first);
        if (due->result == NULL) {
            desk_answer(world->desk, due->call, TAKE(due->response), world->now);
        } else {
            struct drill_job *job = idmap_get(&world->jobs, due->key);
            if (job != NULL) {
                free(TAKE(job->runner));
            }
            world->n_healthy -= due->is_good;
            desk_result(world->desk, TAKE(due->result), world->now);
        }
        due_free(due);
    }
}

void drill_forget_calls(struct drill_world *world)
{
    for (size_t i = 0; i < world->due.n;) {
        struct drill_due *due = HEAP_ITEM(world->due.nodes[i], struct drill_due, node);
        if (due->result == NULL) {
            heap_remove(&world->due, &due->node);
            due_free(due);
            i = 0;
        } else {
            i++;
        }
    }
}

void drill_world_fini(struct drill_world *world)
{
    struct heap_node *first = NULL;
    size_t iter = 0;
    void *item = NULL;
    while ((first = heap_first(&world->due)) != NULL) {
        heap_remove(&world->due, first);
        due_free(HEAP_ITEM(first, struct drill_due, node));
    }
    heap_fini(&world->due);
    while ((item = idmap_next(&world->jobs, &iter)) != NULL) {
        job_free(item);
    }
    iter = 0;
    while ((item = idmap_next(&world->things, &iter)) != NULL) {
        thing_free(item);
    }
    idmap_fini(&world->jobs);
    idmap_fini(&world->things);
    for (int64_t i = 0; i < world->n_flows; i++) {
        free(world->flows[i].history);
    }
    free(world->flows);
    free(world->active);
    free(world->choices);
    free(world->recover_ms);
    free(world->path);
    drill_faults_fini(world);
}
