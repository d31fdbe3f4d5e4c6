/* SPDX-License-Identifier: MIT */
#include "engine/monitor/world.h"

#include <stdio.h>
#include <string.h>

#include "engine/monitor/rule.h"

static bool has(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* All that `start` needs (is_down), or that need it, nearest first, with itself. */
static size_t reach(const struct world *world, const char *start, bool is_down,
                    const char *names[WORLD_REACH_MAX])
{
    size_t n = 1, first = 0;
    names[0] = start;
    for (int step = 0; step < WORLD_STEPS_MAX && first < n; step++) {
        size_t end = n;
        for (; first < end; first++) {
            for (size_t i = 0; i < world->n_edges && n < WORLD_REACH_MAX; i++) {
                const struct world_edge *edge = &world->edges[i];
                const char *here = is_down ? edge->from : edge->to;
                const char *there = is_down ? edge->to : edge->from;
                if (strcmp(here, names[first]) == 0 && !has(names, n, there)) {
                    names[n++] = there;
                }
            }
        }
    }
    return n;
}

bool world_needs(const struct world *world, const char *from, const char *to)
{
    const char *names[WORLD_REACH_MAX] = {0};
    size_t n = reach(world, from, true, names);
    return has(names, n, to);
}

bool world_is_related(const struct world *world, const char *a, const char *b)
{
    return world_needs(world, a, b) || world_needs(world, b, a);
}

size_t world_affected(const struct world *world, const char *component,
                      const char **ret_names, size_t max)
{
    const char *names[WORLD_REACH_MAX];
    size_t n = reach(world, component, false, names) - 1;
    n = n < max ? n : max;
    for (size_t i = 0; i < n; i++) {
        ret_names[i] = names[i + 1];
    }
    return n;
}

const char *world_breaker(const struct world *world, const char *component, char *out,
                          size_t cap)
{
    static const char prefix[] = "service:";
    out[0] = '\0';
    if (strncmp(component, prefix, sizeof(prefix) - 1) == 0 &&
        has(world->open_breakers, world->n_open_breakers,
            component + sizeof(prefix) - 1)) {
        snprintf(out, cap, "breaker:%s", component + sizeof(prefix) - 1);
    }
    return out;
}

const char *world_silence(const struct world *world, const char *series,
                          const char *component, struct wall now, char *out, size_t cap)
{
    out[0] = '\0';
    for (size_t i = 0; i < world->n_silences; i++) {
        const struct silence_row *row = &world->silences[i];
        bool is_now = !row->is_ended && now.ms >= row->from.ms && now.ms < row->until.ms;
        if (is_now &&
            (rule_glob(row->match, series) || rule_glob(row->match, component))) {
            snprintf(out, cap, "silence:%lld", (long long)row->id);
            break;
        }
    }
    return out;
}
