/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_METRIC_STORE_H
#define SIGNALBOX_STORE_METRIC_STORE_H

/*
 * Metric store: the metrics file FILE-metrics beside the store FILE. Series, their points at
 * four levels, blobs of models, findings that wait to be taken, predictions and forecasts.
 *
 * Backend: SQLite in WAL mode, synchronous=NORMAL (a commit survives kill -9; power loss may
 * take the newest), 0600, with migrations of its own. One writer, the monitor thread, one
 * transaction for each flush: either all of a flush is there, or nothing, watermarks and
 * findings included. Readers have a connection of their own, in any process, with no engine
 * too. What is in the file can be lost: no workflow needs it, and a backup leaves it out.
 *
 * Raw points of a flush stand together, METRIC_BLOCK series to a row, compressed
 * (store/metric_chunk.h); so do minutes, hours and days. Rows are written in order of time,
 * so that old ones go in whole pages.
 *
 * Bounds: struct metric_bounds; the finest level goes first, and the file shrinks.
 *
 * Errors: put functions never fail; what went wrong is what metric_store_commit says.
 * ERR_CORRUPT: metric_store_renew. ERR_FULL, ERR_READ_ONLY: try again with the next flush.
 * Threads: a handle belongs to one thread at a time.
 */

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

#define METRIC_BLOCK 64 /* series that share a row */

/* Levels of points. Stored as numbers. X(identifier, word, width in ms, kept days) */
#define METRIC_LEVEL_LIST(X)                                                             \
    X(LEVEL_RAW, "raw", 1, 2)                                                            \
    X(LEVEL_MINUTE, "minute", 60000, 30)                                                 \
    X(LEVEL_HOUR, "hour", 3600000, 400)                                                  \
    X(LEVEL_DAY, "day", 86400000, 3660)
enum metric_level {
#define X(id, word, width, days) id,
    METRIC_LEVEL_LIST(X)
#undef X
        LEVEL_COUNT
};
const char *metric_level_word(enum metric_level level);
NODISCARD bool metric_level_find(const char *word, enum metric_level *ret_level);
struct span metric_level_width(enum metric_level level);

/* A point of a series: at LEVEL_RAW one value as it was given (n 1), else all of an interval
 * that begins at `at`. Of a counter all are rates per second since the point before. Of a summary
 * the raw values are the judged quantile of each minute. */
struct metric_point {
    struct wall at;
    int64_t n;
    double min, max, sum, last;
    const uint8_t *sketch; /* of a summary (engine/base/sketch.h); NULL = none */
    size_t sketch_len;
};

/* A series as it is stored. */
struct metric_series {
    int32_t id;                   /* 0.., dense */
    const char *name, *labels;    /* unique together; labels canonical, may be "" */
    const char *component, *unit; /* see engine/monitor/series.h */
    int kind;                     /* enum metric_kind */
    struct wall newest_at;        /* unset: no point yet */
    double newest;                /* NAN: none */
    int64_t state_flush;          /* its state was saved with this flush; 0 = never */
};

struct metric_query {
    int32_t series;
    enum metric_level level;
    struct wall from, to; /* [from, to); unset `to`: no end */
    size_t max;           /* points, the newest ones; 0 = METRIC_POINTS_MAX */
};
#define METRIC_POINTS_MAX 200000

/* A prediction, and what became of it. */
struct metric_prediction {
    int64_t id;          /* given by the caller, grows */
    int64_t workflow;    /* 0 = none */
    const char *kind;    /* "failure", "duration", "service", ... */
    const char *subject; /* "pipeline:build", "step:unit tests", "service:github" */
    struct wall at;
    double p, base;        /* probability; that of the base rate; NAN of a kind without */
    int64_t n;             /* cases it was learned from */
    double q10, q50, q90;  /* quantiles of a length or an amount; NAN */
    double outcome;        /* 0 or 1, or the length; NAN = not known yet */
    struct wall scored_at; /* unset: not yet */
    const char *detail;    /* JSON object or "" */
};

/* A forecast of a series or a limit. */
struct metric_forecast {
    const char *subject; /* series "name{labels}", or a limit's name */
    struct wall at;      /* when it was made */
    struct span horizon;
    const char *json;
};

/* A finding that control has not taken yet. */
struct metric_finding {
    int64_t number; /* 1.., without gap */
    int kind;
    const char *json;
};

/* What may be kept. */
struct metric_bounds {
    int64_t bytes;                 /* of the whole file */
    struct span kept[LEVEL_COUNT]; /* age */
    int64_t predictions;           /* rows */
    int64_t forecasts;             /* rows for each subject */
};
#define METRIC_BYTES_DEFAULT (512LL * 1024 * 1024)
struct metric_bounds metric_bounds_default(void);

/* Path of the metrics file of a store, malloc'd. */
NODISCARD char *metric_store_path(const char *store_path);

/* ---- writer ---------------------------------------------------------------- */

struct metric_store;

/*
 * Opens or creates. A file that is damaged is moved aside as PATH.broken-TIME, and an empty
 * one begun: *ret_broken is the new name of the old one (malloc'd), else NULL.
 */
NODISCARD struct metric_store *metric_store_open(const char *path, struct wall now,
                                                 char **ret_broken, struct err *err);
void metric_store_close(struct metric_store *store); /* accepts NULL */
/* After ERR_CORRUPT: the same with an open handle, which stays the same. An open transaction
 * is lost. *ret_broken NULL: there was nothing to move aside, somebody had removed it. */
NODISCARD bool metric_store_renew(struct metric_store *store, struct wall now,
                                  char **ret_broken, struct err *err);

/* One transaction: begin, puts, commit. A failed commit has rolled back. */
void metric_store_begin(struct metric_store *store);
NODISCARD bool metric_store_commit(struct metric_store *store, struct err *err);
/* Number of the flush that is open, or of the next one; 1.. */
int64_t metric_store_flush_number(const struct metric_store *store);

void metric_store_put_setting(struct metric_store *store, const char *key, int64_t value);
void metric_store_put_model(struct metric_store *store, const char *key, int format,
                            const void *bytes, size_t len);
void metric_store_drop_model(struct metric_store *store, const char *key);
void metric_store_put_finding(struct metric_store *store,
                              const struct metric_finding *finding);
/* Control has these, up to and including the number. */
void metric_store_drop_findings(struct metric_store *store, int64_t up_to);
void metric_store_put_prediction(struct metric_store *store,
                                 const struct metric_prediction *row); /* upsert by id */
/* What became of it. A row that is not kept any more: nothing. */
void metric_store_score_prediction(struct metric_store *store, int64_t id, double outcome,
                                   struct wall scored_at);
void metric_store_put_forecast(struct metric_store *store,
                               const struct metric_forecast *row);

/* For engine/monitor/series: rows and blocks. */
void metric_store_put_series(struct metric_store *store, const struct metric_series *row);
/* Newest values of a block: bytes as made by metric_block_format. */
void metric_store_put_newest(struct metric_store *store, int32_t block, const void *bytes,
                             size_t len);
/* Raw points of this flush, [from, to] of all of them. */
void metric_store_put_raw(struct metric_store *store, int32_t block, const void *bytes,
                          size_t len);
void metric_store_put_flush(struct metric_store *store, struct wall from, struct wall to);
/* Entries of an interval; joined to what is there already of the block. */
void metric_store_put_interval(struct metric_store *store, enum metric_level level,
                               struct wall start, int32_t block, const void *bytes,
                               size_t len);
void metric_store_put_state(struct metric_store *store, int32_t series, int format,
                            const void *bytes, size_t len);

/* Remove what is too old or too much, some of it with each call (a transaction of its own).
 * Call it now and then, not inside begin and commit. */
NODISCARD bool metric_store_trim(struct metric_store *store,
                                 const struct metric_bounds *bounds, struct wall now,
                                 struct err *err);

/* ---- reader ---------------------------------------------------------------- */

struct metric_reader;

/* ERR_NOT_FOUND when there is no file yet. */
NODISCARD struct metric_reader *metric_reader_open(const char *path, struct err *err);
void metric_reader_close(struct metric_reader *reader); /* accepts NULL */
/* The writer's own, for the writer's thread; not to be closed. */
struct metric_reader *metric_store_reader(struct metric_store *store);

/* All that a call gives lives in the arena. */
NODISCARD bool metric_reader_series(struct metric_reader *reader, struct arena *arena,
                                    struct metric_series **ret_rows, size_t *ret_n,
                                    struct err *err);
/* Points of the file, oldest first. What has no interval of its own yet (this hour, today) is
 * made of the finer ones. */
NODISCARD bool metric_reader_points(struct metric_reader *reader, struct arena *arena,
                                    const struct metric_query *query,
                                    struct metric_point **ret_points, size_t *ret_n,
                                    struct err *err);
/* Settings that series_save puts: since the engine started, series that had no place, points
 * that came too late, raw values that had no place. */
#define SERIES_SETTING_REFUSED "series_refused"
#define SERIES_SETTING_LATE    "series_late"
#define SERIES_SETTING_UNKEPT  "series_unkept"
/* The fallback when it was never put. */
NODISCARD bool metric_reader_setting(struct metric_reader *reader, const char *key,
                                     int64_t fallback, int64_t *ret_value,
                                     struct err *err);
/* NULL bytes: there is none. */
NODISCARD bool metric_reader_model(struct metric_reader *reader, struct arena *arena,
                                   const char *key, int *ret_format,
                                   const void **ret_bytes, size_t *ret_len,
                                   struct err *err);
/* In order of their numbers, at most max. */
NODISCARD bool metric_reader_findings(struct metric_reader *reader, struct arena *arena,
                                      int64_t after, size_t max,
                                      struct metric_finding **ret_rows, size_t *ret_n,
                                      struct err *err);
struct metric_prediction_query {
    const char *kind; /* NULL = all */
    int64_t workflow; /* 0 = all */
    bool is_scored_only, is_open_only;
    size_t max; /* newest first */
};
NODISCARD bool metric_reader_predictions(struct metric_reader *reader,
                                         struct arena *arena,
                                         const struct metric_prediction_query *query,
                                         struct metric_prediction **ret_rows,
                                         size_t *ret_n, struct err *err);
/* The newest of each subject; subject NULL: of all. is_history: all of them, newest first. */
NODISCARD bool metric_reader_forecasts(struct metric_reader *reader, struct arena *arena,
                                       const char *subject, bool is_history,
                                       struct metric_forecast **ret_rows, size_t *ret_n,
                                       struct err *err);
/* Bytes of the file that are in use. */
NODISCARD bool metric_reader_size(struct metric_reader *reader, int64_t *ret_bytes,
                                  struct err *err);

/* For engine/monitor/series: states, and the raw blocks of flushes after a number. A callback
 * that returns false ends the walk. */
typedef bool metric_state_fn(void *context, int32_t series, int format, int64_t flush,
                             const void *bytes, size_t len);
NODISCARD bool metric_reader_states(struct metric_reader *reader, metric_state_fn *each,
                                    void *context, struct err *err);
typedef bool metric_raw_fn(void *context, int64_t flush, int32_t block,
                           const uint8_t *bytes, size_t len);
NODISCARD bool metric_reader_raw(struct metric_reader *reader, int64_t after_flush,
                                 metric_raw_fn *each, void *context, struct err *err);

#endif
