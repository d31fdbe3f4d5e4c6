/* SPDX-License-Identifier: MIT */
#include "tests/fakes/bridge.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/base64.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/mem.h"

#define OUT_MAX (64 * 1024 * 1024)

static char *box;      /* folder of the sandbox, NULL = none */
static char *provider; /* of it */
static int n_snapshots;

static const char *env(const char *name)
{
    return getenv(name); // NOLINT(concurrency-mt-unsafe): one thread
}

static bool is(const char *name, const char *value)
{
    return env(name) != NULL && strcmp(env(name), value) == 0;
}

static const char *place(void)
{
    return env("TMPDIR") != NULL ? env("TMPDIR") : "/tmp";
}

static void trace(const char *text)
{
    FILE *file = env("TRACE") != NULL ? fopen(env("TRACE"), "ae") : NULL;
    if (file != NULL) {
        (void)fprintf(file, "%s\n", text);
        (void)fclose(file); /* a test looks at what is there */
    }
}

/* ---- answers --------------------------------------------------------------------------
 */

static struct buf line;
static struct jsonw w;

static void begin(const struct json *request)
{
    AUTO_FREE char *id = json_format(json_get(request, "id"));
    buf_clear(&line);
    jsonw_init(&w, &line);
    jsonw_open(&w, NULL, '{');
    jsonw_raw(&w, "id", id, strlen(id));
}

static void send_line(void)
{
    jsonw_close(&w, '}');
    (void)buf_char(&line, '\n');
    if (env("NOISE") != NULL) {
        (void)printf("some library says hello\n{\"id\":999,\"result\":{}}\n[]\n");
    }
    if (fwrite(line.data, 1, line.len, stdout) != line.len || fflush(stdout) != 0) {
        exit(1);
    }
}

static void refuse(const struct json *request, const char *type, const char *message)
{
    begin(request);
    jsonw_open(&w, "error", '{');
    jsonw_str(&w, "type", type);
    jsonw_str(&w, "message", message);
    jsonw_close(&w, '}');
    send_line();
}

static void answer(const struct json *request, const char *key, const char *value)
{
    begin(request);
    jsonw_open(&w, "result", '{');
    if (key != NULL) {
        jsonw_str(&w, key, value);
    }
    jsonw_close(&w, '}');
    send_line();
}

/* ---- commands -------------------------------------------------------------------------
 */

static void set_env(const struct json *vars)
{
    void *iter = NULL;
    const char *name;
    const struct json *value;
    while (json_next(vars, &iter, &name, &value)) {
        if (setenv(name, json_text(value), 1) != 0) {
            _exit(127);
        }
    }
}

/* Everything of both pipes; the shell is killed at `timeout`, the pipes are waited for. */
static int collect(pid_t pid, int out_fd, int err_fd, int64_t timeout_s, struct buf *out,
                   struct buf *errors)
{
    char chunk[65536];
    struct wall until = wall_add(wall_now(), span_s(timeout_s));
    bool is_killed = false;
    int status;
    while (out_fd >= 0 || err_fd >= 0) {
        struct pollfd fds[] = {
            {.fd = out_fd, .events = POLLIN},
            {.fd = err_fd, .events = POLLIN}
        };
        int n = poll(fds, ARRAY_LEN(fds), 50);
        if (timeout_s > 0 && !is_killed && wall_since(wall_now(), until).ms >= 0) {
            is_killed = kill(pid, SIGKILL) == 0;
        }
        for (size_t i = 0; n > 0 && i < ARRAY_LEN(fds); i++) {
            ssize_t got =
                fds[i].revents != 0 ? read(fds[i].fd, chunk, sizeof(chunk)) : -1;
            if (got > 0) {
                (void)buf_add(i == 0 ? out : errors, chunk, (size_t)got);
            } else if (got == 0) {
                *(i == 0 ? &out_fd : &err_fd) = -1;
            }
        }
    }
    if (waitpid(pid, &status, 0) != pid) {
        return -1;
    }
    return is_killed ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run(const char *command, const struct json *vars, int64_t timeout_s,
               struct buf *out, struct buf *errors)
{
    int outs[2], errs[2];
    if (pipe2(outs, O_CLOEXEC) != 0 || pipe2(errs, O_CLOEXEC) != 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        set_env(vars);
        if (chdir(box) == 0 && dup2(outs[1], 1) >= 0 && dup2(errs[1], 2) >= 0) {
            (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        }
        _exit(127);
    }
    (void)close(outs[1]);
    (void)close(errs[1]);
    int status = collect(pid, outs[0], errs[0], timeout_s, out, errors);
    (void)close(outs[0]);
    (void)close(errs[0]);
    return status;
}

/* A command of ours, with two words. */
static void tool(const char *text, const char *first, const char *second)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl("/bin/sh", "sh", "-c", text, "sh", first, second, (char *)NULL);
        _exit(127);
    }
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        exit(5);
    }
}

static void execute(const struct json *request, const struct json *params)
{
    struct buf out, errors;
    buf_init(&out, OUT_MAX);
    buf_init(&errors, OUT_MAX);
    int status = run(json_str(params, "command", ""), json_get(params, "env"),
                     json_int(params, "timeout", 0), &out, &errors);
    if (env("MINUS") != NULL && status != 0) {
        buf_clear(&out);
        buf_clear(&errors);
        (void)buf_printf(&errors, "Command exited with code %d", status);
        status = -1;
    }
    begin(request);
    jsonw_open(&w, "result", '{');
    jsonw_strn(&w, "stdout", out.data, out.len);
    jsonw_strn(&w, "stderr", errors.data, errors.len);
    jsonw_int(&w, "return_code", status);
    jsonw_bool(&w, "success", status == 0);
    jsonw_close(&w, '}');
    send_line();
    buf_fini(&out);
    buf_fini(&errors);
}

/* ---- methods --------------------------------------------------------------------------
 */

static void create(const struct json *request, const struct json *params)
{
    if (env("REFUSE") != NULL) {
        refuse(request, env("REFUSE"), "no such luck");
        return;
    }
    box = mem_printf("%s/fake-box-XXXXXX", place());
    provider = mem_str(json_str(params, "provider", "e2b"));
    if (mkdtemp(box) == NULL) {
        refuse(request, "ProviderError", "no folder");
        return;
    }
    begin(request);
    jsonw_open(&w, "result", '{');
    jsonw_str(&w, "sandbox_id", strrchr(box, '/') + 1);
    jsonw_str(&w, "provider", provider);
    jsonw_str(&w, "status", "running");
    jsonw_close(&w, '}');
    send_line();
}

static void upload(const struct json *request, const struct json *params)
{
    struct err err = ERR_INIT;
    struct buf bytes;
    const char *b64 = json_str(params, "b64", "");
    AUTO_FREE char *path = file_join(box, json_str(params, "path", "x"));
    buf_init(&bytes, OUT_MAX);
    if (base64_decode(&bytes, b64, strlen(b64)) &&
        file_write(path, bytes.data, bytes.len, &err)) {
        answer(request, NULL, NULL);
    } else {
        refuse(request, "ProviderError", err.msg);
    }
    buf_fini(&bytes);
}

static void snapshot(const struct json *request)
{
    AUTO_FREE char *name = mem_printf("snap-%ld-%d", (long)getpid(), ++n_snapshots);
    AUTO_FREE char *path = file_join(place(), name);
    if (strcmp(provider, "e2b") == 0) {
        answer(request, "snapshot_id", "a marker");
        return;
    }
    tool("cp -a \"$1\" \"$2\"", box, path);
    answer(request, "snapshot_id", name);
}

static void restore(const struct json *request, const struct json *params)
{
    AUTO_FREE char *path = file_join(place(), json_str(params, "snapshot_id", "?"));
    if (strcmp(provider, "e2b") == 0 || !file_exists(path)) {
        refuse(request, "NotImplementedError", "no snapshots here");
        return;
    }
    tool("rm -rf \"$2\" && cp -a \"$1\" \"$2\"", path, box);
    answer(request, NULL, NULL);
}

static void close_box(void)
{
    struct err err = ERR_INIT;
    if (box != NULL && !file_remove_tree(box, &err)) {
        exit(6);
    }
    free(box);
    free(provider);
    box = provider = NULL;
}

static void perform(const struct json *request)
{
    const char *method = json_str(request, "method", "");
    const struct json *params = json_get(request, "params");
    trace(method);
    if (is("HANG", method)) {
        for (;;) {
            (void)pause();
        }
    }
    if (is("DIE", method) && (env("DIE_ONCE") == NULL || !file_exists(env("DIE_ONCE")))) {
        FILE *mark = env("DIE_ONCE") != NULL ? fopen(env("DIE_ONCE"), "we") : NULL;
        if (mark != NULL) {
            (void)fclose(mark); /* that it is there is enough */
        }
        (void)fputs("fatal: the provider is gone\n", stderr);
        exit(3);
    }
    if (strcmp(method, "create") == 0) {
        create(request, params);
    } else if (box == NULL ||
               strcmp(json_str(params, "sandbox_id", ""), strrchr(box, '/') + 1) != 0) {
        refuse(request, "KeyError", json_str(params, "sandbox_id", ""));
    } else if (strcmp(method, "execute") == 0) {
        execute(request, params);
    } else if (strcmp(method, "upload") == 0) {
        upload(request, params);
    } else if (strcmp(method, "snapshot") == 0) {
        snapshot(request);
    } else if (strcmp(method, "restore") == 0) {
        restore(request, params);
    } else if (strcmp(method, "close") == 0) {
        close_box();
        answer(request, NULL, NULL);
    } else {
        refuse(request, "ValueError", method);
    }
}

int fake_bridge(void)
{
    struct err err = ERR_INIT;
    char *text = NULL;
    size_t cap = 0;
    buf_init(&line, OUT_MAX);
    for (ssize_t n; (n = getline(&text, &cap, stdin)) > 0;) {
        struct json *request = json_parse(text, (size_t)n, &err);
        perform(request);
        json_free(request);
    }
    trace("end of stdin");
    close_box();
    free(text);
    buf_fini(&line);
    return 0;
}
