/* SPDX-License-Identifier: MIT */
#include "engine/base/yaml.h"

#include <yaml.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/text.h"

#define BAD_LINES_MAX 20 /* findings about bytes; a binary file needs no more */
#define QUOTE_CELLS   40

struct builder {
    const char *file;
    struct findings *findings;
    struct yaml_tree *tree;
    const char *text; /* what libyaml reads: bad bytes replaced */
    size_t len;
    struct yaml_item *open; /* innermost list or map, NULL outside */
    const char *key;        /* waits for its value */
    int key_line;
    bool is_bad_key; /* that key has been reported: its value is dropped */
    size_t n_items;
    int depth, n_documents;
};

/* What libyaml says, and what helps a person. With has_context the finding stands where
 * the broken construct begins: the end of the file is no place to look for a missing
 * quote. */
static const struct syntax_message {
    const char *context; /* NULL: any */
    const char *problem;
    bool has_context;
    const char *text;
} syntax_messages[] = {
  /* clang-format off */
    {NULL, "could not find expected ':'", true,
     "a line without ':'; expected 'field: value', or quotes around text of several lines"},
    {NULL, "mapping values are not allowed in this context", false,
     "a ':' cannot stand here; check the indentation, or put text that holds ': ' in quotes"},
    {NULL, "mapping keys are not allowed in this context", false,
     "'?' cannot begin a value here; put the text in quotes"},
    {NULL, "block sequence entries are not allowed in this context", false,
     "a list item '- ' cannot stand here; begin it on a line of its own"},
    {"while scanning a quoted scalar", "found unexpected end of stream", true,
     "the quote opened here is never closed"},
    {"while scanning a quoted scalar", "found unexpected document indicator", true,
     "the quote opened here is never closed"},
    {NULL, "found unknown escape character", false,
     "unknown escape after '\\' in double quotes; put text with '\\' in single quotes"},
    {NULL, "did not find expected hex" /* sic */ "decimal number", false,
     "'\\x', '\\u' and '\\U' need 2, 4 and 8 hexadecimal digits"},
    {NULL, "found invalid Unicode character escape code", false,
     "this escape is no Unicode character"},
    {NULL, "did not find expected alphabetic or numeric character", false,
     "'&' and '*' begin anchors and aliases, which are not supported; put the text in quotes"},
    {"while parsing a block mapping", "did not find expected key", false,
     "expected the next 'field: value' here; check the indentation and the quotes"},
    {"while parsing a block collection", "did not find expected '-' indicator", false,
     "expected the next list item '- ' here; check the indentation"},
    {NULL, "did not find expected ',' or ']'", true,
     "the list opened here is not closed; expected ',' or ']' after each item"},
    {NULL, "did not find expected ',' or '}'", true,
     "the map opened here is not closed; expected ',' or '}' after each 'field: value'"},
    {NULL, "did not find expected node content", false, "a value is missing here"},
    {NULL, "did not find expected <document start>", false,
     "text after the end of the value; check the indentation"},
    {"while scanning a directive", NULL, false,
     "'%' begins a directive; put the text in quotes"},
    {"while scanning a %YAML directive", NULL, false, "a broken %YAML directive; leave it out"},
    {NULL, "found incompatible YAML document", false,
     "a %YAML directive of another version; leave it out"},
    {NULL, "found duplicate %YAML directive", false, "a second %YAML directive; leave it out"},
    {NULL, "found duplicate %TAG directive", false, "a second %TAG directive; leave it out"},
    {"while parsing a tag", NULL, false,
     "'!' begins a tag, which is not supported; put the text in quotes"},
    {"while scanning a tag", NULL, false,
     "'!' begins a tag, which is not supported; put the text in quotes"},
    {"while parsing a node", "found undefined tag handle", false,
     "'!' begins a tag, which is not supported; put the text in quotes"},
    {"while scanning a block scalar", NULL, false,
     "expected nothing after '|' or '>' on this line, and the text indented below it"},
  /* clang-format on */
};

const char *yaml_kind_word(enum yaml_kind kind)
{
    static const char *const words[] = {
        [YAML_NULL] = "empty",
        [YAML_SCALAR] = "text",
        [YAML_LIST] = "a list",
        [YAML_MAP] = "a map",
    };
    return words[kind];
}

const char *yaml_quote(const char *text, size_t len, char out[YAML_QUOTE_MAX])
{
    AUTO_BUF struct buf clean;
    buf_init(&clean, 4096);
    text_clean(&clean, text, len < 1024 ? len : 1024, TEXT_ONE_LINE);
    bool is_cut = len > 1024 || text_cells(clean.data, clean.len) > QUOTE_CELLS;
    size_t fit = text_fit(clean.data, clean.len, is_cut ? QUOTE_CELLS - 3 : QUOTE_CELLS);
    /* A cell holds a character of 4 bytes with up to 8 combining marks: cut those, too.
     */
    while (fit > YAML_QUOTE_MAX - 8) {
        is_cut = true;
        fit--;
        while (fit > 0 && ((unsigned char)clean.data[fit] & 0xC0) == 0x80) {
            fit--;
        }
    }
    snprintf(out, YAML_QUOTE_MAX, "'%.*s%s'", (int)fit, clean.data, is_cut ? "..." : "");
    return out;
}

const struct yaml_item *yaml_item_get(const struct yaml_item *item, const char *key)
{
    if (item == NULL || item->kind != YAML_MAP) {
        return NULL;
    }
    for (const struct yaml_item *child = item->first; child != NULL;
         child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

const char *yaml_item_path(const struct yaml_item *item, const char *field,
                           char path[YAML_PATH_MAX])
{
    const struct yaml_item *chain[YAML_DEPTH_MAX + 1];
    size_t n = 0;
    for (; item != NULL && item->parent != NULL; item = item->parent) {
        chain[n++] = item;
    }
    AUTO_BUF struct buf buf;
    buf_init(&buf, YAML_PATH_MAX * (YAML_DEPTH_MAX + 2));
    while (n > 0) {
        const struct yaml_item *at = chain[--n];
        if (at->key != NULL) {
            char key[80];
            buf_printf(&buf, "%s%s", buf.len > 0 ? "." : "",
                       text_clean_into(key, sizeof(key), at->key));
        } else {
            buf_printf(&buf, "[%zu]", at->index);
        }
    }
    if (field != NULL) {
        buf_printf(&buf, "%s%s", buf.len > 0 ? "." : "", field);
    }
    text_clean_into(path, YAML_PATH_MAX, buf.data); /* cuts at a whole character */
    return path;
}

/* Bytes */

/* YAML 1.1, 5.1 Character Set; without the line separators that no editor counts. */
static bool is_allowed(uint32_t rune)
{
    return rune == '\t' || rune == '\n' || rune == '\r' ||
           (rune >= 0x20 && rune <= 0x7E) ||
           (rune >= 0xA0 && rune <= 0xFFFD && rune != 0xFEFF && rune != 0x2028 &&
            rune != 0x2029) ||
           (rune >= 0x10000 && rune <= 0x10FFFF);
}

/* Copy text with U+FFFD for what libyaml would stop at, and say where that was: the rest
 * of the file can still be read for other mistakes. */
static void copy_allowed(struct builder *b, const char *text, size_t len)
{
    AUTO_BUF struct buf copy;
    buf_init(&copy, YAML_TEXT_MAX * 3);
    int line = 1, last_line = 0, n_lines = 0;
    for (size_t i = 0; i < len;) {
        uint32_t rune = 0;
        size_t used = text_decode(text + i, len - i, &rune);
        if (used > 0 && is_allowed(rune)) {
            buf_add(&copy, text + i, used);
            bool is_pair = rune == '\r' && i + 1 < len && text[i + 1] == '\n';
            line += rune == '\n' || (rune == '\r' && !is_pair) ? 1 : 0;
            i += used;
            continue;
        }
        if (line != last_line && n_lines++ < BAD_LINES_MAX) {
            last_line = line;
            if (used == 0) {
                findings_add(b->findings, b->file, line, "",
                             "byte 0x%02X is not UTF-8; expected UTF-8 text",
                             (unsigned)(unsigned char)text[i]);
            } else {
                findings_add(b->findings, b->file, line, "",
                             "control character U+%04X; expected printable text",
                             (unsigned)rune);
            }
        }
        buf_str(&copy, "\xEF\xBF\xBD");
        i += used > 0 ? used : 1;
    }
    b->text = arena_strn(b->tree->arena, copy.data, copy.len);
    b->len = copy.len;
}

/* Start of a line, 1.., in the text that libyaml reads. */
static const char *find_line(const struct builder *b, size_t line)
{
    const char *at = b->text, *end = b->text + b->len;
    for (size_t n = 1; n < line && at < end; at++) {
        if (*at == '\n' || (*at == '\r' && at[1] != '\n')) {
            n++;
        }
    }
    return at;
}

static bool has_tab_indent(const struct builder *b, size_t line)
{
    const char *at = find_line(b, line);
    while (*at == ' ') {
        at++;
    }
    return *at == '\t';
}

/* Syntax */

static void add(struct builder *b, size_t line, const char *text)
{
    findings_add(b->findings, b->file, (int)line, "", "%s", text);
}

static void report_no_token(struct builder *b, size_t line, size_t column)
{
    const char *at = find_line(b, line);
    for (; column > 0 && *at != '\0'; column--) {
        do {
            at++;
        } while (((unsigned char)*at & 0xC0) == 0x80);
    }
    if (*at == '\t') {
        add(b, line, "a tab cannot stand here; expected spaces");
        return;
    }
    size_t len = *at != '\0' ? 1 : 0;
    while (len > 0 && ((unsigned char)at[len] & 0xC0) == 0x80) {
        len++;
    }
    char quoted[YAML_QUOTE_MAX];
    findings_add(b->findings, b->file, (int)line, "",
                 "%s cannot begin a value; put the text in quotes",
                 yaml_quote(at, len, quoted));
}

static void report_syntax(struct builder *b, const yaml_parser_t *parser)
{
    const char *problem = parser->problem != NULL ? parser->problem : "no YAML";
    const char *context = parser->context != NULL ? parser->context : "";
    size_t line = parser->problem_mark.line + 1;
    size_t context_line = parser->context_mark.line + 1;
    b->tree->is_partial = true;
    if (has_tab_indent(b, line)) {
        add(b, line, "a tab in the indentation; expected spaces");
        return;
    }
    if (strcmp(problem, "found character that cannot start any token") == 0) {
        report_no_token(b, line, parser->problem_mark.column);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(syntax_messages); i++) {
        const struct syntax_message *row = &syntax_messages[i];
        if ((row->context == NULL || strcmp(row->context, context) == 0) &&
            (row->problem == NULL || strcmp(row->problem, problem) == 0)) {
            add(b, row->has_context && context[0] != '\0' ? context_line : line,
                row->text);
            return;
        }
    }
    add(b, line, problem);
}

/* Tree */

/* Stop reading here: what follows cannot be told apart any more. */
static bool stop(struct builder *b, size_t line, const char *text)
{
    add(b, line, text);
    b->tree->is_partial = true;
    return false;
}

static void report_at_item(struct builder *b, size_t line, const char *text)
{
    char path[YAML_PATH_MAX];
    findings_add(b->findings, b->file, (int)line,
                 yaml_item_path(b->open, b->open != NULL ? b->key : NULL, path), "%s",
                 text);
}

static void take_key(struct builder *b, const char *text, size_t len, size_t line)
{
    b->key = arena_strn(b->tree->arena, text, len);
    b->key_line = (int)line;
    b->is_bad_key = false;
    char quoted[YAML_QUOTE_MAX], path[YAML_PATH_MAX];
    const struct yaml_item *before = yaml_item_get(b->open, b->key);
    if (len == 0) {
        findings_add(b->findings, b->file, (int)line, yaml_item_path(b->open, NULL, path),
                     "a field without a name; expected 'field: value'");
        b->is_bad_key = true;
    } else if (strlen(b->key) != len) {
        findings_add(b->findings, b->file, (int)line, yaml_item_path(b->open, NULL, path),
                     "%s: a NUL character in the name of a field",
                     yaml_quote(text, len, quoted));
        b->is_bad_key = true;
    } else if (before != NULL) {
        findings_add(b->findings, b->file, (int)line, yaml_item_path(before, NULL, path),
                     "given twice; first in line %d", before->key_line);
        b->is_bad_key = true;
    }
}

/* A new item below the open one. Values of bad keys are built, too, but stay unlinked. */
static struct yaml_item *place(struct builder *b, enum yaml_kind kind, size_t line)
{
    struct yaml_item *item = arena_alloc(b->tree->arena, sizeof(*item));
    *item = (struct yaml_item){.kind = kind,
                               .line = (int)line,
                               .text = "",
                               .key = b->key,
                               .key_line = b->key != NULL ? b->key_line : (int)line,
                               .parent = b->open};
    struct yaml_item *parent = b->open;
    if (parent == NULL) {
        b->tree->root = item;
    } else if (!b->is_bad_key) {
        item->index = parent->n++;
        *(parent->last != NULL ? &parent->last->next : &parent->first) = item;
        parent->last = item;
    }
    b->key = NULL;
    b->is_bad_key = false;
    return item;
}

static bool is_null_word(const char *text, size_t len)
{
    return len == 0 || (len == 1 && *text == '~') ||
           (len == 4 && (memcmp(text, "null", 4) == 0 || memcmp(text, "Null", 4) == 0 ||
                         memcmp(text, "NULL", 4) == 0));
}

static bool on_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length, line = event->start_mark.line + 1;
    if (b->open != NULL && b->open->kind == YAML_MAP && b->key == NULL) {
        if (len == 2 && memcmp(text, "<<", 2) == 0) {
            report_at_item(b, line,
                           "merge keys '<<' are not supported; write the fields out");
            b->key = "<<";
            b->key_line = (int)line;
            b->is_bad_key = true;
            return true;
        }
        take_key(b, text, len, line);
        return true;
    }
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_item *item =
        place(b, is_plain && is_null_word(text, len) ? YAML_NULL : YAML_SCALAR, line);
    if (item->kind == YAML_NULL) {
        /* libyaml puts an empty value where the next token begins. */
        item->line = item->key != NULL ? item->key_line : item->line;
    } else {
        item->text = arena_strn(b->tree->arena, text, len);
        item->len = len;
    }
    return true;
}

static bool on_open(struct builder *b, enum yaml_kind kind, size_t line)
{
    if (b->open != NULL && b->open->kind == YAML_MAP && b->key == NULL) {
        return stop(b, line,
                    kind == YAML_MAP
                        ? "a map as the name of a field; put text with '{' in quotes"
                        : "a list as the name of a field; put text with '[' in quotes");
    }
    if (b->depth >= YAML_DEPTH_MAX) {
        return stop(b, line, "nested too deep; expected at most 16 levels");
    }
    b->depth++;
    b->open = place(b, kind, line);
    return true;
}

/* Anchors and tags stand on items of all kinds. */
static void refuse_properties(struct builder *b, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor != NULL) {
        report_at_item(
            b, event->start_mark.line + 1,
            "anchors ('&name') are not supported; quote text that begins with '&'");
    }
    if (tag != NULL) {
        report_at_item(
            b, event->start_mark.line + 1,
            "tags ('!name') are not supported; quote text that begins with '!'");
    }
}

static void on_alias(struct builder *b, size_t line)
{
    report_at_item(
        b, line,
        "aliases ('*name') are not supported; write the value out, or quote text "
        "that begins with '*'");
    if (b->open != NULL && b->open->kind == YAML_MAP && b->key == NULL) {
        b->key = "*";
        b->key_line = (int)line;
        b->is_bad_key = true;
    } else {
        b->is_bad_key = true; /* reported: no second finding about what it is not */
        (void)place(b, YAML_NULL, line);
    }
}

/* False ends the reading. */
static bool on_event(struct builder *b, const yaml_event_t *event)
{
    size_t line = event->start_mark.line + 1;
    if (event->type == YAML_SCALAR_EVENT || event->type == YAML_ALIAS_EVENT ||
        event->type == YAML_SEQUENCE_START_EVENT ||
        event->type == YAML_MAPPING_START_EVENT) {
        if (++b->n_items > YAML_ITEMS_MAX) {
            return stop(b, line, "too many items; expected at most 8192 in a file");
        }
    }
    refuse_properties(b, event);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++b->n_documents > 1) {
            findings_add(b->findings, b->file, (int)line, "",
                         "a second document begins here; expected one in a file");
            return false;
        }
        return true;
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_ALIAS_EVENT:
        on_alias(b, line);
        return true;
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, YAML_LIST, line);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, YAML_MAP, line);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        if (b->open == NULL) {
            BUG("libyaml ends what it never began");
        }
        b->depth--;
        b->open = b->open->parent;
        return true;
    case YAML_STREAM_END_EVENT:
        return false;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return true;
}

static void read_events(struct builder *b)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        BUG("out of memory");
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)b->text, b->len);
    bool goes_on = true;
    while (goes_on) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            report_syntax(b, &parser);
            break;
        }
        goes_on = on_event(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
}

struct yaml_tree *yaml_tree_parse(const char *file, const char *text, size_t len,
                                  struct findings *findings)
{
    struct yaml_tree *tree = mem_alloc(sizeof(*tree));
    tree->arena = arena_new();
    struct builder b = {.file = file, .findings = findings, .tree = tree};
    if (len > YAML_TEXT_MAX) {
        findings_add(findings, file, 0, "", "%zu bytes; expected at most %d", len,
                     YAML_TEXT_MAX);
        tree->is_partial = true;
        return tree;
    }
    if (len >= 2 &&
        (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
        findings_add(findings, file, 1, "", "the text is UTF-16; expected UTF-8");
        tree->is_partial = true;
        return tree;
    }
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3; /* a byte order mark, as some editors write it */
        len -= 3;
    }
    copy_allowed(&b, text, len);
    read_events(&b);
    return tree;
}

void yaml_tree_free(struct yaml_tree *tree)
{
    if (tree == NULL) {
        return;
    }
    arena_free(tree->arena);
    free(tree);
}

const char *yaml_tree_library(void)
{
    static char text[48];
    (void)snprintf(text, sizeof(text), "libyaml %s", yaml_get_version_string());
    return text;
}
