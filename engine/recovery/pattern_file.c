/* SPDX-License-Identifier: MIT */

/* Rules as a person writes them: signalbox-patterns(5). */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/recovery/pattern_private.h"

struct file {
    struct pattern_base *base;
    const char *name;
    size_t number;
    struct findings *findings;
    struct regex_room *room;
};

/* One rule of the file while it is read. */
struct reading {
    struct file *file;
    const struct yaml_item *item;
    struct rule rule;
    bool is_bad;
};

static void report(struct reading *r, const struct yaml_item *at, const char *field,
                   const char *format, ...) PRINTF_LIKE(4, 5);

static void report(struct reading *r, const struct yaml_item *at, const char *field,
                   const char *format, ...)
{
    char path[YAML_PATH_MAX], text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args); /* cut */
    va_end(args);
    findings_add(r->file->findings, r->file->name, at->line,
                 yaml_item_path(at, field, path), "%s", text);
    r->is_bad = true;
}

/* ---- fields ---------------------------------------------------------------------------- */

/* The text of a field, or NULL and a finding. */
static const struct yaml_item *text_of(struct reading *r, const char *field, size_t max)
{
    const struct yaml_item *item = yaml_item_get(r->item, field);
    if (item == NULL) {
        report(r, r->item, field, "is missing");
        return NULL;
    }
    if (item->kind != YAML_SCALAR) {
        report(r, item, NULL, "is %s; expected text", yaml_kind_word(item->kind));
        return NULL;
    }
    if (item->len == 0 || item->len > max) {
        report(r, item, NULL, "has %zu bytes; expected 1 to %zu", item->len, max);
        return NULL;
    }
    return item;
}

static bool is_name(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!islower(c) && !isdigit(c) && (strchr("-_.+", c) == NULL || i == 0)) {
            return false;
        }
    }
    return len > 0;
}

static const char *name_of(struct reading *r, const char *field)
{
    char quoted[YAML_QUOTE_MAX];
    const struct yaml_item *item = text_of(r, field, PATTERN_ID_MAX - 1);
    if (item == NULL) {
        return "";
    }
    if (!is_name(item->text, item->len)) {
        report(r, item, NULL, "%s is no name; expected small letters, digits and - _ . +",
               yaml_quote(item->text, item->len, quoted));
        return "";
    }
    return arena_strn(r->file->base->arena, item->text, item->len);
}

static const char *help_of(struct reading *r)
{
    const struct yaml_item *item = text_of(r, "help", PATTERN_HELP_MAX - 1);
    if (item == NULL) {
        return "";
    }
    for (size_t i = 0; i < item->len; i++) {
        if ((unsigned char)item->text[i] < 0x20 || item->text[i] == 0x7F) {
            report(r, item, NULL, "has more than one line; expected one");
            return "";
        }
    }
    char clean[PATTERN_HELP_MAX *
               3]; /* a character that is replaced becomes three bytes */
    return arena_str(r->file->base->arena,
                     text_clean_into(clean, sizeof(clean), item->text));
}

/* 0 to 1; fallback when it may be missing and is. */
static double chance_of(struct reading *r, const char *field, bool is_required,
                        double fallback)
{
    char quoted[YAML_QUOTE_MAX], *end = NULL;
    if (!is_required && yaml_item_get(r->item, field) == NULL) {
        return fallback;
    }
    const struct yaml_item *item = text_of(r, field, 16);
    if (item == NULL) {
        return fallback;
    }
    double value = strtod(item->text, &end);
    bool is_number = strspn(item->text, "0123456789.") == item->len &&
                     end != item->text && *end == '\0';
    if (!is_number || value < 0 || value > 1) {
        report(r, item, NULL, "%s is no chance; expected 0 to 1, like 0.85",
               yaml_quote(item->text, item->len, quoted));
        return fallback;
    }
    return value;
}

static enum failure_class class_of(struct reading *r)
{
    enum failure_class found = CLASS_UNKNOWN;
    char quoted[YAML_QUOTE_MAX];
    const struct yaml_item *item = text_of(r, "class", 64);
    if (item != NULL && (!class_find(item->text, &found) || found == CLASS_UNKNOWN)) {
        report(r, item, NULL,
               "%s is no class; expected test, compile, lint, dependency, config, "
               "network, timeout, resource, crash, infra, vcs, auth, quota or flaky",
               yaml_quote(item->text, item->len, quoted));
    }
    return found;
}

static enum severity severity_of(struct reading *r)
{
    enum severity severity = SEVERITY_MEDIUM;
    char quoted[YAML_QUOTE_MAX];
    if (yaml_item_get(r->item, "severity") == NULL) {
        return severity;
    }
    const struct yaml_item *item = text_of(r, "severity", 64);
    if (item != NULL && !severity_find(item->text, &severity)) {
        report(r, item, NULL,
               "%s is no severity; expected info, low, medium, high or critical",
               yaml_quote(item->text, item->len, quoted));
    }
    return severity;
}

/* The expression, and the texts that a line must hold to match it. */
static void match_of(struct reading *r)
{
    struct err err = ERR_INIT;
    const struct yaml_item *item = text_of(r, "match", REGEX_TEXT_MAX);
    if (item == NULL) {
        return;
    }
    r->rule.regex = regex_new(item->text, item->len, &err);
    if (r->rule.regex == NULL) {
        report(r, item, NULL, "%s", err.msg);
        return;
    }
    r->rule.literals = arena_alloc(r->file->base->arena, sizeof(*r->rule.literals));
    switch (literals_of(item->text, item->len, r->rule.literals)) {
    case LITERALS_FOUND:
        return;
    case LITERALS_NONE:
        report(r, item, NULL,
               "not every match holds a text of %d characters; expected such a text, so "
               "that other lines cost nothing",
               LITERAL_MIN);
        return;
    case LITERALS_UNKNOWN:
        report(r, item, NULL,
               "uses what patterns do not have; expected no named groups, conditions, "
               "recursion, \\Q, \\x{} or options other than (?i)");
        return;
    }
}

/* ---- examples -------------------------------------------------------------------------- */

static void check_example(struct reading *r, const struct yaml_item *item, bool is_match)
{
    char room[PATTERN_LINE_MAX];
    size_t len = 0;
    if (item->kind != YAML_SCALAR || item->len == 0 ||
        memchr(item->text, '\n', item->len) != NULL) {
        report(r, item, NULL, "is %s; expected one line of text",
               item->kind == YAML_SCALAR ? "not one line" : yaml_kind_word(item->kind));
        return;
    }
    if (r->rule.regex == NULL) {
        return;
    }
    const char *line = pattern_line_clean(item->text, item->len, room, &len);
    enum regex_result result = regex_match(r->rule.regex, r->file->room, line, len);
    if (result == REGEX_GAVE_UP) {
        report(r, item, NULL, "matching this takes too long; expected a simpler match");
    } else if ((result == REGEX_FOUND) != is_match) {
        report(r, item, NULL,
               is_match ? "match does not find this"
                        : "match finds this, which it must not");
    }
}

static void check_examples(struct reading *r, const char *field, bool is_match)
{
    const struct yaml_item *list = yaml_item_get(r->item, field);
    if (list == NULL) {
        if (is_match) {
            report(r, r->item, field, "is missing; expected lines that match finds");
        }
        return;
    }
    if (list->kind != YAML_LIST) {
        check_example(r, list, is_match);
        return;
    }
    if (list->n == 0) {
        report(r, list, NULL, "is empty; expected one line or more");
    }
    for (const struct yaml_item *item = list->first; item != NULL; item = item->next) {
        check_example(r, item, is_match);
    }
}

static void check_unknown(struct reading *r)
{
    static const char *const fields[] = {"id",       "tool", "class", "weight",   "flaky",
                                         "severity", "help", "match", "examples", "not"};
    for (const struct yaml_item *item = r->item->first; item != NULL; item = item->next) {
        size_t i = 0;
        while (i < ARRAY_LEN(fields) && strcmp(fields[i], item->key) != 0) {
            i++;
        }
        if (i == ARRAY_LEN(fields)) {
            report(r, item, NULL,
                   "there is no such field; expected id, tool, class, weight, "
                   "flaky, severity, help, match, examples or not");
        }
    }
}

/* ---- rules ----------------------------------------------------------------------------- */

/* Where the rule goes: the place of one with this id, or a new one; NULL and a finding. */
static struct rule *place_of(struct reading *r)
{
    struct pattern_base *base = r->file->base;
    for (size_t i = 0; i < base->n; i++) {
        if (strcmp(base->rules[i].pattern.id, r->rule.pattern.id) == 0) {
            if (base->rules[i].file == r->file->number) {
                report(r, r->item, "id", "'%s' is the id of another rule of this file",
                       r->rule.pattern.id);
                return NULL;
            }
            regex_free(base->rules[i].regex);
            return &base->rules[i];
        }
    }
    if (base->n == PATTERNS_MAX) {
        report(r, r->item, NULL, "is one rule too many; expected at most %d",
               PATTERNS_MAX);
        return NULL;
    }
    if (base->n == base->cap) {
        base->cap = base->cap > 0 ? base->cap * 2 : 64;
        base->rules = mem_grow(base->rules, base->cap, sizeof(*base->rules));
    }
    return &base->rules[base->n++];
}

static void read_rule(struct file *file, const struct yaml_item *item)
{
    struct reading r = {.file = file, .item = item, .rule = {.file = file->number}};
    if (item->kind != YAML_MAP) {
        report(&r, item, NULL, "is %s; expected a map", yaml_kind_word(item->kind));
        return;
    }
    check_unknown(&r);
    r.rule.pattern = (struct pattern){.id = name_of(&r, "id"),
                                      .tool = name_of(&r, "tool"),
                                      .class_ = class_of(&r),
                                      .weight = chance_of(&r, "weight", true, 0),
                                      .flaky = chance_of(&r, "flaky", false, (double)NAN),
                                      .severity = severity_of(&r),
                                      .help = help_of(&r)};
    match_of(&r);
    check_examples(&r, "examples", true);
    check_examples(&r, "not", false);
    struct rule *place = r.is_bad ? NULL : place_of(&r);
    if (place == NULL) {
        regex_free(r.rule.regex);
        return;
    }
    *place = r.rule;
}

void pattern_file_read(struct pattern_base *base, size_t number, const char *file,
                       const char *text, size_t len, struct findings *findings)
{
    size_t from = findings->n;
    struct yaml_tree *tree = yaml_tree_parse(file, text, len, findings);
    const struct yaml_item *list = yaml_item_get(tree->root, "patterns");
    struct file reading = {base, file, number, findings, regex_room_new()};
    if (tree->root == NULL || tree->root->kind != YAML_MAP || list == NULL) {
        if (!tree->is_partial) {
            findings_add(findings, file, 0, "patterns",
                         "is missing; expected a list of rules");
        }
    } else if (list->kind != YAML_LIST) {
        findings_add(findings, file, list->line, "patterns",
                     "is %s; expected a list of rules", yaml_kind_word(list->kind));
    } else {
        for (const struct yaml_item *item = tree->root->first; item != NULL;
             item = item->next) {
            if (item != list) {
                findings_add(findings, file, item->key_line, item->key,
                             "there is no such field; expected patterns");
            }
        }
        for (const struct yaml_item *item = list->first; item != NULL;
             item = item->next) {
            read_rule(&reading, item);
        }
    }
    findings_sort(findings, from);
    regex_room_free(reading.room);
    yaml_tree_free(tree);
}
