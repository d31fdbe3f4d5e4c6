/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "engine/predict/failure_private.h"

/* 2^(-1/h) for half-lives h of 2, 5, 20 and 100 outcomes. */
static const double decays[FAILURE_DECAYS] = {
    0.70710678118654752,
    0.87055056329612414,
    0.96593632892484555,
    0.99309249543703590,
};
/* Outcomes that the parent is worth. */
static const double worth[FAILURE_DECAYS] = {0.5, 1, 2, 4};

struct failure_key *failure_key_find(struct failure_key keys[FAILURE_KEYS], uint64_t hash,
                                     uint32_t now)
{
    struct failure_key *set = &keys[hash % (FAILURE_KEYS / FAILURE_WAYS) * FAILURE_WAYS];
    struct failure_key *oldest = set;
    for (int i = 0; i < FAILURE_WAYS; i++) {
        if (set[i].hash == hash) {
            set[i].touched = now;
            return &set[i];
        }
        if (set[i].touched < oldest->touched) {
            oldest = &set[i];
        }
    }
    memset(oldest, 0, sizeof(*oldest));
    oldest->hash = hash;
    oldest->touched = now;
    return oldest;
}

void failure_key_add(struct failure_key *key, bool has_failed, int64_t at_ms)
{
    for (int i = 0; i < FAILURE_DECAYS; i++) {
        key->decayed[i] = (float)((double)key->decayed[i] * decays[i] + has_failed);
    }
    if (key->n == 0 || (key->history & 1) != (uint32_t)has_failed) {
        key->turned_ms = at_ms;
    }
    key->n++;
    key->failed += has_failed;
    key->history = key->history << 1 | has_failed;
    key->last_ms = at_ms;
    if (key->waiting > 0) {
        key->waiting--;
    }
}

struct failure_rates failure_key_rates(const struct failure_key *key,
                                       const struct failure_rates *parent)
{
    struct failure_rates rates = *parent;
    for (int i = 0; i < FAILURE_DECAYS && key->n > 0; i++) {
        double weight = (1 - pow(decays[i], key->n)) / (1 - decays[i]);
        rates.p[i] =
            ((double)key->decayed[i] + worth[i] * parent->p[i]) / (weight + worth[i]);
    }
    return rates;
}

int failure_key_streak(const struct failure_key *key)
{
    uint32_t last = key->history & 1;
    int most = key->n < 32 ? (int)key->n : 32, len = 0;
    while (len < most && (key->history >> len & 1) == last) {
        len++;
    }
    return last ? len : -len;
}

double failure_key_flips(const struct failure_key *key)
{
    int n = key->n < 17 ? (int)key->n : 17, flips = 0;
    for (int i = 0; i + 1 < n; i++) {
        flips += ((key->history >> i ^ key->history >> (i + 1)) & 1) != 0;
    }
    return (flips + 1.0) / (n + 3.0);
}
