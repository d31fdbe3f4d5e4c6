/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_LIB_SCENES_H
#define SIGNALBOX_TESTS_LIB_SCENES_H

/*
 * Scenes: each view with a frame that fills it, for properties that must hold on every screen.
 */

#include "tui/frame.h"
#include "tui/view.h"

struct scene {
    const struct view_class *klass;
    int64_t id;
    const char *arg;
    const struct frame *(*make)(
        void); /* give it back with frame_unref; may return NULL */
};

/* At least one of every class; klass NULL at the end. */
extern const struct scene scenes[];
size_t scenes_count(void);

/* View of the scene in w x h cells, after the frame came. Close it with its class. */
struct view *scene_open(const struct scene *scene, const struct frame *frame, int w,
                        int h, bool is_ascii);

#endif
