/* SPDX-License-Identifier: MIT */
/*
 * Recovery, read: what screens ask for, and what the engine reads back, with what waits in the
 * batch before what is committed.
 */
#include "store/recovery_private.h"

#include "engine/base/buf.h"

#define ROWS_MAX 10000
#define SQL_MAX  4096

static enum found get_row(struct database *db, struct arena *arena,
                          enum recovery_table table, int64_t id, void *ret_row,
                          struct err *err)
{
    return row_shape_get(db, (enum slot)(SLOT_RECOVERY_GET + (int)table),
                         &recovery_shapes[table], arena, id, ret_row, err);
}

/* ---- the engine ---- */

static enum found load_row(struct store *store, struct arena *arena,
                           enum recovery_table table, int64_t id, void *ret_row,
                           struct err *err)
{
    for (const struct op *op = store->last; op != NULL; op = op->previous) {
        if (op->kind == OP_RECOVERY && op->recovery.table == table &&
            op->recovery.id == id) {
            row_shape_copy(&recovery_shapes[table], arena, &op->recovery.id, ret_row);
            return FOUND;
        }
    }
    enum found found = get_row(&store->database, arena, table, id, ret_row, err);
    if (found == FOUND_FAILED) {
        (void)store_suspect(store, err);
    }
    return found;
}

enum found store_load_failure(struct store *store, struct arena *arena, int64_t id,
                              struct failure_row *ret_row, struct err *err)
{
    return load_row(store, arena, TABLE_FAILURE, id, ret_row, err);
}

enum found store_load_problem(struct store *store, struct arena *arena, int64_t id,
                              struct problem_row *ret_row, struct err *err)
{
    return load_row(store, arena, TABLE_PROBLEM, id, ret_row, err);
}

enum found store_load_recovery(struct store *store, struct arena *arena, int64_t id,
                               struct recovery_row *ret_row, struct err *err)
{
    return load_row(store, arena, TABLE_RECOVERY, id, ret_row, err);
}

enum found store_load_decision(struct store *store, struct arena *arena, int64_t id,
                               struct decision_row *ret_row, struct err *err)
{
    return load_row(store, arena, TABLE_DECISION, id, ret_row, err);
}

struct any_row { /* room for one row of any table, in turn */
    union {
        struct failure_row failure;
        struct problem_row problem;
        struct recovery_row recovery;
        struct odds_row odds;
        struct label_row label;
        struct decision_row decision;
    };
};

struct giving {
    const struct recovery_sink *sink;
    enum recovery_table table;
};

static void give_row(void *user, const void *any)
{
    const struct giving *giving = user;
    const struct recovery_sink *sink = giving->sink;
    const enum recovery_table table = giving->table;
    const struct any_row *row = any;
    if (table == TABLE_FAILURE && sink->failure != NULL) {
        sink->failure(sink->user, &row->failure);
    } else if (table == TABLE_PROBLEM && sink->problem != NULL) {
        sink->problem(sink->user, &row->problem);
    } else if (table == TABLE_RECOVERY && sink->recovery != NULL) {
        sink->recovery(sink->user, &row->recovery);
    } else if (table == TABLE_ODDS && sink->odds != NULL) {
        sink->odds(sink->user, &row->odds);
    } else if (table == TABLE_LABEL && sink->label != NULL) {
        sink->label(sink->user, &row->label);
    } else if (table == TABLE_DECISION && sink->decision != NULL) {
        sink->decision(sink->user, &row->decision);
    }
}

static bool walk_rows(struct store *store, enum recovery_table table, const char *from,
                      const struct recovery_sink *sink, struct err *err)
{
    struct any_row row;
    struct giving giving = {sink, table};
    const struct row_walk walk = {from, &row, give_row, &giving};
    return row_shape_walk(store, (enum slot)(SLOT_RECOVERY_OPEN + (int)table),
                          &recovery_shapes[table], &walk, err);
}

bool store_load_recoveries(struct store *store, const struct recovery_sink *sink,
                           struct err *err)
{
    return walk_rows(store, TABLE_FAILURE,
                     "FROM failure WHERE status IN (0, 2) ORDER BY id", sink, err) &&
           walk_rows(store, TABLE_PROBLEM, "FROM problem WHERE closed_at = 0 ORDER BY id",
                     sink, err) &&
           walk_rows(store, TABLE_RECOVERY,
                     "FROM recovery WHERE status IN (0, 1) OR failure IN"
                     " (SELECT f.id FROM failure f WHERE f.status IN (0, 2)) ORDER BY id",
                     sink, err) &&
           walk_rows(store, TABLE_ODDS, "FROM odds ORDER BY key, rung", sink, err) &&
           walk_rows(store, TABLE_LABEL, "FROM label ORDER BY id", sink, err) &&
           (sink->decision == NULL ||
            walk_rows(store, TABLE_DECISION,
                      "FROM decision WHERE verdict = 0 ORDER BY id", sink, err));
}

/* ---- readers ---- */

enum found reader_failure(struct reader *reader, struct arena *arena, int64_t id,
                          struct failure_row *ret_row, struct err *err)
{
    return get_row(&reader->database, arena, TABLE_FAILURE, id, ret_row, err);
}

enum found reader_problem(struct reader *reader, struct arena *arena, int64_t id,
                          struct problem_row *ret_row, struct err *err)
{
    return get_row(&reader->database, arena, TABLE_PROBLEM, id, ret_row, err);
}

enum found reader_recovery(struct reader *reader, struct arena *arena, int64_t id,
                           struct recovery_row *ret_row, struct err *err)
{
    return get_row(&reader->database, arena, TABLE_RECOVERY, id, ret_row, err);
}

enum found reader_decision(struct reader *reader, struct arena *arena, int64_t id,
                           struct decision_row *ret_row, struct err *err)
{
    return get_row(&reader->database, arena, TABLE_DECISION, id, ret_row, err);
}

#define OF_FAILURES(wanted)                                                              \
    " AND failure IN (SELECT f.id FROM failure f WHERE " wanted ")"

/* Words of the numbers, as one type. "?" ends a list. */
static const char *class_of(int code)
{
    return class_word((enum failure_class)code);
}
static const char *category_of(int code)
{
    return category_word((enum failure_category)code);
}
static const char *status_of(int code)
{
    return failure_status_word((enum failure_status)code);
}
static const char *rung_of(int code)
{
    return rung_word((enum rung)code);
}
static const char *recovery_of(int code)
{
    return recovery_status_word((enum recovery_status)code);
}
static const char *decider_of(int code)
{
    return decider_word((enum decider)code);
}
static const char *kind_of(int code)
{
    return decision_word((enum decision_kind)code);
}
static const char *verdict_of(int code)
{
    return verdict_word((enum verdict)code);
}

/* Conditions of each list; each is left out when nothing is asked for, so that the index
 * that fits is found. ?1 before, ?2 text, ?3 max, ?4 workflow, ?5 failure, ?6 problem,
 * ?7 fingerprint, ?8 class */
/* clang-format off */
static const struct {
    const char *table, *is_open, *workflow, *failure, *problem, *fingerprint, *of_class;
    const char *text; /* all that is searched, as one */
    struct {
        const char *column; /* a number, of a list of words; NULL ends */
        const char *(*word)(int code);
    } codes[4];
} lists[RECOVERY_PRUNED] = {
    [TABLE_FAILURE] =
        {
            .table = "failure",
            .is_open = " AND status IN (0, 2)",
            .workflow = " AND workflow = ?4",
            .failure = " AND id = ?5",
            .problem = " AND problem = ?6 AND problem <> 0",
            .fingerprint = " AND fingerprint = ?7 AND fingerprint <> ''",
            .of_class = " AND class = ?8",
            .text = "text || ' ' || step || ' ' || repo || ' ' || provider || ' ' || rule"
                    " || ' ' || cause || ' ' || fingerprint || ' ' || labelled_by"
                    " || ' wf-' || workflow",
            .codes = {{"class", class_of}, {"category", category_of}, {"status", status_of}},
        },
    [TABLE_PROBLEM] =
        {
            .table = "problem",
            .is_open = " AND closed_at = 0",
            .workflow =
                " AND id IN (SELECT f.problem FROM failure f WHERE f.workflow = ?4)",
            .failure = " AND id IN (SELECT f.problem FROM failure f WHERE f.id = ?5)",
            .problem = " AND id = ?6",
            .fingerprint = " AND fingerprint = ?7",
            .of_class = " AND class = ?8",
            .text = "text || ' ' || cause || ' ' || fingerprint",
            .codes = {{"class", class_of}, {"rung", rung_of}},
        },
    [TABLE_RECOVERY] =
        {
            .table = "recovery",
            .is_open = " AND status IN (0, 1)",
            .workflow = " AND workflow = ?4 AND workflow <> 0",
            .failure = " AND failure = ?5 AND failure <> 0",
            .problem = " AND problem = ?6 AND problem <> 0",
            .fingerprint = OF_FAILURES("f.fingerprint = ?7 AND f.fingerprint <> ''"),
            .of_class = OF_FAILURES("f.class = ?8"),
            .text = "service || ' ' || reason || ' ' || expected || ' ' || inverse"
                    " || ' ' || outcome || ' wf-' || workflow",
            .codes = {{"rung", rung_of}, {"status", recovery_of}, {"decider", decider_of}},
        },
    [TABLE_DECISION] =
        {
            .table = "decision",
            .is_open = " AND verdict = 0",
            .workflow = " AND workflow = ?4 AND workflow <> 0",
            .failure = " AND failure = ?5 AND failure <> 0",
            .problem = " AND problem = ?6 AND problem <> 0",
            .fingerprint = OF_FAILURES("f.fingerprint = ?7 AND f.fingerprint <> ''"),
            .of_class = OF_FAILURES("f.class = ?8"),
            .text = "subject || ' ' || choice || ' ' || reason || ' ' || outcome"
                    " || ' ' || shadow",
            .codes = {{"kind", kind_of}, {"decider", decider_of}, {"verdict", verdict_of}},
        },
};
/* clang-format on */
_Static_assert(VERDICT_OPEN == 0, "as in the SQL");

/* " OR class IN (-1, 3, 7)": those whose word has the text in it. The words are looked through
 * once here instead of for each row. */
static void add_codes(struct buf *sql, const char *column, const char *(*word)(int code),
                      const char *text)
{
    (void)buf_printf(sql, " OR %s IN (-1", column);
    for (int code = 0; strcmp(word(code), "?") != 0; code++) {
        if (strcasestr(word(code), text) != NULL) {
            (void)buf_printf(sql, ", %d", code);
        }
    }
    (void)buf_char(sql, ')');
}

static void list_sql_of(struct buf *sql, enum recovery_table table,
                        const struct recovery_query *query)
{
    (void)buf_printf(sql, "SELECT %s FROM %s WHERE 1", recovery_shapes[table].columns,
                     lists[table].table);
    const struct {
        bool is_wanted;
        const char *condition;
    } conditions[] = {
        {query->is_open,             lists[table].is_open    },
        {query->before_id != 0,      " AND id < ?1"          },
        {query->workflow != 0,       lists[table].workflow   },
        {query->failure != 0,        lists[table].failure    },
        {query->problem != 0,        lists[table].problem    },
        {query->fingerprint != NULL, lists[table].fingerprint},
        {query->class_ != 0,         lists[table].of_class   },
    };
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        (void)buf_str(sql, conditions[i].is_wanted ? conditions[i].condition : "");
    }
    if (query->text != NULL && query->text[0] != '\0') {
        (void)buf_printf(sql, " AND (instr(lower(%s), lower(?2))", lists[table].text);
        for (size_t i = 0; lists[table].codes[i].column != NULL; i++) {
            add_codes(sql, lists[table].codes[i].column, lists[table].codes[i].word,
                      query->text);
        }
        (void)buf_char(sql, ')');
    }
    (void)buf_str(sql, " ORDER BY id DESC LIMIT ?3");
}

/* A parameter that the statement has not is not bound. */
static void bind_list(sqlite3_stmt *s, const struct recovery_query *query)
{
    int n = sqlite3_bind_parameter_count(s);
    const int64_t numbers[] = {
        query->before_id, 0, 0, query->workflow, query->failure, query->problem, 0,
        query->class_ - 1};
    for (int i = 0; i < n && i < (int)ARRAY_LEN(numbers); i++) {
        bind_int(s, i + 1, numbers[i]);
    }
    if (query->text != NULL && n >= 2) {
        bind_text(s, 2, query->text);
    }
    size_t max = query->max < ROWS_MAX ? query->max : ROWS_MAX;
    bind_int(s, 3, (int64_t)max);
    if (query->fingerprint != NULL && n >= 7) {
        bind_text(s, 7, query->fingerprint);
    }
}

static bool read_rows(struct database *db, sqlite3_stmt *s, enum recovery_table table,
                      struct arena *arena, const void **ret_rows, size_t *ret_n,
                      struct err *err)
{
    size_t size = recovery_shapes[table].size, n = 0, cap = 0;
    char *rows = NULL;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, size);
        row_shape_read(s, &recovery_shapes[table], arena, rows + n * size);
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
                      enum recovery_table table, const struct recovery_query *query,
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

bool reader_failures(struct reader *reader, struct arena *arena,
                     const struct recovery_query *query,
                     const struct failure_row **ret_rows, size_t *ret_n, struct err *err)
{
    const void *rows = NULL;
    if (!read_list(reader, arena, TABLE_FAILURE, query, &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

bool reader_problems(struct reader *reader, struct arena *arena,
                     const struct recovery_query *query,
                     const struct problem_row **ret_rows, size_t *ret_n, struct err *err)
{
    const void *rows = NULL;
    if (!read_list(reader, arena, TABLE_PROBLEM, query, &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

bool reader_recoveries(struct reader *reader, struct arena *arena,
                       const struct recovery_query *query,
                       const struct recovery_row **ret_rows, size_t *ret_n,
                       struct err *err)
{
    const void *rows = NULL;
    if (!read_list(reader, arena, TABLE_RECOVERY, query, &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

bool reader_decisions(struct reader *reader, struct arena *arena,
                      const struct recovery_query *query,
                      const struct decision_row **ret_rows, size_t *ret_n,
                      struct err *err)
{
    const void *rows = NULL;
    if (!read_list(reader, arena, TABLE_DECISION, query, &rows, ret_n, err)) {
        return false;
    }
    *ret_rows = rows;
    return true;
}

bool reader_odds(struct reader *reader, struct arena *arena, const char *prefix,
                 const struct odds_row **ret_rows, size_t *ret_n, struct err *err)
{
    struct database *db = &reader->database;
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX);
    (void)buf_printf(&sql,
                     "SELECT %s FROM odds WHERE key >= ?1 AND substr(key, 1, length(?1))"
                     " = ?1 ORDER BY key, mean DESC, rung",
                     recovery_shapes[TABLE_ODDS].columns);
    sqlite3_stmt *s =
        database_get(db, (enum slot)(SLOT_RECOVERY_OPEN + (int)TABLE_ODDS), sql.data);
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_text(s, 1, prefix != NULL ? prefix : "");
    const void *rows = NULL;
    bool is_good = read_rows(db, s, TABLE_ODDS, arena, &rows, ret_n, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (is_good) {
        *ret_rows = rows;
    }
    return is_good;
}

bool reader_labels(struct reader *reader, struct arena *arena, size_t max,
                   const struct label_row **ret_rows, size_t *ret_n, struct err *err)
{
    struct database *db = &reader->database;
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX);
    (void)buf_printf(&sql, "SELECT %s FROM label ORDER BY id DESC LIMIT ?1",
                     recovery_shapes[TABLE_LABEL].columns);
    sqlite3_stmt *s =
        database_get(db, (enum slot)(SLOT_RECOVERY_OPEN + (int)TABLE_LABEL), sql.data);
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_int(s, 1, (int64_t)(max < ROWS_MAX ? max : ROWS_MAX));
    const void *rows = NULL;
    bool is_good = read_rows(db, s, TABLE_LABEL, arena, &rows, ret_n, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (is_good) {
        *ret_rows = rows;
    }
    return is_good;
}

/* Rows of (code, count), each put where its code says. */
static bool read_counts(struct database *db, sqlite3_stmt *s, int64_t first,
                        int64_t *counts, int64_t n_counts, struct err *err)
{
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t place = sqlite3_column_int64(s, 0) - first;
        if (place >= 0 && place < n_counts) {
            counts[place] = sqlite3_column_int64(s, 1);
        }
    }
    bool is_good = code == SQLITE_DONE || database_fail(db, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

bool reader_recovery_totals(struct reader *reader, struct recovery_totals *ret_totals,
                            struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s =
        database_get(db, SLOT_RECOVERY_TOTALS,
                     "SELECT code, value FROM total WHERE code BETWEEN 4000 AND 4099"
                     " UNION ALL SELECT 4100, count(*) FROM problem WHERE closed_at = 0"
                     " UNION ALL SELECT 4101, count(*) FROM recovery"
                     " WHERE status IN (0, 1) AND status = 0");
    _Static_assert(TOTAL_FAILURE == 4000 && RECOVERY_ASKED == 0, "as in the SQL");
    if (s == NULL) {
        return database_fail(db, err);
    }
    int64_t counts[102] = {0};
    if (!read_counts(db, s, TOTAL_FAILURE, counts, (int64_t)ARRAY_LEN(counts), err)) {
        return false;
    }
    memcpy(ret_totals->by_status, counts, sizeof(ret_totals->by_status));
    ret_totals->n_problems_open = counts[100];
    ret_totals->n_asked = counts[101];
    return true;
}

#define SINCE " AND settled_at >= ?1 AND settled_at <> 0"
_Static_assert(FAILURE_RECOVERED == 1 && FAILURE_HELPED == 3 && FAILURE_LOST == 4,
               "as in the SQL");

bool reader_settled_since(struct reader *reader, struct wall since,
                          int64_t ret_by_status[FAILURE_STATUS_COUNT], struct err *err)
{
    struct database *db = &reader->database;
    sqlite3_stmt *s =
        database_get(db, SLOT_SETTLED_SINCE,
                     "SELECT 1, count(*) FROM failure WHERE status = 1" SINCE
                     " UNION ALL SELECT 3, count(*) FROM failure WHERE status = 3" SINCE
                     " UNION ALL SELECT 4, count(*) FROM failure WHERE status = 4" SINCE);
    if (s == NULL) {
        return database_fail(db, err);
    }
    bind_int(s, 1, since.ms);
    int64_t counts[FAILURE_STATUS_COUNT] = {0};
    if (!read_counts(db, s, 0, counts, FAILURE_STATUS_COUNT, err)) {
        return false;
    }
    memcpy(ret_by_status, counts, sizeof(counts));
    return true;
}
