/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_DETECT_H
#define SIGNALBOX_MONITOR_DETECT_H

/*
 * Detect: how surprising is the newest value of a series?
 *
 * Pure, streaming, one pass: a detector is a plain value of fixed size (DETECTOR_BYTES_MAX), a
 * point goes in, a score comes out, and nothing is allocated. No labels, no settings per
 * series, no look ahead.
 *
 * Several members look at each point, each for one of the several things that go wrong; every
 * member turns the point into a number that is small in peace and large in trouble. What is
 * large for this series its own past says: the tail beyond a high quantile, tracked online,
 * is fitted with a generalized Pareto distribution of fixed shape, and the member's surprise is
 * -log10 of the chance of such a number (peaks over threshold; Siffer et al., "Anomaly
 * Detection in Streams with Extreme Value Theory", KDD 2017; the quantile is followed as in
 * Ma, Muthukrishnan and Sandler, "Frugal Streaming for Estimating Quantiles", 2013). The
 * largest surprise counts, the others add a tenth, a value outside of everything seen adds
 * its distance.
 *
 * For a while after an alarm the score is halved: what follows belongs to the same event.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/clock.h"

/* Members. X(identifier, word, help) */
#define DETECT_LIST(X)                                                                   \
    X(DETECT_NONE, "", "nothing")                                                        \
    X(DETECT_RANGE, "range", "outside of everything seen so far")                        \
    X(DETECT_SHIFT, "shift", "the last points lie off the level of the past")            \
    X(DETECT_NOISE, "noise", "the last points vary more than those of the past")         \
    X(DETECT_FLAT, "flat", "the last points vary less than those of the past")           \
    X(DETECT_DRIFT, "drift", "the level has moved away slowly")                          \
    X(DETECT_SEASON, "season", "not what is usual at this hour")
enum detect_member {
#define X(id, word, help) id,
    DETECT_LIST(X)
#undef X
        DETECT_COUNT
};
const char *detect_word(enum detect_member member);
const char *detect_help(enum detect_member member);

#define DETECT_WINDOW      12  /* points that shift, noise and flat look at */
#define DETECT_DAY_SLOTS   24  /* hours of a day */
#define DETECT_WEEK_SLOTS  168 /* hours of a week */
#define DETECTOR_BYTES_MAX 2048

/* What is usual at an hour. */
struct detect_slot {
    float mean, deviation;
};

/* The tail of one member. */
struct detect_tail {
    float threshold, excess, mean;
    uint32_t n;
};

struct detector {
    int64_t n;               /* points seen */
    int64_t step_ms;         /* between the first two points; 0 = not known yet */
    int64_t last_ms;         /* time of the newest point */
    int64_t alarm_at;        /* number of the point that gave the last alarm; 0 = none */
    double origin;           /* the first value; all that is below is measured from it */
    double level, deviation; /* slow mean and mean deviation */
    double near, far;        /* means over two lengths, for drift */
    double low, high;        /* of everything seen */
    float width;             /* usual standard deviation inside the window */
    uint32_t n_width;
    float window[DETECT_WINDOW];
    struct detect_tail tails[DETECT_COUNT];
    struct detect_slot slots[DETECT_DAY_SLOTS + DETECT_WEEK_SLOTS];
    uint8_t
        n_slot[DETECT_DAY_SLOTS + DETECT_WEEK_SLOTS]; /* points, as far as they count */
};

struct detect_result {
    double score;              /* 0 to 1, without ever reaching 1 */
    double surprise;           /* in decimal digits: 3 = once in a thousand */
    enum detect_member member; /* that was surprised most */
    double low, high;          /* band in which the value was expected */
    bool is_alarm;             /* surprise above DETECT_ALARM, and not the same event */
};

#define DETECT_ALARM 3.0

void detect_init(struct detector *detector); /* or all zero */
/* A point; `at` never goes back. A value that is not finite is not learned from and scores 0. */
struct detect_result detect_step(struct detector *detector, struct wall at, double value);

#endif
