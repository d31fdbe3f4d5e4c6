/* SPDX-License-Identifier: MIT */
#include "store/history.h"

#include "store/sqlite_private.h"
#include "store/store.h"

static bool end_walk(struct store *store, sqlite3_stmt *s, int code, struct err *err)
{
    bool is_good =
        code == SQLITE_DONE || code == SQLITE_ROW || database_fail(&store->database, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return is_good;
}

static bool load_events(struct store *store, struct arena *arena, int64_t workflow,
                        struct workflow_history *history, struct err *err)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_EVENT_OF,
                     "SELECT " EVENT_COLUMNS " FROM event WHERE workflow = ?1"
                     " AND seq > ?2 ORDER BY seq LIMIT ?3");
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    struct event_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    bind_int(s, 1, workflow);
    bind_int(s, 2, 0);
    bind_int(s, 3, HISTORY_EVENTS_MAX);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_event(&store->database, s, arena, &rows[n++]);
    }
    history->events = rows;
    history->n_events = n;
    return end_walk(store, s, code, err);
}

static bool load_effects(struct store *store, struct arena *arena, int64_t workflow,
                         struct workflow_history *history, struct err *err)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_EFFECT_ALL,
                                   "SELECT " EFFECT_COLUMNS
                                   " FROM effect WHERE id >= ?1 AND id < ?2 ORDER BY id");
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    struct effect_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    bind_int(s, 1, effect_key(workflow, 0));
    bind_int(s, 2, effect_key(workflow + 1, 0));
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        rows = rows_room(arena, rows, n, &cap, sizeof(*rows));
        row_effect(&store->database, s, arena, &rows[n++]);
    }
    history->effects = rows;
    history->n_effects = n;
    return end_walk(store, s, code, err);
}

static bool load_failures(struct store *store, struct arena *arena, int64_t workflow,
                          struct workflow_history *history, struct err *err)
{
    sqlite3_stmt *s =
        database_get(&store->database, SLOT_FAILURE_OF,
                     "SELECT id FROM failure WHERE workflow = ?1 ORDER BY id LIMIT ?2");
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    int64_t ids[HISTORY_FAILURES_MAX];
    size_t n = 0;
    int code;
    bind_int(s, 1, workflow);
    bind_int(s, 2, HISTORY_FAILURES_MAX);
    while ((code = sqlite3_step(s)) == SQLITE_ROW && n < HISTORY_FAILURES_MAX) {
        ids[n++] = sqlite3_column_int64(s, 0);
    }
    if (!end_walk(store, s, code, err)) {
        return false;
    }
    struct failure_row *rows = arena_array(arena, n + 1, sizeof(*rows));
    for (size_t i = 0; i < n; i++) {
        enum found found =
            store_load_failure(store, arena, ids[i], &rows[history->n_failures], err);
        if (found == FOUND_FAILED) {
            return false;
        }
        history->n_failures += found == FOUND ? 1 : 0;
    }
    history->failures = rows;
    return true;
}

size_t store_load_ended(struct store *store, int64_t *ret_ids, size_t max)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_ENDED,
                                   "SELECT id FROM workflow WHERE live = 0"
                                   " ORDER BY finished_at DESC, id DESC LIMIT ?1");
    size_t n = 0;
    if (s == NULL) {
        return 0;
    }
    bind_int(s, 1, (int64_t)max);
    while (n < max && sqlite3_step(s) == SQLITE_ROW) {
        ret_ids[n++] = sqlite3_column_int64(s, 0);
    }
    (void)sqlite3_reset(s);
    for (size_t i = 0; i < n / 2; i++) {
        int64_t other = ret_ids[n - 1 - i];
        ret_ids[n - 1 - i] = ret_ids[i];
        ret_ids[i] = other;
    }
    return n;
}

enum found store_load_history(struct store *store, struct arena *arena, int64_t workflow,
                              struct workflow_history *ret_history, struct err *err)
{
    struct workflow_history history = {.n_events = 0};
    enum found found =
        store_load_workflow(store, arena, workflow, &history.workflow, err);
    if (found != FOUND) {
        return found;
    }
    if (!load_events(store, arena, workflow, &history, err) ||
        !load_effects(store, arena, workflow, &history, err) ||
        !load_failures(store, arena, workflow, &history, err)) {
        return FOUND_FAILED;
    }
    *ret_history = history;
    return FOUND;
}
