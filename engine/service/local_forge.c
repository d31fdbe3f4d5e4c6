/* SPDX-License-Identifier: MIT */
/* The branch, its worktree and its commits. Pull requests are in local_pull.c, merges in
 * local_merge.c. */
#include "engine/service/local_forge.h"

#include <dirent.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/local_git.h"

#define BRANCH_TRIES  1000
#define BODY_MAX      1200 /* bytes of the task in a commit message */
#define COMMITS_SHOWN "--max-count=1000"

static bool refuse(struct effect_result *result, char *summary)
{
    result->status = STATUS_REFUSED;
    result->blame = BLAME_SETUP;
    free(result->summary);
    result->summary = summary;
    return false;
}

static void pass(struct effect_result *result, char *summary)
{
    result->status = STATUS_PASSED;
    result->blame = BLAME_NONE;
    free(result->summary);
    result->summary = summary;
}

static void reject(struct effect_result *result, char *summary)
{
    result->status = STATUS_FAILED;
    result->blame = BLAME_CHANGE;
    free(result->summary);
    result->summary = summary;
}

static bool fail(struct effect_result *result, const struct err *err)
{
    result->status = STATUS_FAILED;
    result->blame = BLAME_WORLD;
    free(result->summary);
    result->summary = mem_str(err->msg);
    return false;
}

/* ---- base and branch ------------------------------------------------------------------
 */

static bool create_branch(struct git *git, const char *name, const char *sha)
{
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", name);
    return GIT(git, NULL, "update-ref", "--create-reflog", "-m",
               "signalbox: new workflow", ref, sha, ""); /* "": it must not exist */
}

static bool has_branch(struct git *git, const char *name)
{
    char sha[SHA_MAX];
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", name);
    git_commit_of(git, ref, sha);
    return sha[0] != '\0';
}

/* The branch that this workflow has, or NULL. The file says which name was chosen before
 * the branch is made, so that an interrupted choice is the same choice again. */
static char *own_branch(struct git *git)
{
    AUTO_FREE char *path = git_place(git, "branch");
    char *name;
    struct err err = ERR_INIT;
    if (file_read(path, 4096, &name, NULL, &err)) {
        return name;
    }
    return git->order->branch[0] != '\0' ? mem_str(git->order->branch) : NULL;
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
        if (has_branch(git, name)) {
            continue; /* of another store, or of an earlier one */
        }
        if (!file_write(path, name, strlen(name), &err)) {
            (void)fail(result, &err);
            return NULL;
        }
        if (create_branch(git, name, base_sha)) {
            return TAKE(name);
        }
        AUTO_FREE char *reason = git_reason(git);
        (void)unlink(path); /* written anew for the next name */
        if (!has_branch(git, name)) {
            (void)refuse(result, mem_printf("cannot make branch %s: %s", name, reason));
            return NULL;
        }
    }
    (void)refuse(result, mem_str("no free name for a branch below signalbox/"));
    return NULL;
}

static char *ensure_branch(struct git *git, const char *base_sha,
                           struct effect_result *result)
{
    char *name = own_branch(git);
    if (name == NULL) {
        return choose_branch(git, base_sha, result);
    }
    char sha[SHA_MAX];
    git_commit_of(git, git->order->head_sha, sha);
    if (!has_branch(git, name) &&
        !create_branch(git, name, sha[0] != '\0' ? sha : base_sha) &&
        !has_branch(git, name)) {
        git_blame(git, result, BLAME_SETUP, "making the branch");
        free(name);
        return NULL;
    }
    return name;
}

/* ---- the worktree ---------------------------------------------------------------------
 */

static bool is_our_worktree(struct git *git, const char *tree)
{
    return file_exists(tree) &&
           GIT(git, tree, "rev-parse", "--path-format=absolute", "--git-common-dir") &&
           strcmp(git->out.data, git->common) == 0;
}

/* The agent has removed the file .git of its worktree: git knows the way back. */
static bool repair(struct git *git, const char *tree)
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
    return done && is_our_worktree(git, tree);
}

/* A lock file that a killed git left: nobody works here now. */
static void remove_stale_lock(struct git *git, const char *tree)
{
    if (GIT(git, tree, "rev-parse", "--path-format=absolute", "--git-path",
            "index.lock")) {
        (void)unlink(git->out.data); /* mostly there is none */
    }
}

/* Put HEAD of the worktree on our branch, wherever the agent has left it. Its commits are
 * kept when they continue the branch; else only the content of its files is. */
static void settle_branch(struct git *git, const char *tree, const char *branch)
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
static void restore_branch(struct git *git, const char *branch)
{
    const struct order *order = git->order;
    if (!has_branch(git, branch) && !create_branch(git, branch, order->head_sha)) {
        (void)create_branch(git, branch, order->base_sha); /* shows in the commit */
    }
}

static bool ensure_tree(struct git *git, const char *branch, struct effect_result *result)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *tree = git_place(git, "tree");
    AUTO_FREE char *ready = git_place(git, "tree.ready");
    if (file_exists(ready) && is_our_worktree(git, tree)) {
        remove_stale_lock(git, tree);
        settle_branch(git, tree, branch);
        return true;
    }
    (void)unlink(ready); /* a checkout that was interrupted is no tree */
    if (!git_add_worktree(git, "tree", branch, NULL, result)) {
        return false;
    }
    return file_write(ready, "", 0, &err) || fail(result, &err);
}

static bool is_merging(struct git *git, const char *tree)
{
    return GIT(git, tree, "rev-parse", "--verify", "--quiet", "MERGE_HEAD");
}

static bool commit_all(struct git *git, const char *tree, const char *text)
{
    if (!GIT(git, tree, "add", "--all")) {
        return false;
    }
    if (!is_merging(git, tree) && GIT(git, tree, "diff", "--cached", "--quiet")) {
        return true; /* nothing is left to commit */
    }
    return git_run_with(git, tree, text, strlen(text),
                        (const char *const[]){"commit", "--quiet", "--no-verify",
                                              "--cleanup=verbatim", "--file=-", NULL});
}

/* Names of files in conflict, one a line; into the file `conflicts` for the prompt and
 * the commit. Returns false when there are none. */
static bool note_conflicts(struct git *git, const char *tree,
                           struct effect_result *result)
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
        return fail(result, &err);
    }
    return true;
}

static char *join_lines(const char *lines)
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

/* Bring a base that has moved into the branch. Conflicts stay in the tree, for the agent.
 */
static bool merge_base(struct git *git, const char *branch, const char *base_sha,
                       struct effect_result *result)
{
    const struct order *order = git->order;
    AUTO_FREE char *tree = git_place(git, "tree");
    if (!is_merging(git, tree)) {
        char head[SHA_MAX];
        AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
        git_commit_of(git, ref, head);
        if (git_is_ancestor(git, base_sha, head)) {
            pass(result, mem_printf("%s at %.10s, on %s", branch, head, order->base));
            return true;
        }
        AUTO_FREE char *keep = mem_printf("Keep unfinished work before merging %s\n\n"
                                          "Signalbox-Workflow: wf-%lld\n",
                                          order->base, (long long)order->workflow);
        if (!commit_all(git, tree, keep)) {
            git_blame(git, result, BLAME_WORLD, "keeping unfinished work");
            return false;
        }
        AUTO_FREE char *text = mem_printf("Merge %s into %s", order->base, branch);
        if (GIT(git, tree, "merge", "--quiet", "--no-edit", "--no-verify", "-m", text,
                base_sha)) {
            pass(result, mem_printf("%s, with %s as of %.10s merged in", branch,
                                    order->base, base_sha));
            return true;
        }
        if (!is_merging(git, tree)) {
            git_blame(git, result, BLAME_WORLD, "merging the base branch");
            return false;
        }
    }
    if (!note_conflicts(git, tree, result)) {
        if (result->status == STATUS_FAILED) {
            return false;
        }
        pass(result,
             mem_printf("%s, with a merge of %s to conclude", branch, order->base));
        return true;
    }
    AUTO_FREE char *files = join_lines(result->excerpt);
    pass(result,
         mem_printf("conflict with %s in %s, left for the agent", order->base, files));
    return true;
}

static void open_workspace(struct git *git, struct effect_result *result)
{
    char base_sha[SHA_MAX], head_sha[SHA_MAX];
    if (!git_find_base(git, base_sha, result)) {
        return;
    }
    AUTO_FREE char *branch = ensure_branch(git, base_sha, result);
    if (branch == NULL || !ensure_tree(git, branch, result) ||
        !merge_base(git, branch, base_sha, result)) {
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

bool local_plan_folder(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    char base_sha[SHA_MAX];
    bool done = git_open(&git, runner, result) && git_find_base(&git, base_sha, result) &&
                git_add_worktree(&git, "plan", NULL, base_sha, result);
    git_close(&git);
    return done;
}

/* ---- commits --------------------------------------------------------------------------
 */

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
    pass(result, mem_str(done && *text != '\0' ? text : "committed"));
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
    AUTO_FREE char *branch = own_branch(git);
    if (branch == NULL || !file_exists(tree)) {
        reject(result, mem_str("the agent has removed its worktree"));
        return;
    }
    if (!is_our_worktree(git, tree) && !repair(git, tree)) {
        reject(result, mem_str("the agent has destroyed its worktree (.git)"));
        return;
    }
    remove_stale_lock(git, tree);
    restore_branch(git, branch);
    settle_branch(git, tree, branch);
    AUTO_FREE char *open = open_conflicts(git, tree);
    if (open[0] != '\0') {
        AUTO_FREE char *files = join_lines(open);
        reject(result, mem_printf("conflict markers are left in %s", files));
        result->excerpt = TAKE(open);
        return;
    }
    AUTO_FREE char *text = message(order, order->title);
    if (!commit_all(git, tree, text)) {
        git_blame(git, result, BLAME_CHANGE, "committing");
        return;
    }
    AUTO_FREE char *conflicts = git_place(git, "conflicts");
    (void)unlink(conflicts); /* mostly there is none */
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    AUTO_FREE char *base_ref = mem_printf("refs/heads/%s", order->base);
    git_commit_of(git, ref, head);
    git_commit_of(git, order->base_sha[0] != '\0' ? order->base_sha : base_ref, base);
    if (is_same_tree(git, base, head)) {
        reject(result, mem_str("the agent changed nothing"));
        return;
    }
    AUTO_FREE char *lost = lost_repository(git, tree, base, head);
    if (lost != NULL) {
        reject(result, mem_printf("%s is a git repository of its own, and none of its "
                                  "files is in the commit; remove its .git",
                                  lost));
        return;
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
