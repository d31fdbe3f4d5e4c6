/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_READING_H
#define SIGNALBOX_MONITOR_READING_H

/*
 * Reading: a measured number as people read it, by the unit at the end of its metric's name
 * (https://prometheus.io/docs/practices/naming/): "2.3s", "4m10s", "87%", "1.5GiB", "12.4";
 * of a counter (_total) its rate: "0.2/s".
 */

#define READING_MAX 32

/* `name` is a metric's name or name{labels}. NAN gives "unknown". Returns out. */
const char *reading_format(const char *name, double value, char out[READING_MAX]);

#endif
