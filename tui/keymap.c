/* SPDX-License-Identifier: MIT */
#include "tui/keymap.h"

#include "engine/base/asset.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

struct binding {
    uint32_t key;
    enum action action;
    int order; /* of the line in its file: help shows keys as they were written */
};

struct table {
    struct binding *rows; /* by order of arrival */
    size_t n;
    enum context parent; /* itself: none */
};

struct keymap {
    struct table tables[CONTEXT_COUNT];
};

static void table_set(struct table *table, uint32_t key, enum action action, int order)
{
    for (size_t i = 0; i < table->n; i++) {
        if (table->rows[i].key == key) {
            table->rows[i].action = action;
            table->rows[i].order = order;
            return;
        }
    }
    if ((table->n & (table->n - 1)) == 0) {
        table->rows =
            mem_grow(table->rows, table->n > 0 ? table->n * 2 : 1, sizeof(*table->rows));
    }
    table->rows[table->n++] =
        (struct binding){.key = key, .action = action, .order = order};
}

static struct keymap *keymap_copy(const struct keymap *keymap)
{
    struct keymap *copy = mem_alloc(sizeof(*copy));
    for (int i = 0; i < CONTEXT_COUNT; i++) {
        const struct table *from = &keymap->tables[i];
        copy->tables[i].parent = from->parent;
        for (size_t j = 0; j < from->n; j++) {
            table_set(&copy->tables[i], from->rows[j].key, from->rows[j].action,
                      from->rows[j].order);
        }
    }
    return copy;
}

void keymap_free(struct keymap *keymap)
{
    if (keymap != NULL) {
        for (int i = 0; i < CONTEXT_COUNT; i++) {
            free(keymap->tables[i].rows);
        }
        free(keymap);
    }
}

struct keymap *keymap_new(void)
{
    struct keymap *keymap = mem_alloc(sizeof(*keymap));
    for (int i = 0; i < CONTEXT_COUNT; i++) {
        keymap->tables[i].parent = (enum context)i;
    }
    const struct asset *asset = asset_find("tui/default.keys");
    struct findings findings;
    findings_init(&findings);
    if (asset == NULL ||
        !keymap_add(keymap, asset->name, asset->data, asset->len, &findings)) {
        BUG("default.keys has a mistake"); /* test_keymap shows which */
    }
    findings_fini(&findings);
    return keymap;
}

/* ---- parsing ---- */

#define LINE_MAX_BYTES 512

struct parser {
    const char *file;
    int line;
    struct findings *findings;
    bool is_bad;
    struct keymap *keymap; /* the copy that is built */
    enum context context;
    bool has_context;
    struct binding *seen[CONTEXT_COUNT]; /* of this file, for keys given twice */
    size_t n_seen[CONTEXT_COUNT];
};

#define COMPLAIN(p, field, ...)                                                          \
    do {                                                                                 \
        (p)->is_bad = true;                                                              \
        findings_add((p)->findings, (p)->file, (p)->line, field, __VA_ARGS__);           \
    } while (0)

static char *trim(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL) {
        text[--len] = '\0';
    }
    return text + strspn(text, " \t\r");
}

static bool makes_loop(const struct keymap *keymap, enum context child,
                       enum context parent)
{
    for (int i = 0; i <= CONTEXT_COUNT; i++) {
        if (parent == child) {
            return true;
        }
        enum context next = keymap->tables[parent].parent;
        if (next == parent) {
            return false;
        }
        parent = next;
    }
    return true;
}

static void parse_context(struct parser *p, char *text)
{
    enum context context;
    enum context parent;
    char *colon = strchr(text, ':');
    char *parent_name = NULL;
    if (colon != NULL) {
        *colon = '\0';
        parent_name = trim(colon + 1);
    }
    char *name = trim(text);
    p->has_context = false;
    if (!context_find(name, &context)) {
        COMPLAIN(p, "context", "'%s' is no context; signalbox-keys(7) lists them", name);
        return;
    }
    p->context = context;
    p->has_context = true;
    if (parent_name == NULL) {
        return;
    }
    if (!context_find(parent_name, &parent)) {
        COMPLAIN(p, "context", "'%s' is no context; signalbox-keys(7) lists them",
                 parent_name);
    } else if (makes_loop(p->keymap, context, parent)) {
        COMPLAIN(p, "context", "'%s' cannot look further in '%s': that would never end",
                 name, parent_name);
    } else {
        p->keymap->tables[context].parent = parent;
    }
}

static bool is_seen(struct parser *p, uint32_t key)
{
    size_t n = p->n_seen[p->context];
    for (size_t i = 0; i < n; i++) {
        if (p->seen[p->context][i].key == key) {
            return true;
        }
    }
    p->seen[p->context] = mem_grow(p->seen[p->context], n + 1, sizeof(struct binding));
    p->seen[p->context][n] = (struct binding){.key = key};
    p->n_seen[p->context]++;
    return false;
}

static void parse_key(struct parser *p, char *text, enum action action)
{
    uint32_t key;
    char *name = trim(text);
    if (!key_parse(name, &key)) {
        COMPLAIN(p, name, "is no key; expected a character, <Name> or <C-x>, <A-x>");
    } else if (is_seen(p, key)) {
        COMPLAIN(p, name, "is bound twice in context %s", context_name(p->context));
    } else {
        table_set(&p->keymap->tables[p->context], key, action, p->line);
    }
}

static void parse_binding(struct parser *p, char *text)
{
    enum action action;
    char *name = text + strlen(text);
    while (name > text && name[-1] != ' ' && name[-1] != '\t') {
        name--;
    }
    if (name == text) {
        COMPLAIN(p, "", "expected: keys, then an action");
        return;
    }
    name[-1] = '\0';
    if (!p->has_context) {
        COMPLAIN(p, "", "expected 'context NAME' before the first key");
        return;
    }
    if (!action_find(name, &action)) {
        COMPLAIN(p, text, "'%s' is no action; signalbox-keys(7) lists them", name);
        return;
    }
    char *rest = text;
    while (rest != NULL) {
        char *comma = strchr(rest, ',');
        char *next = comma != NULL ? comma + 1 : NULL;
        if (comma != NULL) {
            *comma = '\0';
        }
        parse_key(p, rest, action);
        rest = next;
    }
}

static void parse_line(struct parser *p, const char *line, size_t len)
{
    char copy[LINE_MAX_BYTES];
    if (len >= sizeof(copy) || !text_is_utf8(line, len) ||
        memchr(line, '\0', len) != NULL) {
        COMPLAIN(p, "", "is no text, or longer than %d bytes", LINE_MAX_BYTES - 1);
        return;
    }
    memcpy(copy, line, len);
    copy[len] = '\0';
    char *text = trim(copy);
    if (text[0] == '\0' || text[0] == '#') {
        return;
    }
    if (strncmp(text, "context", 7) == 0 && (text[7] == ' ' || text[7] == '\t')) {
        parse_context(p, text + 8);
    } else {
        parse_binding(p, text);
    }
}

bool keymap_add(struct keymap *keymap, const char *file, const char *text, size_t len,
                struct findings *findings)
{
    struct parser p = {.file = file, .findings = findings, .keymap = keymap_copy(keymap)};
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t size = end != NULL ? (size_t)(end - (text + at)) : len - at;
        p.line++;
        parse_line(&p, text + at, size);
        at += size + 1;
    }
    for (int i = 0; i < CONTEXT_COUNT; i++) {
        free(p.seen[i]);
    }
    if (!p.is_bad) {
        struct keymap old = *keymap;
        *keymap = *p.keymap;
        *p.keymap = old;
    }
    keymap_free(p.keymap);
    return !p.is_bad;
}

bool keymap_load(struct keymap *keymap, const char *path, struct findings *findings)
{
    AUTO_FREE char *data = NULL;
    size_t len;
    struct err err = ERR_INIT;
    if (!file_read(path, KEYMAP_FILE_MAX, &data, &len, &err)) {
        findings_add(findings, path, 0, "", "%s", err.msg);
        return false;
    }
    return keymap_add(keymap, path, data, len, findings);
}

/* ---- looking up ---- */

enum action keymap_find(const struct keymap *keymap, enum context context, uint32_t key)
{
    for (;;) {
        const struct table *table = &keymap->tables[context];
        for (size_t i = 0; i < table->n; i++) {
            if (table->rows[i].key == key) {
                return table->rows[i].action;
            }
        }
        if (table->parent == context) {
            return ACTION_NONE;
        }
        context = table->parent;
    }
}

enum context keymap_parent(const struct keymap *keymap, enum context context)
{
    return keymap->tables[context].parent;
}

const char *keymap_label(const struct keymap *keymap, enum context context,
                         enum action action, char out[KEY_TEXT_MAX])
{
    enum context at = context;
    for (;;) {
        const struct table *table = &keymap->tables[at];
        const struct binding *best = NULL;
        for (size_t i = 0; i < table->n; i++) {
            const struct binding *row = &table->rows[i];
            if (row->action == action && (best == NULL || row->order < best->order) &&
                keymap_find(keymap, context, row->key) == action) {
                best = row;
            }
        }
        if (best != NULL) {
            return key_label(best->key, out);
        }
        if (table->parent == at) {
            out[0] = '\0';
            return out;
        }
        at = table->parent;
    }
}

const char *keymap_labels(const struct keymap *keymap, enum context context,
                          enum action action, char *out, size_t cap)
{
    const struct table *table = &keymap->tables[context];
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < table->n; i++) {
        char label[KEY_TEXT_MAX];
        if (table->rows[i].action != action) {
            continue;
        }
        (void)key_label(table->rows[i].key, label);
        if (len + strlen(label) + 2 > cap) {
            break;
        }
        int n = snprintf(out + len, cap - len, "%s%s", len > 0 ? " " : "", label);
        len += (size_t)n;
    }
    return out;
}

bool keymap_row(const struct keymap *keymap, enum context context, size_t index,
                uint32_t *ret_key, enum action *ret_action)
{
    const struct table *table = &keymap->tables[context];
    if (index >= table->n) {
        return false;
    }
    *ret_key = table->rows[index].key;
    *ret_action = table->rows[index].action;
    return true;
}

/* ---- manual ---- */

static void print_label(FILE *out, const char *label)
{
    for (const char *p = label; *p != '\0'; p++) {
        if (strchr("\\", *p) != NULL) {
            (void)fputs("\\e", out);
        } else if (strchr("-^~'`.,:;|()[]?!\"", *p) != NULL) {
            (void)fprintf(out, "\\&%s%c", *p == '-' ? "\\" : "", *p);
        } else {
            (void)fputc(*p, out);
        }
    }
}

static void print_context(const struct keymap *keymap, enum context context, FILE *out)
{
    const struct table *table = &keymap->tables[context];
    (void)fprintf(out, ".Ss %s\n%s.\n", context_name(context), context_help(context));
    if (table->parent != context) {
        (void)fprintf(out, "Looks further in\n.Cm %s .\n", context_name(table->parent));
    }
    if (table->n == 0) {
        return;
    }
    (void)fputs(".Bl -tag -width \"previous-panel\" -compact\n", out);
    for (int i = ACTION_NONE + 1; i < ACTION_COUNT; i++) {
        bool is_first = true;
        for (size_t j = 0; j < table->n; j++) {
            char label[KEY_TEXT_MAX];
            if (table->rows[j].action != (enum action)i) {
                continue;
            }
            (void)fputs(is_first ? ".It Ic " : " , Ic ", out);
            print_label(out, key_label(table->rows[j].key, label));
            is_first = false;
        }
        if (!is_first) {
            (void)fprintf(out, "\n%s\n.Pq Cm %s .\n", action_help((enum action)i),
                          action_name((enum action)i));
        }
    }
    (void)fputs(".El\n", out);
}

void keymap_print_mdoc(FILE *out)
{
    struct keymap *keymap = keymap_new();
    for (int i = 0; i < CONTEXT_COUNT; i++) {
        print_context(keymap, (enum context)i, out);
    }
    keymap_free(keymap);
}
