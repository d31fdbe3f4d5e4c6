/* SPDX-License-Identifier: MIT */
/*
 * Audit, read: lists for people, and all rows as a stream.
 */
#include "store/audit.h"
#include "store/sqlite_private.h"

#define ROWS_MAX 10000

/* ?1 before, ?2 since, ?3 until, ?4 actor, ?5 act, ?6 subject, ?7 text, ?8 max */
#define LIST_OF(end)                                                                     \
    "SELECT " AUDIT_COLUMNS " FROM audit WHERE (?1 = 0 OR n < ?1) AND at >= ?2"          \
    " AND (?3 = 0 OR at < ?3) AND (?4 = '' OR actor = ?4) AND (?5 = '' OR act = ?5)"     \
    " AND (?6 = '' OR subject = ?6) AND (?7 = '' OR instr(lower(actor || ' ' || role"    \
    " || ' ' || origin || ' ' || act || ' ' || subject || ' ' || outcome), lower(?7)))"  \
    " ORDER BY n " end

static void bind_query(sqlite3_stmt *s, const struct audit_query *query, int64_t before)
{
    bind_int(s, 1, before);
    bind_int(s, 2, wall_is_set(query->since) ? query->since.ms : INT64_MIN);
    bind_int(s, 3, query->until.ms);
    bind_text(s, 4, query->actor);
    bind_text(s, 5, query->act);
    bind_text(s, 6, query->subject);
    bind_text(s, 7, query->text);
}

static const char *column_text(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return text != NULL ? text : "";
}

/* Whoever edits the file may have left another length: what is there is shown. */
static void column_hash(sqlite3_stmt *s, int column, uint8_t ret_hash[DIGEST_LEN])
{
    const void *bytes = sqlite3_column_blob(s, column);
    size_t len = bytes != NULL ? (size_t)sqlite3_column_bytes(s, column) : 0;
    memset(ret_hash, 0, DIGEST_LEN);
    if (len > 0) {
        memcpy(ret_hash, bytes, len < DIGEST_LEN ? len : DIGEST_LEN);
    }
}

/* Texts are the statement's, until its next step. */
static void borrow_row(sqlite3_stmt *s, struct audit_row *ret_row)
{
    *ret_row = (struct audit_row){
        .n = sqlite3_column_int64(s, 0),
        .at = {sqlite3_column_int64(s, 1)},
        .actor = column_text(s, 2),
        .role = column_text(s, 3),
        .origin = column_text(s, 4),
        .act = column_text(s, 5),
        .subject = column_text(s, 6),
        .outcome = column_text(s, 7),
        .detail = column_text(s, 8),
    };
    column_hash(s, 9, ret_row->prev);
    column_hash(s, 10, ret_row->hash);
}

static void copy_row(sqlite3_stmt *s, struct arena *arena, struct audit_row *ret_row)
{
    borrow_row(s, ret_row);
    ret_row->actor = arena_str(arena, ret_row->actor);
    ret_row->role = arena_str(arena, ret_row->role);
    ret_row->origin = arena_str(arena, ret_row->origin);
    ret_row->act = arena_str(arena, ret_row->act);
    ret_row->subject = arena_str(arena, ret_row->subject);
    ret_row->outcome = arena_str(arena, ret_row->outcome);
    ret_row->detail = arena_str(arena, ret_row->detail);
}

bool reader_audit(struct reader *reader, struct arena *arena,
                  const struct audit_query *query, const struct audit_row **ret_rows,
                  size_t *ret_n, struct err *err)
{
    struct database *db = &reader->database;
    struct audit_row *rows = NULL;
    size_t n = 0, cap = 0;
    sqlite3_stmt *s = database_get(db, SLOT_AUDIT_LIST, LIST_OF("DESC LIMIT ?8"));
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_query(s, query, query->before_n);
    bind_int(s, 8, (int64_t)(query->max < ROWS_MAX ? query->max : ROWS_MAX));
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        copy_row(s, arena, &rows[n++]);
    }
    bool is_good = code == SQLITE_DONE;
    if (is_good) {
        *ret_rows = rows;
        *ret_n = n;
    } else {
        (void)database_fail(db, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

enum found reader_audit_row(struct reader *reader, struct arena *arena, int64_t n,
                            struct audit_row *ret_row, struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s = database_get(db, SLOT_AUDIT_GET, AUDIT_GET);
    if (s == NULL) {
        (void)database_fail(db, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, n);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        copy_row(s, arena, ret_row);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(db, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

bool reader_audit_each(struct reader *reader, const struct audit_query *query,
                       bool (*on_row)(void *user, const struct audit_row *row),
                       void *user, struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s = NULL;
    bool is_good = sqlite3_prepare_v2(db->db, LIST_OF("ASC"), -1, &s, NULL) == SQLITE_OK;
    if (is_good) {
        int code = SQLITE_DONE;
        bool is_wanted = true;
        bind_query(s, query, 0);
        while (is_wanted && (code = sqlite3_step(s)) == SQLITE_ROW) {
            struct audit_row row;
            borrow_row(s, &row);
            is_wanted = on_row(user, &row);
        }
        is_good = !is_wanted || code == SQLITE_DONE;
    }
    if (!is_good) {
        (void)database_fail(db, err);
    }
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return is_good;
}

bool reader_audit_head(struct reader *reader, struct audit_mark *ret_head,
                       struct err *err)
{
    struct arena *arena = arena_new();
    struct audit_mark head = {0};
    const char *text = reader_setting(reader, arena, AUDIT_HEAD_SETTING);
    bool is_good = text[0] == '\0' || audit_mark_parse(text, &head);
    if (is_good) {
        *ret_head = head;
    } else {
        (void)err_set(err, ERR_CORRUPT, "%s: the head of the audit cannot be read",
                      reader->database.path);
    }
    arena_free(arena);
    return is_good;
}
