/* SPDX-License-Identifier: MIT */

/* House work: asking for failed webhook deliveries again. GitHub does not by itself
 * (docs.github.com "Handling failed webhook deliveries"). See github.h. */
#include "engine/base/mem.h"
#include "engine/service/github.h"
#include "engine/service/github_op.h"

#define PAGES_MAX 5
#define AGE_MAX   ((struct span){24 * 3600 * 1000}) /* older ones tell nothing new */
#define ASKED_MAX 100                               /* deliveries asked for in one go */

struct hook_op {
    struct github_op base;
    int64_t hook;
    struct github_deliveries deliveries;
    int n_pages, n_asked, n_refused;
    size_t at;
};

static struct hook_op *mine(struct github_op *op)
{
    union {
        struct github_op *base;
        struct hook_op *op;
    } cast = {.base = op};
    return cast.op;
}

static void fini(struct github_op *base)
{
    github_deliveries_fini(&mine(base)->deliveries);
}

bool github_hook_of(const char *hook, char repo[208], int64_t *ret_id)
{
    const char *mark = hook != NULL ? strchr(hook, '#') : NULL;
    if (mark == NULL || mark - hook >= 208) {
        return false;
    }
    memcpy(repo, hook, (size_t)(mark - hook));
    repo[mark - hook] = '\0';
    int64_t id = 0;
    size_t len = strspn(mark + 1, "0123456789");
    if (len == 0 || len > 15 || mark[1 + len] != '\0') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        id = id * 10 + (mark[1 + i] - '0');
    }
    *ret_id = id;
    return id > 0 && github_is_repo(repo);
}

static struct op_step ask_next(struct github_op *base);

static struct op_step end_hook(struct github_op *base)
{
    struct hook_op *op = mine(base);
    base->is_reconciled = op->n_asked > 0;
    if (op->n_asked == 0 && op->n_refused == 0) {
        return github_end(base, STATUS_PASSED, BLAME_NONE, "no delivery has failed");
    }
    return github_end(base, STATUS_PASSED, BLAME_NONE,
                      "asked for %d failed deliver%s again%s", op->n_asked,
                      op->n_asked == 1 ? "y" : "ies",
                      op->n_refused > 0 ? ", some were refused" : "");
}

static struct op_step on_asked(struct github_op *base,
                               const struct http_response *response)
{
    struct hook_op *op = mine(base);
    if (response->fault != HTTP_FINE) { /* the rest is for the next time */
        op->n_refused++;
        return end_hook(base);
    }
    if (response->status == 202) {
        op->n_asked++;
    } else {
        op->n_refused++;
    }
    op->at++;
    return ask_next(base);
}

/* Newest first: the first row of a guid is its newest delivery. */
static bool is_worth_it(const struct hook_op *op, size_t at, struct wall now)
{
    const struct github_delivery *rows = op->deliveries.rows;
    int n_tries = 0;
    for (size_t i = 0; i < op->deliveries.n; i++) {
        if (strcmp(rows[i].guid, rows[at].guid) == 0) {
            if (i < at || rows[i].is_fine) {
                return false;
            }
            n_tries++;
        }
    }
    bool is_young =
        !wall_is_set(rows[at].at) || wall_since(now, rows[at].at).ms < AGE_MAX.ms;
    return n_tries < GITHUB_AGAIN_MAX && is_young;
}

static struct op_step ask_next(struct github_op *base)
{
    struct hook_op *op = mine(base);
    for (; op->at < op->deliveries.n && op->n_asked < ASKED_MAX; op->at++) {
        if (is_worth_it(op, op->at, base->now)) {
            struct http_request *request = github_request(
                GITHUB_DELIVERY_AGAIN,
                &(struct github_path){.repo = base->repo,
                                      .number = op->hook,
                                      .second = op->deliveries.rows[op->at].id});
            return github_try(base, GITHUB_DELIVERY_AGAIN, request, on_asked);
        }
    }
    return end_hook(base);
}

static struct op_step on_page(struct github_op *base,
                              const struct http_response *response)
{
    struct hook_op *op = mine(base);
    if (response->status != 200) {
        return github_refused(base, response, "listing the deliveries of the webhook");
    }
    if (!github_deliveries_add(&op->deliveries, response)) {
        return github_odd(base, "list of deliveries");
    }
    size_t n = op->deliveries.n;
    bool is_old = n > 0 && wall_is_set(op->deliveries.rows[n - 1].at) &&
                  wall_since(base->now, op->deliveries.rows[n - 1].at).ms > AGE_MAX.ms;
    struct http_request *more =
        ++op->n_pages < PAGES_MAX && !is_old
            ? github_next_page(base, GITHUB_DELIVERY_LIST, response)
            : NULL;
    if (more != NULL) {
        return github_send(base, GITHUB_DELIVERY_LIST, more, on_page);
    }
    op->at = 0;
    return ask_next(base);
}

static struct op_step list(struct github_op *base)
{
    struct hook_op *op = mine(base);
    github_deliveries_fini(&op->deliveries);
    op->n_pages = 0;
    return github_send(base, GITHUB_DELIVERY_LIST,
                       github_request(GITHUB_DELIVERY_LIST,
                                      &(struct github_path){.repo = base->repo,
                                                            .number = op->hook,
                                                            .query = "per_page=100"}),
                       on_page);
}

static void *open_hook(const struct op_input *input, struct err *err)
{
    char repo[208];
    int64_t hook = 0;
    if (!github_hook_of(input->service->hook, repo, &hook)) {
        err_set(err, ERR_CONFIG, "%s: hook is written as owner/name#id",
                input->service->name);
        return NULL;
    }
    struct order order = *input->order;
    order.repo = repo;
    order.forge.repository = NULL;
    struct op_input here = *input;
    here.order = &order;
    struct hook_op *op = mem_alloc(sizeof(*op));
    if (!github_op_init(&op->base, &here, err)) {
        free(op);
        return NULL;
    }
    op->base.look = list;
    op->base.fini = fini;
    op->hook = hook;
    return op;
}

const struct op_class github_op_redeliver = GITHUB_OP_CLASS("redeliver", open_hook);
