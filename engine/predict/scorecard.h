/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_SCORECARD_H
#define SIGNALBOX_PREDICT_SCORECARD_H

/*
 * Scorecard: how good were the predictions, now that the outcomes are known?
 *
 * Every prediction is kept here with its outcome: over all of them as sums, the last
 * SCORECARD_RECENT one by one. Probabilities are judged by the Brier score (Brier 1950)
 * against the running base rate (what someone would say who only counts), by a reliability
 * table of ten bins and the expected calibration error made from it (Naeini et al., AAAI
 * 2015); intervals by how often they held. A model that does not beat the base rate over the
 * last 50 is not trusted, and nothing is done because of what it says.
 *
 * Memory: a plain value of fixed size; all zero is an empty card; it can be stored as bytes.
 * Unknown is not zero: what cannot be said yet is NAN.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCORECARD_BINS   10
#define SCORECARD_RECENT 50

struct scorecard_bin {
    int64_t n, failed;
    double sum_p;
};

struct scorecard_pair {
    float p, base; /* base NAN: no outcome was known */
    uint8_t has_failed;
    uint8_t interval;  /* 0 none, 1 missed, 2 held */
    uint8_t unused[2]; /* so that no saved byte is left unset */
    float error;       /* |predicted - true| / true of a duration; NAN = none */
};

struct scorecard {
    int64_t n, failed;
    double brier, brier_base; /* sums over those with a base */
    int64_t n_base;
    int64_t n_interval, held;
    struct scorecard_bin bins[SCORECARD_BINS];
    struct scorecard_pair recent[SCORECARD_RECENT]; /* ring */
};

struct scorecard_skill {
    int64_t n;       /* predictions with an outcome */
    double brier;    /* mean squared error, 0 to 1 */
    double base;     /* the same of the running base rate */
    double skill;    /* 1 - brier / base; above 0 = better than counting */
    double ece;      /* expected calibration error, 0 to 1 */
    double coverage; /* share of intervals that held */
    double error;    /* median relative error of durations (the last 50 only) */
};

/* p: what was said; outside of [0, 1] or not finite counts as 0.5. */
void scorecard_add(struct scorecard *card, double p, bool has_failed);
/* Duration of a run: what was said with its interval, and what came; seconds. An absent
 * prediction (NAN) is not counted. Belongs to the run of the last scorecard_add. */
void scorecard_add_duration(struct scorecard *card, double said, double low, double high,
                            double took);

struct scorecard_skill scorecard_all(const struct scorecard *card);
struct scorecard_skill scorecard_recent(const struct scorecard *card);
/* True once the last 50 are there and beat the base rate. */
bool scorecard_is_trusted(const struct scorecard *card);
/* One sentence for people that says whether and why, "" never. */
const char *scorecard_verdict(const struct scorecard *card);

#endif
