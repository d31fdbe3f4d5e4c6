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

#endif
