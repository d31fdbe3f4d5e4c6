/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_STALL_H
#define SIGNALBOX_IO_STALL_H

/*
 * Stall: watches an agent that runs, inside its runner, and says when it shows no sign of life
 * any more: no output, no file of its worktree changed, no processor time used, for the time
 * of limits.stall. Any one of them is enough to live: an agent that thinks far away for long
 * and prints nothing at least waits for its socket, and what waits uses a little.
 *
 *   output   bytes that came through the pipe
 *   files    the newest change below the folder, .git left out; looked at only while nothing
 *            else moves, and at most FILES_MAX entries of it
 *   cpu      of all descendants, also those that ended; more than a thousandth of the time, so
 *            that a dead event loop's timers do not count
 *
 * The same signs go into the effect's folder for the screens (store/progress.h).
 */

#include "store/progress.h"

struct stall {
    const char *folder, *tree; /* of the effect; what the agent works in */
    struct progress progress;
    struct wall walked_at;
    int64_t cpu_mark; /* of the newest sign of that kind, ms */
};

#define STALL_LOOK span_s(5) /* between two looks, when the limit is not shorter */

/* limit 0: it is only watched. */
void stall_init(struct stall *stall, const char *folder, const char *tree,
                struct span limit, struct wall now);
/* How often stall_look is to be called. */
struct span stall_pace(const struct stall *stall);
/* It stood still for so long, and could show no sign. */
void stall_stood(struct stall *stall, struct span span);
/* out_bytes, cpu_ms: so far. False: it has stalled. */
bool stall_look(struct stall *stall, int64_t out_bytes, int64_t cpu_ms, struct wall now);

#endif
