/* SPDX-License-Identifier: MIT */
/*
 * Finding, read: what screens and the monitor ask for, and what the engine reads back, with
 * what waits in the batch laid over the committed row in the order in which it was put.
 */
#include "store/finding.h"
#include "store/sqlite_private.h"

#define ROWS_MAX 10000

#define ANOMALY_GET  "SELECT " ANOMALY_COLUMNS " FROM anomaly WHERE id = ?1"
#define INCIDENT_GET "SELECT " INCIDENT_COLUMNS " FROM incident WHERE id = ?1"
#define SILENCE_GET  "SELECT " SILENCE_COLUMNS " FROM silence WHERE id = ?1"

/* ?1 before, ?2 text, ?3 max, ?4 incident */
#define ANOMALY_LIST_OF(where)                                                           \
    "SELECT " ANOMALY_COLUMNS " FROM anomaly WHERE " where " AND (?1 = 0 OR id < ?1)"    \
    " AND (?2 = '' OR instr(lower(series || ' ' || component || ' ' || text || ' '"      \
    " || rule), lower(?2))) AND ?4 = ?4 ORDER BY id DESC LIMIT ?3"
#define INCIDENT_LIST_OF(where)                                                          \
    "SELECT " INCIDENT_COLUMNS " FROM incident WHERE " where " AND (?1 = 0 OR id < ?1)"  \
    " AND (?2 = '' OR instr(lower(cause || ' ' || text || ' ' || owner || ' '"           \
    " || note), lower(?2))) ORDER BY id DESC LIMIT ?3"

/* The row of one id: FOUND leaves the statement on it, to be reset. */
static enum found get_row(struct database *db, enum slot slot, const char *sql,
                          int64_t id, sqlite3_stmt **ret_s, struct err *err)
{
    sqlite3_stmt *s = database_get(db, slot, sql);
    if (s == NULL) {
        (void)database_fail(db, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, id);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        *ret_s = s;
        return FOUND;
    }
    if (code != SQLITE_DONE) {
        (void)database_fail(db, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

static enum found get_anomaly(struct database *db, struct arena *arena, int64_t id,
                              struct anomaly_row *ret_row, struct err *err)
{
    sqlite3_stmt *s;
    enum found found = get_row(db, SLOT_ANOMALY_GET, ANOMALY_GET, id, &s, err);
    if (found == FOUND) {
        row_anomaly(s, arena, ret_row);
        (void)sqlite3_reset(s); /* it gave its row */
    }
    return found;
}

static enum found get_incident(struct database *db, struct arena *arena, int64_t id,
                               struct incident_row *ret_row, struct err *err)
{
    sqlite3_stmt *s;
    enum found found = get_row(db, SLOT_INCIDENT_GET, INCIDENT_GET, id, &s, err);
    if (found == FOUND) {
        row_incident(s, arena, ret_row);
        (void)sqlite3_reset(s); /* it gave its row */
    }
    return found;
}

static enum found get_silence(struct database *db, struct arena *arena, int64_t id,
                              struct silence_row *ret_row, struct err *err)
{
    sqlite3_stmt *s;
    enum found found = get_row(db, SLOT_SILENCE_GET, SILENCE_GET, id, &s, err);
    if (found == FOUND) {
        row_silence(s, arena, ret_row);
        (void)sqlite3_reset(s); /* it gave its row */
    }
    return found;
}

/* ---- the engine ---- */

static enum found loaded(struct store *store, enum found found, const struct err *err)
{
    if (found == FOUND_FAILED) {
        (void)store_suspect(store, err);
    }
    return found;
}

enum found store_load_anomaly(struct store *store, struct arena *arena, int64_t id,
                              struct anomaly_row *ret_row, struct err *err)
{
    for (const struct op *op = store->last; op != NULL; op = op->previous) {
        if (op->kind == OP_ANOMALY && op->anomaly.id == id) {
            const struct anomaly_row *row = &op->anomaly;
            *ret_row = *row;
            ret_row->series = arena_str(arena, row->series);
            ret_row->component = arena_str(arena, row->component);
            ret_row->text = arena_str(arena, row->text);
            ret_row->rule = arena_str(arena, row->rule);
            ret_row->closed_by = arena_str(arena, row->closed_by);
            ret_row->detail = arena_str(arena, row->detail);
            return FOUND;
        }
    }
    return loaded(store, get_anomaly(&store->database, arena, id, ret_row, err), err);
}

static void lay_monitors(struct incident_row *row, struct arena *arena,
                         const struct incident_row *put)
{
    struct incident_row was = *row;
    *row = *put;
    row->cause = arena_str(arena, put->cause);
    row->text = arena_str(arena, put->text);
    row->inhibited_by = arena_str(arena, put->inhibited_by);
    row->detail = arena_str(arena, put->detail);
    row->state = was.state;
    row->owner = was.owner;
    row->note = was.note;
    row->acked_at = was.acked_at;
    row->claimed_by = was.claimed_by;
    row->claimed_until = was.claimed_until;
    row->assignee = was.assignee;
    row->links = was.links;
}

static void lay_operators(struct incident_row *row, struct arena *arena,
                          const struct incident_row *put)
{
    row->state = put->state;
    row->owner = arena_str(arena, put->owner);
    row->note = arena_str(arena, put->note);
    row->acked_at = put->acked_at;
    row->claimed_by = arena_str(arena, put->claimed_by);
    row->claimed_until = put->claimed_until;
    row->assignee = arena_str(arena, put->assignee);
    row->links = arena_str(arena, put->links);
}

enum found store_load_incident(struct store *store, struct arena *arena, int64_t id,
                               struct incident_row *ret_row, struct err *err)
{
    struct incident_row row = {
        .owner = "", .note = "", .claimed_by = "", .assignee = "", .links = ""};
    enum found found =
        loaded(store, get_incident(&store->database, arena, id, &row, err), err);
    if (found == FOUND_FAILED) {
        return found;
    }
    for (const struct op *op = store->first; op != NULL; op = op->next) {
        if (op->kind == OP_INCIDENT && op->incident.id == id) {
            lay_monitors(&row, arena, &op->incident);
            found = FOUND;
        } else if (op->kind == OP_INCIDENT_ACK && op->incident.id == id) {
            lay_operators(&row, arena, &op->incident);
        }
    }
    if (found == FOUND) {
        *ret_row = row;
    }
    return found;
}

enum found store_load_silence(struct store *store, struct arena *arena, int64_t id,
                              struct silence_row *ret_row, struct err *err)
{
    for (const struct op *op = store->last; op != NULL; op = op->previous) {
        if (op->kind == OP_SILENCE && op->silence.id == id) {
            const struct silence_row *row = &op->silence;
            *ret_row = *row;
            ret_row->match = arena_str(arena, row->match);
            ret_row->author = arena_str(arena, row->author);
            ret_row->reason = arena_str(arena, row->reason);
            return FOUND;
        }
    }
    return loaded(store, get_silence(&store->database, arena, id, ret_row, err), err);
}

/* ?1 now, 0: all that are kept */
#define SILENCE_LIST                                                                     \
    "SELECT " SILENCE_COLUMNS " FROM silence WHERE ?1 = 0"                               \
    " OR (is_ended = 0 AND from_at <= ?1 AND until_at > ?1) ORDER BY id DESC"

bool store_load_silences(struct store *store, struct wall now,
                         void (*on_row)(void *user, const struct silence_row *row),
                         void *user, struct err *err)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_SILENCE_LIST, SILENCE_LIST);
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    bind_int(s, 1, now.ms);
    struct arena *arena = arena_new();
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct silence_row row;
        arena_reset(arena);
        row_silence(s, arena, &row);
        on_row(user, &row);
    }
    arena_free(arena);
    bool is_good = code == SQLITE_DONE;
    if (!is_good) {
        (void)database_fail(&store->database, err);
        (void)store_suspect(store, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

/* ---- readers ---- */

enum found reader_anomaly(struct reader *reader, struct arena *arena, int64_t id,
                          struct anomaly_row *ret_row, struct err *err)
{
    return get_anomaly(&reader->database, arena, id, ret_row, err);
}

enum found reader_incident(struct reader *reader, struct arena *arena, int64_t id,
                           struct incident_row *ret_row, struct err *err)
{
    return get_incident(&reader->database, arena, id, ret_row, err);
}

static sqlite3_stmt *anomaly_statement(struct database *db,
                                       const struct anomaly_query *query)
{
    if (query->incident != 0) {
        return query->is_open
                   ? database_get(db, SLOT_ANOMALY_OPEN_OF,
                                  ANOMALY_LIST_OF("incident = ?4"
                                                  " AND closed_at = 0"))
                   : database_get(db, SLOT_ANOMALY_OF, ANOMALY_LIST_OF("incident = ?4"));
    }
    return query->is_open
               ? database_get(db, SLOT_ANOMALY_OPEN, ANOMALY_LIST_OF("closed_at = 0"))
               : database_get(db, SLOT_ANOMALY_LIST, ANOMALY_LIST_OF("1"));
}

static void bind_list(sqlite3_stmt *s, int64_t before, const char *text, size_t max)
{
    bind_int(s, 1, before);
    bind_text(s, 2, text);
    bind_int(s, 3, (int64_t)(max < ROWS_MAX ? max : ROWS_MAX));
}

/* Ends a list: true when it came to its end. */
static bool finish(struct database *db, sqlite3_stmt *s, int code, struct err *err)
{
    bool is_good = code == SQLITE_DONE || database_fail(db, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

bool reader_anomalies(struct reader *reader, struct arena *arena,
                      const struct anomaly_query *query,
                      const struct anomaly_row **ret_rows, size_t *ret_n, struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s = anomaly_statement(db, query);
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_list(s, query->before_id, query->text, query->max);
    bind_int(s, 4, query->incident);
    struct anomaly_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_anomaly(s, arena, &rows[n++]);
    }
    if (!finish(db, s, code, err)) {
        return false;
    }
    *ret_rows = rows;
    *ret_n = n;
    return true;
}

bool reader_incidents(struct reader *reader, struct arena *arena,
                      const struct incident_query *query,
                      const struct incident_row **ret_rows, size_t *ret_n,
                      struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s = query->is_open
                          ? database_get(db, SLOT_INCIDENT_OPEN,
                                         INCIDENT_LIST_OF("closed_at = 0 AND state <> 2"))
                          : database_get(db, SLOT_INCIDENT_LIST, INCIDENT_LIST_OF("1"));
    _Static_assert(INCIDENT_RESOLVED == 2, "as in the SQL");
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_list(s, query->before_id, query->text, query->max);
    struct incident_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_incident(s, arena, &rows[n++]);
    }
    if (!finish(db, s, code, err)) {
        return false;
    }
    *ret_rows = rows;
    *ret_n = n;
    return true;
}

bool reader_silences(struct reader *reader, struct arena *arena, struct wall now,
                     const struct silence_row **ret_rows, size_t *ret_n, struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s = database_get(db, SLOT_SILENCE_LIST, SILENCE_LIST);
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_int(s, 1, now.ms);
    struct silence_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_silence(s, arena, &rows[n++]);
    }
    if (!finish(db, s, code, err)) {
        return false;
    }
    *ret_rows = rows;
    *ret_n = n;
    return true;
}

bool reader_finding_ids(struct reader *reader, int64_t *ret_anomaly,
                        int64_t *ret_incident, struct err *err)
{
    struct database *db = &reader->database;
    int64_t anomaly = 0, incident = 0;
    if (!database_number(db, "SELECT max(id) FROM anomaly", &anomaly, err) ||
        !database_number(db, "SELECT max(id) FROM incident", &incident, err)) {
        return false;
    }
    *ret_anomaly = anomaly;
    *ret_incident = incident;
    return true;
}
