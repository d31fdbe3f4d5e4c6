/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_ORDER_H
#define SIGNALBOX_SERVICE_ORDER_H

/*
 * Order: all that a runner needs to perform one effect, and the answer that it gives.
 *
 * The io thread builds an order from the store and writes it into the effect's folder;
 * the runner, another process, reads it there and never opens the store. The answer comes
 * back the same way. So both survive either process.
 *
 *   WORK/wf-12/            order->workflow_folder
 *     branch               name of our branch, chosen once
 *     tree/  sandbox/      worktrees;  plan/ is a copy for planning before tree/ exists
 *     home/  tmp/          HOME and TMPDIR of what runs in the sandbox
 *     fx-7/                order->folder
 *       spec.json          the order
 *       task.md plan.md errors.md    documents that the effect needs
 *       lock start result.json       see engine/io/runner.h
 *       plan.out diff.out commits.out   long parts of the answer
 *       check-6/ check-7/  of checks side by side, by seq: result.json of each
 *
 * Environment: a value written as "${NAME}" in a pipeline's env stands for the variable
 * NAME of the engine, so that secrets stay out of files. Only variables that are named so
 * reach a runner, beside PATH, HOME, USER, LOGNAME, SHELL, TZ, SSH_AUTH_SOCK and
 * XDG_*_HOME. The same goes for the env of a service that a runner performs, and for the
 * variable that holds the forge's token, which reaches only the runners that call git
 * (engine/service/local_askpass.h).
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/service/port.h"
#include "engine/service/service.h"
#include "engine/workflow/pipeline.h"
#include "store/store.h"

/* WATCH, CONFIRM: which commit is looked at, and with what. In the effect's params:
 * "watch_commit", "watch_parent", "watch_checks" (hexadecimal). */
struct order_watch {
    char *commit;               /* "" = the base as it is now */
    bool is_parent;             /* not that commit, but the one that it was put on */
    int64_t checks;             /* a bit for each step of validate */
    struct command_spec *steps; /* setup, then those checks, in order; WATCH_CHECKS */
    size_t n_steps, n_setup;
    int numbers[PIPELINE_STEPS_MAX]; /* of each check: its place in validate */
};

/* CHECK, of several side by side (limits.parallel): what differs between them. */
struct order_check {
    int64_t seq;
    int step; /* place in validate */
    struct command_spec command;
    char *log, *traceparent; /* as those of an order */
};

struct order {
    int64_t workflow, seq;
    enum effect_kind kind;
    int step, iteration, attempt;
    struct wall asked_at, deadline_at;
    char *name;
    char *repo, *base, *title, *submitter;
    char *branch, *base_sha, *head_sha, *merge_sha; /* "" = not known yet */
    int64_t pr_number;
    bool is_adopted; /* somebody's pull request; not in spec.json */
    enum merge_method method;
    struct command_spec command; /* argv NULL: the effect runs no command */
    struct order_watch watch;
    struct order_check
        *checks; /* in their order, the last one is command; NULL = one alone */
    size_t n_checks;
    int lanes; /* how many of them run at once */
    struct bounds bounds;
    struct span stall; /* agents: ended without a sign of life for so long; 0 = never */
    struct span grace; /* between SIGTERM and SIGKILL */
    char *provider;    /* "local", or the service that performs it; order_set_provider */
    enum service_kind service_kind;      /* unless local */
    struct command_spec service_command; /* WAY_RUNNER: bridge, MCP server or command */
    char *service_provider;              /* grainchain: which of its own */
    int64_t message_max;
    struct forge_spec forge; /* repository "" = the local forge */
    char *forge_url;         /* base URL of the forge's service; order_set_forge */
    struct secret_source forge_token; /* where git finds the token; never the token */
    char *evaluator_url, *evaluator_task;
    char *log_folder; /* absolute */
    char *log;        /* below it, without suffix; "" = the effect has no log */
    int64_t log_max;
    char *traceparent; /* of its span (engine/trace/span.h); "" = none */
    /* not in spec.json */
    char *folder, *workflow_folder;
};

#define ORDER_GRACE ((struct span){2000})

struct order_paths {
    const char *work; /* folder of all workflows */
    const char *logs;
    int64_t log_max;
};

/* From a row of the outbox. The pipeline may be NULL for kinds that run no command.
 * ERR_CONFIG when the pipeline has no such step. */
NODISCARD struct order *order_build(const struct pipeline *pipeline,
                                    const struct workflow_row *workflow,
                                    const struct effect_row *effect,
                                    const struct order_paths *paths, struct err *err);
void order_free(struct order *order); /* accepts NULL */
/* Who performs it: provider and service_*; NULL = "local". May be called again. */
void order_set_provider(struct order *order, const struct service_spec *service);
/* Another command than the pipeline's, without its bounds. */
void order_set_command(struct order *order, const struct command_spec *command);
/* The service behind order->forge: forge_url and forge_token. May be called again. */
void order_set_forge(struct order *order, const struct service_spec *forge);
/* Does an effect of this kind get the documents task, plan and errors? */
bool order_needs_docs(enum effect_kind kind);
/* Does it work on a mirror of a remote forge (local_mirror.h)? */
bool order_is_remote(const struct order *order);
/* WORK/wf-N/fx-SEQ, malloc'd. */
NODISCARD char *order_folder(const char *work, int64_t workflow, int64_t seq);

/* Make the folder and write spec.json; documents that the effect needs are written too.
 * No reader: without documents. */
NODISCARD bool order_write(const struct order *order, struct reader *reader,
                           struct err *err);
NODISCARD struct order *order_read(const char *folder, struct err *err);

/* NAME when value is "${NAME}", into name; else false. */
NODISCARD bool order_borrows(const char *value, char *name, size_t cap);

/* result.json and its long parts, atomically. */
NODISCARD bool order_answer(const char *folder, const struct effect_result *result,
                            struct err *err);
/* FOUND_FAILED only when a result is there and cannot be read. */
enum found order_read_answer(const char *folder, int64_t workflow, int64_t seq,
                             struct effect_result **ret_result, struct err *err);

/* A file of the effect's folder, malloc'd text; "" when it is missing. */
NODISCARD char *order_doc(const struct order *order, const char *name, size_t *ret_len);

#endif
