/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_IO_H
#define SIGNALBOX_IO_IO_H

/*
 * Io: the thread that performs effects: it starts, watches and adopts the runners of local
 * ones, and makes the calls of those at services.
 *
 * One thread for all of them: it waits for its mailbox, for runners that end (a pidfd
 * each), for its connections and for a timer. It reads the store through a handle of its
 * own to write the order of an effect, starts `signalbox-run __run FOLDER` in a session of
 * its own, and delivers what the runner left. Runners survive the engine; performing a key
 * again adopts (engine/io/runner.h says how nothing happens twice; for services
 * engine/service/op.h, through engine/io/desk_shell.h).
 *
 * After a start: perform every pending effect, then io_sweep once.
 * Threads: the functions here and the executor's belong to the control thread. on_result
 * runs on the io thread and owns the result.
 * A process that hosts this must not wait for children that are not its own
 * (waitpid(-1)).
 */

#include <stddef.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/service/desk.h"
#include "engine/service/port.h"
#include "engine/trace/span_batch.h"

struct pulse; /* store/pulse.h */

struct io_options {
    const char *store; /* path of the store */
    const char *work;  /* folder of worktrees and effects, absolute */
    const char *logs;  /* folder of step logs, absolute */
    int64_t log_max_bytes;
    struct span log_keep; /* step logs older than this are removed; 0 = never */
    const char *self_exe; /* program of runners; NULL: signalbox-run, else our own */
    size_t max_running;   /* workflows that may have an effect in flight */
    void (*on_result)(void *user, struct effect_result *result);
    /* NULL: services are not used. Both run on the io thread; the second owns its text. */
    void (*on_report)(void *user, struct service_report *report);
    void (*on_reconciled)(void *user, int64_t workflow, char *text);
    void (*on_spans)(void *user, struct span_batch *batch); /* may be NULL; takes it */
    void *user;
    struct pulse *pulse;                 /* NULL = none; outlives the thread */
    const struct service_spec *services; /* outlive the io thread */
    size_t n_services;
    const struct scale_spec *scales; /* likewise */
    size_t n_scales;
    bool has_listener; /* webhooks may come */
};

struct io;

/* Makes the folders and starts the thread; strings are copied. Raises the limit of open
 * files, because each runner takes a descriptor. */
NODISCARD struct io *io_start(const struct io_options *options, struct err *err);
/* Stops the thread; runners go on. Accepts NULL. */
void io_stop(struct io *io);
struct executor io_executor(struct io *io);
/* Stored state of a service (row->memo), before any effect is performed. */
void io_restore(struct io *io, const struct service_row *row);
/* What an operator asks of a service; takes it. */
void io_order(struct io *io, struct service_order *order);
/* Remove now what may go of logs and folders, and not only within the hour. */
void io_tidy(struct io *io);
/* A webhook that was committed; takes it. */
void io_hint(struct io *io, struct forge_event *event);
/* Everything autonomous is halted, or goes on: nothing more is started, runners stand still
 * (engine/io/hold.h), and no call is made but for monitoring. What is performed meanwhile is
 * adopted when it runs, and waits when not. Takes effect at once, before what was given
 * earlier; may be said again. After a start: before anything else. */
void io_halt(struct io *io, bool is_halted);
/* Everything pending has been performed: stop runners that nobody asked for any more (of
 * workflows that were cancelled while no engine lived). */
void io_sweep(struct io *io);

#endif
