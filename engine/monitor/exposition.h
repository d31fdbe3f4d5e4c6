/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_EXPOSITION_H
#define SIGNALBOX_MONITOR_EXPOSITION_H

/*
 * Exposition: figures that others offer as text, as samples.
 *
 * Formats: Prometheus text 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), OpenMetrics 1.0
 * (https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md), and what
 * a command prints: `name{labels} value`, or a bare `value` on a line. All are told apart by
 * themselves. Exemplars are skipped, timestamps are read. A histogram gives its count and sum
 * as counters; each of its buckets is skipped and counted; so are infos and state sets. A
 * summary's quantiles are gauges. A line that is wrong is counted and the next one read, so
 * that one bad exporter line does not hide the others.
 *
 * Pure and bounded: EXPOSITION_SAMPLES_MAX samples, EXPOSITION_LINE_MAX bytes a line; nothing
 * is allocated.
 */

#include "engine/monitor/series.h"

#define EXPOSITION_BYTES_MAX                                                             \
    (8 * 1024 * 1024) /* of a body; who fetches it sees to that */
#define EXPOSITION_SAMPLES_MAX 50000
#define EXPOSITION_LINE_MAX    16384
#define SCRAPE_UP              "up" /* our series of each scrape: does it answer */

struct exposition_sample {
    const char *name;      /* valid until the callback returns, as all here */
    const char *labels;    /* canonical, see series_labels */
    const char *unit;      /* "" unknown */
    enum metric_kind kind; /* KIND_GAUGE or KIND_COUNTER */
    double value;          /* may be NAN or infinite: unknown */
    struct wall at;        /* unset: when it was fetched */
};
typedef void exposition_fn(void *context, const struct exposition_sample *sample);

struct exposition_report {
    size_t n_samples, n_buckets, n_skipped; /* given; of histograms; of other kinds */
    size_t n_wrong;                         /* lines that are no sample */
    size_t first_wrong;                     /* number of the first such line, 1.. */
    const char *why;                        /* about it: a constant text; "" = none */
    bool is_cut;                            /* more than EXPOSITION_SAMPLES_MAX */
};

/* bare: the name of lines that are only a value; NULL: such a line is wrong. */
struct exposition_report exposition_parse(const char *text, size_t len, const char *bare,
                                          exposition_fn *each, void *context);

/*
 * A body into series: one for each sample, component "scrape:NAME", the label scrape="NAME"
 * beside its own. each may be NULL. *ret_refused counts series that had no place.
 */
typedef void scrape_fn(void *context, const struct series_signal *signal);
struct exposition_report scrape_push(struct series_set *set, const char *scrape,
                                     const char *text, size_t len, struct wall now,
                                     scrape_fn *each, void *context, size_t *ret_refused);

#endif
