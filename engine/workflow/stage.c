/* SPDX-License-Identifier: MIT */

/*
 * Stage: which effect is step n of a state. The whole way of a workflow reads off here.
 */

#include "engine/workflow/machine.h"

static struct stage_step step_of(enum effect_kind kind, int index, const char *name)
{
    return (struct stage_step){kind, index, name};
}

static struct stage_step planning_step(const struct pipeline *pipeline, int step)
{
    if (step == 0 && pipeline->plan.argv != NULL) {
        return step_of(EFFECT_PLAN, 0, "plan");
    }
    return step_of(EFFECT_NONE, 0, "");
}

static struct stage_step coding_step(int step)
{
    static const struct stage_step steps[] = {
        {EFFECT_WORKSPACE, 0, "workspace"},
        {EFFECT_CODE,      0, "agent"    },
        {EFFECT_COMMIT,    0, "commit"   },
    };
    return (size_t)step < ARRAY_LEN(steps) ? steps[step] : step_of(EFFECT_NONE, 0, "");
}

/* With a local forge the sandbox is always made: that the head can be checked out is
 * itself checked. */
static bool needs_sandbox(const struct pipeline *pipeline)
{
    return !pipeline_is_remote(pipeline) || pipeline->n_setup > 0 ||
           pipeline->n_checks > 0 || pipeline->evaluator.argv != NULL;
}

static struct stage_step validating_step(const struct pipeline *pipeline, int step)
{
    size_t i = (size_t)step;
    if (needs_sandbox(pipeline)) {
        if (i == 0) {
            return step_of(EFFECT_SANDBOX, 0, "sandbox");
        }
        i--;
    }
    if (i < pipeline->n_setup) {
        return step_of(EFFECT_SETUP, (int)i, pipeline->setup[i].name);
    }
    i -= pipeline->n_setup;
    if (i < pipeline->n_checks) {
        return step_of(EFFECT_CHECK, (int)i, pipeline->checks[i].name);
    }
    i -= pipeline->n_checks;
    if (pipeline_has_evaluator(pipeline)) {
        if (i == 0) {
            return step_of(EFFECT_EVALUATE, 0,
                           pipeline->evaluator.argv != NULL ? pipeline->evaluator.name
                                                            : "evaluator");
        }
        i--;
    }
    if (pipeline_is_remote(pipeline) && pipeline->forge.checks == FORGE_CHECKS_WAIT) {
        if (i == 0) {
            return step_of(EFFECT_FORGE_CHECKS, 0, "forge checks");
        }
        i--;
    }
    if (i == 0 && pipeline->merge_mode != MERGE_NEVER) {
        return step_of(EFFECT_MERGE, 0, "merge");
    }
    return step_of(EFFECT_NONE, 0, "");
}

struct stage_step stage_step(const struct pipeline *pipeline, enum workflow_state state,
                             int step)
{
    switch (state) {
    case STATE_PLANNING:
        return planning_step(pipeline, step);
    case STATE_CODING:
        return coding_step(step);
    case STATE_PR_CREATED:
        return step == 0 ? step_of(EFFECT_PULL_REQUEST, 0, "pull request")
                         : step_of(EFFECT_NONE, 0, "");
    case STATE_VALIDATING:
        return validating_step(pipeline, step);
    default:
        return step_of(EFFECT_NONE, 0, "");
    }
}

int stage_together(const struct pipeline *pipeline, enum workflow_state state, int step)
{
    struct stage_step first = stage_step(pipeline, state, step);
    return pipeline->parallel > 1 && first.kind == EFFECT_CHECK
               ? (int)pipeline->n_checks - first.index
               : 1;
}
