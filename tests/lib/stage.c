/* SPDX-License-Identifier: MIT */
#include "tests/lib/stage.h"

#include "engine/base/mem.h"
#include "tests/lib/frames.h"

static void measure(struct stage *stage)
{
    struct console *c = &stage->console;
    struct view *view = c->stack[c->n_stack - 1];
    view->w = surface_width(c->surface);
    view->h = place_view_height(c);
}

void stage_open(struct stage *stage, const struct scene *scene, const struct frame *frame,
                int w, int h, bool is_ascii)
{
    struct console *c = &stage->console;
    stage->config = config_default();
    stage->options = (struct console_options){.config = stage->config};
    c->options = &stage->options;
    c->keymap = keymap_new();
    c->surface = surface_new(w, h, is_ascii);
    c->now = frames_now();
    c->frame = frame != NULL ? frame : frame_new();
    (void)snprintf(c->host, sizeof(c->host), "ops-1");
    c->stack[0] = scene_open(scene, frame, w, h, is_ascii);
    c->n_stack = 1;
    measure(stage);
}

void stage_resize(struct stage *stage, int w, int h)
{
    surface_resize(stage->console.surface, w, h);
    measure(stage);
}

void stage_set_environment(struct stage *stage, const char *name)
{
    free(stage->config->environment);
    stage->config->environment = mem_str(name);
}

void stage_close(struct stage *stage)
{
    struct console *c = &stage->console;
    keep_drop_themes(c);
    order_drop(c);
    for (size_t i = 0; i < c->n_stack; i++) {
        c->stack[i]->klass->close(c->stack[i]);
    }
    keymap_free(c->keymap);
    surface_free(c->surface);
    frame_unref(c->frame);
    config_free(stage->config);
}
