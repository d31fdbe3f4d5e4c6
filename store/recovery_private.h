/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_STORE_RECOVERY_PRIVATE_H
#define SIGNALBOX_STORE_RECOVERY_PRIVATE_H

/*
 * Recovery, private: the columns of the tables of store/recovery.h, once, for writing, reading
 * and copying alike.
 */

#include "store/sqlite_private.h"

/* How a member stands in its column. */
enum field_kind {
    FIELD_INT64,
    FIELD_INT, /* int or enum */
    FIELD_BOOL,
    FIELD_REAL, /* NAN is NULL */
    FIELD_TEXT, /* const char * */
    FIELD_PRINT /* char [FINGERPRINT_WORD] */
};

struct field {
    enum field_kind kind;
    size_t offset;
};

struct recovery_shape {
    const char *insert;  /* or replace; all columns */
    const char *columns; /* in the order of fields */
    const char *get;     /* by id; NULL: has none */
    const struct field *fields;
    size_t n_fields, size; /* of its row */
};

extern const struct recovery_shape recovery_shapes[RECOVERY_TABLES];

/* Bind a row to the statement of its shape's `insert`. */
void recovery_bind(sqlite3_stmt *s, enum recovery_table table, const void *row);
/* A row of `columns`, zeroed first; texts in arena. */
void recovery_row(sqlite3_stmt *s, enum recovery_table table, struct arena *arena,
                  void *ret_row);
/* A copy with its texts in arena. */
void recovery_copy(enum recovery_table table, struct arena *arena, const void *row,
                   void *ret_row);

#endif
