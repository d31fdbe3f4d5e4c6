/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_BESIDE_H
#define SIGNALBOX_TUI_BESIDE_H

/*
 * Beside: what the console's feed hears of the engine process that was started beside it
 * (headless.h), before that engine's bell can be heard. In a program that has none, silence.
 */

struct arena;
struct frame_engine;

/* For poll: readable when there is news; -1 = there never is. */
int beside_fd(void);
/* Take the news. When `engine` is ENGINE_GONE: does one come up, or why not? Text in arena. */
void beside_describe(struct frame_engine *engine, struct arena *arena);

#endif
