/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_LISTENER_SERIES_H
#define SIGNALBOX_IO_LISTENER_SERIES_H

/*
 * Listener series: the series of the monitor and the durations of spans, for /metrics.
 *
 * Of a series the newest value, when it is not older than ten minutes: unknown is not zero.
 * Counters are kept by the monitor as rates, and are told as gauges "..._per_second";
 * summaries as quantiles of the last hour or two. Series that were scraped are not told
 * again: their own exporter does.
 *
 * Spans are counted as they are stored, from the engine's start on, in a histogram for each
 * kind, with the newest span of each bucket as its exemplar.
 *
 * Threads: the listener's.
 */

#include "engine/io/openmetrics.h"
#include "store/store.h"

struct listener_series;

NODISCARD struct listener_series *listener_series_new(const char *store);
void listener_series_free(struct listener_series *series); /* accepts NULL */
/* Families and samples; reader is of the store. */
void listener_series_put(struct listener_series *series, struct openmetrics *metrics,
                         struct reader *reader);

#endif
