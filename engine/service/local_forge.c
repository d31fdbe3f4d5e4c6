/* SPDX-License-Identifier: MIT */
/* The branch of a workflow and where it is worked on. Commits are in local_commit.c, pull
 * requests in local_pull.c, merges in local_merge.c. */
#include "engine/service/local_forge.h"

#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/local_git.h"
#include "engine/service/local_mirror.h"
#include "engine/service/local_result.h"
#include "engine/service/local_tree.h"

#define BRANCH_TRIES 1000

/* Has the forge such a branch? Where it cannot be asked, the push will tell. */
static bool is_taken(struct git *git, const char *name)
{
    return git->url != NULL && mirror_has_branch(git, name);
}

static char *choose_branch(struct git *git, const char *base_sha,
                           struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = git_place(git, "branch");
    for (int i = 1; i <= BRANCH_TRIES; i++) {
        AUTO_FREE char *name =
            i == 1
                ? mem_printf("signalbox/wf-%lld", (long long)git->order->workflow)
                : mem_printf("signalbox/wf-%lld-%d", (long long)git->order->workflow, i);
        if (tree_has_branch(git, name) || is_taken(git, name)) {
            continue; /* of another store, or of an earlier one */
        }
        if (!file_write(path, name, strlen(name), &err)) {
            (void)result_fail(result, &err);
            return NULL;
        }
        if (tree_create_branch(git, name, base_sha)) {
            return TAKE(name);
        }
        AUTO_FREE char *reason = git_reason(git);
        (void)unlink(path); /* written anew for the next name */
        if (!tree_has_branch(git, name)) {
            (void)result_refuse(result,
                                mem_printf("cannot make branch %s: %s", name, reason));
            return NULL;
        }
    }
    (void)result_refuse(result, mem_str("no free name for a branch below signalbox/"));
    return NULL;
}

/* Where the branch is on the forge; "" when it is to be made there. */
static bool find_theirs(struct git *git, const char *name, char sha[SHA_MAX],
                        struct effect_result *result)
{
    AUTO_FREE char *ref = mirror_ref(name);
    git_commit_of(git, ref, sha);
    if (sha[0] == '\0' && !mirror_is_own(git, name)) {
        result_refuse(result,
                      mem_printf("%s has no branch %s; it was deleted or is in a fork, "
                                 "where only its author can push",
                                 git->order->repo, name));
        result->blame = BLAME_OPERATOR;
        return false;
    }
    return sha[0] != '\0' || mirror_want(git, git->order->head_sha, result);
}

static char *ensure_branch(struct git *git, const char *base_sha,
                           struct effect_result *result)
{
    char *name = tree_own_branch(git);
    if (name == NULL) {
        return choose_branch(git, base_sha, result);
    }
    char sha[SHA_MAX] = "";
    if (git->url != NULL && !find_theirs(git, name, sha, result)) {
        free(name);
        return NULL;
    }
    if (sha[0] == '\0') {
        git_commit_of(git, git->order->head_sha, sha);
    }
    if (!tree_has_branch(git, name) &&
        !tree_create_branch(git, name, sha[0] != '\0' ? sha : base_sha) &&
        !tree_has_branch(git, name)) {
        git_blame(git, result, BLAME_SETUP, "making the branch");
        free(name);
        return NULL;
    }
    return name;
}

static bool ensure_tree(struct git *git, const char *branch, struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *tree = git_place(git, "tree");
    AUTO_FREE char *ready = git_place(git, "tree.ready");
    if (file_exists(ready) && tree_is_ours(git, tree)) {
        tree_unlock(git, tree);
        tree_settle(git, tree, branch);
        return true;
    }
    (void)unlink(ready); /* a checkout that was interrupted is no tree */
    if (!git_add_worktree(git, "tree", branch, NULL, result)) {
        return false;
    }
    return file_write(ready, "", 0, &err) || result_fail(result, &err);
}

/* Bring a base that has moved, or what others have pushed, into the branch. Conflicts stay
 * in the tree, for the agent. *ret_is_open: the merge waits for a commit. */
static bool merge_in(struct git *git, const char *branch, const char *what,
                     const char *sha, bool *ret_is_open, struct effect_result *result)
{
    char head[SHA_MAX];
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    enum tree_merge merge = tree_merge(git, branch, what, sha, result);
    *ret_is_open = merge == TREE_CONFLICT || merge == TREE_OPEN;
    if (merge == TREE_HAS_IT) {
        git_commit_of(git, ref, head);
        result_pass(result, mem_printf("%s at %.10s, on %s", branch, head, what));
    } else if (merge == TREE_MERGED) {
        result_pass(result,
                    mem_printf("%s, with %s as of %.10s merged in", branch, what, sha));
    } else if (merge == TREE_OPEN) {
        result_pass(result,
                    mem_printf("%s, with a merge of %s to conclude", branch, what));
    } else if (merge == TREE_CONFLICT) {
        AUTO_FREE char *files = tree_join_lines(result->excerpt);
        result_pass(result, mem_printf("conflict with %s in %s, left for the agent", what,
                                       files));
    }
    return merge != TREE_FAILED;
}

/* What others have pushed to the branch since, first: the base is merged into that. */
static bool merge_all(struct git *git, const char *branch, const char *base_sha,
                      struct effect_result *result)
{
    bool is_open = false;
    if (git->url != NULL) {
        char theirs[SHA_MAX];
        AUTO_FREE char *mine = mirror_ref(branch);
        AUTO_FREE char *what = mem_printf("what was pushed to %s", branch);
        git_commit_of(git, mine, theirs);
        if (theirs[0] != '\0' && !merge_in(git, branch, what, theirs, &is_open, result)) {
            return false;
        }
    }
    return is_open || merge_in(git, branch, git->order->base, base_sha, &is_open, result);
}

/* Which round the tree was made ready for: one that a service worked on in between has to
 * be made ready again (local_ensure_tree). */
static char *round_of(const struct git *git)
{
    return mem_printf("%d\n", git->order->iteration);
}

static bool note_round(struct git *git, struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = git_place(git, "tree.round");
    AUTO_FREE char *text = round_of(git);
    return git->url == NULL || file_write(path, text, strlen(text), &err) ||
           result_fail(result, &err);
}

static bool is_round_ready(struct git *git)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = git_place(git, "tree.round");
    AUTO_FREE char *tree = git_place(git, "tree");
    AUTO_FREE char *want = round_of(git);
    AUTO_FREE char *text = NULL;
    return file_exists(tree) && file_read(path, 64, &text, NULL, &err) &&
           strcmp(text, want) == 0;
}

static void open_workspace(struct git *git, struct effect_result *result)
{
    char base_sha[SHA_MAX], head_sha[SHA_MAX];
    AUTO_FREE char *known = tree_own_branch(git);
    if ((git->url != NULL && !mirror_update(git, known, result)) ||
        !git_find_base(git, base_sha, result)) {
        return;
    }
    AUTO_FREE char *branch = ensure_branch(git, base_sha, result);
    if (branch == NULL || !ensure_tree(git, branch, result) ||
        !merge_all(git, branch, base_sha, result) || !note_round(git, result)) {
        return;
    }
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    git_commit_of(git, ref, head_sha);
    result->branch = TAKE(branch);
    result->base_sha = mem_str(base_sha);
    result->head_sha = mem_str(head_sha);
}

void local_workspace(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    if (git_open(&git, runner, result)) {
        open_workspace(&git, result);
    }
    git_close(&git);
}

bool local_ensure_tree(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    if (!order_is_remote(runner->order)) {
        return true;
    }
    bool is_open = git_open(&git, runner, result);
    bool done = is_open && is_round_ready(&git);
    if (is_open && !done) {
        open_workspace(&git, result);
        done = result->status == STATUS_PASSED;
    }
    git_close(&git);
    return done;
}

bool local_plan_folder(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    char base_sha[SHA_MAX];
    bool done = git_open(&git, runner, result) &&
                (git.url == NULL || mirror_update(&git, NULL, result)) &&
                git_find_base(&git, base_sha, result) &&
                git_add_worktree(&git, "plan", NULL, base_sha, result);
    git_close(&git);
    return done;
}
