/* SPDX-License-Identifier: MIT */
/* Merge and revert. See local_forge.h for what they promise. */
#include "engine/service/local_merge.h"

#include <poll.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/local_forge.h"
#include "engine/service/local_pull.h"
#include "engine/service/local_turn.h"

#define TRIES         40
#define BLOCKED_TRIES 4
#define PAUSE         50 /* ms between tries while another git holds a lock */

static void set(struct effect_result *result, enum effect_status status, enum blame blame,
                char *summary)
{
    result->status = status;
    result->blame = blame;
    free(result->summary);
    result->summary = summary;
}

static void tell_conflict(struct effect_result *result, enum blame blame,
                          const char *what, const char *files)
{
    struct buf buf;
    buf_init(&buf, 300);
    for (const char *at = files; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        (void)buf_str(&buf, buf.len > 0 ? ", " : "");
        (void)buf_add(&buf, at, len); /* cut when there are many */
        at += len + (at[len] == '\n');
    }
    set(result, STATUS_FAILED, blame, mem_printf("%s in %s", what, buf.data));
    free(result->excerpt);
    result->excerpt = mem_str(files);
    buf_fini(&buf);
}

/* Newest commit of range whose message has the text, into sha; "" = none. */
static void find_commit(struct git *git, const char *since, const char *ref,
                        const char *text, char sha[SHA_MAX])
{
    AUTO_FREE char *grep = mem_printf("--grep=%s", text);
    AUTO_FREE char *range =
        since[0] != '\0' ? mem_printf("%s..%s", since, ref) : mem_str(ref);
    sha[0] = '\0';
    if (GIT(git, NULL, "log", "-n1", "--fixed-strings", "--format=%H", grep, range,
            "--") &&
        git->out.len < SHA_MAX) {
        memcpy(sha, git->out.data, git->out.len + 1);
    }
}

static enum merge_outcome merge_tree(struct git *git, const char *ours,
                                     const char *theirs, char tree[SHA_MAX],
                                     char **ret_files)
{
    enum merge_outcome outcome = merge_in_memory(git, ours, theirs, tree, ret_files);
    if (outcome == MERGE_FAILED && git->status == 129) { /* usage: git before 2.38 */
        outcome = merge_in_worktree(git, ours, theirs, tree, ret_files);
    }
    return outcome;
}

/* A commit whose id depends on its content only: the date is that of the effect. */
static bool write_commit(struct git *git, const char *tree, const char *first,
                         const char *second, const char *text, char sha[SHA_MAX])
{
    AUTO_FREE char *date =
        mem_printf("%lld +0000", (long long)git->order->asked_at.ms / 1000);
    env_set(&git->env, "GIT_AUTHOR_DATE", date);
    env_set(&git->env, "GIT_COMMITTER_DATE", date);
    const char *args[] = {"commit-tree", tree, "-p", first, second != NULL ? "-p" : NULL,
                          second,        NULL};
    if (!git_run_with(git, NULL, text, strlen(text), args) || git->out.len >= SHA_MAX) {
        return false;
    }
    memcpy(sha, git->out.data, git->out.len + 1);
    return true;
}

/* ---- merge ----------------------------------------------------------------------------
 */

static char *merge_message(const struct order *order)
{
    const char *number = "";
    AUTO_FREE char *text = mem_printf(" #%lld", (long long)order->pr_number);
    if (order->pr_number > 0) {
        number = text;
    }
    AUTO_FREE char *title =
        order->method == METHOD_SQUASH
            ? mem_printf("%s%s%s%s", order->title, number[0] != '\0' ? " (" : "",
                         number[0] != '\0' ? number + 1 : "",
                         number[0] != '\0' ? ")" : "")
            : mem_printf("Merge pull request%s from %s\n\n%s", number, order->branch,
                         order->title);
    return mem_printf(
        "%s\n\nSignalbox-Workflow: wf-%lld\nSignalbox-Effect: wf-%lld.%lld\n"
        "Signalbox-Head: %s\n",
        title, (long long)order->workflow, (long long)order->workflow,
        (long long)order->seq, order->head_sha);
}

static void record_merge(struct git *git, const char *merge_sha,
                         struct effect_result *result)
{
    const struct order *order = git->order;
    struct err err = ERR_INIT;
    struct pull *pull = order->pr_number > 0 ? pull_read(git, order->pr_number, &err)
                                             : pull_find(git, order->branch, &err);
    if (pull != NULL) {
        free(pull->state);
        pull->state = mem_str("merged");
        free(pull->merge);
        pull->merge = mem_str(merge_sha);
        if (!pull_write(git, pull, &err)) {
            char *summary = mem_printf("%s (its record could not be written: %s)",
                                       result->summary, err.msg);
            free(result->summary);
            result->summary = summary;
        }
    }
    pull_free(pull);
}

static void tell_merged(struct git *git, const char *sha, struct effect_result *result)
{
    const struct order *order = git->order;
    set(result, STATUS_PASSED, BLAME_NONE,
        mem_printf("%s into %s as %.10s",
                   order->method == METHOD_SQUASH ? "squashed" : "merged", order->base,
                   sha));
    result->merge_sha = mem_str(sha);
    record_merge(git, sha, result);
}

/* Was this head merged before, by an effect that was interrupted or by an earlier one?
 * True: result is set. */
static bool find_merged(struct git *git, const char *base_ref,
                        struct effect_result *result)
{
    const struct order *order = git->order;
    char sha[SHA_MAX], since[SHA_MAX], undone[SHA_MAX];
    AUTO_FREE char *trailer = mem_printf("Signalbox-Head: %s", order->head_sha);
    git_commit_of(git, order->base_sha, since);
    find_commit(git, since, base_ref, trailer, sha);
    if (sha[0] == '\0') {
        return false;
    }
    AUTO_FREE char *words = mem_printf("This reverts commit %s", sha);
    find_commit(git, sha, base_ref, words, undone);
    if (undone[0] != '\0') {
        set(result, STATUS_FAILED, BLAME_CHANGE,
            mem_printf(
                "%.10s was merged as %.10s and taken back by %.10s; it takes a new "
                "change to merge it again",
                order->head_sha, sha, undone));
        return true;
    }
    tell_merged(git, sha, result);
    return true;
}

/* The head is in the base by hand, or by another program: which commit brought it? The
 * first one on the way from the head to the base, when it is a merge; else the base was
 * moved to the head itself. */
static void find_foreign_merge(struct git *git, const char *base, char sha[SHA_MAX])
{
    const char *head = git->order->head_sha;
    AUTO_FREE char *range = mem_printf("%s..%s", head, base);
    (void)snprintf(sha, SHA_MAX, "%s", head);
    if (!GIT(git, NULL, "rev-list", "--ancestry-path", "--reverse", "--parents", range)) {
        return;
    }
    /* COMMIT PARENT PARENT ... */
    size_t len = strcspn(git->out.data, "\n");
    git->out.data[len] = '\0';
    const char *first = strchr(git->out.data, ' ');
    if (first != NULL && strncmp(first + 1, head, strlen(head)) != 0) {
        (void)snprintf(sha, SHA_MAX, "%.*s", (int)(first - git->out.data), git->out.data);
    }
}

/* After a move that did not work. True: try again. */
static bool may_try_again(struct git *git, enum move_outcome moved, char *why, int i,
                          struct effect_result *result)
{
    bool is_last = i + 1 == TRIES;
    /* What looks like local changes may be another git in the middle of its work. */
    bool is_passing = moved == MOVE_BUSY || (moved == MOVE_BLOCKED && i < BLOCKED_TRIES);
    if (is_passing && !is_last) {
        (void)poll(NULL, 0, PAUSE);
    }
    if ((moved == MOVE_LOST || is_passing) && !is_last) {
        free(why);
        return true;
    }
    switch (moved) {
    case MOVE_LOST:
        set(result, STATUS_FAILED, BLAME_WORLD,
            mem_printf("%s moves faster than we can follow", git->order->base));
        break;
    case MOVE_BUSY:
    case MOVE_BLOCKED:
        set(result, STATUS_FAILED, BLAME_OPERATOR, mem_str(why));
        break;
    default:
        git_blame(git, result, BLAME_WORLD, "moving the base branch");
        break;
    }
    free(why);
    return false;
}

static bool merge_once(struct git *git, const char *base_ref, int i,
                       struct effect_result *result)
{
    const struct order *order = git->order;
    char old[SHA_MAX], tree[SHA_MAX], new[SHA_MAX];
    AUTO_FREE char *files = NULL;
    if (!git_find_base(git, old, result) || find_merged(git, base_ref, result)) {
        return false;
    }
    if (git_is_ancestor(git, order->head_sha, old)) {
        char by_hand[SHA_MAX];
        find_foreign_merge(git, old, by_hand);
        tell_merged(git, by_hand, result);
        return false;
    }
    enum merge_outcome merged = merge_tree(git, old, order->head_sha, tree, &files);
    if (merged == MERGE_CONFLICT) {
        tell_conflict(result, BLAME_CHANGE, "merge conflict", files);
        return false;
    }
    AUTO_FREE char *text = merge_message(order);
    if (merged == MERGE_FAILED ||
        !write_commit(git, tree, old,
                      order->method == METHOD_SQUASH ? NULL : order->head_sha, text,
                      new)) {
        git_blame(git, result, BLAME_WORLD, "merging");
        return false;
    }
    char *why = NULL;
    enum move_outcome moved = move_base(git, order->base, old, new, &why);
    if (moved != MOVE_DONE) {
        return may_try_again(git, moved, why, i, result);
    }
    tell_merged(git, new, result);
    return false;
}

static void merge(struct git *git, struct effect_result *result)
{
    const struct order *order = git->order;
    char head[SHA_MAX];
    AUTO_FREE char *base_ref = mem_printf("refs/heads/%s", order->base);
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", order->branch);
    git_commit_of(git, ref, head);
    if (strcmp(head, order->head_sha) != 0 || head[0] == '\0') {
        if (order->head_sha[0] != '\0' && find_merged(git, base_ref, result)) {
            return; /* and the branch was deleted afterwards */
        }
        set(result, STATUS_FAILED, BLAME_CHANGE,
            mem_printf("branch %s is at %.10s, and not at %.10s, which was validated",
                       order->branch, head[0] != '\0' ? head : "nothing",
                       order->head_sha));
        return;
    }
    for (int i = 0; i < TRIES && merge_once(git, base_ref, i, result); i++) {
    }
}

void local_merge(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    if (git_open(&git, runner, result) && turn_take(&git, result)) {
        merge(&git, result);
        turn_give(&git);
    }
    git_close(&git);
}

/* ---- revert ---------------------------------------------------------------------------
 */

static char *revert_message(struct git *git)
{
    const struct order *order = git->order;
    (void)GIT(git, NULL, "log", "-n1", "--format=%s", order->merge_sha); /* "" is fine */
    return mem_printf("Revert \"%s\"\n\nThis reverts commit %s.\n\n"
                      "Signalbox-Workflow: wf-%lld\nSignalbox-Effect: wf-%lld.%lld\n",
                      git->out.data, order->merge_sha, (long long)order->workflow,
                      (long long)order->workflow, (long long)order->seq);
}

/*
 * To take M back is a merge of "M undone" into the base, with M as the common ancestor. A
 * commit with the tree of M's first parent on top of M is "M undone"; it is used for the
 * merge only.
 */
static bool write_undone(struct git *git, char undone[SHA_MAX])
{
    const char *merge_sha = git->order->merge_sha;
    AUTO_FREE char *tree = mem_printf("%s^1^{tree}", merge_sha);
    char id[SHA_MAX];
    if (!GIT(git, NULL, "rev-parse", "--verify", tree) || git->out.len >= SHA_MAX) {
        return false;
    }
    memcpy(id, git->out.data, git->out.len + 1);
    return write_commit(git, id, merge_sha, NULL, "undone\n", undone);
}

static bool revert_once(struct git *git, const char *base_ref, int i,
                        struct effect_result *result)
{
    const struct order *order = git->order;
    char old[SHA_MAX], done[SHA_MAX], undone[SHA_MAX], tree[SHA_MAX], new[SHA_MAX];
    AUTO_FREE char *files = NULL;
    AUTO_FREE char *words = mem_printf("This reverts commit %s", order->merge_sha);
    git_commit_of(git, base_ref, old);
    if (!git_is_ancestor(git, order->merge_sha, old)) {
        set(result, STATUS_FAILED, BLAME_OPERATOR,
            mem_printf("%.10s is no longer in the history of %s", order->merge_sha,
                       order->base));
        return false;
    }
    find_commit(git, order->merge_sha, base_ref, words, done);
    if (done[0] != '\0') {
        set(result, STATUS_PASSED, BLAME_NONE,
            mem_printf("%.10s taken back by %.10s", order->merge_sha, done));
        return false;
    }
    enum merge_outcome merged = write_undone(git, undone)
                                    ? merge_tree(git, old, undone, tree, &files)
                                    : MERGE_FAILED;
    if (merged == MERGE_CONFLICT) {
        tell_conflict(result, BLAME_OPERATOR, "later work is in the way of the revert",
                      files);
        return false;
    }
    AUTO_FREE char *text = revert_message(git);
    if (merged == MERGE_FAILED || !write_commit(git, tree, old, NULL, text, new)) {
        git_blame(git, result, BLAME_WORLD, "reverting");
        return false;
    }
    char *why = NULL;
    enum move_outcome moved = move_base(git, order->base, old, new, &why);
    if (moved != MOVE_DONE) {
        return may_try_again(git, moved, why, i, result);
    }
    set(result, STATUS_PASSED, BLAME_NONE,
        mem_printf("%.10s taken back by %.10s", order->merge_sha, new));
    return false;
}

void local_revert(const struct runner *runner, struct effect_result *result)
{
    struct git git;
    const struct order *order = runner->order;
    AUTO_FREE char *base_ref = mem_printf("refs/heads/%s", order->base);
    if (order->merge_sha[0] == '\0') {
        set(result, STATUS_PASSED, BLAME_NONE, mem_str("nothing was merged"));
        return;
    }
    if (git_open(&git, runner, result) && turn_take(&git, result)) {
        for (int i = 0; i < TRIES && revert_once(&git, base_ref, i, result); i++) {
        }
        turn_give(&git);
    }
    git_close(&git);
}
