/* SPDX-License-Identifier: MIT */
#include "engine/recovery/ladder.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/compiler.h"

#define PRIOR_WEIGHT     4.0  /* trials that the table is worth */
#define PERSON_S         2700 /* what a person costs: the rungs before are worth trying */
#define CHECKPOINT_S     120
#define AGENT_S          600
#define RETRIES_FIRST    2
#define WAITS_ALONE      4 /* that grow */
#define WAITS_IN_PROBLEM 12
#define APPROACHES_MAX   2    /* each, with a new head commit */
#define LEFT_PRIOR       0.12 /* of what the table of a class does not name */
#define HAND_BACKS_MAX   3    /* with a new head commit each time */

struct ladder_limits ladder_defaults(void)
{
    return (struct ladder_limits){.attempts = 8, .storm = 600, .sure_flaky = 0.6};
}

/* ---- what usually helps ---- */

struct rule {
    enum rung rung;
    double prior;
};
#define RULES_MAX 9

/* Does it go away by itself? Then the same again is worth trying. */
struct class_rules {
    bool is_transient, is_peoples;
    bool is_certain; /* the same again cannot pass */
    struct rule rules[RULES_MAX];
};

/* clang-format off */
static const struct class_rules table[CLASS_COUNT] = {
    [CLASS_UNKNOWN] = {false, false, false, {{RUNG_RETRY, .4}, {RUNG_HAND_BACK, .45}, {RUNG_CHECKPOINT, .3},
        {RUNG_FALLBACK, .3}, {RUNG_OTHER_AGENT, .35}, {RUNG_SMALLER_TASK, .3}, {RUNG_OTHER_ORDER, .25}}},
    [CLASS_TEST] = {false, false, false, {{RUNG_HAND_BACK, .6}, {RUNG_OTHER_AGENT, .4}, {RUNG_SMALLER_TASK, .35},
        {RUNG_OTHER_ORDER, .3}, {RUNG_RETRY, .2}, {RUNG_CHECKPOINT, .15}}},
    [CLASS_COMPILE] = {false, false, true, {{RUNG_HAND_BACK, .75}, {RUNG_OTHER_AGENT, .5}, {RUNG_SMALLER_TASK, .4},
        {RUNG_OTHER_ORDER, .3}, {RUNG_CHECKPOINT, .2}, {RUNG_RETRY, .1}}},
    [CLASS_LINT] = {false, false, true, {{RUNG_HAND_BACK, .85}, {RUNG_OTHER_AGENT, .6}, {RUNG_SMALLER_TASK, .4},
        {RUNG_OTHER_ORDER, .3}, {RUNG_RETRY, .05}}},
    [CLASS_DEPENDENCY] = {false, false, false, {{RUNG_HAND_BACK, .5}, {RUNG_RETRY, .35}, {RUNG_CHECKPOINT, .35},
        {RUNG_FALLBACK, .25}, {RUNG_OTHER_AGENT, .35}, {RUNG_SMALLER_TASK, .3}, {RUNG_OTHER_ORDER, .2}}},
    [CLASS_CONFIG] = {false, false, false, {{RUNG_HAND_BACK, .45}, {RUNG_CHECKPOINT, .3}, {RUNG_FALLBACK, .25},
        {RUNG_OTHER_AGENT, .3}, {RUNG_SMALLER_TASK, .25}, {RUNG_RETRY, .15}}},
    [CLASS_NETWORK] = {true, false, false, {{RUNG_RETRY, .65}, {RUNG_FALLBACK, .55}, {RUNG_CHECKPOINT, .35},
        {RUNG_HAND_BACK, .1}}},
    [CLASS_TIMEOUT] = {true, false, false, {{RUNG_RETRY, .5}, {RUNG_FALLBACK, .4}, {RUNG_HAND_BACK, .35},
        {RUNG_SMALLER_TASK, .4}, {RUNG_CHECKPOINT, .3}, {RUNG_OTHER_AGENT, .4}}},
    [CLASS_RESOURCE] = {true, false, false, {{RUNG_RETRY, .4}, {RUNG_CHECKPOINT, .5}, {RUNG_FALLBACK, .45},
        {RUNG_SMALLER_TASK, .2}}},
    [CLASS_CRASH] = {true, false, false, {{RUNG_RETRY, .45}, {RUNG_HAND_BACK, .45}, {RUNG_CHECKPOINT, .4},
        {RUNG_FALLBACK, .35}, {RUNG_OTHER_AGENT, .35}, {RUNG_SMALLER_TASK, .25}}},
    [CLASS_INFRA] = {true, false, false, {{RUNG_RETRY, .6}, {RUNG_FALLBACK, .55}, {RUNG_CHECKPOINT, .5},
        {RUNG_OTHER_AGENT, .4}, {RUNG_SMALLER_TASK, .3}}},
    [CLASS_VCS] = {false, false, false, {{RUNG_HAND_BACK, .5}, {RUNG_CHECKPOINT, .55}, {RUNG_RETRY, .35},
        {RUNG_OTHER_ORDER, .2}}},
    [CLASS_AUTH] = {false, true, false, {{RUNG_FALLBACK, .5}, {RUNG_RETRY, .1}}},
    [CLASS_QUOTA] = {true, false, false, {{RUNG_RETRY, .55}, {RUNG_FALLBACK, .6}}},
    [CLASS_FLAKY] = {true, false, false, {{RUNG_RETRY, .65}, {RUNG_CHECKPOINT, .4}, {RUNG_HAND_BACK, .25},
        {RUNG_OTHER_AGENT, .15}}},
};

/* n-th rerun, see ladder.h */
static const double rerun[] = {.65, .47, .36, .31, .21};

static const struct {
    double risk;
    const char *expected, *inverse, *advice;
} facts[RUNG_COUNT] = {
    [RUNG_RETRY] = {.02, "the same step passes", "", ""},
    [RUNG_CHECKPOINT] = {.05, "the step passes in a fresh place", "", ""},
    [RUNG_HAND_BACK] = {.1, "the step passes on the agent's next commit",
        "the commit before stays on the branch", ""},
    [RUNG_OTHER_AGENT] = {.15, "the step passes on another agent's commit",
        "the first agent is asked again next time",
        "Approach: another agent has tried this before you and did not get past the failure above. "
        "Read its change first, then decide what to keep."},
    [RUNG_SMALLER_TASK] = {.1, "the step passes on a smaller change",
        "the commit before stays on the branch",
        "Approach: make the smallest change that gets past the failure above. Leave out whatever the "
        "task does not strictly need; take back parts of your change that cause it."},
    [RUNG_OTHER_ORDER] = {.12, "the step passes when it was begun from the failing check",
        "the commit before stays on the branch",
        "Approach: begin from the failing check. Reproduce the failure above first, find its cause, "
        "and only then do the rest of the task."},
    [RUNG_BREAKER] = {.2, "calls succeed when it is closed again", "breaker back to auto", ""},
    [RUNG_FALLBACK] = {.1, "the step passes with another provider",
        "the first provider goes first again next time", ""},
    [RUNG_BACKUP] = {.25, "work passes with the backups", "breaker back to auto", ""},
    [RUNG_DEGRADE] = {.15, "what runs passes with fewer at once", "the limit as it was", ""},
    [RUNG_RESTART] = {.5, "calls succeed after the restart", "", ""},
    [RUNG_REVERT] = {.4, "the base branch passes again", "revert the revert", ""},
    [RUNG_WAIT] = {.01, "the problem is over", "", ""},
    [RUNG_ESCALATE] = {0, "a person puts it right", "", ""},
};
/* clang-format on */

const char *ladder_expected(enum rung rung)
{
    return (unsigned)rung < RUNG_COUNT ? facts[rung].expected : "";
}

const char *ladder_inverse(enum rung rung)
{
    return (unsigned)rung < RUNG_COUNT ? facts[rung].inverse : "";
}

const char *ladder_advice(enum rung rung)
{
    return (unsigned)rung < RUNG_COUNT ? facts[rung].advice : "";
}

enum workflow_state ladder_checkpoint(const struct ladder_context *context)
{
    return context->state; /* its first step makes worktree or sandbox anew */
}

/* ---- bounds ---- */

static bool asks_agent(enum rung rung)
{
    return rung == RUNG_HAND_BACK || rung == RUNG_OTHER_AGENT ||
           rung == RUNG_SMALLER_TASK || rung == RUNG_OTHER_ORDER;
}

static enum failure_class class_of(const struct ladder_context *context)
{
    return context->judgement->class_;
}

static bool is_transient(const struct ladder_context *context,
                         const struct ladder_limits *limits)
{
    return table[class_of(context)].is_transient ||
           (class_of(context) == CLASS_UNKNOWN && context->blame == BLAME_WORLD) ||
           context->judgement->p_flaky >= limits->sure_flaky;
}

/* What cannot be done here. */
static const char *impossible(const struct ladder_context *context, enum rung rung)
{
    switch (rung) {
    case RUNG_HAND_BACK:
    case RUNG_SMALLER_TASK:
    case RUNG_OTHER_ORDER:
        return context->has_agent ? NULL : "no agent to ask";
    case RUNG_OTHER_AGENT:
        return context->has_other_agent ? NULL : "no other agent is configured";
    case RUNG_FALLBACK:
        return context->has_other_provider ? NULL : "no other provider for this step";
    case RUNG_CHECKPOINT:
        return context->state == STATE_CODING || context->state == STATE_VALIDATING
                   ? NULL
                   : "nothing to make anew in this state";
    default:
        return NULL;
    }
}

static const char *used_up(const struct ladder_context *context,
                           const struct ladder_limits *limits, enum rung rung)
{
    if (context->n_rungs >= limits->attempts) {
        return "the limit of attempts on this failure is reached";
    }
    if (asks_agent(rung)) {
        return context->iterations_left <= 0 ? "no iteration is left"
               : context->runs_left <= 0     ? "the budget of agent runs is used up"
                                             : NULL;
    }
    if (context->retries_left <= 0) {
        return "no retry is left in this state";
    }
    return context->wall_left_s < context->pause_s
               ? "the budget of wall time ends before it could"
               : NULL;
}

/* The same rung on the same fingerprint needs new evidence. */
static const char *repeated(const struct ladder_context *context,
                            const struct ladder_limits *limits, enum rung rung)
{
    int n = context->tried[rung];
    if (n == 0) {
        return NULL;
    }
    switch (rung) {
    case RUNG_RETRY: /* the pause has doubled: time is the evidence */
        return is_transient(context, limits) ? NULL : "the same failure came again";
    case RUNG_FALLBACK:
        return NULL; /* another one each time, see has_other_provider */
    case RUNG_HAND_BACK:
        return !context->is_changed  ? "the agent changed nothing"
               : n >= HAND_BACKS_MAX ? "the agent had its tries on this failure"
                                     : NULL;
    case RUNG_OTHER_AGENT:
    case RUNG_SMALLER_TASK:
    case RUNG_OTHER_ORDER: /* another commit is another failure, once more */
        return context->is_changed && n < APPROACHES_MAX
                   ? NULL
                   : "tried on this failure already";
    default:
        return "tried on this failure already";
    }
}

/* What the class or the fault says against it. */
static const char *useless(const struct ladder_context *context, enum rung rung)
{
    if (table[class_of(context)].is_peoples && rung == RUNG_RETRY) {
        return "credentials do not come back by themselves";
    }
    if (rung == RUNG_RETRY && table[class_of(context)].is_certain) {
        return "the same again would fail the same way";
    }
    if (context->kind == EFFECT_CODE && context->blame != BLAME_CHANGE &&
        context->tried[RUNG_RETRY] == 0 &&
        (rung == RUNG_HAND_BACK || rung == RUNG_OTHER_ORDER ||
         (rung == RUNG_SMALLER_TASK && class_of(context) != CLASS_TIMEOUT &&
          class_of(context) != CLASS_RESOURCE))) {
        return "the agent itself failed: a retry tells it as much";
    }
    bool is_elsewhere = context->blame != BLAME_CHANGE || context->is_in_problem;
    if (asks_agent(rung) && is_elsewhere && context->kind != EFFECT_CODE &&
        table[class_of(context)].is_transient) {
        return "not the change's fault";
    }
    if (context->blame == BLAME_OPERATOR) {
        return "a person must put something right";
    }
    if (context->blame == BLAME_SETUP && rung != RUNG_FALLBACK) {
        return "a setting is wrong";
    }
    return NULL;
}

/* ---- the ladder ---- */

static double prior_of(const struct ladder_context *context, enum rung rung, double prior)
{
    const struct failure_judgement *judgement = context->judgement;
    double p = prior;
    if (rung == RUNG_RETRY) {
        size_t n = (size_t)context->tried[RUNG_RETRY];
        n = n < ARRAY_LEN(rerun) ? n : ARRAY_LEN(rerun) - 1;
        p *= rerun[n] / rerun[0];
        /* the text says how likely the same again passes, as far as it is sure */
        double sure = fabs(judgement->p_flaky - 0.5) * 2;
        p += sure * sure * (judgement->p_flaky - p);
    } else if (asks_agent(rung) && context->tried[rung] > 0) {
        p *= pow(0.75, context->tried[rung]);
    }
    return p < 0.01 ? 0.01 : p > 0.99 ? 0.99 : p;
}

static double cost_of(const struct ladder_context *context, enum rung rung)
{
    double step = isnan(context->step_s) ? 60 : context->step_s;
    double agent = isnan(context->agent_s) ? AGENT_S : context->agent_s;
    switch (rung) {
    case RUNG_RETRY:
        return context->pause_s + step;
    case RUNG_FALLBACK:
        return step * 1.5;
    case RUNG_CHECKPOINT:
        return step + CHECKPOINT_S;
    case RUNG_ESCALATE:
        return PERSON_S;
    case RUNG_WAIT:
        return 300;
    default:
        return agent + step;
    }
}

/* Rank of the rules: the table's order, but what the outcome itself says goes first: when the
 * step blames the change, the agent; when it blames the surroundings, the same again. */
static int rank_of(const struct ladder_context *context,
                   const struct ladder_limits *limits, enum rung rung, int place)
{
    bool is_world = context->blame == BLAME_WORLD || is_transient(context, limits);
    if (rung == RUNG_RETRY && context->tried[RUNG_RETRY] >= RETRIES_FIRST) {
        return place + 10; /* others before the last retry is used up */
    }
    if (asks_agent(rung) &&
        context->tried[rung] >= (rung == RUNG_HAND_BACK ? RETRIES_FIRST : 1)) {
        return place + 8; /* what was not tried at all goes first */
    }
    if (class_of(context) == CLASS_UNKNOWN || context->blame == BLAME_WORLD) {
        if (rung == RUNG_RETRY && is_world) {
            return -2;
        }
        if (asks_agent(rung) && is_world && context->kind != EFFECT_CODE) {
            return place + 20;
        }
    }
    if (rung == RUNG_RETRY && context->judgement->p_flaky >= limits->sure_flaky) {
        return -2;
    }
    /* what the change itself may have brought about */
    if (context->blame == BLAME_CHANGE && rung == RUNG_HAND_BACK &&
        (class_of(context) == CLASS_CRASH || class_of(context) == CLASS_TIMEOUT)) {
        return -1;
    }
    return place;
}

static void add(struct ladder *ladder, enum rung rung, int rank, double prior,
                double cost_s, const char *why_not)
{
    size_t at = ladder->n;
    while (at > 0 && ladder->options[at - 1].rank > rank) {
        ladder->options[at] = ladder->options[at - 1];
        ladder->rungs[at] = ladder->rungs[at - 1];
        at--;
    }
    ladder->rungs[at] = rung;
    ladder->options[at] = (struct decide_option){.name = rung_word(rung),
                                                 .rank = rank,
                                                 .prior = prior,
                                                 .prior_weight = PRIOR_WEIGHT,
                                                 .cost_s = cost_s,
                                                 .risk = facts[rung].risk,
                                                 .why_not = why_not};
    ladder->n++;
}

bool ladder_is_transient(enum failure_class class_)
{
    return table[class_].is_transient;
}

bool ladder_may_hold(enum failure_class class_)
{
    return table[class_].is_transient && class_ != CLASS_FLAKY &&
           class_ != CLASS_TIMEOUT && class_ != CLASS_CRASH;
}

int ladder_waits(const struct ladder_context *context)
{
    return context->is_in_problem && ladder_may_hold(class_of(context)) ? WAITS_IN_PROBLEM
                                                                        : WAITS_ALONE;
}

/* What is wrong with the surroundings goes away some time, above all when many have it. */
static bool may_pass(const struct ladder_context *context,
                     const struct ladder_limits *limits)
{
    bool is_outside = context->is_outside || ladder_may_hold(class_of(context)) ||
                      (class_of(context) == CLASS_UNKNOWN &&
                       context->blame == BLAME_WORLD && context->is_in_problem);
    /* An agent that only fails says nothing of its surroundings. */
    bool is_agents = (context->kind == EFFECT_CODE || context->kind == EFFECT_PLAN) &&
                     class_of(context) == CLASS_INFRA && !context->is_in_problem;
    return is_outside && !is_agents && context->blame != BLAME_SETUP &&
           context->blame != BLAME_OPERATOR && context->n_rungs < limits->attempts &&
           context->tried[RUNG_WAIT] < ladder_waits(context);
}

static const enum rung all_rungs[] = {RUNG_CHECKPOINT,   RUNG_HAND_BACK,
                                      RUNG_FALLBACK,     RUNG_OTHER_AGENT,
                                      RUNG_SMALLER_TASK, RUNG_OTHER_ORDER};

static bool has_rung(const struct ladder *ladder, enum rung rung)
{
    for (size_t i = 0; i < ladder->n; i++) {
        if (ladder->rungs[i] == rung) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct ladder_context *context,
                  const struct ladder_limits *limits)
{
    return context->is_held || context->n_storm >= limits->storm;
}

/* Onto the ladder, allowed or with the reason why not. True: it may be taken. */
static bool climb(const struct ladder_context *context,
                  const struct ladder_limits *limits, const struct rule *rule, int place,
                  struct ladder *ladder)
{
    enum rung rung = rule->rung;
    const char *why_not = impossible(context, rung);
    why_not = why_not != NULL ? why_not : useless(context, rung);
    why_not = why_not != NULL ? why_not : repeated(context, limits, rung);
    why_not = why_not != NULL ? why_not : used_up(context, limits, rung);
    if (why_not == NULL && holds(context, limits)) {
        why_not = context->is_held ? "others of the same problem go first"
                                   : "storm limit: too many of this class in an hour";
    }
    add(ladder, rung, rank_of(context, limits, rung, place),
        prior_of(context, rung, rule->prior), cost_of(context, rung), why_not);
    return why_not == NULL;
}

void ladder_climb(const struct ladder_context *context,
                  const struct ladder_limits *limits, struct ladder *ret_ladder)
{
    const struct class_rules *rules = &table[class_of(context)];
    bool is_held = holds(context, limits);
    const char *no_need = NULL;
    ret_ladder->n = 0;
    for (int i = 0; i < RULES_MAX && rules->rules[i].prior > 0; i++) {
        no_need = climb(context, limits, &rules->rules[i], i, ret_ladder)
                      ? "something else may still help"
                      : no_need;
    }
    for (size_t i = 0; i < ARRAY_LEN(all_rungs); i++) { /* before a person is asked */
        const struct rule rest = {all_rungs[i], LEFT_PRIOR};
        if (!has_rung(ret_ladder, rest.rung) && !rules->is_peoples &&
            climb(context, limits, &rest, 30 + (int)i, ret_ladder)) {
            no_need = "something else may still help";
        }
    }
    if (is_held || may_pass(context, limits)) {
        add(ret_ladder, RUNG_WAIT, is_held ? -10 : 90, is_held ? 0.8 : 0.4,
            cost_of(context, RUNG_WAIT), NULL);
        no_need = "something else may still help";
    }
    add(ret_ladder, RUNG_ESCALATE, 100, 0.95, cost_of(context, RUNG_ESCALATE), no_need);
}

int ladder_complexity(const struct ladder_context *context, const char **ret_why)
{
    struct ladder_limits limits = ladder_defaults();
    enum failure_class class_ = class_of(context);
    if (table[class_].is_peoples || context->blame == BLAME_SETUP ||
        context->blame == BLAME_OPERATOR) {
        *ret_why = "only a person can put credentials or settings right";
        return 5;
    }
    if (context->is_in_problem || class_ == CLASS_RESOURCE) {
        *ret_why = "something that many depend on must be put right";
        return 4;
    }
    if (!is_transient(context, &limits)) {
        *ret_why = "the change must be made differently";
        return 3;
    }
    if (context->tried[RUNG_RETRY] > 0) {
        *ret_why = "the same again did not help at once";
        return 2;
    }
    *ret_why = "usually goes away by itself";
    return 1;
}
