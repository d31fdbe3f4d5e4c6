/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_SIM_WORLD_H
#define SIGNALBOX_TESTS_SIM_WORLD_H

/*
 * Sim world: what exists outside of the engine, and so survives its crashes: jobs by
 * effect key, merges and pull requests by workflow. The fate of a key depends on the seed
 * and the key alone, so the order of events does not change it.
 */

#include "engine/base/heap.h"
#include "engine/base/idmap.h"
#include "engine/service/port.h"

struct sim_world {
    uint64_t seed;
    struct wall now;
    struct idmap jobs, workflows;
    struct heap running; /* jobs by the time of their outcome */
    int64_t n_agent_starts, n_merges;
};

struct sim_merges {
    int n_merges, n_reverts, n_pull_requests;
};

void sim_world_fini(struct sim_world *world);
struct executor sim_world_executor(struct sim_world *world);
/* The next outcome that is due, or NULL. */
struct effect_result *sim_world_due(struct sim_world *world);
/* When the next outcome is due; unset: nothing runs. */
struct wall sim_world_next(const struct sim_world *world);
struct sim_merges sim_world_merges(struct sim_world *world, int64_t workflow);
/* Highest number of starts of one key; 1 when all is well. */
int sim_world_most_starts(const struct sim_world *world);

#endif
