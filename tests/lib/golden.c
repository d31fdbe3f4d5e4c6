/* SPDX-License-Identifier: MIT */
#include "tests/lib/golden.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "tests/lib/frames.h"
#include "tui/theme.h"

#define GOLDEN_MAX  (1024 * 1024)
#define BARS        2 /* top and bottom line are the console's */
#define CLASSES_MAX 100

static const struct view_class *seen_classes[CLASSES_MAX];
static size_t n_classes;

struct shot shot_take(const struct view_class *klass, int64_t id, const char *arg,
                      const struct frame *frame, int w, int h, bool is_ascii,
                      const struct play *play)
{
    struct shot shot = {.surface = surface_new(w, h, is_ascii)};
    struct view *view = klass->open(id, arg);
    view->klass = klass;
    view->w = w;
    view->h = h;
    view->now = frames_now();
    if (klass->shows_cost) {
        view->cost =
            "412 B/s  1.2 frames/s  2.0 wakes/s  cpu 0.1%  key to paint p50 0.31 ms  p99 "
            "1.20 ms  (64 keys)";
    }
    view->is_ascii = is_ascii;
    view->id = id;
    (void)snprintf(view->arg, sizeof view->arg, "%s", arg);
    struct reply reply;
    reply_init(&reply);
    if (klass->on_frame != NULL && frame != NULL) {
        klass->on_frame(view, frame, &reply);
    }
    for (size_t i = 0; play != NULL && play->actions[i] != ACTION_NONE; i++) {
        klass->on_action(view, frame, play->actions[i], &reply);
    }
    if (play != NULL && play->text != NULL && reply.has_prompt) {
        klass->on_prompt(view, frame, reply.prompt.token, play->text, true, &reply);
    } else if (play != NULL && play->text != NULL) {
        klass->on_text(view, frame, play->text, strlen(play->text), &reply);
    }
    if (play != NULL && klass->on_frame != NULL && (reply.flags & REPLY_REQUERY)) {
        klass->on_frame(view, frame, &reply); /* the answer is this frame again */
    }
    reply_fini(&reply);
    surface_clear(shot.surface);
    struct canvas canvas = canvas_of(shot.surface);
    klass->draw(view, frame, &canvas);
    shot.view = view;
    return shot;
}

void shot_drop(struct shot *shot)
{
    shot->view->klass->close(shot->view);
    surface_free(shot->surface);
}

static void add_style(struct buf *out, const struct style *style)
{
    static const char *const names[] = {"bold", "dim", "italic", "underline", "reverse"};
    const struct colour colours[] = {style->fg, style->bg};
    for (int i = 0; i < 2; i++) {
        if (colours[i].kind == COLOUR_RGB) {
            (void)buf_printf(out, " #%02x%02x%02x", colours[i].r, colours[i].g,
                             colours[i].b);
        } else if (colours[i].kind == COLOUR_INDEX) {
            (void)buf_printf(out, " %d", colours[i].index);
        } else {
            (void)buf_str(out, " default");
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (style->attrs & (1U << i)) {
            (void)buf_printf(out, " %s", names[i]);
        }
    }
}

/* Which role on which ground. */
struct roles {
    bool seen[ROLE_COUNT][ROLE_COUNT];
};

static void see_roles(struct roles *roles, const struct surface *surface)
{
    for (int y = 0; y < surface_height(surface); y++) {
        const struct cell *row = surface_row(surface, y);
        for (int x = 0; x < surface_width(surface); x++) {
            roles->seen[row[x].role][row[x].ground] = true;
        }
    }
}

/* The distinct styles of the screens in a theme, one line for each role on its ground. */
static void add_theme(struct buf *out, const struct roles *roles, const char *name)
{
    struct theme theme;
    struct findings findings;
    findings_init(&findings);
    assert_true(theme_load(name, &theme, &findings));
    findings_fini(&findings);
    theme_degrade(&theme, strcmp(name, "mono") == 0 ? DEPTH_MONO : DEPTH_256);
    (void)buf_printf(out, "== %s\n", name);
    for (int i = 0; i < ROLE_COUNT * ROLE_COUNT; i++) {
        enum theme_role role = (enum theme_role)(i / ROLE_COUNT);
        enum theme_role ground = (enum theme_role)(i % ROLE_COUNT);
        if (!roles->seen[role][ground]) {
            continue;
        }
        struct style style = theme_style(&theme, role, ground);
        (void)buf_printf(out, "%s%s%s:", role_name(role),
                         ground != ROLE_TEXT ? " on " : "",
                         ground != ROLE_TEXT ? role_name(ground) : "");
        add_style(out, &style);
        (void)buf_char(out, '\n');
    }
}

/* Is each character of the ASCII screen the twin of the one in the UTF-8 screen? */
static bool is_twin(const struct surface *utf8, const struct surface *ascii)
{
    for (int y = 0; y < surface_height(utf8); y++) {
        const struct cell *row = surface_row(utf8, y);
        const struct cell *twin = surface_row(ascii, y);
        for (int x = 0; x < surface_width(utf8); x++) {
            uint32_t want = row[x].rune == 0 ? ' ' : (uint32_t)rune_ascii(row[x].rune);
            if (twin[x].rune != want || twin[x].role != row[x].role ||
                twin[x].ground != row[x].ground) {
                return false;
            }
        }
    }
    return true;
}

/* What is drawn, in how many cells. */
struct picture {
    const struct view_class *klass;
    int64_t id;
    const char *arg;
    const struct frame *frame;
    const struct play *play;
};

static void add_size(struct buf *out, const struct picture *picture, int w, int h,
                     struct roles *roles)
{
    struct shot utf8 = shot_take(picture->klass, picture->id, picture->arg,
                                 picture->frame, w, h - BARS, false, picture->play);
    struct shot ascii = shot_take(picture->klass, picture->id, picture->arg,
                                  picture->frame, w, h - BARS, true, picture->play);
    AUTO_FREE char *text = surface_dump_text(utf8.surface);
    AUTO_FREE char *grid = surface_dump_roles(utf8.surface);
    AUTO_FREE char *plain = surface_dump_text(ascii.surface);
    (void)buf_printf(out, "== %dx%d\n%s== roles\n%s== %dx%d ascii\n", w, h, text, grid, w,
                     h);
    if (w > 80 && is_twin(utf8.surface, ascii.surface)) {
        (void)buf_str(out, "(the same, each character its twin)\n");
    } else {
        (void)buf_str(out, plain);
    }
    see_roles(roles, utf8.surface);
    see_roles(roles, ascii.surface);
    shot_drop(&utf8);
    shot_drop(&ascii);
}

static void compare(const char *name, const struct buf *now)
{
    AUTO_FREE char *path = mem_printf("tests/screen/%s.golden", name);
    AUTO_FREE char *golden = NULL;
    size_t len = 0;
    struct err err = ERR_INIT;
    if (getenv("SCREENS_UPDATE") != NULL) {
        assert_true(file_write(path, now->data, now->len, &err));
        return;
    }
    if (!file_read(path, GOLDEN_MAX, &golden, &len, &err)) {
        fail_msg("%s (SCREENS_UPDATE=1 writes it)", err.msg);
    }
    if (strcmp(golden, now->data) != 0) {
        AUTO_FREE char *other = mem_printf("build/%s.screen", name);
        (void)!file_write(other, now->data, now->len, &err);
        fail_msg("%s changed: diff %s %s, SCREENS_UPDATE=1 accepts", name, path, other);
    }
}

void golden_check(const char *name, const struct view_class *klass, int64_t id,
                  const char *arg, const struct frame *frame, const struct play *play)
{
    const struct picture picture = {klass, id, arg, frame, play};
    struct roles roles = {{{false}}};
    AUTO_BUF struct buf out;
    buf_init(&out, GOLDEN_MAX);
    add_size(&out, &picture, 80, 24, &roles);
    add_size(&out, &picture, 120, 36, &roles);
    add_size(&out, &picture, 160, 48, &roles);
    add_theme(&out, &roles, "dark");
    add_theme(&out, &roles, "light");
    add_theme(&out, &roles, "mono");
    compare(name, &out);
    if (!golden_has(klass)) {
        assert_true(n_classes < CLASSES_MAX);
        seen_classes[n_classes++] = klass;
    }
    frame_unref(frame);
}

bool golden_has(const struct view_class *klass)
{
    for (size_t i = 0; i < n_classes; i++) {
        if (seen_classes[i] == klass) {
            return true;
        }
    }
    return false;
}
