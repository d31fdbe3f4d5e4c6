/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FLEET_H
#define SIGNALBOX_TESTS_FLEET_H

/*
 * Fleet: pipelines, repositories, agents and services that are not real, with a known truth.
 *
 * A generative model in virtual time: tasks arrive, wait for a slot, are planned, coded (at a
 * service with so many places), checked, judged and merged; each part has its own way to be slow
 * and to fail. What comes out are the rows that the real engine stores. Its constants are drawn
 * from the seed. Into a sound fleet flaws are planted: a setting that is wrong for its world, or
 * a world that a setting does not suit.
 *
 * It knows nothing of the learner. Draws belong to (seed, workflow, step, try), so that two runs
 * which differ in one setting differ only by what that setting does.
 */

#include "engine/learning/optimize.h"

#define FLEET_PIPELINES  4
#define FLEET_CHECKS     5
#define FLEET_SERVICES   2
#define FLEET_PROCESSORS 8 /* of the machine on which the checks run */

/* X(identifier, kind of optimization that puts it right, help) */
#define FLAW_LIST(X)                                                                     \
    X(FLAW_DEADLINE, OPT_DEADLINE, "the agent is killed while it works")                 \
    X(FLAW_RETRIES, OPT_RETRIES, "a check is repeated that never passes then")           \
    X(FLAW_BACKOFF, OPT_BACKOFF, "pauses are much longer than troubles")                 \
    X(FLAW_ORDER, OPT_ORDER, "what takes long and never fails comes first")              \
    X(FLAW_PARALLEL, OPT_PARALLEL, "checks that idle run one after the other")           \
    X(FLAW_CONCURRENCY, OPT_CONCURRENCY, "too few workflows at once")                    \
    X(FLAW_BULKHEAD, OPT_BULKHEAD, "too few calls at once to a service")                 \
    X(FLAW_EVALUATOR, OPT_EVALUATOR, "an evaluator that never finds anything")           \
    X(FLAW_QUARANTINE, OPT_QUARANTINE, "a check that fails and passes as it likes")      \
    X(FLAW_AGENT, OPT_AGENT, "the agent that begins is the worse one")                   \
    X(FLAW_MERGE_WINDOW, OPT_MERGE_WINDOW, "merges at some hours break the base")        \
    X(FLAW_LIMITS, OPT_LIMITS, "checks are killed at the limit of memory")               \
    X(FLAW_TIMEOUT, OPT_DEADLINE, "a check that hangs is waited for")                    \
    X(FLAW_CPU, OPT_LIMITS, "checks are killed at the limit of processor time")          \
    X(FLAW_POLL, OPT_POLL, "a service is asked much too seldom")                         \
    X(FLAW_SCALE, OPT_SCALE, "too few machines behind a service")                        \
    X(FLAW_BREAKER, OPT_BREAKER, "a breaker opens by accident, and for long")
enum fleet_flaw {
#define X(id, kind, help) id,
    FLAW_LIST(X)
#undef X
        FLAW_COUNT
};

struct fleet;
/* flaws: bits of enum fleet_flaw. */
NODISCARD struct fleet *fleet_new(uint64_t seed, unsigned flaws);
void fleet_free(struct fleet *fleet);
/* Where a flaw was planted: "pipeline:p2", "service:codegen_api" or "". */
const char *fleet_flaw_scope(const struct fleet *fleet, enum fleet_flaw flaw);

/* The command that adds machines at the second service; NULL: none is configured. Borrowed. */
const struct scale_choice *fleet_scale(const struct fleet *fleet);

/* Settings as they are written in YAML. False: there is no such setting, or no such value. */
bool fleet_get(const struct fleet *fleet, const char *setting, const char *scope,
               char *ret_value, size_t cap);
bool fleet_set(struct fleet *fleet, const char *setting, const char *scope,
               const char *value);

/* Run workflows number from .. from + n - 1, beginning with an empty world at a time that grows with
 * `from`; their rows in the order in
 * which they end. */
typedef void fleet_sink(void *user, const struct feature_source *source);
/* Who wants to know of breakers, as they change in time with what ends. */
typedef void fleet_change(void *user, const char *service, enum breaker_state state,
                          struct wall at);
void fleet_on_change(struct fleet *fleet, fleet_change *change, void *user);
void fleet_run(struct fleet *fleet, int64_t from, size_t n, fleet_sink *sink, void *user);

#endif
