/* SPDX-License-Identifier: MIT */

/*
 * A run as numbers. Rates are in log-odds, counts and times are squeezed by log(1 + x), so that
 * one step of each means about the same. The same numbers mean the same in every repository;
 * only the last FAILURE_NUMBERS, one for each field that is a number, do not.
 */
#include <math.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/predict/failure_private.h"

#define HOUR_MS    3600000.0
#define SMALL_MOST 64 /* whole numbers so small may be names of something */
#define AGE_MOST   3  /* a line with so many outcomes is no longer young */

static const double clock_lives[FAILURE_CLOCKS] = {HOUR_MS, 24 * HOUR_MS};

/* Sign and size, both kept: sgn(x) log(1 + |x|). */
static double squeeze(double x)
{
    return copysign(log1p(fabs(x)), x);
}

static double since(int64_t now_ms, int64_t then_ms)
{
    return now_ms > then_ms ? log1p((double)(now_ms - then_ms) / HOUR_MS * 10) : 0;
}

/* ---- what kind of run it is ---- */

struct sight {
    uint64_t kind, line, group, content; /* 0: no such field */
    uint64_t singles[FAILURE_SINGLES];
    size_t n_singles, n_numbers, n_sizes, n_zero;
    double sum, mean, most; /* of the sizes; mean and most against the past */
    float numbers[FAILURE_NUMBERS];
};

static struct failure_number *number_find(struct failure_past *past, const char *name)
{
    uint64_t hash = failure_hash(name);
    for (size_t i = 0; i < FAILURE_NUMBERS; i++) {
        struct failure_number *number = &past->numbers[i];
        if (number->hash == 0) {
            number->hash = hash;
            (void)text_clean_into(number->name, sizeof(number->name), name);
        }
        if (number->hash == hash) {
            return number;
        }
    }
    return NULL;
}

/* How far from the usual, in standard deviations, before it is taken in (Welford 1962, with
 * a memory of the last 500 or so). */
static double standard(struct failure_number *number, double squeezed)
{
    double deviation = number->n > 1 ? sqrt(number->square / (number->n - 1)) : 0;
    double off = squeezed - number->mean;
    double z = deviation > 1e-9 ? fmax(-3, fmin(3, off / deviation)) : 0;
    if (number->n >= 500) {
        number->n *= 0.998;
        number->square *= 0.998;
    }
    number->n++;
    number->mean += off / number->n;
    number->square += off * (squeezed - number->mean);
    return z;
}

static void see_text(struct sight *sight, const struct failure_field *field)
{
    uint64_t value =
        failure_hash_with(failure_hash(field->name), failure_hash(field->text));
    if (field->role == FAILURE_GROUP) {
        sight->group = failure_hash_with(sight->group, value);
        return;
    }
    if (field->role == FAILURE_KIND) {
        sight->kind = failure_hash_with(sight->kind, value);
    } else if (sight->line == 0) {
        sight->line = value; /* the first one; others count as single fields */
        return;
    }
    if (sight->n_singles < FAILURE_SINGLES) {
        sight->singles[sight->n_singles++] = value;
    }
}

static void see_number(struct failure_past *past, struct sight *sight,
                       const struct failure_field *field)
{
    struct failure_number *number = number_find(past, field->name);
    double squeezed = squeeze(field->number);
    double z = number == NULL ? 0 : standard(number, squeezed);
    if (number != NULL) {
        sight->numbers[number - past->numbers] = (float)z;
        sight->n_numbers++;
    }
    if (field->role == FAILURE_NUMBER && field->number >= 0 &&
        field->number <= SMALL_MOST && sight->n_singles < FAILURE_SINGLES &&
        field->number == floor(field->number)) {
        sight->singles[sight->n_singles++] =
            failure_hash_with(failure_hash(field->name), (uint64_t)field->number);
    }
    if (field->role == FAILURE_SIZE) {
        sight->n_sizes++;
        sight->n_zero += field->number == 0;
        sight->sum += squeezed;
        sight->mean += z;
        sight->most = fmax(sight->most, z);
        sight->content = failure_hash_with(
            sight->content,
            (uint64_t)(int64_t)fmax(-1e15, fmin(1e15, field->number * 16)));
    }
}

static void see(struct failure_past *past, const struct failure_context *context,
                struct sight *ret)
{
    *ret = (struct sight){0};
    for (size_t i = 0; i < context->n_fields; i++) {
        const struct failure_field *field = &context->fields[i];
        if (field->text != NULL) {
            see_text(ret, field);
        } else {
            see_number(past, ret, field);
        }
    }
    if (ret->n_sizes > 0) {
        ret->mean /= (double)ret->n_sizes;
    }
    if (ret->n_zero == ret->n_sizes) {
        ret->content = 0; /* nothing changed: no two are the same because of that */
    }
}

/* ---- blocks ---- */

static struct failure_rates block(float *inputs, const struct failure_key *key,
                                  const struct failure_rates *parent, int64_t now_ms)
{
    struct failure_rates rates = failure_key_rates(key, parent);
    for (int i = 0; i < FAILURE_DECAYS; i++) {
        inputs[IN_RATE + i] = (float)failure_logit(rates.p[i]);
    }
    int streak = failure_key_streak(key);
    inputs[IN_LAST] = (float)(key->n == 0 ? 0 : streak > 0 ? 1 : -1);
    inputs[IN_STREAK] = (float)squeeze(streak);
    inputs[IN_N] = (float)log1p(key->n);
    inputs[IN_SINCE] = (float)(key->n > 0 ? since(now_ms, key->last_ms) : 0);
    inputs[IN_WAITING] = (float)log1p(key->waiting);
    inputs[IN_TURNED] = (float)(key->n > 0 ? since(now_ms, key->turned_ms) : 0);
    inputs[IN_FLIPS] = (float)failure_key_flips(key);
    return rates;
}

static double blend(double a, double b, double root)
{
    return failure_sigmoid(failure_logit(a) + failure_logit(b) - failure_logit(root));
}

/* The rates after the last `bits` outcomes of a key were what they are. */
static uint64_t after(const struct failure_key *key, uint64_t salt, uint32_t bits)
{
    uint32_t n = key->n < bits ? key->n : bits;
    return failure_hash_with(salt,
                             (uint64_t)n << 32 | (key->history & ((1u << bits) - 1)));
}

static void two_rates(float *inputs, const struct failure_key *key,
                      const struct failure_rates *parent)
{
    struct failure_rates rates = failure_key_rates(key, parent);
    inputs[0] = (float)failure_logit(rates.p[FAILURE_DECAYS - 2]);
    inputs[1] = (float)failure_logit(rates.p[FAILURE_DECAYS - 1]);
}

struct walk {
    struct failure_past *past;
    struct failure_run *run;
    const struct sight *sight;
    int64_t now_ms;
    size_t n_keys;
};

static struct failure_key *use(struct walk *walk, uint64_t hash)
{
    walk->run->keys[walk->n_keys++] = hash;
    return failure_key_find(walk->past->keys, hash, (uint32_t)walk->past->n_started);
}

static float *at_block(struct walk *walk, enum failure_block which)
{
    return &walk->run->inputs[which * IN_BLOCK_COUNT];
}

/* A key of this run, copied because the next find may displace it. */
static struct failure_key key_of(struct walk *walk, enum failure_block which,
                                 uint64_t value)
{
    if (value == 0) { /* no such field: as if never seen */
        walk->n_keys++;
        return (struct failure_key){0};
    }
    return *use(walk, failure_hash_with((uint64_t)which + 1, value));
}

static void blocks(struct walk *walk)
{
    const struct sight *sight = walk->sight;
    float *inputs = walk->run->inputs;
    struct failure_key all = key_of(walk, BLOCK_ALL, 1);
    double prior = (all.failed + 1.0) / (all.n + 4.0);
    struct failure_rates root = {
        {prior, prior, prior, prior}
    };
    root = block(at_block(walk, BLOCK_ALL), &all, &root, walk->now_ms);

    struct failure_key key = key_of(walk, BLOCK_KIND, sight->kind);
    struct failure_rates kind =
        block(at_block(walk, BLOCK_KIND), &key, &root, walk->now_ms);
    struct failure_key line = key_of(walk, BLOCK_LINE, sight->line);
    struct failure_rates along =
        block(at_block(walk, BLOCK_LINE), &line, &root, walk->now_ms);
    struct failure_rates parent;
    for (int i = 0; i < FAILURE_DECAYS; i++) {
        parent.p[i] = blend(kind.p[i], along.p[i], root.p[i]);
    }
    bool has_both = sight->kind != 0 && sight->line != 0;
    struct failure_key both = key_of(
        walk, BLOCK_BOTH, has_both ? failure_hash_with(sight->kind, sight->line) : 0);
    (void)block(at_block(walk, BLOCK_BOTH), &both, &parent, walk->now_ms);
    key = key_of(walk, BLOCK_GROUP, sight->group);
    (void)block(at_block(walk, BLOCK_GROUP), &key, &parent, walk->now_ms);
    inputs[IN_SIBLING] = (float)log1p(key.failed);
    inputs[IN_SIBLING + 1] = (float)log1p(key.n - key.failed);
    key = key_of(walk, BLOCK_CONTENT, sight->content);
    (void)block(at_block(walk, BLOCK_CONTENT), &key, &parent, walk->now_ms);
    uint64_t age = line.n < AGE_MOST ? line.n : AGE_MOST;
    key = key_of(walk, BLOCK_AGE, sight->line == 0 ? 0 : age + 1);
    (void)block(at_block(walk, BLOCK_AGE), &key, &root, walk->now_ms);

    two_rates(&inputs[IN_AFTER_ALL], use(walk, after(&all, 101, 4)), &root);
    two_rates(&inputs[IN_AFTER_LINE], use(walk, after(&line, 102, 3)), &root);
    two_rates(&inputs[IN_AFTER_BOTH],
              use(walk, after(has_both ? &both : &line,
                              failure_hash_with(103, sight->kind), 2)),
              &root);

    double sum[2] = {0, 0}, most[2] = {-9, -9};
    for (size_t i = 0; i < sight->n_singles; i++) {
        float pair[2];
        two_rates(pair, use(walk, failure_hash_with(104, sight->singles[i])), &root);
        for (int j = 0; j < 2; j++) {
            sum[j] += (double)pair[j];
            most[j] = fmax(most[j], (double)pair[j]);
        }
    }
    for (int j = 0; j < 2; j++) {
        bool has_some = sight->n_singles > 0;
        double none = failure_logit(root.p[FAILURE_DECAYS - 2 + j]);
        inputs[IN_SINGLES + j] =
            (float)(has_some ? sum[j] / (double)sight->n_singles : none);
        inputs[IN_SINGLES + 2 + j] = (float)(has_some ? most[j] : none);
    }
}

/* ---- time ---- */

static double fade(const struct failure_clock *clock, int64_t now_ms, double life)
{
    return now_ms > clock->at_ms ? exp2((double)(clock->at_ms - now_ms) / life) : 1;
}

static void times(struct walk *walk)
{
    float *inputs = walk->run->inputs;
    const struct failure_past *past = walk->past;
    const double day = 24 * HOUR_MS, turn = 6.283185307179586;
    double of_day = fmod((double)walk->now_ms, day) / day;
    int64_t days = walk->now_ms / (int64_t)day;
    inputs[IN_HOUR] = (float)sin(turn * of_day);
    inputs[IN_HOUR + 1] = (float)cos(turn * of_day);
    inputs[IN_HOUR + 2] = (days + 4) % 7 % 6 == 0 ? 1 : 0; /* 1970-01-01 was a Thursday */
    inputs[IN_GAP] =
        (float)(past->n_started > 0 ? since(walk->now_ms, past->last_start_ms) : 0);
    double root = failure_sigmoid((double)inputs[BLOCK_ALL * IN_BLOCK_COUNT + 3]);
    for (int i = 0; i < FAILURE_CLOCKS; i++) {
        const struct failure_clock *clock = &past->clocks[i];
        double by = fade(clock, walk->now_ms, clock_lives[i]);
        inputs[IN_CLOCK + 2 * i] =
            (float)failure_logit((clock->failed * by + root) / (clock->n * by + 1));
        inputs[IN_CLOCK + 2 * i + 1] = (float)log1p(clock->n * by);
    }
}

static void sizes(struct walk *walk)
{
    float *inputs = walk->run->inputs;
    const struct sight *sight = walk->sight;
    const struct failure_past *past = walk->past;
    if (sight->n_sizes > 0) {
        inputs[IN_SIZE] = (float)sight->mean;
        inputs[IN_SIZE + 1] = (float)sight->most;
        inputs[IN_SIZE + 2] = (float)sight->n_zero / (float)sight->n_sizes;
        inputs[IN_SIZE + 3] = (float)(sight->sum / (double)sight->n_sizes);
    }
    memcpy(&inputs[IN_BEFORE], past->last_sizes, sizeof(past->last_sizes));
    inputs[IN_SAME] = sight->content != 0 && sight->content == past->last_content;
    inputs[IN_SAME + 1] = sight->line != 0 && sight->line == past->last_line;
    inputs[IN_SAME + 2] = sight->group != 0 && sight->group == past->last_group;
    memcpy(&inputs[FAILURE_SHARED], sight->numbers, sizeof(sight->numbers));
}

/* ---- neighbours ---- */

/* How the last runs with numbers like these ended. Builds of one piece of work have sizes that
 * are alike, even where nobody says which branch they are of. */
static void neighbours(struct walk *walk)
{
    const struct failure_past *past = walk->past;
    const struct sight *sight = walk->sight;
    float *inputs = &walk->run->inputs[IN_NEAR];
    double root = failure_sigmoid((double)walk->run->inputs[IN_RATE + 2]);
    double failed[2] = {root, root}, sum[2] = {1, 1}, nearest = 0, age = 1;
    int64_t n = past->n_near < FAILURE_NEAR ? past->n_near : FAILURE_NEAR;
    for (int64_t i = 0; i < n && sight->n_numbers > 0; i++, age *= 0.98) {
        const struct failure_near *near =
            &past->near[(past->n_near - 1 - i) % FAILURE_NEAR];
        float apart = near->kind == sight->kind ? 0 : 0.5F;
        for (int j = 0; j < FAILURE_NUMBERS; j++) {
            float off = near->numbers[j] - sight->numbers[j];
            apart += off * off;
        }
        const double weights[2] = {age * exp(-8 * (double)apart),
                                   age * exp(-(double)apart)};
        for (int j = 0; j < 2; j++) {
            failed[j] += weights[j] * near->has_failed;
            sum[j] += weights[j];
        }
        if (weights[0] > fabs(nearest)) {
            nearest = near->has_failed ? weights[0] : -weights[0];
        }
    }
    inputs[0] = (float)failure_logit(failed[0] / sum[0]);
    inputs[1] = (float)failure_logit(failed[1] / sum[1]);
    inputs[2] = (float)log(sum[0]);
    inputs[3] = (float)nearest;
}

void failure_input_start(struct failure_past *past, const struct failure_context *context,
                         struct failure_run *run)
{
    struct sight sight;
    struct walk walk = {past, run, &sight, context->at.ms, 0};
    see(past, context, &sight);
    memset(run, 0, sizeof(*run));
    run->id = context->id;
    run->number = past->n_started + 1;
    blocks(&walk);
    times(&walk);
    sizes(&walk);
    neighbours(&walk);
    run->kind = sight.kind;
    past->n_started++;
    past->last_start_ms = context->at.ms;
    past->last_content = sight.content;
    past->last_line = sight.line;
    past->last_group = sight.group;
    past->last_sizes[0] = run->inputs[IN_SIZE];
    past->last_sizes[1] = run->inputs[IN_SIZE + 3];
    for (size_t i = 0; i < FAILURE_KEYS_RUN; i++) {
        if (run->keys[i] != 0) {
            failure_key_find(past->keys, run->keys[i], (uint32_t)past->n_started)
                ->waiting++;
        }
    }
}

void failure_input_end(struct failure_past *past, const struct failure_run *run,
                       bool has_failed, int64_t at_ms)
{
    for (size_t i = 0; i < FAILURE_KEYS_RUN; i++) {
        if (run->keys[i] != 0) {
            failure_key_add(
                failure_key_find(past->keys, run->keys[i], (uint32_t)past->n_started),
                has_failed, at_ms);
        }
    }
    struct failure_near *near = &past->near[past->n_near++ % FAILURE_NEAR];
    near->kind = run->kind;
    near->has_failed = has_failed;
    memcpy(near->numbers, &run->inputs[FAILURE_SHARED], sizeof(near->numbers));
    for (int i = 0; i < FAILURE_CLOCKS; i++) {
        struct failure_clock *clock = &past->clocks[i];
        double by = fade(clock, at_ms, clock_lives[i]);
        clock->failed = clock->failed * by + has_failed;
        clock->n = clock->n * by + 1;
        clock->at_ms = at_ms > clock->at_ms ? at_ms : clock->at_ms;
    }
}

void failure_input_forget(struct failure_past *past, const struct failure_run *run)
{
    for (size_t i = 0; i < FAILURE_KEYS_RUN; i++) {
        if (run->keys[i] != 0) {
            struct failure_key *key =
                failure_key_find(past->keys, run->keys[i], (uint32_t)past->n_started);
            key->waiting -= key->waiting > 0;
        }
    }
}
