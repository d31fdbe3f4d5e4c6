/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_SCALE_H
#define SIGNALBOX_SERVICE_SCALE_H

/*
 * Scale: configured commands that add or remove machines, runners, workers.
 *
 *   scale:
 *     - {name: runners, up: [./scale.sh, "+1"], down: [./scale.sh, "-1"], help: CI runners,
 *        service: ci, adds: 4}
 *
 * They are run on this machine, in the operators' environment, as an effect beside a workflow
 * (EFFECT_SCALE, engine/control/scale.c), and only because somebody said so. Its params:
 * {"scale":"runners","direction":"up"}; the command itself is taken from the configuration when
 * it is performed, and never stands in the store.
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/workflow/pipeline.h"

struct scale_spec {
    char *name; /* unique */
    struct command_spec up,
        down;   /* argv NULL: there is no such direction; one is there */
    char *help; /* one line; "" */
    /* What one "up" adds: so many places at a service, or slots of the engine where service is "".
     * While it is in force they count beside the limit that is set. 0: not said; then nothing counts,
     * and nobody but a person asks for it. */
    char *service;
    int adds;
};

/* NULL when there is none. */
const struct scale_spec *scale_find(const struct scale_spec *scales, size_t n,
                                    const char *name);
/* The command of a direction, "up" or "down"; NULL when there is none. */
const struct command_spec *scale_command(const struct scale_spec *scale,
                                         const char *direction);
struct order;
/* Put the command that the effect's params ask for into the order. */
NODISCARD bool scale_order(struct order *order, const char *params,
                           const struct scale_spec *scales, size_t n, struct err *err);

#endif
