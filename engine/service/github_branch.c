/* SPDX-License-Identifier: MIT */
/* Workspace and commit for an agent that works elsewhere. See github.h. */
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/github_op.h"

#define BRANCH_TRIES 20

struct branch_op {
    struct github_op base;
    char *name;     /* workspace: the candidate; commit: where the head is */
    char *base_sha; /* of the base branch */
    char *head;
    int n_names;
};

static struct branch_op *mine(struct github_op *op)
{
    union {
        struct github_op *base;
        struct branch_op *op;
    } cast = {.base = op};
    return cast.op;
}

static void fini(struct github_op *base)
{
    struct branch_op *op = mine(base);
    free(op->name);
    free(op->base_sha);
    free(op->head);
}

static void *open_with(const struct op_input *input,
                       struct op_step (*look)(struct github_op *), struct err *err)
{
    struct branch_op *op = mem_alloc(sizeof(*op));
    if (!github_op_init(&op->base, input, err)) {
        free(op);
        return NULL;
    }
    op->base.look = look;
    op->base.fini = fini;
    op->name = mem_str("");
    op->base_sha = mem_str("");
    op->head = mem_str("");
    return op;
}

static void set(char **text, char *value)
{
    free(*text);
    *text = value;
}

/* ---- workspace: repository, base, a name for the branch --------------------------------
 */

static struct op_step end_workspace(struct github_op *base)
{
    struct branch_op *op = mine(base);
    struct op_step step =
        github_end(base, STATUS_PASSED, BLAME_NONE, "branch %s from %s at %.10s",
                   op->name, base->order->base, op->base_sha);
    step.result->branch = mem_str(op->name);
    step.result->base_sha = mem_str(op->base_sha);
    return step;
}

/* Before an agent runs once more: is what it works for still open? */
static struct op_step on_goal(struct github_op *base,
                              const struct http_response *response)
{
    struct github_pull pull = {.number = 0};
    if (response->status != 200) {
        return github_refused(base, response, "looking at the pull request");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    bool is_open = pull.is_open, is_merged = pull.is_merged;
    github_pull_fini(&pull);
    if (is_open) {
        return end_workspace(base);
    }
    return github_end(base, STATUS_FAILED, BLAME_OPERATOR,
                      "pull request #%lld was %s by a person: no agent runs for it again",
                      (long long)base->order->pr_number, is_merged ? "merged" : "closed");
}

static struct op_step look_at_goal(struct github_op *base)
{
    const struct order *order = base->order;
    if (order->iteration <= 1 || order->pr_number <= 0) {
        return end_workspace(base);
    }
    return github_send(base, GITHUB_PULL_GET,
                       github_request(GITHUB_PULL_GET,
                                      &(struct github_path){.repo = base->repo,
                                                            .number = order->pr_number}),
                       on_goal);
}

static struct op_step try_name(struct github_op *base);

static struct op_step on_name(struct github_op *base,
                              const struct http_response *response)
{
    if (response->status == 404) {
        return end_workspace(base);
    }
    if (response->status == 200) { /* of another store, or of an earlier one */
        return try_name(base);
    }
    return github_refused(base, response, "looking for a branch's name");
}

static struct op_step try_name(struct github_op *base)
{
    struct branch_op *op = mine(base);
    if (op->n_names == BRANCH_TRIES) {
        return github_end(base, STATUS_REFUSED, BLAME_SETUP,
                          "no free name for a branch below signalbox/");
    }
    AUTO_FREE char *mark = github_mark(base);
    op->n_names++;
    set(&op->name, op->n_names == 1 ? mem_printf("signalbox/%s", mark)
                                    : mem_printf("signalbox/%s-%d", mark, op->n_names));
    AUTO_FREE char *ref = mem_printf("heads/%s", op->name);
    return github_send(
        base, GITHUB_REF_GET,
        github_request(GITHUB_REF_GET,
                       &(struct github_path){.repo = base->repo, .text = ref}),
        on_name);
}

static struct op_step on_base(struct github_op *base,
                              const struct http_response *response)
{
    struct branch_op *op = mine(base);
    char *sha = NULL;
    if (response->status != 200) {
        return github_refused(base, response, "looking at the base branch");
    }
    if (!github_sha_read(response, &sha)) {
        return github_odd(base, "branch");
    }
    set(&op->base_sha, sha);
    if (base->order->branch[0] != '\0') { /* chosen in an earlier iteration */
        set(&op->name, mem_str(base->order->branch));
        return look_at_goal(base);
    }
    op->n_names = 0;
    return try_name(base);
}

static struct op_step on_repo(struct github_op *base,
                              const struct http_response *response)
{
    struct github_repo repo = {.name = NULL};
    if (response->status != 200) {
        return github_refused(base, response, "looking at the repository");
    }
    if (!github_repo_read(response, &repo)) {
        return github_odd(base, "repository");
    }
    bool is_archived = repo.is_archived;
    github_repo_fini(&repo);
    if (is_archived) {
        return github_end(base, STATUS_REFUSED, BLAME_SETUP, "%s is archived: read-only",
                          base->repo);
    }
    return github_send(base, GITHUB_BRANCH_GET,
                       github_request(GITHUB_BRANCH_GET,
                                      &(struct github_path){.repo = base->repo,
                                                            .text = base->order->base}),
                       on_base);
}

static struct op_step look_at_repo(struct github_op *base)
{
    return github_send(
        base, GITHUB_REPO_GET,
        github_request(GITHUB_REPO_GET, &(struct github_path){.repo = base->repo}),
        on_repo);
}

static bool needs_base(const struct op_input *input, struct err *err)
{
    return (input->order->base != NULL && input->order->base[0] != '\0') ||
           err_set(err, ERR_CONFIG, "the pipeline names no base branch");
}

static void *open_workspace(const struct op_input *input, struct err *err)
{
    return needs_base(input, err) ? open_with(input, look_at_repo, err) : NULL;
}

const struct op_class github_op_workspace = GITHUB_OP_CLASS("workspace", open_workspace);

/* ---- commit: the head that the agent left ----------------------------------------------
 */

static struct op_step on_compare(struct github_op *base,
                                 const struct http_response *response)
{
    struct branch_op *op = mine(base);
    struct github_compare compare = {.merge_base = NULL};
    if (response->status != 200) {
        return github_refused(base, response, "comparing the branch with the base");
    }
    if (!github_compare_read(response, &compare)) {
        return github_odd(base, "comparison");
    }
    struct op_step step;
    if (compare.ahead == 0 || compare.n_files == 0) {
        step = github_end(base, STATUS_FAILED, BLAME_CHANGE, "the agent changed nothing");
    } else {
        step = github_end(base, STATUS_PASSED, BLAME_NONE,
                          "%lld commit%s, %zu file%s%s changed", (long long)compare.ahead,
                          compare.ahead == 1 ? "" : "s", compare.n_files,
                          compare.n_files == 1 ? "" : "s",
                          compare.n_files == 300 ? " or more" : ""); /* all it lists */
        step.result->head_sha = mem_str(op->head);
        step.result->branch = mem_str(op->name);
        step.result->commits = TAKE(compare.commits);
        if (compare.merge_base[0] != '\0') {
            step.result->base_sha = mem_str(compare.merge_base);
        }
    }
    github_compare_fini(&compare);
    return step;
}

static struct op_step compare(struct github_op *base)
{
    struct branch_op *op = mine(base);
    return github_send(
        base, GITHUB_COMPARE,
        github_request(GITHUB_COMPARE, &(struct github_path){.repo = base->repo,
                                                             .text = base->order->base,
                                                             .other = op->head,
                                                             .query = "per_page=100"}),
        on_compare);
}

static struct op_step no_branch(struct github_op *base)
{
    return github_end(base, STATUS_FAILED, BLAME_CHANGE,
                      "the agent left no branch %s and no pull request",
                      base->order->branch);
}

/* Agents that open pull requests themselves name the branch as they like. */
static struct op_step on_pull(struct github_op *base,
                              const struct http_response *response)
{
    struct branch_op *op = mine(base);
    struct github_pull pull = {.number = 0};
    if (response->status == 404) {
        return no_branch(base);
    }
    if (response->status != 200) {
        return github_refused(base, response, "looking at the pull request");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    set(&op->name, mem_str(pull.head_ref));
    set(&op->head, mem_str(pull.head_sha));
    github_pull_fini(&pull);
    return compare(base);
}

static struct op_step on_branch(struct github_op *base,
                                const struct http_response *response)
{
    struct branch_op *op = mine(base);
    char *sha = NULL;
    if (response->status == 404 && base->order->pr_number > 0) {
        return github_send(
            base, GITHUB_PULL_GET,
            github_request(GITHUB_PULL_GET,
                           &(struct github_path){.repo = base->repo,
                                                 .number = base->order->pr_number}),
            on_pull);
    }
    if (response->status == 404) {
        return no_branch(base);
    }
    if (response->status != 200) {
        return github_refused(base, response, "looking for the branch");
    }
    if (!github_sha_read(response, &sha)) {
        return github_odd(base, "branch");
    }
    set(&op->head, sha);
    set(&op->name, mem_str(base->order->branch));
    return compare(base);
}

static struct op_step look_for_branch(struct github_op *base)
{
    AUTO_FREE char *ref = mem_printf("heads/%s", base->order->branch);
    return github_send(
        base, GITHUB_REF_GET,
        github_request(GITHUB_REF_GET,
                       &(struct github_path){.repo = base->repo, .text = ref}),
        on_branch);
}

static void *open_commit(const struct op_input *input, struct err *err)
{
    struct branch_op *op =
        needs_base(input, err) ? open_with(input, look_for_branch, err) : NULL;
    if (op != NULL && op->base.order->branch[0] == '\0') {
        err_set(err, ERR_CONFIG, "the workflow has no branch");
        github_close(op);
        return NULL;
    }
    return op;
}

const struct op_class github_op_commit = GITHUB_OP_CLASS("commit", open_commit);
