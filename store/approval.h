/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_APPROVAL_H
#define SIGNALBOX_STORE_APPROVAL_H

/*
 * Approval: what waits for a person to decide, what the learning engine proposes, which
 * settings were changed, and how much the engine may do by itself, as it is stored and shown.
 * Conventions of rows as in store/model.h: borrowed strings, never NULL, "" means none.
 *
 *   approval      an effect that a person allows or not; bound to the effect by its digest
 *   optimization  a change of one setting that was found to help, and what became of it
 *   tuning        a setting that is in force in place of the configured one
 *   autonomy      how much of a class of actions the engine does by itself
 *
 * All ids are given by the control thread (the one writer), grow, and are never given twice.
 * Each table has a bound; beyond it, or when older than the history that is kept, the oldest
 * rows that are settled go. Tunings and levels stay. What was decided stays in the audit.
 */

#include "store/recovery.h"

/* ---- words ------------------------------------------------------------------------- */

/* Classes of actions, by which autonomy is given. X(identifier, word, level by default, help).
 * The default is a ceiling: what a pipeline asks for itself (plan: ask, merge: ask) asks. */
#define ACT_LIST(X)                                                                      \
    X(ACT_PLAN, "plan", LEVEL_AUTO, "begin to code what was planned")                    \
    X(ACT_MERGE, "merge", LEVEL_AUTO, "merge a validated change")                        \
    X(ACT_REVERT, "revert", LEVEL_AUTO, "take a merge back")                             \
    X(ACT_RETRY, "retry", LEVEL_AUTO, "run a step again, or wait")                       \
    X(ACT_REWORK, "rework", LEVEL_AUTO, "run the agent again after a failure")           \
    X(ACT_FALLBACK, "fallback", LEVEL_AUTO, "use a backup in place of a service")        \
    X(ACT_RESTART, "restart", LEVEL_APPROVE, "run the restart command of a service")     \
    X(ACT_PREPARE, "prepare", LEVEL_AUTO, "a reversible action before something fails")  \
    X(ACT_TUNE, "tune", LEVEL_AUTO, "change a setting within its bounds")                \
    X(ACT_SCALE, "scale", LEVEL_APPROVE, "run a configured scale command")               \
    X(ACT_BUDGET, "budget", LEVEL_APPROVE, "grant more of a budget")
enum act {
#define X(id, word, level, help) id,
    ACT_LIST(X)
#undef X
        ACT_COUNT
};

/* How much is done without a person, least first. X(identifier, word, help) */
#define LEVEL_LIST(X)                                                                    \
    X(LEVEL_OBSERVE, "observe", "nothing is done or asked; what would be done is noted") \
    X(LEVEL_SUGGEST, "suggest", "it is listed; nobody is called, nothing expires")       \
    X(LEVEL_APPROVE, "approve", "a person is asked")                                     \
    X(LEVEL_AUTO, "auto", "it is done, as far as risk and configuration allow")
enum autonomy_level {
#define X(id, word, help) id,
    LEVEL_LIST(X)
#undef X
        AUTONOMY_LEVEL_COUNT
};

/* Tiers of risk, and what confirms an approval. X(identifier, word, confirmation) */
#define RISK_LIST(X)                                                                     \
    X(RISK_LOW, "low", "one key")                                                        \
    X(RISK_MEDIUM, "medium", "y, with Cancel in front")                                  \
    X(RISK_HIGH, "high", "the name of what it is about, typed")                          \
    X(RISK_CRITICAL, "critical", "two people, each with the name typed")
enum risk {
#define X(id, word, help) id,
    RISK_LIST(X)
#undef X
        RISK_COUNT
};

/* Life of an approval. X(identifier, word, still waits, help) */
#define APPROVAL_LIST(X)                                                                 \
    X(APPROVAL_OPEN, "open", true, "waits for a decision")                               \
    X(APPROVAL_DRIFTED, "drifted", true,                                                 \
      "its effect changed after it was shown; asked again")                              \
    X(APPROVAL_SUGGESTED, "suggested", true, "listed; nobody is called")                 \
    X(APPROVAL_APPROVED, "approved", false, "allowed, and given to be done")             \
    X(APPROVAL_REJECTED, "rejected", false, "not allowed")                               \
    X(APPROVAL_EXPIRED, "expired", false, "nobody decided in time")                      \
    X(APPROVAL_WITHDRAWN, "withdrawn", false, "what asked for it is gone")
enum approval_status {
#define X(id, word, waits, help) id,
    APPROVAL_LIST(X)
#undef X
        APPROVAL_STATUS_COUNT
};

/* What happens to an approval that nobody decides in time. X(identifier, word, help) */
#define EXPIRY_LIST(X)                                                                   \
    X(EXPIRY_NONE, "waits", "it goes on waiting")                                        \
    X(EXPIRY_PARK, "parks", "the workflow is paused; resume asks again")                 \
    X(EXPIRY_DROP, "is dropped", "it is not done")
enum expiry {
#define X(id, word, help) id,
    EXPIRY_LIST(X)
#undef X
        EXPIRY_COUNT
};

/* What can be made to run better. X(identifier, word, help) */
#define OPTIMIZATION_LIST(X)                                                             \
    X(OPT_DEADLINE, "deadline", "the deadline of a state, fitted to how long it takes")  \
    X(OPT_RETRIES, "retries", "retries that a step is worth")                            \
    X(OPT_BACKOFF, "backoff", "the first pause before a retry")                          \
    X(OPT_ORDER, "order", "the order of the checks: what fails soon and often first")    \
    X(OPT_PARALLEL, "parallel", "checks that run side by side")                          \
    X(OPT_CONCURRENCY, "concurrency", "how many workflows run at once")                  \
    X(OPT_BULKHEAD, "bulkhead", "calls at once to a service")                            \
    X(OPT_POLL, "poll", "how often a service is asked how far it is")                    \
    X(OPT_BREAKER, "breaker",                                                            \
      "failures that open a breaker, and how long it stays open")                        \
    X(OPT_AGENT, "agent", "which agent or model begins")                                 \
    X(OPT_EVALUATOR, "evaluator", "an evaluator that never found anything is left out")  \
    X(OPT_QUARANTINE, "quarantine", "a flaky check no longer decides, for a while")      \
    X(OPT_MERGE_WINDOW, "merge_window", "hours in which merges fail less")               \
    X(OPT_LIMITS, "limits", "memory, time or processes of a sandbox")                    \
    X(OPT_SCALE, "scale", "a configured command that adds or removes machines")
enum optimization_kind {
#define X(id, word, help) id,
    OPTIMIZATION_LIST(X)
#undef X
        OPTIMIZATION_KIND_COUNT
};

/* Life of an optimization. X(identifier, word, is settled, help) */
#define OPT_STATUS_LIST(X)                                                               \
    X(OPT_PROPOSED, "proposed", false, "waits for a person, or for its turn")            \
    X(OPT_GUARDED, "guarded", false, "applied; watched against what was expected")       \
    X(OPT_KEPT, "kept", true, "did not do harm in its guard window: stays")              \
    X(OPT_TAKEN_BACK, "taken-back", true, "did harm: the setting is as it was")          \
    X(OPT_INCONCLUSIVE, "inconclusive", false,                                           \
      "its guard window ended without a verdict; a person decides")                      \
    X(OPT_REJECTED, "rejected", true, "a person said no")                                \
    X(OPT_UNDONE, "undone", true, "a person took it back")                               \
    X(OPT_WITHDRAWN, "withdrawn", true, "what it rested on is no longer so")
enum optimization_status {
#define X(id, word, settled, help) id,
    OPT_STATUS_LIST(X)
#undef X
        OPT_STATUS_COUNT
};

/* The words are "?" for a newer program's number. */
const char *act_word(enum act action);
const char *act_help(enum act action);
enum autonomy_level act_level(enum act action); /* by default */
NODISCARD bool act_find(const char *word, enum act *ret_action);
const char *level_word(enum autonomy_level level);
NODISCARD bool level_find(const char *word, enum autonomy_level *ret_level);
const char *risk_word(enum risk risk);
const char *risk_confirmation(enum risk risk);
NODISCARD bool risk_find(const char *word, enum risk *ret_risk);
const char *approval_status_word(enum approval_status status);
bool approval_waits(enum approval_status status);
const char *expiry_word(enum expiry expiry);
const char *optimization_word(enum optimization_kind kind);
const char *optimization_help(enum optimization_kind kind);
NODISCARD bool optimization_find(const char *word, enum optimization_kind *ret_kind);
const char *optimization_status_word(enum optimization_status status);
bool optimization_is_settled(enum optimization_status status);

/* ---- rows -------------------------------------------------------------------------- */

#define DIGEST_HEX 65 /* SHA-256 in lower-case hex digits, and NUL */

/* Its name for people is "a-<id>". */
struct approval_row {
    int64_t id;
    enum act action;
    enum approval_status status;
    enum risk risk;
    const char *rule;                         /* the rule of risk that set it, in words */
    int64_t workflow, recovery, optimization; /* whose it is; 0 = none of these */
    const char *target; /* short name that is typed to confirm: "payments-api", "wf-12" */
    const char *repo, *environment;
    const char *title;     /* one clean line: what is done */
    const char *requester; /* who asks: a user, or "engine" */
    const char *assignee;  /* to whom it was delegated; "" nobody */
    const char *claimed_by;
    struct wall claimed_until;
    struct wall created_at;
    struct wall shown_at; /* its card, to somebody who may decide; unset: to nobody yet */
    struct wall expires_at; /* unset: never */
    enum expiry on_expiry;
    struct wall snoozed_until; /* unset: not snoozed */
    struct wall decided_at;
    const char *decided_by; /* "ada", "ada and grace", "engine" */
    const char *reason;     /* of the decision */
    int n_needed;           /* different people who must approve */
    /* JSON: [{"by","role","at":ms,"digest"}], those who approved the present effect */
    const char *votes;
    /* Canonical JSON object of what is done (engine/approval/effect.h), and its digest. */
    const char *effect;
    char digest[DIGEST_HEX];
    const char *effect_before; /* that was shown before it drifted; "" */
    int n_drifts;
    /* JSON object, for the card; each optional, texts are one clean line:
     * "why":[text..], "expected":text, "if_wrong":text, "change":{"setting","scope","from","to"},
     * "touches":{"repositories":[..],"environments":[..],"workflows":n,"queued":n},
     * "guard":text, "undo":text ("" = cannot be taken back),
     * "evidence":[{"id":"e1","text","kind":"event|log|failure|effect|series","ref":text,
     *   "values":[numbers]}], "before":[{"id":"a-3","verdict","by","at":ms,"reason"}],
     * "dry_run":[text..] */
    const char *card;
};

/* Its name for people is "o-<id>". */
struct optimization_row {
    int64_t id;
    enum optimization_kind kind;
    enum optimization_status status;
    enum risk risk;
    const char *setting; /* a setting of engine/learning/tuning.h: "limits.coding" */
    const char *scope; /* "pipeline:web", "repo:/srv/git/pay", "service:github_api", "" */
    const char *from, *to; /* values as they are written in YAML */
    const char *title;     /* one clean line */
    const char *metric; /* what gets better: "completed", "minutes", "wasted_minutes" */
    /* Expected change of it per workflow, with its 90 % interval, in the metric's unit (shares
     * as 0..1); and as measured. NAN = not known. */
    double expected, expected_low, expected_high;
    double measured, measured_low, measured_high;
    double confidence;    /* 0..1 that it helps at all */
    int64_t n_evidence;   /* workflows or steps behind it */
    int64_t approval;     /* 0 = none was needed */
    const char *reason;   /* one clean line: why */
    const char *if_wrong; /* one clean line: what it costs to be wrong */
    const char *outcome;  /* one clean line; "" not known yet */
    const char *actor;    /* who applied, rejected or took it back */
    /* JSON object: "evidence" as in the card of an approval, "dry_run":[text..] */
    const char *evidence;
    const char *guard; /* JSON object: metric, limits and state of the guard window */
    char fingerprint
        [FINGERPRINT_WORD]; /* of kind, setting and scope: the same proposal again */
    struct wall proposed_at, applied_at, guard_until, settled_at;
};

/* A setting in force. Key: (setting, scope). */
struct tuning_row {
    const char *setting, *scope;
    const char *value; /* as in YAML */
    const char *was;   /* what it replaced: the exact inverse; "" = as configured */
    struct wall since, until; /* until unset: no end */
    const char *actor, *reason;
    int64_t optimization; /* 0 = set by hand */
};

/* A level that is not the configured one. Key: (action, repo). */
struct autonomy_row {
    enum act action;
    const char *repo; /* "" = of all */
    enum autonomy_level level;
    struct wall since, until; /* until unset: no end (only lowering) */
    const char *actor, *reason;
    int64_t n_done; /* actions done since by themselves because of it */
};

/* All that the engine does by itself stands still. Setting HALT_SETTING: JSON object with
 * "by", "at" (ms), "reason"; "" = it goes on. */
#define HALT_SETTING "halt"

/* Levels as configured in the engine that runs: JSON object, class -> level. */
#define LEVELS_SETTING "autonomy_configured"

#define APPROVALS_KEPT     50000
#define OPTIMIZATIONS_KEPT 20000

/* ---- writer: part of the batch, as in store/store.h ---------------------------------- */

/* Upserts by id; id 0: a new one. Return the id at once. */
int64_t store_put_approval(struct store *store, const struct approval_row *row);
int64_t store_put_optimization(struct store *store, const struct optimization_row *row);
void store_put_tuning(struct store *store, const struct tuning_row *row);
void store_drop_tuning(struct store *store, const char *setting, const char *scope);
void store_put_autonomy(struct store *store, const struct autonomy_row *row);
void store_drop_autonomy(struct store *store, enum act action, const char *repo);
/* As store_prune_findings. */
size_t store_prune_approvals(struct store *store, struct wall before, size_t max);

/* With what waits in the batch. Rows in arena. */
enum found store_load_approval(struct store *store, struct arena *arena, int64_t id,
                               struct approval_row *ret_row, struct err *err);
enum found store_load_optimization(struct store *store, struct arena *arena, int64_t id,
                                   struct optimization_row *ret_row, struct err *err);
/* What people have decided about such acts in this repository before: approvals that were approved
 * or rejected, newest first, at most max; as committed. Rows in arena. */
NODISCARD bool store_load_decided(struct store *store, struct arena *arena,
                                  enum act action, const char *repo, size_t max,
                                  const struct approval_row **ret_rows, size_t *ret_n,
                                  struct err *err);
/* As committed, oldest first: approvals that wait, optimizations that are not settled, all
 * tunings, all levels. At the start. Functions may be NULL. */
struct approval_sink {
    void *user;
    void (*approval)(void *user, const struct approval_row *row);
    void (*optimization)(void *user, const struct optimization_row *row);
    void (*tuning)(void *user, const struct tuning_row *row);
    void (*autonomy)(void *user, const struct autonomy_row *row);
};
NODISCARD bool store_load_approvals(struct store *store, const struct approval_sink *sink,
                                    struct err *err);

/* ---- readers: rows in arena ------------------------------------------------------------ */

struct approval_query {
    bool is_open;     /* only those that wait (optimizations: that are not settled) */
    bool has_snoozed; /* with is_open: also those that are snoozed at `now` */
    struct wall now;
    int64_t workflow, recovery, optimization; /* 0 = any */
    int action, risk;                         /* + 1; 0 = any */
    const char *text; /* part of title, target, repo, requester or "a-<id>"; NULL = any */
    int64_t before_id; /* paging; 0 = from the newest */
    size_t max;        /* 1..10000 */
};
/* With is_open in the order of attention (capability 13): critical; expiring within 10
 * minutes; then by risk, oldest first; suggested ones last. Else newest first. */
NODISCARD bool reader_approvals(struct reader *reader, struct arena *arena,
                                const struct approval_query *query,
                                const struct approval_row **ret_rows, size_t *ret_n,
                                struct err *err);
enum found reader_approval(struct reader *reader, struct arena *arena, int64_t id,
                           struct approval_row *ret_row, struct err *err);
/* Newest first. */
NODISCARD bool reader_optimizations(struct reader *reader, struct arena *arena,
                                    const struct approval_query *query,
                                    const struct optimization_row **ret_rows,
                                    size_t *ret_n, struct err *err);
enum found reader_optimization(struct reader *reader, struct arena *arena, int64_t id,
                               struct optimization_row *ret_row, struct err *err);
NODISCARD bool reader_tunings(struct reader *reader, struct arena *arena,
                              const struct tuning_row **ret_rows, size_t *ret_n,
                              struct err *err);
NODISCARD bool reader_autonomy(struct reader *reader, struct arena *arena,
                               const struct autonomy_row **ret_rows, size_t *ret_n,
                               struct err *err);
/* For headers and /metrics, cheap. */
struct approval_totals {
    int64_t n_open[RISK_COUNT]; /* wait, not snoozed, not suggested */
    int64_t n_snoozed, n_suggested;
    int64_t n_optimizations[OPT_STATUS_COUNT];
    struct wall next_expiry; /* of those that wait; unset: none expires */
};
NODISCARD bool reader_approval_totals(struct reader *reader, struct wall now,
                                      struct approval_totals *ret_totals,
                                      struct err *err);

#endif
