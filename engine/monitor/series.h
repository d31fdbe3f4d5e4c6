/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_SERIES_H
#define SIGNALBOX_MONITOR_SERIES_H

/*
 * Series: one named line of numbers over time, and what watching it has taught.
 *
 * A series is a metric (a row of engine/monitor/metric.h, or one that was scraped) with its
 * labels. Points go in one at a time; each updates the newest chunk of raw values, the sums of
 * its minute, hour and day, and the series' detector, without allocation. Points of a series
 * come in order of time; an older one than the newest is dropped and counted. A value that is
 * not finite says "unknown" and is not a point.
 *
 * Threads: the set belongs to the monitor thread. Text in a series_info lives as long as the
 * set.
 */

#include "engine/base/clock.h"
#include "engine/monitor/detect.h"
#include "engine/monitor/metric.h"

/* What a series is, for whoever judges or shows it. */
struct series_info {
    int32_t id;        /* 0.., dense, the same after a restart */
    enum metric_id metric; /* METRIC_SCRAPED for one from outside */
    const char *name;      /* "workflow_time_in_state_seconds" */
    const char *labels;    /* canonical: key="value",... sorted by key; "" = none */
    const char *component; /* what it is about: "service:github", "repo:/srv/app",
                              "host", "engine", "state:CODING", "scrape:NAME" */
};

/* One point after the detector saw it: what the anomaly book and the rules are given. */
struct series_signal {
    const struct series_info *series;
    struct wall at;
    double value;
    struct detect_result result;
};

#endif
