/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_RUNNER_SANDBOX_H
#define SIGNALBOX_IO_RUNNER_SANDBOX_H

/*
 * Runner sandbox: sandboxes that are elsewhere, performed in runners.
 *
 * grainchain: SANDBOX makes a clean worktree of the head commit as the local provider
 * does, packs it (without git; tar and gzip), starts the holder of the bridge
 * (engine/io/holder.h), creates the sandbox, uploads the archive in parts and unpacks it.
 * SETUP and CHECK are commands in it, judged like local ones, with their retries. Before
 * the first check of a sandbox a snapshot is taken where the provider has them
 * (sandbox_snapshots): a further try of a check begins with it again, and a sandbox that is
 * lost is made anew from a real one. Without: a lost sandbox is REFUSED, world, and the
 * machine starts the state again. CLEANUP ends the holder, then does what local_cleanup
 * does.
 *
 *   WORK/wf-12/sandbox.json    id, provider and snapshot of the sandbox
 *   WORK/wf-12/archive.tar.gz  the files of the head commit
 *
 * Over HTTP (Daytona, E2B) an op performs these effects; the runner only makes the archive
 * for it: archive_make leaves WORK/wf-12/archive.body, the body of a multipart/form-data
 * request with one file (RFC 7578) and the boundary SANDBOX_BOUNDARY.
 */

#include "engine/io/runner.h"

#define SANDBOX_ARCHIVE "archive.tar.gz"
#define SANDBOX_STATE   "sandbox.json"

void grainchain_make(const struct runner *runner, struct effect_result *result);
void grainchain_step(const struct runner *runner, struct effect_result *result);
/* Also for a workflow whose sandbox was a local one: there is no holder then. */
void sandbox_cleanup(const struct runner *runner, struct effect_result *result);
void archive_make(const struct runner *runner, struct effect_result *result);

/* WORK/wf-12/archive.tar.gz from a clean worktree of the head commit. False: the result
 * says why. */
NODISCARD bool archive_pack(const struct runner *runner, struct effect_result *result);

#endif
