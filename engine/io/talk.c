/* SPDX-License-Identifier: MIT */
#include "engine/io/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/io/process.h"
#include "engine/io/process_kill.h"

#define CHUNK      65536
#define LOOK_AGAIN 60000                /* ms; the wall clock may have been set */
#define DRAIN      ((struct span){200}) /* for output that is still under way at the end */

/* ---- opening --------------------------------------------------------------------------
 */

struct pipes {
    int in[2], out[2], err[2], go[2], report[2];
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* a pipe's end; nothing is lost */
        *fd = -1;
    }
}

static void close_pipes(struct pipes *pipes)
{
    int *all[] = {pipes->in, pipes->out, pipes->err, pipes->go, pipes->report};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        close_fd(&all[i][0]);
        close_fd(&all[i][1]);
    }
}

static bool open_pipes(struct pipes *pipes)
{
    int *all[] = {pipes->in, pipes->out, pipes->err, pipes->go, pipes->report};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i][0] = all[i][1] = -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (pipe2(all[i], O_CLOEXEC) != 0) {
            return false;
        }
    }
    return true;
}

NORETURN static void fail_child(int report)
{
    int32_t number = errno;
    ssize_t n = write(report, &number, sizeof(number));
    (void)n; /* the parent sees an early end of the pipe as well */
    _exit(127);
}

NORETURN static void be_child(struct talk *talk, struct pipes *pipes, pid_t parent)
{
    const struct talk_spec *spec = &talk->spec;
    sigset_t none;
    char byte;
    int report = pipes->report[1];
    close_fd(&pipes->go[1]);
    (void)sigemptyset(&none);                        /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL); /* cannot fail */
    const struct sigaction dies = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &dies, NULL); /* cannot fail */
    (void)sigaction(SIGHUP, &dies, NULL);  /* cannot fail */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(127);
    }
    /* not before the parent has put us into our control groups */
    while (read(pipes->go[0], &byte, 1) < 0 && errno == EINTR) {
    }
    if (setsid() < 0 || dup2(pipes->in[0], 0) < 0 || dup2(pipes->out[1], 1) < 0 ||
        dup2(pipes->err[1], 2) < 0) {
        fail_child(report);
    }
    /* everything above 2 closes at exec */
    if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0) {
        for (int fd = 3; fd < 1024; fd++) {
            (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* most are not open */
        }
    }
    if (chdir(spec->folder) != 0) {
        fail_child(report);
    }
    limits_apply(&talk->limits);
    /* execvp looks up PATH in environ */
    environ = (char **)(uintptr_t)spec->envp;
    (void)execvp(spec->argv[0], spec->argv); /* returns only to fail */
    fail_child(report);
}

static bool has_started(struct talk *talk, struct pipes *pipes, struct err *err)
{
    int32_t number = 0;
    ssize_t n;
    do {
        n = read(pipes->report[0], &number, sizeof(number));
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t)sizeof(number)) {
        (void)waitpid(talk->pid, NULL, 0); /* it exits at once */
        errno = number;
        return err_sys(err, "%s", talk->spec.argv[0]);
    }
    return true;
}

static void not_blocking(int fd)
{
    (void)fcntl(fd, F_SETFL, O_NONBLOCK); /* a pipe of ours: cannot fail */
}

bool talk_open(struct talk *talk, const struct talk_spec *spec, struct err *err)
{
    struct pipes pipes;
    *talk = (struct talk){
        .spec = *spec, .pid_fd = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
    if (!open_pipes(&pipes)) {
        err_sys(err, "pipes");
        close_pipes(&pipes);
        return false;
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* known since Linux 3.4 */
    limits_init(&talk->limits, spec->bounds, spec->name);
    pid_t parent = getpid();
    talk->pid = fork();
    if (talk->pid == 0) {
        be_child(talk, &pipes, parent);
    }
    bool is_started = talk->pid > 0 || err_sys(err, "fork");
    if (is_started) {
        talk->pid_fd = (int)syscall(SYS_pidfd_open, talk->pid, 0U);
        limits_adopt(&talk->limits, talk->pid);
        close_fd(&pipes.go[1]);
        close_fd(&pipes.report[1]);
        is_started = has_started(talk, &pipes, err);
    }
    if (is_started) {
        talk->in_fd = pipes.in[1];
        talk->out_fd = pipes.out[0];
        talk->err_fd = pipes.err[0];
        pipes.in[1] = pipes.out[0] = pipes.err[0] = -1;
        not_blocking(talk->in_fd);
        not_blocking(talk->out_fd);
        not_blocking(talk->err_fd);
    } else {
        close_fd(&talk->pid_fd);
        limits_fini(&talk->limits);
        talk->pid = 0;
    }
    close_pipes(&pipes);
    return is_started;
}

/* ---- talking --------------------------------------------------------------------------
 */

/* One read. False when there is nothing to read now. */
static bool pump(struct talk *talk, int *fd,
                 void (*hand_on)(void *user, const char *bytes, size_t len))
{
    static char chunk[CHUNK];
    ssize_t n = *fd >= 0 ? read(*fd, chunk, sizeof(chunk)) : -1;
    if (*fd < 0 || (n < 0 && (errno == EINTR || errno == EAGAIN))) {
        return false;
    }
    if (n <= 0) {
        close_fd(fd);
        return false;
    }
    if (hand_on != NULL) {
        hand_on(talk->spec.user, chunk, (size_t)n);
    }
    return true;
}

static void push(struct talk *talk, struct buf *out)
{
    ssize_t n = write(talk->in_fd, out->data + talk->written, out->len - talk->written);
    if (n > 0) {
        talk->written += (size_t)n;
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
        close_fd(&talk->in_fd); /* it does not listen any more; its end will say why */
    }
    if (talk->written >= out->len || talk->in_fd < 0) {
        buf_clear(out);
        talk->written = 0;
    }
}

static void reap(struct talk *talk)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == talk->pid) {
            talk->is_over = true;
            talk->wait_status = status;
        }
    }
}

static int ms_until(struct wall at)
{
    int64_t left = wall_is_set(at) ? wall_since(at, wall_now()).ms : LOOK_AGAIN;
    return left < 0 ? 0 : left < LOOK_AGAIN ? (int)left : LOOK_AGAIN;
}

/* What is in the pipes, but for no longer than a moment: somebody that the child left
 * behind may go on writing. */
static void drain(struct talk *talk)
{
    struct wall until = wall_add(wall_now(), DRAIN);
    bool has_more = true;
    while (has_more && wall_since(wall_now(), until).ms < 0) {
        has_more = pump(talk, &talk->out_fd, talk->spec.on_out);
        has_more = pump(talk, &talk->err_fd, talk->spec.on_err) || has_more;
    }
}

static void wait_for_end(struct talk *talk, struct span span)
{
    struct wall until = wall_add(wall_now(), span);
    while (!talk->is_over && wall_since(wall_now(), until).ms < 0) {
        struct pollfd fds[] = {
            {.fd = talk->out_fd, .events = POLLIN},
            {.fd = talk->err_fd, .events = POLLIN},
            {.fd = talk->pid_fd, .events = POLLIN},
        };
        (void)poll(fds, ARRAY_LEN(fds), ms_until(until)); /* the loop looks itself */
        (void)pump(talk, &talk->out_fd, talk->spec.on_out);
        (void)pump(talk, &talk->err_fd, talk->spec.on_err);
        reap(talk);
    }
}

/* Everything is halted, or goes on. */
static void look_at_hold(struct talk *talk)
{
    struct hold *hold = talk->spec.hold;
    if (hold == NULL || !hold_look(hold)) {
        return;
    }
    if (hold->is_on) {
        (void)kill(-talk->pid, SIGSTOP); /* it may be gone */
        process_stop_descendants();
    } else {
        talk->stood.ms += hold->last.ms;
        process_continue_descendants();
    }
}

static bool stands(const struct talk *talk)
{
    return talk->spec.hold != NULL && talk->spec.hold->is_on;
}

/* One look at everything. True when something was read or written; *ret_is_other: the
 * other descriptor has something. */
static bool look(struct talk *talk, struct buf *out, struct wall until, int other_fd,
                 bool *ret_is_other)
{
    bool has_more = out != NULL && out->len > 0 && talk->in_fd >= 0;
    struct pollfd fds[] = {
        {.fd = talk->out_fd,                                       .events = POLLIN },
        {.fd = talk->err_fd,                                       .events = POLLIN },
        {.fd = talk->pid_fd,                                       .events = POLLIN },
        {.fd = other_fd,                                           .events = POLLIN },
        {.fd = has_more ? talk->in_fd : -1,                        .events = POLLOUT},
        {.fd = talk->spec.hold != NULL ? talk->spec.hold->fd : -1, .events = POLLIN },
    };
    int ms = stands(talk) ? HOLD_LOOK : ms_until(until);
    bool has_spoken = false;
    *ret_is_other = false;
    int n = poll(fds, ARRAY_LEN(fds), ms);
    if (stands(talk) || (n > 0 && fds[5].revents != 0)) {
        look_at_hold(talk);
    }
    if (n <= 0) {
        reap(talk);
        return false;
    }
    if (has_more && fds[4].revents != 0) {
        push(talk, out);
        has_spoken = true;
    }
    if (fds[0].revents != 0) {
        has_spoken = pump(talk, &talk->out_fd, talk->spec.on_out) || has_spoken;
    }
    if (fds[1].revents != 0) {
        has_spoken = pump(talk, &talk->err_fd, talk->spec.on_err) || has_spoken;
    }
    reap(talk);
    *ret_is_other = fds[3].revents != 0;
    return has_spoken;
}

enum talk_event talk_wait(struct talk *talk, struct buf *out, struct wall until,
                          int other_fd)
{
    while (talk->out_fd >= 0 && !talk->is_over) {
        bool is_other;
        struct wall at = wall_is_set(until) ? wall_add(until, talk->stood) : until;
        bool has_spoken = look(talk, out, at, other_fd, &is_other);
        if (is_other) {
            return TALK_OTHER;
        }
        /* first, because a child that never stops talking has a deadline too */
        at = wall_is_set(until) ? wall_add(until, talk->stood) : until;
        if (!stands(talk) && wall_is_set(at) && wall_since(wall_now(), at).ms >= 0) {
            return TALK_TIME;
        }
        if (has_spoken) {
            return TALK_SPOKE;
        }
    }
    wait_for_end(talk, DRAIN); /* the end of a program closes its pipes first */
    drain(talk);
    return TALK_ENDED;
}

/* ---- closing --------------------------------------------------------------------------
 */

void talk_close(struct talk *talk, struct span grace)
{
    if (talk->pid == 0) {
        return;
    }
    close_fd(&talk->in_fd);
    if (!stands(talk)) { /* else it is killed without a grace */
        wait_for_end(talk, grace);
    }
    if (!talk->is_over && !stands(talk)) {
        (void)kill(-talk->pid, SIGTERM); /* it may be gone */
        (void)kill(-talk->pid, SIGCONT); /* a stopped one could not end */
        wait_for_end(talk, grace);
    }
    if (!talk->is_over) {
        (void)kill(-talk->pid, SIGKILL); /* likewise */
        wait_for_end(talk, DRAIN);
    }
    limits_kill(&talk->limits);
    process_kill_descendants();
    reap(talk);
    drain(talk);
    close_fd(&talk->out_fd);
    close_fd(&talk->err_fd);
    close_fd(&talk->pid_fd);
    limits_fini(&talk->limits);
    talk->pid = 0;
}

char *talk_how_it_ended(const struct talk *talk)
{
    if (!talk->is_over) {
        return mem_str("closed its output");
    }
    if (WIFSIGNALED(talk->wait_status)) {
        return mem_printf("was killed by %s",
                          process_signal_name(WTERMSIG(talk->wait_status)));
    }
    return mem_printf("ended with exit status %d", WEXITSTATUS(talk->wait_status));
}
