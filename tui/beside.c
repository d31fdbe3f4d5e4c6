/* SPDX-License-Identifier: MIT */
#include "tui/beside.h"

#include <sys/eventfd.h>

#include "engine/base/mem.h"
#include "tui/frame.h"
#include "tui/headless.h"

int beside_fd(void)
{
    const struct headless_note *note = headless_note_get();
    return note != NULL ? note->news : -1;
}

void beside_describe(struct frame_engine *engine, struct arena *arena)
{
    const struct headless_note *note = headless_note_get();
    eventfd_t count;
    if (note == NULL) {
        return;
    }
    (void)eventfd_read(note->news, &count); /* how often does not matter */
    if (engine->health != ENGINE_GONE) {
        return;
    }
    if (atomic_load(&note->phase) == HEADLESS_STARTING) {
        engine->health = ENGINE_STARTING;
    } else if (atomic_load(&note->phase) == HEADLESS_FAILED) {
        engine->fault = arena_str(arena, note->why);
    }
}
