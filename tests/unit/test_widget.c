/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/text.h"
#include "tests/lib/frames.h"
#include "tui/widget/chart.h"
#include "tui/widget/field.h"
#include "tui/widget/look.h"
#include "tui/widget/pager.h"
#include "tui/widget/track.h"

/* ---- look -------------------------------------------------------------------------- */

static void test_spans(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text, *left;
    } rows[] = {
        {-5,         "0s",    "0s"   },
        {0,          "0s",    "0s"   },
        {4999,       "0s",    "5s"   },
        {42000,      "40s",   "45s"  },
        {61000,      "1m00s", "1m05s"},
        {119000,     "1m55s", "2m"   },
        {120000,     "2m",    "2m"   },
        {3599000,    "59m",   "1h"   },
        {3600000,    "1h",    "1h"   },
        {7500000,    "2h05m", "2h05m"},
        {172800000,  "2d",    "2d"   },
        {9000000000, "104d",  "104d" },
    };
    char text[CLOCK_TEXT_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(look_span((struct span){rows[i].ms}, text), rows[i].text);
        assert_string_equal(look_left((struct span){rows[i].ms}, text), rows[i].left);
    }
}

/* An age is drawn again when, and only when, its text changes. */
static void test_age_changes(void **state)
{
    (void)state;
    struct wall then = {1000000000};
    char before[CLOCK_TEXT_MAX], after[CLOCK_TEXT_MAX];
    for (int64_t age = 0; age < 120000; age += 777) {
        struct wall now = {then.ms + age};
        struct wall next = look_age_change(now, then);
        assert_true(next.ms > now.ms);
        look_age(now, then, before);
        look_age((struct wall){next.ms - 1}, then, after);
        assert_string_equal(before, after);
        look_age(next, then, after);
        assert_string_not_equal(before, after);
    }
    assert_false(wall_is_set(look_age_change((struct wall){then.ms + 120000}, then)));
}

static void test_names_and_numbers(void **state)
{
    (void)state;
    static const char *const repos[][2] = {
        {"/srv/git/payments-api.git",        "payments-api"},
        {"/srv/git/shop/",                   "shop"        },
        {"git@example.org:shop.git",         "shop"        },
        {"https://git.example.org/a/b.git/", "b"           },
        {"",                                 ""            },
        {"/",                                ""            },
        {"x/.git",                           ".git"        },
    };
    char text[80];
    for (size_t i = 0; i < ARRAY_LEN(repos); i++)
        assert_string_equal(look_repo(repos[i][0], text, sizeof text), repos[i][1]);
    assert_string_equal(look_count(0, text), "0");
    assert_string_equal(look_count(999, text), "999");
    assert_string_equal(look_count(1000, text), "1,000");
    assert_string_equal(look_count(1234567, text), "1,234,567");
    assert_string_equal(look_count(-1, text), glyph_utf8(GLYPH_DASH));
    assert_string_equal(look_bytes(512, text), "512 B");
    assert_string_equal(look_bytes(1536, text), "1.5 KiB");
    assert_string_equal(look_bytes(611LL * 1024 * 1024, text), "611 MiB");
}

static void test_every_state_has_glyph_and_word(void **state)
{
    (void)state;
    for (int s = 0; s < STATE_COUNT; s++) {
        assert_true(look_state_word((enum workflow_state)s)[0] != '\0');
        assert_true(strlen(look_state_word((enum workflow_state)s)) <= 11);
        assert_true(look_state_role((enum workflow_state)s) != ROLE_TEXT);
        assert_true(look_state_glyph((enum workflow_state)s) < GLYPH_COUNT);
    }
    for (int s = 0; s < STATUS_COUNT; s++)
        assert_true(look_status_role((enum effect_status)s) != ROLE_TEXT);
}

/* ---- chart ------------------------------------------------------------------------- */

static void test_axis_places(void **state)
{
    (void)state;
    struct time_axis axis = {{1000}, {11000}, 10}; /* one cell a second */
    int cell, eighths;
    axis_place(&axis, (struct wall){1000}, (struct wall){11000}, &cell, &eighths);
    assert_int_equal(cell, 0);
    assert_int_equal(eighths, 80);
    axis_place(&axis, (struct wall){6000}, (struct wall){6500}, &cell, &eighths);
    assert_int_equal(cell, 5);
    assert_int_equal(eighths, 4);
    axis_place(&axis, (struct wall){6000}, (struct wall){6000}, &cell, &eighths);
    assert_int_equal(eighths, 1); /* nothing is invisible */
    axis_place(&axis, (struct wall){0}, (struct wall){500}, &cell, &eighths);
    assert_int_equal(cell, 0);
    axis_place(&axis, (struct wall){20000}, (struct wall){30000}, &cell, &eighths);
    assert_int_equal(cell, 9);
    assert_in_range(eighths, 1, 8);
}

static void test_spark_tells_little_from_nothing(void **state)
{
    (void)state;
    struct surface *surface = surface_new(5, 1, false);
    struct canvas canvas = canvas_of(surface);
    const struct spark_value values[] = {
        {0,    true,  false},
        {1,    true,  false},
        {1000, true,  false},
        {0,    false, false}
    };
    spark_draw(&canvas, 0, 0, values, 4);
    AUTO_FREE char *text = surface_dump_text(surface);
    assert_string_equal(text, "▁▂█\n");
    surface_free(surface);
}

static void test_success_is_unknown_without_ends(void **state)
{
    (void)state;
    struct frame_overview over = {0};
    int64_t completed, failed;
    assert_true(track_success(&over, &completed, &failed) < 0);
    over.hours[3].completed = 3;
    over.hours[4].failed = 1;
    assert_true(track_success(&over, &completed, &failed) == 0.75);
}

/* ---- frame helpers ----------------------------------------------------------------- */

static void test_stays_in_states(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct event_row events[] = {
        {.at = {10}, .from = STATE_IDLE, .to = STATE_IDLE, .iteration = 1, .text = ""},
        {.at = {20},
         .from = STATE_IDLE,
         .to = STATE_PLANNING,
         .iteration = 1,
         .text = ""                                                                  },
        {.at = {30},
         .from = STATE_PLANNING,
         .to = STATE_CODING,
         .iteration = 1,
         .text = ""                                                                  },
        {.at = {40},
         .from = STATE_CODING,
         .to = STATE_RECOVERING,
         .iteration = 1,
         .text = "crashed"                                                           },
        {.at = {50},
         .from = STATE_RECOVERING,
         .to = STATE_CODING,
         .iteration = 1,
         .text = ""                                                                  },
        {.at = {60},
         .from = STATE_CODING,
         .to = STATE_VALIDATING,
         .iteration = 1,
         .text = ""                                                                  },
        {.at = {70},
         .from = STATE_VALIDATING,
         .to = STATE_PLANNING,
         .iteration = 2,
         .text = "tests failed"                                                      },
        {.at = {80},
         .from = STATE_PLANNING,
         .to = STATE_CANCELLED,
         .iteration = 2,
         .text = "by ada"                                                            },
    };
    struct workflow_row row = {.state = STATE_CANCELLED, .reason = "cancelled by ada"};
    const struct state_span *spans;
    size_t n = frame_spans(arena, events, ARRAY_LEN(events), &row, &spans);
    static const struct {
        enum workflow_state state;
        enum span_end end;
        const char *text;
    } expected[] = {
        {STATE_IDLE,       SPAN_PASSED,  ""                },
        {STATE_PLANNING,   SPAN_PASSED,  ""                },
        {STATE_CODING,     SPAN_FAILED,  "crashed"         },
        {STATE_RECOVERING, SPAN_PASSED,  ""                },
        {STATE_CODING,     SPAN_PASSED,  ""                },
        {STATE_VALIDATING, SPAN_FAILED,  "tests failed"    },
        {STATE_PLANNING,   SPAN_STOPPED, "by ada"          },
        {STATE_CANCELLED,  SPAN_STOPPED, "cancelled by ada"},
    };
    assert_int_equal(n, ARRAY_LEN(expected));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(spans[i].state, expected[i].state);
        assert_int_equal(spans[i].end, expected[i].end);
        assert_string_equal(spans[i].text, expected[i].text);
    }
    assert_int_equal(frame_spans(arena, events, 0, &row, &spans), 0);
    arena_free(arena);
}

static void test_documents_are_cut_into_lines(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char diff[] =
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n--- b\n+c";
    const struct frame_text *doc = frame_text(arena, diff, strlen(diff), true);
    assert_int_equal(doc->n_lines, 7);
    assert_int_equal(doc->n_files, 1);
    assert_int_equal(doc->n_added, 1);
    assert_int_equal(doc->n_removed, 2);
    assert_int_equal(doc->starts[7], strlen(diff));
    assert_int_equal(frame_text(arena, "", 0, false)->n_lines, 0);
    assert_int_equal(frame_text(arena, "\n\n", 2, false)->n_lines, 2);
    arena_free(arena);
}

static void test_the_log_to_look_at(void **state)
{
    (void)state;
    struct effect_row rows[] = {
        {.status = STATUS_FAILED, .iteration = 1, .log = "a", .kind = EFFECT_CHECK },
        {.status = STATUS_PASSED, .iteration = 2, .log = "b", .kind = EFFECT_CODE  },
        {.status = STATUS_PASSED, .iteration = 2, .log = "",  .kind = EFFECT_COMMIT},
    };
    assert_int_equal(frame_pick_log(rows, 3),
                     1); /* the failure is of an older iteration */
    rows[0].iteration = 2;
    assert_int_equal(frame_pick_log(rows, 3), 0);
    rows[2].status = STATUS_PENDING; /* git's work has no log */
    assert_int_equal(frame_pick_log(rows, 3), 0);
    rows[2].kind = EFFECT_CHECK;
    assert_int_equal(frame_pick_log(rows, 3), 2);
    assert_int_equal(frame_pick_log(rows, 0), 0);
}

static void test_frames_are_shared(void **state)
{
    (void)state;
    struct frame *good = frame_new();
    struct frame_list *list = arena_alloc(frame_arena(good), sizeof *list);
    list->n_all = 42;
    good->list = list;
    struct frame *second = frame_new();
    frame_borrow(second, good);
    struct frame *third = frame_new();
    frame_borrow(third, second);
    frame_unref(good);
    frame_unref(second);
    assert_int_equal(third->list->n_all, 42);
    frame_unref(frame_ref(third));
    frame_unref(third);
}

/* ---- pager ------------------------------------------------------------------------- */

static bool number_line(const void *user, int64_t index, struct pager_line *ret,
                        char *scratch)
{
    if (index < 0 || index >= *(const int64_t *)user)
        return false;
    ret->len = (size_t)snprintf(scratch, PAGER_LINE_MAX, "line %d\t%s", (int)index,
                                index % 10 == 3 ? "Needle \x1b[31mred" : "");
    ret->text = scratch;
    ret->role = ROLE_TEXT;
    return true;
}

/* Ten lines: the last but one of 1000 letters and a needle, the others of one row. */
static bool tall_line(const void *user, int64_t index, struct pager_line *ret,
                      char *scratch)
{
    (void)user;
    if (index < 0 || index >= 10)
        return false;
    int n = index == 8 ? 1000 : 5;
    memset(scratch, 'a' + (int)index, (size_t)n);
    (void)snprintf(scratch + n, PAGER_LINE_MAX - (size_t)n, "%s",
                   index == 8 ? "needle" : "");
    *ret =
        (struct pager_line){.text = scratch, .len = strlen(scratch), .number = index + 1};
    return true;
}

/* Every row of wrapped lines can be reached, down and up again. 29 cells are left for the text of
 * 36, so the tall line has 35 rows. */
static void test_pager_wraps(void **state)
{
    (void)state;
    struct pager pager;
    pager_init(&pager);
    assert_true(pager_action(&pager, ACTION_WRAP, 10, 6));
    int downs = 0, most = 0;
    for (int i = 0; i < 100; i++) {
        int64_t top = pager.top;
        int inner = pager.inner;
        pager_measure(&pager, 36, 6, 10, tall_line, NULL);
        assert_true(pager_action(&pager, ACTION_ROW_DOWN, 10, 6));
        most = pager.inner > most ? pager.inner : most;
        downs += pager.top != top || pager.inner != inner;
    }
    assert_int_equal(pager.top, 8);
    assert_int_equal(pager.inner, 35 - 5);
    assert_true(most > 20);
    for (int i = 0; i < downs; i++) {
        pager_measure(&pager, 36, 6, 10, tall_line, NULL);
        assert_true(pager_action(&pager, ACTION_ROW_UP, 10, 6));
    }
    assert_int_equal(pager.top, 0);
    assert_int_equal(pager.inner, 0);
    pager_measure(&pager, 36, 6, 10, tall_line, NULL);
    assert_true(pager_action(&pager, ACTION_END, 10, 6));
    assert_int_equal(pager.top, 8);
    assert_int_equal(pager.inner, 35 - 5); /* and the last line below it */
    for (int i = 0; i < 20; i++) {
        pager_measure(&pager, 36, 6, 10, tall_line, NULL);
        assert_true(pager_action(&pager, ACTION_PAGE_UP, 10, 6));
    }
    assert_int_equal(pager.top, 0);
}

static void test_pager_reveals(void **state)
{
    (void)state;
    struct pager pager;
    pager_init(&pager);
    (void)snprintf(pager.find, sizeof pager.find, "NEEDLE");
    pager_show(&pager, 8, 10, 6);
    assert_true(pager_reveal(&pager, 36, 6, 10, tall_line, NULL));
    assert_true(pager.skip > 970 && pager.skip <= 1000);
    int skip = pager.skip;
    assert_true(pager_reveal(&pager, 36, 6, 10, tall_line, NULL));
    assert_int_equal(pager.skip, skip);
    (void)snprintf(pager.find, sizeof pager.find, "aaa");
    pager_show(&pager, 0, 10, 6);
    assert_true(pager_reveal(&pager, 36, 6, 10, tall_line, NULL));
    assert_int_equal(pager.skip, 0);
    pager_show(&pager, 12, 10, 6);
    assert_false(pager_reveal(&pager, 36, 6, 10, tall_line, NULL));
    (void)pager_action(&pager, ACTION_WRAP, 10, 6);
    (void)snprintf(pager.find, sizeof pager.find, "needle");
    pager_show(&pager, 8, 10, 6);
    assert_true(pager_reveal(&pager, 36, 6, 10, tall_line, NULL));
    assert_int_equal(pager.top, 8);
    assert_true(pager.inner > 0);
}

static void test_pager_moves_and_finds(void **state)
{
    (void)state;
    struct pager pager;
    int64_t n = 100;
    pager_init(&pager);
    assert_true(pager_action(&pager, ACTION_PAGE_DOWN, n, 20));
    assert_int_equal(pager.top, 19);
    assert_true(pager_action(&pager, ACTION_END, n, 20));
    assert_int_equal(pager.top, 80);
    assert_true(pager_action(&pager, ACTION_ROW_DOWN, n, 20));
    assert_int_equal(pager.top, 80);
    assert_true(pager_action(&pager, ACTION_TOP, n, 20));
    assert_true(pager_action(&pager, ACTION_ROW_UP, n, 20));
    assert_int_equal(pager.top, 0);
    assert_true(pager_action(&pager, ACTION_RIGHT, n, 20));
    assert_true(pager.skip > 0);
    assert_true(pager_action(&pager, ACTION_ROW_DOWN, n, 20));
    assert_true(pager.skip > 0); /* kept while scrolling */
    assert_false(pager_action(&pager, ACTION_OPEN, n, 20));
    assert_int_equal(pager_find(&pager, 0, 1, n, number_line, &n), -1);
    (void)snprintf(pager.find, sizeof pager.find, "nEEDle");
    assert_int_equal(pager_find(&pager, 4, 1, n, number_line, &n), 13);
    assert_int_equal(pager_find(&pager, 94, 1, n, number_line, &n), 3); /* round */
    assert_int_equal(pager_find(&pager, 2, -1, n, number_line, &n), 93);
    pager_show(&pager, 53, n, 21);
    assert_int_equal(pager.top, 46);
    int64_t none = 0;
    assert_int_equal(pager_find(&pager, 0, 1, none, number_line, &none), -1);
    pager_clamp(&pager, none, 20);
    assert_int_equal(pager.top, 0);
}

static void test_pager_cleans_and_wraps(void **state)
{
    (void)state;
    struct surface *surface = surface_new(14, 4, false);
    struct canvas canvas = canvas_of(surface);
    struct pager pager;
    int64_t n = 4;
    pager_init(&pager);
    pager.top = 3;
    pager.is_wrapped = true;
    (void)snprintf(pager.find, sizeof pager.find, "needle");
    pager_draw(&canvas, &pager, n, number_line, &n);
    AUTO_FREE char *text = surface_dump_text(surface);
    assert_string_equal(text, "  line 3  Need\n  le red\n\n\n");
    surface_free(surface);
}

/* ---- field ------------------------------------------------------------------------- */

static void type(struct field *field, const char *text)
{
    assert_true(field_insert(field, text, strlen(text)));
}

static void test_field_edits(void **state)
{
    (void)state;
    struct field field;
    field_init(&field, 64, false);
    type(&field, "one two");
    assert_true(field_action(&field, ACTION_EDIT_WORD_LEFT));
    type(&field, "and ");
    assert_string_equal(field_text(&field), "one and two");
    assert_true(field_action(&field, ACTION_EDIT_KILL_WORD));
    assert_string_equal(field_text(&field), "one two");
    assert_true(field_action(&field, ACTION_EDIT_HOME));
    assert_true(field_action(&field, ACTION_EDIT_DELETE));
    assert_string_equal(field_text(&field), "ne two");
    assert_true(field_action(&field, ACTION_EDIT_BACKSPACE)); /* at the start: nothing */
    assert_true(field_action(&field, ACTION_EDIT_KILL_END));
    assert_string_equal(field_text(&field), "");
    type(&field, "e\xcc\x81x"); /* a character with its mark is one */
    assert_true(field_action(&field, ACTION_EDIT_LEFT));
    assert_true(field_action(&field, ACTION_EDIT_BACKSPACE));
    assert_string_equal(field_text(&field), "x");
    assert_true(field_action(&field, ACTION_EDIT_END));
    type(&field, "\x1b[31m\n\xff");
    assert_true(text_is_utf8(field_text(&field), field.text.len));
    assert_null(strpbrk(field_text(&field), "\x1b\n"));
    assert_false(field_action(&field, ACTION_EDIT_NEWLINE));
    field_fini(&field);
}

static void test_field_has_a_bound(void **state)
{
    (void)state;
    struct field field;
    field_init(&field, 5, false);
    type(&field, "abc");
    assert_false(
        field_insert(&field, "\xe6\xbc\xa2\xe5\xad\x97", 6)); /* whole ones only */
    assert_string_equal(field_text(&field), "abc");
    assert_false(field_insert(&field, "defg", 4));
    assert_string_equal(field_text(&field), "abcde");
    field_fini(&field);
}

static void test_field_of_lines(void **state)
{
    (void)state;
    struct field field;
    field_init(&field, 100, true);
    type(&field, "first line\nsecond");
    assert_int_equal(field_lines(&field), 2);
    assert_true(field_action(&field, ACTION_ROW_UP));
    assert_int_equal(field.cursor, 6);
    assert_false(field_action(&field, ACTION_ROW_UP)); /* leaves the field */
    assert_true(field_action(&field, ACTION_ROW_DOWN));
    assert_int_equal(field.cursor, 17);
    assert_true(field_action(&field, ACTION_EDIT_NEWLINE));
    assert_int_equal(field_lines(&field), 3);
    field_fini(&field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_age_changes),
        cmocka_unit_test(test_names_and_numbers),
        cmocka_unit_test(test_every_state_has_glyph_and_word),
        cmocka_unit_test(test_axis_places),
        cmocka_unit_test(test_spark_tells_little_from_nothing),
        cmocka_unit_test(test_success_is_unknown_without_ends),
        cmocka_unit_test(test_stays_in_states),
        cmocka_unit_test(test_documents_are_cut_into_lines),
        cmocka_unit_test(test_the_log_to_look_at),
        cmocka_unit_test(test_frames_are_shared),
        cmocka_unit_test(test_pager_moves_and_finds),
        cmocka_unit_test(test_pager_wraps),
        cmocka_unit_test(test_pager_reveals),
        cmocka_unit_test(test_pager_cleans_and_wraps),
        cmocka_unit_test(test_field_edits),
        cmocka_unit_test(test_field_has_a_bound),
        cmocka_unit_test(test_field_of_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
