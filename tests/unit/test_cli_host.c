/* SPDX-License-Identifier: MIT */

/*
 * Guardian, console and engine as processes: this program plays the shell. It leads a
 * session with a pty as its terminal and starts the guardian as a job in the foreground;
 * the console is a function of this file, the engine is the real one on a store of its
 * own. As the subreaper it inherits an engine whose guardian has ended, and can wait for
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/control/config.h"
#include "store/store.h"
#include "tui/headless.h"
#include "tui/host.h"
#include "tui/term.h"

#define PATIENCE_S 120 /* alarm(2): a test that hangs dies */

struct job {
    char *folder;
    struct config *config;
    struct termios before;
    int master, terminal;
    int to_console, from_console; /* pipes to the console function */
    pid_t guardian, console, engine;
};

static struct job job;
static int console_in, console_out; /* its ends */

/* ---- the console
 * --------------------------------------------------------------------------- */

/* Takes the terminal, says its process id, then does what each byte says. */
static int console(void *user)
{
    struct term_options options = {.wants_ascii = true};
    struct term *term = NULL;
    struct err err = ERR_INIT;
    pid_t pid = getpid();
    char byte;
    (void)user;
    if (!term_open(&options, &term, &err) || !term_flush(term) ||
        write(console_out, &pid, sizeof(pid)) != (ssize_t)sizeof(pid)) {
        return 1;
    }
    while (read(console_in, &byte, 1) == 1) {
        switch (byte) {
        case 'q':
            term_close(term);
            return 0;
        case 'f':
            term_close(term);
            return 7;
        case 'd': /* deaf */
            (void)signal(SIGTERM, SIG_IGN);
            (void)signal(SIGHUP, SIG_IGN);
            break;
        case 'z':
            term_suspend(term);
            break;
        default:
            break;
        }
        if (write(console_out, &byte, 1) != 1) {
            return 1;
        }
    }
    return 1;
}

static void tell(char byte)
{
    assert_int_equal(write(job.to_console, &byte, 1), 1);
}

static void hear(char byte)
{
    char got;
    assert_int_equal(read(job.from_console, &got, 1), 1);
    assert_int_equal(got, byte);
}

/* ---- the shell
 * ----------------------------------------------------------------------------- */

static void open_terminal(void)
{
    job.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(job.master >= 0);
    assert_int_equal(grantpt(job.master), 0);
    assert_int_equal(unlockpt(job.master), 0);
    job.terminal = open(ptsname(job.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(job.terminal >= 0);
    assert_int_equal(ioctl(job.terminal, TIOCSCTTY, 0), 0);
    assert_int_equal(tcgetattr(job.terminal, &job.before), 0);
}

static void become_guardian(void)
{
    (void)setpgid(0, 0);
    (void)tcsetpgrp(job.terminal, getpid());
    for (int fd = 0; fd < 3; fd++) {
        (void)dup2(job.terminal, fd);
    }
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGTTOU, SIG_DFL);
    _exit(host_run(job.config, console, NULL)); /* each of the three processes */
}

static void start(enum on_hangup on_hangup)
{
    int down[2], up[2];
    (void)alarm(PATIENCE_S);
    job = (struct job){.master = -1};
    job.folder = mem_str("/tmp/signalbox-host-XXXXXX");
    assert_non_null(mkdtemp(job.folder));
    job.config = config_default();
    free(job.config->store);
    job.config->store = file_join(job.folder, "s.db");
    job.config->on_hangup = on_hangup;
    open_terminal();
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    console_in = down[0];
    console_out = up[1];
    job.to_console = down[1];
    job.from_console = up[0];
    job.guardian = fork();
    assert_true(job.guardian >= 0);
    if (job.guardian == 0) {
        (void)close(down[1]);
        (void)close(job.master);
        become_guardian();
    }
    (void)setpgid(job.guardian, job.guardian);
    (void)close(console_in);
    (void)close(console_out);
    assert_int_equal(read(up[0], &job.console, sizeof(job.console)), sizeof(job.console));
}

/* Until the engine has the store; the lease says who it is. */
static void wait_for_engine(void)
{
    while (!lease_is_held(job.config->store, &job.engine) || job.engine == 0) {
        (void)poll(NULL, 0, 5); /* alarm(2) bounds it */
    }
}

static void finish(void)
{
    (void)close(job.to_console);
    (void)close(job.from_console);
    (void)close(job.terminal);
    (void)close(job.master);
    (void)alarm(0);
    struct err err = ERR_INIT;
    assert_true(file_remove_tree(job.folder, &err));
    free(job.folder);
    config_free(job.config);
}

static int wait_for(pid_t pid, int flags)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, flags), pid);
    return status;
}

static void assert_exits(pid_t pid, int want)
{
    int status = wait_for(pid, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), want);
}

static void assert_terminal_is_as_before(void)
{
    struct termios now;
    assert_int_equal(tcgetattr(job.terminal, &now), 0);
    assert_int_equal(now.c_lflag, job.before.c_lflag);
    assert_int_equal(now.c_iflag, job.before.c_iflag);
    assert_int_equal(now.c_oflag, job.before.c_oflag);
}

/* What reached the terminal so far. */
static const char *screen(char *out, size_t cap)
{
    struct pollfd fd = {.fd = job.master, .events = POLLIN};
    size_t len = 0;
    while (len + 1 < cap && poll(&fd, 1, 0) > 0 && (fd.revents & POLLIN) != 0) {
        ssize_t n = read(job.master, out + len, cap - len - 1);
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
    }
    out[len] = '\0';
    return out;
}

static void end_engine(void)
{
    assert_int_equal(kill(job.engine, SIGTERM), 0);
    assert_exits(job.engine, 0);
}

/* ---- tests
 * --------------------------------------------------------------------------------- */

static void quitting_stops_the_engine(void **state)
{
    int pid;
    (void)state;
    start(HANGUP_CONTINUE);
    wait_for_engine();
    assert_int_equal(getsid(job.engine), job.engine); /* no part of our session */
    tell('q');
    assert_exits(job.guardian, 0);
    assert_false(lease_is_held(job.config->store, &pid));
    assert_int_equal(kill(job.engine, 0), -1); /* the guardian has waited for it */
    assert_terminal_is_as_before();
    finish();
}

static void the_consoles_status_is_the_programs(void **state)
{
    (void)state;
    start(HANGUP_CONTINUE);
    tell('f');
    assert_exits(job.guardian, 7);
    finish();
}

static void a_killed_console_leaves_terminal_and_engine(void **state)
{
    char text[4096];
    (void)state;
    start(HANGUP_CONTINUE);
    wait_for_engine();
    assert_int_equal(kill(job.console, SIGKILL), 0);
    assert_exits(job.guardian, 128 + SIGKILL);
    assert_terminal_is_as_before();
    screen(text, sizeof(text));
    assert_non_null(strstr(text, "\033[?1049h"));
    assert_non_null(strstr(strstr(text, "\033[?1049h"), "\033[?1049l"));
    assert_non_null(strstr(text, "the engine goes on"));
    assert_int_equal(kill(job.engine, 0), 0);
    end_engine();
    finish();
}

static void hangup_does_what_the_configuration_says(void **state)
{
    (void)state;
    start(HANGUP_STOP);
    wait_for_engine();
    assert_int_equal(kill(job.guardian, SIGHUP), 0);
    (void)wait_for(job.guardian, 0);
    assert_exits(job.engine, 0);
    finish();
    start(HANGUP_DRAIN); /* nothing to do: it has drained at once */
    wait_for_engine();
    assert_int_equal(kill(job.guardian, SIGHUP), 0);
    (void)wait_for(job.guardian, 0);
    assert_exits(job.engine, 0);
    finish();
}

static void a_lost_terminal_is_a_hangup(void **state)
{
    (void)state;
    start(HANGUP_CONTINUE);
    wait_for_engine();
    tell('d');
    hear('d');
    (void)close(job.master); /* SSH drops; this console does not even notice */
    (void)wait_for(job.guardian, 0);
    assert_int_equal(kill(job.engine, 0), 0);
    end_engine();
    finish();
}

static void a_killed_guardian_is_a_hangup(void **state)
{
    (void)state;
    start(HANGUP_STOP);
    wait_for_engine();
    assert_int_equal(kill(job.guardian, SIGKILL), 0);
    (void)wait_for(job.guardian, 0);
    int status = wait_for(job.console, 0); /* ours now */
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    assert_exits(job.engine, 0);
    finish();
}

static void sigterm_ends_all_three(void **state)
{
    (void)state;
    start(HANGUP_CONTINUE);
    wait_for_engine();
    tell('d');
    hear('d');
    assert_int_equal(kill(job.guardian, SIGTERM), 0);
    assert_exits(job.guardian, 128 + SIGTERM); /* a deaf console is killed */
    assert_int_equal(kill(job.engine, 0), -1);
    assert_terminal_is_as_before();
    finish();
}

static void stopping_stops_the_job_and_not_the_engine(void **state)
{
    (void)state;
    start(HANGUP_CONTINUE);
    wait_for_engine();
    for (int i = 0; i < 3; i++) {
        tell('z');
        int status = wait_for(job.guardian, WUNTRACED);
        assert_true(WIFSTOPPED(status));
        assert_terminal_is_as_before();
        assert_int_equal(kill(job.engine, 0), 0);
        assert_int_equal(kill(i == 0 ? job.guardian : -job.guardian, SIGCONT), 0);
        hear('z'); /* the console goes on, also when only the guardian was told */
    }
    tell('q');
    assert_exits(job.guardian, 0);
    finish();
}

static void an_engine_elsewhere_is_left_alone(void **state)
{
    char byte = 'x';
    int up[2];
    (void)state;
    start(HANGUP_CONTINUE);
    wait_for_engine();
    pid_t first = job.engine;
    assert_int_equal(pipe(up), 0);
    assert_int_equal(kill(job.console, SIGKILL), 0); /* leaves the engine alone behind */
    assert_exits(job.guardian, 128 + SIGKILL);
    int down[2];
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    console_in = down[0];
    console_out = up[1];
    job.guardian = fork();
    assert_true(job.guardian >= 0);
    if (job.guardian == 0) {
        (void)close(down[1]);
        become_guardian();
    }
    assert_int_equal(read(up[0], &job.console, sizeof(job.console)), sizeof(job.console));
    byte = 'q';
    assert_int_equal(write(down[1], &byte, 1), 1);
    assert_exits(job.guardian, 0);
    assert_true(lease_is_held(job.config->store, &job.engine));
    assert_int_equal(job.engine, first);
    end_engine();
    (void)close(up[0]);
    (void)close(up[1]);
    (void)close(down[0]);
    (void)close(down[1]);
    finish();
}

/* Tests need a session of their own with this program as its leader. */
static int lead(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quitting_stops_the_engine),
        cmocka_unit_test(the_consoles_status_is_the_programs),
        cmocka_unit_test(a_killed_console_leaves_terminal_and_engine),
        cmocka_unit_test(hangup_does_what_the_configuration_says),
        cmocka_unit_test(a_lost_terminal_is_a_hangup),
        cmocka_unit_test(a_killed_guardian_is_a_hangup),
        cmocka_unit_test(sigterm_ends_all_three),
        cmocka_unit_test(stopping_stops_the_job_and_not_the_engine),
        cmocka_unit_test(an_engine_elsewhere_is_left_alone),
    };
    (void)setsid();
    (void)setenv("TERM", "xterm-256color", 1);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGTTOU, SIG_IGN);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0) {
        exit(lead());
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
