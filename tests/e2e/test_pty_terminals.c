/* SPDX-License-Identifier: MIT */
/*
 * One store on every kind of terminal: the same words in the same places, in ASCII where the
 * terminal or the locale has no more, and no control sequence but those that the terminal's
 * terminfo entry has or that every such terminal is known to understand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "store/store.h"
#include "tests/lib/desk.h"
#include "tests/lib/place.h"
#include "tui/canvas.h"

#define SOON_MS 5000
#define W       80
#define H       24
#define ID      7

struct terminal {
    const char *term, *extra;
    bool is_ascii;
    const char *finals;   /* of control sequences without a private prefix */
    const char *modes;    /* DEC private ones, "?" each */
    const char *escapes;  /* second character of the others */
    const char *sgr;      /* parameters, each between spaces; 38 and 48 with theirs */
    const char *controls; /* below space, Esc apart */
};

/* What infocmp(1) tells of each (ncurses 6.4). CUF, DSR and DECCKM are in every VT100, SGR 22 to
 * 27 in every VT220 and its kin; bracketed
 * paste and synchronized output are ignored by xterm's and tmux's kin where they are not known. */
#define MOVES   "HJKmCn"
#define COLOURS " 30 31 32 33 34 35 36 37 39 40 41 42 43 44 45 46 47 49 "
#define XTERM                                                                            \
    .finals = MOVES "X", .modes = "?1?25?1000?1002?1003?1006?1049?2004?2026",            \
    .escapes = "=>", .controls = "\r\n\b\a"
/* clang-format off */
static const struct terminal terminals[] = {
    {"xterm-256color", NULL, false, .sgr = " 0 1 2 3 4 7 22 23 24 27 38 48 90 91 92 93 94 95 96 97 " COLOURS, XTERM},
    {"xterm-256color", "COLORTERM=truecolor", false, .sgr = " 0 1 2 3 4 7 22 23 24 27 38 48 " COLOURS, XTERM},
    {"xterm-256color", "NO_COLOR=1", false, .sgr = " 0 1 2 3 4 7 22 23 24 27 ", XTERM},
    {"xterm-256color", "LC_ALL=C", true, .sgr = " 0 1 2 3 4 7 22 23 24 27 38 48 90 91 92 93 94 95 96 97 " COLOURS, XTERM},
    {"screen", NULL, false, MOVES, "?1?25?1000?1002?1003?1006?1049?2004?2026", "=>", " 0 1 2 3 4 7 22 23 24 27 " COLOURS, "\r\n\b\a"},
    {"tmux", NULL, false, MOVES, "?1?25?1000?1002?1003?1006?1049?2004?2026", "=>", " 0 1 2 3 4 7 22 23 24 27 " COLOURS, "\r\n\b\a"},
    {"linux", NULL, true, MOVES "Xc", "?0?1?25?1000?1002?1003?1006?2004?2026", "=>", " 0 1 2 4 7 22 24 27 " COLOURS, "\r\n\b\a\x0f"},
    {"vt100", NULL, true, MOVES, "?1", "=>", " 0 1 4 7 ", "\r\n\b\a\x0f"},
};
/* clang-format on */

/* Two that have ended: nothing on the screen moves. */
static int set_up(void **state)
{
    if (desk_set_up(state) != 0) {
        return -1;
    }
    struct desk *desk = *state;
    struct err err = ERR_INIT;
    struct store *store = store_open(desk->store, STORE_FULL, &err);
    if (store == NULL) {
        fail_msg("%s", err.msg);
    }
    struct wall at = {wall_now().ms - (int64_t)50 * 3600000};
    for (int64_t id = ID; id < ID + 2; id++) {
        struct workflow_row row = sample_workflow(id);
        struct totals totals = {.n_workflows = id - ID + 1};
        totals.by_state[STATE_FAILED] = id - ID + 1;
        row.title =
            "Caf\xc3\xa9 \xe2\x80\x93 \xe2\x80\x9cprices\xe2\x80\x9d \xe2\x86\x92 list";
        row.state = STATE_FAILED;
        row.wait = WAIT_NONE;
        row.reason = "validation failed 10 of 10 times";
        row.is_active = false;
        row.state_since = row.started_at = row.created_at = row.finished_at = at;
        (void)store_add_event(store, &(struct event_row){.at = at,
                                                         .workflow = id,
                                                         .kind = "start",
                                                         .actor = "engine",
                                                         .to = STATE_FAILED,
                                                         .text = "h\xc3\xa9llo"});
        store_put_workflow(store, &row);
        store_put_totals(store, &totals);
        must_commit(store);
    }
    store_close(store);
    return 0;
}

/* ---- what is seen ---- */

/* The screen with the ASCII twin of each character, and 0 for every digit: times pass. */
static char *plain_screen(struct pty *pty)
{
    AUTO_FREE char *screen = pty_screen(pty);
    size_t len = strlen(screen);
    struct buf out;
    buf_init(&out, (size_t)W * H * 4);
    for (size_t at = 0; at < len;) {
        uint32_t rune;
        size_t n = text_decode(screen + at, len - at, &rune);
        char c = rune == '\n' ? '\n' : rune_ascii(rune);
        at += n > 0 ? n : 1;
        (void)buf_char(&out, c >= '0' && c <= '9' ? '0' : c);
    }
    return buf_take(&out, NULL);
}

/* What an operator does, and what he then reads. */
static const struct {
    const char *keys, *seen;
} steps[] = {
    {"",           "FAILED 2"                        },
    {"w",          "WORKFLOWS"                       },
    {":wf-7\r",    "validation failed 10 of 10 times"},
    {":history\r", "engine"                          },
    {"?",          "Log, diff and other"             },
    {"\x1b",       NULL                              },
    {":can",       ":can"                            },
    {"\x1b",       NULL                              },
    {":nothing\r", "'nothing' is no command"         },
    {"o",          "FAILED 2"                        },
};
#define STEPS ARRAY_LEN(steps)

static char *seen[STEPS]; /* by the first terminal */

/* The first one is what the others are held to, once nothing more comes. */
static void look(struct desk *desk, size_t step)
{
    if (seen[step] == NULL) {
        assert_true(pty_wait_quiet(desk->pty, 200, SOON_MS));
        seen[step] = plain_screen(desk->pty);
        return;
    }
    int64_t end = mono_now().ns + (int64_t)SOON_MS * 1000000;
    for (;;) {
        AUTO_FREE char *now = plain_screen(desk->pty);
        if (strcmp(now, seen[step]) == 0) {
            return;
        }
        if (mono_now().ns > end) {
            (void)fprintf(stderr, "# first terminal:\n%s# this one:\n%s", seen[step],
                          now);
            fail_msg("step %zu is another screen", step);
        }
        (void)pty_wait_quiet(desk->pty, 20, 20);
    }
}

static void walk(struct desk *desk)
{
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    for (size_t i = 0; i < STEPS; i++) {
        pty_send(desk->pty, steps[i].keys);
        if (steps[i].seen != NULL) {
            assert_true(pty_wait_text(desk->pty, steps[i].seen, SOON_MS));
        } else { /* what floats is closed */
            assert_true(pty_wait_no_text(desk->pty, steps[i - 1].seen, SOON_MS));
        }
        look(desk, i);
    }
}

/* ---- what is sent ---- */

/* Each number of "1;38;5;110" is allowed; what follows 38 and 48 belongs to them. */
static bool are_styles_known(const struct terminal *terminal, const char *params,
                             size_t len)
{
    for (size_t at = 0; at < len;) {
        char one[16];
        size_t n = strcspn(params + at, ";m");
        (void)snprintf(one, sizeof(one), " %.*s ", (int)n, params + at);
        if (n > 0 && strstr(terminal->sgr, one) == NULL) {
            return false;
        }
        if (strcmp(one, " 38 ") == 0 || strcmp(one, " 48 ") == 0) {
            bool is_rgb = params[at + n + 1] == '2';
            for (int skip = is_rgb ? 4 : 2; skip > 0; skip--) {
                at += n + 1;
                n = strcspn(params + at, ";m");
            }
        }
        at += n + 1;
    }
    return true;
}

static bool is_mode_known(const struct terminal *terminal, const char *params, size_t len)
{
    const char *found = terminal->modes;
    while ((found = strstr(found, "?")) != NULL) {
        if (strncmp(found, params, len) == 0 &&
            (found[len] == '?' || found[len] == '\0')) {
            return true;
        }
        found++;
    }
    return false;
}

/* Bytes of the sequence at p, which begins with Esc; 0 = the terminal does not know it. */
static size_t known_sequence(const struct terminal *terminal, const char *p)
{
    if (p[1] != '[') {
        return p[1] != '\0' && strchr(terminal->escapes, p[1]) != NULL ? 2 : 0;
    }
    size_t len = strspn(p + 2, "0123456789;?"); /* parameter bytes, ECMA-48 5.4 */
    const char *params = p + 2;
    char final = params[len];
    bool is_known;
    if (params[0] == '?') {
        is_known = (final == 'h' || final == 'l' || strchr(terminal->finals, final)) &&
                   is_mode_known(terminal, params, len);
    } else {
        is_known = final != '\0' && strchr(terminal->finals, final) != NULL &&
                   (final != 'm' || are_styles_known(terminal, params, len));
    }
    return is_known ? len + 3 : 0;
}

static void check_bytes(const struct terminal *terminal, const struct pty *pty)
{
    const char *bytes = pty_bytes(pty);
    size_t len = pty_written(pty);
    assert_int_equal(strlen(bytes), len); /* no NUL */
    for (size_t at = 0; at < len;) {
        unsigned char c = (unsigned char)bytes[at];
        size_t n = 1;
        if (c == 0x1b) {
            n = known_sequence(terminal, bytes + at);
        } else if (c < 0x20) {
            n = strchr(terminal->controls, c) != NULL;
        } else if (c >= 0x7F && terminal->is_ascii) {
            n = 0;
        }
        if (n == 0) {
            fail_msg("%s: byte %zu: \"Esc%.20s\" is not known there", terminal->term, at,
                     bytes + at + (c == 0x1b));
        }
        at += n;
    }
}

static void the_same_on_every_terminal(void **state)
{
    struct desk *desk = *state;
    for (size_t i = 0; i < ARRAY_LEN(terminals); i++) {
        const struct terminal *terminal = &terminals[i];
        int status = -1;
        print_message("# %s %s\n", terminal->term,
                      terminal->extra != NULL ? terminal->extra : "");
        desk_start(desk, W, H, terminal->term, terminal->extra, NULL);
        walk(desk);
        pty_send(desk->pty, "q");
        assert_true(pty_wait_exit(desk->pty, 2 * SOON_MS, &status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_string_equal(pty_damage(desk->pty), "");
        check_bytes(terminal, desk->pty);
        pty_free(desk->pty);
        desk->pty = NULL;
    }
    for (size_t i = 0; i < STEPS; i++) {
        free(seen[i]);
        seen[i] = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_on_every_terminal, set_up,
                                        desk_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
