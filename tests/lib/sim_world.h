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
#include "engine/base/rng.h"
#include "engine/service/desk.h"
#include "engine/service/port.h"
#include "engine/service/service.h"

#define SIM_SERVICES 5

/* A service with its breaker, as a desk would keep it. */
struct sim_service {
    enum breaker_state state;
    struct wall change_at; /* to the next state */
    bool has_news;         /* a report is due */
};

struct sim_world {
    uint64_t seed;
    struct wall now;
    struct idmap jobs, workflows;
    struct heap running; /* jobs by the time of their outcome */
    int64_t n_agent_starts, n_merges, n_deferrals, n_outages, n_degraded;
    struct rng weather; /* of the services */
    struct sim_service services[SIM_SERVICES];
    bool has_services;
    bool is_halted;         /* nothing may be asked for */
    int64_t n_while_halted; /* and this was */
    bool was_merged_unseen; /* a degraded validation was merged without an approval */
};

struct sim_merges {
    int n_merges, n_reverts, n_pull_requests, n_agent_starts;
    bool is_served; /* uses services */
    bool is_degraded, is_approved;
};

/* Does the merge of this workflow break the base? */
bool sim_world_is_bad(const struct sim_world *world, int64_t workflow);

/* Names, kinds and settings of the services. */
extern const struct service_spec sim_services[SIM_SERVICES];

void sim_world_init(struct sim_world *world, uint64_t seed, struct wall now,
                    bool has_services);
void sim_world_fini(struct sim_world *world);
/* The workflow of this number will use services. */
void sim_world_serve(struct sim_world *world, int64_t workflow);
/* An operator approves its merge. */
void sim_world_approve(struct sim_world *world, int64_t workflow);
/* The next report of a service that is due, or NULL. */
struct service_report *sim_world_report(struct sim_world *world);
/* A new engine: every service is reported again, but for one that it is lost. */
void sim_world_restart(struct sim_world *world);
struct executor sim_world_executor(struct sim_world *world);
/* The next outcome that is due, or NULL. */
struct effect_result *sim_world_due(struct sim_world *world);
/* When the next outcome or report is due; unset: nothing runs. */
struct wall sim_world_next(const struct sim_world *world);
struct sim_merges sim_world_merges(struct sim_world *world, int64_t workflow);
/* Highest number of starts of one key; 1 when all is well. */
int sim_world_most_starts(const struct sim_world *world);

#endif
