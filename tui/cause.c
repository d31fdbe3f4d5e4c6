/* SPDX-License-Identifier: MIT */
#include "tui/cause.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tui/cause_private.h"

const char *cause_state_word(enum cause_state state)
{
    static const char *const words[] = {
#define X(id, word, help) [id] = word,
        CAUSE_STATE_LIST(X)
#undef X
    };
    return (unsigned)state < CAUSE_STATE_COUNT ? words[state] : "?";
}

const char *cause_part_word(enum cause_part_kind kind, int64_t n)
{
    static const char *const words[][2] = {
#define X(id, word, plural) [id] = {word, plural},
        CAUSE_PART_LIST(X)
#undef X
    };
    return (unsigned)kind < CAUSE_PART_COUNT ? words[kind][n != 1] : "?";
}

const char *cause_sort_word(enum cause_sort sort)
{
    static const char *const words[] = {
#define X(id, word) [id] = word,
        CAUSE_SORT_LIST(X)
#undef X
    };
    return (unsigned)sort < CAUSE_SORT_COUNT ? words[sort] : "?";
}

/* ---- groups ---- */

struct cause_row *cause_group(struct gather *g, const struct story_subject *subject)
{
    char id[STORY_ID_MAX];
    if (g->n == CAUSES_MAX) {
        g->has_more = true;
        return NULL;
    }
    struct cause_row *row = &g->rows[g->n++];
    *row = (struct cause_row){.subject = *subject,
                              .id = arena_str(g->arena, story_id(subject, id)),
                              .cause = "",
                              .text = "",
                              .who = ""};
    return row;
}

static bool overlaps(const struct gather *g, const struct cause_row *row,
                     struct wall from, struct wall to)
{
    int64_t end_ms = wall_is_set(row->to) ? row->to.ms + NEAR_MS : g->now.ms;
    return from.ms <= end_ms && (!wall_is_set(to) || to.ms >= row->from.ms - NEAR_MS);
}

static bool has_anomaly_at(const struct gather *g, const struct cause_row *row,
                           const char *node)
{
    for (size_t i = 0; i < g->n_anomalies && row->incident != NULL; i++) {
        const struct anomaly_row *anomaly = &g->anomalies[i];
        if (anomaly->incident == row->incident->id &&
            strcmp(anomaly->component, node) == 0) {
            return true;
        }
    }
    return false;
}

struct cause_row *cause_find(struct gather *g, const char *node, struct wall from,
                             struct wall to)
{
    struct cause_row *found = NULL;
    for (size_t i = 0; i < g->n && story_is_cause(node); i++) {
        struct cause_row *row = &g->rows[i];
        bool is_it = strcmp(row->cause, node) == 0;
        if ((is_it || has_anomaly_at(g, row, node)) && overlaps(g, row, from, to)) {
            if (is_it) {
                return row;
            }
            found = found != NULL ? found : row;
        }
    }
    return found;
}

/* ---- parts ---- */

void cause_add(struct gather *g, struct cause_row *row, const struct cause_part *part)
{
    struct cause_part *parts = (struct cause_part *)(uintptr_t)row->parts;
    if (parts == NULL) {
        parts = arena_array(g->arena, CAUSE_PARTS, sizeof(*parts));
        row->parts = parts;
    }
    if (row->n_parts < CAUSE_PARTS) {
        parts[row->n_parts++] = *part;
    }
}

static enum cause_state state_of(const struct gather *g, const struct cause_row *row,
                                 const struct cause_facts *facts)
{
    const struct incident_row *incident = row->incident;
    if (wall_is_set(row->to)) {
        return CAUSE_CLOSED;
    }
    if (incident != NULL && incident->state == INCIDENT_RESOLVED) {
        return CAUSE_RESOLVED;
    }
    if (facts->needs_human) {
        return CAUSE_NEEDS;
    }
    if (incident != NULL && incident->inhibited_by[0] != '\0') {
        return CAUSE_QUIET;
    }
    if (incident != NULL && incident->claimed_until.ms > g->now.ms) {
        return CAUSE_CLAIMED;
    }
    if (incident != NULL && incident->owner[0] != '\0') {
        return CAUSE_ACKED;
    }
    if (incident != NULL && incident->assignee[0] != '\0') {
        return CAUSE_ASSIGNED;
    }
    return facts->is_held         ? CAUSE_HELD
           : facts->is_recovering ? CAUSE_RECOVERING
                                  : CAUSE_OPEN;
}

static int by_severity(const struct cause_row *a, const struct cause_row *b)
{
    return (int)b->severity - (int)a->severity;
}

static int by_age(const struct cause_row *a, const struct cause_row *b)
{
    return (a->from.ms > b->from.ms) - (a->from.ms < b->from.ms);
}

static int compare(enum cause_sort sort, const struct cause_row *a,
                   const struct cause_row *b)
{
    int order = 0;
    switch (sort) {
    case CAUSE_BY_SEVERITY:
        order = by_severity(a, b);
        break;
    case CAUSE_BY_STATE:
        order = (int)a->state - (int)b->state;
        break;
    case CAUSE_BY_WHO: /* those of nobody first */
        order = strcasecmp(a->who, b->who);
        break;
    case CAUSE_BY_INSIDE:
        order = (a->n_inside < b->n_inside) - (a->n_inside > b->n_inside);
        break;
    case CAUSE_BY_AGE:
        order = by_age(a, b);
        break;
    case CAUSE_SORT_COUNT:
        break;
    }
    order = order != 0 ? order : by_severity(a, b);
    order = order != 0 ? order : -by_age(a, b);
    return order != 0 ? order : strcmp(a->id, b->id);
}

static int by_attention(const void *a, const void *b)
{
    const struct cause_row *x = a, *y = b;
    int over = wall_is_set(x->to) - wall_is_set(y->to);
    return over != 0 ? over : compare(CAUSE_BY_SEVERITY, x, y);
}

bool causes_read(struct reader *reader, struct arena *arena, struct wall now,
                 bool has_all, struct causes *ret_causes, struct err *err)
{
    struct gather g = {.reader = reader,
                       .arena = arena,
                       .now = now,
                       .has_all = has_all,
                       .err = err,
                       .rows = arena_array(arena, CAUSES_MAX, sizeof(*g.rows)),
                       .facts = arena_array(arena, CAUSES_MAX, sizeof(*g.facts))};
    if (!cause_gather(&g)) {
        return false;
    }
    for (size_t i = 0; i < g.n; i++) {
        struct cause_row *row = &g.rows[i];
        row->n_inside = row->n[CAUSE_BREAKER] + row->n[CAUSE_FAILURE] +
                        row->n[CAUSE_ANOMALY] + row->n[CAUSE_DECISION];
        row->state = state_of(&g, row, &g.facts[i]);
    }
    if (g.n > 1) {
        qsort(g.rows, g.n, sizeof(*g.rows), by_attention);
    }
    *ret_causes = (struct causes){.rows = g.rows, .n = g.n, .has_more = g.has_more};
    return true;
}

/* ---- order ---- */

static bool has_text(const char *text, const char *part)
{
    size_t len = strlen(part);
    for (const char *at = text; *at != '\0'; at++) {
        if (strncasecmp(at, part, len) == 0) {
            return true;
        }
    }
    return len == 0;
}

static bool matches(const struct cause_row *row, const char *text)
{
    const char *const fields[] = {row->id,    row->text,
                                  row->cause, severity_word(row->severity),
                                  row->who,   cause_state_word(row->state)};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (has_text(fields[i], text)) {
            return true;
        }
    }
    for (size_t i = 0; i < row->n_parts; i++) {
        if (has_text(row->parts[i].text, text) || has_text(row->parts[i].name, text)) {
            return true;
        }
    }
    return false;
}

/* Insertion: stable, and 200 rows are few. */
size_t causes_order(const struct causes *causes, const char *text, enum cause_sort sort,
                    bool is_reversed, size_t *ret_order)
{
    size_t n = 0;
    for (size_t i = 0; i < causes->n; i++) {
        const struct cause_row *row = &causes->rows[i];
        if (!matches(row, text)) {
            continue;
        }
        size_t at = n++;
        for (; at > 0; at--) {
            const struct cause_row *before = &causes->rows[ret_order[at - 1]];
            int over = wall_is_set(before->to) - wall_is_set(row->to);
            int order = compare(sort, before, row);
            if (over < 0 || (over == 0 && (is_reversed ? -order : order) <= 0)) {
                break;
            }
            ret_order[at] = ret_order[at - 1];
        }
        ret_order[at] = i;
    }
    return n;
}

/* ---- telling ---- */

const char *cause_inside(const struct cause_row *row, char *text, size_t cap)
{
    static const enum cause_part_kind order[] = {
        CAUSE_ANOMALY, CAUSE_PROBLEM, CAUSE_FAILURE, CAUSE_BREAKER, CAUSE_DECISION};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(order) && used < cap; i++) {
        int64_t n = row->n[order[i]];
        if (n > 0) {
            int len = snprintf(text + used, cap - used, "%s%" PRId64 " %s",
                               used > 0 ? ", " : "", n, cause_part_word(order[i], n));
            used += len > 0 ? (size_t)len : 0;
        }
    }
    return text;
}

static void write_wall(struct jsonw *w, const char *key, struct wall at)
{
    char text[CLOCK_TEXT_MAX];
    jsonw_str(w, key, wall_is_set(at) ? wall_format(at, true, text) : NULL);
}

static void write_inside(const struct cause_row *row, struct jsonw *w)
{
    jsonw_open(w, "inside", '{');
    jsonw_str(w, "state", cause_state_word(row->state));
    for (int kind = 0; kind < CAUSE_PART_COUNT; kind++) {
        jsonw_int(w, cause_part_word((enum cause_part_kind)kind, 2), row->n[kind]);
    }
    jsonw_open(w, "parts", '[');
    for (size_t i = 0; i < row->n_parts; i++) {
        const struct cause_part *part = &row->parts[i];
        jsonw_open(w, NULL, '{');
        jsonw_str(w, "kind", cause_part_word(part->kind, 1));
        jsonw_str(w, "id", part->name);
        write_wall(w, "at", part->at);
        jsonw_str(w, "state", part->state);
        jsonw_bool(w, "needs_human", part->needs_human);
        jsonw_str(w, "text", part->text);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
    jsonw_close(w, '}');
}

void cause_json(const struct cause_row *row, struct jsonw *w)
{
    if (row->incident == NULL) {
        jsonw_str(w, "id", row->id);
        jsonw_str(w, "severity", severity_word(row->severity));
        jsonw_str(w, "state", cause_state_word(row->state));
        jsonw_str(w, "cause", row->cause[0] != '\0' ? row->cause : NULL);
        jsonw_str(w, "text", row->text);
        write_wall(w, "opened_at", row->from);
        write_wall(w, "closed_at", row->to);
    }
    write_inside(row, w);
}
