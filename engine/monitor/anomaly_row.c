/* SPDX-License-Identifier: MIT */

/* From the book's lists to rows of the store. */
#include <math.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/monitor/anomaly_private.h"

#define DETAIL_MAX (16 * 1024)

static void write_affected(struct jsonw *w, const struct world *world, const char *place)
{
    const char *names[WORLD_REACH_MAX];
    size_t n = world_affected(world, place, names, 16);
    jsonw_open(w, "affected", '[');
    jsonw_str(w, NULL, place);
    for (size_t i = 0; i < n; i++) {
        jsonw_str(w, NULL, names[i]);
    }
    jsonw_close(w, ']');
}

static void write_similar(struct jsonw *w, const struct entry *entry)
{
    jsonw_open(w, "similar", '[');
    for (int32_t i = 0; i < entry->n_similar; i++) {
        const struct past *past = &entry->similar[i];
        char at[CLOCK_TEXT_MAX];
        jsonw_open(w, NULL, '{');
        jsonw_int(w, "id", past->id);
        jsonw_str(w, "at", wall_format((struct wall){past->began_ms}, false, at));
        jsonw_str(w, "text", past->text);
        jsonw_str(w, "closed_by", closed_by_word((enum closed_by)past->closed_by));
        jsonw_num(w, "lasted_s", (double)past->lasted_ms / 1000);
        jsonw_close(w, '}');
    }
    jsonw_close(w, ']');
}

static void write_actions(struct jsonw *w, const struct entry *entry,
                          const struct rule_set *set)
{
    const char *actions[ANOMALY_ACTIONS_MAX];
    const struct rule *rule =
        entry->rule != ANOMALY_NO_RULE && set != NULL && (size_t)entry->rule < set->n
            ? &set->rules[entry->rule]
            : NULL;
    jsonw_open(w, "actions", '[');
    if (rule != NULL && rule->n_actions > 0) {
        for (size_t i = 0; i < rule->n_actions; i++) {
            jsonw_str(w, NULL, rule->actions[i]);
        }
    } else {
        size_t n = anomaly_actions(entry->name, (enum anomaly_type)entry->type, actions);
        for (size_t i = 0; i < n; i++) {
            jsonw_str(w, NULL, actions[i]);
        }
    }
    jsonw_close(w, ']');
}

static const char *detail_of(const struct entry *entry, const struct rule_set *set,
                             const struct world *world, struct arena *arena)
{
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, DETAIL_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    write_affected(&w, world, entry->place);
    jsonw_open(&w, "contributing", '[');
    for (int32_t i = 0; i < entry->n_contributors; i++) {
        jsonw_open(&w, NULL, '{');
        jsonw_str(&w, "series", entry->contributors[i].name);
        jsonw_num(&w, "score", entry->contributors[i].score);
        jsonw_num(&w, "value", entry->contributors[i].value);
        jsonw_close(&w, '}');
    }
    jsonw_close(&w, ']');
    write_similar(&w, entry);
    write_actions(&w, entry, set);
    jsonw_str(&w, "inhibited_by", entry->inhibited_by);
    jsonw_close(&w, '}');
    return arena_strn(arena, out.data, out.len);
}

static struct anomaly_row row_of(const struct entry *entry, const struct rule_set *set,
                                 const struct world *world, struct arena *arena)
{
    return (struct anomaly_row){
        .id = entry->id,
        .incident = entry->incident,
        .type = (enum anomaly_type)entry->type,
        .severity = (enum severity)entry->severity,
        .began_at = {entry->began_ms},
        .opened_at = {entry->opened_ms},
        .seen_at = {entry->seen_ms},
        .closed_at = {entry->closed_ms},
        .series = arena_str(arena, entry->name),
        .component = arena_str(arena, entry->place),
        .value = entry->value,
        .low = entry->low,
        .high = entry->high,
        .score = entry->score,
        .text = arena_str(arena, entry->text),
        .rule = arena_str(arena, entry->rule_name),
        .closed_by = closed_by_word((enum closed_by)entry->closed_by),
        .detail = detail_of(entry, set, world, arena),
    };
}

static struct incident_row incident_row_of(const struct incident *incident,
                                           const struct world *world, struct arena *arena)
{
    struct jsonw w;
    AUTO_BUF struct buf out;
    buf_init(&out, DETAIL_MAX);
    jsonw_init(&w, &out);
    jsonw_open(&w, NULL, '{');
    write_affected(&w, world, incident->cause);
    jsonw_open(&w, "evidence", '[');
    for (int32_t i = 0; i < incident->n_evidence; i++) {
        jsonw_str(&w, NULL, incident->evidence[i]);
    }
    jsonw_close(&w, ']');
    jsonw_close(&w, '}');
    return (struct incident_row){
        .id = incident->id,
        .severity = (enum severity)incident->severity,
        .cause = arena_str(arena, incident->cause),
        .text = arena_str(arena, incident->text),
        .opened_at = {incident->opened_ms},
        .changed_at = {incident->changed_ms},
        .closed_at = {incident->closed_ms},
        .n_anomalies = incident->n_anomalies,
        .n_open = incident->n_open,
        .inhibited_by = arena_str(arena, incident->inhibited_by),
        .detail = arena_strn(arena, out.data, out.len),
        .owner = "",
        .note = "",
        .claimed_by = "",
        .assignee = "",
        .links = "",
    };
}

/* Told whole and closed: no longer of the book. */
static void drop_told(struct anomaly_book *book)
{
    for (int32_t i = book->n_entries - 1; i >= 0; i--) {
        const struct entry *entry = &book->entries[i];
        if (entry->closed_by != CLOSED_NOT && !entry->is_dirty && entry->incident != 0) {
            anomaly_remove_entry(book, (size_t)i);
        }
    }
    for (int32_t i = book->n_incidents - 1; i >= 0; i--) {
        if (book->incidents[i].closed_ms != 0 && !book->incidents[i].is_dirty) {
            book->incidents[i] = book->incidents[--book->n_incidents];
        }
    }
}

void anomaly_book_take(struct anomaly_book *book, const struct rule_set *set,
                       const struct world *world, struct arena *arena,
                       struct anomaly_changes *ret)
{
    struct anomaly_row *anomalies =
        arena_array(arena, ANOMALY_OPEN_MAX, sizeof(*anomalies));
    struct incident_row *incidents =
        arena_array(arena, INCIDENT_OPEN_MAX, sizeof(*incidents));
    *ret = (struct anomaly_changes){.anomalies = anomalies, .incidents = incidents};
    for (int32_t i = 0; i < book->n_incidents; i++) {
        if (book->incidents[i].is_dirty) {
            incidents[ret->n_incidents++] =
                incident_row_of(&book->incidents[i], world, arena);
            book->incidents[i].is_dirty = false;
        }
    }
    for (int32_t i = 0; i < book->n_entries; i++) {
        struct entry *entry = &book->entries[i];
        if (entry->is_dirty && entry->incident != 0) { /* else after the next tick */
            anomalies[ret->n_anomalies++] = row_of(entry, set, world, arena);
            entry->is_dirty = false;
        }
    }
    drop_told(book);
}
