/* SPDX-License-Identifier: MIT */
#include "engine/monitor/detect_private.h"

#include <math.h>
#include <string.h>

/*
 * Chosen on structure: each stands in the middle of a plateau, found with the series cut at
 * several places, noise added and the other numbers shaken, and checked by cross-validation
 * over whole files.
 */
#define LEVEL_RATE    0.016 /* of the level and the deviation */
#define SLOW_RATE     0.04
#define NEAR_POINTS   60.0
#define FAR_POINTS    240.0
#define SAMENESS_RATE 0.008
#define FIRST_POINTS  100  /* that level and deviation are plain means of */
#define SCALE_SHARE   1e-4 /* of the value: the least deviation that counts as one */

#define TAIL_WARM   64 /* numbers that a tail learns from first */
#define TAIL_SHARE  0.1
#define TAIL_SHAPE  0.2 /* of the Pareto distribution */
#define TAIL_MEMORY 130.0
#define TAIL_PACE   0.015
#define TAIL_FLOOR  0.05 /* the least excess, in deviations: counting steps are no tail */
#define NUMBER_MAX  1e6

#define RANGE_WARM    150
#define RANGE_FORGETS 0.00018 /* of its width, a point */
#define RANGE_GROWS   4.0  /* widths at most, a point: one wild value does not blind it */
#define RANGE_SHARE   0.01 /* of the value: the least width */
#define RANGE_MAX     40.0 /* widths outside */
#define WILD          1e6  /* widths outside that are learned from, at most */
#define LARGEST       1e30 /* what is larger counts as this: a float holds its sums */
#define ORIGIN_MAX    1e15 /* beyond, differences from it would be lost */

#define RUN_DIGITS  0.5 /* for each value more that is equal */
#define RUN_FACTOR  1.5 /* of the longest row of equal values: no news yet */
#define RUN_MAX     12
#define RUN_FORGETS 0.0001F

#define SLOT_ROUNDS    10   /* days, or weeks, that a slot remembers */
#define SLOT_POINTS    25   /* of an hour that teach, at most: a slot remembers days */
#define WEEK_ROUNDS    2    /* weeks before the profile of the week is tried */
#define WEEK_GAIN      0.8F /* its error, of the day's, that makes it the better one */
#define WEEK_TRIED     200
#define ERROR_RATE     0.005
#define SEASONAL_SHARE 0.7F /* of the error of the level: the hour foretells it */
#define BAND_SHARE     0.2  /* of the deviation: as much wider is the band */
#define SPREAD_SHARE   0.02 /* of the deviation: the least spread of an hour */

#define EVENT_SHARE  0.05 /* of all points seen */
#define EVENT_FACTOR 0.3
#define SCORE_HALF   10.0 /* digits that score a half */
#define GAP_RATE     0.01
#define GAP_FORGETS  0.0001 /* of the longest, a point */
#define GAP_WARM     8
#define HOUR_MS      INT64_C(3600000)

_Static_assert(sizeof(struct detector) <= DETECTOR_BYTES_MAX, "a detector is small");

static const double range_weights[RANGE_COUNT] = {
    [RANGE_VALUE] = 30,
    [RANGE_SLOW] = 10,
    [RANGE_SEASON] = 20,
    [RANGE_HOUR] = 4,
};

void detect_init(struct detector *detector)
{
    memset(detector, 0, sizeof(*detector));
}

/* Rate that averages all of the first points, and then stays at `rate` (above 1/1000). */
static inline double rate_at(uint32_t n, double rate)
{
    if (n >= 1000) {
        return rate; /* saves a division */
    }
    double first = 1.0 / ((double)n + 1);
    return first > rate ? first : rate;
}

static inline double clamp(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

/* ---- rarity --------------------------------------------------------------------------- */

/* The first numbers give a threshold to begin with. */
static void learn_tail(struct detect_tail *tail, double x)
{
    tail->n++;
    tail->threshold += (float)((x - (double)tail->threshold) / tail->n);
    double off = fabs(x - (double)tail->threshold);
    tail->excess += (float)((off - (double)tail->excess) / tail->n);
    if (tail->n == TAIL_WARM) {
        tail->threshold += 1.5F * tail->excess;
        tail->excess = tail->excess > 0 ? tail->excess * 0.7F : 1e-9F;
    }
}

/* Digits of the points since the number was last as large; remembers it. */
static double return_digits(struct detector *detector, enum member member, double x)
{
    struct detect_record *records = detector->records[member];
    uint8_t n = detector->n_records[member];
    while (n > 0 && (double)records[n - 1].number <= x) {
        n--;
    }
    uint32_t age = n > 0 ? detector->n - records[n - 1].at : detector->n;
    n = n == DETECT_RECORDS ? DETECT_RECORDS - 1 : n; /* the least one makes room */
    records[n] = (struct detect_record){(float)x, detector->n};
    detector->n_records[member] = (uint8_t)(n + 1);
    return (double)log10f((float)age + 1);
}

static double rarity_of(struct detector *detector, enum member member, double number)
{
    struct detect_tail *tail = &detector->tails[member];
    double x = number < NUMBER_MAX ? number : NUMBER_MAX;
    if (tail->n < TAIL_WARM) {
        learn_tail(tail, x);
        return 0;
    }
    double threshold = (double)tail->threshold, mean = (double)tail->excess;
    double pace = TAIL_PACE * mean;
    if (x <= threshold) {
        tail->threshold = (float)(threshold - pace * TAIL_SHARE);
        return 0;
    }
    double excess = x - threshold;
    double scale = (mean > TAIL_FLOOR ? mean : TAIL_FLOOR) * (1 - TAIL_SHAPE);
    float beyond = (float)(1 + TAIL_SHAPE * excess / scale);
    double digits = -log10(TAIL_SHARE) + (double)log10f(beyond) / TAIL_SHAPE;
    tail->excess = (float)(mean + (excess - mean) / TAIL_MEMORY);
    tail->threshold = (float)(threshold + pace * (1 - TAIL_SHARE));
    double most = return_digits(detector, member, x);
    return digits < most ? digits : most;
}

/* ---- novelty -------------------------------------------------------------------------- */

static double novelty_of(struct detect_range *range, double x, double least_width)
{
    if (range->n++ == 0) {
        range->low = range->high = x;
        return 0;
    }
    bool is_warm = range->n > RANGE_WARM;
    double width = range->high - range->low, reach = (double)INFINITY, outside = 0;
    if (is_warm) {
        double by = RANGE_FORGETS * width;
        range->high -= by;
        range->low += by;
        width -= 2 * by;
        width = width > least_width ? width : least_width;
        width += TINY;
        reach = width > 2 * TINY ? RANGE_GROWS * width : reach;
    }
    if (x > range->high) {
        outside = x - range->high;
        range->high = outside < reach ? x : range->high + reach;
    } else if (x < range->low) {
        outside = range->low - x;
        range->low = outside < reach ? x : range->low - reach;
    }
    return !is_warm || outside <= 0      ? 0
           : outside < RANGE_MAX * width ? outside / width
                                         : RANGE_MAX;
}

static void look_at_range(struct detector *detector, enum range range, double x,
                          double least_width, struct look *look)
{
    look->novelty[range] =
        range_weights[range] * novelty_of(&detector->ranges[range], x, least_width);
}

/* ---- what is usual at this hour ------------------------------------------------------- */

struct hour {
    size_t day, week;
};

static struct hour hour_of(struct wall at)
{
    int64_t hours = at.ms / HOUR_MS - (at.ms % HOUR_MS < 0);
    int64_t day = hours % DETECT_DAY_SLOTS, week = hours % DETECT_WEEK_SLOTS;
    return (struct hour){(size_t)(day < 0 ? day + DETECT_DAY_SLOTS : day),
                         (size_t)(week < 0 ? week + DETECT_WEEK_SLOTS : week)};
}

/* A fast series is thinned out, so that a slot remembers days; looked at again now and then,
 * should the step change. */
static void learn_stride(struct detector *detector)
{
    double gap = (double)detector->gap > 1 ? (double)detector->gap : 1;
    double points = floor((double)HOUR_MS / gap + 0.5);
    double stride = clamp(ceil(points / SLOT_POINTS), 1, UINT16_MAX);
    detector->stride = (uint16_t)stride;
    detector->per_slot = (uint16_t)clamp(floor(points / stride), 1, SLOT_POINTS);
    detector->until_learn = 0;
}

static void learn_profile(struct detector *detector, struct hour hour, double x)
{
    if (detector->until_learn > 0) {
        detector->until_learn--;
        return;
    }
    detector->until_learn = detector->stride > 0 ? (uint16_t)(detector->stride - 1) : 0;
    int cap = SLOT_ROUNDS * (detector->per_slot > 0 ? detector->per_slot : 1);
    int n_day = detector->n_day[hour.day], n_week = detector->n_week[hour.week];
    struct detect_slot *day = &detector->day[hour.day];
    double rate = 1.0 / (n_day < cap ? n_day + 1 : cap);
    day->mean += (float)(rate * (x - (double)day->mean));
    day->deviation +=
        (float)(rate * (fabs(x - (double)day->mean) - (double)day->deviation));
    rate = 1.0 / (n_week < cap ? n_week + 1 : cap);
    detector->week[hour.week] += (float)(rate * (x - (double)detector->week[hour.week]));
    detector->n_day[hour.day] = (uint8_t)(n_day < UINT8_MAX ? n_day + 1 : n_day);
    detector->n_week[hour.week] = (uint8_t)(n_week < UINT8_MAX ? n_week + 1 : n_week);
}

/* False: this hour has not been seen yet. */
static bool usual(struct detector *detector, struct hour hour, double x,
                  struct detect_slot *ret)
{
    if (detector->n_day[hour.day] < 2 || detector->per_slot == 0) {
        return false;
    }
    *ret = detector->day[hour.day];
    if (detector->n_week[hour.week] < WEEK_ROUNDS * detector->per_slot) {
        return true;
    }
    double week = (double)detector->week[hour.week];
    double rate = rate_at(detector->n_error, ERROR_RATE);
    double by_day = fabs(x - (double)ret->mean), by_week = fabs(x - week);
    detector->day_error += (float)(rate * (by_day - (double)detector->day_error));
    detector->week_error += (float)(rate * (by_week - (double)detector->week_error));
    if (detector->n_error < WEEK_TRIED) {
        detector->n_error++;
    } else if (detector->week_error < WEEK_GAIN * detector->day_error) {
        ret->mean = (float)week;
        ret->deviation *= detector->week_error / detector->day_error;
    }
    return true;
}

/* ---- looking -------------------------------------------------------------------------- */

/*
 * Equal values in a row, beyond the longest row so far. Each counts by how seldom values are
 * equal here; a row that goes on becomes the usual thing.
 */
static void look_at_run(struct detector *detector, struct look *look)
{
    bool is_same = detector->n > 0 && look->x == newest(detector);
    double rate = rate_at(detector->n, SAMENESS_RATE);
    float run = (float)detector->run;
    detector->sameness += (float)(rate * (is_same - (double)detector->sameness));
    if (!is_same) {
        detector->run = 0;
        detector->longest_run *= 1 - RUN_FORGETS;
        detector->longest_run = run > detector->longest_run ? run : detector->longest_run;
        return;
    }
    detector->run++;
    double beyond = (double)run - RUN_FACTOR * (double)detector->longest_run;
    if (beyond > 3 * RUN_MAX) {
        detector->longest_run = run;
    } else if (beyond > 0 && detector->n > RANGE_WARM) {
        double each = -(double)log10f(detector->sameness);
        each = each < RUN_DIGITS ? each : RUN_DIGITS;
        look->stuck = each * (beyond < RUN_MAX ? beyond : RUN_MAX);
    }
}

static void look_at_window(struct detector *detector, struct look *look)
{
    double sum = 0;
    detector->window[detector->n % DETECT_WINDOW] = look->x;
    if (detector->n < DETECT_WINDOW) {
        return;
    }
    for (size_t i = 0; i < DETECT_WINDOW; i++) {
        sum += detector->window[i];
    }
    double off = fabs(sum / DETECT_WINDOW - detector->level);
    look->rarity[MEMBER_SHIFT] = rarity_of(detector, MEMBER_SHIFT, off / look->scale);
}

static void look_at_level(struct detector *detector, double least_width,
                          struct look *look)
{
    double x = look->x;
    detector->slow += rate_at(detector->n, SLOW_RATE) * (x - detector->slow);
    detector->near += rate_at(detector->n, 1 / NEAR_POINTS) * (x - detector->near);
    detector->far += rate_at(detector->n, 1 / FAR_POINTS) * (x - detector->far);
    if (detector->n > 1 / SLOW_RATE) {
        look_at_range(detector, RANGE_SLOW, detector->slow, least_width, look);
    }
    if (detector->n > (uint32_t)FAR_POINTS) {
        double number = fabs(detector->near - detector->far) / look->scale;
        look->rarity[MEMBER_DRIFT] = rarity_of(detector, MEMBER_DRIFT, number);
    }
}

static void look_at_season(struct detector *detector, struct hour hour, struct look *look)
{
    struct detect_slot slot;
    look->low = detector->level - 4 * look->scale;
    look->high = detector->level + 4 * look->scale;
    if (!usual(detector, hour, look->x, &slot)) {
        return;
    }
    double spread = (double)slot.deviation + SPREAD_SHARE * look->scale;
    double off = clamp((look->x - (double)slot.mean) / spread, -NUMBER_MAX, NUMBER_MAX);
    look->rarity[MEMBER_HOUR] = rarity_of(detector, MEMBER_HOUR, fabs(off));
    look_at_range(detector, RANGE_HOUR, off, 1e-3, look);
    detector->residuals[detector->n_residuals % DETECT_WINDOW] = (float)off;
    detector->n_residuals++;
    float sum = 0;
    for (size_t i = 0; i < DETECT_WINDOW; i++) {
        sum += detector->residuals[i];
    }
    double mean = (double)sum / DETECT_WINDOW;
    look->rarity[MEMBER_SEASON] = rarity_of(detector, MEMBER_SEASON, fabs(mean));
    look_at_range(detector, RANGE_SEASON, mean, 1e-3, look);
    double rate = rate_at(detector->n_residuals, ERROR_RATE);
    double by_hour = fabs(look->x - (double)slot.mean);
    double by_level = fabs(look->x - detector->level);
    detector->hour_error += (float)(rate * (by_hour - (double)detector->hour_error));
    detector->level_error += (float)(rate * (by_level - (double)detector->level_error));
    look->is_seasonal = detector->hour_error < SEASONAL_SHARE * detector->level_error;
    /* always about the hour's usual: the level follows what is wrong within a few hours, the
     * profile within days, and who is shown the band wants to know what it was before */
    double wide = 3 * ((double)slot.deviation + BAND_SHARE * look->scale);
    if (isfinite((double)slot.mean) && isfinite(wide)) {
        look->low = (double)slot.mean - wide;
        look->high = (double)slot.mean + wide;
    }
}

static void learn_level(struct detector *detector, double x)
{
    double rate = detector->n < FIRST_POINTS ? rate_at(detector->n, 0) : LEVEL_RATE;
    detector->level += rate * (x - detector->level);
    detector->deviation += rate * (fabs(x - detector->level) - detector->deviation);
}

/* ---- judging -------------------------------------------------------------------------- */

static double points_of(enum detect_kind kind)
{
    return kind == DETECT_SPIKE || kind == DETECT_RARE || kind == DETECT_NONE ? 0
           : kind == DETECT_DRIFT ? NEAR_POINTS
                                  : DETECT_WINDOW - 1;
}

/*
 * An event announces itself once: what follows scores as a share of its peak, and so passes
 * for an alarm of its own only when it is much worse.
 */
static double without_echo(struct detector *detector, double surprise,
                           struct detect_result *result)
{
    double length = EVENT_SHARE * detector->n;
    length = clamp(length, DETECT_EVENT_MIN, DETECT_EVENT_MAX);
    bool is_same = detector->alarm_at > 0 && detector->n - detector->alarm_at < length;
    if (!is_same) {
        if (surprise > DETECT_ALARM) {
            detector->alarm_at = detector->n;
            detector->peak = (float)surprise;
            result->is_alarm = result->is_anomalous = true;
        }
        return surprise;
    }
    result->is_anomalous = surprise > DETECT_ALARM || result->value < result->low ||
                           result->value > result->high;
    double peak = (double)detector->peak;
    double fresh = DETECT_ALARM * EVENT_FACTOR * surprise / peak;
    if (surprise > peak) {
        detector->peak = (float)surprise;
    }
    result->is_alarm = fresh > DETECT_ALARM;
    return fresh < surprise ? fresh : surprise;
}

/* The share of points of peace that reach a surprise, as measured: 3e-2 of them reach 2
 * digits, 3e-3 reach 4, 1e-3 reach 6. Beyond, as heavy a tail. */
static double chance_of(double surprise)
{
    double digits = surprise < 2 ? 0.8 * surprise : 1.6 + 3 * log10(surprise / 2);
    return pow(10, -digits);
}

static void judge(struct detector *detector, const struct look *look,
                  struct detect_result *result)
{
    static const enum detect_kind of_members[MEMBER_COUNT] = {
        [MEMBER_SHIFT] = DETECT_SHIFT,
        [MEMBER_DRIFT] = DETECT_DRIFT,
        [MEMBER_SEASON] = DETECT_SEASON,
        [MEMBER_HOUR] = DETECT_SEASON,
    };
    static const enum detect_kind of_ranges[RANGE_COUNT] = {
        [RANGE_VALUE] = DETECT_SPIKE,
        [RANGE_SLOW] = DETECT_DRIFT,
        [RANGE_SEASON] = DETECT_SEASON,
        [RANGE_HOUR] = DETECT_SEASON,
    };
    enum detect_kind evidence = DETECT_NONE;
    double rarity = 0, novelty = 0, most = 0;
    for (int i = 0; i < MEMBER_COUNT; i++) {
        if (look->rarity[i] > rarity) {
            rarity = most = look->rarity[i];
            evidence = of_members[i];
        }
    }
    for (int i = 0; i < RANGE_COUNT; i++) {
        novelty += look->novelty[i];
        if (look->novelty[i] > most) {
            most = look->novelty[i];
            evidence = of_ranges[i];
        }
    }
    evidence = look->stuck > most ? DETECT_FLAT : evidence;
    result->surprise = rarity + novelty + look->stuck;
    double score = without_echo(detector, result->surprise, result);
    result->score = score / (SCORE_HALF + score);
    result->chance = 1;
    if (result->surprise > DETECT_ALARM / 2) {
        result->chance = chance_of(result->surprise);
        result->kind = detect_kind_of(detector, look, evidence);
        double before = (double)detector->gap * points_of(result->kind);
        result->since.ms -= (int64_t)before;
    }
}

/* ---- intervals ------------------------------------------------------------------------ */

/* The second longest of all counts, and both forget slowly: a night without work is learned
 * from two of them, while one trouble does not hide the next. */
static void learn_gap(struct detector *detector, double gap)
{
    double rate = rate_at(detector->n - 1, GAP_RATE);
    double off = gap - (double)detector->gap;
    detector->gap += (float)(rate * off);
    detector->gap_deviation +=
        (float)(rate * (fabs(off) - (double)detector->gap_deviation));
    detector->longest_gap *= (float)(1 - GAP_FORGETS);
    detector->second_gap *= (float)(1 - GAP_FORGETS);
    if (gap > (double)detector->longest_gap) {
        detector->second_gap = detector->longest_gap;
        detector->longest_gap = (float)gap;
    } else if (gap > (double)detector->second_gap) {
        detector->second_gap = (float)gap;
    }
    if (detector->n == GAP_WARM || detector->n % 1024 == 0) {
        learn_stride(detector);
    }
}

static struct detect_result result_at(struct wall at, double value)
{
    return (struct detect_result){.value = value,
                                  .expected = (double)NAN,
                                  .low = (double)NAN,
                                  .high = (double)NAN,
                                  .since = at,
                                  .chance = 1};
}

struct detect_result detect_silence(const struct detector *detector, struct wall now)
{
    struct detect_result result =
        result_at((struct wall){detector->last_ms}, (double)NAN);
    double gap = (double)(now.ms - detector->last_ms), usual_gap = (double)detector->gap;
    if (detector->n <= GAP_WARM || usual_gap <= 0) {
        return result;
    }
    /* an exponential tail beyond the usual: exact for arrivals by chance, and three
     * missing points of a regular series are enough */
    double scale = (double)detector->gap_deviation + 0.25 * usual_gap;
    double off = (gap - usual_gap) / scale;
    bool is_longest = gap > 1.25 * (double)detector->second_gap;
    result.surprise = off > 0 && is_longest ? off / log(10) : 0;
    result.score = result.surprise / (SCORE_HALF + result.surprise);
    result.chance = pow(10, -result.surprise);
    result.is_alarm = result.is_anomalous = result.surprise > DETECT_ALARM;
    result.kind = result.is_alarm ? DETECT_SILENCE : DETECT_NONE;
    return result;
}

/* ---- a point -------------------------------------------------------------------------- */

/* What the members see: a value that is wild beyond measure would blind them for ever. */
static double tamed(const struct detector *detector, double x)
{
    const struct detect_range *range = &detector->ranges[RANGE_VALUE];
    double width = range->high - range->low;
    if (range->n <= RANGE_WARM || width <= 0) {
        return x;
    }
    return clamp(x, range->low - WILD * width, range->high + WILD * width);
}

struct detect_result detect_step(struct detector *detector, struct wall at, double value)
{
    struct detect_result result = result_at(at, value);
    struct look look = {0};
    if (!isfinite(value)) {
        return result;
    }
    if (detector->n == 0) {
        detector->origin = fabs(value) < ORIGIN_MAX ? value : 0;
        detector->last_ms = at.ms;
    } else if (at.ms > detector->last_ms) {
        learn_gap(detector, (double)(at.ms - detector->last_ms));
        detector->last_ms = at.ms;
    }
    struct hour hour = hour_of((struct wall){detector->last_ms});
    /* needed last, and the only parts that do not follow each other in memory */
    __builtin_prefetch(&detector->day[hour.day]);
    __builtin_prefetch(&detector->week[hour.week]);
    __builtin_prefetch(&detector->n_week[hour.week]);
    double size = fabs(detector->level + detector->origin);
    double least_width = RANGE_SHARE * size;
    look.x = tamed(detector, clamp(value, -LARGEST, LARGEST) - detector->origin);
    look.scale = detector->deviation + SCALE_SHARE * size + TINY;
    look_at_range(detector, RANGE_VALUE, look.x, least_width, &look);
    look_at_run(detector, &look);
    look_at_window(detector, &look);
    look_at_level(detector, least_width, &look);
    look_at_season(detector, hour, &look);
    result.low = look.low + detector->origin;
    result.high = look.high + detector->origin;
    result.expected = (look.low + look.high) / 2 + detector->origin;
    judge(detector, &look, &result);
    learn_profile(detector, hour, look.x);
    learn_level(detector, look.x);
    detector->n++;
    return result;
}
