/* SPDX-License-Identifier: MIT */
/* Waiting for the checks of a head. See github.h. */
#include <strings.h>

#include "engine/base/mem.h"
#include "engine/service/github.h"
#include "engine/service/github_op.h"

#define PAUSE_FIRST 5000 /* ms */
#define PAUSE_MAX   60000
#define SPACING     1000 /* one push makes dozens of webhooks: looks are so far apart */
#define ACTIONS     "github-actions"
#define LOGS_MAX    3 /* failed jobs whose logs are read */
#define LOG_BYTES   (32 * 1024 * 1024)
#define UPDATES_MAX 3 /* update-branch, when the head did not move */

struct wait_op {
    struct github_op base;
    struct github_checks checks;
    int64_t pause_ms;
    int n_looks, n_updates, n_logs;
    struct wall looked_at;
    bool was_hinted; /* a webhook told that there is something to see */
    size_t at;       /* the check whose log is read */
    char *told;      /* the last line for the log */
    struct buf excerpt;
};

static struct wait_op *mine(struct github_op *op)
{
    union {
        struct github_op *base;
        struct wait_op *op;
    } cast = {.base = op};
    return cast.op;
}

static void fini(struct github_op *base)
{
    struct wait_op *op = mine(base);
    github_checks_fini(&op->checks);
    free(op->told);
    buf_fini(&op->excerpt);
}

static struct op_step look_at_pull(struct github_op *base);

/* The end of the waiting. Found by asking, while nobody told: reconciled. */
static struct op_step ended(struct github_op *base, struct op_step step)
{
    base->is_reconciled = mine(base)->n_looks > 1 && !mine(base)->was_hinted;
    return step;
}

static struct op_step look_soon(struct github_op *base)
{
    struct wait_op *op = mine(base);
    int64_t since = wall_since(base->now, op->looked_at).ms;
    op->was_hinted = op->was_hinted || base->is_hinted;
    return base->is_hinted && since >= 0 && since < SPACING
               ? github_pause(base, (struct span){SPACING - since}, look_soon)
               : look_at_pull(base);
}

static struct op_step look_within(struct github_op *base, struct span longest)
{
    struct wait_op *op = mine(base);
    if (op->was_hinted) { /* more is coming, mostly */
        op->pause_ms = PAUSE_FIRST;
    }
    int64_t most = base->poll != NULL && base->poll->ms > 0 ? base->poll->ms : PAUSE_MAX;
    int64_t pause = op->pause_ms < most ? op->pause_ms : most;
    op->pause_ms = pause * 3 / 2 < most ? pause * 3 / 2 : most;
    pause += (int64_t)rng_below(base->rng, (uint64_t)(pause / 5) + 1);
    op->was_hinted = false;
    pause = pause < longest.ms ? pause : longest.ms;
    return github_pause(base, (struct span){pause}, look_soon);
}

static struct op_step look_later(struct github_op *base)
{
    return look_within(base,
                       (struct span){base->poll != NULL && base->poll->ms > PAUSE_MAX
                                         ? 2 * base->poll->ms
                                         : 2 * PAUSE_MAX});
}

static void tell(struct github_op *base, const char *line)
{
    struct wait_op *op = mine(base);
    if (op->told == NULL || strcmp(op->told, line) != 0) {
        github_log(base, "%s", line);
        free(op->told);
        op->told = mem_str(line);
    }
}

/* ---- red: what failed, and why ---------------------------------------------------------
 */

static struct op_step next_log(struct github_op *base);

static struct op_step end_red(struct github_op *base)
{
    struct wait_op *op = mine(base);
    const struct forge_spec *forge = &base->order->forge;
    AUTO_FREE char *text =
        github_gate_text(&op->checks, forge->expected, forge->n_expected);
    struct op_step step =
        github_end(base, STATUS_FAILED, BLAME_CHANGE, "checks: %s", text);
    step.result->excerpt = buf_take(&op->excerpt, NULL);
    return ended(base, step);
}

static void add_head(struct buf *excerpt, const struct github_check *check)
{
    (void)buf_printf(excerpt, "%s: %s%s%s\n", check->name, check->word,
                     check->title[0] != '\0' ? ", " : "", check->title);
}

static struct op_step on_log(struct github_op *base, const struct http_response *response)
{
    struct wait_op *op = mine(base);
    if (response->fault == HTTP_FINE && response->status == 200) {
        size_t room = (EXCERPT_MAX - 1024) / LOGS_MAX;
        AUTO_FREE char *lines =
            github_log_excerpt(response->body, response->body_len, room);
        (void)buf_str(&op->excerpt, lines);
    } else {
        char reason[GITHUB_REASON_MAX + 1];
        github_log(base, "no log of %s: %s", op->checks.rows[op->at].name,
                   github_reason(response, reason));
    }
    op->at++;
    return next_log(base);
}

/* docs.github.com "Download job logs for a workflow run": the place is good for a minute,
 * on another host that our token is not for. */
static struct op_step on_log_place(struct github_op *base,
                                   const struct http_response *response)
{
    struct http_request *request = response->fault == HTTP_FINE && response->status == 302
                                       ? github_request_log(response)
                                       : NULL;
    if (request == NULL) {
        return on_log(base, response);
    }
    request->answer_max = LOG_BYTES;
    return github_try(base, GITHUB_JOB_LOGS, request, on_log);
}

static struct op_step next_log(struct github_op *base)
{
    struct wait_op *op = mine(base);
    for (; op->at < op->checks.n; op->at++) {
        const struct github_check *check = &op->checks.rows[op->at];
        if (check->verdict != CHECK_RED) {
            continue;
        }
        add_head(&op->excerpt, check);
        if (check->is_run && check->job > 0 && op->n_logs < LOGS_MAX) {
            op->n_logs++;
            return github_try(base, GITHUB_JOB_LOGS,
                              github_request(GITHUB_JOB_LOGS,
                                             &(struct github_path){.repo = base->repo,
                                                                   .number = check->job}),
                              on_log_place);
        }
    }
    return end_red(base);
}

/* ---- the gate --------------------------------------------------------------------------
 */

static struct http_request *of_head(const struct github_op *base, enum github_call call)
{
    return github_request(call, &(struct github_path){.repo = base->repo,
                                                      .text = base->order->head_sha,
                                                      .query = "per_page=100"});
}

/* Every app that may write checks gets a suite with each push, whether it has anything to do
 * or not; that of Actions is made when a workflow is to run. */
static struct op_step on_suites(struct github_op *base,
                                const struct http_response *response)
{
    struct github_suites suites = {.n = 0};
    if (response->status != 200) {
        return github_refused(base, response, "looking at the check suites");
    }
    if (!github_suites_read(response, &suites)) {
        return github_odd(base, "list of check suites");
    }
    bool is_coming = false;
    for (size_t i = 0; i < suites.n; i++) {
        const struct github_suite *suite = &suites.rows[i];
        is_coming =
            is_coming || (strcmp(suite->status, "completed") != 0 &&
                          (suite->n_runs > 0 || strcmp(suite->app, ACTIONS) == 0));
    }
    github_suites_fini(&suites);
    if (is_coming) {
        tell(base, "no checks, and a suite has begun");
        return look_later(base);
    }
    return github_end(base, STATUS_PASSED, BLAME_NONE, "there are no checks");
}

/* They may be about to begin. */
static struct op_step on_none(struct github_op *base)
{
    struct span waited = wall_since(base->now, base->order->asked_at);
    return waited.ms >= GITHUB_GRACE.ms
               ? github_send(base, GITHUB_SUITE_LIST, of_head(base, GITHUB_SUITE_LIST),
                             on_suites)
               : look_within(base, (struct span){GITHUB_GRACE.ms - waited.ms});
}

static struct op_step judge(struct github_op *base)
{
    struct wait_op *op = mine(base);
    const struct forge_spec *forge = &base->order->forge;
    AUTO_FREE char *text =
        github_gate_text(&op->checks, forge->expected, forge->n_expected);
    tell(base, text);
    switch (github_gate(&op->checks, forge->expected, forge->n_expected)) {
    case CHECKS_GREEN:
        return ended(base,
                     github_end(base, STATUS_PASSED, BLAME_NONE, "checks: %s", text));
    case CHECKS_NONE:
        return on_none(base);
    case CHECKS_RED:
        buf_fini(&op->excerpt);
        buf_init(&op->excerpt, EXCERPT_MAX - 1);
        op->at = 0;
        op->n_logs = 0;
        return next_log(base);
    case CHECKS_PERSON:
        return ended(base,
                     github_end(base, STATUS_FAILED, BLAME_OPERATOR, "checks: %s", text));
    default:
        return look_later(base);
    }
}

static struct op_step on_statuses(struct github_op *base,
                                  const struct http_response *response)
{
    struct wait_op *op = mine(base);
    if (response->status != 200) {
        return github_refused(base, response, "looking at the statuses");
    }
    if (!github_checks_add_statuses(&op->checks, response)) {
        return github_odd(base, "combined status");
    }
    struct http_request *more = github_next_page(base, GITHUB_STATUS_COMBINED, response);
    if (more != NULL && !op->checks.is_cut) {
        return github_send(base, GITHUB_STATUS_COMBINED, more, on_statuses);
    }
    http_request_free(more);
    return judge(base);
}

static struct op_step on_runs(struct github_op *base,
                              const struct http_response *response)
{
    struct wait_op *op = mine(base);
    if (response->status != 200) {
        return github_refused(base, response, "looking at the check runs");
    }
    if (!github_checks_add_runs(&op->checks, response)) {
        return github_odd(base, "list of check runs");
    }
    struct http_request *more = github_next_page(base, GITHUB_CHECK_LIST, response);
    if (more != NULL && !op->checks.is_cut) {
        return github_send(base, GITHUB_CHECK_LIST, more, on_runs);
    }
    http_request_free(more);
    return github_send(base, GITHUB_STATUS_COMBINED,
                       of_head(base, GITHUB_STATUS_COMBINED), on_statuses);
}

/* ---- the pull request ------------------------------------------------------------------
 */

static struct op_step on_branch_updated(struct github_op *base,
                                        const struct http_response *response)
{
    if (response->status != 202) { /* conflict, or somebody was faster: look */
        char reason[GITHUB_REASON_MAX + 1];
        github_log(base, "the branch was not updated: %s",
                   github_reason(response, reason));
    }
    return github_pause(base, (struct span){2000}, look_at_pull);
}

static struct op_step on_pull(struct github_op *base,
                              const struct http_response *response)
{
    struct wait_op *op = mine(base);
    struct github_pull pull;
    struct op_step step;
    if (response->status != 200) {
        return github_refused(base, response, "looking at the pull request");
    }
    if (!github_pull_read(response, &pull)) {
        return github_odd(base, "pull request");
    }
    bool is_behind = strcmp(pull.state, "behind") == 0;
    bool is_settled = github_is_settled(base, &pull, &step);
    bool has_conflict = pull.is_open && pull.mergeable == GITHUB_NO;
    github_pull_fini(&pull);
    if (is_settled) {
        return ended(base, step);
    }
    if (has_conflict) { /* then checks of the merge do not even begin */
        return ended(base, github_end(base, STATUS_FAILED, BLAME_CHANGE,
                                      "merge conflict with %s", base->order->base));
    }
    if (is_behind && base->order->forge.updates_branch && op->n_updates < UPDATES_MAX) {
        op->n_updates++;
        return github_send(base, GITHUB_PULL_UPDATE_BRANCH,
                           github_pull_update_branch(base->repo, base->order->pr_number,
                                                     base->order->head_sha),
                           on_branch_updated);
    }
    github_checks_fini(&op->checks);
    return github_send(base, GITHUB_CHECK_LIST, of_head(base, GITHUB_CHECK_LIST),
                       on_runs);
}

static struct op_step look_at_pull(struct github_op *base)
{
    mine(base)->n_looks++;
    mine(base)->looked_at = base->now;
    if (base->order->kind == EFFECT_WATCH) { /* the pull request is merged by now */
        github_checks_fini(&mine(base)->checks);
        return github_send(base, GITHUB_CHECK_LIST, of_head(base, GITHUB_CHECK_LIST),
                           on_runs);
    }
    return github_send(
        base, GITHUB_PULL_GET,
        github_request(
            GITHUB_PULL_GET,
            &(struct github_path){.repo = base->repo, .number = base->order->pr_number}),
        on_pull);
}

/* ---- what webhooks say while nobody can be asked ---------------------------------------
 */

static enum github_verdict verdict_of(const struct forge_event *hint)
{
    return hint->kind == FORGE_CHECK_RUN
               ? github_verdict_of_run(hint->status, hint->conclusion)
           : hint->kind == FORGE_STATUS ? github_verdict_of_status(hint->status)
                                        : CHECK_PENDING;
}

static bool on_hint(struct github_op *base, const struct forge_event *hint,
                    struct op_step *ret_step)
{
    const struct order *order = base->order;
    bool is_head = strcmp(hint->sha, order->head_sha) == 0;
    bool is_pull = hint->kind == FORGE_PULL_REQUEST && hint->pull == order->pr_number;
    if (is_head && verdict_of(hint) == CHECK_RED) {
        *ret_step = github_end(base, STATUS_FAILED, BLAME_CHANGE,
                               "checks: %s is red (told by a webhook)", hint->name);
        ret_step->result->excerpt =
            mem_printf("%s: %s\n", hint->name,
                       hint->conclusion[0] != '\0' ? hint->conclusion : hint->status);
        return true;
    }
    if (is_pull && hint->is_closed && !hint->is_merged) {
        *ret_step = github_end(base, STATUS_FAILED, BLAME_OPERATOR,
                               "pull request #%lld was closed by %s",
                               (long long)hint->pull, hint->actor);
        return true;
    }
    if (is_pull && strcmp(hint->action, "synchronize") == 0 && hint->sha[0] != '\0' &&
        strcmp(hint->before, order->head_sha) == 0) {
        *ret_step = github_end(base, STATUS_REFUSED, BLAME_WORLD,
                               "the head of pull request #%lld moved to %.10s",
                               (long long)hint->pull, hint->sha);
        ret_step->result->head_sha = mem_str(hint->sha);
        return true;
    }
    github_log(base, "told by a webhook: %s %s %s", forge_event_name(hint->kind),
               hint->name, hint->conclusion[0] != '\0' ? hint->conclusion : hint->status);
    return false;
}

static void *open_checks(const struct op_input *input, struct err *err)
{
    struct wait_op *op = mem_alloc(sizeof(*op));
    if (!github_op_init(&op->base, input, err)) {
        free(op);
        return NULL;
    }
    op->base.look = look_soon;
    op->base.fini = fini;
    op->base.on_hint = on_hint;
    op->base.patience = GITHUB_BLIND;
    op->pause_ms = PAUSE_FIRST;
    buf_init(&op->excerpt, EXCERPT_MAX - 1);
    bool has_pull = op->base.order->pr_number > 0 || input->order->kind == EFFECT_WATCH;
    if (!has_pull || op->base.order->head_sha[0] == '\0') {
        err_set(err, ERR_CONFIG, "there is no pull request to check");
        github_close(op);
        return NULL;
    }
    return op;
}

const struct op_class github_op_checks = GITHUB_OP_CLASS("checks", open_checks);
