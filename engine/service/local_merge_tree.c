/* SPDX-License-Identifier: MIT */
/* Making a merged tree, and moving a branch to a new commit. */
#include <dirent.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/local_merge.h"

static void take_line(const struct git *git, char tree[SHA_MAX])
{
    size_t len = strcspn(git->out.data, "\n");
    len = len < SHA_MAX ? len : SHA_MAX - 1;
    memcpy(tree, git->out.data, len);
    tree[len] = '\0';
}

enum merge_outcome merge_in_memory(struct git *git, const char *ours, const char *theirs,
                                   char tree[SHA_MAX], char **ret_files)
{
    if (GIT(git, NULL, "merge-tree", "--write-tree", "--name-only", "--no-messages", ours,
            theirs)) {
        take_line(git, tree);
        return MERGE_CLEAN;
    }
    if (git->status != 1) {
        return MERGE_FAILED;
    }
    /* git-merge-tree(1): the tree, then the names of conflicted files */
    const char *rest = strchr(git->out.data, '\n');
    *ret_files = mem_str(rest != NULL ? rest + 1 : "");
    return MERGE_CONFLICT;
}

enum merge_outcome merge_in_worktree(struct git *git, const char *ours,
                                     const char *theirs, char tree[SHA_MAX],
                                     char **ret_files)
{
    struct effect_result *ignored = effect_result_new(0, 0);
    AUTO_FREE char *place = git_place(git, "merge");
    enum merge_outcome outcome = MERGE_FAILED;
    bool has_place = git_add_worktree(git, "merge", NULL, ours, ignored);
    effect_result_free(ignored);
    if (!has_place) {
        return MERGE_FAILED;
    }
    if (GIT(git, place, "merge", "--quiet", "--no-commit", "--no-ff", "--no-verify",
            theirs) &&
        GIT(git, place, "write-tree")) {
        take_line(git, tree);
        outcome = MERGE_CLEAN;
    } else if (GIT(git, place, "diff", "--name-only", "--diff-filter=U") &&
               git->out.len > 0) {
        *ret_files = mem_str(git->out.data);
        outcome = MERGE_CONFLICT;
    }
    struct err err = ERR_INIT;
    (void)git_remove_worktree(git, "merge", &err); /* cleanup removes what is left */
    return outcome;
}

/* Folder of the worktree that has the branch checked out, malloc'd, or NULL. */
static char *checkout_of(struct git *git, const char *base)
{
    char *found = NULL;
    const char *folder = "";
    AUTO_FREE char *wanted = mem_printf("branch refs/heads/%s", base);
    if (!GIT(git, NULL, "worktree", "list", "--porcelain")) {
        return NULL;
    }
    for (char *at = git->out.data, *end; *at != '\0'; at = end) {
        end = strchrnul(at, '\n');
        if (*end == '\n') {
            *end++ = '\0';
        }
        if (strncmp(at, "worktree ", 9) == 0) {
            folder = at + 9;
        } else if (found == NULL && strcmp(at, wanted) == 0 && file_exists(folder)) {
            found = mem_str(folder);
        }
    }
    return found;
}

/* What git lists, indented, after "would be overwritten by merge:". */
static char *overwritten_files(const char *text)
{
    struct buf buf;
    buf_init(&buf, 300);
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        if (*at == '\t') {
            (void)buf_str(&buf, buf.len > 0 ? ", " : "");
            (void)buf_add(&buf, at + 1, len - 1); /* cut when there are many */
        }
        at += len + (at[len] == '\n');
    }
    return buf_take(&buf, NULL);
}

static enum move_outcome move_checkout(struct git *git, const char *folder,
                                       const char *base, const char *new, char **ret_why)
{
    if (GIT(git, folder, "merge", "--quiet", "--ff-only", new)) {
        return MOVE_DONE;
    }
    const char *text = git->err.data;
    if (strstr(text, "would be overwritten") != NULL ||
        strstr(text, "would be removed") != NULL ||
        strstr(text, "would lose untracked") != NULL) {
        AUTO_FREE char *files = overwritten_files(text);
        *ret_why =
            mem_printf("%s, where %s is checked out, has uncommitted changes in %s",
                       folder, base, files);
        return MOVE_BLOCKED;
    }
    if (strstr(text, "index.lock") != NULL || strstr(text, "cannot lock ref") != NULL) {
        *ret_why = mem_printf("another git works in %s, or left a lock there", folder);
        return MOVE_BUSY;
    }
    if (strstr(text, "ossible to fast-forward") != NULL ||
        strstr(text, "fast-forward, aborting") != NULL) {
        return MOVE_LOST;
    }
    AUTO_FREE char *reason = git_reason(git);
    *ret_why = mem_printf("%s, where %s is checked out: %s", folder, base, reason);
    return MOVE_BLOCKED; /* an unfinished merge, a broken index ... */
}

enum move_outcome move_base(struct git *git, const char *base, const char *old,
                            const char *new, char **ret_why)
{
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", base);
    AUTO_FREE char *folder = checkout_of(git, base);
    char now[SHA_MAX];
    if (folder != NULL) {
        return move_checkout(git, folder, base, new, ret_why);
    }
    AUTO_FREE char *note =
        mem_printf("signalbox: wf-%lld", (long long)git->order->workflow);
    if (GIT(git, NULL, "update-ref", "-m", note, ref, new, old)) {
        return MOVE_DONE;
    }
    bool is_locked = strstr(git->err.data, ".lock") != NULL;
    AUTO_FREE char *reason = git_reason(git);
    git_commit_of(git, ref, now);
    if (strcmp(now, old) != 0) {
        return MOVE_LOST;
    }
    *ret_why = TAKE(reason);
    return is_locked ? MOVE_BUSY : MOVE_FAILED;
}
