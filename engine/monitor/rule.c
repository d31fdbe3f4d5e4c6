/* SPDX-License-Identifier: MIT */
#include "engine/monitor/rule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/monitor/reading.h"
#include "engine/monitor/rule_private.h"

/* ---- sets ------------------------------------------------------------------------------ */

static char **copy_texts(char *const *texts, size_t n)
{
    char **copy = mem_array(n + 1, sizeof(*copy));
    for (size_t i = 0; i < n; i++) {
        copy[i] = mem_str(texts[i]);
    }
    return copy;
}

static void copy_rule(struct rule *copy, const struct rule *rule)
{
    *copy = *rule;
    copy->name = mem_str(rule->name);
    copy->metric = mem_str(rule->metric);
    copy->labels = copy_texts(rule->labels, rule->n_labels);
    copy->above = copy->below = copy->resolve_below = copy->resolve_above = NULL;
    copy->summary = mem_str(rule->summary != NULL ? rule->summary : "");
    copy->actions = copy_texts(rule->actions, rule->n_actions);
}

static void make_builtin(struct rule *rule, const struct rule_row *row)
{
    *rule = (struct rule){.is_of_ours = true,
                          .name = mem_str(row->name),
                          .metric = mem_str(row->metric),
                          .labels = mem_array(2, sizeof(*rule->labels)),
                          .of = (int)row->of,
                          .over = span_s(row->over_s),
                          .hold = span_s(row->hold_s),
                          .severity = (int)row->severity,
                          .summary = mem_str(row->summary),
                          .actions = mem_array(1, sizeof(*rule->actions)),
                          .is_absent = row->condition == RULE_ABSENT,
                          .condition = row->condition,
                          .limit = row->limit,
                          .resolve = row->resolve,
                          .type = row->type};
    if (row->label != NULL) {
        rule->labels[0] = mem_str(row->label);
        rule->n_labels = 1;
    }
}

struct rule_set *rule_set_new(const struct rule *user, size_t n)
{
    struct rule_set *set = mem_alloc(sizeof(*set));
    size_t n_rows = 0;
    while (rule_rows[n_rows].name != NULL) {
        n_rows++;
    }
    set->rules = mem_array(RULES_MAX, sizeof(*set->rules));
    for (size_t i = 0; i < n_rows && set->n < RULES_MAX; i++) {
        make_builtin(&set->rules[set->n++], &rule_rows[i]);
    }
    for (size_t i = 0; i < n && set->n < RULES_MAX; i++) {
        copy_rule(&set->rules[set->n++], &user[i]);
    }
    return set;
}

static void free_texts(char **texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(texts[i]);
    }
    free(texts);
}

void rule_set_free(struct rule_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->n; i++) {
        struct rule *rule = &set->rules[i];
        free(rule->name);
        free(rule->metric);
        free_texts(rule->labels, rule->n_labels);
        free(rule->summary);
        free_texts(rule->actions, rule->n_actions);
    }
    free(set->rules);
    free(set);
}

/* ---- which series ---------------------------------------------------------------------- */

/* Bytes of the pattern that stand for this byte, 0 = it does not fit. */
static size_t fit_one(const char *pattern, char c)
{
    const char *end = pattern[0] == '[' ? strchr(pattern + 1, ']') : NULL;
    if (end == NULL) {
        return pattern[0] != '\0' && (pattern[0] == '?' || pattern[0] == c);
    }
    bool is_not = pattern[1] == '!' || pattern[1] == '^', is_in = false;
    for (const char *p = pattern + 1 + is_not; p < end; p++) {
        bool is_range = p[1] == '-' && p + 2 < end;
        is_in |= is_range ? p[0] <= c && c <= p[2] : p[0] == c;
        p += is_range ? 2 : 0;
    }
    return is_in != is_not ? (size_t)(end - pattern) + 1 : 0;
}

/* Only the last star is ever tried again, so that no pattern takes long; fnmatch(3) of some
 * libraries does not bound that. */
bool rule_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *mark = NULL;
    while (*text != '\0') {
        size_t used = *pattern == '*' ? 0 : fit_one(pattern, *text);
        if (*pattern == '*') {
            star = pattern++;
            mark = text;
        } else if (used > 0) {
            pattern += used;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++mark;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

/* key="value",... ; a value may hold \" and \\. */
const char *rule_label(const char *labels, const char *key, char *out, size_t cap)
{
    const char *p = labels;
    size_t key_len = strlen(key), len = 0;
    out[0] = '\0';
    while (*p != '\0') {
        const char *name = p;
        size_t name_len = strcspn(p, "=");
        p += name_len;
        if (p[0] != '=' || p[1] != '"') {
            break;
        }
        bool is_it = name_len == key_len && strncmp(name, key, key_len) == 0;
        for (p += 2; *p != '\0' && *p != '"'; p++) {
            p += *p == '\\' && p[1] != '\0';
            if (is_it && len + 1 < cap) {
                out[len++] = *p;
            }
        }
        out[len] = '\0';
        if (is_it || *p == '\0') {
            break;
        }
        p += 1 + (p[1] == ',');
    }
    return out;
}

static bool fits_labels(const struct rule *rule, const char *labels)
{
    for (size_t i = 0; i < rule->n_labels; i++) {
        char key[RULE_KEY_MAX], value[256];
        const char *text = rule->labels[i];
        size_t len = strcspn(text, "!=");
        bool is_not = text[len] == '!';
        if (len >= sizeof(key) || text[len] == '\0') {
            return false;
        }
        memcpy(key, text, len);
        key[len] = '\0';
        const char *pattern = text + len + (is_not ? 2 : 1);
        if (rule_glob(pattern, rule_label(labels, key, value, sizeof(value))) == is_not) {
            return false;
        }
    }
    return true;
}

uint64_t rule_match(const struct rule_set *set, const struct series_info *series)
{
    uint64_t rules = 0;
    bool is_scraped = strncmp(series->component, "scrape:", 7) == 0;
    for (size_t i = 0; i < set->n; i++) {
        if (is_scraped && set->rules[i].is_of_ours) {
            continue;
        }
        if (rule_glob(set->rules[i].metric, series->name) &&
            fits_labels(&set->rules[i], series->labels)) {
            rules |= UINT64_C(1) << i;
        }
    }
    return rules;
}

/* ---- a point --------------------------------------------------------------------------- */

static void add_sample(const struct rule *rule, struct rule_state *state, struct wall at,
                       double value)
{
    int64_t part = rule->over.ms / RULE_SAMPLES;
    bool is_same = wall_is_set(state->slot_at) && at.ms - state->slot_at.ms < part &&
                   at.ms >= state->slot_at.ms;
    if (!is_same) {
        state->newest = (state->newest + 1) % RULE_SAMPLES;
        state->slot_at = at;
    }
    state->samples[state->newest] = (float)value;
    state->sample_ms[state->newest] = at.ms;
}

static double quantile(float *sorted, size_t n, double q)
{
    for (size_t i = 1; i < n; i++) { /* few, and nearly in order: insertion */
        float x = sorted[i];
        size_t k = i;
        for (; k > 0 && sorted[k - 1] > x; k--) {
            sorted[k] = sorted[k - 1];
        }
        sorted[k] = x;
    }
    size_t rank = (size_t)ceil(q * (double)n);
    return (double)sorted[rank > 0 ? rank - 1 : 0];
}

/* What is compared; NAN while the window is less than half full. */
static double take(const struct rule *rule, struct rule_state *state, struct wall at,
                   double value)
{
    static const double quantiles[] = {
        [RULE_P50] = 0.5, [RULE_P90] = 0.9, [RULE_P95] = 0.95, [RULE_P99] = 0.99};
    float sorted[RULE_SAMPLES];
    size_t n = 0;
    int64_t oldest = at.ms;
    double first = value, sum = 0;
    if (rule->of == RULE_VALUE) {
        return value;
    }
    add_sample(rule, state, at, value);
    for (size_t i = 0; i < RULE_SAMPLES; i++) {
        int64_t ms = state->sample_ms[i];
        if (ms == 0 || ms > at.ms || at.ms - ms > rule->over.ms) {
            continue;
        }
        if (ms < oldest) {
            oldest = ms;
            first = (double)state->samples[i];
        }
        sum += (double)state->samples[i];
        sorted[n++] = state->samples[i];
    }
    if (n == 0 || (at.ms - oldest) * 2 < rule->over.ms) {
        return (double)NAN;
    }
    if (rule->of == RULE_RATE) {
        return (value - first) * 1000 / (double)(at.ms - oldest);
    }
    return rule->of == RULE_MEAN ? sum / (double)n
                                 : quantile(sorted, n, quantiles[rule->of]);
}

static bool holds(const struct rule *rule, const struct rule_state *state, double x)
{
    double limit = wall_is_set(state->fired_at) ? rule->resolve : rule->limit;
    return rule->condition == RULE_ABOVE ? x > limit : x < limit;
}

/* The condition holds, or not, at this moment. */
static struct rule_result settle(const struct rule *rule, struct rule_state *state,
                                 struct wall at, bool is_held)
{
    struct rule_result result = {.value = state->value};
    bool was_firing = wall_is_set(state->fired_at);
    if (!is_held) {
        state->since = state->fired_at = (struct wall){0};
        result.has_ended = was_firing;
        return result;
    }
    if (!wall_is_set(state->since)) {
        state->since = at;
    }
    if (!was_firing && at.ms - state->since.ms >= rule->hold.ms) {
        state->fired_at = at;
        result.has_begun = true;
    }
    result.is_firing = wall_is_set(state->fired_at);
    result.since = state->since;
    return result;
}

static struct rule_result as_it_was(const struct rule_state *state)
{
    return (struct rule_result){.is_firing = wall_is_set(state->fired_at),
                                .value = state->value,
                                .since = state->since};
}

struct rule_result rule_step(const struct rule *rule, struct rule_state *state,
                             struct wall at, double value)
{
    if (!isfinite(value)) {
        return as_it_was(state);
    }
    state->seen_at = at;
    if (rule->condition == RULE_ABSENT) {
        state->value = value;
        return settle(rule, state, at, false);
    }
    double x = take(rule, state, at, value);
    if (!isfinite(x)) {
        return as_it_was(state);
    }
    state->value = x;
    return settle(rule, state, at, holds(rule, state, x));
}

struct rule_result rule_tick(const struct rule *rule, struct rule_state *state,
                             struct wall now)
{
    if (rule->condition != RULE_ABSENT || !wall_is_set(state->seen_at) ||
        now.ms <= state->seen_at.ms) {
        return as_it_was(state);
    }
    if (!wall_is_set(state->since)) {
        state->since = state->seen_at;
    }
    return settle(rule, state, now, now.ms - state->seen_at.ms >= rule->hold.ms);
}

/* ---- for people ------------------------------------------------------------------------ */

enum place {
    PLACE_METRIC,
    PLACE_LABELS,
    PLACE_COMPONENT,
    PLACE_VALUE,
    PLACE_THRESHOLD,
    PLACE_RULE,
    PLACE_FOR,
    PLACE_LABEL, /* {label:KEY} */
    PLACE_COUNT
};
static const char *const places[PLACE_COUNT] = {"{metric}", "{labels}",    "{component}",
                                                "{value}",  "{threshold}", "{rule}",
                                                "{for}",    "{label:"};

static size_t find_place(const char *text, enum place *ret_place)
{
    for (int i = 0; i < PLACE_COUNT; i++) {
        size_t len = strlen(places[i]);
        if (strncmp(text, places[i], len) != 0) {
            continue;
        }
        size_t key = i == PLACE_LABEL ? strcspn(text + len, "{}") : 0;
        if (i == PLACE_LABEL &&
            (key == 0 || key >= RULE_KEY_MAX || text[len + key] != '}')) {
            return 0;
        }
        *ret_place = (enum place)i;
        return i == PLACE_LABEL ? len + key + 1 : len;
    }
    return 0;
}

size_t rule_placeholder(const char *text)
{
    enum place ignored;
    return find_place(text, &ignored);
}

/* People want to read the values alone: "/srv, ext4". */
static void add_label_values(struct buf *out, const char *labels)
{
    const char *p = labels;
    while ((p = strstr(p, "=\"")) != NULL) {
        for (p += 2; *p != '\0' && *p != '"'; p++) {
            p += *p == '\\' && p[1] != '\0';
            buf_char(out, *p);
        }
        if (p[0] == '"' && p[1] == ',') {
            buf_str(out, ", ");
        }
    }
}

static void add_label(struct buf *out, const char *place, size_t len, const char *labels)
{
    char key[RULE_KEY_MAX], value[RULE_SUMMARY_MAX];
    size_t prefix = strlen(places[PLACE_LABEL]);
    snprintf(key, sizeof(key), "%.*s", (int)(len - prefix - 1), place + prefix);
    buf_str(out, rule_label(labels, key, value, sizeof(value)));
}

/* A rate is per second, and no longer of the metric's unit. */
static const char *number_of(const struct rule *rule, const char *name, double value,
                             char out[READING_MAX])
{
    if (rule->of == RULE_RATE) {
        snprintf(out, READING_MAX, "%.3g/s", value);
        return out;
    }
    return reading_format(name, value, out);
}

static void fill(struct buf *out, enum place place, const struct rule *rule,
                 const struct series_info *series, double value)
{
    char number[READING_MAX], span[CLOCK_TEXT_MAX];
    const char *const filled[PLACE_COUNT] = {
        [PLACE_METRIC] = series->name,
        [PLACE_COMPONENT] = series->component,
        [PLACE_RULE] = rule->name,
        [PLACE_FOR] = span_format(rule->hold, span),
    };
    if (place == PLACE_LABELS) {
        add_label_values(out, series->labels);
    } else if (place == PLACE_VALUE || place == PLACE_THRESHOLD) {
        buf_str(out, number_of(rule, series->name,
                               place == PLACE_VALUE ? value : rule->limit, number));
    } else {
        buf_str(out, filled[place]);
    }
}

const char *rule_text(const struct rule *rule, const struct series_info *series,
                      double value, char out[RULE_SUMMARY_MAX])
{
    static const char *const usual[] = {
        [RULE_ABOVE] = "{component}: {metric} is {value}, above {threshold}",
        [RULE_BELOW] = "{component}: {metric} is {value}, below {threshold}",
        [RULE_ABSENT] = "{component}: nothing of {metric} for {for}"};
    AUTO_BUF struct buf text;
    buf_init(&text, 4 * RULE_SUMMARY_MAX);
    const char *p = rule->summary[0] != '\0' ? rule->summary : usual[rule->condition];
    while (*p != '\0') {
        enum place place = PLACE_COUNT;
        size_t len = *p == '{' ? find_place(p, &place) : 0;
        if (len > 0 && place == PLACE_LABEL) {
            add_label(&text, p, len, series->labels);
            p += len;
        } else if (len > 0) {
            fill(&text, place, rule, series, value);
            p += len;
        } else {
            buf_char(&text, *p++);
        }
    }
    return text_clean_into(out, RULE_SUMMARY_MAX, text.data);
}
