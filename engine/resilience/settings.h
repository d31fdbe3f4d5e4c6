/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_RESILIENCE_SETTINGS_H
#define SIGNALBOX_RESILIENCE_SETTINGS_H

/*
 * Settings of a gate: everything that stands between signalbox and one service. Values
 * only; engine/control/config.c has the table with ranges and defaults.
 */

#include <stdbool.h>

#include "engine/base/clock.h"

enum breaker_window { BREAKER_CONSECUTIVE, BREAKER_COUNT, BREAKER_TIME };

#define BREAKER_CALLS_MAX   1024 /* of a count window */
#define BREAKER_SECONDS_MAX 900  /* of a time window */

struct breaker_settings {
    enum breaker_window window; /* consecutive: only `failures` counts */
    int failures;            /* failures in the window (in a row) that open it; 0 = off */
    int failure_percent;     /* share of failed calls that opens it, 1..100; 0 = off */
    int slow_percent;        /* share of slow calls that opens it; 0 = off */
    struct span slow;        /* a call that takes longer is slow */
    int min_calls;           /* shares count from so many calls on */
    int window_calls;        /* BREAKER_COUNT: 1..BREAKER_CALLS_MAX */
    struct span window_time; /* BREAKER_TIME: 1 s..BREAKER_SECONDS_MAX */
    struct span open,
        open_max;        /* first stay in open; doubles with each failed half-open */
    int jitter_percent;  /* of the stay, drawn on top */
    int half_open_calls; /* permitted at once, and needed to pass, in half-open */
    struct span half_open_max; /* longest stay in half-open with calls that do not end;
                                  then open again */
    struct span probe; /* between two active probes while not closed; 0 = one when it
                          becomes half-open; not for kinds that only work can probe */
};

struct gate_settings {
    struct breaker_settings breaker;
    /* bulkhead */
    int concurrency;        /* calls in flight at once, 1..1000 */
    int queue;              /* calls that may wait for a place; more are refused */
    struct span queue_time; /* longest wait for a place; a limit is waited for longer */
    bool is_adaptive;       /* the limit follows the latency, between 1 and concurrency */
    /* timeouts, from the inside out; the state's deadline is the fourth */
    struct span connect_time; /* until connected */
    struct span attempt_time; /* one request with its answer */
    struct span call_time;    /* with all its repetitions, from the first one on */
    /* repetitions of reads */
    int retries;
    int retry_percent; /* budget: repetitions as a share of calls, 0..100 */
    struct span retry_min, retry_max; /* decorrelated jitter between them */
    struct span hedge; /* reads: a second try after so long without answer; 0 = no */
    /* rate */
    int rate; /* calls in rate_time; 0 = no limit of ours */
    struct span rate_time;
    int create_rate; /* creating calls in create_time; 0 = no limit of ours */
    struct span create_time;
    int reserve_percent;     /* of the quota, kept for what an operator asks for */
    struct span write_pause; /* between two writing calls */
    struct span poll; /* longest pause between two looks at what runs there; 0 = 1 min */
    /* release of parked workflows after the breaker closed */
    struct span ramp; /* all are let go within about this time */
};

#endif
