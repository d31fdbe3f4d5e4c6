/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_CARD_DRY_RUN_H
#define SIGNALBOX_TUI_CARD_DRY_RUN_H

/*
 * The dry run of a card: what would have happened on recorded history, in lines.
 *
 * Of a changed setting each recorded workflow is replayed (engine/learning/dry_run.h). What a
 * merge, a plan or a budget would do cannot be replayed; then the lines say how those that
 * are like it went.
 *
 * Pure; lines in the arena.
 */

#include "tui/card.h"
#include "tui/runs.h"

struct card_list card_dry_run_of_optimization(struct arena *arena,
                                              const struct optimization_row *row,
                                              const struct run_list *list);
/* Of an approval that is not of an optimization. */
struct card_list card_dry_run_of_approval(struct arena *arena,
                                          const struct approval_row *row,
                                          const struct run_list *list);

#endif
