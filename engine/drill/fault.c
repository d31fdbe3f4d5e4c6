/* SPDX-License-Identifier: MIT */

/* When faults are there, and whom they concern. */
#include <string.h>

#include "engine/base/mem.h"
#include "engine/drill/world.h"

static uint64_t hash_of(const char *text)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    }
    return hash;
}

bool drill_has_drifted(const struct drill_world *world)
{
    return world->now.ms >= world->drift_at.ms;
}

static void plan_windows(struct drill_world *world, int i)
{
    const struct drill_fault *fault = &world->profile->faults[i];
    struct drill_condition *condition = &world->conditions[i];
    int64_t campaign = world->end_at.ms - DRILL_START.ms;
    size_t n = fault->windows > 0 ? (size_t)fault->windows : 1;
    condition->windows = mem_array(n, sizeof(*condition->windows));
    condition->n_windows = n;
    uint64_t about =
        fault->group[0] != '\0' ? hash_of(fault->group) : (uint64_t)i * 7919u + 1;
    struct rng luck = drill_luck(world, (int64_t)(about >> 1), 77, 0);
    for (size_t w = 0; w < n; w++) {
        double at = fault->windows > 0 ? fault->at + (1 - fault->at) * rng_unit(&luck)
                                       : fault->at;
        struct drill_window *window = &condition->windows[w];
        window->from.ms = DRILL_START.ms + (int64_t)(at * (double)campaign);
        window->until.ms =
            fault->length.ms > 0 ? window->from.ms + fault->length.ms : INT64_MAX;
    }
}

void drill_faults_init(struct drill_world *world)
{
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        plan_windows(world, (int)i);
    }
}

void drill_faults_fini(struct drill_world *world)
{
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        free(world->conditions[i].windows);
    }
}

static const struct drill_window *window_at(const struct drill_world *world, int fault)
{
    const struct drill_condition *condition = &world->conditions[fault];
    for (size_t i = 0; i < condition->n_windows; i++) {
        const struct drill_window *window = &condition->windows[i];
        if (world->now.ms >= window->from.ms && world->now.ms < window->until.ms) {
            return window;
        }
    }
    return NULL;
}

bool drill_is_active(const struct drill_world *world, int fault)
{
    const struct drill_condition *condition = &world->conditions[fault];
    if (world->profile->faults[fault].begins == DRILL_WITH_A_MERGE) {
        return condition->culprit != 0 && world->now.ms < condition->broken_until.ms;
    }
    return !condition->is_mended && window_at(world, fault) != NULL;
}

bool drill_fits(const struct drill_world *world, int fault, const struct drill_flow *flow,
                const struct drill_job *job, const char *provider)
{
    const struct drill_fault *row = &world->profile->faults[fault];
    const struct pipeline *pipeline = world->profile->pipelines[flow->pipeline].pipeline;
    return (row->service[0] == '\0' || strcmp(row->service, provider) == 0) &&
           (row->pipeline[0] == '\0' || strcmp(row->pipeline, pipeline->name) == 0) &&
           (row->step[0] == '\0' || strcmp(row->step, job->name) == 0 ||
            strcmp(row->step, effect_name(job->kind)) == 0);
}

/* Of a window so far; it grows evenly, to the end of the campaign when the window has none. */
static double factor(const struct drill_world *world, int fault)
{
    const struct drill_window *window = window_at(world, fault);
    if (window == NULL || world->conditions[fault].is_mended) {
        return 1;
    }
    int64_t until = window->until.ms < INT64_MAX ? window->until.ms : world->end_at.ms;
    double whole = (double)(until - window->from.ms);
    double part = whole > 0 ? (double)(world->now.ms - window->from.ms) / whole : 1;
    return 1 + (world->profile->faults[fault].times - 1) * (part < 1 ? part : 1);
}

double drill_slowness(const struct drill_world *world, const struct drill_flow *flow,
                      const struct drill_job *job, const char *provider)
{
    double times = 1;
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        if (world->profile->faults[i].what == DRILL_SLOW &&
            drill_fits(world, (int)i, flow, job, provider)) {
            times *= factor(world, (int)i);
        }
    }
    return times;
}

double drill_call_slowness(const struct drill_world *world, const char *service)
{
    double times = 1;
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        const struct drill_fault *fault = &world->profile->faults[i];
        if (fault->what == DRILL_SLOW && strcmp(fault->service, service) == 0) {
            times *= factor(world, (int)i);
        }
    }
    return times;
}

int drill_call_fault(const struct drill_world *world, const char *service, int64_t call)
{
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        const struct drill_fault *fault = &world->profile->faults[i];
        if (!drill_is_of_calls(fault->what) || strcmp(fault->service, service) != 0 ||
            !drill_is_active(world, (int)i)) {
            continue;
        }
        struct rng luck = drill_luck(world, call, (int64_t)i, 5);
        if (rng_unit(&luck) < fault->share) {
            return (int)i;
        }
    }
    return -1;
}

void drill_on_merge(struct drill_world *world, int64_t workflow)
{
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        const struct drill_fault *fault = &world->profile->faults[i];
        struct drill_condition *condition = &world->conditions[i];
        if (fault->begins != DRILL_WITH_A_MERGE || condition->culprit != 0) {
            continue;
        }
        const struct pipeline *pipeline =
            world->profile->pipelines[drill_flow_of(world, workflow)->pipeline].pipeline;
        struct rng luck = drill_luck(world, workflow, (int64_t)i, 6);
        bool is_there =
            window_at(world, (int)i) != NULL &&
            (fault->pipeline[0] == '\0' || strcmp(fault->pipeline, pipeline->name) == 0);
        if (is_there && rng_unit(&luck) < fault->share) {
            condition->culprit = workflow;
            condition->broken_at = world->now;
            condition->broken_until.ms =
                fault->lasts.ms > 0 ? world->now.ms + fault->lasts.ms : INT64_MAX;
        }
    }
}

void drill_on_revert(struct drill_world *world, int64_t workflow)
{
    for (size_t i = 0; i < world->profile->n_faults; i++) {
        if (world->conditions[i].culprit == workflow) {
            world->conditions[i].culprit = 0;
        }
    }
}
