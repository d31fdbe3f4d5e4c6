/* SPDX-License-Identifier: MIT */

/* Records of learning against the rules: in its shadow by estimate, when it acts by outcome. */
#include <math.h>
#include <string.h>

#include "engine/decision/decide_private.h"

#define TRY_PLACES 8
#define SHADOW_LIVES                                                                     \
    0.25 /* half-lives: what it was worth long ago keeps no one from acting */

static uint64_t hash_pair(const char *key, const char *option)
{
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15);
    for (const char *at = key; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    hash *= UINT64_C(0x100000001b3);
    for (const char *at = option; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 29;
    return hash == 0 ? 1 : hash;
}

static size_t find(const struct decide *decide, uint64_t hash, bool *ret_is_found)
{
    size_t oldest = hash % DECIDE_RECORDS;
    for (size_t i = 0; i < TRY_PLACES; i++) {
        size_t at = (hash + i) % DECIDE_RECORDS;
        if (decide->records[at].hash == hash) {
            *ret_is_found = true;
            return at;
        }
        if (decide->records[at].hash == 0 ||
            decide->records[at].used_ms < decide->records[oldest].used_ms) {
            oldest = at;
        }
    }
    *ret_is_found = false;
    return oldest;
}

const struct decide_record *decide_record_find(const struct decide *decide,
                                               const char *key, const char *option)
{
    bool is_found = false;
    size_t at = find(decide, hash_pair(key, option), &is_found);
    return is_found ? &decide->records[at] : NULL;
}

void decide_record_add(struct decide *decide, const char *key, const char *option,
                       double gain, struct wall now)
{
    bool is_found = false;
    uint64_t hash = hash_pair(key, option);
    struct decide_record *record = &decide->records[find(decide, hash, &is_found)];
    double lives = option[0] == '\0' ? SHADOW_LIVES : 1;
    double kept = exp2(-1 / (lives * decide->settings.half_life_trials));
    if (!is_found) {
        memset(record, 0, sizeof(*record));
        record->hash = hash;
    }
    record->used_ms = now.ms;
    record->n = record->n * kept + 1;
    record->gain = record->gain * kept + gain;
    record->square = record->square * kept + gain * gain;
}

void decide_record_fade(struct decide *decide, const char *key, const char *option)
{
    bool is_found = false;
    size_t at = find(decide, hash_pair(key, option), &is_found);
    if (is_found) {
        double kept = exp2(-1 / decide->settings.half_life_trials);
        decide->records[at].n *= kept;
        decide->records[at].gain *= kept;
        decide->records[at].square *= kept;
    }
}

#define CHANGE "\n" /* no option is called that */

void decide_change_note(struct decide *decide, const char *key, struct wall now)
{
    bool is_found = false;
    uint64_t hash = hash_pair(key, CHANGE);
    struct decide_record *record = &decide->records[find(decide, hash, &is_found)];
    memset(record, 0, sizeof(*record));
    record->hash = hash;
    record->used_ms = now.ms;
}

int64_t decide_change_ms(const struct decide *decide, const char *key)
{
    const struct decide_record *record = decide_record_find(decide, key, CHANGE);
    return record == NULL ? INT64_MIN : record->used_ms;
}

double decide_record_low(const struct decide_record *record)
{
    if (record == NULL || record->n < 2) {
        return -(double)INFINITY;
    }
    double mean = record->gain / record->n;
    double spread = fmax(0, record->square / record->n - mean * mean);
    return mean - 1.2816 * sqrt(spread / (record->n - 1)); /* normal, one side, 90 % */
}

const char *decide_scope(const struct decide_question *question)
{
    return question->n_levels == 0   ? ""
           : question->n_levels == 1 ? question->levels[0]
                                     : question->levels[question->n_levels - 2];
}
