/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_APPROVAL_APPROVAL_JSON_H
#define SIGNALBOX_APPROVAL_APPROVAL_JSON_H

/*
 * Approval as JSON, for scripts on the command line and over the network: the same fields on both.
 * Keys are added, never renamed. A value that is not set is null; columns that are JSON stand as
 * such. Pure.
 */

#include "engine/base/json.h"
#include "store/approval.h"

/* The fields alone: the object is opened and closed by the caller. */
void approval_json_write(struct jsonw *w, const struct approval_row *row);

#endif
