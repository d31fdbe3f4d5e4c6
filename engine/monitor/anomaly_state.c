/* SPDX-License-Identifier: MIT */

/* The lists of the book, and how it is kept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"
#include "engine/base/text.h"
#include "engine/monitor/anomaly_private.h"

#define FORMAT       1
#define NO_ONE       (-1)
#define IN_RANGE(id) ((id) >= 0 && (id) < ANOMALY_SERIES_MAX)

static void forget_places(struct anomaly_book *book)
{
    memset(book->suspect_of, 0xFF, sizeof(book->suspect_of)); /* -1 */
    memset(book->slot_of, 0xFF, sizeof(book->slot_of));
}

static void begin(struct anomaly_book *book)
{
    book->next_anomaly = book->next_incident = 1;
    forget_places(book);
}

static void clear(struct anomaly_book *book)
{
    mem_copy_pages(book, NULL, sizeof(*book));
    begin(book);
}

struct anomaly_book *anomaly_book_new(void)
{
    struct anomaly_book *book =
        mem_alloc(sizeof(*book)); /* not cleared again: it is large */
    begin(book);
    return book;
}

void anomaly_book_free(struct anomaly_book *book)
{
    free(book);
}

void anomaly_name(const struct series_info *series, char out[ANOMALY_NAME_MAX])
{
    char text[2 * ANOMALY_NAME_MAX];
    snprintf(text, sizeof(text), series->labels[0] != '\0' ? "%s{%s}" : "%s%s",
             series->name, series->labels);
    text_clean_into(out, ANOMALY_NAME_MAX, text);
}

/* ---- suspects -------------------------------------------------------------------------- */

struct suspect *anomaly_find_suspect(struct anomaly_book *book, int32_t series)
{
    if (!IN_RANGE(series) || book->suspect_of[series] == NO_ONE) {
        return NULL;
    }
    return &book->suspects[book->suspect_of[series]];
}

void anomaly_remove_suspect(struct anomaly_book *book, size_t i)
{
    struct suspect *suspect = &book->suspects[i];
    book->suspect_of[suspect->series] = NO_ONE;
    book->n_suspects--;
    if ((int32_t)i != book->n_suspects) {
        *suspect = book->suspects[book->n_suspects];
        book->suspect_of[suspect->series] = (int16_t)i;
    }
}

static bool has_entry(const struct anomaly_book *book, int32_t series)
{
    for (int32_t i = 0; i < book->n_entries; i++) {
        if (book->entries[i].series == series &&
            book->entries[i].rule == ANOMALY_NO_RULE &&
            book->entries[i].closed_by == CLOSED_NOT) {
            return true;
        }
    }
    return false;
}

/* The one with the least evidence, but never one that is open. */
static bool make_room(struct anomaly_book *book)
{
    int32_t mildest = NO_ONE;
    for (int32_t i = 0; i < book->n_suspects; i++) {
        if ((mildest == NO_ONE ||
             book->suspects[i].evidence < book->suspects[mildest].evidence) &&
            !has_entry(book, book->suspects[i].series)) {
            mildest = i;
        }
    }
    book->n_dropped++;
    if (mildest == NO_ONE) {
        return false;
    }
    anomaly_remove_suspect(book, (size_t)mildest);
    return true;
}

struct suspect *anomaly_add_suspect(struct anomaly_book *book,
                                    const struct series_info *series)
{
    if (!IN_RANGE(series->id)) {
        book->n_dropped++;
        return NULL;
    }
    if (book->n_suspects == ANOMALY_SUSPECTS_MAX && !make_room(book)) {
        return NULL;
    }
    int32_t i = book->n_suspects++;
    struct suspect *suspect = &book->suspects[i];
    memset(suspect, 0, sizeof(*suspect));
    suspect->series = series->id;
    anomaly_name(series, suspect->name);
    text_clean_into(suspect->place, sizeof(suspect->place), series->component);
    book->suspect_of[series->id] = (int16_t)i;
    return suspect;
}

/* ---- entries --------------------------------------------------------------------------- */

struct entry *anomaly_find_entry(struct anomaly_book *book, int32_t series, int32_t rule)
{
    for (int32_t i = 0; i < book->n_entries; i++) {
        struct entry *entry = &book->entries[i];
        if (entry->series == series && entry->rule == rule &&
            entry->closed_by == CLOSED_NOT) {
            return entry;
        }
    }
    return NULL;
}

struct entry *anomaly_add_entry(struct anomaly_book *book)
{
    if (book->n_entries == ANOMALY_OPEN_MAX) {
        book->n_dropped++;
        return NULL;
    }
    struct entry *entry = &book->entries[book->n_entries++];
    memset(entry, 0, sizeof(*entry));
    entry->id = book->next_anomaly++;
    book->n_opened++;
    return entry;
}

bool anomaly_book_continue(struct anomaly_book *book, int64_t last_anomaly,
                           int64_t last_incident)
{
    bool is_behind =
        last_anomaly >= book->next_anomaly || last_incident >= book->next_incident;
    for (int32_t i = 0; i < book->n_entries; i++) {
        book->entries[i].is_dirty |= book->entries[i].id > last_anomaly;
    }
    for (int32_t i = 0; i < book->n_incidents; i++) {
        book->incidents[i].is_dirty |= book->incidents[i].id > last_incident;
    }
    if (last_anomaly >= book->next_anomaly) {
        book->next_anomaly = last_anomaly + 1;
    }
    if (last_incident >= book->next_incident) {
        book->next_incident = last_incident + 1;
    }
    return is_behind;
}

bool anomaly_book_has(const struct anomaly_book *book, int64_t anomaly)
{
    for (int32_t i = 0; i < book->n_entries; i++) {
        if (book->entries[i].id == anomaly) {
            return true;
        }
    }
    return false;
}

bool anomaly_book_has_incident(const struct anomaly_book *book, int64_t incident)
{
    for (int32_t i = 0; i < book->n_incidents; i++) {
        if (book->incidents[i].id == incident) {
            return true;
        }
    }
    return false;
}

void anomaly_remove_entry(struct anomaly_book *book, size_t i)
{
    book->n_entries--;
    if ((int32_t)i != book->n_entries) {
        book->entries[i] = book->entries[book->n_entries];
    }
}

/* ---- rules ----------------------------------------------------------------------------- */

struct rule_slot *anomaly_slot(struct anomaly_book *book,
                               const struct series_info *series, int32_t rule)
{
    if (!IN_RANGE(series->id)) {
        return NULL;
    }
    for (int32_t i = book->slot_of[series->id]; i != NO_ONE; i = book->slots[i].next) {
        if (book->slots[i].rule == rule) {
            return &book->slots[i];
        }
    }
    if (book->n_slots == ANOMALY_RULES_MAX) {
        book->n_dropped++;
        return NULL;
    }
    int32_t i = book->n_slots++;
    struct rule_slot *slot = &book->slots[i];
    memset(slot, 0, sizeof(*slot));
    slot->rule = rule;
    slot->series = series->id;
    slot->next = book->slot_of[series->id];
    anomaly_name(series, slot->name);
    text_clean_into(slot->place, sizeof(slot->place), series->component);
    book->slot_of[series->id] = (int16_t)i;
    return slot;
}

/* ---- kept ------------------------------------------------------------------------------ */

struct part {
    void *rows;
    int32_t *n;
    size_t size, max;
};

#define PARTS 6

static void parts_of(struct anomaly_book *book, struct part parts[PARTS])
{
    const struct part all[PARTS] = {
        {book->suspects,  &book->n_suspects,  sizeof(struct suspect),   ANOMALY_SUSPECTS_MAX},
        {book->entries,   &book->n_entries,   sizeof(struct entry),     ANOMALY_OPEN_MAX    },
        {book->slots,     &book->n_slots,     sizeof(struct rule_slot), ANOMALY_RULES_MAX   },
        {book->incidents, &book->n_incidents, sizeof(struct incident),  INCIDENT_OPEN_MAX   },
        {book->habits,    &book->n_habits,    sizeof(struct habit),     ANOMALY_SERIES_MAX  },
        {book->past,      &book->n_past,      sizeof(struct past),      ANOMALY_PAST_MAX    },
    };
    memcpy(parts, all, sizeof(all));
}

struct head {
    uint32_t format, bytes; /* of a whole book: another build has another one */
};

void anomaly_book_save(const struct anomaly_book *book, struct buf *out)
{
    struct head head = {FORMAT, sizeof(struct anomaly_book)};
    struct part parts[PARTS];
    /* the parts are only read */
    struct anomaly_book *self = (struct anomaly_book *)(uintptr_t)book;
    parts_of(self, parts);
    buf_add(out, &head, sizeof(head));
    buf_add(out, book, offsetof(struct anomaly_book, suspects));
    for (size_t i = 0; i < PARTS; i++) {
        buf_add(out, parts[i].rows, (size_t)*parts[i].n * parts[i].size);
    }
}

static bool take(const char **at, size_t *left, void *to, size_t size)
{
    if (*left < size) {
        return false;
    }
    memcpy(to, *at, size);
    *at += size;
    *left -= size;
    return true;
}

/* Every text ends, every number is one that the code can use. */
static bool is_sound(struct anomaly_book *book)
{
    bool is_good = book->newest_past >= 0 && book->newest_past < ANOMALY_PAST_MAX &&
                   book->next_anomaly > 0 && book->next_incident > 0;
    for (int32_t i = 0; i < book->n_suspects; i++) {
        struct suspect *row = &book->suspects[i];
        row->name[ANOMALY_NAME_MAX - 1] = row->place[ANOMALY_PLACE_MAX - 1] = '\0';
        is_good = is_good && IN_RANGE(row->series) && row->kind >= 0 &&
                  row->kind < DETECT_KIND_COUNT &&
                  book->suspect_of[row->series] == NO_ONE;
        if (is_good) {
            book->suspect_of[row->series] = (int16_t)i;
        }
    }
    for (int32_t i = 0; i < book->n_slots; i++) {
        struct rule_slot *row = &book->slots[i];
        is_good = is_good && IN_RANGE(row->series) && row->state.newest >= 0 &&
                  row->state.newest < RULE_SAMPLES;
        if (is_good) {
            row->next = book->slot_of[row->series];
            book->slot_of[row->series] = (int16_t)i;
        }
    }
    for (int32_t i = 0; i < book->n_entries; i++) {
        struct entry *row = &book->entries[i];
        is_good = is_good && row->type >= 0 && row->type < ANOMALY_TYPE_COUNT &&
                  row->severity >= 0 && row->severity < SEVERITY_COUNT &&
                  row->n_contributors >= 0 && row->n_contributors <= ANOMALY_TOP &&
                  row->n_similar >= 0 && row->n_similar <= ANOMALY_TOP &&
                  row->closed_by >= CLOSED_NOT && row->closed_by <= CLOSED_OPERATOR;
    }
    for (int32_t i = 0; i < book->n_incidents; i++) {
        struct incident *row = &book->incidents[i];
        is_good = is_good && row->n_evidence >= 0 &&
                  row->n_evidence <= INCIDENT_EVIDENCE_MAX && row->n_places >= 0 &&
                  row->n_places <= INCIDENT_PLACES_MAX;
    }
    return is_good;
}

bool anomaly_book_load(struct anomaly_book *book, const void *blob, size_t len)
{
    struct head head;
    struct part parts[PARTS];
    const char *at = blob;
    clear(book);
    bool is_good = take(&at, &len, &head, sizeof(head)) && head.format == FORMAT &&
                   head.bytes == sizeof(*book) &&
                   take(&at, &len, book, offsetof(struct anomaly_book, suspects));
    parts_of(book, parts);
    for (size_t i = 0; i < PARTS && is_good; i++) {
        is_good = *parts[i].n >= 0 && (size_t)*parts[i].n <= parts[i].max &&
                  take(&at, &len, parts[i].rows, (size_t)*parts[i].n * parts[i].size);
    }
    if (!is_good || len != 0 || !is_sound(book)) {
        clear(book);
        return false;
    }
    return true;
}

struct anomaly_counts anomaly_book_counts(const struct anomaly_book *book)
{
    struct anomaly_counts counts = {.n_suspects = (size_t)book->n_suspects,
                                    .n_opened = book->n_opened,
                                    .n_closed = book->n_closed,
                                    .n_dropped = book->n_dropped};
    for (int32_t i = 0; i < book->n_entries; i++) {
        counts.n_open += book->entries[i].closed_by == CLOSED_NOT;
    }
    for (int32_t i = 0; i < book->n_incidents; i++) {
        counts.n_incidents += book->incidents[i].closed_ms == 0;
    }
    return counts;
}

bool anomaly_book_is_open(const struct anomaly_book *book, int32_t series)
{
    for (int32_t i = 0; i < book->n_entries; i++) {
        if (book->entries[i].series == series &&
            book->entries[i].closed_by == CLOSED_NOT) {
            return true;
        }
    }
    return false;
}
