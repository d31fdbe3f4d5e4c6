/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdarg.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "tests/lib/outage_private.h"

#define SHA "1f0e2d3c4b5a69788796a5b4c3d2e1f001122334"

void outage_complain(struct world *world, const char *format, ...)
{
    va_list args;
    if (world->report->failure[0] != '\0') {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(world->report->failure, sizeof(world->report->failure), format, args);
    va_end(args);
}

int64_t outage_key(int64_t workflow, int64_t seq)
{
    return (int64_t)((uint64_t)workflow << 24 ^ (uint64_t)seq);
}

static struct model_service *model_of(struct world *world, const char *name)
{
    for (int i = 0; i < N_MODELS; i++) {
        if (strcmp(world->models[i].name, name) == 0) {
            return &world->models[i];
        }
    }
    return NULL;
}

/* ---- what is outside -------------------------------------------------------------------
 */

void outage_due_free(struct due *due)
{
    http_response_free(due->response);
    effect_result_free(due->result);
    free(due->provider);
    free(due);
}

static struct due *plan(struct world *world, struct span in)
{
    struct due *due = mem_alloc(sizeof(*due));
    heap_put(&world->due, &due->node, world->now.ms + in.ms, ++world->last);
    return due;
}

/* What the machine needs of a step that passed. */
static void fill_in(struct world *world, struct effect_result *result,
                    enum effect_kind kind)
{
    if (result->status != STATUS_PASSED) {
        return;
    }
    if (kind == EFFECT_WORKSPACE) {
        result->branch = mem_printf("signalbox/wf-%" PRId64, result->workflow);
        result->base_sha = mem_str(SHA);
    } else if (kind == EFFECT_COMMIT) {
        result->head_sha = mem_str(SHA);
    } else if (kind == EFFECT_PULL_REQUEST) {
        result->pr_number = result->workflow;
    } else if (kind == EFFECT_MERGE) {
        result->merge_sha = mem_str(SHA);
    }
    world->report->n_fallback += result->is_fallback;
}

static void count_call(struct world *world)
{
    if (world->now.ms < world->up_at.ms) {
        return;
    }
    int64_t second = world->now.ms / 1000;
    world->n_second = second == world->second ? world->n_second + 1 : 1;
    world->second = second;
    if (world->n_second > world->report->peak_second) {
        world->report->peak_second = world->n_second;
    }
}

static void on_call(struct world *world, const struct desk_out *out)
{
    struct span took = {0};
    struct model_service *model = model_of(world, out->service->name);
    struct http_response *response =
        model_answer(model, out->request, out->time, world->now, &took);
    struct due *due = plan(world, took);
    due->call = out->call;
    due->response = response;
    count_call(world);
}

static void on_run(struct world *world, const struct order *order)
{
    bool is_local = strcmp(order->provider, SERVICE_LOCAL) == 0;
    struct model_service *model = is_local ? NULL : model_of(world, order->provider);
    struct effect_result *result = effect_result_new(order->workflow, order->seq);
    int64_t key = outage_key(order->workflow, order->seq);
    struct due *lives = idmap_get(&world->runners, key);
    if (lives != NULL) { /* adopted */
        effect_result_free(result);
        return;
    }
    struct span took = {1000 + (int64_t)rng_below(&world->rng, 20000)};
    result->status = STATUS_PASSED;
    if (model != NULL) {
        model->n_calls++;
        count_call(world);
        if (model_is_down(model, world->now)) {
            model->n_down++;
            took = (struct span){20000};
            result->status = STATUS_LOST;
            result->blame = BLAME_WORLD;
            result->summary = mem_str("the bridge broke");
        }
    }
    struct due *due = plan(world, took);
    due->result = result;
    due->provider = mem_str(order->provider);
    idmap_put(&world->runners, key, due);
}

static void on_memo(struct world *world, struct desk_out *out)
{
    int64_t key = outage_key(out->workflow, out->seq);
    if (out->is_memo_kept) {
        return;
    }
    struct memo *memo = idmap_get(&world->memos, key);
    if (memo == NULL) {
        memo = mem_alloc(sizeof(*memo));
        idmap_put(&world->memos, key, memo);
    }
    free(memo->text);
    free(memo->provider);
    memo->text = TAKE(out->text);
    memo->provider = mem_str(out->service->name);
}

static void on_report(struct world *world, const struct service_report *report)
{
    bool is_its = world->options->down != OUTAGE_NONE &&
                  strcmp(report->row.name, world->models[world->options->down].name) == 0;
    if (is_its && strcmp(report->event, "breaker-open") == 0) {
        world->report->n_opened++;
    } else if (is_its && strcmp(report->event, "breaker-half-open") == 0) {
        world->report->n_half_open++;
    }
    if (is_its) {
        struct err err = ERR_INIT;
        struct json *root =
            json_parse(report->row.detail, strlen(report->row.detail), &err);
        if (root == NULL) {
            outage_complain(world, "detail: %s", err.msg);
        }
        int64_t n = json_int(json_get(root, "retry"), "repeats", 0);
        if (world->now.ms < world->up_at.ms) {
            world->report->n_repeats = n;
        }
        json_free(root);
    }
}

static enum effect_kind kind_of(struct world *world, int64_t workflow)
{
    size_t iter = 0;
    const struct workflow *live = NULL;
    while ((live = control_next_live(world->control, &iter)) != NULL) {
        if (live->row.id == workflow) {
            enum workflow_state state = live->row.state;
            return stage_step(live->pipeline, state, live->row.step).kind;
        }
    }
    return EFFECT_NONE;
}

void outage_drain(struct world *world)
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
        case DESK_MEMO:
            on_memo(world, &out);
            break;
        case DESK_RESULT:
            fill_in(world, out.result, kind_of(world, out.workflow));
            control_result(world->control, TAKE(out.result), world->now);
            break;
        case DESK_REPORT:
            on_report(world, out.report);
            control_report(world->control, TAKE(out.report), world->now);
            break;
        default:
            break;
        }
        http_request_free(out.request);
        free(out.text);
    }
}

void outage_deliver(struct world *world)
{
    struct heap_node *first = NULL;
    while ((first = heap_first(&world->due)) != NULL && first->key <= world->now.ms) {
        struct due *due = HEAP_ITEM(first, struct due, node);
        heap_remove(&world->due, first);
        if (due->result == NULL) {
            desk_answer(world->desk, due->call, TAKE(due->response), world->now);
        } else {
            (void)idmap_take(&world->runners,
                             outage_key(due->result->workflow, due->result->seq));
            desk_result(world->desk, TAKE(due->result), world->now);
        }
        outage_due_free(due);
    }
}
