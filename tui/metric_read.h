/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_TUI_METRIC_READ_H
#define SIGNALBOX_TUI_METRIC_READ_H

/*
 * Metric read: series of the metrics file as a list, and some of them as a chart.
 *
 * A chart is cut into slots of equal length that begin at multiples of that length, so that it
 * moves on slot by slot and not with each look at the clock. Points are read at the finest level
 * that is kept for the time and is not much finer than the slots.
 *
 * The band is what the engine's own detector, fed with the points of three times the time that
 * is shown, expected at each of them (engine/monitor/detect.h); the forecast is that of
 * engine/predict/forecast.h over the same points.
 *
 * Threads: the reader's.
 */

#include "store/finding.h"
#include "store/metric_store.h"
#include "tui/widget/plot.h"

#define METRIC_ROWS_MAX  2000 /* of a list */
#define METRIC_SPARK     24   /* cells of a row's spark, over the last hour */
#define METRIC_SLOTS_MAX 1024
#define METRIC_TEXT_MAX  32

/* A series in the list. All text is clean. */
struct metric_row {
    int32_t id;
    const char *title;     /* name{labels} */
    const char *component; /* what it is about */
    const char *unit;
    bool is_rate;
    struct wall newest_at;
    double newest;       /* NAN: none */
    const double *spark; /* METRIC_SPARK means, NAN unknown; NULL: not read */
    const struct anomaly_row *anomaly; /* open, of this series; NULL = none */
};

struct metric_line {
    int32_t id;
    const char *title, *unit;
    bool is_rate;
    const struct plot_slot *slots; /* n_slots of the chart */
    double newest;
    struct wall newest_at;
};

struct metric_chart {
    struct wall from, to;    /* of all slots */
    struct span slot;        /* length of one */
    size_t n_slots, n_past;  /* those behind n_past are forecast */
    enum metric_level level; /* of the points */
    struct metric_line lines[PLOT_LINES_MAX];
    size_t n_lines;
    const struct anomaly_row *anomalies; /* of the first line, newest first */
    size_t n_anomalies;
    const char *model; /* of the forecast, "" = none */
    bool is_missing;   /* there is no such series */
};

struct metric_ask {
    int32_t ids[PLOT_LINES_MAX];
    size_t n;
    struct wall end; /* of what is shown, without the forecast */
    struct span span;
    size_t n_slots; /* for `span`, 16 .. METRIC_SLOTS_MAX */
    bool has_forecast;
};

/* A value with its unit, as short as people read it: "1.2 GiB", "12 %", "350 ms", "3.4/s".
 * "" when it is not finite. Returns text. */
const char *metric_value_text(double value, const char *unit, bool is_rate,
                              char text[METRIC_TEXT_MAX]);
/* The same for an axis that ends at `top`: one unit for all of it, and so many digits that values
 * `step` apart differ. */
const char *metric_axis_text(double value, double step, double top, const char *unit,
                             bool is_rate, char text[METRIC_TEXT_MAX]);
struct metric_list_ask {
    const char *words; /* every one stands in name, labels or component (case ignored) */
    const struct anomaly_row *anomalies; /* open ones */
    size_t n_anomalies;
    struct wall now;
    int order; /* tui/rank.h */
    bool is_reversed;
    size_t first, n_sparks; /* rows whose last hour is read */
};
struct metric_list {
    struct metric_row *rows; /* by name; at most METRIC_ROWS_MAX */
    size_t n;
    size_t n_all; /* series that there are */
};
NODISCARD bool metric_read_list(struct metric_reader *reader, struct arena *arena,
                                const struct metric_list_ask *ask,
                                struct metric_list *ret, struct err *err);
NODISCARD bool metric_read_chart(struct metric_reader *reader, struct arena *arena,
                                 const struct metric_ask *ask, struct metric_chart *ret,
                                 struct err *err);
/* Anomalies of the series and of the time of the chart, into its rows. */
void metric_chart_anomalies(struct metric_chart *chart, struct arena *arena,
                            const struct anomaly_row *rows, size_t n);

#endif
