/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_WORKFLOW_SCHEMA_DECODE_H
#define SIGNALBOX_WORKFLOW_SCHEMA_DECODE_H

/*
 * Schema decode: what schema*.c share among themselves.
 *
 * Tables nest, functions do not: what waits is on a list, and so no input decides how
 * deep the stack grows.
 */

#include "engine/base/compiler.h"
#include "engine/workflow/pipeline.h"
#include "engine/workflow/schema.h"

#define SCHEMA_FIELDS_MAX 24 /* rows of one schema */

struct todo {
    const struct schema *schema;
    const struct yaml_item *item;
    void *object;
    void *garbage; /* schema_fini: freed instead */
};

/* Last in, first out. All zero is empty; free(rows) at the end. */
struct todo_list {
    struct todo *rows;
    size_t n, cap;
};

struct decoder {
    const struct schema *root;
    const char *file, *folder;
    struct findings *findings;
    struct todo_list todo;
    bool is_partial;
};

void todo_add(struct todo_list *list, struct todo todo);

static inline void *slot_of(void *object, size_t offset)
{
    return (char *)object + offset;
}

/* The pointer and count of a list field. */
void *schema_get_list(const struct field *field, void *object, size_t *ret_n);
void schema_set_list(const struct field *field, void *object, void *rows, size_t n);

void schema_free_command(struct command_spec *command);
void schema_free_env(struct env_var *env, size_t n);
void schema_free_texts(char **texts, size_t n);

/* A finding at item. */
void decode_report(struct decoder *d, const struct yaml_item *item, const char *format,
                   ...) PRINTF_LIKE(3, 4);
/* "is a list; expected ..." */
void decode_report_shape(struct decoder *d, const struct field *field,
                         const struct yaml_item *item);

/* Values of several texts. What is wrong is reported and leaves the field as it was. */
void decode_command(struct decoder *d, const struct field *field,
                    const struct yaml_item *item, struct command_spec *command);
void decode_env(struct decoder *d, const struct field *field,
                const struct yaml_item *item, void *object);
void decode_texts(struct decoder *d, const struct field *field,
                  const struct yaml_item *item, void *object);

#endif
