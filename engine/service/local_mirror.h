/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_MIRROR_H
#define SIGNALBOX_SERVICE_LOCAL_MIRROR_H

/*
 * Local mirror: a bare clone of a repository of a remote forge, where local agents and
 * sandboxes get their worktrees from, and from where branches are pushed.
 *
 *   WORK/mirror/OWNER+NAME.git     one for all workflows of the repository
 *     refs/remotes/origin/BRANCH   as it was when last looked
 *     refs/heads/BRANCH            branches that are worked on here
 *     refs/signalbox/wf-N          commit of a sandbox that no branch holds
 *
 * It begins empty, and is made under another name that is then moved into place; what is
 * wanted is fetched when it is wanted. So an interrupted clone is an interrupted fetch,
 * and leaves it usable. Runners that use the network or move refs take turns
 * (local_turn.h). The URL is no part of it, and may change.
 *
 * URL: forge.clone of the pipeline, else that of the forge's service: api.github.com has
 * its repositories at github.com, HOST/api/v3 at HOST (docs.github.com, "About the REST
 * API", GitHub Enterprise Server), any other at its own address. A password in it is
 * refused: it would be in the process list and in the store.
 *
 * Credentials: over http(s) git asks for the forge's token (local_credential.h); helpers
 * of the operator are not asked then. Over ssh and from a path the operator's own access
 * counts.
 *
 * Pushing: only branches named signalbox/wf-N... of this workflow may be rewritten, and
 * only while the forge has the commit that we last saw there (--force-with-lease). All
 * others, as of a person's pull request, only grow, and are never made anew: where the
 * forge has no such branch (it was deleted, or is a fork's), a workspace is refused.
 */

#include "engine/service/local_git.h"

/* Opens the mirror of order->forge.repository, made when it is missing, unless for a
 * cleanup. No network. False: result says why (REFUSED, setup). */
NODISCARD bool mirror_open(struct git *git, struct effect_result *result);
/* Ask the forge for the base and, unless NULL, a branch, and fetch what is new. A branch
 * that is not there is none in refs/remotes/origin either. False: result says why. */
NODISCARD bool mirror_update(struct git *git, const char *branch,
                             struct effect_result *result);
/* Has the forge a branch of that name? False with git->status != 0 and != 2: it could not
 * be asked. */
bool mirror_has_branch(struct git *git, const char *name);
/* Is it signalbox/wf-N or signalbox/wf-N-K of this workflow? */
bool mirror_is_own(const struct git *git, const char *branch);
/* Make sure that a commit is here. False: result says why. */
NODISCARD bool mirror_want(struct git *git, const char *sha,
                           struct effect_result *result);
/* Push the branch as it is here; what others have pushed meanwhile is merged first. False:
 * result says why; conflicts stay in the tree. */
NODISCARD bool mirror_push(struct git *git, const char *branch,
                           struct effect_result *result);
/* Let git tidy up, when there is much. */
void mirror_tidy(struct git *git);

/* refs/remotes/origin/NAME, malloc'd. */
NODISCARD char *mirror_ref(const char *branch);
/* What git is called with; malloc'd, NULL with err. */
NODISCARD char *mirror_url(const struct order *order, struct err *err);

#endif
