/* SPDX-License-Identifier: MIT */

/* A pipeline of any bytes: findings, or a pipeline that keeps every promise of its
 * header. */
#include "engine/workflow/pipeline.h"
#include "tests/fuzz/fuzz.h"

static void check_command(const struct command_spec *command, bool may_be_none)
{
    MUST(command->argv != NULL || may_be_none);
    if (command->argv == NULL) {
        return;
    }
    MUST(command->argv[0] != NULL && command->argv[0][0] != '\0');
    MUST(command->text != NULL);
    MUST(command->name != NULL && command->name[0] != '\0');
    MUST(is_harmless(command->name));
    MUST(command->timeout.ms == 0 || command->timeout.ms >= 1000);
    MUST(command->retries >= 0 && command->retries <= 100);
    for (size_t i = 0; i < command->n_env; i++) {
        MUST(command->env[i].name[0] != '\0' &&
             strchr(command->env[i].name, '=') == NULL);
        MUST(command->env[i].value != NULL);
    }
}

static void check_steps(const struct command_spec *steps, size_t n)
{
    MUST(n <= PIPELINE_STEPS_MAX);
    for (size_t i = 0; i < n; i++) {
        check_command(&steps[i], false);
        for (size_t j = 0; j < i; j++) {
            MUST(strcmp(steps[i].name, steps[j].name) != 0);
        }
    }
}

static void check_pipeline(const struct pipeline *p)
{
    MUST(p->name[0] != '\0' && is_harmless(p->name));
    MUST(p->base[0] != '\0' && p->base[0] != '-');
    MUST(p->repository[0] == '\0' || p->repository[0] == '/');
    check_command(&p->agent, false);
    check_command(&p->plan, true);
    check_command(&p->evaluator, true);
    check_steps(p->setup, p->n_setup);
    check_steps(p->checks, p->n_checks);
    MUST(p->plan_mode <= PLAN_ASK);
    MUST(p->merge_mode <= MERGE_NEVER);
    MUST(p->merge_method <= METHOD_SQUASH);
    MUST(p->max_iterations >= 1 && p->max_iterations <= 100);
    MUST(p->max_retries >= 0 && p->max_retries <= 100);
    MUST(p->planning.ms >= 1000 && p->coding.ms >= 1000 && p->validation.ms >= 1000);
    MUST(p->bounds.memory >= 0 && p->bounds.file_size >= 0 && p->bounds.processes >= 0);
    MUST(p->max_attempts >= 0 && p->max_wall.ms >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    findings_init(&findings);
    struct pipeline *pipeline = pipeline_parse("f", (const char *)data, size, &findings);
    MUST((pipeline == NULL) == (findings.n > 0));
    check_findings(&findings);
    if (pipeline != NULL) {
        check_pipeline(pipeline);
    }
    pipeline_free(pipeline);
    findings_fini(&findings);
    return 0;
}
