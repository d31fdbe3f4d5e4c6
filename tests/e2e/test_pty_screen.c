/* SPDX-License-Identifier: MIT */
/* The console on every kind of terminal, and under hands that are not gentle. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/clock.h"
#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "tests/lib/desk.h"

#define SOON_MS 5000

static void quit(struct desk *desk)
{
    int status = -1;
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, 2 * SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(pty_damage(desk->pty), "");
}

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80) {
            return false;
        }
    }
    return true;
}

/* Is any SGR among the bytes that sets a colour? (ECMA-48 8.3.117) */
static bool has_colour(const char *bytes)
{
    for (const char *p = bytes; (p = strstr(p, "\x1b[")) != NULL; p++) {
        const char *param = p + 2;
        size_t len = strspn(param, "0123456789;");
        if (param[len] != 'm') {
            continue;
        }
        while (param < p + 2 + len) {
            char *end;
            long number = strtol(param, &end, 10);
            if ((number >= 30 && number <= 38) || (number >= 40 && number <= 48) ||
                number >= 90) {
                return true;
            }
            param = end + 1;
        }
    }
    return false;
}

static void every_terminal_shows_the_same_words(void **state)
{
    static const struct {
        const char *term, *extra, *argument;
        bool is_ascii, is_mono;
    } rows[] = {
        {"xterm-256color", NULL,                  NULL,      false, false},
        {"xterm-256color", "COLORTERM=truecolor", NULL,      false, false},
        {"xterm-256color", "NO_COLOR=1",          NULL,      false, true },
        {"xterm-256color", "LC_ALL=C",            NULL,      true,  false},
        {"xterm-256color", NULL,                  "--ascii", true,  false},
        {"screen",         NULL,                  NULL,      false, false},
        {"tmux",           NULL,                  NULL,      false, false},
        {"linux",          NULL,                  NULL,      true,  false},
        {"vt100",          NULL,                  NULL,      true,  true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct desk *desk = *state;
        print_message("# %s %s %s\n", rows[i].term,
                      rows[i].extra != NULL ? rows[i].extra : "",
                      rows[i].argument != NULL ? rows[i].argument : "");
        desk_start(desk, 80, 24, rows[i].term, rows[i].extra, rows[i].argument);
        assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
        assert_true(pty_wait_text(desk->pty, "No workflows yet", SOON_MS));
        pty_send(desk->pty, "w");
        assert_true(pty_wait_text(desk->pty, "WORKFLOWS", SOON_MS));
        pty_send(desk->pty, "?");
        assert_true(
            pty_wait_text(desk->pty, "Show only rows that contain a text", SOON_MS));
        pty_send(desk->pty, "\x1b");
        assert_true(pty_wait_no_text(desk->pty, "Show only rows", SOON_MS));
        pty_send(desk->pty, ":nonsense\r"); /* something that a theme shows in colour */
        assert_true(pty_wait_text(desk->pty, "'nonsense' is no command", SOON_MS));
        AUTO_FREE char *screen = pty_screen(desk->pty);
        assert_int_equal(is_ascii(screen), rows[i].is_ascii);
        assert_int_equal(has_colour(pty_bytes(desk->pty)), !rows[i].is_mono);
        quit(desk);
        assert_int_equal(desk_tear_down(state), 0);
        assert_int_equal(desk_set_up(state), 0);
    }
}

static void a_resize_storm_leaves_no_stale_cell(void **state)
{
    struct desk *desk = *state;
    unsigned seed = 5;
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    for (int i = 0; i < 200; i++) {
        seed = seed * 1103515245u + 12345u;
        pty_resize(desk->pty, 20 + (int)(seed >> 16) % 180, 4 + (int)(seed >> 24) % 60);
        if (i % 7 == 0) {
            pty_send(desk->pty, i % 2 == 0 ? "w" : "o");
        }
        if (i % 50 == 0) {
            (void)pty_wait_quiet(desk->pty, 5, 100);
        }
    }
    pty_resize(desk->pty, 80, 24);
    pty_send(desk->pty, "w");
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    pty_send(desk->pty, "o");
    assert_true(pty_wait_text(desk->pty, "Press n to submit", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    /* A repaint from nothing must give the same screen. */
    AUTO_FREE char *before = pty_screen(desk->pty);
    size_t written = pty_written(desk->pty);
    pty_send(desk->pty, "\x0c");
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    assert_true(pty_written(desk->pty) > written + 200);
    AUTO_FREE char *after = pty_screen(desk->pty);
    assert_string_equal(before, after);
    quit(desk);
}

static void a_small_screen_says_so(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 59, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "59x24 is too small", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "signalbox needs 60x16", SOON_MS));
    pty_resize(desk->pty, 60, 16);
    assert_true(pty_wait_text(desk->pty, "signalbox ", SOON_MS));
    assert_true(pty_wait_no_text(desk->pty, "too small", SOON_MS));
    pty_resize(desk->pty, 10, 1);
    assert_true(pty_wait_text(desk->pty, "10x1 is", SOON_MS));
    quit(desk);
}

static void a_paste_presses_no_key(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    pty_send(desk->pty, "\x1b[200~q\rq\x1b[201~");
    assert_true(pty_wait_text(desk->pty, "pasted text is not typed", SOON_MS));
    pty_send(desk->pty, ":");
    assert_true(pty_wait_text(desk->pty, " :", SOON_MS));
    pty_send(desk->pty, "\x1b[200~quit\r\x1b[201~");
    assert_true(pty_wait_text(desk->pty, ":quit", SOON_MS));
    pty_send(desk->pty, "\x1b");
    assert_true(pty_wait_no_text(desk->pty, ":quit", SOON_MS));
    quit(desk);
}

static void the_palette_runs_what_is_meant(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    pty_send(desk->pty, ":workf");
    assert_true(pty_wait_text(desk->pty, "Every workflow in a table", SOON_MS));
    pty_send(desk->pty, "\r");
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    pty_send(desk->pty, ":nonsense words\r");
    assert_true(pty_wait_text(desk->pty, "'nonsense' is no command", SOON_MS));
    pty_send(desk->pty, "\x1b[D"); /* a key that finds nothing to do says so */
    assert_true(pty_wait_text(desk->pty, "left: nothing to do here", SOON_MS));
    pty_send(desk->pty, ":undo optimization=x r\r"); /* a mistake is no other command */
    assert_true(pty_wait_text(desk->pty, "optimization=x: expected a number", SOON_MS));
    pty_send(desk->pty, ":theme mono\r");
    assert_true(pty_wait_text(desk->pty, "theme mono", SOON_MS));
    pty_send(desk->pty, ":pause wf-99\r");
    assert_true(pty_wait_text(desk->pty, "pause wf-99: ", SOON_MS));
    pty_send(desk->pty, "[");
    assert_true(pty_wait_no_text(desk->pty, "› workflows", SOON_MS));
    pty_send(desk->pty, "]");
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    pty_send(desk->pty, ":messages\r");
    assert_true(pty_wait_text(desk->pty, "failed 'nonsense' is no command", SOON_MS));
    pty_send(desk->pty, "\x1b");
    assert_true(pty_wait_no_text(desk->pty, "Messages", SOON_MS));
    quit(desk);
}

static void a_confirmation_ignores_what_was_typed_before_it_was_seen(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    /* One write: the y is typed blind. */
    pty_send(desk->pty, ":cancel wf-7\ryyy");
    assert_true(pty_wait_text(desk->pty, "Cancel wf-7?", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "[ No, go back ]", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 600, SOON_MS));
    assert_true(pty_wait_text(desk->pty, "Cancel wf-7?", 100));
    pty_send(desk->pty,
             "\x1b[200~y\r\x1b[201~"); /* nor does a paste confirm, once it is */
    assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
    assert_true(pty_wait_text(desk->pty, "Cancel wf-7?", 100));
    pty_send(desk->pty, "\r"); /* the choice that is focused: no */
    assert_true(pty_wait_text(desk->pty, "cancel: not sent", SOON_MS));
    pty_send(desk->pty, ":cancel wf-7\r");
    assert_true(pty_wait_text(desk->pty, "Cancel wf-7?", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 600, SOON_MS));
    pty_send(desk->pty, "y");
    assert_true(pty_wait_text(desk->pty, "cancel wf-7: ", SOON_MS));
    assert_true(pty_wait_no_text(desk->pty, "No, go back", SOON_MS));
    quit(desk);
}

static void one_key_halts_from_every_view(void **state)
{
    struct desk *desk = *state;
    desk_configure(desk, "on_hangup: stop\nconsole: {notify: osc9}\n");
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    pty_send(desk->pty, "w");
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    pty_send(desk->pty, "!");
    assert_true(pty_wait_text(desk->pty, "HALTED by ", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "nothing goes on by itself", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "= ends it", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "halt: halted: nothing begins", SOON_MS));
    assert_non_null(strstr(pty_bytes(desk->pty), "\x1b]9;signalbox: HALTED by "));
    static const char *const views[][2] = {
        {"o", "No workflows yet"},
        {"b", "› services"    },
        {"i", "› health"      },
        {"L", "› failures"    }
    };
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        pty_send(desk->pty, views[i][0]);
        assert_true(pty_wait_text(desk->pty, views[i][1], SOON_MS));
        assert_true(pty_wait_text(desk->pty, "HALTED by ", SOON_MS));
    }
    pty_send(desk->pty, "=");
    assert_true(pty_wait_text(desk->pty, "Release everything?", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 600, SOON_MS));
    pty_send(desk->pty, "y");
    assert_true(pty_wait_no_text(desk->pty, "HALTED by ", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "everything goes on", SOON_MS));
    quit(desk);
}

static void read_only_refuses_verbs(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 80, 24, NULL, NULL, "--read-only");
    assert_true(pty_wait_text(desk->pty, "read-only", SOON_MS));
    pty_send(desk->pty, ":cancel wf-1\r");
    assert_true(pty_wait_text(desk->pty, "cancel: refused, read-only", SOON_MS));
    quit(desk);
}

static void wrong_theme_and_keys_are_said_and_replaced(void **state)
{
    struct desk *desk = *state;
    AUTO_FREE char *yaml = mem_printf(
        "on_hangup: stop\nconsole: {theme: nowhere, keys: %s/my.keys}\n", desk->folder);
    desk_configure(desk, yaml);
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "my.keys", SOON_MS));
    pty_send(desk->pty, "\x07");
    assert_true(pty_wait_text(desk->pty, "theme not used: nowhere", SOON_MS));
    pty_send(desk->pty, "\x1b");
    assert_true(pty_wait_no_text(desk->pty, "Messages", SOON_MS));
    quit(desk);
}

static void idle_costs_nothing(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 500, SOON_MS));
    size_t before = pty_written(desk->pty);
    /* 3 s: at most the clock and the engine's age change, once. */
    struct mono end = {mono_now().ns + 3000000000};
    while (mono_now().ns < end.ns) {
        (void)pty_wait_quiet(desk->pty, 100, 100);
    }
    assert_true(pty_written(desk->pty) - before <= 64);
    quit(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(every_terminal_shows_the_same_words),
        DESK_TEST(a_resize_storm_leaves_no_stale_cell),
        DESK_TEST(a_small_screen_says_so),
        DESK_TEST(a_paste_presses_no_key),
        DESK_TEST(the_palette_runs_what_is_meant),
        DESK_TEST(a_confirmation_ignores_what_was_typed_before_it_was_seen),
        DESK_TEST(one_key_halts_from_every_view),
        DESK_TEST(read_only_refuses_verbs),
        DESK_TEST(wrong_theme_and_keys_are_said_and_replaced),
        DESK_TEST(idle_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
