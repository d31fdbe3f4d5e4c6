/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_PIPELINE_H
#define SIGNALBOX_WORKFLOW_PIPELINE_H

/*
 * Pipeline: what is done with a task, read from a YAML file.
 *
 * One schema table (engine/workflow/schema.h) says which fields there are, of which type,
 * range and default; parsing, `signalbox check` and the tables of signalbox.yaml(5) are
 * made from it. A pipeline is immutable after parsing and owns its strings.
 *
 *   name: payments
 *   repository: /srv/git/payments       # optional: submit --repo overrides
 *   base: main
 *   agent:
 *     command: ./agent.sh               # text: /bin/sh -c; list: run as it is
 *     env: {MODEL: small}
 *   plan: {mode: auto, command: ./plan.sh}   # mode auto | ask; command optional
 *   setup:
 *     - make deps
 *   validate:
 *     - {name: unit tests, command: make test, timeout: 10m, retries: 1}
 *     - {name: lint, command: [make, lint], allow_failure: true}
 *   evaluator: {command: ./judge.sh, timeout: 5m}
 *   merge: {mode: ask, method: squash}
 *   after_merge: {watch: checks, window: 30m, revert: ask, checks: [unit tests]}
 *   agent: {provider: codegen_api, backups: [codegen_eu, local], command: ./agent.sh}
 *   forge: {provider: github_api, repository: acme/payments, checks: wait,
 *           clone: "https://github.com/acme/payments.git"}
 *   sandbox: {provider: grainchain, backups: [local]}
 *   evaluator: {provider: web_eval_agent, backups: [local], url: "http://localhost:3000",
 *               task: "log in and pay", command: ./judge.sh}
 *   limits: {iterations: 10, retries: 3, planning: 30m, coding: 1h, validation: 30m, stall: 30m,
 *            parallel: 1,
 *            cpu: 30m, memory: 2GiB, file_size: 1GiB, processes: 512, network: true}
 *   budget: {attempts: 12, wall: 8h, tokens: 4000000, cost: 25.00, when_spent: ask}
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"

struct env_var {
    char *name, *value;
};

/* A command: argv as it is executed (a text becomes {"/bin/sh", "-c", text}). */
struct command_spec {
    char *name;  /* what the console shows */
    char **argv; /* NULL-terminated; NULL = no command */
    char *text;  /* for people: as written */
    struct env_var *env;
    size_t n_env;
    struct span timeout; /* 0: the state's deadline is the only bound */
    int retries;         /* of this step alone, before it counts as failed */
    bool may_fail;       /* allow_failure: a failure is shown, and passed over */
    struct wall
        quarantine; /* until then it runs and does not decide; unset: it decides */
};

/* Hours of each day (UTC), in minutes since midnight; from == to: all of them. From 22:00 to
 * 06:00 goes over midnight. */
#define MINUTES_OF_DAY 1440
struct hours {
    int from, to; /* 0..1440, to is exclusive */
};
bool hours_have(struct hours hours, struct wall at);
/* First moment not before `at` that they have. */
struct wall hours_next(struct hours hours, struct wall at);

enum plan_mode { PLAN_AUTO, PLAN_ASK };
enum merge_mode { MERGE_AUTO, MERGE_ASK, MERGE_NEVER };
enum merge_method { METHOD_MERGE, METHOD_SQUASH };

/* Bounds of one process group; 0 = no bound. */
struct bounds {
    struct span cpu;
    int64_t memory, file_size; /* bytes */
    int processes;
    bool has_network; /* false: an empty network namespace, where the kernel allows */
};

/* Who performs the effects of a port: names of services, or "local". */
struct provider_chain {
    char *first;    /* "local" by default */
    char **backups; /* in order */
    size_t n_backups;
};

/* What the forge's own checks count for. */
enum forge_checks { FORGE_CHECKS_WAIT, FORGE_CHECKS_IGNORE };

/* A forge that is not on this machine. All "" and zero with the local one. */
struct forge_spec {
    char *provider;   /* "local", or a service of kind github */
    char *repository; /* "owner/name"; then also the workflow's repo */
    char *clone;      /* URL or path for git; "" = derived from the service's URL */
    enum forge_checks checks;
    char **expected; /* names of checks that must be there before "green" counts */
    size_t n_expected;
    char **labels; /* put on the pull request */
    size_t n_labels;
    bool is_draft;       /* opened as a draft */
    bool updates_branch; /* behind its base: update-branch before the merge */
};

/* What follows a merge: is the base as good as it was before? */
enum watch_mode {
    WATCH_NONE,
    WATCH_CHECKS, /* the checks run once more, on the base */
    WATCH_FORGE   /* the forge's checks of the merge are waited for */
};
enum revert_mode { REVERT_ASK, REVERT_AUTO, REVERT_NEVER };
struct after_merge {
    enum watch_mode watch;
    struct span window; /* of each look: the run of the checks, the waiting */
    enum revert_mode revert;
    char **names; /* of the checks that count; none: all that may not fail */
    size_t n_names;
    uint64_t checks; /* the same, a bit for each step of validate; never 0 with a watch */
};

/* What becomes of a workflow whose budget is used up. */
enum budget_end { BUDGET_ASK, BUDGET_FAIL };

struct pipeline {
    char *name;
    char *repository; /* "" when submit must say it */
    struct provider_chain agent_chain, sandbox_chain, evaluator_chain;
    struct forge_spec forge;
    char *evaluator_url, *evaluator_task; /* of an evaluator that is no command */
    char *base;                           /* branch */
    struct command_spec agent;
    enum plan_mode plan_mode;
    struct command_spec plan; /* argv NULL: the task is the plan */
    struct command_spec *setup;
    size_t n_setup;
    struct command_spec *checks;
    size_t n_checks;
    struct command_spec evaluator; /* argv NULL: none */
    bool uses_evaluator;           /* false: it is there and left out */
    enum merge_mode merge_mode;
    struct hours merge_window; /* in which a merge begins by itself */
    enum merge_method merge_method;
    struct after_merge after;
    int max_iterations;                       /* 1..100, 10 */
    int max_retries;                          /* per state, 0..100, 3 */
    int parallel;                             /* checks side by side, 1..16, 1 */
    struct span planning, coding, validation; /* deadlines; 1800 s, 3600 s, 1800 s */
    struct span
        stall; /* an agent without a sign of life for so long is ended; 1800 s; 0 = never */
    struct bounds bounds;
    int max_attempts;     /* agent runs in all; 0 = no budget */
    struct span max_wall; /* from start to end; 0 = no budget */
    int max_tokens;       /* that agents say they have used; 0 = no budget */
    int64_t max_cost;     /* likewise, micros (base/money.h) */
    enum budget_end budget_end;
};

#define PIPELINE_TEXT_MAX  (256 * 1024) /* bytes of one YAML file */
#define PIPELINE_STEPS_MAX 64
#define PIPELINE_LANES_MAX 16 /* of limits.parallel */

/* Findings of a parse, in order of appearance, one line each:
 * "FILE:LINE: field.path: what is wrong; expected what". */
struct findings; /* see engine/base/findings.h */

/* What a pipeline began with can be changed by an overlay: behind a line OVERLAY_MARK one more
 * map, with what differs.
 *
 *   --- # tuned
 *   limits: {coding: 40m, retries: 2}
 *   agent: {provider: codegen_eu}     # a backup of that name changes places with it
 *   evaluator: {use: false}
 *   merge: {window: "06:00-20:00"}
 *   order: [lint, unit tests]         # first these, then the other steps of validate
 *   steps: {unit tests: {retries: 1, timeout: 5m, quarantine: "2026-12-01T00:00:00Z"}}
 *
 * It is part of the text that is stored with a workflow; pipeline_parse reads both. */
#define OVERLAY_MARK "--- # tuned"
/* Where the line of the mark begins in text; len when there is none. */
size_t pipeline_overlay_at(const char *text, size_t len);

/* Parse text; `file` is for messages. NULL when anything is wrong; then findings (never
 * NULL) has at least one line. Free with pipeline_free. */
NODISCARD struct pipeline *pipeline_parse(const char *file, const char *text, size_t len,
                                          struct findings *findings);
void pipeline_free(struct pipeline *pipeline); /* accepts NULL */

/* Is the forge another than the one on this machine? */
static inline bool pipeline_is_remote(const struct pipeline *pipeline)
{
    return pipeline->forge.repository != NULL && pipeline->forge.repository[0] != '\0';
}
/* Is there an evaluator, here or at a service? */
static inline bool pipeline_has_evaluator(const struct pipeline *pipeline)
{
    return pipeline->uses_evaluator &&
           (pipeline->evaluator.argv != NULL ||
            (pipeline->evaluator_task != NULL && pipeline->evaluator_task[0] != '\0'));
}
/* Text of some checks for people: "'unit tests', 'lint'", cut where it gets long. */
#define CHECKS_TEXT_MAX 160
const char *pipeline_check_names(const struct pipeline *pipeline, uint64_t checks,
                                 char ret_text[CHECKS_TEXT_MAX]);
/* Does the chain name this provider? */
bool chain_has(const struct provider_chain *chain, const char *provider);

/* The table behind it, see engine/workflow/schema.h. */
struct schema;
const struct schema *pipeline_schema(void);
const struct schema *pipeline_step_schema(void); /* of setup and validate */

#endif
