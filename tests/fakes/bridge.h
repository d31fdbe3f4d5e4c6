/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_FAKES_BRIDGE_H
#define SIGNALBOX_TESTS_FAKES_BRIDGE_H

/*
 * Bridge: a bridge as engine/service/grainchain.h describes it, without grainchain. Its
 * sandboxes are folders below TMPDIR, in which commands really run. Like grainchain's local
 * provider it kills only the shell at a timeout, and then waits for whoever holds the
 * pipe. Behaves badly as its environment says:
 *   NOISE          lines that are no answers
 *   HANG=METHOD    does not answer that
 *   DIE=METHOD     writes "fatal: ..." to stderr and ends with status 3 when it gets that
 *   DIE_ONCE=FILE  with DIE: only when FILE is not there, and then makes it
 *   MINUS          answers -1 and only a message for any status but 0, as through E2B
 *   REFUSE=TYPE    create is answered with an error of that type
 *   TRACE=FILE     the methods that it was asked for, one a line
 * The provider "morph" keeps its snapshots when it ends; "e2b" has none.
 */

int fake_bridge(void);

#endif
