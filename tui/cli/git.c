/* SPDX-License-Identifier: MIT */
#include "tui/cli/git.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

#define GIT_OUTPUT_MAX 8192

extern char **environ;

/* Run git, collect what it prints on either stream. Exit status, or -1 with err. */
static int run_git(const char *const argv[], struct buf *out, struct err *err)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        err_sys(err, "pipe");
        return -1;
    }
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions); /* these fail without memory only */
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    union {
        const char *const *in;
        char *const *out;
    } words = {.in = argv}; /* posix_spawn does not write into them (POSIX) */
    int problem = posix_spawnp(&pid, "git", &actions, NULL, words.out, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (problem != 0) {
        (void)close(ends[0]);
        errno = problem;
        err_sys(err, "starting git");
        return -1;
    }
    char some[1024];
    ssize_t n;
    while ((n = read(ends[0], some, sizeof(some))) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0) {
            (void)buf_add(out, some, (size_t)n); /* the rest is dropped, but read */
        }
    }
    (void)close(ends[0]);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    while (out->len > 0 && out->data[out->len - 1] == '\n') {
        out->data[--out->len] = '\0';
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The top of the repository: --show-toplevel, or the folder itself when it is bare. */
static char *find_top(const char *folder, struct err *err)
{
    struct buf AUTO_BUF out = {0};
    const char *const argv[] = {
        "git", "-C", folder, "rev-parse", "--is-bare-repository", "--show-cdup", NULL};
    buf_init(&out, GIT_OUTPUT_MAX);
    int status = run_git(argv, &out, err);
    if (status < 0) {
        return NULL;
    }
    if (status != 0) {
        err_set(err, ERR_USAGE, "%s is no git repository: %s", folder, out.data);
        return NULL;
    }
    const char *up = strchr(out.data, '\n');
    if (up == NULL || up[1] == '\0') {
        return mem_str(folder); /* bare, or the top already */
    }
    AUTO_FREE char *top = file_join(folder, up + 1);
    return file_real(top, err);
}

char *git_check_repo(const char *path, const char *base, struct err *err)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        err_sys(err, "repository %s", path);
        return NULL;
    }
    if (!S_ISDIR(info.st_mode)) {
        err_set(err, ERR_USAGE, "repository %s: not a folder", path);
        return NULL;
    }
    AUTO_FREE char *folder = file_real(path, err);
    if (folder == NULL) {
        return NULL;
    }
    char *top = find_top(folder, err);
    if (top == NULL) {
        return NULL;
    }
    struct buf AUTO_BUF out = {0};
    AUTO_FREE char *branch = mem_printf("refs/heads/%s^{commit}", base);
    const char *const argv[] = {"git",      "-C",      top,    "rev-parse",
                                "--verify", "--quiet", branch, NULL};
    buf_init(&out, GIT_OUTPUT_MAX);
    int status = run_git(argv, &out, err);
    if (status > 0) {
        err_set(err, ERR_USAGE,
                "%s has no branch '%s', which the pipeline names as its base", top, base);
    }
    if (status != 0) {
        free(top);
        return NULL;
    }
    return top;
}
