/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_CODEGEN_PROMPT_H
#define SIGNALBOX_SERVICE_CODEGEN_PROMPT_H

/*
 * Codegen prompt: what a remote agent is told, as one Markdown text: the task, the plan,
 * what went wrong before, where to work, and the rules of the house. Pure.
 *
 * Each document has a cap; what is cut is said in the text. Of the errors the end is kept,
 * for the newest stand last.
 */

#include "engine/service/op.h"

/* For a run that begins. */
NODISCARD char *codegen_prompt(const struct op_input *input);
/* For a run that goes on: what went wrong since. */
NODISCARD char *codegen_prompt_more(const struct op_input *input);
/* For a run that came to a limit of its own (its status) and shall finish. */
NODISCARD char *codegen_prompt_limit(const char *status, const char *branch);

#endif
