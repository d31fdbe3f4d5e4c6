/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_WATCH_H
#define SIGNALBOX_CLI_WATCH_H

/*
 * Watch: wait until something may have changed in the store, or in one file.
 *
 * While an engine runs its bell says when (store/bell.h); inotify says when a log file
 * grows and when an engine appears. A wake means "look again": it may come for nothing,
 * it never fails to come. Nothing is polled while an engine runs; without one, or when
 * inotify is used up, it looks once a second.
 *
 * Threads: one.
 */

#include <stdbool.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"

struct watch;

#define WATCH_FOREVER ((struct span){-1})

NODISCARD struct watch *watch_new(const char *store_path);
void watch_free(struct watch *watch); /* accepts NULL */
/* Also wake when this file changes (NULL: no more). Replaces the file before. */
void watch_file(struct watch *watch, const char *path);
/* Also wake while this descriptor is readable; at most WATCH_FDS_MAX of them. The watch
 * does not read it. */
#define WATCH_FDS_MAX 2
void watch_fd(struct watch *watch, int fd);
/* False when nothing happened for `timeout`. Interrupted by a signal: true. */
bool watch_wait(struct watch *watch, struct span timeout);
bool watch_has_engine(const struct watch *watch);
/* Tell the engine, if any, that a command was written. */
void watch_ring(struct watch *watch);
/* What keeps the engine from committing, as far as heard. */
enum err_code watch_fault(const struct watch *watch);

#endif
