/* SPDX-License-Identifier: MIT */

/* What else goes wrong now, and what was like this before. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/monitor/anomaly_private.h"

#define TOGETHER_MS (15 * 60 * 1000) /* begin of what belongs together */

/* ---- contributing series --------------------------------------------------------------- */

/* Same place 1, a place that is needed or needs it 0.7, elsewhere 0: chance is no cause. */
static double nearness(const struct world *world, const char *a, const char *b)
{
    if (strcmp(a, b) == 0) {
        return 1;
    }
    return world_is_related(world, a, b) ? 0.7 : 0;
}

static void keep_strongest(struct entry *entry, const struct contributor *found)
{
    int32_t at = entry->n_contributors;
    for (int32_t i = 0; i < entry->n_contributors; i++) {
        if (strcmp(entry->contributors[i].name, found->name) == 0) {
            if (found->score > entry->contributors[i].score) {
                entry->contributors[i] = *found;
            }
            return;
        }
    }
    while (at > 0 && entry->contributors[at - 1].score < found->score) {
        at--;
    }
    if (at >= ANOMALY_TOP) {
        return;
    }
    int32_t n =
        entry->n_contributors < ANOMALY_TOP ? entry->n_contributors + 1 : ANOMALY_TOP;
    memmove(&entry->contributors[at + 1], &entry->contributors[at],
            (size_t)(n - at - 1) * sizeof(*found));
    entry->contributors[at] = *found;
    entry->n_contributors = n;
    entry->is_dirty = true;
}

void anomaly_find_contributors(struct anomaly_book *book, struct entry *entry,
                               const struct world *world)
{
    for (int32_t i = 0; i < book->n_suspects; i++) {
        const struct suspect *suspect = &book->suspects[i];
        double apart = fabs((double)(suspect->began_ms - entry->began_ms));
        double window =
            suspect->step_ms * 3 > TOGETHER_MS ? suspect->step_ms * 3 : TOGETHER_MS;
        if (suspect->series == entry->series || suspect->began_ms == 0 ||
            apart > window) {
            continue;
        }
        double near = nearness(world, entry->place, suspect->place);
        if (near <= 0) {
            continue;
        }
        struct contributor found = {.value = suspect->value};
        found.score =
            near * suspect->peak / (10 + suspect->peak) * (1 - 0.5 * apart / window);
        snprintf(found.name, sizeof(found.name), "%s", suspect->name);
        keep_strongest(entry, &found);
    }
}

/* ---- the past -------------------------------------------------------------------------- */

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *text, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    }
    return h;
}

static struct past past_of(const struct entry *entry)
{
    struct past past = {.id = entry->id,
                        .began_ms = entry->began_ms,
                        .lasted_ms = entry->closed_ms - entry->began_ms,
                        .series_hash = hash(entry->name, strlen(entry->name)),
                        .metric_hash = hash(entry->name, strcspn(entry->name, "{")),
                        .place_hash = hash(entry->place, strlen(entry->place)),
                        .type = entry->type,
                        .shape = entry->shape,
                        .closed_by = entry->closed_by};
    text_clean_into(past.text, sizeof(past.text), entry->text); /* cuts at a character */
    return past;
}

void anomaly_remember(struct anomaly_book *book, const struct entry *entry)
{
    book->past[book->newest_past] = past_of(entry);
    book->newest_past = (book->newest_past + 1) % ANOMALY_PAST_MAX;
    book->n_past += book->n_past < ANOMALY_PAST_MAX;
}

/* 0 = not alike. */
static double likeness(const struct past *a, const struct past *b)
{
    if (a->type != b->type) {
        return 0;
    }
    double alike = a->series_hash == b->series_hash   ? 4
                   : a->metric_hash == b->metric_hash ? 2
                   : a->place_hash == b->place_hash   ? 1
                                                      : 0;
    if (alike <= 0) {
        return 0;
    }
    int apart = a->shape - b->shape;
    return alike + 1.0 / (1 + (apart < 0 ? -apart : apart));
}

void anomaly_find_similar(const struct anomaly_book *book, struct entry *entry)
{
    struct past now = past_of(entry);
    double found[ANOMALY_TOP] = {0};
    entry->n_similar = 0;
    for (int32_t i = 0; i < book->n_past; i++) {
        const struct past *past = &book->past[i];
        double alike = likeness(&now, past);
        int32_t at = entry->n_similar;
        while (at > 0 &&
               (found[at - 1] < alike ||
                (found[at - 1] <= alike && entry->similar[at - 1].id < past->id))) {
            at--;
        }
        if (alike <= 0 || at >= ANOMALY_TOP) {
            continue;
        }
        int32_t n = entry->n_similar < ANOMALY_TOP ? entry->n_similar + 1 : ANOMALY_TOP;
        memmove(&entry->similar[at + 1], &entry->similar[at],
                (size_t)(n - at - 1) * sizeof(*past));
        memmove(&found[at + 1], &found[at], (size_t)(n - at - 1) * sizeof(*found));
        entry->similar[at] = *past;
        found[at] = alike;
        entry->n_similar = n;
    }
}
