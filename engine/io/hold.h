/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_HOLD_H
#define SIGNALBOX_IO_HOLD_H

/*
 * Hold: how runners stand still while everything autonomous is halted.
 *
 * The engine makes the file WORK/halted and sends HOLD_SIGNAL to its runners; a runner looks
 * at the file when the signal comes, before it starts a program, and each second while it
 * stands. What runs a program of somebody's (agent, plan, setup, check, evaluator, the looks
 * at the base) then stops all its descendants with SIGSTOP and begins nothing; its own time
 * limits stand and are moved. The runner itself goes on, so that it can be told to end, and
 * then kills what is stopped. Nobody has to live for the hold to last: runners that a killed
 * engine leaves behind go on standing.
 *
 * What may not be cut in half has no hold and is finished: everything that git does (commit,
 * push, pull request, merge, revert), making and removing of work trees and sandboxes, and the
 * restart command of a service. It takes seconds.
 *
 * Signals: HOLD_SIGNAL is one that a process ignores unless it asks for it, so that it may
 * come before a runner is ready. It stays blocked, and is read from a descriptor.
 */

#include <signal.h>
#include <stdbool.h>

#include "engine/base/clock.h"
#include "engine/base/compiler.h"
#include "store/halt.h"

#define HOLD_FILE   HALT_FILE
#define HOLD_SIGNAL HALT_SIGNAL
#define HOLD_LOOK   1000 /* ms between two looks while it stands */

struct hold {
    int fd;     /* readable: look */
    char *path; /* of the file */
    bool is_on;
    struct wall since; /* is_on */
    struct span last;  /* how long the newest one took that is over */
    struct span total; /* of those that are over */
};

/* Blocks the signal. `folder`: of an effect, WORK/wf-N/fx-SEQ. */
void hold_open(struct hold *hold, const char *folder);
void hold_close(struct hold *hold);
/* Look at the file. True: it has begun, or ended; see is_on. */
NODISCARD bool hold_look(struct hold *hold);
/* How long it stood by now, in all. NULL: never. */
struct span hold_stood(const struct hold *hold);
/* Wait while it stands; false: stop_fd (-1: none) became readable meanwhile. */
NODISCARD bool hold_wait(struct hold *hold, int stop_fd);

#endif
