/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_TOOLS_TRAIN_FAILURE_H
#define SIGNALBOX_TESTS_TOOLS_TRAIN_FAILURE_H

/*
 * Train failure: histories of runs, read from files, for train_failure.c.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/predict/failure_private.h"

#define HISTORIES_MAX 60
#define COLUMNS_MAX   64

struct past_run {
    char **cells; /* one for each column */
    int64_t at_ms, end_ms;
    double took; /* seconds; NAN = not known */
    bool has_failed;
};

/* One file DIR/SET/NAME.csv. */
struct history {
    char *set, *name;
    size_t n_columns, n_runs;
    char *columns[COLUMNS_MAX];
    bool has_end; /* outcomes come when the run ends, else at once */
    struct past_run *runs;
};

struct histories {
    size_t n;
    struct history rows[HISTORIES_MAX];
};

void histories_load(struct histories *histories, const char *folder);
/* Not told at the start: outcome, duration, end; and what is no field: id and time. */
bool history_is_hidden(const char *column);

/* A step of the replay: a start, or the outcome of a run that started before. */
struct replay_step {
    size_t run;
    bool is_outcome;
};
/* Order in which starts and outcomes are seen; malloc'd, two for each run. Starts are in order
 * of at_ms; an outcome comes before the first start that is not before its end, and at once when the end is not
 * after its start. */
struct replay_step *replay_order(const int64_t *at_ms, const int64_t *end_ms, size_t n);

struct judgement {
    double auc, precision, skill, f1, ece;
};
/* Of the last 70 %, as scored by the running base rate. */
struct judgement judge(const struct history *history, const double *p);

#endif
