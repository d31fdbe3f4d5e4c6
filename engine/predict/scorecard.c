/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/predict/scorecard.h"

enum { INTERVAL_NONE, INTERVAL_MISSED, INTERVAL_HELD };

static double ratio(double sum, int64_t n)
{
    return n > 0 ? sum / (double)n : (double)NAN;
}

static double square(double x)
{
    return x * x;
}

static struct scorecard_pair *newest(struct scorecard *card)
{
    return &card->recent[(card->n - 1) % SCORECARD_RECENT];
}

static int bin_of(double p)
{
    int bin = (int)(p * SCORECARD_BINS);
    return bin < SCORECARD_BINS ? bin : SCORECARD_BINS - 1;
}

static void bin_add(struct scorecard_bin *bin, double p, bool has_failed)
{
    bin->n++;
    bin->failed += has_failed;
    bin->sum_p += p;
}

void scorecard_add(struct scorecard *card, double p, bool has_failed)
{
    double said = isfinite(p) && p >= 0 && p <= 1 ? p : 0.5;
    double base = ratio((double)card->failed, card->n);
    double came = has_failed ? 1 : 0;
    if (card->n > 0) {
        card->brier += square(said - came);
        card->brier_base += square(base - came);
        card->n_base++;
    }
    bin_add(&card->bins[bin_of(said)], said, has_failed);
    card->n++;
    card->failed += has_failed;
    *newest(card) = (struct scorecard_pair){
        .p = (float)said,
        .base = (float)base,
        .has_failed = has_failed,
        .interval = INTERVAL_NONE,
        .error = (float)NAN,
    };
}

void scorecard_add_duration(struct scorecard *card, double said, double low, double high,
                            double took)
{
    if (card->n == 0 || !isfinite(took) || took <= 0) {
        return;
    }
    if (isfinite(low) && isfinite(high)) {
        bool has_held = took >= low && took <= high;
        card->n_interval++;
        card->held += has_held;
        newest(card)->interval = has_held ? INTERVAL_HELD : INTERVAL_MISSED;
    }
    if (isfinite(said)) {
        newest(card)->error = (float)(fabs(said - took) / took);
    }
}

static double ece_of(const struct scorecard_bin bins[SCORECARD_BINS])
{
    double sum = 0;
    int64_t n = 0;
    for (int i = 0; i < SCORECARD_BINS; i++) {
        sum += fabs(bins[i].sum_p - (double)bins[i].failed);
        n += bins[i].n;
    }
    return ratio(sum, n);
}

static double skill_of(double brier, double base)
{
    return base > 0 ? 1 - brier / base : (double)NAN;
}

/* Insertion into a sorted list: 50 at most. */
static double median(float *values, int n)
{
    for (int i = 1; i < n; i++) {
        float value = values[i];
        int at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
    if (n == 0) {
        return (double)NAN;
    }
    return n % 2 == 1 ? (double)values[n / 2]
                      : ((double)values[n / 2 - 1] + (double)values[n / 2]) / 2;
}

struct scorecard_skill scorecard_recent(const struct scorecard *card)
{
    struct scorecard_bin bins[SCORECARD_BINS] = {{0}};
    float errors[SCORECARD_RECENT];
    int64_t n = card->n < SCORECARD_RECENT ? card->n : SCORECARD_RECENT;
    int64_t n_base = 0, n_interval = 0, held = 0;
    int n_errors = 0;
    double brier = 0, base = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct scorecard_pair *pair = &card->recent[i];
        bin_add(&bins[bin_of((double)pair->p)], (double)pair->p, pair->has_failed);
        if (!isnan(pair->base)) {
            brier += square((double)pair->p - pair->has_failed);
            base += square((double)pair->base - pair->has_failed);
            n_base++;
        }
        n_interval += pair->interval != INTERVAL_NONE;
        held += pair->interval == INTERVAL_HELD;
        if (!isnan(pair->error)) {
            errors[n_errors++] = pair->error;
        }
    }
    return (struct scorecard_skill){
        .n = n,
        .brier = ratio(brier, n_base),
        .base = ratio(base, n_base),
        .skill = skill_of(brier, base),
        .ece = ece_of(bins),
        .coverage = ratio((double)held, n_interval),
        .error = median(errors, n_errors),
    };
}

struct scorecard_skill scorecard_all(const struct scorecard *card)
{
    return (struct scorecard_skill){
        .n = card->n,
        .brier = ratio(card->brier, card->n_base),
        .base = ratio(card->brier_base, card->n_base),
        .skill = skill_of(card->brier, card->brier_base),
        .ece = ece_of(card->bins),
        .coverage = ratio((double)card->held, card->n_interval),
        .error = scorecard_recent(card).error,
    };
}

bool scorecard_is_trusted(const struct scorecard *card)
{
    return card->n >= SCORECARD_RECENT && scorecard_recent(card).skill > 0;
}

const char *scorecard_verdict(const struct scorecard *card)
{
    if (card->n < SCORECARD_RECENT) {
        return "not trusted yet: fewer than 50 predictions have an outcome";
    }
    struct scorecard_skill recent = scorecard_recent(card);
    if (isnan(recent.skill)) {
        return "not trusted: the last 50 outcomes were all the same as ever";
    }
    return recent.skill > 0
               ? "trusted: better than the base rate over the last 50"
               : "not trusted: no better than the base rate over the last 50";
}
