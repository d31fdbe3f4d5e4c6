/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_MODEL_H
#define SIGNALBOX_STORE_MODEL_H

/*
 * Model: the words of the domain and the shape of what is stored.
 *
 * The store is the interface between the engine and every reader, so the vocabulary lives
 * here: one list for each kind of word gives the enum, the name in SQL, JSON and on
 * screen, and a line of help. Rows are plain values. Strings in a row are borrowed: a
 * writer's strings must live until the call returns, a reader's rows live in the arena
 * that the caller passed. No string is NULL; "" means none.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"

/* Workflow states. X(identifier, name, short name for a narrow column, help) */
#define STATE_LIST(X)                                                                    \
    X(STATE_IDLE, "IDLE", "idle", "accepted, waits for a free slot")                     \
    X(STATE_PLANNING, "PLANNING", "plan", "the plan is made, or waits for approval")     \
    X(STATE_CODING, "CODING", "code", "the agent edits files in its own worktree")       \
    X(STATE_PR_CREATED, "PR_CREATED", "pr", "the pull request is opened or updated")     \
    X(STATE_VALIDATING, "VALIDATING", "check", "checks run, then the merge")             \
    X(STATE_COMPLETED, "COMPLETED", "done", "merged, or finished as the pipeline asks")  \
    X(STATE_FAILED, "FAILED", "failed", "limits used up; an operator may retry")         \
    X(STATE_CANCELLED, "CANCELLED", "cancel", "stopped by an operator")                  \
    X(STATE_RECOVERING, "RECOVERING", "recover", "waits to try again, or rolls back")    \
    X(STATE_PARKED, "PARKED", "parked", "paused by an operator or by an open breaker")   \
    X(STATE_ROLLED_BACK, "ROLLED_BACK", "undone", "merged work was taken back")

enum workflow_state {
#define X(id, name, brief, help) id,
    STATE_LIST(X)
#undef X
        STATE_COUNT
};

/* What a workflow waits for. X(identifier, word, needs a human, help) */
#define WAIT_LIST(X)                                                                     \
    X(WAIT_NONE, "", false, "works")                                                     \
    X(WAIT_SLOT, "slot", false, "queued behind the limit of running workflows")          \
    X(WAIT_RETRY, "retry", false, "tries again after a pause that grows")                \
    X(WAIT_PLAN, "plan approval", true, "an operator approves or rejects the plan")      \
    X(WAIT_MERGE, "merge approval", true, "an operator approves or rejects the merge")   \
    X(WAIT_OPERATOR, "operator", true, "something only a person can put right")          \
    X(WAIT_PAUSE, "resume", false, "an operator paused it")                              \
    X(WAIT_SERVICE, "service", false, "a service is not available; goes on when it is")  \
    X(WAIT_REVERT, "revert approval", true,                                              \
      "an operator approves or rejects that the merge is taken back")                    \
    X(WAIT_BUDGET, "budget", true,                                                       \
      "its budget is used up; an operator extends it or cancels")                        \
    X(WAIT_WINDOW, "merge window", false,                                                \
      "validated; merged when the hours for merges begin")                               \
    X(WAIT_RECOVERY, "recovery approval", true,                                          \
      "an operator approves or rejects what is done about a failure")

enum workflow_wait {
#define X(id, word, human, help) id,
    WAIT_LIST(X)
#undef X
        WAIT_COUNT
};

/* Side effects, the rows of the outbox. X(identifier, name, port, help) */
#define EFFECT_LIST(X)                                                                   \
    X(EFFECT_NONE, "none", "", "no effect")                                              \
    X(EFFECT_PLAN, "plan", "agent", "run the plan command")                              \
    X(EFFECT_WORKSPACE, "workspace", "forge", "make the branch and its worktree")        \
    X(EFFECT_CODE, "code", "agent", "run the agent on the task")                         \
    X(EFFECT_COMMIT, "commit", "forge", "commit what the agent left in the worktree")    \
    X(EFFECT_PULL_REQUEST, "pull-request", "forge", "open or update the pull request")   \
    X(EFFECT_SANDBOX, "sandbox", "sandbox", "make a clean copy of the head commit")      \
    X(EFFECT_SETUP, "setup", "sandbox", "run a setup command in the sandbox")            \
    X(EFFECT_CHECK, "check", "sandbox", "run a validation step in the sandbox")          \
    X(EFFECT_EVALUATE, "evaluate", "evaluator", "judge the result")                      \
    X(EFFECT_MERGE, "merge", "forge", "merge the validated head into the base branch")   \
    X(EFFECT_REVERT, "revert", "forge", "take the merge back with a revert commit")      \
    X(EFFECT_CLOSE, "close", "forge", "close the pull request")                          \
    X(EFFECT_CLEANUP, "cleanup", "sandbox", "remove worktree and sandbox")               \
    X(EFFECT_FORGE_CHECKS, "forge-checks", "forge", "wait for the checks of the forge")  \
    X(EFFECT_WATCH, "watch", "sandbox", "run the checks on the base after the merge")    \
    X(EFFECT_CONFIRM, "confirm", "sandbox",                                              \
      "run what failed there again: on the merge, then on what was before it")           \
    X(EFFECT_RESTART, "restart", "service",                                              \
      "run the command that starts a service again")                                     \
    X(EFFECT_SCALE, "scale", "service", "run a command that adds or removes machines")

enum effect_kind {
#define X(id, name, port, help) id,
    EFFECT_LIST(X)
#undef X
        EFFECT_COUNT
};

/* Life of an effect row. X(identifier, name, glyph role help) */
#define STATUS_LIST(X)                                                                   \
    X(STATUS_PENDING, "pending", "asked for, outcome not known yet")                     \
    X(STATUS_PASSED, "passed", "done, as expected")                                      \
    X(STATUS_FAILED, "failed", "ran and said no: exit status, conflict, no change")      \
    X(STATUS_TIMED_OUT, "timed-out", "killed at its deadline")                           \
    X(STATUS_LOST, "lost", "its process vanished without a result")                      \
    X(STATUS_REFUSED, "refused",                                                         \
      "could not be started: missing program, bad repository")                           \
    X(STATUS_FLAKY, "flaky", "passed, but only after a retry")                           \
    X(STATUS_SKIPPED, "skipped", "an operator says it was done by hand")                 \
    X(STATUS_CANCELLED, "cancelled", "stopped because its workflow was")                 \
    X(STATUS_DEFERRED, "deferred", "not begun: no provider was available")

enum effect_status {
#define X(id, name, help) id,
    STATUS_LIST(X)
#undef X
        STATUS_COUNT
};

/* Long texts of a workflow, kept beside its row. X(identifier, name, help) */
#define DOC_LIST(X)                                                                      \
    X(DOC_TASK, "task", "what the operator asked for")                                   \
    X(DOC_PLAN, "plan", "what the plan command answered")                                \
    X(DOC_ERRORS, "errors", "error context that the next attempt is given")              \
    X(DOC_DIFF, "diff", "the pull request's diff, cut at DOC_MAX")                       \
    X(DOC_COMMITS, "commits", "one line per commit of the branch")                       \
    X(DOC_METADATA, "metadata", "JSON object given at submit")

enum doc_kind {
#define X(id, name, help) id,
    DOC_LIST(X)
#undef X
        DOC_COUNT
};

#define DOC_MAX   (1024 * 1024) /* bytes of one document; a longer task is refused */
#define TITLE_MAX 160           /* bytes of a title, cut at a whole character */

const char *state_name(enum workflow_state state);
const char *state_brief(enum workflow_state state);
const char *state_help(enum workflow_state state);
NODISCARD bool state_find(const char *name,
                          enum workflow_state *ret_state); /* any case */
bool state_is_final(
    enum workflow_state state); /* COMPLETED FAILED CANCELLED ROLLED_BACK */
const char *wait_word(enum workflow_wait wait);
bool wait_needs_human(enum workflow_wait wait);
const char *effect_name(enum effect_kind kind);
const char *effect_port(enum effect_kind kind);
const char *status_name(enum effect_status status);
const char *doc_name(enum doc_kind doc);

#define STATE_BIT(state) (1u << (state))
#define STATE_MASK_ALL   ((1u << STATE_COUNT) - 1)

/* Current state of one workflow. Its name for people is "wf-<id>". */
/* What agents say that they have used; 0 also: nothing was said. */
struct usage {
    int64_t tokens;
    int64_t micros; /* money, millionths of a unit (base/money.h) */
};

struct workflow_row {
    int64_t id;
    const char *pipeline;  /* name of the pipeline */
    int64_t pipeline_id;   /* its text as submitted: store_read_pipeline */
    const char *repo;      /* absolute path or URL */
    const char *title;     /* first line of the task, clean */
    const char *submitter; /* who */
    int priority;          /* 0..9, 9 first; 5 by default */
    enum workflow_state state;
    enum workflow_state resume_state; /* where PARKED and RECOVERING go back to */
    enum workflow_wait wait;
    enum workflow_wait resume_wait; /* what PARKED goes back to waiting for */
    int step;                       /* position inside the state: what runs now or next */
    int iteration;                  /* 1..max_iterations: times through PLANNING */
    int attempt;                    /* 1..: tries of the current step */
    int retries;                    /* retries used in the current state */
    int agent_runs;                 /* agent runs in all, for the budget */
    int granted_runs;               /* by operators, on top of the pipeline's budget */
    struct span granted_wall;       /* likewise */
    int budget_told; /* bits: 1 runs, 2 wall, 4 tokens, 8 cost: that 80 % were used was told */
    struct span last_run;         /* what the newest agent run took; 0 = none has ended */
    struct usage used, last_used; /* by all agent and plan runs, by the newest one */
    struct usage granted;         /* by operators, on top of the pipeline's budget */
    int held; /* outcome that came while PARKED, an event of the machine; 0 none */
    int64_t effect_seq; /* number of the newest effect; effects are wf-<id>.<seq> */
    bool is_active;     /* the newest effect is without outcome */
    struct wall created_at, started_at, state_since, finished_at;
    struct wall deadline_at; /* of the current state; unset while waiting or parked */
    struct span time_left;   /* of the deadline, while the clock stands (PARKED, waits) */
    struct wall retry_at;    /* WAIT_RETRY, WAIT_WINDOW: when */
    const char *branch;
    const char *base_sha;
    const char *head_sha;
    const char *merge_sha;
    int64_t pr_number; /* 0 = none */
    const char
        *reason; /* one clean line: why it waits, parks, failed; "" when all is well */
    const char *service; /* WAIT_SERVICE: for which service; else "" */
    bool is_degraded;    /* a fallback validated it: the merge needs an approval */
    bool is_adopted;     /* began with somebody's pull request */
};

/* One thing that happened. seq grows by one with each event of the store, without gap. */
struct event_row {
    int64_t seq;
    struct wall at;
    int64_t workflow;  /* 0 = the engine itself */
    const char *kind;  /* event name of the transition table, or "engine-start" ... */
    const char *actor; /* who caused it: a user, or "engine" */
    enum workflow_state from, to;
    enum workflow_wait wait; /* after it */
    int iteration, attempt;
    int64_t effect; /* seq of the effect that it asked for or whose outcome it is, or 0 */
    int64_t
        ended; /* seq of the effect that ended with it, by its outcome or stopped; 0 */
    const char *text; /* one clean line for people, "" when the kind says all */
};

/* Outbox entry, and afterwards the history of steps. Key: (workflow, seq). */
struct effect_row {
    int64_t workflow, seq;
    enum effect_kind kind;
    enum effect_status status;
    int step;         /* index in the pipeline's list for SETUP and CHECK, else 0 */
    const char *name; /* what the console shows: "unit tests", "agent", "merge" */
    int iteration, attempt;
    struct wall asked_at, started_at, finished_at;
    struct wall deadline_at;
    const char *params;  /* JSON object: what makes this effect this effect */
    const char *summary; /* one clean line: result or failure; "" while pending */
    const char *log;     /* path of the log segment below the log folder, "" = none */
    int exit_status;     /* of the command; -1 unknown; 128+n killed by signal n */
    int64_t cpu_ms, peak_rss_kib, out_bytes; /* measured; -1 unknown */
    const char *provider; /* who performed it: "local" or a service; "" while pending */
    bool is_fallback;     /* not the first of its chain */
};

/* States of a circuit breaker. X(identifier, word, help) */
#define BREAKER_LIST(X)                                                                  \
    X(BREAKER_CLOSED, "closed", "calls go through")                                      \
    X(BREAKER_OPEN, "open", "calls are refused until the service has had time")          \
    X(BREAKER_HALF_OPEN, "half-open", "a few calls try whether it is back")              \
    X(BREAKER_FORCED_OPEN, "forced-open", "an operator holds it open")                   \
    X(BREAKER_FORCED_CLOSED, "forced-closed", "an operator holds it closed")             \
    X(BREAKER_DISABLED, "disabled", "an operator switched it off: nothing is counted")   \
    X(BREAKER_METRICS, "metrics-only", "it counts and says so, and refuses nothing")
enum breaker_state {
#define X(id, word, help) id,
    BREAKER_LIST(X)
#undef X
        BREAKER_STATE_COUNT
};
const char *breaker_state_word(enum breaker_state state);

/* A service as the engine last saw it. */
struct service_row {
    const char *name, *kind;
    enum breaker_state state;
    struct wall since;  /* in this state */
    struct wall until;  /* open: next try; forced: its end; unset: none */
    const char *reason; /* one clean line: cause of the state, or who forced it and why */
    const char *detail; /* JSON object: figures for the screens, see service(7) tables */
    const char *memo;   /* JSON object: what the next engine goes on with */
    struct wall updated_at;
};

/* What became of a webhook delivery. X(identifier, word, help) */
#define DELIVERY_LIST(X)                                                                 \
    X(DELIVERY_ACCEPTED, "accepted", "kept, and told to whoever waits for it")           \
    X(DELIVERY_IGNORED, "ignored", "kept; nothing here uses this event")                 \
    X(DELIVERY_DUPLICATE, "duplicate", "came before; no effect")                         \
    X(DELIVERY_REJECTED, "rejected", "bad signature or no delivery header; not kept")    \
    X(DELIVERY_RECONCILED, "reconciled", "no delivery told it: found by asking")
enum delivery_status {
#define X(id, word, help) id,
    DELIVERY_LIST(X)
#undef X
        DELIVERY_STATUS_COUNT
};
const char *delivery_status_word(enum delivery_status status);

/* A webhook delivery, or what polling found in place of one. */
struct delivery_row {
    int64_t seq; /* grows; given by the store */
    struct wall at;
    const char *guid; /* X-GitHub-Delivery, unique; "" when reconciled */
    const char *event, *action, *repository;
    int64_t pull; /* number, 0 = none */
    const char *sha;
    int64_t workflow; /* that it was for, 0 = none or unknown */
    enum delivery_status status;
    int repeats;      /* how often it came again */
    const char *text; /* one clean line for people */
    const void *body; /* raw bytes; NULL when not kept or not asked for */
    size_t body_len;  /* of the body as it came */
};

/* An operator's decision, written by any front end, answered by the engine. */
struct command_row {
    int64_t id;
    struct wall at;
    const char *actor;
    const char
        *origin; /* word of a front end (engine/approval/access.h); NULL or "" = none */
    const char *account; /* user of the process, when it is not the actor; NULL = "" */
    const char *key;     /* the client's name for this request; NULL or "" = none */
    const char *verb;
    int64_t workflow;    /* 0 = none */
    const char *args;    /* JSON object */
    int answer;          /* exit status: -1 not answered yet, 0 done, 1 refused, 2 bad */
    const char *message; /* one clean line; "" until answered */
};

/* Totals that the writer keeps in rows, so that no screen counts. */
struct totals {
    int64_t by_state[STATE_COUNT];
    int64_t by_wait[WAIT_COUNT];
    int64_t n_workflows;
    int64_t last_event; /* newest event seq */
    int64_t by_delivery[DELIVERY_STATUS_COUNT];
};

/* One hour of history, for throughput and success rate. */
#define HOURS_KEPT (24 * 400)
struct hour_row {
    int64_t hour; /* hours since 1970 UTC */
    int64_t completed, failed, cancelled, submitted;
    int64_t duration_ms; /* sum over completed */
};

#endif
