/* SPDX-License-Identifier: MIT */
#include "tests/lib/sim_world.h"

#include <inttypes.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"

#define KEYS 4096 /* effects of one workflow at most */

struct job {
    struct heap_node node;
    struct effect_row row; /* without strings */
    int n_starts;
    bool is_stopped;
    bool is_over; /* its outcome was ready once; it is delivered again when asked again */
};

void sim_world_fini(struct sim_world *world)
{
    size_t iter = 0;
    void *item;
    while ((item = idmap_next(&world->jobs, &iter)) != NULL) {
        free(item);
    }
    iter = 0;
    while ((item = idmap_next(&world->workflows, &iter)) != NULL) {
        free(item);
    }
    idmap_fini(&world->jobs);
    idmap_fini(&world->workflows);
    heap_fini(&world->running);
}

static struct sim_merges *merges_of(struct sim_world *world, int64_t id)
{
    struct sim_merges *found = idmap_get(&world->workflows, id);
    if (found == NULL) {
        found = mem_alloc(sizeof(*found));
        idmap_put(&world->workflows, id, found);
    }
    return found;
}

struct sim_merges sim_world_merges(struct sim_world *world, int64_t workflow)
{
    return *merges_of(world, workflow);
}

static struct rng dice(const struct sim_world *world, const struct effect_row *row)
{
    struct rng rng;
    rng_init(&rng, world->seed ^ ((uint64_t)row->workflow << 20) ^ (uint64_t)row->seq);
    (void)rng_next(&rng);
    return rng;
}

static void fail_as(struct effect_result *result, enum effect_status status,
                    enum blame blame, const char *summary)
{
    result->status = status;
    result->blame = blame;
    result->summary = mem_str(summary);
    result->excerpt = mem_str("error: played");
}

static void play_agent(struct effect_result *result, double luck)
{
    if (luck < 0.06) {
        fail_as(result, STATUS_FAILED, BLAME_WORLD, "the agent crashed");
    } else if (luck < 0.09) {
        fail_as(result, STATUS_TIMED_OUT, BLAME_WORLD, "the agent hung");
    } else if (luck < 0.10) {
        fail_as(result, STATUS_LOST, BLAME_WORLD, "the agent vanished");
    } else if (luck < 0.105) {
        fail_as(result, STATUS_REFUSED, BLAME_SETUP, "agent program not found");
    }
}

static void play_check(struct effect_result *result, double luck)
{
    if (luck < 0.12) {
        fail_as(result, STATUS_FAILED, BLAME_CHANGE, "tests failed");
    } else if (luck < 0.14) {
        fail_as(result, STATUS_TIMED_OUT, BLAME_CHANGE, "tests hung");
    } else if (luck < 0.16) {
        result->status = STATUS_FLAKY;
        result->tries = 2;
    } else if (luck < 0.18) {
        fail_as(result, STATUS_FAILED, BLAME_WORLD, "no space left");
    }
}

static void play_merge(struct sim_world *world, struct effect_result *result, double luck)
{
    struct sim_merges *merges = merges_of(world, result->workflow);
    if (merges->n_merges == merges->n_reverts) {
        if (luck < 0.08) {
            fail_as(result, STATUS_FAILED, BLAME_CHANGE, "merge conflict in a.c");
            return;
        }
        if (luck < 0.10) {
            fail_as(result, STATUS_FAILED, BLAME_OPERATOR, "uncommitted changes in a.c");
            return;
        }
        merges->n_merges++;
        world->n_merges++;
    }
    result->merge_sha = mem_printf("m%" PRId64, result->workflow);
}

static void play_forge(struct sim_world *world, const struct effect_row *row,
                       struct effect_result *result, double luck)
{
    struct sim_merges *merges = merges_of(world, row->workflow);
    switch (row->kind) {
    case EFFECT_WORKSPACE:
        result->branch = mem_printf("signalbox/wf-%" PRId64, row->workflow);
        result->base_sha = mem_str("b0");
        break;
    case EFFECT_COMMIT:
        if (luck < 0.03) {
            fail_as(result, STATUS_FAILED, BLAME_CHANGE, "the agent changed nothing");
        } else {
            result->head_sha =
                mem_printf("h%" PRId64 ".%" PRId64, row->workflow, row->seq);
        }
        break;
    case EFFECT_PULL_REQUEST:
        merges->n_pull_requests += merges->n_pull_requests == 0;
        result->pr_number = row->workflow;
        break;
    case EFFECT_REVERT:
        if (luck < 0.1) {
            fail_as(result, STATUS_FAILED, BLAME_CHANGE, "conflict");
        } else {
            merges->n_reverts++;
        }
        break;
    case EFFECT_MERGE:
        play_merge(world, result, luck);
        break;
    default:
        break;
    }
}

static void play(struct sim_world *world, const struct effect_row *row,
                 struct effect_result *result)
{
    struct rng rng = dice(world, row);
    double luck = rng_unit(&rng);
    result->status = STATUS_PASSED;
    switch (row->kind) {
    case EFFECT_PLAN:
        result->plan = mem_str("do it");
        play_agent(result, luck);
        break;
    case EFFECT_CODE:
        play_agent(result, luck);
        break;
    case EFFECT_SETUP:
    case EFFECT_CHECK:
    case EFFECT_EVALUATE:
        play_check(result, luck);
        break;
    default:
        play_forge(world, row, result, luck);
    }
}

static struct job *job_of(struct sim_world *world, const struct effect_row *effect)
{
    int64_t key = effect->workflow * KEYS + effect->seq;
    struct job *job = idmap_get(&world->jobs, key);
    if (effect->seq >= KEYS) {
        BUG("a workflow with too many effects");
    }
    if (job == NULL) {
        job = mem_alloc(sizeof(*job));
        job->row = *effect;
        job->row.name = job->row.params = job->row.summary = job->row.log = NULL;
        idmap_put(&world->jobs, key, job);
    }
    return job;
}

static void on_perform(void *self, const struct effect_row *effect)
{
    struct sim_world *world = self;
    struct job *job = job_of(world, effect);
    int64_t key = effect->workflow * KEYS + effect->seq;
    if (job->is_over) {
        heap_put(&world->running, &job->node, world->now.ms, key);
    } else if (job->n_starts == 0) {
        struct rng rng = dice(world, effect);
        (void)rng_next(&rng);
        uint64_t range = effect->kind == EFFECT_CODE ? 600000 : 20000;
        int64_t ms = 500 + (int64_t)rng_below(&rng, range);
        if (rng_unit(&rng) < 0.01) {
            ms += 2 * 86400000LL; /* hangs: the engine's own deadline has to end it */
        }
        job->n_starts++;
        world->n_agent_starts += effect->kind == EFFECT_CODE;
        heap_put(&world->running, &job->node, world->now.ms + ms, key);
    } /* else it runs, and is adopted */
}

static void on_stop(void *self, int64_t workflow, int64_t seq)
{
    struct sim_world *world = self;
    struct job *job = idmap_get(&world->jobs, workflow * KEYS + seq);
    if (job != NULL) {
        job->is_stopped = true;
    }
}

struct executor sim_world_executor(struct sim_world *world)
{
    return (struct executor){world, on_perform, on_stop};
}

struct wall sim_world_next(const struct sim_world *world)
{
    const struct heap_node *first = heap_first(&world->running);
    return (struct wall){first != NULL ? first->key : 0};
}

struct effect_result *sim_world_due(struct sim_world *world)
{
    struct heap_node *first = heap_first(&world->running);
    if (first == NULL || first->key > world->now.ms) {
        return NULL;
    }
    struct job *job = HEAP_ITEM(first, struct job, node);
    heap_remove(&world->running, first);
    struct effect_result *result = effect_result_new(job->row.workflow, job->row.seq);
    result->finished_at = world->now;
    if (job->is_stopped && !job->is_over) {
        result->status = STATUS_CANCELLED;
        result->blame = BLAME_WORLD;
    } else {
        play(world, &job->row, result);
    }
    job->is_over = true;
    return result;
}

int sim_world_most_starts(const struct sim_world *world)
{
    int most = 0;
    size_t iter = 0;
    const struct job *job;
    while ((job = idmap_next(&world->jobs, &iter)) != NULL) {
        most = job->n_starts > most ? job->n_starts : most;
    }
    return most;
}
