/* SPDX-License-Identifier: MIT */
/*
 * Properties of the views over random sizes and random actions: nothing is drawn outside
 * the canvas, what must be readable is whole, and drawing is fast. A failure prints its
 * seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/base/text.h"
#include "tests/lib/frames.h"
#include "tests/lib/scenes.h"
#include "tui/view/common.h"
#include "tui/widget/table.h"

#define ROUNDS  500
#define MARGIN  3
#define ACTIONS 24

typedef const struct frame *make_frame(void);

static const struct frame *list_of_60(void)
{
    return frames_list(60);
}

static const struct frame *list_of_one(void)
{
    return frames_list(1);
}

static const struct frame *submit_wrong(void)
{
    return frames_submit(false);
}

static const struct frame *corrupt(void)
{
    return frames_trouble(TROUBLE_CORRUPT, true);
}

static const struct frame *missing(void)
{
    return frames_trouble(TROUBLE_MISSING, false);
}

static const struct frame *recovery(void)
{
    return frames_recovery(CASE_FAILURE, 31);
}

/* The number that every view is opened with. */
static const struct frame *of_2207(const struct frame *frame)
{
    struct frame_approval *approval = (struct frame_approval *)(uintptr_t)frame->approval;
    struct frame_optimization *optimization =
        (struct frame_optimization *)(uintptr_t)frame->optimization;
    approval->id = optimization->id = 2207;
    return frame;
}

static const struct frame *asks(void)
{
    return of_2207(frames_asks(1187, 13));
}

static const struct frame *asks_hostile(void)
{
    return of_2207(frames_asks_hostile());
}

static make_frame *const makers[] = {asks,
                                     asks_hostile,
                                     frames_asks_none,
                                     frames_troubles,
                                     frames_troubles_hostile,
                                     recovery,
                                     frames_recovery_hostile,
                                     frames_recovery_none,
                                     frames_busy,
                                     frames_empty,
                                     list_of_60,
                                     list_of_one,
                                     frames_failed,
                                     frames_hostile,
                                     submit_wrong,
                                     corrupt,
                                     missing,
                                     frames_no_engine};

static uint64_t seed = 1; /* of the round; SEED=N starts there */

static struct view *open_view(const struct view_class *klass, int w, int h, bool is_ascii)
{
    struct view *view = klass->open(2207, "");
    view->klass = klass;
    view->w = w;
    view->h = h;
    view->now = frames_now();
    view->is_ascii = is_ascii;
    view->id = 2207;
    return view;
}

static void answer_prompt(struct view *view, const struct frame *frame,
                          struct reply *reply, struct rng *rng)
{
    static const char *const answers[] = {"", "list", "coding", "\x1b[31m", NULL};
    if (!reply->has_prompt || !view->klass->on_prompt)
        return;
    reply->has_prompt = false;
    view->klass->on_prompt(view, frame, reply->prompt.token,
                           answers[rng_below(rng, ARRAY_LEN(answers))], true, reply);
}

/* Whatever an operator may press, in any order. */
static void play(struct view *view, const struct frame *frame, struct rng *rng)
{
    const struct view_class *klass = view->klass;
    size_t n = (size_t)rng_below(rng, ACTIONS);
    for (size_t i = 0; i < n; i++) {
        struct reply reply;
        reply_init(&reply);
        uint64_t pick = rng_below(rng, ACTION_COUNT);
        enum action action = (enum action)pick;
        if (klass->on_action)
            klass->on_action(view, frame, action, &reply);
        answer_prompt(view, frame, &reply, rng);
        if (klass->takes_text && klass->takes_text(view))
            klass->on_text(view, frame, "7e\xcc\x81\t\xe6\xbc\xa2", 8, &reply);
        if (klass->on_frame && rng_below(rng, 2))
            klass->on_frame(view, frame, &reply);
        struct frame_query query = {0};
        if (klass->query)
            klass->query(view, &query);
        int64_t ids[4];
        if (klass->targets)
            assert_true(klass->targets(view, frame, ids, ARRAY_LEN(ids)) <=
                        ARRAY_LEN(ids));
        struct view_subject subjects[2];
        if (klass->subjects)
            assert_true(klass->subjects(view, frame, subjects, ARRAY_LEN(subjects)) <=
                        ARRAY_LEN(subjects));
        if (klass->next_change) {
            struct wall next = klass->next_change(view, frame);
            assert_true(!wall_is_set(next) || next.ms > view->now.ms);
        }
        reply_fini(&reply);
    }
}

static bool is_untouched(const struct cell *cell)
{
    return cell->rune == 'z' && cell->role == ROLE_STALE;
}

/* Nothing is drawn over another text. In ASCII the twins of bars and tracks are letters. */
static void check_covers(const struct surface *surface, const struct view *view)
{
    int x, y;
    if (surface_is_ascii(surface) || surface_covers(surface, &x, &y) == 0)
        return;
    AUTO_FREE char *text = surface_dump_text(surface);
    (void)fputs(text, stderr); /* longer than what cmocka prints */
    fail_msg("SEED=%llu: %s drew over another text at %d %d of %dx%d",
             (unsigned long long)seed, view->klass->name, x - MARGIN, y - MARGIN, view->w,
             view->h);
}

/* Draw into the middle of a marked surface: the marks around it must stand. */
static void check_inside(struct surface *surface, const struct view *view,
                         const struct frame *frame)
{
    struct canvas all = canvas_of(surface);
    for (int y = 0; y < all.h; y++)
        for (int x = 0; x < all.w; x++)
            canvas_text(&all, x, y, 1, ROLE_STALE, "z");
    struct rect rect = {MARGIN, MARGIN, view->w, view->h};
    canvas_fill(&all, rect, ROLE_TEXT);
    struct canvas part = canvas_sub(&all, rect);
    surface_watch_covers(surface);
    view->klass->draw(view, frame, &part);
    check_covers(surface, view);
    for (int y = 0; y < all.h; y++) {
        const struct cell *row = surface_row(surface, y);
        for (int x = 0; x < all.w; x++) {
            bool is_in = x >= MARGIN && x < MARGIN + view->w && y >= MARGIN &&
                         y < MARGIN + view->h;
            if (!is_in && !is_untouched(&row[x]))
                fail_msg("SEED=%llu: %s drew outside, at %d %d of %dx%d",
                         (unsigned long long)seed, view->klass->name, x - MARGIN,
                         y - MARGIN, view->w, view->h);
            if (is_in && (row[x].rune < 0x20 && row[x].rune != 0))
                fail_msg("SEED=%llu: %s drew a control character",
                         (unsigned long long)seed, view->klass->name);
        }
    }
}

static void test_nothing_outside(void **state)
{
    (void)state;
    const char *seed_text = getenv("SEED");
    seed = seed_text ? strtoull(seed_text, NULL, 10) : 1;
    for (int round = 0; round < ROUNDS; round++, seed++) {
        struct rng rng;
        rng_init(&rng, seed);
        int w = 60 + (int)rng_below(&rng, 141), h = 14 + (int)rng_below(&rng, 45);
        bool is_ascii = rng_below(&rng, 2);
        const struct scene *scene = &scenes[rng_below(&rng, scenes_count())];
        const struct frame *own = scene->make(), *frame = own;
        if (!own ||
            rng_below(&rng, 4) == 0) { /* a frame that was made for another view */
            frame_unref(own);
            frame = makers[rng_below(&rng, ARRAY_LEN(makers))]();
        }
        const struct view_class *klass = scene->klass;
        struct view *view = scene_open(scene, frame, w, h, is_ascii);
        struct surface *surface = surface_new(w + 2 * MARGIN, h + 2 * MARGIN, is_ascii);
        play(view, frame, &rng);
        check_inside(surface, view, frame);
        view->w = 60 + (int)rng_below(&rng, 141); /* resized */
        view->h = 14 + (int)rng_below(&rng, 45);
        surface_resize(surface, view->w + 2 * MARGIN, view->h + 2 * MARGIN);
        check_inside(surface, view, frame);
        klass->close(view);
        surface_free(surface);
        frame_unref(frame);
    }
}

/* What an operator must be able to read on every screen from 80 columns up. */
static void test_words_are_whole(void **state)
{
    (void)state;
    static const struct {
        const struct view_class *klass;
        make_frame *make;
        const char *words[8];
    } rows[] = {
        {&overview_class,
         frames_busy,                     {"IDLE", "VALIDATING", "COMPLETED", "NEEDS YOU  3", "WRONG NOW  2",
          "RUNNING NOW  6 of 50, 3 queued", "wf-2203", "merge approval"}   },
        {&workflows_class,
         list_of_60,                      {"WORKFLOWS  100,000", "STATE", "TITLE", "wf-2207"}   },
        {&workflow_class,
         frames_busy,                     {"VALIDATING", "unit tests", "iteration 2 of 10   2m of 30m",
          "Cache the price list lookups", "PR #482", "STEPS", "LOG"}       },
        {&log_class,       frames_failed, {"LOG", "failed", "expected 3 entries, found 4"}      },
        {&diff_class,      frames_busy,   {"1 file, 2 added, 1 removed", "+++ b/price_list.c"}  },
        {&engine_class,
         frames_busy,                     {"running", "4711", "/var/lib/signalbox/signalbox.db"}},
    };
    struct rng rng;
    rng_init(&rng, 7);
    for (int round = 0; round < 200; round++) {
        int w = 80 + (int)rng_below(&rng, 121), h = 22 + (int)rng_below(&rng, 37);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
            const struct frame *frame = rows[i].make();
            struct view *view = open_view(rows[i].klass, w, h, false);
            struct surface *surface = surface_new(w, h, false);
            struct canvas canvas = canvas_of(surface);
            struct reply reply;
            reply_init(&reply);
            if (view->klass->on_frame)
                view->klass->on_frame(view, frame, &reply);
            reply_fini(&reply);
            view->klass->draw(view, frame, &canvas);
            AUTO_FREE char *text = surface_dump_text(surface);
            for (size_t k = 0; k < ARRAY_LEN(rows[i].words) && rows[i].words[k]; k++)
                if (!strstr(text, rows[i].words[k]))
                    fail_msg("%s at %dx%d lacks \"%s\":\n%s", view->klass->name, w, h,
                             rows[i].words[k], text);
            view->klass->close(view);
            surface_free(surface);
            frame_unref(frame);
        }
    }
}

/* Columns stand inside, in order, apart; what matters most is there. */
static void test_table_layout(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 3);
    for (int round = 0; round < 2000; round++) {
        struct column columns[TABLE_COLUMNS_MAX];
        size_t n = 1 + (size_t)rng_below(&rng, TABLE_COLUMNS_MAX);
        int needed = 0;
        for (size_t i = 0; i < n; i++) {
            int min = 1 + (int)rng_below(&rng, 20);
            columns[i] = (struct column){
                "X",   min, min + (int)rng_below(&rng, 30), (int)rng_below(&rng, 5),
                false, -1};
            if (columns[i].importance == 0)
                needed += min + TABLE_GAP;
        }
        int x0 = (int)rng_below(&rng, 5), width = needed + (int)rng_below(&rng, 150);
        struct table_layout layout = table_layout(columns, n, x0, width);
        int end = x0;
        for (size_t i = 0; i < n; i++) {
            if (layout.w[i] == 0) {
                assert_true(columns[i].importance > 0);
                continue;
            }
            assert_true(layout.x[i] >= end);
            assert_in_range(layout.w[i], columns[i].min, columns[i].max);
            end = layout.x[i] + layout.w[i] + TABLE_GAP;
        }
        assert_true(end - TABLE_GAP <= x0 + width || needed == 0);
        assert_int_equal(table_scroll(0, 5, 100, 10), 0);
    }
    assert_int_equal(table_scroll(0, 15, 100, 10), 6);
    assert_int_equal(table_scroll(90, 50, 100, 10), 50);
    assert_int_equal(table_scroll(95, 99, 100, 10), 90);
}

static void test_drawing_is_fast(void **state)
{
    (void)state;
    for (size_t i = 0; view_classes[i]; i++) {
        const struct frame *frame = frames_hostile();
        struct view *view = open_view(view_classes[i], 160, 46, false);
        struct surface *surface = surface_new(160, 46, false);
        struct canvas canvas = canvas_of(surface);
        int64_t best = INT64_MAX;
        for (int k = 0; k < 50; k++) {
            surface_clear(surface);
            struct mono begun = mono_now();
            view->klass->draw(view, frame, &canvas);
            int64_t took = mono_now().ns - begun.ns;
            best = took < best ? took : best;
        }
        print_message("draw %-10s %4lld us\n", view->klass->name, (long long)best / 1000);
        assert_true(best < 1000 * 1000 * 10); /* the goal is 1 ms, without sanitizers */
        view->klass->close(view);
        surface_free(surface);
        frame_unref(frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_outside),
        cmocka_unit_test(test_words_are_whole),
        cmocka_unit_test(test_table_layout),
        cmocka_unit_test(test_drawing_is_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
