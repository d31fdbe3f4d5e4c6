/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_PORT_H
#define SIGNALBOX_SERVICE_PORT_H

/*
 * Port: how side effects leave the control center and how their outcomes come back.
 *
 * The control center commits an effect row (the outbox), then gives it to an executor. The
 * executor performs it exactly once under its key wf-<workflow>.<seq>, whatever restarts lie
 * between: performing a key again adopts what runs already, or delivers the outcome that is
 * there already. The outcome is a message to the control center's inbox.
 *
 * Providers (agent, forge, sandbox, evaluator) stand behind the executor; local ones run
 * processes on this machine. Simulation and benchmarks bring executors of their own.
 */

#include <stdbool.h>
#include <stdint.h>

#include "store/model.h"

/* Whose fault a failure is, and so what helps. X(identifier, word, help) */
#define BLAME_LIST(X)                                                                    \
    X(BLAME_NONE, "none", "no failure")                                                  \
    X(BLAME_CHANGE, "change", "the change is wrong: hand the error back to the agent")   \
    X(BLAME_WORLD, "world", "the surroundings failed: crash, timeout; try again later")  \
    X(BLAME_SETUP, "setup", "settings are wrong: missing program, no repository")        \
    X(BLAME_OPERATOR, "operator", "a person must put something right, then go on")       \
    X(BLAME_SERVICE, "service",                                                          \
      "no provider is available: wait for it, nothing was begun")
enum blame {
#define X(id, word, help) id,
    BLAME_LIST(X)
#undef X
        BLAME_COUNT
};
const char *blame_word(enum blame blame);
NODISCARD bool blame_find(const char *word, enum blame *ret_blame);

/*
 * Checks side by side (limits.parallel): each has its row in the outbox, one of them, the last, is
 * performed for all, and its result has a part for each. The params of the others are
 * {"with":SEQ}.
 */

/* Outcome of one effect. All strings malloc'd, or NULL for "not said"; the result owns them
 * and moves with the message. Clean text (base/text.h) except docs, which are bytes. */
struct effect_result {
    int64_t workflow, seq;
    enum effect_status status; /* never STATUS_PENDING */
    enum blame blame;
    struct wall started_at, finished_at;
    int exit_status;                         /* -1 unknown, 128+n by signal n */
    int64_t cpu_ms, peak_rss_kib, out_bytes; /* -1 unknown */
    int64_t tokens, micros; /* what the command says it has used; 0 = not said */
    int tries;              /* of a check with retries: 1.. */
    char *summary;          /* one line */
    char *log;              /* log segment, relative to the log folder */
    char *excerpt; /* the lines that say what failed, at most EXCERPT_MAX bytes */
    char *branch, *base_sha, *head_sha, *merge_sha;
    int64_t pr_number;
    int64_t red; /* WATCH, CONFIRM: checks that failed, a bit for each step of validate */
    char *plan, *diff, *commits;
    char *provider;   /* who performed it: "local" or the name of a service */
    char *service;    /* BLAME_SERVICE: for which service to wait */
    bool is_revert;   /* CONFIRM: the merge takes something back itself */
    bool is_fallback; /* provider is not the first of its chain */
    bool
        is_degraded; /* a fallback stood in for the evaluator: the merge needs an approval */
    /* Checks side by side: what became of each, in order, seq and all (no parts of their own); the
     * outcome above is that of `of`, the seq of the first that did not pass. 0: of seq. */
    int64_t of;
    struct effect_result **parts; /* owned; NULL = it is about one effect */
    size_t n_parts;
};
/* The effect that the outcome speaks of. */
static inline int64_t effect_result_of(const struct effect_result *result)
{
    return result->of != 0 ? result->of : result->seq;
}
/* Seq of the effect that is performed for this one too; 0 = it is performed itself. */
int64_t effect_with(const struct effect_row *effect);
/* Is it one of several checks side by side? */
bool effect_is_beside(const struct effect_row *effect);
/* Their params: of the one that is performed, and of the others. */
#define EFFECT_PARAMS_ALL  "{\"checks\":"
#define EFFECT_PARAMS_WITH "{\"with\":"

#define EXCERPT_MAX 8192

struct effect_result *effect_result_new(int64_t workflow, int64_t seq);
/* Room for n parts, all NULL; free ends those that are set. */
void effect_result_make_parts(struct effect_result *result, size_t n);
void effect_result_free(struct effect_result *result); /* accepts NULL */

struct executor {
    void *self;
    /* Start or adopt. Copies what it needs. Never blocks; failures come as results. */
    void (*perform)(void *self, const struct effect_row *effect);
    /* Kill what runs under this key; its outcome, if any, is dropped by the receiver. */
    void (*stop)(void *self, int64_t workflow, int64_t seq);
};

#endif
