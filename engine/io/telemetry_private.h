/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_IO_TELEMETRY_PRIVATE_H
#define SIGNALBOX_IO_TELEMETRY_PRIVATE_H

/*
 * The parts of the telemetry thread: the loop (telemetry.c), what goes out
 * (telemetry_export.c), what comes in (telemetry_scrape.c). One thread, but for what is
 * marked.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/idmap.h"
#include "engine/base/rng.h"
#include "engine/io/capture.h"
#include "engine/io/http.h"
#include "engine/io/otlp.h"
#include "engine/io/secret.h"
#include "engine/io/telemetry.h"
#include "store/store.h"

/* A collector. */
struct exporter {
    const struct otlp_spec *spec;
    struct service_spec service; /* its address, as http.h wants it */
    int64_t taken;               /* newest span that is done with */
    int64_t last;                /* newest one of the batch in flight; */
    int64_t n_spans;             /* how many it has */
    size_t batch;                /* smaller after 413 */
    int n_failures;              /* in a row */
    int64_t call;                /* in flight; 0 = none */
    struct mono next_at;
    bool has_more;   /* the last batch was full: go on at once */
    bool is_waiting; /* for a secret */
};

/* Something that is scraped. */
struct scraper {
    const struct scrape_spec *spec;
    struct service_spec service; /* scheme, host and port of its url */
    const char *path;            /* of the url, with query */
    char *origin;
    bool is_busy, has_failed; /* the newest answer */
    struct mono next_at;
};

struct telemetry {
    /* immutable after start */
    struct telemetry_options options;
    char *store, *state_path, *environment, *host, *instance;
    pthread_t thread;
    bool has_thread;
    int epoll, wake_fd;
    /* atomic */
    atomic_bool is_ending, is_woken;
    struct {
        atomic_llong exported, rejected, dropped, pruned, failures, scrapes, failed;
    } counts;
    /* telemetry thread only */
    struct reader *reader;
    struct arena *arena;
    struct http *http;
    struct secrets *secrets;
    struct captures *captures;
    struct exporter *exporters;
    struct scraper *scrapers;
    struct rng rng;
    int64_t last_call;
    struct idmap calls; /* exporter or scraper by number of the call, see target */
};

/* Numbers of calls: of the exporters even, of the scrapers odd. */
int64_t telemetry_call(struct telemetry *telemetry, bool is_scrape, void *whose);

/* ---- telemetry_export.c ---- */
void exporters_init(struct telemetry *telemetry);
void exporters_fini(struct telemetry *telemetry);
/* What is due. */
void exporters_run(struct telemetry *telemetry, struct mono now);
void exporters_settled(struct telemetry *telemetry); /* a secret came or failed */
void exporter_answer(struct telemetry *telemetry, struct exporter *exporter,
                     const struct http_response *response);

/* ---- telemetry_scrape.c ---- */
void scrapers_init(struct telemetry *telemetry);
void scrapers_fini(struct telemetry *telemetry);
void scrapers_run(struct telemetry *telemetry, struct mono now);
void scraper_answer(struct telemetry *telemetry, struct scraper *scraper,
                    struct http_response *response);
/* of a command; on_end of engine/io/capture.h */
void scraper_ended(void *user, int64_t id, char *text, size_t len,
                   const struct err *error);

#endif
