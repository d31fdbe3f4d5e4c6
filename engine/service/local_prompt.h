/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_PROMPT_H
#define SIGNALBOX_SERVICE_LOCAL_PROMPT_H

/*
 * Local prompt: what an agent is told, as one Markdown text: the task, the plan, what
 * went wrong before, conflicts that are open in its folder, and the rules of the house.
 */

#include "engine/io/runner.h"

NODISCARD bool prompt_write(const struct runner *runner, const char *path,
                            struct err *err);

#endif
