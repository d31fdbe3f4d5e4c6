/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_OPENMETRICS_H
#define SIGNALBOX_IO_OPENMETRICS_H

/*
 * Openmetrics: a writer of figures as text, in two formats.
 *
 *   OpenMetrics 1.0          github.com/prometheus/OpenMetrics, specification/OpenMetrics.md
 *   Prometheus text 0.0.4    prometheus.io/docs/instrumenting/exposition_formats/
 *
 * openmetrics_family begins a family; samples follow, each with its labels as name and value
 * pairs that end with NULL. Counters get their suffix "_total" here. Names are ours and
 * correct; values of labels are escaped, bytes that are no UTF-8 become U+FFFD. What the
 * older format does not have is left out (UNIT, exemplars, EOF) or is a gauge (state set).
 *
 * A family may stand in the text once: a second one of that name is not written, nor are its
 * samples, so that two sources of figures need not know of each other.
 */

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"

#define OPENMETRICS_TYPE  "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define OPENMETRICS_PLAIN "text/plain; version=0.0.4; charset=utf-8"

enum openmetrics_format { OPENMETRICS_1_0, OPENMETRICS_TEXT_0_0_4 };
/* What the value of an Accept header asks for (RFC 9110, 12.5.1: the greatest weight, of
 * equal ones OpenMetrics); NULL, or nothing that we have: the older one, which everything
 * reads. */
enum openmetrics_format openmetrics_accept(const char *accept);
const char *openmetrics_type(enum openmetrics_format format);

enum openmetrics_kind {
    OPENMETRICS_GAUGE,
    OPENMETRICS_COUNTER,
    OPENMETRICS_SUMMARY,  /* samples with the label quantile */
    METRIC_STATESET,      /* samples 0 or 1 with a label named as the family */
    OPENMETRICS_HISTOGRAM /* openmetrics_histogram */
};

#define OPENMETRICS_FAMILIES 512
#define OPENMETRICS_NAME_MAX 128

struct openmetrics {
    struct buf *out;
    enum openmetrics_format format;
    char family[OPENMETRICS_NAME_MAX];
    enum openmetrics_kind kind;
    bool is_skipping;                        /* the family was there before */
    uint64_t families[OPENMETRICS_FAMILIES]; /* hashes of those that were written */
    size_t n_families;
};

void openmetrics_begin(struct openmetrics *metrics, struct buf *out,
                       enum openmetrics_format format);
void openmetrics_family(struct openmetrics *metrics, const char *name,
                        enum openmetrics_kind kind, const char *unit, const char *help);
void openmetrics_sample(struct openmetrics *metrics, const char *const *labels,
                        double value);
/* The same with labels as they are written: key="value",... ; "" = none. */
void openmetrics_sample_text(struct openmetrics *metrics, const char *labels,
                             double value);
void openmetrics_end(struct openmetrics *metrics);

/* One measurement that stands for a bucket: where to look. trace "" = none. */
struct openmetrics_exemplar {
    char trace[33], span[17];
    double value;
    struct wall at;
};
/* Buckets: upper[0..n) rising, without the infinite one; counts[0..n] of each (not summed up),
 * the last one is the infinite one's. exemplars may be NULL, else n + 1. */
void openmetrics_histogram(struct openmetrics *metrics, const char *const *labels,
                           const double *upper, const int64_t *counts, size_t n,
                           double sum, const struct openmetrics_exemplar *exemplars);

#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
