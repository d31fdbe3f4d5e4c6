/* SPDX-License-Identifier: MIT */
/*
 * Row shape: members of a row to columns and back, from one list.
 */
#include "store/row_shape.h"

#include <math.h>

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
