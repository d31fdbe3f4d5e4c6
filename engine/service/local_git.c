/* SPDX-License-Identifier: MIT */
#include "engine/service/local_git.h"

#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/process.h"
#include "engine/service/local_credential.h"
#include "engine/service/local_mirror.h"
#include "engine/service/local_turn.h"

#define ARGS_MAX    64
#define GIT_TIME    ((struct span){600000}) /* one call; a clone of a huge worktree fits */
#define ONLINE_TIME ((struct span){1800000}) /* a first fetch of a huge repository */

/* Options of every call. Hooks and helpers of the repository are not for our plumbing. */
static const char *const options[] = {
    "-c", "core.hooksPath=/dev/null",
    "-c", "commit.gpgSign=false",
    "-c", "tag.gpgSign=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "core.fsmonitor=false",
    "-c", "core.quotePath=false",
    "-c", "submodule.recurse=false",
    "-c", "advice.detachedHead=false",
    "-c", "merge.verifySignatures=false",
    "-c", "log.showSignature=false",
    "-c", "color.ui=false",
    "-c", "merge.ff=true",
    "-c", "rerere.enabled=false",
};

static void trim(struct buf *buf)
{
    while (buf->len > 0 && buf->data[buf->len - 1] == '\n') {
        buf->data[--buf->len] = '\0';
    }
}

/* More for calls that use the network: no credential but ours, when there is one, and an
 * end when less than a kilobyte a second has come for a minute. */
static const char *const online_options[] = {
    "-c", "http.lowSpeedLimit=1000",   "-c", "http.lowSpeedTime=60",
    "-c", "push.recurseSubmodules=no",
};
static const char *const token_options[] = {
    "-c",
    "credential.helper=",
    "-c",
    "credential.useHttpPath=false",
};

/* The environment of a call that uses the network; entries are borrowed. */
static char **online_entries(const struct git *git)
{
    char **entries =
        mem_array(git->env.n + git->online_env.n + 1, sizeof(git->env.entries[0]));
    size_t n = 0;
    for (size_t i = 0; i < git->env.n; i++) {
        entries[n++] = git->env.entries[i];
    }
    for (size_t i = 0; i < git->online_env.n; i++) {
        entries[n++] = git->online_env.entries[i];
    }
    return entries;
}

static bool run_in(struct git *git, const char *folder, const char *stdin_path,
                   bool is_online, const char *const *args)
{
    const char *argv[ARGS_MAX + ARRAY_LEN(options) + ARRAY_LEN(online_options) +
                     ARRAY_LEN(token_options) + 8] = {"git"};
    size_t n = 1;
    AUTO_FREE char *helper = mem_printf("credential.helper=%s", credential_helper);
    AUTO_FREE char **entries = is_online ? online_entries(git) : NULL;
    AUTO_FREE char *common =
        folder == NULL ? mem_printf("--git-dir=%s", git->common) : NULL;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        argv[n++] = options[i];
    }
    for (size_t i = 0; is_online && i < ARRAY_LEN(online_options); i++) {
        argv[n++] = online_options[i];
    }
    if (is_online && git->has_token) {
        for (size_t i = 0; i < ARRAY_LEN(token_options); i++) {
            argv[n++] = token_options[i];
        }
        argv[n++] = "-c";
        argv[n++] = helper;
    }
    if (common != NULL) {
        argv[n++] = common;
    }
    for (size_t i = 0; args[i] != NULL; i++) {
        if (i == ARGS_MAX) {
            BUG("too many arguments for git");
        }
        argv[n++] = args[i];
    }
    argv[n] = NULL;
    buf_clear(&git->out);
    buf_clear(&git->err);
    struct process_spec spec = {
        .argv = (char *const *)(uintptr_t)argv, /* execvp changes nothing */
        .envp = entries != NULL ? entries : git->env.entries,
        .folder = folder != NULL ? folder : git->order->workflow_folder,
        .stdin_path = stdin_path,
        .name = "git",
        .deadline = wall_add(wall_now(), is_online ? ONLINE_TIME : GIT_TIME),
        .grace = ORDER_GRACE,
        .out = &git->out,
        .errors = &git->err,
        .keep_fd = git->runner->lock_fd,
        .keep_too_fd = git->turn_fd,
        .stop_fd = -1, /* a call is short; half a call would be worse than a late stop */
        .outlives_us = true,
    };
    struct process_outcome outcome;
    process_run(&spec, &outcome);
    git->status = outcome.end == PROCESS_EXITED ? outcome.status : -1;
    if (outcome.end == PROCESS_NOT_STARTED) {
        (void)buf_str(&git->err, outcome.err.msg); /* a message may be cut */
    }
    trim(&git->out);
    trim(&git->err);
    return git->status == 0;
}

bool git_run(struct git *git, const char *folder, const char *const *args)
{
    return run_in(git, folder, NULL, false, args);
}

bool git_online(struct git *git, const char *const *args)
{
    return run_in(git, NULL, NULL, true, args);
}

bool git_run_with(struct git *git, const char *folder, const char *in, size_t len,
                  const char *const *args)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(git->order->folder, "stdin");
    if (!file_write(path, in, len, &err)) {
        buf_clear(&git->out);
        buf_clear(&git->err);
        (void)buf_str(&git->err, err.msg); /* a message may be cut */
        git->status = -1;
        return false;
    }
    bool done = run_in(git, folder, path, false, args);
    (void)unlink(path); /* it goes with the folder at the latest */
    return done;
}

char *git_reason(const struct git *git)
{
    const char *text = git->err.data;
    static const char *const prefixes[] = {"error: ", "fatal: "};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        const char *found = strstr(git->err.data, prefixes[i]);
        if (found != NULL && (found == git->err.data || found[-1] == '\n')) {
            text = found + strlen(prefixes[i]);
        }
    }
    size_t len = strcspn(text, "\n");
    return len > 0 ? mem_strn(text, len) : mem_printf("git exit status %d", git->status);
}

void git_blame(struct git *git, struct effect_result *result, enum blame blame,
               const char *what)
{
    AUTO_FREE char *reason = git_reason(git);
    result->status = STATUS_FAILED;
    result->blame = blame;
    free(result->summary);
    result->summary = mem_printf("%s: %s", what, reason);
    free(result->excerpt);
    result->excerpt = mem_str(git->err.data);
}

static bool refuse(struct effect_result *result, enum blame blame, char *summary)
{
    result->status = STATUS_REFUSED;
    result->blame = blame;
    free(result->summary);
    result->summary = summary;
    return false;
}

static void set_identity(struct git *git)
{
    if (GIT(git, NULL, "config", "user.name") && git->out.len > 0 &&
        GIT(git, NULL, "config", "user.email") && git->out.len > 0) {
        return;
    }
    if (env_has(&git->env, "GIT_COMMITTER_NAME") &&
        env_has(&git->env, "GIT_COMMITTER_EMAIL")) {
        return;
    }
    env_set(&git->env, "GIT_AUTHOR_NAME", "signalbox");
    env_set(&git->env, "GIT_AUTHOR_EMAIL", "signalbox@localhost");
    env_set(&git->env, "GIT_COMMITTER_NAME", "signalbox");
    env_set(&git->env, "GIT_COMMITTER_EMAIL", "signalbox@localhost");
}

/* The common folder, by git's own discovery from the repository's path, so that its check
 * of who owns the repository is not passed by. */
static bool find_common(struct git *git, const char *repo, struct effect_result *result)
{
    struct stat st;
    if (repo[0] != '/') {
        return refuse(result, BLAME_SETUP,
                      mem_printf("'%s' is not a path; the local forge needs the absolute "
                                 "path of a git repository",
                                 repo));
    }
    if (stat(repo, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return refuse(result, BLAME_SETUP, mem_printf("there is no folder %s", repo));
    }
    if (GIT(git, repo, "rev-parse", "--path-format=absolute", "--git-common-dir")) {
        git->common = mem_str(git->out.data);
        return true;
    }
    AUTO_FREE char *reason = git_reason(git);
    if (git->status < 0) {
        return refuse(result, BLAME_SETUP, mem_printf("git cannot be run: %s", reason));
    }
    if (strstr(git->err.data, "not a git repository") != NULL) {
        return refuse(result, BLAME_SETUP, mem_printf("%s is no git repository", repo));
    }
    return refuse(result, BLAME_SETUP, mem_printf("%s: %s", repo, reason));
}

bool git_open(struct git *git, const struct runner *runner, struct effect_result *result)
{
    *git = (struct git){.runner = runner, .order = runner->order};
    buf_init(&git->out, GIT_OUT_MAX);
    buf_init(&git->err, GIT_OUT_MAX);
    env_for_git(&git->env, runner->order);
    if (order_is_remote(runner->order) ? !mirror_open(git, result)
                                       : !find_common(git, runner->order->repo, result)) {
        return false;
    }
    set_identity(git);
    return true;
}

void git_close(struct git *git)
{
    buf_fini(&git->out);
    buf_fini(&git->err);
    env_fini(&git->env);
    env_fini(&git->online_env);
    free(git->common);
    free(git->url);
    git->common = git->url = NULL;
}

void git_commit_of(struct git *git, const char *name, char sha[SHA_MAX])
{
    AUTO_FREE char *commit = mem_printf("%s^{commit}", name);
    sha[0] = '\0';
    if (GIT(git, NULL, "rev-parse", "--verify", "--quiet", "--end-of-options", commit) &&
        git->out.len < SHA_MAX) {
        memcpy(sha, git->out.data, git->out.len + 1);
    }
}

bool git_find_base(struct git *git, char sha[SHA_MAX], struct effect_result *result)
{
    const struct order *order = git->order;
    AUTO_FREE char *ref = git->url != NULL ? mirror_ref(order->base)
                                           : mem_printf("refs/heads/%s", order->base);
    git_commit_of(git, ref, sha);
    if (sha[0] != '\0') {
        return true;
    }
    (void)GIT(git, NULL, "for-each-ref", "--count=10", "--format=%(refname:short)",
              "refs/heads"); /* an empty list is the answer then */
    for (char *at = git->out.data; (at = strchr(at, '\n')) != NULL;) {
        *at = ' ';
    }
    return refuse(result, BLAME_SETUP,
                  git->out.len == 0
                      ? mem_printf("%s has no commit yet, so there is no branch '%s'",
                                   order->repo, order->base)
                      : mem_printf("%s has no branch '%s'; it has: %s", order->repo,
                                   order->base, git->out.data));
}

bool git_is_ancestor(struct git *git, const char *a, const char *b)
{
    return a[0] != '\0' && b[0] != '\0' &&
           GIT(git, NULL, "merge-base", "--is-ancestor", a, b);
}

char *git_place(const struct git *git, const char *name)
{
    return file_join(git->order->workflow_folder, name);
}

bool git_remove_worktree(struct git *git, const char *name, struct err *err)
{
    AUTO_FREE char *path = git_place(git, name);
    /* Twice --force: also a locked one. It fails when git does not know it; then there
     * may still be files. */
    struct effect_result *ignored = effect_result_new(0, 0);
    if (turn_take(git, ignored)) {
        (void)GIT(git, NULL, "worktree", "remove", "--force", "--force", path);
        turn_give(git);
    }
    effect_result_free(ignored);
    return file_remove_tree(path, err);
}

bool git_add_worktree(struct git *git, const char *name, const char *branch,
                      const char *commit, struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = git_place(git, name);
    if (!git_remove_worktree(git, name, &err)) {
        return refuse(result, BLAME_WORLD, mem_str(err.msg));
    }
    if (!turn_take(git, result)) {
        return false;
    }
    bool done =
        branch != NULL
            ? GIT(git, NULL, "worktree", "add", "--force", path, branch)
            : GIT(git, NULL, "worktree", "add", "--force", "--detach", path, commit);
    if (!done) {
        git_blame(git, result, BLAME_WORLD, "making a worktree");
    }
    turn_give(git);
    return done;
}
