/* SPDX-License-Identifier: MIT */
#include "engine/workflow/schema.h"

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/workflow/schema_decode.h"
#include "engine/workflow/schema_value.h"

void todo_add(struct todo_list *list, struct todo todo)
{
    if (list->n == list->cap) {
        list->cap = list->cap > 0 ? list->cap * 2 : 16;
        list->rows = mem_grow(list->rows, list->cap, sizeof(*list->rows));
    }
    list->rows[list->n++] = todo;
}

void schema_set_list(const struct field *field, void *object, void *rows, size_t n)
{
    memcpy(slot_of(object, field->offset), &rows, sizeof(rows));
    memcpy(slot_of(object, field->offset_n), &n, sizeof(n));
}

void *schema_get_list(const struct field *field, void *object, size_t *ret_n)
{
    void *rows = NULL;
    memcpy(&rows, slot_of(object, field->offset), sizeof(rows));
    memcpy(ret_n, slot_of(object, field->offset_n), sizeof(*ret_n));
    return rows;
}

/* Rows */

const struct field *schema_find(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct field *field = &schema->fields[i];
        if (strcmp(field->name, name) == 0 ||
            (field->alias != NULL && strcmp(field->alias, name) == 0)) {
            return field;
        }
    }
    return NULL;
}

const char *field_type_word(enum field_type type)
{
    static const char *const words[] = {
#define X(id, word) [id] = word,
        FIELD_TYPE_LIST(X)
#undef X
    };
    return words[type];
}

void schema_init(const struct schema *schema, void *object)
{
    struct todo_list todo = {0};
    todo_add(&todo, (struct todo){.schema = schema, .object = object});
    while (todo.n > 0) {
        struct todo at = todo.rows[--todo.n];
        for (size_t i = 0; i < at.schema->n_fields; i++) {
            const struct field *field = &at.schema->fields[i];
            void *slot = slot_of(at.object, field->offset);
            char why[VALUE_WHY_MAX];
            if (field->type == FIELD_TABLE) {
                todo_add(&todo, (struct todo){.schema = field->sub, .object = slot});
            } else if (field->fallback != NULL &&
                       !value_from_text(field, NULL, field->fallback,
                                        strlen(field->fallback), slot, why)) {
                BUG(why);
            }
        }
    }
    free(todo.rows);
}

/* Freeing */

void schema_free_command(struct command_spec *command)
{
    for (size_t i = 0; command->argv != NULL && command->argv[i] != NULL; i++) {
        free(command->argv[i]);
    }
    free(command->argv);
    free(command->text);
    command->argv = NULL;
    command->text = NULL;
}

void schema_free_env(struct env_var *env, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(env[i].name);
        free(env[i].value);
    }
    free(env);
}

void schema_free_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(texts[i]);
    }
    free(texts);
}

static void fini_field(const struct field *field, void *object, struct todo_list *todo)
{
    void *slot = slot_of(object, field->offset);
    size_t n = 0;
    void *rows = NULL;
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_BRANCH:
    case FIELD_PATH:
    case FIELD_PLACE:
    case FIELD_LINES:
        memcpy(&rows, slot, sizeof(rows));
        free(rows);
        memset(slot, 0, sizeof(rows));
        break;
    case FIELD_COMMAND:
        schema_free_command(slot);
        break;
    case FIELD_PATHS:
    case FIELD_NAMES:
    case FIELD_TEXTS:
        rows = schema_get_list(field, object, &n);
        schema_free_texts(rows, n);
        schema_set_list(field, object, NULL, 0);
        break;
    case FIELD_ENV:
        rows = schema_get_list(field, object, &n);
        schema_free_env(rows, n);
        schema_set_list(field, object, NULL, 0);
        break;
    case FIELD_TABLE:
        todo_add(todo, (struct todo){.schema = field->sub, .object = slot});
        break;
    case FIELD_STEPS:
    case FIELD_MAPS:
        rows = schema_get_list(field, object, &n);
        todo_add(todo, (struct todo){.garbage =
                                         rows}); /* last in, first out: after its steps */
        for (size_t i = 0; i < n; i++) {
            todo_add(todo, (struct todo){.schema = field->sub,
                                         .object = slot_of(rows, i * field->sub->size)});
        }
        schema_set_list(field, object, NULL, 0);
        break;
    case FIELD_DURATION:
    case FIELD_BYTES:
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_WORD:
    case FIELD_SHARE:
    case FIELD_HOURS:
    case FIELD_TIME:
    case FIELD_MONEY:
    case FIELD_TYPE_COUNT:
        break;
    }
}

void schema_fini(const struct schema *schema, void *object)
{
    struct todo_list todo = {0};
    todo_add(&todo, (struct todo){.schema = schema, .object = object});
    while (todo.n > 0) {
        struct todo at = todo.rows[--todo.n];
        if (at.schema == NULL) {
            free(at.garbage);
            continue;
        }
        for (size_t i = 0; i < at.schema->n_fields; i++) {
            fini_field(&at.schema->fields[i], at.object, &todo);
        }
    }
    free(todo.rows);
}
