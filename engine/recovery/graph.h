/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_GRAPH_H
#define SIGNALBOX_RECOVERY_GRAPH_H

/*
 * Graph: what depends on what, what was wrong with it and since when; from that the cause of a
 * failure and what it touches (blast radius).
 *
 * workflow -> step -> service -> endpoint -> host resource. A node is named "kind:name"
 * ("service:github_api", "host:disk", "step:unit tests"). Evidence on a node: an open anomaly, a
 * breaker that is not closed, failures of others on it lately, a class that points at it. The
 * cause of a failure is the node on its path with the best weight: evidence strength, that it
 * began before the failure (earliest explains later), how far down it stands, how many other
 * failures of the same time it explains, and how well the class of the failure fits a node of that
 * kind; "the change itself" and "unknown" are candidates like the others.
 * Method after the personalised random walk of MonitorRank (Kim et al., SIGMETRICS 2013) and
 * CIRCA's regression-free scoring, reduced to paths, for the graph is known here.
 *
 * Pure; flat arrays; bounded.
 */

#include "store/recovery.h"

#define GRAPH_NODES_MAX    512
#define GRAPH_EDGES_MAX    2048
#define GRAPH_EVIDENCE_MAX 512
#define GRAPH_CAUSES       4

enum node_kind {
    NODE_WORKFLOW,
    NODE_STEP,
    NODE_SERVICE,
    NODE_ENDPOINT,
    NODE_HOST,
    NODE_CHANGE,
    NODE_COUNT
};

struct graph;
NODISCARD struct graph *graph_new(void);
void graph_free(struct graph *graph); /* accepts NULL */
void graph_clear(struct graph *graph);
/* "from depends on to". Nodes are made when first named. Beyond the bounds: dropped, counted. */
void graph_edge(struct graph *graph, const char *from, const char *to);
struct graph_evidence {
    const char *node;
    const char *what;         /* one clean line: "breaker open", "anomaly 12: ..." */
    double strength;          /* 0..1 */
    struct wall since, until; /* until unset: still so */
};
void graph_evidence(struct graph *graph, const struct graph_evidence *evidence);

struct graph_cause {
    char node[96];
    double weight;     /* of all candidates 1 */
    struct wall since; /* unset: unknown */
    char why[160];
};
/* Causes of a failure at node `from` ("step:unit tests"), best first; at least one. */
size_t graph_causes(const struct graph *graph, const char *from,
                    enum failure_class class_, bool is_flaky, struct wall at,
                    struct graph_cause *ret_causes, size_t max);
/* Nodes that depend on `node`, itself included, nearest first. */
size_t graph_dependants(const struct graph *graph, const char *node,
                        const char **ret_nodes, size_t max);

/* ---- blast radius ---- */
struct blast_workflow {
    int64_t id;
    const char *repo, *branch, *environment; /* "" = unknown */
    bool is_queued;
    const char *const *nodes; /* that it depends on from here: services, steps */
    size_t n_nodes;
};
#define BLAST_NAMES 20
struct blast {
    int64_t n_workflows, n_queued, n_branches;
    int n_repositories, n_environments, n_affected; /* of the lists below */
    int64_t n_more;                                 /* workflows beyond BLAST_NAMES */
    const char *repositories[BLAST_NAMES], *environments[BLAST_NAMES]; /* borrowed */
    int64_t affected[BLAST_NAMES];
};
void blast_radius(const char *node, const struct blast_workflow *workflows, size_t n,
                  struct blast *ret_blast);

#endif
