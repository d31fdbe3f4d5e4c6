/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_SERIES_PRIVATE_H
#define SIGNALBOX_MONITOR_SERIES_PRIVATE_H

/*
 * Series, private: what series.c (the set, points) and series_file.c (saving, loading,
 * queries) share.
 */

#include "engine/base/sketch.h"
#include "engine/monitor/series.h"
#include "store/metric_chunk.h"

/* Raise it when a state means something else; another size is seen without it. */
#define STATE_FORMAT 1

#define SUMS (LEVEL_COUNT - LEVEL_MINUTE)

/* What a minute, hour or day has so far; n 0: nothing. The minute takes the points, the hour
 * the minutes, the day the hours. */
struct sum {
    int64_t start_ms, n;
    double min, max, sum, last;
};

/* All that must survive a restart; flat, saved as it is. */
struct series_state {
    int64_t input_at, newest_at; /* 0 = none */
    double input;                /* as it was pushed */
    double newest;               /* as it was judged */
    struct sum sums[SUMS];
    struct detector detector;
};

struct series {
    struct series_info info;
    bool is_judged;
    bool is_stored;  /* its row is in the file */
    bool is_changed; /* the state was not saved since the last point */
    bool
        must_save; /* raw points cannot bring it up to date: save it with the next flush */
    bool has_news;     /* the newest value was not written */
    uint8_t n_late;    /* points dropped in a row */
    int64_t before_at; /* input before the first point of the chunk */
    double before;
    struct sketch *sketches; /* SUMS of them, of a summary; else NULL */
    struct chunk chunk;      /* raw points that the file has not got */
    struct series_state state;
};

/* An interval that is over and waits for the file. */
struct closed {
    int32_t series;
    enum metric_level level;
    struct sum sum;
    uint8_t *sketch; /* ours; NULL = none */
    size_t sketch_len;
};

struct series_set {
    struct series *
        *blocks; /* METRIC_BLOCK series each, so that they stay where they are */
    int32_t n, max;
    int32_t *index; /* open addressing, by name and labels: id + 1, 0 = free */
    size_t index_cap;
    struct arena *arena; /* of texts */
    struct series_counts counts;
    struct closed *closed;
    size_t n_closed, cap_closed;
    bool is_replay; /* points come from the file: they are not kept again */
    bool is_full;
    /* saving states in rounds */
    int32_t cursor, saved_to; /* next to be saved; after the save under way */
    int64_t round_flush;      /* first flush of this round */
    bool is_round_done, is_all;
};

static inline struct series *series_at(const struct series_set *set, int32_t id)
{
    return &set->blocks[id / METRIC_BLOCK][id % METRIC_BLOCK];
}
/* A series of that id, which is the next one. */
struct series *series_add(struct series_set *set, const char *name, const char *labels,
                          const char *component, const char *unit, enum metric_kind kind);
/* What push does with a point that is known to be in order. */
bool series_take(struct series_set *set, struct series *series, struct wall at,
                 double value, struct series_signal *ret_signal);
void series_forget_closed(struct series_set *set);

#endif
