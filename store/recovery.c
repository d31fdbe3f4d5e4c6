/* SPDX-License-Identifier: MIT */
/*
 * Recovery: failures, problems, recoveries, decisions, labels and odds: collected, written,
 * pruned.
 */
#include "store/recovery.h"

#include "store/recovery_private.h"

/* ---- collecting ---- */

static void *put_row(struct store *store, enum recovery_table table, const void *row)
{
    struct op *op = batch_add(store, OP_RECOVERY);
    op->recovery.table = table;
    row_shape_copy(&recovery_shapes[table], store->arena, row, &op->recovery.id);
    return op;
}

/* The numbers of a kind grow: one that the caller gave counts too. */
static int64_t put_numbered(struct store *store, enum recovery_table table,
                            const void *row)
{
    struct op *op = put_row(store, table, row);
    int64_t *given = &store->given.recovery[table];
    if (op->recovery.id == 0) {
        op->recovery.id = *given + 1;
    }
    if (op->recovery.id > *given) {
        *given = op->recovery.id;
    }
    return op->recovery.id;
}

int64_t store_put_failure(struct store *store, const struct failure_row *row)
{
    return put_numbered(store, TABLE_FAILURE, row);
}

int64_t store_put_problem(struct store *store, const struct problem_row *row)
{
    return put_numbered(store, TABLE_PROBLEM, row);
}

int64_t store_put_recovery(struct store *store, const struct recovery_row *row)
{
    return put_numbered(store, TABLE_RECOVERY, row);
}

int64_t store_put_decision(struct store *store, const struct decision_row *row)
{
    return put_numbered(store, TABLE_DECISION, row);
}

int64_t store_put_label(struct store *store, const struct label_row *row)
{
    return put_numbered(store, TABLE_LABEL, row);
}

void store_put_odds(struct store *store, const struct odds_row *row)
{
    (void)put_row(store, TABLE_ODDS, row); /* its address, which nobody needs */
}

bool recovery_numbers(struct database *database, int64_t ret_numbers[RECOVERY_TABLES],
                      struct err *err)
{
    return database_number(database, "SELECT max(id) FROM failure",
                           &ret_numbers[TABLE_FAILURE], err) &&
           database_number(database, "SELECT max(id) FROM problem",
                           &ret_numbers[TABLE_PROBLEM], err) &&
           database_number(database, "SELECT max(id) FROM recovery",
                           &ret_numbers[TABLE_RECOVERY], err) &&
           database_number(database, "SELECT max(id) FROM decision",
                           &ret_numbers[TABLE_DECISION], err) &&
           database_number(database, "SELECT max(id) FROM label",
                           &ret_numbers[TABLE_LABEL], err);
}

/* ---- writing ---- */

static bool count_failure(struct store *store, int status, int by)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_FAILURE_COUNT,
                     "INSERT INTO total (code, value) VALUES (?1, ?2)"
                     " ON CONFLICT (code) DO UPDATE SET value = value + ?2");
    if (s == NULL) {
        return false;
    }
    if (!past_keep(store, PAST_TOTAL, TOTAL_FAILURE + status)) {
        return false;
    }
    bind_int(s, 1, TOTAL_FAILURE + status);
    bind_int(s, 2, by);
    return database_run(s);
}

/* The totals follow a failure from what it was to what it is. */
static bool count_change(struct store *store, const struct failure_row *row)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_FAILURE_STATUS,
                                   "SELECT status FROM failure WHERE id = ?1");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, row->id);
    int code = sqlite3_step(s), was = -1;
    if (code == SQLITE_ROW) {
        was = sqlite3_column_int(s, 0);
    }
    (void)sqlite3_reset(s); /* repeats the code */
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return false;
    }
    int now = (int)row->status;
    return was == now ||
           ((was < 0 || count_failure(store, was, -1)) && count_failure(store, now, 1));
}

bool apply_recovery(struct store *store, const struct op *op)
{
    enum recovery_table table = op->recovery.table;
    if (table == TABLE_FAILURE && !count_change(store, &op->recovery.failure)) {
        return false;
    }
    sqlite3_stmt *s =
        database_get(&store->database, (enum slot)(SLOT_RECOVERY_PUT + (int)table),
                     recovery_shapes[table].insert);
    if (s == NULL) {
        return false;
    }
    row_shape_bind(s, &recovery_shapes[table], &op->recovery.id);
    return database_run(s);
}

/* ---- pruning ---- */

/* A decision whose verdict nobody gave in all the time is over too. */
static const struct row_pruning tables[RECOVERY_PRUNED] = {
    [TABLE_FAILURE] = {FAILURES_KEPT,
                       ROWS_OLDEST("failure",                   "status NOT IN (0, 2)", "settled_at"),
                       "DELETE FROM failure WHERE id = ?1" },
    [TABLE_PROBLEM] = {PROBLEMS_KEPT,
                       ROWS_OLDEST("problem",                   "closed_at <> 0",       "closed_at"),
                       "DELETE FROM problem WHERE id = ?1" },
    [TABLE_RECOVERY] = {RECOVERIES_KEPT,
                       ROWS_OLDEST("recovery",                  "status NOT IN (0, 1)", "ended_at"),
                       "DELETE FROM recovery WHERE id = ?1"},
    [TABLE_DECISION] = {DECISIONS_KEPT,  ROWS_OLDEST("decision", "1",                    "at"),
                       "DELETE FROM decision WHERE id = ?1"},
};
_Static_assert(FAILURE_OPEN == 0 && FAILURE_ESCALATED == 2, "as in the SQL");
_Static_assert(RECOVERY_ASKED == 0 && RECOVERY_RUNNING == 1, "as in the SQL");

size_t store_prune_recovery(struct store *store, struct wall before, size_t max)
{
    const int64_t *ids[RECOVERY_PRUNED] = {0};
    size_t n[RECOVERY_PRUNED] = {0}, most = 0;
    if (max == 0 || batch_find(store, OP_PRUNE_RECOVERY, 0) != NULL) {
        return 0;
    }
    for (int i = 0; i < RECOVERY_PRUNED; i++) {
        n[i] = rows_find_old(store, (enum slot)(SLOT_RECOVERY_OLDEST + i), &tables[i],
                             before, max, &ids[i]);
        most = n[i] > most ? n[i] : most;
    }
    if (most > 0) {
        struct op *op = batch_add(store, OP_PRUNE_RECOVERY);
        memcpy(op->prune_recovery.ids, ids, sizeof(ids));
        memcpy(op->prune_recovery.n, n, sizeof(n));
    }
    return most;
}

bool apply_prune_recovery(struct store *store, const struct op *op)
{
    bool is_good = true;
    for (int i = 0; i < RECOVERY_PRUNED && is_good; i++) {
        is_good = rows_delete(store, (enum slot)(SLOT_RECOVERY_DELETE + i), &tables[i],
                              op->prune_recovery.ids[i], op->prune_recovery.n[i]);
    }
    return is_good;
}
