/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_SEEN_H
#define SIGNALBOX_TUI_SEEN_H

/*
 * Seen: is it to be said that the card of an approval was shown? What expires does so from then on
 * (verb APPROVAL_SEEN). Only when nobody has seen it yet, and by who may decide it: that somebody
 * looks who may not decide is no presentation. The engine judges again.
 */

#include "store/approval.h"

struct config;

/* The person for whom this process acts is looked up in the user database once. */
bool seen_is_due(const struct config *config, const struct approval_row *row,
                 bool is_read_only);

#endif
