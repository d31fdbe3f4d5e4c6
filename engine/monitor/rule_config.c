/* SPDX-License-Identifier: MIT */

/* Rules as a person writes them: the table of fields, and what one field says about another. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "engine/base/mem.h"
#include "engine/monitor/rule.h"
#include "engine/monitor/rule_private.h"

#define DAY INT64_C(86400000)

static const char *const of_words[] = {"value", "rate", "mean", "p50",
                                       "p90",   "p95",  "p99",  NULL};
static const char *const severity_words[] = {
#define X(id, word, help) word,
    SEVERITY_LIST(X)
#undef X
        NULL};

#define AT(member) offsetof(struct rule, member)

/* clang-format off */
static const struct field rule_fields[] = {
    {.name = "name", .type = FIELD_NAME, .offset = AT(name), .is_required = true,
     .help = "Name of the rule; it is shown with what it finds."},
    {.name = "metric", .type = FIELD_TEXT, .offset = AT(metric), .max = 128, .is_required = true,
     .help = "Name of the metric; * ? and [a-z] stand for others."},
    {.name = "labels", .type = FIELD_TEXTS, .offset = AT(labels), .offset_n = AT(n_labels),
     .shown = "any", .help = "Labels that must fit: key=text or key!=text, with * ? and [a-z]."},
    {.name = "of", .type = FIELD_WORD, .offset = AT(of), .words = of_words, .fallback = "value",
     .help = "What is compared: the newest value, its rate per second, or the mean or a quantile "
             "of the window."},
    {.name = "over", .type = FIELD_DURATION, .offset = AT(over), .min = 1000, .max = 7 * DAY,
     .fallback = "5m", .help = "The window; a value needs none."},
    {.name = "above", .type = FIELD_TEXT, .offset = AT(above), .max = 32, .may_be_empty = true,
     .fallback = "", .shown = "none", .help = "Limit: a number, a share like 85%, a duration, a size."},
    {.name = "below", .type = FIELD_TEXT, .offset = AT(below), .max = 32, .may_be_empty = true,
     .fallback = "", .shown = "none", .help = "Limit at the other side."},
    {.name = "absent", .type = FIELD_BOOL, .offset = AT(is_absent), .fallback = "false",
     .help = "Whether it is wrong that no value comes."},
    {.name = "resolve_below", .type = FIELD_TEXT, .offset = AT(resolve_below), .max = 32,
     .may_be_empty = true, .fallback = "", .shown = "the limit",
     .help = "Where a rule with above is over again."},
    {.name = "resolve_above", .type = FIELD_TEXT, .offset = AT(resolve_above), .max = 32,
     .may_be_empty = true, .fallback = "", .shown = "the limit",
     .help = "Where a rule with below is over again."},
    {.name = "for", .type = FIELD_DURATION, .offset = AT(hold), .min = 0, .max = 30 * DAY,
     .fallback = "0", .shown = "at once", .help = "How long it must hold before it is said."},
    {.name = "severity", .type = FIELD_WORD, .offset = AT(severity), .words = severity_words,
     .fallback = "medium", .help = "How bad it is."},
    {.name = "summary", .type = FIELD_TEXT, .offset = AT(summary), .max = 160, .may_be_empty = true,
     .fallback = "", .shown = "made from the rule",
     .help = "One line for people; {metric} {labels} {label:KEY} {component} {value} {threshold} "
             "{rule} and {for} are filled in."},
    {.name = "actions", .type = FIELD_TEXTS, .offset = AT(actions), .offset_n = AT(n_actions),
     .shown = "by kind of metric", .help = "What a person should do then."},
};
/* clang-format on */

const struct schema rule_schema = {
    .name = "rule",
    .size = sizeof(struct rule),
    .fields = rule_fields,
    .n_fields = ARRAY_LEN(rule_fields),
    .help = "A limit beside what the detectors find. One of above, below and absent is "
            "needed.",
};

/* ---- numbers --------------------------------------------------------------------------- */

bool rule_number(const char *text, double *ret_number)
{
    char *end = NULL;
    struct span span;
    int64_t bytes;
    if (text[0] == '\0' || isspace((unsigned char)text[0]) ||
        strpbrk(text, "xXpPnN") != NULL) {
        return false; /* strtod would take hexadecimal, "nan" and "infinity" */
    }
    double number = strtod(text, &end);
    if (end != text && isfinite(number) && (*end == '\0' || strcmp(end, "%") == 0)) {
        *ret_number = *end == '%' ? number / 100 : number;
        return true;
    }
    if (span_parse(text, &span)) {
        *ret_number = (double)span.ms / 1000;
        return true;
    }
    if (bytes_parse(text, &bytes)) {
        *ret_number = (double)bytes;
        return true;
    }
    return false;
}

/* ---- checks ---------------------------------------------------------------------------- */

struct checked {
    const char *file;
    const struct yaml_item *item; /* the rule's map */
    struct findings *findings;
};

static void report(const struct checked *at, const char *field, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void report(const struct checked *at, const char *field, const char *format, ...)
{
    char path[YAML_PATH_MAX], text[512];
    const struct yaml_item *value = yaml_item_get(at->item, field);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    findings_add(at->findings, at->file, value != NULL ? value->line : at->item->line,
                 yaml_item_path(at->item, field[0] != '\0' ? field : NULL, path), "%s",
                 text);
}

/* The limit of a field that was given; NAN and a finding when it is no number. */
static double number_of(const struct checked *at, const char *field, const char *text)
{
    double number = (double)NAN;
    char quoted[YAML_QUOTE_MAX];
    if (text != NULL && text[0] != '\0' && !rule_number(text, &number)) {
        report(at, field, "%s is no limit; expected like 0.85, 85%%, 90s, 2h or 5GiB",
               yaml_quote(text, strlen(text), quoted));
    }
    return number;
}

static void check_resolve(const struct checked *at, struct rule *rule)
{
    bool is_above = rule->condition == RULE_ABOVE;
    const char *field = is_above ? "resolve_below" : "resolve_above";
    const char *other = is_above ? "resolve_above" : "resolve_below";
    const char *text = is_above ? rule->resolve_below : rule->resolve_above;
    const char *wrong = is_above ? rule->resolve_above : rule->resolve_below;
    if (wrong != NULL && wrong[0] != '\0') {
        report(at, other, "does not fit to %s; expected %s", is_above ? "above" : "below",
               field);
    }
    if (text == NULL || text[0] == '\0') {
        rule->resolve = rule->limit;
        return;
    }
    rule->resolve = number_of(at, field, text);
    if (is_above ? rule->resolve > rule->limit : rule->resolve < rule->limit) {
        report(at, field, "is at the wrong side of the limit; expected at %s %g",
               is_above ? "most" : "least", rule->limit);
    }
}

static void check_condition(const struct checked *at, struct rule *rule)
{
    bool has_above = yaml_item_get(at->item, "above") != NULL;
    bool has_below = yaml_item_get(at->item, "below") != NULL;
    if (has_above + has_below + rule->is_absent != 1) {
        report(at,
               has_above   ? "above"
               : has_below ? "below"
                           : "",
               "%s condition; expected one of above, below and absent",
               has_above + has_below + rule->is_absent == 0 ? "has no"
                                                            : "has more than one");
        return;
    }
    rule->condition = has_above ? RULE_ABOVE : has_below ? RULE_BELOW : RULE_ABSENT;
    if (rule->condition == RULE_ABSENT) {
        if (rule->of != RULE_VALUE) {
            report(at, "of", "has no meaning with absent; expected value");
        }
        if (rule->hold.ms <= 0) {
            report(at, "for", "how long is too long? expected a duration like 10m");
        }
        return;
    }
    const char *text = has_above ? rule->above : rule->below;
    if (text == NULL || text[0] == '\0') {
        report(at, has_above ? "above" : "below",
               "is empty; expected like 0.85, 85%%, 90s, 2h or 5GiB");
        return;
    }
    rule->limit = number_of(at, has_above ? "above" : "below", text);
    check_resolve(at, rule);
}

static void check_labels(const struct checked *at, const struct rule *rule)
{
    char quoted[YAML_QUOTE_MAX];
    if (rule->n_labels > RULE_LABELS_MAX) {
        report(at, "labels", "%zu matchers; expected at most %d", rule->n_labels,
               RULE_LABELS_MAX);
    }
    for (size_t i = 0; i < rule->n_labels; i++) {
        const char *text = rule->labels[i];
        size_t key = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_");
        if (key == 0 || key >= RULE_KEY_MAX ||
            (text[key] != '=' && strncmp(text + key, "!=", 2) != 0)) {
            report(at, "labels", "%s is no matcher; expected key=text or key!=text",
                   yaml_quote(text, strlen(text), quoted));
        }
    }
}

static void check_summary(const struct checked *at, const struct rule *rule)
{
    char quoted[YAML_QUOTE_MAX];
    const char *p = rule->summary != NULL ? rule->summary : "";
    while ((p = strchr(p, '{')) != NULL) {
        size_t len = strcspn(p, "}");
        if (rule_placeholder(p) == 0) {
            report(at, "summary",
                   "%s is no placeholder; expected {metric}, {labels}, {label:KEY}, "
                   "{component}, {value}, {threshold}, {rule} or {for}",
                   yaml_quote(p, p[len] == '}' ? len + 1 : len, quoted));
        }
        p++;
    }
}

void rule_check(const char *file, const struct yaml_item *list, struct rule *rules,
                size_t n, struct findings *findings)
{
    const struct yaml_item *item = list != NULL ? list->first : NULL;
    for (size_t i = 0; i < n && item != NULL; i++, item = item->next) {
        const struct checked at = {file, item, findings};
        if (item->kind != YAML_MAP) {
            continue; /* told already */
        }
        rules[i].type = ANOMALY_RULE;
        check_condition(&at, &rules[i]);
        check_labels(&at, &rules[i]);
        check_summary(&at, &rules[i]);
        for (size_t k = 0; rules[i].name != NULL && k < i; k++) {
            if (rules[k].name != NULL && strcmp(rules[k].name, rules[i].name) == 0) {
                report(&at, "name",
                       "is the name of another rule; expected names that differ");
                break;
            }
        }
    }
    if (list != NULL && n > RULES_USER_MAX) {
        char path[YAML_PATH_MAX];
        findings_add(findings, file, list->line, yaml_item_path(list, NULL, path),
                     "%zu rules; expected at most %d", n, RULES_USER_MAX);
    }
}

/* ---- a file of rules ------------------------------------------------------------------- */

struct rule_file {
    struct rule *rules;
    size_t n;
};

static const struct field file_fields[] = {
    {.name = "rules",
     .type = FIELD_MAPS,
     .offset = offsetof(struct rule_file, rules),
     .offset_n = offsetof(struct rule_file, n),
     .sub = &rule_schema,
     .help = "Rules."},
};
static const struct schema file_schema = {.name = "file of rules",
                                          .size = sizeof(struct rule_file),
                                          .fields = file_fields,
                                          .n_fields = ARRAY_LEN(file_fields),
                                          .help = "Rules."};

struct rule_set *rule_set_parse(const char *file, const char *text, size_t len,
                                struct findings *findings)
{
    size_t n_before = findings->n, n_dropped = findings->n_dropped;
    struct rule_file rules = {0};
    struct rule_set *set = NULL;
    struct yaml_tree *tree = yaml_tree_parse(file, text, len, findings);
    schema_init(&file_schema, &rules);
    schema_decode(&file_schema, file, NULL, tree, &rules, findings);
    const struct yaml_item *list = yaml_item_get(tree->root, "rules");
    rule_check(file, list != NULL && list->kind == YAML_LIST ? list : NULL, rules.rules,
               rules.n, findings);
    yaml_tree_free(tree);
    findings_sort(findings, n_before);
    if (findings->n == n_before && findings->n_dropped == n_dropped) {
        set = rule_set_new(rules.rules, rules.n);
    }
    schema_fini(&file_schema, &rules);
    return set;
}
