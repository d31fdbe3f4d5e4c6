/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_FORGE_H
#define SIGNALBOX_SERVICE_LOCAL_FORGE_H

/*
 * Local forge: a git repository on this machine as a forge, driven with the git program.
 * With a remote forge the same workspace and commit on a mirror of it (local_mirror.h),
 * and the commit is pushed.
 *
 * Branch of a workflow: signalbox/wf-N (with a suffix -2, -3 ... when that name is taken
 * by another store). Pull request N: ref refs/pull/N/head, as on GitHub, and the record
 * COMMON-DIR/signalbox/pull/N.json (local_pull.h).
 *
 * Every function may be called again after it was interrupted anywhere: it finds what is
 * done and does the rest. Nothing of the operator's is ever forced: the base branch moves
 * by compare-and-swap, or, where it is checked out, by `git merge --ff-only`, which
 * refuses to overwrite local changes. Hooks, signing, editors, prompts and automatic
 * maintenance are off for our own commands. Commits carry the repository's identity, else
 * "signalbox <signalbox@localhost>".
 *
 * Trailers: Signalbox-Workflow: wf-N and Signalbox-Effect: wf-N.SEQ; merges also carry
 * Signalbox-Head: SHA of what was merged, by which a merge that happened is found again.
 *
 * Results (see effect_result): workspace branch, base_sha, head_sha; commit head_sha,
 * commits; pull request pr_number, diff; merge merge_sha. A revert names its commit in
 * the summary only.
 */

#include "engine/io/runner.h"

void local_workspace(const struct runner *runner, struct effect_result *result);
void local_commit(const struct runner *runner, struct effect_result *result);
void local_pull_request(const struct runner *runner, struct effect_result *result);
void local_merge(const struct runner *runner, struct effect_result *result);
void local_revert(const struct runner *runner, struct effect_result *result);
void local_close(const struct runner *runner, struct effect_result *result);

/* With a remote forge: tree/ is made, or brought up to date, unless a workspace of this round
 * has done so (a service was to do the work, and did not). False: result says why. */
NODISCARD bool local_ensure_tree(const struct runner *runner,
                                 struct effect_result *result);

/* A copy of the base branch in plan/, for planning before there is a tree. False: result
 * says why. */
NODISCARD bool local_plan_folder(const struct runner *runner,
                                 struct effect_result *result);

#endif
