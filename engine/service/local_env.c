/* SPDX-License-Identifier: MIT */
#include "engine/service/local_env.h"

#include <pwd.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/service/local_usage.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

static const char *const operators_own[] = {
    "HOME", "SHELL", "TZ", "SSH_AUTH_SOCK", "XDG_DATA_HOME", "XDG_CONFIG_HOME",
    "XDG_STATE_HOME", "XDG_CACHE_HOME",
    /* who commits */
    "EMAIL", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"};

void env_fini(struct env *env)
{
    for (size_t i = 0; i < env->n; i++) {
        free(env->entries[i]);
    }
    free(env->entries);
    *env = (struct env){0};
}

/* Index of its entry, or n. */
static size_t find(const struct env *env, const char *name)
{
    size_t len = strlen(name), i = 0;
    while (i < env->n &&
           !(strncmp(env->entries[i], name, len) == 0 && env->entries[i][len] == '=')) {
        i++;
    }
    return i;
}

bool env_has(const struct env *env, const char *name)
{
    return find(env, name) < env->n;
}

void env_set(struct env *env, const char *name, const char *value)
{
    size_t i = find(env, name);
    if (i == env->n) {
        env->entries = mem_grow(env->entries, env->n + 2, sizeof(char *));
        env->n++;
        env->entries[env->n] = NULL;
    } else {
        free(env->entries[i]);
    }
    env->entries[i] = mem_printf("%s=%s", name, value);
}

static const char *own(const char *name)
{
    return getenv(name); // NOLINT(concurrency-mt-unsafe): no thread sets it
}

void env_inherit(struct env *env, const char *name)
{
    const char *value = own(name);
    if (value != NULL) {
        env_set(env, name, value);
    }
}

static void set_user(struct env *env)
{
    struct passwd entry, *found = NULL;
    char space[4096];
    if (getpwuid_r(getuid(), &entry, space, sizeof(space), &found) == 0 &&
        found != NULL) {
        env_set(env, "USER", found->pw_name);
        env_set(env, "LOGNAME", found->pw_name);
    }
}

static void set_path(struct env *env)
{
    const char *path = own("PATH");
    env_set(env, "PATH", path != NULL ? path : DEFAULT_PATH);
}

static void inherit_operators_own(struct env *env)
{
    for (size_t i = 0; i < ARRAY_LEN(operators_own); i++) {
        env_inherit(env, operators_own[i]);
    }
}

static void inherit_borrowed(struct env *env, const struct command_spec *command)
{
    char name[256];
    for (size_t i = 0; i < command->n_env; i++) {
        if (order_borrows(command->env[i].value, name, sizeof(name))) {
            env_inherit(env, name);
        }
    }
}

/* Effects whose runner may call git over the network (local_mirror.h). */
static bool is_online(enum effect_kind kind)
{
    static const unsigned kinds = 1u << EFFECT_PLAN | 1u << EFFECT_WORKSPACE |
                                  1u << EFFECT_CODE | 1u << EFFECT_COMMIT |
                                  1u << EFFECT_SANDBOX | 1u << EFFECT_EVALUATE;
    return (kinds & 1u << kind) != 0;
}

void env_for_runner(struct env *env, const struct order *order)
{
    set_path(env);
    set_user(env);
    inherit_operators_own(env);
    inherit_borrowed(env, &order->command);
    inherit_borrowed(env, &order->service_command);
    for (size_t i = 0; i < order->n_checks; i++) {
        inherit_borrowed(env, &order->checks[i].command);
    }
    if (order_is_remote(order) && is_online(order->kind) &&
        order->forge_token.env != NULL && order->forge_token.env[0] != '\0') {
        env_inherit(env, order->forge_token.env);
    }
}

void env_for_git(struct env *env, const struct order *order)
{
    set_path(env);
    set_user(env);
    inherit_operators_own(env);
    env_set(env, "LC_ALL", "C");
    env_set(env, "GIT_TERMINAL_PROMPT", "0");
    env_set(env, "GIT_EDITOR", "true");
    env_set(env, "GIT_PAGER", "cat");
    env_set(env, "GIT_MERGE_AUTOEDIT", "no");
    env_set(env, "GIT_OPTIONAL_LOCKS", "0");
    env_set(env, "GIT_ADVICE", "0");
    env_set(env, "SIGNALBOX_EFFECT", order->folder);
    /* our worktrees must not be taken for a repository above them */
    env_set(env, "GIT_CEILING_DIRECTORIES", order->workflow_folder);
}

static void set_int(struct env *env, const char *name, int64_t value)
{
    AUTO_FREE char *text = mem_printf("%lld", (long long)value);
    env_set(env, name, text);
}

static void set_file(struct env *env, const char *name, const char *folder,
                     const char *file)
{
    AUTO_FREE char *path = file_join(folder, file);
    env_set(env, name, path);
}

static bool set_pipelines_own(struct env *env, const struct order *order, struct err *err)
{
    char name[256];
    for (size_t i = 0; i < order->command.n_env; i++) {
        const struct env_var *var = &order->command.env[i];
        if (!order_borrows(var->value, name, sizeof(name))) {
            env_set(env, var->name, var->value);
        } else if (own(name) != NULL) {
            env_set(env, var->name, own(name));
        } else {
            return err_set(err, ERR_CONFIG,
                           "%s needs the variable %s, which is not set in the engine's "
                           "environment",
                           order->name, name);
        }
    }
    return true;
}

bool env_for_command(struct env *env, const struct order *order, enum env_kind kind,
                     struct err *err)
{
    AUTO_FREE char *workflow = mem_printf("wf-%lld", (long long)order->workflow);
    set_path(env);
    set_user(env);
    env_set(env, "LANG", "C.UTF-8");
    env_set(env, "TERM", "dumb");
    env_set(env, "CI", "true");
    set_file(env, "HOME", order->workflow_folder, "home");
    set_file(env, "TMPDIR", order->workflow_folder, "tmp");
    env_set(env, "SIGNALBOX_EFFECT", order->folder);
    env_set(env, "SIGNALBOX_WORKFLOW", workflow);
    set_int(env, "SIGNALBOX_ITERATION", order->iteration);
    set_int(env, "SIGNALBOX_ATTEMPT", order->attempt);
    if (order->traceparent != NULL && order->traceparent[0] != '\0') {
        env_set(env, "TRACEPARENT", order->traceparent);
    }
    env_set(env, "SIGNALBOX_REPO", order->repo);
    env_set(env, "SIGNALBOX_BRANCH", order->branch);
    env_set(env, "SIGNALBOX_BASE", order->base);
    env_set(env, "SIGNALBOX_BASE_SHA", order->base_sha);
    env_set(env, "SIGNALBOX_HEAD_SHA", order->head_sha);
    if (kind == ENV_AGENT) {
        /* what git falls back to where nobody has configured who commits */
        env_set(env, "EMAIL", "signalbox@localhost");
        inherit_operators_own(env);
        set_file(env, "SIGNALBOX_PROMPT_FILE", order->folder, "prompt.md");
        set_file(env, "SIGNALBOX_RESULT_FILE", order->folder, USAGE_FILE);
    }
    if (kind == ENV_AGENT || order->kind == EFFECT_EVALUATE) {
        set_file(env, "SIGNALBOX_TASK_FILE", order->folder, "task.md");
        set_file(env, "SIGNALBOX_PLAN_FILE", order->folder, "plan.md");
        set_file(env, "SIGNALBOX_ERRORS_FILE", order->folder, "errors.md");
    }
    return set_pipelines_own(env, order, err);
}
