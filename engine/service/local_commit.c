/* SPDX-License-Identifier: MIT */
/* What the agent left becomes a commit. */
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/local_forge.h"
#include "engine/service/local_mirror.h"
#include "engine/service/local_result.h"
#include "engine/service/local_tree.h"

#define BODY_MAX      1200 /* bytes of the task in a commit message */
#define COMMITS_SHOWN "--max-count=1000"

/* Title, the first lines of the task, trailers. */
static char *message(const struct order *order, const char *title)
{
    struct buf buf;
    buf_init(&buf, (size_t)64 * 1024);
    (void)buf_printf(&buf, "%s\n", title);
    size_t len;
    AUTO_FREE char *task = order_doc(order, "task.md", &len);
    struct buf body;
    buf_init(&body, BODY_MAX);
    text_clean(&body, task, len, TEXT_KEEP_NEWLINES);
    while (body.len > 0 && (body.is_cut || body.data[body.len - 1] == '\n')) {
        if (body.is_cut && body.data[body.len - 1] == '\n') {
            body.is_cut = false; /* cut at a line's end */
        }
        body.data[--body.len] = '\0';
    }
    if (body.len > 0 && strcmp(body.data, order->title) != 0) {
        (void)buf_printf(&buf, "\n%s\n", body.data);
    }
    buf_fini(&body);
    (void)buf_printf(
        &buf, "\nSignalbox-Workflow: wf-%lld\nSignalbox-Effect: wf-%lld.%lld\n",
        (long long)order->workflow, (long long)order->workflow, (long long)order->seq);
    return buf_take(&buf, NULL);
}

/* A name with quotes or control characters as git writes it for people: "a\tb". */
static void unquote(char *name)
{
    static const char letters[] = "abtnvfr", codes[] = "\a\b\t\n\v\f\r";
    char *to = name;
    if (*name != '"') {
        return;
    }
    for (const char *at = name + 1; *at != '\0' && *at != '"'; at++) {
        if (*at != '\\' || at[1] == '\0') {
            *to++ = *at;
            continue;
        }
        const char *letter = strchr(letters, *++at);
        if (letter != NULL) {
            *to++ = codes[letter - letters];
        } else if (*at >= '0' && *at <= '3' && at[1] != '\0' && at[2] != '\0') {
            *to++ = (char)((at[0] - '0') * 64 + (at[1] - '0') * 8 + (at[2] - '0'));
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

static bool has_markers(const char *path)
{
    char *text;
    struct err err = ERR_INIT;
    if (!file_read(path, (size_t)64 * 1024 * 1024, &text, NULL, &err)) {
        return false; /* deleted: that resolves it, too */
    }
    bool found = strncmp(text, "<<<<<<< ", 8) == 0 ||
                 strstr(text, "\n<<<<<<< ") != NULL || strstr(text, "\n>>>>>>> ") != NULL;
    free(text);
    return found;
}

/* Files that had conflicts and still have markers, one a line, malloc'd; "" = none. */
static char *open_conflicts(struct git *git, const char *tree)
{
    struct buf found;
    buf_init(&found, (size_t)64 * 1024);
    AUTO_FREE char *list = git_place(git, "conflicts");
    AUTO_FREE char *names = NULL;
    struct err err = ERR_INIT;
    if (!file_read(list, GIT_OUT_MAX, &names, NULL, &err)) {
        return buf_take(&found, NULL);
    }
    for (char *at = names, *end; *at != '\0'; at = end) {
        end = strchrnul(at, '\n');
        if (*end == '\n') {
            *end++ = '\0';
        }
        AUTO_FREE char *shown = mem_str(at);
        unquote(at);
        AUTO_FREE char *path = file_join(tree, at);
        if (has_markers(path)) {
            (void)buf_printf(&found, "%s\n", shown);
        }
    }
    return buf_take(&found, NULL);
}

static void report_commits(struct git *git, const char *base_sha, const char *head_sha,
                           struct effect_result *result)
{
    AUTO_FREE char *range = mem_printf("%s..%s", base_sha, head_sha);
    if (GIT(git, NULL, "log", COMMITS_SHOWN, "--format=%h %s", range)) {
        result->commits = mem_strn(git->out.data, git->out.len);
    }
    bool done =
        GIT(git, NULL, "diff", "--shortstat", "--no-ext-diff", base_sha, head_sha);
    const char *text = git->out.data + strspn(git->out.data, " ");
    result_pass(result, mem_str(done && *text != '\0' ? text : "committed"));
    result->head_sha = mem_str(head_sha);
}

static bool is_same_tree(struct git *git, const char *a, const char *b)
{
    AUTO_FREE char *first = mem_printf("%s^{tree}", a);
    AUTO_FREE char *second = mem_printf("%s^{tree}", b);
    char id[SHA_MAX] = "";
    if (GIT(git, NULL, "rev-parse", "--verify", "--quiet", first) &&
        git->out.len < SHA_MAX) {
        memcpy(id, git->out.data, git->out.len + 1);
    }
    return GIT(git, NULL, "rev-parse", "--verify", "--quiet", second) &&
           strcmp(id, git->out.data) == 0;
}

/* Submodules that .gitmodules knows are well. */
static bool is_submodule(struct git *git, const char *tree, const char *path)
{
    (void)GIT(git, tree, "config", "--file", ".gitmodules", "--get-regexp",
              "^submodule\\..*\\.path$"); /* or none */
    AUTO_FREE char *known = mem_printf("%s\n", git->out.data);
    AUTO_FREE char *entry = mem_printf(" %s\n", path);
    return strstr(known, entry) != NULL;
}

/* A repository inside the worktree: git commits the number of its commit and none of its
 * files, which are lost with the worktree. Its path, malloc'd, or NULL. It is taken out
 * of the index, for else git would never look at the files. */
static char *lost_repository(struct git *git, const char *tree, const char *base,
                             const char *head)
{
    char *found = NULL;
    if (!GIT(git, NULL, "diff", "--raw", "--no-renames", "--no-ext-diff",
             "--diff-filter=AT", base, head)) {
        return NULL;
    }
    AUTO_FREE char *lines = mem_strn(git->out.data, git->out.len);
    for (char *at = lines, *end; *at != '\0'; at = end) {
        end = strchrnul(at, '\n');
        if (*end == '\n') {
            *end++ = '\0';
        }
        char *path = strchr(at, '\t');
        if (path != NULL && strncmp(at + strcspn(at, " "), " 160000 ", 8) == 0 &&
            !is_submodule(git, tree, ++path)) {
            AUTO_FREE char *spec = mem_printf(":(literal)%s", path);
            (void)GIT(git, tree, "rm", "--cached", "--quiet", "--", spec); /* or again */
            free(found);
            found = mem_str(path);
        }
    }
    return found;
}

static void commit_work(struct git *git, struct effect_result *result)
{
    const struct order *order = git->order;
    char head[SHA_MAX], base[SHA_MAX];
    AUTO_FREE char *tree = git_place(git, "tree");
    AUTO_FREE char *branch = tree_own_branch(git);
    if (branch == NULL || !file_exists(tree)) {
        result_reject(result, mem_str("the agent has removed its worktree"));
        return;
    }
    if (!tree_is_ours(git, tree) && !tree_repair(git, tree)) {
        result_reject(result, mem_str("the agent has destroyed its worktree (.git)"));
        return;
    }
    tree_unlock(git, tree);
    tree_restore_branch(git, branch);
    tree_settle(git, tree, branch);
    AUTO_FREE char *open = open_conflicts(git, tree);
    if (open[0] != '\0') {
        AUTO_FREE char *files = tree_join_lines(open);
        result_reject(result, mem_printf("conflict markers are left in %s", files));
        result->excerpt = TAKE(open);
        return;
    }
    AUTO_FREE char *text = message(order, order->title);
    if (!tree_commit_all(git, tree, text)) {
        git_blame(git, result, BLAME_CHANGE, "committing");
        return;
    }
    AUTO_FREE char *conflicts = git_place(git, "conflicts");
    (void)unlink(conflicts); /* mostly there is none */
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    AUTO_FREE char *base_ref = git->url != NULL
                                   ? mirror_ref(order->base)
                                   : mem_printf("refs/heads/%s", order->base);
    git_commit_of(git, ref, head);
    git_commit_of(git, order->base_sha[0] != '\0' ? order->base_sha : base_ref, base);
    if (is_same_tree(git, base, head)) {
        result_reject(result, mem_str("the agent changed nothing"));
        return;
    }
    AUTO_FREE char *lost = lost_repository(git, tree, base, head);
    if (lost != NULL) {
        result_reject(result,
                      mem_printf("%s is a git repository of its own, and none of its "
                                 "files is in the commit; remove its .git",
                                 lost));
        return;
    }
    if (git->url != NULL) {
        if (!mirror_push(git, branch, result)) {
            return;
        }
        git_commit_of(git, ref, head); /* others' commits may be in it by now */
    }
    report_commits(git, base, head, result);
    result->branch = TAKE(branch);
}

void local_commit(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    if (git_open(&git, runner, result)) {
        commit_work(&git, result);
    }
    git_close(&git);
}
