/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_CAPTURE_H
#define SIGNALBOX_IO_CAPTURE_H

/*
 * Capture: run commands beside each other and hand over what each printed, from a process
 * with many threads (a runner uses engine/io/process.h).
 *
 * A command gets a session of its own, /dev/null as input and errors, of the engine's
 * environment what every program needs (PATH, HOME ...), and its own variables; one that is
 * written as "${NAME}" is the engine's NAME. It is over when it has ended; then, or when
 * its time is over or it prints too much, its group is killed. What hid from its group is
 * not waited for.
 *
 * Threads: an instance belongs to one thread. Errors are one clean line.
 */

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/workflow/pipeline.h"

struct captures;

struct capture_options {
    /* Runs inside captures_run. error NULL: text[0..len) is what it printed, malloc'd, the
     * receiver's. Else text is NULL. It may begin others. */
    void (*on_end)(void *user, int64_t id, char *text, size_t len,
                   const struct err *error);
    void *user;
};
NODISCARD struct captures *captures_new(const struct capture_options *options,
                                        struct err *err);
void captures_free(struct captures *captures); /* kills what runs; accepts NULL */
/* Readable (poll) when captures_run has something to do. */
int captures_fd(const struct captures *captures);
void captures_run(struct captures *captures);
/* When captures_run has something to do without that; 0 = never. */
struct mono captures_next(const struct captures *captures);
/* id: not 0, not one that runs. False with err: it could not be started, and on_end is not
 * called. */
NODISCARD bool captures_begin(struct captures *captures, int64_t id,
                              const struct command_spec *command, size_t max,
                              struct span time, struct err *err);

#endif
