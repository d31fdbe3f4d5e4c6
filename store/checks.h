/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_CHECKS_H
#define SIGNALBOX_STORE_CHECKS_H

/*
 * Checks: what those of several side by side have said that have ended, while the others run.
 *
 * The engine hears of all of them at once, when the last one has ended; until then their rows are
 * pending. The runner leaves the outcome of each in FILE-work/wf-N/fx-LAST/check-SEQ/result.json
 * (engine/io/runner_checks.h), and screens look there, so that each is seen as it ends. For the
 * eye only: what counts is what the engine commits.
 */

#include "engine/base/mem.h"
#include "store/model.h"

/* The rows of one workflow; of checks that are pending beside others, and whose outcome is there,
 * status, summary, log, times and figures as they will be. `store`: path of the store file. The
 * same rows when there is nothing to say, else a copy in the arena. */
NODISCARD const struct effect_row *checks_look(const char *store, struct arena *arena,
                                               const struct effect_row *rows, size_t n);

#endif
