/* SPDX-License-Identifier: MIT */

/*
 * What the monitor remembers over a restart, and what it hands over through the file.
 */

#include <string.h>

#include "engine/monitor/monitor_private.h"

#define BLOB_MAX ((size_t)256 << 20)

/* Keys of the metrics file. */
#define KEY_POINTS   "points_seq"
#define KEY_SPANS    "span_seq"
#define KEY_DELIVERY "delivery_seq"
#define KEY_COUNTERS "counters"
#define KEY_BOOK     "book"
#define KEY_MEMORY   "memory"
#define KEY_OBSERVER "observer"
#define KEY_FAILURE  "failure"
#define KEY_BREAKING "breaking"
#define KEY_DURATION "duration"

/* ---- save ---- */

static void put(struct metric_store *store, const char *key, const void *bytes,
                size_t len)
{
    metric_store_put_model(store, key, MONITOR_FORMAT, bytes, len);
}

static void put_book(struct monitor *monitor, struct metric_store *store)
{
    AUTO_BUF struct buf blob;
    buf_init(&blob, BLOB_MAX);
    anomaly_book_save(monitor->book, &blob);
    put(store, KEY_BOOK, blob.data, blob.len);
    monitor->memory->cards.history = observer_history(monitor->observer);
    monitor->memory->world = monitor->now;
    if (observer_seq(monitor->observer) > monitor->memory->seq) {
        monitor->memory->seq = observer_seq(monitor->observer);
    }
    monitor->memory->cards.max_running = monitor->options.max_running;
    put(store, KEY_MEMORY, monitor->memory, sizeof(*monitor->memory));
}

static void put_models(struct monitor *monitor, struct metric_store *store)
{
    AUTO_BUF struct buf blob;
    buf_init(&blob, BLOB_MAX);
    if (observer_save(monitor->observer, &blob)) {
        put(store, KEY_OBSERVER, blob.data, blob.len);
    }
    put(store, KEY_FAILURE, monitor->failure, failure_bytes());
    put(store, KEY_BREAKING, monitor->breaking, failure_bytes());
    put(store, KEY_DURATION, monitor->duration, duration_bytes());
}

static bool are_models_due(const struct monitor *monitor, struct wall now)
{
    return monitor->are_models_dirty &&
           now.ms - monitor->models_at.ms >= MONITOR_MODELS_MS;
}

void monitor_save(struct monitor *monitor, struct metric_store *store, struct wall now,
                  bool is_all)
{
    bool has_models = is_all || are_models_due(monitor, now);
    series_save(monitor->series, store, is_all);
    metric_store_put_setting(store, KEY_POINTS, monitor->points_seq);
    metric_store_put_setting(store, KEY_SPANS, monitor->span_seq);
    metric_store_put_setting(store, KEY_DELIVERY, monitor->delivery_seq);
    put(store, KEY_COUNTERS, monitor->counters,
        monitor->n_counters * sizeof(*monitor->counters));
    if (has_models || monitor->is_book_dirty) {
        put_book(monitor, store);
    }
    if (has_models) {
        put_models(monitor, store);
    }
    for (size_t i = 0; i < monitor->n_predictions; i++) {
        metric_store_put_prediction(store, &monitor->predictions[i]);
    }
    for (size_t i = 0; i < monitor->n_scores; i++) {
        const struct score *score = &monitor->scores[i];
        metric_store_score_prediction(store, score->prediction, score->outcome,
                                      score->at);
    }
    for (size_t i = 0; i < monitor->n_forecasts; i++) {
        metric_store_put_forecast(store, &monitor->forecasts[i]);
    }
    for (size_t i = 0; i < monitor->n_outbox; i++) {
        metric_store_put_finding(store, &monitor->outbox[i]);
    }
    monitor->has_put_models = has_models;
}

void monitor_saved(struct monitor *monitor, struct wall now)
{
    series_saved(monitor->series);
    if (monitor->has_put_models) {
        monitor->are_models_dirty = false;
        monitor->models_at = now;
    }
    monitor->is_book_dirty = false;
    monitor->n_predictions = monitor->n_scores = 0;
    monitor->n_forecasts = monitor->n_outbox = 0;
    arena_reset(monitor->rows_arena);
}

void monitor_unsaved(struct monitor *monitor)
{
    series_unsaved(monitor->series);
    monitor->are_models_dirty = monitor->is_book_dirty = true;
    monitor->models_at.ms = 0;
}

/* ---- load ---- */

struct blob {
    const void *bytes; /* NULL: none of this format */
    size_t len;
};

static bool get(struct metric_reader *reader, struct arena *arena, const char *key,
                struct blob *ret_blob, struct err *err)
{
    int format = 0;
    if (!metric_reader_model(reader, arena, key, &format, &ret_blob->bytes,
                             &ret_blob->len, err)) {
        return false;
    }
    if (format != MONITOR_FORMAT) {
        ret_blob->bytes = NULL;
    }
    return true;
}

static void take_counters(struct monitor *monitor, const struct blob *blob)
{
    size_t n = blob->len / sizeof(*monitor->counters);
    if (blob->bytes == NULL || n > COUNTERS_MAX) {
        return;
    }
    const struct counter *counters = blob->bytes;
    for (size_t i = 0; i < n; i++) {
        if (counters[i].series >= 0 &&
            counters[i].series < series_count(monitor->series)) {
            monitor->counters[monitor->n_counters++] = counters[i];
        }
    }
}

static void take_memory(struct monitor *monitor, const struct blob *blob)
{
    if (blob->bytes != NULL && blob->len == sizeof(*monitor->memory)) {
        mem_copy_pages(monitor->memory, blob->bytes, blob->len);
        monitor->now = monitor->memory->world;
        monitor->saved_runs_seq = monitor->memory->seq;
        monitor->now.max_running = monitor->options.max_running;
    }
}

static void take_observer(struct monitor *monitor, const struct blob *blob)
{
    struct observer *observer =
        blob->bytes != NULL ? observer_load(blob->bytes, blob->len) : NULL;
    if (observer != NULL) {
        observer_free(monitor->observer);
        monitor->observer = observer;
    }
}

static void take_failure(struct failure_model **model, const struct blob *blob)
{
    struct err ignored = ERR_INIT;
    struct failure_model *stored =
        blob->bytes != NULL ? failure_restore(blob->bytes, blob->len, &ignored) : NULL;
    if (stored != NULL) {
        failure_free(*model);
        *model = stored;
    }
}

static void take_duration(struct duration_model **model, const struct blob *blob)
{
    struct err ignored = ERR_INIT;
    struct duration_model *stored =
        blob->bytes != NULL ? duration_restore(blob->bytes, blob->len, &ignored) : NULL;
    if (stored != NULL) {
        duration_free(*model);
        *model = stored;
    }
}

bool monitor_load(struct monitor *monitor, struct metric_store *store, struct err *err)
{
    static const char *const keys[] = {KEY_COUNTERS, KEY_BOOK,    KEY_MEMORY,
                                       KEY_OBSERVER, KEY_FAILURE, KEY_BREAKING,
                                       KEY_DURATION};
    struct blob blobs[ARRAY_LEN(keys)];
    struct metric_reader *reader = metric_store_reader(store);
    struct arena *arena = arena_new();
    bool is_read =
        series_load(monitor->series, store, err) &&
        metric_reader_setting(reader, KEY_POINTS, 0, &monitor->points_seq, err) &&
        metric_reader_setting(reader, KEY_SPANS, 0, &monitor->span_seq, err) &&
        metric_reader_setting(reader, KEY_DELIVERY, 0, &monitor->delivery_seq, err);
    for (size_t i = 0; i < ARRAY_LEN(keys) && is_read; i++) {
        is_read = get(reader, arena, keys[i], &blobs[i], err);
    }
    if (is_read) {
        monitor->saved_points_seq = monitor->points_seq;
        take_counters(monitor, &blobs[0]);
        if (blobs[1].bytes != NULL) { /* else, and when it is damaged: an empty book */
            (void)!anomaly_book_load(monitor->book, blobs[1].bytes, blobs[1].len);
        }
        take_memory(monitor, &blobs[2]);
        take_observer(monitor, &blobs[3]);
        take_failure(&monitor->failure, &blobs[4]);
        take_failure(&monitor->breaking, &blobs[5]);
        take_duration(&monitor->duration, &blobs[6]);
    }
    arena_free(arena);
    return is_read;
}

bool monitor_read_cards(struct metric_reader *reader, struct arena *arena,
                        struct monitor_cards *ret_cards, struct err *err)
{
    struct blob blob;
    *ret_cards = (struct monitor_cards){0};
    if (!get(reader, arena, KEY_MEMORY, &blob, err)) {
        return false;
    }
    if (blob.bytes != NULL && blob.len == sizeof(struct memory)) {
        (void)memcpy(ret_cards, blob.bytes, sizeof(*ret_cards));
    }
    return true;
}
