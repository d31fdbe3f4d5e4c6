/* SPDX-License-Identifier: MIT */
/* Report of the monitor and one incident, for a frame. */
#include "engine/control/config.h"
#include "engine/monitor/cards.h"
#include "tui/health_read.h"
#include "tui/source_impl.h"

/* A file that was begun anew, or is not there yet, is opened with the next look. */
static struct metric_reader *metrics_of(struct source *source)
{
    struct err ignored = ERR_INIT;
    if (!source->metrics)
        source->metrics = metric_reader_open(source->metrics_path, &ignored);
    return source->metrics;
}

bool source_read_health(struct source *source, struct reader *reader, struct frame *frame,
                        struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct health *health = arena_alloc(arena, sizeof *health);
    struct monitor_cards *cards = arena_alloc(arena, sizeof *cards);
    struct metric_reader *metrics = metrics_of(source);
    struct err trouble = ERR_INIT;
    if (metrics && !monitor_read_cards(metrics, arena, cards, &trouble)) {
        metric_reader_close(metrics);
        source->metrics = metrics = NULL;
    }
    if (!health_read(source->config->store, reader, metrics, arena, frame->taken_at,
                     health, err))
        return false;
    frame->health = health;
    frame->cards = cards;
    return true;
}

bool source_read_incident(struct reader *reader, const struct frame_query *query,
                          struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_incident *data = arena_alloc(arena, sizeof *data);
    struct anomaly_query ask = {.incident = query->incident, .max = FRAME_ANOMALIES};
    enum found found = reader_incident(reader, arena, query->incident, &data->row, err);
    if (found == FOUND_FAILED)
        return false;
    data->is_missing = found == MISSING;
    if (found == FOUND &&
        !reader_anomalies(reader, arena, &ask, &data->anomalies, &data->n_anomalies, err))
        return false;
    frame->incident = data;
    return true;
}
