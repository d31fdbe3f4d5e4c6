/* SPDX-License-Identifier: MIT */
#include "tui/canvas.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

static void expect_screen(struct surface *surface, const char *expected)
{
    AUTO_FREE char *text = surface_dump_text(surface);
    assert_string_equal(text, expected);
    surface_free(surface);
}

static void text_is_cut_with_an_ellipsis(void **state)
{
    struct surface *surface = surface_new(12, 5, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    assert_int_equal(canvas_text(&c, 0, 0, 5, ROLE_TEXT, "hello"), 5);
    assert_int_equal(canvas_text(&c, 0, 1, 4, ROLE_TEXT, "hello"), 4);
    assert_int_equal(canvas_text(&c, 9, 2, CANVAS_REST, ROLE_TEXT, "hello"), 3);
    assert_int_equal(canvas_text(&c, 0, 3, 5, ROLE_TEXT, "one\ntwo"), 3);
    assert_int_equal(canvas_text(&c, 0, 4, 4, ROLE_TEXT, "漢字漢"), 3);
    assert_int_equal(canvas_text(&c, 0, 9, 4, ROLE_TEXT, "outside"), 0);
    assert_int_equal(canvas_text(&c, 12, 0, 4, ROLE_TEXT, "outside"), 0);
    assert_int_equal(canvas_text(&c, 0, -1, 4, ROLE_TEXT, "outside"), 0);
    assert_int_equal(canvas_text(&c, 0, 0, 0, ROLE_TEXT, "nothing"), 0);
    expect_screen(surface, "hello\nhel…\n         he…\none\n漢…\n");
}

static void nothing_leaves_its_window(void **state)
{
    struct surface *surface = surface_new(10, 4, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    canvas_fill(&c, (struct rect){0, 0, 10, 4}, ROLE_TEXT);
    struct canvas part = canvas_sub(&c, (struct rect){2, 1, 4, 2});
    (void)canvas_text(&part, -2, 0, CANVAS_REST, ROLE_TEXT, "abcdefghij");
    (void)canvas_text(&part, 0, 2, CANVAS_REST, ROLE_TEXT, "below");
    canvas_line(&part, -5, 1, 100, ROLE_TEXT, GLYPH_LINE);
    canvas_fill(&part, (struct rect){-10, -10, 2, 2}, ROLE_TEXT);
    canvas_glyph(&part, 4, 0, ROLE_TEXT, GLYPH_OK);
    struct canvas none = canvas_sub(&part, (struct rect){9, 9, 5, 5});
    assert_int_equal(none.w * none.h, 0);
    (void)canvas_text(&none, 0, 0, 5, ROLE_TEXT, "x");
    struct canvas wide = canvas_sub(&part, (struct rect){-3, -3, 100, 100});
    assert_int_equal(wide.w, 4);
    assert_int_equal(wide.h, 2);
    expect_screen(surface, "\n  cde…\n  ────\n\n");
}

static void wide_characters_stay_whole(void **state)
{
    struct surface *surface = surface_new(8, 5, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    (void)canvas_text(&c, 0, 0, 8, ROLE_TEXT, "漢字");
    (void)canvas_text(&c, 1, 0, 1, ROLE_TEXT, "x"); /* on a right half */
    (void)canvas_text(&c, 0, 1, 8, ROLE_TEXT, "漢字");
    (void)canvas_text(&c, 2, 1, 1, ROLE_TEXT, "x"); /* on a left half */
    (void)canvas_text(&c, 0, 2, 8, ROLE_TEXT, "a漢");
    (void)canvas_text(&c, 0, 2, 2, ROLE_TEXT, "漢"); /* left half on a right half */
    struct canvas narrow = canvas_sub(&c, (struct rect){0, 3, 3, 1});
    (void)canvas_text(&narrow, 2, 0, 9, ROLE_TEXT, "漢");
    struct canvas cut = canvas_sub(&c, (struct rect){1, 4, 6, 1});
    (void)canvas_text(&cut, -1, 0, 9, ROLE_TEXT, "漢b");
    expect_screen(surface, " x字\n漢x\n漢\n  …\n  b\n");
}

static void marks_join_their_character(void **state)
{
    struct surface *surface = surface_new(8, 2, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    assert_int_equal(canvas_text(&c, 0, 0, 8, ROLE_TEXT, "e\xCC\x81x"), 2);
    assert_int_equal(canvas_text(&c, 0, 1, 8, ROLE_TEXT, "\xCC\x81y"), 1);
    assert_int_equal(surface_row(surface, 0)[0].marks[0], 0x301);
    expect_screen(surface, "e\xCC\x81x\ny\n");
}

static void hostile_bytes_are_shown_not_sent(void **state)
{
    struct surface *surface = surface_new(20, 1, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    (void)canvas_text(&c, 0, 0, 20, ROLE_TEXT, "\x1b[31m\xFFz\xC2\x9B\x7F");
    expect_screen(surface, "\xEF\xBF\xBD[31m\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\n");
}

static void directions_and_halves_are_shown_not_sent(void **state)
{
    struct surface *surface = surface_new(16, 2, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    (void)canvas_text(&c, 0, 0, CANVAS_REST, ROLE_TEXT,
                      "a\xe2\x80\xae"
                      "b\xe2\x80\x8b"
                      "c\xef\xbb\xbf"
                      "d\xe2\x81\xa6"
                      "e");
    (void)canvas_text(&c, 0, 1, CANVAS_REST, ROLE_TEXT, "x\xe6\xbc, y\xf0\x9f\x9a");
    expect_screen(surface, "a\xEF\xBF\xBD"
                           "b\xEF\xBF\xBD"
                           "c\xEF\xBF\xBD"
                           "d\xEF\xBF\xBD"
                           "e\nx…, y…\n");
}

static void right_aligned_text_ends_at_its_edge(void **state)
{
    struct surface *surface = surface_new(10, 3, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    (void)canvas_right(&c, 2, 0, 6, ROLE_TEXT, "123");
    (void)canvas_right(&c, 2, 1, 6, ROLE_TEXT, "12345678");
    (void)canvas_right_printf(&c, 0, 2, 10, ROLE_TEXT, "%d%%", 7);
    expect_screen(surface, "     123\n  12345…\n        7%\n");
}

static void ascii_surface_has_a_twin_for_everything(void **state)
{
    struct surface *surface = surface_new(30, 4, true);
    struct canvas c = canvas_of(surface);
    (void)state;
    (void)canvas_text(&c, 0, 0, 30, ROLE_TEXT, "✓ ✗ ▶ · ● ◐ ○ ▲ △ › → – “a”");
    (void)canvas_text(&c, 0, 1, 30, ROLE_TEXT, "caf\xC3\xA9 漢x e\xCC\x81");
    (void)canvas_text(&c, 0, 2, 4, ROLE_TEXT, "hello");
    canvas_bar(&c, 0, 3, ROLE_CHART, 20);
    AUTO_FREE char *text = surface_dump_text(surface);
    for (const char *p = text; *p != '\0'; p++) {
        assert_true((unsigned char)*p < 0x80);
    }
    expect_screen(surface, "+ x > . * % o ^ - > > - \"a\"\ncaf? ? x e\nhel~\n##|\n");
}

static void every_glyph_is_one_cell_and_has_an_ascii_twin(void **state)
{
    (void)state;
    for (int i = 0; i < GLYPH_COUNT; i++) {
        const char *utf8 = glyph_utf8((enum glyph)i);
        assert_true(text_is_utf8(utf8, strlen(utf8)));
        assert_int_equal(text_cells(utf8, strlen(utf8)), 1);
        char ascii = glyph_ascii((enum glyph)i);
        assert_true(ascii > 0x20 && ascii < 0x7F);
    }
}

static void paragraph_breaks_at_spaces(void **state)
{
    struct surface *surface = surface_new(12, 8, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    int rows = canvas_paragraph(&c, (struct rect){1, 0, 8, 5}, ROLE_TEXT,
                                "one two three\n\nfourteen-letters");
    assert_int_equal(rows, 5);
    rows = canvas_paragraph(&c, (struct rect){1, 5, 8, 2}, ROLE_TEXT,
                            "a b c d e f g h i j k");
    assert_int_equal(rows, 3);
    expect_screen(surface,
                  " one two\n three\n\n fourteen\n -letters\n a b c d\n e f g h…\n\n");
}

static void scrolled_text_marks_both_ends(void **state)
{
    struct surface *surface = surface_new(8, 4, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    (void)canvas_scrolled(&c, 0, 0, 6, 0, ROLE_TEXT, "0123456789", 10);
    (void)canvas_scrolled(&c, 0, 1, 6, 2, ROLE_TEXT, "0123456789", 10);
    (void)canvas_scrolled(&c, 0, 2, 6, 4, ROLE_TEXT, "0123456789", 10);
    (void)canvas_scrolled(&c, 0, 3, 6, 1, ROLE_TEXT, "漢字", 6);
    expect_screen(surface, "01234…\n…3456…\n…56789\n…字\n");
}

static void popup_clears_and_grounds(void **state)
{
    struct surface *surface = surface_new(14, 4, false);
    struct canvas c = canvas_of(surface);
    (void)state;
    canvas_line(&c, 0, 1, 14, ROLE_TEXT, GLYPH_BLOCK);
    canvas_ground(&c, (struct rect){0, 1, 14, 1}, ROLE_CURSOR);
    struct canvas inside = canvas_popup(&c, (struct rect){1, 0, 12, 3}, "Sure?");
    assert_int_equal(inside.w, 8);
    (void)canvas_text(&inside, 0, 0, 8, ROLE_POPUP_DANGER, "cancel");
    canvas_put_cursor(&inside, 3, 0);
    int x = 0;
    int y = 0;
    assert_true(surface_cursor(surface, &x, &y));
    assert_int_equal(x, 6);
    assert_int_equal(y, 1);
    AUTO_FREE char *roles = surface_dump_roles(surface);
    assert_string_equal(roles, ".aabbbbbbbaaa\n"
                               "cadeeeeeedddac\n"
                               ".aaaaaaaaaaaa\n"
                               "\n"
                               "a popup.border on popup\n"
                               "b popup.title on popup\n"
                               "c text on cursor\n"
                               "d popup on popup\n"
                               "e popup.danger on popup\n");
    expect_screen(surface, " ┌─ Sure? ──┐\n▪│ cancel   │▪\n └──────────┘\n\n");
}

static void stale_cells_never_stay(void **state)
{
    struct surface *surface = surface_new(4, 1, false);
    (void)state;
    struct canvas c = canvas_of(surface);
    (void)canvas_text(&c, 0, 0, 4, ROLE_STATUS_ERROR, "abcd");
    surface_clear(surface);
    struct cell blank = {.rune = ' '};
    for (int x = 0; x < 4; x++) {
        assert_memory_equal(&surface_row(surface, 0)[x], &blank, sizeof(blank));
    }
    surface_resize(surface, 0, 0);
    c = canvas_of(surface);
    (void)canvas_text(&c, 0, 0, 4, ROLE_TEXT, "abcd");
    surface_free(surface);
    surface_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_cut_with_an_ellipsis),
        cmocka_unit_test(nothing_leaves_its_window),
        cmocka_unit_test(wide_characters_stay_whole),
        cmocka_unit_test(marks_join_their_character),
        cmocka_unit_test(hostile_bytes_are_shown_not_sent),
        cmocka_unit_test(directions_and_halves_are_shown_not_sent),
        cmocka_unit_test(right_aligned_text_ends_at_its_edge),
        cmocka_unit_test(ascii_surface_has_a_twin_for_everything),
        cmocka_unit_test(every_glyph_is_one_cell_and_has_an_ascii_twin),
        cmocka_unit_test(paragraph_breaks_at_spaces),
        cmocka_unit_test(scrolled_text_marks_both_ends),
        cmocka_unit_test(popup_clears_and_grounds),
        cmocka_unit_test(stale_cells_never_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
