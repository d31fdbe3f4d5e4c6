/* SPDX-License-Identifier: MIT */
/* Every key that counts everywhere does something that is seen, or says why it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/lib/desk.h"
#include "tui/keymap.h"

#define SOON_MS 5000

/* What a terminal sends for it; "" = the test does not press it. */
static void bytes_of(uint32_t key, enum action action, char out[8])
{
    uint32_t code = KEY_CODE(key);
    out[0] = '\0';
    if (action == ACTION_SUSPEND || action == ACTION_QUIT || action == ACTION_REDRAW) {
        return; /* stopped, ended, painted as it was: test_pty_exit and test_pty_screen */
    }
    if (code == KEYC_F1) {
        (void)snprintf(out, 8, "\x1bOP");
    } else if (code == KEYC_ESC) {
        (void)snprintf(out, 8, "\x1b");
    } else if (code < 0x80) {
        (void)snprintf(out, 8, "%c",
                       (int)((key & KEY_MOD_CTRL) != 0 ? code & 0x1Fu : code));
    }
}

static void every_global_key_is_seen(void **state)
{
    struct desk *desk = *state;
    struct keymap *keymap = keymap_new();
    uint32_t key;
    enum action action;
    size_t n_pressed = 0;
    int status = -1;
    desk_start(desk, 80, 24, NULL, NULL, NULL);
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    for (size_t i = 0; keymap_row(keymap, CONTEXT_GLOBAL, i, &key, &action); i++) {
        char bytes[8], label[KEY_TEXT_MAX];
        bytes_of(key, action, bytes);
        if (bytes[0] == '\0') {
            continue;
        }
        /* Begin where every key has something to do: a view with a place before it. */
        pty_send(desk->pty, ":engine\r");
        assert_true(pty_wait_text(desk->pty, "› engine", SOON_MS));
        assert_true(pty_wait_quiet(desk->pty, 60, SOON_MS));
        size_t before = pty_written(desk->pty);
        AUTO_FREE char *screen = pty_screen(desk->pty);
        pty_send(desk->pty, bytes);
        bool is_seen = false;
        for (int k = 0; k < 100 && !is_seen; k++) {
            (void)pty_wait_quiet(desk->pty, 20, 50);
            AUTO_FREE char *now = pty_screen(desk->pty);
            /* A theme is no other text, but it is painted. */
            is_seen = strcmp(now, screen) != 0 ||
                      (action == ACTION_THEME_NEXT && pty_written(desk->pty) > before);
        }
        if (!is_seen) {
            fail_msg("%s (%s): nothing was seen", key_label(key, label),
                     action_name(action));
        }
        n_pressed++;
        pty_send(desk->pty, "\x1b"); /* what floats, or the question of a release */
        assert_true(pty_wait_quiet(desk->pty, 60, SOON_MS));
    }
    assert_true(n_pressed > 25);
    keymap_free(keymap);
    pty_send(desk->pty, ":quit\r");
    assert_true(pty_wait_exit(desk->pty, 2 * SOON_MS, &status));
    assert_string_equal(pty_damage(desk->pty), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {DESK_TEST(every_global_key_is_seen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
