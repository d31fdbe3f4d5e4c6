/* SPDX-License-Identifier: MIT */
#include "engine/service/local_tree.h"

#include <dirent.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/local_result.h"

/* ---- base and branch ------------------------------------------------------------------
 */

bool tree_create_branch(struct git *git, const char *name, const char *sha)
{
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", name);
    return GIT(git, NULL, "update-ref", "--create-reflog", "-m",
               "signalbox: new workflow", ref, sha, ""); /* "": it must not exist */
}

bool tree_has_branch(struct git *git, const char *name)
{
    char sha[SHA_MAX];
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", name);
    git_commit_of(git, ref, sha);
    return sha[0] != '\0';
}

/* The branch that this workflow has, or NULL. The file says which name was chosen before
 * the branch is made, so that an interrupted choice is the same choice again. */
char *tree_own_branch(struct git *git)
{
    AUTO_FREE char *path = git_place(git, "branch");
    char *name;
    struct err err = ERR_INIT;
    if (file_read(path, 4096, &name, NULL, &err)) {
        return name;
    }
    return git->order->branch[0] != '\0' ? mem_str(git->order->branch) : NULL;
}

/* ---- the worktree ---------------------------------------------------------------------
 */

bool tree_is_ours(struct git *git, const char *tree)
{
    return file_exists(tree) &&
           GIT(git, tree, "rev-parse", "--path-format=absolute", "--git-common-dir") &&
           strcmp(git->out.data, git->common) == 0;
}

/* The agent has removed the file .git of its worktree: git knows the way back. */
bool tree_repair(struct git *git, const char *tree)
{
    struct err err = ERR_INIT;
    bool done = false;
    AUTO_FREE char *back = mem_printf("%s/.git\n", tree);
    AUTO_FREE char *link = file_join(tree, ".git");
    AUTO_FREE char *folder = file_join(git->common, "worktrees");
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && !done && (entry = readdir(dir)) != NULL;) {
        AUTO_FREE char *own = file_join(folder, entry->d_name);
        AUTO_FREE char *path = file_join(own, "gitdir");
        AUTO_FREE char *text = NULL;
        if (file_read(path, 8192, &text, NULL, &err) && strcmp(text, back) == 0) {
            AUTO_FREE char *line = mem_printf("gitdir: %s\n", own);
            done = file_remove_tree(link, &err) &&
                   file_write(link, line, strlen(line), &err);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir); /* only read */
    }
    return done && tree_is_ours(git, tree);
}

/* A lock file that a killed git left: nobody works here now. */
void tree_unlock(struct git *git, const char *tree)
{
    if (GIT(git, tree, "rev-parse", "--path-format=absolute", "--git-path",
            "index.lock")) {
        (void)unlink(git->out.data); /* mostly there is none */
    }
}

/* Put HEAD of the worktree on our branch, wherever the agent has left it. Its commits are
 * kept when they continue the branch; else only the content of its files is. */
void tree_settle(struct git *git, const char *tree, const char *branch)
{
    char head[SHA_MAX] = "", tip[SHA_MAX];
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    if (GIT(git, tree, "symbolic-ref", "--quiet", "HEAD") &&
        strcmp(git->out.data, ref) == 0) {
        return;
    }
    if (GIT(git, tree, "rev-parse", "--verify", "--quiet", "HEAD") &&
        git->out.len < SHA_MAX) {
        memcpy(head, git->out.data, git->out.len + 1);
    }
    git_commit_of(git, ref, tip);
    if (git_is_ancestor(git, tip, head)) {
        (void)GIT(git, NULL, "update-ref", ref, head, tip); /* else it stays as it is */
    }
    (void)GIT(git, tree, "symbolic-ref", "HEAD", ref); /* a failure shows in the commit */
}

/* The agent has deleted its branch: a commit now would have no parent. */
void tree_restore_branch(struct git *git, const char *branch)
{
    const struct order *order = git->order;
    if (!tree_has_branch(git, branch) &&
        !tree_create_branch(git, branch, order->head_sha)) {
        (void)tree_create_branch(git, branch, order->base_sha); /* shows in the commit */
    }
}

bool tree_is_merging(struct git *git, const char *tree)
{
    return GIT(git, tree, "rev-parse", "--verify", "--quiet", "MERGE_HEAD");
}

bool tree_commit_all(struct git *git, const char *tree, const char *text)
{
    if (!GIT(git, tree, "add", "--all")) {
        return false;
    }
    if (!tree_is_merging(git, tree) && GIT(git, tree, "diff", "--cached", "--quiet")) {
        return true; /* nothing is left to commit */
    }
    return git_run_with(git, tree, text, strlen(text),
                        (const char *const[]){"commit", "--quiet", "--no-verify",
                                              "--cleanup=verbatim", "--file=-", NULL});
}

/* Names of files in conflict, one a line; into the file `conflicts` for the prompt and
 * the commit. Returns false when there are none. */
bool tree_note_conflicts(struct git *git, const char *tree, struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = git_place(git, "conflicts");
    if (!GIT(git, tree, "diff", "--name-only", "--diff-filter=U") || git->out.len == 0) {
        return false;
    }
    (void)buf_char(&git->out, '\n');
    free(result->excerpt);
    result->excerpt = mem_strn(git->out.data, git->out.len);
    if (!file_write(path, git->out.data, git->out.len, &err)) {
        return result_fail(result, &err);
    }
    return true;
}

char *tree_join_lines(const char *lines)
{
    struct buf buf;
    buf_init(&buf, 300);
    for (const char *at = lines; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        (void)buf_str(&buf, buf.len > 0 ? ", " : "");
        (void)buf_add(&buf, at, len);
        at += len + (at[len] == '\n');
    }
    if (buf.is_cut) {
        buf.max += 8;
        (void)buf_str(&buf, " ...");
    }
    return buf_take(&buf, NULL);
}

enum tree_merge tree_merge(struct git *git, const char *branch, const char *what,
                           const char *sha, struct effect_result *result)
{
    AUTO_FREE char *tree = git_place(git, "tree");
    if (!tree_is_merging(git, tree)) {
        char head[SHA_MAX];
        AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
        git_commit_of(git, ref, head);
        if (git_is_ancestor(git, sha, head)) {
            return TREE_HAS_IT;
        }
        AUTO_FREE char *keep = mem_printf("Keep unfinished work before merging %s\n\n"
                                          "Signalbox-Workflow: wf-%lld\n",
                                          what, (long long)git->order->workflow);
        if (!tree_commit_all(git, tree, keep)) {
            git_blame(git, result, BLAME_WORLD, "keeping unfinished work");
            return TREE_FAILED;
        }
        AUTO_FREE char *text = mem_printf("Merge %s into %s", what, branch);
        if (GIT(git, tree, "merge", "--quiet", "--no-edit", "--no-verify", "-m", text,
                sha)) {
            return TREE_MERGED;
        }
        if (!tree_is_merging(git, tree)) {
            AUTO_FREE char *doing = mem_printf("merging %s", what);
            git_blame(git, result, BLAME_WORLD, doing);
            return TREE_FAILED;
        }
    }
    if (tree_note_conflicts(git, tree, result)) {
        return TREE_CONFLICT;
    }
    return result->status == STATUS_FAILED ? TREE_FAILED : TREE_OPEN;
}
