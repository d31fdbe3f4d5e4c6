/* SPDX-License-Identifier: MIT */
#include "engine/service/local_sandbox.h"

#include <dirent.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/io/desk_memo.h"
#include "engine/service/local_git.h"
#include "engine/service/local_mirror.h"

static bool fail(struct effect_result *result, const struct err *err)
{
    result->status = STATUS_FAILED;
    result->blame = BLAME_WORLD;
    free(result->summary);
    result->summary = mem_str(err->msg);
    return false;
}

static bool make_empty(const struct order *order, const char *name,
                       struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(order->workflow_folder, name);
    return (file_remove_tree(path, &err) && file_make_dirs(path, &err)) ||
           fail(result, &err);
}

static void make_sandbox(struct git *git, struct effect_result *result)
{
    char sha[SHA_MAX];
    const struct order *order = git->order;
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", order->branch);
    if (git->url != NULL && !mirror_want(git, order->head_sha, result)) {
        return;
    }
    git_commit_of(git, order->head_sha[0] != '\0' ? order->head_sha : ref, sha);
    if (sha[0] == '\0') {
        result->status = STATUS_FAILED;
        result->blame = BLAME_WORLD;
        result->summary = mem_printf("there is no commit %s", order->head_sha);
        return;
    }
    if (!make_empty(order, "home", result) || !make_empty(order, "tmp", result) ||
        !git_add_worktree(git, "sandbox", NULL, sha, result)) {
        return;
    }
    result->status = STATUS_PASSED;
    result->summary = mem_printf("clean copy of %.10s", sha);
    result->head_sha = mem_str(sha);
}

void local_sandbox(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    if (git_open(&git, runner, result)) {
        make_sandbox(&git, result);
    }
    git_close(&git);
}

/* Path of what is kept of an agent run whose outcome nobody has heard: it may go on
 * elsewhere, and who begins again must find it instead of beginning a second one. NULL
 * when there is none. */
static char *open_run(const struct order *order)
{
    struct err ignored = ERR_INIT;
    char *path =
        desk_memo_path(order->workflow_folder, DESK_MEMO_KEPT, effect_port(EFFECT_CODE));
    AUTO_FREE char *provider = NULL;
    AUTO_FREE char *text = NULL;
    bool is_open = false;
    if (desk_memo_read(path, DESK_MEMO_KEPT, &provider, &text, &ignored) == FOUND) {
        struct json *keep = json_parse(text, strlen(text), &ignored);
        is_open = json_bool(keep, "open", false);
        json_free(keep);
    }
    if (!is_open) {
        free(TAKE(path));
    }
    return path;
}

/* Everything below the workflow's folder but the folder of this effect, which holds the
 * lock and takes the result; the engine removes that one when it has the result. */
static bool remove_rest(const struct order *order, struct err *err)
{
    const char *own = strrchr(order->folder, '/') + 1;
    AUTO_FREE char *run = open_run(order);
    bool done = true;
    DIR *dir = opendir(order->workflow_folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strcmp(entry->d_name, own) == 0) {
            continue;
        }
        AUTO_FREE char *path = file_join(order->workflow_folder, entry->d_name);
        if (run == NULL || strcmp(path, run) != 0) {
            done = file_remove_tree(path, err) && done;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir); /* only read */
    }
    return done;
}

void local_cleanup(const struct runner *runner, struct effect_result *result)
{
    static const char *const worktrees[] = {"tree", "sandbox", "plan", "merge"};
    struct git git;
    struct err err = ERR_INIT;
    bool done = true;
    if (git_open(&git, runner, result)) {
        for (size_t i = 0; i < ARRAY_LEN(worktrees); i++) {
            AUTO_FREE char *path = git_place(&git, worktrees[i]);
            done =
                (!file_exists(path) || git_remove_worktree(&git, worktrees[i], &err)) &&
                done;
        }
        if (git.url != NULL) {
            mirror_tidy(&git);
        }
    }
    git_close(&git);
    /* A repository that is gone is no reason to keep files. */
    done = remove_rest(runner->order, &err) && done;
    if (!done) {
        (void)fail(result, &err);
        return;
    }
    free(result->summary);
    result->summary = mem_str("worktrees removed");
    result->status = STATUS_PASSED;
    result->blame = BLAME_NONE;
}
