/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_RATE_H
#define SIGNALBOX_RESILIENCE_RATE_H

/*
 * Rate: when the next call to a service is allowed.
 *
 * Four things are asked, and the latest moment that any of them names counts:
 *   - our own limits: `rate` calls in rate_time, `create_rate` creating calls in
 *     create_time. A window of slices, so that no stretch of that length ever holds more;
 *   - the quota that the service tells with each answer (x-ratelimit-limit, -remaining,
 *     -reset, -resource; docs.github.com "Rate limits for the REST API"). Between answers
 *     each call is taken off. The last reserve_percent are kept for operators;
 *   - the pause between writes (docs.github.com "Best practices for using the REST API":
 *     at least one second between mutations);
 *   - a hold: what the service asked for with Retry-After, or the rule for its secondary
 *     limit: retry-after, else the reset when nothing remains, else a minute that doubles
 *     with each time in a row. It is for all callers, the operator's too.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/resilience/settings.h"

#define RATE_SLICES   16
#define RATE_HOLD_MAX ((struct span){2 * 3600 * 1000})

/* At most `max` in any `time`; max 0: no limit. */
struct rate_window {
    int max;
    int64_t slice_ms;
    int64_t slice_at;
    int counts[RATE_SLICES];
    int n;
};

/* Each has a quota of its own at GitHub; services without resources have the first. */
enum rate_resource { RATE_CORE, RATE_GRAPHQL, RATE_SEARCH, RATE_RESOURCE_COUNT };

struct rate_quota {
    int64_t limit, remaining; /* limit 0 = not told yet */
    struct wall reset_at;
};

struct rate {
    struct rate_window all, creates;
    struct rate_quota quotas[RATE_RESOURCE_COUNT];
    int reserve_percent;
    struct span write_pause;
    struct wall write_at; /* of the last write */
    struct wall hold;     /* not before */
    int n_limited;        /* secondary limits in a row */
};

/* What an answer says. Values as they came, NULL = no such header. */
struct rate_answer {
    int status;
    const char *limit, *remaining, *reset, *resource, *retry_after;
    const char *body; /* "" */
};

struct rate_call {
    enum rate_resource resource;
    bool is_write, is_create, is_operators;
};

void rate_init(struct rate *rate, const struct gate_settings *settings);
/* The earliest moment for such a call; <= now: at once. */
struct wall rate_at(const struct rate *rate, const struct rate_call *call,
                    struct wall now);
void rate_take(struct rate *rate, const struct rate_call *call, struct wall now);
/* The call took nothing of the quota after all (304). */
void rate_give_back(struct rate *rate, enum rate_resource resource);
/* Reads what the answer says. True when it is "not now" (429, or 403 for a limit): then the
 * call was not performed, and the hold says when it may be repeated. */
bool rate_told(struct rate *rate, const struct rate_answer *answer, struct wall now);
/* Calls that create and are left in this window; -1 = no limit. */
int rate_creates_left(const struct rate *rate, struct wall now);
enum rate_resource rate_resource_of(const char *url);

/* Seconds, or a date of RFC 9110 5.6.7 (IMF-fixdate); false when it is neither. At most
 * RATE_HOLD_MAX from now. */
bool rate_retry_after(const char *value, struct wall now, struct wall *ret_at);

#endif
