/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_FILE_WATCH_H
#define SIGNALBOX_TUI_FILE_WATCH_H

/*
 * File watch: tells when one of a few files was written, so that it is read again at once and
 * costs nothing while nobody writes.
 *
 * The folder of a file is watched (inotify(7)), because editors put a new file in the place
 * of the old one. A folder that does not exist, or one on a network where somebody else
 * writes, tells nothing: then `redraw` reads the files again.
 *
 * Ownership: opaque. Threads: the one that made it. Errors: without inotify there is nothing
 * to wait for, file_watch_fd is -1 and nothing is told.
 */

#include <stdbool.h>

#include "engine/base/compiler.h"

#define WATCH_FILES_MAX 4

struct file_watch;
NODISCARD struct file_watch *file_watch_new(void);
void file_watch_free(struct file_watch *watch); /* accepts NULL */
/* For poll: readable when file_watch_read has something to read; -1 = never. */
int file_watch_fd(const struct file_watch *watch);
/* File number `slot` [0, WATCH_FILES_MAX) is `path` now; NULL or "": none. */
void file_watch_set(struct file_watch *watch, int slot, const char *path);
/* Read what has happened. Bit `slot` of the result: that file was written, put in its place,
 * or has gone. Never waits. */
unsigned file_watch_read(struct file_watch *watch);

#endif
