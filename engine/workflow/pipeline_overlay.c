/* SPDX-License-Identifier: MIT */

/*
 * The second map of a stored pipeline: what differs from the file that was submitted. It is
 * decoded with the rows of the pipeline's own schema, so types, ranges and messages are the
 * same; which rows may stand there is one list.
 */

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/base/yaml.h"
#include "engine/workflow/pipeline_private.h"
#include "engine/workflow/schema.h"

/* Fields of tables that an overlay may change. */
static const struct {
    const char *table, *field;
} allowed[] = {
    {"limits",    "planning"  },
    {"limits",    "coding"    },
    {"limits",    "validation"},
    {"limits",    "retries"   },
    {"limits",    "parallel"  },
    {"limits",    "memory"    },
    {"limits",    "cpu"       },
    {"limits",    "processes" },
    {"agent",     "provider"  },
    {"evaluator", "use"       },
    {"merge",     "window"    },
    {"steps",     "retries"   },
    {"steps",     "timeout"   },
    {"steps",     "quarantine"},
};

struct overlay {
    const char *file;
    struct pipeline *pipeline;
    struct findings *findings;
};

size_t pipeline_overlay_at(const char *text, size_t len)
{
    const size_t n = sizeof(OVERLAY_MARK) - 1;
    for (size_t at = 0; at + n <= len;) {
        if (memcmp(text + at, OVERLAY_MARK, n) == 0 &&
            (at + n == len || text[at + n] == '\n' || text[at + n] == '\r')) {
            return at;
        }
        const char *end = memchr(text + at, '\n', len - at);
        if (end == NULL) {
            break;
        }
        at = (size_t)(end - text) + 1;
    }
    return len;
}

static void report(const struct overlay *o, const struct yaml_item *item,
                   const char *text)
{
    char path[YAML_PATH_MAX];
    findings_add(o->findings, o->file, item->key_line, yaml_item_path(item, NULL, path),
                 "%s", text);
}

static bool is_allowed(const char *table, const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        if (strcmp(allowed[i].table, table) == 0 &&
            (field == NULL || strcmp(allowed[i].field, field) == 0)) {
            return true;
        }
    }
    return false;
}

/* A map whose fields may all stand in an overlay. */
static bool is_fit(const struct overlay *o, const char *table,
                   const struct yaml_item *item)
{
    if (item->kind != YAML_MAP) {
        report(o, item, "is no map; expected a map of fields");
        return false;
    }
    for (const struct yaml_item *at = item->first; at != NULL; at = at->next) {
        if (!is_allowed(table, at->key)) {
            report(o, at, "cannot stand in an overlay");
            return false;
        }
    }
    return true;
}

/* Of fields that are there only: what is required was said before. */
static void decode_fields(const struct overlay *o, const struct schema *schema,
                          struct yaml_item *item, void *object)
{
    struct field fields[ARRAY_LEN(allowed)];
    struct schema some = *schema;
    some.fields = fields;
    some.n_fields = 0;
    for (const struct yaml_item *at = item->first; at != NULL; at = at->next) {
        const struct field *field = schema_find(schema, at->key);
        if (field != NULL && some.n_fields < ARRAY_LEN(fields)) {
            fields[some.n_fields++] = *field;
        }
    }
    const struct yaml_tree tree = {.root = item};
    schema_decode(&some, o->file, NULL, &tree, object, o->findings);
}

static struct command_spec *find_check(const struct pipeline *pipeline, const char *name)
{
    for (size_t i = 0; i < pipeline->n_checks; i++) {
        if (pipeline->checks[i].name != NULL &&
            strcmp(pipeline->checks[i].name, name) == 0) {
            return &pipeline->checks[i];
        }
    }
    return NULL;
}

static void decode_steps(const struct overlay *o, struct yaml_item *item)
{
    if (item->kind != YAML_MAP) {
        report(o, item, "is no map; expected steps of validate by name");
        return;
    }
    for (struct yaml_item *at = item->first; at != NULL; at = at->next) {
        struct command_spec *check = find_check(o->pipeline, at->key);
        if (check == NULL) {
            report(o, at, "validate has no such step");
        } else if (is_fit(o, "steps", at)) {
            decode_fields(o, pipeline_step_schema(), at, check);
        }
    }
}

static void decode_order(const struct overlay *o, const struct yaml_item *item)
{
    struct pipeline *pipeline = o->pipeline;
    size_t n = 0;
    if (item->kind != YAML_LIST) {
        report(o, item, "is no list; expected names of steps of validate");
        return;
    }
    for (const struct yaml_item *at = item->first; at != NULL; at = at->next) {
        struct command_spec *check =
            at->kind == YAML_SCALAR ? find_check(pipeline, at->text) : NULL;
        if (check == NULL || check < pipeline->checks + n) {
            char path[YAML_PATH_MAX];
            findings_add(o->findings, o->file, at->line, yaml_item_path(at, NULL, path),
                         check == NULL ? "validate has no such step"
                                       : "names a step twice; expected each one once");
            return;
        }
        struct command_spec moved = *check;
        memmove(pipeline->checks + n + 1, pipeline->checks + n,
                (size_t)(check - (pipeline->checks + n)) * sizeof(moved));
        pipeline->checks[n++] = moved;
    }
}

/* Who was to begin takes the place that the new one had among the backups. */
static void swap_backup(struct provider_chain *chain, char *before)
{
    for (size_t i = 0; i < chain->n_backups; i++) {
        if (strcmp(chain->backups[i], chain->first) == 0) {
            free(chain->backups[i]);
            chain->backups[i] = before;
            return;
        }
    }
    free(before);
}

static void decode_table(const struct overlay *o, struct yaml_item *item)
{
    const struct field *field = schema_find(pipeline_schema(), item->key);
    if (field == NULL || field->sub == NULL || !is_allowed(item->key, NULL)) {
        report(o, item,
               "cannot stand in an overlay; expected limits, agent, evaluator, merge, "
               "order or steps");
    } else if (is_fit(o, item->key, item)) {
        char *first = mem_str(o->pipeline->agent_chain.first);
        decode_fields(o, field->sub, item, o->pipeline);
        if (strcmp(first, o->pipeline->agent_chain.first) != 0) {
            swap_backup(&o->pipeline->agent_chain, first);
        } else {
            free(first);
        }
    }
}

void overlay_decode(const char *file, const char *text, size_t mark, size_t len,
                    struct pipeline *pipeline, struct findings *findings)
{
    const struct overlay o = {file, pipeline, findings};
    if (mark >= len) {
        return;
    }
    /* What stands before is left out but for its line ends, so that lines are right. */
    AUTO_BUF struct buf rest;
    buf_init(&rest, YAML_TEXT_MAX);
    bool is_whole = true;
    for (size_t i = 0; i < mark; i++) {
        is_whole = is_whole && (text[i] != '\n' || buf_char(&rest, '\n'));
    }
    if (!is_whole || !buf_add(&rest, text + mark, len - mark)) {
        findings_add(findings, file, 0, "", "too long; expected at most %d bytes",
                     YAML_TEXT_MAX);
        return;
    }
    struct yaml_tree *tree = yaml_tree_parse(file, rest.data, rest.len, findings);
    struct yaml_item *root = tree->root;
    if (root != NULL && root->kind == YAML_MAP) {
        for (struct yaml_item *at = root->first; at != NULL; at = at->next) {
            if (strcmp(at->key, "steps") == 0) {
                decode_steps(&o, at);
            } else if (strcmp(at->key, "order") == 0) {
                decode_order(&o, at);
            } else {
                decode_table(&o, at);
            }
        }
    } else if (root != NULL && root->kind != YAML_NULL) {
        findings_add(findings, file, root->line, "",
                     "is no map; expected limits, agent, evaluator, merge, order or "
                     "steps behind " OVERLAY_MARK);
    }
    yaml_tree_free(tree);
}
