/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_TELEMETRY_H
#define SIGNALBOX_IO_TELEMETRY_H

/*
 * Telemetry: the thread that carries figures over the network: out to collectors, in from
 * what is scraped. Nothing waits for it, and it changes nothing but its own state file.
 *
 *   store (spans) ──► reader ──► OTLP/HTTP JSON ──► collector    (engine/io/otlp.h)
 *   endpoint, command ──► body ──► on_scrape ──► monitor thread parses it
 *
 * Export. Spans are kept in the store, which is the queue: the thread reads what is newer
 * than its watermark, at most `batch` at a time, and goes on only when the collector has
 * answered. A collector that is away costs nothing but the bound of the store's span
 * table; what was pruned before it could be sent is counted and logged. Retries follow
 * the OTLP specification (opentelemetry.io/docs/specs/otlp/, "OTLP/HTTP Response"): 429,
 * 502, 503, 504 and a connection that fails are tried again after Retry-After, else after
 * a pause that doubles up to OTLP_PAUSE_MAX with jitter; any other status drops the batch
 * and says so. A partial success is a success; what it rejected is counted and logged.
 *
 * Watermark. STORE-telemetry, a small JSON file that this thread alone writes, atomically
 * and synced, after every batch that was taken. Not a setting of the store, whose only
 * writer is the control thread: an export would then cost a message, a commit and a ring
 * of the bell each time. A crash between the answer and the write sends that batch again;
 * spans have derived ids (engine/trace/span.h), so that a collector sees the same span
 * again and no other one. A new collector begins with the oldest span that is kept.
 *
 * Scrapes. Every `interval`, the first one spread over it by the name, so that many do
 * not come at once; never two of one target at a time. GET with Accept for OpenMetrics and
 * Prometheus text, at most SCRAPE_BODY_MAX bytes within `timeout`; a command is run as it
 * is written, without a terminal, and killed with what it started when its time is over.
 *
 * Threads: start and stop belong to the control thread's starter; on_scrape runs on the
 * telemetry thread and owns the text. Options are copied but for what the specs point to,
 * which outlives the thread.
 */

#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/service/service.h"

#define SCRAPE_BODY_MAX (8 * 1024 * 1024) /* bytes of one answer */
#define SCRAPE_INTERVAL ((struct span){15000})
#define SCRAPE_TIMEOUT  ((struct span){10000})
#define SCRAPES_MAX     256

#define OTLP_INTERVAL  ((struct span){5000})
#define OTLP_TIMEOUT   ((struct span){10000})
#define OTLP_BATCH     512
#define OTLP_BATCH_MAX 8192
#define OTLP_PAUSE_MAX ((struct span){60000})
#define OTLPS_MAX      8

/* Something that is asked for its figures: either `url` or `command`. */
struct scrape_spec {
    char *name;                  /* unique; label scrape="NAME" of its series */
    char *url;                   /* http or https, with path; "" = command */
    struct command_spec command; /* its standard output; argv NULL = url */
    struct secret_source token;  /* sent as Authorization: Bearer; optional */
    struct span interval;        /* 0 = SCRAPE_INTERVAL */
    struct span timeout;         /* 0 = SCRAPE_TIMEOUT, never above interval */
    struct env_var *labels;      /* added to every series */
    size_t n_labels;
};

struct otlp_header {
    char *name;
    struct secret_source value;
};

/* A collector (opentelemetry.io/docs/specs/otlp/). */
struct otlp_spec {
    char *endpoint; /* http(s)://host:4318 ; "/v1/traces" is appended */
    struct otlp_header *headers;
    size_t n_headers;
    struct span interval; /* between two looks for new spans; 0 = OTLP_INTERVAL */
    struct span timeout;  /* of one request; 0 = OTLP_TIMEOUT */
    int batch;            /* spans per request; 0 = OTLP_BATCH */
};

struct telemetry_options {
    const char *store;       /* path of the store */
    const char *environment; /* deployment.environment.name; "" = unknown */
    const struct scrape_spec *scrapes;
    size_t n_scrapes;
    const struct otlp_spec *otlps;
    size_t n_otlps;
    /* `index` of the scrape. error NULL: text[0..len) is the body, malloc'd, the
     * receiver's; else text is NULL and error->msg says why in one clean line. */
    void (*on_scrape)(void *user, size_t index, struct wall at, char *text, size_t len,
                      const struct err *error);
    void *user;
    const char *ca_file; /* for tests; NULL: as the system is set up */
};

/* What it did, for the screens and /metrics. Atomic copies, any thread. */
struct telemetry_figures {
    int64_t spans_exported, spans_rejected, spans_dropped, spans_pruned;
    int64_t export_failures; /* requests that are tried again */
    int64_t scrapes, scrape_failures;
};

struct telemetry;

/* NULL with err: no thread, no descriptors. With nothing to do it still starts. */
NODISCARD struct telemetry *telemetry_start(const struct telemetry_options *options,
                                            struct err *err);
/* Gives up what is in flight; the next one sends it. Accepts NULL. */
void telemetry_stop(struct telemetry *telemetry);
void telemetry_figures(const struct telemetry *telemetry,
                       struct telemetry_figures *ret_figures);
/* Look for new spans now. Any thread. */
void telemetry_wake(struct telemetry *telemetry);

#endif
