/* SPDX-License-Identifier: MIT */

/* Spans to collectors. The store is the queue, the watermark says how far each one is. */
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/version.h"
#include "engine/io/telemetry_private.h"

#define STATE_MAX  65536
#define ANSWER_MAX 65536
#define PATH       "/v1/traces"

/* ---- the watermark --------------------------------------------------------------------
 */

static void read_state(struct telemetry *telemetry)
{
    struct err err = ERR_INIT;
    AUTO_FREE char *text = NULL;
    size_t len = 0;
    if (!file_read(telemetry->state_path, STATE_MAX, &text, &len, &err)) {
        if (err.code != ERR_NOT_FOUND) {
            log_line(LOG_WARN, "export",
                     "the watermark cannot be read: all is sent again",
                     LOG_FIELDS(LOG_TEXT("error", err.msg)));
        }
        return;
    }
    struct json *root = json_parse(text, len, &err);
    if (root == NULL) {
        log_line(LOG_WARN, "export", "the watermark cannot be read: all is sent again",
                 LOG_FIELDS(LOG_TEXT("error", err.msg)));
    }
    const struct json *otlp = json_get(root, "otlp");
    for (size_t i = 0; i < telemetry->options.n_otlps; i++) {
        struct exporter *exporter = &telemetry->exporters[i];
        exporter->taken = json_int(otlp, exporter->spec->endpoint, 0);
    }
    json_free(root);
}

static void write_state(struct telemetry *telemetry)
{
    AUTO_BUF struct buf out;
    struct jsonw w;
    struct err err = ERR_INIT;
    buf_init(&out, STATE_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    jsonw_open(&w, "otlp", '{');
    for (size_t i = 0; i < telemetry->options.n_otlps; i++) {
        jsonw_int(&w, telemetry->exporters[i].spec->endpoint,
                  telemetry->exporters[i].taken);
    }
    jsonw_close(&w, '}');
    jsonw_close(&w, '}');
    if (!file_write(telemetry->state_path, out.data, out.len, &err)) {
        log_line(LOG_WARN, "export", "the watermark cannot be written",
                 LOG_FIELDS(LOG_TEXT("error", err.msg)));
    }
}

static int64_t interval_ns(const struct exporter *exporter)
{
    int64_t ms =
        exporter->spec->interval.ms > 0 ? exporter->spec->interval.ms : OTLP_INTERVAL.ms;
    return ms * 1000000;
}

static size_t full_batch(const struct exporter *exporter)
{
    int batch = exporter->spec->batch > 0 ? exporter->spec->batch : OTLP_BATCH;
    return (size_t)(batch < OTLP_BATCH_MAX ? batch : OTLP_BATCH_MAX);
}

void exporters_init(struct telemetry *telemetry)
{
    size_t n = telemetry->options.n_otlps;
    telemetry->exporters = mem_array(n, sizeof(*telemetry->exporters));
    for (size_t i = 0; i < n; i++) {
        struct exporter *exporter = &telemetry->exporters[i];
        exporter->spec = &telemetry->options.otlps[i];
        size_t len = strlen(exporter->spec->endpoint);
        while (len > 0 && exporter->spec->endpoint[len - 1] == '/') {
            len--;
        }
        exporter->service =
            (struct service_spec){.name = exporter->spec->endpoint,
                                  .url = mem_strn(exporter->spec->endpoint, len)};
        exporter->batch = full_batch(exporter);
    }
    if (n > 0) {
        read_state(telemetry);
    }
}

void exporters_fini(struct telemetry *telemetry)
{
    for (size_t i = 0; telemetry->exporters != NULL && i < telemetry->options.n_otlps;
         i++) {
        free(telemetry->exporters[i].service.url);
    }
    free(telemetry->exporters);
}

/* ---- sending --------------------------------------------------------------------------
 */

static bool open_reader(struct telemetry *telemetry)
{
    struct err err = ERR_INIT;
    if (telemetry->reader != NULL && reader_version(telemetry->reader) < 0) {
        reader_close(telemetry->reader);
        telemetry->reader = NULL;
    }
    if (telemetry->reader == NULL) {
        telemetry->reader = reader_open(telemetry->store, &err);
    }
    return telemetry->reader != NULL;
}

/* What the specification allows between the answer and the write of the watermark: the
 * store was put back from a backup, and gives the same numbers to other spans. */
static void check_watermark(struct telemetry *telemetry, struct exporter *exporter)
{
    int64_t last = reader_last_span(telemetry->reader);
    if (last > 0 && exporter->taken > last) {
        log_line(
            LOG_WARN, "export", "the store is older than the watermark",
            LOG_FIELDS(LOG_INT("watermark", exporter->taken), LOG_INT("last", last)));
        exporter->taken = last;
    }
}

/* False: a secret is still to come, or cannot be had. */
static bool add_headers(struct telemetry *telemetry, struct exporter *exporter,
                        struct http_request *request)
{
    for (size_t i = 0; i < exporter->spec->n_headers; i++) {
        const struct otlp_header *header = &exporter->spec->headers[i];
        struct secret secret;
        struct err err = ERR_INIT;
        switch (secrets_get(telemetry->secrets, &header->value, &secret, &err)) {
        case SECRET_NONE:
            break;
        case SECRET_READY:
            log_hide(secret.value, strlen(secret.value));
            http_request_header(request, header->name, secret.value);
            break;
        case SECRET_PENDING:
            exporter->is_waiting = true;
            return false;
        case SECRET_FAILED:
            log_line(LOG_WARN, "export", "a header's secret cannot be had",
                     LOG_FIELDS(LOG_TEXT("endpoint", exporter->spec->endpoint),
                                LOG_TEXT("header", header->name),
                                LOG_TEXT("error", err.msg)));
            return false;
        }
    }
    return true;
}

static void send_batch(struct telemetry *telemetry, struct exporter *exporter,
                       const struct span_row *rows, size_t n)
{
    const struct otlp_resource resource = {.service = "signalbox",
                                           .version = SIGNALBOX_VERSION,
                                           .instance = telemetry->instance,
                                           .host = telemetry->host,
                                           .environment = telemetry->environment};
    struct buf body;
    /* A write: libcurl must not send it again by itself, then nobody could count. */
    struct http_request *request =
        http_request_new("otlp.traces", CALL_WRITE, HTTP_POST, mem_str(PATH));
    if (!add_headers(telemetry, exporter, request)) {
        http_request_free(request);
        return;
    }
    buf_init(&body, OTLP_BODY_MAX);
    size_t used = otlp_encode(&body, &resource, rows, n);
    size_t len;
    char *text = buf_take(&body, &len);
    exporter->has_more = n == exporter->batch || used < n;
    exporter->last = used > 0 ? rows[used - 1].seq : rows[0].seq;
    exporter->n_spans = (int64_t)used;
    http_request_body(request, text, len);
    request->answer_max = ANSWER_MAX;
    exporter->call = telemetry_call(telemetry, false, exporter);
    const struct http_call call = {
        .id = exporter->call,
        .service = &exporter->service,
        .request = request,
        .time = exporter->spec->timeout.ms > 0 ? exporter->spec->timeout : OTLP_TIMEOUT};
    http_send(telemetry->http, &call);
}

static void look(struct telemetry *telemetry, struct exporter *exporter)
{
    struct err err = ERR_INIT;
    const struct span_row *rows = NULL;
    size_t n = 0;
    arena_reset(telemetry->arena);
    if (!open_reader(telemetry)) {
        return; /* it is looked at again */
    }
    check_watermark(telemetry, exporter);
    if (!reader_spans(telemetry->reader, telemetry->arena, 0, exporter->taken,
                      exporter->batch, &rows, &n, &err)) {
        log_line(LOG_WARN, "export", "spans cannot be read",
                 LOG_FIELDS(LOG_TEXT("error", err.msg)));
        return;
    }
    if (n == 0) {
        return;
    }
    int64_t gone = rows[0].seq - exporter->taken - 1;
    if (exporter->taken > 0 && gone > 0) {
        (void)atomic_fetch_add(&telemetry->counts.pruned, gone);
        log_line(LOG_WARN, "export", "spans were pruned before they could be sent",
                 LOG_FIELDS(LOG_TEXT("endpoint", exporter->spec->endpoint),
                            LOG_INT("spans", gone)));
        exporter->taken += gone;
    }
    send_batch(telemetry, exporter, rows, n);
}

void exporters_run(struct telemetry *telemetry, struct mono now)
{
    bool is_woken = atomic_exchange(&telemetry->is_woken, false);
    for (size_t i = 0; i < telemetry->options.n_otlps; i++) {
        struct exporter *exporter = &telemetry->exporters[i];
        bool is_due =
            exporter->next_at.ns <= now.ns || (is_woken && exporter->n_failures == 0);
        if (exporter->call == 0 && is_due) {
            exporter->next_at.ns = now.ns + interval_ns(exporter);
            look(telemetry, exporter);
        }
    }
}

void exporters_settled(struct telemetry *telemetry)
{
    for (size_t i = 0; i < telemetry->options.n_otlps; i++) {
        struct exporter *exporter = &telemetry->exporters[i];
        if (exporter->is_waiting) {
            exporter->is_waiting = false;
            exporter->next_at.ns = 0;
        }
    }
}

/* ---- answers --------------------------------------------------------------------------
 */

/* This batch is over, one way or the other. */
static void advance(struct telemetry *telemetry, struct exporter *exporter)
{
    exporter->taken = exporter->last;
    exporter->n_failures = 0;
    exporter->batch = full_batch(exporter);
    write_state(telemetry);
    if (exporter->has_more) {
        exporter->next_at.ns = 0;
    }
}

static void complain(const struct exporter *exporter, const char *message,
                     const struct otlp_answer *answer, int64_t spans)
{
    log_line(LOG_WARN, "export", message,
             LOG_FIELDS(LOG_TEXT("endpoint", exporter->spec->endpoint),
                        LOG_TEXT("error", answer->text), LOG_INT("spans", spans)));
}

static void try_later(struct telemetry *telemetry, struct exporter *exporter,
                      const struct otlp_answer *answer)
{
    exporter->n_failures++;
    struct span pause =
        otlp_pause(exporter->n_failures, OTLP_PAUSE_MAX, rng_unit(&telemetry->rng));
    pause = answer->pause.ms > 0 ? answer->pause : pause;
    exporter->next_at.ns = mono_now().ns + pause.ms * 1000000;
    (void)atomic_fetch_add(&telemetry->counts.failures, 1);
    complain(exporter, "the collector did not take it: again later", answer,
             exporter->n_spans);
}

void exporter_answer(struct telemetry *telemetry, struct exporter *exporter,
                     const struct http_response *response)
{
    struct otlp_answer answer = otlp_judge(response, wall_now());
    exporter->call = 0;
    switch (answer.verdict) {
    case OTLP_TAKEN:
        (void)atomic_fetch_add(&telemetry->counts.exported,
                               exporter->n_spans - answer.rejected);
        if (answer.rejected > 0 || answer.text[0] != '\0') {
            (void)atomic_fetch_add(&telemetry->counts.rejected, answer.rejected);
            complain(exporter, "the collector rejected some", &answer, answer.rejected);
        }
        advance(telemetry, exporter);
        break;
    case OTLP_SMALLER:
        if (exporter->batch > 1 && exporter->n_spans > 1) {
            exporter->batch = (size_t)(exporter->n_spans + 1) / 2;
            exporter->next_at.ns = 0;
            break;
        }
        FALLTHROUGH;
    case OTLP_REFUSED:
        (void)atomic_fetch_add(&telemetry->counts.dropped, exporter->n_spans);
        complain(exporter, "the collector refused it: dropped", &answer,
                 exporter->n_spans);
        advance(telemetry, exporter);
        break;
    case OTLP_AGAIN:
        try_later(telemetry, exporter, &answer);
        break;
    }
}
