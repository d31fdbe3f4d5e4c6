/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_LADDER_H
#define SIGNALBOX_RECOVERY_LADDER_H

/*
 * Ladder: which rungs a failure has, in the order of the rules, and which of them may be taken.
 *
 * For each class a table says what usually helps, best first, with a chance of success that is
 * worth a few trials: the prior of what is learned (engine/decision/decide.h). First priors of
 * `retry` are those of reruns of GitHub Actions jobs (4,261 sets of reruns: .65, .47, .36, .31 for
 * the first to fourth; https://github.com/jiangnanpro/Reruns-of-GHA-workflow). Then the bounds, each
 * with its words: a rung is not taken
 *   - when it cannot be done here (no other provider, no agent in this step),
 *   - when its limit is used up: retries and iterations of the pipeline, agent runs and wall time
 *     of the budget, `attempts` on one failure, `storm` of a class within an hour,
 *   - again on the same fingerprint without new evidence: another head commit for what asks the
 *     agent, a longer pause for a retry, another provider for a fallback; a checkpoint once,
 *   - when the class says that it cannot help: what is not transient is tried again once at
 *     most (a pass is the proof of a flake), what a compiler or linter says not at all, and
 *     credentials are a person's.
 * What is wrong with the surroundings is waited for at the end, in pauses that grow and use up
 * nothing; longer when many have it.
 * `escalate` may be taken when nothing else may: a person is the last rung, not one that competes
 * by its odds. Who finds that what is left has hardly ever helped may take it all the same.
 *
 * Complexity of a recovery: 1 goes away by itself, 2 one rung that costs little, 3 the agent must
 * work again, 4 a service or a resource must be put right, 5 only people can.
 *
 * Pure, no state.
 */

#include "engine/decision/decide.h"
#include "engine/recovery/classify.h"

struct ladder_limits {
    int attempts; /* rungs on one failure; 8 */
    int storm;    /* rungs on one class within an hour, all workflows; 200 */
    double
        sure_flaky; /* chance that the same again passes from which a retry is offered for a
                        * class that is not transient; 0.6 */
};
struct ladder_limits ladder_defaults(void);

/* A failure as the ladder sees it. */
struct ladder_context {
    const struct failure_judgement *judgement;
    enum blame blame;
    enum workflow_state state;
    enum effect_kind kind; /* of the step */
    int tried[RUNG_COUNT]; /* on this fingerprint in this workflow */
    int n_rungs;           /* on this failure */
    int n_storm;           /* rungs on this class within the last hour, all workflows */
    bool is_changed; /* another head commit than at the last rung that asked the agent */
    bool has_agent;  /* an agent can be asked again */
    bool has_other_agent;    /* the chain or the pipeline names another one */
    bool has_other_provider; /* the chain of this step has one that was not tried */
    bool has_head;           /* there is a head commit to validate again */
    int retries_left, iterations_left, runs_left; /* INT_MAX: no bound */
    double wall_left_s;                           /* of the budget; INFINITY: no bound */
    double pause_s;                               /* before the next retry */
    double step_s, agent_s;   /* usual length of the step, of an iteration; NAN unknown */
    bool is_in_problem;       /* one of many of one cause */
    bool is_outside;          /* the problem's cause is a service or the base branch */
    bool is_held;             /* the problem's storm limit says: wait */
    const char *problem_text; /* of it; NULL = none */
};

struct ladder {
    struct decide_option
        options[RUNG_COUNT]; /* options[i] is rungs[i]; best rank first */
    enum rung rungs[RUNG_COUNT];
    size_t n;
};
void ladder_climb(const struct ladder_context *context,
                  const struct ladder_limits *limits, struct ladder *ret_ladder);

/* Does it go away by itself, as a rule? */
bool ladder_is_transient(enum failure_class class_);
/* Is it worth waiting for others of the same problem? */
bool ladder_may_hold(enum failure_class class_);
/* How often one failure may wait; longer when many have it and it goes away by itself. */
int ladder_waits(const struct ladder_context *context);
/* 1..5, and why, static. */
int ladder_complexity(const struct ladder_context *context, const char **ret_why);
/* What is looked for after this rung, and how it is taken back ("" nothing to take back);
 * static. */
const char *ladder_expected(enum rung rung);
const char *ladder_inverse(enum rung rung);
/* What the agent is told beside the error context; "" = nothing. Static. */
const char *ladder_advice(enum rung rung);
/* Where a checkpoint rung goes back to. */
enum workflow_state ladder_checkpoint(const struct ladder_context *context);

#endif
