/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RECOVERY_LOCATE_H
#define SIGNALBOX_RECOVERY_LOCATE_H

/*
 * Locate: which lines of a log explain its failure.
 *
 * Each line gets a score from what it says (patterns of pattern.h, words of errors), how rare its
 * template is in this log (template.h), where it stands (before the end, after the command that
 * failed, first of a run of errors), and what surrounds it; lines that belong together become
 * blocks, and the best block comes first. Weights are fitted with `make train`.
 *
 * Pure; time and memory linear in the text. Of a text of more than LOCATE_TEXT_MAX bytes or
 * LOCATE_LINES_MAX lines that much is looked at: one eighth at its beginning, the rest at its
 * end. Of a line its first few hundred bytes count.
 */

#include "engine/base/mem.h"
#include "engine/recovery/pattern.h"

#define LOCATE_TEXT_MAX  (6u * 1024 * 1024)
#define LOCATE_LINES_MAX 160000u
#define LOCATE_LINES     32

struct located {
    size_t line;    /* from 0 */
    size_t at, len; /* in the text */
    double score;   /* 0..1 */
};

/* Best first; returns how many, at most max. Scratch memory in arena. */
size_t locate(const struct pattern_base *base, const char *text, size_t len,
              struct arena *arena, struct located *ret_lines, size_t max);

#endif
