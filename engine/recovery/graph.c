/* SPDX-License-Identifier: MIT */
#include "engine/recovery/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/graph_private.h"

enum node_kind node_kind(const char *name)
{
    static const struct {
        const char *prefix;
        enum node_kind kind;
    } kinds[] = {
        {"workflow:", NODE_WORKFLOW},
        {"step:",     NODE_STEP    },
        {"service:",  NODE_SERVICE },
        {"endpoint:", NODE_ENDPOINT},
        {"host:",     NODE_HOST    },
        {"repo:",     NODE_REPO    }
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
            return kinds[i].kind;
        }
    }
    return strcmp(name, GRAPH_CHANGE) == 0 ? NODE_CHANGE
           : strcmp(name, "host") == 0     ? NODE_HOST
                                           : NODE_OTHER;
}

struct graph *graph_new(void)
{
    struct graph *graph = mem_alloc(sizeof(*graph));
    graph_clear(graph);
    return graph;
}

void graph_free(struct graph *graph)
{
    free(graph);
}

void graph_clear(struct graph *graph)
{
    graph->n_nodes = graph->n_edges = graph->n_evidence = graph->n_dropped = 0;
    memset(graph->slots, 0xFF, sizeof(graph->slots)); /* NONE */
}

size_t graph_dropped(const struct graph *graph)
{
    return graph->n_dropped;
}

/* FNV-1a of the name as it is kept. */
static uint32_t name_hash(const char *name, size_t len)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    }
    return hash;
}

static bool is_named(const struct node *node, const char *name, size_t len)
{
    return node->len == len && memcmp(node->name, name, len) == 0;
}

/* The slot of this name: holds its node, or NONE where it would go. */
static size_t slot_of(const struct graph *graph, const char *name, size_t len)
{
    size_t slot = name_hash(name, len) % GRAPH_SLOTS;
    while (graph->slots[slot] != NONE &&
           !is_named(&graph->nodes[graph->slots[slot]], name, len)) {
        slot = (slot + 1) % GRAPH_SLOTS;
    }
    return slot;
}

int graph_node(const struct graph *graph, const char *name)
{
    return graph->slots[slot_of(graph, name, strnlen(name, GRAPH_NAME - 1))];
}

static int16_t node_made(struct graph *graph, const char *name)
{
    size_t len = strnlen(name, GRAPH_NAME - 1);
    size_t slot = slot_of(graph, name, len);
    if (graph->slots[slot] != NONE || graph->n_nodes == GRAPH_NODES_MAX) {
        return graph->slots[slot];
    }
    int16_t index = (int16_t)graph->n_nodes++;
    struct node *node = &graph->nodes[index];
    memcpy(node->name, name, len);
    node->name[len] = '\0';
    node->len = len;
    node->kind = node_kind(node->name);
    node->down = node->up = NONE;
    graph->slots[slot] = index;
    return index;
}

static bool has_edge(const struct graph *graph, int16_t from, int16_t to)
{
    for (int16_t i = graph->nodes[from].down; i != NONE; i = graph->edges[i].next_down) {
        if (graph->edges[i].to == to) {
            return true;
        }
    }
    return false;
}

void graph_edge(struct graph *graph, const char *from, const char *to)
{
    int16_t a = node_made(graph, from);
    int16_t b = node_made(graph, to);
    if (a == NONE || b == NONE) {
        graph->n_dropped++;
        return;
    }
    if (a == b || has_edge(graph, a, b)) {
        return;
    }
    if (graph->n_edges == GRAPH_EDGES_MAX) {
        graph->n_dropped++;
        return;
    }
    int16_t index = (int16_t)graph->n_edges++;
    graph->edges[index] = (struct edge){.from = a,
                                        .to = b,
                                        .next_down = graph->nodes[a].down,
                                        .next_up = graph->nodes[b].up};
    graph->nodes[a].down = graph->nodes[b].up = index;
}

void graph_evidence(struct graph *graph, const struct graph_evidence *evidence)
{
    int16_t node = node_made(graph, evidence->node);
    if (node == NONE || graph->n_evidence == GRAPH_EVIDENCE_MAX) {
        graph->n_dropped++;
        return;
    }
    struct evidence *kept = &graph->evidence[graph->n_evidence++];
    double strength = isfinite(evidence->strength) ? evidence->strength : 0;
    kept->node = node;
    kept->strength = fmax(-1, fmin(1, strength));
    kept->since = evidence->since;
    kept->until = evidence->until;
    (void)text_clean_into(kept->what, sizeof(kept->what), evidence->what);
}

void graph_walk(const struct graph *graph, int from, bool is_up, struct walk *ret_walk)
{
    memset(ret_walk->is_seen, 0, graph->n_nodes);
    ret_walk->order[0] = (int16_t)from;
    ret_walk->is_seen[from] = true;
    ret_walk->n = 1;
    for (size_t next = 0; next < ret_walk->n; next++) {
        const struct node *node = &graph->nodes[ret_walk->order[next]];
        int16_t edge = is_up ? node->up : node->down;
        while (edge != NONE) {
            int16_t other = is_up ? graph->edges[edge].from : graph->edges[edge].to;
            if (!ret_walk->is_seen[other]) {
                ret_walk->is_seen[other] = true;
                ret_walk->order[ret_walk->n++] = other;
            }
            edge = is_up ? graph->edges[edge].next_up : graph->edges[edge].next_down;
        }
    }
}

size_t graph_dependants(const struct graph *graph, const char *node,
                        const char **ret_nodes, size_t max)
{
    int from = graph_node(graph, node);
    if (from == NONE) {
        return 0;
    }
    struct walk walk;
    graph_walk(graph, from, true, &walk);
    size_t n = walk.n < max ? walk.n : max;
    for (size_t i = 0; i < n; i++) {
        ret_nodes[i] = graph->nodes[walk.order[i]].name;
    }
    return n;
}
