/* SPDX-License-Identifier: MIT */
#include "tui/theme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/mem.h"

static void expect_findings(const char *text, size_t n, const char *const expected[])
{
    struct theme theme = {.name = "untouched"};
    struct findings findings;
    findings_init(&findings);
    assert_false(theme_parse("my.theme", text, strlen(text), &theme, &findings));
    assert_string_equal(theme.name, "untouched");
    assert_int_equal(findings.n, n);
    for (size_t i = 0; i < n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        assert_string_equal(line, expected[i]);
    }
    findings_fini(&findings);
}

static struct theme parse(const char *text)
{
    struct theme theme;
    struct findings findings;
    findings_init(&findings);
    bool is_good = theme_parse("a/my.theme", text, strlen(text), &theme, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        AUTO_FREE char *line = finding_format(&findings.rows[i]);
        print_error("%s\n", line);
    }
    assert_true(is_good);
    findings_fini(&findings);
    return theme;
}

static void parents_stand_before_their_children(void **state)
{
    (void)state;
    for (int i = 0; i < ROLE_COUNT; i++) {
        enum theme_role role = (enum theme_role)i;
        enum theme_role back = ROLE_COUNT;
        assert_true(role_find(role_name(role), &back));
        assert_int_equal(back, role);
        assert_true(i == 0 || role_parent(role) < role);
        assert_true(strlen(role_help(role)) > 0);
        const char *dot = strrchr(role_name(role), '.');
        if (dot != NULL) {
            assert_int_equal(strlen(role_name(role_parent(role))), dot - role_name(role));
        }
    }
}

static void roles_fall_back_to_their_parents(void **state)
{
    struct theme theme = parse("palette rust #b7410e\n"
                               "# comment\n"
                               "text 7 - \n"
                               "status rust 236 italic  # and a comment\n"
                               "status.error - - bold underline\r\n"
                               "status.ok default\n");
    (void)state;
    assert_string_equal(theme.name, "my");
    const struct style *error = &theme.styles[ROLE_STATUS_ERROR];
    assert_int_equal(error->fg.kind, COLOUR_RGB);
    assert_int_equal(error->fg.r, 0xB7);
    assert_int_equal(error->bg.index, 236);
    assert_int_equal(error->attrs, ATTR_BOLD | ATTR_UNDERLINE);
    assert_int_equal(theme.styles[ROLE_STATUS_WARN].attrs, ATTR_ITALIC);
    assert_int_equal(theme.styles[ROLE_STATUS_OK].fg.kind, COLOUR_DEFAULT);
    struct style log = theme_style(&theme, ROLE_LOG, ROLE_TEXT);
    assert_int_equal(log.fg.kind, COLOUR_INDEX);
    assert_int_equal(log.fg.index, 7);
    assert_int_equal(log.bg.kind, COLOUR_DEFAULT);
}

static void a_ground_keeps_the_meaning_of_what_is_on_it(void **state)
{
    struct theme theme =
        parse("status.error red\ncursor - #202020\nmatch black yellow bold\n");
    (void)state;
    struct style style = theme_style(&theme, ROLE_STATUS_ERROR, ROLE_CURSOR);
    assert_int_equal(style.fg.index, 1);
    assert_int_equal(style.bg.r, 0x20);
    style = theme_style(&theme, ROLE_STATUS_ERROR, ROLE_MATCH);
    assert_int_equal(style.fg.index, 0);
    assert_int_equal(style.bg.index, 3);
    assert_int_equal(style.attrs, ATTR_BOLD);
}

static void every_mistake_is_reported_at_once(void **state)
{
    static const char *const expected[] = {
        "my.theme:1: 'statsu' is no role; signalbox-theme(5) lists them",
        "my.theme:2: status: 'rde' is no colour; expected -, default, a palette name, a "
        "name "
        "such as red or bright-red, 0..255 or #rrggbb",
        "my.theme:3: log: 'blod' is no attribute; expected bold, dim, italic, underline "
        "or "
        "reverse",
        "my.theme:4: log: is there already",
        "my.theme:5: palette: expected: palette NAME COLOUR",
        "my.theme:6: diff: '#12345' is no colour; expected -, default, a palette name, a "
        "name such as red or bright-red, 0..255 or #rrggbb",
        "my.theme:7: title: '256' is no colour; expected -, default, a palette name, a "
        "name "
        "such as red or bright-red, 0..255 or #rrggbb",
        "my.theme:9: is no UTF-8 text",
    };
    (void)state;
    expect_findings("statsu red\nstatus rde\nlog red - blod\nlog red\npalette x\n"
                    "diff #12345\ntitle 256\ntext -\nlink \xFF\n",
                    8, expected);
}

static void hostile_files_are_refused(void **state)
{
    struct theme theme;
    (void)state;
    AUTO_FREE char *longest = mem_alloc(70000);
    memset(longest, 'a', 69999);
    struct findings findings;
    findings_init(&findings);
    assert_false(theme_parse("x", longest, 69999, &theme, &findings));
    for (size_t i = 1; i < 69999; i += 2) {
        longest[i] = '\n';
    }
    assert_false(theme_parse("x", longest, 69999, &theme, &findings));
    assert_int_equal(findings.n, FINDINGS_MAX);
    findings_fini(&findings);
    findings_init(&findings);
    assert_false(theme_load("no-such", &theme, &findings));
    assert_non_null(strstr(findings.rows[0].text, "dark"));
    assert_false(theme_load("/nonexistent/x.theme", &theme, &findings));
    assert_int_equal(findings.n, 2);
    findings_fini(&findings);
}

static bool same_look(struct style a, struct style b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Grounds must be told apart from the plain screen at every depth, and errors from data.
 */
static void built_in_themes_work_at_every_depth(void **state)
{
    static const enum theme_role grounds[] = {ROLE_CURSOR, ROLE_MATCH, ROLE_POPUP_CHOICE,
                                              ROLE_MARK};
    size_t n = 0;
    (void)state;
    for (; theme_builtin(n) != NULL; n++) {
        for (int depth = DEPTH_MONO; depth <= DEPTH_RGB; depth++) {
            struct theme theme;
            struct findings findings;
            findings_init(&findings);
            bool is_loaded = theme_load(theme_builtin(n), &theme, &findings);
            if (!is_loaded) {
                AUTO_FREE char *line = finding_format(&findings.rows[0]);
                fail_msg("%s", line);
            }
            assert_string_equal(theme.name, theme_builtin(n));
            theme_degrade(&theme, (enum colour_depth)depth);
            struct style plain = theme_style(&theme, ROLE_TEXT, ROLE_TEXT);
            for (size_t i = 0; i < ARRAY_LEN(grounds); i++) {
                assert_false(
                    same_look(plain, theme_style(&theme, ROLE_TEXT, grounds[i])));
            }
            assert_false(
                same_look(plain, theme_style(&theme, ROLE_STATUS_ERROR, ROLE_TEXT)));
            for (int role = 0; role < ROLE_COUNT; role++) {
                struct style style =
                    theme_style(&theme, (enum theme_role)role, ROLE_TEXT);
                assert_int_not_equal(style.fg.kind, COLOUR_KEEP);
                bool is_coloured = style.fg.kind != COLOUR_DEFAULT;
                bool is_rgb = style.fg.kind == COLOUR_RGB;
                assert_false(depth == DEPTH_MONO && is_coloured);
                assert_false(depth < DEPTH_RGB && is_rgb);
                assert_false(depth == DEPTH_8 && is_coloured && style.fg.index > 7);
                assert_false(depth == DEPTH_16 && is_coloured && style.fg.index > 15);
            }
            findings_fini(&findings);
        }
    }
    assert_true(n >= 3);
}

static void colours_come_down_to_the_nearest(void **state)
{
    struct theme theme = parse("status.error #e8707a\nstatus.ok 196\nstatus.warn 8\n"
                               "text.dim #8a919e\nlink #ffff5f\nchart bright-red\n");
    (void)state;
    struct theme low = theme;
    theme_degrade(&low, DEPTH_256);
    assert_int_equal(low.styles[ROLE_STATUS_ERROR].fg.index, 168);
    assert_int_equal(low.styles[ROLE_STATUS_OK].fg.index, 196);
    low = theme;
    theme_degrade(&low, DEPTH_16);
    /* A pale red stays red. */
    assert_int_equal(low.styles[ROLE_STATUS_ERROR].fg.index, 1);
    assert_int_equal(low.styles[ROLE_STATUS_OK].fg.index, 1);
    assert_int_equal(low.styles[ROLE_TEXT_DIM].fg.index, 8);
    assert_int_equal(low.styles[ROLE_LINK].fg.index, 3);
    low = theme;
    theme_degrade(&low, DEPTH_8);
    assert_int_equal(low.styles[ROLE_CHART].fg.index, 1);
    assert_int_equal(low.styles[ROLE_CHART].attrs, ATTR_BOLD);
    assert_int_equal(low.styles[ROLE_STATUS_WARN].fg.kind, COLOUR_DEFAULT);
    assert_int_equal(low.styles[ROLE_STATUS_WARN].attrs, ATTR_DIM);
}

static void the_manual_lists_every_role(void **state)
{
    char *text = NULL;
    size_t len = 0;
    (void)state;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    theme_print_mdoc(out);
    assert_int_equal(fclose(out), 0);
    for (int i = 0; i < ROLE_COUNT; i++) {
        AUTO_FREE char *line = mem_printf(".It Cm %s\n", role_name((enum theme_role)i));
        assert_non_null(strstr(text, line));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parents_stand_before_their_children),
        cmocka_unit_test(roles_fall_back_to_their_parents),
        cmocka_unit_test(a_ground_keeps_the_meaning_of_what_is_on_it),
        cmocka_unit_test(every_mistake_is_reported_at_once),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(built_in_themes_work_at_every_depth),
        cmocka_unit_test(colours_come_down_to_the_nearest),
        cmocka_unit_test(the_manual_lists_every_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
