/* SPDX-License-Identifier: MIT */
/* Every built-in theme can be read, and those for colour-blind eyes keep what they say apart. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "tests/lib/colour.h"
#include "tui/theme.h"

/* What terminals look like where a theme leaves it to them: usual pairs of text and ground,
 * the palest and the darkest among them. */
struct screen {
    struct shade text, ground;
};
static const struct screen dark_screens[] = {
    {{{0xC0, 0xC0, 0xC0}}, {{0x00, 0x00, 0x00}}}, /* xterm, Linux */
    {{{0xD4, 0xD4, 0xD4}}, {{0x1E, 0x1E, 0x1E}}}, /* VS Code, GNOME */
    {{{0xBB, 0xC2, 0xCF}}, {{0x28, 0x2C, 0x34}}}, /* One Dark */
};
static const struct screen light_screens[] = {
    {{{0x33, 0x33, 0x33}}, {{0xFF, 0xFF, 0xFF}}},
    {{{0x00, 0x00, 0x00}}, {{0xFD, 0xF6, 0xE3}}}, /* Solarized's ground */
    {{{0x24, 0x29, 0x2E}}, {{0xF0, 0xF0, 0xF0}}},
};
#define N_SCREENS 3

static const enum theme_role grounds[] = {
    ROLE_TEXT,  ROLE_CURSOR,       ROLE_MARK,          ROLE_MATCH,
    ROLE_POPUP, ROLE_POPUP_CHOICE, ROLE_TOP_PRODUCTION};

static struct theme load(const char *name, enum colour_depth depth)
{
    struct theme theme;
    struct findings findings;
    findings_init(&findings);
    assert_true(theme_load(name, &theme, &findings));
    findings_fini(&findings);
    theme_degrade(&theme, depth);
    return theme;
}

static struct shade shade_of(struct colour colour, struct shade fallback)
{
    struct shade shade = fallback;
    return theme_rgb(colour, shade.rgb) ? shade : fallback;
}

/* Lines and bars are no text (WCAG 2.1, 1.4.11). */
static bool is_graphic(enum theme_role role)
{
    return role == ROLE_TRACK || role == ROLE_TRACK_LOAD || role == ROLE_CHART ||
           role == ROLE_CHART_BAD || role == ROLE_CHART_AXIS ||
           role == ROLE_CHART_SECOND || role == ROLE_CHART_THIRD ||
           role == ROLE_CHART_FOURTH || role == ROLE_POPUP_BORDER;
}

static bool is_ground(enum theme_role role)
{
    for (size_t i = 1; i < ARRAY_LEN(grounds); i++) {
        if (grounds[i] == role) {
            return true;
        }
    }
    return false;
}

static int complain_of_screen(const char *name, const struct theme *theme,
                              const struct screen *screen, double least)
{
    int n_bad = 0;
    for (size_t g = 0; g < ARRAY_LEN(grounds); g++) {
        for (int i = 0; i < ROLE_COUNT; i++) {
            enum theme_role role = (enum theme_role)i;
            struct style style = theme_style(theme, role, grounds[g]);
            double needed = is_graphic(role) ? 3 : least;
            double contrast = colour_contrast(shade_of(style.fg, screen->text),
                                              shade_of(style.bg, screen->ground));
            /* The banner has a ground of its own and never lies on another one. */
            bool is_met = role != ROLE_BANNER || grounds[g] == ROLE_TEXT;
            if (is_met && !is_ground(role) && (style.attrs & ATTR_REVERSE) == 0 &&
                contrast < needed) {
                print_error("%s: %s on %s: contrast %.2f, needed %.1f\n", name,
                            role_name(role), role_name(grounds[g]), contrast, needed);
                n_bad++;
            }
        }
    }
    return n_bad;
}

static void every_role_can_be_read_on_every_ground(void **state)
{
    size_t n = 0;
    int n_bad = 0;
    (void)state;
    for (; theme_builtin(n) != NULL; n++) {
        const char *name = theme_builtin(n);
        struct theme theme = load(name, DEPTH_RGB);
        bool is_light = strstr(name, "light") != NULL;
        double least = strstr(name, "high-contrast") != NULL ? 7 : 4.5; /* AAA, AA */
        for (size_t i = 0; i < N_SCREENS; i++) {
            n_bad += complain_of_screen(
                name, &theme, is_light ? &light_screens[i] : &dark_screens[i], least);
        }
    }
    assert_int_equal(n_bad, 0);
    assert_true(n >= 8);
}

static int complain_of_pairs(const char *name, const struct theme *theme, enum eyes eyes,
                             double least)
{
    static const enum theme_role meanings[] = {ROLE_STATUS_OK,    ROLE_STATUS_RUN,
                                               ROLE_STATUS_HUMAN, ROLE_STATUS_WARN,
                                               ROLE_STATUS_ERROR, ROLE_STATUS_OFF};
    int n_bad = 0;
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        for (size_t j = 0; j < i; j++) {
            double seen = colour_difference(
                shade_of(theme->styles[meanings[i]].fg, dark_screens[0].text),
                shade_of(theme->styles[meanings[j]].fg, dark_screens[0].text), eyes);
            if (seen < least) {
                print_message("# %s: %s and %s: %.1f, needed %.0f\n", name,
                              role_name(meanings[i]), role_name(meanings[j]), seen,
                              least);
                n_bad++;
            }
        }
    }
    double seen = colour_difference(
        shade_of(theme->styles[ROLE_DIFF_ADD].fg, (struct shade){0}),
        shade_of(theme->styles[ROLE_DIFF_DEL].fg, (struct shade){0}), eyes);
    return n_bad + (seen < least ? 1 : 0);
}

static void colour_blind_eyes_tell_the_states_apart(void **state)
{
    static const struct {
        const char *name;
        enum eyes eyes;
    } rows[] = {
        {"deuteranopia", EYES_DEUTAN},
        {"protanopia",   EYES_PROTAN},
        {"tritanopia",   EYES_TRITAN},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct theme theme = load(rows[i].name, DEPTH_RGB);
        assert_int_equal(complain_of_pairs(rows[i].name, &theme, rows[i].eyes, 20), 0);
        assert_int_equal(complain_of_pairs(rows[i].name, &theme, EYES_USUAL, 20), 0);
        /* Over SSH there are 256 colours, and the nearest ones must do. */
        theme = load(rows[i].name, DEPTH_256);
        assert_int_equal(complain_of_pairs(rows[i].name, &theme, rows[i].eyes, 15), 0);
    }
    /* Why they are needed, and that the simulation simulates. */
    struct theme dark = load("dark", DEPTH_RGB);
    assert_true(complain_of_pairs("dark", &dark, EYES_DEUTAN, 20) > 0);
}

static void the_measures_are_those_of_the_papers(void **state)
{
    static const struct shade black =
                                  {
                                      {0, 0, 0}
    },
                              white = {{255, 255, 255}};
    static const struct shade grey = {
        {0x77, 0x77, 0x77}
    };
    static const struct shade red =
                                  {
                                      {255, 0, 0}
    },
                              green = {{0, 255, 0}};
    (void)state;
    assert_float_equal((float)colour_contrast(black, white), 21, 0.001);
    assert_float_equal((float)colour_contrast(grey, white), 4.48, 0.01);
    assert_float_equal((float)colour_difference(black, white, EYES_USUAL), 100, 0.1);
    for (int eyes = 0; eyes < EYES_COUNT; eyes++) { /* grey stays grey */
        assert_float_equal((float)colour_difference(black, white, (enum eyes)eyes), 100,
                           0.5);
    }
    assert_true(colour_difference(red, green, EYES_DEUTAN) <
                colour_difference(red, green, EYES_USUAL) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_can_be_read_on_every_ground),
        cmocka_unit_test(colour_blind_eyes_tell_the_states_apart),
        cmocka_unit_test(the_measures_are_those_of_the_papers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
