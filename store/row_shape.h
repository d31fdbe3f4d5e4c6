/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_ROW_SHAPE_H
#define SIGNALBOX_STORE_ROW_SHAPE_H

/*
 * Row shape, private: the columns of a table, once, for writing, reading and copying alike.
 *
 * A table is a list of its columns, `F(kind, column, member)` the first and `X` the others:
 *     #define THING_FIELDS(F, X) F(FIELD_INT64, id, id) X(FIELD_TEXT, name, name)
 *     #define ROW thing_row
 *     static const struct row_field thing_fields[] = {THING_FIELDS(ROW_MEMBER, ROW_MEMBER)};
 *     #undef ROW
 *     static const struct row_shape shape =
 *         ROW_SHAPE("thing", THING_FIELDS, thing_fields, thing_row);
 */

#include <stddef.h>

#include "store/sqlite_private.h"

/* How a member stands in its column. */
enum row_field_kind {
    FIELD_INT64,
    FIELD_INT, /* int or enum */
    FIELD_BOOL,
    FIELD_REAL, /* NAN is NULL */
    FIELD_TEXT, /* const char * */
    FIELD_CHARS /* char [size] */
};

struct row_field {
    enum row_field_kind kind;
    size_t offset, size;
};

struct row_shape {
    const char *insert;  /* or replace; all columns */
    const char *columns; /* in the order of fields */
    const char *get;     /* by id, where there is one */
    const struct row_field *fields;
    size_t n_fields, size; /* of its row */
};

/* clang-format off */
#define ROW_FIRST_COLUMN(kind, column, member) #column
#define ROW_NEXT_COLUMN(kind, column, member)  ", " #column
#define ROW_FIRST_PLACE(kind, column, member)  "?"
#define ROW_NEXT_PLACE(kind, column, member)   ", ?"
#define ROW_MEMBER(kind, column, member)                                                 \
    {kind, offsetof(struct ROW, member), sizeof(((struct ROW *)0)->member)},
#define ROW_SHAPE(table, LIST, list_fields, row_type)                                    \
    {                                                                                    \
        .insert = "INSERT OR REPLACE INTO " table " ("                                   \
                  LIST(ROW_FIRST_COLUMN, ROW_NEXT_COLUMN)                                \
                  ") VALUES (" LIST(ROW_FIRST_PLACE, ROW_NEXT_PLACE) ")",                \
        .columns = LIST(ROW_FIRST_COLUMN, ROW_NEXT_COLUMN),                              \
        .get = "SELECT " LIST(ROW_FIRST_COLUMN, ROW_NEXT_COLUMN) " FROM " table          \
               " WHERE id = ?1",                                                         \
        .fields = (list_fields),                                                         \
        .n_fields = ARRAY_LEN(list_fields),                                              \
        .size = sizeof(struct row_type),                                                 \
    }
/* clang-format on */

/* Bind a row to the statement of its shape's `insert`. */
void row_shape_bind(sqlite3_stmt *s, const struct row_shape *shape, const void *row);
/* A row of `columns`, zeroed first; texts in arena. */
void row_shape_read(sqlite3_stmt *s, const struct row_shape *shape, struct arena *arena,
                    void *ret_row);
/* A copy with its texts in arena. */
void row_shape_copy(const struct row_shape *shape, struct arena *arena, const void *row,
                    void *ret_row);

/* The committed row of a number, through the statement kept in `slot`. A FOUND_FAILED tells
 * why in err; a writer's caller asks store_suspect then. */
NODISCARD enum found row_shape_get(struct database *database, enum slot slot,
                                   const struct row_shape *shape, struct arena *arena,
                                   int64_t id, void *ret_row, struct err *err);

/* Every row of `SELECT columns FROM...`, one after another in `room` (for one row of the
 * shape; its texts live for the call of `take`). */
struct row_walk {
    const char *from; /* "FROM thing WHERE ... ORDER BY ...", without parameters */
    void *room;
    void (*take)(void *user, const void *row);
    void *user;
};
NODISCARD bool row_shape_walk(struct store *store, enum slot slot,
                              const struct row_shape *shape, const struct row_walk *walk,
                              struct err *err);

/* ---- rows that are over ---- */

/* What may go: ?1 before, ?2 how many may stay, ?3 at most. What needs somebody stays, and so
 * does the newest, so that no number is given twice. Numbers are given in the order of time:
 * who is older than the oldest few need not be asked of the whole table. */
#define ROWS_OLDEST(table, is_over, ended_at)                                            \
    "SELECT id FROM (SELECT id, " ended_at " AS ended FROM " table " WHERE " is_over     \
    " AND id < (SELECT max(id) FROM " table ") ORDER BY id LIMIT ?3 * 2)"                \
    " WHERE ended < ?1 OR id <= (SELECT max(id) FROM " table ") - ?2"                    \
    " ORDER BY id LIMIT ?3"

struct row_pruning {
    int64_t kept;     /* at most so many stay, however young */
    const char *find; /* ROWS_OLDEST */
    const char *take; /* "DELETE FROM thing WHERE id = ?1" */
};

/* At most `max` numbers that may go, in the batch's arena. None when the store cannot be
 * read: they go another time, and the commit tells. */
NODISCARD size_t rows_find_old(struct store *store, enum slot slot,
                               const struct row_pruning *pruning, struct wall before,
                               size_t max, const int64_t **ret_ids);
NODISCARD bool rows_delete(struct store *store, enum slot slot,
                           const struct row_pruning *pruning, const int64_t *ids,
                           size_t n);

#endif
