/* SPDX-License-Identifier: MIT */
#include "engine/decision/outlook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/decision/outlook_private.h"

/* 2^(-1/h) for half-lives h of 0.7, 3 and 12 events; ten times as long for the key of all. */
static const double kept[OUTLOOK_RATES] = {0.37149857, 0.79370053, 0.94387431};
static const double kept_of_all[OUTLOOK_RATES] = {0.90570664, 0.97715997, 0.99424033};
#define PARENT   3.0 /* events that the coarser keys are worth */
#define TOGETHER 0.5 /* the n-th outcome of one event counts n^-0.5 */

static const struct {
    double rate;
    bool is_blind; /* for what is open: that is soon learned, and soon wrong */
} speeds[OUTLOOK_SPEEDS] = {
    {0.02, false},
    {0.05, false},
    {0.12, false},
    {0.02, true },
    {0.05, true },
};
#define KEY_SPEED 0.05
/* No one case moves the answer for its like by more than this, in log-odds. */
#define REACH          1.0
#define TOGETHER_SLOPE 0.15 /* and moves weights n^-0.15 as far */
#define LOSS_KEPT      0.98
#define LOSS_COUNTS    0.1

#define HALF_TRUSTED 15 /* outcomes after which factors move the levels half as far .. */
#define DOUBT        1.0 /* .. and they must be better by so many nats to be half believed */

/* First weights: a careful average of all that is known. */
#define FIRST_ALL   0.5
#define FIRST_LEVEL 1.0
static const double first_one[OUTLOOK_RATES] = {0.17, 0.55, 0.28};
static const double first_pair[2] = {0.67, 0.33};

struct outlook *outlook_new(size_t n_keys, size_t n_open)
{
    struct outlook *outlook = mem_alloc(sizeof(*outlook));
    outlook->n_keys = n_keys;
    outlook->n_open = n_open;
    outlook->keys = mem_array(n_keys, sizeof(*outlook->keys));
    outlook->open = mem_array(n_open, sizeof(*outlook->open));
    outlook->open_ids = mem_array(n_open, sizeof(*outlook->open_ids));
    return outlook;
}

void outlook_free(struct outlook *outlook)
{
    if (outlook != NULL) {
        free(outlook->keys);
        free(outlook->open);
        free(outlook->open_ids);
        free(outlook);
    }
}

/* ---- keys ---- */

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z == 0 ? 1 : z;
}

uint64_t outlook_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
    }
    return mix(hash);
}

static struct outlook_key *find(const struct outlook *outlook, uint64_t hash)
{
    size_t set = hash % (outlook->n_keys / OUTLOOK_WAYS) * OUTLOOK_WAYS;
    for (size_t i = set; i < set + OUTLOOK_WAYS; i++) {
        if (outlook->keys[i].hash == hash) {
            return &outlook->keys[i];
        }
    }
    return NULL;
}

static struct outlook_key *make(struct outlook *outlook, uint64_t hash)
{
    struct outlook_key *key = find(outlook, hash);
    if (key != NULL) {
        key->used = outlook->clock;
        return key;
    }
    size_t set = hash % (outlook->n_keys / OUTLOOK_WAYS) * OUTLOOK_WAYS;
    key = &outlook->keys[set];
    for (size_t i = set; i < set + OUTLOOK_WAYS; i++) {
        if (outlook->keys[i].used < key->used) {
            key = &outlook->keys[i];
        }
    }
    memset(key, 0, sizeof(*key));
    key->hash = hash;
    key->used = outlook->clock;
    return key;
}

/* ---- inputs ---- */

static double logit(double p)
{
    double q = p < 1e-4 ? 1e-4 : p > 1 - 1e-4 ? 1 - 1e-4 : p;
    return log(q / (1 - q));
}
static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

struct odds {
    double x[OUTLOOK_RATES]; /* log-odds */
};

static struct odds odds_of(const struct outlook_key *key, const struct odds *coarser)
{
    struct odds odds = *coarser;
    for (int i = 0; i < OUTLOOK_RATES && key != NULL && key->n > 0; i++) {
        double seen = (double)key->weight[i];
        odds.x[i] = logit(((double)key->passed[i] + PARENT * sigmoid(coarser->x[i])) /
                          (seen + PARENT));
    }
    return odds;
}

/* The weights of a factor or a pair; OUTLOOK_SLOTS when there is no room for more. */
static size_t slot_of(struct outlook *outlook, uint64_t name)
{
    for (size_t i = name % OUTLOOK_SLOTS, n = 0; n < OUTLOOK_SLOTS;
         i = (i + 1) % OUTLOOK_SLOTS, n++) {
        if (outlook->slots[i].name == name) {
            return i;
        }
        if (outlook->slots[i].name == 0) {
            if (outlook->n_slots >= OUTLOOK_SLOTS * 3 / 4) {
                return OUTLOOK_SLOTS;
            }
            outlook->n_slots++;
            outlook->slots[i].name = name;
            return i;
        }
    }
    return OUTLOOK_SLOTS;
}

static void put(struct outlook *outlook, struct outlook_sight *sight, size_t slot,
                size_t which, double x, double first)
{
    struct outlook_slot *row = &outlook->slots[slot];
    if ((row->begun & 1u << which) == 0) {
        row->begun |= 1u << which;
        for (int i = 0; i < OUTLOOK_SPEEDS; i++) {
            row->weight[i][which] = (float)first;
        }
    }
    sight->x[sight->n_inputs] = (float)fmax(-4, fmin(4, x));
    sight->weight[sight->n_inputs++] = (uint16_t)(slot * OUTLOOK_WHICH + which);
}

struct value {
    uint64_t name, value;
    struct odds odds;
};

/* Steps of a number: fifths below 1, above it half a power of two each. */
static uint64_t step_of(double number)
{
    double size = fmin(fabs(number), 1e15);
    double step = size < 1 ? floor(size * 5) : 5 + floor(log2(size) * 2);
    return mix((uint64_t)step * 2 + (number < 0) + 17);
}

static size_t read_values(const struct outlook_case *about,
                          struct value values[OUTLOOK_FACTORS])
{
    size_t n = 0;
    for (size_t i = 0; i < about->n_factors && n < OUTLOOK_FACTORS; i++) {
        const struct decide_factor *factor = &about->factors[i];
        if (factor->word == NULL && !isfinite(factor->number)) {
            continue; /* unknown is not zero */
        }
        values[n].name = mix(outlook_hash(factor->name) + (uint64_t)about->kind);
        values[n++].value =
            factor->word != NULL ? outlook_hash(factor->word) : step_of(factor->number);
    }
    return n;
}

static double open_of(const struct outlook_key *key)
{
    return key == NULL ? 0 : log1p(key->open);
}

static void see_all(struct outlook *outlook, const struct outlook_case *about,
                    struct outlook_sight *sight, uint64_t salt, struct odds *ret_root)
{
    uint64_t hash = mix(salt + 1);
    const struct outlook_key *all = find(outlook, hash);
    double n = all == NULL ? 0 : (double)all->weight[OUTLOOK_RATES - 1];
    double passed = all == NULL ? 0 : (double)all->passed[OUTLOOK_RATES - 1];
    double base = logit((passed + 2 * about->prior) / (n + 2));
    struct odds root = {
        {base, base, base}
    };
    size_t slot = slot_of(outlook, mix(UINT64_C(77) + (uint64_t)about->kind));
    *ret_root = odds_of(all, &root);
    sight->keys[sight->n_keys++] = hash;
    sight->trials = n;
    if (slot == OUTLOOK_SLOTS) {
        return;
    }
    put(outlook, sight, slot, 0, 1, 0);
    put(outlook, sight, slot, 1, ret_root->x[2], FIRST_ALL);
    put(outlook, sight, slot, 2, ret_root->x[1] - ret_root->x[2], 0.1);
    put(outlook, sight, slot, 3, ret_root->x[0] - ret_root->x[1], 0);
    if (!isnan(about->level)) {
        /* With the base's own weight this makes the level's chance the point to start from. */
        put(outlook, sight, slot, 4, logit(about->level) - FIRST_ALL * ret_root->x[2],
            FIRST_LEVEL);
    }
}

static void see_value(struct outlook *outlook, struct outlook_sight *sight, uint64_t salt,
                      const struct odds *root, size_t n, struct value *value)
{
    size_t slot = slot_of(outlook, value->name);
    uint64_t hash = mix(salt ^ mix(value->name ^ value->value));
    const struct outlook_key *key = find(outlook, hash);
    value->odds = odds_of(key, root);
    sight->keys[sight->n_keys++] = hash;
    if (slot == OUTLOOK_SLOTS) {
        return;
    }
    for (size_t i = 0; i < OUTLOOK_RATES; i++) {
        put(outlook, sight, slot, i, value->odds.x[i] - root->x[i],
            first_one[i] / (double)n);
    }
    put(outlook, sight, slot, OUTLOOK_OPEN, 0.6 * open_of(key), 0);
}

static void see_pair(struct outlook *outlook, struct outlook_sight *sight, uint64_t salt,
                     const struct value *a, const struct value *b, size_t n)
{
    /* The order of factors does not matter. */
    uint64_t name = mix(mix(a->name) + mix(b->name));
    size_t slot = slot_of(outlook, name);
    uint64_t hash = mix(salt ^ (mix(a->name ^ a->value) + mix(b->name ^ b->value)));
    const struct outlook_key *key = find(outlook, hash);
    struct odds coarser, odds;
    for (size_t i = 0; i < OUTLOOK_RATES; i++) {
        coarser.x[i] = (a->odds.x[i] + b->odds.x[i]) / 2;
    }
    odds = odds_of(key, &coarser);
    sight->keys[sight->n_keys++] = hash;
    if (slot == OUTLOOK_SLOTS) {
        return;
    }
    for (size_t i = 1; i < OUTLOOK_RATES; i++) {
        put(outlook, sight, slot, i, odds.x[i] - coarser.x[i],
            first_pair[i - 1] * 2 / (double)(n * (n - 1)));
    }
    put(outlook, sight, slot, 0, key == NULL ? 0 : 0.3 * log1p(key->n), 0);
    put(outlook, sight, slot, OUTLOOK_OPEN, 0.36 * open_of(key), 0);
}

/* ---- the three models ---- */

static double say_one(const struct outlook *outlook, const struct outlook_sight *sight,
                      size_t speed, double of_keys)
{
    double sum = of_keys;
    for (size_t i = 0; i < sight->n_inputs; i++) {
        size_t at = sight->weight[i];
        if (speeds[speed].is_blind && at % OUTLOOK_WHICH == OUTLOOK_OPEN) {
            continue;
        }
        sum +=
            (double)outlook->slots[at / OUTLOOK_WHICH].weight[speed][at % OUTLOOK_WHICH] *
            (double)sight->x[i];
    }
    return sum;
}

static double keys_say(const struct outlook *outlook, const struct outlook_sight *sight)
{
    double sum = 0;
    for (size_t i = 0; i < sight->n_keys; i++) {
        const struct outlook_key *key = find(outlook, sight->keys[i]);
        sum += key == NULL ? 0 : (double)key->own;
    }
    return sum;
}

static double say(const struct outlook *outlook, const struct outlook_sight *sight,
                  float said[OUTLOOK_SPEEDS])
{
    double least = outlook->loss[0], sum = 0, mixed = 0;
    double of_keys = keys_say(outlook, sight);
    for (int i = 1; i < OUTLOOK_SPEEDS; i++) {
        least = fmin(least, outlook->loss[i]);
    }
    for (size_t i = 0; i < OUTLOOK_SPEEDS; i++) {
        double share = exp(LOSS_COUNTS * (least - outlook->loss[i]));
        double x = say_one(outlook, sight, i, of_keys);
        said[i] = (float)x;
        sum += share;
        mixed += share * x;
    }
    return sigmoid(mixed / sum);
}

double outlook_say(struct outlook *outlook, const struct outlook_case *about,
                   struct outlook_sight *ret_sight)
{
    struct value values[OUTLOOK_FACTORS];
    struct odds root;
    size_t n = read_values(about, values);
    uint64_t salt = mix(outlook_hash(about->option) + 31 * (uint64_t)about->kind);
    memset(ret_sight, 0, sizeof(*ret_sight));
    see_all(outlook, about, ret_sight, salt, &root);
    for (size_t i = 0; i < n; i++) {
        see_value(outlook, ret_sight, salt, &root, n, &values[i]);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n && ret_sight->n_keys < OUTLOOK_KEYS; j++) {
            see_pair(outlook, ret_sight, salt, &values[i], &values[j], n);
        }
    }
    ret_sight->p = say(outlook, ret_sight, ret_sight->said);
    ret_sight->mixed = (float)logit(ret_sight->p);
    ret_sight->kind = (uint32_t)about->kind;
    ret_sight->has_level = isnan(about->level) ? 0u : 1u;
    if (ret_sight->has_level) {
        double base = logit(about->level), trials = ret_sight->trials;
        double trust = trials / (trials + HALF_TRUSTED) *
                       sigmoid(outlook->ahead[about->kind] - DOUBT);
        ret_sight->level = (float)base;
        ret_sight->p = sigmoid(base + ((double)ret_sight->mixed - base) * trust);
    }
    return ret_sight->p;
}

/* ---- learning ---- */

/* How far the answer for this case would move, for an error of 1. */
static double reach_of(const struct outlook *outlook, const struct outlook_sight *sight,
                       size_t speed, double off)
{
    double reach = 0;
    for (size_t i = 0; i < sight->n_inputs; i++) {
        size_t which = sight->weight[i] % OUTLOOK_WHICH;
        const struct outlook_slot *slot =
            &outlook->slots[sight->weight[i] / OUTLOOK_WHICH];
        double x = (double)sight->x[i], slope = off * x;
        if (!speeds[speed].is_blind || which != OUTLOOK_OPEN) {
            reach += speeds[speed].rate * x * x /
                     sqrt(1 + (double)slot->squares[speed][which] + slope * slope);
        }
    }
    return reach;
}

static void learn_slots(struct outlook *outlook, const struct outlook_sight *sight,
                        size_t speed, double off)
{
    double reach = reach_of(outlook, sight, speed, off);
    double rate = speeds[speed].rate * fmin(1, REACH / fmax(reach, 1e-9));
    for (size_t i = 0; i < sight->n_inputs; i++) {
        size_t which = sight->weight[i] % OUTLOOK_WHICH;
        struct outlook_slot *slot = &outlook->slots[sight->weight[i] / OUTLOOK_WHICH];
        if (speeds[speed].is_blind && which == OUTLOOK_OPEN) {
            continue;
        }
        double slope = off * (double)sight->x[i];
        double squares = (double)slot->squares[speed][which] + slope * slope;
        slot->squares[speed][which] = (float)squares;
        slot->weight[speed][which] = (float)((double)slot->weight[speed][which] -
                                             rate * slope / sqrt(1 + squares));
    }
}

static void learn_weights(struct outlook *outlook, const struct outlook_sight *sight,
                          double success, double counts)
{
    float said[OUTLOOK_SPEEDS];
    double error = say(outlook, sight, said) - success,
           of_keys = keys_say(outlook, sight);
    double reach = 0;
    for (size_t i = 0; i < OUTLOOK_SPEEDS; i++) {
        double p = sigmoid(say_one(outlook, sight, i, of_keys));
        learn_slots(outlook, sight, i, counts * (p - success));
    }
    for (size_t i = 0; i < sight->n_keys; i++) {
        struct outlook_key *key = make(outlook, sight->keys[i]);
        key->squares = (float)((double)key->squares + error * error);
        reach += KEY_SPEED / sqrt(1 + (double)key->squares);
    }
    double rate = KEY_SPEED * fmin(1, REACH / fmax(reach, 1e-9));
    for (size_t i = 0; i < sight->n_keys; i++) {
        struct outlook_key *key = make(outlook, sight->keys[i]);
        key->own = (float)((double)key->own -
                           rate * counts * error / sqrt(1 + (double)key->squares));
    }
}

static double log_loss(float log_odds, double success)
{
    double p = fmax(0.01, fmin(0.99, sigmoid((double)log_odds)));
    return -success * log(p) - (1 - success) * log(1 - p);
}

static void learn_losses(struct outlook *outlook, const struct outlook_sight *sight,
                         double success, double counts)
{
    double keep = pow(LOSS_KEPT, counts);
    if (sight->has_level) {
        double *ahead = &outlook->ahead[sight->kind];
        *ahead = *ahead * keep + counts * (log_loss(sight->level, success) -
                                           log_loss(sight->mixed, success));
    }
    for (int i = 0; i < OUTLOOK_SPEEDS; i++) {
        outlook->loss[i] =
            outlook->loss[i] * keep + counts * log_loss(sight->said[i], success);
    }
}

static void learn_key(struct outlook *outlook, uint64_t hash, double success,
                      const double *keep)
{
    struct outlook_key *key = make(outlook, hash);
    if (key->event != outlook->event) {
        key->event = outlook->event;
        key->n_event = 0;
        for (int i = 0; i < OUTLOOK_RATES; i++) {
            key->passed[i] = (float)((double)key->passed[i] * keep[i]);
            key->weight[i] = (float)((double)key->weight[i] * keep[i]);
        }
    }
    double counts = pow(1 + (double)key->n_event, -TOGETHER);
    for (int i = 0; i < OUTLOOK_RATES; i++) {
        key->passed[i] = (float)((double)key->passed[i] + counts * success);
        key->weight[i] = (float)((double)key->weight[i] + counts);
    }
    key->n_event = (uint16_t)(key->n_event + (key->n_event < UINT16_MAX));
    key->n += key->n < UINT32_MAX;
}

void outlook_learn(struct outlook *outlook, const struct outlook_sight *sight,
                   double success)
{
    if (!outlook->is_in_event) {
        outlook->is_in_event = true;
        outlook->event++;
        outlook->n_together = 0;
    }
    outlook->clock++;
    outlook->n_together++;
    double counts = pow((double)outlook->n_together, -TOGETHER_SLOPE);
    learn_losses(outlook, sight, success, counts);
    learn_weights(outlook, sight, success, counts);
    for (size_t i = 0; i < sight->n_keys; i++) {
        learn_key(outlook, sight->keys[i], success, i == 0 ? kept_of_all : kept);
    }
}

/* ---- cases that are open ---- */

static void close_case(struct outlook *outlook, struct outlook_sight *sight)
{
    for (size_t i = 0; i < sight->n_keys; i++) {
        struct outlook_key *key = find(outlook, sight->keys[i]);
        if (key != NULL && key->open > 0) {
            key->open--;
        }
    }
    sight->id = outlook->open_ids[sight - outlook->open] = 0;
}

static struct outlook_sight *find_open(const struct outlook *outlook, uint64_t id)
{
    for (size_t i = 0; i < outlook->n_open; i++) {
        if (outlook->open_ids[i] == id) {
            return &outlook->open[i];
        }
    }
    return NULL;
}

void outlook_keep(struct outlook *outlook, uint64_t id, const struct outlook_sight *sight)
{
    struct outlook_sight *place = find_open(outlook, id);
    if (place == NULL) {
        place = &outlook->open[outlook->n_kept++ % outlook->n_open];
    }
    if (place->id != 0) {
        close_case(outlook, place);
    }
    outlook->is_in_event = false;
    outlook->clock++;
    *place = *sight;
    place->id = outlook->open_ids[place - outlook->open] = id;
    for (size_t i = 0; i < sight->n_keys; i++) {
        struct outlook_key *key = make(outlook, sight->keys[i]);
        key->open = (uint16_t)(key->open + (key->open < UINT16_MAX));
    }
}

bool outlook_learn_kept(struct outlook *outlook, uint64_t id, double success)
{
    struct outlook_sight *open = find_open(outlook, id);
    if (open == NULL) {
        return false;
    }
    struct outlook_sight sight = *open;
    close_case(outlook, open);
    outlook_learn(outlook, &sight, success);
    return true;
}
