/* SPDX-License-Identifier: MIT */
#include "engine/service/local_command.h"

#include <errno.h>
#include <signal.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/io/process.h"
#include "engine/recovery/excerpt.h"
#include "engine/service/local_env.h"
#include "engine/service/local_forge.h"
#include "engine/service/local_prompt.h"
#include "engine/service/local_sandbox.h"
#include "engine/service/local_usage.h"

/* What differs between the commands. */
struct command_role {
    const char *noun; /* "agent", "check" */
    enum blame blame; /* of a failure */
    bool is_agent;
    bool is_sandboxed;
    bool has_plan_out; /* stdout is the plan */
};

static const struct command_role roles[EFFECT_COUNT] = {
    [EFFECT_PLAN] = {"plan command", BLAME_WORLD,  true,  false, true },
    [EFFECT_CODE] = {"agent",        BLAME_WORLD,  true,  false, false},
    [EFFECT_SETUP] = {"setup",        BLAME_CHANGE, false, true,  false},
    [EFFECT_CHECK] = {"check",        BLAME_CHANGE, false, true,  false},
    [EFFECT_EVALUATE] = {"evaluator",    BLAME_WORLD,  false, true,  false},
    [EFFECT_RESTART] = {"restart",      BLAME_WORLD,  false, false, false},
    [EFFECT_SCALE] = {"scale",        BLAME_WORLD,  false, false, false},
};

struct command_run {
    const struct runner *runner;
    const struct order *order;
    const struct command_role *role;
    struct effect_result *result;
    struct segment_writer *log;
    struct env env;
    struct buf plan;
    char *folder, *stdin_path;
    struct process_outcome outcome;
    struct stall stall; /* of agents */
};

static void refuse(struct effect_result *result, enum blame blame, char *summary)
{
    result->status = STATUS_REFUSED;
    result->blame = blame;
    free(result->summary);
    result->summary = summary;
}

/* Is it "/bin/sh -c TEXT"? Then the shell's exit status speaks for the program. */
static bool is_shell(const struct command_spec *command)
{
    return strcmp(command->argv[0], "/bin/sh") == 0 && command->argv[1] != NULL &&
           strcmp(command->argv[1], "-c") == 0;
}

/* The first word of a shell text, for messages. */
static char *program_of(const struct command_spec *command)
{
    if (!is_shell(command) || command->argv[2] == NULL) {
        return mem_str(command->argv[0]);
    }
    const char *text = command->argv[2] + strspn(command->argv[2], " \t\n");
    return mem_strn(text, strcspn(text, " \t\n;|&<>()"));
}

static struct wall deadline_of(const struct runner *runner)
{
    const struct order *order = runner->order;
    struct wall at = runner_deadline(runner);
    if (order->command.timeout.ms > 0) {
        struct wall own = wall_add(wall_now(), order->command.timeout);
        if (!wall_is_set(at) || own.ms < at.ms) {
            at = own;
        }
    }
    return at;
}

static void run_once(struct command_run *run)
{
    const struct order *order = run->order;
    AUTO_FREE char *name = mem_printf("wf-%lld.%lld-%s", (long long)order->workflow,
                                      (long long)order->seq, order->folder);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '/' || (unsigned char)*at >= 0x80) {
            *at = '-';
        }
    }
    size_t len = strlen(name);
    struct process_spec spec = {
        .argv = order->command.argv,
        .envp = run->env.entries,
        .folder = run->folder,
        .stdin_path = run->stdin_path,
        .bounds = &order->bounds,
        .name = len > 200 ? name + len - 200 : name,
        .has_no_network = run->role->is_sandboxed && !order->bounds.has_network &&
                          order->kind != EFFECT_EVALUATE,
        .deadline = deadline_of(run->runner),
        .grace = order->grace,
        .out = run->role->has_plan_out ? &run->plan : NULL,
        .log = run->log,
        .keep_fd = -1,
        .stop_fd = run->runner->stop_fd,
        /* half a restart of a service would be worse than a late halt */
        .hold = order->kind != EFFECT_RESTART && order->kind != EFFECT_SCALE
                    ? run->runner->hold
                    : NULL,
    };
    if (run->role->is_agent) {
        stall_init(&run->stall, order->folder, run->folder, order->stall, wall_now());
        spec.stall = &run->stall;
    }
    process_run(&spec, &run->outcome);
}

/* ---- judging --------------------------------------------------------------------------
 */

static const char *bound_hit(const struct command_run *run, int number)
{
    const struct bounds *bounds = &run->order->bounds;
    if (run->outcome.is_out_of_memory) {
        return ": the limit of memory was reached";
    }
    if (number == SIGXCPU || (number == SIGKILL && bounds->cpu.ms > 0 &&
                              run->outcome.cpu_ms >= bounds->cpu.ms)) {
        return ": the limit of CPU time was reached";
    }
    return number == SIGXFSZ ? ": the limit of file size was reached" : "";
}

static void judge_exit(struct command_run *run, int status)
{
    struct effect_result *result = run->result;
    const struct command_spec *command = &run->order->command;
    AUTO_FREE char *program = program_of(command);
    int number =
        status > 128 && status < 128 + 65 && is_shell(command) ? status - 128 : 0;
    result->exit_status = status;
    if (status == 0) {
        result->status = STATUS_PASSED;
        result->blame = BLAME_NONE;
        result->summary = mem_printf("%s passed", run->order->name);
    } else if (status == 126 || status == 127) {
        refuse(result, BLAME_SETUP,
               mem_printf("%s program '%s' %s (exit status %d)", run->role->noun, program,
                          status == 127 ? "not found" : "cannot be executed", status));
    } else if (number > 0) {
        result->status = STATUS_FAILED;
        result->blame = run->role->blame;
        result->summary = mem_printf("%s was killed by %s%s", run->order->name,
                                     process_signal_name(number), bound_hit(run, number));
    } else {
        result->status = STATUS_FAILED;
        result->blame = run->order->kind == EFFECT_EVALUATE && status == 1
                            ? BLAME_CHANGE
                            : run->role->blame;
        result->summary = mem_printf("%s failed with exit status %d%s", run->order->name,
                                     status, bound_hit(run, 0));
    }
}

static void judge_timeout(struct command_run *run)
{
    char text[CLOCK_TEXT_MAX];
    struct effect_result *result = run->result;
    const struct span timeout = run->order->command.timeout;
    const struct wall end = runner_deadline(run->runner);
    bool is_own =
        timeout.ms > 0 && (!wall_is_set(end) || wall_since(wall_now(), end).ms < 0);
    result->status = STATUS_TIMED_OUT;
    result->blame = run->order->kind == EFFECT_CHECK || run->order->kind == EFFECT_SETUP
                        ? BLAME_CHANGE
                        : BLAME_WORLD;
    result->summary = is_own ? mem_printf("%s did not end in %s and was killed",
                                          run->order->name, span_format(timeout, text))
                             : mem_printf("%s was killed at the deadline of its state",
                                          run->order->name);
}

static void judge_stalled(struct command_run *run)
{
    char text[CLOCK_TEXT_MAX];
    run->result->status = STATUS_TIMED_OUT;
    run->result->blame = BLAME_WORLD;
    run->result->summary = mem_printf("stalled: no output, no file change, no cpu for %s",
                                      span_format(run->order->stall, text));
}

static void judge_not_started(struct command_run *run)
{
    const struct process_outcome *outcome = &run->outcome;
    const char *program = run->order->command.argv[0];
    if (outcome->end == PROCESS_NO_NETWORK_OFF) {
        refuse(
            run->result, BLAME_SETUP,
            mem_printf("the pipeline asks for no network, and this kernel does not let "
                       "us take it away (%s)",
                       outcome->err.msg));
    } else if (outcome->status == ENOENT || outcome->status == ENOTDIR ||
               (outcome->status == EACCES && strchr(program, '/') == NULL)) {
        /* EACCES after a search: some folder of PATH is closed to us (execvp(3)) */
        refuse(run->result, BLAME_SETUP,
               mem_printf("%s program '%s' not found in %s", run->role->noun, program,
                          strchr(program, '/') == NULL ? "PATH"
                          : program[0] == '/'          ? "the file system"
                                                       : "the worktree"));
    } else if (outcome->status == EACCES) {
        refuse(
            run->result, BLAME_SETUP,
            mem_printf("%s program '%s' cannot be executed", run->role->noun, program));
    } else {
        refuse(run->result, BLAME_WORLD, mem_str(outcome->err.msg));
    }
}

static void judge(struct command_run *run)
{
    struct effect_result *result = run->result;
    const struct process_outcome *outcome = &run->outcome;
    free(result->summary);
    result->summary = NULL;
    result->exit_status = -1;
    switch (outcome->end) {
    case PROCESS_EXITED:
        judge_exit(run, outcome->status);
        break;
    case PROCESS_SIGNALLED:
        result->exit_status = 128 + outcome->status;
        result->status = STATUS_FAILED;
        result->blame = run->role->blame;
        result->summary = mem_printf("%s was killed by %s%s", run->order->name,
                                     process_signal_name(outcome->status),
                                     bound_hit(run, outcome->status));
        break;
    case PROCESS_TIMED_OUT:
        judge_timeout(run);
        break;
    case PROCESS_STALLED:
        judge_stalled(run);
        break;
    case PROCESS_STOPPED:
        result->status = STATUS_CANCELLED;
        result->blame = BLAME_NONE;
        result->summary = mem_str("stopped");
        break;
    case PROCESS_NOT_STARTED:
    case PROCESS_NO_NETWORK_OFF:
        judge_not_started(run);
        break;
    }
}

static void add_measures(struct command_run *run)
{
    struct effect_result *result = run->result;
    const struct process_outcome *outcome = &run->outcome;
    if (outcome->cpu_ms >= 0) {
        result->cpu_ms = (result->cpu_ms > 0 ? result->cpu_ms : 0) + outcome->cpu_ms;
    }
    if (outcome->peak_rss_kib > result->peak_rss_kib) {
        result->peak_rss_kib = outcome->peak_rss_kib;
    }
    result->out_bytes =
        (result->out_bytes > 0 ? result->out_bytes : 0) + outcome->out_bytes;
}

static void note(struct command_run *run, const char *text)
{
    struct err err;
    if (!segment_write(run->log, text, strlen(text), &err)) {
        run->outcome.is_log_short = true;
    }
}

static void add_usage(struct command_run *run)
{
    struct err err = ERR_INIT;
    struct usage usage = {.tokens = run->result->tokens, .micros = run->result->micros};
    if (!run->role->is_agent) {
        return;
    }
    if (!usage_take(run->order->folder, &usage, &err)) {
        AUTO_FREE char *text =
            mem_printf("-- %s: %s; nothing is counted --\n", USAGE_FILE, err.msg);
        note(run, text);
    }
    run->result->tokens = usage.tokens;
    run->result->micros = usage.micros;
}

/* ---- one command, with its retries ----------------------------------------------------
 */

static bool may_try_again(const struct command_run *run, int tries)
{
    enum effect_status status = run->result->status;
    return tries <= run->order->command.retries &&
           (status == STATUS_FAILED || status == STATUS_TIMED_OUT) &&
           !runner_is_stopped(run->runner) &&
           (!wall_is_set(run->order->deadline_at) ||
            wall_since(wall_now(), runner_deadline(run->runner)).ms < 0);
}

static void run_all(struct command_run *run)
{
    int tries = 0;
    do {
        if (tries > 0) {
            AUTO_FREE char *text =
                mem_printf("-- %s; try %d of %d --\n", run->result->summary, tries + 1,
                           run->order->command.retries + 1);
            note(run, text);
        }
        tries++;
        run_once(run);
        judge(run);
        add_measures(run);
        add_usage(run);
    } while (may_try_again(run, tries));
    run->result->tries = tries;
    if (run->result->status == STATUS_PASSED && tries > 1) {
        run->result->status = STATUS_FLAKY;
        free(run->result->summary);
        run->result->summary = mem_printf("%s passed at try %d of %d", run->order->name,
                                          tries, run->order->command.retries + 1);
    }
}

static bool open_log(struct command_run *run)
{
    struct err err = ERR_INIT;
    if (run->log != NULL) {
        return true; /* one for several commands */
    }
    const struct order *order = run->order;
    AUTO_FREE char *path = file_join(order->log_folder, order->log);
    AUTO_FREE char *folder = mem_str(path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (!file_make_dirs(folder, &err) ||
        (run->log = segment_create(path, order->log_max, &err)) == NULL) {
        refuse(run->result, BLAME_WORLD, mem_printf("no log: %s", err.msg));
        return false;
    }
    run->result->log = mem_str(order->log);
    return true;
}

static bool make_folder(struct command_run *run, const char *name)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(run->order->workflow_folder, name);
    if (!file_make_dirs(path, &err)) {
        refuse(run->result, BLAME_WORLD, mem_str(err.msg));
        return false;
    }
    return true;
}

static bool prepare(struct command_run *run)
{
    struct err err = ERR_INIT;
    if (!env_for_command(&run->env, run->order,
                         run->role->is_sandboxed ? ENV_SANDBOX : ENV_AGENT, &err)) {
        refuse(run->result, BLAME_SETUP, mem_str(err.msg));
        return false;
    }
    if (run->role->is_agent) {
        run->stdin_path = file_join(run->order->folder, "prompt.md");
        if (!prompt_write(run->runner, run->stdin_path, &err)) {
            refuse(run->result, BLAME_WORLD, mem_str(err.msg));
            return false;
        }
    }
    return make_folder(run, "tmp") && make_folder(run, "home") && open_log(run);
}

static void take_plan(struct command_run *run)
{
    struct effect_result *result = run->result;
    if (result->status != STATUS_PASSED && result->status != STATUS_FLAKY &&
        !(run->plan.is_cut && (run->outcome.end == PROCESS_SIGNALLED ||
                               run->outcome.end == PROCESS_EXITED))) {
        return;
    }
    if (strspn(run->plan.data, " \t\r\n") == run->plan.len) {
        result->status = STATUS_FAILED;
        result->blame = BLAME_WORLD;
        free(result->summary);
        result->summary = mem_str("the plan command printed no plan");
        return;
    }
    if (run->plan.is_cut) {
        result->status = STATUS_PASSED;
        result->blame = BLAME_NONE;
        free(result->summary);
        result->summary = mem_printf("plan cut at %d bytes", DOC_MAX);
    }
    result->plan = buf_take(&run->plan, NULL);
}

static void finish(struct command_run *run)
{
    struct effect_result *result = run->result;
    if (result->status != STATUS_PASSED && result->status != STATUS_REFUSED &&
        run->log != NULL) {
        result->excerpt = excerpt_of_step(run->log, EXCERPT_MAX);
    }
    if (run->outcome.is_log_short) {
        char *summary =
            mem_printf("%s (the log is not whole: no space)", result->summary);
        free(result->summary);
        result->summary = summary;
    }
}

/* log NULL: one of its own. */
static void run_logged(const struct runner *runner, struct effect_result *result,
                       char *folder, struct segment_writer *log)
{
    struct command_run run = {.runner = runner,
                              .order = runner->order,
                              .role = &roles[runner->order->kind],
                              .result = result,
                              .log = log,
                              .folder = folder};
    buf_init(&run.plan, DOC_MAX);
    if (run.order->command.argv == NULL) {
        refuse(result, BLAME_SETUP,
               mem_printf("the pipeline has no command for %s", run.role->noun));
    } else if (!file_exists(folder)) {
        refuse(result, BLAME_WORLD, mem_printf("%s is missing", folder));
    } else if (prepare(&run)) {
        run_all(&run);
        if (run.role->has_plan_out) {
            take_plan(&run);
        }
        finish(&run);
    }
    if (log == NULL) {
        segment_close(run.log);
    }
    buf_fini(&run.plan);
    env_fini(&run.env);
    free(run.stdin_path);
    free(folder);
}

static void run_command(const struct runner *runner, struct effect_result *result,
                        char *folder)
{
    run_logged(runner, result, folder, NULL);
}

/* What was made ready first is no outcome; what was learned of the branch stays. */
static void begin_anew(struct effect_result *result)
{
    free(TAKE(result->summary));
    free(TAKE(result->excerpt));
    result->status = STATUS_PENDING;
    result->blame = BLAME_NONE;
}

static char *workflow_file(const struct runner *runner, const char *name)
{
    return file_join(runner->order->workflow_folder, name);
}

void local_code(const struct runner *runner, struct effect_result *result)
{
    if (!local_ensure_tree(runner, result)) {
        return;
    }
    begin_anew(result);
    run_command(runner, result, workflow_file(runner, "tree"));
}

void local_setup(const struct runner *runner, struct effect_result *result)
{
    run_command(runner, result, workflow_file(runner, "sandbox"));
}

void local_check(const struct runner *runner, struct effect_result *result)
{
    run_command(runner, result, workflow_file(runner, "sandbox"));
}

void local_restart(const struct runner *runner, struct effect_result *result)
{
    run_command(runner, result, mem_str(runner->order->workflow_folder));
}

void local_step(const struct runner *runner, const char *folder,
                struct segment_writer *log, struct effect_result *result)
{
    run_logged(runner, result, workflow_file(runner, folder), log);
}

void local_evaluate(const struct runner *runner, struct effect_result *result)
{
    AUTO_FREE char *sandbox = workflow_file(runner, "sandbox");
    if (!file_exists(sandbox)) { /* that of the checks is somewhere else */
        local_sandbox(runner, result);
        if (result->status != STATUS_PASSED) {
            return;
        }
        begin_anew(result);
    }
    run_command(runner, result, workflow_file(runner, "sandbox"));
}

void local_plan(const struct runner *runner, struct effect_result *result)
{
    if (runner->order->command.argv == NULL) {
        size_t len;
        result->plan = order_doc(runner->order, "task.md", &len);
        result->status = STATUS_PASSED;
        result->summary = mem_str("the task is the plan");
        return;
    }
    AUTO_FREE char *ready = workflow_file(runner, "tree.ready");
    if (file_exists(ready)) {
        run_command(runner, result, workflow_file(runner, "tree"));
    } else if (local_plan_folder(runner, result)) {
        run_command(runner, result, workflow_file(runner, "plan"));
    }
}
