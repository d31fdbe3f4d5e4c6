/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_PAST_READ_H
#define SIGNALBOX_TUI_PAST_READ_H

/* Past, read: a frame of a moment that is over. Feed thread. */

#include "engine/base/err.h"
#include "store/past.h"
#include "tui/frame.h"

struct source;

/* As source_read, of the moment that the query asks for; *last: the one that was shown
 * before (all zero: none), and is now. A moment that is refused is told in frame->past_why,
 * and the last one is read in its place, or when there is none, what is now. */
bool past_read(struct source *source, struct reader *reader,
               const struct frame_query *query, struct moment *last, struct frame *frame,
               struct err *err);

#endif
