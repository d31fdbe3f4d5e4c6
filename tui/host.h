/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_HOST_H
#define SIGNALBOX_TUI_HOST_H

/*
 * Host: what `signalbox` without a command consists of: guardian, console and engine.
 *
 *      shell ── guardian ──┬── console    same process group: the shell's job
 *                          └── engine     a session of its own, no terminal
 *
 * The guardian is the process that the shell started. It has no threads and does next to
 * nothing, so it is there to restore the terminal whatever becomes of the console, kill
 * -9 included. When the console stops (Ctrl-Z), the guardian stops, so that the shell's
 * prompt comes back; fg continues both. The engine is no part of that job: neither Ctrl-C
 * nor Ctrl-Z nor the end of the terminal reaches it.
 *
 * How it ends          the engine, when it is ours (see headless.h)
 *   q                  is stopped; the guardian waits until it has
 *   SIGTERM            is stopped
 *   SSH drops, SIGHUP  does what on_hangup says: continue | drain | stop
 *   console killed     the same; the guardian restores the terminal and says what
 * happened guardian killed    the same; the console restores the terminal itself
 *
 * With an engine elsewhere (`serve`, or another console's) there is no engine here, and
 * the end of this console means nothing to it.
 */

#include "engine/base/compiler.h"

struct config;

/* Body of the console process; exit status of the program: 0 when the operator left it,
 * HOST_LOST when its terminal went away or a signal ended it. */
#define HOST_LOST 129
/* Exit status of a console that wants the program to be started again: the guardian's
 * host_run then returns HOST_START_AGAIN, and its engine has stopped. */
#define HOST_AGAIN       130
#define HOST_START_AGAIN (-1)
typedef int host_console(void *user);

/*
 * Run it all on the terminal of stdin and stdout. config must have its final store.
 * Returns in each of the three processes, once, with the exit status of that process: the
 * caller cleans up and returns it from main. No thread may run before.
 */
NODISCARD int host_run(const struct config *config, host_console *console, void *user);

#endif
