/* SPDX-License-Identifier: MIT */
/*
 * Span: parts of traces, one row each, written when they have ended and never changed.
 * The busiest of the monitor's tables: ids stand as the bytes that their hex spells.
 */
#include "store/finding.h"
#include "store/sqlite_private.h"

#define ROWS_MAX 10000

int64_t store_add_span(struct store *store, const struct span_row *span)
{
    struct arena *arena = store->arena;
    struct span_row *copy = &batch_add(store, OP_SPAN)->span;
    *copy = *span;
    copy->seq = ++store->given.span;
    copy->kind = arena_str(arena, span->kind);
    copy->name = arena_str(arena, span->name);
    copy->attributes = arena_str(arena, span->attributes);
    return copy->seq;
}

static unsigned hex_digit(char digit)
{
    return (unsigned)(digit >= 'a' ? digit - 'a' + 10 : digit - '0') & 15u;
}

/* What a caller of store_add_span promises is lower case hex. */
static int64_t id_number(const char id[17])
{
    uint64_t number = 0;
    for (int i = 0; i < 16 && id[i] != '\0'; i++) {
        number = number << 4 | hex_digit(id[i]);
    }
    return (int64_t)number;
}

bool apply_span(struct store *store, const struct span_row *span)
{
    struct database *db = &store->database;
    unsigned char trace[SPAN_TRACE_BYTES] = {0};
    int64_t kind = word_put(db, span->kind);
    sqlite3_stmt *s =
        database_get(db, SLOT_SPAN_ADD,
                     "INSERT INTO span (" SPAN_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
                     " ?7, ?8, ?9, ?10, ?11)");
    if (s == NULL || kind == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(trace) && span->trace[i * 2] != '\0'; i++) {
        trace[i] = (unsigned char)(hex_digit(span->trace[i * 2]) << 4 |
                                   hex_digit(span->trace[i * 2 + 1]));
    }
    bind_int(s, 1, span->seq);
    bind_int(s, 2, span->workflow);
    bind_blob(s, 3, trace, sizeof(trace));
    bind_int(s, 4, id_number(span->span));
    bind_int(s, 5, id_number(span->parent));
    bind_int(s, 6, kind);
    bind_text(s, 7, span->name);
    bind_int(s, 8, span->start_us);
    bind_int(s, 9, span->end_us);
    bind_int(s, 10, span->status);
    bind_text(s, 11, span->attributes);
    return database_run(s);
}

/* ---- pruning ---- */

size_t span_count_old(struct store *store, struct wall before, size_t max,
                      int64_t *ret_last)
{
    sqlite3_stmt *s = database_get(
        &store->database, SLOT_SPAN_OLDEST,
        "SELECT seq, end_us < ?1 OR seq <= (SELECT max(seq) FROM span) - ?2 FROM span"
        " WHERE seq < (SELECT max(seq) FROM span) ORDER BY seq LIMIT ?3");
    size_t n = 0;
    if (s == NULL) {
        return 0; /* pruned another time, and the commit tells */
    }
    bind_int(s, 1, before.ms * 1000);
    bind_int(s, 2, SPANS_KEPT);
    bind_int(s, 3, (int64_t)max);
    while (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int(s, 1) != 0) {
        *ret_last = sqlite3_column_int64(s, 0);
        n++;
    }
    (void)sqlite3_reset(s); /* unreadable: pruned another time */
    return n;
}

bool span_delete_to(struct store *store, int64_t seq)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_SPAN_DELETE,
                                   "DELETE FROM span WHERE seq <= ?1");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, seq);
    return database_run(s);
}

/* ---- reading ---- */

/* clang-format off */
#define SPANS(where)                                                                     \
    "SELECT " SPAN_COLUMNS " FROM span WHERE " where                                     \
    " AND seq > ?2 ORDER BY seq LIMIT ?3"
/* clang-format on */

bool reader_spans(struct reader *reader, struct arena *arena, int64_t workflow,
                  int64_t after, size_t max, const struct span_row **ret_rows,
                  size_t *ret_n, struct err *err)
{
    struct database *db = &reader->database;
    max = max < ROWS_MAX ? max : ROWS_MAX;
    sqlite3_stmt *s =
        workflow == 0
            ? database_get(db, SLOT_SPAN_ALL, SPANS("?1 = ?1"))
            : database_get(db, SLOT_SPAN_OF, SPANS("workflow = ?1 AND workflow <> 0"));
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_int(s, 1, workflow);
    bind_int(s, 2, after);
    bind_int(s, 3, (int64_t)max);
    struct span_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_span(db, s, arena, &rows[n++]);
    }
    bool is_good = code == SQLITE_DONE || database_fail(db, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (is_good) {
        *ret_rows = rows;
        *ret_n = n;
    }
    return is_good;
}

int64_t reader_last_span(struct reader *reader)
{
    sqlite3_stmt *s = database_get(&reader->database, SLOT_SPAN_LAST,
                                   "SELECT ifnull(max(seq), 0) FROM span");
    int64_t seq = 0;
    if (s != NULL) {
        seq = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
        (void)sqlite3_reset(s); /* the next query tells the cause */
    }
    return seq;
}
