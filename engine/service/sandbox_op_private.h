/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_SANDBOX_OP_PRIVATE_H
#define SIGNALBOX_SERVICE_SANDBOX_OP_PRIVATE_H

/* Inside of the sandbox op: sandbox_op.c judges answers, sandbox_op_call.c makes calls,
 * sandbox_op_open.c opens from memo and keep, and has the tables. */
#include "engine/base/mem.h"
#include "engine/service/sandbox_op.h"

#define SANDBOX_SCRIPT_MAX (88 * 1024) /* base64 of it is one word of a command line */
#define SANDBOX_RECENT_MAX EXCERPT_MAX
#define SANDBOX_LOOK_FIRST ((struct span){1000})

enum sandbox_phase {
    PHASE_OLD,     /* remove the sandbox of the iteration before */
    PHASE_PACK,    /* a runner packs the files */
    PHASE_FIND,    /* was it created by an earlier engine? */
    PHASE_CREATE,  /* */
    PHASE_CONNECT, /* until it is up */
    PHASE_START,   /* it was stopped */
    PHASE_UPLOAD,
    PHASE_LAUNCH,
    PHASE_WATCH,
    PHASE_REMOVE
};

struct sandbox_op {
    const struct sandbox_vendor *vendor;
    struct order *order; /* what is needed of it */
    struct box box;
    enum sandbox_phase phase;
    struct span bound; /* of the command; 0 = none */
    struct env_var *env;
    size_t n_env;
    char mark[SANDBOX_MARK_LEN];
    int try;
    int64_t offset; /* of the output: what is in the log */
    struct wall launched_at;
    struct buf tail, recent;
    struct span pause;
    int n_odd, n_coming;
    struct wall now, until; /* of the last input; end of the sleep */
    bool is_stopping;
    char *log; /* for the next step */
};

/* Is it a SETUP or CHECK? */
bool sandbox_op_is_step(const struct sandbox_op *op);
void sandbox_op_mark(char *mark, size_t len, struct rng *rng);
NODISCARD char *sandbox_op_memo(const struct sandbox_op *op);
NODISCARD char *sandbox_op_script(const struct sandbox_op *op);
/* How long what is launched may take, from now on. */
void sandbox_op_bound(struct sandbox_op *op, struct wall now);
/* Every step leaves through here: with the log that has gathered. */
struct op_step sandbox_op_leave(struct sandbox_op *op, struct op_step step);
struct op_step sandbox_op_end(struct sandbox_op *op, enum effect_status status,
                              enum blame blame, const char *text);
/* The call of its phase. */
struct op_step sandbox_op_call(struct sandbox_op *op, struct wall now);

/* Rows of the classes. */
struct op_step sandbox_op_begin(void *self, struct wall now, struct rng *rng);
struct op_step sandbox_op_answer(void *self, const struct http_response *response,
                                 struct wall now, struct rng *rng);
struct op_step sandbox_op_ran(void *self, const struct effect_result *result,
                              struct wall now, struct rng *rng);
struct op_step sandbox_op_wake(void *self, const struct forge_event *hint,
                               struct wall now, struct rng *rng);
struct op_step sandbox_op_stop(void *self, struct wall now, struct rng *rng);

#endif
