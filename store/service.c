/* SPDX-License-Identifier: MIT */
/*
 * Service: the rows of services, a handful, written about once a second while something
 * changes.
 */
#include "store/sqlite_private.h"

void store_put_service(struct store *store, const struct service_row *row)
{
    struct arena *arena = store->arena;
    struct service_row *copy = &batch_add(store, OP_SERVICE)->service;
    *copy = *row;
    copy->name = arena_str(arena, row->name);
    copy->kind = arena_str(arena, row->kind);
    copy->reason = arena_str(arena, row->reason);
    copy->detail = arena_str(arena, row->detail);
    copy->memo = arena_str(arena, row->memo);
}

bool apply_service(struct store *store, const struct service_row *row)
{
    sqlite3_stmt *s = database_get(
        &store->database, SLOT_SERVICE_PUT,
        "INSERT INTO service (" SERVICE_COLUMNS ")"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (name) DO UPDATE"
        " SET kind=?2, state=?3, since=?4, until=?5, updated_at=?6, reason=?7,"
        " detail=?8, memo=?9");
    if (s == NULL) {
        return false;
    }
    bind_text(s, 1, row->name);
    bind_text(s, 2, row->kind);
    bind_int(s, 3, row->state);
    bind_int(s, 4, row->since.ms);
    bind_int(s, 5, row->until.ms);
    bind_int(s, 6, row->updated_at.ms);
    bind_text(s, 7, row->reason);
    bind_text(s, 8, row->detail);
    bind_text(s, 9, row->memo);
    return database_run(s);
}

#define SERVICE_ALL "SELECT " SERVICE_COLUMNS " FROM service ORDER BY name"

bool store_load_services(struct store *store,
                         void (*on_row)(void *user, const struct service_row *row),
                         void *user, struct err *err)
{
    sqlite3_stmt *s = database_get(&store->database, SLOT_SERVICE_ALL, SERVICE_ALL);
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    struct arena *arena = arena_new();
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        struct service_row row;
        arena_reset(arena);
        row_service(s, arena, &row);
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

bool reader_services(struct reader *reader, struct arena *arena,
                     const struct service_row **ret_rows, size_t *ret_n, struct err *err)
{
    sqlite3_stmt *s = database_get(&reader->database, SLOT_SERVICE_ALL, SERVICE_ALL);
    if (s == NULL) {
        return database_fail(&reader->database, err);
    }
    struct service_row *rows = NULL;
    size_t n = 0, cap = 0;
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (n == cap) {
            cap = cap == 0 ? 16 : cap * 2;
            struct service_row *grown = arena_array(arena, cap, sizeof(*grown));
            if (n > 0) {
                memcpy(grown, rows, n * sizeof(*rows));
            }
            rows = grown;
        }
        row_service(s, arena, &rows[n++]);
    }
    bool is_good = code == SQLITE_DONE || database_fail(&reader->database, err);
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    if (is_good) {
        *ret_rows = rows;
        *ret_n = n;
    }
    return is_good;
}
