/* SPDX-License-Identifier: MIT */

/*
 * Gradient boosting with second-order steps and histograms (Chen and Guestrin, "XGBoost", KDD
 * 2016; Friedman, "Greedy function approximation", Ann. Stat. 2001), in a circle: every few
 * outcomes the oldest tree makes place for one that is fitted to what all others leave over
 * (backfitting; Breiman and Friedman 1985), so that no step takes long. The trees do not
 * predict, they correct what another expert had said when the run started.
 */
#include <math.h>
#include <string.h>

#include "engine/predict/failure_private.h"

#ifndef TREE_RATE
#define TREE_RATE   0.06
#define TREE_RIDGE  10.0
#define TREE_GAIN   0.5
#define TREE_WEIGHT 5.0
#endif
#define GROW_FIRST 64
#define GROW_EVERY 10

/* What fitting needs beside the rows. */
struct fit {
    size_t n_rows;
    float slope[FAILURE_ROWS], bend[FAILURE_ROWS]; /* gradient, hessian */
    float sum[FAILURE_ROWS];                       /* log-odds so far */
    uint8_t node[FAILURE_ROWS];                    /* of this level, 0.. */
};

struct cell {
    float slope, bend;
};

struct split {
    double gain;
    uint8_t input, above;
};

static uint8_t level_of(float input)
{
    float level = (input + 3.2f) * (FAILURE_LEVELS / 6.4f);
    return level <= 0                    ? 0
           : level >= FAILURE_LEVELS - 1 ? FAILURE_LEVELS - 1
                                         : (uint8_t)level;
}

static double worth(double slope, double bend)
{
    return slope * slope / (bend + TREE_RIDGE);
}

/* The best cut of one input in each node. */
static void search(const struct cell cells[][FAILURE_LEVELS], size_t n_nodes,
                   size_t input, struct split *best)
{
    for (size_t node = 0; node < n_nodes; node++) {
        double all_slope = 0, all_bend = 0, slope = 0, bend = 0;
        for (size_t i = 0; i < FAILURE_LEVELS; i++) {
            all_slope += (double)cells[node][i].slope;
            all_bend += (double)cells[node][i].bend;
        }
        double whole = worth(all_slope, all_bend);
        for (size_t i = 0; i + 1 < FAILURE_LEVELS; i++) {
            slope += (double)cells[node][i].slope;
            bend += (double)cells[node][i].bend;
            if (bend < TREE_WEIGHT || all_bend - bend < TREE_WEIGHT) {
                continue;
            }
            double gain =
                worth(slope, bend) + worth(all_slope - slope, all_bend - bend) - whole;
            if (gain > best[node].gain) {
                best[node] = (struct split){gain, (uint8_t)input, (uint8_t)i};
            }
        }
    }
}

/* One level: every node of it is split, or goes left as a whole. */
static void grow_level(const struct failure_forest *forest, struct fit *fit,
                       struct failure_tree *tree, size_t n_nodes)
{
    struct split best[FAILURE_LEAVES / 2];
    for (size_t node = 0; node < n_nodes; node++) {
        best[node] = (struct split){TREE_GAIN, 0, FAILURE_LEVELS};
    }
    for (size_t input = 0; input < FAILURE_INPUTS; input++) {
        struct cell cells[FAILURE_LEAVES / 2][FAILURE_LEVELS];
        const uint8_t *level = forest->level[input];
        memset(cells, 0, sizeof(cells));
        for (size_t i = 0; i < fit->n_rows; i++) {
            struct cell *cell = &cells[fit->node[i]][level[i]];
            cell->slope += fit->slope[i];
            cell->bend += fit->bend[i];
        }
        search((const struct cell(*)[FAILURE_LEVELS])cells, n_nodes, input, best);
    }
    for (size_t node = 0; node < n_nodes; node++) {
        tree->input[n_nodes - 1 + node] = best[node].input;
        tree->above[n_nodes - 1 + node] = best[node].above;
    }
    for (size_t i = 0; i < fit->n_rows; i++) {
        const struct split *split = &best[fit->node[i]];
        fit->node[i] =
            (uint8_t)(fit->node[i] * 2 + (forest->level[split->input][i] > split->above));
    }
}

static void grow(const struct failure_forest *forest, struct fit *fit,
                 struct failure_tree *tree)
{
    double slope[FAILURE_LEAVES] = {0}, bend[FAILURE_LEAVES] = {0};
    memset(fit->node, 0, sizeof(fit->node));
    for (size_t i = 0; i < fit->n_rows; i++) {
        float p = (float)failure_sigmoid((double)fit->sum[i]);
        fit->slope[i] = forest->weight[i] * (p - (float)forest->has_failed[i]);
        fit->bend[i] = forest->weight[i] * p * (1 - p);
    }
    for (size_t n_nodes = 1; n_nodes < FAILURE_LEAVES; n_nodes *= 2) {
        grow_level(forest, fit, tree, n_nodes);
    }
    for (size_t i = 0; i < fit->n_rows; i++) {
        slope[fit->node[i]] += (double)fit->slope[i];
        bend[fit->node[i]] += (double)fit->bend[i];
    }
    for (size_t leaf = 0; leaf < FAILURE_LEAVES; leaf++) {
        tree->leaf[leaf] = (float)(-TREE_RATE * slope[leaf] / (bend[leaf] + TREE_RIDGE));
    }
}

static size_t leaf_of(const struct failure_tree *tree, const uint8_t *level,
                      size_t stride)
{
    size_t at = 0;
    while (at < FAILURE_LEAVES - 1) {
        at = 2 * at + 1 + (level[tree->input[at] * stride] > tree->above[at]);
    }
    return at - (FAILURE_LEAVES - 1);
}

/* A new tree in place of the oldest, for what all others leave over. */
static void replace_one(struct failure_forest *forest)
{
    struct fit fit;
    size_t oldest = (size_t)(forest->n_grown % FAILURE_TREES);
    fit.n_rows = forest->n < FAILURE_ROWS ? (size_t)forest->n : FAILURE_ROWS;
    memcpy(fit.sum, forest->base, sizeof(fit.sum));
    for (size_t i = 0; i < forest->n_trees; i++) {
        for (size_t row = 0; i != oldest && row < fit.n_rows; row++) {
            const struct failure_tree *tree = &forest->trees[i];
            fit.sum[row] +=
                tree->leaf[leaf_of(tree, &forest->level[0][row], FAILURE_ROWS)];
        }
    }
    grow(forest, &fit, &forest->trees[oldest]);
    forest->n_grown++;
    forest->n_trees += forest->n_trees < FAILURE_TREES;
}

double failure_forest_say(const struct failure_forest *forest,
                          const float inputs[FAILURE_INPUTS])
{
    double sum = 0;
    uint8_t level[FAILURE_INPUTS];
    for (size_t i = 0; i < FAILURE_INPUTS && forest->n_trees > 0; i++) {
        level[i] = level_of(inputs[i]);
    }
    for (size_t i = 0; i < forest->n_trees; i++) {
        sum += (double)forest->trees[i].leaf[leaf_of(&forest->trees[i], level, 1)];
    }
    return sum;
}

void failure_forest_learn(struct failure_forest *forest,
                          const float inputs[FAILURE_INPUTS], double base, double weight,
                          bool has_failed)
{
    size_t row = (size_t)(forest->n % FAILURE_ROWS);
    for (size_t i = 0; i < FAILURE_INPUTS; i++) {
        forest->level[i][row] = level_of(inputs[i]);
    }
    forest->base[row] = (float)base;
    forest->weight[row] = (float)weight;
    forest->has_failed[row] = has_failed;
    forest->n++;
    if (forest->n >= GROW_FIRST && forest->n % GROW_EVERY == 0) {
        replace_one(forest);
    }
}
