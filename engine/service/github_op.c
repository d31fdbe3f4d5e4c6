/* SPDX-License-Identifier: MIT */
#include "engine/service/github_op.h"

#include <stdarg.h>
#include <strings.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/service/github.h"

#define REDIRECTS_MAX 5
#define UNSURE_MAX    6 /* looks after writes whose answer was lost */
#define ODD_MAX       3 /* answers that are none */
#define LOG_MAX       (16 * 1024)
#define BLIND_PAUSE   ((struct span){10 * 1000})
#define BLIND_MAX     ((struct span){600 * 1000})
#define UNSURE_PAUSE  ((struct span){2 * 1000})

static const struct op_row rows[] = {
    {SERVICE_GITHUB, EFFECT_WORKSPACE,    &github_op_workspace},
    {SERVICE_GITHUB, EFFECT_COMMIT,       &github_op_commit   },
    {SERVICE_GITHUB, EFFECT_PULL_REQUEST, &github_op_pull     },
    {SERVICE_GITHUB, EFFECT_FORGE_CHECKS, &github_op_checks   },
    {SERVICE_GITHUB, EFFECT_WATCH,        &github_op_checks   },
    {SERVICE_GITHUB, EFFECT_MERGE,        &github_op_merge    },
    {SERVICE_GITHUB, EFFECT_REVERT,       &github_op_revert   },
    {SERVICE_GITHUB, EFFECT_CLOSE,        &github_op_close    },
    {SERVICE_GITHUB, EFFECT_NONE,         &github_op_redeliver},
};
const struct op_table github_ops = {rows, ARRAY_LEN(rows)};

/* ---- open and close --------------------------------------------------------------------
 */

static char *copy(const char *text)
{
    return mem_str(text != NULL ? text : "");
}

static char **copy_list(char *const *texts, size_t n)
{
    char **list = mem_array(n + 1, sizeof(*list));
    for (size_t i = 0; i < n; i++) {
        list[i] = mem_str(texts[i]);
    }
    return list;
}

static struct order *copy_order(const struct order *from)
{
    struct order *order = mem_alloc(sizeof(*order));
    order->workflow = from->workflow;
    order->seq = from->seq;
    order->kind = from->kind;
    order->iteration = from->iteration;
    order->attempt = from->attempt;
    order->asked_at = from->asked_at;
    order->pr_number = from->pr_number;
    order->is_adopted = from->is_adopted;
    order->method = from->method;
    order->name = copy(from->name);
    order->repo = copy(from->repo);
    order->base = copy(from->base);
    order->title = copy(from->title);
    order->submitter = copy(from->submitter);
    order->branch = copy(from->branch);
    order->base_sha = copy(from->base_sha);
    order->head_sha = copy(from->head_sha);
    order->merge_sha = copy(from->merge_sha);
    order->forge.repository = copy(from->forge.repository);
    /* what is expected of a pull request may not run on the base at all */
    order->forge.n_expected = from->kind == EFFECT_WATCH ? 0 : from->forge.n_expected;
    order->forge.expected = copy_list(from->forge.expected, order->forge.n_expected);
    order->forge.labels = copy_list(from->forge.labels, from->forge.n_labels);
    order->forge.n_labels = from->forge.n_labels;
    order->forge.is_draft = from->forge.is_draft;
    order->forge.updates_branch = from->forge.updates_branch;
    return order;
}

bool github_op_init(struct github_op *op, const struct op_input *input, struct err *err)
{
    const struct order *order = input->order;
    const char *repo = order->forge.repository;
    repo = repo != NULL && repo[0] != '\0' ? repo : order->repo;
    if (repo == NULL || !github_is_repo(repo)) {
        return err_set(err, ERR_CONFIG, "%s: a repository is named owner/name",
                       input->service->name);
    }
    op->order = copy_order(order);
    op->service = input->service;
    op->poll = input->poll;
    op->base_url = input->service->url != NULL && input->service->url[0] != '\0'
                       ? input->service->url
                       : service_kind_url(SERVICE_GITHUB);
    op->repo = mem_str(repo);
    op->task = copy(input->task);
    op->plan = copy(input->plan);
    buf_init(&op->log, LOG_MAX);
    return true;
}

void github_close(void *self)
{
    struct github_op *op = self;
    if (op == NULL) {
        return;
    }
    if (op->fini != NULL) {
        op->fini(op);
    }
    order_free(op->order);
    free(op->repo);
    free(op->task);
    free(op->plan);
    http_request_free(op->sent);
    free(op->memo);
    buf_fini(&op->log);
    free(op);
}

/* ---- steps -----------------------------------------------------------------------------
 */

void github_memo(struct github_op *op, const char *format, ...)
{
    AUTO_BUF struct buf text;
    buf_init(&text, 4096);
    char line[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    free(op->memo);
    op->memo = mem_str(line);
}

void github_log(struct github_op *op, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    text_clean(&op->log, line, strlen(line), TEXT_ONE_LINE);
    (void)buf_char(&op->log, '\n'); /* cut when there are too many */
}

/* What has come together for this step. */
static struct op_step with_side(struct github_op *op, struct op_step step)
{
    step.memo = TAKE(op->memo);
    step.log = op->log.len > 0 ? buf_take(&op->log, NULL) : NULL;
    step.is_reconciled = op->is_reconciled;
    op->is_reconciled = false;
    buf_init(&op->log, LOG_MAX);
    return step;
}

static struct op_step send(struct github_op *op, enum github_call call,
                           struct http_request *request, bool is_tried)
{
    request->workflow = op->order->workflow;
    http_request_free(op->sent);
    op->sent = http_request_copy(request);
    op->call = call;
    op->is_tried = is_tried;
    return op_call(request);
}

struct op_step
github_send(struct github_op *op, enum github_call call, struct http_request *request,
            struct op_step (*take)(struct github_op *, const struct http_response *))
{
    op->n_redirects = 0;
    op->take = take;
    return send(op, call, request, false);
}

struct op_step
github_try(struct github_op *op, enum github_call call, struct http_request *request,
           struct op_step (*take)(struct github_op *, const struct http_response *))
{
    op->n_redirects = 0;
    op->take = take;
    return send(op, call, request, true);
}

struct op_step github_pause(struct github_op *op, struct span span,
                            struct op_step (*go)(struct github_op *))
{
    op->then = go;
    op->until = wall_add(op->now, span);
    return op_sleep(span);
}

struct op_step github_end(struct github_op *op, enum effect_status status,
                          enum blame blame, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return op_done(op->order, status, blame, "%s", text);
}

/* docs.github.com "Troubleshooting the REST API": 404 is also what is not permitted. */
struct op_step github_refused(struct github_op *op, const struct http_response *response,
                              const char *what)
{
    char reason[GITHUB_REASON_MAX + 1];
    (void)github_reason(response, reason);
    switch (response->status) {
    case 401: /* a token can be put right, and then it goes on where it stands */
        return github_end(op, STATUS_REFUSED, BLAME_OPERATOR, "%s in %s: %s (401)", what,
                          op->repo, reason);
    case 403:
    case 404:
    case 410:
    case 451:
        return github_end(op, STATUS_REFUSED, BLAME_SETUP, "%s in %s: %s (%d)", what,
                          op->repo, reason, response->status);
    default:
        return github_end(op, STATUS_FAILED, BLAME_WORLD, "%s in %s: %s (%d)", what,
                          op->repo, reason, response->status);
    }
}

struct op_step github_odd(struct github_op *op, const char *what)
{
    if (++op->n_odd < ODD_MAX) {
        return github_pause(op, UNSURE_PAUSE, op->look);
    }
    return github_end(op, STATUS_FAILED, BLAME_WORLD,
                      "%s answered what is no %s, %d times", op->service->name, what,
                      op->n_odd);
}

struct http_request *github_next_page(const struct github_op *op, enum github_call call,
                                      const struct http_response *response)
{
    const char *header = http_header_of(response, "link");
    AUTO_FREE char *url = header != NULL ? github_link(header, "next") : NULL;
    char *path = url != NULL ? github_below(op->base_url, url) : NULL;
    return path != NULL ? github_request_at(call, path) : NULL;
}

char *github_mark(const struct github_op *op)
{
    return mem_printf("wf-%lld", (long long)op->order->workflow);
}

bool github_is_our_branch(const char *branch)
{
    return strncmp(branch, "signalbox/", 10) == 0;
}

bool github_is_settled(struct github_op *op, const struct github_pull *pull,
                       struct op_step *ret_step)
{
    const char *head = op->order->head_sha;
    if (pull->is_merged) {
        *ret_step = github_end(op, STATUS_PASSED, BLAME_NONE,
                               "pull request #%lld was merged as %.10s",
                               (long long)pull->number, pull->merge_sha);
        ret_step->result->merge_sha = mem_str(pull->merge_sha);
    } else if (!pull->is_open) {
        *ret_step = github_end(op, STATUS_FAILED, BLAME_OPERATOR,
                               "pull request #%lld was closed by a person",
                               (long long)pull->number);
    } else if (head[0] != '\0' && strcmp(head, pull->head_sha) != 0) {
        *ret_step = github_end(op, STATUS_REFUSED, BLAME_WORLD,
                               "the head of pull request #%lld moved from %.10s to %.10s",
                               (long long)pull->number, head, pull->head_sha);
        ret_step->result->head_sha = mem_str(pull->head_sha);
    } else {
        return false;
    }
    return true;
}

/* ---- faults ----------------------------------------------------------------------------
 */

static int64_t jitter(struct github_op *op, int64_t ms)
{
    return ms + (int64_t)rng_below(op->rng, (uint64_t)(ms / 5) + 1);
}

static struct op_step wait_in_place(struct github_op *op,
                                    const struct http_response *response)
{
    struct span span = BLIND_PAUSE;
    if (wall_is_set(response->until) && response->until.ms > op->now.ms) {
        span = wall_since(response->until, op->now);
        span.ms = span.ms > BLIND_MAX.ms ? BLIND_MAX.ms : span.ms;
    }
    return github_pause(op, (struct span){jitter(op, span.ms)}, op->look);
}

static struct op_step on_blocked(struct github_op *op,
                                 const struct http_response *response)
{
    if (!wall_is_set(op->blind_since)) {
        op->blind_since = op->now;
        github_log(op, "%s cannot be asked: %s", op->service->name, response->text);
    }
    bool is_patient = wall_since(op->now, op->blind_since).ms < op->patience.ms;
    return op->has_begun || is_patient ? wait_in_place(op, response)
                                       : op_deferred(op->order, op->service, response);
}

/* A write may have been done or not: look. */
static struct op_step on_unsure(struct github_op *op,
                                const struct http_response *response)
{
    char reason[GITHUB_REASON_MAX + 1];
    (void)github_reason(response, reason);
    op->has_begun = true;
    if (++op->n_unsure > UNSURE_MAX) {
        return github_end(op, STATUS_FAILED, BLAME_WORLD, "%s: %s", op->sent->name,
                          reason);
    }
    github_log(op, "%s: %s; looking whether it was done", op->sent->name, reason);
    int64_t pause = UNSURE_PAUSE.ms << (op->n_unsure - 1);
    return github_pause(op, (struct span){jitter(op, pause)}, op->look);
}

static struct op_step on_fault(struct github_op *op, const struct http_response *response)
{
    switch (response->fault) {
    case HTTP_NO_TOKEN:
        return github_end(op, STATUS_REFUSED, BLAME_OPERATOR, "%s: %s", op->service->name,
                          response->text);
    case HTTP_TOO_LARGE:
        return github_end(op, STATUS_FAILED, BLAME_WORLD, "%s: the answer is too large",
                          op->sent->name);
    case HTTP_STOPPED:
        return github_end(op, STATUS_CANCELLED, BLAME_NONE, "stopped");
    case HTTP_LOST:
    case HTTP_TIMEOUT:
        return op->sent->class == CALL_READ ? on_blocked(op, response)
                                            : on_unsure(op, response);
    default:
        return on_blocked(op, response);
    }
}

/* docs.github.com "Best practices for using the REST API", "Follow redirects": the same
 * call at the new place; the answer is where the repository is now. */
static bool is_redirected(struct github_op *op, const struct http_response *response,
                          struct op_step *ret_step)
{
    bool is_redirect = response->status == 301 || response->status == 302 ||
                       response->status == 307 || response->status == 308;
    if (!is_redirect || github_is_success(op->call, response->status) ||
        op->sent->is_foreign || op->n_redirects == REDIRECTS_MAX) {
        return false;
    }
    const char *location = http_header_of(response, "location");
    char *path = location != NULL ? github_below(op->base_url, location) : NULL;
    if (path == NULL) {
        return false;
    }
    struct http_request *request = http_request_copy(op->sent);
    free(request->url);
    request->url = path;
    op->n_redirects++;
    *ret_step = send(op, op->call, request, op->is_tried);
    return true;
}

static struct op_step take_answer(struct github_op *op,
                                  const struct http_response *response)
{
    struct op_step step;
    if (response->fault == HTTP_FINE && is_redirected(op, response, &step)) {
        return step;
    }
    if (op->is_tried && response->fault != HTTP_STOPPED) {
        return op->take(op, response);
    }
    if (response->fault != HTTP_FINE) {
        return on_fault(op, response);
    }
    if (response->status >= 500) {
        return op->sent->class == CALL_READ ? on_blocked(op, response)
                                            : on_unsure(op, response);
    }
    op->blind_since = (struct wall){0};
    if (response->status == 401) {
        return github_refused(op, response, "the token is not accepted");
    }
    return op->take(op, response);
}

/* ---- struct op_class -------------------------------------------------------------------
 */

static void enter(struct github_op *op, struct wall now, struct rng *rng)
{
    op->now = now;
    op->rng = rng;
}

struct op_step github_begin(void *self, struct wall now, struct rng *rng)
{
    struct github_op *op = self;
    enter(op, now, rng);
    return with_side(op, op->look(op));
}

struct op_step github_answer(void *self, const struct http_response *response,
                             struct wall now, struct rng *rng)
{
    struct github_op *op = self;
    enter(op, now, rng);
    return with_side(op, take_answer(op, response));
}

/* A branch, a commit or a pull request of ours? */
static bool is_for(const struct github_op *op, const struct forge_event *hint)
{
    const struct order *order = op->order;
    if (strcasecmp(hint->repository, op->repo) != 0) {
        return false;
    }
    bool is_pull = order->pr_number > 0 && hint->pull == order->pr_number;
    bool is_head = order->head_sha[0] != '\0' && strcmp(hint->sha, order->head_sha) == 0;
    bool is_branch = order->branch[0] != '\0' && strcmp(hint->branch, order->branch) == 0;
    return is_pull || is_head || is_branch;
}

struct op_step github_wake(void *self, const struct forge_event *hint, struct wall now,
                           struct rng *rng)
{
    struct github_op *op = self;
    struct op_step step;
    enter(op, now, rng);
    if (hint != NULL && !is_for(op, hint)) {
        struct span left = wall_since(op->until, now);
        return with_side(op, op_sleep(left.ms > 0 ? left : (struct span){1}));
    }
    op->is_hinted = hint != NULL;
    if (hint != NULL && wall_is_set(op->blind_since) && op->on_hint != NULL &&
        op->on_hint(op, hint, &step)) {
        return with_side(op, step);
    }
    return with_side(op, op->then(op));
}

struct op_step github_stop(void *self, struct wall now, struct rng *rng)
{
    struct github_op *op = self;
    enter(op, now, rng);
    return with_side(op, github_end(op, STATUS_CANCELLED, BLAME_NONE, "stopped"));
}
