/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_SERIES_H
#define SIGNALBOX_MONITOR_SERIES_H

/*
 * Series: named lines of numbers over time, and what watching them has taught.
 *
 * A series is a metric (a row of engine/monitor/metric.h, or one that was scraped) with its
 * labels. Points go in one at a time; each updates the newest chunk of raw values, the sums of
 * its minute, hour and day, and the series' detector, without allocation. Points of a series
 * come in order of time; an older one than the newest is dropped and counted. More than
 * SERIES_LATE_MAX of them in a row say that the clock was set back: then it goes on from there.
 * A measurement of a summary that is up to an hour late counts as new: they have no order. A
 * value that is not finite says "unknown" and is not a point.
 *
 * What is judged: of a gauge its value; of a counter its rate per second since the point
 * before (a counter that falls was reset and has counted from 0 again); of a summary the 95 %
 * quantile of each minute, once the minute is over.
 *
 * Where it is kept: points wait in the set until series_save hands them, with what changed in
 * the models, to the metrics file in the caller's transaction, and series_saved says that it
 * was committed. series_load gives the same set back: states that were saved some minutes ago
 * are brought up to date by the raw points that the file has got since, by the very code that
 * took them first, so that nothing differs from a set that was never stopped.
 *
 * Threads: the set belongs to the monitor thread. Text in a series_info lives as long as the
 * set.
 */

#include "engine/base/clock.h"
#include "engine/monitor/detect.h"
#include "engine/monitor/metric.h"
#include "store/metric_store.h"

#define SERIES_MAX         20000 /* series of a set; one more is refused and counted */
#define SERIES_FOREIGN_MAX 15000 /* where what others offer ends: the rest is ours */
#define SERIES_NAME_MAX    200   /* bytes, with NUL */
#define SERIES_LABELS_MAX  512   /* canonical text, with NUL */
#define SERIES_LABELS      32    /* labels of one series */
#define SERIES_LATE_MAX    20    /* points in a row that are dropped as late */

/* What a series is, for whoever judges or shows it. */
struct series_info {
    int32_t id;            /* 0.., dense, the same after a restart */
    enum metric_id metric; /* METRIC_SCRAPED for one from outside */
    enum metric_kind kind;
    const char *name;      /* "workflow_time_in_state_seconds" */
    const char *labels;    /* canonical: key="value",... sorted by key; "" = none */
    const char *component; /* what it is about: "service:github", "repo:/srv/app",
                              "host", "engine", "state:CODING", "scrape:NAME" */
    const char *unit;
};

/* One point after the detector saw it: what the anomaly book and the rules are given. */
struct series_signal {
    const struct series_info *series;
    struct wall at;
    double value;
    struct detect_result result;
};

/* What a set has done. */
struct series_counts {
    int64_t points;  /* taken */
    int64_t late;    /* dropped: older than the newest of the series */
    int64_t unkept;  /* judged and summed up, but the raw value had no place: the file was
                        not written for too long */
    int64_t refused; /* series that had no place */
};

struct series_set;
NODISCARD struct series_set *series_set_new(int32_t max);
void series_set_free(struct series_set *set); /* accepts NULL */
int32_t series_count(const struct series_set *set);
struct series_counts series_counts(const struct series_set *set);

/* ---- labels --------------------------------------------------------------- */

struct series_label {
    const char *key, *value;
};

/* Canonical text of labels: sorted, values escaped as in Prometheus and cleaned. False when
 * it does not fit SERIES_LABELS_MAX, or a key is no name or comes twice. */
NODISCARD bool series_labels(const struct series_label *labels, size_t n,
                             char out[SERIES_LABELS_MAX]);

/* ---- finding one ---------------------------------------------------------- */

#define SERIES_NONE (-1)

/* The series of a metric; made when it is new. labels NULL: none; component as in series_info,
 * of the first call. SERIES_NONE: no place. Keep the id: it is what push is given. */
int32_t series_open(struct series_set *set, enum metric_id metric,
                    const struct series_label *labels, size_t n, const char *component);
/* The same of one from outside, with its canonical labels. */
int32_t series_open_scraped(struct series_set *set, const char *name,
                            enum metric_kind kind, const char *unit, const char *labels,
                            const char *component);
/* The same of one whose name was chosen outside: it never takes the last places, so that a
 * large answer cannot shut out our own series. */
int32_t series_open_foreign(struct series_set *set, const char *name,
                            enum metric_kind kind, const char *unit, const char *labels,
                            const char *component);
/* By name and canonical labels, made by nobody; or SERIES_NONE. */
int32_t series_find(const struct series_set *set, const char *name, const char *labels);
const struct series_info *series_get(const struct series_set *set, int32_t id);

/* ---- points --------------------------------------------------------------- */

/*
 * A point. True: there is a value to look at, *ret_signal says how it was judged; that of a
 * metric that only rules look at surprises nobody. False: there is nothing (yet): the first
 * value of a counter, a measurement of a summary whose minute goes on, an unknown or late value.
 */
bool series_push(struct series_set *set, int32_t id, struct wall at, double value,
                 struct series_signal *ret_signal);
/* Minutes of summaries that are over at `now`: call until it is false, *iter begins at 0. */
bool series_next_due(struct series_set *set, struct wall now, int32_t *iter,
                     struct series_signal *ret_signal);
/* Series from which a point should have come: call until it is false, *iter begins at 0. */
bool series_next_silent(const struct series_set *set, struct wall now, int32_t *iter,
                        struct series_signal *ret_signal);
/* Newest judged value and its time, of a summary what the minute that goes on would give;
 * false: none yet. */
bool series_newest(const struct series_set *set, int32_t id, struct wall *ret_at,
                   double *ret_value);
/* To look at only. */
const struct detector *series_detector(const struct series_set *set, int32_t id);

/* ---- file ----------------------------------------------------------------- */

#define SERIES_SAVE_ROUNDS 60 /* flushes until every state was saved once */

/* Put what is new into the store's open transaction. is_all: every model too (at the end). */
void series_save(struct series_set *set, struct metric_store *store, bool is_all);
/* That transaction is committed. (When it failed nothing is lost: the next save puts it again,
 * as far as there is place for points.) */
void series_saved(struct series_set *set);
/* The file was replaced by an empty one: write series and models anew. */
void series_unsaved(struct series_set *set);
/* An empty set becomes what was saved. A state of another format begins anew. */
NODISCARD bool series_load(struct series_set *set, struct metric_store *store,
                           struct err *err);
/* Is there so much to save that it should be done before its time? */
bool series_is_full(const struct series_set *set);

/*
 * Points of [from, to) at a level, oldest first, at most max (the newest ones), from file and
 * memory together, into the arena. The store may be NULL: memory only.
 */
NODISCARD bool series_query(const struct series_set *set, struct metric_store *store,
                            const struct metric_query *query, struct arena *arena,
                            struct metric_point **ret_points, size_t *ret_n,
                            struct err *err);

#endif
