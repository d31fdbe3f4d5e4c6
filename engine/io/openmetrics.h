/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_OPENMETRICS_H
#define SIGNALBOX_IO_OPENMETRICS_H

/*
 * Openmetrics: a writer of the OpenMetrics 1.0 text format
 * (github.com/prometheus/OpenMetrics, specification/OpenMetrics.md).
 *
 * openmetrics_family begins a family; samples follow, each with its labels as name and value
 * pairs that end with NULL. Counters get their suffix "_total" here. Names are ours and
 * correct; values of labels are escaped, bytes that are no UTF-8 become U+FFFD.
 */

#include <stdint.h>

#include "engine/base/buf.h"

#define OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum openmetrics_kind {
    OPENMETRICS_GAUGE,
    OPENMETRICS_COUNTER,
    OPENMETRICS_SUMMARY, /* samples with the label quantile */
    METRIC_STATESET      /* samples 0 or 1 with a label named as the family */
};

struct openmetrics {
    struct buf *out;
    const char *family;
    enum openmetrics_kind kind;
};

void openmetrics_begin(struct openmetrics *metrics, struct buf *out);
void openmetrics_family(struct openmetrics *metrics, const char *name,
                        enum openmetrics_kind kind, const char *unit, const char *help);
void openmetrics_sample(struct openmetrics *metrics, const char *const *labels,
                        double value);
void openmetrics_end(struct openmetrics *metrics);

#define METRIC_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
