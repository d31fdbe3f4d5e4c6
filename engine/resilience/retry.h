/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_RETRY_H
#define SIGNALBOX_RESILIENCE_RETRY_H

/*
 * Retry: a budget for repetitions, shared by all callers of a service, and the pause
 * between them.
 *
 * Budget: as in Finagle's RetryBudget (finagle.github.io/blog/2016/02/08/retry-budgets)
 * each call pays in `percent` of a repetition and each repetition takes a whole one, on
 * top of RETRY_FLOOR in RETRY_FLOOR_TIME; here only calls that succeeded pay, as in gRPC
 * (proposal A6, "Throttling Retry Attempts and Hedged RPCs"), so that a dead service
 * leaves the floor alone. The balance never exceeds RETRY_MAX. Hedges take from it, too.
 *
 * Pause: decorrelated jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture
 * Blog 2015): uniform between the shortest pause and three times the one before, capped.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/rng.h"

#define RETRY_FLOOR      10
#define RETRY_FLOOR_TIME ((struct span){10000})
#define RETRY_MAX        100

struct retry {
    int percent;          /* 0: never repeat */
    int64_t balance;      /* of paid repetitions, in hundredths */
    struct wall floor_at; /* begin of this RETRY_FLOOR_TIME */
    int n_floor;          /* taken from its floor */
    int64_t n_repeats;    /* in all */
};

void retry_init(struct retry *retry, int percent);
void retry_succeeded(struct retry *retry);
/* May a call be repeated? Takes one when it may. */
bool retry_take(struct retry *retry, struct wall now);
/* 100: at least RETRY_FLOOR may be made now; 0: none. */
int retry_left_percent(const struct retry *retry, struct wall now);

/* The next pause; `before` is the last one, 0 the first time. */
struct span backoff_next(struct span before, struct span min, struct span max,
                         struct rng *rng);

#endif
