/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_LEARNING_FEATURE_SIZE_H
#define SIGNALBOX_LEARNING_FEATURE_SIZE_H

/*
 * Size of a change: lines added and lines removed, of what the workflow's branch really changed.
 *
 * The commit's step says it when it was made here: its summary is what `git diff --shortstat` says
 * (git-diff(1)). Else the diff of the pull request is counted, as kept (DOC_DIFF, cut at DOC_MAX: of
 * a larger one it is a lower bound).
 *
 * Pure; any thread. Unknown is NAN.
 */

#include <stddef.h>

#include "store/model.h"

/* Of the last commit that passed; effects by seq. */
double feature_size_of_steps(const struct effect_row *effects, size_t n);
/* Of a unified diff as git writes it. A text that is none: NAN; "" is 0. */
double feature_size_of_diff(const char *diff, size_t len);

#endif
