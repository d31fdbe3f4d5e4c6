/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_SANDBOX_H
#define SIGNALBOX_SERVICE_LOCAL_SANDBOX_H

/*
 * Local sandbox: a clean worktree of the head commit in sandbox/, with an empty HOME and
 * TMPDIR beside it; and the removal of all that a workflow has on disk, but for its logs,
 * its branch and its pull request; and but for what is kept of an agent run ("open": true
 * in keep-agent.json) that may go on at a service, and whose outcome was never heard.
 */

#include "engine/io/runner.h"

void local_sandbox(const struct runner *runner, struct effect_result *result);
void local_cleanup(const struct runner *runner, struct effect_result *result);

#endif
