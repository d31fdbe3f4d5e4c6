/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TESTS_TROUBLES_H
#define SIGNALBOX_TESTS_TROUBLES_H

/*
 * Troubles: incidents of the monitor around the afternoon of cases.h, made up for tests of the
 * report, the handoff and the screens: incident 17 (github_api, open, with problem p-2, two
 * anomalies, a silence, a forced breaker and what people did), 18 (a runner, quiet), and 12 (the
 * same as 17, six days ago, ended by a breaker).
 */

#include "store/approval.h"

/* As of `now`, into a store's batch; cases_put is part of it. */
void troubles_put(struct store *store, struct arena *arena, struct wall now);
/* Text from outside in every field that comes from there: incident 66, problem p-66. */
void troubles_put_hostile(struct store *store, struct arena *arena, struct wall now);

#endif
