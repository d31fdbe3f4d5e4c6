/* SPDX-License-Identifier: MIT */
/*
 * The banner of the past: golden at 80x24 and 160x48 above the overview, in every width with
 * its time and the way back; and the steps of its keys. SCREENS_UPDATE=1 rewrites the golden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "tests/lib/frames.h"
#include "tui/past.h"
#include "tui/view/common.h"

#define GOLDEN_MAX (256 * 1024)
#define GOLDEN     "tests/screen/past.golden"

static const struct past_keys keys = {", .", "< >", "{ }", "T"};

static struct moment sample_moment(void)
{
    return (struct moment){.seq = 1204,
                           .at = {1795317120000},
                           .is_event = true,
                           .kind = "check-failed",
                           .workflow = 2207,
                           .last = 20311};
}

/* The whole screen but top and bottom line. */
static void add_screen(struct buf *out, int w, int h, bool is_ascii, bool is_known)
{
    struct surface *surface = surface_new(w, h, is_ascii);
    const struct frame *frame = frames_busy();
    const struct moment moment = sample_moment();
    struct view *view = overview_class.open(0, "");
    surface_clear(surface);
    struct canvas all = canvas_of(surface);
    struct canvas part = canvas_sub(&all, (struct rect){0, 2, w, h - 3});
    view->klass = &overview_class;
    view->w = w;
    view->h = h - 3;
    view->now = frames_now();
    view->is_ascii = is_ascii;
    past_draw_banner(&all, 1, &moment, &keys);
    if (is_known) {
        overview_class.draw(view, frame, &part);
    } else {
        past_draw_unknown(&part, "Engine", "T");
    }
    AUTO_FREE char *text = surface_dump_text(surface);
    AUTO_FREE char *roles = surface_dump_roles(surface);
    (void)buf_printf(out, "== %dx%d%s%s\n%s== roles\n%s", w, h, is_ascii ? " ascii" : "",
                     is_known ? "" : " not known", text, roles);
    overview_class.close(view);
    surface_free(surface);
    frame_unref(frame);
}

static void the_banner_stands_above_every_view(void **state)
{
    struct err err = ERR_INIT;
    AUTO_BUF struct buf out;
    AUTO_FREE char *golden = NULL;
    size_t len = 0;
    (void)state;
    buf_init(&out, GOLDEN_MAX);
    add_screen(&out, 80, 24, false, true);
    add_screen(&out, 80, 24, true, true);
    add_screen(&out, 160, 48, false, true);
    add_screen(&out, 80, 24, false, false);
    if (getenv("SCREENS_UPDATE") != NULL) { // NOLINT(concurrency-mt-unsafe)
        assert_true(file_write(GOLDEN, out.data, out.len, &err));
        return;
    }
    if (!file_read(GOLDEN, GOLDEN_MAX, &golden, &len, &err)) {
        fail_msg("%s (SCREENS_UPDATE=1 writes it)", err.msg);
    }
    if (strcmp(golden, out.data) != 0) {
        (void)!file_write("build/past.screen", out.data, out.len, &err);
        fail_msg("changed: diff %s build/past.screen, SCREENS_UPDATE=1 accepts", GOLDEN);
    }
}

static void it_cannot_be_missed_at_any_width(void **state)
{
    const struct moment moment = sample_moment();
    (void)state;
    for (int w = 60; w <= 200; w++) {
        struct surface *surface = surface_new(w, 2, false);
        surface_clear(surface);
        struct canvas all = canvas_of(surface);
        past_draw_banner(&all, 1, &moment, &keys);
        AUTO_FREE char *text = surface_dump_text(surface);
        assert_non_null(strstr(text, "AS OF 2026-11-22 03:12:00Z"));
        assert_non_null(strstr(text, "T now"));
        const struct cell *row = surface_row(surface, 1);
        for (int x = 0; x < w; x++) {
            assert_int_equal(row[x].role, ROLE_BANNER);
        }
        surface_free(surface);
    }
}

/* ---- keys ---- */

static const struct wall now = {1795317120000 + 7200000};

static bool step(struct past_ask *ask, const struct frame *frame, enum action action)
{
    return past_step(ask, frame, true, action, now);
}

static void keys_go_from_what_is_shown(void **state)
{
    struct past_ask ask = {0};
    struct frame frame = {.is_past = true, .moment = sample_moment()};
    (void)state;
    assert_false(step(&ask, NULL, ACTION_PAST_EVENT_BACK)); /* not there yet */
    assert_true(step(&ask, NULL, ACTION_PAST));
    assert_true(ask.is_on && ask.event == MOMENT_NEWEST);
    assert_true(step(&ask, &frame, ACTION_PAST_EVENT_BACK));
    assert_int_equal(ask.event, 1204);
    assert_int_equal(ask.by, -1);
    /* Faster than the answers: from what was asked. */
    assert_true(past_step(&ask, &frame, false, ACTION_PAST_EVENT_BACK, now));
    assert_int_equal(ask.by, -2);
    frame.moment.is_event = false;
    assert_true(step(&ask, &frame, ACTION_PAST_EVENT_ON));
    assert_int_equal(ask.event, 0);
    assert_int_equal(ask.at.ms, frame.moment.at.ms);
    assert_int_equal(ask.by, 1);
    assert_true(step(&ask, &frame, ACTION_PAST_HOUR_BACK));
    assert_int_equal(ask.at.ms, frame.moment.at.ms - 3600000);
    assert_int_equal(ask.by, 0);
    assert_true(past_step(&ask, &frame, false, ACTION_PAST_MINUTE_ON, now));
    assert_int_equal(ask.at.ms, frame.moment.at.ms - 3540000);
    frame.moment.at = now;
    assert_true(step(&ask, &frame, ACTION_PAST_MINUTE_ON)); /* not yet: the newest */
    assert_true(ask.event == MOMENT_NEWEST);
    assert_false(step(&ask, &frame, ACTION_ROW_DOWN));
    assert_true(step(&ask, &frame, ACTION_PAST));
    assert_false(ask.is_on);
}

/* A new view is of now until somebody says that it is of then as well. */
static void views_of_now_are_not_shown(void **state)
{
    static const char *const of_now[] = {"engine", "submit", "health", "outlook"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(of_now); i++) {
        assert_non_null(view_class_find(of_now[i]));
        assert_false(past_knows(view_class_find(of_now[i])));
    }
    assert_true(past_knows(&overview_class));
    assert_true(past_knows(&workflow_class));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_banner_stands_above_every_view),
        cmocka_unit_test(it_cannot_be_missed_at_any_width),
        cmocka_unit_test(keys_go_from_what_is_shown),
        cmocka_unit_test(views_of_now_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
