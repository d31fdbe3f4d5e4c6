/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_TREE_H
#define SIGNALBOX_SERVICE_LOCAL_TREE_H

/*
 * Local tree: the worktree tree/ of a workflow and the branch that is checked out there.
 * An agent works in it and may leave anything behind, so nothing about it is believed.
 */

#include "engine/service/local_git.h"

/* False when it exists already, or git failed. */
bool tree_create_branch(struct git *git, const char *name, const char *sha);
bool tree_has_branch(struct git *git, const char *name);
/* The branch that this workflow has, malloc'd, or NULL. */
NODISCARD char *tree_own_branch(struct git *git);
/* The agent has deleted its branch: a commit now would have no parent. */
void tree_restore_branch(struct git *git, const char *branch);

/* Is the folder a worktree of our repository? */
bool tree_is_ours(struct git *git, const char *tree);
/* The agent has removed the file .git of its worktree: git knows the way back. */
bool tree_repair(struct git *git, const char *tree);
/* Remove a lock file that a killed git left: nobody works there now. */
void tree_unlock(struct git *git, const char *tree);
/* Put HEAD on the branch, wherever the agent has left it. Its commits are kept when they
 * continue the branch; else only the content of its files is. */
void tree_settle(struct git *git, const char *tree, const char *branch);

bool tree_is_merging(struct git *git, const char *tree);
/* Everything in it; true when nothing is left to commit. */
bool tree_commit_all(struct git *git, const char *tree, const char *text);

enum tree_merge {
    TREE_HAS_IT,   /* nothing to merge */
    TREE_MERGED,   /* and committed */
    TREE_OPEN,     /* a merge without conflicts, to be concluded by a commit */
    TREE_CONFLICT, /* left in the tree; their files in result->excerpt, one a line */
    TREE_FAILED    /* result says why */
};
/* Bring a commit into the branch; `what` is its name for people. Unfinished work is
 * committed first. A merge that is under way is looked at, not begun again. */
enum tree_merge tree_merge(struct git *git, const char *branch, const char *what,
                           const char *sha, struct effect_result *result);

/* Names of files in conflict into result->excerpt and into the file `conflicts`, for the
 * prompt and the commit. False when there are none. */
bool tree_note_conflicts(struct git *git, const char *tree, struct effect_result *result);
/* "a, b, c", malloc'd and shortened. */
NODISCARD char *tree_join_lines(const char *lines);

#endif
