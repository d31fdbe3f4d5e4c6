/* SPDX-License-Identifier: MIT */
/* The console as lines, on a terminal that can do nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/lib/desk.h"

#define SOON_MS 15000

/* Not an escape sequence in all that was written. */
static void assert_plain(const struct desk *desk)
{
    assert_null(strchr(pty_bytes(desk->pty), '\x1b'));
}

static void wait_for(struct desk *desk, const char *text)
{
    if (!pty_wait_text(desk->pty, text, SOON_MS)) {
        fail_msg("not told: %s", text);
    }
}

static void quit(struct desk *desk)
{
    int status = -1;
    pty_send(desk->pty, "quit\r");
    assert_true(pty_wait_exit(desk->pty, SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(pty_damage(desk->pty), "");
    assert_plain(desk);
}

static void it_tells_in_lines_and_takes_commands(void **state)
{
    struct desk *desk = *state;
    desk_configure(desk, "on_hangup: stop\nenvironment: prod\n");
    desk_start(desk, 100, 50, "dumb", NULL, "--linear");
    wait_for(desk, "This is PRODUCTION.");
    wait_for(desk, "the engine is up");
    pty_send(desk->pty, "nonsense\r");
    wait_for(desk, "nonsense: is no command");
    pty_send(desk->pty, "wf-99\r");
    wait_for(desk, "there is no workflow wf-99");
    pty_send(desk->pty, "tell all\r");
    wait_for(desk, "told by itself: all");
    pty_send(desk->pty, "halt the disk is full\r");
    wait_for(desk, "needs you: halted");
    pty_send(desk->pty, "release\r");
    wait_for(desk, "released");
    quit(desk);
}

static void what_is_pasted_confirms_nothing(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 100, 50, "dumb", NULL, "--linear");
    wait_for(desk, "the engine is up");
    pty_send(desk->pty,
             "cancel wf-7 nobody wants it\ryes\r"); /* one write, as a paste is */
    wait_for(desk, "Type yes:");
    pty_send(desk->pty, "no\r");
    wait_for(desk, "nothing was sent");
    pty_send(desk->pty, "cancel wf-8 nobody wants it\r");
    wait_for(desk, "cancel wf-8? It would stop a workflow for good.");
    pty_send(desk->pty, "yes\r");
    wait_for(desk, "there is no workflow wf-8");
    quit(desk);
}

static void an_interrupt_ends_the_command_alone(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 100, 50, "dumb", "NO_COLOR=1", "--linear");
    wait_for(desk, "the engine is up");
    pty_send(desk->pty, "serve\r");
    wait_for(desk, "runs already");
    pty_send(desk->pty, "events --follow\r"); /* Ctrl-C ends it, and nothing else */
    wait_for(desk, "engine-start");
    pty_send(desk->pty, "\x03");
    wait_for(desk, "ended");
    pty_send(desk->pty, "status\r");
    wait_for(desk, "engine");
    quit(desk);
}

static void read_only_changes_nothing(void **state)
{
    struct desk *desk = *state;
    const char *program = getenv("SIGNALBOX");
    const char *argv[] = {program != NULL ? program : "build/signalbox",
                          "--config",
                          desk->config,
                          "--store",
                          desk->store,
                          "--linear",
                          "--read-only",
                          NULL};
    const char *env[] = {desk->home, desk->xdg_config, desk->xdg_state, desk->xdg_data,
                         NULL};
    desk->pty = pty_start(
        &(struct pty_options){.w = 100, .h = 50, .term = "dumb", .env = env}, argv);
    wait_for(desk, "nothing can be changed from here");
    wait_for(desk, "the engine is up");
    pty_send(desk->pty, "halt now\r");
    wait_for(desk, "halt: refused, read-only");
    quit(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(it_tells_in_lines_and_takes_commands),
        DESK_TEST(what_is_pasted_confirms_nothing),
        DESK_TEST(an_interrupt_ends_the_command_alone),
        DESK_TEST(read_only_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
