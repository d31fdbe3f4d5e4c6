/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_METRIC_PRIVATE_H
#define SIGNALBOX_STORE_METRIC_PRIVATE_H

/*
 * Metric, private: what the files of the metrics file share.
 *
 *   metric_store.c   opening, migrations, transactions, puts
 *   metric_trim.c    what is removed
 *   metric_reader.c  rows
 *   metric_points.c  points of a series at a level
 */

#include "store/metric_store.h"
#include "store/sqlite_private.h"

#define METRIC_APPLICATION_ID 0x53426d78 /* "SBmx" */

/* X(identifier, SQL). Prepared at first use. */
#define METRIC_SQL_LIST(X)                                                               \
    X(SQL_SETTING_PUT, "INSERT OR REPLACE INTO setting VALUES (?1, ?2)")                 \
    X(SQL_SETTING_GET, "SELECT value FROM setting WHERE key = ?1")                       \
    X(SQL_MODEL_PUT, "INSERT OR REPLACE INTO model VALUES (?1, ?2, ?3)")                 \
    X(SQL_MODEL_DROP, "DELETE FROM model WHERE key = ?1")                                \
    X(SQL_MODEL_GET, "SELECT format, bytes FROM model WHERE key = ?1")                   \
    X(SQL_FINDING_PUT, "INSERT OR REPLACE INTO finding VALUES (?1, ?2, ?3)")             \
    X(SQL_FINDING_DROP, "DELETE FROM finding WHERE number <= ?1")                        \
    X(SQL_FINDING_GET,                                                                   \
      "SELECT number, kind, json FROM finding WHERE number > ?1 ORDER BY number "        \
      "LIMIT ?2")                                                                        \
    X(SQL_PREDICTION_PUT,                                                                \
      "INSERT OR REPLACE INTO prediction VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "   \
      "?10, ?11, ?12, ?13, ?14)")                                                        \
    X(SQL_PREDICTION_SCORE,                                                              \
      "UPDATE prediction SET outcome = ?2, scored_at = ?3 WHERE id = ?1")                \
    X(SQL_FORECAST_PUT,                                                                  \
      "INSERT INTO forecast (subject, at, horizon, json) VALUES (?1, ?2, ?3, ?4)")       \
    X(SQL_SERIES_PUT, "INSERT OR REPLACE INTO series VALUES (?1, ?2, ?3, ?4, ?5, ?6)")   \
    X(SQL_NEWEST_PUT, "INSERT OR REPLACE INTO newest VALUES (?1, ?2)")                   \
    X(SQL_FLUSH_PUT, "INSERT OR REPLACE INTO flush VALUES (?1, ?2, ?3)")                 \
    X(SQL_RAW_PUT, "INSERT OR REPLACE INTO raw VALUES (?1, ?2)")                         \
    X(SQL_MINUTE_PUT, METRIC_INTERVAL_PUT("minute"))                                     \
    X(SQL_HOUR_PUT, METRIC_INTERVAL_PUT("hour"))                                         \
    X(SQL_DAY_PUT, METRIC_INTERVAL_PUT("day"))                                           \
    X(SQL_STATE_PUT, "INSERT OR REPLACE INTO state VALUES (?1, ?2, ?3, ?4)")             \
    X(SQL_FLUSH_GET,                                                                     \
      "SELECT id FROM flush WHERE to_at >= ?1 AND from_at < ?2 ORDER BY id DESC")        \
    X(SQL_RAW_GET, "SELECT bytes FROM raw WHERE id = ?1")                                \
    X(SQL_RAW_AFTER, "SELECT id, bytes FROM raw WHERE id >= ?1 ORDER BY id")             \
    X(SQL_MINUTE_GET, "SELECT bytes FROM minute WHERE id = ?1")                          \
    X(SQL_HOUR_GET, "SELECT bytes FROM hour WHERE id = ?1")                              \
    X(SQL_DAY_GET, "SELECT bytes FROM day WHERE id = ?1")                                \
    X(SQL_KIND_GET, "SELECT kind FROM series WHERE id = ?1")
/* CAST, because || makes text of its operands; the bytes stay what they are. */
#define METRIC_INTERVAL_PUT(table)                                                       \
    "INSERT INTO " table " VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET bytes = "      \
    "CAST(bytes || excluded.bytes AS BLOB)"
enum metric_sql {
#define X(id, sql) id,
    METRIC_SQL_LIST(X)
#undef X
        METRIC_SQL_COUNT
};

struct metric_reader {
    struct database database;
    sqlite3_stmt *statements[METRIC_SQL_COUNT];
};

struct metric_store {
    struct metric_reader reader; /* the one connection of the writer */
    int64_t flush;               /* number of the last committed one */
    bool is_begun;
    bool is_corrupt; /* seen by a trim: the next commit says so */
    bool has_failed; /* in this transaction: `err` says why */
    struct err err;
};

/* A row's key: flush or interval, and block. */
static inline int64_t metric_row_id(int64_t number, int32_t block)
{
    return number * 65536 + block;
}

/* The statement, reset; NULL when it cannot be prepared. */
sqlite3_stmt *metric_sql(struct metric_reader *reader, enum metric_sql sql);
void metric_reader_fini(struct metric_reader *reader);
/* Is it a metrics file of a schema that this program reads? */
NODISCARD bool metric_schema_check(struct database *database, int64_t *ret_version,
                                   struct err *err);

#endif
