/* SPDX-License-Identifier: MIT */

#include "tests/fakes/fake_git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "tests/fakes/fake.h"

#define GIT_OUT_MAX  (32 * 1024 * 1024)
#define GIT_ARGS_MAX 24

struct change_entry {
    char *base, *head;
    struct fake_change change;
};

struct fake_git {
    char *path;
    char *index; /* scratch file for trees */
    struct fake_commit **commits;
    size_t n_commits;
    struct change_entry *changes;
    size_t n_changes;
};

struct fake_git *fake_git_open(const char *path)
{
    struct fake_git *git = mem_alloc(sizeof *git);
    git->path = mem_str(path);
    git->index = mem_printf("%s/fake-index.%d", path, (int)getpid());
    struct buf AUTO_BUF out;
    buf_init(&out, 4096);
    if (fake_git_run(git, NULL, 0, &out,
                     (const char *const[]){"rev-parse", "--git-dir", NULL}) != 0) {
        fake_git_close(git);
        return NULL;
    }
    return git;
}

static void commit_free(struct fake_commit *commit)
{
    free(commit->sha);
    free(commit->tree);
    free(commit->message);
    free(commit->author);
    free(commit->author_email);
    free(commit->committer);
    free(commit->committer_email);
    for (size_t i = 0; i < commit->n_parents; i++)
        free(commit->parents[i]);
    free(commit->parents);
    free(commit);
}

void fake_git_close(struct fake_git *git)
{
    if (git == NULL)
        return;
    for (size_t i = 0; i < git->n_commits; i++)
        commit_free(git->commits[i]);
    for (size_t i = 0; i < git->n_changes; i++) {
        free(git->changes[i].base);
        free(git->changes[i].head);
    }
    free(git->commits);
    free(git->changes);
    (void)unlink(git->index);
    free(git->index);
    free(git->path);
    free(git);
}

const char *fake_git_path(const struct fake_git *git)
{
    return git->path;
}

/* ---- processes ---------------------------------------------------------------------- */

/* Nothing of this machine's or this user's settings may change what git does. */
static char **environment(const struct fake_git *git, const char *author)
{
    char **env = mem_array(16, sizeof *env);
    size_t n = 0;
    const char *path = getenv("PATH");
    env[n++] = mem_printf("PATH=%s", path != NULL ? path : "/usr/bin:/bin");
    env[n++] = mem_str("HOME=/nonexistent");
    env[n++] = mem_str("GIT_CONFIG_NOSYSTEM=1");
    env[n++] = mem_str("GIT_CONFIG_COUNT=1");
    env[n++] = mem_str("GIT_CONFIG_KEY_0=safe.directory");
    env[n++] = mem_str("GIT_CONFIG_VALUE_0=*");
    env[n++] = mem_str("LC_ALL=C");
    env[n++] = mem_printf("GIT_DIR=%s", git->path);
    env[n++] = mem_printf("GIT_INDEX_FILE=%s", git->index);
    env[n++] = mem_printf("GIT_AUTHOR_NAME=%s", author);
    env[n++] = mem_printf("GIT_AUTHOR_EMAIL=%s@users.noreply.example.com", author);
    env[n++] = mem_str("GIT_COMMITTER_NAME=GitHub");
    env[n++] = mem_str("GIT_COMMITTER_EMAIL=noreply@example.com");
    env[n] = NULL;
    return env;
}

/* Feed `in`, collect what comes. */
static void converse(int to, int from, const char *in, size_t in_len, struct buf *out)
{
    size_t sent = 0;
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = from, .events = POLLIN },
            {.fd = to,   .events = POLLOUT}
        };
        if (to >= 0 && sent == in_len) {
            (void)close(to);
            to = -1;
            fds[1].fd = -1;
        }
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (to >= 0 && (fds[1].revents & (POLLOUT | POLLERR)) != 0) {
            ssize_t n = write(to, in + sent, in_len - sent);
            sent = n < 0 ? in_len : sent + (size_t)n;
        }
        if ((fds[0].revents & (POLLIN | POLLHUP)) != 0) {
            char bytes[16384];
            ssize_t n = read(from, bytes, sizeof bytes);
            if (n <= 0)
                break;
            if (out != NULL)
                buf_add(out, bytes, (size_t)n);
        }
    }
    if (to >= 0)
        (void)close(to);
}

static int run_as(struct fake_git *git, const char *author, const char *in, size_t in_len,
                  struct buf *out, const char *const argv[])
{
    char *args[GIT_ARGS_MAX + 2] = {mem_str("git")};
    size_t n = 1;
    for (; argv[n - 1] != NULL && n <= GIT_ARGS_MAX; n++)
        args[n] = mem_str(argv[n - 1]);
    args[n] = NULL;
    char **env = environment(git, author);
    int to[2], from[2], status = -1;
    posix_spawn_file_actions_t actions;
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0 ||
        posix_spawn_file_actions_init(&actions) != 0)
        abort();
    pid_t pid;
    (void)posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    (void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int failed = posix_spawnp(&pid, "git", &actions, NULL, args, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(to[0]);
    (void)close(from[1]);
    if (failed == 0) {
        converse(to[1], from[0], in, in_len, out);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    } else {
        (void)close(to[1]);
    }
    (void)close(from[0]);
    for (size_t i = 0; args[i] != NULL; i++)
        free(args[i]);
    for (size_t i = 0; env[i] != NULL; i++)
        free(env[i]);
    free(env);
    return failed != 0 || !WIFEXITED(status) ? -1 : WEXITSTATUS(status);
}

int fake_git_run(struct fake_git *git, const char *in, size_t in_len, struct buf *out,
                 const char *const argv[])
{
    return run_as(git, "fake", in, in_len, out, argv);
}

/* Output without the newline at its end; NULL unless git was content. */
static char *ask(struct fake_git *git, const char *author, const char *in, size_t in_len,
                 const char *const argv[])
{
    struct buf AUTO_BUF out;
    buf_init(&out, GIT_OUT_MAX);
    if (run_as(git, author, in, in_len, &out, argv) != 0)
        return NULL;
    while (out.len > 0 && out.data[out.len - 1] == '\n')
        out.data[--out.len] = '\0';
    return buf_take(&out, NULL);
}
#define ASK(git, ...) ask(git, "fake", NULL, 0, (const char *const[]){__VA_ARGS__, NULL})

/* ---- reading ------------------------------------------------------------------------ */

char *fake_git_resolve(struct fake_git *git, const char *revision)
{
    if (revision == NULL || revision[0] == '\0' || revision[0] == '-')
        return NULL;
    AUTO_FREE char *wanted = mem_printf("%s^{commit}", revision);
    return ASK(git, "rev-parse", "--verify", "--quiet", wanted);
}

/* "Name <mail> 1700000000 +0000" */
static void person_parse(const char *line, char **name, char **email, struct wall *at)
{
    const char *open = strchr(line, '<');
    const char *close = open != NULL ? strchr(open, '>') : NULL;
    if (close == NULL) {
        *name = mem_str("");
        *email = mem_str("");
        return;
    }
    *name = mem_strn(line, open > line ? (size_t)(open - line) - 1 : 0);
    *email = mem_strn(open + 1, (size_t)(close - open) - 1);
    at->ms = strtoll(close + 1, NULL, 10) * 1000;
}

static struct fake_commit *commit_parse(const char *sha, char *text)
{
    struct fake_commit *commit = mem_alloc(sizeof *commit);
    commit->sha = mem_str(sha);
    char *line = text;
    while (line != NULL && *line != '\0' && *line != '\n') {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        if (strncmp(line, "tree ", 5) == 0)
            commit->tree = mem_str(line + 5);
        else if (strncmp(line, "parent ", 7) == 0)
            *FAKE_ADD(commit->parents, commit->n_parents) = mem_str(line + 7);
        else if (strncmp(line, "author ", 7) == 0)
            person_parse(line + 7, &commit->author, &commit->author_email,
                         &commit->authored);
        else if (strncmp(line, "committer ", 10) == 0)
            person_parse(line + 10, &commit->committer, &commit->committer_email,
                         &commit->committed);
        line = end != NULL ? end + 1 : NULL;
    }
    commit->message = mem_str(line != NULL && *line == '\n' ? line + 1 : "");
    return commit;
}

const struct fake_commit *fake_git_commit(struct fake_git *git, const char *sha)
{
    for (size_t i = 0; i < git->n_commits; i++)
        if (strcmp(git->commits[i]->sha, sha) == 0)
            return git->commits[i];
    AUTO_FREE char *text = ASK(git, "cat-file", "commit", sha);
    if (text == NULL)
        return NULL;
    struct fake_commit *commit = commit_parse(sha, text);
    *FAKE_ADD(git->commits, git->n_commits) = commit;
    return commit;
}

size_t fake_git_branches(struct fake_git *git, struct fake_ref **ret_refs)
{
    AUTO_FREE char *text =
        ASK(git, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/");
    struct fake_ref *refs = NULL;
    size_t n = 0;
    for (char *line = text, *end; line != NULL && *line != '\0'; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        if (strlen(line) < 42)
            continue;
        struct fake_ref *ref = FAKE_ADD(refs, n);
        ref->sha = mem_strn(line, 40);
        ref->name = mem_str(line + 41);
    }
    *ret_refs = refs;
    return n;
}

void fake_refs_free(struct fake_ref *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(refs[i].name);
        free(refs[i].sha);
    }
    free(refs);
}

char *fake_git_merge_base(struct fake_git *git, const char *a, const char *b)
{
    return ASK(git, "merge-base", a, b);
}

char *fake_git_between(struct fake_git *git, const char *base, const char *head)
{
    AUTO_FREE char *range = mem_printf("%s..%s", base, head);
    return ASK(git, "rev-list", "--reverse", "--topo-order", range);
}

char *fake_git_files(struct fake_git *git, const char *base, const char *head)
{
    AUTO_FREE char *range = mem_printf("%s...%s", base, head);
    return ASK(git, "diff", "--numstat", "--no-renames", range);
}

static int64_t count_between(struct fake_git *git, const char *base, const char *head)
{
    AUTO_FREE char *range = mem_printf("%s..%s", base, head);
    AUTO_FREE char *text = ASK(git, "rev-list", "--count", range);
    return fake_number(text, 0);
}

const struct fake_change *fake_git_change(struct fake_git *git, const char *base,
                                          const char *head)
{
    for (size_t i = 0; i < git->n_changes; i++)
        if (strcmp(git->changes[i].base, base) == 0 &&
            strcmp(git->changes[i].head, head) == 0)
            return &git->changes[i].change;
    struct fake_change change = {0};
    AUTO_FREE char *files = fake_git_files(git, base, head);
    for (const char *line = files; line != NULL && *line != '\0';) {
        char *end;
        change.files++;
        change.additions += strtoll(line, &end, 10);
        change.deletions += strtoll(end, &end, 10);
        line = strchr(end, '\n');
        if (line != NULL)
            line++;
    }
    change.commits = count_between(git, base, head);
    change.behind = count_between(git, head, base);
    AUTO_FREE char *tree = fake_git_merge_tree(git, base, head);
    change.has_conflict = tree == NULL;
    struct change_entry *entry = FAKE_ADD(git->changes, git->n_changes);
    *entry = (struct change_entry){
        .base = mem_str(base), .head = mem_str(head), .change = change};
    return &entry->change;
}

char *fake_git_blob(struct fake_git *git, const char *revision, const char *path)
{
    AUTO_FREE char *object = mem_printf("%s:%s", revision, path);
    return ASK(git, "cat-file", "blob", object);
}

bool fake_git_is_ancestor(struct fake_git *git, const char *older, const char *newer)
{
    return fake_git_run(git, NULL, 0, NULL,
                        (const char *const[]){"merge-base", "--is-ancestor", older, newer,
                                              NULL}) == 0;
}

/* ---- writing ------------------------------------------------------------------------ */

char *fake_git_merge_tree(struct fake_git *git, const char *ours, const char *theirs)
{
    char *tree = ASK(git, "merge-tree", "--write-tree", ours, theirs);
    if (tree != NULL)
        tree[strcspn(tree, "\n")] = '\0';
    return tree;
}

char *fake_git_commit_tree(struct fake_git *git, const char *tree, const char *message,
                           const char *author, const char *parent, const char *second)
{
    const char *args[GIT_ARGS_MAX] = {"commit-tree", tree};
    size_t n = 2;
    if (parent != NULL) {
        args[n++] = "-p";
        args[n++] = parent;
    }
    if (second != NULL) {
        args[n++] = "-p";
        args[n++] = second;
    }
    args[n] = NULL;
    return ask(git, author, message, strlen(message), args);
}

char *fake_git_tree_with(struct fake_git *git, const char *commit, const char *path,
                         const char *text, size_t len)
{
    AUTO_FREE char *blob =
        ask(git, "fake", text, len,
            (const char *const[]){"hash-object", "-w", "--stdin", NULL});
    if (blob == NULL)
        return NULL;
    AUTO_FREE char *info = mem_printf("100644,%s,%s", blob, path);
    AUTO_FREE char *read = ASK(git, "read-tree", commit);
    AUTO_FREE char *added =
        read != NULL ? ASK(git, "update-index", "--add", "--cacheinfo", info) : NULL;
    return added != NULL ? ASK(git, "write-tree") : NULL;
}

/* A merge of the present with "what `merge` stood on", as seen from a common ancestor that
 * holds the change: its commit is made for the purpose. */
char *fake_git_revert_tree(struct fake_git *git, const char *commit, const char *merge)
{
    const struct fake_commit *merged = fake_git_commit(git, merge);
    if (merged == NULL || merged->n_parents == 0)
        return NULL;
    const struct fake_commit *before = fake_git_commit(git, merged->parents[0]);
    if (before == NULL)
        return NULL;
    AUTO_FREE char *undone =
        fake_git_commit_tree(git, before->tree, "undone", "fake", merge, NULL);
    return undone != NULL ? fake_git_merge_tree(git, commit, undone) : NULL;
}

bool fake_git_update_ref(struct fake_git *git, const char *ref, const char *sha,
                         const char *old)
{
    static const char zero[] = "0000000000000000000000000000000000000000";
    AUTO_FREE char *out =
        old == NULL ? ASK(git, "update-ref", ref, sha)
                    : ASK(git, "update-ref", ref, sha, *old != '\0' ? old : zero);
    return out != NULL;
}

bool fake_git_delete_ref(struct fake_git *git, const char *ref)
{
    AUTO_FREE char *out = ASK(git, "update-ref", "-d", ref);
    return out != NULL;
}
