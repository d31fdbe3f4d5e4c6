/* SPDX-License-Identifier: MIT */
/*
 * Loader: what the engine reads back, on its own connection. Rows that wait in the batch
 * count as written for the look-ups by id.
 */
#include "store/sqlite_private.h"

/* Ends a walk over rows: true when it came to its end. */
static bool finish(struct store *store, sqlite3_stmt *s, int code, struct err *err)
{
    bool is_good = code == SQLITE_DONE;
    if (!is_good) {
        (void)database_fail(&store->database, err);
        (void)store_suspect(store, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

bool store_load_live(struct store *store,
                     void (*on_row)(void *user, const struct workflow_row *row),
                     void *user, struct err *err)
{
    sqlite3_stmt *s = database_get(
        &store->database, SLOT_WORKFLOW_LIVE,
        "SELECT " WORKFLOW_COLUMNS " FROM workflow w INDEXED BY workflow_live"
        " JOIN submission s ON s.workflow = w.id WHERE w.live = 1 ORDER BY w.id");
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    struct arena *arena = arena_new();
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct workflow_row row;
        arena_reset(arena);
        row_workflow(&store->database, s, arena, &row);
        on_row(user, &row);
    }
    arena_free(arena);
    return finish(store, s, code, err);
}

bool store_load_pending(struct store *store,
                        void (*on_row)(void *user, const struct effect_row *row),
                        void *user, struct err *err)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_EFFECT_PENDING,
                                   "SELECT " EFFECT_COLUMNS
                                   " FROM effect WHERE status = 0 ORDER BY id");
    _Static_assert(STATUS_PENDING == 0, "as in the SQL and in the index");
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    struct arena *arena = arena_new();
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct effect_row row;
        arena_reset(arena);
        row_effect(&store->database, s, arena, &row);
        on_row(user, &row);
    }
    arena_free(arena);
    return finish(store, s, code, err);
}

int store_take_commands(struct store *store, struct arena *arena, int64_t after_id,
                        size_t max, const struct command_row **ret_rows, struct err *err)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_COMMAND_OPEN,
                     "SELECT " COMMAND_COLUMNS
                     " FROM command WHERE answer = -1 AND id > ?1 ORDER BY id LIMIT ?2");
    if (s == NULL) {
        (void)database_fail(&store->database, err);
        return -1;
    }
    max = max < 10000 ? max : 10000;
    bind_int(s, 1, after_id);
    bind_int(s, 2, (int64_t)max);
    struct command_row *rows = NULL;
    size_t n = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (rows == NULL) { /* mostly there are none */
            rows = arena_array(arena, max, sizeof(*rows));
        }
        row_command(s, arena, &rows[n++]);
    }
    if (!finish(store, s, code, err)) {
        return -1;
    }
    *ret_rows = rows;
    return (int)n;
}

enum found store_load_workflow(struct store *store, struct arena *arena, int64_t id,
                               struct workflow_row *ret_row, struct err *err)
{
    const struct op *op = batch_find(store, OP_WORKFLOW, id);
    if (op == NULL) {
        return get_workflow(&store->database, arena, id, ret_row, err);
    }
    const struct workflow_row *row = &op->workflow;
    *ret_row = *row;
    ret_row->pipeline = arena_str(arena, row->pipeline);
    ret_row->repo = arena_str(arena, row->repo);
    ret_row->title = arena_str(arena, row->title);
    ret_row->submitter = arena_str(arena, row->submitter);
    ret_row->branch = arena_str(arena, row->branch);
    ret_row->base_sha = arena_str(arena, row->base_sha);
    ret_row->head_sha = arena_str(arena, row->head_sha);
    ret_row->merge_sha = arena_str(arena, row->merge_sha);
    ret_row->reason = arena_str(arena, row->reason);
    ret_row->service = arena_str(arena, row->service);
    return FOUND;
}

enum found store_load_pipeline(struct store *store, struct arena *arena, int64_t id,
                               const char **ret_name, const char **ret_text,
                               size_t *ret_len, struct err *err)
{
    const struct op *op = batch_find(store, OP_PIPELINE, id);
    if (op == NULL) {
        return get_pipeline(&store->database, arena, id, ret_name, ret_text, ret_len,
                            err);
    }
    *ret_name = arena_str(arena, op->pipeline.name);
    *ret_text = arena_strn(arena, op->pipeline.text, op->pipeline.len);
    *ret_len = op->pipeline.len;
    return FOUND;
}

static const struct op *doc_in_batch(const struct store *store, int64_t workflow,
                                     enum doc_kind doc)
{
    for (const struct op *op = store->last; op != NULL; op = op->previous) {
        if (op->kind == OP_DOC && op->doc.workflow == workflow && op->doc.kind == doc) {
            return op;
        }
    }
    return NULL;
}

enum found store_load_doc(struct store *store, struct arena *arena, int64_t workflow,
                          enum doc_kind doc, const char **ret_text, size_t *ret_len,
                          struct err *err)
{
    const struct op *op = doc_in_batch(store, workflow, doc);
    *ret_text = "";
    *ret_len = 0;
    if (op != NULL) {
        *ret_text = arena_strn(arena, op->doc.text, op->doc.len);
        *ret_len = op->doc.len;
        return FOUND;
    }
    sqlite3_stmt *s = database_get(&store->database, SLOT_DOC_GET,
                                   "SELECT text FROM doc WHERE id = ?1");
    if (s == NULL) {
        (void)database_fail(&store->database, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, doc_key(workflow, doc));
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        *ret_len = (size_t)sqlite3_column_bytes(s, 0);
        const void *text = sqlite3_column_blob(s, 0);
        *ret_text = arena_strn(arena, text != NULL ? text : "", *ret_len);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(&store->database, err);
        (void)store_suspect(store, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

static const char *setting_in_batch(const struct store *store, const char *key)
{
    for (const struct op *op = store->last; op != NULL; op = op->previous) {
        if (op->kind == OP_SETTING && strcmp(op->setting.key, key) == 0) {
            return op->setting.value;
        }
    }
    return NULL;
}

bool store_load_setting(struct store *store, struct arena *arena, const char *key,
                        const char **ret_value, struct err *err)
{
    const char *value = setting_in_batch(store, key);
    if (value != NULL) {
        *ret_value = arena_str(arena, value);
        return true;
    }
    sqlite3_stmt *s = database_get(&store->database, SLOT_SETTING_GET,
                                   "SELECT value FROM setting WHERE key = ?1");
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    bind_text(s, 1, key);
    int code = sqlite3_step(s);
    value = arena_str(arena, "");
    if (code == SQLITE_ROW) {
        value = arena_str(arena, (const char *)sqlite3_column_text(s, 0));
        code = SQLITE_DONE;
    }
    if (!finish(store, s, code, err)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool store_load_counters(struct store *store, int64_t *ret_last_workflow,
                         struct totals *ret_totals, struct err *err)
{
    return get_totals(&store->database, ret_totals, ret_last_workflow, err) ||
           store_suspect(store, err);
}

bool store_load_hour(struct store *store, int64_t hour, struct hour_row *ret_row,
                     struct err *err)
{
    const struct op *op = batch_find(store, OP_HOUR, hour);
    if (op != NULL) {
        *ret_row = op->hour;
        return true;
    }
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_HOUR_GET,
                     "SELECT hour, completed, failed, cancelled, submitted, duration_ms"
                     " FROM hour WHERE hour = ?1");
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    bind_int(s, 1, hour);
    int code = sqlite3_step(s);
    struct hour_row row = {.hour = hour};
    if (code == SQLITE_ROW) {
        row_hour(s, &row);
        code = SQLITE_DONE;
    }
    if (!finish(store, s, code, err)) {
        return false;
    }
    *ret_row = row;
    return true;
}
