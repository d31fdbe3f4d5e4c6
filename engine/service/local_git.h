/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_GIT_H
#define SIGNALBOX_SERVICE_LOCAL_GIT_H

/*
 * Local git: calls of the git program, one at a time, inside a runner.
 *
 * A git child keeps the runner's lock open and is never killed with its runner: it ends
 * in its own time, and only then may another runner work here.
 *
 * Arguments end with NULL. Output is at most GIT_OUT_MAX bytes unless said otherwise.
 */

#include <stdbool.h>

#include "engine/base/buf.h"
#include "engine/io/runner.h"
#include "engine/service/local_env.h"

#define GIT_OUT_MAX (4 * 1024 * 1024)
#define SHA_MAX     65 /* with NUL; SHA-256 repositories too */

struct git {
    const struct runner *runner;
    const struct order *order;
    struct env env;
    char *common;         /* common git folder of the operator's repository */
    struct buf out;       /* stdout of the last call, trailing newline cut */
    struct buf err;       /* stderr of the last call */
    int status;           /* exit status of the last call; -1: killed or not started */
    int turn_fd, n_turns; /* of local_turn.h: its lock, kept open in children; 0 = none */
    /* of a mirror (local_mirror.h); url NULL: the operator's own repository */
    char *url;
    bool has_token;        /* git is told to ask for it */
    struct env online_env; /* more for calls that use the network */
    struct span patience;  /* for a turn; 0 = two minutes */
};

/* Opens order->repo, or its mirror. False: result says what is wrong with it (REFUSED,
 * setup). */
NODISCARD bool git_open(struct git *git, const struct runner *runner,
                        struct effect_result *result);
void git_close(struct git *git);

/* Run in `folder` (NULL: on the repository itself). True when the exit status is 0. */
bool git_run(struct git *git, const char *folder, const char *const *args);
#define GIT(git, folder, ...)                                                            \
    git_run(git, folder, (const char *const[]){__VA_ARGS__, NULL})
/* With text on stdin. */
bool git_run_with(struct git *git, const char *folder, const char *in, size_t len,
                  const char *const *args);

/* A call that uses the network, on the mirror: with the forge's credentials, no hooks of its
 * own, and an end when nothing moves any more. */
bool git_online(struct git *git, const char *const *args);

/* Commit id of a name, "" when there is none. */
void git_commit_of(struct git *git, const char *name, char sha[SHA_MAX]);
/* Commit of the base branch; of a mirror, as last fetched. False: REFUSED, setup; result
 * says which branches there are. */
NODISCARD bool git_find_base(struct git *git, char sha[SHA_MAX],
                             struct effect_result *result);
/* Is a an ancestor of b, or b itself? */
bool git_is_ancestor(struct git *git, const char *a, const char *b);

/* The last call failed in a way that nobody foresaw: FAILED, with git's own words. */
void git_blame(struct git *git, struct effect_result *result, enum blame blame,
               const char *what);
/* What git says is fatal, else its first error, else its first line, else "git exit
 * status N". malloc'd. */
NODISCARD char *git_reason(const struct git *git);

/* Full path below the workflow's folder, malloc'd. */
NODISCARD char *git_place(const struct git *git, const char *name);
/* A fresh worktree at WORKFLOW-FOLDER/name; what was there is removed. branch NULL:
 * detached at commit. */
NODISCARD bool git_add_worktree(struct git *git, const char *name, const char *branch,
                                const char *commit, struct effect_result *result);
/* Removes one of our worktrees and what git knows of it. */
bool git_remove_worktree(struct git *git, const char *name, struct err *err);
/* Both take the repository's turn (local_turn.h). */

#endif
