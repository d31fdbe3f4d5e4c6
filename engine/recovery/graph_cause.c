/* SPDX-License-Identifier: MIT */

/*
 * Who is to blame, and what it touches. The weights are multiplied from parts that can be named,
 * so that `why` can be said in words.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/recovery/graph_private.h"

#define SLACK_MS   60000.0  /* clocks and windows: what began this close began together */
#define LATE_MS    300000.0 /* began after the failure: halves with each of these */
#define OVER_MS    600000.0 /* was over before the failure: halves with each of these */
#define OLD_MS     1800000.0 /* longer ago: others have passed meanwhile */
#define AGO_MS     1800000.0 /* longer before its symptom: explains less why it came now */
#define BARE       0.12      /* weight of a node without evidence that fits perfectly */
#define BARE_REPO  0.03      /* most base branches are green */
#define CHANGE     0.60      /* of the change itself where the class fits perfectly */
#define UNKNOWN    0.05      /* always left */
#define UNKNOWN_AT 0.25      /* where the class is unknown */
#define FIT_FLOOR  0.15 /* strong evidence counts even where the class does not fit */
#define HOT        0.05 /* below, nobody would call it evidence */
#define EXPLAINED  0.85 /* how much of a symptom is taken by what explains it fully */
#define COVER_REST 0.35 /* left of a cause that explains none of much other trouble */
#define COVER_SOFT 1.0  /* so much other trouble is much */

/* How well a failure of this class fits a cause of this kind, 0..1. */
struct fit {
    double step, service, endpoint, host, change, repo;
};
static const struct fit fits[CLASS_COUNT] = {
    [CLASS_UNKNOWN] = {.30, .50, .50, .40, .40, .30},
    [CLASS_TEST] = {.25, .25, .20, .20, 1.0, .60},
    [CLASS_COMPILE] = {.10, .10, .10, .15, 1.0, .60},
    [CLASS_LINT] = {.10, .05, .05, .10, 1.0, .60},
    [CLASS_DEPENDENCY] = {.20, .60, .60, .20, .50, .50},
    [CLASS_CONFIG] = {.40, .30, .20, .30, .60, .50},
    [CLASS_NETWORK] = {.10, .90, 1.0, .50, .02, .02},
    [CLASS_TIMEOUT] = {.40, .80, .80, .80, .15, .15},
    [CLASS_RESOURCE] = {.30, .40, .20, 1.0, .10, .10},
    [CLASS_CRASH] = {.30, .30, .10, .70, .40, .30},
    [CLASS_INFRA] = {.20, 1.0, .80, .80, .03, .03},
    [CLASS_VCS] = {.20, .50, .40, .20, .50, .40},
    [CLASS_AUTH] = {.20, 1.0, .90, .10, .05, .10},
    [CLASS_QUOTA] = {.10, 1.0, 1.0, .20, .02, .02},
    [CLASS_FLAKY] = {1.0, .40, .40, .40, .10, .30},
};

static double fit_to(const struct fit *fit, enum node_kind kind)
{
    switch (kind) {
    case NODE_STEP:
        return fit->step;
    case NODE_SERVICE:
        return fit->service;
    case NODE_ENDPOINT:
        return fit->endpoint;
    case NODE_HOST:
        return fit->host;
    case NODE_CHANGE:
        return fit->change;
    case NODE_REPO:
        return fit->repo;
    case NODE_OTHER:
        return fits[CLASS_UNKNOWN].host;
    case NODE_WORKFLOW:
    case NODE_COUNT:
        break;
    }
    return 0;
}

/* What is flaky comes from the test itself or from around it, whatever its text says. */
static double fit_of(enum failure_class class_, bool is_flaky, enum node_kind kind)
{
    double fit = fit_to(&fits[class_ < CLASS_COUNT ? class_ : CLASS_UNKNOWN], kind);
    if (is_flaky) {
        double flaky = fit_to(&fits[CLASS_FLAKY], kind);
        fit = kind == NODE_CHANGE ? fmin(fit, flaky) : fmax(fit, flaky);
    }
    return fit;
}

/* ---- heat ------------------------------------------------------------------------------ */

/* What the evidence on a node comes to at the time of a failure. */
struct heat {
    double heat;        /* 0..1 */
    double calm;        /* 0..1: what speaks for it leaves this much of any suspicion */
    int64_t since_ms;   /* earliest; 0 unknown */
    int strongest;      /* evidence, or NONE */
    double strongest_p; /* what it counts */
};

struct room {
    const struct graph *graph;
    struct wall at;
    enum failure_class class_;
    bool is_flaky;
    struct heat heats[GRAPH_NODES_MAX];
    double total; /* heat of all but workflows */
};

static double timing(const struct evidence *evidence, struct wall at)
{
    double factor = 1;
    if (wall_is_set(evidence->since)) {
        double before = (double)wall_since(at, evidence->since).ms;
        if (before < -SLACK_MS) {
            factor *= exp2((before + SLACK_MS) / LATE_MS);
        } else if (before > OLD_MS) {
            factor *= sqrt(OLD_MS / before);
        }
    }
    if (wall_is_set(evidence->until) && evidence->until.ms < at.ms) {
        factor *= exp2(-(double)wall_since(at, evidence->until).ms / OVER_MS);
    }
    return factor;
}

static void heat_add(struct room *room, int index)
{
    const struct evidence *evidence = &room->graph->evidence[index];
    struct heat *heat = &room->heats[evidence->node];
    double p = evidence->strength * timing(evidence, room->at);
    if (p < 0) {
        heat->calm *= 1 + p;
        return;
    }
    heat->heat = 1 - (1 - heat->heat) * (1 - p);
    if (p < HOT) {
        return;
    }
    if (wall_is_set(evidence->since) &&
        (heat->since_ms == 0 || evidence->since.ms < heat->since_ms)) {
        heat->since_ms = evidence->since.ms;
    }
    const char *what =
        heat->strongest == NONE ? "" : room->graph->evidence[heat->strongest].what;
    if (heat->strongest == NONE || p > heat->strongest_p ||
        (!(p < heat->strongest_p) && strcmp(evidence->what, what) < 0)) {
        heat->strongest = index;
        heat->strongest_p = p;
    }
}

static void room_heat(struct room *room)
{
    const struct graph *graph = room->graph;
    room->total = 0;
    for (size_t i = 0; i < graph->n_nodes; i++) {
        room->heats[i] = (struct heat){.calm = 1, .strongest = NONE};
    }
    for (size_t i = 0; i < graph->n_evidence; i++) {
        heat_add(room, (int)i);
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        room->heats[i].heat *= room->heats[i].calm;
        if (graph->nodes[i].kind != NODE_WORKFLOW) {
            room->total += room->heats[i].heat;
        }
    }
}

static bool is_hot(const struct heat *heat)
{
    return heat->heat >= HOT;
}

/* ---- candidates ------------------------------------------------------------------------ */

struct candidate {
    int node; /* NONE: the change, or unknown */
    const char *name;
    enum node_kind kind;
    double weight;
    int n_rest, n_hot; /* hot nodes that rest on it, of all other hot ones */
    int explainer;     /* node that explains it away, or NONE */
};

/* What began long before explains less why it happens now. */
static double recency(const struct heat *cause, const struct heat *symptom)
{
    double before = (double)(symptom->since_ms - cause->since_ms);
    bool is_known = symptom->since_ms != 0 && cause->since_ms != 0;
    return is_known && before > AGO_MS ? AGO_MS / before : 1;
}

/* How much a node further down, hot at least as early, explains this one away. */
static double explained(const struct room *room, int node, struct candidate *candidate)
{
    const struct heat *mine = &room->heats[node];
    double most = 0;
    struct walk walk;
    graph_walk(room->graph, node, false, &walk);
    for (size_t i = 1; i < walk.n; i++) {
        int other = walk.order[i];
        const struct heat *its = &room->heats[other];
        bool is_earlier = its->since_ms == 0 || mine->since_ms == 0 ||
                          (double)its->since_ms <= (double)mine->since_ms + SLACK_MS;
        if (is_hot(its) && is_earlier && its->heat * recency(its, mine) > most) {
            most = its->heat * recency(its, mine);
            candidate->explainer = other;
        }
    }
    return most;
}

/* Share of the other trouble that rests on this node. What it needs itself cannot: that is for
 * `explained`. */
static double cover(const struct room *room, int node, struct candidate *candidate)
{
    const struct graph *graph = room->graph;
    double covered = 0;
    double rest = room->total - room->heats[node].heat;
    struct walk walk;
    graph_walk(graph, node, false, &walk);
    for (size_t i = 1; i < walk.n; i++) {
        rest -= room->heats[walk.order[i]].heat;
    }
    graph_walk(graph, node, true, &walk);
    for (size_t i = 1; i < walk.n; i++) {
        int other = walk.order[i];
        if (graph->nodes[other].kind != NODE_WORKFLOW) {
            covered += room->heats[other].heat;
            candidate->n_rest += is_hot(&room->heats[other]);
        }
    }
    for (size_t i = 0; i < graph->n_nodes; i++) {
        candidate->n_hot += (int)i != node && graph->nodes[i].kind != NODE_WORKFLOW &&
                            is_hot(&room->heats[i]);
    }
    return fmin(1, (covered + COVER_SOFT) / (fmax(rest, 0) + COVER_SOFT));
}

static struct candidate weigh(const struct room *room, int node)
{
    const struct node *it = &room->graph->nodes[node];
    const struct heat *heat = &room->heats[node];
    struct candidate candidate = {
        .node = node, .name = it->name, .kind = it->kind, .explainer = NONE};
    double fit = fit_of(room->class_, room->is_flaky, it->kind);
    double bare = (it->kind == NODE_REPO ? BARE_REPO : BARE) * fit * heat->calm;
    candidate.weight = bare;
    if (is_hot(heat)) {
        double taken = explained(room, node, &candidate) * EXPLAINED;
        double share = COVER_REST + (1 - COVER_REST) * cover(room, node, &candidate);
        candidate.weight =
            fmax(bare * (1 - taken),
                 heat->heat * (FIT_FLOOR + (1 - FIT_FLOOR) * fit) * share * (1 - taken));
    }
    return candidate;
}

/* The change is on nobody's path and on everybody's. */
static struct candidate weigh_change(const struct room *room)
{
    int node = graph_node(room->graph, GRAPH_CHANGE);
    double heat = node != NONE ? room->heats[node].heat : 0;
    double calm = node != NONE ? room->heats[node].calm : 1;
    double fit = fit_of(room->class_, room->is_flaky, NODE_CHANGE);
    return (struct candidate){.node = node,
                              .name = GRAPH_CHANGE,
                              .kind = NODE_CHANGE,
                              .weight = fit * CHANGE * calm +
                                        (FIT_FLOOR + (1 - FIT_FLOOR) * fit) * heat *
                                            (1 - CHANGE),
                              .explainer = NONE};
}

static struct candidate unknown(const struct room *room)
{
    return (struct candidate){.node = NONE,
                              .name = GRAPH_UNKNOWN,
                              .kind = NODE_OTHER,
                              .weight =
                                  room->class_ == CLASS_UNKNOWN ? UNKNOWN_AT : UNKNOWN,
                              .explainer = NONE};
}

/* Weights that differ by rounding alone are equal: sums come in the order of the edges. */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
    long long first = llround(a->weight * 1e9);
    long long second = llround(b->weight * 1e9);
    return first != second ? first > second : strcmp(a->name, b->name) < 0;
}

struct ranking {
    struct candidate best[GRAPH_CAUSES];
    size_t n;
    double sum;
};

static void rank(struct ranking *ranking, struct candidate candidate)
{
    ranking->sum += candidate.weight;
    size_t place = ranking->n;
    while (place > 0 && is_better(&candidate, &ranking->best[place - 1])) {
        place--;
    }
    if (place == GRAPH_CAUSES) {
        return;
    }
    ranking->n += ranking->n < GRAPH_CAUSES;
    for (size_t i = ranking->n - 1; i > place; i--) {
        ranking->best[i] = ranking->best[i - 1];
    }
    ranking->best[place] = candidate;
}

/* ---- words ----------------------------------------------------------------------------- */

static void say_hot(const struct room *room, const struct candidate *candidate,
                    struct buf *why)
{
    const struct heat *heat = &room->heats[candidate->node];
    (void)buf_str(why, room->graph->evidence[heat->strongest].what);
    if (heat->since_ms != 0) {
        char clock[CLOCK_TEXT_MAX];
        char apart[CLOCK_TEXT_MAX];
        int64_t before = room->at.ms - heat->since_ms;
        (void)buf_printf(why, ", since %s (%s %s)",
                         wall_format_time((struct wall){heat->since_ms}, false, clock),
                         span_format((struct span){before < 0 ? -before : before}, apart),
                         before < 0 ? "after" : "before");
    }
    if (candidate->n_hot > 0) {
        (void)buf_printf(why, "; %d of %d other troubles rest on it", candidate->n_rest,
                         candidate->n_hot);
    }
    if (candidate->explainer != NONE) {
        (void)buf_printf(why, "; explained by %s",
                         room->graph->nodes[candidate->explainer].name);
    }
}

static void say(const struct room *room, const struct candidate *candidate,
                struct graph_cause *ret_cause)
{
    const char *class_ = class_word(room->class_);
    AUTO_BUF struct buf why;
    buf_init(&why, 1024);
    if (candidate->node != NONE && is_hot(&room->heats[candidate->node])) {
        say_hot(room, candidate, &why);
        ret_cause->since.ms = room->heats[candidate->node].since_ms;
    } else if (candidate->kind == NODE_CHANGE) {
        (void)buf_printf(&why, "%s: %s", class_,
                         room->is_flaky ? "flaky, hardly the change"
                                        : "by its class, a fault of the change");
    } else if (strcmp(candidate->name, GRAPH_UNKNOWN) == 0) {
        (void)buf_str(&why, "none of what is known explains it");
    } else {
        (void)buf_printf(&why, "no sign of trouble there; a place where %s comes from",
                         class_);
    }
    (void)text_clean_into(ret_cause->why, sizeof(ret_cause->why), why.data);
}

size_t graph_causes(const struct graph *graph, const char *from,
                    enum failure_class class_, bool is_flaky, struct wall at,
                    struct graph_cause *ret_causes, size_t max)
{
    struct room room = {.graph = graph, .at = at, .class_ = class_, .is_flaky = is_flaky};
    struct ranking ranking = {.n = 0};
    int start = graph_node(graph, from);
    room_heat(&room);
    rank(&ranking, weigh_change(&room));
    rank(&ranking, unknown(&room));
    if (start != NONE) {
        struct walk walk;
        graph_walk(graph, start, false, &walk);
        for (size_t i = 0; i < walk.n; i++) {
            enum node_kind kind = graph->nodes[walk.order[i]].kind;
            if (kind != NODE_WORKFLOW && kind != NODE_CHANGE) {
                rank(&ranking, weigh(&room, walk.order[i]));
            }
        }
    }
    size_t n = ranking.n < max ? ranking.n : max;
    for (size_t i = 0; i < n; i++) {
        struct graph_cause *cause = &ret_causes[i];
        *cause = (struct graph_cause){.weight = ranking.best[i].weight / ranking.sum};
        (void)snprintf(cause->node, sizeof(cause->node), "%s", ranking.best[i].name);
        say(&room, &ranking.best[i], cause);
    }
    return n;
}

/* ---- blast radius ---------------------------------------------------------------------- */

static bool is_touched(const char *node, const struct blast_workflow *workflow)
{
    if (node_kind(node) == NODE_REPO) {
        return strcmp(node + strlen("repo:"), workflow->repo) == 0;
    }
    if (node_kind(node) == NODE_HOST && !workflow->is_queued) {
        return true;
    }
    for (size_t i = 0; i < workflow->n_nodes; i++) {
        if (strcmp(workflow->nodes[i], node) == 0) {
            return true;
        }
    }
    return false;
}

/* Texts that were seen: open addressing over borrowed pairs. */
struct seen {
    const char **first, **second;
    size_t cap;
};

static struct seen seen_new(size_t n)
{
    size_t cap = 2 * n + 1;
    return (struct seen){.first = mem_array(cap, sizeof(char *)),
                         .second = mem_array(cap, sizeof(char *)),
                         .cap = cap};
}

static void seen_fini(struct seen *seen)
{
    free(seen->first);
    free(seen->second);
}

/* True: it is new. */
static bool seen_add(struct seen *seen, const char *first, const char *second)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *c = first; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    }
    hash = (hash ^ 0xFFu) * 1099511628211u;
    for (const char *c = second; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    }
    size_t slot = (size_t)(hash % seen->cap);
    while (seen->first[slot] != NULL) {
        if (strcmp(seen->first[slot], first) == 0 &&
            strcmp(seen->second[slot], second) == 0) {
            return false;
        }
        slot = (slot + 1) % seen->cap;
    }
    seen->first[slot] = first;
    seen->second[slot] = second;
    return true;
}

static void list_add(const char **list, int *n, struct seen *seen, const char *name)
{
    if (name[0] != '\0' && *n < BLAST_NAMES && seen_add(seen, name, "")) {
        list[(*n)++] = name;
    }
}

void blast_radius(const char *node, const struct blast_workflow *workflows, size_t n,
                  struct blast *ret_blast)
{
    struct seen branches = seen_new(n);
    struct seen repositories = seen_new(n);
    struct seen environments = seen_new(n);
    *ret_blast = (struct blast){.n_workflows = 0};
    for (size_t i = 0; i < n; i++) {
        const struct blast_workflow *workflow = &workflows[i];
        if (!is_touched(node, workflow)) {
            continue;
        }
        ret_blast->n_workflows++;
        ret_blast->n_queued += workflow->is_queued;
        ret_blast->n_branches += workflow->branch[0] != '\0' &&
                                 seen_add(&branches, workflow->branch, workflow->repo);
        list_add(ret_blast->repositories, &ret_blast->n_repositories, &repositories,
                 workflow->repo);
        list_add(ret_blast->environments, &ret_blast->n_environments, &environments,
                 workflow->environment);
        if (ret_blast->n_affected < BLAST_NAMES) {
            ret_blast->affected[ret_blast->n_affected++] = workflow->id;
        } else {
            ret_blast->n_more++;
        }
    }
    seen_fini(&branches);
    seen_fini(&repositories);
    seen_fini(&environments);
}
