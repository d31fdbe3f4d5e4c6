/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_BREAKER_H
#define SIGNALBOX_RESILIENCE_BREAKER_H

/*
 * Breaker: keeps calls away from a service that fails, until it has had time.
 *
 *            failures, share of failed or slow calls, no healthy host
 *   CLOSED ───────────────────────────────────────────────────────────► OPEN
 *     ▲                                                                │   ▲
 *     │ half_open_calls passed                 stay is over, or a probe │   │ a call failed, or
 *     └───────────────────────── HALF_OPEN ◄────────────────────────────┘   │ none ended within
 *                                    └──────────────────────────────────────┘ half_open_max
 *   An operator may hold it FORCED_OPEN, FORCED_CLOSED, DISABLED or METRICS (until a time,
 *   then FORCED_OPEN goes to HALF_OPEN and the others to CLOSED), or reset it.
 *
 * What counts. A failure is what says that the service is ill: no connection, a broken
 * one, no answer in time, 5xx (Envoy "Outlier detection": local origin errors and 5xx). An
 * answer that blames the request (4xx) shows that the service works, so it is a success
 * here, as in resilience4j's ignoreExceptions and Polly's ShouldHandle it is no failure.
 * 429 and the limits of GitHub that come as 403 are OUTCOME_NEUTRAL: the service lives and
 * says when to come back; gate.h makes all callers wait for that, which is exact, while
 * counting them as failures would close the way to calls of other limits, too, and try
 * again at a time that has nothing to do with the answer. Calls that were not sent or
 * given up are neutral, too. A 503 with Retry-After is a failure and extends the stay.
 *
 * Windows. BREAKER_CONSECUTIVE: `failures` in a row. BREAKER_COUNT: the last window_calls.
 * BREAKER_TIME: the last window_time, in BREAKER_SLICES slices (so that between 29/30 and
 * all of it counts). In a window `failures` is how many of them, and the shares count from
 * min_calls on (resilience4j minimumNumberOfCalls). Whatever is 0 is off.
 *
 * Stay in open: open * 2^(failed half-opens in a row), at most open_max, and then up to
 * jitter_percent more. A breaker that probes alone closed, and that opens before a real call
 * passed, counts as one whose half-open failed: a health check may be well while the work
 * is not. Retry-After of the service may extend it (breaker_hold). It ends by
 * the clock, without traffic (breaker_tick; breaker_wake_at says when).
 *
 * Half-open: at most half_open_calls at once, and as many must pass. Results of calls that
 * were begun in an earlier state do not count: a ticket knows its state. It is left at
 * latest half_open_max after the first call in it; as long as no call came there is nothing
 * to conclude, every call is admitted, and it stays.
 *
 * A breaker is a value: copy it, compare runs. Pure; for one thread (the io thread's).
 * After each input take the changes; BREAKER_CHANGES of them are kept.
 */

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/json.h"
#include "engine/base/rng.h"
#include "engine/resilience/settings.h"
#include "store/model.h"

#define BREAKER_SLICES    30
#define BREAKER_RECENT    64
#define BREAKER_CHANGES   4
#define BREAKER_CAUSE_MAX 160
#define BREAKER_ACTOR_MAX 64
#define BREAKER_HOLD_MAX  ((struct span){2 * 3600 * 1000}) /* of a Retry-After */

enum breaker_outcome { OUTCOME_OK, OUTCOME_FAILURE, OUTCOME_NEUTRAL };

struct breaker_change {
    enum breaker_state from, to; /* the same: metrics-only would have opened */
    struct wall at;
    char cause[BREAKER_CAUSE_MAX];
    char actor[BREAKER_ACTOR_MAX]; /* "engine", or who forced it */
};

struct breaker {
    struct breaker_settings settings;
    struct rng rng;
    enum breaker_state state;
    uint32_t epoch;    /* grows with every change of state; 1.. */
    struct wall since; /* in this state */
    struct wall until; /* open: next try; forced: end; half-open: longest stay */
    struct wall due;   /* the earliest moment breaker_tick does something; far = never */
    struct wall hold;  /* the service asked not to be called before */
    int n_reopened;    /* half-opens that failed since it was closed */
    int n_trial;       /* half-open: calls under way */
    int n_passed;      /* half-open: calls and probes that passed */
    int n_in_a_row;    /* failures */
    bool is_tripped;   /* metrics-only: said so already */
    bool is_proven;    /* a real call passed since it was open */
    char cause[BREAKER_CAUSE_MAX], actor[BREAKER_ACTOR_MAX]; /* of this state */
    /* the last 64 outcomes, bit 0 newest */
    uint64_t recent_failed, recent_slow;
    int n_recent;
    /* window */
    int n_calls, n_failed, n_slow;
    int place;        /* count: next; time: slice of slice_at */
    int64_t slice_at; /* number of the newest slice since 1970 */
    int64_t slice_ms;
    union {
        uint8_t ring[BREAKER_CALLS_MAX / 4]; /* two bits a call: 1 failed, 2 slow */
        struct {
            int calls, failed, slow;
        } slices[BREAKER_SLICES];
    } window;
    struct breaker_change changes[BREAKER_CHANGES]; /* oldest first */
    int n_changes;
};

/* The settings are copied, and wrong ones brought into their range. */
void breaker_init(struct breaker *breaker, const struct breaker_settings *settings,
                  uint64_t seed, struct wall now);

/* A ticket for one call, or 0: refused. Every ticket is recorded once. */
uint32_t breaker_admit(struct breaker *breaker, struct wall now);
/* Would it admit one now? Takes nothing. */
bool breaker_admits(const struct breaker *breaker, struct wall now);
void breaker_record(struct breaker *breaker, uint32_t ticket,
                    enum breaker_outcome outcome, struct span took, struct wall now);

/* Everything that happens by the clock. */
void breaker_tick(struct breaker *breaker, struct wall now);
struct wall breaker_wake_at(const struct breaker *breaker); /* unset: never */

/* Retry-After: not before `until` (at most BREAKER_HOLD_MAX from now). */
void breaker_hold(struct breaker *breaker, struct wall until, struct wall now);
/* An active probe was answered, or not. In open a good one ends the stay (unless the service
 * asked to wait) and counts, as in half-open it does. */
void breaker_probed(struct breaker *breaker, bool is_ok, struct wall now);
/* What others see: 0 = no host is healthy. */
void breaker_evidence(struct breaker *breaker, int healthy_percent, struct wall now);

/* state: FORCED_OPEN, FORCED_CLOSED, DISABLED, METRICS, or CLOSED for "by itself again".
 * until unset: until told otherwise. */
void breaker_force(struct breaker *breaker, enum breaker_state state, struct wall until,
                   const char *actor, const char *reason, struct wall now);
/* Forget everything and close. */
void breaker_reset(struct breaker *breaker, const char *actor, const char *reason,
                   struct wall now);

/* The oldest change that was not taken yet. */
bool breaker_take_change(struct breaker *breaker, struct breaker_change *ret_change);

/* Share in percent, 0..100, of the window; -1 = no calls. */
int breaker_failure_percent(const struct breaker *breaker);
int breaker_slow_percent(const struct breaker *breaker);
const char *breaker_window_word(enum breaker_window window);

/* Members of an open JSON object, and back. What is missing or wrong is left as it is; a
 * half-open breaker comes back as one whose stay in open is over, because its calls are
 * lost. A clock that jumped back leaves no stay longer than the settings allow. */
void breaker_save(const struct breaker *breaker, struct jsonw *w);
void breaker_restore(struct breaker *breaker, const struct json *memo, struct wall now);

#endif
