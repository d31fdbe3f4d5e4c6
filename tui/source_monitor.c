/* SPDX-License-Identifier: MIT */
/* Report of the monitor and one incident, for a frame. */
#include "engine/control/config.h"
#include "engine/monitor/cards.h"
#include "tui/cause.h"
#include "tui/handoff.h"
#include "tui/health_read.h"
#include "tui/source_impl.h"
#include "tui/story.h"

/* A file that was begun anew, or is not there yet, is opened with the next look. */
struct metric_reader *source_metrics(struct source *source)
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
    struct metric_reader *metrics = source_metrics(source);
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

static bool read_story(struct reader *reader, const struct frame_query *query,
                       struct frame *frame, struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_incident *data = arena_alloc(arena, sizeof *data);
    struct story *story = arena_alloc(arena, sizeof *story);
    struct story_subject subject;
    enum found found = MISSING;
    if (story_parse(query->story, &subject))
        found = story_read(reader, arena, &subject, frame->taken_at, story, err);
    if (found == FOUND_FAILED)
        return false;
    data->is_missing = found == MISSING;
    data->story = found == FOUND ? story : NULL;
    if (found == FOUND && story->subject.of == STORY_OF_INCIDENT) {
        struct anomaly_query ask = {.incident = story->subject.id,
                                    .max = FRAME_ANOMALIES};
        data->row = story->incident;
        data->has_row = true;
        if (!reader_anomalies(reader, arena, &ask, &data->anomalies, &data->n_anomalies,
                              err))
            return false;
    }
    frame->incident = data;
    return true;
}

static bool read_causes(struct reader *reader, const struct frame_query *query,
                        struct frame *frame, struct err *err)
{
    struct causes *causes = arena_alloc(frame_arena(frame), sizeof *causes);
    if (!causes_read(reader, frame_arena(frame), frame->taken_at, !query->is_unsettled,
                     causes, err))
        return false;
    frame->causes = causes;
    return true;
}

static bool read_handoff(struct reader *reader, struct frame *frame, struct err *err)
{
    struct handoff *handoff = arena_alloc(frame_arena(frame), sizeof *handoff);
    if (!handoff_read(reader, frame_arena(frame), frame->taken_at, handoff, err))
        return false;
    frame->handoff = handoff;
    return true;
}

bool source_read_incidents(struct reader *reader, const struct frame_query *query,
                           struct frame *frame, struct err *err)
{
    bool has_story = (query->parts & PART_INCIDENT) && query->story[0] != '\0';
    return (!has_story || read_story(reader, query, frame, err)) &&
           (!(query->parts & PART_CAUSES) || read_causes(reader, query, frame, err)) &&
           (!(query->parts & PART_HANDOFF) || read_handoff(reader, frame, err));
}

/* Newest anomalies: those of what is shown are among them, unless very much goes on. */
static bool read_anomalies(struct reader *reader, struct frame *frame, bool is_open,
                           const char *series, const struct anomaly_row **ret_rows,
                           size_t *ret_n, struct err *err)
{
    struct anomaly_query ask = {
        .is_open = is_open, .text = series, .max = FRAME_ANOMALIES};
    return reader_anomalies(reader, frame_arena(frame), &ask, ret_rows, ret_n, err);
}

static bool read_chart(struct metric_reader *metrics, struct reader *reader,
                       const struct frame_query *query, struct frame *frame,
                       struct frame_metrics *data, struct err *err)
{
    const struct anomaly_row *rows = NULL;
    size_t n = 0;
    struct metric_ask ask = {.n = (size_t)query->n_metrics,
                             .end = wall_is_set(query->metric_end) ? query->metric_end
                                                                   : frame->taken_at,
                             .span = {query->metric_span},
                             .n_slots = (size_t)query->metric_slots,
                             .has_forecast = query->has_metric_forecast};
    memcpy(ask.ids, query->metrics, sizeof ask.ids);
    struct err trouble = ERR_INIT;
    if (!metric_read_chart(metrics, frame_arena(frame), &ask, &data->chart, &trouble))
        return false;
    if (data->chart.n_lines > 0 &&
        !read_anomalies(reader, frame, false, data->chart.lines[0].title, &rows, &n, err))
        return false;
    metric_chart_anomalies(&data->chart, frame_arena(frame), rows, n);
    return true;
}

bool source_read_metrics(struct source *source, struct reader *reader,
                         const struct frame_query *query, struct frame *frame,
                         struct err *err)
{
    struct arena *arena = frame_arena(frame);
    struct frame_metrics *data = arena_alloc(arena, sizeof *data);
    struct metric_reader *metrics = source_metrics(source);
    const struct anomaly_row *open = NULL;
    struct err trouble = ERR_INIT;
    size_t n_open = 0;
    bool is_read = metrics != NULL;
    frame->metrics = data;
    if (metrics && query->n_metrics > 0) {
        is_read = read_chart(metrics, reader, query, frame, data, err);
    } else if (metrics) {
        if (!read_anomalies(reader, frame, true, NULL, &open, &n_open, err))
            return false;
        struct metric_list_ask ask = {.words = query->text,
                                      .anomalies = open,
                                      .n_anomalies = n_open,
                                      .now = frame->taken_at,
                                      .order = query->order,
                                      .is_reversed = query->is_reversed,
                                      .first = (size_t)query->metric_first,
                                      .n_sparks = (size_t)query->metric_sparks};
        struct metric_list list = {0};
        is_read = metric_read_list(metrics, arena, &ask, &list, &trouble);
        data->rows = list.rows;
        data->n = list.n;
        data->n_all = list.n_all;
    }
    data->has_file = is_read;
    if (metrics && !is_read) { /* damaged, or begun anew: opened with the next look */
        metric_reader_close(metrics);
        source->metrics = NULL;
        *data = (struct frame_metrics){0};
    }
    return err->code == ERR_NONE;
}
