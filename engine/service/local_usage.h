/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_SERVICE_LOCAL_USAGE_H
#define SIGNALBOX_SERVICE_LOCAL_USAGE_H

/*
 * Usage: what an agent or plan command says that its run has used, in the file that
 * $SIGNALBOX_RESULT_FILE names: a JSON object with "tokens" (whole number) and "cost" (number of
 * units of money, 0.42), each optional. It is what the command says of itself; no file, or no such
 * fields, means that nothing is known, and nothing is counted.
 */

#include <stddef.h>

#include "engine/base/err.h"
#include "store/model.h"

#define USAGE_FILE       "agent-result.json"
#define USAGE_BYTES      65536
#define USAGE_TOKENS_MAX INT64_C(1000000000000)

/* False with err: no JSON object, or a number below 0, not whole (tokens), or beyond bounds; then
 * nothing is taken. */
NODISCARD bool usage_parse(const char *text, size_t len, struct usage *ret_usage,
                           struct err *err);
/* Reads the file of this folder, adds to *usage, and removes it, so that the next try of the same
 * command begins anew. False with err: there is one, and it is wrong. */
NODISCARD bool usage_take(const char *folder, struct usage *usage, struct err *err);

#endif
