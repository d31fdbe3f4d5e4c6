/* SPDX-License-Identifier: MIT */
/*
 * The line to the console breaks, in every way: the engine goes on unharmed, the next console finds
 * it, and no process is left behind that works for nothing. And Ctrl-Z in a real shell.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "store/store.h"
#include "tests/lib/desk.h"

#define SOON_MS 5000
#define LATE_MS 15000 /* the guardian waits for a console that is asked to end */

static int set_up(void **state)
{
    if (desk_set_up(state) != 0) {
        return -1;
    }
    desk_configure(*state, "on_hangup: continue\n");
    return 0;
}

static pid_t engine_of(const struct desk *desk)
{
    int pid = 0;
    return lease_is_held(desk->store, &pid) ? (pid_t)pid : 0;
}

/* The engine outlives its consoles here: it is asked to end. */
static int tear_down(void **state)
{
    pid_t engine = engine_of(*state);
    if (engine > 0) {
        (void)kill(engine, SIGTERM);
    }
    return desk_tear_down(state);
}

static bool is_gone(pid_t pid, int ms)
{
    int64_t end = mono_now().ns + (int64_t)ms * 1000000;
    struct pollfd none = {.fd = -1};
    while (kill(pid, 0) == 0 || errno != ESRCH) {
        if (mono_now().ns > end) {
            return false;
        }
        (void)poll(&none, 1, 5);
    }
    return true;
}

/* A console with the engine it began. */
static pid_t open_console(struct desk *desk, pid_t *ret_console)
{
    desk_start(desk, 160, 48, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "? help", SOON_MS));
    *ret_console = pty_find_child(pty_pid(desk->pty), true, SOON_MS);
    assert_int_not_equal(*ret_console, 0);
    pid_t engine = engine_of(desk);
    assert_int_not_equal(engine, 0);
    return engine;
}

/* Console and guardian have ended, the engine has not, and is at rest; the next console works
 * with it. */
static void expect_engine_goes_on(struct desk *desk, pid_t engine, pid_t console)
{
    int status = 0;
    pid_t other;
    assert_true(pty_wait_exit(desk->pty, LATE_MS, &status));
    assert_true(is_gone(console, LATE_MS));
    assert_int_equal(engine_of(desk), engine);
    assert_true(pty_wait_calm(engine, LATE_MS));
    pty_free(desk->pty);
    desk->pty = NULL;
    assert_int_equal(open_console(desk, &other), engine);
    pty_send(desk->pty, "w");
    assert_true(pty_wait_text(desk->pty, "No workflows", SOON_MS));
    pty_hang_up(desk->pty);
    assert_true(pty_wait_exit(desk->pty, LATE_MS, &status));
    pty_free(desk->pty);
    desk->pty = NULL;
}

static void the_line_drops_in_the_middle_of_a_frame(void **state)
{
    struct desk *desk = *state;
    pid_t console;
    pid_t engine = open_console(desk, &console);
    assert_true(pty_choke(desk->pty, "\x0c", LATE_MS)); /* Ctrl-L: all of it again */
    assert_true(pty_wait_calm(console, LATE_MS));       /* waits for room, does not try */
    assert_true(pty_wait_calm(pty_pid(desk->pty), LATE_MS));
    pty_hang_up(desk->pty);
    expect_engine_goes_on(desk, engine, console);
}

/* A line that is stuck is no reason to stay when one is asked to go. */
static void it_ends_while_nobody_reads(void **state)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT};
    struct desk *desk = *state;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        pid_t console;
        int status = 0;
        (void)open_console(desk, &console);
        assert_true(pty_choke(desk->pty, "\x0c", LATE_MS));
        print_message("# signal %d\n", signals[i]);
        assert_int_equal(kill(pty_pid(desk->pty), signals[i]), 0);
        assert_true(pty_wait_exit(desk->pty, LATE_MS, &status));
        assert_true(is_gone(console, LATE_MS));
        pty_free(desk->pty);
        desk->pty = NULL;
    }
}

static void the_console_is_killed_in_the_middle_of_a_frame(void **state)
{
    struct desk *desk = *state;
    int status = 0;
    pid_t console;
    (void)open_console(desk, &console);
    assert_true(pty_choke(desk->pty, "\x0c", LATE_MS));
    assert_int_equal(kill(console, SIGKILL), 0);
    assert_true(pty_wait_exit(desk->pty, LATE_MS, &status));
    assert_true(is_gone(console, LATE_MS));
}

static void the_terminal_closes(void **state)
{
    struct desk *desk = *state;
    pid_t console;
    pid_t engine = open_console(desk, &console);
    pty_hang_up(desk->pty);
    expect_engine_goes_on(desk, engine, console);
}

/* Whatever stands in the way of the guardian, too. */
static void guardian_and_line_go_at_once(void **state)
{
    struct desk *desk = *state;
    pid_t console;
    pid_t engine = open_console(desk, &console);
    assert_true(pty_choke(desk->pty, "\x0c", LATE_MS));
    assert_int_equal(kill(pty_pid(desk->pty), SIGKILL), 0);
    pty_hang_up(desk->pty);
    expect_engine_goes_on(desk, engine, console);
}

/* A terminal that answers what nobody asked, and a line that sends noise. */
static void noise_is_no_key(void **state)
{
    static const char noise[] = "\x1b[?64;1;2;6;9;15;18;21;22c" /* DA1 */
                                "\x1b[>41;368;0c"               /* DA2 */
                                "\x1bP!|00000000\x1b\\"         /* DA3 */
                                "\x1b[24;80R"                   /* CPR */
                                "\x1b[0n\x1b[3n"                /* DSR */
                                "\x1b[?2026;2$y"                /* DECRPM */
                                "\x1b]11;rgb:ffff/ffff/ffff\x07"
                                "\x1b]10;rgb:0000/0000/0000\x1b\\"
                                "\x1bP1+r544e=787465726d\x1b\\" /* XTGETTCAP */
                                "\x1bP>|XTerm(368)\x1b\\"       /* XTVERSION */
                                "\x1b[I\x1b[O"                  /* focus */
                                "\x1b[8;24;80t\x1b[?62;c";
    struct desk *desk = *state;
    pid_t console;
    int status = -1;
    (void)open_console(desk, &console);
    pty_sendn(desk->pty, noise, sizeof(noise) - 1);
    pty_send(desk->pty, "w"); /* is read after all of it */
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    AUTO_FREE char *screen = pty_screen(desk->pty);
    assert_null(strstr(screen, "rgb:"));
    assert_null(strstr(screen, "XTerm"));
    assert_null(strstr(screen, "7874"));
    assert_non_null(strstr(screen, "? help"));
    pty_send(desk->pty, ":");
    pty_sendn(desk->pty, noise, sizeof(noise) - 1);
    pty_send(desk->pty, "nonsense\r");
    assert_true(pty_wait_text(desk->pty, "'nonsense' is no command", SOON_MS));
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, LATE_MS, &status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(pty_damage(desk->pty), "");
}

/* ---- a shell with job control ---- */

static void start_shell(struct desk *desk)
{
    const char *env[] = {desk->home,       desk->xdg_config, desk->xdg_state,
                         desk->xdg_data,   "PS1=ready> ",    "HISTFILE",
                         "PROMPT_COMMAND", "BASH_ENV",       NULL};
    const char *argv[] = {"/bin/bash",   "--norc", "--noprofile",
                          "--noediting", "-i",     NULL};
    const struct pty_options options = {.w = 100, .h = 30, .env = env};
    desk->pty = pty_start(&options, argv);
    assert_true(pty_wait_text(desk->pty, "ready>", SOON_MS));
}

static void ctrl_z_and_fg_in_a_shell(void **state)
{
    struct desk *desk = *state;
    const char *program = getenv("SIGNALBOX");
    start_shell(desk);
    AUTO_FREE char *line = mem_printf("%s --config %s --store %s\n",
                                      program != NULL ? program : "build/signalbox",
                                      desk->config, desk->store);
    assert_string_equal(pty_damage(desk->pty), "");
    pty_send(desk->pty, line);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    for (int i = 0; i < 3; i++) {
        pty_send(desk->pty, "w");
        assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
        assert_string_not_equal(pty_damage(desk->pty), "");
        pty_send(desk->pty, "\x1a");
        assert_true(pty_wait_text(desk->pty, "Stopped", SOON_MS));
        assert_true(pty_wait_mended(desk->pty, SOON_MS));
        pty_send(desk->pty, "echo $((6 * 7))\n"); /* the shell has the keys */
        assert_true(pty_wait_text(desk->pty, "42", SOON_MS));
        pty_send(desk->pty, "fg\n");
        assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
        assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
        pty_send(desk->pty, "o");
        assert_true(pty_wait_no_text(desk->pty, "› workflows", SOON_MS));
    }
    pty_send(desk->pty, "q");
    assert_true(pty_wait_no_text(desk->pty, "? help", LATE_MS));
    assert_true(pty_wait_mended(desk->pty, SOON_MS));
    int status = 0;
    pty_send(desk->pty, "exit\n");
    assert_true(pty_wait_exit(desk->pty, LATE_MS, &status));
}

int main(void)
{
#define DROP_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        DROP_TEST(the_line_drops_in_the_middle_of_a_frame),
        DROP_TEST(it_ends_while_nobody_reads),
        DROP_TEST(the_console_is_killed_in_the_middle_of_a_frame),
        DROP_TEST(the_terminal_closes),
        DROP_TEST(guardian_and_line_go_at_once),
        DROP_TEST(noise_is_no_key),
        DROP_TEST(ctrl_z_and_fg_in_a_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
