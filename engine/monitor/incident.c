/* SPDX-License-Identifier: MIT */
#include "engine/monitor/incident.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/monitor/anomaly_private.h"

static bool has_place(const struct incident *incident, const char *place)
{
    for (int32_t i = 0; i < incident->n_places; i++) {
        if (strcmp(incident->places[i], place) == 0) {
            return true;
        }
    }
    return false;
}

static void add_place(struct incident *incident, const char *place)
{
    if (!has_place(incident, place) && incident->n_places < INCIDENT_PLACES_MAX) {
        snprintf(incident->places[incident->n_places++], ANOMALY_PLACE_MAX, "%s", place);
    }
}

static bool is_near(const struct incident *incident, const struct entry *entry)
{
    int64_t apart = entry->began_ms - incident->newest_ms;
    return apart <= INCIDENT_NEAR_MS;
}

static bool belongs(const struct incident *incident, const struct entry *entry,
                    const struct world *world)
{
    if (incident->closed_ms != 0 || !is_near(incident, entry)) {
        return false;
    }
    for (int32_t i = 0; i < incident->n_places; i++) {
        if (world_is_related(world, incident->places[i], entry->place)) {
            return true;
        }
    }
    return false;
}

/* `from` turns out to be the same trouble. */
static void merge(struct anomaly_book *book, struct incident *into, struct incident *from,
                  struct wall now)
{
    for (int32_t i = 0; i < book->n_entries; i++) {
        if (book->entries[i].incident == from->id) {
            book->entries[i].incident = into->id;
            book->entries[i].is_dirty = true;
        }
    }
    for (int32_t i = 0; i < from->n_places; i++) {
        add_place(into, from->places[i]);
    }
    for (int32_t i = 0; i < from->n_evidence; i++) {
        if (into->n_evidence < INCIDENT_EVIDENCE_MAX) {
            memcpy(into->evidence[into->n_evidence++], from->evidence[i],
                   ANOMALY_TEXT_MAX);
        }
    }
    into->n_anomalies += from->n_anomalies;
    into->newest_ms =
        into->newest_ms > from->newest_ms ? into->newest_ms : from->newest_ms;
    into->is_dirty = from->is_dirty = true;
    from->closed_ms = from->changed_ms = now.ms;
    from->n_open = from->n_anomalies = 0;
    snprintf(from->text, sizeof(from->text), "part of incident %lld",
             (long long)into->id);
}

/* When there are too many, what is new belongs to the last: nothing is hidden. */
static struct incident *add(struct anomaly_book *book, const struct entry *entry)
{
    if (book->n_incidents == INCIDENT_OPEN_MAX) {
        book->n_dropped++;
        return &book->incidents[INCIDENT_OPEN_MAX - 1];
    }
    struct incident *incident = &book->incidents[book->n_incidents++];
    memset(incident, 0, sizeof(*incident));
    incident->id = book->next_incident++;
    incident->opened_ms = incident->newest_ms = entry->opened_ms;
    return incident;
}

static void join(struct anomaly_book *book, struct entry *entry,
                 const struct world *world, struct wall now)
{
    struct incident *mine = NULL;
    for (int32_t i = 0; i < book->n_incidents; i++) {
        struct incident *incident = &book->incidents[i];
        if (!belongs(incident, entry, world)) {
            continue;
        }
        if (mine == NULL) {
            mine = incident;
        } else if (incident->id > mine->id) {
            merge(book, mine, incident, now);
        } else {
            merge(book, incident, mine, now);
            mine = incident;
        }
    }
    mine = mine != NULL ? mine : add(book, entry);
    entry->incident = mine->id;
    entry->is_dirty = mine->is_dirty = true;
    mine->n_anomalies++;
    mine->changed_ms = now.ms;
    add_place(mine, entry->place);
    if (mine->n_evidence < INCIDENT_EVIDENCE_MAX) {
        memcpy(mine->evidence[mine->n_evidence++], entry->text, ANOMALY_TEXT_MAX);
    }
}

/* ---- cause ----------------------------------------------------------------------------- */

/* How many components of the incident rest on this one. */
static int explains(const struct incident *incident, const char *place,
                    const struct world *world)
{
    int n = 0;
    for (int32_t i = 0; i < incident->n_places; i++) {
        n += world_needs(world, incident->places[i], place);
    }
    return n;
}

/* Places stand in the order in which they came: of equals the earliest stays. */
static const char *cause_of(const struct incident *incident, const struct world *world)
{
    const char *cause = incident->places[0];
    int most = explains(incident, cause, world);
    for (int32_t i = 1; i < incident->n_places; i++) {
        int n = explains(incident, incident->places[i], world);
        if (n > most) {
            most = n;
            cause = incident->places[i];
        }
    }
    return cause;
}

static const struct entry *worst_of(const struct anomaly_book *book,
                                    const struct incident *incident, const char *place)
{
    const struct entry *worst = NULL;
    for (int32_t i = 0; i < book->n_entries; i++) {
        const struct entry *entry = &book->entries[i];
        if (entry->incident == incident->id && entry->closed_by == CLOSED_NOT &&
            (place == NULL || strcmp(entry->place, place) == 0) &&
            (worst == NULL || entry->severity > worst->severity ||
             (entry->severity == worst->severity && entry->began_ms < worst->began_ms))) {
            worst = entry;
        }
    }
    return worst;
}

static void set_text(char *text, size_t cap, const char *now, int32_t *is_dirty)
{
    if (strcmp(text, now) != 0) {
        snprintf(text, cap, "%s", now);
        *is_dirty = true;
    }
}

static void describe(const struct anomaly_book *book, struct incident *incident,
                     const struct world *world)
{
    char text[2 * ANOMALY_TEXT_MAX], clean[ANOMALY_TEXT_MAX], more[48] = "";
    const char *cause = cause_of(incident, world);
    const struct entry *entry = worst_of(book, incident, cause);
    entry = entry != NULL ? entry : worst_of(book, incident, NULL);
    set_text(incident->cause, sizeof(incident->cause), cause, &incident->is_dirty);
    if (entry == NULL) {
        return;
    }
    if (incident->n_anomalies > 1) {
        snprintf(more, sizeof(more), " (and %d more)", incident->n_anomalies - 1);
    }
    snprintf(text, sizeof(text), "%s: %.*s%s", cause, ANOMALY_TEXT_MAX - 64, entry->text,
             more);
    if (strncmp(entry->text, cause, strlen(cause)) == 0) {
        snprintf(text, sizeof(text), "%.*s%s", ANOMALY_TEXT_MAX - 64, entry->text, more);
    }
    text_clean_into(clean, sizeof(clean), text);
    set_text(incident->text, sizeof(incident->text), clean, &incident->is_dirty);
}

/* ---- inhibition ------------------------------------------------------------------------ */

/* Its own breaker, or that of a service that it cannot do without. */
static void find_inhibition(const struct world *world, struct entry *entry,
                            struct wall now)
{
    char by[ANOMALY_BY_MAX] = "";
    for (size_t i = 0; i < world->n_open_breakers && by[0] == '\0'; i++) {
        char service[ANOMALY_PLACE_MAX];
        snprintf(service, sizeof(service), "service:%s", world->open_breakers[i]);
        if (world_needs(world, entry->place, service)) {
            world_breaker(world, service, by, sizeof(by));
        }
    }
    if (by[0] == '\0') {
        world_silence(world, entry->name, entry->place, now, by, sizeof(by));
    }
    set_text(entry->inhibited_by, sizeof(entry->inhibited_by), by, &entry->is_dirty);
}

static void sum_up(struct anomaly_book *book, struct incident *incident,
                   const struct world *world, struct wall now)
{
    char by[ANOMALY_BY_MAX] = "";
    int32_t n_open = 0, severity = incident->severity;
    bool is_loud = false;
    world_breaker(world, incident->cause, by, sizeof(by));
    bool is_broken = by[0] != '\0';
    for (int32_t i = 0; i < book->n_entries; i++) {
        const struct entry *entry = &book->entries[i];
        if (entry->incident != incident->id) {
            continue;
        }
        int64_t news = entry->closed_ms > 0 ? entry->closed_ms : entry->seen_ms;
        incident->newest_ms = news > incident->newest_ms ? news : incident->newest_ms;
        if (entry->closed_by != CLOSED_NOT) {
            continue;
        }
        severity = n_open == 0 || entry->severity > severity ? entry->severity : severity;
        n_open++;
        is_loud |= entry->inhibited_by[0] == '\0';
        if (by[0] == '\0') {
            snprintf(by, sizeof(by), "%s", entry->inhibited_by);
        }
    }
    if (n_open != incident->n_open || severity != incident->severity) {
        incident->n_open = n_open;
        incident->severity = severity; /* the last one when all are closed */
        incident->changed_ms = now.ms;
        incident->is_dirty = true;
    }
    if (n_open > 0) {
        set_text(incident->inhibited_by, sizeof(incident->inhibited_by),
                 is_broken || !is_loud ? by : "", &incident->is_dirty);
    } else if (incident->closed_ms == 0) {
        incident->closed_ms = incident->changed_ms = now.ms;
        incident->is_dirty = true;
    }
}

void incident_group(struct anomaly_book *book, const struct world *world, struct wall now)
{
    for (int32_t i = 0; i < book->n_entries; i++) {
        struct entry *entry = &book->entries[i];
        if (entry->incident == 0) {
            join(book, entry, world, now);
        }
        if (entry->closed_by == CLOSED_NOT) {
            find_inhibition(world, entry, now);
        }
    }
    for (int32_t i = 0; i < book->n_incidents; i++) {
        struct incident *incident = &book->incidents[i];
        if (incident->closed_ms == 0) {
            describe(book, incident, world);
            sum_up(book, incident, world, now);
        }
    }
}
