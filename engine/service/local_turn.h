/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_TURN_H
#define SIGNALBOX_SERVICE_LOCAL_TURN_H

/*
 * Turn: runners that move a branch of a repository, or make or remove one of its
 * worktrees, do so one after the other.
 *
 * Git's own locks are not enough. `git merge --ff-only` on a checked-out base compares,
 * writes files and index, and moves the branch in three steps; two of them at once leave
 * an index that does not fit the branch. `git worktree add` reads the half-made entries
 * of another one and dies of them. The turn is an open file description lock on
 * signalbox.lock in the git folder of the repository. It goes on to git children, so it is free only
 * when the last one that works has ended, whatever became of its runner.
 */

#include "engine/service/local_git.h"

/* Waits at most two minutes (git->patience, when that is set), or until the runner is
 * stopped; false: result says so. May be nested; give back as often as taken. */
NODISCARD bool turn_take(struct git *git, struct effect_result *result);
void turn_give(struct git *git);

#endif
