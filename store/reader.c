/* SPDX-License-Identifier: MIT */
/*
 * Reader: a connection that only reads. Each query is a snapshot of its own unless
 * reader_begin opened one for several. The engine is never kept waiting (write-ahead
 * log), but a snapshot that stays open keeps the log from shrinking: end it soon.
 */
#include "store/sqlite_private.h"

#define ROWS_MAX 10000

struct reader *reader_open(const char *path, struct err *err)
{
    struct reader *reader = mem_alloc(sizeof(*reader));
    int64_t version = 0;
    if (!database_open(&reader->database, path, DATABASE_READ, err) ||
        !schema_check(&reader->database, &version, err)) {
        reader_close(reader);
        return NULL;
    }
    if (version == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "%s: the store is still empty", path);
        reader_close(reader);
        return NULL;
    }
    if (version < store_schema_version()) {
        (void)err_set(
            err, ERR_REFUSED,
            "%s: written by an older signalbox (schema %lld, this one reads %d): "
            "stop the old engine and start this one once",
            path, (long long)version, store_schema_version());
        reader_close(reader);
        return NULL;
    }
    return reader;
}

void reader_close(struct reader *reader)
{
    if (reader == NULL) {
        return;
    }
    database_close(&reader->database);
    free(reader);
}

bool reader_begin(struct reader *reader, struct err *err)
{
    int64_t ignored;
    if (reader->is_pinned) {
        return true;
    }
    if (reader->is_begun) {
        BUG("reader_begin twice");
    }
    if (database_has_moved(&reader->database)) {
        return err_set(err, ERR_IO, "%s: the file was removed or replaced",
                       reader->database.path);
    }
    if (!database_run(database_get(&reader->database, SLOT_BEGIN_READ, "BEGIN"))) {
        return database_fail(&reader->database, err);
    }
    reader->is_begun = true;
    /* BEGIN alone takes no snapshot: the first read does. */
    if (!database_number(&reader->database, "SELECT count(*) FROM total WHERE code = 0",
                         &ignored, err)) {
        reader_end(reader);
        return false;
    }
    return true;
}

void reader_end(struct reader *reader)
{
    if (reader->is_begun && !reader->is_pinned) {
        database_rollback(&reader->database);
        reader->is_begun = false;
    }
}

int64_t reader_version(struct reader *reader)
{
    sqlite3_stmt *s =
        database_get(&reader->database, SLOT_VERSION, "PRAGMA data_version");
    if (s == NULL) {
        return -1;
    }
    int64_t version = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
    (void)sqlite3_reset(s); /* the next query tells the cause */
    return database_has_moved(&reader->database) ? -1 : version;
}

bool reader_list(struct reader *reader, struct arena *arena,
                 const struct list_query *query, const struct workflow_row **ret_rows,
                 size_t *ret_n, struct err *err)
{
    bool is_own = !reader->is_begun; /* ids and rows must be of one moment */
    if (is_own && !reader_begin(reader, err)) {
        return false;
    }
    int64_t *ids = NULL;
    size_t n = 0, n_rows = 0;
    struct workflow_row *rows = NULL;
    bool is_good = list_ids(&reader->database, arena, query, &ids, &n, err);
    if (is_good) {
        rows = arena_array(arena, n, sizeof(*rows));
    }
    for (size_t i = 0; is_good && i < n; i++) {
        enum found found =
            get_workflow(&reader->database, arena, ids[i], &rows[n_rows], err);
        n_rows += found == FOUND;
        is_good = found != FOUND_FAILED;
    }
    if (is_own) {
        reader_end(reader);
    }
    if (is_good) {
        *ret_rows = rows;
        *ret_n = n_rows;
    }
    return is_good;
}

enum found reader_workflow(struct reader *reader, struct arena *arena, int64_t id,
                           struct workflow_row *ret_row, struct err *err)
{
    return get_workflow(&reader->database, arena, id, ret_row, err);
}

/* Rows of events in the order of the statement; grows as they come. */
static bool collect_events(struct reader *reader, struct arena *arena, sqlite3_stmt *s,
                           size_t max, struct event_row **ret_rows, size_t *ret_n,
                           struct err *err)
{
    struct event_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW && n < max) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_event(&reader->database, s, arena, &rows[n++]);
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        (void)database_fail(&reader->database, err);
        (void)sqlite3_reset(s); /* repeats the failure that was seen */
        return false;
    }
    (void)sqlite3_reset(s); /* ran well */
    *ret_rows = rows;
    *ret_n = n;
    return true;
}

static sqlite3_stmt *events_statement(struct reader *reader, enum slot slot,
                                      const char *sql, int64_t workflow, int64_t after,
                                      size_t max)
{
    sqlite3_stmt *s = database_get(&reader->database, slot, sql);
    if (s != NULL) {
        bind_int(s, 1, workflow);
        bind_int(s, 2, after);
        bind_int(s, 3, (int64_t)max);
    }
    return s;
}

bool reader_events(struct reader *reader, struct arena *arena, int64_t workflow,
                   int64_t after, size_t max, const struct event_row **ret_rows,
                   size_t *ret_n, struct err *err)
{
    max = max < ROWS_MAX ? max : ROWS_MAX;
    sqlite3_stmt *s =
        workflow == 0
            ? events_statement(reader, SLOT_EVENT_ALL,
                               "SELECT " EVENT_COLUMNS
                               " FROM event WHERE ?1 = ?1 AND seq > ?2"
                               " ORDER BY seq LIMIT ?3",
                               workflow, after, max)
            : events_statement(reader, SLOT_EVENT_OF,
                               "SELECT " EVENT_COLUMNS " FROM event WHERE workflow = ?1"
                               " AND seq > ?2 ORDER BY seq LIMIT ?3",
                               workflow, after, max);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    struct event_row *rows = NULL;
    if (!collect_events(reader, arena, s, max, &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

bool reader_last_events(struct reader *reader, struct arena *arena, int64_t workflow,
                        size_t max, const struct event_row **ret_rows, size_t *ret_n,
                        struct err *err)
{
    max = max < ROWS_MAX ? max : ROWS_MAX;
    sqlite3_stmt *s =
        workflow == 0
            ? events_statement(reader, SLOT_EVENT_LAST_ALL,
                               "SELECT " EVENT_COLUMNS
                               " FROM event WHERE ?1 = ?1 AND seq > ?2"
                               " ORDER BY seq DESC LIMIT ?3",
                               workflow, 0, max)
            : events_statement(reader, SLOT_EVENT_LAST_OF,
                               "SELECT " EVENT_COLUMNS " FROM event WHERE workflow = ?1"
                               " AND seq > ?2 ORDER BY seq DESC LIMIT ?3",
                               workflow, 0, max);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    struct event_row *rows = NULL;
    size_t n = 0;
    if (!collect_events(reader, arena, s, max, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n / 2; i++) {
        struct event_row swapped = rows[i];
        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = swapped;
    }
    *ret_rows = rows;
    *ret_n = n;
    return true;
}

bool reader_effects(struct reader *reader, struct arena *arena, int64_t workflow,
                    const struct effect_row **ret_rows, size_t *ret_n, struct err *err)
{
    sqlite3_stmt *s = database_get(&reader->database, SLOT_EFFECT_ALL,
                                   "SELECT " EFFECT_COLUMNS
                                   " FROM effect WHERE id >= ?1 AND id < ?2 ORDER BY id");
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    bind_int(s, 1, effect_key(workflow, 0));
    bind_int(s, 2, effect_key(workflow + 1, 0));
    struct effect_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_effect(&reader->database, s, arena, &rows[n++]);
    }
    bool is_good = code == SQLITE_DONE || database_fail(&reader->database, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (is_good) {
        *ret_rows = rows;
        *ret_n = n;
    }
    return is_good;
}

enum found reader_effect(struct reader *reader, struct arena *arena, int64_t workflow,
                         int64_t seq, struct effect_row *ret_row, struct err *err)
{
    sqlite3_stmt *s = database_get(&reader->database, SLOT_EFFECT_GET,
                                   "SELECT " EFFECT_COLUMNS " FROM effect WHERE id = ?1");
    if (s == NULL) {
        (void)database_fail(&reader->database, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, effect_key(workflow, seq));
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        row_effect(&reader->database, s, arena, ret_row);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(&reader->database, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

enum found reader_doc(struct reader *reader, struct arena *arena, int64_t workflow,
                      enum doc_kind doc, const char **ret_text, size_t *ret_len,
                      struct err *err)
{
    sqlite3_stmt *s = database_get(&reader->database, SLOT_DOC_GET,
                                   "SELECT text FROM doc WHERE id = ?1");
    if (s == NULL) {
        (void)database_fail(&reader->database, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, doc_key(workflow, doc));
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        const void *bytes = sqlite3_column_text(s, 0);
        *ret_len = bytes != NULL ? (size_t)sqlite3_column_bytes(s, 0) : 0;
        *ret_text = arena_strn(arena, bytes, *ret_len);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(&reader->database, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

enum found reader_pipeline(struct reader *reader, struct arena *arena, int64_t id,
                           const char **ret_name, const char **ret_text, size_t *ret_len,
                           struct err *err)
{
    return get_pipeline(&reader->database, arena, id, ret_name, ret_text, ret_len, err);
}

bool reader_totals(struct reader *reader, struct totals *ret_totals, struct err *err)
{
    int64_t last_workflow;
    return get_totals(&reader->database, ret_totals, &last_workflow, err);
}

bool reader_hours(struct reader *reader, struct arena *arena, int64_t first, int64_t last,
                  const struct hour_row **ret_rows, struct err *err)
{
    if (last < first || last - first >= HOURS_KEPT) {
        BUG("reader_hours of a wrong range");
    }
    sqlite3_stmt *s =
        database_get(&reader->database, SLOT_HOUR_GET,
                     "SELECT hour, completed, failed, cancelled, submitted, duration_ms"
                     " FROM hour WHERE hour BETWEEN ?1 AND ?2");
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    bind_int(s, 1, first);
    bind_int(s, 2, last);
    size_t n = (size_t)(last - first + 1);
    struct hour_row *rows = arena_array(arena, n, sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        rows[i].hour = first + (int64_t)i;
    }
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        row_hour(s, &rows[sqlite3_column_int64(s, 0) - first]);
    }
    bool is_good = code == SQLITE_DONE || database_fail(&reader->database, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (is_good) {
        *ret_rows = rows;
    }
    return is_good;
}

const char *reader_setting(struct reader *reader, struct arena *arena, const char *key)
{
    sqlite3_stmt *s = database_get(&reader->database, SLOT_SETTING_GET,
                                   "SELECT value FROM setting WHERE key = ?1");
    const char *value = "";
    if (s != NULL) {
        bind_text(s, 1, key);
        if (sqlite3_step(s) == SQLITE_ROW) {
            value = arena_str(arena, (const char *)sqlite3_column_text(s, 0));
        }
        (void)sqlite3_reset(s); /* unreadable is shown by the queries that can fail */
    }
    return value;
}

enum found reader_command(struct reader *reader, struct arena *arena, int64_t id,
                          struct command_row *ret_row, struct err *err)
{
    sqlite3_stmt *s =
        database_get(&reader->database, SLOT_COMMAND_GET,
                     "SELECT " COMMAND_COLUMNS " FROM command WHERE id = ?1");
    if (s == NULL) {
        (void)database_fail(&reader->database, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, id);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        row_command(s, arena, ret_row);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(&reader->database, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}
