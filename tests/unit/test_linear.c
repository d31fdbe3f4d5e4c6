/* SPDX-License-Identifier: MIT */
#include "tui/cli/linear_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/control/verb.h"

static char *parse(struct arena *arena, const char *text, struct linear_line *line)
{
    struct err err = ERR_INIT;
    if (!linear_parse(arena, text, line, &err)) {
        return mem_str(err.msg);
    }
    AUTO_BUF struct buf out;
    buf_init(&out, 65536);
    for (int i = 0; i < line->n; i++) {
        (void)buf_printf(&out, "%s[%s]", i > 0 ? " " : "", line->words[i]);
    }
    assert_null(line->words[line->n]);
    return out.len > 0 ? buf_take(&out, NULL) : mem_str("");
}

static void lines_mean_what_they_say(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"",                                        ""                                            },
        {"  \t ",                                   ""                                            },
        {"list --state coding",                     "[list] [--state] [coding]"                   },
        {"workflows",                               "[list]"                                      },
        {"overview",                                "[status]"                                    },
        {"quit",                                    "[exit]"                                      },
        {"wf-12",                                   "[show] [wf-12]"                              },
        {"12",                                      "[show] [12]"                                 },
        {"a-3",                                     "[approvals] [a-3]"                           },
        {"o-3",                                     "[optimizations] [o-3]"                       },
        {"f-31",                                    "[why] [f-31]"                                },
        {"reject a-3 too  risky",                   "[reject] [a-3] [--reason=too risky]"         },
        {"cancel wf-1 wf-2 not  wanted",            "[cancel] [wf-1] [wf-2] [--reason=not wanted]"},
        {"cancel wf-1",                             "[cancel] [wf-1]"                             },
        {"reject a-3 --reason 'too risky'",         "[reject] [a-3] [--reason] [too risky]"       },
        {"retry wf-3 from=CODING \"no room\" left",
         "[retry] [wf-3] [--from=CODING] [--reason=no room left]"                                 },
        {"reject a-3 don't",                        "[reject] [a-3] [--reason=don't]"             },
        {"reject a-3 x=y",                          "[reject] [a-3] [--reason=x=y]"               },
        {"show \"\"",                               "[show] []"                                   },
        {"show 'wf-3",                              "a quote has no end"                          },
    };
    struct arena *arena = arena_new();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct linear_line line;
        AUTO_FREE char *words = parse(arena, rows[i].text, &line);
        assert_string_equal(words, rows[i].words);
    }
    arena_free(arena);
}

static void what_cannot_be_given_is_refused(void **state)
{
    static const struct {
        const char *text;
        bool is_refused, changes;
    } rows[] = {
        {"status",      false, false},
        {"serve",       true,  false},
        {"__run /tmp",  true,  false},
        {"rm -rf /",    true,  false},
        {"--json",      true,  false},
        {"approve a-1", false, true },
        {"events",      false, false},
        {"submit -p x", false, true },
        {"help",        false, false},
    };
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct linear_line line;
        assert_true(linear_parse(arena, rows[i].text, &line, &err));
        assert_int_equal(linear_refusal(&line) != NULL, rows[i].is_refused);
        assert_int_equal(linear_changes(&line), rows[i].changes);
    }
    for (size_t i = 0; i < n_verbs;
         i++) { /* every verb that changes is known to change */
        struct linear_line line;
        assert_true(linear_parse(arena, verbs[i].name, &line, &err));
        assert_int_equal(linear_changes(&line),
                         verbs[i].changes || strcmp(verbs[i].name, "submit") == 0 ||
                             strcmp(verbs[i].name, "adopt") == 0);
    }
    arena_free(arena);
}

static void long_lines_are_bounded(void **state)
{
    struct arena *arena = arena_new();
    struct err err = ERR_INIT;
    struct linear_line line;
    char text[4097];
    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] = i % 2 == 0 ? 'x' : ' ';
    }
    text[sizeof(text) - 1] = '\0';
    assert_false(linear_parse(arena, text, &line, &err));
    assert_string_equal(err.msg, "more than 256 words");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_mean_what_they_say),
        cmocka_unit_test(what_cannot_be_given_is_refused),
        cmocka_unit_test(long_lines_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
