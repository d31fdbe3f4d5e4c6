/* SPDX-License-Identifier: MIT */

/* What gets better or worse, computed from the features of one run alone (feature.h). */

#include <math.h>
#include <string.h>

#include "engine/learning/feature.h"

static const struct {
    const char *word, *unit, *help;
    bool is_more_better;
} metrics[] = {
#define X(id, word, unit, better, help) {word, unit, help, better},
    METRIC_OF_RUN_LIST(X)
#undef X
};

const char *run_metric_word(enum run_metric metric)
{
    return (size_t)metric < ARRAY_LEN(metrics) ? metrics[metric].word : "?";
}

const char *run_metric_unit(enum run_metric metric)
{
    return (size_t)metric < ARRAY_LEN(metrics) ? metrics[metric].unit : "";
}

const char *run_metric_help(enum run_metric metric)
{
    return (size_t)metric < ARRAY_LEN(metrics) ? metrics[metric].help : "";
}

bool run_metric_is_more_better(enum run_metric metric)
{
    return (size_t)metric < ARRAY_LEN(metrics) && metrics[metric].is_more_better;
}

bool run_metric_find(const char *word, enum run_metric *ret_metric)
{
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
        if (strcmp(metrics[i].word, word) == 0) {
            *ret_metric = (enum run_metric)i;
            return true;
        }
    }
    return false;
}

static double sum_of_failed(const struct run_features *run)
{
    double sum = 0;
    for (size_t i = 0; i < run->n_steps; i++) {
        const struct run_step *step = &run->steps[i];
        sum += run_step_has_failed(step) && isfinite(step->run) ? (double)step->run : 0;
        sum += isfinite(step->pause) ? (double)step->pause : 0;
    }
    return sum;
}

static double sum_of_lines(const struct run_features *run)
{
    double sum = 0;
    for (size_t i = 0; i < run->n_steps; i++) {
        sum += isfinite(run->steps[i].wait) ? (double)run->steps[i].wait : 0;
    }
    return sum;
}

/* Pauses before retries are part of it: they are a choice of the engine. */
static double minutes_at_work(const struct run_features *run)
{
    double s = (double)(run->finished_at.ms - run->started_at.ms) / 1000;
    for (int wait = WAIT_NONE + 1; wait < WAIT_COUNT; wait++) {
        s -= wait == WAIT_RETRY ? 0 : (double)run->wait[wait];
    }
    /* before it was begun it waited for a slot, too, which is not in the difference */
    s += fmin((double)run->wait[WAIT_SLOT],
              (double)(run->started_at.ms - run->created_at.ms) / 1000);
    s -= sum_of_lines(run);
    return s > 0 ? s / 60 : 0;
}

static double merge_failure(const struct run_features *run)
{
    double value = (double)NAN;
    for (size_t i = 0; i < run->n_steps; i++) {
        const struct run_step *step = &run->steps[i];
        if (step->kind == EFFECT_MERGE || step->kind == EFFECT_WATCH) {
            value = run_step_has_failed(step) || value > 0 ? 1 : 0;
        }
    }
    return run->state == STATE_ROLLED_BACK ? 1 : value;
}

double run_measure(const struct run_features *run, enum run_metric metric)
{
    switch (metric) {
    case RUN_COMPLETED:
        return run->state == STATE_CANCELLED                      ? (double)NAN
               : run->state == STATE_COMPLETED && !run->has_human ? 1
                                                                  : 0;
    case RUN_MINUTES:
        return (double)(run->finished_at.ms - run->created_at.ms) / 60000;
    case RUN_WORK:
        return minutes_at_work(run);
    case RUN_WASTED:
        return sum_of_failed(run) / 60;
    case RUN_QUEUE:
        return (double)run->wait[WAIT_SLOT] / 60;
    case RUN_LINE:
        return sum_of_lines(run) / 60;
    case RUN_VALIDATION:
        return (double)run->state_s[STATE_VALIDATING] / 60;
    case RUN_MERGE_FAILURES:
        return merge_failure(run);
    case RUN_PARKED:
        return (double)run->wait[WAIT_SERVICE] / 60;
    case RUN_METRIC_COUNT:
        break;
    }
    return (double)NAN;
}
