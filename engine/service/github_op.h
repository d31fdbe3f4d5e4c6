/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_GITHUB_OP_H
#define SIGNALBOX_SERVICE_GITHUB_OP_H

/*
 * GitHub op: what the ops of github.h have in common. For them alone.
 *
 * An op is a chain of small functions: each sends a call or pauses, and names the function
 * that gets the answer. Redirects, faults and what no op understands are dealt with
 * here, so that a function sees an answer of GitHub's below 500 only, unless it was sent
 * with github_try (then it sees whatever came).
 *
 *   github_send(op, request, on_answer)   a call that must work
 *   github_try(op, request, on_answer)    one without which the op goes on
 *   github_pause(op, span, then)
 *   github_end(op, status, blame, ...)
 *
 * A write whose answer is lost: nobody knows; the op pauses and goes to its `look`.
 */

#include "engine/base/buf.h"
#include "engine/service/github_answer.h"
#include "engine/service/github_call.h"
#include "engine/service/op.h"

struct github_op {
    /* immutable after open */
    struct order *order;                /* what is needed of it, copied */
    const struct service_spec *service; /* settings outlive ops */
    const struct span *poll;            /* of op_input */
    char *repo;                         /* "owner/name" */
    const char *base_url;
    char *task, *plan;
    struct span patience; /* waits so long in place while the API is not there */
    struct op_step (*look)(struct github_op *op); /* where it begins, and begins again */
    void (*fini)(struct github_op *op);           /* what the op has beside; or NULL */
    /* Bad news while the API is not there: true and the end; or NULL. */
    bool (*on_hint)(struct github_op *op, const struct forge_event *hint,
                    struct op_step *ret_step);
    /* the call in hand */
    struct http_request *sent; /* a copy, to repeat it elsewhere */
    enum github_call call;
    struct op_step (*take)(struct github_op *op, const struct http_response *response);
    bool is_tried;
    struct op_step (*then)(struct github_op *op); /* after the pause */
    int n_redirects, n_unsure, n_odd;
    bool has_begun;          /* something outside may have been done: no deferring */
    bool is_hinted;          /* a webhook woke it */
    struct wall until;       /* end of the pause */
    struct wall blind_since; /* the API is not there; unset: it is */
    /* of the turn that runs */
    struct wall now;
    struct rng *rng;
    /* what the next step carries */
    char *memo;
    struct buf log;
    bool is_reconciled;
};

/* Fill in what is common; false with err when the order does not fit. */
NODISCARD bool github_op_init(struct github_op *op, const struct op_input *input,
                              struct err *err);

struct op_step
github_send(struct github_op *op, enum github_call call, struct http_request *request,
            struct op_step (*take)(struct github_op *, const struct http_response *));
struct op_step
github_try(struct github_op *op, enum github_call call, struct http_request *request,
           struct op_step (*take)(struct github_op *, const struct http_response *));
struct op_step github_pause(struct github_op *op, struct span span,
                            struct op_step (*go)(struct github_op *));
struct op_step github_end(struct github_op *op, enum effect_status status,
                          enum blame blame, const char *format, ...) PRINTF_LIKE(4, 5);
/* An answer that the op has no use for: 401, 403, 404 ... blame the settings, others the
 * world. `what` is what was tried: "opening the pull request". */
struct op_step github_refused(struct github_op *op, const struct http_response *response,
                              const char *what);
/* A 2xx whose body is not what the call answers: looks again a few times. */
struct op_step github_odd(struct github_op *op, const char *what);

/* Next page of a list: a request, or NULL when this was the last. */
NODISCARD struct http_request *github_next_page(const struct github_op *op,
                                                enum github_call call,
                                                const struct http_response *response);

/* Memo of the next step; printf of a JSON object. */
void github_memo(struct github_op *op, const char *format, ...) PRINTF_LIKE(2, 3);
/* A line for the step's log. */
void github_log(struct github_op *op, const char *format, ...) PRINTF_LIKE(2, 3);

/* The mark of the workflow in texts of ours: "wf-12". malloc'd. */
NODISCARD char *github_mark(const struct github_op *op);
/* Is the branch one that this program named? */
bool github_is_our_branch(const char *branch);

/* The pull request is not open, or has another head. True: *ret_step is the end. */
bool github_is_settled(struct github_op *op, const struct github_pull *pull,
                       struct op_step *ret_step);

/* The functions of struct op_class that all have in common; open is each op's own. */
struct op_step github_begin(void *self, struct wall now, struct rng *rng);
struct op_step github_answer(void *self, const struct http_response *response,
                             struct wall now, struct rng *rng);
struct op_step github_wake(void *self, const struct forge_event *hint, struct wall now,
                           struct rng *rng);
struct op_step github_stop(void *self, struct wall now, struct rng *rng);
void github_close(void *self);
#define GITHUB_OP_CLASS(word, open_)                                                     \
    {                                                                                    \
        .name = "github." word, .open = (open_), .begin = github_begin,                  \
        .answer = github_answer, .wake = github_wake, .stop = github_stop,               \
        .close = github_close                                                            \
    }

extern const struct op_class github_op_workspace, github_op_commit, github_op_pull,
    github_op_checks, github_op_merge, github_op_revert, github_op_close,
    github_op_redeliver;

#endif
