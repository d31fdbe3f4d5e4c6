/* SPDX-License-Identifier: MIT */
#include "tests/lib/shape.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/buf.h"
#include "engine/base/mem.h"
#include "engine/base/money.h"

#define INPUT_MAX  (YAML_TEXT_MAX + 4096)
#define TABLES_MAX 64

/* A table and where it hangs: "limits", or "validate" with is_list. */
struct place {
    const struct schema *schema;
    const struct place *above; /* NULL: this is the root */
    const char *name;
    bool is_list;
};

#define DEPTH_MAX 4

static size_t collect(const struct schema *root, struct place places[TABLES_MAX])
{
    size_t n = 1;
    places[0] = (struct place){.schema = root};
    for (size_t at = 0; at < n; at++) {
        for (size_t i = 0; i < places[at].schema->n_fields; i++) {
            const struct field *field = &places[at].schema->fields[i];
            if (field->sub != NULL) {
                assert_true(n < TABLES_MAX);
                places[n++] = (struct place){field->sub, &places[at], field->name,
                                             field->type == FIELD_STEPS ||
                                                 field->type == FIELD_MAPS};
            }
        }
    }
    return n;
}

static const char *good_value(const struct field *field, int which, char text[64])
{
    switch (field->type) {
    case FIELD_PATH:
        return "/p";
    case FIELD_PATHS:
        return "[/p, /q]";
    case FIELD_ENV:
        return "{A: b}";
    case FIELD_DURATION:
        snprintf(text, 64, "%" PRId64 "ms", which == 0 ? field->min : field->max);
        return text;
    case FIELD_BYTES:
    case FIELD_INT:
        snprintf(text, 64, "%" PRId64, which == 0 ? field->min : field->max);
        return text;
    case FIELD_MONEY:
        return money_format(which == 0 ? field->min : field->max, text);
    case FIELD_BOOL:
        return which == 0 ? "true" : "false";
    case FIELD_SHARE:
        return which == 0 ? "0.25" : "75%";
    case FIELD_WORD:
        return field->words[which];
    case FIELD_HOURS:
        return which == 0 ? "06:00-20:00" : "22:00-6:00";
    case FIELD_TIME:
        return which == 0 ? "'2026-12-01T00:00:00Z'" : "2026-12-01T00:00:00.500+01:00";
    case FIELD_TABLE:
        return "{}";
    case FIELD_STEPS:
    case FIELD_MAPS:
        return "[]";
    case FIELD_NAMES:
    case FIELD_TEXTS:
        return "[a, b]";
    case FIELD_TEXT:
    case FIELD_NAME:
    case FIELD_BRANCH:
    case FIELD_PLACE:
    case FIELD_COMMAND:
    case FIELD_LINES:
    case FIELD_TYPE_COUNT:
        break;
    }
    return "a";
}

/* The required fields of a table but `but`, as "name: value" with `separator` after each.
 */
static void put_required(struct buf *out, const struct schema *schema, const char *but,
                         const char *separator)
{
    char text[64];
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct field *field = &schema->fields[i];
        if (!field->is_required || (but != NULL && strcmp(but, field->name) == 0)) {
            continue;
        }
        bool has_short = field->sub != NULL && field->sub->shorthand != NULL;
        buf_printf(out, "%s: %s%s", field->name,
                   has_short && field->type == FIELD_TABLE ? "a"
                                                           : good_value(field, 0, text),
                   separator);
    }
}

/* A whole file with `value` at one field and everything else right. */
static void put_file(struct buf *out, const struct schema *root,
                     const struct place *place, const struct field *field,
                     const char *key, const char *value, size_t value_len)
{
    const struct place *way[DEPTH_MAX]; /* from the place up to below the root */
    size_t n = 0;
    for (const struct place *at = place; at->above != NULL; at = at->above) {
        assert_true(n < DEPTH_MAX);
        way[n++] = at;
    }
    buf_clear(out);
    put_required(out, root, n > 0 ? way[n - 1]->name : field->name, "\n");
    for (size_t i = n; i > 0; i--) {
        buf_printf(out, "%s: %s{", way[i - 1]->name, way[i - 1]->is_list ? "[" : "");
        put_required(out, way[i - 1]->schema, i > 1 ? way[i - 2]->name : field->name,
                     ", ");
    }
    buf_printf(out, "%s: ", key);
    buf_add(out, value, value_len);
    for (size_t i = 0; i < n; i++) {
        buf_str(out, way[i]->is_list ? "}]" : "}");
    }
    buf_str(out, "\n");
}

/* Number of findings. */
static size_t run(wrong_parse *parse, const char *text, size_t len)
{
    struct findings findings;
    AUTO_FREE char *exact = mem_alloc(len);
    memcpy(exact, text, len);
    findings_init(&findings);
    parse("p", exact, len, &findings);
    size_t n = findings.n;
    for (size_t i = 0; i < findings.n; i++) {
        assert_true(findings.rows[i].line >= 0);
        assert_true(findings.rows[i].text[0] != '\0');
        assert_true(strlen(findings.rows[i].text) < 2000);
        assert_null(strpbrk(findings.rows[i].text, "\x1b\n\r\t"));
        assert_null(strpbrk(findings.rows[i].field, "\x1b\n\r\t"));
    }
    findings_fini(&findings);
    return n;
}

static const char *const shapes[] = {
    "a",
    "''",
    "\"\"",
    "~",
    "null",
    "",
    "[]",
    "[a]",
    "['']",
    "[a, b, c]",
    "[[a], [b]]",
    "[{}]",
    "[{a: b}]",
    "[~]",
    "[{command: a, name: b}]",
    "{}",
    "{a: b}",
    "{a: {b: c}}",
    "{a: [b]}",
    "{command: a}",
    "{command: [a, b], env: {A: b}}",
    "{mode: auto}",
    "{1: 2}",
    "{[a]: b}",
    "{? a : b}",
    "{a, b}",
    "0",
    "1",
    "-1",
    "+5",
    "1.5",
    "1e9",
    "0x7f",
    "99999999999999999999999999999999999999999",
    "-99999999999999999999999999999999999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "2147483648",
    "4294967296",
    ".inf",
    ".nan",
    "true",
    "no",
    "5m",
    "1h30m",
    "-5s",
    "99999999999999999d",
    "1GiB",
    "99999999999999999999TiB",
    "auto",
    "ask",
    "2026-11-22",
    "/",
    "/x",
    "~/x",
    "$HOME/x",
    "..",
    "-",
    "'-'",
    "\" \"",
    "\"\\0\"",
    "\"a\\0b\"",
    "\"\\e[31m\"",
    "\"\\n\"",
    "\"\\uFFFE\"",
    "\"\\u202E\"",
    "\"\\U0001F600\"",
    "\"\\xff\"",
    "\xff",
    "\"\xC3\"",
    "\xE2\x82",
    "\x01",
    "\x1b[31m",
    "\xF0\x9F\x98\x80",
    "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
    "&a b",
    "*a",
    "!!int 5",
    "!x",
    "<<",
    "{<<: *a}",
    "@",
    "`",
    "%",
    "\"a",
    "'a",
    "[a",
    "{a",
    "]",
    "}",
    "a: b",
    "a #b",
    "#",
    "|\n  a\n",
    ">-\n  a\n  b\n",
    "\n\ta",
    "\n- a\n",
    "\n  a: b\n",
    "---",
    "\n---\na: b",
    "...",
};

/* Shapes too long to write down: n times a text between two others. */
static const struct {
    const char *before, *each, *after;
    size_t n;
} long_shapes[] = {
    {"",  "x",        "",  100000},
    {"",  "\xC3\xA9", "",  50000 },
    {"'", "\n",       "'", 5000  },
    {"[", "a, ",      "]", 300   },
    {"[", "{}, ",     "]", 300   },
    {"",  "[",        "",  40    },
    {"",  "{a: ",     "",  40    },
    {"{", "a: b, ",   "}", 50    },
    {"[", "~,",       "]", 9000  },
    {"",  "9",        "",  5000  },
    {"",  "9d",       "",  5000  },
};

size_t shape_check(const struct schema *schema, wrong_parse *parse)
{
    struct place places[TABLES_MAX];
    size_t n_places = collect(schema, places), n = 0;
    AUTO_BUF struct buf text, value;
    buf_init(&text, INPUT_MAX);
    buf_init(&value, INPUT_MAX);
    for (size_t p = 0; p < n_places; p++) {
        for (size_t f = 0; f < places[p].schema->n_fields; f++) {
            const struct field *field = &places[p].schema->fields[f];
            for (size_t s = 0; s < ARRAY_LEN(shapes); s++, n++) {
                put_file(&text, schema, &places[p], field, field->name, shapes[s],
                         strlen(shapes[s]));
                (void)run(parse, text.data,
                          text.len); /* either is fine, a crash is not */
            }
            for (size_t s = 0; s < ARRAY_LEN(long_shapes); s++, n++) {
                buf_clear(&value);
                buf_str(&value, long_shapes[s].before);
                for (size_t i = 0; i < long_shapes[s].n; i++) {
                    buf_str(&value, long_shapes[s].each);
                }
                buf_str(&value, long_shapes[s].after);
                put_file(&text, schema, &places[p], field, field->name, value.data,
                         value.len);
                (void)run(parse, text.data, text.len);
            }
        }
    }
    return n;
}

static char *print_manual(const struct schema *schema)
{
    char *manual = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&manual, &len);
    assert_non_null(out);
    schema_print_mdoc(out, schema);
    assert_int_equal(fclose(out), 0);
    return manual;
}

/* One below and one above the range. */
static void check_range(const struct schema *schema, const struct place *place,
                        const struct field *field, wrong_parse *parse)
{
    AUTO_BUF struct buf text;
    buf_init(&text, INPUT_MAX);
    for (int i = 0; i < 2; i++) {
        char value[64];
        int64_t number = i == 0 ? field->min - 1 : field->max + 1;
        if (number == 0 && field->has_zero) {
            continue;
        }
        snprintf(value, sizeof(value), "%" PRId64 "%s", number,
                 field->type == FIELD_DURATION ? "ms" : "");
        put_file(&text, schema, place, field, field->name, value, strlen(value));
        if (run(parse, text.data, text.len) == 0) {
            fail_msg("%s: %s was taken", field->name, value);
        }
    }
}

static void check_row(const struct schema *schema, const struct place *place,
                      const struct field *field, const char *manual, wrong_parse *parse)
{
    AUTO_BUF struct buf text;
    buf_init(&text, INPUT_MAX);
    AUTO_FREE char *item = mem_printf(".It Ic %s Ns", field->name);
    assert_non_null(field->help);
    size_t len = strlen(field->help);
    if (strstr(manual, item) == NULL || len < 5 || field->help[len - 1] != '.') {
        fail_msg("%s: no help, or it is not in the manual", field->name);
    }
    for (int i = 0; i < 4; i++) {
        char number[64];
        const char *key = i < 2 ? field->name : field->alias;
        const char *value = good_value(field, i % 2, number);
        if (key == NULL ||
            (field->type == FIELD_TABLE && schema_find(field->sub, "command"))) {
            continue;
        }
        put_file(&text, schema, place, field, key, value, strlen(value));
        if (run(parse, text.data, text.len) != 0) {
            fail_msg("refused: %s", text.data);
        }
    }
    if (field->type == FIELD_INT || field->type == FIELD_DURATION ||
        field->type == FIELD_BYTES) {
        check_range(schema, place, field, parse);
    }
}

void shape_check_rows(const struct schema *schema, wrong_parse *parse)
{
    struct place places[TABLES_MAX];
    size_t n_places = collect(schema, places);
    AUTO_FREE char *manual = print_manual(schema);
    for (size_t p = 0; p < n_places; p++) {
        for (size_t f = 0; f < places[p].schema->n_fields; f++) {
            check_row(schema, &places[p], &places[p].schema->fields[f], manual, parse);
        }
    }
}

void shape_check_cut(const char *text, size_t len, wrong_parse *parse)
{
    static const char bytes[] = {'\0', '\xff', '\t', ' ', '\n', ':',
                                 '"',  '[',    '{',  '-', '&',  '#'};
    AUTO_FREE char *copy = mem_strn(text, len);
    for (size_t i = 0; i <= len; i++) {
        (void)run(parse, text, i); /* either is fine, a crash is not */
        (void)run(parse, text + i, len - i);
    }
    for (size_t i = 0; i < len; i++) {
        for (size_t b = 0; b < sizeof(bytes); b++) {
            copy[i] = bytes[b];
            (void)run(parse, copy, len);
        }
        copy[i] = text[i];
    }
}
