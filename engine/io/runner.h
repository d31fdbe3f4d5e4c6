/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_RUNNER_H
#define SIGNALBOX_IO_RUNNER_H

/*
 * Runner: the small process that performs one effect and survives the engine.
 *
 * `signalbox-run __run FOLDER` reads FOLDER/spec.json (engine/service/order.h), performs it
 * through the local providers, and leaves FOLDER/result.json. Exactly once, by files:
 *
 *   lock         an open file description lock, held as long as anything works in FOLDER,
 *                the runner's git children included. Holds "PID STARTTIME\n".
 *   start        made with O_EXCL before the first outside effect; synced where it
 * matters. stop         made by the engine: do not begin, and if begun, it was cancelled.
 *   result.json  written last, atomically. Who finds it delivers it.
 *
 * A runner that finds `start` knows that an earlier one died. It kills what that one left
 * (every process with SIGNALBOX_EFFECT=FOLDER, or a folder below, in its environment) and then: agent and
 * plan commands are answered with STATUS_LOST, never started a second time under one key;
 * all else is done again, because forge operations find what is done already, and what
 * runs in the sandbox has no effect outside. A runner that cannot get the lock because
 * another runner lives leaves quietly; the engine looks at the folder again whenever a
 * runner ends.
 *
 * A disk that is full when the result is written: tried again each second until it works.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/err.h"
#include "engine/io/hold.h"
#include "engine/service/order.h"

/* Body of the hidden subcommand; exit status (0: a result is there). */
int runner_main(const char *folder);

/* What a provider gets beside its order. */
struct runner {
    const struct order *order;
    int lock_fd;       /* git children keep it open */
    int stop_fd;       /* readable = a stop was asked for */
    bool is_again;     /* an earlier runner had begun */
    struct hold *hold; /* everything may be halted; NULL = never (tests) */
};
/* The order's deadline, later by as long as everything stood still; unset: none. */
struct wall runner_deadline(const struct runner *runner);
/* Clean, and into the order's folder; until that works, or nobody waits any more. */
void runner_answer(const struct runner *runner, struct effect_result *result);
/* Was a stop asked for? Does not take it away. */
bool runner_is_stopped(const struct runner *runner);

/* Engine side: who works in the folder? */
enum runner_life { RUNNER_NONE, RUNNER_LIVES, RUNNER_LEFTOVER };
/* LIVES: *ret_pid is the runner. LEFTOVER: the lock is held by what a dead runner left,
 * or not filled in yet. */
enum runner_life runner_look(const char *folder, pid_t *ret_pid);
/* Is pid still the process that wrote the lock file? (Numbers are used again.) */
bool runner_is_same(const char *folder, pid_t pid);

#endif
