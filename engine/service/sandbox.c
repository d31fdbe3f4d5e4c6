/* SPDX-License-Identifier: MIT */
#include "engine/service/sandbox.h"

#include "engine/base/buf.h"
#include "engine/base/mem.h"

#define SCRIPT_MAX     (1024 * 1024)
#define TIMEOUT_STATUS 124 /* of timeout(1) */
#define KILLED_STATUS  137 /* of timeout(1) -k, after SIGKILL */

const char *sandbox_snapshots(enum service_kind kind, const char *provider)
{
    static const struct {
        enum service_kind kind;
        const char *provider, *snapshots;
    } rows[] = {
        {SERVICE_GRAINCHAIN, "local", "copy"}, /* shutil.copytree */
        {SERVICE_GRAINCHAIN, "morph", "real"},
        {SERVICE_GRAINCHAIN, "",      "none"}, /* a marker file that cannot be restored */
        {SERVICE_DAYTONA,    "",      "real"}, /* POST /sandbox/{id}/snapshot */
        {SERVICE_E2B,        "",      "real"}, /* POST /sandboxes/{id}/snapshots */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].kind == kind &&
            (rows[i].provider[0] == '\0' || strcmp(rows[i].provider, provider) == 0)) {
            return rows[i].snapshots;
        }
    }
    return "";
}

/* ---- environment ----------------------------------------------------------------------
 */

struct env_list {
    struct env_var *vars;
    size_t n;
};

static void set(struct env_list *list, const char *name, char *value) /* takes value */
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->vars[i].name, name) == 0) {
            free(list->vars[i].value);
            list->vars[i].value = value;
            return;
        }
    }
    list->vars = mem_grow(list->vars, list->n + 1, sizeof(*list->vars));
    list->vars[list->n++] = (struct env_var){.name = mem_str(name), .value = value};
}

void sandbox_env_free(struct env_var *env, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(env[i].name);
        free(env[i].value);
    }
    free(env);
}

static void set_number(struct env_list *list, const char *name, int64_t value)
{
    set(list, name, mem_printf("%lld", (long long)value));
}

bool sandbox_env(const struct order *order, struct env_var **ret_env, size_t *ret_n,
                 struct err *err)
{
    struct env_list list = {0};
    char name[256];
    set(&list, "CI", mem_str("true"));
    set(&list, "LANG", mem_str("C.UTF-8"));
    set(&list, "TERM", mem_str("dumb"));
    set(&list, "SIGNALBOX_WORKFLOW", mem_printf("wf-%lld", (long long)order->workflow));
    set_number(&list, "SIGNALBOX_ITERATION", order->iteration);
    set_number(&list, "SIGNALBOX_ATTEMPT", order->attempt);
    if (order->traceparent != NULL && order->traceparent[0] != '\0') {
        set(&list, "TRACEPARENT", mem_str(order->traceparent));
    }
    set(&list, "SIGNALBOX_BRANCH", mem_str(order->branch));
    set(&list, "SIGNALBOX_BASE", mem_str(order->base));
    set(&list, "SIGNALBOX_BASE_SHA", mem_str(order->base_sha));
    set(&list, "SIGNALBOX_HEAD_SHA", mem_str(order->head_sha));
    for (size_t i = 0; i < order->command.n_env; i++) {
        const struct env_var *var = &order->command.env[i];
        const char *value = var->value;
        if (order_borrows(var->value, name, sizeof(name))) {
            value = getenv(name); // NOLINT(concurrency-mt-unsafe): no thread sets it
        }
        if (value == NULL) {
            sandbox_env_free(list.vars, list.n);
            return err_set(err, ERR_CONFIG,
                           "%s needs the variable %s, which is not set in the engine's "
                           "environment",
                           order->name, name);
        }
        set(&list, var->name, mem_str(value));
    }
    *ret_env = list.vars;
    *ret_n = list.n;
    return true;
}

/* ---- shell text -----------------------------------------------------------------------
 */

void sandbox_quote(struct buf *out, const char *word)
{
    (void)buf_char(out, '\'');
    for (const char *at = word; *at != '\0'; at++) {
        if (*at == '\'') {
            (void)buf_str(out, "'\\''");
        } else {
            (void)buf_char(out, *at);
        }
    }
    (void)buf_char(out, '\'');
}

static bool is_name(const char *text)
{
    return text[0] != '\0' &&
           strspn(text,
                  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") ==
               strlen(text);
}

static bool sets(const struct order *order, const char *name)
{
    for (size_t i = 0; i < order->command.n_env; i++) {
        if (strcmp(order->command.env[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

char *sandbox_script(const struct order *order, const char *mark, struct span span,
                     char *const *hidden)
{
    AUTO_BUF struct buf text;
    buf_init(&text, SCRIPT_MAX);
    for (size_t i = 0; hidden != NULL && hidden[i] != NULL; i++) {
        if (is_name(hidden[i]) && !sets(order, hidden[i])) {
            (void)buf_printf(&text, "unset %s; ", hidden[i]);
        }
    }
    /* timeout(1) makes a process group of its own, even with 0 for no bound; what a step
     * leaves in it would hold the output open */
    (void)buf_printf(&text,
                     "exec 2>&1 </dev/null; ( cd " SANDBOX_FOLDER " || exit 126; "
                     "t='timeout -k %lld %lld'; command -v timeout >/dev/null || t=; "
                     "exec $t",
                     (long long)(SANDBOX_KILL_TIME.ms / 1000),
                     (long long)((span.ms + 999) / 1000));
    for (char *const *word = order->command.argv; *word != NULL; word++) {
        (void)buf_char(&text, ' ');
        sandbox_quote(&text, *word);
    }
    (void)buf_printf(&text,
                     " ) & p=$!; wait $p; s=$?; kill -9 -$p 2>/dev/null; "
                     "printf '\\n%%s:%%d\\n' %s $s",
                     mark);
    return buf_take(&text, NULL);
}

char *sandbox_unpack(const char *parts, const char *mark)
{
    return mem_printf("exec 2>&1 </dev/null; ( rm -rf " SANDBOX_FOLDER
                      " && mkdir " SANDBOX_FOLDER
                      " && cat %s | tar -xzf - -C " SANDBOX_FOLDER
                      " && rm -f %s ); printf '\\n%%s:%%d\\n' %s $?",
                      parts, parts, mark);
}

bool sandbox_status(const char *out, size_t len, const char *mark, int *ret_status,
                    size_t *ret_len)
{
    AUTO_FREE char *line = mem_printf("\n%s:", mark);
    const char *found = NULL;
    size_t n = strlen(line);
    for (const char *at = out;
         (at = memmem(at, len - (size_t)(at - out), line, n)) != NULL; at += n) {
        found = at;
    }
    if (found == NULL) {
        return false;
    }
    size_t left = len - (size_t)(found - out) - n;
    char digits[8] = {0};
    memcpy(digits, found + n, left < sizeof(digits) - 1 ? left : sizeof(digits) - 1);
    char *end;
    long status = strtol(digits, &end, 10);
    if (end == digits || status < 0 || status > 255) {
        return false;
    }
    *ret_status = (int)status;
    *ret_len = (size_t)(found - out);
    return true;
}

/* ---- judging --------------------------------------------------------------------------
 */

static void set_outcome(struct effect_result *result, enum effect_status status,
                        enum blame blame, char *summary)
{
    result->status = status;
    result->blame = blame;
    free(result->summary);
    result->summary = summary;
}

void sandbox_judge(const struct order *order, int status, struct span took,
                   struct span bound, struct effect_result *result)
{
    char text[CLOCK_TEXT_MAX];
    const char *noun = order->kind == EFFECT_SETUP ? "setup" : "check";
    bool is_late = bound.ms > 0 && took.ms >= bound.ms;
    result->exit_status = status;
    if (status == 0) {
        set_outcome(result, STATUS_PASSED, BLAME_NONE,
                    mem_printf("%s passed", order->name));
    } else if (is_late && (status == TIMEOUT_STATUS || status == KILLED_STATUS)) {
        set_outcome(result, STATUS_TIMED_OUT, BLAME_CHANGE,
                    mem_printf("%s did not end in %s and was killed", order->name,
                               span_format(bound, text)));
    } else if (status == 126 || status == 127) {
        set_outcome(result, STATUS_REFUSED, BLAME_SETUP,
                    mem_printf("%s program of '%s' %s in the sandbox (exit status %d)",
                               noun, order->name,
                               status == 127 ? "not found" : "cannot be executed",
                               status));
    } else if (status > 128) {
        set_outcome(result, STATUS_FAILED, BLAME_CHANGE,
                    mem_printf("%s was killed by signal %d", order->name, status - 128));
    } else {
        set_outcome(result, STATUS_FAILED, BLAME_CHANGE,
                    mem_printf("%s failed with exit status %d", order->name, status));
    }
}
