/* SPDX-License-Identifier: MIT */
/* Themes and keys from files, read again while the console runs; production looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/lib/desk.h"

#define SOON_MS 10000

static void quit(struct desk *desk)
{
    int status = -1;
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, 2 * SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(pty_damage(desk->pty), "");
}

/* A file of the user's own. */
static void put(const struct desk *desk, const char *name, const char *text)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *folder = file_join(desk->folder, "config/signalbox");
    AUTO_FREE char *path = file_join(folder, name);
    assert_true(file_make_dirs(folder, &err));
    assert_true(file_write(path, text, strlen(text), &err));
}

static void keys_and_theme_are_read_again(void **state)
{
    struct desk *desk = *state;
    put(desk, "keys", "context view\n<F5> go-workflows\n");
    put(desk, "mine.theme", "top.name #010203\n");
    desk_configure(desk, "on_hangup: stop\nconsole: {theme: mine}\n");
    desk_start(desk, 80, 24, NULL, "COLORTERM=truecolor", NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    pty_send(desk->pty, "\x1b[15~"); /* F5 */
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    assert_non_null(strstr(pty_bytes(desk->pty), "38;2;1;2;3"));

    put(desk, "keys", "context view\n<F5> go-nowhere\n");
    assert_true(pty_wait_text(desk->pty, "keys:2: <F5>: ", SOON_MS));
    pty_send(desk->pty, "o");
    assert_true(pty_wait_no_text(desk->pty, "› workflows", SOON_MS));
    pty_send(desk->pty, "\x1b[15~"); /* does what it did */
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));

    put(desk, "keys", "context view\n<F5> go-services\n");
    assert_true(pty_wait_text(desk->pty, "keys read again from", SOON_MS));
    pty_send(desk->pty, "\x1b[15~");
    assert_true(pty_wait_text(desk->pty, "› services", SOON_MS));

    put(desk, "mine.theme", "top.name #010203\ntop.nothing red\n");
    assert_true(pty_wait_text(desk->pty, "mine.theme:2: ", SOON_MS));
    put(desk, "mine.theme", "top.name #040506\n");
    assert_true(pty_wait_text(desk->pty, "theme read again from", SOON_MS));
    assert_non_null(strstr(pty_bytes(desk->pty), "38;2;4;5;6"));
    quit(desk);
}

static void production_looks_like_production_without_colour(void **state)
{
    struct desk *desk = *state;
    desk_configure(desk, "on_hangup: stop\nenvironment: prod-eu\n");
    desk_start(desk, 80, 24, NULL, "NO_COLOR=1", NULL);
    assert_true(pty_wait_text(desk->pty, "▲ PROD-EU ▲", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    assert_non_null(
        strstr(pty_bytes(desk->pty), "7m")); /* reversed: a bar, not a colour */
    pty_send(desk->pty, ":cancel wf-7\r");
    assert_true(pty_wait_text(desk->pty, "Cancel wf-7 in PROD-EU?", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 600, SOON_MS)); /* keys count when it is seen */
    pty_send(desk->pty, "n");
    assert_true(pty_wait_no_text(desk->pty, "Cancel wf-7", SOON_MS));
    quit(desk);
}

static void an_environment_has_its_theme(void **state)
{
    struct desk *desk = *state;
    put(desk, "calm.theme", "top.name #070809\n");
    desk_configure(desk, "on_hangup: stop\nenvironment: staging\nconsole:\n"
                         "  theme: dark\n  environments:\n"
                         "    - {match: \"st*\", theme: calm, production: always}\n");
    desk_start(desk, 80, 24, NULL, "COLORTERM=truecolor", "--ascii");
    assert_true(pty_wait_text(desk->pty, "^ STAGING ^", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    assert_non_null(strstr(pty_bytes(desk->pty), "38;2;7;8;9"));
    quit(desk);
}

static void views_are_saved_under_a_name(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 100, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    pty_send(desk->pty, "w");
    assert_true(pty_wait_text(desk->pty, "› workflows", SOON_MS));
    pty_send(desk->pty, ":set filter payments\r");
    assert_true(pty_wait_text(desk->pty, "with \"payments\"", SOON_MS));
    pty_send(desk->pty, ":set state failed\r");
    assert_true(pty_wait_text(desk->pty, "failed  with", SOON_MS));
    pty_send(desk->pty, ":save red\r");
    assert_true(pty_wait_text(desk->pty, "saved as red", SOON_MS));
    pty_send(desk->pty, "o");
    assert_true(pty_wait_no_text(desk->pty, "› workflows", SOON_MS));
    quit(desk);
    pty_free(desk->pty);

    /* The next session: from the palette, by a part of its name. */
    desk_start(desk, 100, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    pty_send(desk->pty, ":red");
    assert_true(pty_wait_text(desk->pty, "Saved view of workflows", SOON_MS));
    pty_send(desk->pty, "\r");
    assert_true(pty_wait_text(desk->pty, "failed  with \"payments\"", SOON_MS));
    put(desk, "views", "red\n  workflows sort=size\n");
    assert_true(pty_wait_text(desk->pty, "views:2: sort: 'size' means nothing", SOON_MS));
    pty_send(desk->pty, ":save blue\r"); /* what stands there is not overwritten */
    assert_true(pty_wait_no_text(desk->pty, ":save blue", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "views:2: sort: 'size' means nothing", SOON_MS));
    put(desk, "views", "blue\n  services\n");
    assert_true(pty_wait_text(desk->pty, "saved views read again: 1", SOON_MS));
    pty_send(desk->pty, ":open blue\r");
    assert_true(pty_wait_text(desk->pty, "› services", SOON_MS));
    /* What was typed in the session before is there. */
    pty_send(desk->pty, ":\x1b[A\x1b[A\x1b[A");
    assert_true(pty_wait_text(desk->pty, ":open red", SOON_MS));
    pty_send(desk->pty, "\x1b[A");
    assert_true(pty_wait_text(desk->pty, ":save red", SOON_MS));
    pty_send(desk->pty, "\x1b");
    assert_true(pty_wait_no_text(desk->pty, ":save red", SOON_MS));
    quit(desk);
}

static void the_mouse_is_off_unless_it_is_asked_for(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    assert_null(strstr(pty_bytes(desk->pty), "\x1b[?1000h"));
    quit(desk);
    pty_free(desk->pty);
    desk_configure(desk, "on_hangup: stop\nconsole: {mouse: true}\n");
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    assert_non_null(strstr(pty_bytes(desk->pty), "\x1b[?1000h\x1b[?1006h"));
    quit(desk); /* as it was: pty_damage knows the mouse */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(keys_and_theme_are_read_again),
        DESK_TEST(production_looks_like_production_without_colour),
        DESK_TEST(an_environment_has_its_theme),
        DESK_TEST(views_are_saved_under_a_name),
        DESK_TEST(the_mouse_is_off_unless_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
