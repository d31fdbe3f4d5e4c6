/* SPDX-License-Identifier: MIT */
#include "engine/io/runner_step.h"

#include <stdarg.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/recovery/excerpt.h"

#define SECRET_MIN 6 /* bytes; a shorter value is no secret worth hiding words for */

static const char *own(const char *name)
{
    return getenv(name); // NOLINT(concurrency-mt-unsafe): no thread sets it
}

/* ---- secrets --------------------------------------------------------------------------
 */

/* Every occurrence of `secret` in text[0..len) becomes asterisks, of the same length. */
static void cover(char *text, size_t len, const char *secret)
{
    size_t n = strlen(secret);
    char *at = text;
    while (n >= SECRET_MIN &&
           (at = memmem(at, len - (size_t)(at - text), secret, n)) != NULL) {
        memset(at, '*', n);
        at += n;
    }
}

static void cover_all(const struct step *step, char *text, size_t len)
{
    const struct command_spec *command = &step->order->service_command;
    char name[256];
    for (size_t i = 0; i < command->n_env; i++) {
        if (order_borrows(command->env[i].value, name, sizeof(name)) &&
            own(name) != NULL) {
            cover(text, len, own(name));
        }
    }
}

/* ---- log ------------------------------------------------------------------------------
 */

static void flush_line(struct step *step)
{
    struct err err;
    cover_all(step, step->line.data, step->line.len);
    if (step->line.len > 0 && step->log != NULL &&
        !segment_write(step->log, step->line.data, step->line.len, &err)) {
        step->is_log_short = true; /* a full disk must not stop the step */
    }
    buf_clear(&step->line);
}

void step_log(struct step *step, const char *bytes, size_t len)
{
    while (len > 0) {
        const char *newline = memchr(bytes, '\n', len);
        size_t n = newline != NULL ? (size_t)(newline - bytes) + 1 : len;
        size_t room = STEP_LINE_MAX - step->line.len;
        n = n < room ? n : room;
        (void)buf_add(&step->line, bytes, n); /* there is room */
        bytes += n;
        len -= n;
        if (step->line.len == STEP_LINE_MAX ||
            step->line.data[step->line.len - 1] == '\n') {
            flush_line(step);
        }
    }
}

void step_note(struct step *step, const char *format, ...)
{
    struct buf text;
    char small[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    buf_init(&text, sizeof(small) + 16);
    bool is_inside = step->line.len > 0;
    (void)buf_printf(&text, "%s-- %s --\n", is_inside ? "\n" : "", small);
    step_log(step, text.data, text.len);
    buf_fini(&text);
}

/* ---- opening and closing --------------------------------------------------------------
 */

void step_end(struct step *step, enum effect_status status, enum blame blame,
              char *summary)
{
    struct effect_result *result = step->result;
    result->status = status;
    result->blame = blame;
    free(result->summary);
    result->summary = summary;
    cover_all(step, summary, strlen(summary));
}

static bool open_log(struct step *step)
{
    struct err err = ERR_INIT;
    const struct order *order = step->order;
    AUTO_FREE char *path = file_join(order->log_folder, order->log);
    AUTO_FREE char *folder = mem_str(path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    if (!file_make_dirs(folder, &err) ||
        (step->log = segment_create(path, order->log_max, &err)) == NULL) {
        step_end(step, STATUS_REFUSED, BLAME_WORLD, mem_printf("no log: %s", err.msg));
        return false;
    }
    step->result->log = mem_str(order->log);
    return true;
}

static bool make_folder(struct step *step, const char *name)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(step->order->workflow_folder, name);
    if (!file_make_dirs(path, &err)) {
        step_end(step, STATUS_REFUSED, BLAME_WORLD, mem_str(err.msg));
        return false;
    }
    return true;
}

static bool set_env(struct step *step)
{
    struct err err = ERR_INIT;
    const struct command_spec *command = &step->order->service_command;
    char name[256];
    if (!env_for_command(&step->env, step->order, ENV_AGENT, &err)) {
        step_end(step, STATUS_REFUSED, BLAME_SETUP, mem_str(err.msg));
        return false;
    }
    env_set(&step->env, "BROWSER", "true");
    for (size_t i = 0; i < command->n_env; i++) {
        const struct env_var *var = &command->env[i];
        bool is_borrowed = order_borrows(var->value, name, sizeof(name));
        if (is_borrowed && own(name) == NULL) {
            step_end(step, STATUS_REFUSED, BLAME_SETUP,
                     mem_printf("service %s needs the variable %s, which is not set in "
                                "the engine's environment",
                                step->order->provider, name));
            return false;
        }
        env_set(&step->env, var->name, is_borrowed ? own(name) : var->value);
    }
    return true;
}

bool step_open(struct step *step, const struct runner *runner,
               struct effect_result *result)
{
    *step = (struct step){.runner = runner, .order = runner->order, .result = result};
    buf_init(&step->line, STEP_LINE_MAX);
    return open_log(step) && make_folder(step, "tmp") && make_folder(step, "home") &&
           set_env(step);
}

void step_close(struct step *step)
{
    struct effect_result *result = step->result;
    flush_line(step);
    if (result->status != STATUS_PASSED && result->status != STATUS_FLAKY &&
        result->status != STATUS_REFUSED && result->excerpt == NULL &&
        step->log != NULL) {
        result->excerpt = excerpt_of_step(step->log, EXCERPT_MAX);
    }
    if (result->excerpt != NULL) {
        cover_all(step, result->excerpt, strlen(result->excerpt));
    }
    if (step->is_log_short && result->summary != NULL) {
        char *summary =
            mem_printf("%s (the log is not whole: no space)", result->summary);
        free(result->summary);
        result->summary = summary;
    }
    segment_close(step->log);
    buf_fini(&step->line);
    env_fini(&step->env);
}

bool step_may_begin(struct step *step)
{
    const struct runner *runner = step->runner;
    if (runner->hold == NULL || hold_wait(runner->hold, runner->stop_fd)) {
        return true;
    }
    step_end(step, STATUS_CANCELLED, BLAME_NONE, mem_str("stopped"));
    return false;
}

struct wall step_deadline(const struct runner *runner)
{
    const struct order *order = runner->order;
    struct wall at = runner_deadline(runner);
    if (order->command.timeout.ms > 0) {
        struct wall mine = wall_add(wall_now(), order->command.timeout);
        if (!wall_is_set(at) || mine.ms < at.ms) {
            at = mine;
        }
    }
    return at;
}

char *step_timeout_text(const struct order *order)
{
    char text[CLOCK_TEXT_MAX];
    bool is_own = order->command.timeout.ms > 0 &&
                  (!wall_is_set(order->deadline_at) ||
                   wall_since(wall_now(), order->deadline_at).ms < 0);
    return is_own ? mem_printf("%s did not end in %s and was killed", order->name,
                               span_format(order->command.timeout, text))
                  : mem_printf("%s was killed at the deadline of its state", order->name);
}
