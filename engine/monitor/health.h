/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_HEALTH_H
#define SIGNALBOX_MONITOR_HEALTH_H

/*
 * Health: everything about how it goes, at one moment, in one struct.
 *
 * Whoever has read the store and the metrics file fills the lists; health_judge makes the
 * status and the recommendations; health_write makes the JSON of `signalbox health --json`.
 * The screen, the text and the JSON are made from the same struct. Unknown is NAN and null.
 *
 * JSON, version HEALTH_VERSION; keys are added, never renamed:
 *   {"version":1,"at":RFC 3339,"status":"healthy|degraded|needs a human","reasons":[text],
 *    "metrics":{FAMILY:[{"name","labels","component","unit","value","low","high","at",
 *               "status":"ok|anomalous|stale|unknown"}]},
 *    "metrics_left_out":number of series beyond the bound of the reader,
 *    "anomalies":[..],"incidents":[..]   open ones, worst first; fields of store/finding.h
 *    "predictions":[{"what","value","low","high","unit","text","is_trusted","n","skill",
 *                    "coverage","verdict"}],
 *    "forecasts":[{"what","limit","used","days","low","high","p_within","text","is_trusted",
 *                  "n","skill","coverage","verdict"}],
 *    "breakers":[{"service","state","since","reason"}],
 *    "queue":{"running","waiting","needs_human","limit"},
 *    "engine":{"is_running","pid","started_at","fault","monitor_at","series"},
 *    "recommendations":[{"severity","component","text","because","incident"}]}
 *
 * Pure. Everything is borrowed; lists that health_judge makes live in the arena.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/monitor/metric.h"
#include "store/finding.h"
#include "store/model.h"

#define HEALTH_VERSION             1
#define HEALTH_RECOMMENDATIONS_MAX 24
#define HEALTH_REASONS_MAX         16
#define HEALTH_STALE_MS                                                                  \
    (10 * 60 * 1000) /* a metric older than that says nothing of now */

/* X(identifier, word, exit status of `signalbox health`) */
#define HEALTH_LIST(X)                                                                   \
    X(HEALTH_HEALTHY, "healthy", 0)                                                      \
    X(HEALTH_DEGRADED, "degraded", 1)                                                    \
    X(HEALTH_HUMAN, "needs a human", 3)
enum health_status {
#define X(id, word, status) id,
    HEALTH_LIST(X)
#undef X
        HEALTH_STATUS_COUNT
};
const char *health_word(enum health_status status);
int health_exit_status(enum health_status status);

enum health_metric_status {
    HEALTH_METRIC_OK,
    HEALTH_METRIC_ANOMALOUS,
    HEALTH_METRIC_STALE,
    HEALTH_METRIC_UNKNOWN
};
const char *health_metric_word(enum health_metric_status status);

struct health_metric {
    enum metric_family family;
    const char *name, *labels, *component, *unit;
    double value, low, high; /* newest; band in which it is expected; NAN unknown */
    struct wall at;          /* of the value */
    enum health_metric_status status; /* made by health_judge */
};

/* A prediction or a forecast of a limit, with how good its kind was so far. */
struct health_outlook {
    const char *what;        /* "wf-12 fails", "disk /srv" */
    const char *text;        /* one clean line */
    const char *unit;        /* "ratio", "seconds", "days" */
    double value, low, high; /* INFINITY: beyond the horizon; 80 % interval */
    double p_within;         /* forecasts: chance to be full within the horizon */
    double limit, used;      /* forecasts */
    bool is_trusted;         /* beats its baseline over the last 50 */
    int64_t n;               /* outcomes known */
    double skill, coverage;
    const char *verdict; /* one clean line */
};

struct health_advice {
    enum severity severity;
    const char *component;
    const char *text;    /* what to do */
    const char *because; /* what it rests on */
    int64_t incident;    /* 0 = none */
};

struct health {
    struct wall at;
    /* filled by the caller: */
    struct health_metric *metrics; /* by family */
    size_t n_metrics;
    int64_t n_left_out;                  /* series that are not in it */
    const struct anomaly_row *anomalies; /* open ones */
    size_t n_anomalies;
    const struct incident_row *incidents; /* open ones */
    size_t n_incidents;
    const struct health_outlook *predictions, *forecasts;
    size_t n_predictions, n_forecasts;
    const struct service_row *services;
    size_t n_services;
    struct totals totals;
    int64_t max_running;
    bool has_engine; /* one holds the lease */
    int pid;         /* 0 unknown */
    struct wall started_at;
    const char *engine_fault; /* "" = none */
    struct wall
        monitor_at; /* newest moment that the monitor has looked at; unset unknown */
    int64_t n_series;
    /* made by health_judge: */
    enum health_status status;
    const char **reasons; /* why it is not healthy, worst first */
    size_t n_reasons;
    struct health_advice *advice; /* in the order in which to do it */
    size_t n_advice;
};

void health_judge(struct health *health, struct arena *arena);
void health_write(const struct health *health, struct buf *out);
/* The rows alone, as the lists above hold them, into an object that is open. */
struct jsonw;
void health_write_anomaly(struct jsonw *w, const struct anomaly_row *row);
void health_write_incident(struct jsonw *w, const struct incident_row *row);

#endif
