/* SPDX-License-Identifier: MIT */

/* Figures that others offer: asked for on their interval, handed on as they come. */
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/io/telemetry_private.h"

/* prometheus.io/docs/instrumenting/content_negotiation/ */
#define ACCEPT                                                                           \
    "application/openmetrics-text;version=1.0.0;q=0.8,"                                  \
    "text/plain;version=0.0.4;q=0.6,*/*;q=0.1"

static int64_t interval_ns(const struct scrape_spec *spec)
{
    int64_t ms = spec->interval.ms > 0 ? spec->interval.ms : SCRAPE_INTERVAL.ms;
    return ms * 1000000;
}

static struct span timeout(const struct scrape_spec *spec)
{
    int64_t ms = spec->timeout.ms > 0 ? spec->timeout.ms : SCRAPE_TIMEOUT.ms;
    int64_t most = interval_ns(spec) / 1000000;
    return (struct span){ms < most ? ms : most};
}

/* FNV-1a: only has to differ between names. */
static uint64_t hash(const char *text)
{
    uint64_t h = 14695981039346656037u;
    for (; *text != '\0'; text++) {
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    }
    return h;
}

void scrapers_init(struct telemetry *telemetry)
{
    size_t n = telemetry->options.n_scrapes;
    int64_t now = mono_now().ns;
    telemetry->scrapers = mem_array(n, sizeof(*telemetry->scrapers));
    for (size_t i = 0; i < n; i++) {
        const struct scrape_spec *spec = &telemetry->options.scrapes[i];
        struct scraper *scraper = &telemetry->scrapers[i];
        scraper->spec = spec;
        uint64_t draw = hash(spec->name);
        scraper->next_at.ns = now + (int64_t)(draw % (uint64_t)interval_ns(spec));
        if (spec->command.argv == NULL) {
            const char *host = strstr(spec->url, "://");
            const char *path = host != NULL ? host + 3 + strcspn(host + 3, "/?#") : "";
            scraper->origin = mem_strn(spec->url, (size_t)(path - spec->url));
            scraper->path = path[0] == '/' ? path : "/";
            scraper->service = (struct service_spec){
                .name = spec->name, .url = scraper->origin, .token = spec->token};
        }
    }
}

void scrapers_fini(struct telemetry *telemetry)
{
    for (size_t i = 0; telemetry->scrapers != NULL && i < telemetry->options.n_scrapes;
         i++) {
        free(telemetry->scrapers[i].origin);
    }
    free(telemetry->scrapers);
}

/* ---- outcomes -------------------------------------------------------------------------
 */

static void give(struct telemetry *telemetry, struct scraper *scraper, char *text,
                 size_t len, const struct err *error)
{
    size_t index = (size_t)(scraper - telemetry->scrapers);
    scraper->is_busy = false;
    (void)atomic_fetch_add(&telemetry->counts.scrapes, 1);
    if (error != NULL) {
        (void)atomic_fetch_add(&telemetry->counts.failed, 1);
    }
    /* once each: its series "up" says how it goes on */
    if (error != NULL && !scraper->has_failed) {
        log_line(LOG_WARN, "scrape", "failed",
                 LOG_FIELDS(LOG_TEXT("scrape", scraper->spec->name),
                            LOG_TEXT("error", error->msg)));
    } else if (error == NULL && scraper->has_failed) {
        log_line(LOG_INFO, "scrape", "answers again",
                 LOG_FIELDS(LOG_TEXT("scrape", scraper->spec->name)));
    }
    scraper->has_failed = error != NULL;
    if (telemetry->options.on_scrape != NULL) {
        telemetry->options.on_scrape(telemetry->options.user, index, wall_now(), text,
                                     len, error);
    } else {
        free(text);
    }
}

void scraper_answer(struct telemetry *telemetry, struct scraper *scraper,
                    struct http_response *response)
{
    struct err err = ERR_INIT;
    if (response->fault == HTTP_FINE && response->status == 200) {
        size_t len = response->body_len;
        give(telemetry, scraper, TAKE(response->body), len, NULL);
        return;
    }
    if (response->fault == HTTP_FINE) {
        (void)err_set(&err, ERR_PROTOCOL, "HTTP %d", response->status);
    } else {
        enum err_code code = response->fault == HTTP_TIMEOUT     ? ERR_TIMEOUT
                             : response->fault == HTTP_TOO_LARGE ? ERR_TOO_LARGE
                                                                 : ERR_IO;
        (void)err_set(&err, code, "%s%s%.200s", http_fault_word(response->fault),
                      response->text[0] != '\0' ? ": " : "", response->text);
    }
    give(telemetry, scraper, NULL, 0, &err);
}

void scraper_ended(void *user, int64_t id, char *text, size_t len,
                   const struct err *error)
{
    struct telemetry *telemetry = user;
    struct scraper *scraper = idmap_take(&telemetry->calls, id);
    if (scraper != NULL) {
        give(telemetry, scraper, text, len, error);
    } else {
        free(text);
    }
}

/* ---- asking ---------------------------------------------------------------------------
 */

static void ask_url(struct telemetry *telemetry, struct scraper *scraper, int64_t id)
{
    struct http_request *request =
        http_request_new("scrape", CALL_PROBE, HTTP_GET, mem_str(scraper->path));
    http_request_header(request, "Accept", ACCEPT);
    request->answer_max = SCRAPE_BODY_MAX;
    request->follows = true;
    const struct http_call call = {.id = id,
                                   .service = &scraper->service,
                                   .request = request,
                                   .time = timeout(scraper->spec)};
    http_send(telemetry->http, &call);
}

static void ask(struct telemetry *telemetry, struct scraper *scraper)
{
    int64_t id = telemetry_call(telemetry, true, scraper);
    scraper->is_busy = true;
    if (scraper->spec->command.argv == NULL) {
        ask_url(telemetry, scraper, id);
        return;
    }
    struct err err = ERR_INIT;
    if (!captures_begin(telemetry->captures, id, &scraper->spec->command, SCRAPE_BODY_MAX,
                        timeout(scraper->spec), &err)) {
        (void)idmap_take(&telemetry->calls, id); /* itself */
        give(telemetry, scraper, NULL, 0, &err);
    }
}

void scrapers_run(struct telemetry *telemetry, struct mono now)
{
    for (size_t i = 0; i < telemetry->options.n_scrapes; i++) {
        struct scraper *scraper = &telemetry->scrapers[i];
        if (scraper->next_at.ns > now.ns) {
            continue;
        }
        /* The times stay where they are; those that were missed are not made up for. */
        int64_t every = interval_ns(scraper->spec);
        scraper->next_at.ns += every * ((now.ns - scraper->next_at.ns) / every + 1);
        if (!scraper->is_busy) {
            ask(telemetry, scraper);
        }
    }
}
