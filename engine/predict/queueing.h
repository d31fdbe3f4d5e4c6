/* SPDX-License-Identifier: MIT */
#ifndef SIGNALBOX_PREDICT_QUEUEING_H
#define SIGNALBOX_PREDICT_QUEUEING_H

/*
 * Queueing: what would another limit of workers, runners or concurrent workflows give?
 *
 * Arrivals at a rate, service times with a mean and a squared coefficient of variation (scv =
 * variance / mean^2), c servers, one queue. Waiting by Erlang's C formula for M/M/c, corrected
 * for variation as by Allen and Cunneen (A. O. Allen, "Probability, Statistics and Queueing Theory
 * with Computer Science Applications", 2nd ed. 1990, 5.3):
 *     W(G/G/c) = W(M/M/c) * (scv_arrival + scv_service) / 2
 * The wait's distribution: with chance p_wait an exponential of the conditional mean (exact for
 * M/M/c). A limit at which work arrives faster than it can be done has no steady state: the queue
 * grows by what is left over, and throughput is what c servers do.
 *
 * A model is believed only after it told the past: queueing_check() compares the wait it gives for
 * the observed inputs at the observed limit with the wait that was observed.
 *
 * Pure. Unknown is NAN. Rates per second, times in seconds.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUEING_SERVERS_MAX 100000

struct queueing_load {
    double arrival_rate; /* per second, >= 0 */
    double service;      /* mean, seconds, > 0 */
    double scv_arrival;  /* 1 = Poisson; NAN counts as 1 */
    double scv_service;  /* 1 = exponential, 0 = always the same; NAN counts as 1 */
};

struct queueing_answer {
    bool is_known;  /* false: the inputs are no load, all else is NAN */
    bool is_stable; /* false: the queue grows without end, waits are INFINITY */
    double offered; /* erlangs: servers that are busy on average if there are enough */
    double utilization; /* 0 to 1 */
    double p_wait;      /* chance that an arrival waits */
    double wait;        /* mean over all arrivals, seconds */
    double wait_p50, wait_p90, wait_p95;
    double queue;      /* waiting on average */
    double throughput; /* done per second */
    double growth;     /* of the queue per second; 0 when stable */
};

/* With `servers` of them, 1 to QUEUEING_SERVERS_MAX. */
struct queueing_answer queueing_run(const struct queueing_load *load, int servers);

/* The least number of servers with which the mean wait is at most `wait` seconds; 0: no number up
 * to `servers_max` does. */
int queueing_servers_for(const struct queueing_load *load, double wait, int servers_max);

/* Chance that an arrival waits in M/M/c with that many erlangs offered (Erlang C); 1 at and beyond
 * saturation. */
double queueing_erlang_c(double offered, int servers);

/*
 * Load and wait of a history: one row per piece of work, in the order of arrival. Times in seconds from
 * any origin; NAN = not known (still waiting, still running).
 */
struct queueing_row {
    double arrived, started, ended;
};

struct queueing_history {
    size_t n; /* arrivals */
    struct queueing_load load;
    double wait; /* observed mean, NAN = unknown */
    double wait_p90;
};
/* Rows sorted by arrival. Needs 2 arrivals for a rate, 1 ended one for the service. */
struct queueing_history queueing_observe(const struct queueing_row *rows, size_t n);

struct queueing_check {
    bool is_known; /* enough history for a comparison */
    bool
        is_credible; /* the model's wait is within a factor of QUEUEING_FACTOR of what was
                         * observed, or both are under QUEUEING_SMALL of a service time */
    size_t n;
    double observed, predicted; /* mean wait, seconds */
    double
        error; /* ln(predicted / observed), of waits not below QUEUEING_SMALL of a service time */
};
#define QUEUEING_CHECK_MIN 30 /* pieces of work */
#define QUEUEING_FACTOR    2.0
#define QUEUEING_SMALL     0.05
/* How well the model tells the observed wait at the limit that was in force. */
struct queueing_check queueing_check(const struct queueing_history *history, int servers);

#endif
