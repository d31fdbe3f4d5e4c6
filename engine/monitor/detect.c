/* SPDX-License-Identifier: MIT */
#include "engine/monitor/detect.h"

#include <math.h>
#include <string.h>

#include "engine/base/compiler.h"

/* Chosen by cross-validation over whole files; the figures change little around them. */
#define LEVEL_RATE   0.0084 /* of the slow mean */
#define WIDTH_RATE   0.005
#define NEAR_POINTS  67.0
#define FAR_POINTS   (4 * NEAR_POINTS)
#define WARM_POINTS  50 /* before anything is out of range */
#define TAIL_WARM    64 /* numbers that a tail learns from first */
#define TAIL_SHARE   0.03
#define TAIL_SHAPE   0.3 /* of the Pareto distribution: a heavy tail */
#define TAIL_MEMORY  100.0
#define TAIL_PACE    0.02
#define OTHERS       0.1
#define RANGE_WEIGHT 12.24
#define SLOT_ROUNDS  10 /* days, or weeks, that a slot remembers */
#define SLOT_POINTS  25 /* of an hour that are learned from, at most */
#define WEEK_ROUNDS                                                                      \
    3 /* weeks before the hour of the week stands for the hour of the day */
#define DAY_ROUNDS   2
#define EVENT_FACTOR 0.5
#define SCORE_HALF   10.0 /* surprise that scores a half */
#define GAP_RATE     0.01
#define GAP_WARM     8
#define HOUR_MS      INT64_C(3600000)
#define TINY         1e-12

_Static_assert(sizeof(struct detector) <= DETECTOR_BYTES_MAX, "a detector is small");

static const struct {
    const char *word, *help;
} kinds[DETECT_KIND_COUNT] = {
#define X(id, word, help) [id] = {word, help},
    DETECT_LIST(X)
#undef X
};

enum member {
    MEMBER_NONE,
    MEMBER_RANGE, /* outside of everything seen so far */
    MEMBER_SHIFT, /* the last points lie off the level of the past */
    MEMBER_NOISE,
    MEMBER_FLAT,
    MEMBER_DRIFT,
    MEMBER_SEASON,
    MEMBER_COUNT
};
_Static_assert((int)MEMBER_COUNT == DETECT_MEMBERS, "a tail for each member");

/* A shift of a few points and a slow drift are the least certain of all. */
static double weight_of(enum member member)
{
    return member == MEMBER_SHIFT ? 0.7 : member == MEMBER_DRIFT ? 0.85 : 1;
}

const char *detect_word(enum detect_kind kind)
{
    return kinds[kind].word;
}

const char *detect_help(enum detect_kind kind)
{
    return kinds[kind].help;
}

void detect_init(struct detector *detector)
{
    memset(detector, 0, sizeof(*detector));
}

/* Rate that averages all of the first points, and then stays at `rate`. */
static double rate_at(int64_t n, double rate)
{
    double first = 1.0 / (double)(n + 1);
    return first > rate ? first : rate;
}

/* ---- the tail of a member ------------------------------------------------------------- */

/* The first numbers give a threshold to begin with. */
static void learn(struct detect_tail *tail, double x)
{
    tail->n++;
    tail->mean += (float)((x - (double)tail->mean) / tail->n);
    tail->excess +=
        (float)((fabs(x - (double)tail->mean) - (double)tail->excess) / tail->n);
    if (tail->n == TAIL_WARM) {
        tail->threshold = tail->mean + 1.5F * tail->excess;
        tail->excess = tail->excess > 0 ? tail->excess * 0.7F : 1e-9F;
    }
}

static double surprise_of(struct detect_tail *tail, double x)
{
    double surprise = 0;
    if (tail->n < TAIL_WARM) {
        learn(tail, x);
        return 0;
    }
    double threshold = (double)tail->threshold, mean = (double)tail->excess;
    double pace = TAIL_PACE * mean;
    if (x > threshold) {
        double excess = x - threshold;
        double scale = mean * (1 - TAIL_SHAPE) + TINY;
        surprise =
            -log10(TAIL_SHARE) + log10(1 + TAIL_SHAPE * excess / scale) / TAIL_SHAPE;
        tail->excess += (float)((excess - mean) / TAIL_MEMORY);
        tail->threshold += (float)(pace * (1 - TAIL_SHARE));
    } else {
        tail->threshold -= (float)(pace * TAIL_SHARE);
    }
    return surprise;
}

/* ---- what is usual at this hour ------------------------------------------------------- */

struct hour {
    size_t day, week;
    int per_slot;    /* points of an hour that are learned from */
    bool is_learned; /* a fast series is thinned out, so that a slot remembers days */
};

/* Days since 1970-01-01, a Thursday. */
static struct hour hour_of(const struct detector *detector, struct wall at)
{
    int64_t hours = at.ms / HOUR_MS - (at.ms % HOUR_MS < 0);
    int64_t day = (hours % DETECT_DAY_SLOTS + DETECT_DAY_SLOTS) % DETECT_DAY_SLOTS;
    int64_t week = (hours % DETECT_WEEK_SLOTS + DETECT_WEEK_SLOTS) % DETECT_WEEK_SLOTS;
    int64_t points = detector->step_ms > 0 ? HOUR_MS / detector->step_ms : 1;
    int64_t stride = (points + SLOT_POINTS - 1) / SLOT_POINTS;
    stride = stride > 0 ? stride : 1;
    points = points > 0 ? points / stride : 1;
    return (struct hour){.day = (size_t)day,
                         .week = DETECT_DAY_SLOTS + (size_t)week,
                         .per_slot = (int)points,
                         .is_learned = detector->n % stride == 0};
}

/* The slot that knows enough, the finer one first; NULL = none does. */
static const struct detect_slot *usual(const struct detector *detector,
                                       const struct hour *hour)
{
    if (detector->n_slot[hour->week] >= WEEK_ROUNDS * hour->per_slot) {
        return &detector->slots[hour->week];
    }
    return detector->n_slot[hour->day] >= DAY_ROUNDS ? &detector->slots[hour->day] : NULL;
}

static void learn_slot(struct detector *detector, size_t i, int cap, double x)
{
    struct detect_slot *slot = &detector->slots[i];
    int n = detector->n_slot[i];
    double rate = 1.0 / (n < cap ? n + 1 : cap);
    slot->mean += (float)(rate * (x - (double)slot->mean));
    slot->deviation +=
        (float)(rate * (fabs(x - (double)slot->mean) - (double)slot->deviation));
    if (n < UINT8_MAX) {
        detector->n_slot[i]++;
    }
}

/* ---- members -------------------------------------------------------------------------- */

struct look {
    double numbers[MEMBER_COUNT]; /* 0 = the member has nothing to say */
    double range;                 /* distance outside of everything seen, in its width */
    double low, high;
};

static void look_at_window(struct detector *detector, double x, double scale,
                           struct look *look)
{
    double sum = 0, squares = 0;
    detector->window[detector->n % DETECT_WINDOW] = (float)x;
    if (detector->n < DETECT_WINDOW) {
        return;
    }
    for (size_t i = 0; i < DETECT_WINDOW; i++) {
        sum += (double)detector->window[i];
    }
    double mean = sum / DETECT_WINDOW;
    for (size_t i = 0; i < DETECT_WINDOW; i++) {
        double off = (double)detector->window[i] - mean;
        squares += off * off;
    }
    double width = sqrt(squares / DETECT_WINDOW), is_usual = (double)detector->width;
    look->numbers[MEMBER_SHIFT] = fabs(mean - detector->level) / scale;
    if (detector->n_width > WARM_POINTS) {
        look->numbers[MEMBER_NOISE] = width / (is_usual + TINY);
        look->numbers[MEMBER_FLAT] = is_usual / (width + is_usual * 0.02 + TINY);
    }
    detector->width +=
        (float)(rate_at(detector->n_width, detector->n_width < 100 ? 0 : WIDTH_RATE) *
                (width - is_usual));
    detector->n_width++;
}

static void look_at_drift(struct detector *detector, double x, double scale,
                          struct look *look)
{
    detector->near += rate_at(detector->n, 1 / NEAR_POINTS) * (x - detector->near);
    detector->far += rate_at(detector->n, 1 / FAR_POINTS) * (x - detector->far);
    if (detector->n > (int64_t)FAR_POINTS) {
        look->numbers[MEMBER_DRIFT] = fabs(detector->near - detector->far) / scale;
    }
}

static void look_at_season(struct detector *detector, const struct hour *hour, double x,
                           double scale, struct look *look)
{
    const struct detect_slot *slot = usual(detector, hour);
    look->low = detector->level - 3 * scale;
    look->high = detector->level + 3 * scale;
    if (slot == NULL) {
        return;
    }
    double spread = (double)slot->deviation + 0.2 * scale + TINY;
    look->numbers[MEMBER_SEASON] = fabs(x - (double)slot->mean) / spread;
    look->low = (double)slot->mean - 3 * spread;
    look->high = (double)slot->mean + 3 * spread;
}

static void look_at_range(struct detector *detector, double x, struct look *look)
{
    if (detector->n > WARM_POINTS) {
        double width = detector->high - detector->low + TINY;
        look->range = x > detector->high  ? (x - detector->high) / width
                      : x < detector->low ? (detector->low - x) / width
                                          : 0;
    }
    if (detector->n == 0 || x > detector->high) {
        detector->high = x;
    }
    if (detector->n == 0 || x < detector->low) {
        detector->low = x;
    }
}

/* ---- all together --------------------------------------------------------------------- */

/* In the words of those who read it. */
static enum detect_kind kind_of(enum member member, const struct detector *detector,
                                double x)
{
    double scale = detector->deviation + TINY;
    bool is_near = fabs(x - detector->level) < 3 * scale;
    switch (member) {
    case MEMBER_RANGE:
        return DETECT_SPIKE;
    case MEMBER_SHIFT:
        return x + detector->origin == 0 ? DETECT_SILENCE : DETECT_SHIFT;
    case MEMBER_NOISE:
        return is_near ? DETECT_NOISE : DETECT_SPIKE;
    case MEMBER_FLAT:
        return x + detector->origin == 0 ? DETECT_SILENCE : DETECT_FLAT;
    case MEMBER_DRIFT:
        return DETECT_DRIFT;
    case MEMBER_SEASON:
        return DETECT_SEASON;
    default:
        return DETECT_NONE;
    }
}

static void judge(struct detector *detector, const struct look *look, double x,
                  struct detect_result *result)
{
    double most = 0, sum = 0;
    enum member member = MEMBER_NONE;
    for (int i = MEMBER_NONE + 1; i < MEMBER_COUNT; i++) {
        if (look->numbers[i] <= 0) {
            continue;
        }
        double surprise = weight_of((enum member)i) *
                          surprise_of(&detector->tails[i], look->numbers[i]);
        sum += surprise;
        if (surprise > most) {
            most = surprise;
            member = (enum member)i;
        }
    }
    double range = RANGE_WEIGHT * look->range;
    if (range > most) {
        member = MEMBER_RANGE;
    }
    double surprise = most + OTHERS * (sum - most) + range;
    bool is_same_event =
        detector->alarm_at > 0 && detector->n - detector->alarm_at < DETECT_EVENT_POINTS;
    result->is_anomalous = surprise > DETECT_ALARM;
    if (is_same_event) {
        surprise *= EVENT_FACTOR;
    } else if (surprise > DETECT_ALARM) {
        detector->alarm_at = detector->n;
        result->is_alarm = true;
    }
    result->kind = kind_of(member, detector, x);
    result->surprise = surprise;
    result->score = surprise / (SCORE_HALF + surprise);
}

/* Between points. The longest forgets slowly, so that a night without work is remembered. */
static void learn_gap(struct detector *detector, double gap)
{
    double rate = rate_at(detector->n - 1, GAP_RATE);
    double off = gap - (double)detector->gap;
    detector->gap += (float)(rate * off);
    detector->gap_deviation +=
        (float)(rate * (fabs(off) - (double)detector->gap_deviation));
    double longest = (double)detector->longest_gap * (1 - GAP_RATE / 10);
    detector->longest_gap = (float)(gap > longest ? gap : longest);
}

struct detect_result detect_silence(const struct detector *detector, struct wall now)
{
    struct detect_result result = {.value = (double)NAN,
                                   .expected = (double)NAN,
                                   .low = (double)NAN,
                                   .high = (double)NAN,
                                   .since = {detector->last_ms}};
    double gap = (double)(now.ms - detector->last_ms), usual_gap = (double)detector->gap;
    if (detector->n <= GAP_WARM || usual_gap <= 0) {
        return result;
    }
    /* an exponential tail beyond the usual: exact for arrivals by chance, and three
     * missing points of a regular series are enough */
    double scale = (double)detector->gap_deviation + 0.25 * usual_gap;
    double off = (gap - usual_gap) / scale;
    bool is_longest = gap > 1.25 * (double)detector->longest_gap;
    result.surprise = off > 0 && is_longest ? off / log(10) : 0;
    result.score = result.surprise / (SCORE_HALF + result.surprise);
    result.is_alarm = result.is_anomalous = result.surprise > DETECT_ALARM;
    result.kind = result.is_alarm ? DETECT_SILENCE : DETECT_NONE;
    return result;
}

struct detect_result detect_step(struct detector *detector, struct wall at, double value)
{
    struct detect_result result = {.value = value,
                                   .expected = (double)NAN,
                                   .low = (double)NAN,
                                   .high = (double)NAN,
                                   .since = at};
    struct look look = {0};
    if (!isfinite(value)) {
        return result;
    }
    if (detector->n == 0) {
        detector->origin = value;
    } else if (detector->step_ms == 0) {
        detector->step_ms = at.ms > detector->last_ms ? at.ms - detector->last_ms : 0;
    }
    if (detector->n > 0 && at.ms > detector->last_ms) {
        learn_gap(detector, (double)(at.ms - detector->last_ms));
    }
    double x = value - detector->origin;
    double scale = detector->deviation + 1e-9 * fabs(value) + TINY;
    struct hour hour = hour_of(detector, at);
    look_at_window(detector, x, scale, &look);
    look_at_drift(detector, x, scale, &look);
    look_at_season(detector, &hour, x, scale, &look);
    look_at_range(detector, x, &look);
    judge(detector, &look, x, &result);
    result.low = look.low + detector->origin;
    result.high = look.high + detector->origin;
    result.expected = (result.low + result.high) / 2;
    if (hour.is_learned) {
        int cap = SLOT_ROUNDS * hour.per_slot;
        learn_slot(detector, hour.day, cap, x);
        learn_slot(detector, hour.week, cap, x);
    }
    double rate = detector->n < 100 ? rate_at(detector->n, 0) : LEVEL_RATE;
    detector->level += rate * (x - detector->level);
    detector->deviation += rate * (fabs(x - detector->level) - detector->deviation);
    detector->last_ms = at.ms > detector->last_ms ? at.ms : detector->last_ms;
    detector->n++;
    return result;
}
