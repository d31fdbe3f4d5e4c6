/* SPDX-License-Identifier: MIT */
#include "store/metric_store.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "store/metric_private.h"

/* Rows hold some kilobytes; small pages would leave half of each empty. */
#define PAGE_BYTES 16384
#define WAL_PAGES  512
#define CACHE_KIB  256 /* what is written goes at the end, and is not read again */

/* Only append. auto_vacuum and page size are set before the first, in an empty file. */
// NOLINTBEGIN(bugprone-suspicious-missing-comma): each is one script
static const char *const migrations[] = {
    "CREATE TABLE setting (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT "
    "NULL, component TEXT NOT NULL, unit TEXT NOT NULL, kind INTEGER NOT NULL) STRICT;"
    "CREATE TABLE newest (block INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE state (series INTEGER PRIMARY KEY, format INTEGER NOT NULL, flush "
    "INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE flush (id INTEGER PRIMARY KEY, from_at INTEGER NOT NULL, to_at INTEGER "
    "NOT NULL) STRICT;"
    "CREATE TABLE raw (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE minute (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE hour (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE day (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE model (key TEXT PRIMARY KEY, format INTEGER NOT NULL, bytes BLOB NOT "
    "NULL) STRICT;"
    "CREATE TABLE finding (number INTEGER PRIMARY KEY, kind INTEGER NOT NULL, json TEXT "
    "NOT NULL) STRICT;"
    "CREATE TABLE prediction (id INTEGER PRIMARY KEY, workflow INTEGER NOT NULL, kind "
    "TEXT NOT NULL, subject TEXT NOT NULL, at INTEGER NOT NULL, p REAL, base REAL, n "
    "INTEGER NOT NULL, q10 REAL, q50 REAL, q90 REAL, outcome REAL, scored_at INTEGER NOT "
    "NULL, detail TEXT NOT NULL) STRICT;"
    "CREATE INDEX prediction_kind ON prediction (kind, id);"
    "CREATE INDEX prediction_workflow ON prediction (workflow, id) WHERE workflow <> 0;"
    "CREATE TABLE forecast (id INTEGER PRIMARY KEY, subject TEXT NOT NULL, at INTEGER "
    "NOT "
    "NULL, horizon INTEGER NOT NULL, json TEXT NOT NULL) STRICT;"
    "CREATE INDEX forecast_subject ON forecast (subject, id);",
};
static const char *const sql_texts[METRIC_SQL_COUNT] = {
#define X(id, sql) [id] = sql,
    METRIC_SQL_LIST(X)
#undef X
};

// NOLINTEND(bugprone-suspicious-missing-comma)

static const struct {
    const char *word;
    int64_t width, days;
} levels[LEVEL_COUNT] = {
#define X(id, word, width, days) [id] = {word, width, days},
    METRIC_LEVEL_LIST(X)
#undef X
};

const char *metric_level_word(enum metric_level level)
{
    return levels[level].word;
}

bool metric_level_find(const char *word, enum metric_level *ret_level)
{
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(levels[i].word, word) == 0) {
            *ret_level = (enum metric_level)i;
            return true;
        }
    }
    return false;
}

struct span metric_level_width(enum metric_level level)
{
    return (struct span){levels[level].width};
}

struct metric_bounds metric_bounds_default(void)
{
    struct metric_bounds bounds = {
        .bytes = METRIC_BYTES_DEFAULT, .predictions = 100000, .forecasts = 200};
    for (int i = 0; i < LEVEL_COUNT; i++) {
        bounds.kept[i] = span_s(levels[i].days * 86400);
    }
    return bounds;
}

char *metric_store_path(const char *store_path)
{
    return mem_printf("%s-metrics", store_path);
}

/* ---- connection ----------------------------------------------------------------------- */

sqlite3_stmt *metric_sql(struct metric_reader *reader, enum metric_sql sql)
{
    sqlite3_stmt *statement = reader->statements[sql];
    if (statement == NULL) {
        if (sqlite3_prepare_v3(reader->database.db, sql_texts[sql], -1,
                               SQLITE_PREPARE_PERSISTENT, &statement,
                               NULL) != SQLITE_OK) {
            return NULL;
        }
        reader->statements[sql] = statement;
    } else {
        (void)sqlite3_reset(statement); /* repeats old failures */
    }
    return statement;
}

void metric_reader_fini(struct metric_reader *reader)
{
    for (size_t i = 0; i < METRIC_SQL_COUNT; i++) {
        (void)sqlite3_finalize(reader->statements[i]); /* repeats old failures */
        reader->statements[i] = NULL;
    }
    database_close(&reader->database);
}

bool metric_schema_check(struct database *database, int64_t *ret_version, struct err *err)
{
    int64_t application = 0, version = 0, n_tables = 0;
    if (!database_number(database, "PRAGMA application_id", &application, err) ||
        !database_number(database, "PRAGMA user_version", &version, err) ||
        !database_number(database, "SELECT count(*) FROM sqlite_schema", &n_tables,
                         err)) {
        return false;
    }
    if (application != METRIC_APPLICATION_ID && (application != 0 || n_tables != 0)) {
        return err_set(err, ERR_CORRUPT, "%s: not a metrics file of signalbox",
                       database->path);
    }
    if (version > (int64_t)ARRAY_LEN(migrations)) {
        return err_set(err, ERR_TOO_NEW, "%s: written by a newer signalbox",
                       database->path);
    }
    *ret_version = version;
    return true;
}

static bool migrate(struct database *database, int64_t version, struct err *err)
{
    if (version == (int64_t)ARRAY_LEN(migrations)) {
        return true;
    }
    if (!database_begin(database)) {
        return database_fail(database, err);
    }
    bool is_good = true;
    for (size_t i = (size_t)version; is_good && i < ARRAY_LEN(migrations); i++) {
        is_good = database_exec(database, migrations[i], err);
    }
    AUTO_FREE char *sql = mem_printf("PRAGMA application_id=%d; PRAGMA user_version=%zu",
                                     METRIC_APPLICATION_ID, ARRAY_LEN(migrations));
    is_good = is_good && database_exec(database, sql, err);
    if (is_good && !database_commit(database)) {
        is_good = database_fail(database, err);
    }
    if (!is_good) {
        database_rollback(database);
    }
    return is_good;
}

static bool open_file(struct metric_store *store, const char *path, struct err *err)
{
    struct database *database = &store->reader.database;
    int64_t version = 0;
    AUTO_FREE char *first =
        mem_printf("PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL", PAGE_BYTES);
    AUTO_FREE char *then = mem_printf(
        "PRAGMA wal_autocheckpoint=%d; PRAGMA cache_size=-%d", WAL_PAGES, CACHE_KIB);
    return database_open(database, path, DATABASE_CREATE, err) &&
           metric_schema_check(database, &version, err) &&
           (version > 0 || database_exec(database, first, err)) &&
           database_set_up(database, STORE_NORMAL, err) &&
           database_exec(database, then, err) && migrate(database, version, err) &&
           metric_reader_setting(&store->reader, "flush", 0, &store->flush, err);
}

/* The log goes with its file: together they are what there was. */
static bool move_aside(const char *path, struct wall now, char **ret_broken,
                       struct err *err)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char at[32];
    struct tm tm;
    time_t seconds = now.ms / 1000;
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(at, sizeof(at), "%Y%m%dT%H%M%SZ", &tm);
    char *broken = mem_printf("%s.broken-%s", path, at);
    bool is_there = file_exists(path); /* it may have been removed */
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        AUTO_FREE char *from = mem_printf("%s%s", path, ends[i]);
        AUTO_FREE char *to = mem_printf("%s%s", broken, ends[i]);
        if (rename(from, to) != 0 && errno != ENOENT) {
            err_sys(err, "%s: cannot be moved aside", from);
            free(broken);
            return false;
        }
    }
    if (!is_there) {
        free(broken);
        broken = NULL;
    }
    *ret_broken = broken;
    return true;
}

bool metric_store_renew(struct metric_store *store, struct wall now, char **ret_broken,
                        struct err *err)
{
    AUTO_FREE char *path = mem_str(store->reader.database.path);
    metric_reader_fini(&store->reader);
    store->flush = 0;
    store->is_begun = store->has_failed = store->is_corrupt = false;
    *ret_broken = NULL;
    if (move_aside(path, now, ret_broken, err) && open_file(store, path, err)) {
        return true;
    }
    if (store->reader.database.path == NULL) {
        store->reader.database.path = TAKE(path); /* for the next try */
    }
    return false;
}

struct metric_store *metric_store_open(const char *path, struct wall now,
                                       char **ret_broken, struct err *err)
{
    struct metric_store *store = mem_alloc(sizeof(*store));
    *ret_broken = NULL;
    if (!open_file(store, path, err) &&
        (err->code != ERR_CORRUPT || !metric_store_renew(store, now, ret_broken, err))) {
        metric_store_close(store);
        return NULL;
    }
    return store;
}

void metric_store_close(struct metric_store *store)
{
    if (store != NULL) {
        metric_reader_fini(&store->reader);
        free(store);
    }
}

struct metric_reader *metric_store_reader(struct metric_store *store)
{
    return &store->reader;
}

/* ---- transaction ---------------------------------------------------------------------- */

static void fail(struct metric_store *store)
{
    store->has_failed = true;
    (void)database_fail(&store->reader.database, &store->err);
}

/* The statement of a put; NULL when the transaction has failed already. */
static sqlite3_stmt *put(struct metric_store *store, enum metric_sql sql)
{
    if (store->has_failed) {
        return NULL;
    }
    sqlite3_stmt *s = metric_sql(&store->reader, sql);
    if (s == NULL) {
        fail(store);
    }
    return s;
}

static void run(struct metric_store *store, sqlite3_stmt *s)
{
    if (!database_run(s)) {
        fail(store);
    }
}

void metric_store_begin(struct metric_store *store)
{
    store->err = ERR_INIT;
    store->has_failed = false;
    store->is_begun = true;
    if (store->reader.database.db == NULL) { /* after a failed renewal */
        store->has_failed = true;
        err_set(&store->err, ERR_CORRUPT, "%s: is not open", store->reader.database.path);
    } else if (store->is_corrupt) { /* seen where only a flush can make it good */
        store->has_failed = true;
        err_set(&store->err, ERR_CORRUPT, "%s: the file is damaged",
                store->reader.database.path);
    } else if (database_has_moved(&store->reader.database)) {
        store->has_failed = true;
        err_set(&store->err, ERR_CORRUPT, "%s: was removed or replaced",
                store->reader.database.path);
    } else if (!database_begin(&store->reader.database)) {
        fail(store);
    }
}

int64_t metric_store_flush_number(const struct metric_store *store)
{
    return store->flush + 1;
}

bool metric_store_commit(struct metric_store *store, struct err *err)
{
    metric_store_put_setting(store, "flush", store->flush + 1);
    if (!store->has_failed && !database_commit(&store->reader.database)) {
        fail(store);
    }
    store->is_begun = false;
    if (store->has_failed) {
        database_rollback(&store->reader.database);
        *err = store->err;
        return false;
    }
    store->flush++;
    return true;
}

/* ---- puts ----------------------------------------------------------------------------- */

static void bind_real(sqlite3_stmt *s, int index, double number)
{
    (void)sqlite3_bind_double(s, index, number); /* NAN becomes NULL */
}

void metric_store_put_setting(struct metric_store *store, const char *key, int64_t value)
{
    sqlite3_stmt *s = put(store, SQL_SETTING_PUT);
    if (s != NULL) {
        bind_text(s, 1, key);
        bind_int(s, 2, value);
        run(store, s);
    }
}

void metric_store_put_model(struct metric_store *store, const char *key, int format,
                            const void *bytes, size_t len)
{
    sqlite3_stmt *s = put(store, SQL_MODEL_PUT);
    if (s != NULL) {
        bind_text(s, 1, key);
        bind_int(s, 2, format);
        bind_blob(s, 3, bytes, len);
        run(store, s);
    }
}

void metric_store_drop_model(struct metric_store *store, const char *key)
{
    sqlite3_stmt *s = put(store, SQL_MODEL_DROP);
    if (s != NULL) {
        bind_text(s, 1, key);
        run(store, s);
    }
}

void metric_store_put_finding(struct metric_store *store,
                              const struct metric_finding *finding)
{
    sqlite3_stmt *s = put(store, SQL_FINDING_PUT);
    if (s != NULL) {
        bind_int(s, 1, finding->number);
        bind_int(s, 2, finding->kind);
        bind_text(s, 3, finding->json);
        run(store, s);
    }
}

void metric_store_drop_findings(struct metric_store *store, int64_t up_to)
{
    sqlite3_stmt *s = put(store, SQL_FINDING_DROP);
    if (s != NULL) {
        bind_int(s, 1, up_to);
        run(store, s);
    }
}

void metric_store_put_prediction(struct metric_store *store,
                                 const struct metric_prediction *row)
{
    sqlite3_stmt *s = put(store, SQL_PREDICTION_PUT);
    if (s != NULL) {
        bind_int(s, 1, row->id);
        bind_int(s, 2, row->workflow);
        bind_text(s, 3, row->kind);
        bind_text(s, 4, row->subject);
        bind_int(s, 5, row->at.ms);
        bind_real(s, 6, row->p);
        bind_real(s, 7, row->base);
        bind_int(s, 8, row->n);
        bind_real(s, 9, row->q10);
        bind_real(s, 10, row->q50);
        bind_real(s, 11, row->q90);
        bind_real(s, 12, row->outcome);
        bind_int(s, 13, row->scored_at.ms);
        bind_text(s, 14, row->detail);
        run(store, s);
    }
}

void metric_store_score_prediction(struct metric_store *store, int64_t id, double outcome,
                                   struct wall scored_at)
{
    sqlite3_stmt *s = put(store, SQL_PREDICTION_SCORE);
    if (s != NULL) {
        bind_int(s, 1, id);
        bind_real(s, 2, outcome);
        bind_int(s, 3, scored_at.ms);
        run(store, s);
    }
}

void metric_store_put_forecast(struct metric_store *store,
                               const struct metric_forecast *row)
{
    sqlite3_stmt *s = put(store, SQL_FORECAST_PUT);
    if (s != NULL) {
        bind_text(s, 1, row->subject);
        bind_int(s, 2, row->at.ms);
        bind_int(s, 3, row->horizon.ms);
        bind_text(s, 4, row->json);
        run(store, s);
    }
}

void metric_store_put_series(struct metric_store *store, const struct metric_series *row)
{
    sqlite3_stmt *s = put(store, SQL_SERIES_PUT);
    if (s != NULL) {
        bind_int(s, 1, row->id);
        bind_text(s, 2, row->name);
        bind_text(s, 3, row->labels);
        bind_text(s, 4, row->component);
        bind_text(s, 5, row->unit);
        bind_int(s, 6, row->kind);
        run(store, s);
    }
}

/* Key and bytes. */
static void put_row(struct metric_store *store, enum metric_sql sql, int64_t id,
                    const void *bytes, size_t len)
{
    sqlite3_stmt *s = put(store, sql);
    if (s != NULL) {
        bind_int(s, 1, id);
        bind_blob(s, 2, bytes, len);
        run(store, s);
    }
}

void metric_store_put_newest(struct metric_store *store, int32_t block, const void *bytes,
                             size_t len)
{
    put_row(store, SQL_NEWEST_PUT, block, bytes, len);
}

void metric_store_put_raw(struct metric_store *store, int32_t block, const void *bytes,
                          size_t len)
{
    put_row(store, SQL_RAW_PUT, metric_row_id(store->flush + 1, block), bytes, len);
}

void metric_store_put_interval(struct metric_store *store, enum metric_level level,
                               struct wall start, int32_t block, const void *bytes,
                               size_t len)
{
    static const enum metric_sql puts[LEVEL_COUNT] = {[LEVEL_MINUTE] = SQL_MINUTE_PUT,
                                                      [LEVEL_HOUR] = SQL_HOUR_PUT,
                                                      [LEVEL_DAY] = SQL_DAY_PUT};
    put_row(store, puts[level], metric_row_id(start.ms / levels[level].width, block),
            bytes, len);
}

void metric_store_put_flush(struct metric_store *store, struct wall from, struct wall to)
{
    sqlite3_stmt *s = put(store, SQL_FLUSH_PUT);
    if (s != NULL) {
        bind_int(s, 1, store->flush + 1);
        bind_int(s, 2, from.ms);
        bind_int(s, 3, to.ms);
        run(store, s);
    }
}

void metric_store_put_state(struct metric_store *store, int32_t series, int format,
                            const void *bytes, size_t len)
{
    sqlite3_stmt *s = put(store, SQL_STATE_PUT);
    if (s != NULL) {
        bind_int(s, 1, series);
        bind_int(s, 2, format);
        bind_int(s, 3, store->flush + 1);
        bind_blob(s, 4, bytes, len);
        run(store, s);
    }
}
