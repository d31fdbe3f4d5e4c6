/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DRILL_WORLD_H
#define SIGNALBOX_DRILL_WORLD_H

/*
 * World of a drill, private to it: all that is outside of the engine, and so outlives its
 * crashes.
 *
 *   run.c      the engine, its crashes, the course of time
 *   world.c    calls and runners: what the desk asks for, and the answers on their way
 *   flow.c     what becomes of a step: faults, cases, which rung was tried, and does it help
 *   fault.c    when faults are there
 *   person.c   who is asked, and answers
 *   op.c       an op that works with a service of this world
 *   text.c     logs
 *   score.c    the report
 *
 * Chance: every draw comes from the seed and what it is about (workflow, fault, try), not
 * from a common stream, so that one decision of the engine does not change the luck of others.
 */

#include "engine/base/heap.h"
#include "engine/base/idmap.h"
#include "engine/base/rng.h"
#include "engine/control/control.h"
#include "engine/drill/drill.h"
#include "engine/service/desk.h"
#include "engine/service/route.h"

#define DRILL_START ((struct wall){1767225600000}) /* 2026-01-01T00:00:00Z */
#define DRILL_CASES 8                              /* of one workflow */

/* A fault that has hit a workflow. */
struct drill_case {
    int fault; /* index */
    struct wall began_at, ended_at;
    char step[72];  /* name of the step that it spoils */
    int kind;       /* of it */
    int n_tries;    /* after the first */
    uint32_t tried; /* rungs, bits */
    bool was_asked; /* a person was asked while it was open */
    bool is_over;   /* the next try passes */
    bool is_helped; /* a person acted */
    bool is_recoverable;
    bool is_drifted;
    bool is_parked; /* began by a deferral */
    /* what had happened when it failed last */
    int n_code, n_sandbox, n_workspace;
    char provider[72];
    char agent[72];
    int64_t last_seq;
};

struct drill_flow {
    int64_t id;
    int pipeline;
    uint64_t hit; /* faults, bits */
    struct drill_case cases[DRILL_CASES];
    size_t n_cases;
    int n_code, n_sandbox, n_workspace;
    char agent[72];
    int n_merges, n_reverts, n_pulls;
    bool is_told_merged;        /* the engine knows of the merge */
    struct effect_row *history; /* kind, seq, status, provider */
    size_t n_history, cap_history;
    bool is_final, is_gone; /* gone: cancelled or done, nothing more comes */
    bool is_counted;        /* its present wait for a person */
    struct wall answer_at;  /* a person will act; unset: nobody was asked */
    int n_answers;
    int64_t seen; /* tick at which it was alive */
};

/* An effect in the engine's hand. */
struct drill_job {
    int64_t workflow, seq;
    enum effect_kind kind;
    int step;
    char name[72];
    struct wall deadline_at;
    struct span timeout, stall;
    int n_starts;
    char *memo, *memo_provider;
    char *runner;  /* provider of the runner that lives, or NULL */
    int spoilt_by; /* index of a case + 1; 0 none */
};

/* What becomes of a step that has begun. */
struct drill_outcome {
    struct span takes; /* -1: never ends */
    struct effect_result *result;
    bool is_good;
};

/* An answer or an outcome on its way. */
struct drill_due {
    struct heap_node node;
    int64_t call; /* 0: a runner's outcome */
    int64_t key;
    struct http_response *response;
    struct effect_result *result;
    bool is_good;
};

/* Work at a service over HTTP. */
struct drill_thing {
    struct wall done_at; /* unset: never */
    struct effect_result *result;
    bool is_good;
};

struct drill_window {
    struct wall from, until;
};

struct drill_condition {
    struct drill_window *windows;
    size_t n_windows;
    bool is_mended;  /* by a person, for good */
    int64_t culprit; /* begun by this merge, not reverted yet */
    struct wall broken_at, broken_until;
};

struct drill_choice {
    int16_t fault;
    uint8_t rung;
    bool is_drifted;
};

struct drill_world {
    const struct drill_options *options;
    const struct drill_profile *profile;
    struct drill_report *report;
    struct wall now, end_at, drift_at; /* end_at: of the campaign as planned */
    char *path;
    struct store *store;
    struct reader *reader;
    struct command_line *line; /* of the people outside */
    struct control *control;
    struct desk *desk;
    struct drill_flow *flows; /* by id - 1 */
    int64_t n_flows;
    int64_t *active; /* ids of those that are not gone */
    size_t n_active;
    struct idmap jobs;   /* by key */
    struct idmap things; /* by key */
    struct heap due;
    int64_t last_due;
    struct drill_condition conditions[DRILL_FAULTS_MAX];
    struct drill_choice *choices;
    size_t n_choices, cap_choices;
    int64_t *recover_ms;
    size_t n_recovered, cap_recovered;
    struct rng arrivals, crashes;
    struct wall next_arrival, next_crash, next_minute;
    bool has_commands;
    /* of the running minute */
    int64_t minute, n_minutes, n_bad_minutes;
    int64_t n_passed, n_failed_steps, n_healthy;
    int64_t away_ms;
    int n_running;
};

/* Luck that depends on nothing but these. */
struct rng drill_luck(const struct drill_world *world, int64_t a, int64_t b, int64_t c);
void drill_complain(struct drill_world *world, const char *format, ...) PRINTF_LIKE(2, 3);
int64_t drill_key(int64_t workflow, int64_t seq);
struct drill_flow *drill_flow_of(struct drill_world *world, int64_t workflow);

/* ---- fault.c ---- */
void drill_faults_init(struct drill_world *world);
void drill_faults_fini(struct drill_world *world);
/* Is it there now? */
bool drill_is_active(const struct drill_world *world, int fault);
bool drill_has_drifted(const struct drill_world *world);
/* How much longer things take, 1.. */
double drill_slowness(const struct drill_world *world, const struct drill_flow *flow,
                      const struct drill_job *job, const char *provider);
double drill_call_slowness(const struct drill_world *world, const char *service);
/* The fault that this call meets, or -1. */
int drill_call_fault(const struct drill_world *world, const char *service, int64_t call);
bool drill_fits(const struct drill_world *world, int fault, const struct drill_flow *flow,
                const struct drill_job *job, const char *provider);
void drill_on_merge(struct drill_world *world, int64_t workflow);
void drill_on_revert(struct drill_world *world, int64_t workflow);

/* ---- flow.c ---- */
/* A step begins at this provider. The caller owns the result. */
struct drill_outcome drill_begin(struct drill_world *world, struct drill_job *job,
                                 const char *provider);
/* Its outcome goes to the engine. */
void drill_ended(struct drill_world *world, const struct drill_job *job,
                 const struct effect_result *result);
/* A person has acted on this workflow: what is open is mended. */
void drill_mend(struct drill_world *world, struct drill_flow *flow);
/* The workflow has ended; close what is open. */
void drill_flow_end(struct drill_world *world, struct drill_flow *flow, bool is_good);
void drill_choose(struct drill_world *world, const struct drill_case *c, enum rung rung);

/* ---- world.c ---- */
void drill_drain(struct drill_world *world);
void drill_deliver(struct drill_world *world);
void drill_forget_calls(
    struct drill_world *world); /* the engine that made them is dead */
void drill_world_fini(struct drill_world *world);

/* ---- person.c ---- */
void drill_look(struct drill_world *world); /* once a minute */
void drill_send(struct drill_world *world, const char *verb, int64_t workflow,
                const char *args);

/* ---- op.c ---- */
const struct op_class *drill_op(enum service_kind service, enum effect_kind effect);
/* What the body of an answer says of a thing; malloc'd. result NULL: it still works. */
char *drill_op_body(const struct effect_result *result);

/* ---- text.c ---- */
/* A log of the fault with its words filled in; malloc'd. The same luck, the same text. */
char *drill_text(const struct drill_fault *fault, struct rng *luck);

/* ---- score.c ---- */
void drill_score(struct drill_world *world);

#endif
