/* SPDX-License-Identifier: MIT */
/* Every way out of the console gives the terminal back: settings, alternate screen,
 * cursor, paste and mouse modes. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/compiler.h"
#include "tests/lib/desk.h"

#define SOON_MS 5000

static void open_console(struct desk *desk)
{
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "? help", SOON_MS));
    /* The test would see damage if nothing were put back. */
    assert_string_not_equal(pty_damage(desk->pty), "");
}

static void expect_mended(struct desk *desk)
{
    int status = 0;
    assert_true(pty_wait_exit(desk->pty, SOON_MS, &status));
    assert_true(pty_wait_mended(desk->pty, SOON_MS));
}

static void the_operator_quits(void **state)
{
    struct desk *desk = *state;
    int status = -1;
    open_console(desk);
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, 2 * SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(pty_damage(desk->pty), "");
}

static const int asked[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};

static void the_program_is_asked_to_end(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        if (asked[i] == SIGPIPE) {
            continue; /* means nothing to the guardian, which writes nothing */
        }
        struct desk *desk = *state;
        open_console(desk);
        print_message("# signal %d to the program\n", asked[i]);
        assert_int_equal(kill(pty_pid(desk->pty), asked[i]), 0);
        expect_mended(desk);
        assert_int_equal(desk_tear_down(state), 0);
        assert_int_equal(desk_set_up(state), 0);
    }
}

static void a_signal_reaches_the_console(void **state)
{
    static const int deadly[] = {SIGINT,  SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGSEGV,
                                 SIGABRT, SIGBUS,  SIGFPE, SIGILL,  SIGKILL};
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++) {
        struct desk *desk = *state;
        open_console(desk);
        pid_t console = pty_find_child(pty_pid(desk->pty), true, SOON_MS);
        assert_int_not_equal(console, 0);
        print_message("# signal %d to the console\n", deadly[i]);
        assert_int_equal(kill(console, deadly[i]), 0);
        expect_mended(desk);
        assert_int_equal(desk_tear_down(state), 0);
        assert_int_equal(desk_set_up(state), 0);
    }
}

static void the_guardian_is_killed(void **state)
{
    struct desk *desk = *state;
    open_console(desk);
    assert_int_equal(kill(pty_pid(desk->pty), SIGKILL), 0);
    expect_mended(desk);
}

static void the_terminal_goes_away(void **state)
{
    struct desk *desk = *state;
    int status = 0;
    open_console(desk);
    pty_hang_up(desk->pty);
    assert_true(pty_wait_exit(desk->pty, 2000, &status));
}

static void the_terminal_goes_away_and_nobody_says_so(void **state)
{
    struct desk *desk = *state;
    int status = 0;
    desk_start_deaf(desk);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    pid_t console = pty_find_child(pty_pid(desk->pty), true, SOON_MS);
    assert_int_not_equal(console, 0);
    pty_hang_up(desk->pty);
    assert_true(pty_wait_exit(desk->pty, 2000, &status));
    assert_int_equal(kill(console, 0), -1);
}

/* Until the console has taken the terminal `n` times. */
static bool wait_taken(struct desk *desk, int n)
{
    for (int tries = 0; tries < SOON_MS / 10; tries++) {
        int seen = 0;
        (void)pty_wait_quiet(desk->pty, 10, 10);
        for (const char *p = pty_bytes(desk->pty); (p = strstr(p, "\x1b[?1049h")) != NULL;
             p++) {
            seen++;
        }
        if (seen >= n) {
            return true;
        }
    }
    return false;
}

/* Its group is orphaned here (no shell could continue it), so that the guardian continues
 * the console at once: the terminal is given back, and taken again. */
static void suspended_and_continued(void **state)
{
    struct desk *desk = *state;
    int status = 0;
    open_console(desk);
    pid_t console = pty_find_child(pty_pid(desk->pty), true, SOON_MS);
    pty_send(desk->pty, "w");
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    pty_send(desk->pty, "\x1a");
    assert_true(wait_taken(desk, 2));
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    assert_int_equal(kill(console, SIGTSTP), 0);
    assert_true(wait_taken(desk, 3));
    pty_send(desk->pty, "o");
    assert_true(pty_wait_no_text(desk->pty, "› workflows", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "? help", SOON_MS));
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, 2 * SOON_MS, &status));
    assert_string_equal(pty_damage(desk->pty), "");
}

static void what_cannot_begin_leaves_nothing_behind(void **state)
{
    struct desk *desk = *state;
    int status = 0;
    desk_start(desk, 80, 24, "dumb", NULL, NULL);
    assert_true(pty_wait_exit(desk->pty, SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_true(pty_wait_text(desk->pty, "TERM=dumb cannot place its cursor", 100));
    assert_string_equal(pty_damage(desk->pty), "");
    pty_free(desk->pty);
    desk_start(desk, 80, 24, "no-such-terminal", NULL, NULL);
    assert_true(pty_wait_exit(desk->pty, SOON_MS, &status));
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_true(pty_wait_text(desk->pty, "is not known here", 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(the_operator_quits),
        DESK_TEST(the_program_is_asked_to_end),
        DESK_TEST(a_signal_reaches_the_console),
        DESK_TEST(the_guardian_is_killed),
        DESK_TEST(the_terminal_goes_away),
        DESK_TEST(the_terminal_goes_away_and_nobody_says_so),
        DESK_TEST(suspended_and_continued),
        DESK_TEST(what_cannot_begin_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
