/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_ASSET_H
#define SIGNALBOX_BASE_ASSET_H

/*
 * Asset: files that are part of the program (themes, default keys, patterns).
 *
 * The Makefile writes the table from its list ASSETS; a name is the file with its last folder:
 * "themes/dark.theme", "tui/default.keys", "patterns/git.yaml". Sorted by path.
 */

#include <stddef.h>

struct asset {
    const char *name;
    const char *data; /* NUL-terminated */
    size_t len;
};

extern const struct asset assets[];
extern const size_t n_assets;

const struct asset *asset_find(const char *name); /* or NULL */

#endif
