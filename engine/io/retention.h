/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_RETENTION_H
#define SIGNALBOX_IO_RETENTION_H

/*
 * Retention: step logs that are older than the configuration keeps them go.
 *
 * A log's age is that of its last byte, so a step that runs is never touched. Only files
 * below LOGS/wf-N/ are looked at, no link is followed. Bounded: one call removes at most
 * RETENTION_MAX files; true: there may be more, call again.
 */

#include <stdbool.h>

#include "engine/base/clock.h"

#define RETENTION_MAX 500

bool retention_run(const char *logs, struct wall before);

/*
 * Places (WORK/wf-N: worktree, effect folders) of workflows that the history no longer has;
 * those that ended well were removed when they ended. is_known says whether a workflow is
 * still in the store; when in doubt it says yes. Bounded as above.
 */
bool retention_places(const char *work, bool (*is_known)(void *user, int64_t workflow),
                      void *user);

#endif
