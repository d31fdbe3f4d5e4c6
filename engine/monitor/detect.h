/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_MONITOR_DETECT_H
#define SIGNALBOX_MONITOR_DETECT_H

/*
 * Detect: how surprising is the newest value of a series?
 *
 * Pure, streaming, one pass: a detector is a plain value of fixed size (DETECTOR_BYTES_MAX)
 * without pointers, which may be copied, saved and read back; a point goes in, a score comes
 * out, and nothing is allocated. No labels, no settings per series, no look ahead.
 *
 * Two kinds of evidence are added up, in decimal digits (3 = once in a thousand):
 *
 * Rarity    Four members look at the last points: off the level, a slow drift, the window and
 *           the newest point off what is usual at this hour. Each gives a number that is small
 *           in peace; what is large for this series its own past says: the tail
 *           beyond a high quantile, followed online, is a generalized Pareto distribution of
 *           fixed shape (peaks over threshold; Siffer et al., "Anomaly Detection in Streams
 *           with Extreme Value Theory", KDD 2017; the quantile as in Ma, Muthukrishnan and
 *           Sandler, "Frugal Streaming for Estimating Quantiles", 2013). No number is rarer
 *           than its return period, the points since it was last as large: what repeats
 *           itself is no news. The rarest member counts.
 * Novelty   How far the value, its slow mean, and what is left of it at this hour lie outside
 *           of all that was ever seen, in widths of what was seen; how much longer a value has
 *           not moved than ever before. The ranges forget slowly.
 *
 * The hour's usual value comes from a profile of the day, or of the week where that has been
 * clearly better at foretelling this series. Hours are those of UTC. The band is about it: it
 * follows a slow change within days only, so that a leak leaves it.
 *
 * All lengths are in points of the series, whatever its step is, from a second to a day.
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

#define DETECTOR_FORMAT    3 /* of struct detector, for who saves it; with its size */
#define DETECTOR_BYTES_MAX 2048
#define DETECT_WINDOW      10 /* points that most members look at */
#define DETECT_MEMBERS     4
#define DETECT_RANGES      4
#define DETECT_RECORDS     8   /* of the largest numbers of a member */
#define DETECT_DAY_SLOTS   24  /* hours of a day */
#define DETECT_WEEK_SLOTS  168 /* hours of a week */

/* The tail of one member's numbers. While n < 64: their mean and mean deviation. */
struct detect_tail {
    float threshold, excess;
    uint32_t n;
};

/* All that a signal was. */
struct detect_range {
    double low, high;
    uint32_t n;
};

/* A number that no later one has reached, and the point that gave it. */
struct detect_record {
    float number;
    uint32_t at;
};

/* What is usual at an hour. */
struct detect_slot {
    float mean, deviation;
};

/* Private to detect.c; shown so that it can be embedded and saved. What every point needs
 * comes first, so that few cache lines are touched. */
struct detector {
    int64_t last_ms;          /* time of the newest point */
    double origin;            /* the first value; all that is below is measured from it */
    double level, deviation;  /* slow mean and mean deviation */
    double slow;              /* mean of the last tens of points */
    double near, far;         /* means over two greater lengths, for drift */
    uint32_t n;               /* points seen */
    uint32_t alarm_at;        /* number of the point that gave the last alarm; 0 = none */
    float peak;               /* largest surprise of that event */
    float sameness;           /* share of points that equal the one before */
    float longest_run;        /* of equal points */
    uint32_t run;             /* equal points after the newest different one */
    float gap, gap_deviation; /* between points, ms */
    float longest_gap;        /* ms; forgets slowly */
    float second_gap;         /* the longest but one */
    float day_error, week_error;   /* of the two profiles */
    float hour_error, level_error; /* of the better one, and of the level */
    uint32_t n_error;
    uint32_t n_residuals;
    uint16_t stride; /* one point in so many teaches the profile; 0 = not known yet */
    uint16_t until_learn; /* points */
    uint16_t per_slot;    /* points of an hour that teach it */
    struct detect_tail tails[DETECT_MEMBERS];
    struct detect_range ranges[DETECT_RANGES];
    double window[DETECT_WINDOW];
    float residuals[DETECT_WINDOW]; /* from the hour's usual, in its spread */

    uint8_t n_day[DETECT_DAY_SLOTS]; /* points, as far as they count */
    struct detect_slot day[DETECT_DAY_SLOTS];
    float week[DETECT_WEEK_SLOTS];
    uint8_t n_week[DETECT_WEEK_SLOTS];

    uint8_t n_records[DETECT_MEMBERS]; /* only of numbers beyond the threshold */
    struct detect_record records[DETECT_MEMBERS][DETECT_RECORDS];
};

/*
 * What a point says. `surprise` is of this very point, whether or not an event goes on: digits
 * of evidence, which rank points of all series on one scale. They are no probability, since
 * novelty is added; `chance` is: the share of points that reach this surprise, measured on
 * noise of ten kinds (normal, skewed, heavy-tailed, counts, daily, weekly, autocorrelated),
 * which lie within a factor of three of it.
 *
 * An event is announced once, by is_alarm; is_anomalous stays for as long as the points are
 * odd or lie outside of the band, and ends by itself, because the detector learns what it
 * sees: DETECT_EVENT_MIN points after the alarm, or a twentieth of all points seen where that
 * is more, never more than DETECT_EVENT_MAX.
 */
struct detect_result {
    double score;    /* [0, 1): how much an alarm this is; an event that goes on scores
                              low unless it becomes worse */
    double surprise; /* decimal digits of rarity and novelty of this very point, events
                              or not; 0 = usual or still learning */
    enum detect_kind kind; /* of what surprised most; DETECT_NONE below half an alarm */
    double value;          /* as given; NAN from detect_silence */
    double expected;       /* NAN while not known */
    double low, high;  /* the band in which the value was expected; NAN while not known */
    struct wall since; /* first point of the window that the finding is about */
    double chance;     /* [0, 1]: share of points of a peaceful series that are as odd */
    bool is_alarm;     /* a new event begins */
    bool is_anomalous; /* an event is going on */
};

#define DETECT_ALARM     4.0 /* surprise */
#define DETECT_EVENT_MIN 90
#define DETECT_EVENT_MAX 800

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
