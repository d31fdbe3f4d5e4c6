/* SPDX-License-Identifier: MIT */
#include "engine/learning/guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/compiler.h"

#define PRIOR_RUNS  10.0 /* weight of the runs before in the variance of few after */
#define SMALLEST    1e-3 /* of a ratio's amount */
#define DRIFT_SHARE 0.1  /* of the margin: how far the surroundings move unseen */
#define BLOCKS_MIN  4
#define LAST_LOOK   1.645 /* 95 %, one side */
#define NOT_KNOWN   ((double)NAN)

static const char *const kind_words[] = {
#define X(id, word, help) [id] = word,
    GUARD_KIND_LIST(X)
#undef X
};
static const char *const verdict_words[] = {
#define X(id, word) [id] = word,
    GUARD_VERDICT_LIST(X)
#undef X
};

const char *guard_kind_word(enum guard_kind kind)
{
    return (unsigned)kind < GUARD_KIND_COUNT ? kind_words[kind] : "?";
}

const char *guard_verdict_word(enum guard_verdict verdict)
{
    return (unsigned)verdict < GUARD_VERDICT_COUNT ? verdict_words[verdict] : "?";
}

struct guard_settings guard_defaults(enum guard_kind kind, bool is_more_better)
{
    static const double margins[] = {
        [GUARD_SHARE] = 0.12, [GUARD_RATIO] = 0.15, [GUARD_MEAN] = 0};
    return (struct guard_settings){.kind = kind,
                                   .is_more_better = is_more_better,
                                   .margin = margins[kind],
                                   .alpha = 0.02,
                                   .min_runs = 20,
                                   .max_runs = 1000,
                                   .min_time = span_s(3600),
                                   .max_time = span_s(14 * 86400)};
}

void guard_init(struct guard *guard, const struct guard_settings *settings,
                struct wall applied_at)
{
    memset(guard, 0, sizeof(*guard));
    guard->settings = *settings;
    guard->since = applied_at;
}

/* FNV-1a; never 0. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    }
    return hash >> 12 | 1; /* fits into a double: it is saved as a number */
}

int guard_group(struct guard *guard, const char *name)
{
    uint64_t hash = hash_name(name);
    for (int i = 1; i < GUARD_GROUPS; i++) {
        if (guard->names[i] == hash || guard->names[i] == 0) {
            guard->names[i] = hash;
            return i;
        }
    }
    return -1;
}

static void add(struct guard_sum *sum, double value)
{
    sum->n += 1;
    sum->sum += value;
    sum->sum_sq += value * value;
}

/* As it is compared: ratios by their logarithm, more is worse. */
static double scale(const struct guard *guard, double value)
{
    double x = value;
    if (guard->settings.kind == GUARD_RATIO) {
        x = log(value > SMALLEST ? value : SMALLEST);
    }
    return guard->settings.is_more_better ? -x : x;
}

void guard_before(struct guard *guard, int group, double value)
{
    if (group < 0 || group >= GUARD_GROUPS || !isfinite(value)) {
        return;
    }
    double x = scale(guard, value);
    add(&guard->before[group], x);
    if (group != 0) {
        return;
    }
    add(&guard->plain, value);
    add(&guard->block, x);
    if (guard->block.n >= GUARD_BLOCK) {
        add(&guard->block_means, guard->block.sum / guard->block.n);
        guard->block = (struct guard_sum){0};
    }
}

static void count_first(struct guard *guard)
{
    add(&guard->after[guard->pending[0].group], guard->pending[0].value);
    guard->n_pending--;
    memmove(&guard->pending[0], &guard->pending[1],
            (size_t)guard->n_pending * sizeof(guard->pending[0]));
    memset(&guard->pending[guard->n_pending], 0, sizeof(guard->pending[0]));
}

void guard_end(struct guard *guard, int group, int64_t run, double value)
{
    if (group < 0 || group >= GUARD_GROUPS || !isfinite(value)) {
        return;
    }
    if (guard->n_pending == GUARD_PENDING) {
        count_first(guard); /* one that goes on for ever must not hold back all others */
    }
    int64_t at = guard->n_pending;
    while (at > 0 && guard->pending[at - 1].run > run) {
        guard->pending[at] = guard->pending[at - 1];
        at--;
    }
    guard->pending[at].run = run;
    guard->pending[at].group = group;
    guard->pending[at].value = scale(guard, value);
    guard->n_pending++;
}

void guard_release(struct guard *guard, int64_t oldest_open)
{
    while (guard->n_pending > 0 && guard->pending[0].run < oldest_open) {
        count_first(guard);
    }
}

/* ---- estimates ---- */

struct estimate {
    double mean, variance; /* of the mean */
};

static double mean_of(const struct guard_sum *sum)
{
    return sum->n > 0 ? sum->sum / sum->n : 0;
}

/* Of one run; shares are smoothed, so that 0 of 10 is not certain. */
static double spread(const struct guard *guard, const struct guard_sum *sum)
{
    double mean = mean_of(sum);
    if (guard->settings.kind == GUARD_SHARE) {
        double p = (fabs(sum->sum) + 1) / (sum->n + 2);
        return p * (1 - p);
    }
    double square = sum->n > 1 ? (sum->sum_sq - sum->n * mean * mean) / (sum->n - 1) : 0;
    return square > 1e-12 ? square : 1e-12;
}

static struct estimate mean_before(const struct guard *guard, int group)
{
    const struct guard_sum *sum = &guard->before[group];
    return (struct estimate){mean_of(sum), spread(guard, sum) / sum->n};
}

/* The variance of few runs is taken with that of the runs before. */
static struct estimate mean_after(const struct guard *guard, int group)
{
    const struct guard_sum *sum = &guard->after[group];
    double own = spread(guard, sum), before = spread(guard, &guard->before[group]);
    double one = (own * sum->n + before * PRIOR_RUNS) / (sum->n + PRIOR_RUNS);
    return (struct estimate){mean_of(sum), one / sum->n};
}

/* How far means of blocks lie apart beyond chance, as a variance: 0 unless a chi-square test
 * says so (Wilson & Hilferty's approximation of the 95 % quantile). */
static double wandering(const struct guard *guard)
{
    const struct guard_sum *means = &guard->block_means;
    if (means->n < BLOCKS_MIN) {
        return 0;
    }
    double df = means->n - 1;
    double expected = spread(guard, &guard->before[0]) / GUARD_BLOCK;
    double mean = mean_of(means);
    double found = (means->sum_sq - means->n * mean * mean) / df;
    double h = 2 / (9 * df);
    double quantile = pow(1 - h + 1.645 * sqrt(h), 3);
    return found > expected * quantile ? found - expected : 0;
}

/* What happened to the others since, by the weight of each. */
static bool others(const struct guard *guard, struct estimate *ret_shift, int *ret_n)
{
    double weight = 0, sum = 0, n = 0;
    for (int i = 1; i < GUARD_GROUPS; i++) {
        if (guard->before[i].n < 2 || guard->after[i].n < 2) {
            continue;
        }
        struct estimate before = mean_before(guard, i), after = mean_after(guard, i);
        double w = 1 / (before.variance + after.variance);
        sum += w * (after.mean - before.mean);
        weight += w;
        n += guard->after[i].n;
    }
    *ret_n = (int)n;
    if (weight <= 0) {
        return false;
    }
    *ret_shift = (struct estimate){sum / weight, 1 / weight};
    return true;
}

static double margin_of(const struct guard *guard)
{
    double margin = guard->settings.margin;
    if (margin <= 0) {
        margin = sqrt(spread(guard, &guard->before[0])) / 3;
    } else if (guard->settings.kind == GUARD_RATIO) {
        margin = log1p(margin);
    }
    return margin;
}

/* Harm, against what was expected. */
static struct estimate harm(const struct guard *guard, struct guard_result *result)
{
    struct estimate before = mean_before(guard, 0), after = mean_after(guard, 0);
    struct estimate shift = {0, 0};
    double unseen = DRIFT_SHARE * margin_of(guard);
    double drift = unseen * unseen;
    double wander = wandering(guard);
    drift += wander;
    result->has_others = others(guard, &shift, &result->n_others);
    if (result->has_others) {
        /* Shrunk towards none as far as the others say little. */
        double seen = shift.mean * shift.mean - shift.variance;
        drift = seen > drift ? seen : drift;
        double share = drift / (drift + shift.variance);
        shift = (struct estimate){share * shift.mean, share * shift.variance};
    } else {
        shift.variance = drift;
    }
    result->shift = guard->settings.is_more_better ? -shift.mean : shift.mean;
    return (struct estimate){after.mean - before.mean - shift.mean,
                             after.variance + before.variance + shift.variance};
}

/* Half of the interval that holds at all looks, each side with probability alpha: the mixture
 * over N(0, mix) of a Brownian motion at time 1/variance. */
static double half_width(double variance, double mix, double alpha)
{
    double a = 2 * alpha;
    return sqrt(variance * (variance + mix) / mix *
                log((variance + mix) / (variance * a * a)));
}

/* A change on the scale that is compared, in the metric's unit. */
static double in_unit(const struct guard *guard, double change)
{
    double x = guard->settings.is_more_better ? -change : change;
    return guard->settings.kind == GUARD_RATIO ? expm1(x) : x;
}

static bool is_over(const struct guard *guard, struct wall now)
{
    const struct guard_settings *settings = &guard->settings;
    return (settings->max_runs > 0 && guard->after[0].n >= settings->max_runs) ||
           (settings->max_time.ms > 0 &&
            wall_since(now, guard->since).ms >= settings->max_time.ms);
}

/* low and high hold at all looks, last at one. */
static enum guard_verdict judge(const struct guard *guard, double low, double high,
                                double last, struct wall now)
{
    const struct guard_settings *settings = &guard->settings;
    double margin = margin_of(guard);
    bool is_early = guard->after[0].n < settings->min_runs ||
                    wall_since(now, guard->since).ms < settings->min_time.ms;
    /* Great harm is not watched until the window is long enough. */
    bool may_say_harm = guard->after[0].n * 2 >= settings->min_runs;
    if (may_say_harm && low > 0) {
        return GUARD_HARM;
    }
    if (!is_early && high < margin) {
        return GUARD_KEEP;
    }
    if (!is_over(guard, now)) {
        return GUARD_WAITS;
    }
    return !is_early && last < margin ? GUARD_KEEP : GUARD_UNCLEAR;
}

struct guard_result guard_look(struct guard *guard, struct wall now)
{
    struct guard_result result = {.verdict = (enum guard_verdict)guard->verdict,
                                  .effect = NOT_KNOWN,
                                  .low = NOT_KNOWN,
                                  .high = NOT_KNOWN,
                                  .expected = NOT_KNOWN,
                                  .measured = NOT_KNOWN,
                                  .n_before = (int)guard->before[0].n,
                                  .n_after = (int)guard->after[0].n};
    double low = -(double)INFINITY, high = (double)INFINITY, last = (double)INFINITY;
    if (guard->before[0].n >= 2 && guard->after[0].n >= 2) {
        struct estimate at = harm(guard, &result);
        double margin = margin_of(guard);
        double half = half_width(at.variance, margin * margin, guard->settings.alpha);
        low = at.mean - half;
        high = at.mean + half;
        last = at.mean + LAST_LOOK * sqrt(at.variance);
        result.effect = in_unit(guard, at.mean);
        result.low = in_unit(guard, guard->settings.is_more_better ? high : low);
        result.high = in_unit(guard, guard->settings.is_more_better ? low : high);
        double plain = mean_of(&guard->plain);
        bool is_ratio = guard->settings.kind == GUARD_RATIO;
        double shift = is_ratio ? expm1(result.shift) : result.shift;
        result.expected = is_ratio ? plain * (1 + shift) : plain + shift;
        result.measured = is_ratio ? result.expected * (1 + result.effect)
                                   : result.expected + result.effect;
        result.shift = shift;
    }
    if (guard->verdict == GUARD_WAITS) {
        result.verdict = judge(guard, low, high, last, now);
        guard->verdict = result.verdict;
        guard->decided_at = result.verdict != GUARD_WAITS ? now : guard->decided_at;
    }
    return result;
}

const char *guard_text(const struct guard *guard, const struct guard_result *result,
                       const char *metric, char ret_text[GUARD_TEXT_MAX])
{
    if (isnan(result->effect)) {
        (void)snprintf(ret_text, GUARD_TEXT_MAX, "%d runs before, %d after; %s",
                       result->n_before, result->n_after,
                       guard_verdict_word(result->verdict));
        return ret_text;
    }
    double unit = guard->settings.kind == GUARD_RATIO ? 100 : 1;
    (void)snprintf(ret_text, GUARD_TEXT_MAX,
                   "%d runs: %.3g %.40s, %.3g expected (%+.2g%s, %+.2g to %+.2g); %s",
                   result->n_after, result->measured, metric, result->expected,
                   unit * result->effect, unit > 1 ? " %" : "", unit * result->low,
                   unit * result->high, guard_verdict_word(result->verdict));
    return ret_text;
}
