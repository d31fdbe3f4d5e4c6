/* SPDX-License-Identifier: MIT */
#include "engine/resilience/retry.h"

void retry_init(struct retry *retry, int percent)
{
    *retry = (struct retry){.percent = percent};
}

void retry_succeeded(struct retry *retry)
{
    retry->balance += retry->percent;
    if (retry->balance > RETRY_MAX * 100) {
        retry->balance = RETRY_MAX * 100;
    }
}

static bool is_over(const struct retry *retry, struct wall now)
{
    return now.ms - retry->floor_at.ms >= RETRY_FLOOR_TIME.ms ||
           now.ms < retry->floor_at.ms;
}

bool retry_take(struct retry *retry, struct wall now)
{
    if (retry->percent <= 0) {
        return false;
    }
    if (is_over(retry, now)) {
        retry->floor_at = now;
        retry->n_floor = 0;
    }
    if (retry->n_floor < RETRY_FLOOR) {
        retry->n_floor++;
    } else if (retry->balance >= 100) {
        retry->balance -= 100;
    } else {
        return false;
    }
    retry->n_repeats++;
    return true;
}

int retry_left_percent(const struct retry *retry, struct wall now)
{
    if (retry->percent <= 0) {
        return 0;
    }
    int64_t left = is_over(retry, now) ? RETRY_FLOOR : RETRY_FLOOR - retry->n_floor;
    left += retry->balance / 100;
    return left >= RETRY_FLOOR ? 100 : (int)(left * 100 / RETRY_FLOOR);
}

struct span backoff_next(struct span before, struct span min, struct span max,
                         struct rng *rng)
{
    int64_t low = min.ms > 1 ? min.ms : 1;
    int64_t high = before.ms > low ? before.ms : low;
    high = high > INT64_MAX / 3 ? high : high * 3;
    int64_t pause = low + (int64_t)rng_below(rng, (uint64_t)(high - low) + 1);
    return (struct span){max.ms > 0 && pause > max.ms ? max.ms : pause};
}
