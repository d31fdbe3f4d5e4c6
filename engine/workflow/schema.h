/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_SCHEMA_H
#define SIGNALBOX_WORKFLOW_SCHEMA_H

/*
 * Schema: tables that say which fields a YAML file has; one decoder for all of them.
 *
 * A schema is a const array of rows: name, type, where the value goes, range, default,
 * help. The same rows decode a file (every mistake is a finding with file, line and
 * field), give the defaults, free what was decoded, and print the tables of
 * signalbox.yaml(5). To add a field, add a row; there is no other place.
 *
 *   pipelines       engine/workflow/pipeline.c
 *   configuration   engine/control/config.c
 *
 * Ownership: decoded text, lists and commands are malloc'd and belong to the object;
 * schema_fini frees them all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/findings.h"
#include "engine/base/yaml.h"

/* X(identifier, what a person reads in messages and in the manual) */
#define FIELD_TYPE_LIST(X)                                                               \
    X(FIELD_TEXT, "text")                        /* char * */                            \
    X(FIELD_NAME, "name")                        /* char * */                            \
    X(FIELD_BRANCH, "branch")                    /* char * */                            \
    X(FIELD_PATH, "path")                        /* char *, absolute after decoding */   \
    X(FIELD_PLACE, "name or path")               /* char *, a path when it has '/' */    \
    X(FIELD_PATHS, "list of paths")              /* char **, and size_t at offset_n */   \
    X(FIELD_NAMES, "list of names")              /* likewise */                          \
    X(FIELD_TEXTS, "list of texts")              /* likewise */                          \
    X(FIELD_COMMAND, "command")                  /* struct command_spec: argv, text */   \
    X(FIELD_ENV, "map of environment variables") /* struct env_var *, size_t */          \
    X(FIELD_DURATION, "duration")                /* struct span */                       \
    X(FIELD_BYTES, "size")                       /* int64_t */                           \
    X(FIELD_INT, "number")                       /* int */                               \
    X(FIELD_BOOL, "true or false")               /* bool */                              \
    X(FIELD_WORD, "word")                        /* an enum: index into words */         \
    X(FIELD_TABLE, "map")                        /* fields of `sub` at offset */         \
    X(FIELD_STEPS, "list of steps")              /* array of `sub`, and size_t */        \
    X(FIELD_MAPS, "list of maps")                /* likewise */                          \
    X(FIELD_SHARE, "share")                      /* double, 0..1 */                      \
    X(FIELD_LINES, "lines of text")              /* char * */                            \
    X(FIELD_HOURS, "hours of a day")             /* struct hours */                      \
    X(FIELD_TIME, "time")                        /* struct wall */                       \
    X(FIELD_MONEY, "amount")                     /* int64_t, millionths: base/money.h */

enum field_type {
#define X(id, word) id,
    FIELD_TYPE_LIST(X)
#undef X
        FIELD_TYPE_COUNT
};

struct schema;

struct field {
    const char *name;
    const char *alias; /* a second name that people know from elsewhere, or NULL */
    enum field_type type;
    size_t offset;   /* in the object of this schema */
    size_t offset_n; /* lists: where the count goes */
    int64_t min,
        max; /* FIELD_INT; FIELD_DURATION in ms; FIELD_BYTES; texts: length of max */
    bool has_zero;     /* 0 is allowed below min, and means "none" */
    bool may_be_empty; /* texts: "" is allowed */
    bool is_required;
    const char *const *words; /* FIELD_WORD: NULL-terminated, in the order of the enum */
    const struct schema *sub; /* FIELD_TABLE, FIELD_STEPS */
    const char *fallback;     /* default as it would be written; NULL: zero, "", empty */
    const char *shown;        /* default as the manual says it, when not fallback */
    const char *help;         /* one sentence for the manual */
};

struct schema {
    const char *name;      /* "pipeline", "step": what messages call it */
    const char *shorthand; /* field that a plain text or list stands for, or NULL */
    size_t size;           /* of the object */
    const struct field *fields;
    size_t n_fields;
    const char *help; /* one sentence for the manual */
};

/* Fill a zeroed object with the defaults of all rows. */
void schema_init(const struct schema *schema, void *object);

/*
 * Put the values of `tree` into an object that schema_init has filled. Wrong fields are
 * added to findings and leave their default. Relative paths are taken from `folder`; NULL
 * refuses them.
 */
void schema_decode(const struct schema *schema, const char *file, const char *folder,
                   const struct yaml_tree *tree, void *object, struct findings *findings);
/* Free everything in the object, not the object itself. */
void schema_fini(const struct schema *schema, void *object);

/* One value of a field in its normal form: what stands in `object`, appended to out. False:
 * a type that has none (commands, maps, steps). */
NODISCARD bool schema_text(const struct field *field, const void *object,
                           struct buf *out);
/* The same of a text that a person wrote; false with err when it is no such value. Paths must
 * be absolute. */
NODISCARD bool schema_normal(const struct field *field, const char *text, struct buf *out,
                             struct err *err);

/* Field of that name or alias, or NULL. */
const struct field *schema_find(const struct schema *schema, const char *name);
/* "number", "list of steps", ... */
const char *field_type_word(enum field_type type);

/* "512MiB", "2GB", "4096": KiB, MiB, GiB, TiB (also K, Ki, ...) are powers of 1024, kB,
 * MB, GB, TB powers of 1000; upper and lower case are the same. False when malformed or
 * too large. */
NODISCARD bool bytes_parse(const char *text, int64_t *ret_bytes);
/* The shortest exact form: "16MiB", "2GB", "1500". */
#define BYTES_TEXT_MAX 32
const char *bytes_format(int64_t bytes, char text[BYTES_TEXT_MAX]);

/* mdoc(7) lists of all fields: one for the schema, one for each table below it. */
void schema_print_mdoc(FILE *out, const struct schema *schema);

#endif
