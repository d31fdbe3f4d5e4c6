/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/monitor/detect_private.h"

/* Which word fits what was found odd: the last points are looked at once more, and only when
 * they are odd. */

#define FAR_DEVIATIONS 4.0
#define OFF_DEVIATIONS 2.5
#define LONG_RAMP      0.7
#define RAMP           0.48
#define RAMP_MOVING    0.25
#define RARE_SAMENESS  0.9F

static const struct {
    const char *word, *help;
} kinds[DETECT_KIND_COUNT] = {
#define X(id, word, help) [id] = {word, help},
    DETECT_LIST(X)
#undef X
};

const char *detect_word(enum detect_kind kind)
{
    return kinds[kind].word;
}

const char *detect_help(enum detect_kind kind)
{
    return kinds[kind].help;
}

/* What the last points look like against what was expected of them. */
struct shape {
    int n_far;                 /* from it */
    bool is_noise;             /* they lie off it on both sides */
    bool is_far, is_off_level; /* the newest one */
};

static struct shape shape_of(const struct detector *detector, const struct look *look)
{
    struct shape shape = {0};
    int n_above = 0, n_below = 0, n_high = 0, n_low = 0;
    double usual_off = (double)detector->level_error + TINY;
    for (size_t i = 0; i < DETECT_WINDOW; i++) {
        double off = look->is_seasonal
                         ? (double)detector->residuals[i]
                         : (detector->window[i] - detector->level) / usual_off;
        n_above += off > OFF_DEVIATIONS;
        n_below += off < -OFF_DEVIATIONS;
        n_high += off > FAR_DEVIATIONS;
        n_low += off < -FAR_DEVIATIONS;
    }
    shape.n_far = n_high + n_low;
    shape.is_noise = (n_above > 1 && n_below > 1) || (n_high > 0 && n_low > 0);
    shape.is_off_level = fabs(look->x - detector->level) > FAR_DEVIATIONS * look->scale;
    shape.is_far = look->x < look->low || look->x > look->high;
    return shape;
}

/*
 * Means over four lengths tell a step from a ramp: soon after a step the longer ones lag far
 * behind the shorter, and later the shorter ones have arrived; along a ramp they all keep
 * their distances, and the shortest still moves away.
 */
static bool is_ramp(const struct detector *detector, const struct look *look)
{
    double moved = detector->slow - detector->far, newest_mean = 0;
    for (size_t i = 0; i < DETECT_WINDOW; i++) {
        newest_mean += detector->window[i] / DETECT_WINDOW;
    }
    double lag = (detector->near - detector->far) / (moved + TINY);
    double moving = (newest_mean - detector->slow) / (moved + TINY);
    return fabs(moved) > look->scale / 2 &&
           (lag > LONG_RAMP || (lag > RAMP && moving > RAMP_MOVING));
}

/* In the words of those who read it. */
enum detect_kind detect_kind_of(const struct detector *detector, const struct look *look,
                                enum detect_kind evidence)
{
    bool is_zero = look->x + detector->origin == 0;
    if (evidence == DETECT_FLAT) {
        return is_zero ? DETECT_SILENCE : DETECT_FLAT;
    }
    if (detector->sameness > RARE_SAMENESS) {
        return DETECT_RARE;
    }
    if (is_zero) {
        return DETECT_SILENCE;
    }
    struct shape shape = shape_of(detector, look);
    if (shape.is_noise) {
        return DETECT_NOISE;
    }
    if (!look->is_seasonal && is_ramp(detector, look)) {
        return DETECT_DRIFT;
    }
    bool is_of_hour = look->is_seasonal && !shape.is_off_level;
    if (shape.n_far > 2 || (shape.n_far == 0 && evidence != DETECT_SPIKE)) {
        return is_of_hour ? DETECT_SEASON : DETECT_SHIFT;
    }
    return is_of_hour && shape.is_far ? DETECT_SEASON : DETECT_SPIKE;
}
