/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_SIM_H
#define SIGNALBOX_TESTS_SIM_H

/*
 * Sim: the real control center and store over a world that is only played.
 *
 * Time is virtual, every random choice comes from one seed, and providers (agent, forge,
 * sandbox, evaluator) are models with faults: failing checks, crashes, lost processes,
 * timeouts, conflicts. Operators pause, cancel, retry and skip at random. The engine
 * crashes at random: everything in memory goes, the store and the world stay. Some
 * workflows use services, which go down and come back; what cannot be begun is deferred,
 * and judged by nobody is degraded. After each
 * batch the invariants are checked; the first one that does not hold is reported. The
 * same seed gives the same event log, byte for byte.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/clock.h"

struct sim_options {
    uint64_t seed;
    int n_workflows;
    int max_running;
    double crash_rate;    /* per batch */
    double operator_rate; /* per batch: a random verb on a random workflow */
    double service_rate;  /* share of workflows that use services */
    double halt_rate;     /* per batch: everything autonomous is halted, for a while */
    const char *folder;   /* for the store; removed before and after */
    bool is_verbose;      /* print the event log */
    /* after each commit, with the store's file; NULL: nobody looks */
    void (*on_commit)(void *user, const char *path, struct wall now);
    void *user;
};

struct sim_report {
    uint64_t log_hash; /* FNV-1a over every event, field by field */
    int64_t n_events, n_batches, n_crashes, n_commands;
    int64_t n_agent_starts, n_merges, n_by_state[16];
    int64_t n_deferrals, n_outages, n_degraded, n_halts;
    int64_t n_bad, n_confirmed; /* merges that broke the base; those found */
    int64_t n_taken_back;       /* by the engine itself */
    int64_t n_beside;           /* workflows with checks side by side */
    double virtual_days;
    char failure[400]; /* "" when every invariant held */
};

/* Runs to the end: every workflow is final. */
void sim_run(const struct sim_options *options, struct sim_report *ret_report);

#endif
