/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_DESK_CHORE_H
#define SIGNALBOX_IO_DESK_CHORE_H

/*
 * Desk chore: work of the house at services, an effect of no workflow.
 *
 * While webhooks may come, failed deliveries of a service's `hook` are asked for again every
 * five minutes (engine/service/github.h), first soon after the start, for what was missed
 * while no engine ran. The desk drives the op like any other; of what it asks the shell
 * for, memo, log and result of workflow 0 are nobody's.
 *
 * Threads: the io thread only.
 */

#include "engine/service/desk.h"

#define DESK_CHORE_FIRST ((struct span){10 * 1000})
#define DESK_CHORE_EVERY ((struct span){300 * 1000})

/* Is there anything to do, ever? */
bool desk_chore_has(const struct service_spec *services, size_t n);
/* Begin it at every service that has a hook; one that is still at it is left alone. */
void desk_chore_begin(struct desk *desk, const struct service_spec *services, size_t n,
                      struct wall now);

#endif
