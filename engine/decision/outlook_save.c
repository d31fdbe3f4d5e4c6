/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/decision/blob.h"
#include "engine/decision/outlook_private.h"

#define FORMAT 2

static void save_key(const struct outlook_key *key, size_t place, struct buf *out)
{
    blob_put_count(out, place);
    blob_put_count(out, key->hash);
    blob_put_count(out, key->used);
    blob_put_count(out, key->event);
    blob_put_count(out, key->n);
    blob_put_count(out, key->n_event);
    blob_put_count(out, key->open);
    for (int i = 0; i < OUTLOOK_RATES; i++) {
        blob_put_float(out, key->passed[i]);
        blob_put_float(out, key->weight[i]);
    }
    blob_put_float(out, key->own);
    blob_put_float(out, key->squares);
}

static void save_slot(const struct outlook_slot *slot, size_t place, struct buf *out)
{
    blob_put_count(out, place);
    blob_put_count(out, slot->name);
    blob_put_count(out, slot->begun);
    for (int i = 0; i < OUTLOOK_SPEEDS * OUTLOOK_WHICH; i++) {
        blob_put_float(out, slot->weight[i / OUTLOOK_WHICH][i % OUTLOOK_WHICH]);
        blob_put_float(out, slot->squares[i / OUTLOOK_WHICH][i % OUTLOOK_WHICH]);
    }
}

static void save_sight(const struct outlook_sight *sight, size_t place, struct buf *out)
{
    blob_put_count(out, place);
    blob_put_count(out, sight->id);
    blob_put_number(out, sight->p);
    blob_put_number(out, sight->trials);
    blob_put_count(out, sight->n_keys);
    for (size_t i = 0; i < sight->n_keys; i++) {
        blob_put_count(out, sight->keys[i]);
    }
    blob_put_count(out, sight->n_inputs);
    for (size_t i = 0; i < sight->n_inputs; i++) {
        blob_put_float(out, sight->x[i]);
        blob_put_count(out, sight->weight[i]);
    }
    for (int i = 0; i < OUTLOOK_SPEEDS; i++) {
        blob_put_float(out, sight->said[i]);
    }
    blob_put_float(out, sight->level);
    blob_put_float(out, sight->mixed);
    blob_put_count(out, sight->has_level);
    blob_put_count(out, sight->kind);
}

void outlook_save(const struct outlook *outlook, struct buf *out)
{
    size_t n_keys = 0, n_open = 0;
    for (size_t i = 0; i < outlook->n_keys; i++) {
        n_keys += outlook->keys[i].hash != 0;
    }
    for (size_t i = 0; i < outlook->n_open; i++) {
        n_open += outlook->open[i].id != 0;
    }
    blob_put_count(out, FORMAT);
    blob_put_count(out, outlook->n_keys);
    blob_put_count(out, outlook->n_open);
    blob_put_count(out, outlook->n_kept);
    blob_put_count(out, outlook->clock);
    blob_put_count(out, outlook->event);
    blob_put_count(out, outlook->is_in_event);
    blob_put_count(out, outlook->n_together);
    for (int i = 0; i < OUTLOOK_SPEEDS; i++) {
        blob_put_number(out, outlook->loss[i]);
    }
    blob_put_count(out, DECISION_KIND_COUNT);
    for (int i = 0; i < DECISION_KIND_COUNT; i++) {
        blob_put_number(out, outlook->ahead[i]);
    }
    blob_put_count(out, n_keys);
    for (size_t i = 0; i < outlook->n_keys; i++) {
        if (outlook->keys[i].hash != 0) {
            save_key(&outlook->keys[i], i, out);
        }
    }
    blob_put_count(out, outlook->n_slots);
    for (size_t i = 0; i < OUTLOOK_SLOTS; i++) {
        if (outlook->slots[i].name != 0) {
            save_slot(&outlook->slots[i], i, out);
        }
    }
    blob_put_count(out, n_open);
    for (size_t i = 0; i < outlook->n_open; i++) {
        if (outlook->open[i].id != 0) {
            save_sight(&outlook->open[i], i, out);
        }
    }
}

/* ---- back ---- */

static void load_key(struct blob_reader *reader, struct outlook *into)
{
    struct outlook_key *key = &into->keys[blob_count_to(reader, into->n_keys - 1)];
    key->hash = blob_count(reader);
    key->used = (uint32_t)blob_count_to(reader, UINT32_MAX);
    key->event = (uint32_t)blob_count_to(reader, UINT32_MAX);
    key->n = (uint32_t)blob_count_to(reader, UINT32_MAX);
    key->n_event = (uint16_t)blob_count_to(reader, UINT16_MAX);
    key->open = (uint16_t)blob_count_to(reader, UINT16_MAX);
    for (int i = 0; i < OUTLOOK_RATES; i++) {
        key->passed[i] = blob_float(reader);
        key->weight[i] = blob_float(reader);
        /* log-odds are made of them */
        reader->is_bad = reader->is_bad || key->passed[i] < 0 ||
                         key->passed[i] > key->weight[i] + 1e-3F;
    }
    key->own = blob_float(reader);
    key->squares = blob_float(reader);
    reader->is_bad = reader->is_bad || key->squares < 0;
}

static void load_slot(struct blob_reader *reader, struct outlook *into)
{
    struct outlook_slot *slot = &into->slots[blob_count_to(reader, OUTLOOK_SLOTS - 1)];
    slot->name = blob_count(reader);
    slot->begun = (uint32_t)blob_count_to(reader, UINT32_MAX);
    for (int i = 0; i < OUTLOOK_SPEEDS * OUTLOOK_WHICH; i++) {
        slot->weight[i / OUTLOOK_WHICH][i % OUTLOOK_WHICH] = blob_float(reader);
        slot->squares[i / OUTLOOK_WHICH][i % OUTLOOK_WHICH] = blob_float(reader);
        reader->is_bad =
            reader->is_bad || slot->squares[i / OUTLOOK_WHICH][i % OUTLOOK_WHICH] < 0;
    }
}

static void load_sight(struct blob_reader *reader, struct outlook *into)
{
    size_t place = blob_count_to(reader, into->n_open - 1);
    struct outlook_sight *sight = &into->open[place];
    sight->id = into->open_ids[place] = blob_count(reader);
    sight->p = blob_number(reader);
    sight->trials = blob_number(reader);
    sight->n_keys = (uint32_t)blob_count_to(reader, OUTLOOK_KEYS);
    for (size_t i = 0; i < sight->n_keys; i++) {
        sight->keys[i] = blob_count(reader);
    }
    sight->n_inputs = (uint32_t)blob_count_to(reader, OUTLOOK_INPUTS);
    for (size_t i = 0; i < sight->n_inputs; i++) {
        sight->x[i] = blob_float(reader);
        sight->weight[i] =
            (uint16_t)blob_count_to(reader, OUTLOOK_SLOTS * OUTLOOK_WHICH - 1);
    }
    for (int i = 0; i < OUTLOOK_SPEEDS; i++) {
        sight->said[i] = blob_float(reader);
    }
    sight->level = blob_float(reader);
    sight->mixed = blob_float(reader);
    sight->has_level = (uint32_t)blob_count_to(reader, 1);
    sight->kind = (uint32_t)blob_count_to(reader, DECISION_KIND_COUNT - 1);
}

static void load_rows(struct blob_reader *reader, struct outlook *into)
{
    uint64_t n = blob_count_to(reader, into->n_keys);
    for (uint64_t i = 0; i < n && !reader->is_bad; i++) {
        load_key(reader, into);
    }
    into->n_slots = blob_count_to(reader, OUTLOOK_SLOTS * 3 / 4);
    for (size_t i = 0; i < into->n_slots && !reader->is_bad; i++) {
        load_slot(reader, into);
    }
    n = blob_count_to(reader, into->n_open);
    for (uint64_t i = 0; i < n && !reader->is_bad; i++) {
        load_sight(reader, into);
    }
}

bool outlook_load(struct outlook *outlook, const void *data, size_t len)
{
    struct blob_reader reader = {data, len, false};
    if (blob_count(&reader) != FORMAT || blob_count(&reader) != outlook->n_keys ||
        blob_count(&reader) != outlook->n_open || reader.is_bad) {
        return false;
    }
    struct outlook *read = outlook_new(outlook->n_keys, outlook->n_open);
    read->n_kept = blob_count(&reader);
    read->clock = (uint32_t)blob_count_to(&reader, UINT32_MAX);
    read->event = (uint32_t)blob_count_to(&reader, UINT32_MAX);
    read->is_in_event = blob_count_to(&reader, 1) == 1;
    read->n_together = (uint32_t)blob_count_to(&reader, UINT32_MAX);
    for (int i = 0; i < OUTLOOK_SPEEDS; i++) {
        read->loss[i] = blob_number(&reader);
    }
    uint64_t n_kinds = blob_count_to(&reader, DECISION_KIND_COUNT);
    for (uint64_t i = 0; i < n_kinds; i++) {
        read->ahead[i] = blob_number(&reader);
    }
    load_rows(&reader, read);
    bool is_good = !reader.is_bad && reader.left == 0;
    if (is_good) {
        struct outlook old = *outlook;
        *outlook = *read;
        *read = old;
    }
    outlook_free(read);
    return is_good;
}
