/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_GRAPH_H
#define SIGNALBOX_RECOVERY_GRAPH_H

/*
 * Graph: what depends on what, what was wrong with it and since when; from that the cause of a
 * failure and what it touches (blast radius).
 *
 * workflow -> step -> service -> endpoint -> host resource. A node is named "kind:name"
 * ("service:github_api", "host:disk", "step:unit tests", "repo:acme/shop", which is its base branch).
 * Evidence on a node: an open anomaly, a breaker that is not closed, failures of others on it
 * lately; or, with a negative strength, that it worked since.
 *
 * The cause of a failure is the node on its path with the best weight. A node's heat joins its
 * evidence (noisy or: Pearl, Probabilistic Reasoning in Intelligent Systems, 1988), of which what
 * began after the failure or was over before it counts less; its weight is the heat times how well
 * the class of the failure fits a node of its kind, times the share of all trouble that rests on it
 * (after MonitorRank: Kim et al., SIGMETRICS 2013, whose random walk is reduced to paths, for here
 * the graph is known), times what is left when a node further down, hot at least as early, explains
 * it away. "change" (the change itself) and "unknown" are candidates like the others. Nodes
 * without evidence are weak candidates, by their kind alone. Workflows are no causes.
 *
 * Pure; flat arrays; bounded. Names beyond GRAPH_NAME - 1 bytes are cut. Circles are allowed. Not
 * to be used by two threads at once. Cost: some 10 us with a hundred nodes.
 */

#include "store/recovery.h"

#define GRAPH_NODES_MAX    512
#define GRAPH_EDGES_MAX    2048
#define GRAPH_EVIDENCE_MAX 512
#define GRAPH_CAUSES       4
#define GRAPH_NAME         96

#define GRAPH_CHANGE  "change"
#define GRAPH_UNKNOWN "unknown"

enum node_kind {
    NODE_WORKFLOW,
    NODE_STEP,
    NODE_SERVICE,
    NODE_ENDPOINT,
    NODE_HOST,
    NODE_CHANGE,
    NODE_REPO,  /* its base branch */
    NODE_OTHER, /* of a name without a known kind */
    NODE_COUNT
};

/* Of "kind:name" and of "change". */
enum node_kind node_kind(const char *name);

struct graph;
NODISCARD struct graph *graph_new(void);
void graph_free(struct graph *graph); /* accepts NULL */
void graph_clear(struct graph *graph);
/* "from depends on to". Nodes are made when first named. Beyond the bounds: dropped, counted. */
void graph_edge(struct graph *graph, const char *from, const char *to);
size_t graph_dropped(const struct graph *graph); /* since the last clear */
struct graph_evidence {
    const char *node;
    const char *what;         /* one clean line: "breaker open", "anomaly 12: ..." */
    double strength;          /* 0..1; -1..0: speaks against it, "worked a minute ago" */
    struct wall since, until; /* since unset: unknown; until unset: still so */
};
void graph_evidence(struct graph *graph, const struct graph_evidence *evidence);

struct graph_cause {
    char node[GRAPH_NAME];
    double weight;     /* of all candidates 1 */
    struct wall since; /* unset: unknown */
    char why[160];
};
/* Causes of a failure at node `from` ("step:unit tests"; one that is not in the graph has no path),
 * best first; at least one (max > 0). Equal weights stand by name: the order in which edges
 * and evidence came does not matter. */
size_t graph_causes(const struct graph *graph, const char *from,
                    enum failure_class class_, bool is_flaky, struct wall at,
                    struct graph_cause *ret_causes, size_t max);
/* Nodes that depend on `node`, itself included, nearest first; names borrowed until the next
 * clear. */
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
/* What `node` touches: the workflows that list it; of "repo:R" those of that repository, of "host:..."
 * all that are not queued (they run here) and those that list it. Counts are of distinct ones, a
 * branch is one of its repository; lists hold the first BLAST_NAMES in the order given. */
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
