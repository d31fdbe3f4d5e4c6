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

/* What kind of trouble. X(identifier, word, help). Stored as numbers: only append. */
#define DETECT_LIST(X)                                                                   \
    X(DETECT_NONE, "", "nothing")                                                        \
    X(DETECT_SPIKE, "spike", "one value, or very few, far from all others")              \
    X(DETECT_SHIFT, "shift", "the level has changed at once")                            \
    X(DETECT_SILENCE, "silence", "fell to nothing, or no points come any more")          \
    X(DETECT_NOISE, "noise", "varies more than it did")                                  \
    X(DETECT_FLAT, "flat", "varies less than it did")                                    \
    X(DETECT_DRIFT, "drift", "the level has moved away slowly")                          \
    X(DETECT_SEASON, "season", "not what is usual at this hour")                         \
    X(DETECT_RARE, "rare", "a value, or an order of values, that hardly ever comes")
enum detect_kind {
#define X(id, word, help) id,
    DETECT_LIST(X)
#undef X
        DETECT_KIND_COUNT
};
const char *detect_word(enum detect_kind kind);
const char *detect_help(enum detect_kind kind);

#define DETECT_MEMBERS     7
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
    int64_t n;                /* points seen */
    int64_t step_ms;          /* between the first two points; 0 = not known yet */
    int64_t last_ms;          /* time of the newest point */
    float gap, gap_deviation; /* between points, ms */
    float longest_gap;        /* ms; forgets slowly */
    int64_t alarm_at;         /* number of the point that gave the last alarm; 0 = none */
    double origin;            /* the first value; all that is below is measured from it */
    double level, deviation;  /* slow mean and mean deviation */
    double near, far;         /* means over two lengths, for drift */
    double low, high;         /* of everything seen */
    float width;              /* usual standard deviation inside the window */
    uint32_t n_width;
    float window[DETECT_WINDOW];
    struct detect_tail tails[DETECT_MEMBERS];
    struct detect_slot slots[DETECT_DAY_SLOTS + DETECT_WEEK_SLOTS];
    uint8_t
        n_slot[DETECT_DAY_SLOTS + DETECT_WEEK_SLOTS]; /* points, as far as they count */
};

/*
 * What a point says. `surprise` means the same for every series: 3 = of a thousand points of
 * this series' own past one was as odd. An event is announced once, by is_alarm; is_anomalous
 * stays for as long as the event does, and ends by itself, because the detector learns what
 * it sees: after at most DETECT_EVENT_POINTS points.
 */
struct detect_result {
    double score;    /* [0, 1): what is compared with other series; grows with surprise */
    double surprise; /* decimal digits of rarity; 0 = usual or still learning */
    enum detect_kind kind; /* of what surprised most; DETECT_NONE when nothing did */
    double value;          /* as given; NAN from detect_silence */
    double expected;       /* NAN while not known */
    double low, high;  /* the band in which the value was expected; NAN while not known */
    struct wall since; /* first point of the window that the finding is about */
    bool is_alarm;     /* a new event begins */
    bool is_anomalous; /* an event is going on */
};

#define DETECT_ALARM        3.0 /* surprise */
#define DETECT_EVENT_POINTS 120

void detect_init(struct detector *detector); /* or all zero */
/*
 * A point. Points are in order of time; one that is older than the newest is judged like the
 * newest, and moves no clock. A value that is not finite is not learned from and scores 0. A
 * counter is given as its rate.
 */
struct detect_result detect_step(struct detector *detector, struct wall at, double value);
/*
 * What it says that nothing has come until `now`: judged by the intervals so far. Changes
 * nothing; is_alarm and is_anomalous are both true for as long as the silence lasts.
 */
struct detect_result detect_silence(const struct detector *detector, struct wall now);

#endif
