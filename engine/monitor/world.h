/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_WORLD_H
#define SIGNALBOX_MONITOR_WORLD_H

/*
 * World: what the anomaly book must know beside the points: what needs what, which breakers
 * are open, what operators do not want to hear of.
 *
 * Components are the texts of series_info.component: "workflow:wf-12", "step:checks",
 * "service:github", "endpoint:api.github.com", "host". An edge says that `from` does not work
 * without `to`: workflow -> step -> service -> endpoint -> host. Edges may form circles; a
 * search ends after WORLD_STEPS_MAX edges and WORLD_REACH_MAX components.
 *
 * Everything is borrowed for the length of a call.
 */

#include <stdbool.h>
#include <stddef.h>

#include "store/finding.h"

#define WORLD_REACH_MAX 64
#define WORLD_STEPS_MAX 6

struct world_edge {
    const char *from, *to;
};

struct world {
    const char *const *open_breakers; /* names of services: "github" */
    size_t n_open_breakers;
    const struct silence_row *silences;
    size_t n_silences;
    const struct world_edge *edges;
    size_t n_edges;
};

/* Does `from` need `to`, over any number of edges? True for the same component. */
bool world_needs(const struct world *world, const char *from, const char *to);
/* Is one needed by the other, or is it the same? */
bool world_is_related(const struct world *world, const char *a, const char *b);
/* Who needs `component`, nearest first, without itself; at most max; how many. */
size_t world_affected(const struct world *world, const char *component,
                      const char **ret_names, size_t max);
/* The open breaker of "service:NAME", as "breaker:NAME" into out; "" when there is none. */
const char *world_breaker(const struct world *world, const char *component, char *out,
                          size_t cap);
/* The silence that matches series or component now, as "silence:4"; "" when none does. */
const char *world_silence(const struct world *world, const char *series,
                          const char *component, struct wall now, char *out, size_t cap);

#endif
