/* SPDX-License-Identifier: MIT */
#include "engine/workflow/schema_decode.h"

#include <stdarg.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/workflow/schema_value.h"

#define STEPS_MAX PIPELINE_STEPS_MAX

void decode_report(struct decoder *d, const struct yaml_item *item, const char *format,
                   ...)
{
    char path[YAML_PATH_MAX], text[VALUE_WHY_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    findings_add(d->findings, d->file, item->line, yaml_item_path(item, NULL, path), "%s",
                 text);
}

void decode_report_shape(struct decoder *d, const struct field *field,
                         const struct yaml_item *item)
{
    char expected[VALUE_WHY_MAX];
    decode_report(d, item, "is %s; expected %.300s", yaml_kind_word(item->kind),
                  value_expected(field, expected));
}

/* The tables of the root that have a field of this name, as "'plan' or 'limits'"; "" when
 * there is none. People put things one level too high. */
static void find_elsewhere(const struct schema *root, const char *name, struct buf *out)
{
    const struct field *found[SCHEMA_FIELDS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < root->n_fields; i++) {
        if (root->fields[i].sub != NULL &&
            schema_find(root->fields[i].sub, name) != NULL) {
            found[n++] = &root->fields[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s'%s'",
                   i == 0       ? ""
                   : i + 1 == n ? " or "
                                : ", ",
                   found[i]->name);
    }
}

static void report_unknown(struct decoder *d, const struct schema *schema,
                           const struct yaml_item *item)
{
    const char *names[SCHEMA_FIELDS_MAX * 2] = {0};
    char path[YAML_PATH_MAX];
    yaml_item_path(item, NULL, path);
    for (size_t i = 0; i < schema->n_fields; i++) {
        names[i] = schema->fields[i].name;
        names[SCHEMA_FIELDS_MAX + i] = schema->fields[i].alias;
    }
    AUTO_BUF struct buf elsewhere;
    buf_init(&elsewhere, VALUE_WHY_MAX);
    find_elsewhere(d->root, item->key, &elsewhere);
    const char *near = value_nearest(item->key, names, ARRAY_LEN(names));
    if (elsewhere.len > 0 && schema == d->root) {
        findings_add(d->findings, d->file, item->key_line, path,
                     "unknown here; it belongs into %s", elsewhere.data);
    } else if (near != NULL) {
        findings_add(d->findings, d->file, item->key_line, path,
                     "unknown field; did you mean '%s'?", near);
    } else if (schema_find(d->root, item->key) != NULL) {
        findings_add(d->findings, d->file, item->key_line, path,
                     "unknown here; it belongs to the top level (check the indentation)");
    } else {
        AUTO_BUF struct buf list;
        buf_init(&list, VALUE_WHY_MAX);
        for (size_t i = 0; i < schema->n_fields; i++) {
            buf_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
        }
        findings_add(d->findings, d->file, item->key_line, path,
                     "unknown field; expected one of %s", list.data);
    }
}

static void decode_steps(struct decoder *d, const struct field *field,
                         const struct yaml_item *item, void *object)
{
    if (item->kind != YAML_LIST || item->n > STEPS_MAX) {
        if (item->kind != YAML_LIST) {
            decode_report_shape(d, field, item);
        } else {
            decode_report(d, item, "%zu %s; expected at most %d", item->n,
                          field->type == FIELD_STEPS ? "steps" : "entries", STEPS_MAX);
        }
        return;
    }
    char *rows = item->n > 0 ? mem_array(item->n, field->sub->size) : NULL;
    schema_set_list(field, object, rows, item->n);
    for (const struct yaml_item *step = item->first; step != NULL; step = step->next) {
        void *row = slot_of(rows, step->index * field->sub->size);
        schema_init(field->sub, row);
        todo_add(&d->todo,
                 (struct todo){.schema = field->sub, .item = step, .object = row});
    }
}

static void decode_value(struct decoder *d, const struct field *field,
                         const struct yaml_item *item, void *object)
{
    void *slot = slot_of(object, field->offset);
    char why[VALUE_WHY_MAX];
    if (item->kind == YAML_NULL ||
        (value_is_text(field->type) && item->kind != YAML_SCALAR)) {
        decode_report_shape(d, field, item);
    } else if (field->type == FIELD_TABLE) {
        todo_add(&d->todo,
                 (struct todo){.schema = field->sub, .item = item, .object = slot});
    } else if (field->type == FIELD_COMMAND) {
        decode_command(d, field, item, slot);
    } else if (field->type == FIELD_ENV) {
        decode_env(d, field, item, object);
    } else if (field->type == FIELD_PATHS || field->type == FIELD_NAMES ||
               field->type == FIELD_TEXTS) {
        decode_texts(d, field, item, object);
    } else if (field->type == FIELD_STEPS || field->type == FIELD_MAPS) {
        decode_steps(d, field, item, object);
    } else if (!value_from_text(field, d->folder, item->text, item->len, slot, why)) {
        decode_report(d, item, "%s", why);
    }
}

/* A step or table written as a plain text or list stands for its main field. */
static void decode_shorthand(struct decoder *d, struct todo at)
{
    const struct field self = {.name = "", .type = FIELD_TABLE, .sub = at.schema};
    const struct field *field = at.schema->shorthand != NULL
                                    ? schema_find(at.schema, at.schema->shorthand)
                                    : NULL;
    bool is_fit =
        field != NULL && (at.item->kind == YAML_SCALAR ||
                          (at.item->kind == YAML_LIST && field->type == FIELD_COMMAND));
    if (is_fit) {
        decode_value(d, field, at.item, at.object);
    } else {
        decode_report_shape(d, &self, at.item);
    }
}

static void decode_map(struct decoder *d, struct todo at)
{
    const struct yaml_item *seen[SCHEMA_FIELDS_MAX] = {0};
    if (at.schema->n_fields > SCHEMA_FIELDS_MAX) {
        BUG("more fields than SCHEMA_FIELDS_MAX");
    }
    for (const struct yaml_item *item = at.item->first; item != NULL; item = item->next) {
        const struct field *field = schema_find(at.schema, item->key);
        if (field == NULL) {
            report_unknown(d, at.schema, item);
            continue;
        }
        const struct yaml_item **before = &seen[field - at.schema->fields];
        if (*before != NULL) {
            decode_report(d, item, "another name for '%s', which line %d has",
                          (*before)->key, (*before)->key_line);
            continue;
        }
        *before = item;
        decode_value(d, field, item, at.object);
    }
    for (size_t i = 0; i < at.schema->n_fields && !d->is_partial; i++) {
        const struct field *field = &at.schema->fields[i];
        char path[YAML_PATH_MAX], expected[VALUE_WHY_MAX];
        if (field->is_required && seen[i] == NULL) {
            findings_add(d->findings, d->file, at.item->line,
                         yaml_item_path(at.item, field->name, path),
                         "missing; expected %s", value_expected(field, expected));
        }
    }
}

void schema_decode(const struct schema *schema, const char *file, const char *folder,
                   const struct yaml_tree *tree, void *object, struct findings *findings)
{
    struct decoder d = {.root = schema,
                        .file = file,
                        .folder = folder,
                        .findings = findings,
                        .is_partial = tree->is_partial};
    const struct yaml_item *root = tree->root;
    if (root == NULL || root->kind != YAML_MAP) {
        if (!tree->is_partial) {
            findings_add(findings, file, root != NULL ? root->line : 1, "",
                         "%s; expected the fields of a %s, 'field: value' on each line",
                         root == NULL || root->kind == YAML_NULL ? "the file is empty"
                         : root->kind == YAML_LIST               ? "the file is a list"
                                                   : "the file is only text",
                         schema->name);
        }
        return;
    }
    todo_add(&d.todo, (struct todo){.schema = schema, .item = root, .object = object});
    while (d.todo.n > 0) {
        struct todo at = d.todo.rows[--d.todo.n];
        if (at.item->kind == YAML_MAP) {
            decode_map(&d, at);
        } else {
            decode_shorthand(&d, at);
        }
    }
    free(d.todo.rows);
}
