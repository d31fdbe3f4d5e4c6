/* SPDX-License-Identifier: MIT */
/* A console that was started with --read-only: each verb by the palette, each key of a verb, and
 * the store has no command of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/control/verb.h"
#include "store/store.h"
#include "tests/lib/desk.h"

#define SOON_MS 10000

static void must_refuse(struct desk *desk, const char *verb, const char *what)
{
    AUTO_FREE char *text = mem_printf("%s: refused, read-only", verb);
    if (!pty_wait_text(desk->pty, text, SOON_MS)) {
        AUTO_FREE char *screen = pty_screen(desk->pty);
        fail_msg("%s: '%s' does not come:\n%s", what, text, screen);
    }
}

/* ":retry wf-1 r", ":priority wf-1 value=1 r", ":breaker x x r" */
static char *line_of(const struct verb *verb)
{
    char line[400];
    size_t n = (size_t)snprintf(line, sizeof(line), ":%s%s", verb->name,
                                verb->has_workflow ? " wf-1" : "");
    for (const struct verb_arg *arg = verb->args; arg->name != NULL; arg++) {
        bool is_rest = strcmp(arg->name, "reason") == 0;
        if (arg->is_required && !is_rest) {
            const char *value = arg->type == ARG_INT ? "1" : "x";
            n += (size_t)snprintf(line + n, sizeof(line) - n, " %s%s%s",
                                  verb->has_workflow ? arg->name : "",
                                  verb->has_workflow ? "=" : "", value);
        }
    }
    return mem_printf("%s r\r", line);
}

/* Forms, and what the console sends by itself. */
static bool is_typed(const struct verb *verb)
{
    return verb->changes && strcmp(verb->name, "submit") != 0 &&
           strcmp(verb->name, "adopt") != 0 && strcmp(verb->name, "seen") != 0;
}

static void nothing_was_sent(const struct desk *desk)
{
    struct err err = ERR_INIT;
    struct command_row row;
    struct arena *arena = arena_new();
    struct reader *reader = reader_open(desk->store, &err);
    assert_non_null(reader);
    for (int64_t id = 1; id < 200; id++) {
        enum found found = reader_command(reader, arena, id, &row, &err);
        if (found == FOUND && strcmp(row.verb, AUDIT_READ) != 0) {
            fail_msg("%s was sent", row.verb);
        }
    }
    reader_close(reader);
    arena_free(arena);
}

static void quit(struct desk *desk)
{
    int status = -1;
    pty_send(desk->pty, "q");
    assert_true(pty_wait_exit(desk->pty, SOON_MS, &status));
    assert_true(WIFEXITED(status));
}

static void every_verb_of_the_palette(void **state)
{
    struct desk *desk = *state;
    desk_start(desk, 100, 24, NULL, NULL, "--read-only");
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    int n_refused = 0;
    for (size_t i = 0; i < n_verbs; i++) {
        if (is_typed(&verbs[i])) {
            AUTO_FREE char *line = line_of(&verbs[i]);
            pty_send(desk->pty, line);
            must_refuse(desk, verbs[i].name, line);
            n_refused++;
        }
    }
    assert_true(n_refused >= 30);
    nothing_was_sent(desk);
    quit(desk);
}

static void every_key_of_a_verb(void **state)
{
    /* default.keys, contexts global and view; + and - are of a row */
    static const struct {
        const char *key, *verb;
    } keys[] = {
        {"p", "pause"      },
        {"u", "resume"     },
        {"x", "cancel"     },
        {"R", "retry"      },
        {">", "skip"       },
        {"B", "rollback"   },
        {"a", "approve"    },
        {"r", "reject"     },
        {"*", "thumbs-up"  },
        {"_", "thumbs-down"},
        {"!", "halt"       },
        {"=", "release"    },
    };
    struct desk *desk = *state;
    desk_start(desk, 100, 24, NULL, NULL, "--read-only");
    assert_true(pty_wait_text(desk->pty, "engine up", SOON_MS));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        pty_send(desk->pty, keys[i].key);
        must_refuse(desk, keys[i].verb, keys[i].key);
    }
    nothing_was_sent(desk);
    quit(desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(every_verb_of_the_palette),
        DESK_TEST(every_key_of_a_verb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
