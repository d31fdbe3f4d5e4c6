/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_ASSET_H
#define SIGNALBOX_TUI_ASSET_H

/*
 * Asset: files that are part of the program (themes, default keys).
 *
 * The Makefile writes the table from themes/NAME.theme and tui/default.keys; names are
 * without folder: "dark.theme", "default.keys".
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
