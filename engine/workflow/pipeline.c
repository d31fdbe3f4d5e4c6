/* SPDX-License-Identifier: MIT */
#include "engine/workflow/pipeline.h"

#include "engine/base/mem.h"
#include "engine/base/money.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"
#include "engine/workflow/pipeline_private.h"
#include "engine/workflow/schema.h"

#define TEN_YEARS_MS    INT64_C(315360000000)
#define MIB             (INT64_C(1) << 20)
#define PIB             (INT64_C(1) << 50)
#define STEP_NAME_MAX   64
#define AUTO_NAME_CELLS 40 /* of a step that its command names */

static const char *const plan_modes[] = {"auto", "ask", NULL};
static const char *const merge_modes[] = {"auto", "ask", "never", NULL};
static const char *const merge_methods[] = {"merge", "squash", NULL};
static const char *const check_words[] = {"wait", "ignore", NULL};
static const char *const budget_ends[] = {"ask", "fail", NULL};
static const char *const watch_modes[] = {"none", "checks", "forge", NULL};
static const char *const revert_modes[] = {"ask", "auto", "never", NULL};

#define AT_STEP(member) offsetof(struct command_spec, member)
#define AT(member)      offsetof(struct pipeline, member)

/* clang-format off */
static const struct field step_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .max = STEP_NAME_MAX, .offset = AT_STEP(name),
     .shown = "the beginning of the command",
     .help = "What the console calls the step. Names of one list differ."},
    {.name = "command", .alias = "run", .type = FIELD_COMMAND, .is_required = true,
     .help = "What is run, in a copy of the work tree."},
    {.name = "timeout", .type = FIELD_DURATION, .offset = AT_STEP(timeout),
     .min = 1000, .max = TEN_YEARS_MS, .has_zero = true, .fallback = "0",
     .shown = "what is left of the state's time",
     .help = "After this time the step and all its processes are killed, and it counts as failed."},
    {.name = "retries", .type = FIELD_INT, .offset = AT_STEP(retries), .min = 0, .max = 100,
     .fallback = "0", .help = "How often a failed step is run again before it counts as failed."},
    {.name = "env", .alias = "environment", .type = FIELD_ENV, .offset = AT_STEP(env),
     .offset_n = AT_STEP(n_env),
     .help = "Variables added to the scrubbed environment of the step."},
    {.name = "allow_failure", .alias = "continue-on-error", .type = FIELD_BOOL,
     .offset = AT_STEP(may_fail), .fallback = "false",
     .help = "A failure is shown, and passed over."},
    {.name = "quarantine", .type = FIELD_TIME, .offset = AT_STEP(quarantine),
     .may_be_empty = true, .fallback = "", .shown = "none",
     .help = "Until this time, like 2026-12-01T00:00:00Z, the step of validate is run and counted, "
             "and a failure is passed over; for a step that is known to be flaky."},
};

static const struct schema step_schema = {
    .name = "step", .shorthand = "command", .size = sizeof(struct command_spec),
    .fields = step_fields, .n_fields = ARRAY_LEN(step_fields),
    .help = "A step of setup or validate: these fields, or the command alone."};

#define CHAIN_FIELDS(chain, what)                                                        \
    {.name = "provider", .type = FIELD_NAME, .offset = AT(chain.first), .fallback = "local", \
     .help = "Who " what ": local, or the name of a service of the configuration."},     \
    {.name = "backups", .type = FIELD_NAMES, .offset = AT(chain.backups),                \
     .offset_n = AT(chain.n_backups), .shown = "none",                                   \
     .help = "Who stands in, in this order, while the breaker of the provider is open."}

static const struct field agent_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .max = STEP_NAME_MAX, .offset = AT(agent.name), .fallback = "agent",
     .help = "What the console calls the agent."},
    CHAIN_FIELDS(agent_chain, "makes the change"),
    {.name = "command", .alias = "run", .type = FIELD_COMMAND, .offset = AT(agent),
     .shown = "required when the agent is local, also as a backup",
     .help = "What is run, in the work tree, to make the change. Its output goes to a log."},
    {.name = "timeout", .type = FIELD_DURATION, .offset = AT(agent.timeout),
     .min = 1000, .max = TEN_YEARS_MS, .has_zero = true, .fallback = "0",
     .shown = "limits.coding", .help = "Longest time of one run."},
    {.name = "env", .alias = "environment", .type = FIELD_ENV, .offset = AT(agent.env),
     .offset_n = AT(agent.n_env),
     .help = "Variables added to the scrubbed environment of the agent."},
};

static const struct schema agent_schema = {
    .name = "agent", .shorthand = "command", .size = sizeof(struct pipeline),
    .fields = agent_fields, .n_fields = ARRAY_LEN(agent_fields),
    .help = "The agent: these fields, or the command alone."};

static const struct field forge_fields[] = {
    {.name = "provider", .type = FIELD_NAME, .offset = AT(forge.provider), .fallback = "local",
     .help = "Who keeps branches and pull requests: local, or a service of kind github."},
    {.name = "repository", .type = FIELD_TEXT, .max = 200, .offset = AT(forge.repository),
     .may_be_empty = true, .fallback = "", .shown = "required with a service",
     .help = "The repository there, as owner/name."},
    {.name = "clone", .type = FIELD_TEXT, .max = 1000, .offset = AT(forge.clone),
     .may_be_empty = true, .fallback = "", .shown = "made from the URL of the service",
     .help = "Where git fetches from and pushes to: an https or ssh URL, or a path."},
    {.name = "checks", .type = FIELD_WORD, .offset = AT(forge.checks), .words = check_words,
     .fallback = "wait",
     .help = "Whether the checks of the forge must be green before the merge (wait), or are not "
             "looked at (ignore)."},
    {.name = "expected", .type = FIELD_TEXTS, .max = 200, .offset = AT(forge.expected),
     .offset_n = AT(forge.n_expected), .shown = "whatever checks there are",
     .help = "Names of checks that must be there before green counts."},
    {.name = "labels", .type = FIELD_TEXTS, .max = 50, .offset = AT(forge.labels),
     .offset_n = AT(forge.n_labels), .shown = "none",
     .help = "Labels put on the pull request."},
    {.name = "draft", .type = FIELD_BOOL, .offset = AT(forge.is_draft), .fallback = "false",
     .help = "Whether the pull request is opened as a draft."},
    {.name = "update_branch", .type = FIELD_BOOL, .offset = AT(forge.updates_branch),
     .fallback = "false",
     .help = "Whether a branch that is behind its base is brought up to date before the merge; it "
             "is then validated again."},
};

static const struct schema forge_schema = {
    .name = "forge", .size = sizeof(struct pipeline),
    .fields = forge_fields, .n_fields = ARRAY_LEN(forge_fields),
    .help = "Where the repository and its pull requests live, when not on this machine."};

static const struct field sandbox_fields[] = {
    CHAIN_FIELDS(sandbox_chain, "runs setup and validate"),
};

static const struct schema sandbox_schema = {
    .name = "sandbox", .shorthand = "provider", .size = sizeof(struct pipeline),
    .fields = sandbox_fields, .n_fields = ARRAY_LEN(sandbox_fields),
    .help = "Where the change is validated: these fields, or the provider alone."};

static const struct field evaluator_fields[] = {
    {.name = "name", .type = FIELD_TEXT, .max = STEP_NAME_MAX, .offset = AT(evaluator.name), .fallback = "evaluator",
     .help = "What the console calls the evaluator."},
    CHAIN_FIELDS(evaluator_chain, "judges"),
    {.name = "use", .type = FIELD_BOOL, .offset = AT(uses_evaluator), .fallback = "true",
     .help = "With false it is left out."},
    {.name = "command", .alias = "run", .type = FIELD_COMMAND, .offset = AT(evaluator),
     .shown = "required when the evaluator is local, also as a backup",
     .help = "What is run, in a copy of the work tree, after all steps of validate have passed."},
    {.name = "url", .type = FIELD_TEXT, .max = 2000, .offset = AT(evaluator_url),
     .may_be_empty = true, .fallback = "", .shown = "required with a service",
     .help = "Page that a service opens in a browser."},
    {.name = "task", .type = FIELD_TEXT, .max = 4000, .offset = AT(evaluator_task),
     .may_be_empty = true, .fallback = "", .shown = "required with a service",
     .help = "What a service tries there, in words."},
    {.name = "timeout", .type = FIELD_DURATION, .offset = AT(evaluator.timeout),
     .min = 1000, .max = TEN_YEARS_MS, .has_zero = true, .fallback = "0",
     .shown = "what is left of limits.validation", .help = "Longest time of one run."},
    {.name = "retries", .type = FIELD_INT, .offset = AT(evaluator.retries), .min = 0, .max = 100,
     .fallback = "0", .help = "How often it is run again before it counts as failed."},
    {.name = "env", .alias = "environment", .type = FIELD_ENV, .offset = AT(evaluator.env),
     .offset_n = AT(evaluator.n_env), .help = "Variables added to its scrubbed environment."},
};

static const struct schema evaluator_schema = {
    .name = "evaluator", .shorthand = "command", .size = sizeof(struct pipeline),
    .fields = evaluator_fields, .n_fields = ARRAY_LEN(evaluator_fields),
    .help = "A last opinion about the change: these fields, or the command alone."};

static const struct field plan_fields[] = {
    {.name = "mode", .type = FIELD_WORD, .offset = AT(plan_mode), .words = plan_modes,
     .fallback = "auto",
     .help = "Whether coding begins at once (auto) or waits for the operator's approval (ask)."},
    {.name = "command", .alias = "run", .type = FIELD_COMMAND, .offset = AT(plan),
     .shown = "none: the task is the plan",
     .help = "What writes the plan to its standard output."},
    {.name = "timeout", .type = FIELD_DURATION, .offset = AT(plan.timeout),
     .min = 1000, .max = TEN_YEARS_MS, .has_zero = true, .fallback = "0",
     .shown = "limits.planning", .help = "Longest time of one run."},
    {.name = "env", .alias = "environment", .type = FIELD_ENV, .offset = AT(plan.env),
     .offset_n = AT(plan.n_env), .help = "Variables added to its scrubbed environment."},
};

static const struct schema plan_schema = {
    .name = "plan", .shorthand = "mode", .size = sizeof(struct pipeline),
    .fields = plan_fields, .n_fields = ARRAY_LEN(plan_fields),
    .help = "How the plan is made: these fields, or the mode alone."};

static const struct field merge_fields[] = {
    {.name = "mode", .type = FIELD_WORD, .offset = AT(merge_mode), .words = merge_modes,
     .fallback = "auto",
     .help = "Whether a validated change is merged at once (auto), after the operator's approval "
             "(ask), or left to people (never)."},
    {.name = "method", .type = FIELD_WORD, .offset = AT(merge_method), .words = merge_methods,
     .fallback = "merge", .help = "A merge commit, or all changes squashed into one commit."},
    {.name = "window", .type = FIELD_HOURS, .offset = AT(merge_window), .may_be_empty = true,
     .fallback = "", .shown = "the whole day",
     .help = "Hours of the day (UTC), like 06:00-20:00, in which a validated change is merged by "
             "itself; outside of them it waits, and an operator's resume or approve merges at once."},
};

static const struct schema merge_schema = {
    .name = "merge", .shorthand = "mode", .size = sizeof(struct pipeline),
    .fields = merge_fields, .n_fields = ARRAY_LEN(merge_fields),
    .help = "What becomes of a validated change: these fields, or the mode alone."};

static const struct field after_fields[] = {
    {.name = "watch", .type = FIELD_WORD, .offset = AT(after.watch), .words = watch_modes,
     .fallback = "none",
     .help = "What tells whether the base branch is still well after the merge: nothing, the checks "
             "of validate run once more on it, on this machine (checks), or the checks of the forge "
             "on the merge commit (forge)."},
    {.name = "window", .type = FIELD_DURATION, .offset = AT(after.window), .min = 1000,
     .max = TEN_YEARS_MS, .fallback = "30m",
     .help = "Longest time of one look: a run of the checks, or the wait for those of the forge."},
    {.name = "revert", .type = FIELD_WORD, .offset = AT(after.revert), .words = revert_modes,
     .fallback = "ask",
     .help = "What is done when the merge is confirmed as the culprit, which means that what fails "
             "on it passes on the commit before: the operator is asked (ask), the merge is taken "
             "back within the limits of the configuration (auto), or it is told (never)."},
    {.name = "checks", .type = FIELD_TEXTS, .max = STEP_NAME_MAX, .offset = AT(after.names),
     .offset_n = AT(after.n_names), .shown = "all that may not fail",
     .help = "Names of the steps of validate that count."},
};

static const struct schema after_schema = {
    .name = "after_merge", .shorthand = "watch", .size = sizeof(struct pipeline),
    .fields = after_fields, .n_fields = ARRAY_LEN(after_fields),
    .help = "What follows the merge: these fields, or watch alone."};

static const struct field limits_fields[] = {
    {.name = "iterations", .type = FIELD_INT, .offset = AT(max_iterations), .min = 1, .max = 100,
     .fallback = "10",
     .help = "How often a change that fails validation goes back to planning, the first time "
             "included."},
    {.name = "retries", .type = FIELD_INT, .offset = AT(max_retries), .min = 0, .max = 100,
     .fallback = "3", .help = "How often one state is repeated when the surroundings fail."},
    {.name = "parallel", .type = FIELD_INT, .offset = AT(parallel), .min = 1,
     .max = PIPELINE_LANES_MAX, .fallback = "1",
     .help = "How many steps of validate run at once, in the local sandbox. They begin in their "
             "order and share the work tree, HOME and TMPDIR. One that fails ends those behind it; "
             "those before it are waited for, so that the outcome is the same as one after the "
             "other."},
    {.name = "planning", .type = FIELD_DURATION, .offset = AT(planning), .min = 1000,
     .max = TEN_YEARS_MS, .fallback = "30m", .help = "Deadline of the planning state."},
    {.name = "coding", .type = FIELD_DURATION, .offset = AT(coding), .min = 1000,
     .max = TEN_YEARS_MS, .fallback = "1h", .help = "Deadline of the coding state."},
    {.name = "validation", .type = FIELD_DURATION, .offset = AT(validation), .min = 1000,
     .max = TEN_YEARS_MS, .fallback = "30m", .help = "Deadline of the validating state."},
    {.name = "stall", .type = FIELD_DURATION, .offset = AT(stall), .min = 1000,
     .max = TEN_YEARS_MS, .has_zero = true, .fallback = "30m",
     .help = "A local agent or plan command that shows no sign of life for so long is ended, and "
             "tried again: no output, no change of a file in its work tree, no processor time. "
             "What it has left there stays. With 0 it is never ended for that."},
    {.name = "cpu", .type = FIELD_DURATION, .offset = AT(bounds.cpu), .min = 1000,
     .max = TEN_YEARS_MS, .has_zero = true, .fallback = "0", .shown = "no bound",
     .help = "Processor time of each process."},
    {.name = "memory", .type = FIELD_BYTES, .offset = AT(bounds.memory), .min = 8 * MIB,
     .max = PIB, .has_zero = true, .fallback = "0", .shown = "no bound",
     .help = "Memory of a command with all its processes; of each process where no control "
             "group can be made."},
    {.name = "file_size", .type = FIELD_BYTES, .offset = AT(bounds.file_size), .min = 4096,
     .max = PIB, .has_zero = true, .fallback = "0", .shown = "no bound",
     .help = "Size of each file that is written."},
    {.name = "processes", .type = FIELD_INT, .offset = AT(bounds.processes), .min = 4,
     .max = 1000000, .has_zero = true, .fallback = "0", .shown = "no bound",
     .help = "Number of processes of a command."},
    {.name = "network", .type = FIELD_BOOL, .offset = AT(bounds.has_network), .fallback = "true",
     .help = "Whether setup, validate and evaluator reach the network. With false they run in "
             "an empty network namespace; where the kernel does not allow that, they are refused."},
};

static const struct schema limits_schema = {
    .name = "limits", .size = sizeof(struct pipeline), .fields = limits_fields,
    .n_fields = ARRAY_LEN(limits_fields),
    .help = "Bounds of each state and of each process."};

static const struct field budget_fields[] = {
    {.name = "attempts", .type = FIELD_INT, .offset = AT(max_attempts), .min = 1, .max = 10000,
     .has_zero = true, .fallback = "0", .shown = "no budget",
     .help = "Runs of the agent in all."},
    {.name = "wall", .type = FIELD_DURATION, .offset = AT(max_wall), .min = 1000,
     .max = TEN_YEARS_MS, .has_zero = true, .fallback = "0", .shown = "no budget",
     .help = "Time from the start to the end of a workflow. An agent run does not begin when as "
             "much time as the one before took, and the reserve to publish it, is not left; what "
             "an agent has made is still committed and becomes a pull request."},
    {.name = "tokens", .type = FIELD_INT, .offset = AT(max_tokens), .min = 1, .max = 2000000000,
     .has_zero = true, .fallback = "0", .shown = "no budget",
     .help = "Tokens that agent and plan runs say they have used, in all. A run does not begin "
             "when less is left than the one before used. Who says nothing is not bounded by it."},
    {.name = "cost", .type = FIELD_MONEY, .offset = AT(max_cost), .min = 1, .max = MONEY_MAX,
     .has_zero = true, .fallback = "0", .shown = "no budget",
     .help = "The same for money, in the unit in which the agents say it, like 25.00."},
    {.name = "when_spent", .type = FIELD_WORD, .offset = AT(budget_end), .words = budget_ends,
     .fallback = "ask",
     .help = "Whether an operator is asked to extend a budget that is used up (ask), or the "
             "workflow fails (fail)."},
};

static const struct schema budget_schema = {
    .name = "budget", .size = sizeof(struct pipeline), .fields = budget_fields,
    .n_fields = ARRAY_LEN(budget_fields), .help = "What one workflow may use up in all."};

static const struct field pipeline_fields[] = {
    {.name = "name", .type = FIELD_NAME, .offset = AT(name), .is_required = true,
     .help = "Name of the pipeline."},
    {.name = "repository", .alias = "repo", .type = FIELD_PATH, .offset = AT(repository),
     .may_be_empty = true, .fallback = "", .shown = "said by submit",
     .help = "The git repository to work on, as an absolute path; submit --repo overrides it."},
    {.name = "base", .alias = "branch", .type = FIELD_BRANCH, .offset = AT(base),
     .fallback = "main", .help = "Branch that changes start from and are merged into."},
    {.name = "agent", .type = FIELD_TABLE, .is_required = true,
     .sub = &agent_schema, .help = "Who makes the change."},
    {.name = "forge", .type = FIELD_TABLE, .sub = &forge_schema, .shown = "this machine",
     .help = "Where the repository and its pull requests live."},
    {.name = "plan", .type = FIELD_TABLE, .sub = &plan_schema, .shown = "auto",
     .help = "How the plan is made, and whether it is approved."},
    {.name = "setup", .type = FIELD_STEPS, .offset = AT(setup), .offset_n = AT(n_setup),
     .sub = &step_schema, .shown = "none",
     .help = "Steps that prepare a fresh work tree, in order."},
    {.name = "validate", .type = FIELD_STEPS, .offset = AT(checks), .offset_n = AT(n_checks),
     .sub = &step_schema, .is_required = true,
     .help = "Steps that a change must pass, in order. A pipeline that checks nothing says so "
             "with an empty list."},
    {.name = "sandbox", .type = FIELD_TABLE, .sub = &sandbox_schema, .shown = "this machine",
     .help = "Where setup and validate run."},
    {.name = "evaluator", .type = FIELD_TABLE,
     .sub = &evaluator_schema, .shown = "none", .help = "A last opinion about the change."},
    {.name = "merge", .type = FIELD_TABLE, .sub = &merge_schema, .shown = "auto",
     .help = "What becomes of a validated change."},
    {.name = "after_merge", .type = FIELD_TABLE, .sub = &after_schema, .shown = "none",
     .help = "Whether the base is watched after the merge, and what follows when it is broken."},
    {.name = "limits", .type = FIELD_TABLE, .sub = &limits_schema,
     .help = "Bounds of states and processes."},
    {.name = "budget", .type = FIELD_TABLE, .sub = &budget_schema, .shown = "no bounds",
     .help = "What one workflow may use up in all."},
};
/* clang-format on */

const struct schema *pipeline_schema(void)
{
    static const struct schema schema = {
        .name = "pipeline",
        .size = sizeof(struct pipeline),
        .fields = pipeline_fields,
        .n_fields = ARRAY_LEN(pipeline_fields),
        .help = "A pipeline file holds one map of these fields.",
    };
    return &schema;
}

const struct schema *pipeline_step_schema(void)
{
    return &step_schema;
}

/* Steps */

static bool has_name(const struct command_spec *steps, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (steps[i].name != NULL && strcmp(steps[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* A step without a name is called after its command; a number tells equal ones apart. */
static void name_steps(struct command_spec *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (steps[i].name != NULL || steps[i].text == NULL) {
            continue;
        }
        AUTO_BUF struct buf clean;
        char name[AUTO_NAME_CELLS * 4 + 4];
        size_t len = strcspn(steps[i].text, "\r\n");
        buf_init(&clean, 4096);
        text_clean(&clean, steps[i].text, len < 512 ? len : 512, TEXT_ONE_LINE);
        text_ellipsis(name, sizeof(name), clean.data, AUTO_NAME_CELLS, false);
        char *unique = mem_str(name);
        for (int k = 2; has_name(steps, n, unique); k++) {
            free(unique);
            unique = mem_printf("%s (%d)", name, k);
        }
        steps[i].name = unique;
    }
}

static void check_names(const char *file, const struct command_spec *steps, size_t n,
                        const struct yaml_item *list, struct findings *findings)
{
    const struct yaml_item *item = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < n && item != NULL; i++, item = item->next) {
        char path[YAML_PATH_MAX], quoted[YAML_QUOTE_MAX];
        const struct yaml_item *name = yaml_item_get(item, "name");
        if (steps[i].name != NULL && name != NULL && has_name(steps, i, steps[i].name)) {
            findings_add(findings, file, name->line, yaml_item_path(name, NULL, path),
                         "%s is the name of another step; expected names that differ",
                         yaml_quote(name->text, name->len, quoted));
        }
    }
}

/* Providers: what one field says and another must then have. */

struct checked {
    const char *file;
    const struct pipeline *pipeline;
    const struct yaml_item *root;
    struct findings *findings;
};

/* At field `name` of the table, or where the table begins. */
static void report_in(const struct checked *at, const char *table, const char *name,
                      const char *text)
{
    const struct yaml_item *item = yaml_item_get(at->root, table);
    const struct yaml_item *field =
        item != NULL && item->kind == YAML_MAP ? yaml_item_get(item, name) : NULL;
    AUTO_FREE char *path = mem_printf("%s.%s", table, name);
    findings_add(at->findings, at->file,
                 field != NULL  ? field->line
                 : item != NULL ? item->line
                                : 1,
                 path, "%s", text);
}

/* Is a field not there, in a table that is? What is there and wrong was told already. */
static bool lacks(const struct checked *at, const char *table, const char *name,
                  const char *alias)
{
    const struct yaml_item *item = yaml_item_get(at->root, table);
    return item != NULL && item->kind == YAML_MAP && yaml_item_get(item, name) == NULL &&
           (alias == NULL || yaml_item_get(item, alias) == NULL);
}

static void check_chain(const struct checked *at, const char *table,
                        const struct provider_chain *chain)
{
    for (size_t i = 0; i < chain->n_backups; i++) {
        bool is_twice = strcmp(chain->backups[i], chain->first) == 0;
        for (size_t j = 0; j < i; j++) {
            is_twice = is_twice || strcmp(chain->backups[i], chain->backups[j]) == 0;
        }
        if (is_twice) {
            report_in(at, table, "backups",
                      "names a provider twice; expected each one once");
            return;
        }
    }
}

static bool is_local(const char *provider)
{
    return strcmp(provider, "local") == 0;
}

/* Does the chain have a provider that is not on this machine? */
static bool is_served(const struct provider_chain *chain)
{
    return !is_local(chain->first) || chain->n_backups > 1 ||
           (chain->n_backups == 1 && !is_local(chain->backups[0]));
}

static bool is_full_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    size_t owner = strspn(text, letters);
    size_t name = text[owner] == '/' ? strspn(text + owner + 1, letters) : 0;
    return owner > 0 && name > 0 && text[owner + 1 + name] == '\0' && text[0] != '.' &&
           text[0] != '-' && strcmp(text + owner + 1, ".") != 0 &&
           strcmp(text + owner + 1, "..") != 0;
}

static void check_forge(const struct checked *at)
{
    const struct forge_spec *forge = &at->pipeline->forge;
    const struct yaml_item *repository = yaml_item_get(at->root, "repository");
    bool is_remote = !is_local(forge->provider);
    if (is_remote && lacks(at, "forge", "repository", NULL)) {
        report_in(at, "forge", "repository",
                  "missing; expected owner/name, because the forge is a service");
    } else if (forge->repository[0] != '\0' && lacks(at, "forge", "provider", NULL)) {
        report_in(at, "forge", "provider",
                  "missing; expected the service that has the repository");
    } else if (forge->repository[0] != '\0' && !is_full_name(forge->repository)) {
        report_in(at, "forge", "repository", "is no repository; expected owner/name");
    }
    if (is_remote && repository != NULL && repository->len > 0) {
        findings_add(at->findings, at->file, repository->line, "repository",
                     "is of no use beside forge.repository; expected one of them");
    }
    if (!is_remote && is_served(&at->pipeline->agent_chain)) {
        report_in(at, "agent", "provider",
                  "a service works on a repository of a forge; expected forge.provider "
                  "and forge.repository too");
    }
    if (forge->clone[0] == '-') {
        report_in(at, "forge", "clone", "begins with '-'; expected a URL or a path");
    }
}

static void check_providers(const struct checked *at)
{
    const struct pipeline *pipeline = at->pipeline;
    check_chain(at, "agent", &pipeline->agent_chain);
    check_chain(at, "sandbox", &pipeline->sandbox_chain);
    check_chain(at, "evaluator", &pipeline->evaluator_chain);
    check_forge(at);
    if (chain_has(&pipeline->agent_chain, "local") &&
        lacks(at, "agent", "command", "run")) {
        report_in(at, "agent", "command",
                  "missing; expected a command, as text or list of words");
    }
    if (chain_has(&pipeline->evaluator_chain, "local") &&
        lacks(at, "evaluator", "command", "run")) {
        report_in(at, "evaluator", "command",
                  "missing; expected a command, as text or list of words");
    }
    if (is_served(&pipeline->evaluator_chain)) {
        if (lacks(at, "evaluator", "url", NULL)) {
            report_in(at, "evaluator", "url",
                      "missing; expected the page that the service opens");
        }
        if (lacks(at, "evaluator", "task", NULL)) {
            report_in(at, "evaluator", "task",
                      "missing; expected what the service is to try");
        }
    }
}

/* Elsewhere one command runs at a time: a bridge answers one request after the other, and can
 * only stop a command by ending the whole sandbox. */
static void check_parallel(const struct checked *at)
{
    if (at->pipeline->parallel > 1 && is_served(&at->pipeline->sandbox_chain)) {
        report_in(
            at, "limits", "parallel",
            "sandboxes that are not local run one command at a time; expected 1, or "
            "local as the only provider of sandbox");
    }
}

/* After the merge */

static bool set_check(struct pipeline *pipeline, const char *name)
{
    for (size_t i = 0; i < pipeline->n_checks; i++) {
        if (pipeline->checks[i].name != NULL &&
            strcmp(pipeline->checks[i].name, name) == 0) {
            pipeline->after.checks |= UINT64_C(1) << i;
            return true;
        }
    }
    return false;
}

static void check_after(const struct checked *at, struct pipeline *pipeline)
{
    struct after_merge *after = &pipeline->after;
    if (after->watch == WATCH_FORGE && !pipeline_is_remote(pipeline)) {
        report_in(at, "after_merge", "watch",
                  "waits for checks of a forge, and the forge is this machine; expected "
                  "checks");
    }
    if (after->watch == WATCH_CHECKS && !chain_has(&pipeline->sandbox_chain, "local")) {
        report_in(at, "after_merge", "watch",
                  "runs the checks on this machine, where no sandbox may be; expected "
                  "local among the providers of sandbox, or forge");
    }
    for (size_t i = 0; i < after->n_names; i++) {
        if (!set_check(pipeline, after->names[i])) {
            report_in(at, "after_merge", "checks",
                      "names a step that validate does not have; expected names of its "
                      "steps");
            return;
        }
    }
    for (size_t i = 0; after->n_names == 0 && i < pipeline->n_checks; i++) {
        after->checks |= pipeline->checks[i].may_fail ? 0 : UINT64_C(1) << i;
    }
    if (after->watch == WATCH_CHECKS && after->checks == 0) {
        report_in(at, "after_merge", "watch",
                  "needs a step of validate that may not fail; there is none");
    }
}

struct pipeline *pipeline_parse(const char *file, const char *text, size_t len,
                                struct findings *findings)
{
    size_t n_before = findings->n, n_dropped = findings->n_dropped;
    const struct schema *schema = pipeline_schema();
    struct pipeline *pipeline = mem_alloc(sizeof(*pipeline));
    size_t mark = pipeline_overlay_at(text, len);
    struct yaml_tree *tree = yaml_tree_parse(file, text, mark, findings);
    schema_init(schema, pipeline);
    schema_decode(schema, file, NULL, tree, pipeline, findings);
    check_names(file, pipeline->setup, pipeline->n_setup,
                yaml_item_get(tree->root, "setup"), findings);
    check_names(file, pipeline->checks, pipeline->n_checks,
                yaml_item_get(tree->root, "validate"), findings);
    if (tree->root != NULL && tree->root->kind == YAML_MAP && !tree->is_partial) {
        name_steps(pipeline->setup, pipeline->n_setup);
        name_steps(pipeline->checks, pipeline->n_checks);
        overlay_decode(file, text, mark, len, pipeline, findings);
        check_providers(&(struct checked){file, pipeline, tree->root, findings});
        check_parallel(&(struct checked){file, pipeline, tree->root, findings});
        check_after(&(struct checked){file, pipeline, tree->root, findings}, pipeline);
    }
    yaml_tree_free(tree);
    if (findings->n > n_before || findings->n_dropped > n_dropped) {
        findings_sort(findings, n_before);
        pipeline_free(pipeline);
        return NULL;
    }
    pipeline->plan.name = mem_str("plan");
    return pipeline;
}

void pipeline_free(struct pipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    schema_fini(pipeline_schema(), pipeline);
    free(pipeline->plan.name);
    free(pipeline);
}

bool chain_has(const struct provider_chain *chain, const char *provider)
{
    if (strcmp(chain->first != NULL ? chain->first : "local", provider) == 0) {
        return true;
    }
    for (size_t i = 0; i < chain->n_backups; i++) {
        if (strcmp(chain->backups[i], provider) == 0) {
            return true;
        }
    }
    return false;
}
