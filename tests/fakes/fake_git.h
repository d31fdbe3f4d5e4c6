/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_FAKE_GIT_H
#define SIGNALBOX_TESTS_FAKES_FAKE_GIT_H

/*
 * Fake git: a real bare repository behind the simulated services, through git's plumbing.
 *
 * Everything is addressed by full commit ids; refs are full names ("refs/heads/main").
 * Results are malloc'd, NULL when git refuses. Commits are read once and remembered.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"

struct fake_git;

struct fake_commit {
    char *sha, *tree, *message;
    char *author, *author_email, *committer, *committer_email;
    struct wall authored, committed;
    char **parents;
    size_t n_parents;
};

struct fake_ref {
    char *name, *sha;
};

/* What lies between two commits. */
struct fake_change {
    int64_t additions, deletions, files, commits, behind;
    bool has_conflict;
};

/* NULL when there is no repository. */
struct fake_git *fake_git_open(const char *path);
void fake_git_close(struct fake_git *git); /* accepts NULL */
const char *fake_git_path(const struct fake_git *git);

/* Commit that a revision names. */
char *fake_git_resolve(struct fake_git *git, const char *revision);
/* Borrowed until close; NULL when there is no such commit. */
const struct fake_commit *fake_git_commit(struct fake_git *git, const char *sha);
/* All branches, sorted by name; free with fake_refs_free. */
size_t fake_git_branches(struct fake_git *git, struct fake_ref **ret_refs);
void fake_refs_free(struct fake_ref *refs, size_t n);
/* Of `head` against its merge base with `base`. Borrowed until the next call. */
const struct fake_change *fake_git_change(struct fake_git *git, const char *base,
                                          const char *head);
char *fake_git_merge_base(struct fake_git *git, const char *a, const char *b);
/* Commits of head that base has not, oldest first, one id a line. */
char *fake_git_between(struct fake_git *git, const char *base, const char *head);
/* git diff --numstat --raw of a file list: lines "ADDED\tDELETED\tPATH". */
char *fake_git_files(struct fake_git *git, const char *base, const char *head);

/* Tree of the merge of two commits; NULL on conflict. */
char *fake_git_merge_tree(struct fake_git *git, const char *ours, const char *theirs);
char *fake_git_commit_tree(struct fake_git *git, const char *tree, const char *message,
                           const char *author, const char *parent, const char *second);
/* Tree of `commit` with one file written or replaced. */
char *fake_git_tree_with(struct fake_git *git, const char *commit, const char *path,
                         const char *text, size_t len);
/* Tree of `commit` after the change of `merge` against its first parent is undone; NULL on
 * conflict. */
char *fake_git_revert_tree(struct fake_git *git, const char *commit, const char *merge);
char *fake_git_blob(struct fake_git *git, const char *revision, const char *path);
/* Only when the ref stands at `old` ("": when there is none; NULL: whatever it says). */
bool fake_git_update_ref(struct fake_git *git, const char *ref, const char *sha,
                         const char *old);
bool fake_git_delete_ref(struct fake_git *git, const char *ref);
bool fake_git_is_ancestor(struct fake_git *git, const char *older, const char *newer);
/* Any plumbing command: exit status, output into out (may be NULL). */
int fake_git_run(struct fake_git *git, const char *in, size_t in_len, struct buf *out,
                 const char *const argv[]);

#endif
