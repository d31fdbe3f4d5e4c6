/* SPDX-License-Identifier: MIT */
/* The first start: what is found is shown, written when somebody says yes, and used. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "tests/lib/desk.h"

#define SOON_MS 15000

static void put(const struct desk *desk, const char *name, const char *text)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *path = file_join(desk->folder, name);
    AUTO_FREE char *folder = mem_strn(path, (size_t)(strrchr(path, '/') - path));
    assert_true(file_make_dirs(folder, &err));
    assert_true(file_write(path, text, strlen(text), &err));
}

/* As somebody does who has just installed it: no option, in his repository. */
static void start(struct desk *desk)
{
    struct err err = ERR_INIT;
    const char *program = getenv("SIGNALBOX");
    AUTO_FREE char *path = file_real(program != NULL ? program : "build/signalbox", &err);
    AUTO_FREE char *folder = file_join(desk->folder, "pay");
    assert_non_null(path);
    put(desk, "pay/.git/HEAD", "ref: refs/heads/trunk\n");
    put(desk, "pay/Makefile", "test:\n");
    free(desk->store);
    desk->store = file_join(desk->folder, "state/signalbox/signalbox.db");
    const char *env[] = {desk->home,
                         desk->xdg_config,
                         desk->xdg_state,
                         desk->xdg_data,
                         "GITHUB_TOKEN",
                         "GH_TOKEN",
                         NULL};
    const char *argv[] = {"/bin/sh", "-c", "cd \"$0\" && exec \"$1\"",
                          folder,    path, NULL};
    desk->pty = pty_start(&(struct pty_options){.w = 100, .h = 40, .env = env}, argv);
}

static void quit(struct desk *desk)
{
    int status = -1;
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, SOON_MS, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(pty_damage(desk->pty), "");
}

static bool is_there(const struct desk *desk, const char *name)
{
    AUTO_FREE char *path = file_join(desk->folder, name);
    return file_exists(path);
}

static void yes_writes_and_starts_with_it(void **state)
{
    struct desk *desk = *state;
    start(desk);
    assert_true(pty_wait_text(desk->pty, "make test  (because of Makefile)", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "environment: development", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "base: 'trunk'", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "Write these two files?", SOON_MS));
    assert_false(is_there(desk, "config/signalbox/signalbox.yaml"));
    pty_send(desk->pty, "\x1b[200~y\x1b[201~"); /* a paste says nothing */
    assert_true(pty_wait_text(desk->pty, "pasted text is not typed", SOON_MS));
    assert_true(pty_wait_quiet(desk->pty, 600, SOON_MS));
    assert_false(is_there(desk, "config/signalbox/signalbox.yaml"));
    pty_send(desk->pty, "y");
    assert_true(pty_wait_text(desk->pty, "· development", SOON_MS)); /* it is read */
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    assert_true(is_there(desk, "config/signalbox/signalbox.yaml"));
    assert_true(is_there(desk, "config/signalbox/pipelines/pay.yaml"));
    assert_true(pty_wait_text(desk->pty, "No workflows yet", SOON_MS));
    pty_send(desk->pty, ":setup\r");
    assert_true(pty_wait_text(desk->pty, "Nothing to write.", SOON_MS));
    quit(desk);
}

static void no_writes_nothing_and_is_asked_once(void **state)
{
    struct desk *desk = *state;
    start(desk);
    assert_true(pty_wait_text(desk->pty, "Write these two files?", SOON_MS));
    pty_send(desk->pty, "n");
    assert_true(pty_wait_text(desk->pty, "No workflows yet", SOON_MS));
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    quit(desk);
    assert_false(is_there(desk, "config/signalbox/signalbox.yaml"));
    pty_free(desk->pty);
    start(desk);
    assert_true(pty_wait_text(desk->pty, "No workflows yet", SOON_MS));
    assert_null(strstr(pty_bytes(desk->pty), "Write these"));
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    quit(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(yes_writes_and_starts_with_it),
        DESK_TEST(no_writes_nothing_and_is_asked_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
