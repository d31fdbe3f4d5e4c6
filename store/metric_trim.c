/* SPDX-License-Identifier: MIT */
/* What the metrics file does not keep: the finest and oldest goes first. */
#include "store/metric_private.h"

#define ROWS_AT_ONCE  4096 /* of a table; a call must not hold the thread for long */
#define PARTS         16   /* of a level that is cut when the file is too large */
#define ROUNDS        64
#define FREED_AT_ONCE 2048 /* pages given back to the file system */

static const char *const tables[LEVEL_COUNT] = {"raw", "minute", "hour", "day"};

static bool delete_oldest(struct database *database, enum metric_level level,
                          int64_t below, struct err *err)
{
    AUTO_FREE char *sql = mem_printf(
        "DELETE FROM %s WHERE id IN (SELECT id FROM %s WHERE id < %lld ORDER BY "
        "id LIMIT %d)",
        tables[level], tables[level], (long long)below, ROWS_AT_ONCE);
    return database_exec(database, sql, err);
}

/* Flushes of which no row is left. */
static bool delete_flushes(struct database *database, struct err *err)
{
    return database_exec(
        database,
        "DELETE FROM flush WHERE id < coalesce((SELECT id >> 16 FROM raw "
        "ORDER BY id LIMIT 1), (SELECT value FROM setting WHERE key = "
        "'flush') + 1)",
        err);
}

static bool trim_age(struct database *database, const struct metric_bounds *bounds,
                     struct wall now, struct err *err)
{
    int64_t flush = 0;
    AUTO_FREE char *sql = mem_printf("SELECT max(id) FROM flush WHERE to_at < %lld",
                                     (long long)(now.ms - bounds->kept[LEVEL_RAW].ms));
    if (!database_number(database, sql, &flush, err) ||
        (flush > 0 &&
         !delete_oldest(database, LEVEL_RAW, metric_row_id(flush + 1, 0), err))) {
        return false;
    }
    for (int i = LEVEL_MINUTE; i < LEVEL_COUNT; i++) {
        enum metric_level level = (enum metric_level)i;
        int64_t first = (now.ms - bounds->kept[i].ms) / metric_level_width(level).ms;
        if (!delete_oldest(database, level, metric_row_id(first, 0), err)) {
            return false;
        }
    }
    return delete_flushes(database, err);
}

static bool used_bytes(struct database *database, int64_t *ret_bytes, struct err *err)
{
    int64_t pages = 0, free_pages = 0, size = 0;
    if (!database_number(database, "PRAGMA page_count", &pages, err) ||
        !database_number(database, "PRAGMA freelist_count", &free_pages, err) ||
        !database_number(database, "PRAGMA page_size", &size, err)) {
        return false;
    }
    *ret_bytes = (pages - free_pages) * size;
    return true;
}

/* The oldest part of a level, by its numbers; *ret_is_empty when there is none. */
static bool delete_part(struct database *database, enum metric_level level,
                        bool *ret_is_empty, struct err *err)
{
    int64_t first = -1, last = -1;
    AUTO_FREE char *low =
        mem_printf("SELECT coalesce(min(id), -1) FROM %s", tables[level]);
    AUTO_FREE char *high =
        mem_printf("SELECT coalesce(max(id), -1) FROM %s", tables[level]);
    if (!database_number(database, low, &first, err) ||
        !database_number(database, high, &last, err)) {
        return false;
    }
    *ret_is_empty = last < 0;
    return last < 0 ||
           delete_oldest(database, level, first + (last - first) / PARTS + 1, err);
}

static bool trim_size(struct database *database, int64_t max, struct err *err)
{
    enum metric_level level = LEVEL_RAW;
    for (int i = 0; i < ROUNDS && level < LEVEL_COUNT; i++) {
        int64_t used = 0;
        bool is_empty = false;
        if (!used_bytes(database, &used, err)) {
            return false;
        }
        if (used <= max) {
            break;
        }
        if (!delete_part(database, level, &is_empty, err)) {
            return false;
        }
        if (is_empty) {
            level = (enum metric_level)(level + 1);
        }
    }
    return delete_flushes(database, err);
}

static bool trim_rows(struct database *database, const struct metric_bounds *bounds,
                      struct err *err)
{
    AUTO_FREE char *predictions = mem_printf(
        "DELETE FROM prediction WHERE id <= (SELECT id FROM prediction ORDER BY id DESC "
        "LIMIT 1 OFFSET %lld)",
        (long long)bounds->predictions);
    /* the one that is as far back as may be, of each subject */
    AUTO_FREE char *forecasts =
        mem_printf("DELETE FROM forecast WHERE id <= (SELECT id FROM forecast AS f WHERE "
                   "f.subject = "
                   "forecast.subject ORDER BY id DESC LIMIT 1 OFFSET %lld)",
                   (long long)bounds->forecasts);
    return database_exec(database, predictions, err) &&
           database_exec(database, forecasts, err);
}

static bool cut(struct metric_store *store, const struct metric_bounds *bounds,
                struct wall now, struct err *err)
{
    struct database *database = &store->reader.database;
    if (!database_begin(database)) {
        return database_fail(database, err);
    }
    bool is_good = trim_age(database, bounds, now, err) &&
                   trim_size(database, bounds->bytes, err) &&
                   trim_rows(database, bounds, err);
    if (is_good && !database_commit(database)) {
        is_good = database_fail(database, err);
    }
    if (!is_good) {
        database_rollback(database);
        return false;
    }
    AUTO_FREE char *sql = mem_printf("PRAGMA incremental_vacuum(%d)", FREED_AT_ONCE);
    return database_exec(database, sql, err);
}

bool metric_store_trim(struct metric_store *store, const struct metric_bounds *bounds,
                       struct wall now, struct err *err)
{
    bool is_good = cut(store, bounds, now, err);
    store->is_corrupt |= !is_good && err->code == ERR_CORRUPT;
    return is_good;
}

bool metric_reader_size(struct metric_reader *reader, int64_t *ret_bytes, struct err *err)
{
    return used_bytes(&reader->database, ret_bytes, err);
}
