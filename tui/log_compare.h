/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_LOG_COMPARE_H
#define SIGNALBOX_TUI_LOG_COMPARE_H

/*
 * Compare: which lines of a log are new against the log of a run that passed, and which are gone.
 *
 * Two lines are the same when they say the same but for times, ids, numbers, paths and addresses
 * (template_mask() of engine/recovery/template.h), and either both look like a failure or neither
 * does. What counts is whether the other log has such a line at all, not where or how often:
 * checks that run side by side write in another order each time, and a step that waits says so
 * once more or less. A line that is gone is shown behind the line that it followed, or, where lines
 * repeat, about there.
 *
 * Each log is read once, the other one twice, in slices; a line costs one look into a hash table.
 * Bounded: of a log of more than LOG_COMPARE_BYTES one eighth of them at its beginning and the rest
 * at its end are looked at; LOG_COMPARE_KINDS different lines, LOG_COMPARE_ROWS new and as many
 * gone ones are remembered. log_compare_is_bounded() says when that left something out.
 *
 * One thread uses it.
 */

#include "engine/base/clock.h"
#include "store/segment.h"
#include "tui/log_rows.h"

#define LOG_COMPARE_BYTES (INT64_C(128) * 1024 * 1024)
#define LOG_COMPARE_KINDS 393216
#define LOG_COMPARE_ROWS  65536

struct log_gone {
    int64_t line;  /* of the other log */
    int64_t after; /* line of this one; 0 = before the first */
};

struct log_compare;
NODISCARD struct log_compare *log_compare_new(void);
void log_compare_free(struct log_compare *compare); /* accepts NULL */
/* Go on, about until then. True: there is more to do. What `ours` has at the first call is
 * compared, with what comes later nothing is. */
bool log_compare_step(struct log_compare *compare, struct segment_reader *ours,
                      struct segment_reader *green, struct mono until);

/* When it is done. Lines rise. */
const int64_t *log_compare_new_lines(const struct log_compare *compare, size_t *ret_n);
bool log_compare_is_new(const struct log_compare *compare, int64_t line);
/* In the order in which they are shown. */
const struct log_gone *log_compare_gone(const struct log_compare *compare, size_t *ret_n);
bool log_compare_is_bounded(const struct log_compare *compare);
int log_compare_percent(const struct log_compare *compare); /* of the work, 0..100 */
/* Both kinds with lines around them. */
NODISCARD struct log_rows *log_compare_rows(const struct log_compare *compare,
                                            int around);

#endif
