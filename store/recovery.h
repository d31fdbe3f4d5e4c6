/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_RECOVERY_H
#define SIGNALBOX_STORE_RECOVERY_H

/*
 * Recovery: failures, the problems that explain them, what was done about them, the decisions
 * behind it and what was learned, as it is stored and shown. Conventions of rows as in
 * store/model.h: borrowed strings, never NULL, "" means none.
 *
 *   failure    something did not work: what, which class, which lines say so
 *   problem    a cause that explains one or many failures (ITIL: the cause of one or more
 *              incidents): a pile of failures is one problem with one recovery
 *   recovery   one rung of the ladder, tried on a failure or on a problem
 *   decision   a choice, its reasons in words and numbers, and how it turned out
 *   odds       what is known of a rung for a fingerprint, a class, or at all
 *   label      what an operator says about the class of a fingerprint
 *
 * All ids are given by the control thread (the one writer), grow, and are never given twice.
 * Each table has a bound; beyond it, or when older than the history that is kept, the oldest
 * settled rows go. Odds and labels stay.
 */

#include "store/finding.h"

/* ---- words ------------------------------------------------------------------------- */

/* Whose failure it is. X(identifier, word, help) */
#define CATEGORY_LIST(X)                                                                 \
    X(CATEGORY_SERVICE, "service_failure", "something that work depends on is not well") \
    X(CATEGORY_WORKFLOW, "workflow_failure", "the work itself failed")                   \
    X(CATEGORY_INTEGRATION, "integration_failure",                                       \
      "two sides do not understand each other")
enum failure_category {
#define X(id, word, help) id,
    CATEGORY_LIST(X)
#undef X
        CATEGORY_COUNT
};

/* What kind of failure. X(identifier, word, usual category, help) */
#define CLASS_LIST(X)                                                                    \
    X(CLASS_UNKNOWN, "unknown", CATEGORY_WORKFLOW, "nothing known fits well enough")     \
    X(CLASS_TEST, "test", CATEGORY_WORKFLOW, "a test says that the change is wrong")     \
    X(CLASS_COMPILE, "compile", CATEGORY_WORKFLOW, "it does not compile or link")        \
    X(CLASS_LINT, "lint", CATEGORY_WORKFLOW,                                             \
      "style, docs, size, generated files, links")                                       \
    X(CLASS_DEPENDENCY, "dependency", CATEGORY_WORKFLOW,                                 \
      "a package is missing or does not fit")                                            \
    X(CLASS_CONFIG, "config", CATEGORY_WORKFLOW,                                         \
      "a file, command or setting is missing or wrong")                                  \
    X(CLASS_NETWORK, "network", CATEGORY_INTEGRATION,                                    \
      "no or a broken connection, names, TLS")                                           \
    X(CLASS_TIMEOUT, "timeout", CATEGORY_WORKFLOW, "took longer than it may")            \
    X(CLASS_RESOURCE, "resource", CATEGORY_SERVICE,                                      \
      "no disk, memory, processes or files left")                                        \
    X(CLASS_CRASH, "crash", CATEGORY_WORKFLOW,                                           \
      "a program died: signal, abort, sanitizer")                                        \
    X(CLASS_INFRA, "infra", CATEGORY_SERVICE,                                            \
      "agent, runner, sandbox or service failed")                                        \
    X(CLASS_VCS, "vcs", CATEGORY_WORKFLOW, "git: conflict, missing ref, refused push")   \
    X(CLASS_AUTH, "auth", CATEGORY_INTEGRATION,                                          \
      "credentials are wrong, expired or not enough")                                    \
    X(CLASS_QUOTA, "quota", CATEGORY_INTEGRATION, "a rate limit or a quota is used up")  \
    X(CLASS_FLAKY, "flaky", CATEGORY_WORKFLOW, "fails and passes on the same commit")
enum failure_class {
#define X(id, word, category, help) id,
    CLASS_LIST(X)
#undef X
        CLASS_COUNT
};

/* What has become of a failure. X(identifier, word, help) */
#define FAILURE_STATUS_LIST(X)                                                           \
    X(FAILURE_OPEN, "open", "being recovered")                                           \
    X(FAILURE_RECOVERED, "recovered", "the step has passed since, without a human")      \
    X(FAILURE_ESCALATED, "escalated", "waits for a person")                              \
    X(FAILURE_HELPED, "helped", "a person put it right")                                 \
    X(FAILURE_LOST, "lost", "the workflow failed for good or was cancelled")
enum failure_status {
#define X(id, word, help) id,
    FAILURE_STATUS_LIST(X)
#undef X
        FAILURE_STATUS_COUNT
};

/* Rungs of the ladder: what can be done. X(identifier, word, strategy of the mission,
 * category it belongs to, subject, whether a person must approve by default, help) */
#define RUNG_LIST(X)                                                                     \
    X(RUNG_RETRY, "retry", "retry_with_backoff", CATEGORY_WORKFLOW, "workflow", false,   \
      "the same step again after a pause that grows")                                    \
    X(RUNG_CHECKPOINT, "checkpoint", "rollback_to_checkpoint", CATEGORY_WORKFLOW,        \
      "workflow", false, "back to an earlier state, with a fresh worktree or sandbox")   \
    X(RUNG_HAND_BACK, "hand_back", "alternative_approach", CATEGORY_WORKFLOW,            \
      "workflow", false, "the agent again, with the error context")                      \
    X(RUNG_OTHER_AGENT, "other_agent", "alternative_approach", CATEGORY_WORKFLOW,        \
      "workflow", false, "another agent or model of the chain, with the error context")  \
    X(RUNG_SMALLER_TASK, "smaller_task", "alternative_approach", CATEGORY_WORKFLOW,      \
      "workflow", false, "the agent is asked for the smallest change that passes")       \
    X(RUNG_OTHER_ORDER, "other_order", "alternative_approach", CATEGORY_WORKFLOW,        \
      "workflow", false,                                                                 \
      "the agent begins again from the failing check, on a fresh branch")                \
    X(RUNG_BREAKER, "breaker", "circuit_breaker_activation", CATEGORY_INTEGRATION,       \
      "service", false,                                                                  \
      "its breaker is held open for a while: work parks, nothing is burnt")              \
    X(RUNG_FALLBACK, "fallback", "fallback_mechanism", CATEGORY_INTEGRATION, "workflow", \
      false, "the step again with the next provider of the chain")                       \
    X(RUNG_BACKUP, "backup", "switch_to_backup", CATEGORY_SERVICE, "service", false,     \
      "all work goes to the backups of the service for a while")                         \
    X(RUNG_DEGRADE, "degrade", "graceful_degradation", CATEGORY_SERVICE, "service",      \
      false, "fewer at once; what may be left out is left out")                          \
    X(RUNG_RESTART, "restart", "restart_service", CATEGORY_SERVICE, "service", true,     \
      "the configured restart command of the service")                                   \
    X(RUNG_REVERT, "revert", "revert_merge", CATEGORY_WORKFLOW, "workflow", false,       \
      "a pull request that takes the merge back, after confirmation")                    \
    X(RUNG_WAIT, "wait", "graceful_degradation", CATEGORY_SERVICE, "workflow", false,    \
      "parked until the problem is over; one goes ahead and tries")                      \
    X(RUNG_ESCALATE, "escalate", "manual_escalation", CATEGORY_INTEGRATION, "workflow",  \
      false, "a person is asked")
enum rung {
#define X(id, word, strategy, category, subject, approval, help) id,
    RUNG_LIST(X)
#undef X
        RUNG_COUNT
};

/* Life of one try of a rung. X(identifier, word, help) */
#define RECOVERY_STATUS_LIST(X)                                                          \
    X(RECOVERY_ASKED, "asked", "waits for a person to approve it")                       \
    X(RECOVERY_RUNNING, "running", "under way; its effect is looked for in its window")  \
    X(RECOVERY_PASSED, "passed", "what was expected happened")                           \
    X(RECOVERY_FAILED, "failed", "the same failure came again")                          \
    X(RECOVERY_INCONCLUSIVE, "inconclusive", "its window ended without a verdict")       \
    X(RECOVERY_REFUSED, "refused", "a person said no")                                   \
    X(RECOVERY_OBSOLETE, "obsolete", "the goal was gone before it was done")             \
    X(RECOVERY_UNDONE, "undone", "it passed or ended, and its inverse was carried out")
enum recovery_status {
#define X(id, word, help) id,
    RECOVERY_STATUS_LIST(X)
#undef X
        RECOVERY_STATUS_COUNT
};

/* What a decision is about. X(identifier, word, help) */
#define DECISION_LIST(X)                                                                 \
    X(DECISION_RECOVERY, "recovery", "which rung for this failure")                      \
    X(DECISION_PROBLEM, "problem", "what is done about a problem of many workflows")     \
    X(DECISION_MERGE, "merge", "merge by itself, or ask")                                \
    X(DECISION_PROVIDER, "provider", "which provider of a chain begins")                 \
    X(DECISION_ADMISSION, "admission", "how many workflows run at once")                 \
    X(DECISION_PROACTIVE, "proactive", "a prepared action before something fails")       \
    X(DECISION_REVERT, "revert", "take merged work back")
enum decision_kind {
#define X(id, word, help) id,
    DECISION_LIST(X)
#undef X
        DECISION_KIND_COUNT
};

/* Who decided. X(identifier, word, help) */
#define DECIDER_LIST(X)                                                                  \
    X(DECIDER_RULES, "rules", "the fixed order of the rule table")                       \
    X(DECIDER_LEARNED, "learned", "what worked before")                                  \
    X(DECIDER_OPERATOR, "operator", "a person")                                          \
    X(DECIDER_LIMIT, "limit", "a limit left no choice")
enum decider {
#define X(id, word, help) id,
    DECIDER_LIST(X)
#undef X
        DECIDER_COUNT
};

/* How it turned out. X(identifier, word, help) */
#define VERDICT_LIST(X)                                                                  \
    X(VERDICT_OPEN, "open", "not known yet")                                             \
    X(VERDICT_GOOD, "good", "what was expected happened")                                \
    X(VERDICT_BAD, "bad", "it did not help, or did harm")                                \
    X(VERDICT_UNCLEAR, "unclear", "nothing could be said in time")
enum verdict {
#define X(id, word, help) id,
    VERDICT_LIST(X)
#undef X
        VERDICT_COUNT
};

const char *category_word(enum failure_category category); /* "?" for a newer program's */
const char *class_word(enum failure_class class_);
const char *class_help(enum failure_class class_);
enum failure_category class_category(enum failure_class class_);
NODISCARD bool class_find(const char *word, enum failure_class *ret_class);
const char *failure_status_word(enum failure_status status);
const char *rung_word(enum rung rung);
const char *rung_strategy(enum rung rung);
const char *rung_help(enum rung rung);
bool rung_is_of_service(enum rung rung); /* its subject is a service, not a workflow */
bool rung_needs_approval(enum rung rung);
NODISCARD bool rung_find(const char *word, enum rung *ret_rung);
const char *recovery_status_word(enum recovery_status status);
const char *decision_word(enum decision_kind kind);
const char *decider_word(enum decider decider);
const char *verdict_word(enum verdict verdict);

/* ---- rows -------------------------------------------------------------------------- */

#define FINGERPRINT_WORD 17 /* 16 lower-case hex digits and NUL; "" = none */

struct failure_row {
    int64_t id;
    struct wall at;
    int64_t workflow; /* 0 = of a service alone */
    int64_t effect;   /* its seq; 0 = none */
    int64_t problem;  /* that explains it; 0 = none */
    enum workflow_state state;
    const char *step; /* "unit tests" */
    const char *repo;
    const char *provider; /* who performed it */
    enum failure_class class_;
    enum failure_category category;
    enum severity severity;
    int complexity;    /* 1 repeats itself away .. 5 needs several people; see ladder.h */
    double confidence; /* 0..1 of the class */
    bool is_flaky;     /* judged flaky, whatever the class says of the text */
    char fingerprint[FINGERPRINT_WORD];
    const char *text; /* one clean line: the line that says it best */
    const char *rule; /* id of the pattern that said so; "model", "label", "status" */
    const char
        *cause; /* "service:github_api": the earliest explaining node; "" unknown */
    /* JSON object: "lines":[{"line":n,"text"}], "causes":[{"node","weight","since","why"}]
     * (best first, <= 4), "classes":[{"class","p"}] (<= 3), "complexity":text,
     * "blast":{"workflows":n,"queued":n,"repositories":[..],"branches":n,"environments":[..],
     * "affected":["wf-1", ..] (<= 20)} */
    const char *detail;
    enum failure_status status;
    struct wall settled_at;
    int n_rungs;                  /* tried so far */
    const char *labelled_by;      /* who corrected the class; "" nobody */
    enum failure_class was_class; /* before that */
};

struct problem_row {
    int64_t id;
    const char *
        cause; /* node of the dependency graph: "service:github_api", "step:unit tests" */
    enum failure_class class_;
    char fingerprint[FINGERPRINT_WORD]; /* of the first failure */
    enum severity severity;
    const char *text;
    struct wall opened_at, seen_at, closed_at; /* closed unset: open */
    int64_t n_failures, n_workflows;
    int64_t incident;   /* of the monitor with the same cause; 0 = none */
    enum rung rung;     /* what is done about it; RUNG_COUNT = nothing as yet */
    const char *detail; /* JSON object: "blast" as above */
};

struct recovery_row {
    int64_t id;
    int64_t failure, problem, workflow, decision; /* 0 = none */
    const char *service; /* whose, for the rungs of a service; "" */
    enum rung rung;
    int number; /* 1.. on this failure */
    enum recovery_status status;
    enum decider decider;
    double odds, odds_low,
        odds_high;        /* of success, believed when it was chosen; NAN unknown */
    double trials;        /* evidence behind it, decayed */
    const char *reason;   /* one clean line: why this one */
    const char *expected; /* one clean line: what is looked for */
    const char
        *inverse; /* one clean line: how it is taken back; "" nothing to take back */
    const char *outcome; /* one clean line; "" not known yet */
    struct wall asked_at, started_at, window_end, ended_at;
    double cost_s; /* what it took, seconds of work; NAN unknown */
};

struct decision_row {
    int64_t id;
    struct wall at;
    enum decision_kind kind;
    int64_t workflow, failure, problem; /* 0 = none */
    const char *subject;                /* "wf-12", "service:github_api" */
    const char *choice;                 /* word of what was chosen */
    double confidence;                  /* 0..1: how likely it is the best one */
    double risk;                        /* 0..1 */
    enum decider decider;
    const char *reason; /* one clean line, words and numbers */
    /* JSON: [{"choice","p","low","high","trials","value","cost_s","level","why_not"}], best first */
    const char *alternatives;
    const char *context; /* JSON object: what was known */
    const char
        *shadow; /* what the decider that did not act would have chosen; "" the same */
    enum verdict verdict;
    double reward;       /* 0..1; NAN = not known yet */
    const char *outcome; /* one clean line */
    struct wall settled_at;
};

/* What is known of a rung at one level of the hierarchy. */
struct odds_row {
    const char *key;  /* "fingerprint:0123456789abcdef", "class:test", "all" */
    const char *rung; /* word */
    double alpha,
        beta; /* decayed passes and failures of this level alone; their sum is trials */
    double low, mean, high; /* 90 % credible interval, with the level above as prior */
    double trials;          /* decayed count */
    int64_t n, n_passed;    /* all that ever were */
    double cost_s;          /* mean seconds of a try; NAN unknown */
    uint64_t recent; /* newest trial in bit 0: 1 passed; how many count: n_recent */
    int n_recent;
    struct wall updated_at;
    bool is_demoted; /* may not be chosen by learning (worse than the rules) */
    bool is_killed;  /* an operator switched it off */
};

struct label_row {
    int64_t id;
    struct wall at;
    char fingerprint[FINGERPRINT_WORD];
    enum failure_class class_;
    const char *author;
    const char *text; /* excerpt that it was said of */
};

#define FAILURES_KEPT   50000
#define PROBLEMS_KEPT   5000
#define RECOVERIES_KEPT 100000
#define DECISIONS_KEPT  100000

/* Settings that hold what the engine goes on with after a restart. */
#define LADDER_SETTING   "recovery_ladder" /* state of the ladder, see ladder.h */
#define DECISION_SETTING "decision_state"  /* of the decision engine, see decision.h */

/* ---- writer: part of the batch, as in store/store.h ---------------------------------- */

/* Upserts by id; id 0: a new one. Return the id at once. */
int64_t store_put_failure(struct store *store, const struct failure_row *row);
int64_t store_put_problem(struct store *store, const struct problem_row *row);
int64_t store_put_recovery(struct store *store, const struct recovery_row *row);
int64_t store_put_decision(struct store *store, const struct decision_row *row);
int64_t store_put_label(struct store *store, const struct label_row *row);
void store_put_odds(struct store *store, const struct odds_row *row); /* key and rung */
/* As store_prune_findings. */
size_t store_prune_recovery(struct store *store, struct wall before, size_t max);

/* What the engine reads back; with what waits in the batch. Rows in arena. */
enum found store_load_failure(struct store *store, struct arena *arena, int64_t id,
                              struct failure_row *ret_row, struct err *err);
enum found store_load_problem(struct store *store, struct arena *arena, int64_t id,
                              struct problem_row *ret_row, struct err *err);
enum found store_load_recovery(struct store *store, struct arena *arena, int64_t id,
                               struct recovery_row *ret_row, struct err *err);
enum found store_load_decision(struct store *store, struct arena *arena, int64_t id,
                               struct decision_row *ret_row, struct err *err);
/* As committed, oldest first: what is not settled (failures open or escalated, problems open,
 * recoveries asked or running, decisions without a verdict), all recoveries of failures that are not
 * settled, all odds, all labels. At the start. Functions may be NULL. */
struct recovery_sink {
    void *user;
    void (*failure)(void *user, const struct failure_row *row);
    void (*problem)(void *user, const struct problem_row *row);
    void (*recovery)(void *user, const struct recovery_row *row);
    void (*odds)(void *user, const struct odds_row *row);
    void (*label)(void *user, const struct label_row *row);
    void (*decision)(void *user, const struct decision_row *row);
};
NODISCARD bool store_load_recoveries(struct store *store,
                                     const struct recovery_sink *sink, struct err *err);

/* ---- readers: rows in arena, newest first unless said --------------------------------- */

struct recovery_query {
    /* Only those that are not settled: failures open or escalated, problems open, recoveries
     * asked or running, decisions without a verdict. */
    bool is_open;
    int64_t workflow, failure, problem; /* 0 = any */
    /* Part of a text of the row, of the word of its class, rung, status or kind, any case;
     * NULL = any. */
    const char *text;
    const char *fingerprint; /* of the row, or of its failure; NULL = any */
    int class_;              /* class + 1 of the row, or of its failure; 0 = any */
    int64_t before_id;       /* paging; 0 = from the newest */
    size_t max;              /* 1..10000 */
};
NODISCARD bool reader_failures(struct reader *reader, struct arena *arena,
                               const struct recovery_query *query,
                               const struct failure_row **ret_rows, size_t *ret_n,
                               struct err *err);
NODISCARD bool reader_problems(struct reader *reader, struct arena *arena,
                               const struct recovery_query *query,
                               const struct problem_row **ret_rows, size_t *ret_n,
                               struct err *err);
NODISCARD bool reader_recoveries(struct reader *reader, struct arena *arena,
                                 const struct recovery_query *query,
                                 const struct recovery_row **ret_rows, size_t *ret_n,
                                 struct err *err);
NODISCARD bool reader_decisions(struct reader *reader, struct arena *arena,
                                const struct recovery_query *query,
                                const struct decision_row **ret_rows, size_t *ret_n,
                                struct err *err);
/* Ordered by key, then mean, best first. prefix: of the key; NULL = all. */
NODISCARD bool reader_odds(struct reader *reader, struct arena *arena, const char *prefix,
                           const struct odds_row **ret_rows, size_t *ret_n,
                           struct err *err);
NODISCARD bool reader_labels(struct reader *reader, struct arena *arena, size_t max,
                             const struct label_row **ret_rows, size_t *ret_n,
                             struct err *err);
enum found reader_failure(struct reader *reader, struct arena *arena, int64_t id,
                          struct failure_row *ret_row, struct err *err);
enum found reader_problem(struct reader *reader, struct arena *arena, int64_t id,
                          struct problem_row *ret_row, struct err *err);
enum found reader_recovery(struct reader *reader, struct arena *arena, int64_t id,
                           struct recovery_row *ret_row, struct err *err);
enum found reader_decision(struct reader *reader, struct arena *arena, int64_t id,
                           struct decision_row *ret_row, struct err *err);
/* Totals for headers and /metrics, cheap. Failures that were settled go on being counted
 * when their rows are pruned. */
struct recovery_totals {
    int64_t by_status[FAILURE_STATUS_COUNT];
    int64_t n_problems_open, n_asked;
};
NODISCARD bool reader_recovery_totals(struct reader *reader,
                                      struct recovery_totals *ret_totals,
                                      struct err *err);
/* How many failures were settled at `since` or later, by what they are now: those recovered,
 * helped, lost. Cheap. */
NODISCARD bool reader_settled_since(struct reader *reader, struct wall since,
                                    int64_t ret_by_status[FAILURE_STATUS_COUNT],
                                    struct err *err);

#endif
