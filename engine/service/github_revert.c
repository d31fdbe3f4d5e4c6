/* SPDX-License-Identifier: MIT */

/*
 * Taking a merge back. See github.h.
 *
 *   pull request ─► is there a revert of it? ─► tip of the base ─► GraphQL revert
 *                          │ open, merged             │ refused, and nothing landed since
 *                          ▼                          ▼
 *                     judge it                 commit with the tree from before the merge,
 *                                              branch, pull request (REST)
 */
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/github_op.h"

#define COMPUTE_MAX 8
#define LOOKS_MAX   3 /* for a revert that may be on its way */

struct revert_op {
    struct github_op base;
    struct github_pull pull; /* the merged one */
    char *tip;               /* of the base branch */
    int64_t made;            /* number of the revert that the memo knows, or we made */
    int64_t revert;          /* number of the pull request that takes it back */
    char *tree;              /* from before the merge */
    char *commit;            /* made by us */
    int n_computes, n_looks;
    bool may_exist; /* GraphQL was asked, and nobody knows what came of it */
};

static struct revert_op *mine(struct github_op *op)
{
    union {
        struct github_op *base;
        struct revert_op *op;
    } cast = {.base = op};
    return cast.op;
}

static void fini(struct github_op *base)
{
    struct revert_op *op = mine(base);
    github_pull_fini(&op->pull);
    free(op->tip);
    free(op->tree);
    free(op->commit);
}

static void set(char **text, char *value)
{
    free(*text);
    *text = value;
}

static struct op_step get(struct github_op *base, enum github_call call, int64_t number,
                          const char *text, const char *query,
                          struct op_step (*take)(struct github_op *,
                                                 const struct http_response *))
{
    return github_send(base, call,
                       github_request(call, &(struct github_path){.repo = base->repo,
                                                                  .number = number,
                                                                  .text = text,
                                                                  .query = query}),
                       take);
}

static char *title_of(struct github_op *base)
{
    return mem_printf("Revert \"%s\"", mine(base)->pull.title);
}

static char *body_of(struct github_op *base)
{
    AUTO_FREE char *mark = github_mark(base);
    return mem_printf("Takes back #%lld, merged as %s.\n\n---\n" GITHUB_REVERTS
                      "%lld\n" GITHUB_MARK "%s\n",
                      (long long)mine(base)->pull.number, mine(base)->pull.merge_sha,
                      (long long)mine(base)->pull.number, mark);
}

/* ---- the revert is there: may it be merged? --------------------------------------------
 */

static struct op_step left_to_people(struct github_op *base, const char *why)
{
    struct revert_op *op = mine(base);
    return github_end(base, STATUS_FAILED, BLAME_OPERATOR,
                      "pull request #%lld takes #%lld back; merging it is left to people "
                      "(%s), retry afterwards",
                      (long long)op->revert, (long long)op->pull.number, why);
}

static struct op_step end_reverted(struct github_op *base, const char *sha)
{
    struct revert_op *op = mine(base);
    struct op_step step =
        github_end(base, STATUS_PASSED, BLAME_NONE, "#%lld taken back by #%lld as %.10s",
                   (long long)op->pull.number, (long long)op->revert, sha);
    step.result->merge_sha = mem_str(sha);
    return step;
}

static struct op_step on_merged(struct github_op *base,
                                const struct http_response *response)
{
    struct github_merge merge = {.sha = NULL};
    if (response->status == 200 && github_merge_read(response, &merge) &&
        merge.is_merged) {
        struct op_step step = end_reverted(base, merge.sha);
        github_merge_fini(&merge);
        return step;
    }
    github_merge_fini(&merge);
    char reason[GITHUB_REASON_MAX + 1];
    return left_to_people(base, github_reason(response, reason));
}

static struct op_step look_at_revert(struct github_op *base);

static struct op_step on_revert(struct github_op *base,
                                const struct http_response *response)
{
    struct revert_op *op = mine(base);
    struct github_pull pull;
    if (response->status != 200) {
        return github_refused(base, response, "looking at the revert");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    struct op_step step;
    bool is_clean = strcmp(pull.state, "clean") == 0 && pull.mergeable == GITHUB_YES;
    bool is_alone = strcmp(op->tip, op->pull.merge_sha) == 0;
    if (pull.is_merged) {
        step = end_reverted(base, pull.merge_sha);
    } else if (!pull.is_open) {
        step =
            github_end(base, STATUS_FAILED, BLAME_OPERATOR,
                       "the revert #%lld was closed by a person", (long long)pull.number);
    } else if (pull.mergeable == GITHUB_UNKNOWN && op->n_computes < COMPUTE_MAX) {
        op->n_computes++;
        step = github_pause(base, (struct span){1000LL << (op->n_computes / 2)},
                            look_at_revert);
    } else if (!is_alone) {
        step = left_to_people(base, "other work landed since");
    } else if (pull.is_draft || !is_clean) {
        step = left_to_people(base, pull.state[0] != '\0' ? pull.state : "not clean");
    } else {
        step = github_send(base, GITHUB_PULL_MERGE,
                           github_pull_merge(base->repo, pull.number, pull.head_sha,
                                             "merge", NULL, NULL),
                           on_merged);
    }
    github_pull_fini(&pull);
    return step;
}

static struct op_step look_at_revert(struct github_op *base)
{
    return get(base, GITHUB_PULL_GET, mine(base)->revert, NULL, NULL, on_revert);
}

/* It is there, or was just made. */
static struct op_step found(struct github_op *base, int64_t number)
{
    struct revert_op *op = mine(base);
    op->revert = number;
    if (op->made != number) {
        op->made = number;
        github_memo(base, "{\"pull\":%lld}", (long long)number);
        github_log(base, "pull request #%lld takes it back", (long long)number);
    }
    return look_at_revert(base);
}

/* ---- the REST way ----------------------------------------------------------------------
 */

static struct op_step on_opened(struct github_op *base,
                                const struct http_response *response)
{
    struct github_pull pull;
    if (response->status == 422 && github_says(response, "already exists")) {
        return github_pause(base, (struct span){1000}, base->look);
    }
    if (response->status != 201) {
        return github_refused(base, response, "opening the revert");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    int64_t number = pull.number;
    github_pull_fini(&pull);
    return found(base, number);
}

static char *branch_of(const struct github_op *base)
{
    AUTO_FREE char *mark = github_mark(base);
    return mem_printf("signalbox/revert-%s", mark);
}

static struct op_step open_revert(struct github_op *base)
{
    AUTO_FREE char *title = title_of(base);
    AUTO_FREE char *body = body_of(base);
    AUTO_FREE char *branch = branch_of(base);
    struct github_new_pull pull = {
        .title = title, .body = body, .head = branch, .base = base->order->base};
    return github_send(base, GITHUB_PULL_CREATE, github_pull_create(base->repo, &pull),
                       on_opened);
}

static struct op_step on_moved(struct github_op *base,
                               const struct http_response *response)
{
    return response->status == 200
               ? open_revert(base)
               : github_refused(base, response, "moving the revert's branch");
}

static struct op_step on_branch(struct github_op *base,
                                const struct http_response *response)
{
    if (response->status == 422 && github_says(response, "already exists")) {
        AUTO_FREE char *branch = branch_of(base);
        AUTO_FREE char *ref = mem_printf("heads/%s", branch);
        return github_send(base, GITHUB_REF_UPDATE,
                           github_ref_update(base->repo, ref, mine(base)->commit, true),
                           on_moved);
    }
    return response->status == 201
               ? open_revert(base)
               : github_refused(base, response, "making the revert's branch");
}

static struct op_step on_commit(struct github_op *base,
                                const struct http_response *response)
{
    char *sha = NULL;
    if (response->status != 201) {
        return github_refused(base, response, "making the revert's commit");
    }
    if (!github_sha_read(response, &sha)) {
        return github_odd(base, "commit");
    }
    set(&mine(base)->commit, sha);
    AUTO_FREE char *branch = branch_of(base);
    AUTO_FREE char *ref = mem_printf("refs/heads/%s", branch);
    return github_send(base, GITHUB_REF_CREATE, github_ref_create(base->repo, ref, sha),
                       on_branch);
}

/* The tree of the first parent is what was there before. */
static struct op_step on_parent(struct github_op *base,
                                const struct http_response *response)
{
    struct revert_op *op = mine(base);
    struct github_commit commit = {.sha = NULL};
    if (response->status != 200) {
        return github_refused(base, response, "looking at the commit before the merge");
    }
    if (!github_commit_read(response, &commit)) {
        return github_odd(base, "commit");
    }
    set(&op->tree, TAKE(commit.tree));
    github_commit_fini(&commit);
    AUTO_FREE char *title = title_of(base);
    AUTO_FREE char *message =
        mem_printf("%s\n\nThis reverts commit %s.\n", title, op->pull.merge_sha);
    return github_send(base, GITHUB_COMMIT_CREATE,
                       github_commit_create(base->repo, message, op->tree, op->tip),
                       on_commit);
}

static struct op_step on_merge_commit(struct github_op *base,
                                      const struct http_response *response)
{
    struct github_commit commit = {.sha = NULL};
    if (response->status != 200) {
        return github_refused(base, response, "looking at the merge commit");
    }
    if (!github_commit_read(response, &commit) || commit.parent[0] == '\0') {
        github_commit_fini(&commit);
        return github_odd(base, "merge commit");
    }
    struct op_step step = get(base, GITHUB_COMMIT_GET, 0, commit.parent, NULL, on_parent);
    github_commit_fini(&commit);
    return step;
}

static struct op_step by_rest(struct github_op *base, const char *why)
{
    struct revert_op *op = mine(base);
    github_log(base, "GraphQL does not revert it: %s", why);
    if (strcmp(op->tip, op->pull.merge_sha) != 0) {
        return github_end(base, STATUS_FAILED, BLAME_OPERATOR,
                          "other work landed on %s since %.10s, and GitHub does not "
                          "revert #%lld (%s): take it back by hand",
                          base->order->base, op->pull.merge_sha,
                          (long long)op->pull.number, why);
    }
    return get(base, GITHUB_COMMIT_GET, 0, op->pull.merge_sha, NULL, on_merge_commit);
}

/* ---- the GraphQL way -------------------------------------------------------------------
 */

static struct op_step on_reverted(struct github_op *base,
                                  const struct http_response *response)
{
    struct github_reverted reverted = {.number = 0};
    if (response->status != 200) {
        char reason[GITHUB_REASON_MAX + 1];
        return by_rest(base, github_reason(response, reason));
    }
    bool is_made = github_reverted_read(response, &reverted);
    struct op_step step =
        is_made ? found(base, reverted.number)
                : by_rest(base, reverted.why[0] != '\0' ? reverted.why : "no answer");
    github_reverted_fini(&reverted);
    return step;
}

static struct op_step revert(struct github_op *base)
{
    struct revert_op *op = mine(base);
    AUTO_FREE char *title = title_of(base);
    AUTO_FREE char *body = body_of(base);
    if (op->pull.node_id[0] == '\0') {
        return by_rest(base, "it has no node id");
    }
    op->may_exist = true;
    op->n_looks = 0;
    github_memo(base, "{\"asked\":true}");
    return github_send(base, GITHUB_GRAPHQL, github_revert(op->pull.node_id, title, body),
                       on_reverted);
}

/* ---- looking ---------------------------------------------------------------------------
 */

static struct op_step on_tip(struct github_op *base, const struct http_response *response)
{
    struct revert_op *op = mine(base);
    char *sha = NULL;
    if (response->status != 200) {
        return github_refused(base, response, "looking at the base branch");
    }
    if (!github_sha_read(response, &sha)) {
        return github_odd(base, "branch");
    }
    set(&op->tip, sha);
    return op->revert > 0 ? look_at_revert(base) : revert(base);
}

static struct op_step look_at_pull(struct github_op *base);

/* Newest first. One that was closed counts only when this effect made it: else an operator
 * asks again, after a person had closed the last one. */
static struct op_step on_reverts(struct github_op *base,
                                 const struct http_response *response)
{
    struct revert_op *op = mine(base);
    struct github_pulls pulls;
    if (response->status != 200) {
        return github_refused(base, response, "looking for a revert");
    }
    if (!github_pulls_read(response, &pulls)) {
        return github_odd(base, "list of pull requests");
    }
    op->revert = op->made;
    for (size_t i = 0; i < pulls.n && op->revert == 0; i++) {
        const struct github_pull *pull = &pulls.rows[i];
        if (pull->reverts == op->pull.number && (pull->is_open || pull->is_merged)) {
            op->revert = pull->number;
        }
    }
    github_pulls_fini(&pulls);
    if (op->revert == 0 && op->may_exist && ++op->n_looks < LOOKS_MAX) {
        return github_pause(base, (struct span){3000}, look_at_pull);
    }
    return get(base, GITHUB_BRANCH_GET, 0, base->order->base, NULL, on_tip);
}

static struct op_step on_pull(struct github_op *base,
                              const struct http_response *response)
{
    struct revert_op *op = mine(base);
    struct github_pull pull;
    if (response->status != 200) {
        return github_refused(base, response, "looking at the pull request");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    github_pull_fini(&op->pull);
    op->pull = pull;
    if (!pull.is_merged) {
        return github_end(base, STATUS_PASSED, BLAME_NONE,
                          "pull request #%lld is not merged: nothing to take back",
                          (long long)pull.number);
    }
    if (pull.merge_sha[0] == '\0') { /* the API is about to leave the field out */
        set(&op->pull.merge_sha, mem_str(base->order->merge_sha));
    }
    AUTO_FREE char *into = http_escape(base->order->base);
    AUTO_FREE char *query =
        mem_printf("state=all&base=%s&sort=created&direction=desc&per_page=100", into);
    return get(base, GITHUB_PULL_LIST, 0, NULL, query, on_reverts);
}

static struct op_step look_at_pull(struct github_op *base)
{
    return get(base, GITHUB_PULL_GET, base->order->pr_number, NULL, NULL, on_pull);
}

static void recall(struct revert_op *op, const char *memo)
{
    struct err ignored = ERR_INIT;
    struct json *root =
        memo != NULL && memo[0] != '\0' ? json_parse(memo, strlen(memo), &ignored) : NULL;
    op->made = json_int(root, "pull", 0);
    op->may_exist = json_bool(root, "asked", false);
    op->base.has_begun = op->made > 0 || op->may_exist;
    json_free(root);
}

static void *open_revert_op(const struct op_input *input, struct err *err)
{
    struct revert_op *op = mem_alloc(sizeof(*op));
    if (!github_op_init(&op->base, input, err)) {
        free(op);
        return NULL;
    }
    op->base.look = look_at_pull;
    op->base.fini = fini;
    recall(op, input->memo);
    op->tip = mem_str("");
    op->tree = mem_str("");
    op->commit = mem_str("");
    if (op->base.order->pr_number <= 0 || op->base.order->base[0] == '\0') {
        err_set(err, ERR_CONFIG, "there is no pull request to take back");
        github_close(op);
        return NULL;
    }
    return op;
}

const struct op_class github_op_revert = GITHUB_OP_CLASS("revert", open_revert_op);
