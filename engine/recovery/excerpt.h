/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_EXCERPT_H
#define SIGNALBOX_RECOVERY_EXCERPT_H

/*
 * Excerpt: the part of a long log that a person, an agent or the classifier should read.
 *
 * The lines that explain the failure best (locate.h) with their surroundings, most room for the
 * best, and always the end of the log; in the order of the log, with "[... N lines ...]" where
 * lines are left out. A log that fits is given whole. Raw bytes, not cleaned, but for NUL, which
 * becomes a space. excerpt_make is pure.
 */

#include <stddef.h>

#include "engine/base/compiler.h"
#include "engine/recovery/pattern.h"
#include "store/segment.h"

/* At most max bytes, malloc'd, NUL-terminated. base may be NULL. */
NODISCARD char *excerpt_make(const struct pattern_base *base, const char *text,
                             size_t len, size_t max);
/* Of the log of a step that has ended, with the shipped rules. A runner calls it for a step
 * that failed; only then, and when the log does not fit, are the rules compiled. */
NODISCARD char *excerpt_of_step(struct segment_writer *log, size_t max);

#endif
