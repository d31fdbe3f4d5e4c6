/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_MONITOR_PRIVATE_H
#define SIGNALBOX_MONITOR_MONITOR_PRIVATE_H

/*
 * Monitor, inside: its state, for monitor*.c alone.
 */

#include "engine/monitor/monitor.h"
#include "engine/predict/duration.h"
#include "engine/predict/failure.h"

#define PENDINGS_MAX                                                                     \
    1024 /* predictions without outcome; of more, the oldest is forgotten */
#define COUNTERS_MAX 2048
#define FINGERPRINT_SERIES_MAX                                                           \
    1024 /* counters, from which on new fingerprints are "other" */
#define MONITOR_FORMAT 1

/* A prediction that waits for its outcome. Flat. */
struct pending {
    int64_t prediction;       /* row in the metrics file; 0 = free */
    int64_t workflow, effect; /* of a run; of services and levels 0 and a hash */
    int32_t model;            /* enum model */
    int32_t series;           /* of a level */
    struct wall due;          /* services and levels: when the outcome is known */
    double p, low, mid, high;
    double since; /* levels: the value at the start; services: 1 = it has opened */
};

struct counter {
    int32_t series;
    int32_t unused; /* so that no saved byte is left unset */
    double total;
};

/* What became of a prediction. */
struct score {
    int64_t prediction;
    struct wall at;
    double outcome;
};

/* When a limit is reached, as the newest forecast of its series has it. */
struct outlook {
    int32_t series;
    struct wall made, at; /* at unset: not within the horizon */
    double p;
};
#define OUTLOOKS_MAX 64
#define WATCHED_MAX  32

/* What is remembered with the models. Flat; it begins with what readers want. */
struct memory {
    struct monitor_cards cards;
    int64_t next_prediction, next_finding;
    int64_t seq; /* newest event whose runs are among the pendings, or were scored */
    int64_t level_turn;          /* series whose forecast is next */
    struct observer_world world; /* as of the last sample: events that are told again were
                                  * met by it, as far as anybody knows */
    struct pending pendings[PENDINGS_MAX];
};

struct monitor {
    struct monitor_options options;
    struct series_set *series;
    struct rule_set *rules;
    uint64_t *matches; /* of each series below n_matched: rules that look at it */
    int32_t n_matched;
    struct anomaly_book *book;
    struct observer *observer;
    struct failure_model *failure, *breaking;
    struct duration_model *duration;
    struct memory *memory;
    struct counter *counters; /* COUNTERS_MAX */
    size_t n_counters;
    int64_t points_seq;       /* events up to this one have given their points */
    int64_t saved_points_seq; /* the same, as it was loaded */
    int64_t saved_runs_seq;   /* memory->seq, as it was loaded */
    bool is_sampling;         /* levels are told, not events */
    int64_t span_seq, delivery_seq;
    bool are_models_dirty, is_book_dirty, has_put_models;
    struct wall models_at; /* last saved */

    /* world, as last told */
    struct arena *world_arena, *silence_arena;
    struct world world;
    struct observer_world now;

    /* what waits for the next save or take */
    struct arena *rows_arena;
    struct metric_prediction *predictions;
    struct score *scores;
    struct metric_forecast *forecasts;
    struct metric_finding *outbox;
    size_t n_predictions, n_scores, n_forecasts, n_outbox;

    /* for monitor_omens; not saved */
    struct outlook outlooks[OUTLOOKS_MAX];
    size_t n_outlooks;
    struct watched {
        char name[64]; /* of a service */
        struct wall token_end;
    } watched[WATCHED_MAX];
    size_t n_watched;
};

/* monitor.c: a point of one of our own metrics; a counter is given its increase. */
void monitor_point(struct monitor *monitor, enum metric_id metric, const char *label,
                   const char *label2, const char *component, struct wall at,
                   double value);

/* monitor_predict.c */
void monitor_on_begun(void *monitor, const struct observer_run *run);
void monitor_on_ended(void *monitor, const struct observer_run *run,
                      enum observer_verdict verdict, double seconds);
void monitor_predict_services(struct monitor *monitor, struct wall now,
                              const struct service_row *rows,
                              const struct service_detail *details, size_t n);
struct pending *monitor_add_pending(struct monitor *monitor, enum model model,
                                    int64_t workflow, int64_t effect);
struct pending *monitor_find_pending(struct monitor *monitor, enum model model,
                                     int64_t workflow, int64_t effect);
void monitor_put_prediction(struct monitor *monitor, const struct metric_prediction *row);
void monitor_put_score(struct monitor *monitor, int64_t prediction, struct wall at,
                       double outcome);
void monitor_put_forecast(struct monitor *monitor, const struct metric_forecast *row);

/* monitor_omen.c */
struct capacity_answer;
void monitor_keep_outlook(struct monitor *monitor, int32_t series, struct wall now,
                          const struct capacity_answer *answer);

/* monitor_level.c */
void monitor_score_levels(struct monitor *monitor, struct wall now);

#endif
