/* SPDX-License-Identifier: MIT */
#include "engine/recovery/locate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/recovery/locate_private.h"

#define NEAR_LINES 4 /* so close lines are one thing: the second one waits */

double locate_score(const struct locate_tree *trees, size_t n_trees, const int16_t *x)
{
    long sum = 0;
    for (size_t i = 0; i < n_trees; i++) {
        const struct locate_tree *tree = &trees[i];
        size_t node = 0;
        while (node < LOCATE_NODES) {
            node = 2 * node + 1 + (x[tree->feature[node]] > tree->threshold[node]);
        }
        sum += tree->leaf[node - LOCATE_NODES];
    }
    return (double)sum / LOCATE_LEAF;
}

static size_t best(const double *scores, const bool *is_out, size_t n)
{
    size_t at = n;
    for (size_t i = 0; i < n; i++) {
        if (!is_out[i] && (at == n || scores[i] > scores[at])) {
            at = i;
        }
    }
    return at;
}

/* Rounds: in each, the best line that is not near to one taken in this round; when all are near
 * to some, the next round begins. */
size_t locate_rank(const struct locate_candidate *candidates, const double *scores,
                   size_t n, struct arena *arena, uint32_t *ret_order, size_t max)
{
    bool *is_taken = arena_array(arena, n, sizeof(*is_taken));
    bool *is_out = arena_array(arena, n, sizeof(*is_out));
    size_t n_taken = 0;
    while (n_taken < max && n_taken < n) {
        size_t at = best(scores, is_out, n);
        if (at == n) {
            (void)memcpy(is_out, is_taken, n * sizeof(*is_out));
            continue;
        }
        ret_order[n_taken++] = (uint32_t)at;
        is_taken[at] = is_out[at] = true;
        for (size_t i = at;
             i-- > 0 && candidates[at].line - candidates[i].line <= NEAR_LINES;) {
            is_out[i] = true;
        }
        for (size_t i = at + 1;
             i < n && candidates[i].line - candidates[at].line <= NEAR_LINES; i++) {
            is_out[i] = true;
        }
    }
    return n_taken;
}

static void share_out(double *scores, size_t n)
{
    double most = scores[0], sum = 0;
    for (size_t i = 1; i < n; i++) {
        most = fmax(most, scores[i]);
    }
    for (size_t i = 0; i < n; i++) {
        scores[i] = exp(scores[i] - most);
        sum += scores[i];
    }
    for (size_t i = 0; i < n; i++) {
        scores[i] /= sum;
    }
}

size_t locate(const struct pattern_base *base, const char *text, size_t len,
              struct arena *arena, struct located *ret_lines, size_t max)
{
    struct locate_log log;
    struct locate_candidate *candidates = NULL;
    locate_read(&log, text, len, arena);
    size_t n = locate_candidates(base, &log, arena, &candidates);
    if (n == 0 || max == 0) {
        return 0;
    }
    double *scores = arena_array(arena, n, sizeof(*scores));
    uint32_t *order = arena_array(arena, max, sizeof(*order));
    for (size_t i = 0; i < n; i++) {
        scores[i] = locate_score(locate_trees, locate_n_trees, candidates[i].x);
    }
    share_out(scores, n);
    size_t n_ranked = locate_rank(candidates, scores, n, arena, order, max);
    for (size_t i = 0; i < n_ranked; i++) {
        const struct locate_line *line = &log.lines[candidates[order[i]].line];
        ret_lines[i] =
            (struct located){.line = locate_number(&log, candidates[order[i]].line),
                             .at = line->at,
                             .len = line->len,
                             .score = scores[order[i]]};
    }
    return n_ranked;
}
