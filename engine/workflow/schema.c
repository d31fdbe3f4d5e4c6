/* SPDX-License-Identifier: MIT */
#include "engine/workflow/schema.h"

#include <ctype.h>
#include <stdarg.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/workflow/pipeline.h"
#include "engine/workflow/schema_value.h"

#define FIELDS_MAX    24 /* rows of one schema */
#define STEPS_MAX     PIPELINE_STEPS_MAX
#define WORDS_MAX     256 /* of a command that is a list */
#define ENV_MAX       256
#define PATHS_MAX     64
#define COMMAND_MAX   (96 * 1024) /* the kernel takes 128 KiB per argument */
#define ENV_VALUE_MAX (32 * 1024)

/*
 * Tables nest, functions do not: what waits is on a list, and so a schema may be as deep
 * as it likes.
 */
struct todo {
    const struct schema *schema;
    const struct yaml_item *item;
    void *object;
    void *garbage; /* schema_fini: freed instead */
};

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

static void todo_add(struct todo_list *list, struct todo todo)
{
    if (list->n == list->cap) {
        list->cap = list->cap > 0 ? list->cap * 2 : 16;
        list->rows = mem_grow(list->rows, list->cap, sizeof(*list->rows));
    }
    list->rows[list->n++] = todo;
}

static void *slot_of(void *object, size_t offset)
{
    return (char *)object + offset;
}

static void set_list(const struct field *field, void *object, void *rows, size_t n)
{
    memcpy(slot_of(object, field->offset), &rows, sizeof(rows));
    memcpy(slot_of(object, field->offset_n), &n, sizeof(n));
}

static void *get_list(const struct field *field, void *object, size_t *ret_n)
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

static void free_command(struct command_spec *command)
{
    for (size_t i = 0; command->argv != NULL && command->argv[i] != NULL; i++) {
        free(command->argv[i]);
    }
    free(command->argv);
    free(command->text);
    command->argv = NULL;
    command->text = NULL;
}

static void free_env(struct env_var *env, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(env[i].name);
        free(env[i].value);
    }
    free(env);
}

static void free_texts(char **texts, size_t n)
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
        memcpy(&rows, slot, sizeof(rows));
        free(rows);
        memset(slot, 0, sizeof(rows));
        break;
    case FIELD_COMMAND:
        free_command(slot);
        break;
    case FIELD_PATHS:
        rows = get_list(field, object, &n);
        free_texts(rows, n);
        set_list(field, object, NULL, 0);
        break;
    case FIELD_ENV:
        rows = get_list(field, object, &n);
        free_env(rows, n);
        set_list(field, object, NULL, 0);
        break;
    case FIELD_TABLE:
        todo_add(todo, (struct todo){.schema = field->sub, .object = slot});
        break;
    case FIELD_STEPS:
        rows = get_list(field, object, &n);
        todo_add(todo, (struct todo){.garbage =
                                         rows}); /* last in, first out: after its steps */
        for (size_t i = 0; i < n; i++) {
            todo_add(todo, (struct todo){.schema = field->sub,
                                         .object = slot_of(rows, i * field->sub->size)});
        }
        set_list(field, object, NULL, 0);
        break;
    case FIELD_DURATION:
    case FIELD_BYTES:
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_WORD:
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

/* Findings */

static void report(struct decoder *d, const struct yaml_item *item, const char *format,
                   ...) PRINTF_LIKE(3, 4);

static void report(struct decoder *d, const struct yaml_item *item, const char *format,
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

static void report_shape(struct decoder *d, const struct field *field,
                         const struct yaml_item *item)
{
    char expected[VALUE_WHY_MAX];
    report(d, item, "is %s; expected %.300s", yaml_kind_word(item->kind),
           value_expected(field, expected));
}

/* The table of the root that has a field of this name, or NULL: people put things one
 * level too high or too low. */
static const struct field *find_elsewhere(const struct schema *root, const char *name)
{
    for (size_t i = 0; i < root->n_fields; i++) {
        const struct field *field = &root->fields[i];
        if (field->type == FIELD_TABLE && schema_find(field->sub, name) != NULL) {
            return field;
        }
    }
    return NULL;
}

static void report_unknown(struct decoder *d, const struct schema *schema,
                           const struct yaml_item *item)
{
    const char *names[FIELDS_MAX * 2] = {0};
    char path[YAML_PATH_MAX];
    yaml_item_path(item, NULL, path);
    for (size_t i = 0; i < schema->n_fields; i++) {
        names[i] = schema->fields[i].name;
        names[FIELDS_MAX + i] = schema->fields[i].alias;
    }
    const struct field *elsewhere = find_elsewhere(d->root, item->key);
    const char *near = value_nearest(item->key, names, ARRAY_LEN(names));
    if (elsewhere != NULL && schema == d->root) {
        findings_add(d->findings, d->file, item->key_line, path,
                     "unknown here; it belongs into '%s'", elsewhere->name);
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

/* Values of several texts */

static bool is_good_word(struct decoder *d, const struct yaml_item *item, size_t max,
                         const char *expected)
{
    if (item->kind != YAML_SCALAR) {
        report(d, item, "is %s; expected %s", yaml_kind_word(item->kind), expected);
    } else if (strlen(item->text) != item->len) {
        report(d, item, "holds a NUL character; expected %s", expected);
    } else if (item->len > max) {
        report(d, item, "%zu bytes; expected at most %zu", item->len, max);
    } else {
        return true;
    }
    return false;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* For people: a list as one would type it. */
static char *join_words(char *const *argv)
{
    AUTO_BUF struct buf buf;
    buf_init(&buf, COMMAND_MAX);
    for (size_t i = 0; argv[i] != NULL; i++) {
        bool is_plain = argv[i][0] != '\0';
        for (const char *c = argv[i]; *c != '\0'; c++) {
            is_plain =
                is_plain && (isalnum((unsigned char)*c) || strchr("%+,-./:=@_", *c));
        }
        buf_printf(&buf, "%s%s%s%s", i > 0 ? " " : "", is_plain ? "" : "'", argv[i],
                   is_plain ? "" : "'");
    }
    return buf_take(&buf, NULL);
}

static void set_command(struct decoder *d, const struct field *field,
                        const struct yaml_item *item, struct command_spec *command)
{
    static const char expected[] = "a command, as text or as a list of words";
    char **argv = NULL, *text = NULL;
    if (item->kind == YAML_SCALAR) {
        if (!is_good_word(d, item, COMMAND_MAX, expected)) {
            return;
        }
        if (is_blank(item->text)) {
            report(d, item, "is empty; expected %s", expected);
            return;
        }
        argv = mem_array(4, sizeof(*argv));
        argv[0] = mem_str("/bin/sh");
        argv[1] = mem_str("-c");
        argv[2] = mem_str(item->text);
        size_t len =
            item->len; /* "|" blocks end in a newline that is not worth showing */
        while (strchr("\r\n \t", item->text[len - 1]) != NULL) {
            len--;
        }
        text = mem_strn(item->text, len);
    } else if (item->kind == YAML_LIST) {
        bool is_good = true;
        size_t n = 0, len = 0;
        if (item->n == 0 || item->n > WORDS_MAX) {
            report(d, item, "a command of %zu words; expected 1 to %d", item->n,
                   WORDS_MAX);
            return;
        }
        for (const struct yaml_item *word = item->first; word != NULL;
             word = word->next) {
            is_good =
                is_good_word(d, word, COMMAND_MAX, "a word of a command") && is_good;
            len += word->len;
        }
        if (is_good && (item->first->len == 0 || len > COMMAND_MAX)) {
            report(d, item,
                   item->first->len == 0 ? "the program's name is empty; expected %s"
                                         : "a command too long; expected %s",
                   expected);
            return;
        }
        if (!is_good) {
            return;
        }
        argv = mem_array(item->n + 1, sizeof(*argv));
        for (const struct yaml_item *word = item->first; word != NULL;
             word = word->next) {
            argv[n++] = mem_str(word->text);
        }
        text = join_words(argv);
    } else {
        report_shape(d, field, item);
        return;
    }
    free_command(command);
    command->argv = argv;
    command->text = text;
}

static bool is_env_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        bool is_digit = *c >= '0' && *c <= '9';
        bool is_letter =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!is_letter && !(is_digit && c > name)) {
            return false;
        }
    }
    return *name != '\0';
}

static void set_env(struct decoder *d, const struct field *field,
                    const struct yaml_item *item, void *object)
{
    if (item->kind != YAML_MAP || item->n > ENV_MAX) {
        if (item->kind != YAML_MAP) {
            report_shape(d, field, item);
        } else {
            report(d, item, "%zu variables; expected at most %d", item->n, ENV_MAX);
        }
        return;
    }
    struct env_var *env = mem_array(item->n, sizeof(*env));
    size_t n = 0;
    for (const struct yaml_item *var = item->first; var != NULL; var = var->next) {
        if (!is_env_name(var->key)) {
            report(d, var,
                   "is no name of a variable; expected letters, digits and _, "
                   "a letter or _ first");
        } else if (is_good_word(d, var, ENV_VALUE_MAX, "text (\"\" for none)")) {
            env[n++] = (struct env_var){mem_str(var->key), mem_str(var->text)};
        }
    }
    size_t n_old = 0;
    struct env_var *old = get_list(field, object, &n_old);
    free_env(old, n_old);
    set_list(field, object, env, n);
}

static void set_paths(struct decoder *d, const struct field *field,
                      const struct yaml_item *item, void *object)
{
    static const struct field one = {.name = "", .type = FIELD_PATH};
    if (item->kind != YAML_LIST || item->n > PATHS_MAX) {
        if (item->kind != YAML_LIST) {
            report_shape(d, field, item);
        } else {
            report(d, item, "%zu paths; expected at most %d", item->n, PATHS_MAX);
        }
        return;
    }
    char **paths = mem_array(item->n, sizeof(*paths));
    size_t n = 0;
    for (const struct yaml_item *path = item->first; path != NULL; path = path->next) {
        char why[VALUE_WHY_MAX];
        if (path->kind != YAML_SCALAR) {
            report_shape(d, &one, path);
        } else if (!value_from_text(&one, d->folder, path->text, path->len, &paths[n],
                                    why)) {
            report(d, path, "%s", why);
        } else {
            n++;
        }
    }
    size_t n_old = 0;
    char **old = get_list(field, object, &n_old);
    free_texts(old, n_old);
    set_list(field, object, paths, n);
}

/* Decoding */

static void decode_steps(struct decoder *d, const struct field *field,
                         const struct yaml_item *item, void *object)
{
    if (item->kind != YAML_LIST || item->n > STEPS_MAX) {
        if (item->kind != YAML_LIST) {
            report_shape(d, field, item);
        } else {
            report(d, item, "%zu steps; expected at most %d", item->n, STEPS_MAX);
        }
        return;
    }
    char *rows = item->n > 0 ? mem_array(item->n, field->sub->size) : NULL;
    set_list(field, object, rows, item->n);
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
    if (item->kind == YAML_NULL) {
        report_shape(d, field, item);
    } else if (field->type == FIELD_TABLE) {
        todo_add(&d->todo,
                 (struct todo){.schema = field->sub, .item = item, .object = slot});
    } else if (field->type == FIELD_COMMAND) {
        set_command(d, field, item, slot);
    } else if (field->type == FIELD_ENV) {
        set_env(d, field, item, object);
    } else if (field->type == FIELD_PATHS) {
        set_paths(d, field, item, object);
    } else if (field->type == FIELD_STEPS) {
        decode_steps(d, field, item, object);
    } else if (item->kind != YAML_SCALAR) {
        report_shape(d, field, item);
    } else if (!value_from_text(field, d->folder, item->text, item->len, slot, why)) {
        report(d, item, "%s", why);
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
        report_shape(d, &self, at.item);
    }
}

static void decode_map(struct decoder *d, struct todo at)
{
    const struct yaml_item *seen[FIELDS_MAX] = {0};
    if (at.schema->n_fields > FIELDS_MAX) {
        BUG("more fields than FIELDS_MAX");
    }
    for (const struct yaml_item *item = at.item->first; item != NULL; item = item->next) {
        const struct field *field = schema_find(at.schema, item->key);
        if (field == NULL) {
            report_unknown(d, at.schema, item);
            continue;
        }
        const struct yaml_item **before = &seen[field - at.schema->fields];
        if (*before != NULL) {
            report(d, item, "another name for '%s', which line %d has", (*before)->key,
                   (*before)->key_line);
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
            findings_add(findings, file, root != NULL ? root->line : 0, "",
                         "%s; expected the fields of a %s, like 'name: value'",
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
