/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_CODEGEN_PRIVATE_H
#define SIGNALBOX_SERVICE_CODEGEN_PRIVATE_H

/*
 * What the steps of the Codegen op (codegen_op.c) and its memory (codegen_memory.c) share.
 */

#include "engine/service/codegen.h"
#include "engine/service/op.h"

/* What the call in flight, or the one after the sleep, is for. */
enum codegen_phase {
    PHASE_REPO,      /* id of the repository */
    PHASE_UNBAN,     /* a ban of ours is taken back */
    PHASE_KEPT,      /* the run of an earlier effect: how is it? */
    PHASE_LOOK,      /* was the run created? */
    PHASE_CANDIDATE, /* is it that one? */
    PHASE_CREATE,
    PHASE_RESUME,
    PHASE_POLL,
    PHASE_LOGS,
    PHASE_BAN
};

#define CODEGEN_CANDIDATES 16
#define CODEGEN_POLL_FIRST 2000  /* ms; half as much more each time */
#define CODEGEN_POLL_LAST  60000 /* ms, where the service does not say */

struct codegen_op {
    const struct service_spec *service; /* outlives the desk */
    const struct span *poll;            /* of op_input */
    struct order *order;                /* the fields that are needed, our copy */
    char *prompt, *more;                /* for a new run, and to go on with one */
    char *limit_prompt;                 /* instead of `more`; NULL = none */
    /* remembered */
    char *uid;
    struct wall asked_at; /* first create */
    int64_t repo, run, logs, pull;
    int n_resumes;
    bool may_exist; /* a create was sent, and its answer is not known */
    bool is_ours;   /* `run` is this effect's: begun, resumed or adopted by it */
    bool is_unsure; /* a resumption was sent, and its answer is not known */
    bool kept_open, kept_banned;
    /* of the moment */
    enum codegen_phase phase;
    bool is_calling, is_stopping;
    struct wall wake_at, logs_at, resumed_at;
    struct span pause;
    int errors, n_gone, n_lost, n_bans; /* in a row */
    int64_t skip, logs_limit;
    int n_pages, n_looks;
    int64_t candidates[CODEGEN_CANDIDATES];
    size_t n_candidates;
    bool has_moved;        /* was in flight since it was resumed */
    bool is_over;          /* `last` is its end; the rest of the logs is read */
    bool has_looked_again; /* for a pull request */
    struct codegen_run last;
    char *failure; /* the last error in its logs */
};

void *codegen_open(const struct op_input *input, struct err *err);
void codegen_close(void *self);

/* ---- calls and pauses ---- */
/* The call of a phase. */
struct op_step codegen_go(struct codegen_op *op, enum codegen_phase phase,
                          struct wall now);
/* The call of a phase, after so many milliseconds. */
struct op_step codegen_sleep(struct codegen_op *op, enum codegen_phase phase, int64_t ms,
                             struct wall now);
/* The same after a pause that grows with op->errors; half of it is drawn. */
struct op_step codegen_back_off(struct codegen_op *op, enum codegen_phase phase,
                                struct wall now, struct rng *rng);
struct op_step codegen_poll_later(struct codegen_op *op, struct wall now,
                                  struct rng *rng);

/* ---- memory ---- */
NODISCARD char *codegen_memo(const struct codegen_op *op, const char *phase);
NODISCARD char *codegen_keep(const struct codegen_op *op, bool is_open);
/* Takes what the run says into `last`, and its pull request. The run is empty afterwards
 * but for id and state. */
void codegen_learn(struct codegen_op *op, struct codegen_run *run);
/* Is the event about our branch or pull request? */
bool codegen_is_for(const struct codegen_op *op, const struct forge_event *event);

/* ---- ends ---- */
/* By the state of `last`. */
struct op_step codegen_outcome(struct codegen_op *op);
struct op_step codegen_failed(struct codegen_op *op, enum blame blame, const char *why);
struct op_step codegen_gone(struct codegen_op *op);
/* ban: the answer to it, or NULL when it was not called. */
struct op_step codegen_stopped(struct codegen_op *op, const struct http_response *ban);
/* A success that cannot be read: `otherwise`, or the end when it is one too many. */
struct op_step codegen_odd(struct codegen_op *op, const struct http_response *response,
                           const struct err *err, struct op_step otherwise);

#endif
