/* SPDX-License-Identifier: MIT */
/*
 * Row shape: members of a row to columns and back, from one list.
 */
#include "store/row_shape.h"

#include <math.h>

#include "engine/base/buf.h"

#define SQL_MAX 4096

_Static_assert(sizeof(enum rung) == sizeof(int), "enums stand as ints");

void row_shape_bind(sqlite3_stmt *s, const struct row_shape *shape, const void *row)
{
    for (size_t i = 0; i < shape->n_fields; i++) {
        const char *at = (const char *)row + shape->fields[i].offset;
        int index = (int)i + 1;
        switch (shape->fields[i].kind) {
        case FIELD_INT64:
            bind_int(s, index, *(const int64_t *)(const void *)at);
            break;
        case FIELD_INT:
            bind_int(s, index, *(const int *)(const void *)at);
            break;
        case FIELD_BOOL:
            bind_int(s, index, *(const bool *)(const void *)at);
            break;
        case FIELD_REAL:
            bind_number(s, index, *(const double *)(const void *)at);
            break;
        case FIELD_TEXT:
            bind_text(s, index, *(const char *const *)(const void *)at);
            break;
        case FIELD_CHARS:
            bind_text(s, index, at);
            break;
        }
    }
}

static void read_text(sqlite3_stmt *s, int index, struct arena *arena,
                      const char **ret_text)
{
    const void *bytes = sqlite3_column_text(s, index);
    int len = sqlite3_column_bytes(s, index);
    *ret_text = arena_strn(arena, bytes, bytes != NULL ? (size_t)len : 0);
}

static void read_chars(sqlite3_stmt *s, int index, char *chars, size_t size)
{
    const void *bytes = sqlite3_column_text(s, index);
    size_t len = bytes != NULL ? (size_t)sqlite3_column_bytes(s, index) : 0;
    len = len < size ? len : size - 1;
    if (bytes != NULL && len > 0) {
        memcpy(chars, bytes, len);
    }
}

static void read_field(sqlite3_stmt *s, int index, const struct row_field *field,
                       struct arena *arena, char *at)
{
    switch (field->kind) {
    case FIELD_INT64:
        *(int64_t *)(void *)at = sqlite3_column_int64(s, index);
        break;
    case FIELD_INT:
        *(int *)(void *)at = sqlite3_column_int(s, index);
        break;
    case FIELD_BOOL:
        *(bool *)(void *)at = sqlite3_column_int(s, index) != 0;
        break;
    case FIELD_REAL:
        *(double *)(void *)at = sqlite3_column_type(s, index) == SQLITE_NULL
                                    ? (double)NAN
                                    : sqlite3_column_double(s, index);
        break;
    case FIELD_TEXT:
        read_text(s, index, arena, (const char **)(void *)at);
        break;
    case FIELD_CHARS:
        read_chars(s, index, at, field->size);
        break;
    }
}

void row_shape_read(sqlite3_stmt *s, const struct row_shape *shape, struct arena *arena,
                    void *ret_row)
{
    memset(ret_row, 0, shape->size);
    for (size_t i = 0; i < shape->n_fields; i++) {
        read_field(s, (int)i, &shape->fields[i], arena,
                   (char *)ret_row + shape->fields[i].offset);
    }
}

void row_shape_copy(const struct row_shape *shape, struct arena *arena, const void *row,
                    void *ret_row)
{
    memcpy(ret_row, row, shape->size);
    for (size_t i = 0; i < shape->n_fields; i++) {
        if (shape->fields[i].kind == FIELD_TEXT) {
            const char **text =
                (const char **)(void *)((char *)ret_row + shape->fields[i].offset);
            *text = arena_str(arena, *text);
        }
    }
}

enum found row_shape_get(struct database *database, enum slot slot,
                         const struct row_shape *shape, struct arena *arena, int64_t id,
                         void *ret_row, struct err *err)
{
    sqlite3_stmt *s = database_get(database, slot, shape->get);
    if (s == NULL) {
        (void)database_fail(database, err);
        return FOUND_FAILED;
    }
    bind_int(s, 1, id);
    int code = sqlite3_step(s);
    if (code == SQLITE_ROW) {
        row_shape_read(s, shape, arena, ret_row);
    } else if (code != SQLITE_DONE) {
        (void)database_fail(database, err);
    }
    (void)sqlite3_reset(s); /* repeats the failure that was seen */
    return code == SQLITE_ROW ? FOUND : code == SQLITE_DONE ? MISSING : FOUND_FAILED;
}

bool row_shape_walk(struct store *store, enum slot slot, const struct row_shape *shape,
                    const struct row_walk *walk, struct err *err)
{
    AUTO_BUF struct buf sql;
    buf_init(&sql, SQL_MAX);
    (void)buf_printf(&sql, "SELECT %s %s", shape->columns, walk->from);
    sqlite3_stmt *s = database_get(&store->database, slot, sql.data);
    if (s == NULL) {
        return database_fail(&store->database, err);
    }
    struct arena *arena = arena_new();
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        arena_reset(arena);
        row_shape_read(s, shape, arena, walk->room);
        walk->take(walk->user, walk->room);
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

size_t rows_find_old(struct store *store, enum slot slot,
                     const struct row_pruning *pruning, struct wall before, size_t max,
                     const int64_t **ret_ids)
{
    sqlite3_stmt *s = database_get(&store->database, slot, pruning->find);
    if (s == NULL) {
        return 0;
    }
    bind_int(s, 1, before.ms);
    bind_int(s, 2, pruning->kept);
    bind_int(s, 3, (int64_t)max);
    int64_t *ids = NULL;
    size_t n = 0;
    while (n < max && sqlite3_step(s) == SQLITE_ROW) {
        if (ids == NULL) {
            ids = arena_array(store->arena, max, sizeof(*ids));
        }
        ids[n++] = sqlite3_column_int64(s, 0);
    }
    (void)sqlite3_reset(s); /* unreadable: pruned another time */
    *ret_ids = ids;
    return n;
}

bool rows_delete(struct store *store, enum slot slot, const struct row_pruning *pruning,
                 const int64_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sqlite3_stmt *s = database_get(&store->database, slot, pruning->take);
        if (s == NULL) {
            return false;
        }
        bind_int(s, 1, ids[i]);
        if (!database_run(s)) {
            return false;
        }
    }
    return true;
}
