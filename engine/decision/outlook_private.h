/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_DECISION_OUTLOOK_PRIVATE_H
#define SIGNALBOX_DECISION_OUTLOOK_PRIVATE_H

/* Outlook, inside; float where it is stored, double where it is computed. */

#include "engine/decision/outlook.h"

#define OUTLOOK_WAYS  8
#define OUTLOOK_RATES 3
#define OUTLOOK_SLOTS 512 /* factors and pairs that have weights */
#define OUTLOOK_WHICH 6   /* inputs of one */
#define OUTLOOK_OPEN  5   /* the one that says how many are open */

struct outlook_key {
    uint64_t hash; /* 0 = free */
    uint32_t used; /* clock of the last use */
    uint32_t event;
    uint32_t n;
    uint16_t n_event, open; /* outcomes of that event; cases under way */
    float passed[OUTLOOK_RATES], weight[OUTLOOK_RATES];
    float own, squares; /* its own weight in the sum, and its squared slopes */
};

struct outlook_slot {
    uint64_t name;  /* 0 = free */
    uint32_t begun; /* bit for each input that has a first weight */
    float weight[OUTLOOK_SPEEDS][OUTLOOK_WHICH], squares[OUTLOOK_SPEEDS][OUTLOOK_WHICH];
};

struct outlook {
    size_t n_keys, n_open;
    struct outlook_key *keys;
    struct outlook_sight *open; /* ring */
    uint64_t *open_ids;         /* their ids, close together for the search */
    uint64_t n_kept;
    uint32_t clock;
    uint32_t event;   /* number of this or the last run of outcomes without a question */
    bool is_in_event; /* outcomes came and nothing was asked since */
    uint32_t n_together;
    double loss[OUTLOOK_SPEEDS];
    double ahead[DECISION_KIND_COUNT]; /* log loss that the models save over the levels */
    size_t n_slots;
    struct outlook_slot slots[OUTLOOK_SLOTS];
};

uint64_t outlook_hash(const char *text);

#endif
