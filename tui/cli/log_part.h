/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_CLI_LOG_PART_H
#define SIGNALBOX_CLI_LOG_PART_H

/*
 * A part of the log of a step: the lines with a text (log --grep), or what is new and gone
 * against the last green run of the step (log --compare), each with lines around.
 */

#include "store/store.h"
#include "tui/cli/cli.h"

/* The newest step that is asked for, or NULL. step: as the user named it, or NULL. */
const struct effect_row *log_pick(const struct cli *cli, const char *step,
                                  const struct effect_row *effects, size_t n);
/* Returns the exit status. */
int log_part(struct cli *cli, int64_t workflow, const char *step);

#endif
