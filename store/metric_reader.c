/* SPDX-License-Identifier: MIT */
/* Rows of the metrics file. */
#include <math.h>

#include "engine/base/file.h"
#include "engine/base/varint.h"
#include "store/metric_chunk.h"
#include "store/metric_private.h"

struct metric_reader *metric_reader_open(const char *path, struct err *err)
{
    struct metric_reader *reader = mem_alloc(sizeof(*reader));
    int64_t version = 0;
    if (!file_exists(path)) {
        err_set(err, ERR_NOT_FOUND, "%s: there are no metrics yet", path);
        metric_reader_close(reader);
        return NULL;
    }
    if (!database_open(&reader->database, path, DATABASE_READ, err) ||
        !metric_schema_check(&reader->database, &version, err) ||
        (version == 0 &&
         !err_set(err, ERR_NOT_FOUND, "%s: there are no metrics yet", path))) {
        metric_reader_close(reader);
        return NULL;
    }
    return reader;
}

void metric_reader_close(struct metric_reader *reader)
{
    if (reader != NULL) {
        metric_reader_fini(reader);
        free(reader);
    }
}

static const char *column_text(sqlite3_stmt *s, int i, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return arena_str(arena, text != NULL ? text : "");
}

static double column_real(sqlite3_stmt *s, int i)
{
    return sqlite3_column_type(s, i) == SQLITE_NULL ? (double)NAN
                                                    : sqlite3_column_double(s, i);
}

/* Rows of unknown number, in the arena. */
struct rows {
    struct arena *arena;
    char *items;
    size_t n, cap, size;
};

static void *rows_add(struct rows *rows)
{
    if (rows->n == rows->cap) {
        rows->cap = rows->cap == 0 ? 64 : rows->cap * 2;
        char *items = arena_array(rows->arena, rows->cap, rows->size);
        if (rows->n > 0) {
            memcpy(items, rows->items, rows->n * rows->size);
        }
        rows->items = items;
    }
    return rows->items + rows->size * rows->n++;
}

/* Never NULL, which memcpy and qsort may not be given even for nothing. */
static void *rows_take(const struct rows *rows)
{
    return rows->items != NULL ? rows->items : arena_array(rows->arena, 1, rows->size);
}

/* Was the end of the rows the end? */
static bool is_done(struct metric_reader *reader, sqlite3_stmt *s, int code,
                    struct err *err)
{
    bool is_good = code == SQLITE_DONE || database_fail(&reader->database, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

/* A statement for one use. */
static sqlite3_stmt *prepare(struct metric_reader *reader, const char *sql,
                             struct err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(reader->database.db, sql, -1, &s, NULL) != SQLITE_OK) {
        (void)database_fail(&reader->database, err);
        return NULL;
    }
    return s;
}

static bool finish(struct metric_reader *reader, sqlite3_stmt *s, int code,
                   struct err *err)
{
    bool is_good = is_done(reader, s, code, err);
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return is_good;
}

/* ---- series --------------------------------------------------------------------------- */

/* Newest values of a block: (member)(length)(time, value). */
static void take_newest(struct metric_series *rows, size_t n, int64_t block,
                        const uint8_t *bytes, size_t len)
{
    struct block_reader reader = {.bytes = bytes, .len = len};
    const uint8_t *entry;
    size_t entry_len;
    int member;
    while (block_next(&reader, &member, &entry, &entry_len)) {
        uint64_t at = 0;
        size_t used = varint_get(entry, entry_len, &at);
        size_t id = (size_t)block * METRIC_BLOCK + (size_t)member;
        if (used > 0 && entry_len - used >= 8 && id < n) {
            rows[id].newest_at.ms = (int64_t)at;
            rows[id].newest = double_get(entry + used);
        }
    }
}

static bool read_newest(struct metric_reader *reader, struct metric_series *rows,
                        size_t n, struct err *err)
{
    int code;
    sqlite3_stmt *s = prepare(reader, "SELECT block, bytes FROM newest", err);
    if (s == NULL) {
        return false;
    }
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        take_newest(rows, n, sqlite3_column_int64(s, 0), sqlite3_column_blob(s, 1),
                    (size_t)sqlite3_column_bytes(s, 1));
    }
    return finish(reader, s, code, err);
}

bool metric_reader_series(struct metric_reader *reader, struct arena *arena,
                          struct metric_series **ret_rows, size_t *ret_n, struct err *err)
{
    struct rows rows = {.arena = arena, .size = sizeof(struct metric_series)};
    int code;
    sqlite3_stmt *s = prepare(reader,
                              "SELECT s.id, name, labels, component, unit, kind, "
                              "coalesce(flush, 0) FROM series s LEFT JOIN state ON "
                              "state.series = s.id ORDER BY s.id",
                              err);
    if (s == NULL) {
        return false;
    }
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (sqlite3_column_int64(s, 0) != (int64_t)rows.n) {
            (void)sqlite3_finalize(s); /* only read */
            return err_set(err, ERR_CORRUPT, "%s: series %zu is missing",
                           reader->database.path, rows.n);
        }
        struct metric_series *row = rows_add(&rows);
        *row = (struct metric_series){.id = (int32_t)rows.n - 1,
                                      .name = column_text(s, 1, arena),
                                      .labels = column_text(s, 2, arena),
                                      .component = column_text(s, 3, arena),
                                      .unit = column_text(s, 4, arena),
                                      .kind = sqlite3_column_int(s, 5),
                                      .state_flush = sqlite3_column_int64(s, 6),
                                      .newest = (double)NAN};
    }
    if (!finish(reader, s, code, err) ||
        !read_newest(reader, (struct metric_series *)(void *)rows.items, rows.n, err)) {
        return false;
    }
    *ret_rows = rows_take(&rows);
    *ret_n = rows.n;
    return true;
}

bool metric_reader_states(struct metric_reader *reader, metric_state_fn *each,
                          void *context, struct err *err)
{
    int code = SQLITE_DONE;
    bool goes_on = true;
    sqlite3_stmt *s =
        prepare(reader, "SELECT series, format, flush, bytes FROM state", err);
    if (s == NULL) {
        return false;
    }
    while (goes_on && (code = sqlite3_step(s)) == SQLITE_ROW) {
        goes_on = each(context, (int32_t)sqlite3_column_int64(s, 0),
                       sqlite3_column_int(s, 1), sqlite3_column_int64(s, 2),
                       sqlite3_column_blob(s, 3), (size_t)sqlite3_column_bytes(s, 3));
    }
    return finish(reader, s, goes_on ? code : SQLITE_DONE, err);
}

bool metric_reader_raw(struct metric_reader *reader, int64_t after_flush,
                       metric_raw_fn *each, void *context, struct err *err)
{
    int code = SQLITE_DONE;
    bool goes_on = true;
    sqlite3_stmt *s = metric_sql(reader, SQL_RAW_AFTER);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    bind_int(s, 1, metric_row_id(after_flush + 1, 0));
    while (goes_on && (code = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(s, 0);
        goes_on = each(context, id / 65536, (int32_t)(id % 65536),
                       sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1));
    }
    return is_done(reader, s, goes_on ? code : SQLITE_DONE, err);
}

/* ---- settings, models, findings ------------------------------------------------------- */

bool metric_reader_setting(struct metric_reader *reader, const char *key,
                           int64_t fallback, int64_t *ret_value, struct err *err)
{
    sqlite3_stmt *s = metric_sql(reader, SQL_SETTING_GET);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    bind_text(s, 1, key);
    int code = sqlite3_step(s);
    int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(s, 0) : fallback;
    if (!is_done(reader, s, code == SQLITE_ROW ? SQLITE_DONE : code, err)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool metric_reader_model(struct metric_reader *reader, struct arena *arena,
                         const char *key, int *ret_format, const void **ret_bytes,
                         size_t *ret_len, struct err *err)
{
    sqlite3_stmt *s = metric_sql(reader, SQL_MODEL_GET);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    bind_text(s, 1, key);
    int code = sqlite3_step(s);
    *ret_bytes = NULL;
    *ret_len = 0;
    if (code == SQLITE_ROW) {
        size_t len = (size_t)sqlite3_column_bytes(s, 1);
        char *bytes = arena_alloc(arena, len + 1);
        if (len > 0) {
            memcpy(bytes, sqlite3_column_blob(s, 1), len);
        }
        *ret_format = sqlite3_column_int(s, 0);
        *ret_bytes = bytes;
        *ret_len = len;
        code = SQLITE_DONE;
    }
    return is_done(reader, s, code, err);
}

bool metric_reader_findings(struct metric_reader *reader, struct arena *arena,
                            int64_t after, size_t max, struct metric_finding **ret_rows,
                            size_t *ret_n, struct err *err)
{
    struct rows rows = {.arena = arena, .size = sizeof(struct metric_finding)};
    int code;
    sqlite3_stmt *s = metric_sql(reader, SQL_FINDING_GET);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    bind_int(s, 1, after);
    bind_int(s, 2, (int64_t)max);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct metric_finding *row = rows_add(&rows);
        row->number = sqlite3_column_int64(s, 0);
        row->kind = sqlite3_column_int(s, 1);
        row->json = column_text(s, 2, arena);
    }
    if (!is_done(reader, s, code, err)) {
        return false;
    }
    *ret_rows = rows_take(&rows);
    *ret_n = rows.n;
    return true;
}

/* ---- predictions, forecasts ----------------------------------------------------------- */

static void take_prediction(sqlite3_stmt *s, struct arena *arena,
                            struct metric_prediction *row)
{
    *row = (struct metric_prediction){.id = sqlite3_column_int64(s, 0),
                                      .workflow = sqlite3_column_int64(s, 1),
                                      .kind = column_text(s, 2, arena),
                                      .subject = column_text(s, 3, arena),
                                      .at = {sqlite3_column_int64(s, 4)},
                                      .p = column_real(s, 5),
                                      .base = column_real(s, 6),
                                      .n = sqlite3_column_int64(s, 7),
                                      .q10 = column_real(s, 8),
                                      .q50 = column_real(s, 9),
                                      .q90 = column_real(s, 10),
                                      .outcome = column_real(s, 11),
                                      .scored_at = {sqlite3_column_int64(s, 12)},
                                      .detail = column_text(s, 13, arena)};
}

bool metric_reader_predictions(struct metric_reader *reader, struct arena *arena,
                               const struct metric_prediction_query *query,
                               struct metric_prediction **ret_rows, size_t *ret_n,
                               struct err *err)
{
    struct rows rows = {.arena = arena, .size = sizeof(struct metric_prediction)};
    int code;
    AUTO_FREE char *sql = mem_printf(
        "SELECT * FROM prediction WHERE 1 %s %s %s %s ORDER BY id DESC LIMIT ?3",
        query->kind != NULL ? "AND kind = ?1" : "",
        query->workflow != 0 ? "AND workflow = ?2 AND workflow <> 0" : "",
        query->is_scored_only ? "AND scored_at <> 0" : "",
        query->is_open_only ? "AND scored_at = 0" : "");
    sqlite3_stmt *s = prepare(reader, sql, err);
    if (s == NULL) {
        return false;
    }
    bind_text(s, 1, query->kind);
    bind_int(s, 2, query->workflow);
    bind_int(s, 3, query->max == 0 ? -1 : (int64_t)query->max);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        take_prediction(s, arena, rows_add(&rows));
    }
    if (!finish(reader, s, code, err)) {
        return false;
    }
    *ret_rows = rows_take(&rows);
    *ret_n = rows.n;
    return true;
}

bool metric_reader_forecasts(struct metric_reader *reader, struct arena *arena,
                             const char *subject, bool is_history,
                             struct metric_forecast **ret_rows, size_t *ret_n,
                             struct err *err)
{
    struct rows rows = {.arena = arena, .size = sizeof(struct metric_forecast)};
    int code;
    AUTO_FREE char *sql = mem_printf(
        "SELECT subject, at, horizon, json FROM forecast f WHERE 1 %s %s ORDER BY %s",
        subject != NULL ? "AND subject = ?1" : "",
        is_history
            ? ""
            : "AND id = (SELECT max(id) FROM forecast g WHERE g.subject = f.subject)",
        is_history ? "id DESC" : "subject");
    sqlite3_stmt *s = prepare(reader, sql, err);
    if (s == NULL) {
        return false;
    }
    if (subject != NULL) {
        bind_text(s, 1, subject);
    }
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct metric_forecast *row = rows_add(&rows);
        row->subject = column_text(s, 0, arena);
        row->at.ms = sqlite3_column_int64(s, 1);
        row->horizon.ms = sqlite3_column_int64(s, 2);
        row->json = column_text(s, 3, arena);
    }
    if (!finish(reader, s, code, err)) {
        return false;
    }
    *ret_rows = rows_take(&rows);
    *ret_n = rows.n;
    return true;
}
