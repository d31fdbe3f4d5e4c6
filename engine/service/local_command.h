/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_COMMAND_H
#define SIGNALBOX_SERVICE_LOCAL_COMMAND_H

/*
 * Local command: the providers that are a command of the pipeline: agent, plan, setup,
 * check and evaluator. They run inside a runner and fill in its result.
 *
 * Where they run: plan and agent in tree/ (the plan in a copy of the base branch while
 * there is no tree), the others in sandbox/.
 *
 * Environment, and nothing else: PATH, LANG=C.UTF-8, TERM=dumb, CI=true, USER, LOGNAME,
 * HOME, TMPDIR, SIGNALBOX_WORKFLOW (wf-12), SIGNALBOX_EFFECT, SIGNALBOX_ITERATION,
 * SIGNALBOX_ATTEMPT, SIGNALBOX_REPO, SIGNALBOX_BRANCH, SIGNALBOX_BASE,
 * SIGNALBOX_BASE_SHA, SIGNALBOX_HEAD_SHA, and on top the `env` of the pipeline ("${NAME}"
 * borrows a variable of the engine). In the sandbox HOME is an empty folder. Agents need
 * their accounts: plan and agent get the operator's HOME, SHELL, TZ, SSH_AUTH_SOCK and
 * XDG_*_HOME as well, and SIGNALBOX_TASK_FILE, SIGNALBOX_PLAN_FILE,
 * SIGNALBOX_ERRORS_FILE, SIGNALBOX_PROMPT_FILE; the prompt is their stdin too. The
 * evaluator gets the first three of these files.
 *
 * What the outcome means:
 *   program missing, or exit 126/127    REFUSED, setup
 *   agent, plan: other exits, signals   FAILED, world        deadline: TIMED_OUT, world
 *   agent, plan: no sign of life        TIMED_OUT, world; what is in the tree stays
 *   setup, check: exits, signals        FAILED, change       deadline: TIMED_OUT, change
 *   a check that passes after a retry   FLAKY
 *   evaluator: exit 1 FAILED, change    other exits FAILED, world
 *   no network asked for, impossible    REFUSED, setup
 */

#include "engine/io/runner.h"
#include "store/segment.h"

void local_plan(const struct runner *runner, struct effect_result *result);
void local_code(const struct runner *runner, struct effect_result *result);
void local_setup(const struct runner *runner, struct effect_result *result);
void local_check(const struct runner *runner, struct effect_result *result);
/* One of several commands of an effect: runner->order has it as a SETUP or CHECK of its
 * own. folder: below the workflow's; log: where its output goes too. */
void local_step(const struct runner *runner, const char *folder,
                struct segment_writer *log, struct effect_result *result);
/* A service's restart command, in the workflow's folder, with the operator's environment as
 * an agent. What it starts itself ends with it: the service has to be another's child, as
 * with systemctl or docker. */
void local_restart(const struct runner *runner, struct effect_result *result);
void local_evaluate(const struct runner *runner, struct effect_result *result);

#endif
