/* SPDX-License-Identifier: MIT */
/* Starting, pumping and judging. How descendants are killed is in process_kill.c. */
#include "engine/io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/mem.h"
#include "engine/io/limits.h"
#include "engine/io/process_kill.h"

#define CHUNK           65536
#define DRAIN           ((struct span){200}) /* for output that is still under way at the end */
#define LOOK_AGAIN      60000                /* ms; the wall clock may have been set */
#define STDERR_KEPT_MAX 16384

enum stage { STAGE_SETUP, STAGE_FOLDER, STAGE_NETWORK, STAGE_EXEC };

struct failure {
    int32_t stage, number;
};

struct run {
    const struct process_spec *spec;
    struct process_outcome *outcome;
    struct limits limits;
    pid_t pid;
    int pid_fd;
    int out_fd, err_fd; /* read ends, -1 = closed; out_fd only when stdout is apart */
    bool is_over;       /* the program itself has ended */
    bool is_stalled;
    struct hold *hold;   /* NULL once the end has begun */
    struct wall look_at; /* when spec->stall looks; unset: never */
    int64_t cpu_before;  /* of children before this one */
    int wait_status;
};

/* ---- the child ------------------------------------------------------------------------
 */

NORETURN static void fail_child(int report, enum stage stage)
{
    struct failure failure = {.stage = (int32_t)stage, .number = errno};
    ssize_t n = write(report, &failure, sizeof(failure));
    (void)n; /* the parent sees an early end of the pipe as well */
    _exit(127);
}

static void set_streams(const struct process_spec *spec, int out, int errors, int report)
{
    int in = open(spec->stdin_path != NULL ? spec->stdin_path : "/dev/null",
                  O_RDONLY | O_CLOEXEC);
    if (in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(errors, 2) < 0) {
        fail_child(report, STAGE_SETUP);
    }
    /* everything above 2 closes at exec, but for what is to stay */
    if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0) {
        for (int fd = 3; fd < 1024; fd++) {
            (void)fcntl(fd, F_SETFD, FD_CLOEXEC); /* most are not open */
        }
    }
    if (spec->keep_too_fd > 0) {
        (void)fcntl(spec->keep_too_fd, F_SETFD, 0); /* an open descriptor: cannot fail */
    }
    if (spec->keep_fd >= 0 && fcntl(spec->keep_fd, F_SETFD, 0) != 0) {
        fail_child(report, STAGE_SETUP);
    }
}

NORETURN static void be_child(struct run *run, int out, int errors, int go, int report,
                              pid_t parent)
{
    const struct process_spec *spec = run->spec;
    sigset_t none;
    char byte;
    (void)sigemptyset(&none);                        /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL); /* cannot fail */
    const struct sigaction dies = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &dies, NULL); /* cannot fail */
    if (!spec->outlives_us &&
        (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)) {
        _exit(127);
    }
    /* not before the parent has put us into our control groups */
    while (read(go, &byte, 1) < 0 && errno == EINTR) {
    }
    if (setsid() < 0) {
        fail_child(report, STAGE_SETUP);
    }
    set_streams(spec, out, errors, report);
    if (chdir(spec->folder) != 0) {
        fail_child(report, STAGE_FOLDER);
    }
    if (spec->has_no_network && !limits_cut_network()) {
        fail_child(report, STAGE_NETWORK);
    }
    limits_apply(&run->limits);
    /* execvp looks up PATH in environ */
    environ = (char **)(uintptr_t)spec->envp;
    (void)execvp(spec->argv[0], spec->argv); /* returns only to fail */
    fail_child(report, STAGE_EXEC);
}

/* ---- the parent -----------------------------------------------------------------------
 */

struct pipes {
    int out[2], err[2], go[2], report[2];
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* a pipe's end; nothing is lost */
        *fd = -1;
    }
}

static bool open_pipes(struct pipes *pipes, bool is_apart)
{
    *pipes = (struct pipes){
        {-1, -1},
        {-1, -1},
        {-1, -1},
        {-1, -1}
    };
    return (!is_apart || pipe2(pipes->out, O_CLOEXEC) == 0) &&
           pipe2(pipes->err, O_CLOEXEC) == 0 && pipe2(pipes->go, O_CLOEXEC) == 0 &&
           pipe2(pipes->report, O_CLOEXEC) == 0;
}

static void close_pipes(struct pipes *pipes)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&pipes->out[i]);
        close_fd(&pipes->err[i]);
        close_fd(&pipes->go[i]);
        close_fd(&pipes->report[i]);
    }
}

static void tell_start_failure(struct run *run, const struct failure *failure)
{
    struct process_outcome *outcome = run->outcome;
    outcome->end =
        failure->stage == STAGE_NETWORK ? PROCESS_NO_NETWORK_OFF : PROCESS_NOT_STARTED;
    outcome->status = failure->number;
    errno = failure->number;
    const char *what =
        failure->stage == STAGE_EXEC ? run->spec->argv[0] : run->spec->folder;
    if (failure->stage == STAGE_SETUP) {
        what = "preparing the program";
    }
    err_sys(&outcome->err, "%s", what);
}

/* True when the program runs. */
static bool start(struct run *run)
{
    struct pipes pipes;
    struct failure failure = {.stage = STAGE_SETUP};
    if (!open_pipes(&pipes, run->spec->out != NULL)) {
        failure.number = errno;
        tell_start_failure(run, &failure);
        close_pipes(&pipes);
        return false;
    }
    pid_t parent = getpid();
    run->pid = fork();
    if (run->pid == 0) {
        close_fd(&pipes.go[1]);
        be_child(run, pipes.out[1] >= 0 ? pipes.out[1] : pipes.err[1], pipes.err[1],
                 pipes.go[0], pipes.report[1], parent);
    }
    if (run->pid < 0) {
        failure.number = errno;
        tell_start_failure(run, &failure);
        close_pipes(&pipes);
        return false;
    }
    run->pid_fd = (int)syscall(SYS_pidfd_open, run->pid, 0U);
    limits_adopt(&run->limits, run->pid);
    close_fd(&pipes.go[1]); /* go */
    close_fd(&pipes.report[1]);
    run->out_fd = pipes.out[0];
    run->err_fd = pipes.err[0];
    pipes.out[0] = pipes.err[0] = -1;
    ssize_t n;
    do {
        n = read(pipes.report[0], &failure, sizeof(failure));
    } while (n < 0 && errno == EINTR);
    close_pipes(&pipes);
    if (n == (ssize_t)sizeof(failure)) {
        tell_start_failure(run, &failure);
        (void)waitpid(run->pid, NULL, 0); /* it exits at once */
        return false;
    }
    return true;
}

static void take_stdout(struct run *run, const char *bytes, size_t len)
{
    if (!buf_add(run->spec->out, bytes, len)) {
        close_fd(&run->out_fd); /* enough: the writer gets SIGPIPE */
    }
}

static void take_output(struct run *run, const char *bytes, size_t len)
{
    const struct process_spec *spec = run->spec;
    struct err err;
    if (spec->errors != NULL && spec->errors->len < STDERR_KEPT_MAX) {
        (void)buf_add(spec->errors, bytes, len); /* the beginning is what is wanted */
    }
    if (spec->log != NULL && !segment_write(spec->log, bytes, len, &err)) {
        run->outcome->is_log_short = true; /* a full disk must not stop the step */
    }
}

/* One read. False when the pipe is at its end (and closed). */
static bool pump(struct run *run, int *fd, bool is_stdout)
{
    static char chunk[CHUNK];
    ssize_t n = read(*fd, chunk, sizeof(chunk));
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return true;
    }
    if (n <= 0) {
        close_fd(fd);
        return false;
    }
    run->outcome->out_bytes += n;
    if (is_stdout) {
        take_stdout(run, chunk, (size_t)n);
    } else {
        take_output(run, chunk, (size_t)n);
    }
    return true;
}

static void reap(struct run *run)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == run->pid) {
            run->is_over = true;
            run->wait_status = status;
        }
    }
}

static int ms_until(struct wall at, int most)
{
    int64_t left = wall_since(at, wall_now()).ms;
    return left < 0 ? 0 : left < most ? (int)left : most;
}

static bool stands(const struct run *run)
{
    return run->hold != NULL && run->hold->is_on;
}

static int ms_to_wait(const struct run *run, struct wall until)
{
    if (stands(run)) {
        return HOLD_LOOK;
    }
    int ms = wall_is_set(until) ? ms_until(until, LOOK_AGAIN) : LOOK_AGAIN;
    return wall_is_set(run->look_at) ? ms_until(run->look_at, ms) : ms;
}

static void move(struct wall *at, struct span by)
{
    if (wall_is_set(*at)) {
        *at = wall_add(*at, by);
    }
}

/* Everything is halted, or goes on. While it stood, no time ran. */
static void look_at_hold(struct run *run, struct wall *until)
{
    if (run->hold == NULL || !hold_look(run->hold)) {
        return;
    }
    if (run->hold->is_on) {
        (void)kill(-run->pid, SIGSTOP); /* most of it, at once; it may be gone */
        process_stop_descendants();
        return;
    }
    process_continue_descendants();
    move(until, run->hold->last);
    move(&run->look_at, run->hold->last);
    if (run->spec->stall != NULL) {
        stall_stood(run->spec->stall, run->hold->last);
    }
}

/* Is it time, and has it stalled? */
static bool has_stalled(struct run *run)
{
    struct wall now = wall_now();
    if (!wall_is_set(run->look_at) || wall_since(now, run->look_at).ms < 0) {
        return false;
    }
    run->look_at = wall_add(now, stall_pace(run->spec->stall));
    run->is_stalled = !stall_look(run->spec->stall, run->outcome->out_bytes,
                                  process_descendants_cpu() - run->cpu_before, now);
    return run->is_stalled;
}

/* Wait for something, and take what the pipes hold. */
static void pump_once(struct run *run, int timeout, int stop_fd, bool *ret_is_stopped,
                      bool *ret_has_hold)
{
    struct pollfd fds[] = {
        {.fd = run->out_fd,                            .events = POLLIN},
        {.fd = run->err_fd,                            .events = POLLIN},
        {.fd = run->is_over ? -1 : run->pid_fd,        .events = POLLIN},
        {.fd = stop_fd,                                .events = POLLIN},
        {.fd = run->hold != NULL ? run->hold->fd : -1, .events = POLLIN},
    };
    int n = poll(fds, ARRAY_LEN(fds), timeout);
    if (fds[0].revents != 0 && n > 0) {
        (void)pump(run, &run->out_fd, true); /* its end is seen in out_fd */
    }
    if (fds[1].revents != 0 && n > 0) {
        (void)pump(run, &run->err_fd, false); /* likewise */
    }
    reap(run);
    *ret_is_stopped = n > 0 && fds[3].revents != 0;
    *ret_has_hold = n > 0 && fds[4].revents != 0;
}

/*
 * Pump until the program has ended (true), or until `until`, a stop, or, with
 * is_draining, the end of all output. *ret_is_stopped tells a stop.
 */
static bool pump_until(struct run *run, struct wall until, int stop_fd, bool is_draining,
                       bool *ret_is_stopped)
{
    for (;;) {
        bool has_hold, is_stopped;
        if (is_draining && run->out_fd < 0 && run->err_fd < 0) {
            return true;
        }
        pump_once(run, ms_to_wait(run, until), stop_fd, &is_stopped, &has_hold);
        if (run->is_over && !is_draining) {
            return true;
        }
        if (is_stopped) {
            *ret_is_stopped = true;
            return false;
        }
        if (has_hold || stands(run)) {
            look_at_hold(run, &until);
        } else if ((wall_is_set(until) && wall_since(wall_now(), until).ms >= 0) ||
                   has_stalled(run)) {
            return false;
        }
    }
}

/* The grace: until it has ended, or everything is halted, for then nothing may go on. */
static void wait_for_end(struct run *run)
{
    struct wall until = wall_add(wall_now(), run->spec->grace);
    struct hold *hold = run->spec->hold;
    bool is_halted = false;
    (void)pump_until(run, until, hold != NULL ? hold->fd : -1, false, &is_halted);
}

/* SIGTERM, the grace, SIGKILL to all that is left, and the rest of the output. What stands
 * still does not get the grace. */
static void end_all(struct run *run)
{
    bool ignored = false;
    bool has_stood = stands(run);
    run->hold = NULL;
    if (!run->is_over && !has_stood) {
        (void)kill(-run->pid, SIGTERM); /* it may be gone */
        (void)kill(-run->pid, SIGCONT); /* a stopped one could not end */
        wait_for_end(run);
    } else if (run->is_over) {
        (void)pump_until(run, wall_add(wall_now(), DRAIN), -1, true, &ignored);
    }
    limits_kill(&run->limits);
    process_kill_descendants();
    reap(run);
    if (!run->is_over) {
        run->is_over = true; /* killed, and reaped with the rest */
    }
    (void)pump_until(run, wall_add(wall_now(), DRAIN), -1, true, &ignored);
    close_fd(&run->out_fd);
    close_fd(&run->err_fd);
}

static int64_t cpu_of(const struct rusage *usage)
{
    return ((int64_t)usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
           (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

static void measure(struct run *run, const struct rusage *before)
{
    struct rusage after;
    struct process_outcome *outcome = run->outcome;
    if (getrusage(RUSAGE_CHILDREN, &after) == 0) {
        outcome->cpu_ms = cpu_of(&after) - cpu_of(before);
        outcome->peak_rss_kib = after.ru_maxrss;
    }
    int64_t peak = limits_peak_kib(&run->limits);
    if (peak >= 0) {
        outcome->peak_rss_kib = peak;
    }
    outcome->is_out_of_memory = limits_ran_out_of_memory(&run->limits);
}

/* Nothing begins while everything is halted. False: it was stopped meanwhile. */
static bool wait_to_start(const struct process_spec *spec, struct wall *deadline)
{
    struct span before = hold_stood(spec->hold);
    bool may = spec->hold == NULL || hold_wait(spec->hold, spec->stop_fd);
    move(deadline, (struct span){hold_stood(spec->hold).ms - before.ms});
    return may;
}

void process_run(const struct process_spec *spec, struct process_outcome *ret_outcome)
{
    struct run run = {.spec = spec,
                      .outcome = ret_outcome,
                      .hold = spec->hold,
                      .pid_fd = -1,
                      .out_fd = -1,
                      .err_fd = -1};
    struct wall deadline = spec->deadline;
    struct rusage before = {0};
    bool is_stopped = false;
    *ret_outcome =
        (struct process_outcome){.err = ERR_INIT, .cpu_ms = -1, .peak_rss_kib = -1};
    if (!wait_to_start(spec, &deadline)) {
        ret_outcome->end = PROCESS_STOPPED;
        return;
    }
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);    /* known since Linux 3.4 */
    (void)getrusage(RUSAGE_CHILDREN, &before); /* zeros when it cannot be had */
    limits_init(&run.limits, spec->bounds, spec->name);
    if (start(&run)) {
        if (spec->stall != NULL) {
            run.cpu_before = cpu_of(&before);
            run.look_at = wall_add(wall_now(), stall_pace(spec->stall));
        }
        bool is_ended = pump_until(&run, deadline, spec->stop_fd, false, &is_stopped);
        run.look_at.ms = 0;
        end_all(&run);
        if (!is_ended) {
            ret_outcome->end = is_stopped       ? PROCESS_STOPPED
                               : run.is_stalled ? PROCESS_STALLED
                                                : PROCESS_TIMED_OUT;
        } else if (WIFSIGNALED(run.wait_status)) {
            ret_outcome->end = PROCESS_SIGNALLED;
            ret_outcome->status = WTERMSIG(run.wait_status);
        } else {
            ret_outcome->end = PROCESS_EXITED;
            ret_outcome->status = WEXITSTATUS(run.wait_status);
        }
        measure(&run, &before);
    }
    close_fd(&run.out_fd);
    close_fd(&run.err_fd);
    close_fd(&run.pid_fd);
    limits_fini(&run.limits);
}
