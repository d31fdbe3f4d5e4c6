/* SPDX-License-Identifier: MIT */
/* Merging exactly the head that was validated. See github.h. */
#include "engine/base/mem.h"
#include "engine/service/github_op.h"

#define COMPUTE_MAX 8  /* looks while GitHub computes whether it can be merged */
#define TRIES_MAX   6  /* merges that were refused for a passing reason */
#define UPDATES_MAX 3  /* update-branch */
#define MOVE_MAX    10 /* looks until an updated branch has moved */
#define READY_MAX   2  /* marking a draft ready */

struct merge_op {
    struct github_op base;
    int n_computes, n_tries, n_updates, n_moves, n_readies;
    bool is_updating; /* update-branch was accepted */
};

static struct merge_op *mine(struct github_op *op)
{
    union {
        struct github_op *base;
        struct merge_op *op;
    } cast = {.base = op};
    return cast.op;
}

static struct op_step look_at_pull(struct github_op *base);

static struct op_step look_again(struct github_op *base, int n)
{
    int64_t pause = 1000LL << (n < 5 ? n : 5);
    pause += (int64_t)rng_below(base->rng, (uint64_t)(pause / 5) + 1);
    return github_pause(base, (struct span){pause}, look_at_pull);
}

static struct op_step merged(struct github_op *base, const char *sha)
{
    struct op_step step =
        github_end(base, STATUS_PASSED, BLAME_NONE, "%s into %s as %.10s",
                   base->order->method == METHOD_SQUASH ? "squashed" : "merged",
                   base->order->base, sha);
    step.result->merge_sha = mem_str(sha);
    return step;
}

static struct op_step conflict(struct github_op *base)
{
    return github_end(base, STATUS_FAILED, BLAME_CHANGE, "merge conflict with %s",
                      base->order->base);
}

/* ---- the merge -------------------------------------------------------------------------
 */

/* 405: not mergeable, and why is in the words only. */
static struct op_step on_not_mergeable(struct github_op *base,
                                       const struct http_response *response)
{
    struct merge_op *op = mine(base);
    char reason[GITHUB_REASON_MAX + 1];
    (void)github_reason(response, reason);
    if (github_says(response, "conflict")) {
        return conflict(base);
    }
    if (github_says(response, "not allowed on this repository")) {
        return github_end(base, STATUS_REFUSED, BLAME_SETUP, "%s: %s", base->repo,
                          reason);
    }
    bool is_passing = github_says(response, "base branch was modified") ||
                      github_says(response, "not mergeable");
    if (is_passing && ++op->n_tries < TRIES_MAX) {
        github_log(base, "not merged yet: %s", reason);
        return look_again(base, op->n_tries);
    }
    return github_end(base, STATUS_FAILED, BLAME_OPERATOR,
                      "GitHub does not merge pull request #%lld: %s",
                      (long long)base->order->pr_number, reason);
}

static struct op_step on_done(struct github_op *base,
                              const struct http_response *response)
{
    struct github_merge merge = {.sha = NULL};
    if (!github_merge_read(response, &merge) || !merge.is_merged) {
        github_merge_fini(&merge);
        base->has_begun = true;
        return github_odd(base, "merge");
    }
    struct op_step step = merged(base, merge.sha);
    github_merge_fini(&merge);
    return step;
}

static struct op_step on_merged(struct github_op *base,
                                const struct http_response *response)
{
    struct merge_op *op = mine(base);
    switch (response->status) {
    case 200:
        return on_done(base, response);
    case 405:
        return on_not_mergeable(base, response);
    case 409: /* the head is another one: the look will say so */
        return ++op->n_tries < TRIES_MAX ? look_again(base, op->n_tries)
                                         : github_refused(base, response, "merging");
    default:
        return github_refused(base, response, "merging");
    }
}

static struct op_step merge(struct github_op *base, const struct github_pull *pull)
{
    const struct order *order = base->order;
    bool is_squash = order->method == METHOD_SQUASH;
    /* what its author called it, and not what we were told to do with it */
    const char *name = order->is_adopted ? pull->title : order->title;
    AUTO_FREE char *title = mem_printf("%s (#%lld)", name, (long long)order->pr_number);
    AUTO_FREE char *message = mem_printf(
        "%s%sSignalbox-Workflow: wf-%lld\nSignalbox-Effect: wf-%lld.%lld\n"
        "Signalbox-Head: %s\n",
        is_squash ? "" : name, is_squash ? "" : "\n\n", (long long)order->workflow,
        (long long)order->workflow, (long long)order->seq, order->head_sha);
    return github_send(base, GITHUB_PULL_MERGE,
                       github_pull_merge(base->repo, order->pr_number, order->head_sha,
                                         is_squash ? "squash" : "merge",
                                         is_squash ? title : NULL, message),
                       on_merged);
}

/* ---- what stands before it -------------------------------------------------------------
 */

static struct op_step on_updated(struct github_op *base,
                                 const struct http_response *response)
{
    struct merge_op *op = mine(base);
    op->is_updating = response->status == 202;
    if (!op->is_updating) {
        char reason[GITHUB_REASON_MAX + 1];
        github_log(base, "the branch was not updated: %s",
                   github_reason(response, reason));
    }
    return look_again(base, 0);
}

static struct op_step on_ready(struct github_op *base,
                               const struct http_response *response)
{
    char reason[GITHUB_REASON_MAX + 1];
    if (response->status != 200) {
        github_log(base, "the draft was not marked ready: %s",
                   github_reason(response, reason));
    }
    return look_again(base, 0);
}

static struct op_step on_draft(struct github_op *base, const struct github_pull *pull)
{
    struct merge_op *op = mine(base);
    if (base->order->forge.is_draft && op->n_readies < READY_MAX) {
        op->n_readies++;
        return github_send(base, GITHUB_GRAPHQL, github_mark_ready(pull->node_id),
                           on_ready);
    }
    return github_end(base, STATUS_FAILED, BLAME_OPERATOR,
                      "pull request #%lld is a draft", (long long)pull->number);
}

static struct op_step on_behind(struct github_op *base)
{
    struct merge_op *op = mine(base);
    if (op->is_updating && ++op->n_moves < MOVE_MAX) {
        return look_again(base, op->n_moves);
    }
    if (op->n_updates == UPDATES_MAX) {
        return github_end(base, STATUS_FAILED, BLAME_OPERATOR,
                          "pull request #%lld is behind %s and cannot be updated",
                          (long long)base->order->pr_number, base->order->base);
    }
    op->n_updates++;
    op->n_moves = 0;
    return github_send(base, GITHUB_PULL_UPDATE_BRANCH,
                       github_pull_update_branch(base->repo, base->order->pr_number,
                                                 base->order->head_sha),
                       on_updated);
}

static struct op_step judge(struct github_op *base, const struct github_pull *pull)
{
    struct merge_op *op = mine(base);
    struct op_step step;
    if (github_is_settled(base, pull, &step)) {
        return step;
    }
    if (pull->is_draft) {
        return on_draft(base, pull);
    }
    if (pull->mergeable == GITHUB_NO) {
        return conflict(base);
    }
    if (pull->mergeable == GITHUB_UNKNOWN && ++op->n_computes <= COMPUTE_MAX) {
        return look_again(base, op->n_computes - 1);
    }
    if (strcmp(pull->state, "behind") == 0 && base->order->forge.updates_branch) {
        return on_behind(base);
    }
    return merge(base, pull);
}

static struct op_step on_pull(struct github_op *base,
                              const struct http_response *response)
{
    struct github_pull pull;
    if (response->status != 200) {
        return github_refused(base, response, "looking at the pull request");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    struct op_step step = judge(base, &pull);
    github_pull_fini(&pull);
    return step;
}

static struct op_step look_at_pull(struct github_op *base)
{
    struct http_request *request = github_request(
        GITHUB_PULL_GET,
        &(struct github_path){.repo = base->repo, .number = base->order->pr_number});
    return github_send(base, GITHUB_PULL_GET, request, on_pull);
}

static void *open_merge(const struct op_input *input, struct err *err)
{
    struct merge_op *op = mem_alloc(sizeof(*op));
    if (!github_op_init(&op->base, input, err)) {
        free(op);
        return NULL;
    }
    op->base.look = look_at_pull;
    if (op->base.order->pr_number <= 0 || op->base.order->head_sha[0] == '\0') {
        err_set(err, ERR_CONFIG, "there is no validated pull request to merge");
        github_close(op);
        return NULL;
    }
    return op;
}

const struct op_class github_op_merge = GITHUB_OP_CLASS("merge", open_merge);
