/* SPDX-License-Identifier: MIT */
/* Palette and line editor: what is typed, and what it means. */
#include "tui/palette.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/control/config.h"
#include "tui/edit.h"
#include "tui/frame.h"

/* ---- what a line means ---- */

static struct palette_command parse(const char *line)
{
    struct palette_command command;
    struct err err = ERR_INIT;
    if (!palette_parse(line, &command, &err)) {
        fail_msg("%s: %s", line, err.msg);
    }
    return command;
}

static void lines_are_understood(void **state)
{
    (void)state;
    struct palette_command command = parse("  workflows ");
    assert_int_equal(command.kind, PALETTE_VIEW);
    assert_string_equal(command.view->name, "workflows");
    command = parse("wf-12");
    assert_int_equal(command.kind, PALETTE_WORKFLOW);
    assert_int_equal(command.targets[0], 12);
    command = parse("7");
    assert_int_equal(command.targets[0], 7);
    command = parse("theme light");
    assert_int_equal(command.kind, PALETTE_THEME);
    assert_string_equal(command.theme, "light");
    command = parse("perf");
    assert_int_equal(command.kind, PALETTE_ACTION);
    assert_int_equal(command.action, ACTION_PERF);
    command = parse("why f-31");
    assert_int_equal(command.kind, PALETTE_WHY);
    assert_string_equal(command.why, "f-31");
    command = parse("why wf-12");
    assert_int_equal(command.kind, PALETTE_WHY);
    command = parse("d-5");
    assert_int_equal(command.kind, PALETTE_WHY);
    assert_string_equal(command.why, "d-5");
    command = parse("why");
    assert_int_equal(command.kind, PALETTE_VIEW);
    command = parse("autonomy"); /* a view and a verb */
    assert_int_equal(command.kind, PALETTE_VIEW);
    command = parse("a-3");
    assert_int_equal(command.kind, PALETTE_CARD);
    assert_int_equal(command.id, 3);
    assert_string_equal(command.view->name, "approval");
    command = parse("o-12");
    assert_int_equal(command.kind, PALETTE_CARD);
    assert_string_equal(command.view->name, "optimization");
    command = parse("pause");
    assert_int_equal(command.kind, PALETTE_VERB);
    assert_int_equal(command.n_targets, 0);
    assert_null(command.args);
}

static void verbs_take_targets_arguments_and_a_reason(void **state)
{
    static const struct {
        const char *line, *args;
        size_t n_targets;
    } rows[] = {
        {"pause wf-1 wf-2 3",                     NULL,                                         3},
        {"retry wf-12 from=CODING",               "{\"from\":\"CODING\"}",                      1},
        {"reject wf-9 too \"risky\" = no",        "{\"reason\":\"too \\\"risky\\\" = no\"}",    1},
        {"reject too risky",                      "{\"reason\":\"too risky\"}",                 0},
        {"reject reason=too risky",               "{\"reason\":\"too risky\"}",                 0},
        {"retry wf-1 from=CODING disk was full",
         "{\"from\":\"CODING\",\"reason\":\"disk was full\"}",                                  1},
        {"priority wf-1 value=9",                 "{\"value\":9}",                              1},
        {"thumbs-down wf-3 too slow",             "{\"reason\":\"too slow\"}",                  1},
        {"ack 3",                                 "{\"incident\":3}",                           0},
        {"ack 3 I look at it",                    "{\"incident\":3,\"note\":\"I look at it\"}", 0},
        {"note 3 their disk",                     "{\"incident\":3,\"note\":\"their disk\"}",   0},
        {"resolve 3",                             "{\"incident\":3}",                           0},
        {"silence service:* for=2h moving = no",
         "{\"match\":\"service:*\",\"for\":\"2h\",\"reason\":\"moving = no\"}",                 0},
        {"label f-31 test",                       "{\"failure\":31,\"class\":\"test\"}",        0},
        {"unsilence 4 done",                      "{\"silence\":4,\"reason\":\"done\"}",        0},
        {"breaker github open for=10m it is ill",
         "{\"service\":\"github\",\"state\":\"open\",\"for\":\"10m\",\"reason\":\"it is "
         "ill\"}",                                                                              0},
 /* What was said by name is not asked for again by its place. */
        {"undo optimization=1 r",                 "{\"optimization\":1,\"reason\":\"r\"}",      0},
        {"undo o-1 r s",                          "{\"optimization\":1,\"reason\":\"r s\"}",    0},
        {"tune setting=max_running 3 too slow",
         "{\"setting\":\"max_running\",\"value\":\"3\",\"reason\":\"too slow\"}",               0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct palette_command command = parse(rows[i].line);
        assert_int_equal(command.kind, PALETTE_VERB);
        assert_int_equal(command.n_targets, rows[i].n_targets);
        if (rows[i].args == NULL) {
            assert_null(command.args);
        } else {
            assert_string_equal(command.args, rows[i].args);
            struct err err = ERR_INIT;
            struct json *json = json_parse(command.args, strlen(command.args), &err);
            assert_true(verb_check(command.verb, json, &err));
            json_free(json);
        }
        free(command.args);
    }
}

static void nonsense_is_refused_by_name(void **state)
{
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"",                        "expected a command, a view or a workflow"     },
        {"   ",                     "expected a command, a view or a workflow"     },
        {"wf-0",                    "'wf-0' is no command, view or workflow"       },
        {"wf-99999999999999999999",
         "'wf-99999999999999999999' is no command, view or workflow"               },
        {"delete everything",       "'delete' is no command, view or workflow"     },
        {"row-down",                "'row-down' is no command, view or workflow"   },
        {"workflows now",           "'now' is too much"                            },
        {"theme",                   "theme: expected NAME"                         },
        {"priority wf-1 value=x",   "value=x: expected a number"                   },
        {"why now",                 "'now' is too much"                            },
        {"f-1 f-2",                 "'f-2' is too much"                            },
        {"label d-31 test",         "failure=d-31: expected a number"              },
        {"submit x",                "'x' is too much"                              },
        {"priority wf-1",           "priority: expected value=: new priority"      },
        {"autonomy merge",
         "autonomy: expected level=: observe, suggest, approve, auto or configured"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct palette_command command;
        struct err err = ERR_INIT;
        assert_false(palette_parse(rows[i].line, &command, &err));
        assert_string_equal(err.msg, rows[i].message);
    }
    AUTO_BUF struct buf many;
    struct palette_command command;
    struct err err = ERR_INIT;
    buf_init(&many, 100000);
    (void)buf_str(&many, "pause");
    for (int i = 1; i <= PALETTE_TARGETS + 1; i++) {
        (void)buf_printf(&many, " wf-%d", i);
    }
    assert_false(palette_parse(many.data, &command, &err));
}

/* ---- completion ---- */

static bool is_offered(const char *text, const struct frame *frame, const char *expected)
{
    struct palette_candidate rows[PALETTE_ROWS];
    size_t n = palette_complete(text, &(struct palette_context){.frame = frame}, rows,
                                ARRAY_LEN(rows));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].text, expected) == 0) {
            return true;
        }
    }
    return false;
}

static void completion_offers_what_fits(void **state)
{
    struct palette_candidate rows[PALETTE_ROWS];
    (void)state;
    assert_int_equal(
        palette_complete("", &(struct palette_context){0}, rows, ARRAY_LEN(rows)),
        PALETTE_ROWS);
    assert_true(
        palette_complete("pa", &(struct palette_context){0}, rows, ARRAY_LEN(rows)) >= 1);
    assert_string_equal(rows[0].text, "pause");
    assert_true(palette_complete("wkf", &(struct palette_context){0}, rows,
                                 ARRAY_LEN(rows)) >= 1);
    assert_string_equal(rows[0].text, "workflows");
    assert_true(is_offered("theme ", NULL, "mono"));
    assert_true(is_offered("retry wf-1 from", NULL, "from=CODING"));
    assert_true(is_offered("priority ", NULL, "value="));
    assert_int_equal(
        palette_complete("qqqq", &(struct palette_context){0}, rows, ARRAY_LEN(rows)), 0);
    assert_int_equal(palette_complete("pause", &(struct palette_context){0}, rows, 0), 0);
    char line[64];
    struct palette_candidate candidate = {.text = "from=CODING"};
    palette_apply("retry wf-1 fr", &candidate, line, sizeof(line));
    assert_string_equal(line, "retry wf-1 from=CODING");
}

static void completion_knows_what_an_argument_can_be(void **state)
{
    static const struct {
        const char *line, *expected;
    } rows[] = {
        {"tune ",                              "limits.planning"         },
        {"tune max_ru",                        "max_running"             },
        {"tune setting=limits.co",             "setting=limits.coding"   },
        {"tune setting=evaluator.use value=f", "value=false"             },
        {"tune evaluator.use tr",              "true"                    },
        {"untune recovery.b",                  "recovery.backoff"        },
        {"breaker github op",                  "open"                    },
        {"breaker github state=metr",          "state=metrics-only"      },
        {"breaker ",                           "github_api"              },
        {"probe git",                          "github_api"              },
        {"tune concurrency scope=",            "scope=service:github_api"},
        {"autonomy merge obs",                 "observe"                 },
        {"autonomy me",                        "merge"                   },
        {"kill-strategy strategy=hand",        "strategy=hand_back"      },
        {"label f-3 comp",                     "compile"                 },
        {"silence service:* for=",             "for=2h"                  },
        {"scale runners do",                   "down"                    },
        {"scale ",                             "runners"                 },
        {"delegate to=a",                      "to=ada"                  },
        {"undo ",                              "o-5"                     },
        {"undo optimization=",                 "optimization=o-5"        },
        {"undo optimization=o-5 r",            "reason="                 },
        {"approve a",                          "approval="               },
    };
    struct findings findings;
    struct optimization_row one = {.id = 5, .setting = "poll"};
    const struct frame_optimizations found = {.rows = &one, .n = 1};
    const struct frame frame = {.optimizations = &found};
    static const char yaml[] =
        "services: [{name: github_api, kind: github}]\n"
        "access: {admin: {users: [ada]}}\n"
        "scale: [{name: runners, up: [\"true\"], down: [\"true\"]}]\n";
    (void)state;
    findings_init(&findings);
    struct config *config = config_parse("test", yaml, sizeof(yaml) - 1, &findings);
    assert_non_null(config);
    findings_fini(&findings);
    const struct palette_context context = {.frame = &frame, .config = config};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct palette_candidate found_rows[PALETTE_ROWS];
        size_t n =
            palette_complete(rows[i].line, &context, found_rows, ARRAY_LEN(found_rows));
        bool is_there = false;
        for (size_t k = 0; k < n; k++) {
            is_there = is_there || strcmp(found_rows[k].text, rows[i].expected) == 0;
        }
        if (!is_there) {
            fail_msg("'%s' does not offer '%s' (but %s)", rows[i].line, rows[i].expected,
                     n > 0 ? found_rows[0].text : "nothing");
        }
    }
    /* What was said is not offered again; a reason is free text. */
    struct palette_candidate some[PALETTE_ROWS];
    assert_int_equal(palette_complete("undo optimization=5 o", &context, some, 8), 1);
    assert_string_equal(some[0].text, "reason=");
    assert_int_equal(palette_complete("undo o-5 because o", &context, some, 8), 0);
    config_free(config);
}

static void completion_knows_the_workflows_on_the_screen(void **state)
{
    struct workflow_row row = {.id = 314, .title = "cache \x1b[31mprices"};
    struct frame_detail detail = {.row = row};
    struct frame frame = {.detail = &detail};
    struct palette_candidate rows[PALETTE_ROWS];
    (void)state;
    assert_true(is_offered("31", &frame, "wf-314"));
    assert_int_equal(palette_complete("pause wf-3",
                                      &(struct palette_context){.frame = &frame}, rows,
                                      ARRAY_LEN(rows)),
                     1);
    assert_string_equal(rows[0].text, "wf-314");
    assert_string_equal(rows[0].help, "cache prices");
}

static void better_matches_score_higher(void **state)
{
    (void)state;
    assert_true(palette_score("pause", "pause") > palette_score("paus", "pause"));
    assert_true(palette_score("pr", "priority") > palette_score("pr", "approve"));
    assert_true(palette_score("hb", "history-back") > palette_score("hb", "highbay"));
    assert_int_equal(palette_score("x", "pause"), 0);
    assert_true(palette_score("PAUSE", "pause") > 0);
}

/* ---- line editor ---- */

static void press(struct edit *edit, enum action action)
{
    bool is_known;
    (void)edit_action(edit, action, &is_known);
    assert_true(is_known);
}

static void the_line_editor_edits(void **state)
{
    struct edit edit;
    bool is_known;
    (void)state;
    edit_set(&edit, "one two");
    press(&edit, ACTION_EDIT_WORD_LEFT);
    edit_insert(&edit, "and ", 4);
    assert_string_equal(edit.text, "one and two");
    press(&edit, ACTION_EDIT_KILL_WORD);
    assert_string_equal(edit.text, "one two");
    press(&edit, ACTION_EDIT_KILL_LINE);
    assert_string_equal(edit.text, "two");
    press(&edit, ACTION_EDIT_WORD_RIGHT);
    assert_int_equal(edit.at, 3);
    press(&edit, ACTION_EDIT_HOME);
    press(&edit, ACTION_EDIT_DELETE);
    assert_string_equal(edit.text, "wo");
    press(&edit, ACTION_EDIT_BACKSPACE); /* at the start: nothing */
    press(&edit, ACTION_EDIT_KILL_END);
    assert_string_equal(edit.text, "");
    assert_false(edit_action(&edit, ACTION_ROW_DOWN, &is_known));
    assert_false(is_known);
}

static void marks_go_with_their_character(void **state)
{
    struct edit edit;
    (void)state;
    edit_set(&edit, "a漢e\xCC\x81");
    press(&edit, ACTION_EDIT_BACKSPACE);
    assert_string_equal(edit.text, "a漢");
    press(&edit, ACTION_EDIT_LEFT);
    assert_int_equal(edit.at, 1);
    press(&edit, ACTION_EDIT_DELETE);
    assert_string_equal(edit.text, "a");
}

static void typed_text_is_cleaned_and_bounded(void **state)
{
    struct edit edit;
    (void)state;
    edit_set(&edit, "a\x1b[31mb\nc\xFF");
    assert_string_equal(edit.text, "ab c\xEF\xBF\xBD");
    edit_set(&edit, "");
    for (int i = 0; i < EDIT_MAX; i++) {
        edit_insert(&edit, "é", 2);
    }
    assert_int_equal(edit.len, EDIT_MAX);
    assert_true(text_is_utf8(edit.text, edit.len));
}

static void the_cursor_stays_in_sight(void **state)
{
    struct surface *surface = surface_new(10, 1, false);
    struct canvas canvas = canvas_of(surface);
    struct edit edit;
    int x = -1;
    int y = -1;
    (void)state;
    edit_set(&edit, "0123456789abcdef");
    edit_draw(&edit, &canvas, 2, 0, 8, ROLE_INPUT);
    assert_true(surface_cursor(surface, &x, &y));
    assert_int_equal(x, 9);
    AUTO_FREE char *text = surface_dump_text(surface);
    assert_string_equal(text, "  …abcdef\n");
    surface_free(surface);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_understood),
        cmocka_unit_test(verbs_take_targets_arguments_and_a_reason),
        cmocka_unit_test(nonsense_is_refused_by_name),
        cmocka_unit_test(completion_offers_what_fits),
        cmocka_unit_test(completion_knows_what_an_argument_can_be),
        cmocka_unit_test(completion_knows_the_workflows_on_the_screen),
        cmocka_unit_test(better_matches_score_higher),
        cmocka_unit_test(the_line_editor_edits),
        cmocka_unit_test(marks_go_with_their_character),
        cmocka_unit_test(typed_text_is_cleaned_and_bounded),
        cmocka_unit_test(the_cursor_stays_in_sight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
