/* SPDX-License-Identifier: MIT */
/*
 * Delivery: webhook deliveries. The unique index of their guid is what makes a second one
 * a duplicate, also after a restart. The body, much larger than all else here, is bound
 * from the caller's memory and stands in a table of its own.
 */
#include "store/sqlite_private.h"

#define ROWS_MAX 10000

/* ---- collecting ---- */

void store_add_delivery(struct store *store, const struct delivery_row *row,
                        bool *ret_is_new)
{
    struct arena *arena = store->arena;
    struct op *op = batch_add(store, OP_DELIVERY);
    struct delivery_row *copy = &op->delivery.row;
    op->delivery.ret_is_new = ret_is_new;
    *copy = *row;
    copy->guid = arena_str(arena, row->guid);
    copy->event = arena_str(arena, row->event);
    copy->action = arena_str(arena, row->action);
    copy->repository = arena_str(arena, row->repository);
    copy->sha = arena_str(arena, row->sha);
    copy->text = arena_str(arena, row->text);
}

void store_count_rejected(struct store *store, int64_t n)
{
    if (n > 0) {
        batch_add(store, OP_REJECTED)->n_rejected = n;
    }
}

/* Of the oldest rows that `s` gives, those before `before`; the last one's number. */
static size_t count_old(sqlite3_stmt *s, size_t max, struct wall before,
                        int64_t *ret_last)
{
    size_t n = 0;
    if (s == NULL) {
        return 0; /* pruned another time, and the commit tells */
    }
    bind_int(s, 1, (int64_t)max);
    while (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_int64(s, 1) < before.ms) {
        *ret_last = sqlite3_column_int64(s, 0);
        n++;
    }
    (void)sqlite3_reset(s); /* unreadable: pruned another time */
    return n;
}

size_t store_prune_deliveries(struct store *store, struct wall before,
                              struct wall bodies_before, size_t max)
{
    struct database *db = &store->database;
    int64_t rows_to = 0, bodies_to = 0;
    if (max == 0 || batch_find(store, OP_PRUNE_DELIVERIES, 0) != NULL) {
        return 0;
    }
    size_t n = count_old(database_get(db, SLOT_DELIVERY_OLDEST,
                                      "SELECT seq, at FROM delivery WHERE seq <"
                                      " (SELECT max(seq) FROM delivery)"
                                      " ORDER BY seq LIMIT ?1"),
                         max, before, &rows_to);
    size_t n_bodies =
        count_old(database_get(db, SLOT_BODY_OLDEST,
                               "SELECT b.seq, d.at FROM delivery_body b CROSS JOIN"
                               " delivery d ON d.seq = b.seq ORDER BY b.seq LIMIT ?1"),
                  max, bodies_before, &bodies_to);
    if (n > 0 || n_bodies > 0) {
        struct op *op = batch_add(store, OP_PRUNE_DELIVERIES);
        op->prune_deliveries.rows_to = rows_to;
        op->prune_deliveries.bodies_to = bodies_to > rows_to ? bodies_to : rows_to;
    }
    return n;
}

/* ---- writing ---- */

static bool insert_row(struct database *db, const struct delivery_row *row,
                       bool *ret_is_new)
{
    int64_t action, repository, event = word_put(db, row->event);
    sqlite3_stmt *s =
        database_get(db, SLOT_DELIVERY_ADD,
                     "INSERT INTO delivery (at, event, action, repository, pull,"
                     " workflow, status, repeats, body_len, guid, sha, text)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11)"
                     " ON CONFLICT (guid) WHERE guid <> '' DO NOTHING");
    if (s == NULL || event == 0 || !word_put_some(db, row->action, &action) ||
        !word_put_some(db, row->repository, &repository)) {
        return false;
    }
    bind_int(s, 1, row->at.ms);
    bind_int(s, 2, event);
    bind_int(s, 3, action);
    bind_int(s, 4, repository);
    bind_int(s, 5, row->pull);
    bind_int(s, 6, row->workflow);
    bind_int(s, 7, row->status);
    bind_int(s, 8, (int64_t)row->body_len);
    bind_text(s, 9, row->guid);
    bind_text(s, 10, row->sha);
    bind_text(s, 11, row->text);
    if (!database_run(s)) {
        return false;
    }
    *ret_is_new = sqlite3_changes(db->db) != 0;
    return true;
}

static bool insert_body(struct database *db, int64_t seq, const void *body, size_t len)
{
    sqlite3_stmt *s = database_get(db, SLOT_DELIVERY_BODY,
                                   "INSERT INTO delivery_body (seq, body)"
                                   " VALUES (?1, ?2)");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, seq);
    bind_blob(s, 2, body, len);
    bool is_good = database_run(s);
    (void)sqlite3_clear_bindings(s); /* the body is not ours: cannot fail */
    return is_good;
}

static bool repeat(struct database *db, const char *guid)
{
    sqlite3_stmt *s = database_get(db, SLOT_DELIVERY_REPEAT,
                                   "UPDATE delivery SET repeats = repeats + 1"
                                   " WHERE guid = ?1 AND guid <> ''");
    if (s == NULL) {
        return false;
    }
    bind_text(s, 1, guid);
    return database_run(s);
}

bool apply_delivery(struct store *store, const struct op *op)
{
    struct database *db = &store->database;
    const struct delivery_row *row = &op->delivery.row;
    bool is_new = false;
    if (!insert_row(db, row, &is_new)) {
        return false;
    }
    if (op->delivery.ret_is_new != NULL) {
        *op->delivery.ret_is_new = is_new;
    }
    store->n_deliveries[is_new ? row->status : DELIVERY_DUPLICATE]++;
    if (!is_new) {
        return repeat(db, row->guid);
    }
    return row->body == NULL ||
           insert_body(db, sqlite3_last_insert_rowid(db->db), row->body, row->body_len);
}

static bool delete_to(struct database *db, enum slot slot, const char *sql, int64_t seq)
{
    sqlite3_stmt *s = database_get(db, slot, sql);
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, seq);
    return database_run(s);
}

bool apply_prune_deliveries(struct store *store, const struct op *op)
{
    struct database *db = &store->database;
    return delete_to(db, SLOT_BODY_DELETE, "DELETE FROM delivery_body WHERE seq <= ?1",
                     op->prune_deliveries.bodies_to) &&
           delete_to(db, SLOT_DELIVERY_DELETE, "DELETE FROM delivery WHERE seq <= ?1",
                     op->prune_deliveries.rows_to);
}

bool apply_delivery_totals(struct store *store)
{
    for (int i = 0; i < DELIVERY_STATUS_COUNT; i++) {
        if (store->n_deliveries[i] == 0) {
            continue;
        }
        sqlite3_stmt *s = database_get(&store->database, SLOT_TOTAL_ADD,
                                       "INSERT INTO total (code, value) VALUES (?1, ?2)"
                                       " ON CONFLICT (code) DO UPDATE"
                                       " SET value = value + ?2");
        if (s == NULL || !past_keep(store, PAST_TOTAL, TOTAL_DELIVERY + i)) {
            return false;
        }
        bind_int(s, 1, TOTAL_DELIVERY + i);
        bind_int(s, 2, store->n_deliveries[i]);
        if (!database_run(s)) {
            return false;
        }
    }
    return true;
}

/* ---- reading ---- */

/* ?1 before, ?2 statuses (2 is DELIVERY_DUPLICATE), ?3 workflow, ?4 text, ?5 max */
/* clang-format off */
#define WORD(column) " || ' ' || ifnull((SELECT text FROM word WHERE id = " column "), '')"
#define LIST_WHERE(where)                                                                \
    "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE " where                             \
    " AND (?1 = 0 OR seq < ?1)"                                                          \
    " AND (?2 = 0 OR (?2 >> status) & 1 OR ((?2 >> 2) & 1 AND repeats > 0))"             \
    " AND (?4 = '' OR instr(lower(guid || ' ' || sha"                                    \
    WORD("event") WORD("action") WORD("repository") "), lower(?4)))"                     \
    " ORDER BY seq DESC LIMIT ?5"
/* clang-format on */
_Static_assert(DELIVERY_DUPLICATE == 2, "as in the SQL");

bool reader_deliveries(struct reader *reader, struct arena *arena,
                       const struct delivery_query *query,
                       const struct delivery_row **ret_rows, size_t *ret_n,
                       struct err *err)
{
    struct database *db = &reader->database;
    size_t max = query->max < ROWS_MAX ? query->max : ROWS_MAX;
    sqlite3_stmt *s = query->workflow == 0
                          ? database_get(db, SLOT_DELIVERY_LIST, LIST_WHERE("?3 = ?3"))
                          : database_get(db, SLOT_DELIVERY_OF,
                                         LIST_WHERE("workflow = ?3 AND workflow <> 0"));
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_int(s, 1, query->before_seq);
    bind_int(s, 2, query->statuses);
    bind_int(s, 3, query->workflow);
    bind_text(s, 4, query->text);
    bind_int(s, 5, (int64_t)max);
    struct delivery_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_delivery(db, s, arena, &rows[n++]);
    }
    bool is_good = code == SQLITE_DONE || database_fail(db, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (is_good) {
        *ret_rows = rows;
        *ret_n = n;
    }
    return is_good;
}

static enum found get_body(struct database *db, struct arena *arena, int64_t seq,
                           struct delivery_row *row, struct err *err)
{
    sqlite3_stmt *s =
        database_get(db, SLOT_BODY_GET, "SELECT body FROM delivery_body WHERE seq = ?1");
    if (s == NULL) {
        (void)database_fail(db, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, seq);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        const void *body = sqlite3_column_blob(s, 0);
        row->body_len = body != NULL ? (size_t)sqlite3_column_bytes(s, 0) : 0;
        row->body = arena_strn(arena, body, row->body_len);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(db, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW || code == SQLITE_DONE ? FOUND : FOUND_FAILED;
}

enum found reader_delivery(struct reader *reader, struct arena *arena, int64_t seq,
                           struct delivery_row *ret_row, struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s =
        database_get(db, SLOT_DELIVERY_GET,
                     "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE seq = ?1");
    if (s == NULL) {
        (void)database_fail(db, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, seq);
    int code = sqlite3_step(s);
    struct delivery_row row;
    if (code == SQLITE_ROW) {
        row_delivery(db, s, arena, &row);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(db, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (code != SQLITE_ROW) {
        return code == SQLITE_DONE ? MISSING : FOUND_FAILED;
    }
    enum found found = get_body(db, arena, seq, &row, err);
    if (found == FOUND) {
        *ret_row = row;
    }
    return found;
}

int64_t reader_workflow_of(struct reader *reader, const char *repo, int64_t pull,
                           const char *sha, const char *branch)
{
    struct database *db = &reader->database;
    int64_t word = word_find(db, repo), id = 0;
    sqlite3_stmt *s = database_get(
        db, SLOT_WORKFLOW_OF,
        "SELECT w.id FROM workflow w INDEXED BY workflow_live CROSS JOIN submission s"
        " ON s.workflow = w.id WHERE w.live = 1 AND s.repo = ?1"
        " AND ((?2 > 0 AND w.pr_number = ?2) OR (?3 <> '' AND w.head_sha = ?3)"
        " OR (?4 <> '' AND w.branch = ?4))"
        " ORDER BY ?2 > 0 AND w.pr_number = ?2 DESC,"
        " ?3 <> '' AND w.head_sha = ?3 DESC, w.id DESC LIMIT 1");
    if (s == NULL || word == 0) {
        return 0;
    }
    bind_int(s, 1, word);
    bind_int(s, 2, pull);
    bind_text(s, 3, sha);
    bind_text(s, 4, branch);
    if (sqlite3_step(s) == SQLITE_ROW) {
        id = sqlite3_column_int64(s, 0);
    }
    (void)sqlite3_reset(s); /* unreadable is shown by the queries that can fail */
    return id;
}
