/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_JSON_PRUNE_H
#define SIGNALBOX_BASE_JSON_PRUNE_H

/*
 * Json prune: a large document cut down to the members that somebody will ask for.
 *
 * Making a tree of a webhook of 21 KB takes five times as long as proving its signature, and
 * nearly all of the tree is thrown away. This walks the text once and copies objects with
 * only the members whose name is in a list, at any depth; what a dropped member holds is
 * skipped, not looked at. What remains is small, and is parsed as ever (engine/base/json.h).
 */

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/buf.h"

/* Appends to out. False: no JSON as far as it was looked at, or one that nests deeper than
 * 64: parse the whole text to learn why. */
NODISCARD bool json_prune(struct buf *out, const char *text, size_t len,
                          const char *const *names, size_t n_names);

#endif
