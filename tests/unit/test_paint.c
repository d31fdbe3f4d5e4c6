/* SPDX-License-Identifier: MIT */
#include "tui/paint.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <vterm.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"

#define W 40
#define H 12

struct bench {
    VTerm *vt;
    VTermScreen *screen;
    struct painter *painter;
    struct surface *surface;
    struct theme theme;
    struct paint_caps caps;
    struct buf out;
};

static struct paint_caps best_caps(void)
{
    return (struct paint_caps){.depth = DEPTH_256,
                               .attrs = 0x1F,
                               .has_bce = true,
                               .has_ech = true,
                               .wraps_late = true,
                               .has_cursor_mode = true};
}

static void bench_init(struct bench *b, const char *theme, struct paint_caps caps)
{
    struct findings findings;
    findings_init(&findings);
    *b = (struct bench){.caps = caps};
    assert_true(theme_load(theme, &b->theme, &findings));
    theme_degrade(&b->theme, caps.depth);
    findings_fini(&findings);
    b->vt = vterm_new(H, W);
    vterm_set_utf8(b->vt, 1);
    b->screen = vterm_obtain_screen(b->vt);
    vterm_screen_reset(b->screen, 1);
    b->painter = painter_new();
    b->surface = surface_new(W, H, false);
    buf_init(&b->out, PAINT_FRAME_MAX);
}

static void bench_fini(struct bench *b)
{
    vterm_free(b->vt);
    painter_free(b->painter);
    surface_free(b->surface);
    buf_fini(&b->out);
}

static size_t show(struct bench *b)
{
    buf_clear(&b->out);
    size_t n = painter_show(b->painter, b->surface, &b->theme, &b->caps, &b->out);
    assert_int_equal(vterm_input_write(b->vt, b->out.data, b->out.len), b->out.len);
    return n;
}

static bool is_colour(const VTermColor *seen, const struct colour *wanted, bool is_bg)
{
    if (wanted->kind == COLOUR_DEFAULT) {
        return is_bg ? VTERM_COLOR_IS_DEFAULT_BG(seen) : VTERM_COLOR_IS_DEFAULT_FG(seen);
    }
    if (wanted->kind == COLOUR_RGB) {
        return VTERM_COLOR_IS_RGB(seen) && seen->rgb.red == wanted->r &&
               seen->rgb.green == wanted->g && seen->rgb.blue == wanted->b;
    }
    return VTERM_COLOR_IS_INDEXED(seen) && seen->indexed.idx == wanted->index;
}

static void expect_cell(const struct bench *b, int x, int y)
{
    const struct cell *row = surface_row(b->surface, y);
    const struct cell *cell = &row[x];
    VTermScreenCell seen;
    VTermPos pos = {.row = y, .col = x};
    if (cell->rune == 0) {
        return;
    }
    assert_int_equal(vterm_screen_get_cell(b->screen, pos, &seen), 1);
    uint32_t rune = seen.chars[0] == 0 ? ' ' : seen.chars[0];
    struct style style = theme_style(&b->theme, (enum theme_role)cell->role,
                                     (enum theme_role)cell->ground);
    if (rune != cell->rune || !is_colour(&seen.bg, &style.bg, true)) {
        fail_msg("cell %d,%d: U+%04X, wanted U+%04X (or another ground)", x, y, rune,
                 cell->rune);
    }
    bool is_reverse = (style.attrs & ATTR_REVERSE) != 0;
    assert_int_equal(seen.attrs.reverse, is_reverse);
    if (cell->rune != ' ') {
        for (int i = 0; i < CELL_MARKS; i++) {
            assert_int_equal(seen.chars[i + 1], cell->marks[i]);
            if (cell->marks[i] == 0) {
                break; /* what follows the end is not written */
            }
        }
        assert_true(is_colour(&seen.fg, &style.fg, false));
        assert_int_equal(seen.attrs.bold, (style.attrs & ATTR_BOLD) != 0);
        assert_int_equal(seen.attrs.underline, (style.attrs & ATTR_UNDERLINE) != 0);
    }
}

static void expect_screen(const struct bench *b)
{
    for (int y = 0; y < H; y++) {
        for (int x = 0; x < W; x++) {
            expect_cell(b, x, y);
        }
    }
    VTermPos at;
    int x;
    int y;
    if (surface_cursor(b->surface, &x, &y)) {
        vterm_state_get_cursorpos(vterm_obtain_state(b->vt), &at);
        assert_int_equal(at.col, x);
        assert_int_equal(at.row, y);
    }
}

static unsigned draw(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

/* Something like a screen: texts, lines, bars, grounds, erased parts, wide characters. */
static void scribble(const struct bench *b, unsigned *seed)
{
    static const char *const words[] = {"VALIDATING",
                                        "漢字漢字",
                                        "e\xCC\x81t\xCC\xA3\xCC\x81",
                                        "✓ unit",
                                        "─────▶",
                                        "   ",
                                        "0123456789",
                                        "a",
                                        "█▌▏",
                                        "                         ",
                                        "한국어 x"};
    struct canvas c = canvas_of(b->surface);
    for (unsigned i = draw(seed, 6); i > 0; i--) {
        int x = (int)draw(seed, W + 4) - 2;
        int y = (int)draw(seed, H);
        enum theme_role role = (enum theme_role)draw(seed, ROLE_COUNT);
        switch (draw(seed, 5)) {
        case 0:
            canvas_fill(&c, (struct rect){x, y, (int)draw(seed, W), 2}, ROLE_TEXT);
            break;
        case 1:
            canvas_ground(&c, (struct rect){x, y, (int)draw(seed, W), 1},
                          draw(seed, 2) > 0 ? ROLE_CURSOR : ROLE_TEXT);
            break;
        default:
            (void)canvas_text(&c, x, y, CANVAS_REST, role,
                              words[draw(seed, (unsigned)ARRAY_LEN(words))]);
        }
    }
    if (draw(seed, 4) == 0) {
        canvas_put_cursor(&c, (int)draw(seed, W), (int)draw(seed, H));
    }
    if (draw(seed, 40) == 0) {
        surface_clear(b->surface);
    }
}

static void run_random(const char *theme, struct paint_caps caps, unsigned seed)
{
    struct bench b;
    bench_init(&b, theme, caps);
    for (int round = 0; round < 400; round++) {
        scribble(&b, &seed);
        if (draw(&seed, 60) == 0) {
            static const char noise[] =
                "\x1b[2;3H\x1b[41mnoise of another program\x1b[5m";
            (void)vterm_input_write(b.vt, noise, sizeof(noise) - 1);
            painter_forget(b.painter);
        }
        (void)show(&b);
        expect_screen(&b);
    }
    bench_fini(&b);
}

static void the_terminal_shows_what_the_surface_holds(void **state)
{
    struct paint_caps caps = best_caps();
    (void)state;
    run_random("dark", caps, 1);
    run_random("high-contrast", caps, 2);
    caps.depth = DEPTH_RGB;
    run_random("light", caps, 3);
    caps.depth = DEPTH_8;
    run_random("dark", caps, 4);
    caps.depth = DEPTH_16;
    run_random("tritanopia", caps, 5);
    caps.has_bce = false;
    caps.has_ech = false;
    run_random("high-contrast", caps, 6);
    caps.depth = DEPTH_MONO;
    caps.has_cursor_mode = false;
    caps.attrs = ATTR_BOLD | ATTR_UNDERLINE | ATTR_REVERSE;
    run_random("mono", caps, 7);
}

static void nothing_changed_writes_nothing(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b, "dark", best_caps());
    struct canvas c = canvas_of(b.surface);
    (void)canvas_text(&c, 2, 2, 20, ROLE_STATUS_ERROR, "wf-12 failed");
    assert_true(show(&b) > 0);
    assert_int_equal(show(&b), 0);
    assert_int_equal(b.out.len, 0);
    /* The same look under another name is no change either. */
    (void)canvas_text(&c, 2, 2, 20, ROLE_STATE_FAILED, "wf-12 failed");
    assert_int_equal(show(&b), 0);
    assert_int_equal(b.out.len, 0);
    bench_fini(&b);
}

static void a_clock_costs_a_few_bytes(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b, "dark", best_caps());
    struct canvas c = canvas_of(b.surface);
    (void)canvas_text(&c, W - 7, 0, 6, ROLE_TOP_STATE, "14:03Z");
    (void)canvas_text(&c, 0, H - 1, W, ROLE_BOTTOM, "? help");
    (void)show(&b);
    (void)canvas_text(&c, W - 7, 0, 6, ROLE_TOP_STATE, "14:04Z");
    assert_int_equal(show(&b), 1);
    assert_true(b.out.len <= 20);
    bench_fini(&b);
}

static void a_large_frame_is_wrapped_in_synchronized_output(void **state)
{
    struct paint_caps caps = best_caps();
    struct bench b;
    (void)state;
    caps.has_sync = true;
    bench_init(&b, "dark", caps);
    struct canvas c = canvas_of(b.surface);
    for (int y = 0; y < H; y++) {
        canvas_line(&c, 0, y, W, ROLE_TEXT, GLYPH_BLOCK);
    }
    (void)show(&b);
    assert_memory_equal(b.out.data, "\x1b[?2026h", 8);
    assert_memory_equal(b.out.data + b.out.len - 8, "\x1b[?2026l", 8);
    (void)canvas_text(&c, 0, 0, 5, ROLE_TEXT, "small");
    (void)show(&b);
    assert_null(strstr(b.out.data, "2026"));
    bench_fini(&b);
}

static void a_doubtful_width_cannot_shift_the_row(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b, "dark", best_caps());
    struct canvas c = canvas_of(b.surface);
    (void)canvas_text(&c, 2, 0, 20, ROLE_TEXT, "a😀b");
    (void)show(&b);
    /* After the emoji the cursor is placed by number. */
    assert_non_null(strstr(b.out.data, "😀\x1b[1;6Hb"));
    bench_fini(&b);
}

static void the_last_cell_is_left_alone_where_writing_it_scrolls(void **state)
{
    struct paint_caps caps = best_caps();
    struct bench b;
    (void)state;
    caps.wraps_late = false;
    bench_init(&b, "dark", caps);
    struct canvas c = canvas_of(b.surface);
    canvas_line(&c, 0, H - 1, W, ROLE_TEXT, GLYPH_LINE);
    (void)show(&b);
    VTermScreenCell seen;
    VTermPos pos = {.row = H - 1, .col = W - 1};
    assert_int_equal(vterm_screen_get_cell(b.screen, pos, &seen), 1);
    assert_int_equal(seen.chars[0], 0);
    bench_fini(&b);
}

static void a_new_size_starts_again(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b, "dark", best_caps());
    struct canvas c = canvas_of(b.surface);
    (void)canvas_text(&c, 2, 2, 20, ROLE_TEXT, "text");
    (void)show(&b);
    surface_resize(b.surface, 0, 0);
    (void)show(&b);
    surface_resize(b.surface, W, H);
    c = canvas_of(b.surface);
    (void)canvas_text(&c, 0, 3, 20, ROLE_TEXT, "again");
    (void)show(&b);
    expect_screen(&b);
    bench_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_terminal_shows_what_the_surface_holds),
        cmocka_unit_test(nothing_changed_writes_nothing),
        cmocka_unit_test(a_clock_costs_a_few_bytes),
        cmocka_unit_test(a_large_frame_is_wrapped_in_synchronized_output),
        cmocka_unit_test(a_doubtful_width_cannot_shift_the_row),
        cmocka_unit_test(the_last_cell_is_left_alone_where_writing_it_scrolls),
        cmocka_unit_test(a_new_size_starts_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
