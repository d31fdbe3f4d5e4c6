/* SPDX-License-Identifier: MIT */

/*
 * How long do troubles last on after they were met? Believed: a try after a pause passes with the
 * chance a * (1 - exp(-pause / tau)). All pairs of a and tau on a grid are weighed by the likelihood
 * of the tries that were seen (flat prior over a and log tau).
 */

#include <math.h>
#include <stdlib.h>

#include "engine/learning/replay.h"

#define GRID_A    TROUBLE_GRID_A
#define GRID_TAU  TROUBLE_GRID_TAU
#define GRID      TROUBLE_GRID
#define TAU_LEAST 1.0
#define TAU_MOST  7200.0

void trouble_begin(struct trouble_model *model)
{
    for (size_t g = 0; g < GRID; g++) {
        model->a[g] = 1 - 0.3 * pow((double)(g % GRID_A) / GRID_A, 2) - 0.002;
        model->tau[g] =
            TAU_LEAST * pow(TAU_MOST / TAU_LEAST, (double)(g / GRID_A) / (GRID_TAU - 1));
    }
}

void trouble_weigh(struct trouble_model *model, double pause, bool is_bad)
{
    model->n += 1;
    model->n_passed += is_bad ? 0 : 1;
    for (size_t g = 0; g < GRID; g++) {
        double p = model->a[g] * (1 - exp(-pause / model->tau[g]));
        model->weight[g] += log(is_bad ? 1 - p : fmax(p, 1e-12));
    }
}

/* Logarithms become shares of 1. */
void trouble_end(struct trouble_model *model)
{
    double most = -1e300, sum = 0;
    for (size_t g = 0; g < GRID; g++) {
        most = fmax(most, model->weight[g]);
    }
    for (size_t g = 0; g < GRID; g++) {
        model->weight[g] = exp(model->weight[g] - most);
        sum += model->weight[g];
    }
    for (size_t g = 0; g < GRID; g++) {
        model->weight[g] /= sum;
    }
}

struct weighed {
    double value, weight;
};

static int by_weighed(const void *left, const void *right)
{
    double a = ((const struct weighed *)left)->value;
    double b = ((const struct weighed *)right)->value;
    return a < b ? -1 : a > b;
}

struct estimate trouble_gain(const struct trouble_model *model, trouble_cost_of *cost,
                             double from, double to)
{
    struct weighed gains[GRID];
    struct estimate gain = {0, (double)NAN, (double)NAN};
    for (size_t g = 0; g < GRID; g++) {
        double value = cost(model->a[g], model->tau[g], to, model->fail_s) -
                       cost(model->a[g], model->tau[g], from, model->fail_s);
        gains[g] = (struct weighed){value, model->weight[g]};
        gain.value += value * model->weight[g];
    }
    qsort(gains, GRID, sizeof(gains[0]), by_weighed);
    double below = 0;
    for (size_t g = 0; g < GRID; g++) {
        below += gains[g].weight;
        gain.low = !isfinite(gain.low) && below >= 0.05 ? gains[g].value : gain.low;
        gain.high = !isfinite(gain.high) && below >= 0.95 ? gains[g].value : gain.high;
    }
    gain.high = isfinite(gain.high) ? gain.high : gains[GRID - 1].value;
    return gain;
}
