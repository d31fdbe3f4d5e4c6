/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_HEADLESS_H
#define SIGNALBOX_TUI_HEADLESS_H

/*
 * Headless: an engine in this process, without a screen.
 *
 * Two callers: `signalbox serve`, in the foreground for a service manager, and the engine
 * process beside a console (host.h). Both take their orders from signals and a descriptor
 * in one poll, and stop the engine before they return.
 */

#include <stdatomic.h>
#include <stdbool.h>

struct config;

enum headless_phase {
    HEADLESS_STARTING,
    HEADLESS_HERE,      /* our engine process serves the store */
    HEADLESS_ELSEWHERE, /* another engine does */
    HEADLESS_FAILED     /* `why`; it is tried again */
};

/*
 * What the engine process beside a console says to guardian and console, in memory that
 * the three share. The text may be read while it is written: it is always terminated, and
 * a torn line is gone with the next look.
 */
#define HEADLESS_WHY_MAX 400
struct headless_note {
    atomic_int phase; /* enum headless_phase */
    char why[HEADLESS_WHY_MAX];
    int news; /* eventfd: readable after each change of phase; the console reads it */
};

/* The note of the engine process that belongs to this console; NULL in any other process.
 */
const struct headless_note *headless_note_get(void);
/* Make it, before the forks. NULL with errno set. */
struct headless_note *headless_note_make(void);

/* Bytes on the order descriptor. Its end without ORDER_STOP: the console hung up. */
#define ORDER_STOP 's'

/*
 * Body of the engine process beside a console: own session, no terminal. When another
 * engine has the store, returns at once. When the engine cannot start (full disk, locked
 * store), says so in `note` and tries again as long as somebody is there to see it. Exit
 * status.
 */
int headless_run(const struct config *config, int orders, struct headless_note *note);

/*
 * `signalbox serve`: until SIGTERM or SIGINT, or until the engine ends. is_verbose: a
 * line on stdout for each transition. Tells systemd (sd_notify(3)) when it is ready and
 * stops. Exit status.
 */
int headless_serve(const struct config *config, bool is_verbose, bool is_json);

#endif
