/* SPDX-License-Identifier: MIT */

/*
 * Cause: the graph of what a workflow depends on, with what was wrong at the time, and the
 * workflows that a cause touches.
 */

#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/recovery_private.h"

#define NODE_MAX   GRAPH_NAME
#define BLAST_MOST 4096

/* ---- what is wrong ---- */

void cause_anomaly(struct control *control, const struct anomaly_row *row)
{
    struct recovery *recovery = control->recovery;
    if (recovery == NULL) {
        return;
    }
    for (size_t i = 0; i < recovery->n_anomalies; i++) {
        if (recovery->anomalies[i].id == row->id) {
            recovery->anomalies[i] = recovery->anomalies[--recovery->n_anomalies];
            break;
        }
    }
    if (wall_is_set(row->closed_at) || recovery->n_anomalies == OPEN_ANOMALIES_MAX) {
        return;
    }
    struct open_anomaly *anomaly = &recovery->anomalies[recovery->n_anomalies++];
    anomaly->id = row->id;
    anomaly->incident = row->incident;
    anomaly->severity = row->severity;
    anomaly->began_at = row->began_at;
    (void)text_clean_into(anomaly->component, sizeof(anomaly->component), row->component);
    (void)text_clean_into(anomaly->text, sizeof(anomaly->text), row->text);
}

static void node(char out[NODE_MAX], const char *kind, const char *name)
{
    (void)snprintf(out, NODE_MAX, "%s:%.80s", kind, name);
}

static void add_anomalies(struct control *control)
{
    struct recovery *recovery = control->recovery;
    for (size_t i = 0; i < recovery->n_anomalies; i++) {
        const struct open_anomaly *anomaly = &recovery->anomalies[i];
        char name[NODE_MAX];
        char what[160];
        if (strchr(anomaly->component, ':') != NULL) {
            (void)snprintf(name, sizeof(name), "%.90s", anomaly->component);
        } else {
            node(name, "host", anomaly->component);
        }
        (void)snprintf(what, sizeof(what), "anomaly %lld: %s", (long long)anomaly->id,
                       anomaly->text);
        graph_evidence(
            recovery->graph,
            &(struct graph_evidence){.node = name,
                                     .what = what,
                                     .strength = 0.3 + 0.15 * (double)anomaly->severity,
                                     .since = anomaly->began_at});
    }
}

static void add_breakers(struct control *control)
{
    for (size_t i = 0; i < control->options.n_services; i++) {
        const struct service_state *service = &control->services[i];
        char name[NODE_MAX];
        bool is_open = service->state == BREAKER_OPEN ||
                       service->state == BREAKER_HALF_OPEN ||
                       service->state == BREAKER_FORCED_OPEN;
        if (is_open) {
            node(name, "service", service->spec->name);
            graph_evidence(control->recovery->graph,
                           &(struct graph_evidence){.node = name,
                                                    .what = "its breaker is not closed",
                                                    .strength = 0.85,
                                                    .since = service->since});
        }
    }
}

/* ---- what depends on what ---- */

static void add_edges(struct control *control, const struct workflow *workflow)
{
    struct graph *graph = control->recovery->graph;
    const struct workflow_row *row = &workflow->row;
    struct stage_step step = trouble_step(workflow);
    const struct provider_chain *chain = chain_of_kind(workflow->pipeline, step.kind);
    char own[NODE_MAX], at[NODE_MAX], to[NODE_MAX], id[24];
    (void)snprintf(id, sizeof(id), "wf-%lld", (long long)row->id);
    node(own, "workflow", id);
    node(at, "step", step.name);
    graph_edge(graph, own, at);
    node(to, "repo", row->repo);
    graph_edge(graph, at, to);
    bool is_local = true;
    if (chain != NULL && strcmp(chain->first, SERVICE_LOCAL) != 0) {
        node(to, "service", chain->first);
        graph_edge(graph, at, to);
        is_local = false;
    }
    for (size_t i = 0; chain != NULL && i < chain->n_backups; i++) {
        if (strcmp(chain->backups[i], SERVICE_LOCAL) != 0) {
            node(to, "service", chain->backups[i]);
            graph_edge(graph, at, to);
        }
    }
    if (strcmp(effect_port(step.kind), "forge") == 0 &&
        pipeline_is_remote(workflow->pipeline)) {
        node(to, "service", workflow->pipeline->forge.provider);
        graph_edge(graph, at, to);
        is_local = false;
    }
    if (is_local) {
        static const char *const host[] = {"host:host", "host:disk", "host:memory",
                                           "host:cpu"};
        for (size_t i = 0; i < ARRAY_LEN(host); i++) {
            graph_edge(graph, at, host[i]);
        }
    }
}

/* Others that fail on the same things now. */
static void add_others(struct control *control, const struct live *own)
{
    struct recovery *recovery = control->recovery;
    for (struct live *live = control->troubled; live != NULL;
         live = live->next_troubled) {
        for (const struct trouble *t = live->troubles; live != own && t != NULL;
             t = t->next) {
            char name[NODE_MAX];
            if (t->row.status != FAILURE_OPEN || t->row.provider[0] == '\0' ||
                strcmp(t->row.provider, SERVICE_LOCAL) == 0) {
                continue;
            }
            node(name, "service", t->row.provider);
            graph_evidence(recovery->graph,
                           &(struct graph_evidence){.node = name,
                                                    .what = "others fail on it",
                                                    .strength = 0.2,
                                                    .since = t->row.at});
        }
    }
}

void cause_explain(struct control *control, const struct live *live, struct wall now,
                   struct graph_cause *ret_causes, size_t *ret_n)
{
    struct recovery *recovery = control->recovery;
    const struct failure_judgement *judgement = &recovery->judgement;
    char from[NODE_MAX];
    graph_clear(recovery->graph);
    add_edges(control, live->workflow);
    add_breakers(control);
    add_anomalies(control);
    add_others(control, live);
    node(from, "step", trouble_step(live->workflow).name);
    *ret_n = graph_causes(recovery->graph, from, judgement->class_,
                          judgement->p_flaky >= 0.6, now, ret_causes, GRAPH_CAUSES);
}

/* ---- what it touches ---- */

static size_t nodes_of(const struct workflow *workflow, struct arena *arena,
                       const char **nodes)
{
    const struct pipeline *pipeline = workflow->pipeline;
    const struct provider_chain *chains[] = {
        &pipeline->agent_chain, &pipeline->sandbox_chain, &pipeline->evaluator_chain};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
        if (chains[i]->first != NULL && strcmp(chains[i]->first, SERVICE_LOCAL) != 0) {
            nodes[n++] = arena_printf(arena, "service:%s", chains[i]->first);
        }
    }
    if (pipeline_is_remote(pipeline)) {
        nodes[n++] = arena_printf(arena, "service:%s", pipeline->forge.provider);
    }
    nodes[n++] = arena_printf(arena, "step:%s", trouble_step(workflow).name);
    return n;
}

void cause_blast(struct control *control, const char *name, struct blast *ret_blast)
{
    struct arena *arena = control->recovery->arena;
    size_t n = 0, iter = 0;
    size_t most = control->live.n < BLAST_MOST ? control->live.n : BLAST_MOST;
    struct blast_workflow *all = arena_array(arena, most + 1, sizeof(*all));
    const struct live *live;
    const char *environment =
        control->options.environment != NULL ? control->options.environment : "";
    memset(ret_blast, 0, sizeof(*ret_blast));
    if (strcmp(name, GRAPH_CHANGE) == 0 || name[0] == '\0' ||
        strcmp(name, GRAPH_UNKNOWN) == 0) {
        return; /* this workflow alone */
    }
    while (n < most && (live = idmap_next(&control->live, &iter)) != NULL) {
        const struct workflow_row *row = &live->workflow->row;
        const char **nodes = arena_array(arena, 6, sizeof(*nodes));
        if (state_is_final(row->state)) {
            continue;
        }
        all[n] =
            (struct blast_workflow){.id = row->id,
                                    .repo = row->repo,
                                    .branch = live->workflow->pipeline->base,
                                    .environment = environment,
                                    .is_queued = row->wait == WAIT_SLOT,
                                    .nodes = nodes,
                                    .n_nodes = nodes_of(live->workflow, arena, nodes)};
        n++;
    }
    blast_radius(name, all, n, ret_blast);
}
