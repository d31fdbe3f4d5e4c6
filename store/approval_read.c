/* SPDX-License-Identifier: MIT */
/*
 * Approval, read: what screens ask for, and what the engine reads back, with what waits in the
 * batch before what is committed.
 */
#include "engine/base/buf.h"
#include "store/approval.h"
#include "store/approval_private.h"

#define ROWS_MAX 10000
#define SQL_MAX  4096

static enum found get_row(struct database *db, struct arena *arena,
                          enum approval_table table, int64_t id, void *ret_row,
                          struct err *err)
{
    return row_shape_get(db, (enum slot)(SLOT_APPROVAL_GET + (int)table),
                         &approval_shapes[table], arena, id, ret_row, err);
}

/* ---- the engine ---- */

static enum found load_row(struct store *store, struct arena *arena,
                           enum approval_table table, int64_t id, void *ret_row,
                           struct err *err)
{
    for (const struct op *op = store->last; op != NULL; op = op->previous) {
        if (op->kind == OP_APPROVAL && op->approval.table == table &&
            *(const int64_t *)op->approval.row == id) {
            row_shape_copy(&approval_shapes[table], arena, op->approval.row, ret_row);
            return FOUND;
        }
    }
    enum found found = get_row(&store->database, arena, table, id, ret_row, err);
    if (found == FOUND_FAILED) {
        (void)store_suspect(store, err);
    }
    return found;
}

enum found store_load_approval(struct store *store, struct arena *arena, int64_t id,
                               struct approval_row *ret_row, struct err *err)
{
    return load_row(store, arena, TABLE_APPROVAL, id, ret_row, err);
}

enum found store_load_optimization(struct store *store, struct arena *arena, int64_t id,
                                   struct optimization_row *ret_row, struct err *err)
{
    return load_row(store, arena, TABLE_OPTIMIZATION, id, ret_row, err);
}

bool store_load_decided(struct store *store, struct arena *arena, enum act action,
                        const char *repo, size_t max,
                        const struct approval_row **ret_rows, size_t *ret_n,
                        struct err *err)
{
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX);
    (void)buf_printf(&sql,
                     "SELECT %s FROM approval WHERE action = ?1 AND repo = ?2"
                     " AND status IN (3, 4) ORDER BY id DESC LIMIT ?3",
                     approval_shapes[TABLE_APPROVAL].columns);
    _Static_assert(APPROVAL_APPROVED == 3 && APPROVAL_REJECTED == 4, "as in the SQL");
    sqlite3_stmt *s = database_get(&store->database, SLOT_APPROVAL_DECIDED, sql.data);
    *ret_n = 0;
    *ret_rows = NULL;
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    struct approval_row *rows = arena_array(arena, max, sizeof(*rows));
    int code;
    bind_int(s, 1, action);
    bind_text(s, 2, repo);
    bind_int(s, 3, (int64_t)max);
    while ((code = sqlite3_step(s)) == SQLITE_ROW && *ret_n < max) {
        row_shape_read(s, &approval_shapes[TABLE_APPROVAL], arena, &rows[(*ret_n)++]);
    }
    bool is_good = code == SQLITE_DONE || code == SQLITE_ROW;
    if (!is_good) {
        (void)database_fail(&store->database, err);
        (void)store_suspect(store, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    *ret_rows = rows;
    return is_good;
}

struct any_row { /* room for one row of any table, in turn */
    union {
        struct approval_row approval;
        struct optimization_row optimization;
        struct tuning_row tuning;
        struct autonomy_row autonomy;
    };
};

struct giving {
    const struct approval_sink *sink;
    enum approval_table table;
};

static void give_row(void *user, const void *any)
{
    const struct giving *giving = user;
    const struct approval_sink *sink = giving->sink;
    const enum approval_table table = giving->table;
    const struct any_row *row = any;
    if (table == TABLE_APPROVAL && sink->approval != NULL) {
        sink->approval(sink->user, &row->approval);
    } else if (table == TABLE_OPTIMIZATION && sink->optimization != NULL) {
        sink->optimization(sink->user, &row->optimization);
    } else if (table == TABLE_TUNING && sink->tuning != NULL) {
        sink->tuning(sink->user, &row->tuning);
    } else if (table == TABLE_AUTONOMY && sink->autonomy != NULL) {
        sink->autonomy(sink->user, &row->autonomy);
    }
}

static bool walk_rows(struct store *store, enum approval_table table, const char *from,
                      const struct approval_sink *sink, struct err *err)
{
    struct any_row row;
    struct giving giving = {sink, table};
    const struct row_walk walk = {from, &row, give_row, &giving};
    return row_shape_walk(store, (enum slot)(SLOT_APPROVAL_OPEN + (int)table),
                          &approval_shapes[table], &walk, err);
}

#define WAITS      "status IN (0, 1, 2)"
#define IS_PENDING "status IN (0, 1, 4)"

bool store_load_approvals(struct store *store, const struct approval_sink *sink,
                          struct err *err)
{
    return walk_rows(store, TABLE_APPROVAL, "FROM approval WHERE " WAITS " ORDER BY id",
                     sink, err) &&
           walk_rows(store, TABLE_OPTIMIZATION,
                     "FROM optimization WHERE " IS_PENDING " ORDER BY id", sink, err) &&
           walk_rows(store, TABLE_TUNING, "FROM tuning ORDER BY setting, scope", sink,
                     err) &&
           walk_rows(store, TABLE_AUTONOMY, "FROM autonomy_level ORDER BY action, repo",
                     sink, err);
}

/* ---- readers ---- */

enum found reader_approval(struct reader *reader, struct arena *arena, int64_t id,
                           struct approval_row *ret_row, struct err *err)
{
    return get_row(&reader->database, arena, TABLE_APPROVAL, id, ret_row, err);
}

enum found reader_optimization(struct reader *reader, struct arena *arena, int64_t id,
                               struct optimization_row *ret_row, struct err *err)
{
    return get_row(&reader->database, arena, TABLE_OPTIMIZATION, id, ret_row, err);
}

/* The order of attention. ?3 now. What is put off or only listed calls nobody: it comes
 * last. */
#define SOON_MS "600000" /* 10 minutes */
#define ATTENTION                                                                        \
    " ORDER BY status = 2, snoozed_until > ?3, risk = 3 DESC,"                           \
    " expires_at <> 0 AND expires_at - ?3 <= " SOON_MS                                   \
    " DESC, risk DESC, created_at, id"
_Static_assert(RISK_CRITICAL == 3 && APPROVAL_SUGGESTED == 2, "as in the SQL");

/* Conditions of the two lists; each is left out when nothing is asked for, so that the
 * index that fits is found. ?1 text, ?2 max, ?3 now, ?4 before, ?5 workflow, ?6 recovery,
 * ?7 optimization, ?8 action, ?9 risk */
static const struct {
    const char *table, *is_open, *not_snoozed, *workflow, *recovery, *optimization,
        *action;
    const char *text; /* all that is searched, as one */
} lists[APPROVALS_NUMBERED] = {
    [TABLE_APPROVAL] =
        {
                          .table = "approval",
                          .is_open = " AND " WAITS,
                          .not_snoozed = " AND snoozed_until <= ?3",
                          .workflow = " AND workflow = ?5 AND workflow <> 0",
                          .recovery = " AND recovery = ?6 AND recovery <> 0",
                          .optimization = " AND optimization = ?7 AND optimization <> 0",
                          .action = " AND action = ?8",
                          .text = "title || ' ' || target || ' ' || repo || ' ' || requester || ' a-'"
                    " || id", },
    [TABLE_OPTIMIZATION] =
        {
                          .table = "optimization",
                          .is_open = " AND " IS_PENDING,
                          .not_snoozed = "",
                          .workflow = " AND 0",                      /* they belong to none */
            .recovery = " AND 0",
                          .optimization = " AND id = ?7",
                          .action = "",
                          .text = "title || ' ' || setting || ' ' || scope || ' ' || reason || ' o-'"
                    " || id", },
};

static void list_sql_of(struct buf *sql, enum approval_table table,
                        const struct approval_query *query)
{
    (void)buf_printf(sql, "SELECT %s FROM %s WHERE 1", approval_shapes[table].columns,
                     lists[table].table);
    bool is_text = query->text != NULL && query->text[0] != '\0';
    const struct {
        bool is_wanted;
        const char *condition;
    } conditions[] = {
        {query->is_open,                        lists[table].is_open     },
        {query->is_open && !query->has_snoozed, lists[table].not_snoozed },
        {query->before_id != 0,                 " AND id < ?4"           },
        {query->workflow != 0,                  lists[table].workflow    },
        {query->recovery != 0,                  lists[table].recovery    },
        {query->optimization != 0,              lists[table].optimization},
        {query->action != 0,                    lists[table].action      },
        {query->risk != 0,                      " AND risk = ?9"         },
    };
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        (void)buf_str(sql, conditions[i].is_wanted ? conditions[i].condition : "");
    }
    if (is_text) {
        (void)buf_printf(sql, " AND instr(lower(%s), lower(?1))", lists[table].text);
    }
    bool by_attention = table == TABLE_APPROVAL && query->is_open;
    (void)buf_str(sql, by_attention ? ATTENTION : " ORDER BY id DESC");
    (void)buf_str(sql, " LIMIT ?2");
}

/* A parameter that the statement has not is not bound. */
static void bind_list(sqlite3_stmt *s, const struct approval_query *query)
{
    int n = sqlite3_bind_parameter_count(s);
    const int64_t numbers[] = {0,
                               (int64_t)(query->max < ROWS_MAX ? query->max : ROWS_MAX),
                               query->now.ms,
                               query->before_id,
                               query->workflow,
                               query->recovery,
                               query->optimization,
                               query->action - 1,
                               query->risk - 1};
    for (int i = 0; i < n && i < (int)ARRAY_LEN(numbers); i++) {
        bind_int(s, i + 1, numbers[i]);
    }
    bind_text(s, 1, query->text != NULL ? query->text : "");
}

static bool read_rows(struct database *db, sqlite3_stmt *s, enum approval_table table,
                      struct arena *arena, const void **ret_rows, size_t *ret_n,
                      struct err *err)
{
    size_t size = approval_shapes[table].size, n = 0, cap = 0;
    char *rows = NULL;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, size);
        row_shape_read(s, &approval_shapes[table], arena, rows + n * size);
        n++;
    }
    if (code != SQLITE_DONE) {
        return database_fail(db, err);
    }
    *ret_rows = rows;
    *ret_n = n;
    return true;
}

static bool read_list(struct reader *reader, struct arena *arena,
                      enum approval_table table, const struct approval_query *query,
                      const void **ret_rows, size_t *ret_n, struct err *err)
{
    struct database *db = &reader->database;
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX);
    list_sql_of(&sql, table, query);
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db->db, sql.data, -1, &s, NULL) != SQLITE_OK) {
        return database_fail(db, err);
    }
    bind_list(s, query);
    bool is_good = read_rows(db, s, table, arena, ret_rows, ret_n, err);
    (void)sqlite3_finalize(s); /* repeats the failure that was seen */
    return is_good;
}

bool reader_approvals(struct reader *reader, struct arena *arena,
                      const struct approval_query *query,
                      const struct approval_row **ret_rows, size_t *ret_n,
                      struct err *err)
{
    const void *rows = NULL;
    if (!read_list(reader, arena, TABLE_APPROVAL, query, &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

bool reader_optimizations(struct reader *reader, struct arena *arena,
                          const struct approval_query *query,
                          const struct optimization_row **ret_rows, size_t *ret_n,
                          struct err *err)
{
    const void *rows = NULL;
    if (!read_list(reader, arena, TABLE_OPTIMIZATION, query, &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

static bool read_all(struct reader *reader, enum approval_table table, const char *from,
                     struct arena *arena, const void **ret_rows, size_t *ret_n,
                     struct err *err)
{
    struct database *db = &reader->database;
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX);
    (void)buf_printf(&sql, "SELECT %s %s", approval_shapes[table].columns, from);
    sqlite3_stmt *s =
        database_get(db, (enum slot)(SLOT_APPROVAL_OPEN + (int)table), sql.data);
    if (s == NULL) {
        return database_fail(db, err);
    }
    bool is_good = read_rows(db, s, table, arena, ret_rows, ret_n, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

bool reader_tunings(struct reader *reader, struct arena *arena,
                    const struct tuning_row **ret_rows, size_t *ret_n, struct err *err)
{
    const void *rows = NULL;
    if (!read_all(reader, TABLE_TUNING, "FROM tuning ORDER BY setting, scope", arena,
                  &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

bool reader_autonomy(struct reader *reader, struct arena *arena,
                     const struct autonomy_row **ret_rows, size_t *ret_n, struct err *err)
{
    const void *rows = NULL;
    if (!read_all(reader, TABLE_AUTONOMY, "FROM autonomy_level ORDER BY action, repo",
                  arena, &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

/* ---- totals ---- */

/* Rows of (code, number): 0..3 open by risk, 100 snoozed, 101 suggested, 102 the next expiry,
 * 200.. optimizations by status. */
#define CODE_SNOOZED       100
#define CODE_SUGGESTED     101
#define CODE_EXPIRY        102
#define CODE_OPTIMIZATIONS 200

static void take_total(struct approval_totals *totals, int64_t code, int64_t number)
{
    if (code >= 0 && code < RISK_COUNT) {
        totals->n_open[code] = number;
    } else if (code == CODE_SNOOZED) {
        totals->n_snoozed = number;
    } else if (code == CODE_SUGGESTED) {
        totals->n_suggested = number;
    } else if (code == CODE_EXPIRY) {
        totals->next_expiry.ms = number;
    } else if (code >= CODE_OPTIMIZATIONS &&
               code < CODE_OPTIMIZATIONS + OPT_STATUS_COUNT) {
        totals->n_optimizations[code - CODE_OPTIMIZATIONS] = number;
    }
}

bool reader_approval_totals(struct reader *reader, struct wall now,
                            struct approval_totals *ret_totals, struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s = database_get(
        db, SLOT_APPROVAL_TOTALS,
        "SELECT risk, count(*) FROM approval WHERE " WAITS
        " AND status <> 2 AND snoozed_until <= ?1 GROUP BY risk"
        " UNION ALL SELECT 100, count(*) FROM approval WHERE " WAITS
        " AND status <> 2 AND snoozed_until > ?1"
        " UNION ALL SELECT 101, count(*) FROM approval WHERE " WAITS " AND status = 2"
        " UNION ALL SELECT 102, ifnull(min(expires_at), 0) FROM approval WHERE " WAITS
        " AND status <> 2 AND expires_at <> 0"
        " UNION ALL SELECT 200 + status, count(*) FROM optimization GROUP BY status");
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_int(s, 1, now.ms);
    struct approval_totals totals = {0};
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        take_total(&totals, sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1));
    }
    bool is_good = code == SQLITE_DONE || database_fail(db, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (is_good) {
        *ret_totals = totals;
    }
    return is_good;
}
