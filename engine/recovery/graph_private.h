/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_GRAPH_PRIVATE_H
#define SIGNALBOX_RECOVERY_GRAPH_PRIVATE_H

/* Graph: what graph.c (who depends on whom) and graph_cause.c (who is to blame) share. */

#include "engine/recovery/graph.h"

#define NONE        (-1)
#define GRAPH_SLOTS (2 * (size_t)GRAPH_NODES_MAX)
#define GRAPH_WHAT  112

struct node {
    char name[GRAPH_NAME];
    size_t len;
    enum node_kind kind;
    int16_t down, up; /* first edge of what it needs, of what needs it; NONE */
};

struct edge {
    int16_t from, to;
    int16_t next_down, next_up; /* of the same from, of the same to */
};

struct evidence {
    int16_t node;
    double strength;
    struct wall since, until;
    char what[GRAPH_WHAT];
};

struct graph {
    size_t n_nodes, n_edges, n_evidence, n_dropped;
    int16_t slots[GRAPH_SLOTS]; /* of the names: open addressing */
    struct node nodes[GRAPH_NODES_MAX];
    struct edge edges[GRAPH_EDGES_MAX];
    struct evidence evidence[GRAPH_EVIDENCE_MAX];
};

/* Who is reached, nearest first; itself is first. is_seen of the nodes there are. */
struct walk {
    size_t n;
    int16_t order[GRAPH_NODES_MAX];
    bool is_seen[GRAPH_NODES_MAX];
};
void graph_walk(const struct graph *graph, int from, bool is_up, struct walk *ret_walk);
int graph_node(const struct graph *graph, const char *name); /* or NONE */

#endif
