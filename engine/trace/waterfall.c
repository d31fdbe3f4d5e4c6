/* SPDX-License-Identifier: MIT */
#include "engine/trace/waterfall.h"

#include <stdlib.h>
#include <string.h>

/* Clocks of runner and engine are read at different moments; so much is no overlap. */
#define SLACK_US 10000

#define NONE (-1)

struct node {
    struct waterfall_row row;
    int parent, first_child, last_child, next; /* index, NONE */
};

struct tree {
    struct node *nodes; /* by start */
    int n;
    int *by_id; /* indices, sorted by span id */
};

/* ---- what there is --------------------------------------------------------------------
 */

static int compare_spans(const void *a, const void *b)
{
    const struct span_row *one = a, *other = b;
    int by_id = strcmp(one->span, other->span);
    return by_id != 0 ? by_id : (one->seq > other->seq) - (one->seq < other->seq);
}

static bool has_span(const struct span_row *sorted, size_t n, const char *span)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(sorted[mid].span, span) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low < n && strcmp(sorted[low].span, span) == 0;
}

/* The stored ones, then those that only the rows know of. Returns how many. */
static size_t collect(struct arena *arena, const struct workflow_row *workflow,
                      const struct effect_row *effects, size_t n_effects,
                      const struct span_row *spans, size_t n_spans, struct span_row *all)
{
    struct span_row *sorted = arena_array(arena, n_spans + 1, sizeof(*sorted));
    struct span_row whole = span_of_workflow(arena, workflow);
    size_t n = 0;
    if (n_spans > 0) { /* memcpy may not be given NULL, even for nothing */
        memcpy(sorted, spans, n_spans * sizeof(*sorted));
    }
    qsort(sorted, n_spans, sizeof(*sorted), compare_spans);
    /* The stored one may be of an end that was none: it failed, and was retried. */
    all[n++] = whole;
    for (size_t i = 0; i < n_spans && n <= WATERFALL_MAX; i++) {
        if (strcmp(spans[i].span, whole.span) != 0) {
            all[n++] = spans[i];
        }
    }
    if (!state_is_final(workflow->state) &&
        !has_span(sorted, n_spans, trace_of_state(workflow).span)) {
        all[n++] = span_of_state(arena, workflow, (struct wall){0});
    }
    for (size_t i = 0; i < n_effects && i < WATERFALL_MAX; i++) {
        if (!has_span(sorted, n_spans, trace_of_step(workflow, effects[i].seq).span)) {
            all[n++] = span_of_step(arena, workflow, &effects[i]);
        }
    }
    return n;
}

/* ---- the tree -------------------------------------------------------------------------
 */

static int rank(const char *kind)
{
    static const char *const kinds[] = {SPAN_WORKFLOW, SPAN_STATE, SPAN_RECOVERY,
                                        SPAN_STEP};
    int i = 0;
    while (i < (int)ARRAY_LEN(kinds) && strcmp(kinds[i], kind) != 0) {
        i++;
    }
    return i;
}

/* By start; what began at the same moment from the whole to its parts. */
static int compare_nodes(const void *a, const void *b)
{
    const struct span_row *one = &((const struct node *)a)->row.span;
    const struct span_row *other = &((const struct node *)b)->row.span;
    if (one->start_us != other->start_us) {
        return one->start_us < other->start_us ? -1 : 1;
    }
    int by_kind = rank(one->kind) - rank(other->kind);
    return by_kind != 0 ? by_kind : (one->seq > other->seq) - (one->seq < other->seq);
}

static int find_node(const struct tree *tree, const char *span)
{
    int low = 0, high = tree->n;
    while (low < high) {
        int mid = low + (high - low) / 2;
        if (strcmp(tree->nodes[tree->by_id[mid]].row.span.span, span) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    bool is_it =
        low < tree->n && strcmp(tree->nodes[tree->by_id[low]].row.span.span, span) == 0;
    return is_it ? tree->by_id[low] : NONE;
}

static int compare_ids(const void *a, const void *b, void *user)
{
    const struct node *nodes = user;
    int one = *(const int *)a, other = *(const int *)b;
    int by_id = strcmp(nodes[one].row.span.span, nodes[other].row.span.span);
    return by_id != 0 ? by_id : one - other;
}

/* Whose parent is unknown hangs at the root, so that nothing is lost. */
static void link_nodes(struct tree *tree, int root)
{
    qsort_r(tree->by_id, (size_t)tree->n, sizeof(*tree->by_id), compare_ids, tree->nodes);
    for (int i = 0; i < tree->n; i++) {
        struct node *node = &tree->nodes[i];
        if (i == root) {
            continue;
        }
        int parent = find_node(tree, node->row.span.parent);
        node->parent = parent == NONE || parent == i ? root : parent;
        struct node *up = &tree->nodes[node->parent];
        if (up->last_child == NONE) {
            up->first_child = i;
        } else {
            tree->nodes[up->last_child].next = i;
        }
        up->last_child = i;
    }
}

/* The child that ended last, not after `until`, and is not marked; NONE. */
static int last_before(const struct tree *tree, int parent, int64_t until)
{
    int last = NONE;
    int64_t end = INT64_MIN;
    for (int i = tree->nodes[parent].first_child; i != NONE; i = tree->nodes[i].next) {
        const struct waterfall_row *row = &tree->nodes[i].row;
        if (!row->is_critical && row->end_us <= until && row->end_us >= end) {
            last = i;
            end = row->end_us;
        }
    }
    return last;
}

static void mark_children(struct tree *tree, int parent)
{
    const struct waterfall_row *up = &tree->nodes[parent].row;
    int64_t until = up->end_us + SLACK_US;
    for (int i; (i = last_before(tree, parent, until)) != NONE;) {
        struct waterfall_row *row = &tree->nodes[i].row;
        row->is_critical = true;
        int64_t before = row->span.start_us + SLACK_US;
        until = before < until ? before : until; /* short ones: never forward */
    }
}

/* Parents before children: down, else to the side, else up and to the side. */
static int next_in_order(const struct tree *tree, int at, int root)
{
    if (tree->nodes[at].first_child != NONE) {
        return tree->nodes[at].first_child;
    }
    while (at != root && tree->nodes[at].next == NONE) {
        at = tree->nodes[at].parent;
    }
    return at != root ? tree->nodes[at].next : NONE;
}

static size_t walk(struct tree *tree, int root, struct waterfall_row *rows)
{
    size_t n = 0;
    tree->nodes[root].row.is_critical = true;
    for (int i = root; i != NONE; i = next_in_order(tree, i, root)) {
        struct node *node = &tree->nodes[i];
        if (i != root) {
            node->row.depth = tree->nodes[node->parent].row.depth + 1;
        }
        if (node->row.is_critical) {
            mark_children(tree, i);
        }
        rows[n++] = node->row;
    }
    return n;
}

static struct tree make_tree(struct arena *arena, const struct span_row *all, size_t n,
                             int64_t now_us)
{
    struct tree tree = {.nodes = arena_array(arena, n, sizeof(struct node)),
                        .n = (int)n,
                        .by_id = arena_array(arena, n, sizeof(int))};
    for (size_t i = 0; i < n; i++) {
        bool is_open = all[i].end_us == 0;
        int64_t end = is_open ? now_us : all[i].end_us;
        tree.nodes[i] = (struct node){
            .row = {.span = all[i],
                    .is_open = is_open,
                    .end_us = end > all[i].start_us ? end : all[i].start_us},
            .parent = NONE,
            .first_child = NONE,
            .last_child = NONE,
            .next = NONE
        };
    }
    qsort(tree.nodes, n, sizeof(*tree.nodes), compare_nodes);
    for (int i = 0; i < tree.n; i++) {
        tree.by_id[i] = i;
    }
    return tree;
}

struct waterfall waterfall_build(struct arena *arena, const struct workflow_row *workflow,
                                 const struct effect_row *effects, size_t n_effects,
                                 const struct span_row *spans, size_t n_spans,
                                 struct wall now)
{
    size_t most = n_spans < WATERFALL_MAX ? n_spans : WATERFALL_MAX;
    most += (n_effects < WATERFALL_MAX ? n_effects : WATERFALL_MAX) + 2;
    struct span_row *all = arena_array(arena, most, sizeof(struct span_row));
    size_t n = collect(arena, workflow, effects, n_effects, spans, n_spans, all);
    struct tree tree = make_tree(arena, all, n, now.ms * 1000);
    struct trace_context whole = trace_of_workflow(workflow);
    int root = 0;
    while (root < tree.n && strcmp(tree.nodes[root].row.span.span, whole.span) != 0) {
        root++; /* it is there: stored, or made above */
    }
    link_nodes(&tree, root);
    struct waterfall_row *rows = arena_array(arena, n, sizeof(*rows));
    struct waterfall waterfall = {.rows = rows};
    waterfall.n = walk(&tree, root, rows);
    waterfall.start_us = rows[0].span.start_us;
    waterfall.end_us = rows[0].end_us;
    for (size_t i = 0; i < waterfall.n; i++) {
        int64_t start = rows[i].span.start_us, end = rows[i].end_us;
        waterfall.start_us = start < waterfall.start_us ? start : waterfall.start_us;
        waterfall.end_us = end > waterfall.end_us ? end : waterfall.end_us;
    }
    return waterfall;
}

/* ---- drawing --------------------------------------------------------------------------
 */

bool waterfall_bar(int64_t from, int64_t to, int64_t window_from, int64_t window_to,
                   int cells, int *ret_first, int *ret_n)
{
    if (cells <= 0) {
        return false;
    }
    if (window_to <= window_from) {
        *ret_first = 0;
        *ret_n = 1;
        return true;
    }
    if (to < window_from || from > window_to) {
        return false;
    }
    double scale = (double)cells / (double)(window_to - window_from);
    from = from > window_from ? from : window_from;
    to = to < window_to ? to : window_to;
    int first = (int)((double)(from - window_from) * scale);
    int end = (int)((double)(to - window_from) * scale + 0.999);
    first = first < cells ? first : cells - 1;
    end = end > first ? end : first + 1;
    *ret_first = first;
    *ret_n = (end < cells ? end : cells) - first;
    return true;
}

const char *waterfall_time(int64_t us, char text[WATERFALL_TEXT_MAX])
{
    double value = (double)us;
    if (us < 1000) {
        (void)snprintf(text, WATERFALL_TEXT_MAX, "%dus", (int)(us > 0 ? us : 0));
    } else if (us < 9950) {
        (void)snprintf(text, WATERFALL_TEXT_MAX, "%.1fms", value / 1e3);
    } else if (us < 999500) {
        (void)snprintf(text, WATERFALL_TEXT_MAX, "%.0fms", value / 1e3);
    } else if (us < 99950000) {
        (void)snprintf(text, WATERFALL_TEXT_MAX, "%.1fs", value / 1e6);
    } else {
        (void)span_format((struct span){us / 1000}, text);
    }
    return text;
}
