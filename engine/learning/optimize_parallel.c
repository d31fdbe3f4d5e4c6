/* SPDX-License-Identifier: MIT */

/*
 * Parallel: how busy this machine is with other work while the checks of a pipeline run. What is
 * idle then is what checks side by side can have.
 *
 * From the recorded tries of steps that ran here: each keeps cpu / run processors busy from its
 * start to its end. One sweep over all starts and ends gives the work done by any moment; of the
 * time of a check, the work of all less its own is what others did beside it. What is not ours on
 * the machine is not seen. Where more was busy than the machine has, the steps ran on several
 * machines (runners in containers elsewhere, called by a local command), and nothing is known.
 */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/learning/optimize_private.h"

/* From here on so many processors more are busy; `done`: processor seconds by then. */
struct change {
    double at, rate, done;
};

static int by_time(const void *left, const void *right)
{
    const struct change *a = left, *b = right;
    return a->at < b->at ? -1 : a->at > b->at ? 1 : 0;
}

static bool is_here(const struct run_step *step, uint16_t local)
{
    return step->provider == local && isfinite(step->run) && step->run > 0 &&
           isfinite(step->cpu) && isfinite(step->at) && isfinite(step->wait);
}

static double start_of(const struct run_features *run, const struct run_step *step)
{
    return (double)run->created_at.ms / 1000 + (double)step->at + (double)step->wait;
}

/* Changes of all runs, in order; rate becomes the sum. */
static size_t read_changes(const struct search *search, uint16_t local,
                           struct change *changes)
{
    const struct optimize_input *input = search->input;
    size_t n = 0;
    double rate = 0, done = 0;
    for (size_t i = 0; i < input->n_runs; i++) {
        const struct run_features *run = input->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (is_here(step, local)) {
                double from = start_of(run, step);
                double busy = (double)step->cpu / (double)step->run;
                changes[n++] = (struct change){.at = from, .rate = busy};
                changes[n++] =
                    (struct change){.at = from + (double)step->run, .rate = -busy};
            }
        }
    }
    if (n > 0) {
        qsort(changes, n, sizeof(*changes), by_time);
    }
    for (size_t i = 0; i < n; i++) {
        done += i > 0 ? rate * (changes[i].at - changes[i - 1].at) : 0;
        rate += changes[i].rate;
        changes[i].rate = rate;
        changes[i].done = done;
    }
    return n;
}

/* More than there are, for more than a moment? Rates are means over a step, so that a little more
 * than there are is no wonder. */
#define CROWD_FACTOR 1.25
#define CROWD_SHARE  0.02
static bool is_crowd(const struct change *changes, size_t n, double processors)
{
    double over = 0, busy = 0;
    for (size_t i = 1; i < n; i++) {
        double took = changes[i].at - changes[i - 1].at;
        over += changes[i - 1].rate > CROWD_FACTOR * processors ? took : 0;
        busy += changes[i - 1].rate > 0.01 ? took : 0;
    }
    return over > CROWD_SHARE * busy;
}

/* Processor seconds by then. */
static double done_by(const struct change *changes, size_t n, double at)
{
    size_t low = 0, high = n; /* the last change that is not after it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (changes[middle].at <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? 0
                    : changes[low - 1].done +
                          changes[low - 1].rate * (at - changes[low - 1].at);
}

double search_busy_beside(const struct search *search)
{
    const struct optimize_input *input = search->input;
    uint16_t local = words_find(input->words, "local");
    size_t n_most = 0;
    double others = 0, seconds = 0;
    for (size_t i = 0; i < input->n_runs; i++) {
        n_most += 2 * (size_t)input->runs[i]->n_steps;
    }
    struct change *changes = mem_array(n_most, sizeof(*changes));
    size_t n = read_changes(search, local, changes);
    bool is_known = isfinite(input->processors) && input->processors > 0 &&
                    !is_crowd(changes, n, input->processors);
    for (size_t i = 0; i < search->n_runs; i++) {
        const struct run_features *run = search->runs[i];
        for (size_t k = 0; k < run->n_steps; k++) {
            const struct run_step *step = &run->steps[k];
            if (step->kind == EFFECT_CHECK && is_here(step, local)) {
                double from = start_of(run, step), to = from + (double)step->run;
                double all = done_by(changes, n, to) - done_by(changes, n, from);
                others += fmax(0, all - (double)step->cpu);
                seconds += (double)step->run;
            }
        }
    }
    free(changes);
    return is_known && seconds > 0 ? others / seconds : (double)NAN;
}
