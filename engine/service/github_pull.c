/* SPDX-License-Identifier: MIT */
/* Opening, updating and closing a pull request. See github.h. */
#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/service/github_op.h"

#define TASK_MAX  40000 /* bytes; a body may have 65536 characters */
#define PLAN_MAX  20000
#define STALE_MAX 5 /* looks until a push must have reached the pull request */
#define AGAIN_MAX 3 /* 422 "already exists", and then it is not found */
#define DIFF_MAX  (DOC_MAX - 256)

struct pull_op {
    struct github_op base;
    struct github_pull pull;
    char *diff, *commits;
    int n_stale, n_again;
    bool is_new, no_draft;
    bool may_have_commented; /* close: the memo says so */
};

static struct pull_op *mine(struct github_op *op)
{
    union {
        struct github_op *base;
        struct pull_op *op;
    } cast = {.base = op};
    return cast.op;
}

static void fini(struct github_op *base)
{
    struct pull_op *op = mine(base);
    github_pull_fini(&op->pull);
    free(op->diff);
    free(op->commits);
}

static void *open_with(const struct op_input *input,
                       struct op_step (*look)(struct github_op *), struct err *err)
{
    struct pull_op *op = mem_alloc(sizeof(*op));
    if (!github_op_init(&op->base, input, err)) {
        free(op);
        return NULL;
    }
    op->base.look = look;
    op->base.fini = fini;
    return op;
}

static struct http_request *request_of(const struct github_op *base,
                                       enum github_call call, int64_t number,
                                       const char *query)
{
    return github_request(
        call,
        &(struct github_path){.repo = base->repo, .number = number, .query = query});
}

/* ---- the text --------------------------------------------------------------------------
 */

static void add_doc(struct buf *body, const char *title, const char *text, size_t max)
{
    size_t len = strlen(text);
    if (len == 0) {
        return;
    }
    (void)buf_printf(body, "%s", title);
    (void)buf_add(body, text, len < max ? len : max);
    (void)buf_str(body, len > max ? " [...]\n\n" : "\n\n");
}

static char *body_of(const struct github_op *base)
{
    AUTO_BUF struct buf body;
    AUTO_FREE char *mark = github_mark(base);
    buf_init(&body, TASK_MAX + PLAN_MAX + 1000);
    add_doc(&body, "", base->task, TASK_MAX);
    add_doc(&body, "## Plan\n\n", strcmp(base->task, base->plan) != 0 ? base->plan : "",
            PLAN_MAX);
    (void)buf_printf(&body, "---\n");
    if (base->order->iteration > 1) {
        (void)buf_printf(&body, "Iteration %d\n", base->order->iteration);
    }
    (void)buf_printf(&body, GITHUB_MARK "%s\n", mark);
    return buf_take(&body, NULL);
}

/* ---- pull request ----------------------------------------------------------------------
 */

static struct op_step end_pull(struct github_op *base)
{
    struct pull_op *op = mine(base);
    const struct github_pull *pull = &op->pull;
    struct op_step step = github_end(base, STATUS_PASSED, BLAME_NONE, "%s #%lld: %s",
                                     op->is_new ? "opened" : "pull request",
                                     (long long)pull->number, pull->url);
    step.result->pr_number = pull->number;
    step.result->branch = mem_str(pull->head_ref);
    step.result->head_sha = mem_str(pull->head_sha);
    step.result->diff = TAKE(op->diff);
    step.result->commits = TAKE(op->commits);
    return step;
}

static struct op_step on_commits(struct github_op *base,
                                 const struct http_response *response)
{
    struct pull_op *op = mine(base);
    if (response->fault == HTTP_FINE && response->status == 200) {
        free(op->commits);
        op->commits = github_commits_read(response, DIFF_MAX);
    }
    return end_pull(base);
}

static struct op_step on_files(struct github_op *base,
                               const struct http_response *response)
{
    struct pull_op *op = mine(base);
    if (response->fault == HTTP_FINE && response->status == 200) {
        free(op->diff);
        op->diff = github_diff_read(response, DIFF_MAX);
    }
    return github_try(
        base, GITHUB_PULL_COMMITS,
        request_of(base, GITHUB_PULL_COMMITS, op->pull.number, "per_page=100"),
        on_commits);
}

static struct op_step fetch_docs(struct github_op *base)
{
    return github_try(
        base, GITHUB_PULL_FILES,
        request_of(base, GITHUB_PULL_FILES, mine(base)->pull.number, "per_page=100"),
        on_files);
}

static struct op_step on_labels(struct github_op *base,
                                const struct http_response *response)
{
    if (response->fault != HTTP_FINE || response->status != 200) {
        char reason[GITHUB_REASON_MAX + 1];
        github_log(base, "labels were not put on: %s", github_reason(response, reason));
    }
    return fetch_docs(base);
}

static struct op_step add_labels(struct github_op *base)
{
    const struct forge_spec *forge = &base->order->forge;
    if (forge->n_labels == 0 || base->order->is_adopted) {
        return fetch_docs(base);
    }
    return github_try(base, GITHUB_LABEL_ADD,
                      github_label_add(base->repo, mine(base)->pull.number, forge->labels,
                                       forge->n_labels),
                      on_labels);
}

static struct op_step on_updated(struct github_op *base,
                                 const struct http_response *response)
{
    if (response->status != 200) {
        return github_refused(base, response, "updating the pull request");
    }
    return add_labels(base);
}

/* It is there: bring its text up to date when it is ours. */
static struct op_step go_on_with(struct github_op *base)
{
    struct pull_op *op = mine(base);
    AUTO_FREE char *mark = github_mark(base);
    bool is_ours = op->pull.is_ours && strcmp(op->pull.mark, mark) == 0;
    if (!is_ours || op->is_new || base->order->iteration <= 1 ||
        base->order->is_adopted) {
        return add_labels(base);
    }
    AUTO_FREE char *body = body_of(base);
    return github_send(base, GITHUB_PULL_UPDATE,
                       github_pull_update(base->repo, op->pull.number, NULL, body, NULL),
                       on_updated);
}

static struct op_step look_for_pull(struct github_op *base);

/* Takes pull. A push takes a moment to reach the pull request. */
static struct op_step judge_pull(struct github_op *base, struct github_pull pull)
{
    struct pull_op *op = mine(base);
    struct op_step step;
    const char *head = base->order->head_sha;
    github_pull_fini(&op->pull);
    op->pull = pull;
    if (pull.is_open && head[0] != '\0' && strcmp(head, pull.head_sha) != 0 &&
        ++op->n_stale < STALE_MAX) {
        return github_pause(base, (struct span){1000 * op->n_stale}, look_for_pull);
    }
    if (github_is_settled(base, &op->pull, &step)) {
        return step;
    }
    if (base->order->base[0] != '\0' && strcmp(base->order->base, pull.base_ref) != 0) {
        return github_end(base, STATUS_REFUSED, BLAME_SETUP,
                          "pull request #%lld goes into %s, the pipeline into %s",
                          (long long)pull.number, pull.base_ref, base->order->base);
    }
    return go_on_with(base);
}

static struct op_step on_created(struct github_op *base,
                                 const struct http_response *response)
{
    struct pull_op *op = mine(base);
    struct github_pull pull = {.number = 0};
    if (response->status == 201 && github_pull_read(response, &pull)) {
        op->is_new = true;
        return judge_pull(base, pull);
    }
    if (response->status == 201) {
        return github_odd(base, "pull request");
    }
    if (response->status != 422) {
        return github_refused(base, response, "opening the pull request");
    }
    char reason[GITHUB_REASON_MAX + 1];
    (void)github_reason(response, reason);
    if (github_says(response, "already exists") && ++op->n_again < AGAIN_MAX) {
        return github_pause(base, (struct span){1000}, look_for_pull);
    }
    if (github_says(response, "no commits between")) {
        return github_end(base, STATUS_FAILED, BLAME_CHANGE, "the agent changed nothing");
    }
    if (github_says(response, "draft") && !op->no_draft) { /* not of every plan */
        op->no_draft = true;
        github_log(base, "no draft: %s", reason);
        return github_pause(base, (struct span){1}, look_for_pull);
    }
    return github_end(base, STATUS_REFUSED, BLAME_SETUP,
                      "opening the pull request in "
                      "%s: %s",
                      base->repo, reason);
}

static struct op_step create_pull(struct github_op *base)
{
    const struct order *order = base->order;
    AUTO_FREE char *body = body_of(base);
    struct github_new_pull pull = {
        .title = order->title,
        .body = body,
        .head = order->branch,
        .base = order->base,
        .is_draft = order->forge.is_draft && !mine(base)->no_draft,
    };
    return github_send(base, GITHUB_PULL_CREATE, github_pull_create(base->repo, &pull),
                       on_created);
}

static struct op_step on_found(struct github_op *base,
                               const struct http_response *response)
{
    struct github_pulls pulls;
    if (response->status != 200) {
        return github_refused(base, response, "looking for the pull request");
    }
    if (!github_pulls_read(response, &pulls)) {
        return github_odd(base, "list of pull requests");
    }
    struct github_pull pull = {.number = 0};
    for (size_t i = 0; i < pulls.n && pull.number == 0; i++) {
        if (strcmp(pulls.rows[i].head_ref, base->order->branch) == 0) {
            pull = pulls.rows[i];
            pulls.rows[i] = (struct github_pull){.number = 0};
        }
    }
    github_pulls_fini(&pulls);
    return pull.number > 0 ? judge_pull(base, pull) : create_pull(base);
}

static struct op_step on_known(struct github_op *base,
                               const struct http_response *response)
{
    struct github_pull pull;
    if (response->status == 404 && base->order->is_adopted) { /* a person named it */
        return github_end(base, STATUS_REFUSED, BLAME_SETUP,
                          "there is no pull request #%lld in %s, or the token may not "
                          "see it (404)",
                          (long long)base->order->pr_number, base->repo);
    }
    if (response->status != 200) {
        return github_refused(base, response, "looking at the pull request");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    return judge_pull(base, pull);
}

static struct op_step look_for_pull(struct github_op *base)
{
    const struct order *order = base->order;
    if (order->pr_number > 0) {
        return github_send(base, GITHUB_PULL_GET,
                           request_of(base, GITHUB_PULL_GET, order->pr_number, NULL),
                           on_known);
    }
    AUTO_FREE char *branch = http_escape(order->branch);
    AUTO_FREE char *into = http_escape(order->base);
    AUTO_FREE char *query =
        mem_printf("state=open&head=%.*s:%s&base=%s&per_page=100",
                   (int)strcspn(base->repo, "/"), base->repo, branch, into);
    return github_send(base, GITHUB_PULL_LIST,
                       request_of(base, GITHUB_PULL_LIST, 0, query), on_found);
}

static void *open_pull(const struct op_input *input, struct err *err)
{
    struct pull_op *op = open_with(input, look_for_pull, err);
    if (op != NULL && op->base.order->pr_number <= 0 &&
        (op->base.order->branch[0] == '\0' || op->base.order->base[0] == '\0')) {
        err_set(err, ERR_CONFIG, "a pull request needs a branch and a base");
        github_close(op);
        return NULL;
    }
    return op;
}

const struct op_class github_op_pull = GITHUB_OP_CLASS("pull-request", open_pull);

/* ---- close -----------------------------------------------------------------------------
 */

static struct op_step end_close(struct github_op *base, const char *what)
{
    int64_t number = base->order->pr_number;
    return number > 0 ? github_end(base, STATUS_PASSED, BLAME_NONE,
                                   "pull request #%lld %s", (long long)number, what)
                      : github_end(base, STATUS_PASSED, BLAME_NONE, "%s", what);
}

static struct op_step on_deleted(struct github_op *base,
                                 const struct http_response *response)
{
    /* 422 "Reference does not exist" */
    bool is_gone =
        response->fault == HTTP_FINE &&
        (response->status == 204 || response->status == 404 || response->status == 422);
    if (!is_gone) {
        char reason[GITHUB_REASON_MAX + 1];
        github_log(base, "branch %s was not deleted: %s", base->order->branch,
                   github_reason(response, reason));
    }
    return end_close(base, base->order->pr_number == 0 ? "there was none to close"
                           : is_gone                   ? "closed, branch deleted"
                                                       : "closed, its branch is left");
}

static struct op_step delete_branch(struct github_op *base)
{
    if (!github_is_our_branch(base->order->branch)) {
        return end_close(base, "closed");
    }
    AUTO_FREE char *ref = mem_printf("heads/%s", base->order->branch);
    return github_try(
        base, GITHUB_REF_DELETE,
        github_request(GITHUB_REF_DELETE,
                       &(struct github_path){.repo = base->repo, .text = ref}),
        on_deleted);
}

static struct op_step on_closed(struct github_op *base,
                                const struct http_response *response)
{
    return response->status == 200
               ? delete_branch(base)
               : github_refused(base, response, "closing the pull request");
}

static struct op_step close_it(struct github_op *base)
{
    return github_send(
        base, GITHUB_PULL_UPDATE,
        github_pull_update(base->repo, base->order->pr_number, NULL, NULL, "closed"),
        on_closed);
}

static struct op_step on_commented(struct github_op *base,
                                   const struct http_response *response)
{
    if (response->fault != HTTP_FINE || response->status != 201) {
        char reason[GITHUB_REASON_MAX + 1];
        github_log(base, "no comment was made: %s", github_reason(response, reason));
    }
    return close_it(base);
}

static struct op_step comment(struct github_op *base)
{
    AUTO_FREE char *mark = github_mark(base);
    AUTO_FREE char *text =
        mem_printf("Closed: the work on it was given up.\n\n" GITHUB_MARK "%s\n", mark);
    mine(base)->may_have_commented = true;
    github_memo(base, "{\"phase\":\"comment\"}");
    return github_try(base, GITHUB_COMMENT_CREATE,
                      github_comment_create(base->repo, base->order->pr_number, text),
                      on_commented);
}

static struct op_step on_comments(struct github_op *base,
                                  const struct http_response *response)
{
    AUTO_FREE char *mark = github_mark(base);
    AUTO_FREE char *line = mem_printf(GITHUB_MARK "%s\n", mark);
    bool is_there = response->fault != HTTP_FINE || response->status != 200 ||
                    github_has_comment(response, line);
    return is_there ? close_it(base) : comment(base);
}

static struct op_step on_open(struct github_op *base,
                              const struct http_response *response)
{
    struct pull_op *op = mine(base);
    struct github_pull pull;
    if (response->status == 404) {
        return delete_branch(base);
    }
    if (response->status != 200) {
        return github_refused(base, response, "looking at the pull request");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    github_pull_fini(&op->pull);
    op->pull = pull;
    if (pull.is_merged) {
        return end_close(base, "was merged already");
    }
    if (!pull.is_open) {
        return delete_branch(base);
    }
    if (!op->may_have_commented) {
        return comment(base);
    }
    return github_try(base, GITHUB_COMMENT_LIST,
                      request_of(base, GITHUB_COMMENT_LIST, pull.number, "per_page=100"),
                      on_comments);
}

static struct op_step look_at_open(struct github_op *base)
{
    if (base->order->is_adopted) {
        return end_close(base, "is left open: it is not ours");
    }
    if (base->order->pr_number <= 0) {
        return delete_branch(base);
    }
    return github_send(base, GITHUB_PULL_GET,
                       request_of(base, GITHUB_PULL_GET, base->order->pr_number, NULL),
                       on_open);
}

static void *open_close(const struct op_input *input, struct err *err)
{
    struct pull_op *op = open_with(input, look_at_open, err);
    if (op != NULL) {
        op->may_have_commented = input->memo != NULL && input->memo[0] != '\0';
    }
    return op;
}

const struct op_class github_op_close = GITHUB_OP_CLASS("close", open_close);
