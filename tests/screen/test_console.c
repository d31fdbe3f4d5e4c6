/* SPDX-License-Identifier: MIT */
/*
 * Properties of the whole screen over random sizes: each view between its bars, with banners,
 * messages, other people and whatever floats. Nothing is drawn over another text, nothing is cut
 * through a wide character, the bars say where one is and how to get help. A failure prints
 * its seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/text.h"
#include "engine/control/verb.h"
#include "tests/lib/frames.h"
#include "tests/lib/stage.h"

#define ROUNDS 500
#define MIN_W  TERM_MIN_W
#define MIN_H  TERM_MIN_H

static uint64_t seed = 1; /* of the round; SEED=N starts there */

static bool toss(struct rng *rng, int one_in)
{
    return rng_below(rng, (uint64_t)one_in) == 0;
}

/* Texts as they come from outside, cleaned; long and wide. */
static const char *const texts[] = {
    "",
    "ada",
    "the runner is gone, and nobody knows why: look at its console before noon",
    "\xe6\xbc\xa2\xe5\xad\x97\xe4\xbb\xae\xe5\x90\x8d\xe6\xbc\xa2\xe5\xad\x97\xe4\xbb\xae"
    "\xe5\x90\x8d\xe6\xbc\xa2\xe5\xad\x97\xe4\xbb\xae\xe5\x90\x8d\xe6\xbc\xa2\xe5\xad\x97"
    "\xe4\xbb\xae\xe5\x90\x8d\xe6\xbc\xa2\xe5\xad\x97\xe4\xbb\xae\xe5\x90\x8d\xe6\xbc\xa2"
    "\xe5\xad\x97\xe4\xbb\xae\xe5\x90\x8d\xe6\xbc\xa2\xe5\xad\x97\xe4\xbb\xae\xe5\x90"
    "\x8d",
    "e\xcc\x81\xcc\x81t\xcc\x81 \xf0\x9f\x9a\x82\xf0\x9f\x9a\x82 \xef\xbf\xbd",
};

static const char *pick_text(struct rng *rng)
{
    return texts[rng_below(rng, ARRAY_LEN(texts))];
}

/* ---- around the view ---- */

static void dress_frame(struct frame *frame, struct rng *rng)
{
    static struct presence_row here[2] = {
        {.pid = 1, .user = "ada"},
        {.pid = 2       }
    };
    if (toss(rng, 3)) {
        frame->halt = (struct halt_row){.is_on = true,
                                        .at = frames_now(),
                                        .by = pick_text(rng),
                                        .reason = pick_text(rng)};
    }
    if (toss(rng, 4)) {
        frame->is_past = true;
        frame->moment = (struct moment){.seq = 1204,
                                        .at = {1795317120000},
                                        .is_event = true,
                                        .kind = "check-failed",
                                        .workflow = 2207,
                                        .last = 20311};
    }
    if (toss(rng, 3)) {
        frame->here = here;
        frame->n_here = ARRAY_LEN(here);
    }
}

static void dress(struct stage *stage, struct rng *rng)
{
    static const char *const environments[] = {"", "production",
                                               "staging of the third floor"};
    struct console *c = &stage->console;
    stage_set_environment(stage, environments[rng_below(rng, ARRAY_LEN(environments))]);
    stage->options.is_read_only = toss(rng, 3);
    c->past.is_on = c->frame->is_past || toss(rng, 6);
    c->is_perf_shown = toss(rng, 4);
    if (toss(rng, 3)) {
        c->messages[0] = (struct message){.kind = MESSAGE_WARN, .at = frames_now()};
        (void)snprintf(c->messages[0].text, sizeof(c->messages[0].text), "%s",
                       pick_text(rng));
        c->n_messages = 1;
        c->is_message_shown = true;
    }
    stage_resize(stage, surface_width(c->surface), surface_height(c->surface));
}

/* ---- what floats ---- */

static void order_about(struct console *c, struct rng *rng)
{
    static const char *const names[] = {"cancel", "halt", "approve", "pause"};
    const struct view_class *klass = c->stack[0]->klass;
    struct order *order = &c->order;
    order->verb = verb_find(names[rng_below(rng, ARRAY_LEN(names))]);
    assert_non_null(order->verb);
    order->ids = mem_array(3, sizeof(*order->ids));
    order->n = (size_t)rng_below(rng, 4);
    (void)snprintf(order->title, sizeof(order->title), "%.100s", pick_text(rng));
    (void)snprintf(order->why, sizeof(order->why), "%.100s", pick_text(rng));
    if (klass->subjects != NULL) {
        order->subjects = mem_array(VIEW_SUBJECTS_MAX, sizeof(*order->subjects));
        order->n_subjects =
            klass->subjects(c->stack[0], c->frame, order->subjects, VIEW_SUBJECTS_MAX);
    }
}

static void float_something(struct console *c, struct rng *rng)
{
    static const struct prompt_request question = {.label = "filter",
                                                   .example = "a word"};
    switch (rng_below(rng, 8)) {
    case 0:
        layer_overlay(c, OVERLAY_HELP);
        layer_top(c)->scroll = (int)rng_below(rng, 40);
        break;
    case 1:
        layer_overlay(c, OVERLAY_MESSAGES);
        break;
    case 2:
        layer_palette(c, "");
        break;
    case 3:
        layer_palette(c, toss(rng, 2) ? "approve a-12" : pick_text(rng));
        layer_action(c, ACTION_CHOICE_NEXT);
        break;
    case 4:
        layer_ask(c, &question, pick_text(rng));
        break;
    case 5:
        order_about(c, rng);
        layer_confirm(c);
        break;
    case 6:
        order_about(c, rng);
        layer_ask(c, &question, pick_text(rng));
        layer_top(c)->key = "confirm";
        layer_top(c)->is_decision = true;
        break;
    default:
        break;
    }
    if (toss(rng, 6)) {
        layer_overlay(c, OVERLAY_HELP);
    }
}

/* ---- what must hold ---- */

static void check_cells(const struct stage *stage, const char *what)
{
    const struct surface *surface = stage->console.surface;
    int w = surface_width(surface);
    for (int y = 0; y < surface_height(surface); y++) {
        const struct cell *row = surface_row(surface, y);
        for (int x = 0; x < w; x++) {
            bool is_wide = row[x].rune != 0 && text_rune_cells(row[x].rune) == 2;
            bool has_half = x + 1 < w && row[x + 1].rune == 0;
            bool is_half = row[x].rune == 0;
            if (is_wide != has_half || (is_half && x == 0) ||
                (!is_half &&
                 (row[x].rune < 0x20 || (row[x].rune >= 0x7F && row[x].rune < 0xA0)))) {
                fail_msg("SEED=%llu: %s: U+%04X at %d %d of %dx%d",
                         (unsigned long long)seed, what, (unsigned)row[x].rune, x, y, w,
                         surface_height(surface));
            }
        }
    }
}

static void check_covers(const struct stage *stage, const char *what)
{
    const struct surface *surface = stage->console.surface;
    int x, y;
    if (surface_is_ascii(surface) || surface_covers(surface, &x, &y) == 0) {
        return; /* twins of bars and tracks are letters */
    }
    AUTO_FREE char *text = surface_dump_text(surface);
    (void)fputs(text, stderr); /* longer than what cmocka prints */
    fail_msg("SEED=%llu: %s drew over another text at %d %d of %dx%d",
             (unsigned long long)seed, what, x, y, surface_width(surface),
             surface_height(surface));
}

static bool has_in_row(const struct surface *surface, int y, const char *text)
{
    AUTO_FREE char *all = surface_dump_text(surface);
    char *line = all;
    for (int i = 0; i < y; i++) {
        line = strchr(line, '\n') + 1;
    }
    *strchr(line, '\n') = '\0';
    return strstr(line, text) != NULL;
}

static void check_bars(const struct stage *stage, const char *what)
{
    const struct console *c = &stage->console;
    const struct surface *surface = c->surface;
    int h = surface_height(surface);
    if (!has_in_row(surface, 0, "signalbox")) {
        AUTO_FREE char *text = surface_dump_text(surface);
        fail_msg("SEED=%llu: %s: no name in the top line:\n%s", (unsigned long long)seed,
                 what, text);
    }
    if (c->n_layers == 0 && !c->is_message_shown && !has_in_row(surface, h - 1, "help")) {
        fail_msg("SEED=%llu: %s: no way to the help", (unsigned long long)seed, what);
    }
}

static void compose(struct stage *stage)
{
    surface_watch_covers(stage->console.surface);
    console_compose(&stage->console);
    check_cells(stage, stage->console.stack[0]->klass->name);
    check_covers(stage, stage->console.stack[0]->klass->name);
    check_bars(stage, stage->console.stack[0]->klass->name);
}

static void one_round(const struct scene *scene, struct rng *rng)
{
    struct stage stage = {0};
    int w = MIN_W + (int)rng_below(rng, 141);
    int h = MIN_H + (int)rng_below(rng, 45);
    const struct frame *frame = scene->make();
    if (frame != NULL) {
        dress_frame((struct frame *)(uintptr_t)frame, rng);
    }
    stage_open(&stage, scene, frame, w, h, toss(rng, 4));
    dress(&stage, rng);
    compose(&stage);
    float_something(&stage.console, rng);
    compose(&stage);
    stage_resize(&stage, MIN_W + (int)rng_below(rng, 141),
                 MIN_H + (int)rng_below(rng, 45));
    compose(&stage);
    stage_close(&stage);
}

static void nothing_overlaps(void **state)
{
    (void)state;
    const char *text = getenv("SEED");
    seed = text != NULL ? strtoull(text, NULL, 10) : 1;
    for (int round = 0; round < ROUNDS; round++, seed++) {
        struct rng rng;
        rng_init(&rng, seed);
        one_round(&scenes[seed % scenes_count()], &rng);
    }
}

static void every_view_has_a_scene(void **state)
{
    (void)state;
    for (size_t i = 0; view_classes[i] != NULL; i++) {
        size_t k = 0;
        while (scenes[k].klass != NULL && scenes[k].klass != view_classes[i]) {
            k++;
        }
        if (scenes[k].klass == NULL) {
            fail_msg("no scene of %s", view_classes[i]->name);
        }
    }
}

/* Below the smallest size there is what is wrong, what is needed and the way out, as far as the
 * cells go; and nothing of the view. */
static void a_small_terminal_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < scenes_count(); i += 7) {
        struct stage stage = {0};
        stage_open(&stage, &scenes[i], scenes[i].make(), 80, 24, false);
        for (int w = 1; w <= 200; w += w < 62 ? 1 : 23) {
            for (int h = 1; h <= 40; h += h < 18 ? 1 : 5) {
                stage_resize(&stage, w, h);
                console_compose(&stage.console);
                check_cells(&stage, "small");
                AUTO_FREE char *text = surface_dump_text(stage.console.surface);
                bool is_small = w < MIN_W || h < MIN_H;
                bool is_told = strstr(text, " is too small") != NULL;
                if (is_small && w >= 26 && h >= 3) {
                    assert_true(is_told);
                    assert_non_null(strstr(text, "signalbox needs 60x16"));
                    assert_non_null(strstr(text, "q quits"));
                    assert_null(strstr(text, "help"));
                }
                assert_true(is_small || !is_told);
            }
        }
        stage_close(&stage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_view_has_a_scene),
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(a_small_terminal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
