/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_DRY_RUN_H
#define SIGNALBOX_LEARNING_DRY_RUN_H

/*
 * Dry run: what would have happened if a setting had been another one, on recorded workflows.
 *
 * Each workflow of the setting's scope that was run under the old value is replayed under the new
 * one: what is recorded stays as it was, what would have been otherwise is computed run by run
 * (how, says the table in dry_run.c: deadlines and memory by what was killed and what came near,
 * orders of checks by what each took and which failed, slots by letting the same work arrive
 * again, ...). The result is the change of the metric for each workflow, its mean with an
 * interval over the workflows (bootstrap), how many would have fared better and worse, and those
 * that differ most, to be looked up.
 *
 * A proposal rests on the same replays at the moment when it was made; this is on what is recorded
 * now, for any value. What nobody could have seen (a lower limit that would have killed what then
 * did something else) is counted, not guessed.
 *
 * Pure. Cost: as one search of the kind, some milliseconds for 3,000 runs.
 */

#include "engine/learning/feature.h"
#include "engine/learning/statistic.h"
#include "store/approval.h"

#define DRY_RUN_NOTES 4
#define DRY_RUN_CASES 5
#define DRY_RUN_TEXT  200

struct dry_run_ask {
    enum optimization_kind kind;
    const char *setting, *scope, *from, *to; /* as in struct optimization_row */
    struct wall
        until; /* only workflows submitted before, when it was applied; unset: all */
    double processors; /* of the machine on which checks run; NAN unknown */
};

struct dry_run {
    char why[DRY_RUN_TEXT]; /* nothing can be told, and why; "" */
    enum run_metric metric;
    size_t n_runs, n_better, n_worse;
    struct wall since, until; /* when the first and the last of them was submitted */
    double was;               /* the metric of a workflow, mean */
    struct estimate change;   /* of it */
    char notes[DRY_RUN_NOTES][DRY_RUN_TEXT];
    size_t n_notes;
    struct {
        int64_t workflow;
        double change;
    } cases[DRY_RUN_CASES]; /* that differ most, the largest first */
    size_t n_cases;
};

/* runs: oldest first by end. */
void dry_run(const struct dry_run_ask *ask, const struct run_features *const *runs,
             size_t n, const struct words *words, struct dry_run *ret);

/* As lines for people. Returns how many; at most max. */
#define DRY_RUN_LINES_MAX (DRY_RUN_NOTES + 5)
size_t dry_run_tell(const struct dry_run *dry, const struct dry_run_ask *ask,
                    char lines[DRY_RUN_LINES_MAX][DRY_RUN_TEXT]);

#endif
