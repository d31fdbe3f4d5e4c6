/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_VIEW_SETUP_H
#define SIGNALBOX_TUI_VIEW_SETUP_H

/* Setup view: what was found in the folder of the console, and the files it would write. */

#include "engine/setup/setup.h"
#include "tui/view.h"

extern const struct view_class setup_class;

/* What the view shows. Borrowed. */
const struct setup *setup_view_get(const struct view *view);
/* Views opened from now on look into this world instead of the machine, for tests; NULL: the
 * machine again. Borrowed. */
void setup_view_use(const struct setup_world *world);

#endif
