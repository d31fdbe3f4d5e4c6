/* SPDX-License-Identifier: MIT */
/*
 * Approval: approvals, optimizations, tunings and levels of autonomy: collected, written,
 * pruned.
 */
#include "store/approval.h"

#include "store/approval_private.h"

/* ---- collecting ---- */

static struct op *put_row(struct store *store, enum approval_table table, const void *row)
{
    struct op *op = batch_add(store, OP_APPROVAL);
    const struct row_shape *shape = &approval_shapes[table];
    op->approval.table = table;
    op->approval.row = arena_alloc(store->arena, shape->size);
    row_shape_copy(shape, store->arena, row, op->approval.row);
    return op;
}

/* The numbers of a kind grow: one that the caller gave counts too. Rows with a number begin
 * with it. */
static int64_t put_numbered(struct store *store, enum approval_table table,
                            const void *row)
{
    int64_t *id = put_row(store, table, row)->approval.row;
    int64_t *given = &store->given.approval[table];
    if (*id == 0) {
        *id = *given + 1;
    }
    if (*id > *given) {
        *given = *id;
    }
    return *id;
}
_Static_assert(offsetof(struct approval_row, id) == 0, "the number comes first");
_Static_assert(offsetof(struct optimization_row, id) == 0, "the number comes first");

int64_t store_put_approval(struct store *store, const struct approval_row *row)
{
    return put_numbered(store, TABLE_APPROVAL, row);
}

int64_t store_put_optimization(struct store *store, const struct optimization_row *row)
{
    return put_numbered(store, TABLE_OPTIMIZATION, row);
}

void store_put_tuning(struct store *store, const struct tuning_row *row)
{
    (void)put_row(store, TABLE_TUNING, row); /* its address, which nobody needs */
}

void store_put_autonomy(struct store *store, const struct autonomy_row *row)
{
    (void)put_row(store, TABLE_AUTONOMY, row); /* its address, which nobody needs */
}

void store_drop_tuning(struct store *store, const char *setting, const char *scope)
{
    struct op *op = batch_add(store, OP_DROP_TUNING);
    op->drop_tuning.setting = arena_str(store->arena, setting);
    op->drop_tuning.scope = arena_str(store->arena, scope);
}

void store_drop_autonomy(struct store *store, enum act action, const char *repo)
{
    struct op *op = batch_add(store, OP_DROP_AUTONOMY);
    op->drop_autonomy.action = (int)action;
    op->drop_autonomy.repo = arena_str(store->arena, repo);
}

bool approval_numbers(struct database *database, int64_t ret_numbers[APPROVALS_NUMBERED],
                      struct err *err)
{
    return database_number(database, "SELECT max(id) FROM approval",
                           &ret_numbers[TABLE_APPROVAL], err) &&
           database_number(database, "SELECT max(id) FROM optimization",
                           &ret_numbers[TABLE_OPTIMIZATION], err);
}

/* ---- writing ---- */

bool apply_approval(struct store *store, const struct op *op)
{
    enum approval_table table = op->approval.table;
    sqlite3_stmt *s =
        database_get(&store->database, (enum slot)(SLOT_APPROVAL_PUT + (int)table),
                     approval_shapes[table].insert);
    if (s == NULL) {
        return false;
    }
    row_shape_bind(s, &approval_shapes[table], op->approval.row);
    if (!database_run(s)) {
        return false;
    }
    const int64_t *id = op->approval.row; /* of the two that have one */
    return table == TABLE_APPROVAL       ? past_thin(store, PAST_APPROVAL, *id)
           : table == TABLE_OPTIMIZATION ? past_thin(store, PAST_OPTIMIZATION, *id)
                                         : true;
}

bool apply_drop_tuning(struct store *store, const struct op *op)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_TUNING_DROP,
                     "DELETE FROM tuning WHERE setting = ?1 AND scope = ?2");
    if (s == NULL) {
        return false;
    }
    bind_text(s, 1, op->drop_tuning.setting);
    bind_text(s, 2, op->drop_tuning.scope);
    return database_run(s);
}

bool apply_drop_autonomy(struct store *store, const struct op *op)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_AUTONOMY_DROP,
                     "DELETE FROM autonomy_level WHERE action = ?1 AND repo = ?2");
    if (s == NULL) {
        return false;
    }
    bind_int(s, 1, op->drop_autonomy.action);
    bind_text(s, 2, op->drop_autonomy.repo);
    return database_run(s);
}

/* ---- pruning ---- */

/* An optimization whose tuning is in force can be undone any time: it stays. */
static const struct row_pruning tables[APPROVALS_NUMBERED] = {
    [TABLE_APPROVAL] = {APPROVALS_KEPT,
                        ROWS_OLDEST("approval",     "status NOT IN (0, 1, 2)",    "decided_at"),
                        "DELETE FROM approval WHERE id = ?1"    },
    [TABLE_OPTIMIZATION] = {OPTIMIZATIONS_KEPT,
                        ROWS_OLDEST("optimization",
                        "status NOT IN (0, 1, 4) AND id NOT IN"
                                        " (SELECT t.optimization FROM tuning t)", "settled_at"),
                        "DELETE FROM optimization WHERE id = ?1"},
};
_Static_assert(APPROVAL_OPEN == 0 && APPROVAL_DRIFTED == 1 && APPROVAL_SUGGESTED == 2,
               "as in the SQL");
_Static_assert(OPT_PROPOSED == 0 && OPT_GUARDED == 1 && OPT_INCONCLUSIVE == 4,
               "as in the SQL");

size_t store_prune_approvals(struct store *store, struct wall before, size_t max)
{
    const int64_t *ids[APPROVALS_NUMBERED] = {0};
    size_t n[APPROVALS_NUMBERED] = {0}, most = 0;
    if (max == 0 || batch_find(store, OP_PRUNE_APPROVALS, 0) != NULL) {
        return 0;
    }
    for (int i = 0; i < APPROVALS_NUMBERED; i++) {
        n[i] = rows_find_old(store, (enum slot)(SLOT_APPROVAL_OLDEST + i), &tables[i],
                             before, max, &ids[i]);
        most = n[i] > most ? n[i] : most;
    }
    if (most > 0) {
        struct op *op = batch_add(store, OP_PRUNE_APPROVALS);
        memcpy(op->prune_approvals.ids, ids, sizeof(ids));
        memcpy(op->prune_approvals.n, n, sizeof(n));
    }
    return most;
}

bool apply_prune_approvals(struct store *store, const struct op *op)
{
    bool is_good = true;
    for (int i = 0; i < APPROVALS_NUMBERED && is_good; i++) {
        is_good = rows_delete(store, (enum slot)(SLOT_APPROVAL_DELETE + i), &tables[i],
                              op->prune_approvals.ids[i], op->prune_approvals.n[i]);
    }
    return is_good;
}
