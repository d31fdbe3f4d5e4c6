/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_HEALTH_READ_H
#define SIGNALBOX_TUI_HEALTH_READ_H

/*
 * Health read: the report of engine/monitor/health.h, made of the store and the metrics file.
 *
 * For `signalbox health` and the console's screen alike; needs no engine. Everything lives in
 * the arena. Without a metrics file (NULL) nothing is measured, and the report says so; without
 * a store (reader NULL) nothing is known of the work.
 */

#include "engine/monitor/health.h"
#include "store/metric_store.h"
#include "store/store.h"

#define HEALTH_METRICS_MAX     600 /* series shown; those of our own table first */
#define HEALTH_FINDINGS_MAX    200
#define HEALTH_PREDICTIONS_MAX 12  /* the likeliest failures */
#define HEALTH_PREDICTION_MIN  0.2 /* a less likely one is not worth a line */

/* False: the store cannot be read. A metrics file that cannot be read counts as none. */
NODISCARD bool health_read(const char *store_path, struct reader *reader,
                           struct metric_reader *metrics, struct arena *arena,
                           struct wall now, struct health *ret_health, struct err *err);

/* What is coming, soonest and likeliest first: failures that are more likely than not, as
 * models see them that beat counting, and limits that will more likely than not be reached
 * within COMING_DAYS. Of `read`, or of the metrics file alone. At most `max` into out. */
#define COMING_DAYS 14
size_t health_coming(const struct health *read, const struct health_outlook **out,
                     size_t max);
/* Fills predictions and forecasts alone. */
NODISCARD bool health_read_outlooks(struct metric_reader *metrics, struct arena *arena,
                                    struct health *ret_health, struct err *err);

#endif
