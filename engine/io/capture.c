/* SPDX-License-Identifier: MIT */
#include "engine/io/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/idmap.h"
#include "engine/base/mem.h"
#include "engine/service/local_env.h"

#define EVENTS 32
#define CHUNK  65536

struct capture {
    struct captures *all;
    int64_t id;
    pid_t pid;
    int pid_fd, pipe_fd; /* -1 = closed */
    struct mono deadline;
    struct span time;
    struct buf out;
};

struct captures {
    struct capture_options options;
    int epoll;
    struct idmap running; /* struct capture by id */
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* read only; it leaves the epoll by itself */
        *fd = -1;
    }
}

/* ---- starting -------------------------------------------------------------------------
 */

/* What every command gets of the engine's environment; tokens are none of its business. */
static const char *const inherited[] = {"PATH",   "HOME",           "USER",   "LOGNAME",
                                        "SHELL",  "LANG",           "LC_ALL", "TZ",
                                        "TMPDIR", "XDG_RUNTIME_DIR"};

static void make_environment(const struct command_spec *command, struct env *env)
{
    char name[256];
    for (size_t i = 0; i < ARRAY_LEN(inherited); i++) {
        env_inherit(env, inherited[i]);
    }
    for (size_t i = 0; i < command->n_env; i++) {
        const char *value = command->env[i].value;
        if (order_borrows(value, name, sizeof(name))) {
            value = getenv(name); // NOLINT(concurrency-mt-unsafe): no thread sets it
        }
        env_set(env, command->env[i].name, value != NULL ? value : "");
    }
}

static bool spawn(const struct command_spec *command, int out, pid_t *ret_pid,
                  struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    struct env env = {0};
    make_environment(command, &env);
    (void)sigemptyset(&none); /* cannot fail */
    (void)sigfillset(&all);   /* cannot fail */
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR,
                                           0);
    (void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_RDWR,
                                           0);
    (void)posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    (void)posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    env_set(&env, "LC_NUMERIC", "C"); /* figures are read by a program */
    errno = posix_spawnp(ret_pid, command->argv[0], &actions, &attributes, command->argv,
                         env.entries);
    bool is_done = errno == 0 || err_sys(err, "starting %.100s", command->argv[0]);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    env_fini(&env);
    return is_done;
}

static bool watch(const struct captures *captures, int fd, struct capture *capture)
{
    /* Both of its descriptors mean the same: look at it. */
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)capture->id};
    return fd >= 0 && epoll_ctl(captures->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void destroy(struct capture *capture)
{
    (void)idmap_take(&capture->all->running, capture->id); /* itself */
    (void)kill(-capture->pid, SIGKILL); /* not reaped yet: the number is still its own */
    (void)waitpid(capture->pid, NULL, 0); /* killed: it ends */
    close_fd(&capture->pipe_fd);
    close_fd(&capture->pid_fd);
    buf_fini(&capture->out);
    free(capture);
}

bool captures_begin(struct captures *captures, int64_t id,
                    const struct command_spec *command, size_t max, struct span time,
                    struct err *err)
{
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return err_sys(err, "starting a command");
    }
    (void)fcntl(ends[1], F_SETFL, 0); /* the program gets a blocking end */
    bool is_started = spawn(command, ends[1], &pid, err);
    (void)close(ends[1]); /* the program's */
    if (!is_started) {
        (void)close(ends[0]); /* nothing was read */
        return false;
    }
    struct capture *capture = mem_alloc(sizeof(*capture));
    *capture = (struct capture){.all = captures,
                                .id = id,
                                .pid = pid,
                                .pid_fd = (int)syscall(SYS_pidfd_open, pid, 0U),
                                .pipe_fd = ends[0],
                                .deadline = {mono_now().ns + time.ms * 1000000},
                                .time = time};
    buf_init(&capture->out, max);
    idmap_put(&captures->running, id, capture);
    if (!watch(captures, capture->pipe_fd, capture) ||
        !watch(captures, capture->pid_fd, capture)) {
        (void)err_sys(err, "watching a command");
        destroy(capture);
        return false;
    }
    return true;
}

/* ---- ending ---------------------------------------------------------------------------
 */

/* The outcome is known: what still runs of it is killed. */
static void settle(struct capture *capture, const struct err *error)
{
    struct captures *captures = capture->all;
    int64_t id = capture->id;
    size_t len = 0;
    char *text = error == NULL ? buf_take(&capture->out, &len) : NULL;
    destroy(capture);
    captures->options.on_end(captures->options.user, id, text, len, error);
}

/* All that can be read now. False: it printed too much. */
static bool drain(struct capture *capture)
{
    char bytes[CHUNK];
    while (capture->pipe_fd >= 0) {
        ssize_t n = read(capture->pipe_fd, bytes, sizeof(bytes));
        if (n > 0) {
            if (!buf_add(&capture->out, bytes, (size_t)n)) {
                return false;
            }
        } else if (n == 0) {
            close_fd(&capture->pipe_fd);
        } else if (errno != EINTR) {
            return true; /* nothing more for now */
        }
    }
    return true;
}

static void look(struct capture *capture)
{
    struct err err = ERR_INIT;
    siginfo_t info = {0};
    /* Is it over? Asked before the last look at the pipe, so that this one is the last. */
    bool is_over =
        waitid(P_PIDFD, (id_t)capture->pid_fd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid != 0;
    if (!drain(capture)) {
        (void)err_set(&err, ERR_TOO_LARGE, "it printed more than %zu bytes",
                      capture->out.max);
        settle(capture, &err);
        return;
    }
    if (!is_over) {
        return;
    }
    bool is_fine = info.si_code == CLD_EXITED && info.si_status == 0;
    if (info.si_code == CLD_EXITED) {
        (void)err_set(&err, ERR_IO, "it ended with exit status %d", info.si_status);
    } else {
        (void)err_set(&err, ERR_IO, "it was killed by signal %d", info.si_status);
    }
    settle(capture, is_fine ? NULL : &err);
}

static void end_late_ones(struct captures *captures)
{
    struct capture *late;
    int64_t now = mono_now().ns;
    do {
        size_t iter = 0;
        late = NULL;
        for (struct capture *c; (c = idmap_next(&captures->running, &iter)) != NULL;) {
            late = c->deadline.ns <= now ? c : late;
        }
        if (late != NULL) {
            struct err err = ERR_INIT;
            (void)err_set(&err, ERR_TIMEOUT, "it did not end within %lld ms",
                          (long long)late->time.ms);
            settle(late, &err);
        }
    } while (late != NULL);
}

void captures_run(struct captures *captures)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(captures->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        struct capture *capture =
            idmap_get(&captures->running, (int64_t)events[i].data.u64);
        if (capture != NULL) { /* else its other descriptor has ended it */
            look(capture);
        }
    }
    end_late_ones(captures);
}

struct mono captures_next(const struct captures *captures)
{
    struct mono next = {0};
    size_t iter = 0;
    for (struct capture *c; (c = idmap_next(&captures->running, &iter)) != NULL;) {
        next = next.ns == 0 || c->deadline.ns < next.ns ? c->deadline : next;
    }
    return next;
}

int captures_fd(const struct captures *captures)
{
    return captures->epoll;
}

struct captures *captures_new(const struct capture_options *options, struct err *err)
{
    struct captures *captures = mem_alloc(sizeof(*captures));
    captures->options = *options;
    captures->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (captures->epoll < 0) {
        (void)err_sys(err, "getting ready for commands");
        free(captures);
        return NULL;
    }
    return captures;
}

void captures_free(struct captures *captures)
{
    if (captures == NULL) {
        return;
    }
    size_t iter = 0;
    for (struct capture *c; (c = idmap_next(&captures->running, &iter)) != NULL;
         iter = 0) {
        destroy(c);
    }
    idmap_fini(&captures->running);
    (void)close(captures->epoll); /* nothing is in it */
    free(captures);
}
