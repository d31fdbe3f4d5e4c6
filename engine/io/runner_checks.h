/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_RUNNER_CHECKS_H
#define SIGNALBOX_IO_RUNNER_CHECKS_H

/*
 * Runner checks: several checks of one effect, side by side in the local sandbox
 * (limits.parallel; order->checks, order->lanes).
 *
 * The runner forks a worker for each check, at most `lanes` at once, begun in their order. A
 * worker is a runner of its own in what counts: it has its log, its limits, its timeout, its
 * retries, its place in the trace; it stands still when everything is halted, ends what it
 * started when it is told to, and leaves its outcome in FOLDER/check-SEQ/result.json. Work
 * tree, HOME and TMPDIR are those of the workflow, shared.
 *
 * What a failure means. The outcome of the effect is that of the first check, in their order,
 * that did not pass (one that may fail does not count): the same that one after the other
 * would have had. As soon as one fails
 *   those behind it that have not begun are not begun        SKIPPED
 *   those behind it that run are ended                       CANCELLED
 *   those before it are waited for: one of them may be the first
 * so that it never takes longer than one after the other.
 *
 * Killed and begun again: checks with an outcome on disk keep it, the others run again.
 * Workers die with their runner, and what they have left is killed by its mark.
 *
 * Deadline: a little before that of the state (at most five seconds), so that it is known which
 * check was late.
 */

#include "engine/io/runner.h"

void runner_checks(const struct runner *runner, struct effect_result *result);

#endif
