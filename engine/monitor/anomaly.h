/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_ANOMALY_H
#define SIGNALBOX_MONITOR_ANOMALY_H

/*
 * Anomaly book: from surprising points to few findings that a person can use.
 *
 * In go the points that the detectors have judged (series_signal) and the rules; out come
 * rows of anomalies and of incidents (store/finding.h), each time one has opened, changed or
 * closed. Between both:
 *
 *   habit     Of every series: how often and how far it lies outside of its band, the value that
 *             it nearly always has, and the highest sum that a run of odd points came to in peace.
 *             A run adds up digits of evidence for trouble against peace, point by point, and
 *             calm points take from it (a cumulative sum; Page, "Continuous inspection schemes",
 *             Biometrika 1954).
 *   suspect   A series whose run is half of what would be trouble; it may have contributed.
 *   open      A run of at least two odd points (or one that is extreme) that goes well beyond
 *             the highest one in peace. What was told becomes usual only when it comes again and
 *             again. One series has at most one open anomaly of the detectors and one for each
 *             rule; what comes again extends it.
 *   close     "recovered": back inside the band of before for long enough; "adapted": it has
 *             stayed where it is, and the detector finds it usual now; "silent": no points come
 *             any more. Nothing stays open for longer than ANOMALY_LASTS_MAX.
 *   group     into incidents by time and topology, see engine/monitor/incident.h.
 *
 * State: one flat block of fixed size without pointers. anomaly_book_save writes what is used of
 * it, anomaly_book_load goes on with it. What does not fit is counted in n_dropped, never lost
 * silently: the mildest suspect makes room.
 *
 * Cost: a calm point of a series that is no suspect is one look into an array.
 * Threads: whoever owns the book; no clock, no input or output, no globals.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/monitor/rule.h"
#include "engine/monitor/series.h"
#include "engine/monitor/world.h"
#include "store/finding.h"

#define ANOMALY_SERIES_MAX   32768 /* ids of series below that are watched */
#define ANOMALY_SUSPECTS_MAX 512
#define ANOMALY_OPEN_MAX     256
#define ANOMALY_RULES_MAX    1024 /* pairs of rule and series */
#define ANOMALY_PAST_MAX     256  /* closed ones, for "seen before" */
#define INCIDENT_OPEN_MAX    64
#define ANOMALY_NAME_MAX     200 /* bytes of name{labels}, with the NUL */
#define ANOMALY_PLACE_MAX    120 /* of a component */
#define ANOMALY_TEXT_MAX     240
#define ANOMALY_TOP          3 /* contributing series, similar events */

#define ANOMALY_USUAL      2.0 /* digits of rarity that a point may have */
#define ANOMALY_EVIDENCE   4.0 /* sum that opens */
#define ANOMALY_EXTREME    8.0 /* digits of one point's rarity that open at once */
#define ANOMALY_CALM       12  /* points inside the band that close */
#define ANOMALY_ADAPTED    36  /* odd points after which the band may have followed */
#define ANOMALY_ADAPTED_MS INT64_C(259200000) /* three days without surprise: adapted */
#define ANOMALY_SILENT     24 /* intervals without a point after which a series is dead */
#define ANOMALY_SILENT_MS  INT64_C(86400000)        /* but not later than a day */
#define ANOMALY_LASTS_MAX  (14 * INT64_C(86400000)) /* ms: longer is how it is now */

struct anomaly_book;

NODISCARD struct anomaly_book *anomaly_book_new(void);
void anomaly_book_free(struct anomaly_book *book); /* accepts NULL */
void anomaly_book_save(const struct anomaly_book *book, struct buf *out);
/* False: not of this version, or damaged; the book is empty then. */
NODISCARD bool anomaly_book_load(struct anomaly_book *book, const void *blob, size_t len);

/* The store has rows up to these numbers: new ones come behind them, and what it does not
 * have is told again (the store was lost, or not all findings were taken). True: the book did not
 * know of all of them: it is new, or older than the store. */
bool anomaly_book_continue(struct anomaly_book *book, int64_t last_anomaly,
                           int64_t last_incident);
/* Does the book hold this one, open or just closed? */
bool anomaly_book_has(const struct anomaly_book *book, int64_t anomaly);
bool anomaly_book_has_incident(const struct anomaly_book *book, int64_t incident);

/*
 * A judged point; `rules` is what rule_match said about this series. The result of
 * detect_silence is given likewise: its value is NAN.
 */
void anomaly_book_point(struct anomaly_book *book, const struct rule_set *set,
                        uint64_t rules, const struct series_signal *signal);
/*
 * Time goes by: close, group, inhibit. Call it every few seconds, and after the last point of
 * a batch.
 */
void anomaly_book_tick(struct anomaly_book *book, const struct rule_set *set,
                       const struct world *world, struct wall now);
/* An operator says that it is over; told with the next take. False: no such open anomaly. */
bool anomaly_book_resolve(struct anomaly_book *book, int64_t id, struct wall now);
bool anomaly_book_resolve_incident(struct anomaly_book *book, int64_t id,
                                   struct wall now);

/* Rows that have changed since the last call, incidents before the anomalies that name them.
 * Texts live in the arena. */
struct anomaly_changes {
    const struct anomaly_row *anomalies;
    size_t n_anomalies;
    const struct incident_row *incidents;
    size_t n_incidents;
};
void anomaly_book_take(struct anomaly_book *book, const struct rule_set *set,
                       const struct world *world, struct arena *arena,
                       struct anomaly_changes *ret);

struct anomaly_counts {
    size_t n_suspects, n_open, n_incidents;
    int64_t n_opened, n_closed, n_dropped;
};
struct anomaly_counts anomaly_book_counts(const struct anomaly_book *book);
/* Is an anomaly of this series open? For features of predictions and for health. */
bool anomaly_book_is_open(const struct anomaly_book *book, int32_t series);

#endif
