/* SPDX-License-Identifier: MIT */

/*
 * Guardian. One loop over a signalfd: what happened to the console is mirrored, what
 * concerns it is passed on. Job control, in the order in which it happens:
 *
 *   Ctrl-Z   the console gives the terminal back and stops itself; the guardian learns it
 * from waitpid(WUNTRACED) and sends itself SIGTSTP. The shell, which waits for the
 *            guardian, prints its prompt.
 *   fg       the shell makes the group the foreground job and sends SIGCONT to all of it;
 * the guardian wakes, and passes SIGCONT on once more for shells that send it to the
 *            leader only.
 *   In an orphaned process group (`ssh -t HOST signalbox`) nobody could continue us:
 * there the kernel ignores SIGTSTP, the guardian runs on and continues the console at
 * once.
 */
#include "tui/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/control/config.h"
#include "store/store.h"
#include "tui/cli/cli.h"
#include "tui/headless.h"
#include "tui/term.h"

/* How long the console may take to end after SIGHUP or SIGTERM before it is killed: SSH
 * drops must not leave a console behind. */
#define CONSOLE_GRACE_MS 1000
/* How long `q` waits for the engine to have stopped before it says so and leaves. */
#define ENGINE_GRACE_MS 10000

struct guardian {
    const struct config *config;
    struct headless_note *note; /* shared with the engine process */
    pid_t console;
    pid_t engine; /* 0: has ended */
    int orders;   /* to the engine process */
    int signals;  /* signalfd */
    int status;   /* of the console, as waitpid(2) gives it */
    bool has_ended;
    bool is_hung_up, is_terminated;
    struct mono kill_at; /* 0: not set */
};

/* Signals that the guardian reads; all others keep what they do. */
static void guarded_signals(sigset_t *set)
{
    static const int numbers[] = {SIGCHLD, SIGHUP,  SIGTERM, SIGINT,  SIGQUIT, SIGTSTP,
                                  SIGTTOU, SIGTTIN, SIGCONT, SIGPIPE, SIGUSR1, SIGUSR2};
    (void)sigemptyset(set);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        (void)sigaddset(set, numbers[i]);
    }
}

static int ms_until(struct mono at)
{
    int64_t left = (at.ns - mono_now().ns) / 1000000;
    return left <= 0 ? 0 : (int)left + 1;
}

static struct mono mono_in(int ms)
{
    return (struct mono){mono_now().ns + (int64_t)ms * 1000000};
}

/* ---- the console
 * ---------------------------------------------------------------------------- */

/* Stop like the console did, until the shell continues us. */
static void stop_too(const struct guardian *guardian)
{
    sigset_t only;
    siginfo_t info = {0};
    (void)sigemptyset(&only);
    (void)sigaddset(&only, SIGTSTP);
    term_restore(); /* when somebody else stopped it, it could not do this */
    (void)kill(getpid(), SIGTSTP);
    (void)pthread_sigmask(SIG_UNBLOCK, &only, NULL); /* stops here */
    (void)pthread_sigmask(SIG_BLOCK, &only, NULL);
    /* Shells continue the whole job, and a SIGCONT too many would undo the next Ctrl-Z:
     * send it only when nothing has happened to the console since the stop that was
     * waited for. */
    if (waitid(P_PID, (id_t)guardian->console, &info,
               WSTOPPED | WCONTINUED | WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == 0) {
        (void)kill(guardian->console, SIGCONT);
    }
}

static void reap(struct guardian *guardian)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (pid == guardian->engine && !WIFSTOPPED(status)) {
            guardian->engine = 0;
        } else if (pid == guardian->console && WIFSTOPPED(status)) {
            stop_too(guardian);
        } else if (pid == guardian->console) {
            guardian->status = status;
            guardian->has_ended = true;
        }
    }
}

static void pass_on(struct guardian *guardian, int number)
{
    if (guardian->has_ended) {
        return; /* its process id may be somebody else's now */
    }
    (void)kill(guardian->console, number);
    (void)kill(guardian->console, SIGCONT); /* it may be stopped */
    if (guardian->kill_at.ns == 0) {
        guardian->kill_at = mono_in(CONSOLE_GRACE_MS);
    }
}

static void hang_up(struct guardian *guardian)
{
    guardian->is_hung_up = true;
    pass_on(guardian, SIGHUP);
}

static void handle_signals(struct guardian *guardian)
{
    struct signalfd_siginfo info;
    while (read(guardian->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            reap(guardian);
            break;
        case SIGHUP:
            hang_up(guardian);
            break;
        case SIGTERM:
        case SIGINT: /* the terminal sends these two before the console has it */
        case SIGQUIT:
            guardian->is_terminated = true;
            pass_on(guardian, SIGTERM);
            break;
        default: /* SIGTSTP and the like reach the console by themselves */
            break;
        }
    }
}

/* The terminal is in the poll for POLLHUP alone: its end reaches the session's leader as
 * a signal, but us only when that leader is a shell that cares. */
static void guard(struct guardian *guardian)
{
    while (!guardian->has_ended) {
        struct pollfd fds[2] = {
            {.fd = guardian->signals, .events = POLLIN},
            {.fd = guardian->is_hung_up ? -1 : STDIN_FILENO                      },
        };
        int wait = guardian->kill_at.ns != 0 ? ms_until(guardian->kill_at) : -1;
        int n = poll(fds, 2, wait);
        if (n == 0) {
            (void)kill(guardian->console, SIGKILL);
            guardian->kill_at = mono_in(CONSOLE_GRACE_MS);
        } else if (n > 0) {
            if (fds[1].revents != 0) {
                hang_up(guardian);
            }
            handle_signals(guardian);
        }
    }
}

/* ---- the end
 * -------------------------------------------------------------------------------- */

static bool is_terminal_gone(void)
{
    struct termios now;
    return tcgetattr(STDIN_FILENO, &now) != 0;
}

/* The engine's last orders. False: it is still there after the longest time we wait. */
static bool stop_engine(struct guardian *guardian)
{
    const char order = ORDER_STOP;
    ssize_t n = write(guardian->orders, &order, 1);
    (void)n; /* EPIPE: it has ended, or serves nobody of ours */
    (void)close(guardian->orders);
    guardian->orders = -1;
    struct mono end = mono_in(ENGINE_GRACE_MS);
    reap(guardian);
    while (guardian->engine != 0) {
        struct pollfd fd = {.fd = guardian->signals, .events = POLLIN};
        if (poll(&fd, 1, ms_until(end)) == 0) {
            return false;
        }
        handle_signals(guardian);
    }
    return true;
}

/* One line about where the engine is, for somebody whose console was killed. */
static void say_what_happened(const struct guardian *guardian)
{
    int pid = 0;
    const char *how = sigabbrev_np(WTERMSIG(guardian->status));
    fprintf(stderr, "signalbox: the console was killed (SIG%s); ",
            how != NULL ? how : "?");
    if (!lease_is_held(guardian->config->store, &pid)) {
        fputs("no engine runs\n", stderr);
    } else if (atomic_load(&guardian->note->phase) != HEADLESS_HERE ||
               guardian->config->on_hangup == HANGUP_CONTINUE) {
        fprintf(stderr, "the engine goes on (pid %d)\n", pid);
    } else if (guardian->config->on_hangup == HANGUP_DRAIN) {
        fprintf(stderr, "the engine (pid %d) ends when its workflows have\n", pid);
    } else {
        fprintf(stderr, "the engine (pid %d) stops\n", pid);
    }
}

static int finish(struct guardian *guardian)
{
    bool is_killed = WIFSIGNALED(guardian->status);
    int status =
        is_killed ? 128 + WTERMSIG(guardian->status) : WEXITSTATUS(guardian->status);
    bool is_lost = is_killed || status == HOST_LOST || is_terminal_gone();
    if (!is_terminal_gone()) {
        term_restore();
    }
    if (is_killed && !guardian->is_hung_up && !guardian->is_terminated &&
        term_takes(STDERR_FILENO)) {
        say_what_happened(guardian);
    }
    if (guardian->is_hung_up || (is_lost && !guardian->is_terminated)) {
        (void)close(guardian->orders); /* without a word: hung up */
    } else if (!stop_engine(guardian)) {
        fprintf(stderr, "signalbox: the engine is still stopping (pid %d)\n",
                (int)guardian->engine);
    }
    return guardian->is_terminated ? 128 + SIGTERM
           : status == HOST_AGAIN  ? HOST_START_AGAIN
                                   : status;
}

/* ---- the beginning
 * -------------------------------------------------------------------------- */

static int fail(const char *what)
{
    struct err err = ERR_INIT;
    err_sys(&err, "%s", what);
    return cli_fail(&err);
}

/* In a child: as a program begins, and ended by the guardian's death. */
static void become_child(struct guardian *guardian, const sigset_t *before, pid_t parent,
                         int death)
{
    (void)close(guardian->signals);
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
    if (death != 0) {
        (void)prctl(PR_SET_PDEATHSIG, death);
        if (getppid() != parent) {
            (void)raise(death); /* it died before we asked */
        }
    }
}

int host_run(const struct config *config, host_console *console, void *user)
{
    struct guardian guardian = {.config = config};
    sigset_t before, guarded;
    int orders[2];
    pid_t self = getpid();
    term_save();
    guardian.note = headless_note_make();
    if (guardian.note == NULL || pipe2(orders, O_CLOEXEC) != 0) {
        return fail("starting");
    }
    guarded_signals(&guarded);
    (void)pthread_sigmask(SIG_BLOCK, &guarded, &before);
    guardian.signals = signalfd(-1, &guarded, SFD_CLOEXEC | SFD_NONBLOCK);
    if (guardian.signals < 0 || (guardian.console = fork()) < 0) {
        return fail("starting the console");
    }
    if (guardian.console == 0) {
        (void)close(orders[0]);
        (void)close(orders[1]);
        become_child(&guardian, &before, self, SIGHUP);
        return console(user);
    }
    guardian.engine = fork();
    if (guardian.engine == 0) {
        (void)close(orders[1]);
        become_child(&guardian, &before, self, 0);
        return headless_run(config, orders[0], guardian.note);
    }
    (void)close(orders[0]);
    guardian.orders = orders[1];
    if (guardian.engine < 0) { /* the console shows that there is none */
        struct err err = ERR_INIT;
        err_sys(&err, "fork");
        (void)snprintf(guardian.note->why, sizeof(guardian.note->why), "%s", err.msg);
        atomic_store(&guardian.note->phase, HEADLESS_FAILED);
        guardian.engine = 0;
    }
    guard(&guardian);
    int status = finish(&guardian);
    if (status == HOST_START_AGAIN) {
        (void)close(guardian.signals);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* exec(3) keeps the mask */
    }
    return status;
}
