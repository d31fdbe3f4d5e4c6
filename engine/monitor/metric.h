/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_METRIC_H
#define SIGNALBOX_MONITOR_METRIC_H

/*
 * Metric: the table of everything that signalbox measures about what it runs, what it depends
 * on and the host under it. Names, units and kinds follow Prometheus and OpenMetrics
 * (https://prometheus.io/docs/practices/naming/). The table makes the help, the manual page, the
 * exposition and the tests.
 */

/* Families. X(identifier, name, help) */
#define FAMILY_LIST(X)                                                                   \
    X(FAMILY_WORKFLOW, "workflow_performance", "how work moves and where it waits")      \
    X(FAMILY_SERVICE, "service_health", "what services answer, how fast, how often")     \
    X(FAMILY_RESOURCE, "resource_usage", "processor, memory, disk, files, network")      \
    X(FAMILY_ERROR, "error_patterns", "failures by their fingerprint")                   \
    X(FAMILY_SATISFACTION, "user_satisfaction", "what people overrule, reject, undo")    \
    X(FAMILY_SCRAPED, "scraped", "series from outside")
enum metric_family {
#define X(id, name, help) id,
    FAMILY_LIST(X)
#undef X
        FAMILY_COUNT
};

enum metric_kind {
    METRIC_GAUGE,   /* a level */
    METRIC_COUNTER, /* only grows; its rate is what is judged */
    METRIC_SUMMARY  /* single measurements: kept as a sketch, judged by its quantiles */
};

enum metric_id { METRIC_SCRAPED };

#endif
