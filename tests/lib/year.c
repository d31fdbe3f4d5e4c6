/* SPDX-License-Identifier: MIT */
#include "tests/lib/year.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/compiler.h"

#define HOUR 60
#define DAY  (24 * HOUR)
#define PI   3.14159265358979323846

const char *fault_word(enum fault_kind kind)
{
    static const char *const words[] = {
#define X(id, word) [id] = word,
        FAULT_LIST(X)
#undef X
    };
    return words[kind];
}

/* ---- chance ---------------------------------------------------------------------------- */

static double uniform(struct rng *rng, double low, double high)
{
    return low + (high - low) * rng_unit(rng);
}

static double log_uniform(struct rng *rng, double low, double high)
{
    return exp(uniform(rng, log(low), log(high)));
}

static double normal(struct rng *rng)
{
    double u = 1 - rng_unit(rng);
    return sqrt(-2 * log(u)) * cos(2 * PI * rng_unit(rng));
}

/* Student's t: nu > 2; scaled to variance 1. 0 = normal. */
static double heavy(struct rng *rng, double nu)
{
    if (nu <= 0) {
        return normal(rng);
    }
    double sum = 0;
    int n = (int)nu;
    for (int i = 0; i < n; i++) {
        double x = normal(rng);
        sum += x * x;
    }
    return normal(rng) / sqrt(sum / n) * sqrt((n - 2.0) / n);
}

static double poisson(struct rng *rng, double mean)
{
    if (mean > 50) {
        double x = floor(mean + sqrt(mean) * normal(rng) + 0.5);
        return x > 0 ? x : 0;
    }
    double limit = exp(-mean), product = rng_unit(rng);
    int n = 0;
    while (product > limit) {
        product *= rng_unit(rng);
        n++;
    }
    return n;
}

/* ---- series ---------------------------------------------------------------------------- */

static const struct {
    enum shape shape;
    int n;
    const char *name, *component;
} mix[] = {
    {SHAPE_LATENCY, 40, "service_latency_seconds",        "service:s"   },
    {SHAPE_ERRORS,  20, "service_error_ratio",            "service:s"   },
    {SHAPE_COUNT,   30, "service_calls_total",            "service:s"   },
    {SHAPE_SUCCESS, 10, "workflow_success_ratio",         "repo:/srv/r" },
    {SHAPE_CPU,     20, "host_cpu_used_ratio",            "host"        },
    {SHAPE_MEMORY,  15, "engine_memory_bytes",            "engine"      },
    {SHAPE_DISK,    10, "disk_used_ratio",                "host"        },
    {SHAPE_QUOTA,   10, "service_quota_left",             "service:s"   },
    {SHAPE_QUEUE,   15, "workflow_queued",                "engine"      },
    {SHAPE_RARE,    10, "error_fingerprint_total",        "repo:/srv/r" },
    {SHAPE_BREAKER, 10, "service_breaker_open",           "service:s"   },
    {SHAPE_AGE,     10, "workflow_time_in_state_seconds", "state:CODING"},
};

static void make_series(struct year *year, int i, int which, int number)
{
    struct year_series *s = &year->series[i];
    struct rng *rng = &year->rng;
    static const double tails[] = {0, 0, 0, 5, 3};
    double pick = rng_unit(rng);
    *s = (struct year_series){.shape = mix[which].shape, .fault = -1};
    snprintf(s->name, sizeof(s->name), "%s", mix[which].name);
    snprintf(s->labels, sizeof(s->labels), "id=\"%d\"", number);
    snprintf(s->component, sizeof(s->component), "%s%.0d", mix[which].component,
             strchr("sr", mix[which].component[strlen(mix[which].component) - 1]) != NULL
                 ? number % 12 + 1
                 : 0);
    s->step = pick < 0.15 ? 1 : pick < 0.9 ? 5 : 60;
    if (s->shape == SHAPE_QUOTA || s->shape == SHAPE_AGE || s->shape == SHAPE_QUEUE) {
        s->step = s->step > 5 ? 5 : s->step;
    }
    s->phase = (int)rng_below(rng, (uint64_t)s->step);
    s->base = log_uniform(rng, 0.05, 5);
    s->amplitude = uniform(rng, 0.1, 1.5);
    s->noise = log_uniform(rng, 0.04, 0.25);
    s->tail = tails[rng_below(rng, ARRAY_LEN(tails))];
    s->growth = uniform(rng, -0.1, 0.4);
    s->peak_hour = uniform(rng, 9, 17);
    s->weekend = uniform(rng, 0.1, 0.9);
    s->state[0] = uniform(rng, 0.2, 1); /* a size of its own */
    s->state[1] = uniform(rng, 0, 1);
    for (size_t k = 0; k < ARRAY_LEN(s->ring); k++) {
        s->ring[k] = true;
    }
}

/* 0 at night and on most week ends, 1 at the peak of a working day. */
static double load_at(const struct year_series *s, int64_t minute)
{
    double hour = (double)(minute % DAY) / HOUR;
    int64_t weekday = (minute / DAY + 3) % 7; /* 0 = Sunday; day 0 is a Wednesday */
    double off = fabs(hour - s->peak_hour);
    off = off > 12 ? 24 - off : off;
    double shape = exp(-off * off / 32);
    return shape * (weekday == 0 || weekday == 6 ? 1 - s->weekend : 1);
}

/* ---- faults ---------------------------------------------------------------------------- */

static const struct {
    enum shape shapes[4];
    int n_shapes;
    double size_low, size_high;
    double hours_low, hours_high;
} plans[FAULT_COUNT] = {
    [FAULT_LATENCY] = {{SHAPE_LATENCY},                            1, 1.8,  5,     2,   24}, /* times */
    [FAULT_ERRORS] = {{SHAPE_ERRORS},                             1, 0.1,  0.7,   0.5, 3 }, /* share of calls */
    [FAULT_SILENCE] = {{SHAPE_LATENCY, SHAPE_COUNT, SHAPE_ERRORS}, 3, 1,    1,     2,   12},
    [FAULT_ZERO] = {{SHAPE_COUNT},                              1, 1,    1,     1,   8 },
    [FAULT_VARIANCE] = {{SHAPE_LATENCY, SHAPE_CPU},                 2, 3.5,  8,     6,   36}, /* times */
    [FAULT_LEAK] = {{SHAPE_MEMORY},                             1, 8,    20,    12,  72}, /* deviations at its end */
    [FAULT_SEASON] =
        {{SHAPE_COUNT, SHAPE_CPU},                   2, 1,    1,     24,  48}, /* as on a Sunday night */
    [FAULT_RARE] = {{SHAPE_RARE},                               1, 0.5,  4,     1,   4 }, /* events a point */
    [FAULT_DISK] = {{SHAPE_DISK},                               1, 0.95, 0.995, 6,   48}, /* where it ends */
    [FAULT_QUOTA] = {{SHAPE_QUOTA},                              1, 3,    8,     3,   12}, /* times the use */
    [FAULT_QUEUE] = {{SHAPE_QUEUE},                              1, 1,    1,     1,   8 },
    [FAULT_SUCCESS] = {{SHAPE_SUCCESS},                            1, 0.2,  0.75,  4,   24}, /* chance of success */
    [FAULT_FLAPPING] = {{SHAPE_BREAKER},                            1, 2,    5,     1,   6 }, /* points of a turn */
    [FAULT_STUCK] = {{SHAPE_AGE},                                1, 1,    1,     8,   36},
    [FAULT_CPU] = {{SHAPE_CPU},                                1, 0.94, 0.995, 1,   8 },
};

static bool can_have(enum fault_kind kind, enum shape shape)
{
    for (int i = 0; i < plans[kind].n_shapes; i++) {
        if (plans[kind].shapes[i] == shape) {
            return true;
        }
    }
    return false;
}

/* One fault a series in some 40 days, kinds of a shape in turn by chance. */
static void plan_faults(struct year *year)
{
    struct rng *rng = &year->rng;
    for (int i = 0; i < YEAR_SERIES; i++) {
        struct year_series *s = &year->series[i];
        int64_t at = YEAR_QUIET_DAYS * DAY + (int64_t)uniform(rng, 0, 40.0 * DAY);
        enum fault_kind kinds[FAULT_COUNT];
        int n = 0;
        for (int k = 0; k < FAULT_COUNT; k++) {
            if (can_have((enum fault_kind)k, s->shape)) {
                kinds[n++] = (enum fault_kind)k;
            }
        }
        year->next[i] = -1;
        while (at < year->minutes - 4 * DAY && year->n_faults < YEAR_FAULTS_MAX) {
            enum fault_kind kind = kinds[rng_below(rng, (uint64_t)n)];
            double hours =
                log_uniform(rng, plans[kind].hours_low, plans[kind].hours_high);
            int64_t length = (int64_t)(hours * HOUR);
            int64_t least = 12 * s->step;
            if (kind == FAULT_SEASON) { /* from midnight of a working day */
                at = at / DAY * DAY;
                while ((at / DAY + 3) % 7 == 0 || (at / DAY + 3) % 7 >= 5) {
                    at += DAY;
                }
            }
            struct fault *fault = &year->faults[year->n_faults];
            *fault = (struct fault){
                .kind = kind,
                .series = i,
                .begin = at,
                .end = at + (length > least ? length : least),
                .size = log_uniform(rng, plans[kind].size_low, plans[kind].size_high),
                .scale = kind == FAULT_VARIANCE ? 12 * s->step : 0};
            if (year->next[i] < 0) {
                year->next[i] = year->n_faults;
            }
            year->n_faults++;
            at = fault->end + 4 * DAY + (int64_t)uniform(rng, 0, 70.0 * DAY);
        }
    }
}

/* ---- values ---------------------------------------------------------------------------- */

struct value {
    double clean, faulty, deviation; /* deviation: of the noise, now */
};

static struct value latency_at(struct year *year, struct year_series *s, double load,
                               const struct fault *fault)
{
    struct value v;
    double wide = fault != NULL && fault->kind == FAULT_VARIANCE ? fault->size : 1;
    double middle = s->base * (1 + s->amplitude * load) * (1 + s->level * s->noise);
    double noise = s->noise * heavy(&year->rng, s->tail) + s->drift;
    v.clean = middle * exp(noise);
    v.faulty = middle * exp(noise * wide);
    v.faulty *= fault != NULL && fault->kind == FAULT_LATENCY ? fault->size : 1;
    v.deviation = middle * s->noise * 1.15;
    return v;
}

static struct value errors_at(struct year *year, struct year_series *s, double load,
                              const struct fault *fault)
{
    struct value v;
    double n = 20 + poisson(&year->rng, 400 * s->state[0] * (0.1 + load));
    double p = 0.002 + 0.015 * s->state[1];
    v.clean = fmin(poisson(&year->rng, n * p), n) / n;
    v.faulty = fault != NULL && fault->kind == FAULT_ERRORS
                   ? fmin(v.clean + fmin(poisson(&year->rng, n * fault->size), n) / n, 1)
                   : v.clean;
    v.deviation = sqrt(p / n) + 0.001;
    return v;
}

static struct value count_at(struct year *year, struct year_series *s, double load,
                             const struct fault *fault)
{
    struct value v;
    double scale = 600 * s->state[0] * s->step / 5;
    double mean = scale * (0.15 + load) * (1 + s->level * s->noise * 0.5) * exp(s->drift);
    v.clean = poisson(&year->rng, mean);
    v.faulty = v.clean;
    if (fault != NULL && fault->kind == FAULT_ZERO) {
        v.faulty = 0;
    } else if (fault != NULL && fault->kind == FAULT_SEASON) {
        v.faulty = poisson(&year->rng, scale * 0.15 * exp(s->drift));
    }
    v.deviation = sqrt(mean + 1) + mean * s->noise * 0.3;
    v.clean /= s->step * 60;
    v.faulty /= s->step * 60;
    v.deviation /= s->step * 60;
    return v;
}

/* Of the last 100 pieces of work. */
static struct value success_at(struct year *year, struct year_series *s, double load,
                               const struct fault *fault)
{
    struct value v;
    double p = 0.96 + 0.03 * s->state[1];
    int n = (int)poisson(&year->rng, s->step * (0.1 + 2 * load));
    for (int i = 0; i < n; i++) {
        double chance = fault != NULL && fault->kind == FAULT_SUCCESS ? fault->size : p;
        s->ring[s->ring_at] = rng_unit(&year->rng) < chance;
        s->ring_at = (s->ring_at + 1) % 100;
    }
    int good = 0;
    for (int i = 0; i < 100; i++) {
        good += s->ring[i];
    }
    v.clean = p;
    v.faulty = good / 100.0;
    v.deviation = sqrt(p * (1 - p) / 100);
    if (fault == NULL) {
        v.clean = v.faulty;
    }
    return v;
}

static struct value cpu_at(struct year *year, struct year_series *s, double load,
                           const struct fault *fault)
{
    struct value v;
    double usual = 0.1 + 0.15 * s->state[0] + 0.35 * load * s->amplitude / 1.5;
    double width = 0.03 + 0.1 * s->noise;
    double noise = width * heavy(&year->rng, s->tail) + 0.3 * s->drift;
    bool is_job = rng_unit(&year->rng) < 0.0005 * s->step; /* a short one of its own */
    double wide = fault != NULL && fault->kind == FAULT_VARIANCE ? fault->size : 1;
    double seen =
        fault != NULL && fault->kind == FAULT_SEASON ? 0.1 + 0.15 * s->state[0] : usual;
    v.clean = usual + noise + (is_job ? 0.25 : 0);
    v.faulty = seen + noise * wide + (is_job ? 0.25 : 0);
    if (fault != NULL && fault->kind == FAULT_CPU) {
        v.faulty = fault->size + 0.01 * normal(&year->rng);
    }
    v.clean = fmin(fmax(v.clean, 0.005), 1);
    v.faulty = fmin(fmax(v.faulty, 0.005), 1);
    v.deviation = width;
    return v;
}

/* Grows until the weekly restart. */
static struct value memory_at(struct year *year, struct year_series *s, int64_t minute,
                              const struct fault *fault)
{
    struct value v;
    double size = 2e9 * s->state[0];
    double since =
        (double)((minute + (int64_t)(s->state[1] * 7 * DAY)) % (7 * DAY)) / (7.0 * DAY);
    double width = size * 0.02;
    v.clean = size * (1 + 0.1 * since) * (1 + 0.02 * s->level) +
              width * heavy(&year->rng, s->tail) + width * s->drift * 3;
    v.faulty = v.clean;
    if (fault != NULL && fault->kind == FAULT_LEAK) {
        v.faulty += width * fault->size * (double)(minute - fault->begin) /
                    (double)(fault->end - fault->begin);
    }
    v.deviation = width;
    return v;
}

/* Fills by day, is cleaned by night; a slow trend that somebody undoes each month. */
static struct value disk_at(struct year *year, const struct year_series *s,
                            int64_t minute, const struct fault *fault)
{
    struct value v;
    double month = (double)((minute + (int64_t)(s->state[1] * 30 * DAY)) % (30 * DAY)) /
                   (30.0 * DAY);
    double day = (double)(minute % DAY) / DAY;
    v.clean =
        0.3 + 0.2 * s->state[0] + 0.08 * month + 0.03 * day + 0.002 * normal(&year->rng);
    v.faulty = v.clean;
    if (fault != NULL && fault->kind == FAULT_DISK) {
        double way =
            (double)(minute - fault->begin) / (double)(fault->end - fault->begin);
        v.faulty += (fault->size - v.clean) * fmin(1, way * 1.25);
    }
    v.deviation = 0.01;
    return v;
}

/* Left of 5000 an hour. */
static struct value quota_at(struct year *year, struct year_series *s, int64_t minute,
                             double load, const struct fault *fault)
{
    struct value v;
    double a_minute = 5000.0 / HOUR * (0.02 + 0.2 * load * s->state[0]);
    double times = fault != NULL && fault->kind == FAULT_QUOTA ? fault->size : 1;
    if (minute % HOUR < s->step) {
        s->state[2] = s->state[3] = 5000;
    }
    double use = poisson(&year->rng, a_minute * s->step);
    s->state[2] = fmax(s->state[2] - use, 0);
    s->state[3] = fmax(s->state[3] - use * times, 0);
    v.clean = s->state[2];
    v.faulty = s->state[3];
    v.deviation = 0.25 * (5000 - s->state[2]) + 50;
    return v;
}

/* Arrivals by the hour of the day, served by enough hands, unless they stand still. */
static struct value queue_at(struct year *year, struct year_series *s, double load,
                             const struct fault *fault)
{
    struct value v;
    double in = poisson(&year->rng, s->step * (0.1 + 2 * load * s->state[0]));
    double out = poisson(&year->rng, s->step * (0.3 + 2.8 * load * s->state[0]));
    bool is_still = fault != NULL && fault->kind == FAULT_QUEUE;
    s->state[2] = fmax(s->state[2] + in - out, 0);
    s->state[3] =
        is_still ? s->state[3] + in : fmax(s->state[3] + in - 3 * out, s->state[2]);
    v.clean = s->state[2];
    v.faulty = s->state[3];
    v.deviation = 4 + sqrt(s->step * 2.0);
    return v;
}

static struct value rare_at(struct year *year, const struct year_series *s,
                            const struct fault *fault)
{
    struct value v;
    v.clean = poisson(&year->rng, 0.0015 * s->state[0] * s->step);
    v.faulty = v.clean;
    if (fault != NULL && fault->kind == FAULT_RARE) {
        v.faulty += poisson(&year->rng, fault->size);
    }
    v.deviation = 0.3;
    return v;
}

/* A service that is down for one point now and then is usual. */
static struct value breaker_at(struct year *year, const struct year_series *s,
                               int64_t minute, const struct fault *fault)
{
    struct value v;
    v.clean = rng_unit(&year->rng) < (double)s->step / (45.0 * DAY) ? 1 : 0;
    v.faulty = v.clean;
    if (fault != NULL && fault->kind == FAULT_FLAPPING) {
        int64_t turn = (int64_t)(fault->size * s->step);
        v.faulty = (double)((minute - fault->begin) / turn % 2 == 0);
    }
    v.deviation = 0.3;
    return v;
}

/* Age of the oldest piece of work: ends by chance. */
static struct value age_at(struct year *year, struct year_series *s,
                           const struct fault *fault)
{
    struct value v;
    double mean = 20 + 60 * s->state[0]; /* minutes */
    bool is_stuck = fault != NULL && fault->kind == FAULT_STUCK;
    s->state[2] += s->step;
    s->state[3] += s->step;
    if (rng_unit(&year->rng) < 1 - exp(-s->step / mean)) {
        s->state[2] = uniform(&year->rng, 0, s->step);
        s->state[3] = is_stuck ? s->state[3] : s->state[2];
    }
    v.clean = s->state[2] * 60;
    v.faulty = s->state[3] * 60;
    v.deviation = mean * 60;
    return v;
}

static struct value value_at(struct year *year, struct year_series *s, int64_t minute,
                             const struct fault *fault)
{
    double grown = 1 + s->growth * (double)minute / (365.0 * DAY);
    double load = load_at(s, minute) * grown;
    switch (s->shape) {
    case SHAPE_LATENCY:
        return latency_at(year, s, load, fault);
    case SHAPE_ERRORS:
        return errors_at(year, s, load, fault);
    case SHAPE_COUNT:
        return count_at(year, s, load, fault);
    case SHAPE_SUCCESS:
        return success_at(year, s, load, fault);
    case SHAPE_CPU:
        return cpu_at(year, s, load, fault);
    case SHAPE_MEMORY:
        return memory_at(year, s, minute, fault);
    case SHAPE_DISK:
        return disk_at(year, s, minute, fault);
    case SHAPE_QUOTA:
        return quota_at(year, s, minute, load, fault);
    case SHAPE_QUEUE:
        return queue_at(year, s, load, fault);
    case SHAPE_RARE:
        return rare_at(year, s, fault);
    case SHAPE_BREAKER:
        return breaker_at(year, s, minute, fault);
    default:
        return age_at(year, s, fault);
    }
}

/* ---- the world ------------------------------------------------------------------------- */

void year_init(struct year *year, uint64_t seed, int days)
{
    int i = 0;
    memset(year, 0, sizeof(*year));
    rng_init(&year->rng, seed);
    year->minutes = (int64_t)days * DAY;
    for (size_t which = 0; which < ARRAY_LEN(mix); which++) {
        for (int k = 0; k < mix[which].n; k++) {
            make_series(year, i++, (int)which, k);
        }
    }
    plan_faults(year);
}

void year_minute(struct year *year, int64_t minute)
{
    struct rng *rng = &year->rng;
    if (rng_unit(rng) < 1.0 / (20.0 * DAY)) { /* the host is started again */
        year->host_gap_until = minute + 3 + (int64_t)rng_below(rng, 12);
        year->n_gaps++;
    }
    if (rng_unit(rng) < 1.0 / (3.0 * DAY)) { /* a deploy moves a few series a little */
        for (int k = 0; k < 5; k++) {
            struct year_series *s = &year->series[rng_below(rng, YEAR_SERIES)];
            s->level = uniform(rng, -1, 1);
        }
        year->n_deploys++;
    }
}

/* The fault of this moment, or NULL. */
static struct fault *fault_at(struct year *year, int i, int64_t minute)
{
    int k = year->next[i];
    while (k >= 0 && minute >= year->faults[k].end) {
        k = k + 1 < year->n_faults && year->faults[k + 1].series == i ? k + 1 : -1;
    }
    year->next[i] = k;
    return k >= 0 && minute >= year->faults[k].begin ? &year->faults[k] : NULL;
}

static bool is_gap(struct year *year, struct year_series *s, int64_t minute)
{
    if (minute < s->gap_until || minute < year->host_gap_until) {
        return true;
    }
    if (rng_unit(&year->rng) < s->step / (10.0 * DAY)) { /* a scrape fails, or three */
        s->gap_until = minute + 1 + (int64_t)rng_below(&year->rng, 3) * s->step;
        year->n_gaps++;
        return true;
    }
    return false;
}

bool year_point(struct year *year, int i, int64_t minute, int64_t *ret_ms,
                double *ret_value)
{
    struct year_series *s = &year->series[i];
    if (minute % s->step != s->phase) {
        return false;
    }
    struct fault *fault = fault_at(year, i, minute);
    s->drift = 0.9 * s->drift + 0.3 * s->noise * 0.5 * normal(&year->rng);
    struct value v = value_at(year, s, minute, fault);
    if (fault != NULL && fault->scale == 0) {
        if (fault->kind == FAULT_SILENCE || fabs(v.faulty - v.clean) > 3 * v.deviation) {
            int64_t after = minute - fault->begin;
            fault->scale = after > s->step ? after : s->step;
        }
    }
    if (is_gap(year, s, minute) || (fault != NULL && fault->kind == FAULT_SILENCE)) {
        return false;
    }
    *ret_ms = YEAR_START_MS + minute * YEAR_MINUTE_MS;
    if (rng_unit(&year->rng) < s->step / (60.0 * DAY)) { /* a clock that is set back */
        *ret_ms -= (int64_t)uniform(&year->rng, 1, 90.0 * 60) * 1000;
        year->n_jumps++;
    }
    *ret_value = v.faulty;
    if (s->shape == SHAPE_COUNT) { /* read as a counter, whose rate is judged */
        double more = v.faulty * s->step * 60;
        bool is_reset = rng_unit(&year->rng) < s->step / (25.0 * DAY);
        double now = is_reset ? more * rng_unit(&year->rng) : s->last_count + more;
        double before = s->last_count;
        s->last_count = now;
        year->n_resets += is_reset;
        if (now < before) {
            return false; /* its rate is not known, as whoever collects counters says */
        }
        *ret_value = (now - before) / (s->step * 60);
    }
    return true;
}
