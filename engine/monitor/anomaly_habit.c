/* SPDX-License-Identifier: MIT */

/*
 * What a series usually does: how often and how far it lies outside of its band, and what the
 * runs of such points come to in peace. From that, when a run is trouble.
 */
#include <math.h>
#include <string.h>

#include "engine/monitor/anomaly_private.h"

#define DIGITS_ODD     3.0 /* of a window that is odd inside of the band */
#define CHANCE_MIN     1e-12
#define POINT_MAX      6.0   /* digits of surprise that one point may add */
#define SHARE_TROUBLE  0.5   /* points outside of the band in trouble */
#define SHARE_MIN      0.005 /* in peace */
#define SHARE_MAX      0.5F
#define SHARE_POINTS   2000 /* that the share in peace is learned from */
#define FAR_WEIGHT     0.7  /* digits for each doubling of the distance */
#define FAR_MAX        3.0
#define FAR_DISTANCES  3.0 /* usual distances from the middle of the band */
#define WILD_DISTANCES 10.0
#define MODE_VOTES     100 /* more points than all others together */
#define MODE_VOTES_MAX 4000
#define RUN_MAX        1000.0
#define PEAK_DAYS      60.0 /* in which the highest usual run is forgotten */
#define LEAST_STEP     2.0  /* digits that a run in peace may add in any case */
#define PEACE_FACTOR   1.5  /* at most so much more is usual after a run in peace */
#define TOLD_FACTOR    1.3  /* and after one that was told */
#define DAY_MS         INT64_C(86400000)
#define RUN_FACTOR     1.52 /* beyond the highest usual run of this series */
#define TINY           1e-12

double habit_surprise(const struct detect_result *result)
{
    double chance = result->chance > CHANCE_MIN ? result->chance : CHANCE_MIN;
    return isfinite(result->chance) && result->chance < 1 ? -log10(chance) : 0;
}

bool habit_is_in_band(double value, double low, double high)
{
    return isfinite(value) && isfinite(low) && isfinite(high) && value >= low &&
           value <= high;
}

/*
 * Points that count as one. Numbers about a window of points stay high for as long as the window
 * holds what made them so. 0: of these kinds only what lies outside of the band counts.
 */
static double share_of(enum detect_kind kind)
{
    return kind == DETECT_NOISE || kind == DETECT_FLAT || kind == DETECT_DRIFT ? 6
           : kind == DETECT_SILENCE                                            ? 1.5
                                                                               : 0;
}

/*
 * Outside of the band, and further from its middle than this series usually is: a band that
 * is too narrow for a series finds nothing odd. Nor is the value odd that most points have had,
 * as the 0 of what seldom happens.
 */
static bool is_outside(const struct habit *habit, const struct series_signal *signal)
{
    const struct detect_result *result = &signal->result;
    double middle = (result->high + result->low) / 2;
    bool is_usual = habit->votes > MODE_VOTES && (float)signal->value == habit->mode;
    return !is_usual && !habit_is_in_band(signal->value, result->low, result->high) &&
           !(fabs(signal->value - middle) < FAR_DISTANCES * (double)habit->distance);
}

/* Odd for the book: a value that lies outside, or a window that is odd. */
bool habit_is_odd(const struct habit *habit, const struct series_signal *signal)
{
    const struct detect_result *result = &signal->result;
    return is_outside(habit, signal) ||
           (share_of(result->kind) > 0 && habit_surprise(result) > DIGITS_ODD);
}

/* ---- runs ------------------------------------------------------------------------------ */

/*
 * Digits of evidence that this point is of trouble, in which every second point lies outside,
 * and not of peace, in which the share of this series does; more when it is far outside or
 * surprising. What a usual run of such points adds up to, each series teaches itself.
 */
static double weigh(const struct habit *habit, const struct series_signal *signal,
                    double surprise)
{
    const struct detect_result *result = &signal->result;
    double width =
        fmax((result->high - result->low) / 2, FAR_DISTANCES * (double)habit->distance) +
        TINY;
    double middle = (result->high + result->low) / 2;
    double share = (double)habit->share > SHARE_MIN ? (double)habit->share : SHARE_MIN;
    double more = surprise > ANOMALY_USUAL
                      ? (surprise < POINT_MAX ? surprise : POINT_MAX) - ANOMALY_USUAL
                      : 0;
    if (!is_outside(habit, signal)) {
        return log10(1 - SHARE_TROUBLE) - log10(1 - share) +
               (share_of(result->kind) > 0 ? more / share_of(result->kind) : 0);
    }
    double off = fabs(signal->value - middle) / width - 1;
    double far = FAR_WEIGHT * log2(1 + off);
    return log10(SHARE_TROUBLE) - log10(share) + (far < FAR_MAX ? far : FAR_MAX) + more;
}

double habit_opens_at(const struct habit *habit)
{
    double least = ANOMALY_EVIDENCE, own = RUN_FACTOR * (double)habit->usual;
    return own > least ? own : least;
}

/* The run is over: what it came to is usual from now on; if it was told as trouble, only so
 * much of it that the same, again and again, becomes usual in the end. */
void habit_end_run(struct habit *habit, int64_t now_ms, bool was_told)
{
    double more = was_told ? TOLD_FACTOR : PEACE_FACTOR;
    double most = (double)habit->usual * more + (was_told ? LEAST_STEP / 2 : LEAST_STEP);
    double days = (double)(now_ms - habit->ended_ms) / (double)DAY_MS;
    double kept = (double)habit->usual * exp(-days / PEAK_DAYS);
    most = most < (double)habit->peak ? most : (double)habit->peak;
    habit->usual = (float)(most > kept ? most : kept);
    habit->ended_ms = now_ms;
    habit->run = habit->peak = 0;
    habit->began_ms = 0;
    habit->n_out = 0;
}

/* Wild values teach as much as far ones. */
static void learn_distance(struct habit *habit, double distance, double rate)
{
    double most = WILD_DISTANCES * (double)habit->distance;
    bool is_wild = habit->n > HABIT_WARM / 4 && distance > most;
    distance = is_wild ? most : distance;
    habit->distance += (float)(rate * (distance - (double)habit->distance));
}

/* The value that most points have, if there is one (Boyer and Moore, "MJRTY", 1981). */
static void vote(struct habit *habit, float value)
{
    if (value == habit->mode) {
        habit->votes = (uint16_t)(habit->votes + (habit->votes < MODE_VOTES_MAX));
    } else if (habit->votes > 0) {
        habit->votes--;
    } else {
        habit->mode = value;
        habit->votes = 1;
    }
}

void habit_follow(struct habit *habit, const struct series_signal *signal,
                  double surprise, bool is_open)
{
    const struct detect_result *result = &signal->result;
    bool is_out = is_outside(habit, signal);
    double run = (double)habit->run + weigh(habit, signal, surprise);
    double rate = habit->n < SHARE_POINTS ? 1.0 / (habit->n + 1) : 1.0 / SHARE_POINTS;
    if (!is_open) { /* what is trouble does not become usual */
        habit->share += (float)(rate * ((is_out ? 1 : 0) - (double)habit->share));
        learn_distance(habit, fabs(signal->value - (result->low + result->high) / 2),
                       rate);
    }
    habit->share = habit->share > SHARE_MAX ? SHARE_MAX : habit->share;
    habit->n += habit->n < UINT32_MAX;
    vote(habit, (float)signal->value);
    habit->n_calm = (uint16_t)(is_out || result->is_anomalous ? 0
                               : habit->n_calm < UINT16_MAX   ? habit->n_calm + 1
                                                              : habit->n_calm);
    if (habit->n_calm >= ANOMALY_CALM) {
        habit->is_muted = false;
    }
    if (run <= 0) {
        if (habit->began_ms != 0) {
            habit_end_run(habit, signal->at.ms, is_open);
        }
        return;
    }
    if (habit->began_ms == 0) {
        habit->began_ms = signal->at.ms;
    }
    habit->run = (float)(run < RUN_MAX ? run : RUN_MAX);
    habit->peak = habit->run > habit->peak ? habit->run : habit->peak;
    habit->n_out +=
        (uint16_t)((is_out || result->is_anomalous) && habit->n_out < UINT16_MAX);
}
