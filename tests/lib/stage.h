/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_STAGE_H
#define SIGNALBOX_TESTS_LIB_STAGE_H

/*
 * Stage: a console without terminal, engine and threads, to see what it composes of a frame:
 * bars, banners, view, what floats. Nothing can be sent from it.
 */

#include "tests/lib/scenes.h"
#include "tui/console_impl.h"

struct stage {
    struct console console;
    struct console_options options;
    struct config *config;
};

/* Shows the scene with `frame`, which it takes; NULL = one that knows nothing yet. The surface notes
 * text that is drawn over text. Zero the stage before. */
void stage_open(struct stage *stage, const struct scene *scene, const struct frame *frame,
                int w, int h, bool is_ascii);
void stage_resize(struct stage *stage, int w, int h);
/* Another environment in the configuration. */
void stage_set_environment(struct stage *stage, const char *name);
void stage_close(struct stage *stage);

#endif
