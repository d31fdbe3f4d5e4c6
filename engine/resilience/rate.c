/* SPDX-License-Identifier: MIT */
#include "engine/resilience/rate.h"

#include <errno.h>
#include <strings.h>

#include "engine/base/compiler.h"

static struct wall later(struct wall a, struct wall b)
{
    return a.ms > b.ms ? a : b;
}

/* ---- windows of our own ---------------------------------------------------------------
 */

static void window_init(struct rate_window *window, int max, struct span time)
{
    *window = (struct rate_window){.max = time.ms > 0 ? max : 0};
    /* All slices but one cover the time, so the one that is being filled is extra. */
    window->slice_ms = (time.ms + RATE_SLICES - 2) / (RATE_SLICES - 1);
    window->slice_ms = window->slice_ms > 0 ? window->slice_ms : 1;
}

static int slice_of(int64_t number)
{
    return (int)(number % RATE_SLICES);
}

/* Calls that still count at `now`. */
static int window_used(const struct rate_window *window, struct wall now)
{
    int64_t at = now.ms / window->slice_ms;
    int64_t steps = at - window->slice_at;
    int n = window->n;
    for (int64_t i = 1; i <= steps && i <= RATE_SLICES; i++) {
        n -= window->counts[slice_of(window->slice_at + i)];
    }
    return n;
}

static struct wall window_at(const struct rate_window *window, struct wall now)
{
    if (window->max <= 0 || window_used(window, now) < window->max) {
        return now;
    }
    int64_t at = now.ms / window->slice_ms;
    int64_t number = at > window->slice_at ? at : window->slice_at;
    for (int i = 1; i <= RATE_SLICES; i++) {
        struct wall then = {(number + i) * window->slice_ms};
        if (window_used(window, then) < window->max) {
            return then;
        }
    }
    return (struct wall){(number + RATE_SLICES) * window->slice_ms};
}

static void window_take(struct rate_window *window, struct wall now)
{
    int64_t at = now.ms / window->slice_ms;
    for (int64_t i = window->slice_at + 1; i <= at && i <= window->slice_at + RATE_SLICES;
         i++) {
        window->n -= window->counts[slice_of(i)];
        window->counts[slice_of(i)] = 0;
    }
    window->slice_at = at > window->slice_at ? at : window->slice_at;
    window->counts[slice_of(window->slice_at)]++;
    window->n++;
}

/* ---- what the service says ------------------------------------------------------------
 */

static bool read_number(const char *text, int64_t *ret_number)
{
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    while (*end == ' ') {
        end++;
    }
    if (errno != 0 || *end != '\0') {
        return false;
    }
    *ret_number = number;
    return true;
}

/* Days from 1970-01-01 of a date (Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms"). */
static int64_t days_from_date(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = y / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_date(const char *text, struct wall *ret_at)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int d = 0, y = 0, h = 0, min = 0, s = 0, end = 0;
    char month[4] = "";
    if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &d, month, &y,
               &h, &min, &s, &end) != 6 ||
        end == 0 || text[end] != '\0' || strlen(month) != 3) {
        return false;
    }
    const char *found = strstr(months, month);
    if (found == NULL || (found - months) % 3 != 0 || d < 1 || d > 31 || y < 1970 ||
        h > 23 || min > 59 || s > 60 || h < 0 || min < 0 || s < 0) {
        return false;
    }
    int m = (int)((found - months) / 3) + 1;
    ret_at->ms = ((days_from_date(y, m, d) * 24 + h) * 60 + min) * 60000 + s * 1000;
    return true;
}

static struct wall not_beyond(struct wall at, struct wall now)
{
    struct wall last = wall_add(now, RATE_HOLD_MAX);
    return at.ms > last.ms ? last : at;
}

bool rate_retry_after(const char *value, struct wall now, struct wall *ret_at)
{
    int64_t seconds = 0;
    struct wall at = {0};
    if (value == NULL) {
        return false;
    }
    if (read_number(value, &seconds)) {
        seconds = seconds < RATE_HOLD_MAX.ms / 1000 ? seconds : RATE_HOLD_MAX.ms / 1000;
        at = wall_add(now, span_s(seconds));
    } else if (!read_date(value, &at)) {
        return false;
    }
    *ret_at = not_beyond(later(at, now), now);
    return true;
}

static bool find_resource(const char *name, enum rate_resource *ret_resource)
{
    static const char *const names[] = {"core", "graphql", "search"};
    for (int i = 0; i < RATE_RESOURCE_COUNT; i++) {
        if (name == NULL || strcasecmp(name, names[i]) == 0) {
            *ret_resource = (enum rate_resource)i;
            return true;
        }
    }
    return false; /* one of those that none of our calls uses */
}

static void read_quota(struct rate *rate, const struct rate_answer *answer,
                       struct wall now)
{
    enum rate_resource resource = RATE_CORE;
    int64_t limit = 0, remaining = 0, reset = 0;
    if (!find_resource(answer->resource, &resource) ||
        !read_number(answer->remaining, &remaining) ||
        !read_number(answer->limit, &limit) || limit <= 0 || limit > INT32_MAX) {
        return;
    }
    struct rate_quota *quota = &rate->quotas[resource];
    struct wall reset_at = {0};
    if (read_number(answer->reset, &reset)) {
        /* Seconds since 1970; what can only be milliseconds is taken as such. */
        reset_at.ms = reset > (int64_t)100000000000 ? reset : reset * 1000;
        reset_at = not_beyond(reset_at, now);
        if (reset_at.ms <= now.ms) {
            return; /* of a period that is over: an answer from a cache */
        }
    }
    /* The newest answer is believed, though answers overtake each other: what that is
     * wrong by, at most the calls in flight, the next answer puts right, and the reserve
     * is larger. */
    quota->limit = limit;
    quota->remaining = remaining < limit ? remaining : limit;
    quota->reset_at = reset_at;
}

/* docs.github.com "Rate limits for the REST API", "Exceeding the rate limit". */
static bool is_limit(const struct rate_answer *answer)
{
    if (answer->status == 429) {
        return true;
    }
    return answer->status == 403 &&
           (answer->retry_after != NULL ||
            (answer->remaining != NULL && strcmp(answer->remaining, "0") == 0) ||
            (answer->body != NULL && strcasestr(answer->body, "rate limit") != NULL));
}

bool rate_told(struct rate *rate, const struct rate_answer *answer, struct wall now)
{
    read_quota(rate, answer, now);
    struct wall at = {0};
    bool has_retry = rate_retry_after(answer->retry_after, now, &at);
    if (!is_limit(answer)) {
        if (answer->status >= 500 && has_retry) { /* RFC 9110 10.2.3 */
            rate->hold = later(rate->hold, at);
        }
        rate->n_limited = answer->status < 400 ? 0 : rate->n_limited;
        return false;
    }
    enum rate_resource resource = RATE_CORE;
    bool is_known = find_resource(answer->resource, &resource);
    const struct rate_quota *quota = &rate->quotas[resource];
    if (!has_retry && is_known && answer->remaining != NULL && quota->remaining == 0 &&
        quota->reset_at.ms > now.ms) {
        return true; /* the quota itself says when, and for this resource only */
    }
    if (!has_retry) {
        int doublings = rate->n_limited < 5 ? rate->n_limited : 5;
        at = wall_add(now, (struct span){(int64_t)60000 << doublings});
    }
    rate->n_limited++;
    rate->hold = later(rate->hold, not_beyond(at, now));
    return true;
}

/* ---- asking ----------------------------------------------------------------------------
 */

void rate_init(struct rate *rate, const struct gate_settings *settings)
{
    *rate = (struct rate){.reserve_percent = settings->reserve_percent,
                          .write_pause = settings->write_pause};
    window_init(&rate->all, settings->rate, settings->rate_time);
    window_init(&rate->creates, settings->create_rate, settings->create_time);
}

static struct wall quota_at(const struct rate *rate, const struct rate_call *call,
                            struct wall now)
{
    const struct rate_quota *quota = &rate->quotas[call->resource];
    int64_t reserve = call->is_operators ? 0 : quota->limit * rate->reserve_percent / 100;
    bool is_spent = quota->limit > 0 && quota->remaining <= reserve;
    return is_spent && quota->reset_at.ms > now.ms ? quota->reset_at : now;
}

struct wall rate_at(const struct rate *rate, const struct rate_call *call,
                    struct wall now)
{
    struct wall at = later(now, rate->hold);
    at = later(at, window_at(&rate->all, now));
    at = later(at, quota_at(rate, call, now));
    if (call->is_create) {
        at = later(at, window_at(&rate->creates, now));
    }
    if (call->is_write && wall_is_set(rate->write_at)) {
        at = later(at, wall_add(rate->write_at, rate->write_pause));
    }
    return at;
}

void rate_take(struct rate *rate, const struct rate_call *call, struct wall now)
{
    struct rate_quota *quota = &rate->quotas[call->resource];
    window_take(&rate->all, now);
    if (call->is_create) {
        window_take(&rate->creates, now);
    }
    if (call->is_write) {
        rate->write_at = now;
    }
    if (quota->limit > 0 && now.ms >= quota->reset_at.ms) {
        quota->remaining = quota->limit; /* a new period, until an answer says more */
    }
    quota->remaining -= quota->remaining > 0;
}

void rate_give_back(struct rate *rate, enum rate_resource resource)
{
    struct rate_quota *quota = &rate->quotas[resource];
    quota->remaining += quota->remaining < quota->limit;
}

int rate_creates_left(const struct rate *rate, struct wall now)
{
    if (rate->creates.max <= 0) {
        return -1;
    }
    int left = rate->creates.max - window_used(&rate->creates, now);
    return left > 0 ? left : 0;
}

enum rate_resource rate_resource_of(const char *url)
{
    if (url == NULL) {
        return RATE_CORE;
    }
    if (strstr(url, "/graphql") != NULL) {
        return RATE_GRAPHQL;
    }
    return strncmp(url, "/search/", 8) == 0 ? RATE_SEARCH : RATE_CORE;
}
