/* SPDX-License-Identifier: MIT */
#include "engine/service/route.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/scale.h"
#include "store/recovery.h"

/* ---- the chain ------------------------------------------------------------------------
 */

struct names {
    char **list;
    size_t n;
};

static void add(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->list[i], name) == 0) {
            return; /* twice in a chain is once */
        }
    }
    names->list = mem_grow(names->list, names->n + 1, sizeof(char *));
    names->list[names->n++] = mem_str(name);
}

static void names_fini(struct names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        free(names->list[i]);
    }
    free(names->list);
}

static bool is_local(const char *name)
{
    return name == NULL || name[0] == '\0' || strcmp(name, SERVICE_LOCAL) == 0;
}

/* Provider of the newest effect of this kind that has an outcome, "" when there is none.
 */
static const char *provider_of(const struct route *route,
                               const struct effect_row *history, size_t n,
                               enum effect_kind kind)
{
    for (size_t i = n; i-- > 0;) {
        if (history[i].kind == kind && history[i].seq < route->effect->seq &&
            history[i].status != STATUS_DEFERRED && history[i].provider != NULL &&
            history[i].provider[0] != '\0') {
            return history[i].provider;
        }
    }
    return "";
}

/* The newest sandbox that may still be somewhere else: one that was skipped, deferred or
 * local leaves nothing there. */
static const char *sandbox_elsewhere(const struct route *route,
                                     const struct effect_row *history, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        if (history[i].kind == EFFECT_SANDBOX && history[i].seq < route->effect->seq &&
            history[i].status != STATUS_DEFERRED && !is_local(history[i].provider)) {
            return history[i].provider;
        }
    }
    return "";
}

static const struct service_spec *service_of(const struct route *route, const char *name)
{
    return service_find(route->services, route->n_services, name);
}

/* The service must be there and be made for the port. */
static bool fits(const struct route *route, const char *name, const char *port,
                 struct err *err)
{
    const struct service_spec *service = service_of(route, name);
    if (service == NULL) {
        return err_set(err, ERR_CONFIG,
                       "pipeline %s wants the %s '%s', which is not among the services",
                       route->workflow->pipeline, port, name);
    }
    if (strcmp(service_kind_port(service->kind), port) != 0) {
        return err_set(
            err, ERR_CONFIG, "pipeline %s wants '%s' as %s, and it is of kind %s",
            route->workflow->pipeline, name, port, service_kind_word(service->kind));
    }
    return true;
}

static bool add_chain(const struct route *route, const struct provider_chain *chain,
                      const char *port, bool has_local, struct names *names,
                      struct err *err)
{
    for (size_t i = 0; i <= chain->n_backups; i++) {
        const char *name = i == 0 ? chain->first : chain->backups[i - 1];
        if (is_local(name)) {
            if (has_local) {
                add(names, SERVICE_LOCAL);
            }
        } else if (!fits(route, name, port, err)) {
            return false;
        } else {
            add(names, name);
        }
    }
    if (names->n == 0) {
        add(names, SERVICE_LOCAL); /* it says what is missing */
    }
    return true;
}

static bool is_codegen(const struct route *route, const char *name)
{
    const struct service_spec *service = is_local(name) ? NULL : service_of(route, name);
    /* A service that was taken out of the settings meanwhile was none of this machine. */
    return !is_local(name) && (service == NULL || service->kind == SERVICE_CODEGEN);
}

static bool add_forge(const struct route *route, struct names *names, struct err *err)
{
    const struct pipeline *pipeline = route->pipeline;
    if (!pipeline_is_remote(pipeline)) {
        add(names, SERVICE_LOCAL);
        return true;
    }
    if (is_local(pipeline->forge.provider)) {
        return err_set(err, ERR_CONFIG,
                       "pipeline %s has forge.repository, and no forge.provider for it",
                       route->workflow->pipeline);
    }
    if (!fits(route, pipeline->forge.provider, "forge", err)) {
        return false;
    }
    add(names, pipeline->forge.provider);
    return true;
}

/* Workspace and commit: where the agent works. */
static bool add_where(const struct route *route, const char *agent, struct names *names,
                      struct err *err)
{
    if (pipeline_is_remote(route->pipeline) && is_codegen(route, agent)) {
        return add_forge(route, names, err);
    }
    add(names, SERVICE_LOCAL);
    return true;
}

static bool build(const struct route *route, const struct effect_row *history, size_t n,
                  struct names *names, bool *ret_then_local, struct err *err)
{
    const struct pipeline *pipeline = route->pipeline;
    const char *name;
    switch (route->effect->kind) {
    case EFFECT_WORKSPACE:
        return add_where(route, pipeline->agent_chain.first, names, err);
    case EFFECT_COMMIT:
        return add_where(route, provider_of(route, history, n, EFFECT_CODE), names, err);
    case EFFECT_CODE:
        return add_chain(route, &pipeline->agent_chain, "agent",
                         pipeline->agent.argv != NULL, names, err);
    case EFFECT_PULL_REQUEST:
    case EFFECT_FORGE_CHECKS:
    case EFFECT_MERGE:
    case EFFECT_REVERT:
    case EFFECT_CLOSE:
        return add_forge(route, names, err);
    case EFFECT_SANDBOX:
        return add_chain(route, &pipeline->sandbox_chain, "sandbox", true, names, err);
    case EFFECT_SETUP:
    case EFFECT_CHECK:
        name = provider_of(route, history, n, EFFECT_SANDBOX);
        add(names, is_local(name) ? SERVICE_LOCAL : name);
        return is_local(name) || fits(route, name, "sandbox", err);
    case EFFECT_EVALUATE:
        return add_chain(route, &pipeline->evaluator_chain, "evaluator",
                         pipeline->evaluator.argv != NULL, names, err);
    case EFFECT_CLEANUP:
        name = sandbox_elsewhere(route, history, n);
        *ret_then_local = service_of(route, name) != NULL;
        add(names, *ret_then_local ? name : SERVICE_LOCAL);
        return true;
    case EFFECT_WATCH:
        if (pipeline->after.watch == WATCH_FORGE) {
            return add_forge(route, names, err);
        }
        break;
    case EFFECT_NONE:
    case EFFECT_PLAN:
    case EFFECT_CONFIRM:
    case EFFECT_RESTART:
    case EFFECT_SCALE:
    case EFFECT_COUNT:
        break;
    }
    add(names, SERVICE_LOCAL);
    return true;
}

bool route_chain(const struct route *route, const struct effect_row *history,
                 size_t n_history, char ***ret_chain, size_t *ret_n, bool *ret_then_local,
                 struct err *err)
{
    struct names names = {0};
    bool then_local = false;
    if (!build(route, history, n_history, &names, &then_local, err)) {
        names_fini(&names);
        return false;
    }
    *ret_chain = names.list;
    *ret_n = names.n;
    *ret_then_local = then_local;
    return true;
}

/* ---- the task -------------------------------------------------------------------------
 */

/* What an operator is waiting for may use the reserve of a quota. */
static bool is_operators(const struct route *route)
{
    switch (route->effect->kind) {
    case EFFECT_REVERT:
    case EFFECT_CLOSE:
        return true;
    case EFFECT_MERGE: /* he has just approved it */
        return route->pipeline->merge_mode == MERGE_ASK || route->workflow->is_degraded;
    default:
        return false;
    }
}

static bool read_doc(const struct route *route, struct arena *arena, enum doc_kind doc,
                     char **ret_text, struct err *err)
{
    const char *text = "";
    size_t len = 0;
    if (reader_doc(route->reader, arena, route->workflow->id, doc, &text, &len, err) ==
        FOUND_FAILED) {
        return false;
    }
    *ret_text = mem_strn(text, len);
    return true;
}

/* A provider that a recovery under way goes round stands last (store/recovery.h). */
static void put_last(struct desk_task *task, const char *provider)
{
    for (size_t i = 0; i + 1 < task->n_chain; i++) {
        if (strcmp(task->chain[i], provider) == 0) {
            char *name = task->chain[i];
            memmove(&task->chain[i], &task->chain[i + 1],
                    (task->n_chain - i - 1) * sizeof(task->chain[0]));
            task->chain[task->n_chain - 1] = name;
            return;
        }
    }
}

static void put_first(struct desk_task *task, const char *provider)
{
    for (size_t i = 1; i < task->n_chain; i++) {
        if (strcmp(task->chain[i], provider) == 0) {
            char *name = task->chain[i];
            memmove(&task->chain[1], &task->chain[0], i * sizeof(task->chain[0]));
            task->chain[0] = name;
            return;
        }
    }
}

/* Who begins was decided when the effect was asked for (engine/control/decision.c). */
static bool begin_with(const struct route *route, struct arena *arena,
                       struct desk_task *task, struct err *err)
{
    const struct recovery_query query = {
        .is_open = true, .workflow = route->workflow->id, .max = 16};
    const struct decision_row *rows = NULL;
    size_t n = 0;
    if (!reader_decisions(route->reader, arena, &query, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (rows[i].kind == DECISION_PROVIDER) {
            put_first(task, rows[i].choice);
            break;
        }
    }
    return true;
}

bool route_detour(const struct route *route, struct desk_task *task, struct err *err)
{
    const struct recovery_query query = {
        .is_open = true, .workflow = route->workflow->id, .max = 16};
    const struct recovery_row *rows = NULL;
    size_t n = 0;
    if (task->n_chain < 2) {
        return true;
    }
    struct arena *arena = arena_new();
    bool is_read = begin_with(route, arena, task, err) &&
                   reader_recoveries(route->reader, arena, &query, &rows, &n, err);
    for (size_t i = 0; i < n; i++) {
        bool is_one =
            rows[i].rung == RUNG_FALLBACK ||
            (rows[i].rung == RUNG_OTHER_AGENT && route->effect->kind == EFFECT_CODE);
        if (is_one && rows[i].status == RECOVERY_RUNNING && rows[i].service[0] != '\0') {
            put_last(task, rows[i].service);
        }
    }
    arena_free(arena);
    return is_read;
}

/* The command is the service's, not the pipeline's. */
static bool take_restart(const struct route *route, struct order *order, struct err *err)
{
    const char *text = route->effect->params;
    struct err ignored = ERR_INIT;
    struct json *params = json_parse(text, strlen(text), &ignored);
    const struct service_spec *service =
        service_of(route, json_str(params, "service", ""));
    bool is_there = service != NULL && service->restart.argv != NULL;
    if (is_there) {
        order_set_command(order, &service->restart);
    } else {
        err_set(err, ERR_CONFIG, "no restart command is configured for %.64s",
                json_str(params, "service", "a service"));
    }
    json_free(params);
    return is_there;
}

static bool fill(const struct route *route, struct arena *arena, struct desk_task *task,
                 struct err *err)
{
    const struct effect_row *history = NULL;
    size_t n = 0;
    if (!reader_effects(route->reader, arena, route->workflow->id, &history, &n, err) ||
        !route_chain(route, history, n, &task->chain, &task->n_chain, &task->then_local,
                     err) ||
        !route_detour(route, task, err)) {
        return false;
    }
    if (order_needs_docs(route->effect->kind) &&
        (!read_doc(route, arena, DOC_TASK, &task->task, err) ||
         !read_doc(route, arena, DOC_PLAN, &task->plan, err) ||
         !read_doc(route, arena, DOC_ERRORS, &task->errors, err))) {
        return false;
    }
    task->order =
        order_build(route->pipeline, route->workflow, route->effect, &route->paths, err);
    if (task->order == NULL) {
        return false;
    }
    if (route->effect->kind == EFFECT_RESTART) {
        return take_restart(route, task->order, err);
    }
    if (route->effect->kind == EFFECT_SCALE) {
        return scale_order(task->order, route->effect->params, route->scales,
                           route->n_scales, err);
    }
    if (pipeline_is_remote(route->pipeline)) {
        const struct service_spec *forge =
            service_of(route, route->pipeline->forge.provider);
        if (forge == NULL) {
            return err_set(err, ERR_CONFIG, "the forge '%s' is not among the services",
                           route->pipeline->forge.provider);
        }
        order_set_forge(task->order, forge);
    }
    return true;
}

struct desk_task *route_task(const struct route *route, struct err *err)
{
    struct desk_task *task = mem_alloc(sizeof(*task));
    struct arena *arena = arena_new();
    task->is_operators = is_operators(route);
    task->memo = mem_str("");
    task->keep = mem_str("");
    task->memo_provider = mem_str("");
    if (!fill(route, arena, task, err)) {
        desk_task_free(task);
        task = NULL;
    }
    arena_free(arena);
    return task;
}
