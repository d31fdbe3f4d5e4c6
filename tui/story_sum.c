/* SPDX-License-Identifier: MIT */
/* Story sum: what the rows say together: causes with weights, blast radius, open questions. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tui/story_private.h"

#define CAUSES_MAX    12
#define NAMES_MAX     32
#define NODES_MAX     400
#define QUESTIONS_MAX 16
#define DEPTH_MAX     4
#define SURE          0.5 /* below it a cause is a guess */

static const char *count(struct arena *arena, int64_t n, const char *one,
                         const char *many)
{
    return arena_printf(arena, "%" PRId64 " %s", n, n == 1 ? one : many);
}

/* ---- causes ---- */

static struct story_cause *find_cause(struct story_cause *causes, size_t *n,
                                      const struct case_cause *found)
{
    for (size_t i = 0; i < *n; i++) {
        if (strcmp(causes[i].node, found->node) == 0) {
            return &causes[i];
        }
    }
    if (*n == CAUSES_MAX) {
        return NULL;
    }
    causes[*n] = (struct story_cause){.node = found->node, .why = found->why};
    return &causes[(*n)++];
}

static int by_weight(const void *a, const void *b)
{
    const struct story_cause *x = a, *y = b;
    if (x->weight != y->weight) {
        return x->weight > y->weight ? -1 : 1;
    }
    return strcmp(x->node, y->node);
}

/* Weights of each failure are of its own; a failure that does not name a cause says 0 of it. */
static void sum_causes(struct telling_story *t)
{
    struct story *story = t->story;
    struct story_cause *causes = arena_array(t->arena, CAUSES_MAX, sizeof(*causes));
    size_t n = 0, n_telling = 0;
    for (size_t i = 0; i < story->n_failures; i++) {
        struct case_detail detail;
        case_parse_detail(t->arena, story->failures[i].detail, &detail);
        n_telling += detail.n_causes > 0;
        for (size_t j = 0; j < detail.n_causes; j++) {
            struct story_cause *cause = find_cause(causes, &n, &detail.causes[j]);
            double weight = detail.causes[j].weight;
            if (cause != NULL) {
                cause->weight += isfinite(weight) ? weight : 0;
                cause->n++;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        causes[i].weight /= (double)n_telling;
    }
    if (n > 1) {
        qsort(causes, n, sizeof(*causes), by_weight);
    }
    story->causes = causes;
    story->n_causes = n;
}

/* ---- what it touches ---- */

struct names {
    const char **list;
    size_t n;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->list[i], name) == 0) {
            return;
        }
    }
    if (name[0] != '\0' && names->n < NAMES_MAX) {
        names->list[names->n++] = name;
    }
}

static void sum_names(struct telling_story *t)
{
    struct story *story = t->story;
    struct names repos = {.list = arena_array(t->arena, NAMES_MAX, sizeof(char *))};
    struct names places = {.list = arena_array(t->arena, NAMES_MAX, sizeof(char *))};
    int64_t n_told = 0;
    story->n_queued = -1;
    for (size_t i = 0; i < story->n_failures + story->n_problems; i++) {
        bool is_failure = i < story->n_failures;
        const struct problem_row *problem =
            is_failure ? NULL : &story->problems[i - story->n_failures];
        struct case_detail detail;
        case_parse_detail(
            t->arena, is_failure ? story->failures[i].detail : problem->detail, &detail);
        n_told = detail.n_workflows > n_told ? detail.n_workflows : n_told;
        story->n_queued =
            detail.n_queued > story->n_queued ? detail.n_queued : story->n_queued;
        for (size_t j = 0; j < detail.n_repositories; j++) {
            add_name(&repos, detail.repositories[j]);
        }
        for (size_t j = 0; j < detail.n_environments; j++) {
            add_name(&places, detail.environments[j]);
        }
    }
    for (size_t i = 0; i < story->n_workflows; i++) {
        add_name(&repos, story->workflows[i].repo);
    }
    for (size_t i = 0; i < story->n_failures; i++) {
        add_name(&repos, story->failures[i].repo);
    }
    story->repositories = repos.list;
    story->n_repositories = repos.n;
    story->environments = places.list;
    story->n_environments = places.n;
    /* A problem counts also those that it does not name. */
    story->n_touched = n_told > (int64_t)t->n_touched ? n_told : (int64_t)t->n_touched;
}

/* ---- the tree ---- */

struct tree {
    struct arena *arena;
    struct story_node *nodes;
    size_t n;
};

static void grow(struct tree *tree, int depth, int64_t workflow, const char *text,
                 const char *note)
{
    if (tree->n < NODES_MAX) {
        tree->nodes[tree->n++] = (struct story_node){
            .depth = depth, .text = text, .note = note, .workflow = workflow};
    }
}

/* From the end: is there a younger sibling, here and above? */
static void draw_bars(struct tree *tree)
{
    unsigned open = 0; /* bit d: a node of depth d stands below, under the same parent */
    for (size_t i = tree->n; i > 0; i--) {
        struct story_node *node = &tree->nodes[i - 1];
        unsigned mine = 1u << node->depth;
        node->is_last = (open & mine) == 0;
        node->bars = open & (mine - 1);
        open = (open & (mine - 1)) | mine;
    }
}

/* What went wrong in it last, and what has become of it. */
static const char *note_of(struct telling_story *t, const struct workflow_row *row)
{
    const struct failure_row *failure = NULL;
    for (size_t i = 0; i < t->story->n_failures; i++) {
        if (t->story->failures[i].workflow == row->id) {
            failure = &t->story->failures[i];
        }
    }
    if (failure == NULL && row->state == STATE_PARKED && row->service[0] != '\0') {
        return arena_printf(t->arena, "PARKED; waits for %s", row->service);
    }
    return failure == NULL
               ? state_name(row->state)
               : arena_printf(t->arena, "%s; %s %s", state_name(row->state),
                              failure->step, failure_status_word(failure->status));
}

static const char *name_of(struct arena *arena, int64_t workflow)
{
    char id[CASE_ID_MAX];
    return arena_str(arena, case_id(CASE_WORKFLOW, workflow, id));
}

static void grow_repository(struct telling_story *t, struct tree *tree, const char *repo)
{
    const struct story *story = t->story;
    size_t at = tree->n;
    int64_t n = 0;
    /* It may be the cause itself. */
    bool is_cause =
        strncmp(story->cause, "repo:", 5) == 0 && strcmp(story->cause + 5, repo) == 0;
    if (!is_cause) {
        grow(tree, 1, 0, repo, "");
    }
    for (size_t i = 0; i < story->n_workflows; i++) {
        const struct workflow_row *row = &story->workflows[i];
        if (strcmp(row->repo, repo) == 0) {
            grow(tree, is_cause ? 1 : 2, row->id, name_of(t->arena, row->id),
                 note_of(t, row));
            n++;
        }
    }
    if (!is_cause && at < tree->n && n > 0) {
        tree->nodes[at].note = count(t->arena, n, "workflow", "workflows");
    }
}

/* Those whose row is gone stand by their number. */
static void grow_others(struct telling_story *t, struct tree *tree)
{
    const struct story *story = t->story;
    for (size_t i = 0; i < t->n_touched; i++) {
        bool is_there = false;
        for (size_t j = 0; j < story->n_workflows && !is_there; j++) {
            is_there = story->workflows[j].id == t->touched[i];
        }
        if (!is_there) {
            grow(tree, 1, t->touched[i], name_of(t->arena, t->touched[i]),
                 "no longer kept");
        }
    }
    int64_t n_unnamed = story->n_touched - (int64_t)t->n_touched;
    if (n_unnamed > 0) {
        grow(tree, 1, 0, count(t->arena, n_unnamed, "workflow more", "workflows more"),
             "");
    }
    if (story->n_queued > 0) {
        grow(tree, 1, 0, "queue",
             arena_printf(
                 t->arena, "%s and would meet it",
                 count(t->arena, story->n_queued, "workflow waits", "workflows wait")));
    }
}

static int64_t open_anomalies(const struct story *story, const char *place)
{
    int64_t n = 0;
    for (size_t i = 0; i < story->n_anomalies; i++) {
        n += strcmp(story->anomalies[i].component, place) == 0;
    }
    return n;
}

static const char *note_of_place(struct telling_story *t, const char *place)
{
    const struct story *story = t->story;
    int64_t n = open_anomalies(story, place);
    const char *anomalies = n > 0 ? count(t->arena, n, "anomaly", "anomalies") : "";
    for (size_t i = 0; i < story->n_services; i++) {
        const char *name = arena_printf(t->arena, "service:%s", story->services[i].name);
        if (strcmp(name, place) == 0) {
            return arena_printf(t->arena, "breaker %s%s%s",
                                breaker_state_word(story->services[i].state),
                                n > 0 ? ", " : "", anomalies);
        }
    }
    return anomalies;
}

static void sum_tree(struct telling_story *t)
{
    struct story *story = t->story;
    struct tree tree = {.arena = t->arena,
                        .nodes = arena_array(t->arena, NODES_MAX, sizeof(*tree.nodes))};
    const char *cause = story->cause[0] != '\0' ? story->cause : "cause not known";
    grow(&tree, 0, 0, cause, note_of_place(t, story->cause));
    for (size_t i = 0; i < t->n_places; i++) {
        if (strcmp(t->places[i], story->cause) != 0) {
            grow(&tree, 1, 0, t->places[i], note_of_place(t, t->places[i]));
        }
    }
    for (size_t i = 0; i < story->n_repositories; i++) {
        grow_repository(t, &tree, story->repositories[i]);
    }
    for (size_t i = 0; i < story->n_environments; i++) {
        grow(&tree, 1, 0, story->environments[i], "environment");
    }
    grow_others(t, &tree);
    draw_bars(&tree);
    story->nodes = tree.nodes;
    story->n_nodes = tree.n;
}

/* ---- what is open ---- */

struct questions {
    struct arena *arena;
    const char **list;
    size_t n;
};

static void ask(struct questions *q, const char *format, ...) PRINTF_LIKE(2, 3);
static void ask(struct questions *q, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)text_whole(text);
    if (q->n < QUESTIONS_MAX) {
        q->list[q->n++] = arena_str(q->arena, text);
    }
}

static void ask_of_cause(struct questions *q, const struct story *story)
{
    if (story->cause[0] == '\0') {
        ask(q, "What is the cause? Nothing explains it so far.");
    } else if (story->n_causes > 0 && story->causes[0].weight < SURE) {
        ask(q, "Is it %s? The failures name it with a weight of %.2f only.",
            story->causes[0].node, story->causes[0].weight);
    }
    int64_t n_unknown = 0;
    for (size_t i = 0; i < story->n_failures; i++) {
        n_unknown += story->failures[i].class_ == CLASS_UNKNOWN;
    }
    if (n_unknown > 0) {
        ask(q, "What kind of failure is it? %" PRId64 " could not be classified.",
            n_unknown);
    }
}

static void ask_of_people(struct questions *q, const struct story *story)
{
    bool is_open = !wall_is_set(story->to);
    if (story->subject.of == STORY_OF_INCIDENT && is_open &&
        story->incident.owner[0] == '\0') {
        ask(q, "Who looks after it? Nobody has taken it.");
    }
    for (size_t i = 0; i < story->n_failures; i++) {
        if (story->failures[i].status == FAILURE_ESCALATED) {
            ask(q, "f-%" PRId64 " (wf-%" PRId64 ", %s) waits for a person.",
                story->failures[i].id, story->failures[i].workflow,
                story->failures[i].step);
        }
    }
    for (size_t i = 0; i < story->n_approvals; i++) {
        if (approval_waits(story->approvals[i].status)) {
            ask(q, "a-%" PRId64 " waits for a decision: %s", story->approvals[i].id,
                story->approvals[i].title);
        }
    }
}

static void ask_of_acts(struct questions *q, const struct story *story)
{
    for (size_t i = 0; i < story->n_recoveries; i++) {
        const struct recovery_row *row = &story->recoveries[i];
        if (row->status == RECOVERY_INCONCLUSIVE) {
            ask(q, "Did r-%" PRId64 " (%s) help? Its window ended without a verdict.",
                row->id, rung_word(row->rung));
        } else if (row->status == RECOVERY_RUNNING && row->rung != RUNG_ESCALATE) {
            ask(q, "r-%" PRId64 " (%s) is under way: %s", row->id, rung_word(row->rung),
                row->expected);
        }
    }
    for (size_t i = 0; i < story->n_services; i++) {
        const struct service_row *row = &story->services[i];
        bool is_held = row->state == BREAKER_FORCED_OPEN ||
                       row->state == BREAKER_FORCED_CLOSED ||
                       row->state == BREAKER_DISABLED;
        if (is_held) {
            char at[CLOCK_TEXT_MAX];
            ask(q, "The breaker of %s is %s%s%s: when is it let go?", row->name,
                breaker_state_word(row->state), wall_is_set(row->until) ? " until " : "",
                wall_is_set(row->until) ? wall_format(row->until, false, at) : "");
        }
    }
    for (size_t i = 0; i < story->n_silences; i++) {
        char at[CLOCK_TEXT_MAX];
        ask(q, "Silence %" PRId64 " (%s) is in force until %s: is it still needed?",
            story->silences[i].id, story->silences[i].match,
            wall_format(story->silences[i].until, false, at));
    }
}

static void sum_questions(struct telling_story *t)
{
    struct questions q = {.arena = t->arena,
                          .list = arena_array(t->arena, QUESTIONS_MAX, sizeof(char *))};
    ask_of_cause(&q, t->story);
    ask_of_people(&q, t->story);
    ask_of_acts(&q, t->story);
    t->story->questions = q.list;
    t->story->n_questions = q.n;
}

void story_sum(struct telling_story *t)
{
    sum_causes(t);
    sum_names(t);
    sum_tree(t);
    sum_questions(t);
}
