/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/text.h"
#include "engine/decision/decide_private.h"

#define SIDE_MIN     4   /* outcomes on each side of a change */
#define CHANGE_LEAST 7.5 /* nats by which two rates must beat one */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    return (hash ^ 0xFF) * UINT64_C(0x100000001b3);
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Names as they are kept: clean, bounded, still different when they were. */
static void name_into(char *out, size_t cap, const char *text)
{
    size_t n = 0;
    while (n < cap && text[n] >= ' ' && text[n] <= '~') {
        n++;
    }
    if (n < cap && text[n] == '\0') { /* nearly always: nothing to clean */
        memcpy(out, text, n + 1);
        return;
    }
    (void)text_clean_into(out, cap, text);
    if (strlen(text) >= cap) {
        char tail[20];
        (void)snprintf(tail, sizeof(tail), "#%016llx",
                       (unsigned long long)mix(hash_text(1, text)));
        (void)text_clean_into(out, cap - 17, text);
        size_t len = strlen(out);
        memcpy(out + len, tail, 18);
    }
}

struct name {
    char key[DECIDE_KEY_MAX], option[DECIDE_WORD_MAX];
    uint64_t hash;
};

static void name_init(struct name *name, const char *key, const char *option)
{
    name_into(name->key, sizeof(name->key), key);
    name_into(name->option, sizeof(name->option), option);
    name->hash = mix(hash_text(UINT64_C(0xcbf29ce484222325), name->key));
}

void decide_arms_init(struct decide_arms *arms)
{
    arms->rows = NULL;
    arms->n = arms->cap = 0;
    for (size_t i = 0; i < DECIDE_KEYS_MAX; i++) {
        arms->heads[i] = -1;
    }
}

void decide_arms_fini(struct decide_arms *arms)
{
    free(arms->rows);
}

static struct decide_arm *find(const struct decide_arms *arms, const struct name *name)
{
    int32_t at = arms->heads[name->hash % DECIDE_KEYS_MAX];
    while (at >= 0) {
        struct decide_arm *arm = &arms->rows[at];
        if (arm->hash == name->hash && strcmp(arm->key, name->key) == 0 &&
            strcmp(arm->option, name->option) == 0) {
            return arm;
        }
        at = arm->next;
    }
    return NULL;
}

struct decide_arm *decide_arm_find(const struct decide_arms *arms, const char *key,
                                   const char *option)
{
    struct name name;
    name_init(&name, key, option);
    return find(arms, &name);
}

struct decide_arm *decide_arm_next(const struct decide_arms *arms, const char *key,
                                   const struct decide_arm *before)
{
    struct name name;
    name_init(&name, key, "");
    int32_t at = before == NULL ? arms->heads[name.hash % DECIDE_KEYS_MAX] : before->next;
    while (at >= 0 && (arms->rows[at].hash != name.hash ||
                       strcmp(arms->rows[at].key, name.key) != 0)) {
        at = arms->rows[at].next;
    }
    return at < 0 ? NULL : &arms->rows[at];
}

static bool goes_before(const struct decide_arm *a, const struct decide_arm *b)
{
    if (a->is_killed != b->is_killed) {
        return b->is_killed;
    }
    return a->updated_at.ms < b->updated_at.ms;
}

static size_t evict(struct decide_arms *arms)
{
    size_t oldest = 0;
    for (size_t i = 1; i < arms->n; i++) {
        if (goes_before(&arms->rows[i], &arms->rows[oldest])) {
            oldest = i;
        }
    }
    int32_t *link = &arms->heads[arms->rows[oldest].hash % DECIDE_KEYS_MAX];
    while (*link != (int32_t)oldest) {
        link = &arms->rows[*link].next;
    }
    *link = arms->rows[oldest].next;
    return oldest;
}

static size_t place(struct decide_arms *arms)
{
    if (arms->n == DECIDE_KEYS_MAX) {
        return evict(arms);
    }
    if (arms->n == arms->cap) {
        arms->cap = arms->cap == 0 ? 64 : arms->cap * 2;
        arms->rows = mem_grow(arms->rows, arms->cap, sizeof(*arms->rows));
    }
    return arms->n++;
}

struct decide_arm *decide_arm_make(struct decide_arms *arms, const char *key,
                                   const char *option)
{
    struct name name;
    name_init(&name, key, option);
    struct decide_arm *arm = find(arms, &name);
    if (arm != NULL) {
        return arm;
    }
    size_t at = place(arms);
    arm = &arms->rows[at];
    memset(arm, 0, sizeof(*arm));
    memcpy(arm->key, name.key, sizeof(arm->key));
    memcpy(arm->option, name.option, sizeof(arm->option));
    arm->hash = name.hash;
    arm->cost_s = arm->low = arm->mean = arm->high = (double)NAN;
    arm->next = arms->heads[name.hash % DECIDE_KEYS_MAX];
    arms->heads[name.hash % DECIDE_KEYS_MAX] = (int32_t)at;
    return arm;
}

/* ---- one trial ---- */

static double log_likelihood(int passed, int n)
{
    if (passed == 0 || passed == n) {
        return 0;
    }
    double p = (double)passed / n;
    return passed * log(p) + (n - passed) * log(1 - p);
}

/* Is the window of outcomes told better by two rates than by one? Then the number of the
 * newest outcomes that belong to the second one, else 0. The generalised likelihood ratio over
 * all places to cut (Basseville and Nikiforov, "Detection of Abrupt Changes", 1993); the
 * window that shrinks when its parts differ is that of ADWIN (Bifet and Gavalda 2007). */
static int find_change(uint64_t recent, int n)
{
    int total = 0, passed = 0, best = 0;
    double most = CHANGE_LEAST;
    for (int i = 0; i < n; i++) {
        total += (int)(recent >> i & 1);
    }
    double one = log_likelihood(total, n);
    for (int i = 1; i <= n - SIDE_MIN; i++) {
        passed += (int)(recent >> (i - 1) & 1);
        double gain = i < SIDE_MIN ? 0
                                   : log_likelihood(passed, i) +
                                         log_likelihood(total - passed, n - i) - one;
        if (gain > most) {
            most = gain;
            best = i;
        }
    }
    return best;
}

void decide_arm_fade(struct decide_arm *arm, double share)
{
    arm->passed *= share;
    arm->failed *= share;
    arm->is_changed = true;
}

bool decide_arm_add(struct decide_arm *arm, double success, double weight,
                    double half_life)
{
    decide_arm_fade(arm, exp2(-weight / half_life));
    arm->passed += weight * success;
    arm->failed += weight * (1 - success);
    arm->n++;
    arm->n_passed += success >= 0.5;
    arm->recent = arm->recent << 1 | (success >= 0.5);
    arm->n_recent += arm->n_recent < 64;
    int kept = find_change(arm->recent, arm->n_recent);
    if (kept == 0) {
        return false;
    }
    int passed = 0;
    for (int i = 0; i < kept; i++) {
        passed += (int)(arm->recent >> i & 1);
    }
    arm->n_recent = kept;
    arm->recent &= (UINT64_C(1) << kept) - 1;
    arm->passed = passed;
    arm->failed = kept - passed;
    return true;
}
