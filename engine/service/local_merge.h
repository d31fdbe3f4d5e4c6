/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_MERGE_H
#define SIGNALBOX_SERVICE_LOCAL_MERGE_H

/*
 * Local merge: the tree of a merge, made without touching anybody's worktree.
 */

#include "engine/service/local_git.h"

enum merge_outcome { MERGE_CLEAN, MERGE_CONFLICT, MERGE_FAILED };

/* `git merge-tree --write-tree` (git 2.38). CONFLICT: *ret_files has the names, one a
 * line, malloc'd. FAILED: git->err says why; MERGE_FAILED with status 129 is an older
 * git. */
enum merge_outcome merge_in_memory(struct git *git, const char *ours, const char *theirs,
                                   char tree[SHA_MAX], char **ret_files);
/* The same with an older git, in a worktree of our own (merge/). */
enum merge_outcome merge_in_worktree(struct git *git, const char *ours,
                                     const char *theirs, char tree[SHA_MAX],
                                     char **ret_files);

enum move_outcome {
    MOVE_DONE,
    MOVE_LOST,    /* the branch is elsewhere by now: start again from there */
    MOVE_BUSY,    /* another git works there: try again in a moment */
    MOVE_BLOCKED, /* a person must act: *ret_why */
    MOVE_FAILED   /* git->err says why */
};
/* Move branch `base` from old to new, which contains old. */
enum move_outcome move_base(struct git *git, const char *base, const char *old,
                            const char *new, char **ret_why);

#endif
