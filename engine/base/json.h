/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_BASE_JSON_H
#define SIGNALBOX_BASE_JSON_H

/*
 * Json: reading through jansson (its only user), writing straight into a buf.
 *
 * Reading: json_parse gives an immutable tree; every getter accepts NULL and a wrong type
 * and then gives the fallback, so that optional fields need no ladder of checks. A child
 * is borrowed from its root and lives as long. Writing: an append-only writer that places
 * commas and escapes; text that is not UTF-8 is written with U+FFFD for each bad byte, so
 * that the output is always valid (RFC 8259). What could act on a terminal is escaped, so
 * that it can be printed anywhere.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

struct json; /* a value of a parsed document */

#define JSON_DEPTH_MAX 64

/* Root of the document in text[0..len); free with json_free. Duplicate keys, trailing
 * bytes and depth above JSON_DEPTH_MAX are errors; the message has line and column. */
NODISCARD struct json *json_parse(const char *text, size_t len, struct err *err);
void json_free(struct json *root); /* roots only; accepts NULL */

const struct json *json_get(const struct json *object, const char *key); /* or NULL */
const char *json_str(const struct json *object, const char *key, const char *fallback);
int64_t json_int(const struct json *object, const char *key, int64_t fallback);
double json_num(const struct json *object, const char *key, double fallback);
bool json_bool(const struct json *object, const char *key, bool fallback);
size_t json_len(const struct json *array); /* 0 for anything but an array */
const struct json *json_at(const struct json *array, size_t index);
bool json_is_an_object(const struct json *value);
const char *json_text(const struct json *value); /* string value or NULL */
/* Equal in everything but the order of keys; a NULL is equal to nothing. */
bool json_is_same(const struct json *a, const struct json *b);
/* The value as compact JSON text, malloc'd. */
NODISCARD char *json_format(const struct json *value);
/* Walk an object: start with *iter = NULL; false at the end. */
bool json_next(const struct json *object, void **iter, const char **ret_key,
               const struct json **ret_value);

/* Writer. `struct jsonw w; jsonw_init(&w, &buf); jsonw_open(&w, NULL, '{'); ... ` Keys
 * are NULL inside arrays and at the top. */
struct jsonw {
    struct buf *buf;
    bool needs_comma;
};
void jsonw_init(struct jsonw *w, struct buf *buf);
void jsonw_open(struct jsonw *w, const char *key, char bracket);    /* '{' or '[' */
void jsonw_close(struct jsonw *w, char bracket);                    /* '}' or ']' */
void jsonw_str(struct jsonw *w, const char *key, const char *text); /* NULL text: null */
/* Bytes that are no UTF-8, and NUL, become U+FFFD. */
void jsonw_strn(struct jsonw *w, const char *key, const char *text, size_t len);
void jsonw_int(struct jsonw *w, const char *key, int64_t number);
void jsonw_num(struct jsonw *w, const char *key, double number); /* not finite: null */
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);
/* Value that is JSON already. */
void jsonw_raw(struct jsonw *w, const char *key, const char *json, size_t len);

/* Name and version of the library that reads, for a bug report. */
const char *json_library(void);

#endif
