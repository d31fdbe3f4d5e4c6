/* SPDX-License-Identifier: MIT */

/* What /metrics and /readyz say, read from the store. */
#include "engine/base/json.h"
#include "engine/io/listener_private.h"
#include "engine/io/openmetrics.h"
#include "engine/io/telemetry.h"
#include "store/halt.h"

#define METRICS_MAX (16 * 1024 * 1024) /* bytes of one answer */

/* A service and its figures. */
struct service_view {
    const struct service_row *row;
    struct json *detail; /* NULL: none, or not readable */
};

struct reader *listener_reader(struct listener *listener, struct err *err)
{
    if (listener->reader != NULL && reader_version(listener->reader) < 0) {
        reader_close(listener->reader);
        listener->reader = NULL;
    }
    if (listener->reader == NULL) {
        listener->reader = reader_open(listener->store, err);
    }
    return listener->reader;
}

static void put_totals(struct openmetrics *m, const struct totals *totals)
{
    openmetrics_family(m, "signalbox_workflows", OPENMETRICS_GAUGE, "",
                       "Workflows by state.");
    for (int i = 0; i < STATE_COUNT; i++) {
        openmetrics_sample(m, METRIC_LABELS("state", state_name((enum workflow_state)i)),
                           (double)totals->by_state[i]);
    }
    openmetrics_family(m, "signalbox_workflows_waiting", OPENMETRICS_GAUGE, "",
                       "Workflows by what they wait for.");
    for (int i = WAIT_NONE + 1; i < WAIT_COUNT; i++) {
        openmetrics_sample(m, METRIC_LABELS("wait", wait_word((enum workflow_wait)i)),
                           (double)totals->by_wait[i]);
    }
    openmetrics_family(m, "signalbox_events", OPENMETRICS_COUNTER, "",
                       "Events since the store was made.");
    openmetrics_sample(m, NULL, (double)totals->last_event);
    openmetrics_family(m, "signalbox_deliveries", OPENMETRICS_COUNTER, "",
                       "Webhook deliveries by what became of them.");
    for (int i = 0; i < DELIVERY_STATUS_COUNT; i++) {
        openmetrics_sample(
            m, METRIC_LABELS("status", delivery_status_word((enum delivery_status)i)),
            (double)totals->by_delivery[i]);
    }
}

static void put_breakers(struct openmetrics *m, const struct service_view *views,
                         size_t n)
{
    static const char family[] = "signalbox_service_breaker";
    openmetrics_family(m, family, METRIC_STATESET, "", "State of the circuit breaker.");
    for (size_t i = 0; i < n; i++) {
        for (int s = 0; s < BREAKER_STATE_COUNT; s++) {
            openmetrics_sample(m,
                               METRIC_LABELS("service", views[i].row->name, family,
                                             breaker_state_word((enum breaker_state)s)),
                               views[i].row->state == (enum breaker_state)s ? 1 : 0);
        }
    }
}

/* Figures that stand in the detail of a service: object, field, family. */
static const struct {
    const char *object, *field, *family, *help;
} figures[] = {
    {"window",   "calls",     "signalbox_service_window_calls",
     "Calls in the window of the breaker."                                                         },
    {"window",   "failures",  "signalbox_service_window_failures",
     "Failed calls in the window of the breaker."                                                  },
    {"bulkhead", "limit",     "signalbox_service_concurrency_limit",
     "Calls that may be in flight."                                                                },
    {"bulkhead", "in_flight", "signalbox_service_in_flight",         "Calls in flight."            },
    {"bulkhead", "waiting",   "signalbox_service_waiting",           "Calls that wait for a place."},
    {"rate",     "limit",     "signalbox_service_rate_limit",
     "Calls that the service allows in its interval."                                              },
    {"rate",     "remaining", "signalbox_service_rate_remaining",
     "Calls that the service still allows."                                                        },
};

static void put_figures(struct openmetrics *m, const struct service_view *views, size_t n)
{
    for (size_t f = 0; f < ARRAY_LEN(figures); f++) {
        openmetrics_family(m, figures[f].family, OPENMETRICS_GAUGE, "", figures[f].help);
        for (size_t i = 0; i < n; i++) {
            const struct json *object = json_get(views[i].detail, figures[f].object);
            double value = json_num(object, figures[f].field, -1);
            if (value >= 0) { /* unknown is not zero */
                openmetrics_sample(m, METRIC_LABELS("service", views[i].row->name),
                                   value);
            }
        }
    }
}

static void put_latency(struct openmetrics *m, const struct service_view *views, size_t n)
{
    static const struct {
        const char *field, *quantile;
    } quantiles[] = {
        {"p50", "0.5" },
        {"p95", "0.95"},
        {"p99", "0.99"},
    };
    openmetrics_family(m, "signalbox_service_latency_seconds", OPENMETRICS_SUMMARY,
                       "seconds", "Latency of recent calls.");
    for (size_t i = 0; i < n; i++) {
        const struct json *latency = json_get(views[i].detail, "latency_ms");
        for (size_t q = 0; q < ARRAY_LEN(quantiles); q++) {
            double ms = json_num(latency, quantiles[q].field, -1);
            if (ms >= 0) {
                openmetrics_sample(m,
                                   METRIC_LABELS("service", views[i].row->name,
                                                 "quantile", quantiles[q].quantile),
                                   ms / 1000);
            }
        }
    }
}

static void put_endpoints(struct openmetrics *m, const struct service_view *views,
                          size_t n, const char *family, const char *field,
                          const char *help)
{
    openmetrics_family(m, family, OPENMETRICS_COUNTER, "", help);
    for (size_t i = 0; i < n; i++) {
        const struct json *list = json_get(views[i].detail, "endpoints");
        for (size_t k = 0; k < json_len(list); k++) {
            const struct json *endpoint = json_at(list, k);
            openmetrics_sample(m,
                               METRIC_LABELS("service", views[i].row->name, "call",
                                             json_str(endpoint, "name", "")),
                               json_num(endpoint, field, 0));
        }
    }
}

static void put_services(struct openmetrics *m, const struct service_row *rows, size_t n)
{
    AUTO_FREE struct service_view *views = mem_array(n, sizeof(*views));
    for (size_t i = 0; i < n; i++) {
        struct err err = ERR_INIT;
        views[i].row = &rows[i];
        views[i].detail = json_parse(rows[i].detail, strlen(rows[i].detail), &err);
    }
    put_breakers(m, views, n);
    put_figures(m, views, n);
    put_latency(m, views, n);
    put_endpoints(m, views, n, "signalbox_service_calls", "calls",
                  "Calls since the engine started.");
    put_endpoints(m, views, n, "signalbox_service_errors", "errors",
                  "Failed calls since the engine started.");
    for (size_t i = 0; i < n; i++) {
        json_free(views[i].detail);
    }
}

static void put_one(struct openmetrics *m, const char *name, enum openmetrics_kind kind,
                    const char *unit, const char *help, double value)
{
    openmetrics_family(m, name, kind, unit, help);
    openmetrics_sample(m, NULL, value);
}

static void put_own(struct openmetrics *m, const struct listener *listener)
{
    const struct counts *counts = &listener->counts;
    put_one(m, "signalbox_listener_connections", OPENMETRICS_GAUGE, "",
            "Open connections.", listener->n_conns);
    put_one(m, "signalbox_listener_subscribers", OPENMETRICS_GAUGE, "",
            "Open WebSockets of /events.", (double)counts->subscribers);
    put_one(m, "signalbox_listener_body_bytes", OPENMETRICS_GAUGE, "bytes",
            "Memory of the webhooks in hand.", (double)listener->body_bytes);
    put_one(m, "signalbox_listener_webhooks_in_hand", OPENMETRICS_GAUGE, "",
            "Webhooks that wait for their commit.", (double)listener->n_handed);
    put_one(m, "signalbox_listener_commands_in_hand", OPENMETRICS_GAUGE, "",
            "Commands that wait for their answer.", (double)listener->n_asks);
    put_one(m, "signalbox_listener_commands", OPENMETRICS_COUNTER, "",
            "Commands that were stored.", (double)counts->commands);
    put_one(m, "signalbox_listener_wrong_tokens", OPENMETRICS_COUNTER, "",
            "Requests with a wrong token.", (double)counts->wrong_tokens);
    openmetrics_family(m, "signalbox_listener_answers", OPENMETRICS_COUNTER, "",
                       "Answers by status.");
    for (int i = 0; i < COUNT_STATUSES; i++) {
        char status[16];
        if (counts->by_status[i] > 0) {
            (void)snprintf(status, sizeof(status), "%d", i);
            openmetrics_sample(m, METRIC_LABELS("status", status),
                               (double)counts->by_status[i]);
        }
    }
    put_one(m, "signalbox_listener_webhooks_rejected", OPENMETRICS_COUNTER, "",
            "Webhooks that were turned away.", (double)counts->rejected_all);
    put_one(m, "signalbox_listener_connections_refused", OPENMETRICS_COUNTER, "",
            "Connections that got no place.", (double)counts->refused);
    put_one(m, "signalbox_listener_connections_evicted", OPENMETRICS_COUNTER, "",
            "Idle connections that made room.", (double)counts->evicted);
    put_one(m, "signalbox_listener_resyncs", OPENMETRICS_COUNTER, "",
            "Subscribers that were told to look anew.",
            (double)feed_resyncs(listener->feed));
    put_one(m, "signalbox_listener_uptime_seconds", OPENMETRICS_GAUGE, "seconds",
            "Time since the listener started.",
            (double)(mono_now().ns - listener->started_at.ns) / 1e9);
}

static void put_telemetry(struct openmetrics *m, const struct telemetry *telemetry)
{
    struct telemetry_figures done;
    if (telemetry == NULL) {
        return;
    }
    telemetry_figures(telemetry, &done);
    const struct {
        const char *result;
        int64_t n;
    } spans[] = {
        {"exported", done.spans_exported},
        {"rejected", done.spans_rejected},
        {"dropped",  done.spans_dropped },
        {"pruned",   done.spans_pruned  },
    };
    openmetrics_family(m, "signalbox_telemetry_spans", OPENMETRICS_COUNTER, "",
                       "Spans for collectors, by what became of them.");
    for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
        openmetrics_sample(m, METRIC_LABELS("result", spans[i].result),
                           (double)spans[i].n);
    }
    put_one(m, "signalbox_telemetry_export_failures", OPENMETRICS_COUNTER, "",
            "Exports that are tried again.", (double)done.export_failures);
    put_one(m, "signalbox_telemetry_scrapes", OPENMETRICS_COUNTER, "",
            "Scrapes that are over.", (double)done.scrapes);
    put_one(m, "signalbox_telemetry_scrape_failures", OPENMETRICS_COUNTER, "",
            "Scrapes that gave nothing.", (double)done.scrape_failures);
}

char *metrics_format(struct listener *listener, enum openmetrics_format format,
                     size_t *ret_len)
{
    struct err err = ERR_INIT;
    struct totals totals;
    const struct service_row *services = NULL;
    size_t n = 0;
    arena_reset(listener->arena);
    if (listener_reader(listener, &err) == NULL ||
        !reader_begin(listener->reader, &err)) {
        return NULL;
    }
    struct halt_row halt;
    bool is_read =
        reader_totals(listener->reader, &totals, &err) &&
        reader_services(listener->reader, listener->arena, &services, &n, &err);
    reader_halt(listener->reader, listener->arena, &halt);
    reader_end(listener->reader);
    if (!is_read) {
        return NULL;
    }
    struct buf out;
    struct openmetrics m;
    buf_init(&out, METRICS_MAX);
    openmetrics_begin(&m, &out, format);
    put_totals(&m, &totals);
    put_one(&m, "signalbox_halted", OPENMETRICS_GAUGE, "",
            "1 while an operator has halted everything that is done without a person.",
            halt.is_on ? 1 : 0);
    put_services(&m, services, n);
    put_own(&m, listener);
    put_telemetry(&m, atomic_load(&listener->telemetry));
    listener_series_put(listener->series, &m, listener->reader);
    openmetrics_end(&m);
    return buf_take(&out, ret_len);
}

const char *ready_problem(struct listener *listener)
{
    struct err err = ERR_INIT;
    enum err_code fault = (enum err_code)atomic_load(&listener->fault);
    if (fault != ERR_NONE) {
        return fault == ERR_FULL        ? "the store has no space"
               : fault == ERR_READ_ONLY ? "the store is read-only"
               : fault == ERR_CORRUPT   ? "the store is corrupt"
                                        : "the store cannot be written";
    }
    if (listener_reader(listener, &err) == NULL) {
        return "the store cannot be read";
    }
    arena_reset(listener->arena);
    const char *text = reader_setting(listener->reader, listener->arena, "engine");
    struct json *engine = json_parse(text, strlen(text), &err);
    bool is_running = strcmp(json_str(engine, "state", ""), "running") == 0;
    json_free(engine);
    return is_running ? "" : "the engine is not running";
}
