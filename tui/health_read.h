/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_HEALTH_READ_H
#define SIGNALBOX_TUI_HEALTH_READ_H

/*
 * Health read: struct health (engine/monitor/health.h) from the store and the metrics file,
 * for the command line and the console's screen.
 *
 * Everything lives in the arena. Works without engine, without metrics file and without store:
 * what is not known is unknown. Threads: whoever owns the readers.
 */

#include "engine/base/mem.h"
#include "engine/monitor/health.h"
#include "store/metric_store.h"
#include "store/store.h"

#define HEALTH_METRICS_MAX     600 /* series shown; those of our own table first */
#define HEALTH_FINDINGS_MAX    200
#define HEALTH_PREDICTIONS_MAX 20
#define HEALTH_SCORED_MAX      500 /* outcomes that the scores are made of */

/*
 * Fills and judges (health_judge). reader NULL: no store yet; metrics NULL: no metrics file yet.
 * max_running is the caller's to fill: the configuration has it.
 */
NODISCARD bool health_read(const char *store_path, struct reader *reader,
                           struct metric_reader *metrics, struct arena *arena,
                           struct wall now, struct health *ret_health, struct err *err);

#endif
