/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_LOG_SCAN_H
#define SIGNALBOX_TUI_LOG_SCAN_H

/*
 * Scan: which lines of a log contain a text, or look like a failure.
 *
 * The log is read once from its first line to its last, in slices, so that whoever scans can do
 * something else in between, or stop. What comes while it goes on is scanned too. A text is
 * found as it is shown: ASCII case does not count, and escape sequences are not there. Memory is
 * bounded: LOG_HITS_MAX lines are remembered, the others are counted.
 *
 * One thread uses it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "store/segment.h"

#define LOG_HITS_MAX 262144

struct log_scan;
/* text NULL: lines that look like a failure. Copied. */
NODISCARD struct log_scan *log_scan_new(const char *text);
void log_scan_free(struct log_scan *scan); /* accepts NULL */
/* Is it a scan for this? */
bool log_scan_is_for(const struct log_scan *scan, const char *text);
/* Go on, about until then; at least one block is read. True: there is more to do. */
bool log_scan_step(struct log_scan *scan, struct segment_reader *reader,
                   struct mono until);

/* Numbers of the lines found so far, rising. */
const int64_t *log_scan_hits(const struct log_scan *scan, size_t *ret_n);
int64_t log_scan_total(const struct log_scan *scan);   /* with those not remembered */
int64_t log_scan_reached(const struct log_scan *scan); /* lines looked at */
/* First hit at or behind a line (direction 1), or the last one at or before it (-1), going round
 * once. *ret_index counts from 0. False: none, or nothing can be said yet. */
bool log_scan_find(const struct log_scan *scan, int64_t from, int direction, bool is_over,
                   size_t *ret_index);

#endif
