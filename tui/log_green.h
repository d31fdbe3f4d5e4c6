/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_LOG_GREEN_H
#define SIGNALBOX_TUI_LOG_GREEN_H

/*
 * The last green run of a step: the log of the step of the same kind and name in the newest
 * workflow of the same pipeline and repository that completed, started before this one, and
 * in which the step passed.
 */

#include "store/segment.h"
#include "store/store.h"

#define LOG_GREEN_LOOKS 256 /* workflows that are looked at, the newest first */

struct log_green {
    int64_t workflow, seq;
    struct wall ended_at;
    struct segment_reader *log; /* the caller's from here on */
};

/* `folder` holds the logs. MISSING: there is none, or its log was not kept. */
enum found log_green_find(struct reader *reader, const char *folder,
                          const struct workflow_row *row, const struct effect_row *effect,
                          struct log_green *ret_green, struct err *err);

#endif
