/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_MONITOR_H
#define SIGNALBOX_MONITOR_MONITOR_H

/*
 * Monitor: everything that watches, put together.
 *
 *   event log ► observer ► points ─┐              ┌─► rules ─┐
 *   services ────────────► points ─┼─► series ────┤          ├─► anomaly book ─► findings
 *   /proc, scrapes ──────► points ─┘   (detector) └──────────┘
 *        └─► runs ─► models of failure and duration ─► predictions ─► scorecards
 *   series ─► forecasts, capacity
 *
 * It has no thread, no clock and no connection: engine/monitor/thread.c reads the store and the
 * host, calls the functions below, and writes the metrics file, which alone remembers. The order
 * of one round: monitor_event and monitor_effects for what is new, monitor_services,
 * monitor_tick, then monitor_gather.
 *
 * Saving. monitor_save puts what is new into an open transaction of the metrics file:
 * points always, models every MONITOR_MODELS_MS or when asked for. The models carry the number
 * of the event that they have seen; after a restart the events after it are told again, and
 * points that are in the file already are not pushed a second time. So a kill -9 loses what
 * was not yet flushed of the host's levels (MONITOR_FLUSH_MS at most), and nothing of the log.
 */

#include "engine/io/telemetry.h"
#include "engine/monitor/anomaly.h"
#include "engine/monitor/cards.h"
#include "engine/monitor/collect.h"
#include "engine/monitor/observer.h"
#include "engine/monitor/rule.h"
#include "engine/monitor/series.h"
#include "engine/monitor/world.h"
#include "store/metric_store.h"
#include "store/service_detail.h"
#include "store/store.h"

#define MONITOR_FLUSH_MS 10000
#define MONITOR_MODELS_MS                                                                \
    300000 /* they are some MB; what is told again after a crash is short */
#define MONITOR_LEVEL_MS 300000 /* between two forecasts; each time of one series */

struct monitor_options {
    const struct rule *rules; /* of the configuration, outlive the monitor */
    size_t n_rules;
    int max_running;
};

struct monitor;
NODISCARD struct monitor *monitor_new(const struct monitor_options *options);
void monitor_free(struct monitor *monitor); /* accepts NULL */

/* What was saved; a part that is missing or of another format begins anew. False: the file
 * cannot be read. */
NODISCARD bool monitor_load(struct monitor *monitor, struct metric_store *store,
                            struct err *err);
void monitor_save(struct monitor *monitor, struct metric_store *store, struct wall now,
                  bool is_all);
/* The transaction is committed; only now may findings be sent. */
void monitor_saved(struct monitor *monitor, struct wall now);
/* The file was begun anew: everything is to be written again. */
void monitor_unsaved(struct monitor *monitor);

/* Number of the newest event it was told. */
int64_t monitor_seq(const struct monitor *monitor);
void monitor_event(struct monitor *monitor, const struct event_row *event,
                   const struct workflow_row *row);
void monitor_effects(struct monitor *monitor, int64_t workflow,
                     const struct effect_row *rows, size_t n);

/* A call at a service, as it was traced. */
void monitor_span(struct monitor *monitor, const struct span_row *span);
int64_t monitor_span_seq(const struct monitor *monitor);

/* A webhook delivery: the outcome of a review counts. In order of their numbers. */
void monitor_delivery(struct monitor *monitor, const struct delivery_row *row);
int64_t monitor_delivery_seq(const struct monitor *monitor);

/* All services as they are now. `details` has one for each row. */
void monitor_services(struct monitor *monitor, struct wall now,
                      const struct service_row *rows,
                      const struct service_detail *details, size_t n);
/* Silences in force; rows are copied. */
void monitor_silences(struct monitor *monitor, const struct silence_row *rows, size_t n);
/* What operators have resolved: an open incident of this id is closed. */
void monitor_resolve(struct monitor *monitor, int64_t incident, struct wall now);
/* What was scraped, see telemetry_options.on_scrape. error: NULL or why it failed. */
void monitor_scrape(struct monitor *monitor, const struct scrape_spec *spec,
                    struct wall at, const char *text, size_t len, const char *error);
/* For the collector: its points go into this set and come back as signals. */
struct series_set *monitor_series(struct monitor *monitor);
void monitor_signal(void *monitor, const struct series_signal *signal);
/* A sample is complete: levels of the work, minutes that are over, silences of points, rules,
 * the book, predictions that can be scored. */
void monitor_tick(struct monitor *monitor, struct wall now, const struct totals *totals);
/* One series' forecast, the one whose turn it is; reads its history from the file. Some ms.
 * Call it every MONITOR_LEVEL_MS divided by the number of series, but at least a second apart:
 * monitor_level_pause. */
void monitor_level(struct monitor *monitor, struct wall now, struct metric_store *store);
struct span monitor_level_pause(const struct monitor *monitor);

/* What was found since the last call goes, numbered, into the outbox of the file with the next
 * monitor_save. True: there was something, save soon. */
bool monitor_gather(struct monitor *monitor);
/* The newest event, span and delivery of the store. One that ends before what was seen here is
 * an older one, put back from a backup: what comes next in it is new. */
void monitor_rewind(struct monitor *monitor, int64_t event, int64_t span,
                    int64_t delivery);
/* Findings up to this number were given before, by whoever. */
void monitor_taken(struct monitor *monitor, int64_t number);
/* The store has anomalies and incidents up to these ids. True: not all of them are known
 * here, for the file is lost, or older than the store, or of another version. Then what the
 * store holds open goes through monitor_stray: nobody else would ever close it. */
bool monitor_ids_taken(struct monitor *monitor, int64_t last_anomaly,
                       int64_t last_incident);
struct discovery;
/* One of them: closed ("silent") unless it is known here. */
void monitor_stray(struct monitor *monitor, const struct discovery *discovery,
                   struct wall now);

/* A finding as it stands in the outbox, and back (texts in the arena). */
struct discovery {
    const struct anomaly_row *anomaly; /* one of both, the other NULL */
    const struct incident_row *incident;
};
NODISCARD char *discovery_format(const struct discovery *discovery);
NODISCARD bool discovery_parse(struct arena *arena, const char *json,
                               struct discovery *ret_discovery);

/* What it sees coming, p 0 where nothing is: breakers that will open, limits that are or will be
 * reached. For control_omens, each minute. NULL: nothing is known yet. */
struct omen_batch;
NODISCARD struct omen_batch *monitor_omens(struct monitor *monitor, struct wall now);

const struct scorecard *monitor_scorecard(const struct monitor *monitor,
                                          enum model model);

#endif
