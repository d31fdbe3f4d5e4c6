/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_WATCH_H
#define SIGNALBOX_SERVICE_LOCAL_WATCH_H

/*
 * Local watch: after a merge, setup and checks of the pipeline on one commit, in a fresh copy
 * of it (WORK/wf-N/watch) that is removed again; the worktrees of the workflow are gone by
 * then. WATCH looks at the base as it is, CONFIRM at the merge or at the commit that it was
 * put on: its first parent, whatever the method of the merge was.
 *
 * All checks run, also after one that failed, each with its own retries and timeout. One log
 * for all.
 *
 *   all pass                              PASSED
 *   some fail, or take too long           FAILED, change; result->red has a bit for each
 *   a setup step fails                    FAILED, change: every check counts as red
 *   a step cannot begin, git fails        REFUSED or FAILED as that says; nothing is known
 *   the deadline of the look passes       TIMED_OUT, world; nothing is known
 * result->head_sha is the commit that was looked at.
 */

#include "engine/io/runner.h"

void local_watch(const struct runner *runner, struct effect_result *result);

#endif
