/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_COLLECT_H
#define SIGNALBOX_MONITOR_COLLECT_H

/*
 * Collect: figures of the host, of our control group and of this process, from /proc, /sys and
 * statvfs, as points of series.
 *
 * What cannot be read, or is not in a file of this kernel, is absent: no point, never 0. The
 * parsers (collect_parse.h) are pure; this is the thin part that reads. It never waits: a file
 * system is asked with statvfs, so give it local ones only.
 *
 * Threads: the monitor thread.
 */

#include "engine/monitor/series.h"

struct collector;

/* What a point led to; may be NULL. */
typedef void collect_fn(void *context, const struct series_signal *signal);

/*
 * root: "" for the real /proc and /sys, or a folder with a copy (tests). folders: whose file
 * systems are watched (the store's, the work folder's); the same file system twice counts
 * once. n_folders <= COLLECT_FOLDERS_MAX, others are not watched.
 */
#define COLLECT_FOLDERS_MAX 8
NODISCARD struct collector *collector_new(const char *root, const char *const *folders,
                                          size_t n_folders);
void collector_free(struct collector *collector); /* accepts NULL */
/* Read everything once: every 10 s or so. Shares of time need two rounds. */
void collector_round(struct collector *collector, struct series_set *set, struct wall now,
                     collect_fn *each, void *context);

#endif
